"""A rep's week as text, for a terminal of 80 columns; Chinese characters take two of them."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Iterator, Mapping

import holidays
import pandas as pd

from allocator.model import Model
from allocator.texts import N_, _, current_language
from allocator.visits.calendars import PURPOSES, Appointment, appointments, by_rep, client_name, names_of, numbered

WIDTH = 80
DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
CLIENT, TIER, PURPOSE = 30, 5, 16


def week_days(week: str) -> list[dt.date]:
    """Days of an ISO week such as ``2026-W15``.

    Raises
    ------
    ValueError
        If the text is no week.
    """
    year, w, number = week.partition("-W")
    if not w or not year.isdigit() or not number.isdigit():
        raise ValueError(week)
    try:
        first = dt.date.fromisocalendar(int(year), int(number), 1)
    except ValueError as error:
        raise ValueError(week) from error
    return [first + dt.timedelta(days=k) for k in range(7)]


def week_text(model: Model, visits: pd.DataFrame, rep: str, week: str) -> str:
    """Return a rep's week: his visits in the order of the days, with proposed times.

    Parameters
    ----------
    model : Model
    visits : DataFrame
        ``visits`` of a schedule, or ``visits.csv`` read back.
    rep : str
    week : str
        An ISO week, ``2026-W15``.

    Raises
    ------
    ValueError
        If ``week`` is no week.
    """
    days = week_days(week)
    dates = pd.to_datetime(visits["date"])
    clients = set(visits.loc[dates.between(pd.Timestamp(days[0]), pd.Timestamp(days[-1])), "client"].astype(str))
    some = by_rep(numbered(visits[visits["client"].astype(str).isin(clients)]))
    mine = [a for a in appointments(some[rep]) if days[0] <= a.date <= days[-1]] if rep in some else []
    return "\n".join([*_heading(model, rep, week, days, mine), *_body(model, rep, days, mine), ""])


def _heading(model: Model, rep: str, week: str, days: list[dt.date], mine: list[Appointment]) -> Iterator[str]:
    named = model["reps"].set_index("rep")["name"].to_dict()
    who = f"{rep} {named.get(rep) or ''}".strip()
    yield cut(f"{who} · {week} · {days[0]} – {days[-1]}", WIDTH)
    hours = f"{sum(a.minutes for a in mine) / 60:.1f}"
    yield cut(_("Visits: {count}, hours: {hours}").format(count=len(mine), hours=hours), WIDTH)


def _body(model: Model, rep: str, days: list[dt.date], mine: list[Appointment]) -> Iterator[str]:
    names = names_of(model, "client")
    for day in days:
        here = [a for a in mine if a.date == day]
        name = f"{_(DAYS[day.weekday()])} {day:%m-%d}"
        yield ""
        if not here:
            yield cut(f"{name}  " + _without_visits(model, rep, pd.Timestamp(day)), WIDTH)
            continue
        hours = f"{sum(a.minutes for a in here) / 60:.1f}"
        yield f"{name}  " + _("Visits: {count}, hours: {hours}").format(count=len(here), hours=hours)
        for one in here:
            yield _line(names, rep, one)


def _without_visits(model: Model, rep: str, day: pd.Timestamp) -> str:
    """Why a rep has no visits on a day."""
    calendar, leave = model.calendar, model["leave"]
    row = model["reps"].set_index("rep").loc[rep]
    at = (day - calendar.days[0]).days
    if not 0 <= at < len(calendar.days):
        return _("outside the plan")
    if day < row["start"] or day > row["end"]:
        return _("not in post")
    if not calendar.working[at]:
        return _holiday(calendar.country, day) or _("day off")
    away = (leave["rep"] == rep) & (leave["from"] <= day) & (leave["to"] >= day)
    return _("on leave") if away.any() else _("no visits")


def _holiday(country: str, day: pd.Timestamp) -> str:
    """Name of a public holiday, in the language in force if it is known in it; blank for any other day."""
    public = holidays.country_holidays(country, years=day.year)
    tongue = {"en": "en_US", "zh": "zh_CN"}[current_language()]
    if tongue in public.supported_languages:
        public = holidays.country_holidays(country, years=day.year, language=tongue)
    return str(public.get(day.date(), ""))


def _line(names: Mapping[str, str], rep: str, one: Appointment) -> str:
    end = one.begin + one.minutes
    time = f"  {one.begin // 60:02d}:{one.begin % 60:02d}-{end // 60 % 24:02d}:{end % 60:02d} "
    note = _("for {owner}").format(owner=one.owner) if one.owner != rep else ""
    if one.companion:
        other = one.rep if one.companion == rep else one.companion
        note = _("with {who}").format(who=other)
    name, hash_, number = client_name(names, one.client).partition("#")
    cells = [
        padded(cut(name, CLIENT - len(hash_ + number)) + hash_ + number, CLIENT),
        padded(one.tier, TIER),
        padded(_(PURPOSES[one.purpose]), PURPOSE),
    ]
    return cut(time + " ".join(cells) + " " + note, WIDTH).rstrip()


def width(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, columns: int) -> str:
    """Return the text, or what fits of it with an ellipsis."""
    if width(text) <= columns:
        return text
    kept = text
    while kept and width(kept) > columns - 1:
        kept = kept[:-1]
    return kept + "…"


def padded(text: str, columns: int) -> str:
    """Return the text cut or filled with blanks to so many columns."""
    text = cut(text, columns)
    return text + " " * (columns - width(text))
