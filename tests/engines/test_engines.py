"""Every engine: statuses, certificates, limits, silence, the same answer twice."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from lp_cases import INF, chatty, market_split, program, random_program, staircase

from allocator.engines import engine
from allocator.engines.policy import SMALL, Method, answer, unanswered
from allocator.engines.quiet import quiet
from allocator.engines.status import Solution, Status, Vertex, certify, violation
from allocator.errors import EngineError

ENGINES = ("ortools", "highs", "pulp")
ALL = (*ENGINES, "pulp:HiGHS")
each_engine = pytest.mark.parametrize("name", ALL)


@pytest.mark.parametrize("seed", range(150))
def test_engines_agree(seed: int) -> None:
    """Three solvers written by different people say the same of the same program, and prove what they say."""
    chosen, costs = random_program(seed)
    answers = [engine(name).solve(chosen, costs) for name in ENGINES]
    assert len({a.status for a in answers}) == 1, [(a.status, a.detail) for a in answers]
    assert answers[0].status in (Status.OPTIMAL, Status.INFEASIBLE, Status.UNBOUNDED)
    if answers[0].status is not Status.OPTIMAL:
        assert all(a.x is None and a.duals is None for a in answers)
        return
    values = [float(costs @ a.x) for a in answers if a.x is not None]
    assert len(values) == len(ENGINES)
    assert np.ptp(values) <= 1e-6 * max(np.abs(costs).max(), np.abs(values).max())
    for a in answers:
        assert a.x is not None
        assert violation(chosen, a.x) <= 1e-6
        assert a.bound == pytest.approx(values[0], rel=1e-6, abs=1e-6 * np.abs(costs).max())
        if chosen.integer.any():
            assert a.duals is None
            assert (a.x[chosen.integer] == np.round(a.x[chosen.integer])).all()
        else:
            assert certify(chosen, costs, a).proved


def test_random_programs_cover_every_status() -> None:
    """The programs of the test above are not all of one kind."""
    found = {engine("highs").solve(*random_program(seed)).status for seed in range(0, 150, 2)}
    assert found == {Status.OPTIMAL, Status.INFEASIBLE, Status.UNBOUNDED}


def test_a_certificate_can_fail() -> None:
    """A worse point, a wrong price, a wrong sign and a value that is no number are each refused."""
    chosen, costs = program([[1.0, 0], [0, 2], [3, 2]], -INF, [4, 12, 18]), np.array([-3.0, -5])
    best = Solution(Status.OPTIMAL, np.array([2.0, 6]), np.array([0, -1.5, -1]), -36, 0)
    assert certify(chosen, costs, best).proved
    for x, duals in (
        ([2.0, 5.9], [0, -1.5, -1]),
        ([2.0, 6], [0, -1.4, -1]),
        ([2.0, 6], [0, 1.5, 1]),
        ([2.1, 6], [0, -1.5, -1]),
        ([np.nan, 6], [0, -1.5, -1]),
        ([2.0, 6], [0, np.nan, -1]),
    ):
        assert not certify(chosen, costs, replace(best, x=np.array(x), duals=np.array(duals))).proved


@each_engine
def test_edges(name: str) -> None:
    """Programs without rows, columns or goal, with fixed, free, crossed and far bounds have their obvious answers."""
    solve = engine(name).solve
    nothing = np.zeros(0)
    assert solve(program(np.zeros((0, 0)), nothing, nothing), nothing).status is Status.OPTIMAL
    box = program(np.zeros((0, 2)), nothing, nothing, [-1, 2], [4, 2])
    found = solve(box, np.array([-1.0, 1]))
    assert found.x is not None
    assert found.x.tolist() == [4, 2]
    assert solve(program(np.zeros((0, 1)), nothing, nothing, -INF), np.array([1.0])).status is Status.UNBOUNDED
    assert solve(program(np.zeros((1, 1)), 1, 2), np.array([1.0])).status is Status.INFEASIBLE
    assert solve(program([[1.0]], 0, 9, lower=3, upper=2), np.array([1.0])).status is Status.INFEASIBLE
    assert solve(program([[1.0]], 5, 4), np.array([1.0])).status is Status.INFEASIBLE
    assert solve(program([[1.0]], INF, INF), np.array([1.0])).status is Status.INFEASIBLE
    assert solve(program([[1.0]], 0, 9, 0.2, 0.8, integer=True), np.array([1.0])).status is Status.INFEASIBLE
    free = solve(program([[1.0, 1]], 3, 3, -INF), np.zeros(2))
    assert free.status is Status.OPTIMAL
    fixed = solve(program([[1.0, 1], [0, 0]], [3, -1], [3, 1], [1, 0], [1, INF]), np.array([5.0, 1]))
    assert fixed.x is not None
    assert fixed.x.tolist() == [1, 2]
    idle = solve(program([[1.0, 0]], 1, 2, [0, -4], [9, 5]), np.array([1.0, 0]))
    assert idle.status is Status.OPTIMAL


@each_engine
def test_duals_are_prices(name: str) -> None:
    """A dual is what the minimum changes per unit of the row's active side, ranges and equalities included."""
    chosen = program([[1.0, 1], [1, -1], [2, 1]], [2, -1, -INF], [8, -1, 30], 0, 20)
    costs = np.array([2.0, 3])
    found = engine(name).solve(chosen, costs)
    assert found.duals is not None
    for row, side in ((0, "row_lower"), (1, "both")):
        moved = replace(chosen, row_lower=chosen.row_lower.copy(), row_upper=chosen.row_upper.copy())
        moved.row_lower[row] += 0.01
        if side == "both":
            moved.row_upper[row] += 0.01
        after = engine(name).solve(moved, costs)
        assert (after.bound - found.bound) / 0.01 == pytest.approx(found.duals[row], abs=1e-6)
    upper = engine(name).solve(chosen, -costs)
    assert upper.duals is not None
    assert upper.duals[0] < 0


