"""Errors to plant in the formulation: in the rows of a rule, in the bounds of columns, in expressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from allocator import ordering, solving
from allocator.formulation import (
    budget,
    demand,
    effort,
    fairness,
    grain,
    metrics,
    needs,
    quotas,
    targets,
    visiting,
    winning,
)
from allocator.formulation.asking import Asking
from allocator.formulation.cells import Cells
from allocator.formulation.curves import _Curves
from allocator.formulation.draft import Draft
from allocator.formulation.grain import Grain
from allocator.formulation.metrics import Metrics
from allocator.model import Levels, Model
from allocator.program import Goal, ProgramBuilder

Patch = pytest.MonkeyPatch
Add = Callable[..., Any]


def plant(patch: Patch, part: str, kind: str) -> None:
    """Plant an error.

    Parameters
    ----------
    patch : MonkeyPatch
    part : str
        Sentence of a rule, ``columns NAME``, or ``expression``.
    kind : str
        Of rows: ``dropped``, ``sign of NAME`` (of the coefficients of a family of columns), ``without month K`` or
        ``without row K`` (counted from 0, of each block of rows). Of columns: ``unbounded``, ``not whole``. Else a name of
        :data:`EXPRESSIONS`.
    """
    if part == "expression":
        EXPRESSIONS[kind](patch)
    elif part.startswith("columns "):
        plant_in_columns(patch, part.removeprefix("columns "), kind)
    else:
        plant_in_rows(patch, part, kind)


def plant_in_rows(patch: Patch, rule: str, kind: str) -> None:
    """Plant an error in the rows of a rule."""
    add = ProgramBuilder.add_rows

    def spoiled(
        builder: ProgramBuilder, name: str, unit: str, labels: Any, matrix: sp.csr_array, lower: Any, upper: Any
    ) -> Any:
        if name == rule:
            size = matrix.shape[0]
            lower, upper = (np.broadcast_to(np.asarray(b, float), (size,)).copy() for b in (lower, upper))
            if kind.startswith("sign of "):
                matrix = matrix @ sp.diags_array(signs(builder, kind.removeprefix("sign of "), matrix.shape[1]))
            else:
                gone = missing(kind, labels, size)
                lower[gone], upper[gone] = -np.inf, np.inf
        return add(builder, name, unit, labels, sp.csr_array(matrix), lower, upper)

    patch.setattr(ProgramBuilder, "add_rows", spoiled)


def signs(builder: ProgramBuilder, name: str, size: int) -> Any:
    """−1 for the columns of a family, 1 for others."""
    sign = np.ones(size)
    for family, *_ in builder._columns:
        if family.name == name:
            sign[family.slice] = -1.0
    return sign


def missing(kind: str, labels: Any, size: int) -> Any:
    """Rows that an error leaves out."""
    if kind == "dropped":
        return np.ones(size, bool)
    what, _, number = kind.removeprefix("without ").partition(" ")
    if what == "row":
        return np.arange(size) == int(number)
    assert what == "month"
    return labels["month"].codes == int(number)


def plant_in_columns(patch: Patch, family: str, kind: str) -> None:
    """Plant an error in the bounds of a family of columns."""
    add = ProgramBuilder.add_columns

    def spoiled(
        builder: ProgramBuilder, name: str, unit: str, labels: Any, size: int, lower: Any = 0.0, upper: Any = np.inf,
        *, integer: bool = False,
    ) -> Any:  # fmt: skip
        if name == family:
            upper = np.inf if kind == "unbounded" else upper
            integer = integer and kind != "not whole"
        return add(builder, name, unit, labels, size, lower, upper, integer=integer)

    patch.setattr(ProgramBuilder, "add_columns", spoiled)


# Expressions


def around(patch: Patch, owner: Any, name: str, wrap: Callable[[Add], Add]) -> None:
    """Replace a function by what is wrapped around it."""
    patch.setattr(owner, name, wrap(getattr(owner, name)))


def season_without_a_month(patch: Patch) -> None:
    """Curves sell nothing in the first month."""
    around(patch, effort, "curve_cells", lambda f: lambda draft: first_month_off(f(draft)))


def first_month_off(cells: Cells) -> Cells:
    """Nothing in the first month."""
    return cells.times((cells.month > 0).astype(float))


def ramp_ignored(patch: Patch) -> None:
    """New reps sell in full at once."""
    patch.setattr(Grain, "ramp", property(lambda g: np.ones(g.carrier.shape)))


def carry_dropped(patch: Patch) -> None:
    """Money works only in the month in which it is spent."""

    def now(draft: Draft) -> sp.csr_array:
        matrix = sp.coo_array(full(draft))
        row, column = matrix.coords
        spent = np.full(matrix.shape[1], -1)
        segment, month = np.nonzero(draft.columns["spend"] >= 0)
        spent[draft.columns["spend"][segment, month]] = month
        kept = spent[column] == row % draft.shape[1]
        return sp.csr_array(sp.coo_array((matrix.data[kept], (row[kept], column[kept])), shape=matrix.shape))

    full = budget.effect_matrix
    patch.setattr(demand, "effect_matrix", now)


def backup_share_swapped(patch: Patch) -> None:
    """The owner makes the visits of his absence, the backup those of his presence."""
    right = vars(Grain)["shares"].fget

    def swapped(grain_: Grain) -> Any:
        share, backup = right(grain_)
        return np.where(backup >= 0, 1 - share, share), backup

    patch.setattr(Grain, "shares", property(swapped))


def commission_sign(patch: Patch) -> None:
    """Commission is negative."""
    around(patch, Metrics, "_commission", lambda f: lambda self: [p.times(-1.0) for p in f(self)])


def collections_lag_off_by_one(patch: Patch) -> None:
    """Cash comes a month late."""
    around(
        patch, metrics, "collection_profiles",
        lambda f: lambda model: {t: {lag + 1: s for lag, s in p.items()} for t, p in f(model).items()},
    )  # fmt: skip


def history_cash_forgotten(patch: Patch) -> None:
    """Revenue of before the plan brings no cash."""
    around(patch, metrics, "history_cash", lambda f: lambda draft, profile: f(draft, profile).times(0.0))


def contribution_part(patch: Patch, chosen: Callable[[Cells], bool], factor: float) -> None:
    """Multiply some parts of contribution."""
    around(
        patch, Metrics, "_contribution",
        lambda f: lambda self: [p.times(factor) if len(p) and chosen(p) else p for p in f(self)],
    )  # fmt: skip


def profit_without_margin(patch: Patch) -> None:
    """All revenue is profit."""
    patch.setattr(Metrics, "_profit", lambda self: self.parts("revenue"))


def goals_swapped(patch: Patch) -> None:
    """The last goals come first."""

    def backwards(draft: Draft, metrics_: Metrics) -> tuple[Goal, ...]:
        return right(draft, metrics_)[::-1]

    right = effort._goals
    patch.setattr(effort, "_goals", backwards)


def sums_before_the_largest(patch: Patch) -> None:
    """The sum of misses comes before the largest miss."""

    def swapped(draft: Draft, level: str) -> list[Goal]:
        goals = right(draft, level)
        return [goals[i ^ 1] for i in range(len(goals))]

    right = targets.target_goals
    patch.setattr(effort, "target_goals", swapped)


def weights_ignored(patch: Patch) -> None:
    """All targets weigh the same."""

    def even(draft: Draft, level: str) -> list[Goal]:
        return [replace(g, costs=(g.costs != 0).astype(float)) for g in right(draft, level)]

    right = targets.target_goals
    patch.setattr(effort, "target_goals", even)


def faces_not_held(patch: Patch) -> None:
    """A goal that was solved is forgotten."""
    patch.setattr(ordering, "_face", lambda program, goal, solution: program)


def winning_takes_no_time(patch: Patch) -> None:
    """Winning clients costs no hours."""
    around(patch, visiting, "winning_hours", lambda f: lambda draft: f(draft) * 0.0)


def funnel_lag_off_by_one(patch: Patch) -> None:
    """Clients are won a month late."""
    around(patch, winning, "channels", lambda f: lambda funnel: f(funnel).assign(lag=lambda c: c["lag"] + 1))


def window_of_a_line_ignored(patch: Patch) -> None:
    """A line's points are divided by the months of the plan, not of its window."""

    def stretched(draft: Draft) -> Any:
        pools, points = right(draft)
        calendar, lines = draft.grain.model.calendar, draft.grain.model["budget"]
        first = [calendar.window(p)[0] if p else 0 for p in lines["from"]]
        last = [calendar.window(p)[-1] if p else calendar.count - 1 for p in lines["to"]]
        part = (np.array(last, float) - first + 1) / calendar.count
        return pools, [(b, k, e * part[b], s * part[b]) for b, k, e, s in points]

    right = budget._pools
    patch.setattr(budget, "_pools", stretched)


