"""From a model to an explanation: is there a plan, what clashes, what is missing, and the ways out."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from allocator.arithmetic import arithmetic
from allocator.engines import engine as find_engine
from allocator.engines.status import Engine, Status
from allocator.errors import EngineError, Finding
from allocator.explaining.breaking import Broken, Parts, breaking_steps
from allocator.explaining.clashing import Clash, Elastic, OutOfTime, Search, has_whole, whole_oracle
from allocator.explaining.effort_rules import effort_rules
from allocator.explaining.keeping import Kept, kept_of, origin, with_kept
from allocator.explaining.missing import arithmetic_of
from allocator.explaining.problems import Miss, Problem, Settling, Told, same_wish
from allocator.explaining.quota_rules import quota_rules
from allocator.explaining.relief import Relief, effort_reliefs, quota_reliefs
from allocator.explaining.repairs import Trial
from allocator.explaining.rulebook import Item, Key, Rulebook
from allocator.formulation.effort import Effort
from allocator.formulation.grain import grain_like, make_grain
from allocator.model import Model
from allocator.ordering import Ordering, Outcome
from allocator.program import Floats
from allocator.texts import _

Progress = Callable[[str], None]

SEEN = 1e-6
"""Relative miss from which a wish is missed."""

FURTHER = 20.0
"""Seconds after which no further clashes are looked for, once every missed wish has its own."""

LINES = {2: 6, 1: 8}
"""Lines that a clash may have when it is told by rep and month, or by month."""

FIRST = ("prospects", "ceiling", "least", "executive", "days", "hours", "supply", "pool", "most")
"""Kinds of rules in the order in which they are let go, so that what people can change is named before what they cannot."""


@dataclass(frozen=True)
class Explanation:
    """Why there is no plan, or why wishes are missed.

    Attributes
    ----------
    model : Model
    status : str
        impossible (hard rules clash), missed (wishes are), met (nothing is to be explained), refused (findings say why), limit.
    misses : tuple of Miss
        Wishes that the plan misses.
    problems : tuple of Problem
    broken : Broken or None
        What the steps of scenarios have to do with it.
    findings : tuple of Finding
        Errors of another kind that refuse the model.
    seconds : dict of str to float
    solves : int
    """

    model: Model
    status: str
    misses: tuple[Miss, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: Broken | None = None
    findings: tuple[Finding, ...] = ()
    seconds: dict[str, float] = field(default_factory=dict)
    solves: int = 0


def explain(
    model: Model,
    *,
    scenarios: tuple[Model, Parts] | None = None,
    strict: bool = False,
    engine: str | Engine | None = None,
    most: int = 5,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Say what clashes in a model, what is missing, and what would end it.

    Parameters
    ----------
    model : Model
        With scenarios, if there are any.
    scenarios : (Model, sequence of (Scenario, steps)), optional
        The model without them, and their steps.
    strict : bool
        Promised visits and base targets are hard.
    engine : str or Engine, optional
        The model's setting by default.
    most : int
        Clashes that are told.
    seconds : float, optional
        Limit of the whole; what is not found by then is left out.
    progress : callable, optional
        Told what is looked for.

    Raises
    ------
    EngineError
        If the engine is not there, or fails.
    """
    name = engine or model.settings.engine
    solver = find_engine(name) if isinstance(name, str) else name
    return _Explaining(model, solver, strict, most, seconds, progress or (lambda _step: None)).run(scenarios)


