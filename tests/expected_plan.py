"""Small models from texts, and the frames of a plan that sells what is expected, without solving anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.reading import load

Frames = dict[str, pd.DataFrame]

BARE = {
    "reps": "rep,unit\nann,north\n",
    "products": "product,contract_value,margin\nlite,10000,0.3\n",
    "clients": "client,tier,owner\nk,A,ann\n",
    "demand": "client,product,expected,ceiling\nk,lite,1200000,1200000\n",
    "targets": "target,metric,at_least\nrevenue,revenue,1000000\n",
    "tiers": "tier,visits,per,minutes\nA,1,month,60\n",
}
"""The tables that a model must have: one rep, one client."""


def small(folder: Path, settings: str = "", **tables: str) -> Model:
    """Write and read a bare model with some tables of its own; ``start`` is 2026-01 unless the settings say another."""
    folder.mkdir(exist_ok=True)
    start = "" if "start:" in settings else 'start: "2026-01"\n'
    (folder / "model.yaml").write_text(start + settings, encoding="utf-8")
    for name, text in (BARE | tables).items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return load(folder)


def expected_plan(model: Model, first: float = 0.3, won: float = 0.1) -> Frames:
    """Return frames of a plan: expected demand is sold, promises are kept, some prospects are visited and won each month."""
    grain = make_grain(model)
    months, pairs, groups = np.array(model.calendar.months, object), grain.pairs, grain.groups
    group, t = np.repeat(pairs["group"].to_numpy(), len(months)), np.tile(np.arange(len(months)), len(pairs))
    product = np.repeat(pairs["product"].to_numpy(), len(months))
    active = (groups["status"] == "active").to_numpy()
    part = np.where(active[group], 1.0, won * (t + 1) / groups["members"].to_numpy()[group])
    sell = np.repeat(pairs["expected"].to_numpy(), len(months)) * grain.season[product, t] * part
    value = model["products"]["contract_value"].fillna(model["products"]["price"]).to_numpy(float)[product]
    large = model["products"]["large"].to_numpy(bool)[product]
    contracts = np.where(large, np.round(sell / value), sell / value)
    code = np.append(grain.people.code, "")
    labels = {"group": groups["group"].to_numpy(object)[group], "month": months[t]}
    forecast = pd.DataFrame({"rep": code[grain.carrier[group, t]], "product": grain.product[product], **labels}).assign(
        sell=np.where(large, contracts * value, sell), contracts=contracts
    )
    g, t = np.divmod(np.arange(len(groups) * len(months)), len(months))
    labels = {"group": groups["group"].to_numpy(object)[g], "month": months[t]}
    effort = pd.DataFrame(
        {**labels, "planned": grain.even_promise.ravel(), "executive": grain.even_promise.ravel() / 4}
    )
    prospects = ~active[g]
    winners = pd.DataFrame({**labels, "channel": "visits", "unit": "", "won": won})[prospects]
    lines = model["budget"][["line"]].merge(pd.DataFrame({"month": months}), how="cross")
    asked = forecast[forecast["rep"] != ""].groupby(["rep", "product", "month"], as_index=False)["sell"].sum()
    step = model.settings.rounding
    levels = {"base": 0.9, "stretch": 1.0, "ceiling": 1.25}
    quotas = [asked.assign(level=k, quota=np.floor(asked["sell"] * f / step) * step) for k, f in levels.items()]
    return {
        "forecast": forecast,
        "effort": effort.assign(first_visits=np.where(prospects, first, 0.0)),
        "won": winners,
        "budget": lines.assign(spend=1234.5),
        "lift": pd.DataFrame({n: [] for n in ("unit", "line_product", "group", "month", "lift")}),
        "quotas": pd.concat(quotas, ignore_index=True),
    }
