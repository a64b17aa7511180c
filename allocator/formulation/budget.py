"""Budget lines: what is spent when, and what it lifts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.curves import line_segments
from allocator.formulation.draft import Draft
from allocator.formulation.rules import rule
from allocator.formulation.visiting import order_segments


def add_spend(draft: Draft) -> None:
    """Columns ``spend`` of shape (line segments, months), −1 outside the window; ``overrun`` (lines,); tables ``lines``, ``pools``."""
    model, months, money = draft.grain.model, draft.shape[1], draft.money
    lines = model["budget"]
    calendar = model.calendar
    first = np.array([calendar.window(p)[0] if p else 0 for p in lines["from"]], int)
    last = np.array([calendar.window(p)[-1] if p else months - 1 for p in lines["to"]], int)
    inside = (np.arange(months) >= first[:, None]) & (np.arange(months) <= last[:, None])
    length = inside.sum(axis=1)
    pools, points = _pools(draft)
    over = lines["may_overrun"].to_numpy(bool)
    most = np.where(over, np.inf, lines["maximum"].to_numpy(float) / money)
    curves = [(b, k, e / money / length[b], s / money / length[b]) for b, k, e, s in points]
    segments = line_segments(curves, len(lines), most)
    s, t = np.nonzero(inside[segments.owner])
    width = (segments.stop - segments.start)[s]
    labels = {
        "line": draft.label(lines["line"].to_numpy(object), segments.owner[s]),
        "segment": s - np.searchsorted(segments.owner, segments.owner[s]),
        "month": draft.month_label(t),
    }
    column = np.full((len(segments.owner), months), -1)
    column[s, t] = draft.builder.add_columns("spend", "money", labels, len(s), 0.0, width)
    draft.columns["spend"] = column
    draft.columns["overrun"] = np.full(len(lines), -1)
    draft.tables["lines"] = lines.assign(first=first, last=last, length=length)
    draft.tables["pools"] = pools
    draft.tables["line_segments"] = pd.DataFrame({"line": segments.owner, "steeper": segments.steeper})
    draft.tables["line_slopes"] = segments.slope
    if over.any():
        names = {"line": draft.label(lines["line"].to_numpy(object), np.flatnonzero(over))}
        draft.columns["overrun"][over] = draft.builder.add_columns("overrun", "share", names, int(over.sum()))
    if len(lines):
        line_limits(draft)
        line_minimums(draft)
    if segments.steeper.any():
        line_curves_in_order(draft)


def _pools(draft: Draft) -> tuple[pd.DataFrame, list[tuple[int, int, np.ndarray, np.ndarray]]]:
    """Pools of lift (unit, product; blank is all), and every line's points for each of its pools."""
    lines, responses = draft.grain.model["budget"], draft.grain.model["responses"]
    found: list[tuple[str, str, int, np.ndarray, np.ndarray]] = []
    for b, (line, product, unit) in enumerate(lines[["line", "product", "unit"]].itertuples(index=False)):
        for own, rows in responses[responses["driver"] == line].groupby("product", sort=True):
            rows = rows.sort_values("effort")
            found.append((unit, str(own) or product, b, rows["effort"].to_numpy(float), rows["sales"].to_numpy(float)))
    keys = sorted({(u, p) for u, p, *_ in found})
    number = {key: k for k, key in enumerate(keys)}
    pools = pd.DataFrame(keys, columns=["unit", "product"])
    return pools, [(b, number[u, p], effort, sales) for u, p, b, effort, sales in found]


@rule("A budget line's curve that is not concave is followed in order", unit="money", index="line, month, bend")
def line_curves_in_order(draft: Draft) -> None:
    """As for visits: what comes before a bend is full, or what comes after it is empty."""
    table = draft.tables["line_segments"]
    owner, steeper = table["line"].to_numpy(), table["steeper"].to_numpy()
    order_segments(draft, line_curves_in_order, owner, steeper, draft.columns["spend"])


def line_matrix(draft: Draft) -> sp.csr_array:
    """Spend of every line and month, shape (lines · months, columns)."""
    months, column = draft.shape[1], draft.columns["spend"]
    owner = draft.tables["line_segments"]["line"].to_numpy()
    s, t = np.nonzero(column >= 0)
    return draft.matrix(owner[s] * months + t, column[s, t], 1.0, len(draft.tables["lines"]) * months)


@rule("A budget line keeps its window and its limits", unit="money", index="line")
def line_limits(draft: Draft) -> None:
    """Minimum ≤ Σ_t spend[b,t] ≤ maximum · (1 + overrun); no column outside the window.

    ``overrun`` is relative to the maximum, absolute where that is 0.
    """
    lines, money, over = draft.tables["lines"], draft.money, draft.columns["overrun"]
    maximum = lines["maximum"].to_numpy(float) / money
    scale = np.where(maximum > 0, maximum, 1.0 / money)
    matrix = sp.csr_array(_totals(draft) - draft.matrix(np.arange(len(lines)), over, scale, len(lines)))
    labels = {"line": draft.label(lines["line"].to_numpy(object), np.arange(len(lines)))}
    draft.add_rows(line_limits, labels, matrix, -np.inf, maximum)


@rule("A budget line spends its minimum", unit="money", index="line")
def line_minimums(draft: Draft) -> None:
    """Σ_t spend[b,t] ≥ minimum, where there is one."""
    lines = draft.tables["lines"]
    least = lines["minimum"].to_numpy(float) / draft.money
    some = np.flatnonzero(least > 0)
    if len(some):
        labels = {"line": draft.label(lines["line"].to_numpy(object), some)}
        draft.add_rows(line_minimums, labels, sp.csr_array(_totals(draft)[some]), least[some], np.inf)


def _totals(draft: Draft) -> sp.csr_array:
    lines, months = len(draft.tables["lines"]), draft.shape[1]
    return sp.csr_array(sp.kron(sp.eye_array(lines), np.ones((1, months)), format="csr") @ line_matrix(draft))


def effect_matrix(draft: Draft) -> sp.csr_array:
    """Money that the lines add to each pool and month, shape (pools · months, columns).

    effect[b,t] = Σ_{τ=0..carry} G_b(spend[b,t−τ]) / (carry+1)
    """
    months, column = draft.shape[1], draft.columns["spend"]
    responses = draft.grain.model["responses"]
    carry_of = responses.groupby("driver")["carry_months"].first()
    carry = carry_of.reindex(draft.tables["lines"]["line"]).fillna(0).to_numpy(int)
    owner, slopes = draft.tables["line_segments"]["line"].to_numpy(), draft.tables["line_slopes"]
    pools = len(draft.tables["pools"])
    matrix = draft.matrix(np.zeros(0, int), np.zeros(0, int), 1.0, pools * months)
    segment, pool, slope = (slopes[c].to_numpy() for c in ("segment", "pair", "slope"))
    for lag in range(int(carry.max(initial=0)) + 1):
        works = carry[owner[segment]] >= lag
        k, t = np.nonzero(works[:, None] & (np.arange(months) >= lag))
        source = column[segment[k], t - lag]
        data = slope[k] / (carry[owner[segment[k]]] + 1)
        matrix = matrix + draft.matrix(pool[k] * months + t, source, data, pools * months)
    return sp.csr_array(matrix)