def ceilings_of_clients_ignored(patch: Patch) -> None:
    """A group's curve does not bend where a client reaches its ceiling."""
    patch.setattr(_Curves, "inverse", lambda self, which, level: np.full(len(which), np.nan))


def backups_never_carry(patch: Patch) -> None:
    """Nobody carries the clients of those who left."""
    around(
        patch, grain, "_carriers",
        lambda f: lambda people, owner, backup: np.where(f(people, owner, backup) == owner[:, None], owner[:, None], -1),
    )  # fmt: skip


def activities_take_no_time(patch: Patch) -> None:
    """Fixed activities cost no hours."""
    around(patch, grain, "_activities", lambda f: lambda model: f(model) * 0.0)


def nothing_may_be_declined(patch: Patch) -> None:
    """No sales are lost, whatever is wished."""
    around(patch, effort, "losing_products", lambda f: lambda draft: f(draft) & False)


def half_the_market(patch: Patch) -> None:
    """The market is half as large."""
    around(patch, targets, "market_sizes", lambda f: lambda *a: f(*a) / 2)


def misses_in_money(patch: Patch) -> None:
    """Shares are not missed relative to what is expected."""
    around(patch, targets, "expected_plan", lambda f: lambda draft: f(draft) * 0.0)


def shares_of_nothing(patch: Patch) -> None:
    """What a bound is a share of is 0."""
    around(patch, targets, "_base", lambda f: lambda *a: tuple(part * 0.0 for part in f(*a)))


