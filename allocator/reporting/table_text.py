"""A frame as CSV text: exact numbers, and quick for hundreds of thousands of rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd


def csv_text(frame: pd.DataFrame) -> str:
    """Return a frame as CSV with a heading row.

    Numbers are the shortest text that reads back as the same double, blanks are empty cells, dates are ISO dates.
    """
    columns = [_cells(frame.iloc[:, k]) for k in range(frame.shape[1])]
    heading = ",".join(_quoted(str(c)) for c in frame.columns)
    return "\n".join([heading, *map(",".join, zip(*columns, strict=True)), ""])


ROWS = 250_000
"""Rows that become text together."""


def csv_parts(frame: pd.DataFrame) -> Iterator[bytes]:
    """Return the same in parts, so that millions of rows need little memory."""
    for begin in range(0, max(len(frame), 1), ROWS):
        text = csv_text(frame.iloc[begin : begin + ROWS])
        yield (text.partition("\n")[2] if begin else text).encode()


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same double; a missing number is empty."""
    text = repr(float(value) + 0.0)  # + 0.0 turns -0.0 into 0.0
    return "" if text == "nan" else text.removesuffix(".0")


def cell_text(value: object) -> str:
    """Return the text of one cell: dates as ISO dates, flags as yes and no, lists with blanks between."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return number_text(float(value))
    if isinstance(value, dt.date):  # a Timestamp is one
        return f"{value:%Y-%m-%d}"
    if isinstance(value, tuple | list):
        return " ".join(map(cell_text, value))
    return str(value)


def _cells(column: pd.Series) -> list[str]:
    if pd.api.types.is_float_dtype(column.dtype):
        return _floats(column.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_integer_dtype(column.dtype) and not column.hasnans:
        return list(map(str, column.tolist()))
    # Labels repeat: each distinct one becomes text once.
    codes, distinct = pd.factorize(column)
    return _taken(codes.tolist(), [_quoted(cell_text(v)) for v in distinct])


def _floats(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[str]:
    codes, distinct = pd.factorize(values + 0.0)  # amounts repeat too, above all nothing
    texts = [t.removesuffix(".0") for t in map(repr, distinct.tolist())]
    return _taken(codes.tolist(), texts)


def _taken(codes: Iterable[int], texts: list[str]) -> list[str]:
    texts = [*texts, ""]  # a missing value has the code -1
    return [texts[c] for c in codes]


def _quoted(text: str) -> str:
    if any(c in text for c in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text
