"""Prices: what a little more, or less, of each limit that binds is worth, every goal solved anew in order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from allocator.errors import InfeasibleError
from allocator.explaining.limits import Limit, every_limit, past_limits
from allocator.explaining.lines import Piece, first_piece, on_line
from allocator.explaining.resolving import Along, Resolver
from allocator.explaining.saying_limits import LimitWords
from allocator.formulation.targets import TargetRows
from allocator.model import Model
from allocator.program import Floats
from allocator.texts import _

STEP = 0.01
"""The comparable step: this part of the limit."""

SEEN = 1e-9
"""Changes of goals below this, relative to one and their size, are none."""

ACTIVE = 1e-6
ROWS = {
    "line": ("A budget line keeps its window and its limits", "line"),
    "least": ("A budget line spends its minimum", "line"),
    "resource": ("Shared pools are shared", "resource"),
    "supply": ("Only what can be delivered is sold", "product"),
    "hours": ("A rep cannot work more hours than the month has", "rep"),
    "target": ("A target is reached, or its miss is counted", "target"),
}
"""Rows that stand for a kind of limit, and their label."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Side:
    """What a limit is worth in one direction.

    Attributes
    ----------
    step : float
        One hundredth of the limit, or one where it is counted in ones; below 0 downwards.
    change : float array or None
        Of every goal for the step; None where there is no plan then.
    piece : Piece or None
        Change for one, and how far it holds; None where no price holds.
    """

    step: float
    change: Floats | None
    piece: Piece | None


@dataclass(frozen=True)
class Price:
    """What a limit is worth, up and down; None where it cannot move that way."""

    limit: Limit
    up: Side | None
    down: Side | None

    @property
    def sides(self) -> tuple[Side, ...]:
        """The directions in which it can move."""
        return tuple(s for s in (self.up, self.down) if s is not None)


@dataclass(frozen=True)
class Alone:
    """A goal that counts the miss of one target only.

    Attributes
    ----------
    target, each, metric : str
    at_least : bool
    size : float
        What a value of 1 of the goal is in the target's metric.
    """

    target: str
    each: str
    metric: str
    at_least: bool
    size: float


@dataclass(frozen=True)
class Prices:
    """Prices of a model.

    Attributes
    ----------
    model : Model
    names : tuple of str
        Goals in order.
    values : float array
    prices : tuple of Price
        The most worth first: by the first goal in order that a comparable step helps most.
    idle : tuple of Limit
        Limits that bind and of which a step either way changes no goal.
    over : tuple of Limit
        Limits whose months are all over: nothing can be done with them any more.
    whole : bool
        Whether something is counted in ones, so that no price holds.
    alone : dict of str to Alone
        Goals that count one target.
    promised : float
        Promised visits.
    solves : int
    """

    model: Model
    names: tuple[str, ...]
    values: Floats
    prices: tuple[Price, ...]
    idle: tuple[Limit, ...] = ()
    over: tuple[Limit, ...] = ()
    whole: bool = False
    alone: dict[str, Alone] = field(default_factory=dict)
    promised: float = 0.0
    solves: int = 0

    def table(self) -> pd.DataFrame:
        """A limit and goal a row: what ``prices.csv`` holds."""
        columns = [
            "limit", "says", "kind", "unit", "now", "goal", "step", "change_up", "change_down", "price_up", "price_down",
            "valid_from", "valid_to",
        ]  # fmt: skip
        words = LimitWords(self.model)
        rows = []
        for price in self.prices:
            limit = price.limit
            for k, name in enumerate(self.names):
                if not any(_moves(s, k, self.values) for s in price.sides):
                    continue
                row: list[object] = [limit.key, words.name(limit), limit.kind, words.unit(limit), limit.now, name]
                row.append(abs(price.sides[0].step))
                row += [math.nan if s is None or s.change is None else s.change[k] for s in (price.up, price.down)]
                row += [math.nan if s is None or s.piece is None else s.piece.slope[k] for s in (price.up, price.down)]
                row += [
                    math.nan if s is None or s.piece is None else limit.now + s.piece.end
                    for s in (price.down, price.up)
                ]
                rows.append(row)
        return pd.DataFrame(rows, columns=columns)


