"""A cascade of quotas with pins, down a tree of 200 reps, 10 products and 12 months: ours and that of ``b2b-revenue-forecasting``.

Both are handed the same tree, the same potential of every rep, a target for each product and month, and 20 reps whose year is pinned.
Both split the targets by potential, hold the pins, let the other reps of the team carry the rest, and see that every total is the sum of
its parts. Reading tables is not counted. Ours asks in whole thousands and hits every target and pin exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from generate import generate

from allocator.model import Model
from allocator.reading import load

REPS, PRODUCTS, PINS = 200, 10, 20
PINNED = 1.05
"""A pinned rep carries so much more than the share that his potential gives him."""


@dataclass(frozen=True)
class Tree:
    """What both are handed.

    Attributes
    ----------
    model : Model
        With a target for each product and month, and the pins.
    reps : DataFrame
        company, region, team, rep, potential.
    targets : DataFrame
        product, month, target.
    pins : DataFrame
        rep, amount.
    """

    model: Model
    reps: pd.DataFrame
    targets: pd.DataFrame
    pins: pd.DataFrame


def make_tree(folder: Path, seed: int = 0) -> Tree:
    """Draw the tree; amounts are whole thousands."""
    generate(folder, REPS, products=PRODUCTS)
    model = load(folder)
    rng = np.random.default_rng(seed)
    above = {u: model.ancestors[u] for u in model["reps"]["unit"]}
    clients, demand = model["clients"], model["demand"]
    owner = demand["client"].map(clients.set_index("client")["owner"])
    potential = demand["ceiling"].groupby(owner).sum()
    reps = pd.DataFrame({
        "company": "company",
        "region": [above[u][1] for u in model["reps"]["unit"]],
        "team": model["reps"]["unit"],
        "rep": model["reps"]["rep"],
        "potential": potential.reindex(model["reps"]["rep"]).to_numpy(),
    })  # fmt: skip
    product, month = model["products"]["product"], model.calendar.months
    sold = demand.groupby("product")["expected"].sum().reindex(product).to_numpy(float)
    size = np.outer(sold, rng.uniform(0.06, 0.1, len(month)))
    targets = pd.MultiIndex.from_product([product, month], names=["product", "month"]).to_frame(index=False)
    targets["target"] = np.round(size.ravel(), -3)
    share = reps["potential"] / reps["potential"].sum()
    some = np.sort(rng.choice(len(reps), PINS, replace=False))
    amount = np.round(PINNED * share.iloc[some] * targets["target"].sum(), -3)
    pins = pd.DataFrame({"rep": reps["rep"].iloc[some].to_numpy(), "amount": amount.to_numpy()})
    return Tree(_with(model, targets, pins), reps, targets, pins)


def _with(model: Model, targets: pd.DataFrame, pins: pd.DataFrame) -> Model:
    """The model with a target for each product and month, and with pins."""
    one = model["targets"].query("target == 'revenue'")
    rows = one.loc[one.index.repeat(len(targets))].reset_index(drop=True)
    rows["target"] = "t" + rows.index.astype(str)
    rows["scope"] = "product=" + targets["product"]
    rows["period"], rows["at_least"] = targets["month"], targets["target"]
    blank = {"unit": "", "product": "", "period": "", "level": "base"}
    held = pins.assign(**blank)[["unit", "rep", "product", "period", "level", "amount"]]
    fair = model.settings.fairness.model_copy(update={"band": 0.1, "grades": {}})
    settings = model.settings.model_copy(update={"fairness": fair, "peak": 12.0})
    tables = {**model.tables, "targets": rows, "pins": held, "budget": model["budget"].query("category != 'incentive'")}
    return replace(model, tables=tables, settings=settings)


def ours(tree: Tree) -> pd.DataFrame:
    """Split by potential, hold pins, let the others of the team carry the rest; then whole thousands whose every total adds up.

    The split is the rule of the other package; the rounding is the engine's, down the whole organisation at once.
    """
    from allocator.rounding import round_quotas
    from allocator.units import units_table

    reps, wanted = tree.reps, tree.targets["target"].to_numpy()
    potential = reps["potential"].to_numpy()
    pinned = reps["rep"].map(tree.pins.set_index("rep")["amount"]).to_numpy()
    team = reps["team"].factorize()[0]
    free = np.isnan(pinned)
    of_team = np.bincount(team, potential) / potential.sum() - np.bincount(team, np.nan_to_num(pinned)) / wanted.sum()
    rest = of_team[team] * potential / np.bincount(team, potential * free)[team]
    exact = np.where(free, rest, pinned / wanted.sum())[:, None] * wanted
    places = pd.MultiIndex.from_product([reps["rep"], tree.model["products"]["product"], tree.model.calendar.months])
    frame = (
        places.set_names(["rep", "product", "month"]).to_frame(index=False).assign(level="base", exact=exact.ravel())
    )
    frame["quota"] = round_quotas(tree.model, frame)
    frame["unit"] = frame["rep"].map(reps.set_index("rep")["team"])
    check_sums(tree, frame, units_table(tree.model, frame))
    return frame


def check_sums(tree: Tree, quotas: pd.DataFrame, units: pd.DataFrame) -> None:
    """See that every unit is asked for the sum of its parts, in every product and month, to the last digit."""
    keys = ["unit", "product", "month"]
    asked = units.set_index(keys)["assigned"].sort_index()
    parent = tree.model["units"].set_index("unit")["parent"]
    parts = pd.concat([quotas[[*keys, "quota"]].rename(columns={"quota": "assigned"}), _raised(units, parent)])
    sums = parts.groupby(keys)["assigned"].sum().reindex(asked.index)
    if not (sums == asked).all():
        raise AssertionError("a unit is not the sum of its parts")


def _raised(units: pd.DataFrame, parent: pd.Series) -> pd.DataFrame:
    above = units["unit"].map(parent)
    return units.assign(unit=above)[above != ""][["unit", "product", "month", "assigned"]]


def by_program(tree: Tree) -> pd.DataFrame:
    """The same by the whole quota program (fair shares by potential, least total, evenness), rounded."""
    from allocator.engines import engine
    from allocator.formulation.grain import make_grain
    from allocator.formulation.quotas import quota_program
    from allocator.ordering import Ordering
    from allocator.rounding import round_quotas
    from allocator.settling import settle_quotas

    grain = make_grain(tree.model)
    share = (tree.reps["potential"] / tree.reps["potential"].sum()).to_numpy()
    wanted = tree.targets["target"].to_numpy().reshape(len(grain.product), grain.months)
    quotas = quota_program(grain, 2 * share[:, None, None] * wanted, 1000.0)
    solver = engine("highs")
    outcome = Ordering(quotas.program, solver).run()
    assert outcome.x is not None
    settle_quotas(quotas, None, outcome, solver, None)
    asking = quotas.asking
    exact = np.maximum(outcome.x[asking.columns["base"]], 0.0) * quotas.program.money
    frame = pd.DataFrame({k: asking.label(k) for k in ("rep", "product", "month")}).assign(level="base", exact=exact)
    return frame.assign(quota=round_quotas(tree.model, frame))


def off_of_ours(tree: Tree, quotas: pd.DataFrame) -> float:
    """Largest difference of a total from its target or pin, in money."""
    by_target = quotas.groupby(["product", "month"], observed=True)["quota"].sum()
    asked = tree.targets.set_index(["product", "month"])["target"]
    by_rep = quotas.groupby("rep", observed=True)["quota"].sum()
    pinned = tree.pins.set_index("rep")["amount"]
    apart = (by_target.reindex(asked.index) - asked).abs().max(), (by_rep.reindex(pinned.index) - pinned).abs().max()
    return float(max(apart))


def theirs(tree: Tree) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cascade every target, apply the pins, reconcile; returns the quotas, and the checks that fail."""
    from b2b_revenue_forecasting import MetricSpec, Pin, apply_pins, cascade_many, reconcile

    quotas: Any
    quotas, *_ = cascade_many(
        tree.reps,
        tree.targets,
        group_keys=["product"],
        target_col="target",
        taxonomy=["company", "region", "team", "rep"],
        metrics=[MetricSpec("potential", direction="proportional", weight=1.0, columns=["potential"])],
        new_ic_rule="none",
    )
    pins = [Pin(rep, float(amount)) for rep, amount in tree.pins.itertuples(index=False)]
    edited, _ = apply_pins(quotas, pins)
    checks = reconcile(edited, targets=tree.targets, target_col="target")
    return edited, checks[~checks["ok"].astype(bool)]


def off_of_theirs(tree: Tree, quotas: pd.DataFrame) -> float:
    """Largest difference of a total of reps from its target or pin, in money."""
    leaves = quotas[quotas["node_id"].isin(tree.reps["rep"])]
    by_target = leaves.groupby(["product", "month"])["base_quota"].sum()
    asked = tree.targets.set_index(["product", "month"])["target"]
    pinned = tree.pins.set_index("rep")["amount"]
    by_rep = leaves.groupby("node_id")["base_quota"].sum()
    return float(
        max((by_target.reindex(asked.index) - asked).abs().max(), (by_rep.reindex(pinned.index) - pinned).abs().max())
    )
