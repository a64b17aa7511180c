"""Checks of pools, commission, collection, the funnel, own metrics, pins and commitments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocator.schema.findings import Report, did_you_mean
from allocator.schema.sales import TOLERANCE, check_sources
from allocator.schema.units import chains
from allocator.scopes import parse_scope
from allocator.texts import _

Frames = Mapping[str, pd.DataFrame]

VISITS = "visits"
"""Channel of the reps' own first visits."""

METRICS = (
    "revenue",
    "profit",
    "contribution",
    "contracts",
    "new_clients",
    "collections",
    "visits",
    "hours",
    "spend",
    "commission",
    "coverage",
    "market_share",
)
"""Metrics that every model has; ``yields`` adds others."""


def check_flows(frames: Frames, report: Report) -> None:
    """Check pools, cash, the funnel, own metrics, pins and commitments."""
    _check_needs(frames, report)
    _check_collection(frames["collection"], report)
    _check_funnel(frames, report)
    _check_yields(frames, report)
    says = _("The rep is in {home}, which does not lie in {unit}: the pin holds nothing.")
    _check_cuts("pins", says, frames, report)
    says = _("The rep is in {home}, which does not lie in {unit}: this is offered by nobody.")
    _check_cuts("commitments", says, frames, report)
    _check_thresholds(frames, report)
    offered = frames["commitments"]
    says = _("Say who offers it: a unit, or a rep.")
    report.cells(
        "error", "commitments", "required", says, offered, (offered["unit"] == "") & (offered["rep"] == ""), "unit"
    )


def _check_needs(frames: Frames, report: Report) -> None:
    needs = frames["needs"]
    both = (needs["product"] != "") & (needs["tier"] != "")
    neither = (needs["product"] == "") & (needs["tier"] == "")
    says = _("Expected a product or a tier, one of them.")
    report.cells("error", "needs", "required", says, needs, both | neither, "product")
    tiers = frames["tiers"]
    idle = set(tiers.loc[tiers["executive_visits"] == 0, "tier"])
    says = _("The tier promises no executive visits, so it needs nothing of the pool.")
    report.cells("warning", "needs", "idle", says, needs, needs["tier"].isin(list(idle)), "tier")


def _check_collection(rows: pd.DataFrame, report: Report) -> None:
    total = rows.groupby("tier")["share"].transform("sum")
    first = ~rows.duplicated("tier")
    says = _("The shares of this tier sum to more than 1.")
    report.cells("error", "collection", "sum", says, rows, first & (total > 1 + TOLERANCE), "share")


def _check_funnel(frames: Frames, report: Report) -> None:
    stages, budget, yields = frames["funnel"], frames["budget"], frames["yields"]
    if stages.empty:
        return
    says = _("Nobody passes this stage, so nobody is ever won. Expected more than 0.")
    report.cells("error", "funnel", "range", says, stages, stages["conversion"] == 0, "conversion")
    says = _("The stage stands in this channel already.")
    report.cells("error", "funnel", "duplicate", says, stages, stages.duplicated(["channel", "stage"]), "stage")
    leads = set(yields.loc[yields["metric"] == "leads", "source"])
    fed = {VISITS} | set(budget.loc[budget["line"].isin(list(leads)), "channel"]) - {""}
    first = ~stages.duplicated("channel")
    for position in np.flatnonzero(first & ~stages["channel"].isin(list(fed))):
        channel = str(stages["channel"].iloc[position])
        says = _("No budget line with leads in yields feeds this channel; nobody enters it.") + did_you_mean(
            channel, fed
        )
        report.add("warning", "funnel", "idle", says, position=int(position), column="channel", value=channel)
    lost = (budget["channel"] != "") & ~budget["channel"].isin(list(stages["channel"]))
    says = _("The funnel has no such channel; the leads of this line win nobody.")
    report.cells("warning", "budget", "idle", says, budget, lost, "channel")


def _check_yields(frames: Frames, report: Report) -> None:
    yields = frames["yields"]
    known = {
        "budget": set(frames["budget"]["line"]),
        "tiers": set(frames["tiers"]["tier"]),
        "products": set(frames["products"]["product"]),
    }
    check_sources(yields, "yields", "source", known, report)
    says = _("The engine has a metric of this name already. Choose another name.")
    report.cells("error", "yields", "reserved", says, yields, yields["metric"].isin(METRICS), "metric")


def _check_thresholds(frames: Frames, report: Report) -> None:
    """Find scopes that no check reads, and industries that no client has."""
    rows, known = frames["thresholds"], set(frames["clients"]["industry"]) - {""}
    for position in np.flatnonzero(rows["scope"] != ""):
        check, text = (str(rows[c].iloc[position]) for c in ("check", "scope"))
        try:
            scope = parse_scope(text)
        except ValueError:
            continue  # the type check has said so
        strange = sorted(set(scope.get("industry", ())) - known)
        says = ""
        if check != "new_segments" or set(scope) != {"industry"}:
            says = _("Only new_segments reads a scope, and of it only industry, such as industry=biotech.")
        elif strange:
            says = _("No client is of the industry {name}.").format(name=strange[0]) + did_you_mean(strange[0], known)
        if says:
            report.add("error", "thresholds", "scope", says, position=int(position), column="scope", value=text)


def _check_cuts(table: str, says: str, frames: Frames, report: Report) -> None:
    """Find rows of a table whose rep is not in their unit."""
    rows, reps = frames[table], frames["reps"]
    above = chains(frames["units"])
    home = dict(zip(reps["rep"], reps["unit"], strict=True))
    for position, (unit, rep) in enumerate(zip(rows["unit"], rows["rep"], strict=True)):
        if unit in above and rep in home and unit not in above.get(home[rep], ()):
            told = says.format(home=home[rep], unit=unit)
            report.add("error", table, "nothing", told, position=position, column="rep", value=rep)
