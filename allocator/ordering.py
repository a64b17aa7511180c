"""Goals in order: each is solved while those before it keep their best (lexicographic optimisation).

Wishes first: one solve of their weighted sum shows how many of them can be had at once. A goal is held by its optimal face: by
complementary slackness, columns with a reduced cost and rows with a dual are fixed at their active bounds, which keeps exactly the
optimal answers of the goal and makes the next program smaller (Isermann 1982, "Linear lexicographic optimization"; the face:
Mangasarian 1988).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import scipy.sparse as sp

from allocator.engines.status import Engine, Solution, Status, Vertex, certify, reduced_costs
from allocator.program import Floats, Goal, Program

FACE = 1e-8
"""Reduced costs and duals above this, of the costs as the engine sees them, hold a face."""

ACTIVE = 1e-6
"""A bound this near, relative to one and the value, is active; a price at any other is noise."""

IMPOSSIBLE = (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED)

ROUNDING = 1e-12
"""What a row that holds a value gives way at once: where later goals gain much by little of it, more would show in them."""

HELD = 1e-6
"""A goal may lose this much, relative to one and its size, to numerical tolerance."""


@dataclass
class Outcome:
    """What came of goals in order.

    Attributes
    ----------
    status : Status
    program : Program
        With the bounds that hold every goal.
    x : float array or None
    vertex : Vertex or None
        Where ``x`` stands, if that is known.
    best : dict of str to float
        Best value of each goal when its turn came.
    duals : dict of str to array
        Duals of the solve that found a goal's value, where that is a continuous solve.
    solves : int
    seconds : float
        In the engine.
    """

    status: Status
    program: Program
    x: Floats | None = None
    vertex: Vertex | None = None
    best: dict[str, float] = field(default_factory=dict)
    duals: dict[str, Floats] = field(default_factory=dict)
    solves: int = 0
    seconds: float = 0.0
    detail: str = ""


FEWER, LEAST_PIVOTS = 4, 1000
"""From the vertex of the goal before, so many times fewer iterations than from nothing are worth a try, or at least so many."""

OUTWEIGHS, LEAST = 0.1, 1e-4
"""Where wishes are solved at once, what one weighs beside that before it, and at least."""

Progress = Callable[[str], None]


class Ordering:
    """Solves the goals of a program in order on one engine.

    ``wishes`` says how many wishes could be had at once in an earlier run, by the first of them: where to begin, and what is learnt.
    """

    def __init__(
        self,
        program: Program,
        engine: Engine,
        *,
        seconds: float | None = None,
        progress: Progress | None = None,
        wishes: dict[str, int] | None = None,
    ) -> None:
        self.engine = engine
        self.wishes = {} if wishes is None else wishes
        self.left = seconds
        self.progress = progress or (lambda _: None)
        self.most: int | None = None
        self.out = Outcome(Status.OPTIMAL, program)

    def run(self) -> Outcome:
        """Solve all goals; stops at the first answer that is not proved.

        Whole numbers are let go first: if the goals' best values without them are reached by whole numbers too, they are proved
        for those. Only the goals for which that fails are solved with whole numbers.
        """
        program, out = self.out.program, self.out
        goals = program.goals
        whole = program.integer & (program.lower < program.upper)
        out.program = replace(program, integer=np.zeros_like(program.integer)) if whole.any() else program
        before = self._all(list(goals))
        if out.status is Status.OPTIMAL and whole.any():
            assert out.x is not None
            if np.abs(out.x - np.round(out.x))[whole].max() > 1e-7:
                self._whole(program, goals, before)
            out.program = replace(out.program, integer=program.integer)
        return out

    def _all(self, goals: list[Goal]) -> list[Program]:
        """Solve goals of a continuous program in order; returns the program that each of them met."""
        before: list[Program] = []
        while goals and self.out.status is Status.OPTIMAL:
            met = self.out.program
            done = self._have_most(goals)
            for goal in goals[:done]:
                before.append(met)
                met = _held(met, goal) if goal.wish else met
            del goals[:done]
            while goals and goals[0].wish and self.out.x is not None and self._reached(goals[0]):
                before.append(self.out.program)
                self._hold_at_bounds(goals.pop(0))
        if self.out.status is Status.OPTIMAL and self.out.x is None:
            self._take(Goal("feasible", "feasible", np.zeros(self.out.program.shape[1])))
            self.out.best.pop("feasible", None)
        return before

    def _whole(self, program: Program, goals: tuple[Goal, ...], before: list[Program]) -> None:
        """From the last goal whose forerunners keep their best with whole numbers, solve with whole numbers."""
        feasible = Goal("feasible", "feasible", np.zeros(program.shape[1]))
        for k in reversed(range(max(len(goals), 1))):
            goal = goals[k] if goals else feasible
            met = replace(before[k] if goals else self.out.program, integer=program.integer)
            solution = self._solve(met, goal.costs, goal.name)
            if solution.status is Status.OPTIMAL:
                self.out.program = met
                for later in goals[k:]:
                    self.out.duals.pop(later.name, None)
                self._accept(goal, solution)
                for later in goals[k + 1 :]:
                    if self.out.status is Status.OPTIMAL:
                        self._take_loosely(later, program.shape[0])
                return
            if k == 0 or solution.status not in IMPOSSIBLE:
                self._stop(solution)
                return

    def _have_most(self, goals: list[Goal]) -> int:
        """Where nothing is known yet, or only wishes are left, have as many as are seen to be had at once; solve the goal behind them.

        Returns
        -------
        int
            Number of goals that are done.
        """
        wishes = _leading_wishes(goals)
        known = self.wishes.get(goals[0].name)
        if known is not None and known <= wishes and self._have(goals, known):
            return min(known + 1, len(goals))
        at_once = wishes > 1 and (self.out.x is None or wishes == len(goals))
        held, seen = self._seen_at_best(goals, wishes) if at_once else (0, None)
        if self.out.status is not Status.OPTIMAL:
            return 0
        for goal in goals[:held]:
            self._hold_at_bounds(goal)
        self.wishes[goals[0].name] = held
        if held < len(goals):
            if held == wishes and seen is not None and _proved(self.out.program, goals[held], seen):
                self._accept(goals[held], seen)
            else:
                self._take(goals[held])
        return min(held + 1, len(goals))

    def _have(self, goals: list[Goal], wishes: int) -> bool:
        """Hold some leading wishes and solve the goal behind them; False if they cannot be had together."""
        held = self.out.program
        for goal in goals[:wishes]:
            held = _held(held, goal)
        last = goals[wishes] if len(goals) > wishes else None
        costs = last.costs if last else np.zeros(held.shape[1])
        # Where all wishes are had, the solve that shows it finds the goal behind them too, and is remembered.
        name = last.name if last and wishes < _leading_wishes(goals) else _all_from(goals)
        solution = self._solve(held, costs, name, self._beside(held))
        if solution.status in IMPOSSIBLE:
            return False
        if solution.status is not Status.OPTIMAL:
            self._stop(solution)
            return True
        assert solution.x is not None
        self.out.program, self.out.x, self.out.vertex = held, solution.x, solution.vertex
        for goal in goals[:wishes]:
            self.out.best[goal.name] = goal.value(solution.x)
        if last:
            self._accept(last, solution)
        return True

    def _seen_at_best(self, goals: list[Goal], wishes: int) -> tuple[int, Solution | None]:
        """Solve the leading wishes at once, each weighing much more than the next one.

        The goal behind the wishes weighs a little, so that it has not far to go.

        Returns
        -------
        int
            How many are at their best in a row: a bound from below, what the weights traded is had when its turn comes.
        Solution or None
            The answer, with the duals of one unit of the goal behind the wishes: where all wishes are had, they prove that goal too.
        """
        costs = np.zeros(self.out.program.shape[1])
        kind, weight = goals[0].kind, 1.0
        for goal in goals[: wishes + 1]:
            weight = weight if goal.kind == kind else max(weight * OUTWEIGHS, LEAST)
            kind = goal.kind
            costs += weight * goal.costs
        solution = self._go_on(costs, _all_from(goals))
        if solution.status is not Status.OPTIMAL:
            self._stop(solution)
            return 0, None
        self.out.x, self.out.vertex = solution.x, solution.vertex
        if solution.duals is not None:
            solution = replace(solution, duals=solution.duals / weight)
        return next((k for k, goal in enumerate(goals[:wishes]) if not self._reached(goal)), wishes), solution

    def _beside(self, program: Program) -> Vertex | None:
        """The vertex of the answer so far, for a program with other bounds."""
        x, vertex = self.out.x, self.out.vertex
        if x is None or vertex is None:
            return None
        kept = ((program.lower - x <= ACTIVE) & (x - program.upper <= ACTIVE)).all()
        return vertex if kept else replace(vertex, dual=True, sure=False)

    def _take(self, goal: Goal) -> None:
        """Solve one goal and hold it."""
        solution = self._go_on(goal.costs, goal.name)
        if solution.status is not Status.OPTIMAL:
            self._stop(solution)
            return
        self._accept(goal, solution)

    def _go_on(self, costs: Floats, name: str) -> Solution:
        """Solve from where the answer so far stands; where that is said to be impossible, from nothing, then with bounds around it."""
        out = self.out
        solution = self._solve(out.program, costs, name, out.vertex)
        if solution.status in IMPOSSIBLE and out.vertex is not None:
            solution = self._solve(out.program, costs, name)
        if solution.status in IMPOSSIBLE and out.x is not None:
            # The answer so far keeps all goals, but for the last digits: then those are what is in the way.
            out.program = around(out.program, out.x)
            solution = self._solve(out.program, costs, name)
        return solution

    def _take_loosely(self, goal: Goal, rows: int) -> None:
        """Solve a goal behind rows that hold values (those after ``rows``): they give way a little where whole numbers need it."""
        held = self.out.program
        value = np.maximum(1.0, np.abs(held.row_upper[rows:]))
        for slack in (0.0, 1e-9, 1e-8, 1e-7):
            upper = held.row_upper.copy()
            upper[rows:] += slack * value
            self.out.program = replace(held, row_upper=upper)
            solution = self._solve(self.out.program, goal.costs, goal.name)
            if solution.status not in IMPOSSIBLE:
                break
        if solution.status in IMPOSSIBLE and self.out.x is not None:
            # The answer so far keeps what is held: whoever says that there is none is asked in other ways.
            self.out.program = held
            solution = self._solve(held, goal.costs, goal.name, Vertex.known(self.out.x))
        if solution.status is Status.OPTIMAL:
            self._accept(goal, solution)
        else:
            self._stop(solution)

    def _solve(self, program: Program, costs: Floats, name: str, start: Vertex | None = None) -> Solution:
        self.progress(name)
        scale = _scale(costs)
        if start is not None:
            start = replace(start, most=self.most)
        solution = self.engine.solve(program, costs * scale, seconds=self.left, goal=name, start=start)
        duals = None if solution.duals is None else solution.duals / scale
        solution = replace(solution, duals=duals, bound=solution.bound / scale)
        if start is None and solution.iterations is not None:
            self.most = max(solution.iterations // FEWER, LEAST_PIVOTS)
        self.out.solves += 1
        self.out.seconds += solution.seconds
        if self.left is not None:
            self.left = max(self.left - solution.seconds, 1e-3)
        return solution

    def _accept(self, goal: Goal, solution: Solution) -> None:
        assert solution.x is not None
        out = self.out
        out.x, out.vertex = solution.x, solution.vertex
        out.best[goal.name] = goal.value(solution.x)
        if solution.duals is not None:
            out.duals[goal.name] = solution.duals
            out.program = _face(out.program, goal, solution)
        elif goal.costs.any():
            out.program = _value_row(out.program, goal, float(goal.costs @ solution.x))

    def _reached(self, goal: Goal) -> bool:
        """Whether a wish is already at the best its columns' bounds allow; then it costs no solve."""
        assert self.out.x is not None
        return _at_best(goal, self.out.program, self.out.x)

    def _hold_at_bounds(self, goal: Goal) -> None:
        assert self.out.x is not None
        self.out.program = _held(self.out.program, goal)
        self.out.best[goal.name] = goal.value(self.out.x)

    def _stop(self, solution: Solution) -> None:
        self.out.status, self.out.detail = solution.status, solution.detail


