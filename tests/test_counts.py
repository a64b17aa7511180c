"""What a plan of the small shipped models takes, counted and not timed, stays within bounds; see ``test_counts_shipped.py``."""

from __future__ import annotations

import pytest
from counting import Counts, count, more

BOUNDS = {
    "market": Counts(solves=12, nonzeros=12_000, handed=44_000, looped=340, passes=180, passed=40_000),
    "pocket": Counts(solves=14, nonzeros=400, handed=1_900, looped=80, passes=150, passed=3_000),
}
"""What was counted when this was written, and a tenth or so more."""


@pytest.mark.parametrize("name", BOUNDS)
def test_a_plan_takes_no_more_than_it_did(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every table is read once; solves, coefficients, rows that Python loops over and passes over tables stay within their bounds.

    Sensitivity: a rule that makes a column for every client, a goal that is solved twice or a loop over demand passes a bound.
    """
    assert not more(count(name, monkeypatch), BOUNDS[name])
