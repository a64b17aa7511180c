"""Fixed sums of quotas (section 5 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools
from allocator.auditing.people import People, below, numbers, words
from allocator.model import Model


@dataclass(frozen=True)
class Pin:
    """A fixed sum of quotas: its cut, shape (reps, products, months), its amount and its level."""

    cut: Bools
    amount: float
    level: str


def read_pins(model: Model, people: People, products: pd.Index[Any]) -> list[Pin]:
    """Read the pins of a model."""
    table = model.pins
    columns = (words(table[c]) for c in ("level", "unit", "rep", "product", "period"))
    out = []
    for level, unit, rep, product, period, amount in zip(*columns, numbers(table["amount"], 0.0), strict=True):
        who = np.ones(len(people.reps), bool)
        if unit:
            who &= below(model, people.units, [unit])
        if rep:
            who &= np.asarray(people.reps == rep)
        what = np.asarray(products == product) if product else np.ones(len(products), bool)
        when = np.isin(np.arange(len(people.months)), model.calendar.window(period))
        out.append(Pin(who[:, None, None] & what[None, :, None] & when[None, None, :], float(amount), str(level)))
    return out
