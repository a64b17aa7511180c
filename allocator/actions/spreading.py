"""Amounts of months spread over days in whole steps, and running totals dealt to parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.breaking_down import Floats, Ints, Rhythm

DECIMALS = 6
"""Decimals of a running total that count, so that the engine's last digits do not move a step to another day."""


@dataclass(frozen=True)
class Spread:
    """The days on which somebody works, the part of the month that each rep has behind him then, and the periods to tell.

    Attributes
    ----------
    rhythm : Rhythm
    day : int array, shape (points,)
        Positions of days.
    part : float array, shape (reps, points)
    periods : DataFrame
        kind, period, first, last.
    """

    rhythm: Rhythm
    day: Ints
    part: Floats
    periods: pd.DataFrame

    @property
    def month(self) -> Ints:
        """Month of each point."""
        return self.rhythm.month[self.day]

    def running(self, amount: Floats, rep: Ints | None = None) -> Floats:
        """Sum of what is done after each point, shape (rows, points).

        Parameters
        ----------
        amount : float array, shape (rows, months)
        rep : int array, optional
            Rep of each row; the rows are the reps otherwise.
        """
        part = self.part if rep is None else self.part[rep]
        total = np.concatenate([np.zeros((len(amount), 1)), np.cumsum(amount, axis=1)], axis=1)
        return np.asarray(total[:, self.month] + amount[:, self.month] * part)

    def whole(self, amount: Floats, step: float = 1.0) -> Ints:
        """Steps done after each point: the whole number nearest to the running total (half up), shape (rows, points)."""
        return nearest(self.running(amount) / step)

    def over_periods(self, running: NDArray[Any]) -> NDArray[Any]:
        """What falls in each period, from running totals of shape (…, points); shape (…, periods)."""
        so_far = np.concatenate([np.zeros((*running.shape[:-1], 1), running.dtype), running], axis=-1)
        first, last = (self.periods[c].to_numpy() for c in ("first", "last"))
        before, after = np.searchsorted(self.day, first), np.searchsorted(self.day, last, side="right")
        return np.asarray(so_far[..., after] - so_far[..., before])


def make_spread(rhythm: Rhythm, periods: pd.DataFrame) -> Spread:
    """Take the days that somebody works as points."""
    day = np.flatnonzero(rhythm.worked.any(axis=0))
    return Spread(rhythm, day, rhythm.done[:, day] / rhythm.of[:, day], periods)


def nearest(value: Floats) -> Ints:
    """Whole number nearest to each value, half up."""
    return np.asarray(np.floor(np.round(value, DECIMALS) + 0.5), np.int64)


def deal(total: Ints, exact: Floats) -> Ints:
    """Deal whole running totals to parts so that nothing is ever taken back and every part stays near its own running total.

    At each point every part first gets the whole steps that it lacks; what is left over goes, one by one, to the part that lacks most
    (what is short comes from the parts that lack least). With ``total`` the nearest whole number to the sum of the parts, a
    part never gets a step that it has nothing of.

    Parameters
    ----------
    total : int array, shape (rows, points)
        Does not fall.
    exact : float array, shape (rows, parts, points)
        In steps; does not fall.

    Returns
    -------
    int array, shape (rows, parts, points)
        Running totals of the parts; they add up to ``total``.
    """
    dealt = np.zeros(exact.shape, np.int64)
    given = np.zeros(exact.shape[:2], np.int64)
    for k in range(exact.shape[2]):
        lacking = np.round(exact[:, :, k], DECIMALS) - given
        take = np.floor(np.maximum(lacking, 0.0)).astype(np.int64)
        rest = lacking - take
        left = total[:, k] - given.sum(axis=1) - take.sum(axis=1)
        while (more := np.flatnonzero(left > 0)).size:
            part = rest[more].argmax(axis=1)
            take[more, part] += 1
            rest[more, part] -= 1.0
            left[more] -= 1
        while (less := np.flatnonzero(left < 0)).size:
            part = np.where(take[less] > 0, rest[less], np.inf).argmin(axis=1)
            take[less, part] -= 1
            rest[less, part] += 1.0
            left[less] += 1
        given += take
        dealt[:, :, k] = given
    return dealt


def dealt(spread: Spread, amount: Floats, step: float) -> Ints:
    """Running totals in whole steps of amounts of shape (reps, parts, months): the sum is rounded, then dealt to the parts."""
    exact = np.stack([spread.running(amount[:, k]) for k in range(amount.shape[1])], axis=1) / step
    return deal(nearest(exact.sum(axis=1)), exact)
