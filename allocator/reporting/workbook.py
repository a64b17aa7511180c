"""Sheets of a workbook: texts that stay texts, numbers with formats, and pages that can be printed."""

from __future__ import annotations

import io
import math
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pandas as pd
import xlsxwriter
import xlsxwriter.exceptions
from xlsxwriter.worksheet import Worksheet

from allocator.reporting.headings import SHEETS
from allocator.reporting.table_text import cell_text
from allocator.texts import _

LAST_ROW = 1_048_575
"""Rows that a sheet holds below its heading."""

LONGEST_TEXT = 32_767
WIDEST = 60
LARGE = 200_000
"""Cells from which a workbook is written row by row, with little memory."""

Rows = Sequence[tuple[str, object]]
Formats = Mapping[str, Any]


def sheets_bytes(sheets: Mapping[str, pd.DataFrame], first: Rows = ()) -> bytes:
    """Return a workbook with a sheet per frame, after a sheet ``summary`` of the rows ``first`` if there are any.

    Texts stay texts: a cell that begins with ``=``, ``+``, ``-`` or ``@`` is no formula.

    Raises
    ------
    OSError
        If the machine has no room for it.
    """
    buffer = io.BytesIO()
    try:
        _fill(buffer, sheets, first)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error
    return buffer.getvalue()


def _fill(buffer: io.BytesIO, sheets: Mapping[str, pd.DataFrame], first: Rows) -> None:
    with open_book(buffer, sum(f.size for f in sheets.values())) as (book, formats):
        if first:
            add_rows(book.add_worksheet(sheet_name("summary")), first, formats)
        for name, frame in sheets.items():
            add_table(book.add_worksheet(name[:31]), frame, formats)


class _Sheet(Worksheet):  # type: ignore[misc]  # its package has no types
    """A sheet that leaves out what its cells do not need, which is a third of the time that a workbook takes.

    Nothing here changes what readers find; in a version of the package that calls these by other names they would be idle.
    """

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        """Take a formula as it stands: ours use no function that came after 2007, for which 29 expressions would look."""
        return formula.removeprefix("=")

    def _calculate_spans(self) -> None:
        """Leave out which columns the rows span: optional, says the standard."""
        self.row_spans: dict[int, str] = {}

    def _xml_number_element(self, number: float, attributes: Iterable[tuple[str, object]] = ()) -> None:
        """Write a number; attributes of a cell are its place and its format, so there is nothing to escape."""
        self.fh.write(f"<c{_attributes(attributes)}><v>{number:.16G}</v></c>")

    def _xml_string_element(self, index: int, attributes: Iterable[tuple[str, object]] = ()) -> None:
        """Write the number of a text."""
        self.fh.write(f'<c{_attributes(attributes)} t="s"><v>{index}</v></c>')


def _attributes(attributes: Iterable[tuple[str, object]]) -> str:
    return "".join([f' {key}="{value}"' for key, value in attributes])


class _Book(xlsxwriter.Workbook):  # type: ignore[misc]  # its package has no types
    worksheet_class = _Sheet


