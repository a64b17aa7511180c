"""What people read of versions: one, a list of them, and what two differ in."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from allocator.registry.version import STATES, Version
from allocator.reporting.amounts import share
from allocator.texts import _

STYLES = {"proposed": "yellow", "approved": "green", "rejected": "red", "superseded": "dim"}

LINES = 6
"""Files named; the rest are counted."""


def local(at: str, *, time: bool = False) -> str:
    """A moment as the clock on the wall shows it: its day, or day and time."""
    return dt.datetime.fromisoformat(at).astimezone().strftime("%Y-%m-%d %H:%M" if time else "%Y-%m-%d")


def listed(versions: Sequence[Version]) -> RenderableType:
    """A list of versions, the latest last."""
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("version"), no_wrap=True)
    grid.add_column(_("status"), no_wrap=True)
    grid.add_column(_("plan"), overflow="fold")
    grid.add_column(_("published"), no_wrap=True)
    grid.add_column(_("by"), overflow="fold")
    grid.add_column(_("moves"), justify="right", no_wrap=True)
    grid.add_column(_("votes"), justify="right", no_wrap=True)
    for v in versions:
        plan = _("{model} from {start}").format(model=v.model, start=v.start)
        state = Text(v.state_in_words, style=STYLES[v.state])
        moved = "–" if v.moved is None else share(v.moved)
        number = Text(v.full_number.replace("/", "/\n"))
        grid.add_row(number, state, plan, local(v.published_at), v.published_by, moved, _tally(v))
    return grid


def _tally(version: Version) -> str:
    """Votes had and needed, of each role."""
    return "\n".join(f"{need.agreed}/{need.needed}" for need in version.needs) or "–"


def told(version: Version) -> RenderableType:
    """All about one version: what it is, who voted how, what became of it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in _facts(version):
        if value:
            grid.add_row(name, value)
    head = Text(version.full_number, style="bold").append(f"  {version.state_in_words}", style=STYLES[version.state])
    parts: list[RenderableType] = [head, Padding(grid, (0, 0, 0, 2))]
    for title, body in ((_("Votes"), list(_votes(version))), (_("History"), list(_history(version)))):
        if body:
            parts += [Text(), Text(title, style="bold"), *(Padding(Text(line), (0, 0, 0, 2)) for line in body)]
    return Group(*parts)


def _facts(version: Version) -> Iterator[tuple[str, str]]:
    yield _("plan"), _("{model} from {start}").format(model=version.model, start=version.start)
    yield _("title"), version.title
    yield _("company"), version.company
    yield _("scenario"), " + ".join(version.scenarios)
    yield _("published"), local(version.published_at, time=True)
    yield _("by"), version.published_by
    yield _("because"), version.because
    yield _("replaces"), version.replaces
    yield _("moves"), moves(version)
    yield _("signed"), local(version.signed_at) if version.signed_at else ""
    yield _("input"), version.inputs_sha256[:16] + " …"
    yield _("content"), version.content_sha256[:16] + " …"


def moves(version: Version) -> str:
    """How much of the quotas a version moves, in words; blank for a first one."""
    return "" if version.moved is None else _("{share} of the quotas").format(share=share(version.moved))


def needed(version: Version) -> Iterator[str]:
    """Votes that a version needs, a line for each role."""
    for need in version.needs:
        yield _("{role}: votes {agreed} of {needed} ({voters})").format(
            role=need.role, agreed=need.agreed, needed=need.needed, voters=_(", ").join(need.voters)
        )


def _votes(version: Version) -> Iterator[str]:
    yield from needed(version)
    for vote in version.votes:
        says = _("{at}  {person} ({role}) agrees") if vote.agrees else _("{at}  {person} ({role}) refuses")
        line = says.format(at=local(vote.at, time=True), person=vote.person, role=vote.role)
        yield line + (_(": ") + vote.because if vote.because else "")


def _history(version: Version) -> Iterator[str]:
    for step in version.steps:
        line = f"{local(step.at, time=True)}  {_(STATES[step.state])}"
        yield line + (" " + _("by {number}").format(number=step.by) if step.by else "")


def files_named(paths: Sequence[str]) -> str:
    """Names of some files, and a mark that there are more."""
    return _(", ").join(paths[:LINES]) + (" …" if len(paths) > LINES else "")
