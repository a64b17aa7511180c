"""Targets against last year and the market, with the numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from allocator.arithmetic import arithmetic
from allocator.errors import Finding
from allocator.formulation.grain import make_grain
from allocator.reading import load
from allocator.solving import solve
from allocator.texts import in_language

ROOT = Path(__file__).parents[1]
TABLES = {
    "units": "unit,parent,kind\nall,,company\neast,all,region\nwest,all,region\ne1,east,team\nw1,west,team\n",
    "reps": "rep,unit,grade,start\nann,e1,senior,2020-01-01\nbob,w1,junior,2020-01-01\n",
    "products": "product,family,class,margin\nnew,f1,star,0.5\nold,f2,cow,0.5\n",
    "clients": """\
client,tier,owner,industry,status,count
a,A,ann,bank,active,40
b,B,bob,retail,active,60
p,B,bob,retail,prospect,500
""",
    "demand": "client,product,expected,ceiling\na,new,100,900\na,old,100,900\nb,new,100,900\nb,old,100,900\np,old,1,9\n",
    "market": """\
product,unit,industry,period,size,growth
new,east,,,1272,0.06
new,west,,,636,0.06
old,,,,2400,0.2
""",
    "funnel": "channel,step,stage,conversion\nvisits,1,contact,0.5\nvisits,2,signing,0.6\n",
}
"""A quarter of two reps; the market of ``new`` was 1,800 and grows 6 %, that of ``old`` 2,000 and grows 20 %."""

PLAIN = {
    "at_least": "",
    "at_most": "",
    "scope": "",
    "each": "",
    "share_of": "",
    "period": "",
    "level": "",
    "priority": "1",
    "weight": "1",
}


def _history(*rows: str, years: tuple[str, ...] = ("2025",)) -> str:
    """History of the first three months: each row is repeated for each month."""
    months = [f"{year}-{month}" for year in years for month in ("01", "02", "03")]
    return "month,metric,unit,rep,client,product,amount\n" + "".join(f"{m},{row}\n" for m in months for row in rows)


SOLD = _history("revenue,,ann,,new,40", "revenue,,bob,,new,20", "revenue,,ann,,old,30", "revenue,,bob,,old,10")
"""Last year's quarter: ``new`` 120 + 60, ``old`` 90 + 30; Ann in the East 210, Bob in the West 90; 300 in all."""


def _targets(*targets: dict[str, str]) -> str:
    rows = [{"target": "t", "metric": "revenue", **PLAIN, **t} for t in targets]
    names = list(rows[0])
    return ",".join(names) + "\n" + "".join(",".join(f'"{r[n]}"' for n in names) + "\n" for r in rows)


