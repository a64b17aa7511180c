"""The table of mutations: an error planted in each rule of the formulation is caught by the audit or the oracle.

Each error is planted in the formulation, a tight model is solved, and the plan is judged by the audit, by the oracle's value of
every goal, and by whether there is a plan at all. An error that nothing catches fails its test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mutations import EXPRESSIONS, plant
from oracles import Infeasible, effort_goals, quota_goals
from pencil import by_rep
from tight_models import MODELS, tight_model

from allocator.errors import EngineError
from allocator.formulation.rules import RULES
from allocator.model import Model
from allocator.places import shipped_models
from allocator.plan import Plan
from allocator.reading import load
from allocator.solving import solve

POCKET = "pocket"
Kinds = tuple[str, ...]

TABLE: Mapping[str, Mapping[str, Kinds]] = {
    "A budget line keeps its window and its limits": {
        "winning": ("dropped", "sign of spend", "without row 0"),
        "money": ("sign of overrun",),
    },
    "A budget line spends its minimum": {
        "money": ("dropped", "sign of spend", "without row 0"),
    },
    "A budget line's curve that is not concave is followed in order": {
        "money": ("dropped", "sign of in order", "sign of spend", "without month 0"),
    },
    "A client is seen when it is visited": {
        "coverage": ("dropped", "sign of effort", "sign of seen", "sign of visits", "without month 0"),
    },
    "A client is won once and first visited once": {
        "winning": ("dropped", "sign of first", "without row 0"),
    },
    "A client once won stays a customer": {
        "winning": ("dropped", "sign of customers", "without month 0"),
    },
    "A curve that is not concave is followed in order": {
        "time": ("dropped", "sign of effort", "sign of in order", "without month 0"),
    },
    "A day holds so many visits": {
        "time": ("dropped", "sign of visits", "without month 0"),
    },
    "A large contract is whole": {
        "large": ("dropped", "sign of contracts", "sign of effort", "without month 0"),
    },
    "A line's lift is sold once": {
        "money": ("dropped", "sign of lift", "sign of spend", "without month 0"),
    },
    "A product's year is the sum of its months": {
        "quotas": ("dropped", "without row 0"),
        "coverage": ("sign of quota of the year",),
    },
    "A quota stays near its commitment": {
        "offers": ("dropped", "sign of quota", "sign of above a commitment", "without row 0", "without row 2"),
    },
    "A quota stays near its fair share": {
        "people": ("dropped", "sign of unfair", "without row 0"),
        "coverage": ("sign of asked of a unit", "sign of quota of the year"),
    },
    "A rep cannot work more hours than the month has": {
        "coverage": ("dropped", "sign of effort", "sign of visits", "without month 0"),
        "winning": ("sign of first",),
    },
    "A target is reached, or its miss is counted": {
        "coverage": ("dropped", "sign of miss", "sign of seen", "without row 0"),
        "large": ("sign of contracts",),
        "people": ("sign of effort",),
        "money": ("sign of lift",),
        "sums": ("sign of sales",),
    },
    "A rep's year is the sum of its products": {
        "quotas": ("dropped", "sign of quota of a rep", "without row 0"),
    },
    "A unit's quota is the sum of its reps'": {
        "people": ("dropped", "without row 1"),
        "coverage": ("sign of asked of a unit",),
    },
    "An executive goes along on a visit": {
        "time": ("dropped", "sign of effort", "sign of executive", "without month 0"),
    },
    "Base and stretch can be reached": {
        "levels": ("dropped", "sign of beyond", "sign of quota", "without month 0"),
    },
    "Base ≤ stretch ≤ ceiling": {
        "levels": ("dropped", "sign of quota", "without month 0"),
    },
    "Commission fits the incentive line": {
        "quotas": ("dropped", "sign of quota of a rep", "without row 0"),
    },
    "Floors and caps hold": {
        "quotas": ("dropped", "sign of quota of a rep", "without row 0"),
    },
    "Lift by month and lift by client agree": {
        "money": ("dropped", "sign of lift of the year", "without row 0"),
    },
    "New clients come through the funnel": {
        "winning": ("dropped", "sign of first", "sign of spend", "sign of won", "without month 0"),
    },
    "No month carries the year": {
        "quotas": ("dropped", "sign of over the peak", "sign of quota", "without month 0"),
        "coverage": ("sign of quota of a rep",),
    },
    "Only what can be delivered is asked": {
        "levels": ("dropped", "sign of beyond", "sign of quota", "without month 0"),
    },
    "Only what can be delivered is sold": {
        "sales": ("dropped", "sign of delivered", "sign of sales", "without month 0"),
    },
    "Only what sells can be lost": {
        "cuts": ("dropped", "sign of effort", "sign of sales", "without month 0"),
        "pocket": ("sign of lift",),
    },
    "Pins hold": {
        "quotas": ("dropped", "sign of quota"),
        "levels": ("without row 0",),
    },
    "Promised executive visits are made": {
        "time": ("dropped", "sign of effort", "sign of executive", "without month 0"),
    },
    "Shared pools are shared": {
        "time": ("dropped", "sign of executive"),
        "sales": ("sign of contracts", "sign of sales", "without month 0"),
    },
    "The ceiling is the market's": {
        "levels": ("dropped", "sign of beyond", "sign of quota of the year", "without row 0"),
    },
    "The largest gap of a priority": {
        "people": ("dropped", "sign of gap", "sign of largest gap", "without row 0"),
    },
    "The largest miss of a priority": {
        "coverage": ("dropped", "sign of largest", "sign of miss"),
        "money": ("sign of overrun",),
        "people": ("without row 0",),
    },
    "The market has a ceiling": {
        "pocket": ("dropped", "sign of effort", "sign of lift of the year", "without row 0"),
    },
    "The sales of a cut are the sum of its groups'": {
        "sums": ("dropped", "sign of effort", "sign of sales", "without month 0"),
    },
    "The quotas of a cut are the sum of its reps'": {
        "team": ("dropped", "sign of quota of a cut", "without month 0"),
    },
    "Visits of a quarter or a year are made in its months": {
        "coverage": ("dropped", "sign of visits", "without month 0"),
    },
    "What is asked is what the company needs": {
        "coverage": ("dropped", "sign of quota of the year", "without row 0"),
        "people": ("sign of gap",),
    },
    "columns contracts": {
        "large": ("not whole",),
    },
    "columns delivered": {
        "sales": ("unbounded",),
    },
    "columns in order": {
        "time": ("not whole",),
    },
    "columns quota": {
        "people": ("unbounded",),
    },
    "columns seen": {
        "coverage": ("unbounded",),
    },
    "columns spend": {
        "pocket": ("unbounded",),
    },
    "expression": {
        "time": ("activities take no time",),
        "quotas": ("attainment ignored",),
        "levels": (
            "hedge ignored",
            "hedge turned round",
            "levels beside each other",
            "levels ignored",
            "own rows ignored",
            "pins above forgotten",
            "shares raised",
            "the top owes everything",
        ),
        "people": (
            "backup share swapped",
            "backups never carry",
            "ceilings of clients ignored",
            "clients stay unassigned",
            "contribution without visit cost",
            "everybody weighs the same",
            "half the market",
            "quotas of everything",
            "ramp ignored",
        ),
        "money": ("carry dropped", "sums before the largest", "weights ignored", "window of a line ignored"),
        "sales": (
            "collections lag off by one",
            "contribution without supply cost",
            "history cash forgotten",
            "nothing may be declined",
        ),
        "pocket": ("commission sign",),
        "winning": ("contribution with spend added", "funnel lag off by one", "winning takes no time"),
        "coverage": ("faces not held", "goals swapped", "profit without margin", "season without a month"),
        "cuts": ("misses in money", "shares of nothing"),
    },
}
"""Where an error is planted → the model that catches it → kinds of errors, see :func:`mutations.plant`.

