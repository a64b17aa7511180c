"""Dated visits keep every rule, and leave nothing out that fits."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from dated import Dated
from hidden_schedules import hide
from oracles.schedule import Checker
from random_plans import random_plan
from scipy.optimize import linprog

from allocator.model import Model
from allocator.solving import solve
from allocator.visits import Schedule, schedule, stream
from allocator.visits.placing import place
from allocator.visits.scheduling import prepare, survey
from allocator.visits.tasks import LOAD, NO_OTHER, NO_PROMISED, Task, home_areas, offer

PROOFS = int(os.environ.get("ALLOCATOR_PROOF", "3"))
"""Random instances of each kind."""


def wrong(dated: Dated, visits: pd.DataFrame | None = None, unplaced: pd.DataFrame | None = None) -> list[str]:
    """Return what the checker finds, with other frames than the schedule's where given."""
    found = dated.schedule
    return Checker(
        dated.model,
        dated.tables,
        found.visits if visits is None else visits,
        found.unplaced if unplaced is None else unplaced,
    ).violations()


def test_pocket_is_dated_without_a_fault(pocket: Dated) -> None:
    """Proves that the whole path from tables to dates holds every rule on a plan that an engine made."""
    assert wrong(pocket) == []
    assert pocket.schedule.figures["unplaced"] == 0


def test_telecom_is_dated_without_a_fault(telecom: Dated) -> None:
    """Proves the same for engineers with executives, renewals, lost clients, leave, a departure, the holidays of a Chinese year."""
    assert wrong(telecom) == []
    figures = telecom.schedule.figures
    assert figures["promised"] == figures["scheduled"] + figures["unplaced"]
    assert figures["scheduled"] > 0.97 * figures["promised"]
    assert {"executive", "renewal", "recovery", "prospect", "promised"} <= set(telecom.schedule.visits["purpose"])


@pytest.mark.parametrize("seed", range(PROOFS))
def test_random_plans_are_dated_without_a_fault(telecom_model: Model, seed: int) -> None:
    """Proves every rule on small plans in which everything occurs, mentors and years and blocked days too."""
    model, tables = random_plan(telecom_model, seed)
    assert wrong(Dated(model, tables, schedule(model, tables))) == []


@pytest.mark.parametrize("spaced", [False, True])
def test_hidden_schedules_are_found(pocket: Dated, spaced: bool) -> None:
    """Proves that where all visits can be placed, with 97 % of all room taken, all are; with spacing too."""
    by_rows = 0
    for seed in range(max(PROOFS - 1, 1)):
        hidden = hide(pocket.model, seed, spaced=spaced)
        found = schedule(hidden.model, hidden.tables)
        assert hidden.visits >= 0.97 * hidden.room
        assert (len(found.visits), len(found.unplaced)) == (hidden.visits, 0), seed
        by_rows += found.figures["reps_by_rows"]
        assert Checker(hidden.model, hidden.tables, found.visits, found.unplaced).violations() == []
    assert spaced or by_rows == 0


SPOILED = {
    "a working day": ("places_and_people", {"date": pd.Timestamp("2026-05-10")}),
    "another rep": ("places_and_people", {"rep": "wang", "owner": "li"}),
    "longer": ("places_and_people", {"minutes": 500}),
    "too long for a day": ("days_hold", {"minutes": 500}),
    "another purpose": ("purposes_hold", {"purpose": "renewal"}),
    "not counted": ("promises_add_up", {"promised": "no"}),
    "another window": ("places_and_people", {"window": "2026-05"}),
}


@pytest.mark.parametrize("change", SPOILED)
def test_the_checker_sees_a_spoiled_visit(pocket: Dated, change: str) -> None:
    """Proves that the checker is no yes-man: one cell changed, and the right check speaks."""
    check, values = SPOILED[change]
    visits = pocket.schedule.visits.astype(dict.fromkeys(("rep", "owner", "purpose", "promised", "window"), object))
    row = visits.index[(visits["rep"] == "li") & (visits["window"] == "2026-04") & (visits["promised"] == "yes")][0]
    for column, value in values.items():
        visits.loc[row, column] = value
    assert any(w.startswith(f"{check}:") for w in wrong(pocket, visits))


def test_the_checker_sees_what_is_missing_or_doubled(pocket: Dated) -> None:
    """Proves that a dropped visit breaks the promise, a doubled one its day, and that a day moved next to another its distance."""
    visits = pocket.schedule.visits
    assert any("promises_add_up" in w for w in wrong(pocket, visits.iloc[1:]))
    doubled = pd.concat([visits, visits.iloc[[0]]])
    assert any("once_a_day" in w for w in wrong(pocket, doubled))
    assert any("months_hold" in w for w in wrong(pocket, pd.concat([visits] * 2)))


