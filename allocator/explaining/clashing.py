"""Clashes: smallest sets of items that cannot hold together.

A program with a slack for each atom, of which those of the items that are held cost, says by how much they must give way; the prices of
its answer name rows that already contradict each other (Farkas' lemma). A deletion filter thins them out to a set of which every item is
needed (Chinneck and Dravnieks 1991). Further clashes come from the tree of hitting sets (Reiter 1987): each item of a known clash is let
go in turn. Costs are all that changes between two solves, so each starts from the last basis.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.engines.highs import loaded, run_loaded
from allocator.engines.policy import SMALL
from allocator.engines.status import Engine, Solution, Status, certify
from allocator.errors import EngineError
from allocator.explaining.rulebook import LABELS, Bools, Item, Rulebook
from allocator.program import Family, Floats, Program
from allocator.texts import _

GIVES = 1e-6
"""Least sum of violations, in the atoms' sizes, that is one."""

PRICED = 1e-9
"""Price, of at most 1, above which an atom takes part in a contradiction."""


PRIMAL = 4
"""HiGHS's number of the primal simplex method."""


def with_slack(book: Rulebook) -> Program:
    """The continuous program of a rulebook with a slack for each atom behind its columns; a slack of 1 is the atom's size."""
    atoms, program = book.atoms, book.program
    row, side, size = (atoms[c].to_numpy() for c in ("row", "side", "size"))
    columns, count = program.shape[1], len(atoms)
    entries = (side * size, (row.astype(int), np.arange(count)))
    slack = sp.csr_array(sp.coo_array(entries, shape=(program.shape[0], count)))
    labels = {c: pd.Categorical(atoms[c]) for c in ("kind", *LABELS)} | {"side": side}
    return replace(
        program,
        lower=np.concatenate([program.lower, np.zeros(count)]),
        upper=np.concatenate([program.upper, np.full(count, np.inf)]),
        integer=np.zeros(columns + count, bool),
        matrix=sp.csr_array(sp.hstack([program.matrix, slack], format="csr")),
        column_families=(*program.column_families, Family("slack", "", columns, columns + count, labels)),
    )


class Elastic:
    """The program of a rulebook with slacks, solved again and again from the last basis."""

    def __init__(self, book: Rulebook, engine: Engine) -> None:
        self.book, self.engine = book, engine
        self.program = with_slack(book)
        columns = self.program.shape[1]
        self.slacks = slice(columns - len(book.atoms), columns)
        self.solves = 0
        first = "simplex" if self.program.nonzeros <= SMALL else "ipx"
        self._highs = loaded(self.program, np.zeros(columns), {"solver": first, "time_limit": 3600.0})

    def least(self, costs: Floats, most: Floats | None = None) -> Solution:
        """Least cost of slacks; ``most`` limits them.

        Raises
        ------
        EngineError
            If no answer can be proved.
        """
        program, columns = self.program, self.slacks.start
        everything = np.concatenate([np.zeros(columns), costs])
        if most is not None:
            program = program.with_bounds(program.lower, np.concatenate([program.upper[:columns], most]))
        place = np.arange(self.slacks.start, self.slacks.stop, dtype=np.int32)
        self._highs.changeColsCost(len(place), place, costs)
        self._highs.changeColsBounds(len(place), place, np.zeros(len(place)), program.upper[self.slacks])
        solution = run_loaded(self._highs, program)
        self._highs.setOptionValue("solver", "simplex")
        self._highs.setOptionValue("simplex_strategy", PRIMAL)  # the last point is still one when costs change
        self.solves += 1
        optimal = solution.status is Status.OPTIMAL and solution.duals is not None
        if optimal and certify(program, everything, solution).proved:
            return solution
        solution = self.engine.solve(program, everything)
        if solution.status is not Status.OPTIMAL or solution.x is None or solution.duals is None:
            raise EngineError(_("The engine failed: {detail}").format(detail=solution.detail or "?"))
        return solution

    def contradiction(self, held: Bools) -> Bools | None:
        """Atoms that already cannot hold together, among some; None if all can."""
        if not held.any():
            return None
        solution = self.least(held.astype(float))
        assert solution.x is not None
        assert solution.duals is not None
        if float(held @ solution.x[self.slacks]) <= GIVES:
            return None
        atoms = self.book.atoms
        price = solution.duals[atoms["row"].to_numpy(int)] * atoms["side"].to_numpy() * atoms["size"].to_numpy()
        return np.asarray(held & (price > PRICED))


