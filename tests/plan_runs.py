"""Runs to be published: the pocket model with people who vote, planned for two targets; and runs made by hand from them."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from allocator.places import shipped_models
from allocator.reading import load
from allocator.registry.candidate import Candidate, File
from allocator.reporting.run import SUMMARY, hashes, write_run
from allocator.solving import solve

APPROVALS = "role,votes,above\nmanagement 管理层,0.6667,0.1\ndirector,0,0\n"
VOTERS = "person,role\nli,management 管理层\nwang,management 管理层\nzhou,management 管理层\nchen,director\n"


def write_model(folder: Path, *, revenue: int = 1683000, approvals: str = APPROVALS, voters: str = VOTERS) -> Path:
    """Write the pocket model with another target and other rules of approval."""
    shutil.copytree(shipped_models()["pocket"], folder)
    targets = (folder / "targets.csv").read_text("utf-8")
    assert "1683000" in targets
    (folder / "targets.csv").write_text(targets.replace("1683000", str(revenue)), "utf-8")
    (folder / "approvals.csv").write_text(approvals, "utf-8")
    (folder / "voters.csv").write_text(voters, "utf-8")
    return folder


def two_runs(place: Path) -> list[Path]:
    """Plan the model for two targets, 3 % apart; both runs are of one model."""
    runs = []
    for k, revenue in enumerate((1683000, 1633000)):
        model = load(write_model(place / str(k) / "pocket", revenue=revenue))
        runs.append(place / f"run{k}")
        plan = solve(model)
        assert plan.status == "optimal"
        write_run(plan, runs[-1])
    return runs


def changed(run: Path, folder: Path, change: Callable[[pd.DataFrame], pd.DataFrame], **files: str) -> Path:
    """Copy a run with other quotas and other tables of its model; what it is worth as a plan is not looked at."""
    shutil.copytree(run, folder)
    quotas = pd.read_csv(folder / "quotas.csv", keep_default_na=False)
    change(quotas).to_csv(folder / "quotas.csv", index=False)
    for name, text in files.items():
        (folder / "model" / f"{name}.csv").write_text(text, "utf-8")
    return folder


def unaudited(folder: Path) -> Candidate:
    """A run as a candidate for publishing that nobody has looked at."""
    summary = json.loads((folder / SUMMARY).read_text("utf-8"))
    model = replace(load(folder / "model"), name=summary["model"])
    sha = {**hashes(folder), SUMMARY: hashlib.sha256((folder / SUMMARY).read_bytes()).hexdigest()}
    files = tuple(File(path, sha[path], (folder / path).stat().st_size) for path in sorted(sha))
    return Candidate(folder, model, summary, files, True, ())
