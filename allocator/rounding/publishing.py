"""Published quotas: multiples of ``rounding`` whose totals stay near the exact ones, and pins to the minor unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.program import Floats, Ints
from allocator.rounding.mending import mend
from allocator.rounding.network import Network, make_network
from allocator.rounding.pins import MINOR, read_pins, remainders
from allocator.rounding.promises import pinned
from allocator.rounding.steering import Steering

LEVELS = ("base", "stretch", "ceiling")


@dataclass(frozen=True)
class Layout:
    """Where the rows of a table of quotas stand in an array of levels, cells (rep, product) and months.

    Attributes
    ----------
    network : Network
    levels : list of str
        Those that occur, from base upwards.
    months : int
    place : tuple of int array, each of shape (rows,)
        Level, cell and month of every row.
    """

    network: Network
    levels: list[str]
    months: int
    place: tuple[Ints, Ints, Ints]

    def spread(self, values: Floats) -> Floats:
        """Array of what the rows hold; 0 where there is no row."""
        out = np.zeros((len(self.levels), self.network.cells, self.months), values.dtype)
        out[self.place] = values
        return out


def lay_out_quotas(model: Model, quotas: pd.DataFrame) -> Layout:
    """Find the place of every row."""
    network = make_network(model)
    levels = [x for x in LEVELS if (quotas["level"] == x).any()]
    known = {"level": levels, "rep": network.reps, "product": network.products, "month": list(model.calendar.months)}
    at = {column: pd.Index(codes).get_indexer(pd.Index(quotas[column])) for column, codes in known.items()}
    place = (at["level"], at["rep"] * len(network.products) + at["product"], at["month"])
    return Layout(network, levels, model.settings.months, place)


def round_quotas(model: Model, quotas: pd.DataFrame) -> Floats:
    """Round quotas.

    Parameters
    ----------
    model : Model
    quotas : DataFrame
        rep, product, month, level, exact; and ``fixed`` (bool) where some rows are published as they are.

    Returns
    -------
    float array, shape (rows,)
        The published numbers, multiples of the minor unit, in the order of the rows.
    """
    if quotas.empty:
        return np.zeros(0)
    layout, multiple = lay_out_quotas(model, quotas), minor_units(model)
    network = layout.network
    exact = layout.spread(np.maximum(quotas["exact"].to_numpy(float), 0.0) * MINOR)
    fixed = layout.spread(quotas["fixed"].to_numpy(bool)) if "fixed" in quotas else np.zeros(exact.shape, bool)
    exact = np.where(fixed, np.rint(exact), exact)
    exact = np.maximum.accumulate(exact, axis=0)  # noise of the arithmetic must not turn the levels round
    free = (exact > 0) & ~fixed
    pins = read_pins(model, network, layout.levels)
    given = np.where(fixed, np.rint(exact).astype(np.int64) % multiple, 0)
    carried = remainders(network, pins, exact, free, given, multiple)
    below, part = _split((exact - carried) / multiple)
    promises = pinned(network, pins, below, carried, multiple).and_whole(network, below, part)
    least, rise = _order(below, carried)
    steering = Steering(network, part, np.where(free, least, 0), rise, ~free, promises)
    minor = (below + steering.run()) * multiple + carried
    minor = mend(network, pins, exact, free, minor, multiple)
    return np.asarray(minor[layout.place] / MINOR)


def minor_units(model: Model) -> int:
    """``rounding`` in minor units."""
    return max(1, round(model.settings.rounding * MINOR))


def _split(count: Floats) -> tuple[Ints, Floats]:
    """Whole multiples below each number, and its part above them; a number near a multiple is it."""
    near = np.rint(count)
    whole = np.abs(count - near) <= np.minimum(1e-6 + 1e-9 * np.abs(count), 1e-3)
    below = np.where(whole, near, np.floor(count))
    return below.astype(np.int64), np.where(whole, 0.0, count - below)


def _order(below: Ints, carried: Ints) -> tuple[Ints, Ints]:
    """What a cell takes at least so that it is not negative, and what it may take less than the level below.

    A cell that carries less than the level below needs one multiple more.
    """
    more = carried[:-1] > carried[1:]
    least, rise = -below, np.zeros_like(below)
    least[1:] += np.cumsum(more, axis=0)
    rise[1:] = np.diff(below, axis=0) - more
    return least, rise
