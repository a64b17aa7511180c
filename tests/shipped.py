"""The shipped models solved and written as runs, without and under scenarios, each once for all tests of a process."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from allocator.model import Model
from allocator.places import shipped_models
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.run import write_run
from allocator.scenarios.applying import with_scenarios
from allocator.scenarios.handing_over import handover
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
def plan_under(name: str, scenario: str) -> Plan:
    """Return the plan of a shipped model under scenarios (blank: none), with all tables of its run but dated visits."""
    if not scenario:
        return solve(model(name), visits=False)
    changed = with_scenarios(model(name), scenario)
    found = solve(changed.model, visits=False)
    hands = handover(model(name), changed)
    tables = {**found.tables, "changes": changed.changes, **({"handover": hands} if len(hands) else {})}
    return replace(found, tables=tables)


@functools.cache
def run_under(name: str, scenario: str) -> Path:
    """Return the folder of the written run of a shipped model under scenarios (blank: none), without dated visits."""
    folder = _runs() / f"{name}-{scenario}"
    write_run(plan_under(name, scenario), folder)
    return folder


@functools.cache
def _runs() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="allocator-runs-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
