"""Tables at work: rows keep their labels while cells change and rows come and go."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.schema.dictionary import dictionary

Labels = NDArray[np.int64]


class Working:
    """Tables that are being changed.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        Not changed themselves: a table is copied when it is first written to.
    """

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        self.frames = dict(frames)
        self._composed: dict[tuple[str, str], dict[int, tuple[str, float, tuple[float, ...]]]] = {}

    def computed(self, table: str, column: str, rows: Labels, operation: str, numbers: Sequence[float]) -> pd.Series:
        """Cells multiplied by or added to; blanks stay blank.

        Several factors of a cell give the same number in whatever order they come: they are sorted before they are multiplied.
        """
        before = self.frames[table].loc[rows, column]
        state = self._composed.setdefault((table, column), {})
        after = []
        for row, old, number in zip(rows.tolist(), before.tolist(), numbers, strict=True):
            last, origin, so_far = state.get(row, ("", old, ()))
            if last != operation:
                origin, so_far = old, ()
            so_far = (*so_far, number)
            state[row] = (operation, origin, so_far)
            after.append(
                origin * math.prod(sorted(so_far)) if operation == "multiply" else math.fsum((origin, *so_far))
            )
        done = pd.Series(after, index=before.index, dtype=float)
        if dictionary()[table].columns[column].type == "integer":
            done = done.round()
        return done.astype(before.dtype)

    def write(self, table: str, column: str, after: pd.Series, *, composed: bool = False) -> None:
        """Put new values in cells; what multiplies later begins from there unless these were ``composed``."""
        frame = self.frames[table].copy()
        if after.dtype == object:
            values = {**dict(zip(frame.index, frame[column], strict=True)), **dict(after.items())}
            frame[column] = pd.Series(values, dtype=object)
        else:
            frame.loc[after.index, column] = after
        self.frames[table] = frame
        if not composed:
            state = self._composed.get((table, column), {})
            for row in after.index:
                state.pop(row, None)

    def drop(self, table: str, rows: Labels) -> None:
        """Take rows out; labels that are not there are passed over."""
        frame = self.frames[table]
        self.frames[table] = frame.drop(index=frame.index.intersection(pd.Index(rows)))

    def add(self, table: str, rows: pd.DataFrame) -> None:
        """Put rows with labels of their own at the end."""
        self.frames[table] = pd.concat([self.frames[table], rows])