@contextmanager
def open_book(buffer: io.BytesIO, cells: int) -> Iterator[tuple[Any, Formats]]:
    """Give an empty workbook for so many cells, in which texts stay texts, and the formats of its cells."""
    options = {
        "constant_memory": cells > LARGE,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with _Book(buffer, options) as book:
        yield (
            book,
            {
                "heading": book.add_format({"bold": True, "bottom": 1, "valign": "top"}),
                "whole": book.add_format({"num_format": "#,##0"}),
                "fine": book.add_format({"num_format": "#,##0.00"}),
                "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
                "date": book.add_format({"num_format": "yyyy-mm-dd"}),
                "quoted": book.add_format({"num_format": "@", "quote_prefix": True}),
                "plain": None,
            },
        )


DANGEROUS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of texts that a spreadsheet program takes for a formula once a cell is edited."""


def text_format(text: str, formats: Formats, style: str = "plain") -> Any:
    """Format of a cell with a text; one that looks like a formula gets a mark that keeps it a text for good."""
    return formats["quoted"] if text.startswith(DANGEROUS) else formats[style]


def sheet_name(table: str) -> str:
    """Name of a table's sheet in the language in force: 31 characters at most."""
    return _(SHEETS.get(table, table))[:31]


def display_width(text: str) -> int:
    """Columns that a text takes: two for each wide (Chinese) character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def set_page(sheet: Any, rows: tuple[int, int], columns: tuple[int, int] | None = None, wide: int = 1) -> None:
    """Prepare a sheet for the printer: landscape, so many pages wide, headings repeated, pages numbered.

    Parameters
    ----------
    rows, columns : pair of int
        First and last one that every page repeats.
    wide : int
    """
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)
    sheet.fit_to_pages(wide, 0)
    sheet.repeat_rows(*rows)
    if columns:
        sheet.repeat_columns(*columns)
    sheet.set_header("&L&A")
    sheet.set_footer("&R&P / &N")


def add_rows(sheet: Any, rows: Rows, formats: Formats) -> None:
    """Write a sheet of two columns: what, and how much; a label without a value is a heading."""
    for i, (label, value) in enumerate(rows):
        sheet.write_string(i, 0, label, formats["heading"] if value == "" else text_format(label, formats))
        if isinstance(value, int | float) and math.isfinite(value):
            sheet.write_number(i, 1, value, formats[_number_format(pd.Series([value], dtype=float))])
        else:
            sheet.write_string(i, 1, str(value), formats["wrapped"])
    sheet.set_column(0, 0, _width(label for label, _value in rows))
    sheet.set_column(1, 1, WIDEST)
    set_page(sheet, rows=(0, 0))


def add_table(sheet: Any, frame: pd.DataFrame, formats: Formats) -> None:
    """Write a frame with its headings, a filter and fitting columns."""
    frame = frame.iloc[:LAST_ROW]
    columns = [_Column(frame.iloc[:, k], formats) for k in range(frame.shape[1])]
    for k, column in enumerate(columns):
        sheet.set_column(k, k, column.width)
        sheet.write_string(0, k, column.name, formats["heading"])
    sheet.freeze_panes(1, 1)
    if len(frame):
        sheet.autofilter(0, 0, len(frame), len(columns) - 1)
    set_page(sheet, rows=(0, 0))
    # By rows, as constant memory needs.
    cells = [column.cells for column in columns]
    styles = [column.style for column in columns]
    for i in range(len(frame)):
        for k, values in enumerate(cells):
            value = values[i]
            if isinstance(value, str):
                sheet.write_string(i + 1, k, value, text_format(value, formats))
            elif value is not None:
                sheet.write_number(i + 1, k, value, styles[k])


class _Column:
    """A column ready to be written: its cells (None where blank), how to write them, and its width."""

    def __init__(self, column: pd.Series, formats: Formats) -> None:
        self.name = str(column.name)
        self.number = pd.api.types.is_numeric_dtype(column.dtype) and not pd.api.types.is_bool_dtype(column.dtype)
        self.style: Any = None
        self.cells: list[Any]
        if self.number:
            self.style = formats[_number_format(column)]
            self.cells = [v if math.isfinite(v) else None for v in column.astype(float).tolist()]
            self.width = max(12, len(f"{column.abs().max():,.0f}") + 4) if len(column) else 12
        else:
            texts = column.map(cell_text, na_action="ignore").astype(object)
            self.cells = [str(v)[:LONGEST_TEXT] if isinstance(v, str) and v else None for v in texts.tolist()]
            self.width = _width(str(v) for v in texts.iloc[:2000].dropna().unique())
        self.width = max(self.width, display_width(self.name) + 3)  # room for the filter's arrow


def _number_format(column: pd.Series) -> str:
    sizes = column.astype(float).abs()
    whole = bool((sizes.dropna() % 1 == 0).all())
    return "whole" if whole or sizes.median() >= 1000 else "fine"


def _width(texts: Iterable[str]) -> int:
    return min(WIDEST, max((display_width(t) for t in texts), default=0) + 2)
