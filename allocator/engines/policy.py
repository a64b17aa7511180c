"""What every engine does alike: refuse nonsense, try one method after another, and believe nothing unproved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from allocator.engines.status import Solution, Status, Vertex, certify, violation
from allocator.errors import EngineError
from allocator.program import Floats, Ints, Program
from allocator.texts import _

TOLERANCE = 1e-6
"""To what an answer must be proved, relative."""

SMALL = 20_000
"""Nonzeros up to which the simplex method is not given up for the interior point."""

DEPENDENT, FORCING = 1 << 10, 1 << 6
"""Presolve rules of HiGHS, as bits: dependent equations and forcing rows."""

MOSTLY = 0.75
"""Part of the columns."""

TIGHT, LOOSE = 1e-9, 1e-7
"""By how much rows and bounds of an answer may be violated at least and at most, absolute."""


def rows_tolerance(program: Program) -> float:
    """By how much rows and bounds may be violated: sums of large numbers cannot be told more precisely than arithmetic goes."""
    sides = np.abs(np.concatenate([program.row_lower, program.row_upper]))
    return float(np.clip(4e-15 * sides[np.isfinite(sides)].max(initial=0.0), TIGHT, LOOSE))


def rules_off(program: Program) -> int:
    """Presolve rules that HiGHS leaves out, as bits.

    Its search for dependent equations may take 1,000 s, and did not end within ten minutes on a program of 3,000 reps that takes 7 s
    without it. With whole numbers, presolve may go round for ever after a forcing row, or end in an error (1.12, 1.13.1).
    """
    return DEPENDENT | FORCING if program.integer.any() else DEPENDENT


def mostly_priced(program: Program, costs: Floats) -> bool:
    """Whether most of the columns that may move have a cost that counts: then little stands in the way of the dual simplex method."""
    free, size = program.lower < program.upper, np.abs(costs)
    counts = free & (size > 1e-6 * size.max(initial=0.0))
    return bool(np.count_nonzero(counts) > MOSTLY * np.count_nonzero(free))


@dataclass(frozen=True)
class Method:
    """One way of an engine to solve a program.

    Attributes
    ----------
    name : str
    run : function of program, costs, seconds (or None)
        Answers in the engine's good faith. ERROR makes the policy try the next method.
    """

    name: str
    run: Callable[[Program, Floats, float | None], Solution]


class Breakdown(Exception):
    """A solver broke down on a program; another method may do better."""


Methods = Callable[[Program], Sequence[Method]]


def unanswered(status: Status, seconds: float = 0.0, detail: str = "") -> Solution:
    """Return a solution without values."""
    return Solution(status, None, None, -np.inf, seconds, detail)


def from_start(found: Solution) -> Solution:
    """Leave what is neither an optimal answer nor that there is none to the next method."""
    done = found.status in (Status.OPTIMAL, Status.INFEASIBLE)
    return found if done else unanswered(Status.ERROR, found.seconds, found.detail)


def answer(
    program: Program, costs: Floats, seconds: float | None, methods: Methods, start: Vertex | None = None
) -> Solution:
    """Minimise ``costs · x`` by the first method whose answer stands up to proof; ``start`` may know that there is one.

    Raises
    ------
    EngineError
        If the program holds something that is not a number, or a solver breaks down.
    """
    _refuse(program, costs)
    deadline = np.inf if seconds is None else time.perf_counter() + seconds
    program = _whole_bounds(program)
    if _crossed(program.lower, program.upper) or _crossed(program.row_lower, program.row_upper):
        return unanswered(Status.INFEASIBLE, detail="a lower bound is above its upper bound")
    program = _uncrossed(program)
    if program.nonzeros == 0:
        return _apart(program, costs)
    scale = _scale(costs)
    spent, broken = 0.0, 0
    details: list[str] = []
    for method in methods(program):
        if time.perf_counter() >= deadline:
            return unanswered(Status.NO_SOLUTION_FOUND, spent, "; ".join([*details, "time limit"]))
        try:
            found = _attempt(method, program, costs * scale, deadline, methods)
        except Breakdown as e:
            broken += 1
            details.append(f"{method.name}: {e}")
            continue
        judged = _judge(program, costs * scale, found, deadline, methods)
        if judged.status is Status.INFEASIBLE and _refuted(program, start):
            judged = unanswered(Status.ERROR, judged.seconds, f"{judged.detail}, yet an answer is known")
        spent += judged.seconds
        detail = f"{method.name}: {judged.detail}"
        if judged.status is not Status.ERROR:
            duals = None if judged.duals is None else judged.duals / scale
            return replace(judged, duals=duals, bound=judged.bound / scale, seconds=spent, detail=detail)
        details.append(detail)
    if broken == len(details):
        raise EngineError(_("The solver broke down. {details}").format(details="; ".join(details)))
    return unanswered(Status.ERROR, spent, "; ".join(details))


def _refuted(program: Program, start: Vertex | None) -> bool:
    """Whether an answer is known, so that there cannot be none."""
    point = None if start is None else start.point
    return point is not None and len(point) == program.shape[1] and violation(program, point) <= TOLERANCE


def _refuse(program: Program, costs: Floats) -> None:
    rows, columns = program.shape
    parts = (program.lower, program.upper, program.row_lower, program.row_upper, program.matrix.data, costs)
    if any(np.isnan(p).any() for p in parts):
        raise EngineError(_("The program holds values that are not numbers (NaN); no engine can solve it."))
    if not (np.isfinite(program.matrix.data).all() and np.isfinite(costs).all()):
        raise EngineError(_("The program holds infinite coefficients or costs; no engine can solve it."))
    if len(costs) != columns or program.matrix.shape != (rows, columns):
        raise EngineError(
            _("The program has {columns} columns but {costs} costs.").format(columns=columns, costs=len(costs))
        )


def _whole_bounds(program: Program) -> Program:
    """Round bounds of whole columns inwards."""
    if not program.integer.any():
        return program
    lower = np.where(program.integer, np.ceil(program.lower - TOLERANCE), program.lower)
    upper = np.where(program.integer, np.floor(program.upper + TOLERANCE), program.upper)
    return replace(program, lower=lower, upper=upper)


def _crossed(lower: Floats, upper: Floats) -> bool:
    """Whether a lower bound is above its upper one by more than rounding, or stands at the wrong infinity."""
    with np.errstate(invalid="ignore"):
        apart = lower > upper + 1e-9 * (1 + np.abs(upper))
    return bool((apart | (lower == np.inf) | (upper == -np.inf)).any())


def _uncrossed(program: Program) -> Program:
    """Close bounds that crossed by rounding only."""
    lower, row_lower = np.minimum(program.lower, program.upper), np.minimum(program.row_lower, program.row_upper)
    return replace(program, lower=lower, row_lower=row_lower)


def _scale(costs: Floats) -> float:
    """Power of two that brings the largest cost into 1 … 2¹⁴, where absolute tolerances mean something."""
    most = float(np.max(np.abs(costs), initial=0.0))
    if most == 0 or 1 <= most <= 2**14:
        return 1.0
    return float(2.0 ** (-np.floor(np.log2(most)) + (14 if most > 2**14 else 0)))


def _apart(program: Program, costs: Floats) -> Solution:
    """Answer a program without coefficients: each column stands at its better bound."""
    lower, upper = program.lower, program.upper
    rows = (program.row_lower <= TOLERANCE) & (program.row_upper >= -TOLERANCE)
    detail = "no coefficients"
    if not rows.all():
        return unanswered(Status.INFEASIBLE, detail=detail)
    x = np.where(costs > 0, lower, np.where(costs < 0, upper, np.clip(0.0, lower, upper)))
    if not np.isfinite(x).all():
        return unanswered(Status.UNBOUNDED, detail=detail)
    duals = None if program.integer.any() else np.zeros(len(rows))
    return Solution(Status.OPTIMAL, x + 0.0, duals, float(costs @ x), 0.0, detail)


def _attempt(method: Method, program: Program, costs: Floats, deadline: float, methods: Methods) -> Solution:
    """Run a method; what it calls unbounded must show a point and a direction."""
    found = _run(method, program, costs, deadline)
    if found.status not in (Status.UNBOUNDED, Status.INFEASIBLE_OR_UNBOUNDED):
        return found
    point = _run(method, program, np.zeros_like(costs), deadline)
    detail, seconds = f"{found.detail}, without costs {point.detail}", found.seconds + point.seconds
    if point.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
        # Without costs nothing is unbounded.
        return unanswered(Status.INFEASIBLE, seconds, detail)
    if point.status not in (Status.OPTIMAL, Status.FEASIBLE):
        return unanswered(point.status, seconds, detail)
    ray = answer(_directions(program), costs, _left(deadline), methods)
    seconds += ray.seconds
    if ray.status is Status.NO_SOLUTION_FOUND:
        return unanswered(Status.INFEASIBLE_OR_UNBOUNDED, seconds, detail)
    if ray.status is Status.OPTIMAL and ray.bound < -TOLERANCE:
        return unanswered(Status.UNBOUNDED, seconds, detail)
    return unanswered(Status.ERROR, seconds, f"{detail}, yet bounded")


def _run(method: Method, program: Program, costs: Floats, deadline: float) -> Solution:
    """Run a method; where whole numbers are to be chosen, on the columns that can move."""
    free = program.lower < program.upper
    if not (program.integer & free).any():
        return _call(method, program, costs, deadline)
    moves = np.flatnonzero(free)
    return _among_all(program, costs, moves, _call(method, _only(program, moves), costs[moves], deadline))


def _call(method: Method, program: Program, costs: Floats, deadline: float) -> Solution:
    try:
        return method.run(program, costs, _left(deadline))
    except MemoryError as e:
        raise EngineError(_("{engine} ran out of memory.").format(engine=method.name)) from e
    except RuntimeError as e:
        # How bindings report an error of a solver written in C++.
        raise Breakdown(str(e)) from e


def _only(program: Program, moves: Ints) -> Program:
    """The program of the columns that can move.

    With others beside them and whole numbers, HiGHS' presolve may go round for ever or end in an error (1.12, 1.13.1).
    """
    at = program.lower.copy()
    at[moves] = 0.0
    still = program.matrix @ at
    return replace(
        program,
        lower=program.lower[moves],
        upper=program.upper[moves],
        integer=program.integer[moves],
        matrix=sp.csr_array(program.matrix[:, moves]),
        row_lower=program.row_lower - still,
        row_upper=program.row_upper - still,
    )


def _among_all(program: Program, costs: Floats, moves: Ints, found: Solution) -> Solution:
    """An answer for the columns that can move, with those that cannot."""
    x = program.lower.copy()
    x[moves] = 0.0
    bound = found.bound + float(costs @ x)
    if found.x is None or len(found.x) != len(moves):
        return replace(found, x=None, bound=bound)
    x[moves] = found.x
    return replace(found, x=x, bound=bound)


def _left(deadline: float) -> float | None:
    """Seconds until the deadline, a little at least; none if there is no deadline."""
    return None if np.isinf(deadline) else max(deadline - time.perf_counter(), 1e-3)


def _directions(program: Program) -> Program:
    """Directions of length up to 1 in which one can go on for ever (for rational data, whole columns or not)."""
    return replace(
        program,
        lower=np.where(np.isfinite(program.lower), 0.0, -1.0),
        upper=np.where(np.isfinite(program.upper), 0.0, 1.0),
        integer=np.zeros_like(program.integer),
        row_lower=np.where(np.isfinite(program.row_lower), 0.0, -np.inf),
        row_upper=np.where(np.isfinite(program.row_upper), 0.0, np.inf),
    )


def _judge(program: Program, costs: Floats, found: Solution, deadline: float, methods: Methods) -> Solution:
    """Take an answer's word only as far as it is proved."""
    if found.status not in (Status.OPTIMAL, Status.FEASIBLE):
        return unanswered(found.status, found.seconds, found.detail)
    if found.x is None or len(found.x) != len(costs) or not np.isfinite(found.x).all():
        return unanswered(Status.ERROR, found.seconds, f"{found.detail}, without values")
    found = replace(found, x=np.clip(found.x, program.lower, program.upper) + 0.0)
    if program.integer.any():
        return _judge_whole(program, costs, found, deadline, methods)
    if found.status is Status.FEASIBLE:
        return _incumbent(program, found)
    if found.duals is None or len(found.duals) != program.shape[0]:
        return unanswered(Status.ERROR, found.seconds, f"{found.detail}, without duals")
    proof = certify(program, costs, found)
    if not proof.proved:
        detail = f"{found.detail}, not proved (primal {proof.primal:.1e}, dual {proof.dual:.1e}, gap {proof.gap:.1e})"
        return unanswered(Status.ERROR, found.seconds, detail)
    assert found.x is not None
    return replace(found, bound=float(costs @ found.x))


