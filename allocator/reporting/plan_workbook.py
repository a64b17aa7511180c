"""``plan.xlsx``: a plan for people who live in a spreadsheet: what is asked of whom, what is spent, who does what each week."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pandas as pd
import xlsxwriter.exceptions

from allocator.plan import Plan
from allocator.reporting.amounts import Amounts
from allocator.reporting.budget_sheet import write_budget
from allocator.reporting.headings import HEADINGS
from allocator.reporting.overview import overview
from allocator.reporting.plan_charts import add_charts
from allocator.reporting.quota_grid import PUBLISHED, Grid, quota_grid, write_grid
from allocator.reporting.sentences import missed_targets, needs_not_asked
from allocator.reporting.words import KPIS, LEVELS, METRICS, STATUSES, TARGET
from allocator.reporting.workbook import LAST_ROW, Formats, add_rows, add_table, open_book, sheet_name
from allocator.schema.packages import column_letters
from allocator.texts import N_, _

LEFT_OUT = ("quotas", "breakdown", "forecast", "visits", "contracts", "lift", "won", "supply", "effort", "units")
"""Tables that are too long or too fine for a sheet of their own; they are in the run as files."""

ORDER = ("overview", "targets", "asked", "quotas", "budget", "actions", "prices", "findings", "changes", "handover")
"""Sheets that readers look for first, behind the summary."""

WEEKLY = (
    *("rep", "period", "quota", "contracts", "contract_amount", "clients", "new_clients", "first_visits"),
    *("return_visits", "collections", "support_hours", "spend", "commission", "task"),
)
"""Columns of the weekly actions."""

LABELS = {
    **dict(KPIS),
    "visits_promised": N_("visits promised"),
    "visits_planned": N_("visits planned"),
    "visits_scheduled": N_("visits scheduled"),
    "met": N_("met"),
    "missed": N_("missed"),
    "rules": N_("rules recomputed"),
    "violations": N_("violations"),
    "largest_residual": N_("largest deviation"),
    "model": N_("model"),
    "started_at": N_("started at"),
    "engine": N_("engine"),
    "inputs_sha256": N_("fingerprint of the input (SHA-256)"),
}
"""What the keys of ``summary.json`` are called on the sheet ``summary``."""

SEVERITIES = {"error": N_("error"), "warning": N_("warning"), "note": N_("note")}
WORDS = {"status": TARGET, "level": LEVELS, "metric": METRICS, "severity": SEVERITIES}
"""Words for codes, by column."""

RED, GREEN, YELLOW = "#FFC7CE", "#C6EFCE", "#FFEB9C"


def workbook_bytes(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the workbook of a plan.

    Parameters
    ----------
    plan : Plan
    tables : mapping of str to DataFrame
        Tables of the run; those with a sheet of their own shape are taken from the plan.

    Raises
    ------
    OSError
        If the machine has no room for it.
    """
    buffer = io.BytesIO()
    grid = quota_grid(plan) if "quotas" in plan.tables else None
    frames = sheet_frames(plan, tables)
    try:
        with open_book(buffer, _size(grid, frames)) as (book, formats):
            summary = book.add_worksheet(sheet_name("summary"))
            sheets = {name: book.add_worksheet(sheet_name(name)) for name in _order(frames, grid)}
            if grid is not None:
                write_grid(book, sheets["quotas"], book.add_worksheet(PUBLISHED), plan, grid, formats)
            for name, frame in frames.items():
                _write(book, sheets[name], name, frame, formats)
            rows = _summary_rows(plan, frames)
            add_rows(summary, rows, formats)
            add_charts(book, summary, plan, grid, sheets)
            summary.activate()
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error
    return buffer.getvalue()


