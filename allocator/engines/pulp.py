"""PuLP: CBC, which travels with it, and by name every other solver that it reaches.

PuLP has no ranged rows: a row with two limits becomes two constraints. CBC reads and writes text; its MPS has thirteen
digits, but its solution only eight, so a continuous answer is read from CBC's binary solution file instead.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import allocator.engines.mathopt  # noqa: F401 (before PuLP, or OR-Tools crashes)

import pulp  # isort: skip

from allocator.engines.policy import Breakdown, Method, answer, rules_off, unanswered
from allocator.engines.status import Solution, Status, Vertex
from allocator.errors import EngineError
from allocator.program import Floats, Ints, Program
from allocator.texts import _

_SOLUTIONS = {
    pulp.LpSolutionOptimal: Status.OPTIMAL,
    pulp.LpSolutionIntegerFeasible: Status.FEASIBLE,
    # Interfaces report "infeasible or unbounded" as either; the policy finds out which.
    pulp.LpSolutionInfeasible: Status.INFEASIBLE_OR_UNBOUNDED,
    pulp.LpSolutionUnbounded: Status.INFEASIBLE_OR_UNBOUNDED,
}


@dataclass(frozen=True)
class Pulp:
    """A solver behind PuLP as an engine."""

    name: str
    version: str
    methods: Callable[[Program], Sequence[Method]]

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
        return answer(program, costs, seconds, self.methods, start)


class _Cbc(pulp.COIN_CMD):  # type: ignore[misc]
    """CBC that leaves its values in a binary file too."""

    exact: Path
    _words: str

    def create_tmp_files(self, name: str, *ends: str) -> tuple[str, ...]:
        """Name the temporary files and remember where PuLP will look for the solution."""
        files = tuple(super().create_tmp_files(name, *ends))
        self._words = files[ends.index("sol")]
        return files

    def getOptions(self) -> list[str]:
        """Solve, save and stop, before the commands that PuLP adds after its options."""
        solve = "solve" if self.mip else "initialSolve"
        last = [solve, f"saveSolution {self.exact}", "printingOptions all", f"solution {self._words}", "quit"]
        return [*super().getOptions(), *last]


@dataclass(frozen=True)
class _Translation:
    """A program in PuLP's words.

    Attributes
    ----------
    problem : pulp.LpProblem
    columns : list of pulp.LpVariable
        In the program's order.
    constraints : list of pulp.LpConstraint
    rows : int array, shape (constraints,)
        The program's row behind each constraint.
    """

    problem: pulp.LpProblem
    columns: list[pulp.LpVariable]
    constraints: list[pulp.LpConstraint]
    rows: Ints


def pulp_engine(solver: str) -> Pulp:
    """Return the engine ``pulp`` (CBC, if ``solver`` is blank) or ``pulp:solver``.

    Raises
    ------
    EngineError
        If PuLP does not know the solver, or it is not installed or has no licence.
    """
    if solver.lower() in ("", "cbc"):
        path = _cbc()
        return Pulp("pulp", f"PuLP {pulp.__version__}, CBC {_cbc_version(path)}", _cbc_methods(path))
    known = {name.lower(): name for name in pulp.listSolvers()}
    if solver.lower() not in known:
        names = ", ".join(sorted(known.values()))
        raise EngineError(_("PuLP knows no solver {name}. It knows: {names}.").format(name=repr(solver), names=names))
    word = known[solver.lower()]
    try:
        available = pulp.getSolver(word, msg=False).available()
    except (pulp.PulpSolverError, ImportError, OSError, RuntimeError) as e:
        raise EngineError(_("{name} cannot be used: {reason}").format(name=word, reason=e)) from e
    if not available:
        raise EngineError(
            _(
                "{name} is not installed or has no licence here. Install it, with its Python package, or take another "
                "engine: ortools, highs, pulp."
            ).format(name=word)
        )
    return Pulp(f"pulp:{word}", f"PuLP {pulp.__version__}, {word}", _named_methods(word))


def _cbc() -> str:
    """Path of CBC: the one that travels with PuLP, else the system's."""
    for path in (pulp.PULP_CBC_CMD.pulp_cbc_path, pulp.COIN_CMD().path):
        if pulp.COIN_CMD(path=path, msg=False).available():
            return str(path)
    raise EngineError(_("CBC is not installed. Install it (pip install 'pulp[cbc]'), or take another engine."))


