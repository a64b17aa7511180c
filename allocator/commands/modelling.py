"""Commands about models: ``new``, ``import crm``, ``check``."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.commands.common import Command, CommandGroup, Session, counted, rows_of, show, tally
from allocator.commands.loading import load_model, scenario_option
from allocator.errors import EngineError, InfeasibleError, InputError
from allocator.places import PACKAGE, find_model, shipped_models
from allocator.texts import _

if TYPE_CHECKING:
    import pandas as pd


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
            click.Option(
                ["--format", "form"],
                type=click.Choice(["csv", "parquet"]),
                help=_("With --from: what the tables of the copy are; else as they are there."),
            ),
        ],
    )


def _new(session: Session, path: str, source: str | None, form: str | None) -> None:
    from allocator.commands.starting import copy_model, start_model

    target = Path(path)
    if form is not None and (source is None or target.suffix.lower() == ".xlsx"):
        raise click.UsageError(_("--format is for copies of a model into a folder: name the model with --from."))
    if form == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise EngineError(_("Parquet needs a library: pip install 'sales-allocator[parquet]'."))
    if source is None:
        tables = start_model(target)
        text = _("{path}: a model to start from, with the tables {tables}.").format(path=path, tables=", ".join(tables))
    else:
        copy_model(find_model(source), target, form)
        text = _("{path}: a copy of {source}.").format(path=path, source=source)
    session.say(text)
    session.say(_("Next: {command}").format(command=f"allocator solve {path}"))
    session.answer({"status": "done", "path": path, "from": source})


def import_command() -> click.Command:
    """Build ``allocator import``, a group with one command for each kind of export."""
    crm = Command(
        "crm",
        _import_crm,
        _("Make a first model from a CRM export, or bring one up to date."),
        _(
            "SOURCE is a folder, several CSV files, or a workbook: accounts, products, team and opportunities. "
            "Into a model that an import has made, only what changed is taken over; what was changed by hand stays."
        ),
        [
            click.Argument(["source"], nargs=-1, required=True, type=click.Path(path_type=Path)),
            click.Option(["-o", "--output", "target"], required=True, metavar="MODEL", help=_("Folder of the model.")),
            click.Option(
                ["--mapping"],
                metavar="FILE",
                help=_("What the system calls its headings: {names}, or a file like these.").format(
                    names=", ".join(shipped_mappings())
                ),
            ),
        ],
    )
    return CommandGroup("import", _("Make a first model from another system's data."), [crm])


def shipped_mappings() -> tuple[str, ...]:
    """Names of the mappings that ship."""
    return tuple(sorted(p.stem for p in (PACKAGE / "importing" / "mappings").glob("*.yaml")))


def _import_crm(session: Session, source: tuple[Path, ...], target: str, mapping: str | None) -> None:
    from allocator.importing.crm import import_crm
    from allocator.importing.mapping_files import find_mapping
    from allocator.importing.updating import last_changes

    before = last_changes(Path(target))
    findings = import_crm(list(source), Path(target), mapping=find_mapping(mapping) if mapping else None)
    session.findings(findings)
    changes = last_changes(Path(target))
    place = ", ".join(map(str, source))
    if before is None:
        says = _("{path}: a first model from {source}. {tally}.")
        session.say(says.format(path=target, source=place, tally=tally(counted(findings))))
        says = _("What was assumed stands in its README.md. Next: {command}")
        session.say(says.format(command=f"allocator solve {target}"))
    else:
        session.say(_("{path}: brought up to date from {source}.").format(path=target, source=place))
        _tell_changes(session, target, changes)
    session.answer({
        "status": "done",
        "path": target,
        "findings": rows_of(findings),
        "changes": [] if changes is None else changes.to_dict("records"),
    })  # fmt: skip


def _tell_changes(session: Session, target: str, changes: pd.DataFrame | None) -> None:
    """Say how much an import changed, table by table."""
    from rich.table import Table

    if changes is None or changes.empty:
        session.say(_("Nothing has changed."))
        return
    if session.json or session.quiet:
        return
    names = {
        "added": _("new rows"),
        "removed": _("rows gone"),
        "changed": _("cells changed"),
        "kept": _("kept as you have it"),
    }
    counts = changes.pivot_table("key", "table", "what", aggfunc="size", fill_value=0).reindex(
        columns=list(names), fill_value=0
    )
    grid = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    grid.add_column(_("table"))
    for heading in names.values():
        grid.add_column(heading, justify="right")
    for table, row in counts.iterrows():
        grid.add_row(str(table), *(f"{n:,}" if n else "–" for n in row))
    show(grid)
    session.say(_("{path}: every row and cell").format(path=f"{target}/import/changes.csv"))


def check_command() -> click.Command:
    """Build ``allocator check``."""
    short = _("Say what is wrong or doubtful in a model.")
    text = _("MODEL is a folder, a workbook or the name of a shipped model.")
    marking = click.Option(
        ["--mark"],
        is_flag=True,
        help=_(
            "Also write a workbook here, NAME-marked.xlsx, in which wrong cells are coloured and say what is wrong."
        ),
    )
    return Command("check", _check, short, text, [click.Argument(["model"]), scenario_option(), marking])


def _check(session: Session, model: str, scenario: str | None, mark: bool) -> None:
    from allocator.arithmetic import arithmetic

    path = find_model(model)
    try:
        checked = load_model(session, path, scenario, findings=False).model
    except InputError:
        if mark:
            _mark(session, path)
        raise
    if mark:
        _mark(session, path)
    found = (*checked.findings, *arithmetic(checked))
    session.findings(found, err=session.json)
    if any(f.severity == "error" for f in found):
        raise InfeasibleError(_("Hard rules of {model} are out of reach; the findings say which.").format(model=model))
    counts = counted(found)
    session.say(_("{model}: its tables are sound; {tally}.").format(model=model, tally=tally(counts)))
    session.answer({"status": "done", "model": checked.name, "counts": counts, "findings": rows_of(found)})


def _mark(session: Session, path: Path) -> None:
    """Write the copy in which findings are marked; an older one stays as it is."""
    from allocator.reporting.marking import all_findings, mark

    findings = [f for f in all_findings(path) if f.severity != "note"]
    if not findings:
        session.say(_("{model}: nothing to mark.").format(model=path.name))
        return
    target = Path(f"{path.resolve().stem}-marked.xlsx")
    number = 1
    while target.exists():
        number += 1
        target = target.with_name(f"{path.resolve().stem}-marked-{number}.xlsx")
    cells = mark(path, findings, target)
    session.say(
        _("{path}: the tables with {cells} marked cells; its first sheet lists what is wrong.").format(
            path=target, cells=cells
        )
    )


def scenarios_command() -> click.Command:
    """Build ``allocator scenarios``."""
    short = _("List the scenarios that apply to a model.")
    text = _("MODEL is a folder, a workbook or the name of a shipped model. Several hold together as A+B.")
    return Command("scenarios", _scenarios, short, text, [click.Argument(["model"])])


def _scenarios(session: Session, model: str) -> None:
    from rich.table import Table

    from allocator.scenarios.reading import list_scenarios

    loaded = load_model(session, find_model(model), findings=False)
    found = list_scenarios(loaded.model)
    rows = [{"scenario": s.name, "title": s.title, "steps": len(s.steps)} for s in found]
    if not session.json and not session.quiet:
        grid = Table.grid(padding=(0, 2, 0, 0))
        for row in rows:
            grid.add_row(str(row["scenario"]), str(row["title"]))
        show(grid)
    if not rows:
        session.say(_("No scenario applies to {model}.").format(model=model))
    session.answer({"status": "done", "model": loaded.model.name, "scenarios": rows})
