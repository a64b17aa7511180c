"""Funding on the screen, and as a mapping for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pandas as pd
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.explaining.funding import Fund
from allocator.reporting.amounts import Amounts, share
from allocator.reporting.words import LEVELS
from allocator.texts import _

MISSED = 8


def report(found: Fund) -> RenderableType:
    """Return what targets take to be printed by rich."""
    amounts = Amounts(found.model.settings.money_unit, found.model.settings.currency)
    parts: list[RenderableType] = [Text(_title(found, amounts), style="bold")]
    parts += [Padding(Text(line), (0, 0, 0, 2)) for line in _lines(found, amounts)]
    if len(found.spend):
        parts += [Text(), Text(_("Where the money goes"), style="bold")]
        parts.append(Padding(_money(found, amounts), (0, 0, 0, 2)))
    return Group(*parts)


def _title(found: Fund, amounts: Amounts) -> str:
    level = _(LEVELS[found.level])
    if found.status == "reached":
        says = _("The least money that reaches every {level} target: {money}")
        return says.format(level=level, money=amounts.money(found.budget))
    if found.status == "given":
        says = _("With {money}, towards the {level} targets")
        return says.format(level=level, money=amounts.money(found.budget))
    if not math.isnan(found.budget):
        return _("There is no plan with {money}").format(money=amounts.money(found.budget))
    return _("No money reaches every {level} target").format(level=level)


def _lines(found: Fund, amounts: Amounts) -> Iterator[str]:
    if found.status == "impossible":
        if found.stops:
            yield _("However much the lines may spend, one of these must give way:")
        for line in found.stops:
            yield "• " + line
        return
    lines = _("The lines may spend {money} now.").format(money=amounts.money(found.now))
    if found.status == "reached" and found.now > 0:
        lines = _("The lines may spend {money} now; this is {part} of it.").format(
            money=amounts.money(found.now), part=share(found.budget / found.now)
        )
    yield lines
    months = found.model.calendar.months[: found.model.past]
    spent = float(found.spend.loc[found.spend["month"].isin(months), "spend"].sum()) if months else 0.0
    if spent:
        yield _("Of it {money} is spent: {months} is over.").format(
            money=amounts.money(spent), months=months[0] if len(months) == 1 else f"{months[0]}…{months[-1]}"
        )
    if found.keeps:
        yield _("All promised visits are made.")
    if not math.isnan(found.contribution):
        yield _("Contribution: {money}").format(money=amounts.money(found.contribution))
    if any(found.commission.values()):
        told = [
            _("{money} at {part}").format(money=amounts.money(v), part=f"{100 * k:.0f} %")
            for k, v in found.commission.items()
        ]
        yield _("Commission on the quotas: {amounts}").format(amounts=_(", ").join(told))
        total = found.budget + found.commission.get(1.0, 0.0)
        yield _("Money and commission together, quotas reached: {money}").format(money=amounts.money(total))
    yield from _reached(found, amounts)


def _reached(found: Fund, amounts: Amounts) -> Iterator[str]:
    if found.targets.empty:
        return
    missed = found.targets[found.targets["status"] == "missed"]
    yield _("{met} of {total} targets reached").format(met=len(found.targets) - len(missed), total=len(found.targets))
    for row in missed.head(MISSED).to_dict("records"):
        name = str(row["target"]) + (f" ({row['each']})" if row["each"] else "")
        says = _("{target}: {planned} of {required}")
        metric = str(row["metric"])
        planned, required = (amounts.metric(metric, float(row[c])) for c in ("planned", "required"))
        yield "• " + says.format(target=name, planned=planned, required=required)
    if len(missed) > MISSED:
        yield _("… and {count} more").format(count=len(missed) - MISSED)


def _money(found: Fund, amounts: Amounts) -> Table:
    """Lines by quarter, which fit a screen; months are in the file."""
    calendar = found.model.calendar
    of_month = {m: next(q for q in calendar.quarters if k in calendar.window(q)) for k, m in enumerate(calendar.months)}
    short = len(calendar.months) <= 4
    period = found.spend["month"].map(lambda m: m if short else of_month[m])
    table = pd.pivot_table(
        found.spend.assign(period=period), values="spend", index="line", columns="period", aggfunc="sum"
    )
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("budget line"), overflow="fold")
    for name in table:
        grid.add_column(str(name), justify="right")
    grid.add_column(_("all"), justify="right")
    for line, row in table.fillna(0.0).iterrows():
        grid.add_row(str(line), *(amounts.money(v) for v in row), amounts.money(float(row.sum())))
    return grid


def as_mapping(found: Fund) -> dict[str, Any]:
    """Return what targets take for JSON."""
    columns = ["target", "each", "required", "planned", "gap", "status"]
    return {
        "status": found.status,
        "model": found.model.name,
        "level": found.level,
        "budget": None if math.isnan(found.budget) else found.budget,
        "now": found.now,
        "contribution": None if math.isnan(found.contribution) else found.contribution,
        "commission": {f"{100 * k:.0f}": v for k, v in found.commission.items()},
        "promised_visits_kept": found.keeps,
        "spend": found.spend.to_dict("records"),
        "targets": found.targets[columns].to_dict("records") if len(found.targets) else [],
        "stops": list(found.stops),
    }
