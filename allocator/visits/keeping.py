"""A run that is kept: its dates are the ideal ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.visits.horizon import Bools, Horizon, Ints
from allocator.visits.items import Wanted
from allocator.visits.rings import Rings
from allocator.visits.tasks import NOT_KEPT

DAYS = 400
"""More days than a plan has; ``member · DAYS + day`` names a client's day."""


@dataclass(frozen=True)
class Kept:
    """Dates of a kept run.

    Attributes
    ----------
    member, day : int array, shape (visits,)
        By member and day; clients whom this plan does not have are left out, and days on which they are no clients.
    purpose : object array, shape (visits,)
        Blank where the kept run does not say it.
    promised : bool array, shape (visits,)
        Whether they counted for a promise; where the kept run does not say it, they did.
    """

    member: Ints
    day: Ints
    purpose: NDArray[np.object_]
    promised: Bools

    @property
    def key(self) -> Ints:
        """``member · DAYS + day`` of each visit; sorted."""
        return self.member * DAYS + self.day


def read_kept(keep: pd.DataFrame, names: NDArray[np.object_], horizon: Horizon, rings: Rings) -> Kept:
    """Read client, date and purpose of a kept ``visits`` frame; ``names`` are this plan's clients, in the order of the rings."""
    member = positions(names, keep["client"].astype(object))
    dates = pd.to_datetime(keep["date"]).to_numpy().astype("datetime64[D]")
    day = (dates - horizon.days[0]).astype(np.int64)
    first, last = (np.append(np.repeat(days, rings.size), 0)[member] for days in (rings.first_day, rings.last_day))
    here = (member >= 0) & (day >= first) & (day <= last)
    purpose = keep["purpose"].astype(object).to_numpy() if "purpose" in keep else np.full(len(keep), "", object)
    promised = keep["promised"].astype(str).to_numpy() != "no" if "promised" in keep else np.ones(len(keep), bool)
    here = np.flatnonzero(here)
    here = here[np.lexsort((day[here], member[here]))]
    return Kept(member[here], day[here], purpose[here], promised[here])


def joint_costs(kept: Kept | None, purpose: str, member: Ints, day: Ints) -> Ints:
    """Costs of joint visits on days on which the kept run does not have the client, and on those on which it has no such visit."""
    if kept is None:
        return np.zeros(len(day), np.int64)
    key = member * DAYS + day
    other_day = ~np.isin(key, kept.key)
    other_visit = ~np.isin(key, kept.key[kept.purpose == purpose])
    return np.asarray(NOT_KEPT * (other_day.astype(np.int64) + other_visit))


def with_kept_days(horizon: Horizon, wanted: Wanted, kept: Kept) -> Wanted:
    """Put visits where the kept run has those of the same client and window, in order."""
    first, last = horizon.window_first[wanted.window], horizon.window_last[wanted.window]
    order = np.lexsort((wanted.day, wanted.window, wanted.member))
    key = kept.key
    begin = np.searchsorted(key, wanted.member * DAYS + first)
    end = np.searchsorted(key, wanted.member * DAYS + last, side="right")
    pair = np.cumsum(
        (np.diff(wanted.member[order], prepend=-1) != 0) | (np.diff(wanted.window[order], prepend=-1) != 0)
    )
    place = np.arange(len(order)) - np.searchsorted(pair, pair)
    at = begin[order] + place
    found = at < end[order]
    day, span = wanted.day.copy(), wanted.span.copy()
    rows = order[found]
    day[rows] = kept.day[at[found]]
    months = int(horizon.month[-1]) + 1
    monthly = rows[span[rows] < months]
    span[monthly] = horizon.month[day[monthly]]
    loose = wanted.loose.copy()
    loose[order] = (end > begin)[order] & ~found
    return replace(wanted, day=day, span=span, loose=loose)


def moved_visits(kept: Kept, member: Ints, window: Ints, day: Ints, window_first: Ints, window_last: Ints) -> int:
    """Visits that are not on a day on which the client was visited, of those that both runs have in a window."""
    if not len(member):
        return 0
    pairs, pair = np.unique(np.stack([member, window]), axis=1, return_inverse=True)
    now = np.bincount(pair, minlength=pairs.shape[1])
    key = kept.key
    begin = np.searchsorted(key, pairs[0] * DAYS + window_first[pairs[1]])
    end = np.searchsorted(key, pairs[0] * DAYS + window_last[pairs[1]], side="right")
    same = np.bincount(pair, weights=np.isin(member * DAYS + day, key), minlength=pairs.shape[1])
    return int(np.maximum(np.minimum(now, end - begin) - same, 0).sum())
