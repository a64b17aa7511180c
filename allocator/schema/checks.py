"""Checks of typed tables: each column's rules, references, then rows against each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from allocator.model import Settings
from allocator.periods import Calendar
from allocator.schema.dates import check_calendar, check_dates, check_periods
from allocator.schema.dictionary import Column, dictionary
from allocator.schema.findings import Report, did_you_mean, words
from allocator.schema.flows import check_flows
from allocator.schema.people import check_people
from allocator.schema.sales import check_sales
from allocator.schema.tables import check_columns, empty
from allocator.schema.targets import check_targets
from allocator.schema.units import COMPANY, check_units
from allocator.texts import _, after

Frames = Mapping[str, pd.DataFrame]


def complete(frames: Frames) -> dict[str, pd.DataFrame]:
    """Fill what an empty table means: units that the reps name under one company, tiers without a promise."""
    done = dict(frames)
    if done["units"].empty:
        done["units"] = _units(done["reps"]["unit"])
    if done["tiers"].empty:
        done["tiers"] = _tiers(done["clients"]["tier"])
    return done


def _units(named: pd.Series) -> pd.DataFrame:
    codes = sorted(set(named) - {"", COMPANY})
    if not codes and not (named == COMPANY).any():
        return empty("units")
    rows = [(COMPANY, "", "company"), *((code, COMPANY, "team") for code in codes)]
    frame = pd.DataFrame(rows, columns=["unit", "parent", "kind"]).astype("str")
    return frame.sort_values("unit", ignore_index=True)


def _tiers(named: pd.Series) -> pd.DataFrame:
    frame = empty("tiers")
    codes = sorted(set(named) - {""})
    texts = {"tier": codes, "per": ["month"] * len(codes)}
    content = {c: texts.get(c, [0] * len(codes)) for c in frame.columns}
    return pd.DataFrame(content).astype(frame.dtypes.to_dict())


def check_tables(
    settings: Settings | None,
    frames: Frames,
    report: Report,
    unread: Collection[str] = frozenset(),
    known: Collection[str] = frozenset(),
) -> None:
    """Check everything; findings go to ``report``.

    Parameters
    ----------
    settings : Settings or None
        None if they were refused: then only what needs none is checked.
    frames : mapping of str to DataFrame
        Every table, completed.
    report : Report
    unread : collection of str
        Tables that are not there or could not be read: what refers to them is not checked.
    known : collection of str
        Tables whose cells were checked before.
    """
    for name in dictionary():
        if name not in known and (name not in unread or name in report.broken):
            check_columns(name, frames[name], report)
    _check_references(frames, report, unread)
    if settings is None or unread:
        return
    days = {str(d.date()): bool(w) for d, w in frames["calendar"][["date", "working"]].dropna().to_numpy(dtype=object)}
    exceptions = tuple((pd.Timestamp(day).date(), working) for day, working in days.items())
    calendar = Calendar(settings.start, settings.months, settings.country, exceptions)
    check_dates(frames, report)
    check_periods(calendar, frames, report)
    check_calendar(calendar, frames, report)
    check_units(settings, frames, report)
    check_people(calendar, frames, report)
    check_sales(calendar, frames, report)
    check_flows(frames, report)
    check_targets(calendar, frames, report)


def _check_references(frames: Frames, report: Report, unread: Collection[str]) -> None:
    for name, table in dictionary().items():
        for column in table.columns.values():
            other = column.references.partition(".")[0]
            if column.references and other not in unread and not frames[name].empty:
                _check_reference(frames, name, column, report)


def _check_reference(frames: Frames, name: str, column: Column, report: Report) -> None:
    other, _dot, key = column.references.partition(".")
    known = words(frames[other][key])
    values = frames[name][column.name]
    if column.type == "codes":
        values = values[values.map(bool)].explode()
    strange = words(values) - known
    if not strange:
        return
    unknown = values[values.isin(list(strange))]
    place = report.place(other)
    label, heading = place.label, place.heading(key)
    for value, rows in list(unknown.groupby(unknown, sort=False))[:200]:
        says = _("Not in {table}, column {column}.").format(table=label, column=heading)
        says += did_you_mean(str(value), known) or after(_("Add it there, or correct it here."))
        positions = rows.index.to_numpy(dtype=np.int64)
        report.values("error", name, "reference", says, positions, column.name, np.full(len(rows), value, dtype=object))
