"""``allocator solve --keep``: a small change moves few visits, and says how many."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import shipped
from edited import edit, put, write
from oracles.schedule import Checker

from allocator.cli import main
from allocator.reading import load

LEAVE = {"rep": "li", "from": "2026-05-18", "to": "2026-05-22"}


def read(run: Path, name: str) -> pd.DataFrame:
    """Read a file of a run."""
    return pd.read_csv(run / f"{name}.csv", keep_default_na=False, dtype={"client": "str", "rep": "str", "with": "str"})


def dates(visits: pd.DataFrame) -> set[tuple[str, str]]:
    """Clients and days of visits."""
    return set(zip(visits["client"], visits["date"].astype(str), strict=True))


@pytest.mark.parametrize("change", ["a client is lost", "a rep's leave"])
def test_a_small_change_moves_few_visits(
    change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only visits that can no more be where they were move; the summary and the screen count them, and the new run keeps every rule."""
    monkeypatch.setenv("LANGUAGE", "en")
    folder, run = write("pocket", tmp_path / "pocket"), tmp_path / "run"
    before = read(shipped.run("pocket"), "visits")
    if change == "a client is lost":
        edit(folder, put("clients", "lost_on", "2026-05-18", client="harbour"))
        gone = before[(before["client"] == "harbour") & (before["date"] >= "2026-05-18")]
    else:
        edit(folder, lambda name, rows: [*rows, LEAVE] if name == "leave" else rows)
        gone = before[(before["rep"] == "li") & before["date"].between("2026-05-18", "2026-05-22")]
    assert len(gone) > 2
    assert main(["solve", str(folder), "--keep", str(shipped.run("pocket")), "-o", str(run)]) == 0
    moved = json.loads((run / "summary.json").read_text("utf-8"))["schedule"]["moved"]
    assert f"{moved} visits have another date than before" in " ".join(capsys.readouterr().out.split())
    after, unplaced = read(run, "visits"), read(run, "unplaced")
    assert moved <= 2 * len(gone)
    assert len(dates(before) - dates(after)) <= 2 * len(gone)
    assert len(dates(after) - dates(before)) <= 2 * len(gone)
    if change == "a rep's leave":
        assert len(gone) <= moved + len(unplaced)
    frames = {name: read(run, name) for name in ("effort", "assignments", "forecast")}
    assert Checker(load(folder), frames, after, unplaced).violations() == []


def test_the_same_model_moves_nothing(tmp_path: Path) -> None:
    """Without a change every visit stays."""
    folder, run = write("pocket", tmp_path / "pocket"), tmp_path / "run"
    assert main(["solve", str(folder), "--keep", str(shipped.run("pocket")), "-o", str(run), "--quiet"]) == 0
    assert json.loads((run / "summary.json").read_text("utf-8"))["schedule"]["moved"] == 0
    assert dates(read(run, "visits")) == dates(read(shipped.run("pocket"), "visits"))
