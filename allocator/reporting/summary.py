"""The screen after a solve: what a planning lead wants to know first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.plan import Plan
from allocator.reporting.amounts import MONEY, Amounts, count, seconds, share
from allocator.reporting.words import KPIS, LEVELS, METRICS, STATUSES, STEPS
from allocator.texts import _

LINES = 8
"""Missed targets, rules or units shown; the rest are counted."""


def report(plan: Plan, summary: Mapping[str, Any], folder: Path) -> RenderableType:
    """Return what came out of a solve and where it was written, to be printed by rich.

    Parameters
    ----------
    summary : mapping
        Content of the run's ``summary.json``.
    folder : Path
        The run.
    """
    amounts = Amounts(plan.model.settings.money_unit, plan.model.settings.currency)
    parts: list[RenderableType] = [_title(plan)]
    if plan.tables:
        parts += [
            *_targets(plan, summary, amounts),
            *_visits(summary),
            *_key_figures(summary, amounts),
            *_binding(plan),
            *_quotas(plan, amounts),
        ]
    else:
        parts += _no_plan(plan)
    parts += _footer(plan, summary, folder)
    return Group(*parts)


def _title(plan: Plan) -> RenderableType:
    settings, calendar = plan.model.settings, plan.model.calendar
    bad = plan.status != "optimal"
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    status = Text(_(STATUSES.get(plan.status, plan.status)), style="bold red" if bad else "bold green")
    grid.add_row(Text(settings.title or plan.model.name, style="bold"), status)
    size = _("{start} to {end} · reps: {reps}, clients: {clients}, products: {products}").format(
        start=calendar.months[0],
        end=calendar.months[-1],
        reps=f"{len(plan.model['reps']):,}",
        clients=f"{int(plan.model['clients']['count'].sum()):,}",
        products=f"{len(plan.model['products']):,}",
    )
    return Group(grid, Text(size, style="dim"))


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2))]


def _targets(plan: Plan, summary: Mapping[str, Any], amounts: Amounts) -> list[RenderableType]:
    counts = summary.get("targets") or {}
    met, missed = counts.get("met") or 0, counts.get("missed") or 0
    if not met + missed:
        return _section(_("Targets"), Text(_("The model has none.")))
    title = _("Targets: {met} of {all} met").format(met=met, all=met + missed)
    table = plan["targets"]
    body: list[RenderableType] = []
    rows = table[(table["status"] == "missed") & (table["level"] != "ceiling")]
    for code, misses in _worst_first(rows)[:LINES]:
        repeats = int((table["target"] == code).sum())
        body += _miss(code, misses, repeats, amounts)
    hidden = rows["target"].nunique() - LINES
    if hidden > 0:
        body.append(Text(_("… and {count} more in targets.csv").format(count=hidden), style="dim"))
    failed = set(rows["target"])
    kept = [str(c) for c in table.loc[table["status"] != "missed", "target"].unique() if c not in failed]
    if kept:
        names = ", ".join(kept[:LINES]) + (" …" if len(kept) > LINES else "")
        body.append(_marked(_("met"), "green", Text(names)))
    return _section(title, Group(*body))


def _worst_first(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Missed rows by target, the more important and the more badly missed first."""
    rows = rows.assign(relative=rows["gap"] / rows["required"].abs().where(rows["required"] != 0, 1.0))
    rows = rows.sort_values("relative", ascending=False, kind="stable")
    order = rows.assign(priority=pd.to_numeric(rows["priority"], errors="coerce").fillna(0))
    order = order.sort_values(["priority", "relative"], ascending=[True, False], kind="stable")
    return [(str(code), rows[rows["target"] == code]) for code in order["target"].unique()]


def _miss(code: str, misses: pd.DataFrame, repeats: int, amounts: Amounts) -> list[RenderableType]:
    worst = misses.iloc[0]
    metric = str(worst["metric"])
    head = f"{code}  ({_(METRICS.get(metric, metric))}, {_(LEVELS.get(worst['level'], worst['level']))}"
    if repeats > 1:
        head += "; " + _("{missed} of {all} missed, worst {each}").format(
            missed=len(misses), all=repeats, each=worst["each"] or worst["period"]
        )
    numbers = _("asked {required}, planned {planned}: {gap} ({share}) missing")
    if worst["bound"] == "at_most":
        numbers = _("at most {required}, planned {planned}: {gap} ({share}) over")
    numbers = numbers.format(
        required=amounts.metric(metric, worst["required"]),
        planned=amounts.metric(metric, worst["planned"]),
        gap=amounts.gap(metric, worst["gap"]),
        share=share(worst["relative"]),
    )
    lines = [Text(head + ")"), Text(numbers)]
    if worst["cause"]:
        lines.append(Text(_("because: {cause}").format(cause=worst["cause"]), style="dim"))
    return [_marked(_("missed"), "red", Group(*lines))]


def _marked(mark: str, style: str, body: RenderableType) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=7, no_wrap=True)
    grid.add_column(overflow="fold")  # Chinese has no blanks to wrap at
    grid.add_row(Text(mark, style=style), body)
    return grid


def _visits(summary: Mapping[str, Any]) -> list[RenderableType]:
    promised = (summary.get("kpis") or {}).get("visits_promised")
    short = {g["name"]: g["value"] for g in summary.get("goals") or ()}.get("visits")
    if not promised or short is None:
        return []
    text = _("{promised} promised, {kept} of them kept").format(promised=f"{promised:,.0f}", kept=share(1 - short))
    if short * promised >= 0.5:
        text += " · " + _("{short} short").format(short=f"{short * promised:,.0f}")
    return _section(_("Promised visits"), Text(text, style="red" if short * promised >= 0.5 else ""))


