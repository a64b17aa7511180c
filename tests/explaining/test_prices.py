"""Prices: what is printed is what a plan from the start finds, inside the range and not behind it; and published answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from directly import moved
from random_models import random_model

from allocator.errors import EngineError, InputError
from allocator.explaining.limits import make_limit
from allocator.explaining.lines import first_piece, straight
from allocator.explaining.moving import same
from allocator.explaining.prices import Price, Prices, binding, priced, prices
from allocator.explaining.resolving import Along, Resolver
from allocator.model import Model
from allocator.program import Floats
from allocator.reading import load
from allocator.solving import solve

sys.path.insert(0, str(Path(__file__).parents[1] / "published"))
from published_tables import media_selection

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
SEEDS = range(200) if PROOF else (8,)
LIMITS = 20 if PROOF else 1
"""Limits of a random model that are looked at."""


def close(found: Floats, expected: Floats, values: Floats) -> bool:
    """Whether two changes of goals are one: to 1e-6 of the difference, or 1e-9 of what changes."""
    room = np.maximum(1e-6 * np.abs(expected), 1e-9 * np.maximum(1.0, np.abs(values)))
    return bool((np.abs(found - expected) <= room).all())


def check(model: Model, price: Price, values: Floats) -> int:
    """Hold both sides of a price against solves from the start; returns how many ranges were checked."""
    checked = 0
    for side in price.sides:
        limit = price.limit
        after = moved(model, limit, limit.now + side.step)
        assert (after is None) == (side.change is None)
        if after is not None:
            assert side.change is not None
            assert close(side.change, after - values, values), limit.key
        if side.piece is None:
            continue
        checked += 1
        slope, end = side.piece.slope, side.piece.end
        for way in (0.37 * end, (1 - 1e-6) * end):
            inside = moved(model, limit, limit.now + way)
            assert inside is not None
            assert close(slope * way, inside - values, values), (limit.key, way)
        if side.piece.bends:
            outside = moved(model, limit, limit.now + 1.01 * end)
            assert outside is None or not close(slope * 1.01 * end, outside - values, values), (limit.key, end)
    return checked


@pytest.mark.parametrize("seed", SEEDS)
def test_prices_are_differences(seed: int, tmp_path: Path) -> None:
    """Random models: each step, and each price up to its end, is the difference of plans from the start; behind the end it is not."""
    try:
        model = load(random_model(seed).write(tmp_path / "model"))
    except InputError:
        return
    try:
        resolver = Resolver(model)
    except EngineError:  # the engine has no answer to the model from the start either
        with pytest.raises(EngineError):
            solve(model, engine="highs", visits=False)
        return
    if resolver.outcome.x is None:
        return
    limits = [limit for limit in binding(resolver) if limit.kind != "promise"][:LIMITS]
    for limit in limits:
        check(model, priced(resolver, limit), resolver.now)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Prices]:
    """Price the media model's limits."""
    model = load(media_selection(tmp_path_factory.mktemp("media") / "model"))
    return model, prices(model)


class TestMediaSelection:
    """Published prices (Anderson, Sweeney and Williams), each for one unit of its limit, in units of exposure."""

    @pytest.mark.parametrize(
        ("key", "worth"),
        [
            pytest.param("target=money; bound=at_most", 0.06, id="budget"),
            pytest.param("target=television", -25.0, id="television"),
            pytest.param("line=daily newspaper", 16 / 400, id="daily newspaper"),
            pytest.param("line=radio", 14 / 100, id="radio"),
        ],
    )
    def test_price(self, found: tuple[Model, Prices], key: str, worth: float) -> None:
        """One more brings what the book says, up and down; the range begins below and ends above what there is."""
        model, known = found
        price = next(p for p in known.prices if p.limit.key == key)
        goal = known.names.index("base 1 sum")
        one = known.alone["base 1 sum"]
        assert (one.target, one.metric) == ("exposure", "exposure")
        for side in price.sides:
            assert side.piece is not None
            assert -side.piece.slope[goal] * one.size == pytest.approx(worth, rel=1e-7)
            assert side.piece.end * side.step > 0
        if PROOF or key in ("target=money; bound=at_most", "target=television"):
            assert check(model, price, known.values) == 2

    def test_range_of_the_budget(self, found: tuple[Model, Prices]) -> None:
        """Sunday newspapers take more money until all four are bought (+2,000), and less until there are none (−2,000)."""
        _model, known = found
        price = next(p for p in known.prices if p.limit.key == "target=money; bound=at_most")
        assert price.up is not None
        assert price.down is not None
        assert price.up.piece is not None
        assert price.down.piece is not None
        assert price.up.piece.end == pytest.approx(2000, rel=1e-3)
        # The audience of 50,000 holds after 11,500 less: 61,500 − 2.5 × … is not what ends it, the newspapers are.
        assert price.down.piece.end == pytest.approx(-2000, rel=1e-3)

    def test_dearest_first(self, found: tuple[Model, Prices]) -> None:
        """Sorted by one hundredth of each limit: money (300 × 0.06) before daily newspapers (100 × 0.04)."""
        _model, known = found
        keys = [p.limit.key for p in known.prices]
        assert keys.index("target=money; bound=at_most") < keys.index("line=daily newspaper")


