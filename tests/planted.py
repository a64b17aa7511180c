"""Mistakes in plans, and in the input beside them, each with the rule of sections 1 to 5 that must find it."""

from __future__ import annotations

import pandas as pd
from planting import APRIL, JUNE, LEVELS, MAY, Change, Planted, set_to, twice, without

COMMISSIONS = ("commission_80", "commission_100", "commission_120")
MOVED = ("total", "teams", "south", "reps")
TARGETS = "total mix seen cash money new market reach covered deals profits busy result"


def shift(scope: str, factor: float = 2.0) -> Change:
    """Let what a scope holds buy twice as much, or by another factor."""
    return lambda _frame: pd.DataFrame([{"shift": "s", "scope": scope, "from": "", "to": "", "factor": factor}])


PLANTED: list[Planted] = [
    # plan, file, what is changed, the rule that must speak
    ("busy", "forecast", lambda f: f.drop(columns="lost"), "A run has all its files and columns"),
    ("busy", "forecast", set_to("sell", float("nan"), group="ga"), "Every number in a file is a number"),
    ("busy", "effort", set_to("planned", "many", group="ga"), "Every number in a file is a number"),
    ("busy", "forecast", set_to("product", "deals", product="deal"), "Every name in a file is one of the model"),
    ("busy", "quotas", set_to("month", "2026-07", month=JUNE), "Every name in a file is one of the model"),
    ("busy", "won", set_to("channel", "fair", channel="web"), "Every name in a file is one of the model"),
    ("busy", "forecast", twice(group="gq", month=MAY), "No row stands twice"),
    ("busy", "quotas", twice(rep="ann", month=MAY), "No row stands twice"),
    ("busy", "assignments", without(client="free"), "Every client belongs to one group"),
    ("busy", "assignments", set_to("group", "gq", client="a1", rep="bob"), "Every client belongs to one group"),
    ("busy", "assignments", set_to("group", "gc", client="q1"), "Clients of a group cannot be told apart"),
    ("busy", "assignments", set_to("group", "gp", client="a1"), "Clients of a group cannot be told apart"),
    ("moved", "assignments", set_to("group", "g1", client="a2"), "Clients of a group cannot be told apart"),
    ("busy", "assignments", set_to("rep", "cho", client="a1", rep="ann"), "A client stays with its owner"),
    ("busy", "assignments", without(client="a1", rep="bob"), "A client whose owner leaves goes to the backup"),
    ("busy", "assignments", set_to("backup", "", client="c1"), "A client whose owner leaves goes to the backup"),
    (
        "moved",
        "assignments",
        set_to("rep", "mia", client="a1", rep="lee"),
        "A client whose owner leaves goes to the backup",
    ),
    ("moved", "assignments", set_to("backup", "mia", client="a1"), "A client whose owner leaves goes to the backup"),
    ("busy", "assignments", set_to("group", "ga", client="free"), "An assigned client suits its rep"),
    ("busy", "effort", without(group="gq", month=MAY), "Every group has a row for every month"),
    ("busy", "effort", set_to("rep", "bob", group="ga", month=MAY), "A group's effort stands under its owner and tier"),
    ("busy", "effort", set_to("tier", "Q", group="ga", month=MAY), "A group's effort stands under its owner and tier"),
    ("busy", "forecast", set_to("product", "extra", group="gc"), "Only what a client demands is forecast"),
    ("busy", "assignments", set_to("from", "2026-05-31", rep="bob", client="a1"), "A client has one rep a day"),
    ("busy", "assignments", set_to("to", "end of May", rep="ann"), "A client has one rep a day"),
    ("busy", "effort", set_to("hours_available", "+4", group="ga"), "Hours available are those of the calendar"),
    ("busy", "effort", set_to("promised", "+1", group="gq"), "Promised visits are those of the tier"),
    ("busy", "effort", set_to("minutes", "-30", group="gp", month=APRIL), "Minutes are those of visits and of winning"),
    ("moved", "effort", set_to("promised", 2.0, group="g2"), "Promised visits are those of the tier"),
    ("busy", "effort", set_to("planned", -1.0, group="gc", month=MAY), "No visit, client or amount is negative"),
    ("busy", "won", set_to("won", -0.1, channel="web", month=JUNE), "No visit, client or amount is negative"),
    ("busy", "effort", set_to("planned", 3.0, group="gq"), "Effort ends where its curve ends"),
    ("busy", "effort", set_to("planned", 11.0, group="ga", month=APRIL), "Effort ends where its curve ends"),
    ("busy", "effort", set_to("planned", 1.0, group="gn"), "Nobody visits or wins a client without a rep"),
    (
        "moved",
        "effort",
        set_to("planned", 1.0, group="g3", month="2026-05"),
        "A client is visited in months in which it is one",
    ),
    ("busy", "effort", set_to("planned", 85.0, group="ga", month=APRIL), "A month's hours hold"),
    ("busy", "effort", set_to("first_visits", "+50", group="gp", month=APRIL), "A month's hours hold"),
    ("pocket", "effort", set_to("planned", 6.1, group="g2", month=MAY), "A month's hours hold"),
    ("busy", "effort", set_to("planned", "+25", group="gc", month=APRIL), "A day holds so many visits"),
    ("busy", "effort", set_to("executive", 0.9, group="gq", month=MAY), "Promised executive visits are made"),
    ("busy", "effort", set_to("executive", 1.3, group="gq", month=APRIL), "An executive visit is a visit"),
    ("busy", "effort", set_to("executive", 1.4, group="gq", month=MAY), "Shared pools are shared"),
    ("busy", "forecast", set_to("contracts", 3.0, product="deal", month=MAY), "Shared pools are shared"),
    ("busy", "won", set_to("rep", "ann", month=MAY), "A won client stands under the month's carrier"),
    ("busy", "effort", set_to("first_visits", 1.0, group="ga"), "Only prospects and lost clients are won"),
    ("busy", "won", set_to("group", "ga", channel="web"), "Only prospects and lost clients are won"),
    ("busy", "effort", set_to("won", "+0.1", group="gp"), "Clients won are those of all channels"),
    ("busy", "won", set_to("won", 4.0, channel="web", month=APRIL), "A client is won once"),
    ("busy", "effort", set_to("first_visits", 4.1, group="gp", month=APRIL), "First visits go to each client once"),
    ("busy", "won", set_to("entered", "+1", channel="visits"), "What enters a channel are first visits or leads"),
    ("busy", "won", set_to("entered", "+1", channel="web"), "What enters a channel are first visits or leads"),
    ("busy", "won", set_to("unit", "west", channel="web"), "Leads of a unit win clients of the unit"),
    ("busy", "won", set_to("won", 0.1, channel="visits", month=APRIL), "New clients come through the funnel"),
    ("busy", "won", set_to("won", 0.6, channel="web", month=MAY), "New clients come through the funnel"),
    ("busy", "forecast", set_to("rep", "ann", group="ga", month=JUNE), "A forecast counts for the month's carrier"),
    ("moved", "forecast", set_to("rep", "mia", group="g1", month=MAY), "A forecast counts for the month's carrier"),
    ("busy", "forecast", set_to("lost", -1.0, group="gq", month=MAY), "No forecast is negative"),
    ("busy", "lift", set_to("lift", -1.0, month=MAY), "No forecast is negative"),
    ("busy", "supply", set_to("delivered", -1.0, source="own", month=MAY), "No forecast is negative"),
    ("busy", "forecast", set_to("curve", "+1", group="gc", month=MAY), "The curve is followed"),
    ("busy", "forecast", set_to("curve", "+1", group="gp", month=MAY), "The curve is followed"),
    ("busy", "forecast", without(group="gc", month=JUNE), "The curve is followed"),
    ("moved", "forecast", set_to("curve", 600.0, group="g2", month=APRIL), "The curve is followed"),
    ("moved", "forecast", set_to("curve", 200.0, group="g4"), "The curve is followed"),
    ("busy", "effort", set_to("planned", "-0.001", group="gq", month=JUNE), "The curve is followed"),
    ("busy", "forecast", set_to("sell", "+1", group="gc", month=MAY), "What sells is curve, lift and what is lost"),
    ("busy", "forecast", set_to("sell", "+1", product="deal", month=MAY), "What sells is curve, lift and what is lost"),
    ("busy", "forecast", set_to("contracts", 1.1, product="deal", month=MAY), "A large contract is whole"),
    ("busy", "forecast", set_to("contracts", 1.0, product="deal", month=APRIL), "A large contract is whole"),
    ("busy", "forecast", set_to("contracts", 3.0, product="deal", month=MAY), "A large contract waits for its demand"),
    ("busy", "forecast", set_to("contracts", 2.0, product="deal", month=JUNE), "A large contract waits for its demand"),
    ("busy", "forecast", set_to("lift", 5.0, product="deal"), "A large product has neither lift nor loss"),
    ("busy", "forecast", set_to("contracts", "+1", group="gp"), "Contracts are sales by contract value"),
    ("busy", "forecast", set_to("contracts", float("nan"), group="gp"), "Contracts are sales by contract value"),
    ("busy", "forecast", set_to("lift", "+152", group="ga", month=MAY), "The market has a ceiling"),
    ("moved", "forecast", set_to("lift", 401.0, group="g2", month=MAY), "The market has a ceiling"),
    ("busy", "forecast", set_to("lost", 601.0, group="ga", month=MAY), "Only what sells can be lost"),
    ("plain", "forecast", set_to("lost", 1.0, group="g3"), "Sales are lost only where something limits them"),
    ("busy", "forecast", set_to("lift", "+1", group="ga", month=MAY), "Lift of the forecast is that of the pools"),
    ("busy", "lift", set_to("unit", "west"), "Lift goes to active groups and products on sale of its pool"),
    ("busy", "lift", set_to("group", "gp"), "Lift goes to active groups and products on sale of its pool"),
    ("busy", "lift", set_to("line_product", "basic"), "Lift goes to active groups and products on sale of its pool"),
    ("busy", "lift", set_to("lift", 101.0, month=APRIL), "A line's lift is sold once"),
    ("busy", "budget", set_to("spend", 0.0, line="push", month=APRIL), "A line's lift is sold once"),
    ("pocket", "budget", set_to("spend", 9999.0, month=JUNE), "A line's lift is sold once"),
    ("busy", "supply", set_to("delivered", 701.0, source="own", month=MAY), "A source delivers no more than it has"),
    ("busy", "supply", set_to("source", "other", source="partner"), "A source delivers no more than it has"),
    ("busy", "supply", without(source="partner", month=JUNE), "Only what can be delivered is sold"),
    ("busy", "budget", without(line="ads", month=MAY), "Every budget line has a row for every month of its window"),
    ("busy", "budget", set_to("spend", 1.0, line="ads", month=JUNE), "A budget line keeps its window and its limits"),
    ("busy", "budget", set_to("spend", 49.0, line="ads"), "A budget line keeps its window and its limits"),
    ("busy", "budget", set_to("spend", 501.0, line="ads"), "A budget line keeps its window and its limits"),
    ("busy", "budget", set_to("headroom", "+1", line="push"), "A budget line's row shows its total and its limits"),
    ("busy", "budget", set_to("category", "x", line="push"), "A budget line's row shows its total and its limits"),
    *(
        ("busy", "effects", set_to(c, "+1", rep="bob", month=JUNE), "A rep's months show the effects of the plan")
        for c in ("prospects new_clients contracts collections commission lift " + " ".join(COMMISSIONS)).split()
    ),
    ("busy", "effects", without(rep="cho", month=MAY), "A rep's months show the effects of the plan"),
    ("busy", "targets", without(target="new", each="month=2026-05"), "Every target and repetition is listed"),
    ("busy", "targets", without(target="mix", bound="at_most"), "Every target and repetition is listed"),
    ("busy", "targets", set_to("each", "rep=hq", each="rep=ann"), "Every target and repetition is listed"),
    ("busy", "targets", set_to("metric", "profit", target="total"), "A target's row says what its target says"),
    ("busy", "targets", set_to("priority", "1", target="cash"), "A target's row says what its target says"),
    ("busy", "targets", set_to("required", "+1", target="money"), "A target asks for its bound"),
    *(
        ("busy", "targets", set_to("planned", "+1", target=t), "A target's metric is recomputed")
        for t in TARGETS.split()
    ),
    ("busy", "targets", set_to("gap", 0.0, target="mix"), "A target is reached, or its miss is counted"),
    (
        "busy",
        "targets",
        set_to("status", "met", target="mix", bound="at_least"),
        "A target's status is that of its gap",
    ),
    ("busy", "targets", set_to("status", "missed", target="total"), "A target's status is that of its gap"),
    ("busy", "forecast", set_to("sell", "-100", group="ga", month=JUNE), "Hard targets hold"),
    ("busy", "quotas", set_to("exact", -1.0, rep="cho", month=MAY), "No quota is negative"),
    ("busy", "quotas", set_to("quota", -1.0, rep="cho", month=MAY), "No quota is negative"),
    ("busy", "quotas", set_to("unit", "hq", rep="cho"), "A quota stands under the rep's unit"),
    ("busy", "quotas", set_to("level", "top", level="ceiling"), "A quota has one of the three levels"),
    ("busy", "quotas", set_to("month", JUNE, rep="ann", month=MAY), "Quotas stand where a rep can be asked"),
    ("moved", "quotas", set_to("month", MAY, rep="kim", level="ceiling"), "Quotas stand where a rep can be asked"),
    *(
        ("busy", "quotas", without(rep="cho", month=MAY, level=level), "Every forecast of a rep has its quota")
        for level in LEVELS
    ),
    *(
        (
            "busy",
            "quotas",
            set_to("forecast", "+1", rep="ann", level=x),
            "A quota's forecast is what the carrier's groups buy",
        )
        for x in LEVELS
    ),
    *(
        ("busy", "quotas", set_to("beyond", 1.0, rep="ann", level=x), "Only pins and floors ask beyond the forecast")
        for x in LEVELS
    ),
    *(
        ("busy", "quotas", set_to("exact", "+1", rep="ann", level=x), "Base and stretch can be reached")
        for x in ("base", "stretch")
    ),
    (
        "moved",
        "quotas",
        set_to("beyond", 5.5, rep="lee", month=MAY, level="stretch"),
        "Base and stretch can be reached",
    ),
    *(
        ("busy", "quotas", set_to(c, "-1", rep="ann", month=MAY, level=x), "Base ≤ stretch ≤ ceiling")
        for c in ("exact", "quota")
        for x in ("stretch", "ceiling")
    ),
    ("busy", "quotas", set_to("exact", "+29", rep="ann", month=APRIL, level="ceiling"), "The ceiling is the market's"),
    ("busy", "quotas", set_to("exact", "+1001", rep="bob", product="deal", month=MAY), "The ceiling is the market's"),
    ("moved", "quotas", set_to("exact", 751.0, rep="kim", level="ceiling"), "The ceiling is the market's"),
    ("moved", "quotas", set_to("exact", 901.0, rep="mia", month=MAY, level="ceiling"), "The ceiling is the market's"),
    *(
        (
            "busy",
            "quotas",
            set_to("exact", "+1", rep="cho", month=m, level="ceiling"),
            "Only what can be delivered is asked",
        )
        for m in (MAY, JUNE)
    ),
    ("busy", "quotas", set_to("exact", 499.0, rep="bob", month=APRIL, level="base"), "Pins, floors and caps hold"),
    ("busy", "quotas", set_to("exact", 99.0, rep="cho", level="base"), "Pins, floors and caps hold"),
    ("busy", "quotas", set_to("exact", 601.0, rep="ann", level="base"), "Pins, floors and caps hold"),
    ("moved", "quotas", set_to("exact", 604.0, rep="lee", month=MAY, level="stretch"), "Pins, floors and caps hold"),
    ("moved", "quotas", set_to("exact", 851.0, rep="mia", month=MAY, level="ceiling"), "Pins, floors and caps hold"),
    (
        "busy",
        "quotas",
        set_to("exact", 20000.0, rep="bob", month=MAY, level="base"),
        "Commission fits the incentive line",
    ),
    *(
        ("busy", "asked", without(target="mix", level=x, bound="at_most"), "Every need of a level is listed")
        for x in LEVELS
    ),
    ("moved", "asked", without(target="reps", each="rep=mia", level="base"), "Every need of a level is listed"),
    ("moved", "asked", without(target="teams", each="unit=north", level="ceiling"), "Every need of a level is listed"),
    ("moved", "asked", set_to("each", "rep=hq", each="rep=kim", level="base"), "Every need of a level is listed"),
    ("busy", "asked", set_to("priority", "1", target="mix"), "A need's row says what its target says"),
    ("busy", "asked", set_to("period", "2026-05", target="mix"), "A need's row says what its target says"),
    ("busy", "asked", set_to("scope", "", target="mix"), "A need's row says what its target says"),
    *(
        ("busy", "asked", set_to("required", "+1", target="total", level=x), "A need asks for its bound")
        for x in LEVELS
    ),
    *(("busy", "asked", set_to("required", "+1", target="mix", level=x), "A need asks for its bound") for x in LEVELS),
    ("busy", "asked", set_to("required", 5500.0, target="total", level="ceiling"), "A need asks for its bound"),
    *(("moved", "asked", set_to("asked", "+1", target=t), "What is owed of a need is recomputed") for t in MOVED),
    # what all reps are asked for, without their hedges
    ("moved", "asked", set_to("asked", 1800.0, target="total", level="base"), "What is owed of a need is recomputed"),
    ("moved", "asked", set_to("asked", 700.0, target="south", level="base"), "What is owed of a need is recomputed"),
    # with the hedge of a unit above the one that owes
    ("moved", "asked", set_to("asked", 466.67, target="south", level="base"), "What is owed of a need is recomputed"),
    ("busy", "asked", set_to("gap", 0.0, target="mix", bound="at_least"), "What is asked is what the company needs"),
    ("busy", "asked", set_to("gap", "-1", target="total", level="stretch"), "What is asked is what the company needs"),
    ("moved", "asked", set_to("gap", 1.0, target="teams", each="unit=hq"), "What is asked is what the company needs"),
    *(
        ("plain", "quotas", set_to("exact", "-1", rep="li", level=x), "What the forecast carries is asked")
        for x in ("base", "stretch")
    ),
    *(
        ("plain", "quotas", set_to("exact", "+1", rep="li", level=x), "No more is asked than the company needs")
        for x in ("base", "ceiling")
    ),
]

