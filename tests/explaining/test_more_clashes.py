"""More broken models by hand: people, pins, whole contracts, missed wishes, scenarios."""

from __future__ import annotations

from pathlib import Path

from clash_models import written
from explained import HARD, HERE, PEOPLE, TWO, changed, gaps, ways, written_text
from tight_models import Rows, demand, points

from allocator.explaining.explanation import explain
from allocator.scenarios.scenario import Change, Scenario
from allocator.solving import solve

STEPS = (
    Change("demand", {"product": ("p",)}, "multiply", {"expected": "0.9"}, HERE),
    Change("tiers", {"tier": ("A",)}, "set", {"visits": "16"}, HERE),
    Change("tiers", {"tier": ("A",)}, "set", {"minutes": "90"}, HERE),
    Change("products", {"product": ("p",)}, "set", {"margin": "0.4"}, HERE),
)


def test_more_people_take_over_clients(tmp_path: Path) -> None:
    """Six clients of 10 hours a month each, of whom a rep carries two: two more reps are needed, and one is not enough."""
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}],
        "clients": [{"client": f"c{k}", "tier": "A", "owner": "r"} for k in range(6)],
        "demand": demand(1000, 1000, *((f"c{k}", "p") for k in range(6))),
    }
    model = written(tmp_path, tables)
    found = explain(model, strict=True)
    (heads,) = (r for r in found.problems[0].repairs if r.kind == "heads")
    assert [(p.what["unit"], p.what["clients"], p.amount) for p in heads.parts] == [("u", "4", 2)]
    assert solve(changed(model, heads.changes), strict=True, visits=False).status == "optimal"
    assert solve(changed(model, heads.half), strict=True, visits=False).status == "infeasible"


def test_floor_over_cap_and_pin(tmp_path: Path) -> None:
    """A floor of 80 under a pin of 50: the pin rises, or the floor falls, by 30."""
    reps = [PEOPLE[0] | {"quota_min": 80}, PEOPLE[1] | {"quota_min": ""}]
    found = explain(written(tmp_path, {**TWO, "reps": reps, "pins": [{"rep": "ann", "amount": 50}]}))
    assert gaps(found) == {"pin 0": 30, "floor ann": -30}
    assert ways(found) == {"pin": {"0": 30}, "bound": {"ann": 30}}


def test_commission_over_the_incentive_line(tmp_path: Path) -> None:
    """Quotas of 1,000 are pinned at 10 % commission, but the incentive line holds 70."""
    tables: dict[str, Rows] = {
        "pins": [{"rep": "r", "amount": 1000}],
        "commission": [{"attainment_from": 0, "rate": 0.1}],
        "budget": [{"line": "bonus", "category": "incentive", "maximum": 70}],
    }
    found = explain(written(tmp_path, tables))
    assert gaps(found) == {"pin 0": -300, "incentive": 30}
    assert ways(found) == {"pin": {"0": 300}, "incentive": {"bonus": 30}}


def test_a_line_without_money_is_named(tmp_path: Path) -> None:
    """A line that may spend nothing is what a spend target clashes with, though it has no spend of its own."""
    tables: dict[str, Rows] = {
        "budget": [{"line": "fair", "category": "marketing", "maximum": 0}],
        "targets": [{"target": "seen", "metric": "spend", "at_least": 40, **HARD}],
    }
    found = explain(written(tmp_path, tables))
    assert gaps(found) == {"most fair": 40, "target seen at_least": -40}
    assert ways(found)["money"] == {"fair": 40}


def test_whole_contracts_that_clash(tmp_path: Path) -> None:
    """With 15 visits a month clients buy 1,200: three contracts of 350, so 1,100 are out of reach though parts of contracts would do."""
    tables: dict[str, Rows] = {
        "products": [{"product": "p", "family": "f", "margin": 0.5, "contract_value": 350, "large": "yes"}],
        "demand": demand(1000, 2000, ("c", "p")),
        "responses": points("A", (0, 0.5), (1, 1), (1.5, 1.2)),
        "targets": [{"target": "sell", "metric": "revenue", "at_least": 1100, **HARD}],
    }
    found = explain(written(tmp_path, tables))
    assert found.status == "impossible"
    (told,) = found.problems[0].told
    assert told.clash.whole
    assert [i.labels["target"] for i in told.clash.items] == ["sell"]
    assert ways(found)["target"] == {"sell": 55}
    assert "whole contracts" in written_text(found)


def test_two_clashes_apart_are_two_problems(tmp_path: Path) -> None:
    """A budget and a market that are out of reach have nothing to do with each other: each has its own ways out."""
    lines = [{"line": "fair", "category": "marketing", "minimum": 60, "maximum": 200}]
    targets = [
        {"target": "thrift", "metric": "spend", "at_most": 50, "at_least": "", **HARD},
        {"target": "sell", "metric": "revenue", "at_most": "", "at_least": 2000, **HARD},
    ]
    found = explain(written(tmp_path, {"budget": lines, "targets": targets}))
    assert sorted(len(told.clash.items) for p in found.problems for told in p.told) == [1, 2]
    assert len(found.problems) == 2
    assert all(p.repairs for p in found.problems)


def test_a_missed_wish_and_the_money_that_is_missing(tmp_path: Path) -> None:
    """A target that would take 200 of money where a line has 50: the plan of the mended tables meets it, with half of it not."""
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}],
        "demand": demand(1000, 2000, ("c", "p")),
        "budget": [{"line": "fair", "category": "marketing", "maximum": 50}],
        "responses": points("fair", (0, 0), (100, 200), (400, 500)),
        "targets": [{"target": "sell", "metric": "revenue", "at_least": 1300}],
    }
    model = written(tmp_path, tables)
    found = explain(model)
    assert found.status == "missed"
    assert [round(m.amount, 6) for m in found.misses] == [200]
    assert gaps(found) == {"target sell at_least": -200, "most fair": 150}
    assert ways(found)["money"] == {"fair": 150}
    money = next(r for r in found.problems[0].repairs if r.kind == "money")
    for changes, missed in ((money.changes, 0), (money.half, 1)):
        assert solve(changed(model, changes), visits=False).summary["targets"]["missed"] == missed


def test_steps_of_a_scenario_that_broke_it(tmp_path: Path) -> None:
    """16 visits fit into 22 hours, and so do 10 of 90 minutes, but not 16 of 90: these two steps of four, and no others."""
    base = written(tmp_path, {"tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}]})
    scenario = Scenario("worse", "", HERE, steps=STEPS)
    found = explain(changed(base, STEPS), scenarios=(base, [(scenario, STEPS)]))
    assert found.broken is not None
    assert (found.broken.by, [s for _scenario, s in found.broken.steps]) == ("steps", list(STEPS[1:3]))
    for step in STEPS[1:3]:
        assert explain(changed(base, [step])).status == "met"
    found = explain(changed(base, STEPS), strict=True, scenarios=(changed(base, STEPS[1:3]), [(scenario, STEPS[:1])]))
    assert found.broken is not None
    assert found.broken.by == "itself"
