"""Turn what a CRM export says, and what has to be assumed, into the tables of a first model."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocator.importing.assumptions import Assumptions, Promise
from allocator.importing.cleaning import Crm
from allocator.importing.export import ROW, Log, listed
from allocator.importing.facts import YEAR, Facts, reach
from allocator.importing.mapping import ENGAGING, LOST, PROSPECTING, WON
from allocator.periods import Calendar
from allocator.texts import _

COMPANY = "Company"
"""Code of the top unit, which the export does not name."""

MONTHS_OF = {"month": 1, "quarter": 3, "year": 12}
"""Months that a promise's period lasts."""

CEILING_STEP = 0.05
"""Ceilings are rounded to multiples of this, so that the curves of a tier bend at one place."""

Codes = dict[str, dict[str, str]]
"""For rep, product and account the code of each name."""


@dataclass(frozen=True)
class Draft:
    """A model before it is written.

    Attributes
    ----------
    settings : dict
        What ``model.yaml`` holds.
    tables : dict of str to DataFrame
    promises : tuple of Promise
        Promise of each tier, as chosen.
    busiest, all_hours : float
        Share of the hours of the tightest month that promised visits take, of the busiest owner and of all agents.
    ceilings : dict of str to float
        Ceiling of each tier in multiples of expected.
    stale : int
        Open deals that are open for longer than any closed deal took.
    files : tuple of str
        Files of the export that were read.
    """

    settings: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    promises: tuple[Promise, ...]
    busiest: float
    all_hours: float
    ceilings: dict[str, float]
    stale: int
    files: tuple[str, ...]


def build(crm: Crm, facts: Facts, assumptions: Assumptions, source: Path, log: Log) -> Draft:
    """Build settings and tables of the new model."""
    units, unit_of = _units(crm)
    codes = {
        "rep": _codes([*crm.teams["rep"], *crm.deals["rep"]]),
        "product": _codes(crm.products["product"]),
        "account": _codes(facts.clients["account"]),
    }
    promises, loads = _promises(facts, assumptions, log)
    ceilings = _ceilings(crm, facts, assumptions)
    clients = _clients(crm, facts, codes)
    demand = _demand(facts, ceilings, assumptions, codes)
    reps = _reps(crm, unit_of, assumptions, codes)
    pipeline, stale = _pipeline(crm, facts, codes, log)
    tables = {
        "units": units,
        "reps": reps,
        "products": _products(crm, assumptions, codes),
        "tiers": _tiers(assumptions, promises),
        "clients": clients,
        "demand": demand,
        "responses": pd.DataFrame(
            [(rule.tier, effort, sales) for rule in assumptions.tiers for effort, sales in assumptions.response],
            columns=["driver", "effort", "sales"],
        ),
        "seasonality": facts.season[["month", "weight"]],
        "funnel": _funnel(crm, facts, assumptions),
        "targets": _targets(units, reps, clients, demand, assumptions),
        "history": _history(facts, codes),
        "pipeline": pipeline,
    }
    settings = {
        "title": _("First plan from the CRM export {folder}").format(folder=source.resolve().stem),
        "start": facts.start,
        "months": YEAR,
        "country": assumptions.country,
        "currency": assumptions.currency,
        "money_unit": assumptions.money_unit,
        "language": "en",
        "rounding": assumptions.rounding,
    }
    busiest = float(loads.max()) if len(loads) else 0.0
    all_hours = float(loads.sum()) / len(reps) if len(reps) else 0.0
    return Draft(
        settings=settings,
        tables={name: table for name, table in tables.items() if len(table)},
        promises=promises,
        busiest=busiest,
        all_hours=all_hours,
        ceilings=ceilings,
        stale=stale,
        files=tuple(sheet.file for sheet in crm.sheets.values()),
    )


