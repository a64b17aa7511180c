"""Numbers already given move only for a reason: the change from the plan in force as a goal of its own (section 9)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.engines.status import Engine, Status
from allocator.formulation.arrays import positions
from allocator.formulation.budget import line_matrix
from allocator.formulation.draft import widen
from allocator.formulation.effort import Effort
from allocator.formulation.grain import Grain
from allocator.formulation.quotas import Quotas
from allocator.formulation.visiting import visits_matrix
from allocator.model import LEVELS
from allocator.ordering import HELD, IMPOSSIBLE, Ordering, Outcome
from allocator.program import Floats, Goal, Ints, Program
from allocator.reviewing.changing import beyond_limit, counted, held_within, padded, picked
from allocator.reviewing.published import Published

UNCHANGED = 1e-7
"""A change up to this, as a share of all that was given, is the arithmetic's last digits."""

CONTRIBUTION = "contribution"
KEPT = -1.0
"""Under this the answer stands that keeps the plan in force."""


@dataclass
class Stability:
    """How near a plan keeps to the one in force.

    Attributes
    ----------
    published : Published
    give : float
        Share of the best contribution that may be given up so that less changes.
    within : float
        The plan in force is kept as it is while every goal is this near to its best (contribution: relative).
    moved : float
        Share by which one rep's number for the remaining months may move.
    exact : bool
        Whether also the last goal, contribution, may choose other whole numbers of large contracts.
    kept : bool or None
        Whether effort and money of the plan in force were kept; None before a program was solved.
    ordered : Outcome or None
        The goals before contribution, and the best contribution: found once for all ``give``.
    answers : dict of float to Outcome
        By what was given up.
    """

    published: Published
    give: float = 0.005
    within: float = 0.005
    moved: float = 0.2
    exact: bool = True
    kept: bool | None = None
    ordered: tuple[Outcome, Outcome] | None = None
    answers: dict[float, Outcome] = field(default_factory=dict)

    def effort(self, effort: Effort, solver: Engine, seconds: float | None) -> Outcome:
        """Solve the effort program: the plan in force if it is near enough to the best, else what changes least."""
        best = self._best(effort, solver, seconds)
        if best[1].status is not Status.OPTIMAL:
            return best[1]
        if self.kept is None:
            found = self._try_to_keep(effort, best[1], solver, seconds)
            self.kept = found is not None
            if found is not None:
                self.answers[KEPT] = found
        if self.kept:
            return self.answers[KEPT]
        if self.give not in self.answers:
            self.answers[self.give] = self._least_change(effort, best, solver, seconds)
        return self.answers[self.give]

    def _best(self, effort: Effort, solver: Engine, seconds: float | None) -> tuple[Outcome, Outcome]:
        """All goals in order: those before contribution, then all."""
        if self.ordered is None:
            goals = effort.program.goals
            last = bool(goals) and goals[-1].name == CONTRIBUTION
            before = goals[:-1] if last else goals
            first = Ordering(replace(effort.program, goals=before), solver, seconds=seconds).run()
            if not last or first.status is not Status.OPTIMAL:
                self.ordered = (first, first)
            else:
                then = Ordering(replace(first.program, goals=goals[-1:]), solver, seconds=seconds).run()
                if then.status in IMPOSSIBLE:  # whole numbers need the last digits of the goals before
                    self.ordered = _held_by_values(effort.program, solver, seconds)
                    return self.ordered
                every = replace(then, best={**first.best, **then.best}, duals={**first.duals, **then.duals})
                every.solves, every.seconds = first.solves + then.solves, first.seconds + then.seconds
                self.ordered = (first, every)
        return self.ordered

    def _try_to_keep(self, effort: Effort, best: Outcome, solver: Engine, seconds: float | None) -> Outcome | None:
        """The plan in force, where it is possible and every goal is near its best; None where it is not."""
        goals = effort.program.goals
        program = held_within(
            effort.program, [(g, best.best[g.name] + self._room(g, best.best[g.name])) for g in goals]
        )
        program, _change, _other = self._counting(effort, program)
        outcome = _without_change(program, effort.program.shape[1], goals, solver, seconds)
        return None if outcome is None else self._told(effort, outcome, best)

    def _room(self, goal: Goal, value: float) -> float:
        """What a goal may lose so that the plan in force is kept: misses in points, contribution as a share."""
        return self.within * (abs(value) if goal.name == CONTRIBUTION else 1.0)

    def _least_change(
        self, effort: Effort, best: tuple[Outcome, Outcome], solver: Engine, seconds: float | None
    ) -> Outcome:
        """Goals before contribution at their best, contribution within what may be given, then the least change."""
        first, every = best
        goal = effort.program.goals[-1]
        program = first.program
        if goal.name == CONTRIBUTION:
            value = every.best[CONTRIBUTION]
            program = held_within(program, [(goal, value + self.give * abs(value))])
        program, change, other = self._counting(effort, program)
        after = (padded(goal, program.shape[1]),) if goal.name == CONTRIBUTION else ()
        if self.exact:
            outcome = Ordering(replace(program, goals=(change, other, *after)), solver, seconds=seconds).run()
        else:
            outcome = Ordering(replace(program, goals=(change, other)), solver, seconds=seconds).run()
            outcome = _then(outcome, after, solver, seconds)
        return self._told(effort, outcome, every)

    def given_up(self, effort: Effort) -> float:
        """Share of the best contribution that the answer at ``give`` gives up; nothing where contribution is no goal."""
        goal, answer = (
            effort.program.goals[-1] if effort.program.goals else None,
            self.answers[KEPT if self.kept else self.give],
        )
        if goal is None or goal.name != CONTRIBUTION or self.ordered is None or answer.x is None:
            return 0.0
        best = self.ordered[1].best[CONTRIBUTION]
        return max(goal.value(answer.x) - best, 0.0) / max(abs(best), 1e-12)

    def _counting(self, effort: Effort, program: Program) -> tuple[Program, Goal, Goal]:
        """Count the change of visits and money, and that of what follows from them; no two numbers count alike."""
        rng = np.random.default_rng(9)
        goals = []
        for name, (matrix, given, weight) in (
            ("change", _given(effort, self.published)),
            ("change of the rest", _rest(effort, self.published)),
        ):
            weight = weight * (1 + 0.02 * rng.random(len(weight)))
            program, goal = counted(replace(program, goals=()), matrix, given, weight, name)
            goals.append(replace(goal, wish=False))
        return program, padded(goals[0], program.shape[1]), goals[1]

    def _told(self, effort: Effort, outcome: Outcome, best: Outcome) -> Outcome:
        """The outcome as one of the effort program itself."""
        size = effort.program.shape[1]
        x = None if outcome.x is None else outcome.x[:size]
        return Outcome(
            outcome.status,
            effort.program,
            x,
            best=dict(best.best),
            duals=dict(best.duals),
            solves=best.solves + outcome.solves,
            seconds=best.seconds + outcome.seconds,
            detail=outcome.detail,
        )

    def quotas(self, quotas: Quotas, solver: Engine, seconds: float | None) -> Outcome:
        """Solve the quota program of a level so that published quotas move little."""
        asking, program = quotas.asking, quotas.program
        level, size = asking.level, program.shape[1]
        column = asking.columns[level]
        given = self.published.exact(asking.cells, asking.grain, level) / program.money
        ahead = np.flatnonzero(~asking.over)
        total = max(float(given[ahead].sum()), 1e-9)
        weight = (1 + 0.02 * np.random.default_rng(11).random(len(ahead))) / total
        change = (picked(column[ahead], size), given[ahead], weight)
        program = _with_noise(program, column[ahead], given[ahead])
        quotas = replace(quotas, program=program)
        wider, moved = self._limits(quotas, given)
        wider, least = counted(wider, *change, f"{level} change")
        least = replace(least, wish=False)
        goals = [padded(g, wider.shape[1]) for g in program.goals]
        cut = next(i for i, g in enumerate(goals) if g.name == f"{level} total")
        ordered = (goals[0], padded(moved, wider.shape[1]), *goals[1:cut], least, *goals[cut:])
        wider = replace(wider, goals=ordered)
        outcome = Ordering(wider, solver, seconds=seconds).run()
        if outcome.status is Status.OPTIMAL:
            outcome = self._keep_quotas(wider, outcome, ordered, f"{level} change", solver, seconds) or outcome
        names = {g.name for g in program.goals}
        told = replace(outcome, program=replace(outcome.program, goals=tuple(g for g in ordered if g.name in names)))
        return told

    def _keep_quotas(
        self, program: Program, best: Outcome, goals: tuple[Goal, ...], name: str, solver: Engine, seconds: float | None
    ) -> Outcome | None:
        """The published quotas, where every gap is near its best; None where they cannot be kept."""
        cut = next(i for i, g in enumerate(goals) if g.name == name)
        if best.best[name] <= UNCHANGED:
            return None
        loose = [(g, best.best[g.name] + self.within) for g in goals[:cut]]
        others = tuple(g for g in goals if g.name != name)
        first = program.shape[1] - 2 * int((goals[cut].costs > 0).sum() // 2)
        outcome = _without_change(held_within(program, loose), first, others, solver, seconds)
        if outcome is None:
            return None
        outcome.best, outcome.duals = dict(best.best), dict(best.duals)
        return outcome

    def _limits(self, quotas: Quotas, given: Floats) -> tuple[Program, Goal]:
        """How far a rep's number for the remaining months moves beyond the limit; a rep without a number has none."""
        asking, program = quotas.asking, quotas.program
        rep, ahead = asking.cells["rep"].to_numpy(int), ~asking.over
        reps = len(asking.grain.people.code)
        before = np.bincount(rep[ahead], weights=given[ahead], minlength=reps)
        some = np.flatnonzero(before > 0)
        row = np.full(reps, -1)
        row[some] = np.arange(len(some))
        mine = np.flatnonzero(ahead & (row[rep] >= 0))
        entries = (np.ones(len(mine)), (row[rep[mine]], asking.columns[asking.level][mine]))
        matrix = sp.csr_array(sp.coo_array(entries, shape=(len(some), program.shape[1])))
        scale = np.full(len(some), 1 / max(float(before.sum()), 1e-9))
        return beyond_limit(program, matrix, before[some], self.moved * before[some], scale, f"{asking.level} moved")

    def given(self, table: pd.DataFrame) -> pd.Series:
        """Published quotas that stand, as the exact ones did not change; NaN for the others.

        A number gives way where the level below it may be rounded beyond it.
        """
        before = self.published.tables["quotas"]
        step = self.published.model.settings.rounding
        keys = ["rep", "product", "month"]
        out = pd.Series(np.nan, index=table.index)
        below = pd.Series(dtype=float)
        for level in LEVELS:
            mine = table[table["level"] == level]
            index = pd.MultiIndex.from_frame(mine[keys].astype("str"))
            old = before[before["level"] == level].astype(dict.fromkeys(keys, "str")).set_index(keys)
            old = old[["exact", "quota"]].reindex(index)
            exact, quota = (old[c].to_numpy(float) for c in ("exact", "quota"))
            same = np.abs(exact - mine["exact"].to_numpy(float)) <= 1e-6 * np.maximum(1.0, np.abs(exact))
            stands = same & (quota >= below.reindex(index).fillna(0.0).to_numpy(float))
            out[mine.index] = np.where(stands, quota, np.nan)
            most = np.ceil(mine["exact"].to_numpy(float) / step - 1e-9) * step
            below = pd.Series(np.where(stands, quota, most), index=index)
        return out


def _then(outcome: Outcome, goals: tuple[Goal, ...], solver: Engine, seconds: float | None) -> Outcome:
    """Solve more goals with the whole numbers that were found."""
    if outcome.status is not Status.OPTIMAL or outcome.x is None or not goals:
        return outcome
    program, x = outcome.program, outcome.x
    whole = program.integer
    lower, upper = np.where(whole, np.round(x), program.lower), np.where(whole, np.round(x), program.upper)
    held = replace(program, lower=lower, upper=upper, integer=np.zeros_like(whole), goals=goals)
    then = Ordering(held, solver, seconds=seconds).run()
    return (
        then if then.status is Status.OPTIMAL else outcome
    )  # the last digits may leave no room: what was found stands


def _held_by_values(program: Program, solver: Engine, seconds: float | None) -> tuple[Outcome, Outcome]:
    """All goals in one go; those before the last are held by rows that let go of their last digits."""
    every = Ordering(program, solver, seconds=seconds).run()
    before = [
        (g, every.best[g.name] + HELD * max(1.0, abs(every.best[g.name]))) for g in program.goals[:-1] if every.best
    ]
    return replace(every, program=held_within(program, before)), every


def _with_noise(program: Program, columns: Ints, given: Floats) -> Program:
    """Bounds that let published numbers be which miss them by the arithmetic's last digits."""
    upper = program.upper.copy()
    near = (given > upper[columns]) & (given <= upper[columns] * (1 + 1e-7) + 1e-7)
    upper[columns[near]] = given[near]
    return replace(program, upper=upper)


def _without_change(
    program: Program, first: int, goals: tuple[Goal, ...], solver: Engine, seconds: float | None
) -> Outcome | None:
    """Solve goals in order where the columns from ``first`` on, which count change, stand at 0; None where that cannot be."""
    for most in (0.0, UNCHANGED):  # numbers that were written and read again may miss in their last digits
        upper = program.upper.copy()
        upper[first:] = most
        fixed = replace(program, upper=upper, goals=tuple(padded(g, program.shape[1]) for g in goals))
        outcome = Ordering(fixed, solver, seconds=seconds).run()
        if outcome.status is Status.OPTIMAL:
            return outcome
        if outcome.status not in IMPOSSIBLE:
            return None
    return None


def _given(effort: Effort, published: Published) -> tuple[sp.csr_array, Floats, Floats]:
    """Visits, first visits and money of the months that remain: how they are read, what they were, and their weight."""
    draft = effort.draft
    grain, (groups, months), past = draft.grain, draft.shape, draft.grain.model.past
    size = effort.program.shape[1]
    ahead = np.arange(months) >= past
    made, made_first = published.by_group(grain, "planned"), published.by_group(grain, "first_visits")
    spent = published.spend(grain.model) / draft.money
    cells = np.flatnonzero(np.tile(ahead, groups))
    parts = [widen(visits_matrix(draft), size)[cells]]
    values = [made.ravel()[cells]]
    first = draft.columns.get("first")
    if first is not None:
        g, t = np.nonzero((first >= 0) & ahead)
        parts.append(picked(first[g, t], size))
        values.append(made_first[g, t])
    visits = sum(len(v) for v in values)
    lines = np.flatnonzero(np.tile(ahead, len(spent)))
    parts.append(widen(line_matrix(draft), size)[lines])
    values.append(spent.ravel()[lines])
    given = np.concatenate(values)
    weight = np.empty(len(given))
    weight[:visits] = 1 / max(float(np.abs(given[:visits]).sum()), 1e-9)
    weight[visits:] = 1 / max(float(np.abs(given[visits:]).sum()), 1e-9)
    return sp.csr_array(sp.vstack(parts)), given, weight


def _rest(effort: Effort, published: Published) -> tuple[sp.csr_array, Floats, Floats]:
    """Lift, sales, large contracts and clients won in the months that remain: they say for whom a forecast is."""
    grain, size = effort.draft.grain, effort.program.shape[1]
    group = _groups_now(published, grain)
    parts = [p for p in (*_lift(effort, published, group), *_sold(effort, published, group)) if len(p[0])]
    parts.append(_won(effort, published, group))
    columns, given = (np.concatenate([p[k] for p in parts]) for k in (0, 1))
    weight = np.concatenate([np.full(len(v), 1 / max(float(np.abs(v).sum()), 1e-9)) for _columns, v in parts])
    return picked(columns.astype(int), size), given, weight


Part = tuple[Ints, Floats]
"""Columns, and what the plan in force has there."""


def _summed(amount: Floats, keys: list[Ints], wanted: list[Ints]) -> Floats:
    """Sums of amounts by keys, at the keys that are wanted."""
    sums = pd.Series(amount).groupby(keys).sum()
    if not len(sums):
        return np.zeros(len(wanted[0]))
    return sums.reindex(pd.MultiIndex.from_arrays(wanted)).fillna(0.0).to_numpy(float)


def _lift(effort: Effort, published: Published, group: pd.Series) -> list[Part]:
    """Lift of each cut by pool and month, and of each group."""
    draft = effort.draft
    grain, past, pools = draft.grain, draft.grain.model.past, draft.tables["pools"]
    lift, lifted, old = draft.tables["lift"], draft.tables["lifted"], published.tables["lift"]
    old = old[old["month"].isin(grain.model.calendar.months[past:])]
    at = group.reindex(old["group"]).fillna(-1).to_numpy(int)
    cut = np.append(effort.metrics.places.cut, -1)[at]
    names = pd.MultiIndex.from_arrays([old["unit"].astype(object), old["line_product"].astype(object)])
    known = pd.MultiIndex.from_frame(pools[["unit", "product"]].astype(object))
    pool = known.get_indexer(names) if len(pools) else np.full(len(old), -1)
    product, month = positions(grain.product, old["product"]), positions(grain.model.calendar.months, old["month"])
    amount = old["lift"].to_numpy(float) / draft.money
    ahead = lift[lift["month"] >= past]
    wanted = [ahead[n].to_numpy(int) for n in ("pool", "place", "product", "month")]
    groups = [lifted[n].to_numpy(int) for n in ("group", "product")]
    return [
        (ahead["column"].to_numpy(int), _summed(amount, [pool, cut, product, month], wanted)),
        (lifted["column"].to_numpy(int), _summed(amount, [at, product], groups)),
    ]


def _sold(effort: Effort, published: Published, group: pd.Series) -> list[Part]:
    """Sales of cuts where something may be lost, and large contracts."""
    draft = effort.draft
    grain, past, old = draft.grain, draft.grain.model.past, published.tables["forecast"]
    old = old[old["month"].isin(grain.model.calendar.months[past:])]
    at = group.reindex(old["group"]).fillna(-1).to_numpy(int)
    cut = np.append(effort.metrics.places.cut, -1)[at]
    product, month = positions(grain.product, old["product"]), positions(grain.model.calendar.months, old["month"])
    parts = []
    if len(effort.sold):
        cells = effort.sold
        mine = np.flatnonzero((cells.month >= past) & effort.losing[cells.product])
        wanted = [cells.place[mine], cells.product[mine], cells.month[mine]]
        sell = old["sell"].to_numpy(float) / draft.money
        own = _summed(sell, [cut, product, month], wanted) + _summed(sell, [at, product, month], wanted)
        parts.append((draft.columns["sales"][mine], own))
    if draft.demanded is not None:
        of = draft.demanded
        mine = np.flatnonzero(of.month >= past)
        wanted = [of.place[mine], of.product[mine], of.month[mine]]
        contracts = np.nan_to_num(old["contracts"].to_numpy(float))
        parts.append((draft.columns["contracts"][mine], _summed(contracts, [at, product, month], wanted)))
    return parts


def _won(effort: Effort, published: Published, group: pd.Series) -> Part:
    """Clients won by group, channel and unit of the lines."""
    draft = effort.draft
    months, past, won = draft.grain.model.calendar.months, draft.grain.model.past, draft.tables["won"]
    won, old = won[won["month"] >= past], published.tables["won"]
    labels = [old[n].astype(object).to_numpy() for n in ("channel", "unit")]
    keys = [group.reindex(old["group"]).fillna(-1).to_numpy(int), *labels, positions(months, old["month"])]
    wanted = [
        won[n].to_numpy(object if n in ("channel", "unit") else int) for n in ("group", "channel", "unit", "month")
    ]
    return won["column"].to_numpy(int), _summed(old["won"].to_numpy(float), keys, wanted)


def _groups_now(published: Published, grain: Grain) -> pd.Series:
    """Group of this plan in which the clients of each group of the plan in force are now: that of the first."""
    of = published.tables["assignments"].drop_duplicates("client")
    now = grain.clients.set_index("client")["group"].reindex(of["client"])
    return pd.Series(now.to_numpy(), index=of["group"].to_numpy()).dropna().groupby(level=0).first().astype(int)
