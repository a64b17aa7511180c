"""What a solve says of its own cost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.cli import main

PASSES = ("read the tables", "write the programs", "audit", "Where the time went", "contribution", "weekly actions")


def test_a_profile_accounts_for_every_solve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every solve is told, none is missing, and the audit's parts make up its time; without asking there is no profile."""
    assert main(["solve", "pocket", "-o", str(tmp_path / "run"), "--profile", "--lang", "en"]) == 0
    shown = capsys.readouterr().out
    assert all(words in shown for words in PASSES)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text("utf-8"))
    goals = summary["profile"]["goals"]
    assert sum(g["solves"] for g in goals if g["name"]) == summary["solves"]
    assert sum(g["seconds"] for g in goals if g["name"]) == pytest.approx(summary["engine_seconds"])
    assert all(g["iterations"] is not None for g in goals if g["name"] == "contribution")
    assert 0.5 < sum(summary["profile"]["audit"].values()) / summary["seconds"]["audit"] <= 1
    assert main(["solve", "pocket", "-o", str(tmp_path / "again"), "-q"]) == 0
    assert "profile" not in json.loads((tmp_path / "again" / "summary.json").read_text("utf-8"))


def test_a_profile_and_pins_do_not_go_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is asked together with changed quotas is refused before any work, not ignored."""
    (tmp_path / "plan.xlsx").touch()
    assert main(["solve", "pocket", "--profile", "--pins", str(tmp_path / "plan.xlsx"), "--lang", "en"]) == 2
    assert "--profile and --pins do not go together" in capsys.readouterr().err
