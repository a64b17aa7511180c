"""What units and reps have offered, as a preference of the quota program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.asking import Asking
from allocator.formulation.rules import rule
from allocator.program import Floats, Ints


def preferred(asking: Asking) -> tuple[Ints, Floats] | None:
    """Columns of what the quotas lie above and below commitments, and the weight of each.

    None where commitments are not preferred, or none is of the program's level for months that remain.
    """
    model = asking.grain.model
    rows, window = model["commitments"], model.calendar.window
    if model.settings.commitments != "prefer":
        return None
    ahead = np.array([window(period)[-1] >= model.past for period in rows["period"]], bool)
    rows = rows[ahead & (rows["level"] == asking.level).to_numpy()].reset_index(drop=True)
    return near_commitments(asking, rows) if len(rows) else None


@rule("A quota stays near its commitment", unit="money", index="commitment")
def near_commitments(asking: Asking, rows: pd.DataFrame) -> tuple[Ints, Floats]:
    """Σ quota of the cut − above + below = amount; above and below ≥ 0.

    At the least of Σ weight · (above + below) this is the weighted absolute deviation. As with pins, the cut of a unit is the sum of
    its reps' quotas, whatever is hedged.
    """
    labels = {k: pd.Categorical(rows[k]) for k in ("unit", "rep", "product", "period", "level")}
    size = len(rows)
    above = asking.builder.add_columns("above a commitment", "money", labels, size)
    below = asking.builder.add_columns("below a commitment", "money", labels, size)
    number: list[Ints] = []
    cells: list[Ints] = []
    row: Any
    for n, row in enumerate(rows.itertuples(index=False)):
        scope = {k: (getattr(row, k),) for k in ("unit", "rep", "product") if getattr(row, k)}
        cells.append(np.flatnonzero(asking.mask(scope, asking.grain.model.calendar.window(row.period))))
        number.append(np.full(len(cells[-1]), n))
    each = np.arange(size)
    matrix = asking.rows(np.concatenate(number), np.concatenate(cells), 1.0, size)
    matrix = matrix - asking.sparse(each, above, 1.0, size) + asking.sparse(each, below, 1.0, size)
    amount = rows["amount"].to_numpy(float) / asking.builder.money
    asking.add_rows(near_commitments, labels, sp.csr_array(matrix), amount, amount)
    return np.concatenate([above, below]), np.tile(rows["weight"].to_numpy(float), 2)
