"""What an engine answers, in MathOpt's words, and its certificate."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.program import Floats, Program


class Status(enum.StrEnum):
    """Why a solve ended."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    """A limit was hit with an answer in hand."""
    INFEASIBLE = "infeasible"
    UNBOUNDED = "unbounded"
    INFEASIBLE_OR_UNBOUNDED = "infeasible_or_unbounded"
    NO_SOLUTION_FOUND = "no_solution_found"
    """A limit was hit without an answer."""
    ERROR = "error"


Codes = NDArray[np.int8]

LOWER, BASIC, UPPER, FREE = 0, 1, 2, 3
"""Where a column or row stands, in HiGHS's codes; FREE is without a bound, at 0."""


def worthwhile(program: Program) -> int:
    """Simplex iterations after which another way is quicker: about as many for each row, whatever the size."""
    return max(2 * program.shape[0], 1000)


@dataclass(frozen=True)
class Vertex:
    """A vertex by its basis: where columns and rows stand.

    Attributes
    ----------
    columns, rows : int8 array
    dual : bool
        Whether the dual simplex method is to go on from it: bounds are new, or most costs where all columns have bounds. Else the
        primal one does, from a vertex that keeps all rules.
    sure : bool
        Whether there is an answer; where there may be none, presolve sees that soon and the simplex method does not.
    most : int or None
        Simplex iterations after which one gives up, where something is known about the way from nothing.
    point : float array, shape (columns,), or None
        Values that keep all rules: an engine that says there are none is not believed then.
    """

    columns: Codes
    rows: Codes
    dual: bool = False
    sure: bool = True
    most: int | None = None
    point: Floats | None = None

    @classmethod
    def known(cls, point: Floats) -> Vertex:
        """Where whole numbers are to be chosen there is no basis to begin at, but an answer may be known."""
        return cls(np.zeros(0, np.int8), np.zeros(0, np.int8), point=point)

    def pivots(self, program: Program) -> int:
        """Simplex iterations after which one gives up."""
        if not self.sure:
            return max(int(2e8 / max(program.nonzeros, 1)), 200)
        return worthwhile(program) if self.most is None else min(worthwhile(program), self.most)

    def fits(self, program: Program) -> bool:
        """Whether it is one of a program of this shape."""
        return (len(self.rows), len(self.columns)) == program.shape


@dataclass(frozen=True)
class Solution:
    """An engine's answer to one program and one goal.

    Attributes
    ----------
    status : Status
    x : float array, shape (columns,), or None
        Present for OPTIMAL and FEASIBLE only.
    duals : float array, shape (rows,), or None
        For continuous programs: change of the minimum per unit of the active side of the row.
    bound : float
        Best proven lower bound of ``costs · x``; −inf if none.
    seconds : float
    detail : str
        The engine's own word for its status.
    iterations : int or None
        Of the simplex, the interior point and the crossover; None where the engine does not tell.
    vertex : Vertex or None
        Where the answer stands, where the engine tells it.
    """

    status: Status
    x: Floats | None
    duals: Floats | None
    bound: float
    seconds: float
    detail: str = ""
    iterations: int | None = None
    vertex: Vertex | None = None


class Engine(Protocol):
    """One solver behind one small adapter."""

    @property
    def name(self) -> str:
        """Name under which the engine is asked for."""
        ...

    @property
    def version(self) -> str:
        """Version of the solver."""
        ...

    def solve(
        self,
        program: Program,
        costs: Floats,
        *,
        seconds: float | None = None,
        goal: str = "",
        start: Vertex | None = None,
    ) -> Solution:
        """Minimise ``costs · x`` over the program; ``seconds`` limits the time.

        A continuous program is answered by a vertex with duals. ``goal`` names what is solved for; an engine with a memory
        starts from its last answer to it. An engine that can starts from the vertex ``start``, and none says that there is no answer
        where ``start`` knows one. Nothing is printed.
        """
        ...


@dataclass(frozen=True)
class Certificate:
    """How far an answer is from proof: all relative to one plus the size of what is compared."""

    primal: float
    dual: float
    gap: float

    @property
    def proved(self) -> bool:
        """Whether the answer is optimal to 1e-6."""
        return max(self.primal, self.dual, self.gap) <= 1e-6


def reduced_costs(program: Program, costs: Floats, duals: Floats) -> Floats:
    """Reduced costs ``c − Aᵀ y``."""
    prices: Floats = sp.csr_array(program.matrix).T @ duals
    return costs - prices


def violation(program: Program, x: Floats) -> float:
    """Largest violation of bounds, rows and wholeness at a point, relative to one plus the size of what is compared."""
    activity = program.matrix @ x
    row, column = 1 + np.abs(activity), 1 + np.abs(x)
    return max(
        _most((program.row_lower - activity) / row),
        _most((activity - program.row_upper) / row),
        _most((program.lower - x) / column),
        _most((x - program.upper) / column),
        _most(np.abs(x - np.round(x))[program.integer]),
    )


def certify(program: Program, costs: Floats, solution: Solution) -> Certificate:
    """Prove a continuous answer from its primal and dual values (weak duality with bounds).

    Wrong-signed duals and reduced costs at infinite bounds count as dual violations. Prices below 1e-9 of their cost
    are noise of the arithmetic: they are valued where the answer stands, not at a bound that may be far away.
    """
    if solution.x is None or solution.duals is None:
        raise ValueError("Expected an answer with values and duals.")
    x, y = solution.x, solution.duals
    d = reduced_costs(program, costs, y)
    dual, objective = 0.0, 0.0
    for values, at, low, high, scale in (
        (d, x, program.lower, program.upper, 1 + np.abs(costs)),
        (y, program.matrix @ x, program.row_lower, program.row_upper, np.ones_like(y)),
    ):
        side = np.where(np.abs(values) <= 1e-9 * scale, at, np.where(values > 0, low, high))
        free = ~np.isfinite(side)
        dual = max(dual, _most((np.abs(values) / scale)[free]))
        objective += float(values[~free] @ side[~free])
    value = float(costs @ x)
    gap = abs(value - objective) / (1 + abs(value))
    return Certificate(violation(program, x), dual, gap if np.isfinite(gap) else np.inf)


def _most(values: Floats) -> float:
    """Largest value, at least 0; infinite where one is not a number."""
    most = float(np.max(values, initial=0.0))
    return np.inf if np.isnan(most) else most
