"""Visits as CSV, a part at a time: millions of rows in little memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO

import pandas as pd

from allocator.reporting.table_text import csv_text

ROWS = 250_000
"""Rows that become text together."""


class CsvWriter:
    """A CSV file that frames of the same columns are added to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        self._begun = False

    def __enter__(self) -> CsvWriter:
        self._file = self.path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, frame: pd.DataFrame) -> None:
        """Add a frame; the first one brings the heading."""
        assert self._file is not None, "used in a with block"
        for begin in range(0, max(len(frame), 1), ROWS):
            text = csv_text(frame.iloc[begin : begin + ROWS])
            if self._begun:
                text = text.partition("\n")[2]
            self._file.write(text.encode())
            self._begun = True
