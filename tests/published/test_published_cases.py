"""Published cases, said in tables alone, are solved to their published answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from published_tables import (
    COST_PER_REP,
    DRUGS,
    MEDIA,
    TERRITORIES,
    callplan,
    media_selection,
    relaxation,
    suncoast,
    syntex,
)

import allocator
from allocator.cli import main
from allocator.engines import engine
from allocator.explaining.clashing import with_slack
from allocator.explaining.effort_rules import effort_rules
from allocator.explaining.explanation import explain
from allocator.plan import Plan

WITHIN = 1e-3
"""Relative error that sampling a curve may bring."""


def solved(folder: Path) -> Plan:
    """Load and solve a model without findings, and see it proved and audited."""
    model = allocator.load(folder)
    assert not model.findings
    plan = allocator.solve(model, visits=False)
    assert plan.status == "optimal"
    assert plan.summary["audit"]["rules"] > 50
    assert plan.summary["audit"]["violations"] == 0
    return plan


def contribution(plan: Plan) -> float:
    """Contribution of a plan, worked out by the audit from the output tables."""
    return float(plan.summary["kpis"]["contribution"])


def planned(plan: Plan, target: str) -> float:
    """Value of a target's metric in the plan."""
    return float(plan["targets"].set_index("target")["planned"][target])


class TestSyntex:
    """Eight products, one sales force (Lodish and others 1988).

    The total at 700 representatives is from GitHub rkaahean/pycuan (pycuan/workforce/data/partc_values.json @ 36a1b06: 524.25371,
    by SLSQP); the others are from an exact dynamic program over the same curves in steps of half a representative.
    """

    def detailing(self, plan: Plan) -> dict[str, float]:
        """Representatives by product."""
        spend = plan["budget"].groupby("line")["spend"].sum() / COST_PER_REP
        return {drug.name: float(spend[f"{drug.name} detailing"]) for drug in DRUGS}

    @pytest.mark.parametrize(
        ("reps", "total"), [(432, 495.1568), (527, 510.4928), (700, 524.2537078836301), (1000, 535.9683)]
    )
    def test_totals(self, reps: int, total: float, tmp_path: Path) -> None:
        """The contribution of each size of the force is the published one, and the whole force is used."""
        plan = solved(syntex(tmp_path / "syntex", reps))
        assert contribution(plan) == pytest.approx(total, rel=WITHIN)
        assert sum(self.detailing(plan).values()) == pytest.approx(reps)

    def test_two_products_get_nobody(self, tmp_path: Path) -> None:
        """At 700 Synalar and Nasalide get no representative, the others what SLSQP found, within a tenth of today's.

        A plan of one month for the whole year says the same as twelve months in which the first month's money works on.
        """
        published = {
            "Naprosyn": 220.2587404529077,
            "Nipro": 245.92097115519573,
            "Anaprox": 117.45393845347091,
            "Norinyl": 51.53074140756255,
            "Pironil": 29.491636367534056,
            "Lidex": 35.343972165914046,
            "Synalar": 0.0,
            "Nasalide": 0.0,
        }
        year, month = (solved(syntex(tmp_path / str(m), 700, months=m)) for m in (12, 1))
        found = self.detailing(year)
        assert self.detailing(month) == pytest.approx(found, rel=1e-6, abs=1e-6)
        assert contribution(month) == pytest.approx(contribution(year), rel=1e-9)
        assert found["Synalar"] == found["Nasalide"] == 0.0
        for drug in DRUGS:
            assert found[drug.name] == pytest.approx(published[drug.name], abs=0.1 * drug.reps)

    def test_more_than_enough(self, tmp_path: Path) -> None:
        """At 1,100 the limit does not bind: 536.0612 with fewer people, and every product has some."""
        plan = solved(syntex(tmp_path / "syntex", 1100))
        assert contribution(plan) == pytest.approx(536.0612, rel=WITHIN)
        found = self.detailing(plan)
        assert sum(found.values()) < 1060
        assert min(found.values()) > 20

    def test_as_it_is(self, tmp_path: Path) -> None:
        """The base year's 527 representatives where they are bring 399.64108: to that point the curve is exact."""
        plan = solved(syntex(tmp_path / "syntex", 527, as_it_is=True))
        assert contribution(plan) == pytest.approx(399.64108, rel=1e-7)

    @pytest.mark.parametrize("reps", [100, 660])
    def test_no_hull(self, reps: int, tmp_path: Path) -> None:
        """Where a product stands in the bend of its S the concave hull promises too much (at 100: 1.77 %); the plan does not."""
        curves = [np.array([drug.contribution(n) for n in range(1001)]) for drug in DRUGS]
        best, hull = best_total(curves, reps), best_total([concave_hull(curve) for curve in curves], reps)
        assert hull > best * (1 + WITHIN)
        plan = solved(syntex(tmp_path / "syntex", reps))
        assert contribution(plan) == pytest.approx(best, rel=WITHIN)
        assert contribution(plan) < (best + hull) / 2


