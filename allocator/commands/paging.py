"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.commands.common import Command, Session
from allocator.commands.language import language_of_model
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.model import Model


def report_command() -> click.Command:
    """Build ``allocator report``."""
    short = _("Write the report of a run or a comparison: one page for the browser.")
    text = _(
        "RUN is a folder that solve or compare has written. The page, report.html in that folder, needs nothing beside it; "
        "with --lang it is written in that language."
    )
    return Command("report", _report, short, text, [click.Argument(["run"], type=click.Path(path_type=Path))])


def _report(session: Session, run: Path) -> None:
    from allocator.pages import write_page

    session.speak(language_of_model(run / "model") or language_of_model(run / "base" / "model"))
    path = write_page(run)
    session.say(_("{path}: open it in a browser").format(path=path))
    session.answer({"status": "done", "file": str(path), "bytes": path.stat().st_size})


def add_page(session: Session, folder: Path, model: Model | None = None) -> None:
    """Write the report into a run or comparison that a command has just written."""
    from allocator.pages import write_page

    session.detail(_("{path}: open it in a browser").format(path=write_page(folder, model)))
