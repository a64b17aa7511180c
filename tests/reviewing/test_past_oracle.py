"""Months that are over: the engine against the oracle, which deals and freezes them by its own code, on random small models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pencil import compare
from random_pasts import random_past

from allocator.reading import load

PROOF = os.environ.get("ALLOCATOR_PROOF", "")
"""How many random models the long mode compares, such as 10000."""
SEEDS = range(int(PROOF or 25))


@pytest.mark.parametrize("seed", SEEDS)
def test_engine_agrees_with_the_oracle(seed: int, tmp_path: Path) -> None:
    """Every goal of a random small model with months that are over has the oracle's value, and the audit finds nothing."""
    compare(load(random_past(seed).write(tmp_path / "model")))
