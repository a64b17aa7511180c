"""The command ``review``."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocator.commands.common import Command, Session, show
from allocator.commands.loading import load_model, run_name, scenario_option
from allocator.commands.registering import PLACE, VARIABLE
from allocator.commands.running import EXIT_CODES, Progress, in_background
from allocator.errors import EngineError, Finding, InputError
from allocator.places import find_model
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.health import Health
    from allocator.model import Model
    from allocator.reviewing.published import Published
    from allocator.reviewing.review import Review


def review_command() -> click.Command:
    """Build ``allocator review``."""
    short = _("Hold what happened against the plan, and plan the rest of the year again.")
    text = _(
        "MODEL is the business as it is now. The past stands as it happened; numbers already given to people move only where there "
        "is a reason."
    )
    return Command(
        "review",
        _review,
        short,
        text,
        [
            click.Argument(["model"]),
            click.Option(
                ["--actuals"],
                type=click.Path(exists=True, dir_okay=False, path_type=Path),
                metavar="FILE",
                help=_("What happened: a CSV file or a workbook; else the model's own table actuals."),
            ),
            click.Option(
                ["--as-of"],
                required=True,
                metavar="DATE",
                help=_("Months that are over by this day are past: 2026-03-31."),
            ),
            click.Option(
                ["--plan"],
                metavar="RUN|NUMBER",
                help=_(
                    "The plan in force: a run, or the number of a published version; else the model's published plan, else runs/."
                ),
            ),
            click.Option(
                ["--registry"], metavar="PATH|URL", help=_("Where published plans are; as for allocator versions.")
            ),
            scenario_option(),
            click.Option(
                ["-o", "--output"],
                metavar="DIR",
                help=_("Folder of the new run; else runs/, the model's name and the date."),
            ),
            click.Option(["--no-visits"], is_flag=True, help=_("Visits get no dates: quicker.")),
            click.Option(
                ["--no-curve"],
                is_flag=True,
                help=_(
                    "Do not work out what fewer changes cost, nor what money moved between lead channels would bring: quicker."
                ),
            ),
            click.Option(
                ["--engine"], metavar="E", help=_("ortools, highs, pulp, or pulp:NAME, a solver that PuLP knows.")
            ),
        ],
    )


def _review(
    session: Session,
    model: str,
    actuals: Path | None,
    as_of: str,
    plan: str | None,
    registry: str | None,
    scenario: str | None,
    output: str | None,
    no_visits: bool,
    no_curve: bool,
    engine: str | None,
) -> int:
    from allocator.health import health_checks
    from allocator.health.writing import brief_of
    from allocator.reporting.run import check_place, summary_text, write_run
    from allocator.reviewing.actuals import read_actuals
    from allocator.reviewing.review import review

    day = _day(as_of)
    path = find_model(model)
    folder = Path(output) if output else Path("runs") / f"{run_name(path, scenario)}-{day.isoformat()}"
    check_place(folder)
    loaded = load_model(session, path, scenario)

    def work(published: Published, progress: Progress) -> tuple[Review, Health]:
        told = read_actuals(loaded.model, actuals, day, known=published.past)
        options: dict[str, Any] = {"engine": engine, "visits": not no_visits, "curve": not no_curve}
        found = review(loaded.model, told, published, progress=progress, **options)
        progress(_("health checks"))
        return found, health_checks(loaded.model, told, published, what_if=not no_curve)

    with _published(loaded.model, path, plan, registry) as published:
        found, health = in_background(session, lambda progress: work(published, progress))
    session.findings(found.findings)
    summary = {**found.summary, "scenarios": list(loaded.scenarios), "health": brief_of(health)}
    written = replace(found.plan, summary=summary, findings=(*found.plan.findings, *health.findings))
    summary = write_run(written, folder, more={**found.files(), **health.files()})
    session.answer(json.loads(summary_text(summary)))
    return _told(session, found, health, folder, summary)


def _told(session: Session, found: Review, health: Health, folder: Path, summary: Mapping[str, Any]) -> int:
    """Show what came out; returns the exit code."""
    if not session.json and not session.quiet:
        from allocator.health.screen import brief
        from allocator.reviewing.screen import report

        show(report(found, folder, brief(health, found.actuals.model)))
    elif found.plan.status != "optimal":
        for reason in found.plan.reasons:
            session.warn(reason)
    if found.plan.tables and summary["audit"]["violations"]:
        session.warn(_("The audit refuses this plan; please report it. It is written so that it can be looked into."))
        return EngineError.exit_code
    return EXIT_CODES.get(found.plan.status, EngineError.exit_code)


def _day(text: str) -> dt.date:
    from allocator.schema.parsing import read_date

    try:
        return read_date(text)
    except ValueError as error:
        raise click.BadParameter(_("a date is expected, such as 2026-03-31"), param_hint="--as-of") from error


@contextlib.contextmanager
def _published(model: Model, path: Path, plan: str | None, registry: str | None) -> Iterator[Published]:
    """Open the plan in force: what was named, else the published one, else the model's run."""
    from allocator.reviewing.review import open_published

    if plan is not None and Path(plan).exists():
        yield open_published(Path(plan))
        return
    place = registry or os.environ.get(VARIABLE) or PLACE
    if plan is not None or "://" in str(place) or Path(place).exists():
        from allocator.registry import Registry

        with Registry(place) as known:
            company = model.settings.company
            version = known.get(plan) if plan else known.latest(model.name, company=company, start=model.settings.start)
            if version is not None:
                with known.opened(version) as folder:
                    yield open_published(folder, version.number)
                return
    usual = Path("runs") / run_name(path, None)
    if not usual.exists():
        says = _("There is no plan in force: no published one, and no {folder}. Name a run or a version with --plan.")
        raise InputError([Finding("error", str(usual), "", "", "", "place", says.format(folder=usual))])
    yield open_published(usual)
