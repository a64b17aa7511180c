"""Three engines, one plan: what is decided is the model's, not the solver's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from importing.exports import Export

from allocator.engines import engine
from allocator.importing.crm import import_crm
from allocator.nearness import Reference, nearest
from allocator.plan import Plan
from allocator.program import Program, ProgramBuilder
from allocator.reading import load
from allocator.solving import solve

ROOT = Path(__file__).resolve().parents[1]
CRM = ROOT.parent / "shared" / "data" / "crm"
ENGINES = ("ortools", "highs", "pulp")
EQUAL = 1e-6
"""Relative to one and the value."""

MODELS = [
    "telecom",  # first, as it takes longest
    "pocket",
    "a made CRM export",
    pytest.param(
        "the public CRM export",
        marks=pytest.mark.skipif(not CRM.is_dir(), reason="the public CRM export is not in ../shared/data/crm"),
    ),
]


def place(name: str, folder: Path) -> Path:
    """Folder of a shipped model, or of one that is imported now."""
    if "export" not in name:
        return ROOT / "models" / name
    import_crm(CRM if "public" in name else Export().write(folder / "crm"), folder / "model")
    return folder / "model"


@pytest.mark.parametrize("name", MODELS)
def test_engines_agree(name: str, tmp_path: Path) -> None:
    """Every goal has one value on every engine, quotas of a rep's month too, and no audit finds anything."""
    model = load(place(name, tmp_path))
    plans = {e: solve(model, engine=e) for e in ENGINES}
    for plan in plans.values():
        assert plan.status == "optimal"
        assert plan.summary["audit"]["rules"] > 60
        assert plan.summary["audit"]["violations"] == 0
        assert plan.summary["audit"]["largest_residual"] <= EQUAL
    assert not unequal_goals(plans)
    assert unequal_quotas(plans) <= 0.001


def unequal_goals(plans: Mapping[str, Plan]) -> dict[tuple[str, str], tuple[float, float]]:
    """Goals whose values differ from the first engine's, with both values."""
    first, *others = plans
    names = [g.name for g in plans[first].goals]
    assert {"visits", "contribution", "total", "unfair"} <= set(names)
    unequal = {}
    for other in others:
        assert [g.name for g in plans[other].goals] == names
        for mine, its in zip(plans[first].goals, plans[other].goals, strict=True):
            for a, b in ((mine.value, its.value), (mine.best, its.best)):
                if not abs(a - b) <= EQUAL * max(1.0, abs(a)):
                    unequal[other, mine.name] = a, b
    return unequal


def unequal_quotas(plans: Mapping[str, Plan]) -> float:
    """Share of the quotas of a rep's month that differ between any two engines."""
    quotas = pd.DataFrame({e: p.quotas.groupby(["rep", "month"])["exact"].sum() for e, p in plans.items()})
    assert len(quotas)
    assert quotas.notna().all(axis=None)
    spread = quotas.max(axis=1) - quotas.min(axis=1)
    return float((spread > EQUAL * quotas.abs().max(axis=1).clip(lower=1.0)).mean())


@pytest.mark.parametrize("name", ENGINES)
def test_a_face_held_by_other_bounds_settles_alike(name: str) -> None:
    """Engines hold the same goal by different bounds; the answer nearest to a reference does not depend on which.

    Sensitivity: with costs drawn only for the columns that are free, the second program would meet other costs and ask other
    columns for the ten units that are missing.
    """
    fewer, reference = ten_short()
    lower, upper = fewer.lower.copy(), fewer.upper.copy()
    upper[:10] = 0.0  # what the row says already
    answers = []
    for program in (fewer, fewer.with_bounds(lower, upper)):
        split, costs, back = nearest(program, reference, np.zeros(program.shape[1]))
        solution = engine(name).solve(split, costs)
        assert solution.x is not None
        answers.append(back(solution.x))
    assert answers[0].sum() == pytest.approx(35.0)
    assert answers[1] == pytest.approx(answers[0], abs=1e-9)


def ten_short() -> tuple[Program, Reference]:
    """A program of 55 columns that would stand at 1 but for two rows: the first ten sum to nothing, all of them to 35."""
    builder = ProgramBuilder()
    builder.add_columns("x", "visits", {"n": np.arange(55)}, 55)
    first = sp.csr_array(np.where(np.arange(55) < 10, 1.0, 0.0)[None, :])
    builder.add_rows("first", "visits", {}, first, -np.inf, 0.0)
    builder.add_rows("all", "visits", {}, sp.csr_array(np.ones((1, 55))), 35.0, 35.0)
    ones = np.ones(55)
    return builder.build(), Reference(np.arange(55), ones, ones)
