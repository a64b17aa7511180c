"""Straight pieces of a function of one number that is solved anew at every point."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from allocator.explaining.curves import At, Curve, Drawing
from allocator.program import Floats

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


def on_line(start: Floats, slope: Floats, way: float, value: Floats | None) -> bool:
    """Whether a value lies on a line."""
    if value is None:
        return False
    change = slope * way
    room = np.maximum(RELATIVE * np.abs(change), ABSOLUTE * np.maximum(1.0, np.abs(start)))
    return bool((np.abs(value - start - change) <= room).all())


def first_piece(at: At, start: Floats, step: float, most: float) -> Piece | None:
    """The straight piece of a function from 0 on; None where there is none to be seen.

    Parameters
    ----------
    at : callable
        Value at a way from 0, in one direction; None where there is none.
    start : float array
        Value at 0.
    step, most : float
        First way and the longest one; both have the sign of the direction.
    """
    if not step or not most or abs(step) > abs(most):
        step = most
    if not step:
        return None
    off: list[float] = []
    way = step
    while True:
        value, half = at(way), at(way / 2)
        if value is not None and half is not None:
            slope = (value - start) / way
            if on_line(start, slope, way / 2, half):
                break
        off.append(way)
        way = way / 8
        if abs(way) < SMALLEST * abs(most):
            return None
    while not off and abs(way) < abs(most):
        further = most if abs(4 * way) >= abs(most) / 2 else 4 * way
        if on_line(start, slope, further, at(further)):
            way = further
            slope = (_there(at(way)) - start) / way
        else:
            off.append(further)
    if not off:
        return Piece(slope, way, bends=False)
    return Piece(slope, _bend(at, start, slope, way, off[-1]), bends=True)


def _there(value: Floats | None) -> Floats:
    assert value is not None
    return value


def _bend(at: At, start: Floats, slope: Floats, on: float, off: float) -> float:
    """Where a function leaves a line, between a way that is on it and one that is not: by secants, else by halves."""
    beyond: float | None = None
    halve, lost = False, 0
    for _try in range(TRIES):
        width = abs(off - on)
        if width <= PRECISE * abs(on):
            break
        guess = None if halve else _crossing(at, start, slope, off, (on + off) / 2 if beyond is None else beyond)
        inside = guess is not None and min(on, off) < guess < max(on, off)
        way = guess if inside and guess is not None else (on + off) / 2
        if on_line(start, slope, way, at(way)):
            between = on + GOLDEN * (way - on)  # another piece may come back to the line
            if inside and not on_line(start, slope, between, at(between)):
                off, beyond = between, None
            else:
                on = way
                just = on * (1 + 0.9 * PRECISE)
                if inside and abs(just) < abs(off) and not on_line(start, slope, just, at(just)):
                    break
        else:
            off, beyond = way, off
        astray = inside and abs(off - on) > width / 2
        lost += astray
        halve = astray or lost > LOST
    return on


def _crossing(at: At, start: Floats, slope: Floats, near: float, far: float) -> float | None:
    """Where the line through two points behind a bend meets the line before it, by the goal that is furthest off."""
    one, other = at(near), at(far)
    if one is None or other is None or near == far:
        return None
    size = np.maximum(1e-9, np.abs(slope * near)) + ABSOLUTE * np.maximum(1.0, np.abs(start))
    apart, further = one - start - slope * near, other - start - slope * far
    k = int(np.argmax(np.abs(apart) / size))
    if apart[k] == further[k]:
        return None
    return float(near - apart[k] * (far - near) / (further[k] - apart[k]))


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