def _codes(names: Iterable[str]) -> dict[str, str]:
    """Code of each name: reads like it, cannot be mistaken in a scope, and no two are equal."""
    codes, taken = {"": ""}, {""}
    for name in dict.fromkeys(names):
        if name:
            codes[name] = _code(name, taken)
    return codes


def _code(name: str, taken: set[str]) -> str:
    """Code of a name that is not among those taken; it is taken from here on."""
    plain = " ".join(re.sub(r"[,;=，；、\x00-\x1f]", " ", name).split())
    numbered = (f"{plain} ({n})" for n in itertools.count(2))
    code = plain if plain not in taken else next(code for code in numbered if code not in taken)
    taken.add(code)
    return code


def _units(crm: Crm) -> tuple[pd.DataFrame, dict[str, str]]:
    """Company, offices, managers; and the unit of each agent."""
    teams = crm.teams
    rows = [(COMPANY, "", "company")]
    code_of, taken = {("", ""): COMPANY}, {COMPANY}

    def add(key: tuple[str, str], name: str, parent: str, kind: str) -> None:
        code_of[key] = _code(name, taken)
        rows.append((code_of[key], parent, kind))

    for office in dict.fromkeys(teams["office"]):
        if office:
            add((office, ""), office, COMPANY, "region")
    pairs = teams[["office", "manager"]].drop_duplicates()
    offices_of = pairs["manager"].value_counts()
    for office, manager in pairs.itertuples(index=False):
        if manager:
            name = manager if offices_of[manager] == 1 else f"{manager} {office}"
            add((office, manager), name, code_of[office, ""], "team")
    keys = zip(teams["office"], teams["manager"], strict=True)
    unit_of = {rep: code_of[key] for rep, key in zip(teams["rep"], keys, strict=True)}
    return pd.DataFrame(rows, columns=["unit", "parent", "kind"]), unit_of


def _reps(crm: Crm, unit_of: dict[str, str], assumptions: Assumptions, codes: Codes) -> pd.DataFrame:
    """Every agent of the list, and those whom only deals name, under the company."""
    names = [name for name in codes["rep"] if name]
    return pd.DataFrame(
        {
            "rep": [codes["rep"][name] for name in names],
            "name": names,
            "unit": [unit_of.get(name, COMPANY) for name in names],
            "hours_per_day": assumptions.hours_per_day,
            "selling_share": assumptions.selling_share,
        }
    )


def _products(crm: Crm, assumptions: Assumptions, codes: Codes) -> pd.DataFrame:
    products = crm.products
    return pd.DataFrame(
        {
            "product": products["product"].map(codes["product"]),
            "name": products["product"],
            "family": products["family"],
            "price": products["price"],
            "margin": assumptions.margin,
        }
    )


def _promises(facts: Facts, assumptions: Assumptions, log: Log) -> tuple[tuple[Promise, ...], pd.Series]:
    """Choose the most generous promise that every owner's tightest month holds, with each owner's load of it."""
    days = Calendar(facts.start, YEAR, assumptions.country).working_days
    hours = float(days[days > 0].min()) * assumptions.hours_per_day * assumptions.selling_share
    active = facts.clients[(facts.clients["status"] == "active") & (facts.clients["owner"] != "")]
    for promises in assumptions.promises:
        a_month = {
            rule.tier: visits / MONTHS_OF[per] * rule.minutes / 60
            for rule, (visits, per) in zip(assumptions.tiers, promises, strict=True)
        }
        load = active["tier"].map(a_month).astype(float).groupby(active["owner"]).sum() / hours
        if (load <= 1).all():
            return promises, load
    over = load[load > 1].index
    says = _("Even the least promise of visits is more than the hours of {names}. Give accounts to others.")
    log.add("warning", "hours", says.format(names=listed(over)), value=listed(over))
    return promises, load


