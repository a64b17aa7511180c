"""Sums of quotas, one cell after another: it only adds, and compares what it added."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

Key = tuple[str, str, str, str]
"""Rep or unit, product (blank is all), month, quarter or year, level."""
LEVELS = ("base", "stretch", "ceiling")


@dataclass(frozen=True)
class Organisation:
    """Who belongs to whom.

    Attributes
    ----------
    parents : mapping of str to str
        Unit above each unit, blank above the top.
    homes : mapping of str to str
        Unit of each rep.
    quarters : mapping of str to str
        Quarter of each month.
    """

    parents: Mapping[str, str]
    homes: Mapping[str, str]
    quarters: Mapping[str, str]

    def above(self, rep: str) -> Iterator[str]:
        """Units from the rep's own up to the top."""
        unit = self.homes[rep]
        while unit:
            yield unit
            unit = self.parents[unit]


@dataclass
class Sums:
    """Totals of published quotas in minor units and of exact ones in money, over a rep or unit, a product or all, and a period."""

    published: dict[Key, int] = field(default_factory=lambda: defaultdict(int))
    exact: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    kind: dict[Key, str] = field(default_factory=dict)


def minor(amount: float) -> int:
    """Amount in minor units; it must be whole."""
    whole = round(amount * 100)
    if abs(whole - amount * 100) > 1e-6 + 1e-12 * whole:
        raise AssertionError(f"{amount} is no whole number of minor units")
    return whole


def add_up(quotas: pd.DataFrame, organisation: Organisation) -> Sums:
    """Add every cell to every total that holds it (columns rep, product, month, level, quota, exact)."""
    sums = Sums()
    columns = (quotas[c].tolist() for c in ("rep", "product", "month", "level", "quota", "exact"))
    for rep, product, month, level, quota, exact in zip(*columns, strict=True):
        amount = minor(quota)
        if not amount and not exact:
            continue
        periods = ((month, "month"), (organisation.quarters[month], "quarter"), ("year", "year"))
        for who in (rep, *organisation.above(rep)):
            for what in (product, ""):
                for period, kind in periods:
                    key = (who, what, period, level)
                    sums.published[key] += amount
                    sums.exact[key] += exact
                    sums.kind[key] = f"product {kind}" if what else kind
    return sums


def widest(sums: Sums, rounding: float) -> dict[str, float]:
    """Largest distance of a published total from the exact one, in multiples of ``rounding``, by kind of total."""
    most: dict[str, float] = {}
    for key, kind in sums.kind.items():
        noise = 1e-9 * abs(sums.exact[key])
        error = max(abs(sums.published[key] / 100 - sums.exact[key]) - noise, 0.0) / rounding
        most[kind] = max(most.get(kind, 0.0), error)
    return most


def missed_pins(sums: Sums, pins: pd.DataFrame, organisation: Organisation) -> list[str]:
    """Pins whose cut does not add up to their amount; the plan lies in one year."""
    missed = []
    tops = [unit for unit, parent in organisation.parents.items() if not parent]
    for pin in pins.to_dict("records"):
        total = 0
        for month, quarter in organisation.quarters.items():
            if pin["period"] in ("", month, quarter, quarter[:4]):
                for who in [pin["rep"]] if pin["rep"] else [pin["unit"]] if pin["unit"] else tops:
                    total += sums.published.get((who, pin["product"], month, pin["level"]), 0)
        if total != round(pin["amount"] * 100):
            missed.append(f"{pin}: {total / 100}")
    return missed


def disorder(quotas: pd.DataFrame) -> list[str]:
    """Cells that are negative, not zero where nothing is asked, or lower than the level below."""
    wrong = []
    cells: dict[tuple[str, str, str], dict[str, tuple[int, float]]] = defaultdict(dict)
    columns = (quotas[c].tolist() for c in ("rep", "product", "month", "level", "quota", "exact"))
    for rep, product, month, level, quota, exact in zip(*columns, strict=True):
        cells[rep, product, month][level] = (minor(quota), exact)
    for cell, levels in cells.items():
        below = 0
        for level in (x for x in LEVELS if x in levels):
            amount, exact = levels[level]
            if amount < below or (exact == 0 and amount):
                wrong.append(f"{cell} {level}: {amount / 100} for {exact}, below it {below / 100}")
            below = amount
    return wrong