def _scale(costs: Floats) -> float:
    """Factor that makes prices large beside the engines' tolerances: the costs sum to the number of columns, 10,000 at most."""
    total = float(np.abs(costs).sum())
    return min(len(costs), 1e4) / total if total > 0 else 1.0


def _all_from(goals: list[Goal]) -> str:
    """Name of a solve of wishes at once."""
    return f"all from {goals[0].name}"


def _leading_wishes(goals: list[Goal]) -> int:
    """Wishes before the first goal that is none."""
    return next((i for i, g in enumerate(goals) if not g.wish), len(goals))


def _at_best(goal: Goal, program: Program, x: Floats) -> bool:
    """Whether every column with a cost stands at its better bound."""
    best = np.where(goal.costs > 0, program.lower, np.where(goal.costs < 0, program.upper, 0.0))
    return float(goal.costs @ x) - float(goal.costs @ best) <= 1e-9


def _proved(program: Program, goal: Goal, solution: Solution) -> bool:
    """Whether an answer and its duals prove a goal's best."""
    if solution.x is None or solution.duals is None:
        return False
    scale = _scale(goal.costs)
    return certify(program, goal.costs * scale, replace(solution, duals=solution.duals * scale)).proved


def _held(program: Program, wish: Goal) -> Program:
    """Fix every column with a cost at its better bound."""
    lower, upper = program.lower.copy(), program.upper.copy()
    up, down = wish.costs < 0, wish.costs > 0
    lower[up] = upper[up]
    upper[down] = lower[down]
    return program.with_bounds(lower, upper)


