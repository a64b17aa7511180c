"""MathOpt's messages, written from whole arrays.

Python fills a protocol buffer number by number, which for a large program takes longer than some solves. In a message's bytes
numbers of one field stand side by side as they do in an array, so it is written that way
(https://protobuf.dev/programming-guides/encoding).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.math_opt import model_pb2, solution_pb2, sparse_containers_pb2

from allocator.program import Floats, Program

Bytes = NDArray[np.uint8]
Parts = list[Any]
"""What makes a message when it stands side by side: bytes and arrays."""


def model(program: Program, costs: Floats) -> model_pb2.ModelProto:
    """Return a program as MathOpt takes it: columns and rows have their positions as ids."""
    rows, columns = program.shape
    row_ids, column_ids = _ids(rows), _ids(columns)
    matrix = program.matrix
    if not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()
    priced = np.flatnonzero(costs)
    parts = _message(
        model_pb2.ModelProto,
        variables=_message(
            model_pb2.VariablesProto,
            ids=column_ids,
            lower_bounds=program.lower,
            upper_bounds=program.upper,
            integers=program.integer,
        ),
        objective=_message(
            model_pb2.ObjectiveProto,
            linear_coefficients=_message(
                sparse_containers_pb2.SparseDoubleVectorProto,
                ids=column_ids.take(priced, axis=0),
                values=costs[priced],
            ),
        ),
        linear_constraints=_message(
            model_pb2.LinearConstraintsProto,
            ids=row_ids,
            lower_bounds=program.row_lower,
            upper_bounds=program.row_upper,
        ),
        linear_constraint_matrix=_message(
            sparse_containers_pb2.SparseDoubleMatrixProto,
            row_ids=row_ids.repeat(np.diff(matrix.indptr), axis=0),
            column_ids=column_ids.take(matrix.indices, axis=0),
            coefficients=matrix.data,
        ),
    )
    return model_pb2.ModelProto.FromString(b"".join(parts))


def basis(columns: Bytes, rows: Bytes) -> solution_pb2.BasisProto:
    """Return a basis as MathOpt takes it; where columns and rows stand is given in its codes."""
    parts = _message(
        solution_pb2.BasisProto,
        variable_status=_message(solution_pb2.SparseBasisStatusVector, ids=_ids(len(columns)), values=columns),
        constraint_status=_message(solution_pb2.SparseBasisStatusVector, ids=_ids(len(rows)), values=rows),
    )
    return solution_pb2.BasisProto.FromString(b"".join(parts))


def numbers(ids: Sequence[int], values: Sequence[float], size: int, kind: type[np.generic]) -> NDArray[Any]:
    """Return what a message holds of ``size`` columns or rows as an array; what it leaves out is zero."""
    read = np.fromiter(values, kind, len(values))
    if len(ids) == size:  # ids ascend, so these are all
        return read
    every = np.zeros(size, kind)
    every[np.fromiter(ids, np.int64, len(ids))] = read
    return every


def _message(kind: Any, **fields: Parts | NDArray[Any]) -> Parts:
    """Return the parts of a message: fields of many numbers as arrays (one byte a number, or as doubles), messages as their parts."""
    parts: Parts = []
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            value = [np.ascontiguousarray(value, value.dtype if value.dtype.itemsize == 1 else "<f8")]
        size = sum(memoryview(part).nbytes for part in value)
        length = _varints(np.array([size]), max(size.bit_length(), 1))
        parts += [bytes([kind.DESCRIPTOR.fields_by_name[name].number << 3 | 2]), length, *value]
    return parts


def _ids(size: int) -> Bytes:
    """Ids from 0, a row of bytes each."""
    return _varints(np.arange(size), max(size.bit_length(), 1))


def _varints(whole: NDArray[np.int64], bits: int) -> Bytes:
    """Whole numbers of at most so many bits as protocol buffers write them, seven bits a byte, but all of the same length."""
    width = -(-bits // 7)
    written = (whole[:, None] >> 7 * np.arange(width)).astype(np.uint8) | np.uint8(0x80)
    written[:, -1] &= 0x7F
    return written
