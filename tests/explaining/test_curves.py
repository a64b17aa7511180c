"""Smooth pieces: functions of known quotients, steps and gaps are drawn as they are; frontiers of targets and promises hold."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import shipped
from directly import on_it
from random_models import random_model

from allocator.errors import InputError
from allocator.explaining.curves import FIT, MOST, drawn, through
from allocator.explaining.frontier import frontier
from allocator.explaining.limits import every_limit, make_limit
from allocator.explaining.resolving import Along, Resolver
from allocator.formulation.grain import make_grain
from allocator.program import Floats
from allocator.reading import load

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
SEEDS = range(40) if PROOF else (1,)
POINTS, FEW = (200, 20) if PROOF else (5, 5)


@pytest.mark.parametrize("seed", range(20))
def test_quotients_are_found(seed: int) -> None:
    """The larger of random quotients, beside the smaller of random lines: every point between the ends lies on the drawing."""
    rng = np.random.default_rng(seed)
    top, poles = rng.normal(size=(4, 3)), rng.uniform(0.1, 3, 4)
    lines = rng.normal(size=(3, 2))

    def at(way: float) -> Floats:
        quotients = (top[:, 0] + way * (top[:, 1] + way * top[:, 2])) / (1 + poles * way)
        return np.array([quotients.max(), (lines[:, 0] + way * lines[:, 1]).min()])

    drawing = drawn(at, 0.0, 2.0)
    assert drawing.whole
    for way in rng.uniform(0, 2, 200):
        there = drawing.at(way)
        assert there is not None
        assert np.allclose(there, at(way), rtol=0, atol=1e-7 * 10)
    bends = [a.high for a, b in zip(drawing.pieces[:-1], drawing.pieces[1:], strict=True)]
    assert bends == [b.low for b in drawing.pieces[1:]]


@pytest.mark.parametrize("seed", range(20))
def test_a_quotient_goes_through_its_points(seed: int) -> None:
    """Four points of a quotient give it back everywhere, in goals of very different size; four of a line or parabola give those."""
    rng = np.random.default_rng(seed)
    size = np.array([1e-3, 1.0, 1e6])
    top, pole = rng.normal(size=(3, 3)), rng.uniform(-0.7, 5, 3)
    low, high = 3.0, 3.0 + rng.uniform(0.01, 40)
    for degree, curved, below in ((1, 0.0, 0.0 * pole), (2, 1.0, 0.0 * pole), (3, 1.0, pole)):

        def at(way: float, curved: float = curved, below: Floats = below) -> Floats:
            s = (way - low) / (high - low)
            return np.asarray((top[0] + s * (top[1] + s * curved * top[2])) / (1 + below * s) * size)

        values = np.array([at(low + part * (high - low)) for part in FIT])
        piece = through(low, high, values / size, size, degree)
        assert piece is not None
        assert piece.straight == (degree == 1)
        for way in rng.uniform(low, high, 200):
            assert np.allclose(piece.at(way) / size, at(way) / size, rtol=1e-9, atol=1e-9)
        ways = piece.between(1e-3)
        for a, b in itertools.pairwise(ways):
            middle = (piece.at(a) + piece.at(b)) / 2 - piece.at((a + b) / 2)
            room = 1e-3 * np.maximum(1.0, np.abs([piece.at(w) for w in ways]).max(axis=0))
            assert len(ways) == MOST + 1 or (np.abs(middle) <= 1.01 * room).all()  # it looks at 65 places


def test_a_pole_is_no_piece() -> None:
    """A quotient that goes to infinity just behind its end is not taken: it may as well be two pieces."""
    values = np.array([[1.0 / (1 - 0.999 * part)] for part in FIT])
    assert through(0.0, 1.0, values, np.ones(1), 3) is None


def test_steps_and_gaps() -> None:
    """A jump at 1 and nothing behind 1.5: both are found, to a billionth of the way, and a point inside a gap has no value."""

    def at(way: float) -> Floats | None:
        return None if way > 1.5 else np.array([way * way + (3.0 if way > 1 else 0.0)])

    drawing = drawn(at, 0.0, 2.0)
    assert drawing.whole
    assert [round(p.low, 6) for p in drawing.pieces] == [0.0, 1.0, 1.5]
    assert [p.planned for p in drawing.pieces] == [True, True, False]
    assert drawing.pieces[1].low - drawing.pieces[0].high <= 1e-8
    assert drawing.at(1.7) is None
    assert drawing.pieces[0].at(0.5) == pytest.approx(0.25)


def test_what_does_not_end_is_given_up() -> None:
    """A function that is no such piece anywhere is not claimed to be drawn."""
    assert not drawn(lambda way: np.array([np.sin(40 * way) + np.floor(90 * way)]), 0.0, 2.0, most=60).whole


def test_targets_and_promises_of_pocket() -> None:
    """What a target and a promise ask: smooth pieces that meet at their bends, on which plans from the start lie."""
    model = shipped.model("pocket")
    grain = make_grain(model)
    target = frontier(model, [make_limit(model, grain, "target", {"target": "revenue"})])
    assert target.exact
    assert not target.straight
    # Of 1,683,000: 1.7 and 1.76 million take part of the contribution that money earns elsewhere, behind them nothing is left to give.
    bends = target.table.query("kind == 'bend'")["limit"].tolist()
    assert bends == pytest.approx([1_700_000, 1_745_000, 1_760_000], rel=1e-6)
    on_it(model, target, POINTS)
    if PROOF:
        on_it(model, frontier(model, [make_limit(model, grain, "promise", {"tier": "B"})]), POINTS)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_limits_that_move_more_than_bounds(seed: int, tmp_path: Path) -> None:
    """Random models: frontiers of targets, lines that may be overrun and promises are where plans from the start lie."""
    try:
        model = load(random_model(seed).write(tmp_path / "model"))
    except InputError:
        return
    resolver = Resolver(model)
    if resolver.outcome.x is None or resolver.whole:
        return
    seen = 0
    for limit in every_limit(model, resolver.grain):
        if (limit.kind == "target" or PROOF) and not Along(resolver, limit, 0.6 * limit.now, 1.4 * limit.now).straight:
            found = frontier(model, [limit], resolver=resolver)
            assert found.exact, limit.key
            on_it(model, found, FEW)
            seen += 1
        if seen == 2 and not PROOF:
            return
