"""What is done for one case: a plain description goes in, files come out, wherever it is carried out."""

from __future__ import annotations

import hashlib
import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from allocator.batches.batch import Options
from allocator.engines import engine
from allocator.errors import AllocatorError, EngineError
from allocator.model import Model
from allocator.plan import Plan
from allocator.reporting.run import MODEL, SUMMARY, findings_frame, summary_text
from allocator.reporting.table_text import csv_parts
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.handing_over import handover
from allocator.scenarios.varying import Part
from allocator.schema.writing import model_texts
from allocator.texts import _, in_language

if TYPE_CHECKING:
    from allocator.reviewing.actuals import Actuals
    from allocator.reviewing.published import Published

PACKAGES = ("sales-allocator", "ortools", "highspy", "pulp", "pandas", "numpy", "scipy", "holidays")
"""Packages whose version may change a plan."""

LENGTH = 24
"""Letters of a hash: 96 bits."""


@dataclass(frozen=True)
class Reviewed:
    """What a review needs besides its model.

    Attributes
    ----------
    actuals : Actuals
    published : Published
    identity : mapping of str to str
        Hashes of both.
    """

    actuals: Actuals
    published: Published
    identity: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """A case, described so that any process can carry it out with its model.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    model : str
        Name of the model.
    sha256 : str
        Hash of the model under the scenarios.
    scenario : str
        Names joined by ``+``.
    varied : tuple of (str, str)
    parts : tuple of (Scenario, steps)
        What is applied to the model.
    options : Options
        With the engine named.
    parquet : bool
    language : str
    versions : mapping of str to str
        Of :func:`versions`, where the case was described.
    review : Reviewed or None
        What a review holds against which plan.
    """

    kind: str
    model: str
    sha256: str
    scenario: str
    varied: tuple[tuple[str, str], ...]
    parts: tuple[Part, ...]
    options: Options
    parquet: bool
    language: str
    versions: Mapping[str, str]
    review: Reviewed | None = None

    def identity(self) -> dict[str, Any]:
        """Everything that the result depends on; equal identities have equal results."""
        return {
            "kind": self.kind,
            "model": self.model,
            "sha256": self.sha256,
            "scenario": self.scenario,
            "varied": [list(pair) for pair in self.varied],
            "options": dict(vars(self.options)),
            "format": "parquet" if self.parquet else "csv",
            "language": self.language,
            "versions": dict(self.versions),
            **({} if self.review is None else {"review": dict(self.review.identity)}),
        }

    @property
    def hash(self) -> str:
        """Hash of the identity, under which the result is kept."""
        text = json.dumps(self.identity(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


@dataclass(frozen=True)
class Answer:
    """What came of a task.

    Attributes
    ----------
    files : mapping of str to bytes
        Content of the result by path; empty where it failed.
    reason : str
        Why it failed; blank where it did not.
    detail : str
        For whoever looks for an error of the program.
    """

    files: Mapping[str, bytes] = field(default_factory=dict)
    reason: str = ""
    detail: str = ""


def versions(name: str) -> dict[str, str]:
    """Versions that the plans of an engine depend on.

    Raises
    ------
    EngineError
        If there is no such engine here.
    """
    solver = engine(name)
    return {"engine": f"{solver.name} {solver.version}", **{p: metadata.version(p) for p in PACKAGES}}


def carry_out(task: Task, model: Model) -> Answer:
    """Do what a task says, for its model without scenarios; whatever fails is an answer too."""
    with in_language(task.language):
        try:
            if task.versions != versions(task.options.engine):
                raise EngineError(_("This worker has other versions installed than where the batch was started."))
            return Answer(KINDS[task.kind](task, model))
        except AllocatorError as error:
            return Answer(reason=str(error))
        except MemoryError:
            return Answer(reason=_("The machine has not enough memory for this."))
        except OSError as error:
            return Answer(reason=_("The machine failed: {reason}.").format(reason=error))
        except Exception as error:  # the outermost frame of a case: whatever happens, the others go on
            says = _("An error of the program itself: {kind}: {reason}.")
            says = says.format(kind=type(error).__name__, reason=error)
            return Answer(reason=says, detail=traceback.format_exc())


def _plan(task: Task, model: Model) -> dict[str, bytes]:
    """Plan the model under the task's scenarios."""
    from allocator.solving import solve  # here, because describing tasks must be quick

    started = time.perf_counter()
    before, changed = model, None
    if task.parts:
        changed = apply_steps(model, task.parts)
        model = changed.model
    if model.sha256 != task.sha256:
        raise EngineError(_("The scenario changes this model in another way than when the batch was started."))
    options, read = task.options, time.perf_counter() - started
    plan = solve(
        model,
        engine=options.engine,
        strict=options.strict,
        seconds=options.seconds,
        visits=options.visits,
        workers=1,
    )
    tables = dict(plan.tables)
    if changed is not None and tables:
        hands = handover(before, changed)
        tables |= {"changes": changed.changes, **({"handover": hands} if len(hands) else {})}
    summary = {**plan.summary, "scenarios": [s.name for s, _steps in task.parts], "varied": dict(task.varied)}
    summary["seconds"] = {**plan.summary["seconds"], "read": read, "total": time.perf_counter() - started}
    return dict(_files(task, plan, tables, summary))


def _review(task: Task, model: Model) -> dict[str, bytes]:
    """Review the model under the task's scenarios against the plan in force."""
    from allocator.reviewing.review import review

    assert task.review is not None
    started = time.perf_counter()
    if task.parts:
        model = apply_steps(model, task.parts).model
    if model.sha256 != task.sha256:
        raise EngineError(_("The scenario changes this model in another way than when the batch was started."))
    options = task.options
    found = review(
        model, task.review.actuals, task.review.published, engine=options.engine, visits=options.visits, workers=1
    )
    summary = {**found.summary, "scenarios": [s.name for s, _steps in task.parts], "varied": dict(task.varied)}
    summary["seconds"] = {**found.plan.summary["seconds"], "read": 0.0, "total": time.perf_counter() - started}
    return dict(_files(task, found.plan, {**found.plan.tables, **found.files()}, summary))


def _files(
    task: Task, plan: Plan, tables: Mapping[str, Any], summary: Mapping[str, Any]
) -> Iterator[tuple[str, bytes]]:
    """Files of a run, as ``allocator solve`` writes them, and what the result is one of."""
    for name, frame in {**tables, "findings": findings_frame(plan.findings)}.items():
        if task.parquet:
            yield f"{name}.parquet", frame.to_parquet(index=False)
        else:
            yield f"{name}.csv", b"".join(csv_parts(frame))
    if plan.tables:
        for name, text in model_texts(plan.model):
            yield f"{MODEL}/{name}", text.encode()
    yield SUMMARY, summary_text(summary).encode()
    yield IDENTITY, summary_text({"hash": task.hash, **task.identity()}).encode()


IDENTITY = "case.json"

KINDS: Mapping[str, Callable[[Task, Model], dict[str, bytes]]] = {"plan": _plan, "review": _review}
"""What can be done for a case."""
