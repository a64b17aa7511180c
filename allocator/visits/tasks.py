"""What one rep's days are filled from: plain arrays that travel to a worker process, and what comes back."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np

from allocator.visits.horizon import Bools, Ints

NO_PROMISED = 4_000_000
NO_OTHER = 200_000
NOT_KEPT = 1_000
OTHER_WEEKDAY = 200
OTHER_AREA = 40
FAR_AWAY = 60
PER_KILOMETRE = 2
FROM_IDEAL = 20
LOAD = 60
"""Costs of docs/schedule.md, section 3."""
PROVED = 0.5
"""Dates are the best if the bound is nearer than this; costs of visits of one length are whole."""


@dataclass(frozen=True)
class Task:
    """One rep, his days, and the items that are his; indices are his own.

    Attributes
    ----------
    rep : int
    month : int array, shape (days,)
    rank : int array, shape (days,)
        Working days before each day.
    weekday : int array, shape (days,)
    there : bool array, shape (rows, days)
        Days on which he visits his own clients (row 0), and those of owners whom he backs up.
    day_minutes, day_visits : int array, shape (days,)
        What a day holds; joint visits are off.
    full_day : int
        Minutes of a whole day.
    month_minutes : int array, shape (months,)
        What a month holds; joint visits are off.
    row, client, pair, low, high, first_day, last_day, visits, promised, minutes, spacing, area, weekdays : int array, shape (items,)
        ``pair`` numbers client and window; ``low`` to ``high`` are offered, ``first_day`` to ``last_day`` the promise's window;
        ``weekdays`` has a bit for each preferred weekday, 0 for any; ``area`` is −1 where unknown.
    first, mixed : bool array, shape (items,)
        First visits; clients whom two reps visit.
    start, day : int array
        Ideal days of the items.
    between : int array, shape (areas, areas)
        Cost of a visit in one area on a day of another.
    blocked, keeps, spare : int array
        ``client · days + day`` that is closed (blocked, or too near to a joint visit that has its day), that the kept run has, that it
        has for a visit which is not promised; sorted.
    """

    rep: int
    month: Ints
    rank: Ints
    weekday: Ints
    there: Bools
    day_minutes: Ints
    day_visits: Ints
    full_day: int
    month_minutes: Ints
    row: Ints
    client: Ints
    pair: Ints
    low: Ints
    high: Ints
    first_day: Ints
    last_day: Ints
    visits: Ints
    promised: Ints
    minutes: Ints
    spacing: Ints
    area: Ints
    weekdays: Ints
    first: Bools
    mixed: Bools
    start: Ints
    day: Ints
    between: Ints
    blocked: Ints
    keeps: Ints
    spare: Ints

    @property
    def days(self) -> int:
        """Number of days of the plan."""
        return len(self.month)

    @functools.cached_property
    def closed(self) -> Bools:
        """Flags of the keys in ``blocked``, by client and day in one row; looked at more often than it can be searched."""
        flags = np.zeros((int(self.client.max(initial=-1)) + 1) * self.days, bool)
        flags[self.blocked[self.blocked < len(flags)]] = True  # a part of a task may lack clients whose days these are
        return flags


OF_ITEMS = (
    *("row", "client", "pair", "low", "high", "first_day", "last_day", "visits", "promised", "minutes", "spacing"),
    *("area", "weekdays", "first", "mixed"),
)
"""Fields of a task with one entry for each item."""


@dataclass(frozen=True)
class Placed:
    """A rep's answer.

    Attributes
    ----------
    item, day : int array, shape (visits,)
        Every visit of every item; day −1 where it has none.
    by_rows : bool
        Whether rows for spacing were tried.
    repaired : int
        Visits dated by repair.
    cost, bound : float
        What the days and their load cost, and the least that any dates of as many visits would.
    """

    item: Ints
    day: Ints
    by_rows: bool
    repaired: int
    cost: float = 0.0
    bound: float = 0.0

    @property
    def proved(self) -> bool:
        """Whether no dates are cheaper."""
        return self.cost - self.bound <= PROVED


@dataclass(frozen=True)
class Offers:
    """Days offered: ``entry`` is a position in what was asked for, ``item`` the item that stands there."""

    entry: Ints
    item: Ints
    day: Ints
    cost: Ints

    def only(self, kept: Bools) -> Offers:
        """Return some of the offers."""
        return Offers(self.entry[kept], self.item[kept], self.day[kept], self.cost[kept])


def near_days(client: Ints, day: Ints, spacing: Ints, days: int) -> Ints:
    """``client · days + day`` of all days that are too near to visits; sorted."""
    # Keys are few beside the days that repeat: flags are quicker than sorting.
    return np.flatnonzero(near_flags(client, day, spacing, days, int(client.max(initial=-1)) + 1))


def near_flags(client: Ints, day: Ints, spacing: Ints, days: int, clients: int) -> Bools:
    """Flags of the days that are too near to visits, by client and day in one row."""
    gap = np.maximum(spacing, 1)
    size = 2 * gap - 1
    which = np.repeat(np.arange(len(day)), size)
    at = day[which] - gap[which] + 1 + np.arange(len(which)) - np.repeat(np.cumsum(size) - size, size)
    here = (at >= 0) & (at < days)
    near = np.zeros(clients * days, bool)
    near[client[which[here]] * days + at[here]] = True
    return near


def joined(keys: Ints, more: Ints) -> Ints:
    """Keys of two sorted arrays, each once; sorted (NumPy's own way hashes them, which takes a hundred times as long)."""
    both = np.sort(np.concatenate([keys, more]), kind="stable")
    return np.asarray(both[np.diff(both, prepend=-1) != 0])


def part_of(task: Task, rows: Ints, item: Ints, day: Ints) -> Task:
    """Return the task of some of the items, beside visits that have their day and stay."""
    size = np.diff(task.start)[rows]
    start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
    inside = np.arange(start[-1]) - np.repeat(start[:-1], size)
    length = task.minutes[item]
    minutes, visits, months = task.day_minutes.copy(), task.day_visits.copy(), task.month_minutes.copy()
    np.subtract.at(minutes, day, length)
    np.subtract.at(visits, day, 1)
    np.subtract.at(months, task.month[day], length)
    near = near_days(task.client[item], day, task.spacing[item], task.days)
    return replace(
        task,
        **{name: getattr(task, name)[rows] for name in OF_ITEMS},
        start=start,
        day=task.day[np.repeat(task.start[:-1][rows], size) + inside],
        day_minutes=np.maximum(minutes, 0),
        day_visits=np.maximum(visits, 0),
        month_minutes=np.maximum(months, 0),
        blocked=joined(task.blocked, near),
    )


def home_areas(task: Task) -> Ints:
    """Area of each day: that of most ideal minutes; −1 without any."""
    areas = len(task.between)
    size = np.diff(task.start)
    area = np.repeat(task.area, size)
    known = area >= 0
    if not areas or not known.any():
        return np.full(task.days, -1, np.int64)
    weight = np.repeat(task.minutes, size)[known]
    table = np.bincount(task.day[known] * areas + area[known], weights=weight, minlength=task.days * areas)
    table = table.reshape(task.days, areas)
    return np.where(table.max(axis=1) > 0, table.argmax(axis=1), -1).astype(np.int64)


def offer(task: Task, home: Ints, items: Ints, low: Ints, high: Ints) -> Offers:
    """Days between ``low`` and ``high`` on which each of some items can be had, and their costs without the load."""
    days = np.flatnonzero(task.there.any(axis=0))
    begin = np.searchsorted(days, low)
    size = np.maximum(np.searchsorted(days, high, side="right") - begin, 0)
    entry = np.repeat(np.arange(len(items)), size)
    day = days[np.arange(len(entry)) + np.repeat(begin - np.cumsum(size) + size, size)]
    item = items[entry]
    if len(task.there) > 1:
        open_ = task.there[task.row[item], day]
        entry, item, day = entry[open_], item[open_], day[open_]
    key = task.client[item] * task.days + day
    if len(task.blocked):
        free = ~task.closed[key]
        entry, item, day, key = entry[free], item[free], day[free], key[free]
    return Offers(entry, item, day, day_costs(task, home, item, day, key))


def day_costs(task: Task, home: Ints, item: Ints, day: Ints, key: Ints) -> Ints:
    """Costs of dating an item on a day, without the load."""
    cost = np.minimum(_from_ideal(task, item, day), FROM_IDEAL)
    if len(task.between):
        there, here = task.area[item], home[day]
        cost += np.where((there >= 0) & (here >= 0), task.between[there, here], 0)
    wishes = task.weekdays[item]
    cost += np.where((wishes > 0) & (((wishes >> task.weekday[day]) & 1) == 0), OTHER_WEEKDAY, 0)
    if len(task.keeps):
        cost += np.where(_among(key, task.keeps), 0, NOT_KEPT)
    return cost


def _from_ideal(task: Task, item: Ints, day: Ints) -> Ints:
    """Working days to the nearest ideal day."""
    here = task.rank[day]
    count = np.diff(task.start)[item]
    best: Ints = np.abs(here - task.rank[task.day[task.start[item]]])
    for k in range(1, int(count.max(initial=0))):
        more = count > k
        other = np.abs(here[more] - task.rank[task.day[task.start[item[more]] + k]])
        best[more] = np.minimum(best[more], other)
    return best


def _among(keys: Ints, known: Ints) -> Bools:
    """Whether each key is one of the known ones, which are sorted."""
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    among: Bools = known[at] == keys
    return among
