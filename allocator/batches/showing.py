"""The screen after a batch: which cases passed, which did not and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.batches.batch import Batch
from allocator.batches.index import FAILED, REFUSED, WAITING, Entry
from allocator.reporting.amounts import count, seconds, share
from allocator.reporting.words import STATUSES
from allocator.texts import N_, _

WORDS = {**STATUSES, FAILED: N_("failed"), REFUSED: N_("refused by the audit"), WAITING: N_("not planned yet")}
LINES = 4
"""Reasons of a case that are shown; the index has all."""


def batch_report(
    batch: Batch, found: Sequence[Entry], folder: Path, left_out: Iterable[tuple[str, str]]
) -> RenderableType:
    """Return what came of a batch, to be printed by rich."""
    bad = [e for e in found if e.passed is False]
    good = [e for e in found if e.status == "optimal"]
    waiting = [e for e in found if e.status == WAITING]
    parts: list[RenderableType] = [_title(batch, found, bad, waiting)]
    if bad:
        parts += _section(_("Did not pass"), Group(*(_told(entry) for entry in bad)))
    if good:
        parts += _section(_("Plans"), _plans(good))
    parts += [Text(), *_footer(found, folder, left_out)]
    return Group(*parts)


def _title(batch: Batch, found: Sequence[Entry], bad: Sequence[Entry], waiting: Sequence[Entry]) -> RenderableType:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True)
    if bad:
        verdict = Text(_("{count} of {all} did not pass").format(count=len(bad), all=len(found)), style="bold red")
    elif waiting:
        verdict = Text(_("{count} of {all} not planned yet").format(count=len(waiting), all=len(found)), style="bold")
    else:
        verdict = Text(_("all {all} passed").format(all=len(found)), style="bold green")
    grid.add_row(Text(batch.title or batch.name, style="bold"), verdict)
    return grid


def _section(title: str, body: RenderableType) -> list[RenderableType]:
    return [Text(), Text(title, style="bold"), Padding(body, (0, 0, 0, 2))]


def _told(entry: Entry) -> RenderableType:
    """A case that did not pass, and why."""
    head = Text(entry.case.name, style="red")
    if entry.status != "optimal":
        head.append(" · " + _(WORDS.get(entry.status, entry.status)), style="")
    lines = [line for reason in entry.reasons for line in reason.splitlines() if line.strip()]
    shown = lines[:LINES] + ([_("… and {count} more").format(count=len(lines) - LINES)] if len(lines) > LINES else [])
    return Group(head, *(Padding(Text(line, overflow="fold"), (0, 0, 0, 2)) for line in shown))


def _plans(good: Sequence[Entry]) -> RenderableType:
    """Key figures of all plans."""
    compared = any(e.base is not None and e.case.scenario for e in good)
    missing = any(e.figures.get("visits unplaced") for e in good)
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim", expand=True)
    grid.add_column("", no_wrap=True)
    grid.add_column(_("case"), overflow="fold", ratio=1)
    headings = [_("revenue"), *([_("of base")] if compared else []), _("profit"), _("targets missed")]
    for heading in [*headings, *([_("unplaced")] if missing else [])]:
        grid.add_column(heading, justify="right", overflow="fold")
    for entry in good:
        figures, amounts = entry.figures, entry.amounts
        mark = {True: Text("✓", style="green"), False: Text("✗", style="red"), None: Text("·")}[entry.passed]
        cells = [amounts.money(figures["revenue"] or 0.0)]
        cells += [_of_base(entry)] if compared else []
        cells += [amounts.money(figures["profit"] or 0.0), count(figures["targets missed"] or 0.0)]
        cells += [count(figures["visits unplaced"] or 0.0)] if missing else []
        grid.add_row(mark, Text(entry.case.name), *cells)
    return grid


def _of_base(entry: Entry) -> str:
    base, revenue = (entry.base or {}).get("revenue"), entry.figures["revenue"]
    return share(revenue / base) if entry.case.scenario and base and revenue is not None else ""


def _footer(found: Sequence[Entry], folder: Path, left_out: Iterable[tuple[str, str]]) -> list[RenderableType]:
    lines = []
    apart = _(", ").join(f"{model} · {scenario}" for model, scenario in left_out)
    if apart:
        lines.append(_("Left out, as the scenario is not for the model: {names}").format(names=apart))
    if any(e.case.added and e.status == "optimal" for e in found):
        lines.append(_("· was added to compare others with, and is not judged."))
    spent = sum(e.seconds or 0.0 for e in found)
    lines.append(_("Written to {folder}: index, kpis and results").format(folder=folder))
    lines.append(_("{time} of planning in all").format(time=seconds(spent)))
    return [Text(line, overflow="fold", style="dim") for line in lines]
