"""Optimise sales targets and resources: quotas, visits and budgets in one feasible plan.

``allocator.load(path)`` reads a model, ``allocator.solve(model)`` plans it, ``allocator.Replanner(model)`` plans others like it
from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allocator.model import Model
    from allocator.plan import Plan
    from allocator.reading import load
    from allocator.replanning import Replanner
    from allocator.solving import solve

__all__ = ["Model", "Plan", "Replanner", "load", "solve"]

_HOMES = {
    "Model": "allocator.model",
    "Plan": "allocator.plan",
    "Replanner": "allocator.replanning",
    "load": "allocator.reading",
    "solve": "allocator.solving",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: the command line must start quickly."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
