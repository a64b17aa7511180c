"""Measure what an explanation takes beside a solve: ``python benchmarks/explaining.py 200``.

Generates a model (see ``generate.py``) and three tighter ones, solves each and explains it, in one process. Processor seconds are
counted, as the machine may have other work.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does

from allocator.explaining.explanation import Explanation, explain
from allocator.model import Model
from allocator.reading import load
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario, Written
from allocator.solving import solve

sys.path.insert(0, str(Path(__file__).parent))
from generate import generate

HERE = Written("benchmark", "")
TIGHTER = {
    "as generated": (),
    "a third less selling time": (Change("reps", {}, "multiply", {"selling_share": "0.67"}, HERE),),
    "revenue targets 4 % higher": (
        Change("targets", {"metric": ("revenue",)}, "multiply", {"at_least": "1.04"}, HERE),
    ),
    "a half of the budget": (Change("budget", {}, "multiply", {"maximum": "0.5", "minimum": "0.5"}, HERE),),
}
"""What is made of the generated model before it is explained."""


def tightened(model: Model, changes: tuple[Change, ...]) -> Model:
    """The model with changes."""
    return apply_steps(model, [(Scenario("tighter", "", HERE), changes)]).model if changes else model


def measured(model: Model) -> tuple[float, float, Explanation]:
    """Processor seconds of a solve without dated visits, of the explanation, and this."""
    started = time.process_time()
    solve(model, visits=False)
    solved = time.process_time()
    found = explain(model)
    return solved - started, time.process_time() - solved, found


def main(arguments: list[str]) -> None:
    """Print a row for each model."""
    reps = int(arguments[0]) if arguments else 200
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "model", reps)
        model = load(Path(folder) / "model")
        sys.stdout.write(
            "| model | missed wishes | clashes | ways out | solve, s | explain, s | ratio | of it clashes, ways out |\n"
        )
        for name, changes in TIGHTER.items():
            solving, explaining, found = measured(tightened(model, changes))
            clashes = sum(len(p.told) for p in found.problems)
            ways = sum(len(p.repairs) for p in found.problems)
            row = (name, len(found.misses), clashes, ways, f"{solving:.1f}", f"{explaining:.1f}")
            share = [found.seconds.get(k, 0.0) / sum(found.seconds.values()) for k in ("clashes", "ways out")]
            says = f"{explaining / solving:.1f} | {share[0]:.0%}, {share[1]:.0%}"
            sys.stdout.write(f"| {' | '.join(map(str, row))} | {says} |\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
