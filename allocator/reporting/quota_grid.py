"""Quotas as people expect them: the organisation down, months across, the three levels side by side, totals that are live.

A sheet of that shape can be changed and given back: its codes, a row of keys and a hidden copy of what was published stand in it, so that
``allocator solve MODEL --pins FILE`` finds what was changed, wherever rows and columns have moved to.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import LEVELS, Model
from allocator.plan import Plan
from allocator.reporting.words import LEVELS as LEVEL_NAMES
from allocator.reporting.workbook import Formats, display_width, set_page, text_format
from allocator.schema.packages import column_letters
from allocator.texts import _

PUBLISHED = "#published"
"""Hidden sheet with the numbers as they were published, in the same places."""

CODES = ("unit", "rep", "product")
KEYS_ROW, TOP = 2, 3
"""Row of the keys, and first row of numbers, counted from 0."""

FIRST = 5
"""First column of numbers: label, kind and the codes stand before it."""

TOTAL = "total"
DEEPEST = 7
"""Levels of an outline that a sheet can have."""


@dataclass(frozen=True)
class Line:
    """A row of the grid: a product of a rep, or a rep or unit with everything below it.

    Attributes
    ----------
    label, kind : str
    depth : int
    codes : tuple of str
        Unit, rep and product; those that do not tell the row are blank.
    end : int
        Row behind the last one below it; of a product its own number plus 1.
    """

    label: str
    kind: str
    depth: int
    codes: tuple[str, str, str]
    end: int


@dataclass(frozen=True)
class Grid:
    """The lines, and their quotas.

    Attributes
    ----------
    lines : list of Line
    months : tuple of str
    quotas : float array, shape (lines, levels, months)
        NaN where nobody can be asked.
    forecast : float array, shape (lines,)
    """

    lines: list[Line]
    months: tuple[str, ...]
    quotas: NDArray[np.float64]
    forecast: NDArray[np.float64]


def quota_grid(plan: Plan) -> Grid:
    """Arrange the published quotas of a plan; a unit's are the sums of its reps'."""
    quotas, model = plan["quotas"], plan.model
    months = tuple(model.calendar.months)
    held: dict[str, list[str]] = {}
    for rep, product in quotas[["rep", "product"]].drop_duplicates().itertuples(index=False, name=None):
        held.setdefault(rep, []).append(product)
    lines = list(_lines(model, held))
    place = {line.codes[1:]: i for i, line in enumerate(lines) if line.codes[2]}
    values = np.full((len(lines), len(LEVELS), len(months)), np.nan)
    row = pd.MultiIndex.from_frame(quotas[["rep", "product"]]).map(place).to_numpy(dtype=np.int64)
    level = pd.Index(LEVELS).get_indexer(pd.Index(quotas["level"].astype(object)))
    month = pd.Index(months).get_indexer(pd.Index(quotas["month"].astype(object)))
    values[row, level, month] = quotas["quota"].to_numpy(float)
    base = level == 0
    forecast = np.zeros(len(lines))
    np.add.at(forecast, row[base], quotas["forecast"].to_numpy(float)[base])
    leaf = np.array([bool(line.codes[2]) for line in lines], bool)
    for i, line in enumerate(lines):
        if not line.codes[2]:
            below = np.arange(i + 1, line.end)[leaf[i + 1 : line.end]]
            part = values[below]
            values[i] = np.where(np.isnan(part).all(axis=0), np.nan, np.nansum(part, axis=0)) if len(below) else np.nan
            forecast[i] = forecast[below].sum()
    return Grid(lines, months, values, forecast)


def _lines(model: Model, held: dict[str, list[str]]) -> Iterator[Line]:
    """The organisation from the top down, each unit before its parts."""
    reps, units = model["reps"], model["units"]
    home = dict(zip(reps["rep"], reps["unit"], strict=True))
    name = dict(zip(reps["rep"], reps["name"], strict=True))
    product = dict(zip(model["products"]["product"], model["products"]["name"], strict=True))
    kind = dict(zip(units["unit"], units["kind"], strict=True))
    children: dict[str, list[str]] = {}
    for unit, parent in zip(units["unit"], units["parent"], strict=True):
        children.setdefault(parent, []).append(unit)
    people: dict[str, list[str]] = {}
    for rep in reps["rep"]:
        if rep in held:
            people.setdefault(home[rep], []).append(rep)

    def of_unit(unit: str, depth: int, at: int) -> list[Line]:
        below: list[Line] = []
        for child in children.get(unit, ()):
            below += of_unit(child, depth + 1, at + 1 + len(below))
        for rep in people.get(unit, ()):
            first = at + 1 + len(below)
            products = held[rep]
            below.append(Line(_label(rep, name), _("rep"), depth + 1, ("", rep, ""), first + 1 + len(products)))
            below += [
                Line(_label(p, product), _("product"), depth + 2, ("", rep, p), first + 2 + k)
                for k, p in enumerate(products)
            ]
        if not below:
            return []
        return [Line(unit, kind[unit] or _("unit"), depth, (unit, "", ""), at + 1 + len(below)), *below]

    at = 0
    for top in children.get("", ()):
        lines = of_unit(top, 0, at)
        at += len(lines)
        yield from lines


def _label(code: str, names: dict[str, str]) -> str:
    return f"{code} {names[code]}" if names[code] and names[code] != code else code


def blocks(months: tuple[str, ...]) -> list[int]:
    """First column of each level's block: its months, then their total."""
    return [FIRST + k * (len(months) + 1) for k in range(len(LEVELS))]


