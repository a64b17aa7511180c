"""Checks of rows against each other, on typed tables."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocator.model import Settings
from allocator.schema.dictionary import dictionary
from allocator.schema.findings import Report
from allocator.schema.tables import check_columns, empty

Frames = Mapping[str, pd.DataFrame]
COMPANY = "company"


def complete(frames: Frames) -> dict[str, pd.DataFrame]:
    """Fill what an empty table means: units that the reps name under one company, tiers without a promise."""
    done = dict(frames)
    if done["units"].empty:
        done["units"] = _units(done["reps"]["unit"])
    if done["tiers"].empty:
        done["tiers"] = _tiers(done["clients"]["tier"])
    return done


def _units(named: pd.Series) -> pd.DataFrame:
    codes = sorted(set(named) - {"", COMPANY})
    if not codes and not (named == COMPANY).any():
        return empty("units")
    rows = [(COMPANY, "", "company"), *((code, COMPANY, "team") for code in codes)]
    frame = pd.DataFrame(rows, columns=["unit", "parent", "kind"]).astype("str")
    return frame.sort_values("unit", ignore_index=True)


def _tiers(named: pd.Series) -> pd.DataFrame:
    frame = empty("tiers")
    codes = sorted(set(named) - {""})
    texts = {"tier": codes, "per": ["month"] * len(codes)}
    content = {c: texts.get(c, [0] * len(codes)) for c in frame.columns}
    return pd.DataFrame(content).astype(frame.dtypes.to_dict())


def check_tables(settings: Settings, frames: Frames, report: Report) -> None:
    """Check everything; findings go to ``report``."""
    for name in dictionary():
        check_columns(name, frames[name], report)
