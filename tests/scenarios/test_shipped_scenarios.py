"""The shipped scenarios: they apply to their models, check clean, lead back, and are solved and audited."""

from __future__ import annotations

import os
import time

import numpy as np
import pandas as pd
import pytest
import shipped
from numpy.typing import NDArray

from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.places import shipped as place
from allocator.scenarios.applying import with_scenarios
from allocator.scenarios.reading import find_scenario, list_scenarios
from allocator.scenarios.recording import undo
from allocator.schema.findings import Report
from allocator.schema.yaml_tree import Node, read_tree
from allocator.solving import solve

NAMES = (
    *("price_war", "client_loss", "rep_departure", "budget_cut", "downturn"),
    *("policy_closure", "supply_delay", "new_technology", "market_boom", "hiring_freeze"),
)
PAIRS = sorted((path.parent.name, path.stem) for path in place("scenarios").glob("*/*.yaml"))
SAMPLE = (
    *(("action_plan", name) for name in ("price_war", "client_loss", "budget_cut", "downturn", "market_boom")),
    *(("market", name) for name in ("rep_departure", "policy_closure", "new_technology")),
    *(("field_sales", "supply_delay"), ("software", "hiring_freeze")),
)
"""One of each kind, on the smallest model it applies to."""
ALL = os.environ.get("ALLOCATOR_PROOF", "") != ""


def ids(pair: tuple[str, str]) -> str:
    """Return the name of a case."""
    return "-".join(pair)


def test_ten_scenarios_ship_and_name_their_models() -> None:
    """Each idea names the models it applies to, and for each of them there is a file that extends it."""
    assert {p.stem for p in place("scenarios").glob("*.yaml")} == set(NAMES)
    for name in NAMES:
        tree = read_tree((place("scenarios") / f"{name}.yaml").read_text("utf-8"), name, Report(), "")
        assert tree is not None
        models = tree["models"].value
        assert isinstance(models, tuple)
        assert sorted(str(n.value) for n in models if isinstance(n, Node)) == [m for m, other in PAIRS if other == name]


@pytest.mark.parametrize("model", sorted({m for m, _name in PAIRS}))
def test_a_model_lists_its_scenarios(model: str) -> None:
    """What is listed for a model is what ships for it, each with a title in both languages."""
    found = [s for s in list_scenarios(shipped.model(model)) if s.name in NAMES]
    assert [s.name for s in found] == [name for m, name in PAIRS if m == model]
    for scenario in found:
        assert any("\u4e00" <= c <= "\u9fff" for c in scenario.title), scenario.title
        assert "$" not in scenario.title


@pytest.mark.parametrize(("model", "name"), PAIRS, ids=map(ids, PAIRS))
def test_a_shipped_scenario_applies_and_leads_back(model: str, name: str) -> None:
    """It changes the model, no new error or warning appears, and undoing its record gives the very model."""
    before = shipped.model(model)
    changed = with_scenarios(before, name)
    assert not changed.changes.empty
    assert {(f.severity, f.rule) for f in changed.model.findings} <= {(f.severity, f.rule) for f in before.findings}
    assert undo(changed.model, changed.changes).sha256 == before.sha256


@pytest.mark.parametrize(
    ("model", "pair"), [("market", "price_war+downturn"), ("software", "rep_departure+hiring_freeze")]
)
def test_two_shipped_scenarios_hold_in_either_order(model: str, pair: str) -> None:
    """A war in a downturn, a departure in a freeze: the same model, whoever comes first."""
    a, b = pair.split("+")
    before = shipped.model(model)
    assert with_scenarios(before, pair).model.sha256 == with_scenarios(before, f"{b}+{a}").model.sha256


@pytest.mark.parametrize(("model", "name"), PAIRS if ALL else SAMPLE, ids=map(ids, PAIRS if ALL else SAMPLE))
def test_a_shipped_scenario_is_solved(model: str, name: str, record_property: pytest.RecordProperty) -> None:
    """The plan is proved best and the audit finds nothing; a price that is cut bare is not among the answers of a price war."""
    started = time.perf_counter()
    plan = solve(with_scenarios(shipped.model(model), name).model)
    record_property("seconds", round(time.perf_counter() - started, 2))
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    if name == "price_war":
        assert spent(plan.tables["budget"], "match_price") == 0


def spent(budget: pd.DataFrame, line: str) -> float:
    """Return the money of a line over the year."""
    assert line in set(budget["line"])
    return float(budget.loc[budget["line"] == line, "spend"].sum())


def test_what_was_before_the_event_stays() -> None:
    """Demand in the months before a price war is that of the model without it, and the one after it is less by cut × elasticity."""
    before = shipped.model("telecom")
    old, new = flows(before), flows(with_scenarios(before, "price_war").model)
    assert (old[:3] == new[:3]).all()
    assert new[3:].sum() < old[3:].sum()
    core = (old - new)[3:].sum() / 0.12  # what is lost is 12 % of tier-1 cities' 5G plans
    assert 0.25 * old[3:].sum() < core < 0.5 * old[3:].sum()


def flows(model: Model) -> NDArray[np.float64]:
    """Return expected demand of 5G plans by month."""
    grain = make_grain(model)
    part = (grain.product[grain.pairs["product"]] == "mobile_5g") & (
        grain.groups["status"].to_numpy()[grain.pairs["group"]] == "active"
    )
    return grain.pairs["expected"].to_numpy()[part] @ grain.flow[part]


def test_every_file_is_found_by_name() -> None:
    """A model's file is found by its name and model, and extends the idea with all its parameters given."""
    for model, name in PAIRS:
        report = Report()
        scenario = find_scenario(shipped.model(model), name, report)
        assert scenario is not None
        assert not report
        assert scenario.models == (model,)
