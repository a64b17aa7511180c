"""Months that are over: the engine against the oracle, which deals and freezes them by its own code, on random small models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pencil import compare, goals, tiny
from random_pasts import random_past
from tight_models import Rows

from allocator.reading import load
from allocator.solving import solve

PROOF = os.environ.get("ALLOCATOR_PROOF", "")
"""How many random models the long mode compares, such as 10000."""
SEEDS = range(int(PROOF or 25))


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_agrees_with_the_oracle(seed: int, tmp_path: Path) -> None:
    """Every goal of a random small model with months that are over has the oracle's value, and the audit finds nothing."""
    compare(load(random_past(seed).write(tmp_path / "model")))


def sold(amount: float) -> Rows:
    """Revenue of March."""
    return [{"month": "2026-03", "metric": "revenue", "rep": "r", "product": "p", "amount": amount}]


def test_a_hard_market_share_that_the_past_has_broken(tmp_path: Path) -> None:
    """March sold 500 of a market of 1,000 where at most 40 % may be: what remains may sell nothing. Wrong: 500, as if 499.6 were broken.

    Contribution 0.5 · 500; the target is reported as missed by a tenth.
    """
    tables: dict[str, Rows] = {
        "market": [{"product": "p", "size": 1000}],
        "targets": [
            {"target": "t", "metric": "market_share", "scope": "product=p", "at_most": 0.4, "priority": "hard"}
        ],
        "actuals": sold(500),
    }
    model = tiny(tmp_path, tables, as_of="2026-03-31")
    goals(model, contribution=250)
    row = solve(model)["targets"].iloc[0]
    assert (row["status"], row["gap"]) == ("missed", pytest.approx(0.1))


def test_promised_executives_of_a_quarter_under_way(tmp_path: Path) -> None:
    """Of 30 visits a quarter March made 8 with a tenth of an executive each; April's take 4 hours of 1 a month for the same.

    A quarter of an executive's visit a month allows 2.5 visits in April, 10.5 of 20 in the two months: 9.5 are short. Wrong: none, as if
    the quarter were over.
    """
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 30, "per": "quarter", "minutes": 60, "executive_visits": 3}],
        "needs": [{"resource": "x", "tier": "A", "hours": 4}],
        "resources": [{"resource": "x", "hours": 1}],
        "actuals": [*sold(500), {"month": "2026-03", "metric": "visits", "rep": "r", "amount": 8}],
    }
    goals(tiny(tmp_path, tables, as_of="2026-03-31"), visits=9.5 / 20)
