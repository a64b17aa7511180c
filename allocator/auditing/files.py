"""The output files as an audit reads them: columns, exact numbers, known names, no row twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.auditing.book import Book, Bools, Floats, Ints
from allocator.auditing.people import Texts, words
from allocator.texts import N_

FILES = N_("A run has all its files and columns")
NUMBERS = N_("Every number in a file is a number")
NAMES = N_("Every name in a file is one of the model")
TWICE = N_("No row stands twice")


@dataclass(frozen=True)
class Columns:
    """Columns of an output file that the audit reads.

    Attributes
    ----------
    key : tuple of str
        Text columns that tell its rows apart.
    texts, numbers : tuple of str
        Other columns of text; columns of numbers.
    blanks : tuple of str
        Columns of numbers that may be blank.
    """

    key: tuple[str, ...]
    texts: tuple[str, ...]
    numbers: tuple[str, ...]
    blanks: tuple[str, ...] = ()


TIMES = ("past", "present", "future")
SPLIT = ("visits", "contracts", "contract_amount", "collections")
SUMS = (
    *("quota", "contracts", "contract_amount", "new_clients", "first_visits", "return_visits", "collections"),
    *("support_hours", "spend", "commission", "commission_80", "commission_100", "commission_120"),
    *(f"{of}_{time}" for of in SPLIT for time in TIMES),
)
"""Columns of actions.csv that add up."""
PEOPLE = ("clients", "old_clients", *(f"clients_{time}" for time in TIMES))
"""Columns of actions.csv that count different people."""

COLUMNS: Mapping[str, Columns] = {
    "quotas": Columns(("rep", "product", "month", "level"), ("unit",), ("quota", "exact", "forecast", "beyond")),
    "forecast": Columns(("group", "product", "month"), ("rep",), ("sell", "curve", "lift", "lost"), ("contracts",)),
    "effort": Columns(
        ("group", "month"),
        ("rep", "tier"),
        ("promised", "planned", "minutes", "executive", "first_visits", "won"),
        ("hours_available",),
    ),
    "effects": Columns(
        ("rep", "month"),
        (),
        (
            *("prospects", "new_clients", "contracts", "collections", "commission", "lift"),
            *("commission_80", "commission_100", "commission_120"),
        ),
    ),
    "asked": Columns(
        ("target", "level", "each", "bound"), ("priority", "period", "scope"), ("required", "asked", "gap")
    ),
    "targets": Columns(
        ("target", "level", "each", "bound"), ("metric", "status", "priority"), ("required", "planned", "gap")
    ),
    "budget": Columns(("line", "month"), ("category",), ("spend", "line_total", "minimum", "maximum", "headroom")),
    "assignments": Columns(("client", "rep", "from"), ("backup", "to", "group"), ()),
    "lift": Columns(("unit", "line_product", "group", "product", "month"), (), ("lift",)),
    "won": Columns(("group", "channel", "month", "unit"), ("rep",), ("entered", "won")),
    "supply": Columns(("product", "source", "month"), (), ("delivered",)),
    "units": Columns(("unit", "product", "month", "level"), ("kind",), ("assigned", "owed")),
    "breakdown": Columns(("rep", "period", "level"), ("kind",), ("quota",)),
    "actions": Columns(("rep", "period"), ("kind",), (*SUMS, *PEOPLE)),
    "contracts": Columns(
        ("rep", "period", "product"),
        ("kind",),
        ("contracts", "amount", *(f"{of}_{time}" for of in ("contracts", "amount") for time in TIMES)),
    ),
}
SOMETIMES: Mapping[str, Columns] = {
    "commitments": Columns(
        ("kind", "unit", "rep", "product", "period", "level"),
        (),
        ("asked", "committed", "difference", "uncommitted", "forecast"),
    ),
}
"""Files that only some runs have."""


@dataclass(frozen=True)
class Labels:
    """A column of text, each different text once; where an array is wanted it is the text of every row.

    Attributes
    ----------
    names : object array, shape (different,)
    codes : int array, shape (rows,)
    """

    names: Texts
    codes: NDArray[np.integer[Any]]

    @classmethod
    def of(cls, column: pd.Series[Any]) -> Labels:
        """Read a column, blanks as empty text."""
        if isinstance(column.dtype, pd.CategoricalDtype):
            codes, names = column.cat.codes.to_numpy(), pd.Series(column.cat.categories, dtype=object)
        else:
            plain = isinstance(column.dtype, pd.StringDtype)  # in others what is equal may read differently: 1 and True
            codes, different = pd.factorize(column if plain else words(column))
            names = pd.Series(different, dtype=object)
        return cls(np.append(words(names), ""), codes)  # a blank has code −1

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Texts:
        return np.asarray(self.names[self.codes], dtype=object)

    def among(self, index: pd.Index[Any]) -> Ints:
        """Position of every row's text in an index, −1 where it is not there."""
        places = np.asarray(index.get_indexer(pd.Index(self.names)), np.int64)
        return np.asarray(places[self.codes])

    def numbered(self) -> Ints:
        """A number for every row, equal where the texts are."""
        return np.asarray(pd.factorize(self.names)[0].astype(np.int64)[self.codes])

    def at(self, rows: Bools) -> Labels:
        """Return the same of some rows."""
        return Labels(self.names, self.codes[rows])


