"""The quota program of a level while it is being written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.grain import Grain
from allocator.formulation.rules import AnyRule
from allocator.program import Floats, Ints, Labels, ProgramBuilder

NOTHING = 2e-9
"""What an answer may be off by, in the program's money: where nothing is sold or asked it leaves as much."""


def without_noise(money: Floats) -> Floats:
    """Amounts of an answer, those that are as good as nothing 0: a level above would have to keep them to the last digit."""
    return np.where(money > NOTHING, money, 0.0)


@dataclass(frozen=True)
class Sums:
    """Sums of cells that are columns of their own, so that rules which hold all cells of one read one coefficient.

    Attributes
    ----------
    of : int array, shape (cells,)
        Number of the sum in which each cell is; −1 in none.
    size : int array, shape (sums,)
        Cells of each.
    columns : int array, shape (sums,)
    """

    of: Ints
    size: Ints
    columns: Ints


@dataclass
class Asking:
    """The quota program of a level while it is being written: a cell is what a rep is asked of a product in a month.

    Attributes
    ----------
    grain : Grain
    builder : ProgramBuilder
    cells : DataFrame
        rep, product, month (positions), forecast (program money), reached (whether a pin or floor reaches it).
    level : str
        The level whose goals the program has.
    columns : dict of str to int array, shape (cells,)
        Columns of the level, and of those above that pins hold.
    beyond : dict of str to int array, shape (cells,)
        What a level asks beyond what can be reached; −1 where nothing may be.
    asked : dict of str to float array, shape (cells,)
        What was asked in the months that are over, by level (program money); empty where none is.
    cuts : dict
        Cells that targets count, kept from one level to the next.
    sums : list of Sums
        Sums of cells of the program's level that are columns, the coarsest first.
    of_cuts : Sums or None
        Those of them that are of reps whom no rule tells apart.
    years : int array, shape (reps, products)
        Columns of a product's year; −1 where there is none.
    of_reps : int array, shape (reps,)
        Columns of a rep's year without large contracts; −1 where there is none.
    """

    grain: Grain
    builder: ProgramBuilder
    cells: pd.DataFrame
    level: str
    columns: dict[str, Ints] = field(default_factory=dict)
    beyond: dict[str, Ints] = field(default_factory=dict)
    asked: dict[str, Floats] = field(default_factory=dict)
    cuts: dict[tuple[Any, ...], Any] = field(default_factory=dict)
    sums: list[Sums] = field(default_factory=list)
    of_cuts: Sums | None = None
    years: Ints = field(default_factory=lambda: np.zeros((0, 0), int))
    of_reps: Ints = field(default_factory=lambda: np.zeros(0, int))

    @property
    def over(self) -> np.ndarray:
        """Cells of months that are over."""
        return np.asarray(self.cells["month"] < self.grain.model.past)

    @property
    def counted(self) -> Floats:
        """What was sold in the cells of the past; 0 in the others."""
        return np.where(self.over, self.cells["forecast"], 0.0)

    def label(self, key: str) -> np.ndarray:
        """Label of every cell by name."""
        values, axis = self._labelled(key)
        return np.asarray(values[self.cells[axis].to_numpy()])

    def _labelled(self, key: str) -> tuple[np.ndarray, str]:
        """Texts that a label may have, and the column of the cells that says where each cell's stands among them."""
        model = self.grain.model
        if key in ("rep", "unit", "grade"):
            return model["reps"][key].to_numpy(object), "rep"
        if key in ("product", "family", "class"):
            return model["products"][key].to_numpy(object), "product"
        if key in ("month", "quarter"):
            calendar = model.calendar
            return np.array(calendar.months if key == "month" else calendar.quarters, object), "month"
        kinds = dict(zip(model["units"]["unit"], model["units"]["kind"], strict=True))
        above = {u: next((a for a in c if kinds[a] == key), "") for u, c in model.ancestors.items()}
        return np.array([above.get(u, "") for u in model["reps"]["unit"]], object), "rep"

    def labels(self, some: Ints | None = None) -> dict[str, Any]:
        """Labels of some cells by rep, product and month, of all by default."""
        cells = self.cells if some is None else self.cells.iloc[some]
        names = {
            "rep": self.grain.people.code,
            "product": self.grain.product,
            "month": np.array(self.grain.model.calendar.months, object),
        }
        return {k: pd.Categorical.from_codes(cells[k].to_numpy(), categories=pd.Index(v)) for k, v in names.items()}

    def pair_labels(self, pair: Ints) -> dict[str, Any]:
        """Labels of pairs by rep and product."""
        rep, product = np.divmod(pair, len(self.grain.product))
        return {
            "rep": pd.Categorical.from_codes(rep, categories=pd.Index(self.grain.people.code)),
            "product": pd.Categorical.from_codes(product, categories=pd.Index(self.grain.product)),
        }

    def mask(self, scope: Mapping[str, tuple[str, ...]], months: Ints) -> np.ndarray:
        """Cells of a scope and some months."""
        held = np.isin(self.cells["month"], months)
        for key, values in scope.items():
            wanted = set(values)
            if key == "unit":
                wanted = {u for u, c in self.grain.model.ancestors.items() if not wanted.isdisjoint(c)}
            texts, axis = self._labelled(key)
            held &= np.array([text in wanted for text in texts], bool)[self.cells[axis].to_numpy()]
        return held

    def rows(self, row: Ints, cell: Ints, data: Floats | float, size: int, level: str = "") -> sp.csr_array:
        """Sparse matrix over the columns so far, from cells of a level, the program's own by default.

        Where a row holds all cells of a sum alike, it holds the sum.
        """
        column = self.columns[level or self.level]
        if level not in ("", self.level) or not self.sums or not len(cell):
            return self.sparse(row, column[cell], data, size)
        data = np.broadcast_to(np.asarray(data, float), np.shape(cell))
        entries = sp.csr_array(sp.coo_array((data, (row, cell)), shape=(size, len(self.cells)))).tocoo()
        (row, cell), data = entries.coords, entries.data
        found = sp.csr_array((size, self.builder.columns))
        for sums in self.sums:
            number, whole = _whole_sums(sums, row, cell, data, size)
            first = whole[np.unique(number[whole], return_index=True)[1]]
            found = found + self.sparse(row[first], sums.columns[sums.of[cell[first]]], data[first], size)
            rest = np.ones(len(cell), bool)
            rest[whole] = False
            row, cell, data = row[rest], cell[rest], data[rest]
        return sp.csr_array(found + self.sparse(row, column[cell], data, size))

    def add_sums(self, of: Ints, columns: Ints) -> sp.csr_array:
        """Let rules read sums of cells; returns Σ cells − sum for each, over the columns so far.

        Parameters
        ----------
        of : int array, shape (cells,)
            Number of each cell's sum; −1 for none.
        columns : int array, shape (sums,)
        """
        some = np.flatnonzero(of >= 0)
        matrix = self.rows(of[some], some, 1.0, len(columns))
        sums = Sums(of, np.bincount(of[some], minlength=len(columns)), columns)
        self.sums.append(sums)
        self.sums.sort(key=lambda sums: len(sums.columns))
        return sp.csr_array(matrix - self.sparse(np.arange(len(columns)), columns, 1.0, len(columns)))

    def filled(self, x: Floats) -> Floats:
        """Set the sums of a point to what its cells give."""
        x = x.copy()
        for sums in self.sums:
            some = sums.of >= 0
            cells = x[self.columns[self.level][some]]
            x[sums.columns] = np.bincount(sums.of[some], weights=cells, minlength=len(sums.columns))
        return x

    def sparse(self, row: Ints, column: Ints, data: Floats | float, size: int) -> sp.csr_array:
        """Sparse matrix over the columns so far, from columns; entries whose column is −1 are left out."""
        data = np.broadcast_to(np.asarray(data, float), np.shape(column))
        keep = column >= 0
        entries = (data[keep], (np.asarray(row)[keep], column[keep]))
        return sp.csr_array(sp.coo_array(entries, shape=(size, self.builder.columns)))

    def add_rows(
        self, rule: AnyRule, labels: Labels, matrix: sp.csr_array, lower: Floats | float, upper: Floats | float
    ) -> Ints:
        """Add the rows of a rule and return their positions."""
        return self.builder.add_rows(rule.sentence, rule.unit, labels, sp.csr_array(matrix), lower, upper)


def _whole_sums(sums: Sums, row: Ints, cell: Ints, data: Floats, size: int) -> tuple[Ints, Ints]:
    """Number of row and sum of each entry, and the entries of those rows that hold all cells of a sum alike."""
    of = sums.of[cell]
    number = np.where(of >= 0, row.astype(np.int64) * len(sums.columns) + of, -1)
    order = np.argsort(number, kind="stable")
    order = order[np.searchsorted(number[order], 0) :]
    if not len(order):
        return number, order
    begins = np.flatnonzero(np.diff(number[order], prepend=-1))
    count = np.diff(np.append(begins, len(order)))
    low, high = np.minimum.reduceat(data[order], begins), np.maximum.reduceat(data[order], begins)
    whole = (count == sums.size[of[order[begins]]]) & (low == high)
    return number, order[np.repeat(whole, count)]
