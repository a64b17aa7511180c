"""What a page is made of: sections that hold texts, tiles, charts and tables, with no word of HTML in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd

from allocator.reporting.headings import HEADINGS
from allocator.texts import _

Figure = dict[str, Any]
"""A figure as Plotly takes it; a colour that begins with ``--`` is one of the page's, which knows light and dark."""

Write = Callable[[Any], str]


@dataclass(frozen=True)
class Cell:
    """A cell of a table: what is read, and what it is sorted by where that is another thing."""

    text: str
    value: float | None = None
    mark: str = ""


@dataclass(frozen=True)
class Table:
    """Rows under headings.

    Attributes
    ----------
    caption : str
    headings : tuple of str
    numeric : tuple of bool
        Which columns stand at the right.
    rows : list of tuples of Cell
    """

    kind: ClassVar[str] = "table"
    caption: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: list[tuple[Cell, ...]]


@dataclass(frozen=True)
class Chart:
    """A figure, the sentence that says what it shows, and its numbers as a table.

    Attributes
    ----------
    code : str
        Unique on the page.
    title, says : str
    figure : mapping
    height : int
        In pixels.
    table : Table
    """

    kind: ClassVar[str] = "chart"
    code: str
    title: str
    says: str
    figure: Figure
    height: int
    table: Table


@dataclass(frozen=True)
class Tiles:
    """Figures with their names; the third is a remark."""

    kind: ClassVar[str] = "tiles"
    items: list[tuple[str, str, str]]


@dataclass(frozen=True)
class Note:
    """A thing that deserves attention: a head, lines below it, and what it is (missed, met, warning, note)."""

    head: str
    lines: tuple[str, ...]
    mark: str


@dataclass(frozen=True)
class Notes:
    """Notes under a title."""

    kind: ClassVar[str] = "notes"
    title: str
    items: list[Note]


@dataclass(frozen=True)
class Facts:
    """Names and what they are, one below the other."""

    kind: ClassVar[str] = "facts"
    items: list[tuple[str, str]]


Block = Table | Chart | Tiles | Notes | Facts


@dataclass(frozen=True)
class Section:
    """A part of the page with its own heading; ``details`` are tables that open when they are asked for."""

    code: str
    title: str
    lead: tuple[str, ...] = ()
    blocks: list[Block] = field(default_factory=list)
    details: list[Table] = field(default_factory=list)


@dataclass(frozen=True)
class Page:
    """All of a page.

    Attributes
    ----------
    title, status : str
    good : bool
        Whether the status is one to be glad of.
    lines : tuple of str
        Below the title.
    sections : list of Section
    """

    title: str
    status: str
    good: bool
    lines: tuple[str, ...]
    sections: list[Section]

    @property
    def charts(self) -> list[Chart]:
        """All charts, in their order."""
        return [block for section in self.sections for block in section.blocks if isinstance(block, Chart)]


def table_of(
    caption: str,
    frame: pd.DataFrame,
    write: Mapping[str, Write] | None = None,
    headings: Mapping[str, str] | None = None,
) -> Table:
    """Return a frame as a table.

    Parameters
    ----------
    write : mapping of str to callable, optional
        How the cells of a column are written; numbers that are not named are written whole.
    headings : mapping of str to str, optional
        Headings of columns that :data:`allocator.reporting.headings.HEADINGS` does not name.
    """
    names = [str(c) for c in frame.columns]
    numeric = [pd.api.types.is_numeric_dtype(frame[c].dtype) for c in frame.columns]
    columns = []
    for name, number in zip(names, numeric, strict=True):
        how = (write or {}).get(name)
        columns.append(_numbers(frame[name], how or whole) if number else _texts(frame[name], how or str))
    said = headings or {}
    return Table(
        caption=caption,
        headings=tuple(said[n] if n in said else _(HEADINGS[n]) if n in HEADINGS else n for n in names),
        numeric=tuple(numeric),
        rows=list(zip(*columns, strict=True)),
    )


def _numbers(column: Iterable[Any], write: Write) -> list[Cell]:
    return [Cell("–") if v != v else Cell(write(v), float(v)) for v in column]


def _texts(column: Iterable[Any], write: Write) -> list[Cell]:
    return [Cell(write(v)) for v in column]


def whole(value: float) -> str:
    """Return a number without what stands behind the point."""
    return f"{value:,.0f}" if round(value) else "0"


def listed(names: Sequence[str], most: int = 8) -> str:
    """Return names one after the other, the first of many."""
    return _(", ").join(names[:most]) + (" …" if len(names) > most else "")
