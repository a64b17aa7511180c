"""Settings: ``model.yaml`` or rows of key and value, checked by pydantic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import holidays
import yaml
from pydantic import BaseModel, ValidationError

from allocator.model import Settings
from allocator.schema.findings import Report, did_you_mean
from allocator.scopes import split_codes
from allocator.texts import _

DEEPEST = 8
_LISTS = {"goals"}


@dataclass(frozen=True)
class Entry:
    """A setting as written: text or list of texts, and the row it stands in."""

    value: str | tuple[str, ...]
    row: str


Entries = Mapping[str, Entry]
"""Settings by dotted key, such as ``fairness.band``."""


class _Refused(Exception):
    def __init__(self, rule: str, says: str, line: int) -> None:
        super().__init__(says)
        self.rule, self.says, self.line = rule, says, line


def read_yaml(text: str, label: str, report: Report) -> Entries | None:
    """Read a YAML mapping as texts with their lines; None where it is refused.

    Anchors, aliases, tags, lists of lists and double keys have no place in settings, so none is ever expanded or built.
    """
    try:
        events = list(yaml.parse(text, Loader=yaml.SafeLoader))
        return _Composer(events).document()
    except _Refused as refused:
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
    """Walks parser events once; builds nothing but texts."""

    def __init__(self, events: list[yaml.Event]) -> None:
        self._events = iter(events)
        self.entries: dict[str, Entry] = {}

    def document(self) -> Entries:
        next(self._events)  # start of the stream
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            raise _Refused("empty", _("The file is empty. It needs at least start: 2026-01."), 1)
        event = self._next()
        if not isinstance(event, yaml.MappingStartEvent):
            raise _Refused("yaml", _("Expected lines of key: value."), _line(event))
        self._mapping("", 1, event)
        self._next()  # end of the document
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise _Refused("yaml", _("Expected one document; delete the lines from --- on."), _line(event))
        return self.entries

    def _next(self) -> yaml.Event:
        event = next(self._events)
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused(
                "alias", _("Anchors (&) and aliases (*) are not allowed. Write the value out."), _line(event)
            )
        if getattr(event, "tag", None):
            says = _("Tags ({tag}) are not allowed. Write a plain value.").format(tag=event.tag)  # type: ignore[attr-defined]
            raise _Refused("tag", says, _line(event))
        return event

    def _mapping(self, prefix: str, depth: int, start: yaml.Event) -> None:
        seen = set()
        if depth > DEEPEST:
            raise _Refused("yaml", _("The values are nested too deep."), _line(start))
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _Refused("yaml", _("Expected a word before the colon."), _line(event))
            key = f"{prefix}{event.value.strip()}"
            if key in seen or key in self.entries:
                says = _("{key} is there twice. Keep one of them.").format(key=key)
                raise _Refused("duplicate", says, _line(event))
            seen.add(key)
            self._value(key, depth)

    def _value(self, key: str, depth: int) -> None:
        event = self._next()
        row = str(_line(event))
        if isinstance(event, yaml.MappingStartEvent):
            self._mapping(f"{key}.", depth + 1, event)
        elif isinstance(event, yaml.SequenceStartEvent):
            values = []
            while not isinstance(item := self._next(), yaml.SequenceEndEvent):
                if not isinstance(item, yaml.ScalarEvent):
                    raise _Refused("yaml", _("Expected a list of plain values."), _line(item))
                values.append(item.value)
            self.entries[key] = Entry(tuple(values), row)
        elif isinstance(event, yaml.ScalarEvent):
            blank = event.style is None and event.value in {"", "~", "null"}
            self.entries[key] = Entry("" if blank else event.value.strip(), row)


def _line(event: yaml.Event) -> int:
    return 1 if event.start_mark is None else int(event.start_mark.line) + 1


def make_settings(entries: Entries, label: str, report: Report) -> Settings | None:
    """Check settings; what pydantic refuses becomes findings with their rows."""
    nested: dict[str, Any] = {}
    report.settings_label = label
    report.settings = {key: (label, entry.row) for key, entry in entries.items()}
    for key, entry in entries.items():
        if (
            key != "title"
            and isinstance(entry.value, str)
            and re.fullmatch(r"[+-]?\.?(nan|inf|infinity)", entry.value.casefold())
        ):
            report.add_at(
                "error", label, "nan", _("This is not a number."), row=entry.row, column=key, value=entry.value
            )
        if entry.value == "":
            continue
        *parents, last = _parts(key)
        at = nested
        for parent in parents:
            at = at.setdefault(parent, {})
            if not isinstance(at, dict):
                break
        else:
            text = isinstance(entry.value, str) and key in _LISTS
            at[last] = split_codes(str(entry.value)) if text else entry.value
            continue
        says = _("{key} has a value and keys below it. Keep one of them.").format(key=parent)
        report.add_at("error", label, "setting", says, row=entry.row, column=key)
    try:
        settings = Settings.model_validate(nested)
    except ValidationError as error:
        for problem in error.errors():
            _pydantic_finding(problem, entries, label, report)
        return None
    return settings if _country_known(settings, entries, label, report) else None


def _parts(key: str) -> list[str]:
    """Split a dotted key; names of kinds and grades may have dots of their own."""
    first = key.split(".")[0]
    return key.split(".", 1 if first == "hedge" else 2) if first in Settings.model_fields else [key]


def _pydantic_finding(problem: Mapping[str, Any], entries: Entries, label: str, report: Report) -> None:
    location = [str(part) for part in problem["loc"]]
    key = ".".join(location)
    candidates = [k for k in entries if k == key or k.startswith(f"{key}.") or key.startswith(f"{k}.")]
    entry = entries[candidates[0]] if candidates else Entry("", "")
    if problem["type"] == "missing":
        says = _("The setting {key} is missing, such as start: 2026-01.").format(key=key)
        report.add_at("error", label, "required", says, column=key)
    elif problem["type"] == "extra_forbidden":
        says = _("Unknown setting.") + did_you_mean(location[-1], _known_keys(location))
        report.add_at("error", label, "setting", says, row=entry.row, column=key, value=entry.value)
    else:
        says = _("Not accepted: {reason}.").format(reason=str(problem["msg"]).rstrip("."))
        if "pattern" in problem["type"]:
            says = _("Expected a month, such as 2026-01.")
        report.add_at("error", label, "setting", says, row=entry.row, column=key, value=entry.value)


def _known_keys(location: list[str]) -> list[str]:
    model: type[BaseModel] = Settings
    for part in location[:-1]:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _country_known(settings: Settings, entries: Entries, label: str, report: Report) -> bool:
    known = holidays.list_supported_countries(include_aliases=True)
    if settings.country in known:
        return True
    entry = entries.get("country", Entry("", ""))
    says = _("Unknown country. Expected a code of two letters, such as CN.")
    report.add_at("error", label, "setting", says, row=entry.row, column="country", value=settings.country)
    return False


def write_yaml(settings: Settings) -> str:
    """Return the text of ``model.yaml``: what differs from the defaults, and the start."""
    content = settings.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def setting_rows(settings: Settings) -> list[tuple[str, str]]:
    """Return the same as rows of key and value."""
    return list(_flat(settings.model_dump(mode="json", exclude_defaults=True), ""))


def _flat(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", " ".join(value) if isinstance(value, list) else str(value)