def best_total(curves: list[np.ndarray], most: int) -> float:
    """Best sum of curves over whole numbers that sum to so many at most, by dynamic programming."""
    best = np.maximum.accumulate(curves[0][: most + 1])
    for curve in curves[1:]:
        best = np.array([np.max(best[: n + 1] + curve[n::-1]) for n in range(most + 1)])
    return float(best[-1])


def concave_hull(curve: np.ndarray) -> np.ndarray:
    """Least concave curve above a curve given at 0, 1, 2 …"""
    corners = [0]
    for n in range(1, len(curve)):
        while len(corners) > 1 and not is_corner(curve, corners[-2], corners[-1], n):
            corners.pop()
        corners.append(n)
    return np.asarray(np.interp(np.arange(len(curve)), corners, curve[corners]))


def is_corner(curve: np.ndarray, before: int, at: int, after: int) -> bool:
    """Whether a point lies above the line through two others."""
    return bool((curve[at] - curve[before]) * (after - at) > (curve[after] - curve[at]) * (at - before))


class TestCallplan:
    """Two territories, eight calls (Lodish 1971; GitHub r-forge/mar @ be7572d).

    All enumerated: (5, 3) brings 41.05269, (6, 2) 40.90114, today's (4, 4) 39. Nothing says that calls are whole. They are because
    the curve is straight between whole calls, every call takes two hours and sixteen hours are eight of them: with the bends
    decided, what is left is to fill segments of one call each from eight calls, and no vertex of that cuts one.
    """

    def calls(self, plan: Plan) -> tuple[float, ...]:
        """Calls by territory."""
        visits = plan["effort"].groupby("tier")["planned"].sum()
        return tuple(float(visits[t.name]) for t in TERRITORIES)

    def profit(self, *calls: int) -> float:
        """Profit of whole calls from the formula."""
        return sum(t.margin * t.revenue(n) for t, n in zip(TERRITORIES, calls, strict=True))

    def test_optimum(self, tmp_path: Path) -> None:
        """Five calls in the north and three in the south, 41.0527, in all sixteen hours."""
        plan = solved(callplan(tmp_path / "callplan"))
        assert self.calls(plan) == pytest.approx((5, 3), abs=1e-9)
        assert contribution(plan) == pytest.approx(41.05269317231606, rel=1e-9)
        assert plan["effort"]["minutes"].sum() == pytest.approx(16 * 60)
        assert plan["effort"]["hours_available"].unique() == pytest.approx(16)

    def test_runner_up(self, tmp_path: Path) -> None:
        """Six calls in the north leave two for the south: 40.9011."""
        six = "\nsix in the north, visits, tier=north, 6,, hard"
        plan = solved(callplan(tmp_path / "callplan", targets=six))
        assert self.calls(plan) == pytest.approx((6, 2), abs=1e-9)
        assert contribution(plan) == pytest.approx(40.90113518493101, rel=1e-9)

    def test_promises_first(self, tmp_path: Path) -> None:
        """Where today's calls are a promise that comes before profit, they are kept: 39."""
        plan = solved(callplan(tmp_path / "callplan", goals="visits, base, stretch, contribution"))
        assert self.calls(plan) == pytest.approx((4, 4), abs=1e-9)
        assert contribution(plan) == pytest.approx(39.0, rel=1e-9)

    def test_fifteen_hours(self, tmp_path: Path) -> None:
        """Fifteen hours are seven calls and a half, which a straight curve sells as such; said as calls or as a staircase they are seven.

        The best of seven whole calls is (5, 2); half a call more on a straight curve brings 1.33.
        """
        best = max(self.profit(n, 7 - n) for n in range(8))
        assert best == self.profit(5, 2)
        folders = {
            "hours": callplan(tmp_path / "hours", hours_per_day=7.5),
            "calls": callplan(tmp_path / "calls", hours_per_day=7.5, targets="\nseven calls, visits,,, 7, hard"),
            "steps": callplan(tmp_path / "steps", hours_per_day=7.5, steps=True),
        }
        plans = {name: allocator.solve(allocator.load(folder), visits=False) for name, folder in folders.items()}
        assert all(plan.summary["audit"]["violations"] == 0 for plan in plans.values())
        half = (self.profit(5, 2) + self.profit(5, 3)) / 2
        assert contribution(plans["hours"]) == pytest.approx(half, rel=1e-9)
        assert self.calls(plans["calls"]) == pytest.approx((5, 2), abs=1e-9)
        assert contribution(plans["calls"]) == pytest.approx(best, rel=1e-9)
        assert contribution(plans["steps"]) == pytest.approx(best, rel=1e-6)


