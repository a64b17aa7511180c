"""What two plans differ in: key figures, targets, quotas, budget, visits, rules that bind. Frames in, frames out.

What is moved is listed, what is not is left out: two plans that are the same give empty tables.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.model import LEVELS, Model
from allocator.plan import Plan
from allocator.program import Floats

SAME = 1e-6
"""Two numbers this near to each other, relative to their size, are the same: engines compute to such a precision."""

KPIS = (
    *("contribution", "revenue", "profit", "spend", "commission", "collections", "new_clients"),
    *("visits_promised", "visits_planned", "visits_scheduled", "targets_met", "targets_missed"),
)
"""Key figures in the order in which they are shown."""

COLUMNS = {
    "kpis": ("kpi", "base", "value", "change"),
    "targets": (
        *("target", "metric", "level", "each", "period", "bound", "priority", "flips"),
        *("base_status", "status", "base_required", "required", "base_planned", "planned", "base_gap", "gap", "cause"),
    ),
    "quotas": ("kind", "name", "unit", "period_kind", "period", "level", "base", "value", "change"),
    "budget": ("line", "category", "base", "value", "change", "base_maximum", "maximum"),
    "visits": ("rep", "base_promised", "promised", "base_dated", "dated", "moved", "other_rep"),
    "rules": ("rule", "binds", "base_count", "count", "where"),
}
"""Columns of the tables, behind that of the scenario."""

KEY = ["target", "level", "each", "bound", "period"]


def figures(plan: Plan) -> dict[str, float]:
    """Key figures of a plan, with the targets that are met and missed; NaN where they are not known."""
    kpis, counts = plan.summary.get("kpis") or {}, plan.summary.get("targets") or {}
    known = {**kpis, "targets_met": counts.get("met"), "targets_missed": counts.get("missed")}
    return {name: np.nan if known.get(name) is None else float(known[name]) for name in KPIS}


def kpis(base: Plan, plan: Plan) -> pd.DataFrame:
    """Key figures side by side; all of them, moved or not."""
    old, new = figures(base), figures(plan)
    rows = [(name, old[name], new[name], new[name] - old[name]) for name in KPIS]
    return pd.DataFrame(rows, columns=list(COLUMNS["kpis"]))


def targets(base: Plan, plan: Plan) -> pd.DataFrame:
    """Targets whose bound, value or status is another one, or which only one of the plans has."""
    names = [*KEY, "metric", "priority", "required", "planned", "gap", "status", "cause"]
    old, new = (
        p["targets"][names].astype(dict.fromkeys((*KEY, "metric", "priority", "cause"), "str")) for p in (base, plan)
    )
    both = old.merge(new, "outer", KEY, suffixes=("_old", ""), sort=False, indicator="has")
    rows = pd.DataFrame({k: both[k] for k in KEY})
    for name in ("metric", "priority"):
        rows[name] = both[name].fillna(both[f"{name}_old"])
    for name in ("status", "required", "planned", "gap"):
        rows[f"base_{name}"], rows[name] = both[f"{name}_old"], both[name]
    rows["flips"] = _flips(both)
    missed = both["status"] == "missed"
    rows["cause"] = both["cause"].where(missed, both["cause_old"]).fillna("")
    rows[["base_status", "status"]] = rows[["base_status", "status"]].fillna("")
    moved = rows["flips"] != ""
    for name in ("required", "planned"):
        moved |= differ(rows[f"base_{name}"], rows[name])
    order = both[KEY].merge(new[KEY].assign(place=range(len(new))), "left", KEY)["place"].to_numpy(float)
    rows = rows.assign(place=np.where(np.isnan(order), np.inf, order)).sort_values("place", kind="stable")
    return rows.loc[moved.reindex(rows.index), list(COLUMNS["targets"])].reset_index(drop=True)


def _flips(both: pd.DataFrame) -> np.ndarray:
    """What becomes of a target: missed, met, new, gone, or blank where it stays what it was."""
    old, new = (both[n].fillna("") == "missed" for n in ("status_old", "status"))
    return np.select(
        [both["has"] == "right_only", both["has"] == "left_only", new & ~old, old & ~new],
        ["new", "gone", "missed", "met"],
        "",
    )


def quotas(base: Plan, plan: Plan, *, months: bool = False) -> pd.DataFrame:
    """Published quotas that moved, of units (with all below them) and reps, by level: for the year, its quarters, months on demand."""
    parts = [_quotas(p, months=months).rename(n) for p, n in ((base, "base"), (plan, "value"))]
    table = pd.concat(parts, axis=1).fillna(0.0)
    table["change"] = table["value"] - table["base"]
    table = table[differ(table["base"], table["value"])].reset_index()
    order = {name: k for names in ("units", "reps") for k, name in enumerate(_codes(base.model, plan.model, names))}
    levels = {level: k for k, level in enumerate(LEVELS)}
    places = pd.DataFrame(
        {
            "kind": (table["kind"] == "rep").astype(int),
            "name": table["name"].map(order),
            "level": table["level"].map(levels),
            "year": table["period_kind"].map({"year": 0, "quarter": 1, "month": 2}),
            "period": table["period"],
        }
    ).sort_values(["kind", "name", "level", "year", "period"])
    return table.loc[places.index, list(COLUMNS["quotas"])].reset_index(drop=True)


def _codes(before: Model, after: Model, table: str) -> list[str]:
    column = table[:-1]
    return list(dict.fromkeys([*before[table][column], *after[table][column]]))


def _quotas(plan: Plan, *, months: bool) -> pd.Series:
    """Quotas by kind, name, unit (of a rep), kind of period, period and level."""
    model, cells = plan.model, plan["quotas"]
    cells = cells.groupby(["rep", "unit", "month", "level"], observed=True, sort=False)["quota"].sum().reset_index()
    calendar = model.calendar
    quarter, year = (dict(zip(calendar.months, labels, strict=True)) for labels in (calendar.quarters, calendar.years))
    reps = cells.assign(kind="rep", name=cells["rep"].astype(str), unit=cells["unit"].astype(str))
    kinds = model["units"].set_index("unit")["kind"]
    pairs = [(u, above) for u, chain in model.ancestors.items() for above in chain]
    above = pd.DataFrame(pairs, columns=["unit", "name"]).astype("str")
    units = reps.drop(columns="name").merge(above, on="unit")
    units = units.assign(kind=units["name"].map(kinds).replace("", "unit").fillna("unit"), unit="")
    everybody = pd.concat([units, reps], ignore_index=True)
    years = everybody.assign(period_kind="year", period=everybody["month"].astype(str).map(year))
    quarters = everybody.assign(period_kind="quarter", period=everybody["month"].astype(str).map(quarter))
    keys = ["kind", "name", "unit", "period_kind", "period", "level"]
    parts = [years, quarters]
    if months:
        parts.append(everybody.assign(period_kind="month", period=everybody["month"].astype(str)))
    both = pd.concat(parts, ignore_index=True)
    return both.astype(dict.fromkeys(keys, "str")).groupby(keys, sort=False)["quota"].sum()


def budget(base: Plan, plan: Plan) -> pd.DataFrame:
    """Lines whose money or maximum is another one."""
    parts = []
    for p in (base, plan):
        lines = p["budget"].astype({"line": "str", "category": "str"})
        parts.append(
            lines.groupby("line", sort=False).agg(
                category=("category", "first"), spend=("spend", "sum"), maximum=("maximum", "first")
            )
        )
    old, new = parts
    lines = pd.Index(dict.fromkeys([*new.index, *old.index]), name="line")
    table = pd.DataFrame(index=lines)
    table["category"] = new["category"].reindex(lines).fillna(old["category"].reindex(lines))
    table["base"], table["value"] = (p["spend"].reindex(lines).fillna(0.0) for p in parts)
    table["change"] = table["value"] - table["base"]
    table["base_maximum"], table["maximum"] = (p["maximum"].reindex(lines) for p in parts)
    scale = float(max(table["base"].sum(), table["value"].sum()))
    moved = differ(table["base"], table["value"], scale) | differ(table["base_maximum"], table["maximum"])
    return table[moved].reset_index()[list(COLUMNS["budget"])]


def rules(base: Plan, plan: Plan) -> pd.DataFrame:
    """Rules that start to bind or stop; for each in how many places it binds, and the dearest of them."""
    old, new = (
        p.binding.groupby("rule", sort=False).agg(count=("count", "sum"), labels=("labels", "first"))
        for p in (base, plan)
    )
    rows = []
    for rule in dict.fromkeys([*new.index, *old.index]):
        if (rule in old.index) != (rule in new.index):
            here, binds = (new, "starts") if rule in new.index else (old, "stops")
            counts = [float(p.loc[rule, "count"]) if rule in p.index else 0.0 for p in (old, new)]
            rows.append((rule, binds, *counts, str(here.loc[rule, "labels"])))
    return pd.DataFrame(rows, columns=list(COLUMNS["rules"]))


def differ(old: pd.Series, new: pd.Series, scale: float = 0.0) -> pd.Series:
    """Whether numbers are other ones: by more than engines compute apart; a number that only one side has is another one."""
    a, b = old.to_numpy(float), new.to_numpy(float)
    size: Floats = np.fmax(np.fmax(np.abs(a), np.abs(b)), scale)
    apart = np.abs(a - b) > SAME * size
    return pd.Series(apart | (np.isnan(a) != np.isnan(b)), index=old.index)
