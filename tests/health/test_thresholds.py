"""Every threshold on both sides: just good, at the value, and just bad, on actuals that are read from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wards import MONTHS, STAGES, Rows, business, checked, clients_buy, revenue, row_of

from allocator.health.limits import SETTING, USUAL, Limits
from allocator.periods import Calendar
from allocator.reviewing.published import Published
from allocator.solving import solve

LAST = MONTHS[-1]


def standing(*counts: float) -> Rows:
    """How many stand in each stage of the reps' own channel at the end."""
    return [
        {"month": LAST, "metric": "pipeline", "channel": "visits", "stage": s, "amount": n}
        for s, n in zip(STAGES, counts, strict=True)
    ]


def entered(channel: str, *counts: float, won: float = 0.0) -> Rows:
    """How many entered the stages of a channel each month, and new clients."""
    stages = STAGES if channel == "visits" else (f"{channel}_lead",)
    rows: Rows = []
    for month in MONTHS:
        rows += [
            {"month": month, "metric": "entered", "channel": channel, "stage": s, "amount": n}
            for s, n in zip(stages, counts, strict=True)
        ]
        rows.append({"month": month, "metric": "new_clients", "channel": channel, "amount": won})
    return rows


def leads(fair: float, web: float) -> Rows:
    """1,000 leads a month in each lead channel, and so many clients."""
    return [*entered("fair", 1000, won=fair), *entered("web", 1000, won=web)]


def visits(tier: str, each: float) -> Rows:
    """So many visits to a tier each month; those of the other tier are as promised."""
    other = {"A": ("B", 2 * 1), "B": ("A", 10 * 10)}[tier]
    return [{"month": m, "metric": "visits", "tier": t, "amount": x} for m in MONTHS for t, x in ((tier, each), other)]


def cash(share: float) -> Rows:
    """1,000 are sold each month, and so much of it is cash by now."""
    return [*revenue(), *({"month": m, "metric": "collections", "amount": 1000 * share} for m in MONTHS)]


def seen(weekly: float) -> Rows:
    """First visits to both new segments, in April so many a week to one of them; else more than enough."""
    weeks = Calendar("2026-01", 12, "US").weeks
    return [
        {
            "month": m,
            "metric": "first_visits",
            "client": c,
            "amount": weeks[t] * (weekly if (m, c) == (LAST, "new1") else 1.5),
        }
        for t, m in enumerate(MONTHS)
        for c in ("new1", "new2")
    ]


def buying(many: int) -> Rows:
    """So many of the ten clients from before the plan buy 100 a month."""
    return clients_buy({f"c{n}": 100.0 if n < many else 0.0 for n in range(10)} | {"b1": 50.0})


def bought_lately(many: int) -> Rows:
    """All buy in January; so many of ten, and the new one, also in the last three months."""
    early = clients_buy({f"c{n}": 100.0 for n in range(many, 10)}, (MONTHS[0],))
    return [*early, *clients_buy({f"c{n}": 100.0 for n in range(many)} | {"b1": 50.0})]


def renewed(many: int) -> Rows:
    """Twenty contracts ended in February; so many of these clients bought after it, the others in January and February."""
    rows = clients_buy({f"r{n}": 100.0 for n in range(many)})
    return [*rows, *clients_buy({f"r{n}": 100.0 for n in range(many, 20)}, MONTHS[:2])]


RENEWING: dict[str, Rows] = {
    "clients": [
        {
            "client": f"r{n}",
            "tier": "A",
            "owner": "ann",
            "status": "active",
            "renewal": "2026-02-15",
            "since": "2022-01-01",
        }
        for n in range(20)
    ],
    "demand": [{"client": f"r{n}", "product": "p", "expected": 1200, "ceiling": 2400} for n in range(20)],
}
TEN_NEW: dict[str, Rows] = {
    "reps": [{"rep": "ann", "unit": "east", "start": ""}, {"rep": "bob", "unit": "east", "start": ""}]
    + [{"rep": f"n{n}", "unit": "east", "start": "2026-01-12"} for n in range(10)],
}


def first_orders(many: int) -> Rows:
    """So many of ten reps who began in January have an order by March, the others in April."""
    return [
        {"month": m, "metric": "revenue", "rep": f"n{n}", "product": "p",
         "amount": 100.0 if m == ("2026-03" if n < many else "2026-04") else 0.0}
        for n in range(10) for m in MONTHS
    ]  # fmt: skip


def figure(name: str, value: float) -> Rows:
    """A figure of one's own, the same in every month."""
    return [{"month": m, "metric": name, "amount": value} for m in MONTHS]


