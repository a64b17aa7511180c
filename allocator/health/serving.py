"""Visits made, new segments seen, cash that came in time."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from allocator.health.limits import Check, judged, not_made, nothing
from allocator.health.people import figure
from allocator.health.year import Year, told_by
from allocator.model import Model
from allocator.program import Floats
from allocator.reporting.amounts import count, share
from allocator.scopes import parse_scope
from allocator.texts import _, after

SEGMENTS = "new_segments"


def visit_checks(year: Year) -> list[Check]:
    """Visits made, of those promised to date, by tier."""
    name, grain = "visit_execution", year.grain
    promise = pd.Series(_due_by_now(year)).groupby(grain.groups["tier"].to_numpy()).sum()
    promise = promise[promise > 0]
    if promise.empty:
        return [nothing(name, _("No visits are promised so far."))]
    if not year.actuals.told("visits"):
        return [not_made(name, _("Nobody tells the visits. Give rows of metric visits with tier or client."))]
    rows = year.with_tier(year.actuals.of("visits"))
    if not told_by(rows, "tier") and float(rows["amount"].sum()) > 0:
        return [not_made(name, _("The visits name neither tier nor client."))]
    made = rows.groupby("tier")["amount"].sum().reindex(promise.index).fillna(0.0)
    names = zip(map(str, promise.index), made.to_numpy(float), promise.to_numpy(float), strict=True)
    return [_tier(year, tier, float(visits), float(due)) for tier, visits, due in names]


def _due_by_now(year: Year) -> Floats:
    """Promised visits that should be made by now, by group.

    Of windows that are over all; of one that is not (a quarter, a year) what the plan in force has made of it by now, else the
    part of its months.
    """
    grain, past = year.grain, year.past
    months = np.arange(grain.months)
    last = min(past, grain.months - 1)
    open_ = (grain.windows == grain.windows[:, [last]]) & (months < past) & (past < grain.months)
    even = np.where(months < past, grain.even_promise, 0.0)
    if year.plan is None:
        return np.asarray(even.sum(axis=1))
    planned = np.where(open_, year.plan.by_group(grain, "planned"), 0.0).sum(axis=1)
    whole = np.where(open_.any(axis=1), grain.promise[:, last], 0.0)
    return np.asarray(np.where(open_, 0.0, even).sum(axis=1) + np.minimum(planned, whole))


def _tier(year: Year, tier: str, made: float, promised: float) -> Check:
    limit = year.limits["visit_execution"]
    says = _("Tier {tier}: {made} of {promised} visits promised to date were made, {share}; expected are {limit}.")
    says = says.format(
        tier=tier, made=count(made), promised=count(promised), share=share(made / promised), limit=share(limit)
    )
    return judged("visit_execution", tier, made / promised, limit, says)


def segment_checks(year: Year) -> list[Check]:
    """New industry segments that were seen every week of every month."""
    segments = new_segments(year)
    if not segments:
        return [
            nothing(SEGMENTS, _("No industry segment is new. Name them in the scope of new_segments in thresholds."))
        ]
    parts = [year.actuals.of(metric) for metric in ("visits", "first_visits")]
    rows = pd.concat(parts, ignore_index=True)
    if not told_by(rows, "client"):
        return [
            not_made(
                SEGMENTS,
                _("The visits do not name their clients. Give rows of metric visits or first_visits with client."),
            )
        ]
    industry = year.model["clients"].set_index("client")["industry"].reindex(rows["client"]).fillna("").to_numpy(object)
    seen = np.array([year.by_month(rows[industry == s]) for s in segments])
    weeks = year.model.calendar.weeks[: year.past]
    covered = (seen >= weeks - 1e-9).sum(axis=0)
    worst = int(covered.argmin())
    missing = [s for s, visits in zip(segments, seen, strict=True) if visits[worst] < weeks[worst] - 1e-9]
    limit = min(year.limits[SEGMENTS], len(segments)) if SEGMENTS not in year.limits.named else year.limits[SEGMENTS]
    says = _("New segments seen every week: {covered} of {all} in {month}; expected are {limit}.").format(
        covered=count(float(covered[worst])), all=len(segments), month=year.actuals.past[worst], limit=count(limit)
    )
    if missing:
        says += after(_("Not seen every week: {names}.").format(names=_(", ").join(missing)))
    return [judged(SEGMENTS, "", float(covered[worst]), limit, says)]


def new_segments(year: Year) -> list[str]:
    """Industries that the threshold's scope names; else those in which nobody was a client before the plan."""
    scope = year.limits.scopes.get(SEGMENTS, "")
    if scope:
        return list(parse_scope(scope)["industry"])
    clients = year.model["clients"]
    begin = pd.Timestamp(f"{year.model.settings.start}-01")
    before = ((clients["status"] == "active") & ~(clients["since"] >= begin)) | (clients["status"] == "lost")
    return sorted(set(clients["industry"]) - set(clients.loc[before, "industry"]) - {""})


