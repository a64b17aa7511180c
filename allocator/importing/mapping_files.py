"""Mapping files: what the tables and headings of a CRM system's export are called, as YAML that anybody can copy and change."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from allocator.errors import Finding, InputError
from allocator.importing.mapping import ENGAGING, LOST, PROSPECTING, USUAL, WON, CrmMapping, SheetMapping
from allocator.schema.files import decode
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.yaml_tree import Node, read_tree
from allocator.texts import _

STAGES = (PROSPECTING, ENGAGING, WON, LOST)
ORDERS = ("mdy", "dmy", "ymd")
NUMBERS = ("rounding", "margin", "growth")
SETTINGS = ("country", "currency", "money_unit", *NUMBERS)
KEYS = ("title", "dates", "sheets", "stages", "settings")


def shipped_mappings() -> tuple[str, ...]:
    """Names of the mappings that ship."""
    folder = resources.files("allocator.importing").joinpath("mappings")
    return tuple(sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml")))


@functools.cache
def shipped_mapping(name: str) -> CrmMapping:
    """One of them."""
    folder = resources.files("allocator.importing").joinpath("mappings")
    return parse_mapping(folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8"), f"{name}.yaml")


def known_mappings() -> Iterator[CrmMapping]:
    """The usual mapping, then those that ship."""
    yield USUAL
    for name in shipped_mappings():
        yield shipped_mapping(name)


def find_mapping(text: str) -> CrmMapping:
    """Find a mapping by what a user calls it: a file, or the name of one that ships.

    Raises
    ------
    InputError
        If there is none, or the file is none.
    """
    if Path(text).is_file():
        report = Report()
        content = decode(Path(text).read_bytes(), Path(text).name, report)
        if content is None:
            raise InputError(report.findings())
        return parse_mapping(content, Path(text).name)
    if text in shipped_mappings():
        return shipped_mapping(text)
    says = _("There is no such file, and no shipped mapping of that name. Shipped: {names}.")
    names = _(", ").join(shipped_mappings())
    raise InputError([Finding("error", text, "", "", "", "mapping", text + _(": ") + says.format(names=names))])


def parse_mapping(text: str, label: str) -> CrmMapping:
    """Read a mapping.

    Raises
    ------
    InputError
        With all that is wrong in it, each with its line.
    """
    report = Report()
    tree = read_tree(text, label, report, _("The file is empty. It needs sheets and stages."))
    mapping = None if tree is None else _Reader(label, report).mapping(tree)
    if report or mapping is None:
        raise InputError(report.findings())
    return mapping


class _Reader:
    """Takes a tree apart; what is wrong goes to a report."""

    def __init__(self, label: str, report: Report) -> None:
        self._label, self._report = label, report

    def mapping(self, tree: Mapping[str, Node]) -> CrmMapping:
        self._check(tree, KEYS, ("sheets", "stages"), 1)
        sheets = self._branch(tree, "sheets")
        self._check(sheets, tuple(USUAL.sheets), tuple(USUAL.sheets), _line(tree, "sheets"))
        dates = self._text(tree, "dates")
        if dates not in ("", *ORDERS):
            self._wrong(
                _line(tree, "dates"), "dates", _("Expected one of: {choices}.").format(choices=", ".join(ORDERS))
            )
        stages = self._branch(tree, "stages")
        self._check(stages, STAGES, (WON, LOST), _line(tree, "stages"))
        return CrmMapping(
            sheets=MappingProxyType(
                {
                    n: self._sheet(n, self._branch(sheets, n), node.line)
                    for n, node in sheets.items()
                    if n in USUAL.sheets
                }
            ),
            stages=MappingProxyType({name: self._list(stages, name) for name in STAGES}),
            title=self._text(tree, "title") or self._label.removesuffix(".yaml"),
            dates="" if dates == "ymd" else dates,
            settings=MappingProxyType(self._settings(self._branch(tree, "settings"), _line(tree, "settings"))),
        )

    def _sheet(self, name: str, branch: Mapping[str, Node], line: int) -> SheetMapping:
        self._check(branch, ("files", "headings"), ("files", "headings"), line)
        headings, usual = self._branch(branch, "headings"), USUAL.sheets[name]
        self._check(headings, tuple(usual.headings), usual.required, _line(branch, "headings"))
        files = self._list(branch, "files")
        return SheetMapping(files, {field: self._list(headings, field) for field in usual.headings}, usual.required)

    def _settings(self, branch: Mapping[str, Node], line: int) -> dict[str, str | float]:
        self._check(branch, SETTINGS, (), line)
        found: dict[str, str | float] = {}
        for key in branch:
            text = self._text(branch, key)
            if key not in NUMBERS:
                found[key] = text
                continue
            try:
                found[key] = float(text)
            except ValueError:
                self._wrong(_line(branch, key), key, _("Expected a number, such as 12.5."))
        return found

    def _check(self, tree: Mapping[str, Node], known: tuple[str, ...], needed: tuple[str, ...], line: int) -> None:
        for key, node in tree.items():
            if key not in known:
                says = _("Unknown word. Expected one of: {choices}.").format(choices=", ".join(known))
                self._wrong(node.line, key, says + did_you_mean(key, known))
        for key in needed:
            if key not in tree:
                self._wrong(line, key, _("It is missing here."))

    def _branch(self, tree: Mapping[str, Node], key: str) -> Mapping[str, Node]:
        node = tree.get(key)
        if node is None or node.value == "":
            return {}
        if isinstance(node.value, Mapping):
            return node.value
        self._wrong(node.line, key, _("Expected lines of key: value."))
        return {}

    def _text(self, tree: Mapping[str, Node], key: str) -> str:
        node = tree.get(key)
        if node is None or isinstance(node.value, str):
            return "" if node is None else str(node.value)
        self._wrong(node.line, key, _("Expected one value."))
        return ""

    def _list(self, tree: Mapping[str, Node], key: str) -> tuple[str, ...]:
        node = tree.get(key)
        if node is None:
            return ()
        if isinstance(node.value, str):
            return (node.value,) if node.value else ()
        if isinstance(node.value, tuple) and all(isinstance(item.value, str) for item in node.value):
            return tuple(str(item.value) for item in node.value if item.value)
        self._wrong(node.line, key, _("Expected a list of plain values."))
        return ()

    def _wrong(self, line: int, key: str, says: str) -> None:
        self._report.add_at("error", self._label, "mapping", says, row=str(line), column=key)


def _line(tree: Mapping[str, Node], key: str) -> int:
    return tree[key].line if key in tree else 1
