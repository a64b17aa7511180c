"""From a plan's monthly visits of groups to single visits of clients, each with an ideal day."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from allocator.model import Model
from allocator.visits.horizon import KINDS, Bools, Floats, Horizon, Ints, Kind
from allocator.visits.rings import Rings

SLACK = 1e-6
"""Noise of an engine that does not make a visit."""


@dataclass(frozen=True)
class Dealt:
    """Visits that the plan wants, each with its client and ideal day; and those that it did not plan.

    Attributes
    ----------
    group, member, window, span, day : int array, shape (visits,)
        ``member`` is the place in ``Rings.client``; ``day`` the ideal day.
    promised, first : bool array, shape (visits,)
        Whether the visit counts for the promise; whether it is a first visit.
    missing_member, missing_window : int array
        Promised visits that the plan does not have.
    executive_member, executive_window : int array
        One entry for every visit that is to go with an executive.
    """

    group: Ints
    member: Ints
    window: Ints
    span: Ints
    day: Ints
    promised: Bools
    first: Bools
    missing_member: Ints
    missing_window: Ints
    executive_member: Ints
    executive_window: Ints


def whole(values: Floats) -> Ints:
    """Whole numbers with the same running sums, rounded half up; along the last axis."""
    running = np.floor(np.cumsum(values, axis=-1) + 0.5 + SLACK).astype(np.int64)
    return np.diff(running, axis=-1, prepend=0)


def steps(values: Floats) -> Ints:
    """Whole steps of the running sums; along the last axis."""
    running = np.floor(np.cumsum(values, axis=-1) + SLACK).astype(np.int64)
    return np.diff(running, axis=-1, prepend=0)


def deal(model: Model, horizon: Horizon, rings: Rings) -> Dealt:
    """Deal all visits of a plan."""
    tiers = model["tiers"]
    per = np.append(tiers["per"].to_numpy(object), "month")[rings.tier]
    parts = [_deal_kind(model, horizon, rings, np.flatnonzero(per == k), horizon.kinds[k]) for k in KINDS]
    parts.append(_deal_first(horizon, rings))
    joined = {f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Dealt)}
    return Dealt(**joined)


def _deal_kind(model: Model, horizon: Horizon, rings: Rings, groups: Ints, kind: Kind) -> Dealt:
    tiers, windows = model["tiers"], len(kind.windows)
    visits = np.append(tiers["visits"].to_numpy(float), 0.0)[rings.tier[groups]]
    size = rings.size[groups]
    position = kind.window - kind.windows[0]
    stay, by_span = _by_stay(horizon, rings, groups, kind)
    planned = np.zeros((len(groups), windows))
    np.add.at(planned.T, position, by_span.T)
    promise = np.where(rings.active[groups], visits * size, 0.0)[:, None] * stay
    promised = whole(promise)
    missing = _missing(np.maximum(promise - planned, 0.0), promised)
    total = promised - missing + steps(np.maximum(planned - promise, 0.0))
    first, last = rings.first_day[groups][:, None], rings.last_day[groups][:, None]
    there = horizon.worked(kind.span[None, :], first, last)[1]
    counts = _into_spans(total, by_span, there, position)
    g, s, inside, member = _turns(rings, groups, counts)
    begin = np.cumsum(total, axis=1) - total
    rank = np.cumsum(counts, axis=1)[g, s] - counts[g, s] + inside
    day = _ideal(horizon, rings, groups[g], kind.span[s], inside, counts[g, s])
    gone = _turns(rings, groups, missing, offset=begin + total)
    executive = _executives(model, rings, groups, total, begin)
    return Dealt(
        group=groups[g],
        member=member,
        window=kind.window[s],
        span=kind.span[s],
        day=day,
        promised=rank - begin[g, position[s]] < promised[g, position[s]],
        first=np.zeros(len(g), bool),
        missing_member=gone[3],
        missing_window=kind.windows[gone[1]],
        executive_member=executive[0],
        executive_window=kind.windows[executive[1]],
    )


def _by_stay(horizon: Horizon, rings: Rings, groups: Ints, kind: Kind) -> tuple[Floats, Floats]:
    """Times of the promise in each window, and visits of the plan in each span, both by the stay of the groups' clients."""
    months = rings.planned.shape[1]
    times = np.empty((len(groups), len(kind.windows)))
    by_span = np.empty((len(groups), len(kind.span)))
    pairs, of = np.unique(np.stack([rings.first_day, rings.last_day])[:, groups], axis=1, return_inverse=True)
    for k, (first, last) in enumerate(pairs.T.tolist()):
        mine = np.flatnonzero(of.ravel() == k)
        worked = horizon.worked(np.arange(months), 0, len(horizon.days) - 1)[1]
        here = horizon.worked(np.arange(months), first, last)[1]
        stay = np.where(worked > 0, here / np.maximum(worked, 1), 1.0)
        if not len(kind.span) or kind.span[0] >= months:  # weeks
            parts = _week_parts(horizon, kind, first, last)
            times[mine] = (np.bincount(kind.month, minlength=months) * stay) @ parts
            by_span[mine] = rings.planned[groups[mine]] @ parts
        else:
            position = kind.window - kind.windows[0]
            times[mine] = kind.factor * np.bincount(position, weights=stay) / np.bincount(position)
            by_span[mine] = rings.planned[groups[mine]]
    return times, by_span


