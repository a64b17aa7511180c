"""What the goals of a solve are called while it goes on, and afterwards."""

from __future__ import annotations

from allocator.texts import N_, _

LEVELS = {"base": N_("base"), "stretch": N_("stretch"), "ceiling": N_("ceiling")}
STEPS = {
    "visits": N_("promised visits"),
    "effort": N_("visits and money"),
    "feasible": N_("any plan at all"),
    "contribution": N_("contribution"),
    "total": N_("quotas: their total"),
    "gap": N_("quotas: what the company needs"),
    "beyond": N_("quotas: nothing beyond the forecast"),
    "commitments": N_("quotas: what units and reps have offered"),
    "unfair": N_("quotas: fair shares"),
    "peak": N_("quotas: no month carries the year"),
}


def step_name(name: str) -> str:
    """Return what a solve is at, by the name of its goal; a name that is new here is shown as it is."""
    kind, *rest = name.split()
    if kind in LEVELS and rest and rest[0].isdigit():
        if rest[1:] == ["sum"]:
            return _("targets: {level}, priority {priority}, all misses").format(
                level=_(LEVELS[kind]), priority=rest[0]
            )
        return _("targets: {level}, priority {priority}").format(level=_(LEVELS[kind]), priority=rest[0])
    if kind in LEVELS and rest and rest[0] in STEPS:
        says = _("{step} ({level})").format(step=_(STEPS[rest[0]]), level=_(LEVELS[kind]))
        return _("{step}, all misses").format(step=says) if rest[-1] == "sum" else says
    if kind in LEVELS:
        return _("quotas ({level})").format(level=_(LEVELS[kind]))
    return _(STEPS[kind]) if kind in STEPS else name
