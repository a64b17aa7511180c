"""The program of ``business.py`` written down in other libraries, as their users would, by the quickest way that their manuals name.

PuLP, Pyomo and OR-Tools take expressions term by term: they share the loops of :func:`bounds`, :func:`rows` and :func:`objective` and
differ in how a column, a row and an answer are made. linopy takes whole labelled arrays.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

import numpy as np
from business import Business, Visited

Bounds = dict[str, dict[Hashable, tuple[float, float | None]]]
Row = tuple[list[Any], list[float], float | None, float | None]
"""Columns, coefficients, least and most."""
Built = Any
Solve = Callable[[], float]
"""Solves and returns contribution, in units of ``money``."""

HIGHS = {"solver": "ipm", "run_crossover": "on", "threads": 1, "parallel": "off"}
"""What every peer with HiGHS asks of it: the same as the floor."""


def parts(b: Business) -> tuple[Visited, Visited]:
    """Both kinds of groups."""
    return b.monthly, b.quarterly


def bounds(b: Business) -> Bounds:
    """Columns by family, with least and most."""
    found: Bounds = defaultdict(dict)
    for part in parts(b):
        low, high = part.least.tolist(), part.width.tolist()
        for k, g in enumerate(part.group.tolist()):
            for s, row in enumerate(high[k]):
                for w, most in enumerate(row):
                    found["effort"][g, s, w] = (low[k][s][w], most)
    months, (regions, products, _) = range(b.hours.shape[1]), b.given.shape
    found["visits"] = {(g, t): (0.0, None) for g in b.quarterly.group.tolist() for t in months}
    found["spend"] = {
        (line, s, t): (0.0, float(b.money_width[line, s]))
        for line, s in zip(*(i.tolist() for i in np.nonzero(b.money_width)), strict=True)
        for t in months
    }
    found["lift"] = {(z, t): (0.0, None) for z in range(regions) for t in months}
    found["lifted"] = dict.fromkeys(b.lifted.tolist(), (0.0, None))
    found["sales"] = {(z, p, t): (0.0, None) for z in range(regions) for p in range(products) for t in months}
    limited = np.flatnonzero(np.isfinite(b.limited)).tolist()
    found["delivered"] = {(p, t): (0.0, float(b.limited[p])) for p in limited for t in months}
    return found


def rows(b: Business, x: Mapping[str, Mapping[Any, Any]]) -> Iterator[tuple[str, list[Row]]]:
    """Rows by family, of the columns ``x``."""
    months, (regions, products, _) = range(b.hours.shape[1]), b.given.shape
    effort, spend, lift, sales = x["effort"], x["spend"], x["lift"], x["sales"]
    yield "sales", list(_sales(b, x))
    yield "hours", list(_hours(b, x))
    made: list[Row] = []
    window, segments = b.quarterly.window.tolist(), range(b.quarterly.width.shape[1])
    for g in b.quarterly.group.tolist():
        for w in sorted(set(window)):
            visits = [x["visits"][g, t] for t in months if window[t] == w]
            steps = [effort[g, s, w] for s in segments]
            made.append((visits + steps, [1.0] * len(visits) + [-1.0] * len(steps), 0.0, 0.0))
    yield "made", made
    effect, lines = b.effect.tolist(), range(len(b.line_most))
    of_line = {line: np.flatnonzero(b.money_width[line]).tolist() for line in lines}
    once = [
        ([lift[z, t], *(spend[z, s, t] for s in of_line[z])], [1.0, *(-effect[z][s] for s in of_line[z])], None, 0.0)
        for z in range(regions)
        for t in months
    ]
    yield "once", once
    of_region: dict[int, list[int]] = defaultdict(list)
    for g in b.lifted.tolist():
        of_region[int(b.region[g])].append(g)
    yield (
        "agree",
        [
            (
                [*(lift[z, t] for t in months), *(x["lifted"][g] for g in of_region[z])],
                [1.0] * len(months) + [-1.0] * len(of_region[z]),
                0.0,
                0.0,
            )
            for z in range(regions)
        ],
    )
    yield "room", list(_room(b, x))
    limited = sorted({p for p, _ in x["delivered"]})
    yield (
        "supply",
        [
            ([*(sales[z, p, t] for z in range(regions)), x["delivered"][p, t]], [1.0] * regions + [-1.0], 0.0, 0.0)
            for p in limited
            for t in months
        ],
    )
    whole = {line: [spend[line, s, t] for s in of_line[line] for t in months] for line in lines}
    yield "most", [(whole[i], [1.0] * len(whole[i]), None, float(b.line_most[i])) for i in lines]
    yield "least", [(whole[i], [1.0] * len(whole[i]), float(b.line_least[i]), None) for i in lines if b.line_least[i]]
    market = [v for i in range(regions) for v in whole[i]]
    yield "marketing", [(market, [1.0] * len(market), None, b.marketing)]
    by_region = [[sales[z, p, t] for p in range(products) for t in months] for z in range(regions)]
    yield "region", [(v, [1.0] * len(v), m, None) for v, m in zip(by_region, b.region_least.tolist(), strict=True)]
    by_product = [[sales[z, p, t] for z in range(regions) for t in months] for p in range(products)]
    yield "product", [(v, [1.0] * len(v), m, None) for v, m in zip(by_product, b.product_least.tolist(), strict=True)]


def _sales(b: Business, x: Mapping[str, Mapping[Any, Any]]) -> Iterator[Row]:
    effort, region = x["effort"], b.region.tolist()
    columns: dict[tuple[int, int, int], list[Any]] = defaultdict(list)
    values: dict[tuple[int, int, int], list[float]] = defaultdict(list)
    for part in parts(b):
        window, group = part.window.tolist(), part.group.tolist()
        at = np.nonzero(part.gain)
        for k, p, s, t, gain in zip(*(i.tolist() for i in at), part.gain[at].tolist(), strict=True):
            key = region[group[k]], p, t
            columns[key].append(effort[group[k], s, window[t]])
            values[key].append(-gain)
    given, free, lifts = b.given.tolist(), np.isinf(b.limited).tolist(), b.lifts.tolist()
    for (z, p, t), column in x["sales"].items():
        own, value = columns[z, p, t], values[z, p, t]
        if lifts[z] == p:
            own.append(x["lift"][z, t])
            value.append(-1.0)
        yield [column, *own], [1.0, *value], given[z][p][t] if free[p] else None, given[z][p][t]


def _hours(b: Business, x: Mapping[str, Mapping[Any, Any]]) -> Iterator[Row]:
    columns: dict[tuple[int, int], list[Any]] = defaultdict(list)
    values: dict[tuple[int, int], list[float]] = defaultdict(list)
    quarterly, segments = set(b.quarterly.group.tolist()), range(b.monthly.width.shape[1])
    share, each, owner, backup = (v.tolist() for v in (b.share, b.visit_hours, b.owner, b.backup))
    for g, hours in enumerate(each):
        for t, own in enumerate(share[g]):
            made = [x["visits"][g, t]] if g in quarterly else [x["effort"][g, s, t] for s in segments]
            for rep, part in ((owner[g], own), (backup[g], 1.0 - own)):
                if rep >= 0 and part > 0:
                    columns[rep, t] += made
                    values[rep, t] += [part * hours] * len(made)
    most = b.hours.tolist()
    for key, own in columns.items():
        yield own, values[key], None, most[key[0]][key[1]]


def _room(b: Business, x: Mapping[str, Mapping[Any, Any]]) -> Iterator[Row]:
    room = dict(zip(b.lifted.tolist(), b.room.tolist(), strict=True))
    for part in parts(b):
        year = _over_windows(part)
        window = range(year.shape[-1])
        for k, g in enumerate(part.group.tolist()):
            if g in room:
                gain = year[k, b.lifts[b.region[g]]].tolist()
                steps = [x["effort"][g, s, w] for s in range(len(gain)) for w in window]
                yield [*steps, x["lifted"][g]], [*(v for row in gain for v in row), 1.0], None, room[g]


def _over_windows(part: Visited) -> np.ndarray:
    """Gain of a visit over its window, shape (n, products, segments, windows)."""
    return np.add.reduceat(part.gain, np.unique(part.window, return_index=True)[1], axis=3)


def objective(b: Business, x: Mapping[str, Mapping[Any, Any]]) -> tuple[list[Any], list[float]]:
    """Columns and coefficients of contribution."""
    net, cost = b.net.tolist(), b.visit_cost.tolist()
    monthly = set(b.monthly.group.tolist())
    terms = [(column, net[p]) for (_, p, _), column in x["sales"].items()]
    terms += [(column, -1.0) for column in x["spend"].values()]
    terms += [(column, -cost[g]) for (g, _, _), column in x["effort"].items() if g in monthly]
    terms += [(column, -cost[g]) for (g, _), column in x["visits"].items()]
    columns, values = zip(*terms, strict=True)
    return list(columns), list(values)


def with_pulp(solver: str) -> Callable[[Business], Solve]:
    """PuLP: ``LpAffineExpression`` of whole lists of terms, which spares an expression for every product."""

    def build(b: Business) -> Solve:
        import pulp

        model = pulp.LpProblem("business", pulp.LpMaximize)
        x = {
            family: {
                key: pulp.LpVariable(f"{family}_{'_'.join(map(str, key if isinstance(key, tuple) else (key,)))}", *of)
                for key, of in columns.items()
            }
            for family, columns in bounds(b).items()
        }
        model.setObjective(pulp.LpAffineExpression(list(zip(*objective(b, x), strict=True))))
        for family, some in rows(b, x):
            for k, (columns, values, low, high) in enumerate(some):
                terms = pulp.LpAffineExpression(list(zip(columns, values, strict=True)))
                sense = (
                    pulp.LpConstraintEQ if low == high else pulp.LpConstraintLE if low is None else pulp.LpConstraintGE
                )
                side = low if high is None else high
                model.addConstraint(pulp.LpConstraint(terms, sense, f"{family}_{k}", side))
        engine = (
            pulp.PULP_CBC_CMD(msg=False, threads=1)
            if solver == "cbc"
            else pulp.HiGHS(msg=False, **{k: v for k, v in HIGHS.items() if k != "threads"}, threads=1)
        )

        def solve() -> float:
            model.solve(engine)
            assert pulp.LpStatus[model.status] == "Optimal", pulp.LpStatus[model.status]
            return float(pulp.value(model.objective))

        return solve

    return build


def with_pyomo(b: Business) -> Solve:
    """Pyomo: indexed components, ``LinearExpression`` of whole lists, and the interface that hands HiGHS its arrays."""
    import pyomo.environ as pyo
    from pyomo.contrib.appsi.solvers import Highs
    from pyomo.core.expr.numeric_expr import LinearExpression

    model = pyo.ConcreteModel()
    x: dict[str, Any] = {}
    for family, columns in bounds(b).items():
        of = pyo.Var(list(columns), bounds=lambda _, *key, columns=columns: columns[key if len(key) > 1 else key[0]])
        model.add_component(family, of)
        x[family] = of
    columns, values = objective(b, x)
    model.contribution = pyo.Objective(
        expr=LinearExpression(linear_coefs=values, linear_vars=columns), sense=pyo.maximize
    )
    for family, some in rows(b, x):

        def rule(_: Any, k: int, some: list[Row] = some) -> Any:
            columns, values, low, high = some[k]
            expression = LinearExpression(linear_coefs=values, linear_vars=columns)
            return expression == low if low == high else (low, expression, high)

        model.add_component(f"row_{family}", pyo.Constraint(range(len(some)), rule=rule))
    engine = Highs()
    engine.config.stream_solver = False
    engine.highs_options = dict(HIGHS)

    def solve() -> float:
        result = engine.solve(model)
        assert result.termination_condition.name == "optimal", result.termination_condition
        return float(pyo.value(model.contribution))

    return solve


def with_glop(b: Business) -> Solve:
    """OR-Tools: its model builder with weighted sums, and GLOP (simplex)."""
    from ortools.linear_solver.python import model_builder

    model = model_builder.Model()
    infinity = float("inf")
    x = {
        family: {
            key: model.new_num_var(low, infinity if high is None else high, "") for key, (low, high) in columns.items()
        }
        for family, columns in bounds(b).items()
    }
    sum_of = model_builder.LinearExpr.weighted_sum
    model.maximize(sum_of(*objective(b, x)))
    for _, some in rows(b, x):
        for columns, values, low, high in some:
            side = (-infinity if low is None else low, infinity if high is None else high)
            model.add_linear_constraint(sum_of(columns, values), *side)
    engine = model_builder.Solver("GLOP")

    def solve() -> float:
        status = engine.solve(model)
        assert status == model_builder.SolveStatus.OPTIMAL, status
        return float(engine.objective_value)

    return solve


def with_linopy(b: Business) -> Solve:
    """linopy: labelled arrays, sums over dimensions and by group, and HiGHS handed arrays (``io_api="direct"``)."""
    import linopy
    import pandas as pd
    import xarray as xr

    def array(values: np.ndarray, *dims: str, **index: Any) -> xr.DataArray:
        return xr.DataArray(values, dims=dims, coords={k: np.asarray(v) for k, v in index.items()})

    model = linopy.Model()
    months, (regions, products, _) = b.hours.shape[1], b.given.shape
    lines, segments = b.money_width.shape
    month, region = pd.RangeIndex(months, name="month"), pd.RangeIndex(regions, name="region")
    product = pd.RangeIndex(products, name="product")
    width = array(b.money_width, "line", "step", line=range(lines), step=range(segments))
    spend = model.add_variables(
        lower=0,
        upper=width.expand_dims(month=month, axis=2),
        mask=(width > 0).expand_dims(month=month, axis=2),
        name="spend",
    )
    lift = model.add_variables(lower=0, coords=[region, month], name="lift")
    lifted = model.add_variables(lower=0, coords=[pd.Index(b.lifted, name="group")], name="lifted")
    sales = model.add_variables(lower=0, coords=[region, product, month], name="sales")
    some = np.flatnonzero(np.isfinite(b.limited))
    most = array(b.limited[some], "product", product=some).expand_dims(month=month, axis=1)
    delivered = model.add_variables(lower=0, upper=most, name="delivered")
    curves, hours, costs = [], [], []
    for name, part in zip(("monthly", "quarterly"), parts(b), strict=True):
        own = {"group": part.group, "segment": range(part.width.shape[1]), "window": range(part.width.shape[2])}
        effort = model.add_variables(
            lower=array(part.least, "group", "segment", "window", **own),
            upper=array(part.width, "group", "segment", "window", **own),
            name=f"effort_{name}",
        )
        at = array(part.window, "month", month=month)
        monthly = len(own["window"]) == months
        by_month = effort.rename(window="month") if monthly else effort.sel(window=at)
        both = {k: own[k] for k in ("group", "segment")}
        gain = array(part.gain, "group", "product", "segment", "month", product=product, month=month, **both)
        place = array(b.region[part.group], "group", group=part.group).rename("region")
        curves.append((gain * by_month).sum("segment").groupby(place).sum())
        visits = by_month.sum("segment")
        if not monthly:
            made = model.add_variables(lower=0, coords=[pd.Index(part.group, name="group"), month], name="visits")
            model.add_constraints(made.groupby(at.rename("window")).sum() == effort.sum("segment"), name="made")
            visits = 1.0 * made
        costs.append((visits * array(b.visit_cost[part.group], "group", group=part.group)).sum())
        share = array(
            b.share[part.group] * b.visit_hours[part.group, None], "group", "month", group=part.group, month=month
        )
        rest = array(
            (1 - b.share[part.group]) * b.visit_hours[part.group, None], "group", "month", group=part.group, month=month
        )
        for rep, times in ((b.owner, share), (b.backup, rest)):
            who = array(rep[part.group], "group", group=part.group).rename("rep")
            with_rep = part.group[rep[part.group] >= 0]
            hours.append((visits * times).sel(group=with_rep).groupby(who.sel(group=with_rep)).sum())
        mine = np.intersect1d(part.group, b.lifted)
        own_product = array(b.lifts[b.region[mine]], "group", group=mine)
        year = _over_windows(part)[np.searchsorted(part.group, mine), own_product.to_numpy()]
        year = array(year, "group", "segment", "window", **(own | {"group": mine}))
        bought = (effort.sel(group=mine) * year).sum(["segment", "window"])
        at_most = array(b.room[np.searchsorted(b.lifted, mine)], "group", group=mine)
        model.add_constraints(bought + lifted.sel(group=mine) <= at_most, name=f"room_{name}")
    given = array(b.given, "region", "product", "month", region=region, product=product, month=month)
    on = array(b.lifts[:, None] == np.arange(products), "region", "product", region=region, product=product).astype(
        float
    )
    left = sales - sum(curves[1:], curves[0]) - lift * on
    free = np.flatnonzero(np.isinf(b.limited))
    model.add_constraints(left.sel(product=free) == given.sel(product=free), name="sales")
    model.add_constraints(left.sel(product=some) <= given.sel(product=some), name="losses")
    limit = array(b.hours, "rep", "month", rep=range(len(b.hours)), month=month)
    model.add_constraints(sum(hours[1:], hours[0]) <= limit, name="hours")
    effect = array(b.effect[:regions], "region", "step", region=region, step=range(segments))
    of_region = spend.sel(line=range(regions)).rename(line="region")
    model.add_constraints(lift - (of_region * effect).sum("step") <= 0, name="once")
    where = array(b.region[b.lifted], "group", group=b.lifted).rename("region")
    model.add_constraints(lift.sum("month") - lifted.groupby(where).sum() == 0, name="agree")
    model.add_constraints(sales.sel(product=some).sum("region") == delivered, name="supply")
    total = spend.sum(["step", "month"])
    model.add_constraints(total <= array(b.line_most, "line", line=range(lines)), name="most")
    model.add_constraints(total >= array(b.line_least, "line", line=range(lines)), name="least")
    model.add_constraints(of_region.sum() <= b.marketing, name="marketing")
    model.add_constraints(
        sales.sum(["product", "month"]) >= array(b.region_least, "region", region=region), name="region"
    )
    model.add_constraints(
        sales.sum(["region", "month"]) >= array(b.product_least, "product", product=product), name="product"
    )
    net = array(b.net, "product", product=product)
    model.add_objective((sales * net).sum() - spend.sum() - sum(costs[1:], costs[0]), sense="max")

    def solve() -> float:
        status, condition = model.solve("highs", io_api="direct", output_flag=False, **HIGHS)
        assert condition == "optimal", (status, condition)
        return float(model.objective.value)

    return solve
