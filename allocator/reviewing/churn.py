"""The churn curve: what giving up a little contribution buys in numbers that need not change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from allocator.engines.warm import Basis
from allocator.formulation.grain import Grain, make_grain
from allocator.model import Model
from allocator.plan import Plan
from allocator.publishing import published_quotas
from allocator.replanning import Memory
from allocator.reviewing.moving import moved_effort
from allocator.reviewing.published import Published
from allocator.reviewing.stability import Stability
from allocator.solving import solve

GIVEN = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05)
"""Shares of contribution at which the curve is looked at."""

COLUMNS = (
    *("give", "chosen", "contribution", "given_up", "changed_quotas", "changed_reps", "quota_moved"),
    *("changed_visits", "visits_moved", "spend_moved"),
)
FREE = -1.0
"""``give`` of a plan that does not look at the one in force."""


def points(setting: float) -> tuple[float, ...]:
    """Shares at which the curve is worked out: the usual ones and the setting."""
    return tuple(sorted({*GIVEN, setting}))


def churn(
    model: Model, published: Published, near: Stability, given: tuple[float, ...], engine: str | None = None
) -> pd.DataFrame:
    """Work out the curve.

    Parameters
    ----------
    model : Model
        Of the re-plan.
    published : Published
    near : Stability
        With which the re-plan was made: what it has found is not looked for again.
    given : tuple of float
        Shares of contribution; empty where nothing changes and there is nothing to buy.
    engine : str, optional

    Returns
    -------
    DataFrame
        give (−1: a plan that does not look at the one in force), chosen, contribution, given_up (share of the best),
        changed_quotas (base, rep × product × month, as published), changed_reps (their sum for the remaining months),
        quota_moved (money), changed_visits (group × month), visits_moved, spend_moved.
    """
    rows = []
    if given:
        grain = make_grain(model)
        free = solve(model, engine=engine, quick=True)
        plans: list[tuple[float, Plan, Stability | None]] = [(FREE, free, None)]
        memory = Memory(bases=dict[str, Basis]())
        for give in given:
            one = replace(near, give=give)
            plans.append((give, solve(model, engine=engine, quick=True, near=one, memory=memory), one))
            memory.learning = False
        best = max(p.summary["kpis"]["contribution"] for _give, p, _near in plans)
        for give, plan, by in plans:
            row = _counted(plan, by, grain, published)
            up = (best - row["contribution"]) / max(abs(best), 1e-9)
            rows.append({**row, "give": give, "given_up": max(up, 0.0), "chosen": give == near.give})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _counted(plan: Plan, near: Stability | None, grain: Grain, published: Published) -> dict[str, float]:
    """What a plan changes of the one in force."""
    model = plan.model
    months = model.calendar.months[model.past :]
    quotas = plan.tables["quotas"]
    numbers = published_quotas(grain, quotas, None if near is None else near.given(quotas))
    keys = ["rep", "product", "month"]
    new = quotas.assign(quota=numbers)
    both = []
    for frame in (published.tables["quotas"], new):
        mine = frame[(frame["level"] == "base") & frame["month"].isin(months)].astype(dict.fromkeys(keys, "str"))
        both.append(mine.groupby(keys)["quota"].sum())
    change = pd.concat(both, axis=1).fillna(0.0).diff(axis=1).iloc[:, 1]
    by_rep = change.groupby(level="rep").sum()
    moved = moved_effort(published, model, plan.tables, grain)
    visits, spend = (moved[moved["what"] == what]["change"].abs() for what in ("visits", "spend"))
    return {
        "contribution": float(plan.summary["kpis"]["contribution"]),
        "changed_quotas": int((change.abs() > 1e-6).sum()),
        "changed_reps": int((by_rep.abs() > 1e-6).sum()),
        "quota_moved": float(change.abs().sum()),
        "changed_visits": len(visits),
        "visits_moved": float(np.sum(visits)),
        "spend_moved": float(np.sum(spend)),
    }
