"""Stretches: how far an answer goes on in a straight line, by its bases, is what plans from the start find."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
from directly import moved
from random_models import random_model

from allocator.engines.warm import Warm
from allocator.errors import EngineError, InputError
from allocator.explaining.lines import Stretch, first_piece
from allocator.explaining.moving import Move
from allocator.explaining.prices import binding
from allocator.explaining.resolving import Along, Resolver, goal_values
from allocator.explaining.stretches import Follower
from allocator.ordering import Ordering
from allocator.program import Floats, Goal, Program, ProgramBuilder
from allocator.reading import load

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
MET = (1, 23, 44)
"""Seeds of models of which stretches are known; 44 is looked at where its way comes to be known."""

SEEDS = range(100) if PROOF else MET
LIMITS = 20 if PROOF else 1


def workshop() -> Program:
    """Two goods that take one and two hours of ten: four of the first are asked for, then five of the second, then money (1 and 3 each).

    With h hours, up to 4 the first is made; up to 14 four of it and (h − 4) / 2 of the second; from there on more of the second, whose
    hour brings more.
    """
    builder = ProgramBuilder()
    good = {"good": np.array(["one", "two"])}
    made = builder.add_columns("made", "", good, 2)
    missed = builder.add_columns("missed", "", good, 2)
    hours = sp.csr_array(np.array([[1.0, 2.0]]))
    asked = sp.csr_array(np.array([[1.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 1.0]]))
    builder.add_rows("hours", "h", {"what": np.array(["hours"])}, hours, -np.inf, 10.0)
    builder.add_rows("asked", "", good, asked, np.array([4.0, 5.0]), np.inf)
    one, two, money = np.zeros(4), np.zeros(4), np.zeros(4)
    one[missed[0]], two[missed[1]], money[made] = 1.0, 1.0, (-1.0, -3.0)
    goals = (
        Goal("one", "one", one, wish=True),
        Goal("two", "two", two, wish=True),
        Goal("money", "money", money, scale=-1.0),
    )
    return builder.build(goals)


def followed(hours: float) -> Stretch:
    """The stretch around so many hours."""
    program = workshop()
    move = Move(program, (np.zeros(4), np.zeros(4), np.zeros(3), np.array([1.0, 0.0, 0.0])), ())
    start = move.at(hours - 10.0)
    follower = Follower(Warm({}, learning=True), move, start)
    outcome = Ordering(start, follower).run()
    values = goal_values(outcome)
    assert values is not None
    found = follower.stretch(outcome, hours, values)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("hours", "low", "high", "values", "slope"),
    [
        pytest.param(2.0, 0.0, 4.0, (2.0, 5.0, 2.0), (-1.0, 0.0, 1.0), id="the first good"),
        pytest.param(10.0, 4.0, 14.0, (0.0, 2.0, 13.0), (0.0, -0.5, 1.5), id="the second good"),
        pytest.param(20.0, 14.0, np.inf, (0.0, 0.0, 28.0), (0.0, 0.0, 1.5), id="money"),
    ],
)
def test_a_workshop_by_hand(
    hours: float, low: float, high: float, values: tuple[float, ...], slope: tuple[float, ...]
) -> None:
    """Proves: all goals in order, what one hour more changes of each, and between which hours that holds.

    Sensitivity: without the faces of earlier goals held, money would go up by 3 / 2 below 4 hours; without the bases of earlier goals,
    the stretch of the second good would not end at 4 and 14.
    """
    found = followed(hours)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-7)
    assert found.values == pytest.approx(np.array(values), abs=1e-9)
    assert found.slope == pytest.approx(np.array(slope), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_stretches_are_what_plans_from_the_start_find(seed: int, tmp_path: Path) -> None:
    """Random models: at random values of a limit, the stretch that is met there holds at its ends and inside, up to 1e-7."""
    try:
        model = load(random_model(seed).write(tmp_path / "model"))
        resolver = Resolver(model)
    except (InputError, EngineError):
        return
    if resolver.outcome.x is None:
        return
    rng, met = np.random.default_rng(seed), 0
    for limit in [limit for limit in binding(resolver) if limit.kind != "promise"][:LIMITS]:
        along = Along(resolver, limit)
        for value in rng.uniform(along.lowest, along.highest, 3):
            way = value - limit.now
            if along.at(value) is None:
                continue
            line = along.stretch(way)
            if line is None:
                assert resolver.whole or not along.straight or not any(a <= value <= b for a, b, _ in along.moves)
                continue
            met += 1
            low, high = (max(line.low, along.lowest - limit.now), min(line.high, along.highest - limit.now))
            for at in (low, high, rng.uniform(low, high)):
                solved = moved(model, limit, limit.now + at)
                if solved is not None or at not in (low, high):  # at an end the last digits may be what is too much
                    assert solved is not None
                    room = 1e-7 * np.maximum(1.0, np.abs(solved))
                    assert (np.abs(line.value(at) - solved) <= room).all(), (limit.key, at, low, high)
    assert met or seed not in MET


@pytest.mark.parametrize("seed", range(40))
def test_known_stretches_save_looks(seed: int) -> None:
    """Functions whose stretches are known where they were looked at, cut at random too: the first bend is found, in few looks."""
    rng = np.random.default_rng(seed)
    bends = np.sort(rng.uniform(0.01, 100, rng.integers(1, 5)))
    slopes = rng.permutation(len(bends) + 1) * rng.uniform(0.5, 2) - 2.0
    cuts = np.sort(np.concatenate([[0.0], bends, rng.uniform(0, 100, rng.integers(0, 3)), [200.0]]))
    corners = np.concatenate([[0.0], bends, [200.0]])
    heights = np.concatenate([[0.0], np.cumsum(slopes * np.diff(corners))])
    sign = float(rng.choice([-1, 1]))
    looked: set[float] = set()

    def height(way: float) -> Floats:
        return np.array([np.interp(sign * way, corners, heights), 0.0])

    def at(way: float) -> Floats:
        if known(way) is None:
            looked.add(way)
        return height(way)

    def known(way: float) -> Stretch | None:
        for one in looked:
            k = int(np.searchsorted(cuts, sign * one, "right"))
            low, high = sorted((sign * cuts[k - 1], sign * cuts[k]))
            if low <= way <= high:
                middle = (low + high) / 2
                slope = (height(high) - height(low)) / (high - low)
                return Stretch(low, high, middle, height(middle), slope)
        return None

    piece = first_piece(at, np.zeros(2), sign, sign * 100.0, known)
    assert piece is not None
    assert piece.bends
    assert sign * piece.slope[0] == pytest.approx(slopes[0], rel=1e-6)
    assert sign * piece.end == pytest.approx(bends[0], rel=2e-4)
    assert len(looked) <= 12
