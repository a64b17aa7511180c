"""Pins: what must be exact to the minor unit."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from allocator.model import Model
from allocator.program import Floats, Ints
from allocator.rounding.network import Bools, Network

MINOR = 100
"""Minor units of money in one."""
CANDIDATES = 16
"""So many of a pin's atoms are looked at for its remainder, those with the largest cells."""


@dataclass(frozen=True)
class Pins:
    """Pins as totals of the network over months.

    Attributes
    ----------
    level, total : int array, shape (pins,)
    months : bool array, shape (pins, months)
    amount : int array, shape (pins,)
        In minor units.
    """

    level: Ints
    total: Ints
    months: Bools
    amount: Ints

    def of(self, some: Bools) -> Pins:
        """Some of the pins."""
        return Pins(self.level[some], self.total[some], self.months[some], self.amount[some])

    def sums(self, totals: Ints, level: Ints | int | None = None) -> Ints:
        """Add totals, shape (levels, totals, months), over each pin's cut, at its own level or another."""
        return np.asarray((totals[self.level if level is None else level, self.total] * self.months).sum(axis=1))

    def cut(self, network: Network, pin: int) -> Ints:
        """Positions of the cells of a pin in a table of cells by months."""
        total, months = self.total[pin], np.flatnonzero(self.months[pin])
        cells = network.sums.indices[network.sums.indptr[total] : network.sums.indptr[total + 1]].astype(np.int64)
        return np.asarray((cells[:, None] * self.months.shape[1] + months).ravel())

    def covered(self, network: Network, size: int) -> Bools:
        """Whether each cell of a table of that size lies in any of the pins."""
        covered = np.zeros(size, bool)
        for pin in range(len(self.level)):
            covered[self.cut(network, pin)] = True
        return covered


def read_pins(model: Model, network: Network, levels: list[str]) -> Pins:
    """Read the pins of some levels."""
    table = model.pins
    table = table[table["level"].isin(levels)]
    months = np.zeros((len(table), model.settings.months), bool)
    for k, period in enumerate(table["period"]):
        months[k, model.calendar.window(period)] = True
    cuts = table[["rep", "product", "unit"]].itertuples(index=False, name=None)
    return Pins(
        np.array([levels.index(x) for x in table["level"]], np.int64),
        np.array([network.place(*map(str, cut)) for cut in cuts], np.int64),
        months,
        np.rint(table["amount"].to_numpy(float) * MINOR).astype(np.int64),
    )


def remainders(network: Network, pins: Pins, exact: Floats, free: Bools, fixed: Ints, multiple: int) -> Ints:
    """Minor units that a few cells carry beside their multiples, so that every pin can hold with multiples elsewhere.

    Cells that lie in the same pins of a level form an atom, whose largest cell may carry a remainder. The remainders are the
    solution of the pins' sums modulo the multiple, found by elimination with pivots ±1; atoms without a pivot carry none.

    Parameters
    ----------
    network : Network
    pins : Pins
    exact : float array, shape (levels, cells, months)
    free : bool array, shape (levels, cells, months)
        Cells that may carry.
    fixed : int array, shape (levels, cells, months)
        Minor units that cells carry anyway.
    multiple : int
        ``rounding`` in minor units.

    Returns
    -------
    int array, shape (levels, cells, months)
    """
    carried = fixed.copy()
    sums = network.totals(exact)
    for level in np.unique(pins.level):
        mine = pins.of(pins.level == level)
        left = (mine.amount - mine.sums(network.totals(carried))) % multiple
        if not left.any():
            continue
        atoms = find_atoms(network, mine, exact[level], free[level])
        some = atoms.largest(CANDIDATES)
        here, pin = _eliminate(atoms.member[some].toarray().T, left, atoms.size[some], multiple)
        place = atoms.carrier[some]
        _carry(carried, int(level), place, here, multiple)
        # Where a level above or below asks for hardly more or less, it carries the same: else it could not stay above or below.
        near = np.abs([mine.sums(sums, other) - mine.sums(sums) for other in range(len(exact))])[:, pin] < multiple
        upwards = here
        for other in range(level + 1, len(exact)):
            near[other] |= (exact[other] - exact[level]).ravel()[place] < multiple
            upwards = np.where(near[other] & free[other].ravel()[place], upwards, 0)
            _carry(carried, other, place, upwards, multiple)
        downwards = here
        for other in range(level - 1, -1, -1):
            taken = pins.of(pins.level == other).covered(network, free[other].size)
            downwards = np.where(near[other] & free[other].ravel()[place] & ~taken[place], downwards, 0)
            _carry(carried, other, place, downwards, multiple)
    return carried


