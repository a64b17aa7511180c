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


def variations(model: Model, scenario: Scenario) -> Iterator[tuple[Mapping[str, str], Changed]]:
    """The model under each combination of a sweep's values, the last one varying first.

    Parameters
    ----------
    model : Model
    scenario : Scenario
        As :func:`allocator.scenarios.reading.find_scenario` gives it. Without ``vary`` there is one combination: the scenario itself.

    Yields
    ------
    (mapping of str to str, Changed)
        Value of each varied cell or parameter by its name, and the model under it.

    Raises
    ------
    InputError
        If a value cannot be put in its place.
    """
    for labels, part in combinations(scenario):
        yield labels, apply_steps(model, [part])


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
        labels = {_name(scenario, k): value for k, value in enumerate(values)}
        yield labels, _at(scenario, list(zip(scenario.vary, values, strict=True)))


def _name(scenario: Scenario, k: int) -> str:
    """Name of a variation; a number tells those of one name apart."""
    names = [v.name for v in scenario.vary]
    return names[k] if names.count(names[k]) == 1 else f"{names[k]} {names[:k].count(names[k]) + 1}"


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
