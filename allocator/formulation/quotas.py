"""The quota program: who is asked for what?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.asking import Asking
from allocator.formulation.fairness import add_fairness, add_peak
from allocator.formulation.grain import Grain
from allocator.formulation.metrics import commission_rates, with_units_above
from allocator.formulation.rules import rule
from allocator.model import Model
from allocator.program import Floats, Goal, Ints, Program, ProgramBuilder
from allocator.scopes import parse_scope, parse_share_of

QUOTA_KEYS = frozenset({"rep", "grade", "unit", "product", "family", "class", "month", "quarter"})


@dataclass(frozen=True)
class Quotas:
    """The quota program with what its columns mean."""

    program: Program
    asking: Asking


def quota_program(grain: Grain, forecast: Floats, money: float) -> Quotas:
    """Write the quota program.

    Parameters
    ----------
    grain : Grain
    forecast : float array, shape (reps, products, months)
        What each rep's clients will buy, in the model's money.
    money : float
        Money in the program is in units of this many of the model's.
    """
    asking = _cells(grain, forecast / money, money)
    goals: list[Goal] = []
    kinds = needs_met(asking)
    pins(asking)
    floors_and_caps(asking)
    incentive_line(asking)
    unfair = add_fairness(asking)
    over = add_peak(asking)
    size = asking.builder.columns

    beyond = asking.cells["beyond"].to_numpy()
    total = max(float(asking.cells["forecast"].sum()), 1e-9)

    def goal(name: str, columns: Ints, weights: Floats | float, kind: str = "") -> Goal:
        costs = np.zeros(size)
        costs[columns] = weights
        return Goal(name, kind or name, costs, wish=name != "total")

    def in_money(name: str, columns: Ints) -> Goal:
        return replace(goal(name, columns, 1 / total), scale=total * money)

    goals.append(in_money("beyond", beyond[beyond >= 0]))
    for name, largest, columns, weights in kinds:
        goals.append(goal(f"{name} largest", largest, 1.0, kind=name))
        goals.append(goal(f"{name} sum", columns, weights, kind=name))
    goals.append(in_money("total", asking.cells["column"].to_numpy()))
    goals.append(in_money("unfair", unfair))
    goals.append(in_money("peak", over))
    return Quotas(asking.builder.build(tuple(goals)), asking)


def _cells(grain: Grain, forecast: Floats, money: float) -> Asking:
    """Columns ``quota`` (rep, product, month) up to the forecast, and ``beyond`` where a pin or floor reaches."""
    model, people = grain.model, grain.people
    shape = forecast.shape
    carried = np.zeros(shape, bool)
    carrier = grain.carrier[grain.pairs["group"]]
    k, month = np.nonzero(carrier >= 0)
    carried[carrier[k, month], grain.pairs["product"].to_numpy()[k], month] = True
    reached = np.zeros(shape, bool)
    codes, products = pd.Index(people.code), pd.Index(grain.product)
    for unit, rep, product, period in model["pins"][["unit", "rep", "product", "period"]].itertuples(index=False):
        here = np.ones(shape[0], bool)
        if unit:
            here &= np.array([unit in model.ancestors[u] for u in people.unit], bool)
        if rep:
            here &= codes == rep
        sold = np.ones(shape[1], bool) if not product else np.asarray(products == product)
        inside = np.isin(np.arange(shape[2]), model.calendar.window(period))
        reached |= here[:, None, None] & sold[None, :, None] & inside[None, None, :]
    reached[model["reps"]["quota_min"].to_numpy(float) > 0] = True
    wanted = (carried | reached) & people.in_post[:, None, :]
    r, p, t = np.nonzero(wanted)
    builder = ProgramBuilder(money=money)
    months = model.calendar.months

    def labels(some: Ints) -> dict[str, Any]:
        return {
            "rep": pd.Categorical.from_codes(r[some], categories=codes),
            "product": pd.Categorical.from_codes(p[some], categories=products),
            "month": pd.Categorical.from_codes(t[some], categories=pd.Index(months)),
        }

    beyond = reached[r, p, t]
    value = forecast[r, p, t]
    every = np.ones(len(r), bool)
    column = builder.add_columns("quota", "money", labels(every), len(r), 0.0, np.where(beyond, np.inf, value))
    extra = np.full(len(r), -1)
    extra[beyond] = builder.add_columns("beyond", "money", labels(beyond), int(beyond.sum()))
    cells = pd.DataFrame({"rep": r, "product": p, "month": t, "forecast": value, "column": column, "beyond": extra})
    asking = Asking(grain, builder, cells)
    if beyond.any():
        base_is_reachable(asking, labels(beyond))
    return asking


@rule("Base can be reached", unit="money", index="rep, product, month")
def base_is_reachable(asking: Asking, labels: dict[str, pd.Categorical]) -> None:
    """Quota ≤ forecast + beyond, where a pin or floor reaches; elsewhere it is a bound."""
    some = np.flatnonzero(asking.cells["beyond"] >= 0)
    row = np.arange(len(some))
    matrix = asking.rows(row, some, 1.0, len(some))
    matrix = matrix - asking.sparse(row, asking.cells["beyond"].to_numpy()[some], 1.0, len(some))
    asking.builder.add_rows(
        base_is_reachable.sentence,
        "money",
        labels,
        sp.csr_array(matrix),
        -np.inf,
        asking.cells["forecast"].to_numpy()[some],
    )


def asked_targets(model: Model) -> pd.DataFrame:
    """Targets that quotas carry: revenue at level base, cut by what a quota knows."""
    rows = model["targets"]
    known = QUOTA_KEYS | set(model["units"]["kind"])

    def carried(row: pd.Series) -> bool:
        keys = {*parse_scope(row["scope"]), *row["each"]}
        if row["share_of"]:
            metric, scope = parse_share_of(row["share_of"])
            keys |= set(scope)
            if metric != "revenue":
                return False
        return keys <= known

    rows = rows[(rows["metric"] == "revenue") & (rows["level"] == "base")]
    return rows[[carried(row) for _, row in rows.iterrows()]] if len(rows) else rows


@rule("What is asked is what the company needs", unit="money", index="target, repetition")
def needs_met(asking: Asking) -> list[tuple[str, Ints, Ints, Floats]]:
    """Σ quota + scale · gap ≥ share · base;  Σ quota − scale · gap ≤ share · base; base is 1 or the quota of the share_of cut.

    Returns
    -------
    list of (name, largest, gaps, weights)
        Columns of the gaps of each priority.
    """
    model = asking.grain.model
    table = asked_targets(model)
    lines: list[tuple[sp.csr_array, Floats, Floats, Floats, pd.DataFrame]] = []
    for _, row in table.iterrows():
        lines += _target_lines(asking, row)
    if not table["at_least"].notna().any():
        everything = asking.rows(np.zeros(len(asking.cells), int), np.arange(len(asking.cells)), 1.0, 1)
        total = float(asking.cells["forecast"].sum())
        about = pd.DataFrame(
            {"target": ["forecast"], "each": [""], "bound": ["at_least"], "priority": [1], "weight": [1.0]}
        )
        lines.append((everything, np.array([total]), np.array([np.inf]), np.array([max(total, 1e-9)]), about))
    about = pd.concat([x[4] for x in lines], ignore_index=True)
    matrix = sp.vstack([x[0] for x in lines], format="csr")
    low, high, scale = (np.concatenate([x[i] for x in lines]) for i in (1, 2, 3))
    labels = {n: pd.Categorical(about[n]) for n in ("target", "each", "bound")}
    gap = asking.builder.add_columns("gap", "share", labels, len(about))
    kinds = []
    priorities, at, size = np.unique(about["priority"].to_numpy(int), return_inverse=True, return_counts=True)
    several = size > 1  # one gap is its own largest
    largest = np.full(len(priorities), -1)
    names = {"priority": priorities[several]}
    largest[several] = asking.builder.add_columns("largest gap", "share", names, int(several.sum()))
    number = np.arange(len(about))
    sign = np.where(about["bound"] == "at_least", scale, -scale)
    wide = sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(len(about), asking.builder.columns))
    both = sp.csr_array(wide + asking.sparse(number, gap, sign, len(about)))
    asking.builder.add_rows(needs_met.sentence, "money", labels, both, low, high)
    some = np.flatnonzero(several[at])
    if len(some):
        largest_gap(asking, about.iloc[some], gap[some], largest[at[some]])
    for k, priority in enumerate(priorities):
        of = np.flatnonzero(at == k)
        most_of = largest[[k]] if several[k] else gap[of]
        kinds.append((f"gap {priority}", most_of, gap[of], about["weight"].to_numpy(float)[of]))
    return kinds


@rule("The largest gap of a priority", unit="share", index="target, repetition")
def largest_gap(asking: Asking, about: pd.DataFrame, gap: Ints, largest: Ints) -> None:
    """largest[priority] ≥ gap of each target of it."""
    each = np.arange(len(gap))
    matrix = asking.sparse(each, gap, 1.0, len(gap)) - asking.sparse(each, largest, 1.0, len(gap))
    labels = {n: pd.Categorical(about[n]) for n in ("target", "each", "bound")}
    asking.builder.add_rows(largest_gap.sentence, "share", labels, sp.csr_array(matrix), -np.inf, 0.0)


def _target_lines(asking: Asking, row: pd.Series) -> list[tuple[sp.csr_array, Floats, Floats, Floats, pd.DataFrame]]:
    """Rows of one target, one block for each of its bounds: matrix, lower, upper, scale, description."""
    model, money = asking.grain.model, asking.builder.money
    months = model.calendar.window(row["period"])
    each = list(row["each"])
    cell = np.flatnonzero(asking.mask(parse_scope(row["scope"]), months))
    keys = with_units_above(pd.DataFrame({e: asking.label(e)[cell] for e in each}, index=cell), model)
    keys = keys[(keys != "").all(axis=1)] if each else keys
    number = keys.groupby(each, sort=True).ngroup().to_numpy() if each else np.zeros(len(keys), int)
    size = int(number.max(initial=-1)) + 1 if each else 1
    names = keys.assign(n=number).drop_duplicates("n").sort_values("n")
    text = (
        ["; ".join(f"{e}={v}" for e, v in zip(each, k, strict=True)) for k in names[each].itertuples(index=False)]
        if each
        else [""]
    )
    top = asking.rows(number, keys.index.to_numpy(), 1.0, size)
    out = []
    for bound in ("at_least", "at_most"):
        if np.isnan(row[bound]):
            continue
        if row["share_of"]:
            base, expected = _share_base(asking, row, months, names, size)
            matrix, value = sp.csr_array(top - row[bound] * base), np.zeros(size)
            scale = row[bound] * expected
        else:
            matrix, value = top, np.full(size, row[bound] / money)
            scale = np.abs(value)
        low, high = (value, np.full(size, np.inf)) if bound == "at_least" else (np.full(size, -np.inf), value)
        about = pd.DataFrame(
            {
                "target": row["target"],
                "each": text,
                "bound": bound,
                "priority": 0 if row["priority"] == "hard" else int(row["priority"]),
                "weight": row["weight"],
            },
            index=range(size),
        )
        out.append((matrix, low, high, np.where(scale > 1e-12, scale, 1.0 / money), about))
    return out


def _share_base(
    asking: Asking, row: pd.Series, months: Ints, names: pd.DataFrame, size: int
) -> tuple[sp.csr_array, Floats]:
    """Quota of the cut that a bound is a share of, for each repetition, and its forecast."""
    model, scope = asking.grain.model, parse_share_of(row["share_of"])[1]
    cell = np.flatnonzero(asking.mask(scope, months))
    carried = [e for e in row["each"] if e in {"rep", "unit", *model["units"]["kind"]}]
    labels = with_units_above(pd.DataFrame({e: asking.label(e)[cell] for e in carried}, index=cell), model)
    number = names.assign(n=np.arange(size))
    if carried:
        both = labels.assign(cell=labels.index).merge(number[[*carried, "n"]], on=carried)
    else:
        both = pd.DataFrame({"cell": cell}).merge(number[["n"]], how="cross")
    mine, n = both["cell"].to_numpy(int), both["n"].to_numpy(int)
    forecast = asking.cells["forecast"].to_numpy(float)
    return asking.rows(n, mine, 1.0, size), np.bincount(n, weights=forecast[mine], minlength=size)


@rule("Pins hold", unit="money", index="pin")
def pins(asking: Asking) -> None:
    """Σ of the pinned cut = amount, level base."""
    rows = asking.grain.model["pins"].query("level == 'base'").reset_index(drop=True)
    if not len(rows):
        return
    matrix = sp.csr_array((len(rows), asking.builder.columns))
    pin: Any
    for n, pin in enumerate(rows.itertuples(index=False)):
        scope = {k: (getattr(pin, k),) for k in ("unit", "rep", "product") if getattr(pin, k)}
        cell = np.flatnonzero(asking.mask(scope, asking.grain.model.calendar.window(pin.period)))
        matrix = matrix + asking.rows(np.full(len(cell), n), cell, 1.0, len(rows))
    amount = rows["amount"].to_numpy(float) / asking.builder.money
    labels = {k: pd.Categorical(rows[k]) for k in ("unit", "rep", "product", "period")}
    asking.builder.add_rows(pins.sentence, "money", labels, sp.csr_array(matrix), amount, amount)


@rule("Floors and caps hold", unit="money", index="rep")
def floors_and_caps(asking: Asking) -> None:
    """quota_min ≤ Σ_pt quota[r,p,t] ≤ quota_max."""
    reps, money = asking.grain.model["reps"], asking.builder.money
    low = reps["quota_min"].fillna(0.0).to_numpy(float) / money
    high = reps["quota_max"].fillna(np.inf).to_numpy(float) / money
    some = np.flatnonzero((low > 0) | np.isfinite(high))
    if not len(some):
        return
    every = asking.rows(asking.cells["rep"].to_numpy(), np.arange(len(asking.cells)), 1.0, len(reps))
    labels = {"rep": pd.Categorical.from_codes(some, categories=pd.Index(asking.grain.people.code))}
    asking.builder.add_rows(floors_and_caps.sentence, "money", labels, sp.csr_array(every[some]), low[some], high[some])


@rule("Commission fits the incentive line", unit="money", index="plan")
def incentive_line(asking: Asking) -> None:
    """Σ K[grade,a] · quota ≤ Σ maxima of the lines of category incentive, a = commission_attainment."""
    model = asking.grain.model
    lines = model["budget"].query("category == 'incentive'")
    if not len(lines) or not len(model["commission"]):
        return
    rates = commission_rates(model, model.settings.commission_attainment)
    rate = pd.Series(asking.label("grade"), dtype=object).map(rates).fillna(rates[""]).to_numpy(float)
    matrix = asking.rows(np.zeros(len(rate), int), np.arange(len(rate)), rate, 1)
    most = float(lines["maximum"].sum()) / asking.builder.money
    asking.builder.add_rows(incentive_line.sentence, "money", {}, matrix, -np.inf, most)
