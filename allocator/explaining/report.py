"""An explanation on the screen, and as a mapping for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.explaining import saying
from allocator.explaining.explanation import Explanation
from allocator.explaining.missing import Missing
from allocator.explaining.problems import Miss, Problem, Told
from allocator.explaining.repairs import Repair
from allocator.explaining.rulebook import Item, Key
from allocator.explaining.wording import Wording
from allocator.scenarios.scenario import Change
from allocator.texts import N_, _

STATUSES = {
    "impossible": (N_("no plan: rules clash"), "bold red"),
    "missed": (N_("a plan, but wishes are missed"), "bold yellow"),
    "met": (N_("every wish is met"), "bold green"),
    "refused": (N_("refused"), "bold red"),
    "limit": (N_("stopped before the answer was known"), "bold red"),
}
OWNERS = ("unit", "rep")
SINGLE = 3
"""Lines of a clash of the same kind that are told one by one."""

MORE = 1.02
"""Times the gap in a clash from which the gap in the plan is told too."""

LINES = 8
"""Missed wishes that are shown; the rest are counted."""


def report(found: Explanation, scenarios: Sequence[str] = ()) -> RenderableType:
    """Return an explanation to be printed by rich."""
    words = Wording(found.model)
    parts: list[RenderableType] = [_title(found)]
    if scenarios:
        parts.append(Text(_("Scenario: {names}").format(names=" + ".join(scenarios))))
    if found.findings:
        parts += _section(_("Refused"), Group(*(Text(f.says) for f in found.findings)))
    if found.misses:
        parts += _section(_("Missed"), Group(*_misses(words, found.misses)))
    if found.status == "missed" and not found.problems:
        says = _("All of it could be had together; something that comes first in the order of goals takes it.")
        parts += _section(_("What clashes"), Text(says))
    number = 0
    for problem in found.problems:
        for told in problem.told:
            number += 1
            parts += _section(
                _clash_title(number, told, found), _clash(words, told, {m.item.key: m.amount for m in found.misses})
            )
        parts += _section(_ways_title(number, problem), Group(*_ways(words, problem)))
    if found.broken is not None:
        parts += _section(_("What the scenario has to do with it"), Group(*_broken(found)))
    return Group(*parts)


def _title(found: Explanation) -> RenderableType:
    text, style = STATUSES[found.status]
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(Text(found.model.settings.title or found.model.name, style="bold"), Text(_(text), style=style))
    return grid


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2))]


def _misses(words: Wording, misses: Sequence[Miss]) -> Iterator[Text]:
    for miss in misses[:LINES]:
        says = _("{wish}: {amount} missing")
        if not miss.item.at_least:
            says = _("{wish}: {amount} too much")
        yield Text(says.format(wish=words.item(miss.item), amount=words.gap(miss.item, miss.amount)))
    if len(misses) > LINES:
        yield Text(_("… and {count} more").format(count=len(misses) - LINES), style="dim")


def _clash_title(number: int, told: Told, found: Explanation) -> str:
    total = sum(len(p.told) for p in found.problems)
    says = _("One of these must give way")
    if len(told.missing) == 1:
        says = _("This is out of reach, even if all else gives way")
    if total == 1:
        return says
    return _("Clash {number} of {total}").format(number=number, total=total) + _(": ") + says


def _clash(words: Wording, told: Told, misses: Mapping[Key, float]) -> RenderableType:
    lines: list[RenderableType] = []
    for together in _together(told.missing):
        item, how = together[0].item, saying.missing(words, together[0], alone=len(told.missing) == 1)
        if len(together) > 1:
            item, how = _as_one(words, together)
        else:
            missed = misses.get(tuple(part for part in item.key if part != "each="), 0.0)
            if missed > MORE * abs(together[0].gap):
                how += _(" (in the plan {amount})").format(amount=words.gap(item, missed))
        lines.append(Text("• " + words.item(item)))
        if how:
            lines.append(Padding(Text(how, style="dim"), (0, 0, 0, 4)))
    if told.clash.whole:
        lines.append(Text(_("It is whole contracts that clash: parts of them would fit."), style="dim"))
    if not told.clash.thin:
        lines.append(Text(_("In the time there was it could not be seen which of these are needed."), style="dim"))
    return Group(*lines)


def _together(missing: Sequence[Missing]) -> list[list[Missing]]:
    """Lines as they are told: those that differ by whom they are of are one where there are many, the wishes first."""
    groups: dict[tuple[object, ...], list[Missing]] = {}
    for line in sorted(missing, key=lambda m: (not m.item.goal, not m.item.at_least)):
        item = line.item
        others = tuple((k, v) for k, v in item.labels.items() if k not in OWNERS)
        own = any(k in item.labels for k in OWNERS)
        groups.setdefault((item.kind, others, item.months) if own else (item.key, item.months), []).append(line)
    return [part for g in groups.values() for part in ([g] if len(g) > SINGLE else [[line] for line in g])]


def _as_one(words: Wording, lines: Sequence[Missing]) -> tuple[Item, str]:
    """Lines of several reps or units as one, and between what their gaps lie."""
    item, gaps = lines[0].item, sorted(abs(line.gap) for line in lines)
    names = words.listed([words.who(line.item.labels) for line in lines])
    owner = next(k for k in reversed(OWNERS) if k in item.labels)
    least, most = words.gap(item, gaps[0]), words.gap(item, gaps[-1])
    how = "" if math.isnan(gaps[0]) else _("{least} to {most} missing, whichever of them gives way")
    return replace(item, labels={**item.labels, owner: names}), how.format(least=least, most=most)


def _ways_title(number: int, problem: Problem) -> str:
    first = number - len(problem.told) + 1
    if first == number:
        return _("Ways out: any one of them is enough, each was tried")
    return _("Ways out of clashes {first} to {last}: any one of them is enough, each was tried").format(
        first=first, last=number
    )


def _ways(words: Wording, problem: Problem) -> Iterator[RenderableType]:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for repair in problem.repairs:
        lines = [Text(saying.part(words, p)) for p in repair.parts]
        if repair.cheapest and len(problem.repairs) > 1:
            lines.append(Text(_("(the smallest change, beside what there is)"), style="dim"))
        grid.add_row(Text(_(saying.KINDS[repair.kind])), Group(*lines))
    if problem.repairs:
        yield grid
    else:
        yield Text(_("None was found."))
    if problem.short:
        names = _(", ").join(_(saying.KINDS[k]) for k in problem.short)
        yield Text(_("Not enough by themselves: {names}").format(names=names), style="dim")


def _broken(found: Explanation) -> Iterator[Text]:
    broken = found.broken
    assert broken is not None
    if broken.by == "itself":
        yield Text(_("Nothing: the model has it without the scenario too."))
    elif broken.by == "unknown":
        yield Text(_("No rule clashes by it: the order of the goals gives up something else than before."))
    else:
        yield Text(_("If any one of these steps were left out, it would fit:"))
        for line in saying.places_of(broken.steps):
            yield Text("• " + line)


def as_mapping(found: Explanation) -> dict[str, Any]:
    """Return an explanation for JSON: sentences, and the numbers behind them."""
    words = Wording(found.model)
    return {
        "status": found.status,
        "model": found.model.name,
        "missed": [
            {"wish": words.item(m.item), "amount": m.amount, "relative": m.relative, "measure": m.item.measure}
            for m in found.misses
        ],
        "problems": [_problem(words, p) for p in found.problems],
        "scenario": None
        if found.broken is None
        else {"broken_by": found.broken.by, "steps": saying.places_of(found.broken.steps)},
        "findings": [f.says for f in found.findings],
        "seconds": {k: round(v, 3) for k, v in found.seconds.items()},
        "solves": found.solves,
    }


def _problem(words: Wording, problem: Problem) -> dict[str, Any]:
    return {
        "clashes": [
            {
                "whole_numbers": told.clash.whole,
                "thin": told.clash.thin,
                "items": [
                    {
                        "kind": line.item.kind,
                        "says": words.item(line.item),
                        "measure": line.item.measure,
                        "held": _number(line.item.held),
                        "gap": _number(line.gap),
                    }
                    for line in told.missing
                ],
            }
            for told in problem.told
        ],
        "repairs": [_repair(words, r) for r in problem.repairs],
        "not_enough": list(problem.short),
    }


def _repair(words: Wording, repair: Repair) -> dict[str, Any]:
    return {
        "kind": repair.kind,
        "cheapest": repair.cheapest,
        "says": [saying.part(words, p) for p in repair.parts],
        "changes": [_change(c) for c in repair.changes],
    }


def _change(change: Change) -> dict[str, Any]:
    """A change as a scenario's file says it."""
    told: dict[str, Any] = {"table": change.table, "where": {k: list(v) for k, v in change.where.items()}}
    told |= {"from": change.start, "to": change.end} if change.start else {}
    rows = [dict(change.cells), *(dict(row) for row in change.more)]
    return told | {change.operation: rows if change.operation == "append" else dict(change.cells)}


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
