"""Plans whose visits are dated once for several tests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from random_plans import plan

from allocator.model import Model
from allocator.reading import load
from allocator.solving import solve
from allocator.visits import Schedule, schedule

MODELS = Path(__file__).resolve().parents[2] / "models"


@dataclass(frozen=True)
class Dated:
    """A plan and its schedule."""

    model: Model
    tables: dict[str, pd.DataFrame]
    schedule: Schedule


@pytest.fixture(scope="session")
def telecom_model() -> Model:
    """Return the carrier's model."""
    return load(MODELS / "telecom")


@pytest.fixture(scope="session")
def pocket() -> Dated:
    """Return the pocket model, planned and dated."""
    model = load(MODELS / "pocket")
    tables = dict(solve(model).tables)
    return Dated(model, tables, schedule(model, tables))


@pytest.fixture(scope="session")
def telecom(telecom_model: Model) -> Dated:
    """Return a plan of the promises and first visits of half of the carrier's engineers, dated by two processes."""
    tables = first_reps(telecom_model, plan(np.random.default_rng(1), telecom_model), 34)
    return Dated(telecom_model, tables, schedule(telecom_model, tables, workers=2))


@pytest.fixture(scope="session")
def team(telecom_model: Model) -> Dated:
    """Return the plan of the carrier's first seven engineers, without executives, dated."""
    model = telecom_model
    tables = plan(np.random.default_rng(2), model)
    rows = first_reps(model, tables, 7)
    model = replace(model, tables={**model.tables, "needs": model["needs"].iloc[:0]})
    return Dated(model, rows, schedule(model, rows))


def first_reps(model: Model, tables: dict[str, pd.DataFrame], count: int) -> dict[str, pd.DataFrame]:
    """Return what a plan has for some reps."""
    few = set(model["reps"]["rep"].iloc[:count])
    return {name: frame[frame["rep"].isin(few)].reset_index(drop=True) for name, frame in tables.items()}
