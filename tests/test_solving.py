"""Solving from tables to tables: what is no plan looks like none, and says why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import highspy
import numpy as np
import pytest
from edited import Rows, edit, goals, put, setting, write

from allocator import solving
from allocator.engines import engine
from allocator.engines.status import Solution, Status, Vertex
from allocator.errors import MissingValueError
from allocator.plan import Plan
from allocator.program import Floats, Program
from allocator.reading import load

ROOT = Path(__file__).resolve().parents[1]
NAMES = ["pocket", "small"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Plan]:
    """Plans of the models as they are."""
    return {name: solving.solve(load(write(name, tmp_path_factory.mktemp("plain") / name))) for name in NAMES}


class TestNoPlan:
    """What is not proved has no numbers."""

    def check(self, plan: Plan, status: str) -> None:
        """Assert that a plan has a status and a reason, and nothing that looks like an answer."""
        assert plan.status == plan.summary["status"] == status
        assert not plan.tables
        assert not plan.goals
        assert not plan.summary["goals"]
        assert set(plan.summary["kpis"].values()) == {None}
        assert plan.reasons
        with pytest.raises(MissingValueError, match=status):
            _ = plan.quotas

    def check_reasons(self, plan: Plan, *words: str) -> None:
        """Assert that reasons are sentences with an amount, and that one of them has all the words."""
        self.check(plan, "infeasible")
        assert all(re.match(r"\w.* .*\d", reason, re.S) for reason in plan.reasons)
        assert any(all(word in reason for word in words) for reason in plan.reasons), plan.reasons

    def test_a_hard_target_out_of_reach(self, tmp_path: Path) -> None:
        """A hard target above what hours allow is infeasible though below all ceilings; the reasons say by how much."""
        changes = put("targets", "at_least", "2000000", target="revenue"), put("targets", "priority", "hard")
        self.check_reasons(solving.solve(load(edit(write("pocket", tmp_path / "m"), *changes))), "short by")

    def test_a_pin_above_a_cap(self, tmp_path: Path) -> None:
        """A contradiction that lies among the quotas alone is found and named, too."""
        changes = put("pins", "amount", "3000000"), put("reps", "quota_max", "2000000", rep="ann")
        self.check_reasons(solving.solve(load(edit(write("small", tmp_path / "m"), *changes))), "ann")

    def test_strict_targets(self, plain: Mapping[str, Plan]) -> None:
        """The pocket misses half an IoT contract: a plan with a miss, and with ``strict`` none."""
        assert goals(plain["pocket"])["base 2 sum"] > 0
        self.check_reasons(solving.solve(load(ROOT / "models" / "pocket"), strict=True), "iot_contracts", "too little")

    def test_strict_visits(self, tmp_path: Path) -> None:
        """Two hours a day are too few for the visits promised: a plan that is short, and with ``strict`` none."""
        model = load(edit(write("pocket", tmp_path / "m"), put("reps", "hours_per_day", "2"), no_targets))
        assert goals(solving.solve(model))["visits"] > 0
        self.check_reasons(solving.solve(model, strict=True), "hours")

    def test_strict_that_can_be_kept(self, tmp_path: Path) -> None:
        """Where all is reached ``strict`` changes nothing."""
        model = load(edit(write("pocket", tmp_path / "m"), put("targets", "at_least", "59", target="iot_contracts")))
        free, strict = solving.solve(model), solving.solve(model, strict=True)
        assert goals(free)["base 2 sum"] == 0
        assert goals(strict)["contribution"] == pytest.approx(goals(free)["contribution"], rel=1e-9)

    @pytest.mark.long
    @pytest.mark.parametrize("name", ["ortools", "highs", "pulp"])
    def test_a_time_limit(self, name: str) -> None:
        """A model of a thousand clients is not planned in a hundredth of a second; then there is no plan."""
        self.check(solving.solve(load(ROOT / "models" / "telecom"), engine=name, seconds=0.01), "limit")

    @pytest.mark.long
    def test_a_limit_at_any_solve(self) -> None:
        """A solve cut short leaves no plan; only where it chose among equal plans the plan stands, with every goal as good."""
        model = load(ROOT / "models" / "pocket")
        best, stood = goals(solving.solve(model)), 0
        for solves in range(20):
            cut = CutShort(solves)
            plan = solving.solve(model, engine=cut, seconds=1e6)
            if not cut.hit:
                break
            if plan.status == "optimal":
                stood += 1
                assert goals(plan) == pytest.approx(best, rel=1e-7, abs=1e-9)
            else:
                self.check(plan, "limit")
        assert solves >= 4
        assert stood <= 2
        assert plan.status == "optimal"


class CutShort:
    """HiGHS, but the solve after so many with a limit hits it with an answer in hand."""

    name, version = "cut short", "1"

    def __init__(self, solves: int) -> None:
        self.left, self.hit = solves, False

    def solve(
        self,
        program: Program,
        costs: Floats,
        *,
        seconds: float | None = None,
        goal: str = "",
        start: Vertex | None = None,
    ) -> Solution:
        """Solve, or say that time is over."""
        solution = engine("highs").solve(program, costs, seconds=seconds)
        if seconds is None:
            return solution
        self.left -= 1
        if self.left >= 0:
            return solution
        self.hit = True
        return Solution(Status.FEASIBLE, solution.x, None, -np.inf, 0.0, "time is over")


def no_targets(name: str, rows: Rows) -> Rows:
    """Keep one target that is met in any case."""
    return [{**rows[0], "at_least": "1"}] if name == "targets" else rows


@pytest.mark.long
@pytest.mark.parametrize("ending", [".mps", ".lp"])
@pytest.mark.parametrize("name", NAMES)
def test_export_holds_the_first_goal(name: str, ending: str, tmp_path: Path) -> None:
    """HiGHS finds in the exported file the best of the first goal: promised visits kept, or the largest miss."""
    visits = load(edit(write(name, tmp_path / "m"), put("reps", "hours_per_day", "2")))
    folder = edit(write(name, tmp_path / "n"), put("targets", "at_least", "9000000", target="revenue"))
    misses = load(setting(folder, "goals", ["base", "visits", "stretch", "contribution"]))
    for model, kept in ((visits, 1.0), (misses, 0.0)):
        best = solving.solve(model).goals[0].best
        assert 0.01 < best < 1
        path = tmp_path / f"program{ending}"
        solving.export(model, path)
        # A share of promised visits that is kept enters as a gain, a miss as it is.
        assert optimum(path) + kept == pytest.approx(best, abs=1e-7)


def optimum(path: Path) -> float:
    """HiGHS's value for a file."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    assert highs.readModel(str(path)) == highspy.HighsStatus.kOk
    highs.run()
    assert highs.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(highs.getInfo().objective_function_value)
