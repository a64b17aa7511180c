"""What each rep does: a month worked out by hand, sums over every kind of period, whole numbers dealt to parts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from expected_plan import Frames, expected_plan, small

from allocator.actions import actions, contracts
from allocator.actions.spreading import deal, nearest
from allocator.actions.tables import ATTAINMENTS
from allocator.formulation.grain import make_grain
from allocator.formulation.metrics import commission_rates
from allocator.model import Model
from allocator.places import shipped_models
from allocator.reading import load
from allocator.texts import in_language

FIRST = (
    *("rep", "kind", "period", "quota", "contracts", "contract_amount", "clients", "new_clients", "first_visits"),
    *("old_clients", "return_visits", "collections", "support_hours", "spend"),
)
DISTINCT = ("clients", "old_clients", "clients_past", "clients_present", "clients_future")
"""Columns that tell different people and so do not add up over periods."""

MARCH = {
    "settings": 'start: "2026-03"\nmonths: 1\nrounding: 1000\n',
    "clients": "client,tier,owner,status,count\nk,A,ann,active,5\np,A,ann,prospect,20\nl,A,ann,lost,6\n",
    "demand": "client,product,expected,ceiling\nk,lite,22000,22000\np,lite,5000,5000\nl,lite,5000,5000\n",
    "products": "product,contract_value,large,margin\nlite,10000,no,0.3\nbig,7000.5,yes,0.3\n",
    "commission": "grade,attainment_from,rate\n,0,-0.01\n,0.5,0.1\n,1,0.2\n",
    "funnel": "channel,step,stage,conversion,days,minutes\nvisits,1,contact,0.5,7,60\nvisits,2,offer,1,7,60\n",
    "activities": "activity,scope,count,per,minutes\nbids,,2,week,60\nreport,,1,month,60\n",
    "needs": "resource,product,tier,hours\ntech,lite,,2\ntech,,A,0.5\n",
    "resources": "resource,month,hours\ntech,,100\n",
    "budget": "line,category,unit,maximum\ncare,care,north,5000\n",
}
"""March 2026 has 22 working days: weeks of 5, 5, 5, 5 and 2 (the 1st is a Sunday, the week of the 23 February)."""


def march(folder: Path, **tables: str) -> tuple[Model, Frames]:
    """Return a model of one month and a plan of it, all in round numbers for each of the 22 days."""
    texts = MARCH | tables
    model = small(folder, texts.pop("settings"), **texts)
    group = make_grain(model).groups.set_index("status")["group"]
    names = pd.DataFrame({"group": [group["active"], group["prospect"], group["lost"]], "month": "2026-03"})
    frames = {
        "forecast": names.assign(rep="ann", product="lite", sell=[110_000.0, 22_000, 0], contracts=[11.0, 2.2, 0]),
        "effort": names.assign(planned=[11.0, 0, 0], executive=[4.4, 0, 0], first_visits=[0.0, 6, 2]),
        "won": names.iloc[1:].assign(rep="ann", channel="visits", entered=[6.0, 2.0], won=[3.0, 1.0], unit=""),
        "budget": pd.DataFrame({"line": ["care"], "category": "care", "month": "2026-03", "spend": [2200.0]}),
        "lift": pd.DataFrame({n: [] for n in ("unit", "line_product", "group", "product", "month", "lift")}),
        "quotas": pd.DataFrame(
            {"rep": ["ann"], "product": "lite", "month": "2026-03", "level": "base", "quota": [66_000.0]}
        ),
    }
    return model, frames


def column(table: pd.DataFrame, name: str, kind: str, rep: str = "ann") -> list[float]:
    """Return a column of a rep in the order of the periods."""
    return list(table[(table["kind"] == kind) & (table["rep"] == rep)][name])


def test_a_month_by_hand(tmp_path: Path) -> None:
    """Proves: sums after 0, 5, 10, 15, 20 and 22 of the 22 days, each rounded, give every number of the six weeks.

    11 visits: 0, 2.5, 5, 7.5, 10, 11 are 0, 3, 5, 8, 10, 11 (a half goes up). If each week were rounded by itself, the weeks would
    add up to 13. Eight first visits: 0, 1.8, 3.6, 5.5, 7.3, 8 are 0, 2, 4, 5, 7, 8. Four won: 0, 0.9, 1.8, 2.7, 3.6, 4 are
    0, 1, 2, 3, 4, 4.
    """
    model, frames = march(tmp_path / "m")
    table = actions(model, frames)
    assert list(table.columns[: len(FIRST)]) == list(FIRST)
    assert column(table, "period", "week") == [f"2026-W{w:02}" for w in range(9, 15)]
    assert column(table, "return_visits", "week") == [0, 3, 2, 3, 2, 1]
    assert column(table, "first_visits", "week") == [0, 2, 2, 1, 2, 1]
    assert column(table, "new_clients", "week") == [0, 1, 1, 1, 1, 0]
    assert column(table, "quota", "week") == [0, 15_000, 15_000, 15_000, 15_000, 6_000]
    # 132,000 over 22 days are 6,000 a day; 13.2 contracts: 0, 3, 6, 9, 12, 13.2.
    assert column(table, "contract_amount", "week") == [0, 30_000, 30_000, 30_000, 30_000, 12_000]
    assert column(table, "collections", "week") == column(table, "contract_amount", "week")
    assert column(table, "contracts", "week") == [0, 3, 3, 3, 3, 1]
    # Hours: 13.2 contracts at 2 and 4.4 executive visits at 0.5, 28.6 in all, 1.3 a day. Money: 100 a day.
    assert column(table, "support_hours", "week") == [0, 6.5, 6.5, 6.5, 6.5, 2.6]
    assert column(table, "spend", "week") == [0, 500, 500, 500, 500, 200]
    # At 80 %: 0.5 · −1 % + 0.3 · 10 % = 2.5 %; at 100 %: 4.5 %; at 120 %: 8.5 % of the quota.
    assert column(table, "commission_80", "week") == [0, 375, 375, 375, 375, 150]
    assert column(table, "commission_100", "month") == [2970]
    assert column(table, "commission_120", "month") == [5610]
    assert column(table, "commission", "month") == [5940]


def test_different_people_by_hand(tmp_path: Path) -> None:
    """Proves: five clients who are visited 11 times are five in the month, and as many as their visits in a week, but not 11.

    Of the prospects and lost clients eight are visited first and four won. With a lag of a month nobody is both in the same month (12);
    without a lag those who are won are among those who were visited (8).
    """
    model, frames = march(tmp_path / "m")
    table = actions(model, frames)
    assert column(table, "old_clients", "month") == [5]
    assert column(table, "old_clients", "week") == [0, 3, 2, 3, 2, 1]
    assert column(table, "clients_future", "month") == [6]
    assert column(table, "clients_past", "month") == [2]
    assert column(table, "clients", "month") == [13]
    slow = "channel,step,stage,conversion,days,minutes\nvisits,1,contact,0.5,30,60\n"
    later = actions(*march(tmp_path / "later", funnel=slow))
    assert column(later, "clients_future", "month") == [9]
    assert column(later, "clients_past", "month") == [3]
    assert column(later, "clients", "month") == [17]


def test_a_visit_is_to_somebody(tmp_path: Path) -> None:
    """Proves: one visit a month falls on the third week (0.23, 0.45, 0.68), and somebody is seen then although 0.23 is nobody."""
    model, frames = march(tmp_path / "m")
    frames["effort"]["planned"] = [1.0, 0, 0]
    table = actions(model, frames)
    assert column(table, "return_visits", "week") == [0, 0, 0, 1, 0, 0]
    assert column(table, "old_clients", "week") == [0, 0, 0, 1, 0, 0]


def test_past_present_and_future_by_hand(tmp_path: Path) -> None:
    """Proves: 13 contracts are 11 of present clients and 2 of future ones (2.2), money likewise; lost clients bought nothing."""
    model, frames = march(tmp_path / "m")
    table = actions(model, frames)
    for name, month in (("contracts", [0, 11, 2]), ("contract_amount", [0, 110_000, 22_000]), ("visits", [2, 11, 6])):
        assert [column(table, f"{name}_{time}", "month")[0] for time in ("past", "present", "future")] == month
        weeks = [column(table, f"{name}_{time}", "week") for time in ("past", "present", "future")]
        assert [sum(w) for w in weeks] == month
        assert min(map(min, weeks)) >= 0
    assert column(table, "contract_amount_present", "week") == [0, 25_000, 25_000, 25_000, 25_000, 10_000]


def test_a_large_contract_comes_in_the_middle_of_its_month(tmp_path: Path) -> None:
    """Proves: a whole contract and all its money fall on the same day (the 11th of 22), money to the cent; nothing is spread."""
    model, frames = march(tmp_path / "m")
    big = frames["forecast"].iloc[:1].assign(product="big", sell=7000.5, contracts=1.0)
    frames["forecast"] = pd.concat([frames["forecast"], big], ignore_index=True)
    table = actions(model, frames)
    assert column(table, "contracts", "week") == [0, 3, 3, 4, 3, 1]
    assert column(table, "contract_amount", "week") == [0, 30_000, 30_000, 37_000.5, 30_000, 12_000]
    by_product = contracts(model, frames).set_index(["kind", "product"])
    assert by_product.loc[("month", "big"), ["contracts", "amount"]].tolist() == [1, 7000.5]
    assert by_product.loc[("month", "lite"), ["contracts", "amount"]].tolist() == [13, 132_000]


def test_a_week_has_its_task_in_words(tmp_path: Path) -> None:
    """Proves: the task of a week names visits, the stages that last weeks' visits lead to, contracts, and activities.

    Two first visits in the second week lead, at one half and a week later, to one offer in the third; where he is away then, it waits.
    """
    with in_language("en"):
        table = actions(*march(tmp_path / "m"))
        away = actions(*march(tmp_path / "away", leave="rep,from,to\nann,2026-03-16,2026-03-20\n"))
    weeks = column(table, "task", "week")
    assert weeks[0] == ""
    assert weeks[1] == "2 × first visit, 3 × return visit, 3 × contract, 2 × bids"
    assert weeks[2].startswith("2 × first visit, 1 × offer, 2 × return visit, 3 × contract, 2 × bids")
    assert sum("report" in week for week in weeks) == 1
    assert set(column(table, "task", "month")) == {""}
    assert column(away, "task", "week")[3] == ""
    assert "× offer" in column(away, "task", "week")[4]


def test_money_of_a_line_goes_where_it_works(tmp_path: Path) -> None:
    """Proves: a line is dealt by the lift it gives, a lead line by the clients it wins, others by sales; nothing gets lost."""
    tables = {
        "reps": "rep,unit\nann,north\nbob,north\ncy,south\n",
        "clients": "client,tier,owner,status,count\nk,A,ann,active,1\nb,A,bob,active,1\nc,A,cy,active,1\n"
        "p,A,ann,prospect,9\nq,A,cy,prospect,9\n",
        "demand": "client,product,expected,ceiling\nk,lite,1200,1200\nb,lite,2400,2400\nc,lite,3600,3600\np,lite,1,1\nq,lite,1,1\n",
        "budget": "line,category,channel,unit,maximum\nfair,marketing,,north,9000\nleads,leads,online,,9000\nrent,office,,,9000\n",
        "responses": "driver,product,effort,sales\nfair,,0,0\nfair,,9000,9000\n",
        "funnel": "channel,step,stage,conversion,days,minutes\nonline,1,contact,0.5,7,60\n",
        "yields": "source,metric,amount\nleads,leads,0.1\n",
    }
    model = small(tmp_path / "m", "rounding: 1\n", **tables)
    groups = make_grain(model).groups
    name = {(r, s): g for r, s, g in zip(groups["rep"], groups["status"], groups["group"], strict=True)}
    frames = expected_plan(model, won=0.0)
    frames["lift"] = pd.DataFrame(
        {
            "unit": "north",
            "line_product": "",
            "group": [name[0, "active"], name[1, "active"]],
            "month": "2026-01",
            "lift": [30.0, 10.0],
        }
    )
    frames["won"] = pd.DataFrame(
        {
            "group": [name[0, "prospect"], name[2, "prospect"]],
            "channel": "online",
            "unit": "",
            "month": "2026-05",
            "won": [2.0, 3.0],
        }
    )
    frames["budget"]["spend"] = [1200.0] * 36
    table = actions(model, frames)

    def spent(rep: str) -> list[float]:
        return column(table, "spend", "month", rep)

    # January: 3/4 of the fair, 2/5 of the leads, 1/6 of the rent. February on: the fair by sales of the north, 1/3.
    assert spent("ann")[:2] == [900 + 480 + 200, 400 + 480 + 200]
    assert spent("bob")[:2] == [300 + 400, 800 + 400]
    assert spent("cy")[:2] == [720 + 600, 720 + 600]
    assert table[table["kind"] == "year"]["spend"].sum() == 36 * 1200


def test_cash_comes_late_and_from_before_the_plan(tmp_path: Path) -> None:
    """Proves: cash comes with the tier's lag, last year's sales still pay, and after a rep has left his backup collects."""
    model = small(
        tmp_path / "m",
        "months: 3\nrounding: 1\n",
        reps="rep,unit,end,backup\nann,north,2026-01-31,bob\nbob,north,,\n",
        collection="tier,lag_months,share\nA,0,0.5\nA,1,0.25\n",
        history="month,metric,client,rep,amount\n2025-12,revenue,k,,4000\n2025-12,revenue,,bob,800\n2025-11,revenue,k,,99\n",
    )
    frames = expected_plan(model)
    table = actions(model, frames)
    # 400,000 a month: half at once, a quarter a month later. bob's own 800 has no tier and so came at once, last year.
    assert column(table, "collections", "month") == [200_000 + 1_000, 0, 0]
    assert column(table, "collections", "month", "bob") == [0, 300_000, 300_000]
    assert column(table, "collections_present", "quarter", "bob") == [600_000]


def test_spend_is_in_whole_money_or_finer_steps(tmp_path: Path) -> None:
    """Proves: 2,200.30 of a line are told as 2,200 where the rounding is 1,000, and as 2,200.25 where it is a quarter."""
    model, frames = march(tmp_path / "m")
    frames["budget"]["spend"] = 2200.3
    assert column(actions(model, frames), "spend", "month") == [2200]
    model, _ = march(tmp_path / "fine", settings=MARCH["settings"].replace("1000", "0.25"))
    assert column(actions(model, frames), "spend", "month") == [2200.25]


def test_a_backup_makes_his_share_of_the_visits(tmp_path: Path) -> None:
    """Proves: while the owner is away half of the days, the backup makes half of the visits, and the sales stay with the owner."""
    model, frames = march(
        tmp_path / "m",
        reps="rep,unit,backup\nann,north,bob\nbob,north,\n",
        leave="rep,from,to\nann,2026-03-02,2026-03-16\n",
    )
    table = actions(model, frames)
    assert column(table, "return_visits", "month") == [6]  # 5.5
    assert column(table, "return_visits", "month", "bob") == [6]
    assert column(table, "return_visits", "week")[:3] == [0, 0, 0]
    assert column(table, "contracts", "month") == [13]
    assert column(table, "contracts", "month", "bob") == [0]


@dataclass(frozen=True)
class Told:
    """The carrier's model, a plan of it, what that tells, and the seconds it took."""

    model: Model
    frames: Frames
    actions: pd.DataFrame
    contracts: pd.DataFrame
    seconds: float


