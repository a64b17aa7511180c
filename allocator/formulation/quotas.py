"""The quota program of a level: who is asked for what?"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.arrays import positions
from allocator.formulation.asking import Asking, without_noise
from allocator.formulation.commitments import preferred
from allocator.formulation.demand import FEWER
from allocator.formulation.fairness import add_fairness, add_peak
from allocator.formulation.grain import Grain
from allocator.formulation.happened import happened
from allocator.formulation.metrics import commission_rates
from allocator.formulation.needs import Needs, company_needs, needs_met, widened
from allocator.formulation.places import cuts_of_reps
from allocator.formulation.rules import rule
from allocator.model import LEVELS
from allocator.program import Floats, Goal, Ints, Labels, Program, ProgramBuilder


@dataclass(frozen=True)
class Quotas:
    """The quota program of a level with what its columns mean."""

    program: Program
    asking: Asking
    needs: Needs


def quota_program(
    grain: Grain,
    forecast: Floats,
    money: float,
    level: str = "base",
    below: Floats | None = None,
    like: Quotas | None = None,
) -> Quotas:
    """Write the quota program of a level.

    Parameters
    ----------
    grain : Grain
    forecast : float array, shape (reps, products, months)
        What each rep's clients will buy, in the model's money.
    money : float
        Money in the program is in units of this many of the model's.
    level : str
        base, stretch or ceiling.
    below : float array, shape (cells,), optional
        Quotas of the level below, in the model's money.
    like : Quotas, optional
        Program of another level, from the same forecast.
    """
    asking = _cells(grain, without_noise(forecast / money), money, level)
    asking.cuts = like.asking.cuts if like else {}
    _columns(asking, None if below is None else below / money)
    _sums(asking)
    base_is_reachable(asking)
    _ceilings(asking)
    pins(asking)
    floors_and_caps(asking)
    incentive_line(asking)
    needs = company_needs(asking)
    goals = needs_met(asking, needs)
    offered = preferred(asking)
    unfair, over = add_fairness(asking), add_peak(asking)
    size, total = asking.builder.columns, max(float(asking.cells["forecast"].sum()), 1.0)

    def in_money(name: str, columns: Ints, weight: Floats | float = 1.0) -> Goal:
        costs = np.zeros(size)
        costs[columns] = weight / total
        name = f"{level} {name}"
        return Goal(name, name, costs, wish=name != f"{level} total", scale=total * money)

    beyond = asking.beyond[level]
    ordered = (
        in_money("beyond", beyond[beyond >= 0]),
        *widened(goals, size),
        *([] if offered is None else [in_money("commitments", *offered)]),
        in_money("total", asking.columns[level]),
        in_money("unfair", unfair),
        in_money("peak", over),
    )
    return Quotas(asking.builder.build(ordered), asking, needs)


def _cells(grain: Grain, forecast: Floats, money: float, level: str) -> Asking:
    """Find what can be asked: what a rep's clients may buy, or a pin or floor reaches."""
    model, people = grain.model, grain.people
    shape = forecast.shape
    carried = np.zeros(shape, bool)
    carrier = grain.carrier[grain.pairs["group"]]
    k, month = np.nonzero(carrier >= 0)
    carried[carrier[k, month], grain.pairs["product"].to_numpy()[k], month] = True
    reached = np.zeros(shape, bool)
    codes, products = pd.Index(people.code), pd.Index(grain.product)
    for unit, rep, product, period in model.pins[["unit", "rep", "product", "period"]].itertuples(index=False):
        here = np.ones(shape[0], bool)
        if unit:
            here &= np.array([unit in model.ancestors[u] for u in people.unit], bool)
        if rep:
            here &= codes == rep
        sold = np.ones(shape[1], bool) if not product else np.asarray(products == product)
        inside = np.isin(np.arange(shape[2]), model.calendar.window(period))
        reached |= here[:, None, None] & sold[None, :, None] & inside[None, None, :]
    reached[model["reps"]["quota_min"].to_numpy(float) > 0] = True
    past = happened(grain)
    if past is not None:
        carried |= sum(past.asked.values(), np.zeros(shape)) > 0
    r, p, t = np.nonzero((carried | reached) & people.in_post[:, None, :])
    reached[:, :, : model.past] = False  # what was asked is not asked again
    cells = pd.DataFrame(
        {"rep": r, "product": p, "month": t, "forecast": forecast[r, p, t], "reached": reached[r, p, t]}
    )
    asked = {} if past is None else {k: v[r, p, t] / money for k, v in past.asked.items()}
    return Asking(grain, ProgramBuilder(money=money), cells, level, asked=asked)