INPUT: list[Planted] = [
    # plan, table, what is changed, the rule that must speak
    ("busy", "leave", set_to("to", pd.Timestamp("2026-04-09")), "Hours available are those of the calendar"),
    ("busy", "activities", set_to("per", "month"), "Hours available are those of the calendar"),
    (
        "busy",
        "calendar",
        set_to("working", True, date=pd.Timestamp("2026-06-19")),
        "Hours available are those of the calendar",
    ),
    ("busy", "reps", set_to("end", pd.NaT, rep="ann"), "A forecast counts for the month's carrier"),
    ("busy", "reps", set_to("backup", "", rep="cho"), "A forecast counts for the month's carrier"),
    ("busy", "reps", set_to("ramp_months", 2, rep="cho"), "The curve is followed"),
    ("busy", "reps", set_to("visits_per_day", 0.5, rep="bob"), "A day holds so many visits"),
    ("busy", "tiers", set_to("per", "month", tier="W"), "Promised visits are those of the tier"),
    ("busy", "tiers", set_to("per", "year", tier="Q"), "Promised visits are those of the tier"),
    ("busy", "tiers", set_to("visit_cost", 2.0, tier="W"), "A target's metric is recomputed"),
    ("busy", "clients", set_to("count", 3, client="a1"), "The curve is followed"),
    ("busy", "clients", set_to("status", "active", client="pr"), "Only prospects and lost clients are won"),
    ("busy", "demand", set_to("ceiling", 945.0 / 1.1, client="q1", product="basic"), "The market has a ceiling"),
    ("busy", "responses", set_to("sales", 1.2, driver="Q", effort=1.5), "The curve is followed"),
    ("busy", "responses", set_to("carry_months", 2, driver="push"), "A line's lift is sold once"),
    ("busy", "products", set_to("launch", pd.NaT, product="deal"), "The curve is followed"),
    ("busy", "products", set_to("margin", 0.4, product="basic"), "A target's metric is recomputed"),
    ("busy", "collection", set_to("lag_months", 1, tier="Q"), "A rep's months show the effects of the plan"),
    (
        "busy",
        "commission",
        set_to("attainment_from", 0.9, grade="junior", rate=0.2),
        "A rep's months show the effects of the plan",
    ),
    ("busy", "funnel", set_to("days", 5, channel="visits"), "New clients come through the funnel"),
    ("busy", "funnel", set_to("conversion", 0.09, channel="web"), "New clients come through the funnel"),
    ("busy", "funnel", set_to("minutes", 20, channel="web"), "Minutes are those of visits and of winning"),
    ("busy", "yields", set_to("amount", 0.04, source="ads"), "New clients come through the funnel"),
    ("busy", "budget", set_to("from", "2026-05", line="ads"), "A budget line keeps its window and its limits"),
    ("busy", "budget", set_to("unit", "west", line="ads"), "New clients come through the funnel"),
    (
        "busy",
        "budget",
        set_to("unit", "west", line="push"),
        "Lift goes to active groups and products on sale of its pool",
    ),
    ("busy", "resources", set_to("hours", 4.0, month="2026-05"), "Shared pools are shared"),
    ("busy", "needs", set_to("hours", 5.0, product="deal"), "Shared pools are shared"),
    ("busy", "supply", set_to("maximum", 299.0, source="partner"), "A source delivers no more than it has"),
    ("busy", "supply", set_to("unit_cost", 0.2, source="partner"), "A target's metric is recomputed"),
    ("busy", "market", set_to("size", 90000.0), "A target's metric is recomputed"),
    ("busy", "targets", lambda f: f.assign(each=[("rep", "month")] * len(f)), "Every target and repetition is listed"),
    ("busy", "targets", set_to("share_of", "profit", target="money"), "A target asks for its bound"),
    ("busy", "pins", set_to("amount", 501.0), "Pins, floors and caps hold"),
    ("busy", "reps", set_to("quota_min", 226.0, rep="cho"), "Pins, floors and caps hold"),
    ("busy", "reps", set_to("quota_max", 1071.0, rep="ann"), "Pins, floors and caps hold"),
    (
        "busy",
        "supply",
        set_to("maximum", 699.0, source="own", month="2026-05"),
        "A source delivers no more than it has",
    ),
    ("busy", "demand", set_to("ceiling", 855.0, client="a1"), "The ceiling is the market's"),
    ("busy", "shifts", shift("unit=west; product=extra"), "The curve is followed"),  # of a client without a rep
    ("busy", "shifts", shift("grade=senior"), "The curve is followed"),
    ("busy", "shifts", shift("status=prospect"), "The curve is followed"),
    ("busy", "shifts", shift("product=basic", 0.0), "Lift goes to active groups and products on sale of its pool"),
    ("moved", "clients", set_to("backup", "", client="a1"), "A forecast counts for the month's carrier"),
    ("moved", "clients", set_to("backup", "lee", client="a2"), "A client whose owner leaves goes to the backup"),
    ("moved", "clients", set_to("since", pd.Timestamp("2026-04-23"), client="a2"), "The curve is followed"),
    (
        "moved",
        "clients",
        set_to("since", pd.Timestamp("2026-04-21"), client="a2"),
        "Promised visits are those of the tier",
    ),
    ("moved", "clients", set_to("since", pd.Timestamp("2026-04-07"), client="a1"), "The ceiling is the market's"),
    ("moved", "clients", set_to("lost_on", pd.Timestamp("2026-04-10"), client="b1"), "The curve is followed"),
    ("moved", "clients", set_to("lost_on", pd.Timestamp("2026-05-29"), client="b2"), "The curve is followed"),
    ("moved", "clients", set_to("area", "hot", client="a1"), "The curve is followed"),
    ("moved", "shifts", set_to("factor", 1.4, shift="warm"), "The curve is followed"),
    ("moved", "shifts", set_to("from", "", shift="warm"), "The curve is followed"),
    ("moved", "shifts", set_to("to", "", shift="slow"), "The curve is followed"),
    ("moved", "shifts", set_to("scope", "unit=hq", shift="slow"), "The curve is followed"),
    ("moved", "shifts", set_to("scope", "rep=kim", shift="slow"), "The curve is followed"),
    ("moved", "shifts", set_to("scope", "product=lead", shift="slow"), "The curve is followed"),
    ("moved", "pins", set_to("level", "base", level="stretch"), "Pins, floors and caps hold"),
    ("moved", "pins", set_to("rep", "kim", level="ceiling"), "Pins, floors and caps hold"),
    ("moved", "targets", set_to("scope", "unit=north", target="south"), "What is owed of a need is recomputed"),
    ("moved", "targets", set_to("level", "stretch", target="total"), "Every need of a level is listed"),
]
