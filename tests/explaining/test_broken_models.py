"""Broken models by hand: what clashes, what is missing and what helps, in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from clash_models import written
from explained import HARD, TWO, changed, gaps, readable, ways, written_text
from tight_models import Rows, demand, points

from allocator.engines import engine
from allocator.explaining.clashing import Elastic, Search
from allocator.explaining.explanation import Explanation, explain
from allocator.explaining.report import as_mapping
from allocator.explaining.rulebook import collected
from allocator.program import Program
from allocator.solving import solve
from allocator.texts import in_language

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


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> Explanation:
    """Shares that add up to more than all."""
    return explain(written(tmp_path_factory.mktemp("shares"), SHARES))


def test_budget_below_the_minimums(tmp_path: Path) -> None:
    """Minimums of 60 and 50 against 100 in all: 10 are missing, and 10 anywhere help; the commission of nothing does not matter."""
    lines = [
        {"line": n, "category": "marketing", "minimum": m, "maximum": 200} for n, m in (("fair", 60), ("mail", 50))
    ]
    targets = [{"target": "thrift", "metric": "spend", "at_most": 100, **HARD}]
    found = explain(written(tmp_path, {"budget": lines, "targets": targets}))
    assert readable(found)
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
    assert readable(found)
    assert gaps(found) == {"promise u": -16, "hours u": 16}
    assert ways(found)["promise"] == {"A": 8}
    assert ways(found)["time"] == {"r": 1.9}
    for repair in found.problems[0].repairs:
        assert repair.parts
        assert explain(changed(model, repair.changes), strict=True).status == "met"


def test_hard_target_over_the_market(tmp_path: Path) -> None:
    """2,000 asked of clients who buy 1,000: it clashes with nothing, it is out of reach, and twice the market would do."""
    targets = [{"target": "sell", "metric": "revenue", "at_least": 2000, **HARD}]
    found = explain(written(tmp_path, {"targets": targets}))
    assert readable(found)
    assert gaps(found) == {"target sell at_least": -1000}
    assert ways(found) == {"target": {"sell": 1000}, "demand": {"": 1}}
    assert "out of reach" in written_text(found)


def test_pins_that_contradict(tmp_path: Path) -> None:
    """Ann 60 and Bob 50 of a company's 100: 10 too much, told like any other clash, with a way out that a solve accepts."""
    pins = [{"rep": "", "amount": 100}, {"rep": "ann", "amount": 60}, {"rep": "bob", "amount": 50}]
    model = written(tmp_path, {**TWO, "pins": pins})
    found = explain(model)
    assert found.status == "impossible"
    assert readable(found)
    assert sorted(gaps(found).values()) == [-10, -10, 10]
    (repair,) = found.problems[0].repairs
    assert solve(changed(model, repair.changes), visits=False).status == "optimal"
    assert solve(changed(model, repair.half), visits=False).status == "infeasible"


def test_product_shares_over_100(shares: Explanation) -> None:
    """Shares of 60 % and 50 % cannot hold where something is sold: 10 points of them are too much."""
    found = shares
    assert readable(found)
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
    assert readable(found)
    assert gaps(found) == {"promise u": -5, "executive A u": -1, "pool boss": 8}
    assert ways(found) == {
        "promise": {"A": 2.5},
        "executive": {"A": 0.5},
        "pool": {"boss 2026-03": 4, "boss 2026-04": 4},
    }


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


@pytest.mark.parametrize("language", ["en", "zh"])
def test_texts_are_for_people(shares: Explanation, language: str) -> None:
    """What is printed names no part of a program, in either language; JSON has the changes as a scenario's file has them."""
    found = shares
    assert "p_share" in written_text(found, language)
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
