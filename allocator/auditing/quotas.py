"""Checks of the quotas (section 5 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.asked import Cuts, check_asked, level_needs, needs
from allocator.auditing.book import Book
from allocator.auditing.case import Case
from allocator.auditing.commitments import preferred
from allocator.auditing.layout import LEVELS, Quotas, askable, reached
from allocator.auditing.people import commission_rates, numbers, words
from allocator.auditing.sales import supply_limits
from allocator.texts import N_

CELLS = N_("Every forecast of a rep has its quota")
SIGNS = N_("No quota is negative")
FORECAST = N_("A quota's forecast is what the carrier's groups buy")
PLACE = N_("Quotas stand where a rep can be asked")
UNIT = N_("A quota stands under the rep's unit")
LEVEL = N_("A quota has one of the three levels")
NESTED = N_("Base ≤ stretch ≤ ceiling")
REACH = N_("Base and stretch can be reached")
MARKET = N_("The ceiling is the market's")
DELIVERY = N_("Only what can be delivered is asked")
BEYOND = N_("Only pins and floors ask beyond the forecast")
PINS = N_("Pins, floors and caps hold")
COMMISSION = N_("Commission fits the incentive line")
NO_MORE = N_("No more is asked than the company needs")
ALL_CARRIED = N_("What the forecast carries is asked")


def check_quotas(book: Book, case: Case, levels: Mapping[str, Quotas]) -> None:
    """Check everything that stands in quotas.csv, but the published numbers, and in asked.csv."""
    _check_rows(book, case)
    _check_cells(book, case, levels)
    axes: Any = [{"rep": case.people.reps}, {"product": case.products}, {"month": case.months}]
    for level in ("base", "stretch"):
        quotas = levels[level]
        most = np.where(case.over, np.inf, quotas.sold + quotas.beyond)
        book.at_most(REACH, [{**axes[0], "level": level}, *axes[1:]], quotas.exact, most)
    _check_ceiling(book, case, levels["ceiling"])
    for low, high in (("base", "stretch"), ("stretch", "ceiling")):
        named = [{**axes[0], "level": high}, *axes[1:]]
        book.at_least(NESTED, named, levels[high].exact, levels[low].exact)
    _check_pins(book, case, levels)
    _check_commission(book, case, levels["base"])
    cuts = Cuts(case)
    asked = {level: level_needs(cuts, level, levels) for level in levels}
    check_asked(book, case, pd.concat(asked.values(), ignore_index=True))
    _check_needs(book, cuts, levels, asked)


def _check_rows(book: Book, case: Case) -> None:
    """Check every row of quotas.csv by itself: in post, with clients to sell to or a pin or floor."""
    sheet, reps = case.sheets["quotas"], case.people.reps
    rep, product, month = (sheet.place[k] for k in ("rep", "product", "month"))
    names = {"rep": reps[rep], "product": case.products[product], "month": case.months[month]}
    rows = [{**names, "level": sheet.text("level")}]
    book.holds(LEVEL, rows, np.isin(sheet.text("level").astype(str), LEVELS), sheet.text("level"))
    for column in ("quota", "exact", "beyond"):
        book.at_least(SIGNS, [{**rows[0], "column": column}], sheet.number(column))
    unit = case.people.units[rep]
    book.holds(UNIT, rows, sheet.text("unit") == unit, sheet.text("unit"), unit)
    may = (askable(case) | (case.over & case.people.in_post[:, None, :]))[rep, product, month]
    book.equal(PLACE, rows, np.where(may, 0.0, np.maximum(sheet.number("exact"), sheet.number("quota"))), 0.0)


def _check_cells(book: Book, case: Case, levels: Mapping[str, Quotas]) -> None:
    """Forecasts shown are those of the carrier, none is left out, and beyond stands where a pin or floor may ask."""
    may = reached(case)
    for level, quotas in levels.items():
        axes = [{"rep": case.people.reps, "level": np.full(len(case.people.reps), level)}]
        axes += [{"product": case.products}, {"month": case.months}]
        there = quotas.there
        book.holds(CELLS, axes, there | (quotas.sold <= 1e-6 * np.maximum(1.0, quotas.sold.max(initial=0.0))))
        book.equal(
            FORECAST, axes, quotas.forecast, np.where(there, quotas.sold, 0.0), np.where(there, quotas.sold, 0.0)
        )
        book.equal(BEYOND, axes, np.where(may, 0.0, quotas.beyond), 0.0)


def _check_ceiling(book: Book, case: Case, quotas: Quotas) -> None:
    """The year of a rep and product stays under what his clients can buy, a month of a product under what can be delivered."""
    of, months = case.demand, np.arange(len(case.months))
    market = np.zeros((len(case.people.reps) + 1, len(case.products), len(months)))
    np.add.at(market, (case.groups.carrier[of.group], of.product[:, None], months), of.ceiling[:, None] * of.flow)
    ahead = ~case.over
    most = np.maximum(market[:-1][:, :, ahead].sum(axis=2), quotas.sold[:, :, ahead].sum(axis=2))
    most = np.maximum(market[:-1].sum(axis=2), quotas.exact[:, :, case.over].sum(axis=2) + most)
    most += quotas.beyond.sum(axis=2)
    book.at_most(MARKET, [{"rep": case.people.reps}, {"product": case.products}], quotas.exact.sum(axis=2), most)
    delivered = np.zeros(quotas.exact.shape[1:])
    for (product, _source), (maximum, _cost) in supply_limits(case).items():
        delivered[case.products.get_loc(product)] += maximum
    limited = np.isin(case.products, words(case.model["supply"]["product"]))
    most = np.maximum(delivered, quotas.sold.sum(axis=0)) + quotas.beyond.sum(axis=0)
    most[:, case.over] = np.inf
    axes = [{"product": case.products[limited]}, {"month": case.months}]
    book.at_most(DELIVERY, axes, quotas.exact.sum(axis=0)[limited], most[limited])


def _check_pins(book: Book, case: Case, levels: Mapping[str, Quotas]) -> None:
    """Pins hold at their level, floors and caps at base."""
    for i, pin in enumerate(case.pins):
        if pin.cut[:, :, ~case.over].any() or not case.over.any():
            book.equal(PINS, [{"pin": [i + 1]}], levels[pin.level].exact[pin.cut].sum(), pin.amount)
    total = levels["base"].exact.sum(axis=(1, 2))
    least, most = (numbers(case.model["reps"][c], np.nan) for c in ("quota_min", "quota_max"))
    floor, cap = ~np.isnan(least), ~np.isnan(most)
    book.at_least(PINS, [{"rep": case.people.reps[floor]}], total[floor], least[floor])
    book.at_most(PINS, [{"rep": case.people.reps[cap]}], total[cap], most[cap])


def incentive(case: Case) -> float | None:
    """Money of the incentive lines; None without such a line."""
    mine = words(case.model["budget"]["category"]) == "incentive"
    return float(numbers(case.model["budget"]["maximum"], 0.0)[mine].sum()) if mine.any() else None


def _check_commission(book: Book, case: Case, quotas: Quotas) -> None:
    limit = incentive(case)
    if limit is None:
        limit = np.inf
    rates = commission_rates(case.model, case.people.grades, case.model.settings.commission_attainment)
    paid = rates * quotas.exact.sum(axis=(1, 2))
    book.at_most(COMMISSION, [{"category": "incentive"}], paid.sum(), limit, np.abs(paid).sum())


def _bent(cuts: Cuts, level: str) -> bool:
    """Whether more than the needs of a level shapes its quotas, so that its gaps depend on all of that at once."""
    case = cuts.case
    reps = case.model["reps"]
    bent = bool(case.pins) or incentive(case) is not None or any(case.model.settings.hedge.values())
    bent |= bool(case.model.past)  # then what was published stands where it can
    bent |= any(not np.isnan(numbers(reps[c], np.nan)).all() for c in ("quota_min", "quota_max"))
    below = LEVELS[: LEVELS.index(level) + 1]
    bent |= any(preferred(case, ell) for ell in below)
    of = [t for ell in below for t in cuts.targets[ell]]
    return bent or any(t.share_metric or any(b == "at_most" for b, _limit in t.bounds) for t in of)


def _check_needs(book: Book, cuts: Cuts, levels: Mapping[str, Quotas], asked: Mapping[str, pd.DataFrame]) -> None:
    """Where nothing but needs shapes the quotas, all is asked for that the forecast carries, and no more than is needed.

    Each cell's quota above the level below then serves a need that would be missed without it, so all of them together are no
    more than the sum of what was not met below. With pins, floors, caps, hedges, an incentive line, shares or upper bounds the
    gaps depend on all of them at once; they are goals then and not checked here.
    """
    below = np.zeros_like(levels["base"].exact)
    for level, quotas in levels.items():
        bent, rows = _bent(cuts, level), asked[level]
        before = needs(cuts, level, below, quotas.sold)
        lacking = np.maximum(before["required"] - before["asked"], 0.0).sum()
        more = [] if bent else [(quotas.exact - below).sum()]
        book.at_most(NO_MORE, [{"level": [level] * len(more)}], np.array(more), lacking, quotas.exact.sum())
        below = quotas.exact
        if level == "ceiling":
            continue
        if bent:
            rows = rows.iloc[:0]
        carried = needs(cuts, level, quotas.sold, quotas.sold).iloc[: len(rows)]
        names = (rows["target"] + " " + rows["each"]).str.strip().to_numpy(object)
        due = np.minimum(rows["required"], carried["asked"])
        book.at_least(ALL_CARRIED, [{"target": names, "level": np.full(len(rows), level)}], rows["asked"], due)
