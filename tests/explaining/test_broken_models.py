"""Broken models by hand: what clashes, what is missing and what helps, in words for people."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from clash_models import written
from rich.console import Console
from tight_models import Rows, demand, points

from allocator.engines import engine
from allocator.explaining.clashing import Elastic, Search
from allocator.explaining.explanation import Explanation, explain
from allocator.explaining.report import as_mapping, report
from allocator.explaining.rulebook import collected
from allocator.model import Model
from allocator.program import Program
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario, Written
from allocator.solving import solve
from allocator.texts import in_language

HERE = Written("broken", "1")
HARD = {"priority": "hard"}
PEOPLE: Rows = [{"rep": r, "unit": "u", "hours_per_day": 5, "selling_share": 0.2} for r in ("ann", "bob")]
TWO: Mapping[str, Rows] = {
    "reps": PEOPLE,
    "clients": [{"client": c, "tier": "A", "owner": r} for c, r in (("c", "ann"), ("d", "bob"))],
    "demand": demand(1000, 1000, ("c", "p"), ("d", "p")),
}
SHARES: Mapping[str, Rows] = {
    "products": [{"product": p, "family": "f", "margin": 0.5} for p in "pq"],
    "demand": demand(1000, 1000, ("c", "p"), ("c", "q")),
    "targets": [
        {
            "target": f"{p}_share",
            "metric": "revenue",
            "scope": f"product={p}",
            "at_least": x,
            "share_of": "revenue",
            **HARD,
        }
        for p, x in (("p", 0.6), ("q", 0.5))
    ]
    + [{"target": "sell", "metric": "revenue", "at_least": 100, "share_of": "", "scope": "", **HARD}],
}
JARGON = re.compile(
    r"\b(rows?|columns?|duals?|prices?|slack|solver|feasib\w*|infeasib\w*|constraints?|program|variables?|LP|MIP|IIS|Farkas)\b|对偶|约束条件|松弛|不可行|线性规划|变量|求解器",
    re.IGNORECASE,
)
"""Words that someone who has never heard of linear programming does not know."""


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    """Shares that add up to more than all."""
    return explain(written(tmp_path_factory.mktemp("shares"), SHARES))


def written_text(found: Explanation, language: str = "en") -> str:
    """What stands on a screen of 80 columns."""
    with in_language(language):
        console = Console(width=80, highlight=False, markup=False, emoji=False)
        with console.capture() as capture:
            console.print(report(found))
    return capture.get()


def gaps(found: Explanation) -> dict[str, float]:
    """Kinds and names of the items of the only clash, and what is missing of each."""
    (problem,) = found.problems
    (told,) = problem.told
    return {" ".join([m.item.kind, *(v for v in m.item.labels.values() if v)]): round(m.gap, 6) for m in told.missing}


def ways(found: Explanation) -> dict[str, dict[str, float]]:
    """Ways out by kind: what changes by how much."""
    (problem,) = found.problems
    return {
        r.kind: {" ".join(v for k, v in p.what.items() if k not in ("reps", "bound")): p.amount for p in r.parts}
        for r in problem.repairs
    }


def changed(model: Model, changes: Any) -> Model:
    """The model with changes of its tables."""
    return apply_steps(model, [(Scenario("s", "", HERE), changes)]).model


def test_budget_below_the_minimums(tmp_path: Path) -> None:
    """Minimums of 60 and 50 against 100 in all: 10 are missing, and 10 anywhere help; the commission of nothing does not matter."""
    lines = [
        {"line": n, "category": "marketing", "minimum": m, "maximum": 200} for n, m in (("fair", 60), ("mail", 50))
    ]
    targets = [{"target": "thrift", "metric": "spend", "at_most": 100, **HARD}]
    found = explain(written(tmp_path, {"budget": lines, "targets": targets}))
    assert gaps(found) == {"target thrift at_most": 10, "least fair": -10, "least mail": -10}
    assert ways(found)["target"] == {"thrift": 10}
    assert sum(ways(found)["least"].values()) == 10


def test_hard_promised_visits_over_hours(tmp_path: Path) -> None:
    """30 visits of an hour a month, of which 22 fit: strictly, 8 hours a month are missing, or 8 visits are too many.

    A day has an hour for selling and a month 22 days: 5 hours of which a fifth is for selling. 8 hours more a month are 8 ÷ 22 an hour of
    selling a day, 8 ÷ 22 ÷ 0.2 = 1.82 of work, told as 1.9. Half of that, 0.9, is not enough.
    """
    model = written(tmp_path, {"tiers": [{"tier": "A", "visits": 30, "per": "month", "minutes": 60}]})
    found = explain(model, strict=True)
    assert found.status == "impossible"
    assert gaps(found) == {"promise u": -16, "hours u": 16}
    assert ways(found)["promise"] == {"A": 8}
    assert ways(found)["time"] == {"r": 1.9}
    for repair in found.problems[0].repairs:
        assert repair.parts
        assert explain(changed(model, repair.changes), strict=True).status == "met"


def test_more_people_take_over_clients(tmp_path: Path) -> None:
    """Six clients of 10 hours a month each, of whom a rep carries two: two more reps are needed, and one is not enough."""
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}],
        "clients": [{"client": f"c{k}", "tier": "A", "owner": "r"} for k in range(6)],
        "demand": demand(1000, 1000, *((f"c{k}", "p") for k in range(6))),
    }
    model = written(tmp_path, tables)
    found = explain(model, strict=True)
    (heads,) = (r for r in found.problems[0].repairs if r.kind == "heads")
    assert [(p.what["unit"], p.what["clients"], p.amount) for p in heads.parts] == [("u", "4", 2)]
    assert solve(changed(model, heads.changes), strict=True, visits=False).status == "optimal"
    assert solve(changed(model, heads.half), strict=True, visits=False).status == "infeasible"


def test_hard_target_over_the_market(tmp_path: Path) -> None:
    """2,000 asked of clients who buy 1,000: it clashes with nothing, it is out of reach, and twice the market would do."""
    targets = [{"target": "sell", "metric": "revenue", "at_least": 2000, **HARD}]
    found = explain(written(tmp_path, {"targets": targets}))
    assert gaps(found) == {"target sell at_least": -1000}
    assert ways(found) == {"target": {"sell": 1000}, "demand": {"": 1}}
    assert "whatever else gives way" in written_text(found)


def test_pins_that_contradict(tmp_path: Path) -> None:
    """Ann 60 and Bob 50 of a company's 100: 10 too much, told like any other clash, with a way out that a solve accepts."""
    pins = [{"rep": "", "amount": 100}, {"rep": "ann", "amount": 60}, {"rep": "bob", "amount": 50}]
    model = written(tmp_path, {**TWO, "pins": pins})
    found = explain(model)
    assert found.status == "impossible"
    assert sorted(gaps(found).values()) == [-10, -10, 10]
    (repair,) = found.problems[0].repairs
    assert solve(changed(model, repair.changes), visits=False).status == "optimal"
    assert solve(changed(model, repair.half), visits=False).status == "infeasible"


