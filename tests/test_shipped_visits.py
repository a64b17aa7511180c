"""The dated visits of the shipped models keep every rule of the schedule, as shipped and under scenarios."""

from __future__ import annotations

import os

import pytest
import shipped
from oracles.schedule import Checker

from allocator.model import Model
from allocator.places import shipped_models
from allocator.plan import Plan
from allocator.scenarios.applying import with_scenarios
from allocator.solving import solve

SCENARIOS = ("client_loss", "rep_departure")
LEAVING = "telecom" if os.environ.get("ALLOCATOR_PROOF") else "market"
"""The model that people leave: the large one in the long mode."""


def wrong(model: Model, plan: Plan) -> list[str]:
    """Return what the independent checker finds in a plan's visits."""
    return Checker(model, plan.tables, plan["visits"], plan["unplaced"]).violations()


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_visits_of_a_shipped_model(name: str) -> None:
    """Counts per window, spacing, capacities, days off, executives, mentors, backups: nothing is wrong, and what was promised adds up."""
    plan = shipped.plan(name)
    assert wrong(shipped.model(name), plan) == []
    figures = plan.summary["schedule"]
    assert figures["promised"] == figures["scheduled"] + figures["unplaced"] > 0
    assert figures["visits"] == len(plan["visits"]) == plan.summary["kpis"]["visits_scheduled"]
    assert figures["scheduled"] >= 0.9 * figures["promised"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_visits_of_a_model_that_people_leave(scenario: str) -> None:
    """A client lost in the year, and a senior whose clients go to several backups: nothing is wrong."""
    changed = with_scenarios(shipped.model(LEAVING), scenario)
    plan = solve(changed.model)
    assert plan.summary["audit"]["violations"] == 0
    assert wrong(changed.model, plan) == []
    if (LEAVING, scenario) == ("telecom", "rep_departure"):
        covered = plan["visits"].loc[plan["visits"]["rep"].astype(str) != plan["visits"]["owner"].astype(str)]
        assert covered["rep"].nunique() > 1
