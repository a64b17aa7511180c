"""Reps in parallel: a crew's processes read tasks and write answers."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from allocator.crew import Crew, ProcessStopped
from allocator.errors import EngineError
from allocator.texts import _
from allocator.visits.beside import CHUNK
from allocator.visits.placing import place
from allocator.visits.tasks import Placed, Task


def place_all(tasks: Iterable[Task], count: int, crew: Crew | None, *, bounded: bool = True) -> Iterator[Placed]:
    """Answers of all tasks, in their order.

    Parameters
    ----------
    tasks : iterable of Task
        Read as they are needed.
    count : int
        How many there are.
    crew : Crew, optional
        Processes that work on them; without them this one does.
    bounded : bool
        Whether each says how near to the best it is.

    Raises
    ------
    EngineError
        If a process ends.
    """
    work = functools.partial(place, bounded=bounded)
    if crew is None:
        yield from map(work, tasks)
        return
    # Towards the end all processes should be at work: few reps travel in smaller parts.
    size = max(1, min(CHUNK, count // (4 * crew.size)))
    try:
        yield from chain.from_iterable(crew.map(functools.partial(_each, work), _chunks(tasks, size)))
    except ProcessStopped as error:
        raise EngineError(_("A process that dates visits stopped: {detail}").format(detail=error.detail)) from error


def _each(work: Callable[[Task], Placed], tasks: list[Task]) -> list[Placed]:
    return [work(task) for task in tasks]


def _chunks(tasks: Iterable[Task], size: int) -> Iterator[list[Task]]:
    chunk: list[Task] = []
    for task in tasks:
        chunk.append(task)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
