"""OR-Tools: HiGHS, GLOP, SCIP and CP-SAT behind MathOpt.

The program travels as MathOpt's protocol buffer, filled from arrays. OR-Tools' older ``ModelSolverHelper`` is not used
because its HiGHS returns row activities where duals are expected (9.15).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import ortools
from ortools.math_opt import (
    callback_pb2,
    model_parameters_pb2,
    parameters_pb2,
    result_pb2,
    solution_pb2,
    sparse_containers_pb2,
)
from pybind11_abseil.status import StatusNotOk  # type: ignore[import-untyped]

from allocator.engines import message
from allocator.engines.basic_solution import same_vertex
from allocator.engines.mathopt import solver
from allocator.engines.policy import (
    SMALL,
    Breakdown,
    Method,
    answer,
    from_start,
    mostly_priced,
    rows_tolerance,
    rules_off,
    unanswered,
)
from allocator.engines.quiet import quiet
from allocator.engines.status import BASIC, FREE, LOWER, UPPER, Solution, Status, Vertex, worthwhile
from allocator.program import Floats, Program

_STATUS = {
    result_pb2.TERMINATION_REASON_OPTIMAL: Status.OPTIMAL,
    result_pb2.TERMINATION_REASON_FEASIBLE: Status.FEASIBLE,
    result_pb2.TERMINATION_REASON_INFEASIBLE: Status.INFEASIBLE,
    result_pb2.TERMINATION_REASON_UNBOUNDED: Status.UNBOUNDED,
    result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED: Status.INFEASIBLE_OR_UNBOUNDED,
    result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND: Status.NO_SOLUTION_FOUND,
}

WORK, LEAST = 4e-6, 2.0
"""How long GLOP may try before the interior point does, for each nonzero, and at least: in its own measure of work, about a second, which
is the same on every machine, so that an answer repeats. Iterations would not do: those of one program take twenty times as long as
another's."""

_CODES = np.full(6, FREE, np.int8)
"""Where a column or row stands, by what MathOpt calls it."""
_CODES[solution_pb2.BASIS_STATUS_AT_LOWER_BOUND] = _CODES[solution_pb2.BASIS_STATUS_FIXED_VALUE] = LOWER
_CODES[solution_pb2.BASIS_STATUS_AT_UPPER_BOUND] = UPPER
_CODES[solution_pb2.BASIS_STATUS_BASIC] = BASIC
_STANDS = np.zeros(4, np.uint8)
"""What MathOpt calls where a column or row stands."""
_STANDS[LOWER], _STANDS[UPPER] = solution_pb2.BASIS_STATUS_AT_LOWER_BOUND, solution_pb2.BASIS_STATUS_AT_UPPER_BOUND
_STANDS[BASIC], _STANDS[FREE] = solution_pb2.BASIS_STATUS_BASIC, solution_pb2.BASIS_STATUS_FREE
_FIXED = np.uint8(solution_pb2.BASIS_STATUS_FIXED_VALUE)


@dataclass(frozen=True)
class OrTools:
    """OR-Tools as an engine."""

    name: str = "ortools"
    version: str = str(ortools.__version__)

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
            first = _from_vertex(program, start)
            return (*first, *_methods(program, costs, begun=bool(first)))

        return answer(program, costs, seconds, ways, start)


def _from_vertex(program: Program, start: Vertex | None) -> Sequence[Method]:
    """Return how GLOP solves a program from a vertex, if there is one that fits; MathOpt's HiGHS takes none."""
    if start is None or program.integer.any() or not start.fits(program):
        return ()

    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        return from_start(_run("GLOP", program, costs, seconds, start))

    return (*same_vertex("OR-Tools", start), Method("OR-Tools GLOP from a vertex", run))


def _methods(program: Program, costs: Floats, *, begun: bool) -> Sequence[Method]:
    simplex, glop = _method("HiGHS simplex"), _method("GLOP")
    interior, whole, scip = _method("HiGHS interior point"), _method("HiGHS"), _method("SCIP")
    if not program.integer.any():
        if program.nonzeros <= SMALL:
            return (simplex, glop, interior)
        priced = mostly_priced(program, costs)
        if begun and not priced:
            return (interior, simplex, glop)
        quick = (_dual(),) if priced and not begun else ()
        return (*quick, _begun(program), interior, simplex, glop)
    return (whole, scip, _method("CP-SAT")) if _discrete(program) else (whole, scip)


def _discrete(program: Program) -> bool:
    """Whether CP-SAT can take the program exactly: all whole, bounded and of whole coefficients."""
    bounded = np.isfinite(program.lower).all() and np.isfinite(program.upper).all()
    return bool(program.integer.all() and bounded and (program.matrix.data == np.round(program.matrix.data)).all())


def _method(name: str) -> Method:
    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        return _run(name, program, costs, seconds)

    return Method(f"OR-Tools {name}", run)


def _begun(program: Program) -> Method:
    """The simplex method as long as that may be quicker than the interior point."""

    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        return from_start(_run("HiGHS simplex", program, costs, seconds, most=worthwhile(program)))

    return Method("OR-Tools HiGHS simplex", run)


def _dual() -> Method:
    """GLOP's dual simplex method as long as that may be quicker than the interior point."""

    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        return from_start(_run("GLOP dual simplex", program, costs, seconds))

    return Method("OR-Tools GLOP dual simplex", run)