def test_the_checker_sees_spoiled_joint_visits(telecom: Dated) -> None:
    """Proves that a day with too many executives is seen."""
    visits = telecom.schedule.visits.copy()
    led = visits.index[visits["purpose"] == "executive"]
    same = visits.copy()
    same.loc[led, "date"] = same.loc[led[0], "date"]
    checker = Checker(telecom.model, telecom.tables, same, telecom.schedule.unplaced)
    assert any(says.startswith("executives on") for says in checker.executives_are_there())


def test_the_answer_is_the_same_from_any_number_of_processes(telecom: Dated) -> None:
    """Proves that one process and two give the same frames and figures."""
    alone = schedule(telecom.model, telecom.tables, workers=1)
    pd.testing.assert_frame_equal(alone.visits, telecom.schedule.visits)
    pd.testing.assert_frame_equal(alone.unplaced, telecom.schedule.unplaced)
    assert alone.figures == telecom.schedule.figures


def test_parts_are_the_whole(team: Dated) -> None:
    """Proves that a schedule in parts has the same rows as the schedule in one."""
    parts = list(stream(team.model, team.tables, rows=1000))
    texts = pd.concat([p.visits.astype(str) for p in parts], ignore_index=True)
    whole = team.schedule.visits.astype(str)
    keys = ["rep", "date", "client"]
    pd.testing.assert_frame_equal(
        texts.sort_values(keys, ignore_index=True), whole.sort_values(keys, ignore_index=True), check_dtype=False
    )
    assert sum(p.figures["scheduled"] for p in parts) == team.schedule.figures["scheduled"]


def test_the_order_of_rows_does_not_matter(team: Dated) -> None:
    """Proves that shuffled plan frames give the same visits."""
    rng = np.random.default_rng(5)
    shuffled = {n: f.iloc[rng.permutation(len(f))].reset_index(drop=True) for n, f in team.tables.items()}
    again = schedule(team.model, shuffled)
    pd.testing.assert_frame_equal(again.visits.astype(str), team.schedule.visits.astype(str))


def test_keeping_a_run_moves_few(team: Dated) -> None:
    """Proves that a week's leave of one rep moves his visits of that week and hardly any other; without keeping, many move."""
    row = pd.DataFrame({"rep": ["E01"], "from": [pd.Timestamp("2026-05-18")], "to": [pd.Timestamp("2026-05-22")]})
    changed = replace(team.model, tables={**team.model.tables, "leave": pd.concat([team.model["leave"], row])})
    before = team.schedule.visits
    kept = schedule(changed, team.tables, keep=before)
    assert Checker(changed, team.tables, kept.visits, kept.unplaced).violations() == []
    during = before[(before["rep"] == "E01") & before["date"].between("2026-05-18", "2026-05-22")]
    moved = kept.figures["moved"]
    assert moved is not None
    assert len(during) > 0
    assert moved <= 3 * len(during)
    dates = set(zip(before["client"].astype(str), before["date"], strict=True))
    other = sum(
        (c, d) not in dates for c, d in zip(kept.visits["client"].astype(str), kept.visits["date"], strict=True)
    )
    assert other <= 3 * len(during)


def test_keeping_an_unchanged_run_moves_nothing(team: Dated) -> None:
    """Proves that the same plan with its own dates is the same schedule."""
    again = schedule(team.model, team.tables, keep=team.schedule.visits)
    assert again.figures["moved"] <= 0.002 * len(team.schedule.visits)


