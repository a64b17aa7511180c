"""What a plan comes to for each rep month by month, as actions.csv tells it (section 8 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.auditing.book import Floats, Ints
from allocator.auditing.case import Case
from allocator.auditing.days import Money
from allocator.auditing.money import collected, collected_history
from allocator.auditing.people import commission_rates, numbers, words

STATUSES = ("lost", "active", "prospect")
"""Past, present and future clients."""


@dataclass(frozen=True)
class Work:
    """Monthly amounts of the reps.

    Attributes
    ----------
    steps : mapping of str to (float array, float)
        Columns that add up, shape (statuses or 1, reps, months), and the step in which they are told.
    split : mapping of str to (float array, float)
        The same of what is told for past, present and future, shape (statuses, reps, months).
    large : int array, shape (large products, statuses, reps, months)
        Contracts of large products, which are not in the columns.
    value : float array, shape (large products,)
        Money of one.
    products : mapping of str to float array
        contracts and amount of the plan, large ones included, shape (statuses, reps, products).
    """

    steps: Mapping[str, tuple[Floats, float]]
    split: Mapping[str, tuple[Floats, float]]
    large: Ints
    value: Floats
    products: Mapping[str, Floats]


def work_of_reps(case: Case, money: Money) -> Work:
    """Work out the months of every rep."""
    status, of = case.groups.labels["status"], case.demand.group
    held = np.array([status == s for s in STATUSES], float)[:, :, None]
    pair_held = held[:, of]
    figures, large = case.figures, case.large[case.demand.product][:, None] & ~case.over
    sell, contracts = np.where(large, 0.0, figures.sell), np.where(large, 0.0, figures.contracts)
    rounding = case.model.settings.rounding
    visits = np.stack([case.shared(h * (figures.first + figures.visits)) for h in held])
    signed = np.stack([case.carried(h * contracts, of) for h in pair_held])
    amount = np.stack([case.carried(h * sell, of) for h in pair_held])
    cash = _cash(case, pair_held)
    revenue = case.carried(figures.sell, of) * commission_rates(case.model, case.people.grades, 1.0)[:, None]
    split = {
        "visits": (visits, 1.0),
        "contracts": (signed, 1.0),
        "contract_amount": (amount, rounding),
        "collections": (cash, rounding),
    }
    steps = {name: split[name] for name in ("contracts", "contract_amount", "collections")} | {
        "first_visits": (case.shared(figures.first)[None], 1.0),
        "return_visits": (case.shared(figures.visits)[None], 1.0),
        "new_clients": (case.carried(figures.won.sum(axis=0))[None], 1.0),
        "support_hours": (_support(case)[None], 0.1),
        "commission": (revenue[None], 1 / money.of_one),
    }
    several = np.flatnonzero(case.large)
    whole = [
        [
            case.carried(h * np.where((case.demand.product[:, None] == p) & large, figures.contracts, 0.0), of)
            for h in pair_held
        ]
        for p in several
    ]
    shape = (len(several), len(STATUSES), *case.people.hours.shape)
    counts = np.rint(np.array(whole, np.float64).reshape(shape)).astype(np.int64)
    products = {"contracts": _by_product(case, figures.contracts), "amount": _by_product(case, figures.sell)}
    return Work(steps, split, counts, np.nan_to_num(case.contract[several]), products)


def _by_product(case: Case, values: Floats) -> Floats:
    """Sum over the plan by status, carrier and product, shape (statuses, reps, products)."""
    of = case.demand
    status = pd.Index(STATUSES).get_indexer(pd.Index(case.groups.labels["status"]))[of.group][:, None]
    out = np.zeros((len(STATUSES), len(case.people.reps) + 1, len(case.products)))
    np.add.at(out, (status, case.groups.carrier[of.group], of.product[:, None]), values)
    return np.asarray(out[:, :-1])


def _cash(case: Case, pair_held: Floats) -> Floats:
    """Cash in the month it comes, for its carrier then, shape (statuses, reps, months)."""
    of, months = case.demand.group, len(case.months)
    out = np.zeros((len(STATUSES), *case.people.hours.shape))
    for lag, share in collected(case):
        comes = np.zeros_like(case.figures.sell)
        comes[:, lag:] = (share * case.figures.sell)[:, : max(months - lag, 0)]
        out += np.stack([case.carried(h * comes, of) for h in pair_held])
    old = collected_history(case)
    clients = pd.Index(words(case.model["clients"]["client"]))
    client = clients.get_indexer(pd.Index(old["client"]))
    group = np.append(case.groups.members, -1)[client]
    month = old["month"].to_numpy(np.int64)
    carrier = np.vstack([case.groups.carrier, np.full((1, months), -1)])[group, month]
    rep = case.people.reps.get_indexer(pd.Index(old["rep"]))
    who = np.where(rep >= 0, rep, carrier)
    state = pd.Index(STATUSES).get_indexer(
        pd.Index(np.append(words(case.model["clients"]["status"]), "active")[client])
    )
    np.add.at(out, (state[who >= 0], who[who >= 0], month[who >= 0]), old["amount"].to_numpy(np.float64)[who >= 0])
    return out


def _support(case: Case) -> Floats:
    """Hours of shared pools that contracts and executive visits take, shape (reps, months)."""
    needs, of = case.model["needs"], case.demand
    hours = numbers(needs["hours"], 0.0)
    product = pd.Series(hours).groupby(words(needs["product"])).sum().reindex(case.products).fillna(0.0).to_numpy()
    tier = pd.Series(hours).groupby(words(needs["tier"])).sum()
    shape = (len(case.groups.codes), len(case.months))
    executive = case.sheets["effort"].grid("executive", ("group", "month"), shape)
    visit = tier.reindex(case.groups.labels["tier"]).fillna(0.0).to_numpy()
    if not len(needs):
        return np.zeros(case.people.hours.shape)
    contracts = case.carried(product[of.product][:, None] * case.figures.contracts, of.group)
    return np.asarray(contracts + case.shared(visit[:, None] * executive))
