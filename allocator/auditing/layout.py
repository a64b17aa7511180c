"""Quotas laid out over reps, products and months, and where they may stand (section 5 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocator.auditing.book import Bools, Floats
from allocator.auditing.case import Case
from allocator.auditing.people import numbers

LEVELS = ("base", "stretch", "ceiling")


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


def reached(case: Case) -> Bools:
    """Cells that a pin or a floor reaches, shape (reps, products, months)."""
    may = np.zeros((len(case.people.reps), len(case.products), len(case.months)), bool)
    may[numbers(case.model["reps"]["quota_min"], 0.0) > 0] = True
    for pin in case.pins:
        may |= pin.cut
    return may


def askable(case: Case) -> Bools:
    """Cells that quotas have: in post, and carrying demand or reached, shape (reps, products, months)."""
    out = np.zeros((len(case.people.reps) + 1, len(case.products), len(case.months)), bool)
    carrier = case.groups.carrier[case.demand.group]
    out[carrier, case.demand.product[:, None], np.arange(len(case.months))[None, :]] = True
    return np.asarray((out[:-1] | reached(case)) & case.people.in_post[:, None, :])


def counted(case: Case) -> Bools:
    """Cells that needs count: those that quotas have, and those of months that are over of which something was asked."""
    sheet = case.sheets["quotas"]
    rep, product, month = (sheet.place[k] for k in ("rep", "product", "month"))
    out = askable(case)
    then = case.over[month] & (sheet.number("exact") > 0) & case.people.in_post[rep, month]
    out[rep[then], product[then], month[then]] = True
    return out
