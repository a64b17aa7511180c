"""From a plan to dated visits."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.crew import Crew
from allocator.model import Model
from allocator.visits.answer import Names, Schedule
from allocator.visits.assembling import Book, assemble
from allocator.visits.beside import dating_crew
from allocator.visits.clients import ClientRows, read_clients
from allocator.visits.dealing import deal
from allocator.visits.horizon import Horizon, Ints, make_horizon
from allocator.visits.items import make_items, wanted_visits
from allocator.visits.joint import date_executives, date_mentoring, executive_tiers, mentors
from allocator.visits.keeping import read_kept, with_kept_days
from allocator.visits.preparing import Workshop, around_joint, days_apart
from allocator.visits.rings import Rings, Tables, first_minutes, make_rings
from allocator.visits.tasks import Placed, Task, joined
from allocator.visits.team import Team, make_team
from allocator.visits.workers import place_all

BATCH = 250_000
"""Visits that are in memory together."""
Progress = Callable[[int, int], None]
"""Told how many reps are done, of how many."""


def schedule(
    model: Model,
    tables: Tables,
    *,
    keep: pd.DataFrame | None = None,
    workers: int | Crew | None = None,
    progress: Progress | None = None,
) -> Schedule:
    """Date the visits of a plan.

    Parameters
    ----------
    model : Model
    tables : mapping of str to DataFrame
        ``effort`` and ``assignments`` of the plan, and ``forecast`` where contracts use the executives' hours; those read back from a
        run folder will do.
    keep : DataFrame, optional
        ``visits`` of an earlier run (client and date): its dates are preferred.
    workers : int or Crew, optional
        Processes, or those that there are already; by default as many as there are cores, and none for a few reps. The answer does not
        depend on it.
    progress : callable, optional
        Called with the number of reps done and of all reps.

    Returns
    -------
    Schedule

    Raises
    ------
    EngineError
        If a process fails.
    """
    parts = list(stream(model, tables, keep=keep, workers=workers, progress=progress, rows=None))
    return parts[0]  # always one: there is one batch even without a group


def stream(
    model: Model,
    tables: Tables,
    *,
    keep: pd.DataFrame | None = None,
    workers: int | Crew | None = None,
    progress: Progress | None = None,
    rows: int | None = BATCH,
) -> Iterator[Schedule]:
    """Date the visits of a plan in parts, each a schedule of some reps, in the order of the reps' codes in the model.

    Parameters
    ----------
    model, tables, keep, workers, progress
        As for :func:`schedule`.
    rows : int, optional
        Visits of a part, about; None puts everything into one.

    Yields
    ------
    Schedule
        Its figures are those of the part.
    """
    crew = workers if isinstance(workers, Crew) else dating_crew(len(model["reps"]), workers)
    try:
        yield from _stream(survey(model, tables), keep, crew, progress, rows)
    finally:
        if crew is not None and crew is not workers:
            crew.close()


def _stream(
    ground: Ground, keep: pd.DataFrame | None, crew: Crew | None, progress: Progress | None, rows: int | None
) -> Iterator[Schedule]:
    waiting: deque[_Batch] = deque()

    def tasks() -> Iterator[Task]:
        for batch in _batches(ground, rows):
            book = prepare(batch, keep)
            by_rep = book.shop.by_rep()
            waiting.append(_Batch(book, list(by_rep.values()), [], crew))
            yield from (book.shop.task(rep, items) for rep, items in by_rep.items())

    reps = len(ground.team.code)
    for done, answer in enumerate(place_all(tasks(), reps, crew), 1):
        if progress is not None:
            progress(done, reps)
        while not waiting[0].missing:  # a batch without any task
            yield waiting.popleft().schedule()
        waiting[0].placed.append(answer)
        if not waiting[0].missing:
            yield waiting.popleft().schedule()
    while waiting:
        yield waiting.popleft().schedule()


@dataclass(frozen=True)
class _Batch:
    """Reps who are dated together, and those of their answers that have come."""

    book: Book
    items: list[Ints]
    placed: list[Placed]
    crew: Crew | None

    @property
    def missing(self) -> int:
        """Answers that have not come."""
        return len(self.items) - len(self.placed)

    def schedule(self) -> Schedule:
        """Put the answers together."""
        return assemble(self.book, self.items, self.placed, self.crew)


@dataclass(frozen=True)
class Ground:
    """What is known before visits are dealt: of the whole plan, or of a batch of its reps (with their numbers in the batch).

    Attributes
    ----------
    mentor : int array, shape (reps,)
        Mentor of each rep; −1 for none.
    """

    model: Model
    tables: Tables
    horizon: Horizon
    team: Team
    rings: Rings
    clients: ClientRows
    mentor: Ints

    def only(self, groups: Ints) -> Ground:
        """Return some of the groups with their reps and the backups of these."""
        rings = self.rings.only(groups)
        if rings is self.rings:
            return self
        reps = np.unique(np.concatenate([rings.owner, rings.backup]))
        reps = reps[reps >= 0]
        place = np.full(len(self.team.code) + 1, -1, np.int64)
        place[reps] = np.arange(len(reps))
        rings = replace(rings, owner=place[rings.owner], backup=place[rings.backup])
        return replace(self, team=self.team.only(reps), rings=rings, mentor=place[self.mentor[reps]])


def survey(model: Model, tables: Tables) -> Ground:
    """Read days, reps, groups and clients of a plan."""
    horizon = make_horizon(model.calendar)
    team = make_team(model, horizon)
    rings = make_rings(model, tables, team.code)
    return Ground(model, tables, horizon, team, rings, read_clients(model, horizon, rings), mentors(model, team))


def _batches(ground: Ground, rows: int | None) -> Iterator[Ground]:
    """Parts that are dated together: reps and their backups never apart, nor any who share executives or mentors."""
    team, rings = ground.team, ground.rings
    if rows is None or executive_tiers(ground.model) or (ground.mentor >= 0).any():
        yield ground
        return
    from scipy.sparse.csgraph import connected_components  # here, as it takes long to import

    has = np.flatnonzero(rings.backup >= 0)
    size = len(team.code)
    graph = sp.coo_array((np.ones(len(has)), (rings.owner[has], rings.backup[has])), shape=(size, size))
    together = np.append(connected_components(graph, directed=False)[1], -1)[rings.owner]
    visits = (rings.planned + rings.first).sum(axis=1)
    _names, first, of = np.unique(together, return_index=True, return_inverse=True)
    weight = np.bincount(of, weights=visits)
    order = np.argsort(first)
    batch = np.empty(len(order), np.int64)
    batch[order] = np.cumsum(weight[order]) // max(rows, 1)
    for k in np.unique(batch):
        yield ground.only(np.flatnonzero(batch[of] == k))


def prepare(ground: Ground, keep: pd.DataFrame | None) -> Book:
    """Everything that is decided before reps are looked at one by one: which visits, joint ones with their days."""
    model, tables, horizon = ground.model, ground.tables, ground.horizon
    team, rings, mentor = ground.team, ground.rings, ground.mentor
    dealt = deal(model, horizon, rings)
    tiers = model["tiers"]
    names = _names(ground)
    kept = None if keep is None else read_kept(keep, names.client, horizon, rings)
    wanted = wanted_visits(
        dealt,
        rings,
        np.round(tiers["minutes"].to_numpy(float)).astype(np.int64),
        round(first_minutes(model)),
        tiers["spacing_days"].to_numpy(np.int64),
    )
    if kept is not None:
        wanted = with_kept_days(horizon, wanted, kept)
    items = make_items(horizon, team, wanted)
    apart = days_apart(rings, len(horizon.days))
    closed = joined(ground.clients.blocked(rings.client, len(horizon.days)), apart)
    minutes = np.where(team.own, team.day_minutes[:, None], 0)
    left, promised = items.visits.copy(), items.promised.copy()
    executives, refused = date_executives(
        model, tables, horizon, team, items, dealt, names.tier_of, closed, left, minutes, kept
    )
    _use(left, promised, np.concatenate([executives.item, refused]))
    np.subtract.at(minutes, (items.rep[executives.item], executives.day), items.minutes[executives.item])
    taken = joined(closed, around_joint(items, [executives], horizon))
    mentoring = date_mentoring(model, horizon, team, items, mentor, taken, left, minutes, kept)
    np.subtract.at(minutes, (items.rep[mentoring.item], mentoring.day), items.minutes[mentoring.item])
    _use(left, promised, mentoring.item)
    month_minutes = _month_minutes(team, rings, horizon)
    day_visits = np.broadcast_to(team.day_visits[:, None], minutes.shape).copy()
    for joint in (executives, mentoring):
        rep, length = items.rep[joint.item], items.minutes[joint.item]
        np.subtract.at(day_visits, (rep, joint.day), 1)
        np.subtract.at(month_minutes, (rep, horizon.month[joint.day]), length)
    np.subtract.at(minutes, (mentor[items.rep[mentoring.item]], mentoring.day), items.minutes[mentoring.item])
    shop = Workshop(
        horizon=horizon,
        team=team,
        items=items,
        visits=left,
        promised=promised,
        clients=ground.clients,
        row=rings.client,
        closed=joined(closed, around_joint(items, [executives, mentoring], horizon)),
        kept=kept,
        day_minutes=np.maximum(minutes, 0),
        day_visits=np.maximum(day_visits, 0),
        month_minutes=np.maximum(month_minutes, 0),
        mixed=_mixed(items.member, items.rep),
    )
    return Book(model, shop, rings, dealt, names, closed, executives, mentoring, refused, mentor)


def _use(left: Ints, promised: Ints, item: Ints) -> None:
    """Take joint visits off their items."""
    np.subtract.at(left, item, 1)
    np.subtract.at(promised, item, 1)
    np.maximum(promised, 0, out=promised)


def _month_minutes(team: Team, rings: Rings, horizon: Horizon) -> Ints:
    """Whole minutes of the months' hours, less the time of winning that is no visit, shared like visits."""
    months = team.month_minutes.copy()
    working = np.maximum(np.bincount(horizon.month[horizon.working], minlength=months.shape[1]), 1)
    present = np.stack([np.bincount(horizon.month[days], minlength=months.shape[1]) for days in team.own])
    owned = np.flatnonzero((rings.owner >= 0) & (rings.office.sum(axis=1) > 0))
    owner, backup = rings.owner[owned], rings.backup[owned]
    backed = np.asarray(team.covers(owner, backup).any(axis=1))
    share = np.where(backed[:, None], present[owner] / working, 1.0)
    np.subtract.at(months, owner, rings.office[owned] * share)
    np.subtract.at(months, backup[backed], (rings.office[owned] * (1 - share))[backed])
    return np.floor(months + 1e-6).astype(np.int64)


