"""How far an answer goes on in a straight line: while bounds move in proportion, an optimal basis stays optimal until one of them is met.

Each goal in order has an optimal basis, and its face is held at bounds that move too. While no basis leaves its bounds, all goals keep
their bases, and so the whole ordered answer moves in a straight line (parametric programming of right-hand sides: Gal 1979,
"Postoptimal Analyses, Parametric Programming and Related Topics"). How a basis moves is one solve with its factors.
"""

from __future__ import annotations

import numpy as np

from allocator.engines.status import Solution, Status, Vertex
from allocator.engines.warm import Warm
from allocator.explaining.lines import Stretch
from allocator.explaining.moving import Move, Numbers, bounds_of
from allocator.ordering import Outcome
from allocator.program import Floats, Program

TOUCH = 1e-9
"""How far a bound may be overstepped, relative to one and the size of what moves: the tolerance of the engine."""


class Follower:
    """HiGHS that sees, with every answer, how far it goes on while the bounds of the program move.

    Parameters
    ----------
    engine : Warm
    move : Move
        Of bounds alone.
    start : Program
        So far as it has moved where the goals are solved.
    """

    def __init__(self, engine: Warm, move: Move, start: Program) -> None:
        self.engine, self.name, self.version = engine, engine.name, engine.version
        self._rates, self._start = move.bounds, start
        self._pace: Floats | None = None
        self.low, self.high, self.known = -np.inf, np.inf, True

    def solve(
        self,
        program: Program,
        costs: Floats,
        *,
        seconds: float | None = None,
        goal: str = "",
        start: Vertex | None = None,
    ) -> Solution:
        """Minimise ``costs · x``; see :class:`allocator.engines.status.Engine`."""
        found = self.engine.solve(program, costs, seconds=seconds, goal=goal, start=start)
        if found.status is Status.OPTIMAL and self.known:
            self._follow(program, found)
        return found

    def _follow(self, program: Program, found: Solution) -> None:
        """Narrow the stretch to where this answer keeps its basis."""
        assert found.x is not None
        rates = self._held(program) if program.matrix is self._start.matrix else None
        self._pace = None if rates is None else self.engine.pace(program, found.x, rates)
        if rates is None or self._pace is None:
            self.known = False
        else:
            self._narrow(program, rates, found.x)

    def _held(self, program: Program) -> Numbers | None:
        """How bounds move some of which are held where goals are at their best; None where that is not known."""
        lower, upper, row_lower, row_upper = bounds_of(self._start)
        found = []
        one, two, three, four = self._rates
        for now, own, other, rate, across, columns in (
            (program.lower, lower, upper, one, two, True),
            (program.upper, upper, lower, two, one, True),
            (program.row_lower, row_lower, row_upper, three, four, False),
            (program.row_upper, row_upper, row_lower, four, three, False),
        ):
            moved = np.where(now == own, rate, across)
            rest = np.flatnonzero((now != own) & (now != other))
            if len(rest):
                # A goal of one column is held by where that column stands.
                if self._pace is None or not columns or (program.lower != program.upper)[rest].any():
                    return None
                moved[rest] = self._pace[rest]
            found.append(moved)
        return tuple(found)

    def _narrow(self, program: Program, rates: Numbers, x: Floats) -> None:
        assert self._pace is not None
        for value, pace, low, high, low_rate, high_rate in (
            (x, self._pace, program.lower, program.upper, rates[0], rates[1]),
            (program.matrix @ x, program.matrix @ self._pace, program.row_lower, program.row_upper, rates[2], rates[3]),
        ):
            touch = TOUCH * np.maximum(1.0, np.abs(value))
            for room, closing in ((value - low, low_rate - pace), (high - value, pace - high_rate)):
                room = np.maximum(room, 0.0) + touch
                with np.errstate(divide="ignore"):
                    ways = room / closing
                self.high = min(self.high, float(np.min(ways, where=closing > 0, initial=np.inf)))
                self.low = max(self.low, float(np.max(ways, where=closing < 0, initial=-np.inf)))

    def stretch(self, outcome: Outcome, way: float, values: Floats) -> Stretch | None:
        """The stretch around a way on which all goals in order were solved; None where it is not known."""
        if not self.known or outcome.x is None:
            return None
        rates = self._held(outcome.program)
        if rates is None or self._pace is None:
            return None
        self._narrow(outcome.program, rates, outcome.x)
        slope = np.array([g.scale * (g.costs @ self._pace) for g in outcome.program.goals])
        return Stretch(way + self.low, way + self.high, way, values, slope)
