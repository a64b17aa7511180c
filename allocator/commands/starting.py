"""A new model: five tables with a row each, or a copy of another model."""

from __future__ import annotations

import csv
import datetime as dt
import io
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from allocator.errors import EngineError, Finding, InputError
from allocator.places import shipped, shipped_models
from allocator.schema.dictionary import dictionary, table_named
from allocator.texts import _, current_language

Row = Mapping[str, str | float]

SETTINGS: dict[str, str | float] = {"months": 12, "country": "CN", "currency": "CNY", "money_unit": "元"}

LEFT_BEHIND = shutil.ignore_patterns(".*", "runs", "__pycache__", "~$*")
"""What is not part of a model though it may lie in its folder."""


def start_model(target: Path) -> list[str]:
    """Write the tables that every model needs, with an example row each, and return their names.

    Raises
    ------
    InputError
        If the target is there already.
    EngineError
        If the machine cannot write.
    """
    tables = _examples()
    if target.suffix.lower() == ".xlsx":
        _create(target, lambda path: _write_example(path, tables))
    else:
        _create(target, lambda path: _write_folder(path, tables))
    return list(tables)


def copy_model(source: Path, target: Path, form: str | None = None) -> None:
    """Copy a model: folder to folder, workbook to workbook, or one to the other.

    Parameters
    ----------
    source, target : Path
    form : {"csv", "parquet"}, optional
        What the tables of a folder become; as they are by default.

    Raises
    ------
    InputError
        If the target is there already, or the source cannot be read.
    EngineError
        If the machine cannot write.
    """
    to_workbook = target.suffix.lower() == ".xlsx"
    if source.is_dir() and not to_workbook:
        _create(target, lambda path: _copy_folder(source, path, form))
        if shipped_models().get(source.name) == source:
            _copy_scenarios(source.name, target)
    elif source.is_file() and to_workbook:
        _create(target, lambda path: shutil.copyfile(source, path))
    else:
        from allocator.reading import load, write_tables, write_workbook

        model = load(source)
        if to_workbook:
            _create(target, lambda path: write_workbook(model, path))
        else:
            _create(target, lambda path: write_tables(model, path, parquet=form == "parquet"))


def _copy_scenarios(name: str, target: Path) -> None:
    """Copy the scenarios that ship for a model beside the copy, which they then apply to whatever its name."""
    files = sorted((shipped("scenarios") / name).glob("*.yaml"))
    if not files or (target / "scenarios").exists():
        return
    (target / "scenarios").mkdir()
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        own = [line for line in lines if not line.startswith("models:")]
        (target / "scenarios" / file.name).write_text("".join(own), encoding="utf-8")


def _create(target: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file or folder beside the target, then give it the target's name."""
    absolute = target.absolute()
    temporary = absolute.parent / f".{absolute.name}.{dt.datetime.now():%H%M%S%f}{absolute.suffix}"
    try:
        try:
            if target.exists() and not (target.is_dir() and not any(target.iterdir())):
                says = _("{path} is there already. Choose another name, or remove it first.").format(path=target)
                raise InputError([Finding("error", str(target), "", "", "", "place", says)])
            absolute.parent.mkdir(parents=True, exist_ok=True)
            write(temporary)
            if absolute.is_dir():
                absolute.rmdir()
            temporary.rename(absolute)
        finally:
            _remove(temporary)
    except OSError as error:
        says = _("Cannot write {folder}: {reason}. Nothing was left half-written.")
        raise EngineError(says.format(folder=target, reason=error.strerror or error)) from error


def _write_example(path: Path, tables: Mapping[str, Row]) -> None:
    """Write the tables as a workbook."""
    from allocator.reading import load, write_workbook

    with tempfile.TemporaryDirectory() as folder:
        _write_folder(Path(folder) / "model", tables)
        write_workbook(load(Path(folder) / "model"), path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _copy_folder(source: Path, target: Path, form: str | None) -> None:
    # Contents alone: what is read-only where it was installed is there to be changed here.
    shutil.copytree(source, target, ignore=LEFT_BEHIND, copy_function=shutil.copyfile)
    if form is not None:
        from allocator.reading import load, write_tables
        from allocator.schema.files import READERS

        model = load(source)
        named = [f for f in target.iterdir() if table_named(f.stem)]
        settings = {f: f.read_bytes() for f in named if f.suffix.casefold() in (".yaml", ".yml")}
        for file in [f for f in named if f.suffix.casefold() in READERS]:
            file.unlink()
        write_tables(model, target, parquet=form == "parquet")
        if settings:  # as they were written, notes and all
            (target / "model.yaml").unlink()
            for file, content in settings.items():
                file.write_bytes(content)


def _examples() -> dict[str, Row]:
    """Return an example row of each required table; together they are a model that can be solved."""
    return {
        "reps": {"rep": "R1", "name": _("Rep One"), "unit": _("Sales")},
        "products": {"product": "P1", "name": _("Product One"), "margin": 0.3},
        "clients": {"client": "C1", "name": _("Client One"), "tier": "A", "owner": "R1"},
        "demand": {"client": "C1", "product": "P1", "expected": 100000, "ceiling": 150000},
        "targets": {"target": "revenue", "metric": "revenue", "at_least": 100000},
    }


def _settings() -> dict[str, str | float]:
    title, start = _("My first plan"), f"{dt.date.today().year}-01"
    return {"title": title, "start": start, **SETTINGS, "language": current_language()}


def _headings(table: str) -> list[str]:
    columns = dictionary()[table].columns.values()
    if current_language() == "zh":
        return [c.aliases[0] if c.aliases else c.name for c in columns]
    return [c.name for c in columns]


def _write_folder(folder: Path, tables: Mapping[str, Row]) -> None:
    folder.mkdir()
    settings = "".join(
        f'{key}: "{value}"\n' if key == "start" else f"{key}: {value}\n" for key, value in _settings().items()
    )
    (folder / "model.yaml").write_text(settings, encoding="utf-8")
    # With Chinese headings a spreadsheet program needs the mark at the beginning to read UTF-8.
    encoding = "utf-8-sig" if current_language() == "zh" else "utf-8"
    for table, row in tables.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_headings(table))
        writer.writerow([row.get(name, "") for name in dictionary()[table].columns])
        (folder / f"{table}.csv").write_text(text.getvalue(), encoding=encoding)
