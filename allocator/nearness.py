"""Among equal answers, the one nearest to a reference: no two costs alike, so that every engine gives the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from allocator.engines.status import BASIC, FREE, LOWER, UPPER, Vertex
from allocator.program import Family, Floats, Ints, Program, keys

STEPS = ((0.05, 1.0), (0.2, 2.0), (np.inf, 4.0))
"""Distance from the reference, in multiples of the column's size, up to which a unit of it costs so much: convex."""

SEED, NOISE = 7, 0.05
"""Of what is drawn, and by how much of itself a cost may be more."""


def draw(count: int) -> Floats:
    """Numbers from 0 to 1, the same every time, shape (2, steps, count).

    For columns that are fixed too: engines hold one face by different bounds, and must still meet the same costs.
    """
    return np.random.default_rng(SEED).random((2, len(STEPS), count))


@dataclass(frozen=True)
class Reference:
    """Where some columns would best stand.

    Attributes
    ----------
    columns : int array
    value, size : float array
        Reference, and the size against which distance is measured.
    noise : float array, shape (2, steps, columns), optional
        What makes no two costs alike; drawn by :func:`draw` where it is not given.
    """

    columns: Ints
    value: Floats
    size: Floats
    noise: Floats | None = None

    def some(self, which: Ints) -> Reference:
        """The same for some of the columns."""
        return Reference(self.columns[which], self.value[which], self.size[which], self.drawn[:, :, which])

    @property
    def drawn(self) -> Floats:
        """What makes no two costs alike."""
        return draw(len(self.columns)) if self.noise is None else self.noise

    def first_steps(self) -> tuple[Floats, Floats]:
        """What the first step above and below costs."""
        above, below = STEPS[0][1] * (1.0 + NOISE * self.drawn[:, 0])
        return above, below


@dataclass(frozen=True)
class Split:
    """A program in which columns are replaced by pieces.

    Attributes
    ----------
    program : Program
        Other columns first, then the pieces, labelled by the keys of the columns that they are or come from; without goals.
    costs : float array
    kept, chosen : int array
        Columns of the given program: those that stay, and those in pieces.
    at : float array, shape (chosen,)
        Where the pieces of a column begin.
    piece : int array, shape (pieces,)
        Place in ``chosen`` of the column that each is of; on either side of ``at`` the nearer one first.
    side : float array, shape (pieces,)
        1 above, −1 below.
    """

    program: Program
    costs: Floats
    kept: Ints
    chosen: Ints
    at: Floats
    piece: Ints
    side: Floats

    def back(self, x: Floats) -> Floats:
        """Map an answer to one of the given program."""
        full = np.empty(len(self.kept) + len(self.chosen))
        full[self.kept] = x[: len(self.kept)]
        moved = self.side * x[len(self.kept) :]
        full[self.chosen] = self.at + np.bincount(self.piece, weights=moved, minlength=len(self.chosen))
        return full

    def at_rest(self) -> Vertex:
        """The vertex at which no column is away from its reference, whatever rows say."""
        program = self.program
        bounded = np.where(np.isfinite(program.upper), UPPER, FREE)
        columns = np.where(np.isfinite(program.lower), LOWER, bounded).astype(np.int8)
        return Vertex(columns, np.full(program.shape[0], BASIC, np.int8), dual=True)

    def slopes(self, x: Floats) -> tuple[Floats, Floats]:
        """What one less and one more of each chosen column saves and costs; where there is no room, as on the other side."""
        count = len(self.kept)
        x, cost, width = x[count:], self.costs[count:], self.program.upper[count:]
        tiny = 1e-9 * np.maximum(1.0, np.where(np.isfinite(width), width, 0.0))
        filled, room = x > tiny, x < width - tiny
        left, right = np.full(len(self.chosen), -np.inf), np.full(len(self.chosen), np.inf)
        up = self.side > 0
        np.maximum.at(left, self.piece[filled & up], cost[filled & up])
        np.maximum.at(left, self.piece[room & ~up], -cost[room & ~up])
        np.minimum.at(right, self.piece[room & up], cost[room & up])
        np.minimum.at(right, self.piece[filled & ~up], -cost[filled & ~up])
        known_left, known_right = np.isfinite(left), np.isfinite(right)
        return (
            np.where(~known_left & known_right, right, left),
            np.where(~known_right & known_left, left, right),
        )

    def start(self, x: Floats, vertex: Vertex | None) -> Vertex | None:
        """Map a vertex of the given program: pieces are full up to the one in which a column stands."""
        if vertex is None or len(vertex.columns) != len(x):
            return None
        order = np.lexsort((np.arange(len(self.piece)), -self.side, self.piece))
        moved = np.maximum(self.side * (x[self.chosen] - self.at)[self.piece], 0.0)
        width = np.minimum(self.program.upper[len(self.kept) :], moved + 1.0)  # none without an end
        # Up to where the pieces before each one reach, on its side.
        reach = np.cumsum(width[order])
        group = 2 * self.piece[order] + (self.side[order] < 0)
        before = np.empty(len(order))
        before[order] = reach - width[order] - (reach - width[order])[np.searchsorted(group, group)]
        here = moved - before
        tiny = 1e-9 * np.maximum(1.0, width)
        basic = (vertex.columns[self.chosen] == BASIC)[self.piece]
        inside = (here > tiny) & (here < width - tiny) & basic
        codes = np.where(inside, BASIC, np.where(here > 0.5 * width, UPPER, LOWER)).astype(np.int8)
        # A basic column that stands where pieces meet is basic in one of them.
        standing = np.bincount(self.piece[inside], minlength=len(self.chosen)) > 0
        lacking = np.flatnonzero((vertex.columns[self.chosen] == BASIC) & ~standing)
        first = np.full(len(self.chosen), -1)
        first[self.piece[::-1]] = np.arange(len(self.piece))[::-1]
        codes[first[lacking[first[lacking] >= 0]]] = BASIC
        return Vertex(np.concatenate([vertex.columns[self.kept], codes]), vertex.rows, dual=True)


