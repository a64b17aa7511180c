"""A model as a workbook to work in: a sheet for each table, with notes, lists to choose from, and an index in front."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.reporting.workbook import LAST_ROW, WIDEST, Formats, display_width, open_book, set_page, text_format
from allocator.schema.dictionary import Column, Table, dictionary, settings_table
from allocator.schema.parsing import NUMERIC
from allocator.schema.settings import all_setting_rows, setting_rows
from allocator.schema.writing import cell_texts, telling
from allocator.texts import N_, _, current_language

INDEX = {"en": "index", "zh": "目录"}
KEY, VALUE, MEANS = ("key", "键"), ("value", "值"), ("means", "含义")

ROOM = 2_000
"""Rows below the last one for which a sheet offers its lists and formats."""

FIRST_DATE = pd.Timestamp("1900-03-01")
"""Sheets count days wrongly before it; earlier dates are written as texts."""

NOTES = {
    "title": N_("Title on plans and letters"),
    "start": N_("First month of the plan, such as 2026-01"),
    "months": N_("Months of the plan, 12 at most"),
    "country": N_("Country whose holidays hold, such as CN"),
    "currency": N_("Currency, such as CNY"),
    "money_unit": N_("Unit in which money stands in the tables"),
    "language": N_("Language of findings and plans: zh or en"),
    "levels": N_("Height of stretch and ceiling as multiples of base, for targets without rows of their own"),
    "goals": N_("Order of the goals: visits, base, stretch, contribution"),
    "hedge": N_("By how much a kind of unit asks its parts for more than it owes; 0.05 is 5 %"),
    "fairness": N_("What a fair share goes by, how far a quota may lie from it, and the weight of each grade"),
    "peak": N_("Most that a month may carry, as a multiple of its seasonal share"),
    "rounding": N_("Published quotas are multiples of this"),
    "stability": N_(
        "What a review may give up of the best so that fewer numbers move: contribution as a share, misses in points"
    ),
    "commission_attainment": N_("Attainment at which the commission must fit the incentive line; 1 is 100 %"),
    "engine": N_("ortools, highs, or pulp"),
    "as_of": N_("Day of a re-plan: what happened before it stands, the rest is planned anew"),
    "moved": N_("Most that a review may move what a rep is asked for in the months that are left, as a share of it"),
    "company": N_("Company under which plans are published; blank if there is one only"),
    "documents": N_("Beginning of document numbers"),
    "commitments": N_("Whether quotas show, prefer or hold what was committed: show, prefer, pin"),
}
"""What the settings mean, by their first word."""


def write_workbook(model: Model, path: str | Path) -> None:
    """Write a model as a workbook that reads as the same model, in the language in force.

    Every table of the dictionary has a sheet, those without rows a heading alone.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If a table has more rows than a sheet.
    """
    Path(path).write_bytes(model_bytes(model))


def model_bytes(model: Model) -> bytes:
    """Return the workbook of a model."""
    buffer = io.BytesIO()
    cells = sum(model[name].size for name in dictionary())
    with open_book(buffer, cells) as (book, formats):
        styles = _styles(book, formats)
        names = {name: table_name(table) for name, table in dictionary().items()}
        order = sorted(dictionary(), key=lambda n: (not dictionary()[n].required, model[n].empty))
        index = book.add_worksheet(INDEX[current_language()])
        settings = book.add_worksheet(table_name(settings_table()))
        _write_settings(settings, model, styles)
        for name in order:
            sheet = book.add_worksheet(names[name])
            _write_table(sheet, model[name], dictionary()[name], names, styles)
            if not dictionary()[name].required:
                sheet.set_tab_color("#BFBFBF" if model[name].empty else "#9DC3E6")
        _write_index(index, model, order, names, styles)
        index.activate()
    return buffer.getvalue()


def table_name(table: Table) -> str:
    """What the sheet of a table is called in the language in force."""
    return table.aliases[0] if current_language() == "zh" and table.aliases else table.name


def column_name(column: Column) -> str:
    """Heading of a column in the language in force."""
    return column.aliases[0] if current_language() == "zh" and column.aliases else column.name


def _said(pair: tuple[str, str]) -> str:
    return pair[current_language() == "zh"]


def _styles(book: Any, formats: Formats) -> Formats:
    blue = {"bold": True, "font_color": "#FFFFFF", "bottom": 1, "valign": "vcenter"}
    return {
        **formats,
        "title": book.add_format({"bold": True, "font_size": 14}),
        "required": book.add_format({**blue, "bg_color": "#1F4E78"}),
        "optional": book.add_format({**blue, "bg_color": "#7F97AB"}),
        "text": book.add_format({"num_format": "@"}),
        "link": book.add_format({"font_color": "#0563C1", "underline": 1}),
        "grey": book.add_format({"font_color": "#7F7F7F", "num_format": "@"}),
        "plain": None,
        **{f: book.add_format({"num_format": f}) for f in ("0", "#,##0", "#,##0.00", "0%", "0.0%", "0.00%")},
    }


def _write_index(sheet: Any, model: Model, order: Sequence[str], names: Mapping[str, str], styles: Formats) -> None:
    """List the sheets with what they hold, how many rows, and a link to each."""
    sheet.hide_gridlines(2)
    sheet.write_string(0, 0, model.settings.title or model.name, styles["title"])
    lines = (
        _(
            "Fill the dark sheets first; the others refine the plan and may stay empty. Point at a heading to read what it means."
        ),
        _(
            "Columns may be moved, rows and notes of your own added: a sheet or a heading that begins with # is not read."
        ),
    )
    for row, line in enumerate(lines, 1):
        sheet.write_string(row, 0, line)
    for column, heading in enumerate((_("sheet"), _("rows"), _("needed"), _("one row is"))):
        sheet.write_string(4, column, heading, styles["required"])
    settings = settings_table()
    rows = [(table_name(settings), len(setting_rows(model.settings)), True, settings.description)]
    rows += [(names[n], len(model[n]), dictionary()[n].required, dictionary()[n].description) for n in order]
    for row, (name, count, required, description) in enumerate(rows, 5):
        sheet.write_url(row, 0, f"internal:'{name}'!A1", styles["link"], name)
        sheet.write_number(row, 1, count)
        sheet.write_string(row, 2, _("yes") if required else "")
        sheet.write_string(row, 3, _(description))
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 2, 9)
    sheet.set_column(3, 3, 90)
    sheet.freeze_panes(5, 0)
    set_page(sheet, rows=(4, 4))


def _write_settings(sheet: Any, model: Model, styles: Formats) -> None:
    for column, heading in enumerate((KEY, VALUE, MEANS)):
        sheet.write_string(0, column, _said(heading), styles["required"])
    given = setting_rows(model.settings)
    known = {key for key, _value in given}
    others = [(key, value) for key, value in all_setting_rows(model.settings) if key not in known]
    for row, (key, value, style) in enumerate(
        [*((k, v, "text") for k, v in given), *((f"#{k}", v, "grey") for k, v in others)], 1
    ):
        for column, text in enumerate((key, str(value), _(NOTES.get(key.removeprefix("#").split(".")[0], "")))):
            sheet.write_string(row, column, text, text_format(text, styles, style))
    if others:
        sheet.write_comment(len(given) + 1, 0, _("The usual value. Remove the # to set another one."))
    sheet.set_column(0, 0, 28)
    sheet.set_column(1, 1, 36, styles["text"])
    sheet.set_column(2, 2, 90)
    sheet.freeze_panes(1, 1)
    set_page(sheet, rows=(0, 0))


@dataclass(frozen=True)
class _Cells:
    """A column ready to be written: its cells (None where blank) and how they look."""

    column: Column
    content: list[Any]
    style: str
    width: float


def _write_table(sheet: Any, frame: pd.DataFrame, table: Table, names: Mapping[str, str], styles: Formats) -> None:
    if len(frame) > LAST_ROW:
        says = _("{table} has {rows:,} rows, more than a sheet holds. Keep the model in a folder.")
        raise ValueError(says.format(table=table.name, rows=len(frame)))
    told = {c.name for c in telling(frame, table)}
    columns = [_cells(c, frame[c.name], c.name in told) for c in table.columns.values()]
    last = min(len(frame) + ROOM, LAST_ROW)
    for k, cells in enumerate(columns):
        heading = column_name(cells.column)
        sheet.set_column(k, k, max(cells.width, display_width(heading) + 4), styles[cells.style])
        sheet.write_string(0, k, heading, styles["required" if cells.column.required else "optional"])
        note = column_note(cells.column, names)
        sheet.write_comment(
            0, k, note, {"x_scale": 2, "y_scale": 0.3 + 0.26 * note.count("\n") + display_width(note) / 160}
        )
        if rule := _rule(cells.column, names):
            sheet.data_validation(1, k, last, k, rule)
    sheet.freeze_panes(1, sum(c.column.key for c in columns))
    sheet.autofilter(0, 0, max(len(frame), 1), len(columns) - 1)
    set_page(sheet, rows=(0, 0))
    for row in range(len(frame)):
        for k, cells in enumerate(columns):
            value = cells.content[row]
            if value is None:
                continue
            if isinstance(value, str):
                sheet.write_string(row + 1, k, value, text_format(value, styles, cells.style))
            elif isinstance(value, pd.Timestamp):
                sheet.write_datetime(row + 1, k, value.to_pydatetime(), styles[cells.style])
            else:
                sheet.write_number(row + 1, k, value, styles[cells.style])


def _cells(column: Column, values: pd.Series, told: bool) -> _Cells:
    if not told:
        return _Cells(column, [None] * len(values), _style(column, values.iloc[:0]), 10)
    cells: list[Any]
    if values.dtype.kind in "if":
        # A sheet keeps 16 digits; a number that needs more is written as text, which reads back exactly.
        numbers = values.to_list()
        cells = [None if np.isnan(v) else v if float(f"{v:.16G}") == v else repr(v) for v in numbers]
        width = max((len(f"{v:,.2f}") for v in (values.min(), values.max()) if not np.isnan(v)), default=0)
    elif values.dtype.kind == "M":
        cells = [None if v is pd.NaT else v if v >= FIRST_DATE else f"{v:%Y-%m-%d}" for v in values]
        width = 10
    else:
        cells = [text or None for text in cell_texts(values)]
        width = max((display_width(t) for t in dict.fromkeys(cells[:ROOM]) if t), default=0)
    return _Cells(column, cells, _style(column, values), min(WIDEST, width + 3))


def _style(column: Column, values: pd.Series) -> str:
    """How the cells of a column look: texts as texts, so that no program makes a date of 2026-03 or a number of 007."""
    if column.type == "date":
        return "date"
    if column.type not in NUMERIC:
        return "text"
    if column.type == "number":
        return "plain"
    if column.type == "integer":
        return "0"
    numbers = values.to_numpy(dtype=float)
    numbers = numbers[np.isfinite(numbers)]
    if column.type == "money":
        return "#,##0" if np.array_equal(numbers, np.round(numbers)) else "#,##0.00"
    for places, style in ((2, "0%"), (3, "0.0%")):
        if np.allclose(numbers, np.round(numbers, places), rtol=0, atol=1e-9):
            return style
    return "0.00%"


def column_note(column: Column, names: Mapping[str, str]) -> str:
    """What may stand in a column, from the dictionary."""
    lines = [_(column.description), _("Content: {kind}").format(kind=_(column.type))]
    if column.unit:
        lines[-1] += f" ({_(column.unit)})"
    if column.choices:
        lines.append(_("One of: {choices}").format(choices=_(", ").join(column.choices)))
    if column.references:
        table, _dot, other = column.references.partition(".")
        heading = column_name(dictionary()[table].columns[other])
        lines.append(_("Stands in: sheet {sheet}, column {column}").format(sheet=names[table], column=heading))
    if column.least is not None:
        lines.append(_("At least {least}").format(least=f"{column.least:g}"))
    if column.most is not None:
        lines.append(_("At most {most}").format(most=f"{column.most:g}"))
    if column.required:
        lines.append(_("A value is needed in every row."))
    elif column.default:
        lines.append(_("Blank means {default}.").format(default=column.default))
    return "\n".join(lines)


def _rule(column: Column, names: Mapping[str, str]) -> dict[str, Any] | None:
    """List to choose from, or bounds; a warning, so that what is only unusual can still be written."""
    rule: dict[str, Any] = {"ignore_blank": True, "error_type": "warning"}
    if column.choices or column.type == "flag":
        return rule | {"validate": "list", "source": list(column.choices) or ["yes", "no"]}
    if column.references and column.type == "code":
        table, _dot, other = column.references.partition(".")
        at = list(dictionary()[table].columns).index(other)
        letter = chr(65 + at)
        sheet = f"'{names[table]}'"
        source = f"=OFFSET({sheet}!${letter}$2,0,0,MAX(1,COUNTA({sheet}!${letter}:${letter})-1),1)"
        return rule | {"validate": "list", "source": source}
    if column.type in NUMERIC and column.least is not None:
        kind = "integer" if column.type == "integer" else "decimal"
        if column.most is None:
            return rule | {"validate": kind, "criteria": ">=", "value": column.least}
        return rule | {"validate": kind, "criteria": "between", "minimum": column.least, "maximum": column.most}
    return None
