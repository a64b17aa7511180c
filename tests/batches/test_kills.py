"""Killed at any moment, again and again: no result is lost, none is there twice, no file is torn, nothing done is done again.

Eight kills by default; with ``ALLOCATOR_PROOF=200`` in the environment as many as it says.
"""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from allocator.cli import main

LONG = bool(os.environ.get("ALLOCATOR_PROOF"))
KILLS = int(os.environ.get("ALLOCATOR_PROOF") or 8)
COMMAND = [sys.executable, "-m", "allocator", "batch", "night.yaml", "-o", "out", "-q"]
JOURNAL = Path("out/journal.jsonl")
FACTORS = [round(0.6 + 0.05 * k, 2) for k in range(12 if LONG else 6)]
AFTER = 0.4
"""Seconds after a line of the journal within which is killed: a case takes about as long."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")


def processes() -> dict[int, int]:
    """Return the parent of every process."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True, encoding="utf-8")
    return {int(pid): int(parent) for pid, parent in map(str.split, listed.stdout.splitlines())}


def files_of(result: Path) -> dict[str, bytes]:
    """Return the tables of a result; what tells times is left out, but must be readable."""
    found = {str(p.relative_to(result)): p.read_bytes() for p in sorted(result.rglob("*")) if p.is_file()}
    assert json.loads(found.pop("summary.json"))["status"] == "optimal"
    return found


def results() -> Iterator[Path]:
    """Find the results that are in their place."""
    root = Path("out/results")
    return (p for p in (root.iterdir() if root.is_dir() else ()) if not p.name.startswith("."))


def events() -> list[Mapping[str, Any]]:
    """Return the whole lines of the journal."""
    lines = JOURNAL.read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith(b"\n")]


class Killer:
    """Runs the batch, and kills it or one of its workers at a moment drawn by chance."""

    def __init__(self, expected: Mapping[str, Mapping[str, bytes]]) -> None:
        self._expected = expected
        self._chance = random.Random(5)
        self._running: subprocess.Popen[bytes] | None = None
        self.kills: Counter[str] = Counter()

    def kill_one(self) -> None:
        """Kill once, and look at all that is on the disk then; a batch that came to its end is begun anew."""
        if self._running is not None and self._running.poll() is not None:
            if self._running.returncode != -signal.SIGKILL:
                self.finish()
            self._running = None
        if self._running is None:
            command = [*COMMAND, "--workers", str(self._chance.choice([1, 2]))]
            self._running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._watch(self._chance.randrange(4))
        time.sleep(self._chance.uniform(0, AFTER))
        workers = [pid for pid, parent in processes().items() if parent == self._running.pid]
        if workers and self._chance.random() < 0.6:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._chance.choice(workers), signal.SIGKILL)
                self.kills["worker"] += 1
        elif self._running.poll() is None:
            self._running.kill()
            self._running.wait()
            self.kills["main"] += 1
            self._look()

    def _watch(self, lines: int) -> None:
        """Wait until the journal has grown by so many lines, or the batch has ended: most of its time is spent on starting."""
        assert self._running is not None
        before = JOURNAL.stat().st_size if JOURNAL.exists() else 0
        until = time.monotonic() + 60
        while lines and self._running.poll() is None and time.monotonic() < until:
            if JOURNAL.exists() and JOURNAL.read_bytes()[before:].count(b"\n") >= lines:
                return
            time.sleep(0.005)

    def _look(self) -> None:
        """Every result in its place is whole and right, whatever was being written."""
        for result in results():
            assert files_of(result) == self._expected[result.name], result.name
        index = Path("out/index.csv")
        if index.exists():
            with index.open(encoding="utf-8", newline="") as file:
                assert len(list(csv.DictReader(file))) == len(self._expected)

    def finish(self) -> None:
        """Let the batch come to its end, see that all is there, once, and as it must be, and put it away."""
        if self._running is not None:
            self._running.wait(timeout=300)
        assert main([*COMMAND[3:], "--retry"]) == 0
        assert {p.name: files_of(p) for p in results()} == self._expected
        assert not list(Path("out").rglob(".new-*"))
        with Path("out/index.csv").open(encoding="utf-8", newline="") as file:
            told = Counter((row["hash"], row["status"]) for row in csv.DictReader(file))
        assert told == Counter((key, "optimal") for key in self._expected)
        for key in self._expected:
            self._see_once(key)
        self.kills["batches"] += 1
        Path("out").rename(f"out{self.kills['batches']}")

    def _see_once(self, key: str) -> None:
        """Nothing began after the result was there: neither by the journal, nor by the time at which it was written."""
        of = [e for e in events() if e.get("hash") == key]
        assert [e["event"] for e in of].index("done") == len(of) - 1
        written = (Path("out/results") / key / "case.json").stat().st_mtime
        assert all(stamp(e["at"]) <= written + 0.001 for e in of if e["event"] == "begin")


def test_killed_again_and_again(capsys: pytest.CaptureFixture[str]) -> None:
    """After so many kills the same command ends with every result once, equal to those of a run that nothing disturbed."""
    sweep = f"extends: slump\nvary:\n  - {{parameter: factor, values: {FACTORS}}}\n"
    Path("scenarios/sweep.yaml").write_text(sweep, "utf-8")
    Path("night.yaml").write_text("models: pocket\nscenarios: sweep\noptions: {visits: no}\nformat: csv\n", "utf-8")
    assert main(["batch", "night.yaml", "-o", "calm", "-q"]) == 0
    expected = {p.name: files_of(p) for p in Path("calm/results").iterdir()}
    assert len(expected) == len(FACTORS)
    killer = Killer(expected)
    while killer.kills["main"] + killer.kills["worker"] < KILLS:
        killer.kill_one()
    killer.finish()
    assert killer.kills["main"]
    assert killer.kills["worker"]
    with capsys.disabled():
        if LONG:
            sys.stdout.write(f"\n{dict(killer.kills)}\n")


def stamp(text: str) -> float:
    """Return a time of the journal in seconds."""
    return dt.datetime.fromisoformat(text).timestamp()
