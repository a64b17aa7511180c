"""Goals of changed models, solved from the start: what prices and frontiers are held against."""

from __future__ import annotations

import numpy as np

from allocator.engines.highs import Highs
from allocator.explaining.frontier import Frontier
from allocator.explaining.resolving import goal_values
from allocator.formulation.effort import effort_program
from allocator.model import Model
from allocator.ordering import Ordering
from allocator.program import Floats


def direct(model: Model) -> Floats | None:
    """Goals of a model solved from the start, in its own units."""
    return goal_values(Ordering(effort_program(model).program, Highs()).run())


def on_it(model: Model, found: Frontier, points: int) -> None:
    """Hold random points of a frontier, and its bends, against solves from the start, to 1e-7 of each goal's largest size."""
    limit, names = found.limits[0], list(found.names)
    table = found.table
    size = np.maximum(1.0, table[names].abs().max().to_numpy(float))
    rng = np.random.default_rng(5)
    values = rng.uniform(table["limit"].min(), table["limit"].max(), points)
    for value in [*values, *table["limit"].sample(min(3, len(table)), random_state=1)]:
        solved = direct(limit.at(model, float(value)))
        there = np.array([np.interp(value, table["limit"], table[n]) for n in names])
        if solved is None:
            assert np.isnan(there).any()
        else:
            assert (np.abs(there - solved) <= 1.5e-7 * size).all(), (limit.key, value, there - solved)
