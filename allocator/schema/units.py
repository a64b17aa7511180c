"""Checks of the organisation: units, their kinds, and settings that name kinds or grades."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocator.errors import Severity
from allocator.model import Settings
from allocator.schema.findings import Report, did_you_mean
from allocator.texts import _

COMPANY = "company"
"""Code and kind of the root that is made where units are not given."""


def chains(units: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """For each unit: itself, then its parents; a chain that runs in a circle ends before it closes."""
    parent = dict(zip(units["unit"], units["parent"], strict=True))
    found: dict[str, tuple[str, ...]] = {}
    for unit in parent:
        chain, at = [unit], parent[unit]
        while at in parent and at not in chain:
            chain.append(at)
            at = parent[at]
        found[unit] = tuple(chain)
    return found


def check_units(settings: Settings, frames: Mapping[str, pd.DataFrame], report: Report) -> None:
    """Find circles of units, and settings for kinds or grades that do not occur."""
    units = frames["units"]
    above = chains(units)
    parent = dict(zip(units["unit"], units["parent"], strict=True))
    for position, unit in enumerate(units["unit"]):
        if parent[unit] and parent[above[unit][-1]] == unit:  # the chain's last comes back to its first
            circle = " → ".join([*above[unit], unit])
            says = _("The unit lies below itself: {circle}. Give one of them another parent.").format(circle=circle)
            report.add("error", "units", "cycle", says, position=position, column="parent", value=parent[unit])
    _check_names(settings.hedge, "hedge", units["kind"], _("No unit has this kind."), report)
    _check_names(
        settings.fairness.grades, "fairness.grades", frames["reps"]["grade"], _("No rep has this grade."), report
    )


def _check_names(given: Mapping[str, float], key: str, known: pd.Series, says: str, report: Report) -> None:
    words = set(known) - {""}
    for name in given:
        if name not in words:
            severity: Severity = "error" if key == "hedge" else "warning"
            text = says + did_you_mean(name, words)
            report.add_setting(severity, f"{key}.{name}", "reference", text, name)
