"""What a cleaned CRM export says: history, season, win rates, who owns which account, and how large it is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from allocator.importing.assumptions import Assumptions
from allocator.importing.cleaning import Crm
from allocator.importing.export import ROW, Log, listed
from allocator.importing.mapping import ENGAGING, LOST, PROSPECTING, WON
from allocator.texts import _

YEAR = 12
"""Months of a year."""


@dataclass(frozen=True)
class Facts:
    """What was observed.

    Attributes
    ----------
    won : DataFrame
        month, rep, account, product, value: a row for each won deal that counts.
    observed : tuple of str
        Months from the first to the last closed deal.
    year : tuple of str
        The last of them, twelve at most, on which a year's sales rest.
    start : str
        First month of the plan.
    season : DataFrame
        month (of the plan), weight (1 on average), observed.
    win_rate : float
        Won deals ÷ closed deals.
    days : float
        Average days from opening to closing of won deals.
    longest : float
        Most days that any closed deal took.
    as_of : Timestamp
        Last date in the deals.
    average : Series
        Average won value of a deal, by product; the list price where none was won.
    clients : DataFrame
        account, status, owner, tier, annual (won in a year), since.
    sales : DataFrame
        account, product, annual: what a client bought of a product in a year, or a prospect would.
    """

    won: pd.DataFrame
    observed: tuple[str, ...]
    year: tuple[str, ...]
    start: str
    season: pd.DataFrame
    win_rate: float
    days: float
    longest: float
    as_of: pd.Timestamp
    average: pd.Series
    clients: pd.DataFrame
    sales: pd.DataFrame


def observe(crm: Crm, start: str | None, assumptions: Assumptions, log: Log) -> Facts:
    """Draw from the deals what a plan needs.

    Raises
    ------
    InputError
        If no deal was won that can be planned from, or the plan would start before the last deal was closed.
    """
    deals = crm.deals
    won = deals.loc[deals["counted"], ["closed", "rep", "account", "product", "value"]].reset_index(drop=True)
    if not ((won["account"] != "") & (won["product"] != "")).any():
        says = _(
            "{file} holds no won deal with an account, a product, a value and a closing date: there is nothing "
            "to plan from."
        )
        log.add("error", "blank", says.format(file=crm.sheets["deals"].file), sheet=crm.sheets["deals"])
        log.stop_on_errors()
    won.insert(0, "month", won.pop("closed").dt.strftime("%Y-%m"))
    is_closed = deals["stage"].isin([WON, LOST])
    ends = deals.loc[is_closed, "closed"].dropna()
    observed = tuple(str(p) for p in pd.period_range(ends.min(), ends.max(), freq="M"))
    start = start or str(pd.Period(observed[-1], freq="M") + 1)
    if start <= observed[-1]:
        says = _("The plan cannot start in {start}: deals are closed until {last}, and history ends before the plan.")
        log.add("error", "month", says.format(start=start, last=observed[-1]), value=start)
        log.stop_on_errors()
    took = (deals["closed"] - deals["opened"]).dt.days
    days = took[deals["stage"] == WON].mean()
    longest = took[is_closed].max()
    price = crm.products.set_index("product")["price"].fillna(0)
    year = observed[-YEAR:]
    facts = Facts(
        won=won,
        observed=observed,
        year=year,
        start=start,
        season=_season(crm, won, observed, start, ends, log),
        win_rate=float((deals["stage"] == WON).sum() / is_closed.sum()),
        days=0.0 if math.isnan(days) else float(days),
        longest=math.inf if math.isnan(longest) else float(longest),
        as_of=pd.concat([deals["opened"], ends]).max(),
        average=won.groupby("product")["value"].mean().reindex(price.index).fillna(price),
        clients=pd.DataFrame(),
        sales=pd.DataFrame(),
    )
    clients = _clients(crm, facts, assumptions, log)
    _tell_unused(crm, facts, clients, log)
    return Facts(**{**vars(facts), "clients": clients, "sales": _sales(crm, facts, clients)})


def _season(
    crm: Crm, won: pd.DataFrame, observed: tuple[str, ...], start: str, ends: pd.Series, log: Log
) -> pd.DataFrame:
    """Weight of each month of the plan: the average of its calendar month; a month never observed gets the average."""
    totals = won.groupby("month")["value"].sum().reindex(observed, fill_value=0.0)
    by_month = totals.groupby([month[5:] for month in observed]).mean()
    months = [str(p) for p in pd.period_range(start, periods=YEAR, freq="M")]
    weights = pd.Series([by_month.get(month[5:], math.nan) for month in months], dtype=float)
    seen = weights.notna()
    average = weights.mean() or 1.0
    weights = (weights.fillna(average) / average).round(4)
    sheet = crm.sheets["deals"]
    if not seen.all():
        missing = listed((m for m, s in zip(months, seen, strict=True) if not s), YEAR)
        says = _(
            "{file}: the plan's months {months} fall on calendar months in which no deal was ever closed (the "
            "export closes deals from {first} to {last}); "
            "in the seasonality they get the average of the others."
        ).format(file=sheet.file, months=missing, first=observed[0], last=observed[-1])
        log.add("warning", "season", says, sheet=sheet, field_="closed", value=missing)
    first, last = ends.min(), ends.max()
    if first.day > 7 or last.days_in_month - last.day > 7:
        says = _(
            "{file}: deals are closed from {first:%Y-%m-%d} to {last:%Y-%m-%d}; the first or last month may be "
            "incomplete."
        )
        log.add("warning", "season", says.format(file=sheet.file, first=first, last=last), sheet=sheet, field_="closed")
    return pd.DataFrame({"month": months, "weight": weights, "observed": seen})


def _clients(crm: Crm, facts: Facts, assumptions: Assumptions, log: Log) -> pd.DataFrame:
    """Accounts with deals: won in the last year active, won before lost, never won prospects."""
    deals = crm.deals[crm.deals["account"] != ""]
    won = facts.won[facts.won["account"] != ""]
    recent = won[won["month"].isin(facts.year)]
    clients = pd.DataFrame({"account": sorted(deals["account"].unique())})
    names = clients["account"]
    clients["status"] = "prospect"
    clients.loc[names.isin(won["account"]), "status"] = "lost"
    clients.loc[names.isin(recent["account"]), "status"] = "active"
    owners = _largest(won.groupby(["account", "rep"])["value"].sum().reset_index())
    busiest = _largest(deals.groupby(["account", "rep"]).size().rename("value").reset_index())
    chosen = {**busiest.to_dict(), **owners.to_dict()}
    clients["owner"] = [chosen.get(name, "") for name in names]
    clients["annual"] = names.map(recent.groupby("account")["value"].sum()).fillna(0) * YEAR / len(facts.year)
    clients["since"] = names.map(crm.deals[crm.deals["counted"]].groupby("account")["closed"].min())
    clients["tier"] = _tiers(clients, assumptions)
    sheet = crm.sheets["accounts"]
    for status, says in (
        (
            "lost",
            _(
                "{file}: accounts that bought before, and nothing in the last year observed ({n}): {names}. "
                "They count as lost clients."
            ),
        ),
        ("prospect", _("{file}: accounts with deals of which none was won ({n}): {names}. They are prospects.")),
    ):
        found = clients.loc[clients["status"] == status, "account"]
        if len(found):
            text = says.format(file=sheet.file, n=len(found), names=listed(found))
            log.add("note", "status", text, sheet=sheet, field_="account", value=listed(found))
    return clients


def _largest(values: pd.DataFrame) -> pd.Series:
    """For each account the rep with the largest value, ties by name."""
    named = values[values["rep"] != ""]
    ordered = named.sort_values(["account", "value", "rep"], ascending=[True, False, True])
    return ordered.drop_duplicates("account").set_index("account")["rep"]


def _tiers(clients: pd.DataFrame, assumptions: Assumptions) -> pd.Series:
    """Tiers by rank of the year's value, ties by name; who is not active is in the last tier."""
    last = assumptions.tiers[-1].tier
    tier = pd.Series(last, index=clients.index)
    active = clients[clients["status"] == "active"].sort_values(["annual", "account"], ascending=[False, True])
    done, share = 0, 0.0
    for rule in assumptions.tiers:
        share += rule.share
        upto = min(len(active), max(done + 1, math.floor(len(active) * share + 0.5)))
        tier[active.index[done:upto]] = rule.tier
        done = upto
    return tier