def _mixed(member: Ints, rep: Ints) -> Ints:
    """Members whom more than one rep visits."""
    some = rep >= 0
    order = np.lexsort((rep[some], member[some]))
    m, r = member[some][order], rep[some][order]
    return np.unique(m[1:][(np.diff(m) == 0) & (np.diff(r) != 0)])


def _names(ground: Ground) -> Names:
    model, horizon, rings = ground.model, ground.horizon, ground.rings
    code = model["clients"]["client"].to_numpy(object)[rings.client]
    many = np.flatnonzero(rings.number > 0)
    client = code.copy()
    client[many] = [f"{c}#{n}" for c, n in zip(code[many], rings.number[many].tolist(), strict=True)]
    tier_of = np.repeat(rings.tier, rings.size)
    first, last = _series(model, horizon, rings.client, tier_of)
    first = np.maximum(first, np.repeat(rings.first_day, rings.size))
    last = np.minimum(last, np.repeat(rings.last_day, rings.size))
    resources = [" ".join(sorted(set(r))) for _t, r in model["needs"].query("tier != ''").groupby("tier")["resource"]]
    return Names(
        days=horizon.days,
        rep=ground.team.code,
        tier=model["tiers"]["tier"].to_numpy(object),
        window=horizon.label,
        companions=np.array(["", *ground.team.code, *sorted(set(resources))], object),
        client=client,
        tier_of=tier_of,
        lost=np.repeat(rings.lost, rings.size),
        renewal_from=first,
        renewal_to=last,
        tour=ground.clients.tour[rings.client] * (int(rings.number.max(initial=0)) + 1) + rings.number,
    )


