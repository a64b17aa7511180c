"""The funnel backwards, all of it worked out by hand."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from expected_plan import small

from allocator.formulation.grain import make_grain
from allocator.funnel import COLUMNS, funnel_table
from allocator.model import Model
from allocator.places import shipped_models
from allocator.reading import load

TABLES = {
    "reps": "rep,unit,grade,start,ramp_months\nann,east,senior,,\nbob,west,new,2026-01-01,1\n",
    "units": "unit,parent,kind\nall,,company\neast,all,region\nwest,all,region\n",
    "products": "product,family,contract_value,margin\nlite,soft,100,0.3\npro,hard,400,0.3\n",
    "clients": """\
client,tier,owner,status,count
k,A,ann,active,4
b,A,bob,active,1
p,A,ann,prospect,10
l,A,bob,lost,2
""",
    "demand": """\
client,product,expected,ceiling
k,lite,600,600
k,pro,1200,1200
b,lite,1200,1200
p,lite,300,300
l,lite,120,120
l,pro,200,200
""",
    "funnel": """\
channel,step,stage,conversion,days,minutes
visits,1,contact,0.5,7,60
visits,2,offer,0.4,14,90
online,1,lead,0.1,30,30
""",
}
"""Present clients buy 4 · 600 of lite and 4 · 1,200 of pro from ann, 1,200 of lite from bob (half of it in January: he is new)."""


def model_of(folder: Path, **tables: str) -> Model:
    """Return the model with other tables."""
    return small(folder, **(TABLES | tables))


def target(required: float, metric: str = "revenue", **other: str) -> dict[str, pd.DataFrame]:
    """Return the frame of one target without repetitions."""
    row = {"target": "t", "metric": metric, "level": "base", "period": "", "scope": "", "each": "", "bound": "at_least"}
    return {"targets": pd.DataFrame([row | other | {"required": required}])}


def test_revenue_backwards_by_hand(tmp_path: Path) -> None:
    """Proves: 3,000 of lite from ann takes two new clients of 300, five offers and ten first visits, or twenty leads.

    Present clients give 4 · 600 = 2,400, so 600 are to be won. If conversions were multiplied only once, ten would be five.
    """
    table = funnel_table(model_of(tmp_path / "m"), target(3000, scope="product=lite; rep=ann"))
    assert tuple(table.columns) == COLUMNS
    assert table[["channel", "stage", "entering", "hours"]].to_numpy().tolist() == [
        ["online", "lead", 20, 10],
        ["visits", "contact", 10, 10],
        ["visits", "offer", 5, 7.5],
    ]
    row = table.iloc[0]
    assert (row["required"], row["present_clients"], row["present_gives"], row["to_win"]) == (3000, 4, 2400, 600)
    assert (row["one_gives"], row["new_clients"], row["prospects"]) == (300, 2, 10)
    assert row["contracts_each"] == 6  # 600 ÷ 100
    assert row["present_needed"] == 5  # 3,000 ÷ 600: one more than there are
    assert (row["period"], row["step"], row["conversion"], row["days"]) == ("2026", 1, 0.1, 30)


def test_people_are_rounded_up(tmp_path: Path) -> None:
    """Proves: 601 to be won at 300 each takes three clients, not 2.003, and 3 ÷ 0.4 offers are eight; a last digit makes nobody."""
    model = model_of(tmp_path / "m")
    table = funnel_table(model, target(3001, scope="product=lite; rep=ann")).set_index("stage")
    assert table["new_clients"].tolist() == [3, 3, 3]
    assert table.loc["offer", "entering"] == 8
    assert funnel_table(model, target(3000 + 1e-7, scope="product=lite; rep=ann"))["new_clients"].iloc[0] == 2


def test_contracts_count_by_their_value(tmp_path: Path) -> None:
    """Proves: present clients of ann make 4 · (6 + 3) contracts; a prospect makes three, so nine more take three of them."""
    row = funnel_table(model_of(tmp_path / "m"), target(45, "contracts", scope="unit=east")).iloc[0]
    assert (row["present_gives"], row["contracts_each"], row["to_win"]) == (36, 9, 9)
    assert (row["one_gives"], row["new_clients"], row["present_needed"]) == (3, 3, 5)


def test_new_clients_are_all_to_be_won(tmp_path: Path) -> None:
    """Proves: of a target of new clients the present ones give nothing, and each new one counts one."""
    table = funnel_table(model_of(tmp_path / "m"), target(4, "new_clients")).set_index("stage")
    assert table["entering"].to_dict() == {"lead": 40, "contact": 20, "offer": 10}
    row = table.iloc[0]
    assert (row["present_clients"], row["present_gives"], row["to_win"], row["prospects"]) == (5, 0, 4, 12)
    assert np.isnan(row["contracts_each"])
    assert np.isnan(row["present_needed"])


def test_a_new_rep_sells_less(tmp_path: Path) -> None:
    """Proves: present clients of a rep in his first month give half (50 instead of 100); prospects are counted in full."""
    model = model_of(tmp_path / "m")
    january = funnel_table(model, target(250, period="2026-01", scope="unit=west")).iloc[0]
    assert january["present_gives"] == pytest.approx(50)
    # Lost clients of bob: (120 + 200) ÷ 12 a month each; 200 to win.
    assert january["one_gives"] == pytest.approx(320 / 12)
    assert january["new_clients"] == 8
    assert january["prospects"] == 2  # of whom there are two: the reader sees that it is too much
    assert january["period"] == "2026-01"


def test_every_repetition_stands_alone(tmp_path: Path) -> None:
    """Proves: of a target for each region and quarter every region has its clients; the company has those of both."""
    tables = {"targets": pd.concat([
        target(900, period="2026-Q2", scope="product=lite", each=f"unit={u}")["targets"] for u in ("all", "east", "west")
    ] + [target(7, "new_clients", each="rep=bob; month=2026-03", target="n")["targets"]], ignore_index=True)}  # fmt: skip
    table = funnel_table(model_of(tmp_path / "m"), tables)
    first = table.drop_duplicates(["target", "each"]).set_index("each")
    assert first["present_gives"].to_dict() == {
        "unit=all": 900,
        "unit=east": 600,
        "unit=west": 300,
        "rep=bob; month=2026-03": 0,
    }
    assert first["present_clients"].tolist() == [5, 4, 1, 1]
    assert first["prospects"].tolist() == [12, 10, 2, 2]
    assert first["new_clients"].tolist() == [0, 4, 20, 7]
    assert first["period"].tolist() == ["2026-Q2", "2026-Q2", "2026-Q2", "2026-03"]
    assert (table.groupby("each").size()[["unit=all", "unit=east"]] == [1, 3]).all()


@pytest.mark.parametrize(
    ("scope", "gives"),
    [
        ("family=hard", 4800),
        ("grade=new", 1150),
        ("region=west", 1150),
        ("status=active; tier=A", 8350),
        ("quarter=2026-Q1", 2050),
        ("month=2026-02", 700),
    ],
)
def test_scopes_hold_what_they_name(tmp_path: Path, scope: str, gives: float) -> None:
    """Proves: product, rep, unit, client and time filters each hold what they name and nothing else."""
    row = funnel_table(model_of(tmp_path / "m"), target(1, scope=scope)).iloc[0]
    assert row["present_gives"] == pytest.approx(gives)


def test_nothing_to_win_and_nobody_to_win(tmp_path: Path) -> None:
    """Proves: a target that present clients reach has one row and no channel; one without prospects leaves the number blank."""
    model = model_of(tmp_path / "m")
    met = funnel_table(model, target(2400, scope="product=lite; rep=ann"))
    assert met[["to_win", "new_clients", "channel", "stage"]].to_numpy().tolist() == [[0, 0, "", ""]]
    nobody = funnel_table(model, target(9000, scope="product=pro; rep=ann"))
    assert len(nobody) == 1
    assert nobody["to_win"].iloc[0] == 4200
    assert nobody[["one_gives", "new_clients", "entering"]].isna().all(axis=None)
    no_funnel = funnel_table(small(tmp_path / "n", **{n: t for n, t in TABLES.items() if n != "funnel"}), target(9000))
    assert no_funnel[["channel", "new_clients"]].to_numpy().tolist() == [["", 3]]


def test_only_clients_with_an_owner_can_be_won(tmp_path: Path) -> None:
    """Proves: prospects whom nobody may take are none: only those of reps count."""
    reps = (
        TABLES["reps"]
        .replace("ramp_months", "ramp_months,families")
        .replace(",,\n", ",,,soft\n")
        .replace("01,1", "01,1,soft")
    )
    clients = TABLES["clients"] + "q,A,,prospect,50\n"
    model = model_of(tmp_path / "m", reps=reps, clients=clients, demand=TABLES["demand"] + "q,pro,100,100\n")
    assert funnel_table(model, target(4, "new_clients"))["prospects"].iloc[0] == 12


def test_only_base_targets_of_money_and_people_are_told(tmp_path: Path) -> None:
    """Proves: shares, upper bounds, other levels and other metrics are left out; without any target the table is empty."""
    targets = (
        "target,metric,at_least,at_most,share_of\nt,revenue,3000,9000,\nshare,revenue,0.5,,revenue: product=lite\n"
    )
    model = model_of(tmp_path / "m", targets=targets)
    others = [
        target(9000, bound="at_most"),
        target(3300, level="stretch"),
        target(3000, "profit"),
        target(4000, target="share", scope="product=lite"),
    ]
    frame = pd.concat([o["targets"] for o in others], ignore_index=True)
    empty = funnel_table(model, {"targets": frame})
    assert empty.empty
    assert tuple(empty.columns) == COLUMNS


def test_telecom_is_quick_and_right() -> None:
    """Proves: every target of the carrier goes backwards in well under a second, and the company's is the plain sum of its clients."""
    model = load(shipped_models()["telecom"])
    rows = model["targets"].query("share_of == '' and at_least == at_least")
    frame = rows[["target", "metric", "level", "period", "scope"]].assign(
        each="", bound="at_least", required=rows["at_least"]
    )
    grain = make_grain(model)
    started = time.process_time()
    table = funnel_table(model, {"targets": frame}, grain)
    assert time.process_time() - started < 1.0
    demand = model["demand"].merge(model["clients"], on="client")
    money = demand[["expected", "ceiling"]].min(axis=1) * demand["count"]
    ramped = grain.ramp[(grain.groups["status"] == "active").to_numpy()].min()
    company = table[table["target"] == "revenue"].iloc[0]
    active = demand["status"] == "active"
    assert ramped * money[active].sum() <= company["present_gives"] <= money[active].sum()
    prospects = model["clients"].query("status != 'active'")["count"].sum()
    assert company["prospects"] == prospects
    assert company["one_gives"] == pytest.approx(money[~active].sum() / prospects)
