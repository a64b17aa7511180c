"""Groups and their promises (sections 1 and 2 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Bools, Floats, Ints, summed
from allocator.auditing.files import Sheet
from allocator.auditing.people import People, below, days_of, numbers, words
from allocator.auditing.stays import Ways, work_out_ways
from allocator.model import Model
from allocator.scopes import parse_scope, parse_share_of, split_codes
from allocator.texts import N_

MEMBERS = N_("Every client belongs to one group")
ALIKE = N_("Clients of a group cannot be told apart")
OWNED = N_("A client stays with its owner")
SUITS = N_("An assigned client suits its rep")
DATES = N_("A client has one rep a day")
BACKUPS = N_("A client whose owner leaves goes to the backup")
EFFORT_ROWS = N_("Every group has a row for every month")
OWNER_ROWS = N_("A group's effort stands under its owner and tier")
ATTRIBUTES = ("client", "industry", "area")


@dataclass(frozen=True)
class Groups:
    """Groups as the run formed them, with everything the input says about their first member.

    Attributes
    ----------
    codes : Index
    owner, deputy : int array, shape (groups,)
        Positions of the owner and of who stands in for him; −1 for none.
    labels : mapping of str to object array
        tier, status, client, industry, area.
    active : bool array, shape (groups,)
    count : float array, shape (groups,)
    carrier : int array, shape (groups, months)
        Rep for whom the month counts, −1 for nobody.
    owners_share : float array, shape (groups, months)
        Share of the owner in the month's work; the rest is the backup's.
    ramp : float array, shape (groups, months)
    window : int array, shape (groups, months)
        Window of the promise that holds the month.
    promise : float array, shape (groups, months)
        Promise of every window; columns beyond the last window are 0.
    stay : float array, shape (groups, months)
        Share of the month's working days on which the members are clients.
    kind : int array, shape (groups,)
    factors : float array, shape (kinds, products, months)
        What shifts make of the demand of groups of a kind.
    members : int array, shape (clients,)
        Group of each client of the input, −1 for none.
    """

    codes: pd.Index[Any]
    owner: Ints
    deputy: Ints
    labels: dict[str, np.ndarray[Any, np.dtype[np.object_]]]
    active: Bools
    count: Floats
    carrier: Ints
    owners_share: Floats
    ramp: Floats
    window: Ints
    promise: Floats
    stay: Floats
    kind: Ints
    factors: Floats
    members: Ints

    def by_window(self, monthly: Floats) -> Floats:
        """Sum a (groups, months) array over the windows."""
        out = np.zeros_like(self.promise)
        np.add.at(out, (np.arange(len(self.codes))[:, None], self.window), monthly)
        return out

    def tier_values(self, model: Model, column: str) -> Floats:
        """Look up a number of the group's tier; 0 for a tier without a row."""
        tiers = model["tiers"]
        at = pd.Index(words(tiers["tier"])).get_indexer(pd.Index(self.labels["tier"]))
        values = np.append(numbers(tiers[column], 0.0), 0.0)
        return np.asarray(values[at])


def form_groups(
    book: Book, model: Model, people: People, assigned: Sheet, effort: Sheet, codes: pd.Index[Any]
) -> Groups:
    """Find the members of every group, and enter what does not fit together."""
    clients = model["clients"]
    members = _members(book, clients, assigned, codes)
    first = np.full(len(codes), -1, np.int64)
    mine = np.nonzero(members >= 0)[0]
    first[members[mine][::-1]] = mine[::-1]
    _check_alike(book, model, members, first)
    labels = {c: np.append(words(clients[c]), "")[first] for c in ("tier", "status", *ATTRIBUTES)}
    owner = _owners(book, people, effort, codes, labels["tier"])
    has = np.append(owner, -1)[members]
    ways = work_out_ways(model, people, has)
    _check_ways(book, model, ways, members, first)
    _check_assignments(book, model, people, assigned, members, has, ways.deputy)
    deputy, stay = np.append(ways.deputy, -1)[first], np.vstack([ways.stay, np.ones(len(people.months))])[first]
    groups, months = len(codes), len(people.months)
    post = np.vstack([people.in_post, np.zeros(months, bool)])
    carrier = np.where(post[owner], owner[:, None], np.where(post[deputy], deputy[:, None], -1))
    share = np.vstack([people.share, np.ones(months)])
    ramp = np.vstack([people.ramp, np.ones(months)])
    count = summed(members[mine], numbers(clients["count"], 1.0)[mine], groups)
    window, promise = _promises(model, labels["tier"])
    active = labels["status"] == "active"
    promise = promise * (count * active)[:, None] * _mean_by_window(window, stay)
    return Groups(
        codes,
        owner,
        deputy,
        labels,
        active,
        count,
        carrier,
        np.where(post[deputy], share[owner], 1.0),
        ramp[carrier, np.arange(months)],
        window,
        promise,
        stay,
        np.append(ways.kind, 0)[first],
        ways.factors,
        members,
    )


