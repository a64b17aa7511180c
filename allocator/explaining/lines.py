"""Straight pieces of a function of one number that is solved anew at every point."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from allocator.explaining.curves import At, Curve, Drawing
from allocator.program import Floats


@dataclass(frozen=True)
class Stretch:
    """Values along a straight line, as they are known to be.

    Attributes
    ----------
    low, high : float
        From where to where.
    at : float
        Where the values were solved.
    values, slope : float array
        There, and their change for one.
    """

    low: float
    high: float
    at: float
    values: Floats
    slope: Floats

    def holds(self, way: float) -> bool:
        """Whether it says what the values are at a way."""
        return self.low <= way <= self.high

    def value(self, way: float) -> Floats:
        """Values at a way inside."""
        return self.values + (way - self.at) * self.slope


Known = Callable[[float], Stretch | None]
"""The straight stretch on which a way lies; None where none is known."""

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""A point lies on a line where it is off by no more than this, relative to its change and to one and the size of what changes."""

TRIES = 40
"""Points that are looked at for one bend."""

SMALLEST = 1e-7
"""Steps below this part of the way are not looked at."""

FIRST = 8
"""Parts that are looked at by themselves first: an excursion between points that are looked at is not seen."""

LOST = 2
"""Secants that did not halve what is left, after which all that is done is halving: at a step they lead nowhere."""

STRETCHES = 4
"""Known stretches that are followed one by one, before longer steps are tried."""

GOLDEN = 0.6180339887498949

PRECISE = 1e-4
"""To what part of itself the end of a piece is known."""


@dataclass(frozen=True)
class Piece:
    """A straight piece that begins where a function is known.

    Attributes
    ----------
    slope : float array
        Change for one.
    end : float
        How far it goes.
    bends : bool
        Whether the function was seen to leave the line behind the end; else the end is as far as was looked.
    """

    slope: Floats
    end: float
    bends: bool


def unknown(_way: float) -> Stretch | None:
    """Know of no stretch."""
    return None


def on_line(start: Floats, slope: Floats, way: float, value: Floats | None) -> bool:
    """Whether a value lies on a line."""
    if value is None:
        return False
    change = slope * way
    room = np.maximum(RELATIVE * np.abs(change), ABSOLUTE * np.maximum(1.0, np.abs(start)))
    return bool((np.abs(value - start - change) <= room).all())


def first_piece(at: At, start: Floats, step: float, most: float, known: Known = unknown) -> Piece | None:
    """The straight piece of a function from 0 on; None where there is none to be seen.

    Parameters
    ----------
    at : callable
        Value at a way from 0, in one direction; None where there is none.
    start : float array
        Value at 0.
    step, most : float
        First way and the longest one; both have the sign of the direction.
    known : callable, optional
        The straight stretch on which a way lies that was looked at, where that is known.
    """
    if not step or not most or abs(step) > abs(most):
        step = most
    if not step:
        return None
    off: list[float] = []
    way = step
    while True:
        slope = _begins(at, start, way, known(way) if at(way) is not None else None)
        if slope is not None:
            break
        off.append(way)
        way = way / 8
        if abs(way) < SMALLEST * abs(most):
            return None
    way, beyond = _walked(at, start, slope, way, off[-1] if off else most, known)
    if beyond is not None:
        off.append(beyond)
    while not off and abs(way) < abs(most):
        further = most if abs(4 * way) >= abs(most) / 2 else 4 * way
        if on_line(start, slope, further, at(further)):
            way = further
            if known(way) is None:
                slope = (_there(at(way)) - start) / way
        else:
            off.append(further)
    if not off:
        return Piece(slope, way, bends=False)
    return Piece(slope, _bend(at, start, slope, way, off[-1], known), bends=True)


def _begins(at: At, start: Floats, way: float, line: Stretch | None) -> Floats | None:
    """Slope of the straight piece from 0 to a way; None where there is none."""
    value = at(way)
    if value is None:
        return None
    slope = (value - start) / way if line is None else line.slope
    if line is not None and not on_line(start, slope, way, value):
        return None
    whole = line is not None and line.holds(0.0)
    return slope if whole or on_line(start, slope, way / 2, at(way / 2)) else None


