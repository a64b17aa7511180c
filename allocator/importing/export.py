"""Read a CRM export as it is: texts in named fields, each row with its number, and a log of what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from allocator.errors import Finding, InputError, Severity
from allocator.importing.mapping import USUAL, CrmMapping, SheetMapping
from allocator.importing.mapping_files import known_mappings, shipped_mappings
from allocator.importing.sources import Source, matched, sources_of
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
        rows: Iterable[object] = (),
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


def read_export(paths: Sequence[Path], mapping: CrmMapping | None, log: Log) -> tuple[dict[str, Sheet], CrmMapping]:
    """Read the tables of an export.

    Parameters
    ----------
    paths : sequence of Path
        A folder, files, or a workbook.
    mapping : CrmMapping or None
        None: of those that are known, the first that the export fits.

    Returns
    -------
    sheets : dict of str to Sheet
        ``accounts``, ``products``, ``teams`` and ``deals``.
    mapping : CrmMapping

    Raises
    ------
    InputError
        If a file or a required heading is missing, or a file is no table.
    """
    sources = sources_of(paths, log.findings)
    log.stop_on_errors()
    taken = mapping or next((m for m in known_mappings() if _fits(sources, m)), USUAL)
    if mapping is None and taken is not USUAL:
        says = _("The headings are those of {system}.").format(system=taken.title)
        log.findings.append(Finding("note", "", "", "", taken.title, "mapping", says))
    sheets = _read_sheets(sources, taken, paths, log)
    if any(f.severity == "error" for f in log.findings) and mapping is None:
        says = _(
            "Other headings are told by --mapping; shipped: {names}. Each is a file that can be copied and changed."
        )
        names = _(", ").join(shipped_mappings())
        log.findings.append(Finding("note", "", "", "", "", "mapping", says.format(names=names)))
    log.stop_on_errors()
    return sheets, taken


def _fits(sources: Sequence[Source], mapping: CrmMapping) -> bool:
    """Whether every table is there with all that it needs, and every stage has a meaning."""
    quiet = Log()
    sheets = _read_sheets(sources, mapping, (), quiet)
    if len(sheets) < len(mapping.sheets) or any(f.severity == "error" for f in quiet.findings):
        return False
    words = {squash(word) for words in mapping.stages.values() for word in words}
    return set(sheets["deals"].frame["stage"].map(squash)) <= words


def _read_sheets(sources: Sequence[Source], mapping: CrmMapping, paths: Sequence[Path], log: Log) -> dict[str, Sheet]:
    found = matched(sources, mapping)
    sheets: dict[str, Sheet] = {}
    for name, wanted in mapping.sheets.items():
        if name not in found:
            place = _(", ").join(map(str, paths))
            says = _("{folder} holds no {files}.").format(folder=place, files=_(" or ").join(wanted.files))
            log.findings.append(Finding("error", wanted.files[0], "", "", "", "file", says))
            continue
        parts = [_read_sheet(source, mapping, wanted, log) for source in found[name]]
        whole = [part for part in parts if part is not None]
        if len(whole) == len(parts):
            sheets[name] = _stacked(whole)
    return sheets


def _stacked(parts: list[Sheet]) -> Sheet:
    """Several files of one table as one; rows then tell their file too."""
    if len(parts) == 1:
        return parts[0]
    frames = [part.frame.assign(**{ROW: part.frame[ROW].astype(str) + f" ({part.file})"}) for part in parts]
    headings = {field_: heading for part in reversed(parts) for field_, heading in part.headings.items()}
    return Sheet(" + ".join(part.file for part in parts), headings, pd.concat(frames, ignore_index=True))


def _read_sheet(source: Source, mapping: CrmMapping, wanted: SheetMapping, log: Log) -> Sheet | None:
    rows = source.read(mapping, log.findings)
    if rows is None:
        return None
    head = [" ".join(cell.split()) for cell in rows[0][1]]
    headings = _headings(source.label, head, wanted, log)
    at = {name: head.index(heading) for name, heading in headings.items()}
    body = [(number, [" ".join(cell.split()) for cell in cells]) for number, cells in rows[1:]]
    body = [(number, cells) for number, cells in body if any(cells)]
    sheet = Sheet(source.label, headings, pd.DataFrame())
    _check_widths(sheet, body, len(head), log)
    frame = pd.DataFrame(
        {name: [c[at[name]] if name in at and at[name] < len(c) else "" for _n, c in body] for name in wanted.headings},
        dtype="str",
    )
    frame[ROW] = [number for number, _cells in body]
    return Sheet(source.label, headings, frame)


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
