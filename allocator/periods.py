"""The plan's months, quarters, weeks and working days."""

from __future__ import annotations

import datetime as dt
import functools
from dataclasses import dataclass

import holidays
import numpy as np
import pandas as pd
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Calendar:
    """The months of a plan and their working days.

    Attributes
    ----------
    start : str
        First month, ``2026-01``.
    count : int
        Number of months.
    country : str
        ISO code whose public holidays hold.
    exceptions : tuple of (date, bool)
        Days that the model declares working or off, over the holidays.
    """

    start: str
    count: int
    country: str = "CN"
    exceptions: tuple[tuple[dt.date, bool], ...] = ()

    @functools.cached_property
    def months(self) -> tuple[str, ...]:
        """Labels of the months."""
        return tuple(str(p) for p in pd.period_range(self.start, periods=self.count, freq="M"))

    @functools.cached_property
    def quarters(self) -> tuple[str, ...]:
        """Fiscal quarter of each month, ``2026-Q1``."""
        first = int(self.start[:4])
        return tuple(f"{first + t // 12}-Q{t % 12 // 3 + 1}" for t in range(self.count))

    @functools.cached_property
    def years(self) -> tuple[str, ...]:
        """Fiscal year of each month, ``2026``."""
        first = int(self.start[:4])
        return tuple(str(first + t // 12) for t in range(self.count))

    def window(self, period: str) -> Ints:
        """Months (positions) that a period holds; a blank period is the whole plan.

        Raises
        ------
        ValueError
            If the text is no period of this plan.
        """
        if not period:
            return np.arange(self.count)
        for labels in (self.months, self.quarters, self.years):
            found = np.array([t for t, x in enumerate(labels) if x == period], dtype=np.int64)
            if found.size:
                return found
        raise ValueError(period)

    @functools.cached_property
    def days(self) -> pd.DatetimeIndex:
        """Every day of the plan."""
        first = pd.Period(self.start, freq="M")
        return pd.date_range(first.start_time.normalize(), (first + self.count - 1).end_time.normalize(), freq="D")

    @functools.cached_property
    def day_month(self) -> Ints:
        """Month (position) of every day."""
        first = int(self.start[:4]) * 12 + int(self.start[5:7]) - 1
        return np.asarray(self.days.year * 12 + self.days.month - 1 - first, dtype=np.int64)

    @functools.cached_property
    def working(self) -> NDArray[np.bool_]:
        """Whether each day is worked: weekdays that are no holiday, made-up days, the model's exceptions."""
        working = np.asarray(self.days.day_of_week < 5).copy()
        public = holidays.country_holidays(self.country, years=sorted({d.year for d in self.days}))
        made_up: set[dt.date] = getattr(public, "weekend_workdays", set())
        declared = dict(self.exceptions)
        for i, day in enumerate(self.days):
            date = day.date()
            if date in declared:
                working[i] = declared[date]
            elif date in made_up:
                working[i] = True
            elif date in public:
                working[i] = False
        return working

    @functools.cached_property
    def working_days(self) -> Ints:
        """Working days of each month, shape (months,)."""
        return np.bincount(self.day_month[self.working], minlength=self.count).astype(np.int64)

    @functools.cached_property
    def weeks(self) -> Ints:
        """Weeks of each month, shape (months,): an ISO week counts for the month with most of its working days."""
        if not self.working.any():
            return np.zeros(self.count, dtype=np.int64)
        iso = self.days.isocalendar()
        week = np.asarray(iso["year"] * 100 + iso["week"], dtype=np.int64)
        table = pd.crosstab(week[self.working], self.day_month[self.working])
        home = np.asarray(table.columns)[table.to_numpy().argmax(axis=1)]
        return np.bincount(home, minlength=self.count).astype(np.int64)

    def over(self, day: dt.date) -> int:
        """Number of months whose last day is not after a day."""
        return sum(pd.Period(m, freq="M").end_time.date() <= day for m in self.months)

    def between(self, start: pd.Timestamp, end: pd.Timestamp) -> NDArray[np.bool_]:
        """Days from start to end inclusive; a missing date is open."""
        inside = np.ones(len(self.days), bool)
        if not pd.isna(start):
            inside &= np.asarray(self.days >= start)
        if not pd.isna(end):
            inside &= np.asarray(self.days <= end)
        return inside
