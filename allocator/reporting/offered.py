"""The screen after a solve: what units and reps have offered beside what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from allocator.committing.tables import COMMITMENT, shares_of_units
from allocator.plan import Plan
from allocator.reporting.amounts import Amounts
from allocator.reporting.words import LEVELS
from allocator.texts import N_, _

LINES = 8
"""Units shown for a level; the others stand in the file."""

TAKEN = {
    "show": N_("They are shown beside the quotas and change nothing."),
    "prefer": N_("The quotas are as near to them as what the company needs allows."),
    "pin": N_("They are fixed quotas."),
}
"""What the setting ``commitments`` means."""


def offered(plan: Plan, amounts: Amounts) -> RenderableType:
    """Return the gap between top-down and bottom-up by unit, to be printed by rich."""
    table = plan["commitments"]
    parts: list[RenderableType] = []
    for level, units in shares_of_units(table).groupby("level", sort=False):
        parts.append(_units(plan, units, str(level), amounts))
    return Group(*parts, *(Text(line, style="dim") for line in _notes(plan, table)))


def _units(plan: Plan, units: pd.DataFrame, level: str, amounts: Amounts) -> RenderableType:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("unit") + " (" + _(LEVELS[level]) + ")", overflow="fold")
    for heading in (_("committed"), _("asked of them"), _("difference"), _("asked of others")):
        grid.add_column(heading, justify="right", no_wrap=True)
    rank = units["unit"].map(lambda u: len(plan.model.ancestors[u]))
    units = units.assign(rank=rank).sort_values(["rank", "asked"], ascending=[True, False], kind="stable")
    for row in units.head(LINES).to_dict("records"):
        difference = float(row["difference"])
        said = ("+" if difference > 0 else "") + amounts.money(difference)
        sums = [amounts.money(float(x)) for x in (row["committed"], row["asked"] - row["uncommitted"])]
        cells = [*map(Text, sums), Text(said, style="red" if difference > 0.5 else "")]
        name = "  " * (int(row["rank"]) - 1) + str(row["unit"])
        grid.add_row(name, *cells, Text(amounts.money(float(row["uncommitted"]))))
    if len(units) > LINES:
        grid.add_row("…")
    return grid


def _notes(plan: Plan, table: pd.DataFrame) -> Iterator[str]:
    yield _(TAKEN[plan.model.settings.commitments])
    mine = table[table["kind"] == COMMITMENT]
    high = int((mine["committed"] > mine["forecast"] * (1 + 1e-6) + 0.5).sum())
    if high:
        says = _("commitments above the forecast of what they are for: {count}, in commitments.csv")
        yield says.format(count=f"{high:,}")