def _cbc_version(path: str) -> str:
    said = subprocess.run([path, "-quit"], capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    found = re.search(r"Version:\s*(\S+)", said.stdout)
    return found[1] if found else ""


def _cbc_methods(path: str) -> Callable[[Program], Sequence[Method]]:
    def method(name: str, *options: str) -> Method:
        def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
            return _run_cbc(path, program, costs, seconds, options)

        return Method(f"CBC {name}", run)

    tight = ("primalTolerance 1e-9", "dualTolerance 1e-9")

    def methods(program: Program) -> Sequence[Method]:
        if program.integer.any():
            return (method("branch and cut", "integerTolerance 1e-9"), method("branch and bound", "preprocess off"))
        return (method("simplex", *tight), method("simplex without presolve", *tight, "presolve off"))

    return methods


def _named_methods(word: str) -> Callable[[Program], Sequence[Method]]:
    def run(program: Program, costs: Floats, seconds: float | None) -> Solution:
        options: dict[str, object] = {"msg": False, "timeLimit": seconds, "gapRel": 0.0, "threads": 1}
        sample = pulp.getSolver(word, msg=False)
        accepted = inspect.signature(type(sample).__init__).parameters
        rules = {"presolve_rule_off": rules_off(program)} if word == "HiGHS" else {}
        solver = pulp.getSolver(word, **{k: v for k, v in options.items() if k in accepted}, **rules)
        translation = _translate(program, costs)
        started = time.perf_counter()
        _solve(translation, solver)
        return _read(program, costs, translation, time.perf_counter() - started, seconds)

    return lambda program: (Method(word, run),)


def _run_cbc(path: str, program: Program, costs: Floats, seconds: float | None, options: Sequence[str]) -> Solution:
    translation = _translate(program, costs)
    whole = bool(program.integer.any())
    with tempfile.TemporaryDirectory() as folder:
        exact = Path(folder) / "exact"
        solver = _Cbc(path=path, mip=whole, msg=False, timeLimit=seconds, gapRel=0, gapAbs=1e-9, options=[*options])
        solver.tmpDir, solver.exact = folder, exact
        started = time.perf_counter()
        _solve(translation, solver)
        found = _read(program, costs, translation, time.perf_counter() - started, seconds)
        if found.x is None or not exact.exists():
            return found
        return _exact(program, translation, found, exact.read_bytes())


def _solve(translation: _Translation, solver: pulp.LpSolver) -> None:
    try:
        translation.problem.solve(solver)
    except pulp.PulpSolverError as e:
        raise Breakdown(str(e)) from e


def _translate(program: Program, costs: Floats) -> _Translation:
    problem = pulp.LpProblem("program", pulp.LpMinimize)
    # Names are padded because PuLP sorts columns by name; then its order is the program's.
    columns = [
        problem.add_variable(f"x{j:09d}", low, high, pulp.LpInteger if whole else pulp.LpContinuous)
        for j, (low, high, whole) in enumerate(
            zip(_limits(program.lower), _limits(program.upper), program.integer.tolist(), strict=True)
        )
    ]
    # Zero costs are named too: PuLP forgets a column that stands nowhere.
    problem.setObjective(pulp.LpAffineExpression(dict(zip(columns, costs.tolist(), strict=True))))
    low, high = program.row_lower, program.row_upper
    equal = low == high
    at_least, at_most = np.isfinite(low) & ~equal, np.isfinite(high) & ~equal
    senses = (
        (equal, pulp.LpConstraintEQ, low),
        (at_least, pulp.LpConstraintGE, low),
        (at_most, pulp.LpConstraintLE, high),
    )
    start, index, data = program.matrix.indptr.tolist(), program.matrix.indices.tolist(), program.matrix.data.tolist()
    constraints: list[pulp.LpConstraint] = []
    origin: list[int] = []
    for chosen, sense, side in senses:
        for i in np.flatnonzero(chosen).tolist():
            terms = {columns[index[k]]: data[k] for k in range(start[i], start[i + 1])}
            constraint = pulp.LpConstraint(pulp.LpAffineExpression(terms), sense, rhs=float(side[i]))
            problem.addConstraint(constraint, f"r{len(origin):09d}")
            constraints.append(constraint)
            origin.append(i)
    return _Translation(problem, columns, constraints, np.array(origin, dtype=np.int64))


def _limits(values: Floats) -> list[float | None]:
    return [v if np.isfinite(v) else None for v in values.tolist()]


def _read(program: Program, costs: Floats, translation: _Translation, seconds: float, limit: float | None) -> Solution:
    problem = translation.problem
    detail = f"{pulp.LpStatus[problem.status]}, {pulp.LpSolution[problem.sol_status]}"
    late = limit is not None and seconds >= limit
    status = _SOLUTIONS.get(problem.sol_status, Status.NO_SOLUTION_FOUND if limit is not None else Status.ERROR)
    if problem.status == pulp.LpStatusInfeasible:
        # CBC's "integer infeasible" has no solution status of its own.
        status = Status.INFEASIBLE_OR_UNBOUNDED
    elif problem.status == pulp.LpStatusUndefined:
        status = Status.ERROR
    if status is Status.OPTIMAL and late and program.integer.any():
        # PuLP's word for "stopped at the limit" is "Optimal" with some solvers.
        status = Status.FEASIBLE
    if status not in (Status.OPTIMAL, Status.FEASIBLE):
        return unanswered(status, seconds, detail)
    values = [c.varValue for c in translation.columns]
    if any(v is None for v in values):
        return unanswered(Status.ERROR, seconds, f"{detail}, without values")
    x = np.array(values, dtype=np.float64)
    duals = None
    prices = [c.pi for c in translation.constraints]
    if not program.integer.any() and all(p is not None for p in prices):
        duals = _combined(program, translation, np.array(prices, dtype=np.float64))
    bound = float(costs @ x) if status is Status.OPTIMAL else -np.inf
    return Solution(status, x, duals, bound, seconds, detail)


def _combined(program: Program, translation: _Translation, prices: Floats) -> Floats:
    """Duals of the program's rows; of a row's two sides one binds at most."""
    return np.bincount(translation.rows, weights=prices, minlength=program.shape[0]).astype(np.float64)


def _exact(program: Program, translation: _Translation, found: Solution, saved: bytes) -> Solution:
    """Replace values by those of CBC's binary file.

    Two 32-bit counts, then doubles: objective, row activities, row duals, column values, reduced costs.
    """
    rows, columns = np.frombuffer(saved, np.int32, 2).tolist()
    values = np.frombuffer(saved, np.float64, offset=8)
    if (rows, columns) != (len(translation.rows), program.shape[1]) or len(values) != 1 + 2 * rows + 2 * columns:
        return found
    duals = _combined(program, translation, values[1 + rows : 1 + 2 * rows])
    x = values[1 + 2 * rows : 1 + 2 * rows + columns].copy()
    return Solution(found.status, x, duals, found.bound, found.seconds, found.detail)
