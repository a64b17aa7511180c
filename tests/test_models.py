"""The shipped models: their data agree with what their README says, and generated tables with their generator."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest
import shipped

from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load

ROOT = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    """Import a script of ``benchmarks/``."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def telecom() -> Model:
    """Return the carrier's model."""
    return load(ROOT / "models" / "telecom")


def at_least(model: Model, code: str) -> float:
    """Return the lower bound of a target."""
    return float(model["targets"].set_index("target")["at_least"][code])


def test_generated_tables_are_what_their_script_writes(tmp_path: Path) -> None:
    """Proves that every generated table comes from its seed, byte for byte."""
    script("generate_models").main(tmp_path)
    written = sorted(p for p in tmp_path.rglob("*") if p.is_file())
    assert written
    for path in written:
        there = ROOT / "models" / path.relative_to(tmp_path)
        assert there.read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", ["pocket", "telecom"])
def test_shipped_models_read_without_findings(name: str) -> None:
    """Proves that nothing in a shipped model is wrong or doubtful."""
    assert load(ROOT / "models" / name).findings == ()


def test_telecom_asks_for_fifteen_percent_more_than_last_year(telecom: Model) -> None:
    """Proves that the revenue target is 1.15 × the revenue in history, exactly."""
    history = telecom["history"]
    sold = history.loc[history["metric"] == "revenue", "amount"].sum()
    assert sold == 380_000_000
    assert at_least(telecom, "revenue") == pytest.approx(1.15 * sold, rel=1e-12)


def test_telecom_asks_for_two_points_of_enterprise_margin(telecom: Model) -> None:
    """Proves that the margin target is last year's margin of government and enterprise and 2 points."""
    history = telecom["history"]
    family = telecom["products"].set_index("product")["family"]
    enterprise = history[history["product"].map(family) == "enterprise"]
    money = enterprise.groupby("metric")["amount"].sum()
    last = money["profit"] / money["revenue"]
    assert at_least(telecom, "enterprise_margin") == pytest.approx(last + 0.02, abs=1e-9)


def test_telecom_has_the_size_it_states(telecom: Model) -> None:
    """Proves the counts of engineers, regions, lines and named clients, and the engineer with two product quotas."""
    clients, units = telecom["clients"], telecom["units"]
    named = clients[(clients["status"] == "active") & (clients["count"] == 1)]
    assert len(telecom["reps"]) == 60
    assert (units["kind"] == "region").sum() == 3
    assert set(telecom["products"]["family"]) == {"broadband", "mobile", "enterprise", "iot"}
    assert len(named) == 1200
    assert (clients["owner"] == "").sum() == 45
    pins = telecom["pins"].set_index("product")["amount"]
    assert dict(pins) == {"broadband": 5_000_000, "iot": 2_000_000}
    assert set(telecom["pins"]["rep"]) == {"E42"}


def test_generator_scales_and_repeats(tmp_path: Path) -> None:
    """Proves that a generated model of any size reads without findings and is the same for the same seed."""
    generate = script("generate").generate
    for reps, where in ((2, "a"), (45, "b"), (45, "c")):
        generate(tmp_path / where, reps, products=4, clients_per_rep=10, seed=3)
        model = load(tmp_path / where)
        assert model.findings == ()
        assert len(model["reps"]) == reps
    for path in sorted((tmp_path / "b").iterdir()):
        assert path.read_bytes() == (tmp_path / "c" / path.name).read_bytes()
    assert {p.name for p in (tmp_path / "b").iterdir()} == {p.name for p in (tmp_path / "c").iterdir()}


def test_generator_refuses_what_it_cannot_make(tmp_path: Path) -> None:
    """Proves that a size without sense is refused before anything is written."""
    with pytest.raises(ValueError, match="at least 2 reps"):
        script("generate").generate(tmp_path / "x", 1)
    assert not (tmp_path / "x").exists()


