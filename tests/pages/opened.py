"""A report read as a browser would: its elements, its tables, its figures."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import plotly.graph_objects as go

VOID = ("meta", "link", "input", "br", "hr", "img")


@dataclass
class Opened(HTMLParser):
    """The elements of a page with their attributes, the rows of its tables by caption, and its texts."""

    text: str
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    tables: dict[str, list[list[str]]] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self._caption = ""
        self.feed(self.text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element, and begin what it begins."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "table":
            self._rows, self._caption = [], ""
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
        elif tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        """End the innermost element, which must be this one."""
        assert self._open.pop() == tag
        if tag == "table":
            self.tables[self._caption] = self._rows

    def handle_data(self, data: str) -> None:
        """Keep a text where it stands."""
        inside = self._open[-1] if self._open else ""
        if inside in ("td", "th"):
            self._rows[-1][-1] += data
        elif inside == "caption":
            self._caption += data
        elif inside == "script":
            self.scripts[-1] += data
        if inside not in ("script", "style"):
            self.words.append(data.strip())

    @property
    def figures(self) -> dict[str, dict[str, Any]]:
        """Figures by their code, as the page's script reads them."""
        return dict(json.loads(next(s for s in self.scripts if s.startswith("{"))))


def checked(figure: dict[str, Any]) -> go.Figure:
    """Return a figure that Plotly's own schema has checked, with real colours for the page's names."""

    def real(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("--"):
            return "#123456"
        if isinstance(value, list):
            return [real(v) for v in value]
        if isinstance(value, dict):
            return {k: real(v) for k, v in value.items()}
        return value

    return go.Figure(real({k: v for k, v in figure.items() if k in ("data", "layout")}))
