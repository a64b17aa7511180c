"""Workbooks to raw tables: python-calamine for the cells, after a look through the file for what must not be in it."""

from __future__ import annotations

import datetime as dt
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.parsers.expat import ExpatError

import numpy as np
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from allocator.schema.cells import Cells
from allocator.schema.dictionary import SETTINGS, dictionary, plain
from allocator.schema.findings import Report
from allocator.schema.packages import Package, Refused, column_letters, look_through, odd_cells
from allocator.schema.tables import RawTable
from allocator.texts import _

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls")
"""Ends of the names of workbooks; all but the first are refused with a remedy."""

HEADING_WITHIN = 30
"""Rows from the top among which the heading is looked for."""

KEYS = frozenset({"key", "setting", "键", "设置", "项目", "参数"})
VALUES = frozenset({"value", "值", "取值", "内容"})
"""Headings of the sheet of settings."""

_OLE = b"\xd0\xcf\x11\xe0"
_DAMAGES = (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ExpatError)


class Workbook:
    """An opened workbook; :meth:`table` gives its sheets."""

    def __init__(self, path: Path, book: CalamineWorkbook, package: Package) -> None:
        self.path = path
        self._book = book
        self._package = package
        self._hidden = {s.name for s in book.sheets_metadata if s.visible != SheetVisibleEnum.Visible}

    @property
    def sheets(self) -> tuple[str, ...]:
        """Names of the worksheets, charts apart."""
        return tuple(s.name for s in self._book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet)

    def label(self, sheet: str) -> str:
        """Name of a sheet in findings."""
        return f"{self.path.name}[{sheet}]"

    def table(self, sheet: str, table: str, report: Report) -> RawTable | None:
        """Raw table of a sheet; None where it has no heading row."""
        label = self.label(sheet)
        try:
            content = self._book.get_sheet_by_name(sheet)
        except _DAMAGES as error:
            report.add_at("error", label, "workbook", _damaged(error))
            return None
        rows = content.to_python(skip_empty_area=False)
        head = heading_row(rows, table)
        if head is None:
            report.add_at("error", label, "empty", _("The sheet is empty. It needs a heading row."))
            return None
        self._tell(sheet, rows, head, report)
        for (top, left), (bottom, _right) in content.merged_cell_ranges or ():
            if bottom >= head:
                says = _("Merged cells: only the first would have a value. Unmerge them and fill every cell.")
                report.add_at("error", label, "merged", says, row=f"{column_letters(left)}{top + 1}")
        headings = tuple(text_of(v).strip() for v in rows[head])
        body = rows[head + 1 :]
        columns = tuple(Cells.of(_texts([row[i] for row in body])) for i in range(len(headings)))
        numbers = np.arange(head + 2, head + 2 + len(body), dtype=np.int64)
        letters = tuple(column_letters(i) for i in range(len(headings)))
        return RawTable(table, label, headings, columns, numbers, letters)

    def _tell(self, sheet: str, rows: Sequence[Sequence[object]], head: int, report: Report) -> None:
        """Say what a reader of the workbook may not expect."""
        label = self.label(sheet)
        if sheet in self._hidden:
            says = _("The sheet is hidden; it is read all the same. Begin its name with # if it should not be.")
            report.add_at("warning", label, "hidden", says)
        if any(v not in ("", None) for row in rows[:head] for v in row):
            says = _("The heading is found in row {row}; what stands above it is not read.").format(row=head + 1)
            report.add_at("note", label, "heading", says)

    def check_formulas(self, sheets: Iterable[str], report: Report) -> None:
        """Find formulas without a stored value and cells that hold an error, in the sheets that are read."""
        try:
            for sheet in sheets:
                for odd in odd_cells(self._package, sheet):
                    if odd.error:
                        says = _("The cell shows an error. Correct it or leave it blank.")
                        report.add_at("error", self.label(sheet), "error_cell", says, row=odd.cell, value=odd.shown)
                    elif odd.shown is None:
                        says = _(
                            "The formula has no stored value. Open the workbook in a spreadsheet program and save it."
                        )
                        value = f"={odd.formula}" if odd.formula else ""
                        report.add_at("error", self.label(sheet), "formula", says, row=odd.cell, value=value)
        except _DAMAGES as error:
            report.add_at("error", self.path.name, "workbook", _damaged(error))

    def formulas(self, sheet: str) -> dict[str, str]:
        """Cells of a sheet that hold a formula, such as ``B7``, and the formula (blank where it is shared)."""
        return {odd.cell: odd.formula for odd in odd_cells(self._package, sheet) if not (odd.error and not odd.formula)}

    def cells(self, sheet: str) -> Sequence[Sequence[object]]:
        """Every cell of a sheet from A1 on, as numbers, texts, dates and truth values; blank is an empty text."""
        return self._book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)


def open_workbook(path: Path, report: Report) -> Workbook | None:
    """Open a workbook; a file that is none, or holds what is not allowed, becomes a finding."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
        if start[:2] != b"PK" or path.suffix.casefold() not in ("", ".xlsx", ".xlsm"):
            says = _("This is not a workbook. Save it as .xlsx.")
            if start[:4] == _OLE:
                says = _("The workbook has a password or is an old .xls. Save it as .xlsx without a password.")
            report.add_at("error", path.name, "workbook", says)
            return None
        package = look_through(path)
        return Workbook(path, CalamineWorkbook.from_path(path), package)
    except OSError as error:
        says = _("The file cannot be read: {reason}.").format(reason=error.strerror or error)
        report.add_at("error", path.name, "unreadable", says)
    except Refused as refused:
        report.add_at("error", path.name, refused.rule, refused.says)
    except _DAMAGES as error:
        report.add_at("error", path.name, "workbook", _damaged(error))
    return None


def heading_row(rows: Sequence[Sequence[object]], table: str) -> int | None:
    """Position of the row that holds the headings: of the first rows the one with most known ones; None if all is blank.

    Where no heading is known it is the first row that is not blank.
    """
    filled = [i for i, row in enumerate(rows) if any(v not in ("", None) for v in row)]
    if not filled:
        return None
    known = [_known(rows[i], table) for i in filled[:HEADING_WITHIN]]
    return filled[known.index(max(known))]


def _known(row: Sequence[object], table: str) -> int:
    """How many different columns of a table the cells of a row name."""
    texts = [v for v in row if isinstance(v, str) and v]
    if table == SETTINGS:
        return len({t for t in map(plain, texts) if t in KEYS}) + len({t for t in map(plain, texts) if t in VALUES})
    entry = dictionary().get(table)
    return 0 if entry is None else len({entry.column_named(t) for t in texts} - {None})


def _damaged(error: Exception) -> str:
    says = _("The workbook is damaged: {reason}. Open it in a spreadsheet program and save it again.")
    return says.format(reason=str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__)


def _texts(values: list[object]) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    return np.array([v if isinstance(v, str) else text_of(v) for v in values], dtype=object)


def text_of(value: object) -> str:
    """Text that a CSV file would hold for the cell."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(sep=" ")
    return "" if value is None else str(value)
