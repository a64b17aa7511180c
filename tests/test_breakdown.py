"""Quotas down to the day: sums at every level, the rhythm of the working days, remainders."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from expected_plan import expected_plan, small

from allocator.breaking_down import breakdown, plan_periods, steps
from allocator.model import Model
from allocator.places import shipped_models
from allocator.reading import load

COUNTS = {"year": 1, "quarter": 4, "month": 12, "third": 36, "week": 53, "day": 365}


def quotas(rows: list[tuple[str, str, str, float]]) -> pd.DataFrame:
    """Return quotas of a product: rep, month, level, quota."""
    return pd.DataFrame(rows, columns=["rep", "month", "level", "quota"]).assign(product="lite")


def base(amounts: dict[str, float], rep: str = "ann") -> pd.DataFrame:
    """Return base quotas of a rep by month."""
    return quotas([(rep, month, "base", amount) for month, amount in amounts.items()])


def of(table: pd.DataFrame, kind: str, rep: str = "ann", level: str = "base") -> dict[str, float]:
    """Return the quotas of a rep by period."""
    held = table[(table["kind"] == kind) & (table["rep"] == rep) & (table["level"] == level)]
    return dict(zip(held["period"].astype(str), held["quota"], strict=True))


def holders(model: Model, days: pd.Series, kind: str) -> pd.Series:
    """Tell in which period each day lies, from the date alone."""
    date = pd.to_datetime(days)
    first = pd.Period(model.settings.start, freq="M")
    since = (date.dt.year - first.year) * 12 + date.dt.month - first.month
    if kind == "third":
        return date.dt.strftime("%Y-%m-T") + date.dt.day.map(lambda d: "1" if d <= 10 else "2" if d <= 20 else "3")
    if kind == "week":
        return date.map(lambda d: f"{d.isocalendar().year}-W{d.isocalendar().week:02}")
    if kind == "month":
        return date.dt.strftime("%Y-%m")
    year = first.year + since // 12
    return year.astype(str) + ("" if kind == "year" else "-Q" + (since % 12 // 3 + 1).astype(str))


PEOPLE = """\
rep,unit,start,end
ann,north,,
bob,north,2026-05-18,
cy,south,,2026-10-09
di,south,2027-03-01,
"""
LEAVE = "rep,from,to\nann,2026-03-09,2026-03-13\nann,2026-08-01,2026-08-31\ncy,2025-12-01,2026-01-20\n"


@pytest.mark.parametrize(("start", "months"), [("2026-01", 12), ("2026-04", 12), ("2026-08", 3), ("2026-02", 1)])
def test_every_period_is_the_sum_of_its_days(tmp_path: Path, start: str, months: int) -> None:
    """Proves: thirds, weeks, months, quarters and the year are sums of days to the last cent, whatever the calendar and the leave."""
    model = small(tmp_path / "m", f'start: "{start}"\nmonths: {months}\nrounding: 100\n', reps=PEOPLE, leave=LEAVE)
    rng = np.random.default_rng(months)
    rows = []
    for rep in ("ann", "bob", "cy", "di"):
        for month in model.calendar.months:
            amount = rng.integers(0, 3_000_000, 3).cumsum() / rng.choice([1, 100])
            rows += [(rep, month, level, a) for level, a in zip(("base", "stretch", "ceiling"), amount, strict=True)]
    asked = quotas(rows)
    table = breakdown(model, asked)
    table["cents"] = (table["quota"] * 100).round().astype(int)
    assert (table["cents"] / 100 == table["quota"]).all()
    assert (table["quota"] >= 0).all()
    days = table[table["kind"] == "day"].astype({"period": str})
    for kind in ("year", "quarter", "month", "third", "week"):
        key = [days["rep"].astype(str), holders(model, days["period"], kind), days["level"].astype(str)]
        sums = days["cents"].groupby(key).sum()
        told = table[table["kind"] == kind].astype({"rep": str, "period": str, "level": str})
        assert len(told) == 4 * 3 * (plan_periods(model.calendar)["kind"] == kind).sum()
        there = told.set_index(["rep", "period", "level"])["cents"]
        assert there.sub(sums, fill_value=0).abs().max() == 0
    by_month = (asked["quota"] * 100).round().groupby([asked["rep"], asked["month"], asked["level"]]).sum()
    told = table[table["kind"] == "month"].astype({"rep": str, "period": str, "level": str})
    assert (told.set_index(["rep", "period", "level"])["cents"].sort_index().to_numpy() == by_month.to_numpy()).all()


def test_no_day_asks_more_at_base_than_at_stretch(tmp_path: Path) -> None:
    """Proves: levels are one above the other on every single day. If each level were rounded by itself, some days would cross."""
    model = small(tmp_path / "m", "rounding: 1000\n")
    rows = [("ann", m, level, a) for m in model.calendar.months for level, a in (("base", 241000), ("stretch", 243000))]
    table = breakdown(model, quotas(rows))
    days = table[table["kind"] == "day"].pivot_table(index="period", columns="level", values="quota", observed=True)
    assert (days["stretch"] >= days["base"]).all()
    assert (days["stretch"] > days["base"]).sum() == 24


def test_parts_are_rounded_on_the_way(tmp_path: Path) -> None:
    """Proves: 10,000 over four days in thousands is 3, 2, 3, 2 (2.5 rounds up); rounding each day alone would ask 12,000."""
    model = small(tmp_path / "m", reps="rep,unit,start\nann,north,2026-03-26\n")
    days = of(breakdown(model, base({"2026-03": 10_000})), "day")
    assert days == {"2026-03-26": 3000, "2026-03-27": 2000, "2026-03-30": 3000, "2026-03-31": 2000}


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (10_300.55, [3000, 2000, 3000, 2300.55]),
        (800, [0, 0, 0, 800]),
        (3_999.99, [1000, 1000, 1000, 999.99]),
        (0, [0, 0, 0, 0]),
    ],
)
def test_a_remainder_stays_on_the_last_day(tmp_path: Path, amount: float, expected: list[float]) -> None:
    """Proves: what of a pinned month is no multiple falls on its last day, and no day is ever negative (800 is not 1,000 − 200)."""
    model = small(tmp_path / "m", reps="rep,unit,start\nann,north,2026-03-26\n")
    assert list(of(breakdown(model, base({"2026-03": amount})), "day").values()) == expected


def test_weeks_with_holidays_get_less(tmp_path: Path) -> None:
    """Proves: Lunar New Year and the National Day week ask less, and what they lack is spread over the other days of the month."""
    model = small(tmp_path / "m", "rounding: 1\n")
    calendar = model.calendar
    table = breakdown(model, base(dict.fromkeys(calendar.months, 84_000_000.0)))
    weeks = of(table, "week")
    assert weeks["2026-W08"] == 0  # 16 to 22 February: off
    days = dict(zip(calendar.days.strftime("%Y-%m-%d"), calendar.working, strict=True))
    october = sum(working for day, working in days.items() if day.startswith("2026-10"))
    after = sum(days[f"2026-10-{d:02}"] for d in range(5, 12))
    assert 0 < after < 5  # 1 to 7 October are off
    assert weeks["2026-W41"] == pytest.approx(84_000_000 * after / october, abs=1)
    assert weeks["2026-W41"] < weeks["2026-W43"] == pytest.approx(84_000_000 * 5 / october, abs=1)
    worked = {day for day, working in days.items() if working}
    assert set(of(table, "day")) == worked


def test_leave_and_dates_move_the_days(tmp_path: Path) -> None:
    """Proves: nothing is asked on leave, before the first day or after the last; a month wholly on leave goes to the days in post."""
    model = small(tmp_path / "m", "rounding: 1\n", reps=PEOPLE, leave=LEAVE)
    table = breakdown(model, pd.concat([base({"2026-03": 17_000.0, "2026-08": 21_000.0}), base({"2026-05": 9_000.0}, "bob"),
                                        base({"2026-10": 6_000.0}, "cy"), base({"2026-02": 150.0}, "di")]))  # fmt: skip
    march = {d: q for d, q in of(table, "day").items() if d.startswith("2026-03")}
    assert len(march) == 22 - 5
    assert not [d for d in march if "2026-03-09" <= d <= "2026-03-13"]
    assert set(march.values()) == {1000.0}
    assert of(table, "week")["2026-W11"] == 0
    assert len([d for d in of(table, "day") if d.startswith("2026-08")]) == 21  # all its working days
    assert min(of(table, "day", "bob")) == "2026-05-18"
    assert max(of(table, "day", "cy")) <= "2026-10-09"
    assert of(table, "month", "di")["2026-02"] == 150  # not in post all year: a pinned month goes to its working days


def test_a_month_without_working_days_keeps_its_quota(tmp_path: Path) -> None:
    """Proves: if the whole month is off, its quota goes to all of its days rather than getting lost."""
    off = "\n".join(f"2026-02-{d:02},no" for d in range(1, 29))
    model = small(tmp_path / "m", "rounding: 1\n", calendar=f"date,working\n{off}\n")
    table = breakdown(model, base({"2026-02": 2_800.0}))
    assert set(of(table, "day").values()) == {100.0}
    assert len(of(table, "day")) == 28


def test_periods_have_their_names(tmp_path: Path) -> None:
    """Proves: a plan that starts in April has its own quarters; weeks are ISO weeks clipped to the plan; thirds end with the month."""
    model = small(tmp_path / "m", 'start: "2026-04"\nmonths: 10\nrounding: 1\n')
    table = breakdown(model, base({"2026-04": 22_000.0, "2027-01": 100.0}))
    assert list(of(table, "year")) == ["2026"]
    assert list(of(table, "quarter")) == ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]
    assert of(table, "quarter")["2026-Q4"] == 100
    weeks = list(of(table, "week"))
    assert weeks[0] == "2026-W14"
    assert weeks[-1] == "2027-W04"
    assert weeks.index("2026-W53") + 1 == weeks.index("2027-W01")
    thirds = [t for t in of(table, "third") if t.startswith("2026-04")]
    assert thirds == ["2026-04-T1", "2026-04-T2", "2026-04-T3"]
    periods = plan_periods(model.calendar).set_index("period")
    assert (periods.loc["2026-04-T3", ["first", "last"]] == [20, 29]).all()


def test_a_full_year_has_all_its_periods(tmp_path: Path) -> None:
    """Proves: a rep's year has 1 + 4 + 12 + 36 + 53 periods, each a run of days, and a row for every day that he works."""
    model = small(tmp_path / "m")
    periods = plan_periods(model.calendar)
    assert periods["kind"].value_counts().to_dict() == COUNTS
    for _, of_kind in periods.groupby("kind"):
        assert of_kind["first"].iloc[0] == 0
        assert (of_kind["first"].to_numpy()[1:] == of_kind["last"].to_numpy()[:-1] + 1).all()
        assert of_kind["last"].iloc[-1] == 364
    table = breakdown(model, base(dict.fromkeys(model.calendar.months, 1000.0)))
    assert list(table.columns) == ["rep", "kind", "period", "level", "quota"]
    assert (table["kind"] == "day").sum() == model.calendar.working.sum()


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (1000, (100_000, 100)),
        (0.5, (50, 100)),
        (0.01, (1, 100)),
        (0.125, (125, 1000)),
        (2.5e-4, (25, 100_000)),
        (1 / 3, (333_333_333, 10**9)),
    ],
)
def test_money_is_counted_in_whole_parts(rounding: float, expected: tuple[int, int]) -> None:
    """Proves: a rounding finer than a hundredth is counted in finer parts, so that sums stay exact."""
    assert steps(rounding) == expected


def test_telecom_is_quick() -> None:
    """Proves: sixty reps with three levels take well under a second, and nothing of their quotas gets lost."""
    model = load(shipped_models()["telecom"])
    asked = expected_plan(model)["quotas"]
    started = time.process_time()
    table = breakdown(model, asked)
    assert time.process_time() - started < 1.0
    for kind in COUNTS:
        sums = table[table["kind"] == kind].groupby("level", observed=True)["quota"].sum()
        assert sums.to_dict() == pytest.approx(asked.groupby("level")["quota"].sum().to_dict(), rel=1e-12)
