"""Health checks on disk, all of it or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from allocator.health.health import Health
from allocator.reporting.run import check_place, replacing, summary_text, write_file
from allocator.reporting.table_text import csv_parts

SUMMARY = "health.json"
"""File by which the folder of health checks is known."""


def write_health(health: Health, folder: Path, told: dict[str, Any]) -> dict[str, Any]:
    """Write a CSV file for each frame, and what the checks say as JSON; returns that.

    Parameters
    ----------
    told : dict
        What the summary begins with: model, day, plan.

    Raises
    ------
    InputError
        If the place holds something else.
    EngineError
        If the machine cannot write; nothing is left half-written then.
    """
    check_place(folder, SUMMARY)
    summary = {**told, **summary_of(health)}
    with replacing(folder) as place:
        for name, frame in health.tables().items():
            write_file(place / f"{name}.csv", csv_parts(frame))
        write_file(place / SUMMARY, [summary_text(summary).encode()])
    return summary


def summary_of(health: Health) -> dict[str, Any]:
    """Counts by verdict, checks, money that should move with its effect, and the money of clients in danger."""
    rows = {"checks": _rows(health.checks), "shift": _rows(health.shift), "effect": _rows(health.effect)}
    return {**brief_of(health), **rows}


def brief_of(health: Health) -> dict[str, Any]:
    """Counts by verdict, and the money of clients in danger: what the summary of a review holds."""
    counts = health.checks["verdict"].value_counts()
    return {
        "verdicts": {v: int(counts.get(v, 0)) for v in ("good", "warning", "not made", "nothing")},
        "win_back": {"clients": len(health.win_back), "money_at_risk": float(health.win_back["money_at_risk"].sum())},
    }


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in frame.to_dict("records")]
