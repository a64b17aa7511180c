"""A model with scenarios: the changed tables, checked like any model, and the record of what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from allocator.errors import InputError
from allocator.model import Model
from allocator.reading import Tables, check
from allocator.scenarios.changes import Changing
from allocator.scenarios.events import expand
from allocator.scenarios.reading import find_scenario
from allocator.scenarios.scenario import Change, Event, Scenario
from allocator.schema.findings import Report
from allocator.texts import _


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
    """Apply scenarios in order.

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
    found = [find_scenario(model, name.strip(), report) for name in names.split("+") if name.strip()]
    for scenario in found:
        if scenario is not None and scenario.models and model.name not in scenario.models:
            says = _("This scenario was written for {models}.").format(models=", ".join(scenario.models))
            report.add_at(
                "error", scenario.written.label, "scenario", says, row=scenario.written.row, value=scenario.name
            )
    if report:
        raise InputError(report.findings())
    return apply_steps(model, [(s, s.steps) for s in found if s is not None], report)


def apply_steps(
    model: Model, parts: Sequence[tuple[Scenario, Sequence[Event | Change]]], report: Report | None = None
) -> Changed:
    """Apply some steps of scenarios, in order.

    Raises
    ------
    InputError
        As :func:`with_scenarios`.
    """
    report = Report() if report is None else report
    changing = Changing(model, report)
    for scenario, steps in parts:
        changing.scenario = scenario.name
        for step in steps:
            for change in expand(step, changing) if isinstance(step, Event) else (step,):
                changing.apply(change)
    if report:
        raise InputError(report.findings())
    scenarios = tuple(scenario for scenario, _steps in parts)
    if changing.records.empty:
        return Changed(model, scenarios, changing.records)
    frames = {name: frame.reset_index(drop=True) for name, frame in changing.frames.items()}
    tables = Tables(model.name, model.source, changing.settings, frames, {})
    changed = check(tables, report)
    return Changed(replace(changed, source=model.source), scenarios, changing.records)
