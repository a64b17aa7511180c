"""Cells: affine expressions of the decisions with labels, the grain at which rules and targets read."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.program import Floats, Ints


@dataclass(frozen=True)
class Cells:
    """An affine expression for each of many cells: ``constant + matrix · x``.

    Attributes
    ----------
    place, product, month : int array, shape (cells,)
        Labels by position; −1 for none. ``place`` counts groups and cuts, budget lines, or rows of history.
    post : int array, shape (cells,)
        Month whose carrier counts (the month of the sale).
    constant : float array, shape (cells,)
    matrix : scipy.sparse.csr_array, shape (cells, columns)
    space : {"places", "lines", "history"}
    """

    place: Ints
    product: Ints
    month: Ints
    post: Ints
    constant: Floats
    matrix: sp.csr_array
    space: str = "places"

    def __len__(self) -> int:
        return len(self.place)

    def times(self, factor: Floats | float) -> Cells:
        """Multiply every cell by its factor."""
        each = np.broadcast_to(np.asarray(factor, float), (len(self),))
        return replace(self, constant=self.constant * each, matrix=sp.csr_array(sp.diags_array(each) @ self.matrix))

    def where(self, mask: NDArray[np.bool_]) -> Cells:
        """Only the cells of a mask."""
        kept = np.flatnonzero(mask)
        return Cells(
            self.place[kept],
            self.product[kept],
            self.month[kept],
            self.post[kept],
            self.constant[kept],
            sp.csr_array(self.matrix[kept]),
            self.space,
        )
