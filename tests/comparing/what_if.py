"""The pocket model with scenarios of a test's own, compared, and the written files read back."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

import pandas as pd
from edited import write

from allocator.comparing import Comparison, compare
from allocator.comparing.planning import FromTheFirst
from allocator.comparing.writing import write_comparison
from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load
from allocator.texts import in_language

SCENARIOS = {
    "nothing": "title: Nothing happens\n",
    "war": """\
title: A competitor cuts broadband by a fifth
events:
  - price_cut: {competitor: 20%, product: broadband, from: 2026-05}
respond:
  - line: {line: care, product: broadband, maximum: 20000, points: 10000:40000 20000:60000}
""",
    "lost": "title: Harbour leaves\nevents:\n  - client_loss: {client: harbour, from: 2026-05-18}\n",
    "leaves": "events:\n  - rep_departure: {rep: li, from: 2026-05-18, hand_over: wang}\n",
    "hard": "changes:\n  - {table: targets, append: {target: wild, metric: revenue, level: base, at_least: 99999999, priority: hard}}\n",
    "cut": """\
parameters: {cut: 20%}
events:
  - price_cut: {competitor: $cut, from: 2026-05}
vary:
  - {parameter: cut, values: [0%, 10%, 40%]}
""",
    "crossed": """\
vary:
  - {name: demand, table: demand, operation: multiply, column: expected, from: 0.8, to: 1, steps: 2}
  - {name: money, table: budget, operation: multiply, column: maximum, values: [0, 1]}
""",
}


def tell(folder: Path, **files: str) -> Model:
    """Write the pocket model with scenarios, and read it."""
    write("pocket", folder)
    (folder / "scenarios").mkdir()
    for name, text in {**SCENARIOS, **files}.items():
        (folder / "scenarios" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return load(folder)


@functools.cache
def model() -> Model:
    """Return the pocket model with the scenarios above."""
    return tell(Path(tempfile.mkdtemp()) / "pocket")


_planned: dict[tuple[str, bool, bool], Plan] = {}
_hot = FromTheFirst()


def remembered(changed: Model, *, visits: bool, quick: bool, keep: pd.DataFrame | None = None) -> Plan:
    """Plan a model, once in all tests."""
    key = changed.sha256, visits, quick
    if key not in _planned:
        _planned[key] = _hot(changed, visits=visits, quick=quick, keep=keep)
    return _planned[key]


@functools.cache
def comparison() -> Comparison:
    """Compare all kinds of scenarios: an empty one, one with a response, a loss, both, a departure, an impossible one, two sweeps.

    In English: causes and refusals keep the language that they were found in.
    """
    names = ["nothing", "war", "lost", "lost+war", "leaves", "hard", "cut", "crossed"]
    with in_language("en"):
        return compare(model(), names, planner=remembered)


@functools.cache
def folder() -> Path:
    """Return the folder of the written comparison."""
    place = Path(tempfile.mkdtemp()) / "c"
    write_comparison(comparison(), place)
    return place


def read(name: str, scenario: str | None = None) -> pd.DataFrame:
    """Read a written table, or the rows of one scenario."""
    table = _table(folder() / f"{name}.csv")
    return table if scenario is None else table[table["scenario"] == scenario].reset_index(drop=True)


def run(scenario: str, name: str) -> pd.DataFrame:
    """Read a table of the run of a scenario."""
    return _table(folder() / scenario / f"{name}.csv")


@functools.cache
def _table(path: Path) -> pd.DataFrame:
    """Texts stay texts, blanks stay blank; a column of numbers becomes one."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in table:
        numbers = pd.to_numeric(table[name], errors="coerce")
        if numbers.notna().any() and (numbers.notna() | (table[name] == "")).all():
            table[name] = numbers
    return table
