"""Changes of tables: mistakes that are planted in a plan, or another input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

Change = Callable[[pd.DataFrame], pd.DataFrame]
Planted = tuple[str, str, Change, str]
"""Plan, file or table, what is changed, the rule that must speak."""


def set_to(column: str, value: Any, **where: Any) -> Change:
    """Set a column of the rows that match; a number is added if it is a text that begins with a sign."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        at = matching(frame, where)
        if isinstance(value, str) and value[:1] in "+-" and frame[column].dtype.kind == "f":
            frame.loc[at, column] += float(value)
            return frame
        if isinstance(value, str) and frame[column].dtype.kind == "f":
            frame[column] = frame[column].astype(object)
        frame.loc[at, column] = value
        return frame

    return change


def without(**where: Any) -> Change:
    """Leave out the rows that match."""
    return lambda frame: frame[~matching(frame, where)]


def twice(**where: Any) -> Change:
    """Repeat the rows that match."""
    return lambda frame: pd.concat([frame, frame[matching(frame, where)]])


def matching(frame: pd.DataFrame, where: dict[str, Any]) -> pd.Series[bool]:
    """Rows whose cells are as given; at least one."""
    at = pd.Series(True, index=frame.index)
    for column, value in where.items():
        at &= frame[column] == value
    assert at.any(), where
    return at


APRIL, MAY, JUNE = "2026-04", "2026-05", "2026-06"
LEVELS = ("base", "stretch", "ceiling")
