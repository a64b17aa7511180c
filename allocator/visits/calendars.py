"""Visits for people's calendars: one iCalendar file (RFC 5545) for each rep."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import zoneinfo
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import icalendar
import numpy as np
import pandas as pd
from icalendar.parser import Contentline, Parameters

from allocator.model import Model
from allocator.texts import N_, _

BEGIN, NOON, AFTERNOON = 9 * 60, 12 * 60, 13 * 60
"""Minutes after midnight: when a day's first visit begins, when the break does, when it ends."""
SAMPLE = dt.datetime(2000, 1, 1)
TIME = "%Y%m%dT%H%M%S"
SAMPLE_TEXT = f"{SAMPLE:{TIME}}"
NAME = "X-WR-CALNAME"
TEXTS = ("client", "tier", "purpose", "rep", "owner", "with", "window")
PURPOSES = {
    "executive": N_("visit with an executive"),
    "mentoring": N_("visit with a mentor"),
    "renewal": N_("renewal talk"),
    "recovery": N_("call-back"),
    "prospect": N_("first visit"),
    "promised": N_("visit"),
    "extra": N_("extra visit"),
}


@dataclass(frozen=True)
class Appointment:
    """A visit with a time of the day: times follow the order of the day and are a proposal.

    Attributes
    ----------
    number : int
        Which visit of its client and window it is: with these it names the visit, whatever its day.
    begin : int
        Minutes after midnight.
    """

    date: dt.date
    begin: int
    minutes: int
    client: str
    tier: str
    purpose: str
    rep: str
    owner: str
    companion: str
    window: str
    number: int


def numbered(visits: pd.DataFrame) -> pd.DataFrame:
    """Return visits as plain texts and dates, by date, with the ``number`` that each has among those of its client and window.

    Parameters
    ----------
    visits : DataFrame
        ``visits`` of a schedule, or ``visits.csv`` read back.
    """
    texts = {c: visits[c].astype(str).astype(object) for c in TEXTS}
    rows = visits.assign(date=pd.to_datetime(visits["date"]), **texts).sort_values("date", kind="stable")
    return rows.assign(number=rows.groupby(["client", "window"]).cumcount() + 1)


