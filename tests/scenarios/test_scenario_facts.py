"""Figures of the maps of facts that are read in runs under scenarios."""

from __future__ import annotations

import pytest
import shipped
from model_facts import HEALTH, Checker, Fact, has_map, read_facts

from allocator.places import shipped as place
from allocator.places import shipped_models

FACTS = {
    name: read_facts(folder / "README.md") for name, folder in shipped_models().items() if has_map(folder / "README.md")
}
UNDER = sorted(
    {(m, s) for m, facts in FACTS.items() for f in facts for g in f.figures for s in g.scenarios if s != HEALTH}
)


@pytest.mark.parametrize(
    ("model", "start"), [("telecom", "Targets can change"), ("software", "Risk:"), ("market", "Contingency:")]
)
def test_what_may_happen_is_shown_under_scenarios(model: str, start: str) -> None:
    """Proves that each risk, change and contingency that a business states has a figure under a scenario that ships for it."""
    told = [fact for fact in FACTS[model] if fact.says.startswith(start)]
    assert told
    for fact in told:
        assert scenarios(fact), str(fact)
        assert all((place("scenarios") / model / f"{name}.yaml").is_file() for name in scenarios(fact))


def scenarios(fact: Fact) -> set[str]:
    """Return the scenarios under which a fact is shown."""
    return {name for figure in fact.figures for name in figure.scenarios}


@pytest.mark.parametrize(("model", "scenario"), UNDER)
def test_figures_are_those_of_the_run_under_a_scenario(model: str, scenario: str) -> None:
    """Proves that every figure of the map that names a scenario is read in the files of the run under it."""
    plan = shipped.plan_under(model, scenario)
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    checker = Checker(shipped_models()[model], lambda names: shipped.run_under(model, names))
    wrong = checker.wrong_figures(FACTS[model], scenario)
    assert not wrong, "\n".join(wrong)
