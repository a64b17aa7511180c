"""Write a new model: its tables, its settings and its README, whole or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path

import yaml

from allocator.errors import EngineError, Finding
from allocator.importing.assumptions import Assumptions
from allocator.importing.building import Draft
from allocator.importing.export import Log
from allocator.importing.facts import Facts
from allocator.importing.readme import readme_text
from allocator.reading import load
from allocator.texts import _

IMPORTED = "import"
"""Folder of a model in which its last import stands as it was, so that the next one can tell what was changed by hand."""


def refuse_target(target: Path, log: Log) -> None:
    """Note an error if something stands where the model is to be written."""
    taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    if taken:
        says = _("{target} exists and is not empty. Give another folder, or remove it first.").format(target=target)
        log.findings.append(Finding("error", str(target), "", "", "", "target", says))


def write_model(target: Path, draft: Draft, facts: Facts, assumptions: Assumptions, log: Log) -> None:
    """Write the model into a folder beside its place, see that it can be read, and put it in its place.

    Raises
    ------
    InputError
        If the model that was built breaks a rule of the dictionary, which the export must have caused.
    EngineError
        If the disk does not take it.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as made:
            folder = Path(made) / target.name
            write_tables(folder, draft)
            write_tables(folder / IMPORTED, draft)
            readme = readme_text(draft, facts, assumptions, log.findings)
            (folder / "README.md").write_text(readme, encoding="utf-8", newline="\n")
            load(folder)
            with contextlib.suppress(FileNotFoundError):
                target.rmdir()
            shutil.move(folder, target)
    except OSError as error:
        says = _("{target} cannot be written: {reason}").format(target=target, reason=error.strerror or error)
        raise EngineError(says) from error


def write_tables(folder: Path, draft: Draft) -> None:
    """Write the settings and tables of a draft to a new folder."""
    folder.mkdir()
    settings = yaml.safe_dump(draft.settings, sort_keys=False, allow_unicode=True)
    (folder / "model.yaml").write_text(settings, encoding="utf-8", newline="\n")
    for name, table in draft.tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            table.to_csv(file, index=False, lineterminator="\n", float_format=_number)


def _number(value: object) -> str:
    """Shortest text that reads back as the same number."""
    return str(value).removesuffix(".0")
