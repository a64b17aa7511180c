"""What history and market say of a scope: amounts of a year ago, growth and size of the market."""

from __future__ import annotations

import functools
from collections.abc import Collection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import Model
from allocator.periods import Calendar
from allocator.program import Floats, Ints
from allocator.scopes import Scope

Bools = NDArray[np.bool_]
Key = tuple[str, ...]
Segment = tuple[str, str, str]
"""Product, unit and industry of a row of ``market``, blank where it is about all."""

OF_SALES = ("profit", "contracts", "collections")
"""Metrics that come with revenue: where one is told and the other is not, something is missing."""

TIME = frozenset({"month", "quarter"})
PRODUCT = ("product", "family", "class")
MARKET_KEYS = TIME | {*PRODUCT, "unit", "industry"}
"""Labels that ``market`` knows, besides kinds of units."""

CLIENT = ("client", "tier", "status", "industry", "area")


def time_window(calendar: Calendar, scope: Scope, months: Ints) -> Ints:
    """Months that are also in the months and quarters that a scope names."""
    for key in TIME & scope.keys():
        months = np.intersect1d(months, np.concatenate([calendar.window(value) for value in scope[key]]))
    return months


class Past:
    """History by the labels of targets.

    A label that a row does not tell is missing: such a row may lie in a scope or not.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        history = model["history"]
        history = history[history["stage"] == ""].reset_index(drop=True)
        first = int(model.settings.start[:4]) * 12 + int(model.settings.start[5:7])
        when = history["month"].str[:4].astype(int) * 12 + history["month"].str[5:7].astype(int) - first
        told = _told(model, history["unit"], history["rep"], history["client"], history["product"])
        self._rows = told.assign(metric=history["metric"], amount=history["amount"].astype(float), at=when)
        self._of_metric = dict(tuple(self._rows.groupby("metric", sort=False)))
        self._months = {metric: frozenset(rows["at"]) for metric, rows in self._of_metric.items()}

    def amounts(self, metric: str, scope: Scope, months: Ints, each: Key = (), back: int = 1) -> dict[Key, float]:
        """Amount of a metric in the same months some years back, by repetition.

        Empty where the history has a gap in those months or cannot tell what lies in the scope. Only amounts above 0.
        """
        months = time_window(self.model.calendar, scope, months)
        then = set((months - 12 * back).tolist())
        if not then or not then <= self._months.get(metric, frozenset()):
            return {}
        rows = self._of_metric[metric]
        rows = rows[rows["at"].isin(then)]
        rows = rows.assign(at=rows["at"] + 12 * back)
        held, unsure = inside(self.model, rows, scope)
        if (held & unsure).any() or self._partial(metric, rows[held], scope, months - 12 * back):
            return {}
        rows = rows[held]
        labels = pd.DataFrame({e: self._label(rows, e) for e in each}, index=rows.index)
        if labels.isna().to_numpy().any():
            return {}
        if "unit" in each:
            above = self.model.ancestors
            labels = labels.assign(unit=labels["unit"].map(lambda u: above.get(u, ()))).explode("unit")
        amount = rows["amount"].reindex(labels.index)
        if not each:
            total = float(amount.sum())
            return {(): total} if total > 0 else {}
        known = (labels != "").all(axis=1)
        sums = amount[known].groupby([labels.loc[known, e] for e in each]).sum()
        keys = [k if isinstance(k, tuple) else (k,) for k in sums.index]
        return {tuple(map(str, k)): float(v) for k, v in zip(keys, sums, strict=True) if v > 0}

    def _partial(self, metric: str, found: pd.DataFrame, scope: Scope, at: Ints) -> bool:
        """Whether a metric was written down for some products, reps or clients only, as revenue shows."""
        if metric not in OF_SALES or found.empty:
            return False
        if "revenue" not in self._of_metric:
            return False
        sold = self._of_metric["revenue"]
        sold = sold[sold["at"].isin(at) & (sold["amount"] > 0)]
        sold = sold[inside(self.model, sold, scope)[0]]
        labels = [n for n in ("product", "rep", "client") if found[n].notna().all() and sold[n].notna().all()]
        return any(not set(sold[n]) <= set(found[n]) for n in labels)

    def mean(self, metric: str) -> float | None:
        """Mean of a rate over last year's rows; None without any."""
        rows = self._rows[(self._rows["metric"] == metric) & (self._rows["at"] >= -12)]
        return float(rows["amount"].mean()) if len(rows) else None

    def active_clients(self, scope: Scope) -> float:
        """Active clients of a scope at the plan's start; 0 where the tables cannot tell."""
        told = self._active
        held, unsure = inside(self.model, told, {k: v for k, v in scope.items() if k not in TIME})
        return 0.0 if (held & unsure).any() else float(told["count"].to_numpy(float)[held].sum())

    @functools.cached_property
    def _active(self) -> pd.DataFrame:
        """Labels and number of the active clients."""
        clients = self.model["clients"]
        active = clients[clients["status"] == "active"].reset_index(drop=True)
        blank = pd.Series("", index=active.index)
        return _told(self.model, blank, blank, active["client"], blank).assign(count=active["count"])

    def _label(self, rows: pd.DataFrame, key: str) -> pd.Series:
        if key in TIME:
            calendar = self.model.calendar
            names = np.array(calendar.months if key == "month" else calendar.quarters, dtype=object)
            return pd.Series(names[rows["at"].to_numpy(int)], index=rows.index)
        if key in rows:
            return rows[key]
        kinds = dict(zip(self.model["units"]["unit"], self.model["units"]["kind"], strict=True))
        above = {u: next((a for a in c if kinds[a] == key), None) for u, c in self.model.ancestors.items()}
        return rows["unit"].map(above)


