"""Published quotas: near the exact ones, pins to the minor unit, every total the sum of its parts."""

from __future__ import annotations

import os
import time
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from oracles.sums import Organisation, add_up, disorder, missed_pins, widest, wrong_units
from random_trees import RandomTree, random_tree

from allocator.model import Model, Settings
from allocator.rounding import round_quotas, rounding_findings
from allocator.units import units_table

PROOF = bool(os.environ.get("ALLOCATOR_PROOF"))
ALLOWED = {
    "month": 2, "quarter": 2, "year": 2, "product month": 2, "product quarter": 5, "product year": 5,
}  # fmt: skip


def organisation(model: Model) -> Organisation:
    """Return who belongs to whom, as plain dictionaries."""
    units, reps, calendar = model["units"], model["reps"], model.calendar
    return Organisation(
        dict(zip(units["unit"], units["parent"], strict=True)),
        dict(zip(reps["rep"], reps["unit"], strict=True)),
        dict(zip(calendar.months, calendar.quarters, strict=True)),
    )


def published(tree: RandomTree) -> pd.DataFrame:
    """Return the tree's quotas with what is published."""
    return tree.quotas.assign(quota=round_quotas(tree.model, tree.quotas))


def check(tree: RandomTree) -> Counter[str]:
    """Assert all that must hold always, and return the kinds of totals outside their allowance."""
    model, people = tree.model, organisation(tree.model)
    quotas = published(tree)
    rounding, sums = model.settings.rounding, add_up(quotas, people)
    assert disorder(quotas) == []
    assert missed_pins(sums, model["pins"], people) == []
    assert wrong_units(units_table(model, quotas), quotas, people, model.settings.hedge) == []
    error = widest(sums, rounding)
    wide = Counter(kind for kind, most in ALLOWED.items() if error.get(kind, 0.0) >= most)
    assert bool(wide) == bool(rounding_findings(model, quotas)), error
    if model["pins"].empty:
        assert not wide, error
        assert (np.rint(quotas["quota"] * 100) % round(rounding * 100) == 0).all()
    return wide


@pytest.mark.parametrize("first", [0, *(pytest.param(n, marks=pytest.mark.long) for n in range(50, 500, 50))])
def test_random_trees(first: int) -> None:
    """500 trees: levels in order, pins to the cent, sums exact; totals within the allowance, those with pins too."""
    wide = [seed for seed in range(first, first + 50) if check(random_tree(seed))]
    assert wide == []


def test_large_tree() -> None:
    """A tree of 300 reps with all products and months keeps the same."""
    assert not check(random_tree(4, reps=300))


def check_a_thousand_reps(seed: int) -> None:
    """Trees of 1,000 reps × 8 products × 12 months keep the same, in at most 2 s where nothing is pinned."""
    tree = random_tree(seed, reps=1000)
    start = time.process_time()
    round_quotas(tree.model, tree.quotas)
    took = time.process_time() - start
    assert not check(tree)
    assert took <= (2 if tree.model["pins"].empty else 8)


if PROOF:  # the long mode
    test_trees_of_a_thousand_reps = pytest.mark.parametrize("seed", range(1000, 1030))(check_a_thousand_reps)


def small(rounding: float = 100, pins: str = "", hedge: dict[str, float] | None = None) -> Model:
    """Return two teams of two reps under a company, two products, three months; pins: lines of unit,rep,product,period,level,amount."""
    tables = {
        "reps": pd.DataFrame({"rep": ["a", "b", "c", "d"], "unit": ["n", "n", "s", "s"]}),
        "products": pd.DataFrame({"product": ["p", "q"]}),
        "units": pd.DataFrame({"unit": ["all", "n", "s"], "parent": ["", "all", "all"], "kind": ["company", "team", "team"]}),
        "calendar": pd.DataFrame({"date": pd.to_datetime([]), "working": np.zeros(0, bool)}),
        "pins": pd.DataFrame(
            [line.split(",") for line in pins.split()],
            columns=["unit", "rep", "product", "period", "level", "amount"],
        ).astype({"amount": float}),
    }  # fmt: skip
    return Model("small", Settings(start="2026-01", months=3, rounding=rounding, hedge=hedge or {}), tables)