def _run(
    name: str,
    program: Program,
    costs: Floats,
    seconds: float | None,
    start: Vertex | None = None,
    most: int | None = None,
) -> Solution:
    kind, parameters = _parameters(name, program)
    how = model_parameters_pb2.ModelSolveParametersProto()
    how.reduced_costs_filter.filter_by_ids = True  # none of them: they follow from the duals
    if most is not None:
        parameters.iteration_limit = most
    if name == "GLOP dual simplex":
        parameters.glop.use_dual_simplex = True
        parameters.glop.max_deterministic_time = max(WORK * program.nonzeros, LEAST)
    if start is not None:
        if start.sure:
            # The dual simplex method goes on where little is broken; the primal one among equal answers may take its time.
            parameters.glop.max_deterministic_time = max(WORK * (4.0 if start.dual else 0.5) * program.nonzeros, LEAST)
        else:
            parameters.iteration_limit = start.pivots(program)
        parameters.glop.use_dual_simplex = start.dual
        how.initial_basis.CopyFrom(_basis(program, start))
    if seconds is not None:
        parameters.time_limit.FromNanoseconds(max(int(seconds * 1e9), 1))
    model = message.model(program, costs)
    started = time.perf_counter()
    # HiGHS 1.12 prints a line from its branch and bound whatever its options say.
    with quiet() if name == "HiGHS" else contextlib.nullcontext():
        try:
            result = solver.solve(
                model,
                kind,
                parameters_pb2.SolverInitializerProto(),
                parameters,
                how,
                None,
                callback_pb2.CallbackRegistrationProto(),
                None,
                None,
            )
        except StatusNotOk as e:
            raise Breakdown(str(e)) from e
    return _read(program, result, time.perf_counter() - started)


def _parameters(name: str, program: Program) -> tuple[int, parameters_pb2.SolveParametersProto]:
    """MathOpt's solver and its parameters: one thread, so that an answer repeats; tolerances of 1e-9, of rows what arithmetic allows."""
    rows = rows_tolerance(program)
    parameters = parameters_pb2.SolveParametersProto(enable_output=False)
    if name.startswith("HiGHS"):
        highs = parameters.highs
        highs.string_options["parallel"] = "off"
        highs.int_options["threads"] = 1
        highs.int_options["presolve_rule_off"] = rules_off(program)
        if name != "HiGHS":
            highs.string_options["solver"] = "simplex" if name.endswith("simplex") else "ipx"
        for key in ("primal_feasibility_tolerance", "dual_feasibility_tolerance", "mip_feasibility_tolerance"):
            highs.double_options[key] = rows if key.startswith("primal") else 1e-9
        highs.double_options["mip_rel_gap"] = 1e-9
        highs.double_options["mip_abs_gap"] = 1e-9
        return parameters_pb2.SOLVER_TYPE_HIGHS, parameters
    if name.startswith("GLOP"):
        parameters.glop.primal_feasibility_tolerance = rows
        parameters.glop.dual_feasibility_tolerance = 1e-9
        return parameters_pb2.SOLVER_TYPE_GLOP, parameters
    parameters.threads = 1
    parameters.relative_gap_tolerance = 0.0
    parameters.absolute_gap_tolerance = 1e-9
    if name == "CP-SAT":
        return parameters_pb2.SOLVER_TYPE_CP_SAT, parameters
    parameters.gscip.real_params["numerics/feastol"] = 1e-9
    return parameters_pb2.SOLVER_TYPE_GSCIP, parameters


def _read(program: Program, result: result_pb2.SolveResultProto, seconds: float) -> Solution:
    termination = result.termination
    status = _STATUS.get(termination.reason, Status.ERROR)
    reason = result_pb2.TerminationReasonProto.Name(termination.reason).removeprefix("TERMINATION_REASON_")
    detail = termination.detail or reason
    if status not in (Status.OPTIMAL, Status.FEASIBLE) or not result.solutions:
        return unanswered(status, seconds, detail)
    rows, columns = program.shape
    best = result.solutions[0]
    x = _dense(best.primal_solution.variable_values, columns)
    duals = _dense(best.dual_solution.dual_values, rows) if best.HasField("dual_solution") else None
    stats = result.solve_stats
    iterations = stats.simplex_iterations + stats.barrier_iterations + stats.first_order_iterations
    vertex = _vertex(best.basis, rows, columns) if best.HasField("basis") else None
    return Solution(status, x, duals, termination.objective_bounds.dual_bound, seconds, detail, iterations, vertex)


def _vertex(proto: solution_pb2.BasisProto, rows: int, columns: int) -> Vertex:
    stands, limits = proto.variable_status, proto.constraint_status
    return Vertex(
        _CODES[message.numbers(stands.ids, stands.values, columns, np.uint8)],
        _CODES[message.numbers(limits.ids, limits.values, rows, np.uint8)],
    )


def _basis(program: Program, start: Vertex) -> solution_pb2.BasisProto:
    stands = []
    for codes, low, high in (
        (start.columns, program.lower, program.upper),
        (start.rows, program.row_lower, program.row_upper),
    ):
        fixed = (codes != BASIC) & (low == high)
        stands.append(np.where(fixed, _FIXED, _STANDS[codes]))
    return message.basis(*stands)


def _dense(vector: sparse_containers_pb2.SparseDoubleVectorProto, size: int) -> Floats:
    return message.numbers(vector.ids, vector.values, size, np.float64)
