"""Demand of the groups and its curves (section 2 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools, Floats, Ints, summed
from allocator.auditing.groups import Groups
from allocator.auditing.people import days_of, numbers, words
from allocator.model import Model


@dataclass(frozen=True)
class Demand:
    """What groups would buy; one entry per pair of group and product with demand.

    Attributes
    ----------
    pairs : Index
        group position · products + product position.
    group, product : int array, shape (pairs,)
    at_promise, ceiling : float array, shape (pairs,)
        Expected demand, capped client by client, and the ceiling.
    season : float array, shape (products, months)
    flow : float array, shape (pairs, months)
        The season, for as long as the clients stay, times the factors of their shifts.
    ends : float array, shape (groups,)
        Last effort of the tier's curves.
    points : mapping of int to (float array, float array)
        Curves by number: efforts and multiples of the expected demand.
    curve : int array, shape (pairs,)
        Number of the pair's curve, −1 for none.
    pair, amount, most : arrays, one entry per row of demand
        Its pair, its expected demand and its ceiling, both times the client's count.
    """

    pairs: pd.Index[Any]
    group: Ints
    product: Ints
    at_promise: Floats
    ceiling: Floats
    season: Floats
    flow: Floats
    ends: Floats
    points: dict[int, tuple[Floats, Floats]]
    curve: Ints
    pair: Ints
    amount: Floats
    most: Floats

    def at_effort(self, effort: Floats) -> Floats:
        """Demand at an effort per group and window, shape (groups, windows) → (pairs, windows)."""
        reaction = np.ones((len(self.pairs), effort.shape[1]))
        for k, (x, y) in self.points.items():
            mine = self.curve == k
            reaction[mine] = np.interp(effort[self.group[mine]], x, y)
        out = np.empty_like(reaction)
        for w in range(effort.shape[1]):
            bought = np.minimum(self.most, self.amount * reaction[self.pair, w])
            out[:, w] = summed(self.pair, bought, len(self.pairs))
        return out


def gather_demand(model: Model, groups: Groups, products: pd.Index[Any]) -> Demand:
    """Sum the demand of the clients by group and product."""
    clients, table = model["clients"], model["demand"]
    who = pd.Index(words(clients["client"])).get_indexer(pd.Index(words(table["client"])))
    group = groups.members[who]
    mine = group >= 0
    what = products.get_indexer(pd.Index(words(table["product"]))).astype(np.int64)[mine]
    pairs, pair = np.unique(group[mine] * len(products) + what, return_inverse=True)
    count = numbers(clients["count"], 1.0)[who][mine]
    amount = count * numbers(table["expected"], 0.0)[mine]
    most = count * numbers(table["ceiling"], 0.0)[mine]
    of_group, product = pairs // len(products), pairs % len(products)
    points, curve, ends = _curves(model, groups, products, of_group, product)
    season = _seasons(model, products)
    return Demand(
        pd.Index(pairs),
        of_group,
        product,
        summed(pair, np.minimum(most, amount), len(pairs)),
        summed(pair, most, len(pairs)),
        season,
        season[product] * groups.stay[of_group] * groups.factors[groups.kind[of_group], product],
        ends,
        points,
        curve,
        pair.astype(np.int64),
        amount,
        most,
    )


def _curves(
    model: Model, groups: Groups, products: pd.Index[Any], of_group: Ints, product: Ints
) -> tuple[dict[int, tuple[Floats, Floats]], Ints, Floats]:
    """Response points of every pair (by number of curve, −1 for none), and the last effort of every group's tier."""
    table = model["responses"]
    driver, what = words(table["driver"]), words(table["product"])
    tiers = pd.Index(words(model["tiers"]["tier"]))
    tier = tiers.get_indexer(pd.Index(groups.labels["tier"]))
    points: dict[int, tuple[Floats, Floats]] = {}
    number = np.full((len(tiers) + 1, len(products)), -1, np.int64)
    ends = np.ones(len(tiers) + 1)
    for k, name in enumerate(tiers):
        mine = driver == name
        if mine.any():
            ends[k] = max(1.0, float(numbers(table["effort"], 0.0)[mine].max()))
        for p in sorted(set(what[mine])):
            points[len(points)] = points_of(table[mine & (what == p)])
            at = products == p if p else ~np.isin(products, list(set(what[mine]) - {""}))
            number[k, at] = len(points) - 1
    return points, number[tier[of_group], product], ends[tier]


def points_of(rows: pd.DataFrame) -> tuple[Floats, Floats]:
    """Points of a curve in order of effort, from effort 0 (where nothing is added unless a row says so)."""
    x, y = numbers(rows["effort"], 0.0), numbers(rows["sales"], 0.0)
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    return (x, y) if x[0] == 0 else (np.append(0.0, x), np.append(0.0, y))


def _seasons(model: Model, products: pd.Index[Any]) -> Floats:
    """Share of the year's sales that falls on each month, shape (products, months)."""
    cal, table = model.calendar, model["seasonality"]
    months = pd.Index(cal.months)
    revenue = words(table["metric"]) == "revenue"
    what, month = words(table["product"])[revenue], months.get_indexer(pd.Index(words(table["month"])[revenue]))
    weight = numbers(table["weight"], 0.0)[revenue]
    out = np.ones((len(products), cal.count))
    for i, p in enumerate(products):
        mine = what == p if (what == p).any() else what == ""
        if mine.any():
            out[i] = summed(month[mine & (month >= 0)], weight[mine & (month >= 0)], cal.count)
    out *= _on_sale(model)
    total = out.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(out, total, out=np.zeros_like(out), where=total > 0))


def _on_sale(model: Model) -> Bools:
    """Months in which a product can be bought on at least one day, shape (products, months)."""
    months = np.datetime64(model.settings.start, "M") + np.arange(model.calendar.count)
    first, last = (days_of(model["products"][c]).astype("datetime64[M]")[:, None] for c in ("launch", "end"))
    return np.asarray((np.isnat(first) | (months >= first)) & (np.isnat(last) | (months <= last)))