def test_floor_over_cap_and_pin(tmp_path: Path) -> None:
    """A floor of 80 under a pin of 50: the pin rises, or the floor falls, by 30."""
    reps = [PEOPLE[0] | {"quota_min": 80}, PEOPLE[1] | {"quota_min": ""}]
    found = explain(written(tmp_path, {**TWO, "reps": reps, "pins": [{"rep": "ann", "amount": 50}]}))
    assert gaps(found) == {"pin 0": 30, "floor ann": -30}
    assert ways(found) == {"pin": {"0": 30}, "bound": {"ann": 30}}


def test_commission_over_the_incentive_line(tmp_path: Path) -> None:
    """Quotas of 1,000 are pinned at 10 % commission, but the incentive line holds 70."""
    tables: dict[str, Rows] = {
        "pins": [{"rep": "r", "amount": 1000}],
        "commission": [{"attainment_from": 0, "rate": 0.1}],
        "budget": [{"line": "bonus", "category": "incentive", "maximum": 70}],
    }
    found = explain(written(tmp_path, tables))
    assert gaps(found) == {"pin 0": -300, "incentive": 30}
    assert ways(found) == {"pin": {"0": 300}, "incentive": {"bonus": 30}}


def test_product_shares_over_100(shares: Explanation) -> None:
    """Shares of 60 % and 50 % cannot hold where something is sold: 10 points of them are too much."""
    found = shares
    assert set(gaps(found)) == {"target p_share at_least", "target q_share at_least", "target sell at_least"}
    assert gaps(found)["target sell at_least"] == pytest.approx(-100)
    assert sum(ways(found)["target"].values()) == pytest.approx(0.1, abs=0.01)


def test_an_executive_with_too_few_days(tmp_path: Path) -> None:
    """Two visits a month with an executive take 8 hours each, who has 12: 4 are missing in each month."""
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60, "executive_visits": 2}],
        "needs": [{"resource": "boss", "tier": "A", "hours": 8}],
        "resources": [{"resource": "boss", "hours": 12}],
    }
    found = explain(written(tmp_path, tables), strict=True)
    assert gaps(found) == {"promise u": -5, "executive A u": -1, "pool boss": 8}
    assert ways(found) == {
        "promise": {"A": 2.5},
        "executive": {"A": 0.5},
        "pool": {"boss 2026-03": 4, "boss 2026-04": 4},
    }


