"""What units and reps have offered (section 5 of the mathematics), and what commitments.csv makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Floats, Ints
from allocator.auditing.case import Case
from allocator.auditing.files import open_sheet
from allocator.auditing.layout import LEVELS, Quotas
from allocator.auditing.people import below, chain, numbers, words
from allocator.texts import N_

LISTED = N_("Every commitment is listed, and every unit in which something was offered")
SHOWN = N_("What is asked and what was offered are recomputed")
ALONE = 1000
"""Rank of a rep, behind every unit."""


@dataclass(frozen=True)
class Offered:
    """A commitment: the cells of its cut in flat arrays of shape (reps, products, months), its author, amount, weight, level.

    ``ahead`` says whether its period has a month that is not over.
    """

    cells: Ints
    unit: str
    rep: str
    amount: float
    weight: float
    level: str
    ahead: bool
    rank: int
    home: str
    key: tuple[str, ...]


def offered(case: Case) -> list[Offered]:
    """Read the commitments of a model."""
    table, people, products = case.model["commitments"], case.people, case.products
    keys = ("unit", "rep", "product", "period", "level")
    amount, weight = numbers(table["amount"], 0.0), numbers(table["weight"], 1.0)
    out = []
    for i, key in enumerate(zip(*(words(table[c]) for c in keys), strict=True)):
        unit, rep, product, period, level = map(str, key)
        who = below(case.model, people.units, [unit]) if unit else np.ones(len(people.reps), bool)
        who = who & np.asarray(people.reps == rep) if rep else who
        what = np.asarray(products == product) if product else np.ones(len(products), bool)
        when = np.isin(np.arange(len(people.months)), case.model.calendar.window(period))
        cut = who[:, None, None] & what[None, :, None] & when[None, None, :]
        home = str(people.units[people.reps.get_loc(rep)]) if rep else unit
        rank = ALONE if rep else len(chain(case.model, unit))
        ahead = bool((when & ~case.over).any())
        found = Offered(
            np.flatnonzero(cut), unit, rep, amount[i], weight[i], level, ahead, rank, home, tuple(map(str, key))
        )
        out.append(found)
    return out


def preferred(case: Case, level: str) -> list[Offered]:
    """Commitments that the quotas of a level should be near."""
    if case.model.settings.commitments != "prefer":
        return []
    return [o for o in offered(case) if o.level == level and o.ahead]


def missed(found: Sequence[Offered], exact: Floats) -> float:
    """Weighted absolute deviation of quotas from commitments."""
    flat = exact.ravel()
    return float(sum(o.weight * abs(float(flat[o.cells].sum()) - o.amount) for o in found))


def check_commitments(book: Book, case: Case, tables: Mapping[str, pd.DataFrame], levels: Mapping[str, Quotas]) -> None:
    """Check commitments.csv, where a model has commitments."""
    every = offered(case)
    if not every:
        return
    units = pd.Index(["", *words(case.model["units"]["unit"])])
    sheet = open_sheet(book, tables, "commitments", {"unit": units})
    names = ("kind", "unit", "rep", "product", "period", "level")
    rows = dict.fromkeys(zip(*(map(str, sheet.text(c)) for c in names), strict=True), 0)
    place = {key: n for n, key in enumerate(rows)}
    due: dict[tuple[str, ...], tuple[float, float, float, float, float]] = {}
    for level in LEVELS:
        mine = [o for o in every if o.level == level]
        due |= _of_level(case, levels[level], level, mine) if mine else {}
    listed = [", ".join(k for k in key if k) for key in due]
    book.holds(LISTED, [{"row": np.array(listed, object)}], [key in place for key in due])
    book.holds(LISTED, [{"file": "commitments", "row": np.arange(2, len(place) + 2)}], [key in due for key in place])
    both = [key for key in due if key in place]
    at = np.array([place[key] for key in both], np.int64)
    size = np.array([due[key][0] + due[key][1] for key in both])
    names_of = np.array([", ".join(k for k in key if k) for key in both], object)
    for k, column in enumerate(("asked", "committed", "difference", "uncommitted", "forecast")):
        wanted = np.array([due[key][k] for key in both])
        book.equal(SHOWN, [{"row": names_of, "column": column}], sheet.number(column)[at], wanted, size)


def _of_level(
    case: Case, quotas: Quotas, level: str, mine: list[Offered]
) -> dict[tuple[str, ...], tuple[float, float, float, float, float]]:
    """Asked, committed, difference, uncommitted and forecast of each commitment of a level, and of each unit."""
    asked, sold, there = quotas.published.ravel(), quotas.forecast.ravel(), quotas.there.ravel()
    per_rep = len(case.products) * len(case.months)
    out: dict[tuple[str, ...], tuple[float, float, float, float, float]] = {}
    for o in mine:
        sums = float(asked[o.cells].sum()), float(sold[o.cells].sum())
        out["commitment", *o.key] = (sums[0], o.amount, sums[0] - o.amount, 0.0, sums[1])
    for unit in map(str, words(case.model["units"]["unit"])):
        inside = np.repeat(below(case.model, case.people.units, [unit]), per_rep)
        of = [o for o in mine if unit in chain(case.model, o.home)]
        cells = {id(o): o.cells[there[o.cells]] for o in of}
        ways = [_disjoint(of, cells, sign) for sign in (1, -1)]
        wide = [sum(len(cells[id(o)]) for o in way) for way in ways]
        counted = ways[int(wide[1] > wide[0])]
        covered, amount = (
            float(sum(x)) for x in ([asked[o.cells].sum() for o in counted], [o.amount for o in counted])
        )
        whole = float(asked[inside].sum())
        key = ("unit", unit, "", "", "", level)
        out[key] = (whole, amount, covered - amount, whole - covered, float(sold[inside].sum()))
    return out


def _disjoint(mine: list[Offered], cells: Mapping[int, Ints], sign: int) -> list[Offered]:
    """Commitments by rank, the wider first, without those that share a cell with one before."""
    counted: list[Offered] = []
    used: set[int] = set()
    order = sorted(range(len(mine)), key=lambda n: (sign * mine[n].rank, -len(cells[id(mine[n])]), n))
    for n in order:
        own = cells[id(mine[n])].tolist()
        if used.isdisjoint(own):
            used.update(own)
            counted.append(mine[n])
    return counted