def _found(folder: Path, *targets: dict[str, str], history: str = SOLD, **tables: str) -> list[Finding]:
    """Findings of plausibility, in English."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text('start: "2026-01"\nmonths: 3\n', encoding="utf-8")
    for name, text in {**TABLES, "history": history, "targets": _targets(*targets), **tables}.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    with in_language("en"):
        return [f for f in arithmetic(load(folder)) if f.rule == "plausibility"]


def _says(folder: Path, *targets: dict[str, str], history: str = SOLD, **tables: str) -> str:
    (found,) = _found(folder, *targets, history=history, **tables)
    assert found.severity == "warning"
    assert found.table == "targets.csv"
    return found.says


def test_growth_far_above_history_and_market(tmp_path: Path) -> None:
    """Of ``new`` 180 were sold, 12 % more than the year before; the market grows 6 %: 360 is doubled, 237.6 is plausible."""
    before = _history("revenue,,ann,,new,53.571428571428", years=("2024",)).partition("\n")[2]
    (found,) = _found(tmp_path, {"scope": "product=new", "at_least": "360"}, history=SOLD + before)
    assert (found.severity, found.table, found.column, found.value) == ("warning", "targets.csv", "at_least", "360")
    assert found.says == (
        'targets.csv, at_least = "360": t asks for CNY 360 after CNY 180 last year: asked +100 %, history +12 %, market +6 %. '
        "Up to CNY 237.6 is plausible; write that, or raise growth_over_market in thresholds."
    )


@pytest.mark.parametrize(("asked", "flagged"), [("226", False), ("227", True)])
def test_the_band_is_over_the_market(asked: str, flagged: bool, tmp_path: Path) -> None:
    """Without an own trend the limit on 180 is 6 % + 20 points: 226.8."""
    assert bool(_found(tmp_path, {"scope": "product=new", "at_least": asked})) == flagged


def test_the_band_is_a_threshold(tmp_path: Path) -> None:
    """With 5 points over the market of 6 % the limit on 180 is 199.8."""
    thresholds = "check,value\ngrowth_over_market,0.05\n"
    says = _says(tmp_path, {"scope": "product=new", "at_least": "200"}, thresholds=thresholds)
    assert "Up to CNY 199.8 is plausible" in says


def test_the_market_is_weighed_by_its_size(tmp_path: Path) -> None:
    """Of both products the market was 3,800 and is 4,308, +13.4 %: 300 may become 400.1, not 401."""
    assert "market +13.4 %. Up to CNY 400.11 is" in _says(tmp_path, {"at_least": "401"})
    assert _found(tmp_path / "b", {"at_least": "400"}) == []


def test_refused_growth_is_an_error(tmp_path: Path) -> None:
    """A company that refuses growth of 50 points over the market is told so for +100 %, not for +50 %."""
    thresholds = "check,value\ngrowth_refused,0.5\n"
    (found,) = _found(tmp_path, {"scope": "product=new", "at_least": "360"}, thresholds=thresholds)
    assert found.severity == "error"
    assert "This is refused: growth_refused in thresholds is 50.0 % above the market. Up to CNY 226.8" in found.says
    (mild,) = _found(tmp_path / "b", {"scope": "product=new", "at_least": "270"}, thresholds=thresholds)
    assert mild.severity == "warning"


@pytest.mark.parametrize(
    ("scope", "past"),
    [
        ("unit=east", 210),
        ("unit=w1", 90),
        ("unit=e1, w1", 300),
        ("rep=ann; family=f2", 90),
        ("grade=junior", 90),
        ("class=star", 180),
        ("month=2026-01, 2026-02", 200),
        ("quarter=2026-Q1; unit=all", 300),
    ],
)
def test_history_in_the_scope(scope: str, past: int, tmp_path: Path) -> None:
    """What was sold in a scope is told by the labels of the rep and the product that a row of history names."""
    assert f"after CNY {past} last year" in _says(tmp_path, {"scope": scope, "at_least": "1000"})


def test_history_by_client_tells_owner_tier_and_industry(tmp_path: Path) -> None:
    """Rows that name the client alone tell its tier and industry, and its owner's unit and grade."""
    history = _history("revenue,,,a,,50", "revenue,,,b,,10")
    for n, scope in enumerate(("tier=A", "industry=bank; unit=east", "grade=senior", "client=a")):
        assert "after CNY 150 last year" in _says(
            tmp_path / str(n), {"scope": scope, "at_least": "1000"}, history=history
        )


@pytest.mark.parametrize(
    ("scope", "history"),
    [
        ("product=new", _history("revenue,,ann,,,40")),
        ("unit=e1", _history("revenue,east,,,new,40")),
        ("unit=east", _history("revenue,,,,new,40")),
        ("tier=A", SOLD),
        ("unit=east", "month,metric,unit,amount\n2025-01,revenue,east,40\n2025-02,revenue,east,40\n"),
        ("", "month,metric,unit,amount\n2024-01,revenue,east,40\n2024-02,revenue,east,40\n2024-03,revenue,east,40\n"),
        ("status=prospect", _history("revenue,,,a,,50")),
    ],
)
def test_history_that_cannot_decide_says_nothing(scope: str, history: str, tmp_path: Path) -> None:
    """A blank product, a region for a team, a missing month, the wrong year or no sales at all leave no ground to judge."""
    assert _found(tmp_path, {"scope": scope, "at_least": "100000"}, history=history) == []


def test_history_that_tells_enough(tmp_path: Path) -> None:
    """A row of the region decides for the company, and a row of another product is out whatever its rep."""
    history = _history("revenue,east,,,new,40", "revenue,,,,old,40")
    assert "after CNY 240 last year" in _says(tmp_path, {"scope": "unit=all", "at_least": "900"}, history=history)
    assert "after CNY 120 last year" in _says(
        tmp_path / "b", {"scope": "product=new; unit=east", "at_least": "900"}, history=history
    )


