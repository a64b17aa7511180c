"""The bridge from the base plan to a scenario: which event cost what, and what each response won back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.comparing.differences import figures
from allocator.comparing.players import Player, players_of, with_players
from allocator.comparing.sharing import ORDERS, Shares, share_out
from allocator.model import Model
from allocator.plan import Plan
from allocator.program import Floats
from allocator.scenarios.scenario import Scenario
from allocator.texts import _

MEASURES = {
    **{
        name: name
        for name in ("contribution", "revenue", "profit", "collections", "new_clients", "spend", "commission")
    },
    "missed": "targets_missed",
}
"""What is shared out, by its column, and the key figure that it is."""

COLUMNS = ("kind", "of", "event", *MEASURES, *(f"{name}_error" for name in MEASURES))

Quick = Callable[[Model, str], Mapping[str, float] | None]
"""Key figures of a model without dated visits; None where it has no plan. Told what is planned."""


@dataclass(frozen=True)
class Bridge:
    """The parts of a difference.

    Attributes
    ----------
    table : DataFrame
        kind (base, event, lever, change, together, scenario), of (the scenario that it is a step of), event, and for each measure
        what it adds, with its standard error. The first row is the base plan, the last one the scenario's; those between sum to
        the difference.
    orders, used : int
        Orders looked at, and those in which every step has a plan.
    exact : bool
        Whether these are all orders.
    """

    table: pd.DataFrame
    orders: int
    used: int
    exact: bool


def bridge(
    model: Model,
    scenarios: Sequence[Scenario],
    base: Plan,
    plan: Plan,
    quick: Quick,
    orders: int = ORDERS,
    *,
    singly: bool = False,
) -> Bridge:
    """Share the difference of two plans out among the steps of scenarios.

    Parameters
    ----------
    model : Model
        Without scenarios.
    scenarios : sequence of Scenario
        Those that hold in ``plan``.
    base, plan : Plan
    quick : callable
        Plans a model, or knows it already.
    orders : int
        Orders that are sampled where there are many steps.
    singly : bool
        Whether each response and change is a step by itself.
    """
    players, name = players_of(scenarios, singly=singly), "+".join(s.name for s in scenarios)
    everybody = frozenset(range(len(players)))

    def value(chosen: frozenset[int]) -> Floats | None:
        if not chosen:
            return _measures(figures(base))
        if chosen == everybody:
            return _measures(figures(plan))
        changed = with_players(model, [players[i] for i in sorted(chosen)])
        says = _("bridge of {name}: {count} of {all} steps").format(name=name, count=len(chosen), all=len(players))
        found = None if changed is None else quick(changed.model, says)
        return None if found is None else _measures(found)

    shares = share_out(len(players), value, orders=orders)
    return Bridge(
        _table(players, shares, _measures(figures(base)), _measures(figures(plan))),
        shares.orders,
        shares.used,
        shares.exact,
    )


def _measures(known: Mapping[str, float]) -> Floats:
    return np.array([known[name] for name in MEASURES.values()])


def _table(players: Sequence[Player], shares: Shares, none: Floats, all_: Floats) -> pd.DataFrame:
    blank = np.full(len(MEASURES), np.nan)
    rows: list[list[object]] = [["base", "", "", *none, *blank]]
    if shares.used:
        for player, part, error in zip(players, shares.parts, shares.errors, strict=True):
            rows.append([player.kind, player.scenario.name, player.says, *part, *(blank if shares.exact else error)])
    elif players:
        rows.append(["together", "", "", *(all_ - none), *blank])
    rows.append(["scenario", "", "", *all_, *blank])
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.astype(dict.fromkeys(COLUMNS[3:], float))
