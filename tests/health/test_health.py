"""Health as a whole: what is missing is said, the win-back list, the move of money and its effect, the command."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from wards import END, MONTHS, TABLES, Rows, business, checked, clients_buy, revenue, row_of, told

from allocator.cli import main
from allocator.errors import InputError
from allocator.health import health_checks
from allocator.health.limits import USUAL
from allocator.health.people import WIN_BACK
from allocator.places import shipped_models
from allocator.reading import load
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.published import Published
from allocator.solving import solve
from allocator.texts import in_language


def funnel_of(fair: float, web: float, spent: float = 0.0) -> Rows:
    """1,000 leads a month in each lead channel, so many clients of them, and money."""
    rows: Rows = []
    for month in MONTHS:
        for channel, won in (("fair", fair), ("web", web)):
            rows.append(
                {"month": month, "metric": "entered", "channel": channel, "stage": f"{channel}_lead", "amount": 1000}
            )
            rows.append({"month": month, "metric": "new_clients", "channel": channel, "amount": won})
            rows.append({"month": month, "metric": "spend", "line": channel, "amount": spent})
        rows.append({"month": month, "metric": "revenue", "rep": "ann", "product": "p", "amount": 900})
    return rows


def test_what_is_not_told_is_not_passed(tmp_path: Path) -> None:
    """With revenue of the company alone hardly a check can be made: each says what it needs, none is good."""
    model = business(tmp_path)
    health = checked(model, tmp_path, revenue())
    table = health.checks
    assert not (table["verdict"] == "good").any()
    missing = table[table["verdict"] == "not made"]
    assert missing["says"].str.contains("Give |Name |names neither").all(), missing["says"].to_list()
    expected = {n for n, usual in USUAL.items() if usual.warns}
    assert set(table["check"]) == expected
    assert set(missing["check"]) >= expected - {"new_segments", "renewal_rate", "ramp_attainment"}
    assert {f.severity for f in health.findings} == {"note"}


def test_nothing_to_look_at_is_said(tmp_path: Path) -> None:
    """Without a funnel, promises, new reps or contracts the checks say that there is nothing, or what is missing; none is good."""
    tables: dict[str, Rows] = {
        "reps": [{"rep": "ann", "unit": "east"}], "tiers": [{"tier": "A", "visits": 0, "per": "month", "minutes": 1}],
        "clients": [{"client": "k", "tier": "A", "owner": "ann"}],
        "demand": [{"client": "k", "product": "p", "expected": 1, "ceiling": 2}], "funnel": [], "budget": [], "yields": [],
    }  # fmt: skip
    rows = [{"month": m, "metric": "revenue", "client": "k", "product": "p", "amount": 1.0} for m in MONTHS]
    table = checked(business(tmp_path, tables), tmp_path, rows).checks.set_index("check")["verdict"]
    assert table.to_dict() == {
        "pipeline_gap": "not made", "negotiating_share": "not made", "conversion_fall": "not made", "channel_better": "nothing",
        "visit_execution": "nothing", "new_segments": "nothing", "cash_in": "not made", "repeat_rate": "good",
        "activity_rate": "good", "renewal_rate": "nothing", "first_order_rate": "nothing", "ramp_attainment": "nothing",
    }  # fmt: skip


def test_the_pipeline_comes_from_open_opportunities_where_nobody_counts(tmp_path: Path) -> None:
    """Ten open opportunities, four of them in negotiation, warn; with one more elsewhere they do not."""
    stages = ["prospects"] * 3 + ["intent"] * 2 + ["negotiating"] * 4 + ["signed"]
    for more, verdict in (([], "warning"), (["prospects"], "good")):
        pipeline = [{"opportunity": f"o{n}", "stage": s} for n, s in enumerate([*stages, *more])]
        model = business(tmp_path / verdict, {"pipeline": pipeline})
        assert row_of(checked(model, tmp_path, revenue()), "negotiating_share", "visits")["verdict"] == verdict


def clients(*rows: tuple[str, str, float | str, float]) -> dict[str, Rows]:
    """Clients with their contract's end, churn and expected sales of the year."""
    return {
        "clients": [
            {
                "client": c,
                "tier": "A",
                "owner": "ann",
                "status": "active",
                "since": "2020-01-01",
                "renewal": end,
                "churn": churn,
            }
            for c, end, churn, _money in rows
        ],
        "demand": [{"client": c, "product": "p", "expected": x, "ceiling": 2 * x} for c, *_more, x in rows],
    }


