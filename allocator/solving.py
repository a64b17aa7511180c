"""From a model to a plan: effort program, quota program, audit."""

from __future__ import annotations

import datetime as dt
import functools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from allocator.arithmetic import arithmetic
from allocator.binding import binding_rules, causes, contradictions
from allocator.engines import engine as find_engine
from allocator.engines.status import Engine, Status
from allocator.errors import EngineError
from allocator.formulation.answers import effort_tables, key_figures
from allocator.formulation.asking import without_noise
from allocator.formulation.effort import Effort, effort_program
from allocator.formulation.grain import grain_like
from allocator.formulation.quotas import Quotas, quota_program
from allocator.formulation.visiting import out_of_order
from allocator.model import LEVELS, Model
from allocator.ordering import HELD, Ordering, Outcome, worst_loss
from allocator.plan import GoalValue, Plan
from allocator.program import Floats, Program
from allocator.reporting.amounts import Amounts
from allocator.settling import settle_effort, settle_quotas
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.crew import Crew
    from allocator.profiling import Profile
    from allocator.replanning import Memory
    from allocator.reviewing.stability import Stability
    from allocator.visits.beside import Dating

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
    visits: bool = True,
    quick: bool = False,
    quotas: bool = True,
    keep: pd.DataFrame | None = None,
    workers: int | Crew | None = None,
    progress: Progress | None = None,
    memory: Memory | None = None,
    near: Stability | None = None,
    profile: Profile | None = None,
) -> Plan:
    """Plan a model: forecast, effort, quotas, dated visits, audited.

    Parameters
    ----------
    model : Model
    engine : str or Engine, optional
        ``ortools``, ``highs``, ``pulp`` or ``pulp:NAME``, or an engine; the model's setting by default.
    strict : bool
        Promised visits and base targets are hard.
    seconds : float, optional
        Limit on the time in the engine.
    visits : bool
        Whether visits are dated.
    quick : bool
        Goals, key figures, targets, effort, budget and exact quotas alone: nothing is looked for in the targets beforehand, rounded,
        dated or audited.
    quotas : bool
        Whether quotas are asked for; without them a quick plan alone can be had, which then has none.
    keep : DataFrame, optional
        ``visits`` of an earlier run, whose dates are preferred.
    workers : int or Crew, optional
        Processes that date visits, or those that there are already; by default as many as there are cores.
    progress : callable, optional
        Told the name of each goal before it is solved.
    memory : Memory, optional
        What an earlier run has left, from which HiGHS starts; or where this run leaves it.
    near : Stability, optional
        The plan in force, and how near to it this one keeps.
    profile : Profile, optional
        Where the cost of each goal and of each part of the audit is put down.

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
    solver: Engine = find_engine(name) if isinstance(name, str) else name
    wishes: dict[str, int] = {}
    if memory is not None:
        from allocator.engines.warm import Warm

        solver = Warm(memory.bases, learning=memory.learning)
        wishes = memory.wishes if memory.learning else dict(memory.wishes)
    if profile is not None:
        solver = profile.watch(solver)
    options = _Options(strict, seconds, quick, quotas or not quick, progress, wishes, near, profile)
    if not visits or quick:
        return _planned(model, solver, clock, options, memory, None)
    from allocator.visits.beside import Dating

    with Dating(model, keep, workers) as dating:
        return _planned(model, solver, clock, options, memory, dating)


@dataclass(frozen=True)
class _Options:
    """How a plan is made; see :func:`solve`."""

    strict: bool
    seconds: float | None
    quick: bool
    quotas: bool
    progress: Progress | None
    wishes: dict[str, int]
    near: Stability | None
    profile: Profile | None


def _planned(
    model: Model, solver: Engine, clock: _Clock, options: _Options, memory: Memory | None, dating: Dating | None
) -> Plan:
    """Plan a model; visits are dated beside the quotas, which they do not need."""
    seconds, progress, wishes, near = options.seconds, options.progress, options.wishes, options.near
    quick = options.quick
    grain = grain_like(memory.grain if memory else None, model)
    if memory is not None and memory.learning:
        memory.grain = grain
    doubts = tuple(arithmetic(model, grain, strict=options.strict, engine=solver, warnings=not quick))
    model = replace(model, findings=(*model.findings, *doubts))
    effort = effort_program(model, grain=grain, strict=options.strict)
    clock.lap("build")
    refused = tuple(f.says for f in doubts if f.severity == "error")
    if any(f.severity == "error" and f.rule != "arithmetic" for f in doubts):
        return _plan_without_numbers(model, "infeasible", refused, effort.program, solver, clock)
    first = _make_effort(effort, solver, options)
    ordered = np.zeros(len(effort.draft.segments.owner), bool)
    while first.x is not None and (astray := out_of_order(effort.draft, first.x) & ~ordered).any():
        ordered |= astray
        effort = effort_program(model, grain=grain, strict=options.strict, ordered=ordered)
        again = _make_effort(effort, solver, options)
        first = replace(again, solves=first.solves + again.solves, seconds=first.seconds + again.seconds)
    clock.lap("solve")
    if first.x is None or first.status is not Status.OPTIMAL:
        return _without_plan(model, effort.program, first, solver, clock)
    tables, forecast = effort_tables(effort, first.x, effects=not quick)
    if dating is not None:
        dating.begin(tables)
    clock.lap("build")
    left = None if seconds is None else max(seconds - first.seconds, 1e-3)
    asked = _ask(effort, forecast, solver, left, progress, wishes, near) if options.quotas else []
    clock.lap("solve")
    if asked:
        last, second = asked[-1]
        if second.x is None or second.status is not Status.OPTIMAL:
            return _without_plan(model, last.program, second, solver, clock)
        tables["quotas"] = _quota_table(asked, forecast)
        tables["asked"] = _needs_table(model, asked)
    tables["targets"]["cause"] = causes(effort, first, tables["targets"])
    outcomes = [first, *(outcome for _quotas, outcome in asked)]
    goals = tuple(g for outcome in outcomes for g in _goal_values(outcome))
    totals = [binding_rules(outcome, "base total") for _quotas, outcome in asked[:1]]
    binding = pd.concat([binding_rules(first, "contribution"), *totals], ignore_index=True)
    summary = _summary(model, "optimal", solver, clock, effort.program, *(q.program for q, _outcome in asked))
    summary["goals"] = [{"name": g.name, "value": g.value, "best": g.best} for g in goals]
    summary["solves"] = sum(o.solves for o in outcomes)
    summary["engine_seconds"] = sum(o.seconds for o in outcomes)
    clock.lap("build")
    if quick:
        summary["kpis"] |= key_figures(effort, first.x, tables["forecast"])
        summary["targets"] = _tally(tables["targets"])
        clock.lap("build")
        summary["seconds"] |= clock.seconds
        return Plan(model, "optimal", tables, goals, summary, binding, (), model.findings)
    from allocator.publishing import publish  # here, as it takes long to import

    given = None if near is None else near.given(tables["quotas"])
    model = replace(model, findings=(*model.findings, *publish(grain, tables, given)))
    clock.lap("round")
    if dating is not None:
        summary["schedule"] = _date_visits(dating, tables)
        summary["kpis"]["visits_scheduled"] = summary["schedule"]["visits"]
    clock.lap("schedule")
    _examine(model, tables, summary, options.profile)
    clock.lap("audit")
    summary["seconds"] |= clock.seconds
    return Plan(model, "optimal", tables, goals, summary, binding, (), model.findings)


def _date_visits(dating: Dating, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Add the dated visits and those without a day; returns the figures of the schedule."""
    dated = dating.schedule(tables)
    tables["visits"], tables["unplaced"] = dated.visits, dated.unplaced
    return dict(dated.figures)


