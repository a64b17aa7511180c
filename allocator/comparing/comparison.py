"""A model with and without scenarios, side by side."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from allocator.comparing import differences
from allocator.comparing.bridge import COLUMNS as BRIDGE_COLUMNS
from allocator.comparing.bridge import Bridge, bridge
from allocator.comparing.differences import figures
from allocator.comparing.planning import FromTheFirst, Planner
from allocator.comparing.players import players_of
from allocator.comparing.redating import visits
from allocator.comparing.sharing import ORDERS, sets_needed
from allocator.comparing.sweeping import Combinations, Sweep, sweep
from allocator.errors import Finding, InputError
from allocator.model import Model
from allocator.plan import Plan
from allocator.scenarios.applying import Changed, with_scenarios
from allocator.scenarios.handing_over import COLUMNS as HANDOVER_COLUMNS
from allocator.scenarios.handing_over import handover
from allocator.scenarios.recording import COLUMNS as CHANGES_COLUMNS
from allocator.scenarios.varying import variations
from allocator.texts import _

BASE = "base"
"""Name of the plan without scenarios."""

TABLES = {
    "inputs": ("of", *CHANGES_COLUMNS[1:]),
    **differences.COLUMNS,
    "handover": HANDOVER_COLUMNS,
    "bridge": BRIDGE_COLUMNS,
}
"""Tables of a comparison in the order in which they are read, with their columns behind that of the scenario."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Case:
    """One scenario, or several that hold together.

    Attributes
    ----------
    name : str
        Names joined by +.
    title : str
    changed : Changed
    plan : Plan
        With the tables ``changes``, and ``handover`` where clients change hands; without tables where there is no plan.
    bridge : Bridge or None
        None where there is no plan, or none was asked for.
    """

    name: str
    title: str
    changed: Changed
    plan: Plan
    bridge: Bridge | None


@dataclass(frozen=True)
class Comparison:
    """Plans side by side.

    Attributes
    ----------
    model : Model
    base : Plan
        Of the model without scenarios.
    cases : tuple of Case
    sweeps : tuple of Sweep
    tables : mapping of str to DataFrame
        ``inputs``, ``kpis``, ``targets``, ``quotas``, ``budget``, ``visits``, ``rules``, ``handover``, ``bridge``, as
        ``docs/comparing.md`` says.
    plans : int
        How many times was planned.
    started_at : datetime
    seconds : float
    """

    model: Model
    base: Plan
    cases: tuple[Case, ...]
    sweeps: tuple[Sweep, ...]
    tables: Mapping[str, pd.DataFrame]
    plans: int
    started_at: dt.datetime
    seconds: float

    @property
    def statuses(self) -> tuple[str, ...]:
        """Status of every plan that was asked for, the base plan's first."""
        swept = [str(status) for one in self.sweeps for status in one.table["status"]]
        return (self.base.status, *(case.plan.status for case in self.cases), *swept)


