"""The basic solution of a basis: what stands there, and its prices, by one factorisation.

Where a vertex is the answer to the next goal too, this proves it many times as fast as a solver that is handed the program.
"""

from __future__ import annotations

import numpy as np

from allocator.engines.policy import Method, unanswered
from allocator.engines.status import BASIC, FREE, UPPER, Solution, Status, Vertex
from allocator.program import Floats, Program


def standing(program: Program, start: Vertex | None) -> tuple[Method, ...]:
    """Return how a vertex that may be the answer already is proved to be it; nothing where the way from it is a long one.

    The vertex must be one of the program.
    """
    if start is None or start.dual:
        return ()

    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        return basic_solution(program, costs, start)

    return (Method("the same vertex", run),)


def basic_solution(program: Program, costs: Floats, vertex: Vertex) -> Solution:
    """Return values and duals at a vertex, whether they keep all rules and signs or not.

    Basic columns are worth what the rows at their bounds leave to them; rows that are basic have no dual, and the others those with which
    basic columns have no reduced cost (Dantzig 1963, "Linear Programming and Extensions", chapter 9). That is one square system.

    Raises
    ------
    RuntimeError
        If the basis is singular.
    """
    from scipy.sparse.linalg import splu  # here, as it takes long to import

    columns, rows = np.flatnonzero(vertex.columns == BASIC), np.flatnonzero(vertex.rows != BASIC)
    if len(columns) != len(rows):
        return unanswered(Status.ERROR, detail="not a basis")
    held = program.matrix[rows]
    x = np.where(vertex.columns == UPPER, program.upper, np.where(vertex.columns == FREE, 0.0, program.lower))
    side = np.where(vertex.rows == UPPER, program.row_upper, program.row_lower)[rows]
    x[columns] = 0.0
    duals = np.zeros(program.shape[0])
    if len(columns):
        # A basis is nearly a triangle. Written so, its factors hold little more than itself; the other way round thirty times as much.
        factors = splu(held[:, columns].T, relax=1, panel_size=1)
        x[columns] = factors.solve(side - held @ x, trans="T")  # type: ignore[call-overload]
        duals[rows] = factors.solve(costs[columns])
    return Solution(Status.OPTIMAL, x, duals, float(costs @ x), 0.0, "optimal", 0, vertex)
