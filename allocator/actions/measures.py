"""What a plan asks of each rep month by month, read from its frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.breaking_down import Floats, Ints
from allocator.formulation.arrays import positions
from allocator.formulation.grain import Grain
from allocator.formulation.metrics import collection_profiles, commission_rates
from allocator.formulation.winning import VISITS
from allocator.model import Model

Frames = Mapping[str, pd.DataFrame]

STATUSES = ("lost", "active", "prospect")
TIMES = ("past", "present", "future")
"""What the statuses are called in the columns."""


@dataclass(frozen=True)
class Sales:
    """Sales of the clients that each rep carries.

    Attributes
    ----------
    money, contracts : float array, shape (reps, statuses, products, months)
        Of the products that are not large.
    large : int array, shape (reps, statuses, products, months)
        Whole contracts of large products.
    value : float array, shape (products,)
        Money of a large contract; 0 for products that are not large.
    """

    money: Floats
    contracts: Floats
    large: Ints
    value: Floats


@dataclass(frozen=True)
class Work:
    """What a rep does with a group of clients: a row for its owner, and one for the backup.

    Attributes
    ----------
    rep, status : int array, shape (rows,)
    members : float array, shape (rows,)
    again, first : float array, shape (rows, months)
        Visits apart from first visits, and first visits, that the rep makes himself.
    won, led : float array, shape (rows, months)
        Clients won in the month by first visits, and through other channels, where the rep carries the group.
    executive : float array, shape (rows, months)
    tier : object array, shape (rows,)
    """

    rep: Ints
    status: Ints
    members: Floats
    again: Floats
    first: Floats
    won: Floats
    led: Floats
    executive: Floats
    tier: np.ndarray


def read_sales(grain: Grain, tables: Frames) -> Sales:
    """Sum the forecast by carrier, status and product."""
    model, frame = grain.model, tables["forecast"]
    large = model["products"]["large"].to_numpy(bool)
    values = model["products"]["contract_value"].fillna(model["products"]["price"]).to_numpy(float)
    place = _Place(grain, frame)
    shape = (len(grain.people.code), len(STATUSES), len(large), grain.months)
    at = (
        positions(grain.people.code, frame["rep"]),
        place.status,
        positions(grain.product, frame["product"]),
        place.month,
    )
    sell = np.maximum(frame["sell"].to_numpy(float), 0.0)
    count = np.maximum(np.nan_to_num(frame["contracts"].to_numpy(float)), 0.0)
    whole = large[at[2]] & (place.month >= model.past)  # what happened need not be whole
    return Sales(
        money=_sums(at, np.where(whole, 0.0, sell), shape),
        contracts=_sums(at, np.where(whole, 0.0, count), shape),
        large=np.rint(_sums(at, np.where(whole, count, 0.0), shape)).astype(np.int64),
        value=np.where(large, np.nan_to_num(values), 0.0),
    )


def read_work(grain: Grain, tables: Frames) -> Work:
    """Visits by who makes them, and clients won by carrier."""
    effort, won = tables["effort"], tables["won"]
    shape = (len(grain.groups), grain.months)
    place, place_won = _Place(grain, effort), _Place(grain, won)

    def by_group(column: str) -> Floats:
        return _sums((place.group, place.month), np.maximum(effort[column].to_numpy(float), 0.0), shape)

    def winners(visits: bool) -> Floats:
        counted = ((won["channel"] == VISITS) == visits).to_numpy(bool)
        return _sums(
            (place_won.group, place_won.month),
            np.where(counted, np.maximum(won["won"].to_numpy(float), 0.0), 0.0),
            shape,
        )

    own, backup = grain.shares
    owner = grain.groups["rep"].to_numpy(np.int64)
    g = np.concatenate([np.flatnonzero(owner >= 0), np.flatnonzero((backup >= 0).any(axis=1) & (owner >= 0))])
    second = np.arange(len(g)) >= (owner >= 0).sum()
    rep = np.where(second, backup.max(axis=1)[g], owner[g])
    share = np.where(second[:, None], 1.0 - own[g], own[g])
    carried = grain.carrier[g] == rep[:, None]
    groups = grain.groups
    return Work(
        rep=rep,
        status=positions(STATUSES, groups["status"])[g],
        members=groups["members"].to_numpy(float)[g],
        again=share * by_group("planned")[g],
        first=share * by_group("first_visits")[g],
        won=carried * winners(True)[g],
        led=carried * winners(False)[g],
        executive=share * by_group("executive")[g],
        tier=groups["tier"].to_numpy(object)[g],
    )


def read_cash(grain: Grain, tables: Frames) -> Floats:
    """Cash that comes in from the clients whom a rep carries in the month it comes, shape (reps, statuses, months).

    Sales of before the plan count for the rep of their row, else for the carrier of its client; clients without a name are active.
    """
    model, months = grain.model, grain.months
    profiles = collection_profiles(model)
    lags = sorted({lag for profile in profiles.values() for lag in profile})
    frame = tables["forecast"]
    place = _Place(grain, frame)
    sell = np.maximum(frame["sell"].to_numpy(float), 0.0)
    sold = _sums((place.group, place.month), sell, (len(grain.groups), months))
    group, month = np.divmod(np.arange(sold.size), months)
    old = model["history"].query("metric == 'revenue'")
    of_client = positions(grain.clients["client"], old["client"])
    old_group = np.append(grain.clients["group"].to_numpy(np.int64), -1)[of_client]
    rep = np.concatenate([np.full(sold.size, -1), positions(grain.people.code, old["rep"])])
    group = np.concatenate([group, old_group])
    month = np.concatenate([month, _months_from(model.settings.start, old["month"])])
    amount = np.concatenate([sold.ravel(), old["amount"].to_numpy(float)])
    tier = np.append(grain.groups["tier"].to_numpy(object), "")[group]
    status = np.append(positions(STATUSES, grain.groups["status"]), STATUSES.index("active"))[group]
    carrier = np.concatenate([grain.carrier, np.full((1, months), -1)])
    cash = np.zeros((len(grain.people.code), len(STATUSES), months))
    for lag in lags:
        share = pd.Series(tier).map({t: p.get(lag, 0.0) for t, p in profiles.items()})
        money = amount * share.fillna(profiles[""].get(lag, 0.0)).to_numpy(float)
        comes = month + lag
        inside = (comes >= 0) & (comes < months)
        who = np.where(rep >= 0, rep, carrier[group, np.clip(comes, 0, months - 1)])
        hit = inside & (who >= 0)
        np.add.at(cash, (who[hit], status[hit], comes[hit]), money[hit])
    return cash


def read_support(grain: Grain, sales: Sales, work: Work) -> Floats:
    """Hours of shared pools that the contracts of a rep's clients and the executive visits take, shape (reps, months)."""
    needs = grain.model["needs"]
    by_product, by_tier = (needs.groupby(key)["hours"].sum() for key in ("product", "tier"))
    each = by_product.reindex(grain.product).fillna(0.0).to_numpy(float)
    hours = np.einsum("rspt,p->rt", sales.contracts + sales.large, each)
    visit = by_tier.reindex(work.tier).fillna(0.0).to_numpy(float)
    np.add.at(hours, work.rep, visit[:, None] * work.executive)
    return np.asarray(hours)


