"""From the reps' answers to one schedule: promises counted, purposes and reasons given, figures taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from allocator.crew import Crew
from allocator.model import Model
from allocator.visits.answer import Lines, Names, Schedule, unplaced_frame, visits_frame
from allocator.visits.areas import day_tours
from allocator.visits.dealing import Dealt
from allocator.visits.exchanging import exchange
from allocator.visits.horizon import Bools, Ints
from allocator.visits.joint import Joint, executive_tiers
from allocator.visits.keeping import moved_visits
from allocator.visits.preparing import Workshop
from allocator.visits.rings import Rings
from allocator.visits.tasks import Placed

NOT_PLANNED, NO_DAY, REP_FULL, EXECUTIVE_FULL = range(4)
ORDINARY, EXECUTIVE, MENTORING, SERIES = range(4)


@dataclass(frozen=True)
class Book:
    """All that is known when the reps have answered."""

    model: Model
    shop: Workshop
    rings: Rings
    dealt: Dealt
    names: Names
    closed: Ints
    executives: Joint
    mentoring: Joint
    refused: Ints
    mentor: Ints


def assemble(book: Book, rows: list[Ints], placed: list[Placed], crew: Crew | None = None) -> Schedule:
    """Put the answers together; ``rows`` are the items of each answer, and the crew helps, where there is one."""
    none = np.zeros(0, np.int64)
    ordinary = np.concatenate([none, *(r[p.item] for r, p in zip(rows, placed, strict=True))])
    alone = np.concatenate([none, *(p.day for p in placed)])
    day, rep = exchange(book.shop, ordinary, alone, crew)
    lines, item = _lines(book, ordinary, day, rep)
    lines = replace(lines, promised=_promised(book, lines, item))
    lines = replace(lines, reason=_reasons(book, lines, item))
    lines = replace(lines, kind=_plain_executives(book, lines))
    lines = _joined(lines, _missing(book), _series_without_visit(book, lines))
    return Schedule(
        visits_frame(lines, book.names),
        unplaced_frame(lines, book.names),
        _figures(book, lines, placed, int((day != alone).sum())),
    )


def _lines(book: Book, ordinary: Ints, day: Ints, rep: Ints) -> tuple[Lines, Ints]:
    """Visits that the plan wants, dated or not, and their items; given are those that are not joint."""
    items = book.shop.items
    nowhere = np.flatnonzero((items.rep < 0) & (book.shop.visits > 0))
    nowhere = np.repeat(nowhere, book.shop.visits[nowhere])
    parts = [
        (ordinary, day, ORDINARY, 0),
        (nowhere, np.full(len(nowhere), -1), ORDINARY, 0),
        (book.executives.item, book.executives.day, EXECUTIVE, _resources(book, book.executives.item)),
        (book.refused, np.full(len(book.refused), -1), EXECUTIVE, _resources(book, book.refused)),
        (book.mentoring.item, book.mentoring.day, MENTORING, book.mentor[items.rep[book.mentoring.item]] + 1),
    ]
    item, day, kind, companion = (
        np.concatenate([np.broadcast_to(np.asarray(part[k], np.int64), len(part[0])) for part in parts])
        for k in range(4)
    )
    lines = Lines(
        member=items.member[item],
        window=items.window[item],
        day=day,
        rep=np.concatenate([rep, items.rep[item[len(rep) :]]]),
        owner=items.owner[item],
        minutes=items.minutes[item],
        first=items.first[item],
        kind=kind,
        companion=companion,
        reason=np.full(len(item), -1),
        promised=np.zeros(len(item), bool),
    )
    return lines, item


def _resources(book: Book, item: Ints) -> Ints:
    """Companion number of the resources that an executive visit uses."""
    names = book.names
    place = {str(name): k for k, name in enumerate(names.companions)}
    of_tier = np.zeros(len(names.tier) + 1, np.int64)
    number = {t: k for k, t in enumerate(names.tier)}
    for tier, resources in executive_tiers(book.model):
        of_tier[number[tier]] = place[" ".join(resources)]
    return of_tier[names.tier_of[book.shop.items.member[item]]]


def _pairs(member: Ints, window: Ints, windows: int) -> Ints:
    return member * windows + window


def _promised(book: Book, lines: Lines, item: Ints) -> Bools:
    """Of a client's visits of a window as many as are promised: the dated ones first, then those with an executive."""
    windows = len(book.names.window)
    dealt = book.dealt
    wished = _pairs(dealt.member[dealt.promised], dealt.window[dealt.promised], windows)
    keys, counts = np.unique(wished, return_counts=True)
    pair = _pairs(lines.member, lines.window, windows)
    order = np.lexsort((lines.day, lines.kind == ORDINARY, lines.day < 0, lines.first, pair))
    place = np.arange(len(order)) - np.searchsorted(pair[order], pair[order])
    limit = _looked_up(keys, counts, pair[order])
    promised = np.zeros(len(order), bool)
    promised[order] = (place < limit) & ~lines.first[order]
    return promised


