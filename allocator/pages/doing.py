"""What is done for it: visits and their load, money, and where the clients are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from allocator.formulation.arrays import positions
from allocator.pages.asking import BARS, Told
from allocator.pages.figures import SERIES, against, heat, lying_height, places, stacked
from allocator.pages.parts import Cell, Chart, Section, Table, table_of
from allocator.reporting.amounts import share
from allocator.reporting.words import REASONS
from allocator.texts import _, after
from allocator.visits.calendars import PURPOSES

HEAT_ROWS = 100
"""Reps that a heat map holds; of more, their units stand in it."""


def visits(told: Told) -> Section:
    """What is promised, what has a date, and how full the weeks are."""
    plan = told.plan
    kpis = plan.summary.get("kpis") or {}
    lead = [
        _(
            "{promised} visits are promised, {planned} planned; with the first visits to new clients {scheduled} have a date."
        ).format(
            promised=_number(kpis.get("visits_promised")),
            planned=_number(kpis.get("visits_planned")),
            scheduled=_number(kpis.get("visits_scheduled")),
        )
    ]
    section_blocks: list[Chart | Table] = []
    if "visits" in plan.tables and len(plan["visits"]):
        section_blocks.append(_load(told))
    else:
        lead.append(_("No visit of this run has a date."))
    section_blocks.append(_by_tier(told))
    if "unplaced" in plan.tables and len(plan["unplaced"]):
        section_blocks.append(_unplaced(told))
    return Section("visits", _("Visits"), tuple(lead), [*section_blocks])


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


def _by_tier(told: Told) -> Table:
    effort = told.plan["effort"]
    columns = ["promised", "planned", "executive", "first_visits", "won"]
    sums = effort.groupby("tier", sort=False, observed=True)[[*columns, "minutes"]].sum()
    sums["hours"] = sums.pop("minutes") / 60
    return table_of(_("Visits by tier"), sums.reset_index())


def _unplaced(told: Told) -> Table:
    table = told.plan["unplaced"]
    said = table.assign(
        reason=_in_words(table["reason"], REASONS),
        purpose=_in_words(table["purpose"], PURPOSES),
        promised=(table["promised"].astype(str) == "yes").astype(float),
    )
    groups = said.groupby(["rep", "reason", "purpose"], sort=True)["promised"]
    frame = groups.agg(promised="sum", visits="size").reset_index()
    frame["rep"] = [told.names.get(r, r) for r in frame["rep"]]
    return table_of(_("Visits without a day"), frame, None, {"visits": _("visits")})


def _in_words(codes: pd.Series, words: Mapping[str, str]) -> pd.Series:
    return codes.map({code: _(words.get(code, code)) for code in codes.unique()})


def _load(told: Told) -> Chart:
    """Minutes of visits of each rep and week against the hours that he has for them then."""
    weeks, hours, open_ = _week_hours(told)
    model = told.plan.model
    table = told.plan["visits"]
    reps = [str(r) for r in model["reps"]["rep"]]
    worked = np.zeros((len(reps), len(weeks)))
    of, dates = pd.factorize(table["date"])
    week = positions(weeks, _week_names(pd.DatetimeIndex(dates).isocalendar()))[of]
    for who in ("rep", "with"):
        row = positions(reps, table[who].astype(str))
        there = (row >= 0) & (week >= 0)
        np.add.at(worked, (row[there], week[there]), table["minutes"].to_numpy(float)[there] / 60)
    names = [told.names[r] for r in reps]
    by_unit = len(reps) > HEAT_ROWS
    if by_unit:
        home = model["reps"]["unit"].astype(str)
        names = list(dict.fromkeys(home))
        of = np.array([[u == n for u in home] for n in names], float)
        worked, hours, open_ = of @ worked, of @ hours, of @ open_ > 0
    seen = np.asarray((worked > 0).any(axis=1))
    worked, hours, open_ = worked[seen], hours[seen], open_[seen]
    names = [n for n, s in zip(names, seen.tolist(), strict=True) if s]
    part = np.divide(worked, hours, out=np.full_like(worked, np.nan), where=(hours > 0) & (open_ > 0))
    said = np.array(
        [
            [
                _("{worked} h of visits, {hours} h to sell").format(worked=f"{w:.1f}", hours=f"{h:.1f}")
                for w, h in zip(ws, hs, strict=True)
            ]
            for ws, hs in zip(worked, hours, strict=True)
        ],
        dtype=object,
    )
    over = int((part > 1 + 1e-9).sum())
    title = _("Load by unit and week") if by_unit else _("Load by rep and week")
    says = _("Hours of dated visits as share of the selling hours: {mean} on average, {most} at most.").format(
        mean=share(float(worked.sum() / hours.sum()) if hours.sum() else 0.0),
        most=share(float(np.nanmax(part)) if np.isfinite(part).any() else 0.0),
    )
    if over:
        says += after(
            _("Red weeks are fuller than their hours; the month makes up for it ({weeks} of them).").format(weeks=over)
        )
    figure = heat(names, weeks, part, said, bar=_("load"))
    return Chart("load", title, says, figure, 150 + 18 * max(len(names), 3), _load_table(title, names, weeks, part))


def _load_table(title: str, names: list[str], weeks: list[str], part: np.ndarray) -> Table:
    rows = [
        (Cell(name), *(Cell("–") if v != v else Cell(f"{100 * v:.0f} %", float(v)) for v in line))
        for name, line in zip(names, part, strict=True)
    ]
    return Table(title, (_("rep or unit"), *weeks), (False, *[True] * len(weeks)), rows)


def _week_names(iso: pd.DataFrame) -> list[str]:
    return [f"{y}-W{w:02d}" for y, w in zip(iso["year"], iso["week"], strict=True)]


def _week_hours(told: Told) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Weeks of the plan; selling hours and working days of each rep in each, shape (reps, weeks).

    The hours of a month (``hours_available`` of ``effort.csv``) fall on the days of it on which the rep works.
    """
    model = told.plan.model
    calendar, reps = model.calendar, model["reps"]
    here = np.stack([calendar.between(a, b) for a, b in zip(reps["start"], reps["end"], strict=True)])
    index = pd.Index(reps["rep"])
    for rep, start, end in model["leave"][["rep", "from", "to"]].itertuples(index=False):
        here[index.get_loc(rep)] &= ~calendar.between(start, end)
    days = (here & calendar.working).astype(float)
    effort = told.plan["effort"]
    known = effort.drop_duplicates(["rep", "month"]).pivot_table("hours_available", "rep", "month")
    known = known.reindex(index=reps["rep"].astype(str), columns=list(calendar.months))
    of_month = np.zeros((len(calendar.days), calendar.count))
    of_month[np.arange(len(calendar.days)), calendar.day_month] = 1.0
    present = days @ of_month
    own = (reps["hours_per_day"] * reps["selling_share"]).to_numpy(float)[:, None] * present
    month = np.where(np.isnan(known.to_numpy(float)), own, known.to_numpy(float))
    each = np.divide(month, present, out=np.zeros_like(month), where=present > 0)
    names = _week_names(calendar.days.isocalendar())
    weeks = list(dict.fromkeys(names))
    of_week = np.zeros((len(names), len(weeks)))
    of_week[np.arange(len(names)), positions(weeks, names)] = 1.0
    return weeks, (days * each[:, calendar.day_month]) @ of_week, days @ of_week


