"""Fixtures that several test files use."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_model import write_small_model

from allocator.model import Model
from allocator.reading import load


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    """Return the small model's folder, free to be changed."""
    return write_small_model(tmp_path / "small")


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return the small model, read once."""
    return load(write_small_model(tmp_path_factory.mktemp("models") / "small"))
