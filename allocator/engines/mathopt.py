"""OR-Tools' MathOpt."""

from __future__ import annotations

from allocator.engines.loading import load

solver = load("ortools.math_opt.core.python.solver")
