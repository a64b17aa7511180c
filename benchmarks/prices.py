"""Time prices beside one solve: ``python benchmarks/prices.py 200 [COUNT]`` (or the name of a shipped model).

A model is planned once from the start, then COUNT of its limits are priced: those that bind first, then hours of single reps. Seconds
are those of the processor.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as the command line does

from allocator.explaining.limits import make_limit
from allocator.explaining.prices import binding, priced
from allocator.explaining.resolving import Resolver
from allocator.model import Model
from allocator.places import find_model
from allocator.reading import load
from allocator.solving import solve

sys.path.insert(0, str(Path(__file__).parent))
from generate import generate


def measure(model: Model, count: int) -> None:
    """Print the times and their ratio."""
    began = time.process_time()
    plan = solve(model, engine="highs", visits=False)
    one = time.process_time() - began
    assert plan.status == "optimal", plan.reasons
    began = time.process_time()
    resolver = Resolver(model)
    limits = binding(resolver)
    for rep in model["reps"]["rep"]:
        if len(limits) < count:
            limits.append(make_limit(model, resolver.grain, "hours", {"rep": str(rep)}))
    limits = limits[:count]
    first = time.process_time() - began
    ranges = 0
    kinds: dict[str, list[float]] = {}
    for number, limit in enumerate(limits, 1):
        started = time.process_time()
        price = priced(resolver, limit)
        kinds.setdefault(limit.kind, []).append(time.process_time() - started)
        ranges += sum(side.piece is not None for side in price.sides)
        sys.stderr.write(f"\r{number} of {len(limits)}")
    total = time.process_time() - began
    sys.stdout.write(
        f"\none solve without dates {one:.1f} s of the processor\n"
        f"prices of {len(limits)} limits {total:.1f} s ({first:.1f} s before the first), {resolver.solves} plans of the effort, "
        f"{ranges} ranges\n"
        f"ratio {total / one:.1f}\n"
    )
    for kind, seconds in kinds.items():
        sys.stdout.write(f"{kind}: {len(seconds)} limits, {sum(seconds) / len(seconds):.1f} s each\n")


def main() -> None:
    """Measure a generated model of so many reps, or a shipped one."""
    what, count = [*sys.argv[1:], *["200", "50"][len(sys.argv) - 1 :]][:2]
    if not what.isdigit():
        measure(load(find_model(what)), int(count))
        return
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "model", int(what))
        measure(load(Path(folder) / "model"), int(count))


if __name__ == "__main__":
    main()
