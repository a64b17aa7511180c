"""A batch from its file to its index: what is done is taken over, what is missing is carried out, what fails is told."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from allocator.batches.batch import Batch, Reviewing
from allocator.batches.crossing import Crossing, Planned, cross, read_sources
from allocator.batches.index import Entry, Prepared, entries, sound
from allocator.batches.meeting import told
from allocator.batches.processes import Death, Executor
from allocator.batches.reading import read_batch
from allocator.batches.store import Store
from allocator.batches.tables import write_tables_of
from allocator.batches.work import Answer, Reviewed, Task, versions
from allocator.errors import AllocatorError, InputError
from allocator.model import Model
from allocator.scenarios.applying import apply_steps
from allocator.schema.findings import Report
from allocator.schema.parsing import read_date
from allocator.texts import _, in_language

LIVES = 2
"""Times that a case may lose its worker before it counts as failed."""

TICK = 0.2
"""Seconds after which whoever looks on is told again."""


@dataclass(frozen=True)
class Step:
    """How far a batch is, for whoever looks on.

    Attributes
    ----------
    name : str
        Case that began or ended; blank where none did.
    ended : str
        done, failed or died; blank where it did not end.
    reason : str
    ready, failed, all : int
        Cases that have ended, those of them that failed, and all.
    """

    name: str
    ended: str
    reason: str
    ready: int
    failed: int
    all: int


Progress = Callable[[Step], None]


def read(file: Path) -> tuple[Batch, Crossing]:
    """Read a batch file and make its cases.

    Raises
    ------
    InputError
        With all that is wrong with it.
    """
    report = Report()
    batch = read_batch(file, report)
    crossing = cross(batch, read_sources(batch, report), report)
    if report:
        raise InputError(report.findings())
    return batch, crossing


def prepare(
    batch: Batch, planned: Iterable[Planned], progress: Callable[[str], None] = lambda _: None
) -> list[Prepared]:
    """Describe each case with its hash; one whose scenario cannot be applied says why."""
    found = []
    known: dict[str, Mapping[str, str]] = {}
    for one in planned:
        progress(one.case.name)
        found.append(_prepared(batch, one, known))
    return found


def _prepared(batch: Batch, planned: Planned, known: dict[str, Mapping[str, str]]) -> Prepared:
    case, model, problem = planned.case, planned.source.model, planned.problem
    sha256 = "" if model is None else model.sha256
    name = case.options.engine or ("" if model is None else model.settings.engine)
    if model is not None and planned.parts and not problem:
        try:
            sha256 = apply_steps(model, planned.parts).model.sha256
        except InputError as error:
            problem = told(error)
    review = None
    if case.review is not None and model is not None and not problem:
        try:
            review = _reviewed(case.review, model)
        except InputError as error:
            problem = told(error)
    if name and name not in known:
        try:
            known[name] = versions(name)
        except AllocatorError as error:
            known[name], problem = {}, problem or str(error)
    task = Task(
        kind="plan" if case.review is None else "review",
        model=planned.source.name,
        sha256=sha256 if not problem else f"{sha256} malformed",
        scenario=case.scenario,
        varied=case.varied,
        parts=planned.parts,
        options=replace(case.options, engine=name),
        parquet=batch.parquet,
        language=batch.language or ("en" if model is None else model.settings.language),
        versions=known.get(name, {}),
        review=review,
    )
    return Prepared(planned, task, problem)


def _reviewed(of: Reviewing, model: Model) -> Reviewed:
    """Read what a case reviews.

    Raises
    ------
    InputError
        If the actuals or the run in force cannot be read.
    """
    from allocator.reviewing.actuals import read_actuals
    from allocator.reviewing.review import open_published, summary_of

    published = open_published(Path(of.plan))
    file = Path(of.actuals) if of.actuals else None
    actuals = read_actuals(model, file, read_date(of.as_of), known=published.past)
    summary = summary_of(Path(of.plan))
    identity = {
        "as_of": of.as_of,
        "actuals": actuals.model.sha256,
        "plan": hashlib.sha256(json.dumps(summary, sort_keys=True).encode()).hexdigest(),
    }
    return Reviewed(actuals, published, identity)


def run(
    batch: Batch,
    prepared: list[Prepared],
    store: Store,
    executor: Callable[[int], Executor],
    *,
    retry: bool = False,
    progress: Progress = lambda _: None,
) -> list[Entry]:
    """Carry out what is missing, and write the index and the tables.

    Parameters
    ----------
    batch : Batch
    prepared : list of Prepared
    store : Store
    executor : callable
        Makes the workers, for so many tasks; not called where nothing is missing.
    retry : bool
        Whether what failed is carried out again.
    progress : callable
        Told of every case that begins or ends, and a few times a second.

    Returns
    -------
    list of Entry
        A row of the index for each case.
    """
    runner = _Runner(prepared, store, progress)
    runner.take_over(retry=retry)
    try:
        if runner.missing:
            runner.carry_out(executor(len(runner.missing)))
    finally:
        found = entries(batch, prepared, store)
        write_tables_of(batch, found, store)
    return found


class _Runner:
    def __init__(self, prepared: list[Prepared], store: Store, progress: Progress) -> None:
        self._prepared, self._store, self._journal = prepared, store, store.journal
        self._progress = progress
        self.missing: deque[Prepared] = deque()
        self._failed = 0
        self._lost: dict[str, int] = {}

    def take_over(self, *, retry: bool) -> None:
        """Find what is missing: neither done nor known to fail."""
        keys = set[str]()
        for one in self._prepared:
            key = one.task.hash
            if key in keys:  # asked for under two names
                continue
            keys.add(key)
            summary = self._store.summary(key)
            if summary is not None and key not in self._journal.done:
                self._journal.write("done", case=one.name, hash=key, status=summary.get("status"))
            fails = key in self._journal.failed if summary is None else not sound(summary)
            if one.problem:
                if self._journal.failed.get(key) != one.problem:
                    self._journal.write("failed", case=one.name, hash=key, reason=one.problem)
                self._failed += 1
            elif retry and fails:
                self._journal.write("again", case=one.name, hash=key)
                self.missing.append(one)
            elif summary is None and key not in self._journal.failed:
                self.missing.append(one)
            else:
                self._failed += fails

    def carry_out(self, executor: Executor) -> None:
        """Carry out what is missing; at most as many cases are begun as there are workers."""
        at_work: dict[str, Prepared] = {}
        try:
            while self.missing or at_work:
                while self.missing and len(at_work) < executor.workers:
                    one = self.missing.popleft()
                    self._begin(one)
                    at_work[one.task.hash] = one
                    executor.submit(one.task, _model(one))
                    self._tell(at_work, one.name)
                ended = executor.wait(TICK)
                if ended is not None:
                    self._end(at_work.pop(ended.key), ended.outcome, at_work)
                else:
                    self._tell(at_work)
        finally:
            executor.close()

    def _begin(self, one: Prepared) -> None:
        key = one.task.hash
        self._journal.write("begin", case=one.name, hash=key, attempt=self._journal.attempts.get(key, 0) + 1)

    def _end(self, one: Prepared, outcome: Answer | Death, at_work: Mapping[str, Prepared]) -> None:
        key = one.task.hash
        if isinstance(outcome, Death):
            self._lost[key] = self._lost.get(key, 0) + 1
            if self._lost[key] < LIVES:
                self._journal.write("died", case=one.name, hash=key, reason=outcome.says)
                self.missing.appendleft(one)
                self._tell(at_work, one.name, "died", outcome.says)
                return
            with in_language(one.task.language):
                reason = _("Its worker was lost {times} times: {reason}.").format(times=LIVES, reason=outcome.says)
            outcome = Answer(reason=reason)
        if outcome.files:
            self._store.keep(key, outcome.files)
            summary = self._store.summary(key) or {}
            self._journal.write("done", case=one.name, hash=key, status=summary.get("status"))
            self._failed += not sound(summary)
            self._tell(at_work, one.name, "done" if sound(summary) else "failed")
        else:
            details = {"detail": outcome.detail} if outcome.detail else {}
            self._journal.write("failed", case=one.name, hash=key, reason=outcome.reason, **details)
            self._failed += 1
            self._tell(at_work, one.name, "failed", outcome.reason)

    def _tell(self, at_work: Mapping[str, Prepared], name: str = "", ended: str = "", reason: str = "") -> None:
        ready = len(self._prepared) - len(self.missing) - len(at_work)
        self._progress(Step(name, ended, reason, ready, self._failed, len(self._prepared)))


def _model(one: Prepared) -> Model:
    model = one.planned.source.model
    assert model is not None
    return model