def _columns(asking: Asking, below: Floats | None) -> None:
    """Columns ``quota`` and ``beyond`` of the level, and of those above it up to the highest that a pin holds.

    So no answer of this level makes a pin above it impossible.
    """
    first = LEVELS.index(asking.level)
    pinned = [LEVELS.index(x) for x in asking.grain.model.pins["level"]]
    reached = np.flatnonzero(asking.cells["reached"])
    forecast, size = asking.cells["forecast"].to_numpy(float), len(asking.cells)
    every, some = asking.labels(), asking.labels(reached)
    for level in LEVELS[first : max([first, *pinned]) + 1]:
        free = asking.cells["reached"].to_numpy() | (level == "ceiling")
        upper = np.where(free, np.inf, forecast)
        lower = np.zeros(size) if below is None else np.minimum(below, upper)
        if asking.asked:
            lower, upper = (np.where(asking.over, asking.asked[level], x) for x in (lower, upper))
        name = {"level": pd.Categorical([level] * size)}
        asking.columns[level] = asking.builder.add_columns("quota", "money", {**every, **name}, size, lower, upper)
        asking.beyond[level] = np.full(size, -1)
        name = {"level": pd.Categorical([level] * len(reached))}
        asking.beyond[level][reached] = asking.builder.add_columns("beyond", "money", {**some, **name}, len(reached))
    above = list(asking.columns)
    for low, high in itertools.pairwise(above):
        levels_are_nested(asking, low, high)


