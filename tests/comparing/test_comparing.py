"""Scenarios side by side: what the tables say, recomputed from the runs that stand beside them."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from what_if import comparison, folder, model, read, remembered, run, tell

from allocator.comparing import compare
from allocator.comparing.bridge import MEASURES
from allocator.comparing.differences import figures
from allocator.comparing.players import players_of, with_players
from allocator.comparing.sweeping import number
from allocator.errors import InputError
from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load
from allocator.scenarios.applying import apply_steps, with_scenarios
from allocator.scenarios.varying import variations
from allocator.solving import solve

PLANNED = ("nothing", "war", "lost", "lost+war", "leaves")
MOVED = ("targets", "quotas", "budget", "visits", "rules", "handover", "inputs")


def summary(scenario: str) -> dict[str, Any]:
    """Return the summary of a run."""
    return dict(json.loads((folder() / scenario / "summary.json").read_text("utf-8")))


class TestTables:
    """Every table against the written runs."""

    def test_key_figures_are_those_of_the_runs(self) -> None:
        """Base, value and change of each key figure are what the summaries say."""
        base = summary("base")["kpis"]
        for scenario in PLANNED:
            table = read("kpis", scenario).set_index("kpi")
            mine, counts = summary(scenario)["kpis"], summary(scenario)["targets"]
            for name, value in mine.items():
                assert table.loc[name, "base"] == base[name]
                assert table.loc[name, "value"] == value
                assert table.loc[name, "change"] == pytest.approx(value - base[name])
            assert table.loc["targets_missed", "value"] == counts["missed"]

    @pytest.mark.parametrize("scenario", PLANNED)
    def test_quotas_are_sums_of_the_runs(self, scenario: str) -> None:
        """Each rep's and unit's quota of the year and each quarter is summed anew; every cell that differs is there and no other."""
        parents = {"company": "", "north": "company", "south": "company"}
        sums: dict[tuple[str, str, str], list[float]] = {}
        for k, name in enumerate(("base", scenario)):
            for row in run(name, "quotas").itertuples():
                above = row.unit
                owners = [row.rep]
                while above:
                    owners.append(above)
                    above = parents[above]
                for owner, period in itertools.product(owners, ("2026", "2026-Q1")):
                    sums.setdefault((owner, period, row.level), [0.0, 0.0])[k] += row.quota
        wanted = {key: both for key, both in sums.items() if both[0] != both[1]}
        table = read("quotas", scenario)
        found = {
            (r.name, str(r.period), r.level): [r.base, r.value]
            for r in table.rename(columns={"name": "who"}).itertuples()
            for r in [
                type("R", (), {"name": r.who, "period": r.period, "level": r.level, "base": r.base, "value": r.value})
            ]
        }
        assert found == wanted
        assert (table["change"] == table["value"] - table["base"]).all()

    @pytest.mark.parametrize("scenario", PLANNED)
    def test_budget_is_that_of_the_runs(self, scenario: str) -> None:
        """Money of a line is the sum of its months; lines that move are listed, new ones with nothing before."""
        old, new = (run(name, "budget").groupby("line")["spend"].sum() for name in ("base", scenario))
        table = read("budget", scenario).set_index("line")
        for line in {*old.index, *new.index}:
            before, after = old.get(line, 0.0), new.get(line, 0.0)
            if abs(before - after) > 1e-3:
                assert table.loc[line, ["base", "value"]].tolist() == pytest.approx([before, after])
            else:
                assert line not in table.index or line not in old.index
        assert scenario != "war" or "care" in table.index

    def test_targets_that_flip_are_told_with_their_cause(self) -> None:
        """The loss of a large client makes two targets missed; both stand there with bound, value and the cause of the run."""
        table = read("targets", "lost")
        flips = table[table["flips"] == "missed"].set_index("target")
        assert set(flips.index) == {"revenue", "iot_share"}
        mine = run("lost", "targets").set_index("target")
        for target, row in flips.iterrows():
            assert (row["base_status"], row["status"]) == ("met", "missed")
            assert row["planned"] == mine.loc[target, "planned"]
            assert row["cause"] == mine.loc[target, "cause"] != ""

    def test_visits_that_moved_are_those_of_the_schedule(self) -> None:
        """What moved by rep sums to what the schedule says of the whole; dated visits are counted from the runs."""
        for scenario in PLANNED[1:]:
            table = read("visits", scenario)
            assert table["moved"].sum() == summary(scenario)["schedule"]["moved"]
            for prefix, name in (("base_", "base"), ("", scenario)):
                counts = run(name, "visits")["rep"].value_counts()
                assert table.set_index("rep")[f"{prefix}dated"].to_dict() == {r: counts.get(r, 0) for r in table["rep"]}

    def test_visits_of_another_rep_are_counted(self) -> None:
        """When a rep leaves, every later visit to his clients is made by another one."""
        table = read("visits", "leaves").set_index("rep")
        visits = run("leaves", "visits")
        mine = set(model()["clients"].query("owner == 'li'")["client"])
        taken = visits[(visits["rep"] == "wang") & visits["client"].str.split("#").str[0].isin(mine)]
        both = run("base", "visits").groupby(["client", "window"])["rep"].agg(set)
        there = [
            ("wang" not in both[(c, w)]) if (c, w) in both.index else False
            for c, w in zip(taken["client"], taken["window"], strict=True)
        ]
        assert table.loc["wang", "other_rep"] == sum(there) > 0

    def test_rules_start_or_stop(self) -> None:
        """A rule is listed where it binds in one of the two plans only."""
        base = set(comparison().base.binding["rule"])
        for case in comparison().cases:
            if case.plan.tables:
                mine = set(case.plan.binding["rule"])
                table = comparison().tables["rules"].query("scenario == @case.name")
                assert set(table.loc[table["binds"] == "starts", "rule"]) == mine - base
                assert set(table.loc[table["binds"] == "stops", "rule"]) == base - mine

    def test_inputs_are_the_record_of_the_runs(self) -> None:
        """The input differences are what each run's own record says."""
        for scenario in PLANNED:
            mine = run(scenario, "changes").drop(columns="scenario")
            assert read("inputs", scenario).drop(columns=["scenario", "of"]).to_dict("list") == mine.to_dict("list")

    def test_clients_that_change_hands_stand_in_the_run(self) -> None:
        """A departure's run has the list, the comparison repeats it, and a run where nobody changes hands has none."""
        mine = run("leaves", "handover")
        assert set(mine["client"]) == set(model()["clients"].query("owner == 'li' and status == 'active'")["client"])
        assert read("handover", "leaves").drop(columns="scenario").to_dict("list") == mine.to_dict("list")
        assert not (folder() / "lost" / "handover.csv").exists()

    def test_an_empty_scenario_changes_nothing_but_names(self) -> None:
        """No table has a row of it but the key figures, which do not change, and its files are the base plan's."""
        for name in MOVED:
            assert read(name, "nothing").empty
        assert (read("kpis", "nothing")["change"] == 0).all()
        for path in (folder() / "base").glob("*.csv"):
            assert path.read_bytes() == (folder() / "nothing" / path.name).read_bytes()
        assert summary("nothing")["scenarios"] == ["nothing"]

    def test_a_scenario_without_a_plan_says_why(self) -> None:
        """It stands in the summary with its reasons, has no row in any table of plans, and the others have theirs."""
        told = json.loads((folder() / "comparison.json").read_text("utf-8"))
        (hard,) = [s for s in told["scenarios"] if s["scenario"] == "hard"]
        assert hard["status"] == "infeasible"
        assert any("wild" in reason for reason in hard["reasons"])
        assert hard["bridge"] is None
        for name in ("targets", "quotas", "budget", "visits", "rules", "bridge"):
            assert read(name, "hard").empty
            assert not read(name, "lost").empty or name in ("rules",)
        assert (folder() / "hard" / "summary.json").is_file()


