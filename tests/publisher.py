"""A process that publishes and votes in children of its own, quickly, so that they can be killed or hindered many times.

Runs are looked at once; a child begins with what its parent knows, opens the registry and writes. One JSON command a line on
standard input, one answer a line on standard output. Run as a script: ``publisher.py PLACE RUN …``.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Job = dict[str, Any]
"""do (publish or approve), its arguments, and: delay (seconds until it is killed), file_size (most bytes of a file), user, pages."""


class Publisher:
    """Talks to such a process.

    Parameters
    ----------
    place : path or str
        The registry.
    runs : sequence of Path
    """

    def __init__(self, place: object, runs: Sequence[Path]) -> None:
        command = [sys.executable, __file__, str(place), *map(str, runs)]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "LANGUAGE": "en"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", env=environment
        )

    def __enter__(self) -> Publisher:
        return self

    def __exit__(self, *_error: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def begin(self, jobs: Sequence[Job]) -> Callable[[], list[dict[str, Any]]]:
        """Begin jobs, each in a child, all at the same time; what is returned waits for their answers."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps(jobs) + "\n")
        stdin.flush()
        return lambda: json.loads(stdout.readline())

    def all_at_once(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Carry out jobs at the same time; an answer has ``killed``, ``error`` and ``says``, or ``number``."""
        return self.begin(jobs)()

    def one(self, **job: Any) -> dict[str, Any]:
        """Carry out one job."""
        return self.all_at_once([job])[0]


def main() -> None:
    """Serve until the input ends."""
    from allocator.registry import Registry, registry
    from allocator.registry.candidate import candidate

    place, known = sys.argv[1], {Path(run): candidate(Path(run)) for run in sys.argv[2:]}
    registry.candidate = known.__getitem__  # type: ignore[assignment]
    runs = list(known)
    for line in sys.stdin:
        started = [_start(Registry(place, wait=60), runs, job) for job in json.loads(line)]
        answers = []
        for child, answer, delay in started:
            killed = False
            if delay is not None:
                time.sleep(delay)
                os.kill(child, signal.SIGKILL)
            with os.fdopen(answer, encoding="utf-8") as pipe:
                said = pipe.read()
            killed = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
            answers.append({**(json.loads(said) if said else {}), "killed": killed})
        print(json.dumps(answers), flush=True)  # noqa: T201


def _start(registry: Any, runs: list[Path], job: Job) -> tuple[int, int, float | None]:
    read, write = os.pipe()
    child = os.fork()
    if child:
        os.close(write)
        return child, read, job.get("delay")
    _hinder(job)
    told = json.dumps(_done(registry, runs, job))
    os.write(write, told.encode())
    os._exit(0)


def _hinder(job: Job) -> None:
    """Make the disk small, or give the rights of a superuser away."""
    if "file_size" in job:
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["file_size"], job["file_size"]))
    if "pages" in job:
        import sqlalchemy as sa

        @sa.event.listens_for(sa.Engine, "begin")
        def _few_pages(connection: Any) -> None:
            connection.exec_driver_sql(f"PRAGMA max_page_count = {job['pages']}")

    if job.get("user") and os.geteuid() == 0:
        os.setgid(job["user"])
        os.setuid(job["user"])


def _done(registry: Any, runs: list[Path], job: Job) -> dict[str, Any]:
    from allocator.errors import AllocatorError

    try:
        if job["do"] == "publish":
            numbers = []
            for _again in range(job.get("times", 1)):
                run = runs[job["run"]] if isinstance(job["run"], int) else runs[job["run"][_again % len(job["run"])]]
                numbers.append(
                    registry.publish(run, by=job.get("by", "me"), because=job.get("because", "")).version.number
                )
            return {"number": numbers[-1], "numbers": numbers}
        if job["do"] == "read":
            return {"number": [v.number for v in registry.versions()][-1], "damaged": registry.verify()}
        vote = {key: job[key] for key in ("person", "role", "agrees", "because") if key in job}
        return {"number": job["version"], "state": registry.approve(job["version"], **vote).state}
    except AllocatorError as error:
        return {"error": error.exit_code, "says": str(error)}


if __name__ == "__main__":
    main()
