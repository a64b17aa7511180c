"""Every threshold that is declared anywhere has a case on both sides: the last value that is fine, and the next one that is not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pencil import tiny
from test_plausibility import TABLES, _found, _history
from test_thresholds import THRESHOLDS
from tight_models import Rows

from allocator.health.limits import LEADS, SETTING, STAGE, USUAL
from allocator.health.year import TOLD, told_by
from allocator.model import Model, Settings
from allocator.plausibility import REFUSED
from allocator.plausibility import USUAL as PLAUSIBLE
from allocator.registry.approving import Vote, counted, needs, outcome
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.published import Published
from allocator.reviewing.review import Review, review
from allocator.schema.dictionary import dictionary
from allocator.solving import solve

Crossed = Callable[[Path, float], bool]
"""Whether a value is on the bad side."""

NO_LIMITS = {"months", "levels", "hedge", "fairness", "peak", "rounding", "commission_attainment"}
"""Numbers among a model's settings that warn of nothing and stop nothing: what lies beyond them is counted as a goal, or they scale."""


def growth(folder: Path, asked: float) -> bool:
    """So much is asked of what sold 180 last year in a market that grows 6 %; 20 points more are usual."""
    return bool(_found(folder, {"scope": "product=new", "at_least": str(asked)}))


def refused_growth(folder: Path, asked: float) -> bool:
    """The same where growth of 50 points over the market's is refused: from 280.8."""
    found = _found(
        folder, {"scope": "product=new", "at_least": str(asked)}, thresholds="check,value\ngrowth_refused,0.5\n"
    )
    return any(f.severity == "error" for f in found)


def new_client_rate(folder: Path, asked: float) -> bool:
    """So many new clients are asked on 100; last year 20 came to 80, and 10 points more are usual."""
    history = _history("new_clients,west,,,,6", "new_clients,east,,,,0.666666666666667")
    return bool(_found(folder, {"metric": "new_clients", "at_least": str(asked)}, history=history))


def key_client_conversion(folder: Path, last_year: float) -> bool:
    """The funnel wins 30 %; last year's conversion may be 10 points lower."""
    history = _history(f"key_client_conversion,,,,,{last_year}")
    return bool(_found(folder, {"metric": "new_clients", "at_least": "1"}, history=history))


def market_share_gain(folder: Path, asked: float) -> bool:
    """10 % of the market was sold last year; 5 points more are usual."""
    return bool(_found(folder, {"metric": "market_share", "scope": "product=new", "at_least": str(asked)}))


def segment_growth(folder: Path, grows: float) -> bool:
    """A segment that grows faster than 50 % earns a weight of its own."""
    market = TABLES["market"].replace("1272,0.06", f"1272,{grows}")
    fast = {"scope": "product=new; unit=east", "at_least": "130"}
    found = _found(folder, {"target": "whole", "at_least": "300"}, fast, market=market)
    return any(f.severity == "note" and f.column == "weight" for f in found)


VOTERS = pd.DataFrame({"person": list("abc"), "role": ["board"] * 3})


def votes(_folder: Path, share: float) -> bool:
    """Two of three voters agree: no more than two thirds may be asked for."""
    rules = pd.DataFrame({"role": ["board"], "votes": [share], "above": [0.0]})
    cast = [Vote(person, "board", True, "", "") for person in "ab"]
    return outcome(counted(needs(rules, VOTERS, 0.5), cast)) != "approved"


def above(_folder: Path, moved: float) -> bool:
    """A re-plan that moves more than a tenth needs the board."""
    return bool(needs(pd.DataFrame({"role": ["board"], "votes": [0.5], "above": [0.1]}), VOTERS, moved))


def told(_folder: Path, named: float) -> bool:
    """Revenue of 100 of which so much names its client is not enough for checks by client."""
    rows = pd.DataFrame({"client": ["c", ""], "amount": [named, 100 - named]})
    return not told_by(rows, "client")