def test_profit_of_some_products_is_not_the_profit(tmp_path: Path) -> None:
    """Profit written down for ``new`` alone says nothing of the whole, but is enough for ``new``."""
    history = SOLD + _history("profit,,ann,,new,20", "profit,,bob,,new,10").partition("\n")[2]
    assert _found(tmp_path, {"metric": "profit", "at_least": "1000"}, history=history) == []
    says = _says(tmp_path / "b", {"metric": "profit", "scope": "product=new", "at_least": "1000"}, history=history)
    assert "after CNY 90 last year" in says


@pytest.mark.parametrize(
    ("each", "name", "past"),
    [
        ("region", "t, region=west", 90),
        ("team product", "t, team=w1, product=old", 30),
        ("month", "t, month=2026-03", 80),
        ("quarter", "t, quarter=2026-Q1", 280),
        ("unit", "t, unit=west", 90),
        ("rep", "t, rep=bob", 90),
    ],
)
def test_each_repetition_is_judged_and_the_worst_told(each: str, name: str, past: int, tmp_path: Path) -> None:
    """Of the repetitions with the same bound the one that sold least asks most; only that one is told."""
    history = SOLD.replace("2025-03,revenue,,ann,,new,40\n", "2025-03,revenue,,ann,,new,20\n")
    assert f"{name} asks for CNY 1,000 after CNY {past} last year" in _says(
        tmp_path, {"each": each, "at_least": "1000"}, history=history
    )


def test_shares_are_compared_as_shares(tmp_path: Path) -> None:
    """``old`` was 40 % of sales; its market gains 5.9 % on the whole, so up to 50.3 % is plausible and 60 % is not."""
    target = {"scope": "product=old", "share_of": "revenue", "at_least": "0.6"}
    says = _says(tmp_path, target)
    assert "t asks for 60.0 % after 40.0 % last year: asked +50 %, market +5.8 %. Up to 50.3 % is plausible" in says
    assert _found(tmp_path / "b", {**target, "at_least": "0.5"}) == []


def test_shares_by_region(tmp_path: Path) -> None:
    """In the West ``old`` was 30 of 90: each region's share is of the region's own sales."""
    says = _says(tmp_path, {"scope": "product=old", "each": "region", "share_of": "revenue", "at_least": "0.6"})
    assert "t, region=west asks for 60.0 % after 33.3 % last year" in says


def test_what_was_not_there_a_year_ago_is_not_judged(tmp_path: Path) -> None:
    """A product launched and a rep who came within last year's months have no whole year to grow from."""
    products = TABLES["products"].replace("margin\n", "margin,launch\n").replace("0.5\n", "0.5,\n", 1)
    products = products.replace("cow,0.5", "cow,0.5,2025-02-01")
    assert _found(tmp_path, {"scope": "product=old", "at_least": "1000"}, products=products) == []
    reps = TABLES["reps"].replace("junior,2020-01-01", "junior,2025-02-01")
    assert "rep=ann asks" in _says(tmp_path / "b", {"each": "rep", "at_least": "1000"}, reps=reps)


def test_less_than_last_year_is_a_note(tmp_path: Path) -> None:
    """The company's 200 after 300, and a cap of 100 on ``new`` after 180, are said without alarm; a floor in a scope is not."""
    found = _found(tmp_path, {"at_least": "200"}, {"target": "cap", "scope": "product=new", "at_most": "100"})
    assert [(f.severity, f.column) for f in found] == [("note", "at_most"), ("note", "at_least")]
    assert "cap allows CNY 100 after CNY 180 last year: asked -44.4 %, market +6 %." in found[0].says
    assert "t asks for CNY 200 after CNY 300 last year: asked -33.3 %, market +13.4 %." in found[1].says
    assert _found(tmp_path / "b", {"scope": "product=new", "at_least": "20"}) == []


def test_ceilings_and_other_metrics_are_not_judged(tmp_path: Path) -> None:
    """A ceiling is high by its nature; hours and visits are no sales."""
    assert (
        _found(tmp_path, {"level": "ceiling", "at_least": "9000"}, {"target": "v", "metric": "visits", "at_least": "9"})
        == []
    )


