"""What tests of the schedule share."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from allocator.model import Model
from allocator.visits import Schedule


@dataclass(frozen=True)
class Dated:
    """A plan and its schedule."""

    model: Model
    tables: dict[str, pd.DataFrame]
    schedule: Schedule