def _carry(carried: Ints, level: int, place: Ints, found: Ints, multiple: int) -> None:
    """Add remainders to what the cells of a level carry."""
    flat = carried[level].reshape(-1)
    flat[place] = (flat[place] + found) % multiple


@dataclass(frozen=True)
class Atoms:
    """Cells that lie in the same pins.

    Attributes
    ----------
    member : scipy.sparse.csr_array, shape (atoms, pins)
    size : float array, shape (atoms,)
        Exact sums; the largest atom is the first.
    carrier : int array, shape (atoms,)
        Largest cell of each, a position in a table of cells by months.
    cell, number : int array
        Every cell that lies in a pin, and its atom.
    """

    member: sp.csr_array
    size: Floats
    carrier: Ints
    cell: Ints
    number: Ints

    def largest(self, count: int) -> Ints:
        """So many largest atoms of every pin."""
        by_pin = sp.csc_array(self.member)
        picked = [np.sort(by_pin.indices[a:b])[:count] for a, b in itertools.pairwise(by_pin.indptr)]
        return np.unique(np.concatenate(picked)).astype(np.int64)


def find_atoms(network: Network, pins: Pins, exact: Floats, free: Bools) -> Atoms:
    """Find the atoms of some pins among the cells that are free, both of shape (cells, months)."""
    size, may = exact.ravel(), free.ravel()
    rows = [cut[may[cut]] for cut in (pins.cut(network, k) for k in range(len(pins.level)))]
    pin = np.repeat(np.arange(len(rows)), [len(x) for x in rows])
    held = sp.csr_array((np.ones(len(pin), np.int64), (np.concatenate(rows), pin)), shape=(len(may), len(rows)))
    marks = np.random.default_rng(1).integers(1, 2**62, len(rows))
    mark: Ints = np.asarray(held @ marks)  # cells of an atom have the same sum of marks
    cell = np.flatnonzero(mark)
    cell = cell[np.lexsort((cell, -size[cell]))]
    first, number = np.unique(mark[cell], return_index=True, return_inverse=True)[1:]
    sums = np.bincount(number, size[cell], len(first))
    order = np.lexsort((first, -sums))
    carrier = cell[first[order]]
    return Atoms(sp.csr_array(held[carrier]), sums[order], carrier, cell, np.argsort(order)[number])


def _eliminate(member: Ints, left: Ints, size: Floats, multiple: int) -> tuple[Ints, Ints]:
    """Solve ``member · x ≡ left`` modulo a multiple by Gauss and Jordan: pins of few atoms first, large atoms first.

    Returns
    -------
    remainder, pin : int array, shape (atoms,)
        What each atom carries, and for which pin.
    """
    rows, right = member.copy(), left.copy()
    pivots: dict[int, int] = {}
    for k in np.argsort((member != 0).sum(axis=1), kind="stable"):
        able = np.flatnonzero(np.abs(rows[k]) == 1)
        if not len(able):
            continue
        pivot = int(able[np.argmax(size[able])])
        sign = rows[k, pivot]
        rows[k], right[k] = rows[k] * sign, right[k] * sign % multiple
        others = np.flatnonzero(rows[:, pivot])
        others = others[others != k]
        factor = rows[others, pivot]
        rows[others] -= factor[:, None] * rows[k]
        right[others] = (right[others] - factor * right[k]) % multiple
        pivots[int(k)] = pivot
    found, pin = np.zeros(member.shape[1], np.int64), np.zeros(member.shape[1], np.int64)
    for k, pivot in pivots.items():
        found[pivot], pin[pivot] = right[k], k
    return found, pin
