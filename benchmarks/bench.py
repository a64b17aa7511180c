"""Time the engine beside what else one would use, in one go: ``make bench``, or ``python benchmarks/bench.py --sizes 60``.

The same business (see ``business.py``) is planned for one goal by every contender, in turn, each run in a fresh
process; then a cascade of quotas (``cascade.py``). All objectives must be equal to 1e-6. A table goes into
``docs/benchmarks.md`` between its marks, every figure to ``runs/``. Processor seconds are compared: every contender
has one thread, and the machine may have other work.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs" / "benchmarks.md"
MARKS = ("<!-- make bench: begin -->", "<!-- make bench: end -->")
OURS, FLOOR = "allocator", "HiGHS on the arrays"
CONTENDERS = (
    OURS, "allocator --engine highs", FLOOR, "OR-Tools GLOP", "PuLP + HiGHS", "linopy + HiGHS", "Pyomo + HiGHS", "PuLP + CBC",
)  # fmt: skip
CASCADES = (
    "allocator, the same rule",
    "allocator, the whole quota program",
    "b2b-revenue-forecasting",
)
SIZES, ALL_SIZES = "60,200,1000", "60,200,1000,5000:1,10000:1"
LARGE = 1000
"""Reps from which on growth is told besides."""
EQUAL = 1e-6
PACKAGES = (
    *("sales-allocator", "highspy", "ortools", "pulp", "linopy", "xarray", "pyomo", "b2b-revenue-forecasting"),
    *("numpy", "pandas", "scipy"),
)
TICK = 0.05
Figures = dict[str, Any]


def run(name: str, folder: Path, limit: float, *more: str) -> Figures | None:
    """Run a contender in a fresh process; None if it takes longer than the limit (seconds on the clock)."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("one_run.py")), name, str(folder), *more]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=out, stderr=said, start_new_session=True)
        peak, until = 0.0, time.monotonic() + limit
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            if time.monotonic() > until:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None
            time.sleep(TICK)
        for file in (out, said):
            file.seek(0)
        if process.returncode:
            raise SystemExit(f"{name} failed:\n{said.read()[-3000:]}")
        lines = out.read().splitlines()
    return (json.loads(lines[-1]) if lines else {}) | {"peak_mb": peak}


