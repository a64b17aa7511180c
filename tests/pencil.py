"""Models small enough to be solved with a pencil, and the comparison of engine and oracle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from oracles import Infeasible, effort_goals, quota_goals
from random_models import RandomModel
from tight_models import BASE, Rows

from allocator.engines import engine
from allocator.formulation.grain import make_grain
from allocator.formulation.quotas import quota_program
from allocator.model import LEVELS, Model
from allocator.ordering import Ordering
from allocator.plan import Plan
from allocator.reading import load
from allocator.solving import solve

MONEY = frozenset({"contribution", "beyond", "commitments", "total", "unfair", "peak"})
"""Last words of the goals that are in money."""


def tiny(folder: Path, tables: dict[str, Rows], **changes: Any) -> Model:
    """Load one rep of 22 hours a month and one client promised 10 visits of an hour a month, March and April 2026.

    ``tables`` replaces or adds tables. Both months have 22 working days in the United States.
    """
    frame = {"start": "2026-03", "months": 2, "country": "US"} | changes
    return load(RandomModel(frame, BASE | tables).write(folder / "tiny"))


def goals(model: Model, **expected: float) -> None:
    """Compare some goals of the effort program, a name's blanks as underscores; then the engine with the oracle."""
    found = effort_goals(model)
    for name, value in expected.items():
        assert found[name.replace("_", " ")] == pytest.approx(value, abs=1e-6, rel=1e-6), found
    compare(model)


def forecast(*cells: tuple[str, str, str, float]) -> pd.DataFrame:
    """Forecast of rep, product, month."""
    return pd.DataFrame(cells, columns=["rep", "product", "month", "forecast"])


def quota_values(model: Model, sold: pd.DataFrame) -> dict[str, float]:
    """Goals of the engine's quota programs for a forecast, none of them infeasible."""
    grain, found = make_grain(model), dict[str, float]()
    amount = np.zeros((len(grain.people.code), len(grain.product), grain.months))
    for rep, product, month, value in sold.itertuples(index=False):
        at = list(grain.people.code).index(rep), list(grain.product).index(product), model.calendar.months.index(month)
        amount[at] += value
    below = None
    for level in LEVELS:
        quotas = quota_program(grain, amount, 1.0, level, below)
        outcome = Ordering(quotas.program, engine("highs")).run()
        if outcome.x is None:
            raise Infeasible(level)
        found |= {goal.name: goal.scale * goal.value(outcome.x) for goal in quotas.program.goals}
        below = outcome.x[quotas.asking.columns[level]]
    return found


def compare(model: Model) -> None:
    """Solve with the engine and compare every goal with the oracle's; the audit is clean.

    The quotas' oracle is given the engine's forecast, for the effort program's tie-break decides among equal plans.
    """
    plan = solve(model)
    try:
        expected = effort_goals(model)
        if plan.status == "optimal":
            expected |= quota_goals(model, by_rep(plan), plan.quotas)
        else:  # what quotas contradict does not depend on the forecast, which a plan without an answer has not got
            expected |= quota_goals(model, forecast())
    except Infeasible:
        assert plan.status == "infeasible"
        return
    assert plan.status == "optimal", plan.reasons
    found = {g.name: g.value for g in plan.goals}
    # Contribution and the like are differences of sales: a millionth of a hundredth of those is their rounding.
    money = 1e-8 * float(model["demand"]["ceiling"].sum())
    wrong = {
        name: (value, found.get(name, 0.0))
        for name, value in expected.items()
        if not abs(value - found.get(name, 0.0))
        <= max(1e-6 * max(1.0, abs(value)), money if name.split()[-1] in MONEY else 0.0)
    }
    assert not wrong, f"oracle and engine: {wrong}"
    assert set(found) <= set(expected)
    assert plan.summary["audit"]["violations"] == 0, plan.summary["audit"]


def by_rep(plan: Plan) -> pd.DataFrame:
    """Sum the plan's forecast by rep, product and month."""
    cells = plan["forecast"].rename(columns={"sell": "forecast"})
    return cells.groupby(["rep", "product", "month"])[["forecast"]].sum().reset_index()
