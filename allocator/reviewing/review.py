"""The review: what happened against what was planned, and the rest of the year planned again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from allocator.errors import Finding, InputError, Severity
from allocator.formulation.grain import make_grain
from allocator.formulation.happened import happened
from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load
from allocator.registry.reading import run_tables
from allocator.reporting.run import MODEL, hashes, open_run
from allocator.reporting.words import METRICS
from allocator.reviewing.actuals import Actuals
from allocator.reviewing.churn import churn, points
from allocator.reviewing.dealing import Past, with_past
from allocator.reviewing.measuring import actual_rows, compared, in_force, outlook, planned_rows, ranking, reconciled
from allocator.reviewing.moving import moved_effort, moved_quotas
from allocator.reviewing.published import Published
from allocator.reviewing.stability import Stability
from allocator.solving import solve
from allocator.texts import N_, _

FOLDER = "review"
CALLED = {**METRICS, "first_visits": N_("first visits")}
"""What metrics are called."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Review:
    """What came of a review.

    Attributes
    ----------
    actuals : Actuals
    published : Published
        The plan that was in force.
    plan : Plan
        Of the year: the past as it happened, the rest as planned now.
    kept : bool
        Whether the plan in force stands: no number changes.
    tables : mapping of str to DataFrame
        plan_vs_actual, ranking, forecast, in_force; with a plan also moved, moved_effort, churn, reconciled.
    assumed : tuple of str
        Metrics that nobody told, taken as planned.
    findings : tuple of Finding
    """

    actuals: Actuals
    published: Published
    plan: Plan
    kept: bool
    tables: Mapping[str, pd.DataFrame]
    assumed: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    @property
    def summary(self) -> dict[str, Any]:
        """Content of ``summary.json``: the plan's, with what the review says."""
        moved = self.tables.get("moved")
        base = None if moved is None else moved[moved["level"] == "base"]
        told = {
            "as_of": self.actuals.as_of.isoformat(),
            "plan": self.published.name,
            "kept": self.kept,
            "assumed": list(self.assumed),
            "moved_quotas": None if base is None else len(base),
            "moved_money": None if base is None else float(base["change"].abs().sum()),
        }
        return {**self.plan.summary, "review": told}

    def files(self) -> dict[str, pd.DataFrame]:
        """Tables by their path in the run folder."""
        return {f"{FOLDER}/{name}": frame for name, frame in self.tables.items()}


def open_published(folder: Path, name: str = "") -> Published:
    """Read a run as the plan in force.

    Raises
    ------
    InputError
        If the folder is no run with a plan, or was changed since it was written.
    """
    model = _model_of(folder)
    path = folder / FOLDER / "in_force.csv"
    before = None
    if path.is_file():
        texts = dict.fromkeys(("month", "metric", "rep", "product", "line"), "str")
        before = pd.read_csv(path, encoding="utf-8-sig", keep_default_na=False, dtype=texts)
        before = before.astype({"planned": float, "asked": float})
    return Published(model, run_tables(folder), name or str(folder), before)


def _model_of(folder: Path) -> Model:
    """Read the model of a run; its files must be those that were written, whichever version of the package wrote them."""
    try:
        summary = summary_of(folder)
    except (OSError, ValueError):
        return open_run(folder)[0]  # which says what is wrong
    recorded = summary.get("files")
    if not recorded or not (folder / MODEL).is_dir():
        return open_run(folder)[0]
    found = hashes(folder)
    changed = sorted(name for name, sha in recorded.items() if name.endswith(".csv") and found.get(name) != sha)
    if changed:
        says = _("{folder} was changed after it was written: {files}. Review against another run, or solve again.")
        says = says.format(folder=folder, files=", ".join(changed))
        raise InputError([Finding("error", str(folder), "", "", "", "place", says)])
    return replace(load(folder / MODEL), name=str(summary["model"]))


