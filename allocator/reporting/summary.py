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
from allocator.reporting.offered import offered
from allocator.reporting.sentences import Miss, missed_targets, needs_not_asked
from allocator.reporting.words import KPIS, LEVELS, REASONS, STATUSES, STEPS
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
    parts: list[RenderableType] = [_title(plan, summary)]
    if plan.tables:
        parts += [
            *_targets(plan, summary, amounts),
            *_quotas(plan, amounts),
            *_offered(plan, amounts),
            *_visits(plan, summary),
            *_hand_over(plan),
            *_key_figures(summary, amounts),
            *_binding(plan),
        ]
    else:
        parts += _no_plan(plan, summary)
    parts += _footer(plan, summary, folder)
    return Group(*parts)


def _title(plan: Plan, summary: Mapping[str, Any]) -> RenderableType:
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
    lines = [Text(size, style="dim")]
    if summary.get("scenarios"):
        lines.insert(0, Text(_("Scenario: {names}").format(names=" + ".join(summary["scenarios"]))))
    return Group(grid, *lines)


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2))]


def _targets(plan: Plan, summary: Mapping[str, Any], amounts: Amounts) -> list[RenderableType]:
    counts = summary.get("targets") or {}
    met, missed = counts.get("met") or 0, counts.get("missed") or 0
    if not met + missed:
        return _section(_("Targets"), Text(_("The model has none.")))
    title = _("Targets: {met} of {all} met").format(met=met, all=met + missed)
    table = plan["targets"]
    misses = list(missed_targets(plan, amounts))
    body: list[RenderableType] = [_said(miss) for miss in misses[:LINES]]
    if len(misses) > LINES:
        body.append(Text(_("… and {count} more in targets.csv").format(count=len(misses) - LINES), style="dim"))
    failed = set(table.loc[(table["status"] == "missed") & (table["level"] != "ceiling"), "target"])
    kept = [str(c) for c in table.loc[table["status"] != "missed", "target"].unique() if c not in failed]
    if kept:
        names = ", ".join(kept[:LINES]) + (" …" if len(kept) > LINES else "")
        body.append(_marked(_("met"), "green", Text(names)))
    return _section(title, Group(*body))


def _said(miss: Miss) -> RenderableType:
    lines = [Text(miss.head), Text(miss.numbers)]
    if miss.cause:
        lines.append(Text(_("because: {cause}").format(cause=miss.cause), style="dim"))
    return _marked(_("missed"), "red", Group(*lines))


def _marked(mark: str, style: str, body: RenderableType) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=7, no_wrap=True)
    grid.add_column(overflow="fold")  # Chinese has no blanks to wrap at
    grid.add_row(Text(mark, style=style), body)
    return grid


def _visits(plan: Plan, summary: Mapping[str, Any]) -> list[RenderableType]:
    promised = (summary.get("kpis") or {}).get("visits_promised")
    short = {g["name"]: g["value"] for g in summary.get("goals") or ()}.get("visits")
    if not promised or short is None:
        return []
    text = _("{promised} promised, {kept} of them kept").format(promised=f"{promised:,.0f}", kept=share(1 - short))
    if short * promised >= 0.5:
        text += " · " + _("{short} short").format(short=f"{short * promised:,.0f}")
    lines = [Text(text, style="red" if short * promised >= 0.5 else "")]
    figures = summary.get("schedule")
    if figures:
        lines += [Text(line) for line in _dated(plan, figures)]
    return _section(_("Visits"), Group(*lines))


def _dated(plan: Plan, figures: Mapping[str, Any]) -> Iterator[str]:
    """How many visits have a date, and why others have none."""
    says = _("{visits} visits have a date; {unplaced} promised ones have none").format(
        visits=f"{figures['visits']:,}", unplaced=f"{figures['unplaced']:,}"
    )
    unplaced = plan["unplaced"]
    reasons = unplaced.loc[unplaced["promised"].astype(str) == "yes", "reason"].astype(str).value_counts()
    if len(reasons):
        listed = _(", ").join(
            f"{_(REASONS.get(str(reason), str(reason)))} {count:,}" for reason, count in reasons.items()
        )
        says += _(" ({reasons})").format(reasons=listed)
    yield says
    if figures.get("kilometres") is not None:
        yield _("about {kilometres} km between the visits of a day").format(kilometres=f"{figures['kilometres']:,.0f}")
    if figures.get("moved") is not None:
        yield _("{moved} visits have another date than before").format(moved=f"{figures['moved']:,}")


def _hand_over(plan: Plan) -> list[RenderableType]:
    if "handover" not in plan.tables:
        return []
    return _section(_("Clients that change hands"), Group(*(Text(line) for line in handed_over(plan["handover"]))))