def _tiers(assumptions: Assumptions, promises: tuple[Promise, ...]) -> pd.DataFrame:
    rows = [
        (rule.tier, visits, per, rule.minutes, assumptions.visit_cost)
        for rule, (visits, per) in zip(assumptions.tiers, promises, strict=True)
    ]
    return pd.DataFrame(rows, columns=["tier", "visits", "per", "minutes", "visit_cost"])


def _ceilings(crm: Crm, facts: Facts, assumptions: Assumptions) -> dict[str, float]:
    """Ceiling of each tier in multiples of expected: what its accounts had bought, had no deal been lost."""
    tier = crm.deals["account"].map(facts.clients.set_index("account")["tier"])
    won = crm.deals["stage"].eq(WON).groupby(tier).sum()
    closed = crm.deals["stage"].isin([WON, LOST]).groupby(tier).sum()
    ceilings = {}
    for rule in assumptions.tiers:
        rate = won.get(rule.tier, 0) / closed.get(rule.tier, 0) if closed.get(rule.tier, 0) else facts.win_rate
        multiple = min(1 / rate if rate else math.inf, assumptions.longest_ceiling)
        ceilings[rule.tier] = round(round(multiple / CEILING_STEP) * CEILING_STEP, 2)
    return ceilings


def _clients(crm: Crm, facts: Facts, codes: Codes) -> pd.DataFrame:
    accounts = crm.accounts.set_index("account")[["sector", "location"]].reindex(facts.clients["account"]).fillna("")
    return pd.DataFrame(
        {
            "client": facts.clients["account"].map(codes["account"]).to_numpy(),
            "name": facts.clients["account"].to_numpy(),
            "tier": facts.clients["tier"].to_numpy(),
            "owner": facts.clients["owner"].map(codes["rep"]).to_numpy(),
            "industry": accounts["sector"].to_numpy(),
            "area": accounts["location"].to_numpy(),
            "status": facts.clients["status"].to_numpy(),
            "since": facts.clients["since"].dt.strftime("%Y-%m-%d").fillna("").to_numpy(),
        }
    )


def _demand(facts: Facts, ceilings: dict[str, float], assumptions: Assumptions, codes: Codes) -> pd.DataFrame:
    """Reckon expected, a year's sales with growth, and ceiling, the tier's multiple of it and never below."""
    tier = facts.sales["account"].map(facts.clients.set_index("account")["tier"])
    expected = (facts.sales["annual"] * (1 + assumptions.growth)).round(2)
    demand = pd.DataFrame(
        {
            "client": facts.sales["account"].map(codes["account"]),
            "product": facts.sales["product"].map(codes["product"]),
            "expected": expected,
            "ceiling": np.maximum(expected, (expected * tier.map(ceilings).astype(float)).round(4)),
        }
    )
    return demand[demand["expected"] > 0]


def _funnel(crm: Crm, facts: Facts, assumptions: Assumptions) -> pd.DataFrame:
    rows = [
        ("visits", 1, PROSPECTING, round(reach(crm), 4), 0, assumptions.first_minutes),
        ("visits", 2, ENGAGING, round(facts.win_rate, 4), round(facts.days), assumptions.deal_minutes),
    ]
    return pd.DataFrame(rows, columns=["channel", "step", "stage", "conversion", "days", "minutes"])