def read_spend(grain: Grain, tables: Frames, sales: Sales) -> Floats:
    """Money of the budget lines, dealt to the reps for whose clients it works, shape (reps, months).

    A line's month is dealt by the lift that its pools bring in this month and those over which it carries; a line that only feeds a
    lead channel by the clients won through it in the plan; what has neither by the sales of its product in its unit in the
    month, else of its unit in the plan.
    """
    model, people, months = grain.model, grain.people, grain.months
    table = tables["budget"].pivot_table(index="line", columns="month", values="spend", aggfunc="sum")
    table = table.reindex(index=model["budget"]["line"], columns=list(model.calendar.months))
    spend = table.fillna(0.0).to_numpy(float)
    feeding = {name: _Feeding(grain, tables[name], name) for name in ("lift", "won")}
    revenue = (sales.money + sales.large * sales.value[:, None]).sum(axis=1)
    product = positions(grain.product, model["budget"]["product"])
    shape = (len(people.code), months)
    out = np.zeros(shape)
    for b, line in enumerate(model["budget"].to_dict("records")):
        points = model["responses"][model["responses"]["driver"] == line["line"]]
        lifted = feeding["lift"].to_reps(line["unit"], [p or line["product"] for p in points["product"]], shape)
        carry = int(points["carry_months"].max()) if len(points) else 0
        leads = feeding["won"].to_reps(line["unit"], [line["channel"]] if line["channel"] else [], shape)
        below = np.array([not line["unit"] or line["unit"] in model.ancestors[u] for u in people.unit], bool)
        sold = revenue * below[:, None, None]
        left = spend[b].copy()
        for weight in (
            np.sum([np.pad(lifted, ((0, 0), (0, k)))[:, k:] for k in range(carry + 1)], axis=0),
            leads.sum(axis=1)[:, None] * people.in_post,
            sold[:, product[b]] if product[b] >= 0 else sold.sum(axis=1),
            sold.sum(axis=(1, 2))[:, None] * people.in_post,
        ):
            total = weight.sum(axis=0)
            share = np.divide(weight, total, out=np.zeros(shape), where=total > 0)
            out += share * left
            left[total > 0] = 0.0
    return out


