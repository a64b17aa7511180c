"""What an audit looks at: the input worked out, and the decisions that the files show, laid out over it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Bools, Floats, summed
from allocator.auditing.days import Days, lay_out_days
from allocator.auditing.demand import Demand, gather_demand
from allocator.auditing.files import Sheet, open_sheet
from allocator.auditing.groups import Groups, form_groups
from allocator.auditing.people import People, numbers, words, work_out_people
from allocator.auditing.pins import Pin, read_pins
from allocator.model import Model
from allocator.texts import N_

DEMANDED = N_("Only what a client demands is forecast")


@dataclass(frozen=True)
class Channels:
    """The funnels: one entry per channel.

    Attributes
    ----------
    names : Index
    conversion, hours : float array, shape (channels,)
        Clients won, and the rep's hours, for each one that enters.
    lag : int array, shape (channels,)
        Months from entering to being won.
    """

    names: pd.Index[Any]
    conversion: Floats
    hours: Floats
    lag: np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Figures:
    """Decisions, or what would be if all went as expected.

    Attributes
    ----------
    sell, contracts : float array, shape (pairs, months)
    visits, first : float array, shape (groups, months)
        Visits apart from first visits, and first visits.
    won : float array, shape (channels, groups, months)
    spend : float array, shape (lines, months)
    delivered : float array, shape (deliveries,)
        One entry per row of supply.csv.
    """

    sell: Floats
    contracts: Floats
    visits: Floats
    first: Floats
    won: Floats
    spend: Floats
    delivered: Floats


@dataclass(frozen=True)
class Case:
    """One run under audit.

    Attributes
    ----------
    products, lines : Index
    large : bool array, shape (products,)
    contract : float array, shape (products,)
        Money of one contract (its price where blank), NaN for neither.
    window : bool array, shape (lines, months)
        Months in which a line may be spent.
    sheets : mapping of str to Sheet
    curve, lift, lost : float array, shape (pairs, months)
        As forecast.csv shows them.
    shown : float array, shape (pairs, months)
        Contracts as forecast.csv shows them, NaN where blank.
    figures : Figures
    noted : tuple of str
        Values of the findings about rounding.
    """

    model: Model
    people: People
    days: Days
    groups: Groups
    demand: Demand
    channels: Channels
    products: pd.Index[Any]
    lines: pd.Index[Any]
    large: Bools
    contract: Floats
    window: Bools
    sheets: Mapping[str, Sheet]
    curve: Floats
    lift: Floats
    lost: Floats
    shown: Floats
    figures: Figures
    noted: tuple[str, ...]

    @functools.cached_property
    def pins(self) -> list[Pin]:
        """Pins of the model."""
        return read_pins(self.model, self.people, self.products)

    @property
    def over(self) -> Bools:
        """Months of which actuals tell what happened, shape (months,)."""
        return np.asarray(np.arange(len(self.people.months)) < self.model.past)

    @property
    def months(self) -> pd.Index[Any]:
        """Labels of the months."""
        return self.people.months

    @property
    def cells(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Labels of (pairs, months) arrays."""
        names = {"group": self.groups.codes[self.demand.group], "product": self.products[self.demand.product]}
        return names, {"month": self.months}

    @property
    def group_months(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Labels of (groups, months) arrays."""
        return {"group": self.groups.codes}, {"month": self.months}

    @property
    def rep_months(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Labels of (reps, months) arrays."""
        return {"rep": self.people.reps}, {"month": self.months}

    def winning_hours(self) -> Floats:
        """Hours that first visits and won clients take, shape (groups, months)."""
        hours = np.zeros(self.figures.first.shape)
        for k, name in enumerate(self.channels.names):
            if name == "visits":
                hours += self.channels.hours[k] * self.figures.first
            elif self.channels.conversion[k] > 0:
                hours += self.channels.hours[k] / self.channels.conversion[k] * self.figures.won[k]
        return hours

    def shared(self, work: Floats) -> Floats:
        """Give the groups' work to owners and backups, shape (groups, months) → (reps, months)."""
        groups = self.groups
        out = np.zeros((len(self.people.reps) + 1, len(self.months)))
        np.add.at(out, groups.owner, groups.owners_share * work)
        np.add.at(out, groups.deputy, (1 - groups.owners_share) * work)
        return out[:-1]

    def carried(self, values: Floats, of: np.ndarray[Any, Any] | None = None) -> Floats:
        """Sum by the month's carrier, shape (groups or pairs, months) → (reps, months)."""
        carrier = self.groups.carrier if of is None else self.groups.carrier[of]
        size, months = len(self.people.reps) + 1, len(self.months)
        flat = carrier * months + np.arange(months)
        flat = np.where(carrier < 0, (size - 1) * months + np.arange(months), flat)
        return summed(flat.ravel(), values.ravel(), size * months).reshape(size, months)[:-1]

    def carried_later(self, values: Floats, of: np.ndarray[Any, Any], lag: int) -> Floats:
        """Sum by the month's carrier and shift by some months."""
        return later(self.carried(values, of), lag)


def open_case(book: Book, model: Model, tables: Mapping[str, pd.DataFrame]) -> Case:
    """Read the files over the input, entering what cannot be read."""
    people, days = work_out_people(model), lay_out_days(model)
    index = {t: pd.Index(words(model[t][k])) for t, k in (("clients", "client"), ("products", "product"))}
    lines, channels = pd.Index(words(model["budget"]["line"])), work_out_channels(model)
    month = {"month": people.months}
    sheets = {"assignments": open_sheet(book, tables, "assignments", {"client": index["clients"]})}
    codes = pd.Index(np.unique(sheets["assignments"].text("group"))).astype(object)
    cell = {"group": codes, "product": index["products"], **month}
    known: dict[str, dict[str, pd.Index[Any]]] = {
        "effort": {"group": codes, **month},
        "forecast": cell,
        "lift": cell,
        "won": {"group": codes, "channel": channels.names, **month},
        "budget": {"line": lines, **month},
        "supply": {"product": index["products"], **month},
        "effects": {**month},
        "quotas": {"rep": people.reps, "product": index["products"], **month},
        "targets": {"target": pd.Index(words(model["targets"]["target"]))},
        "asked": {},
        "units": {"unit": pd.Index(words(model["units"]["unit"])), "product": index["products"], **month},
        "breakdown": {"rep": people.reps, "period": days.periods},
        "actions": {"rep": people.reps, "period": days.periods},
        "contracts": {"rep": people.reps, "period": days.periods, "product": index["products"]},
    }
    for name, indexes in known.items():
        sheets[name] = open_sheet(book, tables, name, indexes)
    groups = form_groups(book, model, people, sheets["assignments"], sheets["effort"], codes)
    demand = gather_demand(model, groups, index["products"])
    parts = (people, days, groups, demand, channels, index["products"], lines)
    return _lay_out(book, model, parts, sheets, _noted(model, tables))


def _noted(model: Model, tables: Mapping[str, pd.DataFrame]) -> tuple[str, ...]:
    """Values of the findings about rounding: those of the run, else those of the model."""
    if "findings" in tables and {"rule", "value"} <= set(tables["findings"]):
        of = tables["findings"]
        return tuple(words(of["value"])[words(of["rule"]) == "rounding"])
    return tuple(f.value for f in model.findings if f.rule == "rounding")


def _lay_out(
    book: Book,
    model: Model,
    parts: tuple[People, Days, Groups, Demand, Channels, pd.Index[Any], pd.Index[Any]],
    sheets: dict[str, Sheet],
    noted: tuple[str, ...],
) -> Case:
    people, _days, groups, demand, channels, products, lines = parts
    forecast, effort = sheets["forecast"], sheets["effort"]
    pair = demand.pairs.get_indexer(pd.Index(forecast.place["group"] * len(products) + forecast.place["product"]))
    axes = [
        {k: i[forecast.place[k]] for k, i in (("group", groups.codes), ("product", products), ("month", people.months))}
    ]
    book.holds(DEMANDED, axes, pair >= 0)

    def cells(column: str, blank: float = 0.0) -> Floats:
        out = np.full((len(demand.pairs) + 1, len(people.months)), blank)
        out[pair, forecast.place["month"]] = forecast.number(column)
        return out[:-1]

    def work(column: str) -> Floats:
        return effort.grid(column, ("group", "month"), (len(groups.codes), len(people.months)))

    table = model["products"]
    contract = numbers(table["contract_value"], np.nan)
    contract = np.where(contract > 0, contract, numbers(table["price"], np.nan))
    contract = np.where(contract > 0, contract, np.nan)
    large = table["large"].to_numpy(dtype=bool)
    shown, sell = cells("contracts", np.nan), cells("sell")
    each = contract[demand.product][:, None]
    counted = np.where(large[demand.product][:, None], np.nan_to_num(shown), np.nan_to_num(sell / each))
    figures = Figures(
        sell,
        counted,
        work("planned"),
        work("first_visits"),
        sheets["won"].grid(
            "won", ("channel", "group", "month"), (len(channels.names), len(groups.codes), len(people.months))
        ),
        sheets["budget"].grid("spend", ("line", "month"), (len(lines), len(people.months))),
        sheets["supply"].number("delivered"),
    )
    return Case(
        model,
        *parts,
        large,
        contract,
        _windows(model),
        sheets,
        cells("curve"),
        cells("lift"),
        cells("lost"),
        shown,
        figures,
        noted,
    )


def _windows(model: Model) -> Bools:
    """Months of every line's window, shape (lines, months)."""
    table, cal = model["budget"], model.calendar
    out = np.zeros((len(table), cal.count), bool)
    for i, (begin, end) in enumerate(zip(words(table["from"]), words(table["to"]), strict=True)):
        first = cal.window(begin)[0] if begin else 0
        last = cal.window(end)[-1] if end else cal.count - 1
        out[i, first : last + 1] = True
    return out


def work_out_channels(model: Model) -> Channels:
    """Conversion, hours and lag of every channel from its stages."""
    table = model["funnel"]
    of_row = words(table["channel"])
    names = pd.Index(np.unique(of_row)).astype(object)
    conversion, hours, lag = np.ones(len(names)), np.zeros(len(names)), np.zeros(len(names), np.int64)
    for k, name in enumerate(names):
        rows = table[of_row == name].sort_values("step", kind="stable")
        rate = numbers(rows["conversion"], 1.0)
        reached = np.append(1.0, np.cumprod(rate))
        conversion[k] = reached[-1]
        hours[k] = float(numbers(rows["minutes"], 0.0) @ reached[:-1]) / 60
        lag[k] = int(np.floor(float(numbers(rows["days"], 0.0).sum()) / 30 + 0.5))
    return Channels(names, conversion, hours, lag)


def later(values: Floats, lag: int) -> Floats:
    """Shift the last axis by some months; nothing came before the plan."""
    out = np.zeros_like(values)
    months = values.shape[-1]
    if lag < months:
        out[..., lag:] = values[..., : months - lag]
    return out
