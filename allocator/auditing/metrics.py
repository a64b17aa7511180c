"""Metrics as sums over labelled cells (section 4 of the mathematics)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools, Floats, Ints, summed
from allocator.auditing.case import Case, Figures
from allocator.auditing.money import collected, collected_history
from allocator.auditing.people import below, chain, commission_rates, numbers, words
from allocator.auditing.sales import supply_limits
from allocator.scopes import Scope

Texts = np.ndarray[Any, np.dtype[np.object_]]
Labels = Mapping[str, tuple[Ints, Texts]]

SALES = ("revenue", "profit", "contracts", "commission", "collections")


@dataclass(frozen=True)
class Cells:
    """Amounts with their labels.

    Attributes
    ----------
    amount : float array, shape (cells,)
    month : int array, shape (cells,)
    labels : mapping of str to (int array, object array)
        Position of every cell on an axis (−1 for none), and the label of every position.
    exists : bool array, shape (cells,)
        Cells that can hold something; the others make no repetition of a target.
    """

    amount: Floats
    month: Ints
    labels: Labels
    exists: Bools

    def times(self, factor: float) -> Cells:
        """Multiply the amounts."""
        return Cells(factor * self.amount, self.month, self.labels, self.exists)


@dataclass(frozen=True)
class Totals:
    """Sums of a metric by repetition: ``amounts`` and the size of their terms, under the repetition's name."""

    amounts: Mapping[str, float]
    sizes: Mapping[str, float]


