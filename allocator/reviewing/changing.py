"""Programs that count how far they move from numbers that were given."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.program import Family, Floats, Goal, Ints, Program


def counted(program: Program, matrix: sp.csr_array, given: Floats, weight: Floats, name: str) -> tuple[Program, Goal]:
    """Add what lies above and below given numbers, and the goal of their weighted sum.

    ``matrix · x − up + down = given``, up and down ≥ 0: at the least of Σ weight · (up + down) this is the L1 distance.

    Parameters
    ----------
    program : Program
    matrix : scipy.sparse.csr_array, shape (numbers, columns)
        May have fewer columns than the program.
    given, weight : float array, shape (numbers,)
    name : str
        Of the goal, and of the columns and rows.

    Returns
    -------
    program : Program
    goal : Goal
    """
    size, columns = len(given), program.shape[1]
    wide = sp.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=(size, columns))
    one = sp.eye_array(size, format="csr")
    whole = sp.vstack(
        [
            sp.hstack([program.matrix, sp.csr_array((program.shape[0], 2 * size))]),
            sp.hstack([wide, -one, one]),
        ],
        format="csr",
    )
    number = {"number": np.arange(size)}
    added = tuple(
        Family(f"{name} {way}", "the number's", columns + k * size, columns + (k + 1) * size, number)
        for k, way in enumerate(("up", "down"))
    )
    rows = Family(name, "the number's", program.shape[0], program.shape[0] + size, number)
    costs = np.concatenate([np.zeros(columns), weight, weight])
    wider = replace(
        program,
        lower=np.append(program.lower, np.zeros(2 * size)),
        upper=np.append(program.upper, np.full(2 * size, np.inf)),
        integer=np.append(program.integer, np.zeros(2 * size, bool)),
        matrix=sp.csr_array(whole),
        row_lower=np.append(program.row_lower, given),
        row_upper=np.append(program.row_upper, given),
        column_families=(*program.column_families, *added),
        row_families=(*program.row_families, rows),
        goals=tuple(padded(goal, columns + 2 * size) for goal in program.goals),
    )
    return wider, Goal(name, name, costs, wish=True)


def beyond_limit(
    program: Program, matrix: sp.csr_array, given: Floats, most: Floats, weight: Floats, name: str
) -> tuple[Program, Goal]:
    """Add by how much numbers lie further than ``most`` from given ones, and the goal of its weighted sum.

    ``given − most − v ≤ matrix · x ≤ given + most + v``, v ≥ 0.
    """
    size, (rows, columns) = len(given), program.shape
    one = sp.eye_array(size, format="csr")
    added = sp.vstack([sp.hstack([matrix, -one]), sp.hstack([matrix, one])])
    whole = sp.vstack([sp.hstack([program.matrix, sp.csr_array((rows, size))]), added], format="csr")
    number = {"number": np.arange(size)}
    sides = tuple(
        Family(f"{name} {way}", "the number's", rows + k * size, rows + (k + 1) * size, number)
        for k, way in enumerate(("up", "down"))
    )
    free = np.full(size, np.inf)
    wider = replace(
        program,
        lower=np.append(program.lower, np.zeros(size)),
        upper=np.append(program.upper, free),
        integer=np.append(program.integer, np.zeros(size, bool)),
        matrix=sp.csr_array(whole),
        row_lower=np.concatenate([program.row_lower, -free, given - most]),
        row_upper=np.concatenate([program.row_upper, given + most, free]),
        column_families=(*program.column_families, Family(name, "the number's", columns, columns + size, number)),
        row_families=(*program.row_families, *sides),
        goals=tuple(padded(goal, columns + size) for goal in program.goals),
    )
    return wider, Goal(name, name, np.append(np.zeros(columns), weight), wish=True)


def padded(goal: Goal, columns: int) -> Goal:
    """The same goal over more columns."""
    return replace(goal, costs=np.pad(goal.costs, (0, columns - len(goal.costs))))


def held_within(program: Program, goals: list[tuple[Goal, float]]) -> Program:
    """Add a row for each goal that keeps its value at or below a number."""
    if not goals:
        return program
    matrix = sp.csr_array(np.stack([np.pad(g.costs, (0, program.shape[1] - len(g.costs))) for g, _most in goals]))
    most = np.array([m - g.constant for g, m in goals])
    start = program.shape[0]
    labels = {"goal": pd.Categorical([g.name for g, _most in goals])}
    family = Family("A goal keeps what it reached", "the goal's", start, start + len(goals), labels)
    return replace(
        program,
        matrix=sp.csr_array(sp.vstack([program.matrix, matrix])),
        row_lower=np.append(program.row_lower, np.full(len(goals), -np.inf)),
        row_upper=np.append(program.row_upper, most + 1e-9 * np.maximum(1.0, np.abs(most))),
        row_families=(*program.row_families, family),
    )


def picked(columns: Ints, size: int) -> sp.csr_array:
    """Rows that read some columns, one each."""
    return sp.csr_array((np.ones(len(columns)), (np.arange(len(columns)), columns)), shape=(len(columns), size))