def _series(model: Model, horizon: Horizon, row: Ints, tier_of: Ints) -> tuple[Ints, Ints]:
    """First and last day of each client's renewal series; (0, −1) without one in the plan."""
    lead = np.append(model["tiers"]["renewal_lead_months"].to_numpy(np.int64), 0)[tier_of]
    clients = model["clients"]
    end = clients["renewal"].iloc[row]
    active = (clients["status"] == "active").to_numpy()[row]
    first, last = np.zeros(len(row), np.int64), np.full(len(row), -1, np.int64)
    for months in np.unique(lead[lead > 0]).tolist():
        rows = np.flatnonzero((lead == months) & active & end.notna().to_numpy())
        begin = end.iloc[rows] - pd.DateOffset(months=months)
        first[rows], last[rows] = _day_numbers(begin, horizon.days), _day_numbers(end.iloc[rows], horizon.days)
    here = (last >= 0) & (first < len(horizon.days))
    return np.where(here, np.maximum(first, 0), 0), np.where(here, np.minimum(last, len(horizon.days) - 1), -1)


def _day_numbers(dates: pd.Series, days: NDArray[np.datetime64]) -> Ints:
    numbers: Ints = (dates.to_numpy().astype("datetime64[D]") - days[0]).astype(np.int64)
    return numbers
