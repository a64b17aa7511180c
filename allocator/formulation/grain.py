"""The grain of the program: reps and their hours, groups of clients, seasons, promises."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import alike, positions
from allocator.formulation.assigning import assign
from allocator.formulation.stays import stays
from allocator.model import Model
from allocator.scopes import parse_scope, parse_share_of

Floats = NDArray[Any]
Ints = NDArray[Any]
Bools = NDArray[Any]

CLIENT_ATTRIBUTES = ("client", "industry", "area")


@dataclass(frozen=True)
class People:
    """Reps by month.

    Attributes
    ----------
    code, unit, grade : object array, shape (reps,)
    backup : int array, shape (reps,)
        Position of the backup; −1 for none.
    present : float array, shape (reps, months)
        Working days in service and not on leave.
    share : float array, shape (reps, months)
        ``present`` over the month's working days.
    in_post : bool array, shape (reps, months)
    hours : float array, shape (reps, months)
        Selling hours less fixed activities.
    ramp : float array, shape (reps, months)
    """

    code: NDArray[np.object_]
    unit: NDArray[np.object_]
    grade: NDArray[np.object_]
    backup: Ints
    present: Floats
    share: Floats
    in_post: Bools
    hours: Floats
    ramp: Floats


@dataclass(frozen=True)
class Grain:
    """Everything the rules read, as arrays.

    Attributes
    ----------
    model : Model
    people : People
    product : object array, shape (products,)
    season : float array, shape (products, months)
        Sums to 1 over the plan.
    flow : float array, shape (pairs, months)
        The season of a group's product with the months in which its clients stay, and the factors of ``shifts``.
    clients : DataFrame
        client, rep, group and what the input says of them; one row per client.
    groups : DataFrame
        group (name), rep and deputy (positions, −1 none), tier (code), status, client, industry, area, members; one row per group.
    carrier : int array, shape (groups, months)
        Rep for whom a month's forecast counts; −1 nobody.
    windows : int array, shape (groups, months)
        Window of the promise that a month belongs to.
    promise : float array, shape (groups, months)
        Visits promised in the window of each month (the whole window's).
    stay : float array, shape (groups, months)
        Share of the month in which the clients are clients.
    pairs : DataFrame
        group, product (positions), expected, ceiling (sums over members): one row where a group has demand.
    reads : frozenset of str
        Attributes that some rule, target or scope reads.
    named : dict of str to tuple of str or None
        Their values that are named somewhere; None where every value counts.
    """

    model: Model
    people: People
    product: NDArray[np.object_]
    season: Floats
    flow: Floats
    clients: pd.DataFrame
    groups: pd.DataFrame
    carrier: Ints
    windows: Ints
    promise: Floats
    stay: Floats
    demand: pd.DataFrame
    pairs: pd.DataFrame
    reads: frozenset[str]
    named: dict[str, tuple[str, ...] | None]

    @property
    def months(self) -> int:
        """Number of months of the plan."""
        return self.model.settings.months

    @property
    def ramp(self) -> Floats:
        """Ramp of each group's carrier, shape (groups, months); 1 without a carrier."""
        return _by_carrier(self.people.ramp, self.carrier, 1.0)

    @functools.cached_property
    def begins(self) -> Bools:
        """Whether a month is the first of its promise's window, shape (groups, months)."""
        begins = np.ones(self.windows.shape, bool)
        begins[:, 1:] = self.windows[:, 1:] != self.windows[:, :-1]
        return begins

    def over_window(self, values: Floats) -> Floats:
        """Sum of values over the window of each month, both of shape (groups, months)."""
        groups, months = self.windows.shape
        key = np.arange(groups)[:, None] * months + self.windows
        return np.asarray(np.bincount(key.ravel(), weights=values.ravel(), minlength=groups * months)[key])

    @functools.cached_property
    def even_promise(self) -> Floats:
        """The promise of the window of each month, divided by its months, shape (groups, months)."""
        return np.asarray(self.promise / self.over_window(np.ones(self.windows.shape)))

    @functools.cached_property
    def phased_promise(self) -> Floats:
        """The promise of the window of each month by the phases of the year (seasonality of visits) and by stay; like ``promise``."""
        rows = self.model["seasonality"].query("metric == 'visits' and product == ''").set_index("month")["weight"]
        weight = self.stay
        if len(rows):
            weight = self.stay * rows.reindex(self.model.calendar.months).fillna(0.0).to_numpy(float)
        whole = self.over_window(weight)
        return np.where(whole > 0, self.promise * weight / np.maximum(whole, 1e-12), self.even_promise)

    @property
    def shares(self) -> tuple[Floats, Ints]:
        """Owner's share of a group's visits by month, and who makes the rest (−1 nobody), shape (groups, months)."""
        owner, backup = self.groups["rep"].to_numpy(), self.groups["deputy"].to_numpy()
        there = np.where(backup[:, None] >= 0, self.people.in_post[backup], False)
        return np.where(there, self.people.share[owner], 1.0), np.where(there, backup[:, None], -1)


def make_grain(model: Model) -> Grain:
    """Derive the grain of a model."""
    people = make_people(model)
    product = model["products"]["product"].to_numpy(object)
    clients, demand = model["clients"].copy(), model["demand"].copy()
    clients["rep"] = positions(people.code, assign(model, people.code, people.unit, people.hours))
    own = np.where(clients["rep"] >= 0, people.backup[clients["rep"]], -1)
    named = positions(people.code, clients["backup"])
    clients["deputy"] = np.where((clients["rep"] >= 0) & (named >= 0), named, own)
    stay, clients["stay"] = stays(model)
    clients["shifted"], factor = _shifts(model, people, clients["rep"].to_numpy())
    reads, mentioned = what_is_read(model)
    keys = ["rep", "deputy", "tier", "status", "stay", "shifted"]
    for attribute in CLIENT_ATTRIBUTES:
        values = mentioned.get(attribute)
        column = clients[attribute]
        clients[f"read_{attribute}"] = (
            column if values is None and attribute in reads else column.where(column.isin(list(values or ())), "")
        )
        keys.append(f"read_{attribute}")
    groups = clients.groupby(keys, sort=True).agg(members=("count", "sum")).reset_index()
    clients["group"] = pd.MultiIndex.from_frame(groups[keys]).get_indexer(pd.MultiIndex.from_frame(clients[keys]))
    groups = groups.rename(columns={f"read_{a}": a for a in CLIENT_ATTRIBUTES})
    groups["group"] = _names(groups, people)
    stay = stay[clients.groupby("group", sort=True)["stay"].first()]
    windows, promise = _promises(model, groups, stay)
    at = positions(clients["client"], demand["client"])
    demand["group"] = clients["group"].to_numpy()[at]
    demand["count"] = clients["count"].to_numpy()[at].astype(float)
    demand["position"] = positions(product, demand["product"])
    demand["pair"] = demand.groupby(["group", "position"], sort=True).ngroup()
    sums = pd.DataFrame(
        {
            "pair": demand["pair"],
            "group": demand["group"],
            "product": demand["position"],
            "expected": demand["count"] * np.minimum(demand["expected"], demand["ceiling"]),
            "ceiling": demand["count"] * demand["ceiling"],
        }
    )
    pairs = sums.groupby("pair", sort=True).agg(
        group=("group", "first"), product=("product", "first"), expected=("expected", "sum"), ceiling=("ceiling", "sum")
    )
    season = seasons(model, product)
    group_of, product_of = pairs["group"].to_numpy(int), pairs["product"].to_numpy(int)
    shift_of = groups["shifted"].to_numpy(int)[group_of]
    return Grain(
        model=model,
        people=people,
        product=product,
        season=season,
        flow=season[product_of] * stay[group_of] * factor[shift_of, product_of],
        clients=clients,
        groups=groups,
        carrier=_carriers(people, groups["rep"].to_numpy(), groups["deputy"].to_numpy()),
        windows=windows,
        promise=promise,
        stay=stay,
        demand=demand,
        pairs=pairs.reset_index(drop=True),
        reads=reads,
        named=mentioned,
    )


READ = (
    *("units", "reps", "leave", "calendar", "activities", "tiers"),
    *("clients", "products", "demand", "seasonality", "shifts"),
)
"""Tables of which a grain is made."""


def grain_like(earlier: Grain | None, model: Model) -> Grain:
    """The grain of a model: an earlier one, where both models have the very tables of which a grain is made."""
    if (
        earlier is not None
        and all(model[name] is earlier.model[name] for name in READ)
        and (model.settings.start, model.settings.months, model.settings.country)
        == (earlier.model.settings.start, earlier.model.settings.months, earlier.model.settings.country)
        and what_is_read(model) == (earlier.reads, earlier.named)
    ):
        return replace(earlier, model=model)
    return make_grain(model)


def make_people(model: Model) -> People:
    """Derive presence, hours and ramps of the reps."""
    reps, calendar = model["reps"], model.calendar
    code = reps["rep"].to_numpy(object)
    months = calendar.count
    inside = np.stack([calendar.between(a, b) for a, b in zip(reps["start"], reps["end"], strict=True)])
    here = inside.copy()
    position = pd.Index(code)
    for rep, start, end in model["leave"][["rep", "from", "to"]].itertuples(index=False):
        here[position.get_loc(rep)] &= ~calendar.between(start, end)
    of_month = np.zeros((len(calendar.days), months))
    of_month[np.arange(len(calendar.days)), calendar.day_month] = 1.0
    present = (here & calendar.working) @ of_month
    days = calendar.working_days
    share = np.divide(present, days, out=np.zeros_like(present), where=days > 0)
    hours = (reps["hours_per_day"] * reps["selling_share"]).to_numpy(float)[:, None] * present
    hours -= share * _activities(model)
    first = int(calendar.start[:4]) * 12 + int(calendar.start[5:7]) - 1
    since = first + np.arange(months) - (reps["start"].dt.year * 12 + reps["start"].dt.month - 1).to_numpy()[:, None]
    ramp_months = reps["ramp_months"].to_numpy()[:, None]
    ramp = np.where(np.isnan(since), 1.0, np.clip((np.nan_to_num(since) + 1) / (ramp_months + 1), 0.0, 1.0))
    return People(
        code=code,
        unit=reps["unit"].to_numpy(object),
        grade=reps["grade"].to_numpy(object),
        backup=positions(code, reps["backup"]),
        present=present,
        share=share,
        in_post=inside @ of_month > 0,
        hours=hours,
        ramp=ramp,
    )


def rep_scope(model: Model, text: str) -> Bools:
    """Reps that a scope over rep, unit and grade holds, shape (reps,)."""
    reps = model["reps"]
    held = np.ones(len(reps), bool)
    for key, values in parse_scope(text).items():
        if key == "unit":
            held &= np.array([not set(values).isdisjoint(model.ancestors[u]) for u in reps["unit"]], bool)
        else:
            held &= reps[key].isin(values).to_numpy()
    return held


def _activities(model: Model) -> Floats:
    """Hours of fixed activities of a rep who is there all month, shape (reps, months)."""
    calendar = model.calendar
    often = {
        "week": calendar.weeks.astype(float),
        "month": np.ones(calendar.count),
        "quarter": np.full(calendar.count, 1 / 3),
        "year": np.full(calendar.count, 1 / calendar.count),
    }
    hours = np.zeros((len(model["reps"]), calendar.count))
    for scope, count, per, minutes in model["activities"][["scope", "count", "per", "minutes"]].itertuples(index=False):
        hours += np.outer(rep_scope(model, scope), count * minutes / 60 * often[per])
    return hours


def _carriers(people: People, owner: Ints, backup: Ints) -> Ints:
    by_owner = (owner >= 0)[:, None] & people.in_post[owner]
    by_backup = (backup >= 0)[:, None] & people.in_post[backup]
    return np.where(by_owner, owner[:, None], np.where(by_backup, backup[:, None], -1))


def _by_carrier(values: Floats, carrier: Ints, nobody: float) -> Floats:
    month = np.arange(values.shape[1])[None, :]
    return np.asarray(np.where(carrier >= 0, values[carrier, month], nobody))


def _shifts(model: Model, people: People, owner: Ints) -> tuple[Ints, Floats]:
    """Kind of each client by what shifts come to, and the factors by kind, shape (kinds, products, months)."""
    shifts, clients, calendar = model["shifts"], model["clients"], model.calendar
    products = model["products"]
    if not len(shifts):
        return np.zeros(len(clients), int), np.ones((1, len(products), calendar.count))
    held = np.ones((len(shifts), len(clients)), bool)
    of_product = np.ones((len(shifts), len(products)), bool)
    for k, text in enumerate(shifts["scope"]):
        for key, values in parse_scope(text).items():
            if key in ("product", "family", "class"):
                of_product[k] &= products[key].isin(values).to_numpy()
            elif key == "unit":
                below = {u for u, chain in model.ancestors.items() if not set(values).isdisjoint(chain)}
                home = np.where(owner >= 0, people.unit[owner], clients["unit"])
                held[k] &= np.isin(home, list(below))
            elif key in ("rep", "grade"):
                held[k] &= np.isin(np.append(getattr(people, "code" if key == "rep" else key), "")[owner], values)
            else:
                held[k] &= clients[key].isin(values).to_numpy()
    months = calendar.months
    first = shifts["from"].where(shifts["from"] != "", months[0]).to_numpy(object)
    last = shifts["to"].where(shifts["to"] != "", months[-1]).to_numpy(object)
    during = np.array([[a <= m <= b for m in months] for a, b in zip(first, last, strict=True)], bool)
    patterns, kind = np.unique(held.T, axis=0, return_inverse=True)
    factors = np.ones((len(patterns), len(products), len(months)))
    for k, factor in enumerate(shifts["factor"].to_numpy(float)):
        factors *= np.where(patterns[:, k, None, None] & of_product[k][None, :, None] & during[k], factor, 1.0)
    # Shifts that come to the same do not tell clients apart: one that is over before the plan, or two that close the same months.
    different, same = alike(factors.reshape(len(patterns), -1))
    return same[kind.ravel()], different.reshape(-1, *factors.shape[1:])


def _promises(model: Model, groups: pd.DataFrame, stay: Floats) -> tuple[Ints, Floats]:
    """Window of each month and the whole window's promise, both of shape (groups, months)."""
    calendar = model.calendar
    month = np.arange(calendar.count)
    quarter = pd.factorize(np.array(calendar.quarters))[0].astype(np.int64)
    in_quarter = np.bincount(quarter)[quarter]
    windows = {"week": month, "month": month, "quarter": quarter, "year": np.zeros_like(month)}
    size = {
        "week": calendar.weeks.astype(float),
        "month": np.ones(calendar.count),
        "quarter": in_quarter / 3,
        "year": np.full(calendar.count, calendar.count / 12),
    }
    tiers = model["tiers"].set_index("tier")
    per = tiers["per"].reindex(groups["tier"]).to_numpy(object)
    visits = tiers["visits"].reindex(groups["tier"]).to_numpy(float)
    visits = np.where(groups["status"] == "active", visits * groups["members"].to_numpy(float), 0.0)
    of_group = np.stack([windows[p] for p in per])
    key = np.arange(len(groups))[:, None] * calendar.count + of_group
    weight = [np.bincount(key.ravel(), weights=w.ravel(), minlength=key.size)[key] for w in (stay, np.ones_like(stay))]
    return of_group, visits[:, None] * np.stack([size[p] for p in per]) * weight[0] / weight[1]


def seasons(model: Model, product: NDArray[np.object_]) -> Floats:
    """Weights of the months, shape (products, months), each row summing to 1."""
    calendar = model.calendar
    rows = model["seasonality"].query("metric == 'revenue'")
    weights = rows.pivot_table(index="product", columns="month", values="weight", aggfunc="sum")
    weights = weights.reindex(columns=list(calendar.months)).fillna(0.0)
    season = np.ones((len(product), calendar.count))
    for i, (code, launch, end) in enumerate(model["products"][["product", "launch", "end"]].itertuples(index=False)):
        key = code if code in weights.index else ""
        if key in weights.index:
            season[i] = weights.loc[key].to_numpy(float)
        on_sale = np.bincount(calendar.day_month[calendar.between(launch, end)], minlength=calendar.count) > 0
        season[i] *= on_sale[: calendar.count]
    total = season.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(season, total, out=np.zeros_like(season), where=total > 0))


