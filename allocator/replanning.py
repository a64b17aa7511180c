"""Plans of models that differ little from one that was planned: what ifs, without starting over."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from allocator.formulation.grain import Grain
from allocator.model import Model
from allocator.plan import Plan
from allocator.solving import Progress, solve

if TYPE_CHECKING:
    from allocator.crew import Crew
    from allocator.engines.warm import Basis


@dataclass
class Memory:
    """What a run leaves to later ones.

    Attributes
    ----------
    bases : dict of str to Basis
        An optimal basis of each goal, by its name.
    wishes : dict of str to int
        How many wishes could be had at once, by the name of the first of them.
    grain : Grain or None
        Of the model.
    learning : bool
        Whether a run adds to it. Runs that only read it give the same answers in any order.
    """

    bases: dict[str, Basis] = field(default_factory=dict)
    wishes: dict[str, int] = field(default_factory=dict)
    grain: Grain | None = None
    learning: bool = True


class Replanner:
    """Plans a model, then others like it from where it ended.

    Each plan starts from the model's, whatever was planned in between, on HiGHS; it is proved like any other. The answer is that of
    :func:`allocator.solve`, found sooner: limits, demand and targets may differ, and clients, reps, lines or products come and go.

    Parameters
    ----------
    model : Model
    strict, visits, workers, progress
        As :func:`allocator.solve` takes them.

    Attributes
    ----------
    base : Plan
        Of the model.
    """

    def __init__(
        self,
        model: Model,
        *,
        strict: bool = False,
        visits: bool = False,
        quick: bool = False,
        workers: int | Crew | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._memory = Memory()
        self._strict, self._workers = strict, workers
        self.base = solve(
            model,
            strict=strict,
            visits=visits,
            quick=quick,
            workers=workers,
            progress=progress,
            memory=self._memory,
        )
        self._memory.learning = False

    def plan(
        self,
        model: Model,
        *,
        visits: bool = False,
        quick: bool = False,
        quotas: bool = True,
        keep: pd.DataFrame | None = None,
        progress: Progress | None = None,
    ) -> Plan:
        """Plan a model that differs from the first one.

        Parameters
        ----------
        model : Model
        visits, quick, quotas, keep, progress
            As :func:`allocator.solve` takes them.
        """
        return solve(
            model,
            strict=self._strict,
            visits=visits,
            quick=quick,
            quotas=quotas,
            keep=keep,
            workers=self._workers,
            progress=progress,
            memory=self._memory,
        )
