"""Repair: visits that no flow could date look further, for room, for a swap, for the place of an extra one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from allocator.visits.horizon import Bools, Ints
from allocator.visits.tasks import LOAD, Task, day_costs, near_flags

PATIENCE = 300, 60
"""Looks at other visits' days, for a promised visit and for any other: a count and no clock, so that the answer repeats."""


def _near_spare(task: Task) -> Bools:
    """Days too near to those that the kept run has for visits not promised, by client: who makes room does not take those."""
    client, day = np.divmod(task.spare[task.spare < len(task.closed)], task.days)
    spacing = np.zeros(len(task.closed) // task.days, np.int64)
    np.maximum.at(spacing, task.client, task.spacing)
    return near_flags(client, day, spacing[client], task.days, len(spacing)).reshape(-1, task.days)


class Desk:
    """A rep's calendar while it is repaired.

    Attributes
    ----------
    item, day : int array, shape (visits,)
        Day −1 where a visit has none.
    """

    def __init__(self, task: Task, home: Ints) -> None:
        none = np.zeros(0, np.int64)
        self.task, self.home = task, home
        self.item, self.day, self.length, self.client = none, none, none, none
        self.promised = np.zeros(0, bool)
        self.minutes, self.visits = task.day_minutes.copy(), task.day_visits.copy()
        self.months = task.month_minutes.copy()
        self.closed = task.closed.reshape(-1, task.days)
        self.spoken_for = self.closed | _near_spare(task) if len(task.spare) else self.closed
        self.of_client: dict[int, list[int]] = {}
        self.lengths, self.kind = np.unique(task.minutes, return_inverse=True)

    def add(self, item: Ints, day: Ints, promised: Bools) -> None:
        """Enter visits, those without a day too."""
        task, length = self.task, self.task.minutes[item]
        dated = np.flatnonzero(day >= 0)
        np.subtract.at(self.minutes, day[dated], length[dated])
        np.subtract.at(self.visits, day[dated], 1)
        np.subtract.at(self.months, task.month[day[dated]], length[dated])
        self.item, self.day = np.concatenate([self.item, item]), np.concatenate([self.day, day])
        self.length = np.concatenate([self.length, length])
        self.client = np.concatenate([self.client, task.client[item]])
        self.promised = np.concatenate([self.promised, promised])
        before = len(self.client) - len(item)
        for v, client in enumerate(task.client[item].tolist(), before):
            self.of_client.setdefault(client, []).append(v)

    def repair(self) -> int:
        """Date what can be dated; return how many visits were."""
        waiting = np.flatnonzero(self.day < 0)
        before = len(waiting)
        order = np.lexsort((waiting, -self.length[waiting], ~self.promised[waiting]))
        queue: list[int] = waiting[order].tolist()
        evicted: list[int] = []
        for v in queue:
            days = self.options(v)
            done = self._into_room(v, days) or self._by_move(v, days)
            if not done and self.promised[v]:
                evicted += self._by_eviction(v, days)
        for v in evicted:
            days = self.options(v)
            if not self._into_room(v, days):
                self._by_move(v, days)
        return before - int((self.day < 0).sum())

    def options(self, v: int) -> Ints:
        """Days on which a visit could be, room or no room."""
        task, i = self.task, int(self.item[v])
        narrow = task.mixed[i]
        first, last = (task.low[i], task.high[i]) if narrow else (task.first_day[i], task.last_day[i])
        client, gap = int(task.client[i]), max(int(task.spacing[i]), 1)
        open_ = task.there[task.row[i], first : last + 1] & ~self.closed[client, first : last + 1]
        for u in self.of_client[client]:
            at = int(self.day[u])
            if u != v and at >= 0:
                open_[max(at - gap + 1 - first, 0) : max(at + gap - first, 0)] = False
        return np.asarray(first + np.flatnonzero(open_))

    def _room(self, days: Ints, length: int) -> Bools:
        enough = (self.minutes[days] >= length) & (self.visits[days] >= 1)
        return np.asarray(enough & (self.months[self.task.month[days]] >= length))

    def _best(self, v: int, days: Ints) -> int:
        """Cheapest of some days for a visit."""
        item = np.full(len(days), self.item[v])
        cost = day_costs(self.task, self.home, item, days, self.task.client[item] * self.task.days + days)
        used = self.task.full_day - self.minutes[days]
        return int(days[np.argmin(cost + LOAD * 2 * used // max(self.task.full_day, 1))])

    def _put(self, v: int, day: int) -> None:
        """Give a visit a day, or take it away (−1)."""
        length, task = int(self.length[v]), self.task
        for at, sign in ((int(self.day[v]), 1), (day, -1)):
            if at >= 0:
                self.minutes[at] += sign * length
                self.visits[at] += sign
                self.months[task.month[at]] += sign * length
        self.day[v] = day

    def _into_room(self, v: int, days: Ints) -> bool:
        days = days[self._room(days, int(self.length[v]))]
        if len(days):
            self._put(v, self._best(v, days))
        return bool(len(days))

    def _by_move(self, v: int, days: Ints) -> bool:
        """Move one other visit away from one of the days on which a visit could be, and take its place."""
        if not len(days):
            return False
        length, free = int(self.length[v]), self.visits >= 1
        visits = self._movable(days, length, free)[: PATIENCE[int(not self.promised[v])]]
        if not len(visits):
            return False
        for u, others in self._elsewhere(visits, length, free):
            day = int(self.day[u])
            self._put(u, self._best(u, others))
            self._put(v, day)
            return True
        return False

    def _movable(self, days: Ints, length: int, free: Bools) -> Ints:
        """Visits of some days, day by day, that would leave enough minutes and might go: there is room within their windows.

        Other reasons may still forbid it. Where a day's month is full, they would have to go to another month.
        """
        task = self.task
        on = np.zeros(task.days + 1, bool)  # the last is that of visits without a day
        on[days] = True
        visits = np.flatnonzero(on[self.day])
        visits = visits[self.minutes[self.day[visits]] + self.length[visits] >= length]
        if not len(visits):
            return visits
        least = int(self.length.min())
        room = free & (self.minutes >= least) & (self.months[task.month] >= least)
        before = np.zeros((len(self.lengths), task.days + 1), np.int64)
        np.cumsum(room & (self.minutes >= self.lengths[:, None]), axis=1, out=before[:, 1:])
        item, day = self.item[visits], self.day[visits]
        kind, first, after = self.kind[item], task.first_day[item], task.last_day[item] + 1
        count = before[kind, after] - before[kind, first]
        full = np.flatnonzero(self.months[task.month[day]] < length)
        if len(full):
            month = task.month[day[full]]
            begin = np.maximum(np.searchsorted(task.month, month), first[full])
            end = np.minimum(np.searchsorted(task.month, month, side="right"), after[full])
            count[full] -= np.where(end > begin, before[kind[full], end] - before[kind[full], begin], 0)
        visits = visits[count > 0]
        return np.asarray(visits[np.argsort(self.day[visits], kind="stable")])

    def _elsewhere(self, visits: Ints, length: int, free: Bools) -> Iterator[tuple[int, Ints]]:
        """Visits that can go, in their order, and the days on which they could be if so many minutes took their place."""
        task, item = self.task, self.item[visits]
        narrow = task.mixed[item]
        first = np.where(narrow, task.low[item], task.first_day[item])
        last = np.where(narrow, task.high[item], task.last_day[item])
        room = np.flatnonzero(free & (self.minutes >= int(self.length.min())))
        begin = room.searchsorted(first)
        size = np.maximum(room.searchsorted(last, side="right") - begin, 0)
        of = np.repeat(np.arange(len(visits)), size)
        day = room[np.arange(len(of)) + np.repeat(begin - np.cumsum(size) + size, size)]
        own, here = self.length[visits[of]], self.day[visits[of]]
        possible = (self.minutes[day] >= own) & (day != here) & ~self.spoken_for[task.client[item[of]], day]
        left = self.months[task.month[here]]
        fits = (self.months[task.month[day]] >= own) & (left + own >= length)
        possible &= np.where(task.month[day] == task.month[here], left >= length, fits)
        of, day = of[possible], day[possible]
        there = task.there[task.row[item[of]], day]
        of, day = of[there], day[there]
        begin = np.flatnonzero(np.diff(of, prepend=-1))
        for k, days in zip(of[begin].tolist(), np.split(day, begin[1:]), strict=False):  # no days at all are one part
            u, kept = int(visits[k]), days
            gap = max(int(task.spacing[item[k]]), 1)
            for w in self.of_client[int(self.client[u])]:
                at = int(self.day[w])
                if w != u and at >= 0:
                    kept = kept[np.abs(kept - at) >= gap]
            if len(kept):
                yield u, kept

    def _by_eviction(self, v: int, days: Ints) -> list[int]:
        """Take the place of visits of one of the days that are not promised, as few as will do; return them."""
        length = int(self.length[v])
        for day in days.tolist():
            here = np.flatnonzero((self.day == day) & ~self.promised)
            here = here[np.argsort(-self.length[here], kind="stable")]
            freed = np.cumsum(self.length[here])
            month = self.months[self.task.month[day]]
            fits = np.flatnonzero((self.minutes[day] + freed >= length) & (month + freed >= length))
            if len(fits):
                gone: list[int] = here[: fits[0] + 1].tolist()
                for u in gone:
                    self._put(u, -1)
                self._put(v, day)
                return gone
        return []
