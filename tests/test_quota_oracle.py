"""The quota program against pencil and paper, the oracle's and the engine's: three levels, hedge, pins, ceilings, fair shares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from oracles import Infeasible, quota_goals
from pencil import forecast, quota_values, tiny
from tight_models import Rows

from allocator.model import Model

MONTHS = ("2026-03", "2026-04")
EVEN = forecast(*((r, "p", m, 500) for r in "rs" for m in MONTHS))
"""Both reps sell 1,000, half of it each month."""


def two_reps(folder: Path, tables: dict[str, Rows] | None = None, **changes: Any) -> Model:
    """Two reps of one unit with a client each, of ceilings 3,000 and 1,000; 1,600 are asked for."""
    base: dict[str, Rows] = {
        "reps": [{"rep": r, "unit": "u"} for r in "rs"],
        "clients": [{"client": c, "tier": "A", "owner": r} for c, r in ("cr", "ds")],
        "demand": [
            {"client": "c", "product": "p", "expected": 1000, "ceiling": 3000},
            {"client": "d", "product": "p", "expected": 1000, "ceiling": 1000},
        ],
        "targets": [revenue(1600)],
    }
    return tiny(folder, base | (tables or {}), **changes)


def revenue(at_least: float, level: str = "base", **more: Any) -> dict[str, Any]:
    """Row of a target on revenue; its code is the level and the cut."""
    cut = {"period": "", "scope": "", "each": "", "share_of": ""} | more
    code = " ".join([level, *map(str, cut.values())])
    return {"target": code, "metric": "revenue", "level": level, "at_least": at_least} | cut


def check(model: Model, sold: pd.DataFrame = EVEN, **expected: float) -> None:
    """Compare some goals of the quota programs with values found by pencil, a name's blanks as underscores."""
    values = {name.replace("_", " "): value for name, value in expected.items()}
    for found in (quota_goals(model, sold), quota_values(model, sold)):
        assert {name: found[name] for name in values} == pytest.approx(values, rel=1e-6, abs=1e-6), found


def test_three_levels_stay_below_the_forecast_and_near_their_share(tmp_path: Path) -> None:
    """1,600 are asked of forecasts of 1,000 each; fair is three to one, but r can only carry 1,000, so s carries the rest.

    Band 0.1. Base: fair 1,200 and 400; r is 200 from his share, 120 allowed: 80; s 200, 40 allowed: 160. The unit is all of
    the company: 0. Stretch, 1.1 times as much, 1,760: fair 1,320 and 440; r 1,000: 320 − 132; s 760: 320 − 44; together 464.
    Ceiling, 1.2 times base, 1,920: r may rise to his market of 3,000, s keeps 760: fair 1,440 and 480; r 1,160: 280 − 144;
    s: 280 − 48; together 368. Were the ceiling 1.2 times the stretch, its total would be 2,112.
    """
    names = ("beyond", "gap 1 largest", "gap 1 sum", "total", "unfair", "peak")
    values = {"base": (0, 0, 0, 1600, 240, 0), "stretch": (0, 0, 0, 1760, 464, 0), "ceiling": (0, 0, 0, 1920, 368, 0)}
    expected = {f"{level} {n}": v for level, of in values.items() for n, v in zip(names, of, strict=True)}
    for found in (quota_goals(two_reps(tmp_path), EVEN), quota_values(two_reps(tmp_path), EVEN)):
        assert list(found) == list(expected)
        assert found == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_a_target_that_no_quota_reaches_is_a_gap(tmp_path: Path) -> None:
    """What is asked of a rep without a forecast is missing in full at base and stretch; at the ceiling his market gives it."""
    model = two_reps(tmp_path, {"targets": [revenue(500, scope="rep=s")]})
    expected = {"base_gap_1_largest": 1, "base_total": 0, "stretch_gap_1_largest": 1, "ceiling_gap_1_largest": 0}
    check(model, forecast(("r", "p", "2026-03", 800)), **expected, ceiling_total=600)


def test_quota_gap_and_pin(tmp_path: Path) -> None:
    """A pin above the forecast goes beyond it, the least; what no forecast carries is a gap.

    r is pinned to 1,300 at base, 300 beyond his forecast; s carries 1,000. Wanted 2,500: gap 200 of 2,500. At stretch 2,750
    are wanted and r keeps his 300 beyond, for base is the least that stretch may be; more beyond would be the first to be
    avoided, so 450 of 2,750 are missing. The ceiling of 3,000 is r's market and s's 1,000: 2,000 and 1,000 with nothing beyond.
    """
    pins = [{"rep": "r", "level": "base", "amount": 1300}]
    model = two_reps(tmp_path, {"pins": pins, "targets": [revenue(2500)]})
    check(model, base_beyond=300, base_gap_1_largest=0.08, base_total=2300)
    check(model, stretch_beyond=300, stretch_gap_1_largest=450 / 2750, stretch_total=2300)
    check(model, ceiling_beyond=0, ceiling_gap_1_largest=0, ceiling_total=3000)


