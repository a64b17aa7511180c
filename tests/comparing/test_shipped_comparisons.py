"""Every shipped scenario compared with the plan of its model: proved, audit clean, and the sums of its bridge."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import shipped

from allocator.comparing import compare
from allocator.comparing.bridge import MEASURES
from allocator.comparing.writing import write_comparison
from allocator.places import shipped as place

ORDERS = 16 if os.environ.get("ALLOCATOR_PROOF", "") else 2
"""Orders that bridges of many steps look at."""
SLOW = ("software", "telecom")
"""Models whose comparisons take minutes: the long mode has them."""
MODELS = sorted({path.parent.name for path in place("scenarios").glob("*/*.yaml")} - set(() if ORDERS > 2 else SLOW))


@pytest.mark.parametrize("model", MODELS)
def test_all_scenarios_of_a_model_are_compared(
    model: str, tmp_path: Path, record_property: pytest.RecordProperty
) -> None:
    """Each has a plan without violations, something moves, and base and parts give the scenario's figures."""
    names = sorted(path.stem for path in (place("scenarios") / model).glob("*.yaml"))
    comparison = compare(shipped.model(model), names, orders=ORDERS)
    record_property("seconds", round(comparison.seconds, 1))
    record_property("plans", comparison.plans)
    assert set(comparison.statuses) == {"optimal"}
    for case in comparison.cases:
        assert case.plan.summary["audit"]["violations"] == 0
        assert case.bridge is not None
        assert case.bridge.used
        for measure in MEASURES:
            values = case.bridge.table[measure].tolist()
            assert abs(math.fsum([*values[:-1], -values[-1]])) <= math.ulp(max(map(abs, values)))
        moved = comparison.tables["quotas"]
        assert (moved["scenario"] == case.name).any()
    write_comparison(comparison, tmp_path / "c")
