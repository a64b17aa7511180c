"""From a model to a plan: effort program, quota program, audit."""

from __future__ import annotations

import datetime as dt
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocator.arithmetic import arithmetic
from allocator.auditing import examine
from allocator.binding import binding_rules, causes, contradictions
from allocator.engines import engine as find_engine
from allocator.engines.status import Engine, Status
from allocator.errors import EngineError
from allocator.formulation.answers import effort_tables
from allocator.formulation.effort import Effort, effort_program, least_effort
from allocator.formulation.grain import make_grain
from allocator.formulation.quotas import Quotas, quota_program
from allocator.formulation.targets import expected_plan
from allocator.model import Model
from allocator.nearness import Reference, nearest
from allocator.ordering import HELD, Ordering, Outcome, worst_loss
from allocator.plan import GoalValue, Plan
from allocator.program import Floats, Program
from allocator.texts import _

Progress = Callable[[str], None]
STATUS = {
    Status.OPTIMAL: "optimal",
    Status.FEASIBLE: "limit",
    Status.NO_SOLUTION_FOUND: "limit",
    Status.INFEASIBLE: "infeasible",
    Status.INFEASIBLE_OR_UNBOUNDED: "infeasible",
    Status.UNBOUNDED: "unbounded",
    Status.ERROR: "error",
}


