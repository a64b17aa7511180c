"""What a scenario says: events, levers and changes, each with the place where it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from allocator.schema.findings import Report, did_you_mean
from allocator.texts import _

OPERATIONS = ("set", "multiply", "add", "remove", "append")
ANY = "any"
"""Value of a parameter that leaves out the argument or the part of a selector that takes it."""
_PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")

Texts = tuple[str, ...]


@dataclass(frozen=True)
class Written:
    """Where something stands.

    Attributes
    ----------
    label, row : str
        File or sheet, and line or cell.
    """

    label: str
    row: str


@dataclass(frozen=True)
class Change:
    """One operation on the cells of a table.

    Attributes
    ----------
    table : str
    where : mapping of str to tuple of str
        Column, or attribute of what a column refers to, and its alternatives; ``unit`` holds all units below as well.
    start, end : str
        Periods from and to which the change works; blank is the whole plan.
    operation : str
        set, multiply, add, remove or append.
    cells : mapping of str to str
        Column and value; for append a whole row.
    more : tuple of mapping of str to str
        Further rows that are appended.
    over : bool
        Whether it may override what another scenario did to the same cells.
    written : Written
    """

    table: str
    where: Mapping[str, Texts]
    operation: str
    cells: Mapping[str, str]
    written: Written
    start: str = ""
    end: str = ""
    over: bool = False
    more: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Event:
    """Something that happens, or a lever that may be used; it expands to changes.

    Attributes
    ----------
    kind : str
    arguments : mapping of str to tuple of str
    written : Written
    lever : bool
        Whether it stands under ``respond``.
    """

    kind: str
    arguments: Mapping[str, Texts]
    written: Written
    lever: bool = False


@dataclass(frozen=True)
class Parameter:
    """Value of a parameter; blank must be given by who extends the scenario."""

    values: Texts
    written: Written


@dataclass(frozen=True)
class Variation:
    """A cell, or a parameter, that a sweep varies over some values.

    Attributes
    ----------
    name : str
        Heading of the sweep's column.
    parameter : str
        Parameter that is varied; blank where a cell is.
    change : Change
        With the values blank.
    column : str
    values : tuple of str
    """

    name: str
    parameter: str
    change: Change
    column: str
    values: Texts


@dataclass(frozen=True)
class Scenario:
    """A named change of a model.

    Attributes
    ----------
    name, title : str
    models : tuple of str
        Names of the models it was written for; empty is any.
    extends : str
        Scenario that it builds on.
    parameters : mapping of str to Parameter
    steps : tuple of Event or Change
        In the order in which they apply: events, levers, changes.
    vary : tuple of Variation
    written : Written
    template : Scenario or None
        The scenario before its parameters were filled in.
    """

    name: str
    title: str
    written: Written
    models: Texts = ()
    extends: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    steps: tuple[Event | Change, ...] = ()
    vary: tuple[Variation, ...] = ()
    template: Scenario | None = None


def extended(child: Scenario, parent: Scenario) -> Scenario:
    """A scenario with the steps of the one it extends before its own, and its parameters in the place of theirs."""
    return replace(
        child,
        title=child.title or parent.title,
        extends=parent.extends,
        parameters={**parent.parameters, **child.parameters},
        steps=(*parent.steps, *child.steps),
        vary=(*parent.vary, *child.vary),
    )


def filled(scenario: Scenario, report: Report) -> Scenario:
    """The scenario with its parameters filled in; findings for those without a value, and for those that nothing takes."""
    filler = _Filler(scenario.parameters, report)
    title = filler.text(scenario.title, scenario.written)
    steps = tuple(filler.step(step) for step in scenario.steps)
    vary = tuple(
        replace(v, change=filler.change(v.change), values=filler.texts(v.values, v.change.written))
        for v in scenario.vary
    )
    varied = {v.parameter for v in scenario.vary}
    for name, parameter in scenario.parameters.items():
        if name not in filler.used | varied:
            says = _("Nothing takes this parameter.") + did_you_mean(name, filler.used)
            report.add_at("error", parameter.written.label, "parameter", says, row=parameter.written.row, column=name)
    return replace(scenario, title=title, steps=steps, vary=vary, template=scenario)


class _Filler:
    """Puts the values of parameters in their places."""

    def __init__(self, parameters: Mapping[str, Parameter], report: Report) -> None:
        self._parameters, self._report = parameters, report
        self.used: set[str] = set()

    def values(self, name: str, at: Written) -> Texts:
        """Values of a parameter; a finding where it has none."""
        self.used.add(name)
        found = self._parameters.get(name)
        if found is None or not any(found.values):
            says = _("The parameter {name} has no value. Give it one under parameters.").format(name=name)
            says += did_you_mean(name, self._parameters) if found is None else ""
            self._report.add_at("error", at.label, "parameter", says, row=at.row, column=name)
            return ()
        return found.values

    def text(self, text: str, at: Written) -> str:
        """A text with the parameters in it."""
        return _PARAMETER.sub(lambda found: ", ".join(self.values(found[1], at)), text)

    def texts(self, values: Texts, at: Written) -> Texts:
        """Values of which one may be a parameter with several; ``any`` leaves it out."""
        return tuple(v for value in values for v in self._spliced(value, at))

    def _spliced(self, value: str, at: Written) -> Iterator[str]:
        whole = _PARAMETER.fullmatch(value)
        if whole is None:
            yield self.text(value, at)
        else:
            found = self.values(whole[1], at)
            yield from () if found == (ANY,) else found

    def pairs(self, pairs: Mapping[str, Texts], at: Written) -> dict[str, Texts]:
        """Arguments or a selector; what ``any`` has emptied is left out."""
        done = {key: (values, self.texts(values, at)) for key, values in pairs.items()}
        return {key: new for key, (old, new) in done.items() if new or not old}

    def step(self, step: Event | Change) -> Event | Change:
        """An event, lever or change."""
        if isinstance(step, Event):
            return replace(step, arguments=self.pairs(step.arguments, step.written))
        return self.change(step)

    def change(self, change: Change) -> Change:
        """A change."""
        at = change.written
        cells = self.pairs({k: (v,) for k, v in change.cells.items()}, at)
        return replace(
            change,
            where=self.pairs(change.where, at),
            cells={k: ", ".join(v) for k, v in cells.items()},
            start=", ".join(self.texts((change.start,), at)),
            end=", ".join(self.texts((change.end,), at)),
        )
