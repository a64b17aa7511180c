"""The plan: the answer as frames, explained and audited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from allocator.errors import Finding, MissingValueError
from allocator.model import Model


@dataclass(frozen=True)
class GoalValue:
    """A goal's value in the plan and the best it could be when its turn came."""

    name: str
    value: float
    best: float


@dataclass(frozen=True)
class Plan:
    """What was decided, as the output files will hold it.

    Attributes
    ----------
    model : Model
    status : str
        optimal, feasible, infeasible, unbounded, limit or error.
    tables : mapping of str to DataFrame
        Frames under the names of the output files without their ending; empty unless optimal.
    goals : tuple of GoalValue
        In order, the effort program's first.
    summary : mapping
        Content of ``summary.json``.
    binding : DataFrame
        Rules that bind: rule (sentence), unit, labels (text), count.
    reasons : tuple of str
        For an infeasible model: sentences that say what contradicts what.
    findings : tuple of Finding
    """

    model: Model
    status: str
    tables: Mapping[str, pd.DataFrame]
    goals: tuple[GoalValue, ...]
    summary: Mapping[str, Any]
    binding: pd.DataFrame
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = field(default=())

    def __getitem__(self, table: str) -> pd.DataFrame:
        if table not in self.tables:
            raise MissingValueError(f"The plan is {self.status}; it has no table {table!r}.")
        return self.tables[table]

    @property
    def quotas(self) -> pd.DataFrame:
        """Quotas, one row per rep, product, month and level.

        Raises
        ------
        MissingValueError
            If the plan is not proved optimal.
        """
        return self["quotas"]
