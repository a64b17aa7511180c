"""The basic solution of a basis: what stands there, and its prices, by one factorisation.

Where a vertex is the answer to the next goal too, this proves it many times as fast as a solver that is handed the program.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from allocator.engines.policy import Method, rows_tolerance, unanswered
from allocator.engines.status import BASIC, FREE, UPPER, Solution, Status, Vertex, reduced_costs
from allocator.program import Floats, Program

DUAL = 1e-9
"""A price may have the wrong sign by this much, as solvers are told too."""

EXACT = 1e-12
"""Part of a large value that is rounding."""

MOST = 500
"""Rows of a basis, as many as may stand in no triangle."""


def same_vertex(engine: str, start: Vertex) -> tuple[Method, ...]:
    """Return how a vertex is proved to be the answer already; nothing where bounds are new, so that it cannot be expected."""

    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        started = time.perf_counter()
        try:
            found = basic_solution(program, costs, start)
        except MemoryError:  # a solver needs less than factors that fill up
            found = unanswered(Status.ERROR, detail="no memory")
        return replace(found, seconds=time.perf_counter() - started)

    return () if start.dual else (Method(f"{engine}, the same vertex", run),)


def basic_solution(program: Program, costs: Floats, vertex: Vertex) -> Solution:
    """Return values and duals at a vertex if it is optimal, to the tolerances that solvers are given; else ERROR.

    Basic columns are worth what the rows at their bounds leave to them; rows that are basic have no dual, and the others those with which
    basic columns have no reduced cost (Dantzig 1963, "Linear Programming and Extensions", chapter 9). That is one square system.
    """
    from scipy.sparse.linalg import splu  # here, as it takes long to import

    columns, rows = np.flatnonzero(vertex.columns == BASIC), np.flatnonzero(vertex.rows != BASIC)
    x = np.where(vertex.columns == UPPER, program.upper, np.where(vertex.columns == FREE, 0.0, program.lower))
    x[columns] = 0.0
    side = np.where(vertex.rows == UPPER, program.row_upper, program.row_lower)[rows]
    if len(columns) != len(rows) or not (np.isfinite(x).all() and np.isfinite(side).all()):
        return unanswered(Status.ERROR, detail="not a basis")
    duals = np.zeros(program.shape[0])
    if len(columns):
        held = program.matrix[rows]
        basis = sp.csr_array(held[:, columns])
        if not regular(basis):
            return unanswered(Status.ERROR, detail="singular")
        # SuperLU finds the triangle of the transpose, where the basis itself may fill up.
        factors = splu(basis.T)
        # The stubs of SciPy do not know the argument.
        x[columns] = factors.solve(side - held @ x, trans="T")  # type: ignore[call-overload]
        duals[rows] = factors.solve(costs[columns])
    if not _optimal(program, costs, x, duals):
        return unanswered(Status.ERROR, detail="not optimal")
    return Solution(Status.OPTIMAL, x, duals, float(costs @ x), 0.0, "optimal", 0, vertex)


def regular(basis: sp.csr_array) -> bool:
    """Whether a basis has an inverse, for sure: SuperLU (SciPy 1.17) writes where it must not if there is none.

    A basis is nearly a triangle: columns with one row that is left, and rows with one column, are taken away again and again.
    """
    there = sp.csr_array(abs(basis) > 0).astype(float)
    left = [np.ones(basis.shape[0]), np.ones(basis.shape[1])]
    number = np.arange(len(left[0]))
    rest, idle = len(number), 0
    for side in itertools.cycle((1, 0)):
        pattern, other = (there.T if side else there), 1 - side
        single = np.flatnonzero((left[side] > 0) & (pattern @ left[other] == 1))
        partner = np.asarray(np.rint(pattern[single] @ (left[other] * number)), np.int64)
        if len(np.unique(partner)) < len(single):
            return False
        left[side][single] = left[other][partner] = 0.0
        rest -= len(single)
        idle = 0 if len(single) else idle + 1
        if idle == 2 or not rest:
            break
    rows, columns = (np.flatnonzero(x) for x in left)
    return rest <= MOST and int(np.linalg.matrix_rank(basis[rows][:, columns].toarray())) == rest


def _optimal(program: Program, costs: Floats, x: Floats, duals: Floats) -> bool:
    """Whether all bounds are kept, and nothing that has room would better move.

    Weak duality alone would not do: beside a large value that cannot move, what is to be gained may be less than a millionth.
    """
    value, room = program.matrix @ x, rows_tolerance(program)
    for at, price, low, high in (
        (x, reduced_costs(program, costs, duals), program.lower, program.upper),
        (value, duals, program.row_lower, program.row_upper),
    ):
        tiny = np.maximum(room, EXACT * np.abs(at))
        kept = (low - at <= tiny) & (at - high <= tiny)
        worse = ((price < -DUAL) & (high - at > tiny)) | ((price > DUAL) & (at - low > tiny))
        if worse.any() or not kept.all():
            return False
    return True
