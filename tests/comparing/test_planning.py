"""How the plans of a comparison are made: quick ones ask for no quotas, and their figures are those of a whole plan."""

from __future__ import annotations

from allocator.comparing.differences import figures
from allocator.comparing.planning import FromTheFirst
from allocator.places import find_model
from allocator.reading import load
from allocator.solving import solve


def test_figures_need_no_quotas() -> None:
    """Proves that key figures and targets of a plan without quotas are those of the plan with them, and that it has none."""
    model = load(find_model("pocket"))
    planner = FromTheFirst()
    whole = planner(model, visits=False, quick=False)
    quick = planner(model, visits=False, quick=True)
    assert "quotas" in whole.tables
    assert "quotas" not in quick.tables
    assert quick.status == "optimal"
    told, also = figures(quick), figures(solve(model, visits=False, quick=True))
    assert told.keys() == also.keys()
    for name, value in told.items():
        assert value == also[name] or abs(value - also[name]) <= 1e-6 * max(1.0, abs(value)) or value != value, name
