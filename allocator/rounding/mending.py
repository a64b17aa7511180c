"""What is left of pins after all months are rounded, moved between cells in minor units."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from allocator.program import Floats, Ints
from allocator.rounding.network import Bools, Network
from allocator.rounding.pins import Pins, find_atoms

UNKEPT = 1000.0
"""A minor unit by which a pin is missed costs as much as so many moved."""
CANDIDATES = 64
"""So many atoms of every pin may gain or lose, the largest."""
SECONDS = 20.0
"""The search for the least money ends here with the best so far."""


def mend(network: Network, pins: Pins, exact: Floats, free: Bools, minor: Ints, multiple: int) -> Ints:
    """Move what is missing at pins, least money first, keeping the levels' order.

    Atoms are cells in the same pins of any level. A small integer program finds how much each atom of each level gains or loses;
    within an atom single cells gain or lose, whole multiples first.

    Parameters
    ----------
    network : Network
    pins : Pins
    exact : float array, shape (levels, cells, months)
        In minor units.
    free : bool array, shape (levels, cells, months)
        Cells that may change.
    minor : int array, shape (levels, cells, months)
        Rounded quotas in minor units.
    multiple : int

    Returns
    -------
    int array, shape (levels, cells, months)
    """
    missing = pins.amount - pins.sums(network.totals(minor))
    if not missing.any():
        return minor
    atoms = find_atoms(network, pins, exact[-1], free[-1])
    sums = np.stack([np.bincount(atoms.number, m.ravel()[atoms.cell], len(atoms.size)) for m in minor]).astype(np.int64)
    picked = atoms.largest(CANDIDATES)
    change = _moves(pins, sp.csr_array(atoms.member[picked].T), sums[:, picked], missing)
    mended = minor.reshape(len(minor), -1).copy()
    for column in np.flatnonzero(change.any(axis=0)):
        cells = atoms.cell[atoms.number == picked[column]]
        there = exact.reshape(len(minor), -1)[:, cells]
        want = np.where(there > 0, there - mended[:, cells], -np.inf)
        mended[:, cells] = _deal(mended[:, cells], change[:, column], want, multiple)
    return mended.reshape(minor.shape)


def _moves(pins: Pins, member: sp.csr_array, sums: Ints, missing: Ints) -> Ints:
    """What atoms gain at each level, shape (levels, atoms): least in all such that pins hold and levels keep their order."""
    from scipy.optimize import Bounds, LinearConstraint, milp  # here, as it takes long to import

    levels, atoms = sums.shape
    size, count = levels * atoms, len(missing)
    pin, atom = sp.coo_array(member).coords
    held = sp.csr_array((np.ones(len(pin)), (pin, pins.level[pin] * atoms + atom)), shape=(count, size))
    slack = sp.eye_array(count)
    order = sp.eye_array(size - atoms, size, k=atoms) - sp.eye_array(size - atoms, size)
    none = sp.csr_array((size - atoms, 2 * count))
    rows = sp.vstack([sp.hstack([held, -held, slack, -slack]), sp.hstack([order, -order, none])])
    gap = (sums[1:] - sums[:-1]).ravel().astype(float)
    low = np.concatenate([missing, -gap])
    high = np.concatenate([missing, np.full(len(gap), np.inf)])
    most = np.concatenate([np.full(size, np.inf), sums.ravel(), np.full(2 * count, np.inf)])
    cost = np.concatenate([np.ones(2 * size), np.full(2 * count, UNKEPT)])
    found = milp(
        cost,
        integrality=np.ones(len(cost), np.int64),
        bounds=Bounds(0, most),
        constraints=LinearConstraint(rows, low, high),
        options={"time_limit": SECONDS},
    )
    if found.x is None:
        return np.zeros(sums.shape, np.int64)
    x = np.rint(found.x).astype(np.int64)
    return np.asarray((x[:size] - x[size : 2 * size]).reshape(levels, atoms))


def _deal(minor: Ints, change: Ints, want: Floats, multiple: int) -> Ints:
    """Deal what an atom gains to its cells: losses from the lowest level up, gains from the highest down.

    In this order there is always room: the new sums of the levels are in order themselves.
    """
    dealt = minor.copy()
    for level in range(len(dealt)):
        if change[level] < 0:
            room = dealt[level] - (dealt[level - 1] if level else 0)
            dealt[level] -= _take(-int(change[level]), room, -want[level], multiple)
    for level in reversed(range(len(dealt))):
        if change[level] > 0:
            room = dealt[level + 1] - dealt[level] if level + 1 < len(dealt) else np.full(dealt.shape[1], change[level])
            dealt[level] += _take(int(change[level]), room, want[level], multiple)
    return dealt


def _take(amount: int, room: Ints, want: Floats, multiple: int) -> Ints:
    """Part an amount over cells with room: a multiple each while it lasts, those first that want most; then the rest."""
    taken = np.zeros(len(room), np.int64)
    order = np.argsort(-want, kind="stable")
    while amount >= multiple and (fits := order[(room - taken)[order] >= multiple]).size:
        some = fits[: amount // multiple]
        taken[some] += multiple
        amount -= multiple * len(some)
    for cell in order[np.argsort(-(room - taken)[order], kind="stable")]:
        part = min(amount, int(room[cell] - taken[cell]))
        taken[cell] += part
        amount -= part
    return taken
