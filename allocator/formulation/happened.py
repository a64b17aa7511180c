"""What happened in the months that are over, dealt to the grain of the program (section 9 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.formulation.grain import Grain
from allocator.model import LEVELS, Model
from allocator.program import Floats

LABELS = ("unit", "rep", "client", "product", "tier", "channel")
"""What a row of ``actuals`` may say of where it belongs; money spent belongs to its line."""


@dataclass(frozen=True)
class Happened:
    """The past by groups, lines and reps; 0 in months that are not over.

    Attributes
    ----------
    months : int
        How many are over.
    sell : float array, shape (pairs, months)
        Revenue.
    visits, first : float array, shape (groups, months)
        Visits, and first visits to prospects and lost clients.
    won : float array, shape (groups, months)
        New clients, before they are dealt to channels.
    channels : DataFrame
        Rows of ``new_clients`` as they stand: month (position), labels, amount.
    spend : float array, shape (lines, months)
    asked, published : dict of str to float array, shape (reps, products, months)
        Quotas by level: as they were exactly, and as they were published.
    unmatched : DataFrame
        Rows of ``actuals`` that fit nothing, with their position in the table.
    """

    months: int
    sell: Floats
    visits: Floats
    first: Floats
    channels: pd.DataFrame
    spend: Floats
    asked: dict[str, Floats]
    published: dict[str, Floats]
    unmatched: pd.DataFrame


def happened(grain: Grain) -> Happened | None:
    """Deal the actuals of a model to its grain; None where no month is over."""
    model = grain.model
    if not model.past:
        return None
    rows = _rows(grain)
    months, groups = grain.months, grain.groups
    active = (groups["status"] == "active").to_numpy()
    g, t = np.divmod(np.arange(len(groups) * months), months)
    places = _places(grain, g, t)
    pairs = np.repeat(np.arange(len(grain.pairs)), months)
    month = np.tile(np.arange(months), len(grain.pairs))
    group, product = (grain.pairs[n].to_numpy(int)[pairs] for n in ("group", "product"))
    sold = _places(grain, group, month).assign(product=grain.product[product])
    expected = np.where(active[group], (grain.pairs["expected"].to_numpy(float)[:, None] * grain.flow).ravel(), 0.0)
    served = ((grain.promise > 0) & (groups["rep"].to_numpy() >= 0)[:, None] & (grain.stay > 0)).ravel()
    open_ = np.repeat(~active & (groups["rep"].to_numpy() >= 0), months)
    sell, lost = deal(rows[rows["metric"] == "revenue"], sold, expected, model)
    visits, unseen = deal(rows[rows["metric"] == "visits"], places[served], grain.even_promise.ravel()[served], model)
    members = np.repeat(groups["members"].to_numpy(float), months)
    first, unmet = deal(rows[rows["metric"] == "first_visits"], places[open_], members[open_], model)
    lines = pd.Index(model["budget"]["line"])
    spent = rows[(rows["metric"] == "spend") & rows["line"].isin(lines)]
    spend = np.zeros((len(lines), months))
    np.add.at(spend, (lines.get_indexer(spent["line"]), spent["at"]), spent["amount"].to_numpy(float))
    made, seen = np.zeros(len(places)), np.zeros(len(places))
    made[served], seen[open_] = visits, first
    shape = (len(groups), months)
    return Happened(
        model.past,
        sell.reshape(-1, months),
        _within_curve(grain, made.reshape(shape)),
        _at_most(seen.reshape(shape), groups["members"].to_numpy(float)),
        rows[rows["metric"] == "new_clients"],
        spend,
        _asked(grain, rows, "exact_"),
        _asked(grain, rows, "quota_"),
        pd.concat([lost, unseen, unmet]),
    )


def _rows(grain: Grain) -> pd.DataFrame:
    """Actuals of the months that are over; clients by their groups."""
    model = grain.model
    rows = model["actuals"]
    rows = rows[rows["stage"] == ""].reset_index(names="row")
    at = positions(model.calendar.months, rows["month"])
    group = grain.clients.set_index("client")["group"]
    rows = rows.assign(at=at, client=rows["client"].map(group).fillna(-1).astype(int))
    return rows[(at >= 0) & (at < model.past)].reset_index(drop=True)


def _places(grain: Grain, group: NDArray[np.int64], month: NDArray[np.int64]) -> pd.DataFrame:
    """Labels of cells by group and month: those of the month's carrier."""
    people, carrier = grain.people, grain.carrier[group, month]
    return pd.DataFrame(
        {
            "at": month,
            "rep": np.append(people.code, "")[carrier],
            "unit": np.append(people.unit, "")[carrier],
            "client": group,
            "tier": grain.groups["tier"].to_numpy(object)[group],
        }
    )


