"""Fair shares and even months: goals of the quota program."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.arrays import positions
from allocator.formulation.asking import Asking
from allocator.formulation.grain import Grain
from allocator.formulation.rules import rule
from allocator.program import Floats, Ints


def fair_weights(grain: Grain) -> Floats:
    """Weight of each rep: potential, history or a blend of both shares, times the grade's weight, shape (reps,)."""
    model, people = grain.model, grain.people
    fairness = model.settings.fairness
    reps, months = len(people.code), grain.months
    potential = np.zeros(reps)
    ceiling = np.bincount(
        grain.pairs["group"], weights=grain.pairs["ceiling"].to_numpy(float), minlength=len(grain.groups)
    )
    carried = grain.carrier >= 0
    np.add.at(potential, grain.carrier[carried], np.repeat(ceiling[:, None], months, axis=1)[carried] / months)
    history = np.zeros(reps)
    rows = model["history"].query("metric == 'revenue'")
    owner = grain.clients.set_index("client")["rep"].reindex(rows["client"]).fillna(-1).to_numpy(int)
    own = positions(people.code, rows["rep"])
    at = np.where(own >= 0, own, owner)
    np.add.at(history, at[at >= 0], rows["amount"].to_numpy(float)[at >= 0])
    history *= people.in_post.mean(axis=1)
    part = {"potential": 0.0, "history": 1.0, "blend": 1.0 - fairness.blend}[fairness.by]
    weight = (1 - part) * potential / max(potential.sum(), 1e-300) + part * history / max(history.sum(), 1e-300)
    return np.asarray(weight * np.array([fairness.grades.get(g, 1.0) for g in people.grade]))


def add_fairness(asking: Asking) -> Ints:
    """Rows of fair shares of reps in their unit and of units in their parent; returns the columns ``unfair``."""
    grain, cells = asking.grain, asking.cells
    model, people = grain.model, grain.people
    weight = fair_weights(grain)
    units = list(model.ancestors)
    position = {u: i for i, u in enumerate(units)}
    total = asking.builder.add_columns("asked of a unit", "money", {"unit": pd.Categorical(units)}, len(units))
    # Peers: the reps of one unit, and the units of one parent. Both are told as sums of unit totals: what the reps directly in a
    # unit are asked is the unit's total less that of the units below it.
    home = np.array([position[u] for u in people.unit], int)
    above = np.array([position.get(p, -1) for p in model["units"].set_index("unit")["parent"].reindex(units)], int)
    child = np.flatnonzero(above >= 0)
    siblings = sp.csr_array(sp.coo_array((np.ones(len(child)), (above[child], child)), shape=(len(units), len(units))))
    direct = sp.csr_array(sp.eye_array(len(units)) - siblings)
    unit_total(asking, units, home, sp.coo_array(direct), total)
    own = np.bincount(home, weights=weight, minlength=len(units))
    within = np.array([(position[u], i) for i, v in enumerate(units) for u in model.ancestors[v]], int).reshape(-1, 2).T
    below = np.bincount(within[0], weights=own[within[1]], minlength=len(units))
    by_rep = _shares(weight, own[home])
    by_unit = _shares(below[child], (siblings @ below)[above[child]])
    lines = [
        asking.rows(cells["rep"].to_numpy(), np.arange(len(cells)), 1.0, len(people.code)),
        asking.sparse(np.arange(len(child)), total[child], 1.0, len(child)),
    ]
    peers = sp.vstack([direct[home], siblings[above[child]]], format="coo")
    row, unit = peers.coords
    whole = asking.sparse(row, total[unit], peers.data, peers.shape[0])
    names = [*people.code, *(units[i] for i in child)]
    return fair_share(asking, names, sp.vstack(lines, format="csr"), np.concatenate([by_rep, by_unit]), whole)


def _shares(weight: Floats, whole: Floats) -> Floats:
    """Share of each among its peers; NaN where nobody has a weight and no share is fair."""
    return np.asarray(np.divide(weight, whole, out=np.full(len(weight), np.nan), where=whole > 0))


