"""What a comparison calls its figures, flips and parts, on the screen and on sheets."""

from __future__ import annotations

import pandas as pd

from allocator.reporting.amounts import MONEY, UNITS, Amounts, count
from allocator.reporting.words import KPIS as FIGURES
from allocator.reporting.words import LEVELS, METRICS, STATUSES, TARGET
from allocator.texts import N_, _

KPIS = {
    **dict(FIGURES),
    "visits_promised": N_("visits promised"),
    "visits_planned": N_("visits planned"),
    "visits_scheduled": N_("visits scheduled"),
    "targets_met": N_("targets met"),
    "targets_missed": N_("targets missed"),
    "missed": N_("targets missed"),
}
FLIPS = {"missed": N_("now missed"), "met": N_("now met"), "new": N_("new"), "gone": N_("gone")}
BINDS = {"starts": N_("starts to bind"), "stops": N_("binds no more")}
PARTS = {
    "base": N_("base plan"),
    "event": N_("event"),
    "lever": N_("response"),
    "change": N_("change"),
    "together": N_("all steps together"),
    "scenario": N_("scenario"),
}
PERIODS = {"year": N_("year"), "quarter": N_("quarter"), "month": N_("month")}

VALUES = {
    "kpis": {"kpi": KPIS},
    "targets": {"metric": METRICS, "level": LEVELS, "flips": FLIPS, "base_status": TARGET, "status": TARGET},
    "quotas": {"kind": {"rep": N_("rep"), "unit": N_("unit")}, "period_kind": PERIODS, "level": LEVELS},
    "rules": {"binds": BINDS},
    "bridge": {"kind": PARTS},
    "sweep": {"status": STATUSES},
}
"""Words for values of columns, by table."""


def in_words(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table with its codes in words, in the language in force."""
    words = {c: table[c].map(lambda v, w=w: _(w[v]) if v in w else v) for c, w in VALUES.get(name, {}).items()}
    if name == "rules":
        words["rule"] = table["rule"].map(_)
    return table.assign(**words) if len(table) else table


def figure(amounts: Amounts, name: str, value: float) -> str:
    """A key figure; a dash where it is not known."""
    if value != value:
        return "–"
    return amounts.money(value) if name in MONEY else count(value)


def signed(amounts: Amounts, name: str, value: float) -> str:
    """A change of a key figure, with its sign and without the currency: money in whole units of it from 10 on."""
    if value != value:
        return "–"
    if name in MONEY:
        unit = UNITS.get(amounts.money_unit, 1.0)
        value = round(value * unit, 0 if abs(value * unit) >= 10 else 2) / unit
    else:
        value = round(value, 2)
    if not value:
        return "0"
    text = figure(amounts, name, abs(value)).removeprefix(f"{amounts.currency} ")
    return ("+" if value > 0 else "-") + text


def beside(name: str) -> str:
    """The name of scenarios as the heading of a column: each on its own line."""
    return name.replace("+", "\n+ ")