def prices(
    model: Model,
    limits: Sequence[Limit] | None = None,
    *,
    strict: bool = False,
    progress: Progress | None = None,
    resolver: Resolver | None = None,
) -> Prices:
    """Price the limits that bind in a model's plan.

    Parameters
    ----------
    model : Model
    limits : sequence of Limit, optional
        Those to be priced whether they bind or not; by default all that bind.
    strict : bool
        Promised visits and base targets are hard.
    progress : callable, optional
        Told what is priced.
    resolver : Resolver, optional
        Of the model, if there is one already.

    Raises
    ------
    InfeasibleError
        If there is no plan.
    EngineError
        If the engine fails.
    """
    resolver = Resolver(model, strict=strict) if resolver is None else resolver
    if resolver.outcome.x is None:
        raise InfeasibleError(_("This model has no plan; allocator explain says why."))
    words = LimitWords(model)
    wanted = binding(resolver) if limits is None else list(limits)
    found, idle = [], []
    for limit in wanted:
        if progress is not None:
            progress(words.name(limit))
        price = priced(resolver, limit)
        if any(s.change is None or _tells(resolver, limit, s.change) for s in price.sides):
            found.append(price)
        else:
            idle.append(limit)
    values = resolver.now
    found.sort(key=lambda p: worth(p, resolver.names, values), reverse=True)
    return Prices(
        model, resolver.names, values, tuple(found), tuple(idle), tuple(past_limits(model)), resolver.whole, alone(resolver),
        float(resolver.grain.promise[resolver.grain.begins].sum()), resolver.solves,
    )  # fmt: skip


def priced(resolver: Resolver, limit: Limit) -> Price:
    """Price one limit, up and down."""
    along = Along(resolver, limit)
    return Price(limit, _side(resolver, along, 1.0), _side(resolver, along, -1.0))


def _side(resolver: Resolver, along: Along, sign: float) -> Side | None:
    limit, values = along.limit, resolver.now
    most = (along.highest if sign > 0 else along.lowest) - limit.now
    step = sign * (1.0 if limit.whole else STEP * abs(limit.now))
    if not step or not most or abs(step) > abs(most) * (1 + 1e-12):
        return None
    after = along.anew(limit.now + step)
    change = None if after is None else _seen(after - values, values)
    if resolver.whole or limit.whole:
        return Side(step, change, None)
    if change is not None and not change.any():
        return Side(step, change, None)

    def at(way: float) -> Floats | None:
        return along.at(limit.now + way)

    piece = None
    # Another promise is another program at every step: a range of it would cost more than all other prices.
    looked = along.straight or (limit.kind != "promise" and change is not None)
    if looked and (along.straight or (change is not None and on_line(values, change / step, step / 2, at(step / 2)))):
        piece = first_piece(at, values, step, most, along.stretch)
    if piece is not None:
        piece = Piece(_seen(piece.slope * step, values) / step, piece.end, piece.bends)
    return Side(step, change, piece)


def _seen(change: Floats, values: Floats) -> Floats:
    """Changes with those taken out that are noise."""
    return np.where(np.abs(change) <= SEEN * np.maximum(1.0, np.abs(values)), 0.0, change)


def _tells(resolver: Resolver, limit: Limit, change: Floats) -> bool:
    """Whether a change says something: that a target's own miss moves with what it asks does not."""
    own = ""
    if limit.kind == "target":
        row = resolver.model["targets"].set_index("target").loc[limit.what["target"]]
        own = f"{row['level']} {row['priority']} "
    others = np.array([not (own and name.startswith(own)) for name in resolver.names], bool)
    return bool(_seen(change, resolver.now)[others].any())


