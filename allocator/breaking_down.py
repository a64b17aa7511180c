"""Quotas down to the day: a rep's month goes to his working days, and every longer period is a sum of days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.model import Model
from allocator.periods import Calendar

Ints = NDArray[Any]
Floats = NDArray[Any]
Bools = NDArray[Any]

KINDS = ("year", "quarter", "month", "third", "week", "day")
"""Kinds of period, the longest first. A week may lie in two months; the others nest."""

LEVELS = ("base", "stretch", "ceiling")
FINEST = 9
"""Most decimals that the rounding setting may have."""


@dataclass(frozen=True)
class Rhythm:
    """The days to which a month of each rep goes, in equal parts.

    Attributes
    ----------
    rep : object array, shape (reps,)
    month : int array, shape (days,)
        Month (position) of every day of the plan.
    worked : bool array, shape (reps, days)
        Working days on which he is present; every month has at least one day.
    done, of : int array, shape (reps, days)
        How many of these days of the month have come, the day included; how many the month has.
    """

    rep: NDArray[np.object_]
    month: Ints
    worked: Bools
    done: Ints
    of: Ints


def make_rhythm(model: Model) -> Rhythm:
    """Find the days of each rep and month.

    They are the working days on which he is present. A month without any takes the first of these that has a day: working days on
    which he is in post, days on which he is in post, working days, days.
    """
    calendar, month = model.calendar, model.calendar.day_month
    in_post, present = _presence(model)
    begins = np.searchsorted(month, np.arange(calendar.count))
    worked = np.zeros_like(in_post)
    for days in (present & calendar.working, in_post & calendar.working, in_post, calendar.working, np.True_):
        has_days: Bools = np.logical_or.reduceat(worked, begins, axis=1)
        worked |= days & ~has_days[:, month]
    so_far = np.cumsum(worked, axis=1, dtype=np.int64)
    before = (so_far - worked)[:, begins]
    of = np.add.reduceat(worked.astype(np.int64), begins, axis=1)
    return Rhythm(model["reps"]["rep"].to_numpy(object), month, worked, so_far - before[:, month], of[:, month])


def _presence(model: Model) -> tuple[Bools, Bools]:
    """Days on which each rep is in post, and those of them on which he is not on leave, shape (reps, days)."""
    reps, leave, days = model["reps"], model["leave"], model.calendar.days
    start, end = (reps[c].to_numpy("datetime64[ns]")[:, None] for c in ("start", "end"))
    here = days.to_numpy("datetime64[ns]")[None, :]
    in_post = ~(here < start) & ~(here > end)  # a missing date compares as false
    present = in_post.copy()
    first, after = days.searchsorted(leave["from"]), days.searchsorted(leave["to"], side="right")
    for r, a, b in zip(positions(reps["rep"], leave["rep"]), first, after, strict=True):
        present[r, a:b] = False
    return in_post, present


def plan_periods(calendar: Calendar, kinds: Sequence[str] = KINDS) -> pd.DataFrame:
    """Every period of some kinds, the longest kind first.

    Returns
    -------
    DataFrame
        kind, period (``2026``, ``2026-Q1``, ``2026-03``, ``2026-03-T1``, ``2026-W15``, ``2026-03-14``), first, last (positions of
        days). Weeks are ISO weeks, clipped to the plan; thirds are days 1 to 10, 11 to 20, and the rest of the month.
    """
    days, month = calendar.days, pd.Series(calendar.day_month)
    iso = days.isocalendar()
    labels = {
        "year": month.map(dict(enumerate(calendar.years))),
        "quarter": month.map(dict(enumerate(calendar.quarters))),
        "month": pd.Series(days.strftime("%Y-%m")),
        "third": pd.Series(days.strftime("%Y-%m-T")) + np.minimum((days.day - 1) // 10 + 1, 3).astype(str),
        "week": pd.Series(iso["year"].astype(str) + "-W" + iso["week"].astype(str).str.zfill(2)).reset_index(drop=True),
        "day": pd.Series(days.strftime("%Y-%m-%d")),
    }
    found = []
    for kind in kinds:
        day = pd.Series(np.arange(len(days))).groupby(labels[kind], sort=False)
        table = pd.DataFrame({"first": day.first(), "last": day.last()}).rename_axis("period").reset_index()
        found.append(table.assign(kind=kind))
    return pd.concat(found, ignore_index=True)[["kind", "period", "first", "last"]]


def steps(rounding: float) -> tuple[int, int]:
    """Return the rounding setting in parts of money, and how many parts make one: hundredths, or finer if the setting is."""
    for decimals in range(2, FINEST):
        if abs(rounding * 10**decimals - round(rounding * 10**decimals)) <= 1e-9 * rounding * 10**decimals:
            break
    else:
        decimals = FINEST
    return max(round(rounding * 10**decimals), 1), 10**decimals


def quota_by_day(rhythm: Rhythm, amount: Ints, step: int) -> Ints:
    """Spread the months of each rep over his days.

    Parameters
    ----------
    amount : int array, shape (reps, months)
        Quota of the month, in parts of money.
    step : int
        What a day's quota is a multiple of. What of a month is none stays on its last day.

    Returns
    -------
    int array, shape (reps, days + 1)
        What is asked of him before each day, and at last in the whole plan. Within a month this is the multiple of ``step`` nearest
        to its even share (half up).
    """
    month = amount[:, rhythm.month]
    nearest = (2 * month * rhythm.done + rhythm.of * step) // (2 * rhythm.of * step)
    so_far = step * np.minimum(nearest, month // step)
    so_far = np.where(rhythm.done == rhythm.of, month, so_far)
    before = np.cumsum(amount, axis=1) - amount
    return np.concatenate([np.zeros((len(amount), 1), np.int64), before[:, rhythm.month] + so_far], axis=1)


def monthly_quotas(model: Model, quotas: pd.DataFrame, level: str, parts: int) -> Ints:
    """Published quotas of a level over all products, in parts of money, shape (reps, months)."""
    rows = quotas[quotas["level"] == level]
    r = positions(model["reps"]["rep"], rows["rep"])
    t = positions(model.calendar.months, rows["month"])
    amount = np.zeros((len(model["reps"]), model.calendar.count), np.int64)
    np.add.at(amount, (r, t), np.rint(rows["quota"].to_numpy(float) * parts).astype(np.int64))
    return amount


def breakdown(model: Model, quotas: pd.DataFrame) -> pd.DataFrame:
    """Break published quotas down to the day and sum the days up.

    Parameters
    ----------
    quotas : DataFrame
        Columns rep, month, level, quota; several rows for a rep and month (products) are added.

    Returns
    -------
    DataFrame
        rep, kind, period, level, quota: every rep that has quotas, every period of the plan and every level that occurs; of days
        only those to which something of a month goes. Labels are categorical.
    """
    rhythm, (step, parts) = make_rhythm(model), steps(model.settings.rounding)
    levels = [level for level in LEVELS if (quotas["level"] == level).any()]
    asked = np.zeros((len(rhythm.rep), model.calendar.count), bool)
    asked[positions(rhythm.rep, quotas["rep"]), positions(model.calendar.months, quotas["month"])] = True
    periods = plan_periods(model.calendar)
    day = (periods["kind"] == "day").to_numpy()
    shown: Bools = np.repeat(asked.any(axis=1, keepdims=True), len(periods), axis=1)
    shown[:, day] = rhythm.worked & asked[:, rhythm.month]
    rep, period = np.nonzero(shown)
    first, last = (periods[c].to_numpy()[period] for c in ("first", "last"))
    quota = np.zeros((len(rep), len(levels)), np.int64)
    below = np.zeros(asked.shape, np.int64)
    for k, name in enumerate(levels):
        amount = monthly_quotas(model, quotas, name, parts)
        so_far = quota_by_day(
            rhythm, amount - below, step
        )  # what the level adds, so that no day asks less than the level below
        quota[:, k:] += (so_far[rep, last + 1] - so_far[rep, first])[:, None]
        below = amount
    rep, period = np.repeat(rep, len(levels)), np.repeat(period, len(levels))
    kind = positions(KINDS, periods["kind"])[period]
    level = np.tile(np.arange(len(levels)), len(quota))
    labels = {
        "rep": pd.Categorical.from_codes(rep, pd.Index(rhythm.rep)),
        "kind": pd.Categorical.from_codes(kind, pd.Index(KINDS)),
        "period": pd.Categorical.from_codes(period, pd.Index(periods["period"])),
        "level": pd.Categorical.from_codes(level, pd.Index(levels)),
    }
    return pd.DataFrame({**labels, "quota": quota.ravel() / parts})
