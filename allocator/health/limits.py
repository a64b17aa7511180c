"""The checks, the values at which they warn, and what a check says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.model import Model

BELOW, ABOVE, FROM, UP_TO, SETTING = "below", "above", "from", "up to", ""
"""When a value warns: under the threshold, over it, at it or over, at it or under; a setting of a check warns of nothing."""

GOOD, WARNING, NOT_MADE, NOTHING = "good", "warning", "not made", "nothing"
"""Verdicts: healthy, not healthy, could not be made for want of data, there is nothing to look at."""

COLUMNS = ("check", "scope", "verdict", "value", "threshold", "says")
NOISE = 1e-9
"""So near, relative to one and the threshold, a value is at it."""


@dataclass(frozen=True)
class Usual:
    """A threshold that every model has, its usual value, and when it warns."""

    value: float
    warns: str


USUAL: Mapping[str, Usual] = {
    "pipeline_gap": Usual(0.1, FROM),  # pipeline: how far a stage's share may lie from its healthy one
    "negotiating_share": Usual(0.4, FROM),  # pipeline: share that is negotiating
    "conversion_fall": Usual(0.25, FROM),  # conversion of a stage: fall under the funnel's, as share of it
    "conversion_months": Usual(3, SETTING),  # so many months count for conversions, and for who is active
    "conversion_least": Usual(20, SETTING),  # with fewer that entered a stage its conversion says nothing
    "channel_better": Usual(0.25, FROM),  # how much better one lead channel converts than another
    "channel_money_moved": Usual(0.3, SETTING),  # share of the weaker channel's money that moves then
    "visit_execution": Usual(0.9, BELOW),  # visits made, of those promised to date, by tier
    "cash_in": Usual(0.9, BELOW),  # revenue that is cash within the days
    "cash_in_days": Usual(60, SETTING),  # the days
    "new_segments": Usual(2, BELOW),  # new industry segments that are seen every week
    "repeat_rate": Usual(0.3, BELOW),  # present clients who buy again in the year
    "first_order_rate": Usual(0.7, BELOW),  # new reps with a first order in their first months
    "first_order_months": Usual(3, SETTING),  # the first months of a new rep
    "ramp_attainment": Usual(0.8, BELOW),  # revenue of reps who are growing into their work, of the plan's
    "activity_rate": Usual(0.8, BELOW),  # clients who are active; a client's sales, of those expected to date
    "renewal_rate": Usual(0.85, BELOW),  # contracts that are renewed; chance that a client stays
    "renewal_months": Usual(3, SETTING),  # a contract that ends within so many months is looked at
}
"""Thresholds and settings of the checks."""

STAGE = "_conversion"
"""Ending of a stage's own threshold: ``intent_conversion`` warns at that conversion or under it."""

LEADS = "lead_conversion"
"""Threshold of all lead channels together; none unless the model names it. Warns below."""


class Limits:
    """Thresholds of a model."""

    def __init__(self, model: Model) -> None:
        table = model["thresholds"]
        names = table["check"].astype(str).to_list()
        self.named = dict(zip(names, map(float, table["value"]), strict=True))
        self.sides = dict(zip(names, map(str, table["warns"]), strict=True))
        self.scopes = dict(zip(names, map(str, table["scope"]), strict=True))

    def __getitem__(self, name: str) -> float:
        return self.named[name] if name in self.named else USUAL[name].value

    def months(self, name: str) -> int:
        """A threshold that counts months, one at least."""
        return max(1, round(self[name]))


def warns(value: float, threshold: float, side: str) -> bool:
    """Whether a value warns."""
    slack = NOISE * max(1.0, abs(threshold))
    return {
        BELOW: value < threshold - slack,
        ABOVE: value > threshold + slack,
        FROM: value >= threshold - slack,
        UP_TO: value <= threshold + slack,
    }[side]


@dataclass(frozen=True)
class Check:
    """A check and what it found.

    Attributes
    ----------
    check : str
        Name of its threshold.
    scope : str
        What of the business it is about; blank is all of it.
    verdict : str
        good, warning, not made or nothing.
    value, threshold : float
        NaN where the check was not made, or has none.
    says : str
        The same in a sentence; of a check that was not made, what it would need.
    """

    check: str
    scope: str
    verdict: str
    value: float
    threshold: float
    says: str


def judged(check: str, scope: str, value: float, threshold: float, says: str, side: str = "") -> Check:
    """A check that was made."""
    bad = warns(value, threshold, side or USUAL[check].warns)
    return Check(check, scope, WARNING if bad else GOOD, value, threshold, says)


def not_made(check: str, needs: str, scope: str = "") -> Check:
    """A check that could not be made, and what it needs."""
    return Check(check, scope, NOT_MADE, np.nan, np.nan, needs)


def nothing(check: str, says: str) -> Check:
    """A check that has nothing to look at."""
    return Check(check, "", NOTHING, np.nan, np.nan, says)


def checks_frame(checks: list[Check]) -> pd.DataFrame:
    """Checks as a frame."""
    frame = pd.DataFrame([[getattr(c, name) for name in COLUMNS] for c in checks], columns=list(COLUMNS))
    return frame.astype({"value": float, "threshold": float})
