"""The public, dirty CRM export becomes a model; every figure is counted here once more with the csv module alone."""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from allocator.errors import Finding
from allocator.importing.crm import import_crm
from allocator.model import Model
from allocator.reading import load
from allocator.solving import solve

EXPORT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "crm"

pytestmark = pytest.mark.skipif(
    not EXPORT.is_dir(),
    reason="the public CRM export is not in ../shared/data/crm; the small made export is tested instead",
)

SECONDS = 20.0
"""Far above the second that the import takes, for machines that do other work beside."""


def table(name: str) -> list[dict[str, str]]:
    """Rows of a file of the export."""
    with (EXPORT / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


DEALS = table("sales_pipeline.csv") if EXPORT.is_dir() else []
WON = [d for d in DEALS if d["deal_stage"] == "Won"]


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, tuple[Finding, ...]]:
    """Model and findings of the export."""
    target = tmp_path_factory.mktemp("crm") / "model"
    began = time.perf_counter()
    findings = import_crm(EXPORT, target)
    assert time.perf_counter() - began < SECONDS
    return load(target), findings


def test_dirt_is_named(imported: tuple[Model, tuple[Finding, ...]]) -> None:
    """The findings name the other product spelling, the deals without account, the agents without deals."""
    says = {(f.rule, f.column): f for f in imported[1]}
    other = sum(d["product"] == "GTXPro" for d in DEALS)
    assert other == 1480
    assert says["spelling", "product"].value == "GTXPro"
    assert f"{other}" in says["spelling", "product"].says
    nobody = sum(not d["account"] for d in DEALS)
    assert nobody == 1425
    assert f"deals without an account: {nobody:,}" in says["blank", "account"].says
    idle = {t["sales_agent"] for t in table("sales_teams.csv")} - {d["sales_agent"] for d in DEALS}
    assert len(idle) == 5
    assert all(name in says["unused", "sales_agent"].says for name in idle)
    assert {"technolgy", "Philipines"} <= {f.value for f in imported[1] if f.rule == "spelling"}
    assert not [f for f in imported[1] if f.severity == "error"]


def test_months_never_observed_get_the_average(imported: tuple[Model, tuple[Finding, ...]]) -> None:
    """No deal was closed in January and February: weight 1 and a finding; the others weigh what they won."""
    won = Counter[str]()
    for deal in WON:
        month, _, year = deal["close_date"].split("/")
        won[f"{year}-{int(month):02d}"] += int(deal["close_value"])
    assert len(WON) == 4238
    assert sorted(won) == [f"2017-{m:02d}" for m in range(3, 13)]
    weights = dict(zip(imported[0]["seasonality"]["month"], imported[0]["seasonality"]["weight"], strict=True))
    average = sum(won.values()) / 10
    for m in range(1, 13):
        assert weights[f"2018-{m:02d}"] == pytest.approx(won.get(f"2017-{m:02d}", average) / average, abs=1e-4)
    assert [f.value for f in imported[1] if f.rule == "season"] == ["2018-01, 2018-02"]


def test_history_reconciles_to_the_cent(imported: tuple[Model, tuple[Finding, ...]]) -> None:
    """History by rep, client and product equals the won values of the export."""
    history = imported[0]["history"]
    assert history["amount"].sum() == sum(int(d["close_value"]) for d in WON)
    for column, key in (("rep", "sales_agent"), ("client", "account")):
        counted = Counter[str]()
        for deal in WON:
            counted[deal[key]] += int(deal["close_value"])
        assert history.groupby(column)["amount"].sum().to_dict() == counted


def test_owners_won_most(imported: tuple[Model, tuple[Finding, ...]]) -> None:
    """Each of the 85 accounts is owned by the agent with the largest won value, ties by name."""
    won: dict[str, Counter[str]] = defaultdict(Counter)
    for deal in WON:
        won[deal["account"]][deal["sales_agent"]] += int(deal["close_value"])
    expected = {a: min(c, key=lambda agent: (-c[agent], agent)) for a, c in won.items()}
    clients = imported[0]["clients"]
    assert dict(zip(clients["client"], clients["owner"], strict=True)) == expected
    assert len(expected) == 85
    assert Counter(clients["tier"]) == {"A": 17, "B": 26, "C": 42}


def test_pipeline_holds_every_open_deal(imported: tuple[Model, tuple[Finding, ...]]) -> None:
    """All 2,089 open deals are in the pipeline; those older than any closed deal have no chance left."""
    pipeline = imported[0]["pipeline"]
    assert len(pipeline) == len(DEALS) - len(WON) - sum(d["deal_stage"] == "Lost" for d in DEALS) == 2089
    assert (pipeline["client"] == "").sum() == 1425
    assert pipeline["amount"].notna().all()
    assert sorted(set(pipeline["probability"])) == pytest.approx([0, 4238 / 6711], abs=1e-4)


def test_model_has_no_warnings_of_its_own(imported: tuple[Model, tuple[Finding, ...]]) -> None:
    """What was written loads without an error or a warning."""
    assert [f for f in imported[0].findings if f.severity != "note"] == []


def test_plan_is_proved_audited_and_in_time(imported: tuple[Model, tuple[Finding, ...]]) -> None:
    """The model solves to a proved, audited plan that keeps promises and base targets, well under a minute."""
    model, _ = imported
    began = time.perf_counter()
    plan = solve(model)
    assert time.perf_counter() - began < SECONDS
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    assert plan.summary["audit"]["largest_residual"] <= 1e-6
    assert [t for t in plan["targets"].itertuples() if t.level == "base" and t.status != "met"] == []
    promised = plan.summary["kpis"]["visits_promised"]
    assert promised == 12 * (17 * 4 + 26 * 2 + 42)
    assert plan["effort"]["planned"].sum() >= promised - 1e-6
    owners = set(model["clients"]["owner"])
    base = plan["quotas"][plan["quotas"]["level"] == "base"]
    assert set(base.loc[base["quota"] > 0, "rep"]) == owners
    asked = model["targets"].set_index("target").loc["revenue", "at_least"]
    assert base["exact"].sum() == pytest.approx(asked, rel=1e-6)
    assert asked <= base["forecast"].sum() <= 1.1 * asked
