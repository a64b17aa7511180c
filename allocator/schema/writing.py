"""Writing a model back as a folder that reads as the same model."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.schema.dictionary import Column, Table, dictionary
from allocator.schema.parsing import blank
from allocator.schema.settings import write_yaml


def write_tables(model: Model, folder: str | Path, *, parquet: bool = False) -> None:
    """Write ``model.yaml`` and a file for each table with rows; columns that say nothing are left out.

    Reading the folder gives tables, settings and hash equal to the model's. Tables are CSV files, or Parquet files where that is
    asked for (package ``pyarrow``).

    Raises
    ------
    OSError
        If the folder cannot be made or written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not parquet:
        for name, text in model_texts(model):
            (folder / name).write_text(text, encoding="utf-8", newline="")
        return
    (folder / "model.yaml").write_text(write_yaml(model.settings), encoding="utf-8", newline="")
    for name, table in dictionary().items():
        if table.required or not model[name].empty:
            _write_parquet(model[name], table, folder / f"{name}.parquet")


def model_texts(model: Model) -> Iterator[tuple[str, str]]:
    """Name and text of each file of a model's folder."""
    yield "model.yaml", write_yaml(model.settings)
    for name, table in dictionary().items():
        if table.required or not model[name].empty:
            yield f"{name}.csv", table_text(model[name], table)


def table_text(frame: pd.DataFrame, table: Table) -> str:
    """Return one table as CSV."""
    columns = telling(frame, table)
    texts = [cell_texts(frame[c.name]) for c in columns]
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([c.name for c in columns])
    writer.writerows(zip(*texts, strict=True))
    return file.getvalue()


def _write_parquet(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Write one table as Parquet: numbers, days and truth values as such, lists of codes as texts."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = telling(frame, table)
    lists = {c.name: cell_texts(frame[c.name]) for c in columns if c.type == "codes"}
    content = pa.Table.from_pandas(frame[[c.name for c in columns]].assign(**lists), preserve_index=False)
    for i, column in enumerate(columns):
        if column.type == "date":
            content = content.set_column(i, column.name, content.column(i).cast(pa.date32()))
    pq.write_table(content.replace_schema_metadata(), path)


def telling(frame: pd.DataFrame, table: Table) -> list[Column]:
    """Columns that are required or say something."""
    return [c for c in table.columns.values() if c.required or not _says_nothing(frame[c.name], blank(c, 1)[0])]


def _says_nothing(values: pd.Series, default: object) -> bool:
    if isinstance(default, tuple):
        return not any(values)
    return bool((values.isna() if pd.isna(default) else values == default).all())  # type: ignore[call-overload]


def cell_texts(values: pd.Series) -> list[str]:
    """Text of each cell: the shortest that reads back as the same value."""
    if values.dtype.kind == "f":
        return ["" if np.isnan(v) else repr(v).removesuffix(".0") for v in values.to_list()]
    if values.dtype.kind == "M":
        return ["" if v is pd.NaT else v.strftime("%Y-%m-%d") for v in values]
    if values.dtype.kind == "b":
        return ["yes" if v else "no" for v in values.tolist()]
    return [" ".join(v) if isinstance(v, tuple) else str(v) for v in values.tolist()]
