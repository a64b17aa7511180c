"""A plan of which months are over: clashes, ways out, prices, frontiers and least money speak of what remains, and move nothing else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import shipped
from directly import on_it
from explained import changed, readable
from random_models import random_model

from allocator.errors import InputError
from allocator.explaining.explanation import explain
from allocator.explaining.frontier import frontier
from allocator.explaining.funding import fund
from allocator.explaining.limits import every_limit, make_limit
from allocator.explaining.prices import prices
from allocator.explaining.why import why
from allocator.formulation.effort import effort_program
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.reading import load
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.dealing import with_past
from allocator.reviewing.published import Published
from allocator.solving import solve

sys.path.insert(0, str(Path(__file__).parents[1] / "reviewing"))
from played import actual_rows, write_actuals
from test_prices import check

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
SEEDS = range(60) if PROOF else (0, 5)
POINTS = 200 if PROOF else 5


def under_way(model: Model, months: int, went: float, folder: Path) -> Model | None:
    """The model with its first months over, which sold so much of their plan; None where it has no plan, or too few months."""
    names = model.calendar.months
    if len(names) <= months:
        return None
    plan = solve(model, engine="highs", visits=False)
    if plan.status != "optimal":
        return None
    day = (pd.Timestamp(f"{names[months]}-01") - pd.Timedelta(days=1)).date()
    file = write_actuals(folder / "actuals.csv", actual_rows(plan.tables, names[:months], went))
    published = Published(model, plan.tables, "plan")
    return with_past(read_actuals(model, file, day), published, make_grain(model)).model


@pytest.fixture(scope="module")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Pocket after an April that sold 93 % of its plan."""
    found = under_way(shipped.model("pocket"), 1, 0.93, tmp_path_factory.mktemp("past"))
    assert found is not None
    return found


def past_of(model: Model) -> Sequence[tuple[object, ...]]:
    """Every column of a month that is over, and where it stands."""
    program, months = effort_program(model).program, set(model.calendar.months[: model.past])
    found = []
    for family in program.column_families:
        if "month" in family.labels and family.name not in ("customers", "seen"):
            frame = family.frame().astype(str).assign(low=program.lower[family.slice], high=program.upper[family.slice])
            frame = frame[frame["month"].isin(months) & (frame["low"] == frame["high"])]
            found += [(family.name, *row) for row in frame.itertuples(index=False)]
    return found


def test_pocket_is_explained_and_its_past_stands(pocket: Model) -> None:
    """After April the target of IoT contracts is out of reach; each way out reaches it, half of it does not, and none touches April."""
    found = explain(pocket)
    assert found.status == "missed"
    assert readable(found)
    before = past_of(pocket)
    assert before
    ((problem,)) = found.problems
    assert {r.kind for r in problem.repairs} == {"target", "demand"}
    for repair in problem.repairs:
        mended = changed(pocket, repair.changes)
        assert past_of(mended) == before
        assert explain(mended).status == "met"
        assert explain(changed(pocket, repair.half)).status == "missed"


def test_prices_of_what_remains(pocket: Model) -> None:
    """Hours are those from May on; prices are differences of plans from the start, and no limit moves what happened in April."""
    found = prices(pocket)
    grain = make_grain(pocket)
    for price in found.prices:
        if price.limit.kind != "promise":
            assert check(pocket, price, found.values) > 0 or price.limit.kind == "target"
    hours = next(p.limit for p in found.prices if p.limit.key == "hours unit=south")
    assert hours.now == pytest.approx(grain.people.hours[:, 1:].sum(axis=1)[1])
    before = past_of(pocket)
    for limit in every_limit(pocket, grain):
        if limit.kind != "promise":
            assert past_of(limit.at(pocket, 1.01 * limit.now)) == before, limit.key
    one_more = past_of(make_limit(pocket, grain, "heads", {"unit": "south"}).at(pocket, 2))
    assert sum(row[-1] for row in one_more) == pytest.approx(sum(row[-1] for row in before))
    promise = next(p for p in found.prices if p.limit.key == "promise tier=B")
    assert promise.up is not None
    assert promise.up.change is not None
    # April's visits of B clients were made: one hundredth more of them is not missed in April.
    assert promise.up.change[found.names.index("visits")] == pytest.approx(0, abs=1e-9)


