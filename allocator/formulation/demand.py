"""Sales: what the curves give, what lines add, what is lost, and what limits it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.formulation.budget import effect_matrix
from allocator.formulation.cells import Cells
from allocator.formulation.draft import Draft, widen
from allocator.formulation.places import Places
from allocator.formulation.rules import rule
from allocator.program import Floats, Labels


def curve_cells(draft: Draft) -> Cells:
    """Sales that the curves give, a cell for every pair and month.

    Active: ramp · flow · (base + Σ_s slope · effort[s,w] / promise[g,w]); prospects: flow · expected / n · customers; flow is the
    season with stays and shifts.
    """
    grain, segments, months = draft.grain, draft.segments, draft.shape[1]
    pairs = grain.pairs
    g, p = pairs["group"].to_numpy(), pairs["product"].to_numpy()
    active = (grain.groups["status"] == "active").to_numpy()[g]
    factor = grain.flow * np.where(active[:, None], grain.ramp[g], 1.0) / draft.money
    unmoved = grain.promise[g] <= 0
    constant = np.where(
        active[:, None], factor * np.where(unmoved, segments.full[:, None], segments.base[:, None]), 0.0
    )
    seg, pair, slope = (segments.slope[c].to_numpy() for c in ("segment", "pair", "slope"))
    column = draft.columns["effort"][seg]
    k, t = np.nonzero((column >= 0) & (factor[pair] > 0))
    data = factor[pair[k], t] * slope[k] / grain.promise[g[pair[k]], t]
    won = draft.columns["customers"][g]
    wk, wt = np.nonzero((won >= 0) & (factor > 0) & ~active[:, None])
    each = (pairs["expected"] / grain.groups["members"].to_numpy(float)[g]).to_numpy(float)
    row = np.concatenate([pair[k] * months + t, wk * months + wt])
    col = np.concatenate([column[k, t], won[wk, wt]])
    data = np.concatenate([data, factor[wk, wt] * each[wk]])
    month = np.tile(np.arange(months), len(pairs))
    matrix = draft.matrix(row, col, data, len(pairs) * months)
    return Cells(np.repeat(g, months), np.repeat(p, months), month, month, constant.ravel(), matrix)


FEWER = 0.25
"""Sums of cuts become columns if there are at most so many of them for each cell."""


def sales_cells(draft: Draft, places: Places, curve: Cells, losing: NDArray[np.bool_]) -> tuple[list[Cells], Cells]:
    """Sales of the products that are not large.

    A column for each cut where something may be lost, and everywhere if cuts are much coarser than groups (sums that many rules
    read); elsewhere what the curves and the lines give, as it stands.

    Returns
    -------
    parts : list of Cells
        Sales as many rules read them.
    sold : Cells
        Those of them that are columns.
    """
    months, products, groups = draft.shape[1], len(draft.grain.product), draft.shape[0]
    parts = [curve.where(~large_products(draft)[curve.product]), lift_cells(draft)]
    cut = np.append(places.cut, np.arange(groups, len(places.home)))
    keys = [(cut[p.place] * products + p.product) * months + p.month for p in parts]
    distinct = np.unique(np.concatenate(keys))
    few = len(distinct) <= FEWER * len(parts[0])
    chosen = distinct if few else distinct[losing[distinct // months % products]]
    place, rest = np.divmod(chosen, products * months)
    product, month = np.divmod(rest, months)
    labels: dict[str, Any] = {
        "cut": place - groups,
        "product": draft.product_label(product),
        "month": draft.month_label(month),
    }
    column = draft.builder.add_columns("sales", "money", labels, len(chosen))
    sold = draft.matrix(np.arange(len(chosen)), column, 1.0, len(chosen))
    matrix, constant, rest_of = sold, np.zeros(len(chosen)), []
    for part, key in zip(parts, keys, strict=True):
        at = np.searchsorted(chosen, key)
        hit = chosen[np.minimum(at, len(chosen) - 1)] == key if len(chosen) else np.zeros(len(key), bool)
        entries = (np.ones(hit.sum()), (at[hit], np.flatnonzero(hit)))
        gather = sp.csr_array(sp.coo_array(entries, shape=(len(chosen), len(part))))
        matrix = matrix - gather @ widen(part.matrix, draft.builder.columns)
        constant += gather @ part.constant
        rest_of.append(part.where(~hit))
    draft.columns["sales"] = column
    draft.given = Cells(place, product, month, month, constant, sp.csr_array(sold - matrix))
    matrix = sp.csr_array(matrix)
    for rule_, some in ((sums_of_cuts, np.flatnonzero(~losing[product])), (losses, np.flatnonzero(losing[product]))):
        names = {n: v[some] for n, v in labels.items()}
        rule_(draft, names, sp.csr_array(matrix[some]), constant[some])
    cells = Cells(place, product, month, month, np.zeros(len(chosen)), sold)
    return [cells, *rest_of], cells


@rule("The sales of a cut are the sum of its groups'", unit="money", index="cut, product, month")
def sums_of_cuts(draft: Draft, labels: Labels, matrix: sp.csr_array, given: Floats) -> None:
    """sales[cut,p,t] = Σ_{g in cut} curve[g,p,t] + Σ_pool lift[pool,cut,p,t], where nothing may be lost."""
    if len(given):
        draft.add_rows(sums_of_cuts, labels, matrix, given, given)


@rule("Only what sells can be lost", unit="money", index="cut, product, month")
def losses(draft: Draft, labels: Labels, matrix: sp.csr_array, given: Floats) -> None:
    """0 ≤ sales[cut,p,t] ≤ Σ_{g in cut} curve[g,p,t] + Σ_pool lift[pool,cut,p,t]; what is not sold is lost."""
    if len(given):
        draft.add_rows(losses, labels, matrix, -np.inf, given)


def large_products(draft: Draft) -> np.ndarray:
    """Whether each product's contracts are whole, shape (products,)."""
    products = draft.grain.model["products"]
    return products["large"].to_numpy(bool)


