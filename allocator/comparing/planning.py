"""How the plans of a comparison are made."""

from __future__ import annotations

from typing import Protocol

import pandas as pd

from allocator.crew import Crew
from allocator.errors import EngineError
from allocator.model import Model
from allocator.plan import Plan
from allocator.replanning import Replanner
from allocator.solving import solve


class Planner(Protocol):
    """What plans a model: :func:`allocator.solving.solve`, or something with the same answers."""

    def __call__(self, model: Model, *, visits: bool, quick: bool, keep: pd.DataFrame | None = None) -> Plan:
        """Plan a model: with dated visits or without, those of ``keep`` preferred; quick is key figures and targets alone."""
        ...


class FromTheFirst:
    """Plans the first model from the start, and all others from where it ended.

    Where HiGHS cannot prove one of them, it is planned from the start on the model's own engine. Quick plans ask for no quotas: key
    figures and targets are those of the effort.

    Parameters
    ----------
    strict : bool
    workers : int or Crew, optional
        As :func:`allocator.solving.solve` takes them.
    """

    def __init__(self, *, strict: bool = False, workers: int | Crew | None = None) -> None:
        self._strict, self._workers = strict, workers
        self._replanner: Replanner | None = None

    def __call__(self, model: Model, *, visits: bool, quick: bool, keep: pd.DataFrame | None = None) -> Plan:
        """Plan a model; see :class:`Planner`."""
        if self._replanner is None:
            self._replanner = Replanner(model, strict=self._strict, visits=visits, quick=quick, workers=self._workers)
            return self._replanner.base
        try:
            return self._replanner.plan(model, visits=visits, quick=quick, quotas=not quick, keep=keep)
        except EngineError:
            return solve(
                model,
                strict=self._strict,
                visits=visits,
                quick=quick,
                quotas=not quick,
                keep=keep,
                workers=self._workers,
            )
