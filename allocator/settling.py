"""Of answers equal in every goal, the one that every engine gives: least effort, and even where nothing asks for uneven."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.engines.status import Engine, Solution, Status, Vertex
from allocator.formulation.asking import Asking
from allocator.formulation.effort import Effort, least_effort
from allocator.formulation.quotas import Quotas
from allocator.formulation.targets import expected_plan
from allocator.nearness import Reference, draw, nearest
from allocator.ordering import HELD, IMPOSSIBLE, Outcome, around, worst_loss
from allocator.program import Floats, Ints, Program
from allocator.proportion import Parts, Solve, in_proportion

Bools = NDArray[np.bool_]

STILL = 1e-9
"""Bounds that are this near, relative to one and their size, let nothing move."""

Find = Callable[[Program, Vertex | None, Solve], Floats | None]
"""Finds the answer of a program that is nearest to a reference, with a vertex to begin from and a way to solve."""


def settle_effort(effort: Effort, outcome: Outcome, solver: Engine, seconds: float | None) -> None:
    """Least effort; promised visits, money and losses as even as can be, visits by the phases of the year."""
    draft = effort.draft
    visits = draft.columns["visits"]
    spread = visits >= 0
    even, phased = draft.grain.even_promise[spread], draft.grain.phased_promise[spread]
    spend = draft.columns["spend"][draft.columns["spend"] >= 0]
    upper = effort.program.upper[spend]
    sales = draft.columns["sales"][effort.losing[effort.sold.product]]
    expected = expected_plan(draft)[sales]
    reference = Reference(
        np.concatenate([visits[spread], spend, sales]),
        np.concatenate([phased, np.zeros(len(spend)), expected]),
        np.concatenate([even, np.where(np.isfinite(upper), upper, 1.0), expected]),
    )
    costs = least_effort(effort)

    def find(program: Program, vertex: Vertex | None, solve: Solve) -> Floats | None:
        assert outcome.x is not None
        split = nearest(program, reference, costs)
        solution = solve(split.program, split.costs, "", split.start(outcome.x, vertex))
        return split.back(solution.x) if solution.status is Status.OPTIMAL and solution.x is not None else None

    _settle(outcome, find, solver, seconds, "effort")


def settle_quotas(
    quotas: Quotas, below: Floats | None, outcome: Outcome, solver: Engine, seconds: float | None
) -> None:
    """Base: every product-year asks for the same share of its forecast; above it, each raises that of the level below by one factor.

    Months have their part of the year's forecast, or of the year of the level below.
    """
    asking = quotas.asking
    assert outcome.x is not None
    forecast = asking.cells["forecast"].to_numpy(float)
    shape = forecast if below is None or not below.any() else below / asking.builder.money
    column = asking.columns[asking.level]
    lower, upper = quotas.program.lower[column], quotas.program.upper[column]
    moves = upper - lower > STILL * np.maximum(1.0, np.abs(lower))
    factor = float(outcome.x[column[moves]].sum()) / max(float(shape[moves].sum()), 1e-12)
    parts, whole, within = _parts(quotas, shape, moves)
    loose = np.flatnonzero(moves & ~within)
    size = np.concatenate([whole, shape[loose]])
    value = factor * size
    value[: len(whole)] += parts.other
    # Drawn for all years and all cells, so that what one meets does not depend on which others move.
    every = np.unique(asking.years[asking.years >= 0])
    drawn = draw(len(every) + len(column))[
        :, :, np.concatenate([np.searchsorted(every, parts.years), len(every) + loose])
    ]
    years = Reference(np.concatenate([parts.years, column[loose]]), value, _at_least(size), drawn)
    cells = Reference(parts.cells, shape[within], _at_least(shape[within]), draw(len(column))[:, :, within])

    def find(program: Program, _vertex: Vertex | None, solve: Solve) -> Floats | None:
        assert outcome.x is not None
        if not (program.lower < program.upper)[column].any():
            return outcome.x
        return in_proportion(program, parts, outcome.x, years, cells, solve)

    _settle(outcome, find, solver, seconds, asking.level)


def _at_least(size: Floats) -> Floats:
    """Sizes, at least a thousandth of their mean."""
    return np.maximum(size, 1e-3 * max(float(size.mean()), 1e-9)) if len(size) else size


def _parts(quotas: Quotas, shape: Floats, moves: Bools) -> tuple[Parts, Floats, Bools]:
    """Cells whose product-years are columns, the size of these years, and which cells they are."""
    asking, program = quotas.asking, quotas.program
    rep, product = (asking.cells[c].to_numpy() for c in ("rep", "product"))
    column, year = asking.columns[asking.level], asking.years[rep, product]
    sizes = np.bincount(year[moves & (year >= 0)], weights=shape[moves & (year >= 0)], minlength=program.shape[1])
    within = moves & (year >= 0) & (sizes[year] > 0)
    years, block = np.unique(year[within], return_inverse=True)
    still = np.isin(year, years) & ~moves
    other = np.bincount(np.searchsorted(years, year[still]), weights=program.lower[column[still]], minlength=len(years))
    sums, members, fixed = _cuts(asking, program, within, moves)
    parts = Parts(column[within], block, shape[within] / sizes[year[within]], years, other, sums, members, fixed)
    return parts, sizes[years], within


def _cuts(asking: Asking, program: Program, within: Bools, moves: Bools) -> tuple[Ints, sp.csr_array, Floats]:
    """Sums of reps' cells that are in blocks or do not move: their columns, what they sum, what does not move."""
    cuts = asking.of_cuts
    if cuts is None:
        return np.zeros(0, int), sp.csr_array((0, int(within.sum()))), np.zeros(0)
    count = len(cuts.columns)
    loose = np.bincount(cuts.of[moves & ~within & (cuts.of >= 0)], minlength=count) > 0
    some = np.flatnonzero(within & (cuts.of >= 0))
    number = np.cumsum(within) - 1
    members = sp.csr_array((np.ones(len(some)), (cuts.of[some], number[some])), shape=(count, int(within.sum())))
    still = np.flatnonzero(~moves & (cuts.of >= 0))
    lower = program.lower[asking.columns[asking.level][still]]
    fixed = np.bincount(cuts.of[still], weights=lower, minlength=count)
    return cuts.columns[~loose], sp.csr_array(members[np.flatnonzero(~loose)]), fixed[~loose]


