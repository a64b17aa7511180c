"""Commitments: shown beside the quotas, preferred, or fixed; against pencil, the oracle and the audit."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pencil import compare, tiny
from random_models import random_model
from small_model import TABLES
from tight_models import Rows, tight_model

from allocator.auditing import audit, read_run
from allocator.errors import InputError
from allocator.model import Model
from allocator.places import shipped_models
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.run import open_run, write_run
from allocator.reporting.summary import report
from allocator.solving import solve

LEVELS = ("base", "stretch", "ceiling")
Offers = list[dict[str, Any]]


def team(folder: Path, offers: Offers, mode: str = "show", need: float = 1600, **changes: Any) -> Model:
    """Two reps of team u with a client each who buys 1,000; a rep of team v whose client buys 400."""
    tables: dict[str, Rows] = {
        "reps": [{"rep": r, "unit": u} for r, u in (("r", "u"), ("s", "u"), ("t", "v"))],
        "clients": [{"client": f"c{r}", "tier": "A", "owner": r} for r in "rst"],
        "demand": [
            {"client": f"c{r}", "product": "p", "expected": x, "ceiling": 3 * x}
            for r, x in (("r", 1000), ("s", 1000), ("t", 400))
        ],
        "targets": [{"target": "need", "metric": "revenue", "at_least": need}],
        "commitments": [
            {"unit": "", "rep": "", "product": "", "period": "", "level": "", "weight": ""} | o for o in offers
        ],
    }
    return tiny(folder, tables, commitments=mode, rounding=1, **changes)


def rows(plan: Plan, kind: str) -> pd.DataFrame:
    """Rows of a kind at base, by rep or unit."""
    table = plan["commitments"]
    mine = table[(table["kind"] == kind) & (table["level"] == "base")]
    return mine.set_index(np.where(mine["rep"] == "", mine["unit"], mine["rep"]))


def by_rep(plan: Plan, level: str = "base") -> dict[str, float]:
    """Quotas of the plan by rep."""
    return plan.quotas[plan.quotas["level"] == level].groupby("rep")["quota"].sum().to_dict()


def test_a_model_without_commitments_has_no_file(tmp_path: Path) -> None:
    """Whatever the setting says, without commitments the goals and tables of a plan are the same, and there is no new one."""
    plans = [solve(team(tmp_path / mode, [], mode), visits=False) for mode in ("show", "prefer", "pin")]
    first = plans[0]
    for plan in plans:
        assert "commitments" not in plan.tables
        assert plan.goals == first.goals
        assert plan.summary["audit"] == first.summary["audit"]
        for name, table in first.tables.items():
            pd.testing.assert_frame_equal(plan[name], table)


def test_shown_commitments_change_nothing(tmp_path: Path) -> None:
    """Offers of 700 and 300 stand beside quotas that are those of the same model without them."""
    without = solve(team(tmp_path / "a", []), visits=False)
    plan = solve(team(tmp_path / "b", [{"rep": "r", "amount": 700}, {"unit": "v", "amount": 300}]), visits=False)
    pd.testing.assert_frame_equal(plan.quotas, without.quotas)
    assert plan.goals == without.goals
    asked, mine = by_rep(plan), rows(plan, "commitment")
    assert mine.loc["r", "asked"] == asked["r"]
    assert mine.loc["r", "difference"] == asked["r"] - 700
    units = rows(plan, "unit")
    assert units.loc["company", "committed"] == 1000
    assert units.loc["company", "uncommitted"] == asked["s"]
    assert units.loc["company", "difference"] == asked["r"] + asked["t"] - 1000
    assert units.loc["u", ["committed", "uncommitted", "asked"]].to_list() == [700, asked["s"], asked["r"] + asked["s"]]


def test_preferences_come_after_the_needs(tmp_path: Path) -> None:
    """1,600 are needed; r offers 500, t 100, so s is asked for all of his 1,000 and both are asked for what they offer.

    If 2,000 are needed, s gives 1,000 and 400 must come from elsewhere: the deviations are 400 in all, whoever carries them.
    """
    offers: Offers = [{"rep": "r", "amount": 500}, {"rep": "t", "amount": 100}]
    plan = solve(team(tmp_path / "a", offers, "prefer"), visits=False)
    assert by_rep(plan) == {"r": 500, "s": 1000, "t": 100}
    plan = solve(team(tmp_path / "b", offers, "prefer", need=2000), visits=False)
    assert {g.name: g.value for g in plan.goals}["base commitments"] == pytest.approx(400)
    assert sum(by_rep(plan).values()) == 2000


def test_weights_say_whose_offer_gives_way(tmp_path: Path) -> None:
    """Everybody offers 100 less than is needed of him: the offer of the least weight carries the gap up to the forecast."""
    offers: Offers = [{"rep": r, "amount": x, "weight": w} for r, x, w in (("r", 700, 3), ("s", 800, 1), ("t", 200, 2))]
    plan = solve(team(tmp_path, offers, "prefer", need=2000), visits=False)
    assert by_rep(plan) == {"r": 700, "s": 1000, "t": 300}
    assert {g.name: g.value for g in plan.goals}["base commitments"] == pytest.approx(200 * 1 + 100 * 2)


def test_preferences_come_before_fairness_and_the_least_total(tmp_path: Path) -> None:
    """Who offers more than is needed is asked for it, up to what his clients will buy and no further."""
    offers: Offers = [{"rep": "r", "amount": 950}, {"rep": "s", "amount": 990}, {"rep": "t", "amount": 700}]
    plan = solve(team(tmp_path, offers, "prefer"), visits=False)
    assert by_rep(plan) == {"r": 950, "s": 990, "t": 400}
    assert plan.quotas["beyond"].sum() == 0


def test_fixed_commitments_are_pins(tmp_path: Path) -> None:
    """Taken as pins, what is offered is asked, beyond the forecast too; a pin of one's own comes before the offer for its cut."""
    offers: Offers = [
        {"rep": "r", "amount": 700},
        {"rep": "t", "amount": 500},
        {"rep": "s", "level": "stretch", "amount": 930},
    ]
    model = team(tmp_path / "a", offers, "pin")
    plan = solve(model, visits=False)
    assert by_rep(plan) | {"s": 0} == {"r": 700, "s": 0, "t": 500}
    assert by_rep(plan, "stretch")["s"] == 930
    assert plan.quotas[(plan.quotas["rep"] == "t") & (plan.quotas["level"] == "base")]["beyond"].sum() == pytest.approx(
        100
    )
    assert any(f.rule == "beyond" and f.table == "commitments" for f in plan.findings)
    pins = pd.DataFrame([{"unit": "", "rep": "r", "product": "", "period": "", "level": "base", "amount": 650.0}])
    pinned = replace(model, tables={**model.tables, "pins": pins.astype(model["pins"].dtypes.to_dict())})
    assert by_rep(solve(pinned, visits=False))["r"] == 650


