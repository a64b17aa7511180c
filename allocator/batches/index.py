"""The index of a batch: a row for each case, made of the results and the journal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from allocator.batches.batch import Batch, Case, Options
from allocator.batches.crossing import Planned
from allocator.batches.rules import Figures, judge
from allocator.batches.store import Store
from allocator.batches.work import Task
from allocator.reporting.amounts import Amounts
from allocator.texts import _

KPIS = (
    *("revenue", "profit", "contribution", "spend", "commission", "collections", "new_clients"),
    *("visits_promised", "visits_planned", "visits_scheduled"),
)
FAILED, REFUSED, WAITING = "failed", "refused", "waiting"
"""What a case is that has no result, one whose plan the audit refuses, and one that was not carried out."""


@dataclass(frozen=True)
class Prepared:
    """A case that is ready to be carried out.

    Attributes
    ----------
    planned : Planned
    task : Task
    problem : str
        Why it cannot be.
    """

    planned: Planned
    task: Task
    problem: str = ""

    @property
    def name(self) -> str:
        """Name of the case."""
        return self.planned.case.name


@dataclass(frozen=True)
class Entry:
    """A case as the index tells it.

    Attributes
    ----------
    case : Case
    model : str
        Name of its model.
    hash : str
    status : str
        That of its ``summary.json``, or failed, refused, waiting.
    figures : mapping of str to float or None
        What rules may speak of; empty where there is no plan.
    kpis : mapping of str to float or None
    passed : bool or None
        None where it is not judged: not carried out yet, or there for others to be compared with.
    reasons : tuple of str
        Why it did not pass.
    seconds : float or None
    attempts : int
    amounts : Amounts
        How its money is written.
    base : mapping, optional
        Figures of its base.
    """

    case: Case
    model: str
    hash: str
    status: str
    figures: Figures
    kpis: Mapping[str, float | None]
    passed: bool | None
    reasons: tuple[str, ...]
    seconds: float | None
    attempts: int
    amounts: Amounts
    base: Figures | None = None


def sound(summary: Mapping[str, Any]) -> bool:
    """Whether a result is a plan that is proved and that the audit accepts."""
    return status_of(summary) == "optimal"


def status_of(summary: Mapping[str, Any]) -> str:
    """Status of a result."""
    violated = summary.get("status") == "optimal" and (summary.get("audit") or {}).get("violations") != 0
    return REFUSED if violated else str(summary.get("status"))


def figures_of(summary: Mapping[str, Any]) -> dict[str, float | None]:
    """What rules may speak of, from a ``summary.json``."""
    kpis, targets, dated = (summary.get(key) or {} for key in ("kpis", "targets", "schedule"))
    money = ("revenue", "profit", "contribution", "spend", "commission", "collections")
    return {
        **{name: kpis.get(name) for name in money},
        "new clients": kpis.get("new_clients"),
        "visits promised": kpis.get("visits_promised"),
        "visits planned": kpis.get("visits_planned"),
        "visits dated": dated.get("visits"),
        "visits unplaced": dated.get("unplaced"),
        "targets met": targets.get("met"),
        "targets missed": targets.get("missed"),
    }


def entries(batch: Batch, prepared: Iterable[Prepared], store: Store) -> list[Entry]:
    """Tell of every case what came of it."""
    prepared = list(prepared)
    read = {one.name: None if one.problem else store.summary(one.task.hash) for one in prepared}
    bases: dict[tuple[str, Options], Figures] = {}
    for one in prepared:
        summary = read[one.name]
        if one.planned.case.is_base and summary is not None and sound(summary):
            bases[one.planned.case.model, one.planned.case.options] = figures_of(summary)
    return [_entry(one, read[one.name], bases, store) for one in prepared]


def _entry(
    one: Prepared,
    summary: Mapping[str, Any] | None,
    bases: Mapping[tuple[str, Options], Figures],
    store: Store,
) -> Entry:
    case, key = one.planned.case, one.task.hash
    failed = one.problem or store.journal.failed.get(key, "")
    figures: Figures = {}
    reasons: tuple[str, ...] = ()
    base = bases.get((case.model, case.options))
    amounts = _amounts(one)
    status = status_of(summary) if summary is not None else FAILED if failed else WAITING
    if status == "optimal":
        assert summary is not None
        figures = figures_of(summary)
        verdicts = [judge(scoped.rule, figures, base, amounts) for scoped in case.rules]
        reasons = tuple(v.says for v in verdicts if not v.kept)
    elif status == REFUSED:
        reasons = (_("The audit refuses this plan; please report it. It is written so that it can be looked into."),)
    elif status != WAITING:
        reasons = (failed,) if summary is None else tuple(map(str, summary.get("reasons") or ()))
    passed = None if status == WAITING else status == "optimal" and not reasons
    return Entry(
        case=case,
        model=one.planned.source.name,
        hash=key,
        status=status,
        figures=figures,
        kpis={} if not figures or summary is None else summary.get("kpis") or {},
        passed=None if passed and case.added else passed,
        reasons=reasons,
        seconds=None if summary is None else (summary.get("seconds") or {}).get("total"),
        attempts=store.journal.attempts.get(key, 0),
        amounts=amounts,
        base=base,
    )


def _amounts(one: Prepared) -> Amounts:
    model = one.planned.source.model
    return Amounts("", "") if model is None else Amounts(model.settings.money_unit, model.settings.currency)


def index_row(entry: Entry) -> dict[str, object]:
    """A row of the index; what is not known is None."""
    case, options = entry.case, entry.case.options
    return {
        "case": case.name,
        "model": entry.model,
        "scenario": case.scenario,
        "varied": case.variation,
        "strict": "yes" if options.strict else "no",
        "engine": options.engine,
        "seconds_allowed": options.seconds,
        "visits": "yes" if options.visits else "no",
        "hash": entry.hash,
        "status": entry.status,
        **{name: entry.kpis.get(name) for name in KPIS},
        "visits_unplaced": entry.figures.get("visits unplaced"),
        "targets_met": entry.figures.get("targets met"),
        "targets_missed": entry.figures.get("targets missed"),
        "passed": {True: "yes", False: "no", None: ""}[entry.passed],
        "reasons": "; ".join(" ".join(reason.split()) for reason in entry.reasons),
        "seconds": entry.seconds,
        "attempts": entry.attempts,
    }


def index_frame(found: Iterable[Entry]) -> pd.DataFrame:
    """Return the index: texts, and numbers that are missing where there is no plan."""
    frame = pd.DataFrame([index_row(entry) for entry in found])
    numbers = (*KPIS, "seconds_allowed", "visits_unplaced", "targets_met", "targets_missed", "seconds")
    return frame.astype(dict.fromkeys(numbers, "float64"))