def _settle(outcome: Outcome, find: Find, solver: Engine, seconds: float | None, name: str) -> None:
    """Replace the outcome's answer by the one nearest to a reference among those equal in every goal.

    Where that cannot be had (the time is up, or it would cost a goal), the answer stays: it is proved, if perhaps not the one that
    another engine would choose.
    """
    assert outcome.x is not None
    program = outcome.program
    whole = program.integer & (program.lower < program.upper)
    relaxed = replace(program, integer=np.zeros_like(program.integer))
    x = _found(relaxed, outcome, find, solver, seconds, name)
    if x is not None and whole.any() and np.abs(x - np.round(x))[whole].max() > 1e-7:
        found = np.round(outcome.x)  # then the whole numbers that were found stand
        kept = relaxed.with_bounds(np.where(whole, found, program.lower), np.where(whole, found, program.upper))
        x = _found(kept, outcome, find, solver, seconds, f"{name}, whole")
    if x is not None and worst_loss(replace(outcome, x=x), program.goals) <= HELD:
        outcome.x = x


def _found(
    program: Program, outcome: Outcome, find: Find, solver: Engine, seconds: float | None, name: str
) -> Floats | None:
    """Find an answer; once more with room around the outcome's where the last digits of what is held leave none."""
    assert outcome.x is not None
    last = Status.OPTIMAL

    def solve(program: Program, costs: Floats, step: str, start: Vertex | None) -> Solution:
        nonlocal last
        left = None if seconds is None else max(seconds - outcome.seconds, 1e-3)
        goal = f"settle {name} {step}".strip()
        solution = solver.solve(program, costs, seconds=left, goal=goal, start=start)
        outcome.solves += 1
        outcome.seconds += solution.seconds
        last = solution.status
        return solution

    x = find(program, outcome.vertex, solve)
    if x is None and last in IMPOSSIBLE:
        x = find(around(program, outcome.x), None, solve)
    return x
