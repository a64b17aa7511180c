"""Limits and changes of goals in a planner's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from allocator.explaining.limits import Limit
from allocator.explaining.wording import Wording
from allocator.model import Model
from allocator.reporting.amounts import count, share
from allocator.reporting.words import LEVELS
from allocator.texts import N_, _

if TYPE_CHECKING:
    from allocator.explaining.prices import Alone

PERIODS = {
    "week": N_("visits a week"),
    "month": N_("visits a month"),
    "quarter": N_("visits a quarter"),
    "year": N_("visits a year"),
}

ONE = {
    "week": N_("1 visit a week"),
    "month": N_("1 visit a month"),
    "quarter": N_("1 visit a quarter"),
    "year": N_("1 visit a year"),
}

OF_THE_REST = ("hours", "heads", "resource", "supply")
"""Kinds of limits that are about the months that are not over."""


class LimitWords:
    """Says what limits of a model are, and what moving one brings."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.wording = Wording(model)

    def name(self, limit: Limit) -> str:
        """What a limit is."""
        name = _NAMES[limit.kind](limit)
        if self.model.past and limit.kind in OF_THE_REST:
            name += _(", from {month}").format(month=self.model.calendar.months[self.model.past])
        return name

    def unit(self, limit: Limit) -> str:
        """What it is counted in."""
        if limit.measure == "money" or limit.measure in (
            "revenue",
            "profit",
            "contribution",
            "spend",
            "commission",
            "collections",
        ):
            return self.model.settings.money_unit
        if limit.measure == "visits":
            return _(PERIODS[self._per(limit)]) if limit.kind == "promise" else _("visits")
        return {"hours": _("hours"), "heads": _("people"), "share": _("share")}.get(limit.measure, limit.measure)

    def amount(self, limit: Limit, value: float) -> str:
        """An amount of it."""
        if limit.measure == "money":
            return self.wording.amounts.money(value)
        number = count(value)
        if limit.measure == "heads":
            return _("1 person") if number == "1" else _("{number} people").format(number=number)
        if limit.measure == "share":
            return share(value)
        if limit.kind == "promise":
            per = self._per(limit)
            return _(ONE[per]) if number == "1" else _("{number} {unit}").format(number=number, unit=_(PERIODS[per]))
        return self.wording.measured(limit.measure, value)

    def signed(self, limit: Limit, value: float) -> str:
        """A change of it, with its sign."""
        return ("+" if value >= 0 else "−") + self.amount(limit, abs(value))

    def _per(self, limit: Limit) -> str:
        return str(self.model["tiers"].set_index("tier")["per"][limit.what["tier"]])

    def change(self, goal: str, change: float, alone: Mapping[str, Alone], promised: float) -> str:
        """A change of one goal; blank where it says nothing of its own."""
        if goal == "contribution":
            text = _("{money} more contribution") if change > 0 else _("{money} less contribution")
            return text.format(money=self.wording.amounts.money(abs(change)))
        if goal == "visits":
            text = _("promised visits: {number} fewer") if change > 0 else _("promised visits: {number} more")
            return text.format(number=count(abs(change) * promised))
        level, priority, what = goal.split()
        if what == "largest":
            return ""
        if goal in alone:
            one = alone[goal]
            name = one.target + (f" ({one.each})" if one.each else "")
            if one.at_least:
                text = _("{target}: {amount} less") if change > 0 else _("{target}: {amount} more")
            else:
                text = _("{target}: {amount} more") if change > 0 else _("{target}: {amount} less")
            return text.format(target=name, amount=self.wording.measured(one.metric, abs(change) * one.size))
        text = _("{level} targets of priority {priority} missed by {points} more")
        if change < 0:
            text = _("{level} targets of priority {priority} missed by {points} less")
        number = count(100 * abs(change))
        points = _("1 point") if number == "1" else _("{number} points").format(number=number)
        return text.format(level=_(LEVELS[level]), priority=priority, points=points)


def _line(limit: Limit) -> str:
    return _("money of line {line}").format(line=limit.what["line"])


def _least(limit: Limit) -> str:
    return _("least money of line {line}").format(line=limit.what["line"])


def _budget(limit: Limit) -> str:
    if limit.what.get("category"):
        return _("money of all lines of {category}").format(category=limit.what["category"])
    return _("the whole budget")


def _hours(limit: Limit) -> str:
    who = limit.what.get("rep") or limit.what.get("unit")
    return _("selling hours of {who}").format(who=who) if who else _("everybody's selling hours")


def _heads(limit: Limit) -> str:
    return _("people of {unit}").format(unit=limit.what["unit"])


def _resource(limit: Limit) -> str:
    return _("shared hours of {resource}").format(resource=limit.what["resource"])


def _supply(limit: Limit) -> str:
    return _("delivery of {product}").format(product=limit.what["product"])


def _target(limit: Limit) -> str:
    if limit.what["bound"] == "at_most":
        return _("what target {target} allows").format(target=limit.what["target"])
    return _("what target {target} asks").format(target=limit.what["target"])


def _promise(limit: Limit) -> str:
    return _("promised visits to {tier} clients").format(tier=limit.what["tier"])


_NAMES: Mapping[str, Callable[[Limit], str]] = {
    "line": _line,
    "least": _least,
    "budget": _budget,
    "hours": _hours,
    "heads": _heads,
    "resource": _resource,
    "supply": _supply,
    "target": _target,
    "promise": _promise,
}