def test_new_clients_per_client(tmp_path: Path) -> None:
    """After 20 new clients on 80, of 100 clients 40 are asked: 40 for every 100 after 25, up to 35 are plausible."""
    history = _history("new_clients,west,,,,6", "new_clients,east,,,,0.666666666666667")
    target = {"metric": "new_clients", "at_least": "40"}
    says = _says(tmp_path, target, history=history)
    assert "t asks for 40 new clients for every 100 at the start; last year there were 25. Up to 35 new clients" in says
    monthly = {**target, "at_least": "12", "each": "month"}
    assert "asks for 36 new clients for every 100" in _says(tmp_path / "b", monthly, history=history)
    assert _found(tmp_path / "c", {**target, "at_least": "35"}, history=history) == []
    rates = history + _history("new_client_rate,,,,,0.11").partition("\n")[2]
    assert _found(tmp_path / "d", target, history=rates) == []


def test_conversion_of_the_funnel(tmp_path: Path) -> None:
    """The funnel wins 0.5 · 0.6 = 30 % of those visited, last year 15 % of the key clients were won: over 10 points more."""
    target = {"metric": "new_clients", "at_least": "1"}
    history = _history("key_client_conversion,,,,,0.15")
    says = _says(tmp_path, target, {**target, "target": "u"}, history=history)
    assert "t rests on a funnel that wins 30.0 % of those who are visited; last year 15.0 % of the key clients" in says
    assert _found(tmp_path / "b", target, history=history.replace("0.15", "0.2")) == []


@pytest.mark.parametrize(
    ("scope", "each", "asked", "words"),
    [
        (
            "product=new",
            "",
            "0.151",
            "t asks for 15.1 % of the market after 10.0 % last year: 5.1 points more. Up to 15.0 %",
        ),
        ("product=new", "", "0.15", ""),
        ("product=new", "region", "0.151", "t, region=east asks for 15.1 % of the market after 10.0 %"),
        ("", "", "0.13", "after 7.9 % last year"),
        ("product=new", "", "1.2", "t asks for 120.0 % of the market: more than all of it."),
    ],
)
def test_market_share(scope: str, each: str, asked: str, words: str, tmp_path: Path) -> None:
    """``new`` sold 180 of a market of 1,800, both products 300 of 3,800; 5 points more are the band."""
    target = {"metric": "market_share", "scope": scope, "each": each, "at_least": asked}
    if words:
        assert words in _says(tmp_path, target)
    else:
        assert _found(tmp_path, target) == []


def test_fast_segments_earn_a_weight(tmp_path: Path) -> None:
    """The market of ``new`` in the East grows 60 %: a target on it that weighs like the others is noted, and so is none at all."""
    market = TABLES["market"].replace("1272,0.06", "1920,0.6")
    whole = {"target": "whole", "at_least": "350"}
    fast = {"scope": "product=new; unit=east", "at_least": "130"}
    (note,) = _found(tmp_path, whole, fast, market=market)
    assert (note.severity, note.column) == ("note", "weight")
    assert "t asks for what grows +60 % in the market, but weighs no more than other targets." in note.says
    assert _found(tmp_path / "b", whole, {**fast, "weight": "2"}, market=market) == []
    assert _found(tmp_path / "c", {**whole, "priority": "2"}, fast, market=market) == []
    (none,) = _found(tmp_path / "d", whole, market=market)
    assert none.severity == "note"
    assert "The market of new, east grows +60 %, but no target asks for it by name." in none.says


def test_findings_travel_with_the_plan(tmp_path: Path) -> None:
    """A solve tells the same finding as a check, and plans all the same."""
    found = _found(tmp_path, {"scope": "product=new", "at_least": "360"})
    with in_language("en"):
        plan = solve(load(tmp_path))
    assert plan.status == "optimal"
    assert found[0] in plan.findings


@pytest.mark.parametrize("name", ["pocket", "telecom"])
def test_shipped_models_ask_for_what_is_plausible(name: str) -> None:
    """The carrier's +15 % lies within its own threshold; no target of a shipped model is flagged."""
    model = load(ROOT / "models" / name)
    assert [f.says for f in arithmetic(model, make_grain(model)) if f.rule == "plausibility"] == []
