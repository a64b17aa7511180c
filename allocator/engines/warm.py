"""HiGHS that starts from the bases of an earlier run: for plans of models that differ little.

A basis is stored for each goal (the optimal bases of two goals have little in common), with the labels of its columns and rows, so that
it also fits a program that gained or lost some. An answer from it counts only if it is proved, like any other; what is not is solved
from the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import highspy
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.engines.highs import CHOOSE, STANDS, Highs, loaded, methods, run_loaded, set_vertex
from allocator.engines.policy import Method, answer, from_start
from allocator.engines.status import BASIC, FREE, LOWER, UPPER, Codes, Solution, Status, Vertex, worthwhile
from allocator.program import Family, Floats, Program, keys

Keys = NDArray[np.uint64]
Bools = NDArray[np.bool_]

ALIKE = 0.95
"""Part of a program's columns and of its rows that a stored basis must know."""


@dataclass(frozen=True)
class Basis:
    """An optimal basis: keys of the labels of columns and rows, and where each stands."""

    columns: Keys
    rows: Keys
    column_codes: Codes
    row_codes: Codes


@dataclass(frozen=True)
class Start:
    """A basis as HiGHS takes it, and the columns and rows for which it was made."""

    basis: highspy.HighsBasis
    columns: tuple[Family, ...]
    rows: tuple[Family, ...]
    below: Bools
    above: Bools

    @classmethod
    def at(cls, program: Program, basis: highspy.HighsBasis) -> Start:
        """A basis for a program."""
        below, above = np.isinf(program.lower), np.isinf(program.upper)
        return cls(basis, program.column_families, program.row_families, below, above)

    def fits(self, program: Program) -> bool:
        """Whether a program has the same columns and rows, with bounds at the same columns."""
        return (
            self.columns is program.column_families
            and self.rows is program.row_families
            and np.array_equal(self.below, np.isinf(program.lower))
            and np.array_equal(self.above, np.isinf(program.upper))
        )


class Warm:
    """HiGHS with a memory.

    Parameters
    ----------
    bases : dict of str to Basis
        By goal.
    learning : bool
        Whether bases are kept there, not started from.

    Attributes
    ----------
    hot, cold : int
        Solves that an earlier basis answered, and those from the start.
    """

    def __init__(self, bases: dict[str, Basis], *, learning: bool) -> None:
        self.bases, self.learning = bases, learning
        self.name, self.version = "highs", Highs().version
        self.hot = self.cold = 0
        self._held: tuple[highspy.Highs, Program, Floats] | None = None
        self._last: highspy.Highs | None = None
        self._starts: dict[str, Start] = {}

    def solve(
        self,
        program: Program,
        costs: Floats,
        *,
        seconds: float | None = None,
        goal: str = "",
        start: Vertex | None = None,
    ) -> Solution:
        """Minimise ``costs · x``; see :class:`allocator.engines.status.Engine`."""
        self._last = None
        if program.integer.any() or not goal or not program.nonzeros:
            return Highs().solve(program, costs, seconds=seconds, start=start)
        left: list[highspy.Highs] = []
        basis = self.bases.get(goal)
        begin: tuple[Method, ...] = ()
        known = self._starts.get(goal)
        if basis is not None and not self.learning and ((known and known.fits(program)) or _alike(basis, program)):
            begin = self._from(goal, basis)
        elif start is not None and start.fits(program):
            begin = self._on(start)
        found = answer(program, costs, seconds, lambda p: (*begin, *methods(p, costs, left.append, begun=bool(begin))))
        if left:
            self.cold += 1
        else:
            self.hot += 1
        if found.status is Status.OPTIMAL:
            self._last = left[-1] if left else self._held[0] if self._held is not None else None
        if found.status is Status.OPTIMAL and found.vertex is not None and self.learning:
            columns, rows = keys(program.column_families), keys(program.row_families)
            self.bases[goal] = Basis(columns, rows, found.vertex.columns, found.vertex.rows)
        return found

    def pace(self, program: Program, x: Floats, rates: tuple[Floats, ...]) -> Floats | None:
        """How the last answer moves while its basis stays and bounds move.

        Parameters
        ----------
        program : Program
            That of the last answer.
        x : float array
            The answer.
        rates : tuple of float array
            Of lower and upper bounds of columns, then of rows.

        Returns
        -------
        float array, shape (columns,), or None
            None where there is no basis, or its factors do not give it.
        """
        if self._last is None:
            return None
        word, basic = self._last.getBasicVariables()
        if word != highspy.HighsStatus.kOk:
            return None
        found = _standing(x, program.lower, program.upper, rates[0], rates[1])
        value = program.matrix @ x
        rows = _standing(value, program.row_lower, program.row_upper, rates[2], rates[3])
        column = basic >= 0
        found[basic[column]] = 0.0
        rows[-1 - basic[~column]] = 0.0
        word, moved = self._last.getBasisSolve(rows - program.matrix @ found)
        if word != highspy.HighsStatus.kOk:
            return None
        found[basic[column]] = moved[column]
        return found

    def _on(self, vertex: Vertex) -> tuple[Method, ...]:
        """Go on from the vertex of the goal before."""

        def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
            highs = self._with(program, costs, vertex.pivots(program))
            set_vertex(highs, vertex)
            return self._kept(run_loaded(highs, program))

        return (Method("HiGHS from the goal before", run),)

    def _from(self, goal: str, basis: Basis) -> tuple[Method, ...]:
        """Go on from where the goal was in an earlier run."""

        def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
            highs = self._with(program, costs, worthwhile(program))
            start = self._starts.get(goal)
            if start is None or not start.fits(program):
                highs.setBasis(_start(basis, program))
                # Mended by HiGHS, it needs no mending where it is handed over once more.
                start = self._starts[goal] = Start.at(program, highs.getBasis())
            else:
                highs.setBasis(start.basis)
            highs.setOptionValue("simplex_strategy", CHOOSE)
            return self._kept(run_loaded(highs, program))

        return (Method("HiGHS from an earlier basis", run),)

    def _kept(self, found: Solution) -> Solution:
        """Let go of HiGHS where it did not come to an end."""
        if found.status not in (Status.OPTIMAL, Status.INFEASIBLE):
            self._held = None
        return from_start(found)

    def _with(self, program: Program, costs: Floats, pivots: int) -> highspy.Highs:
        """HiGHS with a program; from one goal to the next only bounds and costs are handed over."""
        if self._held is not None and self._held[1].matrix is program.matrix:
            highs, old, before = self._held
            k = _differ((before, costs))
            highs.changeColsCost(len(k), k, costs[k])
            k = _differ((old.lower, program.lower), (old.upper, program.upper))
            highs.changeColsBounds(len(k), k, program.lower[k], program.upper[k])
            k = _differ((old.row_lower, program.row_lower), (old.row_upper, program.row_upper))
            highs.changeRowsBounds(len(k), k, program.row_lower[k], program.row_upper[k])
        else:
            highs = loaded(program, costs, {"solver": "simplex"})
        highs.setOptionValue("simplex_iteration_limit", pivots)
        self._held = (highs, program, costs)
        return highs