def flow_costs(task: Task, item: np.ndarray, day: np.ndarray) -> float:
    """Costs of dates, by the page: days, loads, what has none."""
    home = home_areas(task)
    offers = offer(task, home, np.arange(len(task.row)), task.low, task.high)
    price = {(i, d): c for i, d, c in zip(offers.item.tolist(), offers.day.tolist(), offers.cost.tolist(), strict=True)}
    dated = day >= 0
    total = sum(price[i, d] for i, d in zip(item[dated].tolist(), day[dated].tolist(), strict=True))
    full = task.full_day // int(task.minutes[0])
    base = joint_units(task)
    for d, count in enumerate(np.bincount(day[dated]).tolist()):
        total += sum(LOAD * (2 * (base[d] + u) - 1) // full for u in range(1, count + 1))
    missing = np.bincount(task.pair, weights=task.visits) - np.bincount(
        task.pair[item[dated]], minlength=task.pair.max() + 1
    )
    extra = np.bincount(task.pair, weights=task.visits - task.promised)
    cheap = np.minimum(missing, extra)
    return float(total + NO_OTHER * cheap.sum() + NO_PROMISED * (missing - cheap).sum())


def joint_units(task: Task) -> np.ndarray:
    """Visits of the task's length that joint visits have taken of each day."""
    return np.maximum(task.full_day - task.day_minutes, 0) // int(task.minutes[0])


def relaxation(task: Task) -> float:
    """Least costs of the same days as a linear program, by HiGHS."""
    home = home_areas(task)
    offers = offer(task, home, np.arange(len(task.row)), task.low, task.high)
    count, items = len(offers.item), len(task.row)
    length = int(task.minutes[0])
    full = task.full_day // length
    units = np.minimum(task.day_minutes // length, task.day_visits)
    unit_day = np.repeat(np.arange(task.days), units)
    number = np.concatenate([np.arange(1, n + 1) for n in units]) if len(unit_day) else np.zeros(0)
    pairs = int(task.pair.max()) + 1
    seen, none = np.arange(count), count + np.arange(items)
    short = count + items + np.arange(2 * pairs)
    load = count + items + 2 * pairs + np.arange(len(unit_day))
    size = count + items + 2 * pairs + len(unit_day)

    def rows(parts: list[tuple[np.ndarray, np.ndarray, float]], number_of: int) -> sp.csr_array:
        at, on = np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])
        values = np.concatenate([np.full(len(p[0]), p[2]) for p in parts])
        return sp.csr_array(sp.coo_array((values, (at, on)), shape=(number_of, size)))

    equal = [
        rows([(offers.item, seen, 1.0), (np.arange(items), none, 1.0)], items),
        rows([(task.pair, none, 1.0), (np.tile(np.arange(pairs), 2), short, -1.0)], pairs),
        rows([(offers.day, seen, 1.0), (unit_day, load, -1.0)], task.days),
    ]
    months = len(task.month_minutes)
    most = rows([(task.month[offers.day], seen, 1.0)], months)
    cost = np.zeros(size)
    cost[seen] = offers.cost
    cost[short[:pairs]], cost[short[pairs:]] = NO_PROMISED, NO_OTHER
    cost[load] = LOAD * (2 * (joint_units(task)[unit_day] + number) - 1) // full
    upper = np.ones(size)
    upper[none] = task.visits
    upper[short] = np.concatenate(
        [np.bincount(task.pair, weights=w) for w in (task.promised, task.visits - task.promised)]
    )
    right = np.concatenate([task.visits, np.zeros(pairs + task.days)])
    answer = linprog(
        cost,
        A_ub=most,
        b_ub=task.month_minutes // length,
        A_eq=sp.vstack(equal),
        b_eq=right,
        bounds=np.stack([np.zeros(size), upper], axis=1),
        method="highs",
    )
    assert answer.status == 0
    return float(answer.fun)


