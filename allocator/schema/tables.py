"""Raw tables to typed frames, and the rules that the dictionary sets for each column."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import Settings
from allocator.schema.cells import Cells
from allocator.schema.dictionary import Column, Table, dictionary, plain
from allocator.schema.findings import Place, Report, nearest
from allocator.schema.parsing import EXPECTED, NUMERIC, blank, parse_cells
from allocator.texts import N_, _

IGNORED = {"备注", "说明", "remark", "remarks", "note", "notes"}


@dataclass(frozen=True)
class RawTable:
    """A table as the user has it: words, nothing understood yet.

    Attributes
    ----------
    table : str
        Name in the dictionary.
    label : str
        File or sheet as the user named it.
    headings : tuple of str
    columns : tuple of Cells
    rows : array of int
        Row numbers as the user's editor counts them.
    letters : tuple of str
        Letters of the columns in a sheet; empty for a file.
    """

    table: str
    label: str
    headings: tuple[str, ...]
    columns: tuple[Cells, ...]
    rows: NDArray[np.int64]
    letters: tuple[str, ...] = ()


def type_table(raw: RawTable, report: Report) -> pd.DataFrame:
    """Type a raw table; what is not of its type becomes a finding and a blank."""
    table = dictionary()[raw.table]
    filled = np.zeros(len(raw.rows), bool)
    for cells in raw.columns:
        filled |= cells.filled
    rows = raw.rows[filled]
    report.places[table.name] = Place(raw.label, rows)
    found = _known_columns(raw, table, report)
    headings = {name: raw.headings[i] for name, i in found.items()}
    letters = {name: raw.letters[i] for name, i in found.items()} if raw.letters else {}
    report.places[table.name] = Place(raw.label, rows, headings, letters)
    typed = {}
    for column in table.columns.values():
        if column.name not in found:
            typed[column.name] = blank(column, len(rows))
            continue
        cells = raw.columns[found[column.name]]
        cells = cells if filled.all() else cells.at(filled)
        parsed = parse_cells(cells, column)
        for bad, rule in ((parsed.nan, "nan"), (parsed.bad & ~parsed.nan, column.type)):
            if bad.any():
                where = np.flatnonzero(bad)
                report.values("error", table.name, rule, _(EXPECTED[rule]), where, column.name, cells.at(where).texts())
        # A blank in an int64 column has no mark of its own, so it is found here.
        if column.required and column.whole:
            where = np.flatnonzero(~cells.filled)
            report.values("error", table.name, "required", _(REQUIRED), where, column.name, cells.at(where).texts())
        typed[column.name] = parsed.data
    return pd.DataFrame(typed, index=pd.RangeIndex(len(rows)))


def in_order(frame: pd.DataFrame, table: Table) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Sort rows by the key; also return the former position of each row."""
    codes = [pd.factorize(frame[c], sort=True)[0] for c in table.key]
    order = np.lexsort(codes[::-1]) if len(frame) else np.zeros(0, dtype=np.int64)
    if (order[1:] > order[:-1]).all():
        return frame, order
    return frame.iloc[order].reset_index(drop=True), order


def empty(table: str) -> pd.DataFrame:
    """Return a table without rows, with every column typed."""
    return pd.DataFrame({c.name: blank(c, 0) for c in dictionary()[table].columns.values()}, index=pd.RangeIndex(0))


def _known_columns(raw: RawTable, table: Table, report: Report) -> dict[str, int]:
    """Position of each known column; findings for headings that are unknown, double or missing."""
    found: dict[str, int] = {}
    unknown: list[int] = []
    for i, heading in enumerate(raw.headings):
        name = table.column_named(heading)
        if name is None:
            unknown.append(i)
        elif name in found:
            report.broken.add(table.name)
            says = _("The column {name} is there twice. Delete one of them.").format(name=name)
            report.add("error", table.name, "heading", says, column=heading)
        else:
            found[name] = i
    for i in unknown:
        _unknown_column(raw, i, table, found, report)
    for column in table.columns.values():
        if column.required and column.name not in found and not _covered(column, table, report):
            report.broken.add(table.name)
            says = _("The column {name} is missing: {what}.").format(name=column.name, what=_(column.description))
            report.add("error", table.name, "column", says)
    return found


def _covered(column: Column, table: Table, report: Report) -> bool:
    """Whether a misspelt heading already tells that this column is missing."""
    label = report.place(table.name).label
    return any(f.table == label and f.rule == "heading" and f'"{column.name}"' in f.says for f in report.findings())