def solve(
    model: Model,
    *,
    engine: str | Engine | None = None,
    strict: bool = False,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Plan a model: forecast, effort, quotas, audited.

    Parameters
    ----------
    model : Model
    engine : str or Engine, optional
        ``ortools``, ``highs``, ``pulp`` or ``pulp:NAME``, or an engine; the model's setting by default.
    strict : bool
        Promised visits and base targets are hard.
    seconds : float, optional
        Limit on the time in the engine.
    progress : callable, optional
        Told the name of each goal before it is solved.

    Returns
    -------
    Plan
        With tables only if it is proved optimal.

    Raises
    ------
    EngineError
        If the engine is not there, or fails.
    """
    clock = _Clock()
    name = engine or model.settings.engine
    solver = find_engine(name) if isinstance(name, str) else name
    grain = make_grain(model)
    doubts = tuple(arithmetic(model, grain, strict=strict))
    model = replace(model, findings=(*model.findings, *doubts))
    effort = effort_program(model, grain=grain, strict=strict)
    clock.lap("build")
    first = _in_order(effort.program, solver, seconds, progress)
    if first.status is Status.OPTIMAL:
        _tie_break(effort, first, solver, seconds)
    clock.lap("solve")
    if first.x is None or first.status is not Status.OPTIMAL:
        return _without_plan(model, effort.program, first, solver, clock)
    tables, forecast = effort_tables(effort, first.x)
    quotas = quota_program(grain, forecast, effort.draft.money)
    clock.lap("build")
    left = None if seconds is None else max(seconds - first.seconds, 1e-3)
    second = _in_order(quotas.program, solver, left, progress)
    if second.status is Status.OPTIMAL:
        _even_out(quotas, second, solver, left)
    clock.lap("solve")
    if second.x is None or second.status is not Status.OPTIMAL:
        return _without_plan(model, quotas.program, second, solver, clock)
    tables["quotas"] = _quota_table(quotas, second.x)
    tables["targets"]["cause"] = causes(effort, first, tables["targets"])
    goals = (*_goal_values(first), *_goal_values(second))
    binding = pd.concat([binding_rules(first, "contribution"), binding_rules(second, "total")], ignore_index=True)
    summary = _summary(model, "optimal", solver, clock, effort.program, quotas.program)
    summary["goals"] = [{"name": g.name, "value": g.value, "best": g.best} for g in goals]
    summary["solves"] = first.solves + second.solves
    summary["engine_seconds"] = first.seconds + second.seconds
    clock.lap("build")
    _examine(model, tables, summary)
    clock.lap("audit")
    summary["seconds"] |= clock.seconds
    return Plan(model, "optimal", tables, goals, summary, binding, (), model.findings)


def _examine(model: Model, tables: dict[str, pd.DataFrame], summary: dict[str, Any]) -> None:
    """Audit the tables and take the key figures from them."""
    checked, figures = examine(model, tables)
    summary["audit"] = {
        "rules": checked.rules,
        "violations": len(checked.violations),
        "largest_residual": checked.largest_residual,
    }
    summary["kpis"] |= figures
    missed = int((tables["targets"]["status"] == "missed").sum())
    summary["targets"] = {"met": len(tables["targets"]) - missed, "missed": missed}


def export(model: Model, path: Path, *, strict: bool = False) -> None:
    """Write the effort program of a model, with its first goal as the objective, as ``.mps`` or ``.lp``."""
    from allocator.engines.export import export as write_program

    program = effort_program(model, strict=strict).program
    costs = program.goals[0].costs if program.goals else np.zeros(program.shape[1])
    write_program(program, costs, path)


def _in_order(program: Program, solver: Engine, seconds: float | None, progress: Progress | None) -> Outcome:
    """Solve the goals in order, and see that none was lost on the way."""
    outcome = Ordering(program, solver, seconds=seconds, progress=progress).run()
    if outcome.status is Status.OPTIMAL and worst_loss(outcome, program.goals) > HELD:
        raise EngineError(_("The engine lost a goal on the way to the next one; try another engine."))
    return outcome


def _tie_break(effort: Effort, outcome: Outcome, solver: Engine, seconds: float | None) -> None:
    """Among plans equal in every goal: least effort; promised visits, money and losses as even as can be."""
    draft = effort.draft
    visits = draft.columns["visits"]
    spread = visits >= 0
    even = draft.grain.even_promise[spread]
    spend = draft.columns["spend"][draft.columns["spend"] >= 0]
    upper = effort.program.upper[spend]
    sales = draft.columns["sales"][effort.losing[effort.sold.product]]
    expected = expected_plan(draft)[sales]
    reference = Reference(
        np.concatenate([visits[spread], spend, sales]),
        np.concatenate([even, np.zeros(len(spend)), expected]),
        np.concatenate([even, np.where(np.isfinite(upper), upper, 1.0), expected]),
    )
    _settle(outcome, reference, least_effort(effort), solver, seconds)


def _even_out(quotas: Quotas, outcome: Outcome, solver: Engine, seconds: float | None) -> None:
    """Among quotas that are equal in every goal: each cell asks for the same share of its forecast, as nearly as can be."""
    cells = quotas.asking.cells
    assert outcome.x is not None
    forecast = cells["forecast"].to_numpy(float)
    column = cells["column"].to_numpy(int)
    share = float(outcome.x[column].sum()) / max(float(forecast.sum()), 1e-12)
    size = np.maximum(forecast, 1e-3 * max(float(forecast.mean()), 1e-9)) if len(forecast) else forecast
    reference = Reference(column, share * forecast, size)
    _settle(outcome, reference, np.zeros(outcome.program.shape[1]), solver, seconds)


def _settle(outcome: Outcome, reference: Reference, costs: Floats, solver: Engine, seconds: float | None) -> None:
    """Replace the outcome's answer by the one nearest to a reference among those equal in every goal.

    Where that cannot be had (the time is up, or it would cost a goal), the answer stays: it is proved, if perhaps not the one that
    another engine would choose.
    """
    assert outcome.x is not None
    program = outcome.program
    whole = program.integer & (program.lower < program.upper)
    relaxed = replace(program, integer=np.zeros_like(program.integer))
    x = _nearest(relaxed, outcome, reference, costs, solver, seconds)
    if x is not None and whole.any() and np.abs(x - np.round(x))[whole].max() > 1e-7:
        found = np.round(outcome.x)  # then the whole numbers that were found stand
        kept = relaxed.with_bounds(np.where(whole, found, program.lower), np.where(whole, found, program.upper))
        x = _nearest(kept, outcome, reference, costs, solver, seconds)
    if x is not None and worst_loss(replace(outcome, x=x), program.goals) <= HELD:
        outcome.x = x


def _nearest(
    program: Program, outcome: Outcome, reference: Reference, costs: Floats, solver: Engine, seconds: float | None
) -> Floats | None:
    split, split_costs, back = nearest(program, reference, costs)
    left = None if seconds is None else max(seconds - outcome.seconds, 1e-3)
    solution = solver.solve(split, split_costs, seconds=left)
    outcome.solves += 1
    outcome.seconds += solution.seconds
    return back(solution.x) if solution.status is Status.OPTIMAL and solution.x is not None else None


def _goal_values(outcome: Outcome) -> list[GoalValue]:
    """Goals as they are reported: in their own unit, gains positive."""
    assert outcome.x is not None
    return [
        GoalValue(g.name, g.scale * g.value(outcome.x), g.scale * outcome.best[g.name]) for g in outcome.program.goals
    ]


def _quota_table(quotas: Quotas, x: Floats) -> pd.DataFrame:
    """Quotas of level base; published numbers are exact to the minor unit of money."""
    asking, money = quotas.asking, quotas.program.money
    cells = asking.cells
    exact = np.maximum(x[cells["column"].to_numpy(int)], 0.0) * money
    beyond = np.where(cells["beyond"] >= 0, x[cells["beyond"].to_numpy(int)], 0.0) * money
    return pd.DataFrame(
        {
            "rep": asking.label("rep"),
            "unit": asking.label("unit"),
            "product": asking.label("product"),
            "month": asking.label("month"),
            "level": "base",
            "quota": np.round(exact, 2),
            "exact": exact,
            "forecast": cells["forecast"].to_numpy(float) * money,
            "beyond": np.maximum(beyond, 0.0),
        }
    )


def _without_plan(model: Model, program: Program, outcome: Outcome, solver: Engine, clock: _Clock) -> Plan:
    """Say why there is no plan; no numbers that look like one."""
    status = STATUS[outcome.status]
    if status == "error":
        raise EngineError(_("The engine failed: {detail}").format(detail=outcome.detail or "?"))
    reasons: tuple[str, ...] = (outcome.detail,)
    if status == "infeasible":
        proofs = tuple(f.says for f in model.findings if f.rule == "arithmetic" and f.severity == "error")
        reasons = proofs + contradictions(program, solver, model)
    clock.lap("solve")
    summary = _summary(model, status, solver, clock, program)
    summary["seconds"] |= clock.seconds
    summary["reasons"] = list(reasons)
    return Plan(model, status, {}, (), summary, binding_rules(None, ""), reasons, model.findings)


class _Clock:
    """Seconds spent in each part."""

    def __init__(self) -> None:
        self.started = dt.datetime.now(dt.UTC)
        self.begin = self.last = time.perf_counter()
        self.seconds: dict[str, float] = {}

    def lap(self, part: str) -> None:
        now = time.perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self.last
        self.seconds["total"] = now - self.begin
        self.last = now


def _summary(model: Model, status: str, solver: Engine, clock: _Clock, *programs: Program) -> dict[str, Any]:
    """Content of ``summary.json``; what is not known is None."""
    names = ("revenue", "profit", "contribution", "spend", "commission", "collections", "new_clients")
    parts = ("read", "build", "solve", "round", "schedule", "audit", "write", "total")
    packages = ("sales-allocator", "ortools", "highspy", "pulp", "pandas", "numpy", "scipy", "holidays")
    return {
        "status": status,
        "model": model.name,
        "scenarios": [],
        "started_at": clock.started.isoformat(timespec="seconds"),
        "kpis": dict.fromkeys((*names, "visits_promised", "visits_planned", "visits_scheduled")),
        "goals": [],
        "targets": {"met": None, "missed": None},
        "audit": {"rules": None, "violations": None, "largest_residual": None},
        "program": {
            "rows": sum(p.shape[0] for p in programs),
            "columns": sum(p.shape[1] for p in programs),
            "nonzeros": sum(p.nonzeros for p in programs),
        },
        "seconds": dict.fromkeys(parts),
        "peak_mb": _peak_mb(),
        "engine": f"{solver.name} {solver.version}",
        "versions": {p: metadata.version(p) for p in packages},
        "inputs_sha256": model.sha256,
    }


def _peak_mb() -> float | None:
    """Most memory that this process has held; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024.0**2 if sys.platform == "darwin" else 1024.0), 1)
