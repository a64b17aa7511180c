"""Limits as they are written and moved: keys read back, hours and people are what the tables then say."""

from __future__ import annotations

import os

import pytest
from random_models import random_model

from allocator.errors import InputError
from allocator.explaining.limits import KINDS, Limit, every_limit, make_limit, parse_limit
from allocator.explaining.resolving import Resolver
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.reading import load

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Model, list[Limit]]]:
    """Random models and all their limits."""
    folder = tmp_path_factory.mktemp("models")
    found = [load(random_model(seed).write(folder / str(seed))) for seed in range(20 if PROOF else 2)]
    return [(model, every_limit(model, make_grain(model))) for model in found]


def test_a_limit_is_read_as_it_is_written(models: list[tuple[Model, list[Limit]]]) -> None:
    """The key of every limit of some models reads back as the same limit, and moved to where it is leaves the model as it is."""
    kinds = set()
    for model, limits in models[:2]:
        grain = make_grain(model)
        for limit in limits:
            assert parse_limit(model, grain, limit.key) == limit
            moved = limit.at(model, limit.now * (1 + 1e-12) + 1e-300)
            for name, frame in model.tables.items():
                assert len(moved[name]) == len(frame)
            kinds.add(limit.kind)
    assert kinds >= {"line", "hours", "promise", "target"}
    assert kinds <= set(KINDS)


@pytest.mark.parametrize("text", ["", "lines=b1", "line=nothing", "line", "hours tier=A", "promise tier=Z"])
def test_what_is_no_limit_is_refused(text: str, models: list[tuple[Model, list[Limit]]]) -> None:
    """A limit that is not there is an error with a sentence."""
    model, _limits = models[1]
    with pytest.raises(InputError, match="--limit"):
        parse_limit(model, make_grain(model), text)


def test_hours_and_people(models: list[tuple[Model, list[Limit]]]) -> None:
    """Ten more hours are ten more in the grain; a person more works, one less has nothing, and all clients have somebody."""
    for model, _limits in models:
        grain = make_grain(model)
        unit = str(model["reps"]["unit"].iloc[0])
        limit = make_limit(model, grain, "hours", {"unit": unit})
        if limit.now + 10 < limit.highest:
            there = make_limit(
                limit.at(model, limit.now + 10), make_grain(limit.at(model, limit.now + 10)), "hours", {"unit": unit}
            )
            assert there.now == pytest.approx(limit.now + 10, rel=1e-12)
        heads = make_limit(model, grain, "heads", {"unit": unit})
        more = heads.at(model, heads.now + 1)
        assert len(more["reps"]) == len(model["reps"]) + 1
        assert (Resolver(more).outcome.x is None) == (Resolver(model).outcome.x is None)
        if heads.now > 1:
            less = heads.at(model, heads.now - 1)
            gone = less["reps"].query("end == end")["rep"]
            assert len(set(less["clients"]["owner"]) - {""} - set(model["reps"]["rep"])) == 0
            assert len(gone) >= 1
