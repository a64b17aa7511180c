"""The command ``explain``."""

from __future__ import annotations

import click

from allocator.commands.common import Command, Session, show
from allocator.commands.loading import load_model, scenario_option
from allocator.commands.pricing import explain_prices, explain_rep, is_run, pricing_params
from allocator.commands.running import in_background
from allocator.errors import EngineError, InfeasibleError, InputError
from allocator.places import find_model
from allocator.texts import _

EXIT_CODES = {
    "met": 0,
    "missed": 0,
    "impossible": InfeasibleError.exit_code,
    "refused": InputError.exit_code,
    "limit": 4,
}


def explain_command() -> click.Command:
    """Build ``allocator explain``."""
    short = _("Say why there is no plan, or why wishes are missed, and what would help.")
    text = _(
        "MODEL is a folder, a workbook or the name of a shipped model. Of a RUN, or with --prices, the limits that bind are priced "
        "(prices.csv in the run); with --rep a rep's quota is traced."
    )
    params: list[click.Parameter] = [
        click.Argument(["model"]),
        scenario_option(),
        click.Option(["--strict"], is_flag=True, help=_("Promised visits and base targets must be reached.")),
        click.Option(
            ["--most"],
            type=click.IntRange(min=1),
            default=5,
            metavar="N",
            help=_("Clashes that are looked for; 5 if not said."),
        ),
        click.Option(
            ["--engine"], metavar="E", help=_("ortools, highs, pulp, or pulp:NAME, a solver that PuLP knows.")
        ),
        click.Option(
            ["--seconds"],
            type=click.FloatRange(min=0, min_open=True),
            metavar="S",
            help=_("Stop after so many seconds; what was found by then is told."),
        ),
    ]
    return Command("explain", _explain, short, text, [*params, *pricing_params()])


def _explain(
    session: Session,
    model: str,
    scenario: str | None,
    strict: bool,
    most: int,
    engine: str | None,
    seconds: float | None,
    prices: bool,
    limits: tuple[str, ...],
    rep: str | None,
) -> int:
    if rep is not None:
        return explain_rep(session, model, scenario, rep, strict=strict)
    if prices or limits or is_run(model):
        return explain_prices(session, model, scenario, limits, strict=strict)
    from allocator.explaining.explanation import explain
    from allocator.explaining.report import as_mapping, report

    path = find_model(model)
    loaded = load_model(session, path, scenario, findings=False)
    scenarios = None
    if scenario:
        from allocator.scenarios.applying import with_scenarios

        base = load_model(session, path, findings=False).model
        scenarios = (base, [(s, s.steps) for s in with_scenarios(base, scenario).scenarios])
    found = in_background(
        session,
        lambda progress: explain(
            loaded.model,
            scenarios=scenarios,
            strict=strict,
            engine=engine,
            most=most,
            seconds=seconds,
            progress=progress,
        ),
    )
    if not session.json and not session.quiet:
        show(report(found, loaded.scenarios))
    session.answer(as_mapping(found) | {"scenarios": list(loaded.scenarios)})
    return EXIT_CODES.get(found.status, EngineError.exit_code)
