"""The crew: processes that work beside this one give the answers that this one would, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from allocator.crew import Crew, ProcessStopped
from allocator.texts import current_language, in_language


@pytest.fixture(scope="module")
def crew() -> Iterator[Crew]:
    """Return two processes."""
    with Crew(2) as made:
        yield made


def test_answers_come_in_the_order_of_the_parts(crew: Crew) -> None:
    """Proves that parts are answered in their order, however many there are."""
    assert list(crew.map(abs, range(-40, 0))) == list(range(40, 0, -1))


def test_the_language_travels(crew: Crew) -> None:
    """Proves that texts are made in the language in force here."""
    for language in ("en", "zh"):
        with in_language(language):
            assert crew.submit(current_language).result() == language


def test_errors_of_the_machine_travel(crew: Crew) -> None:
    """Proves that an error is raised here, and that the process goes on."""
    with pytest.raises(FileNotFoundError):
        crew.submit(os.stat, "nowhere").result()
    assert crew.submit(abs, -1).result() == 1


def test_a_process_that_ends_is_an_engine_error() -> None:
    """Proves that whoever waits for a process that was killed is told, and does not wait for ever."""
    with Crew(1) as crew:
        crew.submit(abs, -1).result()
        future = crew.submit(time.sleep, 60)
        os.kill(crew.processes[0], signal.SIGTERM)
        with pytest.raises(ProcessStopped, match="stopped"):
            future.result(timeout=20)


def test_closing_does_not_wait_for_work() -> None:
    """Proves that processes end at once, whatever they are at, and that work is refused from then on."""
    with Crew(2) as crew:
        crew.submit(abs, -1).result()
        future, processes = crew.submit(time.sleep, 60), crew.processes
        started = time.perf_counter()
    assert time.perf_counter() - started < 10
    with pytest.raises(ProcessStopped):
        future.result()
    with pytest.raises(ProcessStopped):
        crew.submit(abs, -1).result()
    assert processes
    assert not any(_alive(p) for p in processes)


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
def test_whoever_is_killed_leaves_no_process() -> None:
    """Proves that processes end when the one that started them is killed, though Ctrl-C does not reach them."""
    code = "import time; from allocator.crew import Crew; c = Crew(2); c.start(); c.submit(abs, 1).result(); "
    code += "c.submit(abs, 1).result(); print(*c.processes, flush=True); time.sleep(60)"
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert started.stdout is not None
    processes = [int(p) for p in started.stdout.readline().split()]
    started.kill()
    started.communicate()
    deadline = time.perf_counter() + 20
    while any(_alive(p) for p in processes) and time.perf_counter() < deadline:
        time.sleep(0.05)
    assert processes
    assert not any(_alive(p) for p in processes)


def _alive(process: int) -> bool:
    """Whether a process runs; one that has ended and that nobody waits for does not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip()) and not listed.stdout.strip().startswith("Z")
