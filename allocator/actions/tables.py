"""``actions.csv`` and ``contracts.csv``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.actions.measures import (
    STATUSES,
    TIMES,
    Frames,
    Sales,
    Work,
    rates,
    read_cash,
    read_commission,
    read_sales,
    read_spend,
    read_support,
    read_work,
)
from allocator.actions.people import count_people
from allocator.actions.spreading import DECIMALS, Spread, deal, dealt, make_spread, nearest
from allocator.actions.tasks import week_tasks
from allocator.breaking_down import Floats, Ints, make_rhythm, monthly_quotas, plan_periods, quota_by_day, steps
from allocator.formulation.grain import Grain, make_grain
from allocator.formulation.winning import VISITS, channels
from allocator.model import Model

KINDS = ("year", "quarter", "month", "third", "week")
PRODUCT_KINDS = ("year", "quarter", "month")
ATTAINMENTS = (0.8, 1.0, 1.2)
HOURS = 10
"""Parts of an hour in which support hours are counted."""


def actions(model: Model, tables: Frames, grain: Grain | None = None) -> pd.DataFrame:
    """What each rep does in each year, quarter, month, third and week.

    Every column that adds up is a running total over the rep's days, made whole after each day; a period has the difference of two of
    them, so the periods of every kind add up to the same year.

    Parameters
    ----------
    model : Model
    tables : mapping of str to DataFrame
        Frames of a plan: quotas, forecast, effort, budget, lift, won.
    grain : Grain, optional
        The model's grain, if it is made already.

    Returns
    -------
    DataFrame
        A row for each rep and period; columns as in section 8 of the mathematics.
    """
    grain = make_grain(model) if grain is None else grain
    spread = make_spread(make_rhythm(model), plan_periods(model.calendar, KINDS))
    sales, work = read_sales(grain, tables), read_work(grain, tables)
    columns = _columns(grain, tables, spread, sales, work)
    labels = {
        "rep": np.repeat(spread.rhythm.rep, len(spread.periods)),
        "kind": np.tile(spread.periods["kind"].to_numpy(object), len(spread.rhythm.rep)),
        "period": np.tile(spread.periods["period"].to_numpy(object), len(spread.rhythm.rep)),
    }
    task = week_tasks(grain, spread, work, columns)
    return pd.DataFrame({**labels, **{name: values.ravel() for name, values in columns.items()}, "task": task})


def _columns(grain: Grain, tables: Frames, spread: Spread, sales: Sales, work: Work) -> dict[str, Floats]:
    """Columns of numbers, each of shape (reps, periods)."""
    model = grain.model
    step, parts = steps(model.settings.rounding)
    small = min(step, parts)  # parts in money of one, or in a step where that is less
    asked = quota_by_day(spread.rhythm, monthly_quotas(model, tables["quotas"], "base", parts), step)[:, spread.day + 1]
    large = _large(spread, sales)
    signed = dealt(spread, sales.contracts.sum(axis=2), 1.0) + large.sum(axis=2)
    amount = dealt(spread, sales.money.sum(axis=2), step / parts) * step
    amount += np.einsum("rsld,l->rsd", large, _large_value(sales, parts))
    cash = dealt(spread, read_cash(grain, tables), step / parts) * step
    support = spread.whole(read_support(grain, sales, work), 1 / HOURS)
    spend = spread.whole(read_spend(grain, tables, sales), small / parts) * small
    funnel = channels(model["funnel"])
    people = count_people(spread, work, int(funnel["lag"].get(VISITS, 0)))

    def money(running: Ints) -> Floats:
        return np.asarray(spread.over_periods(running) / parts)

    columns = {
        "quota": money(asked),
        "contracts": spread.over_periods(signed.sum(axis=1)),
        "contract_amount": money(amount.sum(axis=1)),
        **{n: people.pop(n) for n in ("clients", "new_clients", "first_visits", "old_clients", "return_visits")},
        "collections": money(cash.sum(axis=1)),
        "support_hours": np.asarray(spread.over_periods(support) / HOURS),
        "spend": money(spend),
        **people,
        **{f"contracts_{time}": spread.over_periods(signed[:, k]) for k, time in enumerate(TIMES)},
        **{f"contract_amount_{time}": money(amount[:, k]) for k, time in enumerate(TIMES)},
        **{f"collections_{time}": money(cash[:, k]) for k, time in enumerate(TIMES)},
        "commission": money(spread.whole(read_commission(grain, sales), 1 / parts)),
    }
    for attainment in ATTAINMENTS:
        columns[f"commission_{attainment * 100:.0f}"] = money(nearest(asked * rates(model, attainment)[:, None]))
    return columns


def contracts(model: Model, tables: Frames, grain: Grain | None = None) -> pd.DataFrame:
    """Contracts and money of each rep by product, in each year, quarter and month; they add up to those of :func:`actions`.

    Returns
    -------
    DataFrame
        rep, kind, period, product, contracts, amount, then both by past (lost), present (active) and future (prospective) clients; a
        product stands where clients of the rep buy it.
    """
    grain = make_grain(model) if grain is None else grain
    spread = make_spread(make_rhythm(model), plan_periods(model.calendar, PRODUCT_KINDS))
    step, parts = steps(model.settings.rounding)
    sales = read_sales(grain, tables)
    count = _by_product(spread, sales.contracts, 1.0)
    amount = _by_product(spread, sales.money, step / parts) * step
    large, products = spread.over_periods(_large(spread, sales)), np.flatnonzero(sales.value > 0)
    count[:, :, products] += large
    amount[:, :, products] += large * _large_value(sales, parts)[:, None]
    buys = np.round((sales.money + sales.large).sum(axis=(1, 3)), DECIMALS) > 0
    rep, period, product = np.nonzero(np.repeat(buys[:, None], len(spread.periods), axis=1))
    table = {
        "rep": spread.rhythm.rep[rep],
        "kind": spread.periods["kind"].to_numpy(object)[period],
        "period": spread.periods["period"].to_numpy(object)[period],
        "product": grain.product[product],
        "contracts": count.sum(axis=1)[rep, product, period],
        "amount": amount.sum(axis=1)[rep, product, period] / parts,
    }
    table |= {f"contracts_{time}": count[rep, k, product, period] for k, time in enumerate(TIMES)}
    table |= {f"amount_{time}": amount[rep, k, product, period] / parts for k, time in enumerate(TIMES)}
    return pd.DataFrame(table)


def _by_product(spread: Spread, amount: Floats, step: float) -> Ints:
    """Whole steps of shape (reps, statuses, products, periods): dealt to the statuses, then each of these to the products."""
    by_status = dealt(spread, amount.sum(axis=2), step)
    out = np.zeros((*amount.shape[:3], len(spread.periods)), np.int64)
    for s in range(len(STATUSES)):
        exact = np.stack([spread.running(amount[:, s, p]) for p in range(amount.shape[2])], axis=1) / step
        out[:, s] = spread.over_periods(deal(by_status[:, s], exact))
    return out


def _large(spread: Spread, sales: Sales) -> Ints:
    """Running totals of large contracts, shape (reps, statuses, large products, points): every month has a whole number of them."""
    products = np.flatnonzero(sales.value > 0)
    amount = sales.large[:, :, products].astype(np.float64)
    rep = np.repeat(np.arange(len(amount)), len(STATUSES) * len(products))
    running = nearest(spread.running(amount.reshape(len(rep), amount.shape[3]), rep))
    return np.asarray(running.reshape(*amount.shape[:3], len(spread.day)))


def _large_value(sales: Sales, parts: int) -> Ints:
    """Money of a contract of each large product, in parts."""
    return np.asarray(np.rint(sales.value[sales.value > 0] * parts), np.int64)
