"""Goals re-solved in order while one limit moves: what prices, frontiers and funding are made of.

What can be sold, and so every target and the contribution, is decided before quotas are asked; so the effort program alone is solved
anew, from the bases of the first plan. Where a limit moves the numbers of the program in proportion, they are moved there; that this is
the program of the changed tables is seen at other values of the limit.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from allocator.engines.status import Status
from allocator.engines.warm import Warm
from allocator.errors import EngineError, InputError
from allocator.explaining.limits import Limit, make_limit, mine
from allocator.explaining.lines import Stretch
from allocator.explaining.moving import Move, learned, same
from allocator.explaining.stretches import Follower
from allocator.formulation.effort import Effort, effort_program
from allocator.formulation.grain import Grain, grain_like, make_grain
from allocator.model import LEVELS, Model
from allocator.ordering import HELD, Ordering, Outcome, worst_loss
from allocator.program import Floats, Ints, Program
from allocator.replanning import Memory
from allocator.texts import _

SAME = 1e-9
"""Part of the promised visits below which none is missing."""

UP, DOWN = 1.0, 0.99
"""How far a limit moves at most, in parts of what it is."""

HOURS = "A rep cannot work more hours than the month has"

Progress = Callable[[str], None]


Way = tuple[float, float, Move]
"""From where to where a program moves so."""


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
        self.engine = Warm(self._memory.bases, learning=True)
        self.solves = 0
        self.outcome = self.solved(self.effort.program)
        self.engine = Warm(self._memory.bases, learning=False)
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

    @functools.cached_property
    def hours(self) -> Way | None:
        """How the program moves with the part of everybody's working day, between two parts; None where not in proportion.

        Working days decide nothing but the hours of the month where each client has an owner; else clients are dealt by hours.
        """
        if (self.model["clients"]["owner"] == "").any() or not self.effort.program.has(HOURS):
            return None
        every = make_limit(self.model, self.grain, "hours", {})
        ways = list(Along(self, every)._learned())
        if len(ways) != 1:
            return None
        low, high, move = ways[0]
        hours = move.bounds[3].copy()
        hours[self.effort.program.family(HOURS).slice] = 0.0
        alone = move.straight and not any(b.any() for b in (*move.bounds[:3], hours))
        if not alone or not low < every.now < high:
            return None
        least, most = (1 + (v - every.now) / every.slope for v in (low, high))
        return least, most, replace(move, bounds=(*move.bounds[:3], move.bounds[3] * every.slope))

    @property
    def hours_of(self) -> Ints:
        """Whose hours each row is about, by place among the reps; one behind them where it is nobody's."""
        program = self.effort.program
        family = program.family(HOURS)
        found = np.full(program.shape[0], len(self.model["reps"]))
        found[family.slice] = family.labels["rep"].codes
        return found

    def written(self, model: Model) -> Effort:
        """The effort program of a changed model."""
        return effort_program(model, strict=self.strict, grain=grain_like(self.grain, model))

    def solved(self, program: Program, follower: Follower | None = None) -> Outcome:
        """Goals in order; a follower of the engine sees how far they go on.

        Raises
        ------
        EngineError
            If the engine fails, or loses a goal.
        """
        self.solves += 1
        wishes = self._memory.wishes if self._memory.learning else dict(self._memory.wishes)
        outcome = Ordering(program, follower or self.engine, wishes=wishes).run()
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
        self._moves: list[Way] | None = None
        self._begun: list[tuple[float, Move]] = []
        self._known: dict[float, Floats | None] = {limit.now: resolver.now}
        self._stretches: list[Stretch] = []

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
        return bool(self.moves) and all(move.straight for _low, _high, move in self.moves)

    @property
    def moves(self) -> list[Way]:
        """How the program moves between two values of the limit; empty where it becomes another one."""
        if self._moves is None:
            hours = self._hours()
            self._moves = [] if self._other else [hours] if hours is not None else list(self._learned())
        return self._moves

    @property
    def _other(self) -> bool:
        """Whether each value is another program: another promise, or another number of people."""
        return self.limit.whole or self.limit.kind == "promise"

    def at(self, value: float) -> Floats | None:
        """Goals at a value of the limit; None where there is no plan."""
        way = value - self.limit.now
        line = None if value in self._known else self.stretch(way)
        return self.anew(value) if line is None else line.value(way)

    def anew(self, value: float) -> Floats | None:
        """Goals at a value, planned there though a stretch may say them."""
        if value not in self._known:
            promise = self.limit.kind == "promise"
            self._known[value] = self._promised(value) if promise else self._followed(value)
        return self._known[value]

    def stretch(self, way: float) -> Stretch | None:
        """The straight stretch on which a way from what the limit is lies, if it was met."""
        return next((line for line in self._stretches if line.holds(way)), None)

    def _followed(self, value: float) -> Floats | None:
        """Goals at a value; where bounds alone move, how far they go on is kept in mind."""
        now, program = self.limit.now, self.program(value)  # which may be where its way comes to be known
        ways = ((a - now, b - now, m) for a, b, m in self.moves if a <= value <= b and m.straight)
        at = None if self.resolver.whole else next(ways, None)
        if program is None or at is None:
            return self._solved(program)
        low, high, move = at
        follower = Follower(self.resolver.engine, move, program)
        outcome = self.resolver.solved(program, follower)
        found = goal_values(outcome)
        line = None if found is None else follower.stretch(outcome, value - now, found)
        if line is not None:
            self._stretches.append(replace(line, low=max(line.low, low), high=min(line.high, high)))
        return found

    def _solved(self, program: Program | None) -> Floats | None:
        return None if program is None else goal_values(self.resolver.solved(program))

    def _promised(self, value: float) -> Floats | None:
        """Goals at another promise: what it says of windows that are over counts as it is now."""
        effort = self.effort(value)
        found = None if effort is None else self._solved(effort.program)
        if effort is not None and found is not None and "visits" in self.resolver.names:
            more = missed_before(effort) - missed_before(self.resolver.effort)
            found[self.resolver.names.index("visits")] -= more
        return found

    def program(self, value: float) -> Program | None:
        """The effort program at a value; None where the tables cannot say it."""
        for low, high, move in self.moves:
            if low <= value <= high:
                return move.at(value - self.limit.now)
        effort = self.effort(value)
        if effort is None:
            return None
        self._reached(value, effort.program)
        return effort.program

    def effort(self, value: float) -> Effort | None:
        """The effort program of the changed tables; None where they cannot say it."""
        try:
            return self.resolver.written(self.limit.at(self.resolver.model, value))
        except InputError:
            return None

    def _reached(self, value: float, program: Program) -> None:
        """See whether a program that was written lies on a way that is known, then that goes so far; or where two make a way."""
        now, moves = self.limit.now, self.moves
        if self._other:
            return
        for k, (low, high, move) in enumerate(moves):
            beside = low < now < high or (value - now) * (low + high - 2 * now) > 0
            if beside and same(move.at(value - now), program):
                moves[k] = (min(low, value), max(high, value), move)
                return
        for first, move in self._begun:
            if (value - now) * (first - now) > 0 and same(move.at(value - now), program):
                moves.append((min(now, first, value), max(now, first, value), move))
                return
        begun = learned(self.resolver.effort.program, program, value - now)
        if begun is not None:
            self._begun.append((value, begun))

    def _hours(self) -> Way | None:
        """Hours of some people, as those of everybody move; None where that is not known."""
        limit, every = self.limit, self.resolver.hours
        if limit.kind != "hours" or every is None:
            return None
        least, most, move = every
        low, high = (limit.now + (factor - 1) * limit.slope for factor in (least, most))
        low, high = max(low, self.lowest), min(high, self.highest)
        hit = mine(self.resolver.model, limit.what)[self.resolver.hours_of]
        slope = np.where(hit, move.bounds[3] / limit.slope, 0.0)
        return low, high, replace(move, bounds=(*move.bounds[:3], slope))

    def _learned(self) -> Iterator[Way]:
        """See how numbers move: the same way both ways, or each way by itself, less far where the end is another program."""
        now, start = self.limit.now, self.resolver.effort.program
        written: dict[float, Program | None] = {}

        def program(value: float) -> Program | None:
            if value not in written:
                effort = self.effort(value)
                written[value] = None if effort is None else effort.program
            return written[value]

        def move_to(end: float, seen: float) -> Move | None:
            there, between = program(end), program(seen)
            move = None if there is None else learned(start, there, end - now)
            right = move is not None and between is not None and same(move.at(seen - now), between)
            return move if right else None

        ends = [end for end in (self.lowest, self.highest) if end != now]
        both = move_to(*ends) if len(ends) == 2 else None
        if both is not None:
            yield min(ends), max(ends), both
            return
        for end in ends:
            for part in (1.0, 0.1):
                way = part * (end - now)
                move = move_to(now + way, now + way / 2)
                if move is not None:
                    yield min(now, now + way), max(now, now + way), move
                    break


def missed_before(effort: Effort) -> float:
    """Part of the promised visits that is missing in windows that are over."""
    grain, program, within = effort.draft.grain, effort.program, effort.draft.columns["within"]
    size = grain.over_window(np.ones(grain.windows.shape))
    over = grain.begins & (np.arange(grain.months) + size <= grain.model.past)
    promised = float(grain.promise[grain.begins].sum())
    if not over.any() or not promised:
        return 0.0
    family = program.family("effort")
    group, month = (np.asarray(family.labels[label].codes)[within - family.start] for label in ("group", "month"))
    made = float(program.lower[within[over[group, month]]].sum())
    return (float(grain.promise[over].sum()) - made) / promised


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
