"""Prove the engine at length, unattended: ``make proof``, or ``python benchmarks/proof.py --models 500 --only models``.

Random small models against an oracle that shares no code with the engine, every tenth on every engine; random kills of
batches and of publishing; prices, frontiers and explanations against plans from the start and brute force; the shipped
models on every engine. Stopped and started again it goes on where it was, as long as neither the engine nor what proves
it has changed. Ends with a report, and with 1 if anything failed.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from pebble import ProcessFuture, ProcessPool

if TYPE_CHECKING:
    from allocator.model import Model
    from allocator.plan import Plan

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "runs" / "proof"
MODELS = "models.csv"
EVERY = 10
"""So many models are compared with the oracle for one that is also planned on every engine."""
TRIAL = 10
LIFE = 200
"""Models after which a process is replaced, so that what libraries keep does not grow."""
LIMIT = 300.0
"""Seconds a model may take; one takes one second, on every engine some more. What takes longer has failed."""
SUITES = {
    "explanations": ("tests/explaining", 1),
    "batch kills": ("tests/batches/test_kills.py", 0),
    "shipped models on every engine": ("tests/test_agreement.py", 1),
    "schedules": ("tests/visits", 60),
    "rounding": ("tests/test_rounding.py", 1),
    "publish kills": ("tests/registry/test_registry_faults.py", 0),
}
"""Tests that have a long mode, and how long it is (0: half of the kills); the longest first, as they run side by side."""


def fingerprint(*, tests: bool) -> str:
    """Hash of the engine and of what proves it, with or without the tests: results of another state do not count."""
    sha = hashlib.sha256((ROOT / "constraints.txt").read_bytes())
    for path in sorted([*(ROOT / "allocator").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        if tests or not path.name.startswith("test_"):
            sha.update(path.read_bytes())
    return sha.hexdigest()[:16]


def proved(seed: int) -> tuple[float, str]:
    """Prove a seed in a process of its own; returns seconds and what is wrong, as not every error can travel."""
    started = time.perf_counter()
    try:
        prove(seed)
    except Exception as error:  # whatever it is, it is what the proof looks for; the report tells it
        return 0.0, " ".join(f"{type(error).__name__}: {error}".split())[:500]
    return time.perf_counter() - started, ""


def prove(seed: int) -> None:
    """Compare the model of a seed with the oracle."""
    sys.path.insert(0, str(ROOT / "tests"))
    from pencil import compare
    from random_models import random_model

    from allocator.reading import load

    with tempfile.TemporaryDirectory() as folder:
        model = load(random_model(seed).write(Path(folder) / "model"))
        compare(model)
        if seed % EVERY == 0:
            _on_every_engine(model)


def _on_every_engine(model: Model) -> None:
    """See that every engine finds the same goals, or that there is no plan.

    Whole numbers may be dealt otherwise where all goals are equal; quotas are compared where the forecast is the same. Only goals are
    looked at: nothing is rounded, dated or audited.
    """
    from allocator.formulation.effort import effort_program
    from allocator.solving import solve

    plans = {e: solve(model, engine=e, quick=True) for e in ("ortools", "highs", "pulp")}
    assert len({p.status for p in plans.values()}) == 1, {e: p.status for e, p in plans.items()}
    first, whole = plans["ortools"], bool(effort_program(model).program.integer.any())
    for name, plan in plans.items():
        dealt = whole and not _same_forecast(first, plan)
        apart = {
            a.name: (a.value, b.value)
            for a, b in zip(first.goals, plan.goals, strict=True)
            if not (dealt and _of_quotas(a.name))
            and not abs(a.value - b.value) <= 1e-6 * max(1.0, abs(a.value), 0.01 * _money(model))
        }
        assert not apart, f"ortools and {name}: {apart}"


def _same_forecast(one: Plan, other: Plan) -> bool:
    """Whether two plans sell the same; a plan without an answer has no forecast."""
    if one.status != "optimal":
        return True
    a, b = (p["forecast"]["sell"].to_numpy(float) for p in (one, other))
    return bool((abs(a - b) <= 1e-9 * (1 + abs(a))).all())


def _of_quotas(goal: str) -> bool:
    """Whether a goal is one of the quotas: those of targets are a level, a priority and what of it."""
    return goal not in ("visits", "contribution") and not goal.split()[1].isdigit()


def _money(model: Model) -> float:
    """Size of the money of a model."""
    return float(model["demand"]["ceiling"].sum())


class Models:
    """What is known of the random models, kept in a file line by line."""

    def __init__(self, state: str) -> None:
        self.file = PLACE / MODELS
        self.state = state
        self.done: dict[int, tuple[float, str]] = {}
        if self.file.exists():
            with self.file.open(encoding="utf-8", newline="") as file:
                rows = [r for r in csv.reader(file) if len(r) == 4 and r[0] == state]
            self.done = {int(seed): (float(seconds), wrong) for _, seed, seconds, wrong in rows}

    def run(self, seeds: range, processes: int) -> None:
        """Prove what is left of some seeds."""
        left = [s for s in seeds if s not in self.done or self.done[s][1]]
        if not left:
            return
        started = time.perf_counter()
        with self.file.open("a", encoding="utf-8", newline="") as file:
            for count, (seed, future) in enumerate(_proved(left, processes), 1):
                error = future.exception()
                seconds, wrong = (0.0, f"{type(error).__name__}: {error}"[:500]) if error else future.result()
                self.done[seed] = (seconds, wrong)
                csv.writer(file).writerow([self.state, seed, f"{self.done[seed][0]:.2f}", wrong])
                file.flush()
                if wrong:
                    say(f"seed {seed}: {wrong}")
                if count == TRIAL or count % 500 == 0:
                    each = (time.perf_counter() - started) / count
                    say(f"{count:,} of {len(left):,} models; about {each * (len(left) - count) / 60:,.0f} minutes left")

    def failed(self, seeds: range) -> Iterator[int]:
        """Seeds that disagree."""
        return (s for s in seeds if self.done.get(s, (0.0, ""))[1])


def _proved(seeds: list[int], processes: int) -> Iterator[tuple[int, ProcessFuture]]:
    """Seeds and what became of them; a process whose model does not end is ended."""
    with ProcessPool(processes, max_tasks=LIFE, context=get_context("spawn")) as workers:
        seed_of = {workers.schedule(proved, [seed], timeout=LIMIT): seed for seed in seeds}
        for future in as_completed(seed_of):
            yield seed_of[future], future


def run_suite(name: str, path: str, proof: int, state: str) -> str:
    """Run tests in their long mode; returns their closing line. One that passed in this state is not run again."""
    mark = PLACE / f"{name}.{proof}.{state}".replace(" ", "_")
    if mark.exists():
        return f"{mark.read_text('utf-8')} (before)"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "timeout=0", path]
    environment = os.environ | {"ALLOCATOR_PROOF": str(proof)}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, env=environment, check=False, capture_output=True, encoding="utf-8")
    last = next((x for x in reversed(done.stdout.splitlines()) if x.strip()), "no output")
    told = f"{last}, {time.perf_counter() - started:,.0f} s on the clock"
    if done.returncode:
        log = PLACE / f"{name}.log".replace(" ", "_")
        log.write_text(done.stdout + done.stderr, encoding="utf-8")
        return f"FAILED: {told}; see {log.relative_to(ROOT)}"
    mark.write_text(told, encoding="utf-8")
    return told


def say(text: str) -> None:
    """Tell at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {text}\n")
    sys.stdout.flush()


