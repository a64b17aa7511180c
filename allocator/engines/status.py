"""What an engine answers, in MathOpt's words, and its certificate."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import scipy.sparse as sp

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
    """

    status: Status
    x: Floats | None
    duals: Floats | None
    bound: float
    seconds: float
    detail: str = ""


class Engine(Protocol):
    """One solver behind one small adapter."""

    name: str
    version: str

    def solve(self, program: Program, costs: Floats, *, seconds: float | None = None) -> Solution:
        """Minimise ``costs · x`` over the program; ``seconds`` limits the time.

        A continuous program is answered by a vertex with duals. Nothing is printed.
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
    return costs - sp.csr_array(program.matrix).T @ duals


def certify(program: Program, costs: Floats, solution: Solution) -> Certificate:
    """Prove a continuous answer from its primal and dual values (weak duality with bounds).

    Wrong-signed duals and reduced costs at infinite bounds count as dual violations.
    """
    assert solution.x is not None and solution.duals is not None
    x, y = solution.x, solution.duals
    d = reduced_costs(program, costs, y)
    activity = program.matrix @ x
    scale = 1 + np.abs(activity)
    primal = max(
        _most((program.row_lower - activity) / scale),
        _most((activity - program.row_upper) / scale),
        _most((program.lower - x) / (1 + np.abs(x))),
        _most((x - program.upper) / (1 + np.abs(x))),
    )
    dual, objective = 0.0, 0.0
    for values, low, high in ((d, program.lower, program.upper), (y, program.row_lower, program.row_upper)):
        side = np.where(values > 0, low, high)
        free = ~np.isfinite(side)
        dual = max(dual, _most(np.abs(values[free])))
        objective += float(values[~free] @ side[~free])
    value = float(costs @ x)
    return Certificate(primal, dual, abs(value - objective) / (1 + abs(value)))


def _most(values: Floats) -> float:
    return float(np.max(values, initial=0.0))
