"""The months that are over hold what the actuals say (section 9 of the mathematics)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Bools, Floats, Ints
from allocator.auditing.case import Case
from allocator.auditing.people import numbers, words
from allocator.texts import N_

SOLD = N_("Sales of the months that are over are the actuals")
MADE = N_("Visits and new clients of the months that are over are the actuals")
SPENT = N_("Money of the months that are over is what was spent")
ASKED = N_("What was asked in the months that are over stands")


def check_happened(book: Book, case: Case) -> None:
    """Check every number of the past against the actuals, dealt anew."""
    if not case.over.any():
        return
    rows = _rows(case)
    over, groups, figures = case.over, case.groups, case.figures
    shape = (len(groups.codes), len(case.months))
    demand = case.demand
    expected = np.where(groups.active[demand.group][:, None], demand.at_promise[:, None] * demand.flow, 0.0)
    every = np.ones(expected.shape, bool)
    sold = _dealt(case, rows, "revenue", demand.group, demand.product, expected, every)
    names, _months = case.cells
    book.equal(SOLD, [names, {"month": case.months[over]}], figures.sell[:, over], sold[:, over])
    length = groups.by_window(np.ones(shape))
    promise = np.take_along_axis(groups.promise, groups.window, axis=1)
    even = promise / np.take_along_axis(length, groups.window, axis=1)
    nothing = np.full(shape[0], -1)
    each = np.arange(shape[0])
    served = (promise > 0) & (groups.owner >= 0)[:, None] & (groups.stay > 0)
    visits = _dealt(case, rows, "visits", each, nothing, even, served)
    most = demand.ends[:, None] * groups.promise
    total = groups.by_window(visits)
    scale = np.minimum(1.0, np.divide(most, total, out=np.ones_like(total), where=total > 0))
    visits = visits * np.take_along_axis(scale, groups.window, axis=1)
    open_ = np.broadcast_to((~groups.active & (groups.owner >= 0))[:, None], shape)
    count = np.broadcast_to(groups.count[:, None], shape)
    first = _at_most(_dealt(case, rows, "first_visits", each, nothing, count, open_), groups.count)
    axes: Any = [{"group": groups.codes}, {"month": case.months[over]}]
    book.equal(MADE, axes, figures.visits[:, over], visits[:, over])
    book.equal(MADE, axes, figures.first[:, over], first[:, over])
    _check_won(book, case, rows)
    spent = np.zeros(figures.spend.shape)
    mine = rows[rows["metric"] == "spend"]
    line = case.lines.get_indexer(pd.Index(mine["line"]))
    np.add.at(spent, (line[line >= 0], mine["at"].to_numpy(int)[line >= 0]), mine["amount"].to_numpy(float)[line >= 0])
    spent = np.where(case.window, spent, 0.0)
    book.equal(SPENT, [{"line": case.lines}, {"month": case.months[over]}], figures.spend[:, over], spent[:, over])
    _check_asked(book, case, rows)


def _rows(case: Case) -> pd.DataFrame:
    """Actuals of the months that are over, counts of stages apart; ``at`` is the month's position."""
    table = case.model["actuals"]
    frame = pd.DataFrame({c: words(table[c]) for c in table.columns if c != "amount"})
    frame = frame.assign(amount=numbers(table["amount"], 0.0), at=case.months.get_indexer(pd.Index(frame["month"])))
    at = frame["at"].to_numpy(int)
    kept: pd.DataFrame = frame[(frame["stage"] == "").to_numpy() & (at >= 0) & np.append(case.over, False)[at]]
    return kept.reset_index(drop=True)


def _fits(case: Case, row: Any, group: Ints, product: Ints) -> Bools:
    """Cells (group and product) of the row's month that its labels hold."""
    carrier = case.groups.carrier[group, row.at]
    held = np.ones(len(group), bool)
    if row.rep:
        held &= np.append(case.people.reps.to_numpy(object), "")[carrier] == row.rep
    if row.unit:
        below = [u for u, chain in case.model.ancestors.items() if row.unit in chain]
        held &= np.isin(np.append(case.people.units, "")[carrier].astype(str), below)
    if row.client:
        client = list(words(case.model["clients"]["client"])).index(row.client)
        held &= group == case.groups.members[client]
    if row.tier:
        held &= case.groups.labels["tier"][group] == row.tier
    if row.product and (product >= 0).any():
        held &= np.append(case.products.to_numpy(object), "")[product] == row.product
    return held