def main() -> None:
    """Prove, report, and end with 1 if anything failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=int, default=10_000, help="number of random models")
    parser.add_argument("--first", type=int, default=0, help="seed of the first one")
    parser.add_argument("--kills", type=int, default=1000, help="random kills, half of them of batches")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", choices=["models", *SUITES], action="append", help="this part alone; may be repeated")
    chosen = parser.parse_args()
    PLACE.mkdir(parents=True, exist_ok=True)
    parts = chosen.only or ["models", *SUITES]
    state, seeds = fingerprint(tests=True), range(chosen.first, chosen.first + chosen.models)
    report: dict[str, str] = {}
    if "models" in parts:
        models = Models(fingerprint(tests=False))
        say(f"{len(seeds):,} random models, {sum(s in models.done for s in seeds):,} of them proved before")
        models.run(seeds, chosen.processes)
        wrong = sorted(models.failed(seeds))
        spent = sum(models.done[s][0] for s in seeds)
        failed = f"FAILED: {len(wrong)} disagree: seeds {', '.join(map(str, wrong[:20]))}; " if wrong else ""
        report["random models"] = (
            f"{failed}{len(seeds) - len(wrong):,} agree with the oracle, {spent:,.0f} s on the clock in all processes"
        )
    half = max(chosen.kills // 2, 1)
    with ThreadPoolExecutor(chosen.processes) as side_by_side:
        suites = {
            side_by_side.submit(run_suite, name, path, length or half, state): name
            for name, (path, length) in SUITES.items()
            if name in parts
        }
        for future in as_completed(suites):
            report[suites[future]] = future.result()
            say(f"{suites[future]}: {report[suites[future]]}")
    sys.stdout.write("\n" + "".join(f"{name:<32}{told}\n" for name, told in report.items()))
    raise SystemExit(any(told.startswith("FAILED") for told in report.values()))


if __name__ == "__main__":
    main()