def budget(told: Told) -> Section:
    """What each line spends of what it may, and the categories by month."""
    table, money = told.plan["budget"], told.amounts.money
    if table.empty:
        return Section("budget", _("Budget"), (_("The model has no budget lines."),))
    lines = table.drop_duplicates("line")[["line", "category", "line_total", "minimum", "maximum", "headroom"]]
    lines = lines.sort_values("line_total", ascending=False, kind="stable")
    spent, most = float(lines["line_total"].sum()), float(lines["maximum"].sum())
    lead = _("{spent} of {most} is spent.").format(spent=money(spent), most=money(most))
    drawn = lines.head(BARS)
    size, unit = told.scale(drawn["maximum"].fillna(drawn["line_total"]))
    said = [
        _("{spent} of {most}").format(spent=money(s), most="–" if m != m else money(m))
        for s, m in drawn[["line_total", "maximum"]].itertuples(index=False)
    ]
    words = (_("may be spent"), _("is spent"))
    figure = against(
        drawn["line"].to_list(), (drawn["maximum"].fillna(drawn["line_total"]) / size).to_list(),
        (drawn["line_total"] / size).to_list(), said, words, axis=unit,
    )  # fmt: skip
    write = dict.fromkeys(("line_total", "minimum", "maximum", "headroom", "spend"), money)
    chart = Chart(
        "budget-lines", _("Budget lines"), lead, figure, lying_height(len(drawn)),
        table_of(_("Budget lines"), lines, write),
    )  # fmt: skip
    return Section("budget", _("Budget"), (), [chart, _by_month(told, table)])


