"""Checks of targets and scopes: metrics, labels, values that match something, bounds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from allocator.errors import Severity
from allocator.periods import Calendar
from allocator.schema.findings import Report, did_you_mean, words
from allocator.schema.flows import METRICS
from allocator.schema.units import chains
from allocator.scopes import Scope, parse_scope, parse_share_of
from allocator.texts import _, after

Frames = Mapping[str, pd.DataFrame]

TIME = frozenset({"month", "quarter"})
REP = frozenset({"rep", "grade", "unit"})
CLIENT = frozenset({"client", "tier", "status", "industry", "area"})
PRODUCT = frozenset({"product", "family", "class"})
LINE = frozenset({"line", "category", "channel"})
VISITING = TIME | REP | CLIENT
SELLING = VISITING | PRODUCT
SPENDING = TIME | LINE | PRODUCT | {"unit"}
LABELS: Mapping[str, frozenset[str]] = {
    "revenue": SELLING,
    "profit": SELLING,
    "contracts": SELLING,
    "commission": SELLING,
    "collections": SELLING,
    "visits": VISITING,
    "hours": VISITING,
    "new_clients": VISITING,
    "coverage": VISITING,
    "spend": SPENDING,
    "contribution": SELLING | SPENDING,
    "market_share": TIME | PRODUCT | {"unit", "industry"},
}
"""Labels of each metric's cells."""

SOURCES: Mapping[str, str] = {
    **dict.fromkeys(("rep", "grade"), "reps"),
    **dict.fromkeys(PRODUCT, "products"),
    **dict.fromkeys(("client", "status", "industry", "area"), "clients"),
    **dict.fromkeys(("line", "category"), "budget"),
    "unit": "units",
}
"""Tables that hold the labels' values."""

REPEATS = TIME | {"rep", "unit", "tier", "industry", "area"} | PRODUCT | LINE
"""What ``each`` may name, besides kinds of units."""


class Labels:
    """Labels and their values in one model."""

    def __init__(self, calendar: Calendar, frames: Frames) -> None:
        self._frames = frames
        self.kinds = words(frames["units"]["kind"])
        self._above = chains(frames["units"])
        self._known: dict[str, set[str]] = {
            "month": set(calendar.months),
            "quarter": set(calendar.quarters),
            "channel": words(frames["budget"]["channel"]) | words(frames["funnel"]["channel"]),
            "tier": words(frames["tiers"]["tier"]),
        }

    def known(self, key: str) -> set[str]:
        """Values that a label has in this model."""
        if key not in self._known:
            self._known[key] = words(self._frames[SOURCES[key]][key])
        return self._known[key]

    def of(self, metric: str) -> frozenset[str]:
        """Labels of a metric's cells; of an own metric, those of its sources."""
        if metric in LABELS:
            return LABELS[metric]
        sources = set(self._frames["yields"].query("metric == @metric")["source"])
        found: frozenset[str] = frozenset()
        for table, column, labels in (
            ("budget", "line", SPENDING),
            ("tiers", "tier", VISITING),
            ("products", "product", SELLING),
        ):
            if sources & set(self._frames[table][column]):
                found |= labels
        return found or SELLING | SPENDING  # its sources are unknown, which is said elsewhere

    def together(self, scope: Scope) -> str:
        """Table of which no row matches the scope's keys taken together; blank if each has one."""
        units = {u for u, above in self._above.items() if not set(scope.get("unit", ())).isdisjoint(above)}
        for table, keys in (("products", PRODUCT), ("reps", REP), ("clients", CLIENT), ("budget", LINE)):
            frame = self._frames[table]
            match = pd.Series(True, index=frame.index)
            used = [k for k in scope if k in keys]
            for key in used:
                match &= frame[key].isin(list(units if key == "unit" else scope[key]))
            if len(used) > 1 and not match.any():
                return table
        return ""


def check_targets(calendar: Calendar, frames: Frames, report: Report) -> None:
    """Check targets and the scopes of activities and shifts."""
    labels = Labels(calendar, frames)
    for position, scope in enumerate(frames["activities"]["scope"]):
        _check_scope(scope, REP, labels, "activities", position, report)
    for position, scope in enumerate(frames["shifts"]["scope"]):
        _check_scope(scope, REP | CLIENT | PRODUCT, labels, "shifts", position, report)
    targets = frames["targets"]
    own = words(frames["yields"]["metric"])
    each = targets["each"].to_list()
    bounds = targets[["at_least", "at_most"]].to_numpy(dtype=float)
    for position, row in enumerate(targets.itertuples()):
        known = _check_metric(str(row.metric), own, "metric", row.metric, position, report)
        _check_bounds(bounds[position, 0], bounds[position, 1], position, report)
        if (row.level, row.priority) == ("ceiling", "hard"):
            says = _(
                "A target of level ceiling is compared and not planned for, so it cannot be hard. Give it a number."
            )
            report.add("error", "targets", "priority", says, position=position, column="priority", value=row.priority)
        if "coverage" in (row.metric, str(row.share_of).partition(":")[0].strip()):
            _check_coverage(bounds[position, 1], str(row.share_of), position, report)
        if row.share_of and "market_share" in (row.metric, str(row.share_of).partition(":")[0].strip()):
            says = _("A market share is a share already. Leave share_of blank, or take revenue.")
            report.add("error", "targets", "share", says, position=position, column="share_of", value=row.share_of)
        if known:
            allowed = labels.of(str(row.metric))
            _check_scope(str(row.scope), allowed, labels, "targets", position, report)
            _check_each(each[position], allowed, labels, position, report)
            _check_something(str(row.metric), frames, position, report)
        if row.share_of:
            _check_share(str(row.share_of), each[position], own, labels, position, report)


