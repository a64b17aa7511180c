"""``allocator batch`` with real workers: exit codes, the index as JSON, stopping, and the same tables whatever the workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from allocator.cli import main
from allocator.commands.batching import _heeding

TEXT = """\
title: Night
models: pocket
scenarios: [base, boom]
options: {visits: no}
format: csv
tables: [quotas]
"""
MISSES = "rules: [revenue at least 1.2 of base]\n"


@pytest.fixture
def night() -> Path:
    """Return a batch of two cases."""
    path = Path("night.yaml")
    path.write_text(TEXT, "utf-8")
    return path


def tables(folder: Path) -> dict[str, bytes]:
    """Return every CSV file of a batch but its index, by its path."""
    found = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*.csv"))}
    del found["index.csv"]
    return found


def test_a_batch_is_planned_judged_and_told(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All pass: exit code 0. A rule that is broken: 6, with the figure and the limit, and nothing is planned again."""
    assert main(["batch", "night.yaml", "--workers", "1"]) == 0
    shown = capsys.readouterr().out
    assert "all 2 passed" in shown
    assert "pocket boom" in shown
    written = tables(Path("runs/night"))
    assert {"quotas.csv", "kpis.csv"} <= written.keys()
    night.write_text(TEXT + MISSES, "utf-8")
    assert main(["batch", "night.yaml", "--json"]) == 6
    answer = json.loads(capsys.readouterr().out)
    assert answer["counts"] == {"cases": 2, "not_passed": 1}
    base, boom = answer["cases"]
    assert (base["passed"], boom["passed"]) == ("yes", "no")
    assert "109.3 % of base plan CNY 1.7 m, asked at least 120.0 %" in boom["reasons"][0]
    assert (base["attempts"], boom["attempts"]) == (1, 1)
    assert {k: v for k, v in tables(Path("runs/night")).items() if k != "kpis.csv"} == {
        k: v for k, v in written.items() if k != "kpis.csv"
    }
    assert main(["batch", "night.yaml", "-q"]) == 6
    told = capsys.readouterr()
    assert not told.out
    assert told.err.startswith("pocket boom: revenue CNY 1.858 m")


def test_a_result_is_a_run(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A result of a batch holds what a run holds: other commands read it, and its tables are those of a solve."""
    night.write_text("models: pocket\nformat: csv\n", "utf-8")
    assert main(["batch", "night.yaml", "--json"]) == 0
    (case,) = json.loads(capsys.readouterr().out)["cases"]
    result = Path("runs/night/results") / case["hash"]
    assert main(["visits", str(result), "--rep", "li"]) == 0
    assert main(["solve", "pocket", "-o", "single", "-q"]) == 0
    single = {str(p.relative_to("single")): p.read_bytes() for p in Path("single").rglob("*.csv")}
    assert {str(p.relative_to(result)): p.read_bytes() for p in result.rglob("*.csv")} == single


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("models: poket\n", 2),
        ("models: pocket\nformat: csv\nscenarios: bad\n", 6),
        ("models: pocket\nformat: csv\noptions: {strict: yes, visits: no}\n", 6),
    ],
)
def test_exit_codes(text: str, code: int, night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A malformed batch is 2 before anything is planned; a malformed scenario and a plan that cannot be are 6."""
    night.write_text(text, "utf-8")
    assert main(["batch", "night.yaml"]) == code
    told = capsys.readouterr()
    if code == 2:
        assert "night.yaml row 1, models" in told.err
        assert not Path("runs").exists()
    else:
        assert "1 of 1 did not pass" in told.out


def test_options_are_checked(night: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An address without a cluster, no worker at all, and a file that is not there are told before anything is read."""
    assert main(["batch", "night.yaml", "--address", "x"]) == 2
    assert main(["batch", "night.yaml", "--workers", "0"]) == 2
    assert main(["batch", "day.yaml"]) == 2
    assert not Path("runs").exists()
    assert "--executor ray" in capsys.readouterr().err


def test_parquet_without_its_library_is_told(night: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library a batch for Parquet ends with 5 before anything is planned, and the remedy."""
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "pyarrow" else found(name, *more)
    )
    night.write_text("models: pocket\n", "utf-8")
    assert main(["batch", "night.yaml"]) == 5
    assert not Path("runs").exists()


def test_ray_without_its_library_is_told(
    night: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without Ray its executor ends with 5, and says what to install."""
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["batch", "night.yaml", "--executor", "ray"]) == 5
    assert "sales-allocator[ray]" in capsys.readouterr().err


def test_one_worker_or_two_write_the_same(night: Path) -> None:
    """Every table is the same to the byte by one worker and by two."""
    night.write_text(TEXT.replace("boom]", "sweep]").replace("visits: no", "visits: yes"), "utf-8")
    for workers in ("1", "2"):
        assert main(["batch", "night.yaml", "--workers", workers, "-o", workers, "-q"]) == 0
    one = tables(Path("1"))
    assert len(one) > 3 * 20
    assert one == tables(Path("2"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_ctrl_c_that_python_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pressed while an object is finalised is raised at the next step."""

    class Last:
        def __del__(self) -> None:
            signal.raise_signal(signal.SIGINT)

    dropped: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", dropped.append)
    steps: list[object] = []
    step: Any = "planned"
    before = signal.getsignal(signal.SIGINT)  # ignored where the tests run in the background
    with _heeding(steps.append) as told:
        told(step)
        last = Last()
        del last
        assert len(dropped) == 1
        with pytest.raises(KeyboardInterrupt):
            told(step)
    assert steps == [step]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_stopped_by_ctrl_c(night: Path) -> None:
    """Ctrl-C says what is done and leaves no process behind; the same command does the rest."""
    night.write_text(TEXT.replace("boom]", "boom, slump, sweep]"), "utf-8")
    command = [sys.executable, "-m", "allocator", "batch", "night.yaml", "--workers", "1"]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", start_new_session=True)
    journal = Path("runs/night/journal.jsonl")
    until = time.monotonic() + 60
    while not (journal.exists() and '"done"' in journal.read_text("utf-8")) and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    _out, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "cases are done and kept; the same command goes on." in said
    done = [json.loads(line)["hash"] for line in journal.read_text("utf-8").splitlines() if '"done"' in line]
    with pytest.raises(ProcessLookupError):
        os.killpg(running.pid, 0)
    assert main(["batch", "night.yaml", "-q"]) == 0
    events = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    assert sum(e["event"] == "done" for e in events) == 5
    assert all(sum(e["event"] == "begin" and e["hash"] == key for e in events) == 1 for key in done)
