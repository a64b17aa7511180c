"""From items to one task for each rep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocator.visits.areas import kilometres
from allocator.visits.clients import ClientRows
from allocator.visits.horizon import Horizon, Ints
from allocator.visits.items import Items
from allocator.visits.joint import Joint
from allocator.visits.keeping import Kept
from allocator.visits.rings import Rings
from allocator.visits.tasks import FAR_AWAY, OTHER_AREA, PER_KILOMETRE, Task, near_days
from allocator.visits.team import Team


def days_apart(rings: Rings, days: int) -> Ints:
    """``member · days + day`` of the days on which clients are none yet, or no more; sorted."""
    part = np.flatnonzero((rings.first_day > 0) | (rings.last_day < days - 1))
    keys = [np.zeros(0, np.int64)]
    on = np.arange(days)
    for g in part.tolist():
        members = np.arange(rings.start[g], rings.start[g] + rings.size[g])
        away = on[(on < rings.first_day[g]) | (on > rings.last_day[g])]
        keys.append((members[:, None] * days + away).ravel())
    return np.unique(np.concatenate(keys))


def around_joint(items: Items, joints: list[Joint], horizon: Horizon) -> Ints:
    """``member · days + day`` too near to a joint visit; sorted."""
    days = len(horizon.days)
    item = np.concatenate([j.item for j in joints])
    day = np.concatenate([j.day for j in joints])
    return near_days(items.member[item], day, items.spacing[item], days)


@dataclass(frozen=True)
class Workshop:
    """All that tasks are cut from; ``row`` is the client's row of each member."""

    horizon: Horizon
    team: Team
    items: Items
    visits: Ints
    promised: Ints
    clients: ClientRows
    row: Ints
    closed: Ints
    kept: Kept | None
    day_minutes: Ints
    day_visits: Ints
    month_minutes: Ints
    mixed: Ints

    def by_rep(self) -> dict[int, Ints]:
        """Items with visits that have no day yet, of each rep."""
        some = np.flatnonzero((self.visits > 0) & (self.items.rep >= 0))
        order = some[np.argsort(self.items.rep[some], kind="stable")]
        reps, begin = np.unique(self.items.rep[order], return_index=True)
        return {rep: rows for rep, rows in zip(reps.tolist(), np.split(order, begin[1:]), strict=False) if len(rows)}

    def task(self, rep: int, rows: Ints) -> Task:
        """Return the task of a rep: some of the items, renumbered."""
        items, horizon, days = self.items.take(rows), self.horizon, len(self.horizon.days)
        owners = np.unique(items.owner[items.owner != rep])
        there = np.concatenate([self.team.own[[rep]], self.team.covers(owners, np.full(len(owners), rep))])
        row = np.where(items.owner == rep, 0, np.searchsorted(owners, items.owner) + 1)
        members, client = np.unique(items.member, return_inverse=True)
        _pairs, pair = np.unique(items.member * len(horizon.window_first) + items.window, return_inverse=True)
        at = self.row[items.member]
        area, between = self._areas(at)
        return Task(
            rep=rep,
            month=horizon.month,
            rank=horizon.rank[:-1],
            weekday=horizon.weekday,
            there=there,
            day_minutes=self.day_minutes[rep],
            day_visits=self.day_visits[rep],
            full_day=int(self.team.day_minutes[rep]),
            month_minutes=self.month_minutes[rep],
            row=row,
            client=client,
            pair=pair,
            low=items.low,
            high=items.high,
            first_day=horizon.window_first[items.window],
            last_day=horizon.window_last[items.window],
            visits=self.visits[rows],
            promised=self.promised[rows],
            minutes=items.minutes,
            spacing=items.spacing,
            area=area,
            weekdays=self.clients.weekdays[at],
            first=items.first,
            mixed=np.isin(items.member, self.mixed),
            start=items.start,
            day=items.day,
            between=between,
            blocked=_own_keys(self.closed, members, days),
            keeps=self._keeps(members),
            spare=self._keeps(members, spare=True),
        )

    def _keeps(self, members: Ints, *, spare: bool = False) -> Ints:
        """Days that a kept run has of some members, or (``spare``) has for visits not promised: ``number · days + day``, in order."""
        if self.kept is None:
            return np.zeros(0, np.int64)
        known = np.flatnonzero(np.isin(self.kept.member, members) & ~(spare & self.kept.promised))
        at = np.searchsorted(members, self.kept.member[known])
        return np.unique(at * len(self.horizon.days) + self.kept.day[known])

    def _areas(self, client: Ints) -> tuple[Ints, Ints]:
        """Own numbers of the clients' areas, and what a visit in one costs on a day of another."""
        area = self.clients.area[client]
        names, number = np.unique(area[area >= 0], return_inverse=True)
        own = np.full(len(area), -1, np.int64)
        own[area >= 0] = number
        if not len(names):
            return own, np.zeros((0, 0), np.int64)
        where = self.clients.where[client[area >= 0]]
        known = ~np.isnan(where).any(axis=1)
        count = np.bincount(number[known], minlength=len(names)).astype(float)
        centre = np.stack(
            [np.bincount(number[known], weights=where[known, k], minlength=len(names)) for k in (0, 1)], axis=1
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            centre = centre / count[:, None]
        cost = np.full((len(names), len(names)), float(OTHER_AREA))
        far = kilometres(centre[:, None, :], centre[None, :, :])
        cost = np.where(np.isnan(far), cost, np.minimum(PER_KILOMETRE * np.nan_to_num(far), FAR_AWAY))
        np.fill_diagonal(cost, 0.0)
        return own, np.round(cost).astype(np.int64)


def _own_keys(keys: Ints, members: Ints, days: int) -> Ints:
    """Keys of some members, with the members' own numbers; sorted."""
    if not len(keys):
        return keys
    begin, end = np.searchsorted(keys, members * days), np.searchsorted(keys, (members + 1) * days)
    size = end - begin
    own = np.repeat(np.arange(len(members)), size)
    at = np.arange(len(own)) + np.repeat(begin - np.cumsum(size) + size, size)
    return np.asarray(own * days + keys[at] - members[own] * days)
