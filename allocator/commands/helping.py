"""What is done early and beside, so that an answer comes sooner: processes that are started, modules that are read ahead."""

from __future__ import annotations

import importlib
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from allocator.visits.beside import MOST, dating_crew

if TYPE_CHECKING:
    from allocator.crew import Crew
    from allocator.model import Model

LATER = (
    "allocator.visits.scheduling",
    "allocator.publishing",
    "allocator.auditing",
    "allocator.pages.planned",
    "jinja2",
    "allocator.reporting.summary",
)
"""Modules that are needed behind the first answer of an engine."""


def helpers(model: Model) -> AbstractContextManager[Crew | None]:
    """Start processes that date a model's visits and write its workbook; none for a small model or a very large one."""
    reps = len(model["reps"])
    crew = dating_crew(reps, None) if reps <= MOST else None
    if crew is None:
        return nullcontext()
    crew.start()
    return crew


class Ahead:
    """Reads modules in a thread of its own, at a time at which this process waits for an engine."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, the first time that it is called."""
        if self._thread is None:
            self._thread = threading.Thread(target=_read, daemon=True)
            self._thread.start()


def _read() -> None:
    for name in LATER:
        importlib.import_module(name)
    from allocator.pages.writing import packed_plotly

    packed_plotly()
