"""A small business whose health can be told: a funnel of three channels, two tiers, cash that comes late, a new rep."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from random_tables import RandomModel

from allocator.health import Health, health_checks
from allocator.model import Model
from allocator.reading import load
from allocator.reviewing.actuals import Actuals, read_actuals
from allocator.reviewing.published import Published

Rows = list[dict[str, Any]]
MONTHS = ("2026-01", "2026-02", "2026-03", "2026-04")
END = dt.date(2026, 4, 30)

STAGES = ("prospects", "intent", "negotiating", "signed")
HEALTHY = (5 / 11, 3 / 11, 2 / 11, 1 / 11)

TABLES: Mapping[str, Rows] = {
    "reps": [
        {"rep": "ann", "unit": "east", "start": "2020-01-01", "ramp_months": 0},
        {"rep": "bob", "unit": "east", "start": "2026-01-05", "ramp_months": 6},
    ],
    "products": [{"product": "p", "family": "f", "margin": 0.5}, {"product": "big", "family": "f", "margin": 0.5}],
    "tiers": [
        {"tier": "A", "visits": 10, "per": "month", "minutes": 30},
        {"tier": "B", "visits": 6, "per": "quarter", "minutes": 30},
    ],
    "clients": [
        *(
            {"client": f"c{n}", "tier": "A", "owner": "ann", "industry": "bank", "status": "active", "since": "2022-01-01",
             "renewal": "", "churn": "", "count": 1}
            for n in range(10)
        ),
        {"client": "b1", "tier": "B", "owner": "bob", "industry": "mill", "status": "active", "since": "2026-02-01", "count": 1},
        {"client": "new1", "tier": "B", "owner": "ann", "industry": "solar", "status": "prospect", "count": 40},
        {"client": "new2", "tier": "B", "owner": "ann", "industry": "bio", "status": "prospect", "count": 40},
    ],
    "demand": [
        *({"client": f"c{n}", "product": "p", "expected": 1200, "ceiling": 2400} for n in range(10)),
        *({"client": c, "product": "p", "expected": 600, "ceiling": 1200} for c in ("b1", "new1", "new2")),
    ],
    "targets": [{"target": "t", "metric": "revenue", "at_least": 12000}],
    "funnel": [
        *(
            {"channel": "visits", "step": k + 1, "stage": s, "conversion": c, "days": 0, "minutes": 5, "healthy": h}
            for k, (s, c, h) in enumerate(zip(STAGES, (0.75, 0.4, 0.8, 0.5), HEALTHY, strict=True))
        ),
        *({"channel": c, "step": 1, "stage": f"{c}_lead", "conversion": 0.2, "days": 0, "minutes": 1} for c in ("fair", "web")),
    ],
    "budget": [
        {"line": "fair", "channel": "fair", "maximum": 1200},
        {"line": "web", "channel": "web", "maximum": 1200},
    ],
    "yields": [{"source": line, "metric": "leads", "amount": 0.05} for line in ("fair", "web")],
}  # fmt: skip


def business(folder: Path, tables: Mapping[str, Rows] | None = None, **settings: Any) -> Model:
    """Load the business, some of its tables replaced or added; the year is 2026."""
    frame = {"start": "2026-01", "months": 12, "country": "US", "language": "en"} | settings
    return load(RandomModel(frame, {**TABLES, **(tables or {})}).write(folder / "business"))


def revenue(per_month: float = 1000.0, **labels: str) -> Rows:
    """Revenue of every month that is over."""
    return [{"month": m, "metric": "revenue", "amount": per_month, **labels} for m in MONTHS]


def clients_buy(amounts: Mapping[str, float], months: tuple[str, ...] = MONTHS) -> Rows:
    """Revenue of clients in each of some months."""
    return [
        {"month": m, "metric": "revenue", "client": c, "product": "p", "amount": x if m in months else 0.0}
        for c, x in amounts.items()
        for m in MONTHS
    ]


def told(model: Model, folder: Path, rows: Rows, as_of: dt.date = END) -> Actuals:
    """Write what happened as a file and read it; revenue is told in any case."""
    if not any(r["metric"] == "revenue" for r in rows):
        rows = [*revenue(), *rows]
    rows = [r for r in rows if r["month"] <= f"{as_of:%Y-%m}"]
    columns = ["month", "metric", "unit", "rep", "client", "product", "stage", "channel", "tier", "line", "amount"]
    pd.DataFrame(rows).reindex(columns=columns).to_csv(folder / "actuals.csv", index=False)
    return read_actuals(model, folder / "actuals.csv", as_of)


def checked(
    model: Model,
    folder: Path,
    rows: Rows,
    plan: Published | None = None,
    *,
    what_if: bool = False,
    as_of: dt.date = END,
) -> Health:
    """Health of a business to which something happened."""
    return health_checks(model, told(model, folder, rows, as_of), plan, what_if=what_if)


def row_of(health: Health, check: str, scope: str = "") -> dict[str, Any]:
    """The one row of a check."""
    table = health.checks
    (found,) = table[(table["check"] == check) & (table["scope"] == scope)].to_dict("records")
    return {str(k): v for k, v in found.items()}
