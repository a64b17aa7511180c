"""The schedule: who is seen, when, by whom. See ``docs/schedule.md``.

``allocator.visits.schedule(model, tables)`` dates the visits of a plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allocator.visits.answer import Schedule
    from allocator.visits.scheduling import schedule, stream

__all__ = ["Schedule", "schedule", "stream"]

_HOMES = {
    "Schedule": "allocator.visits.answer",
    "schedule": "allocator.visits.scheduling",
    "stream": "allocator.visits.scheduling",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: worker processes need little of it."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
