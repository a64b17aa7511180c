"""Who takes over the clients of a rep who leaves."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocator.scenarios.admitting import Refused
from allocator.scenarios.scenario import Texts
from allocator.schema.findings import did_you_mean
from allocator.texts import _

OFTEN = {"week": 52.0, "month": 12.0, "quarter": 4.0, "year": 1.0}


def successors(frames: Mapping[str, pd.DataFrame], rep: str, day: pd.Timestamp, to: Texts = ()) -> dict[str, str]:
    """Who takes each client of a rep: only his clients move, the largest first, each to the rep with the least load.

    Candidates are the reps of his unit who stay (of the whole company, if there are none), or those named. Of them those may take a
    client whose product families and number of clients allow it, and those whose specialty names the client's industry or area come
    first. Load is promised hours against selling hours a day.

    Raises
    ------
    Refused
        If nobody is left, or one who is named does not exist or leaves as well.
    """
    clients, reps = frames["clients"], frames["reps"]
    there = _candidates(reps, rep, day, to)
    hours = _promised(frames)
    owned = clients["owner"].where(clients["status"] == "active", "")
    capacity = np.maximum((there["hours_per_day"] * there["selling_share"]).to_numpy(float), 1e-9)
    load = np.array([hours[owned == r].sum() for r in there["rep"]]) / capacity
    count = np.array([clients.loc[clients["owner"] == r, "count"].sum() for r in there["rep"]], float)
    most = there["max_clients"].fillna(np.inf).to_numpy(float)
    families = frames["products"].set_index("product")["family"]
    wants = frames["demand"]["product"].map(families).groupby(frames["demand"]["client"]).agg(set)
    mine = clients[clients["owner"] == rep].assign(hours=hours)
    found: dict[str, str] = {}
    names = ["client", "industry", "area", "count", "hours"]
    for client, industry, area, members, need in mine.sort_values(["hours", "client"], ascending=[False, True])[
        names
    ].to_numpy():
        covers = np.array([not f or wants.get(client, set()) <= set(f) for f in there["families"]], bool)
        knows = np.array([bool({industry, area} & set(s) - {""}) for s in there["specialty"]], bool)
        may = covers & (count + members <= most)
        best = _least(load, (may & knows, may, covers, np.ones(len(there), bool)))
        load[best] += need / capacity[best]
        count[best] += members
        found[str(client)] = str(there["rep"].iloc[best])
    return found


def _candidates(reps: pd.DataFrame, rep: str, day: pd.Timestamp, to: Texts) -> pd.DataFrame:
    stays = (reps["rep"] != rep) & (reps["end"].isna() | (reps["end"] >= day)) & ~(reps["start"] > day)
    if to:
        for name in to:
            if not (stays & (reps["rep"] == name)).any():
                says = _("{name} is not there to take over on that day.").format(name=name)
                raise Refused("argument", says + did_you_mean(name, reps.loc[stays, "rep"]), "hand_over", name)
        return reps[reps["rep"].isin(list(to))]
    unit = reps.loc[reps["rep"] == rep, "unit"]
    near = reps[stays & reps["unit"].isin(unit)]
    if near.empty:
        near = reps[stays]
    if near.empty:
        raise Refused(
            "argument", _("Nobody is left to take over the clients of {rep}.").format(rep=rep), "hand_over", ""
        )
    return near


def _promised(frames: Mapping[str, pd.DataFrame]) -> pd.Series:
    """Hours a year that each client is promised."""
    clients, tiers = frames["clients"], frames["tiers"].set_index("tier")
    each = tiers["visits"] * tiers["per"].map(OFTEN) * tiers["minutes"] / 60
    hours = clients["tier"].map(each).fillna(0.0) * clients["count"]
    return hours.where(clients["status"] == "active", 0.0)


def _least(load: np.ndarray, choices: tuple[np.ndarray, ...]) -> int:
    """Position of the least load among the first choice that has anybody."""
    some = next(np.flatnonzero(c) for c in choices if c.any())
    return int(some[np.argmin(load[some])])
