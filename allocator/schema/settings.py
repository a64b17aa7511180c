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
from allocator.schema.yaml_tree import Node, Refused, read_tree
from allocator.scopes import split_codes
from allocator.texts import _

_LISTS = {"goals"}


@dataclass(frozen=True)
class Entry:
    """A setting as written: text or list of texts, and the row it stands in."""

    value: str | tuple[str, ...]
    row: str


Entries = Mapping[str, Entry]
"""Settings by dotted key, such as ``fairness.band``."""


def read_yaml(text: str, label: str, report: Report) -> Entries | None:
    """Read settings as texts with their lines; None where they are refused."""
    empty = _("The file is empty. It needs at least start: 2026-01.")
    tree = read_tree(text, label, report, empty)
    if tree is None:
        return None
    entries: dict[str, Entry] = {}
    try:
        _flatten(tree, "", entries)
    except Refused as refused:
        report.add_at("error", label, refused.rule, refused.says, row=str(refused.line))
        return None
    return entries


def _flatten(tree: Mapping[str, Node], prefix: str, entries: dict[str, Entry]) -> None:
    for word, node in tree.items():
        key = f"{prefix}{word}"
        if key in entries:
            raise Refused("duplicate", _("{key} is there twice. Keep one of them.").format(key=key), node.line)
        if isinstance(node.value, Mapping):
            _flatten(node.value, f"{key}.", entries)
        elif isinstance(node.value, str):
            entries[key] = Entry(node.value, str(node.line))
        else:
            odd = [item.line for item in node.value if not isinstance(item.value, str)]
            if odd:
                raise Refused("yaml", _("Expected a list of plain values."), odd[0])
            entries[key] = Entry(tuple(str(item.value) for item in node.value), str(node.line))


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
    if _has_holidays(settings.country):
        return True
    entry = entries.get("country", Entry("", ""))
    says = _("Unknown country. Expected a code of two letters, such as CN.")
    report.add_at("error", label, "setting", says, row=entry.row, column="country", value=settings.country)
    return False


def _has_holidays(country: str) -> bool:
    if len(country) != 2:  # the list reads every country's module
        return country in holidays.list_supported_countries(include_aliases=True)
    try:
        holidays.country_holidays(country)
    except NotImplementedError:
        return False
    return True


def write_yaml(settings: Settings) -> str:
    """Return the text of ``model.yaml``: what differs from the defaults, the start, and a language that was chosen."""
    return yaml.safe_dump(_told(settings), allow_unicode=True, sort_keys=False)


def setting_rows(settings: Settings) -> list[tuple[str, str]]:
    """Return the same as rows of key and value."""
    return list(_flat(_told(settings), ""))


def _told(settings: Settings) -> dict[str, Any]:
    """What differs from the defaults; a chosen language also where it is the default, as else the environment's holds."""
    content = settings.model_dump(mode="json", exclude_defaults=True)
    return content | ({"language": settings.language} if "language" in settings.model_fields_set else {})


def all_setting_rows(settings: Settings) -> list[tuple[str, str]]:
    """Return the same of every setting that is one value, usual ones included."""
    return list(_flat(settings.model_dump(mode="json"), ""))


def _flat(content: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in content.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", " ".join(value) if isinstance(value, list) else str(value)