def _walked(at: At, start: Floats, slope: Floats, way: float, end: float, known: Known) -> tuple[float, float | None]:
    """Go from stretch to stretch while they lie on a line; returns the last way on it, and the next one if it is off it."""
    for _step in range(STRETCHES):
        line = known(way)
        if line is None or abs(way) >= abs(end):
            break
        last, off = _left(start, slope, line, way, end)
        if off is not None or abs(last) >= abs(end):
            return last, off
        further = last * (1 + 0.5 * PRECISE)
        further = end if abs(further) > abs(end) else further
        if not on_line(start, slope, further, at(further)):
            return last, further
        way = further
    return way, None


def _left(start: Floats, slope: Floats, line: Stretch, way: float, end: float) -> tuple[float, float | None]:
    """How far a stretch keeps to a line from a way on it, and a way inside the stretch that does not, if there is one."""
    on, off = way, line.high if end > 0 else line.low
    off = end if abs(off) > abs(end) else off
    if on_line(start, slope, off, line.value(off)):
        return off, None
    while abs(off - on) > 0.1 * PRECISE * abs(on):
        middle = (on + off) / 2
        if on_line(start, slope, middle, line.value(middle)):
            on = middle
        else:
            off = middle
    return on, off


def _there(value: Floats | None) -> Floats:
    assert value is not None
    return value


def _bend(at: At, start: Floats, slope: Floats, on: float, off: float, known: Known) -> float:
    """Where a function leaves a line, between a way that is on it and one that is not: by secants, else by halves."""
    beyond: float | None = None
    halve, lost = False, 0
    for _try in range(TRIES):
        on, off = _nearer(start, slope, on, off, known)
        width = abs(off - on)
        if width <= PRECISE * abs(on):
            break
        guess = None
        if not halve:
            guess = _crossing(at, start, slope, off, (on + off) / 2 if beyond is None else beyond, known(off))
        inside = guess is not None and min(on, off) < guess < max(on, off)
        way = guess if inside and guess is not None else (on + off) / 2
        if on_line(start, slope, way, at(way)):
            between = on + GOLDEN * (way - on)  # another piece may come back to the line
            if inside and not on_line(start, slope, between, at(between)):
                off, beyond = between, None
            else:
                on, _off = _nearer(start, slope, way, off, known)
                just = on * (1 + 0.9 * PRECISE)
                if inside and abs(just) < abs(off) and not on_line(start, slope, just, at(just)):
                    break
        else:
            off, beyond = way, off
        astray = inside and abs(off - on) > width / 2
        lost += astray
        halve = astray or lost > LOST
    return on


def _nearer(start: Floats, slope: Floats, on: float, off: float, known: Known) -> tuple[float, float]:
    """A way on a line and one off it, brought as near to each other as known stretches allow."""
    line = known(on)
    if line is not None:
        on, left = _left(start, slope, line, on, off)
        off = off if left is None else left
    line = known(off)
    if line is not None and on != off:
        near = max(line.low, on) if on < off else min(line.high, on)
        if not on_line(start, slope, near, line.value(near)):
            off = near
        else:
            on, left = _left(start, slope, line, near, off)
            off = off if left is None else left
    return on, off


def _crossing(at: At, start: Floats, slope: Floats, near: float, far: float, line: Stretch | None) -> float | None:
    """Where the line behind a bend meets the line before it, by the goal that is furthest off.

    The line behind is the stretch around a point, or goes through two.
    """
    one = at(near)
    if one is None or near == far:
        return None
    if line is None:
        other = at(far)
        if other is None:
            return None
        behind = (other - one) / (far - near)
    else:
        behind = line.slope
    size = np.maximum(1e-9, np.abs(slope * near)) + ABSOLUTE * np.maximum(1.0, np.abs(start))
    apart, turn = one - start - slope * near, behind - slope
    k = int(np.argmax(np.abs(apart) / size))
    return None if turn[k] == 0 else float(near - apart[k] / turn[k])


