"""Checks of dates, periods and the calendar."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import holidays
import numpy as np
import pandas as pd

from allocator.periods import Calendar
from allocator.schema.dictionary import dictionary
from allocator.schema.findings import Report
from allocator.schema.parsing import read_date
from allocator.texts import _, after

Frames = Mapping[str, pd.DataFrame]

ORDERED = (
    ("reps", "start", "end"),
    ("products", "launch", "end"),
    ("clients", "since", "lost_on"),
    ("leave", "from", "to"),
    ("tasks", "from", "to"),
)
"""Dates of which the second must not come before the first."""

OLDEST, NEWEST = pd.Timestamp("1950-01-01"), pd.Timestamp("2100-12-31")


def check_dates(frames: Frames, report: Report) -> None:
    """Find dates that no business has, pairs in the wrong order, and blocked days that are no dates."""
    for name, table in dictionary().items():
        for column in table.columns.values():
            if column.type == "date":
                values = frames[name][column.name]
                says = _("Expected a date from 1950 to 2100.")
                report.cells(
                    "error", name, "date", says, frames[name], (values < OLDEST) | (values > NEWEST), column.name
                )
    for name, first, last in ORDERED:
        frame = frames[name]
        says = _("It lies before {first}.").format(first=report.place(name).heading(first))
        report.cells("error", name, "order", says, frame, frame[last] < frame[first], last)
    clients = frames["clients"]
    says = _("Expected numbers from 1 (Monday) to 7 (Sunday).")
    _check_each(clients, "weekdays", lambda code: code in set("1234567"), says, report)
    _check_each(clients, "blocked", _is_date, _("Expected dates, such as 2026-03-01."), report)


def _check_each(frame: pd.DataFrame, column: str, good: Callable[[str], bool], says: str, report: Report) -> None:
    codes = frame.loc[frame[column].map(bool), column].explode()
    refused = [code for code in codes.unique().tolist() if not good(code)]
    if refused:
        bad = frame.index.isin(codes.index[codes.isin(refused)])
        report.cells("error", "clients", "date", says, frame, bad, column)


def _is_date(text: str) -> bool:
    try:
        read_date(text)
    except ValueError:
        return False
    return True


def check_periods(calendar: Calendar, frames: Frames, report: Report) -> None:
    """Find periods and months outside the plan, and windows of lines that end before they start."""
    inside = {"", *calendar.months, *calendar.quarters, *calendar.years}
    plan = _("The plan runs from {first} to {last}.").format(first=calendar.months[0], last=calendar.months[-1])
    for name, table in dictionary().items():
        frame = frames[name]
        for column in table.columns.values():
            if column.type == "period":
                says = _("It lies outside the plan.") + after(plan)
                report.cells("error", name, "period", says, frame, ~frame[column.name].isin(list(inside)), column.name)
    for name in ("seasonality", "resources", "supply", "actuals"):
        says = _("The month lies outside the plan.") + after(plan)
        bad = ~frames[name]["month"].isin(["", *calendar.months])
        report.cells("error", name, "period", says, frames[name], bad, "month")
    for limit in ("from", "to"):
        says = _("The month lies outside the plan.") + after(plan)
        shifts = frames["shifts"]
        report.cells("error", "shifts", "period", says, shifts, ~shifts[limit].isin(["", *calendar.months]), limit)
    says = _("History ends before the plan. What happens in it belongs into actuals.") + after(plan)
    report.cells(
        "error", "history", "period", says, frames["history"], frames["history"]["month"] >= calendar.months[0], "month"
    )
    due = frames["pipeline"]["due"]
    says = _("It was due before the plan.") + after(plan)
    late = (due != "") & (due < calendar.months[0])
    report.cells("warning", "pipeline", "period", says, frames["pipeline"], late, "due")
    _check_windows(calendar, frames["budget"], inside, report)


def _check_windows(calendar: Calendar, lines: pd.DataFrame, inside: set[str], report: Report) -> None:
    last = {p: int(calendar.window(p)[-1]) for p in inside}
    first = {p: int(calendar.window(p)[0]) for p in inside}
    bad = lines["to"].map(last) < lines["from"].map(first)
    report.cells("error", "budget", "order", _("The line ends before it starts."), lines, bad, "to")


def check_calendar(calendar: Calendar, frames: Frames, report: Report) -> None:
    """Find days outside the plan, absences that hit no day of it, and years without announced make-up days."""
    first, last = calendar.days[0], calendar.days[-1]
    days, leave = frames["calendar"], frames["leave"]
    outside = (days["date"] < first) | (days["date"] > last)
    report.cells(
        "warning", "calendar", "period", _("The day lies outside the plan; it has no effect."), days, outside, "date"
    )
    outside = (leave["to"] < first) | (leave["from"] > last)
    says = _("The absence lies outside the plan; it has no effect.")
    report.cells("warning", "leave", "period", says, leave, outside, "from")
    if not calendar.working.any():
        report.add("error", "calendar", "calendar", _("No day of the plan is worked."))
    if calendar.country != "CN":
        return
    declared = set(days.loc[days["working"] & (days["date"].dt.day_of_week >= 5), "date"].dt.year)
    for year in sorted(set(np.asarray(calendar.days.year).tolist()) - declared):
        announced = getattr(holidays.country_holidays("CN", years=year), "weekend_workdays", ())
        if not any(day.year == year for day in announced):
            says = _("The make-up working days of {year} are not known yet. Add them when they are announced.")
            report.add("warning", "calendar", "calendar", says.format(year=year))
