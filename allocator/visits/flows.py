"""One rep's visits as a min-cost flow: visit → day → month → end, with an arc for no day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocator.engines.flow import SimpleMinCostFlow as Solver
from allocator.errors import EngineError
from allocator.visits.horizon import Bools, Ints
from allocator.visits.tasks import LOAD, NO_OTHER, NO_PROMISED, Offers


@dataclass(frozen=True)
class Network:
    """Arcs of a rep's flow; all capacities and costs are whole.

    Attributes
    ----------
    tail, head, capacity, cost : int array, shape (arcs,)
        The arcs of the offers come first, in their order.
    supply : int array, shape (nodes,)
    """

    tail: Ints
    head: Ints
    capacity: Ints
    cost: Ints
    supply: Ints


def network(
    offers: Offers,
    visits: Ints,
    promised: Ints,
    pair: Ints,
    day_units: Ints,
    month_units: Ints,
    month: Ints,
    base: Ints,
    full: int,
) -> Network:
    """Write a rep's flow.

    Parameters
    ----------
    offers : Offers
    visits, promised, pair : int array, shape (entries,)
    day_units, month_units : int array
        Visits that each day and month still hold.
    month : int array, shape (days,)
    base : int array, shape (days,)
        Visits that each day has already, in units of these.
    full : int
        Visits that a whole day holds.
    """
    pairs, of = np.unique(pair, return_inverse=True)
    days, months, count = len(day_units), len(month_units), len(visits)
    at_pair = count + np.arange(len(pairs))
    at_day = count + len(pairs) + np.arange(days)
    at_month = at_day[-1] + 1 + np.arange(months)
    end = int(at_month[-1]) + 1
    wished = np.bincount(of, weights=promised, minlength=len(pairs)).astype(np.int64)
    other = np.bincount(of, weights=visits - promised, minlength=len(pairs)).astype(np.int64)
    unit_day = np.repeat(np.arange(days), day_units)
    unit = np.arange(len(unit_day)) - np.repeat(np.cumsum(day_units) - day_units, day_units) + 1
    load = LOAD * (2 * (base[unit_day] + unit) - 1) // max(full, 1)
    one = np.ones(len(offers.item), np.int64)
    parts = [
        (offers.entry, at_day[offers.day], one, offers.cost),
        (np.arange(count), at_pair[of], visits, np.zeros(count, np.int64)),
        (at_pair, np.full(len(pairs), end), wished, np.full(len(pairs), NO_PROMISED)),
        (at_pair, np.full(len(pairs), end), other, np.full(len(pairs), NO_OTHER)),
        (at_day[unit_day], at_month[month[unit_day]], np.ones(len(unit_day), np.int64), load),
        (at_month, np.full(months, end), month_units, np.zeros(months, np.int64)),
    ]
    tail, head, capacity, cost = (np.concatenate(x) for x in zip(*parts, strict=True))
    supply = np.zeros(end + 1, np.int64)
    supply[:count] = visits
    supply[end] = -visits.sum()
    return Network(tail, head, capacity, cost, supply)


def solve(net: Network, offers: int) -> Bools:
    """Return which of the offers are taken.

    Raises
    ------
    EngineError
        If the flow does not solve; there is an arc for no day, so it always should.
    """
    solver = Solver()
    solver.add_arcs_with_capacity_and_unit_cost(net.tail, net.head, net.capacity, net.cost)
    solver.set_nodes_supplies(np.arange(len(net.supply)), net.supply)
    status = solver.solve()
    if status != Solver.OPTIMAL:
        raise EngineError(f"min-cost flow: {status.name}")
    return np.asarray(solver.flows(np.arange(offers)) > 0)