def test_a_missed_wish_and_the_money_that_is_missing(tmp_path: Path) -> None:
    """A target that would take 200 of money where a line has 50: the plan of the mended tables meets it, with half of it not."""
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}],
        "demand": demand(1000, 2000, ("c", "p")),
        "budget": [{"line": "fair", "category": "marketing", "maximum": 50}],
        "responses": points("fair", (0, 0), (100, 200), (400, 500)),
        "targets": [{"target": "sell", "metric": "revenue", "at_least": 1300}],
    }
    model = written(tmp_path, tables)
    found = explain(model)
    assert found.status == "missed"
    assert [round(m.amount, 6) for m in found.misses] == [200]
    assert gaps(found) == {"target sell at_least": -200, "most fair": 150}
    assert ways(found)["money"] == {"fair": 150}
    money = next(r for r in found.problems[0].repairs if r.kind == "money")
    for changes, missed in ((money.changes, 0), (money.half, 1)):
        assert solve(changed(model, changes), visits=False).summary["targets"]["missed"] == missed


def test_a_line_without_money_is_named(tmp_path: Path) -> None:
    """A line that may spend nothing is what a spend target clashes with, though it has no spend of its own."""
    tables: dict[str, Rows] = {
        "budget": [{"line": "fair", "category": "marketing", "maximum": 0}],
        "targets": [{"target": "seen", "metric": "spend", "at_least": 40, **HARD}],
    }
    found = explain(written(tmp_path, tables))
    assert gaps(found) == {"most fair": 40, "target seen at_least": -40}
    assert ways(found)["money"] == {"fair": 40}


def test_whole_contracts_that_clash(tmp_path: Path) -> None:
    """With 15 visits a month clients buy 1,200: three contracts of 350, so 1,100 are out of reach though parts of contracts would do."""
    tables: dict[str, Rows] = {
        "products": [{"product": "p", "family": "f", "margin": 0.5, "contract_value": 350, "large": "yes"}],
        "demand": demand(1000, 2000, ("c", "p")),
        "responses": points("A", (0, 0.5), (1, 1), (1.5, 1.2)),
        "targets": [{"target": "sell", "metric": "revenue", "at_least": 1100, **HARD}],
    }
    found = explain(written(tmp_path, tables))
    assert found.status == "impossible"
    (told,) = found.problems[0].told
    assert told.clash.whole
    assert [i.labels["target"] for i in told.clash.items] == ["sell"]
    assert ways(found)["target"] == {"sell": 55}
    assert "whole contracts" in written_text(found)


def test_the_order_of_goals_may_be_all_there_is(tmp_path: Path) -> None:
    """Where contribution comes first and money is dear, a target is missed that clashes with nothing; it is said so."""
    tables: dict[str, Rows] = {
        "demand": demand(1000, 2000, ("c", "p")),
        "budget": [{"line": "fair", "category": "marketing", "maximum": 400}],
        "responses": points("fair", (0, 0), (400, 500)),
        "targets": [{"target": "sell", "metric": "revenue", "at_least": 1300}],
    }
    model = written(tmp_path, tables, goals=["contribution", "visits", "base", "stretch"])
    found = explain(model)
    assert found.status == "missed"
    assert not found.problems
    assert "first" in written_text(found)


