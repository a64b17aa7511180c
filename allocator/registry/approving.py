"""Who must agree to a version, and what votes come to. No database here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pandas as pd

State = Literal["proposed", "approved", "rejected", "superseded"]

ROUNDED = 5e-5
"""What a share written with four digits may be too large: 0.6667 is two thirds."""


DUST = 1e-9
"""What sums of quotas may be off by, as a share of them: exactly a tenth is not more than a tenth."""


@dataclass(frozen=True)
class Need:
    """Votes of a role that a version needs.

    Attributes
    ----------
    role : str
    needed : int
        Voters who must agree.
    voters : tuple of str
        Who votes for the role.
    agreed, refused : int
        Votes so far.
    """

    role: str
    needed: int
    voters: tuple[str, ...]
    agreed: int = 0
    refused: int = 0

    @property
    def missing(self) -> int:
        """Votes that are still needed."""
        return max(self.needed - self.agreed, 0)


@dataclass(frozen=True)
class Vote:
    """A person's vote on a version; it is never taken back."""

    person: str
    role: str
    agrees: bool
    because: str
    at: str


def share_moved(before: pd.DataFrame, after: pd.DataFrame) -> float:
    """Share of the base quotas that a re-plan moves.

    Rises and falls are summed over reps, products and months; the larger of both sums counts, so that what is taken from one and given to
    another counts once.

    Parameters
    ----------
    before, after : DataFrame
        Content of ``quotas.csv``: rep, product, month, level, quota.

    Returns
    -------
    float
        In shares of all base quotas before; 1 where there were none and now are.
    """
    keys = ["rep", "product", "month"]
    old, new = (
        frame[frame["level"].astype("str") == "base"]
        .astype(dict.fromkeys(keys, "str"))
        .groupby(keys, sort=False)["quota"]
        .sum()
        for frame in (before, after)
    )
    change = new.sub(old, fill_value=0.0)
    moved = max(float(change.clip(lower=0).sum()), float(-change.clip(upper=0).sum()))
    total = float(old.sum())
    if total > 0:
        return moved / total
    return 1.0 if moved > 0 else 0.0


def needs(approvals: pd.DataFrame, voters: pd.DataFrame, moved: float | None) -> list[Need]:
    """Votes that a version needs.

    Parameters
    ----------
    approvals, voters : DataFrame
        Tables of the model.
    moved : float or None
        Share of the quotas that it moves; None for a first version, which needs all of them.
    """
    found: dict[str, int] = {}
    who: Mapping[str, tuple[str, ...]] = {
        str(role): tuple(sorted(map(str, people))) for role, people in voters.groupby("role")["person"]
    }
    for role, share, above in zip(approvals["role"], approvals["votes"], approvals["above"], strict=True):
        if moved is None or above == 0 or moved > above + DUST:
            found[role] = max(found.get(role, 0), votes_needed(float(share), len(who.get(role, ()))))
    return [Need(role, count, who.get(role, ())) for role, count in sorted(found.items())]


def votes_needed(share: float, voters: int) -> int:
    """Least number of voters who are at least a share of all, and one at least."""
    return max(math.ceil((share - ROUNDED) * voters), 1)


def both(first: Iterable[Need], second: Iterable[Need]) -> list[Need]:
    """Needs of two models' rules together: where they ask for the same it is asked once."""
    return sorted(dict.fromkeys([*first, *second]), key=lambda n: (n.role, n.needed, n.voters))


def counted(asked: Iterable[Need], votes: Sequence[Vote]) -> tuple[Need, ...]:
    """Return needs with the votes that count for each: of its role, by those who vote for it."""
    return tuple(
        replace(
            need,
            agreed=sum(v.agrees for v in votes if v.role == need.role and v.person in need.voters),
            refused=sum(not v.agrees for v in votes if v.role == need.role and v.person in need.voters),
        )
        for need in asked
    )


def outcome(asked: Iterable[Need]) -> State:
    """State that votes bring a version to: rejected once it can no longer get what it needs."""
    needs = list(asked)
    if any(len(need.voters) - need.refused < need.needed for need in needs):
        return "rejected"
    return "approved" if all(need.agreed >= need.needed for need in needs) else "proposed"
