"""What a scenario says: events, levers and changes, each with the place where it is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from allocator.schema.findings import Report, did_you_mean
from allocator.schema.yaml_tree import Node
from allocator.texts import _

OPERATIONS = ("set", "multiply", "add", "remove", "append")
KEYS = ("scenario", "title", "models", "extends", "parameters", "events", "respond", "changes", "vary")
CHANGE_KEYS = ("table", "where", "from", "to", "over", *OPERATIONS)
PARAMETER = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")

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
        Months from and to which the change works; blank is the whole plan.
    operation : str
        set, multiply, add, remove or append.
    cells : mapping of str to str
        Column and value; for append a whole row.
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


@dataclass(frozen=True)
class Event:
    """Something that happens, or a lever that may be used; it expands to changes.

    Attributes
    ----------
    kind : str
    arguments : mapping of str to tuple of str
    written : Written
    """

    kind: str
    arguments: Mapping[str, Texts]
    written: Written


@dataclass(frozen=True)
class Variation:
    """A cell that a sweep varies over some values.

    Attributes
    ----------
    change : Change
        With the value blank.
    column : str
    values : tuple of str
    """

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
    parameters : mapping of str to str
        Defaults; blank must be given by who extends it.
    steps : tuple of Event or Change
        In the order in which they apply: events, levers, changes.
    vary : tuple of Variation
    written : Written
    """

    name: str
    title: str
    written: Written
    models: Texts = ()
    extends: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Event | Change, ...] = ()
    vary: tuple[Variation, ...] = ()


def parse_scenario(tree: Mapping[str, Node], name: str, label: str, report: Report) -> Scenario:
    """Understand the tree of a scenario file; what is wrong goes to ``report``, each with its line."""
    reader = _Reader(label, report)
    reader.known(tree, KEYS)
    steps: list[Event | Change] = []
    for key in ("events", "respond"):
        for node in reader.items(tree, key):
            steps += reader.event(node)
    for node in reader.items(tree, "changes"):
        steps += reader.change(node)
    vary = tuple(v for node in reader.items(tree, "vary") for v in reader.variation(node))
    line = next((str(node.line) for node in tree.values()), "1")
    return Scenario(
        name=reader.text(tree, "scenario") or name,
        title=reader.text(tree, "title") or name,
        written=Written(label, line),
        models=reader.texts(tree, "models"),
        extends=reader.text(tree, "extends"),
        parameters={k: " ".join(v) for k, v in reader.mapping(tree, "parameters").items()},
        steps=tuple(steps),
        vary=vary,
    )


def extended(child: Scenario, parent: Scenario) -> Scenario:
    """A scenario with the steps of the one it extends before its own, and its parameters in the place of theirs."""
    return replace(
        child,
        models=child.models or parent.models,
        extends="",
        parameters={**parent.parameters, **child.parameters},
        steps=(*parent.steps, *child.steps),
        vary=(*parent.vary, *child.vary),
    )


def filled(scenario: Scenario, report: Report) -> Scenario:
    """The scenario with its parameters filled in; findings for those that nobody gave."""

    def fill(text: str, at: Written) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1]
            if scenario.parameters.get(name, "") == "":
                says = _("The parameter {name} has no value. Give it one under parameters.").format(name=name)
                report.add_at("error", at.label, "parameter", says, row=at.row, value=text)
            return scenario.parameters.get(name, "")

        return PARAMETER.sub(value, text)

    def step(one: Event | Change) -> Event | Change:
        at = one.written
        if isinstance(one, Event):
            arguments = {k: tuple(fill(v, at) for v in values) for k, values in one.arguments.items()}
            return replace(one, arguments=arguments)
        return replace(
            one,
            where={k: tuple(fill(v, at) for v in values) for k, values in one.where.items()},
            cells={k: fill(v, at) for k, v in one.cells.items()},
            start=fill(one.start, at),
            end=fill(one.end, at),
        )

    return replace(scenario, steps=tuple(step(s) for s in scenario.steps))


