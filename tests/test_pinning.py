"""Contradictions among pins, floors and caps, told with the arithmetic before anything is solved."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import scipy.optimize
from small_model import TABLES, write_small_model

from allocator.arithmetic import arithmetic
from allocator.engines import engine as find_engine
from allocator.errors import Finding
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.pinning import Book, Statement, split
from allocator.reading import load
from allocator.texts import in_language

HEADING = "unit,rep,product,period,level,amount\n"


def _model(folder: Path, pins: str, **tables: str) -> Model:
    changes = {"pins.csv": HEADING + pins, **{f"{name}.csv": text for name, text in tables.items()}}
    return load(write_small_model(folder / "small", changes))


def _found(folder: Path, pins: str, **tables: str) -> list[Finding]:
    with in_language("en"):
        found = [f for f in arithmetic(_model(folder, pins, **tables)) if f.rule == "pins"]
    assert {f.severity for f in found} <= {"error"}
    return found


def _said(folder: Path, pins: str, **tables: str) -> list[str]:
    return [
        f.says.partition('": ')[2].removesuffix(" Change one of these numbers.") for f in _found(folder, pins, **tables)
    ]


def test_parts_over_their_total(tmp_path: Path) -> None:
    """Ann and Bob are the North: 60,000 + 500,000 is 60,000 more than the 500,000 pinned there."""
    pins = "north,,,2026,base,500000\n,ann,,2026,base,60000\n,bob,,,base,500000\n"
    (found,) = _found(tmp_path, pins)
    assert (found.table, found.column, found.value) == ("pins.csv", "amount", "500000")
    assert "north, 2026: 500,000; its parts: ann, 2026 60,000 + bob 500,000 = 560,000: 60,000 too much." in found.says


def test_parts_that_cannot_make_up_their_total(tmp_path: Path) -> None:
    """Ann and Bob are all of the North, so their 60,000 + 400,000 leave 40,000 of its 500,000 to nobody."""
    pins = "north,,,,base,500000\n,ann,,,base,60000\n,bob,,,base,400000\n"
    assert _said(tmp_path, pins) == [
        "north: 500,000; all of its parts: ann 60,000 + bob 400,000 = 460,000: 40,000 too little."
    ]


def test_parts_that_leave_a_rest_contradict_nothing(tmp_path: Path) -> None:
    """Ann's first quarter within the North's year leaves Bob and three quarters for the rest, floor and cap included."""
    assert _found(tmp_path, "north,,,,base,500000\n,ann,,2026-Q1,base,60000\n") == []
    assert _found(tmp_path / "b", ",bob,,,base,900000\n,bob,lite,,base,900000\n") == []


def test_all_parts_are_told_and_not_just_enough(tmp_path: Path) -> None:
    """Any one quarter of 40 exceeds the year of 30; told is that the four make 160, so 130 too much."""
    pins = ",ann,,,base,30\n" + "".join(f",ann,,2026-Q{q},base,40\n" for q in (1, 2, 3, 4))
    says = (
        "ann: 30; its parts: ann, 2026-Q1 40 + ann, 2026-Q2 40 + ann, 2026-Q3 40 + ann, 2026-Q4 40 = 160: 130 too much."
    )
    assert _said(tmp_path, pins) == [says]


def test_many_parts_are_counted(tmp_path: Path) -> None:
    """Twelve months of 10 against a year of 60: seven are named, five counted, and the sum is of all."""
    pins = ",ann,,,base,60\n" + "".join(f",ann,,2026-{m:02d},base,10\n" for m in range(1, 13))
    (says,) = _said(tmp_path, pins)
    assert says.endswith("ann, 2026-07 10 + 5 more = 120: 60 too much.")


@pytest.mark.parametrize(
    ("pin", "says"),
    [
        ("900001", "bob: 900,001 does not fit into quota_max of bob: 900,000: 1 too much."),
        ("99999.5", "quota_min of bob: 100,000 does not fit into bob: 99,999.5: 0.5 too much."),
    ],
)
def test_pin_against_floor_and_cap(pin: str, says: str, tmp_path: Path) -> None:
    """A pinned year over the rep's cap or under his floor is told at the pin, which was written later."""
    (found,) = _found(tmp_path, f",bob,,,base,{pin}\n")
    assert says in found.says
    assert (found.table, found.value) == ("pins.csv", pin)


