"""What a CRM export does not say and a plan needs: every number is here, and stands in the new model's README."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TierRule:
    """A tier of the new model.

    Attributes
    ----------
    tier : str
    share : float
        Share of the accounts, the largest by won value first.
    minutes : float
        Minutes of a visit with travel.
    """

    tier: str
    share: float
    minutes: float


Promise = tuple[int, str]
"""Visits and the period in which they are promised."""


@dataclass(frozen=True)
class Assumptions:
    """Numbers taken where the export is silent.

    Attributes
    ----------
    growth : float
        Growth of the plan's year on the last observed year.
    margin : float
        Profit as a share of sales, all products.
    hours_per_day, selling_share : float
        Working hours of a day, and the share of them that is for clients.
    tiers : tuple of TierRule
    promises : tuple of tuple of Promise
        Promises of the tiers, the most generous first; the first that fits into every owner's hours is taken.
    response : tuple of (effort, sales)
        Points of the response of a client to visits, in multiples of the promise and of the expected sales.
    visit_cost : float
        Money that a visit costs.
    first_minutes, deal_minutes : float
        Minutes that a deal takes in each of the two stages of the funnel.
    longest_ceiling : float
        The most that a ceiling may be, in multiples of expected.
    stretch : float
        Stretch target in multiples of the base target.
    part_share : float
        Share of the expected sales that a region or product is asked for, so that the company's target leaves room.
    """

    growth: float = 0.05
    margin: float = 0.3
    hours_per_day: float = 8
    selling_share: float = 0.6
    tiers: tuple[TierRule, ...] = (TierRule("A", 0.2, 120), TierRule("B", 0.3, 90), TierRule("C", 0.5, 60))
    promises: tuple[tuple[Promise, ...], ...] = (
        ((4, "month"), (2, "month"), (1, "month")),
        ((2, "month"), (1, "month"), (2, "quarter")),
        ((1, "month"), (2, "quarter"), (1, "quarter")),
        ((1, "quarter"), (2, "year"), (1, "year")),
    )
    response: tuple[tuple[float, float], ...] = ((0, 0.6), (1, 1), (1.5, 1.1))
    visit_cost: float = 50
    first_minutes: float = 60
    deal_minutes: float = 240
    longest_ceiling: float = 3
    stretch: float = 1.05
    part_share: float = 0.95
    country: str = "US"
    currency: str = "USD"
    money_unit: str = "$"
    rounding: float = 100
