"""Checks of the quotas of days and of the periods made of them (section 7 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Axes, Book, Bools, Ints
from allocator.auditing.case import Case
from allocator.auditing.days import Money
from allocator.auditing.layout import LEVELS, Quotas
from allocator.texts import N_

LISTED = N_("A rep with quotas has every period, and the days of his months")
SPREAD = N_("A month's quota goes to its days in equal parts")
SUMMED = N_("Longer periods are sums of days")


def quotas_by_period(case: Case, money: Money, levels: Mapping[str, Quotas]) -> Ints:
    """What published quotas come to in every period, in parts of money, shape (levels, reps, periods).

    Every level spreads what it adds to the one below. The sum after each day is the multiple of the rounding nearest to its even
    share, but no more than the largest in the month; on the last day it is the month.
    """
    days = case.days
    monthly = np.stack([money.parts(levels[x].published).sum(axis=1) for x in LEVELS])
    added = np.diff(monthly, axis=0, prepend=0)
    of_day = added[..., days.month]
    nearest = (2 * of_day * days.done + days.of * money.step) // (2 * days.of * money.step)
    so_far = money.step * np.minimum(nearest, of_day // money.step)
    so_far = np.where(days.done == days.of, of_day, so_far)
    before = (np.cumsum(added, axis=2) - added)[..., days.month]
    total = np.cumsum(np.concatenate([np.zeros((*so_far.shape[:2], 1), np.int64), before + so_far], axis=2), axis=0)
    return np.asarray(total[..., days.last + 1] - total[..., days.first])


def check_breakdown(book: Book, case: Case, money: Money, levels: Mapping[str, Quotas], due: Ints) -> None:
    """Check everything that stands in breakdown.csv; ``due`` is what :func:`quotas_by_period` gives."""
    sheet, reps, days = case.sheets["breakdown"], case.people.reps, case.days
    level = pd.Index(LEVELS).get_indexer(pd.Index(sheet.text("level")))
    rep, period = sheet.place["rep"], sheet.place["period"]
    kind = days.kind[period]
    names: dict[str, Any] = {"rep": reps[rep], "period": days.periods[period], "level": sheet.text("level")}
    there = np.zeros(due.shape, bool)
    good = level >= 0
    there[level[good], rep[good], period[good]] = True
    asked: Bools = np.logical_or.reduce([levels[x].there.any(axis=1) for x in LEVELS])
    wanted = np.repeat(asked.any(axis=1, keepdims=True), len(days.periods), axis=1)
    day = days.kind == "day"
    wanted[:, day] = days.worked[:, days.first[day]] & asked[:, days.month[days.first[day]]]
    axes: Axes = [{"level": np.array(LEVELS, object)}, {"rep": reps}, {"period": days.periods}]
    book.holds(LISTED, axes, there == wanted)
    book.holds(LISTED, [names], good & (sheet.text("kind") == kind), sheet.text("kind"), kind)
    required = due[level, rep, period]
    found = money.parts(sheet.number("quota"))
    same = (found == required) & money.whole(sheet.number("quota"))
    for rule, mine in ((SPREAD, kind == "day"), (SUMMED, kind != "day")):
        shown = (sheet.number("quota")[mine], (required / money.of_one)[mine])
        book.holds(rule, [{k: v[mine] for k, v in names.items()}], (same | ~good)[mine], *shown)
