"""What a bridge shares a difference out among: the events, levers and changes of scenarios, each with a name that people read."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from allocator.errors import InputError
from allocator.model import Model
from allocator.scenarios.applying import Changed, apply_steps
from allocator.scenarios.events import KINDS, SCOPE
from allocator.scenarios.scenario import Change, Event, Scenario
from allocator.schema.dictionary import SETTINGS, dictionary, table_named
from allocator.texts import N_, _

EVENTS = {
    "price_cut": N_("a competitor's price cut"),
    "demand_shift": N_("demand changes"),
    "mix_shift": N_("clients go to a cheaper product"),
    "client_loss": N_("clients are lost"),
    "rep_departure": N_("a rep leaves"),
    "budget_cut": N_("budgets are cut"),
    "segment_closure": N_("a segment closes"),
    "supply_delay": N_("supply comes late"),
    "product_launch": N_("a product is launched"),
    "hiring_freeze": N_("nobody is hired"),
    "market_boom": N_("the market booms"),
    "line": N_("response by money"),
    "match_price": N_("response by price"),
    "second_source": N_("response by another source"),
    "hours": N_("response by more hours"),
}
"""What events and levers are called in a bridge; behind it stands what tells them apart."""

TELLING = {
    "price_cut": ("competitor",),
    "demand_shift": ("factor",),
    "mix_shift": ("product", "cheaper", "share"),
    "client_loss": ("client",),
    "rep_departure": ("rep",),
    "budget_cut": ("cut", "line", "category", "channel"),
    "segment_closure": (),
    "supply_delay": ("product",),
    "product_launch": ("product",),
    "hiring_freeze": (),
    "market_boom": ("factor",),
    "line": ("line",),
    "match_price": ("cut",),
    "second_source": ("product",),
    "hours": ("resource", "factor"),
}
"""Arguments that tell two events of a kind apart, before their scope and their day."""

SHOWN = 4
"""Values of one argument that are shown; the rest are counted."""

SIGNS = {"set": "=", "multiply": "×", "add": "+"}


@dataclass(frozen=True)
class Player:
    """One event, lever or change of a scenario.

    Attributes
    ----------
    scenario : Scenario
    steps : tuple of Event or Change
        What it comes to: one event or lever, or the operations and rows of one change.
    kind : str
        event, lever or change.
    says : str
        What it is called, unlike any other of the same scenarios.
    """

    scenario: Scenario
    steps: tuple[Event | Change, ...]
    kind: str
    says: str


def players_of(scenarios: Iterable[Scenario], *, singly: bool = False) -> tuple[Player, ...]:
    """Steps of scenarios in the order in which they apply: each event, and of each scenario all levers, and all changes, as one.

    With ``singly`` each lever and each change is one by itself.
    """
    each = _each(scenarios)
    if singly:
        return each
    found: list[Player] = []
    for _kind, same in itertools.groupby(
        enumerate(each), lambda p: (p[1].scenario, p[1].kind, p[0] * (p[1].kind == "event"))
    ):
        members = [player for _k, player in same]
        found.append(members[0] if len(members) == 1 else _together(members))
    return tuple(found)


def _together(members: Sequence[Player]) -> Player:
    """Several levers, or changes, of a scenario as one player."""
    first = members[0]
    if first.kind == "lever":
        says = _("all responses of {scenario}: {count}").format(scenario=first.scenario.name, count=len(members))
    else:
        says = _("all other changes of {scenario}: {count}").format(scenario=first.scenario.name, count=len(members))
    return Player(first.scenario, tuple(step for m in members for step in m.steps), first.kind, says)


def _each(scenarios: Iterable[Scenario]) -> tuple[Player, ...]:
    found: list[Player] = []
    for scenario in scenarios:
        for _key, same in itertools.groupby(enumerate(scenario.steps), _one_change):
            steps = tuple(step for _k, step in same)
            first, says = steps[0], _says(steps)
            again = 1 + sum(p.says == says or p.says.startswith(f"{says} (") for p in found)
            kind = "change" if isinstance(first, Change) else "lever" if first.lever else "event"
            found.append(Player(scenario, steps, kind, says if again == 1 else f"{says} ({again})"))
    return tuple(found)


def _one_change(place: tuple[int, Event | Change]) -> tuple[object, ...]:
    """What operations and rows have in common that were written as one change."""
    k, step = place
    if not isinstance(step, Change):
        return (k,)
    return step.written, step.table, tuple(step.where.items()), step.start, step.end


def _says(steps: Sequence[Event | Change]) -> str:
    """What an event, lever or change is called, in a few words."""
    rows = [step for step in steps if isinstance(step, Change) and step.operation == "append"]
    if len(rows) < len(steps):
        return ", ".join(_change_text(s) if isinstance(s, Change) else _event_text(s) for s in steps)
    names = [", ".join(_key_of(row)) for row in rows]
    if len(rows) == 1:
        return _("a row of {table}: {key}").format(table=_table(rows[0]), key=names[0])
    return _("{count} rows of {table}: {keys}").format(
        count=len(rows),
        table=_table(rows[0]),
        keys=_some(list(dict.fromkeys(_key_of(r)[0] for r in rows if _key_of(r)))),
    )


def _table(change: Change) -> str:
    return table_named(change.table) or change.table


def _key_of(change: Change) -> list[str]:
    table = _table(change)
    key = dictionary()[table].key if table in dictionary() else tuple(change.cells)
    return [change.cells[k] for k in key if change.cells.get(k)]


def _event_text(event: Event) -> str:
    kind = KINDS.get(event.kind)
    names = (*TELLING.get(event.kind, ()), *(SCOPE if not event.lever else ("unit", "product")))
    given = {n: event.arguments[n] for n in dict.fromkeys(names) if event.arguments.get(n)}
    parts = [_some(values) for values in given.values()]
    start, end = ("".join(event.arguments.get(n, ())) for n in ("from", "to"))
    parts += [_period(start, end)] if start or end else []
    if kind is not None and kind.lever and event.kind == "line":
        parts = parts[:1]
    says = _(EVENTS.get(event.kind, event.kind))
    return f"{says}{_(': ')}{', '.join(parts)}" if parts else says


def _change_text(change: Change) -> str:
    where = "; ".join(f"{k}={_some(v)}" for k, v in change.where.items())
    scope = ", ".join(p for p in (where, _period(change.start, change.end)) if p)
    table = _table(change)
    if change.operation == "append":
        return _("a row of {table}: {key}").format(table=table, key=", ".join(_key_of(change)))
    if change.operation == "remove":
        return _("without rows of {table}: {key}").format(table=table, key=scope or _("all"))
    cells = ", ".join(
        f"{k if table == SETTINGS else f'{table}.{k}'} {SIGNS[change.operation]} {v}" for k, v in change.cells.items()
    )
    return f"{cells} ({scope})" if scope else cells


def _some(values: Sequence[str]) -> str:
    shown = ", ".join(values[:SHOWN])
    return (
        shown if len(values) <= SHOWN else _("{names} and {count} more").format(names=shown, count=len(values) - SHOWN)
    )


def _period(start: str, end: str) -> str:
    if start and end:
        return start if start == end else _("{start} to {end}").format(start=start, end=end)
    if start:
        return _("from {start}").format(start=start)
    return _("until {end}").format(end=end) if end else ""


def with_players(model: Model, players: Sequence[Player]) -> Changed | None:
    """The model under some steps of scenarios, in their order; None where these steps cannot be applied by themselves."""
    parts: Mapping[str, tuple[Scenario, list[Event | Change]]] = {p.scenario.name: (p.scenario, []) for p in players}
    for player in players:
        parts[player.scenario.name][1].extend(player.steps)
    try:
        return apply_steps(model, list(parts.values()))
    except InputError:
        return None
