"""What is missed, by how much and why, in sentences: the same on the screen and on sheets."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from allocator.plan import Plan
from allocator.reporting.amounts import Amounts, share
from allocator.reporting.words import LEVELS, METRICS
from allocator.texts import _


@dataclass(frozen=True)
class Miss:
    """A wish that is not met.

    Attributes
    ----------
    head : str
        What was wished for.
    numbers : str
        How much was asked, how much there is, and what is missing.
    cause : str
        Why; blank where nothing is known.
    """

    head: str
    numbers: str
    cause: str


def missed_targets(plan: Plan, amounts: Amounts) -> Iterator[Miss]:
    """Targets that the plan misses, a sentence for each whatever its repetitions: important and large misses first."""
    table = plan["targets"]
    rows = table[(table["status"] == "missed") & (table["level"] != "ceiling")]
    for code, misses in _worst_first(rows):
        worst = misses.iloc[0]
        metric, repeats = str(worst["metric"]), int(table.loc[table["target"] == code, "each"].nunique())
        head = f"{code}  ({_(METRICS.get(metric, metric))}, {_(LEVELS.get(worst['level'], worst['level']))}"
        if repeats > 1:
            head += "; " + _("{missed} of {all} missed, worst {each}").format(
                missed=len(misses), all=repeats, each=worst["each"] or worst["period"]
            )
        says = _("asked {required}, planned {planned}: {gap} ({share}) missing")
        if worst["bound"] == "at_most":
            says = _("at most {required}, planned {planned}: {gap} ({share}) over")
        numbers = says.format(
            required=amounts.metric(metric, worst["required"]),
            planned=amounts.metric(metric, worst["planned"]),
            gap=amounts.gap(metric, worst["gap"]),
            share=share(worst["relative"]),
        )
        yield Miss(head + ")", numbers, str(worst["cause"] or ""))


def needs_not_asked(plan: Plan, amounts: Amounts) -> Iterator[Miss]:
    """What the company needs and nobody can be asked for, by level: the worst repetition of each."""
    rows = plan["asked"]
    rows = rows[rows["gap"] > 0]
    for (level, code), part in rows.groupby(["level", "target"], sort=False):
        worst = part.sort_values("gap", ascending=False, kind="stable").iloc[0]
        head = f"{code}  ({_(LEVELS[str(level)])}" + (f"; {worst['each']}" if worst["each"] else "") + ")"
        says = _("needs {required}, {asked} can be asked: {gap} missing")
        if worst["bound"] == "at_most":
            says = _("at most {required}, {asked} is asked: {gap} over")
        money = {k: amounts.money(worst[k]) for k in ("required", "asked", "gap")}
        yield Miss(head, says.format(**money), str(worst["cause"] or ""))


def _worst_first(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Missed rows by target, the more important and the more badly missed first."""
    rows = rows.assign(relative=rows["gap"] / rows["required"].abs().where(rows["required"] != 0, 1.0))
    rows = rows.sort_values("relative", ascending=False, kind="stable")
    order = rows.assign(priority=pd.to_numeric(rows["priority"], errors="coerce").fillna(0))
    order = order.sort_values(["priority", "relative"], ascending=[True, False], kind="stable")
    return [(str(code), rows[rows["target"] == code]) for code in order["target"].unique()]