def sheet_frames(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables that get a sheet; of actions the weeks alone."""
    found = {name: frame for name, frame in tables.items() if name not in LEFT_OUT}
    if "quotas" in plan.tables:
        found["overview"] = overview(plan)
    if "actions" in found:
        actions = found["actions"]
        found["actions"] = actions.loc[actions["kind"] == "week", list(WEEKLY)].reset_index(drop=True)
    return found


def _order(frames: Mapping[str, pd.DataFrame], grid: Grid | None) -> list[str]:
    """Names of the sheets behind the summary."""
    there = [*frames, *(["quotas"] if grid is not None else [])]
    return [*(n for n in ORDER if n in there), *(n for n in frames if n not in ORDER)]


def _size(grid: Grid | None, frames: Mapping[str, pd.DataFrame]) -> int:
    return sum(f.size for f in frames.values()) + (2 * grid.quotas.size if grid is not None else 0)


def _write(book: Any, sheet: Any, name: str, frame: pd.DataFrame, formats: Formats) -> None:
    if name == "budget":
        write_budget(book, sheet, frame, formats)
        return
    said = frame.assign(**{c: _in_words(frame[c], w) for c, w in WORDS.items() if c in frame and len(frame)})
    said = said.rename(columns={c: _(label) for c, label in HEADINGS.items()})
    add_table(sheet, said, formats)
    if len(frame):
        _colour(book, sheet, name, frame)


def _in_words(column: pd.Series, words: Mapping[str, str]) -> pd.Series:
    return column.astype(object).map(lambda v: _(words[v]) if v in words else v)


def _colour(book: Any, sheet: Any, name: str, frame: pd.DataFrame) -> None:
    """Colour what a reader should see first: what is missed, what is wrong, what is asked beyond the forecast."""
    last = min(len(frame), LAST_ROW)

    def at(column: str) -> str:
        letter = column_letters(list(frame.columns).index(column))
        return f"{letter}2:{letter}{last + 1}"

    def equals(column: str, text: str, colour: str) -> None:
        style = book.add_format({"bg_color": colour})
        rule = {"type": "cell", "criteria": "==", "value": '"' + text.replace('"', '""') + '"', "format": style}
        sheet.conditional_format(at(column), rule)

    if name == "targets":
        equals("status", _(TARGET["missed"]), RED)
        equals("status", _(TARGET["met"]), GREEN)
    elif name == "findings":
        equals("severity", _(SEVERITIES["error"]), RED)
        equals("severity", _(SEVERITIES["warning"]), YELLOW)
    elif name == "asked":
        rule = {"type": "cell", "criteria": ">", "value": 0, "format": book.add_format({"bg_color": RED})}
        sheet.conditional_format(at("gap"), rule)
    elif name == "actions":
        bar = {"type": "data_bar", "bar_color": "#9DC3E6"}
        sheet.conditional_format(at("quota"), bar)
    elif name == "overview":
        letter = column_letters(7)
        rule = {"type": "cell", "criteria": ">", "value": 100.05, "format": book.add_format({"bg_color": RED})}
        sheet.conditional_format(f"{letter}2:{letter}{last + 1}", rule)


def _summary_rows(plan: Plan, sheets: Mapping[str, pd.DataFrame]) -> list[tuple[str, object]]:
    summary = plan.summary
    rows: list[tuple[str, object]] = [(plan.model.settings.title or plan.model.name, "")]
    rows += [(_("status"), _(STATUSES.get(plan.status, plan.status)))]
    rows += [(_("money in"), plan.model.settings.money_unit), ("", "")]
    rows += _missed_rows(plan) if plan.tables else []
    for title, part in (
        (_("key figures"), summary.get("kpis")),
        (_("targets"), summary.get("targets")),
        (_("audit"), summary.get("audit")),
        (_("run"), {k: summary.get(k) for k in ("model", "started_at", "engine", "inputs_sha256")}),
    ):
        rows.append((title, ""))
        rows += [(_(LABELS.get(k, k)), v) for k, v in (part or {}).items() if v is not None]
        rows.append(("", ""))
    for name, frame in sheets.items():
        if len(frame) > LAST_ROW:
            says = _("the first {shown:,} of {rows:,} rows; all are in {name}.csv")
            rows.append((name, says.format(shown=LAST_ROW, rows=len(frame), name=name)))
    return rows


def _missed_rows(plan: Plan) -> list[tuple[str, object]]:
    """What is missed and why, as on the screen."""
    amounts = Amounts(plan.model.settings.money_unit, plan.model.settings.currency)
    rows: list[tuple[str, object]] = []
    parts = (
        (_("targets that are missed"), missed_targets(plan, amounts)),
        (_("asked below the company's need"), needs_not_asked(plan, amounts)),
    )
    for title, misses in parts:
        rows.append((title, ""))
        for miss in misses:
            cause = "; " + _("because: {cause}").format(cause=miss.cause) if miss.cause else ""
            rows.append((miss.head, miss.numbers + cause))
        rows += [(_("none"), " ")] if rows[-1][1] == "" else []
        rows.append(("", ""))
    return rows
