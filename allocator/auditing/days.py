"""Days and periods, and money in whole parts (sections 6 and 7 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools, Floats, Ints
from allocator.auditing.people import days_there
from allocator.model import Model

FINEST = 9
"""Most decimals of money that are told apart."""


@dataclass(frozen=True)
class Money:
    """Money in whole parts: ``of_one`` of them make one, ``step`` of them the rounding."""

    of_one: int
    step: int

    def parts(self, amount: Floats) -> Ints:
        """Parts nearest to amounts."""
        return np.asarray(np.rint(np.asarray(amount) * self.of_one), np.int64)

    def whole(self, amount: Floats) -> Bools:
        """Whether amounts are whole parts, to the last digit of a double."""
        return np.asarray(np.isclose(amount, self.parts(amount) / self.of_one, rtol=1e-14, atol=0.0))


def money_of(model: Model) -> Money:
    """Hundredths, or finer parts if the rounding is finer."""
    rounding = Decimal(str(model.settings.rounding))
    exponent = rounding.normalize().as_tuple().exponent
    of_one = 10 ** min(max(-int(exponent), 2), FINEST)
    return Money(of_one, max(round(rounding * of_one), 1))


@dataclass(frozen=True)
class Days:
    """The days of the plan and the periods made of them.

    Attributes
    ----------
    month : int array, shape (days,)
    worked : bool array, shape (reps, days)
        Days to which the months of a rep go; every month has one at least.
    done, of : int array, shape (reps, days)
        How many of them in the month have come, the day included, and how many the month has.
    periods : Index
        Labels: ``2026``, ``2026-Q1``, ``2026-03``, ``2026-03-T1``, ``2026-W10``, ``2026-03-14``.
    kind : object array, shape (periods,)
    first, last : int array, shape (periods,)
        Positions of days.
    """

    month: Ints
    worked: Bools
    done: Ints
    of: Ints
    periods: pd.Index[Any]
    kind: np.ndarray[Any, np.dtype[np.object_]]
    first: Ints
    last: Ints

    def of_kinds(self, kinds: Sequence[str]) -> Ints:
        """Positions of the periods of some kinds."""
        return np.flatnonzero(np.isin(self.kind.astype(str), kinds))

    def running(self, monthly: Floats, at: Ints) -> Floats:
        """What of amounts by rep and month falls in some periods if days share alike, shape (…, reps, periods)."""
        before = np.cumsum(monthly, axis=-1) - monthly
        end, begin = self.last[at], self.first[at]
        ended = before[..., self.month[end]] + monthly[..., self.month[end]] * (self.done / self.of)[:, end]
        started = (self.done - self.worked)[:, begin] / self.of[:, begin]
        return np.asarray(ended - before[..., self.month[begin]] - monthly[..., self.month[begin]] * started)

    def stepped(self, monthly: Ints, at: Ints) -> Ints:
        """The same of whole amounts, each day's running total being the nearest whole number, half up."""
        before = np.cumsum(monthly, axis=-1) - monthly

        def total(day: Ints, done: Ints) -> Ints:
            of, amount = self.of[:, day], monthly[..., self.month[day]]
            return np.asarray(before[..., self.month[day]] + (2 * amount * done + of) // (2 * of))

        begin, end = self.first[at], self.last[at]
        return total(end, self.done[:, end]) - total(begin, (self.done - self.worked)[:, begin])


def lay_out_days(model: Model) -> Days:
    """Find every rep's days of every month, and the periods."""
    cal = model.calendar
    inside, there = days_there(model)
    size = inside.shape
    choices = np.stack(
        [there & cal.working, inside & cal.working, inside, np.broadcast_to(cal.working, size), np.ones(size)]
    )
    of_month = np.zeros((size[1], cal.count))
    of_month[np.arange(size[1]), cal.day_month] = 1.0
    first = np.argmax(choices @ of_month > 0, axis=0)  # the first choice that gives the month a day
    rep, day = np.indices(size)
    worked = choices[first[:, cal.day_month], rep, day] > 0
    of = (worked @ of_month).astype(np.int64)[:, cal.day_month]
    begins = np.searchsorted(cal.day_month, cal.day_month)
    so_far = np.cumsum(worked, axis=1)
    done = so_far - (so_far - worked)[:, begins]
    labels = _labels(model)
    found = []
    for kind, names in labels.items():
        codes, unique = pd.factorize(names)
        begin = np.searchsorted(codes, np.arange(len(unique)))
        end = np.searchsorted(codes, np.arange(len(unique)), side="right") - 1
        found.append(pd.DataFrame({"period": unique, "kind": kind, "first": begin, "last": end}))
    table = pd.concat(found, ignore_index=True)
    periods = pd.Index(table["period"].to_numpy(object))
    bounds = (table[c].to_numpy(np.int64) for c in ("first", "last"))
    return Days(cal.day_month, worked, done.astype(np.int64), of, periods, table["kind"].to_numpy(object), *bounds)


def _labels(model: Model) -> Mapping[str, np.ndarray[Any, Any]]:
    """Period of every kind that holds each day."""
    cal = model.calendar
    iso = cal.days.isocalendar()
    third = np.minimum((cal.days.day.to_numpy() - 1) // 10, 2) + 1
    return {
        "year": np.array(cal.years, object)[cal.day_month],
        "quarter": np.array(cal.quarters, object)[cal.day_month],
        "month": np.array(cal.months, object)[cal.day_month],
        "third": np.array([f"{d:%Y-%m}-T{k}" for d, k in zip(cal.days, third, strict=True)], object),
        "week": np.array([f"{y}-W{w:02d}" for y, w in zip(iso["year"], iso["week"], strict=True)], object),
        "day": np.array([f"{d:%Y-%m-%d}" for d in cal.days], object),
    }
