"""Funding: the least money with which targets are reached, and how far a given sum goes; what commission comes on top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from allocator.engines.highs import Highs
from allocator.engines.status import Status
from allocator.errors import EngineError
from allocator.explaining.reaching import level_model, with_targets
from allocator.explaining.resolving import Resolver, promises_first
from allocator.formulation.answers import effort_tables
from allocator.formulation.effort import effort_program
from allocator.formulation.metrics import commission_rates
from allocator.model import LEVELS, Model
from allocator.ordering import HELD, IMPOSSIBLE, Ordering, worst_loss
from allocator.plan import Plan
from allocator.program import Goal
from allocator.settling import settle_effort
from allocator.solving import solve
from allocator.texts import _

ATTAINMENTS = (0.8, 1.0, 1.2)
"""Parts of the quotas at which commission is told."""

BEYOND = 100.0
"""Multiple of all maxima up to which a line without a curve may spend."""

CAP = "fund: all money"
"""Code of the target that holds a given budget."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Fund:
    """The money that a level takes, or what a given sum reaches.

    Attributes
    ----------
    model : Model
    level : str
    status : str
        reached, impossible (with any money), given (a sum was given), limit.
    budget : float
        The least money, or the given one; NaN where no money does.
    now : float
        Maxima of the lines as they are.
    spend : DataFrame
        line, category, month, spend.
    commission : dict of float to float
        Commission of the base quotas by attainment; what the quotas of this level earn.
    targets : DataFrame
        Of the plan with this money.
    contribution : float
    keeps : bool
        Whether all promised visits are made as well.
    stops : tuple of str
        What stands in the way where no money does.
    """

    model: Model
    level: str
    status: str
    budget: float
    now: float
    spend: pd.DataFrame
    commission: dict[float, float]
    targets: pd.DataFrame
    contribution: float
    keeps: bool
    stops: tuple[str, ...] = ()


def lifted(model: Model) -> Model:
    """The model with every line free to spend as long as money does something; minima stay.

    A line with a curve may spend to the curve's end; one without, that yields something, a hundred times all maxima; others no more than
    they may now.
    """
    lines, responses = model["budget"], model["responses"]
    ends = responses.groupby("driver")["effort"].max().reindex(lines["line"]).fillna(0.0).to_numpy(float)
    most = np.maximum(lines["maximum"].to_numpy(float), ends)
    free = lines["line"].isin(model["yields"]["source"]).to_numpy(bool)
    most = np.where(free, np.maximum(most, BEYOND * float(lines["maximum"].sum())), most)
    most = np.maximum(most, lines["minimum"].to_numpy(float))
    return replace(model, tables={**model.tables, "budget": lines.assign(maximum=most, may_overrun=False)})


def capped(model: Model, budget: float) -> Model:
    """The model with a rule that all lines together spend no more than a sum."""
    row: dict[str, object] = dict.fromkeys(map(str, model["targets"]))
    row |= {"target": CAP, "metric": "spend", "level": LEVELS[0], "period": "", "scope": "", "each": (), "share_of": ""}
    row |= {"at_least": np.nan, "at_most": budget, "priority": "hard", "weight": 1.0}
    return with_targets(model, pd.concat([model["targets"], pd.DataFrame([row])], ignore_index=True))