@each_engine
def test_scale_of_costs_does_not_matter(name: str) -> None:
    """The same optimum for costs of 1e-9 and of 1e9; an absolute tolerance would blur the small ones."""
    chosen = program([[1.0, 1, 1]], 10, 10, 0, [4, 5, 6])
    costs = np.array([1.0, 2, 3])
    for scale in (1e-9, 1e-4, 1.0, 1e5, 1e9):
        found = engine(name).solve(chosen, costs * scale)
        assert found.x is not None
        assert found.duals is not None
        assert found.x == pytest.approx([4, 5, 1])
        assert found.duals / scale == pytest.approx([3.0])


@each_engine
@pytest.mark.parametrize("slack", [True, False])
def test_a_limit_is_no_proof(name: str, slack: bool) -> None:
    """A hard program cut short is FEASIBLE or has no answer, never OPTIMAL, and an answer in hand keeps the rules."""
    chosen, costs = market_split(slack)
    found = engine(name).solve(chosen, costs, seconds=0.4)
    if slack:
        assert found.status in (Status.FEASIBLE, Status.NO_SOLUTION_FOUND)
    else:
        assert found.status is Status.NO_SOLUTION_FOUND
    assert found.seconds < 5
    if found.status is Status.FEASIBLE:
        assert found.x is not None
        assert violation(chosen, found.x) <= 1e-6
        assert found.bound <= costs @ found.x
    else:
        assert found.x is None


@each_engine
def test_no_time_at_all(name: str) -> None:
    """Without time there is no answer, and that is no error."""
    assert engine(name).solve(*staircase(4), seconds=0.0).status is Status.NO_SOLUTION_FOUND


@pytest.mark.parametrize(("part", "method"), [(3, "interior point"), (1, "simplex")])
def test_a_larger_program_is_proved_and_a_vertex(part: int, method: str) -> None:
    """A larger program goes to simplex, and to the interior point where that takes long; engines agree, answers are vertices."""
    chosen, costs = staircase(50)
    costs = np.where(np.arange(len(costs)) % part, 0.0, costs)
    assert chosen.nonzeros > SMALL
    answers = [engine(name).solve(chosen, costs) for name in ENGINES]
    assert method in answers[0].detail
    assert method in answers[1].detail
    assert np.ptp([a.bound for a in answers]) <= 1e-6 * abs(answers[0].bound)
    for a in answers:
        assert a.x is not None
        assert certify(chosen, costs, a).proved
        between = (a.x > chosen.lower + 1e-7) & (a.x < chosen.upper - 1e-7)
        assert between.sum() <= chosen.shape[0]


