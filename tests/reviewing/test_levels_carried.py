"""Base, stretch and ceiling after months that are over: the year's bound less what was sold, at every level."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from pencil import tiny
from tight_models import Rows

from allocator.auditing import audit
from allocator.model import Model
from allocator.plan import Plan
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.published import Published
from allocator.reviewing.review import Review, review
from allocator.solving import solve

LEVELS = ("base", "stretch", "ceiling")


def year(folder: Path, tables: dict[str, Rows] | None = None, **settings: object) -> Model:
    """One rep whose client would buy 500 a month; 700 are asked of March and April, 770 at stretch, 840 at the ceiling."""
    base: dict[str, Rows] = {
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 2000}],
        "targets": [{"target": "revenue", "metric": "revenue", "at_least": 700}],
    }
    return tiny(folder, base | (tables or {}), **{"moved": 0.5, "rounding": 1, **settings})


def after_march(model: Model, plan: Plan, folder: Path, sold: float) -> Review:
    """Review March, in which so much was sold."""
    rows = f"month,metric,rep,product,amount\n2026-03,revenue,r,p,{sold}\n"
    (folder / "a.csv").write_text(rows, encoding="utf-8")
    actuals = read_actuals(model, folder / "a.csv", dt.date(2026, 3, 31))
    found = review(model, actuals, Published(model, plan.tables, "plan"), curve=False, visits=False)
    assert audit(found.plan.model, found.plan.tables).clean
    return found


def by_month(plan: Plan, column: str = "exact") -> dict[str, list[float]]:
    """Quotas of each level, month by month."""
    quotas = plan["quotas"].sort_values("month")
    return {level: quotas.loc[quotas["level"] == level, column].tolist() for level in LEVELS}


def test_every_level_carries_what_is_missing(tmp_path: Path) -> None:
    """April's base and stretch are the year's less the 300 sold: 400 and 470. Wrong: 385 at stretch, as if March had sold that.

    Of the ceiling's 840, March had 35 above the stretch, which nobody had planned for: 840 − 300 − 35 = 505. Wrong: 420.
    """
    model = year(tmp_path)
    plan = solve(model, visits=False)
    assert by_month(plan, "quota") == {"base": [350] * 2, "stretch": [385] * 2, "ceiling": [420] * 2}
    found = after_march(model, plan, tmp_path, 300)
    now = by_month(found.plan)
    assert now == {
        "base": pytest.approx([350, 400]),
        "stretch": pytest.approx([385, 470]),
        "ceiling": pytest.approx([420, 505]),
    }
    asked = found.plan["asked"].set_index("level")
    assert asked["asked"].to_dict() == pytest.approx({"base": 700, "stretch": 770, "ceiling": 840})
    for level, required in (("base", 700), ("stretch", 770)):
        assert 300 + sum(by_month(found.plan, "quota")[level][1:]) == required


def test_what_no_forecast_carries_is_a_gap(tmp_path: Path) -> None:
    """After 100 in March 600 and 670 are missing and April sells 500: base and stretch ask for that, 100 and 170 are gaps.

    April's ceiling may rise by half, to 630: with the 100 and the 35 of March 75 of 840 are missing.
    """
    model = year(tmp_path)
    asked = after_march(model, solve(model, visits=False), tmp_path, 100).plan["asked"].set_index("level")
    assert asked["gap"].to_dict() == pytest.approx({"base": 100, "stretch": 170, "ceiling": 75})


@pytest.mark.parametrize("sold", [500, 600])
def test_as_planned_or_better_no_level_moves(sold: float, tmp_path: Path) -> None:
    """March as planned sells 500 of the 420 that its ceiling asked, or even more: nobody's April moves at any level."""
    model = year(tmp_path)
    plan = solve(model, visits=False)
    found = after_march(model, plan, tmp_path, sold)
    assert found.kept
    assert by_month(found.plan) == {level: pytest.approx(x, rel=1e-12) for level, x in by_month(plan).items()}


@pytest.mark.parametrize("level", LEVELS)
def test_without_targets_the_forecast_is_asked(level: str, tmp_path: Path) -> None:
    """Nobody asks for anything: after 300 in March all of April's 500 stays asked, 600 at the ceiling, which is 1.2 times as much."""
    model = year(tmp_path, {"targets": [{"target": "seen", "metric": "visits", "at_least": 1}]})
    plan = solve(model, visits=False)
    found = after_march(model, plan, tmp_path, 300)
    expected = pytest.approx([600 if level == "ceiling" else 500] * 2)
    assert by_month(plan)[level] == expected
    assert by_month(found.plan)[level] == expected


def test_with_a_hedge_what_was_sold_counts_whole(tmp_path: Path) -> None:
    """A unit that owes its quotas less a tenth still needs 700 − 300: April's quotas are 1.1 times that. Wrong: 700 · 1.1 − 300."""
    units: Rows = [{"unit": "u", "parent": "", "kind": "team"}]
    model = year(tmp_path, {"units": units}, hedge={"team": 0.1})
    plan = solve(model, visits=False)
    assert by_month(plan)["base"] == pytest.approx([385, 385])
    now = by_month(after_march(model, plan, tmp_path, 300).plan)
    assert (now["base"][1], now["stretch"][1]) == pytest.approx((440, 500))


def test_shares_count_what_was_sold(tmp_path: Path) -> None:
    """A share of q of 40 % at each level reads March as it was sold: 100 of 400, so April has to make up for it."""
    tables: dict[str, Rows] = {
        "products": [{"product": x, "margin": 0.5} for x in "pq"],
        "demand": [{"client": "c", "product": x, "expected": 1000, "ceiling": 2000} for x in "pq"],
        "targets": [
            {"target": "revenue", "metric": "revenue", "at_least": 1000},
            {"target": "share", "metric": "revenue", "scope": "product=q", "share_of": "revenue", "at_least": 0.4},
        ],
    }
    model = year(tmp_path, tables)
    plan = solve(model, visits=False)
    rows = "month,metric,rep,product,amount\n2026-03,revenue,r,p,300\n2026-03,revenue,r,q,100\n"
    (tmp_path / "a.csv").write_text(rows, encoding="utf-8")
    actuals = read_actuals(model, tmp_path / "a.csv", dt.date(2026, 3, 31))
    found = review(model, actuals, Published(model, plan.tables, "plan"), curve=False, visits=False)
    assert audit(found.plan.model, found.plan.tables).clean
    quotas = found.plan["quotas"]
    april = quotas[quotas["month"] == "2026-04"].groupby(["level", "product"])["exact"].sum()
    for level in ("base", "stretch"):
        whole = 400 + april[level].sum()
        assert (100 + april[level, "q"]) / whole >= 0.4 - 1e-6
