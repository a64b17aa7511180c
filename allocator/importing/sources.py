"""Where an export comes from: a folder, single files, or a workbook with a sheet for each table."""

from __future__ import annotations

import csv
import fnmatch
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from allocator.errors import Finding
from allocator.importing.mapping import CrmMapping, SheetMapping
from allocator.importing.spelling import squash
from allocator.schema.findings import Report
from allocator.schema.workbooks import SUFFIXES, open_workbook, text_of
from allocator.texts import _

Rows = list[tuple[int, list[str]]]
"""Rows with their numbers as an editor counts them."""

HEADING_WITHIN = 30
"""Rows from the top among which the heading is looked for."""

TEXTS = (".csv", ".txt", ".tsv")


@dataclass
class Source:
    """A file, or a sheet of a workbook.

    Attributes
    ----------
    label : str
        As findings call it.
    names : tuple of str
        What it may be recognised by, as a file's name in small letters.
    path : Path
    rows : list or None
        Rows of a sheet; a file is read when it is asked for.
    """

    label: str
    names: tuple[str, ...]
    path: Path
    rows: Rows | None = field(default=None, repr=False)

    def is_called(self, pattern: str) -> bool:
        """Whether a name fits a pattern."""
        return any(fnmatch.fnmatch(name, pattern.casefold()) for name in self.names)

    def read(self, mapping: CrmMapping, findings: list[Finding]) -> Rows | None:
        """Rows from the heading on; None, and an error, if it is no table."""
        rows = _csv_rows(self.path, mapping, findings) if self.rows is None else self.rows
        if not rows:
            return None
        known = {squash(h) for sheet in mapping.sheets.values() for options in sheet.headings.values() for h in options}
        filled = [i for i, (_at, cells) in enumerate(rows) if any(cells)][:HEADING_WITHIN]
        counts = [len({squash(c) for c in rows[i][1]} & known) for i in filled]
        return rows[filled[counts.index(max(counts))] :] if filled else None


def sources_of(paths: Sequence[Path], findings: list[Finding]) -> list[Source]:
    """List what the paths hold; errors for those that cannot be opened."""
    found: list[Source] = []
    for path in paths:
        if path.is_dir():
            files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith((".", "~")))
        elif path.is_file():
            files = [path]
        else:
            says = _("{folder} is not there. Give the folder, the files or the workbook of the export.").format(
                folder=path
            )
            findings.append(Finding("error", str(path), "", "", "", "file", says))
            continue
        for file in files:
            if file.suffix.casefold() in SUFFIXES:
                found += _sheets(file, findings)
            elif file.suffix.casefold() in TEXTS:
                found.append(Source(file.name, (file.name.casefold(),), file))
    return found


def _sheets(path: Path, findings: list[Finding]) -> Iterable[Source]:
    report = Report()
    book = open_workbook(path, report)
    if book is None:
        findings += report.findings()
        return []
    sheets = []
    book.check_formulas(book.sheets, report)
    findings += report.findings()
    for sheet in book.sheets:
        rows = [(i, [text_of(v) for v in row]) for i, row in enumerate(book.cells(sheet), 1)]
        names = (f"{sheet.casefold()}.csv", *((f"{path.stem.casefold()}.csv",) if len(book.sheets) == 1 else ()))
        sheets.append(Source(book.label(sheet), names, path, rows))
    return sheets


def matched(sources: Sequence[Source], mapping: CrmMapping) -> dict[str, list[Source]]:
    """Sources of each table: by their names, and where no name tells, by their headings."""
    found: dict[str, list[Source]] = {}
    taken: set[str] = set()
    for name, wanted in mapping.sheets.items():
        for pattern in wanted.files:
            fitting = [s for s in sources if s.label not in taken and s.is_called(pattern)]
            if fitting:
                found[name] = fitting if "*" in pattern else fitting[:1]
                taken.update(s.label for s in found[name])
                break
    missing = [name for name in mapping.sheets if name not in found]
    if missing:
        for source in sources:
            if source.label not in taken:
                rows = source.read(mapping, [])
                name = _recognised(rows[0][1], mapping) if rows else ""
                if name in missing:
                    found.setdefault(name, []).append(source)
    return found


def _recognised(head: list[str], mapping: CrmMapping) -> str:
    """Table with the most of its headings here, all that it needs among them; blank if none has, or two have."""
    there = {squash(h) for h in head}

    def count(wanted: SheetMapping) -> int:
        fields = {f for f, options in wanted.headings.items() if there & {squash(o) for o in options}}
        return len(fields) if fields.issuperset(wanted.required) else 0

    counts = {name: count(wanted) for name, wanted in mapping.sheets.items()}
    most = max(counts.values())
    best = [name for name, n in counts.items() if n == most]
    return best[0] if most and len(best) == 1 else ""


def _csv_rows(path: Path, mapping: CrmMapping, findings: list[Finding]) -> Rows | None:
    """Rows of a CSV file; None, and an error, if it is no table."""
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
            says = _("{file} was read as GB18030.").format(file=path.name)
            findings.append(Finding("note", path.name, "", "", "", "encoding", says))
    rows: Rows = []
    if not problem:
        first = text.split("\n", 1)[0]
        names = {squash(h) for sheet in mapping.sheets.values() for options in sheet.headings.values() for h in options}
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
        findings.append(Finding("error", path.name, "", "", "", "file", says))
        return None
    return rows