def test_nothing_to_explain(tmp_path: Path) -> None:
    """A model whose wishes are all met says so."""
    found = explain(written(tmp_path, {"tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}]}))
    assert (found.status, found.problems, found.misses) == ("met", (), ())


def test_a_time_limit_is_told(tmp_path: Path) -> None:
    """Without time nothing is claimed: neither that all is well, nor a clash that was not thinned out."""
    model = written(tmp_path, {"tiers": [{"tier": "A", "visits": 30, "per": "month", "minutes": 60}]})
    found = explain(model, strict=True, seconds=1e-9)
    assert (found.status, found.problems) == ("limit", ())


def test_two_clashes_apart_are_two_problems(tmp_path: Path) -> None:
    """A budget and a market that are out of reach have nothing to do with each other: each has its own ways out."""
    lines = [{"line": "fair", "category": "marketing", "minimum": 60, "maximum": 200}]
    targets = [
        {"target": "thrift", "metric": "spend", "at_most": 50, "at_least": "", **HARD},
        {"target": "sell", "metric": "revenue", "at_most": "", "at_least": 2000, **HARD},
    ]
    found = explain(written(tmp_path, {"budget": lines, "targets": targets}))
    assert sorted(len(told.clash.items) for p in found.problems for told in p.told) == [1, 2]
    assert len(found.problems) == 2
    assert all(p.repairs for p in found.problems)


STEPS = (
    Change("demand", {"product": ("p",)}, "multiply", {"expected": "0.9"}, HERE),
    Change("tiers", {"tier": ("A",)}, "set", {"visits": "16"}, HERE),
    Change("tiers", {"tier": ("A",)}, "set", {"minutes": "90"}, HERE),
    Change("products", {"product": ("p",)}, "set", {"margin": "0.4"}, HERE),
)


def test_steps_of_a_scenario_that_broke_it(tmp_path: Path) -> None:
    """16 visits fit into 22 hours, and so do 10 of 90 minutes, but not 16 of 90: these two steps of four, and no others."""
    base = written(tmp_path, {"tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}]})
    scenario = Scenario("worse", "", HERE, steps=STEPS)
    found = explain(changed(base, STEPS), scenarios=(base, [(scenario, STEPS)]))
    assert found.broken is not None
    assert (found.broken.by, [s for _scenario, s in found.broken.steps]) == ("steps", list(STEPS[1:3]))
    for step in STEPS[1:3]:
        assert explain(changed(base, [step])).status == "met"
    found = explain(changed(base, STEPS), strict=True, scenarios=(changed(base, STEPS[1:3]), [(scenario, STEPS[:1])]))
    assert found.broken is not None
    assert found.broken.by == "itself"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_are_for_people(shares: Explanation, language: str) -> None:
    """What is printed names no part of a program, in either language; JSON has the changes as a scenario's file has them."""
    found = shares
    text = written_text(found, language)
    assert not JARGON.search(text)
    assert "p_share" in text
    with in_language(language):
        told = as_mapping(found)
    assert told["status"] == "impossible"
    assert told["problems"][0]["repairs"][0]["changes"][0]["table"] == "targets"


AMPL = (
    # Relaxation penalties of X's bound, R0, R1 and R2 (None: hard), then where the least weighted violation lies and what it is.
    ((1, 1, 1, 1), (1, 1), 5),
    ((None, None, 1, 1), (5, 1), 81),
    ((1, 1, None, 10), (1, 0), 7),
    ((1, 10, 1, 1), (1, 1), 5),
)
"""Published answers of an infeasible program of AMPL's documentation, as HiGHS's check/TestIis.cpp has them."""


def ampl() -> Elastic:
    """−X + 21Y ≥ 2; −3X + 2Y ≤ 1; 20X + Y ≤ 20; X ≥ 5; all whole: an item a row."""
    matrix = sp.csr_array(np.array([[1.0, 0.0], [-1.0, 21.0], [-3.0, 2.0], [20.0, 1.0]]))
    inf = np.inf
    low, high = np.array([5.0, 2.0, -inf, -inf]), np.array([inf, inf, 1.0, 20.0])
    program = Program(np.zeros(2), np.full(2, inf), np.ones(2, bool), matrix, low, high, (), ())
    atoms = pd.DataFrame({"row": range(4), "side": [1, 1, -1, -1], "kind": "most", "measure": "money"})
    atoms = atoms.assign(line=["X", "R0", "R1", "R2"], held=[5.0, 2.0, 1.0, 20.0])
    return Elastic(collected(None, program, [atoms]), engine("highs"))  # type: ignore[arg-type]


@pytest.mark.parametrize(("penalties", "point", "violation"), AMPL)
def test_published_relaxations(
    penalties: tuple[float | None, ...], point: tuple[float, float], violation: float
) -> None:
    """The program with a slack for each item, with whole numbers, gives the violations of the four published points."""
    elastic = ampl()
    whole = replace(elastic.program, integer=np.array([True, True, False, False, False, False]))
    upper = np.concatenate([whole.upper[:2], [0.0 if p is None else np.inf for p in penalties]])
    costs = np.array([0.0, 0.0, *(p or 0.0 for p in penalties)])
    solution = engine("highs").solve(whole.with_bounds(whole.lower, upper), costs)
    assert solution.x is not None
    assert costs @ solution.x == pytest.approx(violation)
    away = np.maximum(elastic.book.atoms["side"] * (elastic.book.limits() - elastic.book.program.matrix @ point), 0)
    assert sum(p * a for p, a in zip(penalties, away, strict=True) if p) == violation
    assert not any(a for p, a in zip(penalties, away, strict=True) if p is None)


def test_published_program_s_clash() -> None:
    """X ≥ 5 alone contradicts 20X + Y ≤ 20, and nothing else does: the only clash there is."""
    elastic = ampl()
    found = Search(elastic.book, elastic.contradiction).clashes(elastic.book.items, 10)
    assert [sorted(i.labels["line"] for i in clash) for clash in found] == [["R2", "X"]]
