"""Spacing as rows: the last resort of a rep whose promised visits the intervals could not hold."""

from __future__ import annotations

from dataclasses import dataclass

from typing import TYPE_CHECKING

import numpy as np

from allocator.visits.flows import network, solve
from allocator.visits.horizon import Ints
from allocator.visits.intervals import intervals
from allocator.visits.tasks import NO_OTHER, NO_PROMISED, Offers, Task, offer

if TYPE_CHECKING:
    from ortools.sat.python import cp_model

EFFORT = 60.0
"""Limit of the search in CP-SAT's deterministic time, which no clock and no other process changes."""


@dataclass(frozen=True)
class Merged:
    """Items of one client and window taken together, with all days of the window.

    Attributes
    ----------
    item : int array, shape (pairs,)
        An item that speaks for the pair.
    visits, promised : int array, shape (pairs,)
    of : int array, shape (items,)
        Pair of each item.
    first, last : int array, shape (pairs,)
    """

    item: Ints
    visits: Ints
    promised: Ints
    of: Ints
    first: Ints
    last: Ints


def better_by_rows(task: Task, home: Ints, item: Ints, day: Ints) -> tuple[Ints, Ints] | None:
    """Return dates that place more promised visits than ``day`` does, or None.

    Only where all visits have one length: then a flow without spacing tells beforehand how many could be placed at best.
    """
    if len(np.unique(task.minutes)) != 1:
        return None
    merged = _merge(task)
    promised = _promised_without_day(merged, item, day)
    if not promised:
        return None
    offers = offer(task, home, merged.item, merged.first, merged.last)
    units, months = _units(task)
    none = np.zeros(task.days, np.int64)
    full = task.full_day // max(int(task.minutes[0]), 1)
    net = network(
        offers, merged.visits, merged.promised, np.arange(len(merged.item)), units, months, task.month, none, full
    )
    taken = solve(net, len(offers.item))
    counted = np.bincount(offers.entry[taken], minlength=len(merged.item))
    best = int(np.maximum(merged.promised - counted, 0).sum())
    if best >= promised:
        return None
    apart = int(task.spacing.max()) > 1
    found = _search(task, merged, offers, units, months, item, day) if apart else taken
    if found is None:
        return None
    return _named(task, home, merged, offers.item[found], offers.day[found], polish=apart)


def _merge(task: Task) -> Merged:
    """Take items of a client and window together; those of clients whom two reps visit stay within their intervals."""
    key = np.where(task.mixed, len(task.row) + np.arange(len(task.row)), task.pair)
    _values, item, of = np.unique(key, return_index=True, return_inverse=True)
    low = np.where(task.mixed, task.low, task.first_day)[item]
    high = np.where(task.mixed, task.high, task.last_day)[item]
    visits, promised = (
        np.bincount(of, weights=x, minlength=len(item)).astype(np.int64) for x in (task.visits, task.promised)
    )
    order = np.argsort(item)
    back = np.argsort(order)
    return Merged(item[order], visits[order], promised[order], back[of], low[order], high[order])


def _promised_without_day(merged: Merged, item: Ints, day: Ints) -> int:
    dated = np.bincount(merged.of[item[day >= 0]], minlength=len(merged.item))
    return int(np.maximum(merged.promised - dated, 0).sum())


