"""Tables of a run folder as frames, and the run as a plan again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from allocator.auditing import COLUMNS, read_run
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.run import MODEL, SUMMARY

NUMBERS = {
    "visits": ("minutes",),
    "unplaced": ("minutes",),
    "handover": ("churn",),
    "funnel": (
        *("required", "present_clients", "present_gives", "to_win", "new_clients", "entering", "conversion", "hours"),
        *("contracts_each", "present_needed", "one_gives", "prospects", "days"),
    ),
}
"""Columns of numbers in tables that the audit does not read."""


def run_tables(folder: Path) -> dict[str, pd.DataFrame]:
    """Read all tables of a run, CSV or Parquet: numbers as they were written, all else text; a blank number is NaN."""
    tables = read_run(folder)
    for path in sorted(folder.glob("*.csv")):
        if path.stem not in tables:
            table = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, dtype=str)
            for column in set(NUMBERS.get(path.stem, ())) & set(table.columns):
                table[column] = pd.to_numeric(table[column])
            tables[path.stem] = table
    for path in sorted(folder.glob("*.parquet")):
        tables[path.stem] = _labels_as_text(path.stem, pd.read_parquet(path))
    return tables


def _labels_as_text(name: str, table: pd.DataFrame) -> pd.DataFrame:
    """A table of a Parquet file as its CSV file would read."""
    known = COLUMNS.get(name)
    numbers = {*known.numbers, *known.blanks} if known else set(NUMBERS.get(name, ()))
    for column in table.columns:
        if column in numbers:
            table[column] = table[column].astype("float64")
        elif table[column].dtype.kind == "M":
            table[column] = table[column].dt.strftime("%Y-%m-%d").fillna("")
        elif table[column].dtype.kind == "b":
            table[column] = table[column].map({True: "yes", False: "no"})
        else:
            table[column] = table[column].astype("str").where(table[column].notna(), "")
    return table


def published_plan(folder: Path) -> Plan:
    """A restored run as a plan; goals and binding rules stay in the summary.

    The model's hash is not compared: the files are those that were published, and a later release may hash a model otherwise.
    """
    summary: dict[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    model = replace(load(folder / MODEL), name=str(summary["model"]))
    binding = pd.DataFrame({"rule": [], "unit": [], "labels": [], "count": []})
    return Plan(model, str(summary["status"]), run_tables(folder), (), summary, binding)
