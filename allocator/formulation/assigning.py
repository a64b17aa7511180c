"""Owners for clients who have none: a greedy pass by least load (longest job first; Graham 1969)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import positions
from allocator.formulation.stays import stays
from allocator.model import Model


def promised_hours(model: Model) -> NDArray[np.float64]:
    """Hours that each client is promised over the plan, shape (clients,)."""
    calendar, clients = model.calendar, model["clients"]
    tiers = model["tiers"].set_index("tier")
    share, kind = stays(model)
    one = np.ones(calendar.count)
    often = {"week": calendar.weeks.astype(float), "month": one, "quarter": one / 3, "year": one / 12}
    times = {per: (share @ each)[kind] for per, each in often.items()}
    per = tiers["per"].reindex(clients["tier"]).to_numpy(object)
    hours = (tiers["visits"] * tiers["minutes"] / 60).reindex(clients["tier"]).to_numpy(float)
    made = np.select([per == name for name in times], list(times.values()), default=0.0)
    each = hours * made * clients["count"].to_numpy(float)
    return np.where(clients["status"] == "active", each, 0.0)


def assign(
    model: Model, code: NDArray[np.object_], unit: NDArray[np.object_], hours: NDArray[np.float64]
) -> NDArray[np.object_]:
    """Owner of every client: the given one, else the rep with the least load among those who may take it.

    Who may: unit, families, most clients, hours in the plan at all, hours left (disregarded when nobody has any left). A
    specialty that names the client's industry or area goes first; ties go by code. A client is never split.

    Returns
    -------
    object array, shape (clients,)
        Codes of reps; blank where nobody may.
    """
    clients, reps = model["clients"], model["reps"]
    owner = clients["owner"].to_numpy(object).copy()
    open_ = np.flatnonzero(owner == "")
    if not open_.size:
        return owner
    need = promised_hours(model)
    have = np.maximum(hours.sum(axis=1), 0.0)
    owned = positions(code, owner)
    load = np.bincount(owned[owned >= 0], weights=need[owned >= 0], minlength=len(code))
    count = np.bincount(owned[owned >= 0], weights=clients["count"].to_numpy(float)[owned >= 0], minlength=len(code))
    most = reps["max_clients"].fillna(np.inf).to_numpy(float)
    below = {u: np.array([u in model.ancestors[v] for v in unit], bool) for u in set(clients["unit"]) if u}
    families = [frozenset(f) for f in reps["families"]]
    specialty = [frozenset(s) for s in reps["specialty"]]
    sells: dict[frozenset[str], NDArray[np.bool_]] = {}
    knows: dict[tuple[str, str], NDArray[np.bool_]] = {}
    bought = _families(model)
    order = np.lexsort((np.arange(len(open_)), -need[open_]))
    for i in open_[order]:
        row = clients.iloc[i]
        wants = bought.get(row["client"], frozenset())
        if wants not in sells:
            sells[wants] = np.array([not f or wants <= f for f in families], bool)
        may = sells[wants] & (count + row["count"] <= most) & (have > 0)
        if row["unit"]:
            may &= below[row["unit"]]
        if not may.any():
            continue
        fits = may & (load + need[i] <= have)
        may = fits if fits.any() else may
        where = (row["industry"], row["area"])
        if where not in knows:
            knows[where] = np.array([bool(set(where) & s) for s in specialty], bool)
        known = knows[where]
        may = may & known if (may & known).any() else may
        ratio = np.where(may, load / np.maximum(have, 1e-12), np.inf)
        best = int(ratio.argmin())
        owner[i] = code[best]
        load[best] += need[i]
        count[best] += row["count"]
    return owner


def _families(model: Model) -> dict[str, frozenset[str]]:
    """Families of the products in each client's demand."""
    family = model["products"].set_index("product")["family"]
    demand = model["demand"]
    named = family.reindex(demand["product"]).to_numpy(object)
    frame = pd.DataFrame({"client": demand["client"], "family": named})
    frame = frame[frame["family"] != ""].drop_duplicates()
    return {str(c): frozenset(g) for c, g in frame.groupby("client")["family"]}