Case = tuple[str, str, Callable[[Any], Rows], list[tuple[Any, str]], dict[str, Rows]]
G, W = "good", "warning"
NO: dict[str, Rows] = {}
THRESHOLDS: list[Case] = [
    # 10,000 stand in all; healthy is 45.45 : 27.27 : 18.18 : 9.09 per cent
    ("pipeline_gap", "visits", lambda more: standing(5000 * 11 / 11, 3000, 2000, 1000 + more), [(0, G)], NO),
    (
        "pipeline_gap", "visits", lambda x: standing(5000 - 11 * x, 3000 + 11 * x, 2000, 1000),
        [(99.9, G), (100, W), (100.1, W), (-99.9, G), (-100, W)], NO,
    ),
    ("negotiating_share", "visits", lambda x: standing(6000 - x, 0, x, 4000), [(3999, G), (4000, W), (4001, W)], NO),
    # 40 of 100 go on from intent in the funnel; a quarter less is 30
    ("conversion_fall", "visits/intent", lambda x: entered("visits", 133, 100, x, 20, won=10), [(30.1, G), (30, W), (29.9, W)], NO),
    (
        "intent_conversion", "visits/intent", lambda x: entered("visits", 133, 100, x, 20, won=10),
        [(35.1, G), (35, W), (34.9, W)], {"thresholds": [{"check": "intent_conversion", "value": 0.35}]},
    ),
    ("channel_better", "web", lambda x: leads(x, 200), [(249.9, G), (250, W), (250.1, W)], NO),
    ("visit_execution", "A", lambda x: visits("A", x), [(89.9, W), (90, G), (90.1, G)], NO),
    ("cash_in", "", cash, [(0.899, W), (0.9, G), (0.901, G)], NO),
    ("cash_in", "", lambda x: figure("cash_in", x), [(0.899, W), (0.9, G), (0.901, G)], NO),
    ("new_segments", "", seen, [(0.99, W), (1.0, G), (1.01, G)], NO),
    # a third of the year is over, so a third of 30 % is due
    ("repeat_rate", "", buying, [(0, W), (1, G), (2, G)], NO),
    ("repeat_rate", "", lambda x: figure("repeat_rate", x), [(0.299, W), (0.3, G), (0.301, G)], NO),
    ("activity_rate", "", bought_lately, [(7, W), (8, G), (9, G)], {"clients": []}),
    ("activity_rate", "", lambda x: figure("activity_rate", x), [(0.799, W), (0.8, G), (0.801, G)], NO),
    ("renewal_rate", "", renewed, [(16, W), (17, G), (18, G)], RENEWING),
    ("renewal_rate", "", lambda x: figure("renewal_rate", x), [(0.849, W), (0.85, G), (0.851, G)], NO),
    ("first_order_rate", "", first_orders, [(6, W), (7, G), (8, G)], TEN_NEW),
    ("satisfaction", "", lambda x: figure("satisfaction", x), [(4.49, W), (4.5, G), (4.51, G)],
     {"thresholds": [{"check": "satisfaction", "value": 4.5}]}),
    ("large_deal_days", "", lambda x: figure("large_deal_days", x), [(71, G), (72, G), (73, W)],
     {"thresholds": [{"check": "large_deal_days", "value": 72, "warns": "above"}]}),
    ("lead_conversion", "", lambda x: leads(x, 150), [(149, W), (150, G), (151, G)],
     {"thresholds": [{"check": "lead_conversion", "value": 0.15}]}),
]  # fmt: skip


def listed() -> list[Any]:
    """Every case with a name that can be read."""
    return [
        pytest.param(check, scope, rows(value), verdict, tables, id=f"{check}-{number}-{value}-{verdict}")
        for number, (check, scope, rows, values, tables) in enumerate(THRESHOLDS)
        for value, verdict in values
    ]


@pytest.mark.parametrize(("check", "scope", "rows", "verdict", "tables"), listed())
def test_a_threshold_on_both_sides(
    check: str, scope: str, rows: Rows, verdict: str, tables: dict[str, Rows], tmp_path: Path
) -> None:
    """A check is good on one side of its threshold and warns on the other; at the value it does what its page says."""
    tables = {name: table for name, table in tables.items() if table}
    if check == "activity_rate" and rows[0]["metric"] == "revenue":  # ten clients of whom eight are four fifths
        from wards import TABLES

        tables["clients"] = [c for c in TABLES["clients"] if c["client"] != "b1"]
        tables["demand"] = [d for d in TABLES["demand"] if d["client"] != "b1"]
        rows = [r for r in rows if r.get("client") != "b1"]
    found = row_of(checked(business(tmp_path, tables), tmp_path, rows), check, scope)
    assert found["verdict"] == verdict, found
    assert found["says"]


