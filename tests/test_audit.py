"""The audit finds nothing in plans worked out by hand, and each mistake planted in them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
from pathlib import Path

import handmade
import pandas as pd
import pytest
from audited import Frames
from planted import INPUT, PLANTED
from planted_days import DAYS
from planting import MAY, set_to

import allocator.auditing
from allocator.auditing import COLUMNS, Audit, audit, goals, kpis, read_run
from allocator.auditing.days import money_of
from allocator.errors import Finding
from allocator.model import Model
from allocator.texts import in_language

Plans = dict[str, Frames]


@pytest.fixture(scope="module")
def models() -> dict[str, Model]:
    """Models by name."""
    return handmade.models()


@pytest.fixture(scope="module")
def plans() -> Plans:
    """Plans by name."""
    return handmade.plans()


def rules(found: Audit) -> set[str]:
    """Rules that do not hold."""
    return set(found.violations["rule"])


@pytest.mark.parametrize("name", ["pocket", "busy", "moved", "plain"])
def test_plans_by_hand_are_clean(models: dict[str, Model], plans: Plans, name: str) -> None:
    """Proves that the audit accepts plans derived with a pencil, to rounding of the last digit."""
    found = audit(models[name], plans[name])
    assert found.violations.empty, "\n".join(found.violations["sentence"])
    assert found.largest_residual < 1e-12
    assert found.rules == len(found.checks) > 60


def test_every_rule_has_something_to_check(models: dict[str, Model], plans: Plans) -> None:
    """Proves that no rule of the audit is idle in all the plans, so that none can pass by checking nothing."""
    checked = pd.concat([audit(models[n], plans[n]).checks for n in models]).groupby("rule")["rows"].sum()
    assert checked[checked == 0].empty


MISTAKES = [*PLANTED, *DAYS]


@pytest.mark.parametrize("i", range(len(MISTAKES)), ids=[f"{p[1]}-{i}" for i, p in enumerate(MISTAKES)])
def test_planted_mistake_is_found(models: dict[str, Model], plans: Plans, i: int) -> None:
    """Proves that one changed number, row or column of an output file is found by the rule it breaks."""
    name, file, change, rule = MISTAKES[i]
    frames = {**plans[name], file: change(plans[name][file])}
    found = audit(models[name], frames)
    assert rule in rules(found)
    assert found.largest_residual > 1e-6


def test_every_rule_has_a_planted_mistake(models: dict[str, Model], plans: Plans) -> None:
    """Proves that no rule of the audit is without a mistake that it finds."""
    checked = {rule for name in models for rule in audit(models[name], plans[name]).checks["rule"]}
    assert checked == {rule for _name, _file, _change, rule in MISTAKES}


@pytest.mark.parametrize("i", range(len(INPUT)), ids=[f"{p[1]}-{i}" for i, p in enumerate(INPUT)])
def test_changed_input_is_noticed(models: dict[str, Model], plans: Plans, i: int) -> None:
    """Proves that the audit reads each of these inputs: with another value the same files do not fit."""
    name, table, change, rule = INPUT[i]
    model = models[name]
    assert rule in rules(audit(with_table(model, table, change(model[table])), plans[name]))


def with_table(model: Model, name: str, table: pd.DataFrame) -> Model:
    """Return the model with another table."""
    return dataclasses.replace(model, tables={**model.tables, name: table})


def test_leads_of_a_unit_above_count(models: dict[str, Model], plans: Plans) -> None:
    """Proves that leads of the top unit win clients of the units below it."""
    budget, frames = models["busy"]["budget"], dict(plans["busy"])
    above = with_table(models["busy"], "budget", set_to("unit", "hq", line="ads")(budget))
    frames["won"] = set_to("unit", "hq", channel="web")(frames["won"])
    assert audit(above, frames).violations.empty


def test_a_client_without_a_rep_has_no_backup(models: dict[str, Model], plans: Plans) -> None:
    """Proves that the backup of a client whom nobody may take carries nothing."""
    clients = set_to("backup", "bob", client="lone")(models["busy"]["clients"])
    assert audit(with_table(models["busy"], "clients", clients), plans["busy"]).clean


@pytest.mark.parametrize(
    ("client", "group", "differs"),
    [("a2", "g1", {"backup", "since, lost_on"}), ("b1", "g4", {"since, lost_on", "shifts", "area"})],
)
def test_what_tells_clients_of_a_group_apart(
    models: dict[str, Model], plans: Plans, client: str, group: str, differs: set[str]
) -> None:
    """Proves that members of a group must have one backup, one stay and the same shifts, and that the audit says which differ."""
    area = set_to("scope", "area=hot", target="total")(models["moved"]["targets"])
    model = with_table(models["moved"], "targets", area)
    frames = {**plans["moved"], "assignments": set_to("group", group, client=client)(plans["moved"]["assignments"])}
    found = audit(model, frames).violations
    labels = found.loc[found["rule"] == "Clients of a group cannot be told apart", "labels"]
    assert {text.split("column=")[1] for text in labels} == differs


def test_a_pin_reaches_months_in_post_only(models: dict[str, Model], plans: Plans) -> None:
    """Proves that a pinned rep is asked for nothing after he left."""
    pinned = with_table(models["moved"], "pins", set_to("rep", "kim", rep="mia")(models["moved"]["pins"]))
    gone = set_to("month", MAY, rep="kim", level="ceiling")(plans["moved"]["quotas"])
    assert "Quotas stand where a rep can be asked" in rules(audit(pinned, {**plans["moved"], "quotas": gone}))


def test_a_floor_may_ask_beyond_the_forecast(models: dict[str, Model], plans: Plans) -> None:
    """Proves that a rep with a floor may be asked beyond his forecast, one without may not."""
    for rep, may in (("cho", True), ("ann", False)):
        quotas = set_to("beyond", 1.0, rep=rep)(plans["busy"]["quotas"])
        found = rules(audit(models["busy"], {**plans["busy"], "quotas": quotas}))
        assert ("Only pins and floors ask beyond the forecast" not in found) == may


def test_the_highest_of_alternative_units_owes(models: dict[str, Model], plans: Plans) -> None:
    """Proves that a need of the company or the south is met by what the company owes: two thirds of all quotas."""
    targets = set_to("scope", "unit=hq, south", target="south")(models["moved"]["targets"])
    asked = set_to("scope", "unit=hq, south", target="south")(plans["moved"]["asked"])
    for level, owed in (("base", 1200.0), ("stretch", 1220.4), ("ceiling", 1604.0)):
        asked = set_to("asked", owed, target="south", level=level)(asked)
    assert (
        audit(with_table(models["moved"], "targets", targets), {**plans["moved"], "asked": asked})
        .violations["rule"]
        .isin({"A target asks for its bound", "A target's metric is recomputed"})
        .all()
    )


NEEDS = {
    "Every need of a level is listed",
    "A need's row says what its target says",
    "A need asks for its bound",
    "What is owed of a need is recomputed",
    "What is asked is what the company needs",
}


def test_a_level_s_own_target_stands_in_for_that_of_base(models: dict[str, Model], plans: Plans) -> None:
    """Proves that a target of stretch with the meaning of one of base replaces it there, and there alone."""
    targets = models["moved"]["targets"]
    own = targets[targets["target"] == "total"].assign(target="more", level="stretch", at_least=1300.0, period="2026")
    model = with_table(models["moved"], "targets", pd.concat([targets, own], ignore_index=True))
    asked = plans["moved"]["asked"].copy()
    mine = (asked["target"] == "total") & (asked["level"] == "stretch")
    asked.loc[mine, ["target", "required", "gap", "period"]] = ["more", 1300.0, 1300 - 1220.4, "2026"]
    assert not NEEDS & rules(audit(model, {**plans["moved"], "asked": asked}))
    assert NEEDS & rules(audit(model, plans["moved"]))


def test_without_a_target_the_forecast_is_needed(models: dict[str, Model], plans: Plans) -> None:
    """Proves that base and stretch need the whole forecast then, and the ceiling 1.2 times that."""
    targets = models["pocket"]["targets"]
    model = with_table(models["pocket"], "targets", targets[targets["metric"] != "revenue"])
    asked = plans["plain"]["asked"].assign(target="forecast", required=[1.7e6, 1.7e6, 2.04e6], gap=[17e3, 0.0, 20.4e3])
    assert not NEEDS & rules(audit(model, {**plans["pocket"], "asked": asked}))


@pytest.mark.parametrize(
    ("rounding", "of_one", "step"),
    [(1000, 100, 100_000), (0.25, 100, 25), (0.01, 100, 1), (0.005, 1000, 5), (1e-12, 10**9, 1)],
)
def test_money_is_counted_in_parts(models: dict[str, Model], rounding: float, of_one: int, step: int) -> None:
    """Proves that money is counted in hundredths, or finer where the rounding is finer, down to nine decimals."""
    settings = models["moved"].settings.model_copy(update={"rounding": rounding})
    money = money_of(dataclasses.replace(models["moved"], settings=settings))
    assert (money.of_one, money.step) == (of_one, step)


def test_only_active_clients_come_and_go(models: dict[str, Model], plans: Plans) -> None:
    """Proves that dates of prospects, and dates before and after the plan, change nothing."""
    clients = models["busy"]["clients"]
    for column, date in (("since", "2026-05-10"), ("lost_on", "2026-05-10"), ("lost_on", "2024-01-31")):
        prospect = set_to(column, pd.Timestamp(date), client="pr")(clients)
        assert audit(with_table(models["busy"], "clients", prospect), plans["busy"]).clean
    always = set_to("since", pd.Timestamp("2026-04-01"), client="a1")(clients)
    always = set_to("lost_on", pd.Timestamp("2026-07-01"), client="a1")(always)
    assert audit(with_table(models["busy"], "clients", always), plans["busy"]).clean


def test_key_figures_are_those_worked_out_by_hand(models: dict[str, Model], plans: Plans) -> None:
    """Proves the key figures: 5,072 of sales; cash with 200 from March; 2 and 14 promised visits not made."""
    figures = kpis(models["busy"], plans["busy"])
    assert figures == pytest.approx(
        {
            "revenue": 5072,
            "profit": 0.5 * 3042 + 0.3 * 2000,
            "contribution": 2121 - 514.25 - 600 - (28 + 26 + 3 + 37.5) - 74.2,
            "spend": 600,
            "commission": 25 + 28.6 + 58.2 + 162.36 + 228.84 + 3.75 + 7.5,
            "collections": 1072 + 878.2 + 165 + 200 + 26,
            "new_clients": 2.1,
            "visits_promised": 28 + 28 + 3 + 14,
            "visits_planned": 28 + 26 + 3.75,
        },
        rel=1e-12,
    )


def quota_goals(
    level: str, beyond: float, gaps: list[float], total: float, unfair: float, peak: float
) -> dict[str, float]:
    """Goals of the quotas of a level; each priority has one gap."""
    of = {f"gap {k + 1} {kind}": gap for k, gap in enumerate(gaps) for kind in ("largest", "sum")}
    of |= {"beyond": beyond, "total": total, "unfair": unfair, "peak": peak}
    return {f"{level} {name}": value for name, value in of.items()}


def test_goals_are_those_worked_out_by_hand(models: dict[str, Model], plans: Plans) -> None:
    """Proves the goals: relative misses, of a share at expected demand, of an overrun of 50 on 250.

    Ann carries ceilings of 1,200, bob of 5,800, cho of 500, so ann is asked for too much, the west for too little; bob's June is a peak.
    Stretch cannot ask for more than base, but needs more; the ceiling asks ann for 100 more, bob for 743 (43 of it in June).
    """
    values = goals(models["busy"], plans["busy"])
    mix = 102.64 / (0.62 * (1200 + 900 + 2400 + 150 + 75 + 150 + 30))
    asked = (0.62 * 5057 - 3057) / (0.62 * 5042)
    unfair = (1072 - 1.1 * 4832 * 1200 / 7000) + (0.9 * 5057 * 500 / 7500 - 225)
    peak = 907 - 1.5 * 1760 / 3
    assert values == pytest.approx(
        {
            "visits": 16 / 73,
            "base 1 largest": 0.2,
            "base 1 sum": 0.2,
            "base 2 largest": 0.8,
            "base 2 sum": 0.1 + 0.8 + mix,
            "base 3 largest": 0.2,
            "base 3 sum": 2 * (0.1 + 0.2),
            "base 4 largest": 7.5 / 120,
            "base 4 sum": 7.5 / 120,
            "stretch 1 largest": 0,
            "stretch 1 sum": 0,
            "contribution": 838.05,
            **quota_goals("base", 15, [0, asked], 5057, unfair, peak),
            **quota_goals("stretch", 15, [443 / 5500, asked], 5057, unfair, peak),
            **quota_goals(
                "ceiling",
                0,
                [100 / 6000, (0.62 * 5900 - 3200) / (0.62 * 5042)],
                5900,
                (1172 - 1.1 * 5675 * 1200 / 7000) + (0.9 * 5900 * 500 / 7500 - 225),
                950 - 1.5 * 1803 / 3,
            ),
        },
        rel=1e-12,
    )
    assert goals(models["pocket"], plans["pocket"])["base 2 largest"] == pytest.approx(1 / 120)


def test_goals_of_hedged_quotas_are_those_worked_out_by_hand(models: dict[str, Model], plans: Plans) -> None:
    """Proves goals with hedges: of 1,830.60 the company is owed two thirds; gaps of other needs are 0 at every level.

    Kim carries ceilings of 1,350 on average, mia of 900, lee of 1,750. Bands of a tenth leave unfair at base 160 − 66 and 160 − 44 in
    the north, 87.5 − 78.75 for the south. Kim is in post for April alone, so for her no month is a peak.
    """
    largest = (1320 - 1830.6 / 1.5) / 1320
    north, south, year = 1550.25, 855.75, 2406.0
    unfair = 2 * (0.6 * north - 700) - 0.1 * north + 2 * (0.4375 * year - south) - 0.1 * year
    by_hand = {
        **quota_goals("base", 0, [0, 0, 0, 0], 1800, 94 + 116 + 8.75, (575 - 525) + (600 - 450)),
        **quota_goals("stretch", 5.6, [largest, 0, 0, 0], 1830.6, 94 + 116, (605.6 - 0.75 * 730.6) + (600 - 450)),
        **quota_goals("ceiling", 0, [0, 0, 0, 0], year, unfair, (705.5 - 0.75 * south) + 0.25 * 850.25),
    }
    found = goals(models["moved"], plans["moved"])
    assert {name: found[name] for name in by_hand} == pytest.approx(by_hand, rel=1e-12)


def test_files_read_back_to_the_same_doubles(models: dict[str, Model], plans: Plans, tmp_path: Path) -> None:
    """Proves that the audit of files is the audit of the frames: numbers exact, codes as text, blanks as blanks."""
    frames = dict(plans["busy"])
    frames["forecast"] = frames["forecast"].assign(sell=frames["forecast"]["sell"] / 3)  # no short decimal
    for name, table in frames.items():
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    back = read_run(tmp_path)
    assert set(back) == set(frames)
    assert (back["forecast"]["sell"] == frames["forecast"]["sell"]).all()
    one, two = audit(models["busy"], frames), audit(models["busy"], back)
    assert one.violations["sentence"].tolist() == two.violations["sentence"].tolist()
    assert one.largest_residual == two.largest_residual > 0.1


def test_order_of_rows_and_kind_of_text_do_not_matter(models: dict[str, Model], plans: Plans) -> None:
    """Proves that shuffled rows and categorical columns are audited alike."""
    frames = {n: t.sample(frac=1, random_state=7).reset_index(drop=True) for n, t in plans["busy"].items()}
    for name in ("forecast", "quotas"):
        frames[name] = frames[name].astype({"product": "category", "month": "category", "rep": "category"})
    assert audit(models["busy"], frames).violations.empty


SPOILED = [
    *((file, how) for file in COLUMNS for how in ("missing", "empty", "text", "infinite", "unknown")),
    *((file, c) for file, x in COLUMNS.items() for c in (*x.key, *x.texts, *x.numbers[:2], *x.blanks)),
]


@pytest.mark.parametrize(("file", "how"), SPOILED)
def test_spoiled_files_are_violations_and_no_crash(models: dict[str, Model], plans: Plans, file: str, how: str) -> None:
    """Proves that a file that is missing, empty, full of rubbish or short of a column is reported, whatever it is."""
    frames, columns = dict(plans["busy"]), COLUMNS[file]
    table, numbers = frames[file], (*columns.numbers, *columns.blanks)
    if how == "missing":
        del frames[file]
    elif how == "empty":
        frames[file] = table.iloc[:0]
    elif how in table:
        frames[file] = table.drop(columns=how)
    elif how == "unknown" or not numbers:
        frames[file] = table.assign(**dict.fromkeys(columns.key, "?"))
    else:
        frames[file] = table.assign(**dict.fromkeys(numbers, "x" if how == "text" else float("inf")))
    assert not audit(models["busy"], frames).clean


def test_nothing_at_all_is_a_violation(models: dict[str, Model], plans: Plans) -> None:
    """Proves that a run without files is not clean, and that its figures are still numbers."""
    assert "A run has all its files and columns" in rules(audit(models["busy"], {}))
    assert kpis(models["busy"], {})["revenue"] == 0


def test_promises_of_windows_cut_by_the_plan(models: dict[str, Model], plans: Plans) -> None:
    """Proves that a plan of 3 months holds a quarter of a yearly promise, one of 1 month a third of a quarterly one."""
    tiers, frames = models["busy"]["tiers"], plans["busy"]
    yearly = with_table(models["busy"], "tiers", tiers.assign(per="year"))
    assert kpis(yearly, frames)["visits_promised"] == pytest.approx((1 * (2 + 2 + 1) + 3) * 3 / 12)
    short = dataclasses.replace(models["busy"], settings=models["busy"].settings.model_copy(update={"months": 1}))
    short = with_table(short, "budget", short["budget"].assign(to=""))
    quarterly = with_table(short, "tiers", tiers.assign(per="quarter"))
    assert kpis(quarterly, frames)["visits_promised"] == pytest.approx((1 * (2 + 2 + 1) + 3) / 3)


def notes(*values: str) -> pd.DataFrame:
    """Findings about rounding."""
    return pd.DataFrame({"rule": ["rounding"] * len(values), "value": list(values)})


def test_what_findings_tell_of_rounding_is_no_violation(models: dict[str, Model], plans: Plans) -> None:
    """Proves that wide totals and broken pins are excused by as many notes, and by notes only; rounding of the model counts too."""
    near, pin = "A published total stays near the exact one", "Pins hold to the minor unit"
    quotas = set_to("quota", "+30", rep="mia", month=MAY, level="ceiling")(plans["moved"]["quotas"])
    quotas = set_to("quota", "-10", rep="kim", level="ceiling")(quotas)
    frames = {**plans["moved"], "quotas": quotas}
    wide = int((audit(models["moved"], frames).violations["rule"] == near).sum())
    assert wide == 8  # May of mia, the north and all, the same of gold, her quarter and her year
    assert {near, pin} <= rules(audit(models["moved"], {**frames, "findings": notes(*["1"] * (wide - 1))}))
    told = rules(audit(models["moved"], {**frames, "findings": notes(*["1"] * wide)}))
    assert (near in told, pin in told) == (False, True)
    told = rules(audit(models["moved"], {**frames, "findings": notes("")}))
    assert (near in told, pin in told) == (True, False)
    found = tuple(Finding("note", "quotas.csv", "", "quota", x, "rounding", "") for x in ["", *["1"] * wide])
    assert not {near, pin} & rules(audit(dataclasses.replace(models["moved"], findings=found), frames))
    both = {**frames, "quotas": set_to("quota", "+10", rep="lee", month=MAY, level="stretch")(quotas)}
    assert pin in rules(audit(models["moved"], {**both, "findings": notes("")}))
    assert pin not in rules(audit(models["moved"], {**both, "findings": notes("", "")}))
    far = {**frames, "quotas": set_to("quota", "+500", level="ceiling")(quotas)}  # beyond ten, totals are only counted
    assert [near in rules(audit(models["moved"], {**far, "findings": notes(*["1"] * n)})) for n in (9, 10)] == [
        True,
        False,
    ]


def test_a_violation_says_where_and_how_much(models: dict[str, Model], plans: Plans) -> None:
    """Proves that a violation has a sentence with rule, place and both numbers."""
    frames = dict(plans["pocket"])
    frames["effort"] = set_to("planned", 6.1, group="g2", month=MAY)(frames["effort"])
    with in_language("en"):
        found = audit(models["pocket"], frames).violations
    row = found[found["rule"] == "A month's hours hold"].iloc[0]
    assert row["labels"] == "rep=wang, month=2026-05"
    assert (row["required"], row["found"]) == (60, pytest.approx(62.2))
    assert row["sentence"] == "A month's hours hold [rep=wang, month=2026-05]: expected at most 60, found 62.2"


def test_audit_shares_nothing_with_what_it_checks() -> None:
    """Proves that no module of the audit imports the formulation, the program, an engine, the solving or the plan."""
    folder = Path(inspect.getfile(allocator.auditing)).parent
    names = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names |= {a.name for a in node.names} if isinstance(node, ast.Import) else set()
            names |= {str(node.module)} if isinstance(node, ast.ImportFrom) else set()
    own = {n for n in names if n.startswith("allocator") and not n.startswith("allocator.auditing")}
    assert own <= {"allocator.model", "allocator.scopes", "allocator.texts"}
