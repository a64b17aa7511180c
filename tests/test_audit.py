"""The audit finds nothing in plans worked out by hand, and each mistake planted in them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from audited import Frames, busy, busy_model, pocket, pocket_model
from moved import moved, moved_model

import allocator.auditing
from allocator.auditing import COLUMNS, Audit, audit, goals, kpis, read_run
from allocator.model import Model
from allocator.texts import in_language

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """Models by name; ``plain`` is the pocket model with nothing that shapes quotas but the company's revenue."""
    small = pocket_model()
    targets = small["targets"]
    tables = {**small.tables, "targets": targets[targets["share_of"] == ""].reset_index(drop=True)}
    plain = dataclasses.replace(small, tables=tables)
    made = tmp_path_factory.mktemp("made")
    return {"pocket": small, "busy": busy_model(made / "busy"), "moved": moved_model(made / "moved"), "plain": plain}


def plan(name: str) -> Frames:
    """Output files of a model, worked out by hand."""
    frames = {"busy": busy, "moved": moved}.get(name, pocket)()
    if name == "plain":
        for file in ("targets", "asked"):
            frames[file] = frames[file][frames[file]["target"] != "iot_share"]
    return frames


def rules(found: Audit) -> set[str]:
    """Rules that do not hold."""
    return set(found.violations["rule"])


@pytest.mark.parametrize("name", ["pocket", "busy", "moved", "plain"])
def test_plans_by_hand_are_clean(models: dict[str, Model], name: str) -> None:
    """Proves that the audit accepts plans derived with a pencil, to rounding of the last digit."""
    found = audit(models[name], plan(name))
    assert found.violations.empty, "\n".join(found.violations["sentence"])
    assert found.largest_residual < 1e-12
    assert found.rules == len(found.checks) > 60


def test_every_rule_has_something_to_check(models: dict[str, Model]) -> None:
    """Proves that no rule of the audit is idle in all the plans, so that none can pass by checking nothing."""
    checked = pd.concat([audit(models[n], plan(n)).checks for n in models]).groupby("rule")["rows"].sum()
    assert checked[checked == 0].empty


