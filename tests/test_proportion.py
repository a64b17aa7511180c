"""Years nearest to a reference, months in proportion: against two linear programs of another make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import scipy.optimize as so
import scipy.sparse as sp

from allocator.engines import engine
from allocator.engines.status import Solution, Status, Vertex
from allocator.nearness import NOISE, STEPS, Reference
from allocator.program import Floats, Ints, Program, ProgramBuilder
from allocator.proportion import Parts, in_proportion

BLOCKS, MONTHS = 7, 5


@dataclass(frozen=True)
class Case:
    """A program of blocks times months, its parts, and references of years and cells."""

    program: Program
    parts: Parts
    years: Reference
    cells: Reference


def case(seed: int) -> Case:
    """Blocks of some months, one of which may not move; a total that is asked; limits of months, by sums of all blocks, and of cells."""
    rng = np.random.default_rng(seed)
    builder = ProgramBuilder()
    size = BLOCKS * MONTHS
    shape = rng.integers(1, 9, (BLOCKS, MONTHS)).astype(float)
    upper = np.where(rng.random(shape.shape) < (0.15 if seed % 5 != 1 else 0.0), shape * 1.02, 5.0 * shape)
    lower = np.zeros(shape.shape)
    still = rng.random(shape.shape) < (0.1 if seed % 3 else 0.0)
    lower[still] = upper[still] = np.round(shape[still] * 1.5)
    cell = builder.add_columns("cell", "money", {"n": np.arange(size)}, size, lower.ravel(), upper.ravel())
    year = builder.add_columns("year", "money", {"n": np.arange(BLOCKS)}, BLOCKS)
    tight = np.where(rng.random(MONTHS) < 0.4, 1.25, 4.0) * shape.sum(axis=0)
    tight = np.maximum(tight, lower.sum(axis=0))
    # A month's limit is a row, or a bound of its sum.
    bound = tight if seed % 2 else np.inf
    month = builder.add_columns("month", "money", {"n": np.arange(MONTHS)}, MONTHS, 0.0, bound)
    at = np.arange(size)
    of_block, of_month = np.divmod(at, MONTHS)

    def rows(name: str, parts: list[tuple[Ints, Ints, float]], low: Floats | float, high: Floats | float) -> None:
        row, column, data = (
            np.concatenate([np.broadcast_to(p[k], np.shape(p[0])) for p in parts]).astype(float) for k in range(3)
        )
        shape = (int(row.max()) + 1, builder.columns)
        matrix = sp.csr_array(sp.coo_array((data, (row.astype(int), column.astype(int))), shape=shape))
        builder.add_rows(name, "money", {}, matrix, low, high)

    rows("years", [(of_block, cell, 1.0), (np.arange(BLOCKS), year, -1.0)], 0.0, 0.0)
    rows("months", [(of_month, cell, 1.0), (np.arange(MONTHS), month, -1.0)], 0.0, 0.0)
    total = 1.3 * shape.sum()
    rows("total", [(np.zeros(BLOCKS, int), year, 1.0)], total, total)
    half = 1.35 * shape.sum(axis=1)
    rows("year limits", [(np.arange(BLOCKS), year, 1.0)], -np.inf, np.where(rng.random(BLOCKS) < 0.4, half, np.inf))
    rows("month limits", [(np.arange(MONTHS), month, 1.0)], -np.inf, np.inf if seed % 2 else tight)
    some = rng.choice(size, 4, replace=False)
    most = np.maximum(1.2 * shape.ravel(), lower.ravel())[some] if seed % 4 > 1 else np.full(4, np.inf)
    if seed % 8 == 6:  # the months of one block, which leave its year less than is wanted
        some, most = np.arange(MONTHS), np.maximum(0.9 * shape[0], lower[0])
    rows("cell limits", [(np.arange(len(some)), cell[some], 1.0)], -np.inf, most)
    program = builder.build()

    moves = ~still.ravel()
    whole = np.bincount(of_block[moves], weights=shape.ravel()[moves], minlength=BLOCKS)
    other = np.bincount(of_block[~moves], weights=lower.ravel()[~moves], minlength=BLOCKS)
    number = np.cumsum(moves) - 1
    members = sp.csr_array((np.ones(moves.sum()), (of_month[moves], number[moves])), shape=(MONTHS, int(moves.sum())))
    fixed = np.bincount(of_month[~moves], weights=lower.ravel()[~moves], minlength=MONTHS)
    weight = shape.ravel()[moves] / whole[of_block[moves]]
    parts = Parts(cell[moves], of_block[moves], weight, year, other, month, members, fixed)
    size_of = weight * whole[of_block[moves]]
    return Case(program, parts, Reference(year, 1.3 * whole + other, whole), Reference(parts.cells, size_of, size_of))


def distance(reference: Reference, value: Floats, x: Floats) -> float:
    """Convex distance of columns from where they would best stand."""
    away = x[reference.columns] - value
    found = 0.0
    for sign, drawn in zip((1.0, -1.0), reference.drawn, strict=True):
        before = np.zeros(len(away))
        for (reach, slope), more in zip(STEPS, drawn, strict=True):
            here = np.clip(sign * away, before, reach * reference.size)
            found += float((slope * (1.0 + NOISE * more) * (here - before)).sum())
            before = np.maximum(before, np.minimum(reach * reference.size, np.inf))
    return found


def least(program: Program, reference: Reference, value: Floats, still: Floats | None, columns: Ints) -> Floats:
    """The point at the least distance: each slope is a row over a column that is at least as large (an epigraph)."""
    rows, n, k = program.matrix, program.shape[1], len(reference.columns)
    pick = sp.csr_array((np.ones(k), (np.arange(k), reference.columns)), shape=(k, n))
    over, bound = [], []
    for sign, drawn in zip((1.0, -1.0), reference.drawn, strict=True):
        cost, reached = np.zeros(k), np.zeros(k)
        for (reach, slope), more in zip(STEPS, drawn, strict=True):
            tilt = slope * (1.0 + NOISE * more)
            # Slope times what is beyond the step, and what was paid up to it.
            over.append(sp.hstack([sp.diags_array(sign * tilt) @ pick, -sp.eye_array(k)]))
            bound.append(tilt * (sign * value + reached) - cost)
            width = np.where(np.isfinite(reach), reach * reference.size - reached, 0.0)
            cost, reached = cost + tilt * width, reached + width
    lower, upper = program.lower.copy(), program.upper.copy()
    if still is not None:
        lower[columns] = upper[columns] = still[columns]
    sides = np.concatenate([*bound, program.row_upper, -program.row_lower])
    wide = sp.hstack([rows, sp.csr_array((rows.shape[0], k))])
    told = np.flatnonzero(np.isfinite(sides))
    found = so.linprog(
        np.r_[np.zeros(n), np.ones(k)],
        A_ub=sp.csr_array(sp.vstack([*over, wide, -wide]))[told],
        b_ub=sides[told],
        bounds=np.c_[np.r_[lower, np.zeros(k)], np.r_[upper, np.full(k, np.inf)]],
        method="highs",
    )
    assert found.status == 0
    return np.asarray(found.x[:n])


@pytest.mark.parametrize("name", ["ortools", "highs", "pulp"])
@pytest.mark.parametrize("seed", range(40))
def test_nothing_is_nearer(name: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No answer has nearer years, nor with these years nearer months; all rows are kept.

    Sensitivity: without the look at rows that were left out a month's limit breaks; without the look at prices some year is too far.
    """
    monkeypatch.setattr("allocator.proportion.SMALL", 0)
    made = case(seed)
    program, parts = made.program, made.parts
    solver = engine(name)
    first = solver.solve(program, np.zeros(program.shape[1]))
    assert first.x is not None

    def solve(program: Program, costs: Floats, step: str, start: Vertex | None) -> Solution:
        return solver.solve(program, costs, goal=step, start=start)

    x = in_proportion(program, parts, first.x, made.years, made.cells, solve)
    assert x is not None
    assert program.residual(x) <= 1e-7
    years = least(program, made.years, made.years.value, None, parts.years)
    mine = distance(made.years, made.years.value, x)
    assert mine == pytest.approx(distance(made.years, made.years.value, years), rel=1e-7, abs=1e-7)
    value = parts.weight * (x[parts.years] - parts.other)[parts.block]
    months = least(program, made.cells, value, x, parts.years)
    assert distance(made.cells, value, x) == pytest.approx(distance(made.cells, value, months), rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("seed", "steps"), [(5, ["", "months"]), (11, ["", "2", "months", "months 2"]), (6, ["", "months", "with cells"])]
)
def test_years_are_found_with_all_cells_only_where_they_need_it(
    seed: int, steps: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where months have room for the years that were found without their rules these stay; not where a price says otherwise."""
    monkeypatch.setattr("allocator.proportion.SMALL", 0)
    made, found = case(seed), list[str]()

    def solve(program: Program, costs: Floats, step: str, start: Vertex | None) -> Solution:
        found.append(step)
        return engine("highs").solve(program, costs, start=start)

    first = engine("highs").solve(made.program, np.zeros(made.program.shape[1]))
    assert first.x is not None
    assert in_proportion(made.program, made.parts, first.x, made.years, made.cells, solve) is not None
    assert found[: len(steps)] == steps


def test_last_digits_of_years_do_not_forbid_months(monkeypatch: pytest.MonkeyPatch) -> None:
    """Years that were found with all cells leave these room: where an engine sees none, rows give way by last digits."""
    monkeypatch.setattr("allocator.proportion.SMALL", 0)
    made = case(6)
    first = engine("highs").solve(made.program, np.zeros(made.program.shape[1]))
    assert first.x is not None
    steps: dict[bool, list[str]] = {False: [], True: []}

    def answer(*, denied: bool) -> Floats | None:
        found = steps[denied]

        def solve(program: Program, costs: Floats, step: str, start: Vertex | None) -> Solution:
            found.append(step)
            if denied and step.startswith("months") and "with cells" in found and found.count("months") <= 2:
                return Solution(Status.INFEASIBLE, None, None, -np.inf, 0.0)
            return engine("highs").solve(program, costs, start=start)

        assert first.x is not None
        return in_proportion(made.program, made.parts, first.x, made.years, made.cells, solve)

    plain = answer(denied=False)
    assert plain is not None
    with_room = answer(denied=True)
    assert with_room == pytest.approx(plain, rel=1e-7, abs=1e-7)
    assert steps[True][:5] == ["", "months", "with cells", "months", "months"]


def test_where_months_may_stand_in_proportion_they_are_not_columns() -> None:
    """Without limits of months and cells one program of the years is solved, and every month has its part of the year."""
    made = case(6)
    program = made.program
    row_upper = program.row_upper.copy()
    for name in ("month limits", "cell limits"):
        row_upper[program.family(name).slice] = np.inf
    free = program.with_bounds(program.lower, np.full(program.shape[1], np.inf), program.row_lower, row_upper)
    shapes = []

    def solve(program: Program, costs: Floats, step: str, start: Vertex | None) -> Solution:
        shapes.append(program.shape)
        return engine("highs").solve(program, costs, start=start)

    first = engine("highs").solve(free, np.zeros(free.shape[1]))
    assert first.x is not None
    x = in_proportion(free, made.parts, first.x, made.years, made.cells, solve)
    assert x is not None
    assert x[made.parts.cells] == pytest.approx(made.parts.weight * x[made.parts.years][made.parts.block])
    assert len(shapes) == 1
    assert shapes[0][1] <= 6 * BLOCKS
