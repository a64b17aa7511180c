"""The command ``health``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from allocator.commands.common import Command, Session, show
from allocator.commands.loading import load_model, run_name, scenario_option
from allocator.commands.running import in_background
from allocator.places import find_model
from allocator.texts import _


def health_command() -> click.Command:
    """Build ``allocator health``."""
    short = _("Check what happened so far for what warns: pipeline, visits, cash, clients in danger.")
    text = _("Thresholds stand in the table thresholds; a check that lacks data says what it needs.")
    return Command(
        "health",
        _health,
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
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                metavar="RUN",
                help=_("The run in force; else runs/ and the model's name, where that is there."),
            ),
            scenario_option(),
            click.Option(
                ["-o", "--output"],
                metavar="DIR",
                help=_("Folder of the checks; else runs/, the model's name and health."),
            ),
            click.Option(["--no-what-if"], is_flag=True, help=_("Do not plan what moving money would bring: quicker.")),
        ],
    )


def _health(
    session: Session,
    model: str,
    actuals: Path | None,
    as_of: str,
    plan: Path | None,
    scenario: str | None,
    output: str | None,
    no_what_if: bool,
) -> None:
    from allocator.health import health_checks
    from allocator.health.screen import report
    from allocator.health.writing import SUMMARY, write_health
    from allocator.reporting.run import check_place, summary_text
    from allocator.reviewing.actuals import read_actuals
    from allocator.reviewing.review import open_published
    from allocator.schema.parsing import read_date

    try:
        day = read_date(as_of)
    except ValueError as error:
        raise click.BadParameter(_("a date is expected, such as 2026-03-31"), param_hint="--as-of") from error
    path = find_model(model)
    folder = Path(output) if output else Path("runs") / f"{run_name(path, scenario)}-health"
    check_place(folder, SUMMARY)
    loaded = load_model(session, path, scenario)
    usual = Path("runs") / run_name(path, scenario)
    plan = plan or (usual if (usual / "summary.json").is_file() else None)
    published = None if plan is None else open_published(plan)
    told = read_actuals(loaded.model, actuals, day, known=published.past if published else ())
    session.findings(told.findings)
    found = in_background(
        session,
        lambda progress: health_checks(loaded.model, told, published, what_if=not no_what_if, progress=progress),
    )
    about = {"model": loaded.model.name, "as_of": day.isoformat(), "plan": published.name if published else None}
    summary = write_health(found, folder, about)
    session.answer(json.loads(summary_text(summary)))
    if not session.json and not session.quiet:
        show(report(found, loaded.model, day.isoformat(), folder))
