"""Frontiers: contribution and targets along a limit, where they bend, and with how much of it each level is reached."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from allocator.errors import InfeasibleError, InputError
from allocator.explaining.curves import At, Drawing, drawn
from allocator.explaining.limits import Limit
from allocator.explaining.lines import straight
from allocator.explaining.reaching import least_value
from allocator.explaining.resolving import Along, Resolver, attained, goal_values, promises_first, without_whole
from allocator.explaining.saying_limits import LimitWords
from allocator.model import LEVELS, Model
from allocator.program import Floats
from allocator.texts import _

EXACT = 1e-7
"""How far a plan may lie off the curve, relative to one and the largest size of each goal."""

SMOOTH = 1e-3
"""How far a straight line between two points that are told may lie off a smooth piece, relative to the same."""

NOISE = 1e-8
"""Part of itself by which a number may be off."""

POINTS = 21
"""Points of a curve that has no straight pieces, or counts in ones."""

GRID = 7
"""Points each way where two limits are crossed."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Frontier:
    """Goals along a limit, or over two.

    Attributes
    ----------
    model : Model
    limits : tuple of Limit
        One, or two that are crossed.
    names : tuple of str
        Goals in order.
    table : DataFrame
        limit (and limit2): the value; part (part2): of what there is now; kind: end, bend, step, point or now; status; the goals by their
        names; attained_base, attained_stretch; without_ones and gap: contribution without counting in ones, and what counting costs.
    drawing : Drawing or None
        The curve between its points, where it is known everywhere.
    whole : bool
        Whether something is counted in ones.
    least : dict of str to float or None
        The least of the limit with which each level is reached; None where not in the range. Only of what cannot harm.
    solves : int
    """

    model: Model
    limits: tuple[Limit, ...]
    names: tuple[str, ...]
    table: pd.DataFrame
    drawing: Drawing | None
    whole: bool
    least: dict[str, float | None] = field(default_factory=dict)
    solves: int = 0

    @property
    def exact(self) -> bool:
        """Whether the curve is known everywhere."""
        return self.drawing is not None

    @property
    def straight(self) -> bool:
        """Whether it is straight between its points."""
        return self.drawing is not None and all(p.straight for p in self.drawing.pieces)


def frontier(
    model: Model,
    limits: Sequence[Limit],
    low: float = 0.6,
    high: float = 1.4,
    *,
    points: int | None = None,
    strict: bool = False,
    progress: Progress | None = None,
    resolver: Resolver | None = None,
) -> Frontier:
    """Follow goals along one limit, or over the grid of two.

    Parameters
    ----------
    model : Model
    limits : sequence of Limit
        One or two.
    low, high : float
        From and to, in parts of what there is.
    points : int, optional
        Points of a grid, each way, or of a curve whose bends are not looked for then.
    strict, progress, resolver
        As :func:`allocator.explaining.prices.prices` takes them.

    Raises
    ------
    InfeasibleError
        If there is no plan as things are.
    EngineError
        If the engine fails.
    """
    resolver = Resolver(model, strict=strict) if resolver is None else resolver
    if resolver.outcome.x is None:
        raise InfeasibleError(_("This model has no plan; allocator explain says why."))
    tell = progress or (lambda _step: None)
    if len(limits) == 2:
        return _crossed(resolver, limits[0], limits[1], low, high, points or GRID, tell)
    limit = limits[0]
    ends = (limit.now * low, min(limit.now * high, limit.highest))
    along = Along(resolver, limit, *ends)
    words = LimitWords(model)

    def at(value: float) -> Floats | None:
        tell(f"{words.name(limit)}{_(': ')}{words.amount(limit, value)}")
        return along.at(value)

    drawing, kinds = _drawn(along, resolver, at, ends, points)
    if drawing is not None:
        values = list(kinds)
    elif limit.whole:
        values = [float(v) for v in range(max(1, math.ceil(ends[0] - 1e-9)), math.floor(ends[1] + 1e-9) + 1)]
    else:
        values = np.linspace(*ends, points or POINTS).tolist()
    if ends[0] <= limit.now <= ends[1]:
        values = [v for v in values if v in kinds or abs(v - limit.now) > NOISE * abs(limit.now)] + [limit.now]
    values = sorted(set(values))
    rows = []
    for value in values:
        kind = kinds.get(value) or ("now" if value == limit.now else "end" if value in ends else "point")
        rows.append({"limit": value, "part": value / limit.now, "kind": kind} | _row(resolver, at(value)))
        if resolver.whole:
            rows[-1] |= _without_ones(resolver, along, value, rows[-1])
    tell(_("the least for each level"))
    kept = promises_first(resolver)
    least = {level: least_value(model, level, limit, *ends, promises=kept) for level in LEVELS}
    return Frontier(
        model, (limit,), resolver.names, pd.DataFrame(rows), drawing, resolver.whole, least, resolver.solves
    )  # fmt: skip


