"""``solve --profile``: what each pass, each goal and each part of the audit took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from allocator.commands.common import show
from allocator.commands.steps import step_name
from allocator.texts import N_, _

if TYPE_CHECKING:
    from rich.table import Table

PASSES = {
    "read": N_("read the tables"),
    "build": N_("write the programs"),
    "solve": N_("solve them"),
    "round": N_("round, and break down to the day"),
    "schedule": N_("date the visits"),
    "audit": N_("audit"),
    "write": N_("write the run"),
}
PARTS = {
    "read": N_("read the tables"),
    "effort": N_("visits, hours and clients won"),
    "sales": N_("sales"),
    "money": N_("budget and effects"),
    "targets": N_("targets"),
    "quotas": N_("quotas"),
    "sums": N_("sums of published quotas"),
    "days": N_("breakdown to the day"),
    "actions": N_("weekly actions"),
    "commitments": N_("commitments"),
    "key figures": N_("key figures"),
}
"""Passes of a solve, and parts of the audit."""


def profile_option() -> click.Option:
    """Build ``--profile``."""
    return click.Option(
        ["--profile"], is_flag=True, help=_("Say what each step and each goal took; summary.json keeps it.")
    )


def show_profile(summary: Mapping[str, Any]) -> None:
    """Print what a solve spent its time on: passes, goals, parts of the audit."""
    from rich.text import Text

    seconds, profile = summary["seconds"], summary["profile"]
    passes = [(_(says), _time(seconds[name])) for name, says in PASSES.items() if seconds.get(name) is not None]
    goals = [
        (
            _goal(g["name"]),
            f"{g['solves']:,}",
            _time(g["seconds"]),
            "" if g["iterations"] is None else f"{g['iterations']:,}",
        )
        for g in profile["goals"]
    ]
    audit = [(_(PARTS.get(name, name)), _time(spent)) for name, spent in profile["audit"].items()]
    took = _("seconds")
    show(
        Text("\n" + _("Where the time went"), style="bold"),
        _table((_("step"), took), [*passes, (_("in all"), _time(seconds["total"]))]),
        "",
        _table((_("what was solved for"), _("solves"), took, _("iterations")), goals),
        "",
        _table((_("part of the audit"), took), audit),
    )


def _table(headings: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    for row in rows:
        table.add_row(*row)
    return table


def _time(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:,.2f}"


def _goal(name: str) -> str:
    """Return a goal in words; what is solved beside the goals has names of its own."""
    together, settled = "all from ", "settle "
    if name.startswith(together):
        return _("all at once, from: {goal}").format(goal=step_name(name.removeprefix(together)))
    if name.startswith(settled):
        return _("the most even of equal plans: {goal}").format(goal=step_name(name.removeprefix(settled)))
    return step_name(name) if name else _("checks before and after")
