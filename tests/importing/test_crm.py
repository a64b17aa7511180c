"""A CRM export becomes a first model: what is drawn from the deals, checked by hand on fourteen deals."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from allocator.errors import EngineError, Finding, InputError
from allocator.importing import writing
from allocator.importing.assumptions import Assumptions
from allocator.importing.crm import import_crm
from allocator.model import Model
from allocator.reading import load
from importing.exports import FILES, Export


def imported(export: Export, folder: Path, **options: object) -> tuple[Model, tuple[Finding, ...]]:
    """Write an export, import it, and load the new model."""
    findings = import_crm(export.write(folder / "crm"), folder / "model", **options)  # type: ignore[arg-type]
    return load(folder / "model"), findings


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Model of the clean export."""
    return imported(Export(), tmp_path_factory.mktemp("clean"))[0]


def test_history_holds_every_won_cent(model: Model) -> None:
    """The history's total is the won value, 3590.75, and March to June hold what was closed in them."""
    history = model["history"]
    assert history.groupby("month")["amount"].sum().to_dict() == {
        "2017-03": 1000,
        "2017-04": 1200.5,
        "2017-05": 1100,
        "2017-06": 290.25,
    }
    zeta = history[(history["client"] == "Zeta") & (history["product"] == "MG Basic")]
    assert list(zeta["rep"]) == ["Ann", "Bob"]
    assert list(zeta["amount"]) == [100, 100]


def test_plan_follows_the_last_close(model: Model) -> None:
    """Deals are closed until June 2017, so the plan is July 2017 to June 2018, in dollars."""
    settings = model.settings
    assert (settings.start, settings.months) == ("2017-07", 12)
    assert (settings.currency, settings.money_unit, settings.country) == ("USD", "$", "US")


def test_season_is_observed_or_average(model: Model) -> None:
    """A month's weight is its won value ÷ the average of the four observed (897.6875); the eight others weigh 1."""
    weights = dict(zip(model["seasonality"]["month"], model["seasonality"]["weight"], strict=True))
    seen = {"2018-03": 1.114, "2018-04": 1.3373, "2018-05": 1.2254, "2018-06": 0.3233}
    assert {m: weights.pop(m) for m in seen} == seen
    assert set(weights.values()) == {1.0}
    assert len(weights) == 8


def test_start_moves_the_season_along(tmp_path: Path) -> None:
    """With a start in January the weights stay with their calendar months."""
    model, _ = imported(Export(), tmp_path, start="2019-01")
    weights = dict(zip(model["seasonality"]["month"], model["seasonality"]["weight"], strict=True))
    assert list(weights) == [f"2019-{m:02d}" for m in range(1, 13)]
    assert weights["2019-04"] == 1.3373


def test_owner_won_most_and_ties_go_by_name(model: Model) -> None:
    """Ann won 2100.50 of Alpha, Bob 100; Zeta is a tie of Ann and Bob; Delta has one deal of Bob and one of Cid."""
    owners = dict(zip(model["clients"]["client"], model["clients"]["owner"], strict=True))
    assert owners == {"Alpha": "Ann", "Beta": "Bob", "Delta": "Bob", "Gamma": "Cid", "Kappa": "Cid", "Zeta": "Ann"}


def test_tiers_follow_value(model: Model) -> None:
    """Of five active accounts by value (Alpha, Beta, Zeta, Gamma, Kappa) one is A, two are B, two are C."""
    clients = model["clients"]
    assert dict(zip(clients["client"], clients["tier"], strict=True)) == {
        "Alpha": "A",
        "Beta": "B",
        "Zeta": "B",
        "Gamma": "C",
        "Kappa": "C",
        "Delta": "C",
    }


def test_account_without_won_deal_is_a_prospect(model: Model) -> None:
    """Delta has a lost and an open deal and nothing won: the only prospect, expected at deals × average × win rate."""
    clients = model["clients"].set_index("client")
    assert clients.index[clients["status"] == "prospect"].tolist() == ["Delta"]
    demand = model["demand"].set_index(["client", "product"])
    average = (100 + 120.25 + 100 + 100 + 90 + 80) / 6
    assert demand.loc[("Delta", "MG Basic"), "expected"] == pytest.approx(
        2 * average * 9 / 11 * 12 / 4 * 1.05, abs=0.006
    )


