"""Engines that start from the vertex of another goal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from lp_cases import random_program

from allocator.engines import engine
from allocator.engines.basic_solution import basic_solution, regular, same_vertex
from allocator.engines.status import Status, Vertex, certify
from allocator.nearness import Reference, nearest
from allocator.ordering import Ordering
from allocator.program import Floats, Goal, Program, ProgramBuilder

ENGINES = ("ortools", "highs", "pulp")


def transport(seed: int, size: int = 12) -> tuple[Program, Floats, Floats]:
    """A random program of bounded columns between floors and ceilings of its rows, and two goals."""
    rng = np.random.default_rng(seed)
    builder = ProgramBuilder()
    columns = size * size
    builder.add_columns("x", "visits", {"n": np.arange(columns)}, columns, upper=rng.uniform(1, 9, columns))
    by_row = sp.csr_array(np.kron(np.eye(size), np.ones(size)))
    by_column = sp.csr_array(np.kron(np.ones(size), np.eye(size)))
    builder.add_rows("from", "visits", {"n": np.arange(size)}, by_row, np.full(size, -np.inf), rng.uniform(9, 12, size))
    builder.add_rows("to", "visits", {"n": np.arange(size)}, by_column, rng.uniform(5, 8, size), np.full(size, np.inf))
    return builder.build(), rng.uniform(1, 5, columns), rng.uniform(-5, 5, columns)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("seed", range(4))
def test_the_answer_is_that_from_nothing(name: str, seed: int) -> None:
    """From the vertex of another goal, by either simplex method, the best value is that of a solve from nothing."""
    program, first, second = transport(seed)
    solver = engine(name)
    begun, best = solver.solve(program, first), solver.solve(program, second)
    assert best.status is Status.OPTIMAL
    if name != "pulp":
        assert begun.vertex is not None
        assert begun.vertex.fits(program)
        assert int((begun.vertex.columns == 1).sum() + (begun.vertex.rows == 1).sum()) == program.shape[0]
    for vertex in (begun.vertex, None if begun.vertex is None else replace(begun.vertex, dual=True, sure=False)):
        found = solver.solve(program, second, start=vertex)
        assert found.bound == pytest.approx(best.bound, rel=1e-9)


@pytest.mark.parametrize("name", ENGINES)
def test_the_best_vertex_takes_no_pivot(name: str) -> None:
    """Started where it ended, an engine that can start has nothing to do; others begin again."""
    program, _first, costs = transport(7)
    solver = engine(name)
    begun = solver.solve(program, costs)
    again = solver.solve(program, costs, start=begun.vertex)
    assert again.bound == pytest.approx(begun.bound, rel=1e-12)
    if name != "pulp":
        assert begun.iterations is not None
        assert begun.iterations > 0
        assert again.iterations == 0
        assert "the same vertex" in again.detail
        # With bounds that may be new the solver itself is asked.
        assert begun.vertex is not None
        other = solver.solve(program, costs, start=replace(begun.vertex, dual=True))
        assert "from a vertex" in other.detail
        assert other.iterations == 0


@pytest.mark.parametrize("name", ENGINES)
def test_a_vertex_that_is_nearly_the_best_is_not_kept(name: str) -> None:
    """Ten units that are to be gained beside fifty million that cannot move are a millionth of a fifth: they are gained."""
    builder = ProgramBuilder()
    upper = np.append(np.full(50, 1e7), [10.0, 10.0])
    builder.add_columns("x", "visits", {"n": np.arange(52)}, 52, upper=upper)
    last = np.append(np.zeros(50), [1.0, 1.0])
    matrix = sp.csr_array(np.vstack([np.eye(50, 52), last]))
    low = np.append(np.full(50, 1e6), 5.0)
    builder.add_rows("least", "visits", {"n": np.arange(51)}, matrix, low, np.full(51, np.inf))
    costs = np.ones(52)
    costs[50] = 1.5
    goals = (Goal("first", "first", np.append(np.full(50, 0.1), [0.0, 0.0])), Goal("then", "then", costs))
    outcome = Ordering(replace(builder.build(), goals=goals), engine(name)).run()
    assert outcome.x is not None
    assert outcome.x[50:] == pytest.approx([0.0, 5.0], abs=1e-6)
    assert outcome.best["then"] == pytest.approx(50_000_005, abs=1e-3)


@pytest.mark.parametrize("name", ["ortools", "highs"])
def test_values_and_duals_of_a_basis(name: str) -> None:
    """What a basis says by itself proves the answer that stands there: equalities, ranges, free rows and columns, bounds below 0.

    At a basis drawn at random it says so only where it is one; infinite bounds do no harm.
    """
    seen = 0
    for seed in range(0, 400, 2):  # odd ones have whole columns
        program, costs = random_program(seed)
        found = engine(name).solve(program, costs)
        if found.vertex is None:
            continue
        told = basic_solution(program, costs, found.vertex)
        assert told.status is Status.OPTIMAL, seed
        assert certify(program, costs, told).proved, seed
        assert told.bound == pytest.approx(found.bound, rel=1e-9, abs=1e-9 * np.abs(costs).max())
        seen += 1
        drawn = np.random.default_rng(seed).permutation(np.concatenate([found.vertex.columns, found.vertex.rows]))
        count = len(found.vertex.columns)
        start = Vertex(drawn[:count], drawn[count:])
        assert engine(name).solve(program, costs, start=start).bound == pytest.approx(found.bound, rel=1e-7, abs=1e-7)
    assert seen > 100


def test_a_matrix_without_an_inverse_is_seen() -> None:
    """What is told to be regular is: SuperLU crashes on others."""
    rng, seen = np.random.default_rng(3), [0, 0]
    for case in range(1000):
        size = int(rng.integers(1, 9 if case % 2 else 40))
        filled = rng.random((size, size)) < rng.choice([0.05, 0.1, 0.2, 0.4, 0.6])
        matrix = np.where(filled, rng.integers(-3, 4, (size, size)), 0) + np.diag(rng.integers(0, 3, size))
        told = regular(sp.csr_array(matrix.astype(float)))
        assert told == (np.linalg.matrix_rank(matrix) == size)
        seen[told] += 1
    assert min(seen) > 100


def test_what_is_no_basis() -> None:
    """Too few or too many basic columns and rows are no basis; a singular one is told of; where bounds are new nothing is looked at."""
    program, costs, _second = transport(1)
    name = "highs"
    found = engine(name).solve(program, costs)
    assert found.vertex is not None
    lower = np.zeros(program.shape[1], np.int8)
    for columns in (lower, lower + 1):
        assert basic_solution(program, costs, replace(found.vertex, columns=columns)).status is Status.ERROR
    singular = lower.copy()
    singular[:24] = 1  # of two rows
    bounded = np.where(np.isfinite(program.row_lower), 0, 2).astype(np.int8)
    assert basic_solution(program, costs, Vertex(singular, bounded)).detail == "singular"
    assert same_vertex(name, replace(found.vertex, dual=True)) == ()
    assert len(same_vertex(name, found.vertex)) == 1


@pytest.mark.parametrize("name", ENGINES)
def test_nonsense_does_no_harm(name: str) -> None:
    """From codes drawn at random, and from a vertex of another shape, the answer is still proved and the same."""
    program, _first, costs = transport(3)
    solver = engine(name)
    best = solver.solve(program, costs)
    rng = np.random.default_rng(0)
    rows, columns = program.shape
    for shape in ((columns, rows), (columns + 1, rows), (columns, rows - 1)):
        for dual in (False, True):
            drawn = [rng.integers(0, 4, n).astype(np.int8) for n in shape]
            found = solver.solve(program, costs, start=Vertex(drawn[0], drawn[1], dual=dual))
            assert found.status is Status.OPTIMAL
            assert found.bound == pytest.approx(best.bound, rel=1e-9)


@pytest.mark.parametrize("name", ["ortools", "highs"])
@pytest.mark.parametrize("seed", range(4))
def test_settling_starts_where_the_goal_ended(name: str, seed: int) -> None:
    """A vertex mapped to the pieces of its columns is one of theirs, and the nearest answer is the same from it as from nothing."""
    program, costs, _second = transport(seed)
    solver = engine(name)
    found = solver.solve(program, costs)
    assert found.x is not None
    chosen = np.arange(0, program.shape[1], 2)
    middle = program.upper[chosen] / 2
    split = nearest(program, Reference(chosen, middle, middle), np.zeros(program.shape[1]))
    start = split.start(found.x, found.vertex)
    assert start is not None
    assert start.fits(split.program)
    assert int((start.columns == 1).sum() + (start.rows == 1).sum()) == program.shape[0]
    standing = np.where(
        start.columns == 2, split.program.upper, np.where(start.columns == 0, split.program.lower, np.nan)
    )
    back = split.back(standing)
    told = ~np.isnan(back)
    assert told.sum() >= program.shape[1] - program.shape[0]
    assert back[told] == pytest.approx(found.x[told], abs=1e-9)
    from_nothing, from_there = (solver.solve(split.program, split.costs, start=at) for at in (None, start))
    assert from_nothing.x is not None
    assert from_there.x is not None
    assert split.back(from_there.x)[chosen] == pytest.approx(split.back(from_nothing.x)[chosen], abs=1e-7)