def write_grid(book: Any, sheet: Any, hidden: Any, plan: Plan, grid: Grid, formats: Formats) -> None:
    """Write the sheet of quotas, and the hidden one of what was published."""
    styles = _styles(book, grid)
    _write_head(sheet, hidden, plan, grid, formats, styles)
    for i, line in enumerate(grid.lines):
        _write_line(sheet, hidden, grid, i, line, formats, styles)
    for code, text in (("model", plan.model.name), ("inputs_sha256", str(plan.summary.get("inputs_sha256")))):
        hidden.write_string(TOP + len(grid.lines) + (code != "model"), 0, f"{code}={text}")
    hidden.hide()
    sheet.freeze_panes(TOP, FIRST)
    sheet.outline_settings(True, False, False, False)
    _colour(book, sheet, grid, styles)
    set_page(sheet, rows=(0, TOP - 1), columns=(0, 1), wide=len(LEVELS))
    sheet.print_area(0, 0, TOP + len(grid.lines) - 1, FIRST + len(LEVELS) * (len(grid.months) + 1) - 1)


def _styles(book: Any, grid: Grid) -> dict[str, Any]:
    whole = bool(np.all(np.isnan(grid.quotas) | (grid.quotas == np.round(grid.quotas))))
    number = "#,##0" if whole else "#,##0.00"
    looks: dict[str, dict[str, Any]] = {
        "unit": {"bold": True, "bg_color": "#DDEBF7"},
        "rep": {"bold": True},
        "product": {},
    }
    styles = {}
    for name, look in looks.items():
        styles[name] = book.add_format({**look, "num_format": number})
        styles[f"{name} total"] = book.add_format({**look, "num_format": number, "right": 1, "left": 4})
        styles[f"{name} share"] = book.add_format({**look, "num_format": "0.0%"})
        for depth in range(DEEPEST + 1):
            styles[f"{name} {depth}"] = book.add_format({**look, "indent": depth, "num_format": "@"})
    head = {"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F4E78", "align": "center"}
    styles["level"] = book.add_format({**head, "right": 1})
    styles["month"] = book.add_format({**head, "num_format": "@"})
    styles["left"] = book.add_format({**head, "align": "left"})
    styles["key"] = book.add_format({"font_color": "#7F7F7F", "font_size": 8})
    return styles


def _write_head(sheet: Any, hidden: Any, plan: Plan, grid: Grid, formats: Formats, styles: dict[str, Any]) -> None:
    width = max((display_width(line.label) + 2 * line.depth for line in grid.lines), default=10)
    digits = 3 + max((len(f"{v:,.0f}") for v in grid.quotas[~np.isnan(grid.quotas)].ravel()[:1000]), default=8)
    digits = max(digits, 3 + len(f"{np.nanmax(grid.quotas, initial=0):,.0f}"), 10)
    sheet.set_column(0, 0, min(width + 3, 48))
    sheet.set_column(1, 1, 9)
    sheet.set_column(2, FIRST - 1, 12, None, {"level": 1, "hidden": True})
    ends = FIRST + len(LEVELS) * (len(grid.months) + 1)
    sheet.set_column(FIRST, ends, digits)
    sheet.set_column(ends + 1, ends + 1, 12)
    sheet.set_row(KEYS_ROW, None, None, {"hidden": True})
    money = plan.model.settings.money_unit
    sheet.write_string(0, 0, _("quotas in {unit}").format(unit=money), styles["left"])
    note = _(
        "Change the quota of a product, rep or unit, in a month or in all, and save. "
        "Then allocator solve MODEL --pins THIS_FILE takes what you changed as fixed, and says what it costs. "
        "Changed cells turn yellow."
    )
    sheet.write_comment(0, 0, note, {"x_scale": 2.2, "y_scale": 1.4})
    for k in range(1, FIRST):
        sheet.write_blank(0, k, None, styles["left"])
    for k, heading in enumerate((_("unit, rep or product"), _("kind"), _("unit"), _("rep"), _("product"))):
        sheet.write_string(1, k, heading, styles["left"])
    for k, code in enumerate(CODES, 2):
        sheet.write_string(KEYS_ROW, k, code, styles["key"])
        hidden.write_string(KEYS_ROW, k, code)
    for level, start in zip(LEVELS, blocks(grid.months), strict=True):
        end = start + len(grid.months)
        sheet.merge_range(0, start, 0, end, _(LEVEL_NAMES[level]), styles["level"])
        for k, month in enumerate((*grid.months, TOTAL)):
            sheet.write_string(1, start + k, _("total") if month == TOTAL else month, styles["month"])
            for at in (sheet, hidden):
                at.write_string(KEYS_ROW, start + k, f"{level}|{month}", styles["key"] if at is sheet else None)
    for k, heading in enumerate((_("forecast"), _("base as share of forecast"))):
        sheet.write_blank(0, ends + k, None, styles["left"])
        sheet.write_string(1, ends + k, heading, styles["month"])


