"""Reviews of small models: the frozen past, stability, the churn curve, the command."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from played import actual_rows, write_actuals

import allocator
from allocator.auditing import audit
from allocator.cli import main
from allocator.errors import InputError
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.places import shipped
from allocator.plan import Plan
from allocator.reporting.run import write_run
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.churn import GIVEN, churn
from allocator.reviewing.dealing import with_past
from allocator.reviewing.published import Published
from allocator.reviewing.review import Review, open_published, review
from allocator.reviewing.stability import Stability
from allocator.solving import solve

APRIL = dt.date(2026, 4, 30)


@pytest.fixture(scope="module")
def pocket() -> Model:
    """Return the pocket model."""
    return allocator.load(shipped("models") / "pocket")


@pytest.fixture(scope="module")
def plan(pocket: Model) -> Plan:
    """Return its plan, visits dated."""
    return solve(pocket, workers=1)


def reviewed(
    model: Model, plan: Plan, folder: Path, went: float, now: Model | None = None, *, curve: bool = False
) -> Review:
    """Review April, which went by a factor."""
    now = now or model
    published = Published(model, plan.tables, "plan")
    file = write_actuals(folder / "a.csv", actual_rows(plan.tables, ("2026-04",), went))
    return review(now, read_actuals(now, file, APRIL), published, curve=curve, workers=1)


def test_what_is_missing_is_carried_to_the_cent(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: April at 93 % sells 481,368; so May and June are asked for 1,683,000 − 481,368 = 1,201,632. Wrong: 1,170,576 as before."""
    found = reviewed(pocket, plan, tmp_path, 0.93)
    quotas = found.plan["quotas"]
    rest = quotas[(quotas["level"] == "base") & (quotas["month"] != "2026-04")]
    assert rest["exact"].sum() == pytest.approx(1_683_000 - 0.93 * 517_600)
    row = found.plan["asked"].query("target == 'revenue' and level == 'base'").iloc[0]
    assert row["asked"] == pytest.approx(1_683_000)
    assert (rest["exact"] <= rest["forecast"] + 1e-6).all()