class Metrics:
    """All metrics of some figures of a case."""

    def __init__(self, case: Case, figures: Figures, exists: Bools | None = None) -> None:
        self.case, self.figures = case, figures
        self._on_sale = case.demand.season[case.demand.product] > 0 if exists is None else exists

    def cells(self, metric: str) -> list[Cells]:
        """Parts of a metric.

        Raises
        ------
        KeyError
            If there is no such metric.
        """
        case, figures = self.case, self.figures
        if metric in ("revenue", "market_share"):
            return [self._sales(figures.sell)]
        if metric == "profit":
            return [self._sales(self._margin[:, None] * figures.sell)]
        if metric == "contracts":
            return [self._sales(figures.contracts)]
        if metric == "commission":
            return [self._sales(self._rates * figures.sell)]
        if metric == "collections":
            return self._collections()
        if metric == "visits":
            return [self._work(figures.visits + figures.first)]
        if metric == "hours":
            minutes = case.groups.tier_values(case.model, "minutes")[:, None]
            return [self._work(minutes / 60 * figures.visits + case.winning_hours())]
        if metric == "new_clients":
            return [self._won(k) for k in range(len(case.channels.names))]
        if metric == "coverage":
            return [self._coverage()]
        if metric == "spend":
            return [self._spend(figures.spend)]
        if metric == "contribution":
            return self._contribution()
        return self._own(metric)

    def totals(self, metric: str, scope: Scope, window: Ints, each: Sequence[str] = ()) -> Totals:
        """Sum a metric under a scope and in some months, one total for every combination of ``each``.

        A part that has not got a key of the scope or of ``each`` counts for nothing.
        """
        values: dict[str, float] = {} if each else {"": 0.0}
        sizes = dict(values)
        for part in self.cells(metric):
            if not {*scope, *each} <= set(part.labels):
                continue
            at = np.nonzero(self._held(part, scope, window))[0]
            for name, value, size in _sum_by(self.case, part, at, each):
                values[name] = values.get(name, 0.0) + value
                sizes[name] = sizes.get(name, 0.0) + size
        return Totals(values, sizes)

    def _held(self, part: Cells, scope: Scope, window: Ints) -> Bools:
        inside = np.zeros(len(self.case.months), bool)
        inside[window] = True
        held = inside[part.month] & (part.exists | (part.amount != 0))
        for key, wanted in scope.items():
            position, names = part.labels[key]
            good = below(self.case.model, names, wanted) if key == "unit" else np.isin(names.astype(str), wanted)
            held &= np.asarray(good[position])
        return np.asarray(held)

    def _sales(self, amount: Floats) -> Cells:
        return Cells(amount.ravel(), *self._sales_labels, self._on_sale.ravel())

    def _work(self, amount: Floats, exists: Bools | None = None) -> Cells:
        return Cells(
            amount.ravel(), *self._work_labels, (np.ones(amount.shape, bool) if exists is None else exists).ravel()
        )

    def _spend(self, amount: Floats) -> Cells:
        return Cells(amount.ravel(), *self._spend_labels, self.case.window.ravel())

    def _won(self, k: int) -> Cells:
        groups = self.case.groups
        amount = self.figures.won[k]
        part = self._work(amount, np.broadcast_to(~groups.active[:, None], amount.shape))
        channel = (np.zeros(len(part.amount), np.int64), np.array([self.case.channels.names[k], ""], object))
        return Cells(part.amount, part.month, {**part.labels, "channel": channel}, part.exists)

    def _coverage(self) -> Cells:
        groups = self.case.groups
        seen = np.minimum(groups.count[:, None], groups.by_window(self.figures.visits))
        begins = np.diff(groups.window, axis=1, prepend=-1) != 0
        amount = np.where(begins, np.take_along_axis(seen, groups.window, axis=1), 0.0) * groups.active[:, None]
        return self._work(amount, np.broadcast_to(groups.active[:, None], amount.shape))

    def _collections(self) -> list[Cells]:
        months, parts = len(self.case.months), []
        for lag, amount in collected(self.case, self.figures.sell):
            part = self._sales(amount)
            stays = part.month + lag < months
            moved = part.month[stays] + lag
            labels = {k: (p[stays], v) for k, (p, v) in part.labels.items()}
            labels |= {k: (moved, v) for k, (_, v) in part.labels.items() if k in ("month", "quarter")}
            parts.append(Cells(part.amount[stays], moved, labels, part.exists[stays]))
        return [*parts, self._history()]

    def _history(self) -> Cells:
        old, case = collected_history(self.case), self.case
        month = old["month"].to_numpy(dtype=np.int64)
        clients = case.model["clients"]
        rep = case.people.reps.get_indexer(pd.Index(old["rep"]))
        product = case.products.get_indexer(pd.Index(old["product"]))
        client = pd.Index(words(clients["client"])).get_indexer(pd.Index(old["client"]))
        units = words(old["unit"])
        unit = np.where(units == "", np.append(case.people.units, "")[rep], units)
        labels = {
            **self._months(month),
            "rep": (rep, _ended(case.people.reps)),
            "grade": (rep, _ended(case.people.grades)),
            **self._units(np.arange(len(old)), unit),
            **self._products(product),
            **{c: (client, _ended(words(clients[c]))) for c in ("client", "tier", "status", "industry", "area")},
        }
        return Cells(old["amount"].to_numpy(dtype=np.float64), month, labels, np.zeros(len(old), bool))

    def _contribution(self) -> list[Cells]:
        cost = self.case.groups.tier_values(self.case.model, "visit_cost")[:, None]
        return [
            *self.cells("profit"),
            *(c.times(-1.0) for c in self.cells("commission")),
            *(c.times(-1.0) for c in self.cells("spend")),
            self._work(-cost * (self.figures.visits + self.figures.first)),
            self._supply(),
        ]

    def _supply(self) -> Cells:
        sheet, limits = self.case.sheets["supply"], supply_limits(self.case)
        product, month = sheet.place["product"], sheet.place["month"]
        nothing = np.zeros(len(self.case.months))
        cost = [
            limits.get((p, s), (nothing, nothing))[1][t]
            for p, s, t in zip(self.case.products[product], sheet.text("source"), month, strict=True)
        ]
        labels = {**self._months(month), **self._products(product)}
        return Cells(-np.asarray(cost, np.float64) * self.figures.delivered, month, labels, np.zeros(len(cost), bool))

    def _own(self, metric: str) -> list[Cells]:
        """Find the parts of a metric of ``yields``: so much for each unit of money, visit or contract."""
        case, table = self.case, self.case.model["yields"]
        mine = words(table["metric"]) == metric
        if not mine.any():
            raise KeyError(metric)
        amount = dict(zip(words(table["source"])[mine], numbers(table["amount"], 0.0)[mine], strict=True))

        def each(names: Any) -> Floats:
            return np.array([amount.get(x, np.nan) for x in names], np.float64)[:, None]

        of_line, of_tier = each(case.lines), each(case.groups.labels["tier"])
        of_product = each(case.products)[case.demand.product]
        figures = self.figures
        parts = [
            (of_line, figures.spend, self._spend),
            (of_tier, figures.visits + figures.first, self._work),
            (of_product, figures.contracts, self._sales),
        ]
        out = []
        for rate, base, make in parts:
            if not np.isnan(rate).all():
                part = make(np.nan_to_num(rate) * base)
                known = np.broadcast_to(~np.isnan(rate), base.shape).ravel()
                out.append(Cells(part.amount, part.month, part.labels, part.exists & known))
        return out

    @functools.cached_property
    def _margin(self) -> Floats:
        return numbers(self.case.model["products"]["margin"], 0.0)[self.case.demand.product]

    @functools.cached_property
    def _rates(self) -> Floats:
        """Commission at 100 % of every cell's carrier."""
        rates = np.append(commission_rates(self.case.model, self.case.people.grades, 1.0), 0.0)
        return np.asarray(rates[self.case.groups.carrier[self.case.demand.group]])

    @functools.cached_property
    def _sales_labels(self) -> tuple[Ints, Labels]:
        pairs, months = self.figures.sell.shape
        month = np.tile(np.arange(months), pairs)
        carrier = self.case.groups.carrier[self.case.demand.group].ravel()
        labels = {
            **self._months(month),
            **self._carriers(carrier),
            **self._groups(np.repeat(self.case.demand.group, months)),
            **self._products(np.repeat(self.case.demand.product, months)),
        }
        return month, labels

    @functools.cached_property
    def _work_labels(self) -> tuple[Ints, Labels]:
        groups, months = self.case.groups.carrier.shape
        month = np.tile(np.arange(months), groups)
        carriers = self._carriers(self.case.groups.carrier.ravel())
        return month, {**self._months(month), **carriers, **self._groups(np.repeat(np.arange(groups), months))}

    @functools.cached_property
    def _spend_labels(self) -> tuple[Ints, Labels]:
        lines, months = self.figures.spend.shape
        month, line = np.tile(np.arange(months), lines), np.repeat(np.arange(lines), months)
        table = self.case.model["budget"]
        product = self.case.products.get_indexer(pd.Index(words(table["product"])))
        labels = {
            **self._months(month),
            **{c: (line, _ended(words(table[c]))) for c in ("line", "category", "channel")},
            **self._units(line, words(table["unit"])),
            **self._products(product[line]),
        }
        return month, labels

    def _months(self, month: Ints) -> Labels:
        quarters = np.asarray(self.case.model.calendar.quarters, dtype=object)
        return {"month": (month, _ended(self.case.months)), "quarter": (month, _ended(quarters))}

    def _carriers(self, rep: Ints) -> Labels:
        people = self.case.people
        named = {"rep": (rep, _ended(people.reps)), "grade": (rep, _ended(people.grades))}
        return {**named, **self._units(rep, people.units)}

    def _groups(self, group: Ints) -> Labels:
        return {k: (group, _ended(v)) for k, v in self.case.groups.labels.items()}

    def _products(self, product: Ints) -> Labels:
        table = self.case.model["products"]
        return {c: (product, _ended(words(table[c]))) for c in ("product", "family", "class")}

    def _units(self, position: Ints, units: Any) -> Labels:
        """Label the unit, and the unit of every kind that it lies in."""
        table = self.case.model["units"]
        kind_of = dict(zip(words(table["unit"]), words(table["kind"]), strict=True))
        labels = {"unit": (position, _ended(units))}
        for kind in sorted(set(kind_of.values()) - {""}):
            above = [next((u for u in chain(self.case.model, x) if kind_of.get(u) == kind), "") for x in units]
            labels[kind] = (position, _ended(above))
        return labels


