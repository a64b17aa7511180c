"""Solving from tables to tables: what is no plan looks like none, and plans keep the relations that any right answer keeps."""

from __future__ import annotations

import csv
import io
import random
import re
import shutil
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import highspy
import numpy as np
import pandas as pd
import pytest
import yaml
from small_model import write_small_model

from allocator import solving
from allocator.engines import engine
from allocator.engines.status import Solution, Status
from allocator.errors import MissingValueError
from allocator.plan import Plan
from allocator.program import Floats, Program
from allocator.reading import load

ROOT = Path(__file__).resolve().parents[1]
DICTIONARY = list(csv.DictReader(io.StringIO((ROOT / "allocator/schema/dictionary.csv").read_text("utf-8"))))
NAMES = ["pocket", "small"]
MONEY = frozenset({"revenue", "profit", "contribution", "collections", "spend", "commission"})
Rows = list[dict[str, str]]
Change = Callable[[str, Rows], Rows]


def write(name: str, folder: Path) -> Path:
    """Write a model into a new folder, free to be changed."""
    if name == "small":
        return write_small_model(folder)
    shutil.copytree(ROOT / "models" / name, folder)
    return folder


def edit(folder: Path, *changes: Change) -> Path:
    """Change the rows of the tables of a folder."""
    for path in sorted(folder.glob("*.csv")):
        rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
        for change in changes:
            rows = change(path.stem, rows)
        with path.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(dict.fromkeys(k for row in rows for k in row)), restval="")
            writer.writeheader()
            writer.writerows(rows)
    return folder


def put(table: str, column: str, value: str, **key: str) -> Change:
    """Set a cell in the rows of a table that have the key."""

    def change(name: str, rows: Rows) -> Rows:
        hit = [row for row in rows if name == table and all(row[k] == v for k, v in key.items())]
        assert hit or name != table
        for row in hit:
            row[column] = value
        return rows

    return change


def setting(folder: Path, key: str, value: object) -> Path:
    """Set a key of ``model.yaml``."""
    path = folder / "model.yaml"
    settings = yaml.safe_load(path.read_text("utf-8"))
    path.write_text(yaml.safe_dump({**settings, key: value}, allow_unicode=True), "utf-8")
    return folder


def goals(plan: Plan) -> dict[str, float]:
    """Return values of the goals by name."""
    assert plan.status == "optimal"
    assert plan.summary["audit"]["violations"] == 0
    return {g.name: g.value for g in plan.goals}


def worse(before: Plan, after: Plan) -> str:
    """Name the first goal that differs, if it is worse; blank if none is: goals are kept in their order."""
    old, new = goals(before), goals(after)
    assert list(old) == list(new)
    for name in old:
        loss = (old[name] - new[name]) if name == "contribution" else (new[name] - old[name])
        if abs(loss) > 1e-7 * max(1.0, abs(old[name])):
            return name if loss > 0 else ""
    return ""


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

    @pytest.mark.parametrize("name", ["ortools", "highs", "pulp"])
    def test_a_time_limit(self, name: str) -> None:
        """A model of a thousand clients is not planned in a hundredth of a second; then there is no plan."""
        self.check(solving.solve(load(ROOT / "models" / "telecom"), engine=name, seconds=0.01), "limit")

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

    def solve(self, program: Program, costs: Floats, *, seconds: float | None = None) -> Solution:
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


