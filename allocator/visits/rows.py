"""Spacing as rows: the last resort of a rep whose promised visits the intervals could not hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from allocator.program import Program
from allocator.visits.flows import network, solve
from allocator.visits.horizon import Floats, Ints
from allocator.visits.intervals import intervals
from allocator.visits.tasks import Offers, Task, offer, part_of

WITHOUT_PROMISED, WITHOUT_OTHER = 100.0, 5.0
"""Costs of visits without a day in these rows; a day's own costs count for a thousandth."""


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


def by_spacing_rows(task: Task, home: Ints, item: Ints, day: Ints) -> tuple[Ints, Ints, bool]:
    """Return dates that place more promised visits where there are such, and whether rows were tried.

    Only where all visits have one length: then a flow without spacing tells beforehand how many could be placed at best. Looked at are
    the windows of visits without a day with those beside them; all other visits stay.
    """
    tried = False
    if len(np.unique(task.minutes)) != 1:
        return item, day, tried
    for first, last in _stretches(task, item, day):
        free = (task.first_day >= first) & (task.last_day <= last)
        rows = np.flatnonzero(free)
        mine = free[item]
        stay = np.flatnonzero(~mine & (day >= 0))
        part = part_of(task, rows, item[stay], day[stay])
        own = np.searchsorted(rows, item[mine])
        found, searched = _better(part, home, own, day[mine])
        tried |= searched
        if found is not None:
            item = np.concatenate([item[~mine], rows[found[0]]])
            day = np.concatenate([day[~mine], found[1]])
    return item, day, tried


def _stretches(task: Task, item: Ints, day: Ints) -> list[tuple[int, int]]:
    """All windows that reach into the windows of promised visits without a day, or nearer to them than any spacing."""
    pairs = int(task.pair.max(initial=-1)) + 1
    promised = np.bincount(task.pair, weights=task.promised, minlength=pairs)
    short = promised > np.bincount(task.pair[item[day >= 0]], minlength=pairs)
    waiting = np.unique(item[(day < 0) & short[task.pair[item]]])
    apart = int(task.spacing.max(initial=0))
    found: list[tuple[int, int]] = []
    for first, last in sorted({(int(task.first_day[i]), int(task.last_day[i])) for i in waiting}):
        near = (task.first_day <= last + apart) & (task.last_day >= first - apart)
        begin, end = int(task.first_day[near].min()), int(task.last_day[near].max())
        if found and begin <= found[-1][1]:
            found[-1] = (min(found[-1][0], begin), max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def _better(task: Task, home: Ints, item: Ints, day: Ints) -> tuple[tuple[Ints, Ints] | None, bool]:
    """Dates that place more promised visits, or None; and whether rows were tried."""
    merged = _merge(task)
    promised = _promised_without_day(merged, item, day)
    if not promised:
        return None, False
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
        return None, False
    apart = int(task.spacing.max()) > 1
    found = _search(task, merged, offers, units, months, item, day) if apart else np.flatnonzero(taken)
    if found is None:
        return None, apart
    return _named(task, home, merged, offers.item[found], offers.day[found], polish=apart), apart


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
    from allocator.engines.highs import Highs  # seldom needed

    program = _program(task, merged, offers, units, months)
    count, pairs = len(offers.item), len(merged.item)
    without = np.repeat([WITHOUT_PROMISED, WITHOUT_OTHER], pairs)
    costs = np.concatenate([offers.cost / 1000.0, without])
    engine = Highs()
    relaxed = engine.solve(program, costs).x
    if relaxed is None:
        return None
    taken = np.asarray(relaxed[:count])
    solution = relaxed
    if np.abs(taken - np.round(taken)).max(initial=0.0) > 1e-6:
        whole = np.arange(program.shape[1]) < count
        found = engine.solve(replace(_settled(task, program, offers, taken), integer=whole), costs).x
        if found is None:
            found = engine.solve(replace(program, integer=whole), costs).x
        if found is None:
            return None
        solution = found
    chosen = np.flatnonzero(solution[:count] > 0.5)
    before = _promised_without_day(merged, item, day)
    after = _promised_without_day(merged, offers.item[chosen], offers.day[chosen])
    return chosen if after < before else None


def _program(task: Task, merged: Merged, offers: Offers, units: Ints, months: Ints) -> Program:
    """One column for each offer, then for each pair its promised visits without a day, then its others.

    Rows: a pair's visits; a day's and a month's room; in any ``spacing`` days at most one visit of a client.
    """
    count, pairs, days = len(offers.item), len(merged.item), len(units)
    pair, every = merged.of[offers.item], np.arange(len(offers.item))
    row, column, first = _distances(task, offers, pairs + days + len(months))
    rows = int(first)
    at = np.concatenate(
        [pair, np.tile(np.arange(pairs), 2), pairs + offers.day, pairs + days + task.month[offers.day], row]
    )
    on = np.concatenate([every, count + np.arange(2 * pairs), every, every, column])
    matrix = sp.csr_array(sp.coo_array((np.ones(len(at)), (at, on)), shape=(rows, count + 2 * pairs)))
    high = np.concatenate([merged.visits, units, months, np.ones(rows - pairs - days - len(months))]).astype(float)
    low = np.concatenate([merged.visits, np.zeros(rows - pairs)]).astype(float)
    upper = np.concatenate([np.ones(count), merged.promised, merged.visits - merged.promised]).astype(float)
    return Program(
        lower=np.zeros(len(upper)),
        upper=upper,
        integer=np.zeros(len(upper), bool),
        matrix=matrix,
        row_lower=low,
        row_upper=high,
        column_families=(),
        row_families=(),
        goals=(),
    )


def _distances(task: Task, offers: Offers, begin: int) -> tuple[Ints, Ints, int]:
    """Rows and columns of ``in any spacing days at most one``, from row ``begin`` on; and the number of rows."""
    client = task.client[offers.item]
    order = np.lexsort((offers.day, client))
    gap = np.maximum(task.spacing[offers.item[order]], 1)
    scale = 2 * task.days + int(gap.max(initial=1))
    key = client[order] * scale + offers.day[order]
    stop = np.searchsorted(key, key + gap)
    size = stop - np.arange(len(key))
    kept = np.flatnonzero((np.diff(stop, prepend=0) > 0) & (size > 1))
    row = begin + np.repeat(np.arange(len(kept)), size[kept])
    start = np.cumsum(size[kept]) - size[kept]
    column = np.repeat(kept - start, size[kept]) + np.arange(len(row))
    return row, order[column], begin + len(kept)


def _settled(task: Task, program: Program, offers: Offers, taken: Floats) -> Program:
    """The same program with the clients fixed whose visits the relaxation left whole."""
    client = task.client[offers.item]
    part = np.abs(taken - np.round(taken)) > 1e-6
    settled = np.flatnonzero(~np.isin(client, client[part]))
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[settled] = upper[settled] = np.round(taken[settled])
    return program.with_bounds(lower, upper)


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