def _ended(values: Any) -> Texts:
    """Labels of an axis, with a blank for position −1."""
    return np.append(np.asarray(values, dtype=object), "")


def _sum_by(case: Case, part: Cells, at: Ints, each: Sequence[str]) -> list[tuple[str, float, float]]:
    """Sum cells by the labels of ``each``; a cell counts for its unit and all above it."""
    amount = part.amount[at]
    if not each:
        return [("", float(amount.sum()), float(np.abs(amount).sum()))]
    joint, names = np.zeros(len(at), np.int64), []
    rows = np.arange(len(at))
    for key in each:
        position, values = part.labels[key]
        codes, labels = pd.factorize(values)
        code = codes[position[at]]
        if key == "unit":
            above, labels = _above(case, labels)
            depth = above.shape[1]
            code = above[code[rows]].ravel()
            joint, rows = np.repeat(joint, depth), np.repeat(rows, depth)
        else:
            code = code[rows]
        keep = (code >= 0) & (np.append(labels, "")[code] != "")
        joint, rows, code = joint[keep] * len(labels) + code[keep], rows[keep], code[keep]
        names.append((key, labels))
    found, inverse = np.unique(joint, return_inverse=True)
    sums = summed(inverse, amount[rows], len(found))
    sizes = summed(inverse, np.abs(amount[rows]), len(found))
    texts = []
    for key, labels in reversed(names):
        texts.append((key, labels[found % len(labels)]))
        found = found // len(labels)
    combos = zip(*[[f"{k}={x}" for x in v] for k, v in texts], strict=True)
    return [("; ".join(sorted(c)), float(v), float(s)) for c, v, s in zip(combos, sums, sizes, strict=True)]


def _above(case: Case, units: Any) -> tuple[Ints, Texts]:
    """For every unit the positions of itself and all above it (−1 beyond the top), and the names they point at."""
    chains = [chain(case.model, u) for u in units]
    names = np.array(sorted({u for c in chains for u in c}) or [""], dtype=object)
    at = {u: i for i, u in enumerate(names)}
    out = np.full((len(units), max((len(c) for c in chains), default=1) or 1), -1, np.int64)
    for i, c in enumerate(chains):
        out[i, : len(c)] = [at[u] for u in c]
    return out, names
