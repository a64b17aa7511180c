"""Owner and backup help each other out: what has no day with the one may have one with the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocator.crew import Crew
from allocator.visits.horizon import Ints
from allocator.visits.preparing import Workshop
from allocator.visits.tasks import joined, near_days
from allocator.visits.workers import place_all


def exchange(shop: Workshop, item: Ints, day: Ints, crew: Crew | None = None) -> tuple[Ints, Ints]:
    """Days and reps of visits after each that has no day was offered to the other of its owner and his backup.

    One visit of a client is offered, promised ones before others; everything that has a day stays.

    Parameters
    ----------
    shop : Workshop
    item, day : int array, shape (visits,)
        The reps' own answers; day −1 where there is none.
    crew : Crew, optional
        Processes that look.
    """
    items, rep, day = shop.items, shop.items.rep[item], day.copy()
    waiting = np.flatnonzero((day < 0) & (items.owner[item] >= 0))
    order = np.lexsort((items.window[item[waiting]], shop.promised[item[waiting]] == 0, items.member[item[waiting]]))
    waiting = waiting[order]
    waiting = waiting[np.diff(items.member[item[waiting]], prepend=-1) != 0]
    owner = items.owner[item[waiting]]
    other = np.where(rep[waiting] == owner, items.backup[item[waiting]], owner)
    waiting, other = waiting[other >= 0], other[other >= 0]
    if not len(waiting):
        return day, rep
    rows = item[waiting]
    shop = _beside(shop, item, day, rows, other)
    offered = [(maker, np.flatnonzero(other == maker)) for maker in np.unique(other).tolist()]
    tasks = (shop.task(maker, mine) for maker, mine in offered)
    for (maker, mine), placed in zip(offered, place_all(tasks, len(offered), crew, bounded=False), strict=True):
        found = placed.day >= 0
        visits = waiting[mine[placed.item[found]]]
        day[visits], rep[visits] = placed.day[found], maker
    return day, rep


def _beside(shop: Workshop, item: Ints, day: Ints, rows: Ints, other: Ints) -> Workshop:
    """Return the workshop of some items in the hands of other reps, with what is left beside all visits that have a day."""
    items, horizon = shop.items, shop.horizon
    dated = np.flatnonzero(day >= 0)
    rep, on, length = items.rep[item[dated]], day[dated], items.minutes[item[dated]]
    minutes, visits, months = shop.day_minutes.copy(), shop.day_visits.copy(), shop.month_minutes.copy()
    np.subtract.at(minutes, (rep, on), length)
    np.subtract.at(visits, (rep, on), 1)
    np.subtract.at(months, (rep, horizon.month[on]), length)
    own = dated[np.isin(items.member[item[dated]], items.member[rows])]
    near = near_days(items.member[item[own]], day[own], items.spacing[item[own]], len(horizon.days))
    moved = items.take(rows)
    one = np.ones(len(rows), np.int64)
    return replace(
        shop,
        items=replace(moved, rep=other, low=horizon.window_first[moved.window], high=horizon.window_last[moved.window]),
        visits=one,
        promised=np.minimum(shop.promised[rows], 1),
        closed=joined(shop.closed, near),
        day_minutes=np.maximum(minutes, 0),
        day_visits=np.maximum(visits, 0),
        month_minutes=np.maximum(months, 0),
        mixed=np.zeros(0, np.int64),
    )
