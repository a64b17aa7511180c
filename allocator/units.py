"""What every unit is assigned and owes (``units.csv``)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.model import Model

MINOR = 100
"""Minor units of money in one."""
KEYS = ["product", "month", "level"]


def units_table(model: Model, quotas: pd.DataFrame) -> pd.DataFrame:
    """Add quotas up the organisation.

    A unit is assigned what its parts owe, and owes that ÷ (1 + the hedge of its kind), to the minor unit of money; a rep owes his
    quota. So every assigned amount is the sum of its parts to the last digit.

    Parameters
    ----------
    model : Model
    quotas : DataFrame
        unit, product, month, level, quota.

    Returns
    -------
    DataFrame
        unit, kind, product, month, level, assigned, owed: a row for each unit and each (product, month, level) that occurs below it,
        in the order of the model's tables.
    """
    units = model["units"]
    position = {u: i for i, u in enumerate(units["unit"])}
    cuts = _in_order(model, quotas[KEYS].drop_duplicates())
    cut = pd.MultiIndex.from_frame(cuts[KEYS]).get_indexer(pd.MultiIndex.from_frame(quotas[KEYS]))
    place = (quotas["unit"].map(position).to_numpy(int), cut)
    assigned = np.zeros((len(units), len(cuts)), np.int64)
    there = np.zeros(assigned.shape, bool)
    np.add.at(assigned, place, np.rint(quotas["quota"].to_numpy(float) * MINOR).astype(np.int64))
    there[place] = True
    hedge = units["kind"].map(model.settings.hedge).fillna(0.0).to_numpy(float)
    owed = np.zeros_like(assigned)
    depth = {u: len(chain) for u, chain in model.ancestors.items()}
    for unit in sorted(position, key=lambda u: -depth[u]):  # parts before the whole
        i = position[unit]
        owed[i] = np.rint(assigned[i] / (1.0 + hedge[i])) if hedge[i] else assigned[i]
        above = model.ancestors[unit][1:2]
        for parent in above:
            assigned[position[parent]] += owed[i]
            there[position[parent]] |= there[i]
    row, column = np.nonzero(there)
    table = cuts.iloc[column].reset_index(drop=True)
    table.insert(0, "unit", units["unit"].to_numpy(object)[row])
    table.insert(1, "kind", units["kind"].to_numpy(object)[row])
    return table.assign(assigned=assigned[row, column] / MINOR, owed=owed[row, column] / MINOR)


def _in_order(model: Model, cuts: pd.DataFrame) -> pd.DataFrame:
    """Sort products as in their table, then months, then levels."""
    orders = {
        "product": list(model["products"]["product"]),
        "month": list(model.calendar.months),
        "level": ["base", "stretch", "ceiling"],
    }
    rank = [pd.Index(orders[k]).get_indexer(cuts[k]) for k in reversed(KEYS)]
    return cuts.iloc[np.lexsort(rank)].reset_index(drop=True)