def rows(amounts: dict[str, float], model: Model, *, level: str = "base") -> pd.DataFrame:
    """Rows of a level: each rep's amount of each product in each month."""
    home = dict(zip(model["reps"]["rep"], model["reps"]["unit"], strict=True))
    return pd.DataFrame(
        [
            (rep, home[rep], product, month, level, amount)
            for rep, amount in amounts.items()
            for product in ("p", "q")
            for month in model.calendar.months
        ],
        columns=["rep", "unit", "product", "month", "level", "exact"],
    )


def test_multiples_stay() -> None:
    """What is a multiple already is published as it is, with noise of the arithmetic; 200 and not 300 for 200.0000001."""
    model = small()
    quotas = rows({"a": 200.0000001, "b": 0.0, "c": 299.9999999, "d": 1e9}, model)
    assert round_quotas(model, quotas).tolist() == np.rint(quotas["exact"]).tolist()


def test_round_company_number_stays() -> None:
    """The company's quarter, 4 × 2 × 3 × 62.5 = 1,500, is published as 1,500: cells rounded alone would give 2,400."""
    model = small()
    quota = round_quotas(model, rows(dict.fromkeys("abcd", 62.5), model))
    assert quota.sum() == 1500
    assert set(quota) == {0.0, 100.0}


def test_levels_that_ask_the_same_publish_the_same() -> None:
    """Where stretch asks no more than base, it is not rounded higher."""
    model = small()
    base = rows({"a": 130.0, "b": 270.0, "c": 310.0, "d": 333.0}, model)
    quotas = pd.concat([base, base.assign(level="stretch")], ignore_index=True)
    quota = round_quotas(model, quotas)
    assert quota[: len(base)].tolist() == quota[len(base) :].tolist()


def test_pin_that_is_no_multiple_holds_in_one_cell() -> None:
    """A pin of 1,234.56 over a team's product: one cell is no multiple of 100, all the others are."""
    model = small(pins="n,,p,,base,1234.56")
    quotas = rows({"a": 205.76, "b": 205.76, "c": 300.0, "d": 300.0}, model)
    quota = round_quotas(model, quotas)
    cut = (quotas["unit"] == "n") & (quotas["product"] == "p")
    assert round(quota[cut].sum(), 2) == 1234.56
    assert (quota % 100 != 0).sum() == 1


def test_crossing_pins_hold() -> None:
    """Pins of a rep, a product and a month cross, are no multiples, and stand at two levels."""
    pins = ",a,,,base,600.6 ,,p,,base,1100.05 ,,,2026-02,base,750.55 n,,,2026-Q1,stretch,1290.11 ,a,p,2026-02,stretch,111.11"
    model = small(pins=pins)
    base = rows(dict.fromkeys("abcd", 0.0), model)
    a, p, feb = (base[c] == v for c, v in (("rep", "a"), ("product", "p"), ("month", "2026-02")))
    base["exact"] = np.select(
        [a & p & feb, a & p, a & feb, a, p & feb, p, feb], [100.1, 100.1, 100.1, 100.1, 88.86, 88.86, 94.59], 95.0
    )
    base.loc[p & ~a, "exact"] = (1100.05 - 300.3) / 9
    base.loc[feb & ~a & ~p, "exact"] = (750.55 - 200.2 - 3 * (1100.05 - 300.3) / 9) / 3
    stretch = base.assign(level="stretch", exact=base["exact"])
    north = stretch["unit"] == "n"
    stretch.loc[a & p & feb, "exact"] = 111.11
    rest = north & ~(a & p & feb)
    stretch.loc[rest, "exact"] *= (1290.11 - 111.11) / stretch.loc[rest, "exact"].sum()
    quotas = pd.concat([base, stretch], ignore_index=True)
    quotas["quota"] = round_quotas(model, quotas)
    people = organisation(model)
    assert missed_pins(add_up(quotas, people), model["pins"], people) == []
    assert disorder(quotas) == []
    assert rounding_findings(model, quotas) == []


