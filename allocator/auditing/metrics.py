"""Metrics as sums over labelled cells (section 4 of the mathematics)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools, Floats, Ints
from allocator.auditing.case import Case, Figures
from allocator.auditing.cells import (
    Cells,
    Labels,
    Totals,
    ended,
    label_groups,
    label_months,
    label_products,
    label_reps,
    label_units,
    sum_cells,
)
from allocator.auditing.money import collected, collected_history
from allocator.auditing.people import commission_rates, company_units, numbers, words
from allocator.auditing.sales import supply_limits
from allocator.scopes import Scope

SALES = ("revenue", "profit", "contracts", "commission", "collections")


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
            return [self._sales(figures.contracts, self._on_sale & self._priced)]
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
        """Sum a metric under a scope and in some months, one total for every combination of ``each``."""
        return sum_cells(self.case, self.cells(metric), scope, window, each)

    def _sales(self, amount: Floats, exists: Bools | None = None) -> Cells:
        exists = self._on_sale if exists is None else exists
        return Cells(amount.ravel(), *self._sales_labels, exists.ravel())

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
        return self._work(amount, begins & groups.active[:, None])

    def _collections(self) -> list[Cells]:
        months, parts = len(self.case.months), []
        for lag, share in collected(self.case):
            part = self._sales(share * self.figures.sell, (share > 0) & self._on_sale)
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
            **label_months(self.case, month),
            "rep": (rep, ended(case.people.reps)),
            "grade": (rep, ended(case.people.grades)),
            **label_units(self.case, np.arange(len(old)), unit),
            **label_products(self.case, product),
            **{c: (client, ended(words(clients[c]))) for c in ("client", "tier", "status", "industry", "area")},
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
        labels = {**label_months(self.case, month), **label_products(self.case, product)}
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
            (of_tier, figures.visits, self._work),
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
    def _priced(self) -> Bools:
        """Whether contracts of a pair can be counted, shape (pairs, 1)."""
        return np.asarray(~np.isnan(self.case.contract[self.case.demand.product])[:, None])

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
            **label_months(self.case, month),
            **label_reps(self.case, carrier),
            **label_groups(self.case, np.repeat(self.case.demand.group, months)),
            **label_products(self.case, np.repeat(self.case.demand.product, months)),
        }
        return month, labels

    @functools.cached_property
    def _work_labels(self) -> tuple[Ints, Labels]:
        groups, months = self.case.groups.carrier.shape
        month = np.tile(np.arange(months), groups)
        carriers = label_reps(self.case, self.case.groups.carrier.ravel())
        return month, {
            **label_months(self.case, month),
            **carriers,
            **label_groups(self.case, np.repeat(np.arange(groups), months)),
        }

    @functools.cached_property
    def _spend_labels(self) -> tuple[Ints, Labels]:
        lines, months = self.figures.spend.shape
        month, line = np.tile(np.arange(months), lines), np.repeat(np.arange(lines), months)
        table = self.case.model["budget"]
        product = self.case.products.get_indexer(pd.Index(words(table["product"])))
        labels = {
            **label_months(self.case, month),
            **{c: (line, ended(words(table[c]))) for c in ("line", "category", "channel")},
            **label_units(self.case, line, company_units(self.case.model, words(table["unit"]))),
            **label_products(self.case, product[line]),
        }
        return month, labels
