"""Labelled cells and their sums: what metrics and quotas have in common (section 4 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools, Floats, Ints, summed
from allocator.auditing.case import Case
from allocator.auditing.people import Texts, below, chain, words
from allocator.scopes import Scope

Labels = Mapping[str, tuple[Ints, Texts]]


@dataclass(frozen=True)
class Cells:
    """Amounts with their labels.

    Attributes
    ----------
    amount : float array, shape (cells,)
    month : int array, shape (cells,)
    labels : mapping of str to (int array, object array)
        Position of every cell on an axis (−1 for none), and the label of every position.
    exists : bool array, shape (cells,)
        Cells that can hold something; the others make no repetition of a target.
    """

    amount: Floats
    month: Ints
    labels: Labels
    exists: Bools

    def times(self, factor: float) -> Cells:
        """Multiply the amounts."""
        return Cells(factor * self.amount, self.month, self.labels, self.exists)


@dataclass(frozen=True)
class Totals:
    """Sums of a metric by repetition: ``amounts`` and the size of their terms, under the repetition's name."""

    amounts: Mapping[str, float]
    sizes: Mapping[str, float]


@dataclass(frozen=True)
class Repeats:
    """Which cell counts for which repetition; a cell counts for its unit and all above it.

    Attributes
    ----------
    rows : int array
        Positions of cells.
    number : int array
        The repetition for which each of them counts.
    names : list of str
        Names of the repetitions, their parts in order.
    labels : list of dict of str to str
        Their labels.
    """

    rows: Ints
    number: Ints
    names: list[str]
    labels: list[dict[str, str]]

    def sums(self, amount: Floats) -> Floats:
        """Sum amounts of the cells by repetition."""
        return summed(self.number, amount[self.rows], len(self.names))


def quota_cells(case: Case, exists: Bools) -> Cells:
    """Cells of the quotas, shape (reps, products, months), with their labels; the amounts are 0."""
    rep, product, month = (x.ravel() for x in np.indices(exists.shape))
    labels = {**label_months(case, month), **label_reps(case, rep), **label_products(case, product)}
    return Cells(np.zeros(exists.size), month, labels, exists.ravel())


def sum_cells(case: Case, parts: Sequence[Cells], scope: Scope, window: Ints, each: Sequence[str] = ()) -> Totals:
    """Sum cells under a scope and in some months, one total for every combination of ``each``.

    A part that has not got a key of the scope or of ``each`` counts for nothing.
    """
    amounts: dict[str, float] = {} if each else {"": 0.0}
    sizes = dict(amounts)
    for part in parts:
        if not {*scope, *each} <= set(part.labels):
            continue
        repeats = repeat_cells(case, part, scope, window, each)
        sums = (repeats.sums(part.amount).tolist(), repeats.sums(np.abs(part.amount)).tolist())
        for name, amount, size in zip(repeats.names, *sums, strict=True):
            amounts[name] = amounts.get(name, 0.0) + amount
            sizes[name] = sizes.get(name, 0.0) + size
    return Totals(amounts, sizes)


def _held(case: Case, part: Cells, scope: Scope, window: Ints) -> Bools:
    inside = np.zeros(len(case.months), bool)
    inside[window] = True
    held = inside[part.month] & (part.exists | (part.amount != 0))
    for key, wanted in scope.items():
        position, names = part.labels[key]
        good = below(case.model, names, wanted) if key == "unit" else np.isin(names.astype(str), wanted)
        held &= np.asarray(good[position])
    return np.asarray(held)


def label_months(case: Case, month: Ints) -> Labels:
    """Label month and quarter."""
    quarters = np.asarray(case.model.calendar.quarters, dtype=object)
    return {"month": (month, ended(case.months)), "quarter": (month, ended(quarters))}


def label_reps(case: Case, rep: Ints) -> Labels:
    """Label rep, grade and units."""
    people = case.people
    named = {"rep": (rep, ended(people.reps)), "grade": (rep, ended(people.grades))}
    return {**named, **label_units(case, rep, people.units)}


def label_groups(case: Case, group: Ints) -> Labels:
    """Label client, tier, status, industry and area."""
    return {k: (group, ended(v)) for k, v in case.groups.labels.items()}


def label_products(case: Case, product: Ints) -> Labels:
    """Label product, family and class."""
    table = case.model["products"]
    return {c: (product, ended(words(table[c]))) for c in ("product", "family", "class")}


def label_units(case: Case, position: Ints, units: Any) -> Labels:
    """Label the unit, and the unit of every kind that it lies in."""
    table = case.model["units"]
    kind_of = dict(zip(words(table["unit"]), words(table["kind"]), strict=True))
    labels = {"unit": (position, ended(units))}
    for kind in sorted(set(kind_of.values()) - {""}):
        above = [next((u for u in chain(case.model, x) if kind_of.get(u) == kind), "") for x in units]
        labels[kind] = (position, ended(above))
    return labels


def ended(values: Any) -> Texts:
    """End the labels of an axis with a blank for position −1."""
    return np.append(np.asarray(values, dtype=object), "")


def repeat_cells(case: Case, part: Cells, scope: Scope, window: Ints, each: Sequence[str]) -> Repeats:
    """Find the cells under a scope and in some months, and the combinations of ``each`` for which they count."""
    rows = np.nonzero(_held(case, part, scope, window))[0]
    if not each:
        return Repeats(rows, np.zeros(len(rows), np.int64), [""], [{}])
    joint, names = np.zeros(len(rows), np.int64), []
    for key in each:
        position, values = part.labels[key]
        codes, labels = pd.factorize(values)
        code = codes[position[rows]]
        if key == "unit":
            above, labels = _above(case, labels)
            depth = above.shape[1]
            code = above[code].ravel()
            joint, rows = np.repeat(joint, depth), np.repeat(rows, depth)
        keep = (code >= 0) & (np.append(labels, "")[code] != "")
        joint, rows = joint[keep] * len(labels) + code[keep], rows[keep]
        names.append((key, labels))
    found, number = np.unique(joint, return_inverse=True)
    columns = {}
    for key, labels in reversed(names):
        columns[key] = labels[found % len(labels)].tolist()
        found = found // len(labels)
    combos = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    return Repeats(rows, number, ["; ".join(sorted(f"{k}={v}" for k, v in x.items())) for x in combos], combos)


def _above(case: Case, units: Any) -> tuple[Ints, Texts]:
    """For every unit the positions of itself and all above it (−1 beyond the top), and the names they point at."""
    chains = [chain(case.model, u) for u in units]
    names = np.array(sorted({u for c in chains for u in c}) or [""], dtype=object)
    at = {u: i for i, u in enumerate(names)}
    out = np.full((len(units), max((len(c) for c in chains), default=1) or 1), -1, np.int64)
    for i, c in enumerate(chains):
        out[i, : len(c)] = [at[u] for u in c]
    return out, names