Where two families of columns are equal, a wrong sign of either is the same error, and one of them stands here.
"""

ALIKE: Mapping[tuple[str, str, str], str] = {
    ("columns in order", "unbounded", "time"): (
        "what comes before a bend holds no more than its width, so width · y ≤ effort keeps y at 1 without a bound"
    ),
    ("A unit's quota is the sum of its reps'", "without row 0", "quotas"): (
        "the company has no peers: what it is asked in all is compared with nothing"
    ),
}
"""Errors that change no answer, and why."""


def listed() -> Iterator[tuple[str, str, str]]:
    """Every error of the table: where, which, and the model that catches it."""
    for part, models in TABLE.items():
        for model, kinds in models.items():
            for kind in kinds:
                yield part, kind, model


def name(error: tuple[str, str, str]) -> str:
    """Name an error in reports."""
    return f"{error[0]}: {error[1]}"


@dataclass
class Judge:
    """Tells a wrong plan from a right one.

    Attributes
    ----------
    folder : Path
        For the models' files.
    models, goals : dict
        What was read and what the oracle said, by name.
    """

    folder: Path
    models: dict[str, Model] = field(default_factory=dict)
    goals: dict[str, dict[str, float]] = field(default_factory=dict)

    def model(self, name: str) -> Model:
        """Read a model, and ask the oracle about its efforts; both once."""
        if name not in self.models:
            self.models[name] = load(shipped_models()[POCKET]) if name == POCKET else tight_model(name, self.folder)
            self.goals[name] = effort_goals(self.models[name])
        return self.models[name]

    def wrong(self, name: str) -> str:
        """Say what is wrong with the engine's answer; blank if nothing is."""
        model = self.model(name)
        try:
            plan = solve(model, visits=False)
        except EngineError as error:
            return str(error)
        if plan.status != "optimal":
            return plan.status
        if plan.summary["audit"]["violations"]:
            return f"audit: {plan.summary['audit']}"
        return differences(plan, self.goals[name]) or differences(plan, quotas_expected(model, plan))


