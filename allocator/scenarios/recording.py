"""The record of what scenarios changed, and the way back."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import Model
from allocator.reading import Tables, check
from allocator.schema.dictionary import SETTINGS, Table, dictionary
from allocator.schema.findings import Report
from allocator.schema.parsing import parse
from allocator.schema.settings import Entry, make_settings, setting_rows
from allocator.schema.writing import cell_texts

COLUMNS = ("scenario", "table", "key", "column", "before", "after")
"""Columns of ``changes.csv``."""

Row = dict[str, str]


class Records:
    """Cells before and after, in the order in which they changed; a row that came or went has all its cells."""

    def __init__(self) -> None:
        self._parts: list[pd.DataFrame] = []

    def frame(self) -> pd.DataFrame:
        """All records."""
        nothing = pd.DataFrame({c: pd.Series(dtype="str") for c in COLUMNS})
        return pd.concat([nothing, *self._parts], ignore_index=True) if self._parts else nothing

    def cells(self, scenario: str, table: str, rows: pd.DataFrame, column: str, after: pd.Series) -> None:
        """Cells of a column, ``rows`` as they were."""
        old, new = _texts(rows[column]), _texts(after)
        changed = old != new
        self._add(scenario, table, keys(table, rows)[changed], column, old[changed], new[changed])

    def gone(self, scenario: str, table: str, rows: pd.DataFrame) -> None:
        """Rows that are taken out."""
        texts = np.stack([_texts(rows[c]) for c in rows.columns], axis=1).ravel()
        self._rows(scenario, table, rows, texts, np.full(len(texts), "", object))

    def come(self, scenario: str, table: str, rows: pd.DataFrame) -> None:
        """Rows that are added."""
        texts = np.stack([_texts(rows[c]) for c in rows.columns], axis=1).ravel()
        self._rows(scenario, table, rows, np.full(len(texts), "", object), texts)

    def setting(self, scenario: str, key: str, before: str, after: str) -> None:
        """A setting of the model."""
        self._add(scenario, SETTINGS, [""], key, [before], [after])

    def _rows(
        self, scenario: str, table: str, rows: pd.DataFrame, before: NDArray[np.object_], after: NDArray[np.object_]
    ) -> None:
        columns = list(rows.columns)
        self._add(scenario, table, np.repeat(keys(table, rows), len(columns)), columns * len(rows), before, after)

    def _add(self, scenario: str, table: str, key: object, column: object, before: object, after: object) -> None:
        row = {"scenario": scenario, "table": table, "key": key, "column": column, "before": before, "after": after}
        part = pd.DataFrame(row, columns=list(COLUMNS)).astype("str")
        if len(part):
            self._parts.append(part)


def _texts(values: pd.Series) -> NDArray[np.object_]:
    return np.array(cell_texts(values), dtype=object)


def keys(table: str, rows: pd.DataFrame) -> NDArray[np.object_]:
    """Key of each row as text, such as ``client=k1; product=lite``."""
    names = dictionary()[table].key
    texts = [cell_texts(rows[n]) for n in names]
    return np.array([_key(names, k) for k in zip(*texts, strict=True)], dtype=object)


def _key(names: tuple[str, ...], values: tuple[str, ...]) -> str:
    return "; ".join(f"{n}={v}" for n, v in zip(names, values, strict=True))


def undo(model: Model, changes: pd.DataFrame) -> Model:
    """The model as it was before changes.

    Parameters
    ----------
    model : Model
        As the scenarios left it.
    changes : DataFrame
        scenario, table, key, column, before, after: content of ``changes.csv``.

    Raises
    ------
    InputError
        If what is left is no sound model: then the changes are not those of this model.
    """
    changes = changes.fillna("").astype("str")
    settings = dict(setting_rows(model.settings))
    frames = dict(model.tables)
    for name, part in changes.groupby("table", sort=False):
        if name == SETTINGS:
            for key, before in part[["column", "before"]].iloc[::-1].itertuples(index=False):
                settings[key] = before
        else:
            frames[str(name)] = _undone(dictionary()[str(name)], frames[str(name)], part)
    report = Report()
    found = make_settings({k: Entry(v, "") for k, v in settings.items()}, "model.yaml", report)
    tables = Tables(model.name, model.source, found or model.settings, frames, {})
    return check(tables, report)


def _undone(table: Table, frame: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """A table with its records taken back, the last one first."""
    columns = list(table.columns)
    texts = zip(*(cell_texts(frame[c]) for c in columns), strict=True)
    rows: dict[str, Row] = {}
    for values in texts:
        row = dict(zip(columns, values, strict=True))
        rows[_of(table, row)] = row
    for key, before in reversed(list(_steps(table, changes))):
        if before is None:
            rows.pop(key, None)
        elif len(before) == len(columns):
            rows[key] = before
        elif key in rows:
            rows[key].update(before)
    typed = {
        name: parse(np.array([row[name] for row in rows.values()], dtype=object), column).data
        for name, column in table.columns.items()
    }
    return pd.DataFrame(typed, index=pd.RangeIndex(len(rows)))


def _of(table: Table, row: Row) -> str:
    return _key(table.key, tuple(row[k] for k in table.key))


def _steps(table: Table, changes: pd.DataFrame) -> Iterator[tuple[str, Row | None]]:
    """Key and cells before of each record; a row that came has none, one that went has all.

    The first column of a table is in its key, so it stands in the record only where a whole row came or went.
    """
    records = list(changes[["key", "column", "before", "after"]].itertuples(index=False, name=None))
    columns = list(table.columns)
    at = 0
    while at < len(records):
        key, column, before, _after = records[at]
        if column != columns[0]:
            yield key, {column: before}
            at += 1
            continue
        whole = records[at : at + len(columns)]
        came = not any(r[2] for r in whole)
        yield key, None if came else {r[1]: r[2] for r in whole}
        at += len(columns)
