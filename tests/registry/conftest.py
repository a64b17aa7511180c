"""Runs that the tests of the registry publish."""

from __future__ import annotations

from pathlib import Path

import pytest
from plan_runs import two_runs


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Return two runs of one model, whose plans move 3 % of the quotas from one to the other."""
    return two_runs(tmp_path_factory.mktemp("plans"))
