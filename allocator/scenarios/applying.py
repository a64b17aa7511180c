"""A model with scenarios: the changed tables, checked like any model, and the record of what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

import allocator.scenarios.happening
import allocator.scenarios.levers  # noqa: F401  both declare their kinds
from allocator.errors import InputError
from allocator.model import Model
from allocator.reading import Tables, check
from allocator.scenarios.changes import Changing
from allocator.scenarios.events import expand
from allocator.scenarios.reading import applies, find_scenario
from allocator.scenarios.scenario import Change, Event, Scenario
from allocator.schema.findings import Place, Report
from allocator.texts import _

Steps = Sequence[Event | Change]


@dataclass(frozen=True)
class Changed:
    """A model under scenarios.

    Attributes
    ----------
    model : Model
    scenarios : tuple of Scenario
    changes : DataFrame
        scenario, table, key, column, before, after: every cell that changed, came or went.
    """

    model: Model
    scenarios: tuple[Scenario, ...]
    changes: pd.DataFrame


def with_scenarios(model: Model, names: str) -> Changed:
    """Apply scenarios together.

    Parameters
    ----------
    model : Model
    names : str
        Names joined by ``+``.

    Raises
    ------
    InputError
        With all findings: unknown scenarios, changes that cannot be made, clashes, and what is wrong with the changed model.
    """
    report = Report()
    wanted = [name.strip() for name in names.split("+") if name.strip()]
    for name in sorted({n for n in wanted if wanted.count(n) > 1}):
        report.add_at("error", "scenarios", "scenario", _("It is named twice. A scenario holds once."), value=name)
    found = [find_scenario(model, name, report) for name in dict.fromkeys(wanted)]
    for scenario in found:
        if scenario is not None and not applies(scenario, model):
            at = scenario.written
            says = _("This scenario was written for {models}. Extend it with a file of your own.")
            says = says.format(models=", ".join(scenario.models))
            report.add_at("error", at.label, "scenario", says, row=at.row, value=scenario.name)
    return apply_steps(model, [(s, s.steps) for s in found if s is not None], report)


def apply_steps(model: Model, parts: Sequence[tuple[Scenario, Steps]], report: Report | None = None) -> Changed:
    """Apply some steps of scenarios, in order.

    Parameters
    ----------
    model : Model
    parts : sequence of (Scenario, sequence of steps)
    report : Report, optional
        Findings made before.

    Raises
    ------
    InputError
        As :func:`with_scenarios`.
    """
    report = Report() if report is None else report
    changing = Changing(model, report)
    for scenario, steps in parts:
        changing.begin(scenario.name)
        for step in steps:
            for change in expand(step, changing) if isinstance(step, Event) else (step,):
                changing.apply(change)
    changing.finish()
    if report:
        raise InputError(report.findings())
    scenarios = tuple(dict.fromkeys(scenario.name for scenario, _steps in parts))
    first = {scenario.name: scenario for scenario, _steps in reversed(parts)}
    records = changing.records.frame()
    told = tuple(first[name] for name in scenarios)
    if records.empty:
        return Changed(model, told, records)
    return Changed(_checked(model, changing, "+".join(scenarios), report), told, records)


def _checked(model: Model, changing: Changing, names: str, report: Report) -> Model:
    """The changed model; what is wrong with a changed table is said of the scenarios."""
    for table in changing.touched:
        report.places[table] = Place(f"{names}[{table}]", np.zeros(0, np.int64))
    known = {name for name in model.tables if name not in changing.touched}
    changed = changing.changed.items()
    frames = {name: frame if name in known else frame.reset_index(drop=True) for name, frame in changed}
    return check(Tables(model.name, model.source, changing.settings, frames, {}), report, known)
