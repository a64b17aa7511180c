"""The market model: its tables say what the task states, and a solve keeps it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pandas as pd
import pytest
import shipped

from allocator.model import Model
from allocator.plan import Plan

ROOT = Path(__file__).parents[1]
TASK = {
    "Q1": (1_500_000, 0.15, 200, 0.22),
    "Q2": (2_100_000, 0.18, 250, 0.25),
    "Q3": (2_300_000, 0.20, 300, 0.28),
}
"""Revenue, market share, new clients and product conversion of each quarter, as the task states them."""
STEPS = {"market research": (1, 2), "positioning": (3, 4), "pricing": (4, 4), "training": (5, 5), "materials": (5, 6)}
"""First and last week of each step of the preparation."""


@pytest.fixture(scope="module")
def model() -> Model:
    """Return the model."""
    return shipped.model("market")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return its plan."""
    return shipped.plan("market")


def by_quarter(table: pd.DataFrame, column: str) -> dict[str, float]:
    """Sum a column by quarter of the year."""
    quarter = "Q" + pd.PeriodIndex(table["month"], freq="M").quarter.astype(str)
    return {str(q): float(v) for q, v in table.groupby(quarter)[column].sum().items()}


def test_generated_tables_are_what_their_script_writes(tmp_path: Path) -> None:
    """Proves that every generated table comes from its seed, byte for byte."""
    runpy.run_path(str(ROOT / "benchmarks" / "generate_market.py"))["main"](tmp_path)
    written = sorted((tmp_path / "market").iterdir())
    assert [p.name for p in written] == ["clients.csv", "demand.csv", "history.csv", "market.csv"]
    for path in written:
        assert (ROOT / "models" / "market" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_model_reads_without_findings(model: Model) -> None:
    """Proves that nothing in the model is wrong or doubtful."""
    assert model.findings == ()


def test_the_targets_are_those_of_the_task(model: Model) -> None:
    """Proves all twelve numbers of the task's table, and that base asks nothing of the fourth quarter."""
    targets = model["targets"].query("level == 'base'").set_index("target")["at_least"].dropna()
    stated = {
        f"{name}_{quarter.lower()}": number
        for quarter, numbers in TASK.items()
        for name, number in zip(("revenue", "share", "clients", "conversion"), numbers, strict=True)
    }
    assert targets.to_dict() == stated


def test_preparation_keeps_its_weeks_and_selling_comes_after(model: Model) -> None:
    """Proves the ISO weeks of each step, an owner for each, and that no rep sells and no new product is sold before the last ends."""
    tasks = model["tasks"].set_index("task")
    assert (tasks["owner"] != "").all()
    last = pd.Timestamp(0)
    for step, (first, final) in STEPS.items():
        (row,) = [row for name, row in tasks.iterrows() if str(name).startswith(step)]
        assert (row["from"].isocalendar().week, row["to"].isocalendar().week) == (first, final), step
        last = max(last, row["to"])
    leave = model["leave"]
    away = leave[leave["from"] == "2026-01-01"].set_index("rep")["to"]
    assert set(away.index) == set(model["reps"]["rep"])
    assert (away >= last).all()
    assert (model["products"]["launch"].dropna() > last).all()
    january = model["seasonality"].query("month == '2026-01'")
    assert january["weight"].tolist() == [0]


def test_opportunities_are_counted_every_third_wednesday(model: Model) -> None:
    """Proves the dates from February on; the one that falls into the Spring Festival is a week later."""
    dates = model["tasks"].set_index("task")["from"].filter(like="opportunities")
    wednesdays = pd.date_range("2026-02-01", "2026-12-31", freq="WOM-3WED")
    assert wednesdays[0] == pd.Timestamp("2026-02-18")
    assert dates.tolist() == [pd.Timestamp("2026-02-25"), *wednesdays[1:]]
    worked = pd.Series(model.calendar.working, index=model.calendar.days)
    assert worked[dates.to_numpy()].all()
    assert not worked[wednesdays[0]]


def test_the_plan_reaches_every_target(plan: Plan) -> None:
    """Proves an optimal, clean plan in which nothing is missed, the stretch of three quarters included."""
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    assert set(plan["targets"]["status"]) <= {"met", "hard"}


def test_the_task_is_kept_by_the_run(model: Model, plan: Plan) -> None:
    """Proves revenue, share and new clients from forecast and won clients, and conversion from the leads that money bought."""
    revenue = by_quarter(plan["forecast"], "sell")
    won = by_quarter(plan["won"], "won")
    leads = model["yields"].query("metric == 'leads'").set_index("source")["amount"]
    budget = plan["budget"]
    bought = by_quarter(budget.assign(leads=budget["spend"] * budget["line"].map(leads).fillna(0.0)), "leads")
    size = model["market"].groupby("period")["size"].sum()
    for quarter, (money, share, clients, conversion) in TASK.items():
        assert revenue[quarter] >= money * (1 - 1e-9)
        assert revenue[quarter] / size[f"2026-{quarter}"] >= share
        assert won[quarter] >= clients * (1 - 1e-9)
        assert won[quarter] / bought[quarter] >= conversion * (1 - 1e-9)


def test_nothing_is_asked_of_the_fourth_quarter_and_yet_it_is_planned(plan: Plan) -> None:
    """Proves quotas of 0 at every level beside sales and promised visits, and that nobody is won so late without being asked for."""
    asked = by_quarter(plan["quotas"], "quota")
    assert asked["Q4"] == pytest.approx(0)
    assert by_quarter(plan["forecast"], "sell")["Q4"] > 1_900_000
    effort = plan["effort"]
    assert by_quarter(effort, "planned")["Q4"] >= by_quarter(effort, "promised")["Q4"] - 1e-6
    assert by_quarter(plan["won"], "won")["Q4"] == pytest.approx(0)


def test_base_quotas_add_up_to_the_task(plan: Plan) -> None:
    """Proves that the company asks its reps for what it needs, quarter by quarter, and no more."""
    base = by_quarter(plan["quotas"].query("level == 'base'"), "quota")
    assert {q: base[q] for q in TASK} == pytest.approx({q: numbers[0] for q, numbers in TASK.items()}, rel=2e-3)


def test_no_rep_sells_before_the_ninth_of_february(plan: Plan) -> None:
    """Proves that January has no visits, no sales and no new clients, and that then every hour of the first quarter is used."""
    effort = plan["effort"]
    assert effort.query("month == '2026-01'")[["planned", "minutes", "won"]].to_numpy().max() == pytest.approx(
        0, abs=1e-9
    )
    assert plan["forecast"].query("month == '2026-01'")["sell"].max() == pytest.approx(0)
    rep = effort.groupby(["rep", "month"]).agg(minutes=("minutes", "sum"), hours=("hours_available", "first"))
    early = rep.query("month in ['2026-02', '2026-03']")
    assert early["minutes"].to_numpy() / 60 == pytest.approx(early["hours"].to_numpy(), rel=1e-6)


def test_budget_lines_are_spent_as_stated(plan: Plan) -> None:
    """Proves research in the first quarter, training in each half-year, and incentive money that suffices at 120 %."""
    spend = plan["budget"].pivot_table("spend", "line", "month", aggfunc="sum")
    assert spend.loc["research", "2026-01":"2026-03"].sum() == pytest.approx(50_000)
    assert spend.loc["research"].sum() == pytest.approx(50_000)
    assert spend.loc["training_h1", "2026-01":"2026-06"].sum() == pytest.approx(80_000)
    assert spend.loc["training_h2", "2026-07":"2026-12"].sum() == pytest.approx(80_000)
    assert 0 < plan["effects"]["commission_120"].sum() <= 300_000
    assert 0 < plan["effects"]["commission"].sum() <= 300_000
