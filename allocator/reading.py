"""Reading a model: a folder of ``model.yaml`` and tables (CSV or Parquet), or one workbook with the same sheets."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from allocator.errors import InputError
from allocator.model import Model, Settings
from allocator.schema.checks import check_tables, complete
from allocator.schema.dictionary import SETTINGS, dictionary, plain, table_named
from allocator.schema.files import READERS, decode, read_bytes, read_file
from allocator.schema.findings import Place, Report, nearest
from allocator.schema.settings import Entries, Entry, make_settings, read_yaml
from allocator.schema.tables import RawTable, empty, fingerprint, in_order, type_table
from allocator.schema.workbooks import KEYS, SUFFIXES, VALUES, open_workbook
from allocator.schema.writing import write_tables
from allocator.texts import _

__all__ = ["Tables", "check", "load", "read_tables", "write_tables", "write_workbook"]

SCENARIOS = "scenarios"
"""A sheet or folder of this name is not a table."""

INDEX = frozenset({"index", "目录"})
"""Nor is a sheet of one of these, which lists the others."""


@dataclass(frozen=True)
class Tables:
    """Typed tables and settings as read, before rows are checked against each other.

    Attributes
    ----------
    name, source : str
        Name of the folder or workbook, and its path.
    settings : Settings
    frames : mapping of str to DataFrame
        Every table of the dictionary, with every column, in the order in which it was read.
    places : mapping of str to Place
        Where the rows of each table stand. A table whose rows were changed since is named in findings without rows.
    """

    name: str
    source: str
    settings: Settings
    frames: Mapping[str, pd.DataFrame]
    places: Mapping[str, Place]


def load(path: str | Path) -> Model:
    """Read and check a model.

    Parameters
    ----------
    path : path
        A folder with ``model.yaml`` (or ``model.csv``) and tables, each a CSV or a Parquet file, or an ``.xlsx`` workbook.

    Raises
    ------
    InputError
        With all findings, if any is an error.
    """
    report = Report()
    return check(read_tables(path, report), report)


def read_tables(path: str | Path, report: Report) -> Tables:
    """Read and type all tables; what is wrong with single cells goes to ``report``.

    Raises
    ------
    InputError
        If there is nothing to go on with: no folder, no settings, a required table missing.
    """
    path = Path(path)
    source = _Source(report)
    if path.suffix.casefold() in SUFFIXES and not path.is_dir():
        source.read_workbook(path)
    else:
        source.read_folder(path)
    return source.tables(path)


def check(tables: Tables, report: Report | None = None, known: Collection[str] = ()) -> Model:
    """Check typed tables against the dictionary and each other, and make the model.

    Tables that are ``known`` are those of a model, unchanged: they are checked against the others alone.

    Raises
    ------
    InputError
        With all findings, those of ``report`` included, if any is an error.
    """
    report = Report() if report is None else report
    frames: dict[str, pd.DataFrame] = {}
    for name, table in dictionary().items():
        if name in known:
            frames[name] = tables.frames[name]
            continue
        frames[name], order = in_order(tables.frames[name], table)
        if place := tables.places.get(name):
            rows = place.rows[order] if len(place.rows) == len(order) else place.rows[:0]
            report.places[name] = replace(place, rows=rows)
    frames = complete(frames)
    check_tables(tables.settings, frames, report, known=known)
    if report:
        raise InputError(report.findings())
    return Model(
        name=tables.name,
        settings=tables.settings,
        tables=frames,
        findings=report.findings(),
        sha256=fingerprint(tables.settings, frames),
        source=tables.source,
    )


def write_workbook(model: Model, path: str | Path) -> None:
    """Write a workbook that reads as the same model, with notes and lists, in the language in force.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If a table has more rows than a sheet.
    """
    from allocator.reporting.model_workbook import write_workbook as write  # here, because few commands need it

    write(model, path)


class _Source:
    """Finds the tables of a folder or workbook and reads each."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._raw: dict[str, RawTable] = {}
        self._labels: dict[str, str] = {}
        self._settings: Settings | None = None
        self._found_any = False

    def read_folder(self, folder: Path) -> None:
        """Read ``model.yaml`` and every CSV or Parquet file whose name is a table's."""
        try:
            files = sorted(folder.iterdir())
        except OSError as error:
            says = _("There is no model here: {reason}. Expected a folder or an .xlsx workbook.").format(
                reason=error.strerror or error
            )
            self._report.add_at("error", folder.name or str(folder), "unreadable", says)
            return
        self._found_any = True
        for file in files:
            suffix = file.suffix.casefold()
            if suffix in {".yaml", ".yml"} and table_named(file.stem) == SETTINGS:
                if self._first(SETTINGS, file.name):
                    self._read_yaml(file)
            elif suffix in READERS and (table := self._table(file.stem, file.name)):
                self._take(table, read_file(file, table, file.name, self._report))

    def read_workbook(self, path: Path) -> None:
        """Read every sheet whose name is a table's."""
        book = open_workbook(path, self._report)
        if book is None:
            return
        self._found_any = True
        sheets = {sheet: t for sheet in book.sheets if (t := self._table(sheet, book.label(sheet)))}
        book.check_formulas(sheets, self._report)
        for sheet, table in sheets.items():
            self._take(table, book.table(sheet, table, self._report))

    def tables(self, path: Path) -> Tables:
        """Type what was read."""
        report, folder = self._report, path.is_dir()
        required = [t.name for t in dictionary().values() if t.required]
        if self._found_any:
            for name in (SETTINGS, *required):
                if name not in self._labels:
                    ending = ("yaml" if name == SETTINGS else "csv") if folder else ""
                    label = f"{name}.{ending}" if folder else f"{path.name}[{name}]"
                    report.add_at("error", label, "missing", _("It is missing. Every model needs it."))
        frames = {
            name: type_table(self._raw[name], report) if name in self._raw else empty(name) for name in dictionary()
        }
        for name in required:
            if name in self._raw and frames[name].empty and name != "targets":
                report.add("error", name, "empty", _("The table has no rows. It needs one at least."))
        unread = ({name for name in (*required, *self._labels) if name not in self._raw} | report.broken) - {SETTINGS}
        if self._settings is None or unread:
            check_tables(self._settings, complete(frames), report, unread)
            raise InputError(report.findings())
        name = path.resolve().name if folder else path.stem
        return Tables(name, str(path), self._settings, frames, report.places)

    def _table(self, name: str, label: str) -> str | None:
        """Table that a file or sheet holds; findings for names that are unknown or double."""
        if name.startswith(("#", "~", ".")) or plain(name) in (SCENARIOS, "情景", *INDEX):
            return None
        table = table_named(name)
        if table is None:
            known = [s for t in dictionary().values() for s in (t.name, *t.aliases)]
            if close := nearest(plain(name), known, 75):
                says = _('Unknown table. Did you mean "{close}"?').format(close=close)
                self._report.add_at("error", label, "table", says)
            else:
                self._report.add_at("warning", label, "table", _("Unknown table; it is not read."))
            return None
        return table if self._first(table, label) else None

    def _first(self, table: str, label: str) -> bool:
        if table in self._labels:
            says = _("{other} holds the same table ({table}). Keep one of them.").format(
                other=self._labels[table], table=table
            )
            self._report.add_at("error", label, "duplicate", says)
            return False
        self._labels[table] = label
        return True

    def _take(self, table: str, raw: RawTable | None) -> None:
        if raw is None:
            return
        if table == SETTINGS:
            entries = _entries(raw, self._report)
            self._settings = make_settings(entries, raw.label, self._report)
        else:
            self._raw[table] = raw

    def _read_yaml(self, file: Path) -> None:
        data = read_bytes(file, self._report)
        text = None if data is None else decode(data, file.name, self._report)
        entries = None if text is None else read_yaml(text, file.name, self._report)
        if entries is not None:
            self._settings = make_settings(entries, file.name, self._report)


def _entries(raw: RawTable, report: Report) -> Entries:
    """Return the settings that a table of key and value holds."""
    headings = [plain(h) for h in raw.headings]
    keys = [i for i, h in enumerate(headings) if h in KEYS]
    values = [i for i, h in enumerate(headings) if h in VALUES]
    if len(keys) != 1 or len(values) != 1:
        report.add_at("error", raw.label, "column", _("Expected the columns key and value."))
        return {}
    entries: dict[str, Entry] = {}
    letter = raw.letters[values[0]] if raw.letters else ""
    for key, value, row in zip(raw.columns[keys[0]], raw.columns[values[0]], raw.rows, strict=True):
        if key in entries:
            says = _("{key} is there twice. Keep one of them.").format(key=key)
            report.add_at("error", raw.label, "duplicate", says, row=f"{letter}{row}", column=key)
        elif key and not key.startswith("#"):
            entries[key] = Entry(value, f"{letter}{row}")
    return entries