def test_expected_is_the_year_with_growth_and_the_ceiling_the_deals_not_lost(model: Model) -> None:
    """Alpha bought 2100.50 in four months, 6616.58 a year with growth; 3 of its 4 deals were won: ceiling × 1.35."""
    demand = model["demand"].set_index(["client", "product"])
    assert demand.loc[("Alpha", "GTX Pro"), "expected"] == pytest.approx(2100.5 * 12 / 4 * 1.05, abs=0.006)
    multiples = (demand["ceiling"] / demand["expected"]).round(9)
    tier = model["clients"].set_index("client")["tier"]
    by_tier = {t: set(m) for t, m in multiples.groupby(tier.reindex(demand.index.get_level_values(0)).to_numpy())}
    assert by_tier == {"A": {1.35}, "B": {1.0}, "C": {1.5}}


def test_open_deals_become_the_pipeline(model: Model) -> None:
    """O1 is due 72 days (the average of won deals) after June 1st; O2 is older than any closed deal; O3 has no date."""
    pipeline = model["pipeline"].set_index("opportunity")
    assert pipeline.index.tolist() == ["O1", "O2", "O3"]
    assert pipeline["due"].tolist() == ["2017-08", "", ""]
    assert pipeline["client"].tolist() == ["", "Delta", ""]
    assert pipeline["probability"].tolist() == pytest.approx([0.8182, 0, 0.8182])
    assert pipeline["amount"].tolist() == pytest.approx([1000.17, 98.38, 1000.17], abs=0.006)


def test_units_hang_together(model: Model) -> None:
    """Offices hang below the company and managers below their office; agents sit with their manager."""
    units = model["units"].set_index("unit")
    assert units["parent"].to_dict() == {
        "Company": "",
        "North": "Company",
        "South": "Company",
        "Mary": "North",
        "Ned": "South",
    }
    assert model["reps"].set_index("rep")["unit"].to_dict() == {
        "Ann": "Mary",
        "Bob": "Mary",
        "Eve": "Mary",
        "Cid": "Ned",
    }


def test_one_manager_in_two_offices_leads_two_teams(tmp_path: Path) -> None:
    """A manager of two offices has a team in each, with codes of their own."""
    model, _ = imported(Export().put("teams", "Cid", "manager", "Mary"), tmp_path)
    assert model["reps"].set_index("rep")["unit"].to_dict()["Cid"] == "Mary South"
    assert model["units"].set_index("unit")["parent"].to_dict()["Mary North"] == "North"


def test_funnel_holds_win_rate_and_time(model: Model) -> None:
    """Nine of eleven closed deals were won, in 72 days on average."""
    funnel = model["funnel"].set_index("stage")
    assert funnel.loc["Engaging", "conversion"] == pytest.approx(9 / 11, abs=1e-4)
    assert funnel.loc["Engaging", "days"] == 72
    assert funnel.loc["Prospecting", "conversion"] == 1


def test_targets_leave_room(model: Model) -> None:
    """The base target is just below the expected sales of active clients; the regions together ask for less."""
    clients = model["clients"].set_index("client")
    demand = model["demand"]
    active = demand[demand["client"].map(clients["status"]) == "active"]
    targets = model["targets"].set_index("target")
    total = active["expected"].sum()
    assert total * 0.99 < targets.loc["revenue", "at_least"] <= total
    assert targets.loc["revenue_stretch", "level"] == "stretch"
    regions = targets[targets["scope"].astype(str).str.contains("unit")]
    assert len(regions) == 2
    assert regions["at_least"].sum() <= targets.loc["revenue", "at_least"]


def test_promise_gives_way_to_hours(tmp_path: Path) -> None:
    """With a minute a day for clients no promise fits; the least is taken, and a finding says so."""
    _, roomy = imported(Export(), tmp_path / "roomy")
    model, tight = imported(Export(), tmp_path / "tight", assumptions=Assumptions(hours_per_day=1 / 60))
    assert not [f for f in roomy if f.rule == "hours"]
    assert [f.rule for f in tight if f.rule == "hours"] == ["hours"]
    assert model["tiers"].set_index("tier").loc["A", "per"] == "quarter"


