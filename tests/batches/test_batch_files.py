"""Batch files: what they cross to, and every mistake told with its line, all at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from night import names, refused, tell

from allocator.batches.batch import TABLES
from allocator.batches.crossing import Planned
from allocator.batches.rules import MEASURES
from allocator.places import find_model
from allocator.reading import load
from allocator.solving import solve


def case(text: str, name: str) -> Planned:
    """Return a case of a batch."""
    return next(p for p in tell(text)[1].planned if p.case.name == name)


def test_models_scenarios_and_options_are_crossed() -> None:
    """One case for each model, scenario and option, named by what tells it apart; without scenarios there is the base."""
    assert names("models: [pocket, action_plan]\n") == ["pocket", "action_plan"]
    assert names("models: pocket\nscenarios: [base, boom, slump+boom]\noptions: {strict: [no, yes]}\n") == [
        *("pocket", "pocket strict", "pocket boom", "pocket boom strict"),
        *("pocket slump+boom", "pocket slump+boom strict"),
    ]
    assert names("models: pocket\noptions: {engine: [ortools, highs], seconds: 60, visits: [yes, no]}\n") == [
        *("pocket", "pocket undated", "pocket highs", "pocket highs undated"),
    ]


def test_a_sweep_is_a_case_for_each_combination() -> None:
    """A varied parameter and a varied cell are crossed, and each case knows its values."""
    text = "models: pocket\nscenarios: [sweep, sweep+grow]\n"
    assert names(text) == [
        *("pocket sweep factor=0.8", "pocket sweep factor=0.7"),
        *(f"pocket sweep+grow factor={f} budget.minimum={m}" for f in (0.8, 0.7) for m in (0, 10)),
    ]
    varied = case(text, "pocket sweep+grow factor=0.7 budget.minimum=10")
    assert varied.case.varied == (("factor", "0.7"), ("budget.minimum", "10"))
    assert [scenario.name for scenario, _steps in varied.parts] == ["sweep", "grow"]


def test_all_is_what_applies() -> None:
    """All scenarios of the list of ``allocator scenarios``, for each model its own; one for another model is left out."""
    found = names("models: [pocket, action_plan]\nscenarios: [base, all]\nexclude: [{scenario: worse}]\n")
    assert "pocket boom" in found
    assert "action_plan price_war" in found
    assert "pocket price_war" not in found
    _batch, crossing = tell("models: [pocket, action_plan]\nscenarios: [price_war]\n")
    assert [p.case.name for p in crossing.planned] == ["action_plan price_war"]
    assert crossing.left_out == (("pocket", "price_war"),)


def test_cases_can_be_left_out_and_added() -> None:
    """An exclusion takes all cases that are like it; a case by itself has its own name, options and rules."""
    text = """
models: pocket
scenarios: [base, boom, slump]
options: {strict: [no, yes]}
exclude:
  - {scenario: [boom, slump], strict: yes}
cases:
  - {name: tight, model: pocket, scenario: boom, strict: yes, engine: highs, seconds: 9, visits: no, rules: [profit at least 1]}
rules:
  - {rule: targets missed at most 2, scenarios: base}
