"""The screen after a review: how it went, what the year will come to, what moves and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.health.health import FOLDER as CHECKED
from allocator.reporting.amounts import Amounts, count, share
from allocator.reviewing.churn import FREE
from allocator.reviewing.measuring import TO_DATE
from allocator.reviewing.moving import SAYS
from allocator.reviewing.review import CALLED, FOLDER, Review
from allocator.texts import _

LINES = 5
"""Rows of a list that are shown; the rest are in the files."""


def report(review: Review, folder: Path, health: Sequence[RenderableType] = ()) -> RenderableType:
    """Return what came out of a review and where it was written, to be printed by rich.

    Parameters
    ----------
    health : sequence of renderables
        What the health checks say, shown behind what the re-plan moves.
    """
    settings = review.plan.model.settings
    amounts = Amounts(settings.money_unit, settings.currency)
    parts: list[RenderableType] = [
        Text(settings.title or review.plan.model.name, style="bold"),
        Text(
            _("As of {date}, against {plan}").format(date=review.actuals.as_of, plan=review.published.name), style="dim"
        ),
    ]
    parts += _so_far(review, amounts)
    parts += _ranking(review, amounts)
    parts += _outlook(review, amounts)
    if not review.plan.tables:
        parts += [
            Text(),
            Text(_("There is no plan for the rest of the year:"), style="bold red"),
            *map(Text, review.plan.reasons),
        ]
    else:
        parts += _moved(review, amounts)
        parts += _churn(review, amounts)
    parts += health
    if review.plan.tables:
        audit = review.plan.summary["audit"]
        says = _("Audit: {rules} rules recomputed, {count} broken.").format(
            rules=audit["rules"], count=audit["violations"]
        )
        parts += [Text(), Text(says, style="dim")]
    where = _("Written to {folder}; the tables of the review are in {review}.")
    parts.append(Text(where.format(folder=folder, review=folder / FOLDER), style="dim"))
    if health:
        where = _("Those of the health checks are in {folder}.")
        parts.append(Text(where.format(folder=folder / CHECKED), style="dim"))
    return Group(*parts)


def _section(title: str, content: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), Padding(content, (0, 0, 0, 2))]


def _grid(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for k, heading in enumerate(headings):
        table.add_column(heading, justify="left" if k == 0 else "right", overflow="fold")
    return table


def _so_far(review: Review, amounts: Amounts) -> list[RenderableType]:
    """The company by metric, then its units by revenue."""
    table = review.tables["plan_vs_actual"]
    todate = table[(table["period_kind"] == TO_DATE) & (table["product"] == "")]
    grid = _grid("", _("asked"), _("planned"), _("actual"), _("attainment"))
    for row in todate[todate["kind"] == "company"].to_dict("records"):
        _add(grid, amounts, _(CALLED.get(row["metric"], row["metric"])), row)
    units = todate[(todate["kind"] == "unit") & (todate["metric"] == "revenue")].sort_values("attainment")
    for row in units.head(LINES).to_dict("records"):
        _add(grid, amounts, _("revenue, {unit}").format(unit=row["name"]), row)
    period = f"{review.actuals.past[0]} – {review.actuals.past[-1]}"
    return _section(_("So far ({period})").format(period=period), grid)


def _add(grid: Table, amounts: Amounts, label: str, row: Mapping[Any, Any]) -> None:
    metric = str(row["metric"])
    asked = amounts.metric(metric, row["asked"]) if metric == "revenue" else ""
    values = [amounts.metric(metric, row[c]) for c in ("planned", "actual")]
    grid.add_row(label, asked, *values, _share(row["attainment"]))


def _share(value: float) -> str:
    return "–" if value != value else share(value)


def _ranking(review: Review, amounts: Amounts) -> list[RenderableType]:
    rows = review.tables["ranking"]
    if rows.empty:
        return []
    short = len(rows) > 2 * LINES
    shown = pd.concat([rows.head(LINES), rows.tail(LINES)]) if short else rows
    grid = _grid("", _("rep"), _("unit"), _("asked"), _("actual"), _("attainment"))
    for k, row in enumerate(shown.to_dict("records")):
        if short and k == LINES:
            grid.add_row("…")
        money = [amounts.money(row[c]) for c in ("asked", "actual")]
        grid.add_row(
            str(row["rank"]), f"{row['rep']} {row['name']}".strip(), row["unit"], *money, _share(row["attainment"])
        )
    return _section(_("Ranking by what was reached of the quota"), grid)


def _outlook(review: Review, amounts: Amounts) -> list[RenderableType]:
    rows = review.tables["forecast"]
    rows = rows[(rows["kind"] == "company") & (rows["product"] == "")]
    grid = _grid("", _("year as planned"), _("so far and the rest as planned"), _("at the rate so far"))
    for row in rows.to_dict("records"):
        values = [amounts.metric(row["metric"], row[c]) for c in ("year_planned", "as_planned", "at_this_rate")]
        grid.add_row(_(CALLED.get(row["metric"], row["metric"])), *values)
    return _section(_("The year if nothing changes"), grid)


def _moved(review: Review, amounts: Amounts) -> list[RenderableType]:
    """What the re-plan moves, by reason, and whose number moves most."""
    moved = review.tables["moved"]
    if review.kept:
        says = _("The plan in force stands: it is still possible and near the best. No number changes.")
        return _section(_("The rest of the year"), Text(says, style="green"))
    quotas = review.plan.tables["quotas"]
    total = int((quotas["month"].isin(review.actuals.remaining) & (quotas["level"] == "base")).sum())
    base = moved[moved["level"] == "base"]
    money = amounts.money(float(base["change"].sum()))
    says = _("{count} of {total} quotas (base) change, {money} in all.").format(
        count=len(base), total=total, money=money
    )
    grid = _grid(_("why"), _("quotas"), _("change"))
    for reason, rows in sorted(base.groupby("reason"), key=lambda item: -len(item[1])):
        grid.add_row(_(SAYS[str(reason)]), count(len(rows)), amounts.money(float(rows["change"].sum())))
    by_rep = base.groupby("rep")["change"].sum()
    most = by_rep.reindex(by_rep.abs().sort_values(ascending=False).index).head(LINES)
    names = _list(f"{rep} {'+' if v > 0 else '−'}{amounts.money(abs(v))}" for rep, v in most.items())
    effort = review.tables["moved_effort"]
    visits = effort[effort["what"] == "visits"]["change"]
    spent = effort[effort["what"] == "spend"]["change"]
    also = _("Visits: {more} more, {less} fewer; money: {money} moved.").format(
        more=count(float(visits.clip(lower=0).sum())),
        less=count(float(-visits.clip(upper=0).sum())),
        money=amounts.money(float(spent.abs().sum())),
    )
    parts: list[RenderableType] = [Text(says)]
    if len(base):
        parts += [grid, Text(_("Most: {names}").format(names=names))]
    parts.append(Text(also))
    return _section(_("The rest of the year"), Group(*parts))


def _list(names: Iterable[str]) -> str:
    return _(", ").join(names)


def _churn(review: Review, amounts: Amounts) -> list[RenderableType]:
    curve = review.tables.get("churn")
    if curve is None or curve.empty:
        return []
    grid = _grid(_("contribution given up"), _("contribution"), _("quotas changed"), _("reps"), _("visits moved"), "")
    for row in curve.to_dict("records"):
        free = row["give"] == FREE
        label = _("planned anew") if free else _("up to {share}").format(share=share(row["give"]))
        chosen = _("← chosen") if row["chosen"] else ""
        numbers = (count(row["changed_quotas"]), count(row["changed_reps"]), count(row["visits_moved"]), chosen)
        grid.add_row(label, amounts.money(row["contribution"]), *numbers)
    return _section(_("What fewer changes cost"), grid)