class _Feeding:
    """What lines bring by unit and kind (a pool's product, or a channel), for the carrier of its group."""

    def __init__(self, grain: Grain, frame: pd.DataFrame, amount: str) -> None:
        place = _Place(grain, frame)
        self.month, self.carrier = place.month, grain.carrier[place.group, place.month]
        self.unit, self.kind = frame["unit"], frame["line_product" if amount == "lift" else "channel"]
        self.amount = frame[amount].to_numpy(float)

    def to_reps(self, unit: str, kinds: list[str], shape: tuple[int, int]) -> Floats:
        """Sum it by rep and month."""
        mine = ((self.unit == unit) & self.kind.isin(kinds)).to_numpy(bool)
        return _sums((self.carrier[mine], self.month[mine]), self.amount[mine], shape)


def read_commission(grain: Grain, sales: Sales) -> Floats:
    """Commission of the plan's sales at 100 % attainment, shape (reps, months)."""
    revenue = (sales.money + sales.large * sales.value[:, None]).sum(axis=(1, 2))
    return np.asarray(revenue * rates(grain.model, 1.0)[:, None])


def rates(model: Model, attainment: float) -> Floats:
    """Commission of a unit of quota at an attainment, shape (reps,)."""
    by_grade = commission_rates(model, attainment)
    return np.array([by_grade.get(g, by_grade[""]) for g in model["reps"]["grade"]], np.float64)


class _Place:
    """Positions of the group, its status and the month of each row of a frame."""

    def __init__(self, grain: Grain, frame: pd.DataFrame) -> None:
        self.group = positions(grain.groups["group"], frame["group"])
        self.month = positions(grain.model.calendar.months, frame["month"])
        self.status = positions(STATUSES, grain.groups["status"])[self.group]


def _sums(at: tuple[Ints, ...], values: Floats, shape: tuple[int, ...]) -> Floats:
    """Sum values into an array; a place with a −1 is nowhere."""
    there = np.all([a >= 0 for a in at], axis=0)
    flat = np.ravel_multi_index([a[there] for a in at], shape)
    return np.bincount(flat, weights=values[there], minlength=int(np.prod(shape))).reshape(shape)


def _months_from(start: str, month: pd.Series) -> Ints:
    first = int(start[:4]) * 12 + int(start[5:7])
    return np.array([int(m[:4]) * 12 + int(m[5:7]) - first for m in month], np.int64)
