"""Batches told in a test: the file, its scenarios, its cases, and workers that stand in for real ones."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from allocator.batches.batch import Batch
from allocator.batches.crossing import Crossing
from allocator.batches.index import Entry, Prepared
from allocator.batches.processes import Death, Ended
from allocator.batches.running import Step, prepare, read, run
from allocator.batches.store import JOURNAL, open_store
from allocator.batches.work import IDENTITY, Answer, Task
from allocator.errors import Finding, InputError
from allocator.model import Model
from allocator.reporting.run import SUMMARY

SCENARIOS = {
    "boom": "title: More\nevents:\n  - demand_shift: {factor: 1.1}\n",
    "slump": "title: Less\nparameters: {factor: 0.9}\nevents:\n  - demand_shift: {factor: $factor}\n",
    "sweep": "extends: slump\nvary:\n  - {parameter: factor, values: [0.8, 0.7]}\n",
    "grow": "changes:\n  - {table: budget, where: {line: promotion}, multiply: {maximum: 1.5}}\n"
    "vary:\n  - {table: budget, column: minimum, where: {line: promotion}, values: [0, 10]}\n",
    "bad": "changes:\n  - {table: demand, where: {product: nothing}, multiply: {expected: 2}}\n",
    "worse": "changs: []\n",
    "abroad": "models: elsewhere\ntitle: Not ours\n",
}
"""Scenarios beside the batch file: two that apply, two sweeps, two that are wrong, one for another model."""


def write_scenarios() -> None:
    """Write the scenarios into the working folder."""
    Path("scenarios").mkdir(exist_ok=True)
    for name, text in SCENARIOS.items():
        (Path("scenarios") / f"{name}.yaml").write_text(text, encoding="utf-8")


def tell(text: str) -> tuple[Batch, Crossing]:
    """Read a batch of this text."""
    path = Path("night.yaml")
    path.write_text(text, encoding="utf-8")
    return read(path)


def names(text: str) -> list[str]:
    """Return the names of a batch's cases."""
    return [p.case.name for p in tell(text)[1].planned]


def refused(text: str) -> list[Finding]:
    """Return the errors with which a batch is refused."""
    with pytest.raises(InputError) as caught:
        tell(text)
    assert caught.value.exit_code == 2
    return [f for f in caught.value.findings if f.severity == "error"]


def told(text: str) -> tuple[Batch, list[Prepared]]:
    """Return a batch and its cases, ready to be carried out."""
    batch, crossing = tell(text)
    return batch, prepare(batch, crossing.planned)


def plan_of(task: Task, **figures: float | None) -> Answer:
    """Return a made-up plan of a task, with these key figures."""
    kpis = {"revenue": 100.0, "profit": 10.0, "visits_promised": 200.0, **figures}
    missed = kpis.pop("missed", 0)
    summary: dict[str, Any] = {
        "status": "optimal",
        "kpis": kpis,
        "targets": {"met": 3, "missed": missed},
        "schedule": {"visits": 190, "unplaced": kpis.pop("unplaced", 0)},
        "audit": {"violations": kpis.pop("violations", 0)},
        "seconds": {"total": 1.0},
    }
    files = {SUMMARY: json.dumps(summary).encode(), IDENTITY: json.dumps({"hash": task.hash}).encode()}
    return Answer({**files, "targets.csv": b"target,planned\nrevenue,1\n", "model/model.yaml": b"title: x\n"})


class Doubles:
    """Workers that answer at once with what a function says; what they were asked for is kept."""

    def __init__(self, does: Callable[[Task], Answer | Death], workers: int = 2) -> None:
        self.workers, self._does = workers, does
        self._ended: deque[Ended] = deque()
        self.asked: list[str] = []
        self.closed = False

    def submit(self, task: Task, model: Model) -> None:
        """Answer a task."""
        assert model.sha256
        self.asked.append(" ".join(filter(None, (task.scenario, *(v for _k, v in task.varied)))))
        self._ended.append(Ended(task.hash, self._does(task)))

    def wait(self, seconds: float) -> Ended | None:
        """Return what was answered."""
        return self._ended.popleft() if self._ended else None

    def close(self) -> None:
        """Be closed."""
        self.closed = True


def carried_out(
    text: str, does: Callable[[Task], Answer | Death] = plan_of, *, retry: bool = False, steps: list[Step] | None = None
) -> tuple[dict[str, Entry], list[str]]:
    """Carry a batch out in the folder ``out``; returns its index by case, and what the workers were asked for."""
    batch, prepared = told(text)
    doubles = Doubles(does)
    with open_store(Path("out")) as store:
        told_to = (lambda step: None) if steps is None else steps.append
        found = run(batch, prepared, store, lambda _tasks: doubles, retry=retry, progress=told_to)
    assert doubles.closed or not doubles.asked
    return {entry.case.name: entry for entry in found}, doubles.asked


def events() -> list[Mapping[str, Any]]:
    """Return the journal of the folder ``out``."""
    return [json.loads(line) for line in (Path("out") / JOURNAL).read_text("utf-8").splitlines()]
