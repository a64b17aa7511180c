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
from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2, result_pb2
from pybind11_abseil.status import StatusNotOk  # type: ignore[import-untyped]

from allocator.engines.mathopt import solver
from allocator.engines.policy import SMALL, Breakdown, Method, answer, unanswered
from allocator.engines.quiet import quiet
from allocator.engines.status import Solution, Status
from allocator.program import Floats, Program

_STATUS = {
    result_pb2.TERMINATION_REASON_OPTIMAL: Status.OPTIMAL,
    result_pb2.TERMINATION_REASON_FEASIBLE: Status.FEASIBLE,
    result_pb2.TERMINATION_REASON_INFEASIBLE: Status.INFEASIBLE,
    result_pb2.TERMINATION_REASON_UNBOUNDED: Status.UNBOUNDED,
    result_pb2.TERMINATION_REASON_INFEASIBLE_OR_UNBOUNDED: Status.INFEASIBLE_OR_UNBOUNDED,
    result_pb2.TERMINATION_REASON_NO_SOLUTION_FOUND: Status.NO_SOLUTION_FOUND,
}


@dataclass(frozen=True)
class OrTools:
    """OR-Tools as an engine."""

    name: str = "ortools"
    version: str = str(ortools.__version__)

    def solve(self, program: Program, costs: Floats, *, seconds: float | None = None, goal: str = "") -> Solution:
        """Minimise ``costs · x``; see :class:`allocator.engines.status.Engine`."""
        return answer(program, costs, seconds, _methods)


def _methods(program: Program) -> Sequence[Method]:
    simplex, glop = _method("HiGHS simplex"), _method("GLOP")
    interior, whole, scip = _method("HiGHS interior point"), _method("HiGHS"), _method("SCIP")
    if not program.integer.any():
        return (simplex, glop, interior) if program.nonzeros <= SMALL else (interior, simplex, glop)
    return (whole, scip, _method("CP-SAT")) if _discrete(program) else (whole, scip)


def _discrete(program: Program) -> bool:
    """Whether CP-SAT can take the program exactly: all whole, bounded and of whole coefficients."""
    bounded = np.isfinite(program.lower).all() and np.isfinite(program.upper).all()
    return bool(program.integer.all() and bounded and (program.matrix.data == np.round(program.matrix.data)).all())


def _method(name: str) -> Method:
    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        return _run(name, program, costs, seconds)

    return Method(f"OR-Tools {name}", run)


def _run(name: str, program: Program, costs: Floats, seconds: float | None) -> Solution:
    kind, parameters = _parameters(name)
    if seconds is not None:
        parameters.time_limit.FromNanoseconds(max(int(seconds * 1e9), 1))
    model = _proto(program, costs)
    started = time.perf_counter()
    # HiGHS 1.12 prints a line from its branch and bound whatever its options say.
    with quiet() if name == "HiGHS" else contextlib.nullcontext():
        try:
            result = solver.solve(
                model,
                kind,
                parameters_pb2.SolverInitializerProto(),
                parameters,
                model_parameters_pb2.ModelSolveParametersProto(),
                None,
                callback_pb2.CallbackRegistrationProto(),
                None,
                None,
            )
        except StatusNotOk as e:
            raise Breakdown(str(e)) from e
    return _read(program, result, time.perf_counter() - started)


def _parameters(name: str) -> tuple[int, parameters_pb2.SolveParametersProto]:
    """MathOpt's solver and its parameters: one thread, so that an answer repeats; tolerances of 1e-9."""
    parameters = parameters_pb2.SolveParametersProto(enable_output=False)
    if name.startswith("HiGHS"):
        highs = parameters.highs
        highs.string_options["parallel"] = "off"
        highs.int_options["threads"] = 1
        if name != "HiGHS":
            highs.string_options["solver"] = "simplex" if name.endswith("simplex") else "ipx"
        for key in ("primal_feasibility_tolerance", "dual_feasibility_tolerance", "mip_feasibility_tolerance"):
            highs.double_options[key] = 1e-9
        highs.double_options["mip_rel_gap"] = 1e-9
        highs.double_options["mip_abs_gap"] = 1e-9
        return parameters_pb2.SOLVER_TYPE_HIGHS, parameters
    if name == "GLOP":
        parameters.glop.primal_feasibility_tolerance = 1e-9
        parameters.glop.dual_feasibility_tolerance = 1e-9
        return parameters_pb2.SOLVER_TYPE_GLOP, parameters
    parameters.threads = 1
    parameters.relative_gap_tolerance = 0.0
    parameters.absolute_gap_tolerance = 1e-9
    if name == "CP-SAT":
        return parameters_pb2.SOLVER_TYPE_CP_SAT, parameters
    parameters.gscip.real_params["numerics/feastol"] = 1e-9
    return parameters_pb2.SOLVER_TYPE_GSCIP, parameters


def _proto(program: Program, costs: Floats) -> model_pb2.ModelProto:
    rows, columns = program.shape
    model = model_pb2.ModelProto()
    variables = model.variables
    variables.ids.extend(range(columns))
    variables.lower_bounds.extend(program.lower.tolist())
    variables.upper_bounds.extend(program.upper.tolist())
    variables.integers.extend(program.integer.tolist())
    priced = np.flatnonzero(costs)
    model.objective.linear_coefficients.ids.extend(priced.tolist())
    model.objective.linear_coefficients.values.extend(costs[priced].tolist())
    constraints = model.linear_constraints
    constraints.ids.extend(range(rows))
    constraints.lower_bounds.extend(program.row_lower.tolist())
    constraints.upper_bounds.extend(program.row_upper.tolist())
    matrix = program.matrix
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    triplets = model.linear_constraint_matrix
    triplets.row_ids.extend(np.repeat(np.arange(rows), np.diff(matrix.indptr)).tolist())
    triplets.column_ids.extend(matrix.indices.tolist())
    triplets.coefficients.extend(matrix.data.tolist())
    return model


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
    return Solution(status, x, duals, termination.objective_bounds.dual_bound, seconds, detail, iterations)


def _dense(vector: object, size: int) -> Floats:
    values = np.zeros(size)
    values[np.array(vector.ids, dtype=np.int64)] = vector.values  # type: ignore[attr-defined]
    return values
