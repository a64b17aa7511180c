"""The screen after a comparison: what changes, what it does to us, and which event costs what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.comparing.comparison import Case, Comparison
from allocator.comparing.differences import figures
from allocator.comparing.players import players_of
from allocator.comparing.swept_screen import swept
from allocator.comparing.words import FLIPS, KPIS, beside, figure, signed
from allocator.reporting.amounts import Amounts, seconds, share
from allocator.reporting.summary import handed_over
from allocator.reporting.words import STATUSES
from allocator.texts import _, after

LINES = 6
"""Rows of a list that are shown; the rest are in the files."""

BESIDE = 3
"""Scenarios that stand beside each other in 80 columns."""

SHOWN = (
    *("contribution", "revenue", "profit", "spend", "commission", "collections", "new_clients"),
    *("visits_scheduled", "targets_missed"),
)
BRIDGED = ("contribution", "revenue", "missed")
"""Measures of a bridge on the screen."""


def report(comparison: Comparison, folder: Path) -> RenderableType:
    """Return what came out of a comparison and where it was written, to be printed by rich."""
    settings = comparison.model.settings
    amounts = Amounts(settings.money_unit, settings.currency)
    parts: list[RenderableType] = [Text(settings.title or comparison.model.name, style="bold")]
    parts += _without_plan(comparison)
    if comparison.cases:
        parts += _inputs(comparison)
        parts += _key_figures(comparison, amounts)
        parts += _targets(comparison, amounts)
        parts += _quotas(comparison, amounts)
        parts += _budget(comparison, amounts)
        parts += _visits(comparison)
        parts += _rules(comparison)
        parts += _hands(comparison)
        parts += _bridges(comparison, amounts)
    for sweep in comparison.sweeps:
        parts += [Text(), *swept(sweep, comparison.base, amounts)]
    parts += _footer(comparison, folder)
    return Group(*parts)


def _section(title: str, *body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), *(Padding(part, (0, 0, 0, 2)) for part in body)]


def _grid(*headings: str, first: int = 0) -> Table:
    """A table whose first column is folded and whose others are numbers."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for k, heading in enumerate(headings):
        if k:
            grid.add_column(heading, justify="right", overflow="fold")
        else:
            grid.add_column(heading, overflow="fold", min_width=first or None)
    return grid


