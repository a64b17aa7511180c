"""The bound of a schedule's cost: never above what another engine finds, and the cost itself where a flow is the answer."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from dated import Dated
from ortools.sat.python import cp_model
from random_plans import random_plan

from allocator.model import Model
from allocator.visits import schedule
from allocator.visits.placing import place
from allocator.visits.scheduling import prepare, survey
from allocator.visits.tasks import Placed, Task, home_areas

PROOFS = int(os.environ.get("ALLOCATOR_PROOF", "6"))
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, PROOFS))]
VISITS = 14
"""Visits of a small task."""


def small_tasks(base: Model, seed: int, *, equal: bool, spaced: bool) -> Iterator[Task]:
    """A few clients of each rep of a random plan, on days that are shorter than his; a month of tight hours."""
    rng = np.random.default_rng(seed)
    model, tables = random_plan(base, seed)
    tiers = model["tiers"].assign(**({"minutes": 45.0} if equal else {"minutes": [35.0, 50.0, 80.0, 65.0, 95.0]}))
    tiers = tiers if spaced else tiers.assign(spacing_days=0)
    funnel = model["funnel"].assign(minutes=45.0) if equal else model["funnel"]
    model = replace(model, tables={**model.tables, "tiers": tiers, "funnel": funnel})
    shop = prepare(survey(model, tables), None).shop
    for rep, rows in shop.by_rep().items():
        members = rng.permutation(np.unique(shop.items.member[rows]))
        visits = np.cumsum([shop.visits[rows[shop.items.member[rows] == m]].sum() for m in members])
        few = rows[np.isin(shop.items.member[rows], members[visits <= VISITS])]
        if not len(few):
            continue
        task = shop.task(rep, few)
        limit = int(rng.choice([80, 100, 200]))
        months = task.month_minutes.copy()
        months[0] = min(int(months[0]), 250)
        yield replace(task, day_minutes=np.minimum(task.day_minutes, limit), full_day=limit, month_minutes=months)


def narrowed(task: Task) -> Task:
    """The same visits, of which those with spacing are offered one day only: there are better dates then, which the bound must know."""
    ideal = task.day[task.start[:-1]]
    apart = task.spacing > 1
    return replace(task, low=np.where(apart, ideal, task.low), high=np.where(apart, ideal, task.high))


def choices(task: Task, placed: Placed) -> dict[tuple[int, int], int]:
    """Days that each item may have, and what they cost, as the page says."""
    home = home_areas(task)
    blocked = set(task.blocked.tolist())
    outside = {
        i
        for i, d in zip(placed.item.tolist(), placed.day.tolist(), strict=True)
        if d >= 0 and not task.low[i] <= d <= task.high[i]
    }
    found = {}
    for i in range(len(task.row)):
        wide = task.spacing[i] > 1 or i in outside
        first, last = (task.first_day[i], task.last_day[i]) if wide else (task.low[i], task.high[i])
        ideal = task.day[task.start[i] : task.start[i + 1]]
        for d in range(int(first), int(last) + 1):
            key = int(task.client[i]) * task.days + d
            if not task.there[task.row[i], d] or key in blocked:
                continue
            cost = min(20, *(abs(int(task.rank[d] - task.rank[k])) for k in ideal), 20)
            if task.area[i] >= 0 and home[d] >= 0:
                cost += int(task.between[task.area[i], home[d]])
            if task.weekdays[i] and not task.weekdays[i] >> task.weekday[d] & 1:
                cost += 200
            found[i, d] = cost
    return found


def promised_dates(task: Task, placed: Placed) -> int:
    """Promised visits that have a day."""
    pairs = int(task.pair.max()) + 1
    dated = np.bincount(task.pair[placed.item[placed.day >= 0]], minlength=pairs)
    return int(np.minimum(dated, np.bincount(task.pair, weights=task.promised, minlength=pairs)).sum())


def best(task: Task, placed: Placed) -> float:
    """Least cost of valid dates for as many promised and other visits, by CP-SAT."""
    program = cp_model.CpModel()
    costs = choices(task, placed)
    taken = {key: program.new_bool_var(f"{key}") for key in costs}
    for i in range(len(task.row)):
        program.add(sum(x for (j, _d), x in taken.items() if j == i) <= int(task.visits[i]))
    program.add(sum(taken.values()) == int((placed.day >= 0).sum()))
    kept = []
    for pair in np.unique(task.pair).tolist():
        promised = int(task.promised[task.pair == pair].sum())
        kept.append(program.new_int_var(0, promised, f"promised {pair}"))
        program.add(kept[-1] <= sum(x for (i, _d), x in taken.items() if task.pair[i] == pair))
    program.add(sum(kept) >= promised_dates(task, placed))
    for (i, d), (j, e) in itertools.combinations(costs, 2):
        if task.client[i] == task.client[j] and abs(d - e) < max(int(task.spacing[i]), int(task.spacing[j]), 1):
            program.add_bool_or(taken[i, d].negated(), taken[j, e].negated())
    for t in range(len(task.month_minutes)):
        used = sum(int(task.minutes[i]) * x for (i, d), x in taken.items() if task.month[d] == t)
        program.add(used <= max(int(task.month_minutes[t]), 0))
    weights = int(task.minutes @ task.visits), int(task.visits.sum())
    one = len(set(task.minutes.tolist())) == 1
    scale = 1 if one else task.full_day * weights[0]
    total = sum(scale * cost * taken[key] for key, cost in costs.items())
    for d in sorted({d for _i, d in costs}):
        here = {i: x for (i, e), x in taken.items() if e == d}
        program.add(sum(here.values()) <= int(task.day_visits[d]))
        room, base = int(task.day_minutes[d]), task.full_day - int(task.day_minutes[d])
        if one:
            length = int(task.minutes[0])
            program.add(sum(here.values()) <= room // length)
            steps = [
                60 * (2 * (base // length + u) - 1) // max(task.full_day // length, 1) for u in range(1, len(here) + 1)
            ]
            more = [program.new_bool_var(f"day {d}, visit {u}") for u in range(len(here))]
            program.add(sum(more) == sum(here.values()))
            total += sum(step * x for step, x in zip(steps, more, strict=True))
        else:
            minutes = program.new_int_var(base, base + room, f"minutes of day {d}")
            program.add(minutes == base + sum(int(task.minutes[i]) * x for i, x in here.items()))
            square = program.new_int_var(0, (base + room) ** 2, f"square of day {d}")
            program.add_multiplication_equality(square, [minutes, minutes])
            total += 60 * weights[1] * (square - base**2)
    program.minimize(total)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    assert solver.solve(program) == cp_model.OPTIMAL
    return solver.objective_value / scale


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("equal", [True, False])
def test_no_valid_schedule_is_cheaper_than_the_bound(telecom_model: Model, seed: int, equal: bool) -> None:
    """Proves on small instances that CP-SAT's best lies between bound and cost, with spacing, for one length and for several."""
    compared = 0
    tasks = list(small_tasks(telecom_model, seed, equal=equal, spaced=True))
    for task in (*tasks, *map(narrowed, tasks)):
        placed = place(task)
        least = best(task, placed)
        assert placed.bound <= least + 1e-6
        assert least <= placed.cost + 1e-6
        compared += 1
    assert compared


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bound_is_the_cost_where_a_flow_is_the_answer(telecom_model: Model, seed: int) -> None:
    """Proves that for visits of one length without spacing bound, cost and CP-SAT's best are one number."""
    proved = 0
    for task in small_tasks(telecom_model, seed, equal=True, spaced=False):
        placed = place(task)
        least = best(task, placed)
        assert placed.bound <= least + 1e-6
        if placed.proved:
            assert (placed.bound, least) == (placed.cost, placed.cost)
            proved += 1
    assert proved


def test_figures_add_up(team: Dated) -> None:
    """Proves that the figures sum the reps' costs and bounds, and count who is proved: everybody with room, one length and no spacing."""
    figures = team.schedule.figures
    shop = prepare(survey(team.model, team.tables), None).shop
    alone = [place(shop.task(rep, rows)) for rep, rows in shop.by_rep().items()]
    assert figures["cost"] == round(sum(p.cost for p in alone), 1)
    assert figures["bound"] == round(sum(p.bound for p in alone), 1)
    assert 0 < figures["gap"] == pytest.approx(1 - figures["bound"] / figures["cost"], abs=1e-4)
    assert figures["gap"] < 0.4
    tiers = team.model["tiers"].assign(minutes=30.0, spacing_days=0)
    funnel = team.model["funnel"].assign(minutes=30.0)
    reps = team.model["reps"].assign(selling_share=1.0)
    easy = replace(team.model, tables={**team.model.tables, "tiers": tiers, "funnel": funnel, "reps": reps})
    figures = schedule(easy, team.tables).figures
    assert figures["reps_proved"] == figures["reps"]
    assert (figures["gap"], figures["proved_share"], figures["bound"]) == (0.0, 1.0, figures["cost"])
