"""Commitments after the first plan: a re-plan keeps them, explanations name them, scenarios change them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from test_commitments import by_rep, rows, team

from allocator.auditing import audit
from allocator.explaining.why import why
from allocator.model import Model
from allocator.reading import load
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.published import Published
from allocator.reviewing.review import review
from allocator.schema.writing import write_tables
from allocator.solving import solve


def played(model: Model, folder: Path, share: float) -> Path:
    """Write March's revenue by rep: so much of what each was asked for."""
    quotas = solve(model, visits=False).quotas
    base = quotas[(quotas["level"] == "base") & (quotas["month"] == "2026-03")]
    file = folder / "actuals.csv"
    base.assign(metric="revenue", amount=base["quota"] * share)[["month", "metric", "rep", "product", "amount"]].to_csv(
        file, index=False
    )
    return file


@pytest.mark.parametrize("mode", ["show", "prefer", "pin"])
def test_a_review_keeps_commitments(mode: str, tmp_path: Path) -> None:
    """As planned, a review changes nothing and its file says the same; a commitment of a month that is over binds no more."""
    offers = [{"rep": "r", "amount": 700}, {"rep": "s", "period": "2026-03", "amount": 450}]
    model = team(tmp_path, offers, mode, need=1600)
    plan = solve(model, visits=False)
    file = played(model, tmp_path, 1.0)
    told = read_actuals(model, file, dt.date(2026, 3, 31))
    found = review(model, told, Published(model, plan.tables, "p"), visits=False, curve=False)
    assert found.plan.status == "optimal", found.plan.reasons
    assert audit(found.plan.model, found.plan.tables).clean
    assert by_rep(found.plan) == by_rep(plan)
    assert rows(found.plan, "commitment")["asked"].to_list() == rows(plan, "commitment")["asked"].to_list()


def test_what_was_asked_in_a_month_that_is_over_stands(tmp_path: Path) -> None:
    """What was asked in March stands, whatever came of it, and the audit accepts the plan."""
    model = team(tmp_path, [{"rep": "r", "amount": 700}], "prefer")
    plan = solve(model, visits=False)
    told = read_actuals(model, played(model, tmp_path, 0.9), dt.date(2026, 3, 31))
    found = review(model, told, Published(model, plan.tables, "p"), visits=False, curve=False)
    assert audit(found.plan.model, found.plan.tables).clean
    march = plan.quotas[plan.quotas["month"] == "2026-03"].set_index(["rep", "level"])["quota"]
    now = found.plan.quotas[found.plan.quotas["month"] == "2026-03"].set_index(["rep", "level"])["quota"]
    assert now.to_dict() == march.to_dict()


def test_why_a_quota_is_what_it_is_names_the_commitment(tmp_path: Path) -> None:
    """A rep whose commitment is a pin is told that this number stops his quota."""
    model = team(tmp_path, [{"rep": "r", "amount": 700}], "pin")
    found = why(model, "r")
    assert found.stopped == "pin"
    assert found.pins["table"].to_list() == ["commitments"]


def test_a_scenario_changes_commitments(tmp_path: Path) -> None:
    """Nine tenths of what was offered, as a change of a scenario, are what is then asked."""
    write_tables(team(tmp_path, [{"rep": "r", "amount": 700}], "prefer"), tmp_path / "model")
    (tmp_path / "model" / "scenarios").mkdir()
    text = "scenario: half\ntitle: Half\nchanges:\n  - {table: commitments, where: {rep: r}, multiply: {amount: 0.9}}\n"
    (tmp_path / "model" / "scenarios" / "half.yaml").write_text(text, encoding="utf-8")
    changed = load(tmp_path / "model").with_scenario("half")
    assert by_rep(solve(changed, visits=False))["r"] == 630
