"""Sweeps: a scenario over some values, a row for each combination."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.comparing.differences import KPIS, figures, targets
from allocator.plan import Plan
from allocator.scenarios.applying import Changed
from allocator.texts import _

FIXED = (
    *("scenario", "combination", "status", *(k for k in KPIS if k != "visits_scheduled")),
    *("attainment", "now_missed", "now_met", "reason"),
)
"""Columns of ``sweep.csv`` but those of the varied values."""

Combinations = Sequence[tuple[Mapping[str, str], Changed]]


@dataclass(frozen=True)
class Sweep:
    """One scenario over some values.

    Attributes
    ----------
    name : str
        Of the scenario, or scenarios joined by +.
    title : str
    varied : tuple of str
        Columns of the table that hold the varied values, in the order of the sweep.
    table : DataFrame
        scenario, the varied values, combination (all of them in words), status, key figures, attainment (share of the targets that are
        met), now_missed, now_met (targets that flip against the base plan), reason (why there is no plan).
    """

    name: str
    title: str
    varied: tuple[str, ...]
    table: pd.DataFrame


def sweep(
    name: str, title: str, combinations: Combinations, base: Plan, quick: Callable[[Changed, str], Plan]
) -> Sweep:
    """Plan each combination.

    Parameters
    ----------
    name, title : str
    combinations : sequence of (mapping of str to str, Changed)
        As :func:`allocator.scenarios.varying.variations` gives them.
    base : Plan
        Without the scenario.
    quick : callable
        Plans without dating visits; told what is planned.
    """
    columns = {n: n if n not in FIXED else f"vary {n}" for n in combinations[0][0]}
    rows = []
    for values, changed in combinations:
        says = _(", ").join(f"{n} = {v}" for n, v in values.items())
        plan = quick(changed, f"{name}{_(': ')}{says}")
        rows.append(
            {"scenario": name, **{columns[n]: v for n, v in values.items()}, "combination": says, **_row(base, plan)}
        )
    fixed = list(FIXED)
    table = pd.DataFrame(rows)[[fixed[0], *columns.values(), *fixed[1:]]]
    return Sweep(name, title, tuple(columns.values()), table)


def _row(base: Plan, plan: Plan) -> dict[str, object]:
    known = figures(plan)
    met, missed = known["targets_met"], known["targets_missed"]
    row: dict[str, object] = {"status": plan.status, **known}
    row["attainment"] = met / (met + missed) if met + missed else np.nan
    row |= {"now_missed": "", "now_met": "", "reason": " ".join(plan.reasons)}
    if base.tables and plan.tables:
        flips = targets(base, plan)
        for flip in ("missed", "met"):
            names = [
                ", ".join(p for p in pair if p)
                for pair in flips.loc[flips["flips"] == flip, ["target", "each"]].itertuples(index=False)
            ]
            row[f"now_{flip}"] = "; ".join(dict.fromkeys(names))
    return row


def number(text: str) -> float:
    """A varied value as a number, percent or plain; NaN where it is none."""
    try:
        return float(f"{text[:-1]}e-2" if text.endswith("%") else text)
    except ValueError:
        return np.nan
