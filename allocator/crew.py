"""Processes of our own that work beside this one: a crew is started early, reads its modules meanwhile, and is then given work.

They are started as ``python -m allocator.crew``, so that a script that calls the library is not run again in each of them, and end
when nobody writes to them any more.
"""

from __future__ import annotations

import gc
import importlib
import os
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import IO, Any, Self, TypeVar

from allocator.errors import EngineError
from allocator.texts import _, current_language, in_language

R = TypeVar("R")

COLLECT = 100_000, 20, 50
"""Thresholds of looking for cycles of objects: tables are many that live long, and looking often takes a twentieth of the time."""


class ProcessStopped(EngineError):
    """A process of a crew ended, or could not be started, before it had answered.

    Attributes
    ----------
    detail : str
        What the system says of it.
    """

    def __init__(self, detail: object) -> None:
        super().__init__(_("A process that helps with this stopped: {detail}").format(detail=detail))
        self.detail = str(detail)


class Crew:
    """Some processes, started by :meth:`start` and ended by :meth:`close`.

    Parameters
    ----------
    size : int, optional
        Processes; as many as the machine has cores by default.
    modules : iterable of str
        What they import while they wait for work.
    """

    def __init__(self, size: int | None = None, modules: Iterable[str] = ()) -> None:
        self._cores = os.cpu_count() or 1
        self.size = max(size or self._cores, 1)
        self._modules = tuple(modules)
        self._all: list[subprocess.Popen[bytes]] = []
        self._idle: queue.SimpleQueue[subprocess.Popen[bytes] | Exception] = queue.SimpleQueue()
        self._starting: threading.Thread | None = None
        self._lock = threading.Lock()
        self._pool: ThreadPoolExecutor | None = None
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the processes, if they are not started yet; they read their modules while this one goes on."""
        with self._lock:
            if self._pool is not None or self._closed:
                return
            self._pool = ThreadPoolExecutor(self.size)
        self._starting = threading.Thread(target=self._launch, daemon=True)
        self._starting.start()

    def _launch(self) -> None:
        """Start the processes, not more at a time than there are cores beside that of this one: reading modules is work."""
        waiting: list[subprocess.Popen[bytes]] = []
        try:
            for _process in range(self.size):
                with self._lock:
                    if self._closed:
                        return
                    process = _start(self._modules)
                    self._all.append(process)
                waiting.append(process)
                if len(waiting) >= max(self._cores - 1, 1):
                    self._idle.put(_ready(waiting.pop(0)))
            for process in waiting:
                self._idle.put(_ready(process))
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._idle.put(error)

    @property
    def processes(self) -> list[int]:
        """Numbers of the processes that run."""
        return [process.pid for process in self._all]

    def submit(self, work: Callable[..., R], *arguments: Any) -> Future[R]:
        """Have a function of a module carried out, in the language in force; all that travels is pickled.

        The future raises what the function raises of the library's errors and the machine's, and ProcessStopped where a process ended.
        """
        self.start()
        with self._lock:
            if self._pool is None or self._closed:
                raise ProcessStopped(_("stopped"))
            return self._pool.submit(self._ask, (work, arguments, current_language()))

    def map(self, work: Callable[[Any], R], parts: Iterable[Any]) -> Iterator[R]:
        """Answers to parts in their order; at most a few parts wait, so memory does not grow with them."""
        waiting: list[Future[R]] = []
        try:
            for part in parts:
                waiting.append(self.submit(work, part))
                if len(waiting) > 2 * self.size:
                    yield waiting.pop(0).result()
            while waiting:
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()

    def close(self) -> None:
        """End all processes at once, whatever they are at."""
        with self._lock:
            self._closed = True
            for process in self._all:
                process.kill()
        if self._starting is not None:
            self._starting.join()
            self._idle.put(EOFError(_("stopped")))
        if self._pool is not None:
            # Work that waits meets processes that ended, so that whoever waits for it is told.
            self._pool.shutdown(wait=True)
        for process in self._all:
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    _shut(stream)
        self._all.clear()

    def _ask(self, message: object) -> Any:
        process = self._idle.get()
        try:
            if isinstance(process, Exception):
                raise process
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))
            process.stdin.flush()
            done, answer = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise ProcessStopped(error) from error
        finally:
            self._idle.put(process)
        if done:
            return answer
        raise answer


def _start(modules: Iterable[str]) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([p for p in sys.path if p])
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-m", "allocator.crew", *modules]
    # A group of its own: Ctrl-C is for whom started it, and ends it by that.
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def _ready(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """Return a process when it has read its modules."""
    assert process.stdout is not None
    pickle.load(process.stdout)
    return process


def _shut(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:  # what it did not read any more
        return


def serve(read: IO[bytes], write: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    while True:
        try:
            work, arguments, language = pickle.load(read)
        except EOFError:
            return
        try:
            with in_language(language):
                answer = True, work(*arguments)
        except (EngineError, OSError, MemoryError) as error:
            answer = False, error
        try:
            pickle.dump(answer, write, protocol=pickle.HIGHEST_PROTOCOL)
            write.flush()
        except BrokenPipeError:
            return


def main() -> None:
    """Read the modules that are named, and serve."""
    # What native code prints must not stand among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    gc.set_threshold(*COLLECT)
    for name in sys.argv[1:]:
        importlib.import_module(name)
    pickle.dump("ready", answers)
    answers.flush()
    serve(sys.stdin.buffer, answers)
    os._exit(0)  # at once: nothing is left to be tidied up, and a pipe that nobody reads would be told of


if __name__ == "__main__":
    main()
