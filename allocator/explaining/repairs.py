"""Ways out: for each kind of rule by itself, and for the cheapest mix, the smallest change of the tables that works.

What a continuous program finds cheapest is rounded outward, written into the model's tables as a scenario would be, and the program of
the changed model is solved anew. Where half of it works too, half of it is taken.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from allocator.engines.status import Engine, Status
from allocator.engines.warm import Basis, Warm
from allocator.errors import EngineError, InputError
from allocator.explaining.clashing import GIVES, Clash, with_slack
from allocator.explaining.enlarging import GROWTH, MOST_HEADS, Heads, grown, heads_of, market_scope, two_digits
from allocator.explaining.relief import HERE, KINDS, OVERTIME, Relief
from allocator.explaining.rulebook import Bools, Key, Rulebook
from allocator.explaining.ways import Ways
from allocator.model import Model
from allocator.ordering import IMPOSSIBLE
from allocator.program import Floats, Program
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario, Texts
from allocator.scenarios.selecting import spelled
from allocator.texts import _

MANY = 4
"""Single reps or months that are changed; where it would be more, units and all months are."""

LARGER = (1.0, 1.05, 1.25, 1.6, 2.5, 5.0, 10.0, 20.0, 40.0)
"""Multiples of what the program found that are tried until one works: tables may say more than the program's rows."""

NEAR = 1.3
"""How far a multiple that works may lie from one that does not."""

NEARBY = 1.1
"""The same of a growth of the market."""

WHOLE = 1e-7
"""How far from a whole number a whole one may lie."""

