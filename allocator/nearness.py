"""Among equal answers, the one nearest to a reference: no two costs alike, so that every engine gives the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from allocator.program import Family, Floats, Ints, Program, keys

STEPS = ((0.05, 1.0), (0.2, 2.0), (np.inf, 4.0))
"""Distance from the reference, in multiples of the column's size, up to which a unit of it costs so much: convex."""


@dataclass(frozen=True)
class Reference:
    """Where some columns would best stand.

    Attributes
    ----------
    columns : int array
    value, size : float array
        Reference, and the size against which distance is measured.
    """

    columns: Ints
    value: Floats
    size: Floats


def nearest(
    program: Program, reference: Reference, costs: Floats, seed: int = 7
) -> tuple[Program, Floats, Callable[[Floats], Floats]]:
    """Replace columns by pieces on both sides of their reference, which needs no rows.

    Parameters
    ----------
    program : Program
    reference : Reference
    costs : float array, shape (columns,)
        Costs of the other columns.

    Returns
    -------
    program : Program
        Other columns first, then the pieces, labelled by the keys of the columns that they are or come from; without goals.
    costs : float array
    back : callable
        Maps an answer of it to an answer of the given program.
    """
    free = program.lower[reference.columns] < program.upper[reference.columns]
    chosen = reference.columns[free]
    size = np.maximum(reference.size[free], 1e-9)
    low, high = program.lower[chosen], program.upper[chosen]
    at = np.clip(reference.value[free], low, high)
    kept = np.setdiff1d(np.arange(program.shape[1]), chosen)
    # Drawn for every column, fixed or not: engines hold one face by different bounds, and must still meet the same costs.
    noise = np.random.default_rng(seed).random((2, len(STEPS), len(free)))[:, :, free]
    columns, widths, signs, weights, steps = [], [], [], [], []
    for sign, room, above in ((1.0, high - at, noise[0]), (-1.0, at - low, noise[1])):
        before = np.zeros(len(chosen))
        for k, ((reach, slope), more) in enumerate(zip(STEPS, above, strict=True)):
            until = np.minimum(room, reach * size)
            width = np.maximum(until - before, 0.0)
            some = np.flatnonzero(width > 0)
            columns.append(some)
            widths.append(width[some])
            signs.append(np.full(len(some), sign))
            steps.append(np.full(len(some), k))
            weights.append(slope * (1.0 + 0.05 * more[some]))
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

    def back(x: Floats) -> Floats:
        full = np.empty(program.shape[1])
        full[kept] = x[: len(kept)]
        full[chosen] = at + np.bincount(piece, weights=side * x[len(kept) :], minlength=len(chosen))
        return full

    return split, np.concatenate([costs[kept], weight]), back


def _families(program: Program, kept: Ints, pieces: Ints, side: Floats, step: Ints) -> tuple[Family, ...]:
    key = keys(program.column_families)
    count, total = len(kept), len(kept) + len(pieces)
    return (
        Family("other", "", 0, count, {"key": key[kept]}),
        Family("piece", "", count, total, {"key": key[pieces], "side": side, "step": step}),
    )