def cash_checks(year: Year) -> list[Check]:
    """Share of revenue that is cash within the days: as somebody tells it, else judged by the cash that came to date.

    Cash does not say which sale it pays. So what came is held against what the lags of ``collection`` would have brought by now, and
    the share that these give within the days is scaled by that.
    """
    name, told, limit = "cash_in", year.actuals.told, year.limits["cash_in"]
    if told(name):
        says = _("{share} of the revenue is cash in time, as was told; expected are {limit}.")
        value = figure(year, name)
        return [judged(name, "", value, limit, says.format(share=share(value), limit=share(limit)))]
    if not told("collections"):
        return [not_made(name, _("Nobody tells the cash. Give rows of metric collections, or of cash_in."))]
    wait = math.floor(year.limits["cash_in_days"] / 30 + 0.5)
    came = float(year.actuals.of("collections")["amount"].sum())
    due = _due(year)
    if isinstance(due, str):
        return [not_made(name, due)]
    if due <= 0:
        return [nothing(name, _("No cash is due yet."))]
    within = float(_lags(year.model)[: wait + 1].sum())
    value = min(came / due * within, 1.0)
    says = _("{came} of {due} that was due by now is cash: about {share} within {days} days; expected are {limit}.")
    says = says.format(
        came=year.amounts.money(came), due=year.amounts.money(due), share=share(value),
        days=count(year.limits["cash_in_days"]), limit=share(limit),
    )  # fmt: skip
    return [judged(name, "", value, limit, says)]


def _lags(model: Model) -> Floats:
    """Share of revenue that is cash after so many months: of all tiers together, by what their clients are expected to buy."""
    table = model["collection"]
    if table.empty:
        return np.ones(1)
    shares = table.pivot_table("share", "tier", "lag_months", aggfunc="sum", observed=True)
    shares = shares.reindex(columns=range(int(table["lag_months"].max()) + 1)).fillna(0.0)
    clients = model["clients"].set_index("client")
    demand = model["demand"]
    weight = demand["expected"].to_numpy(float) * clients["count"].reindex(demand["client"]).to_numpy(float)
    tier = clients["tier"].reindex(demand["client"])
    tier = tier.where(tier.isin(list(shares.index)), "")
    by_tier = pd.Series(weight, index=tier.to_numpy(object)).groupby(level=0).sum()
    if "" not in shares.index:  # without rows of its own, a tier pays at once
        shares.loc[""] = [1.0, *[0.0] * (shares.shape[1] - 1)]
    total = by_tier.to_numpy(float)
    return np.asarray(total @ shares.loc[by_tier.index].to_numpy(float) / max(float(total.sum()), 1e-300))


def _due(year: Year) -> float | str:
    """Cash that the lags bring in the months that are over; or what is missing to know it."""
    model, lags = year.model, _lags(year.model)
    longest = int(np.flatnonzero(lags)[-1])
    start = pd.Period(model.settings.start, freq="M")
    before = [str(start - k) for k in range(longest, 0, -1)]
    rows = model["history"].query("metric == 'revenue' and stage == ''")
    lacking = sorted(set(before) - set(rows["month"]))
    if lacking:
        needs = _("What was owed when the plan began is not known. Give history of revenue for {months}.")
        return needs.format(months=_(", ").join(lacking))
    earlier = rows.groupby("month")["amount"].sum().reindex(before).to_numpy(float)
    sold = np.concatenate([earlier, year.by_month(year.actuals.of("revenue"))])
    paid = np.convolve(sold, lags)[: len(sold)]
    return float(paid[longest:].sum())
