"""Published cases with known optima and duals."""

from __future__ import annotations

import numpy as np
import pytest
from lp_cases import INF, program

from allocator.engines import engine
from allocator.engines.status import Status

each_engine = pytest.mark.parametrize("name", ["ortools", "highs", "pulp", "pulp:HiGHS"])


@each_engine
def test_wyndor(name: str) -> None:
    """Wyndor Glass (Hillier and Lieberman): 36 at (2, 6), shadow prices 0, 3/2, 1."""
    found = engine(name).solve(program([[1, 0], [0, 2], [3, 2]], -INF, [4, 12, 18]), np.array([-3.0, -5]))
    assert found.x == pytest.approx([2, 6])
    assert found.bound == pytest.approx(-36)
    # The program is minimised, so that a price comes with the other sign.
    assert found.duals == pytest.approx([0, -1.5, -1])


@each_engine
def test_media_selection(name: str) -> None:
    """Media selection (Anderson, Sweeney, Williams): 2370; budget 0.06, newspapers 16, television rule −25."""
    rows = [
        [1500, 3000, 400, 1000, 100],
        [1, 1, 0, 0, 0],
        [1500, 3000, 0, 0, 0],
        [1000, 2000, 1500, 2500, 300],
    ]
    limits = program(
        np.vstack([rows, np.eye(5)]),
        [-INF, 10, -INF, 50_000, *[-INF] * 5],
        [30_000, INF, 18_000, INF, 15, 10, 25, 4, 30],
    )
    found = engine(name).solve(limits, -np.array([65.0, 90, 40, 60, 20]))
    assert found.x == pytest.approx([10, 0, 25, 2, 30])
    assert found.bound == pytest.approx(-2370)
    assert found.duals is not None
    assert -found.duals == pytest.approx([0.06, -25, 0, 0, 0, 0, 16, 0, 14])


@each_engine
def test_ampl_relaxation(name: str) -> None:
    """The infeasible program of AMPL's documentation: each violation at price 1, the least total is 5 at (1, 1)."""
    rows = [[-1, 21], [-3, 2], [20, 1], [1, 0]]
    strict = program(rows, [2, -INF, -INF, 5], [INF, 1, 20, INF], integer=True)
    assert engine(name).solve(strict, np.zeros(2)).status is Status.INFEASIBLE
    elastic = np.hstack([rows, np.diag([1, -1, -1, 1])])
    loose = program(elastic, [2, -INF, -INF, 5], [INF, 1, 20, INF], integer=[True] * 2 + [False] * 4)
    found = engine(name).solve(loose, np.array([0.0, 0, 1, 1, 1, 1]))
    assert found.bound == pytest.approx(5)
    assert found.x is not None
    assert found.x[:2].tolist() == [1, 1]


@each_engine
def test_highs_presolve_fault(name: str) -> None:
    """A case that HiGHS 1.14.0 answers with 15 and calls optimal (ERGO-Code/HiGHS issue 3043); the optimum is 9."""
    found = engine(name).solve(program([[1, 1]], 4.5, INF, 0, 10, [False, True]), np.array([2.0, 3]))
    assert found.bound == pytest.approx(9)
    assert found.x == pytest.approx([4.5, 0])
