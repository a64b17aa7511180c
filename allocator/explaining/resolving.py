"""Goals re-solved in order while one limit moves: what prices, frontiers and funding are made of.

What can be sold, and so every target and the contribution, is decided before quotas are asked; so the effort program alone is solved
anew, from the bases of the first plan. Where a limit moves nothing but bounds of the program, and moves them in proportion, they are
moved there; that this is the program of the changed tables is seen at both ends of the limit's range.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from allocator.engines.status import Status
from allocator.engines.warm import Warm
from allocator.errors import EngineError, InputError
from allocator.explaining.limits import Limit
from allocator.formulation.effort import Effort, effort_program
from allocator.formulation.grain import Grain, grain_like, make_grain
from allocator.model import LEVELS, Model
from allocator.ordering import HELD, Ordering, Outcome, worst_loss
from allocator.program import Floats, Program
from allocator.replanning import Memory
from allocator.texts import _

SAME = 1e-9
"""Bounds that differ by less, relative to one and their size, are one."""

UP, DOWN = 1.0, 0.99
"""How far a limit moves at most, in parts of what it is."""

Progress = Callable[[str], None]


class Resolver:
    """Solves a model's goals in order, then those of models that differ little from it.

    Parameters
    ----------
    model : Model
    strict : bool
        Promised visits and base targets are hard.

    Attributes
    ----------
    effort : Effort
    outcome : Outcome
        Of the model itself.
    names : tuple of str
        Of the goals, in order.
    solves : int
        Programs that were solved in order.
    """

    def __init__(self, model: Model, *, strict: bool = False) -> None:
        self.model, self.strict = model, strict
        self.grain: Grain = make_grain(model)
        self.effort: Effort = effort_program(model, strict=strict, grain=self.grain)
        self._memory = Memory(grain=self.grain)
        self._engine = Warm(self._memory.bases, learning=True)
        self.solves = 0
        self.outcome = self.solved(self.effort.program)
        self._engine = Warm(self._memory.bases, learning=False)
        self._memory.learning = False
        self.names = tuple(g.name for g in self.effort.program.goals)

    @property
    def whole(self) -> bool:
        """Whether something is counted in ones, so that prices do not hold."""
        program = self.effort.program
        return bool((program.integer & (program.lower < program.upper)).any())

    @property
    def now(self) -> Floats:
        """Goals of the model in their own units: shares, and contribution in money.

        Raises
        ------
        EngineError
            If the model has no plan.
        """
        found = goal_values(self.outcome)
        if found is None:
            raise EngineError(_("This model has no plan; allocator explain says why."))
        return found

    def written(self, model: Model) -> Effort:
        """The effort program of a changed model."""
        return effort_program(model, strict=self.strict, grain=grain_like(self.grain, model))

    def solved(self, program: Program) -> Outcome:
        """Goals in order.

        Raises
        ------
        EngineError
            If the engine fails, or loses a goal.
        """
        self.solves += 1
        wishes = self._memory.wishes if self._memory.learning else dict(self._memory.wishes)
        outcome = Ordering(program, self._engine, wishes=wishes).run()
        if outcome.status is Status.ERROR:
            raise EngineError(_("The engine failed: {detail}").format(detail=outcome.detail or "?"))
        if outcome.status is Status.OPTIMAL and worst_loss(outcome, program.goals) > HELD:
            raise EngineError(_("The engine lost a goal on the way to the next one; try another engine."))
        return outcome


def goal_values(outcome: Outcome) -> Floats | None:
    """Goals of an outcome in their own units; None without a plan."""
    if outcome.status is not Status.OPTIMAL or outcome.x is None:
        return None
    return np.array([g.scale * g.value(outcome.x) for g in outcome.program.goals])


@dataclass(frozen=True)
class _Move:
    """How the bounds of a program move with a limit: a program, and what one of the limit adds to each bound."""

    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats

    def at(self, program: Program, amount: float) -> Program:
        return program.with_bounds(
            program.lower + amount * self.lower,
            program.upper + amount * self.upper,
            program.row_lower + amount * self.row_lower,
            program.row_upper + amount * self.row_upper,
        )


class Along:
    """Goals of a model along one limit.

    Parameters
    ----------
    resolver : Resolver
    limit : Limit
    low, high : float, optional
        Values between which it is looked at; by default nothing and twice of what there is.
    """

    def __init__(self, resolver: Resolver, limit: Limit, low: float | None = None, high: float | None = None) -> None:
        self.resolver, self.limit = resolver, limit
        self._low, self._high = low, high
        self._move: _Move | None = None
        self._span: tuple[float, float] | None = None
        self._known: dict[float, Floats | None] = {limit.now: resolver.now}

    @property
    def lowest(self) -> float:
        """Smallest value that is looked at."""
        if self._low is not None:
            return self._low
        return 1.0 if self.limit.whole else self.limit.now - DOWN * abs(self.limit.now)

    @property
    def highest(self) -> float:
        """Largest value that is looked at."""
        if self._high is not None:
            return min(self._high, self.limit.highest)
        return min(self.limit.now + UP * abs(self.limit.now), self.limit.highest)

    @property
    def straight(self) -> bool:
        """Whether the limit moves bounds of the program alone, in proportion: then goals change along straight lines."""
        if self._span is None:
            self._learn()
        return self._move is not None

    def at(self, value: float) -> Floats | None:
        """Goals at a value of the limit; None where there is no plan."""
        if value not in self._known:
            program = self.program(value)
            self._known[value] = None if program is None else goal_values(self.resolver.solved(program))
        return self._known[value]

    def program(self, value: float) -> Program | None:
        """The effort program at a value; None where the tables cannot say it."""
        if self.straight and self._move is not None and self._span is not None:
            low, high = self._span
            if low <= value <= high:
                return self._move.at(self.resolver.effort.program, value - self.limit.now)
        effort = self.effort(value)
        return None if effort is None else effort.program

    def effort(self, value: float) -> Effort | None:
        """The effort program of the changed tables; None where they cannot say it."""
        try:
            return self.resolver.written(self.limit.at(self.resolver.model, value))
        except InputError:
            return None

    def _learn(self) -> None:
        """See how bounds move, at both ends of the range; nearer ends where the far ones are another program."""
        self._span = (self.limit.now, self.limit.now)
        if self.limit.whole:
            return
        for part in (1.0, 0.1):
            high = self.limit.now + part * (self.highest - self.limit.now)
            low = self.limit.now + part * (self.lowest - self.limit.now)
            ends = [v for v in (high, low) if v != self.limit.now]
            move = None
            for end in ends:
                effort = self.effort(end)
                if effort is None or not alike(self.resolver.effort.program, effort.program):
                    break
                if move is None:
                    move = _moved(self.resolver.effort.program, effort.program, end - self.limit.now)
                if move is None or not _same(
                    move.at(self.resolver.effort.program, end - self.limit.now), effort.program
                ):
                    break
            else:
                self._move, self._span = move, (low, high)
                return


def alike(one: Program, other: Program) -> bool:
    """Whether two programs differ in bounds alone."""
    a, b = one.matrix, other.matrix
    return (
        one.shape == other.shape
        and one.money == other.money
        and len(a.data) == len(b.data)
        and np.array_equal(a.indptr, b.indptr)
        and np.array_equal(a.indices, b.indices)
        and np.array_equal(a.data, b.data)
        and np.array_equal(one.integer, other.integer)
        and [g.name for g in one.goals] == [g.name for g in other.goals]
        and all(
            np.array_equal(g.costs, h.costs) and (g.constant, g.scale) == (h.constant, h.scale)
            for g, h in zip(one.goals, other.goals, strict=True)
        )
    )


def _bounds(program: Program) -> tuple[Floats, ...]:
    return program.lower, program.upper, program.row_lower, program.row_upper


def _moved(one: Program, other: Program, amount: float) -> _Move | None:
    """What one of a limit adds to each bound; None where one comes or goes."""
    found = []
    for a, b in zip(_bounds(one), _bounds(other), strict=True):
        if not np.array_equal(np.isinf(a), np.isinf(b)):
            return None
        with np.errstate(invalid="ignore"):
            change = np.where(np.isinf(a), 0.0, (b - a) / amount)
        found.append(np.where(np.abs(change * amount) <= 1e-13 * np.abs(np.where(np.isinf(a), 0.0, a)), 0.0, change))
    return _Move(*found)


def _same(one: Program, other: Program) -> bool:
    """Whether the bounds of two programs are the same."""
    for a, b in zip(_bounds(one), _bounds(other), strict=True):
        some = np.isfinite(b)
        if not np.isfinite(a[some]).all() or (np.abs(a[some] - b[some]) > SAME * (1 + np.abs(b[some]))).any():
            return False
    return True


def attained(resolver: Resolver, values: Floats) -> dict[str, float]:
    """Part of each level's targets that is reached: one less the weighted mean of the relative misses; 1 where all are met.

    Levels without targets that are planned for (the ceiling always) are left out.
    """
    misses = resolver.effort.draft.tables["misses"]
    found = {}
    for level in LEVELS:
        weight = float(misses.loc[misses["level"] == level, "weight"].sum())
        sums = [k for k, n in enumerate(resolver.names) if n.startswith(f"{level} ") and n.endswith(" sum")]
        if sums and weight > 0:
            found[level] = 1.0 - float(np.maximum(values[sums], 0.0).sum()) / weight
    return found


def promises_first(resolver: Resolver) -> bool:
    """Whether promised visits come before targets, and all of them are made."""
    goals = resolver.model.settings.goals
    short = [v for n, v in zip(resolver.names, resolver.now, strict=True) if n == "visits"]
    return goals.index("visits") < goals.index("base") and all(v <= SAME for v in short)


def without_whole(program: Program) -> Program:
    """The same program with nothing counted in ones."""
    return replace(program, integer=np.zeros_like(program.integer))
