"""What is missing, and the ways out, in sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from allocator.explaining.missing import Missing
from allocator.explaining.repairs import Part
from allocator.explaining.rulebook import Item
from allocator.explaining.wording import Wording
from allocator.reporting.amounts import count
from allocator.scenarios.scenario import Change, Event, Scenario
from allocator.scenarios.selecting import spelled
from allocator.texts import N_, _

KINDS = {
    "money": N_("Money"),
    "least": N_("Least money of lines"),
    "time": N_("Selling time"),
    "heads": N_("People"),
    "promise": N_("Promised visits"),
    "executive": N_("Visits with an executive"),
    "pool": N_("Shared hours"),
    "supply": N_("Delivery"),
    "demand": N_("Market"),
    "target": N_("Targets"),
    "pin": N_("Fixed quotas"),
    "bound": N_("Least and largest quotas"),
    "incentive": N_("Incentive line"),
    "mix": N_("Several together"),
}
"""Kinds of rules that give way."""

PROMISES = {
    "week": N_("{tier} clients, visits a week: {new} instead of {now}"),
    "month": N_("{tier} clients, visits a month: {new} instead of {now}"),
    "quarter": N_("{tier} clients, visits a quarter: {new} instead of {now}"),
    "year": N_("{tier} clients, visits a year: {new} instead of {now}"),
}

EXECUTIVES = {
    "week": N_("{tier} clients, visits with an executive a week: {new} instead of {now}"),
    "month": N_("{tier} clients, visits with an executive a month: {new} instead of {now}"),
    "quarter": N_("{tier} clients, visits with an executive a quarter: {new} instead of {now}"),
    "year": N_("{tier} clients, visits with an executive a year: {new} instead of {now}"),
}

BOUND_SAID = ("target", "most", "least", "within", "floor", "cap", "incentive")
"""Kinds of items that are told with their bound."""

OF_THE_REST = ("hours", "days", "promise", "executive", "pool", "supply", "demand")
"""Kinds of changes that are about the months that are not over, where they name none."""

PLACES = 2
"""Places that are named in which something is missing."""


def missing(words: Wording, line: Missing, *, alone: bool = False) -> str:
    """By how much an item would have to give way; blank where that is not known.

    Parameters
    ----------
    alone : bool
        Whether the clash has no other item: what it asks for cannot be had at all.
    """
    item = line.item
    if math.isnan(line.gap):
        return ""
    gap = words.gap(item, abs(line.gap))
    if item.kind == "pin":
        says = _("would have to be {gap} more") if line.gap > 0 else _("would have to be {gap} less")
        return says.format(gap=gap)
    held, needs = _held_and_needed(words, line)
    if item.at_least and alone:
        says = _("at most {needs} can be had: {gap} missing")
    elif item.at_least:
        says = _("asked: {held}; the others leave room for {needs}: {gap} missing")
        if item.kind in BOUND_SAID:
            says = _("the others leave room for {needs}: {gap} missing")
    elif item.kind in BOUND_SAID:
        says = _("the others need {needs}: {gap} more")
        if alone:
            says = _("at least {needs} is needed: {gap} more")
    else:
        says = _("there are {held}, the others need {needs}: {gap} missing")
    if not needs:
        says = _("{gap} missing") if item.at_least or item.kind not in BOUND_SAID else _("{gap} too little")
    return says.format(held=held, needs=needs, gap=gap) + _places(words, line)


def _held_and_needed(words: Wording, line: Missing) -> tuple[str, str]:
    """What is set, and what it would have to be; blank for shares of something that moves too."""
    if math.isnan(line.item.held) or _is_share(words, line.item):
        return "", ""
    return words.held(line.item), words.amount(line.item, line.needs)


def _is_share(words: Wording, item: Item) -> bool:
    return item.kind == "target" and bool(words.targets[item.labels["target"]]["share_of"])


def _places(words: Wording, line: Missing) -> str:
    """Where most of it is missing, if that is not everywhere."""
    shown = [p for p in line.where if abs(p[1]) > 0.005 * abs(line.gap)]
    if not shown or (len(shown) == 1 and shown[0][0].labels == line.item.labels):
        return ""
    named = [f"{words.place(part)}{_(': ')}{words.gap(part, abs(amount))}" for part, amount in shown[:PLACES]]
    if len(shown) > PLACES:
        named.append("…")
    return _(" ({places})").format(places=_("; ").join(named))


def part(words: Wording, changed: Part) -> str:
    """One change of a repair."""
    says, model = _PARTS[changed.kind](words, changed), words.model
    if model.past and changed.kind in OF_THE_REST and "month" not in changed.what:
        says += _(", from {month}").format(month=model.calendar.months[model.past])
    return says


def _more(text: str, key: str) -> Callable[[Wording, Part], str]:
    def says(words: Wording, p: Part) -> str:
        amount, now, new = (words.amounts.money(v) for v in (p.amount, p.now, p.now + p.amount))
        return _(text).format(name=p.what[key], amount=amount, now=now, new=new)

    return says


def _less(text: str, key: str) -> Callable[[Wording, Part], str]:
    def says(words: Wording, p: Part) -> str:
        amount, now, new = (words.amounts.money(v) for v in (p.amount, p.now, max(p.now - p.amount, 0.0)))
        return _(text).format(name=p.what[key], amount=amount, now=now, new=new)

    return says


def _hours(words: Wording, p: Part) -> str:
    says = _("{who}: {amount} h more a day (from {now} to {new})")
    if "unit" in p.what:
        says = _("every rep of {who}: {amount} h more a day (from {now} to {new})")
    who = p.what.get("rep") or p.what["unit"]
    return says.format(who=who, amount=count(p.amount), now=count(p.now), new=count(p.now + p.amount))


def _days(words: Wording, p: Part) -> str:
    says = _("{who}, visits a day: {new} instead of {now}")
    if "unit" in p.what:
        says = _("every rep of {who}, visits a day: {new} instead of {now}")
    who = p.what.get("rep") or p.what["unit"]
    return says.format(who=who, now=count(p.now), new=count(p.now + p.amount))


def _per_period(texts: Mapping[str, str]) -> Callable[[Wording, Part], str]:
    def says(words: Wording, p: Part) -> str:
        tier = p.what["tier"]
        per = dict(zip(words.model["tiers"]["tier"], words.model["tiers"]["per"], strict=True))[tier]
        return _(texts[str(per)]).format(tier=tier, new=count(p.now - p.amount), now=count(p.now))

    return says


def _monthly(text: str, every: str, key: str, measure: str) -> Callable[[Wording, Part], str]:
    def says(words: Wording, p: Part) -> str:
        amount = words.measured(measure, p.amount)
        if "month" in p.what:
            return _(text).format(name=p.what[key], month=p.what["month"], amount=amount)
        return _(every).format(name=p.what[key], amount=amount)

    return says


def _target(words: Wording, p: Part) -> str:
    row = words.targets[p.what["target"]]
    new = p.now - p.amount if p.what["bound"] == "at_least" else p.now + p.amount
    if row["share_of"] or row["metric"] == "market_share":
        was, will = (f"{100 * v:.4g} %" for v in (p.now, new))
    else:
        was, will = (words.measured(str(row["metric"]), v) for v in (p.now, new))
    part = 100 * (new / p.now - 1) if p.now else 0.0
    moved = (f"{part:+,.0f} %" if abs(part) >= 10 else f"{part:+.2g} %") if part else ""
    says = _("target {target}: {new} instead of {now} ({moved})") if moved else _("target {target}: {new}")
    return says.format(target=p.what["target"], new=will, now=was, moved=moved.replace("-", "−"))


def _pin(words: Wording, p: Part) -> str:
    item = Item("pin", p.what, (), False, None, p.now, "money", True)  # type: ignore[arg-type]
    new = p.now + p.amount if p.kind == "pin up" else max(p.now - p.amount, 0.0)
    return _("{pin} becomes {new}").format(pin=words.pin(item), new=words.amounts.money(new))


def _heads(words: Wording, p: Part) -> str:
    says = _("{count} more reps in {unit}, who take over {clients} clients")
    if p.amount == 1:
        says = _("one more rep in {unit}, who takes over {clients} clients")
    if p.what["clients"] == "1":
        says = _("one more rep in {unit}, who takes over a client")
    says = says.format(count=count(p.amount), unit=p.what["unit"], clients=p.what["clients"])
    if p.what["month"]:
        says += _(", from {month}").format(month=p.what["month"])
    return says + _(" (of {names})").format(names=words.listed(p.what["reps"].split(";")))


def _demand(words: Wording, p: Part) -> str:
    says = _("clients would have to buy {share} more").format(share=f"{100 * p.amount:.3g} %")
    return says + _(" ({reasons})").format(reasons=p.what["scope"]) if p.what["scope"] else says


_PARTS: Mapping[str, Callable[[Wording, Part], str]] = {
    "money": _more(N_("line {name}: {amount} more (from {now} to {new})"), "line"),
    "incentive": _more(N_("line {name}: {amount} more (from {now} to {new})"), "line"),
    "least": _less(N_("line {name}: at least {new} instead of {now}"), "line"),
    "hours": _hours,
    "days": _days,
    "promise": _per_period(PROMISES),
    "executive": _per_period(EXECUTIVES),
    "pool": _monthly(N_("{name}, {month}: {amount} more"), N_("{name}: {amount} more each month"), "resource", "hours"),
    "supply": _monthly(
        N_("{name}, {month}: {amount} more delivered"),
        N_("{name}: {amount} more delivered each month"),
        "product",
        "money",
    ),
    "target": _target,
    "pin up": _pin,
    "pin down": _pin,
    "floor": _less(N_("least quota of {name}: {new} instead of {now}"), "rep"),
    "cap": _more(N_("largest quota of {name}: {new} instead of {now}"), "rep"),
    "heads": _heads,
    "demand": _demand,
}


def step(scenario: Scenario, done: Event | Change) -> str:
    """A step of a scenario as it is written there."""
    if isinstance(done, Event):
        return f"{done.kind} ({spelled(done.arguments)})" if done.arguments else done.kind
    where = [spelled(done.where)] if done.where else []
    if done.start or done.end:
        where.append(" … ".join(p for p in (done.start, done.end) if p))
    cells = ", ".join(f"{k} {v}" for k, v in done.cells.items())
    return f"{done.table}: {done.operation} {cells}".rstrip() + (f" ({'; '.join(where)})" if where else "")


def places_of(steps: Sequence[tuple[Scenario, Event | Change]]) -> list[str]:
    """Steps with the scenario and the line in which each is written."""
    said = _("{scenario}, line {row}: {step}")
    return [
        said.format(scenario=scenario.name, row=done.written.row or "–", step=step(scenario, done))
        for scenario, done in steps
    ]
