"""The tree of a scenario file, understood; what is not becomes findings, each with its line."""

from __future__ import annotations

from collections.abc import Mapping

from allocator.scenarios.scenario import OPERATIONS, Change, Event, Parameter, Scenario, Texts, Variation, Written
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.yaml_tree import Node
from allocator.texts import _

KEYS = ("scenario", "title", "models", "extends", "parameters", "events", "respond", "changes", "vary")
CHANGE_KEYS = ("table", "where", "from", "to", "over", *OPERATIONS)
VARY_KEYS = ("name", "parameter", "table", "where", "column", "operation", "values", "from", "to", "steps")
FLAGS = {"": False, "yes": True, "true": True, "是": True, "no": False, "false": False, "否": False}


def parse_scenario(tree: Mapping[str, Node], name: str, label: str, report: Report) -> Scenario:
    """Understand the tree of a scenario file.

    Parameters
    ----------
    name : str
        Name of the file, which the scenario must bear.
    label : str
        File as the user knows it.
    """
    reader = _Reader(label, report)
    reader.known(tree, KEYS)
    steps: list[Event | Change] = []
    for key in ("events", "respond"):
        for node in reader.items(tree, key):
            steps += reader.event(node, lever=key == "respond")
    for node in reader.items(tree, "changes"):
        steps += reader.change(node)
    vary = tuple(v for node in reader.items(tree, "vary") for v in reader.variation(node))
    line = next((str(node.line) for node in tree.values()), "1")
    reader.named(tree, name)
    return Scenario(
        name=name,
        title=reader.text(tree, "title"),
        written=Written(label, line),
        models=reader.texts(tree, "models"),
        extends=reader.text(tree, "extends"),
        parameters=reader.parameters(tree),
        steps=tuple(steps),
        vary=vary,
    )


class _Reader:
    """Reads nodes as what they should be; findings for what they are not."""

    def __init__(self, label: str, report: Report) -> None:
        self._label, self._report = label, report

    def known(self, tree: Mapping[str, Node], keys: Texts) -> None:
        for key, node in tree.items():
            if key not in keys:
                self._error("key", _("Unknown key.") + did_you_mean(key, keys), node, key)

    def named(self, tree: Mapping[str, Node], name: str) -> None:
        if (found := self.text(tree, "scenario")) not in ("", name):
            says = _("The file is called {file}.yaml, and so must the scenario be.").format(file=name)
            self._error("scenario", says + did_you_mean(found, [name]), tree["scenario"], "scenario")

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

    def pairs(self, tree: Mapping[str, Node], key: str) -> Mapping[str, Node]:
        node = tree.get(key)
        if node is None or node.value == "":
            return {}
        if not isinstance(node.value, Mapping):
            self._error("mapping", _("Expected pairs, such as {example}.").format(example="{product: x}"), node, key)
            return {}
        return node.value

    def mapping(self, tree: Mapping[str, Node], key: str) -> dict[str, Texts]:
        inside = self.pairs(tree, key)
        return {k: self.texts(inside, k) for k in inside}

    def parameters(self, tree: Mapping[str, Node]) -> dict[str, Parameter]:
        inside = self.pairs(tree, "parameters")
        return {k: Parameter(self.texts(inside, k), Written(self._label, str(node.line))) for k, node in inside.items()}

    def event(self, node: Node, *, lever: bool) -> list[Event]:
        if not isinstance(node.value, Mapping) or len(node.value) != 1:
            example = "- budget_cut: {category: marketing, cut: 0.2}"
            self._error("event", _("Expected one event, such as {example}.").format(example=example), node)
            return []
        kind = next(iter(node.value))
        return [Event(kind, self.mapping(node.value, kind), Written(self._label, str(node.line)), lever)]

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
            self._error("change", says, node, "" if table else "table")
            return []
        where, start, end = self.mapping(tree, "where"), self.text(tree, "from"), self.text(tree, "to")
        at, over = Written(self._label, str(node.line)), self._flag(tree, "over")
        rows = [(operation, cells) for operation in found for cells in self._rows(tree, operation)]
        return [Change(table, where, operation, cells, at, start, end, over) for operation, cells in rows]

    def _flag(self, tree: Mapping[str, Node], key: str) -> bool:
        text = self.text(tree, key).casefold()
        if text not in FLAGS:
            self._error("change", _("Expected yes or no."), tree[key], key)
        return FLAGS.get(text, False)

    def _rows(self, tree: Mapping[str, Node], operation: str) -> list[dict[str, str]]:
        """Values of an operation; append may have several rows, remove has none."""
        node = tree[operation]
        if operation == "remove":
            if self._flag(tree, operation):
                return [{}]
            self._error("change", _("Expected remove: true."), node, operation)
            return []
        if operation == "append" and isinstance(node.value, tuple):
            trees = [{operation: part} for part in node.value]
        else:
            trees = [{operation: node}]
        rows = [{k: self._cell(part, k) for k in part} for part in (self.pairs(t, operation) for t in trees)]
        if not any(rows):
            self._error("change", _("Expected pairs of column and value."), node, operation)
        return [row for row in rows if row]

    def _cell(self, tree: Mapping[str, Node], key: str) -> str:
        """A cell as written; a list is its parts, separated by commas."""
        node = tree[key]
        return node.value if isinstance(node.value, str) else ", ".join(self.texts(tree, key))

    def variation(self, node: Node) -> list[Variation]:
        says = _("A sweep needs a parameter, or table and column; and values, or from, to and steps.")
        if not isinstance(node.value, Mapping):
            self._error("vary", says, node)
            return []
        tree = node.value
        self.known(tree, VARY_KEYS)
        values = self.texts(tree, "values") if "values" in tree else self._range(tree, node)
        parameter, table, column = (self.text(tree, k) for k in ("parameter", "table", "column"))
        operation = self.text(tree, "operation") or "set"
        if operation not in ("set", "multiply", "add"):
            self._error(
                "vary", _("Expected one of: {choices}.").format(choices="set, multiply, add"), node, "operation"
            )
            return []
        if not values or bool(parameter) == bool(table and column):
            self._error("vary", says, node)
            return []
        change = Change(table, self.mapping(tree, "where"), operation, {}, Written(self._label, str(node.line)))
        name = self.text(tree, "name") or parameter or f"{table}.{column}"
        return [Variation(name, parameter, change, column, values)]

    def _range(self, tree: Mapping[str, Node], node: Node) -> Texts:
        """Values from one number to another in equal steps."""
        start, end, steps = (self.text(tree, k) for k in ("from", "to", "steps"))
        try:
            first, last, count = float(start), float(end), int(steps)
        except ValueError:
            return ()
        if count < 2:
            self._error("vary", _("Expected 2 steps or more."), node, "steps")
            return ()
        return tuple(f"{first + (last - first) * k / (count - 1):.12g}" for k in range(count))

    def _error(self, rule: str, says: str, node: Node, key: str = "") -> None:
        value = node.value if isinstance(node.value, str) else ""
        self._report.add_at("error", self._label, rule, says, row=str(node.line), column=key, value=value)
