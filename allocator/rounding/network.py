"""One month of the organisation as a network: every flow through it is a table whose totals add up.

A month's quotas, rep × product, stand in two families of totals that are laminar, each for itself: those of all products together
(rep, team, region, company) and those of one product (rep, team, region, company). Such totals are the arcs of a network, so a
cheapest flow with whole bounds is whole (Cox, L. H., and Ernst, L. R.: Controlled rounding, 1982).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.engines.flow import SimpleMinCostFlow
from allocator.errors import EngineError
from allocator.model import Model
from allocator.program import Floats, Ints
from allocator.texts import _

Bools = NDArray[np.bool_]
SCALE = 200
"""Costs are whole numbers: this many for one."""
DEAREST = 1e9
"""Costs are cut here, so that their sums stay whole numbers of the machine."""


@dataclass(frozen=True)
class Network:
    """Totals of a month as arcs.

    Totals stand in this order: cells (rep, product); reps; units by product; units. Codes are sorted, so that the order
    of the tables' rows changes nothing.

    Attributes
    ----------
    reps, products, units : list of str
        ``units`` begins with a blank one (the company) where the organisation has not exactly one top.
    sums : scipy.sparse.csr_array, shape (totals, cells)
        Cells that a total adds.
    together : bool array, shape (totals,)
        Totals of all products.
    size : int array, shape (totals,)
        Reps in a total.
    tail, head : int array, shape (totals,)
    nodes : int
    """

    reps: list[str]
    products: list[str]
    units: list[str]
    sums: sp.csr_array
    together: Bools
    size: Ints
    tail: Ints
    head: Ints
    nodes: int

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.reps) * len(self.products)

    def totals(self, table: Ints) -> Ints:
        """Add a table of levels, cells and months up to totals."""
        return np.stack([self.sums @ level for level in table])

    def place(self, rep: str, product: str, unit: str) -> int:
        """Position of the total of a cut; blank is all."""
        p, products = (self.products.index(product) if product else -1), len(self.products)
        if rep:
            r = self.reps.index(rep)
            return r * products + p if product else self.cells + r
        u = self.units.index(unit) if unit else self.top
        first = self.cells + len(self.reps)
        return first + u * products + p if product else first + len(self.units) * products + u

    def name(self, total: int) -> str:
        """Name a total: its rep or unit, and its product; blank for the company as a whole."""
        n, m = len(self.reps), len(self.products)
        if total < self.cells + n:
            who = total // m if total < self.cells else total - self.cells
            product = total % m if total < self.cells else -1
            names = [self.reps[who]]
        else:
            total -= self.cells + n
            by_product = len(self.units) * m
            who, product = divmod(total, m) if total < by_product else (total - by_product, -1)
            names = [self.units[who]] if self.units[who] else []
        return ", ".join(names + ([self.products[product]] if product >= 0 else []))

    @property
    def top(self) -> int:
        """Position of the unit above all others."""
        return int(np.argmax(self.size[self.cells + len(self.reps) + len(self.units) * len(self.products) :]))

    def flow(
        self, low: Ints, more: Bools, price: Floats, above: Floats, beneath: Floats, up: Bools, down: Bools
    ) -> Ints:
        """Find the cheapest whole table.

        Parameters
        ----------
        low : int array, shape (totals,)
        more : bool array, shape (totals,)
            Whether the total may be one more than ``low``.
        price : float array, shape (totals,)
            Cost of that one more.
        above, beneath : float array, shape (totals,)
            Cost of each one outside these bounds.
        up, down : bool array, shape (cells,)
            Whether a cell may go one outside its bounds.

        Returns
        -------
        int array, shape (totals,)
        """
        cells = self.cells
        lowest, highest = low[:cells] - down, low[:cells] + more[:cells] + up
        over = np.maximum(self.sums @ highest - low - more, 0)
        under = np.maximum(low - self.sums @ lowest, 0)
        one, rise, fall = np.flatnonzero(more), np.flatnonzero(over), np.flatnonzero(under)
        cost = np.concatenate([price[one], above[rise], beneath[fall]])
        program = SimpleMinCostFlow()
        program.add_arcs_with_capacity_and_unit_cost(
            np.concatenate([self.tail[one], self.tail[rise], self.head[fall]]).astype(np.int32),
            np.concatenate([self.head[one], self.head[rise], self.tail[fall]]).astype(np.int32),
            np.concatenate([np.ones(len(one)), over[rise], under[fall]]).astype(np.int64),
            np.rint(SCALE * np.clip(cost, -DEAREST, DEAREST)).astype(np.int64),
        )
        supply = np.bincount(self.head, low, self.nodes) - np.bincount(self.tail, low, self.nodes)
        program.set_nodes_supplies(np.arange(self.nodes, dtype=np.int32), supply.astype(np.int64))
        if program.solve() != SimpleMinCostFlow.OPTIMAL:
            raise EngineError(_("The quotas could not be rounded: the network has no flow."))
        flows = np.asarray(program.flows(np.arange(len(cost), dtype=np.int32)), np.int64)
        found = low.copy()
        found[one] += flows[: len(one)]
        found[rise] += flows[len(one) : len(one) + len(rise)]
        found[fall] -= flows[len(one) + len(rise) :]
        return found


def make_network(model: Model) -> Network:
    """Lay out the network of a model's reps, products and units."""
    reps = dict(sorted(zip(model["reps"]["rep"], model["reps"]["unit"], strict=True)))
    products = sorted(model["products"]["product"])
    parent = dict(zip(model["units"]["unit"], model["units"]["parent"], strict=True))
    units = sorted(parent)
    if sum(not p for p in parent.values()) != 1:
        units, parent = ["", *units], {**parent, "": "-"}
    return lay_out(list(reps), products, units, list(reps.values()), parent)


