"""Goals of changed models, solved from the start: what prices and frontiers are held against."""

from __future__ import annotations

import numpy as np

from allocator.engines.highs import Highs
from allocator.errors import InputError
from allocator.explaining.frontier import Frontier
from allocator.explaining.limits import Limit
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
    limit, names, drawing = found.limits[0], list(found.names), found.drawing
    assert drawing is not None
    table = found.table
    size = np.maximum(1.0, table[names].abs().max().to_numpy(float))
    rng = np.random.default_rng(5)
    values = rng.uniform(table["limit"].min(), table["limit"].max(), points)
    bends = table.loc[table["kind"] != "step", "limit"]
    for value in [*values, *bends.sample(min(3, len(bends)), random_state=1)]:
        there, solved = drawing.at(float(value)), moved(model, limit, float(value))
        assert (there is None) == (solved is None), (limit.key, value)
        if there is not None and solved is not None:
            assert (np.abs(there - solved) <= 1e-7 * size).all(), (limit.key, value, there - solved)


def moved(model: Model, limit: Limit, value: float) -> Floats | None:
    """Goals with a limit at a value; None where the tables cannot say it, or there is no plan."""
    try:
        return direct(limit.at(model, value))
    except InputError:
        return None
