"""Collecting findings, each with its place as the user sees it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.errors import Finding, Severity
from allocator.texts import _, after

SHOWN = 20
"""Findings of one rule in one column that are listed before the rest is counted."""


@dataclass(frozen=True)
class Place:
    """Where a typed table came from.

    Attributes
    ----------
    label : str
        File or sheet as the user named it.
    rows : array of int, shape (rows of the table,)
        Row numbers as the user's editor counts them.
    headings : mapping of str to str
        Heading of each column that the user has.
    letters : mapping of str to str
        Letters of the sheet's columns; empty for a file.
    """

    label: str
    rows: NDArray[np.int64]
    headings: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)

    def heading(self, column: str) -> str:
        """Heading of a column, its name in the dictionary if the user has none."""
        return self.headings.get(column, column)

    def row(self, position: int, column: str = "") -> str:
        """Row number, or the cell in a sheet."""
        if not 0 <= position < len(self.rows):
            return ""
        return f"{self.letters.get(column, '')}{self.rows[position]}"


class Report:
    """Findings of a whole model; one cell has one error, the first.

    Parameters
    ----------
    places : mapping of str to Place
        Known places by table; a table without one is taken for ``<table>.csv`` with a heading row.
    most : int
        Findings of one rule in one column that are listed before the rest is counted.
    """

    def __init__(self, places: Mapping[str, Place] | None = None, most: int = SHOWN) -> None:
        self.places = dict(places or {})
        self.most = most
        self.broken: set[str] = set()
        """Tables whose headings are not understood, so that their rows cannot be checked against others."""
        self.settings_label = "model.yaml"
        self.settings: dict[str, tuple[str, str]] = {}
        self._findings: list[Finding] = []
        self._taken: set[tuple[str, str, str]] = set()
        self._count: Counter[tuple[str, str, str, str]] = Counter()

    def place(self, table: str) -> Place:
        """Place of a table."""
        return self.places.get(table) or Place(f"{table}.csv", np.arange(2, 2, dtype=np.int64))

    def add(
        self,
        severity: Severity,
        table: str,
        rule: str,
        says: str,
        *,
        position: int | None = None,
        column: str = "",
        value: object = "",
    ) -> None:
        """Add a finding on a cell, a row (no column), a column (no position) or a table (neither)."""
        place = self.place(table)
        row = "" if position is None else place.row(position, column)
        heading = place.heading(column) if column else ""
        self.add_at(severity, place.label, rule, says, row=row, column=heading, value=value)

    def add_at(
        self,
        severity: Severity,
        label: str,
        rule: str,
        says: str,
        *,
        row: str = "",
        column: str = "",
        value: object = "",
    ) -> None:
        """Add a finding at a place that is spelled out."""
        text = shown(value)
        if severity == "error" and row:
            if (label, row, column) in self._taken or (label, row, "") in self._taken:
                return
            self._taken.add((label, row, column))
        group = (severity, label, rule, column)
        self._count[group] += 1
        if self._count[group] <= self.most:
            finding = Finding(
                severity, label, row, column, text, rule, _where(label, row, column, text) + _(": ") + says
            )
            self._findings.append(finding)

    def add_setting(self, severity: Severity, key: str, rule: str, says: str, value: object = "") -> None:
        """Add a finding on a setting that was read."""
        label, row = self.settings.get(key, (self.settings_label, ""))
        self.add_at(severity, label, rule, says, row=row, column=key, value=value)

    def cells(
        self,
        severity: Severity,
        table: str,
        rule: str,
        says: str,
        frame: pd.DataFrame,
        bad: pd.Series | NDArray[np.bool_],
        column: str,
    ) -> None:
        """Add a finding with the same sentence for each row where ``bad`` holds."""
        positions = np.flatnonzero(np.asarray(bad, dtype=bool))
        if not positions.size:
            return
        values = frame[column].iloc[positions].to_numpy(dtype=object) if column else np.full(len(positions), "", object)
        self.values(severity, table, rule, says, positions, column, values)

    def values(
        self,
        severity: Severity,
        table: str,
        rule: str,
        says: str,
        positions: NDArray[np.int64],
        column: str,
        values: Sequence[object] | NDArray[np.object_],
    ) -> None:
        """Add findings for cells given by their positions; beyond the first hundreds they are only counted."""
        most = 10 * self.most
        for position, value in zip(positions[:most], values[:most], strict=True):
            self.add(severity, table, rule, says, position=int(position), column=column, value=value)
        place = self.place(table)
        heading = place.heading(column) if column else ""
        self._count[severity, place.label, rule, heading] += max(0, len(positions) - most)

    def taken(self, table: str, position: int, columns: Iterable[str]) -> bool:
        """Whether one of these cells has an error already."""
        place = self.place(table)
        cells = [(place.label, place.row(position, c), place.heading(c)) for c in columns]
        return any(cell in self._taken for cell in cells)

    def __bool__(self) -> bool:
        """Whether there is an error."""
        return any(f.severity == "error" for f in self._findings)

    def __len__(self) -> int:
        return len(self._findings)

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings, errors first, each table's together in the order they were found."""
        more = [
            Finding(
                severity,  # type: ignore[arg-type]
                label,
                "",
                column,
                "",
                rule,
                _("{where}: {count} more of the same kind.").format(
                    where=_where(label, "", column, ""), count=count - self.most
                ),
            )
            for (severity, label, rule, column), count in self._count.items()
            if count > self.most
        ]
        rank = {"error": 0, "warning": 1, "note": 2}
        return tuple(sorted(self._findings + more, key=lambda f: (rank[f.severity], f.table)))


def _where(label: str, row: str, column: str, value: str) -> str:
    if row and row[0].isalpha():
        place = _("{table} cell {row}").format(table=label, row=row)
    elif row:
        place = _("{table} row {row}").format(table=label, row=row)
    else:
        place = label
    if not column:
        return place
    named = place + _(", ") + column
    return f'{named} = "{value}"' if value else named


def shown(value: object) -> str:
    """Text of a cell in a finding, cut where it is long."""
    if isinstance(value, tuple):
        text = " ".join(str(v) for v in value)
    elif isinstance(value, bool | np.bool_):
        text = "yes" if value else "no"
    elif isinstance(value, pd.Timestamp):
        text = value.strftime("%Y-%m-%d")
    elif isinstance(value, float | np.floating):
        text = "" if np.isnan(value) else repr(float(value)).removesuffix(".0")
    else:
        text = "" if value is pd.NaT else str(value)
    text = "".join(c if c.isprintable() else "?" for c in text[:200])
    return text if len(text) <= 60 else f"{text[:57]}..."


def words(values: pd.Series) -> set[str]:
    """Different texts of a column, the blank apart."""
    return set(values.unique().tolist()) - {""}


def nearest(word: str, known: Iterable[str], cutoff: float = 70) -> str:
    """Return the known word most like this one; blank where none is close."""
    words = {k.casefold(): k for k in known if k}
    from rapidfuzz import fuzz, process  # here, as few models have a word to correct

    found = process.extractOne(word.casefold(), words.keys(), scorer=fuzz.ratio, score_cutoff=cutoff)
    return words[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Sentence that offers the nearest known word, to follow another one; blank where none is close."""
    close = nearest(word, known)
    return after(_('Did you mean "{close}"?').format(close=close)) if close else ""