def deal(rows: pd.DataFrame, cells: pd.DataFrame, weight: Floats, model: Model) -> tuple[Floats, pd.DataFrame]:
    """Deal the amounts of rows to the cells that fit, by weight, evenly where none of them weighs anything.

    Returns
    -------
    dealt : float array, shape (cells,)
    unmatched : DataFrame
        Rows with an amount that no cell fits.
    """
    dealt, known = np.zeros(len(cells)), np.zeros(len(rows), bool)
    rows = rows.reset_index(drop=True)
    blank = {n: -1 if n == "client" else "" for n in LABELS}
    said = pd.DataFrame({n: rows[n] != blank[n] for n in LABELS})
    for pattern, part in rows.groupby([said[n] for n in LABELS], sort=True):
        keys = ["at", *(n for n, has in zip(LABELS, pattern, strict=True) if has and n in cells)]
        every = cells[keys].assign(cell=np.arange(len(cells)), weight=weight)
        if "unit" in keys:
            every = every.assign(unit=every["unit"].map(lambda u: model.ancestors.get(u, ()))).explode("unit")
        sums = every.groupby(keys).agg(total=("weight", "sum"), count=("cell", "size")).reset_index()
        amounts = part.groupby(keys)["amount"].sum().reset_index()
        both = every.merge(amounts, on=keys).merge(sums, on=keys)
        total, count = both["total"].to_numpy(float), both["count"].to_numpy(float)
        share = np.divide(both["weight"].to_numpy(float), total, out=1 / np.maximum(count, 1), where=total > 0)
        np.add.at(dealt, both["cell"].to_numpy(int), both["amount"].to_numpy(float) * share)
        fits = pd.MultiIndex.from_frame(part[keys]).isin(pd.MultiIndex.from_frame(sums[keys]))
        known[part.index] = fits
    return dealt, rows[~known & (rows["amount"].to_numpy(float) != 0)]


def deal_won(past: Happened, grain: Grain, table: pd.DataFrame) -> Floats:
    """New clients of the past for each row of the table ``won`` (group, channel, month), no more than a group has clients."""
    cells = _places(grain, table["group"].to_numpy(int), table["month"].to_numpy(int))
    cells = cells.assign(channel=table["channel"].to_numpy(object))
    members = grain.groups["members"].to_numpy(float)
    won = deal(past.channels, cells, members[table["group"].to_numpy(int)], grain.model)[0]
    total = np.bincount(table["group"], weights=won, minlength=len(members))
    least = np.minimum(1.0, np.divide(members, total, out=np.ones(len(members)), where=total > 0))
    return np.asarray(won * least[table["group"].to_numpy(int)])


def _at_most(amount: Floats, most: Floats) -> Floats:
    """Scale each group's months down to a total."""
    total = amount.sum(axis=1)
    return np.asarray(
        amount * np.minimum(1.0, np.divide(most, total, out=np.ones_like(total), where=total > 0))[:, None]
    )


def _within_curve(grain: Grain, visits: Floats) -> Floats:
    """Visits count as far as the curve of their window goes."""
    tier, responses = grain.groups["tier"], grain.model["responses"]
    last = responses.groupby("driver")["effort"].max().reindex(tier).fillna(1.0).to_numpy(float)
    most = np.maximum(last, 1.0)[:, None] * grain.promise
    made = grain.over_window(visits)
    return np.asarray(visits * np.minimum(1.0, np.divide(most, made, out=np.ones_like(made), where=made > 0)))


def _asked(grain: Grain, rows: pd.DataFrame, kind: str) -> dict[str, Floats]:
    """Quotas of the past by level; published ones where the exact are not told."""
    asked = {}
    for level in LEVELS:
        mine = rows[rows["metric"] == f"{kind}{level}"]
        mine = mine if len(mine) else rows[rows["metric"] == f"quota_{level}"]
        rep, product = positions(grain.people.code, mine["rep"]), positions(grain.product, mine["product"])
        known = (rep >= 0) & (product >= 0)
        asked[level] = np.zeros((len(grain.people.code), len(grain.product), grain.months))
        np.add.at(
            asked[level],
            (rep[known], product[known], mine["at"].to_numpy(int)[known]),
            mine["amount"].to_numpy(float)[known],
        )
    return asked
