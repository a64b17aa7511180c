"""Prices of limits put into the workbook of a run that has been written already."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd

from allocator.pages.reading import read_plan
from allocator.reporting.plan_workbook import workbook_bytes
from allocator.reporting.run import SUMMARY, replace_file, summary_text

WORKBOOK = "plan.xlsx"


def add_prices(folder: Path, prices: pd.DataFrame) -> bool:
    """Write a run's ``plan.xlsx`` anew with a sheet of prices; return False where it was edited, and leave it then.

    Raises
    ------
    InputError
        If the run's tables cannot be read.
    OSError
        If the workbook cannot be written.
    """
    path = folder / WORKBOOK
    summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    hashes = summary.get("files", {})
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != hashes.get(WORKBOOK):
        return False
    plan = read_plan(folder)
    tables = {name: plan.tables[name] for name in plan.tables if name != "prices"}
    content = workbook_bytes(replace(plan, tables=tables), {**tables, "prices": prices})
    hashes[WORKBOOK] = hashlib.sha256(content).hexdigest()  # so that it still counts as what the run wrote
    replace_file(path, [content])
    replace_file(folder / SUMMARY, [summary_text(summary).encode()])
    return True
