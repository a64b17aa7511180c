"""Time and people, worked out from the input tables (section 1 of the mathematics)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.auditing.book import Bools, Floats, Ints
from allocator.model import Model
from allocator.scopes import parse_scope

Texts = np.ndarray[Any, np.dtype[np.object_]]


@dataclass(frozen=True)
class People:
    """Reps and months.

    Attributes
    ----------
    reps, months : Index
    units, grades : object array, shape (reps,)
    present : float array, shape (reps, months)
        Working days on which the rep is there.
    share : float array, shape (reps, months)
        The same as a share of the month's working days.
    hours : float array, shape (reps, months)
        Hours for visits and winning.
    in_post : bool array, shape (reps, months)
    ramp : float array, shape (reps, months)
    backup : int array, shape (reps,)
        Position of the backup, −1 for none.
    weeks : int array, shape (months,)
    """

    reps: pd.Index[Any]
    months: pd.Index[Any]
    units: Texts
    grades: Texts
    present: Floats
    share: Floats
    hours: Floats
    in_post: Bools
    ramp: Floats
    backup: Ints
    weeks: Ints


def work_out_people(model: Model) -> People:
    """Presence, hours, posts and ramps of all reps."""
    table, cal = model["reps"], model.calendar
    reps = pd.Index(words(table["rep"]))
    inside, there = days_there(model)
    of_month = np.zeros((len(cal.days), cal.count))
    of_month[np.arange(len(cal.days)), cal.day_month] = 1.0
    present = (there & cal.working) @ of_month
    working = np.asarray(cal.working_days, np.float64)
    share = np.divide(present, working, out=np.zeros_like(present), where=working > 0)
    units, grades = words(table["unit"]), words(table["grade"])
    hours = (numbers(table["hours_per_day"], 8.0) * numbers(table["selling_share"], 1.0))[:, None] * present
    hours = hours - share * _activities(model, reps, units, grades)
    return People(
        reps,
        pd.Index(cal.months),
        units,
        grades,
        present,
        share,
        hours,
        (inside @ of_month) > 0,
        _ramps(model, days_of(table["start"])),
        reps.get_indexer(pd.Index(words(table["backup"]))).astype(np.int64),
        np.asarray(cal.weeks, np.int64),
    )


def days_there(model: Model) -> tuple[Bools, Bools]:
    """Days on which every rep is in post, and those of them on which he is not on leave, shape (reps, days)."""
    table = model["reps"]
    first, last = (days_of(table[c])[:, None] for c in ("start", "end"))
    days = np.asarray(model.calendar.days.to_numpy().astype("datetime64[D]"))
    inside = ((days >= first) | np.isnat(first)) & ((days <= last) | np.isnat(last))
    return inside, inside & ~_away(model, pd.Index(words(table["rep"])), days)


def _away(model: Model, reps: pd.Index[Any], days: Any) -> Bools:
    """Days on leave, shape (reps, days)."""
    leave = model["leave"]
    who = reps.get_indexer(pd.Index(words(leave["rep"])))
    first = np.searchsorted(days, days_of(leave["from"]), side="left")
    after = np.searchsorted(days, days_of(leave["to"]), side="right")
    steps = np.zeros((len(reps), len(days) + 1), np.int64)
    good = after > first
    np.add.at(steps, (who[good], first[good]), 1)
    np.add.at(steps, (who[good], after[good]), -1)
    return np.asarray(steps.cumsum(axis=1)[:, :-1] > 0)


def _activities(model: Model, reps: pd.Index[Any], units: Any, grades: Any) -> Floats:
    """Hours of fixed activities at full presence, shape (reps, months)."""
    cal = model.calendar
    times = {
        "week": np.asarray(cal.weeks, np.float64),
        "month": np.ones(cal.count),
        "quarter": np.full(cal.count, 1 / 3),
        "year": np.full(cal.count, 1 / cal.count),
    }
    hours = np.zeros((len(reps), cal.count))
    for row in model["activities"].itertuples(index=False):
        held = np.ones(len(reps), bool)
        for key, values in parse_scope(str(row.scope)).items():
            if key == "unit":
                held &= below(model, units, values)
            else:
                held &= np.isin(np.asarray(reps if key == "rep" else grades, dtype=object), list(values))
        hours[held] += float(row.count) * float(row.minutes) / 60 * times[str(row.per)]  # type: ignore[arg-type]
    return hours


def _ramps(model: Model, first: Any) -> Floats:
    """How far a rep sells in full, shape (reps, months)."""
    months = numbers(model["reps"]["ramp_months"], 0.0)
    begin = np.datetime64(model.settings.start, "M")
    calendar = begin + np.arange(model.calendar.count)
    blank = np.isnat(first) | (months == 0)
    started = np.where(np.isnat(first), begin, first.astype("datetime64[M]"))
    k = (calendar[None, :] - started[:, None]).astype(np.int64)
    ramp = np.minimum(1.0, (k + 1) / (months[:, None] + 1))
    return np.asarray(np.where(blank[:, None], 1.0, ramp))


def commission_rates(model: Model, grades: Iterable[str], attainment: float) -> Floats:
    """Commission per unit of quota at an attainment, for each grade: the steps are marginal."""
    table = model["commission"]
    of_row = words(table["grade"])
    start, rate = numbers(table["attainment_from"], 0.0), numbers(table["rate"], 0.0)
    of_grade, different = pd.factorize(np.asarray(list(grades), dtype=object))
    out = []
    for grade in different:
        mine = of_row == grade
        if not mine.any():
            mine = of_row == ""
        order = np.argsort(start[mine], kind="stable")
        begin = start[mine][order]
        end = np.append(begin[1:], np.inf)[: len(begin)]
        out.append(float(rate[mine][order] @ np.clip(np.minimum(attainment, end) - begin, 0.0, None)))
    return np.asarray(out, np.float64)[of_grade]


def chain(model: Model, unit: str) -> tuple[str, ...]:
    """List a unit and all above it."""
    return model.ancestors.get(unit, (unit,) if unit else ())


def below(model: Model, units: Iterable[str], wanted: Iterable[str]) -> Bools:
    """Whether each unit is one of those wanted or below one."""
    wanted = set(wanted)
    codes, names = pd.factorize(np.asarray(list(units), dtype=object))
    held = np.array([bool(wanted.intersection(chain(model, u))) for u in names], bool)
    return held[codes] if len(codes) else np.zeros(0, bool)


def lying_below(model: Model, units: Texts, wanted: Texts) -> sp.csr_array:
    """Which units are those wanted or below them, 0 or 1, shape (wanted, units)."""
    codes, names = pd.factorize(units)
    chains = [chain(model, u) for u in names]
    above = pd.Index(wanted).get_indexer(pd.Index([u for c in chains for u in c], dtype=object))
    of_name = np.repeat(np.arange(len(names)), [len(c) for c in chains])
    ones = np.ones(len(above))[above >= 0]
    held = sp.csr_array((ones, (above[above >= 0], of_name[above >= 0])), shape=(len(wanted), len(names)))
    one = sp.csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))), shape=(len(names), len(codes)))
    return sp.csr_array(held @ one)


def company_units(model: Model, units: Texts) -> Texts:
    """Units as they are named, the company's where none is; blank stays where there are several at the top."""
    tops = [
        u
        for u, parent in zip(words(model["units"]["unit"]), words(model["units"]["parent"]), strict=True)
        if not parent
    ]
    return np.where(units == "", tops[0], units).astype(object) if len(tops) == 1 else units


def words(column: pd.Series[Any]) -> Texts:
    """Read a column of text, blanks as empty text."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return np.append(words(pd.Series(column.cat.categories, dtype=object)), "")[column.cat.codes.to_numpy()]
    values: list[Any] = column.to_list()
    return np.array([x if type(x) is str else "" if pd.isna(x) else str(x) for x in values], dtype=object)


def numbers(column: pd.Series[Any], blank: float) -> Floats:
    """Read a column of numbers with a value for blanks."""
    values = pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isnan(values), blank, values)


def days_of(column: pd.Series[Any]) -> Any:
    """Read a column of dates by the day; blanks are NaT."""
    return pd.to_datetime(column).to_numpy().astype("datetime64[D]")
