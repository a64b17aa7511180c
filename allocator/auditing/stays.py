"""What the input says of every client once its owner is known: backup, stay, shifts (sections 1 and 2 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools, Floats, Ints
from allocator.auditing.people import People, below, days_of, numbers, words
from allocator.model import Model
from allocator.scopes import Scope, parse_scope


@dataclass(frozen=True)
class Ways:
    """How every client is served, and how it buys over the months.

    Attributes
    ----------
    deputy : int array, shape (clients,)
        Position of the backup, −1 for none.
    stay : float array, shape (clients, months)
        Share of the month's working days on which it is a client.
    kind : int array, shape (clients,)
        Clients of one kind have the same factors.
    factors : float array, shape (kinds, products, months)
    """

    deputy: Ints
    stay: Floats
    kind: Ints
    factors: Floats


def work_out_ways(model: Model, people: People, owner: Ints) -> Ways:
    """Work out backup, stay and factors of every client, given the position of its owner (−1 for nobody)."""
    own = people.reps.get_indexer(pd.Index(words(model["clients"]["backup"])))
    deputy = np.where(own >= 0, own, np.append(people.backup, -1)[owner])
    kind, factors = _factors(model, people, owner)
    return Ways(np.where(owner >= 0, deputy, -1).astype(np.int64), _stays(model), kind, factors)


def _stays(model: Model) -> Floats:
    """Share of the working days from ``since`` to the day before ``lost_on``; 1 for who is not active."""
    clients, cal = model["clients"], model.calendar
    days = np.asarray(cal.days.to_numpy().astype("datetime64[D]"))
    since, lost = days_of(clients["since"]), days_of(clients["lost_on"])
    first = np.where(np.isnat(since), 0, np.searchsorted(days, since))[:, None]
    after = np.where(np.isnat(lost), len(days), np.searchsorted(days, lost))[:, None]
    worked = np.append(0, np.cumsum(cal.working))
    months = np.arange(cal.count)
    begin, end = np.searchsorted(cal.day_month, months), np.searchsorted(cal.day_month, months, side="right")
    there = worked[np.clip(after, begin, end)] - worked[np.clip(first, begin, end)]
    whole = worked[end] - worked[begin]
    active = (words(clients["status"]) == "active")[:, None] & (whole > 0)
    return np.where(active, np.maximum(there, 0) / np.maximum(whole, 1), 1.0)


def _factors(model: Model, people: People, owner: Ints) -> tuple[Ints, Floats]:
    """Kind of every client, and the products of the factors of the shifts that hold its kind."""
    table, cal = model["shifts"], model.calendar
    scopes = [parse_scope(x) for x in words(table["scope"])]
    held = np.array([_clients_held(model, people, owner, s) for s in scopes], bool).reshape(len(table), len(owner))
    kinds, kind = np.unique(held.T, axis=0, return_inverse=True)
    factors = np.ones((len(kinds), len(model["products"]), cal.count))
    first, last = words(table["from"]), words(table["to"])
    for k, factor in enumerate(numbers(table["factor"], 1.0)):
        months = np.array([(m >= first[k]) & (m <= (last[k] or m)) for m in cal.months], bool)
        here = kinds[:, k, None, None] & _products_held(model, scopes[k])[:, None] & months
        factors = np.where(here, factors * factor, factors)
    return kind.ravel().astype(np.int64), factors


def _clients_held(model: Model, people: People, owner: Ints, scope: Scope) -> Bools:
    """Clients that a scope holds; rep, grade and unit are those of the owner, without one the client's own unit."""
    clients = model["clients"]
    home = np.where(owner >= 0, np.append(people.units, "")[owner], words(clients["unit"]))
    of_owner: dict[str, Any] = {"rep": people.reps.to_numpy(object), "grade": people.grades}
    held = np.ones(len(clients), bool)
    for key, values in scope.items():
        if key == "unit":
            held &= below(model, home, values)
        elif key in of_owner:
            held &= np.isin(np.append(of_owner[key], "")[owner].astype(str), values)
        elif key in clients:
            held &= np.isin(words(clients[key]).astype(str), values)
    return held


def _products_held(model: Model, scope: Scope) -> Bools:
    """Products that a scope holds."""
    held = np.ones(len(model["products"]), bool)
    for key in ("product", "family", "class"):
        if key in scope:
            held &= np.isin(words(model["products"][key]).astype(str), scope[key])
    return held