"""
    assert names(text) == ["pocket", "pocket strict", "pocket boom", "pocket slump", "tight"]
    tight = case(text, "tight").case
    assert (tight.options.strict, tight.options.engine, tight.options.seconds, tight.options.visits) == (
        *(True, "highs", 9.0),
        False,
    )
    assert [r.text for r in tight.rules] == ["profit at least 1"]
    assert [r.text for r in case(text, "pocket strict").case.rules] == ["targets missed at most 2"]
    assert not case(text, "pocket boom").case.rules


def test_the_base_is_added_where_a_rule_needs_it() -> None:
    """A rule that compares with the base brings the base of the same options, once, and it is not judged itself."""
    text = "models: pocket\nscenarios: [boom, slump]\noptions: {strict: yes}\nrules: [revenue at least 0.9 of base]\n"
    planned = {p.case.name: p.case for p in tell(text)[1].planned}
    assert list(planned) == ["pocket boom", "pocket slump", "pocket"]
    assert [c.added for c in planned.values()] == [False, False, True]
    assert planned["pocket"].options.strict
    assert not planned["pocket"].rules
    assert names("models: pocket\nscenarios: boom\nrules: [revenue at least 5]\n") == ["pocket boom"]


MISTAKES = {
    "models: pocket\nmodles: x\n": ("2", "modles", 'Did you mean "models"?'),
    "title: x\n": ("1", "", "A batch needs models, or cases."),
    "models:\n  - pocket\n  - poket\n": ("3", "models[2]", "Did you mean pocket?"),
    "models: [pocket, pocket]\n": ("1", "models[2]", "is there twice"),
    "models: pocket\nscenarios: [base, boon]\n": ("2", "scenarios[2]", 'Did you mean "boom"?'),
    "models: pocket\nscenarios: [boom, boom]\n": ("2", "scenarios[2]", "is there twice"),
    "models: pocket\nscenarios: boom+boom\n": ("2", "scenarios", "boom is named twice."),
    "models: pocket\nscenarios: boom+base\n": ("2", "scenarios", "joined by +"),
    "models: pocket\nscenarios: abroad\n": ("2", "scenarios", "was written for other models"),
    "models: pocket\nscenarios: []\n": ("2", "scenarios", "No scenario is named."),
    "models: pocket\noptions: {strickt: yes}\n": ("2", "options.strickt", 'Did you mean "strict"?'),
    "models: pocket\noptions:\n  strict: maybe\n": ("3", "options.strict", "Expected yes or no."),
    "models: pocket\noptions: {seconds: 0}\n": ("2", "options.seconds", "a number of seconds above 0"),
    "models: pocket\noptions: {engine: higs}\n": ("2", "options.engine", 'Did you mean "highs"?'),
    "models: pocket\noptions: [strict]\n": ("2", "options", "Expected pairs"),
    "models: pocket\nformat: xlsx\n": ("2", "format", "Expected one of: parquet, csv."),
    "models: pocket\nlanguage: fr\n": ("2", "language", "Expected one of: en, zh."),
    "models: pocket\ntables: [qotas]\n": ("2", "tables[1]", 'Did you mean "quotas"?'),
    "models: pocket\nexclude:\n  - {scenario: boom}\n": ("3", "exclude[1]", "so none is left out"),
    "models: pocket\nexclude:\n  - {scenari: base}\n": ("3", "exclude[1].scenari", "Unknown key."),
    "models: pocket\nexclude: [{model: pocket}]\n": ("1", "", "No case is left to be planned."),
    "cases:\n  - {name: x}\n": ("2", "cases[1].model", "A case needs a model."),
    "cases:\n  - pocket\n": ("2", "cases[1]", "Expected pairs"),
    "cases: {model: pocket}\n": ("1", "cases", "Expected a list"),
    "cases:\n  - {model: pocket, scenario: abroad}\n": ("2", "cases[1].scenario", "was written for other models"),
    "models: pocket\ncases:\n  - {name: pocket, model: pocket, strict: yes}\n": (
        *("3", "cases[1].name"),
        "Two cases are called pocket.",
    ),
    "models: pocket\ncases:\n  - {name: again, model: pocket}\n": (
        "3",
        "cases[1].name",
        "The case pocket plans the same.",
    ),
    "models: pocket\nrules:\n  - revenue at lest 5\n": ("3", "rules[1]", "Expected at least or at most"),
    "models: pocket\nrules:\n  - [revenue]\n": ("3", "rules[1]", "Expected a rule such as"),
    "models: pocket\nrules:\n  - {rule: profit at least 1, model: pocket}\n": ("3", "rules[1].model", 'mean "models"?'),
    "models: pocket\nrules:\n  - {rule: profit at least 1, models: poket}\n": (
        "3",
        "rules[1].models",
        'mean "pocket"?',
    ),
    "models: pocket\noptions: {visits: no}\nrules:\n  - visits unplaced at most 0\n": (
        *("4", "rules[1]"),
        "has no dated visits",
    ),
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_line(text: str) -> None:
    """Each mistake by itself is one finding, with line, key and what to do, before anything is planned."""
    row, column, says = MISTAKES[text]
    (one,) = refused(text)
    assert (one.table, one.row, one.column) == ("night.yaml", row, column)
    assert says in one.says


def test_all_mistakes_are_told_at_once() -> None:
    """Ten kinds of mistakes in one file are ten findings, each with its own line."""
    found = refused("""\
title: A night of mistakes
modles: pocket
models: [pocket, poket]
scenarios: [base, boon, abroad]
options: {strict: maybe, seconds: -1, engine: higs}
exclude:
  - {strict: perhaps}
cases:
  - {model: pocket, scenario: wra}
  - {name: nowhere}
rules:
  - revenu at least 5
  - {rule: profit at least 5, models: packet}
tables: [qotas]
format: doc
""")
    assert {f.row for f in found} >= {str(k) for k in (2, 3, 4, 5, 7, 9, 10, 12, 13, 14, 15)}
    assert len({f.rule for f in found}) >= 9
    assert len(found) >= 13
    assert sum(f.row == "4" for f in found) == 2
    assert sum(f.row == "5" for f in found) == 3


def test_a_file_that_is_no_yaml_is_told() -> None:
    """A file that cannot be read at all is one finding, an empty one too."""
    assert refused("models: [pocket\n")[0].rule == "yaml"
    assert "It needs models, or cases." in refused("")[0].says


def test_a_malformed_model_or_scenario_fails_its_cases_alone() -> None:
    """What is wrong with one model or scenario is the reason of its cases, and the others are still there."""
    Path("broken").mkdir()
    Path("broken/model.yaml").write_text('start: "2026-13"\n', "utf-8")
    text = "models: [broken, pocket]\nscenarios: [base, worse, bad]\n"
    problems = {p.case.name: p.problem for p in tell(text)[1].planned}
    assert "start" in problems["broken"]
    assert problems["pocket"] == ""
    assert 'Did you mean "changes"?' in problems["pocket worse"]


def test_tables_are_those_of_a_run() -> None:
    """The tables that can be had of all cases are exactly those that a run has."""
    plan = solve(load(find_model("pocket")), workers=1)
    assert set(TABLES) == {*plan.tables, "findings", "changes", "handover"}


def test_the_example_is_what_the_documentation_shows() -> None:
    """The example of the documentation can be run as it is: read without a finding, it makes the cases that it seems to."""
    docs = Path(__file__).parents[2] / "docs"
    text = (docs / "quarterly.yaml").read_text("utf-8")
    assert f"```yaml\n{text}```" in (docs / "batch.md").read_text("utf-8")
    found = names(text)
    assert len(found) == 2 * 5 * 2 - 2 + 2
    assert found[-2:] == ["deep price war", "telecom undated"]
    assert "field_sales budget_cut strict" in found
    told_of = (docs / "batch.md").read_text("utf-8")
    assert not [m for m in MEASURES if m not in told_of]