@dataclass(frozen=True)
class Sheet:
    """An output file, cleaned: every row stands once and names things that exist.

    Attributes
    ----------
    texts : mapping of str to Labels
    numbers : mapping of str to array
        Its columns; blank texts are empty.
    place : mapping of str to int array
        For each key with an index, the position of every row in it.
    """

    texts: Mapping[str, Labels]
    numbers: Mapping[str, Floats]
    place: Mapping[str, Ints]

    def text(self, column: str) -> Texts:
        """Return a column of text."""
        return np.asarray(self.texts[column])

    def number(self, column: str) -> Floats:
        """Return a column of numbers."""
        return self.numbers[column]

    def grid(self, column: str, keys: Sequence[str], shape: tuple[int, ...]) -> Floats:
        """Lay a column out over its keys; 0 where the file has no row."""
        out = np.zeros(shape)
        np.add.at(out, tuple(self.place[k] for k in keys), self.numbers[column])
        return out


def read_run(folder: Path | str) -> dict[str, pd.DataFrame]:
    """Read a run's CSV files back, every number as the very double that was written.

    Parameters
    ----------
    folder : path
        A run folder, or any folder that holds some of its files.

    Returns
    -------
    dict of str to DataFrame
        Under the file's name without its ending; files that are not there are left out.
    """
    tables: dict[str, pd.DataFrame] = {}
    for name, columns in (*COLUMNS.items(), *SOMETIMES.items()):
        path = Path(folder) / f"{name}.csv"
        if not path.is_file():
            continue
        table = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, dtype=str)
        for c in {*columns.numbers, *columns.blanks} & set(table.columns):
            table[c] = _exact(table[c].to_numpy(dtype=object))
        tables[name] = table
    findings = Path(folder) / "findings.csv"
    if findings.is_file():
        tables["findings"] = pd.read_csv(findings, encoding="utf-8-sig", keep_default_na=False, dtype=str)
    return tables


def _exact(texts: np.ndarray[Any, np.dtype[np.object_]]) -> np.ndarray[Any, Any]:
    """Read numbers as Python does, which is exact; a blank is NaN, and what is no number stays text."""
    texts = np.where(texts == "", "nan", texts)
    try:
        return texts.astype(np.float64)
    except ValueError:
        return np.array([_exact_or_text(x) for x in texts], dtype=object)


def _exact_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def open_sheet(
    book: Book, tables: Mapping[str, pd.DataFrame], name: str, indexes: Mapping[str, pd.Index[Any]]
) -> Sheet:
    """Clean an output file and enter what is wrong with it.

    Parameters
    ----------
    indexes : mapping of str to Index
        Names that the key columns may hold; rows with others are entered and left out.
    """
    columns = COLUMNS[name] if name in COLUMNS else SOMETIMES[name]
    given = tables.get(name)
    book.holds(FILES, [{"file": name}], [given is not None])
    frame = pd.DataFrame() if given is None else given.reset_index(drop=True)
    wanted = (*columns.key, *columns.texts, *columns.numbers, *columns.blanks)
    if given is not None:
        there = [c in frame.columns for c in wanted]
        book.holds(FILES, [{"file": name, "column": list(wanted)}], there)
    blank = Labels(np.array([""], dtype=object), np.zeros(len(frame), np.int8))
    texts = {c: Labels.of(frame[c]) if c in frame else blank for c in (*columns.key, *columns.texts)}
    numbers = {
        c: _number(book, name, frame, c, columns) if c in frame else np.zeros(len(frame))
        for c in (*columns.numbers, *columns.blanks)
    }
    places, keep = _place(book, name, {c: texts[c] for c in columns.key}, indexes, len(frame))
    if keep.all():
        return Sheet(texts, numbers, places)
    return Sheet(
        {c: v.at(keep) for c, v in texts.items()},
        {c: v[keep] for c, v in numbers.items()},
        {c: v[keep] for c, v in places.items()},
    )


def _place(
    book: Book, name: str, keys: Mapping[str, Labels], indexes: Mapping[str, pd.Index[Any]], size: int
) -> tuple[dict[str, Ints], Bools]:
    """Find every row's position; rows that name nothing or stand twice are entered and not to be kept."""
    codes: dict[str, Ints] = {}
    known = np.ones(size, bool)
    rows = np.arange(2, size + 2)
    for c, texts in keys.items():
        if c in indexes:
            codes[c] = texts.among(indexes[c])
            book.holds(NAMES, [{"file": name, "row": rows, c: texts}], codes[c] >= 0)
            known &= codes[c] >= 0
        else:
            codes[c] = texts.numbered()
    joint = np.zeros(size, np.int64)
    for code in codes.values():
        joint = joint * (code.max(initial=0) + 2) + code + 1
    once = joint.max(initial=0) < 8 * size and np.bincount(joint).max(initial=0) < 2  # quicker, where numbers are small
    twice = np.zeros(size, bool) if once else pd.Series(joint).duplicated().to_numpy() & known
    book.holds(TWICE, [{"file": name, "row": rows, **keys}], ~twice)
    return {c: code for c, code in codes.items() if c in indexes}, np.asarray(known & ~twice)


def _number(book: Book, name: str, frame: pd.DataFrame, column: str, columns: Columns) -> Floats:
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    good = np.isfinite(values)
    if column in columns.blanks:
        good |= frame[column].isna().to_numpy()
        if not pd.api.types.is_numeric_dtype(frame[column].dtype):
            good |= (frame[column].astype(str) == "").to_numpy()
        values = np.where(np.isfinite(values) | good, values, 0.0)
    elif not good.all():
        values = np.where(good, values, 0.0)
    axes = [{"file": name, "row": np.arange(2, len(values) + 2), "column": column}]
    book.holds(NUMBERS, axes, good, "" if good.all() else frame[column].to_numpy(dtype=object))
    return values
