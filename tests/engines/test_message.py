"""MathOpt's messages written from arrays, beside the same written number by number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from lp_cases import INF, program, random_program
from ortools.math_opt import model_pb2, solution_pb2

from allocator.engines import message
from allocator.program import Floats, Program


def by_hand(chosen: Program, costs: Floats) -> model_pb2.ModelProto:
    """A program as MathOpt's message, number by number."""
    model = model_pb2.ModelProto()
    for j in range(len(costs)):
        model.variables.ids.append(j)
        model.variables.lower_bounds.append(chosen.lower[j])
        model.variables.upper_bounds.append(chosen.upper[j])
        model.variables.integers.append(bool(chosen.integer[j]))
        if costs[j] != 0:
            model.objective.linear_coefficients.ids.append(j)
            model.objective.linear_coefficients.values.append(costs[j])
    dense = chosen.matrix.toarray()
    for i in range(len(dense)):
        model.linear_constraints.ids.append(i)
        model.linear_constraints.lower_bounds.append(chosen.row_lower[i])
        model.linear_constraints.upper_bounds.append(chosen.row_upper[i])
        for j in np.flatnonzero(dense[i]).tolist():
            model.linear_constraint_matrix.row_ids.append(i)
            model.linear_constraint_matrix.column_ids.append(j)
            model.linear_constraint_matrix.coefficients.append(dense[i, j])
    return model


def fields(model: model_pb2.ModelProto) -> dict[str, list[str]]:
    """Every number of a model by its field, written so that −0 is not 0."""
    parts = {
        "variables": model.variables,
        "costs": model.objective.linear_coefficients,
        "rows": model.linear_constraints,
        "matrix": model.linear_constraint_matrix,
    }
    return {
        f"{part} {field.name}": [repr(number) for number in getattr(of, field.name)]
        for part, of in parts.items()
        for field in of.DESCRIPTOR.fields
        if field.is_repeated
    }


@pytest.mark.parametrize("seed", range(60))
def test_every_field_is_that_written_by_hand(seed: int) -> None:
    """Bounds (infinite ones too), whole columns, costs and coefficients arrive to the last bit, of any small program."""
    chosen, costs = random_program(seed)
    chosen = replace(chosen, matrix=sp.csr_array(chosen.matrix.toarray()))
    expected = fields(by_hand(chosen, costs))
    assert fields(message.model(chosen, costs)) == expected
    assert len(expected["variables ids"]) == len(costs)


@pytest.mark.parametrize("columns", [0, 1, 127, 128, 129, 16_383, 16_384, 16_385])
def test_ids_of_any_length(columns: int) -> None:
    """Ids around the lengths at which they take another byte are counted on, in columns, costs, coefficients and rows."""
    chosen = program(np.ones((2, columns)), -INF, 1, 0.0, np.arange(columns) + 0.1, shape=(2, columns))
    model = message.model(chosen, np.ones(columns))
    assert list(model.variables.ids) == list(range(columns))
    assert list(model.objective.linear_coefficients.ids) == list(range(columns))
    assert list(model.linear_constraint_matrix.column_ids) == [*range(columns), *range(columns)]
    assert list(model.linear_constraint_matrix.row_ids) == [0] * columns + [1] * columns
    across = message.model(replace_rows(chosen, columns), np.ones(1))
    assert list(across.linear_constraints.ids) == list(range(columns))
    assert list(across.linear_constraints.upper_bounds) == (np.arange(columns) + 0.1).tolist()


def replace_rows(chosen: Program, rows: int) -> Program:
    """One column with as many rows as a program has columns."""
    return program(np.ones((rows, 1)), -INF, chosen.upper, shape=(rows, 1))


def test_strange_numbers_and_arrays() -> None:
    """A negative zero, the smallest and largest numbers, arrays that are not in one piece, and coefficients given twice."""
    strange = np.array([-0.0, 5e-324, -1.7976931348623157e308, INF, -INF])
    chosen = program(np.eye(5), strange, strange[::-1], strange, np.repeat(strange, 2)[::2])
    found = fields(message.model(chosen, np.array([0.0, -0.0, 1e-300, 3, -3])))
    as_written = [repr(x) for x in strange.tolist()]
    assert found["variables lower_bounds"] == as_written
    assert found["variables upper_bounds"] == as_written
    assert found["rows lower_bounds"] == as_written
    assert found["rows upper_bounds"] == as_written[::-1]
    assert found["costs ids"] == ["2", "3", "4"]
    twice = sp.csr_array((np.array([1.0, 2, 3]), np.array([1, 0, 1]), np.array([0, 3])), shape=(1, 2))
    model = message.model(replace(program(np.ones((1, 2)), 0, 1), matrix=twice), np.ones(2))
    assert list(model.linear_constraint_matrix.column_ids) == [0, 1]
    assert list(model.linear_constraint_matrix.coefficients) == [2, 4]


def test_a_basis_and_back() -> None:
    """Where columns and rows stand is written as it is read, with ids or without some of them."""
    stands, limits = np.array([1, 2, 3, 4, 5, 5, 1], np.uint8), np.arange(1, 301).astype(np.uint8) % 5 + 1
    written = message.basis(stands, limits)
    assert list(written.variable_status.ids) == list(range(7))
    assert list(written.variable_status.values) == stands.tolist()
    assert list(written.constraint_status.ids) == list(range(300))
    assert list(written.constraint_status.values) == limits.tolist()
    part = solution_pb2.SparseBasisStatusVector(ids=[1, 4], values=[5, 2])
    assert message.numbers(part.ids, part.values, 6, np.uint8).tolist() == [0, 5, 0, 0, 2, 0]
    every = written.constraint_status
    assert (message.numbers(every.ids, every.values, 300, np.uint8) == limits).all()