def test_a_stretch_pin_holds_base_down(tmp_path: Path) -> None:
    """Rep r is pinned to 700 at stretch, so base may ask him for no more, and s carries 900 of 1,600.

    Base: fair 1,200 and 400; r 500 − 120 away, s 500 − 40: 840; without the pin 240. Stretch: 1,760 wanted, r 700 and s
    1,000: 60 of 1,760 missing. Ceiling: 1,920, r is free again.
    """
    model = two_reps(tmp_path, {"pins": [{"rep": "r", "level": "stretch", "amount": 700}]})
    check(model, base_beyond=0, base_gap_1_largest=0, base_total=1600, base_unfair=840)
    check(model, stretch_gap_1_largest=60 / 1760, stretch_total=1700, ceiling_gap_1_largest=0, ceiling_total=1920)


def test_a_ceiling_pin_holds_all_below_it_down(tmp_path: Path) -> None:
    """The March of unit u is pinned to 500 at the ceiling: base and stretch may ask no more, April carries the forecast of 1,000."""
    pins = [{"unit": "u", "product": "p", "period": "2026-03", "level": "ceiling", "amount": 500}]
    model = two_reps(tmp_path, {"pins": pins})
    check(model, base_gap_1_largest=100 / 1600, base_total=1500, stretch_total=1500, ceiling_total=1920)


def test_pins_of_two_levels_contradict_each_other(tmp_path: Path) -> None:
    """What is pinned at base is more than what is pinned at stretch: nothing can be asked."""
    pins = [{"rep": "r", "level": level, "amount": amount} for level, amount in (("base", 800), ("stretch", 700))]
    for asked in (quota_goals, quota_values):
        with pytest.raises(Infeasible):
            asked(two_reps(tmp_path, {"pins": pins}), EVEN)


@pytest.mark.parametrize(
    ("cut", "at_least", "total"),
    [
        ({}, 1000, 1155),
        ({"scope": "unit=co"}, 1000, 1155),
        ({"scope": "product=p"}, 1000, 1155),
        ({"scope": "unit=u"}, 1000, 1100),
        ({"scope": "unit=u, co"}, 1000, 1155),
        ({"each": "team"}, 1000, 1100),
        ({"scope": "unit=co", "each": "team"}, 1000, 1100),
        ({"each": "unit"}, 1000, 1155),
        ({"scope": "rep=r"}, 800, 800),
        ({"each": "rep"}, 400, 800),
        ({"scope": "unit=u", "each": "rep"}, 400, 800),
    ],
)
def test_hedge_of_two_levels(cut: dict[str, str], at_least: float, total: float, tmp_path: Path) -> None:
    """Teams are asked 10 % more than they owe, the company 5 % more: who a target names owes what it asks for.

    A target of the company takes 1.05 · 1.1 times as much of the reps (not 1.15), one of a team 1.1, one of reps what it
    says. Among alternatives the higher unit owes; a team within the company owes as a team. A pin is the sum of quotas.
    """
    units = [{"unit": u, "parent": p, "kind": k} for u, p, k in (("co", "", "company"), ("u", "co", "team"))]
    tables: dict[str, Rows] = {"units": units, "targets": [revenue(at_least, **cut)]}
    hedge = {"company": 0.05, "team": 0.1}
    levels = {"stretch": 1.2, "ceiling": 1.5}
    check(
        two_reps(tmp_path / "a", tables, hedge=hedge, levels=levels),
        base_total=total, stretch_total=1.2 * total, ceiling_total=1.5 * total, base_gap_1_largest=0,
    )  # fmt: skip
    pinned = tables | {"pins": [{"unit": "co", "level": "base", "amount": 990}], "targets": [revenue(1000)]}
    check(two_reps(tmp_path / "b", pinned, hedge=hedge), base_total=990, base_gap_1_largest=1 - 990 / 1.155 / 1000)


