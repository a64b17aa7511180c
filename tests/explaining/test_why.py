"""Why this number: figures are the plan's, what stops a quota is there, and each move is the difference of two plans."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pytest
import shipped

from allocator.cli import main
from allocator.explaining.limits import make_limit
from allocator.explaining.why import why
from allocator.formulation.grain import make_grain
from allocator.model import Model
from allocator.solving import solve


def asked_of(model: Model, rep: str) -> float:
    """Base quota of a rep in a plan from the start."""
    quotas = solve(model, engine="highs", quick=True).tables["quotas"]
    return float(quotas.query("rep == @rep and level == 'base'")["exact"].sum())


def test_figures_and_moves_of_pocket() -> None:
    """Wang: forecast 888,000 and 99 % of it asked, as of everybody; ten percent more hours is what a plan with them asks."""
    model = shipped.model("pocket")
    found = why(model, "wang")
    mine = found.figures.loc["wang"]
    assert mine["forecast"] == pytest.approx(888_000)
    assert mine["base"] == pytest.approx(888_000 * 0.99)
    assert mine["hours"] == pytest.approx(228)
    assert mine["clients"] == 51
    assert found.stopped == "need"
    assert {"revenue", "iot_share"} == set(found.asked["target"])
    limit = make_limit(model, make_grain(model), "hours", {"rep": "wang"})
    more = next(m for m in found.moved if m.kind == "hours" and m.part > 0)
    assert more.quota == pytest.approx(asked_of(limit.at(model, limit.now * 1.1), "wang") - mine["base"], abs=1e-3)
    assert {m.kind for m in found.moved} == {"hours", "demand", "target"}


@pytest.mark.parametrize(("column", "value", "stopped"), [("quota_max", 800_000.0, "cap")])
def test_what_stops_a_quota(column: str, value: float, stopped: str) -> None:
    """A largest quota of his own is named."""
    model = shipped.model("pocket")
    reps = model["reps"].copy()
    reps.loc[reps["rep"] == "wang", column] = value
    found = why(replace(model, tables={**model.tables, "reps": reps}), "wang")
    assert found.figures.loc["wang", "base"] == pytest.approx(value)
    assert found.stopped == stopped


def test_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """A screen of 80 columns and 30 lines in Chinese; somebody who is not there is refused with who may be meant."""
    assert main(["explain", "pocket", "--rep", "li", "--lang", "zh"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 30
    assert "万元" in "".join(lines)
    assert main(["explain", "pocket", "--rep", "wangg"]) == 2
    assert "wang" in capsys.readouterr().err.replace("wangg", "")


def test_prices_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    """A run gets prices.csv with what is said on the screen; JSON holds it too."""
    run = shipped.run("pocket")
    limit = ["--limit", "hours unit=south"]
    assert main(["explain", str(run), *limit, "--lang", "en"]) == 0
    assert "Selling hours of south" in capsys.readouterr().out
    table = pd.read_csv(run / "prices.csv")
    assert table.set_index("goal")["change_up"]["contribution"] == pytest.approx(1410)
    assert main(["explain", str(run), *limit, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    up = said["prices"][0]["up"]
    assert up["change"]["contribution"] == pytest.approx(1410)
    assert up["to"] == pytest.approx(7.6, rel=1e-3)
