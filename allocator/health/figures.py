"""Figures of one's own: satisfaction, margin, days to close; whatever is told month by month and has a threshold."""

from __future__ import annotations

from allocator.health.limits import ABOVE, BELOW, LEADS, STAGE, USUAL, Check, judged, not_made
from allocator.health.people import figure
from allocator.health.year import Year
from allocator.plausibility import REFUSED
from allocator.plausibility import USUAL as PLAUSIBLE
from allocator.reporting.amounts import count
from allocator.texts import _


def figure_checks(year: Year) -> list[Check]:
    """Checks of every threshold that belongs to a figure: one that is told, was told in the past, or says when it warns."""
    history = set(year.model["history"].loc[year.model["history"]["stage"] == "", "metric"])
    stages = {f"{s}{STAGE}" for s in year.model["funnel"]["stage"]}
    others = {*USUAL, *stages, *PLAUSIBLE, REFUSED}
    checks = []
    for name in year.limits.named:
        told = year.actuals.told(name)
        if name in others or (name == LEADS and not told):
            continue
        if told or name in history or year.limits.sides[name]:
            checks.append(_check(year, name, told))
    return checks


def _check(year: Year, name: str, told: bool) -> Check:
    if not told:
        needs = _("Nobody tells {name}. Give a row of this metric for each month.")
        return not_made(name, needs.format(name=name))
    limit, above = year.limits[name], year.limits.sides[name] == ABOVE
    value = figure(year, name)
    says = _("{name} was {value} on average; at least {limit} is expected.")
    if above:
        says = _("{name} was {value} on average; at most {limit} is expected.")
    says = says.format(name=name, value=count(value), limit=count(limit))
    return judged(name, "", value, limit, says, ABOVE if above else BELOW)