def test_pins_that_no_cents_can_hold_are_said() -> None:
    """Three pins of months of 0.01 each and one of the quarter of 0.04 cannot hold; the finding says which and by how much."""
    model = small(pins=",a,,2026-01,base,300 ,a,,2026-02,base,300 ,a,,2026-03,base,300 ,a,,,base,900.01")
    quotas = rows({"a": 150.0, "b": 100.0, "c": 100.0, "d": 100.0}, model)
    found = rounding_findings(model, quotas.assign(quota=round_quotas(model, quotas)))
    assert [f.rule for f in found] == ["rounding"]
    assert "a" in found[0].says


def test_past_months_stay() -> None:
    """Rows marked as fixed are published as they are, and a pin over them and free months still holds."""
    model = small(pins=",a,,,base,900.5")
    quotas = rows({"a": 150.0, "b": 120.0, "c": 180.0, "d": 140.0}, model)
    past = quotas["month"] == "2026-01"
    quotas.loc[past, "exact"] = 123.45
    a = quotas["rep"] == "a"
    quotas.loc[a & ~past, "exact"] = (900.5 - 2 * 123.45) / 4
    quota = round_quotas(model, quotas.assign(fixed=past))
    assert (quota[past] == 123.45).all()
    assert round(quota[a].sum(), 2) == 900.5
    assert (quota[~past] % 100 != 0).sum() == 1


def test_order_of_rows_changes_nothing() -> None:
    """The same rows, reps and units in another order are published with the same numbers."""
    tree = random_tree(1, reps=40)
    order = np.random.default_rng(0).permutation(len(tree.quotas))
    tables = {name: table.iloc[::-1].reset_index(drop=True) for name, table in tree.model.tables.items()}
    other = Model("other", tree.model.settings, tables)
    straight = round_quotas(tree.model, tree.quotas)
    assert round_quotas(other, tree.quotas.iloc[order])[np.argsort(order)].tolist() == straight.tolist()


def test_findings_name_the_widest_totals_and_count_the_rest() -> None:
    """Published numbers that are 3 roundings off everywhere: ten lines, the company's year first, and a count."""
    model = small()
    quotas = rows(dict.fromkeys("abcd", 1000.0), model).assign(quota=1300.0)
    found = rounding_findings(model, quotas)
    assert len(found) == 11
    assert {f.severity for f in found} == {"note"}
    assert "31,200.00" in found[0].says
    assert "72.0 times" in found[0].says
    assert rounding_findings(model, quotas.assign(quota=1000.0)) == []


def test_units_owe_less_than_they_are_assigned() -> None:
    """Teams hedge by 5 %: 205 assigned, 195.24 owed (205 ÷ 1.05 = 195.238); the company is assigned 390.48 and owes it."""
    model = small(hedge={"team": 0.05})
    quotas = rows({"a": 100.0, "b": 105.0, "c": 100.0, "d": 105.0}, model)
    table = units_table(model, quotas.assign(quota=quotas["exact"]))
    assert list(table.columns) == ["unit", "kind", "product", "month", "level", "assigned", "owed"]
    one = table[(table["product"] == "p") & (table["month"] == "2026-01")].set_index("unit")
    assert one.loc["n", ["assigned", "owed"]].tolist() == [205.0, 195.24]
    assert one.loc["all", ["assigned", "owed"]].tolist() == [390.48, 390.48]
    assert len(table) == 3 * 2 * 3


def test_nothing_to_round() -> None:
    """Without quotas there is nothing to publish, to find or to add up."""
    model = small()
    quotas = rows({}, model)
    assert len(round_quotas(model, quotas)) == 0
    assert rounding_findings(model, quotas.assign(quota=0.0)) == []
    assert units_table(model, quotas.assign(quota=0.0)).empty
