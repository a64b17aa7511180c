"""Small models in which the rules bind: an error in a rule changes what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from random_models import RandomModel

from allocator.model import Model
from allocator.reading import load

Rows = list[dict[str, Any]]
MONTHS = ("2026-03", "2026-04", "2026-05", "2026-06")
"""The plan: the first fiscal quarter and the first month of the second."""


BASE: Mapping[str, Rows] = {
    "reps": [{"rep": "r", "unit": "u", "hours_per_day": 5, "selling_share": 0.2}],
    "products": [{"product": "p", "family": "f", "margin": 0.5}],
    "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}],
    "clients": [{"client": "c", "tier": "A", "owner": "r"}],
    "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 1000}],
    "targets": [{"target": "t", "metric": "revenue", "at_least": 0}],
}
"""One rep of 22 working hours a month and one client, promised 10 visits of an hour a month; a model replaces or adds tables."""


def write_tight_model(name: str, folder: Path) -> Path:
    """Write a model by its name in :data:`MODELS`."""
    settings = {"start": MONTHS[0], "months": len(MONTHS), "country": "US", "commission_attainment": 1.2}
    return RandomModel(settings | SETTINGS.get(name, {}), BASE | MODELS[name]).write(folder)


def tight_model(name: str, folder: Path) -> Model:
    """Write a model and read it."""
    return load(write_tight_model(name, folder / name))


def points(driver: str, *listed: tuple[float, float], **more: Any) -> Rows:
    """Write a response curve."""
    return [{"driver": driver, "effort": effort, "sales": sales, **more} for effort, sales in listed]


def demand(expected: float, ceiling: float, *cells: tuple[str, str]) -> Rows:
    """Write the same demand for clients and products."""
    return [{"client": c, "product": p, "expected": expected, "ceiling": ceiling} for c, p in cells]


TIME: dict[str, Rows] = {
    "reps": [
        {"rep": "r", "unit": "u", "hours_per_day": 5, "selling_share": 0.2, "backup": "s", "visits_per_day": ""},
        {"rep": "s", "unit": "u", "hours_per_day": 5, "selling_share": 0.1, "backup": "", "visits_per_day": ""},
        {"rep": "d", "unit": "u", "hours_per_day": 8, "selling_share": 1, "backup": "", "visits_per_day": 1},
        {"rep": "x", "unit": "u", "hours_per_day": 8, "selling_share": 1, "backup": "", "visits_per_day": 0.1},
    ],
    "leave": [{"rep": "r", "from": "2026-03-16", "to": "2026-03-31"}],
    "activities": [{"activity": "training", "per": "month", "minutes": 120}],
    "tiers": [
        {"tier": "A", "visits": 30, "per": "month", "minutes": 60, "executive_visits": 0},
        {"tier": "B", "visits": 60, "per": "quarter", "minutes": 30, "executive_visits": 0},
        {"tier": "X", "visits": 12, "per": "quarter", "minutes": 30, "executive_visits": 6},
        {"tier": "Y", "visits": 6, "per": "month", "minutes": 0, "executive_visits": 3},
    ],
    "clients": [
        {"client": c, "tier": t, "owner": r, "count": n}
        for c, t, r, n in (
            ("a", "A", "r", 1), ("b", "B", "r", 1), ("d", "A", "d", 2), ("e", "B", "d", 20), ("x", "X", "x", 1), ("y", "Y", "s", 1)
        )
    ],
    "demand": demand(1000, 2000, *((c, "p") for c in "abdexy")),
    "responses": [
        *points("A", (0, 0.2), (1, 1), (1.5, 1.1)),
        *points("B", (0, 0), (0.5, 0.1), (1, 1)),
    ],
    "needs": [{"resource": "boss", "tier": t, "hours": 4} for t in "XY"],
    "resources": [{"resource": "boss", "month": m, "hours": h} for m, h in zip(MONTHS, (40, 3, 0, 2), strict=True)],
}  # fmt: skip

COVERAGE: dict[str, Rows] = {
    "tiers": [
        {"tier": "A", "visits": 1, "per": "month", "minutes": 60},
        {"tier": "B", "visits": 1, "per": "quarter", "minutes": 60},
        {"tier": "C", "visits": 2, "per": "month", "minutes": 6},
    ],
    "clients": [
        {"client": c, "tier": t, "owner": "r", "count": n}
        for c, t, n in (("a", "A", 30), ("b", "B", 60), ("c", "C", 15))
    ],
    "demand": demand(1000, 1000, ("a", "p"), ("b", "p"), ("c", "p")),
    "targets": [{"target": "t", "metric": "coverage", "each": "tier month", "at_least": 20}],
}

MONEY: dict[str, Rows] = {
    "units": [{"unit": u, "parent": p, "kind": k} for u, p, k in (("co", "", "c"), ("n", "co", "t"), ("m", "co", "t"))],
    "reps": [{"rep": r, "unit": u} for r, u in (("r", "n"), ("s", "m"))],
    "products": [{"product": p, "family": "f", "margin": 0.5} for p in "pq"],
    "clients": [{"client": c, "tier": "A", "owner": r} for c, r in (("c", "r"), ("d", "s"))],
    "demand": demand(1000, 1300, ("c", "p"), ("d", "p"), ("c", "q"), ("d", "q")),
    "budget": [
        {"line": "fair", "unit": "n", "product": "", "from": "2026-03", "to": "2026-04", "minimum": 0, "maximum": 100,
         "may_overrun": ""},
        {"line": "post", "unit": "", "product": "p", "from": "", "to": "", "minimum": 0, "maximum": 70, "may_overrun": ""},
        {"line": "club", "unit": "", "product": "", "from": "", "to": "", "minimum": 30, "maximum": 40, "may_overrun": ""},
        {"line": "gift", "unit": "", "product": "", "from": "2026-06", "to": "", "minimum": 20, "maximum": 40, "may_overrun": ""},
        {"line": "more", "unit": "m", "product": "q", "from": "", "to": "", "minimum": 0, "maximum": 50, "may_overrun": "yes"},
    ],
    "responses": [
        *points("fair", (0, 0), (100, 300), carry_months=1),
        *points("post", (0, 0), (60, 30), (120, 420), carry_months=0),
        *points("more", (0, 0), (400, 400), carry_months=0),
    ],
    "targets": [
        {"target": "m", "metric": "revenue", "scope": "unit=m", "each": "", "at_least": 2600, "weight": 2},
        {"target": "n", "metric": "revenue", "scope": "unit=n", "each": "month", "at_least": 600, "weight": 1},
    ],
}  # fmt: skip

SALES: dict[str, Rows] = {
    "products": [
        {"product": "p", "margin": 0.5, "large": "no", "contract_value": 100},
        {"product": "q", "margin": 0.5, "large": "yes", "contract_value": 300},
        {"product": "s", "margin": 0.4, "large": "no", "contract_value": 50},
        {"product": "z", "margin": 0.01, "large": "no", "contract_value": ""},
    ],
    "clients": [{"client": "c", "tier": "A", "owner": "r"}, {"client": "d", "tier": "A", "owner": "r"}],
    "tiers": [{"tier": "A", "visits": 15, "per": "month", "minutes": 60, "visit_cost": 1}],
    "demand": demand(1000, 1500, *((c, p) for c in "cd" for p in "pqsz")),
    "responses": points("A", (0, 0.2), (1, 1), (2, 1.3)),
    "supply": [
        {"product": "s", "month": m, "source": o, "maximum": x, "unit_cost": u}
        for m, o, x, u in (("", "own", 150, 0), ("2026-04", "own", 300, 0), ("", "bought", 100, 0.1))
    ],
    "needs": [{"resource": "lab", "product": p, "hours": h} for p, h in (("p", 1), ("q", 4))],
    "resources": [{"resource": "lab", "month": m, "hours": h} for m, h in (("", 6), ("2026-05", 9))],
    "commission": [{"grade": "", "attainment_from": 0, "rate": 0.05}],
    "collection": [{"tier": "", "lag_months": k, "share": s} for k, s in ((0, 0.5), (1, 0.3), (2, 0.2))],
    "history": [{"month": "2026-02", "client": "c", "amount": 400}],
    "targets": [
        {"target": "cash", "metric": "collections", "each": "month", "at_least": 900, "priority": 1},
        {"target": "pay", "metric": "commission", "each": "", "at_least": 200, "priority": 2},
    ],
}

LARGE: dict[str, Rows] = {
    "products": [{"product": "p", "margin": 0.5, "large": "yes", "contract_value": 300}],
    "tiers": [{"tier": "A", "visits": 30, "per": "month", "minutes": 60}],
    "responses": points("A", (0, 0.2), (1, 1)),
    "targets": [
        {"target": "early", "metric": "revenue", "period": "2026-03", "at_least": 900},
        {"target": "all", "metric": "contracts", "period": "", "at_least": 5},
    ],
}

WINNING: dict[str, Rows] = {
    "tiers": [{"tier": "A", "visits": 19, "per": "month", "minutes": 60}],
    "clients": [
        {"client": c, "tier": "A", "owner": "r", "status": s, "count": n}
        for c, s, n in (("c", "active", 1), ("d", "prospect", 5), ("e", "lost", 2))
    ],
    "demand": demand(1000, 1000, *((c, "p") for c in "cde")),
    "funnel": [
        {"channel": "visits", "step": 1, "stage": "talk", "conversion": 0.8, "days": 30, "minutes": 60},
        {"channel": "web", "step": 1, "stage": "call", "conversion": 0.5, "days": 0, "minutes": 6},
    ],
    "budget": [{"line": "b", "channel": "web", "maximum": 40}],
    "yields": [{"source": "b", "metric": "leads", "amount": 0.1}],
    "targets": [
        {"target": "won", "metric": "new_clients", "scope": "status=lost", "at_least": 3},
        {"target": "all", "metric": "new_clients", "scope": "", "at_least": 9},
    ],
}

QUOTAS: dict[str, Rows] = {
    "units": [{"unit": u, "parent": p, "kind": k} for u, p, k in (("co", "", "c"), ("n", "co", "t"), ("m", "co", "t"))],
    "reps": [
        {"rep": r, "unit": u, "grade": g, "quota_min": low, "quota_max": high}
        for r, u, g, low, high in (
            ("r", "n", "x", 1300, ""), ("s", "n", "", "", 500), ("v", "m", "", 300, 700), ("w", "m", "", "", "")
        )
    ],
    "products": [{"product": p, "family": "f", "margin": 0.5} for p in "pq"],
    "seasonality": [{"month": m, "weight": w} for m, w in zip(MONTHS, (1, 3, 1, 1), strict=True)],
    "clients": [{"client": f"c{r}", "tier": "A", "owner": r} for r in "rsvw"],
    "demand": [
        *demand(600, 900, *((f"c{r}", p) for r in "rsvw" for p in "p")),
        *demand(400, 500, *((f"c{r}", p) for r in "rsvw" for p in "q")),
    ],
    "pins": [
        {"rep": "w", "product": "p", "period": "2026-03", "amount": 250},
        {"rep": "v", "product": "q", "period": "2026-04", "amount": 20},
    ],
    "commission": [{"grade": g, "attainment_from": a, "rate": x} for g, a, x in (("", 0, 0.1), ("x", 0, 0.2), ("x", 1, 0.4))],
    "budget": [{"line": "i", "category": "incentive", "maximum": 540}],
    "targets": [
        {"target": "all", "metric": "revenue", "scope": "", "each": "", "at_least": 3700, "share_of": "", "priority": 1},
        {"target": "month", "metric": "revenue", "scope": "", "each": "month", "at_least": 700, "share_of": "", "priority": 1},
        {"target": "team", "metric": "revenue", "scope": "unit=m", "each": "", "at_least": 0.6, "share_of": "revenue", "priority": 2},
        {"target": "q", "metric": "revenue", "scope": "product=q", "each": "t", "at_least": 1200, "share_of": "", "priority": 2},
    ],
}  # fmt: skip

LEVELS: dict[str, Rows] = {
    "units": [{"unit": u, "parent": p, "kind": k} for u, p, k in (("co", "", "c"), ("n", "co", "t"), ("m", "co", "t"))],
    "reps": [{"rep": r, "unit": u} for r, u in (("r", "n"), ("s", "n"), ("v", "m"))],
    "products": [{"product": p, "family": "f", "margin": 0.5} for p in "pq"],
    "clients": [{"client": f"c{r}", "tier": "A", "owner": r} for r in "rsv"],
    "demand": [*demand(600, 800, *((f"c{r}", "p") for r in "rsv")), *demand(400, 900, *((f"c{r}", "q") for r in "rsv"))],
    "supply": [{"product": "q", "month": m, "maximum": x} for m, x in (("", 350), ("2026-04", 330))],
    "pins": [
        {"unit": u, "rep": r, "product": p, "period": t, "level": level, "amount": x}
        for u, r, p, t, level, x in (
            ("", "v", "p", "2026-03", "stretch", 100), ("", "s", "q", "2026-05", "stretch", 130),
            ("", "r", "p", "", "ceiling", 900), ("m", "", "q", "2026-06", "ceiling", 420),
        )
    ],
    "targets": [
        {"target": "all", "level": "base", "scope": "", "each": "", "at_least": 2200, "share_of": "", "priority": 1},
        {"target": "more", "level": "stretch", "scope": "", "each": "", "at_least": 2500, "share_of": "", "priority": 1},
        {"target": "n", "level": "base", "scope": "unit=n", "each": "", "at_least": 1500, "share_of": "", "priority": 1},
        {"target": "month", "level": "base", "scope": "product=p", "each": "month", "at_least": 380, "share_of": "", "priority": 1},
        {"target": "r", "level": "base", "scope": "rep=r", "each": "", "at_least": 0.6, "share_of": "revenue: unit=n", "priority": 2},
    ],
}  # fmt: skip
LEVELS["targets"] = [{"metric": "revenue"} | row for row in LEVELS["targets"]]

OFFERS: dict[str, Rows] = {
    "units": [{"unit": u, "parent": p, "kind": k} for u, p, k in (("co", "", "c"), ("n", "co", "t"), ("m", "co", "t"))],
    "reps": [{"rep": r, "unit": u} for r, u in (("r", "n"), ("s", "n"), ("v", "m"))],
    "products": [{"product": p, "family": "f", "margin": 0.5} for p in "pq"],
    "clients": [{"client": f"c{r}", "tier": "A", "owner": r} for r in "rsv"],
    "demand": [*demand(600, 800, *((f"c{r}", "p") for r in "rsv")), *demand(400, 900, *((f"c{r}", "q") for r in "rsv"))],
    "commitments": [
        {"unit": u, "rep": r, "product": p, "period": t, "level": level, "amount": x, "weight": w}
        for u, r, p, t, level, x, w in (
            ("", "r", "", "", "base", 950, 1), ("n", "", "p", "", "base", 700, 2), ("m", "", "", "2026-03", "base", 160, 1),
            ("", "s", "q", "2026-04", "stretch", 95, 3), ("co", "", "", "2026-06", "ceiling", 1300, 0.5),
        )
    ],
    "targets": [{"target": "all", "metric": "revenue", "at_least": 2200}],
}  # fmt: skip

PEOPLE: dict[str, Rows] = {
    "reps": [
        {
            "rep": r,
            "unit": "u",
            "start": start,
            "end": end,
            "ramp_months": ramp,
            "backup": backup,
            "hours_per_day": hours,
            "selling_share": 0.2,
        }
        for r, start, end, ramp, backup, hours in (
            ("l", "", "2026-04-30", 0, "n", 8),
            ("n", "2026-03-01", "", 3, "", 8),
            ("v", "", "", 0, "", 7),
        )
    ],
    "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60, "visit_cost": 1}],
    "clients": [
        {"client": c, "tier": "A", "owner": r} for c, r in (("a", "l"), ("b", "n"), ("c", ""), ("d", "v"), ("e", "v"))
    ],
    "demand": [
        *demand(1000, 1500, ("a", "p"), ("b", "p"), ("c", "p")),
        *demand(1000, 1100, ("d", "p")),
        *demand(1000, 3000, ("e", "p")),
    ],
    "responses": points("A", (0, 0.5), (1, 1), (2, 1.4)),
    "market": [{"product": "p", "period": "2026", "size": 30000}],
    "targets": [
        {"target": "share", "metric": "market_share", "scope": "", "each": "", "at_least": 0.6, "priority": 1},
        {"target": "rep", "metric": "revenue", "scope": "", "each": "rep", "at_least": 1500, "priority": 2},
    ],
}

CUTS: dict[str, Rows] = {
    "tiers": [{"tier": f"T{i}", "visits": 6, "per": "month", "minutes": 60} for i in range(5)],
    "clients": [{"client": f"c{i}", "tier": f"T{i}", "owner": "r"} for i in range(5)],
    "demand": demand(1000, 1300, *((f"c{i}", "p") for i in range(5))),
    "responses": [p for i in range(5) for p in points(f"T{i}", (0, 0.1 * i), (1, 1), (1.2, 1.1))],
    "targets": [
        {"target": "t", "metric": "revenue", "each": "month", "at_least": 1100, "share_of": "", "priority": 1},
        {"target": "s", "metric": "profit", "each": "", "at_least": 0.6, "share_of": "revenue", "priority": 2},
    ],
}

SUMS = CUTS | {"targets": [{"target": "t", "metric": "revenue", "each": "month", "at_least": 1100}]}

TEAM: dict[str, Rows] = {
    "reps": [{"rep": f"r{i}", "unit": "u"} for i in range(5)],
    "products": [{"product": p, "family": "f", "margin": 0.5} for p in "pq"],
    "clients": [{"client": f"c{i}", "tier": "A", "owner": f"r{i}"} for i in range(5)],
    "demand": demand(1000, 1300, *((f"c{i}", p) for i in range(5) for p in "pq")),
    "targets": [{"target": "t", "metric": "revenue", "scope": "product=p", "each": "month", "at_least": 700}],
}
"""Reps whom no rule tells apart."""

MODELS: Mapping[str, dict[str, Rows]] = {
    "time": TIME,
    "coverage": COVERAGE,
    "money": MONEY,
    "sales": SALES,
    "large": LARGE,
    "winning": WINNING,
    "people": PEOPLE,
    "quotas": QUOTAS,
    "levels": LEVELS,
    "offers": OFFERS,
    "cuts": CUTS,
    "sums": SUMS,
    "team": TEAM,
}

SETTINGS: Mapping[str, dict[str, Any]] = {
    "levels": {"hedge": {"c": 0.05, "t": 0.1}, "levels": {"stretch": 1.2, "ceiling": 1.7}},
    "offers": {"commitments": "prefer", "levels": {"stretch": 1.1, "ceiling": 1.3}},
}
"""Settings that differ from those of :func:`write_tight_model`."""
