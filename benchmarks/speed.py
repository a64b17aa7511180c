"""Time the whole path beside HiGHS on the same arrays: ``python benchmarks/speed.py 60 200 1000``.

For each size a model is generated, read, solved, audited and written as a user would; every program that an engine was handed
is kept, and then handed once more, as arrays, to HiGHS itself (interior point with crossover, the floor). Ratios are of one run
on one machine.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import highspy
import numpy as np

from allocator.engines import engine
from allocator.engines.status import Engine, Solution, Vertex
from allocator.program import Floats, Program
from allocator.reading import load
from allocator.reporting.run import write_run
from allocator.solving import solve

sys.path.insert(0, str(Path(__file__).parent))
from generate import generate


@dataclass
class Recorder:
    """An engine that keeps what it was asked."""

    inner: Engine
    asked: list[tuple[Program, Floats]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Name of the engine."""
        return self.inner.name

    @property
    def version(self) -> str:
        """Version of the engine."""
        return self.inner.version

    def solve(
        self,
        program: Program,
        costs: Floats,
        *,
        seconds: float | None = None,
        goal: str = "",
        start: Vertex | None = None,
    ) -> Solution:
        """Keep the question and let the engine answer."""
        self.asked.append((program, costs))
        return self.inner.solve(program, costs, seconds=seconds, goal=goal, start=start)


def floor(program: Program, costs: Floats) -> float:
    """Seconds that HiGHS needs for arrays: interior point with crossover, one thread."""
    highs = highspy.Highs()
    for option, value in (("output_flag", False), ("threads", 1), ("parallel", "off"), ("solver", "ipm")):
        highs.setOptionValue(option, value)
    lp = highspy.HighsLp()
    lp.num_row_, lp.num_col_ = program.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = costs, program.lower, program.upper
    lp.row_lower_, lp.row_upper_ = program.row_lower, program.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_ = program.matrix.indptr, program.matrix.indices
    lp.a_matrix_.value_ = program.matrix.data
    if program.integer.any():
        kinds = np.where(program.integer, highspy.HighsVarType.kInteger, highspy.HighsVarType.kContinuous)
        lp.integrality_ = kinds.tolist()
    started = time.perf_counter()
    highs.passModel(lp)
    highs.run()
    return time.perf_counter() - started


def measure(reps: int, name: str, folder: Path) -> dict[str, float]:
    """Time one size."""
    generate(folder / "model", reps)
    recorder = Recorder(engine(name))
    started = time.perf_counter()
    model = load(folder / "model")
    read = time.perf_counter() - started
    plan = solve(model, engine=recorder)
    before = time.perf_counter()
    write_run(plan, folder / "run")
    ended = time.perf_counter()
    seconds = plan.summary["seconds"]
    raw = sum(floor(program, costs) for program, costs in recorder.asked)
    total, write = ended - started, ended - before
    return {
        "reps": reps,
        "columns": plan.summary["program"]["columns"],
        "nonzeros": plan.summary["program"]["nonzeros"],
        "solves": len(recorder.asked),
        "read": read,
        "build": seconds["build"],
        "solve": seconds["solve"],
        "audit": seconds["audit"],
        "write": write,
        "total": total,
        "HiGHS": raw,
        "build/solve": seconds["build"] / seconds["solve"],
        "total/(1.3·HiGHS+read+write)": total / (1.3 * raw + read + write),
        "violations": plan.summary["audit"]["violations"],
        "peak MB": plan.summary["peak_mb"] or float("nan"),
    }


def main() -> None:
    """Print a table, a row for each size."""
    sizes = [int(a) for a in sys.argv[1:] if a.isdigit()] or [60, 200, 1000]
    name = next((a for a in sys.argv[1:] if not a.isdigit()), "ortools")
    for n, reps in enumerate(sizes):
        with tempfile.TemporaryDirectory() as folder:
            row = measure(reps, name, Path(folder))
        if not n:
            sys.stdout.write(" | ".join(row) + "\n")
        sys.stdout.write(" | ".join(f"{v:,.4g}" for v in row.values()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
