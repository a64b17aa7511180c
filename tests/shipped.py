"""The shipped models solved and written as runs, each once for all tests of a process."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from allocator.model import Model
from allocator.places import shipped_models
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.run import write_run
from allocator.solving import solve


@functools.cache
def model(name: str) -> Model:
    """Return a shipped model."""
    return load(shipped_models()[name])


@functools.cache
def plan(name: str) -> Plan:
    """Return the plan of a shipped model."""
    return solve(model(name))


@functools.cache
def run(name: str) -> Path:
    """Return the folder of the written run of a shipped model; it is there until the tests end."""
    folder = _runs() / name
    write_run(plan(name), folder)
    return folder


@functools.cache
def _runs() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="allocator-runs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
