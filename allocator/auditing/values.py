"""Key figures and goals, worked out from input and files (sections 3 to 5 of the mathematics)."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.auditing.case import Case
from allocator.auditing.fairness import quota_goals
from allocator.auditing.layout import lay_out_quotas
from allocator.auditing.metrics import Metrics
from allocator.auditing.people import numbers
from allocator.auditing.targets import relative_misses, repetitions


def key_figures(case: Case) -> dict[str, float]:
    """Work out the figures that reports show; see :func:`allocator.auditing.kpis`."""
    metrics, year = Metrics(case, case.figures), np.arange(len(case.months))
    names = ("revenue", "profit", "contribution", "spend", "commission", "collections", "new_clients")
    figures = {m: metrics.totals(m, {}, year).amounts[""] for m in names}
    figures["visits_promised"] = float(case.groups.promise.sum())
    figures["visits_planned"] = float(case.figures.visits.sum())
    return figures


def goal_values(case: Case) -> dict[str, float]:
    """Values of the goals; see :func:`allocator.auditing.goals`."""
    groups = case.groups
    promised = float(groups.promise.sum())
    short = groups.promise - np.minimum(groups.promise, groups.by_window(case.figures.visits))
    values = {"visits": float(short.sum()) / promised if promised else 0.0}
    rows, _needed = repetitions(case)
    misses = pd.DataFrame(
        {"level": rows["level"], "priority": rows["priority"], "weight": rows["weight"], "miss": relative_misses(rows)}
    )
    misses = pd.concat([misses, _overruns(case)], ignore_index=True)
    for level in ("base", "stretch"):
        mine = misses[(misses["level"] == level) & (misses["priority"] != "hard")]
        for priority in sorted(set(mine["priority"]), key=int):
            part = mine[mine["priority"] == priority]
            values[f"{level} {priority} largest"] = float(part["miss"].max())
            values[f"{level} {priority} sum"] = float((part["weight"] * part["miss"]).sum())
    metrics = Metrics(case, case.figures)
    values["contribution"] = metrics.totals("contribution", {}, np.arange(len(case.months))).amounts[""]
    return values | quota_goals(case, lay_out_quotas(case))


def _overruns(case: Case) -> pd.DataFrame:
    """Overruns of budget lines as misses of base targets of priority 1."""
    table = case.model["budget"]
    may = table["may_overrun"].to_numpy(dtype=bool)
    most = numbers(table["maximum"], 0.0)[may]
    over = np.maximum(case.figures.spend.sum(axis=1)[may] - most, 0.0)
    return pd.DataFrame(
        {"level": "base", "priority": "1", "weight": 1.0, "miss": over / np.where(most > 0, most, 1.0)},
        index=range(len(over)),
    )