def test_what_one_method_gives_up_another_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """With next to no work allowed, the simplex methods give up, from a vertex and from nothing; the interior point finds the same."""
    chosen, costs = staircase(50)
    vertex = engine("ortools").solve(chosen, -costs).vertex
    answers = [engine("ortools").solve(chosen, costs, start=start) for start in (None, vertex)]
    assert all("GLOP" in a.detail for a in answers)
    monkeypatch.setattr("allocator.engines.ortools.WORK", 0.0)
    monkeypatch.setattr("allocator.engines.ortools.LEAST", 1e-3)
    monkeypatch.setattr("allocator.engines.ortools.worthwhile", lambda program: 1)
    for start in (None, vertex):
        found = engine("ortools").solve(chosen, costs, start=start)
        assert "interior point" in found.detail
        assert found.bound == pytest.approx(answers[0].bound, rel=1e-9)


@each_engine
def test_the_same_answer_twice(name: str) -> None:
    """An engine repeats itself to the last bit, also where many answers are best."""
    tied = program(np.ones((3, 30)), 5, 9, 0, 1), np.ones(30)
    whole = replace(tied[0], integer=np.arange(30) % 2 == 0), tied[1]
    for case in (tied, whole, staircase(20)):
        first, second = (engine(name).solve(*case) for _ in range(2))
        assert first.x is not None
        assert second.x is not None
        assert (first.x == second.x).all()


