"""The waist: a sparse linear or integer program with its labels, and no solver in it.

A :class:`ProgramBuilder` collects families of columns and rules (families of rows); :meth:`ProgramBuilder.build`
makes the immutable :class:`Program` that an engine solves.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

Floats = NDArray[Any]
Ints = NDArray[Any]
Labels = Mapping[str, Any]
"""Arrays or categoricals of labels, by name."""


@dataclass(frozen=True)
class Family:
    """A run of columns or rows that share name, unit and index.

    Attributes
    ----------
    name : str
        For columns a word ("spend"), for rows the rule's sentence.
    unit : str
        Unit of a column's value or of a row's activity ("money", "hours", "visits").
    start, stop : int
        Positions in the program.
    labels : mapping of str to array, each of length ``stop - start``
    """

    name: str
    unit: str
    start: int
    stop: int
    labels: Labels

    def __len__(self) -> int:
        return self.stop - self.start

    @property
    def slice(self) -> slice:
        """Positions in the program."""
        return slice(self.start, self.stop)

    def frame(self) -> pd.DataFrame:
        """Labels as a frame, one row per column or row of the program."""
        return pd.DataFrame({k: np.asarray(v) for k, v in self.labels.items()})

    @functools.cached_property
    def keys(self) -> NDArray[np.uint64]:
        """Hash of name and labels of each column or row: the same in every program that has it."""
        keys = np.full(len(self), pd.util.hash_array(np.array([self.name], object))[0])
        for values in self.labels.values() if self.labels else (np.arange(len(self)),):
            keys = keys * _MIX + _hashes(values)
        return keys


_MIX = np.uint64(0x9E3779B97F4A7C15)
"""An odd number of many digits: keys of labels in another order differ."""


def _hashes(values: Any) -> NDArray[np.uint64]:
    """Hash of each label; texts once for all that are alike."""
    known = np.asarray(values) if not isinstance(values, pd.Categorical) else None
    if known is not None and known.dtype != object:
        return np.asarray(pd.util.hash_array(known))
    codes, texts = (values.codes, values.categories) if known is None else pd.factorize(known)
    hashes = pd.util.hash_array(np.asarray(texts, object), categorize=False)
    return np.append(hashes, np.uint64(0))[codes]


@dataclass(frozen=True)
class Goal:
    """Something to minimise: ``costs · x + constant``.

    Attributes
    ----------
    name : str
    kind : str
        Goals of one kind are one wish ("visits", "base 1").
    costs : float array, shape (columns,)
    constant : float
    wish : bool
        True if its best is reached exactly when every column with a cost stands at its better bound.
    scale : float
        What a value of 1 is in the unit in which it is reported; negative where it is reported as a gain.
    """

    name: str
    kind: str
    costs: Floats
    constant: float = 0.0
    wish: bool = False
    scale: float = 1.0

    def value(self, x: Floats) -> float:
        """Value of the goal at a point."""
        return float(self.costs @ x) + self.constant


@dataclass(frozen=True)
class Program:
    """``lower ≤ x ≤ upper``, ``row_lower ≤ A x ≤ row_upper``, some columns whole; goals in order.

    Attributes
    ----------
    lower, upper : float array, shape (columns,)
        Bounds of the columns, infinities allowed.
    integer : bool array, shape (columns,)
    matrix : scipy.sparse.csr_array, shape (rows, columns)
    row_lower, row_upper : float array, shape (rows,)
    column_families, row_families : tuple of Family
        Cover all positions in order.
    goals : tuple of Goal
        In order of importance.
    money : float
        Money in the program is in units of this many of the model's (a power of ten).
    """

    lower: Floats
    upper: Floats
    integer: NDArray[np.bool_]
    matrix: sp.csr_array
    row_lower: Floats
    row_upper: Floats
    column_families: tuple[Family, ...]
    row_families: tuple[Family, ...]
    goals: tuple[Goal, ...] = ()
    money: float = 1.0

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns."""
        return len(self.row_lower), len(self.lower)

    @property
    def nonzeros(self) -> int:
        """Number of stored coefficients."""
        return int(self.matrix.nnz)

    def family(self, name: str) -> Family:
        """Return the family of columns or rows called ``name``.

        Raises
        ------
        KeyError
            If there is none.
        """
        for f in (*self.column_families, *self.row_families):
            if f.name == name:
                return f
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """Whether there is a family of columns or rows called ``name``."""
        return any(f.name == name for f in (*self.column_families, *self.row_families))

    def with_bounds(
        self, lower: Floats, upper: Floats, row_lower: Floats | None = None, row_upper: Floats | None = None
    ) -> Program:
        """Return the same program with other bounds."""
        return replace(
            self,
            lower=lower,
            upper=upper,
            row_lower=self.row_lower if row_lower is None else row_lower,
            row_upper=self.row_upper if row_upper is None else row_upper,
        )

    def column_names(self) -> list[str]:
        """Readable unique names such as ``spend[fairs,2026-03]``."""
        return _names(self.column_families)

    def row_names(self) -> list[str]:
        """Readable unique names such as ``A budget line keeps its limits[fairs]``."""
        return _names(self.row_families)

    def residual(self, x: Floats) -> float:
        """Largest violation of bounds and rows at a point, absolute."""
        activity = self.matrix @ x
        parts = (
            self.lower - x,
            x - self.upper,
            self.row_lower - activity,
            activity - self.row_upper,
            np.where(self.integer, np.abs(x - np.round(x)), 0.0),
        )
        return max((float(p.max()) for p in parts if p.size), default=0.0)


