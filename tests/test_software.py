"""The software model: its tables say what the sales manager states, and a solve keeps it."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pandas as pd
import pytest
import shipped

from allocator.arithmetic import arithmetic
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load

ROOT = Path(__file__).parents[1]
GENERATED = ["clients.csv", "demand.csv", "history.csv", "leave.csv", "pipeline.csv", "reps.csv"]


@pytest.fixture(scope="module")
def model() -> Model:
    """Return the model."""
    return shipped.model("software")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return its plan."""
    return shipped.plan("software")


@pytest.fixture(scope="module")
def sold(model: Model) -> pd.DataFrame:
    """Return revenue of two years with what is known of clients and products."""
    history = model["history"].query("metric == 'revenue'")
    labels = model["clients"].set_index("client")[["tier", "status"]]
    history = history.join(labels, on="client").join(model["products"].set_index("product")["class"], on="product")
    return history.assign(year=history["month"].str[:4])


def growth(sold: pd.DataFrame, held: pd.Series) -> float:
    """Return last year's growth of a part of the revenue."""
    years = sold[held].groupby("year")["amount"].sum()
    return float(years["2025"] / years["2024"] - 1)


def target(model: Model, code: str) -> pd.Series:
    """Return the row of a target."""
    return model["targets"].set_index("target").loc[code]


