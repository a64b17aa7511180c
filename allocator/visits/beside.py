"""Dating beside the rest of a plan: visits need the effort alone, so processes date them while quotas are found and rounded."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Self

from allocator.crew import Crew

if TYPE_CHECKING:
    import pandas as pd

    from allocator.model import Model
    from allocator.visits.answer import Schedule

MOST = 2_000
"""Reps up to which visits are dated beside the quotas; above, memory is dearer than time."""
SMALL = 30
"""Up to so many reps a process of its own is not worth its start."""
CHUNK = 8
"""Reps that travel together, at most."""
MODULES = ("allocator.visits.workers", "allocator.reporting.run", "allocator.reporting.plan_workbook")
"""What the processes read while they wait: the workbook of the plan may be written by one of them."""


def dating_crew(reps: int, workers: int | None) -> Crew | None:
    """Processes for so many reps, not started yet; None where one is enough.

    Parameters
    ----------
    reps : int
    workers : int, optional
        Processes; as many as the machine has cores by default, and none for a few reps.
    """
    crew = Crew(workers, MODULES)
    if workers is None:
        crew.size = min(crew.size, max(reps // CHUNK, 1))
    return None if crew.size == 1 or reps <= SMALL else crew


class Dating:
    """The schedule of a plan that is being made; its processes start at once, and end with it unless they were given.

    Parameters
    ----------
    model : Model
    keep : DataFrame, optional
        As :func:`allocator.visits.schedule` takes it.
    workers : int or Crew, optional
        As :func:`allocator.visits.schedule` takes it.
    """

    def __init__(self, model: Model, keep: pd.DataFrame | None, workers: int | Crew | None) -> None:
        self._model, self._keep, reps = model, keep, len(model["reps"])
        self._own = None if isinstance(workers, Crew) else dating_crew(reps, workers)
        self._crew = workers if isinstance(workers, Crew) else self._own
        self._beside = self._crew is not None and reps <= MOST
        self._thread: ThreadPoolExecutor | None = None
        self._future: Future[Schedule] | None = None
        if self._crew is not None:
            self._crew.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._own is not None:
            self._own.close()
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)

    def begin(self, tables: Mapping[str, pd.DataFrame]) -> None:
        """Begin as soon as effort and assignments are known."""
        if self._beside:
            self._thread = ThreadPoolExecutor(1)
            self._future = self._thread.submit(contextvars.copy_context().run, self._schedule, dict(tables))

    def schedule(self, tables: Mapping[str, pd.DataFrame]) -> Schedule:
        """Return the schedule, when it is there.

        Raises
        ------
        EngineError
            If a process fails.
        """
        return self._schedule(tables) if self._future is None else self._future.result()

    def _schedule(self, tables: Mapping[str, pd.DataFrame]) -> Schedule:
        from allocator.visits.scheduling import schedule  # here, as it takes long to import

        return schedule(self._model, tables, keep=self._keep, workers=1 if self._crew is None else self._crew)
