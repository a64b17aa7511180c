"""HiGHS, handed arrays through highspy."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import highspy
import numpy as np

from allocator.engines.basic_solution import same_vertex
from allocator.engines.policy import (
    SMALL,
    Method,
    answer,
    from_start,
    mostly_priced,
    rows_tolerance,
    rules_off,
    unanswered,
)
from allocator.engines.status import BASIC, FREE, LOWER, UPPER, Codes, Solution, Status, Vertex, worthwhile
from allocator.errors import EngineError
from allocator.program import Floats, Program
from allocator.texts import _

_STATUS = {
    highspy.HighsModelStatus.kOptimal: Status.OPTIMAL,
    highspy.HighsModelStatus.kInfeasible: Status.INFEASIBLE,
    highspy.HighsModelStatus.kUnbounded: Status.UNBOUNDED,
    highspy.HighsModelStatus.kUnboundedOrInfeasible: Status.INFEASIBLE_OR_UNBOUNDED,
    highspy.HighsModelStatus.kTimeLimit: Status.NO_SOLUTION_FOUND,
}

STANDS = np.array([highspy.HighsBasisStatus(code) for code in (LOWER, BASIC, UPPER, FREE)], object)
"""HiGHS's words for where a column or row stands, by code."""

_VERSION = str(highspy.Highs().version())

CHOOSE, DUAL, PRIMAL = 0, 1, 4
"""What HiGHS calls the simplex methods; left to choose, it takes the primal one where it begins within all rules."""

_OPTIONS: dict[str, object] = {
    "output_flag": False,
    # One thread, so that an answer repeats.
    "parallel": "off",
    "threads": 1,
    "dual_feasibility_tolerance": 1e-9,
    "mip_feasibility_tolerance": 1e-9,
    "mip_rel_gap": 1e-9,
    "mip_abs_gap": 1e-9,
}


@dataclass(frozen=True)
class Highs:
    """HiGHS as an engine."""

    name: str = "highs"
    version: str = f"HiGHS {_VERSION}"

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

        def ways(program: Program) -> Sequence[Method]:
            first = from_vertex(program, start)
            return (*first, *methods(program, costs, begun=bool(first)))

        return answer(program, costs, seconds, ways, start)


Look = Callable[[highspy.Highs], None]
"""Looks at HiGHS after a run."""


def methods(program: Program, costs: Floats, look: Look | None = None, *, begun: bool = False) -> Sequence[Method]:
    """Return the ways in which HiGHS tries to solve a program, the most promising first.

    Where the simplex method has begun from a vertex and did not come to an end, it is not the next to be tried, unless most columns are
    priced.
    """
    if program.integer.any():
        if _VERSION.startswith("1.14."):
            raise EngineError(
                _(
                    "HiGHS {version} gives wrong answers to programs with whole columns (a fault of its presolve). "
                    "Install highspy 1.13.1, or take another engine: ortools, pulp."
                ).format(version=_VERSION)
            )
        return (_method("branch and bound"), _method("branch and bound, again", random_seed=1))
    simplex, interior = _method("simplex", look, solver="simplex"), _method("interior point", look, solver="ipx")
    last = _method("simplex without presolve", look, solver="simplex", presolve="off")
    if program.nonzeros <= SMALL:
        return (simplex, interior, last)
    if begun and not mostly_priced(program, costs):
        return (interior, simplex, last)
    return (_method("simplex", look, solver="simplex", simplex_iteration_limit=worthwhile(program)), interior, last)


def from_vertex(program: Program, start: Vertex | None) -> Sequence[Method]:
    """Return how HiGHS solves a program from a vertex, if there is one that fits."""
    if start is None or program.integer.any() or not start.fits(program):
        return ()

    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        limit = {} if seconds is None else {"time_limit": seconds}
        highs = loaded(program, costs, {"solver": "simplex", "simplex_iteration_limit": start.pivots(program), **limit})
        set_vertex(highs, start)
        return from_start(run_loaded(highs, program))

    return (*same_vertex("HiGHS", start), Method("HiGHS from a vertex", run))


def set_vertex(highs: highspy.Highs, start: Vertex) -> None:
    """Let HiGHS begin at a vertex; it mends the count and the singularities of a basis that comes from elsewhere."""
    basis = highspy.HighsBasis()
    basis.col_status, basis.row_status = STANDS[start.columns].tolist(), STANDS[start.rows].tolist()
    basis.alien = basis.valid = True
    highs.setBasis(basis)
    highs.setOptionValue("simplex_strategy", DUAL if start.dual else PRIMAL)


