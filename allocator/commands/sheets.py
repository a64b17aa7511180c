"""A model as sheets of a workbook."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from allocator.model import Model
from allocator.reading import write_tables
from allocator.schema.dictionary import dictionary

NUMBERS = ("number", "money", "share", "integer")
"""Types of the dictionary whose cells are numbers in a sheet."""


def sheets_of(model: Model) -> dict[str, pd.DataFrame]:
    """Return the sheets that read as the same model: its settings as key and value, then each table with rows."""
    settings = list(_entries(model.settings.model_dump(mode="json", exclude_defaults=True)))
    sheets = {"model": pd.DataFrame(settings, columns=["key", "value"], dtype=object)}
    with tempfile.TemporaryDirectory() as folder:
        write_tables(model, folder)
        for name in dictionary():
            path = Path(folder) / f"{name}.csv"
            if path.exists():
                sheets[name] = _numbers(name, pd.read_csv(path, dtype=str, keep_default_na=False))
    return sheets


def _entries(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _entries(value, f"{prefix}{key}.")
        else:
            yield prefix + key, " ".join(map(str, value)) if isinstance(value, list) else value


def _numbers(name: str, texts: pd.DataFrame) -> pd.DataFrame:
    for column in texts.columns:
        if dictionary()[name].columns[column].type in NUMBERS:
            texts[column] = pd.to_numeric(texts[column])
    return texts
