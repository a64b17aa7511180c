"""Which rows of a table a change is about: by its columns, or by attributes of what they refer to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.scenarios.scenario import Texts
from allocator.schema.dictionary import Column, dictionary
from allocator.schema.findings import did_you_mean
from allocator.schema.parsing import parse
from allocator.schema.units import chains
from allocator.texts import _

Frames = Mapping[str, pd.DataFrame]


class Unselected(Exception):
    """A selector that cannot be understood, or that holds no row."""

    def __init__(self, rule: str, says: str, column: str, value: str) -> None:
        super().__init__(says)
        self.rule, self.says, self.column, self.value = rule, says, column, value


def select(frames: Frames, table: str, where: Mapping[str, Texts]) -> NDArray[np.int64]:
    """Labels of the rows that match every part of a selector.

    Parameters
    ----------
    where : mapping of str to tuple of str
        Alternatives of each column or attribute; none at all is a blank cell. ``unit`` holds all units below as well.

    Raises
    ------
    Unselected
        If a key is unknown, a value occurs nowhere, or no row matches all.
    """
    frame = frames[table]
    held = np.ones(len(frame), bool)
    for key, wanted in where.items():
        held &= _held(frames, table, key, wanted or ("",))
    if not held.any():
        says = _("No row of {table} is like this.").format(table=table)
        raise Unselected("selector", says, table, spelled(where))
    return frame.index.to_numpy(np.int64)[held]


def spelled(where: Mapping[str, Texts]) -> str:
    """A selector as the text of a scope."""
    return "; ".join(f"{key}={', '.join(values)}" for key, values in where.items())


def _held(frames: Frames, table: str, key: str, wanted: Sequence[str]) -> NDArray[np.bool_]:
    found = attribute(frames, table, key)
    if found is None:
        says = _("Unknown column.") + did_you_mean(key, attributes(table))
        raise Unselected("column", says, key, ", ".join(wanted))
    values, column = found
    if key == "unit":
        above = chains(frames["units"])
        for unit in wanted:
            _must_occur(unit, [*above, ""], key)
        below = [u for u, chain in above.items() if not set(wanted).isdisjoint(chain)]
        return values.isin([*below, *({""} & set(wanted))]).to_numpy()
    if values.dtype == object:  # codes
        codes = {c for v in values for c in (v or ("",))}
        for code in wanted:
            _must_occur(code, codes, key)
        return np.array([not set(wanted).isdisjoint(v or ("",)) for v in values], bool)
    if values.dtype.kind in "fibM":
        parsed = parse(np.array(list(wanted), dtype=object), column)
        if parsed.bad.any():
            raise Unselected("selector", _("This is no value of the column."), key, ", ".join(wanted))
        plain = pd.Series(parsed.data)
        return (values.isin(plain.dropna()) | (values.isna() & bool(plain.isna().any()))).to_numpy()
    for word in wanted:
        _must_occur(word, values.unique(), key)
    return values.isin(list(wanted)).to_numpy()


def _must_occur(word: str, known: Sequence[str] | set[str] | NDArray[np.object_], key: str) -> None:
    """Refuse a value that no row has: most likely it is misspelt."""
    words = [str(k) for k in known]
    if word not in words:
        raise Unselected("selector", _("No row has this value.") + did_you_mean(word, words), key, word)


def attribute(frames: Frames, table: str, key: str) -> tuple[pd.Series, Column] | None:
    """A column of a table's rows, or of what they refer to; None where there is none of that name.

    ``unit`` of a client is that of its owner, else its own.
    """
    frame, columns = frames[table], dictionary()[table].columns
    if table == "clients" and key == "unit":
        home = frames["reps"].set_index("rep")["unit"]
        return frame["owner"].map(home).fillna(frame["unit"]).astype("str"), columns["unit"]
    if key in columns:
        return frame[key], columns[key]
    for column in _references(table):
        other, _dot, code = column.references.partition(".")
        if key not in attributes(other):
            continue
        found = attribute(frames, other, key)
        if found is not None:
            there = pd.Series(found[0].to_numpy(), index=frames[other][code])
            return _carried(frame[column.name].map(there), found[0]), found[1]
    return None


def _carried(values: pd.Series, source: pd.Series) -> pd.Series:
    """Values looked up elsewhere, with the blank of their kind where there is nothing."""
    if source.dtype == object:
        return pd.Series([v if isinstance(v, tuple) else () for v in values], index=values.index, dtype=object)
    return values if source.dtype.kind in "fibM" else values.fillna("").astype("str")


def attributes(table: str) -> list[str]:
    """Names that a selector of a table may use: its columns, and what it has through them."""
    found = list(dictionary()[table].columns)
    for column in _references(table):
        other = column.references.partition(".")[0]
        found += [*dictionary()[other].columns, *(attributes(other) if other == "clients" else ())]
    return list(dict.fromkeys(found))


def _references(table: str) -> list[Column]:
    """Columns that refer to another table; units apart, which are a tree of their own."""
    found = [c for c in dictionary()[table].columns.values() if c.type == "code" and c.references]
    return [c for c in found if c.references.partition(".")[0] not in (table, "units")]