def test_a_share_is_of_what_is_owed(tmp_path: Path) -> None:
    """The quota of r is to be 70 % of what the company owes of all: with a hedge of 25 % 0.7 · 1,000 of quotas of 1,250.

    r would be asked for 25 % of it for fairness, with the share he carries 700: |700 − 312.5| + |550 − 937.5| = 775. Were
    the share of the quotas themselves, r would carry 875: 1,125.
    """
    demand = [{"client": c, "product": "p", "expected": 1000, "ceiling": x} for c, x in (("c", 1000), ("d", 3000))]
    units = [{"unit": "u", "parent": "", "kind": "company"}]
    tables: dict[str, Rows] = {"demand": demand, "units": units}
    tables["targets"] = [revenue(1000), revenue(0.7, scope="rep=r", share_of="revenue")]
    model = two_reps(tmp_path, tables, hedge={"company": 0.25}, fairness={"band": 0})
    check(model, base_total=1250, base_unfair=775, base_gap_1_sum=0)


def test_a_level_has_rows_of_its_own(tmp_path: Path) -> None:
    """The stretch asks for 1,200 by its own row, not 1.1 times base's 1,000, and for 1.1 times base's 600 in March.

    March's forecast is 620, April's 1,000: base 1,000 with nothing missing; stretch 40 of 660 missing, 1,200 in all. The
    ceiling has no row: 1,200 of base's 1,000, so stretch's 1,200 are enough; in March 100 more for base's 600.
    """
    sold = forecast(*((r, "p", m, x) for r in "rs" for m, x in zip(MONTHS, (310, 500), strict=True)))
    targets = [revenue(1000), revenue(600, period="2026-03"), revenue(1200, "stretch")]
    model = two_reps(tmp_path, {"targets": targets})
    check(model, sold, base_gap_1_largest=0, base_total=1000)
    check(model, sold, stretch_gap_1_largest=40 / 660, stretch_gap_1_sum=40 / 660, stretch_total=1200)
    check(model, sold, ceiling_gap_1_largest=0, ceiling_total=1300)


def test_shares_are_not_raised(tmp_path: Path) -> None:
    """Rep r is to carry 70 % of what is asked at every level: 700 of 1,000, and 770 of 1,100, not 77 %.

    Fair would be a quarter: 2 · 0.45 of the total is unfair at a band of 0.
    """
    demand = [{"client": c, "product": "p", "expected": 1000, "ceiling": x} for c, x in (("c", 1000), ("d", 3000))]
    targets = [revenue(1000), revenue(0.7, scope="rep=r", share_of="revenue")]
    model = two_reps(tmp_path, {"demand": demand, "targets": targets}, fairness={"band": 0})
    check(model, base_unfair=900, stretch_unfair=990, stretch_total=1100, stretch_gap_1_largest=0)


def test_without_a_target_the_forecast_is_asked(tmp_path: Path) -> None:
    """A level that wants nothing of revenue asks for the forecast, the ceiling for 1.3 times as much.

    With a row of its own the ceiling asks for that, 2,100, and base and stretch for the forecast as before.
    """
    visits = {"target": "v", "metric": "visits", "level": "base", "at_least": 1, "each": "", "scope": ""}
    levels = {"stretch": 1.1, "ceiling": 1.3}
    check(
        two_reps(tmp_path / "a", {"targets": [visits]}, levels=levels),
        base_total=2000,
        stretch_total=2000,
        ceiling_total=2600,
    )
    check(
        two_reps(tmp_path / "b", {"targets": [visits, revenue(2100, "ceiling")]}, levels=levels),
        base_total=2000, stretch_total=2000, ceiling_total=2100,
    )  # fmt: skip


def test_the_ceiling_is_the_market_s(tmp_path: Path) -> None:
    """Of 1,820 asked at the ceiling r's market gives 1,100, and s's half of 1,000, for he leaves at the end of March.

    s sells 300 until then, r 1,000: base asks 1,300, the ceiling 1.4 times as much. 220 of 1,820 are missing; were s's
    clients counted for the whole season, nothing would be.
    """
    tables: dict[str, Rows] = {
        "reps": [{"rep": r, "unit": "u", "end": e} for r, e in (("r", ""), ("s", "2026-03-31"))],
        "demand": [
            {"client": c, "product": "p", "expected": 1000, "ceiling": x} for c, x in (("c", 1100), ("d", 1000))
        ],
        "targets": [revenue(1300)],
    }
    sold = forecast(*(("r", "p", m, 500) for m in MONTHS), ("s", "p", "2026-03", 300))
    model = two_reps(tmp_path, tables, levels={"stretch": 1, "ceiling": 1.4})
    check(model, sold, base_total=1300, ceiling_gap_1_largest=220 / 1820, ceiling_total=1600, ceiling_beyond=0)


