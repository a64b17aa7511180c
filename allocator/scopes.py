"""Scopes: ``key=value`` filters such as ``unit=East; class=star, cow``. A table cell, not a language."""

from __future__ import annotations

import re

Scope = dict[str, tuple[str, ...]]


def split_codes(text: str) -> tuple[str, ...]:
    """Split a list of codes at commas, semicolons, Chinese separators or blanks."""
    return tuple(p for p in re.split(r"[\s,;，；、]+", text.strip()) if p)


def parse_scope(text: str) -> Scope:
    """Parse a scope.

    Parts are separated by ``;``, alternatives of a value by ``,``.

    Raises
    ------
    ValueError
        If a part is not ``key=value`` or a key occurs twice.
    """
    scope: Scope = {}
    for part in re.split(r"[;；]", text):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        values = tuple(v.strip() for v in re.split(r"[,，、]", value) if v.strip())
        key = key.strip()
        if not equals or not key or not values or key in scope:
            raise ValueError(part.strip())
        scope[key] = values
    return scope


def parse_share_of(text: str) -> tuple[str, Scope]:
    """Parse ``metric`` or ``metric: key=value; …`` into the metric and its own scope."""
    metric, _, scope = text.replace("：", ":").partition(":")
    return metric.strip(), parse_scope(scope)