def test_floor_and_cap_bind_the_year_of_base_only(tmp_path: Path) -> None:
    """A quarter under the floor, a stretch over the cap and another rep's year are no contradictions."""
    pins = ",bob,,2026-Q1,base,90000\n,bob,,,stretch,950000\n,ann,,,base,990000\n"
    assert _found(tmp_path, pins) == []


def test_cap_against_several_pins(tmp_path: Path) -> None:
    """Two quarters, each within the cap of 900,000, exceed it together: told at the cap."""
    (found,) = _found(tmp_path, ",bob,,2026-Q1,base,600000\n,bob,,2026-Q2,base,500000\n")
    assert (found.table, found.column) == ("reps.csv", "quota_max")
    assert "bob, 2026-Q1 600,000 + bob, 2026-Q2 500,000 = 1,100,000: 200,000 too much." in found.says


def test_levels_one_above_the_other(tmp_path: Path) -> None:
    """A stretch of 90 under a base of 100, and a ceiling of the North of 80 under that stretch: both are told."""
    pins = ",ann,,,base,100\n,ann,,,stretch,90\n,ann,,,ceiling,80\n"
    hint = " Base may not be above stretch, nor stretch above the ceiling."
    assert set(_said(tmp_path, pins)) == {
        "ann, base: 100 does not fit into ann, ceiling: 80: 20 too much." + hint,
        "ann, base: 100 does not fit into ann, stretch: 90: 10 too much." + hint,
        "ann, stretch: 90 does not fit into ann, ceiling: 80: 10 too much." + hint,
    }
    assert _found(tmp_path / "b", ",ann,,,base,100\n,ann,,,stretch,100\n,ann,,,ceiling,120\n") == []


def test_base_of_the_parts_against_the_ceiling_of_the_whole(tmp_path: Path) -> None:
    """Bob's floor of 100,000 holds at base, so the North cannot have a ceiling of 80,000."""
    (says,) = _said(tmp_path, "north,,,,ceiling,80000\n")
    assert says.startswith("quota_min of bob, base: 100,000 does not fit into north, ceiling: 80,000: 20,000 too much.")


def test_overlapping_pins(tmp_path: Path) -> None:
    """Lite 5 and January 5 share Lite's January, pinned at 1: they need 9, but the year is 8."""
    pins = ",ann,lite,,base,5\n,ann,,2026-01,base,5\n,ann,,,base,8\n,ann,lite,2026-01,base,1\n"
    assert _said(tmp_path, pins) == [
        "ann, 2026-01 5 + ann, lite 5 = 10, but all of it lies within ann 8 + ann, lite, 2026-01 1 = 9: 1 too much."
    ]
    assert _found(tmp_path / "b", pins.replace("base,8", "base,9")) == []


def test_independent_contradictions_are_all_told(tmp_path: Path) -> None:
    """Ann's months, Bob's cap, Cy's empty last quarter and the company's products contradict apart from each other."""
    pins = (
        ",ann,,2026-Q1,base,10\n,ann,,2026-01,base,11\n,bob,,,base,900001\n,cy,,2026-Q4,stretch,5\n"
        ",,box,2026-06,ceiling,7\n,cy,box,2026-06,ceiling,8\n"
    )
    assert sorted(_said(tmp_path, pins)) == [
        "ann, 2026-01: 11 does not fit into ann, 2026-Q1: 10: 1 too much.",
        "bob: 900,001 does not fit into quota_max of bob: 900,000: 1 too much.",
        "cy, 2026-Q4: 5, but nobody is in post there. Remove it, or name others or another period.",
        "cy, box, 2026-06, ceiling: 8 does not fit into the company, box, 2026-06, ceiling: 7: 1 too much.",
    ]


