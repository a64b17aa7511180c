"""The data dictionary: which tables and columns a model may have, and what each means."""

from __future__ import annotations

import csv
import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

SETTINGS = "model"
"""The one entry of the dictionary that is no table: keys and values."""


@dataclass(frozen=True)
class Column:
    """A column of a table, as the dictionary declares it.

    Attributes
    ----------
    name, type, unit, default, description : str
        ``default`` is text as a user would type it; blank is none.
    required, key : bool
    least, most : float or None
        Bounds of a number, inclusive.
    references : str
        ``table.column`` whose values this one takes; blank is free.
    choices, aliases : tuple of str
    """

    name: str
    type: str
    unit: str
    default: str
    required: bool
    key: bool
    least: float | None
    most: float | None
    references: str
    choices: tuple[str, ...]
    aliases: tuple[str, ...]
    description: str

    @property
    def whole(self) -> bool:
        """Whether the typed column is int64: an integer that is never blank."""
        return self.type == "integer" and (self.required or self.default != "")


@dataclass(frozen=True)
class Table:
    """A table and its columns, in the order of the dictionary."""

    name: str
    required: bool
    aliases: tuple[str, ...]
    description: str
    columns: Mapping[str, Column]

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that tell rows apart."""
        return tuple(c.name for c in self.columns.values() if c.key)

    def column_named(self, heading: str) -> str | None:
        """Name of the column that a heading means, in any language; None if it is none of this table's."""
        return _names(tuple((c.name, *c.aliases) for c in self.columns.values())).get(plain(heading))


@functools.cache
def dictionary() -> Mapping[str, Table]:
    """Return all tables by name, the settings (``model``) apart."""
    tables = {t.name: t for t in _entries() if t.name != SETTINGS}
    return MappingProxyType(tables)


def settings_table() -> Table:
    """Entry of the settings, which are no table: name, aliases and description."""
    return next(t for t in _entries() if t.name == SETTINGS)


@functools.cache
def _entries() -> tuple[Table, ...]:
    text = resources.files("allocator.schema").joinpath("dictionary.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    heads = [row for row in rows if not row["column"]]
    return tuple(
        Table(
            name=head["table"],
            required=head["required"] == "yes",
            aliases=_split(head["aliases"], "|"),
            description=head["description"],
            columns=MappingProxyType(
                {row["column"]: _column(row) for row in rows if row["table"] == head["table"] and row["column"]}
            ),
        )
        for head in heads
    )


def _column(row: Mapping[str, str]) -> Column:
    return Column(
        name=row["column"],
        type=row["type"],
        unit=row["unit"],
        default=row["default"],
        required=row["required"] == "yes",
        key=row["key"] == "yes",
        least=float(row["least"]) if row["least"] else None,
        most=float(row["most"]) if row["most"] else None,
        references=row["references"],
        choices=_split(row["choices"], " "),
        aliases=_split(row["aliases"], "|"),
        description=row["description"],
    )


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(separator) if part)


def table_named(name: str) -> str | None:
    """Name of the table (or ``model``) that a sheet's or file's name means; None if it is none."""
    return _names(tuple((t.name, *t.aliases) for t in _entries())).get(plain(name))


@functools.cache
def _names(spellings: tuple[tuple[str, ...], ...]) -> Mapping[str, str]:
    return MappingProxyType({plain(s): names[0] for names in spellings for s in names})


@functools.lru_cache(maxsize=4096)
def plain(heading: str) -> str:
    """Fold what does not matter in a heading: case, width, blanks and hyphens."""
    folded = unicodedata.normalize("NFKC", heading).strip().casefold()
    return "_".join(folded.replace("-", " ").replace("_", " ").split())
