"""Metrics: affine expressions of the decisions, cut by scope, period and repetition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.formulation.budget import line_matrix
from allocator.formulation.cells import Cells
from allocator.formulation.demand import contract_values
from allocator.formulation.draft import Draft, widen
from allocator.formulation.places import NOBODY, Places
from allocator.formulation.visiting import all_visits_matrix, hours_matrix, visits_matrix
from allocator.model import Model
from allocator.program import Floats, Ints
from allocator.scopes import Scope

MONEY = frozenset({"revenue", "profit", "contribution", "commission", "collections", "spend"})
Parts = list[Cells]


@dataclass(frozen=True)
class Sums:
    """A metric summed for each repetition of a target.

    Attributes
    ----------
    keys : DataFrame
        One column for each of ``each``, one row for each repetition.
    constant : float array, shape (repetitions,)
    matrix : scipy.sparse.csr_array, shape (repetitions, columns)
    """

    keys: pd.DataFrame
    constant: Floats
    matrix: sp.csr_array


@dataclass
class Metrics:
    """Every metric of a draft, made when first asked for.

    Attributes
    ----------
    sales : list of Cells
        Sales of products that are not large, see :func:`allocator.formulation.demand.sales_cells`.
    whole : list of Cells
        Large contracts, in contracts.
    """

    draft: Draft
    places: Places
    sales: Parts = field(default_factory=list)
    whole: Parts = field(default_factory=list)
    _made: dict[str, Parts] = field(default_factory=dict)

    def parts(self, name: str) -> Parts:
        """Cells of a metric by name."""
        if name not in self._made:
            maker: Mapping[str, Callable[[], Parts]] = {
                "revenue": self._revenue,
                "profit": self._profit,
                "contribution": self._contribution,
                "contracts": self._contracts,
                "commission": self._commission,
                "collections": self._collections,
                "new_clients": self._new_clients,
                "visits": lambda: [self._by_group(all_visits_matrix(self.draft))],
                "hours": lambda: [self._by_group(hours_matrix(self.draft))],
                "coverage": self._coverage,
                "spend": self._spend,
                "market_share": self._revenue,
            }
            self._made[name] = [p for p in (maker[name]() if name in maker else self._yields(name)) if len(p)]
        return self._made[name]

    def sums(self, name: str, scope: Scope, months: Ints, each: tuple[str, ...]) -> Sums:
        """Sum a metric over a scope and some months, for each repetition that occurs."""
        if not each:
            return self._total(name, scope, months)
        parts = [p.where(self.mask(p, scope, months)) for p in self.parts(name)]
        columns = self.draft.builder.columns
        labels = [
            with_units_above(
                pd.DataFrame({e: self.label(p, e) for e in each}, index=range(len(p))), self.draft.grain.model
            )
            for p in parts
        ]
        every = pd.concat([pd.DataFrame(columns=list(each), dtype=object), *labels], ignore_index=True)
        known = (every != "").all(axis=1)
        keys = every[known].drop_duplicates().sort_values(list(each), ignore_index=True)
        constant, matrix = np.zeros(len(keys)), sp.csr_array((len(keys), columns))
        for part, label in zip(parts, labels, strict=True):
            at = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(label))
            hit, cell = at >= 0, label.index.to_numpy()
            entries = (np.ones(hit.sum()), (at[hit], cell[hit]))
            gather = sp.csr_array(sp.coo_array(entries, shape=(len(keys), len(part))))
            constant += gather @ part.constant
            matrix = matrix + gather @ widen(part.matrix, columns)
        return Sums(keys, constant, sp.csr_array(matrix))

    def _total(self, name: str, scope: Scope, months: Ints) -> Sums:
        constant, row = 0.0, np.zeros(self.draft.builder.columns)
        for part in self.parts(name):
            held = self.mask(part, scope, months).astype(float)
            constant += float(held @ part.constant)
            row[: part.matrix.shape[1]] += part.matrix.T @ held
        return Sums(pd.DataFrame(index=[0]), np.array([constant]), sp.csr_array(row[None, :]))

    def label(self, part: Cells, key: str) -> NDArray[np.object_]:
        """Text of a label for every cell; blank where the cell has none."""
        values, at = self._labelled(part, key)
        return np.asarray(values[at], object)

    def mask(self, part: Cells, scope: Scope, months: Ints) -> NDArray[np.bool_]:
        """Cells of a part that a scope and some months hold."""
        mask = np.isin(part.month, months)
        for key, wanted in scope.items():
            held = set(wanted)
            if key == "unit":
                chains = self.draft.grain.model.ancestors
                held = {u for u, chain in chains.items() if not held.isdisjoint(chain)}
            values, at = self._labelled(part, key)
            mask &= np.array([v in held for v in values.ravel()], bool).reshape(values.shape)[at]
        return mask

    def _labelled(self, part: Cells, key: str) -> tuple[NDArray[np.object_], Ints | tuple[Ints, Ints]]:
        """Texts that a label may have, and where each cell's stands among them."""
        model = self.draft.grain.model
        calendar = model.calendar
        if key in ("month", "quarter"):
            return np.array(calendar.months if key == "month" else calendar.quarters, object), part.month
        if key in ("product", "family", "class"):
            return np.append(model["products"][key].to_numpy(object), ""), part.product
        kinds = dict(zip(model["units"]["unit"], model["units"]["kind"], strict=True))
        if key in set(kinds.values()) and key != "unit":
            above = {u: next((a for a in c if kinds[a] == key), "") for u, c in model.ancestors.items()}
            values, at = self._labelled(part, "unit")
            return np.array([above.get(u, "") for u in values.ravel()], object).reshape(values.shape), at
        if part.space == "history":
            history = self.draft.tables["history"]
            return (history[key].to_numpy(object), part.place) if key in history else _blank(part)
        if part.space == "lines":
            if key not in ("line", "category", "channel", "unit"):
                return _blank(part)
            values = model["budget"][key].to_numpy(object)
            tops = [u for u, chain in model.ancestors.items() if len(chain) == 1]
            if key == "unit" and len(tops) == 1:
                values = np.where(values == "", tops[0], values)  # a line without a unit is the company's
            return values, part.place
        if key in self.places.by_month:
            return np.append(self.places.by_month[key], [[""] * calendar.count], axis=0), (part.place, part.post)
        if key in self.places.fixed:
            return np.append(self.places.fixed[key], ""), part.place
        return _blank(part)

    def _revenue(self) -> Parts:
        values = np.nan_to_num(contract_values(self.draft))
        return [*self.sales, *(w.times(values[w.product]) for w in self.whole)]

    def _profit(self) -> Parts:
        margin = self.draft.grain.model["products"]["margin"].to_numpy(float)
        return [p.times(margin[p.product]) for p in self.parts("revenue")]

    def _commission(self) -> Parts:
        rate = commission_rates(self.draft.grain.model, 1.0) | {NOBODY: 0.0}
        out = []
        for part in self.parts("revenue"):
            grade = pd.Series(self.label(part, "grade"), dtype=object)
            out.append(part.times(grade.map(rate).fillna(rate[""]).to_numpy(float)))
        return out

    def _contracts(self) -> Parts:
        values = contract_values(self.draft)
        known = [p.where(np.nan_to_num(values)[p.product] > 0) for p in self.sales]
        return [*(p.times(1 / values[p.product]) for p in known), *self.whole]

    def _contribution(self) -> Parts:
        draft, model = self.draft, self.draft.grain.model
        cost = model["tiers"].set_index("tier")["visit_cost"].reindex(draft.grain.groups["tier"]).to_numpy(float)
        visits = self.parts("visits")
        delivered = draft.tables["delivered"]
        delivery = []
        if len(delivered):
            product = positions(draft.grain.product, delivered["product"])
            nowhere, month = np.full(len(delivered), -1), delivered["position"].to_numpy()
            columns = draft.matrix(np.arange(len(delivered)), delivered["column"].to_numpy(), 1.0, len(delivered))
            cells = Cells(nowhere, product, month, month, np.zeros(len(delivered)), columns)
            delivery = [cells.times(-delivered["unit_cost"].to_numpy(float))]
        return [
            *self.parts("profit"),
            *(p.times(-1.0) for p in self.parts("commission")),
            *(p.times(-1.0) for p in self.parts("spend")),
            *(v.times(-cost[v.place] / draft.money) for v in visits),
            *delivery,
        ]

    def _collections(self) -> Parts:
        months, model = self.draft.shape[1], self.draft.grain.model
        profile = collection_profiles(model)
        out = []
        for part in self.parts("revenue"):
            tier = pd.Series(self.label(part, "tier"), dtype=object)
            for lag in sorted({k for p in profile.values() for k in p}):
                known = tier.map({t: p.get(lag, 0.0) for t, p in profile.items()})
                share = known.fillna(profile[""].get(lag, 0.0)).to_numpy(float)
                later = replace(part.times(share), month=part.month + lag)
                out.append(later.where((later.month < months) & (share != 0)))
        return [*out, history_cash(self.draft, profile)]

    def _by_group(self, matrix: sp.csr_array) -> Cells:
        groups, months = self.draft.shape
        g, t = np.divmod(np.arange(groups * months), months)
        matrix = widen(matrix, self.draft.builder.columns)
        return Cells(g, np.full(len(g), -1), t, t, np.zeros(len(g)), matrix)

    def _new_clients(self) -> Parts:
        won, (groups, months) = self.draft.tables["won"], self.draft.shape
        row = (won["group"] * months + won["month"]).to_numpy()
        every = self._by_group(self.draft.matrix(row, won["column"].to_numpy(), 1.0, groups * months))
        return [every.where(self.places.fixed["status"][every.place] != "active")]

    def _coverage(self) -> Parts:
        grain = self.draft.grain  # also where nobody can be seen any more: there the count is 0
        active = (grain.groups["status"] == "active").to_numpy()
        g, t = np.nonzero(grain.begins & active[:, None])
        columns = self.draft.matrix(np.arange(len(g)), self.draft.columns["seen"][g, t], 1.0, len(g))
        return [Cells(g, np.full(len(g), -1), t, t, np.zeros(len(g)), columns)]

    def _spend(self) -> Parts:
        draft, months = self.draft, self.draft.shape[1]
        b, t = np.divmod(np.arange(len(draft.tables["lines"]) * months), months)
        product = positions(draft.grain.product, draft.tables["lines"]["product"])
        return [Cells(b, product[b], t, t, np.zeros(len(b)), line_matrix(draft), "lines")]

    def _yields(self, name: str) -> Parts:
        model = self.draft.grain.model
        amount = model["yields"].query("metric == @name").set_index("source")["amount"]

        def of(codes: NDArray[np.object_], at: Ints) -> Floats:
            return np.append(amount.reindex(codes).fillna(0.0).to_numpy(float), 0.0)[at]

        lines, tiers = model["budget"]["line"].to_numpy(object), self.places.fixed["tier"]
        visits, product = [self._by_group(visits_matrix(self.draft))], self.draft.grain.product
        parts = [p.times(of(lines, p.place) * self.draft.money) for p in self.parts("spend")]
        parts += [p.times(of(tiers, p.place)) for p in visits]
        parts += [p.times(of(product, p.product)) for p in self.parts("contracts")]
        return parts


