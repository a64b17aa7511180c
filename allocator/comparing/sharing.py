"""A difference shared out among what made it, fair to the order: the mean over all orders in which it can have come about.

The shares are those of Shapley (A value for n-person games, 1953); where not every order is possible, the mean is over those that are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from allocator.program import Floats

EXACT = 4
"""Players up to whom all orders are looked at, however many are asked for."""

ORDERS = 16
"""Orders looked at beyond that: half of them drawn, the others their reverses. All, where these would take no fewer sets."""

DRAWS = 10
"""Times as many orders as asked for that are drawn at most, where some are not possible."""

NOISE = 1e-9
"""Parts this small, relative to the values, are none: engines compute no finer."""

SEED = 20260101

Value = Callable[[frozenset[int]], Floats | None]
"""Value of what some players bring about together, in several measures; None where that is not possible."""


@dataclass(frozen=True)
class Shares:
    """What each player adds.

    Attributes
    ----------
    parts : float array, shape (players, measures)
        They sum to the value of all players less that of none.
    errors : float array, shape (players, measures)
        Standard errors of the parts where orders were sampled, else 0; NaN where there are too few orders to tell.
    orders : int
        Orders looked at.
    used : int
        Those of them that are possible: with a value after each step.
    exact : bool
        Whether these are all orders.
    """

    parts: Floats
    errors: Floats
    orders: int
    used: int
    exact: bool


def share_out(players: int, value: Value, *, orders: int = ORDERS, seed: int = SEED) -> Shares:
    """Share the value of all players out among them.

    Parameters
    ----------
    players : int
    value : callable
        Asked once for each set of players that it is needed for; none and all must have a value.
    orders : int
        Orders that are sampled where there are more than ``EXACT`` players; all are looked at where that takes no more sets.
    seed : int
        Of the sample.

    Returns
    -------
    Shares
        Without any order that is possible ``used`` is 0 and the parts are NaN.
    """
    known: dict[frozenset[int], Floats | None] = {}

    def once(players: frozenset[int]) -> Floats | None:
        if players not in known:
            known[players] = value(players)
        return known[players]

    shares = (
        _all_orders(players, once) if sets_needed(players, orders)[1] else _some_orders(players, once, orders, seed)
    )
    none, everybody = (_known(once(frozenset(p))) for p in (range(0), range(players)))
    return Shares(_summing(shares.parts, none, everybody), shares.errors, shares.orders, shares.used, shares.exact)


def sets_needed(players: int, orders: int = ORDERS) -> tuple[int, bool]:
    """Sets between nobody and everybody of which the value is asked for at most, and whether these are all."""
    every, drawn = max(2**players - 2, 0), orders * (players - 1)
    return (every, True) if players <= EXACT or every <= drawn else (drawn, False)


def _known(value: Floats | None) -> Floats:
    if value is None:
        raise ValueError("Expected a value for no player and for all of them.")
    return np.asarray(value, dtype=np.float64)


def _all_orders(players: int, value: Value) -> Shares:
    """The mean over all possible orders, by the number of orders that pass from one set to the next."""
    sets = [frozenset(s) for size in range(players + 1) for s in combinations(range(players), size)]
    before: dict[frozenset[int], int] = {}
    for s in sets:
        ways = sum(before.get(s - {i}, 0) for i in s) if s else 1
        if ways and value(s) is not None:
            before[s] = ways
    after: dict[frozenset[int], int] = {}
    for s in reversed(sets):
        if s in before:
            after[s] = sum(after.get(s | {i}, 0) for i in range(players) if i not in s) if len(s) < players else 1
    used = after.get(frozenset(), 0)
    parts = np.full((players, _known(value(frozenset())).size), np.nan)
    for i in range(players) if used else ():
        steps = [(s, s | {i}) for s in before if i not in s and s | {i} in after]
        gains = [before[s] * after[t] / used * (_known(value(t)) - _known(value(s))) for s, t in steps]
        parts[i] = np.sum(gains, axis=0)
    return Shares(parts, np.zeros_like(parts), math.factorial(players), used, True)


def _some_orders(players: int, value: Value, orders: int, seed: int) -> Shares:
    """The mean over random orders, each with its reverse, until there are as many pairs as asked for that are possible."""
    pairs: list[Floats] = []
    looked = used = 0
    for there in _drawn(players, seed):
        if len(pairs) >= max(1, orders // 2) or looked >= DRAWS * orders:
            break
        found = [gains for order in (there, there[::-1]) if (gains := _gains(order, value)) is not None]
        looked, used = looked + 2, used + len(found)
        if found:
            pairs.append(np.mean(found, axis=0))
    shape = (players, _known(value(frozenset())).size)
    if not pairs:
        return Shares(np.full(shape, np.nan), np.full(shape, np.nan), looked, 0, False)
    errors = np.full(shape, np.nan) if len(pairs) < 2 else np.std(pairs, axis=0, ddof=1) / math.sqrt(len(pairs))
    return Shares(np.mean(pairs, axis=0), errors, looked, used, False)


def _drawn(players: int, seed: int) -> Iterator[list[int]]:
    random = np.random.default_rng(seed)
    while True:
        yield random.permutation(players).tolist()


def _gains(order: list[int], value: Value) -> Floats | None:
    """What each player adds in one order; None where a step of it is not possible."""
    here: frozenset[int] = frozenset()
    at = _known(value(here))
    gains = np.zeros((len(order), at.size))
    for i in order:
        here = here | {i}
        after = value(here)
        if after is None:
            return None
        gains[i], at = after - at, after
    return gains


def _summing(parts: Floats, none: Floats, everybody: Floats) -> Floats:
    """The parts without what engines compute apart, the last digits of their sum put right on the largest: what rounding left over."""
    parts = np.where(np.abs(parts) <= NOISE * np.maximum(np.abs(none), np.abs(everybody)), 0.0, parts)
    for k in range(parts.shape[1]):
        if not parts.shape[0] or not np.isfinite(parts[:, k]).all():
            continue
        largest = int(np.abs(parts[:, k]).argmax())
        for _again in range(3):
            parts[largest, k] += everybody[k] - math.fsum([none[k], *parts[:, k]])
    return parts
