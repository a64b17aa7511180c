"""A comparison on disk, all of it or nothing: tables, a workbook, and each plan as a run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd

from allocator.comparing.bridge import MEASURES
from allocator.comparing.comparison import BASE, Case, Comparison
from allocator.comparing.differences import figures
from allocator.comparing.sheets import compare_bytes
from allocator.comparing.sweeping import Sweep
from allocator.crew import Crew
from allocator.reporting.run import check_place, replacing, summary_text, write_file, write_run
from allocator.reporting.table_text import csv_parts
from allocator.scenarios.handing_over import renewals_kept

SUMMARY = "comparison.json"
"""File by which the folder of a comparison is known."""

WORKBOOK = "compare.xlsx"


def write_comparison(comparison: Comparison, folder: Path, *, crew: Crew | None = None) -> dict[str, Any]:
    """Write a comparison to a folder and return the content of its ``comparison.json``; the ``crew`` makes workbooks.

    Raises
    ------
    InputError
        If the place holds something that is not a comparison.
    EngineError
        If the machine cannot write; nothing is left half-written then.
    """
    check_place(folder, SUMMARY)
    summary = summary_of(comparison)
    with replacing(folder) as place:
        for name, table in all_tables(comparison).items():
            write_file(place / f"{name}.csv", csv_parts(table))
        write_file(place / WORKBOOK, [compare_bytes(comparison, all_tables(comparison))])
        write_run(comparison.base, place / BASE, crew=crew)
        for case in comparison.cases:
            write_run(case.plan, place / folder_of(case.name), crew=crew)
        write_file(place / SUMMARY, [summary_text(summary).encode()])
    return summary


def all_tables(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Tables of a comparison by the names of their files, that of the sweeps included."""
    tables = dict(comparison.tables) if comparison.cases else {}
    if comparison.sweeps:
        tables["sweep"] = pd.concat([s.table for s in comparison.sweeps], ignore_index=True)
    return tables


def folder_of(name: str) -> str:
    """Name of the folder of a scenario's run: its own, but for what no folder may be called."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", name).rstrip(". ")


def summary_of(comparison: Comparison) -> dict[str, Any]:
    """Content of ``comparison.json``; what is not known is None."""
    base, model = comparison.base, comparison.model
    return {
        "status": base.status,
        "model": model.name,
        "money_unit": model.settings.money_unit,
        "started_at": comparison.started_at.isoformat(timespec="seconds"),
        "base": {"status": base.status, "reasons": list(base.reasons), "kpis": figures(base), "folder": BASE},
        "scenarios": [_case(case) for case in comparison.cases],
        "sweeps": [_sweep(sweep) for sweep in comparison.sweeps],
        "tables": {name: len(table) for name, table in all_tables(comparison).items()},
        "plans": comparison.plans,
        "seconds": comparison.seconds,
        "engine": base.summary.get("engine"),
        "versions": base.summary.get("versions"),
        "inputs_sha256": model.sha256,
    }


def _case(case: Case) -> dict[str, Any]:
    plan, hands = case.plan, case.plan.tables.get("handover")
    return {
        "scenario": case.name,
        "title": case.title,
        "status": plan.status,
        "reasons": list(plan.reasons),
        "kpis": figures(plan),
        "changes": len(case.changed.changes),
        "handover": None if hands is None else _handed(hands),
        "bridge": None if case.bridge is None else _bridge(case),
        "inputs_sha256": case.changed.model.sha256,
        "folder": folder_of(case.name),
    }


def _handed(hands: pd.DataFrame) -> dict[str, Any]:
    return {
        "clients": len(hands),
        "renewals_at_risk": int(hands["at_risk"].sum()),
        "renewals_kept": renewals_kept(hands),
    }


def _bridge(case: Case) -> dict[str, Any]:
    assert case.bridge is not None
    columns = ["kind", "of", "event", *MEASURES]
    errors = [f"{name}_error" for name in MEASURES] if not case.bridge.exact else []
    parts = case.bridge.table[columns + errors].to_dict("records")
    return {"orders": case.bridge.orders, "used": case.bridge.used, "exact": case.bridge.exact, "parts": parts}


def _sweep(sweep: Sweep) -> dict[str, Any]:
    return {
        "scenario": sweep.name,
        "title": sweep.title,
        "varied": list(sweep.varied),
        "combinations": sweep.table.drop(columns="scenario").to_dict("records"),
    }
