"""Product-years first, then their months: of equal answers the one whose years are nearest to a reference, months in proportion.

Cells of a block (a rep's product) move in proportion to their weights as one column, and rows that only say something about single
cells are left out, until an answer breaks such a row or its prices show that cells would better move apart (Rogers et al. 1991,
"Aggregation and disaggregation techniques and methodology in optimization"). Years that no price would change stand if months find room
for them, with the cells of the blocks that a broken row is about; else years are found once more with all cells, which is a sparser
program than one with some. So the answer is that of the whole program.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.engines.policy import SMALL
from allocator.engines.status import Solution, Status, Vertex
from allocator.nearness import Reference, Split, nearest
from allocator.ordering import IMPOSSIBLE
from allocator.program import Family, Floats, Ints, Program, keys

Bools = NDArray[np.bool_]
Solve = Callable[[Program, Floats, str, Vertex | None], Solution]
"""Solves a program from a vertex, if there is one; the word is the name of a step."""

BROKEN = 1e-9
"""By how much a row may be violated, relative to one and its larger side."""

WORTH = 1e-6
"""Prices that differ by this much show that cells would better move apart."""

ROUNDS = 6
"""After so many answers all blocks are split."""


@dataclass(frozen=True)
class Parts:
    """Cells that are wanted in proportion.

    Attributes
    ----------
    cells : int array
        Columns that belong to a block.
    block : int array, shape (cells,)
    weight : float array, shape (cells,)
        Not negative; each block's add up to 1.
    years : int array, shape (blocks,)
        Columns of the blocks' sums.
    other : float array, shape (blocks,)
        What else is in each sum, which no goal can move.
    sums : int array
        Columns of other sums of cells.
    members : csr_array, shape (sums, cells)
        What they sum.
    fixed : float array, shape (sums,)
        What else is in them.
    """

    cells: Ints
    block: Ints
    weight: Floats
    years: Ints
    other: Floats
    sums: Ints
    members: sp.csr_array
    fixed: Floats


@dataclass(frozen=True)
class Merged:
    """A program in which the cells of whole blocks are one column, and rows about single cells are left out.

    Attributes
    ----------
    program : Program
    kept, rows : int array
        Columns and rows of the given program that stay.
    spread : csr_array, shape (columns, kept)
    constant : float array, shape (columns,)
        ``spread · x + constant`` is an answer's point in the given program.
    """

    program: Program
    kept: Ints
    rows: Ints
    spread: sp.csr_array
    constant: Floats


def in_proportion(
    program: Program, parts: Parts, x: Floats, years: Reference, cells: Reference, solve: Solve
) -> Floats | None:
    """Find the answer whose years are nearest to a reference, and its cells nearest to their part of the years.

    Parameters
    ----------
    program : Program
        Its answers are equal in every goal.
    parts : Parts
    x : float array, shape (columns,)
        One of them.
    years : Reference
        Of the years, and of columns that are in no block.
    cells : Reference
        Of the cells, in the order of the parts; in place of its values, the cells' parts of the years are taken.
    solve : function
        Of program, costs and the name of a step.

    Returns
    -------
    float array, shape (columns,), or None
        None where that is not proved.
    """
    parts = _unbounded(program, parts)
    search = _Search(program, parts, solve, _uneven(program, parts))
    search.split |= _apart(program, parts, x)
    found = search.nearest("", years, None)
    if found is None or not search.split.any():
        return found
    answer = search.months(found, years.columns, cells)
    if answer is None and not search.sure:  # these years leave the cells no room
        search.split[:] = search.sure = True
        found = search.nearest("with cells", years, None)
        answer = None if found is None else search.months(found, years.columns, cells)
        if found is not None and answer is None:
            # The answer with cells is one for the months too, but for the last digits: then those are what is in the way.
            search.program = _roomy(program)
            answer = search.months(found, years.columns, cells)
    return answer


def _roomy(program: Program) -> Program:
    """The same program with rows that give way by what counts as kept."""
    low, high = (
        np.where(np.isfinite(side), BROKEN * np.maximum(1.0, np.abs(side)), 0.0)
        for side in (program.row_lower, program.row_upper)
    )
    return program.with_bounds(program.lower, program.upper, program.row_lower - low, program.row_upper + high)


@dataclass(frozen=True)
class _Uneven:
    """What rows say about blocks: pairs of row and block, and whether the row says different things about the block's cells.

    ``free`` are rows with columns besides cells and their sums that may move: these are never left out.
    """

    row: Ints
    block: Ints
    uneven: Bools
    free: Bools


def _uneven(program: Program, parts: Parts) -> _Uneven:
    """Compare what rows say about the cells of each block, sums of cells seen as their cells."""
    matrix = sp.csc_array(program.matrix)
    by_cell = sp.csr_array(matrix[:, parts.cells] + matrix[:, parts.sums] @ parts.members).tocoo()
    row, cell = by_cell.coords
    blocks = len(parts.years)
    key = row.astype(np.int64) * blocks + parts.block[cell]
    order = np.argsort(key, kind="stable")
    begins = np.flatnonzero(np.diff(key[order], prepend=-1))
    count = np.diff(np.append(begins, len(order)))
    data = by_cell.data[order]
    low, high = (f.reduceat(data, begins) if len(begins) else data for f in (np.minimum, np.maximum))
    row, block = np.divmod(key[order[begins]], blocks) if blocks else (row, cell)
    uneven = (count < np.bincount(parts.block, minlength=blocks)[block]) | (low < high)
    other = program.lower < program.upper
    other[parts.cells] = other[parts.years] = other[parts.sums] = False
    free = abs(program.matrix) @ other.astype(float) > 0
    return _Uneven(row, block, uneven, free)


def _unbounded(program: Program, parts: Parts) -> Parts:
    """Leave out the sums that a goal or a rule bounds: what a bound says about cells is seen in the row that makes the sum."""
    low = parts.fixed + parts.members @ program.lower[parts.cells]
    some = np.flatnonzero((program.lower[parts.sums] <= low) & np.isposinf(program.upper[parts.sums]))
    return replace(parts, sums=parts.sums[some], members=sp.csr_array(parts.members[some]), fixed=parts.fixed[some])


def _apart(program: Program, parts: Parts, x: Floats) -> Bools:
    """Blocks whose cells cannot all stand in proportion, with the year that they have."""
    low, high = _limits(program, parts)
    year = x[parts.years] - parts.other
    near = BROKEN * np.maximum(1.0, np.abs(year))
    return np.asarray((low > high + near) | (year < low - near) | (year > high + near))


def _limits(program: Program, parts: Parts) -> tuple[Floats, Floats]:
    """Between which years all cells of a block stand within their bounds, without what else is in the year."""
    low, high = np.full(len(parts.years), -np.inf), np.full(len(parts.years), np.inf)
    weighs = parts.weight > 0
    weight = np.where(weighs, parts.weight, 1.0)
    lower, upper = program.lower[parts.cells], program.upper[parts.cells]
    np.maximum.at(low, parts.block, np.where(weighs, lower / weight, np.where(lower > BROKEN, np.inf, -np.inf)))
    np.minimum.at(high, parts.block, np.where(weighs, upper / weight, np.where(upper < -BROKEN, -np.inf, np.inf)))
    return low, high


@dataclass
class _Search:
    """Answers of ever larger programs until one is that of the whole program."""

    program: Program
    parts: Parts
    solve: Solve
    about: _Uneven

    def __post_init__(self) -> None:
        # Blocks with cells of their own, rows that were broken once, and whether the years are known to leave their cells room.
        self.split = np.zeros(len(self.parts.years), bool)
        self.told = np.zeros(self.program.shape[0], bool)
        self.sure = True

    def nearest(self, name: str, years: Reference | None, cells: Reference | None) -> Floats | None:
        """Find the answer nearest to a reference of years, or of cells; None where that is not proved."""
        for again in range(ROUNDS + 2):
            if years is not None:
                self.split[:] = self.split.any()
            merged = self._merged()
            split = nearest(merged.program, self._reference(merged, years, cells), np.zeros(len(merged.kept)))
            step = f"{name} {again + 1}".strip() if again else name
            # Where no cell moves by itself, nothing moving is where to begin: the dual simplex method mends what that breaks.
            start = split.at_rest() if cells is None and not self.split.any() else None
            solution = self.solve(split.program, split.costs, step, start)
            if solution.status in IMPOSSIBLE and not self.sure:
                return None
            if solution.status in IMPOSSIBLE and not self.split.all():
                self.split[:] = True
                continue
            if solution.status is not Status.OPTIMAL or solution.x is None or solution.duals is None:
                return None
            kept = split.back(solution.x)
            x = merged.spread @ kept + merged.constant
            broken = self._broken(merged, x)
            # Years that no price would change are right if there are cells for them.
            settled = not broken.any() or (years is not None and not self.split.any())
            apart = self._worth(merged, split, solution, x, cells) if settled else broken
            if settled and not apart.any():
                self.split |= broken
                self.sure = not broken.any()
                return np.asarray(x)
            self.split |= apart if again < ROUNDS else True
        return None

    def months(self, found: Floats, still: Ints, cells: Reference) -> Floats | None:
        """Find the answer nearest to a reference of cells with the years of an answer, and with what is in no block.

        None where that is not proved. Where it is not sure that the years leave room, only blocks that a row told apart are looked at.
        """
        program = self.program
        lower, upper = program.lower.copy(), program.upper.copy()
        lower[still] = upper[still] = np.clip(found, lower, upper)[still]
        search = replace(self, program=program.with_bounds(lower, upper))
        search.split, search.told, search.sure = self.split.copy(), self.told.copy(), self.sure
        if program.nonzeros > SMALL:
            search.split = _apart(program, self.parts, found) | self.all_told()
        year = found[self.parts.years] - self.parts.other
        return search.nearest("months", None, replace(cells, value=self.parts.weight * year[self.parts.block]))

    def all_told(self) -> Bools:
        """Blocks about whose cells a row that was broken says different things."""
        about = self.about
        return np.bincount(about.block[about.uneven & self.told[about.row]], minlength=len(self.split)) > 0

    def _merged(self) -> Merged:
        """Write the program in which the blocks that are not split are one column each."""
        program, parts = self.program, self.parts
        whole = ~self.split[parts.block]
        sums = np.flatnonzero(parts.members @ whole.astype(float) >= parts.members.sum(axis=1))
        columns = program.shape[1]
        stays = np.ones(columns, bool)
        stays[parts.cells[whole]] = stays[parts.sums[sums]] = False
        kept = np.flatnonzero(stays)
        place = np.full(columns, -1)
        place[kept] = np.arange(len(kept))
        # Cells as parts of their years, then sums as sums of cells.
        cell, weight, block = np.flatnonzero(whole), parts.weight[whole], parts.block[whole]
        share = sp.csr_array((weight, (cell, place[parts.years[block]])), shape=(len(parts.cells), len(kept)))
        less = np.zeros(len(parts.cells))
        less[cell] = -weight * parts.other[block]
        entries = [(kept, sp.eye_array(len(kept), format="csr")), (parts.cells[cell], share[cell])]
        entries.append((parts.sums[sums], parts.members[sums] @ share))
        constant = np.zeros(columns)
        constant[parts.cells[cell]] = less[cell]
        constant[parts.sums[sums]] = parts.fixed[sums] + parts.members[sums] @ less
        order = np.argsort(np.concatenate([at for at, _ in entries]))
        spread = sp.csr_array(sp.vstack([m for _, m in entries], format="csr")[order])
        shift = program.matrix @ constant
        matrix = sp.csr_array(program.matrix @ spread)
        matrix.data[np.abs(matrix.data) < 1e-12] = 0.0
        matrix.eliminate_zeros()
        low, high = _limits(program, parts)
        lower, upper = program.lower.copy(), program.upper.copy()
        one = ~self.split
        lower[parts.years[one]] = np.maximum(lower[parts.years], low + parts.other)[one]
        upper[parts.years[one]] = np.minimum(upper[parts.years], high + parts.other)[one]
        lower = np.minimum(lower, upper)
        # Where nothing moves there is nothing to find, and last digits cannot forbid what was found.
        moves = (lower < upper)[kept].astype(float)
        rows = np.flatnonzero(self._needed() & (abs(matrix) @ moves > 0))
        merged = Program(
            lower[kept],
            upper[kept],
            program.integer[kept],
            matrix[rows],
            (program.row_lower - shift)[rows],
            (program.row_upper - shift)[rows],
            (Family("column", "", 0, len(kept), {"key": keys(program.column_families)[kept]}),),
            (Family("row", "", 0, len(rows), {"key": keys(program.row_families)[rows]}),),
            money=program.money,
        )
        return Merged(merged, kept, rows, spread, constant)

    def _needed(self) -> Bools:
        """Rows that stay: all but those that tell cells apart which are in no split block."""
        about = self.about
        rows = self.program.shape[0]
        uneven = np.bincount(about.row[about.uneven & ~self.split[about.block]], minlength=rows) > 0
        touched = np.bincount(about.row[self.split[about.block]], minlength=rows) > 0
        return np.asarray(~uneven | touched | about.free | self.told)

    def _reference(self, merged: Merged, years: Reference | None, cells: Reference | None) -> Reference:
        """A reference of columns of a merged program."""
        if years is not None:
            return replace(years, columns=np.searchsorted(merged.kept, years.columns))
        assert cells is not None
        some = np.flatnonzero(self.split[self.parts.block])
        part = cells.some(some)
        return replace(part, columns=np.searchsorted(merged.kept, part.columns))

    def _broken(self, merged: Merged, x: Floats) -> Bools:
        """Blocks that rows which were left out tell to stand otherwise; these rows stay from now on."""
        program, about, value = self.program, self.about, self.program.matrix @ x
        near = BROKEN * np.maximum(1.0, np.abs(value))
        broken = (program.row_lower - value > near) | (value - program.row_upper > near)
        broken[merged.rows] = False
        # A row that was left out because nothing in it moves is about all of its blocks.
        concerned = broken[about.row] & (about.uneven | self._needed()[about.row])
        self.told |= broken
        return np.bincount(about.block[concerned], minlength=len(self.split)) > 0

    def _worth(self, merged: Merged, split: Split, solution: Solution, x: Floats, cells: Reference | None) -> Bools:
        """Blocks whose cells would better move apart, as prices tell."""
        program, parts = self.program, self.parts
        assert solution.x is not None
        assert solution.duals is not None
        duals = np.zeros(program.shape[0])
        duals[merged.rows] = solution.duals
        price = -(sp.csr_array(program.matrix).T @ duals)
        gone = np.ones(program.shape[1], bool)
        gone[merged.kept] = False
        by_cell = price[parts.cells] + parts.members.T @ np.where(gone[parts.sums], price[parts.sums], 0.0)
        at, tiny = x[parts.cells], BROKEN * np.maximum(1.0, np.abs(x[parts.cells]))
        lower, upper = program.lower[parts.cells], program.upper[parts.cells]
        more, less = at < upper - tiny, at > lower + tiny
        rise = fall = np.zeros(len(at))
        if cells is not None:
            rise, fall = cells.first_steps()
        # A price of the block's sum at which no cell would better move, and its year neither.
        low, high = np.full(len(parts.years), -np.inf), np.full(len(parts.years), np.inf)
        np.minimum.at(high, parts.block[more], (by_cell + rise)[more])
        np.maximum.at(low, parts.block[less], (by_cell - fall)[less])
        if cells is None and len(split.chosen):
            left, right = split.slopes(solution.x)
            chosen = np.full(program.shape[1], -1)
            chosen[merged.kept[split.chosen]] = np.arange(len(split.chosen))
            k = chosen[parts.years]
            moves = k >= 0
            low[moves] = np.maximum(low[moves], (-price[parts.years] - right[k])[moves])
            high[moves] = np.minimum(high[moves], (-price[parts.years] - left[k])[moves])
        return np.asarray((low > high + WORTH) & ~self.split)
