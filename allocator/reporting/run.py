"""The run folder: a plan on disk, all of it or nothing.

Files are written to a temporary folder beside the place of the run, which is then renamed; an older run moves to
``.old``.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocator.crew import Crew, ProcessStopped
from allocator.errors import AllocatorError, EngineError, Finding, InputError
from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.table_text import csv_parts
from allocator.schema.writing import write_tables
from allocator.texts import _

SUMMARY = "summary.json"
Meanwhile = Callable[[Path], Mapping[str, bytes]]
"""Makes more files of a run, by name, from the folder with its tables; they have no place in the summary's fingerprints."""
SYNCS = 4
"""Files for which threads wait until they are on the disk, at most at a time."""
MODEL = "model"
"""Folder of a run that holds its model: what was solved, scenarios included."""


def write_run(
    plan: Plan,
    folder: Path,
    *,
    parquet: bool = False,
    more: Mapping[str, pd.DataFrame] | None = None,
    crew: Crew | None = None,
    meanwhile: Meanwhile | None = None,
) -> dict[str, Any]:
    """Write a plan to a folder and return the content of its ``summary.json``.

    Tables are CSV files, or Parquet files where that is asked for (package ``pyarrow``); ``more`` are CSV files, by their path in the
    folder without ending. The workbook is made by a process of the ``crew``, where there is one that lives; ``meanwhile`` is called with
    the temporary folder as soon as it holds the tables, and whatever it raises comes when the run is written.

    A plan without tables (infeasible, or stopped at a limit) is written as its summary and findings alone.

    Raises
    ------
    InputError
        If the place holds something that is not a run.
    EngineError
        If the machine cannot write (a full disk, no permission); nothing is left half-written then.
    """
    check_place(folder)
    started = time.perf_counter()
    failed: AllocatorError | None = None
    more_files: Mapping[str, bytes] = {}
    with replacing(folder) as place, _writing() as write:
        tables = {**plan.tables, "findings": findings_frame(plan.findings)}
        book = _begun(crew, plan, tables)
        for name, frame in tables.items():
            if parquet:
                write(place / f"{name}.parquet", [frame.to_parquet(index=False)])
            else:
                write(place / f"{name}.csv", csv_parts(frame))
        for name, frame in (more or {}).items():
            path = place / f"{name}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, csv_parts(frame))
        if plan.tables:
            write_tables(plan.model, place / MODEL)
            if meanwhile is not None:
                try:
                    more_files = meanwhile(place)
                except AllocatorError as error:
                    failed = error
            write(place / "plan.xlsx", [_finished(book) or workbook_bytes(plan, tables)])
        summary = _with_write_time(plan.summary, time.perf_counter() - started)
        summary["files"] = hashes(place)
        for name, content in more_files.items():
            write(place / name, [content])
        write(place / SUMMARY, [summary_text(summary).encode()])
    if failed is not None:
        raise failed
    return summary


