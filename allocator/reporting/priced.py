"""Prices of limits put into the workbook of a run that has been written already."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pandas as pd

from allocator.pages.reading import read_plan
from allocator.reporting.plan_workbook import workbook_bytes
from allocator.reporting.run import SUMMARY, write_file

WORKBOOK = "plan.xlsx"
SLACK = 1.0
"""Seconds by which a workbook may be younger than the summary that is written after it."""


def add_prices(folder: Path, prices: pd.DataFrame) -> bool:
    """Write a run's ``plan.xlsx`` anew with a sheet of prices; return False where it was edited, and leave it then.

    Raises
    ------
    InputError
        If the run's tables cannot be read.
    OSError
        If the workbook cannot be written.
    """
    path, written = folder / WORKBOOK, (folder / SUMMARY).stat()
    if not path.is_file() or path.stat().st_mtime > written.st_mtime + SLACK:
        return False
    plan = read_plan(folder)
    new = path.with_name(f".{WORKBOOK}.{os.getpid()}")
    new.unlink(missing_ok=True)
    tables = {name: plan.tables[name] for name in plan.tables if name != "prices"}
    write_file(new, [workbook_bytes(replace(plan, tables=tables), {**tables, "prices": prices})])
    new.replace(path)
    os.utime(path, (written.st_atime, written.st_mtime))  # so that it still counts as what the run wrote
    return True
