"""Plans whose visits are dated once for several tests."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shipped
from dated import Dated
from random_plans import plan

from allocator.model import Model
from allocator.visits import Schedule, schedule

SOME = 34 if "ALLOCATOR_PROOF" in os.environ else 20
"""Engineers of a plan that goes to several processes."""


@pytest.fixture(scope="session")
def telecom_model() -> Model:
    """Return the carrier's model."""
    return shipped.model("telecom")


@pytest.fixture(scope="session")
def pocket() -> Dated:
    """Return the pocket model, planned and dated."""
    plan = shipped.plan("pocket")
    found = Schedule(plan["visits"], plan["unplaced"], plan.summary["schedule"])
    return Dated(shipped.model("pocket"), dict(plan.tables), found)


@pytest.fixture(scope="session")
def promised(telecom_model: Model) -> dict[str, pd.DataFrame]:
    """Return a plan of the carrier's promises and first visits."""
    return plan(np.random.default_rng(1), telecom_model)


@pytest.fixture(scope="session")
def telecom(telecom_model: Model, promised: dict[str, pd.DataFrame]) -> Dated:
    """Return a plan of the promises and first visits of some of the carrier's engineers, dated by two processes."""
    tables = first_reps(telecom_model, promised, SOME)
    return Dated(telecom_model, tables, schedule(telecom_model, tables, workers=2))


@pytest.fixture(scope="session")
def team(telecom_model: Model, promised: dict[str, pd.DataFrame]) -> Dated:
    """Return the plan of the carrier's first four engineers, without executives, dated."""
    model = telecom_model
    rows = first_reps(model, promised, 4)
    model = replace(model, tables={**model.tables, "needs": model["needs"].iloc[:0]})
    return Dated(model, rows, schedule(model, rows))


@pytest.fixture(scope="session")
def six(telecom_model: Model, promised: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return a plan of the promises and first visits of the carrier's first six engineers."""
    return first_reps(telecom_model, promised, 6)


def first_reps(model: Model, tables: dict[str, pd.DataFrame], count: int) -> dict[str, pd.DataFrame]:
    """Return what a plan has for some reps."""
    few = set(model["reps"]["rep"].iloc[:count])
    return {name: frame[frame["rep"].isin(few)].reset_index(drop=True) for name, frame in tables.items()}
