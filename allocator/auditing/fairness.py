"""Goals of the quotas: gaps to the targets, fairness, peaks (section 5 of the mathematics)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.auditing.book import Floats, summed
from allocator.auditing.case import Case
from allocator.auditing.cells import quota_cells, sum_cells
from allocator.auditing.people import below, numbers, words
from allocator.auditing.quotas import Quotas, asking
from allocator.auditing.targets import Target, repetition


def quota_goals(case: Case, quotas: Quotas) -> dict[str, float]:
    """Work out beyond, gaps by priority (hard is 0), total, unfairness and peaks of the base quotas."""
    gaps = _gaps(case, quotas)
    values = {"beyond": float(quotas.beyond.sum())}
    for priority in sorted(set(gaps["priority"])):
        part = gaps[gaps["priority"] == priority]
        values[f"gap {priority} largest"] = float(part["gap"].max())
        values[f"gap {priority} sum"] = float((part["weight"] * part["gap"]).sum())
    values["total"] = float(quotas.exact.sum())
    values["unfair"] = _unfair(case, quotas.exact)
    values["peak"] = _peaks(case, quotas.exact)
    return values


def _gaps(case: Case, quotas: Quotas) -> pd.DataFrame:
    """Relative gaps: priority (hard is 0), weight, gap."""
    sheet, rows = case.sheets["targets"], []
    listed = pd.Series(sheet.text("each")).groupby(sheet.text("target")).unique()
    targets = asking(case)
    for target in targets:
        names = [repetition(x) for x in listed.get(target.code, [])]
        asked = _sums(case, quotas.exact, target)
        base = [_base(case, x, target, names) for x in (quotas.exact, quotas.sold)]
        priority = 0 if target.priority == "hard" else int(target.priority)
        for bound, limit in target.bounds:
            side = 1.0 if bound == "at_least" else -1.0
            for name, planned, hoped in zip(names, *base, strict=True):
                miss = max(side * (limit * planned - asked.get(name, 0.0)), 0.0)
                rows.append((priority, target.weight, miss / (abs(limit * hoped) or 1.0)))
    if not any(bound == "at_least" for target in targets for bound, _limit in target.bounds):
        sold = float(quotas.sold.sum())
        rows.append((1, 1.0, max(sold - float(quotas.exact.sum()), 0.0) / (sold or 1.0)))
    return pd.DataFrame(rows, columns=["priority", "weight", "gap"])


def _sums(case: Case, amount: Floats, target: Target) -> dict[str, float]:
    parts = [quota_cells(case, amount)]
    return dict(sum_cells(case, parts, target.scope, target.window, target.each).amounts)


def _base(case: Case, amount: Floats, target: Target, names: list[str]) -> list[float]:
    """Find what every repetition's bound is a share of; 1 without share_of."""
    if not target.share_metric:
        return [1.0] * len(names)
    kinds = set(words(case.model["units"]["kind"]))
    carried = [k for k in target.each if k in {"rep", "unit", *kinds}]
    sums = sum_cells(case, [quota_cells(case, amount)], target.share_scope, target.window, carried).amounts
    return [sums.get("; ".join(p for p in x.split("; ") if p.partition("=")[0] in carried), 0.0) for x in names]


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