def _sales(crm: Crm, facts: Facts, clients: pd.DataFrame) -> pd.DataFrame:
    """Value of a year: of active clients the last, of lost ones the average, of prospects what their deals promise."""
    status = clients.set_index("account")["status"]
    won = facts.won[(facts.won["account"] != "") & (facts.won["product"] != "")]
    won_status = won["account"].map(status)
    recent = won[(won_status == "active") & won["month"].isin(facts.year)]
    deals = crm.deals[crm.deals["account"].map(status).eq("prospect") & (crm.deals["product"] != "")]
    hoped = deals[["account", "product"]].assign(
        value=deals["product"].map(facts.average).astype(float) * facts.win_rate
    )
    parts = (
        recent.assign(value=recent["value"] * YEAR / len(facts.year)),
        won[won_status == "lost"].assign(value=lambda w: w["value"] * YEAR / len(facts.observed)),
        hoped.assign(value=hoped["value"] * YEAR / len(facts.observed)),
    )
    total = pd.concat(parts).groupby(["account", "product"])["value"].sum().rename("annual").reset_index()
    return total[total["annual"] > 0].reset_index(drop=True)


def _tell_unused(crm: Crm, facts: Facts, clients: pd.DataFrame, log: Log) -> None:
    """Say which rows of the lists no deal reaches, and which agents sell but own nothing."""
    deals, teams = crm.deals, crm.teams
    idle = teams.loc[~teams["rep"].isin(deals["rep"])]
    if len(idle):
        sheet = crm.sheets["teams"]
        says = _(
            "{file}: sales agents without a deal ({n}): {names}. They are in the plan with their hours and "
            "own no client."
        )
        text = says.format(file=sheet.file, n=len(idle), names=listed(idle["rep"], 50))
        log.add("warning", "unused", text, sheet=sheet, field_="rep", rows=idle[ROW], value=listed(idle["rep"], 50))
    dead = crm.products.loc[~crm.products["product"].isin(facts.won["product"])]
    if len(dead):
        sheet = crm.sheets["products"]
        says = _("{file}: products never sold ({n}): {names}. They are in the plan without demand.")
        text = says.format(file=sheet.file, n=len(dead), names=listed(dead["product"]))
        log.add("warning", "unused", text, sheet=sheet, field_="product", rows=dead[ROW], value=listed(dead["product"]))
    silent = crm.accounts.loc[~crm.accounts["account"].isin(deals["account"])]
    if len(silent):
        sheet = crm.sheets["accounts"]
        says = _(
            "{file}: accounts without a deal ({n}): {names}. They are left out, for nothing is known of what they buy."
        )
        text = says.format(file=sheet.file, n=len(silent), names=listed(silent["account"]))
        log.add(
            "warning", "unused", text, sheet=sheet, field_="account", rows=silent[ROW], value=listed(silent["account"])
        )
    _tell_owners(crm, facts, clients, log)


