"""YAML as texts with their lines: nothing is built from it, so nothing can be smuggled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from allocator.schema.findings import Report
from allocator.texts import _

DEEPEST = 8


@dataclass(frozen=True)
class Node:
    """A text, a list or a mapping, and the line in which it begins.

    Attributes
    ----------
    value : str, tuple of Node, or mapping of str to Node
    line : int
    """

    value: str | tuple[Node, ...] | Mapping[str, Node]
    line: int


class Refused(Exception):
    """What a YAML text may not hold."""

    def __init__(self, rule: str, says: str, line: int) -> None:
        super().__init__(says)
        self.rule, self.says, self.line = rule, says, line


def read_tree(text: str, label: str, report: Report, empty: str) -> Mapping[str, Node] | None:
    """Read a YAML mapping; None where it is refused.

    Anchors, aliases, tags and double keys have no place here, so none is ever expanded or built.

    Parameters
    ----------
    empty : str
        What to say of an empty file.
    """
    try:
        return _Composer(list(yaml.parse(text, Loader=yaml.SafeLoader))).document(empty)
    except Refused as refused:
        report.add_at("error", label, refused.rule, refused.says, row=str(refused.line))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = "" if mark is None else str(mark.line + 1)
        report.add_at("error", label, "yaml", _("This is not YAML: {reason}.").format(reason=error.problem), row=line)
    except yaml.reader.ReaderError as error:
        row = str(text.count("\n", 0, error.position) + 1)
        report.add_at("error", label, "yaml", _("A character stands here that YAML does not allow."), row=row)
    return None


class _Composer:
    """Walks parser events once."""

    def __init__(self, events: list[yaml.Event]) -> None:
        self._events = iter(events)

    def document(self, empty: str) -> Mapping[str, Node]:
        next(self._events)  # start of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise Refused("empty", empty, 1)
        event = self._next()
        if not isinstance(event, yaml.MappingStartEvent):
            raise Refused("yaml", _("Expected lines of key: value."), _line(event))
        tree = self._mapping(1)
        self._next()  # end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise Refused("yaml", _("Expected one document; delete the lines from --- on."), _line(event))
        return tree

    def _next(self) -> yaml.Event:
        event = next(self._events)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Refused("alias", _("Anchors (&) and aliases (*) are not allowed. Write the value out."), _line(event))
        if getattr(event, "tag", None):
            says = _("Tags ({tag}) are not allowed. Write a plain value.").format(tag=event.tag)  # type: ignore[attr-defined]
            raise Refused("tag", says, _line(event))
        return event

    def _mapping(self, depth: int) -> Mapping[str, Node]:
        found: dict[str, Node] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise Refused("yaml", _("Expected a word before the colon."), _line(event))
            key = event.value.strip()
            if key in found:
                says = _("{key} is there twice. Keep one of them.").format(key=key)
                raise Refused("duplicate", says, _line(event))
            found[key] = self._node(self._next(), depth)
        return found

    def _node(self, event: yaml.Event, depth: int) -> Node:
        line = _line(event)
        if depth > DEEPEST:
            raise Refused("yaml", _("The values are nested too deep."), line)
        if isinstance(event, yaml.MappingStartEvent):
            return Node(self._mapping(depth + 1), line)
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(item := self._next(), yaml.SequenceEndEvent):
                items.append(self._node(item, depth + 1))
            return Node(tuple(items), line)
        assert isinstance(event, yaml.ScalarEvent)
        blank = event.style is None and event.value in {"", "~", "null"}
        return Node("" if blank else event.value.strip(), line)


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else int(event.start_mark.line) + 1