@pytest.fixture(scope="module")
def telecom() -> Told:
    """Tell what each rep of the carrier does."""
    model = load(shipped_models()["telecom"])
    frames = expected_plan(model)
    group = make_grain(model).groups["group"].iloc[0]
    one = frames["forecast"].iloc[:1].assign(product="smart_city", contracts=1.0, sell=5e6, group=group)
    frames["forecast"] = pd.concat([frames["forecast"], one], ignore_index=True)
    started = time.process_time()
    tables = actions(model, frames), contracts(model, frames)
    return Told(model, frames, *tables, time.process_time() - started)


def test_telecom_is_quick(telecom: Told) -> None:
    """Proves: both tables of sixty reps take less than two seconds."""
    assert telecom.seconds < 2.0


def test_every_kind_of_period_adds_up(telecom: Told) -> None:
    """Proves: weeks, thirds, months and quarters of every rep and column add up to the same year, thirds to months, to the last cent."""
    table = telecom.actions
    sums = [c for c in table.columns[3:-1] if c not in DISTINCT]
    cents = (table[sums] * 100).round().astype("int64")
    assert ((cents / 100).to_numpy() == table[sums].to_numpy()).all()
    by_kind = cents.groupby([table["rep"], table["kind"]]).sum()
    for kind in ("quarter", "month", "third", "week"):
        assert by_kind.xs(kind, level="kind").equals(by_kind.xs("year", level="kind"))
    thirds = table[table["kind"] == "third"]
    of_thirds = cents.loc[thirds.index].groupby([thirds["rep"], thirds["period"].str.slice(0, 7)]).sum()
    months = table[table["kind"] == "month"].set_index(["rep", "period"])[sums]
    assert (of_thirds.to_numpy() == (months.sort_index() * 100).round().to_numpy()).all()
    for name in ("contracts", "contract_amount", "collections", "clients"):
        parts = table[[f"{name}_past", f"{name}_present", f"{name}_future"]].sum(axis=1)
        assert np.allclose(parts, table[name], rtol=0, atol=1e-6)


