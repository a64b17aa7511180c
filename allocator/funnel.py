"""The funnel backwards: how many clients, first visits and leads a target takes. Arithmetic alone; no plan is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.formulation.grain import CLIENT_ATTRIBUTES, Grain, make_grain
from allocator.formulation.metrics import with_units_above
from allocator.model import Model
from allocator.scopes import parse_scope

Floats = NDArray[Any]
Ints = NDArray[Any]
Bools = NDArray[Any]
Cells = pd.DataFrame
"""Columns group, pair and product (−1 for none), month: positions."""

METRICS = ("revenue", "contracts", "new_clients")
COLUMNS = (
    *("target", "each", "level", "period", "required", "present_clients", "present_gives", "to_win", "new_clients"),
    *("channel", "step", "stage", "entering", "conversion", "hours"),
    *("metric", "scope", "contracts_each", "present_needed", "one_gives", "prospects", "days"),
)
"""Columns of ``funnel.csv`` in their order."""

SLACK = 1e-9
"""Relative slack when a number of people is rounded up, so that the last digit of a double makes no client."""


def funnel_table(model: Model, tables: Mapping[str, pd.DataFrame], grain: Grain | None = None) -> pd.DataFrame:
    """What every base target of revenue, contracts or new clients takes, backwards through each channel.

    Parameters
    ----------
    model : Model
    tables : mapping of str to DataFrame
        Of ``targets`` only the repetitions and their bounds are read.
    grain : Grain, optional
        The model's grain, if it is made already.

    Returns
    -------
    DataFrame
        A row for each target, repetition, channel and stage: how many must enter the stage if all new clients came through that
        channel, and the hours it takes. Where nothing is to be won, nobody can be won, or there is no funnel, one row with a blank
        channel. Shares of another metric are left out. Columns as in :data:`COLUMNS`.
    """
    grain = make_grain(model) if grain is None else grain
    targets = tables["targets"]
    shares = list(model["targets"].loc[model["targets"]["share_of"] != "", "target"])
    held = targets["metric"].isin(METRICS) & (targets["level"] == "base") & (targets["bound"] == "at_least")
    rows = targets[held & ~targets["target"].isin(shares)]
    who = positions(grain.clients["client"], grain.demand["client"])
    found = [_needs(grain, of_target, who) for _, of_target in rows.groupby("target", sort=False)]
    if not found:
        return pd.DataFrame({name: [] for name in COLUMNS})
    needs = pd.concat(found, ignore_index=True)
    return _through_channels(needs, model["funnel"])[list(COLUMNS)]


def _needs(grain: Grain, rows: pd.DataFrame, who: Ints) -> pd.DataFrame:
    """How many clients each repetition of a target takes: those there are, and those to be won; ``who`` has which demand."""
    calendar, metric = grain.model.calendar, str(rows["metric"].iloc[0])
    scope, period = parse_scope(str(rows["scope"].iloc[0])), str(rows["period"].iloc[0])
    keys = pd.DataFrame([{k: v[0] for k, v in parse_scope(str(e)).items()} for e in rows["each"]], index=rows.index)
    cells = _cells(grain, metric == "new_clients")
    inside = np.isin(cells["month"], calendar.window(period))
    for key, values in scope.items():
        if key == "unit":
            values = tuple(u for u, chain in grain.model.ancestors.items() if not set(values).isdisjoint(chain))
        names, at = _names(grain, cells, key)
        inside &= pd.Index(names).isin(values)[at]
    cells = _repeated(grain, cells[inside], keys)
    status, owner = grain.groups["status"].to_numpy(), grain.groups["rep"].to_numpy(np.int64)
    active = (status == "active")[cells["group"]]
    open_ = ~active & (owner[cells["group"]] >= 0)
    signs, worth = _worth(grain, cells, active, metric)
    number = len(rows)

    def total(mine: Bools, values: Floats) -> Floats:
        return np.bincount(cells["at"][mine], weights=values[mine], minlength=number)

    present, prospects = (_clients(grain, cells[mine], number, who) for mine in (active, open_))
    required = rows["required"].to_numpy(float)
    gives = total(active, worth) if metric != "new_clients" else np.zeros(number)
    one = _ratio(total(open_, worth), prospects) if metric != "new_clients" else np.where(prospects > 0, 1.0, np.nan)
    to_win = np.maximum(required - gives, 0.0)
    last = [k for k in keys if k in ("month", "quarter")]
    whole = calendar.years[0] if period == "" else period
    return pd.DataFrame(
        {
            **{name: rows[name].to_numpy(object) for name in ("target", "each", "level", "metric", "scope")},
            "period": keys[last[-1]].to_numpy(object) if last else whole,
            "required": required,
            "present_clients": present,
            "present_gives": gives,
            "contracts_each": _ratio(total(active, signs), present if metric != "new_clients" else np.zeros(number)),
            "present_needed": _whole(_ratio(required, _ratio(gives, present))),
            "to_win": to_win,
            "one_gives": one,
            "new_clients": np.where(to_win > 0, _whole(_ratio(to_win, one)), 0.0),
            "prospects": prospects,
        }
    )


def _cells(grain: Grain, of_groups: bool) -> Cells:
    """Every group and month, or every demand of a group and month."""
    pairs = grain.pairs
    group = np.arange(len(grain.groups)) if of_groups else pairs["group"].to_numpy()
    nothing = np.full(len(group), -1)
    table = {
        "group": group,
        "pair": nothing if of_groups else np.arange(len(pairs)),
        "product": nothing if of_groups else pairs["product"].to_numpy(),
    }
    repeated = {name: np.repeat(values, grain.months) for name, values in table.items()}
    return pd.DataFrame({**repeated, "month": np.tile(np.arange(grain.months), len(group))})


def _label(grain: Grain, cells: Cells, key: str) -> NDArray[Any]:
    """Text of a label for every cell; blank where it has none."""
    names, at = _names(grain, cells, key)
    return np.asarray(names[at])


def _names(grain: Grain, cells: Cells, key: str) -> tuple[NDArray[np.object_], Ints]:
    """Texts of a label, and the position of each cell's."""
    model, group, month = grain.model, cells["group"].to_numpy(), cells["month"].to_numpy()
    if key in ("month", "quarter"):
        names = model.calendar.months if key == "month" else model.calendar.quarters
        return np.array(names, object), month
    if key in ("product", "family", "class"):
        return np.append(model["products"][key].to_numpy(object), ""), cells["product"].to_numpy()
    if key in ("tier", "status", *CLIENT_ATTRIBUTES):
        return grain.groups[key].to_numpy(object), group
    people = grain.people
    known = {"rep": people.code, "grade": people.grade, "unit": people.unit}
    values = known.get(key)
    if values is None:  # a kind of unit: the one of that kind above the rep's
        kinds = dict(zip(model["units"]["unit"], model["units"]["kind"], strict=True))
        above = {u: next((a for a in chain if kinds[a] == key), "") for u, chain in model.ancestors.items()}
        values = np.array([above[u] for u in people.unit], object)
    return np.append(values, ""), grain.carrier[group, month]


