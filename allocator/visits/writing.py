"""Visits as CSV or Parquet, a part at a time: millions of rows in little memory."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import IO, Any

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


class ParquetWriter:
    """A Parquet file that frames of the same columns are added to (package ``pyarrow``); texts stay labels in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: Any = None

    def __enter__(self) -> ParquetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, frame: pd.DataFrame) -> None:
        """Add a frame; the first one says what the columns are."""
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.Table.from_pandas(_texts(frame), preserve_index=False).replace_schema_metadata(None)
        if self._file is None:
            label = pa.dictionary(pa.int32(), pa.string())  # a later part may have more labels than the first
            fields = [f.with_type(label) if pa.types.is_dictionary(f.type) else f for f in table.schema]
            self._file = parquet.ParquetWriter(self.path, pa.schema(fields))
        self._file.write_table(table.cast(self._file.schema))


def _texts(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose labels are texts, also where a part has none of them."""
    plain = frame.copy(deep=False)
    for name in frame.columns[[isinstance(t, pd.CategoricalDtype) for t in frame.dtypes]]:
        labels = frame[name].cat.remove_unused_categories()
        plain[name] = labels.cat.rename_categories(list(map(str, labels.cat.categories)))
    return plain
