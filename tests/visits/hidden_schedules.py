"""Models with a schedule hidden in them: everything can be placed, and hardly any room is left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from allocator.model import Model

PROMISES = (
    ("A", 2, "month", 7),
    ("W", 1, "week", 4),
    ("B", 1, "month", 14),
    ("Q", 4, "quarter", 14),
    ("C", 1, "quarter", 30),
)
"""Tier, visits, per, spacing in days."""


@dataclass(frozen=True)
class Hidden:
    """A model whose promises a hidden schedule keeps, and the frames of a plan that plans just them."""

    model: Model
    tables: dict[str, pd.DataFrame]
    visits: int
    room: int


def hide(model: Model, seed: int, *, spaced: bool, full: float = 0.97) -> Hidden:
    """Make a model of one rep from another one.

    Clients of random tiers are added while a valid schedule for each is found in what is left of the days; some of the other days are
    blocked. ``full`` of the capacity is used at least.
    """
    rng = np.random.default_rng(seed)
    calendar = model.calendar
    days = np.flatnonzero(calendar.working)
    a_day = int(rng.integers(3, 7))
    left = np.where(calendar.working, a_day, 0)
    room = a_day * len(days)
    clients: list[tuple[str, str, tuple[str, ...]]] = []
    target = int(np.ceil(full * room))
    tiers = {t: (v, per, gap if spaced else 0) for t, v, per, gap in PROMISES}
    while (used := room - int(left.sum())) < target:
        names = [t for t in tiers if _visits(calendar, *tiers[t][:2]) <= room - used]
        tier = names[int(rng.integers(len(names)))] if rng.random() < 0.8 else "C"
        chosen = _find(rng, calendar, left, *tiers[tier])
        if chosen is None:
            continue
        left[chosen] -= 1
        spare = np.setdiff1d(days, chosen)
        closed = rng.choice(spare, size=int(rng.integers(0, len(spare) // 3)), replace=False)
        dates = tuple(str(calendar.days[d].date()) for d in np.sort(closed))
        clients.append((f"k{len(clients):03d}", tier, dates))
    return _written(model, clients, tiers, a_day, room)


def _visits(calendar: object, visits: int, per: str) -> int:
    return visits * len(_windows(calendar, per))


def _windows(calendar: object, per: str) -> list[np.ndarray]:
    """Days of each window of a promise."""
    months = calendar.day_month  # type: ignore[attr-defined]
    if per == "month":
        return [np.flatnonzero(months == t) for t in np.unique(months)]
    if per == "quarter":
        return [np.arange(len(months))]
    iso = calendar.days.isocalendar()  # type: ignore[attr-defined]
    week = (iso["year"] * 100 + iso["week"]).to_numpy()
    pieces = [np.flatnonzero(week == w) for w in np.unique(week)]
    return [p for p in pieces if calendar.working[p].any()]  # type: ignore[attr-defined]


def _find(
    rng: np.random.Generator, calendar: object, left: np.ndarray, visits: int, per: str, gap: int
) -> np.ndarray | None:
    """Days of one client's visits, at random among those that have room and keep their distance."""
    chosen: list[int] = []
    for window in _windows(calendar, per):
        for _visit in range(visits):
            free = window[left[window] > 0]
            free = np.array([d for d in free if all(abs(d - c) >= max(gap, 1) for c in chosen)], int)
            if not len(free):
                return None
            fullest = left[free] + rng.random(len(free))
            chosen.append(int(free[np.argmax(fullest)] if rng.random() < 0.5 else rng.choice(free)))
    return np.array(chosen)


def _written(
    model: Model,
    clients: list[tuple[str, str, tuple[str, ...]]],
    tiers: dict[str, tuple[int, str, int]],
    a_day: int,
    room: int,
) -> Hidden:
    base = model["clients"].iloc[[0] * len(clients)].reset_index(drop=True)
    base = base.assign(client=[c[0] for c in clients], tier=[c[1] for c in clients], owner="li", count=1)
    base["blocked"] = pd.Series([c[2] for c in clients], dtype=object)
    rule = model["tiers"].iloc[[0] * len(tiers)].reset_index(drop=True)
    rule = rule.assign(
        tier=list(tiers),
        visits=[v for v, _p, _g in tiers.values()],
        per=[p for _v, p, _g in tiers.values()],
        minutes=60,
    )
    rule["spacing_days"] = [g for _v, _p, g in tiers.values()]
    reps = model["reps"].iloc[[0]].assign(hours_per_day=float(a_day), selling_share=1.0)
    tables = {**model.tables, "clients": base, "tiers": rule, "reps": reps}
    tables |= {name: model[name].iloc[:0] for name in ("activities", "leave", "demand")}
    changed = replace(model, tables=tables)
    calendar = changed.calendar
    effort, total = [], 0
    for tier, (visits, per, _gap) in tiers.items():
        members = sum(c[1] == tier for c in clients)
        total += members * _visits(calendar, visits, per)
        each = {"week": visits * calendar.weeks, "month": np.full(3, visits), "quarter": np.full(3, visits / 3)}[per]
        for t, month in enumerate(calendar.months):
            planned = float(members * each[t])
            effort.append(("li", tier, f"li/{tier}", month, planned, planned, planned * 60, 0.0, 0.0, 0.0, 0.0))
    columns = [
        "rep",
        "tier",
        "group",
        "month",
        "promised",
        "planned",
        "minutes",
        "hours_available",
        "executive",
        "first_visits",
        "won",
    ]
    assignments = pd.DataFrame({"client": base["client"], "rep": "li", "backup": "", "from": "", "to": ""})
    assignments["group"] = "li/" + base["tier"]
    frames = {"effort": pd.DataFrame(effort, columns=columns), "assignments": assignments}
    frames["effort"] = frames["effort"][frames["effort"]["group"].isin(assignments["group"])]
    return Hidden(changed, frames, total, room)
