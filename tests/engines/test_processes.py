"""Two HiGHS libraries in one process, whoever comes first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SOLVE = """
import importlib, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
from lp_cases import market_split, program
from allocator.engines import engine
import numpy as np
whole = program([[1, 0], [0, 2], [3, 2]], -np.inf, [4, 12, 17], integer=True)
part = program([[1, 0], [0, 2], [3, 2]], -np.inf, [4, 12, 17])
for name in ("highs", "pulp", "ortools", "pulp:HiGHS"):
    print(name, engine(name).solve(whole, np.array([-3.0, -5])).bound, end=" ")
    print(round(engine(name).solve(part, np.array([-3.0, -5])).bound, 6))
"""

ORTOOLS, HIGHS, PULP = (f"allocator.engines.{name}" for name in ("ortools", "highs", "pulp"))
ORDERS = [
    (ORTOOLS, HIGHS, PULP),
    (HIGHS, PULP, ORTOOLS),
    (PULP, ORTOOLS, HIGHS),
    ("pulp",),
    ("highspy", "pulp"),
    ("pulp", "highspy"),
    ("pulp", "allocator.engines.flow"),
    ("pulp", "allocator.engines.flow", "highspy"),
]


@pytest.mark.parametrize("order", ORDERS)
def test_import_orders(order: tuple[str, ...]) -> None:
    """No order of imports, PuLP before us included, crashes a solver or changes an answer."""
    done = subprocess.run(
        [sys.executable, "-c", SOLVE, *order], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [f"{name} -33.0 -35.0" for name in ("highs", "pulp", "ortools", "pulp:HiGHS")]
    assert done.stdout.splitlines() == lines
