"""Linear expressions and a small mixed-integer program, solved by the HiGHS inside SciPy."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

SLACKS = (1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
"""How much of its best value a held goal may give up: as little as numbers allow."""


class Infeasible(Exception):
    """The hard rules contradict each other."""


@dataclass(frozen=True)
class Expr:
    """``Σ terms[i] · x[i] + constant``."""

    terms: dict[int, float] = field(default_factory=dict)
    constant: float = 0.0

    def __add__(self, other: Expr | float) -> Expr:
        if not isinstance(other, Expr):
            return Expr(self.terms, self.constant + other)
        terms = dict(self.terms)
        for i, a in other.terms.items():
            terms[i] = terms.get(i, 0.0) + a
        return Expr(terms, self.constant + other.constant)

    __radd__ = __add__

    def __mul__(self, factor: float) -> Expr:
        return Expr({i: a * factor for i, a in self.terms.items()}, self.constant * factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Expr:
        return self * (1 / divisor)

    def __neg__(self) -> Expr:
        return self * -1.0

    def __sub__(self, other: Expr | float) -> Expr:
        return self + (-other)

    def __rsub__(self, other: Expr | float) -> Expr:
        return -self + other

    def at(self, x: NDArray[np.float64]) -> float:
        """Value at a point."""
        return self.constant + sum(a * float(x[i]) for i, a in self.terms.items())


def total(parts: Iterable[Expr]) -> Expr:
    """Sum of expressions."""
    terms: dict[int, float] = {}
    constant = 0.0
    for part in parts:
        constant += part.constant
        for i, a in part.terms.items():
            terms[i] = terms.get(i, 0.0) + a
    return Expr(terms, constant)


@dataclass
class Promise:
    """Something that a relaxation may leave: it is looked at after each solve and made exact only where it was left.

    Attributes
    ----------
    kept : callable
        Whether a point keeps it.
    enforce : callable
        Adds the binaries that make it exact.
    push : Expr
        What to maximise, at no cost to the goal, before it is judged left.
    """

    kept: Callable[[NDArray[np.float64]], bool]
    enforce: Callable[[], None]
    push: Expr
    exact: bool = False


class LinearProgram:
    """Columns, rows and promises, minimised one goal after another."""

    def __init__(self) -> None:
        self.lower: list[float] = []
        self.upper: list[float] = []
        self.whole: list[bool] = []
        self.rows: list[tuple[Expr, float, float]] = []
        self.promises: list[Promise] = []
        self.held: list[tuple[Expr, float]] = []
        self.slack = SLACKS[0]
        self.x: NDArray[np.float64] = np.zeros(0)

    def variable(self, upper: float = math.inf, *, lower: float = 0.0, whole: bool = False) -> Expr:
        """Add a column."""
        self.lower.append(lower)
        self.upper.append(upper)
        self.whole.append(whole)
        return Expr({len(self.lower) - 1: 1.0})

    def at_most(self, left: Expr | float, right: Expr | float) -> None:
        """Add the row ``left ≤ right``."""
        self.rows.append((Expr() + left - right, -math.inf, 0.0))

    def equal(self, left: Expr | float, right: Expr | float) -> None:
        """Add the row ``left = right``."""
        self.rows.append((Expr() + left - right, 0.0, 0.0))

    def smaller(self, left: Expr, right: Expr, most: float) -> Expr:
        """``min(left, right)`` as a column; both lie between 0 and ``most``."""
        least = self.variable()
        self.at_most(least, left)
        self.at_most(least, right)

        def kept(x: NDArray[np.float64]) -> bool:
            return abs(least.at(x) - min(left.at(x), right.at(x))) <= 1e-7 * max(1.0, most)

        def enforce() -> None:
            first = self.variable(1.0, whole=True)
            self.at_most(left - most * (1 - first), least)
            self.at_most(right - most * first, least)

        self.promises.append(Promise(kept, enforce, least))
        return least

    def graph(self, points: Sequence[tuple[float, ...]], *, below: bool = False) -> tuple[Expr, ...]:
        """Columns that together lie on a polyline of the space, given by its corners.

        The convex combination of corners (λ) is made exact by binaries of neighbouring pairs: at once where the
        polyline is not concave in some coordinate over the first one, else only where an answer leaves it; never where
        ``below`` says that points under a concave polyline do no harm.
        """
        share = [self.variable(1.0) for _ in points]
        self.equal(total(share), 1.0)
        where = tuple(
            total(c * s for c, s in zip(coordinate, share, strict=True)) for coordinate in zip(*points, strict=True)
        )

        def kept(x: NDArray[np.float64]) -> bool:
            at = [w.at(x) for w in where]
            true = [float(np.interp(at[0], [p[0] for p in points], [p[i] for p in points])) for i in range(len(at))]
            return all(abs(a - b) <= 1e-7 * max(1.0, abs(b)) for a, b in zip(at, true, strict=True))

        def enforce() -> None:
            pair = [self.variable(1.0, whole=True) for _ in points[1:]]
            self.equal(total(pair), 1.0)
            for i, s in enumerate(share):
                self.at_most(s, total(pair[max(0, i - 1) : i + 1]))

        if not all(_concave(points, i) for i in range(1, len(where))):
            enforce()
        elif not below:
            self.promises.append(Promise(kept, enforce, total(where[1:])))
        return where

    def minimise(self, goal: Expr) -> float:
        """Least value of a goal under all rows and promises; the goal is held there from now on.

        Raises
        ------
        Infeasible
            If the first goal finds no point.
        """
        while True:
            value = self._solve(goal)
            left = self._left()
            if left:
                # A point off the curve may be a mere tie: look for one on it first.
                self.held.append((goal, value))
                self._solve(-total(p.push for p in self.promises if not p.exact))
                self.held.pop()
                left = self._left()
            if not left:
                break
            for promise in left:
                promise.exact = True
                promise.enforce()
        self.held.append((goal, value))
        return value

    def _left(self) -> list[Promise]:
        return [p for p in self.promises if not p.exact and not p.kept(self.x)]

    def _solve(self, goal: Expr) -> float:
        """Solve with the goals held as closely as numbers allow."""
        while True:
            try:
                return self._answer(goal)
            except Infeasible as contradiction:
                if not self.held:
                    raise
                if self.slack == SLACKS[-1]:
                    raise AssertionError("Expected to hold goals at their own best values.") from contradiction
                self.slack = SLACKS[SLACKS.index(self.slack) + 1]

    def _answer(self, goal: Expr) -> float:
        lower, upper, whole = np.array(self.lower), np.array(self.upper), np.array(self.whole)
        costs = np.zeros(len(lower))
        for i, a in goal.terms.items():
            costs[i] += a
        matrix, low, high = self._matrix()
        if whole.any():
            rounded = milp(
                costs,
                integrality=whole.astype(int),
                bounds=Bounds(lower, upper),
                constraints=LinearConstraint(matrix, low, high),
                options={"mip_rel_gap": 0.0},
            )
            self._check(rounded.status, rounded.message)
            # The whole numbers are held and the rest solved again, free of the tolerance that whole numbers have.
            lower, upper = lower.copy(), upper.copy()
            lower[whole] = upper[whole] = np.round(np.asarray(rounded.x)[whole])
        one_sided = low != high
        for presolve in (True, False):  # which is too sure now and then that there is no point, or gives up
            found = linprog(
                costs,
                A_ub=matrix[one_sided],
                b_ub=high[one_sided],
                A_eq=matrix[~one_sided],
                b_eq=high[~one_sided],
                bounds=list(zip(lower, upper, strict=True)),
                method="highs",
                options={
                    "presolve": presolve,
                    "primal_feasibility_tolerance": 1e-10,
                    "dual_feasibility_tolerance": 1e-9,
                },
            )
            if found.status == 0:
                break
        self._check(found.status, found.message)
        self.x = np.asarray(found.x)
        return goal.at(self.x)

    def _matrix(self) -> tuple[sp.csr_array, NDArray[np.float64], NDArray[np.float64]]:
        row, column, data = [], [], []
        held = [(g - v - self.slack * max(1.0, abs(v)), -math.inf, 0.0) for g, v in self.held]
        rows = [*self.rows, *held]
        for k, (expression, _, _) in enumerate(rows):
            for i, a in expression.terms.items():
                row.append(k)
                column.append(i)
                data.append(a)
        matrix = sp.csr_array((data, (row, column)), shape=(len(rows), len(self.lower)))
        low = np.array([lo - e.constant for e, lo, _ in rows])
        high = np.array([hi - e.constant for e, _, hi in rows])
        return matrix, low, high

    @staticmethod
    def _check(status: int, message: str) -> None:
        if status == 2:
            raise Infeasible(message)
        if status != 0:
            raise AssertionError(f"Expected HiGHS to prove an answer, found {message!r}.")


def _concave(points: Sequence[tuple[float, ...]], coordinate: int) -> bool:
    slopes = [(b[coordinate] - a[coordinate]) / (b[0] - a[0]) for a, b in itertools.pairwise(points) if b[0] > a[0]]
    return all(later <= earlier + 1e-12 * max(1.0, abs(earlier)) for earlier, later in itertools.pairwise(slopes))
