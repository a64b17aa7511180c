"""What a re-plan moves, and why: every changed quota with its reason."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocator.formulation.grain import Grain
from allocator.model import Model
from allocator.reviewing.published import Published
from allocator.texts import N_, _

SAYS = {
    "rep_left": N_("The rep carries these clients no more."),
    "rep_new": N_("The rep carries these clients now."),
    "client_lost": N_("A client of the rep was lost."),
    "client_new": N_("The rep has a new client."),
    "handed_over": N_("Clients changed hands."),
    "demand": N_("The demand of the rep's clients changed."),
    "capacity": N_("The rep's working time changed."),
    "pin": N_("A pin or a floor changed."),
    "target": N_("A target changed."),
    "forecast": N_("After what happened the clients can be expected to buy less."),
    "gap": N_("A part of what is missing so far is carried here."),
    "level": N_("The level below moved."),
    "rounding": N_("The exact number stands; only its rounding moved."),
    "eased": N_("Others carry it now."),
}
"""Reasons, and what they say."""

KEYS = ["rep", "product", "month", "level"]
COLUMNS = (*("rep", "unit", "product", "month", "level", "before", "after", "change", "reason", "says"),)


def moved_quotas(
    published: Published, model: Model, tables: Mapping[str, pd.DataFrame], grain: Grain, before: Grain
) -> pd.DataFrame:
    """Published quotas of the remaining months that changed, each with its reason.

    Parameters
    ----------
    published : Published
    model : Model
        Of the re-plan.
    tables : mapping of str to DataFrame
        Of the re-plan.
    grain, before : Grain
        Of the re-plan's model, and of the published plan's.
    """
    months = model.calendar.months[model.past :]
    old, new = (
        q[q["month"].isin(months)].astype(dict.fromkeys(KEYS, "str")).set_index(KEYS)
        for q in (published.tables["quotas"], tables["quotas"])
    )
    every = old.index.union(new.index, sort=False)
    frame = pd.DataFrame(index=every)
    for name, source in (("before", old), ("after", new)):
        frame[name] = source["quota"].reindex(every).fillna(0.0).astype(float)
        frame[f"{name}_exact"] = source["exact"].reindex(every).fillna(0.0).astype(float)
        frame[f"{name}_forecast"] = source["forecast"].reindex(every).fillna(0.0).astype(float)
    frame["change"] = frame["after"] - frame["before"]
    frame = frame[frame["change"].abs() > 1e-6].reset_index()
    homes = model["reps"].set_index("rep")["unit"].to_dict()
    frame["unit"] = frame["rep"].map(homes).fillna("")
    frame["reason"] = _reasons(frame, published.model, model, grain, before)
    frame["says"] = frame["reason"].map({k: _(v) for k, v in SAYS.items()})
    return frame[list(COLUMNS)].sort_values(KEYS, ignore_index=True)


def _reasons(frame: pd.DataFrame, old: Model, new: Model, grain: Grain, before: Grain) -> pd.Series:
    """The first reason that fits each changed number: what happened to the rep's own clients, then what is asked of all."""
    facts = {name: frame["rep"].isin(reps) for name, reps in _what_changed(old, new, grain, before).items()}
    same = (frame["after_exact"] - frame["before_exact"]).abs() <= 1e-6 * frame["before_exact"].abs().clip(lower=1.0)
    fell = frame["after_forecast"] < frame["before_forecast"] * (1 - 1e-6) - 1e-6
    down, up = frame["after_exact"] < frame["before_exact"], frame["after_exact"] > frame["before_exact"]
    above = frame["level"] != "base"
    reason = pd.Series(
        np.select(
            [
                same,
                down & (frame["after_forecast"] == 0) & (frame["before_forecast"] > 0),
                up & (frame["before_forecast"] == 0) & (frame["after_forecast"] > 0),
                facts["pin"],
                *(fell & down & facts[k] for k in ("client_lost", "handed_over", "capacity", "demand")),
                *(up & facts[k] for k in ("client_new", "handed_over")),
                fell & down,
                up & _targets_changed(old, new),
                up & ~above,
                up,
                down & _targets_changed(old, new),
            ],
            ["rounding", "rep_left", "rep_new", "pin", "client_lost", "handed_over", "capacity", "demand", "client_new",
             "handed_over", "forecast", "target", "gap", "level", "target"],
            "eased",
        ),
        index=frame.index,
    )  # fmt: skip
    return reason.where(~((reason == "rep_left") & facts["client_lost"]), "client_lost")


