"""Reps in parallel: processes of their own that read tasks and write answers.

They are started as ``python -m allocator.visits.workers``, so that a script that calls the library is not run again in each of them.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import IO

from allocator.errors import EngineError
from allocator.texts import _
from allocator.visits.placing import place
from allocator.visits.tasks import Placed, Task

SMALL = 30
"""Up to so many reps a process of its own is not worth its start."""
CHUNK = 8
"""Reps that travel together."""


def place_all(
    tasks: Iterable[Task], count: int, workers: int | None, progress: Callable[[int], None] | None
) -> Iterator[Placed]:
    """Answers of all tasks, in their order.

    Parameters
    ----------
    tasks : iterable of Task
        Read as they are needed.
    count : int
        How many there are.
    workers : int, optional
        Processes; as many as the machine has cores by default, and none for a few reps.
    progress : callable, optional
        Told how many reps are done.
    """
    workers = min(os.cpu_count() or 1, max(count // CHUNK, 1)) if workers is None else max(workers, 1)
    if workers == 1 or count <= SMALL:
        answers: Iterator[Placed] = map(place, tasks)
    else:
        answers = _in_processes(tasks, workers)
    for done, answer in enumerate(answers, 1):
        if progress is not None:
            progress(done)
        yield answer


def _in_processes(tasks: Iterable[Task], workers: int) -> Iterator[Placed]:
    """Feed processes, one thread for each; at most a few chunks wait, so memory does not grow with the tasks."""
    local = threading.local()
    started: list[subprocess.Popen[bytes]] = []

    def run(chunk: list[Task]) -> list[Placed]:
        if not hasattr(local, "process"):
            local.process = _start()
            started.append(local.process)
        return _ask(local.process, chunk)

    pool = ThreadPoolExecutor(workers)
    try:
        waiting = []
        for chunk in _chunks(tasks):
            waiting.append(pool.submit(run, chunk))
            if len(waiting) > 2 * workers:
                yield from waiting.pop(0).result()
        for future in waiting:
            yield from future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for process in started:
            _stop(process)


def _chunks(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    chunk: list[Task] = []
    for task in tasks:
        chunk.append(task)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _start() -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([p for p in sys.path if p])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-m", "allocator.visits.workers"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _ask(process: subprocess.Popen[bytes], chunk: list[Task]) -> list[Placed]:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        pickle.dump(chunk, process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
        process.stdin.flush()
        answer: list[Placed] | str = pickle.load(process.stdout)
    except (OSError, EOFError, pickle.UnpicklingError) as error:
        raise EngineError(_("A process that dates visits stopped: {detail}").format(detail=error)) from error
    if isinstance(answer, str):
        raise EngineError(_("A process that dates visits stopped: {detail}").format(detail=answer))
    return answer


def _stop(process: subprocess.Popen[bytes]) -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    process.wait()


def serve(read: IO[bytes], write: IO[bytes]) -> None:
    """Answer chunks of tasks until there are no more."""
    while True:
        try:
            chunk: list[Task] = pickle.load(read)
        except EOFError:
            return
        try:
            answer: list[Placed] | str = [place(task) for task in chunk]
        except EngineError as error:
            answer = str(error)
        pickle.dump(answer, write, protocol=pickle.HIGHEST_PROTOCOL)
        write.flush()


if __name__ == "__main__":
    # What native code prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, answers)
