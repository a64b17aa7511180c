"""The arithmetic of a clash: by how much each of its items would have to give way if the others hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocator.errors import EngineError
from allocator.explaining.clashing import GIVES, Clash, Elastic
from allocator.explaining.rulebook import Item, Rulebook
from allocator.program import Floats

SEEN = 1e-7
"""Slack, in the size of its atom, from which it is seen."""


@dataclass(frozen=True)
class Missing:
    """An item of a clash, and what is missing.

    Attributes
    ----------
    item : Item
        Months of it taken together.
    gap : float
        By how much it would have to give way if all others hold, in its measure; positive: up, negative: down; NaN if not known.
    where : tuple of (Item, float)
        Parts of it in which that is, the largest first.
    """

    item: Item
    gap: float
    where: tuple[tuple[Item, float], ...] = ()

    @property
    def needs(self) -> float:
        """What it would have to be."""
        return self.item.held + self.gap


def arithmetic_of(clash: Clash, elastic: Elastic) -> tuple[Missing, ...]:
    """Say what is missing for each item of a clash, from the least sum by which it must give way while the others hold."""
    lines = elastic.book.lines(clash.items)
    if clash.whole:
        return tuple(Missing(item, np.nan) for item in lines)
    return tuple(_missing(item, [other for other in lines if other is not item], elastic) for item in lines)


def _missing(item: Item, others: Sequence[Item], elastic: Elastic) -> Missing:
    atoms = elastic.book.atoms
    held, mine = elastic.book.mask(others), elastic.book.mask([item])
    natural = (atoms["size"] * atoms["factor"]).to_numpy(float)
    scale = float(natural[mine].mean())
    costs = np.where(mine, natural / scale, 0.0)
    try:
        solution = elastic.least(costs, np.where(held, 0.0, np.inf))
    except EngineError:  # the others hold to the last digits only
        solution = elastic.least(costs, np.where(held, GIVES, np.inf))
    assert solution.x is not None
    slack = solution.x[elastic.slacks]
    away = -atoms["side"].to_numpy(float) * natural * np.where(mine & (slack > SEEN), slack, 0.0)
    return Missing(item, float(away.sum()), _where(item, away, elastic.book))


def _where(item: Item, away: Floats, book: Rulebook) -> tuple[tuple[Item, float], ...]:
    parts = [(part, float(away[part.atoms].sum())) for part in book.parts([item], 2)]
    found = [(part, amount) for part, amount in parts if amount]
    found.sort(key=lambda p: -abs(p[1]))
    return tuple(found) if len(parts) > 1 else ()
