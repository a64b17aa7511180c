"""Who is asked for what: the organisation down to the rep, levels side by side, months across."""

from __future__ import annotations

import pandas as pd

from allocator.model import LEVELS
from allocator.plan import Plan
from allocator.reporting.words import LEVELS as LEVEL_NAMES
from allocator.texts import _

INDENT = "    "


def overview(plan: Plan) -> pd.DataFrame:
    """One row for each unit, with its reps below it: people, quotas of the year by level, forecast, base by month.

    Quotas of a unit are the sums of its reps'.
    """
    quotas, model = plan["quotas"], plan.model
    year = quotas.pivot_table("quota", "rep", "level", aggfunc="sum").reindex(columns=list(LEVELS))
    base = quotas[quotas["level"] == "base"]
    forecast = base.groupby("rep")["forecast"].sum()
    months = base.pivot_table("quota", "rep", "month", aggfunc="sum").reindex(columns=model.calendar.months)
    numbers = pd.concat([year, forecast, months], axis=1).reindex(model["reps"]["rep"]).fillna(0.0)
    home = model["reps"].set_index("rep")["unit"]
    names = model["reps"].set_index("rep")["name"]
    kinds = model["units"].set_index("unit")["kind"]
    rows, depths = [], []

    def add(label: str, kind: str, depth: int, of: pd.DataFrame) -> None:
        depths.append(depth)
        rows.append([INDENT * depth + label, kind, len(of), *of.sum()])

    def descend(unit: str, depth: int) -> None:
        inside = [r for r in numbers.index if unit in model.ancestors[home[r]]]
        if not inside:
            return
        add(unit, kinds.get(unit, "") or _("unit"), depth, numbers.loc[inside])
        for child in children.get(unit, ()):
            descend(child, depth + 1)
        for rep in (r for r in inside if home[r] == unit):
            label = f"{rep} {names[rep]}" if names[rep] and names[rep] != rep else rep
            add(label, _("rep"), depth + 1, numbers.loc[[rep]])

    children: dict[str, list[str]] = {}
    for unit, parent in model["units"][["unit", "parent"]].itertuples(index=False):
        children.setdefault(parent, []).append(unit)
    for top in children.get("", ()):
        descend(top, 0)
    headings = [
        *(_("unit or rep"), _("kind"), _("reps")),
        *(_("{level} quota").format(level=_(LEVEL_NAMES[level])) for level in LEVELS),
        _("forecast"),
        *(f"{m} {_('base')}" for m in model.calendar.months),
    ]
    frame = pd.DataFrame(rows, columns=headings)
    share = frame[headings[3]] / frame[headings[6]].where(frame[headings[6]] > 0)
    frame.insert(7, _("base as share of forecast, in percent"), (100 * share).round(1))
    return frame