@dataclass(frozen=True)
class Clash:
    """Items that cannot hold together; without any one of them the others can.

    Attributes
    ----------
    items : tuple of Item
    whole : bool
        Whether it is whole numbers that clash: parts of contracts would do.
    thin : bool
        Whether every item is proved to be needed.
    """

    items: tuple[Item, ...]
    whole: bool = False
    thin: bool = True


Oracle = Callable[[Bools], Bools | None]
"""For atoms that are to hold: atoms among them that already contradict each other, or None."""


class OutOfTime(Exception):
    """A question was not answered within its time."""


class Search:
    """Finds clashes among items by asking an oracle about atoms."""

    def __init__(self, book: Rulebook, oracle: Oracle, *, until: float = np.inf) -> None:
        self.book, self.oracle, self.until = book, oracle, until

    def thin(self, items: Sequence[Item]) -> tuple[Item, ...] | None:
        """Return a clash among some items; those that come first are let go first. None if all can hold.

        Raises
        ------
        OutOfTime
            If it takes too long.
        """
        found = self.among(items)
        if found is None:
            return None
        needed, some = 0, len(found) // 2
        while needed < len(found):
            if time.perf_counter() > self.until:
                raise OutOfTime
            some = max(1, min(some, len(found) - needed))
            smaller = self.among([*found[:needed], *found[needed + some :]])
            if smaller is not None:
                kept = {id(i) for i in found[:needed]}
                found = smaller
                needed = sum(id(i) in kept for i in found)
                some *= 2
            elif some > 1:
                some //= 2
            else:
                needed += 1
        return tuple(found)

    def among(self, items: Sequence[Item]) -> list[Item] | None:
        """Return items that already contradict each other, among some; None if all can hold."""
        core = self.oracle(self.book.mask(items))
        return None if core is None else [i for i in items if core[i.atoms].any()]

    def clashes(
        self, items: Sequence[Item], most: int, known: Sequence[tuple[Item, ...]] = ()
    ) -> list[tuple[Item, ...]]:
        """Return clashes among some items: disjoint ones first, then others, ``most`` in all.

        With ``most`` above their number all of them are found.
        """
        found = list(known)[:most]
        gone = {id(i) for clash in found for i in clash}
        while len(found) < most and time.perf_counter() <= self.until:
            clash = self.thin([i for i in items if id(i) not in gone])
            if not clash:
                break
            gone |= {id(i) for i in clash}
            found.append(clash)
        for clash in self._others(items, found, most):
            found.append(clash)
        return found

    def _others(self, items: Sequence[Item], found: list[tuple[Item, ...]], most: int) -> Iterator[tuple[Item, ...]]:
        """Let go an item of each known clash, the tree of hitting sets breadth first."""
        queue: deque[frozenset[int]] = deque([frozenset()])
        seen = {frozenset[int]()}
        while queue and len(found) < most and time.perf_counter() <= self.until:
            gone = queue.popleft()
            clash = next((c for c in found if gone.isdisjoint(id(i) for i in c)), None)
            if clash is None:
                clash = self.thin([i for i in items if id(i) not in gone])
                if not clash:
                    continue
                yield clash
            for item in clash:
                path = gone | {id(item)}
                if path not in seen:
                    seen.add(path)
                    queue.append(path)


def whole_oracle(book: Rulebook, engine: Engine, seconds: float) -> Oracle:
    """Ask about whole numbers: an answer names all atoms that it was asked about, as there are no prices."""

    def oracle(held: Bools) -> Bools | None:
        solution = engine.solve(book.only(held), np.zeros(book.program.shape[1]), seconds=seconds)
        if solution.status is Status.OPTIMAL:
            return None
        if solution.status in (Status.INFEASIBLE, Status.INFEASIBLE_OR_UNBOUNDED):
            return held
        if solution.status is Status.ERROR:
            raise EngineError(_("The engine failed: {detail}").format(detail=solution.detail or "?"))
        raise OutOfTime

    return oracle


def has_whole(program: Program) -> bool:
    """Whether whole numbers are asked for."""
    return bool((program.integer & (program.lower < program.upper)).any())
