"""Charts of ``plan.xlsx``, drawn by the spreadsheet program from the cells of the other sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from allocator.model import LEVELS
from allocator.plan import Plan
from allocator.reporting.quota_grid import FIRST, TOP, Grid, blocks
from allocator.reporting.words import LEVELS as LEVEL_NAMES
from allocator.texts import _

COLUMN = 3
"""Column of the summary beside which charts stand."""

SHOWN = 12
"""Units or reps in a chart."""

COLOURS = {"base": "#1F4E78", "stretch": "#2E75B6", "ceiling": "#9DC3E6"}
GRID = {"visible": True, "line": {"color": "#D9D9D9"}}
SIZE = {"width": 760, "height": 320}


def add_charts(book: Any, summary: Any, plan: Plan, grid: Grid | None, sheets: Mapping[str, Any]) -> None:
    """Draw quotas by month and by the parts of the company on the summary."""
    if grid is None or not grid.lines:
        return
    name = sheets["quotas"].get_name()
    summary.insert_chart(0, COLUMN, _by_month(book, name, plan, grid))
    parts = _parts(grid)
    if parts:
        summary.insert_chart(17, COLUMN, _by_part(book, name, plan, grid, parts))


def _by_month(book: Any, name: str, plan: Plan, grid: Grid) -> Any:
    chart = book.add_chart({"type": "column"})
    for level, start in zip(LEVELS, blocks(grid.months), strict=True):
        end = start + len(grid.months) - 1
        chart.add_series({
            "name": _(LEVEL_NAMES[level]),
            "categories": [name, 1, FIRST, 1, FIRST + len(grid.months) - 1],
            "values": [name, TOP, start, TOP, end],
            "fill": {"color": COLOURS[level]},
            "gap": 60,
        })  # fmt: skip
    title = _("quotas of {unit} by month, in {money}")
    return _dressed(chart, title.format(unit=grid.lines[0].label, money=plan.model.settings.money_unit))


def _parts(grid: Grid) -> list[int]:
    """Lines right below the top: units, or reps where it has no units."""
    lines = [i for i, line in enumerate(grid.lines) if line.depth == 1 and not line.codes[2]]
    size = [float(np.nansum(grid.quotas[i, 0])) for i in lines]
    return [lines[k] for k in sorted(np.argsort(size)[::-1][:SHOWN])] if lines else []


def _by_part(book: Any, name: str, plan: Plan, grid: Grid, parts: list[int]) -> Any:
    chart = book.add_chart({"type": "bar"})
    for level, start in zip(LEVELS, blocks(grid.months), strict=True):
        total = start + len(grid.months)
        chart.add_series({
            "name": _(LEVEL_NAMES[level]),
            "categories": _cells(name, [(TOP + i, 0) for i in parts]),
            "values": _cells(name, [(TOP + i, total) for i in parts]),
            "fill": {"color": COLOURS[level]},
            "gap": 60,
        })  # fmt: skip
    chart.set_y_axis({"reverse": True})
    title = _("quotas of the parts of {unit}, in {money}")
    return _dressed(chart, title.format(unit=grid.lines[0].label, money=plan.model.settings.money_unit), values="x")


def _cells(name: str, places: list[tuple[int, int]]) -> str:
    """Cells that do not lie side by side, as a chart takes them."""
    from xlsxwriter.utility import quote_sheetname, xl_rowcol_to_cell

    sheet = quote_sheetname(name)
    cells = ",".join(f"{sheet}!{xl_rowcol_to_cell(row, column, True, True)}" for row, column in places)
    return f"=({cells})" if len(places) > 1 else f"={cells}"


def _dressed(chart: Any, title: str, values: str = "y") -> Any:
    chart.set_title({"name": title, "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    axis = {"num_format": "#,##0", "major_gridlines": GRID}
    (chart.set_y_axis if values == "y" else chart.set_x_axis)(axis)
    chart.set_size(SIZE)
    return chart
