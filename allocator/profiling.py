"""What a solve spends its time on: each goal in the engine, each part of the audit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from allocator.engines.status import Engine, Solution, Vertex
from allocator.program import Floats, Program


@dataclass
class GoalCost:
    """What a goal has cost: solves, seconds in the engine, iterations (None where the engine does not tell), largest program."""

    solves: int = 0
    seconds: float = 0.0
    iterations: int | None = None
    nonzeros: int = 0

    def add(self, solution: Solution, program: Program) -> None:
        """Add a solve."""
        self.solves += 1
        self.seconds += solution.seconds
        self.nonzeros = max(self.nonzeros, program.nonzeros)
        if solution.iterations is not None:
            self.iterations = (self.iterations or 0) + solution.iterations


@dataclass
class Profile:
    """Collects costs while a model is solved.

    Attributes
    ----------
    goals : dict of str to GoalCost
        By what was solved for, in order of the first solve: a goal, wishes tried together, the choice among equal answers.
    audit : dict of str to float
        Seconds of each part of the audit.
    """

    goals: dict[str, GoalCost] = field(default_factory=dict)
    audit: dict[str, float] = field(default_factory=dict)

    def watch(self, engine: Engine) -> Engine:
        """Return an engine that answers the same and whose solves are counted."""
        return Watched(engine, self)

    def laps(self) -> Callable[[str], None]:
        """Return a watch for the audit: called at the end of each part, with its name."""
        last = perf_counter()

        def lap(name: str) -> None:
            nonlocal last
            now = perf_counter()
            self.audit[name] = self.audit.get(name, 0.0) + now - last
            last = now

        return lap

    def content(self) -> dict[str, Any]:
        """Return what ``summary.json`` keeps."""
        goals = [{"name": name, **vars(cost)} for name, cost in self.goals.items()]
        return {"goals": goals, "audit": dict(self.audit)}


@dataclass(frozen=True)
class Watched:
    """An engine whose solves are counted."""

    inner: Engine
    profile: Profile

    @property
    def name(self) -> str:
        """Name under which the engine is asked for."""
        return self.inner.name

    @property
    def version(self) -> str:
        """Version of the solver."""
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
        """Let the engine answer, and count what it took."""
        solution = self.inner.solve(program, costs, seconds=seconds, goal=goal, start=start)
        self.profile.goals.setdefault(goal, GoalCost()).add(solution, program)
        return solution
