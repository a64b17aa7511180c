"""Read a CRM export as it is: texts in named fields, each row with its number, and a log of what was found."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from allocator.errors import Finding, InputError, Severity
from allocator.importing.mapping import CrmMapping, SheetMapping
from allocator.importing.spelling import squash
from allocator.texts import _

ROW = "row"
"""Column of every sheet's frame that holds the row's number as an editor counts it."""


@dataclass(frozen=True)
class Sheet:
    """One file of the export.

    Attributes
    ----------
    file : str
        Its name.
    headings : mapping of str to str
        For each field the heading that it stands under.
    frame : DataFrame
        A text column for each field (blank where the export has none), and ``row``.
    """

    file: str
    headings: Mapping[str, str]
    frame: pd.DataFrame


@dataclass
class Log:
    """What was found and repaired on the way, in the order in which it was met."""

    findings: list[Finding] = field(default_factory=list)

    def add(
        self,
        severity: Severity,
        rule: str,
        says: str,
        *,
        sheet: Sheet | None = None,
        field_: str = "",
        rows: Iterable[int] = (),
        value: str = "",
    ) -> None:
        """Note a finding; of several rows the first is its place."""
        first = next(iter(rows), None)
        self.findings.append(
            Finding(
                severity=severity,
                table=sheet.file if sheet else "",
                row="" if first is None else str(first),
                column=sheet.headings.get(field_, field_) if sheet else field_,
                value=value,
                rule=rule,
                says=says,
            )
        )

    def stop_on_errors(self) -> None:
        """Refuse the export if anything so far is an error."""
        if any(f.severity == "error" for f in self.findings):
            raise InputError(self.findings)


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names joined for a sentence, at most so many of them."""
    every = list(names)
    shown = ", ".join(every[:most])
    return shown if len(every) <= most else _("{names} and {n} more").format(names=shown, n=len(every) - most)


def read_export(folder: Path, mapping: CrmMapping, log: Log) -> dict[str, Sheet]:
    """Read the files of an export.

    Returns
    -------
    dict of str to Sheet
        ``accounts``, ``products``, ``teams`` and ``deals``.

    Raises
    ------
    InputError
        If the folder, a file, or a required heading is missing, or a file is no table.
    """
    if not folder.is_dir():
        log.add(
            "error", "file", _("{folder} is no folder. Give the folder that holds the export.").format(folder=folder)
        )
        log.stop_on_errors()
    present = {path.name.casefold(): path for path in sorted(folder.iterdir()) if path.is_file()}
    sheets: dict[str, Sheet] = {}
    for name, wanted in mapping.sheets.items():
        path = next((present[f] for f in wanted.files if f in present), None)
        if path is None:
            says = _("{folder} holds no {files}.").format(folder=folder, files=_(" or ").join(wanted.files))
            log.findings.append(Finding("error", wanted.files[0], "", "", "", "file", says))
            continue
        sheet = _read_sheet(path, wanted, log)
        if sheet:
            sheets[name] = sheet
    log.stop_on_errors()
    return sheets


def _read_sheet(path: Path, wanted: SheetMapping, log: Log) -> Sheet | None:
    rows = _rows(path, wanted, log)
    if rows is None:
        return None
    head = [" ".join(cell.split()) for cell in rows[0][1]]
    headings = _headings(path.name, head, wanted, log)
    at = {name: head.index(heading) for name, heading in headings.items()}
    body = [(number, [" ".join(cell.split()) for cell in cells]) for number, cells in rows[1:]]
    body = [(number, cells) for number, cells in body if any(cells)]
    sheet = Sheet(path.name, headings, pd.DataFrame())
    _check_widths(sheet, body, len(head), log)
    frame = pd.DataFrame(
        {name: [c[at[name]] if name in at and at[name] < len(c) else "" for _n, c in body] for name in wanted.headings},
        dtype="str",
    )
    frame[ROW] = [number for number, _cells in body]
    return Sheet(path.name, headings, frame)


def _rows(path: Path, wanted: SheetMapping, log: Log) -> list[tuple[int, list[str]]] | None:
    """Rows of a CSV file with their line numbers; None, and an error in the log, if it is no table."""
    problem = ""
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as error:
        problem = _("cannot be read: {reason}").format(reason=error.strerror or error)
    except UnicodeDecodeError:
        text = raw.decode("gb18030", errors="replace")
        if "\ufffd" in text:
            problem = _("is neither UTF-8 nor GB18030 text. Save it as CSV UTF-8.")
        else:
            log.findings.append(
                Finding(
                    "note", path.name, "", "", "", "encoding", _("{file} was read as GB18030.").format(file=path.name)
                )
            )
    rows: list[tuple[int, list[str]]] = []
    if not problem:
        first = text.split("\n", 1)[0]
        names = {squash(h) for options in wanted.headings.values() for h in options}
        delimiter = max(",;\t|", key=lambda d: sum(squash(cell) in names for cell in first.split(d)))
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        at = 1
        try:
            for cells in reader:
                rows.append((at, cells))
                at = reader.line_num + 1
        except csv.Error as error:
            problem = _("is no CSV table at line {line}: {reason}").format(line=reader.line_num, reason=error)
        if not rows and not problem:
            problem = _("is empty.")
    if problem:
        says = _("{file} {problem}").format(file=path.name, problem=problem)
        log.findings.append(Finding("error", path.name, "", "", "", "file", says))
        return None
    return rows


def _headings(file: str, head: list[str], wanted: SheetMapping, log: Log) -> dict[str, str]:
    by_key = {squash(h): h for h in reversed(head)}
    found: dict[str, str] = {}
    for name, options in wanted.headings.items():
        heading = next((by_key[squash(o)] for o in options if squash(o) in by_key), None)
        if heading is not None:
            found[name] = heading
        elif name in wanted.required:
            says = _("{file} has no column {options}; its columns are {head}.").format(
                file=file, options=_(" or ").join(options), head=", ".join(head)
            )
            log.findings.append(Finding("error", file, "1", options[0], "", "column", says))
    doubled = sorted({h for h in found.values() if sum(squash(h) == squash(other) for other in head) > 1})
    for heading in doubled:
        says = _("{file} has the column {column} twice.").format(file=file, column=heading)
        log.findings.append(Finding("error", file, "1", heading, "", "column", says))
    unused = [h for h in head if h and h not in found.values()]
    if unused:
        says = _("{file}: the columns {columns} are not used.").format(file=file, columns=", ".join(unused))
        log.findings.append(Finding("note", file, "1", ", ".join(unused), "", "column", says))
    return found


def _check_widths(sheet: Sheet, body: list[tuple[int, list[str]]], width: int, log: Log) -> None:
    long = [number for number, cells in body if any(cells[width:])]
    short = [number for number, cells in body if len(cells) < width]
    if long:
        says = _(
            "{file}: rows with more cells than the heading: {n}, the first is {row}. Quote cells that hold a comma."
        )
        log.add("error", "cells", says.format(file=sheet.file, n=len(long), row=long[0]), sheet=sheet, rows=long)
    if short:
        says = _("{file}: rows with fewer cells than the heading: {n}, the first is {row}. The missing ones are blank.")
        log.add("warning", "cells", says.format(file=sheet.file, n=len(short), row=short[0]), sheet=sheet, rows=short)
