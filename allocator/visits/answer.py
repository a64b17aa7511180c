"""The schedule as frames: visits with their purposes, what has no day and why, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.visits.horizon import Bools, Ints

PURPOSES = ("executive", "mentoring", "renewal", "recovery", "prospect", "promised", "extra")
"""The first that holds is the purpose of a visit."""
REASONS = ("not planned", "no day in the window", "rep full", "executive full")
VISITS = ("date", "rep", "client", "tier", "purpose", "minutes", "owner", "with", "promised", "window")
UNPLACED = ("client", "rep", "window", "reason", "tier", "purpose", "minutes", "owner", "promised")


@dataclass(frozen=True)
class Schedule:
    """Dated visits of a plan.

    Attributes
    ----------
    visits : DataFrame
        date, rep, client, tier, purpose, minutes, owner, with, promised (yes or no), window; by rep, date, and the order of the day.
        Labels are categories.
    unplaced : DataFrame
        client, rep, window, reason, tier, purpose, minutes, owner, promised; one row is a visit without a day.
    figures : mapping
        promised, scheduled, unplaced (of promised visits: the first is the sum of the others), visits, unplaced_other, reps,
        reps_by_rows, rows_share, repaired, exchanged (dated by the other of owner and backup), cost and bound (of the reps' own days,
        section 3 and 4 of docs/schedule.md), gap (as a share of the cost), reps_proved and proved_share (reps whose dates are proved
        the best), kilometres and areas_per_day (None where places are not known), moved (None without a kept run), executive, mentoring.
    """

    visits: pd.DataFrame
    unplaced: pd.DataFrame
    figures: Mapping[str, Any]


@dataclass(frozen=True)
class Lines:
    """Visits, dated or not, as numbers; all arrays have one length.

    ``kind`` is 0 for an ordinary visit, 1 with an executive, 2 with a mentor; ``companion`` indexes ``companions``.
    """

    member: Ints
    window: Ints
    day: Ints
    rep: Ints
    owner: Ints
    minutes: Ints
    first: Bools
    kind: Ints
    companion: Ints
    reason: Ints
    promised: Bools

    def take(self, rows: Ints) -> Lines:
        """Return some of the visits."""
        return Lines(**{name: values[rows] for name, values in vars(self).items()})


@dataclass(frozen=True)
class Names:
    """What numbers stand for.

    Attributes
    ----------
    days : datetime64 array
    rep, tier, window, companions : object arrays
    client : object array, shape (members,)
    tier_of : int array, shape (members,)
    lost : bool array, shape (members,)
    renewal_from, renewal_to : int array, shape (members,)
        Days of the renewal series; empty (from > to) without one.
    tour : int array, shape (members,)
        Order of clients within a day.
    """

    days: NDArray[np.datetime64]
    rep: NDArray[np.object_]
    tier: NDArray[np.object_]
    window: NDArray[np.object_]
    companions: NDArray[np.object_]
    client: NDArray[np.object_]
    tier_of: Ints
    lost: Bools
    renewal_from: Ints
    renewal_to: Ints
    tour: Ints


def purposes(lines: Lines, names: Names) -> Ints:
    """Number of each visit's purpose."""
    member, day = lines.member, lines.day
    series = (day >= 0) & (day >= names.renewal_from[member]) & (day <= names.renewal_to[member])
    conditions = [
        lines.kind == 1,
        lines.kind == 2,
        series & ~lines.first,
        lines.first & names.lost[member],
        lines.first,
        lines.promised,
    ]
    return np.select(conditions, list(range(len(conditions))), default=len(conditions))


def visits_frame(lines: Lines, names: Names) -> pd.DataFrame:
    """Dated visits as ``visits.csv`` holds them."""
    order = np.lexsort((names.tour[lines.member], lines.day, lines.rep))
    lines = lines.take(order[lines.day[order] >= 0])
    return pd.DataFrame(
        {
            "date": pd.DatetimeIndex(names.days.astype("datetime64[s]"))[lines.day],
            "rep": _labels(lines.rep, names.rep),
            "client": _labels(lines.member, names.client),
            "tier": _labels(names.tier_of[lines.member], names.tier),
            "purpose": _labels(purposes(lines, names), PURPOSES),
            "minutes": lines.minutes,
            "owner": _labels(lines.owner, names.rep),
            "with": _labels(lines.companion, names.companions),
            "promised": _labels(lines.promised.astype(np.int64), ("no", "yes")),
            "window": _labels(lines.window, names.window),
        },
        columns=list(VISITS),
    )


def unplaced_frame(lines: Lines, names: Names) -> pd.DataFrame:
    """Visits without a day as ``unplaced.csv`` holds them."""
    order = np.lexsort((lines.window, names.tour[lines.member], lines.owner))
    lines = lines.take(order[lines.day[order] < 0])
    purpose = purposes(lines, names)
    purpose = np.where(lines.kind == 3, PURPOSES.index("renewal"), purpose)
    rep = np.where(lines.rep >= 0, lines.rep, lines.owner)
    return pd.DataFrame(
        {
            "client": _labels(lines.member, names.client),
            "rep": _labels(rep, names.rep),
            "window": _labels(lines.window, names.window),
            "reason": _labels(lines.reason, REASONS),
            "tier": _labels(names.tier_of[lines.member], names.tier),
            "purpose": _labels(purpose, PURPOSES),
            "minutes": lines.minutes,
            "owner": _labels(lines.owner, names.rep),
            "promised": _labels(lines.promised.astype(np.int64), ("no", "yes")),
        },
        columns=list(UNPLACED),
    )


def _labels(codes: Ints, names: NDArray[np.object_] | tuple[str, ...]) -> pd.Categorical:
    """Codes with their names; −1 is the empty name."""
    values = list(dict.fromkeys([*names, ""])) if (codes < 0).any() else list(names)
    at = np.where(codes < 0, values.index("") if "" in values else -1, codes)
    return pd.Categorical.from_codes(at.astype(np.int32), categories=pd.Index(values, dtype=object))
