"""Sweeps: one scenario over some values of a cell or parameter, several crossed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from allocator.errors import InputError
from allocator.model import Model
from allocator.scenarios.applying import Changed, Steps, apply_steps
from allocator.scenarios.scenario import Change, Parameter, Scenario, Variation, filled
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
    names = [name for one in scenarios for name in _names(one)]
    for crossed in itertools.product(*(tuple(combinations(one)) for one in scenarios)):
        values = [
            (name if names.count(name) == 1 else f"{one.name}.{name}", value)
            for one, (labels, _part) in zip(scenarios, crossed, strict=True)
            for name, value in labels.items()
        ]
        yield dict(values), apply_steps(model, [part for _labels, part in crossed])


def combinations(scenario: Scenario) -> Iterator[tuple[Mapping[str, str], Part]]:
    """Each combination of a sweep's values by itself: a scenario, and its steps with the values in their places.

    Yields
    ------
    (mapping of str to str, (Scenario, steps))
        Value of each varied cell or parameter by its name, and what :func:`apply_steps` takes.

    Raises
    ------
    InputError
        If a value cannot be put in its place.
    """
    for values in itertools.product(*(v.values for v in scenario.vary)):
        labels = dict(zip(_names(scenario), values, strict=True))
        yield labels, _at(scenario, list(zip(scenario.vary, values, strict=True)))


def _names(scenario: Scenario) -> list[str]:
    """Names of the variations; a number tells those of one name apart."""
    names = [v.name for v in scenario.vary]
    return [n if names.count(n) == 1 else f"{n} {names[:k].count(n) + 1}" for k, n in enumerate(names)]


def _at(scenario: Scenario, chosen: Sequence[tuple[Variation, str]]) -> Part:
    report = Report()
    of = {v.parameter: Parameter((value,), v.change.written) for v, value in chosen if v.parameter}
    one, template = scenario, scenario.template
    if of and template is not None:
        one = filled(replace(template, parameters={**template.parameters, **of}), report)
    cells = [_cell(v, value) for v, value in chosen if not v.parameter]
    if report:
        raise InputError(report.findings())
    return one, (*one.steps, *cells)


def _cell(variation: Variation, value: str) -> Change:
    return replace(variation.change, cells={variation.column: value})
