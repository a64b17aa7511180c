"""From a batch file to its cases: models × scenarios × options, less what is excluded, and those asked for by themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from allocator.batches.batch import ALL, BASE, Batch, Case, Exclusion, Options, Request, ScopedRule, Word
from allocator.batches.meeting import Meeting, Scenarios, told
from allocator.batches.rules import BASE as OF_BASE
from allocator.batches.rules import DATED
from allocator.errors import InputError
from allocator.model import Model
from allocator.places import find_model
from allocator.reading import load
from allocator.scenarios.varying import Part
from allocator.schema.findings import Report, did_you_mean
from allocator.texts import _


@dataclass(frozen=True)
class Source:
    """A model of the batch.

    Attributes
    ----------
    name : str
    model : Model or None
        None where it is malformed.
    problem : str
        What is wrong with it.
    scenarios : Scenarios or None
    """

    name: str
    model: Model | None
    problem: str = ""
    scenarios: Scenarios | None = None

    def meet(self, names: str) -> Meeting:
        """What scenarios are to the model; a malformed model takes any."""
        return Meeting() if self.scenarios is None else self.scenarios.meet(names)


@dataclass(frozen=True)
class Planned:
    """A case with what it applies to its model.

    Attributes
    ----------
    case : Case
    source : Source
    parts : tuple of (Scenario, steps)
    problem : str
        Why it cannot be planned: what is wrong with its model or scenarios.
    """

    case: Case
    source: Source
    parts: tuple[Part, ...]
    problem: str = ""


@dataclass(frozen=True)
class Crossing:
    """All cases of a batch.

    Attributes
    ----------
    planned : tuple of Planned
    left_out : tuple of (str, str)
        Model and scenario that do not fit each other: the scenario was written for other models.
    """

    planned: tuple[Planned, ...]
    left_out: tuple[tuple[str, str], ...]


def read_sources(batch: Batch, report: Report) -> dict[str, Source]:
    """Read every model once; one that is not there is a mistake of the batch, one that is malformed fails its own cases."""
    found: dict[str, Source] = {}
    names: dict[str, str] = {}
    for word in (*batch.models, *(r.model for r in batch.requests)):
        if word.text in found:
            continue
        try:
            path = find_model(word.text)
        except InputError as error:
            says = error.findings[0].says
            report.add_at("error", batch.label, "model", says, row=word.row, column=word.column)
            continue
        found[word.text] = source = _source(path)
        if names.setdefault(source.name, word.text) != word.text:
            says = _("Two models are called {name}. Rename one of them.").format(name=source.name)
            report.add_at("error", batch.label, "model", says, row=word.row, column=word.column, value=word.text)
    return found


def _source(path: Path) -> Source:
    try:
        model = load(path)
    except InputError as error:
        return Source(path.resolve().stem, None, told(error))
    return Source(model.name, model, "", Scenarios(model))


def cross(batch: Batch, sources: Mapping[str, Source], report: Report) -> Crossing:
    """Make all cases; findings for what fits nothing, for names given twice and for rules that judge nothing."""
    return _Crosser(batch, sources, report).run()


class _Crosser:
    def __init__(self, batch: Batch, sources: Mapping[str, Source], report: Report) -> None:
        self._batch, self._sources, self._report = batch, sources, report
        self._planned: dict[str, Planned] = {}
        self._left_out: dict[tuple[str, str], None] = {}
        self._works: dict[tuple[object, ...], str] = {}
        self._excluding: set[str] = set()

    def run(self) -> Crossing:
        batch = self._batch
        models = {w.text: self._sources[w.text] for w in batch.models if w.text in self._sources}
        scenarios = list(self._scenarios(models))
        for key, source in models.items():
            for names in scenarios:
                for options in batch.options:
                    self._crossed(key, source, names, options)
        for request in batch.requests:
            if request.model.text in self._sources:
                self._asked_for(request, self._sources[request.model.text])
        for exclusion in batch.exclude:
            if exclusion.column not in self._excluding:
                says = _("No case is like this, so none is left out.")
                self._error("exclude", says, exclusion.row, exclusion.column)
        self._judge()
        self._add_bases()
        if not self._planned and not self._report:
            self._error("batch", _("No case is left to be planned."), "1", "")
        return Crossing(tuple(self._planned.values()), tuple(self._left_out))

    def _scenarios(self, models: Mapping[str, Source]) -> Iterator[str]:
        """Scenarios of the crossing; base is blank."""
        sound = [s for s in models.values() if s.scenarios is not None]
        seen = set()
        for word in self._batch.scenarios:
            if word.text == ALL:
                names = [n for s in sound if s.scenarios for n in s.scenarios.applying()]
            else:
                names = ["" if word.text == BASE else word.text]
                self._fits(word, names[0], sound)
            for name in names:
                if name not in seen:
                    seen.add(name)
                    yield name

    def _fits(self, word: Word, names: str, sources: Sequence[Source]) -> None:
        """See that scenarios are known, and apply to one model at least."""
        met = [source.meet(names) for source in sources]
        if met and all(m.unknown or m.foreign for m in met):
            self._misfit(word, met, [n for s in sources if s.scenarios for n in s.scenarios.known])

    def _misfit(self, word: Word, met: Sequence[Meeting], known: Iterable[str]) -> None:
        unknown = next((m.unknown for m in met if m.unknown), "")
        if unknown and not any(m.foreign for m in met):
            says = _("There is no scenario {name}.").format(name=unknown) + did_you_mean(unknown, known)
        else:
            says = _("{name} was written for other models.").format(name=next(m.foreign for m in met if m.foreign))
        self._error("scenario", says, word.row, word.column, word.text)

    def _crossed(self, key: str, source: Source, names: str, options: Options) -> None:
        meeting = source.meet(names)
        if meeting.unknown or meeting.foreign:
            self._left_out[source.name, names] = None
            return
        case = Case("", key, names, options=options)
        excluding = [e for e in self._batch.exclude if _excluded(e, case, source.name)]
        self._excluding.update(e.column for e in excluding)
        if not excluding:
            self._add(case, source, meeting, Word("", "1", "models"))

    def _asked_for(self, request: Request, source: Source) -> None:
        names = request.scenario.text
        meeting = source.meet(names)
        if meeting.unknown or meeting.foreign:
            at = request.scenario if request.scenario.row else request.model
            self._misfit(at, [meeting], source.scenarios.known if source.scenarios else ())
            return
        name = "" if request.name is None else request.name.text
        case = Case(
            name, request.model.text, names, options=request.options, rules=request.rules, review=request.review
        )
        self._add(case, source, meeting, request.name or request.model)

    def _add(self, case: Case, source: Source, meeting: Meeting, at: Word) -> None:
        """Add a case, once for each combination of its sweep."""
        problem = source.problem or meeting.problem
        for varied, parts in meeting.variants:
            values = " ".join(f"{k}={v}" for k, v in varied)
            day = "" if case.review is None else case.review.as_of
            first = case.name or " ".join(filter(None, (source.name, case.scenario, day)))
            last = "" if case.name else case.options.label(self._batch.options[0])
            one = replace(case, name=" ".join(filter(None, (first, values, last))), varied=varied)
            if one.name in self._planned:
                says = _("Two cases are called {name}. Give one of them another name.").format(name=one.name)
                self._error("duplicate", says, at.row, at.column)
            elif same := self._works.get(_work(one)):
                says = _("The case {name} plans the same.").format(name=same)
                self._error("duplicate", says, at.row, at.column)
            else:
                self._planned[one.name] = Planned(one, source, parts, problem)
                self._works[_work(one)] = one.name

    def _judge(self) -> None:
        """Give each case its rules, and see that each rule has a case and can judge it."""
        for rule in self._batch.rules:
            self._scoped(rule)
            for planned in [p for p in self._planned.values() if _judges(rule, p)]:
                name, case = planned.case.name, planned.case
                self._planned[name] = replace(planned, case=replace(case, rules=(*case.rules, rule)))
        told_of = set()
        for planned in self._planned.values():
            for rule in planned.case.rules:
                if not planned.case.options.visits and rule.rule.measures & set(DATED) and rule.column not in told_of:
                    told_of.add(rule.column)
                    says = _("The case {name} has no dated visits. Let it date visits, or let the rule leave it out.")
                    self._error("rule", says.format(name=planned.case.name), rule.row, rule.column, rule.text)

    def _scoped(self, rule: ScopedRule) -> None:
        """See that every name in the scope of a rule is one of the batch."""
        cases = [p.case for p in self._planned.values()]
        known = {
            "model": (rule.models, {n for p in self._planned.values() for n in (p.source.name, p.case.model)}),
            "scenario": (rule.scenarios, {c.scenario or BASE for c in cases}),
            "case": (rule.cases, {c.name for c in cases}),
        }
        for words, names in known.values():
            for word in words:
                if word.text not in names:
                    says = _("No case of the batch has it.") + did_you_mean(word.text, names)
                    self._error("rule", says, word.row, word.column, word.text)

    def _add_bases(self) -> None:
        """Add the case without a scenario where a rule compares with it and it is not there."""
        for planned in list(self._planned.values()):
            case = planned.case
            if case.scenario and any(r.rule.of == OF_BASE for r in case.rules):
                base = Case("", case.model, "", options=case.options, added=True)
                if _work(base) not in self._works:
                    self._add(base, planned.source, planned.source.meet(""), Word("", "1", "rules"))

    def _error(self, rule: str, says: str, row: str, column: str, value: str = "") -> None:
        self._report.add_at("error", self._batch.label, rule, says, row=row, column=column, value=value)


def _work(case: Case) -> tuple[object, ...]:
    return case.model, case.scenario, case.varied, case.options, case.review


def _excluded(exclusion: Exclusion, case: Case, model: str) -> bool:
    models, scenarios = ({w.text for w in words} for words in (exclusion.models, exclusion.scenarios))
    return (
        (not models or bool(models & {case.model, model}))
        and (not scenarios or (case.scenario or BASE) in scenarios)
        and all(getattr(case.options, key) == value for key, value in exclusion.options.items())
    )


def _judges(rule: ScopedRule, planned: Planned) -> bool:
    case = planned.case
    models, scenarios, cases = ({w.text for w in words} for words in (rule.models, rule.scenarios, rule.cases))
    if rule.rule.of == OF_BASE and case.is_base:  # a base is not compared with itself
        return False
    return (
        (not models or bool(models & {case.model, planned.source.name}))
        and (not scenarios or (case.scenario or BASE) in scenarios)
        and (not cases or case.name in cases)
    )