def compare(
    model: Model,
    names: Sequence[str],
    *,
    planner: Planner | None = None,
    dated: bool = True,
    bridges: bool = True,
    orders: int = ORDERS,
    singly: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """Plan a model without and with scenarios, and compare.

    Parameters
    ----------
    model : Model
    names : sequence of str
        Scenarios; names joined by + hold together. One with ``vary`` is swept instead of compared.
    planner : callable, optional
        By default the model is planned from the start and the scenarios from where it ended, on HiGHS;
        :func:`allocator.solving.solve` plans each from the start.
    dated : bool
        Whether visits are dated, those of the scenarios as near to the base plan's as can be.
    bridges : bool
        Whether differences are shared out among events and responses.
    orders : int
        Orders that a bridge of more than four steps looks at.
    singly : bool
        Whether a bridge tells each response and each change by itself.
    progress : callable, optional
        Told what is planned before it is.

    Raises
    ------
    InputError
        With all findings: scenarios that are unknown, cannot be applied or are named twice.
    """
    started, begin = dt.datetime.now(dt.UTC), time.perf_counter()
    found = _found(model, names)
    swept = {name: list(variations(model, *changed.scenarios)) for name, changed in found.items() if _varies(changed)}
    compared = {name: changed for name, changed in found.items() if name not in swept}
    most = _most(compared, swept, orders if bridges else 0, singly)
    work = _Work(planner or FromTheFirst(), dated and bool(compared), most, progress or (lambda _text: None))
    base = work.full(model, BASE, None)
    plans = {name: work.full(changed.model, name, base) for name, changed in compared.items()}
    cases = []
    for name, changed in compared.items():
        spanned = bridges and base.tables and plans[name].tables
        found_bridge = None
        if spanned:
            found_bridge = bridge(model, changed.scenarios, base, plans[name], work.figures, orders, singly=singly)
        plan = _with_changes(model, changed, plans[name])
        cases.append(Case(name, _title(changed), changed, plan, found_bridge))
    sweeps = tuple(
        sweep(name, _title(found[name]), combinations, base, lambda c, says: work.quick(c.model, says))
        for name, combinations in swept.items()
    )
    tables = {table: _table(table, base, cases) for table in TABLES}
    return Comparison(model, base, tuple(cases), sweeps, tables, work.plans, started, time.perf_counter() - begin)


def _found(model: Model, names: Sequence[str]) -> dict[str, Changed]:
    """The model under each of the scenarios, all findings told at once."""
    found: dict[str, Changed] = {}
    findings: list[Finding] = []

    def refuse(name: str, says: str) -> None:
        findings.append(
            Finding("error", "scenarios", "", "", name, "scenario", f"scenarios{_(': ')}{name}{_(': ')}{says}")
        )

    for given in names:
        name = "+".join(part.strip() for part in given.split("+") if part.strip())
        if not name or name.casefold() == BASE:
            refuse(
                given, _("Expected the name of a scenario; the plan without any is called {base}.").format(base=BASE)
            )
        elif name in found:
            refuse(name, _("It is named twice. A scenario is compared once."))
        else:
            try:
                found[name] = with_scenarios(model, name)
            except InputError as error:
                findings += [f for f in error.findings if f not in findings]
    if findings:
        raise InputError(findings)
    return found


def _varies(changed: Changed) -> bool:
    return any(scenario.vary for scenario in changed.scenarios)


def _title(changed: Changed) -> str:
    return " + ".join(scenario.title or scenario.name for scenario in changed.scenarios)


def _most(compared: Mapping[str, Changed], swept: Mapping[str, Combinations], orders: int, singly: bool) -> int:
    """Plans that are made at most."""
    count = 1 + len(compared) + sum(len(combinations) for combinations in swept.values())
    for changed in compared.values() if orders else ():
        count += sets_needed(len(players_of(changed.scenarios, singly=singly)), orders)[0]
    return count


@dataclass
class _Work:
    """Plans that are made, each once: two models with the same tables have the same plan."""

    planner: Planner
    dated: bool
    most: int
    progress: Progress
    plans: int = 0
    known: dict[str, Plan] = field(default_factory=dict)
    whole: dict[str, Plan] = field(default_factory=dict)

    def full(self, model: Model, name: str, base: Plan | None) -> Plan:
        """A plan with all its tables."""
        if model.sha256 not in self.whole:
            kept = base.tables.get("visits") if base is not None else None
            self._tell(name)
            self.whole[model.sha256] = self.planner(model, visits=self.dated, quick=False, keep=kept)
        return self.whole[model.sha256]

    def quick(self, model: Model, name: str) -> Plan:
        """A plan without dated visits, of which no more than the targets is kept."""
        known = self.whole.get(model.sha256) or self.known.get(model.sha256)
        if known is None:
            self._tell(name)
            plan = self.planner(model, visits=False, quick=True)
            known = replace(plan, tables={t: plan.tables[t] for t in ("targets",) if t in plan.tables})
            self.known[model.sha256] = known
        return known

    def figures(self, model: Model, name: str) -> Mapping[str, float] | None:
        """Key figures of a plan; None where there is no plan."""
        plan = self.quick(model, name)
        return figures(plan) if plan.tables else None

    def _tell(self, name: str) -> None:
        self.plans += 1
        self.progress(_("plan {number} of {most} at most: {name}").format(number=self.plans, most=self.most, name=name))


def _with_changes(model: Model, changed: Changed, plan: Plan) -> Plan:
    """The plan with the names of its scenarios, what they changed and which clients change hands."""
    summary = {**plan.summary, "scenarios": [s.name for s in changed.scenarios]}
    if not plan.tables:
        return replace(plan, summary=summary)
    tables = {**plan.tables, "changes": changed.changes}
    hands = handover(model, changed)
    if len(hands):
        tables["handover"] = hands
    return replace(plan, tables=tables, summary=summary)


def _table(name: str, base: Plan, cases: Sequence[Case]) -> pd.DataFrame:
    """One table of a comparison, the scenarios one below the other."""
    parts = [_part(name, base, case).assign(scenario=case.name) for case in cases]
    columns = ["scenario", *TABLES[name]]
    filled = [part for part in parts if len(part)]
    if not filled:
        return pd.DataFrame({c: pd.Series(dtype="object") for c in columns})
    return pd.concat(filled, ignore_index=True)[columns]


def _part(name: str, base: Plan, case: Case) -> pd.DataFrame:
    if name == "inputs":
        return case.changed.changes.rename(columns={"scenario": "of"})
    if name == "kpis":
        return differences.kpis(base, case.plan)
    if name == "bridge":
        return pd.DataFrame() if case.bridge is None else case.bridge.table
    if name == "handover":
        return case.plan.tables.get("handover", pd.DataFrame())
    if not base.tables or not case.plan.tables:
        return pd.DataFrame()
    makers = {
        "targets": differences.targets,
        "quotas": differences.quotas,
        "budget": differences.budget,
        "visits": visits,
        "rules": differences.rules,
    }
    return makers[name](base, case.plan)
