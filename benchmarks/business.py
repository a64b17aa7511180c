"""The program of the benchmark, as arrays of a business: what each library is handed, and what it is to write down.

The generated model (see ``generate.py``) with one goal, contribution: promised visits are made, and the targets left
are rules, marketing at most so much and a least revenue of every region and product. The arrays are made from the
tables, and from who is there when, without the formulation.

Letters: z region, r rep, g group of clients (a rep's clients of a tier), p product, t month, w window of a promise, s
segment, b line.

    max  Σ net[p] · sales[z,p,t] − Σ spend[b,s,t] − Σ visit cost · visits[g,t]
    sales[z,p,t] = (≤ where supply is limited) given[z,p,t] + Σ gain[g,p,s,t] · effort[g,s,w] + lift[z,t] for the product of the line
    Σ_t visits[g,t] = Σ_s effort[g,s,w], for groups promised visits by the quarter; by the month visits are Σ_s effort[g,s,t]
    Σ_g share · hours of a visit · visits[g,t] ≤ hours[r,t], the backup's share included
    Σ_s effect[b,s] · spend[b,s,t] ≥ lift[z,t];  Σ_t lift[z,t] = Σ_g lifted[g]
    Σ gain · effort + lifted[g] ≤ room[g];  Σ_z sales[z,p,t] = delivered[p,t] where limited;  least and most of lines and targets
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from generate import CURVES, LINE, generate
from numpy.typing import NDArray

from allocator.formulation.grain import Grain

Array = NDArray[Any]
GOALS = "goals: [contribution, visits, base, stretch]\n"
"""Contribution comes first: it is the one goal that is solved for."""


def write_business(folder: Path, reps: int) -> None:
    """Write the generated model with targets that are rules, and selling time that keeps every promise."""
    generate(folder, reps)
    (folder / "model.yaml").write_text((folder / "model.yaml").read_text("utf-8") + GOALS, encoding="utf-8")
    people, targets = pd.read_csv(folder / "reps.csv", dtype=str), pd.read_csv(folder / "targets.csv", dtype=str)
    people["selling_share"] = (people["selling_share"].astype(float) + 0.25).round(2).astype(str)
    revenue = targets["target"].str.fullmatch(r"revenue_[ZP]\d+")
    targets.loc[revenue, "at_least"] = (targets.loc[revenue, "at_least"].astype(float) * 0.9).round(-3).astype(str)
    targets = targets[revenue | (targets["target"] == "marketing")].assign(priority="hard")
    people.to_csv(folder / "reps.csv", index=False, lineterminator="\n")
    targets.to_csv(folder / "targets.csv", index=False, lineterminator="\n")


@dataclass(frozen=True)
class Visited:
    """Groups that are promised visits in windows of one kind.

    Attributes
    ----------
    group : int array, shape (n,)
        Which of all groups these are.
    window : int array, shape (months,)
        Window of each month.
    width, least : float array, shape (n, segments, windows)
        Visits that a segment of the curve holds, and how many of them are promised.
    gain : float array, shape (n, products, segments, months)
        Money for a visit.
    """

    group: Array
    window: Array
    width: Array
    least: Array
    gain: Array


@dataclass(frozen=True)
class Business:
    """What the program of the benchmark is made of; money in units of ``money``.

    Attributes
    ----------
    monthly, quarterly : Visited
    owner, backup, region : int array, shape (groups,)
        Rep, rep (−1 none), region of each group.
    share : float array, shape (groups, months)
        The owner's part of the visits.
    visit_hours, visit_cost : float array, shape (groups,)
    hours : float array, shape (reps, months)
    given : float array, shape (regions, products, months)
        Sales without a visit.
    net : float array, shape (products,)
        Margin less commission.
    limited : float array, shape (products,)
        Money that can be delivered in a month; infinite where all can be.
    lifts : int array, shape (regions,)
        Product that the region's line is for.
    lifted : int array
        Groups whose clients buy that product.
    room : float array, shape (lifted,)
        What they may buy in the year beyond what they buy without a visit.
    money_width, effect : float array, shape (lines, segments)
        Money that a segment of a line holds in a month (0: no such segment), and what it brings. The first lines are the regions'.
    line_least, line_most : float array, shape (lines,)
    marketing : float
        Money that the regions' lines may spend together.
    region_least, product_least : float array
        Least revenue.
    """

    money: float
    monthly: Visited
    quarterly: Visited
    owner: Array
    backup: Array
    region: Array
    share: Array
    visit_hours: Array
    visit_cost: Array
    hours: Array
    given: Array
    net: Array
    limited: Array
    lifts: Array
    lifted: Array
    room: Array
    money_width: Array
    effect: Array
    line_least: Array
    line_most: Array
    marketing: float
    region_least: Array
    product_least: Array


def business(grain: Grain, money: float, *, hard: bool) -> Business:
    """Make the arrays of a model written by :func:`write_business`, from its tables and from who is there when.

    Promised visits are made in any case where they are ``hard``; else as many as pay.
    """
    model, groups = grain.model, grain.groups
    tier, owner = groups["tier"].to_numpy(object), groups["rep"].to_numpy()
    of_tier = model["tiers"].set_index("tier").loc[tier]
    regions = sorted(model["units"].query("kind == 'region'")["unit"])
    region = np.array([regions.index(model.ancestors[u][1]) for u in model["reps"]["unit"]])[owner]
    expected, ceiling = (np.zeros((len(groups), len(grain.product))) for _ in range(2))
    at = grain.pairs["group"].to_numpy(), grain.pairs["product"].to_numpy()
    expected[at], ceiling[at] = grain.pairs["expected"] / money, grain.pairs["ceiling"] / money
    curve = np.array([CURVES[t] for t in tier])  # groups, points, (effort, sales)
    effort, sales = np.diff(curve[:, :, 0]), np.diff(curve[:, :, 1])
    factor = grain.season[None] * grain.ramp[:, None, :]
    gain = (
        expected[:, :, None, None]
        * (sales / effort)[:, None, :, None]
        * factor[:, :, None, :]
        / grain.promise[:, None, None, :]
    )
    given = expected[:, :, None] * curve[:, :1, 1, None] * factor
    lifts, lines = _lifts(model["budget"], grain.product, len(regions))
    lifted = np.flatnonzero(expected[np.arange(len(groups)), lifts[region]] > 0)
    mine = lifts[region[lifted]]
    width, effect = _segments(lines, len(regions), grain.months, money)
    targets = model["targets"].set_index("target")["at_least"] / money
    rate = model["commission"].sort_values("attainment_from")
    paid = np.diff(rate["attainment_from"].clip(upper=1.0), append=1.0) @ rate["rate"]
    limited = model["supply"].set_index("product")["maximum"].reindex(grain.product).to_numpy(float)
    by_region = np.zeros((len(regions), *given.shape[1:]))
    np.add.at(by_region, region, given)
    share, deputies = grain.shares
    return Business(
        money=money,
        monthly=_visited(grain, of_tier["per"] == "month", np.arange(grain.months), effort, curve, gain, hard),
        quarterly=_visited(grain, of_tier["per"] == "quarter", np.arange(grain.months) // 3, effort, curve, gain, hard),
        owner=owner,
        backup=deputies.max(axis=1),
        region=region,
        share=share,
        visit_hours=of_tier["minutes"].to_numpy(float) / 60,
        visit_cost=of_tier["visit_cost"].to_numpy(float) / money,
        hours=grain.people.hours,
        given=by_region,
        net=model["products"]["margin"].to_numpy(float) - paid,
        limited=np.where(np.isnan(limited), np.inf, limited / money),
        lifts=lifts,
        lifted=lifted,
        room=ceiling[lifted, mine] - given[lifted, mine].sum(axis=1),
        money_width=width,
        effect=effect,
        line_least=lines["minimum"].to_numpy(float) / money,
        line_most=lines["maximum"].to_numpy(float) / money,
        marketing=float(model["targets"].set_index("target")["at_most"]["marketing"] / money),
        region_least=targets.loc[[f"revenue_{z}" for z in regions]].to_numpy(),
        product_least=targets.loc[[f"revenue_{p}" for p in grain.product]].to_numpy(),
    )


def _visited(
    grain: Grain, chosen: pd.Series, window: Array, effort: Array, curve: Array, gain: Array, hard: bool
) -> Visited:
    some = np.flatnonzero(chosen.to_numpy())
    promise = grain.promise[some][:, np.unique(window, return_index=True)[1]]
    width = effort[some][:, :, None] * promise[:, None, :]
    least = np.where(curve[some, 1:, 0][:, :, None] <= (1 if hard else -1), width, 0.0)
    return Visited(some, window, width, least, gain[some])


def _lifts(budget: pd.DataFrame, product: Array, regions: int) -> tuple[Array, pd.DataFrame]:
    """Return the product of each region's line, and the lines, those of the regions first."""
    lines = budget.assign(first=budget["unit"] == "").sort_values(["first", "unit", "line"], ignore_index=True)
    return np.array([list(product).index(p) for p in lines["product"][:regions]]), lines


def _segments(lines: pd.DataFrame, regions: int, months: int, money: float) -> tuple[Array, Array]:
    """Money that each segment of a line holds in a month, and what it brings; the last one adds nothing."""
    share, multiple = np.array(LINE).T
    most = lines["maximum"].to_numpy(float) / money
    width, effect = np.zeros((len(lines), len(share))), np.zeros((len(lines), len(share)))
    width[:regions, :-1] = most[:regions, None] * np.diff(share) / months
    effect[:regions, :-1] = np.diff(multiple) / np.diff(share)
    width[:, -1] = most
    return width, effect