class TestMediaSelection:
    """Five media (Anderson, Sweeney and Williams): 2370 units of exposure."""

    def ads(self, plan: Plan) -> list[float]:
        """Advertisements by medium."""
        spend = plan["budget"].groupby("line")["spend"].sum()
        return [float(spend[m.line]) / m.cost for m in MEDIA]

    def test_optimum(self, tmp_path: Path) -> None:
        """10 daytime and no evening television, 25 daily and 2 Sunday newspapers, 30 on the radio; 61,500 see them."""
        plan = solved(media_selection(tmp_path / "media"))
        assert self.ads(plan) == pytest.approx([10, 0, 25, 2, 30], abs=1e-6)
        assert planned(plan, "exposure") == pytest.approx(2370, rel=1e-9)
        assert planned(plan, "audience") == pytest.approx(61_500, rel=1e-9)
        assert planned(plan, "money") == pytest.approx(30_000, rel=1e-9)
        said = plan["targets"].set_index("target")
        assert said["status"].to_dict() == {
            "money": "hard",
            "television": "hard",
            "money for television": "hard",
            "audience": "hard",
            "exposure": "missed",
        }
        assert said["gap"]["exposure"] == pytest.approx(630)
        assert "target money comes first" in said["cause"]["exposure"]

    @pytest.mark.parametrize(
        ("changed", "more"),
        [
            pytest.param({"money": 30_100}, 0.06 * 100, id="budget"),
            pytest.param({"television": 11}, -25, id="television"),
            pytest.param({"most": {"daily newspaper": 26}}, 16, id="daily newspaper"),
            pytest.param({"most": {"radio": 31}}, 14, id="radio"),
            pytest.param({"least": {"evening TV": 1}}, -65, id="evening television"),
        ],
    )
    def test_prices(self, changed: dict[str, object], more: float, tmp_path: Path) -> None:
        """A limit moved by one unit moves the exposure by its published price (evening television: its reduced cost)."""
        plan = solved(media_selection(tmp_path / "media", **changed))  # type: ignore[arg-type]
        assert planned(plan, "exposure") == pytest.approx(2370 + more, rel=1e-9)


