"""The screen of the health checks: what warns, what could not be checked, who is in danger, what should move."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.health.health import Health
from allocator.health.limits import GOOD, NOT_MADE, NOTHING, WARNING
from allocator.health.people import ACTIVITY, CHURN, RENEWAL
from allocator.health.serving import SEGMENTS
from allocator.health.shifting import LABELS, changed
from allocator.model import Model
from allocator.reporting.amounts import MONEY, Amounts, count, share
from allocator.texts import N_, _

CLIENTS = 8
"""Clients in danger that are shown; the others stand in the file."""

WARNINGS = 5
"""Warnings that stand on the screen of a review; the others are in the files."""

MARKS = {WARNING: (N_("warns"), "red"), NOT_MADE: (N_("not checked"), "yellow"), GOOD: (N_("good"), "green"),
         NOTHING: (N_("nothing to check"), "dim")}  # fmt: skip
"""What a verdict is called, in the order in which the checks are shown."""

SHORT = {
    "pipeline_gap": N_("furthest off in the pipeline"),
    "negotiating_share": N_("negotiating"),
    "conversion_fall": N_("conversion"),
    "channel_better": N_("best lead channel better than"),
    "visit_execution": N_("visits made"),
    "cash_in": N_("cash-in"),
    "new_segments": N_("new segments seen"),
    "repeat_rate": N_("bought again"),
    "first_order_rate": N_("first orders"),
    "ramp_attainment": N_("sales of growing reps"),
    "activity_rate": N_("active clients"),
    "renewal_rate": N_("renewals"),
}
"""What a check is called in the line of those that are good."""

REASONS = {ACTIVITY: N_("buys less"), RENEWAL: N_("contract ends"), CHURN: N_("likely to leave")}


def report(health: Health, model: Model, day: str, folder: Path) -> RenderableType:
    """Return what the checks found, to be printed by rich."""
    amounts = Amounts(model.settings.money_unit, model.settings.currency)
    parts: list[RenderableType] = [
        Text(model.settings.title or model.name, style="bold"),
        Text(_("Health as of {date}").format(date=day), style="dim"),
        *_checks(health),
    ]
    if len(health.shift):
        parts += _section(_("Money that should move"), _moves(health, amounts))
    if len(health.win_back):
        parts += _section(
            _("Clients to win back: {count}").format(count=f"{len(health.win_back):,}"), _clients(health, amounts)
        )
    files = ", ".join(f"{name}.csv" for name in health.tables())
    parts += [Text(), Text(_("Written to {folder}: {files}").format(folder=folder, files=files), style="dim")]
    return Group(*parts)


def brief(health: Health, model: Model) -> list[RenderableType]:
    """Return a short section for the screen of a review: what warns, and how much money is at risk."""
    amounts = Amounts(model.settings.money_unit, model.settings.currency)
    warned = [str(row["says"]) for row in health.checks.to_dict("records") if row["verdict"] == WARNING]
    grid = Table.grid(padding=(0, 1, 0, 0))
    for says in warned[:WARNINGS]:
        grid.add_row("•", Text(says, overflow="fold"))
    if len(warned) > WARNINGS:
        grid.add_row("…", Text(_("and {count} more").format(count=len(warned) - WARNINGS)))
    body: list[RenderableType] = [grid] if warned else []
    if len(health.win_back):
        money = amounts.money(float(health.win_back["money_at_risk"].sum()))
        says = _("Clients to win back: {count}; {money} at risk.")
        body.append(Text(says.format(count=count(len(health.win_back)), money=money)))
    if len(health.shift):
        money = amounts.money(float(health.shift["moved"].clip(lower=0).sum()))
        body.append(Text(_("Money that should move between lead channels: {money}.").format(money=money)))
    return _section(_("Health: {counts}").format(counts=_counts(health)), Group(*body))


def _counts(health: Health) -> str:
    """How many checks have each verdict."""
    counts = health.checks["verdict"].value_counts()
    return _(", ").join(
        f"{_(word)} {counts[verdict]}" for verdict, (word, _colour) in MARKS.items() if verdict in counts
    )


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2))]


def _checks(health: Health) -> list[RenderableType]:
    """What warns and what was not checked, in sentences; what is good, by name and value."""
    table = health.checks
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for verdict, (word, colour) in MARKS.items():
        rows = table[table["verdict"] == verdict].to_dict("records")
        says = [_good(rows)] if verdict == GOOD and rows else list(_sentences(rows, verdict))
        for sentence in says:
            grid.add_row(Text(_(word), style=colour), Text(sentence, style="dim" if verdict == NOTHING else ""))
    return _section(_("Checks") + _(": ") + _counts(health), grid)


def _sentences(rows: list[dict[Any, Any]], verdict: str) -> Iterator[str]:
    """What was found; of checks that were not made, which they are, those that lack the same together."""
    if verdict != NOT_MADE:
        yield from (str(row["says"]) for row in rows)
        return
    lacking: dict[str, list[str]] = {}
    for row in rows:
        name = str(row["check"])
        label = f"{_(SHORT[name]) if name in SHORT else name} {row['scope']}".strip()
        lacking.setdefault(str(row["says"]), []).append(label)
    yield from (f"{_(', ').join(labels)}{_(': ')}{says}" for says, labels in lacking.items())


def _good(rows: list[dict[Any, Any]]) -> str:
    """What is good in one line: each check with its values."""
    values: dict[str, list[str]] = {}
    for row in rows:
        name, own = str(row["check"]), row["check"] in SHORT
        value = share(row["value"]) if own and name != SEGMENTS else count(row["value"])
        label = _(SHORT[name]) if own else name
        values.setdefault(label, []).append(f"{row['scope']} {value}".strip())
    return "; ".join(f"{label} {_(', ').join(found)}" for label, found in values.items())


def _grid(*headings: str) -> Table:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    for k, heading in enumerate(headings):
        grid.add_column(heading, justify="left" if k == 0 else "right", overflow="fold")
    return grid


def _moves(health: Health, amounts: Amounts) -> RenderableType:
    grid = _grid(_("line"), _("converts"), _("most so far"), _("moves"), _("most then"))
    for row in health.shift.to_dict("records"):
        moved = ("+" if row["moved"] > 0 else "") + amounts.money(row["moved"])
        grid.add_row(
            str(row["line"]),
            share(row["converts"]),
            amounts.money(row["maximum"]),
            moved,
            amounts.money(row["becomes"]),
        )
    if health.effect.empty:
        return grid
    effect = _grid(_("the year"), _("as it is"), _("with the move"), _("difference"))
    for row in health.effect.to_dict("records"):
        name = str(row["figure"])
        said = amounts.money if name in MONEY else count
        if changed(row["before"], row["difference"]):
            more = ("+" if row["difference"] > 0 else "") + said(row["difference"])
            effect.add_row(_(LABELS.get(name, name)), said(row["before"]), said(row["after"]), more)
    return Group(grid, Text(), effect) if effect.row_count else grid


def _clients(health: Health, amounts: Amounts) -> RenderableType:
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("client"), overflow="fold")
    grid.add_column(_("rep"), no_wrap=True)
    grid.add_column(_("at risk"), justify="right", no_wrap=True)
    grid.add_column(_("bought"), justify="right", no_wrap=True)
    grid.add_column(_("contract to"), no_wrap=True)
    grid.add_column(_("why"), overflow="fold")
    for row in health.win_back.head(CLIENTS).to_dict("records"):
        grid.add_row(*_client(row, amounts))
    if len(health.win_back) > CLIENTS:
        grid.add_row("…")
    return grid


def _client(row: dict[Any, Any], amounts: Amounts) -> tuple[str, ...]:
    why = _(", ").join(_(REASONS[r]) for r in str(row["reasons"]).split())
    bought = share(row["activity"]) if row["activity"] == row["activity"] else ""
    return (str(row["client"]), str(row["rep"]), amounts.money(row["money_at_risk"]), bought, str(row["renewal"]), why)
