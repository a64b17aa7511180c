"""Reps in parallel: a crew's processes read tasks and write answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from allocator.crew import Crew
from allocator.visits.beside import CHUNK, dating_crew
from allocator.visits.placing import place
from allocator.visits.tasks import Placed, Task


def place_all(
    tasks: Iterable[Task], count: int, workers: int | Crew | None, progress: Callable[[int], None] | None
) -> Iterator[Placed]:
    """Answers of all tasks, in their order.

    Parameters
    ----------
    tasks : iterable of Task
        Read as they are needed.
    count : int
        How many there are.
    workers : int or Crew, optional
        Processes, or those that there are already; see :func:`allocator.visits.beside.dating_crew`.
    progress : callable, optional
        Told how many reps are done.
    """
    crew = workers if isinstance(workers, Crew) else dating_crew(count, workers)
    for done, answer in enumerate(_answers(tasks, crew, count, close=crew is not workers), 1):
        if progress is not None:
            progress(done)
        yield answer


def _answers(tasks: Iterable[Task], crew: Crew | None, count: int, *, close: bool) -> Iterator[Placed]:
    if crew is None:
        yield from map(place, tasks)
        return
    # Towards the end all processes should be at work: few reps travel in smaller parts.
    size = max(1, min(CHUNK, count // (4 * crew.size)))
    try:
        yield from chain.from_iterable(crew.map(place_some, _chunks(tasks, size)))
    finally:
        if close:
            crew.close()


def place_some(tasks: list[Task]) -> list[Placed]:
    """Date some reps' visits."""
    return [place(task) for task in tasks]


def _chunks(tasks: Iterable[Task], size: int) -> Iterator[list[Task]]:
    chunk: list[Task] = []
    for task in tasks:
        chunk.append(task)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