def test_win_back_is_ordered_by_money(tmp_path: Path) -> None:
    """Quiet, leaving and ending clients are listed with their reasons, by what they would buy in the eight months that remain.

    A contract that ends on 15 July puts what is bought from July on at risk: six months of twelve. One that ends in August is not
    looked at, for that is more than three months away; one whose client is 90 % likely to stay is not in danger.
    """
    tables = clients(
        ("quiet", "", 0.05, 1200), ("leaving", "", 0.16, 3600), ("ending", "2026-07-15", "", 2400), ("later", "2026-08-15", "", 9000),
        ("safe", "2026-06-01", 0.1, 9000), ("edge", "", 0.15, 9000), ("both", "2026-05-31", 0.5, 600),
    )  # fmt: skip
    monthly = {
        "quiet": 79.0,
        "leaving": 300.0,
        "ending": 200.0,
        "later": 750.0,
        "safe": 750.0,
        "edge": 600.0,
        "both": 50.0,
    }
    found = checked(business(tmp_path, tables), tmp_path, clients_buy(monthly)).win_back
    assert list(found.columns) == list(WIN_BACK)
    assert found[["client", "reasons"]].to_records(index=False).tolist() == [
        ("leaving", "churn"), ("ending", "renewal"), ("quiet", "activity"), ("both", "renewal churn")
    ]  # fmt: skip
    assert found["money_at_risk"].to_list() == pytest.approx([2400, 1200, 800, 400])
    assert found.set_index("client").loc["quiet", "activity"] == pytest.approx(0.79)
    assert set(found["rep"]) == {"ann"}
    assert set(found["unit"]) == {"east"}


@pytest.mark.parametrize(
    ("setting", "value", "client"),
    [("activity_rate", 0.801, "edge"), ("renewal_rate", 0.8501, "edge"), ("renewal_months", 4, "later")],
)
def test_thresholds_of_the_win_back_list(setting: str, value: float, client: str, tmp_path: Path) -> None:
    """A client at the usual value is not listed, and is as soon as the threshold passes it."""
    tables = clients(("edge", "", 0.15, 1200), ("later", "2026-08-15", "", 1200))
    rows = clients_buy({"edge": 80.0, "later": 100.0})
    usual = checked(business(tmp_path / "a", tables), tmp_path, rows).win_back
    assert usual.empty
    tables["thresholds"] = [{"check": setting, "value": value}]
    assert checked(business(tmp_path / "b", tables), tmp_path, rows).win_back["client"].to_list() == [client]


def test_large_contracts_say_nothing_of_activity(tmp_path: Path) -> None:
    """Who would buy a large contract once a year is not quiet before it comes."""
    tables = clients(("k", "", 0.0, 1200))
    tables["demand"].append({"client": "k", "product": "big", "expected": 60000, "ceiling": 90000})
    tables["products"] = [
        r | {"large": "yes", "contract_value": 30000} if r["product"] == "big" else r for r in TABLES["products"]
    ]
    rows = clients_buy({"k": 100.0})
    assert checked(business(tmp_path, tables), tmp_path, rows).win_back.empty