def _sums(asking: Asking) -> None:
    """Columns of sums that many rules read: years of a rep's products, of the rep, and months of reps whom no rule tells apart."""
    grain, cells = asking.grain, asking.cells
    rep, product, month = (cells[c].to_numpy() for c in ("rep", "product", "month"))
    reps, products = len(grain.people.code), len(grain.product)
    small = np.flatnonzero(~grain.model["products"]["large"].to_numpy(bool)[product])
    pair, of = np.unique(rep[small] * products + product[small], return_inverse=True)
    labels = asking.pair_labels(pair)
    year = asking.builder.add_columns("quota of the year", "money", labels, len(pair))
    year_is_the_sum(asking, labels, asking.add_sums(_numbers(len(cells), small, of), year))
    asking.years = np.full((reps, products), -1)
    asking.years.ravel()[pair] = year
    who, of = np.unique(rep[small], return_inverse=True)
    labels = {"rep": pd.Categorical.from_codes(who, categories=pd.Index(grain.people.code))}
    whole = asking.builder.add_columns("quota of a rep", "money", labels, len(who))
    reps_year_is_the_sum(asking, labels, asking.add_sums(_numbers(len(cells), small, of), whole))
    asking.of_reps = np.full(reps, -1)
    asking.of_reps[who] = whole
    key = (cuts_of_reps(grain)[rep] * products + product) * grain.months + month
    found, of, size = np.unique(key, return_inverse=True, return_counts=True)
    if len(found) > FEWER * len(cells):
        return
    some = np.flatnonzero((size > 1)[of])
    found, of = np.unique(key[some], return_inverse=True)
    cut, rest = np.divmod(found, products * grain.months)
    labels = {
        "cut": cut,
        "product": pd.Categorical.from_codes(rest // grain.months, categories=pd.Index(grain.product)),
        "month": pd.Categorical.from_codes(rest % grain.months, categories=pd.Index(grain.model.calendar.months)),
    }
    columns = asking.builder.add_columns("quota of a cut", "money", labels, len(found))
    quotas_of_cuts(asking, labels, asking.add_sums(_numbers(len(cells), some, of), columns))
    asking.of_cuts = next(sums for sums in asking.sums if sums.columns is columns)


def _numbers(size: int, some: Ints, of: Ints) -> Ints:
    """Numbers of some cells, −1 for the others."""
    number = np.full(size, -1)
    number[some] = of
    return number


@rule("A product's year is the sum of its months", unit="money", index="rep, product")
def year_is_the_sum(asking: Asking, labels: Labels, matrix: sp.csr_array) -> None:
    """Quota of the year[r,p] = Σ_t quota[r,p,t]."""
    asking.add_rows(year_is_the_sum, labels, matrix, 0.0, 0.0)


@rule("A rep's year is the sum of its products", unit="money", index="rep")
def reps_year_is_the_sum(asking: Asking, labels: Labels, matrix: sp.csr_array) -> None:
    """Quota of a rep[r] = Σ_p quota of the year[r,p], large contracts left out."""
    asking.add_rows(reps_year_is_the_sum, labels, matrix, 0.0, 0.0)


@rule("The quotas of a cut are the sum of its reps'", unit="money", index="cut, product, month")
def quotas_of_cuts(asking: Asking, labels: Labels, matrix: sp.csr_array) -> None:
    """quota[cut,p,t] = Σ_{r in cut} quota[r,p,t]; a cut: reps of one unit whose grades no rule tells apart."""
    asking.add_rows(quotas_of_cuts, labels, matrix, 0.0, 0.0)


@rule("Base ≤ stretch ≤ ceiling", unit="money", index="rep, product, month")
def levels_are_nested(asking: Asking, low: str, high: str) -> None:
    """quota[high] ≥ quota[low], cell by cell; between programs it is a bound."""
    cell = np.arange(len(asking.cells))
    matrix = asking.rows(cell, cell, 1.0, len(cell), high) - asking.rows(cell, cell, 1.0, len(cell), low)
    asking.add_rows(levels_are_nested, asking.labels(), matrix, 0.0, np.inf)


@rule("Base and stretch can be reached", unit="money", index="rep, product, month")
def base_is_reachable(asking: Asking) -> None:
    """Quota ≤ forecast + beyond, where a pin or floor reaches; elsewhere it is a bound."""
    some = np.flatnonzero(asking.cells["reached"])
    row, most = np.arange(len(some)), asking.cells["forecast"].to_numpy(float)[some]
    for level in (x for x in ("base", "stretch") if x in asking.columns and len(some)):
        matrix = asking.rows(row, some, 1.0, len(some), level)
        matrix = matrix - asking.sparse(row, asking.beyond[level][some], 1.0, len(some))
        asking.add_rows(base_is_reachable, asking.labels(some), matrix, -np.inf, most)


def _ceilings(asking: Asking) -> None:
    """What the market and the delivery allow at the ceiling."""
    if "ceiling" not in asking.columns:
        return
    market_ceiling(asking)
    delivery_ceiling(asking)


@rule("The ceiling is the market's", unit="money", index="rep, product")
def market_ceiling(asking: Asking) -> None:
    """Σ_t quota[ceiling] ≤ max(Σ_g C[g,p] · share of the season in the months r carries g, Σ_t forecast) + Σ_t beyond.

    With months that are over: of those that remain, which may make up for what was not asked before.
    """
    grain, cells = asking.grain, asking.cells
    products = len(grain.product)
    pair, row = np.unique(cells["rep"].to_numpy() * products + cells["product"].to_numpy(), return_inverse=True)
    group, product = (grain.pairs[c].to_numpy(int) for c in ("group", "product"))
    amount = grain.pairs["ceiling"].to_numpy(float)[:, None] * grain.flow / asking.builder.money
    carrier = grain.carrier[group]
    there = carrier >= 0
    key = (carrier * products + product[:, None])[there]
    size = len(grain.people.code) * products
    market = np.bincount(key, weights=amount[there], minlength=size)[pair]
    ahead = np.where(asking.over, 0.0, cells["forecast"])
    forecast = np.bincount(row, weights=ahead, minlength=len(pair))
    if asking.asked:
        before = np.bincount(row, weights=np.where(asking.over, asking.asked["ceiling"], 0.0), minlength=len(pair))
        later = there & (np.arange(grain.months) >= grain.model.past)
        rest = (carrier * products + product[:, None])[later]
        remaining = np.bincount(rest, weights=amount[later], minlength=size)[pair]
        market = np.maximum(market, before + np.maximum(remaining, forecast))
    matrix = _less_beyond(asking, row, np.arange(len(cells)), len(pair))
    asking.add_rows(market_ceiling, asking.pair_labels(pair), matrix, -np.inf, np.maximum(market, forecast))


@rule("Only what can be delivered is asked", unit="money", index="product, month")
def delivery_ceiling(asking: Asking) -> None:
    """Σ_r quota[ceiling] ≤ max(Σ_source maximum, Σ_r forecast) + Σ_r beyond, for products with supply rows."""
    grain, cells, rows = asking.grain, asking.cells, asking.grain.model["supply"]
    if not len(rows):
        return
    months = grain.model.calendar.months
    most = np.zeros((len(grain.product), len(months)))
    for (product, _source), part in rows.groupby(["product", "source"], sort=False):
        dated = part[part["month"] != ""].set_index("month")["maximum"]
        every = part.loc[part["month"] == "", "maximum"]
        most[positions(grain.product, [product])[0]] += dated.reindex(months).fillna(every.max() if len(every) else 0.0)
    limited = np.unique(positions(grain.product, rows["product"]))
    cell = np.flatnonzero(cells["product"].isin(limited) & ~asking.over)
    key = cells["product"].to_numpy()[cell] * len(months) + cells["month"].to_numpy()[cell]
    place, row = np.unique(key, return_inverse=True)
    forecast = np.bincount(row, weights=cells["forecast"].to_numpy(float)[cell], minlength=len(place))
    labels = {
        "product": pd.Categorical.from_codes(place // len(months), categories=pd.Index(grain.product)),
        "month": pd.Categorical.from_codes(place % len(months), categories=pd.Index(months)),
    }
    matrix = _less_beyond(asking, row, cell, len(place))
    upper = np.maximum(most.ravel()[place] / asking.builder.money, forecast)
    asking.add_rows(delivery_ceiling, labels, matrix, -np.inf, upper)


def _less_beyond(asking: Asking, row: Ints, cell: Ints, size: int) -> sp.csr_array:
    """Σ quota − Σ beyond of the ceiling."""
    beyond = asking.sparse(row, asking.beyond["ceiling"][cell], 1.0, size)
    return sp.csr_array(asking.rows(row, cell, 1.0, size, "ceiling") - beyond)


@rule("Pins hold", unit="money", index="pin")
def pins(asking: Asking) -> None:
    """Σ of the pinned cut = amount, at the pin's level."""
    rows = asking.grain.model.pins
    window, past = asking.grain.model.calendar.window, asking.grain.model.past
    ahead = np.array([window(p)[-1] >= past for p in rows["period"]], bool)
    rows = rows[ahead & rows["level"].isin(list(asking.columns))].reset_index(drop=True)
    if not len(rows):
        return
    matrix = sp.csr_array((len(rows), asking.builder.columns))
    pin: Any
    for n, pin in enumerate(rows.itertuples(index=False)):
        scope = {k: (getattr(pin, k),) for k in ("unit", "rep", "product") if getattr(pin, k)}
        cell = np.flatnonzero(asking.mask(scope, asking.grain.model.calendar.window(pin.period)))
        matrix = matrix + asking.rows(np.full(len(cell), n), cell, 1.0, len(rows), pin.level)
    amount = rows["amount"].to_numpy(float) / asking.builder.money
    labels = {k: pd.Categorical(rows[k]) for k in ("unit", "rep", "product", "period", "level")}
    asking.add_rows(pins, labels, matrix, amount, amount)


@rule("Floors and caps hold", unit="money", index="rep")
def floors_and_caps(asking: Asking) -> None:
    """quota_min ≤ Σ_pt quota[base,r,p,t] ≤ quota_max."""
    reps, money = asking.grain.model["reps"], asking.builder.money
    low = reps["quota_min"].fillna(0.0).to_numpy(float) / money
    high = reps["quota_max"].fillna(np.inf).to_numpy(float) / money
    some = np.flatnonzero((low > 0) | np.isfinite(high))
    if not len(some) or asking.level != "base":
        return
    every = asking.rows(asking.cells["rep"].to_numpy(), np.arange(len(asking.cells)), 1.0, len(reps))
    labels = {"rep": pd.Categorical.from_codes(some, categories=pd.Index(asking.grain.people.code))}
    asking.add_rows(floors_and_caps, labels, every[some], low[some], high[some])


@rule("Commission fits the incentive line", unit="money", index="plan")
def incentive_line(asking: Asking) -> None:
    """Σ K[grade,a] · quota[base] ≤ Σ maxima of the lines of category incentive, a = commission_attainment."""
    model = asking.grain.model
    lines = model["budget"].query("category == 'incentive'")
    if not len(lines) or not len(model["commission"]) or asking.level != "base":
        return
    rates = commission_rates(model, model.settings.commission_attainment)
    rate = pd.Series(asking.label("grade"), dtype=object).map(rates).fillna(rates[""]).to_numpy(float)
    matrix = asking.rows(np.zeros(len(rate), int), np.arange(len(rate)), rate, 1)
    most = float(lines["maximum"].sum()) / asking.builder.money
    asking.add_rows(incentive_line, {}, matrix, -np.inf, most)
