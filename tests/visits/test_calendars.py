"""What people import and read: iCalendar files and the week in a terminal."""

from __future__ import annotations

import datetime as dt
import itertools
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import vobject
from dated import Dated

from allocator.reporting.table_text import csv_text
from allocator.texts import _, in_language
from allocator.visits.calendars import Calendars, write_calendars, zone_of
from allocator.visits.week import WIDTH, cut, week_days, week_text, width
from allocator.visits.writing import CsvWriter

STAMP = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


def events(content: bytes) -> dict[str, vobject.base.Component]:
    """Read a file with another parser; events by their UID."""
    found = vobject.readOne(content.decode()).vevent_list
    assert len({e.uid.value for e in found}) == len(found)
    return {e.uid.value: e for e in found}


def test_another_parser_reads_every_visit(pocket: Dated) -> None:
    """Proves that a file holds all visits of its rep with their days, lengths and the country's time zone."""
    visits = pocket.schedule.visits
    read = events(Calendars(pocket.model, visits, stamp=STAMP).of("li"))
    mine = visits[visits["rep"] == "li"]
    assert sorted(e.dtstart.value.date() for e in read.values()) == sorted(d.date() for d in mine["date"])
    for event in read.values():
        assert event.dtstart.value.utcoffset() == dt.timedelta(hours=8)
        assert event.dtstart.value.hour >= 9
    length = sum((e.dtend.value - e.dtstart.value).total_seconds() / 60 for e in read.values())
    assert length == mine["minutes"].sum()


def test_visits_of_a_day_do_not_overlap(pocket: Dated) -> None:
    """Proves that the proposed times of a day follow one another."""
    read = events(Calendars(pocket.model, pocket.schedule.visits, stamp=STAMP).of("wang")).values()
    times = sorted((e.dtstart.value, e.dtend.value) for e in read)
    assert all(end <= begin for (_b, end), (begin, _e) in itertools.pairwise(times))


def test_a_second_import_moves_events_and_doubles_none(pocket: Dated) -> None:
    """Proves that a visit keeps its UID on another day, and that the later file has the greater sequence."""
    visits = pocket.schedule.visits
    first = events(Calendars(pocket.model, visits, stamp=STAMP).of("li"))
    moved = visits.copy()
    row = moved.index[(moved["client"] == "harbour")][0]
    moved.loc[row, "date"] += pd.Timedelta(days=1)
    second = events(Calendars(pocket.model, moved, stamp=STAMP + dt.timedelta(days=1)).of("li"))
    assert first.keys() == second.keys()
    assert all(int(second[u].sequence.value) > int(first[u].sequence.value) for u in first)
    days = [u for u in first if first[u].dtstart.value.date() != second[u].dtstart.value.date()]
    assert len(days) == 1


def test_one_file_for_each_rep(pocket: Dated, tmp_path: Path) -> None:
    """Proves that files are named after reps, also where a code could not name a file, and that the same input gives the same bytes."""
    visits = pocket.schedule.visits.astype({"rep": object, "owner": object})
    visits.loc[visits["rep"] == "wang", ["rep", "owner"]] = "../wang"
    paths = write_calendars(pocket.model, visits, tmp_path / "ics", stamp=STAMP)
    assert len(paths) == 2
    assert all(p.parent == tmp_path / "ics" and p.is_file() for p in paths)
    again = write_calendars(pocket.model, visits, tmp_path / "again", stamp=STAMP)
    assert [p.read_bytes() for p in paths] == [p.read_bytes() for p in again]


def test_zones_of_countries() -> None:
    """Proves that a country's zone is that of the time zone database."""
    assert (zone_of("CN"), zone_of("DE"), zone_of("xx")) == ("Asia/Shanghai", "Europe/Berlin", "UTC")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_week_fits_a_terminal(pocket: Dated, language: str) -> None:
    """Proves that no line is wider than 80 columns, Chinese names and long ones included, and that every visit has its line."""
    clients = pocket.model["clients"].assign(name=["港口物流有限责任公司" * 6, "Steel " * 20, "北部商户", ""])
    model = replace(pocket.model, tables={**pocket.model.tables, "clients": clients})
    visits = pocket.schedule.visits
    week = visits[(visits["rep"] == "li") & visits["date"].between("2026-04-13", "2026-04-19")]
    with in_language(language):
        text = week_text(model, visits, "li", "2026-W16")
    assert max(map(width, text.splitlines())) <= WIDTH
    assert sum(":" in line[:6] for line in text.splitlines()) == len(week)
    for client in week["client"].astype(str):
        assert client.partition("#")[2] in text


@pytest.mark.parametrize(("language", "holiday"), [("en", "New Year's Day"), ("zh", "元旦")])
def test_a_day_without_visits_says_why(telecom: Dated, language: str, holiday: str) -> None:
    """Proves that leave, holidays, days outside the plan and of another post are told apart from days that are just empty."""
    model, visits = telecom.model, telecom.schedule.visits
    leave = pd.DataFrame({"rep": ["E01"], "from": [pd.Timestamp("2026-01-04")], "to": [pd.Timestamp("2026-01-05")]})
    reps = model["reps"].copy()
    reps.loc[reps["rep"] == "E02", "end"] = pd.Timestamp("2026-03-04")
    model = replace(model, tables={**model.tables, "leave": pd.concat([model["leave"], leave]), "reps": reps})
    few = visits[~visits["date"].between("2026-01-04", "2026-01-06")]
    with in_language(language):
        weeks = [("E01", "2026-W01"), ("E01", "2026-W02"), ("E02", "2026-W10")]
        texts = [week_text(model, few if rep == "E01" else few.iloc[:0], rep, week) for rep, week in weeks]
        away, empty = _("on leave"), _("no visits")
        expected = {"12-31": _("outside the plan"), "01-01": holiday, "01-03": _("day off"), "01-04": away}
        expected |= {"01-05": away, "01-06": empty, "03-04": empty, "03-05": _("not in post")}
    lines = [line for text in texts for line in text.splitlines()[3:] if line]
    days = {line.split()[1]: line.rpartition("  ")[2] for line in lines}
    assert {day: days[day] for day in expected} == expected


def test_a_week_is_an_iso_week() -> None:
    """Proves how weeks are read, and that anything else is refused."""
    assert week_days("2026-W01")[0] == dt.date(2025, 12, 29)
    for text in ("2026-15", "W15", "2026-W54", "2026-Wx"):
        with pytest.raises(ValueError, match=text):
            week_days(text)


def test_cut_counts_columns() -> None:
    """Proves that a cut text with wide characters never takes more than its columns."""
    assert cut("港口物流", 8) == "港口物流"
    assert width(cut("港口物流", 7)) <= 7
    assert cut("abc", 3) == "abc"


def test_parts_make_one_file(pocket: Dated, tmp_path: Path) -> None:
    """Proves that a file written in parts is the file of the whole frame."""
    visits = pocket.schedule.visits
    with CsvWriter(tmp_path / "visits.csv") as file:
        file.write(visits.iloc[:100])
        file.write(visits.iloc[100:])
    assert (tmp_path / "visits.csv").read_text("utf-8") == csv_text(visits)