def contract_values(draft: Draft) -> Floats:
    """Money of a contract of each product in program money; the price where blank; NaN for neither."""
    products = draft.grain.model["products"]
    values = products["contract_value"].fillna(products["price"]).to_numpy(float)
    return np.where(values > 0, values / draft.money, np.nan)


def add_lift(draft: Draft, places: Places) -> None:
    """Table ``lift`` (pool, place, product, month, column) and table ``lifted`` (pair, column): lift of a pair in the year."""
    grain, pools, months = draft.grain, draft.tables["pools"], draft.shape[1]
    pairs = grain.pairs.assign(cut=places.cut[grain.pairs["group"]])
    active = (grain.groups["status"] == "active").to_numpy()
    usable = pairs[
        active[pairs["group"]] & ~large_products(draft)[pairs["product"]] & (pairs["ceiling"] > 0).to_numpy()
    ]
    cells = usable[["cut", "product"]].drop_duplicates().sort_values(["cut", "product"])
    flow = grain.flow[cells.index]  # all groups of a cut are open in the same months
    found, reached = [], np.zeros(len(cells), bool)
    for k, (unit, product) in enumerate(pools.itertuples(index=False)):
        here = cells["product"].map(lambda p: grain.product[p]).eq(product) | (product == "")
        if unit:
            below = {u for u, chain in grain.model.ancestors.items() if unit in chain}
            here &= np.isin(places.home[cells["cut"]], list(below))
        reached |= here.to_numpy()
        some = cells[here.to_numpy()]
        open_ = (flow[here.to_numpy()] > 0).ravel()
        here = some.loc[some.index.repeat(months)].assign(pool=k, month=np.tile(np.arange(months), len(some)))
        found.append(here[open_])
    lift = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=["cut", "product", "pool", "month"])
    lift = lift.astype(int).rename(columns={"cut": "place"})
    labels = {
        "pool": lift["pool"].to_numpy(),
        "cut": lift["place"].to_numpy() - draft.shape[0],
        "product": draft.product_label(lift["product"].to_numpy()),
        "month": draft.month_label(lift["month"].to_numpy()),
    }
    lift["column"] = draft.builder.add_columns("lift", "money", labels, len(lift))
    draft.tables["lift"] = lift
    wanted = usable.merge(cells[reached], on=["cut", "product"])
    wanted["pair"] = pd.MultiIndex.from_frame(pairs[["group", "product"]]).get_indexer(
        pd.MultiIndex.from_frame(wanted[["group", "product"]])
    )
    wanted = wanted.sort_values("pair", ignore_index=True)
    g, p = wanted["group"].to_numpy(), wanted["product"].to_numpy()
    labels = {"group": draft.group_label(g), "product": draft.product_label(p)}
    wanted["column"] = draft.builder.add_columns("lift of the year", "money", labels, len(wanted))
    draft.tables["lifted"] = wanted
    if len(lift):
        lift_is_sold_once(draft)
        lift_agrees(draft)