def memory(pid: int) -> float:
    """Memory of a process and those it started, in MB, seen now; 0 where the system does not tell."""
    total, waiting = 0.0, [pid]
    while waiting:
        at = Path("/proc") / str(waiting.pop())
        try:
            total += int((at / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
            for thread in (at / "task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
        except OSError:  # it has ended
            continue
    return total


class Bench:
    """What was measured, by size (0: the cascade) and contender."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.found: dict[int, dict[str, list[Figures]]] = {}
        self.stopped: dict[int, list[str]] = {}

    def measure(self, size: int, names: Iterable[str], folder: Path, runs: int) -> None:
        """Run every contender so many times, in turn."""
        names = list(names)
        found = self.found.setdefault(size, {n: [] for n in names})
        stopped = self.stopped.setdefault(size, [])
        for number in range(runs):
            for name in names:
                if name in stopped:
                    continue
                figures = run(name, folder, self.limit)
                if figures is None:
                    stopped.append(name)
                    found[name].clear()
                else:
                    found[name].append(figures)
                sys.stderr.write(f"{size or 'cascade'}, run {number + 1}: {name}: {_told(figures, self.limit)}\n")

    def seconds(self, size: int, name: str, part: str = "", clock: bool = False) -> float:
        """Median seconds of a part, or of all; not a number where a contender was stopped."""
        runs = self.found[size].get(name) or []
        values = [sum(v[int(clock)] for k, v in r["seconds"].items() if part in ("", k)) for r in runs]
        return median(values) if values else math.nan

    def unequal(self) -> list[str]:
        """Objectives that are not those of the first contender."""
        wrong = []
        for size, found in self.found.items():
            values = {n: r["objective"] for n, runs in found.items() for r in runs if "objective" in r}
            first = next(iter(values.values()), 0.0)
            for n, v in values.items():
                if abs(v - first) > EQUAL * abs(first):
                    wrong.append(f"{size} reps: {n} finds {v:.6f}, {OURS} {first:.6f}")
        return wrong

    def growth(self, name: str, part: str = "", least: int = 1) -> float:
        """Exponent k of seconds ~ reps^k through all sizes from the least on; not a number with fewer than two."""
        sizes = [s for s in self.found if s >= least and self.seconds(s, name, part) > 0]
        if len(sizes) < 2:
            return math.nan
        x, y = [math.log(s) for s in sizes], [math.log(self.seconds(s, name, part)) for s in sizes]
        mx, my = sum(x) / len(x), sum(y) / len(y)
        return sum((a - mx) * (b - my) for a, b in zip(x, y, strict=True)) / sum((a - mx) ** 2 for a in x)


def _told(figures: Figures | None, limit: float) -> str:
    if figures is None:
        return f"stopped after {limit:,.0f} s"
    return ", ".join(f"{part} {spent[0]:.2f} s" for part, spent in figures["seconds"].items())


def tables(bench: Bench) -> str:
    """Write the tables, ratios first."""
    parts = [_heading(bench), *(_of_size(bench, s) for s in bench.found if s), _growth(bench)]
    return "\n\n".join(p for p in [*parts, _cascade(bench) if 0 in bench.found else ""] if p)


def _heading(bench: Bench) -> str:
    versions = ", ".join(f"{p} {metadata.version(p)}" for p in PACKAGES)
    return (
        f"Measured {dt.date.today():%Y-%m-%d}, in turn, each run in a fresh process and warmed up; processor "
        f"seconds of one thread (median seconds on the clock in brackets). {_machine()}; Python {platform.python_version()}, {versions}."
    )


def _machine() -> str:
    """Processor and memory."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        name = next(
            (x.split(":")[1].strip() for x in info.read_text().splitlines() if x.startswith("model name")), name
        )
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores, {platform.system()}"


def _of_size(bench: Bench, size: int) -> str:
    whole, floor = bench.seconds(size, OURS), bench.seconds(size, FLOOR)
    program: Mapping[str, Any] = next(iter(bench.found[size][OURS]), {})
    told = ", ".join(f"{program.get(n, 0):,} {n}" for n in ("columns", "rows", "nonzeros"))
    lines = [
        f"### {size:,} reps: {told}; {_of_runs(bench, size)}",
        "",
        "| contender | time ÷ allocator's | ÷ HiGHS on the arrays | total, s | read, s | build, s | solve, s | peak, MB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, runs in bench.found[size].items():
        if not runs:
            lines.append(f"| {name} | – | – | stopped after {bench.limit:,.0f} s on the clock | | | | |")
            continue
        total = bench.seconds(size, name)
        cells = [
            f"{total / whole:.2f}",
            f"{total / floor:.2f}",
            f"{total:.2f} ({bench.seconds(size, name, clock=True):.2f})",
        ]
        for part in ("read", "build", "solve"):
            spent = bench.seconds(size, name, part)
            cells.append(f"{spent:.2f}" if spent else "")
        peak = median(r["peak_mb"] for r in runs)
        lines.append(f"| {name} | {' | '.join(cells)} | {peak:,.0f} |")
    return "\n".join(lines)


def _of_runs(bench: Bench, size: int) -> str:
    runs = max(map(len, bench.found[size].values()))
    return f"medians of {runs} runs" if runs > 1 else "one run"


def _growth(bench: Bench) -> str:
    sizes = [s for s in bench.found if s]
    if len(sizes) < 2:
        return ""
    parts, large = ("", "read", "build", "solve"), [s for s in sizes if s >= LARGE]
    shown = [(min(sizes), p) for p in parts] + [(LARGE, p) for p in parts if 1 < len(large) < len(sizes)]
    headings = [f"{part or 'total'}, {least:,} to {max(sizes):,}" for least, part in shown]
    lines = [
        "### Growth: time ~ reps^k",
        "",
        f"| contender | {' | '.join(headings)} |",
        "|---" * (1 + len(shown)) + "|",
    ]
    for name in CONTENDERS:
        exponents = [bench.growth(name, part, least) for least, part in shown]
        lines.append(f"| {name} | {' | '.join('' if math.isnan(k) else f'{k:.2f}' for k in exponents)} |")
    return "\n".join(lines)


def _cascade(bench: Bench) -> str:
    ours = bench.seconds(0, CASCADES[0])
    lines = [
        f"### A cascade: 200 reps × 10 products × 12 months, 20 pins; {_of_runs(bench, 0)}",
        "",
        "| contender | time ÷ allocator's | total, s | largest difference from a target or pin | checks that fail | peak, MB |",
        "|---|---|---|---|---|---|",
    ]
    for name, runs in bench.found[0].items():
        if not runs:
            lines.append(f"| {name} | – | stopped after {bench.limit:,.0f} s on the clock | | | |")
            continue
        total, clock = bench.seconds(0, name), bench.seconds(0, name, clock=True)
        last, peak = runs[-1], median(r["peak_mb"] for r in runs)
        lines.append(
            f"| {name} | {total / ours:,.0f} | {total:.2f} ({clock:.2f}) | {last['off']:.2f} | {last['checks failed']} | {peak:,.0f} |"
        )
    return "\n".join(lines)


def write_docs(text: str) -> None:
    """Put the tables between the marks of the page."""
    page = DOCS.read_text("utf-8")
    before, rest = page.split(MARKS[0])
    DOCS.write_text(f"{before}{MARKS[0]}\n{text}\n{MARKS[1]}{rest.split(MARKS[1])[1]}", encoding="utf-8")


def main() -> None:
    """Measure, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--sizes",
        default=SIZES,
        help=f"numbers of reps, each with its own number of runs or without, or all: {ALL_SIZES}; 0 for none",
    )
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--limit", type=float, default=900.0, help="seconds on the clock after which a run is stopped")
    parser.add_argument(
        "--promises", choices=["hard", "free"], default="hard", help="whether promised visits are rules"
    )
    parser.add_argument("--no-cascade", action="store_true")
    parser.add_argument("--no-docs", action="store_true", help="leave docs/benchmarks.md as it is")
    chosen = parser.parse_args()
    bench = Bench(chosen.limit)
    for of_size in (ALL_SIZES if chosen.sizes == "all" else chosen.sizes).split(","):
        size, _colon, runs = of_size.partition(":")
        if not int(size):
            continue
        with tempfile.TemporaryDirectory() as folder:
            run("prepare", Path(folder), math.inf, size, chosen.promises)
            bench.measure(int(size), CONTENDERS, Path(folder), int(runs or chosen.runs))
    if not chosen.no_cascade:
        with tempfile.TemporaryDirectory() as folder:
            run("prepare cascade", Path(folder), math.inf)
            bench.measure(0, CASCADES, Path(folder), chosen.runs)
    text, wrong = tables(bench), bench.unequal()
    raw = ROOT / "runs" / f"bench-{dt.datetime.now():%Y-%m-%dT%H%M%S}.json"
    raw.parent.mkdir(exist_ok=True)
    figures = {"runs": bench.found, "stopped": bench.stopped, "limit": bench.limit, "unequal": wrong}
    raw.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    if not wrong and not chosen.no_docs:
        write_docs(text)
    sys.stdout.write(f"{text}\n\nEvery figure: {raw.relative_to(ROOT)}\n")
    if wrong:
        raise SystemExit("The objectives are not equal:\n" + "\n".join(wrong))


if __name__ == "__main__":
    main()