def _looked_up(keys: Ints, values: Ints, wanted: Ints) -> Ints:
    """Values of keys, which are sorted; 0 where there is none."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


def _plain_executives(book: Book, lines: Lines) -> Ints:
    """Kinds with the executive visits that use no resource: the first visits of client and window, dated ones before others."""
    dealt, windows = book.dealt, len(book.names.window)
    pooled = [list(book.names.tier).index(t) for t, _resources in executive_tiers(book.model)]
    plain = ~np.isin(book.names.tier_of[dealt.executive_member], pooled)
    if not plain.any():
        return lines.kind
    keys, counts = np.unique(
        _pairs(dealt.executive_member[plain], dealt.executive_window[plain], windows), return_counts=True
    )
    pair = _pairs(lines.member, lines.window, windows)
    order = np.lexsort((lines.day, lines.day < 0, lines.kind != ORDINARY, lines.first, pair))
    place = np.arange(len(order)) - np.searchsorted(pair[order], pair[order])
    chosen = place < _looked_up(keys, counts, pair[order])
    kind = lines.kind.copy()
    kind[order] = np.where(chosen & (kind[order] == ORDINARY) & ~lines.first[order], EXECUTIVE, kind[order])
    return kind


def _reasons(book: Book, lines: Lines, item: Ints) -> Ints:
    """Why visits have no day: nobody is there at a time that suits, or those who are have no room."""
    shop = book.shop
    horizon, team, days = shop.horizon, shop.team, len(shop.horizon.days)
    reason = np.full(len(item), -1, np.int64)
    waiting = np.flatnonzero(lines.day < 0)
    dated = np.flatnonzero((lines.day >= 0) & np.isin(lines.member, lines.member[waiting]))
    dated = dated[np.argsort(lines.member[dated], kind="stable")]
    begin = np.searchsorted(lines.member[dated], lines.member[waiting])
    end = np.searchsorted(lines.member[dated], lines.member[waiting], side="right")
    cover = team.covers(lines.owner[waiting], shop.items.backup[item[waiting]])
    for k, (v, a, b) in enumerate(zip(waiting.tolist(), begin.tolist(), end.tolist(), strict=True)):
        owner, member, window = int(lines.owner[v]), int(lines.member[v]), int(lines.window[v])
        first, last = int(horizon.window_first[window]), int(horizon.window_last[window]) + 1
        possible = first + np.flatnonzero(team.own[owner, first:last] | cover[k, first:last])
        if len(book.closed):
            possible = possible[~np.isin(member * days + possible, book.closed)]
        others = lines.day[dated[a:b]]
        if len(others) and len(possible):
            gap = max(int(shop.items.spacing[item[v]]), 1)
            possible = possible[np.abs(possible[:, None] - others).min(axis=1) >= gap]
        full = EXECUTIVE_FULL if lines.kind[v] == EXECUTIVE else REP_FULL
        reason[v] = full if len(possible) and owner >= 0 else NO_DAY
    return reason


def _missing(book: Book) -> Lines:
    """Promised visits that the plan does not have."""
    return _undated(book, book.dealt.missing_member, book.dealt.missing_window, ORDINARY, promised=True)


def _series_without_visit(book: Book, lines: Lines) -> Lines:
    """One line for each renewal series in which the plan has no visit."""
    names = book.names
    member, day = lines.member, lines.day
    inside = (day >= names.renewal_from[member]) & (day <= names.renewal_to[member])
    seen = np.unique(member[inside & (day >= 0)])
    series = np.flatnonzero(names.renewal_to >= names.renewal_from)
    alone = np.setdiff1d(series, seen)
    window = book.shop.horizon.month[names.renewal_from[alone]]
    return _undated(book, alone, window, SERIES, promised=False)


def _undated(book: Book, member: Ints, window: Ints, kind: int, *, promised: bool) -> Lines:
    owner = np.repeat(book.rings.owner, book.rings.size)[member]
    minutes = np.append(np.round(book.model["tiers"]["minutes"].to_numpy(float)).astype(np.int64), 0)
    count = len(member)
    return Lines(
        member=member,
        window=window,
        day=np.full(count, -1),
        rep=owner,
        owner=owner,
        minutes=minutes[book.names.tier_of[member]],
        first=np.zeros(count, bool),
        kind=np.full(count, kind),
        companion=np.zeros(count, np.int64),
        reason=np.full(count, NOT_PLANNED),
        promised=np.full(count, promised),
    )


def _joined(*lines: Lines) -> Lines:
    return Lines(**{name: np.concatenate([getattr(part, name) for part in lines]) for name in vars(lines[0])})


def _figures(book: Book, lines: Lines, placed: list[Placed], exchanged: int) -> dict[str, Any]:
    dated = lines.day >= 0
    by_rows, kept = sum(p.by_rows for p in placed), book.shop.kept
    horizon = book.shop.horizon
    visited = lines.take(np.flatnonzero(dated))
    cost, bound, proved = (sum(getattr(p, name) for p in placed) for name in ("cost", "bound", "proved"))
    moved = None
    if kept is not None:
        moved = moved_visits(
            kept, visited.member, visited.window, visited.day, horizon.window_first, horizon.window_last
        )
    return {
        "promised": int(lines.promised.sum()),
        "scheduled": int((lines.promised & dated).sum()),
        "unplaced": int((lines.promised & ~dated).sum()),
        "visits": int(dated.sum()),
        "unplaced_other": int((~lines.promised & ~dated).sum()),
        "reps": len(placed),
        "reps_by_rows": by_rows,
        "rows_share": by_rows / len(placed) if placed else 0.0,
        "repaired": sum(p.repaired for p in placed),
        "exchanged": exchanged,
        "cost": round(cost, 1),
        "bound": round(bound, 1),
        "gap": (cost - bound) / cost if cost else 0.0,
        "reps_proved": proved,
        "proved_share": proved / len(placed) if placed else 1.0,
        "moved": moved,
        "executive": int((visited.kind == EXECUTIVE).sum()),
        "mentoring": int((visited.kind == MENTORING).sum()),
        **_travel(book, visited),
    }


def _travel(book: Book, visited: Lines) -> dict[str, float | None]:
    """Kilometres of all days, and areas a day; None where places are not known for every visit."""
    clients, row = book.shop.clients, book.shop.row[visited.member]
    key = visited.rep * len(book.names.days) + visited.day
    area = clients.area[row]
    known = len(row) > 0 and bool((area >= 0).all())
    days = len(np.unique(key))
    visited_areas = len(np.unique(key * (int(area.max(initial=0)) + 1) + area)) if known else 0
    where = clients.where[row]
    located = len(row) > 0 and not bool(np.isnan(where).any())
    length = float(day_tours(key, where)[0].sum()) if located else None
    return {"kilometres": length, "areas_per_day": visited_areas / days if known else None}
