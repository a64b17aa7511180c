"""The declared rules: each is explained, each has rows in some model, and no program has rows of another."""

from __future__ import annotations

import numpy as np
import pytest
from tight_models import MODELS, tight_model

from allocator.formulation.effort import effort_program
from allocator.formulation.quotas import quota_program
from allocator.formulation.rules import RULES, AnyRule
from allocator.model import LEVELS, Model
from allocator.places import shipped_models
from allocator.program import Family, Program
from allocator.reading import load


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> list[Program]:
    """Write the programs of the shipped models and of the tight ones."""
    folder = tmp_path_factory.mktemp("rules")
    models = [load(path) for path in shipped_models().values()] + [tight_model(name, folder) for name in MODELS]
    return [program for model in models for program in every_program(model)]


def every_program(model: Model) -> tuple[Program, ...]:
    """Write the effort program, and the quota program of each level for a forecast of 1 everywhere."""
    effort = effort_program(model)
    grain = effort.draft.grain
    forecast = np.ones((len(grain.people.code), len(grain.product), grain.months))
    asked = (quota_program(grain, forecast, effort.draft.money, level).program for level in LEVELS)
    return effort.program, *asked


def entries(program: Program, family: Family) -> int:
    """Count the coefficients of a family of rows that are not 0."""
    return int(np.count_nonzero(program.matrix[family.slice].data))


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.sentence)
def test_rule_is_exercised(rule: AnyRule, programs: list[Program]) -> None:
    """Proves that some model has rows of the rule, with coefficients."""
    of_rule = [(p, f) for p in programs for f in p.row_families if f.name == rule.sentence]
    assert any(entries(program, family) for program, family in of_rule)


def test_rows_are_of_declared_rules(programs: list[Program]) -> None:
    """Proves that no program has rows that are not declared, or are in another unit than declared."""
    found = {(f.name, f.unit) for p in programs for f in p.row_families}
    assert found <= {(rule.sentence, rule.unit) for rule in RULES.values()}


def test_rows_can_be_named(programs: list[Program]) -> None:
    """Proves that every row has a label of every kind, wherever its rule says what there is a row for."""
    for program in programs:
        for family in program.row_families:
            assert {len(values) for values in family.labels.values()} <= {len(family)}, family.name
            assert family.labels or RULES[family.name].index == "plan", family.name


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.sentence)
def test_rule_is_explained(rule: AnyRule) -> None:
    """Proves that a rule is a sentence with unit and index, and that its function begins with what its rows say."""
    assert rule.sentence[0].isupper()
    assert not rule.sentence.endswith(".")
    assert rule.unit
    assert rule.index
    first = (rule.__doc__ or "").strip().splitlines()[0]
    assert set(first) & set("≤≥=") or first.startswith(("As for ", "Where ")), first
    assert RULES[rule.sentence] is rule
