"""How a rep's quota came about, on one screen, and as a mapping for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.explaining.why import FIGURES, Moved, Why
from allocator.reporting.amounts import Amounts, count, share
from allocator.reporting.words import LEVELS
from allocator.texts import N_, _

ROWS = {
    "history": N_("sold before (history)"),
    "potential": N_("the most his clients buy"),
    "forecast": N_("forecast"),
    "fair": N_("fair share"),
    "base": N_("base quota"),
    "stretch": N_("stretch quota"),
    "ceiling": N_("ceiling quota"),
    "hours": N_("selling hours"),
    "clients": N_("clients"),
}
STOPPED = {
    "pin": N_("A pin says this number."),
    "floor": N_("It is the least quota that the table of reps sets."),
    "cap": N_("It is the largest quota that the table of reps allows."),
    "forecast": N_("It is all that the forecast carries: base asks for no more than can be sold."),
    "above fair": N_("It is as far above the fair share as fairness allows ({band})."),
    "below fair": N_("It is as far below the fair share as fairness allows ({band})."),
    "need": N_("The company needs no more: what is needed is asked of all in the same part of their forecast."),
}
MOVES = {
    ("hours", True): N_("10 percent more selling hours"),
    ("hours", False): N_("10 percent fewer selling hours"),
    ("demand", True): N_("his clients buy 10 percent more"),
    ("demand", False): N_("his clients buy 10 percent less"),
    ("target", True): N_("target {target} asks 10 percent more"),
    ("target", False): N_("target {target} asks 10 percent less"),
}
NEEDS = 4
"""Targets that are shown."""


def report(found: Why) -> RenderableType:
    """Return the trace of a quota to be printed by rich."""
    amounts = Amounts(found.model.settings.money_unit, found.model.settings.currency)
    name = str(found.model["reps"].set_index("rep")["name"][found.rep])
    title = f"{found.rep} {name}".strip()
    parts: list[RenderableType] = [
        Text(_("How the quota of {rep} came about").format(rep=title), style="bold"),
        Padding(_table(found, amounts), (0, 0, 0, 2)),
        Text(),
        Text(_("What it stands at"), style="bold"),
    ]
    parts += [Padding(Text(line), (0, 0, 0, 2)) for line in _reasons(found, amounts)]
    parts += [Text(), Text(_("What would move the base quota, each planned anew"), style="bold")]
    parts.append(Padding(_moves(found, amounts), (0, 0, 0, 2)))
    return Group(*parts)


def _table(found: Why, amounts: Amounts) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("")
    for heading in (
        found.rep,
        _("mean of {unit}").format(unit=found.unit),
        _("share of {unit}").format(unit=found.unit),
    ):
        grid.add_column(heading, justify="right", overflow="fold")
    for key in FIGURES:
        values = found.figures[key]
        own, mean, total = float(values[found.rep]), float(values.mean()), float(values.sum())
        if not total or math.isnan(own):
            continue
        says = count if key in ("hours", "clients") else amounts.money
        style = "bold" if key == "base" else ""
        grid.add_row(_(ROWS[key]), says(own), says(mean), share(own / total), style=style)
    return grid


def _reasons(found: Why, amounts: Amounts) -> Iterator[str]:
    band = share(found.model.settings.fairness.band)
    yield _(STOPPED[found.stopped]).format(band=band)
    mine = {k: float(found.figures[k][found.rep]) for k in FIGURES}
    if mine["forecast"] > 0:
        says = _("Base asks {part} of the forecast; the forecast is {of_potential} of the most his clients buy.")
        potential = share(mine["forecast"] / mine["potential"]) if mine["potential"] > 0 else "–"
        yield says.format(part=share(mine["base"] / mine["forecast"]), of_potential=potential)
    for row in found.pins.to_dict("records"):
        cut = _(", ").join(str(v) for v in (row["product"], row["period"], _(LEVELS[row["level"]])) if v)
        yield _("Pin: {amount} ({cut})").format(amount=amounts.money(float(row["amount"])), cut=cut)
    for row in found.asked.head(NEEDS).to_dict("records"):
        name = str(row["target"]) + (f" ({row['each']})" if row["each"] else "")
        text = _("Target {target} counts him: {required} needed, {asked} asked of all whom it counts")
        if row["target"] == "forecast" and "forecast" not in set(found.model["targets"]["target"]):
            text = _("No target asks for revenue: base asks for the whole forecast ({required})")
        yield text.format(
            target=name, required=amounts.money(float(row["required"])), asked=amounts.money(float(row["asked"]))
        )
    if len(found.asked) > NEEDS:
        yield _("… and {count} more targets").format(count=len(found.asked) - NEEDS)


def _moves(found: Why, amounts: Amounts) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column("", overflow="fold")
    grid.add_column(_("base quota"), justify="right")
    grid.add_column(_("forecast"), justify="right")
    for move in found.moved:
        grid.add_row(_said(move), _signed(amounts, move.quota), _signed(amounts, move.forecast))
    return grid


def _said(move: Moved) -> str:
    return _(MOVES[move.kind, move.part > 0]).format(target=move.name)


def _signed(amounts: Amounts, value: float) -> str:
    if math.isnan(value):
        return _("no plan")
    if abs(value) < 0.005:
        return "0"
    return ("+" if value > 0 else "−") + amounts.money(abs(value))


def as_mapping(found: Why) -> dict[str, Any]:
    """Return the trace of a quota for JSON."""
    own = {k: _number(float(found.figures[k][found.rep])) for k in FIGURES}
    return {
        "rep": found.rep,
        "unit": found.unit,
        "figures": own,
        "team": {str(rep): {k: _number(float(row[k])) for k in FIGURES} for rep, row in found.figures.iterrows()},
        "stands_at": found.stopped,
        "needed": found.asked[["target", "each", "bound", "required", "asked"]].to_dict("records"),
        "moves": [
            {
                "what": m.kind,
                "target": m.name,
                "part": m.part,
                "quota": _number(m.quota),
                "forecast": _number(m.forecast),
            }
            for m in found.moved
        ],
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
