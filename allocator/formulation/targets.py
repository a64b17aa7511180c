"""Targets: rows over metrics, their misses, and the goals made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.errors import Finding, InputError
from allocator.formulation.draft import Draft, widen
from allocator.formulation.metrics import MONEY, Metrics, Sums, commission_rates
from allocator.formulation.rules import rule
from allocator.model import Model
from allocator.program import Floats, Goal, Ints
from allocator.scopes import Scope, parse_scope, parse_share_of
from allocator.texts import _

ON_SALES = frozenset({"revenue", "profit", "contribution", "contracts", "commission", "collections", "market_share"})


@dataclass(frozen=True)
class TargetRows:
    """Every repetition of every target as an expression and a bound.

    Attributes
    ----------
    table : DataFrame
        One row each: target, metric, level, period, scope, each (text), bound ("at_least", "at_most"), priority, weight,
        hard, unit (what one in the program is in the metric's unit), scale (miss of 1, in the program's unit).
    metric, base : tuple of (constant, matrix)
        The metric, and what the bound is a share of (constant bounds have an empty matrix).
    share : float array
        Bound as a factor of the base, in the program's units.
    before : tuple of (constant, matrix)
        Metric less bound in the months that are over, of hard targets: what remains need not make good what they broke.
    """

    table: pd.DataFrame
    metric: tuple[Floats, sp.csr_array]
    base: tuple[Floats, sp.csr_array]
    share: Floats
    before: tuple[Floats, sp.csr_array]


def losing_products(draft: Draft) -> NDArray[np.bool_]:
    """Products of which less may be wished than the clients would buy, shape (products,).

    Those with supply rows or a need of a shared pool, those whose margin is below some grade's commission, and those in a scope of
    sales on which a target sets an upper bound or a share: there the plan may decline to sell, and the curves are followed exactly
    although some goal would rather not (free disposal).
    """
    model, product = draft.grain.model, draft.grain.product
    losing = np.isin(product, [*model["supply"]["product"].unique(), *model["needs"]["product"].unique()])
    dearest = max(commission_rates(model, 1.0).values())
    losing |= model["products"]["margin"].to_numpy(float) < dearest
    own = set(model["yields"].loc[model["yields"]["source"].isin(product), "metric"])
    for metric, level, scope, at_most, share_of in model["targets"][
        ["metric", "level", "scope", "at_most", "share_of"]
    ].itertuples(index=False):
        read = [(metric, parse_scope(scope))] if share_of or not np.isnan(at_most) else []
        read += [parse_share_of(share_of)] if share_of else []
        for name, filters in read:
            if level == "ceiling" or name not in ON_SALES | own:
                continue
            held = np.ones(len(product), bool)
            for key in {"product", "family", "class"} & set(filters):
                held &= model["products"][key].isin(filters[key]).to_numpy()
            losing |= held
    return losing


def target_rows(draft: Draft, metrics: Metrics) -> TargetRows:
    """Evaluate every target of the model over its metric, once for each repetition and bound."""
    model = draft.grain.model
    tables, tops, bases, shares, befores = [], [], [], [], []
    columns = draft.builder.columns
    row: Any
    for row in model["targets"].itertuples(index=False):
        months = model.calendar.window(row.period)
        scope = parse_scope(row.scope)
        sums = metrics.sums(row.metric, scope, months, row.each)
        size = np.ones(len(sums.keys))
        if row.metric == "market_share":
            size = market_sizes(model, scope, months, sums.keys) / draft.money
            if not (size > 0).all():
                raise InputError([_no_market(row.target)])
            sums = Sums(sums.keys, sums.constant / size, sp.csr_array(sp.diags_array(1 / size) @ sums.matrix))
        unit = draft.money if row.metric in MONEY else 1.0
        base = _base(draft, metrics, row, months, sums.keys)
        of = draft.money if parse_share_of(row.share_of)[0] in MONEY else 1.0
        for bound in ("at_least", "at_most"):
            value = getattr(row, bound)
            if np.isnan(value):
                continue
            share = value * of / unit if row.share_of else value / unit
            tables.append(_describe(row, bound, value, sums.keys, unit))
            tops.append((sums.constant, sums.matrix))
            bases.append(base if row.share_of else (np.ones(len(sums.keys)), sp.csr_array((len(sums.keys), columns))))
            shares.append(np.full(len(sums.keys), share))
            befores.append(_before(draft, metrics, row, sums.keys, share, size))
    if not tables:
        nothing = (np.zeros(0), sp.csr_array((0, columns)))
        return TargetRows(_describe_none(), nothing, nothing, np.zeros(0), nothing)
    table = pd.concat(tables, ignore_index=True)
    metric = (np.concatenate([c for c, _ in tops]), sp.csr_array(sp.vstack([m for _, m in tops])))
    base = (np.concatenate([c for c, _ in bases]), sp.csr_array(sp.vstack([m for _, m in bases])))
    share = np.concatenate(shares)
    before = (np.concatenate([c for c, _ in befores]), sp.csr_array(sp.vstack([m for _, m in befores])))
    expected = expected_plan(draft)
    size = np.abs(share) * np.abs(base[0] + base[1] @ expected)
    return TargetRows(
        table.assign(scale=np.where(size > 1e-12, size, 1.0 / table["unit"])), metric, base, share, before
    )


def _before(
    draft: Draft, metrics: Metrics, row: Any, keys: pd.DataFrame, share: float, size: Floats
) -> tuple[Floats, sp.csr_array]:
    """Metric (divided by a size) less bound in the months of a target that are over, for each repetition."""
    columns, months = draft.builder.columns, draft.grain.model.calendar.window(row.period)
    early = np.intersect1d(months, np.arange(draft.grain.model.past))
    if not len(early) or row.priority != "hard":
        return np.zeros(len(keys)), sp.csr_array((len(keys), columns))
    sums = metrics.sums(row.metric, parse_scope(row.scope), early, row.each)
    several = len(keys.columns) > 0
    one = np.zeros(1, np.int64)
    at = pd.MultiIndex.from_frame(sums.keys).get_indexer(pd.MultiIndex.from_frame(keys)) if several else one
    hit = np.flatnonzero(at >= 0)
    pick = sp.csr_array(sp.coo_array((1 / size[hit], (hit, at[hit])), shape=(len(keys), len(sums.keys))))
    if not row.share_of:
        return pick @ sums.constant - share, sp.csr_array(pick @ sums.matrix)
    base = _base(draft, metrics, row, early, keys)
    return pick @ sums.constant - share * base[0], sp.csr_array(pick @ sums.matrix - share * base[1])


def _describe(row: Any, bound: str, value: float, keys: pd.DataFrame, unit: float) -> pd.DataFrame:
    each = pd.Series("", index=keys.index)
    for name in keys.columns:
        each = each + np.where(each == "", "", "; ") + name + "=" + keys[name].astype(str)
    hard = row.priority == "hard"
    fixed = {
        name: getattr(row, name) for name in ("target", "metric", "level", "period", "scope", "share_of", "weight")
    }
    return pd.DataFrame(
        {
            **fixed,
            "each": each,
            "bound": bound,
            "value": value,
            "priority": 0 if hard else int(row.priority),
            "hard": hard,
            "unit": unit,
        },
        index=keys.index,
    )


def _describe_none() -> pd.DataFrame:
    names = ["target", "metric", "level", "period", "scope", "share_of", "weight", "each", "bound", "value"]
    return pd.DataFrame({n: [] for n in [*names, "priority", "hard", "unit", "scale"]})


def _base(draft: Draft, metrics: Metrics, row: Any, months: Ints, keys: pd.DataFrame) -> tuple[Floats, sp.csr_array]:
    """What the bound is a share of, for each repetition: only rep, unit and kinds of unit carry over."""
    if not row.share_of:
        return np.zeros(len(keys)), sp.csr_array((len(keys), draft.builder.columns))
    name, scope = parse_share_of(row.share_of)
    kinds = set(draft.grain.model["units"]["kind"])
    carried = tuple(e for e in row.each if e in {"rep", "unit", *kinds})
    sums = metrics.sums(name, scope, months, carried)
    if not carried:
        at = np.zeros(len(keys), int)
    else:
        at = pd.MultiIndex.from_frame(sums.keys).get_indexer(pd.MultiIndex.from_frame(keys[list(carried)]))
    pick = sp.csr_array(
        sp.coo_array(
            (np.ones((at >= 0).sum()), (np.flatnonzero(at >= 0), at[at >= 0])), shape=(len(keys), len(sums.keys))
        )
    )
    return pick @ sums.constant, sp.csr_array(pick @ sums.matrix)


def _no_market(target: str) -> Finding:
    says = _("The market table has nothing in the scope and period of target {target}. Add rows, or narrow the target.")
    return Finding("error", "targets", "", "scope", target, "market", says.format(target=target))


def market_sizes(model: Model, scope: Scope, months: Ints, keys: pd.DataFrame) -> Floats:
    """Money that the market buys in a scope and months, for each repetition; rows of longer periods count by months."""
    rows, calendar = model["market"], model.calendar
    products = model["products"].set_index("product")
    windows = [calendar.window(p) for p in rows["period"]]
    roots = tuple(u for u, chain in model.ancestors.items() if len(chain) == 1)
    company = roots if len(roots) == 1 else ()  # a row without a unit is the company's
    kinds = set(model["units"]["kind"])

    def size(filters: list[tuple[str, tuple[str, ...]]]) -> float:
        inside = months
        for key, values in filters:
            if key in ("month", "quarter"):
                inside = np.intersect1d(inside, np.concatenate([calendar.window(v) for v in values]))
        held = np.array([len(np.intersect1d(w, inside)) / len(w) for w in windows])
        for key, values in filters:
            if key == "unit" or key in kinds:
                fits = [not set(values).isdisjoint(model.ancestors.get(u, company)) for u in rows["unit"]]
                held *= np.array(fits, float)
            elif key in ("family", "class"):
                held *= products[key].reindex(rows["product"]).isin(values).to_numpy(float)
            elif key not in ("month", "quarter"):
                held *= rows[key].isin(values).to_numpy(float)
        return float(held @ rows["size"].to_numpy(float))

    repetitions = keys.to_dict("records")
    return np.array([size([*scope.items(), *((str(k), (str(v),)) for k, v in one.items())]) for one in repetitions])


def expected_plan(draft: Draft) -> Floats:
    """A point at expected demand: every promise kept and nothing more, lines at their maxima, nothing won, no lift."""
    x = np.zeros(draft.builder.columns)
    upper = draft.builder.upper
    x[draft.columns["within"]] = upper[draft.columns["within"]]
    visits, (_, months) = draft.columns["visits"], draft.shape
    spread = visits >= 0
    x[visits[spread]] = draft.grain.even_promise[spread]
    lines = draft.tables["lines"]
    column, owner = draft.columns["spend"], draft.tables["line_segments"]["line"].to_numpy()
    for b in range(len(lines)):
        each = lines["maximum"].iloc[b] / draft.money / lines["length"].iloc[b]
        for t in range(months):
            left = each
            for z in column[owner == b, t]:
                if z >= 0:
                    x[z] = min(left, upper[z])
                    left -= x[z]
    for name, cells in (("sales", draft.given), ("contracts", draft.demanded)):
        if cells is not None:
            x[draft.columns[name]] = cells.constant + widen(cells.matrix, len(x)) @ x
    return x


@rule("A target is reached, or its miss is counted", unit="the metric's", index="target, repetition")
def targets(draft: Draft, rows: TargetRows) -> None:
    """Metric + scale · short ≥ share · base;  metric − scale · over ≤ share · base;  hard targets have no miss.

    Table ``misses`` (row, level, priority, weight, column), in the order of the rows.
    """
    table = rows.table
    matrix = rows.metric[1] - sp.diags_array(rows.share) @ rows.base[1] if len(table) else rows.metric[1]
    constant = rows.share * rows.base[0] - rows.metric[0]
    planned = np.flatnonzero(table["level"] != "ceiling")
    hard = table["hard"].to_numpy(bool) | (draft.strict & (table["level"] == "base").to_numpy(bool))
    soft = planned[~hard[planned]]
    labels = {
        "target": pd.Categorical(table["target"].iloc[soft]),
        "each": pd.Categorical(table["each"].iloc[soft]),
        "bound": pd.Categorical(table["bound"].iloc[soft]),
    }
    column = draft.builder.add_columns("miss", "share", labels, len(soft))
    misses = table.iloc[soft][["level", "priority", "weight"]].assign(row=soft, column=column)
    draft.tables["misses"] = misses.reset_index(drop=True)
    if not len(planned):
        return
    least = (table["bound"] == "at_least").to_numpy()
    sign = np.where(least, 1.0, -1.0) * table["scale"].to_numpy(float)
    of_row = np.full(len(table), -1)
    of_row[soft] = column
    missed = draft.matrix(np.arange(len(table)), of_row, sign, len(table))
    both = widen(sp.csr_array(matrix), draft.builder.columns) + missed
    labels = {n: pd.Categorical(table[n].iloc[planned]) for n in ("target", "each", "bound")}
    low, high = np.where(least, constant, -np.inf), np.where(least, np.inf, constant)
    draft.add_rows(targets, labels, sp.csr_array(sp.csr_array(both)[planned]), low[planned], high[planned])


@rule("The largest miss of a priority", unit="share", index="target, repetition")
def largest_miss(draft: Draft) -> None:
    """largest[level,priority] ≥ miss of each target of it; table ``largest`` (level, priority, column)."""
    misses = draft.tables["misses"]
    over = draft.columns["overrun"]
    extra = pd.DataFrame({"level": "base", "priority": 1, "weight": 1.0, "row": -1, "column": over[over >= 0]})
    misses = pd.concat([misses, extra], ignore_index=True)
    draft.tables["misses"] = misses
    kinds = misses.groupby(["level", "priority"], sort=True).agg(column=("column", "first"), size=("column", "size"))
    kinds = kinds.reset_index()
    several = np.flatnonzero(kinds["size"] > 1)  # one miss is its own largest
    labels = {"level": pd.Categorical(kinds["level"][several]), "priority": kinds["priority"].to_numpy(int)[several]}
    added = draft.builder.add_columns("largest", "share", labels, len(several))
    kinds.loc[several, "column"] = added
    kinds = kinds.drop(columns="size")
    draft.tables["largest"] = kinds
    misses = misses.merge(kinds.loc[several, ["level", "priority"]], on=["level", "priority"])
    if not len(misses):
        return
    of = misses.merge(kinds.rename(columns={"column": "largest"}), on=["level", "priority"], how="left")
    row = np.arange(len(of))
    matrix = draft.matrix(
        np.concatenate([row, row]),
        np.concatenate([of["column"].to_numpy(), of["largest"].to_numpy()]),
        np.concatenate([np.ones(len(of)), -np.ones(len(of))]),
        len(of),
    )
    labels = {"level": pd.Categorical(of["level"]), "priority": of["priority"].to_numpy(int), "number": row}
    draft.add_rows(largest_miss, labels, matrix, -np.inf, 0.0)


def target_goals(draft: Draft, level: str) -> list[Goal]:
    """For each priority of a level: the largest relative miss, then the weighted sum."""
    misses, kinds, size = draft.tables["misses"], draft.tables["largest"], draft.builder.columns
    goals = []
    for priority, column in kinds.loc[kinds["level"] == level, ["priority", "column"]].itertuples(index=False):
        largest, total = np.zeros(size), np.zeros(size)
        largest[column] = 1.0
        of = misses[(misses["level"] == level) & (misses["priority"] == priority)]
        total[of["column"].to_numpy(int)] = of["weight"].to_numpy(float)
        kind = f"{level} {priority}"
        goals += [Goal(f"{kind} largest", kind, largest, wish=True), Goal(f"{kind} sum", kind, total, wish=True)]
    return goals
