"""What commands of finance say as JSON, and least money of shipped models."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shipped
from clash_models import dear_fair

from allocator.cli import main
from allocator.engines.highs import Highs
from allocator.explaining.funding import capped, fund, fund_with, lifted
from allocator.explaining.reaching import level_model
from allocator.formulation.effort import effort_program


def test_how_far_a_sum_goes(capsys: pytest.CaptureFixture[str]) -> None:
    """No more is spent than there is, and revenue comes as near as the money brings it; JSON says what stands in the way of all."""
    found = fund_with(shipped.model("pocket"), 20_000)
    assert found.status == "given"
    assert found.spend["spend"].sum() == pytest.approx(20_000, rel=1e-6)
    # 1,580,000 with the visits, and four for each 元.
    assert found.targets.query("target == 'revenue'")["gap"].iloc[0] == pytest.approx(1_683_000 - 1_660_000, rel=1e-3)
    assert main(["fund", "pocket", "--json"]) == 3
    said = json.loads(capsys.readouterr().out)
    assert said["status"] == "impossible"
    assert len(said["stops"]) >= 2


def test_engines_agree_that_it_is_least() -> None:
    """The least money is a proved optimum: the program with it held leaves no cheaper answer."""
    model = shipped.model("market")
    found = fund(model)
    assert found.status in ("reached", "impossible")
    if found.status == "reached" and found.budget > 0:
        held = capped(lifted(level_model(model, "base", hard=not found.keeps)), found.budget * 0.999)
        program = effort_program(held, strict=found.keeps).program
        assert Highs().solve(program, np.zeros(program.shape[1])).status == "infeasible"


def test_json_of_explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON holds the same with numbers, and nothing else is on standard output."""
    assert main(["explain", dear_fair(tmp_path / "lines"), "-s", "dear", "--json", "--lang", "en"]) == 3
    told = json.loads(capsys.readouterr().out)
    (problem,) = told["problems"]
    assert {(i["kind"], round(i["gap"], 6)) for i in problem["clashes"][0]["items"]} == {
        ("least", -50.0),
        ("target", 50.0),
    }
    changes = {json.dumps(r["changes"]) for r in problem["repairs"]}
    assert '[{"table": "targets", "where": {"target": ["thrift"]}, "set": {"at_most": "150"}}]' in changes
    assert told["scenario"]["broken_by"] == "steps"
    assert told["scenarios"] == ["dear"]
