"""Workbooks to raw tables: python-calamine for the cells, openpyxl for what it cannot tell."""

from __future__ import annotations

import datetime as dt
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from allocator.schema.files import stripped
from allocator.schema.findings import Report
from allocator.schema.tables import RawTable
from allocator.texts import _

LARGEST = 4 * 2**30
"""Bytes that a workbook may have once unpacked."""

_CHUNK, _OVERLAP = 2**20, 64
_OLE = b"\xd0\xcf\x11\xe0"
_DAMAGES = (CalamineError, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)
_SPECIAL = re.compile(rb"""<(\w+:)?f[ />]|t=["']e["']""")
_ENTITY = re.compile(rb"<!(DOCTYPE|ENTITY)")


class Workbook:
    """An opened workbook; :meth:`tables` gives its sheets."""

    def __init__(self, path: Path, book: CalamineWorkbook, special: bool) -> None:
        self.path = path
        self._book = book
        self._special = special

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
        for (top, left), _end in content.merged_cell_ranges or ():
            says = _("Merged cells: only the first would have a value. Unmerge them and fill every cell.")
            report.add_at("error", label, "merged", says, row=f"{letters(left)}{top + 1}")
        rows = content.to_python(skip_empty_area=False)
        head = next((i for i, row in enumerate(rows) if any(v not in ("", None) for v in row)), None)
        if head is None:
            report.add_at("error", label, "empty", _("The sheet is empty. It needs a heading row."))
            return None
        headings = tuple(stripped(np.array([_text(v) for v in rows[head]], dtype=object)))
        body = rows[head + 1 :]
        columns = tuple(stripped(np.array([_text(row[i]) for row in body], dtype=object)) for i in range(len(headings)))
        numbers = np.arange(head + 2, head + 2 + len(body), dtype=np.int64)
        return RawTable(table, label, headings, columns, numbers, tuple(letters(i) for i in range(len(headings))))

    def check_formulas(self, sheets: Iterable[str], report: Report) -> None:
        """Find formulas without a stored value and cells that hold an error, in the sheets that are read."""
        if not self._special:
            return
        try:
            odd = list(self._odd_cells(sheets))
        except (*_DAMAGES, SyntaxError, AttributeError, LookupError, TypeError, ValueError) as error:
            report.add_at("error", self.path.name, "workbook", _damaged(error))
            return
        for sheet, cell, rule, value in odd:
            says = _("The formula has no stored value. Open the workbook in a spreadsheet program and save it.")
            if rule == "error_cell":
                says = _("The cell shows an error. Correct it or leave it blank.")
            report.add_at("error", self.label(sheet), rule, says, row=cell, value=value)

    def _odd_cells(self, sheets: Iterable[str]) -> Iterator[tuple[str, str, str, str]]:
        import openpyxl  # here, because few workbooks need it

        with warnings.catch_warnings(), self.path.open("rb") as one, self.path.open("rb") as other:
            warnings.simplefilter("ignore")  # of styles and extensions that hold no cell
            formulas = openpyxl.load_workbook(one, read_only=True)
            stored = openpyxl.load_workbook(other, read_only=True, data_only=True)
            for sheet in sheets:
                for written, shown in zip(formulas[sheet].iter_rows(), stored[sheet].iter_rows(), strict=False):
                    for cell, result in zip(written, shown, strict=False):
                        if cell.value is None:
                            continue
                        if result.data_type == "e":
                            yield sheet, cell.coordinate, "error_cell", str(result.value)
                        elif cell.data_type == "f" and result.value is None and result.data_type == "n":
                            yield sheet, cell.coordinate, "formula", str(cell.value)


def open_workbook(path: Path, report: Report) -> Workbook | None:
    """Open a workbook; a file that is none becomes a finding."""
    try:
        with path.open("rb") as file:
            start = file.read(8)
        special = _scan(path) if start[:2] == b"PK" else None
        if special is None:
            says = _("This is not a workbook. Save it as .xlsx.")
            if start[:4] == _OLE:
                says = _("The workbook has a password or is an old .xls. Save it as .xlsx without a password.")
            report.add_at("error", path.name, "workbook", says)
            return None
        return Workbook(path, CalamineWorkbook.from_path(path), special)
    except OSError as error:
        says = _("The file cannot be read: {reason}.").format(reason=error.strerror or error)
        report.add_at("error", path.name, "unreadable", says)
    except _DAMAGES as error:
        report.add_at("error", path.name, "workbook", _damaged(error))
    return None


def _damaged(error: Exception) -> str:
    says = _("The workbook is damaged: {reason}. Open it in a spreadsheet program and save it again.")
    return says.format(reason=str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__)


def _scan(path: Path) -> bool:
    """Read every part once: is it whole, small enough and free of entities? Return whether formulas or errors occur."""
    special = False
    with zipfile.ZipFile(path) as archive:
        if sum(part.file_size for part in archive.infolist()) > LARGEST:
            raise zipfile.BadZipFile("too large when unpacked")
        for part in archive.infolist():
            sheet = part.filename.startswith("xl/worksheets/")
            tail = b""
            with archive.open(part) as file:
                while chunk := file.read(_CHUNK):
                    text = tail + chunk
                    if part.filename.endswith((".xml", ".rels")) and _ENTITY.search(text):
                        raise zipfile.BadZipFile("entities are not allowed")
                    special |= sheet and _SPECIAL.search(text) is not None
                    tail = chunk[-_OVERLAP:]
    return special


def letters(column: int) -> str:
    """Letters of a sheet's column, counted from 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def _text(value: object) -> str:
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
