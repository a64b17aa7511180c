"""The command ``compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.commands.common import Command, Session, show
from allocator.commands.helping import helpers
from allocator.commands.loading import load_model, run_name
from allocator.commands.paging import add_page
from allocator.commands.running import EXIT_CODES, in_background, seconds_option
from allocator.errors import EngineError
from allocator.places import find_model
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.comparing import Comparison


def compare_command() -> click.Command:
    """Build ``allocator compare``."""
    short = _("Plan a model with and without scenarios, and show what differs and why.")
    text = _(
        "MODEL is a folder, a workbook or the name of a shipped model. Each -s is a scenario, or several that hold together as A+B; "
        "one that varies values is swept."
    )
    return Command(
        "compare",
        _compare,
        short,
        text,
        [
            click.Argument(["model"]),
            click.Option(
                ["-s", "--scenario", "scenarios"],
                multiple=True,
                required=True,
                metavar="A+B",
                help=_("A scenario to compare; may be given several times."),
            ),
            click.Option(
                ["-o", "--output"],
                metavar="DIR",
                help=_("Folder of the comparison; else runs/ and the model's name with -compare."),
            ),
            click.Option(["--no-visits"], is_flag=True, help=_("Give visits no dates: quicker.")),
            click.Option(["--no-bridge"], is_flag=True, help=_("Do not say which event costs what: quicker.")),
            click.Option(
                ["--singly"],
                is_flag=True,
                help=_("Tell each response and each change by itself, not those of a scenario as one: takes longer."),
            ),
            click.Option(
                ["--orders"],
                type=click.IntRange(min=2),
                metavar="N",
                help=_("Orders that a bridge of more than four steps looks at; more take longer and tell finer."),
            ),
            click.Option(["--strict"], is_flag=True, help=_("Promised visits and base targets must be reached.")),
            click.Option(
                ["--engine"], metavar="E", help=_("ortools, highs, pulp, or pulp:NAME, a solver that PuLP knows.")
            ),
            seconds_option(
                _("Stop the search of each plan after so many seconds; what is not proved by then is no plan.")
            ),
        ],
    )


def _compare(
    session: Session,
    model: str,
    scenarios: tuple[str, ...],
    output: str | None,
    no_visits: bool,
    no_bridge: bool,
    singly: bool,
    orders: int | None,
    strict: bool,
    engine: str | None,
    seconds: float | None,
) -> int:
    import functools

    from allocator.comparing import compare
    from allocator.comparing.planning import FromTheFirst, Planner
    from allocator.comparing.sharing import ORDERS
    from allocator.comparing.writing import SUMMARY, write_comparison
    from allocator.reporting.run import check_place, summary_text
    from allocator.solving import solve

    path = find_model(model)
    folder = Path(output) if output else Path("runs") / f"{run_name(path, None)}-compare"
    check_place(folder, SUMMARY)
    loaded = load_model(session, path)
    with helpers(loaded.model) as crew:
        planner: Planner = FromTheFirst(strict=strict, workers=crew)
        if engine is not None or seconds is not None:
            planner = functools.partial(solve, engine=engine, strict=strict, seconds=seconds, workers=crew)
        comparison = in_background(
            session,
            lambda progress: compare(
                loaded.model,
                scenarios,
                planner=planner,
                dated=not no_visits,
                bridges=not no_bridge,
                orders=orders or ORDERS,
                singly=singly,
                progress=progress,
            ),
        )
        summary = write_comparison(comparison, folder, crew=crew)
    add_page(session, folder)
    session.answer(json.loads(summary_text(summary)))
    if not session.json and not session.quiet:
        from allocator.comparing.screen import report

        show(report(comparison, folder))
    return _exit_code(session, comparison)


def _exit_code(session: Session, comparison: Comparison) -> int:
    """The worst that came of any plan; what has no plan is said to those who see no screen."""
    plans = {_("base plan"): comparison.base, **{case.name: case.plan for case in comparison.cases}}
    for name, plan in plans.items():
        if plan.tables and plan.summary["audit"]["violations"]:
            session.warn(_("The audit refuses the plan of {name}; please report it.").format(name=name))
            return EngineError.exit_code
        if not plan.tables and (session.json or session.quiet):
            for reason in plan.reasons:
                session.warn(f"{name}{_(': ')}{reason}")
    return max(EXIT_CODES.get(status, EngineError.exit_code) for status in comparison.statuses)