@pytest.mark.parametrize(("part", "moved"), [(0.3, 0.3), (0.5, 0.5)])
def test_money_moves_to_the_better_channel(part: float, moved: float, tmp_path: Path) -> None:
    """Of 1,200 of the weaker channel 400 are spent: of the 800 that are left so much moves."""
    tables: dict[str, Rows] = {"thresholds": [{"check": "channel_money_moved", "value": part}]}
    shift = checked(business(tmp_path, tables), tmp_path, funnel_of(300, 200, spent=100)).shift.set_index("line")
    assert shift.loc["web", "moved"] == pytest.approx(-800 * moved)
    assert shift.loc["fair", "moved"] == pytest.approx(800 * moved)
    assert shift.loc["fair", "becomes"] == pytest.approx(1200 + 800 * moved)
    assert shift["left"].to_list() == pytest.approx([800, 800])


def test_no_money_moves_where_channels_are_alike_or_windows_are_over(tmp_path: Path) -> None:
    """Below the threshold, and where the better channel cannot spend any more, nothing moves."""
    assert checked(business(tmp_path / "a"), tmp_path, funnel_of(249, 200)).shift.empty
    budget = [dict(r, to="2026-04" if r["line"] == "fair" else "") for r in TABLES["budget"]]
    assert checked(business(tmp_path / "b", {"budget": budget}), tmp_path, funnel_of(300, 200)).shift.empty


def test_the_effect_of_the_move_is_that_of_planning_it(tmp_path: Path) -> None:
    """What the check says of the move is found again by hand: two plans of frozen models that differ in the two lines alone.

    A lead costs 20 in both channels. Seen were 30 % of the fair's leads and 20 % of the web's: each lead moved wins a tenth of a client
    more, 0.005 a unit of money. 1,200 are left of each line and both are used up, so 30 % of it, 360, win 1.8 clients more.
    """
    clients_ = [dict(c, count=4000) if c["status"] == "prospect" else c for c in TABLES["clients"]]
    products = [dict(p, margin=0.9) for p in TABLES["products"]]
    tables: dict[str, Rows] = {"clients": clients_, "products": products}
    tables["targets"] = [*TABLES["targets"], {"target": "new", "metric": "new_clients", "at_least": 9000}]
    model = business(tmp_path, tables)
    plan = solve(model, visits=False)
    rows = funnel_of(300, 200)
    health = checked(model, tmp_path, rows, Published(model, plan.tables, "p"), what_if=True)
    effect = health.effect.set_index("figure")
    assert effect.loc["new_clients", "difference"] == pytest.approx(360 / 20 * 0.1, rel=1e-6)
    assert (effect["difference"] == effect["after"] - effect["before"]).all()
    assert "changes the year by: new clients +1.8" in row_of(health, "channel_better", "web")["says"]
    without = checked(model, tmp_path, rows, what_if=True)  # plans the year first
    assert without.effect.set_index("figure").loc["new_clients", "difference"] == pytest.approx(1.8, rel=1e-6)


def test_conversions_follow_each_other_by_the_days_of_a_stage(tmp_path: Path) -> None:
    """With 30 days in a stage, who enters the next one in April came in March; clients of April are those of February's leads."""
    funnel = [dict(r, days=30 if r["stage"] in ("prospects", "intent") else 0) for r in TABLES["funnel"]]
    numbers = {
        "prospects": (100, 200, 400, 800),
        "intent": (0, 50, 100, 200),
        "negotiating": (0, 0, 10, 20),
        "signed": (0, 0, 8, 16),
    }
    rows: Rows = [
        {"month": m, "metric": "entered", "channel": "visits", "stage": s, "amount": x}
        for s, of in numbers.items() for m, x in zip(MONTHS, of, strict=True)
    ]  # fmt: skip
    rows += [
        {"month": m, "metric": "new_clients", "channel": "visits", "amount": x}
        for m, x in zip(MONTHS, (0, 0, 4, 8), strict=True)
    ]
    table = checked(business(tmp_path, {"funnel": funnel}), tmp_path, rows).conversion
    mine = table[table["channel"] == "visits"].set_index("stage")
    # the last three months, each with those of the month before: 50 + 100 + 200 of 100 + 200 + 400
    assert mine.loc["prospects", ["entered", "went_on", "conversion"]].to_list() == pytest.approx([700, 350, 0.5])
    assert mine.loc["intent", "conversion"] == pytest.approx(30 / 150)
    assert mine.loc["signed", "conversion"] == pytest.approx(12 / 24)
    assert mine.loc["", "conversion"] == pytest.approx(12 / 300)
    assert mine.loc["prospects", "change"] == pytest.approx(0.5 / 0.75 - 1)