def everybody_weighs_the_same(patch: Patch) -> None:
    """Fair shares are even."""
    around(patch, fairness, "fair_weights", lambda f: lambda g: np.ones(len(g.people.code)))


def attainment_ignored(patch: Patch) -> None:
    """Commission of the quotas is that of attainment 100 %."""
    around(patch, quotas, "commission_rates", lambda f: lambda model, attainment: f(model, 1.0))


def quotas_of_everything(patch: Patch) -> None:
    """No target asks for quotas."""
    around(patch, needs, "asked_targets", lambda f: lambda model, level: f(model, level).iloc[:0])


def levels_ignored(patch: Patch) -> None:
    """Stretch and ceiling ask for no more than base."""

    def flat(model: Model, level: str) -> Any:
        settings = model.settings.model_copy(update={"levels": Levels(stretch=1, ceiling=1)})
        return right(replace(model, settings=settings), level)

    right = needs.asked_targets
    patch.setattr(needs, "asked_targets", flat)


def own_rows_ignored(patch: Patch) -> None:
    """What base asks stands for every level, whatever rows of its own a level has."""

    def raised(model: Model, level: str) -> Any:
        rows = model["targets"]
        kept = rows[rows["level"] == "base"]
        return right(replace(model, tables={**model.tables, "targets": kept}), level)

    right = needs.asked_targets
    patch.setattr(needs, "asked_targets", raised)