def _unknown_column(raw: RawTable, i: int, table: Table, found: Mapping[str, int], report: Report) -> None:
    heading = raw.headings[i]
    if heading.startswith("#") or plain(heading) in IGNORED:
        return
    if heading == "":
        if raw.columns[i].filled.any():
            says = _("Column {number} has values but no heading. Give it one, or begin it with #.").format(number=i + 1)
            report.add("error", table.name, "heading", says)
        return
    absent = [c for c in table.columns.values() if c.name not in found]
    close = nearest(plain(heading), [s for c in absent for s in (c.name, *c.aliases)], 75)
    if close:
        report.broken.add(table.name)
        name = table.column_named(close)
        says = _('Unknown column. Did you mean "{name}"? A column of your own may begin with #.').format(name=name)
        report.add("error", table.name, "heading", says, column=heading)
    else:
        report.add("warning", table.name, "heading", _("Unknown column; it is not read."), column=heading)


REQUIRED = N_("A value is needed here.")


def check_columns(name: str, frame: pd.DataFrame, report: Report) -> None:
    """Check required values, ranges, choices and the key of a typed table."""
    if frame.empty:
        return
    table = dictionary()[name]
    for column in table.columns.values():
        if name in report.broken and column.name not in report.place(name).headings:
            continue
        for rule, bad in _broken(column, frame[column.name]):
            if bad.any():
                where = np.flatnonzero(bad)
                values = frame[column.name].to_numpy(dtype=object)[where]
                report.values("error", name, rule, _rule_says(rule, column), where, column.name, values)
    _duplicates(table, frame, report)


def _broken(column: Column, values: pd.Series) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The rules that the dictionary sets for a column, and where each is broken; blanks break none but that of a value."""
    if column.required:
        texts = column.type not in NUMERIC | {"date", "flag", "codes"}
        yield "required", np.asarray(values.isna() | (values == "")) if texts else np.asarray(values.isna())
    if column.choices:
        yield "choice", np.asarray(~values.isin([*column.choices, ""]) & values.notna())
    if column.least is not None or column.most is not None:
        numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
        low = -np.inf if column.least is None else column.least
        high = np.inf if column.most is None else column.most
        yield "range", (numbers < low) | (numbers > high)


def _rule_says(rule: str, column: Column) -> str:
    if rule == "required":
        return _(REQUIRED)
    if rule == "choice":
        return _("Expected one of: {choices}.").format(choices=", ".join(column.choices))
    least, most = column.least, column.most
    if most is None:
        return _("Expected {least} or more.").format(least=f"{least:g}")
    return _("Expected a value from {least} to {most}.").format(least=f"{least:g}", most=f"{most:g}")


def _duplicates(table: Table, frame: pd.DataFrame, report: Report) -> None:
    key = list(table.key)
    double = np.flatnonzero(frame.duplicated(key))
    if not double.size:
        return
    again = frame[frame.duplicated(key, keep=False)]
    position = pd.Series(again.index, index=again.index)
    first = position.groupby([again[c] for c in key], dropna=False, sort=False).transform("first")
    place = report.place(table.name)
    names = ", ".join(place.heading(c) for c in key)
    for i in [i for i in double if not report.taken(table.name, int(i), table.key)][: 10 * report.most]:
        says = _("The same {key} stands in row {row} already. Keep one of them.").format(
            key=names, row=place.row(int(first[i]))
        )
        value = frame[key[0]].iloc[i]
        report.add("error", table.name, "duplicate", says, position=int(i), column=key[0], value=value)


def fingerprint(settings: Settings, tables: Mapping[str, pd.DataFrame]) -> str:
    """Hash settings and tables; equal content gives an equal hash, however it was written."""
    digest = hashlib.sha256(settings.model_dump_json().encode())
    for name, table in dictionary().items():
        frame = tables[name]
        digest.update(f"\x1e{name}\x1f{len(frame)}".encode())
        for column in table.columns:
            digest.update(f"\x1f{column}\x1f".encode())
            digest.update(_content(frame[column]))
    return digest.hexdigest()


def _content(values: pd.Series) -> bytes:
    if values.dtype.kind == "f":
        numbers = values.to_numpy(dtype="<f8", copy=True) + 0.0
        numbers[np.isnan(numbers)] = np.nan
        return numbers.tobytes()
    if values.dtype.kind == "M":
        return values.to_numpy().astype("<M8[D]").astype("<i8").tobytes()
    if values.dtype.kind in "ib":
        return values.to_numpy(dtype="<i8").tobytes()
    texts = values.to_numpy(dtype=object).tolist()
    if values.dtype == object:  # codes
        texts = [" ".join(codes) for codes in texts]
    return "\x1f".join(texts).encode()