def by_rep(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of :func:`numbered` of each rep, with those on which he goes along, in the order of his days.

    The rows of a day stand in the order in which the schedule has them.
    """
    own, along = (rows.groupby(c, sort=False).indices for c in ("rep", "with"))
    none = np.zeros(0, np.int64)
    reps = [str(rep) for rep in {*own, *along} if rep]
    return {rep: rows.iloc[np.union1d(own.get(rep, none), along.get(rep, none))] for rep in reps}


def appointments(rows: pd.DataFrame) -> list[Appointment]:
    """Visits of a rep, those of :func:`by_rep`, with their times."""
    found: list[Appointment] = []
    days = [d.date() for d in rows["date"]]
    minutes, number = rows["minutes"].astype(int).tolist(), rows["number"].tolist()
    texts = [rows[c].tolist() for c in TEXTS]
    for k, (date, length, place) in enumerate(zip(days, minutes, number, strict=True)):
        begin = BEGIN
        if found and found[-1].date == date:
            begin = found[-1].begin + found[-1].minutes
            if begin >= NOON > found[-1].begin:
                begin = max(begin, AFTERNOON)
        client, tier, purpose, maker, owner, companion, window = (column[k] for column in texts)
        found.append(Appointment(date, begin, length, client, tier, purpose, maker, owner, companion, window, place))
    return found


class Calendars:
    """Calendar files of one run.

    Every event has a UID made of model, client, window and the visit's number in it, so a second import moves it and does not double it.
    What repeats in many events (names, places, the time zone) becomes text once.

    Parameters
    ----------
    model : Model
    visits : DataFrame
        ``visits`` of a schedule, or ``visits.csv`` read back.
    stamp : datetime, optional
        When the plan was made, with a time zone; now by default. Calendars take the later of two versions of an event.
    zone : str, optional
        Time zone; by default the first of the model's country.
    """

    def __init__(
        self, model: Model, visits: pd.DataFrame, *, stamp: dt.datetime | None = None, zone: str | None = None
    ) -> None:
        self.model = model
        self.stamp = (stamp or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0)
        self.place = zoneinfo.ZoneInfo(zone or zone_of(model.settings.country))
        self.rows = by_rep(numbered(visits))
        self._clients = model["clients"].set_index("client")
        self._names = names_of(model, "client")
        self._called = names_of(model, "rep")
        self._lines: dict[tuple[str, str], str] = {}
        self._times: dict[tuple[dt.date, int], str] = {}
        self._places: dict[str, str] = {}
        self._purposes = {purpose: _(text) for purpose, text in PURPOSES.items()}
        self._sample: dict[str, str] = {}
        for line in map(str, self._event().content_lines()):
            self._sample[line.partition(":")[0].partition(";")[0]] = line

    def of(self, rep: str) -> bytes:
        """Return a rep's visits as an iCalendar file."""
        title = f"{self._called.get(rep) or rep} · {self.model.settings.title or self.model.name}"
        mine = self.rows.get(rep)
        events = [] if mine is None else [self._text(one, rep) for one in appointments(mine)]
        head, tail = self._frame
        return "".join([head.replace(NAME, self._line(NAME, title)), "\r\n", *events, tail]).encode()

    @functools.cached_property
    def _frame(self) -> tuple[str, str]:
        """What stands before and after the events of a file, with ``NAME`` for the line of the calendar's name."""
        calendar = icalendar.Calendar()
        calendar.add("prodid", "-//sales-allocator//visits//EN")
        calendar.add("version", "2.0")
        calendar.add("calscale", "GREGORIAN")
        calendar.add("method", "PUBLISH")
        calendar.add(NAME, "")
        calendar.add("x-wr-timezone", str(self.place))
        calendar.add_component(self._event())
        days = self.model.calendar.days
        calendar.add_missing_timezones(days[0].date(), days[-1].date())
        head, _begin, rest = calendar.to_ical().decode().partition("\r\nBEGIN:VEVENT\r\n")
        return head.replace(f"{NAME}:", NAME), rest.partition("\r\nEND:VEVENT\r\n")[2]

    def _event(self) -> icalendar.Event:
        """Return an event at :data:`SAMPLE`, whose lines show how the library writes times."""
        event = icalendar.Event()
        begin = SAMPLE.replace(tzinfo=self.place)
        for name, value in (
            ("dtstart", begin),
            ("dtend", begin),
            ("dtstamp", self.stamp),
            ("last-modified", self.stamp),
        ):
            event.add(name, value)
        event.add("sequence", int(self.stamp.timestamp()) // 60)
        return event

    def _text(self, one: Appointment, rep: str) -> str:
        summary = f"{client_name(self._names, one.client)} · {self._purposes[one.purpose]}"
        return "\r\n".join([
            "BEGIN:VEVENT",
            self._line("SUMMARY", summary),
            self._time("DTSTART", one.date, one.begin),
            self._time("DTEND", one.date, one.begin + one.minutes),
            self._sample["DTSTAMP"],
            f"UID:{uid(self.model.name, one, rep)}",
            self._sample["SEQUENCE"],
            self._line("CATEGORIES", one.purpose),
            self._line("DESCRIPTION", "\n".join(_says(one))),
            self._sample["LAST-MODIFIED"],
            self._where(one.client.partition("#")[0]) + "END:VEVENT",
            "",
        ])  # fmt: skip

    def _time(self, name: str, date: dt.date, minutes: int) -> str:
        if (date, minutes) not in self._times:
            at = dt.datetime.combine(date, dt.time()) + dt.timedelta(minutes=minutes)
            self._times[date, minutes] = f"{at:{TIME}}"
        return self._sample[name].replace(SAMPLE_TEXT, self._times[date, minutes])

    def _line(self, name: str, value: str) -> str:
        """Return a property's line, folded and with its special characters marked."""
        if (name, value) not in self._lines:
            line = Contentline.from_parts(name, Parameters(), value)
            self._lines[name, value] = line.to_ical().decode()
        return self._lines[name, value]

    def _where(self, code: str) -> str:
        """Return the lines of a client's area and coordinates, if they are known."""
        if code not in self._places:
            row = self._clients.loc[code]
            event = icalendar.Event()
            if row["area"]:
                event.add("location", str(row["area"]))
            if not pd.isna(row["latitude"]) and not pd.isna(row["longitude"]):
                event.add("geo", (float(row["latitude"]), float(row["longitude"])))
            lines = event.to_ical().decode().split("\r\n")[1:-2]
            self._places[code] = "".join(f"{line}\r\n" for line in lines)
        return self._places[code]


def _says(one: Appointment) -> Iterator[str]:
    yield _("Client {client}, tier {tier}").format(client=one.client, tier=one.tier)
    if one.companion:
        yield _("With {who}").format(who=one.companion)
    if one.owner != one.rep:
        yield _("For {owner}, who is away").format(owner=one.owner)


def uid(model: str, one: Appointment, rep: str) -> str:
    """Name of a visit that stays when its day or its rep changes; who goes along has an event of his own."""
    along = rep if rep == one.companion else ""
    text = "\n".join([model, one.client, one.window, str(one.number), along])
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}@sales-allocator"


def names_of(model: Model, key: str) -> dict[str, str]:
    """Names of clients (key ``client``) or reps (``rep``) by their codes."""
    rows = model[f"{key}s"]
    return dict(zip(rows[key].astype(str), rows["name"].astype(str), strict=True))


def client_name(names: Mapping[str, str], client: str) -> str:
    """Name of a client, with its number where it is one of several; its code where it has no name."""
    code, hash_, number = client.partition("#")
    return (names[code] or code) + hash_ + number


def zone_of(country: str) -> str:
    """First time zone of a country in the time zone database (that of most of its people); UTC for an unknown one."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    for line in table.splitlines():
        code, _place, zone = [*line.split("\t"), "", ""][:3]
        if code == country.upper():
            return zone
    return "UTC"


def write_calendars(
    model: Model,
    visits: pd.DataFrame,
    folder: Path,
    reps: Iterable[str] | None = None,
    *,
    stamp: dt.datetime | None = None,
) -> list[Path]:
    """Write one file for each rep (all who have visits by default) and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    calendars = Calendars(model, visits, stamp=stamp)
    paths = []
    for rep in sorted(set(visits["rep"].astype(str))) if reps is None else reps:
        paths.append(folder / f"{_file_name(rep)}.ics")
        paths[-1].write_bytes(calendars.of(rep))
    return paths


def _file_name(rep: str) -> str:
    """Return the code, or what a file may be called instead, with a part that keeps two codes apart."""
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in rep).strip(".")
    return plain if plain == rep else f"{plain}-{hashlib.sha256(rep.encode()).hexdigest()[:6]}"
