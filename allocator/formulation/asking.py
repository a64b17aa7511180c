"""The quota program while it is being written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.grain import Grain
from allocator.program import Floats, Ints, ProgramBuilder


@dataclass
class Asking:
    """The quota program while it is being written: a cell is what a rep is asked of a product in a month.

    Attributes
    ----------
    grain : Grain
    builder : ProgramBuilder
    cells : DataFrame
        rep, product, month (positions), forecast (program money), reachable by a pin or floor (bool), column, beyond (column or −1).
    """

    grain: Grain
    builder: ProgramBuilder
    cells: pd.DataFrame

    def label(self, key: str) -> np.ndarray:
        """Label of every cell by name."""
        model, cells = self.grain.model, self.cells
        rep, product, month = (cells[c].to_numpy() for c in ("rep", "product", "month"))
        if key in ("rep", "unit", "grade"):
            return np.asarray(model["reps"][key].to_numpy(object)[rep])
        if key in ("product", "family", "class"):
            return np.asarray(model["products"][key].to_numpy(object)[product])
        if key in ("month", "quarter"):
            calendar = model.calendar
            return np.asarray(np.array(calendar.months if key == "month" else calendar.quarters, object)[month])
        kinds = dict(zip(model["units"]["unit"], model["units"]["kind"], strict=True))
        above = {u: next((a for a in c if kinds[a] == key), "") for u, c in model.ancestors.items()}
        return pd.Series(self.label("unit"), dtype=object).map(above).fillna("").to_numpy(object)

    def mask(self, scope: Mapping[str, tuple[str, ...]], months: Ints) -> np.ndarray:
        """Cells of a scope and some months."""
        held = np.isin(self.cells["month"], months)
        for key, values in scope.items():
            wanted = list(values)
            if key == "unit":
                wanted = [u for u, c in self.grain.model.ancestors.items() if not set(values).isdisjoint(c)]
            held &= np.isin(self.label(key), wanted)
        return held

    def rows(self, row: Ints, cell: Ints, data: Floats | float, size: int) -> sp.csr_array:
        """Sparse matrix over the columns so far, from cells."""
        data = np.broadcast_to(np.asarray(data, float), np.shape(cell))
        columns = self.cells["column"].to_numpy()[cell]
        return sp.csr_array(sp.coo_array((data, (row, columns)), shape=(size, self.builder.columns)))

    def sparse(self, row: Ints, column: Ints, data: Floats | float, size: int) -> sp.csr_array:
        """Sparse matrix over the columns so far, from columns."""
        data = np.broadcast_to(np.asarray(data, float), np.shape(column))
        return sp.csr_array(sp.coo_array((data, (row, column)), shape=(size, self.builder.columns)))