@rule("A unit's quota is the sum of its reps'", unit="money", index="unit")
def unit_total(asking: Asking, units: list[str], home: Ints, direct: sp.coo_array, total: Ints) -> None:
    """asked[u] = Σ_{r in u} Σ_pt quota + Σ_{v below u} asked[v], units directly below."""
    cells = asking.cells["rep"].to_numpy()
    matrix = asking.rows(home[cells], np.arange(len(cells)), 1.0, len(units))
    row, unit = direct.coords
    matrix = matrix - asking.sparse(row, total[unit], direct.data, len(units))
    asking.add_rows(unit_total, {"unit": pd.Categorical(units)}, sp.csr_array(matrix), 0.0, 0.0)


@rule("A quota stays near its fair share", unit="money", index="rep or unit")
def fair_share(asking: Asking, names: list[str], matrix: sp.csr_array, share: Floats, whole: sp.csr_array) -> Ints:
    """abs(Σ_pt quota − share · whole) ≤ band · share · whole + unfair; whole is the quota of the peers together."""
    known = np.flatnonzero(~np.isnan(share))
    band, size = asking.grain.model.settings.fairness.band, len(known)
    labels = {"name": np.array(names, dtype=object)[known]}
    unfair = asking.builder.add_columns("unfair", "money", labels, size)
    slack = asking.sparse(np.arange(size), unfair, 1.0, size)
    part, fair = (
        sp.csr_array((m.data, m.indices, m.indptr), shape=(size, asking.builder.columns))
        for m in (matrix[known], sp.csr_array(sp.diags_array(share[known]) @ whole[known]))
    )
    over, under = part - (1 + band) * fair - slack, part - (1 - band) * fair + slack
    asking.add_rows(fair_share, labels, over, -np.inf, 0.0)
    asking.add_rows(fair_share, labels, under, 0.0, np.inf)
    return unfair


@rule("No month carries the year", unit="money", index="rep, month")
def add_peak(asking: Asking) -> Ints:
    """quota[r,t] ≤ peak · Σ_p share[r,p,t] · Σ_t' quota[r,p,t'] + over; share = season over his months in post.

    Large contracts come whole and are left out on both sides.
    """
    grain, cells = asking.grain, asking.cells
    months, products = grain.months, len(grain.product)
    cells = cells[~grain.model["products"]["large"].to_numpy(bool)[cells["product"]]]
    rep, product, month = (cells[c].to_numpy() for c in ("rep", "product", "month"))
    season = grain.season[None, :, :] * grain.people.in_post[:, None, :]
    total = season.sum(axis=2, keepdims=True)
    share = np.divide(season, total, out=np.zeros_like(season), where=total > 0)
    keys, row = np.unique(rep * months + month, return_inverse=True)
    r, t = np.divmod(keys, months)
    labels = {
        "rep": pd.Categorical.from_codes(r, categories=pd.Index(grain.people.code)),
        "month": pd.Categorical.from_codes(t, categories=pd.Index(grain.model.calendar.months)),
    }
    over = asking.builder.add_columns("over the peak", "money", labels, len(keys))
    # Every product-year of the rep counts in each of his months, also where the month has no cell of the product.
    sold = np.zeros((len(grain.people.code), products), bool)
    sold[rep, product] = True
    at, sells = np.nonzero(sold[r])
    weight = share[r[at], sells, t[at]]
    low, high = np.full(len(keys), np.inf), np.zeros(len(keys))
    np.minimum.at(low, at, weight)
    np.maximum.at(high, at, weight)
    alike = np.flatnonzero(low == high)
    several = (low < high)[at]
    peak = grain.model.settings.peak
    matrix = asking.rows(row, cells.index.to_numpy(), 1.0, len(keys))
    matrix = matrix - asking.sparse(alike, asking.of_reps[r[alike]], peak * high[alike], len(keys))
    years = asking.years[r[at[several]], sells[several]]
    matrix = matrix - asking.sparse(at[several], years, peak * weight[several], len(keys))
    matrix = matrix - asking.sparse(np.arange(len(keys)), over, 1.0, len(keys))
    asking.add_rows(add_peak, labels, sp.csr_array(matrix), -np.inf, 0.0)
    return over
