"""What two versions differ in: their inputs cell by cell, and what they ask, spend and promise. Frames in, frames out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.plan import Plan
from allocator.registry.approving import share_moved
from allocator.registry.version import Version
from allocator.schema.dictionary import SETTINGS, dictionary
from allocator.schema.settings import setting_rows
from allocator.schema.writing import cell_texts

if TYPE_CHECKING:
    from allocator.scenarios.recording import Records


@dataclass(frozen=True)
class VersionDiff:
    """Two versions side by side.

    Attributes
    ----------
    before, after : Version
    model : Model
        Of the later version.
    moved : float
        Share of the base quotas that moves.
    tables : mapping of str to DataFrame
        ``inputs`` (table, key, column, before, after), ``kpis``, ``targets``, ``quotas`` (units and reps, by year, quarter and month),
        ``budget``, ``visits``, as ``docs/versions.md`` says; what is the same is left out.
    """

    before: Version
    after: Version
    model: Model
    moved: float
    tables: Mapping[str, pd.DataFrame]


def differences(before: Version, old: Plan, after: Version, new: Plan) -> VersionDiff:
    """Compare two versions, given their plans."""
    from allocator.comparing import differences as of_plans  # here, because it brings all that plans along
    from allocator.comparing.redating import visits

    tables = {
        "inputs": inputs(old.model, new.model),
        "kpis": of_plans.kpis(old, new),
        "targets": of_plans.targets(old, new),
        "quotas": of_plans.quotas(old, new, months=True),
        "budget": of_plans.budget(old, new),
        "visits": visits(old, new),
    }
    return VersionDiff(before, after, new.model, share_moved(old["quotas"], new["quotas"]), tables)


def inputs(old: Model, new: Model) -> pd.DataFrame:
    """Cells of the input that changed: table, key, column, before, after; a row that came or went has all its cells."""
    from allocator.scenarios.recording import COLUMNS, Records

    records = Records()
    settings = [dict(setting_rows(m.settings)) for m in (old, new)]
    for key in dict.fromkeys([*settings[0], *settings[1]]):
        a, b = (of.get(key, "") for of in settings)
        if a != b:
            records.setting("", key, a, b)
    for name in dictionary():
        _compare(records, name, old[name], new[name])
    changed = records.frame()
    assert set(changed["table"]) <= {SETTINGS, *dictionary()}
    return changed[list(COLUMNS[1:])]


def _compare(records: Records, name: str, old: pd.DataFrame, new: pd.DataFrame) -> None:
    """Record what became of the rows of a table."""
    names = list(dictionary()[name].key)
    places = []
    for frame in (old, new):
        texts = pd.DataFrame({c: cell_texts(frame[c]) for c in names}, index=frame.index, dtype=object)
        places.append(pd.MultiIndex.from_frame(texts) if len(texts) else pd.MultiIndex.from_arrays([[]] * len(names)))
    at = places[0].get_indexer(places[1])
    stay = np.flatnonzero(at >= 0)
    gone = np.setdiff1d(np.arange(len(old)), at[stay])
    if gone.size:
        records.gone("", name, old.iloc[gone])
    if stay.size:
        rows, after = old.iloc[at[stay]], new.iloc[stay]
        for column in old.columns:
            records.cells("", name, rows, column, after[column])
    come = np.flatnonzero(at < 0)
    if come.size:
        records.come("", name, new.iloc[come])