@pytest.mark.parametrize("seed", range(max(PROOFS // 2, 2)))
def test_visits_of_one_length_are_dated_at_least_cost(telecom_model: Model, seed: int) -> None:
    """Proves that without spacing the schedule's cost is that of the linear program, solved by another engine."""
    model, tables = random_plan(telecom_model, seed)
    tiers = model["tiers"].assign(minutes=45.0, spacing_days=0)
    model = replace(model, tables={**model.tables, "tiers": tiers})
    shop = prepare(survey(model, tables), None).shop
    compared = 0
    for rep, rows in shop.by_rep().items():
        task = shop.task(rep, rows)
        assert len(np.unique(task.minutes)) == 1
        placed = place(task)
        bound = relaxation(task)
        dated = placed.day >= 0
        item, day = placed.item[dated], placed.day[dated]
        # Where that dates more promised visits, all days of a window are offered: then it is another program.
        offered = ((task.low[item] <= day) & (day <= task.high[item])).all()
        if placed.repaired == 0 and not placed.by_rows and offered:
            assert flow_costs(task, placed.item, placed.day) == pytest.approx(bound, abs=1e-3)
            compared += 1
    assert compared


def test_the_backup_takes_the_visits_of_an_absent_owner(pocket: Dated) -> None:
    """Proves the A/B rule: on wang's days of leave li sees his clients, within her own hours, and the owner stays wang."""
    reps = pocket.model["reps"].assign(backup=["wang", "li"], hours_per_day=[12.0, 8.0])
    model = replace(pocket.model, tables={**pocket.model.tables, "reps": reps})
    dated = Dated(model, pocket.tables, schedule(model, pocket.tables))
    assert wrong(dated) == []
    visits = dated.schedule.visits
    covered = visits[visits["owner"].astype(str) != visits["rep"].astype(str)]
    assert set(covered["rep"]) == {"li"}
    assert set(covered["owner"]) == {"wang"}
    assert covered["date"].between("2026-05-25", "2026-05-28").all()


def test_lost_clients_are_called_back_in_order(telecom_model: Model) -> None:
    """Proves the priority rule: lost within a year after more than two years first, then the latest loss; the checker knows it."""
    model, tables = random_plan(telecom_model, 3)
    clients = model["clients"].iloc[:4].assign(client=list("abcd"), status="lost", tier="M", owner="r0", count=1)
    clients["lost_on"] = pd.to_datetime(["2025-11-01", "2025-08-01", "2025-12-01", "2024-01-01"])
    clients["since"] = pd.to_datetime(["2020-01-01", "2020-01-01", "2025-01-01", "2010-01-01"])
    clients["blocked"] = pd.Series([()] * 4, dtype=object)
    model = replace(model, tables={**model.tables, "clients": clients})
    months = list(model.calendar.months)
    row = tables["effort"].iloc[[0] * len(months)].assign(rep="r0", tier="M", group="g", month=months, promised=0.0)
    row = row.assign(planned=0.0, minutes=0.0, first_visits=[4 / len(months)] * len(months))
    group = pd.DataFrame({"client": list("abcd"), "rep": "r0", "backup": "", "from": "", "to": "", "group": "g"})
    frames = {"effort": row.reset_index(drop=True), "assignments": group}
    found = schedule(model, frames)
    both = pd.concat([found.visits[["client", "window"]], found.unplaced[["client", "window"]]]).astype(str)
    assert sorted(both["client"], key=lambda c: (both.set_index("client")["window"][c], "abcd".index(c))) == list(
        "abcd"
    )
    assert not list(Checker(model, frames, found.visits, found.unplaced).lost_come_in_order())
    turned = found.visits.assign(
        client=found.visits["client"].astype(object).map(dict(zip("abcd", "dcba", strict=True)))
    )
    assert list(Checker(model, frames, turned, found.unplaced.iloc[:0]).lost_come_in_order())


def test_a_clients_own_backup_sees_it(pocket: Dated) -> None:
    """Proves that while li is away wang sees the one client that names him, and nobody the others; the checker knows it."""
    clients = pocket.model["clients"]
    clients = clients.assign(backup=np.where(clients["client"] == "harbour", "wang", ""))
    reps = pocket.model["reps"].assign(hours_per_day=[8.0, 12.0])
    leave = pd.DataFrame({"rep": ["li"], "from": [pd.Timestamp("2026-06-01")], "to": [pd.Timestamp("2026-06-30")]})
    model = replace(pocket.model, tables={**pocket.model.tables, "clients": clients, "reps": reps, "leave": leave})
    dated = Dated(model, pocket.tables, schedule(model, pocket.tables))
    assert wrong(dated) == []
    visits = dated.schedule.visits.astype({"owner": object, "rep": object, "client": object})
    covered = visits[visits["owner"] != visits["rep"]]
    assert (set(covered["rep"]), set(covered["client"])) == ({"wang"}, {"harbour"})
    assert (covered["date"] >= "2026-06-01").all()
    assert len(covered) >= 4
    visits.loc[covered.index[0], "client"] = "shops_north#1"
    assert any("wang visits shops_north#1 of li" in w for w in wrong(dated, visits))


def test_clients_are_seen_while_they_stay(pocket: Dated) -> None:
    """Proves that one who is lost on 2026-05-18 and one who comes on 2026-05-11 are promised their part and seen within it."""
    rows = pocket.model["clients"].set_index("client", drop=False)
    rows.loc["harbour", "lost_on"], rows.loc["mill", "since"] = pd.Timestamp("2026-05-18"), pd.Timestamp("2026-05-11")
    model = replace(pocket.model, tables={**pocket.model.tables, "clients": rows.reset_index(drop=True)})
    plan = solve(model)
    dated = Dated(model, dict(plan.tables), Schedule(plan["visits"], plan["unplaced"], plan.summary["schedule"]))
    assert wrong(dated) == []
    visits = plan["visits"]
    days = {c: visits.loc[visits["client"] == c, "date"] for c in ("harbour", "mill")}
    assert days["harbour"].max() < pd.Timestamp("2026-05-18")
    assert days["mill"].min() >= pd.Timestamp("2026-05-11")
    calendar = model.calendar
    may = calendar.days[calendar.working & (calendar.day_month == 1)]
    for client, stay in (("harbour", (may < "2026-05-18").mean()), ("mill", (may >= "2026-05-11").mean())):
        rows = pd.concat([plan["visits"], plan["unplaced"]]).astype({"client": object, "window": object})
        rows = rows[(rows["client"] == client) & (rows["window"] == "2026-05") & (rows["promised"] == "yes")]
        assert len(rows) == np.floor(4 * stay + 0.5)
    late = visits.copy()
    late.loc[days["harbour"].idxmax(), "date"] = pd.Timestamp("2026-05-20")
    assert any("harbour is no client" in w for w in wrong(dated, late))
