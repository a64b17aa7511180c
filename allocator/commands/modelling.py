"""Commands about models: ``new``, ``import crm``, ``check``."""

from __future__ import annotations

from pathlib import Path

import click

from allocator.commands.common import Command, CommandGroup, Session, counted, rows_of, tally
from allocator.errors import InfeasibleError
from allocator.places import find_model, shipped_models
from allocator.texts import _


def new_command() -> click.Command:
    """Build ``allocator new``."""
    return Command(
        "new",
        _new,
        _("Start a model: five tables, or a copy of a model."),
        _("A PATH ending in .xlsx makes a workbook, any other a folder. Tables of the start hold an example row each."),
        [
            click.Argument(["path"]),
            click.Option(
                ["--from", "source"],
                metavar="MODEL",
                help=_("Model to copy: {names}, or a folder or workbook.").format(names=", ".join(shipped_models())),
            ),
        ],
    )


def _new(session: Session, path: str, source: str | None) -> None:
    from allocator.commands.starting import copy_model, start_model

    target = Path(path)
    if source is None:
        tables = start_model(target)
        text = _("{path}: a model to start from, with the tables {tables}.").format(path=path, tables=", ".join(tables))
    else:
        copy_model(find_model(source), target)
        text = _("{path}: a copy of {source}.").format(path=path, source=source)
    session.say(text)
    session.say(_("Next: {command}").format(command=f"allocator solve {path}"))
    session.answer({"status": "done", "path": path, "from": source})


def import_command() -> click.Command:
    """Build ``allocator import``, a group with one command for each kind of export."""
    crm = Command(
        "crm",
        _import_crm,
        _("Make a first model from a CRM export."),
        _("FOLDER holds accounts, products, team and opportunities as CSV."),
        [
            click.Argument(["folder"], type=click.Path(path_type=Path)),
            click.Option(
                ["-o", "--output", "target"], required=True, metavar="MODEL", help=_("Folder of the new model.")
            ),
        ],
    )
    return CommandGroup("import", _("Make a first model from another system's data."), [crm])


def _import_crm(session: Session, folder: Path, target: str) -> None:
    from allocator.importing.crm import import_crm

    findings = import_crm(folder, Path(target))
    session.findings(findings)
    session.say(
        _("{path}: a first model from {source}. {tally}.").format(
            path=target, source=folder, tally=tally(counted(findings))
        )
    )
    session.say(
        _("What was assumed stands in its README.md. Next: {command}").format(command=f"allocator solve {target}")
    )
    session.answer({"status": "done", "path": target, "findings": rows_of(findings)})


def check_command() -> click.Command:
    """Build ``allocator check``."""
    short = _("Say what is wrong or doubtful in a model.")
    text = _("MODEL is a folder, a workbook or the name of a shipped model.")
    return Command("check", _check, short, text, [click.Argument(["model"])])


def _check(session: Session, model: str) -> None:
    from allocator.arithmetic import arithmetic
    from allocator.commands.language import chosen_language, language_of_model
    from allocator.reading import load

    path = find_model(model)
    session.speak(language_of_model(path))
    checked = load(path)
    session.speak(chosen_language(checked))
    found = (*checked.findings, *arithmetic(checked))
    session.findings(found, err=session.json)
    if any(f.severity == "error" for f in found):
        raise InfeasibleError(_("Hard rules of {model} are out of reach; the findings say which.").format(model=model))
    counts = counted(found)
    session.say(_("{model}: its tables are sound; {tally}.").format(model=model, tally=tally(counts)))
    session.answer({"status": "done", "model": checked.name, "counts": counts, "findings": rows_of(found)})