def test_told_figures_come_first(tmp_path: Path) -> None:
    """A rate that somebody tells is judged, whatever the revenue of clients says."""
    rows = [
        *clients_buy({f"c{n}": 100.0 for n in range(10)}),
        *({"month": m, "metric": "activity_rate", "amount": 0.5} for m in MONTHS),
    ]
    assert row_of(checked(business(tmp_path), tmp_path, rows), "activity_rate")["value"] == 0.5


def test_a_scope_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    """Only new_segments has a scope, of industries that clients have."""
    for n, (check, scope, says) in enumerate(
        [("cash_in", "industry=bank", "Only new_segments"), ("new_segments", "tier=A", "Only new_segments"),
         ("new_segments", "industry=solr", "No client is of the industry solr")]
    ):  # fmt: skip
        with pytest.raises(InputError) as refused:
            business(tmp_path / str(n), {"thresholds": [{"check": check, "value": 1, "scope": scope}]})
        assert any(says in f.says for f in refused.value.findings)


def test_named_segments_take_the_place_of_new_ones(tmp_path: Path) -> None:
    """The scope of the threshold says which industries are new, also where they have clients."""
    thresholds = [{"check": "new_segments", "value": 1, "scope": "industry=bank"}]
    rows: Rows = [{"month": m, "metric": "visits", "client": "c1", "amount": 3} for m in MONTHS]
    found = row_of(checked(business(tmp_path, {"thresholds": thresholds}), tmp_path, rows), "new_segments")
    assert (found["verdict"], found["value"]) == ("warning", 0)


