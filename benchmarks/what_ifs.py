"""Time what ifs beside plans from the start: ``python benchmarks/what_ifs.py 200 [COUNT [COLD]]`` (or the name of a shipped model).

A model is planned once; then COUNT models that each differ in a limit, the demand of a scope, a target or a rep's hours are planned
from there. COLD of them are planned from the start on the same engine too, in turn with the others, and their goals compared.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does

import numpy as np

from allocator.errors import InputError
from allocator.model import Model
from allocator.places import find_model
from allocator.plan import Plan
from allocator.reading import load
from allocator.replanning import Replanner
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario, Written
from allocator.solving import solve

sys.path.insert(0, str(Path(__file__).parent))
from generate import generate

HERE = Written("benchmark", "")


def draw(model: Model, rng: np.random.Generator) -> Change:
    """A change of a limit, of demand, of a target or of hours, at random."""
    targets = model["targets"].query("share_of == '' and at_least > 0")["target"]
    table, where, column = (
        ("budget", {"line": model["budget"]["line"]}, "maximum"),
        ("demand", {"product": model["products"]["product"], "unit": model["units"]["unit"]}, "expected"),
        ("targets", {"target": targets}, "at_least"),
        ("reps", {"rep": model["reps"]["rep"]}, "hours_per_day"),
    )[rng.integers(4)]
    chosen = {key: (str(rng.choice(values.to_numpy(object))),) for key, values in where.items()}
    return Change(table, chosen, "multiply", {column: f"{rng.uniform(0.85, 1.15):.3f}"}, HERE)


def changed(model: Model, change: Change) -> Model | None:
    """The model under a change; None where it cannot be (a maximum below the minimum)."""
    try:
        return apply_steps(model, [(Scenario("what_if", "", HERE, steps=(change,)), (change,))]).model
    except InputError:
        return None


def timed(work: Callable[[], Plan]) -> tuple[Plan, float]:
    """Do something and time it, in seconds on the clock."""
    started = time.perf_counter()
    return work(), time.perf_counter() - started


def apart(one: Plan, other: Plan) -> float:
    """Largest difference of a goal, relative to one and its size."""
    assert [g.name for g in one.goals] == [g.name for g in other.goals]
    return max(abs(a.value - b.value) / max(1.0, abs(b.value)) for a, b in zip(one.goals, other.goals, strict=True))


def measure(model: Model, count: int, cold: int) -> None:
    """Print medians, their ratio and the largest difference of a goal."""
    replanner, first = None, 0.0

    def start() -> Plan:
        nonlocal replanner
        replanner = Replanner(model, quick=True)
        return replanner.base

    _base, first = timed(start)
    assert replanner is not None
    rng = np.random.default_rng(7)
    warm_times, cold_times, pairs, worst = [], [], [], 0.0
    while len(warm_times) < count:
        change = draw(model, rng)
        began = time.perf_counter()
        other = changed(model, change)
        applied = time.perf_counter() - began
        if other is None:
            continue
        plan, seconds = timed(lambda other=other: replanner.plan(other, quick=True))
        assert plan.status == "optimal", plan.reasons
        warm_times.append(applied + seconds)
        if len(warm_times) * cold > len(cold_times) * count:
            again, from_start = timed(lambda other=other: solve(other, engine="highs", quick=True))
            cold_times.append(applied + from_start)
            pairs.append(cold_times[-1] / warm_times[-1])
            worst = max(worst, apart(plan, again))
        sys.stderr.write(f"\r{len(warm_times)} of {count}")
    quarters = np.percentile(warm_times, [25, 50, 75, 100])
    sys.stdout.write(
        f"\nfirst plan {first:.2f} s\n"
        f"what if: quartiles and most {', '.join(f'{q:.2f}' for q in quarters)} s of {count}\n"
        f"from the start: median {np.median(cold_times):.2f} s of {len(cold_times)}\n"
        f"ratio of the medians {np.median(cold_times) / quarters[1]:.1f}; median ratio of pairs {np.median(pairs):.1f}\n"
        f"largest relative difference of a goal {worst:.1e}\n"
    )


def main() -> None:
    """Measure a generated model of so many reps, or a shipped one."""
    what, count, cold = [*sys.argv[1:], *["200", "100", "20"][len(sys.argv) - 1 :]][:3]
    if not what.isdigit():
        measure(load(find_model(what)), int(count), int(cold))
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "model", int(what))
        measure(load(Path(folder) / "model"), int(count), int(cold))


if __name__ == "__main__":
    main()