def test_more_than_planned_lowers_nobody(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: a good month is no reason to lower what was asked of the others. Wrong: the least total, 1,139,520."""
    found = reviewed(pocket, plan, tmp_path, 1.05)
    assert found.kept
    quotas = found.plan["quotas"]
    assert quotas.loc[(quotas["level"] == "base") & (quotas["month"] != "2026-04"), "exact"].sum() == pytest.approx(
        1_170_576
    )


def test_a_raised_target_is_the_reason(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: where the company asks for more, changed numbers say so; where only the past is short, they say that."""
    targets = pocket["targets"].copy()
    targets.loc[targets["target"] == "revenue", "at_least"] = 1_699_000.0
    raised = replace(pocket, tables={**pocket.tables, "targets": targets})
    for now, went, reason in ((raised, 1.0, "target"), (pocket, 0.95, "gap")):
        moved = reviewed(pocket, plan, tmp_path, went, now).tables["moved"]
        assert set(moved.loc[(moved["level"] == "base") & (moved["change"] > 0), "reason"]) <= {reason, "rounding"}
        assert reason in set(moved["reason"])


def test_a_rep_moves_no_further_than_he_may(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: with a limit of 1 % nobody's remaining quota moves by more, though what is missing is not all carried then."""
    strict = replace(pocket, settings=pocket.settings.model_copy(update={"moved": 0.01}))
    found = reviewed(pocket, plan, tmp_path, 0.95, strict)
    now, before = (
        q[(q["level"] == "base") & (q["month"] != "2026-04")].groupby("rep")["exact"].sum()
        for q in (found.plan["quotas"], plan["quotas"])
    )
    assert ((now - before).abs() <= 0.01 * before + 1e-6).all()
    assert found.plan["asked"].query("target == 'revenue' and level == 'base'")["gap"].iloc[0] > 0


def test_what_is_not_told_is_taken_as_planned(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: revenue alone is enough: visits and money of the past are the plan's, and a warning says so."""
    rows = actual_rows(plan.tables, ("2026-04",), 0.97).query("metric == 'revenue'")
    published = Published(pocket, plan.tables, "plan")
    actuals = read_actuals(pocket, write_actuals(tmp_path / "a.csv", rows), APRIL)
    found = review(pocket, actuals, published, curve=False, visits=False)
    assert set(found.assumed) == {"visits", "spend"}
    assert any(f.rule == "assumed" for f in found.findings)
    before, now = (p["effort"].query("month == '2026-04'")["planned"].to_numpy() for p in (plan, found.plan))
    assert now == pytest.approx(before)


def test_an_audit_sees_a_past_that_was_touched(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: the audit refuses a re-plan whose past sales, visits, money or quotas are other than the actuals."""
    found = reviewed(pocket, plan, tmp_path, 0.93)
    for name, column in (("forecast", "sell"), ("effort", "planned"), ("budget", "spend"), ("quotas", "quota")):
        table = found.plan[name].copy()
        row = table.index[(table["month"] == "2026-04") & (table[column] > 0)][0]
        table.loc[row, column] += 1000.0
        seen = audit(found.plan.model, {**found.plan.tables, name: table}).violations["rule"]
        assert seen.str.contains("over").any(), name


def test_the_frozen_optimum_is_that_of_the_whole_year(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: with the past at its plan, the rest planned anew has the goals of the whole year: the rest of a best plan is best."""
    published = Published(pocket, plan.tables, "plan")
    file = write_actuals(tmp_path / "a.csv", actual_rows(plan.tables, ("2026-04", "2026-05")))
    past = with_past(read_actuals(pocket, file, dt.date(2026, 5, 31)), published, make_grain(pocket))
    again = solve(past.model, visits=False)
    for before, now in zip(plan.goals, again.goals, strict=True):
        if not before.name.startswith(("base ", "stretch ", "ceiling ")) or before.name[5:6].isdigit():
            assert now.value == pytest.approx(before.value, abs=1e-6, rel=1e-6), before.name


def test_the_curve_falls(tmp_path: Path) -> None:
    """Proves: giving up more contribution never changes more effort, and the curve has its usual points and the free plan."""
    model = allocator.load(shipped("models") / "action_plan")
    plan = solve(model, visits=False)
    published = Published(model, plan.tables, "plan")
    file = write_actuals(tmp_path / "a.csv", actual_rows(plan.tables, model.calendar.months[:6], 0.9))
    past = with_past(read_actuals(model, file, dt.date(2026, 6, 30)), published, make_grain(model))
    curve = churn(past.model, published, Stability(published), GIVEN)
    assert curve["give"].tolist() == [-1.0, *GIVEN]
    size = curve["visits_moved"] / 700 + curve["spend_moved"] / 50_000
    assert (size.diff().iloc[2:] <= 1e-6).all()
    assert (curve["given_up"] <= curve["give"].clip(lower=0) + 1e-6).all()
    for give in (0.0, 0.005):  # a point by itself is the same, whatever others were looked for before
        (alone,) = churn(past.model, published, Stability(published), (give,)).query("give == @give").to_dict("records")
        (among,) = curve.query("give == @give").to_dict("records")
        for name in ("contribution", "visits_moved", "spend_moved", "quota_moved"):
            assert among[name] == pytest.approx(alone[name], rel=1e-6, abs=1e-3), (give, name)


def test_the_command_writes_a_run_and_says_what_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proves: review writes a run with what moved and what the health checks say, and JSON tells the same; a wrong day is refused."""
    monkeypatch.chdir(tmp_path)
    assert main(["solve", "pocket", "-q"]) == 0
    rows = "month,metric,rep,product,amount\n2026-04,revenue,li,broadband,150000\n2026-04,revenue,wang,iot,36000\n"
    (tmp_path / "a.csv").write_text(rows, encoding="utf-8")
    arguments = ["review", "pocket", "--actuals", "a.csv", "--no-curve", "--lang", "en"]
    capsys.readouterr()
    assert main([*arguments, "--as-of", "2026-04-30", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["review"]["moved_quotas"] > 0
    folder = tmp_path / "runs" / "pocket-2026-04-30"
    moved = pd.read_csv(folder / "review" / "moved.csv")
    assert len(moved.query("level == 'base'")) == summary["review"]["moved_quotas"]
    checks = pd.read_csv(folder / "health" / "checks.csv", keep_default_na=False)
    assert checks["verdict"].value_counts().to_dict() == {k: v for k, v in summary["health"]["verdicts"].items() if v}
    told = pd.read_csv(folder / "findings.csv", keep_default_na=False).query("rule == 'health'")
    assert list(told["says"]) == list(checks.loc[checks["verdict"].isin(["warning", "not made"]), "says"])
    assert main([*arguments, "--as-of", "2026-04-30"]) == 0
    assert "Health: not checked" in capsys.readouterr().out
    assert main([*arguments, "--as-of", "soon"]) == 2
    assert main([*arguments, "--as-of", "2026-05-31", "-q"]) == 2
    assert main(["review", "telecom", "--as-of", "2026-03-31"]) == 2


def test_a_run_that_was_touched_is_not_in_force(pocket: Model, plan: Plan, tmp_path: Path) -> None:
    """Proves: a run whose files are not those that were written is refused by name; untouched it is opened."""
    write_run(plan, tmp_path / "run")
    assert open_published(tmp_path / "run").model.sha256 == pocket.sha256
    file = tmp_path / "run" / "quotas.csv"
    file.write_text(file.read_text(encoding="utf-8").replace("170000", "170001"), encoding="utf-8")
    with pytest.raises(InputError, match=r"quotas\.csv"):
        open_published(tmp_path / "run")