def _examine(
    model: Model, tables: dict[str, pd.DataFrame], summary: dict[str, Any], profile: Profile | None = None
) -> None:
    """Audit the tables and take the key figures from them."""
    from allocator.auditing import examine  # here, as it takes long to import

    checked, figures = examine(model, tables, None if profile is None else profile.laps())
    summary["audit"] = {
        "rules": checked.rules,
        "violations": len(checked.violations),
        "largest_residual": checked.largest_residual,
    }
    summary["kpis"] |= figures
    summary["targets"] = _tally(tables["targets"])


def _tally(targets: pd.DataFrame) -> dict[str, int]:
    missed = int((targets["status"] == "missed").sum())
    return {"met": len(targets) - missed, "missed": missed}


def export(model: Model, path: Path, *, strict: bool = False) -> None:
    """Write the effort program of a model, with its first goal as the objective, as ``.mps`` or ``.lp``."""
    from allocator.engines.export import export as write_program

    program = effort_program(model, strict=strict).program
    costs = program.goals[0].costs if program.goals else np.zeros(program.shape[1])
    write_program(program, costs, path)


def _make_effort(effort: Effort, solver: Engine, options: _Options) -> Outcome:
    """Solve the goals of an effort program, and settle what they leave open."""
    if options.near is not None:
        return options.near.effort(effort, solver, options.seconds)
    outcome = _in_order(effort.program, solver, options.seconds, options.progress, options.wishes)
    if outcome.status is Status.OPTIMAL:
        settle_effort(effort, outcome, solver, options.seconds)
    return outcome