class _Explaining:
    """One explanation while it is being made."""

    def __init__(
        self, model: Model, engine: Engine, strict: bool, most: int, seconds: float | None, progress: Progress
    ) -> None:
        self.model, self.engine, self.strict, self.most, self.progress = model, engine, strict, most, progress
        self.until = np.inf if seconds is None else time.perf_counter() + seconds
        self.grain = make_grain(model)
        self.solves = 0
        self.seconds: dict[str, float] = {}
        self.last = time.perf_counter()

    def run(self, scenarios: tuple[Model, Parts] | None) -> Explanation:
        doubts = arithmetic(self.model, self.grain, strict=self.strict, engine=self.engine)
        refused = tuple(f for f in doubts if f.severity == "error" and f.rule not in ("arithmetic", "pins"))
        found = Explanation(self.model, "refused" if refused else "met", findings=refused)
        self.progress(_("what clashes"))
        pins: tuple[Problem, ...] = ()
        hard: tuple[Problem, ...] = ()
        misses: tuple[Miss, ...] = ()
        try:
            pins = self._among_quotas(quota_rules(self.model, self.grain))
            book, effort = effort_rules(self.model, strict=self.strict, grain=self.grain)
            self._lap("build")
            hard, misses, status = self._among_effort(book, effort)
        except OutOfTime:
            status = "limit"
        problems = (*pins, *hard)
        if problems and (pins or not misses):
            status = "impossible"
        if refused:
            status = "refused"
        found = replace(found, status=status, problems=problems, misses=misses)
        if scenarios is not None and status in ("impossible", "missed"):
            self.progress(_("what the scenario changed"))
            base, parts = scenarios
            missed = frozenset(m.item.key for m in misses)
            broken = breaking_steps(base, parts, missed, self._missed_of, strict=self.strict, engine=self.engine)
            found = replace(found, broken=broken)
            self._lap("steps")
        return replace(found, seconds=self.seconds, solves=self.solves)

    def _settled(
        self,
        rules: Callable[[Model], Rulebook],
        told: Sequence[Told],
        book: Rulebook,
        reliefs: Sequence[Relief],
        misses: Sequence[Miss] = (),
    ) -> tuple[Problem, ...]:
        settling = Settling(self.model, rules, self.engine, self.until, self.progress)
        found = settling.problems(told, book, reliefs, misses)
        self.solves += settling.tried
        self._lap("ways out")
        return found

    def _lap(self, part: str) -> None:
        now = time.perf_counter()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self.last
        self.last = now

    # Clashes

    def _among_quotas(self, book: Rulebook) -> tuple[Problem, ...]:
        """Problems among pins, floors, caps and the incentive line."""
        if book.atoms.empty:
            return ()
        elastic = Elastic(book, self.engine)
        search = Search(book, elastic.contradiction, until=self.until)
        clashes = [Clash(items) for items in search.clashes(book.items, self.most)]
        self.solves += elastic.solves
        told = self._told(clashes, search, elastic)
        self._lap("clashes")

        def rules(model: Model) -> Rulebook:
            return quota_rules(model, grain_like(self.grain, model))

        return self._settled(rules, told, book, quota_reliefs(book))

    def _among_effort(self, book: Rulebook, effort: Effort) -> tuple[tuple[Problem, ...], tuple[Miss, ...], str]:
        """Problems among hard rules; without any, those of missed wishes."""
        kept: Kept = {}
        elastic = Elastic(book, self.engine)
        search = Search(book, elastic.contradiction, until=self.until)
        hard = [i for i in self._in_order(book) if not i.goal]
        clashes = [Clash(items) for items in search.clashes(hard, self.most)]
        misses: tuple[Miss, ...] = ()
        status = "impossible" if clashes else "met"
        if not clashes:
            self.progress(_("the plan's missed wishes"))
            outcome = self._planned(effort)
            if outcome.status is Status.INFEASIBLE and has_whole(book.program):
                clashes, status = self._whole(book, hard, [()]), "impossible"
            elif outcome.status is not Status.OPTIMAL or outcome.x is None:
                return (), (), "limit"
            else:
                misses, kept = self._misses(book, effort, outcome.x)
                self._lap("plan")
                self.progress(_("what clashes"))
                status = "missed" if any(not m.slight for m in misses) else "met"
            if status == "missed":
                book = with_kept(book, kept)
                elastic = Elastic(book, self.engine)
                search = Search(book, elastic.contradiction, until=self.until)
                clashes = self._of_misses(book, search, misses)
        told = self._told(clashes, search, elastic)
        self.solves += elastic.solves
        self._lap("clashes")

        def rules(model: Model) -> Rulebook:
            return with_kept(effort_rules(model, strict=self.strict, grain=self.grain)[0], kept)

        problems = self._settled(rules, told, book, effort_reliefs(book, effort), misses)
        return problems, tuple(m for m in misses if not m.slight), status

    def _planned(self, effort: Effort) -> Outcome:
        """The plan, as far as its wishes go."""
        goals = effort.program.goals
        last = max((k for k, g in enumerate(goals) if g.wish), default=-1)
        left = None if self.until == np.inf else max(self.until - time.perf_counter(), 1e-3)
        outcome = Ordering(replace(effort.program, goals=goals[: last + 1]), self.engine, seconds=left).run()
        self.solves += outcome.solves
        if outcome.status is Status.ERROR:
            raise EngineError(_("The engine failed: {detail}").format(detail=outcome.detail or "?"))
        return outcome

    def _misses(self, book: Rulebook, effort: Effort, x: Floats) -> tuple[tuple[Miss, ...], Kept]:
        """Wishes that a plan misses, the most important first, and how far it keeps them."""
        x = x.copy()
        misses = effort.draft.tables["misses"]
        x[misses.loc[misses["row"] >= 0, "column"].to_numpy(int)] = 0.0
        short = book.missed(x)
        natural = short * (book.atoms["size"] * book.atoms["factor"]).to_numpy(float)
        found = [
            Miss(i, float(short[i.atoms].max()), float(natural[i.atoms].sum()))
            for i in book.items
            if i.goal and len(i.atoms) and short[i.atoms].max() > SEEN
        ]
        found.sort(key=lambda m: (self._rank(m.item.key), -m.relative))
        return tuple(found), kept_of(book, [m.item for m in found], short)

    def _missed_of(self, model: Model) -> frozenset[Key] | None:
        """Wishes that the plan of a model misses; None where there is no plan."""
        grain = grain_like(self.grain, model)
        quotas = quota_rules(model, grain)
        if Trial(model, lambda _model: quotas, frozenset(), self.engine).holds(model) is False:
            return None
        book, effort = effort_rules(model, strict=self.strict, grain=grain)
        outcome = self._planned(effort)
        if outcome.x is None or outcome.status is not Status.OPTIMAL:
            return None
        return frozenset(m.item.key for m in self._misses(book, effort, outcome.x)[0] if not m.slight)

    def _rank(self, key: Key) -> tuple[int, int]:
        """Place of a wish among the goals: smaller is more important."""
        goals = self.model.settings.goals
        if key[0] == "target":
            code = key[1].partition("=")[2]
            row = next(r for r in self.model["targets"].to_dict("records") if r["target"] == code)
            return (goals.index(row["level"]), 0 if row["priority"] == "hard" else int(row["priority"]))
        return (goals.index("visits"), 0) if key[0] == "promise" else (goals.index("base"), 1)

    def _in_order(self, book: Rulebook, key: Key | None = None) -> list[Item]:
        """Items in the order in which they are let go: wishes that matter less than a missed one first, the others last."""
        place = {kind: k for k, kind in enumerate(FIRST)}
        limit = self._rank(key) if key else (-1, 0)
        goals = sorted((i for i in book.items if i.goal), key=lambda i: self._rank(_wish(i)), reverse=True)
        after = [i for i in goals if self._rank(_wish(i)) <= limit]
        rules = sorted((i for i in book.items if not i.goal), key=lambda i: place.get(i.kind, len(place)))
        return [*(i for i in goals if self._rank(_wish(i)) > limit), *rules, *after]

    def _of_misses(self, book: Rulebook, search: Search, misses: Sequence[Miss]) -> list[Clash]:
        """A clash for each missed wish, with the others kept as far as the plan keeps them; then further ones."""
        keys = [m.item.key for m in misses if not m.slight]
        missed = {i.key: i for i in book.items if i.key in {m.item.key for m in misses}}
        others = [i for i in self._in_order(book, keys[-1]) if i.key not in missed]
        found: list[tuple[Item, ...]] = []
        for key in keys:
            if len(found) < self.most and not any(key == i.key for clash in found for i in clash):
                rest = [i for i in self._in_order(book, key) if i.key not in missed]
                rest = [i for i in rest if i.kind != "kept" or not same_wish(_wish(i), key)]
                clash = search.thin([*rest, missed[key]])
                found += [clash] if clash else []
        if not found and has_whole(book.program):
            return self._whole(book, others, [(missed[key],) for key in keys])
        until, search.until = search.until, min(search.until, time.perf_counter() + FURTHER)
        rest = [i for i in others if i.kind != "kept"]
        with contextlib.suppress(OutOfTime):
            found = search.clashes([*rest, *(missed[k] for k in reversed(keys))], self.most, found)
        search.until = until
        return [Clash(items) for items in found]

    def _whole(self, book: Rulebook, items: Sequence[Item], more: Sequence[tuple[Item, ...]]) -> list[Clash]:
        """Clashes that only whole numbers have, of some items and one of several others each."""
        found: list[Clash] = []
        for goals in more[: self.most]:
            every = [*items, *goals]
            limit = min(self.until, time.perf_counter() + 3 * FURTHER)
            search = Search(book, whole_oracle(book, self.engine, FURTHER), until=limit)
            try:
                thin = search.thin(every)
            except OutOfTime:
                found.append(Clash(tuple(every), whole=True, thin=False))
                continue
            if thin is not None and not any({i.key for i in c.items} == {i.key for i in thin} for c in found):
                found.append(Clash(thin, whole=True))
        return found

    def _told(self, clashes: Sequence[Clash], search: Search, elastic: Elastic) -> list[Told]:
        """Each clash as it was found, and as it is told: by month or rep where that says more."""
        told = []
        for clash in clashes:
            finer = clash if clash.whole else self._finer(clash, search)
            told.append(Told(clash, finer, arithmetic_of(finer, elastic)))
        return told

    def _finer(self, clash: Clash, search: Search) -> Clash:
        """The same by rep and month, or by month, where it is one clash of few lines that way too."""
        book = search.book
        for grain, limit in LINES.items():
            if time.perf_counter() > search.until:
                return clash
            parts = book.parts(clash.items, grain)
            core = search.among(parts)
            if core is None or len(book.lines(core)) > 2 * limit or self._elsewhere(core, parts, search):
                continue
            with contextlib.suppress(OutOfTime):
                thin = search.thin(core)
                if thin is not None and len(book.lines(thin)) <= limit and not self._elsewhere(thin, parts, search):
                    return replace(clash, items=thin)
        return clash

    def _elsewhere(self, some: Sequence[Item], parts: Sequence[Item], search: Search) -> bool:
        """Whether the parts clash without some of them too, wishes apart: then it is several clashes of the same kind."""
        own = {id(i) for i in some if not i.goal} or {id(i) for i in some}
        return search.among([p for p in parts if id(p) not in own]) is not None


def _wish(item: Item) -> Key:
    """Key of the wish that an item is, or that it is what is kept of."""
    return origin(item) if item.kind == "kept" else item.key
