"""OR-Tools' min-cost flow."""

from __future__ import annotations

from typing import Any

from allocator.engines.loading import load

SimpleMinCostFlow: Any = load("ortools.graph.python.min_cost_flow").SimpleMinCostFlow
