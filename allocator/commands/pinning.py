"""``solve --pins``: quotas that somebody changed in a workbook, held, and what that costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocator.commands.common import Session, show
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.edited_quotas import Changes, Figure
    from allocator.model import Model
    from allocator.plan import Plan
    from allocator.solving import Progress


def pins_option() -> click.Option:
    """Build ``--pins``."""
    return click.Option(
        ["--pins"],
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help=_("Hold the quotas that were changed in FILE, the plan.xlsx of a run, and say what that costs."),
    )


def changes_of(session: Session, path: Path, model: Model) -> Changes:
    """Read what was changed; warn where the workbook was written for another model."""
    from allocator.edited_quotas import read_changes

    changes = read_changes(path)
    if changes.written_for != model.sha256:
        says = _("{file} was written for another version of this model. What differs from its own numbers is held.")
        session.warn(says.format(file=path))
    return changes


def solve_pinned(model: Model, changes: Changes, progress: Progress, **options: Any) -> tuple[Plan, list[Figure]]:
    """Plan a model with the changes as pins, and without them to compare; figures only where both have a plan."""
    from allocator.edited_quotas import cost, pinned
    from allocator.replanning import Replanner
    from allocator.solving import solve

    held = pinned(model, changes)
    strict, keep = bool(options.get("strict")), options.get("keep")
    if options.get("engine") or options.get("seconds"):
        without = solve(model, progress=progress, **{**options, "visits": False, "keep": None})
        plan = solve(held, progress=progress, **options)
    else:
        replanner = Replanner(model, strict=strict, progress=progress)
        without = replanner.base
        plan = replanner.plan(held, visits=True, keep=keep, progress=progress)
    if not plan.tables or not without.tables:
        return plan, []
    figures = cost(without, plan, changes)
    told = {"changed": len(changes.pins), "cost": {f.key: {"without": f.before, "with": f.after} for f in figures}}
    return replace(
        plan, tables={**plan.tables, "pinned": changes.pins}, summary={**plan.summary, "pins": told}
    ), figures


def show_cost(plan: Plan, changes: Changes, figures: list[Figure]) -> None:
    """Print what holding the changes costs."""
    from rich.table import Table
    from rich.text import Text

    from allocator.reporting.amounts import MONEY, Amounts, count
    from allocator.reporting.words import LEVELS

    amounts = Amounts(plan.model.settings.money_unit, plan.model.settings.currency)
    head = _("Changed quotas that are held: {count}").format(count=f"{len(changes.pins):,}")
    differing = [f for f in figures if abs(f.after - f.before) > 0.005]
    if not differing:
        show(Text(head, style="bold"), Text("  " + _("They cost nothing: no other figure changes.")))
        return
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("what it costs"), overflow="fold")
    for heading in (_("without"), _("with them"), _("difference")):
        grid.add_column(heading, justify="right", no_wrap=True)
    for figure in differing:
        money = figure.key in MONEY or bool(figure.level) or figure.key.startswith("commission")
        say = amounts.money if money else count
        name = _(figure.label) + (f" ({_(LEVELS[figure.level])})" if figure.level else "")
        change = figure.after - figure.before
        grid.add_row(name, say(figure.before), say(figure.after), ("+" if change > 0 else "-") + say(abs(change)))
    same = [_(f.label) for f in figures if not f.level and f not in differing and f.before == f.before]
    lines = [Text(_("unchanged: {names}").format(names=_(", ").join(same)), style="dim")] if same else []
    show(Text(head, style="bold"), grid, *lines, Text())
