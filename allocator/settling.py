"""Of answers equal in every goal, the one that every engine gives: least effort, and even where nothing asks for uneven."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocator.engines.status import Engine, Status
from allocator.formulation.effort import Effort, least_effort
from allocator.formulation.quotas import Quotas
from allocator.formulation.targets import expected_plan
from allocator.nearness import Reference, nearest
from allocator.ordering import HELD, IMPOSSIBLE, Outcome, around, worst_loss
from allocator.program import Floats, Program


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
    _settle(outcome, reference, least_effort(effort), solver, seconds, "effort")


def settle_quotas(
    quotas: Quotas, below: Floats | None, outcome: Outcome, solver: Engine, seconds: float | None
) -> None:
    """Base: each cell asks for the same share of its forecast; above it, each raises the level below by the same factor."""
    asking = quotas.asking
    assert outcome.x is not None
    column, forecast = asking.columns[asking.level], asking.cells["forecast"].to_numpy(float)
    shape = forecast if below is None or not below.any() else below / asking.builder.money
    value = float(outcome.x[column].sum()) / max(float(shape.sum()), 1e-12) * shape
    size = np.maximum(shape, 1e-3 * max(float(shape.mean()), 1e-9)) if len(shape) else shape
    reference = Reference(column, value, size)
    _settle(outcome, reference, np.zeros(outcome.program.shape[1]), solver, seconds, asking.level)


def _settle(
    outcome: Outcome, reference: Reference, costs: Floats, solver: Engine, seconds: float | None, name: str
) -> None:
    """Replace the outcome's answer by the one nearest to a reference among those equal in every goal.

    Where that cannot be had (the time is up, or it would cost a goal), the answer stays: it is proved, if perhaps not the one that
    another engine would choose.
    """
    assert outcome.x is not None
    program = outcome.program
    whole = program.integer & (program.lower < program.upper)
    relaxed = replace(program, integer=np.zeros_like(program.integer))
    x = _nearest(relaxed, outcome, reference, costs, solver, seconds, name)
    if x is not None and whole.any() and np.abs(x - np.round(x))[whole].max() > 1e-7:
        found = np.round(outcome.x)  # then the whole numbers that were found stand
        kept = relaxed.with_bounds(np.where(whole, found, program.lower), np.where(whole, found, program.upper))
        x = _nearest(kept, outcome, reference, costs, solver, seconds, f"{name}, whole")
    if x is not None and worst_loss(replace(outcome, x=x), program.goals) <= HELD:
        outcome.x = x


def _nearest(
    program: Program,
    outcome: Outcome,
    reference: Reference,
    costs: Floats,
    solver: Engine,
    seconds: float | None,
    name: str,
) -> Floats | None:
    assert outcome.x is not None
    # The last digits of what is held may leave no room.
    for one, vertex in ((program, outcome.vertex), (around(program, outcome.x), None)):
        split = nearest(one, reference, costs)
        start = split.start(outcome.x, vertex)
        left = None if seconds is None else max(seconds - outcome.seconds, 1e-3)
        solution = solver.solve(split.program, split.costs, seconds=left, goal=f"settle {name}", start=start)
        outcome.solves += 1
        outcome.seconds += solution.seconds
        if solution.status not in IMPOSSIBLE:
            break
    return split.back(solution.x) if solution.status is Status.OPTIMAL and solution.x is not None else None