def _units(task: Task) -> tuple[Ints, Ints]:
    """Visits that each day and month hold."""
    length = max(int(task.minutes[0]), 1)
    units = np.clip(np.minimum(task.day_minutes // length, task.day_visits), 0, int(task.visits.sum()))
    return units, np.clip(task.month_minutes // length, 0, None)


def _search(
    task: Task, merged: Merged, offers: Offers, units: Ints, months: Ints, item: Ints, day: Ints
) -> Ints | None:
    """Place as many as can be, with spacing as rows; positions of the offers taken."""
    from ortools.sat.python import cp_model  # slow to import, and seldom needed

    model = cp_model.CpModel()
    seen = [model.new_bool_var("") for _ in range(len(offers.item))]
    pair = merged.of[offers.item]
    missed = []
    for p, rows in _pieces(pair, len(merged.item)):
        wished, extra = int(merged.promised[p]), int(merged.visits[p] - merged.promised[p])
        short = model.new_int_var(0, wished, "")
        fewer = model.new_int_var(0, extra, "")
        model.add(cp_model.LinearExpr.sum([seen[k] for k in rows]) + short + fewer == wished + extra)
        missed.append(NO_PROMISED // NO_OTHER * short + fewer)
    for limit, of in ((units, offers.day), (months, task.month[offers.day])):
        for at, rows in _pieces(of, len(limit)):
            if len(rows) > limit[at]:
                model.add(cp_model.LinearExpr.sum([seen[k] for k in rows]) <= int(limit[at]))
    client = task.client[offers.item]
    for _c, rows in _pieces(client, int(client.max()) + 1):
        gap = int(task.spacing[offers.item[rows[0]]])
        _keep_distance(model, seen, offers.day, rows, gap)
    model.minimize(cp_model.LinearExpr.sum(missed))
    at_first = np.isin(client * task.days + offers.day, (task.client[item] * task.days + day)[day >= 0])
    for k, value in enumerate(at_first.tolist()):
        model.add_hint(seen[k], value)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_deterministic_time = EFFORT
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    found = np.flatnonzero([solver.boolean_value(x) for x in seen])
    before = _promised_without_day(merged, item, day)
    after = _promised_without_day(merged, offers.item[found], offers.day[found])
    return found if after < before else None


def _keep_distance(model: cp_model.CpModel, seen: list[cp_model.IntVar], day: Ints, rows: Ints, gap: int) -> None:
    """In any ``gap`` days at most one visit of a client."""
    rows = rows[np.argsort(day[rows], kind="stable")]
    days = day[rows]
    stop = np.searchsorted(days, days + max(gap, 1))
    longest = np.diff(stop, prepend=0) > 0
    for k in np.flatnonzero(longest).tolist():
        if stop[k] - k > 1:
            model.add_at_most_one([seen[r] for r in rows[k : stop[k]]])


def _pieces(keys: Ints, count: int) -> list[tuple[int, Ints]]:
    """Positions of each key from 0 to ``count`` − 1."""
    order = np.argsort(keys, kind="stable")
    bounds = np.searchsorted(keys[order], np.arange(count + 1))
    return [(k, order[bounds[k] : bounds[k + 1]]) for k in range(count)]


def _named(task: Task, home: Ints, merged: Merged, speaker: Ints, day: Ints, *, polish: bool) -> tuple[Ints, Ints]:
    """Give the dates of pairs to their items, in order; with spacing, choose again within intervals around them."""
    slots = np.repeat(np.arange(len(task.row)), task.visits)
    slots = slots[np.lexsort((task.low[slots], merged.of[slots]))]
    of = merged.of[slots]
    place = np.arange(len(slots)) - np.searchsorted(of, of)
    pair = merged.of[speaker]
    order = np.lexsort((day, pair))
    pair, day = pair[order], day[order]
    begin = np.searchsorted(pair, np.arange(len(merged.item) + 1))
    count = np.diff(begin)
    dated = place < count[of]
    result = np.full(len(slots), -1)
    result[dated] = day[begin[of[dated]] + place[dated]]
    if polish:
        result[dated] = _polished(task, home, slots[dated], result[dated])
    return slots, result


def _polished(task: Task, home: Ints, item: Ints, day: Ints) -> Ints:
    """Cheapest days of visits within the intervals around the days they have."""
    order = np.lexsort((day, task.client[item]))
    i, d = item[order], day[order]
    narrow = task.mixed[i]
    first = np.where(narrow, task.low[i], task.first_day[i])
    last = np.where(narrow, task.high[i], task.last_day[i])
    low, high = intervals(task.client[i], d, np.maximum(task.spacing[i], 1), first, last)
    units, months = _units(task)
    own, one = np.arange(len(i)), np.ones(len(i), np.int64)
    offers = offer(task, home, i, low, high)
    full = task.full_day // max(int(task.minutes[0]), 1)
    net = network(offers, one, one, own, units, months, task.month, np.zeros(task.days, np.int64), full)
    taken = solve(net, len(offers.item))
    result = np.empty(len(i), np.int64)
    result[order[offers.entry[taken]]] = offers.day[taken]
    return result
