"""The cheapest changes that end a clash, as an answer of a continuous program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy.sparse as sp

from allocator.engines.highs import loaded, run_loaded
from allocator.engines.policy import SMALL
from allocator.engines.status import Engine, Status, certify
from allocator.explaining.relief import Relief
from allocator.explaining.rulebook import Bools, Rulebook
from allocator.program import Floats

USED = 1e-7
"""Part of what is there, or of its largest amount, below which a change is none."""

SECONDS = 20.0
"""Limit of one question about whole numbers."""


class Ways:
    """A rulebook's program with a column for each relief, solved for one kind of relief after another.

    Parameters
    ----------
    book : Rulebook
    held : bool array
        Atoms that hold.
    reliefs : sequence of Relief
    engine : Engine
    """

    def __init__(self, book: Rulebook, held: Bools, reliefs: Sequence[Relief], engine: Engine) -> None:
        self.reliefs, self.engine = list(reliefs), engine
        program, count = book.only(held), len(self.reliefs)
        row = np.concatenate([r.rows for r in self.reliefs] or [np.zeros(0, np.int64)])
        column = np.repeat(np.arange(count), [len(r.rows) for r in self.reliefs])
        effect = np.concatenate([r.effect for r in self.reliefs] or [np.zeros(0)])
        # An amount of 1 of the program is the size of what is there, so that columns are alike.
        self.unit = np.array([_unit(r) for r in self.reliefs])
        entries = (effect * self.unit[column], (row.astype(np.int64), column))
        give = sp.csr_array(sp.coo_array(entries, shape=(program.shape[0], count)))
        self.columns = program.shape[1]
        self.integer = np.concatenate([program.integer & (program.lower < program.upper), np.zeros(count, bool)])
        self.program = replace(
            program,
            lower=np.concatenate([program.lower, np.zeros(count)]),
            upper=np.concatenate([program.upper, np.zeros(count)]),
            integer=np.zeros(self.columns + count, bool),
            matrix=sp.csr_array(sp.hstack([program.matrix, give], format="csr")),
            column_families=(),
        )
        solver = "simplex" if program.nonzeros <= SMALL else "ipx"
        costs = np.zeros(self.columns + count)
        self._highs = loaded(self.program, costs, {"solver": solver, "time_limit": 3600.0})

    def cheapest(
        self, kinds: Sequence[str], *, fine: bool, mixed: bool = False, whole: bool = False
    ) -> dict[int, float] | None:
        """Return the amount of each relief of some kinds that is used in the cheapest way; None if there is no way.

        Parameters
        ----------
        kinds : sequence of str
        fine : bool
            Whether reliefs of single reps and months are taken, where there are such, or those of units and all months.
        mixed : bool
            Whether amounts are measured by the total of their kind, to compare kinds.
        whole : bool
            Whether what is counted in ones is whole; there may be no answer in time then.
        """
        single = {(r.kind, r.fine) for r in self.reliefs}
        taken = np.array([self._taken(r, kinds, fine, single) for r in self.reliefs], bool)
        if not taken.any():
            return None
        most = np.array([r.most for r in self.reliefs]) / self.unit
        costs = np.array([r.cost / r.whole if mixed else r.cost for r in self.reliefs]) * self.unit
        scale = float(costs[taken].mean())
        bounds, prices = np.where(taken, most, 0.0), np.where(taken, costs / scale, 0.0)
        amounts = self._solve_whole(bounds, prices) if whole else self._solve(bounds, prices)
        if amounts is None:
            return None
        used = np.flatnonzero(amounts > USED)
        return {int(k): float(amounts[k] * self.unit[k]) for k in used}

    def _taken(self, relief: Relief, kinds: Sequence[str], fine: bool, known: set[tuple[str, bool]]) -> bool:
        if relief.kind not in kinds:
            return False
        both = {(relief.kind, True), (relief.kind, False)} <= known
        if not both:
            return True
        # Of a unit with one rep only the rep's relief stands.
        alone = relief.fine and not fine and self._alone(relief)
        return relief.fine == fine or alone

    def _alone(self, relief: Relief) -> bool:
        wide = [r for r in self.reliefs if r.kind == relief.kind and not r.fine]
        return not any(set(relief.rows) <= set(r.rows) for r in wide)

    def _solve_whole(self, most: Floats, costs: Floats) -> Floats | None:
        upper = np.concatenate([self.program.upper[: self.columns], most])
        program = replace(self.program.with_bounds(self.program.lower, upper), integer=self.integer)
        everything = np.concatenate([np.zeros(self.columns), costs])
        solution = self.engine.solve(program, everything, seconds=SECONDS)
        return None if solution.x is None else np.asarray(solution.x[self.columns :])

    def _solve(self, most: Floats, costs: Floats) -> Floats | None:
        place = np.arange(self.columns, self.columns + len(most), dtype=np.int32)
        self._highs.changeColsBounds(len(place), place, np.zeros(len(place)), most)
        self._highs.changeColsCost(len(place), place, costs)
        program = self.program.with_bounds(
            self.program.lower, np.concatenate([self.program.upper[: self.columns], most])
        )
        everything = np.concatenate([np.zeros(self.columns), costs])
        solution = run_loaded(self._highs, program)
        self._highs.setOptionValue("solver", "simplex")
        proved = solution.status is Status.OPTIMAL and certify(program, everything, solution).proved
        if not proved and solution.status is not Status.INFEASIBLE:
            solution = self.engine.solve(program, everything)
        if solution.status is not Status.OPTIMAL or solution.x is None:
            return None
        return np.asarray(solution.x[self.columns :])


def _unit(relief: Relief) -> float:
    """Size of an amount of 1 in the program."""
    return abs(relief.now) or max(relief.whole, 1.0)
