"""What is to be dated: visits with the days that each may have. Spacing becomes intervals here."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from allocator.visits.dealing import Dealt
from allocator.visits.horizon import Bools, Horizon, Ints
from allocator.visits.intervals import intervals, push_apart
from allocator.visits.rings import Rings
from allocator.visits.team import Team

REACH = 10
"""Working days on either side of its ideal day that a visit with spacing is offered."""


@dataclass(frozen=True)
class Items:
    """Visits to be dated; without spacing those of a client in a month (or week) are one item of several visits.

    Attributes
    ----------
    member, window, low, high, owner, backup, rep : int array, shape (items,)
        ``rep`` makes the visit (−1: nobody is there); days from ``low`` to ``high`` are offered.
    visits, promised : int array
        How many visits, and how many of them count for the promise.
    first : bool array
    minutes, spacing : int array
    start : int array, shape (items + 1,)
        Where an item's ideal days stand in ``day``.
    day : int array
    """

    member: Ints
    window: Ints
    low: Ints
    high: Ints
    owner: Ints
    backup: Ints
    rep: Ints
    visits: Ints
    promised: Ints
    first: Bools
    minutes: Ints
    spacing: Ints
    start: Ints
    day: Ints

    def __len__(self) -> int:
        return len(self.member)

    def take(self, rows: Ints) -> Items:
        """Return some of the items, in the order of ``rows``."""
        size = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(size)]).astype(np.int64)
        inside = np.arange(start[-1]) - np.repeat(start[:-1], size)
        picked = {f.name: getattr(self, f.name)[rows] for f in fields(Items) if f.name not in ("start", "day")}
        return Items(**picked, start=start, day=self.day[np.repeat(self.start[:-1][rows], size) + inside])


@dataclass(frozen=True)
class Wanted:
    """Visits before they become items; arrays of one length, the fields of :class:`Items` and an ideal day.

    ``first_day`` and ``last_day`` bound the days on which the client is one. ``loose`` visits are beyond those that a kept run has in
    the window: they must not push others from their dates.
    """

    member: Ints
    window: Ints
    span: Ints
    owner: Ints
    backup: Ints
    first_day: Ints
    last_day: Ints
    promised: Bools
    first: Bools
    minutes: Ints
    spacing: Ints
    day: Ints
    loose: Bools


def make_items(horizon: Horizon, team: Team, wanted: Wanted) -> Items:
    """Offer days to visits."""
    order = np.lexsort((wanted.day, wanted.member))
    wanted = Wanted(**{f.name: getattr(wanted, f.name)[order] for f in fields(Wanted)})
    apart = wanted.spacing > 1
    low = np.maximum(horizon.span_first[wanted.span], wanted.first_day)
    high = np.maximum(np.minimum(horizon.span_last[wanted.span], wanted.last_day), low - 1)
    day = wanted.day.copy()
    high[apart & wanted.loose] = low[apart & wanted.loose] - 1  # repair looks for a day beside all others
    some = np.flatnonzero(apart & ~wanted.loose)
    if len(some):
        day[some], low[some], high[some] = _cut(horizon, replace_rows(wanted, some))
    rep = _makers(team, wanted, day, low, high)
    lost = np.flatnonzero(rep < 0)
    if len(lost):  # nobody is there on the days offered: then any day of the promise's window
        rest = replace_rows(wanted, lost)
        first, last = _window(horizon, rest)
        rep[lost] = _makers(team, rest, day[lost], first, last)
        wide = (rep[lost] >= 0) & ~apart[lost]
        low[lost[wide]], high[lost[wide]] = first[wide], last[wide]
    return _gather(replace(wanted, day=day), low, high, rep, apart)


def replace_rows(wanted: Wanted, rows: Ints) -> Wanted:
    """Return some of the visits."""
    return Wanted(**{f.name: getattr(wanted, f.name)[rows] for f in fields(Wanted)})


def _gather(wanted: Wanted, low: Ints, high: Ints, rep: Ints, apart: Bools) -> Items:
    """Make one item of a client's visits in a span, where distance does not tell them apart."""
    own = np.where(apart, np.arange(len(rep)), -1)
    keys = (own, rep, wanted.first, high, low, wanted.window, wanted.member)
    order = np.lexsort(keys)
    new = np.zeros(len(order), bool)
    for key in keys:
        new |= np.diff(key[order], prepend=key[order][:1] - 1 if key.dtype != bool else ~key[order][:1]) != 0
    head = order[new]
    item = np.cumsum(new) - 1
    size = np.bincount(item, minlength=len(head)).astype(np.int64)
    return Items(
        member=wanted.member[head],
        window=wanted.window[head],
        low=low[head],
        high=high[head],
        owner=wanted.owner[head],
        backup=wanted.backup[head],
        rep=rep[head],
        visits=size,
        promised=np.bincount(item, weights=wanted.promised[order], minlength=len(head)).astype(np.int64),
        first=wanted.first[head],
        minutes=wanted.minutes[head],
        spacing=wanted.spacing[head],
        start=np.concatenate([[0], np.cumsum(size)]).astype(np.int64),
        day=wanted.day[order],
    )