@pytest.fixture(scope="module")
def pocket() -> Plan:
    """Return the solved pocket model."""
    return shipped.plan("pocket")


def test_pocket_reaches_the_goals_of_its_readme(pocket: Plan) -> None:
    """Proves every goal's value as derived by hand: 1/120 is half a contract of 60 that a week of leave costs."""
    found = {g.name: g.value for g in pocket.goals}
    by_hand = {
        "visits": 0,
        "base 1 largest": 0,
        "base 1 sum": 0,
        "base 2 largest": 1 / 120,
        "base 2 sum": 1 / 120,
        "contribution": 628_700,
    }
    gaps = {"base": 0, "stretch": 151_300 / 1_851_300, "ceiling": 0}
    totals = {"base": 1_683_000, "stretch": 1_700_000, "ceiling": 2_019_600}
    for level, gap in gaps.items():
        by_hand |= {f"{level} gap 1 largest": gap, f"{level} gap 1 sum": gap, f"{level} total": totals[level]}
        by_hand |= {f"{level} {name}": 0 for name in ("beyond", "unfair", "peak")}
    assert found == pytest.approx(by_hand, rel=1e-9, abs=1e-9)
    assert pocket.summary["audit"]["violations"] == 0
    money = {"revenue": 1_700_000, "profit": 751_400, "commission": 85_000, "spend": 30_000, "visits_promised": 234}
    kpis = pocket.summary["kpis"]
    assert {name: kpis[name] for name in money} == pytest.approx(money, rel=1e-9)


def test_pocket_makes_the_visits_of_its_readme(pocket: Plan) -> None:
    """Proves hours and visits: one and a half promises for tier A but in May, when 60 hours leave one visit more."""
    visits = pocket["effort"].pivot_table("planned", "group", "month")
    assert visits.loc["li/A"].to_numpy() == pytest.approx([6, 6, 6])
    assert visits.loc["wang/A"].to_numpy() == pytest.approx([6, 5, 6])
    assert visits.loc["li/B"].to_numpy() == pytest.approx([20, 20, 20])
    assert visits.loc["wang/B"].to_numpy() == pytest.approx([50, 50, 50])
    hours = pocket["effort"].pivot_table("hours_available", "group", "month")
    assert hours.loc["li/A"].to_numpy() == pytest.approx([76, 68, 76])
    assert hours.loc["wang/A"].to_numpy() == pytest.approx([84, 60, 84])


def test_pocket_spends_up_to_the_first_breakpoint(pocket: Plan) -> None:
    """Proves the spend decision: 4 of sales for 1 spent is worth it, 1.5 is not (1.40 and 0.525 after commission)."""
    assert pocket["budget"]["spend"].tolist() == pytest.approx([10_000] * 3)


def test_pocket_sells_and_asks_what_its_readme_says(pocket: Plan) -> None:
    """Proves sell by month, base quotas of 99 % of it, by rep and product, and stretch quotas of all of it."""
    quotas = pocket["quotas"].sort_values(["rep", "product", "month"])
    stretch = quotas[quotas["level"] == "stretch"]
    quotas = quotas[quotas["level"] == "base"]
    sell = [
        *(171_600, 171_600, 228_800),  # li, broadband
        *(72_000, 72_000, 96_000),  # li, IoT
        *(238_000, 229_000, 304_000),  # wang, broadband, 40,000 a month of it by promotion
        *(36_000, 33_000, 48_000),  # wang, IoT
    ]
    assert quotas["forecast"].tolist() == pytest.approx(sell, rel=1e-9)
    assert quotas["exact"].tolist() == pytest.approx([0.99 * s for s in sell], rel=1e-6)
    assert stretch["exact"].tolist() == pytest.approx(sell, rel=1e-9)
    targets = pocket["targets"].set_index("target")
    assert targets["planned"].to_dict() == pytest.approx(
        {"revenue": 1_700_000, "iot_share": 357_000, "iot_contracts": 59.5}
    )
    assert targets["status"].to_dict() == {"revenue": "met", "iot_share": "met", "iot_contracts": "missed"}


