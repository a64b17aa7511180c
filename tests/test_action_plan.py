"""The action plan of one salesperson: its tables carry rates, sizes and conversions, and a solve keeps them."""

from __future__ import annotations

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shipped

from allocator.model import Model
from allocator.plan import Plan

ROOT = Path(__file__).parents[1]
REPEAT = {"A": 0.8, "B": 0.7, "C": 0.6}
"""Repeat-purchase rate of each tier, as the README states it."""


@pytest.fixture(scope="module")
def model() -> Model:
    """Return the model."""
    return shipped.model("action_plan")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return its plan."""
    return shipped.plan("action_plan")


def test_generated_tables_are_what_their_script_writes(tmp_path: Path) -> None:
    """Proves that every generated table comes from its seed, byte for byte."""
    runpy.run_path(str(ROOT / "benchmarks" / "generate_action_plan.py"))["main"](tmp_path)
    written = sorted((tmp_path / "action_plan").iterdir())
    assert [p.name for p in written] == ["clients.csv", "demand.csv", "history.csv"]
    for path in written:
        assert (ROOT / "models" / "action_plan" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_model_reads_without_findings(model: Model) -> None:
    """Proves that nothing in the model is wrong or doubtful."""
    assert model.findings == ()


def test_one_salesperson_has_past_present_and_future_clients(model: Model) -> None:
    """Proves the counts of the README: 16 lost, 72 active, 164 prospective clients, all of one rep."""
    clients = model["clients"]
    assert clients.groupby("status")["count"].sum().to_dict() == {"active": 72, "lost": 16, "prospect": 164}
    assert set(clients["owner"]) == set(model["reps"]["rep"]) == {"R01"}
    assert clients.query("status == 'lost'")["lost_on"].dt.year.eq(2025).all()


def test_present_clients_are_expected_to_buy_again_at_the_repeat_rate(model: Model) -> None:
    """Proves that expected demand is the repeat-purchase rate × last year's purchases, client by client and product by product."""
    clients = model["clients"].query("status == 'active'").set_index("client")
    bought = model["history"].query("metric == 'revenue'").groupby(["client", "product"])["amount"].sum()
    demand = model["demand"][model["demand"]["client"].isin(clients.index)]
    expected = demand.set_index(["client", "product"])["expected"]
    assert set(expected.index) == set(bought.index)
    owner = expected.index.get_level_values("client")
    each = clients["tier"].map(REPEAT) / clients["count"]
    rate = each[owner].to_numpy(float)
    assert expected.to_numpy() == pytest.approx(bought[expected.index].to_numpy(float) * rate, abs=0.005)
    assert clients["churn"].to_numpy() == pytest.approx(1 - clients["tier"].map(REPEAT).to_numpy(float))


def test_new_clients_buy_contracts_of_the_stated_size(model: Model) -> None:
    """Proves that a won client's demand is contracts × contract size: 1 and 0.5 for named ones, 0.8 and 0.15 in segments."""
    size = model["products"].set_index("product")["contract_value"]
    kind = model["clients"].set_index("client")
    demand = model["demand"].assign(
        status=lambda d: d["client"].map(kind["status"]), tier=lambda d: d["client"].map(kind["tier"])
    )
    demand["contracts"] = demand["expected"] / demand["product"].map(size)
    table = demand.query("status != 'active'").groupby(["status", "tier", "product"])["contracts"].unique()
    assert {key: values.tolist() for key, values in table.items()} == {
        ("lost", "B", "basic"): [1.0],
        ("lost", "B", "plus"): [0.4],
        ("prospect", "B", "basic"): [1.0],
        ("prospect", "B", "plus"): [0.5],
        ("prospect", "C", "basic"): [0.8],
        ("prospect", "C", "plus"): [0.15],
    }


def test_only_january_misses_its_new_clients(plan: Plan) -> None:
    """Proves an optimal, clean plan whose only missed base target is the one that no month without a past can reach."""
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    targets = plan["targets"].query("level == 'base'")
    missed = targets[targets["status"] == "missed"]
    assert missed[["target", "each"]].to_numpy().tolist() == [["new_in_month", "month=2026-01"]]
    assert missed["planned"].tolist() == pytest.approx([0])


def test_new_clients_come_from_visits_of_the_month_before(model: Model, plan: Plan) -> None:
    """Proves the conversion of 25.2 % a month later in every group and month: what a client takes in visits."""
    rate = model["funnel"].query("channel == 'visits'")["conversion"].prod()
    assert rate == pytest.approx(0.252)
    visits = plan["won"].query("channel == 'visits'").pivot_table("won", "group", "month")
    first = plan["effort"].pivot_table("first_visits", "group", "month").loc[visits.index]
    assert visits.iloc[:, 0].to_numpy() == pytest.approx(0)
    assert (visits.to_numpy()[:, 1:] <= rate * first.to_numpy()[:, :-1] + 1e-9).all()
    others = model["clients"].query("status != 'active'")
    members = others.groupby("R01/" + others["tier"] + "/" + others["status"])["count"].sum()
    assert (first.sum(axis=1).to_numpy(float) <= members[first.index].to_numpy(float) + 1e-6).all()


def test_support_hours_suffice_for_the_contracts(model: Model, plan: Plan) -> None:
    """Proves that no month takes more support hours than there are, and one whole project in each month in which tenders close."""
    forecast = plan["forecast"]
    projects = forecast.query("product == 'project'").groupby("month")["contracts"].sum()
    tenders = model["seasonality"].query("product == 'project'")["month"]
    assert projects.to_numpy() == pytest.approx(projects.index.isin(tenders.tolist()).astype(float), abs=1e-6)
    hours = forecast["product"].map(model["needs"].set_index("product")["hours"]) * forecast["contracts"]
    used = hours.groupby(forecast["month"]).sum()
    pool = model["resources"].set_index("month")["hours"]
    have = np.array([pool.get(month, pool[""]) for month in used.index])
    assert (used.to_numpy() <= have + 1e-6).all()
    assert used.sum() > 300


def test_spring_festival_leaves_less_time(plan: Plan) -> None:
    """Proves that holidays break the rhythm: February has the fewest selling hours, by 17 working days against 22 in March."""
    hours = plan["effort"].query("group == 'R01/A'").set_index("month")["hours_available"]
    assert hours.idxmin() == "2026-02"
    assert hours["2026-02"] < 0.75 * hours["2026-03"]


def test_the_scheme_rewards_and_deducts(model: Model, plan: Plan) -> None:
    """Proves what reaching and missing the quota brings, by hand: 3.5 % at 100, 1.9 % at 80, 5.5 % at 120, −0.5 % at 50."""
    steps = model["commission"].sort_values("attainment_from")
    ends = [*steps["attainment_from"].iloc[1:], np.inf]

    def rate(attainment: float) -> float:
        rows = zip(steps["attainment_from"], ends, steps["rate"], strict=True)
        return float(sum(r * max(0.0, min(attainment, end) - begin) for begin, end, r in rows))

    assert rate(0.5) == pytest.approx(-0.005)
    quota = plan["quotas"].query("level == 'base'")["quota"].sum()
    brings = plan["effects"][["commission_80", "commission_100", "commission_120"]].sum()
    assert quota == pytest.approx(1_060_000)
    assert brings.to_numpy() == pytest.approx([0.019 * quota, 0.035 * quota, 0.055 * quota], rel=1e-6)
    assert pd.Series([rate(0.8), rate(1.0), rate(1.2)]).to_numpy() == pytest.approx([0.019, 0.035, 0.055])
