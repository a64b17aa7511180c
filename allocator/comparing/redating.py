"""Visits of two plans, by rep: promised, dated, and those that had to move."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from allocator.comparing.differences import COLUMNS, differ
from allocator.model import Model
from allocator.periods import Calendar
from allocator.plan import Plan


def visits(base: Plan, plan: Plan) -> pd.DataFrame:
    """Reps whose visits changed.

    A visit has moved where its client is not seen on its day in the base plan, of those that both plans have in the window; it counts
    for the rep who makes it now. ``other_rep`` counts visits of clients whom the rep does not see in that window of the base plan, while
    others do.
    """
    table = pd.DataFrame(index=pd.Index(_reps(base.model, plan.model), name="rep"))
    for prefix, p in (("base_", base), ("", plan)):
        table[f"{prefix}promised"] = p["effort"].groupby("rep", observed=True)["promised"].sum()
        dated = "visits" in p.tables
        table[f"{prefix}dated"] = p["visits"]["rep"].value_counts() if dated else np.nan
    table = table.fillna({"base_promised": 0.0, "promised": 0.0})
    table["moved"] = table["other_rep"] = np.nan
    if "visits" in base.tables and "visits" in plan.tables:
        moved = _moved(base["visits"], plan["visits"], plan.model.calendar)
        for name in ("moved", "other_rep"):
            table[name] = moved[name]
        table = table.fillna(0.0)
    changed = differ(table["base_promised"], table["promised"]) | differ(table["base_dated"], table["dated"])
    changed |= (table["moved"] > 0) | (table["other_rep"] > 0)
    return table[changed].reset_index()[list(COLUMNS["visits"])]


def _reps(before: Model, after: Model) -> list[str]:
    return list(dict.fromkeys([*before["reps"]["rep"], *after["reps"]["rep"]]))


def _moved(before: pd.DataFrame, after: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """Number of visits that moved, and of those that another rep makes, by rep of the plan."""
    old, new = (
        pd.DataFrame(
            {"client": f["client"].astype("str"), "rep": f["rep"].astype("str"), "date": pd.to_datetime(f["date"])}
        )
        for f in (before, after)
    )
    new["window"] = after["window"].astype("str")
    days = {w: _days(w, calendar) for w in new["window"].unique()}
    seen = old[["client", "date"]].drop_duplicates().assign(same=1)
    new = new.merge(seen, "left", ["client", "date"]).fillna({"same": 0})
    pairs = new.groupby(["client", "window"], sort=False).agg(now=("same", "size"), same=("same", "sum")).reset_index()
    held = pairs.merge(old, on="client")
    first, last = (held["window"].map({w: d[k] for w, d in days.items()}) for k in (0, 1))
    held = held[(held["date"] >= first) & (held["date"] <= last)]
    had = held.groupby(["client", "window"], sort=False).agg(before=("rep", "size")).reset_index()
    pairs = pairs.merge(had, "left", ["client", "window"]).fillna({"before": 0})
    pairs["moved"] = (pairs[["now", "before"]].min(axis=1) - pairs["same"]).clip(lower=0)
    # What moved in a window counts for the reps of its visits on new days.
    fresh = new[new["same"] == 0].groupby(["client", "window", "rep"], sort=False).size().rename("fresh").reset_index()
    fresh = fresh.merge(pairs[["client", "window", "moved"]], on=["client", "window"])
    earlier = fresh.groupby(["client", "window"], sort=False)["fresh"].cumsum() - fresh["fresh"]
    fresh["moved"] = np.clip(fresh["moved"] - earlier, 0, fresh["fresh"])
    who = held[["client", "window", "rep"]].drop_duplicates().assign(known=1)
    served = held[["client", "window"]].drop_duplicates()
    other = new.merge(served, on=["client", "window"]).merge(who, "left", ["client", "window", "rep"])
    return pd.DataFrame(
        {
            "moved": fresh.groupby("rep")["moved"].sum(),
            "other_rep": other["known"].isna().groupby(other["rep"]).sum(),
        }
    ).fillna(0.0)


def _days(window: str, calendar: Calendar) -> tuple[pd.Timestamp, pd.Timestamp]:
    """First and last day of a window of a promise."""
    week = re.fullmatch(r"(\d{4})-W(\d{2})", window)
    if week:
        monday = pd.Timestamp.fromisocalendar(int(week[1]), int(week[2]), 1)
        return monday, monday + pd.Timedelta(days=6)
    held = calendar.window(window)
    months = [pd.Period(calendar.months[int(t)], freq="M") for t in (held[0], held[-1])]
    return months[0].start_time.normalize(), months[1].end_time.normalize()
