"""Workers on this machine: processes of their own, each given one case at a time.

They are started as ``python -m allocator.batches.worker``, so that a script that calls the library is not run again in each of them.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

from allocator.batches.work import Answer, Task
from allocator.model import Model
from allocator.texts import _

GRACE = 5.0
"""Seconds that a process without its pipe has to end by itself."""


@dataclass(frozen=True)
class Death:
    """A worker ended before it answered, and why as far as is known."""

    says: str


@dataclass(frozen=True)
class Ended:
    """A task, by its hash, and what came of it."""

    key: str
    outcome: Answer | Death


class Executor(Protocol):
    """Carries tasks out, several at a time."""

    @property
    def workers(self) -> int:
        """How many tasks are carried out at a time."""

    def submit(self, task: Task, model: Model) -> None:
        """Begin a task."""

    def wait(self, seconds: float) -> Ended | None:
        """Return a task that has ended; None if none has in this time."""

    def close(self) -> None:
        """End all workers, at once."""


class Processes:
    """Processes of this machine, fed by a thread each.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool = ThreadPoolExecutor(workers)
        self._local = threading.local()
        self._ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
        self._started: list[subprocess.Popen[bytes]] = []
        self._starting = threading.Lock()
        self._closed = False

    def submit(self, task: Task, model: Model) -> None:
        """Begin a task."""
        self._pool.submit(self._carry_out, task, model)

    def wait(self, seconds: float) -> Ended | None:
        """Return a task that has ended; None if none has in this time."""
        try:
            return self._ended.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Kill all workers: what they were at is not lost, as it was never reported."""
        with self._starting:
            self._closed = True
            for process in self._started:
                process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for process in list(self._started):
            process.wait()
            self._drop(process)

    def _carry_out(self, task: Task, model: Model) -> None:
        try:
            outcome: Answer | Death = self._ask(task, model)
        except OSError as error:  # no process can be started
            outcome = Death(str(error))
        self._ended.put(Ended(task.hash, outcome))

    def _ask(self, task: Task, model: Model) -> Answer | Death:
        process = self._process()
        if process is None:
            return Death(_("stopped"))
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            pickle.dump((task, model), process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            process.stdin.flush()
            answer: Answer = pickle.load(process.stdout)
            return answer
        except (OSError, EOFError, pickle.UnpicklingError):
            code = _end(process)
            self._drop(process)
            return Death(_ending(code))

    def _process(self) -> subprocess.Popen[bytes] | None:
        """The process of this thread, started anew where it has ended between two tasks."""
        process: subprocess.Popen[bytes] | None = getattr(self._local, "process", None)
        if process is not None and process.poll() is not None:
            self._drop(process)
            process = None
        with self._starting:
            if process is None and not self._closed:
                self._local.process = process = _start()
                self._started.append(process)
        return process

    def _drop(self, process: subprocess.Popen[bytes]) -> None:
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:  # what it did not read any more
                    continue
        self._local.process = None
        with self._starting:
            self._started.remove(process)


def _start() -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([p for p in sys.path if p])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-m", "allocator.batches.worker"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)


def _end(process: subprocess.Popen[bytes]) -> int:
    """Code with which a process ended; one that went on without its pipe is killed."""
    try:
        return process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _ending(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return _("its process ended with the code {code}").format(code=code)
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = str(-code)
    return _("its process was killed ({signal}), perhaps for want of memory").format(signal=name)