def _start(basis: Basis, program: Program) -> highspy.HighsBasis:
    """A stored basis as HiGHS takes it, for a program that may have other columns and rows."""
    columns, rows = keys(program.column_families), keys(program.row_families)
    start = highspy.HighsBasis()
    at = _mapped(basis.columns, basis.column_codes, columns, LOWER)
    free = at == LOWER
    at[free & np.isinf(program.lower)] = UPPER
    at[(at == UPPER) & np.isinf(program.upper)] = LOWER
    at[(at != BASIC) & np.isinf(program.lower) & np.isinf(program.upper)] = FREE
    start.col_status = STANDS[at].tolist()
    start.row_status = STANDS[_mapped(basis.rows, basis.row_codes, rows, BASIC)].tolist()
    # HiGHS mends the count and the singularities of a basis that comes from elsewhere; one of this program needs no mending.
    start.alien = not (np.array_equal(basis.columns, columns) and np.array_equal(basis.rows, rows))
    start.valid = True
    return start


def _standing(value: Floats, low: Floats, high: Floats, low_rate: Floats, high_rate: Floats) -> Floats:
    """How what stands at a bound moves with it; 0 where there is none."""
    return np.where(value - low <= high - value, low_rate, high_rate)


def _alike(basis: Basis, program: Program) -> bool:
    """Whether a basis is of a program with nearly the same columns and rows: from one much smaller the way is as long as from nothing."""
    pairs = ((basis.columns, keys(program.column_families)), (basis.rows, keys(program.row_families)))
    return all(np.array_equal(old, new) or np.isin(new, old).mean() >= ALIKE for old, new in pairs if len(new))


def _differ(*pairs: tuple[Floats, Floats]) -> NDArray[np.int32]:
    """Places at which numbers differ."""
    return np.flatnonzero(np.any([a != b for a, b in pairs], axis=0)).astype(np.int32)


def _mapped(old: Keys, codes: Codes, new: Keys, otherwise: int) -> Codes:
    """Codes of an earlier program's columns or rows for those of a new one."""
    if len(old) == len(new) and (old == new).all():
        return codes.copy()
    first = pd.Series(codes, index=old)
    first = first[~first.index.duplicated()]
    return first.reindex(new, fill_value=otherwise).to_numpy(np.int8, copy=True)
