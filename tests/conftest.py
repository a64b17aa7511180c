"""Fixtures that several test files use."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_model import write_small_model

from allocator.model import Model
from allocator.places import shipped_models
from allocator.reading import load


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run all tests of a shipped model, so that it is solved once."""
    names = set(shipped_models())
    for item in items:
        params = getattr(getattr(item, "callspec", None), "params", {}).values()
        here = [n for n in names if n in params or item.path.stem == f"test_{n}" or f"_{n}_" in item.name]
        if here:
            item.add_marker(pytest.mark.xdist_group(min(here)))


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    """Return the small model's folder, free to be changed."""
    return write_small_model(tmp_path / "small")


@pytest.fixture(scope="session")
def small_model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return the small model, read once."""
    return load(write_small_model(tmp_path_factory.mktemp("models") / "small"))