def _face(program: Program, goal: Goal, solution: Solution) -> Program:
    """Fix columns with a reduced cost and rows with a dual at their active bounds."""
    assert solution.x is not None
    assert solution.duals is not None
    cut = FACE / _scale(goal.costs)
    d, y = reduced_costs(program, goal.costs, solution.duals), solution.duals
    lower, upper = program.lower.copy(), program.upper.copy()
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    for price, value, low, high in (
        (d, solution.x, lower, upper),
        (y, program.matrix @ solution.x, row_lower, row_upper),
    ):
        near = ACTIVE * np.maximum(1.0, np.abs(value))
        up, down = (price < -cut) & (high - value <= near), (price > cut) & (value - low <= near)
        low[up], high[down] = high[up], low[down]
    costly = np.flatnonzero(goal.costs)
    if len(costly) == 1:
        only = costly[0]
        lower[only] = upper[only] = np.clip(solution.x[only], lower[only], upper[only])
    return program.with_bounds(lower, upper, row_lower, row_upper)


def around(program: Program, x: Floats) -> Program:
    """The same program with bounds that let a point be that keeps them within tolerance."""
    value = program.matrix @ x
    return program.with_bounds(
        np.minimum(program.lower, x),
        np.maximum(program.upper, x),
        np.minimum(program.row_lower, value),
        np.maximum(program.row_upper, value),
    )


def _value_row(program: Program, goal: Goal, value: float) -> Program:
    """Hold a goal of a program with whole numbers by a row."""
    row = sp.csr_array(goal.costs[None, :])
    family = replace(
        program.row_families[-1], name=goal.name, start=program.shape[0], stop=program.shape[0] + 1, labels={}
    )
    return replace(
        program,
        matrix=sp.csr_array(sp.vstack([program.matrix, row])),
        row_lower=np.append(program.row_lower, -np.inf),
        row_upper=np.append(program.row_upper, value + ROUNDING * max(1.0, abs(value))),
        row_families=(*program.row_families, family),
    )


def worst_loss(outcome: Outcome, goals: tuple[Goal, ...]) -> float:
    """How much the answer falls short of the best of any goal, relative to one and the goal's size."""
    assert outcome.x is not None
    return max(
        ((g.value(outcome.x) - outcome.best[g.name]) / max(1.0, abs(outcome.best[g.name])) for g in goals), default=0.0
    )
