"""The plan that is in force: what was given to people, as a reference for the months that remain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.formulation.arrays import positions
from allocator.formulation.grain import Grain
from allocator.model import Model
from allocator.program import Floats


@dataclass(frozen=True)
class Published:
    """A plan in force.

    Attributes
    ----------
    model : Model
        That was planned.
    tables : mapping of str to DataFrame
        Its tables, as a run holds them.
    name : str
        How it is called: a folder, or the number of a version.
    in_force : DataFrame or None
        What was planned for months that were over before it was made (see :func:`allocator.reviewing.measuring.in_force`).
    """

    model: Model
    tables: Mapping[str, pd.DataFrame]
    name: str
    in_force: pd.DataFrame | None = None

    @property
    def past(self) -> tuple[str, ...]:
        """Months that were over when it was made: its tables say of them what happened."""
        return self.model.calendar.months[: self.model.past]

    def by_group(self, grain: Grain, column: str) -> Floats:
        """A column of ``effort`` by groups of a grain and months: clients take their part of their group's along."""
        effort, assigned = self.tables["effort"], self.tables["assignments"]
        clients = self.model["clients"].set_index("client")["count"]
        of = assigned.drop_duplicates("client")
        of = of.assign(count=of["client"].map(clients).astype(float))
        codes = pd.Index(effort["group"].unique())
        size = of.groupby("group")["count"].sum().reindex(codes).to_numpy(float)
        values = np.zeros((len(codes), grain.months))
        month = positions(grain.model.calendar.months, effort["month"])
        there = month >= 0
        values[codes.get_indexer(effort["group"])[there], month[there]] = effort[column].to_numpy(float)[there]
        now = grain.clients
        at = codes.get_indexer(of.set_index("client")["group"].reindex(now["client"]).fillna(""))
        here = at >= 0
        whole = np.append(size, 1.0)[at]
        part = np.where(here, now["count"].to_numpy(float) / np.maximum(whole, 1e-12), 0.0)
        out = np.zeros((len(grain.groups), grain.months))
        np.add.at(out, now["group"].to_numpy(int)[here], part[here, None] * values[at[here]])
        return out

    def spend(self, model: Model) -> Floats:
        """Money of each line of a model by month."""
        return self._laid(model, "budget", "line", model["budget"]["line"], "spend")

    def exact(self, cells: pd.DataFrame, grain: Grain, level: str, column: str = "exact") -> Floats:
        """Quotas of a level for cells (rep, product, month by position); 0 where there was none."""
        quotas = self.tables["quotas"]
        mine = quotas[quotas["level"] == level]
        keys = pd.MultiIndex.from_arrays([mine["rep"], mine["product"], mine["month"]])
        months = np.array(grain.model.calendar.months, object)
        wanted = pd.MultiIndex.from_arrays(
            [
                grain.people.code[cells["rep"].to_numpy(int)],
                grain.product[cells["product"].to_numpy(int)],
                months[cells["month"].to_numpy(int)],
            ]
        )
        found = keys.get_indexer(wanted)
        return np.where(found >= 0, np.append(mine[column].to_numpy(float), 0.0)[found], 0.0)

    def _laid(self, model: Model, table: str, key: str, codes: pd.Series, column: str) -> Floats:
        frame = self.tables[table]
        at, month = pd.Index(codes).get_indexer(frame[key]), positions(model.calendar.months, frame["month"])
        out = np.zeros((len(codes), model.calendar.count))
        some = (at >= 0) & (month >= 0)
        np.add.at(out, (at[some], month[some]), frame[column].to_numpy(float)[some])
        return out
