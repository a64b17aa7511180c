"""Pins, floors and caps that contradict each other, found and told in words before anything is solved.

A pin, a floor or a cap says "at least" or "at most" of a sum of quotas. Cells that lie in the same sums form an atom. A small program
over the atoms, without the market's ceilings, asks by how much the statements must be broken at least; the prices of the answer name
the statements that cannot hold together (Farkas' lemma), and a deletion filter thins them out until each is needed (Chinneck and
Dravnieks 1991, "Locating minimal infeasible constraint sets in linear programs"). What is found is a proof, so it is an error.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.engines import engine as find_engine
from allocator.engines.status import Engine, Status
from allocator.errors import EngineError
from allocator.formulation.grain import Grain
from allocator.program import Floats, Ints, ProgramBuilder
from allocator.reporting.words import LEVELS
from allocator.schema.findings import Report
from allocator.texts import _, after

RULE = "pins"
SLACK = 1e-9
"""Relative slack of a comparison, so that sums of doubles do not cry wolf."""

PRICED = 1e-6
"""Price, of at most 1, above which a statement takes part in a contradiction."""

MOST = 50
"""Contradictions that are told."""


SHOWN = 8
"""Parts of a sum that are named."""

_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Statement:
    """What is said of a sum of quotas: at least so much (side 1), or at most (side −1).

    Attributes
    ----------
    table, position, column
        Where it stands.
    name : str
        The cut in words.
    level : int
        Position of the level among base, stretch, ceiling.
    side : {1, -1}
    amount : float
    cells : int array
        Positions of rep × product × month that are in post.
    """

    table: str
    position: int
    column: str
    name: str
    level: int
    side: int
    amount: float
    cells: Ints


@dataclass(frozen=True)
class Core:
    """Statements that cannot hold together, the price of each, and by how much they miss."""

    some: Ints
    price: Floats
    gap: float

    @property
    def has_total(self) -> bool:
        """Whether it reads as one total against its parts, each counted once."""
        once = bool(np.allclose(np.abs(self.price), 1.0))
        return once and min((self.price > 0).sum(), (self.price < 0).sum()) == 1


@dataclass(frozen=True)
class Conflict:
    """The same to be told: how often each statement counts, on both sides."""

    at_least: dict[int, float]
    at_most: dict[int, float]
    gap: float


def pin_conflicts(grain: Grain, report: Report, engine: Engine | None = None) -> None:
    """Add an error for each contradiction among the pins of all levels and the floors and caps of the reps.

    Parameters
    ----------
    grain : Grain
    report : Report
    engine : Engine, optional
        The model's setting by default.
    """
    model = grain.model
    if model.pins.empty and not (model["reps"]["quota_min"] > 0).any():
        return
    statements = _statements(grain)
    for statement in statements:
        if not len(statement.cells) and statement.side * statement.amount > 0:
            _tell_empty(statement, report)
    statements = [s for s in statements if len(s.cells)]
    book = Book(statements, find_engine(model.settings.engine) if engine is None else engine)
    for conflict in book.conflicts():
        _tell(conflict, statements, report)


def _statements(grain: Grain) -> list[Statement]:
    model, reps = grain.model, grain.model["reps"]
    there = np.broadcast_to(grain.people.in_post[:, None, :], (len(reps), len(grain.product), grain.months))
    number = np.arange(there.size).reshape(there.shape)
    units = {
        u: np.array([u in model.ancestors[v] for v in grain.people.unit], bool) for u in {*model.pins["unit"]} - {""}
    }
    out = []
    pin: Any
    for pin in model.pins.itertuples(index=False):
        if model.calendar.window(pin.period)[-1] < model.past:
            continue  # what was asked is not asked again
        who = units[pin.unit] if pin.unit else np.ones(len(reps), bool)
        who = who & (grain.people.code == pin.rep) if pin.rep else who
        what = np.flatnonzero(grain.product == pin.product) if pin.product else np.arange(len(grain.product))
        block = np.ix_(np.flatnonzero(who), what, model.calendar.window(pin.period))
        cells = number[block][there[block]]
        words = [pin.rep or pin.unit or _("the company"), pin.product, pin.period]
        name, level = _(", ").join(w for w in words if w), list(LEVELS).index(pin.level)
        row = (pin.table, int(pin.row), "amount", name, level)
        out += [Statement(*row, side, float(pin.amount), cells) for side in (1, -1)]
    for column, side, text in (("quota_min", 1, _("quota_min of {rep}")), ("quota_max", -1, _("quota_max of {rep}"))):
        bound = reps[column].to_numpy(float)
        for position in map(int, np.flatnonzero(bound > 0 if side > 0 else ~np.isnan(bound))):
            name, cells = text.format(rep=reps["rep"].iloc[position]), number[position][there[position]]
            out.append(Statement("reps", position, column, name, 0, side, float(bound[position]), cells))
    return out


class Book:
    """Statements over the cells, and what contradicts what."""

    def __init__(self, statements: Sequence[Statement], engine: Engine) -> None:
        self.engine = engine
        self.side = np.array([s.side for s in statements])
        self.amount = np.array([s.amount for s in statements])
        self.width = np.array([len(s.cells) for s in statements])
        used, self.level = np.unique([s.level for s in statements], return_inverse=True)
        self.levels = len(used)
        size = max((int(s.cells.max()) for s in statements), default=-1) + 1
        atom = split((s.cells for s in statements), size)
        member = [np.unique(atom[s.cells]) for s in statements]
        self.held = _incidence(member, int(atom.max(initial=-1)) + 1)

    def conflicts(self) -> list[Conflict]:
        """Contradictions: first those that stand when each total told gives way, then those when its parts do."""
        told: list[tuple[Conflict, list[int]]] = []
        for again in (False, True):
            left = np.ones(len(self.side), bool)
            for _conflict, parts in told if again else []:
                left[parts] = False
            while len(told) < MOST:
                before = len(told)
                for core in itertools.islice(self._apart(np.flatnonzero(left)), MOST - before):
                    conflict = self._whole(self._thin(core), left)
                    total, parts = self._total(conflict)
                    told.append((conflict, parts))
                    left[parts if again else total] = False
                if len(told) == before:
                    break
        return [conflict for conflict, _parts in told]

    def clash(self, some: Ints) -> tuple[float, Floats]:
        """Least sum by which some statements must be broken, 0 if they need not, and the price of each (0 to ±1)."""
        amount, side, count = self.amount[some], self.side[some], len(some)
        nothing = (0.0, np.zeros(count))
        scale = float(np.abs(amount).max(initial=0.0))
        if scale <= 0:
            return nothing
        held, level = self.held[some], self.level[some]
        builder, blocks = ProgramBuilder(), []
        for raised in range(self.levels):  # what a level asks on top of the one below it is in the sums of all above
            members = [
                held.indices[a:b] if k >= raised else _NONE
                for (a, b), k in zip(itertools.pairwise(held.indptr), level, strict=True)
            ]
            known, at = np.unique(np.concatenate(members), return_inverse=True)
            ends = np.cumsum([0, *map(len, members)])
            atom = split((at[a:b] for a, b in itertools.pairwise(ends)), len(known))
            blocks.append(
                _incidence(
                    [np.unique(atom[at[a:b]]) for a, b in itertools.pairwise(ends)], int(atom.max(initial=-1)) + 1
                )
            )
            builder.add_columns("asked", "", {}, blocks[-1].shape[1])
        broken = builder.add_columns("broken", "", {}, count)
        sums = sp.csr_array(sp.hstack([*blocks, sp.diags_array(side.astype(float))]))
        low = np.where(side > 0, amount / scale, -np.inf)
        high = np.where(side > 0, np.inf, amount / scale)
        rows = builder.add_rows("statements", "", {}, sums, low, high)
        costs = np.zeros(builder.columns)
        costs[broken] = 1.0
        solution = self.engine.solve(builder.build(), costs)
        if solution.status is not Status.OPTIMAL or solution.duals is None:
            raise EngineError(_("The engine failed: {detail}").format(detail=solution.detail or "?"))
        price = np.where(np.abs(solution.duals[rows]) > PRICED, solution.duals[rows], 0.0)
        gap = math.fsum(price * amount)
        return (gap, price) if gap > SLACK * math.fsum(np.abs(price * amount)) else nothing

    def _apart(self, some: Ints) -> Iterator[Core]:
        """Contradictions among some statements that share no cell with each other, from the prices of all together."""
        from scipy.sparse.csgraph import connected_components  # here, as it takes long to import

        price = self.clash(some)[1]
        some = some[price != 0]
        if len(some):
            held = self.held[some]
            _count, part = connected_components(held @ held.T, directed=False)
            for one in (some[part == p] for p in np.unique(part)):
                gap, price = self.clash(one)
                if gap:
                    yield Core(one[price != 0], price[price != 0], gap)

    def _thin(self, core: Core) -> Core:
        """Drop statements, the widest first, as long as the rest contradicts itself or until all are parts of one total."""
        needed: set[int] = set()
        while not core.has_total:
            open_ones = [i for i in core.some if i not in needed]
            if not open_ones:
                break
            one = max(open_ones, key=lambda i: (self.width[i], -i))
            smaller = next(self._apart(core.some[core.some != one]), None)
            if smaller is None:
                needed.add(one)
            else:
                core = smaller
        return core

    def _whole(self, core: Core, left: NDArray[np.bool_]) -> Conflict:
        """Tell the whole of it: where parts are more than their total, all parts and not just enough of them."""
        if (core.price < 0).sum() == 1:
            total = core.some[core.price < 0]
            touching = (self.held @ self.held[total].T).toarray().ravel() > 0
            wider = np.union1d(total, np.flatnonzero(left & touching & (self.side > 0)))
            gap, price = self.clash(wider)
            wide = Core(wider[price != 0], price[price != 0], gap)
            core = wide if wide.gap > core.gap and wide.has_total else core
        unit = np.abs(core.price).min()
        times = {int(i): float(abs(p) / unit) for i, p in zip(core.some, core.price, strict=True)}
        at_least, at_most = ({i: n for i, n in times.items() if self.side[i] == side} for side in (1, -1))
        return Conflict(at_least, at_most, core.gap / unit)

    def _total(self, conflict: Conflict) -> tuple[int, list[int]]:
        """Statement that the others are parts of, and these; the widest where there is no such one."""
        every = [*conflict.at_most, *conflict.at_least]
        if len(conflict.at_most) == 1:
            total = next(iter(conflict.at_most))
        elif len(conflict.at_least) == 1:
            total = next(iter(conflict.at_least))
        else:
            total = max(every, key=lambda i: (self.width[i], -i))
        return total, [i for i in every if i != total]


def split(blocks: Iterable[Ints], size: int) -> NDArray[np.int64]:
    """Number the elements so that two have the same number just if they lie in the same blocks."""
    number, following = np.zeros(size, np.int64), 1
    for block in blocks:
        old, at = np.unique(number[block], return_inverse=True)
        number[block] = following + at
        following += len(old)
    return np.unique(number, return_inverse=True)[1].astype(np.int64)


def _incidence(members: Sequence[Ints], columns: int) -> sp.csr_array:
    """Matrix of a row for each member list, 1 where it holds the column."""
    row = np.repeat(np.arange(len(members)), [len(m) for m in members])
    column = np.concatenate([*members, _NONE])
    return sp.csr_array(sp.coo_array((np.ones(len(row)), (row, column)), shape=(len(members), columns)))


def _tell(conflict: Conflict, statements: Sequence[Statement], report: Report) -> None:
    least, most = ([(statements[i], n) for i, n in side.items()] for side in (conflict.at_least, conflict.at_most))
    levels = {s.level for s, _n in (*least, *most)}
    gap = _number(conflict.gap)
    here = max((s for s, _n in (*most, *least)), key=lambda s: len(s.cells))
    if len(least) == len(most) == 1:
        says = _("{least} does not fit into {most}: {gap} too much.")
        here = least[0][0] if most[0][0].table == "reps" else most[0][0]
    elif len(most) == 1:
        says, here = _("{most}; its parts: {least}: {gap} too much."), most[0][0]
    elif len(least) == 1:
        says, here = _("{least}; all of its parts: {most}: {gap} too little."), least[0][0]
    else:
        says = _("{least}, but all of it lies within {most}: {gap} too much.")
    says = says.format(least=_sum(least, levels), most=_sum(most, levels), gap=gap)
    if len(levels) > 1:
        says += after(_("Base may not be above stretch, nor stretch above the ceiling."))
    says += after(_("Change one of these numbers."))
    _add(here, says, report)


def _tell_empty(statement: Statement, report: Report) -> None:
    says = _("{name}: {amount}, but nobody is in post there.")
    says = says.format(name=statement.name, amount=_number(statement.amount))
    says += after(_("Remove it, or name others or another period."))
    _add(statement, says, report)


def _add(at: Statement, says: str, report: Report) -> None:
    report.add("error", at.table, RULE, says, position=at.position, column=at.column, value=at.amount)


def _sum(parts: list[tuple[Statement, float]], levels: set[int]) -> str:
    """``A 6 + B 5 = 11``, or ``A: 6``; with the level where it is not base alone."""
    terms = []
    between = " " if len(parts) > 1 else _(": ")
    for part, times in sorted(parts, key=lambda p: (p[0].table, p[0].position)):
        level = "" if levels == {0} else _(", ") + _(list(LEVELS.values())[part.level])
        terms.append(f"{'' if times == 1 else f'{times:g} × '}{part.name}{level}{between}{_number(part.amount)}")
    if len(terms) > SHOWN:
        terms = [*terms[: SHOWN - 1], _("{count} more").format(count=len(terms) - SHOWN + 1)]
    total = _number(math.fsum(n * s.amount for s, n in parts))
    return f"{' + '.join(terms)} = {total}" if len(terms) > 1 else terms[0]


def _number(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")