def _moves(side: Side, goal: int, values: Floats) -> bool:
    return side.change is not None and bool(_seen(side.change, values)[goal])


def worth(price: Price, names: Sequence[str], values: Floats) -> tuple[float, ...]:
    """What the better of the two steps brings, goal by goal in order; a step without a plan counts for most."""
    if any(s.change is None for s in price.sides):
        return (math.inf,)
    gains = [
        tuple(float(c) if n == "contribution" else -float(c) for n, c in zip(names, s.change, strict=True))
        for s in price.sides
        if s.change is not None
    ]
    # Both ways of a straight line are equal and opposite; the better one is what the limit could bring.
    rounded = [tuple(float(f"{g:.9g}") if abs(g) > 1e-9 else 0.0 for g in gain) for gain in gains]
    return max(rounded, default=())


def binding(resolver: Resolver) -> list[Limit]:
    """Limits of the model that stand at their bound in its plan, or are missed."""
    full = _full(resolver)
    reps = resolver.model["reps"]
    hours = full.get("hours", set())
    units = {
        u
        for rep, unit in zip(reps["rep"], reps["unit"], strict=True)
        if rep in hours
        for u in resolver.model.ancestors[unit]
    }
    found, seen = [], set()
    for limit in every_limit(resolver.model, resolver.grain):
        label = next(iter(limit.what.values()), "")
        if limit.kind == "hours":
            mine = frozenset(_below(resolver.model, label))
            binds = label in units and mine not in seen  # a unit of one team is the team
            seen.add(mine)
        elif limit.kind == "budget":
            binds = bool(full.get("line"))
        elif limit.kind == "promise":
            binds = True
        else:
            binds = label in full.get(limit.kind, set())
        if binds:
            found.append(limit)
    return found


def _below(model: Model, unit: str) -> list[str]:
    reps = model["reps"]
    return [r for r, u in zip(reps["rep"], reps["unit"], strict=True) if unit in model.ancestors[u]]


def _full(resolver: Resolver) -> dict[str, set[str]]:
    """Labels of rows that stand at a bound, by kind of limit; delivery where a source gives all it can."""
    program, x = resolver.effort.program, resolver.outcome.x
    assert x is not None
    value = program.matrix @ x
    room = ACTIVE * np.maximum(1.0, np.abs(value))
    active = (program.row_upper - value <= room) | (value - program.row_lower <= room)
    found: dict[str, set[str]] = {}
    for kind, (rule, label) in ROWS.items():
        if program.has(rule):
            family = program.family(rule)
            hit = active[family.slice]
            found[kind] = set(np.asarray(family.labels[label]).astype(object)[hit])
    for family in program.column_families:
        if family.name == "overrun":
            found.setdefault("line", set()).update(
                np.asarray(family.labels["line"]).astype(object)[x[family.slice] > ACTIVE]
            )
    return found


def alone(resolver: Resolver) -> dict[str, Alone]:
    """Goals that count the miss of one target only: of one that is missed while all others of its priority are met."""
    rows: TargetRows = resolver.effort.rows
    misses, x = resolver.effort.draft.tables["misses"], resolver.outcome.x
    assert x is not None
    found = {}
    for (level, priority), part in misses.groupby(["level", "priority"]):
        missed = part[x[part["column"].to_numpy(int)] > SEEN]
        one = part if len(part) == 1 else missed
        if len(one) != 1 or int(one["row"].iloc[0]) < 0:
            continue
        row = rows.table.iloc[int(one["row"].iloc[0])]
        found[f"{level} {priority} sum"] = Alone(
            str(row["target"]), str(row["each"]), str(row["metric"]), bool(row["bound"] == "at_least"),
            float(row["scale"]) * float(row["unit"]) / float(one["weight"].iloc[0]),
        )  # fmt: skip
    return found