def straight(at: At, low: float, high: float, *, exact: float = 1e-7, most: int = 1000) -> Drawing:
    """Draw a function that is straight but for its bends, all of it solved.

    A segment is taken where its middle lies on it. Where it does not, the lines at its two ends are brought to cross, and the point
    where they do divides it; else its middle does.

    Parameters
    ----------
    at : callable
    low, high : float
    exact : float
        How far off a point may be, relative to one and the largest size of each value.
    most : int
        Points after which the drawing is given up.
    """
    span = abs(high - low)
    known: dict[float, Floats | None] = {}

    def value(way: float) -> Floats | None:
        if way not in known:
            known[way] = at(way)
        return known[way]

    ends = [v for v in (value(low), value(high)) if v is not None]
    size = np.max([np.maximum(1.0, np.abs(v)) for v in ends], axis=0) if ends else np.ones(1)

    def on(a: float, b: float, way: float) -> bool:
        one, two, mid = value(a), value(b), value(way)
        if one is None or two is None or mid is None:
            return one is None and two is None and mid is None
        # Where there is a bend, the middle is at least half as far off as the bend.
        return bool((np.abs(one + (two - one) * (way - a) / (b - a) - mid) <= 0.25 * exact * size).all())

    parts = np.linspace(low, high, FIRST + 1).tolist()
    found: set[float] = set(parts)
    todo = list(itertools.pairwise(parts))
    while todo and len(known) <= most:
        a, b = todo.pop()
        if b - a <= 1e-9 * span or on(a, b, (a + b) / 2):
            continue
        cut = _corner(value, a, b, size)
        cut = (a + b) / 2 if cut is None else cut
        found.add(cut)
        todo += [(a, cut), (cut, b)]
    ways = _merged(value, sorted(found), size, exact)
    return Drawing(tuple(_lines(value, ways, len(size))), not todo)


def _lines(value: At, ways: list[float], goals: int) -> Iterator[Curve]:
    """Straight pieces between some ways."""
    nothing = np.full(goals, np.nan)
    for a, b in itertools.pairwise(ways):
        one, two = value(a), value(b)
        if one is None and two is None:
            yield Curve(a, b, a, b - a, np.tile(nothing, (3, 1)), nothing)
        elif one is not None and two is not None:
            yield Curve(a, b, a, b - a, np.stack([one, two - one, np.zeros(goals)]), np.zeros(goals))


def _corner(value: At, a: float, b: float, size: Floats) -> float | None:
    """Where the lines at both ends of a segment cross, by the goal that bends most; None where they do not inside."""
    step = (b - a) / 64
    one, after, before, two = (value(w) for w in (a, a + step, b - step, b))
    if one is None or two is None or after is None or before is None:
        return None
    left, right = (after - one) / step, (two - before) / step
    turn = right - left
    k = int(np.argmax(np.abs(turn) / size))
    if abs(turn[k]) * (b - a) <= 1e-9 * size[k]:
        return None
    way = float((one[k] - two[k] + right[k] * b - left[k] * a) / turn[k])
    return way if a + 1e-6 * (b - a) < way < b - 1e-6 * (b - a) else None


def _merged(value: At, ways: list[float], size: Floats, exact: float) -> list[float]:
    """Leave out ways at which nothing bends."""
    kept = [ways[0]]
    for k in range(1, len(ways) - 1):
        one, mid, two = value(kept[-1]), value(ways[k]), value(ways[k + 1])
        if one is not None and mid is not None and two is not None:
            there = one + (two - one) * (ways[k] - kept[-1]) / (ways[k + 1] - kept[-1])
            if (np.abs(there - mid) <= 0.1 * exact * size).all():
                continue
        elif one is None and mid is None and two is None:
            continue
        kept.append(ways[k])
    return [*kept, ways[-1]]
