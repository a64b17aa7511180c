"""Goals of the quotas: gaps to the targets, fairness, peaks (section 5 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocator.auditing.asked import Cuts, level_needs, relative_gaps
from allocator.auditing.book import Floats, summed
from allocator.auditing.case import Case
from allocator.auditing.commitments import missed, preferred
from allocator.auditing.layout import Quotas
from allocator.auditing.people import below, numbers, words


def quota_goals(case: Case, levels: Mapping[str, Quotas]) -> dict[str, float]:
    """Work out beyond, gaps by priority (hard is 0), total, unfairness and peaks of the quotas of every level."""
    values, cuts = {}, Cuts(case)
    for level, quotas in levels.items():
        rows = level_needs(cuts, level, levels)
        gap, priority = relative_gaps(rows), rows["priority"].replace("hard", "0")
        values[f"{level} beyond"] = float(quotas.beyond.sum())
        for one in sorted(set(priority), key=int):
            mine = (priority == one).to_numpy()
            values[f"{level} gap {one} largest"] = float(gap[mine].max())
            values[f"{level} gap {one} sum"] = float(rows["weight"].to_numpy(np.float64)[mine] @ gap[mine])
        if offered := preferred(case, level):
            values[f"{level} commitments"] = missed(offered, quotas.exact)
        values[f"{level} total"] = float(quotas.exact.sum())
        values[f"{level} unfair"] = _unfair(case, quotas.exact)
        values[f"{level} peak"] = _peaks(case, quotas.exact)
    return values


def _unfair(case: Case, exact: Floats) -> float:
    """Sum up how far reps of one unit, and units of one parent, lie beyond the band around their fair share."""
    quota, weight, units = exact.sum(axis=(1, 2)), weights(case), case.people.units
    table = case.model["units"]
    names, parents = words(table["unit"]), words(table["parent"])
    inside = [below(case.model, units, [u]) for u in names]
    total = np.array([quota[m].sum() for m in inside], np.float64)
    heavy = np.array([weight[m].sum() for m in inside], np.float64)
    band, out = case.model.settings.fairness.band, 0.0
    for mine, share, above in ((quota, weight, units), (total, heavy, parents)):
        for u in sorted(set(above) - {""}):
            of = above == u
            if share[of].sum() > 0:
                fair = share[of] / share[of].sum() * mine[of].sum()
                out += float(np.maximum(np.abs(mine[of] - fair) - band * fair, 0.0).sum())
    return out


def weights(case: Case) -> Floats:
    """Work out the weight of every rep in the fair split, shape (reps,)."""
    fairness, months = case.model.settings.fairness, len(case.months)
    ceiling = summed(case.demand.group, case.demand.ceiling, len(case.groups.codes))
    potential = case.carried(np.repeat(ceiling[:, None], months, axis=1)).sum(axis=1) / months
    past = _history(case) * case.people.in_post.mean(axis=1)
    if fairness.by == "blend":
        shares = [x / x.sum() if x.sum() > 0 else x for x in (potential, past)]
        weight = fairness.blend * shares[0] + (1 - fairness.blend) * shares[1]
    else:
        weight = potential if fairness.by == "potential" else past
    return np.asarray(weight * np.array([fairness.grades.get(g, 1.0) for g in case.people.grades]))


def _history(case: Case) -> Floats:
    """Revenue before the plan by rep, else by the client's owner, shape (reps,)."""
    table, clients = case.model["history"], case.model["clients"]
    table = table[words(table["metric"]) == "revenue"]
    owner = dict(zip(words(clients["client"]), case.groups.members, strict=True))
    owners = np.append(case.groups.owner, -1)
    rep = case.people.reps.get_indexer(pd.Index(words(table["rep"])))
    of_client = np.array([owners[owner.get(c, -1)] for c in words(table["client"])], np.int64)
    who = np.where(rep >= 0, rep, of_client)
    return summed(who[who >= 0], numbers(table["amount"], 0.0)[who >= 0], len(case.people.reps))


def _peaks(case: Case, exact: Floats) -> float:
    """Sum up what months ask for beyond their share of the rep's year; large products come when they come."""
    exact = exact[:, ~case.large]
    season = case.demand.season[None, ~case.large, :] * case.people.in_post[:, None, :]
    year = season.sum(axis=2, keepdims=True)
    share = np.divide(season, year, out=np.zeros_like(season), where=year > 0)
    fair = (share * exact.sum(axis=2, keepdims=True)).sum(axis=1)
    return float(np.maximum(exact.sum(axis=1) - case.model.settings.peak * fair, 0.0).sum())