def zigzag(bends: list[float], slopes: list[float]) -> Callable[[float], Floats]:
    """A function of straight pieces through 0."""

    def at(way: float) -> Floats:
        ends = [0.0, *bends, 1e9]
        value = 0.0
        for slope, a, b in zip(slopes, ends[:-1], ends[1:], strict=True):
            value += slope * max(0.0, min(way, b) - a)
        return np.array([value, 0.0])

    return at


@pytest.mark.parametrize("seed", range(50))
def test_the_first_bend_is_found(seed: int) -> None:
    """Functions of known straight pieces: the first slope and the first bend, to one ten-thousandth."""
    rng = np.random.default_rng(seed)
    bends = sorted(rng.uniform(0.001, 100, rng.integers(1, 6)).tolist())
    slopes = (rng.permutation(len(bends) + 1) * rng.uniform(0.5, 2) - 2).tolist()
    piece = first_piece(zigzag(bends, slopes), np.zeros(2), 1.0, 100.0)
    assert piece is not None
    assert piece.bends
    assert piece.slope[0] == pytest.approx(slopes[0], rel=1e-6)
    assert piece.end == pytest.approx(bends[0], rel=2e-4)


@pytest.mark.parametrize("seed", range(30))
def test_a_step_ends_a_piece(seed: int) -> None:
    """Where goals jump, and go on another way behind the jump, the piece ends there, to one ten-thousandth and in few looks."""
    rng = np.random.default_rng(seed)
    jump, height = rng.uniform(2, 90), rng.uniform(0.1, 1000) * rng.choice([-1, 1])
    looked: set[float] = set()

    def at(way: float) -> Floats:
        looked.add(way)
        return np.array([3 * way + (height + np.sin(way) if way > jump else 0.0)])

    piece = first_piece(at, np.zeros(1), 1.0, 100.0)
    assert piece is not None
    assert piece.bends
    assert piece.slope[0] == pytest.approx(3)
    assert jump * (1 - 2e-4) <= piece.end <= jump
    assert len(looked) <= 40


@pytest.mark.parametrize("seed", range(20) if PROOF else range(3))
def test_hours_of_some_move_as_those_of_all(seed: int, tmp_path: Path) -> None:
    """Random models: where hours are not written anew for each limit, the program is the one of the changed tables."""
    try:
        model = load(random_model(seed).write(tmp_path / "model"))
        resolver = Resolver(model)
    except (InputError, EngineError):
        return
    if resolver.outcome.x is None or resolver.hours is None:
        return
    for name, codes in (("unit", model["units"]["unit"]), ("rep", model["reps"]["rep"])):
        for code in codes:
            try:
                along = Along(resolver, make_limit(model, resolver.grain, "hours", {name: str(code)}))
            except InputError:
                continue
            for low, high, move in along.moves:
                for value in (low, high, 0.3 * low + 0.7 * high):
                    effort = along.effort(value)
                    assert effort is not None
                    assert same(move.at(value - along.limit.now), effort.program), (name, code, value)


@pytest.mark.parametrize("seed", range(20))
def test_bends_are_exact(seed: int) -> None:
    """Two goals of known bends, that rise and fall: every bend is found, and nothing else."""
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.uniform(0, 10, 5))
    heights = rng.normal(size=(2, 7)) * 10
    at = np.concatenate([[0.0], corners, [10.0]])
    drawing = straight(lambda w: np.array([np.interp(w, at, h) for h in heights]), 0.0, 10.0)
    assert drawing.whole
    found = [p.low for p in drawing.pieces] + [10.0]
    assert len(found) == len(at)
    assert np.allclose(found, at, atol=1e-6)