def _week_parts(horizon: Horizon, kind: Kind, first: int, last: int) -> Floats:
    """Parts of each month's visits that fall into each week, shape (months, weeks), where clients come or go.

    By the shares of the weeks' working days from ``first`` to ``last``; days of a month that lie in none of its weeks take its
    visits to the week they lie in.
    """
    whole_weeks = horizon.worked(kind.span, 0, len(horizon.days) - 1)[1]
    share = horizon.worked(kind.span, first, last)[1] / np.maximum(whole_weeks, 1)
    months = int(horizon.month[-1]) + 1
    parts = np.where(kind.month == np.arange(months)[:, None], share, 0.0)
    for t in np.flatnonzero(parts.sum(axis=1) == 0).tolist():
        begin, end = max(first, int(horizon.span_first[t])), min(last, int(horizon.span_last[t]))
        parts[t] = horizon.worked(kind.span, begin, end)[1]
    return np.asarray(parts / np.maximum(parts.sum(axis=1, keepdims=True), 1e-300))


def _missing(short: Floats, promised: Ints) -> Ints:
    """Promised visits of each window that the plan does not have: whole steps of what is short, as soon as there are promised ones."""
    total = np.floor(np.cumsum(short, axis=1) + SLACK).astype(np.int64)
    missing = np.zeros_like(promised)
    before = np.zeros(len(promised), np.int64)
    for w in range(promised.shape[1]):
        missing[:, w] = np.clip(total[:, w] - before, 0, promised[:, w])
        before += missing[:, w]
    return missing


def _into_spans(total: Ints, planned: Floats, days: Ints, position: Ints) -> Ints:
    """Divide each window's visits into its spans as the plan does, if the clients are there; shape (groups, spans).

    ``days`` has the same shape: working days of the spans on which the clients are there.
    """
    counts = np.zeros(planned.shape, np.int64)
    for w in range(total.shape[1]):
        mine = np.flatnonzero(position == w)
        here = days[:, mine]
        weight = np.where((here > 0) | (here.sum(axis=1, keepdims=True) == 0), planned[:, mine], 0.0)
        weight = np.where(weight.sum(axis=1, keepdims=True) > SLACK, weight, here.astype(float))
        weight = np.where(weight.sum(axis=1, keepdims=True) > 0, weight, 1.0)
        weight = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-300)
        counts[:, mine] = whole(weight * total[:, [w]])
    return counts


def _turns(rings: Rings, groups: Ints, counts: Ints, offset: Ints | None = None) -> tuple[Ints, Ints, Ints, Ints]:
    """One entry a visit: group (row of counts), column, number within the cell, member whose turn it is."""
    g, c = np.divmod(np.repeat(np.arange(counts.size), counts.ravel()), counts.shape[1])
    before = np.cumsum(counts.ravel()) - counts.ravel()
    inside = np.arange(len(g)) - np.repeat(before, counts.ravel())
    begin = np.cumsum(counts, axis=1) - counts if offset is None else offset
    turn = (begin[g, c] + inside) % np.maximum(rings.size[groups], 1)[g]
    return g, c, inside, rings.start[groups][g] + turn


def _ideal(horizon: Horizon, rings: Rings, group: Ints, span: Ints, inside: Ints, count: Ints) -> Ints:
    """Days that stand evenly over those working days of a span on which the clients are there."""
    before, size = horizon.worked(span, rings.first_day[group], rings.last_day[group])
    place = before + np.clip(np.floor((inside + 0.5) / count * size).astype(np.int64), 0, np.maximum(size - 1, 0))
    day = horizon.span_days[span, np.minimum(place, horizon.span_days.shape[1] - 1)]
    return np.where((day >= 0) & (size > 0), day, horizon.span_first[span])


def _executives(model: Model, rings: Rings, groups: Ints, total: Ints, begin: Ints) -> tuple[Ints, Ints]:
    """Members and windows of the visits with an executive: the ratio of the tier, round the clients of the window."""
    tiers = model["tiers"]
    visits = tiers["visits"].to_numpy(float)
    each = np.divide(tiers["executive_visits"].to_numpy(float), visits, out=np.zeros(len(tiers)), where=visits > 0)
    ratio = np.append(each, 0.0)[rings.tier[groups]]
    there = np.minimum(total, rings.size[groups][:, None])
    counts = np.minimum(whole(np.minimum(ratio, 1.0)[:, None] * total), total)
    g, w, inside, _member = _turns(rings, groups, counts)
    served = (np.cumsum(counts, axis=1) - counts)[g, w]
    turn = begin[g, w] + (served + inside) % np.maximum(there[g, w], 1)
    return rings.start[groups][g] + turn % np.maximum(rings.size[groups], 1)[g], w


def _deal_first(horizon: Horizon, rings: Rings) -> Dealt:
    """First visits: each client of the ring once."""
    kind = horizon.kinds["month"]
    groups = np.flatnonzero((rings.first > SLACK).any(axis=1))
    counts = whole(rings.first[groups])
    left = rings.size[groups][:, None] - (np.cumsum(counts, axis=1) - counts)
    counts = np.clip(counts, 0, np.maximum(left, 0))
    g, s, inside, member = _turns(rings, groups, counts)
    none = np.zeros(0, np.int64)
    return Dealt(
        group=groups[g],
        member=member,
        window=kind.window[s],
        span=kind.span[s],
        day=_ideal(horizon, rings, groups[g], kind.span[s], inside, counts[g, s]),
        promised=np.zeros(len(g), bool),
        first=np.ones(len(g), bool),
        missing_member=none,
        missing_window=none,
        executive_member=none,
        executive_window=none,
    )
