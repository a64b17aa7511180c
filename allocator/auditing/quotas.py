"""Checks of the quotas (section 5 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Bools, Floats
from allocator.auditing.case import Case
from allocator.auditing.cells import quota_cells, sum_cells
from allocator.auditing.people import below, commission_rates, numbers, words
from allocator.auditing.targets import Target, parse_targets, repetition
from allocator.texts import N_

MINOR_UNIT = 0.01
"""Published quotas stand in steps of this much money until they are rounded to ``rounding``."""

CELLS = N_("Every forecast of a rep has its quota")
SIGNS = N_("No quota is negative")
PUBLISHED = N_("A quota is its exact number to the minor unit")
FORECAST = N_("A quota's forecast is what the carrier's groups buy")
POST = N_("Quotas are for months in post")
UNIT = N_("A quota stands under the rep's unit")
REACH = N_("Base can be reached")
BEYOND = N_("Only pins and floors ask beyond the forecast")
PINS = N_("Pins, floors and caps hold")
COMMISSION = N_("Commission fits the incentive line")
ASKED = N_("What is asked is what the company needs")
NO_MORE = N_("No more is asked than the company needs")

QUOTA_KEYS = {"rep", "grade", "unit", "product", "family", "class", "month", "quarter"}


@dataclass(frozen=True)
class Quotas:
    """Base quotas as arrays of shape (reps, products, months).

    Attributes
    ----------
    exact, forecast, beyond, sold : float array
        ``forecast`` as shown, ``sold`` as the forecast has it by carrier.
    """

    exact: Floats
    forecast: Floats
    beyond: Floats
    sold: Floats


def lay_out_quotas(case: Case) -> Quotas:
    """Lay out the base rows of quotas.csv over reps, products and months."""
    sheet = case.sheets["quotas"]
    base = sheet.text("level") == "base"
    at = tuple(sheet.place[k][base] for k in ("rep", "product", "month"))
    shape = (len(case.people.reps), len(case.products), len(case.months))

    def grid(column: str) -> Floats:
        out = np.zeros(shape)
        np.add.at(out, at, sheet.number(column)[base])
        return out

    sold = np.zeros((shape[0] + 1, *shape[1:]))
    carrier = case.groups.carrier[case.demand.group]
    np.add.at(sold, (carrier, case.demand.product[:, None], np.arange(shape[2])[None, :]), case.figures.sell)
    return Quotas(grid("exact"), grid("forecast"), grid("beyond"), sold[:-1])


def check_quotas(book: Book, case: Case) -> None:
    """Check everything that stands in quotas.csv."""
    quotas, sheet, reps = lay_out_quotas(case), case.sheets["quotas"], case.people.reps
    axes = [{"rep": reps}, {"product": case.products}, {"month": case.months}]
    rows = [{"rep": reps[sheet.place["rep"]], "product": case.products[sheet.place["product"]],
             "month": case.months[sheet.place["month"]], "level": sheet.text("level")}]  # fmt: skip
    for column in ("quota", "exact", "beyond"):
        book.at_least(SIGNS, [{**rows[0], "column": column}], sheet.number(column))
    book.equal(PUBLISHED, rows, sheet.number("quota"), sheet.number("exact"), within=MINOR_UNIT)
    unit = case.people.units[sheet.place["rep"]]
    book.holds(UNIT, rows, sheet.text("unit") == unit, sheet.text("unit"), unit)
    posted = case.people.in_post[sheet.place["rep"], sheet.place["month"]]
    book.equal(POST, rows, np.where(posted, 0.0, np.maximum(sheet.number("exact"), sheet.number("quota"))), 0.0)
    _check_cells(book, case, quotas, axes)
    book.at_most(REACH, axes, quotas.exact, quotas.sold + quotas.beyond)
    _check_pins(book, case, quotas)
    _check_commission(book, case, quotas)
    _check_needs(book, case, quotas)


def _check_cells(book: Book, case: Case, quotas: Quotas, axes: Any) -> None:
    """Forecasts shown are those of the carrier, none is left out, and beyond stands where a pin or floor may ask."""
    sheet = case.sheets["quotas"]
    base = sheet.text("level") == "base"
    there = np.zeros(quotas.exact.shape, bool)
    there[tuple(sheet.place[k][base] for k in ("rep", "product", "month"))] = True
    book.holds(CELLS, axes, there | (quotas.sold <= 1e-6 * np.maximum(1.0, quotas.sold.max(initial=0.0))))
    book.equal(FORECAST, axes, quotas.forecast, np.where(there, quotas.sold, 0.0), np.where(there, quotas.sold, 0.0))
    may = np.zeros(there.shape, bool)
    may[~np.isnan(numbers(case.model["reps"]["quota_min"], np.nan))] = True
    for cut, _amount in pinned(case):
        may |= cut
    book.equal(BEYOND, axes, np.where(may, 0.0, quotas.beyond), 0.0)


def pinned(case: Case) -> list[tuple[Bools, float]]:
    """Cut, shape (reps, products, months), and amount of every pin of level base."""
    table = case.model["pins"]
    table = table[words(table["level"]) == "base"]
    columns = (words(table[c]) for c in ("unit", "rep", "product", "period"))
    out = []
    for unit, rep, product, period, amount in zip(*columns, numbers(table["amount"], 0.0), strict=True):
        who = np.ones(len(case.people.reps), bool)
        if unit:
            who &= below(case.model, case.people.units, [unit])
        if rep:
            who &= np.asarray(case.people.reps == rep)
        what = np.asarray(case.products == product) if product else np.ones(len(case.products), bool)
        when = np.isin(np.arange(len(case.months)), case.model.calendar.window(period))
        out.append((who[:, None, None] & what[None, :, None] & when[None, None, :], float(amount)))
    return out


def _check_pins(book: Book, case: Case, quotas: Quotas) -> None:
    for i, (cut, amount) in enumerate(pinned(case)):
        book.equal(PINS, [{"pin": [i + 1]}], quotas.exact[cut].sum(), amount)
    total = quotas.exact.sum(axis=(1, 2))
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


def asking(case: Case) -> list[Target]:
    """Revenue targets of level base that ask for quotas: they read nothing but what a quota has."""
    keys = QUOTA_KEYS | set(words(case.model["units"]["kind"]))
    return [
        t
        for t in parse_targets(case)
        if (t.metric, t.level) == ("revenue", "base")
        and {*t.scope, *t.each, *t.share_scope} <= keys
        and t.share_metric in ("", "revenue")
    ]


def _check_needs(book: Book, case: Case, quotas: Quotas) -> None:
    """Where nothing but needs shapes the quotas, all is asked for that the forecast carries, and no more.

    With pins, floors, caps, an incentive line, shares or upper bounds the gaps depend on all of them at once; they are
    goals then and not checked here.
    """
    reps, sheet = case.model["reps"], case.sheets["targets"]
    bent = bool(pinned(case)) or incentive(case) is not None
    bent |= any(not np.isnan(numbers(reps[c], np.nan)).all() for c in ("quota_min", "quota_max"))
    bent |= any(t.share_metric or any(b == "at_most" for b, _x in t.bounds) for t in asking(case))
    names: list[str] = []
    asked: list[float] = []
    carried: list[float] = []
    needs: list[float] = []
    listed: pd.Series[Any] = pd.Series(sheet.text("each")).groupby(sheet.text("target")).unique()
    for target in asking(case):
        limits = [limit for bound, limit in target.bounds if bound == "at_least" and not target.share_metric]
        sums = [
            sum_cells(case, [quota_cells(case, x)], target.scope, target.window, target.each).amounts
            for x in (quotas.exact, quotas.sold)
        ]
        for name in [repetition(x) for x in listed.get(target.code, [])] if limits else []:
            names.append(f"{target.code} {name}".strip())
            asked.append(sums[0].get(name, 0.0))
            carried.append(sums[1].get(name, 0.0))
            needs.append(limits[0])
    if not any(bound == "at_least" for t in asking(case) for bound, _limit in t.bounds):
        names, asked, carried, needs = [""], [quotas.exact.sum()], [quotas.sold.sum()], [quotas.sold.sum()]
    if bent:
        names, asked, carried, needs = [], [], [], []
    book.at_least(ASKED, [{"target": names}], np.array(asked), np.minimum(needs, carried))
    total = [] if bent else [quotas.exact.sum()]
    book.at_most(NO_MORE, [{"level": ["base"] * len(total)}], np.array(total), sum(needs))
