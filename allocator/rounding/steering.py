"""Month after month: whole numbers near exact ones, with the error of the other months steering each.

Everything is counted in multiples of ``rounding`` and from each cell's multiple below its exact number, so numbers stay small
however much money there is: what a cell's exact number has above that multiple is its ``part`` (0 ≤ part < 1), and it takes 0 or 1
of it.
"""

from __future__ import annotations

import numpy as np

from allocator.program import Floats, Ints
from allocator.rounding.network import Bools, Network
from allocator.rounding.promises import NOISE, Promises

TOGETHER = 4.0
"""A total of all products counts as much as so many of one product."""
PINNED = 5.0
"""A pinned total counts as much as so many others on the way through its period."""
OUTSIDE, UNWISHED, BROKEN = 1e5, 1e6, 1e8
"""Costs of leaving a neighbouring multiple, of a wish, and of breaking a pin."""
ALLOWED = np.array([4.9, 1.9])
"""Error of a quarter or year, in multiples, from which months are done again: of one product, of all together."""
AGAIN = 4
"""After so many times in a row without gain, months are not done again."""


class Steering:
    """The table while it is being rounded.

    Parameters
    ----------
    network : Network
    part : float array, shape (levels, cells, months)
        What each cell's exact number has above its multiple.
    least : int array, shape (levels, cells, months)
        What a cell takes at least.
    rise : int array, shape (levels, cells, months)
        A cell of a level takes at least what the level below takes − rise (levels above the first).
    fixed : bool array, shape (levels, cells, months)
        Cells that take nothing.
    promises : Promises
    """

    def __init__(
        self, network: Network, part: Floats, least: Ints, rise: Ints, fixed: Bools, promises: Promises
    ) -> None:
        self.network, self.part, self.least, self.rise = network, part, least, rise
        self.promises = promises
        self.most: Ints = np.where(fixed, 0, 10**6)
        self.exact: Floats = network.totals(part)
        self.taken: Ints = np.zeros(self.exact.shape, np.int64)
        self.error: Floats = np.zeros_like(self.exact)
        self.done: Bools = np.zeros((len(part), part.shape[2]), bool)
        self.weight: Floats = (
            np.where(network.together, TOGETHER, 1.0) * np.sqrt(network.size) * np.ones((len(part), 1))
        )
        self.noise: Floats = NOISE[(np.arange(len(network.together)) >= network.cells).astype(int)]
        # A promise as bounds of the error, and the last month that can settle it.
        at = (promises.level, promises.total)
        due = (self.exact[at] * promises.months).sum(axis=1)
        self.bounds = promises.least - due, promises.most - due
        loose = network.totals(np.where(fixed, 0, part > 0))
        free = (loose[at] > 0) & promises.months
        possible = np.where(free.any(axis=1, keepdims=True), free, promises.months)
        self.last: Ints = possible.shape[1] - 1 - np.argmax(possible[:, ::-1], axis=1)

    def run(self) -> Ints:
        """Round every month of every level and return what the cells take, shape (levels, cells, months)."""
        levels, months = self.done.shape
        for level in range(levels):
            if level:  # until a month is done, it is expected to err as the level below does
                self.error[level] = self.error[level - 1]
            for month in range(months):
                self.round_month(level, month)
        best, kept, vain = np.inf, self.taken, 0
        while True:
            wide, broken, faults = self._faults()
            vain = 0 if faults < best - 0.5 else vain + 1
            if not vain:
                best, kept = faults, self.taken.copy()
            if not best or vain == AGAIN:
                return kept[:, : self.network.cells]
            for level in np.flatnonzero(wide).tolist():
                for month in range(months):
                    self.round_month(level, month, give=True)
            for level, month in np.argwhere(broken).tolist():
                self._mend_month(level, month)

    def _mend_month(self, level: int, month: int) -> None:
        """Round a month in which a pin is broken: its level before all others, which follow, and cells may give."""
        self.round_month(level, month, above=False, below=False, give=True, settle=True)
        for lower in range(level - 1, -1, -1):
            self.round_month(lower, month, below=False, give=True, settle=True)
        for upper in range(level + 1, len(self.done)):
            self.round_month(upper, month, above=False, give=True, settle=True)

    def round_month(
        self,
        level: int,
        month: int,
        *,
        above: bool = True,
        below: bool = True,
        give: bool = False,
        settle: bool = False,
    ) -> None:
        """Round one month of one level, given all others.

        Parameters
        ----------
        level, month : int
        above, below : bool
            Whether the cells keep to the level above and below.
        give : bool
            Whether cells may go one beyond their neighbouring multiples, dearly.
        settle : bool
            Whether this month must make good what is missing at every pin, not only at those that no later month can.
        """
        low, high = self._neighbours(level, month)
        pinned, pinned_error, settled = self._promised(level, month, low, high, settle=settle)
        least, most = self._levels(level, month, above=above, below=below)
        cells = self.network.cells
        low[:cells] = np.clip(low[:cells], least, most)
        high[:cells] = np.clip(high[:cells], low[:cells], most)
        exact, error, first = self.exact[level, :, month], self.error[level], month // 3 * 3
        year = error.sum(axis=1) - error[:, month]
        quarter = error[:, first : first + 3].sum(axis=1) - error[:, month]

        def price(count: Ints) -> Floats:
            """Cost of one more than ``count``: the growth of the errors' squares, and of the month's fourth power."""
            e = count - exact
            squares = 2 * (year + quarter + 2 * e + 1) + pinned * (2 * (pinned_error + e) + 1)
            return np.asarray(self.weight[level] * (squares + 1 + e * (4 + e * (6 + 4 * e))))

        outside = np.maximum(settled, OUTSIDE)
        outside[:cells] = OUTSIDE / 2
        found = self.network.flow(
            low,
            high > low,
            price(low),
            outside + price(high),
            outside - price(low - 1),
            give & (high[:cells] < most),
            give & (low[:cells] > least),
        )
        self.taken[level, :, month] = found
        self.error[level, :, month] = found - exact
        self.done[level, month] = True

    def _neighbours(self, level: int, month: int) -> tuple[Ints, Ints]:
        """Whole neighbours of every total; above the first level those of what comes on top of the level below."""
        exact, start = self.exact[level, :, month], np.zeros(len(self.noise), np.int64)
        if level:
            exact, start = exact - self.exact[level - 1, :, month], self.taken[level - 1, :, month]
        low = start + np.floor(exact + self.noise).astype(np.int64)
        return low, np.maximum(low, start + np.ceil(exact - self.noise).astype(np.int64))

    def _levels(self, level: int, month: int, *, above: bool, below: bool) -> tuple[Ints, Ints]:
        """Least and most of every cell: not negative, in the order of the levels, and nothing where it is fixed."""
        cells = self.network.cells
        least, most = self.least[level, :, month].copy(), self.most[level, :, month].copy()
        if level and below:
            np.maximum(least, self.taken[level - 1, :cells, month] - self.rise[level, :, month], out=least)
        if above and level + 1 < len(self.done) and self.done[level + 1, month]:
            np.minimum(most, self.taken[level + 1, :cells, month] + self.rise[level + 1, :, month], out=most)
        return least, np.maximum(least, most)

    def _promised(
        self, level: int, month: int, low: Ints, high: Ints, *, settle: bool
    ) -> tuple[Floats, Floats, Floats]:
        """Weight of what is promised, its error so far, and the cost of breaking what this month settles by narrower bounds."""
        promises, exact = self.promises, self.exact[level, :, month]
        weight, so_far = np.zeros(len(low)), np.zeros(len(low))
        cost = np.zeros(len(low))
        k = np.flatnonzero((promises.level == level) & promises.months[:, month])
        if not len(k):
            return weight, so_far, cost
        total, error = promises.total[k], self.error[level]
        others = (error[total] * promises.months[k]).sum(axis=1) - error[total, month]
        least, most = (bound[k] - others for bound in self.bounds)
        now = (self.last[k] == month) | settle
        later = ~now & (promises.least[k] == promises.most[k])
        weight[total[later]] = PINNED
        so_far[total[later]] = -least[later]
        np.maximum.at(cost, total[now], np.where(promises.pinned[k], BROKEN, UNWISHED)[now])
        settled = cost > 0
        floor, cap = np.full(len(low), -np.inf), np.full(len(low), np.inf)
        np.maximum.at(floor, total[now], np.rint(least[now] + exact[total[now]]))
        np.minimum.at(cap, total[now], np.rint(most[now] + exact[total[now]]))
        for bound in (low, high):
            bound[settled] = np.clip(bound[settled], floor[settled], np.maximum(floor, cap)[settled]).astype(np.int64)
        high[settled] = np.minimum(high, low + 1)[settled]
        return weight, so_far, cost

    def _faults(self) -> tuple[Bools, Bools, float]:
        """Levels with totals whose error is too large, which count more from now on; months with broken pins; how bad it is."""
        promises, months = self.promises, self.done.shape[1]
        error = (self.error[promises.level, promises.total] * promises.months).sum(axis=1)
        missing = np.maximum(self.bounds[0] - error, error - self.bounds[1]) * promises.pinned
        wrong = missing > 0.5
        broken = np.zeros_like(self.done)
        np.logical_or.at(broken, promises.level[wrong], promises.months[wrong])
        allowed = ALLOWED[self.network.together.astype(int)]
        quarters = np.add.reduceat(self.error, np.arange(0, months, 3), axis=2)
        wide = (np.abs(self.error) > ALLOWED[1]).any(axis=2)
        wide |= (np.abs(quarters) > allowed[:, None]).any(axis=2) | (np.abs(self.error.sum(axis=2)) > allowed)
        self.weight[wide] *= 4
        return wide.any(axis=1), broken, 100 * float(missing[wrong].sum()) + float(wide.sum())