def lay_out(
    reps: list[str], products: list[str], units: list[str], home: list[str], parent: Mapping[str, str]
) -> Network:
    """Lay out a network; ``home`` is the unit of each rep, ``parent`` of the top is no unit."""
    n, m, k = len(reps), len(products), len(units)
    at = {u: i for i, u in enumerate(units)}
    above = np.array([at.get(parent[u], -1) for u in units], np.int64)
    base = np.array([at[u] for u in home], np.int64)
    rows, columns = [], []
    rep, unit = np.arange(n), base
    while len(rep):
        rows.append(unit)
        columns.append(rep)
        up = above[unit]
        rep, unit = rep[up >= 0], up[up >= 0]
    row, column = (np.concatenate(x or [np.zeros(0, np.int64)]) for x in (rows, columns))
    member = sp.csr_array((np.ones(len(row)), (row, column)), shape=(k, n))
    every, all_products = sp.eye_array(m, format="csr"), np.ones((1, m))
    sums = sp.vstack(
        [
            sp.eye_array(n * m),
            sp.kron(sp.eye_array(n), all_products),
            sp.kron(member, every),
            sp.kron(member, all_products),
        ],
        format="csr",
    ).astype(np.int64)
    sums.eliminate_zeros()
    below = member.sum(axis=1).astype(np.int64)
    # Nodes: reps, units, units by product, and the one in which all products meet.
    meet = n + k + k * m
    of_product = n + k + np.arange(k * m).reshape(k, m)
    top = above < 0
    tail = [np.repeat(np.arange(n), m), n + base, of_product.ravel(), np.where(top, meet, n + above)]
    head = [
        of_product[base].ravel(),
        np.arange(n),
        np.where(top[:, None], meet, of_product[above]).ravel(),
        n + np.arange(k),
    ]
    return Network(
        reps,
        products,
        units,
        sp.csr_array(sums),
        np.repeat([False, True, False, True], [n * m, n, k * m, k]),
        np.concatenate([np.ones(n * m + n, np.int64), np.repeat(below, m), below]),
        np.concatenate(tail),
        np.concatenate(head),
        meet + 1,
    )