def _what_changed(old: Model, new: Model, grain: Grain, before: Grain) -> dict[str, set[str]]:
    """Reps whom each kind of change of the tables touches."""
    a, b = (_clients(g) for g in (before, grain))
    both = a.merge(b, "outer", left_index=True, right_index=True, suffixes=("_old", "_new"))
    gone = both["rep_new"].isna() | ((both["until_new"] != both["until_old"]) & both["until_new"].notna())
    gone |= (both["status_old"] == "active") & (both["status_new"] == "lost")
    fresh = both["rep_old"].isna() | ((both["status_old"] != "active") & (both["status_new"] == "active"))
    moved = both["rep_old"].notna() & both["rep_new"].notna() & (both["rep_old"] != both["rep_new"])
    wanted = both["expected_old"].fillna(0.0) - both["expected_new"].fillna(0.0)
    demand = ~gone & ~fresh & (wanted.abs() > 1e-9 * both["expected_old"].fillna(0.0).clip(lower=1.0))

    def reps(mask: pd.Series) -> set[str]:
        return {str(r) for c in ("rep_old", "rep_new") for r in both.loc[mask, c].dropna().unique()}

    hours = pd.DataFrame(before.people.hours, index=before.people.code).sum(axis=1)
    now = pd.DataFrame(grain.people.hours, index=grain.people.code).sum(axis=1)
    busy = {str(r) for r in hours.index.union(now.index) if abs(hours.get(r, 0.0) - now.get(r, 0.0)) > 1e-9}
    found = {"client_lost": reps(gone), "client_new": reps(fresh), "handed_over": reps(moved), "demand": reps(demand)}
    if not old["shifts"].equals(new["shifts"]):
        found["demand"] |= set(map(str, new["reps"]["rep"]))
    return {**found, "capacity": busy, "pin": _pinned(old, new)}


def _clients(grain: Grain) -> pd.DataFrame:
    clients = grain.clients
    code = np.append(grain.people.code, "")
    expected = (
        grain.demand.assign(amount=grain.demand["expected"] * grain.demand["count"]).groupby("client")["amount"].sum()
    )
    frame = pd.DataFrame(
        {
            "rep": code[clients["rep"].to_numpy(int)],
            "status": clients["status"].to_numpy(object),
            "until": clients["lost_on"].dt.strftime("%Y-%m-%d").fillna("").to_numpy(object),
            "expected": clients["client"].map(expected).fillna(0.0).to_numpy(float),
        },
        index=clients["client"].astype(object),
    )
    return frame


def _pinned(old: Model, new: Model) -> set[str]:
    """Reps whom a changed pin, floor or cap touches."""
    names = ["unit", "rep", "product", "period", "level", "amount"]
    rows = pd.concat([m["pins"][names] for m in (old, new)]).drop_duplicates(keep=False)
    found: set[str] = set()
    homes = dict(zip(new["reps"]["rep"], new["reps"]["unit"], strict=True))
    for unit, rep in rows[["unit", "rep"]].itertuples(index=False):
        found |= {r for r, home in homes.items() if (not rep or r == rep) and (not unit or unit in new.ancestors[home])}
    limits = [m["reps"].set_index("rep")[["quota_min", "quota_max"]].fillna(-1.0) for m in (old, new)]
    both = limits[0].merge(limits[1], left_index=True, right_index=True, suffixes=("", "_new"))
    other = (both["quota_min"] != both["quota_min_new"]) | (both["quota_max"] != both["quota_max_new"])
    return found | set(map(str, both.index[other]))


def _targets_changed(old: Model, new: Model) -> bool:
    """Whether what the company asks for in money is another."""
    rows = [
        m["targets"][m["targets"]["metric"] == "revenue"].drop(columns="each").reset_index(drop=True)
        for m in (old, new)
    ]
    return not rows[0].equals(rows[1])


def moved_effort(published: Published, model: Model, tables: Mapping[str, pd.DataFrame], grain: Grain) -> pd.DataFrame:
    """Visits of groups and money of lines that changed in the remaining months: what, name, rep, month, before, after, change."""
    months = model.calendar.months
    made = published.by_group(grain, "planned")
    group = grain.groups["group"].to_numpy(object)
    owner = np.append(grain.people.code, "")[grain.groups["rep"].to_numpy(int)]
    names = ["what", "name", "rep", "month", "before", "after"]
    g, t = np.divmod(np.arange(made.size), len(months))
    visits = pd.DataFrame(
        {
            "what": "visits",
            "name": group[g],
            "rep": owner[g],
            "month": np.array(months, object)[t],
            "before": made.ravel(),
        }
    )
    after = tables["effort"].astype({"group": "str", "month": "str"}).set_index(["group", "month"])["planned"]
    visits["after"] = after.reindex(pd.MultiIndex.from_frame(visits[["name", "month"]])).fillna(0.0).to_numpy(float)
    spend = tables["budget"].astype({"line": "str", "month": "str"})[["line", "month", "spend"]]
    old = published.tables["budget"].astype({"line": "str", "month": "str"})[["line", "month", "spend"]]
    both = old.merge(spend, "outer", ["line", "month"], suffixes=("_old", "")).fillna(0.0)
    money = pd.DataFrame(
        {
            "what": "spend",
            "name": both["line"],
            "rep": "",
            "month": both["month"],
            "before": both["spend_old"],
            "after": both["spend"],
        }
    )
    rows = pd.concat([visits[names], money[names]], ignore_index=True)
    rows["change"] = rows["after"] - rows["before"]
    size = rows[["before", "after"]].abs().max(axis=1).clip(lower=1.0)
    keep = rows["month"].isin(months[model.past :]) & (rows["change"].abs() > 1e-6 * size)
    return rows[keep].reset_index(drop=True)
