"""The past of the effort program: its columns stand at what happened, its rules are not asked (section 9 of the mathematics)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.arrays import positions
from allocator.formulation.budget import line_limits, line_minimums
from allocator.formulation.cells import Cells
from allocator.formulation.demand import contract_values, large_products
from allocator.formulation.draft import Draft, widen
from allocator.formulation.happened import Happened, deal_won
from allocator.formulation.rules import RULES
from allocator.formulation.targets import TargetRows, targets
from allocator.model import Model
from allocator.program import Family, Floats, Ints, Program

DERIVED = frozenset({"customers", "seen", "in order"})
"""Columns that follow from others."""

LASTING = frozenset(
    {
        "A client once won stays a customer",
        "Visits of a quarter or a year are made in its months",
        "A client is seen when it is visited",
    }
)
"""Rules that carry the past into the months that remain."""


def past_sales(draft: Draft, curve: Cells) -> Cells:
    """The curves with what was sold in the months that are over; large contracts follow their demand as ever."""
    past = draft.happened
    if past is None:
        return curve
    over = (curve.month < past.months) & ~large_products(draft)[curve.product]
    constant = np.where(over, past.sell.ravel() / draft.money, curve.constant)
    return Cells(
        curve.place, curve.product, curve.month, curve.post, constant,
        sp.csr_array(sp.diags_array((~over).astype(float)) @ curve.matrix), curve.space,
    )  # fmt: skip


def frozen(program: Program, draft: Draft, rows: TargetRows) -> Program:
    """The same program with the past as it was; ``rows`` are its targets."""
    past = draft.happened
    if past is None:
        return program
    value, known = _values(program, draft, past)
    lower, upper = np.where(known, value, program.lower), np.where(known, value, program.upper)
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    for family in program.row_families:
        over = _over(family, draft, past)
        if over.any() and family.name not in LASTING:
            row_lower[family.slice][over], row_upper[family.slice][over] = -np.inf, np.inf
    program = replace(
        program, lower=lower, upper=upper, row_lower=row_lower, row_upper=row_upper, integer=program.integer & ~known
    )
    program = _without_idle_bends(program)
    return _possible(
        _with_what_is_broken(program, draft, rows, np.where(known, value, 0.0)),
        line_limits.sentence,
        line_minimums.sentence,
    )


def _over(family: Family, draft: Draft, past: Happened) -> np.ndarray:
    """Which columns or rows of a family belong to months that are over; those of a window to its last month."""
    if "month" not in family.labels:
        return np.zeros(len(family), bool)
    month = positions(draft.grain.model.calendar.months, np.asarray(family.labels["month"], object))
    rule = RULES.get(family.name)
    if family.name == "effort" or (rule is not None and "window" in rule.index):
        month = _last(draft, family, month)
    return np.asarray(month < past.months)


def _without_idle_bends(program: Program) -> Program:
    """Hold at 0 what orders the segments of curves whose order is not asked any more."""
    asked = np.isfinite(program.row_lower) | np.isfinite(program.row_upper)
    used = np.asarray(abs(program.matrix[asked]).sum(axis=0)).ravel() > 0
    idle = np.zeros(program.shape[1], bool)
    for family in program.column_families:
        idle[family.slice] = (family.name == "in order") & ~used[family.slice]
    return replace(program, upper=np.where(idle, 0.0, program.upper), integer=program.integer & ~idle)


def _last(draft: Draft, family: Family, month: Ints) -> Ints:
    """Last month of the windows that begin in some months."""
    grain = draft.grain
    if "group" in family.labels:
        group = positions(grain.groups["group"], np.asarray(family.labels["group"], object))
    else:  # bends are named by their segment
        group = draft.segments.owner[np.asarray(family.labels["bend"], int)]
    end = np.zeros(grain.windows.shape, int)
    size = grain.over_window(np.ones(grain.windows.shape)).astype(int)
    end[:, :] = np.arange(grain.months) + size - 1
    return np.asarray(np.minimum(end[group, month], grain.months - 1))


def _values(program: Program, draft: Draft, past: Happened) -> tuple[Floats, np.ndarray]:
    """Values of the columns of the past, and which these are."""
    value, known = np.zeros(program.shape[1]), np.zeros(program.shape[1], bool)
    for family in program.column_families:
        if family.name not in DERIVED:
            known[family.slice] = _over(family, draft, past)
    _lay_visits(program, draft, past, value)
    spend = draft.columns["spend"]
    owner = draft.tables["line_segments"]["line"].to_numpy(int)
    _fill(value, program.upper, spend[:, : past.months], owner, (past.spend / draft.money)[:, : past.months])
    first = draft.columns.get("first")
    if first is not None:
        value[first[first >= 0]] = past.first[first >= 0]
    won = draft.tables["won"]
    if len(won):
        value[won["column"].to_numpy(int)] = deal_won(past, draft.grain, won)
    if draft.given is not None and len(draft.columns["sales"]):
        value[draft.columns["sales"]] = draft.given.constant
    if draft.demanded is not None:
        of = draft.demanded
        pair = pd.MultiIndex.from_frame(draft.grain.pairs[["group", "product"]]).get_indexer(
            pd.MultiIndex.from_arrays([of.place, of.product])
        )
        sold = past.sell[pair, of.month] / draft.money
        value[draft.columns["contracts"]] = sold / contract_values(draft)[of.product]
    _deliver(draft, past, value)
    return np.where(known, value, 0.0), known


def _lay_visits(program: Program, draft: Draft, past: Happened, value: Floats) -> None:
    """Visits, the segments of the windows that are over, and executives who went along at the promised rate."""
    grain, visits, effort = draft.grain, draft.columns["visits"], draft.columns["effort"]
    value[visits[visits >= 0]] = past.visits[visits >= 0]
    made = np.where(grain.begins, grain.over_window(past.visits), 0.0)
    column = np.where(grain.begins[draft.segments.owner], effort, -1)
    _fill(value, program.upper, column, draft.segments.owner, made)
    executive = draft.columns["executive"]
    tiers = grain.model["tiers"].set_index("tier")
    ratio = (tiers["executive_visits"] / tiers["visits"]).where(tiers["visits"] > 0, 0.0).reindex(grain.groups["tier"])
    value[executive[executive >= 0]] = (ratio.to_numpy(float)[:, None] * past.visits)[executive >= 0]


def _fill(value: Floats, upper: Floats, column: Ints, owner: Ints, amount: Floats) -> None:
    """Fill segments in order with the amounts of their owners; what is more than they hold goes to the last."""
    left = amount.copy()
    rank = np.arange(len(owner)) - np.searchsorted(owner, owner)
    last = np.append(owner[1:] != owner[:-1], True) if len(owner) else np.zeros(0, bool)
    for k in range(int(rank.max(initial=-1)) + 1):
        s = np.flatnonzero(rank == k)
        width = np.append(upper, 0.0)[column[s]]
        take = np.where(last[s][:, None], left[owner[s]], np.minimum(left[owner[s]], width))
        left[owner[s]] -= take
        there = column[s] >= 0
        value[column[s][there]] = take[there]


def _deliver(draft: Draft, past: Happened, value: Floats) -> None:
    """Deliveries of the past: sources by what they could deliver."""
    table = draft.tables["delivered"]
    if not len(table):
        return
    product, month = positions(draft.grain.product, table["product"]), table["position"].to_numpy(int)
    sold = np.zeros((len(draft.grain.product), draft.grain.months))
    np.add.at(sold, draft.grain.pairs["product"].to_numpy(int), past.sell / draft.money)
    most = table["maximum"].to_numpy(float)
    total = table.assign(most=most).groupby(["product", "position"])["most"].transform("sum").to_numpy(float)
    count = table.groupby(["product", "position"])["maximum"].transform("size").to_numpy(float)
    share = np.divide(most, total, out=1 / count, where=total > 0)
    value[table["column"].to_numpy(int)] = sold[product, month] * share


def _with_what_is_broken(program: Program, draft: Draft, rows: TargetRows, x: Floats) -> Program:
    """Hard targets that the months that are over have broken hold for what remains."""
    planned = np.flatnonzero(rows.table["level"] != "ceiling")
    if not len(planned):
        return program
    table = rows.table.iloc[planned]
    broken = (rows.before[0] + widen(rows.before[1], len(x)) @ x)[planned]
    least = (table["bound"] == "at_least").to_numpy()
    shared = (table["share_of"] != "").to_numpy()
    more = np.where(least, np.where(shared | ended(draft.grain.model, table), -broken, 0.0), broken)
    more = np.where(table["hard"].to_numpy(bool), np.maximum(more, 0.0), 0.0)
    draft.tables["broken"] = pd.DataFrame({"more": more}, index=planned)
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    at = program.family(targets.sentence).slice
    row_upper[at] += np.where(least, 0.0, more)
    row_lower[at] -= np.where(least, more, 0.0)
    return replace(program, row_lower=row_lower, row_upper=row_upper)


def ended(model: Model, rows: pd.DataFrame) -> np.ndarray:
    """Which targets are wholly about months that are over: by their period, or by the month or quarter that they are repeated for."""
    calendar, past = model.calendar, model.past

    def over(period: str, each: str) -> bool:
        parts = dict(part.split("=", 1) for part in each.split("; ") if "=" in part)
        periods = [period, *(v for k, v in parts.items() if k in ("month", "quarter"))]
        return any(bool(calendar.window(p)[-1] < past) for p in periods)

    return np.array([over(str(p), str(e)) for p, e in zip(rows["period"], rows["each"], strict=True)], bool)


def _possible(program: Program, *sentences: str) -> Program:
    """Bounds of rules that the past alone breaks, at what can still be reached."""
    low, high = _reach(program)
    row_lower, row_upper = program.row_lower.copy(), program.row_upper.copy()
    for family in program.row_families:
        if family.name in sentences:
            at = family.slice
            row_upper[at] = np.maximum(row_upper[at], low[at])
            row_lower[at] = np.minimum(row_lower[at], high[at])
    return replace(program, row_lower=row_lower, row_upper=row_upper)


def _reach(program: Program) -> tuple[Floats, Floats]:
    """Least and most that each row can come to within the bounds of its columns."""
    matrix = sp.coo_array(program.matrix)
    row, column = matrix.coords
    ends = np.stack([matrix.data * program.lower[column], matrix.data * program.upper[column]])
    size = program.shape[0]
    return (
        np.bincount(row, weights=ends.min(axis=0), minlength=size),
        np.bincount(row, weights=ends.max(axis=0), minlength=size),
    )