def handed_over(table: pd.DataFrame) -> Iterator[str]:
    """How many clients change hands, and the renewals at risk, in sentences.

    Parameters
    ----------
    table : DataFrame
        Content of ``handover.csv``.
    """
    pairs = (table["from"].astype(str) + " → " + table["to"].astype(str).replace("", _("nobody"))).value_counts()
    listed = _(", ").join(f"{pair} {clients:,}" for pair, clients in pairs.head(LINES).items())
    says = _("clients that get another rep: {clients} ({reps})")
    yield says.format(clients=f"{len(table):,}", reps=listed + (" …" if len(pairs) > LINES else ""))
    risk = table[table["at_risk"]]
    if len(risk):
        kept = share(1.0 - float(risk["churn"].fillna(0.0).mean()))
        says = _("renewals at risk: {renewals}; {share} of them stay if each leaves as often as its churn says")
        yield says.format(renewals=f"{len(risk):,}", share=kept)


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
        nothing = _("Nothing: every wish is met within the limits.")
        if plan.summary["targets"]["missed"]:  # whole contracts leave no prices
            nothing = _("Not known where contracts are whole; allocator explain says what stands in the way.")
        return _section(_("What binds"), Text(nothing))
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
    if not quotas["quota"].sum():
        return []
    by_rep = plan.model["reps"].shape[0] <= LINES
    who = quotas["rep"] if by_rep else quotas["unit"].map(_top_units(plan))
    sums = quotas.pivot_table("quota", who, "level", aggfunc="sum", observed=True).reindex(columns=list(LEVELS))
    base = quotas["level"] == "base"
    sums["reps"] = quotas[base].groupby(who[base], observed=True)["rep"].nunique()
    sums["forecast"] = quotas[base].groupby(who[base], observed=True)["forecast"].sum()
    sums = sums.sort_values("base", ascending=False)
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("rep") if by_rep else _("unit"), overflow="fold")
    headings = [] if by_rep else [_("reps")]
    for heading in (*headings, *(_(name) for name in LEVELS.values()), _("base as share of forecast")):
        grid.add_column(heading, justify="right", no_wrap=True)
    for name, row in sums.head(LINES).iterrows():
        grid.add_row(str(name), *_quota_cells(row, by_rep, amounts))
    if len(sums) > LINES:
        grid.add_row("…")
    grid.add_row(_("all"), *_quota_cells(sums.sum(), by_rep, amounts), style="bold")
    body: list[RenderableType] = [grid, *(_said(miss) for miss in list(needs_not_asked(plan, amounts))[:LINES])]
    body += [Text(f.says.partition(_(": "))[2] or f.says) for f in plan.findings if f.rule == "beyond"][:LINES]
    body += [Text(line, style="dim") for line in (_hedge(plan, amounts), _commission(plan, amounts)) if line]
    return _section(_("Who is asked for how much"), Group(*body))


def _offered(plan: Plan, amounts: Amounts) -> list[RenderableType]:
    if "commitments" not in plan.tables:
        return []
    return _section(_("What was committed, and what is asked"), offered(plan, amounts))


def _quota_cells(row: pd.Series, by_rep: bool, amounts: Amounts) -> Iterator[str]:
    if not by_rep:
        yield f"{row['reps']:,.0f}"
    for level in LEVELS:
        yield amounts.money(row[level])
    yield share(row["base"] / row["forecast"]) if row["forecast"] else "–"


def _hedge(plan: Plan, amounts: Amounts) -> str:
    """How much more the reps are asked for than the company owes."""
    units = plan["units"]
    top = units[units["unit"].isin({chain[-1] for chain in plan.model.ancestors.values()}) & (units["level"] == "base")]
    quotas = plan["quotas"]
    asked, owed = float(quotas.loc[quotas["level"] == "base", "quota"].sum()), float(top["owed"].sum())
    if owed <= 0 or asked <= owed * (1 + 1e-9):
        return ""
    says = _("Hedge: the company owes {owed}, the reps are asked for {asked} (+{more})")
    return says.format(owed=amounts.money(owed), asked=amounts.money(asked), more=share(asked / owed - 1))


def _commission(plan: Plan, amounts: Amounts) -> str:
    effects = plan["effects"]
    if not len(plan.model["commission"]):
        return ""
    paid = " / ".join(amounts.money(float(effects[f"commission_{a}"].sum())) for a in (80, 100, 120))
    says = _("Commission if all reach 80 / 100 / 120 %: {paid}").format(paid=paid)
    lines = plan.model["budget"].query("category == 'incentive'")["maximum"]
    return says + (_(" · set aside: {money}").format(money=amounts.money(float(lines.sum()))) if len(lines) else "")


def _top_units(plan: Plan) -> dict[str, str]:
    """For each unit the one to show it under: the highest below the company, or the highest if there are several."""
    chains = plan.model.ancestors
    one_root = len({chain[-1] for chain in chains.values()}) == 1
    return {unit: chain[-2] if one_root and len(chain) > 1 else chain[-1] for unit, chain in chains.items()}


def _no_plan(plan: Plan, summary: Mapping[str, Any]) -> list[RenderableType]:
    if plan.status == "infeasible":
        title = _("No plan: the hard rules contradict each other")
    elif plan.status == "unbounded":
        title = _("No plan: something in the model has no limit")
    else:
        title = _("No plan: the search stopped before the answer was proved")
    reasons = plan.reasons or (_("No reason is known; see findings.csv."),)
    lines = [Text(reason) for reason in reasons]
    if plan.status == "infeasible":
        scenarios = "+".join(summary.get("scenarios") or ())
        command = f"allocator explain {plan.model.source or plan.model.name}" + (
            f" -s {scenarios}" if scenarios else ""
        )
        lines.append(Text(_("What clashes, and the ways out: {command}").format(command=command), style="dim"))
    return _section(title, Group(*lines))


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
    return _("plan.xlsx, report.html, summary.json and {count} tables").format(count=len(plan.tables) + 1)


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
