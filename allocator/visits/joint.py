"""Visits that two people make together, and whose days are shared: with an executive, with a mentor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.formulation.grain import rep_scope
from allocator.model import Model
from allocator.visits.dealing import Dealt, whole
from allocator.visits.flows import Network, solve
from allocator.visits.horizon import Floats, Horizon, Ints
from allocator.visits.items import Items
from allocator.visits.keeping import Kept, joint_costs
from allocator.visits.rings import Tables
from allocator.visits.tasks import FROM_IDEAL, LOAD, NO_PROMISED
from allocator.visits.team import UNLIMITED, Team

MENTORING = "mentoring"
"""Activities of this name (or ``mentoring_…``) are the mentors' time for visits with new reps."""


@dataclass(frozen=True)
class Wishes:
    """Joint visits that are wished for.

    Attributes
    ----------
    purpose : str
    count : int array, shape (wishes,)
    item : int array, shape (candidates,)
        Items that may serve, each for one wish only.
    wish : int array, shape (candidates,)
    first, last : int array, shape (candidates,)
        Days on which they may.
    pool : int array, shape (reps,)
        Whose days a rep's joint visits take.
    units : int array, shape (pools, days)
        Visits that a day of the pool holds.
    month_units : int array, shape (pools, months)
    """

    purpose: str
    count: Ints
    item: Ints
    wish: Ints
    first: Ints
    last: Ints
    pool: Ints
    units: Ints
    month_units: Ints


@dataclass(frozen=True)
class Joint:
    """Joint visits that have a day: whom they serve (wish), item, day."""

    wish: Ints
    item: Ints
    day: Ints


