"""Checks of the forecast: curves, ceilings, large contracts, lift, supply (section 3 of the mathematics)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Bools, Floats, summed
from allocator.auditing.case import Case
from allocator.auditing.people import below, commission_rates, numbers, words
from allocator.auditing.pools import lift_pools
from allocator.scopes import parse_scope
from allocator.texts import N_

CARRIER = N_("A forecast counts for the month's carrier")
CURVE = N_("The curve is followed")
SELL = N_("What sells is curve, lift and what is lost")
SIGNS = N_("No forecast is negative")
LARGE = N_("A large contract is whole")
LARGE_LATE = N_("A large contract waits for its demand")
LARGE_PLAIN = N_("A large product has neither lift nor loss")
CONTRACTS = N_("Contracts are sales by contract value")
CEILING = N_("The market has a ceiling")
LOST = N_("Only what sells can be lost")
LOSABLE = N_("Sales are lost only where something limits them")
LIFT = N_("Lift of the forecast is that of the pools")
LIFT_ROWS = N_("Lift goes to active groups and products on sale of its pool")
POOLS = N_("A line's lift is sold once")
SUPPLY = N_("Only what can be delivered is sold")
SUPPLY_LIMIT = N_("A source delivers no more than it has")

SALES_METRICS = ("revenue", "profit", "contracts", "commission", "collections", "market_share", "contribution")


def check_sales(book: Book, case: Case) -> None:
    """Check everything that stands in forecast.csv, lift.csv and supply.csv."""
    sheet = case.sheets["forecast"]
    carrier = case.groups.carrier[sheet.place["group"], sheet.place["month"]]
    names = np.append(case.people.reps.to_numpy(dtype=object), "")[carrier]
    axes = [{"group": case.groups.codes[sheet.place["group"]], "month": case.months[sheet.place["month"]]}]
    book.holds(CARRIER, axes, sheet.text("rep") == names, sheet.text("rep"), names)
    for column in ("sell", "curve", "lift", "lost"):
        book.at_least(SIGNS, [{**axes[0], "column": column}], sheet.number(column))
    large = case.large[case.demand.product]
    told = case.over & ~large[:, None]
    made = bought(case, effort_made(case))
    book.equal(CURVE, case.cells, case.curve, np.where(told, case.figures.sell, made), np.abs(case.curve))
    _check_sell(book, case, ~large)
    _check_large(book, case, large)
    most = case.demand.ceiling * case.demand.flow.sum(axis=1)
    before = case.demand.ceiling * case.demand.flow[:, case.over].sum(axis=1)
    most += np.maximum(case.figures.sell[:, case.over].sum(axis=1) - before, 0.0)
    book.at_most(CEILING, case.cells[:1], (case.curve + case.lift).sum(axis=1), most)
    _check_lost(book, case)
    _check_lift(book, case)
    _check_supply(book, case)


def effort_made(case: Case) -> Floats:
    """Visits as a multiple of the promise, shape (groups, windows); 1 where nothing is promised."""
    promise = case.groups.promise
    seen = case.groups.by_window(case.figures.visits)
    return np.divide(seen, promise, out=np.ones_like(promise), where=promise > 0)


def bought(case: Case, effort: Floats, winning: bool = True) -> Floats:
    """Work out what clients buy at an effort, shape (pairs, months): by the curve, or once they are won."""
    groups, demand = case.groups, case.demand
    of = demand.group
    by_month = np.take_along_axis(demand.at_effort(effort), groups.window[of], axis=1)
    customers = np.cumsum(case.figures.won.sum(axis=0), axis=1)[of] * winning
    one = np.divide(demand.at_promise, groups.count[of], out=np.zeros(len(of)), where=groups.count[of] > 0)
    return np.where(groups.active[of][:, None], groups.ramp[of] * by_month, one[:, None] * customers) * demand.flow


def _check_sell(book: Book, case: Case, plain: Bools) -> None:
    """Products that are not large: what sells, and contracts by division."""
    sell, names = case.figures.sell, _only(case, plain)
    size = np.maximum(np.abs(case.curve), np.maximum(np.abs(case.lift), np.abs(case.lost)))[plain]
    book.equal(SELL, names, sell[plain], (case.curve + case.lift - case.lost)[plain], size)
    due = np.nan_to_num(sell / case.contract[case.demand.product][:, None])
    priced = numbers(case.model["products"]["contract_value"], np.nan)[case.demand.product] > 0
    unsaid = np.where(priced[:, None], 0.0, due)  # a blank is right where there is no contract value
    book.equal(CONTRACTS, names, np.where(np.isnan(case.shown), unsaid, case.shown)[plain], due[plain])


def _check_large(book: Book, case: Case, large: Bools) -> None:
    """Whole contracts that follow their demand with one contract's head start."""
    names, shown = _only(case, large), np.nan_to_num(case.shown[large])
    value = case.contract[case.demand.product][large][:, None]
    book.equal(SELL, names, case.figures.sell[large], value * shown)
    book.equal(LARGE, names, shown, np.where(case.over, shown, np.round(shown)))
    book.at_least(LARGE, names, shown)
    season = case.demand.season[case.demand.product][large]
    book.equal(LARGE, names, np.where((season > 0) | case.over, 0.0, shown), 0.0)
    demand = case.curve[large].cumsum(axis=1) + value * (np.arange(len(case.months)) < len(case.months) - 1)
    limit = np.where(case.over, np.inf, demand + _ahead(case, large, value))
    book.at_most(LARGE_LATE, names, value * shown.cumsum(axis=1), limit)
    book.equal(LARGE_PLAIN, names, case.lift[large], 0.0)
    book.equal(LARGE_PLAIN, names, case.lost[large], 0.0)


