"""Sweeps: one scenario over some values of a cell or parameter, several crossed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from allocator.errors import InputError
from allocator.model import Model
from allocator.scenarios.applying import Changed, Steps, apply_steps
from allocator.scenarios.scenario import Parameter, Scenario, Variation, filled
from allocator.schema.findings import Report

Part = tuple[Scenario, Steps]
"""A scenario and those of its steps that hold."""


def variations(model: Model, scenario: Scenario, *others: Scenario) -> Iterator[tuple[Mapping[str, str], Changed]]:
    """The model under each combination of a sweep's values, the last one varying first.

    Parameters
    ----------
    model : Model
    scenario : Scenario
        As :func:`allocator.scenarios.reading.find_scenario` gives it. Without ``vary`` there is one combination: the scenario itself.
    others : Scenario
        Scenarios that hold as well; their sweeps are crossed with it.

    Yields
    ------
    (mapping of str to str, Changed)
        Value of each varied cell or parameter by its name, and the model under it.

    Raises
    ------
    InputError
        If a value cannot be put in its place.
    """
    scenarios = (scenario, *others)
    varied = [v for one in scenarios for v in one.vary]
    names = _names(varied)
    for values in itertools.product(*(v.values for v in varied)):
        left = iter(values)
        chosen = [[(v, next(left)) for v in one.vary] for one in scenarios]
        yield dict(zip(names, values, strict=True)), _at(model, scenarios, chosen)


def _names(varied: Sequence[Variation]) -> list[str]:
    """Names of variations; a number tells those of one name apart."""
    names = [v.name for v in varied]
    return [n if names.count(n) == 1 else f"{n} {names[:k].count(n) + 1}" for k, n in enumerate(names)]


def _at(model: Model, scenarios: Sequence[Scenario], chosen: Sequence[Sequence[tuple[Variation, str]]]) -> Changed:
    report = Report()
    parts = []
    for scenario, values in zip(scenarios, chosen, strict=True):
        of = {v.parameter: Parameter((value,), v.change.written) for v, value in values if v.parameter}
        one, template = scenario, scenario.template
        if of and template is not None:
            one = filled(replace(template, parameters={**template.parameters, **of}), report)
        cells = [replace(v.change, cells={v.column: value}) for v, value in values if not v.parameter]
        parts.append((one, (*one.steps, *cells)))
    if report:
        raise InputError(report.findings())
    return apply_steps(model, parts)
