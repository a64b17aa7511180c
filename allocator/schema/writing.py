"""Writing a model back as a folder that reads as the same model."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.schema.dictionary import Table, dictionary
from allocator.schema.parsing import blank
from allocator.schema.settings import write_yaml


def write_tables(model: Model, folder: str | Path) -> None:
    """Write ``model.yaml`` and a CSV file for each table with rows; columns that say nothing are left out.

    Reading the folder gives tables, settings and hash equal to the model's.

    Raises
    ------
    OSError
        If the folder cannot be made or written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(write_yaml(model.settings), encoding="utf-8")
    for name, table in dictionary().items():
        if table.required or not model[name].empty:
            write_table(model[name], table, folder / f"{name}.csv")


def write_table(frame: pd.DataFrame, table: Table, path: Path) -> None:
    """Write one table as CSV."""
    columns = [c for c in table.columns.values() if c.required or not _says_nothing(frame[c.name], blank(c, 1)[0])]
    texts = [cell_texts(frame[c.name]) for c in columns]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([c.name for c in columns])
        writer.writerows(zip(*texts, strict=True))


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
        return ["yes" if v else "no" for v in values]
    return [" ".join(v) if isinstance(v, tuple) else str(v) for v in values]