def wrong_units(
    units: pd.DataFrame, quotas: pd.DataFrame, organisation: Organisation, hedge: Mapping[str, float]
) -> list[str]:
    """Rows of units.csv that are not the sum of their parts, owe what they should not, or are too many or too few."""
    parts: dict[Key, int] = defaultdict(int)
    expected: set[Key] = set()
    columns = (quotas[c].tolist() for c in ("rep", "product", "month", "level", "quota"))
    for rep, product, month, level, quota in zip(*columns, strict=True):
        parts[organisation.homes[rep], product, month, level] += minor(quota)
        expected |= {(unit, product, month, level) for unit in organisation.above(rep)}
    rows = units.to_dict("records")
    found = [(str(r["unit"]), str(r["product"]), str(r["month"]), str(r["level"])) for r in rows]
    for key, row in zip(found, rows, strict=True):
        if above := organisation.parents[key[0]]:
            parts[above, *key[1:]] += minor(row["owed"])
    wrong = [f"rows: {len(found)} for {len(expected)}"] if sorted(found) != sorted(expected) else []
    for key, row in zip(found, rows, strict=True):
        if minor(row["assigned"]) != parts[key]:
            wrong.append(f"{key}: assigned {row['assigned']}, parts {parts[key] / 100}")
        if abs(minor(row["owed"]) - parts[key] / (1 + hedge.get(row["kind"], 0.0))) > 0.5 + 1e-9 * parts[key]:
            wrong.append(f"{key}: owes {row['owed']} of {parts[key] / 100}")
    return wrong


def wrong_periods(breakdown: pd.DataFrame, quotas: pd.DataFrame) -> list[str]:
    """Periods of breakdown.csv that are not the sum of their days, and months that are not those of quotas.csv."""
    days: dict[tuple[str, str, str, str], int] = defaultdict(int)
    shown: dict[tuple[str, str, str, str], int] = {}
    columns = (breakdown[c].tolist() for c in ("rep", "kind", "period", "level", "quota"))
    for rep, kind, period, level, quota in zip(*columns, strict=True):
        if kind != "day":
            shown[rep, kind, period, level] = minor(quota)
            continue
        day = dt.date.fromisoformat(period)
        year, week, _day = day.isocalendar()
        third = min((day.day - 1) // 10, 2) + 1
        for longer, name in (
            ("month", period[:7]),
            ("third", f"{period[:7]}-T{third}"),
            ("week", f"{year}-W{week:02d}"),
        ):
            days[rep, longer, name, level] += minor(quota)
        days[rep, "year", "", level] += minor(quota)
    asked: dict[tuple[str, str, str, str], int] = defaultdict(int)
    columns = (quotas[c].tolist() for c in ("rep", "month", "level", "quota"))
    for rep, month, level, quota in zip(*columns, strict=True):
        asked[rep, "month", month, level] += minor(quota)
        asked[rep, "year", "", level] += minor(quota)
    years: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for (rep, kind, _period, level), quota in shown.items():
        years[rep, kind, "", level] += quota
    wrong = [f"{key}: {quota / 100}, its days {days[key] / 100}" for key, quota in shown.items()
             if key[1] in ("month", "third", "week") and quota != days[key]]  # fmt: skip
    wrong += [
        f"{key}: days {days[key] / 100}, quotas {quota / 100}" for key, quota in asked.items() if quota != days[key]
    ]
    wrong += [f"{key}: {quota / 100}, quotas {asked[key[0], 'year', '', key[3]] / 100}" for key, quota in years.items()
              if quota != asked[key[0], "year", "", key[3]]]  # fmt: skip
    return wrong
