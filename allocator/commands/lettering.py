"""The command ``letters``."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.commands.common import Command, Session, console, rows_of
from allocator.errors import Finding, InputError
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.letters.content import Letter, Paper
    from allocator.letters.filling import Template

FOLDER = "letters"


def letters_command() -> click.Command:
    """Build ``allocator letters``."""
    short = _("Write the target letters of a plan: a Word document for each rep and unit.")
    text = _(
        "RUN is a folder that solve has written. Without --rep and --unit all reps and units get a letter. "
        "--write-template writes the template that comes with the program, to be edited in Word and used with --template."
    )
    docx = click.Path(dir_okay=False, path_type=Path)
    return Command(
        "letters",
        _letters,
        short,
        text,
        [
            click.Argument(["run"], type=click.Path(path_type=Path), required=False),
            click.Option(
                ["--rep", "reps"], multiple=True, metavar="R", help=_("Only this rep; may be given several times.")
            ),
            click.Option(
                ["--unit", "units"], multiple=True, metavar="U", help=_("Only this unit; may be given several times.")
            ),
            click.Option(["--template"], type=docx, metavar="T.docx", help=_("The company's own template.")),
            click.Option(
                ["--number"],
                metavar="N",
                help=_("Document number of the published plan; without it letters are drafts."),
            ),
            click.Option(
                ["--date"], metavar="DAY", help=_("Day of signing, such as 2026-01-15; else room is left for it.")
            ),
            click.Option(
                ["-o", "--output"],
                metavar="DIR",
                type=click.Path(file_okay=False, path_type=Path),
                help=_("Folder of the letters; else letters/ in the run."),
            ),
            click.Option(
                ["--write-template", "write"],
                type=docx,
                metavar="T.docx",
                help=_("Write the template that comes with the program, and no letters."),
            ),
        ],
    )


def _letters(
    session: Session,
    run: Path | None,
    reps: tuple[str, ...],
    units: tuple[str, ...],
    template: Path | None,
    number: str | None,
    date: str | None,
    output: Path | None,
    write: Path | None,
) -> None:
    if write is not None:
        _write_template(session, write)
        return
    if run is None:
        raise click.UsageError(_("Say which run, or write the template with --write-template."))
    from allocator.commands.language import chosen_language
    from allocator.letters.content import Paper
    from allocator.letters.writing import write_letters
    from allocator.pages.reading import read_plan

    plan = read_plan(run)
    session.speak(chosen_language(plan.model))
    paper = Paper(plan, number=(number or "").strip(), date=_day(date))
    wanted = [*_known(run, "reps", "rep", reps, units, paper), *_known(run, "units", "unit", units, reps, paper)]
    made = [_letter(paper, kind, code) for kind, code in wanted]
    filled = _template(template, made[0])
    session.findings(filled.findings)
    folder = output or run / FOLDER
    with _progress(session, len(made)) as done:
        written = [str(path) for path in write_letters(made, filled, folder, done)]
    says = (
        _("{folder}: {count} letters") if paper.number else _("{folder}: {count} letters, drafts: they have no number")
    )
    session.say(says.format(folder=folder, count=len(written)))
    session.answer({"status": "done", "files": written, "findings": rows_of(filled.findings)})


def _letter(paper: Paper, kind: str, code: str) -> Letter:
    from allocator.letters.content import rep_letter, unit_letter

    return rep_letter(paper, code) if kind == "rep" else unit_letter(paper, code)


def _template(path: Path | None, example: Letter) -> Template:
    from allocator.letters.filling import Template, open_template
    from allocator.letters.layout import default_template

    return Template("", default_template()) if path is None else open_template(path, example)


def _write_template(session: Session, path: Path) -> None:
    from allocator.letters.layout import default_template
    from allocator.letters.writing import write_document

    if path.suffix.lower() != ".docx":
        raise click.BadParameter(_("a file ending in .docx is expected"), param_hint="--write-template")
    if path.exists():
        says = _("{path} is there already; choose another name.").format(path=path)
        raise InputError([Finding("error", str(path), "", "", "", "place", says)])
    write_document(path, default_template())
    session.say(_("{path}: edit it in Word, then use it with --template").format(path=path))
    session.answer({"status": "done", "file": str(path)})


def _known(
    run: Path, table: str, key: str, asked: tuple[str, ...], others: tuple[str, ...], paper: Paper
) -> Iterator[tuple[str, str]]:
    """Give who gets a letter: those asked for, or all who have quotas where nobody is asked for by name."""
    known = [str(c) for c in paper.plan.model[table][key]]
    wrong = [code for code in asked if code not in known]
    if wrong:
        from allocator.schema.findings import did_you_mean

        says = _("There is no such rep.") if key == "rep" else _("There is no such unit.")
        raise InputError(
            [Finding("error", str(run), "", key, c, "place", says + did_you_mean(c, known)) for c in wrong]
        )
    if asked or others:
        yield from ((key, code) for code in dict.fromkeys(asked))
        return
    quotas = set(paper.plan["quotas"]["rep"])
    yield from ((key, c) for c in known if quotas & set(paper.of("rep" if key == "rep" else "unit", c)))


def _day(text: str | None) -> str:
    if not text:
        return ""
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise click.BadParameter(_("a day such as 2026-01-15 is expected"), param_hint="--date") from error


@contextmanager
def _progress(session: Session, count: int) -> Iterator[Callable[[], None]]:
    """Show how far the letters are, where somebody looks on."""
    if session.quiet or session.json or not sys.stderr.isatty() or count < 10:
        yield lambda: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console(sys.stderr), transient=True) as bars:
        task = bars.add_task(_("letters"), total=count)
        yield lambda: bars.advance(task)