def _listed() -> Table:
    """A list: the scenario, and what is said of it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(overflow="fold", max_width=24)
    grid.add_column(overflow="fold")
    return grid


def _beside(comparison: Comparison) -> Iterator[Sequence[Case]]:
    """Scenarios with a plan, as many as stand beside each other."""
    cases = [case for case in comparison.cases if case.plan.tables]
    for first in range(0, len(cases), BESIDE):
        yield cases[first : first + BESIDE]


def _of(comparison: Comparison, table: str, case: Case) -> pd.DataFrame:
    whole = comparison.tables[table]
    return whole[whole["scenario"] == case.name]


def _without_plan(comparison: Comparison) -> list[RenderableType]:
    plans = [(_("base plan"), comparison.base), *((case.name, case.plan) for case in comparison.cases)]
    failed = [(name, plan) for name, plan in plans if not plan.tables]
    if not failed:
        return []
    grid = _listed()
    for name, plan in failed:
        reasons = plan.reasons or (_("No reason is known; see findings.csv."),)
        grid.add_row(Text(name, style="bold red"), Text("\n".join([_(STATUSES[plan.status]), *reasons[:LINES]])))
    return _section(_("No plan"), grid)


def _inputs(comparison: Comparison) -> list[RenderableType]:
    """What each scenario changes in the input: its title, and the rows of the tables; of several together what they change."""
    grid, alone = _listed(), {case.name for case in comparison.cases}
    for case in comparison.cases:
        parts = [scenario.name for scenario in case.changed.scenarios]
        lines = Text("" if len(parts) > 1 and alone.issuperset(parts) else case.title)
        if case.bridge is None:
            lines.append("".join(f"\n· {p.says}" for p in players_of(case.changed.scenarios)[: 2 * LINES]), style="dim")
        rows = [f"{table} {says}" for table, says in touched(case.changed.changes)]
        lines.append(("\n" if lines else "") + (_(", ").join(rows) or _("It changes nothing.")), style="dim")
        grid.add_row(Text(beside(case.name)), lines)
    return _section(_("What the scenarios change (rows of tables: + new, - gone, ~ changed)"), grid)


def touched(changes: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """How many rows of a table came, went and changed."""
    for table, part in changes.groupby("table", sort=False):
        sides = pd.DataFrame({"key": part["key"], "came": part["before"] == "", "went": part["after"] == ""})
        rows = sides.groupby("key", sort=False)
        whole = (rows.size() > 1).to_numpy()
        came, went = (rows[side].all().to_numpy() & whole for side in ("came", "went"))
        counts = (("+", int(came.sum())), ("-", int((went & ~came).sum())), ("~", int((~(came | went)).sum())))
        yield str(table), " ".join(f"{sign}{n:,}" for sign, n in counts if n)


def _key_figures(comparison: Comparison, amounts: Amounts) -> list[RenderableType]:
    base, grids = figures(comparison.base), []
    for cases in _beside(comparison):
        grid = _grid("", _("base plan"), *(beside(case.name) for case in cases))
        for name in SHOWN:
            new = [figures(case.plan)[name] for case in cases]
            if np.isnan([base[name], *new]).all():
                continue
            cells = [figure(amounts, name, value) for value in (base[name], *new)]
            grid.add_row(_(KPIS[name]), *cells)
            shares = [_share(base[name], value, whole=name == "targets_missed") for value in new]
            if any(shares):
                grid.add_row("", "", *(Text(text, style="dim") for text in shares))
        grids.append(grid)
    return _section(_("Key figures"), *grids) if grids else []


def _share(base: float, value: float, *, whole: bool) -> str:
    """A change as a share, or as a number where whole things are counted or there was nothing before; blank where it is too small."""
    if np.isnan(value - base) or value == base:
        return ""
    if base == 0 or whole:
        return f"{value - base:+,.0f}"
    text = share(abs(value / base - 1))
    return "" if text == share(0.0) else f"{'+' if value > base else '-'}{text}"


def _targets(comparison: Comparison, amounts: Amounts) -> list[RenderableType]:
    """Which targets flip, and why."""
    grid = _listed()
    for case in comparison.cases:
        if not case.plan.tables or not comparison.base.tables:
            continue
        table = _of(comparison, "targets", case)
        flips = table[table["flips"].isin(["missed", "met"])]
        known, base = figures(case.plan), figures(comparison.base)
        head = _("{met} of {all} met (base plan: {base})").format(
            met=f"{known['targets_met']:.0f}",
            all=f"{known['targets_met'] + known['targets_missed']:.0f}",
            base=f"{base['targets_met']:.0f}",
        )
        lines = [head, *(_flip(row, amounts) for row in flips.head(LINES).to_dict("records"))]
        if len(flips) > LINES:
            lines.append(_("… and {count} more in targets.csv").format(count=len(flips) - LINES))
        grid.add_row(Text(beside(case.name)), Text("\n".join(lines)))
    return _section(_("Targets met and missed"), grid) if grid.row_count else []


def _flip(row: Mapping[Any, Any], amounts: Amounts) -> str:
    name, flip = ", ".join(str(v) for v in (row["target"], row["each"]) if v), FLIPS[row["flips"]]
    says = _("{flip}: {name}: asked {required}, planned {planned} (base plan: {base})").format(
        flip=_(flip),
        name=name,
        required=amounts.metric(row["metric"], row["required"]),
        planned=amounts.metric(row["metric"], row["planned"]),
        base=amounts.metric(row["metric"], row["base_planned"]),
    )
    because = _("because: {cause}").format(cause=row["cause"]) if row["cause"] and row["flips"] == "missed" else ""
    return "\n  ".join(part for part in (says, because) if part)


def _quotas(comparison: Comparison, amounts: Amounts) -> list[RenderableType]:
    """What base quotas of the year become: of units, and of the reps whose quotas moved most."""
    table = comparison.tables["quotas"]
    table = table[(table["period_kind"] == "year") & (table["level"] == "base")]
    if table.empty:
        return _section(_("Quotas (base, of the year)"), Text(_("None moves."))) if comparison.base.tables else []
    parents = comparison.model["units"].set_index("unit")["parent"]
    top = {u for u in table["name"] if parents.get(u, "") == "" or parents.get(parents.get(u, ""), "") == ""}
    units = table[(table["kind"] != "rep") & table["name"].isin(top)]
    parts: list[RenderableType] = []
    for cases in _beside(comparison):
        here = units[units["scenario"].isin([case.name for case in cases])]
        grid = _grid(_("unit"), _("base plan"), *(beside(case.name) for case in cases), first=12)
        for name in list(dict.fromkeys(here["name"]))[:LINES]:
            rows = here[here["name"] == name].set_index("scenario")
            moved = [signed(amounts, "revenue", rows["change"].get(case.name, 0.0)) for case in cases]
            grid.add_row(name, amounts.money(float(rows["base"].iloc[0])), *moved)
        parts += [grid] if grid.row_count else []
    reps = _listed()
    for case in comparison.cases:
        rows = table[(table["scenario"] == case.name) & (table["kind"] == "rep")]
        if len(rows):
            reps.add_row(Text(beside(case.name)), Text(_most_moved(rows, amounts)))
    return _section(_("Quotas (base, of the year)"), *parts, reps)


def _most_moved(rows: pd.DataFrame, amounts: Amounts) -> str:
    most = rows.reindex(rows["change"].abs().sort_values(ascending=False, kind="stable").index).head(LINES)
    listed = _(", ").join(f"{r.name} {signed(amounts, 'revenue', r.change)}" for _i, r in _records(most))
    return _("{count} reps; most: {listed}").format(count=len(rows), listed=listed)


def _records(table: pd.DataFrame) -> Iterator[tuple[int, Any]]:
    from types import SimpleNamespace

    for i, row in enumerate(table.to_dict("records")):
        yield i, SimpleNamespace(**{str(k): v for k, v in row.items()})


def _budget(comparison: Comparison, amounts: Amounts) -> list[RenderableType]:
    table = comparison.tables["budget"]
    if table.empty:
        return []
    order = (
        table.groupby("line", sort=False)["change"]
        .agg(lambda c: c.abs().max())
        .sort_values(ascending=False, kind="stable")
    )
    order = order[order > 0]
    parts: list[RenderableType] = []
    for cases in _beside(comparison):
        grid = _grid(_("budget line"), _("base plan"), *(beside(case.name) for case in cases), first=12)
        for line in order.index[: LINES + 2]:
            rows = table[table["line"] == line].set_index("scenario")
            moved = [signed(amounts, "spend", rows["change"].get(case.name, 0.0)) for case in cases]
            grid.add_row(str(line), amounts.money(float(rows["base"].iloc[0])), *moved)
        parts += [grid] if grid.row_count else []
    if len(order) > LINES + 2:
        parts.append(Text(_("… and {count} more in budget.csv").format(count=len(order) - LINES - 2), style="dim"))
    return _section(_("Budget moved"), *parts) if len(order) else []


def _visits(comparison: Comparison) -> list[RenderableType]:
    grid = _listed()
    for case in comparison.cases:
        table = _of(comparison, "visits", case)
        if table.empty or table["moved"].isna().all():
            continue
        says = _("{moved} visits have another date, {other} another rep").format(
            moved=f"{table['moved'].sum():,.0f}", other=f"{table['other_rep'].sum():,.0f}"
        )
        promised = table["promised"].sum() - table["base_promised"].sum()
        if abs(promised) >= 0.5:
            says += _("; {promised} promised visits").format(promised=f"{promised:+,.0f}")
        most = table[table["moved"] > 0].sort_values("moved", ascending=False, kind="stable").head(LINES)
        listed = _(", ").join(f"{r.rep} {r.moved:,.0f}" for _i, r in _records(most))
        grid.add_row(
            Text(beside(case.name)), Text(says + (_("; most: {listed}").format(listed=listed) if listed else ""))
        )
    return _section(_("Visits moved"), grid) if grid.row_count else []


def _rules(comparison: Comparison) -> list[RenderableType]:
    grid = _listed()
    for case in comparison.cases:
        table = _of(comparison, "rules", case)
        for binds, says in (("starts", _("now binds: {rule}")), ("stops", _("binds no more: {rule}"))):
            rows = table[table["binds"] == binds]
            for _i, row in _records(rows.head(LINES)):
                where = str(row.where).split("; ")[0]
                grid.add_row(
                    Text(beside(case.name)), Text(says.format(rule=_(row.rule)) + (f" ({where})" if where else ""))
                )
    return _section(_("Rules that start or stop to bind"), grid) if grid.row_count else []


def _hands(comparison: Comparison) -> list[RenderableType]:
    grid = _listed()
    for case in comparison.cases:
        table = case.plan.tables.get("handover")
        if table is not None:
            grid.add_row(Text(beside(case.name)), Text("\n".join(handed_over(table))))
    return _section(_("Clients that change hands"), grid) if grid.row_count else []


def _bridges(comparison: Comparison, amounts: Amounts) -> list[RenderableType]:
    spanned = [case for case in comparison.cases if case.bridge is not None]
    parts: list[RenderableType] = []
    for case in spanned:
        assert case.bridge is not None
        if len(case.bridge.table) <= 2:
            continue
        grid = _grid("", *(_(KPIS[m]) for m in BRIDGED), first=34)
        for kind, event, *values in case.bridge.table[["kind", "event", *BRIDGED]].itertuples(index=False, name=None):
            total = kind in ("base", "scenario")
            names = {"base": _("base plan"), "scenario": case.name, "together": _("all steps together")}
            cells = [(figure if total else signed)(amounts, m, v) for m, v in zip(BRIDGED, values, strict=True)]
            grid.add_row(names.get(kind, event), *cells, style="bold" if total else "")
        parts += [*([Text()] if parts else []), grid]
        if len(case.bridge.table) > 3:
            parts.append(Text(_fair(case, amounts), style="dim"))
    return _section(_("From the base plan to the scenario: which event costs what"), *parts) if parts else []


def _fair(case: Case, amounts: Amounts) -> str:
    """How the parts of a bridge were found, and how certain they are."""
    found = case.bridge
    assert found is not None
    if not found.used:
        return _("The steps cannot be told apart: in no order has every step a plan.")
    if found.exact:
        says = _("Each part is the mean over all {count} orders of the steps.").format(count=found.orders)
        if found.used < found.orders:
            says = _("Each part is the mean over the {used} of {count} orders in which every step has a plan.")
            says = says.format(used=found.used, count=found.orders)
        return says
    errors = found.table["contribution_error"].to_numpy(float)
    says = _("Each part is the mean over {used} of {count} orders drawn.").format(used=found.used, count=found.orders)
    if np.isnan(errors).all():
        return says
    text = _("Contribution is certain to about ± {error} (standard error).")
    return says + after(text.format(error=signed(amounts, "contribution", float(np.nanmax(errors))).lstrip("+")))


def _footer(comparison: Comparison, folder: Path) -> list[RenderableType]:
    runs = ", ".join(["base", *(case.name for case in comparison.cases)])
    lines = [
        _("Written to {folder}: compare.xlsx, report.html, comparison.json, tables as CSV").format(folder=folder),
        _("and a run for each plan: {runs}").format(runs=runs),
        _("{plans} plans, {seconds} in all").format(plans=comparison.plans, seconds=seconds(comparison.seconds)),
    ]
    return [Text(), *(Text(line) for line in lines)]
