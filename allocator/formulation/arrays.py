"""Small array helpers of the formulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def positions(keys: Any, values: Any) -> NDArray[Any]:
    """Position of each value among the keys; −1 where it is none of them."""
    return np.asarray(pd.Index(keys).get_indexer(pd.Index(values)), dtype=np.int64)
