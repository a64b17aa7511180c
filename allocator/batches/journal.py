"""The journal of a batch: one line for each event, on the disk before the next step is taken."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Journal:
    """Appends events to a file, and knows those that are in it.

    A line that was being written when the machine stopped is cut off; what it told is done again.

    Parameters
    ----------
    path : Path
        Made if it is not there.

    Attributes
    ----------
    failed : dict of str to str
        Reason of each failure that holds, by the hash of its case.
    attempts : dict of str to int
        How often each case was begun.
    done : set of str
        Hashes whose result was reported.
    """

    def __init__(self, path: Path) -> None:
        self.failed: dict[str, str] = {}
        self.attempts: dict[str, int] = {}
        self.done: set[str] = set()
        path.touch()
        self._file = path.open("r+b")
        for event in self._read():
            self._take(event)

    def _read(self) -> Iterator[dict[str, Any]]:
        """Events of the file; leaves it ready to be appended to, without what was torn at its end."""
        sound = at = 0
        for line in self._file:
            at += len(line)
            event = _parsed(line)
            if event is not None:
                sound = at
                yield event
        self._file.truncate(sound)
        self._file.seek(sound)

    def _take(self, event: dict[str, Any]) -> None:
        key = str(event.get("hash", ""))
        match event["event"]:
            case "begin":
                self.attempts[key] = self.attempts.get(key, 0) + 1
            case "done":
                self.done.add(key)
                self.failed.pop(key, None)
            case "failed":
                self.failed[key] = str(event["reason"])
            case "again":
                self.failed.pop(key, None)
                self.done.discard(key)

    def write(self, event: str, **details: object) -> None:
        """Append an event, and wait until it is on the disk."""
        whole = {"event": event, "at": dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds"), **details}
        self._file.write(json.dumps(whole, ensure_ascii=False).encode() + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(whole)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _parsed(line: bytes) -> dict[str, Any] | None:
    """A whole line's event; None for a line that was torn."""
    if not line.endswith(b"\n"):
        return None
    try:
        event = json.loads(line)
    except ValueError:  # zeros that a power cut left, or half a letter
        return None
    return event if isinstance(event, dict) and "event" in event else None
