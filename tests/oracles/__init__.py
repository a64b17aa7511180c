"""The mathematics once more, in plain code that shares nothing with the engine: one cell at a time, for tiny models."""

from oracles.effort import Effort
from oracles.linear import Infeasible
from oracles.quotas import quota_goals
from oracles.targets import effort_goals

__all__ = ["Effort", "Infeasible", "effort_goals", "quota_goals"]
