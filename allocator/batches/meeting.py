"""What a scenario is to a model: unknown, written for others, malformed, or steps to apply, one set for each sweep value."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from allocator.errors import InputError
from allocator.model import Model
from allocator.scenarios.reading import applies, find_scenario, list_scenarios, shelves
from allocator.scenarios.scenario import Scenario
from allocator.scenarios.varying import Part, combinations
from allocator.schema.findings import Report
from allocator.texts import _

Varied = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Meeting:
    """Scenarios that hold together, met by a model.

    Attributes
    ----------
    unknown : str
        Name that no scenario has.
    foreign : str
        Name of a scenario that was written for other models.
    problem : str
        What is wrong with the scenarios' files, in sentences.
    variants : tuple of (varied values, parts)
        What :func:`allocator.scenarios.applying.apply_steps` takes, once for each combination of a sweep's values.
    """

    unknown: str = ""
    foreign: str = ""
    problem: str = ""
    variants: tuple[tuple[Varied, tuple[Part, ...]], ...] = (((), ()),)


class Scenarios:
    """The scenarios that one model can find.

    Parameters
    ----------
    model : Model
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._met: dict[str, Meeting] = {}

    @property
    def known(self) -> list[str]:
        """Names of all that can be found, whatever model they were written for."""
        return sorted({name for shelf in shelves(self._model, Report()) for name in shelf})

    def applying(self) -> list[str]:
        """Names of those that apply."""
        return [scenario.name for scenario in list_scenarios(self._model)]

    def meet(self, names: str) -> Meeting:
        """What scenarios, joined by ``+``, are to the model; blank is none."""
        if names not in self._met:
            self._met[names] = self._meet(names) if names else Meeting()
        return self._met[names]

    def _meet(self, names: str) -> Meeting:
        found: list[Scenario] = []
        for name in names.split("+"):
            if name not in self.known:
                return Meeting(unknown=name)
            report = Report()
            scenario = find_scenario(self._model, name, report)
            if scenario is not None and not applies(scenario, self._model):
                return Meeting(foreign=name)
            if scenario is None or report:
                return Meeting(problem=told(InputError(report.findings())))
            found.append(scenario)
        try:
            each = [tuple(combinations(scenario)) for scenario in found]
        except InputError as error:
            return Meeting(problem=told(error))
        return Meeting(variants=tuple(_joined(one) for one in itertools.product(*each)))


def told(error: InputError) -> str:
    """The errors of an input as sentences, the first few."""
    says = [f.says for f in error.findings if f.severity == "error"]
    more = _("… and {count} more").format(count=len(says) - SHOWN)
    return "\n".join([*says[:SHOWN], more] if len(says) > SHOWN else says)


SHOWN = 5
"""Mistakes of a scenario or model that its case repeats; ``allocator check`` tells all."""


def _joined(parts: tuple[tuple[Mapping[str, str], Part], ...]) -> tuple[Varied, tuple[Part, ...]]:
    names = [name for labels, _part in parts for name in labels]
    varied = [
        (name if names.count(name) == 1 else f"{part[0].name}.{name}", value)
        for labels, part in parts
        for name, value in labels.items()
    ]
    return tuple(varied), tuple(part for _labels, part in parts)
