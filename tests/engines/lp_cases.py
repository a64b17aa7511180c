"""Small programs for the tests of the engines."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from allocator.program import Floats, Program

INF = np.inf


def program(
    matrix: object,
    row_lower: object,
    row_upper: object,
    lower: object = 0.0,
    upper: object = INF,
    integer: object = False,
    shape: tuple[int, int] | None = None,
) -> Program:
    """Return a program without labels."""
    a = sp.csr_array(np.asarray(matrix, dtype=np.float64).reshape(shape or np.shape(matrix)))
    rows, columns = a.shape
    return Program(
        lower=np.broadcast_to(np.asarray(lower, dtype=np.float64), columns).copy(),
        upper=np.broadcast_to(np.asarray(upper, dtype=np.float64), columns).copy(),
        integer=np.broadcast_to(np.asarray(integer, dtype=bool), columns).copy(),
        matrix=a,
        row_lower=np.broadcast_to(np.asarray(row_lower, dtype=np.float64), rows).copy(),
        row_upper=np.broadcast_to(np.asarray(row_upper, dtype=np.float64), rows).copy(),
        column_families=(),
        row_families=(),
    )


def random_program(seed: int) -> tuple[Program, Floats]:
    """Return anything: equalities, ranges, free rows and columns, fixed and negative bounds.

    If the seed is odd, some columns are whole; these are bounded, or branch and bound need never end.
    """
    r = np.random.default_rng(seed)
    rows, columns = int(r.integers(0, 8)), int(r.integers(1, 9))
    matrix = np.where(r.random((rows, columns)) < 0.5, r.integers(-4, 6, (rows, columns)), 0) * 1.0
    matrix *= r.choice([1, 1, 0.37], (rows, 1))
    lower = np.where(r.random(columns) < 0.75, 0.0, r.choice([-INF, -3.5, 2.0], columns))
    upper = np.where(r.random(columns) < 0.5, INF, lower.clip(-5) + r.integers(0, 6, columns))
    integer = (r.random(columns) < 0.5) & (seed % 2 == 1)
    # Two thirds are bounded, so that there is something to optimise.
    closed = integer | (seed % 3 > 0)
    lower = np.where(closed, lower.clip(-5), lower)
    upper = np.where(closed & np.isinf(upper), lower.clip(-5) + 7, upper)
    inside = matrix @ r.uniform(lower.clip(-5), upper.clip(-5, 9)) if seed % 5 else r.integers(-3, 12, rows) * 1.0
    kind = r.integers(0, 5, rows)
    slack = r.integers(0, 4, rows)
    row_lower = np.select([kind == 0, kind == 1, kind == 2], [inside, inside - slack, inside - slack - 1], -INF)
    row_upper = np.select([kind == 0, kind == 1, kind == 3], [inside, inside + 2, inside + slack], INF)
    costs = r.integers(-5, 6, columns) * r.choice([1.0, 1e-5, 1e6])
    return program(matrix, row_lower, row_upper, lower, upper, integer, (rows, columns)), costs


def market_split(slack: bool) -> tuple[Program, Floats]:
    """Return a program hard for every branch and bound (Cornuéjols and Dawande, 1998)."""
    r = np.random.default_rng(1)
    items, rows = 60, 8
    sizes = r.integers(0, 100, (rows, items)) * 1.0
    half = np.floor(sizes.sum(axis=1) / 2)
    if not slack:
        return program(sizes, half, half, 0.0, 1.0, integer=True), r.integers(1, 9, items) * 1.0
    matrix = np.hstack([sizes, np.eye(rows), -np.eye(rows)])
    upper = np.r_[np.ones(items), np.full(2 * rows, INF)]
    whole = np.r_[np.ones(items, bool), np.zeros(2 * rows, bool)]
    return program(matrix, half, half, 0.0, upper, whole), np.r_[np.zeros(items), np.ones(2 * rows)]


def chatty() -> tuple[Program, Floats]:
    """Return a program on which the branch and bound of HiGHS 1.12 prints a line although it is told not to."""
    r = np.random.default_rng(114)
    columns, rows = int(r.integers(5, 20)), int(r.integers(2, 8))
    matrix = r.uniform(0, 10, (rows, columns)) * (r.random((rows, columns)) < 0.6)
    matrix *= r.choice([1, 1, 1e3, 1e-2], (rows, 1))
    upper, whole = r.choice([1, 3, 50.0], columns), r.random(columns) < 0.6
    return program(matrix, -INF, matrix.sum(axis=1) * 0.4, 0, upper, whole), -r.uniform(0, 5, columns)


def staircase(stages: int) -> tuple[Program, Floats]:
    """Return a program to make, keep and sell over ``stages`` months."""
    r = np.random.default_rng(stages)
    width, rows = 60, 25
    make = [sp.random_array((rows, width), density=0.15, rng=r, data_sampler=lambda size: r.uniform(0.5, 2, size))]
    make *= stages
    carry = sp.kron(sp.eye_array(stages, k=-1), sp.csr_array(make[0] * -0.5))
    a = sp.csr_array(sp.block_diag(make) + carry)
    empty = program(np.zeros((1, 1)), 0, 0)
    point = r.uniform(0, 3, a.shape[1])
    activity = a @ point
    bounded = Program(
        lower=np.zeros(a.shape[1]),
        upper=np.full(a.shape[1], 5.0),
        integer=np.zeros(a.shape[1], bool),
        matrix=a,
        row_lower=activity - r.uniform(0, 1, a.shape[0]),
        row_upper=activity + r.uniform(0, 1, a.shape[0]),
        column_families=empty.column_families,
        row_families=empty.row_families,
    )
    return bounded, r.uniform(-1, 1, a.shape[1])
