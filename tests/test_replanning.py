"""What ifs from an earlier plan: the answer is that of a plan from the start, in any order, and proved like it."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import shipped

from allocator.engines.warm import BASIC, UPPER, Warm
from allocator.errors import InputError
from allocator.model import Model
from allocator.plan import Plan
from allocator.replanning import Memory, Replanner
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario, Written
from allocator.solving import solve

HERE = Written("test", "1")
MODELS = ("pocket", "action_plan", "market")
EQUAL = 1e-7
"""Relative to one and the value."""


def change(table: str, operation: str, where: dict[str, str] | None = None, **cells: str) -> Change:
    """Return a change of the rows of a table."""
    chosen = {key: (value,) for key, value in (where or {}).items()}
    return Change(table, chosen, operation, cells, HERE)


def under(model: Model, *changes: Change) -> Model:
    """Return a model under changes."""
    return apply_steps(model, [(Scenario("what_if", "", HERE, steps=changes), changes)]).model


def what_ifs(model: Model, count: int = 8) -> list[Model]:
    """Return models that differ in a limit, demand, a target, hours, or in who and what is there; the same for the same model."""
    rng = np.random.default_rng(len(model["clients"]))
    active = model["clients"].query("status == 'active'")["client"].to_numpy(object)

    def one(table: str, key: str) -> dict[str, str]:
        return {key: str(rng.choice(model[table][key].to_numpy(object)))}

    def factor(low: float, high: float) -> str:
        return f"{rng.uniform(low, high):.3f}"

    found = [
        under(model, change("demand", "multiply", one("products", "product"), expected=factor(0.7, 1.2))),
        under(model, change("reps", "multiply", one("reps", "rep"), hours_per_day=factor(0.6, 1.2))),
        under(model, change("targets", "multiply", one("targets", "target"), weight=factor(1.2, 2))),
        under(model, change("clients", "set", {"client": str(active[len(active) // 2])}, lost_on=day(model, 100))),
        under(model, change("reps", "multiply", hours_per_day="0.9"), change("demand", "multiply", ceiling="1.3")),
    ]
    if len(model["budget"]):
        found.append(under(model, change("budget", "multiply", one("budget", "line"), maximum=factor(1.1, 1.3))))
        line = one("budget", "line")
        drives = line["line"] in set(model["responses"]["driver"])
        curve = [change("responses", "remove", {"driver": line["line"]})] if drives else []
        found.append(under(model, change("budget", "remove", line), *curve))
    while len(found) < count:
        rep = one("reps", "rep")
        try:
            found.append(under(model, change("reps", "set", rep, end=day(model, int(rng.integers(60, 300))))))
        except InputError:  # nobody takes over from him
            found.append(under(model, change("reps", "multiply", rep, selling_share="0.9")))
    assert model.sha256 not in {m.sha256 for m in found}
    return found


def day(model: Model, after: int) -> str:
    """Return a day of the plan, so many after its first."""
    return f"{pd.Timestamp(model.calendar.days[0]) + pd.Timedelta(days=after):%Y-%m-%d}"


def same(one: Plan, other: Plan) -> None:
    """Check that two plans are one: goals, exact and published quotas, targets."""
    assert one.status == other.status == "optimal"
    assert [g.name for g in one.goals] == [g.name for g in other.goals]
    for a, b in zip(one.goals, other.goals, strict=True):
        assert a.value == pytest.approx(b.value, rel=EQUAL, abs=EQUAL), a.name
    keys = ["rep", "product", "month", "level"]
    for name, column in (("quotas", "exact"), ("budget", "spend")):
        left, right = one.tables[name], other.tables[name]
        by = keys if name == "quotas" else ["line", "month"]
        both = left.merge(right, on=by, how="outer", suffixes=("", "_other"), validate="1:1")
        size = np.max(both[column].abs().to_numpy(float), initial=1.0)
        apart = (both[column] - both[f"{column}_other"]).abs().to_numpy(float)
        assert np.max(apart, initial=0.0) <= 1e-6 * size
    if "quota" in one.tables["quotas"] and "quota" in other.tables["quotas"]:
        published = [p.tables["quotas"].set_index(keys)["quota"].sort_index() for p in (one, other)]
        assert (published[0] == published[1]).mean() > 0.999  # a number on the edge may be rounded either way


@pytest.mark.parametrize("name", MODELS)
def test_a_what_if_is_the_plan_from_the_start(name: str) -> None:
    """Changed limits, demand, targets and hours, clients and reps that go: the same plan, audited, mostly from earlier bases."""
    model = shipped.model(name)
    replanner = Replanner(model)
    for other in what_ifs(model):
        plan = replanner.plan(other)
        same(plan, solve(other, engine="highs", visits=False))
        assert plan.summary["audit"]["violations"] == 0


def test_the_order_of_what_ifs_does_not_matter() -> None:
    """Forwards, backwards and from a memory of their own: equal to the last digit; the memory does not change."""
    model = shipped.model("action_plan")
    replanner, others = Replanner(model, quick=True), what_ifs(model)
    forwards = [replanner.plan(m, quick=True) for m in others]
    backwards = [replanner.plan(m, quick=True) for m in reversed(others)][::-1]
    alone = [Replanner(model, quick=True).plan(m, quick=True) for m in others[:3]]
    for one, *more in [*zip(forwards, backwards, strict=True), *zip(forwards[:3], alone, strict=True)]:
        for other in more:
            assert [g.value for g in one.goals] == [g.value for g in other.goals]
            pd.testing.assert_frame_equal(one.tables["quotas"], other.tables["quotas"])


def test_a_quick_plan_is_the_whole_plan_so_far_as_it_goes() -> None:
    """Goals, key figures, targets and exact quotas of a quick plan are those of the whole one."""
    model = shipped.model("market")
    whole, quick = solve(model, visits=False), solve(model, quick=True)
    same(whole, quick)
    dated = {"visits_scheduled"}
    for name in whole.summary["kpis"].keys() - dated:
        assert quick.summary["kpis"][name] == pytest.approx(whole.summary["kpis"][name], rel=1e-9, abs=1e-9), name
    assert quick.summary["targets"] == whole.summary["targets"]
    assert list(quick.tables["targets"]["status"]) == list(whole.tables["targets"]["status"])


def test_bases_answer_and_spoilt_ones_do_no_harm() -> None:
    """The same model again needs no solve from the start; after bases of nonsense the plan is still the plan."""
    model = shipped.model("action_plan")
    memory = Memory()
    base = solve(model, visits=False, memory=memory)
    memory.learning = False
    counted: list[Warm] = []

    class Counted(Warm):
        def __init__(self, bases: dict, *, learning: bool) -> None:
            super().__init__(bases, learning=learning)
            counted.append(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("allocator.engines.warm.Warm", Counted)
        same(solve(model, visits=False, memory=memory), base)
        assert counted[-1].hot >= 10
        assert counted[-1].cold == 0
    rng = np.random.default_rng(5)
    for spoil in (lambda n: np.full(n, BASIC), lambda n: np.full(n, UPPER), lambda n: rng.integers(0, 4, n)):
        spoilt = copy.deepcopy(memory)
        spoilt.bases = {
            goal: replace(
                b,
                column_codes=spoil(len(b.column_codes)).astype(np.int8),
                row_codes=spoil(len(b.row_codes)).astype(np.int8),
            )
            for goal, b in memory.bases.items()
        }
        same(solve(model, visits=False, memory=spoilt), base)


def test_more_room_is_never_worse() -> None:
    """More hours, higher ceilings and larger maxima of lines one after another: the goals in order get no worse."""
    model = shipped.model("market")
    replanner = Replanner(model, quick=True)
    # Ordered goals, each as a cost: larger contribution is better, all others count what is missed.
    before = replanner.base
    more = [change("reps", "multiply", hours_per_day="1.1"), change("budget", "multiply", maximum="1.2")]
    more.append(change("reps", "multiply", selling_share="1.05"))
    changes: list[Change] = []
    for step in more:
        changes.append(step)
        after = replanner.plan(under(model, *changes), quick=True)
        assert not worse(before, after)
        before = after


def worse(before: Plan, after: Plan) -> bool:
    """Whether a plan is worse in the first goal of the effort program in which it differs."""
    for a, b in zip(before.goals, after.goals, strict=True):
        if a.name.endswith(("beyond", "total", "unfair", "peak")) or " gap " in a.name:
            break  # quotas ask for what the effort can bring
        sign = -1.0 if a.name == "contribution" else 1.0
        if abs(a.value - b.value) > 1e-6 * max(1.0, abs(a.value)):
            return sign * (b.value - a.value) > 0
    return False


def test_a_what_if_without_a_plan_says_so() -> None:
    """Hard targets out of reach: no numbers, reasons, and the next what if is answered as ever."""
    model = shipped.model("pocket")
    replanner = Replanner(model)
    target = str(model["targets"].query("at_least > 0")["target"].iloc[0])
    hard = change("targets", "set", {"target": target}, priority="hard")
    plan = replanner.plan(under(model, hard, change("targets", "multiply", {"target": target}, at_least="1000")))
    assert plan.status == "infeasible"
    assert plan.reasons
    assert not plan.tables
    same(replanner.plan(model), replanner.base)
