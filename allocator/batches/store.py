"""The folder of a batch: results by hash, each there whole or not at all, and one batch at work in it at a time."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from filelock import FileLock, Timeout

from allocator.batches.journal import Journal
from allocator.batches.work import IDENTITY
from allocator.errors import EngineError
from allocator.reporting.run import SUMMARY, check_place, sync_folder, write_file
from allocator.texts import _

JOURNAL = "journal.jsonl"
RESULTS = "results"
LOCK = ".lock"
NEW = ".new-"
"""Beginning of the name of what is being written."""


class Store:
    """The folder of a batch, while this process alone works in it.

    Attributes
    ----------
    folder : Path
    journal : Journal
    """

    def __init__(self, folder: Path, journal: Journal) -> None:
        self.folder, self.journal = folder, journal
        self._results = folder / RESULTS

    def place(self, key: str) -> Path:
        """Folder of a result."""
        return self._results / key

    def summary(self, key: str) -> dict[str, Any] | None:
        """Content of a result's ``summary.json``; None where there is no result that can be read."""
        try:
            identity = json.loads((self.place(key) / IDENTITY).read_text(encoding="utf-8"))
            summary = json.loads((self.place(key) / SUMMARY).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return summary if identity.get("hash") == key and isinstance(summary, dict) else None

    def keep(self, key: str, files: Mapping[str, bytes]) -> None:
        """Write a result beside its place, wait until it is on the disk, and move it there."""
        new = self._results / f"{NEW}{key}"
        shutil.rmtree(new, ignore_errors=True)
        folders = {new, *(new / PurePosixPath(name).parent for name in files)}
        for folder in sorted(folders):
            folder.mkdir(exist_ok=True)
        for name, content in files.items():
            write_file(new / name, [content])
        for folder in folders:
            sync_folder(folder)
        self.forget(key)
        new.rename(self.place(key))
        sync_folder(self._results)

    def forget(self, key: str) -> None:
        """Remove a result: out of its place first, so that half of it is never taken for one."""
        place = self.place(key)
        if place.exists():
            old = self._results / f"{NEW}{key}-old"
            shutil.rmtree(old, ignore_errors=True)
            place.rename(old)
            sync_folder(self._results)
            shutil.rmtree(old)

    def replace(self, name: str, parts: Iterable[bytes]) -> None:
        """Put a file in the place of an older one in one step."""
        new = self.folder / f"{NEW}{name}"
        new.unlink(missing_ok=True)
        write_file(new, parts)
        new.replace(self.folder / name)
        sync_folder(self.folder)

    def clean(self) -> None:
        """Remove what a killed run was writing."""
        for left in [*self.folder.glob(f"{NEW}*"), *self._results.glob(f"{NEW}*")]:
            if left.is_dir():
                shutil.rmtree(left)
            else:
                left.unlink()


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """Give the folder of a batch to this process alone; the lock goes with the process, however that ends.

    Raises
    ------
    InputError
        If the folder holds something else.
    EngineError
        If another batch is at work in it, or it cannot be written.
    """
    check_place(folder, JOURNAL)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / JOURNAL).touch()  # before all else: by it the folder is known
        (folder / RESULTS).mkdir(exist_ok=True)
        with FileLock(folder / LOCK, timeout=0), Journal(folder / JOURNAL) as journal:
            sync_folder(folder)
            store = Store(folder, journal)
            store.clean()
            yield store
    except Timeout as error:
        says = _("Another batch is at work in {folder}. Wait for it, or choose another place with -o.")
        raise EngineError(says.format(folder=folder)) from error
    except OSError as error:
        says = _("Cannot write {folder}: {reason}. What is done is kept; the same command goes on.")
        raise EngineError(says.format(folder=folder, reason=error.strerror or error)) from error