def _tell_owners(crm: Crm, facts: Facts, clients: pd.DataFrame, log: Log) -> None:
    sheet = crm.sheets["deals"]
    sold = facts.won[facts.won["rep"] != ""].groupby("rep")["value"].sum()
    without = sold[~sold.index.isin(clients["owner"])]
    if len(without):
        says = _(
            "{file}: sales agents who won deals ({total:,.0f} in all) and own no account, because another agent "
            "won more from each of theirs ({n}): {names}. "
            "The plan gives them no visits and no quota until clients.csv names them as owners."
        )
        text = says.format(file=sheet.file, n=len(without), total=without.sum(), names=listed(without.index, 50))
        log.add("warning", "owner", text, sheet=sheet, field_="rep", value=listed(without.index, 50))
    active = clients[(clients["status"] == "active") & (clients["owner"] != "")]
    owned = active.groupby("owner").size()
    for rep, n in owned[owned > max(3, 3 * owned.mean())].items():
        says = _("{file}: {rep} has won most from {n} of {all} accounts and owns them all; see whether that is meant.")
        text = says.format(file=sheet.file, rep=rep, n=n, all=len(active))
        log.add("warning", "owner", text, sheet=sheet, field_="rep", value=str(rep))


def reach(crm: Crm) -> float:
    """Share of the deals past prospecting, among those of which that is known."""
    deals = crm.deals
    engaged = deals["stage"].isin([WON, ENGAGING]) | (deals["stage"].eq(LOST) & deals["opened"].notna())
    known = deals["stage"] != PROSPECTING
    return float(engaged.sum() / known.sum())
