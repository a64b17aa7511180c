"""Clients who buy again, stay and are active; the win-back list; reps who are new."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.formulation.arrays import positions
from allocator.health.limits import BELOW, Check, judged, not_made, nothing, warns
from allocator.health.year import Year, told_by
from allocator.program import Floats
from allocator.reporting.amounts import count, share
from allocator.texts import _, after

WIN_BACK = (
    *("client", "name", "rep", "unit", "tier", "money_at_risk", "reasons", "activity", "actual", "expected", "renewal"),
    "churn",
)
ACTIVITY, RENEWAL, CHURN = "activity", "renewal", "churn"
"""What says that a client is in danger."""


def client_table(year: Year) -> pd.DataFrame:
    """Active clients: what they were expected to buy to date and later, what they bought, when they last did.

    Large contracts come when they come: they count for what is at risk and not for activity. ``actual`` is NaN where revenue does not
    name clients.
    """
    model, grain = year.model, year.grain
    clients = grain.clients[
        ["client", "name", "tier", "unit", "industry", "status", "count", "since", "lost_on", "renewal", "churn"]
    ]
    clients = clients.assign(rep=year.owner.to_numpy(object))
    gone = clients["lost_on"] <= pd.Timestamp(year.actuals.as_of)
    demand = grain.demand
    money = (np.minimum(demand["expected"], demand["ceiling"]) * demand["count"]).to_numpy(float)
    flow = grain.flow[demand["pair"].to_numpy(int)]
    small = ~model["products"]["large"].to_numpy(bool)[demand["position"].to_numpy(int)]
    at = positions(clients["client"], demand["client"])
    monthly = np.zeros((len(clients), grain.months))
    np.add.at(monthly, at, money[:, None] * flow)
    to_date = np.bincount(
        at, weights=np.where(small, money * flow[:, : year.past].sum(axis=1), 0.0), minlength=len(clients)
    )
    revenue = year.actuals.of("revenue")
    actual, last = np.full(len(clients), np.nan), np.full(len(clients), -1)
    if told_by(revenue, "client"):
        large = set(model["products"].loc[model["products"]["large"].to_numpy(bool), "product"])
        who = positions(clients["client"], revenue["client"])
        counted = (who >= 0) & ~revenue["product"].isin(list(large)).to_numpy()
        actual = np.bincount(who[counted], weights=revenue["amount"].to_numpy(float)[counted], minlength=len(clients))
        bought = (who >= 0) & (revenue["amount"] > 0).to_numpy()
        np.maximum.at(last, who[bought], year.month(revenue["month"])[bought])
    table = clients.assign(expected=to_date, actual=actual, last=last, later=monthly[:, year.past :].sum(axis=1))
    table["activity"] = np.divide(actual, to_date, out=np.full(len(clients), np.nan), where=to_date > 0)
    home = model["reps"].set_index("rep")["unit"].reindex(table["rep"]).to_numpy(object)
    table["unit"] = np.where((table["rep"] != "").to_numpy(), home, table["unit"].to_numpy(object))
    table["ends"] = _after_renewal(year, table, monthly)
    return table[(clients["status"] == "active").to_numpy() & ~gone.to_numpy()].reset_index(drop=True)


def _after_renewal(year: Year, table: pd.DataFrame, monthly: Floats) -> Floats:
    """What a client was expected to buy in the months that remain, from the day on which its contract ends."""
    start = pd.Period(year.model.settings.start, freq="M").ordinal
    ends = table["renewal"].dt.to_period("M")
    first = np.array([year.past if pd.isna(e) else max(e.ordinal - start, year.past) for e in ends])
    return np.asarray((monthly * (np.arange(monthly.shape[1])[None, :] >= first[:, None])).sum(axis=1))


def win_back(year: Year, table: pd.DataFrame) -> pd.DataFrame:
    """Clients in danger, the most money first.

    Returns
    -------
    DataFrame
        ``reasons`` names activity (sales under the share of what was expected to date), renewal (the contract ends soon, and it is not
        known or not likely enough that the client stays) and churn (it is not likely enough that it stays). ``money_at_risk`` is what
        the client was expected to buy in the months that remain, from the end of its contract on where that alone is the reason.
    """
    limit, stays = year.limits["activity_rate"], 1 - table["churn"]
    quiet = np.array([bool(a == a) and warns(float(a), limit, BELOW) for a in table["activity"]], bool)
    leaves = np.array([bool(s == s) and warns(float(s), year.limits["renewal_rate"], BELOW) for s in stays], bool)
    day = pd.Timestamp(year.actuals.as_of)
    soon = (table["renewal"] > day) & (
        table["renewal"] <= day + pd.DateOffset(months=year.limits.months("renewal_months"))
    )
    ending = soon.to_numpy(bool) & (leaves | stays.isna().to_numpy())
    parts = ((ACTIVITY, quiet), (RENEWAL, ending), (CHURN, leaves))
    reasons = [" ".join(name for name, held in parts if held[k]) for k in range(len(table))]
    money = np.where(ending & ~quiet & ~leaves, table["ends"], table["later"])
    found = table.assign(
        reasons=reasons, money_at_risk=money, renewal=table["renewal"].dt.strftime("%Y-%m-%d").fillna("")
    )
    found = found[(quiet | ending | leaves) & (money > 0)]
    found = found.sort_values(["money_at_risk", "client"], ascending=[False, True])
    return pd.DataFrame(found[list(WIN_BACK)]).reset_index(drop=True)


def client_checks(year: Year, table: pd.DataFrame) -> list[Check]:
    """Clients who buy again, who are active, whose contracts were renewed; figures that were told come first."""
    return [_repeat(year, table), _active(year, table), _renewed(year, table)]


def _told_figure(year: Year, name: str, says: str) -> Check | None:
    """A rate that somebody tells as a figure of its own."""
    if not year.actuals.told(name):
        return None
    value, limit = figure(year, name), year.limits[name]
    return judged(name, "", value, limit, says.format(share=share(value), limit=share(limit)))


def figure(year: Year, name: str) -> float:
    """Mean over the months of a figure; in a month the mean of its rows."""
    return float(year.actuals.of(name).groupby("month")["amount"].mean().mean())


def _needs_clients() -> str:
    return _(
        "Revenue names no clients, and nobody tells the rate. Give rows of revenue with client, or of this metric by month."
    )


def _repeat(year: Year, table: pd.DataFrame) -> Check:
    name = "repeat_rate"
    says = _("{share} of the present clients bought again, as was told; expected are {limit}.")
    if told := _told_figure(year, name, says):
        return told
    begin = pd.Timestamp(f"{year.model.settings.start}-01")
    old = table[(table["count"] == 1) & ~(table["since"] >= begin)]
    if old.empty:
        return nothing(name, _("There is no client by name from before the plan."))
    if table["actual"].isna().all():
        return not_made(name, _needs_clients())
    again = int((old["last"] >= 0).sum())
    part = year.past / year.model.settings.months
    limit = year.limits[name] * part
    says = _(
        "{again} of {all} present clients bought again so far, {share}; of the year's {rate} {limit} is due by now."
    ).format(
        again=count(again),
        all=count(len(old)),
        share=share(again / len(old)),
        rate=share(year.limits[name]),
        limit=share(limit),
    )
    return judged(name, "", again / len(old), limit, says)


def _active(year: Year, table: pd.DataFrame) -> Check:
    name = "activity_rate"
    says = _("{share} of the clients are active, as was told; expected are {limit}.")
    if told := _told_figure(year, name, says):
        return told
    named = table[table["count"] == 1]
    if table["actual"].isna().all():
        return not_made(name, _needs_clients())
    if named.empty:
        return nothing(name, _("There is no active client by name."))
    months = min(year.limits.months("conversion_months"), year.past)
    active = int((named["last"] >= year.past - months).sum())
    says = _("{active} of {all} clients bought in the last {months} months, {share}; expected are {limit}.").format(
        active=count(active), all=count(len(named)), months=months, share=share(active / len(named)),
        limit=share(year.limits[name]),
    )  # fmt: skip
    return judged(name, "", active / len(named), year.limits[name], says)


def _renewed(year: Year, table: pd.DataFrame) -> Check:
    name = "renewal_rate"
    says = _("{share} of the contracts that ended were renewed, as was told; expected are {limit}.")
    if told := _told_figure(year, name, says):
        return told
    start = pd.Period(year.model.settings.start, freq="M").ordinal
    clients = year.model["clients"]
    at = clients["renewal"].dt.to_period("M").map(lambda p: -1 if pd.isna(p) else p.ordinal - start)
    ended = clients[(clients["status"] == "active") & (at >= 0) & (at < year.past - 1)]
    if ended.empty:
        return nothing(name, _("No contract has ended long enough ago to see whether it was renewed."))
    if not told_by(year.actuals.of("revenue"), "client"):
        return not_made(name, _needs_clients())
    last = table.set_index("client")["last"].reindex(ended["client"]).fillna(-1).to_numpy(int)
    kept = int((last > at[ended.index].to_numpy(int)).sum())
    says = _("{kept} of {all} clients whose contract ended bought after it, {share}; expected are {limit}.").format(
        kept=count(kept), all=count(len(ended)), share=share(kept / len(ended)), limit=share(year.limits[name])
    )
    return judged(name, "", kept / len(ended), year.limits[name], says)


def rep_checks(year: Year) -> list[Check]:
    """First orders of new reps, and how reps who are growing into their work sell."""
    revenue = year.with_rep(year.actuals.of("revenue"))
    if not told_by(revenue, "rep"):
        needs = _("Revenue names neither reps nor clients.")
        return [not_made(name, needs) for name in ("first_order_rate", "ramp_attainment")]
    return [_first_orders(year, revenue), _ramp(year, revenue)]


def _first_orders(year: Year, revenue: pd.DataFrame) -> Check:
    name, reps, months = "first_order_rate", year.model["reps"], year.limits.months("first_order_months")
    start = pd.Period(year.model.settings.start, freq="M").ordinal
    begin = reps["start"].dt.to_period("M").map(lambda p: np.nan if pd.isna(p) else p.ordinal - start)
    new = reps.assign(begin=begin)[((begin + months > 0) & (begin + months <= year.past)).to_numpy()]
    if new.empty:
        return nothing(name, _("The first months of no new rep have ended in this plan so far."))
    history = year.model["history"].query("metric == 'revenue' and stage == ''")
    history = year.with_rep(history)
    if (new["begin"] < 0).any() and not told_by(history, "rep"):
        return not_made(name, _("Some reps began before the plan, and history of revenue does not name reps."))
    sold = pd.concat([history, revenue], ignore_index=True)
    sold = sold[(sold["rep"] != "") & (sold["amount"] > 0)]
    at = sold["month"].map(lambda m: pd.Period(m, freq="M").ordinal - start)
    first = new["rep"].map(at.groupby(sold["rep"]).min())
    good = ((first - new["begin"]) < months).to_numpy()
    limit = year.limits[name]
    says = _(
        "{good} of {all} new reps had a first order in their first {months} months, {share}; expected are {limit}."
    ).format(good=int(good.sum()), all=len(new), months=months, share=share(float(good.mean())), limit=share(limit))
    if not good.all():
        says += after(_("Without one: {names}.").format(names=_(", ").join(new.loc[~good, "rep"])))
    return judged(name, "", float(good.mean()), limit, says)


def _ramp(year: Year, revenue: pd.DataFrame) -> Check:
    name, people = "ramp_attainment", year.grain.people
    growing = (people.ramp < 1) & people.in_post
    who = people.code[growing[:, : year.past].any(axis=1)]
    if not len(who):
        return nothing(name, _("No rep is growing into the work."))
    if year.plan is None:
        return not_made(name, _("What was planned for them is not known. Name the plan in force with --plan."))
    forecast = year.plan.tables["forecast"]
    forecast = forecast[forecast["month"].isin(year.actuals.past) & forecast["rep"].isin(list(who))]
    planned = forecast.groupby(forecast["rep"].astype("str"))["sell"].sum().reindex(list(who)).fillna(0.0)
    actual = revenue.groupby("rep")["amount"].sum().reindex(list(who)).fillna(0.0)
    if planned.sum() <= 0:
        return nothing(name, _("Nothing was planned yet for reps who are growing into the work."))
    value, limit = float(actual.sum() / planned.sum()), year.limits[name]
    says = _("Reps who are growing into the work sold {actual} of {planned} planned, {share}; expected are {limit}.").format(
        actual=year.amounts.money(float(actual.sum())), planned=year.amounts.money(float(planned.sum())), share=share(value),
        limit=share(limit),
    )  # fmt: skip
    low = [r for r in who if actual[r] < limit * planned[r] * (1 - 1e-9)]
    if low:
        says += after(_("Under it: {names}.").format(names=_(", ").join(low)))
    return judged(name, "", value, limit, says)
