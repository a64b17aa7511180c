"""A run read back from its folder: its model, its summary and its tables, whatever their format."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from allocator.errors import Finding, InputError
from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.run import MODEL, SUMMARY
from allocator.texts import _

NUMBERS = frozenset(
    (
        *("quota", "exact", "forecast", "beyond", "sell", "curve", "lift", "lost", "contracts", "promised", "planned"),
        *("minutes", "hours_available", "executive", "first_visits", "won", "required", "asked", "gap", "assigned"),
        *("owed", "spend", "line_total", "minimum", "maximum", "headroom", "prospects", "new_clients", "collections"),
        *("commission", "commission_80", "commission_100", "commission_120", "support_hours", "return_visits"),
        *("contract_amount", "clients", "old_clients", "amount", "limit", "limit2", "part", "part2", "contribution"),
        *("attained_base", "attained_stretch", "base", "change", "base_required", "base_planned", "base_gap"),
        *("base_maximum", "base_promised", "base_dated", "dated", "moved", "other_rep", "base_count", "count"),
        *("revenue", "profit", "missed", "attainment", "renewal_share", "churn", "visits_promised", "visits_planned"),
        *("targets_met", "targets_missed"),
    )
)
"""Columns that hold numbers; blank ones are NaN."""

TEXTS = {"visits": {"promised"}, "unplaced": {"promised"}}
"""Columns that hold texts in these tables, though they hold numbers in others."""

VALUES = {"kpis", "quotas", "budget"}
"""Tables of a comparison whose column ``value`` holds numbers."""


class Files(Mapping[str, pd.DataFrame]):
    """Tables of a folder by name, each read when it is asked for: codes as text, numbers as numbers.

    Parameters
    ----------
    folder : Path
        Holds CSV or Parquet files.
    """

    def __init__(self, folder: Path) -> None:
        self._paths = {p.stem: p for p in sorted(folder.glob("*.*")) if p.suffix in (".csv", ".parquet")}
        self._read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._read:
            self._read[name] = _table(name, self._paths[name])
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _table(name: str, path: Path) -> pd.DataFrame:
    if path.suffix == ".parquet":
        frame = pd.read_parquet(path)
        return frame.astype({str(c): "str" for c in frame if not _numeric(name, str(c))})
    try:
        heading = [str(c) for c in pd.read_csv(path, nrows=0, encoding="utf-8-sig").columns]
        numbers = [c for c in heading if _numeric(name, c)]
        return pd.read_csv(
            path,
            encoding="utf-8-sig",
            dtype={c: "float64" if c in numbers else "str" for c in heading},
            keep_default_na=False,
            na_values={c: [""] for c in numbers},
        )
    except (OSError, ValueError) as error:
        says = _("{file} cannot be read: {reason}").format(file=path, reason=error)
        raise InputError([Finding("error", path.name, "", "", "", "place", says)]) from error


def _numeric(name: str, column: str) -> bool:
    if column == "value":
        return name in VALUES
    return column in NUMBERS and column not in TEXTS.get(name, ())


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of ``summary.json`` or its like.

    Raises
    ------
    InputError
        If it is not there, or no mapping in JSON.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict):
        says = _("{folder} is not a run: it has no summary.json that can be read.").format(folder=path.parent)
        raise InputError([Finding("error", str(path.parent), "", "", "", "place", says)])
    return content


def read_plan(folder: Path, model: Model | None = None) -> Plan:
    """Return the plan that a run holds; its tables are read when they are asked for.

    A run of an earlier version is read too: its model need not have the fingerprint that this version would give it.

    Parameters
    ----------
    folder : Path
        The run.
    model : Model, optional
        The model that was solved, where it is at hand; else that of the run is read.

    Raises
    ------
    InputError
        If the folder is no run, holds no plan, or its model cannot be read.
    """
    summary = read_json(folder / SUMMARY)
    if not (folder / MODEL).is_dir():
        says = _("{folder} holds no plan ({status}).").format(folder=folder, status=summary.get("status"))
        raise InputError([Finding("error", str(folder), "", "", "", "place", says)])
    if model is None:
        model = load(folder / MODEL)
    files = Files(folder)
    columns = ["severity", "table", "row", "column", "value", "rule", "says"]
    told = files["findings"] if "findings" in files else pd.DataFrame(columns=columns)
    findings = tuple(Finding(*row) for row in told[columns].itertuples(index=False, name=None))
    return Plan(
        model=replace(model, name=str(summary["model"])),
        status=str(summary["status"]),
        tables=files,
        goals=(),
        summary=summary,
        binding=pd.DataFrame(),
        findings=findings,
    )
