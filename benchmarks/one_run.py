"""One run of one contender in a process of its own: ``python benchmarks/one_run.py CONTENDER FOLDER``. Started by ``bench.py``.

Prints a line of JSON: processor and clock seconds by part, the objective, and the size of the program where it is known. Each contender
first solves a business of twenty reps, so that imports do not count.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the command line does

import cascade
import highspy
import peers
from business import Business, business, write_business

from allocator.engines import engine
from allocator.formulation.effort import effort_program
from allocator.formulation.grain import make_grain
from allocator.ordering import Ordering
from allocator.program import Goal, Program
from allocator.reading import load

PEERS: dict[str, Callable[[Business], peers.Solve]] = {
    "PuLP + CBC": peers.with_pulp("cbc"),
    "PuLP + HiGHS": peers.with_pulp("highs"),
    "linopy + HiGHS": peers.with_linopy,
    "Pyomo + HiGHS": peers.with_pyomo,
    "OR-Tools GLOP": peers.with_glop,
}
OURS = {"allocator": "", "allocator --engine highs": "highs"}
FLOOR = "HiGHS on the arrays"
HANDED = "handed.pickle"
"""What peers and floor are handed: the arrays of the business, the program."""
TREE = "tree.pickle"
HARD = "promises are hard"
"""A file of this name in the folder says so."""
Figures = dict[str, Any]


class Clock:
    """Processor and clock seconds by part; processes that were waited for count too."""

    def __init__(self) -> None:
        self.parts: dict[str, list[float]] = {}
        self._last = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        waited = os.times()
        return time.process_time() + waited.children_user + waited.children_system, time.perf_counter()

    def lap(self, part: str) -> None:
        """End a part."""
        now = self._now()
        self.parts[part] = [b - a for a, b in zip(self._last, now, strict=True)]
        self._last = now


def one_goal(program: Program) -> tuple[Program, Goal]:
    """The program with contribution as its one goal."""
    goal = program.goals[0]
    assert goal.name == "contribution"
    return replace(program, goals=(goal,)), goal


def ours(folder: Path, name: str) -> Figures:
    """From tables to the answer: read, build, solve."""
    strict = (folder / HARD).exists()
    clock = Clock()
    model = load(folder)
    clock.lap("read")
    built = effort_program(model, strict=strict)
    program, goal = one_goal(built.program)
    clock.lap("build")
    outcome = Ordering(program, engine(name or model.settings.engine)).run()
    clock.lap("solve")
    assert outcome.x is not None, outcome.detail
    rows, columns = program.shape
    size = {"rows": rows, "columns": columns, "nonzeros": program.nonzeros}
    return {"seconds": clock.parts, "objective": goal.scale * goal.value(outcome.x), **size}


def floor(folder: Path) -> Figures:
    """HiGHS itself on the same arrays: interior point with crossover, one thread."""
    handed = pickle.loads((folder / HANDED).read_bytes())
    program, goal = handed["program"]
    clock = Clock()
    highs = highspy.Highs()
    for option, value in {**peers.HIGHS, "output_flag": False}.items():
        highs.setOptionValue(option, value)
    matrix, (rows, columns) = program["matrix"], program["shape"]
    highs.passModel(
        columns, rows, matrix.nnz, int(highspy.MatrixFormat.kRowwise), int(highspy.ObjSense.kMinimize), 0.0,
        program["costs"], program["lower"], program["upper"], program["row_lower"], program["row_upper"],
        matrix.indptr[:-1].astype("int32"), matrix.indices.astype("int32"), matrix.data, program["integer"].astype("int32"),
    )  # fmt: skip
    highs.run()
    clock.lap("solve")
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    objective = goal["scale"] * (highs.getInfo().objective_function_value + goal["constant"])
    return {"seconds": clock.parts, "objective": objective}


def peer(folder: Path, name: str) -> Figures:
    """A library that is handed the arrays of the business: build, solve."""
    handed = pickle.loads((folder / HANDED).read_bytes())["business"]
    clock = Clock()
    solve = PEERS[name](handed)
    clock.lap("build")
    value = solve()
    clock.lap("solve")
    return {"seconds": clock.parts, "objective": value * handed.money}


def cascaded(folder: Path, name: str) -> Figures:
    """A cascade of quotas."""
    tree: cascade.Tree = pickle.loads((folder / TREE).read_bytes())
    clock = Clock()
    if name.startswith("b2b"):
        quotas, failed = cascade.theirs(tree)
        clock.lap("solve")
        return {"seconds": clock.parts, "off": cascade.off_of_theirs(tree, quotas), "checks failed": len(failed)}
    quotas = cascade.by_program(tree) if "program" in name else cascade.ours(tree)
    clock.lap("solve")
    return {"seconds": clock.parts, "off": cascade.off_of_ours(tree, quotas), "checks failed": 0}


def prepare(folder: Path, reps: int, *, hard: bool) -> None:
    """Write the model of a size, and what the others are handed."""
    write_business(folder, reps)
    if hard:
        (folder / HARD).touch()
    built = effort_program(load(folder), strict=hard)
    program, goal = one_goal(built.program)
    names = ("matrix", "lower", "upper", "row_lower", "row_upper", "integer", "shape")
    arrays = {n: getattr(program, n) for n in names} | {"costs": goal.costs}
    handed = {
        "business": business(make_grain(load(folder)), built.draft.money, hard=hard),
        "program": (arrays, {"scale": goal.scale, "constant": goal.constant}),
    }
    (folder / HANDED).write_bytes(pickle.dumps(handed))


def run(name: str, folder: Path) -> Figures:
    """Run a contender on a prepared folder."""
    if name in OURS:
        return ours(folder, OURS[name])
    if name == FLOOR:
        return floor(folder)
    return peer(folder, name) if name in PEERS else cascaded(folder, name)


def main(arguments: list[str]) -> None:
    """Prepare a folder, or warm up and run a contender."""
    name, folder = arguments[0], Path(arguments[1])
    if name == "prepare":
        prepare(folder, int(arguments[2]), hard=arguments[3] == "hard")
        return
    if name == "prepare cascade":
        (folder / TREE).write_bytes(pickle.dumps(cascade.make_tree(folder)))
        return
    if not (folder / TREE).exists():
        with tempfile.TemporaryDirectory() as small:
            prepare(Path(small), 20, hard=(folder / HARD).exists())
            run(name, Path(small))
    sys.stdout.write("\n" + json.dumps(run(name, folder)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