def _told(model: Model, unit: pd.Series, rep: pd.Series, client: pd.Series, product: pd.Series) -> pd.DataFrame:
    """Labels of rows that name some of unit, rep, client and product; missing where they do not tell."""
    clients, reps, products = (model[f"{n}s"].set_index(n) for n in ("client", "rep", "product"))

    def of(frame: pd.DataFrame, column: str, keys: pd.Series) -> pd.Series:
        return pd.Series(frame[column].astype(object).reindex(keys).to_numpy(object), index=keys.index)

    def first_told(*options: pd.Series) -> pd.Series:
        found = pd.Series(np.nan, index=unit.index, dtype=object)
        for option in options:
            found = found.where(found.notna(), option.where(option.notna() & (option != "")))
        return found

    rep = first_told(rep.astype(object), of(clients, "owner", client))
    labels = {
        "rep": rep,
        "grade": of(reps, "grade", rep),
        "unit": first_told(unit.astype(object), of(reps, "unit", rep), of(clients, "unit", client)),
        "product": first_told(product.astype(object)),
        "client": first_told(client.astype(object)),
    }
    labels |= {n: of(products, n, product) for n in PRODUCT[1:]} | {n: of(clients, n, client) for n in CLIENT[1:]}
    return pd.DataFrame(labels)


def inside(model: Model, rows: pd.DataFrame, scope: Scope) -> tuple[Bools, Bools]:
    """Which rows may lie in a scope, and of which it cannot be told; time is not looked at."""
    held, doubt = np.ones(len(rows), bool), np.zeros(len(rows), bool)
    for key in scope.keys() - TIME:
        label = rows[key]
        fits, unsure = label.isin(scope[key]), label.isna()
        if key == "unit":
            below, above = _around(model, scope[key])
            everything = _tops(model) <= set(scope[key])
            fits, unsure = label.isin(below) | (unsure & everything), label.isin(above) | (unsure & (not everything))
        held &= (fits | unsure).to_numpy(bool)
        doubt |= unsure.to_numpy(bool)
    return held, doubt


def _tops(model: Model) -> set[str]:
    return {u for u, chain in model.ancestors.items() if len(chain) == 1}


def _around(model: Model, units: Collection[str]) -> tuple[list[str], list[str]]:
    """Units that lie in some units, and those that these lie in."""
    below = {u for u, chain in model.ancestors.items() if not set(units).isdisjoint(chain)}
    return sorted(below), sorted({a for u in units for a in model.ancestors.get(u, ())} - below)


