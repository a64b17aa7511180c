"""Models with a change in their tables or settings, and the goals of their plans."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import yaml
from small_model import write_small_model
from tight_models import MODELS, write_tight_model

from allocator.places import shipped_models
from allocator.plan import Plan

Rows = list[dict[str, str]]
Change = Callable[[str, Rows], Rows]
"""From the name and the rows of a table to its new rows."""


def write(name: str, folder: Path) -> Path:
    """Write a model into a new folder, free to be changed: the small one, a tight one, or one that is shipped."""
    if name == "small":
        return write_small_model(folder)
    if name in MODELS:
        return write_tight_model(name, folder)
    shutil.copytree(shipped_models()[name], folder)
    return folder


def edit(folder: Path, *changes: Change) -> Path:
    """Change the rows of the tables of a folder."""
    for path in sorted(folder.glob("*.csv")):
        before = rows = rows_of(folder, path.stem)
        for change in changes:
            rows = change(path.stem, rows)
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(dict.fromkeys(k for row in rows or before for k in row)), restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def put(table: str, column: str, value: str, **key: str) -> Change:
    """Set a cell in the rows of a table that have the key."""

    def change(name: str, rows: Rows) -> Rows:
        hit = [row for row in rows if name == table and all(row[k] == v for k, v in key.items())]
        assert hit or name != table
        for row in hit:
            row[column] = value
        return rows

    return change


def setting(folder: Path, key: str, value: object) -> Path:
    """Set a key of ``model.yaml``."""
    path = folder / "model.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({**settings, key: value}, allow_unicode=True), "utf-8")
    return folder


def goals(plan: Plan) -> dict[str, float]:
    """Return values of the goals by name."""
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    return {g.name: g.value for g in plan.goals}


def rows_of(folder: Path, table: str) -> Rows:
    """Rows of a table of a folder; none where it is not there."""
    path = folder / f"{table}.csv"
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")))) if path.exists() else []
