"""The registry of published plans.

``Registry(place)`` opens a SQLite file or a PostgreSQL database: ``publish`` a run, list ``versions``, ``get`` one, ``latest`` of
a model, ``plan`` or ``restore`` what was published, ``diff`` two, ``approve``.
"""

from __future__ import annotations

from allocator.registry.approving import Need, Vote
from allocator.registry.differing import VersionDiff
from allocator.registry.registry import Published, Registry
from allocator.registry.version import Step, Version

__all__ = ["Need", "Published", "Registry", "Step", "Version", "VersionDiff", "Vote"]