def keys(families: tuple[Family, ...]) -> NDArray[np.uint64]:
    """Keys of all columns, or of all rows, of a program."""
    return np.concatenate([np.zeros(0, np.uint64), *(f.keys for f in families)])


def _names(families: tuple[Family, ...]) -> list[str]:
    names: list[str] = []
    for f in families:
        if not f.labels:
            names.extend(f"{f.name}[{i}]" if len(f) > 1 else f.name for i in range(len(f)))
            continue
        parts = [np.asarray(v).astype(str) for v in f.labels.values()]
        names.extend(f"{f.name}[{','.join(label)}]" for label in zip(*parts, strict=True))
    return names


@dataclass
class ProgramBuilder:
    """Collects columns and rows; rows are given as blocks of coordinates over whole columns."""

    money: float = 1.0
    _columns: list[tuple[Family, Floats, Floats, bool]] = field(default_factory=list)
    _rows: list[tuple[Family, Floats, Floats]] = field(default_factory=list)
    _blocks: list[tuple[Ints, Ints, Floats]] = field(default_factory=list)
    columns: int = 0
    rows: int = 0

    @property
    def upper(self) -> Floats:
        """Upper bounds of the columns so far."""
        return np.concatenate([c[2] for c in self._columns] or [np.zeros(0)])

    def add_columns(
        self,
        name: str,
        unit: str,
        labels: Labels,
        size: int,
        lower: Floats | float = 0.0,
        upper: Floats | float = np.inf,
        *,
        integer: bool = False,
    ) -> Ints:
        """Add a family of columns and return their positions."""
        family = Family(name, unit, self.columns, self.columns + size, labels)
        self._columns.append((family, _full(lower, size), _full(upper, size), integer))
        self.columns += size
        return np.arange(family.start, family.stop)

    def add_rows(
        self,
        rule: str,
        unit: str,
        labels: Labels,
        matrix: sp.csr_array,
        lower: Floats | float,
        upper: Floats | float,
    ) -> Ints:
        """Add a family of rows ``lower ≤ matrix · x ≤ upper`` and return their positions.

        ``matrix`` may have fewer columns than the program: those added later do not occur in it.
        """
        size = matrix.shape[0]
        family = Family(rule, unit, self.rows, self.rows + size, labels)
        coo = sp.coo_array(matrix)
        row, column = coo.coords
        self._rows.append((family, _full(lower, size), _full(upper, size)))
        self._blocks.append((row.astype(np.int64) + self.rows, column.astype(np.int64), coo.data))
        self.rows += size
        return np.arange(family.start, family.stop)

    def build(self, goals: tuple[Goal, ...] = ()) -> Program:
        """Freeze what was collected.

        Raises
        ------
        ValueError
            If a coefficient or bound is not a number, or a goal has the wrong length.
        """
        empty_i, empty_f = np.zeros(0, np.int64), np.zeros(0)
        row = np.concatenate([b[0] for b in self._blocks] or [empty_i])
        column = np.concatenate([b[1] for b in self._blocks] or [empty_i])
        data = np.concatenate([b[2] for b in self._blocks] or [empty_f])
        matrix = sp.csr_array(sp.coo_array((data, (row, column)), shape=(self.rows, self.columns)))
        matrix.sum_duplicates()
        matrix.eliminate_zeros()
        program = Program(
            lower=np.concatenate([c[1] for c in self._columns] or [empty_f]),
            upper=np.concatenate([c[2] for c in self._columns] or [empty_f]),
            integer=np.concatenate([np.full(len(c[0]), c[3]) for c in self._columns] or [np.zeros(0, bool)]),
            matrix=matrix,
            row_lower=np.concatenate([r[1] for r in self._rows] or [empty_f]),
            row_upper=np.concatenate([r[2] for r in self._rows] or [empty_f]),
            column_families=tuple(c[0] for c in self._columns),
            row_families=tuple(r[0] for r in self._rows),
            goals=goals,
            money=self.money,
        )
        for what in (program.lower, program.upper, program.row_lower, program.row_upper, matrix.data):
            if np.isnan(what).any():
                raise ValueError("Expected numbers everywhere in a program, found NaN.")
        if any(len(g.costs) != self.columns for g in goals):
            raise ValueError("Expected goals with one cost per column.")
        return program


def _full(value: Floats | float, size: int) -> Floats:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (size,)).copy()
