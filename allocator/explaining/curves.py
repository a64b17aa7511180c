"""Pieces of goals along a limit that moves more than bounds: smooth between bends, and known everywhere from a few points.

While the answer of a continuous program keeps its basis and one coefficient of a row moves in proportion, every goal is a quotient
(a + b s + c s²) / (1 + d s) of how far it moved. So a piece is taken where a quotient through four of its points goes through others too;
else it is halved. Where pieces on both sides of a gap meet at a point, that is the bend.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq

from allocator.program import Floats

At = Callable[[float], Floats | None]

FIT = (0.0, 0.25, 0.75, 1.0)
CHECK = (0.5, 0.125, 0.875, 0.618)
"""Parts of a piece through which a curve is drawn, and where it is seen to be right."""

FIRST = 4
"""Parts that are looked at by themselves first: an excursion between points that are looked at is not seen."""

POLES = (-0.9, 9.0)
"""Coefficients d of a piece: beyond them it bends so sharply at an end that it may as well be two."""

SHARP = 1e-9
"""Part of the whole way below which a change is a step."""

MOST = 12
"""Lines by which a smooth piece is told at most."""

LOOKS = 65
"""Points at which two curves are compared to see where they meet."""


@dataclass(frozen=True)
class Curve:
    """A smooth piece, or one without a plan.

    Attributes
    ----------
    low, high : float
        Where it begins and ends.
    start, span : float
        Where s is 0, and how far it is to 1.
    above : float array, shape (3, goals)
        Coefficients a, b, c.
    below : float array, shape (goals,)
        Coefficient d.
    """

    low: float
    high: float
    start: float
    span: float
    above: Floats
    below: Floats

    def at(self, way: float) -> Floats:
        """Goals at a way."""
        s = (way - self.start) / self.span
        return np.asarray((self.above[0] + s * (self.above[1] + s * self.above[2])) / (1.0 + self.below * s))

    @property
    def straight(self) -> bool:
        """Whether it is a straight line."""
        return not self.above[2].any() and not self.below.any()

    def between(self, exact: float) -> list[float]:
        """Ways at its ends and in between, so that straight lines from one to the next are no further off than this part of its size."""
        parts = 1
        if self.planned and not self.straight:
            ways = np.linspace(self.low, self.high, LOOKS)
            values = np.array([self.at(w) for w in ways])
            room = exact * np.maximum(1.0, np.abs(values).max(axis=0))
            while parts < MOST and (np.abs(values - self._lines(ways, parts)) > room).any():
                parts += 1
        return [self.low, *np.linspace(self.low, self.high, parts + 1)[1:-1].tolist(), self.high]

    def _lines(self, ways: Floats, parts: int) -> Floats:
        """So many straight lines from end to end, at some ways."""
        ends = np.linspace(self.low, self.high, parts + 1)
        at_ends = np.array([self.at(w) for w in ends])
        return np.stack([np.interp(ways, ends, goal) for goal in at_ends.T], axis=1)

    @property
    def planned(self) -> bool:
        """Whether there is a plan."""
        return not bool(np.isnan(self.above[0]).any())


@dataclass(frozen=True)
class Drawing:
    """A function of one number as pieces.

    Attributes
    ----------
    pieces : tuple of Curve
        From low to high; where one does not begin where the last one ends, there is a step.
    whole : bool
        Whether it was drawn to the end.
    """

    pieces: tuple[Curve, ...]
    whole: bool

    def at(self, way: float) -> Floats | None:
        """Goals at a way; None where there is no plan, or a step."""
        piece = next((p for p in self.pieces if p.low <= way <= p.high and p.planned), None)
        return None if piece is None else piece.at(way)


def drawn(at: At, low: float, high: float, *, exact: float = 1e-7, most: int = 600) -> Drawing:
    """Draw a function as smooth pieces.

    Parameters
    ----------
    at : callable
        Goals at a way; None where there is no plan.
    low, high : float
    exact : float
        How far a point may be off a piece, relative to one and the largest size of each goal.
    most : int
        Points after which the drawing is given up.
    """
    return _Pen(at, low, high, exact, most).drawn()


class _Pen:
    """A drawing while it is being made."""

    def __init__(self, at: At, low: float, high: float, exact: float, most: int) -> None:
        self.source, self.low, self.high, self.exact, self.most = at, low, high, exact, most
        self.known: dict[float, Floats | None] = {}
        self.tried: set[tuple[float, float]] = set()
        ends = [v for v in (self.at(w) for w in (low, (low + high) / 2, high)) if v is not None]
        self.size = np.max([np.maximum(1.0, np.abs(v)) for v in ends], axis=0) if ends else np.ones(1)

    def at(self, way: float) -> Floats | None:
        if way not in self.known:
            self.known[way] = self.source(way)
        return self.known[way]

    def drawn(self) -> Drawing:
        """Halve what is no piece; close a gap where the pieces beside it meet."""
        found: list[Curve] = []
        todo = list(itertools.pairwise(np.linspace(self.low, self.high, FIRST + 1).tolist()))
        while todo and len(self.known) <= self.most:
            failed = []
            for a, b in todo:
                piece = self.fitted(a, b)
                if piece is not None:
                    found.append(piece)
                elif b - a > SHARP * (self.high - self.low):
                    failed.append((a, b))
            found = self.closed(self.merged(sorted(found, key=lambda p: p.low)))
            todo = [h for a, b in failed if self.open(a, b, found) for h in ((a, (a + b) / 2), ((a + b) / 2, b))]
        return Drawing(tuple(self.merged(found)), not todo)

    @staticmethod
    def open(low: float, high: float, found: Sequence[Curve]) -> bool:
        """Whether a part of a stretch lies in no piece."""
        covered = sum(max(0.0, min(high, p.high) - max(low, p.low)) for p in found)
        return covered < (high - low) * (1 - 1e-9)

    def fitted(self, low: float, high: float) -> Curve | None:
        """The piece between two ways; None where it is not one."""
        span = high - low
        values = [self.at(low + s * span) for s in FIT]
        missing = [v is None for v in values]
        if any(missing):
            empty = all(missing) and all(self.at(low + s * span) is None for s in CHECK)
            nothing = np.full(len(self.size), np.nan)
            return Curve(low, high, low, span, np.tile(nothing, (3, 1)), nothing) if empty else None
        there = np.array([v for v in values if v is not None])
        for degree in (1, 2, 3):
            piece = through(low, high, there / self.size, self.size, degree)
            if piece is not None and all(self.on(piece, low + s * span) for s in (*FIT, *CHECK)):
                return piece
        return None

    def on(self, piece: Curve, way: float, part: float = 0.25) -> bool:
        """Whether the function lies on a piece at a way: to a part of what is allowed, as between the ways it may be further off."""
        value = self.at(way)
        return value is not None and bool((np.abs(piece.at(way) - value) <= part * self.exact * self.size).all())

    def closed(self, found: list[Curve]) -> list[Curve]:
        """Make pieces longer that meet in the gap between them: there is the bend."""
        for k in range(len(found) - 1):
            one, two = found[k], found[k + 1]
            if one.high >= two.low or not one.planned or not two.planned or (one.high, two.low) in self.tried:
                continue
            self.tried.add((one.high, two.low))
            way = self.meeting(one, two)
            if way is not None:
                found[k], found[k + 1] = replace(one, high=way), replace(two, low=way)
        return found

    def meeting(self, one: Curve, two: Curve) -> float | None:
        """Where two pieces meet, if the function goes through that point, and along both of them beside it."""
        ways = np.linspace(one.high, two.low, LOOKS)
        apart = np.array([(one.at(w) - two.at(w)) / self.size for w in ways])
        goals = [k for k in range(len(self.size)) if np.abs(apart[:, k]).max() > self.exact]
        if not goals:
            return None
        goal = max(goals, key=lambda k: float(np.abs(apart[:, k]).max()))  # where one bends, others bend too

        def between(way: float) -> float:
            return float((one.at(way) - two.at(way))[goal])

        for n in np.flatnonzero(np.sign(apart[:-1, goal]) != np.sign(apart[1:, goal])):
            way = float(brentq(between, ways[n], ways[n + 1], xtol=1e-300, rtol=1e-14))
            beside = ((one, (one.high + way) / 2), (one, way), (two, way), (two, (two.low + way) / 2))
            if all(self.on(piece, w, 0.5) for piece, w in beside):
                return way
        return None

    def merged(self, found: Sequence[Curve]) -> list[Curve]:
        """Take neighbours together that are one piece."""
        kept: list[Curve] = []
        for piece in found:
            if kept and kept[-1].high == piece.low:
                one = self.one_of(kept[-1], piece)
                if one is not None:
                    kept[-1] = one
                    continue
            kept.append(piece)
        return kept

    def one_of(self, one: Curve, two: Curve) -> Curve | None:
        """Two neighbours as one piece; None where there is a bend between them."""
        if one.planned != two.planned:
            return None
        if not one.planned:
            return replace(one, high=two.high)
        longer, other = (one, two) if one.span >= two.span else (two, one)
        if self.same(longer, other):
            return replace(longer, low=one.low, high=two.high)
        if (one.low, two.high) in self.tried:
            return None
        self.tried.add((one.low, two.high))
        both = self.fitted(one.low, two.high)
        return both if both is not None and self.same(both, one) and self.same(both, two) else None

    def same(self, long: Curve, short: Curve) -> bool:
        """Whether a piece goes along all of another one."""
        ways = np.linspace(short.low, short.high, 9)
        return all((np.abs(long.at(w) - short.at(w)) <= 0.5 * self.exact * self.size).all() for w in ways)


def through(low: float, high: float, values: Floats, size: Floats, degree: int) -> Curve | None:
    """A curve through four points: a line through the ends, a parabola, or a quotient; None where it has a pole."""
    s = np.array(FIT[1:])
    away = values[1:] - values[0]
    goals = values.shape[1]
    above, below = np.zeros((3, goals)), np.zeros(goals)
    above[0] = values[0]
    if degree == 1:
        above[1] = away[-1]
    elif degree == 2:
        above[1:] = np.linalg.lstsq(np.stack([s, s * s], axis=1), away, rcond=None)[0]
    else:
        for k in range(goals):
            sides = np.stack([s, s * s, -s * away[:, k]], axis=1)
            first, second, pole = np.linalg.lstsq(sides, away[:, k], rcond=1e-13)[0]
            if not POLES[0] < pole < POLES[1]:
                return None
            above[1, k], above[2, k], below[k] = first + pole * values[0, k], second, pole
    return Curve(low, high, low, high - low, above * size, below)
