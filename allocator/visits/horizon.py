"""The plan's days, the months and weeks that visits are dealt to, and the windows of promises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocator.periods import Calendar

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

KINDS = ("week", "month", "quarter", "year")


@dataclass(frozen=True)
class Kind:
    """How promises per week, month, quarter or year divide the plan.

    Attributes
    ----------
    span : int array
        Spans (months, or weeks) in order.
    window : int array
        Window that each span belongs to.
    month : int array
        Month that each span belongs to.
    windows : int array
        Its windows, in order.
    factor : float array
        Times of the promise in each of its windows.
    """

    span: Ints
    window: Ints
    month: Ints
    windows: Ints
    factor: Floats


@dataclass(frozen=True)
class Horizon:
    """Days, spans and windows; days are counted from the plan's first day.

    Attributes
    ----------
    days : datetime64 array, shape (days,)
    working : bool array, shape (days,)
    month : int array, shape (days,)
    weekday : int array, shape (days,)
        0 is Monday.
    rank : int array, shape (days + 1,)
        Working days before each day.
    span_days : int array, shape (spans, longest)
        Working days of each month, then of each week; −1 beyond the last.
    span_size : int array, shape (spans,)
    span_first, span_last : int array, shape (spans,)
    window_first, window_last : int array, shape (windows,)
    label : object array, shape (windows,)
    kinds : dict of str to Kind
    """

    days: NDArray[np.datetime64]
    working: Bools
    month: Ints
    weekday: Ints
    rank: Ints
    span_days: Ints
    span_size: Ints
    span_first: Ints
    span_last: Ints
    window_first: Ints
    window_last: Ints
    label: NDArray[np.object_]
    kinds: dict[str, Kind]

    def worked(self, span: Ints, first: Ints | int, last: Ints | int) -> tuple[Ints, Ints]:
        """Working days of spans before ``first``, and from ``first`` to ``last``."""
        begin, end = self.span_first[span], self.span_last[span] + 1
        low = np.clip(first, begin, end)
        high = np.clip(np.asarray(last) + 1, low, end)
        return self.rank[low] - self.rank[begin], self.rank[high] - self.rank[low]


def make_horizon(calendar: Calendar) -> Horizon:
    """Divide a plan into spans and windows."""
    working, month, months = calendar.working, calendar.day_month, calendar.count
    iso = calendar.days.isocalendar()
    number = np.asarray(iso["year"] * 100 + iso["week"], np.int64)
    weeks = np.unique(number[working])
    homes = [int(np.bincount(month[working & (number == w)]).argmax()) for w in weeks]
    home = np.array(homes, np.int64)
    quarters = np.unique(np.array(calendar.quarters), return_inverse=True)[1].astype(np.int64)
    pieces = [month == t for t in range(months)] + [number == w for w in weeks]
    windows = [
        *pieces[:months],
        *(np.isin(month, np.flatnonzero(quarters == q)) for q in range(int(quarters.max()) + 1)),
        np.ones(len(month), bool),
        *pieces[months:],
    ]
    labels = [*calendar.months, *dict.fromkeys(calendar.quarters), f"{calendar.months[0]}/{calendar.months[-1]}"]
    labels += [f"{w // 100}-W{w % 100:02d}" for w in weeks.tolist()]
    size = np.array([int((p & working).sum()) for p in pieces], np.int64)
    days = np.full((len(pieces), max(int(size.max(initial=0)), 1)), -1, np.int64)
    for s, piece in enumerate(pieces):
        days[s, : size[s]] = np.flatnonzero(piece & working)
    return Horizon(
        days=calendar.days.to_numpy().astype("datetime64[D]"),
        working=working,
        month=month,
        weekday=np.asarray(calendar.days.day_of_week, np.int64),
        rank=np.concatenate([[0], np.cumsum(working)]).astype(np.int64),
        span_days=days,
        span_size=size,
        span_first=np.array([np.flatnonzero(p)[0] for p in pieces], np.int64),
        span_last=np.array([np.flatnonzero(p)[-1] for p in pieces], np.int64),
        window_first=np.array([np.flatnonzero(w)[0] for w in windows], np.int64),
        window_last=np.array([np.flatnonzero(w)[-1] for w in windows], np.int64),
        label=np.array(labels, object),
        kinds=_kinds(calendar, quarters, home),
    )


def _kinds(calendar: Calendar, quarters: Ints, home: Ints) -> dict[str, Kind]:
    months = calendar.count
    month = np.arange(months)
    quarter = np.arange(months, months + int(quarters.max()) + 1)
    year = np.array([quarter[-1] + 1])
    week = year[0] + 1 + np.arange(len(home))
    in_quarter = np.bincount(quarters)
    return {
        "week": Kind(months + np.arange(len(home)), week, home, week, np.ones(len(home))),
        "month": Kind(month, month, month, month, np.ones(months)),
        "quarter": Kind(month, quarter[quarters], month, quarter, in_quarter / 3),
        "year": Kind(month, np.repeat(year, months), month, year, np.array([months / 12])),
    }
