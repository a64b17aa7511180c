"""Columns of a table as the user has it, in which each different cell stands once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Texts = NDArray[np.object_]

BLANK = -1
"""Code of a cell without anything in it."""


@dataclass(frozen=True)
class Cells:
    """A column: which of its different words each cell holds.

    Attributes
    ----------
    words : array of str or of numbers, shape (different,)
        Texts are stripped of blanks around them; two may be equal.
    codes : int array, shape (rows,)
        Position of each cell's word; −1 where the cell is blank.
    """

    words: NDArray[Any]
    codes: NDArray[np.integer[Any]]

    @classmethod
    def of(cls, texts: Texts) -> Cells:
        """Make the column of texts, one for each cell."""
        codes, words = pd.factorize(texts)
        return cls.coded(words, codes)

    @classmethod
    def coded(cls, words: Texts, codes: NDArray[np.integer[Any]]) -> Cells:
        """Make the column of words that may have blanks around them, or be blank."""
        words = np.array([w.strip() for w in words], dtype=object)
        blank = words == ""
        return cls(words, np.where(blank[codes], BLANK, codes) if blank.any() else codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts())

    @property
    def filled(self) -> NDArray[np.bool_]:
        """Cells that are not blank, shape (rows,)."""
        return np.asarray(self.codes != BLANK)

    def at(self, rows: NDArray[Any]) -> Cells:
        """Return the same column of some rows, given by a mask or positions."""
        return Cells(self.words, self.codes[rows])

    def told(self) -> Texts:
        """Text of each word."""
        if self.words.dtype == object:
            return self.words
        return np.array([number_text(v) for v in self.words.tolist()], dtype=object)

    def texts(self) -> Texts:
        """Text of each cell."""
        words = np.append(self.told(), "")
        return np.asarray(words[self.codes])


def number_text(value: float) -> str:
    """Return the shortest text that reads back as the same number."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else repr(value)