def _window(horizon: Horizon, wanted: Wanted) -> tuple[Ints, Ints]:
    """First and last day of the visits' windows on which the client is one."""
    first = np.maximum(horizon.window_first[wanted.window], wanted.first_day)
    last = np.minimum(horizon.window_last[wanted.window], wanted.last_day)
    return first, np.maximum(last, first - 1)


def _cut(horizon: Horizon, wanted: Wanted) -> tuple[Ints, Ints, Ints]:
    """Ideal days at least the spacing apart where the windows allow it, and intervals that keep it whatever is chosen.

    The visits stand by client and day. Between neighbours the middle is cut.
    """
    first, last = _window(horizon, wanted)
    day = push_apart(wanted.member, wanted.day, wanted.spacing, first, last)
    low, high = intervals(wanted.member, day, wanted.spacing, first, last)
    days = np.flatnonzero(horizon.working)
    if len(days):
        rank = horizon.rank[np.clip(day, 0, len(horizon.days) - 1)]
        low = np.maximum(low, days[np.clip(rank - REACH, 0, len(days) - 1)])
        high = np.minimum(high, days[np.clip(rank + REACH, 0, len(days) - 1)])
        low = np.minimum(low, high + 1)
    return day, low, high


def _makers(team: Team, wanted: Wanted, day: Ints, low: Ints, high: Ints) -> Ints:
    """Who makes each visit (−1: nobody): who is there on its day, else on some day between ``low`` and ``high``."""
    reps = len(team.code) + 1
    pairs, pair = np.unique(wanted.owner * reps + wanted.backup + 1, return_inverse=True)
    cover = team.covers(pairs // reps, pairs % reps - 1)
    own = np.append(team.own, np.zeros((1, team.own.shape[1]), bool), axis=0)
    covers, works = _running(cover), _running(own)
    mine = works[wanted.owner, high + 1] > works[wanted.owner, low]
    theirs = covers[pair, high + 1] > covers[pair, low]
    rep = np.where(mine, wanted.owner, np.where(theirs, wanted.backup, -1))
    rep = np.where(cover[pair, day] & theirs, wanted.backup, rep)
    return np.where(own[wanted.owner, day] & mine, wanted.owner, rep)


def _running(days: Bools) -> Ints:
    """Running counts of days."""
    counts = np.zeros((len(days), days.shape[1] + 1), np.int64)
    np.cumsum(days, axis=1, out=counts[:, 1:])
    return counts


def wanted_visits(dealt: Dealt, rings: Rings, minutes: Ints, first_minutes: int, spacing: Ints) -> Wanted:
    """Put the attributes of its group to every visit.

    Parameters
    ----------
    dealt : Dealt
    rings : Rings
    minutes, spacing : int array, shape (tiers,)
    first_minutes : int
    """
    tier = rings.tier[dealt.group]
    apart = np.append(spacing, 0)[tier]
    return Wanted(
        member=dealt.member,
        window=dealt.window,
        span=dealt.span,
        owner=rings.owner[dealt.group],
        backup=rings.backup[dealt.group],
        first_day=rings.first_day[dealt.group],
        last_day=rings.last_day[dealt.group],
        promised=dealt.promised,
        first=dealt.first,
        minutes=np.where(dealt.first, first_minutes, np.append(minutes, 0)[tier]).astype(np.int64),
        spacing=np.where(dealt.first, 0, apart).astype(np.int64),
        day=dealt.day,
        loose=np.zeros(len(dealt.day), bool),
    )
