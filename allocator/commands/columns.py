"""The command ``schema``: the data dictionary."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from allocator.commands.common import Command, Session, show
from allocator.errors import Finding, InputError
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.schema.dictionary import Column, Table


def schema_command() -> click.Command:
    """Build ``allocator schema``."""
    short = _("Show the tables that a model may have, or the columns of one.")
    return Command("schema", _schema, short, "", [click.Argument(["table"], required=False)])


def _schema(session: Session, table: str | None) -> None:
    from allocator.schema.dictionary import dictionary, table_named

    tables = dictionary()
    if table is None:
        if not session.json:
            _show_tables(list(tables.values()))
        session.answer([_for_json(t) for t in tables.values()])
        return
    name = table_named(table)
    if name is None or name not in tables:
        says = _("There is no table {name}. Tables: {tables}.").format(name=table, tables=", ".join(tables))
        raise InputError([Finding("error", table, "", "", "", "table", says)])
    if not session.json:
        _show_columns(tables[name])
    session.answer(_for_json(tables[name]))


def _for_json(table: Table) -> dict[str, Any]:
    columns = [asdict(c) for c in table.columns.values()]
    return {"table": table.name, "required": table.required, "description": table.description, "columns": columns}


def _show_tables(tables: list[Table]) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    grid.add_column(_("table"), no_wrap=True)
    grid.add_column("")
    grid.add_column(_("one row is"), overflow="fold")
    for table in tables:
        grid.add_row(
            Text(_names(table.name, table.aliases)), _("required") if table.required else "", _(table.description)
        )
    show(grid, Text("\n" + _("Columns of one: {command}").format(command="allocator schema clients")))


def _show_columns(table: Table) -> None:
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for heading in (_("column"), _("content"), _("means")):
        grid.add_column(heading, overflow="fold")
    for column in table.columns.values():
        grid.add_row(Text(_names(column.name, column.aliases)), Text(_content(column)), Text(_(column.description)))
    show(Text(f"{_names(table.name, table.aliases)}: {_(table.description)}\n", style="bold"), grid)


def _names(name: str, aliases: tuple[str, ...]) -> str:
    from allocator.texts import current_language

    return f"{name} {aliases[0]}" if aliases and current_language() == "zh" else name


def _content(column: Column) -> str:
    """Return what may stand in a column: its type, unit, bounds, choices, default."""
    parts = [", ".join(column.choices) or _(column.type)]
    if column.unit:
        parts[0] += f" ({_(column.unit)})"
    if column.least is not None or column.most is not None:
        parts.append(_bounds(column.least, column.most))
    if column.references:
        parts.append(f"→ {column.references}")
    if column.key:
        parts.append(_("key"))
    elif column.required:
        parts.append(_("required"))
    if column.default:
        parts.append(_("else {default}").format(default=column.default))
    return _(", ").join(parts)


def _bounds(least: float | None, most: float | None) -> str:
    if most is None:
        return f"≥ {least:g}"
    return f"≤ {most:g}" if least is None else f"{least:g} … {most:g}"
