"""The salesperson team's model: its tables agree with what its README says, and its plan keeps it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest
import shipped

from allocator.model import Model
from allocator.plan import Plan

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "generate_field_sales.py"


@pytest.fixture(scope="module")
def team() -> Model:
    """Return the team's model."""
    return shipped.model("field_sales")


@pytest.fixture(scope="module")
def plan() -> Plan:
    """Return the team's plan."""
    return shipped.plan("field_sales")


def bound(model: Model, code: str) -> float:
    """Return the lower bound of a target."""
    return float(model["targets"].set_index("target")["at_least"][code])


def test_generated_tables_are_what_their_script_writes(tmp_path: Path) -> None:
    """Proves that every generated table comes from its seed, byte for byte."""
    spec = importlib.util.spec_from_file_location(SCRIPT.stem, SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(tmp_path)
    written = sorted(path.name for path in (tmp_path / "field_sales").iterdir())
    assert written == [f"{t}.csv" for t in ("clients", "demand", "history", "leave", "pipeline", "reps")]
    for name in written:
        assert (tmp_path / "field_sales" / name).read_bytes() == (ROOT / "models" / "field_sales" / name).read_bytes()


def test_model_reads_without_findings(team: Model) -> None:
    """Proves that nothing in the model is wrong or doubtful."""
    assert team.findings == ()


def test_team_has_the_size_it_states(team: Model) -> None:
    """Proves the counts of reps, teams, tiers, named clients and clients without an owner."""
    clients = team["clients"]
    active = clients[clients["status"] == "active"]
    named = active[active["count"] == 1]
    assert len(team["reps"]) == 16
    assert named["tier"].value_counts().to_dict() == {"A": 81, "B": 194, "C": 125}
    assert active.groupby("tier")["count"].sum().to_dict() == {"A": 81, "B": 194, "C": 925}
    assert (clients["owner"] == "").sum() == 16
    assert (clients["status"] == "lost").sum() == 12


def test_every_rep_has_a_second_of_his_own_team(team: Model) -> None:
    """Proves the A/B rule: a backup is another rep of the team, and nobody stands in for two."""
    reps = team["reps"].set_index("rep")
    assert (reps["backup"] != reps.index).all()
    assert (reps["unit"].reindex(reps["backup"]).to_numpy() == reps["unit"].to_numpy()).all()
    assert reps["backup"].is_unique


def test_no_rep_is_away_with_his_backup(team: Model) -> None:
    """Proves that leave never takes both of an A/B pair, so that somebody is there on every working day."""
    backup = team["reps"].set_index("rep")["backup"]
    leave = team["leave"]
    for one in leave.itertuples(index=False):
        pair = leave[leave["rep"] == backup.loc[str(one[0])]]
        assert ((pair["to"] < one[1]) | (pair["from"] > one[2])).all()


def test_every_rep_has_a_client_of_each_new_industry_to_see_every_week(team: Model) -> None:
    """Proves that the promise of tier A covers both new industries with every rep; the targets ask for all weeks."""
    clients = team["clients"]
    weeks = int(shipped.plan("field_sales")["effort"].query("group == 'R01/A/biotech'")["promised"].sum())
    for industry in ("new_energy", "biotech"):
        theirs = clients[clients["industry"] == industry]
        assert set(theirs["owner"]) == set(team["reps"]["rep"])
        assert (theirs["tier"] == "A").all()
        assert bound(team, f"{industry}_weekly") == 16 * weeks == 832


def test_clients_can_be_put_on_a_map_and_in_a_week(team: Model) -> None:
    """Proves that named clients lie near their team's area, and that some choose weekdays and some block a day of the year."""
    clients = team["clients"]
    single = clients[clients["count"] == 1]
    assert single["latitude"].between(30.9, 31.6).all()
    assert single["longitude"].between(121.1, 121.7).all()
    assert clients["area"].str.fullmatch("(east|south|west|north)-[1-4]").all()
    chosen = single[single["weekdays"].map(len) > 0]
    blocked = single[single["blocked"].map(len) > 0]
    assert 30 <= len(chosen) <= 120
    assert 10 <= len(blocked) <= 60
    assert {day for days in chosen["weekdays"] for day in days} <= set("12345")
    assert {day[:4] for days in blocked["blocked"] for day in days} == {"2026"}


def test_targets_rest_on_last_year_and_on_the_clients(team: Model) -> None:
    """Proves the bounds that are derived: growth of 10 %, shares of the year, 30 % of old clients, lines that add up to the year."""
    history, clients = team["history"], team["clients"]
    sold = history.loc[history["metric"] == "revenue", "amount"].sum()
    assert bound(team, "revenue") == pytest.approx(1.1 * sold, rel=1e-12)
    assert sum(bound(team, line) for line in ("equipment", "supplies", "service")) == bound(team, "revenue")
    for code, share in (("first_quarter", 0.2), ("high_margin", 0.4), ("collections", 0.9)):
        assert bound(team, code) == pytest.approx(share * bound(team, "revenue"), rel=1e-12)
    old = clients.loc[clients["status"] == "active", "count"].sum()
    assert bound(team, "buy_again") == pytest.approx(0.3 * old, rel=1e-12)
    agreements = team["demand"].query("product == 'agreement'")
    value = team["products"].set_index("product")["contract_value"]["agreement"]
    assert (agreements["ceiling"] == value).all()


def test_nine_tenths_come_in_within_sixty_days(team: Model) -> None:
    """Proves the payment terms of every tier: all is paid, and at least 90 % of it within two months."""
    terms = team["collection"].pivot_table("share", "tier", "lag_months")
    assert terms.sum(axis=1).to_numpy() == pytest.approx(1.0)
    assert (terms[[0, 1, 2]].sum(axis=1) >= 0.9).all()


def test_large_deals_close_a_fifth_faster(team: Model) -> None:
    """Proves that a tender takes 80 % of last year's days, which brings its clients a whole month earlier."""
    last = team["history"].query("metric == 'large_deal_days'")["amount"].mean()
    days = team["funnel"].query("channel == 'tenders'")["days"].sum()
    assert days == pytest.approx(0.8 * last, rel=1e-12)
    assert int(days / 30 + 0.5) == int(last / 30 + 0.5) - 1


def test_plan_is_proved_and_audited(plan: Plan) -> None:
    """Proves that the plan is optimal, refused by no rule, and makes every promised visit."""
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    assert next(g.value for g in plan.goals if g.name == "visits") == pytest.approx(0, abs=1e-9)


def test_only_prospects_give_way_to_absence(plan: Plan) -> None:
    """Proves that all base targets are met but new clients of those who are away, or stand in for others."""
    targets = plan["targets"].query("level == 'base' and status == 'missed'")
    assert set(targets["target"]) == {"five_new_clients"}
    absent = {("R07", "2026-05"), ("R08", "2026-05"), ("R08", "2026-06"), ("R11", "2026-12")}
    each = {tuple(part.split("=")[1] for part in text.split("; ")) for text in targets["each"]}
    assert each == absent


def test_those_who_are_away_have_their_clients_seen(plan: Plan, team: Model) -> None:
    """Proves the promise of the month for tiers A and B of the rep who is away for six weeks and of him who leaves."""
    effort = plan["effort"].query("tier in ['A', 'B'] and promised > 0")
    theirs = effort[effort["rep"].isin(["R07", "R10"])]
    assert len(theirs) == 2 * 4 * 12
    assert (theirs["planned"] >= theirs["promised"] - 1e-6).all()
    after = plan["assignments"].query("`from` == '2026-12-01'")
    assert set(after["rep"]) == {"R11"}
    assert set(after["client"]) == set(plan["assignments"].query("rep == 'R10'")["client"])
    assert team["reps"].set_index("rep")["end"]["R10"] == pd.Timestamp("2026-11-30")


def test_clients_without_an_owner_go_to_those_who_know_them(plan: Plan, team: Model) -> None:
    """Proves that a rep whose specialty is the client's industry takes it wherever one of the unit has room."""
    reps, clients = team["reps"].set_index("rep"), team["clients"].set_index("client")
    first = plan["assignments"].query("`from` == ''").set_index("client")["rep"]
    free = clients.index[(clients["owner"] == "").to_numpy()]
    knows = {c: clients["industry"][c] in reps["specialty"][first[c]] for c in free}
    could = {
        c: any(
            clients["industry"][c] in words and clients["unit"][c] in ("company", unit)
            for words, unit in zip(reps["specialty"], reps["unit"], strict=True)
        )
        for c in free
    }
    assert knows == could
    assert sum(knows.values()) >= 12


def test_levers_are_worth_their_money(plan: Plan) -> None:
    """Proves that instalments and the proof of concept are used, and add more sales than they cost."""
    spend = plan["budget"].groupby("line")["spend"].sum()
    lift = plan["lift"].groupby("line_product")["lift"].sum()
    assert spend["instalments"] == pytest.approx(120_000)
    assert lift["care_plan"] == pytest.approx(400_000)
    assert spend["proof_of_concept"] > 75_000
    assert lift["smart_unit"] > 3 * (spend["proof_of_concept"] + spend["promo_smart"])
