"""Targets of a level held as rules, and the least of something with which they can be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.engines.highs import Highs
from allocator.engines.status import Status
from allocator.errors import EngineError, InputError
from allocator.explaining.limits import Limit
from allocator.explaining.moving import alike
from allocator.formulation.effort import effort_program
from allocator.formulation.needs import asked_targets
from allocator.model import LEVELS, Model
from allocator.ordering import IMPOSSIBLE
from allocator.program import Floats, Program, ProgramBuilder
from allocator.texts import _

RISING = frozenset({"line", "budget", "hours", "resource", "supply"})
"""Kinds of limits of which more is never worse for a target."""

HALVES = 40


def level_targets(model: Model, level: str) -> pd.DataFrame:
    """Targets of a level: revenue as quotas ask for it, and of all else the level's own row, or base's as it is.

    Revenue without a row of its own is base's times ``levels``, as section 5 of the mathematics says; other metrics (visits, coverage,
    spend) have no natural height above base.
    """
    rows = model["targets"]
    asked = asked_targets(model, level)
    same = ["metric", "period", "scope", "each", "share_of"]
    keys = rows[same].apply(tuple, axis=1) if len(rows) else pd.Series(dtype=object)
    own = rows[rows["level"] == level]
    mine = set(keys[own.index])
    base = rows[(rows["level"] == LEVELS[0]) & ~rows.index.isin(asked.index)]
    base = base[[key not in mine for key in keys[base.index]]]
    revenue = set(rows.loc[rows["metric"] == "revenue"].index) & set(asked_targets(model, LEVELS[0]).index)
    base = base[~base.index.isin(revenue)]
    found = pd.concat([asked, own[~own.index.isin(asked.index)], base])
    return found.sort_index()


def with_targets(model: Model, targets: pd.DataFrame) -> Model:
    """The model with other targets."""
    frame = targets.astype(model["targets"].dtypes.to_dict()).reset_index(drop=True)
    return replace(model, tables={**model.tables, "targets": frame})


def level_model(model: Model, level: str, *, hard: bool = True) -> Model:
    """The model with the targets of one level alone, as rules, or as its base targets."""
    targets = level_targets(model, level).assign(level=LEVELS[0])
    return with_targets(model, targets.assign(priority="hard") if hard else targets)


def feasible(program: Program) -> bool:
    """Whether a program has an answer.

    Raises
    ------
    EngineError
        If that cannot be said.
    """
    solution = Highs().solve(program, np.zeros(program.shape[1]))
    if solution.status is Status.OPTIMAL:
        return True
    if solution.status in IMPOSSIBLE:
        return False
    raise EngineError(_("The engine failed: {detail}").format(detail=solution.detail or "?"))


def least_value(
    model: Model, level: str, limit: Limit, low: float, high: float, *, promises: bool = True
) -> float | None:
    """The least value of a limit, between two, with which the targets of a level are reached together; None where there is none.

    Only of limits of which more is never worse. ``promises`` says whether all promised visits are made as well.
    """
    held = level_model(model, level, hard=not promises)

    def program(value: float) -> Program | None:
        try:
            return effort_program(limit.at(held, value), strict=promises).program
        except InputError:
            return None

    if limit.kind not in RISING:
        return None
    below, above = program(low), program(high)
    if below is None or above is None or not feasible(above):
        return None
    if feasible(below):
        return low
    if not above.integer.any() and alike(below, above):
        return low + (high - low) * least_part(below, above)
    for _half in range(HALVES):
        middle = (low + high) / 2
        there = program(middle)
        if there is not None and feasible(there):
            high = middle
        else:
            low = middle
    return high


def least_part(below: Program, above: Program) -> float:
    """The least part of the way from one program to another, of the same matrix, from which on there is an answer.

    Raises
    ------
    EngineError
        If the engine fails.
    """
    columns = below.shape[1]
    builder = ProgramBuilder()

    def moved(a: Floats, b: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            return np.where(np.isfinite(a) & np.isfinite(b), b - a, 0.0)

    low, high = moved(below.lower, above.lower), moved(below.upper, above.upper)
    builder.add_columns(
        "x", "", {}, columns,
        np.where(low != 0, np.minimum(below.lower, above.lower), below.lower),
        np.where(high != 0, np.maximum(below.upper, above.upper), below.upper),
    )  # fmt: skip
    part = builder.add_columns("part", "share", {}, 1, 0.0, 1.0)
    every, units = sp.csr_array(below.matrix), sp.eye_array(columns, format="csr")
    rows_low, rows_high = moved(below.row_lower, above.row_lower), moved(below.row_upper, above.row_upper)
    still = (
        np.where(rows_low != 0, -np.inf, below.row_lower),
        np.where(rows_high != 0, np.inf, below.row_upper),
    )
    builder.add_rows("rows", "", {}, every, *still)
    for matrix, change, bound, least in (
        (every, rows_low, below.row_lower, True),
        (every, rows_high, below.row_upper, False),
        (units, low, below.lower, True),
        (units, high, below.upper, False),
    ):
        hit = np.flatnonzero(change)
        if not len(hit):
            continue
        block = sp.csr_array(sp.hstack([matrix[hit], sp.csr_array(-change[hit][:, None])], format="csr"))
        bounds = (bound[hit], np.inf) if least else (-np.inf, bound[hit])
        builder.add_rows("moving", "", {}, block, *bounds)
    costs = np.zeros(columns + 1)
    costs[part] = 1.0
    solution = Highs().solve(builder.build(), costs)
    if solution.status is not Status.OPTIMAL or solution.x is None:
        raise EngineError(_("The engine failed: {detail}").format(detail=solution.detail or "?"))
    return float(solution.x[part[0]])