def _only(case: Case, mine: Bools) -> tuple[dict[str, object], dict[str, object]]:
    return {k: v[mine] for k, v in case.cells[0].items()}, dict(case.cells[1])


def _ahead(case: Case, large: Bools, value: Floats) -> Floats:
    """Money by which contracts of the months that are over alone are ahead of demand at effort 0, shape (large pairs, months)."""
    idle = np.where(case.groups.promise > 0, 0.0, 1.0)
    least = bought(case, idle, winning=False)[large].cumsum(axis=1)
    head = value * (np.arange(len(case.months)) < len(case.months) - 1)
    sold = case.figures.sell[large][:, case.over].sum(axis=1, keepdims=True)
    return np.asarray(np.maximum(sold - least - head, 0.0))


def _check_lost(book: Book, case: Case) -> None:
    """Loss stays within what would sell, and stands only where a rule may ask for it."""
    book.at_most(LOST, case.cells, case.lost, case.curve + case.lift)
    may = np.isin(case.products, [*words(case.model["supply"]["product"]), *words(case.model["needs"]["product"])])
    grades = np.append(words(case.model["commission"]["grade"]), "")
    margin = numbers(case.model["products"]["margin"], 0.0)
    may |= _limited(case) | (margin < commission_rates(case.model, grades, 1.0).max())
    fixed = ~may[case.demand.product]
    book.equal(LOSABLE, _only(case, fixed), case.lost[fixed], 0.0)


def _limited(case: Case) -> Bools:
    """Products in a scope of sales on which a target sets an upper bound or a share."""
    table, products = case.model["targets"], case.model["products"]
    own = set(words(case.model["yields"]["metric"])[np.isin(words(case.model["yields"]["source"]), case.products)])
    out = np.zeros(len(case.products), bool)
    shares = words(table["share_of"])
    planned = words(table["level"]) != "ceiling"
    bounded = planned & (~np.isnan(numbers(table["at_most"], np.nan)) | (shares != ""))
    read = list(zip(words(table["metric"])[bounded], words(table["scope"])[bounded], strict=True))
    read += [
        (m.strip(), s) for m, _, s in (t.replace("：", ":").partition(":") for t in shares[planned & (shares != "")])
    ]
    for metric, scope in read:
        if metric not in SALES_METRICS and metric not in own:
            continue
        held = np.ones(len(out), bool)
        for key, values in parse_scope(scope).items():
            if key in ("product", "family", "class"):
                held &= np.isin(words(products[key]), values)
        out |= held
    return out


