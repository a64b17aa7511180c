"""The page of a run."""

from __future__ import annotations

from pathlib import Path

from allocator.model import Model
from allocator.pages.asking import Told, key_figures, misses, quotas, ranking, targets
from allocator.pages.doing import areas, budget, visits
from allocator.pages.parts import Page, Section
from allocator.pages.proving import audit, findings, frontier, origin, scenario
from allocator.pages.reading import read_plan
from allocator.reporting.words import STATUSES
from allocator.texts import _


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
    plan = read_plan(folder, model)
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
        Section("overview", _("At a glance"), (), [key_figures(told), *misses(told)]),
        targets(told),
        quotas(told),
        ranking(told),
        visits(told),
        budget(told),
        *areas(told),
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


def _day(summary: object) -> str:
    started = summary.get("started_at") if isinstance(summary, dict) else None
    return str(started or "")[:10] or "–"