def _by_month(told: Told, table: pd.DataFrame) -> Chart:
    money = told.amounts.money
    sums = table.pivot_table("spend", "month", "category", aggfunc="sum", sort=False).fillna(0.0)
    sums = sums.reindex(list(told.plan.model.calendar.months)).fillna(0.0)
    size, unit = told.scale(sums.sum(axis=1))
    series = {str(c): (sums[c] / size).to_list() for c in sums}
    said = {str(c): [money(v) for v in sums[c]] for c in sums}
    colours = {name: SERIES[k % len(SERIES)] for k, name in enumerate(series)}
    total = sums.sum(axis=1)
    says = _("Most is spent in {month}: {money}.").format(month=total.idxmax(), money=money(float(total.max())))
    frame = sums.reset_index()
    write = {str(c): money for c in sums}
    return Chart(
        "budget-months", _("Spend by month and category"), says,
        stacked([str(m) for m in sums.index], series, said, colours, lying=False, axis=unit),
        380, table_of(_("Spend by month and category"), frame, write),
    )  # fmt: skip


def areas(told: Told) -> Iterator[Section]:
    """Where the clients are, area by area, if the model says so."""
    clients = told.plan.model["clients"]
    known = clients[clients["latitude"].notna() & clients["longitude"].notna()]
    if known.empty:
        return
    owner = told.plan["assignments"].drop_duplicates("client").set_index("client")["rep"]
    home = told.plan.model["reps"].set_index("rep")["unit"]
    rep = known["client"].map(owner)
    unit = rep.map(home).fillna(known["unit"]).fillna("").astype(str)
    seen = _seen(told)
    area = known["area"].where(known["area"] != "", known["client"])
    frame = known.assign(area=area, unit=unit.replace("", "–"), rep=rep, visits=known["client"].map(seen).fillna(0.0))
    sums = frame.groupby(["unit", "area"], sort=False).agg(
        latitude=("latitude", "mean"), longitude=("longitude", "mean"), clients=("count", "sum"),
        reps=("rep", "nunique"), visits=("visits", "sum"),
    ).reset_index()  # fmt: skip
    series = {}
    for name, part in sums.groupby("unit", sort=False):
        said = [
            _("{area}: {clients} clients, {visits} dated visits").format(
                area=a, clients=f"{c:,.0f}", visits=f"{v:,.0f}"
            )
            for a, c, v in part[["area", "clients", "visits"]].itertuples(index=False)
        ]
        series[str(name)] = (
            part["longitude"].to_list(), part["latitude"].to_list(), part["clients"].astype(float).to_list(), said,
        )  # fmt: skip
    figure = places(series, words=(_("longitude"), _("latitude")))
    says = _("{areas} areas of {units} units; the larger a circle, the more clients.").format(
        areas=sums["area"].nunique(), units=len(series)
    )
    words = {"area": _("area"), "latitude": _("latitude"), "longitude": _("longitude"), "reps": _("reps")}
    exact = dict.fromkeys(("latitude", "longitude"), lambda v: f"{v:.3f}")
    table = table_of(_("Areas"), sums, exact, {**words, "clients": _("clients"), "visits": _("visits")})
    yield Section("areas", _("Areas"), (), [Chart("map", _("Where the clients are"), says, figure, 520, table)])


def _seen(told: Told) -> pd.Series:
    """Dated visits by client; those of a segment, whose clients have codes such as ``P1#7`` there, together."""
    if "visits" not in told.plan.tables:
        return pd.Series(dtype=float)
    code = told.plan["visits"]["client"].astype(str)
    known = set(told.plan.model["clients"]["client"].astype(str))
    stem = code.str.rsplit("#", n=1).str[0]
    return code.where(code.isin(known) | ~stem.isin(known), stem).value_counts()
