"""A frontier on the screen, on disk, and as a mapping for JSON."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter.exceptions
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.comparing.curves import curve_text
from allocator.comparing.swept_screen import curve_size
from allocator.explaining.frontier import Frontier
from allocator.explaining.saying_limits import LimitWords
from allocator.reporting.amounts import share
from allocator.reporting.headings import HEADINGS
from allocator.reporting.run import check_place, replacing, summary_text, write_file
from allocator.reporting.table_text import csv_parts
from allocator.reporting.words import LEVELS
from allocator.reporting.workbook import add_table, open_book
from allocator.texts import _

SUMMARY = "frontier.json"
"""File by which the folder of a frontier is known."""

ROWS = 24
FLAT = 1e-9
"""Part of itself by which a curve must move to be drawn."""

ATTAINED = ("attained_base", "attained_stretch")


def report(found: Frontier, folder: Path | None = None) -> RenderableType:
    """Return a frontier to be printed by rich."""
    words = LimitWords(found.model)
    names = _(" × ").join(words.name(limit) for limit in found.limits)
    parts: list[RenderableType] = [Text(_("Contribution and targets along: {limit}").format(limit=names), style="bold")]
    if len(found.limits) == 2:
        parts.append(Padding(_grid(found, words), (0, 0, 0, 2)))
    else:
        parts.append(Padding(_table(found, words), (0, 0, 0, 2)))
        parts += [Padding(Text(line), (0, 0, 0, 2)) for line in _notes(found, words)]
        drawn = list(_drawn(found, words))
        if drawn:
            beside = Table.grid(padding=(0, 1, 0, 0))
            for k in range(0, len(drawn), 2):
                beside.add_row(*drawn[k : k + 2])
            parts += [Text(), beside]
    if folder is not None:
        parts += [Text(), Text(_("{path}: all of it").format(path=folder))]
    return Group(*parts)


def _table(found: Frontier, words: LimitWords) -> Table:
    limit = found.limits[0]
    levels = [c for c in ATTAINED if c in found.table]
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for heading in (_("limit"), _("of now")):
        grid.add_column(heading, justify="right")
    grid.add_column(_("contribution"), justify="right")
    for column in levels:
        level = _(LEVELS[column.removeprefix("attained_")])
        grid.add_column(_("{level} reached").format(level=level), justify="right")
    if found.whole:
        grid.add_column(_("counting in ones costs"), justify="right")
    grid.add_column("")
    kinds = {"bend": _("bends here"), "step": _("jumps here"), "now": _("now")}
    for row in found.table.head(ROWS).to_dict("records"):
        line = [words.amount(limit, row["limit"]), share(row["part"])]
        if row["status"] != "optimal":
            grid.add_row(*line, Text(_("no plan"), style="red"))
            continue
        line += [words.wording.amounts.money(row["contribution"]), *(share(row[c]) for c in levels)]
        if found.whole:
            line.append(words.wording.amounts.money(row["gap"]))
        grid.add_row(*line, kinds.get(row["kind"], ""), style="bold" if row["kind"] == "now" else "")
    return grid


def _notes(found: Frontier, words: LimitWords) -> Iterator[str]:
    limit = found.limits[0]
    if len(found.table) > ROWS:
        yield _("… and {count} more in frontier.csv").format(count=len(found.table) - ROWS)
    if found.straight:
        yield _("Straight between these points; every goal planned anew at each of them.")
    elif found.exact:
        yield _("Smooth between the points where it bends; every goal planned anew at each of them.")
    elif found.whole:
        yield _("Some things are counted in ones: between these points the curve has steps.")
    for level, value in found.least.items():
        if value is not None:
            says = _("Least with which all {level} targets are reached: {amount} ({part} of now)")
            part = share(value / limit.now)
            yield says.format(level=_(LEVELS[level]), amount=words.amount(limit, value), part=part)


def _drawn(found: Frontier, words: LimitWords) -> Iterator[RenderableType]:
    """Curves over the part of what there is now."""
    for column in ("contribution", *ATTAINED):
        if column not in found.table:
            continue
        points = found.table.set_index("part")[column].astype(float)
        there = points.dropna()
        if len(there) < 2 or there.max() - there.min() <= FLAT * max(1.0, there.abs().max()):
            continue
        if column == "contribution":
            size, unit = curve_size(words.wording.amounts, points)
            title = _("contribution")
        else:
            size, unit = 0.01, "%"
            title = _("{level} reached").format(level=_(LEVELS[column.removeprefix("attained_")]))
        title += _(" ({reasons})").format(reasons=unit)
        yield Group(Text(title, style="dim"), Text(curve_text(points / size), no_wrap=True))


def _grid(found: Frontier, words: LimitWords) -> RenderableType:
    """Contribution over two limits, and below it what is reached of base."""
    one, other = found.limits
    parts: list[RenderableType] = []
    for column in ("contribution", *ATTAINED):
        if column not in found.table:
            continue
        title = _("contribution") if column == "contribution" else ""
        if not title:
            title = _("{level} reached").format(level=_(LEVELS[column.removeprefix("attained_")]))
        values = found.table.pivot_table(column, "limit", "limit2", dropna=False)
        grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="dim")
        grid.add_column(title, overflow="fold")
        for value in values:
            grid.add_column(share(float(str(value)) / other.now), justify="right", overflow="fold")
        for at, row in values.iterrows():
            cells = [words.wording.amounts.money(v) if column == "contribution" else share(v) for v in row]
            grid.add_row(words.amount(one, float(str(at))), *cells)
        parts += [grid, Text()]
    parts.append(
        Text(
            _("down: {one}; across: {other}, of now").format(one=words.name(one), other=words.name(other)), style="dim"
        )
    )
    return Group(*parts)


def write_frontier(found: Frontier, folder: Path) -> dict[str, Any]:
    """Write a frontier to a folder: ``frontier.csv``, ``frontier.xlsx`` with a chart, ``frontier.json``; return the last.

    Raises
    ------
    InputError
        If the place holds something that is not a frontier.
    EngineError
        If the machine cannot write.
    """
    check_place(folder, SUMMARY)
    summary = as_mapping(found)
    with replacing(folder) as place:
        write_file(place / "frontier.csv", csv_parts(found.table))
        write_file(place / "frontier.xlsx", [_book(found)])
        write_file(place / SUMMARY, [summary_text(summary).encode()])
    return summary


def _book(found: Frontier) -> bytes:
    buffer, words = io.BytesIO(), LimitWords(found.model)
    try:
        with open_book(buffer, 0) as (book, formats):
            sheet = book.add_worksheet(_("frontier"))
            said = found.table.rename(columns={c: _(h) for c, h in HEADINGS.items() if c in found.table})
            add_table(sheet, said, formats)
            if len(found.limits) == 1:
                _chart(book, sheet, found.table, words.name(found.limits[0]))
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error
    return buffer.getvalue()


def _chart(book: Any, sheet: Any, table: pd.DataFrame, name: str) -> None:
    last = len(table)
    at = 0
    for column in ("contribution", *ATTAINED):
        if column not in table:
            continue
        where = list(table.columns)
        chart = book.add_chart({"type": "scatter", "subtype": "straight_with_markers"})
        x, y = where.index("limit"), where.index(column)
        title = HEADINGS.get(column, column)
        chart.add_series(
            {
                "name": _(title),
                "categories": [sheet.get_name(), 1, x, last, x],
                "values": [sheet.get_name(), 1, y, last, y],
            }
        )
        chart.set_title({"name": _(title), "name_font": {"size": 12}})
        chart.set_legend({"none": True})
        chart.set_x_axis({"name": name, "num_format": "#,##0"})
        chart.set_y_axis({"num_format": "#,##0" if column == "contribution" else "0 %"})
        chart.set_size({"width": 460, "height": 300})
        sheet.insert_chart(last + 3, at, chart)
        at += 5


def as_mapping(found: Frontier) -> dict[str, Any]:
    """Return a frontier for JSON."""
    words = LimitWords(found.model)
    return {
        "status": "done",
        "model": found.model.name,
        "limits": [
            {"limit": limit.key, "says": words.name(limit), "now": limit.now, "unit": words.unit(limit)}
            for limit in found.limits
        ],
        "exact": found.exact,
        "whole_numbers": found.whole,
        "least": dict(found.least),
        "points": found.table.to_dict("records"),
        "solves": found.solves,
        "inputs_sha256": found.model.sha256,
    }