def _method(name: str, look: Look | None = None, **options: object) -> Method:
    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        limit = {} if seconds is None else {"time_limit": seconds}
        highs = loaded(program, costs, {**options, **limit})
        found = run_loaded(highs, program)
        if look is not None:
            look(highs)
        return found

    return Method(f"HiGHS {name}", run)


def loaded(program: Program, costs: Floats, options: dict[str, object]) -> highspy.Highs:
    """Return HiGHS with a program and options.

    Raises
    ------
    EngineError
        If it refuses either.
    """
    highs = highspy.Highs()
    own = {"primal_feasibility_tolerance": rows_tolerance(program), "presolve_rule_off": rules_off(program)}
    for key, value in {**_OPTIONS, **own, **options}.items():
        if highs.setOptionValue(key, value) != highspy.HighsStatus.kOk:
            raise EngineError(_("HiGHS does not know the option {option}.").format(option=f"{key}={value}"))
    if pass_program(highs, program, costs) == highspy.HighsStatus.kError:
        raise EngineError(_("HiGHS refused the program."))
    return highs


def pass_program(highs: highspy.Highs, program: Program, costs: Floats) -> highspy.HighsStatus:
    """Hand a program over as whole arrays, which is four times quicker than through a HighsLp."""
    rows, columns = program.shape
    matrix = program.matrix
    return highs.passModel(
        columns,
        rows,
        program.nonzeros,
        int(highspy.MatrixFormat.kRowwise),
        int(highspy.ObjSense.kMinimize),
        0.0,
        costs,
        program.lower,
        program.upper,
        program.row_lower,
        program.row_upper,
        matrix.indptr[:-1].astype(np.int32),
        matrix.indices.astype(np.int32),
        matrix.data,
        program.integer.astype(np.int32),
    )


def run_loaded(highs: highspy.Highs, program: Program) -> Solution:
    """Run HiGHS and read its answer to the program that it holds."""
    started = time.perf_counter()
    highs.run()
    return _read(program, highs, time.perf_counter() - started)


def _read(program: Program, highs: highspy.Highs, seconds: float) -> Solution:
    word = highs.getModelStatus()
    detail = highs.modelStatusToString(word)
    status = _STATUS.get(word, Status.ERROR)
    info, solution = highs.getInfo(), highs.getSolution()
    feasible = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    if status is Status.NO_SOLUTION_FOUND and feasible:
        status = Status.FEASIBLE
    if status not in (Status.OPTIMAL, Status.FEASIBLE):
        return unanswered(status, seconds, detail)
    whole = bool(program.integer.any())
    duals = np.array(solution.row_dual) if solution.dual_valid and not whole else None
    bound = info.mip_dual_bound if whole else -np.inf
    counts = (info.simplex_iteration_count, info.ipm_iteration_count, info.crossover_iteration_count)
    iterations = sum(max(n, 0) for n in counts)  # what did not run is −1
    x = np.array(solution.col_value)
    vertex = None if whole else vertex_of(highs, program, x)
    return Solution(status, x, duals, bound, seconds, detail, iterations, vertex)


def vertex_of(highs: highspy.Highs, program: Program, x: Floats) -> Vertex | None:
    """Return where HiGHS stands, if it stands at a vertex; what is not basic stands at its nearer bound.

    That is how arrays come out of it: the words of its basis cost more than a few pivots.
    """
    if not highs.getBasis().valid:
        return None
    word, basic = highs.getBasicVariables()
    if word != highspy.HighsStatus.kOk:
        return None
    columns = _codes(x, program.lower, program.upper)
    rows = _codes(program.matrix @ x, program.row_lower, program.row_upper)
    columns[basic[basic >= 0]] = BASIC
    rows[-1 - basic[basic < 0]] = BASIC
    return Vertex(columns, rows)


def _codes(value: Floats, low: Floats, high: Floats) -> Codes:
    """Which bound is nearer."""
    codes = np.where(value - low <= high - value, LOWER, UPPER).astype(np.int8)
    codes[np.isinf(low) & np.isinf(high)] = FREE
    return codes