def test_commitments_that_contradict_each_other_are_told_by_their_rows(tmp_path: Path) -> None:
    """As pins, a team's 1,000 and its reps' 700 and 800 cannot hold together; as preferences they can."""
    offers: Offers = [{"unit": "u", "amount": 1000}, {"rep": "r", "amount": 700}, {"rep": "s", "amount": 800}]
    plan = solve(team(tmp_path / "a", offers, "pin"), visits=False)
    assert plan.status == "infeasible"
    assert any(f.table == "commitments.csv" for f in plan.findings if f.severity == "error")
    plan = solve(team(tmp_path / "b", offers, "prefer"), visits=False)
    assert plan.status == "optimal"
    assert {g.name: g.value for g in plan.goals}["base commitments"] == pytest.approx(500)


@pytest.mark.parametrize(
    ("offers", "committed", "uncommitted_rep"),
    [
        # the team's own offer covers more than one of its reps
        ([{"unit": "u", "amount": 1500}, {"rep": "r", "amount": 900}], 1500, ""),
        # both reps cover as much as the team: the team's counts
        ([{"unit": "u", "amount": 1500}, {"rep": "r", "amount": 900}, {"rep": "s", "amount": 800}], 1500, ""),
        # the team's offer is for March alone, the reps' for all months
        (
            [
                {"unit": "u", "period": "2026-03", "amount": 600},
                {"rep": "r", "amount": 900},
                {"rep": "s", "amount": 800},
            ],
            1700,
            "",
        ),
        # a rep's March does not count beside his year
        ([{"rep": "r", "amount": 900}, {"rep": "r", "period": "2026-03", "amount": 300}], 900, "s"),
    ],
)
def test_no_quota_counts_for_two_commitments(
    offers: Offers, committed: float, uncommitted_rep: str, tmp_path: Path
) -> None:
    """Of commitments that overlap those count that cover more, the higher ones where they cover as much."""
    plan = solve(team(tmp_path, offers), visits=False)
    unit, asked = rows(plan, "unit").loc["u"], by_rep(plan)
    assert unit["committed"] == committed
    assert unit["uncommitted"] == (asked[uncommitted_rep] if uncommitted_rep else 0)
    assert unit["difference"] == unit["asked"] - unit["uncommitted"] - committed


