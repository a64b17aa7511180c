"""A copy of a model's tables in which wrong cells are coloured and say what is wrong with them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from allocator.errors import Finding, InputError
from allocator.reading import check, read_tables
from allocator.reporting.workbook import DANGEROUS, WIDEST
from allocator.schema.dictionary import table_named
from allocator.schema.files import READERS, read_file
from allocator.schema.findings import Report
from allocator.texts import _

if TYPE_CHECKING:
    from openpyxl import Workbook

MOST = 5_000
"""Cells of one rule in one column that are marked."""

SHEET = "#findings"
"""Sheet that lists all findings; it begins with # so that the copy can be read as a model."""

COLOURS = {"error": "FFC7CE", "warning": "FFEB9C"}
AUTHOR = "allocator"
_CELL = re.compile(r"([A-Z]{1,3})(\d+)")

Cell = tuple[str, int, str]
"""Letters of the column (blank: the row), row, and the heading of the column."""


def all_findings(path: Path) -> tuple[Finding, ...]:
    """Every finding of a model's own tables, many more of one kind than are told on the screen."""
    report = Report(most=MOST)
    try:
        return check(read_tables(path, report), report).findings
    except InputError as refused:
        return tuple(refused.findings)


def mark(path: Path, findings: Iterable[Finding], target: Path) -> int:
    """Write a workbook with the tables of a model in which findings are marked, and return how many cells are.

    Parameters
    ----------
    path : Path
        A workbook, which is copied with its formats, or a folder, whose files become sheets.
    findings : iterable of Finding
        Those of other places than cells are listed only.
    target : Path

    Raises
    ------
    InputError
        If the workbook is one that is refused.
    OSError
        If the copy cannot be written.
    """
    book, labels = _folder(path) if path.is_dir() else _workbook(path)
    told = [f for f in findings if f.severity in COLOURS]
    marked: dict[Cell, str] = {}
    places: list[str] = []
    for finding in told:
        sheet = labels.get(finding.table)
        cells = _cells(book[sheet], finding) if sheet else []
        places.append(f"#'{sheet}'!{cells[0].coordinate}" if sheet and cells else "")
        for cell in cells:
            _colour(cell, finding, marked)
    _list(book, told, places)
    book.save(target)
    return len(marked)


def _workbook(path: Path) -> tuple[Workbook, Mapping[str, str]]:
    """Open a workbook that was looked through; its sheets by what findings call them."""
    import openpyxl  # here, because few commands need it

    from allocator.schema.workbooks import open_workbook

    report = Report()
    if open_workbook(path, report) is None:
        raise InputError(report.findings())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and extensions that a copy for correction can do without
        book = openpyxl.load_workbook(path)
    return book, {f"{path.name}[{name}]": name for name in book.sheetnames}


def _folder(path: Path) -> tuple[Workbook, Mapping[str, str]]:
    """Make a workbook of a folder's tables, each row where the file has it."""
    import openpyxl

    book, labels = openpyxl.Workbook(), {}
    del book[book.sheetnames[0]]
    for file in sorted(f for f in path.iterdir() if f.suffix.casefold() in READERS):
        table = table_named(file.stem)
        raw = read_file(file, table, file.name, Report()) if table else None
        if raw is None:
            continue
        sheet = book.create_sheet(file.stem[:31])
        labels[file.name] = sheet.title
        top = int(raw.rows[0]) - 1 if len(raw.rows) else 1
        for k, (heading, texts) in enumerate(zip(raw.headings, raw.columns, strict=True), 1):
            for row, text in ((top, heading), *zip(raw.rows.tolist(), texts, strict=True)):
                if text:
                    cell = sheet.cell(row, k)
                    cell.value, cell.data_type = text, "s"  # a text, whatever it begins with
                    cell.quotePrefix = text.startswith(DANGEROUS)
        sheet.freeze_panes = f"A{top + 1}"
    return book, labels


def _cells(sheet: Any, finding: Finding) -> list[Any]:
    """Cells that a finding is about: one, a whole row, a heading, or none."""
    place = _CELL.fullmatch(finding.row)
    if place:
        return [sheet[finding.row]]
    heads = _headings(sheet)
    column = heads.get(finding.column)
    if finding.row.isdecimal():
        row = int(finding.row)
        if column is not None:
            return [sheet.cell(row, column[1])]
        width = max((at for _row, at in heads.values()), default=1)
        return [sheet.cell(row, k) for k in range(1, width + 1)] if row <= sheet.max_row else []
    return [] if column is None else [sheet.cell(*column)]


def _headings(sheet: Any) -> dict[str, tuple[int, int]]:
    """Row and column of each text in the first rows, the lowest of equal ones: where a heading of that name stands."""
    rows = sheet.iter_rows(max_row=min(sheet.max_row, 35))
    return {str(c.value).strip(): (c.row, c.column) for row in reversed(list(rows)) for c in row if c.value is not None}


def _colour(cell: Any, finding: Finding, marked: dict[Cell, str]) -> None:
    from openpyxl.cell.cell import MergedCell
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    if isinstance(cell, MergedCell):
        return
    key = (cell.parent.title, cell.row, cell.column_letter)
    if marked.get(key) != "error":
        cell.fill = PatternFill("solid", fgColor=COLOURS[finding.severity])
    before = cell.comment.text.rstrip() + "\n" if cell.comment is not None else ""
    says = finding.says.partition(_(": "))[2] or finding.says
    cell.comment = Comment(before + says, AUTHOR, height=40 + 20 * (1 + len(before + says) // 35), width=260)
    marked[key] = "error" if "error" in (finding.severity, marked.get(key)) else finding.severity


def _list(book: Workbook, findings: list[Finding], places: list[str]) -> None:
    """List all findings in front, each with a link to its cell."""
    from openpyxl.styles import Font, PatternFill

    if SHEET in book.sheetnames:
        del book[SHEET]
    sheet = book.create_sheet(SHEET, 0)
    heading = [_("severity"), _("table"), _("row"), _("column"), _("value"), _("what it says")]
    names = {"error": _("error"), "warning": _("warning")}
    for k, text in enumerate(heading, 1):
        sheet.cell(1, k, text).font = Font(bold=True)
    for row, (finding, place) in enumerate(zip(findings, places, strict=True), 2):
        texts = (names[finding.severity], finding.table, finding.row, finding.column, finding.value, finding.says)
        for k, text in enumerate(texts, 1):
            cell = sheet.cell(row, k)
            cell.value, cell.data_type = _printable(text), "s"
            cell.quotePrefix = text.startswith(DANGEROUS)
        sheet.cell(row, 1).fill = PatternFill("solid", fgColor=COLOURS[finding.severity])
        if place:
            sheet.cell(row, 3).hyperlink = place
            sheet.cell(row, 3).font = Font(color="0563C1", underline="single")
    for letter, width in zip("ABCDEF", (10, 26, 8, 16, 24, 2 * WIDEST), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.freeze_panes = "A2"
    book.active = 0


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