def test_a_cent_counts_and_rounding_of_doubles_does_not(tmp_path: Path) -> None:
    """Three thirds of a million miss it by a cent, which is told; 0.1 + 0.2 against 0.3 is not."""
    third = "333333.33"
    pins = f",ann,,,base,{third}\n,bob,,,base,{third}\n,cy,,,base,{third}\n,,,,base,1000000\n"
    (says,) = _said(tmp_path, pins)
    assert says.endswith("= 999,999.99: 0.01 too little.")
    months = ",ann,,2026-Q1,base,0.6\n,ann,,2026-01,base,0.1\n,ann,,2026-02,base,0.2\n,ann,,2026-03,base,0.3\n"
    assert _found(tmp_path / "b", months) == []


def test_floor_of_a_rep_who_is_not_there(tmp_path: Path) -> None:
    """A floor of a rep who left before the plan cannot be asked of anybody."""
    reps = TABLES["reps"].replace(
        "cy,Cy,south,junior,,2026-09-30,8,soft,,,", "cy,Cy,south,junior,,2025-09-30,8,soft,,70,"
    )
    (found,) = _found(tmp_path, "", reps=reps)
    assert (found.table, found.column) == ("reps.csv", "quota_min")
    assert "quota_min of cy: 70, but nobody is in post there." in found.says


def test_every_engine_says_the_same(tmp_path: Path) -> None:
    """The contradiction of a total and its parts does not depend on the engine."""
    model = _model(tmp_path, "north,,,,base,500000\n,ann,,,base,60000\n,bob,,,base,500000\n")
    said = [
        [f.says for f in arithmetic(model, make_grain(model), engine=find_engine(name)) if f.rule == "pins"]
        for name in ("ortools", "highs", "pulp")
    ]
    assert said[0] == said[1] == said[2] != []


def test_split_tells_elements_apart_by_their_blocks() -> None:
    """Elements 0 and 3 lie in no block, 1 in both, 2 and 4 in one each."""
    number = split([np.array([1, 2]), np.array([1, 4])], 5)
    assert number[0] == number[3]
    assert len(set(number)) == 4


def _holds(statements: list[Statement], cells: int) -> bool:
    """Whether some quotas of three levels keep all statements, asked of scipy over the cells themselves."""
    matrix, bound = [], []
    for one in statements:
        row = np.zeros((3, cells))
        row[one.level, one.cells] = -one.side
        matrix.append(row.ravel())
        bound.append(-one.side * one.amount)
    for level in (0, 1):
        for cell in range(cells):
            row = np.zeros((3, cells))
            row[level, cell], row[level + 1, cell] = 1.0, -1.0
            matrix.append(row.ravel())
            bound.append(0.0)
    return bool(scipy.optimize.linprog(np.zeros(3 * cells), np.array(matrix), bound).status == 0)


@pytest.mark.parametrize("seed", range(60))
def test_against_a_program_over_the_cells(seed: int) -> None:
    """On random statements: contradictions are told just when there are some, with their sums, and without those told the rest holds."""
    chance = random.Random(seed)
    statements = []
    for n in range(chance.randint(2, 9)):
        cells = np.array(sorted(chance.sample(range(6), chance.randint(1, 5))))
        amount, level = float(chance.randint(0, 9)), chance.choice([0, 0, 1, 2])
        sides = chance.choice([(1, -1), (1, -1), (1,), (-1,)])
        statements += [Statement("pins", n, "amount", f"s{n}", level, side, amount, cells) for side in sides]
    conflicts = Book(statements, find_engine("highs")).conflicts()
    assert bool(conflicts) == (not _holds(statements, 6))
    for conflict in conflicts:
        assert not _holds([statements[i] for i in (*conflict.at_least, *conflict.at_most)], 6)
        sums = [
            sum(n * statements[i].amount for i, n in side.items()) for side in (conflict.at_least, conflict.at_most)
        ]
        assert sums[0] - sums[1] == pytest.approx(conflict.gap)
        assert conflict.gap > 0
    told = {i for c in conflicts for i in (*c.at_least, *c.at_most)}
    assert _holds([s for i, s in enumerate(statements) if i not in told], 6)