@pytest.mark.parametrize(("sold", "verdict"), [(0.799, W), (0.8, G), (0.801, G)])
def test_growing_reps_on_both_sides(sold: float, verdict: str, tmp_path: Path) -> None:
    """Who is growing into the work is held against what the plan has for him, his ramp included."""
    model = business(tmp_path)
    plan = solve(model, visits=False)
    forecast = plan["forecast"]
    mine = forecast[(forecast["rep"] == "bob") & forecast["month"].isin(MONTHS)]["sell"].sum()
    rows = [{"month": m, "metric": "revenue", "rep": "bob", "product": "p", "amount": sold * mine / 4} for m in MONTHS]
    health = checked(model, tmp_path, rows, Published(model, plan.tables, "p"))
    assert row_of(health, "ramp_attainment")["verdict"] == verdict


@pytest.mark.parametrize(
    ("least", "count", "made"),
    [(None, 6.66, False), (None, 6.67, True), (30, 9.99, False), (30, 10, True), (30, 10.01, True)],
)
def test_too_few_say_nothing(least: float | None, count: float, made: bool, tmp_path: Path) -> None:
    """With fewer than conversion_least that entered in three months (20 as usual) a stage is not judged, and the check says so."""
    tables: dict[str, Rows] = {"thresholds": [{"check": "conversion_least", "value": least}] if least else []}
    rows = entered("visits", count, 100, 40, 32, won=16)
    found = row_of(checked(business(tmp_path, tables), tmp_path, rows), "conversion_fall", "visits/prospects")
    assert (found["verdict"] != "not made") == made
    assert ("Only" in found["says"]) != made


@pytest.mark.parametrize(("days", "value"), [(44, 0.3), (45, 0.9), (60, 0.9), (74, 0.9), (75, 1.0)])
def test_days_of_cash_are_months(days: int, value: float, tmp_path: Path) -> None:
    """Cash comes as the lags say: a third after a month, nine tenths after two, all after three; days are rounded to months, half up."""
    lags = ((1, 0.3), (2, 0.6), (3, 0.1))
    tables: dict[str, Rows] = {
        "thresholds": [{"check": "cash_in_days", "value": days}],
        "collection": [{"tier": "", "lag_months": k, "share": s} for k, s in lags],
        "history": [{"month": m, "amount": 1000} for m in ("2025-10", "2025-11", "2025-12")],
    }
    found = row_of(checked(business(tmp_path, tables), tmp_path, cash(1.0)), "cash_in")
    assert found["value"] == pytest.approx(value)
    assert found["verdict"] == (W if days == 44 else G)


@pytest.mark.parametrize(("value", "rows"), [(1, 1), (2, 2)])
def test_months_of_conversion(value: int, rows: int, tmp_path: Path) -> None:
    """So many of the last months count: with one month the fall of April alone is seen."""
    tables: dict[str, Rows] = {"thresholds": [{"check": "conversion_months", "value": value}]}
    told = [
        r | ({"amount": 25.0} if r["month"] == LAST and r.get("stage") == "negotiating" else {})
        for r in entered("visits", 133, 100, 40, 32, won=16)
    ]
    found = row_of(checked(business(tmp_path, tables), tmp_path, told), "conversion_fall", "visits/intent")
    assert found["value"] == pytest.approx((25 + 40 * (rows - 1)) / (100 * rows))
    assert found["verdict"] == (W if value == 1 else G)


@pytest.mark.parametrize(("months", "all_"), [(3, 10), (4, 10), (5, 0)])
def test_first_months_of_new_reps(months: int, all_: int, tmp_path: Path) -> None:
    """Only reps whose first months have ended are judged; in four months the orders of April count."""
    tables: dict[str, Rows] = {**TEN_NEW, "thresholds": [{"check": "first_order_months", "value": months}]}
    found = row_of(checked(business(tmp_path, tables), tmp_path, first_orders(3)), "first_order_rate")
    if not all_:
        assert found["verdict"] == "nothing"
    else:
        assert found["value"] == pytest.approx(0.3 if months == 3 else 1.0)


def test_every_threshold_has_its_test() -> None:
    """No threshold that warns is without a case on both sides above, and every setting is changed in a test of this folder."""
    both = {check for check, _scope, _rows, values, _tables in THRESHOLDS if {v for _x, v in values} == {G, W}}
    assert {name for name, usual in USUAL.items() if usual.warns != SETTING} <= both | {"ramp_attainment"}
    told = "".join(p.read_text(encoding="utf-8") for p in Path(__file__).parent.glob("test_*.py"))
    assert all(name in told for name in USUAL)


def test_the_usual_values_are_those_of_the_page() -> None:
    """docs/health.md lists every threshold with its usual value."""
    page = (Path(__file__).parents[2] / "docs" / "health.md").read_text(encoding="utf-8")
    for name, usual in USUAL.items():
        assert f"| `{name}` | {usual.value:g} |" in page, name


def test_a_model_says_its_own_values(tmp_path: Path) -> None:
    """A row of thresholds takes the place of the usual value."""
    limits = Limits(business(tmp_path, {"thresholds": [{"check": "cash_in", "value": 0.5}]}))
    assert limits["cash_in"] == 0.5
    assert limits["visit_execution"] == USUAL["visit_execution"].value
