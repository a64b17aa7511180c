"""A run folder that is to be published: sound, proved, audited, and as it was written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allocator.errors import EngineError
from allocator.model import Model
from allocator.registry.database import refused
from allocator.registry.reading import run_tables
from allocator.reporting.run import SUMMARY, open_run
from allocator.reporting.words import STATUSES
from allocator.texts import _

SHOWN = 5
"""Files named in a message."""

PAGE = "report.html"
"""The report of a run is no part of what is published: it is made from the run, in any language, whenever somebody wants it."""

SAME = 1e-6
"""Relative difference between a figure of the summary and the same figure recomputed."""


@dataclass(frozen=True)
class File:
    """A file of a run: its path in it, its content's hash and length."""

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Candidate:
    """A run that may be published.

    Attributes
    ----------
    folder : Path
    model : Model
    summary : dict
        Content of ``summary.json``.
    files : tuple of File
        In the order of their paths.
    recorded : bool
        Whether the run recorded the hashes of its files, so that every one was compared.
    left_out : tuple of str
        Files in the folder that are none of the run's.
    """

    folder: Path
    model: Model
    summary: dict[str, Any]
    files: tuple[File, ...]
    recorded: bool
    left_out: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """Hash of all paths and contents."""
        return content_hash(self.files)


def content_hash(files: tuple[File, ...]) -> str:
    """Return the hash of a run's paths and contents."""
    lines = "".join(f"{f.sha256} {f.size} {f.path}\n" for f in sorted(files, key=lambda f: f.path))
    return hashlib.sha256(lines.encode()).hexdigest()


def candidate(folder: Path) -> Candidate:
    """Look at a run: whether it may be published.

    Raises
    ------
    InputError
        If it is no run, has no proved plan, breaks a rule of the audit, or was changed since it was written.
    EngineError
        If it cannot be read.
    """
    try:
        model, summary = open_run(folder)
        _check_status(folder, summary)
        files = tuple(f for f in _files(folder) if f.path != PAGE)
        recorded, left_out = _check_files(folder, files, summary)
        _check_plan(folder, model, summary)
    except OSError as error:
        says = _("Cannot read {folder}: {reason}.").format(folder=folder, reason=error.strerror or error)
        raise EngineError(says) from error
    kept = tuple(f for f in files if f.path not in left_out)
    return Candidate(folder, model, summary, kept, recorded, left_out)


def _files(folder: Path) -> Iterator[File]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        yield File(path.relative_to(folder).as_posix(), digest, path.stat().st_size)


def _check_status(folder: Path, summary: dict[str, Any]) -> None:
    if summary.get("status") != "optimal":
        status = _(STATUSES.get(str(summary.get("status")), str(summary.get("status"))))
        says = _("{folder} is not published: its plan is not proved ({status}).")
        raise refused(str(folder), says.format(folder=folder, status=status))


def _check_files(folder: Path, files: tuple[File, ...], summary: dict[str, Any]) -> tuple[bool, tuple[str, ...]]:
    """Compare the files with those that the run recorded; return whether it did, and what else lies in the folder."""
    known = summary.get("files")
    if not isinstance(known, dict):
        return False, tuple(f.path for f in files if any(part.startswith((".", "~$")) for part in f.path.split("/")))
    here = {f.path: f.sha256 for f in files if f.path != SUMMARY}
    changed = [name for name, sha in known.items() if here.get(name, sha) != sha]
    gone = [name for name in known if name not in here]
    if changed or gone:
        listed = _(", ").join([*changed, *gone][:SHOWN]) + (" …" if len(changed) + len(gone) > SHOWN else "")
        says = _("{folder} is not published: files were changed or taken away after the run: {files}. Solve it again.")
        raise refused(str(folder), says.format(folder=folder, files=listed))
    return True, tuple(name for name in here if name not in known)


def _check_plan(folder: Path, model: Model, summary: dict[str, Any]) -> None:
    """Audit the files once more, whatever the summary says, and compare its key figures with those of the files."""
    from allocator.auditing import examine

    found, figures = examine(model, run_tables(folder))
    claimed = (summary.get("audit") or {}).get("violations")
    if claimed or not found.clean:
        sentences = [_(str(s)) for s in found.violations["sentence"].drop_duplicates()]
        says = _("{folder} is not published: the audit refuses the plan.").format(folder=folder)
        for sentence in sentences[:SHOWN]:
            says += "\n  " + sentence
        raise refused(str(folder), says)
    told = summary.get("kpis") or {}
    for name, value in figures.items():
        stated = told.get(name)
        if stated is None or abs(float(stated) - value) > SAME * max(abs(value), 1.0):
            says = _("{folder} is not published: {name} in summary.json is {stated}, and {value} by its tables.")
            raise refused(str(folder), says.format(folder=folder, name=name, stated=stated, value=f"{value:.10g}"))