def date_joint(
    horizon: Horizon,
    team: Team,
    items: Items,
    wishes: Wishes,
    closed: Ints,
    left: Ints,
    minutes: Ints,
    kept: Kept | None,
) -> Joint:
    """Date joint visits in one flow: wish → item → day of the rep → day of the pool → its month → end.

    Parameters
    ----------
    horizon, team, items, wishes : Horizon, Team, Items, Wishes
    closed : int array
        ``member · days + day`` on which a client cannot be visited; sorted.
    left : int array, shape (items,)
        Visits of each item that have no day yet.
    minutes : int array, shape (reps, days)
        What the reps' days still hold.
    kept : Kept, optional
        Dates that are preferred.
    """
    days = len(horizon.days)
    entry, day = _choices(team, items, wishes, closed, days)
    if not len(entry):
        return Joint(*(np.zeros(0, np.int64),) * 3)
    item = wishes.item[entry]
    rep_day, at = np.unique(items.rep[item] * days + day, return_inverse=True)
    length = np.maximum(items.minutes[item], 1)
    room = np.full(len(rep_day), UNLIMITED)
    np.minimum.at(room, at, minutes.ravel()[rep_day[at]] // length)
    room = np.clip(np.minimum(room, team.day_visits[rep_day // days]), 0, None)
    pool_day = wishes.pool[rep_day // days] * days + rep_day % days
    units, months = wishes.units.ravel(), wishes.month_units.ravel()
    sizes = np.cumsum([0, len(wishes.count), len(wishes.item), len(rep_day), len(units), len(months)])
    at_item, at_rep, at_day, at_month, end = sizes[1:].tolist()
    used = np.unique(pool_day)
    unit = np.repeat(used, units[used])
    number = np.arange(len(unit)) - np.repeat(np.cumsum(units[used]) - units[used], units[used])
    pool, on = np.divmod(unit, days)
    ideal = items.day[items.start[item]]
    far = np.minimum(np.abs(horizon.rank[day] - horizon.rank[ideal]), FROM_IDEAL)
    far += joint_costs(kept, wishes.purpose, items.member[item], day)
    arcs = [
        (at_item + entry, at_rep + at, 1, far),
        (wishes.wish, at_item + np.arange(len(wishes.item)), left[wishes.item], 0),
        (at_rep + np.arange(len(rep_day)), at_day + pool_day, room, 0),
        (
            at_day + unit,
            at_month + pool * wishes.month_units.shape[1] + horizon.month[on],
            1,
            LOAD * (2 * number + 1) // np.maximum(units[unit], 1),
        ),
        (at_month + np.arange(len(months)), np.full(len(months), end), months, 0),
        (np.arange(len(wishes.count)), np.full(len(wishes.count), end), wishes.count, NO_PROMISED),
    ]
    tail, head, capacity, cost = (
        np.concatenate([np.broadcast_to(np.asarray(arc[k], np.int64), len(arc[0])) for arc in arcs]) for k in range(4)
    )
    supply = np.zeros(end + 1, np.int64)
    supply[: len(wishes.count)] = wishes.count
    supply[end] = -wishes.count.sum()
    taken = solve(Network(tail, head, capacity, cost, supply), len(entry))
    return Joint(wishes.wish[entry[taken]], item[taken], day[taken])


def _choices(team: Team, items: Items, wishes: Wishes, closed: Ints, days: int) -> tuple[Ints, Ints]:
    """Candidates and days on which the rep, the client and the pool can."""
    size = np.maximum(wishes.last - wishes.first + 1, 0)
    entry = np.repeat(np.arange(len(wishes.item)), size)
    day = wishes.first[entry] + np.arange(len(entry)) - np.repeat(np.cumsum(size) - size, size)
    item = wishes.item[entry]
    rep, owner = items.rep[item], items.owner[item]
    can = team.own[rep, day] & ((rep == owner) | ~team.own[owner, day])
    can &= (rep >= 0) & (wishes.units[wishes.pool[rep], day] > 0)
    can &= ~np.isin(items.member[item] * days + day, closed)
    return entry[can], day[can]


def executive_tiers(model: Model) -> list[tuple[str, tuple[str, ...]]]:
    """Tiers with executive visits that use resources, and these; the most hours a visit first."""
    needs, tiers = model["needs"], model["tiers"]
    led = tiers.loc[tiers["executive_visits"] > 0, "tier"]
    rows = needs[needs["tier"].isin(led) & (needs["hours"] > 0)]
    found = [
        (-float(g["hours"].max()), str(tier), tuple(sorted(map(str, g["resource"]))))
        for tier, g in rows.groupby("tier")
    ]
    return [(tier, resources) for _hours, tier, resources in sorted(found)]


@dataclass
class Executives:
    """Hours of the shared resources that are left, by day and by month.

    Attributes
    ----------
    resource : list of str
    hours : float array, shape (resources, tiers of the model)
        Hours that an executive visit of a tier needs.
    days : float array, shape (resources, days)
    months : float array, shape (resources, months)
    """

    resource: list[str]
    hours: Floats
    days: Floats
    months: Floats

    def units(self, tier: int) -> tuple[Ints, Ints]:
        """Visits of a tier that each day and month still hold, of all the resources it needs."""
        rows = np.flatnonzero(self.hours[:, tier] > 0)
        need = self.hours[rows, tier][:, None]
        day, month = (np.floor((x[rows] / need).min(axis=0) + 1e-6) for x in (self.days, self.months))
        return day.astype(np.int64)[None, :], np.maximum(month, 0).astype(np.int64)[None, :]

    def take(self, tier: int, day: Ints, month: Ints) -> None:
        """Take the hours of visits of a tier."""
        for r in np.flatnonzero(self.hours[:, tier] > 0):
            np.subtract.at(self.days[r], day, self.hours[r, tier])
            np.subtract.at(self.months[r], month, self.hours[r, tier])


def make_executives(model: Model, tables: Tables, horizon: Horizon) -> Executives:
    """Hours of resources that executive visits may use: of a month less what contracts need, of a day whole visits."""
    needs, months = model["needs"], np.array(model.calendar.months, object)
    resource = sorted({r for _tier, rs in executive_tiers(model) for r in rs})
    tiers = model["tiers"]["tier"].to_numpy(object)
    hours = np.zeros((len(resource), len(tiers)))
    by_tier = needs[(needs["tier"] != "") & needs["resource"].isin(resource)]
    hours[positions(resource, by_tier["resource"]), positions(tiers, by_tier["tier"])] = by_tier["hours"]
    left = np.zeros((len(resource), len(months)))
    for r, name in enumerate(resource):
        rows = model["resources"].query("resource == @name").set_index("month")["hours"]
        left[r] = rows.reindex(months).fillna(float(rows.get("", 0.0))).to_numpy(float)
        left[r] -= _contract_hours(needs[needs["resource"] == name], tables, months)
    left = np.maximum(left, 0.0)
    largest = hours.max(axis=1, initial=0.0)[:, None]
    working = np.maximum(np.bincount(horizon.month[horizon.working], minlength=len(months)), 1)
    day = np.ceil(left / working / np.maximum(largest, 1e-9) - 1e-6) * largest
    return Executives(resource, hours, day[:, horizon.month] * horizon.working, left)


def _contract_hours(needs: pd.DataFrame, tables: Tables, months: NDArray[np.object_]) -> Floats:
    """Hours of a resource that contracts of each month take."""
    each = needs[needs["product"] != ""].set_index("product")["hours"]
    if not len(each) or "forecast" not in tables:
        return np.zeros(len(months))
    rows = tables["forecast"][tables["forecast"]["product"].isin(each.index)]
    hours = pd.to_numeric(rows["contracts"]).fillna(0.0) * rows["product"].map(each).to_numpy(float)
    return np.asarray(hours.groupby(rows["month"].astype(str)).sum().reindex(months).fillna(0.0), float)


def executive_wishes(items: Items, dealt: Dealt, members: Ints, units: tuple[Ints, Ints], reps: int) -> Wishes:
    """Executive visits of some members as wishes."""
    some = np.isin(dealt.executive_member, members)
    keys = np.stack([dealt.executive_member[some], dealt.executive_window[some]])
    (member, window), count = np.unique(keys, axis=1, return_counts=True)
    wish = _find(items.member, items.window, member, window)
    item = np.flatnonzero((wish >= 0) & ~items.first)
    return Wishes(
        purpose="executive",
        count=count.astype(np.int64),
        item=item,
        wish=wish[item],
        first=items.low[item],
        last=items.high[item],
        pool=np.zeros(reps, np.int64),
        units=units[0],
        month_units=units[1],
    )


def _find(member: Ints, window: Ints, wanted_member: Ints, wanted_window: Ints) -> Ints:
    """Position of each (member, window) among the wanted ones, which are sorted; −1 for none."""
    if not len(wanted_member):
        return np.full(len(member), -1, np.int64)
    scale = int(max(window.max(initial=0), wanted_window.max())) + 1
    known, key = wanted_member * scale + wanted_window, member * scale + window
    at = np.minimum(np.searchsorted(known, key), len(known) - 1)
    return np.where(known[at] == key, at, -1)


def mentors(model: Model, team: Team) -> Ints:
    """Mentor of each rep; −1 for none."""
    held = np.zeros(len(team.code), bool)
    for name, scope in model["activities"][["activity", "scope"]].itertuples(index=False):
        if _is_mentoring(name):
            held |= rep_scope(model, scope)
    new = team.new.any(axis=1)
    free = np.flatnonzero(held & ~new)
    mentor = np.full(len(team.code), -1, np.int64)
    if not len(free):
        return mentor
    unit = model["reps"]["unit"].to_numpy(object)
    taken = np.zeros(len(team.code), np.int64)
    for rep in np.flatnonzero(new).tolist():
        above = model.ancestors[unit[rep]]
        level = [
            next(k for k, u in enumerate((*above, None)) if u is None or u in model.ancestors[unit[m]]) for m in free
        ]
        order = np.lexsort((free, taken[free], np.array(level), free != team.backup[rep]))
        mentor[rep] = free[order[0]]
        taken[mentor[rep]] += 1
    return mentor


def _is_mentoring(activity: str) -> bool:
    return activity == MENTORING or activity.startswith(f"{MENTORING}_")


def mentoring_wishes(
    model: Model, horizon: Horizon, team: Team, items: Items, mentor: Ints, left: Ints, minutes: Ints
) -> Wishes:
    """Mentoring visits as wishes, one for each new rep and month; a mentor's day must have room for the longest."""
    calendar = model.calendar
    months = calendar.count
    often = {
        "week": calendar.weeks.astype(float),
        "month": np.ones(months),
        "quarter": np.full(months, 1 / 3),
        "year": np.full(months, 1 / months),
    }
    times_a_month = np.zeros((len(team.code), months))
    for name, scope, times, per in model["activities"][["activity", "scope", "count", "per"]].itertuples(index=False):
        if _is_mentoring(name):
            times_a_month += np.outer(rep_scope(model, scope), times * often[per])
    present = np.stack([np.bincount(horizon.month[days], minlength=months) for days in team.own])
    count = whole(times_a_month * present / np.maximum(calendar.working_days, 1))
    wished = np.zeros((len(team.code), months), np.int64)
    turn: dict[int, int] = {}
    for learner in np.flatnonzero(mentor >= 0).tolist():
        turn[learner] = int((mentor[:learner] == mentor[learner]).sum())
    for t in range(months):
        for m in np.unique(mentor[mentor >= 0]).tolist():
            learners = [r for r in turn if mentor[r] == m and team.new[r, t]]
            for k in range(int(count[m, t]) if learners else 0):
                wished[learners[(t + k) % len(learners)], t] += 1
    rep, month = (x.astype(np.int64) for x in np.nonzero(wished))
    at = np.full(wished.shape, -1, np.int64)
    at[rep, month] = np.arange(len(rep))
    own = np.where((items.rep >= 0) & (left > 0) & (items.rep == items.owner), items.rep, -1)
    on = horizon.month[np.clip(items.day[items.start[:-1]], 0, len(horizon.month) - 1)]
    wish = np.where(own >= 0, at[own, on], -1)
    item = np.flatnonzero(wish >= 0)
    first, last = horizon.span_first[month], horizon.span_last[month]
    return Wishes(
        purpose=MENTORING,
        count=wished[rep, month],
        item=item,
        wish=wish[item],
        first=np.maximum(items.low[item], first[wish[item]]),
        last=np.minimum(items.high[item], last[wish[item]]),
        pool=np.maximum(mentor, 0),
        units=(team.own & (minutes >= items.minutes[item].max(initial=0))).astype(np.int64),
        month_units=np.full((len(team.code), months), UNLIMITED),
    )


def date_executives(
    model: Model,
    tables: Tables,
    horizon: Horizon,
    team: Team,
    items: Items,
    dealt: Dealt,
    tier_of: Ints,
    closed: Ints,
    left: Ints,
    minutes: Ints,
    kept: Kept | None,
) -> tuple[Joint, Ints]:
    """Date the visits with an executive, tier after tier; and the items of those for which there was no executive.

    ``tier_of`` is each member's tier; ``left``, ``minutes`` and ``kept`` are those of :func:`date_joint`, and stay as they are.
    """
    pools = make_executives(model, tables, horizon)
    number = {t: k for k, t in enumerate(model["tiers"]["tier"])}
    left, minutes = left.copy(), minutes.copy()
    joints, refused = [], []
    for tier, _resources in executive_tiers(model):
        k = number[tier]
        wishes = executive_wishes(items, dealt, np.flatnonzero(tier_of == k), pools.units(k), len(team.code))
        joint = date_joint(horizon, team, items, wishes, closed, left, minutes, kept)
        pools.take(k, joint.day, horizon.month[joint.day])
        np.subtract.at(left, joint.item, 1)
        np.subtract.at(minutes, (items.rep[joint.item], joint.day), items.minutes[joint.item])
        missed = wishes.count - np.bincount(joint.wish, minlength=len(wishes.count))
        refused.append(_refused(wishes, missed, left))
        np.subtract.at(left, refused[-1], 1)
        joints.append(joint)
    none = np.zeros(0, np.int64)
    together = [np.concatenate([none, *(getattr(j, f) for j in joints)]) for f in ("wish", "item", "day")]
    return Joint(*together), np.concatenate([none, *refused])


def _refused(wishes: Wishes, missed: Ints, left: Ints) -> Ints:
    """Items that lose a visit for each wish that is not served: the latest that have one."""
    rows = np.flatnonzero(left[wishes.item] > 0)
    slots = np.repeat(rows, left[wishes.item[rows]])
    slots = slots[np.lexsort((-wishes.first[slots], wishes.wish[slots]))]
    wish = wishes.wish[slots]
    place = np.arange(len(slots)) - np.searchsorted(wish, wish)
    return wishes.item[slots[place < missed[wish]]]


def date_mentoring(
    model: Model,
    horizon: Horizon,
    team: Team,
    items: Items,
    mentor: Ints,
    closed: Ints,
    left: Ints,
    minutes: Ints,
    kept: Kept | None,
) -> Joint:
    """Date the visits of new reps on which their mentors go along."""
    if not (mentor >= 0).any():
        return Joint(*(np.zeros(0, np.int64),) * 3)
    wishes = mentoring_wishes(model, horizon, team, items, mentor, left, minutes)
    return date_joint(horizon, team, items, wishes, closed, left, minutes, kept)
