"""What happened: read from a CSV or Parquet file, a workbook or the model's own table ``actuals``, and checked."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from allocator.errors import Finding, InputError
from allocator.model import LEVELS, Model
from allocator.reading import Tables, check
from allocator.schema.dictionary import dictionary, table_named
from allocator.schema.files import READERS, read_csv
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.flows import METRICS
from allocator.schema.tables import RawTable, fingerprint, type_table
from allocator.schema.workbooks import open_workbook
from allocator.texts import _

TABLE = "actuals"
FLOWS = ("revenue", "spend", "visits", "first_visits", "new_clients", "collections")
"""What a plan counts month by month."""

COUNTS = ("pipeline", "entered")
"""Of a stage: how many stand in it at the month's end, and how many entered it in the month."""

QUOTAS = tuple(f"{kind}_{level}" for kind in ("quota", "exact") for level in LEVELS)
"""What was asked of a rep, as published and before rounding: a review writes these into the model that it plans."""

LABELS = ("unit", "rep", "client", "product", "tier", "channel", "line")
NEVER_NEGATIVE = ("revenue", "spend", "visits", "first_visits", "new_clients", *COUNTS)


@dataclass(frozen=True)
class Actuals:
    """What happened in the months that are over.

    Attributes
    ----------
    model : Model
        With these rows as its table ``actuals``.
    as_of : date
        A month is over if its last day is not after this one.
    past, remaining : tuple of str
        Labels of the months that are over, and of the others.
    flows : DataFrame
        month, metric, unit, rep, client, product, tier, channel, line (all str; blank is not told), amount (float).
        Metrics: revenue, spend (by line), visits (to active clients), first_visits, new_clients, collections; those of ``yields``;
        any other name is a figure of one's own (satisfaction, renewal_rate). Rows add up.
    stages : DataFrame
        month, metric, unit, rep, client, product, channel, stage (all str), amount (float). Metrics: pipeline (opportunities that
        stand in the stage at the month's end) and entered (those that entered it in the month); any other is a figure of one's own.
    findings : tuple of Finding
        Warnings and notes.
    """

    model: Model
    as_of: dt.date
    past: tuple[str, ...]
    remaining: tuple[str, ...]
    flows: pd.DataFrame
    stages: pd.DataFrame
    findings: tuple[Finding, ...] = ()

    def told(self, metric: str) -> bool:
        """Whether a metric was told at all."""
        return bool((self.flows["metric"] == metric).any())

    def of(self, metric: str) -> pd.DataFrame:
        """Rows of a metric that is no count of stages."""
        return self.flows[self.flows["metric"] == metric].reset_index(drop=True)


def read_actuals(model: Model, file: Path | None, as_of: dt.date, known: Collection[str] = ()) -> Actuals:
    """Read and check what happened.

    Parameters
    ----------
    model : Model
        Its codes are those that the rows may name.
    file : path or None
        A CSV or Parquet file, or a workbook with a sheet ``actuals`` (实际) or a single sheet; None is the model's own table.
    as_of : date
        Rows of months that are not over by then are not read.
    known : collection of str
        Months that an earlier review has told: they may be left out.

    Raises
    ------
    InputError
        With all findings, if any is an error.
    """
    report = Report()
    frame = model[TABLE] if file is None else _typed(file, report)
    if frame is None:
        raise InputError(report.findings())
    past, labels = model.calendar.over(as_of), model.calendar.months
    _check(model, frame, labels[:past], as_of, report, known)
    tables = Tables(model.name, model.source, model.settings, {**model.tables, TABLE: frame}, report.places)
    own = check(tables, report, known=[n for n in dictionary() if n != TABLE])
    found = tuple(f for f in report.findings() if f not in model.findings)
    rows = own[TABLE]
    rows = rows[rows["month"].isin(labels[:past])]
    frames = {**model.tables, TABLE: rows.reset_index(drop=True)}
    own = replace(model, tables=frames, sha256=fingerprint(model.settings, frames))
    staged = (rows["stage"] != "").to_numpy()
    flows = rows.loc[~staged, ["month", "metric", *LABELS, "amount"]].reset_index(drop=True)
    known = ["month", "metric", "unit", "rep", "client", "product", "channel", "stage", "amount"]
    stages = rows.loc[staged, known].reset_index(drop=True)
    return Actuals(own, as_of, labels[:past], labels[past:], flows, stages, found)


def _typed(file: Path, report: Report) -> pd.DataFrame | None:
    """Rows of a file; None where nothing can be made of it."""
    if file.suffix.casefold() == ".xlsx":
        raw = _sheet(file, report)
    else:
        raw = READERS.get(file.suffix.casefold(), read_csv)(file, TABLE, file.name, report)
    return None if raw is None else type_table(raw, report)