def _in_order(
    program: Program, solver: Engine, seconds: float | None, progress: Progress | None, wishes: dict[str, int]
) -> Outcome:
    """Solve the goals in order, and see that none was lost on the way."""
    outcome = Ordering(program, solver, seconds=seconds, progress=progress, wishes=wishes).run()
    if outcome.status is Status.OPTIMAL and worst_loss(outcome, program.goals) > HELD:
        raise EngineError(_("The engine lost a goal on the way to the next one; try another engine."))
    return outcome


def _goal_values(outcome: Outcome) -> list[GoalValue]:
    """Goals as they are reported: in their own unit, gains positive."""
    assert outcome.x is not None
    return [
        GoalValue(g.name, g.scale * g.value(outcome.x), g.scale * outcome.best[g.name]) for g in outcome.program.goals
    ]


def _ask(
    effort: Effort,
    forecast: Floats,
    solver: Engine,
    seconds: float | None,
    progress: Progress | None,
    wishes: dict[str, int],
    near: Stability | None = None,
) -> list[tuple[Quotas, Outcome]]:
    """Ask for base, then for stretch and ceiling on top of it; the last one may have no answer."""
    asked: list[tuple[Quotas, Outcome]] = []
    below: Floats | None = None
    for level in LEVELS:
        like = asked[-1][0] if asked else None
        quotas = quota_program(effort.draft.grain, forecast, effort.draft.money, level, below, like)
        found = None if near is None else near.quotas(quotas, solver, seconds)
        outcome = found or _in_order(quotas.program, solver, seconds, progress, wishes)
        asked.append((quotas, outcome))
        if outcome.status is not Status.OPTIMAL or outcome.x is None:
            break
        if near is None:
            settle_quotas(quotas, below, outcome, solver, seconds)
        seconds = None if seconds is None else max(seconds - outcome.seconds, 1e-3)
        exact = without_noise(outcome.x[quotas.asking.columns[level]]) * quotas.program.money
        below = exact if below is None else np.maximum(exact, below)
    return asked


def _quota_table(asked: list[tuple[Quotas, Outcome]], forecast: Floats) -> pd.DataFrame:
    """Quotas of every level, exact, beside the forecast, of shape (reps, products, months)."""
    frames = []
    below: Floats = np.zeros(1)
    for quotas, outcome in asked:
        asking, money = quotas.asking, quotas.program.money
        assert outcome.x is not None
        beyond = asking.beyond[asking.level]
        below = np.maximum(without_noise(outcome.x[asking.columns[asking.level]]) * money, below)
        if asking.asked:
            below = np.where(asking.over, asking.asked[asking.level] * money, below)
        over = np.where(beyond >= 0, outcome.x[beyond] * money, 0.0)
        frame = pd.DataFrame({k: asking.label(k) for k in ("rep", "unit", "product", "month")})
        sold = forecast[tuple(asking.cells[c] for c in ("rep", "product", "month"))]
        frames.append(frame.assign(level=asking.level, exact=below, forecast=sold, beyond=np.maximum(over, 0.0)))
    return pd.concat(frames, ignore_index=True)


