"""What money adds: pools of lift (section 3 of the mathematics)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Bools, Floats
from allocator.auditing.demand import points_of
from allocator.auditing.people import numbers, words
from allocator.model import Model


@dataclass(frozen=True)
class Pool:
    """Lift of one unit and product (blank: the company, every product), and what its lines bring each month."""

    unit: str
    product: str
    effect: Floats


def lift_pools(model: Model, spend: Floats, window: Bools) -> list[Pool]:
    """Pools of the lines with response points, and what the money of every month brings over the months it works.

    Parameters
    ----------
    spend : float array, shape (lines, months)
    window : bool array, shape (lines, months)
    """
    budget, table = model["budget"], model["responses"]
    driver, what = words(table["driver"]), words(table["product"])
    effects: dict[tuple[str, str], Floats] = {}
    for i, (line, unit, product) in enumerate(
        zip(*(words(budget[c]) for c in ("line", "unit", "product")), strict=True)
    ):
        mine = driver == line
        for p in sorted(set(what[mine])):
            rows = table[mine & (what == p)]
            effect = _effect(rows, spend[i], window[i])
            key = (unit, p or product)
            effects[key] = effects.get(key, np.zeros(len(effect))) + effect
    return [Pool(u, p, e) for (u, p), e in effects.items()]


def _effect(rows: pd.DataFrame, spend: Floats, window: Any) -> Floats:
    """Money of a month adds by the monthly curve, in equal parts over its month and those it carries on."""
    x, y = points_of(rows)
    months = max(int(window.sum()), 1)
    added = np.where(window, np.interp(spend, x / months, y / months), 0.0)
    carry = int(numbers(rows["carry_months"], 0.0).max())
    return np.convolve(added, np.full(carry + 1, 1 / (carry + 1)))[: len(added)]
