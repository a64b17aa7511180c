"""Checks of visits, hours and the funnel (section 3 of the mathematics)."""

from __future__ import annotations

import numpy as np

from allocator.auditing.book import Axes, Book, Floats, summed
from allocator.auditing.case import Case, later
from allocator.auditing.people import below, numbers, words
from allocator.texts import N_

AVAILABLE = N_("Hours available are those of the calendar")
PROMISED = N_("Promised visits are those of the tier")
MINUTES = N_("Minutes are those of visits and of winning")
NONNEGATIVE = N_("No visit, client or amount is negative")
CURVE_END = N_("Effort ends where its curve ends")
HOURS = N_("A month's hours hold")
DAY = N_("A day holds so many visits")
UNMANNED = N_("Nobody visits or wins a client without a rep")
AWAY = N_("A client is visited in months in which it is one")
EXECUTIVE = N_("Promised executive visits are made")
ACCOMPANIED = N_("An executive visit is a visit")
RESOURCES = N_("Shared pools are shared")
PROSPECTS = N_("Only prospects and lost clients are won")
FIRST = N_("First visits go to each client once")
ENTERED = N_("What enters a channel are first visits or leads")
LEADS = N_("Leads of a unit win clients of the unit")
FUNNEL = N_("New clients come through the funnel")
ONCE = N_("A client is won once")
WON = N_("Clients won are those of all channels")
WON_REP = N_("A won client stands under the month's carrier")


def check_effort(book: Book, case: Case) -> None:
    """Check everything that stands in effort.csv and won.csv."""
    _check_shown(book, case)
    _check_hours(book, case)
    _check_executive(book, case)
    _check_resources(book, case)
    _check_funnel(book, case)
    _check_leads(book, case)


def _check_shown(book: Book, case: Case) -> None:
    """Check what is shown beside the decisions, and their signs."""
    groups, people, figures, effort = case.groups, case.people, case.figures, case.sheets["effort"]
    at, month = effort.place["group"], effort.place["month"]
    axes = [{"group": groups.codes[at], "month": people.months[month]}]
    owner = groups.owner[at]
    due = np.where(owner >= 0, np.vstack([people.hours, np.zeros(len(people.months))])[owner, month], 0.0)
    shown = effort.number("hours_available")
    book.equal(AVAILABLE, axes, np.where((owner < 0) & np.isnan(shown), 0.0, shown), due)
    length = groups.by_window(np.ones_like(groups.promise))
    spread = np.take_along_axis(groups.promise / np.maximum(length, 1.0), groups.window, axis=1)
    book.equal(PROMISED, axes, effort.number("promised"), spread[at, month])
    work = groups.tier_values(case.model, "minutes")[:, None] * figures.visits + 60 * case.winning_hours()
    book.equal(MINUTES, axes, effort.number("minutes"), work[at, month])
    for column in ("planned", "executive", "first_visits", "won"):
        book.at_least(NONNEGATIVE, [{**axes[0], "column": column}], effort.number(column))
    seen, end = groups.by_window(figures.visits), case.demand.ends[:, None] * groups.promise
    book.at_most(CURVE_END, [{"group": groups.codes}, {"window": np.arange(1, len(people.months) + 1)}], seen, end)
    nobody = groups.owner < 0
    for done in (figures.visits, figures.first, figures.won.sum(axis=0)):
        book.equal(UNMANNED, [{"group": groups.codes[nobody]}, {"month": people.months}], done[nobody], 0.0)
    book.equal(AWAY, case.group_months, np.where(groups.stay > 0, 0.0, figures.visits), 0.0)


def _check_hours(book: Book, case: Case) -> None:
    """Hours and visits a day, shared between owner and backup."""
    figures, people = case.figures, case.people
    minutes = case.groups.tier_values(case.model, "minutes")[:, None]
    book.at_most(
        HOURS,
        case.rep_months,
        case.shared(minutes / 60 * figures.visits + case.winning_hours()),
        np.where(case.over, np.inf, people.hours),
    )
    limit = numbers(case.model["reps"]["visits_per_day"], np.nan)
    some = ~np.isnan(limit)
    done = case.shared(figures.visits + figures.first)[some]
    axes = [{"rep": people.reps[some]}, {"month": people.months}]
    book.at_most(DAY, axes, done, np.where(case.over, np.inf, limit[some][:, None] * people.present[some]))


def _executives(case: Case) -> Floats:
    """Lay out executive visits as shown, shape (groups, months)."""
    shape = (len(case.groups.codes), len(case.months))
    return case.sheets["effort"].grid("executive", ("group", "month"), shape)


def _check_executive(book: Book, case: Case) -> None:
    """Tiers whose executive visits use a pool get them."""
    groups, shown = case.groups, _executives(case)
    book.at_most(ACCOMPANIED, case.group_months, shown, case.figures.visits)
    visits, promised = (groups.tier_values(case.model, c) for c in ("visits", "executive_visits"))
    needed = np.isin(groups.labels["tier"], words(case.model["needs"]["tier"])) & (promised > 0) & (visits > 0)
    share = np.divide(promised, visits, out=np.zeros_like(visits), where=visits > 0)[:, None]
    seen = np.where(groups.promise > 0, groups.by_window(case.figures.visits), 0.0)
    axes: Axes = [{"group": groups.codes[needed]}, {"window": np.arange(1, len(case.months) + 1)}]
    book.at_least(EXECUTIVE, axes, groups.by_window(shown)[needed], (share * seen)[needed])


