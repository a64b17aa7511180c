"""Repair: visits that no flow could date look further, for room, for a swap, for the place of an extra one."""

from __future__ import annotations

import numpy as np

from allocator.visits.horizon import Bools, Ints
from allocator.visits.tasks import LOAD, Task, day_costs

PATIENCE = 300, 60
"""Looks at other visits' days, for a promised visit and for any other: a count and no clock, so that the answer repeats."""


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
        self.closed = np.zeros((int(task.client.max(initial=-1)) + 1, task.days), bool)
        self.closed.ravel()[task.blocked] = True
        self.of_client: dict[int, list[int]] = {}

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
            done = self._into_room(v) or self._by_move(v)
            if not done and self.promised[v]:
                evicted += self._by_eviction(v)
        for v in evicted:
            if not self._into_room(v):
                self._by_move(v)
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

    def _into_room(self, v: int) -> bool:
        days = self.options(v)
        days = days[self._room(days, int(self.length[v]))]
        if len(days):
            self._put(v, self._best(v, days))
        return bool(len(days))

    def _by_move(self, v: int) -> bool:
        """Move one other visit away from a day and take its place."""
        task, length, patience = self.task, int(self.length[v]), PATIENCE[int(not self.promised[v])]
        least = int(self.length.min())
        room = np.flatnonzero((self.minutes >= least) & (self.visits >= 1) & (self.months[task.month] >= least))
        for day in self.options(v).tolist():
            here = np.flatnonzero(self.day == day)
            here = here[self.minutes[day] + self.length[here] >= length]
            month = int(self.months[task.month[day]])
            to = room if month >= length else room[task.month[room] != task.month[day]]
            for u in here[self._might_go(here, to)].tolist():
                patience -= 1
                if patience < 0:
                    return False
                own = int(self.length[u])
                days = self.options(u)
                days = days[(days != day) & (self.minutes[days] >= own) & (self.visits[days] >= 1)]
                same = task.month[days] == task.month[day]
                fits = (self.months[task.month[days]] >= own) & (month + own >= length)
                days = days[np.where(same, month >= length, fits)]
                if len(days):
                    self._put(u, self._best(u, days))
                    self._put(v, day)
                    return True
        return False

    def _might_go(self, visits: Ints, to: Ints) -> Bools:
        """Whether there is room for each visit on some of the days within its window; other reasons may still forbid it."""
        task, item = self.task, self.item[visits]
        inside = (to >= task.first_day[item][:, None]) & (to <= task.last_day[item][:, None])
        return np.asarray((inside & (self.minutes[to] >= self.length[visits][:, None])).any(axis=1))

    def _by_eviction(self, v: int) -> list[int]:
        """Take the place of visits of one day that are not promised, as few as will do; return them."""
        length = int(self.length[v])
        for day in self.options(v).tolist():
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