def fund(model: Model, level: str = "base", *, progress: Progress | None = None) -> Fund:
    """Find the least money with which all targets of a level are reached.

    Promised visits are all made as well, where they come before targets and the plan as it is makes them all.

    Parameters
    ----------
    model : Model
    level : str
        base, stretch or ceiling; see :func:`allocator.explaining.reaching.level_targets`.
    progress : callable, optional
        Told what is done.

    Raises
    ------
    EngineError
        If the engine fails.
    """
    tell = progress or (lambda _step: None)
    tell(_("the plan as it is"))
    resolver = Resolver(model)
    keeps = resolver.outcome.x is not None and promises_first(resolver)
    free = lifted(level_model(model, level, hard=not keeps))
    effort = effort_program(free, strict=keeps)
    program, columns = effort.program, effort.draft.columns["spend"]
    costs = np.zeros(program.shape[1])
    costs[columns[columns >= 0]] = 1.0
    size = max(float(model["budget"]["maximum"].sum()) / program.money, 1e-9)
    spend = Goal("spend", "spend", costs / size, scale=size * program.money)
    last = tuple(g for g in program.goals if g.name == "contribution")
    wanted = replace(program, goals=(spend, *last))
    tell(_("the least money"))
    outcome = Ordering(wanted, Highs()).run()
    if outcome.status in IMPOSSIBLE:
        return _impossible(model, level, free, keeps, tell)
    if outcome.status is not Status.OPTIMAL or outcome.x is None or worst_loss(outcome, wanted.goals) > HELD:
        raise EngineError(_("The engine failed: {detail}").format(detail=outcome.detail or "?"))
    settle_effort(replace(effort, program=wanted), outcome, Highs(), None)
    tables, _forecast = effort_tables(effort, outcome.x)
    least = spend.scale * outcome.best["spend"]
    tell(_("what its quotas earn"))
    plan = solve(capped(free, least * (1 + 1e-9) + 1e-9), engine="highs", strict=keeps, quick=True)
    found = _fund(model, level, "reached", least, plan, keeps)
    return replace(found, spend=_money(tables["budget"]))


def fund_with(model: Model, budget: float, level: str = "base", *, progress: Progress | None = None) -> Fund:
    """See how far the targets of a level go with a given sum, spent on whatever lines serve best.

    Raises
    ------
    EngineError
        If the engine fails.
    """
    tell = progress or (lambda _step: None)
    tell(_("what the money reaches"))
    plan = solve(capped(lifted(level_model(model, level, hard=False)), budget), engine="highs", quick=True)
    if not plan.tables:
        return replace(_empty(model, level, False), budget=budget, stops=tuple(plan.reasons))
    short = next((g.value for g in plan.goals if g.name == "visits"), 0.0)
    return _fund(model, level, "given", budget, plan, short <= HELD)


def _fund(model: Model, level: str, status: str, budget: float, plan: Plan, keeps: bool) -> Fund:
    empty = _empty(model, level, keeps)
    if not plan.tables:
        return replace(empty, status=status, budget=budget)
    targets = plan.tables["targets"]
    return replace(
        empty,
        status=status,
        budget=budget,
        spend=_money(plan.tables["budget"]),
        commission=commissions(model, plan.tables["quotas"]),
        targets=targets[targets["target"] != CAP].reset_index(drop=True),
        contribution=float(plan.summary["kpis"]["contribution"]),
    )


def _empty(model: Model, level: str, keeps: bool) -> Fund:
    nothing = pd.DataFrame(columns=["line", "category", "month", "spend"])
    now = float(model["budget"]["maximum"].sum())
    return Fund(model, level, "impossible", np.nan, now, nothing, {}, pd.DataFrame(), np.nan, keeps)


def commissions(model: Model, quotas: pd.DataFrame) -> dict[float, float]:
    """What base quotas earn where so much of them is reached."""
    base = quotas[quotas["level"] == LEVELS[0]].groupby("rep")["exact"].sum()
    grades = model["reps"].set_index("rep")["grade"].reindex(base.index)
    found = {}
    for part in ATTAINMENTS:
        rates = commission_rates(model, part)
        found[part] = float(sum(rates.get(str(g), rates[""]) * q for g, q in zip(grades, base, strict=True)))
    return found


def _money(budget: pd.DataFrame) -> pd.DataFrame:
    columns = ["line", "category", "month", "spend"]
    return budget.loc[budget["spend"] > 1e-9 * max(1.0, float(budget["spend"].max())), columns].reset_index(drop=True)


def _impossible(model: Model, level: str, free: Model, keeps: bool, tell: Progress) -> Fund:
    """What stands in the way, whatever is spent: what clashes in the model with free lines."""
    from allocator.explaining.explanation import explain
    from allocator.explaining.wording import Wording

    tell(_("what stands in the way"))
    held = free if not keeps else level_model(free, LEVELS[0])
    found = explain(held, most=1, seconds=60.0, engine="highs")
    words = Wording(free)
    items = [m.item for p in found.problems[:1] for told in p.told[:1] for m in told.missing]
    stops = [words.item(item) for item in items] or [f.says for f in found.findings]
    return replace(_empty(model, level, keeps), stops=tuple(stops))
