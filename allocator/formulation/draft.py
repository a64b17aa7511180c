"""The effort program while it is being written: grain, builder, and where its columns stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.formulation.cells import Cells
from allocator.formulation.curves import Segments, group_segments
from allocator.formulation.grain import Grain
from allocator.formulation.happened import Happened, happened
from allocator.formulation.rules import AnyRule
from allocator.program import Floats, Ints, Labels, ProgramBuilder

Objects = NDArray[np.object_]


@dataclass
class Draft:
    """The effort program while it is being written.

    Attributes
    ----------
    grain : Grain
    builder : ProgramBuilder
    segments : Segments
        Of the groups.
    columns : dict of str to int array
        Positions of columns by family, in the shape that the family's writer documents; −1 where there is none.
    tables : dict of str to DataFrame
        Frames that say which column means what, by name.
    strict : bool
        Promised visits and base targets are hard.
    demanded : Cells or None
        Contracts that the curves would give, a cell for every column of ``contracts``.
    given : Cells or None
        What curves and lines give, a cell for every column of ``sales``.
    happened : Happened or None
        The months that are over.
    """

    grain: Grain
    builder: ProgramBuilder
    segments: Segments
    columns: dict[str, Ints] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    strict: bool = False
    demanded: Cells | None = None
    given: Cells | None = None
    happened: Happened | None = None

    @property
    def money(self) -> float:
        """Money in the program is in units of this many of the model's."""
        return self.builder.money

    @property
    def shape(self) -> tuple[int, int]:
        """Number of groups and of months."""
        return self.grain.carrier.shape[0], self.grain.months

    def matrix(self, row: Ints, column: Ints, data: Floats | float, rows: int) -> sp.csr_array:
        """Sparse matrix over the columns so far; entries whose column is −1 are left out."""
        data = np.broadcast_to(np.asarray(data, float), np.shape(column))
        keep = column >= 0
        entries = (data[keep], (row[keep], column[keep]))
        return sp.csr_array(sp.coo_array(entries, shape=(rows, self.builder.columns)))

    def add_rows(
        self, rule: AnyRule, labels: Labels, matrix: sp.csr_array, lower: Floats | float, upper: Floats | float
    ) -> Ints:
        """Add the rows of a rule and return their positions."""
        return self.builder.add_rows(rule.sentence, rule.unit, labels, matrix, lower, upper)

    def label(self, values: Sequence[str] | Objects, codes: Ints) -> pd.Categorical:
        """Labels by position."""
        return pd.Categorical.from_codes(codes, categories=pd.Index(np.asarray(values, dtype=object)))

    def group_label(self, codes: Ints) -> pd.Categorical:
        """Labels of groups."""
        return self.label(self.grain.groups["group"].to_numpy(object), codes)

    def month_label(self, codes: Ints) -> pd.Categorical:
        """Labels of months."""
        return self.label(self.grain.model.calendar.months, codes)

    def product_label(self, codes: Ints) -> pd.Categorical:
        """Labels of products."""
        return self.label(self.grain.product, codes)


def start_draft(grain: Grain, *, strict: bool = False) -> Draft:
    """Begin the effort program of a grain."""
    builder = ProgramBuilder(money=money_scale(grain))
    return Draft(grain, builder, group_segments(grain), strict=strict, happened=happened(grain))


def money_scale(grain: Grain) -> float:
    """Power of ten that makes the median demand of a group and product in a month of order one."""
    expected = grain.pairs["expected"].to_numpy(float)
    expected = expected[expected > 0]
    if not expected.size:
        return 1.0
    return float(10.0 ** np.round(np.log10(np.median(expected) / grain.months)))


def widen(matrix: sp.csr_array, columns: int) -> sp.csr_array:
    """The same matrix over more columns."""
    if matrix.shape[1] == columns:
        return matrix
    return sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(matrix.shape[0], columns))