def _drawn(
    along: Along, resolver: Resolver, at: At, ends: tuple[float, float], points: int | None
) -> tuple[Drawing | None, dict[float, str]]:
    """The curve and the ways that are told of it, by what they are; none where something is counted in ones, or points are wanted."""
    if resolver.whole or along.limit.whole or points is not None:
        return None, {}
    drawing = straight(at, *ends, exact=EXACT) if along.straight else drawn(at, *ends, exact=EXACT)
    if not drawing.whole:
        return None, {}
    kinds = {way: "point" for piece in drawing.pieces for way in piece.between(SMOOTH)}
    for one, two in itertools.pairwise(drawing.pieces):
        kinds |= {one.high: "bend"} if one.high == two.low else {one.high: "step", two.low: "step"}
    return drawing, {w: k for w, k in kinds.items() if w not in ends} | dict.fromkeys(ends, "")


def _row(resolver: Resolver, values: Floats | None) -> dict[str, object]:
    if values is None:
        return {"status": "infeasible", **dict.fromkeys(resolver.names, math.nan)}
    reached = {f"attained_{level}": part for level, part in attained(resolver, values).items()}
    return {"status": "optimal", **dict(zip(resolver.names, values.tolist(), strict=True)), **reached}


def _without_ones(resolver: Resolver, along: Along, value: float, row: dict[str, object]) -> dict[str, object]:
    """Contribution without counting in ones, and what counting costs; blank where an earlier goal differs."""
    program = along.program(value)
    free = None if program is None else goal_values(resolver.solved(without_whole(program)))
    if free is None or row["status"] != "optimal":
        return {"without_ones": math.nan, "gap": math.nan}
    contribution = float(free[resolver.names.index("contribution")])
    gap = contribution - float(str(row["contribution"]))
    return {"without_ones": contribution, "gap": gap if abs(gap) > NOISE * abs(contribution) else 0.0}


def _crossed(
    resolver: Resolver, one: Limit, other: Limit, low: float, high: float, points: int, tell: Progress
) -> Frontier:
    """A grid over two limits: each point is the model under both changes."""
    words = LimitWords(resolver.model)
    rows = []
    for a, b in itertools.product(_grid(one, low, high, points), _grid(other, low, high, points)):
        tell(f"{words.amount(one, a)}{_(', ')}{words.amount(other, b)}")
        try:
            changed = other.at(one.at(resolver.model, a), b)
            values = goal_values(resolver.solved(resolver.written(changed).program))
        except InputError:
            values = None
        place = {"limit": a, "part": a / one.now, "limit2": b, "part2": b / other.now, "kind": "point"}
        rows.append(place | _row(resolver, values))
    table = pd.DataFrame(rows)
    return Frontier(
        resolver.model, (one, other), resolver.names, table, None, resolver.whole, {}, resolver.solves
    )  # fmt: skip


def _grid(limit: Limit, low: float, high: float, points: int) -> list[float]:
    if limit.whole:
        first, last = max(1, math.ceil(limit.now * low - 1e-9)), math.floor(limit.now * high + 1e-9)
        return [float(v) for v in range(first, last + 1)]
    values = np.linspace(limit.now * low, min(limit.now * high, limit.highest), points)
    return sorted({float(limit.now) if abs(v - limit.now) <= 1e-9 * abs(limit.now) else float(v) for v in values})