def _sheet(file: Path, report: Report) -> RawTable | None:
    book = open_workbook(file, report)
    if book is None:
        return None
    named = [s for s in book.sheets if table_named(s) == TABLE]
    sheets = named or (list(book.sheets) if len(book.sheets) == 1 else [])
    if len(sheets) != 1:
        says = _("Expected one sheet called actuals; found {sheets}.").format(sheets=", ".join(book.sheets))
        report.add_at("error", file.name, "missing", says)
        return None
    book.check_formulas(sheets, report)
    return book.table(sheets[0], TABLE, report)


def _check(
    model: Model, rows: pd.DataFrame, past: tuple[str, ...], as_of: dt.date, report: Report, known: Collection[str]
) -> None:
    """What the dictionary cannot say of the rows."""
    first = model.calendar.months[0]
    if not past:
        says = _("No month of the plan is over by {date}: it starts with {first}.").format(date=as_of, first=first)
        report.add_at("error", "--as-of", "period", says)
        return
    if rows.empty:
        report.add("error", TABLE, "empty", _("Nothing is told of what happened."))
        return
    says = _("The month is not over by {date}; the row is not read.").format(date=as_of)
    report.cells("warning", TABLE, "period", says, rows, ~rows["month"].isin(past), "month")
    report.cells("error", TABLE, "required", _("A value is needed here."), rows, rows["metric"] == "", "metric")
    says = _("Expected 0 or more.")
    bad = rows["metric"].isin(NEVER_NEGATIVE) & (rows["amount"] < 0)
    report.cells("error", TABLE, "range", says, rows, bad, "amount")
    says = _("Say which budget line the money was spent on.")
    bad = (rows["metric"] == "spend") & (rows["line"] == "")
    report.cells("error", TABLE, "required", says, rows, bad, "line")
    _check_names(model, rows, report)
    _check_stages(model, rows, report)
    fresh = [m for m in past if m not in known]
    _check_whole(rows[rows["month"].isin(past) & (rows["stage"] == "")], fresh, report)


def _check_names(model: Model, rows: pd.DataFrame, report: Report) -> None:
    """Metrics that look like a known one and are not."""
    known = {*METRICS, *FLOWS, *COUNTS, *QUOTAS, *model["yields"]["metric"], *model["history"]["metric"]}
    for position in np.flatnonzero(~rows["metric"].isin(list(known)) & ~rows["metric"].duplicated()):
        metric = str(rows["metric"].iloc[position])
        if close := did_you_mean(metric, known):
            says = _("There is no metric of this name.") + close
            report.add("error", TABLE, "metric", says, position=int(position), column="metric", value=metric)


def _check_stages(model: Model, rows: pd.DataFrame, report: Report) -> None:
    """Counts of stages name a stage of the funnel."""
    funnel = model["funnel"]
    counted = rows["metric"].isin(COUNTS)
    says = _("Say which stage of the funnel is counted.")
    report.cells("error", TABLE, "required", says, rows, counted & (rows["stage"] == ""), "stage")
    known = {*funnel["stage"], *model["pipeline"]["stage"]}
    strange = counted & (rows["stage"] != "") & ~rows["stage"].isin(list(known))
    for position in np.flatnonzero(strange & ~rows["stage"].where(strange).duplicated()):
        stage = str(rows["stage"].iloc[position])
        says = _("The funnel has no such stage.") + did_you_mean(stage, known)
        report.add("error", TABLE, "reference", says, position=int(position), column="stage", value=stage)


def _check_whole(rows: pd.DataFrame, past: Collection[str], report: Report) -> None:
    """A metric is told for every month that is over, and a total does not stand beside its parts."""
    label = report.place(TABLE).label
    if past and not (rows["metric"] == "revenue").any():
        says = _("No revenue is told. Without it nothing can be said about the year.")
        report.add_at("error", label, "missing", says, column="metric")
    for metric in FLOWS:
        own = rows[rows["metric"] == metric]
        absent = [m for m in past if m not in set(own["month"])] if len(own) else []
        if absent:
            says = _("No {metric} is told for {months}. Give 0 where there was none, or leave the metric out.")
            says = says.format(metric=metric, months=", ".join(absent))
            report.add_at("error", label, "missing", says, column="month")
    blank = (rows[list(LABELS)] == "").all(axis=1)
    for key, part in rows[rows["metric"].isin(FLOWS)].groupby(["month", "metric"], sort=True):
        whole = blank[part.index]
        total, others = float(part.loc[whole, "amount"].sum()), float(part.loc[~whole, "amount"].sum())
        if whole.any() and (~whole).any() and abs(total - others) <= 1e-9 * max(abs(total), 1.0):
            says = _("The total of {metric} in {month} stands beside its parts: it would count twice. Delete it.")
            says = says.format(metric=key[1], month=key[0])
            place = int(part.index[whole][0])
            report.add("error", TABLE, "duplicate", says, position=place, column="amount")
