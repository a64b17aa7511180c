"""Clashes that hang together, and the ways out of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from allocator.engines.status import Engine
from allocator.explaining.clashing import Clash
from allocator.explaining.keeping import origin
from allocator.explaining.missing import Missing
from allocator.explaining.relief import Relief
from allocator.explaining.repairs import Finder, Repair, Trial
from allocator.explaining.rulebook import Item, Key, Rulebook
from allocator.model import Model
from allocator.texts import _

Progress = Callable[[str], None]

SLIGHT = 0.5
"""Visits below which a promise is not called missed."""


@dataclass(frozen=True)
class Told:
    """A clash as it was found, as it is told (by month or rep where that says more), and what is missing."""

    found: Clash
    clash: Clash
    missing: tuple[Missing, ...]


@dataclass(frozen=True)
class Problem:
    """Clashes that hang together, and the ways out.

    Attributes
    ----------
    told : tuple of Told
    repairs : tuple of Repair
        The cheapest first.
    short : tuple of str
        Kinds of rules that do not suffice by themselves.
    goals : tuple of Item
        Missed wishes that the ways out reach.
    """

    told: tuple[Told, ...]
    repairs: tuple[Repair, ...] = ()
    short: tuple[str, ...] = ()
    goals: tuple[Item, ...] = ()


@dataclass(frozen=True)
class Miss:
    """A wish that the plan misses: relative, and in its measure."""

    item: Item
    relative: float
    amount: float

    @property
    def slight(self) -> bool:
        """Whether nobody would call it missed: less than half a visit."""
        return self.item.kind == "promise" and self.amount < SLIGHT


class Settling:
    """Finds the ways out of clashes.

    Parameters
    ----------
    model : Model
    rules : callable
        Makes the rulebook of a model.
    engine : Engine
    until : float
        When to stop, on the clock.
    progress : callable

    Attributes
    ----------
    tried : int
        Changed models that were solved.
    """

    def __init__(
        self, model: Model, rules: Callable[[Model], Rulebook], engine: Engine, until: float, progress: Progress
    ) -> None:
        self.model, self.rules, self.engine, self.until, self.progress = model, rules, engine, until, progress
        self.tried = 0

    def problems(
        self, told: Sequence[Told], book: Rulebook, reliefs: Sequence[Relief], misses: Sequence[Miss]
    ) -> tuple[Problem, ...]:
        """Clashes that have nothing to do with each other, each with its ways out; all as one where these do not go together."""
        missed = frozenset(m.item.key for m in misses)
        apart = [
            self._problem([told[k] for k in cluster], told, book, reliefs, misses)
            for cluster in _clusters([t.found for t in told], missed)
        ]
        if missed or len(apart) < 2 or not all(p.repairs for p in apart):
            return tuple(apart)
        settled = self._together(apart, frozenset(i.key for i in book.items if i.goal))
        if settled is None:
            every = [t for problem in apart for t in problem.told]
            settled = [self._problem(every, told, book, reliefs, misses)]
        return tuple(settled)

    def _problem(
        self,
        mine: Sequence[Told],
        told: Sequence[Told],
        book: Rulebook,
        reliefs: Sequence[Relief],
        misses: Sequence[Miss],
    ) -> Problem:
        """Some clashes with the ways out of all of them, as if the other ones were settled."""
        self.progress(_("ways out"))
        gone = _gone(mine, told, book, frozenset(m.item.key for m in misses))
        trial = Trial(self.model, self.rules, gone, self.engine, until=self.until)
        repairs, short = Finder(trial, book, reliefs, [t.found for t in mine]).find()
        self.tried += trial.tried
        goals = {i.key for t in mine for i in t.found.items}
        wanted = tuple(
            m.item
            for m in misses
            if not m.slight and any(same_wish(m.item.key, key) for key in goals if key not in gone)
        )
        return Problem(tuple(mine), tuple(repairs), tuple(short), wanted)

    def _together(self, problems: Sequence[Problem], gone: frozenset[Key]) -> list[Problem] | None:
        """The problems with those ways out that work beside the first ones of the others; None where one has none left."""
        trial = Trial(self.model, self.rules, gone, self.engine, until=self.until)
        found = []
        for problem in problems:
            firsts = [p.repairs[0] for p in problems if p is not problem and p.repairs]
            others = [change for repair in firsts for change in repair.changes]
            kept = tuple(
                r
                for r in problem.repairs
                if trial.works([*others, *r.changes]) and trial.works([*others, *r.half]) is False
            )
            found.append(replace(problem, repairs=kept))
        self.tried += trial.tried
        return found if all(p.repairs for p in found) else None


def _gone(mine: Sequence[Told], told: Sequence[Told], book: Rulebook, missed: frozenset[Key]) -> frozenset[Key]:
    """Items that do not hold in the ways out of some clashes: those of the others, and the wishes that these miss."""
    keys = {i.key for t in mine for i in t.found.items}
    if not missed:
        others = {i.key for t in told for i in t.found.items}
        return frozenset((others - keys) | {i.key for i in book.items if i.goal})
    wanted = {key for key in missed if any(same_wish(key, one) for one in keys & missed)}
    kept = {i.key for i in book.items if i.kind == "kept" and any(same_wish(origin(i), key) for key in wanted)}
    return frozenset((missed - wanted) | kept)


def same_wish(one: Key, other: Key) -> bool:
    """Whether two wishes are one to a planner: promised visits are."""
    return one == other or one[0] == other[0] == "promise"


def _clusters(clashes: Sequence[Clash], missed: frozenset[Key]) -> list[list[int]]:
    """Clashes of the same missed wish; of hard rules, those that share one. Promised visits are one wish."""
    clusters: list[tuple[set[Key], list[int]]] = []
    for k, clash in enumerate(clashes):
        keys = {i.key for i in clash.items}
        if missed:
            keys = {("promise",) if key[0] == "promise" else key for key in keys & missed}
        touching = [c for c in clusters if c[0] & keys]
        for c in touching:
            clusters.remove(c)
            keys |= c[0]
        clusters.append((keys, sorted([k, *(n for c in touching for n in c[1])])))
    return [numbers for _keys, numbers in sorted(clusters, key=lambda c: c[1])]
