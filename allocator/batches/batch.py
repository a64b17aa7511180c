"""What a batch file says: models, scenarios, options, cases, rules, each with the place where it is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from allocator.batches.rules import Rule
from allocator.texts import _

BASE = "base"
"""The case without a scenario."""

ALL = "all"
"""Every scenario that applies to a model."""

OPTIONS = ("strict", "engine", "seconds", "visits")

TABLES = (
    *("quotas", "units", "breakdown", "asked", "targets", "forecast", "effort", "actions", "contracts", "funnel"),
    *(
        "effects",
        "budget",
        "assignments",
        "lift",
        "won",
        "supply",
        "visits",
        "unplaced",
        "changes",
        "handover",
        "findings",
    ),
)
"""Tables that can be had of all cases in one file."""


@dataclass(frozen=True)
class Word:
    """A text and where it stands.

    Attributes
    ----------
    text : str
    row : str
        Line of the file.
    column : str
        Key under which it stands, with its number in a list.
    """

    text: str
    row: str
    column: str


@dataclass(frozen=True)
class Options:
    """How a case is planned.

    Attributes
    ----------
    strict : bool
        Promised visits and base targets must be reached.
    engine : str
        Blank is the model's own.
    seconds : float or None
        Limit on the time in the engine.
    visits : bool
        Whether visits are dated.
    """

    strict: bool = False
    engine: str = ""
    seconds: float | None = None
    visits: bool = True

    def label(self, usual: Options) -> str:
        """Words for what is other than usual; blank where nothing is."""
        words = {
            "strict": "strict" if self.strict else "not strict",
            "engine": self.engine or "own engine",
            "seconds": "unlimited" if self.seconds is None else f"{self.seconds:g}s",
            "visits": "dated" if self.visits else "undated",
        }
        return " ".join(word for key, word in words.items() if getattr(self, key) != getattr(usual, key))


@dataclass(frozen=True)
class ScopedRule:
    """A rule and the cases that it judges; an empty scope is all of them.

    Attributes
    ----------
    rule : Rule
    text : str
        As written.
    models, scenarios, cases : tuple of Word
    row, column : str
        Where it stands.
    """

    rule: Rule
    text: str
    row: str
    column: str
    models: tuple[Word, ...] = ()
    scenarios: tuple[Word, ...] = ()
    cases: tuple[Word, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """Cases of the crossing that are left out: all that have these models, scenarios and options.

    Attributes
    ----------
    models, scenarios : tuple of Word
        Empty is any.
    options : mapping of str to object
        Value of some of :data:`OPTIONS`.
    row, column : str
    """

    models: tuple[Word, ...]
    scenarios: tuple[Word, ...]
    options: Mapping[str, object]
    row: str
    column: str


@dataclass(frozen=True)
class Reviewing:
    """What a case reviews instead of planning a whole year.

    Attributes
    ----------
    actuals : str
        File of what happened; blank is the model's own table.
    as_of : str
        Day by which months are over.
    plan : str
        Folder of the run that is in force.
    """

    actuals: str
    as_of: str
    plan: str


REVIEWING = ("actuals", "as_of", "plan")
"""Keys of a case that reviews."""


@dataclass(frozen=True)
class Request:
    """A case that is asked for by itself.

    Attributes
    ----------
    name : Word or None
    model, scenario : Word
    options : Options
    rules : tuple of ScopedRule
        Its own rules, besides those of the batch.
    review : Reviewing or None
    """

    name: Word | None
    model: Word
    scenario: Word
    options: Options
    rules: tuple[ScopedRule, ...] = ()
    review: Reviewing | None = None


@dataclass(frozen=True)
class Batch:
    """A batch file, understood.

    Attributes
    ----------
    name : str
        Name of the file without its ending.
    label : str
        File as the user named it.
    title : str
    language : str
        Language of texts in results; blank is each model's.
    parquet : bool
        Whether tables are Parquet files; else CSV.
    models, scenarios : tuple of Word
    options : tuple of Options
        Of the crossing.
    exclude : tuple of Exclusion
    requests : tuple of Request
    rules : tuple of ScopedRule
    tables : tuple of str
    """

    name: str
    label: str
    title: str = ""
    language: str = ""
    parquet: bool = True
    models: tuple[Word, ...] = ()
    scenarios: tuple[Word, ...] = ()
    options: tuple[Options, ...] = (Options(),)
    exclude: tuple[Exclusion, ...] = ()
    requests: tuple[Request, ...] = ()
    rules: tuple[ScopedRule, ...] = ()
    tables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """One plan to be made.

    Attributes
    ----------
    name : str
    model : str
        Key of the model: what the user calls it.
    scenario : str
        Names joined by ``+``; blank is none.
    varied : tuple of (str, str)
        Values of a sweep.
    options : Options
    rules : tuple of ScopedRule
        Rules that judge it.
    added : bool
        Whether it is there for others to be compared with, and is not judged itself.
    review : Reviewing or None
        What it reviews; None plans the whole year.
    """

    name: str
    model: str
    scenario: str
    varied: tuple[tuple[str, str], ...] = ()
    options: Options = field(default_factory=Options)
    rules: tuple[ScopedRule, ...] = ()
    added: bool = False
    review: Reviewing | None = None

    @property
    def is_base(self) -> bool:
        """Whether it is a base, with which others are compared."""
        return not self.scenario

    @property
    def variation(self) -> str:
        """Values of the sweep as text."""
        return _(", ").join(f"{k}={v}" for k, v in self.varied)
