"""Checks of what each rep does by year, quarter, month, third and week (section 8 of the mathematics)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from allocator.auditing.book import Book, Ints
from allocator.auditing.case import Case
from allocator.auditing.days import Money
from allocator.auditing.files import PEOPLE, SPLIT, SUMS, TIMES, Sheet
from allocator.auditing.people import commission_rates
from allocator.auditing.work import Work, work_of_reps
from allocator.texts import N_

ROWS = N_("Every rep has a row for every period")
ADDS = N_("Periods of every kind add up to the same year")
QUOTA = N_("The quota of a period is that of its days")
STEPS = N_("What is done comes in whole steps")
DONE = N_("What is done is the plan's, a step more or less")
TIMES_ADD = N_("Past, present and future add up")
TIMES_NEAR = N_("Past, present and future are those of the plan")
DIFFERENT = N_("Different clients are no more than visits and clients won")
BY_PRODUCT = N_("Contracts by product add up to those of the rep")
OF_PRODUCT = N_("Contracts of a product are those of the plan")

KINDS = ("year", "quarter", "month", "third", "week")
PRODUCT_KINDS = ("year", "quarter", "month")
DEALT, DEALT_TWICE = 2, 4
"""Steps by which a part may differ from its own share; the second where it is dealt on."""
HOURS = 10
"""Parts of an hour in which support hours are counted."""
Columns = Mapping[str, Ints]


def check_actions(book: Book, case: Case, money: Money, quota: Ints) -> None:
    """Check everything that stands in actions.csv and contracts.csv.

    Parameters
    ----------
    quota : int array, shape (reps, periods)
        Base quotas of every period, in parts of money.
    """
    sheet, days = case.sheets["actions"], case.days
    at = days.of_kinds(KINDS)
    axes = [{"rep": case.people.reps}, {"period": days.periods[at]}]
    there = np.zeros((len(case.people.reps), len(days.periods)), bool)
    there[sheet.place["rep"], sheet.place["period"]] = True
    book.holds(ROWS, axes, there[:, at])
    kind = days.kind[sheet.place["period"]]
    rows = [{"rep": case.people.reps[sheet.place["rep"]], "period": days.periods[sheet.place["period"]]}]
    book.holds(ROWS, rows, sheet.text("kind") == kind, sheet.text("kind"), kind)
    work = work_of_reps(case, money)
    shown = _whole_columns(book, case, money, sheet, axes, at)
    book.holds(QUOTA, axes, shown["quota"] == quota[:, at], shown["quota"] / money.of_one, quota[:, at] / money.of_one)
    for name in SUMS:
        _check_sums(book, case, [{**axes[0], "column": np.full(len(case.people.reps), name)}], shown[name], at, KINDS)
    _check_times(book, case, axes, shown)
    _check_done(book, case, money, work, shown, quota, at)
    _check_products(book, case, money, work, shown, at)


def _parts(money: Money, name: str) -> int:
    """Parts in which a column is counted."""
    if name in ("quota", "spend") or name.startswith(("contract_amount", "amount", "collections", "commission")):
        return money.of_one
    return HOURS if name == "support_hours" else 1


def _whole_columns(book: Book, case: Case, money: Money, sheet: Sheet, axes: Any, at: Ints) -> dict[str, Ints]:
    """Columns in whole parts, shape (reps, periods); what is none is entered."""
    out = {}
    shape = (len(case.people.reps), len(case.days.periods))
    for name in (*SUMS, *PEOPLE):
        values, parts = sheet.grid(name, ("rep", "period"), shape)[:, at], _parts(money, name)
        out[name] = np.rint(values * parts).astype(np.int64)
        same = np.isclose(values, out[name] / parts, rtol=1e-14, atol=0.0)
        signed = name.startswith(("collections", "commission"))  # money may be paid back, and rates may deduct
        ok = same & ((values >= 0) | signed)
        book.holds(STEPS, [{**axes[0], "column": np.full(shape[0], name)}, axes[1]], ok, values)
    return out


def _check_sums(book: Book, case: Case, axes: Any, values: Ints, at: Ints, kinds: tuple[str, ...]) -> None:
    """Quarters, months, thirds and weeks of the whole year, and each within the period that holds it.

    ``values`` have shape (reps, periods, …).
    """
    days = case.days
    kind, first, last = (x[at] for x in (days.kind, days.first, days.last))
    for inner, outer in (*((k, "year") for k in kinds[1:]), ("month", "quarter"), ("third", "month")):
        if inner not in kinds:
            continue
        of, into = np.flatnonzero(kind == inner), np.flatnonzero(kind == outer)
        held = (first[of] >= first[into][:, None]) & (last[of] <= last[into][:, None])
        found = np.moveaxis(np.tensordot(values[:, of], held.astype(np.int64), axes=(1, 1)), -1, 1)
        book.holds(ADDS, [*axes, {"period": days.periods[at[into]]}], found == values[:, into], found, values[:, into])


def _check_times(book: Book, case: Case, axes: Any, shown: Columns) -> None:
    """What was, is and will be a client adds up; different people lie between the most and the least they can be."""
    visits = shown["first_visits"] + shown["return_visits"]
    for name in (*SPLIT, "clients"):
        whole = visits if name == "visits" else shown[name]
        found = np.sum([shown[f"{name}_{time}"] for time in TIMES], axis=0)
        book.holds(TIMES_ADD, [{**axes[0], "column": np.full(len(found), name)}, axes[1]], found == whole, found, whole)
    book.holds(TIMES_ADD, axes, shown["old_clients"] == shown["clients_present"], shown["old_clients"])
    most = visits + shown["new_clients"]
    least = np.maximum(np.maximum(shown["first_visits"], shown["new_clients"]), np.minimum(visits, 1))
    book.holds(DIFFERENT, axes, (shown["clients"] <= most) & (shown["clients"] >= least), shown["clients"], most)


def _check_done(book: Book, case: Case, money: Money, work: Work, shown: Columns, quota: Ints, at: Ints) -> None:
    """Every period has the plan's amount but for a step, the year but for half of one; the parts of the year but for two."""
    reps, days, year = case.people.reps, case.days, np.flatnonzero(case.days.kind[at] == "year")
    within = np.where(np.arange(len(at)) == year, 0.5, 1.0) + 1e-5
    large = days.stepped(work.large, at)  # (products, statuses, reps, periods)
    extra = {"contracts": large, "contract_amount": large * money.parts(work.value)[:, None, None, None]}
    axes: Any = [{"rep": reps}, {"period": days.periods[at]}]
    for name, (monthly, step) in work.steps.items():
        parts = _parts(money, name)
        left = shown[name] - (extra[name].sum(axis=(0, 1)) if name in extra else 0)
        due = days.running(monthly.sum(axis=0), at)
        of = [{**axes[0], "column": np.full(len(reps), name)}, axes[1]]
        book.holds(STEPS, of, left % round(step * parts) == 0, shown[name] / parts)
        book.equal(DONE, of, left / parts, due, within=within * step)
    asked = days.periods[at]
    for attainment in (80, 100, 120):
        name = f"commission_{attainment}"
        rates = commission_rates(case.model, case.people.grades, attainment / 100)
        due = rates[:, None] * quota[:, at] / money.of_one
        of = [{"rep": reps, "column": np.full(len(reps), name)}, {"period": asked}]
        book.equal(DONE, of, shown[name] / money.of_one, due, within=within / money.of_one)
    spent = shown["spend"][:, year].sum() / money.of_one
    small = min(case.model.settings.rounding, 1.0)
    book.at_most(DONE, [{"column": "spend"}], spent, case.figures.spend.sum() + 0.5 * small * len(reps))
    for name, twice in (("visits", 2), ("contracts", 1), ("contract_amount", 1), ("collections", 1)):
        monthly, step = work.split[name]
        for k, time in enumerate(TIMES):
            due = monthly[k].sum(axis=1)
            of = [{"rep": reps, "column": np.full(len(reps), f"{name}_{time}")}]
            left = shown[f"{name}_{time}"][:, year[0]] - (
                extra[name][:, k, :, year[0]].sum(axis=0) if name in extra else 0
            )
            book.equal(TIMES_NEAR, of, left / _parts(money, name), due, within=(DEALT * twice + 1e-5) * step)