def _mean_by_window(window: Ints, stay: Floats) -> Floats:
    """Mean of the stay over the months of every window, shape (groups, windows); 0 beyond the last one."""
    rows = np.arange(len(window))[:, None]
    total, length = np.zeros((2, *stay.shape))
    np.add.at(total, (rows, window), stay)
    np.add.at(length, (rows, window), 1.0)
    return np.asarray(total / np.maximum(length, 1.0))


def _check_ways(book: Book, model: Model, ways: Ways, members: Ints, first: Ints) -> None:
    """Check that members have the same backup, stay and factors."""
    like, mine = np.append(first, -1)[members], members >= 0
    codes = words(model["clients"]["client"])
    factors = ways.factors.reshape(len(ways.factors), -1)
    number = np.unique(factors, axis=0, return_inverse=True)[1].ravel()[ways.kind]
    alike = {
        "backup": ways.deputy == ways.deputy[like],
        "since, lost_on": (ways.stay == ways.stay[like]).all(axis=1),
        "shifts": number == number[like],
    }
    for name, same in alike.items():
        book.holds(ALIKE, [{"client": codes, "column": name}], same | ~mine)


def _members(book: Book, clients: pd.DataFrame, assigned: Sheet, codes: pd.Index[Any]) -> Ints:
    """Group of every client, −1 for none."""
    group = codes.get_indexer(pd.Index(assigned.text("group"))).astype(np.int64)
    low = np.full(len(clients), len(codes), np.int64)
    high = np.full(len(clients), -1, np.int64)
    np.minimum.at(low, assigned.place["client"], group)
    np.maximum.at(high, assigned.place["client"], group)
    book.holds(MEMBERS, [{"client": words(clients["client"])}], low == high)
    return high


def _check_alike(book: Book, model: Model, members: Ints, first: Ints) -> None:
    """Check that members share tier and status, and that no target tells them apart; owners come later."""
    clients = model["clients"]
    mine = members >= 0
    same = np.append(first, -1)[members]
    for c, asked in [("tier", None), ("status", None), *_read(model)]:
        shown = words(clients[c])
        equal = shown == shown[same]
        if asked is not None:
            held = np.isin(shown.astype(str), asked)
            equal = held == held[same]
        axes = [{"client": words(clients["client"]), "column": c}]
        book.holds(ALIKE, axes, equal | ~mine, shown, shown[same])


def _read(model: Model) -> list[tuple[str, tuple[str, ...] | None]]:
    """Attributes of clients that targets read, each with the values that a scope asks for; None for all of them."""
    read: list[tuple[str, tuple[str, ...] | None]] = []
    table = model["targets"]
    for scope, each, share in zip(words(table["scope"]), table["each"], words(table["share_of"]), strict=True):
        asked = [*parse_scope(scope).items(), *(parse_share_of(share)[1].items() if share else ())]
        read += [(k, v) for k, v in asked if k in ATTRIBUTES]
        read += [(k, None) for k in keys_of(each) if k in ATTRIBUTES]
    return read


def keys_of(each: Any) -> tuple[str, ...]:
    """Keys of an ``each`` cell."""
    return split_codes(each) if isinstance(each, str) else tuple(each)


def _owners(book: Book, people: People, effort: Sheet, codes: pd.Index[Any], tier: Any) -> Ints:
    """Owner of every group, as effort.csv shows it in all its months."""
    shape = (len(codes), len(people.months))
    there = np.zeros(shape, bool)
    there[effort.place["group"], effort.place["month"]] = True
    book.holds(EFFORT_ROWS, [{"group": codes}, {"month": people.months}], there)
    names = effort.text("rep")
    rows = np.full(len(codes), -1, np.int64)
    rows[effort.place["group"][::-1]] = np.arange(len(names))[::-1]
    shown = np.append(names, "")[rows]
    axes = [{"group": codes[effort.place["group"]], "month": people.months[effort.place["month"]]}]
    one = shown[effort.place["group"]]
    book.holds(
        OWNER_ROWS, axes, (names == one) & ((names == "") | (people.reps.get_indexer(pd.Index(names)) >= 0)), names, one
    )
    due = tier[effort.place["group"]]
    book.holds(OWNER_ROWS, axes, effort.text("tier") == due, effort.text("tier"), due)
    return people.reps.get_indexer(pd.Index(shown)).astype(np.int64)


