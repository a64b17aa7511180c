"""Clashes, gaps and ways out of random small models against trying everything, by code that shares nothing with the search."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from clash_models import all_clashes, least_excess, name, random_clash, random_people
from oracles import Infeasible, effort_goals

from allocator.engines import engine
from allocator.explaining.clashing import Clash, Elastic, Search
from allocator.explaining.effort_rules import effort_rules
from allocator.explaining.explanation import explain
from allocator.explaining.missing import arithmetic_of
from allocator.explaining.rulebook import Bools, Item
from allocator.model import Model
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario, Written

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
MODELS = 300 if PROOF else 6
"""Random models that clash."""
EXPLAINED = 300 if PROOF else 2
"""Of these, those of which all ways out are tried."""
MOST_ITEMS = 11


def clashing_models(folder: Path, count: int) -> list[Model]:
    """The first so many random models whose hard rules clash, with few enough items to try all sets of them."""
    found: list[Model] = []
    for seed in itertools.count():
        model = random_clash(seed, folder / str(seed))
        book, _effort = effort_rules(model)
        hard = [i for i in book.items if not i.goal]
        if len(hard) <= MOST_ITEMS and Elastic(book, engine("highs")).contradiction(book.mask(hard)) is not None:
            found.append(model)
        if len(found) == count:
            return found
    raise AssertionError


def test_every_clash_is_found_and_no_other(tmp_path: Path) -> None:
    """The search finds just those smallest sets that SciPy finds by trying every set of items; disjoint ones come first."""
    several = 0
    for model in clashing_models(tmp_path, MODELS):
        book, _effort = effort_rules(model)
        hard = [i for i in book.items if not i.goal]
        search = Search(book, Elastic(book, engine("highs")).contradiction)
        found = search.clashes(hard, 10_000)
        assert {frozenset(name(i) for i in clash) for clash in found} == all_clashes(book, hard)
        assert len(found) == len({frozenset(name(i) for i in clash) for clash in found})
        several += len(found) > 1
        few = search.clashes(hard, 2)
        if len(few) == 2 and any(set(map(name, few[0])).isdisjoint(map(name, other)) for other in found):
            assert set(map(name, few[0])).isdisjoint(map(name, few[1]))
    assert several


def test_gaps_are_the_least_that_must_give_way(tmp_path: Path) -> None:
    """Each gap that is told is the least by which the item must give way while the others of its clash hold, as SciPy finds it."""
    lines = 0
    for model in clashing_models(tmp_path, MODELS):
        book, _effort = effort_rules(model)
        elastic = Elastic(book, engine("highs"))
        hard = [i for i in book.items if not i.goal]
        for clash in Search(book, elastic.contradiction).clashes(hard, 2):
            told = arithmetic_of(Clash(clash), elastic)
            for line in told:
                others = [other.item for other in told if other is not line]
                least = least_excess(book, others, line.item)
                assert least is not None
                assert abs(line.gap) == pytest.approx(least, rel=1e-5, abs=1e-5)
                assert (line.gap < 0) == line.item.at_least
                assert sum(amount for _part, amount in line.where) == pytest.approx(line.gap if line.where else 0.0)
                lines += 1
    assert lines >= MODELS


def test_ways_out_work_and_half_of_them_do_not(tmp_path: Path) -> None:
    """An oracle that shares no code plans the changed tables: with a way out it has a plan, with half of it none."""
    tried: dict[str, int] = {}
    for model in clashing_models(tmp_path, EXPLAINED):
        found = explain(model, engine="highs")
        assert found.status == "impossible"
        for problem in found.problems:
            # Each is tried as if the others were settled: so they are here, each by its first way out.
            others = [p for p in found.problems if p is not problem]
            if not all(p.repairs for p in others):
                continue
            settled = [change for p in others for change in p.repairs[0].changes]
            for repair in problem.repairs:
                assert has_plan(changed(model, [*settled, *repair.changes])), (model.source, repair)
                assert not has_plan(changed(model, [*settled, *repair.half])), (model.source, repair)
                tried[repair.kind] = tried.get(repair.kind, 0) + 1
    assert {"target", "time", "pool", "supply", "money"} <= set(tried) if PROOF else tried


def test_people_are_as_few_as_can_be(tmp_path: Path) -> None:
    """Where reps lack hours for visits that must be made: with the people that are told there is a plan, with half of them none."""
    tried = 0
    for seed in range(100 if PROOF else 4):
        model = random_people(seed, tmp_path / str(seed))
        found = explain(model, engine="highs")
        if found.status != "impossible":
            continue
        for repair in (r for p in found.problems for r in p.repairs if r.kind == "heads"):
            assert has_plan(changed(model, repair.changes)), seed
            assert not has_plan(changed(model, repair.half)), seed
            tried += 1
    assert tried > (20 if PROOF else 0)


def changed(model: Model, changes: Sequence[Change]) -> Model:
    """The model with changes of its tables."""
    return apply_steps(model, [(Scenario("s", "", Written("s", "")), changes)]).model


def has_plan(model: Model) -> bool:
    """Whether the oracle finds a plan that keeps all hard rules."""
    try:
        effort_goals(model)
    except Infeasible:
        return False
    return True


@pytest.mark.parametrize("seed", range(300))
def test_search_on_planted_clashes(seed: int) -> None:
    """Where clashes are planted and the oracle names any set that holds one, all planted smallest sets are found, and each is thin."""
    chance = random.Random(seed)
    size = chance.randint(3, 9)
    planted = {
        frozenset(chance.sample(range(size), chance.randint(1, min(4, size)))) for _ in range(chance.randint(1, 5))
    }
    smallest = {c for c in planted if not any(other < c for other in planted)}
    items = [Item("most", {"line": str(k)}, (), False, np.array([k]), 0.0, "money", False) for k in range(size)]

    def oracle(held: Bools) -> Bools | None:
        there = [c for c in planted if all(held[k] for k in c)]
        if not there:
            return None
        core = set(chance.choice(there)) | {k for k in range(size) if held[k] and chance.random() < 0.3}
        return np.array([k in core for k in range(size)])

    class Plain:
        """As much of a rulebook as the search reads."""

        @staticmethod
        def mask(some: Sequence[Item]) -> Bools:
            return np.array([any(k in i.atoms for i in some) for k in range(size)])

    search = Search(Plain(), oracle)  # type: ignore[arg-type]
    found = {frozenset(int(i.labels["line"]) for i in clash) for clash in search.clashes(items, 1000)}
    assert found == smallest
