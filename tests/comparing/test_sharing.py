"""A difference shared out among players: against all orders one by one, and the rules that single the shares out."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable

import numpy as np
import pytest

from allocator.comparing.sharing import EXACT, Shares, sets_needed, share_out

Game = Callable[[frozenset[int]], np.ndarray | None]


def random_game(seed: int, players: int, impossible: float = 0.0) -> Game:
    """Return values of two measures at random; some sets have none, but never that of nobody and that of all."""
    draw = random.Random(seed)
    worth: dict[frozenset[int], np.ndarray | None] = {}
    for size in range(players + 1):
        for members in itertools.combinations(range(players), size):
            gone = 0 < size < players and draw.random() < impossible
            worth[frozenset(members)] = None if gone else np.array([draw.uniform(-1e6, 1e6), draw.randint(0, 5)])
    return worth.__getitem__


def by_permutations(players: int, game: Game) -> tuple[list[list[float]], int]:
    """Return the mean gain of each player over all orders whose every step has a value, and how many there are."""
    gains: list[list[list[float]]] = [[[], []] for _player in range(players)]
    used = 0
    for order in itertools.permutations(range(players)):
        steps = [game(frozenset(order[:k])) for k in range(players + 1)]
        if any(step is None for step in steps):
            continue
        used += 1
        for k, player in enumerate(order):
            for measure in (0, 1):
                gains[player][measure].append(float(steps[k + 1][measure]) - float(steps[k][measure]))
    return [[math.fsum(g) / len(g) if g else math.nan for g in both] for both in gains], used


def assert_sums(shares: Shares, game: Game, players: int) -> None:
    """Assert that the parts sum to the difference, to the last digit of the largest."""
    none, everybody = game(frozenset()), game(frozenset(range(players)))
    assert none is not None
    assert everybody is not None
    for k in (0, 1):
        values = [none[k], *shares.parts[:, k], -everybody[k]]
        assert abs(math.fsum(values)) <= math.ulp(max(map(abs, values)))


@pytest.mark.parametrize("players", range(EXACT + 1))
@pytest.mark.parametrize("impossible", [0.0, 0.3])
def test_shares_are_the_mean_over_all_orders(players: int, impossible: float) -> None:
    """The parts of 40 random games are those of every order written out, where some sets have no value as well."""
    for seed in range(40):
        game = random_game(seed, players, impossible)
        wanted, used = by_permutations(players, game)
        shares = share_out(players, game)
        assert (shares.orders, shares.used, shares.exact) == (math.factorial(players), used, True)
        if not used:
            assert np.isnan(shares.parts).all()
            continue
        np.testing.assert_allclose(shares.parts, np.reshape(wanted, (players, 2)), rtol=1e-9, atol=1e-6)
        assert_sums(shares, game, players)
        assert not shares.errors.any()


def test_every_set_is_asked_for_once() -> None:
    """Four players have sixteen sets, and no set behind one that is impossible is asked for."""
    asked: list[frozenset[int]] = []
    game = random_game(1, 4)

    def value(members: frozenset[int]) -> np.ndarray | None:
        asked.append(members)
        return None if len(members) == 1 and 0 not in members else game(members)

    shares = share_out(4, value)
    assert len(asked) == len(set(asked))
    assert {m for m in asked if len(m) > 1} == {m for m in asked if len(m) > 1 and 0 in m}
    assert shares.used == 6


@pytest.mark.parametrize("players", [2, 4, 6])
def test_who_adds_nothing_gets_nothing(players: int) -> None:
    """A player that changes no set's value gets 0 and nothing but 0, though engines are a billionth apart."""
    game = random_game(5, players - 1)

    def value(members: frozenset[int]) -> np.ndarray | None:
        worth = game(members - {players - 1})
        noise = 1e-10 * len(members) * (players - 1 in members)
        return None if worth is None else worth * (1 + noise) * (np.array([1.0, 1.0]))

    shares = share_out(players, value)
    assert (shares.parts[-1] == 0).all()
    assert shares.parts[:-1].any()


