"""What key figures, metrics, levels and steps are called on the screen and on sheets."""

from __future__ import annotations

from allocator.texts import N_

KPIS = (
    ("revenue", N_("revenue")),
    ("profit", N_("profit")),
    ("contribution", N_("contribution")),
    ("spend", N_("spend")),
    ("commission", N_("commission")),
    ("collections", N_("collections")),
    ("new_clients", N_("new clients")),
    ("visits_planned", N_("visits")),
)
METRICS = {
    **{key: label for key, label in KPIS if key != "visits_planned"},
    "visits": N_("visits"),
    "hours": N_("hours"),
    "contracts": N_("contracts"),
    "coverage": N_("coverage"),
    "market_share": N_("market share"),
}
LEVELS = {"base": N_("base"), "stretch": N_("stretch"), "ceiling": N_("ceiling")}
TARGET = {"met": N_("met"), "missed": N_("missed"), "hard": N_("hard")}
"""What becomes of a target."""

STATUSES = {
    "optimal": N_("optimal and proved"),
    "feasible": N_("stopped at a limit, not proved"),
    "limit": N_("stopped at a limit, not proved"),
    "infeasible": N_("impossible"),
    "unbounded": N_("unbounded"),
    "error": N_("the engine failed"),
}
REASONS = {
    "not planned": N_("not planned"),
    "no day in the window": N_("no day in the window"),
    "rep full": N_("rep full"),
    "executive full": N_("executive full"),
}
"""Why a visit has no date."""

STEPS = {
    "read": N_("read"),
    "build": N_("build"),
    "solve": N_("solve"),
    "round": N_("round"),
    "schedule": N_("schedule"),
    "audit": N_("audit"),
    "write": N_("write"),
}