def offering(seed: int, mode: str) -> Any:
    """A random model whose units and reps offer something."""
    made, chance = random_model(seed), random.Random(seed + 7)
    reps = [row["rep"] for row in made.tables["reps"]]
    units = [row["unit"] for row in made.tables["reps"]]
    products = [row["product"] for row in made.tables["products"]]
    volume = sum(row["expected"] for row in made.tables["demand"])
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for _ in range(chance.randint(1, 5)):
        unit, rep = chance.choice([("", r) for r in reps] + [(u, "") for u in units])
        cut = {"unit": unit, "rep": rep, "product": chance.choice(["", *products]), "period": ""}
        cut["level"] = chance.choice(["base", "base", *LEVELS])
        size = volume * chance.uniform(0.05, 0.8) / (len(reps) if rep else 1)
        found[tuple(cut.values())] = cut | {"amount": round(size, 2), "weight": chance.choice([0, 0.5, 1, 2])}
    made.tables["commitments"] = list(found.values())
    made.settings["commitments"] = mode
    return made


@pytest.mark.parametrize("mode", ["prefer", "pin"])
@pytest.mark.parametrize("seed", range(6))
def test_random_models_agree_with_the_oracle(seed: int, mode: str, tmp_path: Path) -> None:
    """Every goal of random models with commitments has the oracle's value, and the audit is clean."""
    compare(load(offering(seed, mode).write(tmp_path / "random")))


MISTAKES = [
    ("asked", lambda x: x + 1, "What is asked and what was offered are recomputed"),
    ("committed", lambda x: x + 1, "What is asked and what was offered are recomputed"),
    ("difference", lambda x: x + 1, "What is asked and what was offered are recomputed"),
    ("uncommitted", lambda x: x + 1, "What is asked and what was offered are recomputed"),
    ("forecast", lambda x: x + 1, "What is asked and what was offered are recomputed"),
    (
        "level",
        lambda x: x.where(x.index != 0, "ceiling"),
        "Every commitment is listed, and every unit in which something was offered",
    ),
    (
        "kind",
        lambda x: x.where(x.index != 0, "offer"),
        "Every commitment is listed, and every unit in which something was offered",
    ),
]