def test_pocket_asks_for_its_market_at_the_ceiling(pocket: Plan) -> None:
    """Proves the ceiling: wang's broadband ends at its market, all else is 1.188 times stretch and at most 5 % more."""
    quotas = pocket["quotas"].set_index(["rep", "product", "month"])
    exact = {level: rows["exact"].sort_index() for level, rows in quotas.groupby("level")}
    of_wang = exact["ceiling"].loc["wang", "broadband"].sum()
    assert of_wang == pytest.approx(900_000, rel=1e-9)
    assert exact["ceiling"].sum() - of_wang == pytest.approx(1_119_600, rel=1e-9)
    factor = (exact["ceiling"] / exact["stretch"]).drop(("wang", "broadband"))
    assert factor.min() >= 1.188 - 1e-9
    assert factor.max() <= 1.238 + 1e-9
    asked = pocket["asked"].set_index(["level", "target"])
    assert asked["required"].to_dict() == pytest.approx(
        {
            ("base", "revenue"): 1_683_000,
            ("base", "iot_share"): 336_600,
            ("stretch", "revenue"): 1_851_300,
            ("stretch", "iot_share"): 340_000,
            ("ceiling", "revenue"): 2_019_600,
            ("ceiling", "iot_share"): 403_920,
        }
    )
    assert asked["gap"].to_dict() == pytest.approx(dict.fromkeys(asked.index, 0) | {("stretch", "revenue"): 151_300})


def test_pocket_publishes_what_its_readme_says(pocket: Plan) -> None:
    """Proves multiples of 1,000, the company's base untouched, and commission at three attainments."""
    quotas = pocket["quotas"]
    assert (quotas["quota"] % 1000 == 0).all()
    assert (quotas["quota"] - quotas["exact"]).abs().max() < 2000
    base = quotas[quotas["level"] == "base"]
    assert base["quota"].sum() == 1_683_000
    months = base.groupby("month")[["quota", "exact"]].sum()
    assert (months["quota"] - months["exact"]).abs().max() < 2000
    paid = pocket["effects"][["commission_80", "commission_100", "commission_120"]].sum()
    assert paid.tolist() == pytest.approx([67_320, 84_150, 111_078], rel=1e-12)


def test_telecom_plan_keeps_what_the_carrier_states() -> None:
    """Proves on a solve: growth reached, whole contracts one in each of three quarters, pins exact, shortages shown."""
    plan = shipped.plan("telecom")
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    targets = plan["targets"].set_index("target")
    assert (targets.loc[["revenue", "mobile_half", "enterprise_margin", "client_growth"], "status"] == "met").all()
    assert targets.loc["broadband_penetration", "status"] == "missed"
    assert 1 <= (targets["status"] == "missed").sum() <= 4
    large = plan["forecast"].query("product == 'smart_city'").groupby("month")["contracts"].sum()
    assert large.to_numpy() == pytest.approx(large.round().to_numpy(), abs=1e-6)
    assert large.max() <= 1 + 1e-6
    quarter = large.groupby(pd.PeriodIndex(large.index, freq="M").quarter).sum()
    assert (quarter.loc[[1, 2, 3]] >= 1 - 1e-6).all()
    pinned = plan["quotas"].query("rep == 'E42' and level == 'base'").groupby("product")[["exact", "quota"]].sum()
    assert pinned.loc[["broadband", "iot"], "exact"].tolist() == pytest.approx([5_000_000, 2_000_000], rel=1e-9)
    assert pinned.loc[["broadband", "iot"], "quota"].tolist() == [5_000_000, 2_000_000]
    short = next(g.value for g in plan.goals if g.name == "visits")
    assert 0 < short < 0.01
    assert plan["forecast"].query("product == 'broadband'")["lost"].sum() > 0
