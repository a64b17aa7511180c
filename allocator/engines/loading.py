"""OR-Tools' libraries, loaded so that two HiGHS libraries live in one process.

PuLP makes highspy's symbols global when it is imported. OR-Tools, if it comes after, would take those for its own
HiGHS and crash. So whoever imports PuLP here imports OR-Tools first; and if a program has imported PuLP before us,
OR-Tools is told to look into its own libraries first, whichever of its modules comes first.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType


def load(name: str) -> ModuleType:
    """Import a module of OR-Tools that is a library."""
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is None or "pulp" not in sys.modules:
        return importlib.import_module(name)
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | deep)
    try:
        return importlib.import_module(name)
    finally:
        sys.setdlopenflags(flags)
