"""Small array helpers of the formulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def alike(rows: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows of an array that differ, in the order in which they come, and which of them each row is."""
    _sorted, first, of = np.unique(rows, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return rows[first[order]], np.argsort(order)[of.ravel()]


def positions(keys: Any, values: Any) -> NDArray[Any]:
    """Position of each value among the keys; −1 where it is none of them."""
    return np.asarray(pd.Index(keys).get_indexer(pd.Index(values)), dtype=np.int64)