def test_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    """Shuffled deals, accounts and products give the same model to the last bit."""
    plain, _ = imported(Export(), tmp_path / "plain")
    export, dice = Export(), random.Random(7)
    for rows in (export.accounts, export.products, export.deals):
        rows[1:] = dice.sample(rows[1:], len(rows) - 1)
    shuffled, _ = imported(export, tmp_path / "shuffled")
    assert shuffled.sha256 == plain.sha256


def test_other_headings_and_columns_give_the_same_model(tmp_path: Path) -> None:
    """Headings of another system in another order, semicolons and a byte order mark change nothing."""
    plain, _ = imported(Export(), tmp_path / "plain")
    export = Export()
    export.deals[0] = [
        "Id",
        "Opportunity Owner",
        "Product Name",
        "Account Name",
        "Stage",
        "Open Date",
        "Close Date",
        "Amount",
    ]
    export.deals = [row[::-1] for row in export.deals]
    folder = export.write(tmp_path / "other" / "crm")
    file = folder / FILES["deals"]
    file.write_text(file.read_text(encoding="utf-8").replace(",", ";"), encoding="utf-8-sig")
    import_crm(folder, tmp_path / "other" / "model")
    assert load(tmp_path / "other" / "model").sha256 == plain.sha256


def test_longer_history_rests_on_the_last_year(tmp_path: Path) -> None:
    """With three years of deals only the last twelve months make the year; who bought before only is a lost client."""
    export = Export()
    for year in ("2015", "2016"):
        for month in range(1, 13):
            export.add("deals", f"H{year}{month},Ann,MG Basic,Kappa,Won,1/1/{year},{month}/28/{year},100")
            export.add("deals", f"G{year}{month},Ann,MG Basic,Lambda,Won,1/1/2015,{month}/28/2015,{month}")
    export.add("accounts", "Lambda,retail,1990,United States,")
    model, _ = imported(export, tmp_path)
    clients = model["clients"].set_index("client")
    assert clients.loc["Lambda", "status"] == "lost"
    kappa = model["demand"].set_index(["client", "product"]).loc[("Kappa", "MG Basic"), "expected"]
    assert kappa == pytest.approx((6 * 100 + 80) * 1.05)  # July 2016 to June 2017


def test_readme_holds_assumptions_and_findings(tmp_path: Path) -> None:
    """Every finding's sentence and every number assumed stands in the README of the new model."""
    _, findings = imported(
        Export().put("deals", "D1", "product", "GTXPro"), tmp_path, assumptions=Assumptions(margin=0.37)
    )
    text = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert all(f.says in text for f in findings)
    for number in ("37%", "2017-07", "81.82%", "72 days", "A 1.35, B 1, C 1.5", "× 12/4"):
        assert number in text


def test_target_that_holds_something_is_refused_untouched(tmp_path: Path) -> None:
    """An existing folder with a file is refused, and the file is still there; an empty folder is filled."""
    crm = Export().write(tmp_path / "crm")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "mine.txt").write_text("mine")
    with pytest.raises(InputError) as refused:
        import_crm(crm, tmp_path / "model")
    assert [f.rule for f in refused.value.findings] == ["target"]
    assert [p.name for p in (tmp_path / "model").iterdir()] == ["mine.txt"]
    (tmp_path / "model" / "mine.txt").unlink()
    import_crm(crm, tmp_path / "model")
    assert load(tmp_path / "model").name == "model"


def test_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that fails half-way ends in an engine error, with no model and no temporary folder left."""
    crm = Export().write(tmp_path / "crm")

    def full(*_args: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "readme_text", full)
    with pytest.raises(EngineError, match="No space left"):
        import_crm(crm, tmp_path / "out" / "model")
    assert list((tmp_path / "out").iterdir()) == []


def test_settings_are_plain_yaml(tmp_path: Path) -> None:
    """The new model.yaml is read back by a safe reader with the start as text."""
    imported(Export(), tmp_path)
    settings = yaml.safe_load((tmp_path / "model" / "model.yaml").read_text(encoding="utf-8"))
    assert settings["start"] == "2017-07"
