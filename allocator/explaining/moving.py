"""How a program moves with a limit: what one more of the limit adds to each of its numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from allocator.program import Floats, Goal, Program

SAME = 1e-9
"""Bounds that differ by less, relative to one and their size, are one."""

DIGITS = 1e-12
"""The same of coefficients, relative to their size."""

Numbers = tuple[Floats, ...]


@dataclass(frozen=True)
class Move:
    """What one of a limit adds to each number of a program.

    Attributes
    ----------
    program : Program
        Where nothing has moved.
    bounds : tuple of float array
        Of columns and rows, as :func:`bounds_of` gives them.
    coefficients : tuple of float array
        Of the matrix and of each goal, as :func:`coefficients_of` gives them; empty where bounds alone move.
    """

    program: Program
    bounds: Numbers
    coefficients: Numbers

    @property
    def straight(self) -> bool:
        """Whether bounds alone move: then goals change along straight lines."""
        return not self.coefficients

    def at(self, amount: float) -> Program:
        """The program after so much of the limit."""
        lower, upper, row_lower, row_upper = (
            old + amount * more for old, more in zip(bounds_of(self.program), self.bounds, strict=True)
        )
        moved = self.program.with_bounds(lower, upper, row_lower, row_upper)
        if self.straight:
            return moved
        data, *goals = (
            old + amount * more for old, more in zip(coefficients_of(self.program), self.coefficients, strict=True)
        )
        matrix = sp.csr_array((data, moved.matrix.indices, moved.matrix.indptr), shape=moved.matrix.shape)
        return replace(moved, matrix=matrix, goals=tuple(_goals(moved.goals, goals)))


def _goals(goals: tuple[Goal, ...], numbers: list[Floats]) -> Iterator[Goal]:
    for goal, values in zip(goals, numbers, strict=True):
        yield replace(goal, costs=values[:-2], constant=float(values[-2]), scale=float(values[-1]))


def bounds_of(program: Program) -> Numbers:
    """Bounds of columns and rows."""
    return program.lower, program.upper, program.row_lower, program.row_upper


def coefficients_of(program: Program) -> Numbers:
    """Numbers of the matrix; costs, constant and scale of each goal."""
    return (program.matrix.data, *(np.append(g.costs, [g.constant, g.scale]) for g in program.goals))


def akin(one: Program, other: Program) -> bool:
    """Whether two programs have the same columns, rows and goals, and numbers in the same places."""
    a, b = one.matrix, other.matrix
    return (
        one.shape == other.shape
        and one.money == other.money
        and len(a.data) == len(b.data)
        and np.array_equal(a.indptr, b.indptr)
        and np.array_equal(a.indices, b.indices)
        and np.array_equal(one.integer, other.integer)
        and [g.name for g in one.goals] == [g.name for g in other.goals]
        and all(np.array_equal(np.isinf(c), np.isinf(d)) for c, d in zip(bounds_of(one), bounds_of(other), strict=True))
    )


def alike(one: Program, other: Program) -> bool:
    """Whether two programs differ in bounds alone."""
    return akin(one, other) and all(
        np.array_equal(a, b) for a, b in zip(coefficients_of(one), coefficients_of(other), strict=True)
    )


def learned(one: Program, other: Program, amount: float) -> Move | None:
    """How a program moves to another with so much of a limit, if in proportion; None where it becomes another one."""
    if not akin(one, other):
        return None
    bounds = tuple(_slope(a, b, amount, 1e-13) for a, b in zip(bounds_of(one), bounds_of(other), strict=True))
    pairs = list(zip(coefficients_of(one), coefficients_of(other), strict=True))
    if all(np.array_equal(a, b) for a, b in pairs):
        return Move(one, bounds, ())
    return Move(one, bounds, tuple(_slope(a, b, amount, 0.0) for a, b in pairs))


def _slope(old: Floats, new: Floats, amount: float, noise: float) -> Floats:
    """Change for one; 0 of what is infinite, or moved by its last digits only."""
    there = np.where(np.isinf(old), 0.0, old)
    with np.errstate(invalid="ignore"):
        change = np.where(np.isinf(old), 0.0, new - old)
    return np.where(np.abs(change) <= noise * np.abs(there), 0.0, change / amount)


def same(one: Program, other: Program) -> bool:
    """Whether the numbers of two programs are the same, but for last digits."""
    if not akin(one, other):
        return False
    bounds, coefficients = (zip(f(one), f(other), strict=True) for f in (bounds_of, coefficients_of))
    return all(_near(a, b, SAME * (1 + np.abs(b))) for a, b in bounds) and all(
        _near(a, b, DIGITS * np.abs(b)) for a, b in coefficients
    )


def _near(one: Floats, other: Floats, room: Floats) -> bool:
    some = np.isfinite(other)
    return bool((np.abs(one[some] - other[some]) <= room[some]).all())