def reviewed(folder: Path, model: Model, now: Model, sold: float) -> Review:
    """Review March, in which so much was sold."""
    plan = solve(model, visits=False)
    file = folder / "a.csv"
    file.write_text(f"month,metric,rep,product,amount\n2026-03,revenue,r,p,{sold}\n", encoding="utf-8")
    actuals = read_actuals(now, file, dt.date(2026, 3, 31))
    return review(now, actuals, Published(model, plan.tables, "plan"), curve=False, visits=False)


def stability(folder: Path, more: float) -> bool:
    """A line of 100 may spend so much more, and each yuan brings half a yuan: at 0.5 % of 550 + more / 2 the plan in force is left."""
    tables: dict[str, Rows] = {
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 5000}],
        "budget": [{"line": "b", "from": "2026-04", "maximum": 100}],
        "responses": [{"driver": "b", "effort": e, "sales": 3 * e} for e in (0, 200)],
    }
    model = tiny(folder, tables, rounding=1)
    budget = model["budget"].assign(maximum=100.0 + more)
    return not reviewed(folder, model, replace(model, tables={**model.tables, "budget": budget}), 500).kept


def moved(folder: Path, sold: float) -> bool:
    """April's 350 may rise by a fifth, to 420: with 280 sold in March the year's 700 are reached, with less they are not."""
    tables: dict[str, Rows] = {
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 2000}],
        "targets": [{"target": "revenue", "metric": "revenue", "at_least": 700}],
    }
    model = tiny(folder, tables, rounding=1)
    asked = reviewed(folder, model, model, sold).plan["asked"]
    return float(asked.loc[asked["level"] == "base", "gap"].iloc[0]) > 0


BOTH_SIDES: dict[str, tuple[Crossed, float, float]] = {
    "growth_over_market": (growth, 226.8, 226.9),
    "growth_refused": (refused_growth, 280.8, 280.9),
    "new_client_rate": (new_client_rate, 35, 35.1),
    "key_client_conversion": (key_client_conversion, 0.2, 0.199),
    "market_share_gain": (market_share_gain, 0.15, 0.1501),
    "segment_growth": (segment_growth, 0.5, 0.501),
    "approvals votes": (votes, 2 / 3, 0.667),
    "approvals above": (above, 0.1, 0.1001),
    "told": (told, 100 * TOLD, 100 * TOLD - 0.1),
    "stability": (stability, 5.5, 5.6),
    "moved": (moved, 280, 279),
}
"""How each threshold is crossed, the last value that is fine, and one that is not."""


@pytest.mark.parametrize("name", BOTH_SIDES)
def test_a_threshold_on_both_sides(name: str, tmp_path: Path) -> None:
    """Proves: at its value a threshold lets pass, a little beyond it does not; a threshold that were never looked at would fail here."""
    crossed, fine, beyond = BOTH_SIDES[name]
    for folder, value, expected in (("a", fine, False), ("b", beyond, True)):
        (tmp_path / folder).mkdir()
        assert crossed(tmp_path / folder, value) == expected, (name, value)


def declared() -> set[str]:
    """Every threshold that the package declares: of health checks, of plausibility, of votes, and among a model's settings."""
    health = {name for name, usual in USUAL.items() if usual.warns != SETTING} | {LEADS}
    stages = {f"intent{STAGE}"}
    columns = {name for name, column in dictionary()["approvals"].columns.items() if column.type == "share"}
    return health | stages | {*PLAUSIBLE, REFUSED} | {f"approvals {c}" for c in columns} | _limits() | {"told"}


def _limits() -> set[str]:
    """Numbers among the settings that are limits."""
    numbers = {
        n for n, f in Settings.model_fields.items() if not isinstance(_plain(f.default), (str, tuple, type(None)))
    }
    return numbers - NO_LIMITS


def _plain(default: Any) -> Any:
    return "" if repr(default) == "PydanticUndefined" else default


def test_no_threshold_is_without_a_case() -> None:
    """Proves: a threshold that somebody declares without a case on both sides fails; growing reps have theirs in the health tests."""
    checked = {
        name for name, _scope, _rows, values, _tables in THRESHOLDS if {v for _x, v in values} == {"good", "warning"}
    }
    assert {"stability", "moved"} <= _limits()
    assert {"approvals votes", "approvals above"} <= declared()
    assert declared() - checked - {"ramp_attainment"} == set(BOTH_SIDES)