def floor_to(value: float, digits: int = 3) -> float:
    """Round down to so many significant digits: 12,606,321 gives 12,600,000."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) - digits + 1)
    return math.floor(value / step) * step


def _targets(
    units: pd.DataFrame, reps: pd.DataFrame, clients: pd.DataFrame, demand: pd.DataFrame, assumptions: Assumptions
) -> pd.DataFrame:
    """Revenue of the company at two levels, of each region, and of the product that sells most."""
    active = clients[clients["status"] == "active"].set_index("client")
    sales = demand[demand["client"].isin(active.index)]
    base = floor_to(sales["expected"].sum())
    rows = [
        ("revenue", "base", "", base, 1),
        ("revenue_stretch", "stretch", "", floor_to(base * assumptions.stretch), 1),
    ]
    parent = units.set_index("unit")["parent"]
    unit = sales["client"].map(active["owner"]).map(reps.set_index("rep")["unit"])
    region = unit.map(lambda u: parent.get(u, "") if parent.get(u, "") not in ("", COMPANY) else u)
    regions = [u for u, kind in zip(units["unit"], units["kind"], strict=True) if kind == "region"]
    by_region = sales["expected"].groupby(region).sum()
    if len(regions) > 1:
        rows += [
            (f"revenue_{r}", "base", f"unit={r}", floor_to(by_region[r] * assumptions.part_share), 2)
            for r in regions
            if r in by_region.index
        ]
    by_product = sales.groupby("product")["expected"].sum().sort_values(ascending=False, kind="stable")
    if len(by_product) > 1:
        top = by_product.index[0]
        floor = floor_to(by_product.iloc[0] * assumptions.part_share)
        rows.append((f"revenue_{top}", "base", f"product={top}", floor, 2))
    targets = pd.DataFrame(rows, columns=["target", "level", "scope", "at_least", "priority"])
    targets.insert(1, "metric", "revenue")
    return targets[targets["at_least"] > 0]


def _history(facts: Facts, codes: Codes) -> pd.DataFrame:
    """Revenue by month, rep, client and product, to the cent."""
    won = facts.won.assign(
        rep=facts.won["rep"].map(codes["rep"]),
        client=facts.won["account"].map(codes["account"]),
        product=facts.won["product"].map(codes["product"]),
        amount=(facts.won["value"] * 100).round().astype("int64"),
    )
    history = won.groupby(["month", "rep", "client", "product"])["amount"].sum().reset_index()
    history["amount"] /= 100
    history.insert(1, "metric", "revenue")
    return history


def _pipeline(crm: Crm, facts: Facts, codes: Codes, log: Log) -> tuple[pd.DataFrame, int]:
    """Open deals, with the chance and the month that the closed ones suggest."""
    deals = crm.deals[crm.deals["stage"].isin([PROSPECTING, ENGAGING])]
    stale = (facts.as_of - deals["opened"]).dt.days > facts.longest
    due = deals["closed"].fillna(deals["opened"] + pd.Timedelta(days=round(facts.days)))
    due_month = due.dt.strftime("%Y-%m")
    due_month = due_month.where(due_month >= facts.start, facts.start).where(due.notna() & ~stale, "")
    chance = np.where(deals["stage"] == PROSPECTING, facts.win_rate * reach(crm), facts.win_rate).round(4)
    pipeline = pd.DataFrame(
        {
            "opportunity": list(_codes(deals["deal"]).values())[1:],
            "rep": deals["rep"].map(codes["rep"]).to_numpy(),
            "client": deals["account"].map(codes["account"]).to_numpy(),
            "product": deals["product"].map(codes["product"]).to_numpy(),
            "stage": deals["stage"].to_numpy(),
            "opened": deals["opened"].dt.strftime("%Y-%m-%d").fillna("").to_numpy(),
            "due": due_month.to_numpy(),
            "probability": np.where(stale, 0.0, chance),
            "amount": deals["value"].fillna(deals["product"].map(facts.average).astype(float)).round(2).to_numpy(),
        }
    )
    if stale.any():
        sheet = crm.sheets["deals"]
        says = _(
            "{file}: {n:,} open deals were opened more than {days:.0f} days before {as_of:%Y-%m-%d}, which is "
            "longer than any deal "
            "took that was won or lost; their chance is set to 0 and no month to be due in. Close them, or "
            "correct pipeline.csv."
        ).format(file=sheet.file, n=int(stale.sum()), days=facts.longest, as_of=facts.as_of)
        log.add("warning", "stale", says, sheet=sheet, field_="opened", rows=deals.loc[stale, ROW])
    return pipeline, int(stale.sum())