def _check_resources(book: Book, case: Case) -> None:
    """Contracts and executive visits stay within every pool."""
    resources, needs = case.model["resources"], case.model["needs"]
    name, month, hours = words(resources["resource"]), words(resources["month"]), numbers(resources["hours"], 0.0)
    contracts = np.zeros((len(case.products), len(case.months)))
    np.add.at(contracts, case.demand.product, case.figures.contracts)
    executive = _executives(case)
    for pool in sorted(set(name)):
        limit = np.full(len(case.months), np.nan)
        for m, h in sorted(zip(month[name == pool], hours[name == pool], strict=True)):
            limit[case.months == m if m else np.ones(len(limit), bool)] = h  # a blank month comes first
        used = np.zeros(len(case.months))
        mine = words(needs["resource"]) == pool
        for p, k, h in zip(
            words(needs["product"])[mine], words(needs["tier"])[mine], numbers(needs["hours"], 0.0)[mine], strict=True
        ):
            if p:
                used += h * contracts[case.products == p].sum(axis=0)
            if k:
                used += h * executive[case.groups.labels["tier"] == k].sum(axis=0)
        some = ~np.isnan(limit) & ~case.over
        book.at_most(RESOURCES, [{"resource": pool, "month": case.months[some]}], used[some], limit[some])


def _check_funnel(book: Book, case: Case) -> None:
    """First visits and won clients, group by group."""
    groups, figures, channels, sheet = case.groups, case.figures, case.channels, case.sheets["won"]
    axes = [{"group": groups.codes[sheet.place["group"]], "month": case.months[sheet.place["month"]]}]
    for column in ("entered", "won"):
        book.at_least(NONNEGATIVE, [{**axes[0], "column": column}], sheet.number(column))
    carrier = groups.carrier[sheet.place["group"], sheet.place["month"]]
    names = np.append(case.people.reps.to_numpy(dtype=object), "")[carrier]
    book.holds(WON_REP, axes, sheet.text("rep") == names, sheet.text("rep"), names)
    total = figures.won.sum(axis=0)
    active = groups.active
    book.equal(PROSPECTS, [{"group": groups.codes[active]}, {"month": case.months}], total[active], 0.0)
    book.equal(PROSPECTS, [{"group": groups.codes[active]}, {"month": case.months}], figures.first[active], 0.0)
    shown = case.sheets["effort"].grid("won", ("group", "month"), total.shape)
    book.equal(WON, case.group_months, shown, total)
    book.at_most(ONCE, [{"group": groups.codes}], total.sum(axis=1), groups.count)
    book.at_most(FIRST, [{"group": groups.codes}], figures.first.sum(axis=1), groups.count)
    entered = sheet.grid("entered", ("channel", "group", "month"), figures.won.shape)
    visits = channels.names == "visits"
    book.equal(ENTERED, case.group_months, entered[visits].sum(axis=0), figures.first if visits.any() else 0.0)
    for k in np.nonzero(visits)[0]:
        came = channels.conversion[k] * later(figures.first, int(channels.lag[k]))
        book.at_most(FUNNEL, case.group_months, figures.won[k], np.where(case.over, np.inf, came))
    if not visits.any():
        book.equal(FUNNEL, case.group_months, figures.first, 0.0)


def _check_leads(book: Book, case: Case) -> None:
    """Check clients won through money: by channel and unit of the lines, among the groups below that unit."""
    groups, channels, sheet = case.groups, case.channels, case.sheets["won"]
    leads, unit, group = lead_pools(case), sheet.text("unit"), sheet.place["group"]
    owners = np.append(case.people.units, "")[groups.owner[group]]
    near = unit == ""
    for u in sorted(set(unit) - {""}):
        near |= (unit == u) & below(case.model, owners, [u])
    axes: Axes = [{"group": groups.codes[group], "month": case.months[sheet.place["month"]], "unit": unit}]
    book.equal(LEADS, axes, np.where(near, 0.0, sheet.number("won")), 0.0)
    for k, name in enumerate(channels.names):
        if name == "visits":
            continue
        mine = sheet.place["channel"] == k
        rate, lag = channels.conversion[k], int(channels.lag[k])
        won, entered = sheet.number("won")[mine], sheet.number("entered")[mine]
        book.equal(ENTERED, [{a: np.asarray(b)[mine] for a, b in axes[0].items()}], rate * entered, won)
        for u in sorted({*unit[mine], *(u for channel, u in leads if channel == name)}):
            of = unit[mine] == u
            total = summed(sheet.place["month"][mine][of], won[of], len(case.months))
            came = rate * later(leads.get((name, u), np.zeros(len(case.months))), lag)
            came = np.where(case.over, np.inf, came)
            book.at_most(FUNNEL, [{"channel": str(name), "unit": u, "month": case.months}], total, came)


def lead_pools(case: Case) -> dict[tuple[str, str], Floats]:
    """Leads that enter each month, by channel and unit of the lines that feed it."""
    budget, yields = case.model["budget"], case.model["yields"]
    leads = words(yields["metric"]) == "leads"
    amount = dict(zip(words(yields["source"])[leads], numbers(yields["amount"], 0.0)[leads], strict=True))
    pools: dict[tuple[str, str], Floats] = {}
    for i, (line, channel, unit) in enumerate(
        zip(*(words(budget[c]) for c in ("line", "channel", "unit")), strict=True)
    ):
        if channel and line in amount:
            came = amount[line] * case.figures.spend[i]
            pools[channel, unit] = pools.get((channel, unit), np.zeros(len(case.months))) + came
    return pools