@pytest.mark.parametrize("name", NAMES)
class TestRelations:
    """What must hold between the plans of a model and of a changed one."""

    @pytest.mark.parametrize("seed", [1, 2])
    def test_order_of_rows(self, name: str, seed: int, plain: Mapping[str, Plan], tmp_path: Path) -> None:
        """The order of the rows of the input changes no digit of the plan."""
        rng = random.Random(seed)
        folder = edit(write(name, tmp_path / name), lambda _, rows: rng.sample(rows, len(rows)))
        same_tables(plain[name], solving.solve(load(folder)))

    def test_chinese_headings(self, name: str, plain: Mapping[str, Plan], tmp_path: Path) -> None:
        """Chinese names of tables and columns give the same plan."""
        folder = edit(write(name, tmp_path / name), in_chinese)
        for path in sorted(folder.glob("*.csv")):
            alias = next(row["aliases"] for row in DICTIONARY if row["table"] == path.stem and not row["column"])
            path.rename(folder / f"{alias.split('|')[0]}.csv")
        assert not (folder / "reps.csv").exists()
        same_tables(plain[name], solving.solve(load(folder)))

    def test_smaller_money(self, name: str, plain: Mapping[str, Plan], tmp_path: Path) -> None:
        """In a currency of a thousandth the plan is the same, with money a thousand times as much."""
        plan = solving.solve(load(edit(write(name, tmp_path / name), in_thousandths)))
        factor = {"contribution": 1000, "beyond": 1000, "total": 1000, "unfair": 1000, "peak": 1000}
        wanted = {n: v * factor.get(n, 1) for n, v in goals(plain[name]).items()}
        assert goals(plan) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
        for table, before in plain[name].tables.items():
            after = plan[table]
            assert list(after) == list(before)
            for column in before:
                if not pd.api.types.is_float_dtype(before[column]) or (table, column) == ("quotas", "quota"):
                    continue
                amounts = before[column].to_numpy() * money_factor(table, str(column), before)
                near = pytest.approx(amounts, rel=1e-9, abs=1e-9 * np.abs(amounts).max(initial=0.0), nan_ok=True)
                assert after[column].to_numpy() == near, (table, column)

    def test_an_idle_rep(self, name: str, plain: Mapping[str, Plan], tmp_path: Path) -> None:
        """One more rep without clients makes no goal worse."""
        idle = {"rep": "zoe", "unit": "south", "grade": "junior", "hours_per_day": "8"}
        folder = edit(write(name, tmp_path / name), lambda t, rows: [*rows, idle] if t == "reps" else rows)
        plan = solving.solve(load(folder))
        assert not worse(plain[name], plan)

    def test_more_money(self, name: str, plain: Mapping[str, Plan], tmp_path: Path) -> None:
        """More money in a budget line makes no goal worse, unless an earlier one gains."""
        for number, line in enumerate(plain[name]["budget"]["line"].unique()):
            for maximum in ("100000", "1000000"):
                folder = tmp_path / f"{number} {maximum}"
                plan = solving.solve(load(edit(write(name, folder), put("budget", "maximum", maximum, line=line))))
                assert not worse(plain[name], plan)


def same_tables(one: Plan, other: Plan) -> None:
    """Assert that two plans are the same to the last digit."""
    assert goals(one) == goals(other)
    assert list(one.tables) == list(other.tables)
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)


def in_chinese(table: str, rows: Rows) -> Rows:
    """Give every column its first Chinese name."""
    name = {row["column"]: row["aliases"].split("|")[0] for row in DICTIONARY if row["table"] == table}
    return [{name[column]: value for column, value in row.items()} for row in rows]


def in_thousandths(table: str, rows: Rows) -> Rows:
    """Multiply all money by a thousand; what a unit of money yields is a thousandth."""
    money = {row["column"] for row in DICTIONARY if row["table"] == table and row["type"] == "money"}

    def factor(row: dict[str, str], column: str) -> Decimal:
        is_money = {
            "targets": row.get("metric") in MONEY and not row.get("share_of") and column.startswith("at_"),
            "responses": row.get("driver") in ("promotion", "fair") and column in ("effort", "sales"),
            "history": row.get("metric") == "revenue" and column == "amount",
            "actuals": row.get("metric") == "revenue" and column == "amount",
        }
        if table == "yields" and row["source"] == "fair" and column == "amount":
            return Decimal("0.001")
        return Decimal(1000) if column in money or is_money.get(table) else Decimal(1)

    def scaled(row: dict[str, str], column: str) -> str:
        by = factor(row, column)
        return row[column] if by == 1 or not row[column] else str(Decimal(row[column].replace(",", "")) * by)

    return [{column: scaled(row, column) for column in row} for row in rows]


def money_factor(table: str, column: str, frame: pd.DataFrame) -> Floats:
    """Factor of the values of an output column, in a currency of a thousandth."""
    columns = {
        "quotas": {"exact", "forecast", "beyond"},
        "forecast": {"sell", "curve", "lift", "lost"},
        "effects": {"collections", "commission", "lift"},
        "budget": {"spend", "line_total", "minimum", "maximum", "headroom"},
        "lift": {"lift"},
        "supply": {"delivered"},
    }
    if table == "targets":
        return np.where(frame["metric"].isin(MONEY), 1000.0, 1.0)
    return np.full(len(frame), 1000.0 if column in columns.get(table, ()) else 1.0)