def shares_raised(patch: Patch) -> None:
    """A share of base is raised like an amount."""

    def raised(model: Model, level: str) -> Any:
        rows = right(model, level).copy()
        share = (rows["share_of"] != "") & (level != "base")
        rows.loc[share, "at_least"] *= getattr(model.settings.levels, level, 1.0)
        return rows

    right = needs.asked_targets
    patch.setattr(needs, "asked_targets", raised)


def hedge_turned_round(patch: Patch) -> None:
    """Units owe more than they are assigned."""
    around(patch, needs, "owed_part", lambda f: lambda *a: 1 / f(*a))


def the_top_owes_everything(patch: Patch) -> None:
    """Whoever a target names, the company owes it."""
    around(patch, needs, "owed_part", lambda f: lambda asking, cell, scope, names: f(asking, cell, {}, names[[]]))


def pins_above_forgotten(patch: Patch) -> None:
    """No level leaves room for the pins of the levels above it."""

    def alone(asking: Asking, below: Any) -> None:
        grain_, pins = asking.grain, asking.grain.model["pins"]
        mine = {**grain_.model.tables, "pins": pins[pins["level"] == asking.level]}
        asking.grain = replace(grain_, model=replace(grain_.model, tables=mine))
        right(asking, below)
        asking.grain = grain_

    right = quotas._columns
    patch.setattr(quotas, "_columns", alone)


def levels_beside_each_other(patch: Patch) -> None:
    """A level does not stand on the one below it."""
    around(
        patch,
        solving,
        "quota_program",
        lambda f: lambda grain, forecast, money, level, *_: f(grain, forecast, money, level),
    )


def clients_stay_unassigned(patch: Patch) -> None:
    """Clients without an owner are given to nobody."""
    patch.setattr(grain, "assign", lambda model, *_: model["clients"]["owner"])


EXPRESSIONS: dict[str, Callable[[Patch], None]] = {
    "season without a month": season_without_a_month,
    "ramp ignored": ramp_ignored,
    "carry dropped": carry_dropped,
    "backup share swapped": backup_share_swapped,
    "commission sign": commission_sign,
    "collections lag off by one": collections_lag_off_by_one,
    "history cash forgotten": history_cash_forgotten,
    "contribution without visit cost": lambda p: contribution_part(
        p, lambda c: c.space == "places" and bool((c.product < 0).all()), 0.0
    ),
    "contribution with spend added": lambda p: contribution_part(p, lambda c: c.space == "lines", -1.0),
    "contribution without supply cost": lambda p: contribution_part(p, lambda c: bool((c.place < 0).all()), 0.0),
    "profit without margin": profit_without_margin,
    "goals swapped": goals_swapped,
    "sums before the largest": sums_before_the_largest,
    "weights ignored": weights_ignored,
    "faces not held": faces_not_held,
    "winning takes no time": winning_takes_no_time,
    "funnel lag off by one": funnel_lag_off_by_one,
    "window of a line ignored": window_of_a_line_ignored,
    "ceilings of clients ignored": ceilings_of_clients_ignored,
    "backups never carry": backups_never_carry,
    "activities take no time": activities_take_no_time,
    "nothing may be declined": nothing_may_be_declined,
    "half the market": half_the_market,
    "misses in money": misses_in_money,
    "shares of nothing": shares_of_nothing,
    "everybody weighs the same": everybody_weighs_the_same,
    "attainment ignored": attainment_ignored,
    "quotas of everything": quotas_of_everything,
    "levels ignored": levels_ignored,
    "own rows ignored": own_rows_ignored,
    "shares raised": shares_raised,
    "hedge turned round": hedge_turned_round,
    "hedge ignored": lambda p: p.setattr(needs, "owed_part", lambda asking, cell, *_: np.ones(len(cell))),
    "the top owes everything": the_top_owes_everything,
    "pins above forgotten": pins_above_forgotten,
    "levels beside each other": levels_beside_each_other,
    "clients stay unassigned": clients_stay_unassigned,
}
"""Errors that are not in rows, by name."""