def _judge_whole(program: Program, costs: Floats, found: Solution, deadline: float, methods: Methods) -> Solution:
    """Set the whole columns to whole numbers, the others to the best that goes with them."""
    assert found.x is not None
    x = np.where(program.integer, np.round(found.x), found.x)
    seconds = found.seconds
    if found.status is Status.OPTIMAL and not program.integer.all() and time.perf_counter() < deadline:
        fixed = replace(
            program,
            lower=np.where(program.integer, x, program.lower),
            upper=np.where(program.integer, x, program.upper),
            integer=np.zeros_like(program.integer),
        )
        polished = answer(fixed, costs, _left(deadline), methods)
        seconds += polished.seconds
        if polished.status is Status.OPTIMAL and polished.x is not None:
            x = polished.x
    found = replace(found, x=x, duals=None, seconds=seconds)
    if found.status is Status.FEASIBLE:
        return _incumbent(program, found)
    value, wrong = float(costs @ x), violation(program, x)
    gap = (value - found.bound) / (1 + abs(value))
    if wrong > TOLERANCE or not gap <= TOLERANCE:
        return unanswered(Status.ERROR, seconds, f"{found.detail}, not proved (primal {wrong:.1e}, gap {gap:.1e})")
    return found


def _incumbent(program: Program, found: Solution) -> Solution:
    """Keep what a limit left in hand only if it keeps the rules."""
    assert found.x is not None
    if violation(program, found.x) > TOLERANCE:
        return unanswered(Status.NO_SOLUTION_FOUND, found.seconds, found.detail)
    return replace(found, duals=None)