def _key_figures(summary: Mapping[str, Any], amounts: Amounts) -> list[RenderableType]:
    kpis = summary.get("kpis") or {}
    cells = [
        (Text(_(label), style="dim"), Text(amounts.money(kpis[key]) if key in MONEY else count(kpis[key])))
        for key, label in KPIS
        if kpis.get(key) is not None
    ]
    if not cells:
        return []
    grid = Table.grid(padding=(0, 2, 0, 0))
    for _column in range(2):
        grid.add_column(min_width=14)
        grid.add_column(justify="right", min_width=16)
    half = (len(cells) + 1) // 2
    for i in range(half):
        right = cells[half + i] if half + i < len(cells) else (Text(), Text())
        grid.add_row(*cells[i], *right)
    return _section(_("Key figures"), grid)


def _binding(plan: Plan) -> list[RenderableType]:
    if plan.binding.empty:
        return _section(_("What binds"), Text(_("Nothing: every wish is met within the limits.")))
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(style="dim", overflow="fold")
    for row in plan.binding.head(LINES).itertuples(index=False):
        first, *more = str(row.labels).split("; ")
        grid.add_row(Text(_(str(row.rule))), f"× {row.count:,.0f}", Text(first + (" …" if more else "")))
    return _section(_("What binds"), grid)


def _quotas(plan: Plan, amounts: Amounts) -> list[RenderableType]:
    quotas = plan["quotas"]
    quotas = quotas[quotas["level"] == "base"]
    total = float(quotas["quota"].sum())
    if quotas.empty or not total:
        return []
    top = quotas["unit"].map(_top_units(plan))
    by_unit = quotas.groupby(top, observed=True).agg(reps=("rep", "nunique"), quota=("quota", "sum"))
    by_unit["forecast"] = quotas.groupby(top, observed=True)["forecast"].sum()
    by_unit = by_unit.sort_values("quota", ascending=False)
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("unit"), overflow="fold")
    for heading in (_("reps"), _("base quota"), _("of all"), _("of forecast")):
        grid.add_column(heading, justify="right", no_wrap=True)
    for unit, row in by_unit.head(LINES).iterrows():
        grid.add_row(str(unit), *_quota_cells(row, total, amounts))
    if len(by_unit) > LINES:
        grid.add_row("…")
    grid.add_row(_("all"), *_quota_cells(by_unit.sum(), total, amounts), style="bold")
    return _section(_("Who is asked for how much"), grid)


def _quota_cells(row: pd.Series, total: float, amounts: Amounts) -> Iterator[str]:
    yield f"{row['reps']:,.0f}"
    yield amounts.money(row["quota"])
    yield share(row["quota"] / total)
    yield share(row["quota"] / row["forecast"]) if row["forecast"] else "–"


def _top_units(plan: Plan) -> dict[str, str]:
    """For each unit the one to show it under: the highest below the company, or the highest if there are several."""
    chains = plan.model.ancestors
    one_root = len({chain[-1] for chain in chains.values()}) == 1
    return {unit: chain[-2] if one_root and len(chain) > 1 else chain[-1] for unit, chain in chains.items()}


def _no_plan(plan: Plan) -> list[RenderableType]:
    if plan.status == "infeasible":
        title = _("No plan: the hard rules contradict each other")
    elif plan.status == "unbounded":
        title = _("No plan: something in the model has no limit")
    else:
        title = _("No plan: the search stopped before the answer was proved")
    reasons = plan.reasons or (_("No reason is known; see findings.csv."),)
    return _section(title, Group(*(Text(reason) for reason in reasons)))


def _footer(plan: Plan, summary: Mapping[str, Any], folder: Path) -> list[RenderableType]:
    lines: list[str | Text] = [_audit(summary["audit"])] if plan.tables else []
    doubts = sum(f.severity == "warning" for f in plan.findings)
    if doubts:
        lines.append(_("Warnings: {count}, in findings.csv").format(count=doubts))
    lines.append(_("Written to {folder}: {files}").format(folder=folder, files=_files(plan)))
    lines.append(" · ".join([str(summary.get("engine") or ""), _times(summary)]).strip(" ·"))
    return [Text(), *(line if isinstance(line, Text) else Text(line) for line in lines)]


def _files(plan: Plan) -> str:
    if not plan.tables:
        return "summary.json, findings.csv"
    return _("plan.xlsx, summary.json and {count} tables as CSV").format(count=len(plan.tables) + 1)


def _audit(audit: Mapping[str, Any]) -> Text:
    says = _("Audit: {rules} rules recomputed, {violations} violations, largest deviation {residual}").format(
        rules=audit["rules"], violations=audit["violations"], residual=f"{audit['largest_residual']:.0e}"
    )
    return Text(says, style="bold red" if audit["violations"] else "")


def _times(summary: Mapping[str, Any]) -> str:
    times = summary.get("seconds") or {}
    steps = _(", ").join(f"{_(label)} {seconds(times[key])}" for key, label in STEPS.items() if times.get(key))
    total = seconds(times.get("total") or 0.0)
    return _("{total} in all ({steps})").format(total=total, steps=steps) if steps else total