def workbook_bytes(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the content of ``plan.xlsx``."""
    from allocator.reporting.plan_workbook import workbook_bytes as made  # here, as it takes long to import

    return made(plan, tables)


def _begun(crew: Crew | None, plan: Plan, tables: Mapping[str, pd.DataFrame]) -> Future[bytes] | None:
    """Have the workbook made by another process, if there is one and a plan to show."""
    if crew is None or not plan.tables:
        return None
    try:
        return crew.submit(workbook_bytes, plan, tables)
    except ProcessStopped:
        return None


def _finished(book: Future[bytes] | None) -> bytes | None:
    """Return the workbook that another process makes; None if none does, or if it ended before."""
    try:
        return None if book is None else book.result()
    except ProcessStopped:
        return None


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a run but its summary, by path."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != SUMMARY:
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def open_run(folder: Path) -> tuple[Model, dict[str, Any]]:
    """Return the model of a run, under its name, and the content of its ``summary.json``.

    Raises
    ------
    InputError
        If the folder is no run with a plan, or its model was changed since.
    """
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        says = _("{folder} is not a run: it has no summary.json that can be read.").format(folder=folder)
        raise InputError([Finding("error", str(folder), "", "", "", "place", says)]) from error
    if not (folder / MODEL).is_dir():
        says = _("{folder} holds no plan ({status}).").format(folder=folder, status=summary.get("status"))
        raise InputError([Finding("error", str(folder), "", "", "", "place", says)])
    model = replace(load(folder / MODEL), name=str(summary["model"]))
    if model.sha256 != summary["inputs_sha256"]:
        says = _("The model in {folder} was changed after the run. Solve it again.").format(folder=folder)
        raise InputError([Finding("error", str(folder), "", "", "", "place", says)])
    return model, summary


def check_place(folder: Path, mark: str = SUMMARY) -> None:
    """Refuse a place that holds something other than a run, before any work is done for it.

    Parameters
    ----------
    mark : str
        File by which a folder of the kind is known.

    Raises
    ------
    InputError
        If ``folder`` is a file, or a folder that holds something and is no run.
    """
    try:
        free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    if not free and not (folder / mark).is_file():
        says = _("{folder} is there already and is not a run (it has no {file}). Choose another place with -o.")
        raise InputError([Finding("error", str(folder), "", "", "", "place", says.format(folder=folder, file=mark))])


def findings_frame(findings: tuple[Finding, ...]) -> pd.DataFrame:
    """Return findings as a frame, one row each, in the order of ``findings.csv``."""
    columns = ["severity", "table", "row", "column", "value", "rule", "says"]
    return pd.DataFrame([[getattr(f, c) for c in columns] for f in findings], columns=columns, dtype=object)


def summary_text(summary: Mapping[str, Any]) -> str:
    """Return a summary as JSON; what is not known is null."""
    return json.dumps(_plain(summary), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _with_write_time(summary: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    times = dict(summary.get("seconds") or {})
    times["write"] = seconds
    times["total"] = seconds + (times.get("total") or 0.0)
    return {**summary, "seconds": times}


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give a temporary folder that takes the place of ``folder`` if all goes well and vanishes if not.

    Raises
    ------
    EngineError
        If the machine cannot write.
    """
    folder = folder.absolute()
    stamp = f"{dt.datetime.now():%Y-%m-%dT%H%M%S.%f}"
    temporary = folder.parent / f".{folder.name}.{os.getpid()}.{stamp}"
    try:
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir()
            yield temporary
            _swap(temporary, folder, folder.parent / ".old" / f"{stamp[:-7]}-{folder.name}")
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise _cannot_write(folder, error) from error


def _swap(new: Path, place: Path, old: Path) -> None:
    """Move an older run away and the new one to its place; if that fails the older one comes back."""
    moved = place.exists() and any(place.iterdir())
    if moved:
        old.parent.mkdir(exist_ok=True)
        while old.exists():  # two runs within a second
            old = old.with_name(old.name + "+")
        place.rename(old)
    elif place.exists():
        place.rmdir()
    try:
        new.rename(place)
    except OSError:
        if moved:
            old.rename(place)
        raise
    sync_folder(place.parent)


def write_file(path: Path, parts: Iterable[bytes]) -> None:
    """Write a new file, and wait until it is on the disk."""
    with path.open("xb") as file:
        file.writelines(parts)
        file.flush()
        os.fsync(file.fileno())


def replace_file(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file in the place of an older one, whole or not at all."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.unlink(missing_ok=True)
        write_file(new, parts)
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


@contextmanager
def _writing() -> Iterator[Callable[[Path, Iterable[bytes]], None]]:
    """Give a function that does as :func:`write_file`, but for the waiting: threads do that, and the end waits for them."""
    with ThreadPoolExecutor(SYNCS) as pool:
        synced: list[Future[None]] = []

        def write(path: Path, parts: Iterable[bytes]) -> None:
            with path.open("xb") as file:
                file.writelines(parts)
            synced.append(pool.submit(_sync, path, os.O_RDWR))

        yield write
        for done in synced:
            done.result()


def _sync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    if os.name != "posix":  # elsewhere a folder cannot be opened
        return
    _sync(folder, os.O_RDONLY)


def _cannot_write(folder: Path, error: OSError) -> EngineError:
    says = _("Cannot write {folder}: {reason}. Nothing was left half-written.")
    return EngineError(says.format(folder=folder, reason=error.strerror or error))
