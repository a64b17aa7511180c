"""What arithmetic alone shows to be out of reach, with the numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_model import TABLES, write_small_model

from allocator.arithmetic import arithmetic
from allocator.errors import Finding
from allocator.model import Model
from allocator.reading import load

TARGETS = "target,metric,level,period,scope,each,at_least,at_most,share_of,priority\n"


def _model(folder: Path, **tables: str | None) -> Model:
    return load(write_small_model(folder / "small", {f"{name}.csv": text for name, text in tables.items()}))


def _only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    assert finding.rule == "arithmetic"
    return finding


def test_what_can_be_reached_gives_no_finding(small_model: Model) -> None:
    """The small model asks for nothing out of reach, also if all of it is hard."""
    assert arithmetic(small_model) == []
    assert arithmetic(small_model, strict=True) == []


def test_promises_over_the_hours_of_the_year(tmp_path: Path) -> None:
    """Bob (7.5 h a day) owns 10 clients of tier B, 4 visits a year each: 60 hours a visit are 2,400 hours."""
    model = _model(tmp_path, leave=None, tiers=TABLES["tiers"].replace("B,1,quarter,60", "B,1,quarter,3600"))
    finding = next(f for f in arithmetic(model) if f.value == "bob")
    assert (finding.severity, finding.table, finding.column) == ("warning", "reps.csv", "rep")
    assert "2,400 hours" in finding.says
    days = int(model.calendar.working_days.sum())
    activities = int(model.calendar.weeks.sum()) + 12 * 2 * 2
    assert f"{days * 7.5 - activities:,.0f}." in finding.says
    assert {f.severity for f in arithmetic(model, strict=True)} == {"error"}


def test_promises_over_the_hours_of_a_month(tmp_path: Path) -> None:
    """Without a backup, a month away leaves a weekly promise unkept though the year has hours enough."""
    reps = TABLES["reps"].replace("senior,2020-01-01,,8,,bob", "senior,2020-01-01,,8,,")
    model = _model(tmp_path, reps=reps, leave="rep,from,to\nann,2026-07-01,2026-07-31\n")
    finding = _only(arithmetic(model))
    assert finding.value == "ann"
    weeks = int(model.calendar.weeks[6])
    assert f"In 2026-07 the promised visits of the rep take {weeks * 1.5:.1f} hours, but there are 0.0." in finding.says
    assert arithmetic(_model(tmp_path / "b", leave="rep,from,to\nann,2026-07-01,2026-07-31\n")) == []


def test_promises_over_the_visits_of_the_days(tmp_path: Path) -> None:
    """A rep who makes at most 0.1 visits a day cannot make a weekly one."""
    reps = "rep,unit,grade,visits_per_day\nann,north,senior,0.1\nbob,north,junior,\ncy,south,junior,\n"
    finding = _only(arithmetic(_model(tmp_path, reps=reps)))
    assert finding.value == "ann"
    assert "the days hold" in finding.says


def test_activities_over_the_hours(tmp_path: Path) -> None:
    """Meetings of 60 hours a week leave nobody time, which no plan can mend."""
    model = _model(tmp_path, activities="activity,scope,count,per,minutes\nmeeting,rep=cy,1,week,3600\n")
    findings = [f for f in arithmetic(model) if "fixed activities" in f.says]
    assert [(f.severity, f.value) for f in findings] == [("error", "cy")]


@pytest.mark.parametrize(
    ("target", "most"),
    [
        # Ceilings: k1 200,000 + 1,000,000; k2 10 · (30,000 + 5,000); k3 100,000; p1 40 · 2,000.
        ("t,revenue,base,,,,1730001,,,", 1730000),
        ("t,revenue,base,,tier=A,,1200001,,,", 1200000),
        ("t,revenue,base,2026-Q1,client=k1; product=lite,,200001,,,", 200000),
        ("t,revenue,base,,unit=north; family=soft; industry=retail,,300001,,,", 300000),
        ("t,revenue,base,,,family,50001,,,", 50000),
        ("t,revenue,base,,status=active,region,400000,,,", 100000),
        # 0.3 · (200,000 + 300,000 + 100,000 + 80,000) + 0.4 · 1,000,000 + 0.1 · 50,000
        ("t,profit,base,,,,609001,,,", 609000),
        ("t,contracts,base,,product=suite,,4.5,,,", 4),
        ("t,new_clients,base,,,,41,,,", 40),
        ("t,new_clients,base,,unit=north,,1,,,", 0),
        ("t,spend,base,,category=marketing,,80001,,,", 80000),
        ("t,spend,base,2026-Q1,line=fair,,1,,,", 0),
        ("t,spend,base,,,,,999,,", 1000),
    ],
)
def test_target_out_of_reach(target: str, most: float, tmp_path: Path) -> None:
    """A target over what all ceilings, prospects or lines allow is a warning; an error where it is hard."""
    model = _model(tmp_path, targets=f"{TARGETS}{target}\n")
    finding = _only(arithmetic(model))
    assert (finding.severity, finding.table, finding.value) == ("warning", "targets.csv", "t")
    assert f" {most:,.10g}" in finding.says.partition(":")[2]
    assert _only(arithmetic(model, strict=True)).severity == "error"
    hard = _model(tmp_path / "hard", targets=f"{TARGETS}{target}hard\n")
    assert _only(arithmetic(hard)).severity == "error"


@pytest.mark.parametrize(
    "target",
    [
        "t,revenue,base,,,,1730000,,,",
        "t,revenue,ceiling,,,,9e9,,,",
        "t,contracts,base,,product=suite,,4,,,",
        "t,new_clients,base,,,,40,,,",
        "t,spend,base,,,,1e9,,,",
        "t,spend,base,2026-Q2,,,,0,,",
        "t,revenue,base,,,month,1730000,,,",
    ],
)
def test_target_within_reach(target: str, tmp_path: Path) -> None:
    """At the bound, at a level that is only compared, or where an overrun is allowed, arithmetic says nothing."""
    assert arithmetic(_model(tmp_path, targets=f"{TARGETS}{target}\n"), strict=True) == []


def test_supply_is_a_bound(tmp_path: Path) -> None:
    """Of the box, 12 · 1,000 can be delivered, and 500 more in May: less than the ceiling of 50,000."""
    supply = "product,month,source,maximum,unit_cost\nbox,,own,1000,0\nbox,2026-05,other,500,0.1\n"
    model = _model(tmp_path, supply=supply, targets=f"{TARGETS}t,revenue,base,,product=box,,12501,,,\n")
    assert "12,500." in _only(arithmetic(model)).says