def review(
    model: Model,
    actuals: Actuals,
    published: Published,
    *,
    engine: str | None = None,
    visits: bool = True,
    curve: bool = True,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Review:
    """Review a plan: freeze what happened, compare, plan the rest again.

    Parameters
    ----------
    model : Model
        The business as it is now.
    actuals : Actuals
    published : Published
        The plan in force.
    engine : str, optional
    visits : bool
        Whether visits get dates.
    curve : bool
        Whether the churn curve is worked out.
    workers : int, optional
        Processes that date visits.
    progress : callable, optional
        Told what is done next.

    Raises
    ------
    InputError
        If something happened that the model has no place for.
    EngineError
        If an engine fails.
    """
    progress = progress or (lambda _step: None)
    grain = make_grain(replace(model, settings=model.settings.model_copy(update={"as_of": ""})))
    past = with_past(actuals, published, grain)
    found = (*actuals.findings, *_unplaced(past), *_assumed(past))
    progress(_("plan against actual"))
    planned = in_force(published, published.model.past, model)
    actual = actual_rows(actuals, published, model)
    table = compared(planned, actual, model, actuals.past)
    tables = {
        "plan_vs_actual": table,
        "ranking": ranking(table, model),
        "forecast": outlook(planned, table, model, actuals.past),
    }
    settings = model.settings
    near = Stability(published, settings.stability, settings.stability, settings.moved)
    progress(_("the rest of the year"))
    kept_dates = published.tables.get("visits")
    plan = solve(past.model, engine=engine, visits=visits, keep=kept_dates, workers=workers, near=near)
    plan = replace(plan, findings=(*plan.findings, *found))
    if not plan.tables:
        return Review(actuals, published, plan, False, tables, past.assumed, found)
    plan = _with_past_visits(plan, published, actuals)
    now, before = make_grain(past.model), make_grain(published.model)
    tables["moved"] = moved_quotas(published, past.model, plan.tables, now, before)
    tables["moved_effort"] = moved_effort(published, past.model, plan.tables, now)
    kept = tables["moved"].empty and tables["moved_effort"].empty
    if kept and "visits" in plan.tables and kept_dates is not None:
        plan = _dates_stand(plan, published)
    tables["reconciled"] = reconciled(plan.tables, actual, past.model)
    tables["in_force"] = _in_force(planned, plan, published, actuals)
    if curve:
        progress(_("what fewer changes cost"))
        tables["churn"] = churn(past.model, published, near, () if kept else points(settings.stability), engine)
    return Review(actuals, published, plan, kept, tables, past.assumed, found)


def _unplaced(past: Past) -> list[Finding]:
    """What happened that fits nobody's clients: an error for revenue, as totals must add up; else a warning."""
    dealt = happened(make_grain(past.model))
    assert dealt is not None
    found = []
    for row in dealt.unmatched.to_dict("records"):
        where = ", ".join(str(row[k]) for k in ("rep", "unit", "product", "tier") if row[k])
        says = _(
            "{metric} of {where} in {month}: no client has a demand to which it could belong. Add the demand, or correct the row."
        )
        says = says.format(metric=row["metric"], where=where, month=row["month"])
        severity: Severity = "error" if row["metric"] == "revenue" else "warning"
        found.append(Finding(severity, "actuals", "", "amount", str(row["amount"]), "unplaced", says))
    if any(f.severity == "error" for f in found):
        raise InputError(found)
    return found


def _assumed(past: Past) -> list[Finding]:
    if not past.assumed:
        return []
    says = _("Nothing is told of {metrics}; it is taken as planned.").format(
        metrics=_(", ").join(_(CALLED[m]) for m in past.assumed)
    )
    return [Finding("warning", "actuals", "", "metric", "", "assumed", says)]


def _with_past_visits(plan: Plan, published: Published, actuals: Actuals) -> Plan:
    """Dated visits of the past as they were published, those of the remaining months as they are planned now."""
    if "visits" not in plan.tables:
        return plan
    tables = dict(plan.tables)
    last = pd.Period(actuals.past[-1], freq="M").end_time.normalize()
    new = tables["visits"]
    ahead = new[(pd.to_datetime(new["date"]) > last).to_numpy()]
    old = published.tables.get("visits")
    if old is not None:
        before = old[(pd.to_datetime(old["date"]) <= last).to_numpy()].reindex(columns=list(new.columns))
        before = before.assign(date=before["date"].astype(str)) if new["date"].dtype.kind in "OUT" else before
        ahead = pd.concat([_like(before, new), ahead], ignore_index=True)
    tables["visits"] = ahead.reset_index(drop=True)
    windows = set(plan.model.calendar.months[: plan.model.past])
    left = tables["unplaced"]
    over = left["window"].astype(str).map(lambda w: w in windows or _ended(w, plan.model))
    tables["unplaced"] = left[~over.to_numpy(bool)].reset_index(drop=True) if len(left) else left
    return dataclasses.replace(plan, tables=tables)


def _ended(window: str, model: Model) -> bool:
    """Whether the window of a visit is over: a month, quarter or year of the plan, or a week."""
    if "-W" in window:
        year, week = window.split("-W")
        sunday = pd.Timestamp.fromisocalendar(int(year), int(week), 7)
        return bool(sunday <= pd.Period(model.calendar.months[model.past - 1], freq="M").end_time)
    try:
        return bool(model.calendar.window(window)[-1] < model.past)
    except ValueError:
        return False


def _like(frame: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """A frame with the types of another, so that both are written alike."""
    out = frame.copy()
    for column in other.columns:
        if other[column].dtype.kind == "M":
            out[column] = pd.to_datetime(out[column])
        elif other[column].dtype.kind == "b":
            out[column] = out[column].map({"yes": True, "no": False, True: True, False: False}).astype(bool)
        elif other[column].dtype.kind in "if":
            out[column] = pd.to_numeric(out[column]).astype(other[column].dtype)
        else:
            out[column] = out[column].astype(object)
    return out


def _dates_stand(plan: Plan, published: Published) -> Plan:
    """All dated visits as they were published: nothing changed, so nobody gets another date."""
    tables = dict(plan.tables)
    tables["visits"] = _like(
        published.tables["visits"].reindex(columns=list(tables["visits"].columns)), tables["visits"]
    )
    if "unplaced" in published.tables and len(published.tables["unplaced"]):
        tables["unplaced"] = published.tables["unplaced"]
    return dataclasses.replace(plan, tables=tables)


def _in_force(planned: pd.DataFrame, plan: Plan, published: Published, actuals: Actuals) -> pd.DataFrame:
    """What each month of the year was planned when it began: past months as they were, later ones from the new plan."""
    before = planned[planned["month"].isin(actuals.past)]
    return pd.concat([before, planned_rows(plan.tables, actuals.remaining)[before.columns]], ignore_index=True)


def summary_of(folder: Path) -> dict[str, Any]:
    """Content of the ``summary.json`` of a run."""
    found: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    return found
