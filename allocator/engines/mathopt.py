"""OR-Tools' MathOpt, loaded so that two HiGHS libraries live in one process.

PuLP makes highspy's symbols global when it is imported. OR-Tools, if it comes after, would take those for its own
HiGHS and crash. So whoever imports PuLP here imports this first; and if a program has imported PuLP before us,
OR-Tools is told to look into its own libraries first.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType


def _load() -> ModuleType:
    name = "ortools.math_opt.core.python.solver"
    deep = getattr(os, "RTLD_DEEPBIND", None)
    if deep is None or "pulp" not in sys.modules:
        return importlib.import_module(name)
    flags = sys.getdlopenflags()
    sys.setdlopenflags(flags | deep)
    try:
        return importlib.import_module(name)
    finally:
        sys.setdlopenflags(flags)


solver = _load()