def _repeated(grain: Grain, cells: Cells, keys: pd.DataFrame) -> Cells:
    """Cells with ``at``, the repetition to which they belong; a cell belongs to those of all units above it."""
    if not len(keys.columns):
        return cells.assign(at=0)
    labels = pd.DataFrame({key: _label(grain, cells, str(key)) for key in keys}, index=cells.index)
    labels = with_units_above(labels, grain.model)
    at = pd.MultiIndex.from_frame(keys).get_indexer(pd.MultiIndex.from_frame(labels))
    return cells.loc[labels.index].assign(at=at)[at >= 0]


def _worth(grain: Grain, cells: Cells, active: Bools, metric: str) -> tuple[Floats, Floats]:
    """Contracts of each cell at expected demand, and what it gives in the metric; prospects as if they were customers already."""
    if metric == "new_clients":
        return np.zeros(len(cells)), np.zeros(len(cells))
    products = grain.model["products"]
    value = products["contract_value"].fillna(products["price"]).to_numpy(float)
    each = np.divide(1.0, value, out=np.zeros(len(value)), where=value > 0)
    group, pair, product, month = (cells[c].to_numpy() for c in ("group", "pair", "product", "month"))
    ramp = np.where(active, grain.ramp[group, month], 1.0)
    money = grain.pairs["expected"].to_numpy(float)[pair] * grain.season[product, month] * ramp
    return money * each[product], money * each[product] if metric == "contracts" else money


def _clients(grain: Grain, cells: Cells, number: int, who: Ints) -> Floats:
    """Different clients in the cells of each repetition: those with the demand, or all of the groups."""
    if (cells["pair"] < 0).all():
        at, group = _once(cells["at"], cells["group"], len(grain.groups))
        count = grain.groups["members"].to_numpy(float)[group]
    else:
        at, pair = _once(cells["at"], cells["pair"], len(grain.pairs))
        of_pair = grain.demand["pair"].to_numpy()
        rows, size = np.argsort(of_pair, kind="stable"), np.bincount(of_pair, minlength=len(grain.pairs))
        begin, each = (np.cumsum(size) - size)[pair], size[pair]
        row = rows[np.repeat(begin - (np.cumsum(each) - each), each) + np.arange(each.sum())]
        at, client = _once(np.repeat(at, each), who[row], len(grain.clients))
        count = grain.clients["count"].to_numpy(float)[client]
    return np.bincount(at, weights=count, minlength=number)


def _once(first: Any, second: Any, size: int) -> tuple[Ints, Ints]:
    """Different couples of numbers, the second less than ``size``."""
    key = pd.unique(np.asarray(first, np.int64) * size + np.asarray(second, np.int64))
    return key // size, key % size


def _through_channels(needs: pd.DataFrame, funnel: pd.DataFrame) -> pd.DataFrame:
    """Repeat each need for every stage of every channel, with how many enter it; a need of nobody stays as it is."""
    stages = funnel.sort_values(["channel", "step"])[["channel", "step", "stage", "conversion", "days", "minutes"]]
    onwards = stages[::-1].groupby("channel", sort=False)["conversion"].cumprod()
    stages = stages.assign(onwards=onwards, won=True).astype({"channel": object, "stage": object, "step": float})
    table = needs.assign(won=needs["new_clients"] > 0).merge(stages, on="won", how="left")
    table[["channel", "stage"]] = table[["channel", "stage"]].fillna("")
    entering = _whole(_ratio(table["new_clients"].to_numpy(float), table["onwards"].to_numpy(float)))
    return table.assign(entering=entering, hours=entering * table["minutes"] / 60)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """Quotient; missing where there is nothing to divide by."""
    return np.asarray(np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0))


def _whole(value: Floats) -> Floats:
    """People: rounded up."""
    return np.asarray(np.ceil(value * (1 - SLACK)))
