"""Checks of the quotas (section 5 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.asked import LEVELS, asking, check_asked, needs
from allocator.auditing.book import Book, Bools, Floats
from allocator.auditing.case import Case
from allocator.auditing.people import below, commission_rates, numbers, words
from allocator.texts import N_

CELLS = N_("Every forecast of a rep has its quota")
SIGNS = N_("No quota is negative")
FORECAST = N_("A quota's forecast is what the carrier's groups buy")
POST = N_("Quotas are for months in post")
UNIT = N_("A quota stands under the rep's unit")
NESTED = N_("Base ≤ stretch ≤ ceiling")
REACH = N_("Base and stretch can be reached")
MARKET = N_("The ceiling is the market's")
DELIVERY = N_("Only what can be delivered is asked")
BEYOND = N_("Only pins and floors ask beyond the forecast")
PINS = N_("Pins, floors and caps hold")
COMMISSION = N_("Commission fits the incentive line")
NO_MORE = N_("No more is asked than the company needs")
ALL_CARRIED = N_("What the forecast carries is asked")


@dataclass(frozen=True)
class Quotas:
    """Quotas of a level as arrays of shape (reps, products, months).

    Attributes
    ----------
    exact, published, forecast, beyond, sold : float array
        ``forecast`` as shown, ``sold`` as the forecast has it by carrier.
    there : bool array
        Cells that the file has.
    """

    exact: Floats
    published: Floats
    forecast: Floats
    beyond: Floats
    sold: Floats
    there: Bools


def lay_out_quotas(case: Case) -> dict[str, Quotas]:
    """Lay out quotas.csv over reps, products and months, by level."""
    sheet, shape = case.sheets["quotas"], (len(case.people.reps), len(case.products), len(case.months))
    sold = np.zeros((shape[0] + 1, *shape[1:]))
    carrier = case.groups.carrier[case.demand.group]
    np.add.at(sold, (carrier, case.demand.product[:, None], np.arange(shape[2])[None, :]), case.figures.sell)
    out = {}
    for level in LEVELS:
        mine = sheet.text("level") == level
        at = tuple(sheet.place[k][mine] for k in ("rep", "product", "month"))
        grids = []
        for column in ("exact", "quota", "forecast", "beyond"):
            grids.append(np.zeros(shape))
            np.add.at(grids[-1], at, sheet.number(column)[mine])
        there = np.zeros(shape, bool)
        there[at] = True
        out[level] = Quotas(grids[0], grids[1], grids[2], grids[3], sold[:-1], there)
    return out


def check_quotas(book: Book, case: Case) -> None:
    """Check everything that stands in quotas.csv and asked.csv."""
    levels, sheet, reps = lay_out_quotas(case), case.sheets["quotas"], case.people.reps
    axes: Any = [{"rep": reps}, {"product": case.products}, {"month": case.months}]
    rows = [{"rep": reps[sheet.place["rep"]], "product": case.products[sheet.place["product"]],
             "month": case.months[sheet.place["month"]], "level": sheet.text("level")}]  # fmt: skip
    for column in ("quota", "exact", "beyond"):
        book.at_least(SIGNS, [{**rows[0], "column": column}], sheet.number(column))
    unit = case.people.units[sheet.place["rep"]]
    book.holds(UNIT, rows, sheet.text("unit") == unit, sheet.text("unit"), unit)
    posted = case.people.in_post[sheet.place["rep"], sheet.place["month"]]
    book.equal(POST, rows, np.where(posted, 0.0, np.maximum(sheet.number("exact"), sheet.number("quota"))), 0.0)
    may = _reached(case)
    for level, quotas in levels.items():
        named = [{**axes[0], "level": level}, *axes[1:]]
        _check_cells(book, quotas, named, may)
        if level == "ceiling":
            _check_ceiling(book, case, quotas)
        else:
            book.at_most(REACH, named, quotas.exact, quotas.sold + quotas.beyond)
    for low, high in (("base", "stretch"), ("stretch", "ceiling")):
        named = [{**axes[0], "level": high}, *axes[1:]]
        book.at_least(NESTED, named, levels[high].exact, levels[low].exact)
        book.at_least(NESTED, named, levels[high].published, levels[low].published)
    _check_pins(book, case, levels)
    _check_commission(book, case, levels["base"])
    asked = {level: needs(case, level, q.exact, q.sold) for level, q in levels.items()}
    check_asked(book, case, pd.concat(asked.values(), ignore_index=True))
    _check_needs(book, case, levels["base"], asked["base"])


def _reached(case: Case) -> Bools:
    """Cells that a pin or floor reaches, shape (reps, products, months)."""
    may = np.zeros((len(case.people.reps), len(case.products), len(case.months)), bool)
    may[~np.isnan(numbers(case.model["reps"]["quota_min"], np.nan))] = True
    for cut, _amount, _level in pinned(case):
        may |= cut
    return may


def _check_cells(book: Book, quotas: Quotas, axes: Any, may: Bools) -> None:
    """Forecasts shown are those of the carrier, none is left out, and beyond stands where a pin or floor may ask."""
    there = quotas.there
    book.holds(CELLS, axes, there | (quotas.sold <= 1e-6 * np.maximum(1.0, quotas.sold.max(initial=0.0))))
    book.equal(FORECAST, axes, quotas.forecast, np.where(there, quotas.sold, 0.0), np.where(there, quotas.sold, 0.0))
    book.equal(BEYOND, axes, np.where(may, 0.0, quotas.beyond), 0.0)


def _check_ceiling(book: Book, case: Case, quotas: Quotas) -> None:
    """The year of a rep and product stays under what his clients can buy, a month of a product under what can be delivered."""
    of = case.demand
    market = np.zeros((len(case.people.reps) + 1, len(case.products), len(case.months)))
    ceiling = np.broadcast_to(of.ceiling[:, None], (len(of.group), len(case.months))) * of.season[of.product]
    np.add.at(
        market, (case.groups.carrier[of.group], of.product[:, None], np.arange(len(case.months))[None, :]), ceiling
    )
    most = np.maximum(market[:-1].sum(axis=2), quotas.sold.sum(axis=2)) + quotas.beyond.sum(axis=2)
    book.at_most(MARKET, [{"rep": case.people.reps}, {"product": case.products}], quotas.exact.sum(axis=2), most)
    table = case.model["supply"]
    product, source, month = (words(table[c]) for c in ("product", "source", "month"))
    limited = case.products[case.products.isin(product)]
    for name in limited:
        due = np.zeros(len(case.months))
        for one in sorted(set(source[product == name])):
            of_source = dict(zip(month[(product == name) & (source == one)],
                                 numbers(table["maximum"], 0.0)[(product == name) & (source == one)], strict=True))  # fmt: skip
            due += np.array([of_source.get(m, of_source.get("", 0.0)) for m in case.months], np.float64)
        p = case.products.get_loc(name)
        due = np.maximum(due, quotas.sold[:, p].sum(axis=0)) + quotas.beyond[:, p].sum(axis=0)
        book.at_most(DELIVERY, [{"product": str(name), "month": case.months}], quotas.exact[:, p].sum(axis=0), due)
    if not len(limited):
        book.at_most(DELIVERY, [{"month": case.months[:0]}], np.zeros(0), 0.0)


def pinned(case: Case) -> list[tuple[Bools, float, str]]:
    """Cut, shape (reps, products, months), amount and level of every pin."""
    table = case.model["pins"]
    columns = (words(table[c]) for c in ("level", "unit", "rep", "product", "period"))
    out = []
    for level, unit, rep, product, period, amount in zip(*columns, numbers(table["amount"], 0.0), strict=True):
        who = np.ones(len(case.people.reps), bool)
        if unit:
            who &= below(case.model, case.people.units, [unit])
        if rep:
            who &= np.asarray(case.people.reps == rep)
        what = np.asarray(case.products == product) if product else np.ones(len(case.products), bool)
        when = np.isin(np.arange(len(case.months)), case.model.calendar.window(period))
        out.append((who[:, None, None] & what[None, :, None] & when[None, None, :], float(amount), str(level)))
    return out


def _check_pins(book: Book, case: Case, levels: Mapping[str, Quotas]) -> None:
    for i, (cut, amount, level) in enumerate(pinned(case)):
        book.equal(PINS, [{"pin": [i + 1]}], levels[level].exact[cut].sum(), amount)
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


def _check_needs(book: Book, case: Case, quotas: Quotas, rows: pd.DataFrame) -> None:
    """Where nothing but needs shapes the base quotas, all is asked for that the forecast carries, and no more.

    With pins, floors, caps, hedges, an incentive line, shares or upper bounds the gaps depend on all of them at once; they are
    goals then and not checked here.
    """
    reps = case.model["reps"]
    bent = bool(pinned(case)) or incentive(case) is not None or any(case.model.settings.hedge.values())
    bent |= any(not np.isnan(numbers(reps[c], np.nan)).all() for c in ("quota_min", "quota_max"))
    bent |= any(t.share_metric or any(b == "at_most" for b, _x in t.bounds) for t in asking(case, "base"))
    if bent:
        rows = rows.iloc[:0]
    carried = needs(case, "base", quotas.sold, quotas.sold)
    at = carried.set_index(["target", "each", "bound"])["asked"]
    hoped = at.reindex(pd.MultiIndex.from_frame(rows[["target", "each", "bound"]])).to_numpy(np.float64)
    required = rows["required"].to_numpy(np.float64)
    names = (rows["target"] + " " + rows["each"]).str.strip().to_numpy(object)
    book.at_least(ALL_CARRIED, [{"target": names}], rows["asked"], np.minimum(required, hoped))
    total = [] if bent else [quotas.exact.sum()]
    book.at_most(NO_MORE, [{"level": ["base"] * len(total)}], np.array(total), required.sum())
