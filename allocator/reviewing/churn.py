"""The churn curve: what giving up a little contribution buys in numbers that need not change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from allocator.engines.status import Engine, Status
from allocator.engines.warm import Basis, Warm
from allocator.errors import EngineError
from allocator.formulation.answers import effort_tables, key_figures
from allocator.formulation.effort import Effort, effort_program
from allocator.formulation.grain import Grain, make_grain
from allocator.formulation.quotas import quota_program
from allocator.model import Model
from allocator.ordering import Outcome
from allocator.publishing import published_quotas
from allocator.reviewing.moving import moved_effort
from allocator.reviewing.published import Published
from allocator.reviewing.stability import Stability
from allocator.solving import solve
from allocator.texts import _

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

    The program is written once, and base quotas alone are asked for. Points are looked for from the largest share down, on HiGHS, each
    from the basis of the first; one that gives up less than it may stands for the smaller shares as well. The whole numbers that change
    least stand for the last goal, contribution, so that on the curve it is what can be had with them.

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
        For the plan that does not look at the one in force.

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
        found = free.tables["quotas"]
        free_point = _Point(free.tables, found[found["level"] == "base"], float(free.summary["kpis"]["contribution"]))
        rows.append({"give": FREE, **_counted(free_point, None, grain, published)})
        effort = effort_program(model, grain=grain)
        bases = dict[str, Basis]()
        one = replace(near, exact=False, answers=dict(near.answers))  # what all points share is found once
        last, gives_up = dict[str, float](), np.inf
        for give in sorted(given, key=lambda g: (g in near.answers, -g)):
            # What changes least where more may be given up does so as well where what it gives up is enough.
            if give in near.answers or gives_up > give:
                one.give = give
                # The first point that has to be looked for leaves the bases from which the others start.
                point = _point(effort, one, Warm(bases, learning=not bases))
                last, gives_up = _counted(point, one, grain, published), one.given_up(effort)
            rows.append({"give": give, **last})
    curve = pd.DataFrame(rows, columns=list(COLUMNS)).sort_values("give", ignore_index=True)
    best = curve["contribution"].max()
    curve["given_up"] = ((best - curve["contribution"]) / max(abs(best), 1e-9) if rows else 0.0) * 1.0
    curve["given_up"] = curve["given_up"].clip(lower=0.0)
    curve["chosen"] = (curve["give"] == near.give).astype(bool)
    return curve


@dataclass(frozen=True)
class _Point:
    """What a plan comes to: its tables, its base quotas (exact), its contribution."""

    tables: Mapping[str, pd.DataFrame]
    quotas: pd.DataFrame
    contribution: float


def _point(effort: Effort, near: Stability, solver: Engine) -> _Point:
    """Plan a point of the curve."""
    first = near.effort(effort, solver, None)
    _proved(first)
    assert first.x is not None
    tables, forecast = effort_tables(effort, first.x, effects=False)
    quotas = quota_program(effort.draft.grain, forecast, effort.draft.money, "base")
    second = near.quotas(quotas, solver, None)
    _proved(second)
    assert second.x is not None
    asking, money = quotas.asking, quotas.program.money
    exact = np.maximum(second.x[asking.columns["base"]] * money, 0.0)
    exact = np.where(asking.over, asking.asked["base"] * money, exact)
    frame = pd.DataFrame({k: asking.label(k) for k in ("rep", "unit", "product", "month")})
    contribution = key_figures(effort, first.x, tables["forecast"])["contribution"]
    return _Point(tables, frame.assign(level="base", exact=exact), contribution)


def _proved(outcome: Outcome) -> None:
    """Stop where an engine has no answer to what the re-plan has answered."""
    if outcome.status is not Status.OPTIMAL or outcome.x is None:
        raise EngineError(_("The engine failed: {detail}").format(detail=outcome.detail or "?"))


def _counted(point: _Point, near: Stability | None, grain: Grain, published: Published) -> dict[str, float]:
    """What a plan changes of the one in force."""
    model, quotas = grain.model, point.quotas
    months = model.calendar.months[model.past :]
    numbers = published_quotas(grain, quotas, None if near is None else near.given(quotas))
    keys = ["rep", "product", "month"]
    new = quotas.assign(quota=numbers)
    both = []
    for frame in (published.tables["quotas"], new):
        mine = frame[(frame["level"] == "base") & frame["month"].isin(months)].astype(dict.fromkeys(keys, "str"))
        both.append(mine.groupby(keys)["quota"].sum())
    change = pd.concat(both, axis=1).fillna(0.0).diff(axis=1).iloc[:, 1]
    by_rep = change.groupby(level="rep").sum()
    moved = moved_effort(published, model, point.tables, grain)
    visits, spend = (moved[moved["what"] == what]["change"].abs() for what in ("visits", "spend"))
    return {
        "contribution": point.contribution,
        "changed_quotas": int((change.abs() > 1e-6).sum()),
        "changed_reps": int((by_rep.abs() > 1e-6).sum()),
        "quota_moved": float(change.abs().sum()),
        "changed_visits": len(visits),
        "visits_moved": float(np.sum(visits)),
        "spend_moved": float(np.sum(spend)),
    }
