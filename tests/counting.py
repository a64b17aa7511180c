"""Counts what a plan takes: solves, coefficients, rows of tables that pandas works through. No clock is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import pytest

from allocator import reading
from allocator.engines import engine
from allocator.engines.status import Engine, Solution, Vertex
from allocator.places import shipped_models
from allocator.program import Floats, Program
from allocator.solving import solve

LOOPS = ((pd.DataFrame, "itertuples"), (pd.DataFrame, "iterrows"), (pd.DataFrame, "apply"))
"""Methods that hand every row to Python."""
PASSES = (
    (pd.DataFrame, "merge"),
    (pd.DataFrame, "groupby"),
    (pd.Series, "groupby"),
    (pd.Series, "map"),
    (pd.DataFrame, "sort_values"),
)
"""Methods that go through all rows at once."""


@dataclass
class Counted:
    """An engine that counts.

    Attributes
    ----------
    solves, largest, all : int
        Solves, coefficients of the largest program that was handed over, and of all together.
    """

    inner: Engine = field(default_factory=lambda: engine("ortools"))
    solves: int = 0
    largest: int = 0
    all: int = 0

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
        """Count, and let the engine answer."""
        self.solves += 1
        self.largest, self.all = max(self.largest, program.nonzeros), self.all + program.nonzeros
        return self.inner.solve(program, costs, seconds=seconds, goal=goal, start=start)


@dataclass(frozen=True)
class Counts:
    """What reading and planning a model took.

    Attributes
    ----------
    solves : int
    nonzeros : int
        Of the largest program.
    handed : int
        Coefficients of all programs together.
    looped : int
        Rows that Python went through one by one while planning.
    passes : int
        Times that all rows of a table were gone through at once while planning.
    passed : int
        Rows of these tables.
    """

    solves: int
    nonzeros: int
    handed: int
    looped: int
    passes: int
    passed: int


def count(name: str, patch: pytest.MonkeyPatch) -> Counts:
    """Read and plan a shipped model without dates; every table is read once."""
    files: Counter[str] = Counter()
    read_file = reading.read_file

    def read(path: Any, *rest: Any) -> Any:
        files[path.name] += 1
        return read_file(path, *rest)

    with patch.context() as watched:
        watched.setattr(reading, "read_file", read)
        model = reading.load(shipped_models()[name])
    assert files
    assert set(files.values()) == {1}
    asked, looped, passes, passed = Counted(), Counter[str](), Counter[str](), Counter[str]()
    with patch.context() as watched:
        for kind, method in LOOPS:
            watched.setattr(kind, method, _counting(getattr(kind, method), Counter(), looped))
        for kind, method in PASSES:
            watched.setattr(kind, method, _counting(getattr(kind, method), passes, passed))
        plan = solve(model, engine=asked, visits=False)
    assert plan.status == "optimal"
    return Counts(asked.solves, asked.largest, asked.all, looped.total(), passes.total(), passed.total())


def _counting(method: Callable[..., Any], calls: Counter[str], rows: Counter[str]) -> Callable[..., Any]:
    def counted(self: Any, *given: Any, **named: Any) -> Any:
        calls[method.__name__] += 1
        rows[method.__name__] += len(self)
        return method(self, *given, **named)

    return counted


def more(found: Counts, bound: Counts) -> dict[str, tuple[int, int]]:
    """What is more than its bound, with both."""
    return {k: (v, getattr(bound, k)) for k, v in vars(found).items() if v > getattr(bound, k)}
