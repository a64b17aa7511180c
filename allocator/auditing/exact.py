"""Checks of the published numbers: multiples, pins, totals, units (section 6 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.auditing.book import Axes, Book, Floats
from allocator.auditing.case import Case
from allocator.auditing.days import Money
from allocator.auditing.layout import LEVELS, Quotas
from allocator.auditing.people import lying_below, words
from allocator.auditing.quotas import NESTED
from allocator.texts import N_

MULTIPLE = N_("A published quota is a multiple of the rounding, but where pins hold it")
PINS = N_("Pins hold to the minor unit")
NEAR = N_("A published total stays near the exact one")
UNIT_ROWS = N_("Every unit has what lies below it")
ASSIGNED = N_("A unit is assigned what its parts owe")
OWES = N_("A unit owes what it is assigned, less its hedge")

MINOR = 100
"""Minor units of money in one."""
NEARLY = 2.0
PRODUCT_NEARLY = 5.0
"""Roundings by which a total may differ from the exact one; the second for a product over a quarter or the year."""
TOLD = 10
"""So many wide totals are told one by one; the others are counted."""


def check_exact(book: Book, case: Case, money: Money, levels: Mapping[str, Quotas]) -> None:
    """Check the published quotas and everything that stands in units.csv."""
    sheet, held = case.sheets["quotas"], np.zeros(levels["base"].there.shape, bool)
    for pin in case.pins:
        held |= pin.cut
    rep, product, month = (sheet.place[k] for k in ("rep", "product", "month"))
    names = {"rep": case.people.reps[rep], "product": case.products[product], "month": case.months[month]}
    step = np.where(held[rep, product, month], min(_minor(money), money.step), money.step)
    shown = sheet.number("quota")
    ok = money.whole(shown) & (money.parts(shown) % step == 0)
    book.holds(MULTIPLE, [{**names, "level": sheet.text("level")}], ok, shown)
    published = {x: money.parts(levels[x].published) for x in LEVELS}
    axes: Any = [{"rep": case.people.reps}, {"product": case.products}, {"month": case.months}]
    for low, high in (("base", "stretch"), ("stretch", "ceiling")):
        ok = published[high] >= published[low]
        book.holds(NESTED, [{**axes[0], "level": high}, *axes[1:]], ok, levels[high].published, levels[low].published)
    _check_pins(book, case, money, published)
    _check_totals(book, case, money, levels)
    _check_units(book, case, money, levels)


def _minor(money: Money) -> int:
    """Parts of the minor unit of money."""
    return money.of_one // MINOR


def _check_pins(book: Book, case: Case, money: Money, published: Mapping[str, Any]) -> None:
    """Pins hold, but those of which findings tell that they cannot (a note without a value)."""
    told = sum(not value for value in case.noted)
    found = np.array([published[pin.level][pin.cut].sum() for pin in case.pins], np.int64)
    due = money.parts(np.array([pin.amount for pin in case.pins], np.float64))
    ok = (found == due) | (np.cumsum(found != due) <= told)
    book.holds(PINS, [{"pin": np.arange(1, len(due) + 1)}], ok, found / money.of_one, due / money.of_one)


def _check_totals(book: Book, case: Case, money: Money, levels: Mapping[str, Quotas]) -> None:
    """Totals of units and reps and of their products differ little; where some do more, findings tell as many (notes with a value)."""
    checks = [x for level in LEVELS for x in _totals(case, money, level, levels[level])]
    wide = sum(int((size > most * (1 + 1e-9)).sum()) for _axes, size, most in checks)
    told = sum(bool(value) for value in case.noted)
    for axes, size, most in checks:
        book.at_most(NEAR, axes, size, most if wide > told and told < TOLD else np.inf)


def _totals(case: Case, money: Money, level: str, quotas: Quotas) -> list[tuple[Axes, Floats, float]]:
    """Labels, differences in roundings, and the most they may be, by month, quarter and year."""
    inside, names = _members(case)
    apart = (quotas.published - quotas.exact) * money.of_one / money.step
    of_units = (inside @ apart.reshape(len(apart), -1)).reshape(-1, *apart.shape[1:])
    off = np.concatenate([of_units, apart])
    quarter, labels = pd.factorize(np.asarray(case.model.calendar.quarters, dtype=object))
    months = len(case.months)
    out: list[tuple[Axes, Floats, float]] = []
    for title, periods, most in (
        (case.months, np.eye(months), NEARLY),
        (labels, np.eye(len(labels))[quarter], PRODUCT_NEARLY),
        (np.array(["all months"], dtype=object), np.ones((months, 1)), PRODUCT_NEARLY),
    ):
        of, product, period = (
            {"of": names, "level": np.full(len(names), level)},
            {"product": case.products},
            {"period": title},
        )
        size = off @ periods
        out += [([of, period], np.abs(size.sum(axis=1)), NEARLY), ([of, product, period], np.abs(size), most)]
    return out


def _members(case: Case) -> tuple[sp.csr_array, Any]:
    """Reps of every unit (of all, where there is not one top), shape (units, reps), and the names of the units and of the reps."""
    units, reps = words(case.model["units"]["unit"]), case.people.reps
    inside = lying_below(case.model, case.people.units, units)
    if not (inside.sum(axis=1) == len(reps)).any():
        units, inside = (
            np.append(units, "all"),
            sp.vstack([inside, sp.csr_array(np.ones((1, len(reps))))], format="csr"),
        )
    return sp.csr_array(inside), np.concatenate([units, reps]).astype(object)


def _check_units(book: Book, case: Case, money: Money, levels: Mapping[str, Quotas]) -> None:
    """Check units.csv from the reps upwards; what is owed is taken as shown, so that every unit stands for itself."""
    sheet, table = case.sheets["units"], case.model["units"]
    units, parent, kind = (words(table[c]) for c in ("unit", "parent", "kind"))
    home = pd.Index(units).get_indexer(pd.Index(case.people.units))
    level = pd.Index(LEVELS).get_indexer(pd.Index(sheet.text("level")))
    book.holds(UNIT_ROWS, [{"row": np.arange(2, len(level) + 2)}], level >= 0, sheet.text("level"))
    good = level >= 0
    at = (sheet.place["unit"][good], sheet.place["product"][good], sheet.place["month"][good], level[good])
    shape = (len(units), len(case.products), len(case.months), len(LEVELS))
    assigned, owed, due = (np.zeros(shape, np.int64) for _k in range(3))
    assigned[at], owed[at] = (money.parts(sheet.number(c)[good]) for c in ("assigned", "owed"))
    quotas = np.stack([money.parts(levels[x].published) for x in LEVELS], axis=-1)
    np.add.at(due, home, quotas)
    above = pd.Index(units).get_indexer(pd.Index(parent))
    np.add.at(due, above[above >= 0], owed[above >= 0])
    axes: Axes = [
        {"unit": units},
        {"product": case.products},
        {"month": case.months},
        {"level": np.array(LEVELS, object)},
    ]
    whole = {c: np.ones(shape, bool) for c in ("assigned", "owed")}
    for c, found in whole.items():
        found[at] = money.whole(sheet.number(c)[good])
    book.holds(ASSIGNED, axes, (assigned == due) & whole["assigned"], assigned / money.of_one, due / money.of_one)
    hedge = np.array([case.model.settings.hedge.get(k, 0.0) for k in kind])[:, None, None, None]
    left, minor = assigned / (1 + hedge), _minor(money)
    near = (np.abs(owed - left) <= 0.5 * minor + 1e-6 + 1e-12 * left) & (owed % minor == 0)
    ok = np.where(hedge > 0, near, owed == assigned) & whole["owed"]
    book.holds(OWES, axes, ok, owed / money.of_one, left / money.of_one)
    there = np.zeros(shape, bool)
    there[at] = True
    cells = np.stack([levels[x].there for x in LEVELS], axis=-1).astype(float)
    inside = lying_below(case.model, case.people.units, units)
    book.holds(UNIT_ROWS, axes, there | ((inside @ cells.reshape(len(cells), -1)).reshape(shape) == 0))
    book.holds(
        UNIT_ROWS,
        [{"unit": units[sheet.place["unit"]]}],
        sheet.text("kind") == kind[sheet.place["unit"]],
        sheet.text("kind"),
    )