PARTS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Parts of what is there that are tried where the program does not say how much is missing."""

SMALL_PART = 0.05
"""Part of the cost of a mix below which a kind is left out of it."""

MIX = "mix"
TOUCHES: Mapping[str, tuple[str, ...]] = {
    "money": ("most", "within"),
    "least": ("least",),
    "time": ("hours", "days"),
    "promise": ("promise",),
    "executive": ("executive",),
    "pool": ("pool",),
    "supply": ("supply",),
    "target": ("target",),
    "pin": ("pin",),
    "bound": ("floor", "cap"),
    "incentive": ("incentive",),
}
"""Items that each kind of change lets give way."""

WAYS_OUT = Scenario("ways out", "", HERE)

Amounts = dict[int, float]
Steps = Sequence[Change]


@dataclass(frozen=True)
class Part:
    """One change of a repair.

    Attributes
    ----------
    kind : str
    what : mapping of str to str
    now, amount : float
        What stands in the tables, and by how much it changes.
    """

    kind: str
    what: Mapping[str, str]
    now: float
    amount: float


@dataclass(frozen=True)
class Repair:
    """A way out that was tried on the tables: with it the goals can be had, with half of it they cannot.

    Attributes
    ----------
    kind : str
        A kind of rule that changes by itself, or mix.
    parts : tuple of Part
    changes : tuple of Change
        Of the model's tables.
    half : tuple of Change
        Half of it, rounded down, which does not work; empty where half of it is nothing.
    cheapest : bool
        Whether it is the cheapest way that the program found, measured by the totals of what changes.
    """

    kind: str
    parts: tuple[Part, ...]
    changes: tuple[Change, ...]
    half: tuple[Change, ...]
    cheapest: bool = False


@dataclass
class Trial:
    """Whether a changed model can have what is held.

    Parameters
    ----------
    model : Model
    rules : callable
        Makes the rulebook of a model.
    gone : collection of keys
        Items that are not held.
    engine : Engine
    seconds : float
        Limit of one question about whole numbers.
    """

    model: Model
    rules: Callable[[Model], Rulebook]
    gone: frozenset[Key]
    engine: Engine
    seconds: float = 60.0
    until: float = np.inf
    tried: int = 0
    known: dict[str, bool | None] = field(default_factory=dict)
    bases: dict[str, Basis] = field(default_factory=dict)

    def changed(self, changes: Steps) -> Model | None:
        """The model with changes of its tables; None if they cannot be made."""
        try:
            return apply_steps(self.model, [(WAYS_OUT, changes)]).model
        except InputError:
            return None

    def works(self, changes: Steps) -> bool | None:
        """Whether the model with these changes can have it; None if that is not known in time."""
        if time.perf_counter() > self.until:
            return None
        name = repr(changes)
        if name not in self.known:
            model = self.changed(changes)
            self.tried += model is not None
            self.known[name] = False if model is None else self.holds(model)
        return self.known[name]

    def holds(self, model: Model) -> bool | None:
        """Whether a model can have it; None if that is not known in time."""
        book = self.rules(model)
        held = book.mask(i for i in book.items if i.key not in self.gone)
        x = self._relaxed(book, held)
        if x is None:
            return False
        program = book.only(held)
        whole = program.integer & (program.lower < program.upper)
        if not whole.any() or np.abs(x - np.round(x))[whole].max() <= WHOLE:
            return True
        return self._rounded(program, whole, x) or self._feasible(program)

    def _relaxed(self, book: Rulebook, held: Bools) -> Floats | None:
        """A point that keeps what is held, whole numbers apart: no slack is needed; from the basis of the last trial."""
        program = with_slack(book)
        columns = book.program.shape[1]
        costs = np.concatenate([np.zeros(columns), held.astype(float)])
        solution = Warm(self.bases, learning=not self.bases).solve(program, costs, goal="trial")
        if solution.status is not Status.OPTIMAL or solution.x is None:
            solution = self.engine.solve(program, costs)
        if solution.status is not Status.OPTIMAL or solution.x is None:
            raise EngineError(_("The engine failed: {detail}").format(detail=solution.detail or "?"))
        return solution.x[:columns] if float(costs @ solution.x) <= GIVES else None

    def _rounded(self, program: Program, whole: Bools, x: Floats) -> bool:
        """Whether it is had with whole numbers next to a point, which is quicker to ask."""
        for near in (np.round, np.floor):
            at = np.where(whole, np.clip(near(x), program.lower, program.upper), 0.0)
            fixed = program.with_bounds(np.where(whole, at, program.lower), np.where(whole, at, program.upper))
            if self._feasible(replace(fixed, integer=np.zeros_like(program.integer))):
                return True
        return False

    def _feasible(self, program: Program) -> bool | None:
        solution = self.engine.solve(program, np.zeros(program.shape[1]), seconds=self.seconds)
        if solution.status is Status.ERROR:
            raise EngineError(_("The engine failed: {detail}").format(detail=solution.detail or "?"))
        if solution.status is Status.OPTIMAL:
            return True
        return False if solution.status in IMPOSSIBLE else None


class Finder:
    """Finds the ways out of some clashes.

    Parameters
    ----------
    trial : Trial
    book : Rulebook
    reliefs : sequence of Relief
    clashes : sequence of Clash
        Each must end.
    """

    def __init__(self, trial: Trial, book: Rulebook, reliefs: Sequence[Relief], clashes: Sequence[Clash]) -> None:
        self.trial, self.book, self.reliefs, self.clashes = trial, book, reliefs, clashes
        held = book.mask(i for i in book.items if i.key not in trial.gone)
        self.ways = Ways(book, held, reliefs, trial.engine)

    def find(self) -> tuple[list[Repair], list[str]]:
        """Return the ways out, the cheapest first, and the kinds of rules that do not suffice by themselves."""
        tried = {kind: self._by_itself(kind) for kind in KINDS if self._touches(kind)}
        if "time" in tried:
            tried["heads"] = self._heads()
        where = market_scope(self.trial.model, self.clashes) if self._counts_sales() else None
        if where is not None:
            tried["demand"] = self._demand(where)
        found = [repair for repair in tried.values() if repair is not None]
        return self._with_cheapest(found), [kind for kind, repair in tried.items() if repair is None]

    def _with_cheapest(self, found: list[Repair]) -> list[Repair]:
        """Put the cheapest way first: one of those found, or a mix."""
        every = [k for kinds in KINDS.values() for k in kinds]
        amounts = self._amounts(every, mixed=True)
        if not amounts:
            return found
        cost = {k: a * self.reliefs[k].cost / self.reliefs[k].whole for k, a in amounts.items()}
        matter = {self.reliefs[k].kind for k, c in cost.items() if c > SMALL_PART * sum(cost.values())}
        if matter < {self.reliefs[k].kind for k in amounts}:  # what adds little to it is not worth another measure
            amounts = self._amounts(sorted(matter), mixed=True) or amounts
        used = {self.reliefs[k].kind for k in amounts}
        home = next((kind for kind, kinds in KINDS.items() if used <= set(kinds)), "")
        same = next((r for r in found if r.kind == home), None)
        if same is not None:
            return [replace(same, cheapest=True), *(r for r in found if r is not same)]
        mixed = self._tuned(home or MIX, amounts)
        return found if mixed is None else [replace(mixed, cheapest=True), *found]

    def _touches(self, kind: str) -> bool:
        """Whether each clash has an item of a kind: what gives way elsewhere ends none."""
        return all(any(i.kind in TOUCHES[kind] for i in clash.items) for clash in self.clashes)

    def _by_itself(self, kind: str) -> Repair | None:
        amounts = self._amounts(KINDS[kind])
        if amounts is None:
            return None
        found = self._tuned(kind, amounts) if amounts else self._searched(kind)
        if found is None and self.ways.integer.any():  # parts of contracts may do with less than whole ones
            amounts = self.ways.cheapest(KINDS[kind], fine=True, whole=True)
            found = self._tuned(kind, amounts) if amounts and len(amounts) <= MANY else None
        return found

    def _amounts(self, kinds: Sequence[str], *, mixed: bool = False) -> Amounts | None:
        """What the program finds cheapest: of single reps and months, or where that would be many of units and all months."""
        single = self.ways.cheapest(kinds, fine=True, mixed=mixed)
        if single is None or len(single) <= MANY:
            return single
        wide = self.ways.cheapest(kinds, fine=False, mixed=mixed)
        return wide if wide is not None and len(wide) < len(single) else single

    def _tuned(self, kind: str, amounts: Amounts) -> Repair | None:
        """Round outward, and try it on the tables until it works and half of it does not."""
        low = 0.0
        for larger in LARGER:
            works = self.trial.works(self._changes(self._outward(amounts, larger)))
            if works:
                return self._smallest(kind, self._outward(amounts, self._between(amounts, low, larger)))
            if works is None:
                return None
            low = larger
        return None

    def _outward(self, amounts: Amounts, larger: float) -> Amounts:
        return {k: self.reliefs[k].outward(a * larger) for k, a in amounts.items()}

    def _between(self, amounts: Amounts, low: float, high: float) -> float:
        """A multiple that works, near to one that does not: where the tables say much more than the program's rows."""
        while low and high > NEAR * low:
            middle = math.sqrt(low * high)
            if self.trial.works(self._changes(self._outward(amounts, middle))):
                high = middle
            else:
                low = middle
        return high

    def _smallest(self, kind: str, amounts: Amounts) -> Repair | None:
        """Halve amounts that work until half of them do not."""
        while True:
            half = {k: self.reliefs[k].half(a) for k, a in amounts.items()}
            half = {k: a for k, a in half.items() if a > 0}
            works = self.trial.works(self._changes(half)) if half else False
            if works is None:
                return None
            if not works:
                return self._repair(kind, amounts, half)
            amounts = half

    def _searched(self, kind: str) -> Repair | None:
        """Where the program sees nothing missing, as whole numbers are: the smallest of a few single changes."""
        rows = {int(r) for c in self.clashes for r in self.book.atoms["row"].to_numpy(int)[self.book.mask(c.items)]}
        near = [k for k, r in enumerate(self.reliefs) if r.kind in KINDS[kind] and rows & set(r.rows.tolist())]
        for part in PARTS:
            for k in near:
                size = abs(self.reliefs[k].now) or 1.0
                amounts = {k: self.reliefs[k].outward(min(part * size, self.reliefs[k].most))}
                if amounts[k] > 0 and self.trial.works(self._changes(amounts)):
                    return self._smallest(kind, amounts)
        return None

    def _heads(self) -> Repair | None:
        """The fewest people who take over clients of those who lack hours."""
        amounts = self.ways.cheapest((OVERTIME,), fine=True)
        heads = heads_of(self.trial.model, self.reliefs, amounts) if amounts else None
        if heads is None:
            return None
        least = {unit: heads.least(unit) for unit in heads.units}
        for more in range(MOST_HEADS + 1):
            count = {unit: n + more for unit, n in least.items()}
            works = self.trial.works(heads.changes(count))
            if works is None:
                return None
            if works:
                return self._fewest(heads, count)
        return None

    def _fewest(self, heads: Heads, count: dict[str, int]) -> Repair | None:
        """One less at a time as long as that works; then half of them, which does not."""
        while sum(count.values()) > 1:
            fewer = next(
                (
                    less
                    for unit, n in count.items()
                    if n and self.trial.works(heads.changes(less := {**count, unit: n - 1}))
                ),
                None,
            )
            if fewer is None:
                break
            count = fewer
        half = heads.changes({unit: n // 2 for unit, n in count.items()})
        if half and self.trial.works(half) is not False:
            return None
        code, month = heads.grain.people.code, self.trial.model.calendar.months[heads.month] if heads.month else ""
        parts = []
        for unit, n in count.items():
            moved = heads.moved(unit)
            what = {"unit": unit, "month": month, "clients": str(len(moved))}
            what["reps"] = ";".join(str(code[r]) for r in moved["rep"].unique())
            parts += [Part("heads", what, 0.0, float(n))] if n else []
        return Repair("heads", tuple(parts), tuple(heads.changes(count)), tuple(half))

    def _counts_sales(self) -> bool:
        return all(any(i.kind == "target" for i in clash.items) for clash in self.clashes)

    def _demand(self, where: dict[str, Texts]) -> Repair | None:
        """How much more clients would have to buy: first as much as the targets ask too much, then nearer to what does not work."""
        over = self.ways.cheapest(("target",), fine=True) or {}
        growths = [a / (self.reliefs[k].now - a) for k, a in over.items() if 0 < a < self.reliefs[k].now]
        guess = two_digits(max(growths, default=GROWTH[0]))
        low, high = 0.0, guess
        while not self.trial.works(grown(self.trial.model, where, high)):
            if low == guess and not self.trial.works(grown(self.trial.model, where, GROWTH[1])):
                return None
            low, high = high, two_digits(2 * high)
            if high > GROWTH[1]:
                return None
        while high > NEARBY * max(low, 1e-3):
            middle = two_digits(high / NEARBY if not low else math.sqrt(low * high))
            if middle >= high or middle <= low:
                break
            if self.trial.works(grown(self.trial.model, where, middle)):
                high = middle
            else:
                low = middle
        half = two_digits(high / 2, down=True)
        if self.trial.works(grown(self.trial.model, where, half)) is not False:
            return None  # more demand can also do harm, where shares are asked for
        part = Part("demand", {"scope": spelled(where)}, 0.0, high)
        return Repair(
            "demand", (part,), tuple(grown(self.trial.model, where, high)), tuple(grown(self.trial.model, where, half))
        )

    def _changes(self, amounts: Amounts) -> list[Change]:
        return [c for k, a in amounts.items() for c in self.reliefs[k].changes(self.trial.model, a)]

    def _repair(self, kind: str, amounts: Amounts, half: Amounts) -> Repair:
        parts = tuple(
            Part(self.reliefs[k].kind, self.reliefs[k].what, self.reliefs[k].now, a) for k, a in amounts.items()
        )
        return Repair(kind, parts, tuple(self._changes(amounts)), tuple(self._changes(half)))