def _write_line(
    sheet: Any, hidden: Any, grid: Grid, i: int, line: Line, formats: Formats, styles: dict[str, Any]
) -> None:
    row, look = TOP + i, "product" if line.codes[2] else "rep" if line.codes[1] else "unit"
    if line.depth:
        sheet.set_row(row, None, None, {"level": min(line.depth, DEEPEST)})
    sheet.write_string(row, 0, line.label, styles[f"{look} {min(line.depth, DEEPEST)}"])
    sheet.write_string(row, 1, line.kind, styles[f"{look} 0"])
    for k, code in enumerate(line.codes, 2):
        if code:
            sheet.write_string(row, k, code, text_format(code, formats))
            hidden.write_string(row, k, code)
    starts, count = blocks(grid.months), len(grid.months)
    for level, start in enumerate(starts):
        values = grid.quotas[i, level]
        for k, value in enumerate(values.tolist()):
            if value != value:
                sheet.write_blank(row, start + k, None, styles[look])
                continue
            hidden.write_number(row, start + k, value)
            if look == "product":
                sheet.write_number(row, start + k, value, styles[look])
            else:
                letter = column_letters(start + k)
                formula = f"=SUBTOTAL(9,{letter}{row + 2}:{letter}{TOP + line.end})"
                sheet.write_formula(row, start + k, formula, styles[look], value)
        total = float(np.nansum(values))
        hidden.write_number(row, start + count, total)
        formula = f"=SUM({column_letters(start)}{row + 1}:{column_letters(start + count - 1)}{row + 1})"
        sheet.write_formula(row, start + count, formula, styles[f"{look} total"], total)
    end = starts[-1] + count + 1
    forecast, base = float(grid.forecast[i]), float(np.nansum(grid.quotas[i, 0]))
    sheet.write_number(row, end, forecast, styles[look])
    formula = f'=IF({column_letters(end)}{row + 1}>0,{column_letters(starts[0] + count)}{row + 1}/{column_letters(end)}{row + 1},"")'
    sheet.write_formula(row, end + 1, formula, styles[f"{look} share"], base / forecast if forecast > 0 else "")


def _colour(book: Any, sheet: Any, grid: Grid, styles: dict[str, Any]) -> None:
    """Colour what was changed, levels out of order, and quotas beyond the forecast."""
    if not grid.lines:
        return
    starts, count = blocks(grid.months), len(grid.months)
    first, last, end = TOP, TOP + len(grid.lines) - 1, starts[-1] + count
    changed = book.add_format({"bg_color": "#FFEB9C"})
    wrong = book.add_format({"font_color": "#C00000", "bold": True})
    here = f"{column_letters(FIRST)}{TOP + 1}"
    sheet.conditional_format(
        first,
        FIRST,
        last,
        end,
        {"type": "formula", "criteria": f"=ABS(N({here})-N('{PUBLISHED}'!{here}))>0.005", "format": changed},
    )
    for above, below in zip(starts[1:], starts, strict=False):
        says = f"=N({column_letters(above)}{TOP + 1})<N({column_letters(below)}{TOP + 1})-0.005"
        sheet.conditional_format(
            first, above, last, above + count, {"type": "formula", "criteria": says, "format": wrong}
        )
    share = {"type": "data_bar", "bar_color": "#9DC3E6", "min_type": "num", "min_value": 0}
    sheet.conditional_format(
        first, end + 2, last, end + 2, {"type": "cell", "criteria": ">", "value": 1.0005, "format": wrong}
    )
    sheet.conditional_format(first, end + 2, last, end + 2, {**share, "max_type": "num", "max_value": 1.2})
