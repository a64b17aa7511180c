"""The command ``fund``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from allocator.commands.common import Command, Session, show
from allocator.commands.loading import load_model, scenario_option
from allocator.commands.running import in_background
from allocator.errors import InfeasibleError
from allocator.places import find_model
from allocator.texts import _


def fund_command() -> click.Command:
    """Build ``allocator fund``."""
    short = _("Find the least money that reaches the targets, or how far a sum goes.")
    text = _("MODEL is a folder, a workbook or the name of a shipped model. Lines may spend beyond their maxima here.")
    params: list[click.Parameter] = [
        click.Argument(["model"]),
        scenario_option(),
        click.Option(
            ["--level"],
            type=click.Choice(["base", "stretch", "ceiling"]),
            default="base",
            help=_("Whose targets; base if not said."),
        ),
        click.Option(
            ["--budget"], type=click.FloatRange(min=0), metavar="MONEY", help=_("See how far this sum goes instead.")
        ),
        click.Option(
            ["-o", "--output"],
            type=click.Path(dir_okay=False, path_type=Path),
            metavar="FILE",
            help=_("Also write the money by line and month to a CSV file."),
        ),
    ]
    return Command("fund", _fund, short, text, params)


def _fund(
    session: Session, model: str, scenario: str | None, level: str, budget: float | None, output: Path | None
) -> int:
    from allocator.explaining.funding import fund, fund_with
    from allocator.explaining.funding_screen import as_mapping, report
    from allocator.reporting.run import replace_file, summary_text
    from allocator.reporting.table_text import csv_parts

    loaded = load_model(session, find_model(model), scenario, findings=False)
    found = in_background(
        session,
        lambda progress: (
            fund(loaded.model, level, progress=progress)
            if budget is None
            else fund_with(loaded.model, budget, level, progress=progress)
        ),
    )
    if output is not None:
        replace_file(output, csv_parts(found.spend))
    if not session.json and not session.quiet:
        show(report(found))
    session.answer(json.loads(summary_text(as_mapping(found))))
    return InfeasibleError.exit_code if found.status == "impossible" else 0