@pytest.mark.parametrize(("column", "change", "rule"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_the_audit_finds_mistakes_in_the_file(column: str, change: Any, rule: str, tmp_path: Path) -> None:
    """A wrong number or name in commitments.csv, and a file that is missing, are violations of the rule that they break."""
    model = tight_model("offers", tmp_path)
    plan = solve(model, visits=False)
    assert audit(model, plan.tables).clean
    table = plan["commitments"]
    wrong = table.assign(**{column: change(table[column])})
    assert rule in set(audit(model, {**plan.tables, "commitments": wrong}).violations["rule"])
    gone = {name: frame for name, frame in plan.tables.items() if name != "commitments"}
    assert "A run has all its files and columns" in set(audit(model, gone).violations["rule"])


def test_a_run_holds_the_file_and_plans_the_same_again(tmp_path: Path) -> None:
    """The run's commitments.csv is read back and audited, and its model, solved again, gives the same quotas."""
    model = team(tmp_path, [{"rep": "r", "amount": 700, "person": "李", "date": "2026-02-11"}], "pin")
    plan = solve(model, visits=False)
    write_run(plan, tmp_path / "run")
    tables = read_run(tmp_path / "run")
    assert audit(model, tables).clean
    assert tables["commitments"].loc[0, ["person", "date"]].to_list() == ["李", "2026-02-11"]
    again, _summary = open_run(tmp_path / "run")
    pd.testing.assert_frame_equal(solve(again, visits=False).quotas, plan.quotas)


def test_the_screen_shows_the_gap_by_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a solve the screen names each unit with what it committed, what is asked of it, and the difference."""
    from rich.console import Console

    plan = solve(team(tmp_path, [{"unit": "u", "amount": 1100}, {"rep": "t", "amount": 500}], need=1600), visits=False)
    Console(width=80).print(report(plan, plan.summary, tmp_path))
    shown = capsys.readouterr().out
    line = next(x for x in shown.splitlines() if x.strip().startswith("u ") and "1,100" in x)
    asked = sum(v for r, v in by_rep(plan).items() if r in "rs")
    assert f"{asked:,.0f}" in line
    assert "commitments above the forecast of what they are for: 1" in shown
    assert max(map(len, shown.splitlines())) <= 80


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("unit,rep,amount\n,,100\n", "Say who offers it: a unit, or a rep."),
        ("unit,rep,amount\nsouth,ann,100\n", "this is offered by nobody"),
        ("unit,rep,amount\nnorth,,-1\n", "Expected 0 or more."),
        ("unit,rep,period,amount\nnorth,,2031,5\n", "2031"),
        ("unit,rep,level,amount\nnorth,,higher,5\n", "Expected one of: base, stretch, ceiling."),
        ("unit,amount\nnorth,5\nnorth,6\n", "Keep one of them."),
    ],
)
def test_bad_commitments_are_refused(table: str, says: str, tmp_path: Path) -> None:
    """Every mistake in the table is told with its row."""
    from small_model import SETTINGS

    (tmp_path / "model.yaml").write_text(SETTINGS, encoding="utf-8")
    for name, text in {**TABLES, "commitments": table}.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as refused:
        load(tmp_path)
    assert any(says in f.says or says in f.value for f in refused.value.findings), refused.value.findings


def test_commitments_on_a_shipped_model(tmp_path: Path) -> None:
    """On the pocket model, reps who offer nine tenths of what they are asked for leave a gap of a tenth of it, unit by unit."""
    pocket = load(shipped_models()["pocket"])
    asked = by_rep(solve(pocket, visits=False))
    offers = pd.DataFrame([{"rep": r, "amount": 0.9 * x} for r, x in asked.items()])
    offers = offers.assign(unit="", product="", period="", level="base", weight=1.0, person="", date=pd.NaT)
    offers = offers[list(pocket["commitments"].columns)].astype(pocket["commitments"].dtypes.to_dict())
    plan = solve(replace(pocket, tables={**pocket.tables, "commitments": offers}), visits=False)
    units = rows(plan, "unit")
    assert units["difference"].to_numpy() == pytest.approx(0.1 * units["asked"].to_numpy())
    assert (units["uncommitted"] == 0).all()
    assert plan.summary["audit"]["violations"] == 0