def test_products_add_up(telecom: Told) -> None:
    """Proves: contracts and money by product are those of the reps, in every period and for past, present and future clients."""
    for kind in ("year", "quarter", "month"):
        of_kind = telecom.contracts[telecom.contracts["kind"] == kind]
        parts = of_kind.groupby(["rep", "period"]).sum(numeric_only=True)
        whole = telecom.actions[telecom.actions["kind"] == kind].set_index(["rep", "period"]).reindex(parts.index)
        for which in ("", "_past", "_present", "_future"):
            assert (parts[f"contracts{which}"] == whole[f"contracts{which}"]).all()
            assert np.allclose(parts[f"amount{which}"], whole[f"contract_amount{which}"], rtol=0, atol=1e-6)
    large = telecom.contracts[telecom.contracts["product"] == "smart_city"]
    assert (large["amount"] == 5e6 * large["contracts"]).all()
    assert large["contracts"].sum() > 0


def test_totals_are_those_of_the_plan(telecom: Told) -> None:
    """Proves: the year of every rep is the plan's, rounded once: no column is more than half a step off."""
    model, frames = telecom.model, telecom.frames
    year = telecom.actions.query("kind == 'year'").set_index("rep")
    sold = frames["forecast"].groupby("rep")[["sell", "contracts"]].sum().reindex(year.index)
    assert (year["contract_amount"] - sold["sell"]).abs().max() <= 500 + 1e-6
    assert (year["contracts"] - sold["contracts"]).abs().max() <= 0.5 + 1e-6
    asked = frames["quotas"].query("level == 'base'").groupby("rep")["quota"].sum()
    assert (year["quota"] - asked).abs().max() == 0
    grade = model["reps"].set_index("rep")["grade"]
    for attainment in ATTAINMENTS:
        rate = commission_rates(model, attainment)
        due = asked * grade.map(lambda g, rate=rate: rate.get(g, rate[""]))
        assert (year[f"commission_{attainment * 100:.0f}"] - due).abs().max() <= 0.005 + 1e-6
    assert year["return_visits"].sum() == pytest.approx(frames["effort"]["planned"].sum(), abs=len(year) / 2)
    assert year["first_visits"].sum() == pytest.approx(frames["effort"]["first_visits"].sum(), abs=len(year) / 2)
    assert year["spend"].sum() == pytest.approx(frames["budget"]["spend"].sum(), abs=len(year) / 2)


