"""The budget on a sheet: lines down, months across, live totals, and categories below."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from allocator.reporting.workbook import Formats, display_width, set_page, text_format
from allocator.schema.packages import column_letters
from allocator.texts import _

FIRST = 2
"""First column of months; line and category stand before it."""

COLOURS = ("#1F4E78", "#2E75B6", "#9DC3E6", "#F4B183", "#C55A11", "#A9D18E", "#548235", "#FFD966", "#7F6000", "#7F7F7F")
LARGE = 100_000
"""Money of a budget from which parts of one do not matter to a reader."""

HIGH = 300
"""Height of the chart."""


def write_budget(book: Any, sheet: Any, frame: pd.DataFrame, formats: Formats) -> None:
    """Write the sheet of the budget.

    Parameters
    ----------
    frame : DataFrame
        Content of ``budget.csv``.
    """
    lines = frame.drop_duplicates("line")
    months = list(dict.fromkeys(sorted(frame["month"].astype(str))))
    spend = frame.pivot_table("spend", "line", "month", aggfunc="sum").reindex(index=lines["line"], columns=months)
    whole = bool((spend.fillna(0.0) % 1 == 0).all(axis=None))
    largest = float(max(frame["spend"].sum(), lines["maximum"].sum(), 0.0))
    number = "#,##0" if whole or largest >= LARGE else "#,##0.00"
    styles = _styles(book, number)
    total, end = FIRST + len(months), FIRST + len(months) + 4
    headings = [
        _("budget line"),
        _("category"),
        *months,
        _("total"),
        _("minimum"),
        _("maximum"),
        _("left"),
        _("share used"),
    ]
    for k, heading in enumerate(headings):
        sheet.write_string(0, k, heading, styles["head"])
    sheet.set_column(0, 0, min(40, max((display_width(str(v)) for v in lines["line"]), default=10) + 3))
    sheet.set_column(1, 1, 14)
    sheet.set_column(FIRST, end, max(11, len(f"{largest:,.0f}") + (6 if "." in number else 3)))
    of_month = [column_letters(FIRST + k) for k in range(len(months))]
    sums, least, most, left = (column_letters(total + k) for k in range(4))
    line: Any
    for i, line in enumerate(lines.itertuples(index=False), 1):
        sheet.write_string(i, 0, str(line.line), text_format(str(line.line), formats))
        sheet.write_string(i, 1, str(line.category), text_format(str(line.category), formats))
        spent = spend.iloc[i - 1].to_numpy(float)
        for k, value in enumerate(spent.tolist()):
            sheet.write_number(i, FIRST + k, 0.0 if np.isnan(value) else value, styles["number"])
        all_of_it, limits = float(np.nansum(spent)), (float(line.minimum), float(line.maximum))
        sheet.write_formula(i, total, f"=SUM({of_month[0]}{i + 1}:{of_month[-1]}{i + 1})", styles["bold"], all_of_it)
        for k, value in enumerate(limits, 1):
            sheet.write_number(i, total + k, value, styles["number"])
        sheet.write_formula(i, total + 3, f"={most}{i + 1}-{sums}{i + 1}", styles["number"], limits[1] - all_of_it)
        share = f'=IF({most}{i + 1}>0,{sums}{i + 1}/{most}{i + 1},"")'
        sheet.write_formula(i, end, share, styles["share"], all_of_it / limits[1] if limits[1] > 0 else "")
    count = len(lines)
    _totals(sheet, count, [*of_month, sums, least, most, left], spend, lines, styles)
    sheet.freeze_panes(1, FIRST)
    set_page(sheet, rows=(0, 0), columns=(0, 1))
    if not count:
        return
    used = {"type": "data_bar", "bar_color": "#9DC3E6", "min_type": "num", "min_value": 0}
    sheet.conditional_format(1, end, count, end, {**used, "max_type": "num", "max_value": 1})
    over = {"type": "cell", "criteria": "<", "value": -0.005, "format": book.add_format({"bg_color": "#FFC7CE"})}
    sheet.conditional_format(1, total + 3, count, total + 3, over)
    _categories(book, sheet, count + 3, lines, spend, of_month, styles)


def _styles(book: Any, number: str) -> dict[str, Any]:
    return {
        "head": book.add_format({"bold": True, "font_color": "#FFFFFF", "bg_color": "#1F4E78", "num_format": "@"}),
        "number": book.add_format({"num_format": number}),
        "bold": book.add_format({"num_format": number, "bold": True}),
        "sum": book.add_format({"num_format": number, "bold": True, "top": 1}),
        "share": book.add_format({"num_format": "0.0%"}),
    }


def _totals(
    sheet: Any, count: int, letters: list[str], spend: pd.DataFrame, lines: pd.DataFrame, styles: dict[str, Any]
) -> None:
    months = [float(v) for v in spend.fillna(0.0).sum().tolist()]
    least, most = float(lines["minimum"].sum()), float(lines["maximum"].sum())
    values = [*months, sum(months), least, most, most - sum(months)]
    sheet.write_string(count + 1, 0, _("all"), styles["sum"])
    sheet.write_blank(count + 1, 1, None, styles["sum"])
    for k, (letter, value) in enumerate(zip(letters, values, strict=True)):
        sheet.write_formula(count + 1, FIRST + k, f"=SUM({letter}2:{letter}{count + 1})", styles["sum"], value)


def _categories(
    book: Any,
    sheet: Any,
    row: int,
    lines: pd.DataFrame,
    spend: pd.DataFrame,
    letters: list[str],
    styles: dict[str, Any],
) -> None:
    """Spend by category and month, live, and its chart."""
    category = lines["category"].astype(str).to_numpy()
    names = list(dict.fromkeys(category))
    sums = spend.fillna(0.0).groupby(category).sum()
    chart = book.add_chart({"type": "column", "subtype": "stacked"})
    title = sheet.get_name()
    for i, name in enumerate(names):
        sheet.write_string(row + i, 1, name or "–", styles["bold"])
        for k, letter in enumerate(letters):
            where = f"$B${row + i + 1}" if name else '""'
            formula = f"=SUMIF($B$2:$B${len(lines) + 1},{where},{letter}$2:{letter}${len(lines) + 1})"
            sheet.write_formula(row + i, FIRST + k, formula, styles["number"], float(sums.loc[name].iloc[k]))
        cells = [row + i, FIRST, row + i, FIRST + len(letters) - 1]
        chart.add_series({
            "name": [title, row + i, 1],
            "categories": [title, 0, FIRST, 0, FIRST + len(letters) - 1],
            "values": [title, *cells],
            "fill": {"color": COLOURS[i % len(COLOURS)]},
            "gap": 60,
        })  # fmt: skip
    chart.set_title({"name": _("spend by month"), "name_font": {"size": 12}})
    chart.set_legend({"position": "bottom"})
    chart.set_y_axis({"num_format": "#,##0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
    chart.set_size({"width": 900, "height": HIGH})
    sheet.insert_chart(row + len(names) + 1, 0, chart)
