"""What a sweep shows on the screen: a table, curves over one value, a grid over two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.comparing.curves import curve_text
from allocator.comparing.differences import figures
from allocator.comparing.sheets import CHARTS, MEASURES, curves
from allocator.comparing.sweeping import Sweep
from allocator.comparing.words import FLIPS, KPIS, figure
from allocator.plan import Plan
from allocator.reporting.amounts import UNITS, Amounts
from allocator.reporting.words import STATUSES
from allocator.texts import _, current_language

FLIPPED = 6
"""Targets that flip of which is said where."""

ROWS = 24
"""Combinations that are shown; the rest are in sweep.csv."""


def swept(sweep: Sweep, base: Plan, amounts: Amounts) -> list[RenderableType]:
    """A sweep as a table with the base plan on top, and its curves."""
    parts: list[RenderableType] = [Text(_("Sweep of {name}").format(name=sweep.name), style="bold")]
    if sweep.title != sweep.name:
        parts.append(Padding(Text(sweep.title), (0, 0, 0, 2)))
    parts.append(Padding(_table(sweep, base, amounts), (0, 0, 0, 2)))
    parts += [Padding(Text(line), (0, 0, 0, 2)) for line in _flips(sweep)]
    if len(sweep.table) > ROWS:
        more = _("… and {count} more in sweep.csv").format(count=len(sweep.table) - ROWS)
        parts.append(Padding(Text(more, style="dim"), (0, 0, 0, 2)))
    drawn = list(_drawn(sweep, amounts)) if len(sweep.varied) == 1 else []
    if drawn:
        beside = Table.grid(padding=(0, 1, 0, 0))
        for k in range(0, len(drawn), 2):
            beside.add_row(*drawn[k : k + 2])
        parts += [Text(), beside]
    if len(sweep.varied) == 2:
        parts += [Text(), Padding(_crossed(sweep, amounts), (0, 0, 0, 2))]
    return parts


def _table(sweep: Sweep, base: Plan, amounts: Amounts) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(", ".join(sweep.varied), overflow="fold")
    for name in (*CHARTS, "spend"):
        grid.add_column(_(KPIS[name]), justify="right", overflow="fold")
    grid.add_column(_("targets met"), justify="right", overflow="fold")
    known = figures(base)
    grid.add_row(_("base plan"), *(figure(amounts, n, known[n]) for n in (*CHARTS, "spend")), _met(known), style="bold")
    for row in sweep.table.head(ROWS).to_dict("records"):
        at = ", ".join(str(row[name]) for name in sweep.varied)
        if row["status"] != "optimal":
            grid.add_row(at, Text(_(STATUSES.get(row["status"], row["status"])), style="red"), "", "", "")
            continue
        grid.add_row(at, *(figure(amounts, n, row[n]) for n in (*CHARTS, "spend")), _met(row))
    return grid


def _flips(sweep: Sweep) -> Iterator[str]:
    """Which targets flip, and where."""
    for flip in ("missed", "met"):
        where: dict[str, list[str]] = {}
        for row in sweep.table.to_dict("records"):
            for target in filter(None, str(row[f"now_{flip}"]).split("; ")):
                where.setdefault(target, []).append("/".join(str(row[name]) for name in sweep.varied))
        for target, at in list(where.items())[:FLIPPED]:
            says = _("{flip}: {name}, at {values}")
            yield says.format(flip=_(FLIPS[flip]), name=target, values=_(", ").join(at[:ROWS]))


def _met(known: Mapping[Any, Any]) -> str:
    if np.isnan(known["targets_met"]):
        return "–"
    return f"{known['targets_met']:.0f} / {known['targets_met'] + known['targets_missed']:.0f}"


def _drawn(sweep: Sweep, amounts: Amounts) -> Iterator[RenderableType]:
    """Curves of what moves over a numeric value."""
    for measure in (*CHARTS, "attainment"):
        points = curves(sweep, measure).iloc[:, 0]
        if not pd.api.types.is_float_dtype(points.index.dtype) or points.dropna().size < 2 or points.nunique() < 2:
            continue
        size, unit = (0.01, "%") if measure == "attainment" else curve_size(amounts, points)
        title = f"{_(MEASURES[measure])}{_(' ({reasons})').format(reasons=unit)}"
        yield Group(Text(title, style="dim"), Text(curve_text(points / size), no_wrap=True))


def curve_size(amounts: Amounts, points: pd.Series) -> tuple[float, str]:
    """What a curve's numbers are counted in, in the model's unit and in words."""
    own = UNITS.get(amounts.money_unit)
    if own is None:
        return 1.0, amounts.money_unit
    zh, most = current_language() == "zh", float(points.abs().max()) * own
    steps = ((1e8, "亿"), (1e4, "万")) if zh else ((1e9, "bn"), (1e6, "m"))
    size, name = next(((s, n) for s, n in steps if most >= s), (1.0, ""))
    currency = "元" if zh and amounts.currency == "CNY" else amounts.currency
    return size / own, f"{name}{currency}" if zh else f"{currency} {name}".strip()


def _crossed(sweep: Sweep, amounts: Amounts) -> Table:
    """Contribution over two values: the first downwards, the second across."""
    lines = curves(sweep, "contribution")
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    title = f"{_('contribution')}{_(': ')}{sweep.varied[0]} ↓ {sweep.varied[1]} →"
    grid.add_column(title, overflow="fold")
    for name in lines:
        grid.add_column(str(name), justify="right", overflow="fold")
    for at, row in lines.iterrows():
        label = f"{at:g}" if isinstance(at, float) else str(at)
        grid.add_row(label, *(figure(amounts, "contribution", float(v)) for v in row))
    return grid
