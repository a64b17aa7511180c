"""Visits: how many, by whom, within which hours."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.formulation.draft import Draft, widen
from allocator.formulation.rules import AnyRule, rule
from allocator.program import Floats, Ints, Labels

ORDER = 1e-6
"""Visits, relative to one and the width of a segment, that are noise where the order of segments is looked at."""


def add_visits(draft: Draft) -> None:
    """Columns of visits.

    ``effort`` has shape (segments, months): the column of a segment's visits in the window of each month. ``visits`` has shape
    (groups, months): a column where the promise is for a quarter or a year, −1 elsewhere.
    """
    grain, segments = draft.grain, draft.segments
    groups, months = draft.shape
    served = (grain.promise > 0) & (grain.groups["rep"].to_numpy() >= 0)[:, None]
    begins = grain.begins
    owner = segments.owner
    segment, month = np.nonzero((served & begins)[owner])
    g = owner[segment]
    width = (segments.stop - segments.start)[segment] * grain.promise[g, month]
    within = segments.stop[segment] <= 1 + 1e-9
    added = draft.builder.add_columns(
        "effort",
        "visits",
        {"group": draft.group_label(g), "segment": segment - np.searchsorted(owner, g), "month": draft.month_label(month)},
        len(g),
        np.where(within & draft.strict, width, 0.0),
        width,
    )  # fmt: skip
    column = np.full((len(owner), months), -1)
    column[segment, month] = added
    first = np.where(begins, np.arange(months), 0)
    np.maximum.accumulate(first, axis=1, out=first)
    column = np.take_along_axis(column, first[owner], axis=1)
    draft.columns["effort"] = column
    draft.columns["within"] = added[within]
    spread = served & (begins.sum(axis=1) < months)[:, None]
    visits = np.full((groups, months), -1)
    g, t = np.nonzero(spread)
    labels = {"group": draft.group_label(g), "month": draft.month_label(t)}
    most = np.where(grain.stay[g, t] > 0, np.inf, 0.0)  # nobody visits who is no client
    visits[g, t] = draft.builder.add_columns("visits", "visits", labels, len(g), 0.0, most)
    draft.columns["visits"] = visits
    if len(g):
        visits_are_made(draft)
    if segments.steeper.any():
        curves_in_order(draft)


@rule("Visits of a quarter or a year are made in its months", unit="visits", index="group, window")
def visits_are_made(draft: Draft) -> None:
    """Σ_{t in w} visits[g,t] = Σ_s effort[s,w]."""
    grain, visits, effort = draft.grain, draft.columns["visits"], draft.columns["effort"]
    begins = grain.begins
    g, t = np.nonzero(begins & (visits >= 0))
    number = np.full(visits.shape, -1)
    number[g, t] = np.arange(len(g))
    number = np.maximum.accumulate(number, axis=1)
    vg, vt = np.nonzero(visits >= 0)
    es, et = np.nonzero((effort >= 0) & (begins & (visits >= 0))[draft.segments.owner])
    row = np.concatenate([number[vg, vt], number[draft.segments.owner[es], et]])
    column = np.concatenate([visits[vg, vt], effort[es, et]])
    data = np.concatenate([np.ones(len(vg)), -np.ones(len(es))])
    labels = {"group": draft.group_label(g), "month": draft.month_label(t)}
    draft.add_rows(visits_are_made, labels, draft.matrix(row, column, data, len(g)), 0.0, 0.0)


@rule("A curve that is not concave is followed in order", unit="visits", index="group, window, bend")
def curves_in_order(draft: Draft) -> None:
    """Where a curve gets steeper: what comes before is full (y = 1) or what comes after is empty (y = 0).

    effort[s,w] ≥ width[s] · y for s before the bend; effort[s,w] ≤ width[s] · y for s after it.
    """
    segments, effort = draft.segments, draft.columns["effort"]
    order_segments(draft, curves_in_order, segments.owner, segments.steeper, effort)


def out_of_order(draft: Draft, x: Floats) -> NDArray[np.bool_]:
    """Segments that hold visits in a window in which one before them has room, shape (segments,).

    A concave curve is followed in order by itself where more sales are welcome; where a ceiling or a target makes them unwelcome, visits
    could seem to sell less than they do.
    """
    owner, column = draft.segments.owner, draft.columns["effort"]
    there = column >= 0
    if not there.any():
        return np.zeros(len(owner), bool)
    width = draft.builder.upper[column]
    filled, width = np.where(there, x[column], 0.0), np.where(there & np.isfinite(width), width, 0.0)
    room = np.cumsum(np.maximum(width - filled, 0.0), axis=0)
    before = np.concatenate([np.zeros((1, room.shape[1])), room[:-1]])
    missing = before - before[np.searchsorted(owner, owner)]
    tiny = ORDER * np.maximum(1.0, width)
    return np.asarray(((filled > tiny) & (missing > tiny)).any(axis=1))


def order_segments(draft: Draft, rule_: AnyRule, owner: Ints, steeper: NDArray[np.bool_], column: Ints) -> None:
    """Add a binary for each bend and window, and the rows that force the order; ``column`` has shape (segments, months)."""
    upper = draft.builder.upper
    bends = [(int(b), int(t)) for b in np.flatnonzero(steeper) for t in _beginnings(column[b])]
    if not bends:
        return
    names: dict[str, Any] = {
        "bend": np.array([b for b, _ in bends]),
        "month": draft.month_label(np.array([t for _, t in bends])),
    }
    first, last = np.searchsorted(owner, owner, side="left"), np.searchsorted(owner, owner, side="right")
    binary = draft.builder.add_columns("in order", "yes or no", names, len(bends), 0.0, 1.0, integer=True)
    rows: list[tuple[int, int, float]] = []
    low: list[float] = []
    high: list[float] = []
    of: list[int] = []
    for k, (bend, t) in enumerate(bends):
        for s in range(first[bend], last[bend]):
            z = int(column[s, t])
            if not np.isfinite(upper[z]):
                continue  # a flat tail without end adds nothing, whatever the order
            rows += [(len(of), z, 1.0), (len(of), int(binary[k]), -float(upper[z]))]
            low.append(0.0 if s < bend else -np.inf)
            high.append(np.inf if s < bend else 0.0)
            of.append(k)
    row, col, data = (np.array(x) for x in zip(*rows, strict=True))
    labels = {"bend": names["bend"][of], "month": names["month"][of]}
    draft.add_rows(rule_, labels, draft.matrix(row, col, data, len(of)), np.array(low), np.array(high))


def _beginnings(columns: Ints) -> Ints:
    there = columns >= 0
    new = there.copy()
    new[1:] &= columns[1:] != columns[:-1]
    return np.flatnonzero(new)


def visits_matrix(draft: Draft) -> sp.csr_array:
    """Visits (without first visits) of every group and month, shape (groups · months, columns)."""
    groups, months = draft.shape
    visits, effort, owner = draft.columns["visits"], draft.columns["effort"], draft.segments.owner
    g, t = np.nonzero(visits >= 0)
    es, et = np.nonzero((effort >= 0) & (visits < 0)[owner])
    row = np.concatenate([g * months + t, owner[es] * months + et])
    return draft.matrix(row, np.concatenate([visits[g, t], effort[es, et]]), 1.0, groups * months)


def hours_matrix(draft: Draft) -> sp.csr_array:
    """Hours that visits and winning take, shape (groups · months, columns)."""
    minutes = (
        draft.grain.model["tiers"].set_index("tier")["minutes"].reindex(draft.grain.groups["tier"]).to_numpy(float)
    )
    each = np.repeat(minutes / 60, draft.shape[1])
    hours = sp.csr_array(sp.diags_array(each) @ visits_matrix(draft))
    return sp.csr_array(hours + widen(winning_hours(draft), draft.builder.columns))


def winning_hours(draft: Draft) -> sp.csr_array:
    """Hours of winning clients, shape (groups · months, columns)."""
    groups, months = draft.shape
    parts = [sp.csr_array((groups * months, draft.builder.columns))]
    first, won = draft.columns.get("first"), draft.tables.get("won")
    if first is not None:
        g, t = np.nonzero(first >= 0)
        parts.append(
            draft.matrix(
                g * months + t, first[g, t], draft.tables["channels"]["hours"].get("visits", 0.0), groups * months
            )
        )
    if won is not None and len(won):
        other = won[won["channel"] != "visits"]
        each = other["channel"].map(draft.tables["channels"]["hours"] / draft.tables["channels"]["conversion"])
        row = (other["group"] * months + other["month"]).to_numpy()
        parts.append(draft.matrix(row, other["column"].to_numpy(), each.fillna(0.0).to_numpy(float), groups * months))
    return sp.csr_array(sum(parts[1:], parts[0]))


def _reps_matrix(draft: Draft) -> sp.csr_array:
    """Who makes a group's visits, shape (reps · months, groups · months): the owner's share and the backup's."""
    groups, months = draft.shape
    reps = len(draft.grain.people.code)
    share, backup = draft.grain.shares
    owner = draft.grain.groups["rep"].to_numpy()
    g, t = np.nonzero(np.broadcast_to((owner >= 0)[:, None], (groups, months)))
    bg, bt = np.nonzero(backup >= 0)
    row = np.concatenate([owner[g] * months + t, backup[bg, bt] * months + bt])
    col = np.concatenate([g * months + t, bg * months + bt])
    data = np.concatenate([share[g, t], 1.0 - share[bg, bt]])
    matrix = sp.csr_array(sp.coo_array((data, (row, col)), shape=(reps * months, groups * months)))
    matrix.eliminate_zeros()
    return matrix