class Market:
    """The market's rows by scope."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self._rows = model["market"]
        window = {
            p: np.isin(np.arange(model.settings.months), model.calendar.window(p)) for p in set(self._rows["period"])
        }
        held = np.array([window[p] for p in self._rows["period"]]).reshape(-1, model.settings.months)
        self._share = held / held.sum(axis=1, keepdims=True)  # of each row, by month
        self._size = self._rows["size"].to_numpy(float)
        growth = self._rows["growth"].to_numpy(float)
        # a market that did not exist a year ago, or does not any more, has no growth
        self._last = np.divide(self._size, 1 + growth, out=np.full(len(growth), np.nan), where=growth > -1)
        self._known: dict[tuple[object, ...], tuple[Floats, Floats]] = {}

    def growth(self, scope: Scope, months: Ints) -> float | None:
        """Growth of the market in a scope on the year before; of the narrowest wider market where there is none."""
        for weight in self._weights(scope, months):
            held = (weight > 0) & (self._last > 0)
            if held.any():
                return float(weight[held] @ self._size[held]) / float(weight[held] @ self._last[held]) - 1
        return None

    def last_size(self, scope: Scope, months: Ints) -> float | None:
        """Size a year ago of the market within a scope; None where it is not known."""
        weight = self._weights(scope, months)[0]
        held = weight > 0
        last = float(weight[held] @ self._last[held]) if held.any() else 0.0
        return last if last > 0 else None

    def segments(self, growth: float) -> dict[Segment, float]:
        """Segments that grow faster than so much, with their growth."""
        found = {}
        known = self._last > 0
        for segment, rows in self._rows[known].groupby(["product", "unit", "industry"], sort=True):
            now, last = self._size[rows.index].sum(), self._last[rows.index].sum()
            if any(segment) and now / last - 1 > growth:
                found[segment] = float(now / last - 1)
        return found

    def overlaps(self, scope: Scope, segment: Segment) -> bool:
        """Whether a scope and a segment have something in common."""
        product, unit, industry = segment
        products = self.model["products"].set_index("product")
        for key in set(PRODUCT) & scope.keys():
            if product and (product if key == "product" else products[key][product]) not in scope[key]:
                return False
        if unit and "unit" in scope and unit not in {u for some in _around(self.model, scope["unit"]) for u in some}:
            return False
        return not (industry and "industry" in scope and industry not in scope["industry"])

    def _weights(self, scope: Scope, months: Ints) -> tuple[Floats, Floats]:
        """How much of each row lies in a scope and months; the same with the rows that are wider than the scope."""
        read = {k: scope[k] for k in (*PRODUCT, "unit", "industry") if k in scope}
        key = (*sorted(read.items()), *map(int, months))
        if key not in self._known:
            over = self._share[:, months].sum(axis=1)
            fits, wider = (np.ones(len(self._rows), bool) for _ in range(2))
            for name, values in read.items():
                inner, outer = self._matches(name, values)
                fits, wider = fits & inner, wider & (inner | outer)
            self._known[key] = (over * fits, over * wider)
        return self._known[key]

    def _matches(self, key: str, values: tuple[str, ...]) -> tuple[Bools, Bools]:
        """Rows inside a filter, and rows that are about more than it."""
        if key in PRODUCT:
            products = self.model["products"]
            codes = products.loc[products[key].isin(values), "product"]
            return self._rows["product"].isin(codes).to_numpy(), (self._rows["product"] == "").to_numpy()
        if key == "unit":
            below, above = _around(self.model, values)
            blank = (self._rows["unit"] == "").to_numpy()
            everything = _tops(self.model) <= set(values)
            inner = self._rows["unit"].isin(below).to_numpy() | (blank & everything)
            return inner, self._rows["unit"].isin(above).to_numpy() | blank
        return self._rows[key].isin(values).to_numpy(), (self._rows[key] == "").to_numpy()