def _check_lift(book: Book, case: Case) -> None:
    """Every row of lift.csv belongs to its pool; pools sell what their money brings; the forecast shows their sum."""
    sheet, groups, demand = case.sheets["lift"], case.groups, case.demand
    pools = lift_pools(case.model, case.figures.spend, case.window)
    unit, product = sheet.text("unit"), sheet.text("line_product")
    group, what = sheet.place["group"], sheet.place["product"]
    owners = np.append(case.people.units, "")[groups.owner[group]]
    pair = demand.pairs.get_indexer(pd.Index(group * len(case.products) + what))
    ok = groups.active[group] & ~case.large[what] & (pair >= 0) & (demand.flow[pair, sheet.place["month"]] > 0)
    ok &= (product == "") | (product == case.products.to_numpy(dtype=object)[what])
    known = pd.MultiIndex.from_tuples([(p.unit, p.product) for p in pools], names=["unit", "product"])
    ok &= np.asarray(known.get_indexer(pd.MultiIndex.from_arrays([unit, product])) >= 0)
    for u in sorted(set(unit) - {""}):
        ok &= (unit != u) | below(case.model, owners, [u])
    axes = [
        {"unit": unit, "line_product": product, "group": groups.codes[group], "product": case.products[what],
         "month": case.months[sheet.place["month"]]}
    ]  # fmt: skip
    book.holds(LIFT_ROWS, axes, ok)
    book.at_least(SIGNS, [{**axes[0], "column": "lift"}], sheet.number("lift"))
    for pool in pools:
        mine = (unit == pool.unit) & (product == pool.product)
        sold = summed(sheet.place["month"][mine], sheet.number("lift")[mine], len(case.months))
        names = {"unit": pool.unit, "line_product": pool.product, "month": case.months}
        book.at_most(POOLS, [names], sold, pool.effect)
    total = np.zeros((len(demand.pairs) + 1, len(case.months)))
    np.add.at(total, (pair, sheet.place["month"]), sheet.number("lift"))
    book.equal(LIFT, case.cells, case.lift, total[:-1])


def _check_supply(book: Book, case: Case) -> None:
    """Sales of supplied products are delivered, within every source's maximum."""
    sheet, limits = case.sheets["supply"], supply_limits(case)
    what, month = sheet.place["product"], sheet.place["month"]
    source = sheet.text("source")
    axes = [{"product": case.products[what], "source": source, "month": case.months[month]}]
    most = [limits.get((p, s), (np.zeros(len(case.months)), None))[0][t] for p, s, t in zip(
        case.products[what], source, month, strict=True)]  # fmt: skip
    book.at_most(SUPPLY_LIMIT, axes, sheet.number("delivered"), np.where(case.over[month], np.inf, most))
    book.at_least(SIGNS, [{**axes[0], "column": "delivered"}], sheet.number("delivered"))
    shape = (len(case.products), len(case.months))
    sold = np.zeros(shape)
    np.add.at(sold, case.demand.product, case.figures.sell)
    mine = np.isin(case.products, words(case.model["supply"]["product"]))
    delivered = sheet.grid("delivered", ("product", "month"), shape)
    book.equal(SUPPLY, [{"product": case.products[mine]}, {"month": case.months}], sold[mine], delivered[mine])


def supply_limits(case: Case) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    """Most, and extra cost, of every product and source, by month."""
    table = case.model["supply"]
    limits: dict[tuple[str, str], tuple[Floats, Floats]] = {}
    order = np.argsort(words(table["month"]) != "", kind="stable")  # rows for a month overrule blank ones
    columns = [words(table[c])[order] for c in ("product", "source", "month")]
    amounts = [numbers(table[c], 0.0)[order] for c in ("maximum", "unit_cost")]
    for p, s, m, most, cost in zip(*columns, *amounts, strict=True):
        pair = limits.setdefault((p, s), (np.zeros(len(case.months)), np.zeros(len(case.months))))
        at = case.months == m if m else np.ones(len(case.months), bool)
        pair[0][at], pair[1][at] = most, cost
    return limits