@rule("A line's lift is sold once", unit="money", index="pool, month")
def lift_is_sold_once(draft: Draft) -> None:
    """Σ_{cut,p} lift[pool,cut,p,t] ≤ Σ_b effect[b,t]."""
    lift, months, pools = draft.tables["lift"], draft.shape[1], draft.tables["pools"]
    row = (lift["pool"] * months + lift["month"]).to_numpy()
    sold = draft.matrix(row, lift["column"].to_numpy(), 1.0, len(pools) * months)
    k, t = np.divmod(np.arange(len(pools) * months), months)
    names = [", ".join(n for n in pool if n) or "*" for pool in pools[["unit", "product"]].itertuples(index=False)]
    labels = {"pool": draft.label(names, k), "month": draft.month_label(t)}
    draft.add_rows(lift_is_sold_once, labels, sp.csr_array(sold - effect_matrix(draft)), -np.inf, 0.0)


@rule("Lift by month and lift by client agree", unit="money", index="cut, product")
def lift_agrees(draft: Draft) -> None:
    """Σ_{pool,t} lift[pool,cut,p,t] = Σ_{g in cut} lift of the year[g,p]."""
    lift, lifted = draft.tables["lift"], draft.tables["lifted"]
    number = lifted.groupby(["cut", "product"], sort=True).ngroup().to_numpy()
    keys = lifted[["cut", "product"]].drop_duplicates().sort_values(["cut", "product"])
    at = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_arrays([lift["place"], lift["product"]]))
    matrix = draft.matrix(
        np.concatenate([at, number]),
        np.concatenate([lift["column"], lifted["column"]]),
        np.concatenate([np.ones(len(lift)), -np.ones(len(lifted))]),
        len(keys),
    )
    labels = {
        "cut": keys["cut"].to_numpy() - draft.shape[0],
        "product": draft.product_label(keys["product"].to_numpy()),
    }
    draft.add_rows(lift_agrees, labels, matrix, 0.0, 0.0)


@rule("The market has a ceiling", unit="money", index="group, product")
def ceilings(draft: Draft, curve: Cells) -> None:
    """Σ_t curve[g,p,t] + lift of the year[g,p] ≤ ceiling[g,p], where a line lifts; elsewhere the curve keeps it by itself."""
    lifted, months = draft.tables["lifted"], draft.shape[1]
    if not len(lifted):
        return
    pair = lifted["pair"].to_numpy()
    year = sp.kron(sp.eye_array(len(pair)), np.ones((1, months)), format="csr")
    cells = (pair[:, None] * months + np.arange(months)).ravel()
    total = year @ widen(curve.matrix, draft.builder.columns)[cells]
    matrix = total + draft.matrix(np.arange(len(pair)), lifted["column"].to_numpy(), 1.0, len(pair))
    flow = draft.grain.flow[pair].sum(axis=1)
    limit = flow * lifted["ceiling"].to_numpy(float) / draft.money - curve.constant[cells].reshape(-1, months).sum(
        axis=1
    )
    if draft.happened is not None:  # where more was sold than the past's part, the months that remain keep their own
        over = draft.happened.months
        part = draft.grain.flow[pair, :over].sum(axis=1) * lifted["ceiling"].to_numpy(float)
        limit += np.maximum(draft.happened.sell[pair].sum(axis=1) - part, 0.0) / draft.money
    labels = {
        "group": draft.group_label(lifted["group"].to_numpy()),
        "product": draft.product_label(lifted["product"].to_numpy()),
    }
    draft.add_rows(ceilings, labels, sp.csr_array(matrix), -np.inf, limit)


def lift_cells(draft: Draft) -> Cells:
    """Lift, a cell for every column."""
    lift = draft.tables["lift"]
    place, product, month, column = (lift[c].to_numpy() for c in ("place", "product", "month", "column"))
    matrix = draft.matrix(np.arange(len(lift)), column, 1.0, len(lift))
    return Cells(place, product, month, month, np.zeros(len(lift)), matrix)