def set_to(column: str, value: Any, **where: Any) -> Change:
    """Set a column of the rows that match; a number is added if it is a text that begins with a sign."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        at = matching(frame, where)
        if isinstance(value, str) and value[:1] in "+-" and frame[column].dtype.kind == "f":
            frame.loc[at, column] += float(value)
            return frame
        if isinstance(value, str) and frame[column].dtype.kind == "f":
            frame[column] = frame[column].astype(object)
        frame.loc[at, column] = value
        return frame

    return change


def without(**where: Any) -> Change:
    """Leave out the rows that match."""
    return lambda frame: frame[~matching(frame, where)]


def twice(**where: Any) -> Change:
    """Repeat the rows that match."""
    return lambda frame: pd.concat([frame, frame[matching(frame, where)]])


def matching(frame: pd.DataFrame, where: dict[str, Any]) -> pd.Series[bool]:
    """Rows whose cells are as given; at least one."""
    at = pd.Series(True, index=frame.index)
    for column, value in where.items():
        at &= frame[column] == value
    assert at.any(), where
    return at


APRIL, MAY, JUNE = "2026-04", "2026-05", "2026-06"
COMMISSIONS = ("commission_80", "commission_100", "commission_120")
LEVELS = ("base", "stretch", "ceiling")
MOVED = ("total", "teams", "south", "reps")
TARGETS = "total mix seen cash money new market reach covered deals profits busy result"

PLANTED: list[tuple[str, str, Change, str]] = [
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


@pytest.mark.parametrize("i", range(len(PLANTED)), ids=[f"{p[1]}-{i}" for i, p in enumerate(PLANTED)])
def test_planted_mistake_is_found(models: dict[str, Model], i: int) -> None:
    """Proves that one changed number, row or column of an output file is found by the rule it breaks."""
    name, file, change, rule = PLANTED[i]
    frames = plan(name)
    frames[file] = change(frames[file])
    found = audit(models[name], frames)
    assert rule in rules(found)
    assert found.largest_residual > 1e-6


def test_every_rule_has_a_planted_mistake(models: dict[str, Model]) -> None:
    """Proves that no rule of the audit is without a mistake that it finds."""
    checked = {rule for name in models for rule in audit(models[name], plan(name)).checks["rule"]}
    assert checked == {rule for _name, _file, _change, rule in PLANTED}


INPUT: list[tuple[str, str, Change, str]] = [
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


@pytest.mark.parametrize("i", range(len(INPUT)), ids=[f"{p[1]}-{i}" for i, p in enumerate(INPUT)])
def test_changed_input_is_noticed(models: dict[str, Model], i: int) -> None:
    """Proves that the audit reads each of these inputs: with another value the same files do not fit."""
    name, table, change, rule = INPUT[i]
    model = models[name]
    assert rule in rules(audit(with_table(model, table, change(model[table])), plan(name)))


def with_table(model: Model, name: str, table: pd.DataFrame) -> Model:
    """Return the model with another table."""
    return dataclasses.replace(model, tables={**model.tables, name: table})


def test_leads_of_a_unit_above_count(models: dict[str, Model]) -> None:
    """Proves that leads of the top unit win clients of the units below it."""
    budget, frames = models["busy"]["budget"], busy()
    above = with_table(models["busy"], "budget", set_to("unit", "hq", line="ads")(budget))
    frames["won"] = set_to("unit", "hq", channel="web")(frames["won"])
    assert audit(above, frames).violations.empty


def test_key_figures_are_those_worked_out_by_hand(models: dict[str, Model]) -> None:
    """Proves the key figures: 5,072 of sales; cash with 200 from March; 2 and 14 promised visits not made."""
    figures = kpis(models["busy"], busy())
    assert figures == pytest.approx(
        {
            "revenue": 5072,
            "profit": 0.5 * 3042 + 0.3 * 2000,
            "contribution": 2121 - 514.25 - 600 - (28 + 26 + 3 + 37.5) - 74.2,
            "spend": 600,
            "commission": 25 + 28.6 + 58.2 + 162.36 + 228.84 + 3.75 + 7.5,
            "collections": 1072 + 878.2 + 165 + 200 + 26,
            "new_clients": 2.1,
            "visits_promised": 28 + 28 + 3 + 14,
            "visits_planned": 28 + 26 + 3.75,
        },
        rel=1e-12,
    )


def quota_goals(
    level: str, beyond: float, gaps: list[float], total: float, unfair: float, peak: float
) -> dict[str, float]:
    """Goals of the quotas of a level; each priority has one gap."""
    of = {f"gap {k + 1} {kind}": gap for k, gap in enumerate(gaps) for kind in ("largest", "sum")}
    of |= {"beyond": beyond, "total": total, "unfair": unfair, "peak": peak}
    return {f"{level} {name}": value for name, value in of.items()}


def test_goals_are_those_worked_out_by_hand(models: dict[str, Model]) -> None:
    """Proves the goals: relative misses, of a share at expected demand, of an overrun of 50 on 250.

    Ann carries ceilings of 1,200, bob of 5,800, cho of 500, so ann is asked for too much, the west for too little; bob's June is a peak.
    Stretch cannot ask for more than base, but needs more; the ceiling asks ann for 100 more, bob for 743 (43 of it in June).
    """
    values = goals(models["busy"], busy())
    mix = 102.64 / (0.62 * (1200 + 900 + 2400 + 150 + 75 + 150 + 30))
    asked = (0.62 * 5057 - 3057) / (0.62 * 5042)
    unfair = (1072 - 1.1 * 4832 * 1200 / 7000) + (0.9 * 5057 * 500 / 7500 - 225)
    peak = 907 - 1.5 * 1760 / 3
    assert values == pytest.approx(
        {
            "visits": 16 / 73,
            "base 1 largest": 0.2,
            "base 1 sum": 0.2,
            "base 2 largest": 0.8,
            "base 2 sum": 0.1 + 0.8 + mix,
            "base 3 largest": 0.2,
            "base 3 sum": 2 * (0.1 + 0.2),
            "base 4 largest": 7.5 / 120,
            "base 4 sum": 7.5 / 120,
            "stretch 1 largest": 0,
            "stretch 1 sum": 0,
            "contribution": 838.05,
            **quota_goals("base", 15, [0, asked], 5057, unfair, peak),
            **quota_goals("stretch", 15, [443 / 5500, asked], 5057, unfair, peak),
            **quota_goals(
                "ceiling",
                0,
                [100 / 6000, (0.62 * 5900 - 3200) / (0.62 * 5042)],
                5900,
                (1172 - 1.1 * 5675 * 1200 / 7000) + (0.9 * 5900 * 500 / 7500 - 225),
                950 - 1.5 * 1803 / 3,
            ),
        },
        rel=1e-12,
    )
    assert goals(models["pocket"], pocket())["base 2 largest"] == pytest.approx(1 / 120)


def test_goals_of_hedged_quotas_are_those_worked_out_by_hand(models: dict[str, Model]) -> None:
    """Proves goals with hedges: of 1,830.60 the company is owed two thirds; gaps of other needs are 0 at every level.

    Kim carries ceilings of 1,350 on average, mia of 900, lee of 1,750. Bands of a tenth leave unfair at base 160 − 66 and 160 − 44 in
    the north, 87.5 − 78.75 for the south. Kim is in post for April alone, so for her no month is a peak.
    """
    largest = (1320 - 1830.6 / 1.5) / 1320
    north, south, year = 1550.25, 855.75, 2406.0
    unfair = 2 * (0.6 * north - 700) - 0.1 * north + 2 * (0.4375 * year - south) - 0.1 * year
    by_hand = {
        **quota_goals("base", 0, [0, 0, 0, 0], 1800, 94 + 116 + 8.75, (575 - 525) + (600 - 450)),
        **quota_goals("stretch", 5.6, [largest, 0, 0, 0], 1830.6, 94 + 116, (605.6 - 0.75 * 730.6) + (600 - 450)),
        **quota_goals("ceiling", 0, [0, 0, 0, 0], year, unfair, (705.5 - 0.75 * south) + 0.25 * 850.25),
    }
    found = goals(models["moved"], moved())
    assert {name: found[name] for name in by_hand} == pytest.approx(by_hand, rel=1e-12)


def test_files_read_back_to_the_same_doubles(models: dict[str, Model], tmp_path: Path) -> None:
    """Proves that the audit of files is the audit of the frames: numbers exact, codes as text, blanks as blanks."""
    frames = busy()
    frames["forecast"]["sell"] *= 1 / 3  # no short decimal
    for name, table in frames.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    back = read_run(tmp_path)
    assert set(back) == set(frames)
    assert (back["forecast"]["sell"] == frames["forecast"]["sell"]).all()
    one, two = audit(models["busy"], frames), audit(models["busy"], back)
    assert one.violations["sentence"].tolist() == two.violations["sentence"].tolist()
    assert one.largest_residual == two.largest_residual > 0.1


def test_order_of_rows_and_kind_of_text_do_not_matter(models: dict[str, Model]) -> None:
    """Proves that shuffled rows and categorical columns are audited alike."""
    frames = {n: t.sample(frac=1, random_state=7).reset_index(drop=True) for n, t in busy().items()}
    for name in ("forecast", "quotas"):
        frames[name] = frames[name].astype({"product": "category", "month": "category", "rep": "category"})
    assert audit(models["busy"], frames).violations.empty


SPOILED = [
    *((file, how) for file in COLUMNS for how in ("missing", "empty", "text", "infinite", "unknown")),
    *((file, c) for file, x in COLUMNS.items() for c in (*x.key, *x.texts, *x.numbers, *x.blanks)),
]


@pytest.mark.parametrize(("file", "how"), SPOILED)
def test_spoiled_files_are_violations_and_no_crash(models: dict[str, Model], file: str, how: str) -> None:
    """Proves that a file that is missing, empty, full of rubbish or short of a column is reported, whatever it is."""
    frames, columns = busy(), COLUMNS[file]
    table, numbers = frames[file], (*columns.numbers, *columns.blanks)
    if how == "missing":
        del frames[file]
    elif how == "empty":
        frames[file] = table.iloc[:0]
    elif how in table:
        frames[file] = table.drop(columns=how)
    elif how == "unknown" or not numbers:
        frames[file] = table.assign(**dict.fromkeys(columns.key, "?"))
    else:
        frames[file] = table.assign(**dict.fromkeys(numbers, "x" if how == "text" else float("inf")))
    assert not audit(models["busy"], frames).clean


def test_nothing_at_all_is_a_violation(models: dict[str, Model]) -> None:
    """Proves that a run without files is not clean, and that its figures are still numbers."""
    assert "A run has all its files and columns" in rules(audit(models["busy"], {}))
    assert kpis(models["busy"], {})["revenue"] == 0


def test_promises_of_windows_cut_by_the_plan(models: dict[str, Model]) -> None:
    """Proves that a plan of 3 months holds a quarter of a yearly promise, one of 1 month a third of a quarterly one."""
    tiers, frames = models["busy"]["tiers"], busy()
    yearly = with_table(models["busy"], "tiers", tiers.assign(per="year"))
    assert kpis(yearly, frames)["visits_promised"] == pytest.approx((1 * (2 + 2 + 1) + 3) * 3 / 12)
    short = dataclasses.replace(models["busy"], settings=models["busy"].settings.model_copy(update={"months": 1}))
    short = with_table(short, "budget", short["budget"].assign(to=""))
    quarterly = with_table(short, "tiers", tiers.assign(per="quarter"))
    assert kpis(quarterly, frames)["visits_promised"] == pytest.approx((1 * (2 + 2 + 1) + 3) / 3)


def test_a_violation_says_where_and_how_much(models: dict[str, Model]) -> None:
    """Proves that a violation has a sentence with rule, place and both numbers."""
    frames = pocket()
    frames["effort"] = set_to("planned", 6.1, group="g2", month=MAY)(frames["effort"])
    with in_language("en"):
        found = audit(models["pocket"], frames).violations
    row = found[found["rule"] == "A month's hours hold"].iloc[0]
    assert row["labels"] == "rep=wang, month=2026-05"
    assert (row["required"], row["found"]) == (60, pytest.approx(62.2))
    assert row["sentence"] == "A month's hours hold [rep=wang, month=2026-05]: expected at most 60, found 62.2"


def test_audit_shares_nothing_with_what_it_checks() -> None:
    """Proves that no module of the audit imports the formulation, the program, an engine, the solving or the plan."""
    folder = Path(inspect.getfile(allocator.auditing)).parent
    names = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names |= {a.name for a in node.names} if isinstance(node, ast.Import) else set()
            names |= {str(node.module)} if isinstance(node, ast.ImportFrom) else set()
    own = {n for n in names if n.startswith("allocator") and not n.startswith("allocator.auditing")}
    assert own <= {"allocator.model", "allocator.scopes", "allocator.texts"}