def test_generated_tables_are_what_their_script_writes(tmp_path: Path) -> None:
    """Proves that every generated table comes from its seed, byte for byte."""
    runpy.run_path(str(ROOT / "benchmarks" / "generate_software.py"))["main"](tmp_path)
    written = sorted((tmp_path / "software").iterdir())
    assert [p.name for p in written] == GENERATED
    for path in written:
        assert (ROOT / "models" / "software" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_model_reads_without_findings(model: Model) -> None:
    """Proves that nothing in the model is wrong or doubtful."""
    assert model.findings == ()


def test_history_grows_as_stated_on_three_axes(sold: pd.DataFrame) -> None:
    """Proves each stated growth to the cent: by client, by product and by region."""
    stated = {
        "key accounts": (sold["tier"] == "KA", 0.0),
        "small ones": (sold["tier"] != "KA", 0.3),
        "star": (sold["class"] == "star", 0.4),
        "dog": (sold["class"] == "dog", -0.2),
        "east": (sold["unit"] == "east", 0.25),
        "northwest": (sold["unit"] == "northwest", 0.05),
    }
    found = {name: growth(sold, held) for name, (held, _) in stated.items()}
    assert found == pytest.approx({name: g for name, (_, g) in stated.items()}, abs=1e-12)


def test_key_accounts_were_sixty_percent_and_small_ones_cheap(model: Model, sold: pd.DataFrame) -> None:
    """Proves the share of key accounts, and that one of them paid over ten times what a small client did."""
    last = sold[sold["year"] == "2025"].groupby("tier")["amount"].sum()
    clients = model["clients"].query("status == 'active'").groupby("tier")["count"].sum()
    assert last["KA"] / last.sum() == pytest.approx(0.6, abs=1e-12)
    assert dict(clients) == {"KA": 112, "SMB": 1070}
    assert last["KA"] / clients["KA"] > 10 * last["SMB"] / clients["SMB"]


def test_prices_per_client_are_asked_of_the_same_clients(model: Model, sold: pd.DataFrame) -> None:
    """Proves that the bounds are last year's revenue of the clients in scope times 1.05 and 1.15."""
    last = sold[(sold["year"] == "2025") & (sold["status"] == "active")].groupby("tier")["amount"].sum()
    assert target(model, "price_per_key_account")["at_least"] == pytest.approx(1.05 * last["KA"], rel=1e-12)
    assert target(model, "price_per_small_client")["at_least"] == pytest.approx(1.15 * last["SMB"], rel=1e-12)


def test_lost_clients_who_come_first_are_told_by_their_dates(model: Model) -> None:
    """Proves that tier LA is exactly those lost in the year before the plan after more than two years."""
    lost, start = model["clients"].query("status == 'lost'"), pd.Timestamp("2026-01-01")
    first = (lost["lost_on"] >= start - pd.DateOffset(years=1)) & (
        lost["lost_on"] > lost["since"] + pd.DateOffset(years=2)
    )
    assert (first == (lost["tier"] == "LA")).all()
    assert first.sum() == 30
    assert len(lost) >= 5 * 12


def test_the_market_is_a_ceiling(model: Model) -> None:
    """Proves growth below 10 % everywhere but in one segment above 50 %, which weighs more, and a follower's share at most."""
    grown = model["market"].groupby("product")["growth"].agg(["min", "max"])
    assert (grown.drop("analytics")["max"] < 0.1).all()
    assert grown.loc["analytics", "min"] > 0.5
    weights = model["targets"].set_index("target")["weight"]
    assert weights[weights > 1].index.tolist() == ["question_revenue"]
    follower = model["thresholds"].set_index("check")["value"]["follower_share"]
    ceilings = model["demand"].join(model["clients"].set_index("client"), on="client")
    ceilings = ceilings[ceilings["status"] == "active"]
    assert (ceilings["ceiling"] * ceilings["count"]).sum() < follower * model["market"]["size"].sum()


def test_doubling_is_refused_with_the_reason(model: Model, tmp_path: Path) -> None:
    """Proves that twice last year's revenue is an error that says what is asked, history and market; the shipped target is fine."""
    folder = tmp_path / "software"
    shutil.copytree(ROOT / "models" / "software", folder)
    path = folder / "targets.csv"
    shipped_row, doubled_row = (f"revenue,revenue,base,,,,{money}," for money in (224_250_000, 390_000_000))
    path.write_text(path.read_text("utf-8").replace(shipped_row, doubled_row), "utf-8")
    doubled = load(folder)
    refused = [f for f in arithmetic(doubled, make_grain(doubled)) if f.severity == "error"]
    assert [f.rule for f in refused] == ["plausibility"]
    assert "asked +100 %, history +10.2 %, market +8.4 %" in refused[0].says
    assert not arithmetic(model, make_grain(model))


def test_the_team_is_as_stated(model: Model) -> None:
    """Proves counts and dates: core reps of one to three years, two new ones for each mentor, training, then five visits a month."""
    reps, start = model["reps"], pd.Timestamp("2026-01-01")
    assert dict(reps["grade"].value_counts()) == {"core": 12, "new": 8, "reserve": 4}
    core = reps[reps["grade"] == "core"]
    assert core["start"].between(start - pd.DateOffset(years=3), start - pd.DateOffset(years=1)).all()
    mentoring = model["activities"].set_index("activity").loc["mentoring"]
    mentors = reps[reps["rep"].isin(mentoring["scope"].removeprefix("rep=").split(", "))]
    assert set(mentors["grade"]) == {"core"}
    region = {"southwest": "new_regions", "northeast": "new_regions"}
    new = reps[reps["grade"] == "new"]
    assert (2 * mentors["unit"].replace(region).value_counts()).to_dict() == (
        new["unit"].replace(region).value_counts().to_dict()
    )
    leave = model["leave"].set_index("rep")
    for rep, first in new.loc[new["start"] >= start, ["rep", "start"]].itertuples(index=False):
        fourth = first.to_period("M") + 3
        assert leave.loc[rep, "from"] == first
        assert leave.loc[rep, "to"] == (fourth - 1).end_time.normalize()
        scope = next(s for s in model["targets"]["scope"] if s.startswith("rep=") and rep in s)
        assert str(fourth) in scope or f"{fourth.year}-Q{fourth.quarter}" in scope
        assert str(fourth - 1) not in scope


def test_the_week_is_working_day_true(model: Model) -> None:
    """Proves that the season weighs working days, and that the weekly rhythms are asked for each of the year's 52 weeks."""
    season = model["seasonality"].set_index("month")["weight"]
    assert season.reindex(model.calendar.months).tolist() == model.calendar.working_days.tolist()
    weeks = int(model.calendar.weeks.sum())
    assert weeks == 52
    assert target(model, "key_accounts_weekly")["at_least"] == 2 * weeks
    assert target(model, "small_weekly")["at_least"] == 5 * weeks


def test_the_better_channel_has_the_money(model: Model) -> None:
    """Proves that fairs convert 25 % better than online, as last year, and that 30 % of the money of online has moved to them."""
    last = model["history"].groupby("metric")["amount"].sum()
    converted = model["funnel"].groupby("channel")["conversion"].prod()
    for channel in ("fairs", "online"):
        assert converted[channel] == pytest.approx(last[f"{channel}_won"] / last[f"{channel}_leads"], rel=1e-12)
    assert converted["fairs"] / converted["online"] == pytest.approx(1.25, rel=1e-12)
    money = model["budget"].set_index("line")["maximum"]
    moved = 0.3 * last["online_money"]
    grown = money[["fairs", "online"]].sum() / last[["fairs_money", "online_money"]].sum()
    assert money["online"] == pytest.approx(grown * (last["online_money"] - moved), rel=1e-9)
    assert money["fairs"] == pytest.approx(grown * (last["fairs_money"] + moved), rel=1e-9)


def test_the_pipeline_is_five_three_two_one(model: Model) -> None:
    """Proves the shape of the open opportunities and of the healthy shares."""
    stages = model["pipeline"]["stage"].value_counts()
    parts = {"prospects": 5, "intent": 3, "negotiating": 2, "signed": 1}
    assert {s: stages[s] / stages["signed"] for s in parts} == parts
    healthy = model["funnel"].query("channel == 'visits'").set_index("stage")["healthy"]
    assert healthy.to_dict() == pytest.approx({s: n / 11 for s, n in parts.items()}, abs=1e-4)


def test_the_plan_keeps_what_the_manager_states(plan: Plan) -> None:
    """Proves on a solve: one base target missed, by the length of the lists of key prospects, and promised visits all made."""
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    missed = plan["targets"].query("status == 'missed' and level == 'base'").set_index("target")
    assert missed.index.tolist() == ["new_key_accounts"]
    assert missed["planned"].tolist() == pytest.approx([0.24 * 72], rel=1e-6)
    assert next(g.value for g in plan.goals if g.name == "visits") == pytest.approx(0, abs=1e-9)


def test_the_plan_shares_revenue_and_money_as_stated(plan: Plan) -> None:
    """Proves shares of revenue by product and client, and of marketing money, summed from forecast and budget."""
    forecast = plan["forecast"]
    by_product = forecast.groupby("product")["sell"].sum() / forecast["sell"].sum()
    key = forecast["group"].str.split("/").str[1] == "KA"
    assert by_product["erp"] >= 0.45 - 1e-6
    assert by_product["analytics"] >= 0.1 - 1e-6
    assert by_product["oa"] <= 0.05
    assert forecast.loc[key, "sell"].sum() / forecast["sell"].sum() >= 0.6 - 1e-6
    spend = plan["budget"].query("category == 'marketing'").groupby("line")["spend"].sum()
    star = spend[spend.index.str.startswith("erp_")].sum()
    assert star / spend.sum() == pytest.approx(0.6, rel=1e-6)
    assert spend["proof"] / spend.sum() == pytest.approx(0.2, rel=1e-6)
    assert spend["oa_care"] == pytest.approx(0, abs=1e-6)


def test_the_plan_sees_key_accounts_as_promised(plan: Plan) -> None:
    """Proves 4 visits and 1 with an executive for each of a rep's seven key accounts, in every quarter."""
    effort = plan["effort"].query("tier == 'KA' and promised > 0")
    quarter = pd.PeriodIndex(effort["month"], freq="M").quarter
    seen = effort.groupby(["rep", quarter])[["planned", "executive"]].sum()
    assert len(seen) == 16 * 4
    assert (seen["planned"] >= 28 - 1e-6).all()
    assert (seen["executive"] >= 7 - 1e-6).all()


def test_new_reps_learn_first(plan: Plan, model: Model) -> None:
    """Proves that nobody visits in training, and that from the fourth month on nobody makes fewer than five visits a month."""
    effort, reps = plan["effort"], model["reps"].query("grade == 'new'")
    visits = (effort["planned"] + effort["first_visits"]).groupby([effort["rep"], effort["month"]]).sum()
    for rep, first in reps[["rep", "start"]].itertuples(index=False):
        fourth = str(first.to_period("M") + 3)
        made = visits.loc[rep]
        assert made[made.index < fourth].to_numpy() == pytest.approx(0, abs=1e-9)
        assert (made[made.index >= fourth] >= 5 - 1e-6).all()


def test_lead_money_wins_twenty_small_clients_a_month(plan: Plan) -> None:
    """Proves the new small clients of every month, their two channels, and 30 of 100 leads won."""
    leads = plan["won"][plan["won"]["group"].str.contains("/IN/")]
    assert set(leads.loc[leads["won"] > 1e-9, "channel"]) == {"fairs", "online"}
    assert (leads.groupby("month")["won"].sum() >= 20 - 1e-6).all()
    assert leads["won"].sum() / leads["entered"].sum() >= 0.3


def test_what_the_readme_says_of_the_plan_is_true(plan: Plan, model: Model) -> None:
    """Proves the figures under "What to look for in the plan" that the map of facts does not hold."""
    effort, kpis = plan["effort"], plan.summary["kpis"]
    pool = model["resources"].query("resource == 'executives'").set_index("month")["hours"]
    hours = pd.Series([pool.get(m, pool[""]) for m in model.calendar.months], index=list(model.calendar.months))
    assert (3 * effort.groupby("month")["executive"].sum()).to_numpy() == pytest.approx(hours.to_numpy(), rel=1e-6)
    key = effort[effort["tier"] == "KA"]
    assert key[["planned", "promised"]].sum().round().tolist() == [2027, 1792]
    assert kpis["revenue"] == pytest.approx(237e6, rel=5e-3)
    marketing = plan["budget"].query("category == 'marketing'")["spend"].sum()
    assert marketing == pytest.approx(4_000_000, rel=1e-6)
    active = plan["forecast"].query("group.str.contains('/KA') and not group.str.contains('prospect')")
    more = active["sell"].sum() - 117e6
    assert more / 117e6 == pytest.approx(0.13, abs=0.005)
    assert active["lift"].sum() / more == pytest.approx(2 / 3, abs=0.05)
    second = plan["supply"].query("source == 'second'").set_index("month")["delivered"]
    assert second[second > 1].index.tolist() == ["2026-07"]