class TestSuncoast:
    """Goal programming (Anderson, Sweeney and Williams), on the command line: 250 previous and 60 new customers."""

    @pytest.fixture
    def run(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], pd.DataFrame]:
        """Solve on the command line and return how to read a table of the run."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LANGUAGE", "en")
        assert main(["solve", str(suncoast(tmp_path / "suncoast")), "-o", "run"]) == 0
        return lambda name: pd.read_csv(tmp_path / "run" / f"{name}.csv")

    def test_optimum(self, run: Callable[[str], pd.DataFrame], tmp_path: Path) -> None:
        """All targets are met but the last, which lacks 60 new customers."""
        summary = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))
        assert (summary["status"], summary["audit"]["violations"]) == ("optimal", 0)
        assert summary["targets"] == {"met": 4, "missed": 1}
        effort = run("effort")
        assert effort["planned"].sum() == pytest.approx(250, rel=1e-6)
        assert effort["first_visits"].sum() == pytest.approx(60, rel=1e-6)
        targets = run("targets").set_index("target")
        assert targets["planned"].to_dict() == pytest.approx(
            {"no overtime": 680, "full hours": 680, "sales": 70_000, "previous customers": 250, "new customers": 60}
        )
        assert targets["gap"].drop("new customers").to_list() == pytest.approx([0] * 4, abs=1e-9)
        assert targets["gap"]["new customers"] == pytest.approx(60)


class TestRelaxation:
    """An infeasible program of AMPL's documentation and its least relaxations, as HiGHS's check/TestIis.cpp has them; from tables."""

    @pytest.mark.parametrize(
        ("penalties", "contracts", "violation"),
        [
            pytest.param({"X": 1, "R0": 1, "R1": 1, "R2": 1}, (1, 1), 5, id="all 1"),
            pytest.param({"X": None, "R0": None, "R1": 1, "R2": 1}, (5, 1), 81, id="lower bounds hard"),
            pytest.param({"X": 1, "R0": 1, "R1": None, "R2": 10}, (1, 0), 7, id="rows 1, hard, 10"),
            pytest.param({"X": 1, "R0": 10, "R1": 1, "R2": 1}, (1, 1), 5, id="rows 10, 1, 1"),
        ],
    )
    def test_penalties(
        self, penalties: dict[str, float | None], contracts: tuple[int, int], violation: float, tmp_path: Path
    ) -> None:
        """What explain asks, by how much rules give way at least, has the published sum, and is so at the published contracts."""
        book, _effort = effort_rules(allocator.load(relaxation(tmp_path / "model")))
        program, atoms = with_slack(book), book.atoms
        columns = book.program.shape[1]
        natural = (atoms["size"] * atoms["factor"]).to_numpy(float)
        asked = [penalties[str(name)] for name in atoms["target"]]
        integer = np.concatenate([book.program.integer, np.zeros(len(atoms), bool)])
        upper = np.concatenate([program.upper[:columns], [0.0 if p is None else np.inf for p in asked]])
        costs = np.concatenate([np.zeros(columns), [(p or 0.0) * n for p, n in zip(asked, natural, strict=True)]])
        held = replace(program, integer=integer, upper=upper)
        solution = engine("highs").solve(held, costs)
        assert solution.x is not None
        assert costs @ solution.x == pytest.approx(violation)
        place = book.program.family("contracts").slice
        lower, upper = held.lower.copy(), held.upper.copy()
        lower[place] = upper[place] = contracts
        there = engine("highs").solve(held.with_bounds(lower, upper), costs)
        assert there.x is not None
        assert costs @ there.x == pytest.approx(violation)

    def test_what_clashes_and_the_way_out(self, tmp_path: Path) -> None:
        """X ≥ 5 and 20X + Y ≤ 20 clash; the way out is the published relaxation: one X and one Y, for which R2 is 21."""
        found = explain(allocator.load(relaxation(tmp_path / "model")))
        ((problem,)) = found.problems
        ((told,)) = problem.told
        assert {m.item.labels["target"]: m.gap for m in told.missing} == pytest.approx({"X": -4, "R2": 80})
        (way,) = problem.repairs
        assert {p.what["target"]: p.amount for p in way.parts} == pytest.approx({"X": 4, "R2": 1})
