"""Funding: the least money reaches the targets, a thousandth less does not; a given sum goes as far as plans do."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import shipped
from random_models import random_model

from allocator.errors import InputError
from allocator.explaining.funding import Fund, capped, fund, lifted
from allocator.explaining.reaching import feasible, level_model, level_targets
from allocator.formulation.effort import effort_program
from allocator.model import LEVELS, Model
from allocator.reading import load

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
SEEDS = range(60) if PROOF else (3, 6)


def reaches(model: Model, found: Fund, money: float) -> bool:
    """Whether the level's targets, as rules, leave an answer with so much money: asked of the changed tables, from the start."""
    held = capped(lifted(level_model(model, found.level, hard=not found.keeps)), money)
    return feasible(effort_program(held, strict=found.keeps).program)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_least_money(seed: int, tmp_path: Path) -> None:
    """Random models and levels: reached with it, and not with 0.1 percent less; where no money does, none does."""
    try:
        model = load(random_model(seed).write(tmp_path / "model"))
    except InputError:
        return
    found = fund(model, LEVELS[seed % 3])
    if found.status == "impossible":
        assert not feasible(
            effort_program(lifted(level_model(model, found.level, hard=not found.keeps)), strict=found.keeps).program
        )
        return
    assert reaches(model, found, found.budget * (1 + 1e-6) + 1e-6)
    if found.budget > 1e-6:
        assert not reaches(model, found, found.budget * 0.999)
    assert found.spend["spend"].sum() == pytest.approx(found.budget, rel=1e-6, abs=1e-6)


def test_pocket() -> None:
    """Without the target on contracts: revenue needs 1,683,000, the visits bring 1,580,000, so money must bring 103,000.

    Four of sales for each 元 up to 10,000 a month (120,000 in all): 25,750 it is, if visits stay as they are.
    """
    model = shipped.model("pocket")
    plain = Model(
        model.name, model.settings,
        {**model.tables, "targets": model["targets"].query("target == 'revenue'").reset_index(drop=True)},
    )  # fmt: skip
    found = fund(plain)
    assert found.status == "reached"
    assert found.keeps
    assert found.budget == pytest.approx(25_750, rel=1e-6)
    assert found.targets["status"].tolist() == ["met"]
    # Commission is 5 % up to the quota, and 8 % beyond it.
    whole = found.commission[1.0]
    assert found.commission[0.8] == pytest.approx(0.8 * whole)
    assert found.commission[1.2] == pytest.approx(1.32 * whole)


def test_targets_of_a_level(small_model: Model) -> None:
    """Revenue above base is base's times the level's height; other targets stay as they are, and every cut is there once."""
    base = level_targets(small_model, "base")
    assert set(base["level"]) <= {"base"}
    stretch = level_targets(small_model, "stretch")
    assert len(stretch) == len(base)
    both = base.merge(stretch, on="target", suffixes=("", "_up"), validate="1:1")
    raised = (both["metric"] == "revenue") & (both["share_of"] == "")
    factor = np.where(raised, small_model.settings.levels.stretch, 1.0)
    for bound in ("at_least", "at_most"):
        assert np.allclose(both[bound + "_up"], both[bound] * factor, equal_nan=True)