class _Reader:
    """Reads nodes as what they should be; findings for what they are not."""

    def __init__(self, label: str, report: Report) -> None:
        self._label, self._report = label, report

    def known(self, tree: Mapping[str, Node], keys: Texts) -> None:
        for key, node in tree.items():
            if key not in keys:
                says = _("Unknown key.") + did_you_mean(key, keys)
                self._error("key", says, node, key)

    def items(self, tree: Mapping[str, Node], key: str) -> list[Node]:
        node = tree.get(key)
        if node is None or node.value == "":
            return []
        if not isinstance(node.value, tuple):
            self._error("list", _("Expected a list: lines that begin with a dash."), node, key)
            return []
        return list(node.value)

    def text(self, tree: Mapping[str, Node], key: str) -> str:
        node = tree.get(key)
        if node is None:
            return ""
        if not isinstance(node.value, str):
            self._error("text", _("Expected a plain value."), node, key)
            return ""
        return node.value

    def texts(self, tree: Mapping[str, Node], key: str) -> Texts:
        node = tree.get(key)
        if node is None or node.value == "":
            return ()
        if isinstance(node.value, str):
            return tuple(part.strip() for part in node.value.split(",") if part.strip())
        if isinstance(node.value, tuple) and all(isinstance(n.value, str) for n in node.value):
            return tuple(str(n.value) for n in node.value)
        self._error("list", _("Expected a plain value or a list of them."), node, key)
        return ()

    def mapping(self, tree: Mapping[str, Node], key: str) -> dict[str, Texts]:
        node = tree.get(key)
        if node is None or node.value == "":
            return {}
        if not isinstance(node.value, Mapping):
            self._error("mapping", _("Expected pairs, such as {example}.").format(example="{product: x}"), node, key)
            return {}
        return {k: self.texts(node.value, k) for k in node.value}

    def event(self, node: Node) -> list[Event]:
        if not isinstance(node.value, Mapping) or len(node.value) != 1:
            example = "- budget_cut: {category: marketing, cut: 0.2}"
            self._error("event", _("Expected one event, such as {example}.").format(example=example), node)
            return []
        kind = next(iter(node.value))
        return [Event(kind, self.mapping(node.value, kind), Written(self._label, str(node.line)))]

    def change(self, node: Node) -> list[Change]:
        if not isinstance(node.value, Mapping):
            example = "- {table: demand, where: {product: x}, multiply: {expected: 0.9}}"
            self._error("change", _("Expected one change, such as {example}.").format(example=example), node)
            return []
        tree = node.value
        self.known(tree, CHANGE_KEYS)
        found = [k for k in OPERATIONS if k in tree]
        table = self.text(tree, "table")
        if not table or not found:
            says = _("A change needs a table and one of {operations}.").format(operations=", ".join(OPERATIONS))
            self._error("change", says, node)
            return []
        over = self.text(tree, "over").casefold()
        if over not in ("", "true", "false", "yes", "no"):
            self._error("change", _("Expected yes or no."), tree["over"], "over")
        shared = {
            "table": table,
            "where": self.mapping(tree, "where"),
            "start": self.text(tree, "from"),
            "end": self.text(tree, "to"),
            "over": over in ("true", "yes"),
            "written": Written(self._label, str(node.line)),
        }
        return [
            Change(operation=k, cells=cells, **shared)  # type: ignore[arg-type]
            for k in found
            for cells in self._rows(tree, k)
        ]

    def _rows(self, tree: Mapping[str, Node], operation: str) -> list[dict[str, str]]:
        """Values of an operation; append may have several rows, remove has none."""
        node = tree[operation]
        if operation == "remove":
            if node.value not in ("true", "yes"):
                self._error("change", _("Expected remove: true."), node, operation)
            return [{}]
        if operation == "append" and isinstance(node.value, tuple):
            trees = [{operation: part} for part in node.value]
        else:
            trees = [{operation: node}]
        return [{k: " ".join(v) for k, v in self.mapping(t, operation).items()} for t in trees]

    def variation(self, node: Node) -> list[Variation]:
        if not isinstance(node.value, Mapping):
            self._error("vary", _("Expected a table, where, column and values."), node)
            return []
        tree = node.value
        self.known(tree, ("table", "where", "column", "operation", "values", "from", "to", "steps"))
        values = self.texts(tree, "values")
        if not values and {"from", "to", "steps"} <= set(tree):
            values = self._range(tree, node)
        column, operation = self.text(tree, "column"), self.text(tree, "operation") or "set"
        if not self.text(tree, "table") or not column or not values or operation not in ("set", "multiply", "add"):
            says = _(
                "A sweep needs table, column and values (or from, to and steps); operation is set, multiply or add."
            )
            self._error("vary", says, node)
            return []
        written = Written(self._label, str(node.line))
        change = Change(self.text(tree, "table"), self.mapping(tree, "where"), operation, {}, written)
        return [Variation(change, column, values)]

    def _range(self, tree: Mapping[str, Node], node: Node) -> Texts:
        try:
            start, end, steps = (
                float(self.text(tree, "from")),
                float(self.text(tree, "to")),
                int(self.text(tree, "steps")),
            )
        except ValueError:
            self._error("vary", _("Expected numbers for from, to and steps."), node)
            return ()
        if steps < 2:
            self._error("vary", _("Expected 2 steps or more."), node)
            return ()
        return tuple(f"{start + (end - start) * k / (steps - 1):.12g}" for k in range(steps))

    def _error(self, rule: str, says: str, node: Node, key: str = "") -> None:
        value = node.value if isinstance(node.value, str) else ""
        self._report.add_at("error", self._label, rule, says, row=str(node.line), column=key, value=value)