def nearest(program: Program, reference: Reference, costs: Floats) -> Split:
    """Replace columns by pieces on both sides of their reference, which needs no rows.

    Parameters
    ----------
    program : Program
    reference : Reference
    costs : float array, shape (columns,)
        Costs of the other columns.
    """
    free = program.lower[reference.columns] < program.upper[reference.columns]
    chosen = reference.columns[free]
    size = np.maximum(reference.size[free], 1e-9)
    low, high = program.lower[chosen], program.upper[chosen]
    at = np.clip(reference.value[free], low, high)
    kept = np.setdiff1d(np.arange(program.shape[1]), chosen)
    noise = reference.drawn[:, :, free]
    columns, widths, signs, weights, steps = [], [], [], [], []
    away = reference.value[free] - at  # where the reference is out of bounds, the first steps are behind us
    for sign, room, above in ((1.0, high - at, noise[0]), (-1.0, at - low, noise[1])):
        before = np.maximum(-sign * away, 0.0)
        room = room + before
        for k, ((reach, slope), more) in enumerate(zip(STEPS, above, strict=True)):
            until = np.minimum(room, reach * size)
            width = np.maximum(until - before, 0.0)
            some = np.flatnonzero(width > 0)
            columns.append(some)
            widths.append(width[some])
            signs.append(np.full(len(some), sign))
            steps.append(np.full(len(some), k))
            weights.append(slope * (1.0 + NOISE * more[some]))
            before = np.maximum(before, until)
    piece, width = np.concatenate(columns), np.concatenate(widths)
    side, weight, step = np.concatenate(signs), np.concatenate(weights), np.concatenate(steps)
    by_column = sp.csc_array(program.matrix)
    pieces = sp.csc_array(by_column[:, chosen[piece]] @ sp.diags_array(side))
    matrix = sp.hstack([sp.csc_array(by_column[:, kept]), pieces])
    shift = by_column[:, chosen] @ at
    split = replace(
        program,
        lower=np.concatenate([program.lower[kept], np.zeros(len(piece))]),
        upper=np.concatenate([program.upper[kept], width]),
        integer=np.concatenate([program.integer[kept], np.zeros(len(piece), bool)]),
        matrix=sp.csr_array(matrix),
        row_lower=program.row_lower - shift,
        row_upper=program.row_upper - shift,
        column_families=_families(program, kept, chosen[piece], side, step),
        goals=(),
    )
    return Split(split, np.concatenate([costs[kept], weight]), kept, chosen, at, piece, side)


def _families(program: Program, kept: Ints, pieces: Ints, side: Floats, step: Ints) -> tuple[Family, ...]:
    key = keys(program.column_families)
    count, total = len(kept), len(kept) + len(pieces)
    return (
        Family("other", "", 0, count, {"key": key[kept]}),
        Family("piece", "", count, total, {"key": key[pieces], "side": side, "step": step}),
    )