def quotas_expected(model: Model, plan: Plan) -> dict[str, float]:
    """Goals of the quotas as the oracle values them, for the plan's forecast; none where it sees a contradiction."""
    try:
        return quota_goals(model, by_rep(plan), plan.quotas)
    except Infeasible:
        return {"quotas": float("inf")}


def differences(plan: Plan, expected: Mapping[str, float]) -> str:
    """Goals that the plan and the oracle value differently."""
    found = {goal.name: goal.value for goal in plan.goals}
    wrong = [
        f"{name}: {found.get(name, 0.0)} for {value}"
        for name, value in expected.items()
        if not abs(found.get(name, 0.0) - value) <= 1e-6 * max(1.0, abs(value))
    ]
    return "; ".join(wrong)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """Return a judge that remembers what he read."""
    return Judge(tmp_path_factory.mktemp("tight"))


@pytest.mark.parametrize("model", [*MODELS, POCKET])
def test_nothing_is_wrong_without_an_error(model: str, judge: Judge) -> None:
    """Proves that what is caught below is the error: each model is solved right without one."""
    assert judge.wrong(model) == ""


@pytest.mark.parametrize("error", [*listed()], ids=name)
def test_error_is_caught(error: tuple[str, str, str], judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a plan made with the error fails the audit, misses a goal of the oracle, or is none."""
    part, kind, model = error
    judge.model(model)
    plant(monkeypatch, part, kind)
    assert judge.wrong(model)


@pytest.mark.parametrize("error", [*ALIKE], ids=name)
def test_error_changes_nothing(error: tuple[str, str, str], judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that the few errors that are said to change no answer change none."""
    part, kind, model = error
    judge.model(model)
    plant(monkeypatch, part, kind)
    assert judge.wrong(model) == ""


@pytest.mark.parametrize("sentence", [*RULES])
def test_every_rule_is_mutated(sentence: str) -> None:
    """Proves that the table holds every rule: its rows dropped, a sign wrong, a month or another row missing."""
    kinds = [kind for part, kind, _ in listed() if part == sentence]
    assert "dropped" in kinds
    assert any(kind.startswith("sign of ") for kind in kinds)
    assert any(kind.startswith("without ") for kind in kinds)


def test_the_table_is_whole() -> None:
    """Proves that the table has no rule that is not declared, and every error in an expression."""
    assert {part for part in TABLE if part != "expression" and not part.startswith("columns ")} == set(RULES)
    assert {kind for part, kind, _ in listed() if part == "expression"} == set(EXPRESSIONS)