class TestBridge:
    """Which event costs what."""

    @pytest.mark.parametrize("scenario", PLANNED)
    def test_parts_sum_to_the_difference(self, scenario: str) -> None:
        """Base plan and parts give the scenario's figure to the last digit, for every measure, in the written file."""
        table = read("bridge", scenario)
        assert table["kind"].iloc[[0, -1]].tolist() == ["base", "scenario"]
        kpis = read("kpis", scenario).set_index("kpi")
        for measure, name in MEASURES.items():
            values = table[measure].astype(float).tolist()
            assert [values[0], values[-1]] == [kpis.loc[name, "base"], kpis.loc[name, "value"]]
            assert abs(math.fsum([*values[:-1], -values[-1]])) <= math.ulp(max(map(abs, values)))

    def test_parts_are_the_mean_over_all_orders(self) -> None:
        """The three steps of two scenarios: each set of them solved here, all six orders written out."""
        steps = {s.name: s for s in with_scenarios(model(), "lost+war").scenarios}
        loss, cut, care = (steps["lost"], 0), (steps["war"], 0), (steps["war"], 1)

        def revenue(chosen: tuple[tuple[Any, int], ...]) -> dict[str, float]:
            parts = [
                (s, [s.steps[k] for one, k in sorted(chosen, key=lambda c: c[1]) if one is s]) for s in steps.values()
            ]
            return figures(solve(apply_steps(model(), parts).model, quick=True))

        worth = {
            frozenset(map(id, c)): revenue(c)
            for size in range(4)
            for c in itertools.combinations((loss, cut, care), size)
        }
        table = read("bridge", "lost+war")
        for row, player in zip(table.iloc[1:-1].itertuples(), (loss, cut, care), strict=True):
            for measure, name in MEASURES.items():
                gains = []
                for order in itertools.permutations((loss, cut, care)):
                    before = order[: order.index(player)]
                    gains.append(
                        worth[frozenset(map(id, (*before, player)))][name] - worth[frozenset(map(id, before))][name]
                    )
                assert getattr(row, measure) == pytest.approx(sum(gains) / 6, rel=1e-6, abs=1e-3), (row.event, measure)

    def test_either_order_of_names_is_one_comparison(self) -> None:
        """A+B and B+A have the same key figures, moved tables and parts; only the order of the parts is that of the names."""
        both = compare(model(), ["lost+war", "war+lost"], planner=remembered)
        assert both.plans == 1 + 1 + 6
        for name, table in both.tables.items():
            there, back = (table[table["scenario"] == s].drop(columns="scenario") for s in ("lost+war", "war+lost"))
            order = [c for c in ("event", "table", "key", "column") if c in table]
            if order:
                there, back = (t.sort_values(order, kind="stable") for t in (there, back))
            pd.testing.assert_frame_equal(there.reset_index(drop=True), back.reset_index(drop=True), obj=name)

    def test_an_event_without_effect_gets_nothing(self, tmp_path: Path) -> None:
        """A competitor who cuts a price by 0 changes no number of the plan, and so has no part in a loss."""
        told = tell(tmp_path / "m", idle="events:\n  - price_cut: {competitor: 0, product: broadband}\n")
        table = compare(told, ["lost+idle"], planner=remembered).tables["bridge"]
        (part,) = table[table["of"] == "idle"][list(MEASURES)].to_numpy(float)
        assert (part == 0).all()

    def test_twin_events_share_equally(self, tmp_path: Path) -> None:
        """The same loss of demand told twice costs the same each time, whatever comes first; their names are told apart."""
        event = "  - demand_shift: {factor: 0.9, product: broadband}\n"
        told = tell(tmp_path / "m", twins=f"events:\n{event}{event}")
        table = compare(told, ["twins"], planner=remembered).tables["bridge"].iloc[1:-1]
        assert table["event"].is_unique
        np.testing.assert_allclose(*table[list(MEASURES)].to_numpy(float), rtol=1e-9, atol=1e-6)
        assert (table["revenue"] < 0).all()

    def test_a_change_that_needs_another_comes_after_it(self, tmp_path: Path) -> None:
        """What a new row needs cannot come before the row: one of the two orders counts, and it is said so."""
        steps = (
            "  - {table: budget, append: {line: care, product: broadband, maximum: 20000}}\n"
            "  - {table: responses, append: [{driver: care, effort: 0, sales: 0}, {driver: care, effort: 20000, sales: 60000}]}\n"
        )
        comparison = compare(tell(tmp_path / "m", care=f"changes:\n{steps}"), ["care"], planner=remembered, singly=True)
        (case,) = comparison.cases
        assert case.bridge is not None
        assert (case.bridge.used, case.bridge.orders) == (1, 2)
        assert case.bridge.table["event"].tolist()[1:3] == ["a row of budget: care", "2 rows of responses: care"]

    def test_responses_and_changes_are_one_step_each(self, tmp_path: Path) -> None:
        """Unless asked for singly, all responses of a scenario are one step and all its changes another; an event is its own."""
        told = tell(
            tmp_path / "m",
            many="events:\n  - demand_shift: {factor: 0.9, product: broadband}\n  - demand_shift: {factor: 1.1, product: iot}\n"
            "respond:\n  - line: {line: care, product: broadband, maximum: 20000, points: 20000:60000}\n"
            "  - line: {line: more, product: iot, maximum: 10000, points: 10000:30000}\n"
            "changes:\n  - {table: demand, where: {product: iot}, multiply: {ceiling: 1.1}}\n  - {table: model, set: {peak: 2}}\n",
        )
        scenarios = compare(told, ["many"], planner=remembered, bridges=False, dated=False).cases[0].changed.scenarios
        assert [p.kind for p in players_of(scenarios)] == ["event", "event", "lever", "change"]
        assert [p.kind for p in players_of(scenarios, singly=True)] == [*["event"] * 2, *["lever"] * 2, *["change"] * 2]
        for together in (players_of(scenarios), players_of(scenarios, singly=True)):
            assert [step for p in together for step in p.steps] == list(scenarios[0].steps)

    def test_steps_that_only_go_together_have_one_part(self, tmp_path: Path) -> None:
        """Where in no order every step has a plan, the difference stands as a whole."""
        # Each limit alone cannot be kept: a floor above what there is, and a ceiling below the floor of the other.
        steps = (
            "  - {table: budget, where: {line: promotion}, set: {minimum: 95000}}\n"
            "  - {table: budget, where: {line: promotion}, set: {maximum: 99000}}\n"
        )
        told = tell(tmp_path / "m", both=f"changes:\n{steps}")

        def stubborn(changed: Model, *, visits: bool, quick: bool, keep: object = None) -> Plan:
            line = changed["budget"].set_index("line").loc["promotion"]
            plan = remembered(changed, visits=True, quick=quick)
            alone = (line["minimum"] == 95000) != (line["maximum"] == 99000)
            return Plan(changed, "infeasible", {}, (), plan.summary, plan.binding) if alone else plan

        comparison = compare(told, ["both"], planner=stubborn, dated=False, singly=True)
        (case,) = comparison.cases
        assert case.bridge is not None
        assert (case.bridge.used, case.bridge.orders) == (0, 2)
        assert case.bridge.table["kind"].tolist() == ["base", "together", "scenario"]
        parts = case.bridge.table["spend"].tolist()
        assert parts[0] + parts[1] == pytest.approx(parts[2])

    def test_all_steps_are_the_scenario(self) -> None:
        """All players of scenarios together make the very model that the scenarios make; none of them makes the base."""
        changed = with_scenarios(model(), "war+lost")
        everybody = with_players(model(), players_of(changed.scenarios))
        assert everybody is not None
        assert everybody.model.sha256 == changed.model.sha256
        assert [p.kind for p in players_of(changed.scenarios)] == ["event", "lever", "event"]