def test_two_of_a_kind_share_equally() -> None:
    """Two players that any set values alike get the same, also where together they are worth less than twice one."""
    game = random_game(7, 3)

    def value(members: frozenset[int]) -> np.ndarray | None:
        twins = len(members & {2, 3})
        worth = game(frozenset(members & {0, 1}) | ({2} if twins else set()))
        assert worth is not None
        return worth + 1000.0 * twins

    parts = share_out(4, value).parts
    np.testing.assert_allclose(parts[2], parts[3], rtol=1e-12)


@pytest.mark.parametrize(("players", "orders"), [(6, 12), (7, 20)])
def test_a_sample_sums_and_tells_its_error(players: int, orders: int) -> None:
    """Where orders are drawn, parts sum to the last digit; over 200 samples they are right in the mean, and off by what they say."""
    game = random_game(players, players)
    wanted, _used = by_permutations(players, game)
    apart, errors = [], []
    for seed in range(200):
        shares = share_out(players, game, orders=orders, seed=seed)
        assert (shares.orders, shares.used, shares.exact) == (orders, orders, False)
        assert_sums(shares, game, players)
        apart.append(shares.parts - wanted)
        errors.append(shares.errors)
    size = np.sqrt(np.mean(np.square(errors), axis=0))
    np.testing.assert_allclose(np.sqrt(np.mean(np.square(apart), axis=0)) / size, 1.0, atol=0.2)
    assert (np.abs(np.mean(apart, axis=0)) < 4 * size / np.sqrt(200)).all()


def test_what_costs_no_more_than_a_sample_is_exact() -> None:
    """Six players have 62 sets between nobody and all: 16 orders pass through more, so all are looked at; 8 pass through fewer."""
    assert sets_needed(6) == (62, True)
    assert sets_needed(6, 8) == (40, False)
    assert sets_needed(4, 2) == (14, True)
    assert sets_needed(0) == (0, True)
    game = random_game(2, 6)
    wanted, _used = by_permutations(6, game)
    shares = share_out(6, game)
    assert shares.exact
    np.testing.assert_allclose(shares.parts, wanted, rtol=1e-9, atol=1e-6)


def test_effects_that_add_up_need_one_order() -> None:
    """Where each player adds the same in every order, a sample gives just that, without an error."""
    worth = np.array([3.0, -5.0, 7.0, 0.0, 11.0, 2.0])
    shares = share_out(6, lambda members: np.array([worth[list(members)].sum(), 1.0]), orders=8)
    np.testing.assert_allclose(shares.parts[:, 0], worth, atol=1e-12)
    assert np.abs(shares.errors).max() < 1e-12
    assert shares.used == 8


def test_a_sample_is_the_same_every_time() -> None:
    """The draw has a fixed seed: the same comparison gives the same bridge."""
    game = random_game(3, 6)
    first, second = (share_out(6, game, orders=8) for _again in range(2))
    assert (first.parts == second.parts).all()
    assert (share_out(6, game, orders=8, seed=4).parts != first.parts).any()


def test_a_sample_goes_on_until_it_has_orders() -> None:
    """Where one player must come first, impossible orders are put aside and counted, and others are drawn in their place."""

    def value(members: frozenset[int]) -> np.ndarray | None:
        return None if members and 0 not in members else np.array([float(len(members)) ** 2, 0.0])

    shares = share_out(5, value, orders=6)
    assert not shares.exact
    assert shares.used >= 3
    assert shares.orders > shares.used
    assert shares.parts[0, 0] == 1.0
    assert math.fsum(shares.parts[:, 0]) == 25.0


def test_a_value_for_nobody_and_for_all_is_needed() -> None:
    """A game without a base or without a plan for all is refused."""
    with pytest.raises(ValueError, match="no player"):
        share_out(2, lambda members: None if len(members) == 2 else np.zeros(1))