def _rep_rows(draft: Draft, rule_: AnyRule, matrix: sp.csr_array, limit: Floats) -> None:
    """Add ``matrix · x ≤ limit`` for the reps and months that have entries."""
    months = draft.shape[1]
    used = np.flatnonzero(((np.diff(matrix.indptr) > 0) | (limit.ravel() < 0)) & np.isfinite(limit.ravel()))
    if not used.size:
        return
    labels = {
        "rep": draft.label(draft.grain.people.code, used // months),
        "month": draft.month_label(used % months),
    }
    draft.add_rows(rule_, labels, sp.csr_array(matrix[used]), -np.inf, limit.ravel()[used])


@rule("A rep cannot work more hours than the month has", unit="hours", index="rep, month")
def rep_hours(draft: Draft) -> None:
    """Σ_g share · hours of visits and winning[g,t] ≤ hours[r,t], a backup's share included."""
    matrix = sp.csr_array(_reps_matrix(draft) @ hours_matrix(draft))
    _rep_rows(draft, rep_hours, matrix, draft.grain.people.hours)


@rule("A day holds so many visits", unit="visits", index="rep, month")
def rep_days(draft: Draft) -> None:
    """Σ_g share · (visits + first visits)[g,t] ≤ visits_per_day · days present[r,t], where visits_per_day is given."""
    most = draft.grain.model["reps"]["visits_per_day"].to_numpy(float)
    if np.isnan(most).all():
        return
    limit = most[:, None] * draft.grain.people.present
    limit = np.where(np.isnan(limit), np.inf, limit)
    matrix = sp.csr_array(_reps_matrix(draft) @ all_visits_matrix(draft))
    _rep_rows(draft, rep_days, matrix, limit)


def all_visits_matrix(draft: Draft) -> sp.csr_array:
    """Visits with first visits, shape (groups · months, columns)."""
    groups, months = draft.shape
    visits = visits_matrix(draft)
    first = draft.columns.get("first")
    if first is None:
        return visits
    g, t = np.nonzero(first >= 0)
    return sp.csr_array(visits + draft.matrix(g * months + t, first[g, t], 1.0, groups * months))


@rule("Promised executive visits are made", unit="visits", index="group, window")
def executive_visits(draft: Draft) -> None:
    """Σ_{t in w} executive[g,t] ≥ (executive_visits ÷ visits) · visits[g,w]; executive[g,t] ≤ visits[g,t]."""
    grain, (groups, months) = draft.grain, draft.shape
    tiers = grain.model["tiers"].set_index("tier")
    needed = set(grain.model["needs"]["tier"])
    each = (tiers["executive_visits"] / tiers["visits"]).where(tiers["visits"] > 0, 0.0)
    ratio = np.asarray(each.where(each.index.isin(needed), 0.0).reindex(grain.groups["tier"]), float)
    draft.columns["executive"] = np.full((groups, months), -1)
    visits = visits_matrix(draft)
    there = (np.diff(visits.indptr) > 0).reshape(groups, months) & (ratio > 0)[:, None]
    g, t = np.nonzero(there)
    if not len(g):
        return
    labels = {"group": draft.group_label(g), "month": draft.month_label(t)}
    draft.columns["executive"][g, t] = draft.builder.add_columns("executive", "visits", labels, len(g))
    column = draft.columns["executive"][g, t]
    row = np.arange(len(g))
    visits = widen(visits, draft.builder.columns)
    executive_goes_along(draft, labels, sp.csr_array(draft.matrix(row, column, 1.0, len(g)) - visits[g * months + t]))
    # One row for each window, at its first month.
    begins = there & grain.begins
    wg, wt = np.nonzero(begins)
    number = np.full((groups, months), -1)
    number[wg, wt] = np.arange(len(wg))
    number = np.maximum.accumulate(number, axis=1)
    effort, owner = draft.columns["effort"], draft.segments.owner
    es, et = np.nonzero(begins[owner] & (effort >= 0))
    rows = np.concatenate([number[g, t], number[owner[es], et]])
    data = np.concatenate([np.ones(len(g)), -ratio[owner[es]]])
    matrix = draft.matrix(rows, np.concatenate([column, effort[es, et]]), data, len(wg))
    labels = {"group": draft.group_label(wg), "month": draft.month_label(wt)}
    draft.add_rows(executive_visits, labels, matrix, 0.0, np.inf)


@rule("An executive goes along on a visit", unit="visits", index="group, month")
def executive_goes_along(draft: Draft, labels: Labels, matrix: sp.csr_array) -> None:
    """executive[g,t] ≤ visits[g,t]."""
    draft.add_rows(executive_goes_along, labels, matrix, -np.inf, 0.0)


@rule("A client is seen when it is visited", unit="clients", index="group, window")
def clients_seen(draft: Draft) -> None:
    """seen[g,w] ≤ Σ_{t in w} visits[g,t], seen ≤ n[g]; columns ``seen`` (groups, months), at a window's first month."""
    grain, (groups, months) = draft.grain, draft.shape
    visits = visits_matrix(draft)
    there = (np.diff(visits.indptr) > 0).reshape(groups, months)
    begins = there & grain.begins
    g, t = np.nonzero(begins)
    number = np.full((groups, months), -1)
    number[g, t] = np.arange(len(g))
    number = np.maximum.accumulate(number, axis=1)
    labels = {"group": draft.group_label(g), "month": draft.month_label(t)}
    members = grain.groups["members"].to_numpy(float)[g]
    draft.columns["seen"] = np.full((groups, months), -1)
    draft.columns["seen"][g, t] = draft.builder.add_columns("seen", "clients", labels, len(g), 0.0, members)
    vg, vt = np.nonzero(there)
    gather = sp.coo_array((np.ones(len(vg)), (number[vg, vt], vg * months + vt)), shape=(len(g), groups * months))
    made = sp.csr_array(gather) @ widen(visits, draft.builder.columns)
    seen = draft.matrix(np.arange(len(g)), draft.columns["seen"][g, t], 1.0, len(g))
    draft.add_rows(clients_seen, labels, sp.csr_array(seen - made), -np.inf, 0.0)