@rule("A large contract is whole", unit="contracts", index="group, product, month")
def large_contracts(draft: Draft, curve: Cells) -> Cells:
    """Σ_{t'≤t} contracts ≤ Σ_{t'≤t} curve ÷ contract_value + 1; over the plan without the head start.

    Where the curve does not depend on a decision the right-hand side is rounded down: contracts are whole.

    Returns
    -------
    Cells
        Contracts, a cell for every column.
    """
    months, values = draft.shape[1], contract_values(draft)
    some = np.flatnonzero(large_products(draft)[curve.product])
    place, product, month = curve.place[some], curve.product[some], curve.month[some]
    labels = {
        "group": draft.group_label(place),
        "product": draft.product_label(product),
        "month": draft.month_label(month),
    }
    sold = np.where(draft.grain.season[product, month] > 0, np.inf, 0.0)
    column = draft.builder.add_columns("contracts", "contracts", labels, len(some), 0.0, sold, integer=True)
    contracts = draft.matrix(np.arange(len(some)), column, 1.0, len(some))
    cells = Cells(place, product, month, month, np.zeros(len(some)), contracts)
    draft.columns["contracts"] = column
    if len(some):
        of = curve.where(np.isin(np.arange(len(curve)), some)).times(1 / values[product])
        draft.demanded = of
        so_far = sp.kron(sp.eye_array(len(some) // months), np.tril(np.ones((months, months))), format="csr")
        demand = sp.csr_array(so_far @ widen(of.matrix, draft.builder.columns))
        head = np.where(month == months - 1, 0.0, 1.0)
        limit = so_far @ of.constant + head
        if draft.happened is None:
            fixed = np.diff(demand.indptr) == 0
            limit = np.where(fixed, np.floor(limit + 1e-9), limit)
        else:
            limit += ahead_of_demand(draft, of, limit)
        draft.add_rows(large_contracts, labels, sp.csr_array(so_far @ contracts - demand), -np.inf, limit)
    return cells


def ahead_of_demand(draft: Draft, demand: Cells, limit: Floats) -> Floats:
    """Contracts by which the past alone is ahead of the limit at effort 0: nobody can take them back."""
    assert draft.happened is not None
    pairs = pd.MultiIndex.from_frame(draft.grain.pairs[["group", "product"]])
    pair = pairs.get_indexer(pd.MultiIndex.from_arrays([demand.place, demand.product]))
    sold = draft.happened.sell[pair].sum(axis=1) / draft.money / contract_values(draft)[demand.product]
    return np.asarray(np.maximum(sold - limit, 0.0))


@rule("Only what can be delivered is sold", unit="money", index="product, month")
def supply(draft: Draft, sales: list[Cells]) -> None:
    """Σ_g sell[g,p,t] = Σ_source delivered[p,source,t] ≤ maximum, for products with supply rows.

    Table ``delivered`` (product, source, month, unit_cost, column).
    """
    grain, months = draft.grain, draft.shape[1]
    rows = grain.model["supply"]
    dated = rows["month"] != ""
    parts = [rows[dated]]
    if (~dated).any():
        every = (
            rows[~dated].drop(columns="month").merge(pd.DataFrame({"month": grain.model.calendar.months}), how="cross")
        )
        has = pd.MultiIndex.from_frame(rows.loc[dated, ["product", "source", "month"]])
        parts.append(every[~pd.MultiIndex.from_frame(every[["product", "source", "month"]]).isin(has)])
    table = pd.concat(parts, ignore_index=True).sort_values(["product", "source", "month"], ignore_index=True)
    t = positions(grain.model.calendar.months, table["month"])
    table = table[t >= 0].assign(position=t[t >= 0])
    p = positions(grain.product, table["product"])
    labels = {
        "product": draft.product_label(p),
        "source": pd.Categorical(table["source"]),
        "month": draft.month_label(table["position"].to_numpy()),
    }
    upper = table["maximum"].to_numpy(float) / draft.money
    table["column"] = draft.builder.add_columns("delivered", "money", labels, len(table), 0.0, upper)
    draft.tables["delivered"] = table
    limited = np.unique(positions(grain.product, rows["product"].unique())).astype(int)
    if not len(limited):
        return
    place = np.full(len(grain.product), -1)
    place[limited] = np.arange(len(limited))
    size = len(limited) * months
    row = place[p] * months + table["position"].to_numpy()
    matrix = draft.matrix(row, table["column"].to_numpy(), -1.0, size)
    constant = np.zeros(size)
    for part in sales:
        hit = np.flatnonzero(place[part.product] >= 0)
        at = place[part.product[hit]] * months + part.month[hit]
        gather = sp.csr_array(sp.coo_array((np.ones(len(hit)), (at, hit)), shape=(size, len(part))))
        matrix = matrix + gather @ widen(part.matrix, draft.builder.columns)
        constant += gather @ part.constant
    q, m = np.divmod(np.arange(size), months)
    labels = {"product": draft.product_label(limited[q]), "month": draft.month_label(m)}
    draft.add_rows(supply, labels, sp.csr_array(matrix), -constant, -constant)