class TestSweeps:
    """Scenarios over values."""

    @pytest.mark.parametrize("name", ["cut", "crossed"])
    def test_rows_are_plans_of_their_own(self, name: str) -> None:
        """Each row has the key figures, and the flips, of the model solved at its values."""
        table = read("sweep", name)
        base = run("base", "targets").set_index(["target", "level", "each"])["status"]
        (scenario,) = with_scenarios(model(), name).scenarios
        combinations = list(variations(model(), scenario))
        assert len(table) == len(combinations) == {"cut": 3, "crossed": 4}[name]
        for row, (values, changed) in zip(table.to_dict("records"), combinations, strict=True):
            plan = solve(changed.model, quick=True)
            assert [number(str(row[n])) for n in values] == [number(v) for v in values.values()]
            known = figures(plan)
            for kpi in ("contribution", "revenue", "spend", "targets_met", "targets_missed"):
                assert float(row[kpi]) == pytest.approx(known[kpi], rel=1e-7)
            status = plan["targets"].set_index(["target", "level", "each"])["status"]
            for flip in ("missed", "met"):
                now = [
                    t
                    for t in status.index
                    if (status[t] == "missed") == (flip == "missed")
                    and (status[t] == "missed") != (base[t] == "missed")
                ]
                assert sorted(filter(None, row[f"now_{flip}"].split("; "))) == sorted({t[0] for t in now})

    def test_scenarios_that_hold_together_are_swept_together(self) -> None:
        """A sweep under another scenario has a row for each of its values, solved with both."""
        both = compare(model(), ["lost+cut"], planner=remembered)
        assert not both.cases
        (sweep,) = both.sweeps
        assert sweep.varied == ("cut",)
        loss = comparison().cases[2].plan
        assert sweep.table["revenue"].iloc[0] == pytest.approx(figures(loss)["revenue"], rel=1e-7)
        assert (sweep.table["contribution"].diff().dropna() < 0).all()


