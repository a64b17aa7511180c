"""The page of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from allocator.model import Model
from allocator.pages.asking import Told, key_figures, misses, quotas, ranking, targets
from allocator.pages.doing import areas, budget, visits
from allocator.pages.parts import Page, Section
from allocator.pages.proving import audit, findings, frontier, origin, scenario
from allocator.pages.reading import read_plan
from allocator.plan import Plan
from allocator.reporting.words import STATUSES
from allocator.texts import N_, _

ASKED = ("target", "level", "each", "required", "asked", "gap", "bound", "cause")
TARGETS = (
    *("target", "metric", "level", "period", "each", "bound", "required", "planned", "gap", "status", "cause"),
    "priority",
)
QUOTAS = ("rep", "month", "level", "quota", "forecast")
EFFORT = (
    "rep",
    "tier",
    "month",
    "promised",
    "planned",
    "minutes",
    "hours_available",
    "executive",
    "first_visits",
    "won",
)


@dataclass(frozen=True)
class Part:
    """A section of the page: its code and title, how it is made, and what it reads of the run's files."""

    code: str
    title: str
    make: Callable[[Told], Iterable[Section]]
    reads: Mapping[str, tuple[str, ...]]


PARTS = (
    Part(
        "overview",
        N_("At a glance"),
        lambda told: [Section("overview", _("At a glance"), (), [key_figures(told), *misses(told)])],
        {"quotas": QUOTAS, "targets": TARGETS, "asked": ASKED},
    ),
    Part("targets", N_("Targets"), lambda told: [targets(told)], {"targets": TARGETS}),
    Part("quotas", N_("Quotas"), lambda told: [quotas(told)], {"quotas": QUOTAS}),
    Part("ranking", N_("Ranking"), lambda told: [ranking(told)], {"quotas": QUOTAS, "effects": ("rep", "commission")}),
    Part("visits", N_("Visits"), lambda told: [visits(told)], {"effort": EFFORT}),
    Part(
        "budget",
        N_("Budget"),
        lambda told: [budget(told)],
        {"budget": ("line", "category", "month", "spend", "line_total", "minimum", "maximum", "headroom")},
    ),
    Part("areas", N_("Areas"), areas, {"assignments": ("client", "rep")}),
)
"""Sections that read the tables of a run, in their order."""


def run_page(folder: Path, model: Model | None = None) -> Page:
    """Return the page of a run, made from its folder and, where there is one of the same model, the frontier beside it.

    Parameters
    ----------
    folder : Path
    model : Model, optional
        The model that was solved, where it is at hand.

    Raises
    ------
    InputError
        If the folder holds no plan that can be read.
    """
    return page_of(read_plan(folder, model), folder)


def page_of(plan: Plan, folder: Path) -> Page:
    """Return the page of a plan whose run stands, or will stand, in a folder; a frontier is looked for beside it."""
    told, summary = Told(plan), plan.summary
    settings, calendar = plan.model.settings, plan.model.calendar
    size = _("{start} to {end} · reps: {reps}, clients: {clients}, products: {products}").format(
        start=calendar.months[0],
        end=calendar.months[-1],
        reps=f"{len(plan.model['reps']):,}",
        clients=f"{int(plan.model['clients']['count'].sum()):,}",
        products=f"{len(plan.model['products']):,}",
    )
    lines = [size, _("Money in {unit}; planned on {day}.").format(unit=settings.money_unit, day=_day(summary))]
    if summary.get("scenarios"):
        lines.insert(0, _("Scenario: {names}").format(names=" + ".join(summary["scenarios"])))
    fingerprint = str(summary.get("inputs_sha256") or "")
    place = folder.absolute()
    sections = [
        *(section for part in PARTS for section in _made(part, told)),
        *frontier(place.parent / f"{place.name}-frontier", plan.model, fingerprint),
        *scenario(told),
        findings(plan.findings),
        audit(summary),
        origin(summary, plan.model.sha256 == fingerprint),
    ]
    return Page(
        title=settings.title or plan.model.name,
        status=_(STATUSES.get(plan.status, plan.status)),
        good=plan.status == "optimal" and not (summary.get("audit") or {}).get("violations"),
        lines=tuple(lines),
        sections=sections,
    )


def _made(part: Part, told: Told) -> Iterable[Section]:
    """Make a section, or one that says what the run, perhaps of an earlier version, has not got for it."""
    missing = [name for table, columns in part.reads.items() for name in _lacking(told.plan, table, columns)]
    if not missing:
        return part.make(told)
    says = _("This run's files do not hold what belongs here: {names}.").format(names=_(", ").join(missing))
    return [Section(part.code, _(part.title), (says,))]


def _lacking(plan: Plan, table: str, columns: tuple[str, ...]) -> list[str]:
    if table not in plan.tables:
        return [f"{table}.csv"]
    return [f"{table}.csv: {column}" for column in columns if column not in plan[table]]


def _day(summary: object) -> str:
    started = summary.get("started_at") if isinstance(summary, dict) else None
    return str(started or "")[:10] or "–"
