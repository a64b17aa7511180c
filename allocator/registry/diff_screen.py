"""What two versions differ in, on the screen and on disk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.comparing.screen import touched
from allocator.comparing.words import FLIPS, KPIS, figure, in_words, signed
from allocator.registry.differing import VersionDiff
from allocator.reporting.amounts import Amounts, share
from allocator.reporting.headings import HEADINGS
from allocator.reporting.run import check_place, replacing, summary_text, write_file
from allocator.reporting.table_text import csv_parts
from allocator.reporting.words import LEVELS
from allocator.reporting.workbook import sheet_name, sheets_bytes
from allocator.texts import _

SUMMARY = "diff.json"
"""File by which the folder of a difference is known."""

LINES = 8
"""Rows of a list that are shown; the rest are in the files."""


def report(diff: VersionDiff) -> RenderableType:
    """Return what two versions differ in, to be printed by rich."""
    settings = diff.model.settings
    amounts = Amounts(settings.money_unit, settings.currency)
    head = Text(f"{diff.before.full_number} → {diff.after.full_number}", style="bold")
    parts: list[RenderableType] = [head, Text(_("Quotas moved: {share}").format(share=share(diff.moved)))]
    if diff.before.because or diff.after.because:
        parts.append(Text(diff.after.because, style="dim"))
    parts += [*_inputs(diff), *_figures(diff, amounts), *_targets(diff, amounts), *_quotas(diff, amounts)]
    parts += [*_budget(diff, amounts), *_visits(diff)]
    return Group(*parts)


def _section(title: str, *body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), *(Padding(part, (0, 0, 0, 2)) for part in body)]


def _grid(*headings: str) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for k, heading in enumerate(headings):
        grid.add_column(heading, justify="right" if k else "left", overflow="fold")
    return grid


def _more(rest: int, file: str) -> list[RenderableType]:
    says = _("… and {count} more; all with -o DIR, in {file}").format(count=f"{rest:,}", file=file)
    return [Text(says, style="dim")] if rest > 0 else []


def _inputs(diff: VersionDiff) -> list[RenderableType]:
    """Rows of tables that came, went and changed, then cells that changed."""
    table = diff.tables["inputs"]
    if table.empty:
        return _section(_("Input"), Text(_("It is the same.")))
    counts = Text(_(", ").join(f"{name} {says}" for name, says in touched(table)))
    cells = table[(table["before"] != "") & (table["after"] != "")]
    lines = [
        Text(f"{r['table']} {r['key']}".rstrip() + f", {r['column']}{_(': ')}{r['before']} → {r['after']}")
        for r in cells.head(LINES).to_dict("records")
    ]
    title = _("Input (rows of tables: + new, - gone, ~ changed)")
    return _section(title, counts, *lines, *_more(len(cells) - LINES, "inputs.csv"))


def _figures(diff: VersionDiff, amounts: Amounts) -> list[RenderableType]:
    table = diff.tables["kpis"]
    grid = _grid("", diff.before.number, diff.after.number, _("change"))
    for name, old, new, change in table.itertuples(index=False, name=None):
        says = signed(amounts, name, change)
        if (old != old and new != new) or says == "0":
            continue
        grid.add_row(_(KPIS[name]), figure(amounts, name, old), figure(amounts, name, new), says)
    return _section(_("Key figures"), grid) if grid.row_count else []


def _targets(diff: VersionDiff, amounts: Amounts) -> list[RenderableType]:
    table = diff.tables["targets"]
    lines = [Text(_target(row, amounts)) for row in table.head(LINES).to_dict("records")]
    return _section(_("Targets"), *lines, *_more(len(table) - LINES, "targets.csv")) if lines else []


def _target(row: dict[Any, Any], amounts: Amounts) -> str:
    """A target: what is asked and planned, before and after, and whether it is met now."""

    def said(name: str) -> str:
        pair = [amounts.metric(row["metric"], float(row[f"{side}{name}"])) for side in ("base_", "")]
        return pair[0] if pair[0] == pair[1] else " → ".join(pair)

    level = _(LEVELS.get(str(row["level"]), str(row["level"])))
    name = _(", ").join(str(part) for part in (row["target"], level, row["each"], row["period"]) if part)
    says = _("{target}: asked {required}, planned {planned}").format(
        target=name, required=said("required"), planned=said("planned")
    )
    return says + (f" ({_(FLIPS[row['flips']])})" if row["flips"] else "")


def _quotas(diff: VersionDiff, amounts: Amounts) -> list[RenderableType]:
    """Base quotas of the year: of units, then of the reps whose quota moves most; and how many of a month move."""
    table = diff.tables["quotas"]
    base = table[table["level"] == "base"]
    year = base[base["period_kind"] == "year"]
    months = base[(base["period_kind"] == "month") & (base["kind"] == "rep")]
    title = _("Quotas (base, of the year)")
    if base.empty:
        return _section(title, Text(_("None moves.")))
    parts: list[RenderableType] = []
    for of_reps, heading in ((False, _("unit")), (True, _("rep"))):
        rows = year[(year["kind"] == "rep") == of_reps]
        order = rows["change"].abs().sort_values(ascending=False, kind="stable").index if of_reps else rows.index
        grid = _grid(heading, diff.before.number, diff.after.number, _("change"))
        for _i, r in rows.loc[order].head(LINES).iterrows():
            cells = (amounts.money(r["base"]), amounts.money(r["value"]), signed(amounts, "revenue", r["change"]))
            grid.add_row(str(r["name"]), *cells)
        parts += [grid, *_more(len(rows) - LINES, "quotas.csv")] if len(rows) else []
    says = _("quotas of a rep's month that move: {count}, of {reps} reps")
    parts.append(Text(says.format(count=f"{len(months):,}", reps=f"{months['name'].nunique():,}")))
    return _section(title, *parts)


def _budget(diff: VersionDiff, amounts: Amounts) -> list[RenderableType]:
    table = diff.tables["budget"]
    grid = _grid(_("budget line"), diff.before.number, diff.after.number, _("change"))
    for row in table.head(LINES).to_dict("records"):
        cells = (amounts.money(row["base"]), amounts.money(row["value"]), signed(amounts, "spend", row["change"]))
        grid.add_row(str(row["line"]), *cells)
    return _section(_("Budget moved"), grid, *_more(len(table) - LINES, "budget.csv")) if len(table) else []


def _visits(diff: VersionDiff) -> list[RenderableType]:
    table = diff.tables["visits"]
    if table.empty:
        return []
    says = _("{moved} visits have another date, {other} another rep; of {reps} reps").format(
        moved=f"{table['moved'].sum():,.0f}", other=f"{table['other_rep'].sum():,.0f}", reps=f"{len(table):,}"
    )
    return _section(_("Visits moved"), Text(says))


def as_mapping(diff: VersionDiff) -> dict[str, Any]:
    """Return a difference for JSON: key figures, and how many rows each table has."""
    return {
        "status": "done",
        "before": diff.before.full_number,
        "after": diff.after.full_number,
        "moved": diff.moved,
        "kpis": diff.tables["kpis"].set_index("kpi").to_dict("index"),
        "tables": {name: len(table) for name, table in diff.tables.items()},
    }


def write_diff(diff: VersionDiff, folder: Path) -> None:
    """Write a difference to a folder: its tables as CSV, ``diff.xlsx`` and ``diff.json``.

    Raises
    ------
    InputError
        If the place holds something else.
    EngineError
        If the machine cannot write.
    """
    check_place(folder, SUMMARY)
    with replacing(folder) as place:
        for name, table in diff.tables.items():
            write_file(place / f"{name}.csv", csv_parts(table))
        write_file(place / "diff.xlsx", [sheets_bytes(dict(_sheets(diff)))])
        write_file(place / SUMMARY, [summary_text(as_mapping(diff)).encode()])


def _sheets(diff: VersionDiff) -> Iterator[tuple[str, pd.DataFrame]]:
    """Tables in words; columns of either version are headed by its number."""
    names = {"base": diff.before.number, "value": diff.after.number}
    for name, table in diff.tables.items():
        heads = {}
        for column in table.columns:
            of = column.removeprefix("base_")
            told = _(HEADINGS.get(of, of))
            heads[column] = names.get(column) or (told if of == column else f"{told} ({diff.before.number})")
        yield sheet_name(name), in_words(name, table).rename(columns=heads)


def json_of(diff: VersionDiff) -> dict[str, Any]:
    """Return what ``diff.json`` holds, as JSON reads it."""
    found: dict[str, Any] = json.loads(summary_text(as_mapping(diff)))
    return found
