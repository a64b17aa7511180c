"""The effort program: what can we sell with what we have?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.formulation.budget import add_spend
from allocator.formulation.cells import Cells
from allocator.formulation.demand import (
    add_lift,
    ceilings,
    curve_cells,
    large_contracts,
    sales_cells,
    supply,
)
from allocator.formulation.draft import Draft, start_draft, widen
from allocator.formulation.freezing import frozen, past_sales
from allocator.formulation.grain import Grain, make_grain
from allocator.formulation.metrics import Metrics
from allocator.formulation.places import make_places
from allocator.formulation.rules import rule
from allocator.formulation.targets import (
    TargetRows,
    largest_miss,
    losing_products,
    target_goals,
    target_rows,
    targets,
)
from allocator.formulation.visiting import (
    add_visits,
    clients_seen,
    executive_visits,
    rep_days,
    rep_hours,
)
from allocator.formulation.winning import add_winning
from allocator.model import Model
from allocator.program import Floats, Goal, Program


@dataclass(frozen=True)
class Effort:
    """The effort program with what its columns mean.

    Attributes
    ----------
    program : Program
    draft : Draft
    metrics : Metrics
    curve : Cells
        What the curves give, every product.
    sold : Cells
        Sales of cuts that are columns.
    losing : bool array, shape (products,)
        Products of which something may be lost.
    rows : TargetRows
    """

    program: Program
    draft: Draft
    metrics: Metrics
    curve: Cells
    sold: Cells
    losing: NDArray[np.bool_]
    rows: TargetRows


def effort_program(
    model: Model, *, strict: bool = False, grain: Grain | None = None, ordered: NDArray[np.bool_] | None = None
) -> Effort:
    """Write the effort program of a model; ``strict`` makes promised visits and base targets hard.

    ``ordered`` are segments of the groups' curves of which the order is forced too, as an answer left it
    (:func:`allocator.formulation.visiting.out_of_order`).
    """
    draft = start_draft(make_grain(model) if grain is None else grain, strict=strict)
    if ordered is not None:
        draft.segments = replace(draft.segments, steeper=draft.segments.steeper | ordered)
    add_spend(draft)
    add_visits(draft)
    add_winning(draft)
    places = make_places(draft.grain)
    metrics = Metrics(draft, places)
    curve = past_sales(draft, curve_cells(draft))
    add_lift(draft, places)
    ceilings(draft, curve)
    losing = losing_products(draft)
    metrics.sales, sold = sales_cells(draft, places, curve, losing)
    metrics.whole = [large_contracts(draft, curve)]
    supply(draft, metrics.parts("revenue"))
    rep_hours(draft)
    rep_days(draft)
    executive_visits(draft)
    shared_pools(draft, metrics)
    if (model["targets"]["metric"] == "coverage").any():
        clients_seen(draft)
    rows = target_rows(draft, metrics)
    targets(draft, rows)
    largest_miss(draft)
    goals = _goals(draft, metrics)
    return Effort(frozen(draft.builder.build(goals), draft, rows), draft, metrics, curve, sold, losing, rows)


@rule("Shared pools are shared", unit="hours", index="resource, month")
def shared_pools(draft: Draft, metrics: Metrics) -> None:
    """Σ_p hours[p] · contracts[p,t] + Σ_tier hours[tier] · executive[tier,t] ≤ hours[resource,t]."""
    model, months = draft.grain.model, draft.shape[1]
    needs, resources = model["needs"], model["resources"]
    listed = []
    for resource, month, hours in resources[["resource", "month", "hours"]].itertuples(index=False):
        own = set(resources.loc[(resources["resource"] == resource) & (resources["month"] != ""), "month"])
        for t, label in enumerate(model.calendar.months):
            if month == label or (not month and label not in own):
                listed.append((resource, t, hours))
    pools = pd.DataFrame(listed, columns=["resource", "month", "hours"])
    if not len(pools) or not len(needs):
        return
    matrix = sp.csr_array((len(pools), draft.builder.columns))
    constant = np.zeros(len(pools))
    executive = draft.columns["executive"]
    g, m = np.nonzero(executive >= 0)
    columns = draft.matrix(np.arange(len(g)), executive[g, m], 1.0, len(g))
    exec_cells = Cells(g, np.full(len(g), -1), m, m, np.zeros(len(g)), columns)
    parts = metrics.parts("contracts") if (needs["product"] != "").any() else []
    for resource, product, tier, hours in needs[["resource", "product", "tier", "hours"]].itertuples(index=False):
        at = np.full(months, -1)
        mine = np.flatnonzero(pools["resource"] == resource)
        at[pools["month"].to_numpy(int)[mine]] = mine
        for part, key, value in [
            *((p, "product", product) for p in parts if product),
            *([(exec_cells, "tier", tier)] if tier else []),
        ]:
            hit = np.flatnonzero((metrics.label(part, key) == value) & (at[part.month] >= 0))
            gather = sp.csr_array(
                sp.coo_array((np.full(len(hit), hours), (at[part.month[hit]], hit)), shape=(len(pools), len(part)))
            )
            matrix = matrix + gather @ widen(part.matrix, draft.builder.columns)
            constant += gather @ part.constant
    labels = {"resource": pd.Categorical(pools["resource"]), "month": draft.month_label(pools["month"].to_numpy(int))}
    limit = pools["hours"].to_numpy(float) - constant
    draft.add_rows(shared_pools, labels, sp.csr_array(matrix), -np.inf, limit)


def _goals(draft: Draft, metrics: Metrics) -> tuple[Goal, ...]:
    """Goals in the model's order."""
    size = draft.builder.columns
    goals: list[Goal] = []
    for name in draft.grain.model.settings.goals:
        if name == "visits":
            total = promised_visits(draft)
            costs = np.zeros(size)
            costs[draft.columns["within"]] = -1.0
            if total > 0:
                goals.append(Goal("visits", "visits", costs / total, 1.0, wish=True))
        elif name == "contribution":
            everything = metrics.sums("contribution", {}, np.arange(draft.grain.months), ())
            scale = max(expected_sales(draft), 1.0)
            costs = -np.asarray(widen(everything.matrix, size).todense()).ravel() / scale
            constant = -float(everything.constant[0]) / scale
            goals.append(Goal("contribution", "contribution", costs, constant, scale=-scale * draft.money))
        else:
            goals += target_goals(draft, name)
    return tuple(goals)


def promised_visits(draft: Draft) -> float:
    """Visits promised over the plan, Σ P[g,w]."""
    grain = draft.grain
    return float(grain.promise[grain.begins].sum())


def expected_sales(draft: Draft) -> float:
    """Expected sales of the year in program money: the scale of contribution."""
    return float(draft.grain.pairs["expected"].sum()) / draft.money


def least_effort(effort: Effort, seed: int = 20) -> Floats:
    """Costs of the tie-break: a little for every unit of effort, no two alike, the same on every engine."""
    program = effort.program
    costs = 1.0 + 0.05 * np.random.default_rng(seed).random(program.shape[1])
    for family in program.column_families:
        if family.name in ("miss", "largest", "overrun", "customers", "in order", "seen", "sales"):
            costs[family.slice] = 0.0
    later = program.family("effort")
    costs[later.slice] *= 1.0 + 0.1 * np.asarray(later.labels["segment"], float)
    return costs