def test_months_that_are_not_over_do_not_count(tmp_path: Path) -> None:
    """As of mid-March the same rows give the health of January and February."""
    model = business(tmp_path)
    rows = funnel_of(300, 200)
    early = health_checks(model, told(model, tmp_path, rows, dt.date(2026, 3, 15)), what_if=False)
    assert early.conversion.set_index(["channel", "stage"]).loc[("fair", ""), "entered"] == 2000


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_command(
    language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command shows what warns, writes its files, says the same as JSON, and keeps within 80 columns."""
    model = business(tmp_path)
    told(model, tmp_path, [*funnel_of(300, 200), *clients_buy({"c1": 1.0})])
    monkeypatch.chdir(tmp_path)
    call = ["health", "business", "--actuals", "actuals.csv", "--as-of", END.isoformat(), "--lang", language]
    assert main([*call, "--no-what-if"]) == 0
    shown = capsys.readouterr().out
    assert "30.0 %" in shown
    with in_language(language):
        from rich.cells import cell_len

        assert max(map(cell_len, shown.splitlines())) <= 80
    folder = tmp_path / "runs" / "business-health"
    names = {p.name for p in folder.iterdir()}
    assert names == {"checks.csv", "conversion.csv", "win_back.csv", "shift.csv", "effect.csv", "health.json"}
    table = pd.read_csv(folder / "checks.csv")
    assert main([*call, "--no-what-if", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["verdicts"]["warning"] == int((table["verdict"] == "warning").sum())
    assert summary["as_of"] == "2026-04-30"
    assert [c["check"] for c in summary["checks"]] == table["check"].to_list()
    assert np.isfinite(summary["win_back"]["money_at_risk"])


def test_the_command_refuses_a_day_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is no date, and a day before any month is over, end with a sentence and exit code 2."""
    model = business(tmp_path)
    told(model, tmp_path, revenue())
    monkeypatch.chdir(tmp_path)
    call = ["health", "business", "--actuals", "actuals.csv", "--lang", "en", "--as-of"]
    assert main([*call, "soon"]) == 2
    assert "2026-03-31" in capsys.readouterr().err
    assert main([*call, "2026-01-15"]) == 2
    assert "No month of the plan is over" in capsys.readouterr().err


def test_thresholds_of_plausibility_are_no_figures(tmp_path: Path) -> None:
    """Names that judge targets before a plan are not taken for figures, also where history has a metric of the name."""
    tables: dict[str, Rows] = {
        "thresholds": [
            {"check": c, "value": 0.1} for c in ("new_client_rate", "growth_refused", "margin", "satisfaction")
        ],
        "history": [
            {"month": "2025-12", "metric": m, "amount": 1} for m in ("new_client_rate", "satisfaction", "revenue")
        ],
    }
    found = checked(business(tmp_path, tables), tmp_path, revenue()).checks["check"]
    assert "satisfaction" in set(found)
    assert not {"new_client_rate", "growth_refused", "margin"} & set(found)


@pytest.mark.parametrize("name", ["pocket", "market", "action_plan"])
def test_shipped_models_are_well_where_all_goes_as_planned(name: str, tmp_path: Path) -> None:
    """With visits and revenue just as planned, and the cash that the lags bring, nothing of these warns."""
    model = load(shipped_models()[name])
    plan = solve(model, visits=False)
    months = model.calendar.months[:2]
    sold = plan["forecast"].query("rep != ''")
    sold = (
        sold[sold["month"].isin(months)].groupby(["month", "rep", "product"], observed=True)["sell"].sum().reset_index()
    )
    made = plan["effort"][plan["effort"]["month"].isin(months)]
    made = made.groupby(["month", "rep", "tier"], observed=True)["planned"].sum().reset_index()
    parts = [sold.rename(columns={"sell": "amount"}).assign(metric="revenue")]
    parts.append(made.rename(columns={"planned": "amount"}).assign(metric="visits"))
    pd.concat(parts).to_csv(tmp_path / "actuals.csv", index=False)
    last = pd.Period(months[-1], freq="M").end_time.date()
    actuals = read_actuals(model, tmp_path / "actuals.csv", last)
    table = health_checks(model, actuals, Published(model, plan.tables, "p")).checks
    table = table[table["check"].isin(["visit_execution", "ramp_attainment"]) & (table["verdict"] != "nothing")]
    assert len(table)
    assert (table["verdict"] == "good").all(), table.to_string()


@pytest.mark.parametrize("planned", [True, False])
def test_a_promise_for_a_quarter_is_due_as_it_was_planned(planned: bool, tmp_path: Path) -> None:
    """Six visits a quarter, all planned for its last month, are not due in the first; without a plan in force a third of them is."""
    model = business(tmp_path)
    plan = solve(model, visits=False)
    effort = plan["effort"]
    mine = (effort["tier"] == "B") & (effort["month"] <= "2026-06") & (effort["promised"] > 0)
    late = effort.assign(
        planned=np.where(
            mine & (effort["month"] != "2026-06"), np.where(effort["month"] == "2026-03", 4.0, 0.0), effort["planned"]
        )
    )
    published = Published(model, {**plan.tables, "effort": late}, "p") if planned else None
    rows = [
        {"month": m, "metric": "visits", "tier": t, "amount": x}
        for m in MONTHS
        for t, x in (("A", 100), ("B", 4 * (m == "2026-03")))
    ]
    found = row_of(checked(model, tmp_path, rows, published), "visit_execution", "B")
    # b1 is a client from February on: two thirds of six are promised in the first quarter, in the second April's third of six is even
    assert found["value"] == pytest.approx(1.0 if planned else 4 / 6)
