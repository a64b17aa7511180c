"""A batch file, read: all mistakes are findings with file and line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from allocator.batches.batch import (
    BASE,
    OPTIONS,
    REVIEWING,
    TABLES,
    Batch,
    Exclusion,
    Options,
    Request,
    Reviewing,
    ScopedRule,
    Word,
)
from allocator.batches.rules import parse_rule
from allocator.engines import engine
from allocator.errors import EngineError, InputError
from allocator.schema.files import decode, read_bytes
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.parsing import read_date
from allocator.schema.yaml_tree import Node, read_tree
from allocator.texts import LANGUAGES, _, after

KEYS = ("title", "language", "format", "models", "scenarios", "options", "exclude", "cases", "rules", "tables")
CASE_KEYS = ("name", "model", "scenario", "rules", *REVIEWING, *OPTIONS)
RULE_KEYS = ("rule", "models", "scenarios", "cases")
EXCLUDE_KEYS = ("model", "scenario", *OPTIONS)
FLAGS = {"yes": True, "true": True, "是": True, "no": False, "false": False, "否": False}
FORMATS = {"parquet": True, "csv": False}
EXAMPLE = "revenue at least 0.97 of base"

T = TypeVar("T")
Tree = Mapping[str, Node]


def read_batch(file: Path, report: Report) -> Batch:
    """Read a batch file.

    Raises
    ------
    InputError
        If the file cannot be understood at all; what is wrong with parts of it goes to ``report``.
    """
    data = read_bytes(file, report)
    text = None if data is None else decode(data, file.name, report)
    empty = _("The file is empty. It needs models, or cases.")
    tree = None if text is None else read_tree(text, file.name, report, empty)
    if tree is None:
        raise InputError(report.findings())
    return _Reader(file.name, report).batch(tree, file.stem)


class _Reader:
    """Reads nodes as what they should be; findings for what they are not."""

    def __init__(self, label: str, report: Report) -> None:
        self._label, self._report = label, report

    def batch(self, tree: Tree, name: str) -> Batch:
        self._known(tree, KEYS)
        if not tree.keys() & {"models", "cases"}:
            self._error("batch", _("A batch needs models, or cases."), "1", "")
        language = self._choice(tree, "language", {"": "", **{code: code for code in LANGUAGES}}, "")
        return Batch(
            name=name,
            label=self._label,
            title=self._text(tree, "title").text,
            language=language,
            parquet=self._choice(tree, "format", FORMATS, True),
            models=self._different(self._words(tree, "models")),
            scenarios=self._different(self._scenarios(tree)),
            options=self._crossing(tree),
            exclude=tuple(e for k, node in self._items(tree, "exclude") for e in self._exclusion(node, k)),
            requests=tuple(r for k, node in self._items(tree, "cases") for r in self._request(node, k)),
            rules=self._rules(tree, "rules"),
            tables=self._tables(tree),
        )

    def _known(self, tree: Tree, keys: Sequence[str], within: str = "") -> None:
        for key, node in tree.items():
            if key not in keys:
                known = did_you_mean(key, keys) or after(_("There are: {names}.").format(names=", ".join(keys)))
                self._error("key", _("Unknown key.") + known, str(node.line), f"{within}{key}")

    def _scenarios(self, tree: Tree) -> tuple[Word, ...]:
        if "scenarios" not in tree:
            return (Word(BASE, "1", "scenarios"),)
        found = self._words(tree, "scenarios")
        if not found:
            says = _("No scenario is named. Write base for the model as it is.")
            self._error("scenario", says, str(tree["scenarios"].line), "scenarios")
        return tuple(self._together(word) for word in found)

    def _together(self, word: Word) -> Word:
        """Scenarios that hold together, without blanks around the signs between them."""
        names = [name.strip() for name in word.text.split("+")]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            self._error("scenario", _("{name} is named twice.").format(name=twice[0]), word.row, word.column, word.text)
        elif len(names) > 1 and ("" in names or BASE in names or "all" in names):
            says = _("Scenarios that hold together are names joined by +, such as {example}.")
            self._error("scenario", says.format(example="a+b"), word.row, word.column, word.text)
        return Word("+".join(names), word.row, word.column)

    def _different(self, words: tuple[Word, ...]) -> tuple[Word, ...]:
        seen: dict[str, Word] = {}
        for word in words:
            if word.text in seen:
                says = _("{name} is there twice. Keep one of them.").format(name=word.text)
                self._error("duplicate", says, word.row, word.column, word.text)
            seen.setdefault(word.text, word)
        return tuple(seen.values())

    def _crossing(self, tree: Tree) -> tuple[Options, ...]:
        inside = self._pairs(tree, "options")
        self._known(inside, OPTIONS, "options.")
        read = {key: self._different(self._words(inside, key, "options.")) for key in OPTIONS if key in inside}
        values = {key: [self._option(key, word) for word in words] or [None] for key, words in read.items()}
        crossed = itertools.product(*values.values())
        return tuple(_options(dict(zip(values, one, strict=True))) for one in crossed)

    def _option(self, key: str, word: Word) -> object:
        """Value of an option; None where it is not understood."""
        if key in ("strict", "visits"):
            if word.text.casefold() in FLAGS:
                return FLAGS[word.text.casefold()]
            says = _("Expected yes or no.")
        elif key == "seconds":
            seconds = _number(word.text)
            if seconds > 0:
                return seconds
            says = _("a number of seconds above 0 is expected")
        else:
            try:
                engine(word.text)
                return word.text
            except EngineError as error:
                says = str(error) + did_you_mean(word.text, ("ortools", "highs", "pulp"))
        self._error("option", says, word.row, word.column, word.text)
        return None

    def _exclusion(self, node: Node, k: int) -> list[Exclusion]:
        column = f"exclude[{k}]"
        tree = self._mapping(node, column, "{model: telecom, scenario: price_war}")
        if not tree:
            return []
        self._known(tree, EXCLUDE_KEYS, f"{column}.")
        options = self._single_options(tree, f"{column}.")
        models = self._words(tree, "model", f"{column}.")
        scenarios = tuple(self._together(w) for w in self._words(tree, "scenario", f"{column}."))
        return [Exclusion(models, scenarios, options, str(node.line), column)]

    def _request(self, node: Node, k: int) -> list[Request]:
        column = f"cases[{k}]"
        tree = self._mapping(node, column, "{name: tight, model: telecom, scenario: price_war, strict: yes}")
        if not tree:
            return []
        self._known(tree, CASE_KEYS, f"{column}.")
        model = self._text(tree, "model", f"{column}.")
        if not model.text:
            self._error("case", _("A case needs a model."), str(node.line), f"{column}.model")
            return []
        scenario = self._together(self._text(tree, "scenario", f"{column}."))
        scenario = Word("", scenario.row, scenario.column) if scenario.text == BASE else scenario
        name = self._text(tree, "name", f"{column}.")
        options = _options(self._single_options(tree, f"{column}."))
        rules = self._rules(tree, "rules", f"{column}.")
        review = self._review(tree, f"{column}.", str(node.line))
        return [Request(name if name.text else None, model, scenario, options, rules, review)]

    def _review(self, tree: Tree, within: str, row: str) -> Reviewing | None:
        """What a case reviews; both the day and the plan in force are needed."""
        found = {key: self._text(tree, key, within) for key in REVIEWING}
        if not any(word.text for word in found.values()):
            return None
        day, plan = found["as_of"], found["plan"]
        try:
            read_date(day.text)
        except ValueError:
            says = _("A review needs a day, such as as_of: 2026-03-31.")
            self._error("date", says, day.row or row, day.column, day.text)
        for word in (plan, found["actuals"]):
            if word.text and not Path(word.text).exists():
                self._error("place", _("There is no such file or folder."), word.row, word.column, word.text)
        if not plan.text:
            self._error("case", _("A review needs the run in force, such as plan: runs/telecom."), row, plan.column)
        return Reviewing(found["actuals"].text, day.text, plan.text)

    def _single_options(self, tree: Tree, within: str) -> dict[str, object]:
        """Options that a mapping sets, one value each."""
        found: dict[str, object] = {}
        for key in OPTIONS:
            if key in tree and (word := self._text(tree, key, within)).text:
                found[key] = self._option(key, word)
        return found

    def _rules(self, tree: Tree, key: str, within: str = "") -> tuple[ScopedRule, ...]:
        return tuple(r for k, node in self._items(tree, key, within) for r in self._rule(node, f"{within}{key}[{k}]"))

    def _rule(self, node: Node, column: str) -> list[ScopedRule]:
        row, tree = str(node.line), {"rule": node} if isinstance(node.value, str) else node.value
        if not isinstance(tree, Mapping):
            self._error("rule", _("Expected a rule such as {example}.").format(example=EXAMPLE), row, column)
            return []
        self._known(tree, RULE_KEYS, f"{column}.")
        text = self._text(tree, "rule", f"{column}.").text
        rule = parse_rule(text)
        scope = {key: self._words(tree, key, f"{column}.") for key in RULE_KEYS[1:]}
        if isinstance(rule, str):
            self._error("rule", rule, row, column, text)
            return []
        scenarios = tuple(self._together(word) for word in scope["scenarios"])
        return [ScopedRule(rule, text, row, column, scope["models"], scenarios, scope["cases"])]

    def _tables(self, tree: Tree) -> tuple[str, ...]:
        words = self._different(self._words(tree, "tables"))
        for word in words:
            if word.text not in TABLES:
                says = _("There is no table of this name.") + did_you_mean(word.text, TABLES)
                self._error("table", says, word.row, word.column, word.text)
        return tuple(word.text for word in words)

    def _choice(self, tree: Tree, key: str, choices: Mapping[str, T], default: T) -> T:
        word = self._text(tree, key)
        if not word.text:
            return default
        if word.text.casefold() in choices:
            return choices[word.text.casefold()]
        known = ", ".join(filter(None, choices))
        says = _("Expected one of: {choices}.").format(choices=known) + did_you_mean(word.text, choices)
        self._error("choice", says, word.row, key, word.text)
        return default

    def _text(self, tree: Tree, key: str, within: str = "") -> Word:
        node = tree.get(key)
        if node is None:
            return Word("", "", f"{within}{key}")
        if not isinstance(node.value, str):
            self._error("text", _("Expected a plain value."), str(node.line), f"{within}{key}")
            return Word("", str(node.line), f"{within}{key}")
        return Word(node.value, str(node.line), f"{within}{key}")

    def _words(self, tree: Tree, key: str, within: str = "") -> tuple[Word, ...]:
        """A plain value, or a list of them."""
        node, column = tree.get(key), f"{within}{key}"
        if node is None or node.value == "":
            return ()
        if isinstance(node.value, str):
            parts = [part.strip() for part in node.value.split(",")]
            return tuple(Word(part, str(node.line), column) for part in parts if part)
        if isinstance(node.value, tuple):
            found = []
            for k, item in enumerate(node.value, 1):
                if isinstance(item.value, str) and item.value:
                    found.append(Word(item.value, str(item.line), f"{column}[{k}]"))
                else:
                    self._error("text", _("Expected a plain value."), str(item.line), f"{column}[{k}]")
            return tuple(found)
        self._error("list", _("Expected a plain value or a list of them."), str(node.line), column)
        return ()

    def _items(self, tree: Tree, key: str, within: str = "") -> Iterable[tuple[int, Node]]:
        node = tree.get(key)
        if node is None or node.value == "":
            return ()
        if not isinstance(node.value, tuple):
            says = _("Expected a list: lines that begin with a dash.")
            self._error("list", says, str(node.line), f"{within}{key}")
            return ()
        return enumerate(node.value, 1)

    def _pairs(self, tree: Tree, key: str) -> Tree:
        node = tree.get(key)
        return {} if node is None or node.value == "" else self._mapping(node, key, "{strict: [yes, no]}")

    def _mapping(self, node: Node, column: str, example: str) -> Tree:
        if isinstance(node.value, Mapping):
            return node.value
        self._error("mapping", _("Expected pairs, such as {example}.").format(example=example), str(node.line), column)
        return {}

    def _error(self, rule: str, says: str, row: str, column: str, value: str = "") -> None:
        self._report.add_at("error", self._label, rule, says, row=row, column=column, value=value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _options(values: Mapping[str, object]) -> Options:
    return Options(**{k: v for k, v in values.items() if v is not None})  # type: ignore[arg-type]