class TestPlanner:
    """What is planned, how often, and how."""

    def test_each_model_is_planned_once(self) -> None:
        """Two full plans with visits kept near the base's, quick ones without; the same tables are never planned twice."""
        calls: list[tuple[str, bool, bool, bool]] = []

        def planner(changed: Model, *, visits: bool, quick: bool, keep: pd.DataFrame | None = None) -> Plan:
            calls.append((changed.sha256, visits, quick, keep is not None))
            return remembered(changed, visits=visits, quick=quick, keep=keep)

        said: list[str] = []
        comparison = compare(model(), ["war", "nothing", "war+lost"], planner=planner, progress=said.append)
        assert len({sha for sha, *_how in calls}) == len(calls) == comparison.plans == len(said)
        assert [how for _sha, *how in calls[:3]] == [[True, False, False], [True, False, True], [True, False, True]]
        # war has two sets of its own in between; war and lost have six, of which two are those and one is war.
        assert [how for _sha, *how in calls[3:]] == [[False, True, False]] * 5

    def test_all_wrong_names_are_told_at_once(self) -> None:
        """Unknown, blank, twice, and the name of the base plan: four findings, before anything is planned."""
        with pytest.raises(InputError) as caught:
            compare(model(), ["warr", " ", "war", " war ", "base"], planner=None)  # type: ignore[arg-type]
        assert [f.value for f in caught.value.findings] == ["warr", " ", "war", "base"]
        assert "Did you mean" in caught.value.findings[0].says


def test_the_runs_of_a_comparison_are_runs() -> None:
    """Each plan's folder opens as a run of its own, with its model."""
    for scenario in ("base", *PLANNED):
        assert load(folder() / scenario / "model").sha256 == summary(scenario)["inputs_sha256"]
