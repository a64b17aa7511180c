"""The calendar: months, fiscal labels, working days and weeks."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from allocator.periods import Calendar


def test_months_and_fiscal_labels_of_a_calendar_year() -> None:
    """From January, fiscal quarters and years are those of the calendar."""
    calendar = Calendar("2026-01", 12)
    assert calendar.months[0] == "2026-01"
    assert calendar.months[-1] == "2026-12"
    assert calendar.quarters[2:4] == ("2026-Q1", "2026-Q2")
    assert set(calendar.years) == {"2026"}


def test_fiscal_year_from_april() -> None:
    """From April, the first quarter is April to June, and January is still of the year that began before it."""
    calendar = Calendar("2026-04", 12)
    assert calendar.months[9] == "2027-01"
    assert calendar.quarters[0] == "2026-Q1"
    assert calendar.quarters[9] == "2026-Q4"
    assert calendar.years[9] == "2026"
    assert calendar.window("2026-Q4").tolist() == [9, 10, 11]
    assert calendar.window("2027-01").tolist() == [9]
    assert calendar.window("2026").tolist() == list(range(12))
    assert calendar.window("").tolist() == list(range(12))


@pytest.mark.parametrize("period", ["2027", "2026-Q5", "2025-12", "2026-01", "soon", "2027-Q1"])
def test_periods_outside_the_plan(period: str) -> None:
    """A period that the plan does not hold is refused."""
    with pytest.raises(ValueError, match=period):
        Calendar("2026-04", 9).window(period)


def test_short_plan() -> None:
    """A plan of ten months has a last quarter of one month."""
    calendar = Calendar("2026-01", 10)
    assert calendar.window("2026-Q4").tolist() == [9]
    assert len(calendar.days) == 304


def test_days_and_their_months() -> None:
    """Every day of the plan has the position of its month, over the turn of a year too."""
    calendar = Calendar("2025-11", 4)
    assert calendar.days[0] == pd.Timestamp("2025-11-01")
    assert calendar.days[-1] == pd.Timestamp("2026-02-28")
    assert np.bincount(calendar.day_month).tolist() == [30, 31, 31, 28]


def test_working_days_of_china_in_2026() -> None:
    """2026: 261 weekdays less the holidays on weekdays, plus the six make-up days, month by month as announced."""
    calendar = Calendar("2026-01", 12, "CN")
    worked = {d.date() for d in calendar.days[calendar.working]}
    made_up = {d for d in worked if d.weekday() >= 5}
    assert made_up == {
        dt.date(2026, 1, 4),
        dt.date(2026, 2, 14),
        dt.date(2026, 2, 28),
        dt.date(2026, 5, 9),
        dt.date(2026, 9, 20),
        dt.date(2026, 10, 10),
    }
    assert not worked & {dt.date(2026, 1, 1), dt.date(2026, 2, 17), dt.date(2026, 10, 1), dt.date(2026, 5, 1)}
    off = [d for d in calendar.days if d.day_of_week < 5 and d.date() not in worked]
    assert len(worked) == 261 - len(off) + 6
    assert calendar.working_days.sum() == len(worked)


def test_exceptions_overrule_holidays_and_made_up_days() -> None:
    """A row of the calendar table wins over the country's holidays, over make-up days and over weekends."""
    exceptions = ((dt.date(2026, 1, 1), True), (dt.date(2026, 1, 4), False), (dt.date(2026, 1, 10), True))
    plain, changed = Calendar("2026-01", 1), Calendar("2026-01", 1, "CN", exceptions)
    difference = changed.days[plain.working != changed.working]
    assert [d.day for d in difference] == [1, 4, 10]
    assert changed.working_days[0] == plain.working_days[0] + 1


def test_weeks_are_whole_and_each_counts_once() -> None:
    """The weeks of the months sum to the weeks of the plan that have a working day."""
    for start, count in (("2026-01", 12), ("2026-04", 12), ("2025-11", 4), ("2026-02", 1)):
        calendar = Calendar(start, count)
        iso = calendar.days[calendar.working].isocalendar()
        assert calendar.weeks.sum() == len(set(zip(iso["year"], iso["week"], strict=True)))


def test_a_holiday_week_promises_nothing() -> None:
    """The Chinese New Year week of 2026 has no working day, so February has one week less than with work in it."""
    with_holiday = Calendar("2026-02", 1, "CN")
    worked = tuple((dt.date(2026, 2, d), True) for d in range(16, 21))
    assert Calendar("2026-02", 1, "CN", worked).weeks[0] == with_holiday.weeks[0] + 1


def test_a_week_counts_for_the_month_of_most_of_its_days() -> None:
    """30 March to 3 April 2026 has two working days in March and three in April; a tie goes to the earlier month."""
    calendar = Calendar("2026-03", 2, "US")
    assert calendar.weeks.tolist() == [4, 5]
    tie = Calendar("2026-03", 2, "US", ((dt.date(2026, 4, 3), False),))
    assert tie.weeks.tolist() == [5, 4]


def test_a_month_without_work_has_no_weeks() -> None:
    """A month in which nobody works has no working days and no weeks."""
    off = tuple((d.date(), False) for d in pd.date_range("2026-02-01", "2026-02-28"))
    calendar = Calendar("2026-01", 3, "CN", off)
    assert calendar.working_days[1] == 0
    assert calendar.weeks[1] == 0
    assert Calendar("2026-02", 1, "CN", off).weeks.tolist() == [0]


def test_days_between_dates() -> None:
    """A missing date leaves its side open; both ends count."""
    calendar = Calendar("2026-01", 2)
    assert calendar.between(pd.NaT, pd.NaT).all()
    assert calendar.between(pd.Timestamp("2026-02-27"), pd.NaT).sum() == 2
    assert calendar.between(pd.NaT, pd.Timestamp("2026-01-03")).sum() == 3
    assert not calendar.between(pd.Timestamp("2027-01-01"), pd.NaT).any()
