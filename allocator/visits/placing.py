"""Dating one rep's visits: flow after flow, each with its repair, then rows for spacing where they are needed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocator.visits.bounding import cost_and_bound
from allocator.visits.flows import network, solve
from allocator.visits.horizon import Bools, Ints
from allocator.visits.repairing import Desk
from allocator.visits.rows import by_spacing_rows
from allocator.visits.tasks import Offers, Placed, Task, home_areas, near_flags, offer

Job = tuple[Ints, Ints, Ints]
"""Items of one flow, and how many of their visits it dates: promised ones, others."""


def place(task: Task, *, bounded: bool = True) -> Placed:
    """Date one rep's visits; and say how near to the best they are, if ``bounded``."""
    home = home_areas(task)
    desk = Desk(task, home)
    repaired, by_rows = 0, False
    stages = _stages(task)
    flowed: Ints | None = None
    for jobs in stages:
        for job in jobs:
            _flow(task, home, desk, job)
        flowed = desk.day.copy() if len(stages) == 1 and len(jobs) == 1 else None
        repaired += desk.repair()
    if (desk.day < 0).any():
        desk.item, desk.day, by_rows = by_spacing_rows(task, home, desk.item, desk.day)
    placed = Placed(desk.item, desk.day, by_rows, repaired)
    if not bounded:
        return placed
    as_flowed = flowed is not None and np.array_equal(flowed, desk.day) and int(task.spacing.max(initial=0)) <= 1
    cost, bound = cost_and_bound(task, home, desk.item, desk.day, proved=as_flowed)
    return replace(placed, cost=cost, bound=bound)


def _flow(task: Task, home: Ints, desk: Desk, job: Job) -> None:
    """Date the visits of one job, within what is left of days and months."""
    items, wished, other = job
    length = max(int(task.minutes[items[0]]), 1)
    offers = offer(task, home, items, task.low[items], task.high[items])
    if len(desk.item):
        offers = _at_a_distance(task, desk, offers)
    net = network(
        offers,
        wished + other,
        wished,
        task.pair[items],
        np.clip(np.minimum(desk.minutes // length, desk.visits), 0, int((wished + other).sum())),
        np.clip(desk.months // length, 0, None),
        task.month,
        np.clip(task.full_day - desk.minutes, 0, None) // length,
        task.full_day // length,
    )
    taken = solve(net, len(offers.item))
    entry, day = offers.entry[taken], offers.day[taken]
    short = wished + other - np.bincount(entry, minlength=len(items))
    without = np.repeat(np.arange(len(items)), short)
    entry = np.concatenate([entry, without])
    day = np.concatenate([day, np.full(len(without), -1)])
    desk.add(items[entry], day, _counted(task.pair[items], wished, entry, day))


def _counted(pair: Ints, wished: Ints, entry: Ints, day: Ints) -> Bools:
    """Which visits count for the promise: of those of a client and window the dated ones first."""
    _pairs, of = np.unique(pair, return_inverse=True)
    limit = np.bincount(of, weights=wished)
    mine = of[entry]
    order = np.lexsort((day < 0, mine))
    place = np.arange(len(order)) - np.searchsorted(mine[order], mine[order])
    promised = np.zeros(len(order), bool)
    promised[order] = place < limit[mine[order]]
    return promised


def _stages(task: Task) -> list[list[Job]]:
    """What is dated in which order.

    One flow for everything where all visits have one length: that is optimal. Else promised visits, then first visits, then extra
    ones; each long before short.
    """
    lengths = np.unique(task.minutes)
    extra = task.visits - task.promised
    if len(lengths) <= 1:
        return [[(np.arange(len(task.row)), task.promised, extra)]]
    stages = []
    for count, wished in (
        (task.promised, True),
        (np.where(task.first, extra, 0), False),
        (np.where(task.first, 0, extra), False),
    ):
        jobs = []
        for length in lengths[::-1]:
            items = np.flatnonzero((count > 0) & (task.minutes == length))
            none = np.zeros(len(items), np.int64)
            if len(items):
                jobs.append((items, count[items], none) if wished else (items, none, count[items]))
        stages.append(jobs)
    return stages


def _at_a_distance(task: Task, desk: Desk, offers: Offers) -> Offers:
    """Offers that keep their distance from the client's visits that have a day."""
    clients = int(task.client.max(initial=-1)) + 1
    mine = np.zeros(clients, bool)
    mine[task.client[offers.item]] = True
    dated = np.flatnonzero((desk.day >= 0) & mine[desk.client])
    if not len(dated):
        return offers
    item = desk.item[dated]
    near = near_flags(task.client[item], desk.day[dated], task.spacing[item], task.days, clients)
    return offers.only(~near[task.client[offers.item] * task.days + offers.day])