def test_a_forecast_may_exceed_the_market(tmp_path: Path) -> None:
    """Rep s sells 1,400 where his market is 1,000: the ceiling holds his forecast, and r's market of 3,000."""
    sold = forecast(*((r, "p", m, x) for r, x in (("r", 500), ("s", 700)) for m in MONTHS))
    model = two_reps(tmp_path, {"targets": [revenue(2400)]}, levels={"stretch": 1, "ceiling": 2})
    check(model, sold, base_total=2400, ceiling_total=4400, ceiling_gap_1_largest=400 / 4800)


def test_the_ceiling_is_what_can_be_delivered(tmp_path: Path) -> None:
    """March's two sources deliver 450, less than the 1,000 of the forecast, April's own 1,250: 2,250 of 3,000 are asked."""
    supply = [
        {"product": "p", "source": s, "month": m, "maximum": x}
        for s, m, x in (("own", "", 300), ("own", "2026-04", 1250), ("bought", "2026-03", 150))
    ]
    model = two_reps(tmp_path, {"supply": supply}, levels={"stretch": 1, "ceiling": 1.875})
    check(model, base_total=1600, ceiling_total=2250, ceiling_gap_1_largest=0.25)


def test_base_does_not_depend_on_the_levels_above(tmp_path: Path) -> None:
    """However high stretch and ceiling are, by ``levels`` or by rows of their own, base has the same goals."""
    found = []
    for n, (factor, rows) in enumerate(
        [(1.0, []), (1.9, []), (1.1, [revenue(1990, "stretch"), revenue(3990, "ceiling")])]
    ):
        targets = [revenue(1600), *rows]
        model = two_reps(tmp_path / str(n), {"targets": targets}, levels={"stretch": factor, "ceiling": 2 * factor})
        found.append({k: v for k, v in quota_goals(model, EVEN).items() if k.startswith("base")})
    assert found[0] == found[1] == found[2]
    assert found[0]["base total"] == pytest.approx(1600)


def test_quota_peak(tmp_path: Path) -> None:
    """All of r's forecast falls in March, where the season allows 1.5 · half: what is above it counts.

    Wanted 800 of a forecast of 800 in March by r only: 800 ≤ 1.5 · 0.5 · 800 + 200. Stretch adds nothing to it. The ceiling
    of 960 may add April's 160: 800 ≤ 1.5 · 0.5 · 960 + 80.
    """
    model = two_reps(tmp_path, {"targets": [revenue(800, scope="rep=r")]}, peak=1.5)
    check(model, forecast(("r", "p", "2026-03", 800)), base_peak=200, stretch_peak=200, ceiling_peak=80)


def test_commission_fits_the_incentive_line(tmp_path: Path) -> None:
    """10 % of the quotas must fit into 120: quotas of 1,200, so 400 of 1,600 are a gap; r's floor of 700 is kept.

    The line is for base: the stretch asks for its 1,760.
    """
    tables: dict[str, Rows] = {
        "commission": [{"grade": "", "attainment_from": 0, "rate": 0.1}],
        "budget": [{"line": "i", "category": "incentive", "maximum": 120}],
        "reps": [{"rep": "r", "unit": "u", "quota_min": 700}, {"rep": "s", "unit": "u", "quota_min": ""}],
    }
    model = two_reps(tmp_path, tables)
    check(model, base_gap_1_largest=0.25, base_beyond=0, base_total=1200, stretch_gap_1_largest=0, stretch_total=1760)


def test_floors_and_caps_are_of_base(tmp_path: Path) -> None:
    """Rep s is asked for at least 400 beyond nothing sold, r for at most 500: both at base; stretch and ceiling may pass the cap.

    Sold are r's 1,000. Base: 500 and 400 of 1,600; stretch: 1,000 and 400 of 1,760; ceiling 1,920, all of it.
    """
    reps = [{"rep": "r", "unit": "u", "quota_min": "", "quota_max": 500}, {"rep": "s", "unit": "u", "quota_min": 400}]
    model = two_reps(tmp_path, {"reps": reps})
    sold = forecast(*(("r", "p", m, 500) for m in MONTHS))
    check(model, sold, base_beyond=400, base_gap_1_largest=700 / 1600, base_total=900)
    check(model, sold, stretch_beyond=400, stretch_gap_1_largest=360 / 1760, stretch_total=1400)
    check(model, sold, ceiling_beyond=0, ceiling_gap_1_largest=0, ceiling_total=1920)
