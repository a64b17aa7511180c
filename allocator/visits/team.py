"""Reps by day: who is there, who covers for whom, and how much fits into a day and a month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.formulation.grain import make_people
from allocator.model import Model
from allocator.visits.horizon import Bools, Floats, Horizon, Ints

UNLIMITED = 1_000_000


@dataclass(frozen=True)
class Team:
    """Reps.

    Attributes
    ----------
    code : object array, shape (reps,)
    backup : int array, shape (reps,)
        Of those of his clients who have none of their own; −1 for none.
    own : bool array, shape (reps, days)
        Days on which the rep can visit.
    day_minutes : int array, shape (reps,)
        Selling minutes of a day.
    day_visits : int array, shape (reps,)
    month_minutes : int array, shape (reps, months)
        Minutes of the month's hours.
    new : bool array, shape (reps, months)
        Whether the rep is in the ramp.
    """

    code: NDArray[np.object_]
    backup: Ints
    own: Bools
    day_minutes: Ints
    day_visits: Ints
    month_minutes: Floats
    new: Bools

    def only(self, reps: Ints) -> Team:
        """Return some of the reps, who have no backups but each other."""
        place = np.full(len(self.code) + 1, -1, np.int64)
        place[reps] = np.arange(len(reps))
        picked = {
            name: getattr(self, name)[reps]
            for name in ("code", "own", "day_minutes", "day_visits", "month_minutes", "new")
        }
        return Team(backup=place[self.backup[reps]], **picked)

    def covers(self, owner: Ints, backup: Ints) -> Bools:
        """Days on which backups cover for owners: the owner is away, the backup is there; shape (pairs, days), −1 is nobody."""
        there = np.append(self.own, np.zeros((1, self.own.shape[1]), bool), axis=0)
        return np.asarray(there[backup] & ~there[owner] & (owner >= 0)[:, None])


def make_team(model: Model, horizon: Horizon) -> Team:
    """Derive the reps' days and limits of a model."""
    reps, people = model["reps"], make_people(model)
    days = horizon.days
    first, last = (reps[c].to_numpy().astype("datetime64[D]")[:, None] for c in ("start", "end"))
    own = ((days >= first) | np.isnat(first)) & ((days <= last) | np.isnat(last)) & horizon.working
    leave = model["leave"]
    away = positions(people.code, leave["rep"])
    spans = (leave[c].to_numpy().astype("datetime64[D]") for c in ("from", "to"))
    for rep, start, end in zip(away, *spans, strict=True):
        own[rep] &= ~((days >= start) & (days <= end))
    backup = np.asarray(people.backup, np.int64)
    visits = reps["visits_per_day"].to_numpy(float)
    selling = (reps["hours_per_day"] * reps["selling_share"]).to_numpy(float)
    return Team(
        code=people.code,
        backup=backup,
        own=own,
        day_minutes=np.floor(60 * selling + 1e-6).astype(np.int64),
        day_visits=np.floor(np.where(np.isnan(visits), UNLIMITED, visits)).astype(np.int64),
        month_minutes=60 * np.asarray(people.hours, float),
        new=np.asarray(people.ramp < 1, bool),
    )
