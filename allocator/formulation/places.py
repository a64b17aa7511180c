"""Where sales happen: groups, and cuts (groups that no rule tells apart but by their rep)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.grain import CLIENT_ATTRIBUTES, Grain

Objects = NDArray[np.object_]

NOBODY = "\0"
"""Grade of sales that nobody carries: they earn no commission."""
Ints = NDArray[Any]


@dataclass(frozen=True)
class Places:
    """Labels of the groups, then of the cuts.

    Attributes
    ----------
    by_month : dict of str to object array, shape (places, months)
        rep, unit and grade of the carrier; blank where nobody carries, or no rule reads it.
    fixed : dict of str to object array, shape (places,)
        tier, status, client, industry, area.
    cut : int array, shape (groups,)
        Position of each group's cut among the places.
    home : object array, shape (places,)
        Unit of the owner.
    """

    by_month: dict[str, Objects]
    fixed: dict[str, Objects]
    cut: Ints
    home: Objects


def make_places(grain: Grain) -> Places:
    """Label the groups and find their cuts."""
    people, groups, carrier = grain.people, grain.groups, grain.carrier
    reads = grain.reads
    by_month = {
        name: np.where(carrier >= 0, values[carrier], "").astype(object)
        for name, values in (("rep", people.code), ("unit", people.unit), ("grade", people.grade))
    }
    by_month["grade"][carrier < 0] = NOBODY
    fixed = {name: groups[name].to_numpy(object) for name in ("tier", "status", *CLIENT_ATTRIBUTES)}
    owner = groups["rep"].to_numpy()
    home = np.where(owner >= 0, people.unit[owner], "").astype(object)
    key = pd.DataFrame({"home": _coarse(grain, "unit", home) if "unit" in reads else "", "status": fixed["status"]})
    key["closed"] = _closed(grain)
    if len(grain.model["commission"]):
        key["carried"] = pd.Series([tuple(row) for row in carrier >= 0], dtype=object).factorize()[0]
    for name, values in by_month.items():
        if name in reads:
            coarse = np.stack([_coarse(grain, name, column) for column in values.T], axis=1)
            key[name] = pd.Series([tuple(row) for row in coarse], dtype=object).factorize()[0]
    for name in ("tier", *CLIENT_ATTRIBUTES):
        if name in reads:
            key[name] = _coarse(grain, name, fixed[name])
    number = key.groupby(list(key.columns), sort=True).ngroup().to_numpy()
    first = pd.Series(np.arange(len(groups))).groupby(number).first().to_numpy()
    known = {*reads, "status"}
    unread = {name: np.full_like(values[first], "") for name, values in by_month.items()}
    unread["grade"][carrier[first] < 0] = NOBODY
    return Places(
        by_month={
            name: np.concatenate([values, values[first] if name in known else unread[name]])
            for name, values in by_month.items()
        },
        fixed={
            name: np.concatenate([values, values[first] if name in known else np.full_like(values[first], "")])
            for name, values in fixed.items()
        },
        cut=number + len(groups),
        home=np.concatenate([home, home[first] if "unit" in reads else np.full(len(first), "", object)]),
    )


def _closed(grain: Grain) -> Ints:
    """Number of what is closed to each group: products in months in which they sell, but not to clients who have gone, or by a shift."""
    months = grain.season.shape[1]
    group, product = grain.pairs["group"].to_numpy(int), grain.pairs["product"].to_numpy(int)
    pair, month = np.nonzero((grain.season[product] > 0) & (grain.flow <= 0))
    if not len(pair):
        return np.zeros(len(grain.groups), int)
    closed = np.unique(np.stack([group[pair], product[pair] * months + month], axis=1), axis=0)
    ends = np.searchsorted(closed[:, 0], np.arange(len(grain.groups) + 1))
    kinds = [tuple(closed[a:b, 1]) for a, b in pairwise(ends)]
    return np.asarray(pd.Series(kinds, dtype=object).factorize()[0])


def cuts_of_reps(grain: Grain) -> Ints:
    """Cut of each rep: reps of one unit and of grades that no rule tells apart, shape (reps,)."""
    people = grain.people
    key = pd.DataFrame(
        {"unit": people.unit, "grade": _coarse(grain, "grade", people.grade) if "grade" in grain.reads else ""}
    )
    return key.groupby(["unit", "grade"], sort=True).ngroup().to_numpy()


def _coarse(grain: Grain, name: str, values: Objects) -> Objects:
    """Values as far as some rule tells them apart: those that none names are one; of a unit, the named ones above it."""
    named = grain.named.get(name)
    if named is None:
        return values
    if name != "unit":
        return np.where(np.isin(values, named), values, "").astype(object)
    chains = grain.model.ancestors
    map_ = {u: "/".join(a for a in chain if a in set(named)) for u, chain in chains.items()}
    return pd.Series(values, dtype=object).map(lambda u: map_.get(u, "")).to_numpy(object)
