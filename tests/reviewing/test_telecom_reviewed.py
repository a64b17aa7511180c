"""The carrier's first quarter: a review of a real size."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pytest
from played import actual_rows, write_actuals

import allocator
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.places import shipped
from allocator.plan import Plan
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.churn import FREE, churn
from allocator.reviewing.dealing import Past, with_past
from allocator.reviewing.moving import moved_effort, moved_quotas
from allocator.reviewing.published import Published
from allocator.reviewing.stability import Stability
from allocator.solving import solve

MARCH = dt.date(2026, 3, 31)


@pytest.fixture(scope="module")
def telecom() -> Model:
    """Return the carrier's model."""
    return allocator.load(shipped("models") / "telecom")


@pytest.fixture(scope="module")
def plan(telecom: Model) -> Plan:
    """Return its plan without dates."""
    return solve(telecom, visits=False)


def past_of(model: Model, plan: Plan, folder: Path, spread: float) -> Past:
    """The first quarter; each rep's revenue was his plan's, times one less a tenth of the spread on average, drawn by a fixed seed."""
    rng = np.random.default_rng(3)
    by = dict(zip(model["reps"]["rep"], 1 + spread * (rng.random(len(model["reps"])) - 0.6), strict=True))
    rows = actual_rows(plan.tables, model.calendar.months[:3], lambda d: d["rep"].map(by).astype(float))
    actuals = read_actuals(model, write_actuals(folder / "a.csv", rows), MARCH)
    return with_past(actuals, Published(model, plan.tables, "plan"), make_grain(model))


def test_as_planned_nothing_changes(telecom: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: of 11,358 quotas of the remaining months none changes, nor a visit, nor a yuan, when the quarter went as planned."""
    published = Published(telecom, plan.tables, "plan")
    past = past_of(telecom, plan, tmp_path, 0.0)
    near = Stability(published)
    again = solve(past.model, visits=False, near=near)
    grain = make_grain(past.model)
    assert near.kept
    assert moved_quotas(published, past.model, again.tables, grain, make_grain(telecom)).empty
    assert moved_effort(published, past.model, again.tables, grain).empty
    assert again.summary["audit"]["violations"] == 0


def test_half_a_percent_spares_most_changes(telecom: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: at 0.5 % of contribution at most 60 % of the quotas change that change when the rest is planned anew (over 1,000)."""
    published = Published(telecom, plan.tables, "plan")
    past = past_of(telecom, plan, tmp_path, 0.06)
    curve = churn(past.model, published, Stability(published), (0.0, 0.005)).set_index("give")
    assert curve.loc[FREE, "changed_quotas"] > 1000
    assert curve.loc[0.005, "changed_quotas"] <= 0.6 * curve.loc[FREE, "changed_quotas"]
    assert curve.loc[0.005, "visits_moved"] <= curve.loc[0.0, "visits_moved"] + 1e-6
    assert curve.loc[0.005, "given_up"] <= 0.005 + 1e-9