def _needs_table(model: Model, asked: list[tuple[Quotas, Outcome]]) -> pd.DataFrame:
    """What the company needs at each level, and what is owed of it."""
    frames = []
    for quotas, outcome in asked:
        assert outcome.x is not None
        owed, required = (v * quotas.program.money for v in quotas.needs.values(outcome.x))
        table = quotas.needs.table
        gap = np.where(table["bound"] == "at_least", required - owed, owed - required)
        seen = gap > 1e-6 * np.maximum(table["scale"].to_numpy(float) * quotas.program.money, 1e-9)
        table = table.assign(required=required, asked=owed, gap=np.where(seen, gap, 0.0))
        table["cause"] = np.where(seen, _gap_causes(model, quotas, owed), "")
        frames.append(table.assign(priority=table["priority"].astype(str).replace("0", "hard")))
    names = ["target", "level", "each", "bound", "required", "asked", "gap", "period", "scope", "priority", "cause"]
    return pd.concat(frames, ignore_index=True)[names]


def _gap_causes(model: Model, quotas: Quotas, owed: Floats) -> np.ndarray:
    """Why what the company needs is not asked for: the forecast ends, the market does, or something else came first."""
    asking, money = quotas.asking, Amounts(model.settings.money_unit, model.settings.currency)
    x = np.zeros(quotas.program.shape[1])
    sold = asking.cells["forecast"].to_numpy(float)
    x[asking.columns[asking.level]] = np.where(asking.over, asking.asked.get(asking.level, sold), sold)
    carried = quotas.needs.values(asking.filled(x))[0] * quotas.program.money
    least = (quotas.needs.table["bound"] == "at_least").to_numpy()
    other = _("a limit or something asked for before stands in the way")
    if asking.level == LEVELS[-1]:
        return np.where(least, _("the clients can buy no more, or a limit stands in the way"), other)
    ends = [_("the forecast carries {money} and no more").format(money=money.money(v)) for v in carried]
    pinned = [
        _("the forecast carries {money}, and pins or floors {more} beyond it").format(
            money=money.money(v), more=money.money(have - v)
        )
        for v, have in zip(carried, owed, strict=True)
    ]
    reached, beyond = owed >= carried * (1 - 1e-9), owed > carried * (1 + 1e-6)
    return np.where(least & reached, np.where(beyond, np.array(pinned, object), np.array(ends, object)), other)


def _without_plan(model: Model, program: Program, outcome: Outcome, solver: Engine, clock: _Clock) -> Plan:
    """Say why there is no plan; no numbers that look like one."""
    status = STATUS[outcome.status]
    if status == "error":
        raise EngineError(_("The engine failed: {detail}").format(detail=outcome.detail or "?"))
    reasons: tuple[str, ...] = (outcome.detail,)
    if status == "infeasible":
        proofs = tuple(f.says for f in model.findings if f.severity == "error")
        reasons = proofs + contradictions(program, solver, model)
    return _plan_without_numbers(model, status, reasons, program, solver, clock)


def _plan_without_numbers(
    model: Model, status: str, reasons: tuple[str, ...], program: Program, solver: Engine, clock: _Clock
) -> Plan:
    """The plan that there is none, and why."""
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
        "versions": {p: _version(p) for p in packages},
        "inputs_sha256": model.sha256,
    }


@functools.cache
def _version(package: str) -> str:
    return metadata.version(package)


def _peak_mb() -> float | None:
    """Most memory that this process has held; None where the system does not tell."""
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024.0**2 if sys.platform == "darwin" else 1024.0), 1)
