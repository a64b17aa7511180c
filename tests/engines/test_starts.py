"""Engines that start from the vertex of another goal."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from lp_cases import random_program

from allocator.engines import engine
from allocator.engines.basic_solution import basic_solution, standing
from allocator.engines.status import Status, Vertex, certify
from allocator.nearness import Reference, nearest
from allocator.program import Floats, Program, ProgramBuilder

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
        assert again.detail.startswith("the same vertex")


@pytest.mark.parametrize("name", ["ortools", "highs"])
def test_values_and_duals_of_a_basis(name: str) -> None:
    """What a basis says by itself proves the answer that stands there: equalities, ranges, free rows and columns, bounds below 0."""
    seen = 0
    for seed in range(0, 400, 2):
        program, costs = random_program(seed)
        found = engine(name).solve(program, costs)
        if found.vertex is None or not found.vertex.columns.size:
            continue
        told = basic_solution(program, costs, found.vertex)
        assert certify(program, costs, told).proved, seed
        assert told.bound == pytest.approx(found.bound, rel=1e-9, abs=1e-9 * np.abs(costs).max())
        seen += 1
    assert seen > 100


def test_what_is_no_basis() -> None:
    """Too few or too many basic columns and rows are no basis; a singular one is told of; a way that is long is not looked at."""
    program, costs, _second = transport(1)
    found = engine("highs").solve(program, costs)
    assert found.vertex is not None
    lower = np.zeros(program.shape[1], np.int8)
    assert basic_solution(program, costs, replace(found.vertex, columns=lower)).status is Status.ERROR
    singular = lower.copy()
    singular[:24] = 1  # of two rows
    with pytest.raises(RuntimeError):
        basic_solution(program, costs, Vertex(singular, np.zeros(program.shape[0], np.int8)))
    assert standing(program, replace(found.vertex, dual=True)) == ()


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
