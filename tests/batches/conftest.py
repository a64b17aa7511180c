"""Every test of batches works in an empty folder with scenarios, and speaks English."""

from __future__ import annotations

from pathlib import Path

import pytest
from night import write_scenarios


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGUAGE", "en")
    write_scenarios()