def _check_products(book: Book, case: Case, money: Money, work: Work, shown: Columns, at: Ints) -> None:
    """Products, past, present and future, and periods of contracts.csv add up, and every product has what the plan has."""
    sheet, days, reps = case.sheets["contracts"], case.days, case.people.reps
    kind = days.kind[sheet.place["period"]]
    rows = [{"rep": reps[sheet.place["rep"]], "period": days.periods[sheet.place["period"]]}]
    ok = (sheet.text("kind") == kind) & np.isin(kind.astype(str), PRODUCT_KINDS)
    book.holds(BY_PRODUCT, rows, ok, sheet.text("kind"), kind)
    shape = (len(reps), len(days.periods), len(case.products))
    mine = days.of_kinds(PRODUCT_KINDS)
    inside = np.isin(at, mine)
    axes: Any = [{"rep": reps}, {"period": days.periods[mine]}]
    for name, of in (("contracts", "contracts"), ("amount", "contract_amount")):
        parts = _parts(money, name)
        columns = {
            x: np.rint(sheet.grid(x, ("rep", "period", "product"), shape)[:, mine] * parts).astype(np.int64)
            for x in (name, *(f"{name}_{time}" for time in TIMES))
        }
        step = case.model.settings.rounding if name == "amount" else 1.0
        for k, time in enumerate(TIMES):
            year = columns[f"{name}_{time}"][:, 0] / parts
            named: Any = [{"rep": reps, "column": np.full(len(reps), f"{name}_{time}")}, {"product": case.products}]
            book.equal(OF_PRODUCT, named, year, work.products[name][k], within=(DEALT_TWICE + 1e-5) * step)
        whole = np.sum([columns[f"{name}_{time}"] for time in TIMES], axis=0)
        book.holds(BY_PRODUCT, [*axes, {"product": case.products}], columns[name] == whole, columns[name], whole)
        for x, values in columns.items():
            due = shown[of + x.removeprefix(name)][:, inside]
            book.holds(BY_PRODUCT, axes, values.sum(axis=2) == due, values.sum(axis=2), due)
            _check_sums(book, case, [{"rep": reps, "column": np.full(len(reps), x)}], values, mine, PRODUCT_KINDS)