def _check_metric(metric: str, own: set[str], column: str, value: object, position: int, report: Report) -> bool:
    if metric in METRICS or metric in own:
        return True
    if metric:
        says = _("Unknown metric.") + (
            did_you_mean(metric, [*METRICS, *own]) or after(_("Own metrics stand in yields."))
        )
        report.add("error", "targets", "metric", says, position=position, column=column, value=value)
    return False


def _check_bounds(least: float, most: float, position: int, report: Report) -> None:
    if pd.isna(least) and pd.isna(most):
        says = _("The target has no bound. Fill at_least or at_most.")
        report.add("error", "targets", "bound", says, position=position, column="at_least")
    if least > most:
        says = _("At least {least:g} and at most {most:g} contradict each other.").format(least=least, most=most)
        report.add("error", "targets", "order", says, position=position, column="at_most", value=most)


def _check_coverage(most: float, share_of: str, position: int, report: Report) -> None:
    """Coverage counts each client once, so it can be asked for but not limited or made the base of a share."""
    if not pd.isna(most) or share_of.startswith("coverage"):
        says = _("Coverage can only be asked for with at_least; limit visits instead.")
        report.add("error", "targets", "coverage", says, position=position, column="at_most", value=most)


def _check_something(metric: str, frames: Frames, position: int, report: Report) -> None:
    """Find targets on what the model has none of."""
    needed = {"market_share": "market", "new_clients": "funnel", "spend": "budget"}.get(metric, "targets")
    if frames[needed].empty:
        says = _("The metric needs the table {table}, which is empty.").format(table=needed)
        severity: Severity = "error" if metric == "market_share" else "warning"
        report.add(severity, "targets", "nothing", says, position=position, column="metric", value=metric)


def _check_share(text: str, each: Iterable[str], own: set[str], labels: Labels, position: int, report: Report) -> None:
    try:
        metric, scope = parse_share_of(text)
    except ValueError:
        says = _("Expected a metric, or a metric and a filter, such as spend: category=marketing.")
        report.add("error", "targets", "scope", says, position=position, column="share_of", value=text)
        return
    if _check_metric(metric, own, "share_of", text, position, report):
        _check_parsed(scope, labels.of(metric), labels, ("targets", "share_of", text), position, report)
        for name in each:
            key = "unit" if name in labels.kinds else name
            if key in {"rep", "unit"} - labels.of(metric):
                says = _("{metric} cannot be told by {name}, so each {name} has no share of it.")
                says = says.format(metric=metric, name=name)
                report.add("error", "targets", "share", says, position=position, column="share_of", value=text)


def _check_scope(text: str, allowed: frozenset[str], labels: Labels, table: str, position: int, report: Report) -> None:
    try:
        scope = parse_scope(text)
    except ValueError:
        return  # the type check has said so
    _check_parsed(scope, allowed, labels, (table, "scope", text), position, report)


def _check_parsed(
    scope: Scope, allowed: frozenset[str], labels: Labels, cell: tuple[str, str, str], position: int, report: Report
) -> None:
    table, column, text = cell
    for key, values in scope.items():
        if key not in allowed:
            says = _('"{key}" is nothing to filter by here.').format(key=key)
            says += did_you_mean(key, allowed) or after(_("Expected one of: {names}.").format(names=_list(allowed)))
            report.add("error", table, "scope", says, position=position, column=column, value=text)
            return
        for value in values:
            if value not in labels.known(key):
                says = _('No {key} is "{value}": it matches nothing.').format(key=key, value=value)
                says += did_you_mean(value, labels.known(key))
                report.add("error", table, "nothing", says, position=position, column=column, value=text)
                return
    if empty := labels.together(scope):
        says = _("No row of {table} matches all of it together.").format(table=report.place(empty).label)
        report.add("error", table, "nothing", says, position=position, column=column, value=text)


def _check_each(each: Iterable[str], allowed: frozenset[str], labels: Labels, position: int, report: Report) -> None:
    seen: set[str] = set()
    kinds = labels.kinds if "unit" in allowed else set()
    names = (allowed & REPEATS) | kinds
    for name in each:
        says = ""
        if name not in names:
            says = _('"{name}" is nothing to repeat by here.').format(name=name)
            says += did_you_mean(name, names) or after(_("Expected one of: {names}.").format(names=_list(names)))
        elif name in seen:
            says = _('"{name}" is there twice.').format(name=name)
        if says:
            report.add("error", "targets", "each", says, position=position, column="each", value=tuple(each))
            return
        seen.add(name)


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