@each_engine
def test_silence(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing reaches the screen, whatever the status."""
    chosen = engine(name)
    for seed in range(0, 30):
        chosen.solve(*random_program(seed))
    chosen.solve(*staircase(4))
    chosen.solve(*chatty())
    chosen.solve(*market_split(slack=True), seconds=0.2)
    assert capfd.readouterr() == ("", "")


def test_quiet_ends(capfd: pytest.CaptureFixture[str]) -> None:
    """What native code prints in a quiet block is lost, what comes before and after is not, errors included."""
    os.write(1, b"before ")
    with pytest.raises(OSError, match="descriptor"), quiet():
        os.write(os.write(1, b"lost") + 10_000, b"an error")
    os.write(1, b"after")
    assert capfd.readouterr().out == "before after"


@each_engine
def test_no_numbers_no_answer(name: str) -> None:
    """NaN anywhere, an infinite coefficient or too few costs are refused with a sentence."""
    good = program([[1.0, 1]], 1, 2)
    bad = [replace(good, lower=np.array([np.nan, 0])), replace(good, row_upper=np.array([np.nan]))]
    bad.append(replace(good, matrix=good.matrix * np.inf))
    for chosen in bad:
        with pytest.raises(EngineError):
            engine(name).solve(chosen, np.ones(2))
    for costs in (np.array([1.0, np.nan]), np.array([1.0, INF]), np.ones(1)):
        with pytest.raises(EngineError):
            engine(name).solve(good, costs)


@each_engine
def test_whole_columns_hold_the_rest_exactly(name: str) -> None:
    """With a coefficient of a million, a column that is whole only to 1e-6 would sell a unit that is not there."""
    chosen = program([[1.0, -1e6], [1.0, 0]], [-INF, -INF], [0, 2_500_000.4], 0, [INF, 3], [False, True])
    found = engine(name).solve(chosen, np.array([-1.0, 500_000]))
    assert found.x is not None
    assert found.x[1] in (2, 3)
    assert found.x[0] <= 1e6 * found.x[1] + 1e-6
    assert costs_value(found) == pytest.approx(-1_000_400.4, rel=1e-9) or costs_value(found) == pytest.approx(-1e6)


@pytest.mark.timeout(60)
@each_engine
def test_whole_columns_that_presolve_stumbled_on(name: str) -> None:
    """What is left of random models 7575 and 67: HiGHS 1.13.1 went round for ever on the first, and ended in an error on the second."""
    sold = [-1.0, -1, -1, 0, 1]
    rows = [[1.0, 0, 0, -3, 0], [0.0, 1, 0, -2, 0], sold, sold]
    first = program(rows, [0, 0, -INF, 0], 0, 0, [3, 2, 0, 1, INF], [False, False, False, True, False])
    found = engine(name).solve(first, np.array([0.0, 0, 0, 0, -1]))
    assert found.status is Status.OPTIMAL
    assert found.x == pytest.approx([3, 2, 0, 1, 5])
    rows = [[-0.7 / 9, 1, 0], [-1.4 / 9, 1, 1]]
    second = program(rows, [23 / 9, -INF], [23 / 9, 28 / 9], 0, [3, INF, INF], [False, True, True])
    assert engine(name).solve(second, np.zeros(3)).status is Status.INFEASIBLE


def test_an_answer_that_is_known_cannot_be_denied() -> None:
    """A way that says there is none is not believed then, and the next one is asked."""
    chosen, costs = program([[1.0, 1]], -INF, 2.5, 0, 5, [False, True]), np.array([0.0, -1])
    denies = Method("one", lambda _program, _costs, _seconds: unanswered(Status.INFEASIBLE))
    finds = Method("other", lambda asked, c, seconds: engine("highs").solve(asked, c, seconds=seconds))
    known, broken = Vertex.known(np.array([0.5, 2])), Vertex.known(np.array([1.5, 2]))

    def said(start: Vertex | None, *ways: Method) -> Status:
        return answer(chosen, costs, None, lambda _program: ways, start).status

    assert said(known, denies, finds) is Status.OPTIMAL
    assert said(known, denies) is Status.ERROR
    assert said(broken, denies, finds) is said(None, denies, finds) is Status.INFEASIBLE


@each_engine
def test_rows_in_which_nothing_moves(name: str) -> None:
    """A row whose columns are all held is kept or broken by them, whatever the whole columns do."""
    chosen = program([[1.0, 0], [2, 0]], -INF, [4, 12], [3, 0], [3, 5.5], [False, True])
    costs = np.array([1.0, -1])
    found = engine(name).solve(chosen, costs)
    assert found.status is Status.OPTIMAL
    assert found.x == pytest.approx([3, 5])
    assert found.bound == pytest.approx(-2)
    broken = program([[1.0, 0], [2, 0]], -INF, [4, 12], [5, 0], [5, 5.5], [False, True])
    assert engine(name).solve(broken, costs).status is Status.INFEASIBLE


def costs_value(found: Solution) -> float:
    """Return the value of the goal of the test above."""
    assert found.x is not None
    return float(np.array([-1.0, 500_000]) @ found.x)


@pytest.mark.parametrize("name", ["gurobi9", "", "pulp:NOSUCH", "ortools:x", "highs:y"])
def test_unknown_engines(name: str) -> None:
    """A name that is no engine is refused with the list of those there are."""
    with pytest.raises(EngineError, match=r"ortools|PULP_CBC_CMD"):
        engine(name)


@pytest.mark.parametrize("name", ["GUROBI", "CPLEX_PY", "COPT", "MOSEK", "XPRESS", "SCIP_PY"])
def test_a_missing_solver_says_so(name: str) -> None:
    """A solver that PuLP knows and this machine has not got is an error with a remedy; one that is there solves."""
    import pulp

    if pulp.getSolver(name, msg=False).available():
        found = engine(f"pulp:{name}").solve(program([[1.0]], 1, 2), np.ones(1))
        assert found.status is Status.OPTIMAL
    else:
        with pytest.raises(EngineError, match="not installed"):
            engine(f"pulp:{name.lower()}")


@each_engine
def test_names_and_versions(name: str) -> None:
    """An engine knows the name it was asked by and its version."""
    chosen = engine(name)
    assert chosen.name == name
    assert any(c.isdigit() for c in chosen.version)