def _blank(part: Cells) -> tuple[NDArray[np.object_], Ints]:
    return np.array([""], object), np.zeros(len(part), int)


def with_units_above(labels: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Labels by cell, with a row for each unit above the cell's where they tell units: a unit holds all that lies below it."""
    if "unit" not in labels:
        return labels
    return labels.assign(unit=labels["unit"].map(lambda u: model.ancestors.get(u, ("",)))).explode("unit")


def commission_rates(model: Model, attainment: float) -> dict[str, float]:
    """Commission of a unit of quota at an attainment, by grade; blank for grades without steps of their own.

    K[grade,a] = Σ_steps rate · (min(a, next step) − from)⁺
    """
    rates = {"": 0.0}
    for grade, steps in model["commission"].sort_values("attainment_from").groupby("grade", sort=True):
        start = steps["attainment_from"].to_numpy(float)
        stop = np.append(start[1:], np.inf)
        rates[str(grade)] = float(steps["rate"].to_numpy(float) @ np.maximum(np.minimum(attainment, stop) - start, 0.0))
    return rates


def collection_profiles(model: Model) -> dict[str, dict[int, float]]:
    """Share of the revenue received after each lag, by tier; blank for tiers without rows of their own."""
    profiles: dict[str, dict[int, float]] = {"": {0: 1.0}}
    for tier, rows in model["collection"].groupby("tier", sort=True):
        profiles[str(tier)] = dict(zip(rows["lag_months"].astype(int), rows["share"].astype(float), strict=True))
    return profiles


def history_cash(draft: Draft, profile: dict[str, dict[int, float]]) -> Cells:
    """Cash that revenue of before the plan still brings, a cell for each row of history and month."""
    model, months = draft.grain.model, draft.shape[1]
    rows = model["history"]
    first = int(model.settings.start[:4]) * 12 + int(model.settings.start[5:7])
    number = {m: int(m[:4]) * 12 + int(m[5:7]) - first for m in rows["month"].unique()}
    lags = sorted({k for p in profile.values() for k in p})
    late = {m for m, t in number.items() if t + max(lags, default=0) >= 0}
    rows = rows[(rows["metric"] == "revenue") & rows["month"].isin(late)].reset_index(drop=True)
    when = rows["month"].map(number).to_numpy(int)
    clients, reps = draft.grain.clients.set_index("client"), model["reps"].set_index("rep")
    labels = {
        n: clients[n].reindex(rows["client"]).fillna("").to_numpy(object)
        for n in ("tier", "status", "industry", "area")
    }
    labels |= {"client": rows["client"].to_numpy(object), "rep": rows["rep"].to_numpy(object)}
    labels |= {n: reps[n].reindex(rows["rep"]).fillna("").to_numpy(object) for n in ("unit", "grade")}
    labels["unit"] = np.where(rows["unit"] != "", rows["unit"], labels["unit"])
    draft.tables["history"] = pd.DataFrame(labels)
    product = positions(draft.grain.product, rows["product"])
    found = []
    for lag in lags:
        share = pd.Series(labels["tier"]).map({t: p.get(lag, 0.0) for t, p in profile.items()})
        cash = share.fillna(profile[""].get(lag, 0.0)).to_numpy(float) * rows["amount"].to_numpy(float) / draft.money
        month = when + lag
        hit = np.flatnonzero((when < 0) & (month >= 0) & (month < months) & (cash != 0))
        found.append(pd.DataFrame({"row": hit, "product": product[hit], "month": month[hit], "amount": cash[hit]}))
    table = pd.concat(found, ignore_index=True)
    place, at, month = (table[c].to_numpy(int) for c in ("row", "product", "month"))
    nothing = sp.csr_array((len(table), draft.builder.columns))
    return Cells(place, at, month, month, table["amount"].to_numpy(float), nothing, "history")