def _dealt(
    case: Case, rows: pd.DataFrame, metric: str, group: Ints, product: Ints, weight: Floats, may: Bools
) -> Floats:
    """Deal the rows of a metric one by one, by weight, evenly where none of the cells weighs anything."""
    out = np.zeros((len(group), len(case.months)))
    columns = ["at", "rep", "unit", "client", "tier", "product", "channel"]
    mine = rows[rows["metric"] == metric].groupby(columns, sort=False)["amount"].sum().reset_index()
    row: Any
    for row in mine.itertuples(index=False):
        cells = np.flatnonzero(_fits(case, row, group, product) & may[:, row.at])
        of = weight[cells, row.at]
        share = of / of.sum() if of.sum() > 0 else np.full(len(cells), 1 / max(len(cells), 1))
        out[cells, row.at] += row.amount * share
    return out


def _at_most(amount: Floats, most: Floats) -> Floats:
    total = amount.sum(axis=1)
    return np.asarray(
        amount * np.minimum(1.0, np.divide(most, total, out=np.ones_like(total), where=total > 0))[:, None]
    )


def _check_won(book: Book, case: Case, rows: pd.DataFrame) -> None:
    """New clients are dealt to the rows of won.csv by the clients of their groups."""
    sheet, groups = case.sheets["won"], case.groups
    group, month, channel = (sheet.place[k] for k in ("group", "month", "channel"))
    names = np.append(case.channels.names.to_numpy(object), "")[channel]
    due = np.zeros(len(group))
    row: Any
    columns = ["at", "rep", "unit", "client", "tier", "product", "channel"]
    mine = rows[rows["metric"] == "new_clients"].groupby(columns, sort=False)["amount"].sum().reset_index()
    for row in mine.itertuples(index=False):
        held = _fits(case, row, group, np.full(len(group), -1)) & (month == row.at)
        if row.channel:
            held &= names == row.channel
        of = groups.count[group[held]]
        due[held] += row.amount * (of / of.sum() if of.sum() > 0 else 0.0)
    total = np.bincount(group, weights=due, minlength=len(groups.codes))
    scale = np.minimum(1.0, np.divide(groups.count, total, out=np.ones(len(total)), where=total > 0))
    past = case.over[month]
    axes: Any = [{"group": groups.codes[group[past]], "month": case.months[month[past]], "channel": names[past]}]
    book.equal(MADE, axes, sheet.number("won")[past], (due * scale[group])[past])


def _check_asked(book: Book, case: Case, rows: pd.DataFrame) -> None:
    """Quotas of the past are those that were published, to the last digit, and as exact as they were."""
    sheet = case.sheets["quotas"]
    rep, product, month = (sheet.place[k] for k in ("rep", "product", "month"))
    past = case.over[month]
    codes = (case.people.reps[rep], case.products[product], case.months[month], sheet.text("level"))
    key = _named([np.asarray(c, object)[past] for c in codes])
    for column in ("quota", "exact"):
        mine = rows[rows["metric"].str.startswith(f"{column}_")]
        mine = mine if len(mine) else rows[rows["metric"].str.startswith("quota_")]
        level = mine["metric"].str.removeprefix("quota_").str.removeprefix("exact_")
        labels = _named([*(mine[n].to_numpy(object) for n in ("rep", "product", "month")), level.to_numpy(object)])
        shown, told = pd.Series(sheet.number(column)[past], key), pd.Series(mine["amount"].to_numpy(float), labels)
        both = pd.concat([s.groupby(level=0).sum() for s in (shown, told)], axis=1).fillna(0.0)
        found, due = both[0].to_numpy(float), both[1].to_numpy(float)
        names: Any = [{"quota": both.index.to_numpy(object), "column": column}]
        if column == "quota":
            book.holds(ASKED, names, np.round(found * 100) == np.round(due * 100), found, due)
        else:
            book.equal(ASKED, names, found, due)


def _named(parts: list[Any]) -> pd.Index[Any]:
    """Names of rows by their labels."""
    return pd.Index([", ".join(map(str, labels)) for labels in zip(*parts, strict=True)], dtype=object)
