"""Frontiers: every point between two of them is where a plan from the start lies; steps, grids, and the least for each level."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import shipped
from directly import direct, on_it
from random_models import random_model

from allocator.cli import main
from allocator.engines.highs import Highs
from allocator.errors import InputError
from allocator.explaining.frontier import frontier
from allocator.explaining.limits import every_limit, make_limit, parse_limit
from allocator.explaining.resolving import Resolver, goal_values
from allocator.formulation.effort import effort_program
from allocator.formulation.grain import make_grain
from allocator.ordering import Ordering
from allocator.reading import load

sys.path.insert(0, str(Path(__file__).parents[1] / "published"))
from published_tables import media_selection

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
POINTS, FEW = (200, 20) if PROOF else (8, 4)
KINDS = ("line", "least", "budget", "hours", "resource", "supply", "target", "promise")
SEEDS = range(60) if PROOF else (3, 4)


def test_a_frontier_is_where_plans_lie() -> None:
    """The pocket model's hours in the south, which bend eleven times and once go down: points drawn at random lie on it."""
    model = shipped.model("pocket")
    limit = make_limit(model, make_grain(model), "hours", {"unit": "south"})
    found = frontier(model, [limit])
    assert found.exact
    contribution = found.table["contribution"].to_numpy(float)
    assert (np.diff(contribution) < -1).any()
    assert found.table["attained_base"].iloc[-1] == pytest.approx(1.0)
    reached = found.table.loc[found.table["attained_base"] > 1 - 1e-9, "limit"].min()
    assert found.least["base"] == pytest.approx(reached, rel=1e-6)
    assert found.least["ceiling"] is None
    on_it(model, found, POINTS)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_frontiers(seed: int, tmp_path: Path) -> None:
    """Random models without ones: some limit from nothing like 0.6 to 1.4 of it, with points in between planned from the start."""
    try:
        model = load(random_model(seed).write(tmp_path / "model"))
    except InputError:
        return
    resolver = Resolver(model)
    if resolver.outcome.x is None or resolver.whole:
        return
    limits = [x for x in every_limit(model, resolver.grain) if x.kind in ("line", "hours", "resource", "supply")]
    for limit in limits[:2]:
        found = frontier(model, [limit], resolver=resolver)
        if found.exact:
            on_it(model, found, FEW)


@pytest.mark.parametrize("kind", KINDS if PROOF else KINDS[:6:2])
def test_every_kind_of_limit(kind: str, tmp_path: Path) -> None:
    """The first random model of which goals move with a limit of the kind: random points of its frontier are plans from the start."""
    for seed in range(200):
        try:
            model = load(random_model(seed).write(tmp_path / str(seed)))
        except InputError:
            continue
        limits = [x for x in every_limit(model, make_grain(model)) if x.kind == kind]
        if not limits:
            continue
        resolver = Resolver(model)
        if resolver.outcome.x is None or resolver.whole:
            continue
        for limit in limits:
            found = frontier(model, [limit], resolver=resolver)
            if found.exact and found.table["contribution"].std() > 1e-6:
                on_it(model, found, POINTS)
                return
    raise AssertionError(kind)


def test_what_is_counted_in_ones_has_a_gap(tmp_path: Path) -> None:
    """With whole contracts the curve is a list of points; none lies above what parts of contracts would bring, where goals agree."""
    for seed in range(40):
        drawn = random_model(seed)
        drawn.tables["targets"] = drawn.tables["targets"][:0] or [
            {"target": "t", "metric": "revenue", "at_least": 1.0, "priority": 1}
        ]
        drawn.tables.pop("pins", None)
        try:
            model = load(drawn.write(tmp_path / str(seed)))
        except InputError:
            continue
        resolver = Resolver(model)
        if resolver.whole and resolver.outcome.x is not None:
            break
    limit = next(x for x in every_limit(model, resolver.grain) if x.kind == "hours")
    found = frontier(model, [limit], 0.9, 1.1, points=3, resolver=resolver)
    assert found.whole
    assert not found.exact
    same = found.table[found.table["status"] == "optimal"]
    assert (same["gap"] >= -1e-6 * same["contribution"].abs().max()).any()


def test_two_limits_are_a_grid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hours against money: four plans, each the model under both changes; written with a sheet that says the same."""
    monkeypatch.setenv("LANGUAGE", "en")
    folder = tmp_path / "grid"
    call = ["frontier", "pocket", "--limit", "hours unit=south", "--limit2", "line=promotion", "--points", "2"]
    assert main([*call, "-o", str(folder), "--lang", "en", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert len(said["points"]) == 4
    table = pd.read_csv(folder / "frontier.csv")
    model = shipped.model("pocket")
    grain = make_grain(model)
    hours, line = (
        make_limit(model, grain, "hours", {"unit": "south"}),
        make_limit(model, grain, "line", {"line": "promotion"}),
    )
    for row in table.sample(2, random_state=2).to_dict("records"):
        changed = line.at(hours.at(model, row["limit"]), row["limit2"])
        direct = goal_values(Ordering(effort_program(changed).program, Highs()).run())
        assert direct is not None
        assert direct[-1] == pytest.approx(row["contribution"], rel=1e-9)
    book = openpyxl.load_workbook(folder / "frontier.xlsx")
    assert book.worksheets[0].max_row >= 5


def test_people_come_in_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """People of a unit: a plan for each number of them, shown in Chinese."""
    monkeypatch.chdir(tmp_path)
    assert main(["frontier", "pocket", "--limit", "heads unit=south", "--to", "2", "--lang", "zh"]) == 0
    capsys.readouterr()
    table = pd.read_csv(tmp_path / "runs" / "pocket-frontier" / "frontier.csv")
    assert table["limit"].tolist() == [1, 2]
    assert table["base 2 sum"].iloc[1] <= table["base 2 sum"].iloc[0]


def test_a_small_frontier(tmp_path: Path) -> None:
    """Exposure over the money for media, from 0.6 to 1.4 of it: it bends where a medium is used up, and plans lie on it."""
    model = load(media_selection(tmp_path / "model"))
    limit = parse_limit(model, make_grain(model), "target=money; bound=at_most")
    found = frontier(model, [limit])
    assert found.exact
    on_it(model, found, 10)
    # Sunday newspapers end at 32,000; below 28,000 there are none, and daily ones are given up for 18,000 to 28,000.
    inside = found.table.query("kind == 'bend'")["limit"].tolist()
    assert [v for v in inside if 27_000 < v < 33_000] == pytest.approx([28_000, 32_000])


def test_a_small_grid(tmp_path: Path) -> None:
    """Money for media against the radio: each point is a plan under both changes."""
    model = load(media_selection(tmp_path / "model"))
    grain = make_grain(model)
    money, radio = parse_limit(model, grain, "target=money; bound=at_most"), parse_limit(model, grain, "line=radio")
    found = frontier(model, [money, radio], points=2)
    assert len(found.table) == 4
    for row in found.table.to_dict("records"):
        solved = direct(radio.at(money.at(model, row["limit"]), row["limit2"]))
        assert (solved is None) == (row["status"] != "optimal")
        if solved is None:
            continue
        assert [row[n] for n in found.names] == pytest.approx(solved.tolist(), rel=1e-9, abs=1e-9)