def test_people_are_whole_and_believable(telecom: Told) -> None:
    """Proves: nobody sees more clients than visits, or fewer than one where there is a visit; longer periods never see fewer."""
    table = telecom.actions
    assert (table["visits_past"] + table["visits_future"] == table["first_visits"]).all()
    assert (table["old_clients"] <= table["return_visits"]).all()
    assert ((table["old_clients"] > 0) == (table["return_visits"] > 0)).all()
    assert (table["clients_past"] + table["clients_future"] >= table[["new_clients", "first_visits"]].max(axis=1)).all()
    assert (table["clients_past"] + table["clients_future"] <= table["new_clients"] + table["first_visits"]).all()
    numbers = table[[c for c in table.columns[3:-1] if not c.startswith("commission")]]
    assert (numbers >= 0).all(axis=None)
    year = table[table["kind"] == "year"].set_index("rep")["old_clients"]
    most = table[table["kind"] == "month"].groupby("rep")["old_clients"].max()
    assert (year >= most).all()


def test_idle_reps_have_nothing_to_do(tmp_path: Path) -> None:
    """Proves: a rep without clients, a plan without quotas, prospects or lines give zeros, not errors."""
    model = small(tmp_path / "m", "months: 3\n", reps="rep,unit\nann,north\nidle,north\n")
    frames = expected_plan(model)
    frames["quotas"] = frames["quotas"].iloc[:0]
    table = actions(model, frames)
    idle = table[table["rep"] == "idle"]
    assert len(idle) == 1 + 1 + 3 + 9 + 14
    assert (idle.iloc[:, 3:-1] == 0).all(axis=None)
    assert (table["quota"] == 0).all()
    assert set(contracts(model, frames)["rep"]) == {"ann"}


