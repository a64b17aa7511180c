"""Visits for people's calendars: one iCalendar file (RFC 5545) for each rep."""

from __future__ import annotations

import datetime as dt
import hashlib
import zoneinfo
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import icalendar
import pandas as pd

from allocator.model import Model
from allocator.texts import N_, _

BEGIN, NOON, AFTERNOON = 9 * 60, 12 * 60, 13 * 60
"""Minutes after midnight: when a day's first visit begins, when the break does, when it ends."""
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


def appointments(visits: pd.DataFrame, rep: str) -> list[Appointment]:
    """Visits of a rep, and those on which he goes along, in the order of his days.

    Parameters
    ----------
    visits : DataFrame
        ``visits`` of a schedule, or ``visits.csv`` read back.
    rep : str
    """
    mine = visits[(visits["rep"].astype(str) == rep) | (visits["with"].astype(str) == rep)]
    clients = set(mine["client"].astype(str))
    known = visits[visits["client"].astype(str).isin(clients)]
    rows = known.assign(date=pd.to_datetime(known["date"])).sort_values("date", kind="stable")
    number = rows.groupby([rows["client"].astype(str), rows["window"].astype(str)]).cumcount() + 1
    rows = rows.assign(number=number).reindex(mine.index)
    rows = rows.sort_values("date", kind="stable")
    found: list[Appointment] = []
    for row in rows.astype(object).to_dict("records"):
        date = pd.Timestamp(row["date"]).date()
        begin = BEGIN
        if found and found[-1].date == date:
            begin = found[-1].begin + found[-1].minutes
            if begin >= NOON > found[-1].begin:
                begin = max(begin, AFTERNOON)
        client, tier, purpose, maker, owner, companion, window = (
            str(row[c]) for c in ("client", "tier", "purpose", "rep", "owner", "with", "window")
        )
        found.append(
            Appointment(
                date,
                begin,
                int(row["minutes"]),
                client,
                tier,
                purpose,
                maker,
                owner,
                companion,
                window,
                int(row["number"]),
            )
        )
    return found


def calendar_bytes(
    model: Model, visits: pd.DataFrame, rep: str, *, stamp: dt.datetime | None = None, zone: str | None = None
) -> bytes:
    """Return a rep's visits as an iCalendar file.

    Every event has a UID made of model, client, window and the visit's number in it, so a second import moves it and does not double it.

    Parameters
    ----------
    model : Model
    visits : DataFrame
    rep : str
    stamp : datetime, optional
        When the plan was made, with a time zone; now by default. Calendars take the later of two versions of an event.
    zone : str, optional
        Time zone; by default the first of the model's country.
    """
    stamp = (stamp or dt.datetime.now(dt.UTC)).astimezone(dt.UTC).replace(microsecond=0)
    place = zoneinfo.ZoneInfo(zone or zone_of(model.settings.country))
    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//sales-allocator//visits//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    named = model["reps"].set_index("rep")["name"].to_dict()
    calendar.add("x-wr-calname", f"{named.get(rep) or rep} · {model.settings.title or model.name}")
    calendar.add("x-wr-timezone", str(place))
    clients = model["clients"].set_index("client")
    for one in appointments(visits, rep):
        calendar.add_component(_event(model.name, clients, one, rep, stamp, place))
    days = model.calendar.days
    calendar.add_missing_timezones(days[0].date(), days[-1].date())
    return bytes(calendar.to_ical())


def _event(
    model: str, clients: pd.DataFrame, one: Appointment, rep: str, stamp: dt.datetime, place: zoneinfo.ZoneInfo
) -> icalendar.Event:
    code = one.client.partition("#")[0]
    begin = dt.datetime.combine(one.date, dt.time(), place) + dt.timedelta(minutes=one.begin)
    event = icalendar.Event()
    event.add("uid", uid(model, one, rep))
    event.add("dtstamp", stamp)
    event.add("last-modified", stamp)
    event.add("sequence", int(stamp.timestamp()) // 60)
    event.add("dtstart", begin)
    event.add("dtend", begin + dt.timedelta(minutes=one.minutes))
    event.add("summary", f"{client_name(clients, one.client)} · {_(PURPOSES[one.purpose])}")
    event.add("description", "\n".join(_says(one)))
    row = clients.loc[code]
    if row["area"]:
        event.add("location", str(row["area"]))
    if not pd.isna(row["latitude"]) and not pd.isna(row["longitude"]):
        event.add("geo", (float(row["latitude"]), float(row["longitude"])))
    event.add("categories", [one.purpose])
    return event


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


def client_name(clients: pd.DataFrame, client: str) -> str:
    """Name of a client, with its number where it is one of several; its code where it has no name."""
    code, hash_, number = client.partition("#")
    return (str(clients.loc[code, "name"]) or code) + hash_ + number


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
    paths = []
    for rep in sorted(set(visits["rep"].astype(str))) if reps is None else reps:
        paths.append(folder / f"{_file_name(rep)}.ics")
        paths[-1].write_bytes(calendar_bytes(model, visits, rep, stamp=stamp))
    return paths


def _file_name(rep: str) -> str:
    """Return the code, or what a file may be called instead, with a part that keeps two codes apart."""
    plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in rep).strip(".")
    return plain if plain == rep else f"{plain}-{hashlib.sha256(rep.encode()).hexdigest()[:6]}"