def what_is_read(model: Model) -> tuple[frozenset[str], dict[str, tuple[str, ...] | None]]:
    """Attributes that rules, targets and scopes read, and the client attributes' values where only some are named."""
    reads: set[str] = set()
    values: dict[str, tuple[str, ...] | None] = {}
    kinds = set(model["units"]["kind"])
    for scope, each, share_of in model["targets"][["scope", "each", "share_of"]].itertuples(index=False):
        scopes = [parse_scope(scope)] + ([parse_share_of(share_of)[1]] if share_of else [])
        for one in scopes:
            for key, named in one.items():
                reads.add(key)
                if key not in values or values[key] is not None:
                    values[key] = (*(values.get(key) or ()), *named)
        for key in each:
            of = "unit" if key in kinds else key
            reads.add(of)
            values[of] = None
    for table in ("budget", "market"):
        named = tuple(u for u in model[table]["unit"] if u)
        if named:
            reads.add("unit")
            if values.get("unit", ()) is not None:
                values["unit"] = (*(values.get("unit") or ()), *named)
    if (model["commission"]["grade"] != "").any():
        reads.add("grade")
        values["grade"] = None
    asked = {*model["targets"]["metric"], *(parse_share_of(s)[0] for s in model["targets"]["share_of"] if s)}
    if (model["collection"]["tier"] != "").any() and "collections" in asked:
        reads.add("tier")
        values["tier"] = None
    if (model["market"]["industry"] != "").any() and "market_share" in asked:
        reads.add("industry")
        values["industry"] = None
    return frozenset(reads), values


def _names(groups: pd.DataFrame, people: People) -> pd.Series:
    code = people.code
    rep = np.where(groups["rep"] >= 0, code[groups["rep"]], "-").astype(str)
    name = pd.Series(rep, index=groups.index) + "/" + groups["tier"]
    for column, plain in (("status", "active"), *((a, "") for a in CLIENT_ATTRIBUTES)):
        name = name + np.where(groups[column] == plain, "", "/" + groups[column])
    owner, deputy = groups["rep"].to_numpy(), groups["deputy"].to_numpy()
    own = np.where(owner >= 0, people.backup[owner], -1)
    name = name + np.where(deputy == own, "", "+" + np.append(code, "")[deputy].astype(str))
    again = name.groupby(name).cumcount()
    return name + np.where(again > 0, "#" + again.astype(str), "")