@pytest.mark.parametrize("seed", range(20))
def test_steps_are_dealt_and_never_taken_back(seed: int) -> None:
    """Proves: parts add up to the total after every day, never fall, get nothing of what they have none of, and stay near their share."""
    rng = np.random.default_rng(seed)
    shape = (20, int(rng.integers(1, 10)), int(rng.integers(1, 60)))
    daily = rng.random(shape) * rng.choice([0.05, 0.3, 1, 5], (*shape[:2], 1)) * (rng.random(shape) < 0.6)
    daily[:, rng.random(shape[1]) < 0.2] = 0
    exact = daily.cumsum(axis=2)
    total = nearest(exact.sum(axis=1))
    parts = deal(total, exact)
    assert (parts.sum(axis=1) == total).all()
    assert (np.diff(parts, axis=2, prepend=0) >= 0).all()
    assert (parts[exact[:, :, -1] == 0] == 0).all()
    assert np.abs(parts - exact).max() < 2


def test_a_total_that_falls_is_dealt_all_the_same() -> None:
    """Proves: credit notes of before the plan, which take money back, neither hang nor break the sum."""
    exact = np.array([[[2.0, 1.0, 3.0], [1.0, 1.0, 1.0]]])
    total = np.array([[3, 2, 4]])
    assert (deal(total, exact).sum(axis=1) == total).all()