def test_what_is_over_has_no_price(pocket: Model) -> None:
    """A line and a target of April alone are named as over; they have no price, and cannot be asked for."""
    lines, targets = pocket["budget"], pocket["targets"]
    line = lines.iloc[[0]].assign(line="easter", **{"from": "2026-04", "to": "2026-04"}, minimum=0.0, maximum=10.0)
    target = targets.iloc[[0]].assign(target="april", period="2026-04", at_least=1e9)
    more = {
        "budget": pd.concat([lines, line], ignore_index=True),
        "targets": pd.concat([targets, target], ignore_index=True),
    }
    model = replace(pocket, tables={**pocket.tables, **more})
    found = prices(model)
    assert [limit.key for limit in found.over] == ["line=easter", "target=april"]
    assert not {"line=easter", "target=april"} & {
        limit.key for limit in (*found.idle, *(p.limit for p in found.prices))
    }
    with pytest.raises(InputError, match="over"):
        make_limit(model, make_grain(model), "line", {"line": "easter"})
    assert not any("april" in str(m.item.labels) for m in explain(model).misses)


def test_a_frontier_of_what_remains(pocket: Model) -> None:
    """Hours in the south from May on, and what the revenue target asks: plans from the start lie on both curves."""
    grain = make_grain(pocket)
    for kind, what in (("hours", {"unit": "south"}), ("target", {"target": "revenue"})):
        found = frontier(pocket, [make_limit(pocket, grain, kind, what)])
        assert found.exact
        on_it(pocket, found, POINTS)


def test_least_money_counts_what_is_spent(tmp_path: Path) -> None:
    """With an April at its plan the least money is no less than what April spent, and no less than without a past."""
    model = shipped.model("pocket")
    past = under_way(model, 1, 1.0, tmp_path)
    assert past is not None
    easier = [
        replace(m, tables={**m.tables, "targets": m["targets"].query("target == 'revenue'")}) for m in (model, past)
    ]
    free, held = (fund(m) for m in easier)
    assert (free.status, held.status) == ("reached", "reached")
    assert held.budget >= free.budget - 1e-6
    spent = past["actuals"].query("metric == 'spend'")["amount"].sum()
    assert held.spend.query("month == '2026-04'")["spend"].sum() == pytest.approx(spent)


def test_a_quota_under_way(pocket: Model) -> None:
    """What would move a quota is planned anew with April as it was: fewer hours from May on lower the forecast."""
    found = why(pocket, "wang")
    less = next(m for m in found.moved if m.kind == "hours" and m.part < 0)
    assert less.forecast < 0
    assert {m.kind for m in found.moved} == {"hours", "demand", "target"}


@pytest.mark.parametrize("seed", SEEDS)
def test_random_years_under_way(seed: int, tmp_path: Path) -> None:
    """Random models after their first month: prices are differences of plans from the start, and ways out leave the past alone."""
    try:
        model = under_way(load(random_model(seed).write(tmp_path / "model")), 1, 0.9, tmp_path)
    except InputError:
        return
    if model is None:
        return
    before = past_of(model)
    found = prices(model)
    grain = make_grain(model)
    for limit in every_limit(model, grain):
        if limit.kind != "promise":
            try:
                after = limit.at(model, 1.01 * limit.now)
            except InputError:
                continue
            assert len(past_of(after)) == len(before), limit.key
    for price in [p for p in found.prices if p.limit.kind != "promise"][: 20 if PROOF else 1]:
        check(model, price, found.values)
    for problem in explain(model, seconds=60).problems:
        for repair in problem.repairs:
            assert len(past_of(changed(model, repair.changes))) >= len(before)
