"""Promises: totals over some months that must, or should, come out at a whole number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocator.program import Floats, Ints
from allocator.rounding.network import Bools, Network
from allocator.rounding.pins import Pins

NOISE = np.array([1e-6, 1e-4])
"""Cells and totals this near to a whole number are it."""


@dataclass(frozen=True)
class Promises:
    """Totals over some months that must lie between two whole numbers (from the cells' multiples below).

    Attributes
    ----------
    level, total : int array, shape (promises,)
    months : bool array, shape (promises, months)
    least, most : float array, shape (promises,)
        Equal for a pin; ``least`` is −inf where the pin of a level above is only not to be exceeded.
    pinned : bool array, shape (promises,)
        Whether a pin asks for it; else it is a wish.
    """

    level: Ints
    total: Ints
    months: Bools
    least: Floats
    most: Floats
    pinned: Bools

    def and_whole(self, network: Network, below: Ints, part: Floats) -> Promises:
        """Add the wish that quarters and years that are multiples stay so: what was asked for in round numbers is published so.

        Parameters
        ----------
        network : Network
        below : int array, shape (levels, cells, months)
            Multiples below the exact numbers.
        part : float array, shape (levels, cells, months)
            What the exact numbers have above them.
        """
        count = part.shape[2]
        first = np.arange(0, count, 3)
        windows = np.vstack([np.arange(count) // 3 == q for q in range(len(first))] + [np.ones(count, bool)])
        due, size, free = (
            network.totals(table @ windows.T)[:, network.cells :]
            for table in (part, np.abs(below).astype(float), (part > 0).astype(float))
        )
        whole = np.abs(due - np.rint(due)) <= np.minimum(NOISE[1] + 1e-9 * size, 1e-2)
        level, total, window = np.nonzero(whole & (free > 0))
        wish = np.rint(due[level, total, window])
        return Promises(
            np.concatenate([self.level, level]),
            np.concatenate([self.total, total + network.cells]),
            np.concatenate([self.months, windows[window]]),
            np.concatenate([self.least, wish]),
            np.concatenate([self.most, wish]),
            np.concatenate([self.pinned, np.zeros(len(level), bool)]),
        )


def pinned(network: Network, pins: Pins, below: Ints, carried: Ints, multiple: int) -> Promises:
    """Pins as promises: equal at their own level, from above at the levels below it.

    Parameters
    ----------
    network : Network
    pins : Pins
    below : int array, shape (levels, cells, months)
        Multiples below the exact numbers.
    carried : int array, shape (levels, cells, months)
        Minor units that cells carry beside their multiples.
    multiple : int
        ``rounding`` in minor units.
    """
    level, pin = (x.ravel() for x in np.indices((len(below), len(pins.level))))
    some = level <= pins.level[pin]
    level, pin = level[some], pin[some]
    cuts = Pins(level, pins.total[pin], pins.months[pin], pins.amount[pin])
    room = cuts.amount - cuts.sums(network.totals(carried))
    counted = cuts.sums(network.totals(below))
    least = np.where(level == pins.level[pin], -(-room // multiple) - counted, -np.inf)
    most = (room // multiple - counted).astype(float)
    return Promises(level, cuts.total, cuts.months, least, most, np.ones(len(level), bool))