def _check_assignments(
    book: Book, model: Model, people: People, assigned: Sheet, members: Ints, has: Ints, deputy: Ints
) -> None:
    """Owners stay, new ones suit, backups take over."""
    clients = model["clients"]
    codes, fixed = words(clients["client"]), words(clients["owner"])
    held = np.append(people.reps.to_numpy(dtype=object), "")[has]
    mine = members >= 0
    book.holds(OWNED, [{"client": codes}], (fixed == held) | (fixed == "") | ~mine, held, fixed)
    who, rep = assigned.place["client"], assigned.text("rep")
    direct = rep == held[who]
    seen = np.zeros(len(codes), bool)
    seen[who[direct]] = True
    book.holds(OWNED, [{"client": codes}], seen | ~mine)
    backups = np.append(people.reps.to_numpy(dtype=object), "")[deputy]
    axes = [{"client": codes[who], "rep": rep}]
    book.holds(BACKUPS, axes, direct | (rep == backups[who]), rep, backups[who])
    shown = assigned.text("backup")
    book.holds(BACKUPS, axes, (shown == backups[who]) | ~direct, shown, backups[who])
    end = np.append(days_of(model["reps"]["end"]), np.datetime64("NaT"))[has]
    leaves = (end < np.datetime64(model.calendar.days[-1], "D")) & (backups != "") & mine
    second = np.zeros(len(codes), bool)
    second[who[~direct]] = True
    book.holds(BACKUPS, [{"client": codes}], second | ~leaves)
    _check_dates(book, codes[who], assigned)
    _check_suits(book, model, people, has, np.nonzero(mine & (fixed == ""))[0])


def _check_dates(book: Book, clients: Any, assigned: Sheet) -> None:
    """Check that dates are dates, and that a client's rows follow each other."""
    texts = [pd.Series(assigned.text(c), dtype=object) for c in ("from", "to")]
    dates = [pd.to_datetime(x, format="%Y-%m-%d", errors="coerce") for x in texts]
    for column, date in zip(("from", "to"), dates, strict=True):
        text = assigned.text(column)
        book.holds(DATES, [{"client": clients, "column": column}], date.notna().to_numpy() | (text == ""), text)
    first, last = (d.to_numpy().astype("datetime64[D]").astype(np.int64) for d in dates)  # blanks come out as the least
    last = np.where(dates[1].isna(), np.iinfo(np.int64).max, last)
    order = np.lexsort((first, pd.factorize(clients)[0]))
    same = clients[order][1:] == clients[order][:-1]
    book.holds(DATES, [{"client": clients[order][1:]}], ~same | (first[order][1:] > last[order][:-1]))


def _check_suits(book: Book, model: Model, people: People, has: Ints, new: Ints) -> None:
    """Check unit, families and room of the rep; a client stays without a rep only if nobody may take it."""
    clients, reps = model["clients"], model["reps"]
    codes, unit = words(clients["client"]), words(clients["unit"])
    demand, products = model["demand"], pd.Index(words(model["products"]["product"]))
    asked = np.isin(words(demand["client"]), codes[new])
    family = words(model["products"]["family"])[products.get_indexer(pd.Index(words(demand["product"])[asked]))]
    wants: dict[str, set[str]] = {}
    for c, f in zip(words(demand["client"])[asked], family, strict=True):
        wants.setdefault(c, set()).update({f} - {""})
    sold = [set(keys_of(x)) for x in reps["families"]]
    room = numbers(reps["max_clients"], np.inf)
    taken = np.bincount(has[new][has[new] >= 0], minlength=len(reps))
    book.at_most(SUITS, [{"rep": people.reps}], taken, room)
    able = people.hours.sum(axis=1) > 0
    may: dict[tuple[str, frozenset[str]], Bools] = {}
    ok = np.ones(len(new), bool)
    for k, i in enumerate(new):
        kind = (unit[i], frozenset(wants.get(codes[i], ())))
        if kind not in may:
            near = below(model, people.units, [unit[i]]) if unit[i] else np.ones(len(reps), bool)
            may[kind] = near & np.array([not s or kind[1] <= s for s in sold], bool)
        ok[k] = may[kind][has[i]] if has[i] >= 0 else not (may[kind] & np.isinf(room) & able).any()
    book.holds(SUITS, [{"client": codes[new]}], ok)


def _promises(model: Model, tier: Any) -> tuple[Ints, Floats]:
    """Window of every month, and the promise of one client in every window, shape (groups, months)."""
    cal = model.calendar
    months = cal.count
    quarter = pd.factorize(np.asarray(cal.quarters, dtype=object))[0]
    in_quarter = np.bincount(quarter, minlength=months) / 3
    year = np.zeros(months)
    year[0] = months / 12
    windows = {"week": np.arange(months), "month": np.arange(months), "quarter": quarter, "year": np.zeros(months, int)}
    sizes = {"week": np.asarray(cal.weeks, float), "month": np.ones(months), "quarter": in_quarter, "year": year}
    tiers = model["tiers"]
    per = words(tiers["per"])
    window = np.array([windows[p] for p in per] + [np.arange(months)], np.int64)
    promise = np.array(
        [v * sizes[p] for v, p in zip(numbers(tiers["visits"], 0.0), per, strict=True)] + [np.zeros(months)]
    )
    at = pd.Index(words(tiers["tier"])).get_indexer(pd.Index(tier))
    return window[at], promise[at]
