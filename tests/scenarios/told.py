"""Scenarios told to the small model, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from allocator.errors import Finding, InputError
from allocator.model import Model
from allocator.reading import load
from allocator.scenarios.applying import Changed, with_scenarios


def tell(folder: Path, **files: str) -> Model:
    """Write scenario files beside a model, and read it."""
    (folder / "scenarios").mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / "scenarios" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load(folder)


def under(folder: Path, text: str) -> Changed:
    """Return a model under one scenario, called s."""
    return with_scenarios(tell(folder, s=text), "s")


def refused(folder: Path, names: str = "s", **files: str) -> list[Finding]:
    """Return the errors with which scenarios are refused."""
    model = tell(folder, **files)
    with pytest.raises(InputError) as caught:
        with_scenarios(model, names)
    assert caught.value.exit_code == 2
    return [f for f in caught.value.findings if f.severity == "error"]


def cells(changed: Changed, table: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Return what changed in the rows of a table that were there and stay: key and column to before and after."""
    part = changed.changes[changed.changes["table"] == table]
    whole = part.groupby("key")["column"].transform("size") > 3
    rows = part[~whole][["key", "column", "before", "after"]].itertuples(index=False, name=None)
    return {(key, column): (before, after) for key, column, before, after in rows}


def new_rows(before: Model, changed: Changed, table: str, columns: str) -> list[tuple[object, ...]]:
    """Return rows that a table has now and had not."""
    names = columns.split()
    old = set(map(str, before[table].itertuples(index=False, name=None)))
    rows = changed.model[table]
    fresh = [str(r) not in old for r in rows.itertuples(index=False, name=None)]
    return list(rows.loc[fresh, names].itertuples(index=False, name=None))


def add_rows(folder: Path, additions: Mapping[str, str]) -> None:
    """Add lines to tables of a model's folder."""
    for name, text in additions.items():
        path = folder / f"{name}.csv"
        path.write_text(path.read_text("utf-8") + text, encoding="utf-8")


def value(model: Model, table: str, key: Mapping[str, str], column: str) -> object:
    """Return one cell."""
    frame = model[table]
    held = pd.Series(True, index=frame.index)
    for name, code in key.items():
        held &= frame[name].astype(str) == code
    assert held.sum() == 1
    return frame.loc[held, column].iloc[0]
