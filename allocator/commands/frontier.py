"""The command ``frontier``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from allocator.commands.common import Command, Session, show
from allocator.commands.loading import load_model, run_name, scenario_option
from allocator.commands.running import in_background
from allocator.places import find_model
from allocator.texts import _


def frontier_command() -> click.Command:
    """Build ``allocator frontier``."""
    short = _("Follow contribution and targets along a limit.")
    text = _(
        "MODEL is a folder, a workbook or the name of a shipped model. A limit is line=NAME, least=NAME, budget, 'budget category=NAME', "
        "'hours unit=NAME', 'heads unit=NAME', resource=NAME, supply=PRODUCT, target=NAME or promise=TIER."
    )
    params: list[click.Parameter] = [
        click.Argument(["model"]),
        scenario_option(),
        click.Option(["--limit"], required=True, metavar="LIMIT", help=_("The limit that is moved.")),
        click.Option(["--limit2"], metavar="LIMIT", help=_("A second one, which is crossed with it.")),
        click.Option(
            ["--from", "low"], type=float, default=0.6, metavar="PART", help=_("From this part of it; 0.6 if not said.")
        ),
        click.Option(
            ["--to", "high"], type=float, default=1.4, metavar="PART", help=_("Up to this part of it; 1.4 if not said.")
        ),
        click.Option(
            ["--points"],
            type=click.IntRange(min=2),
            metavar="N",
            help=_("Points of a grid each way, or of a curve, of which bends are not looked for then."),
        ),
        click.Option(["--strict"], is_flag=True, help=_("Promised visits and base targets must be reached.")),
        click.Option(
            ["-o", "--output"],
            metavar="DIR",
            help=_("Folder of the frontier; else runs/ and the model's name with -frontier."),
        ),
    ]
    return Command("frontier", _frontier, short, text, params)


def _frontier(
    session: Session,
    model: str,
    scenario: str | None,
    limit: str,
    limit2: str | None,
    low: float,
    high: float,
    points: int | None,
    strict: bool,
    output: str | None,
) -> int:
    from allocator.explaining.frontier import frontier
    from allocator.explaining.frontier_screen import SUMMARY, report, write_frontier
    from allocator.explaining.limits import parse_limit
    from allocator.formulation.grain import make_grain
    from allocator.reporting.run import check_place, summary_text

    if not 0 <= low < high:
        raise click.BadParameter(_("a part below --to is expected, 0 or more"), param_hint="--from")
    path = find_model(model)
    folder = Path(output) if output else Path("runs") / f"{run_name(path, scenario)}-frontier"
    check_place(folder, SUMMARY)
    loaded = load_model(session, path, scenario, findings=False)
    grain = make_grain(loaded.model)
    limits = [parse_limit(loaded.model, grain, text) for text in (limit, limit2) if text]
    found = in_background(
        session,
        lambda progress: frontier(loaded.model, limits, low, high, points=points, strict=strict, progress=progress),
    )
    summary = write_frontier(found, folder)
    if not session.json and not session.quiet:
        show(report(found, folder))
    session.answer(json.loads(summary_text(summary)))
    return 0
