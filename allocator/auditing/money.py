"""Checks of spending and of what stands by rep and month (section 3 of the mathematics)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Floats
from allocator.auditing.case import Case
from allocator.auditing.people import commission_rates, numbers, words
from allocator.texts import N_

LINES = N_("Every budget line has a row for every month of its window")
SPEND = N_("A budget line keeps its window and its limits")
SPEND_SHOWN = N_("A budget line's row shows its total and its limits")
EFFECTS = N_("A rep's months show the effects of the plan")


def check_budget(book: Book, case: Case) -> None:
    """Check everything that stands in budget.csv."""
    table, sheet, spend = case.model["budget"], case.sheets["budget"], case.figures.spend
    least, most = numbers(table["minimum"], 0.0), numbers(table["maximum"], 0.0)
    line, month = sheet.place["line"], sheet.place["month"]
    there = np.zeros(spend.shape, bool)
    there[line, month] = True
    book.holds(LINES, [{"line": case.lines}, {"month": case.months}], there | ~case.window)
    axes = [{"line": case.lines}, {"month": case.months}]
    book.at_least(SPEND, axes, spend)
    book.equal(SPEND, axes, np.where(case.window, 0.0, spend), 0.0)
    total = spend.sum(axis=1)
    open_ = (case.window & ~case.over).any(axis=1)  # the minimum of a window that is over cannot be made up for
    book.at_least(SPEND, axes[:1], total, np.where(open_, least, np.minimum(least, total)))
    fixed = ~table["may_overrun"].to_numpy(dtype=bool)
    most_possible = np.maximum(most, spend[:, case.over].sum(axis=1))  # what is spent is spent
    book.at_most(SPEND, [{"line": case.lines[fixed]}], total[fixed], most_possible[fixed])
    rows = {"line": case.lines[line], "month": case.months[month]}
    shown = {"line_total": total, "minimum": least, "maximum": most, "headroom": most - total}
    for column, due in shown.items():
        book.equal(SPEND_SHOWN, [{**rows, "column": column}], sheet.number(column), due[line], np.abs(most[line]))
    category = words(table["category"])[line]
    book.holds(SPEND_SHOWN, [rows], sheet.text("category") == category, sheet.text("category"), category)


def check_effects(book: Book, case: Case) -> None:
    """Check everything that stands in effects.csv; a row for nobody may be left out."""
    sheet, of = case.sheets["effects"], case.demand.group
    reps = case.people.reps
    rep = sheet.text("rep")
    at = reps.get_indexer(pd.Index(rep))
    book.holds(EFFECTS, [{"rep": rep, "month": case.months[sheet.place["month"]]}], (at >= 0) | (rep == ""))
    figures, tables = case.figures, {}
    tables["prospects"] = case.carried(figures.first)
    tables["new_clients"] = case.carried(figures.won.sum(axis=0))
    tables["contracts"] = case.carried(figures.contracts, of)
    tables["collections"] = sum(
        (case.carried_later(share * figures.sell, of, lag) for lag, share in collected(case)),
        np.zeros(case.people.hours.shape),
    )
    tables["commission"] = (
        case.carried(figures.sell, of) * commission_rates(case.model, case.people.grades, 1.0)[:, None]
    )
    tables["lift"] = case.carried(case.lift, of)
    asked, quotas = np.zeros(case.people.hours.shape), case.sheets["quotas"]
    base = quotas.text("level") == "base"
    np.add.at(asked, (quotas.place["rep"][base], quotas.place["month"][base]), quotas.number("quota")[base])
    for attainment in (80, 100, 120):
        rates = commission_rates(case.model, case.people.grades, attainment / 100)
        tables[f"commission_{attainment}"] = asked * rates[:, None]
    for column, due in tables.items():
        shown = np.zeros((len(reps) + 1, len(case.months)))
        np.add.at(shown, (at, sheet.place["month"]), sheet.number(column))
        book.equal(
            EFFECTS, [{"rep": reps, "column": np.full(len(reps), column)}, {"month": case.months}], shown[:-1], due
        )
    there = np.zeros((len(reps) + 1, len(case.months)), bool)
    there[at, sheet.place["month"]] = True
    book.holds(EFFECTS, case.rep_months, there[:-1] | ~case.people.in_post)


def payment_shares(case: Case, tiers: Any) -> Floats:
    """Share of the revenue of each tier that is received after 0, 1, 2 … months, shape (tiers, lags)."""
    table = case.model["collection"]
    of_row, lag, share = words(table["tier"]), numbers(table["lag_months"], 0.0), numbers(table["share"], 0.0)
    out = np.zeros((len(tiers), int(lag.max(initial=0.0)) + 1))
    for i, tier in enumerate(tiers):
        mine = of_row == tier if (of_row == tier).any() else of_row == ""
        if mine.any():
            np.add.at(out[i], lag[mine].astype(np.int64), share[mine])
        else:
            out[i, 0] = 1.0
    return out


def collected(case: Case) -> list[tuple[int, Floats]]:
    """Shares of the revenue that are received some months later: (lag, shape (pairs, 1))."""
    codes, tiers = pd.factorize(case.groups.labels["tier"])
    shares = payment_shares(case, tiers)[codes[case.demand.group]] if len(tiers) else np.zeros((0, 1))
    return [(lag, shares[:, [lag]]) for lag in range(shares.shape[1]) if shares[:, lag].any()]


def collected_history(case: Case) -> pd.DataFrame:
    """Cash from sales before the plan: month (position), amount, unit, rep, client, product, tier."""
    table = case.model["history"]
    old = table[(words(table["metric"]) == "revenue")]
    clients = case.model["clients"]
    tier_of = dict(zip(words(clients["client"]), words(clients["tier"]), strict=True))
    frame = pd.DataFrame({c: words(old[c]) for c in ("unit", "rep", "client", "product")})
    frame["tier"] = [tier_of.get(c, "") for c in frame["client"]]
    start = case.model.settings.start
    month = np.array([_months_between(start, m) for m in words(old["month"])], np.int64)
    amount = numbers(old["amount"], 0.0)
    codes, tiers = pd.factorize(frame["tier"])
    shares = payment_shares(case, tiers)
    parts = []
    for lag in range(shares.shape[1]):
        arrives = month + lag
        mine = (month < 0) & (arrives >= 0) & (arrives < len(case.months))
        part = frame[mine].copy()
        part["month"], part["amount"] = (
            arrives[mine],
            (amount * shares[codes, lag])[mine] if len(codes) else amount[mine],
        )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _months_between(start: str, month: str) -> int:
    return (int(month[:4]) - int(start[:4])) * 12 + int(month[5:7]) - int(start[5:7])
