"""Numbers as people say them: in 万 and 亿, or in thousands and millions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from allocator.texts import _, current_language

UNITS = {"元": 1.0, "千元": 1e3, "万元": 1e4, "百万元": 1e6, "亿元": 1e8}
"""Money units whose size is known, in the currency's own unit."""

MONEY = ("revenue", "profit", "contribution", "spend", "commission", "collections")
"""Metrics that are money."""


@dataclass(frozen=True)
class Amounts:
    """Writes the numbers of one model in the language in force.

    Attributes
    ----------
    money_unit : str
        Unit in which the model's money stands, such as 万元.
    currency : str
        ISO code.
    """

    money_unit: str
    currency: str

    def money(self, value: float) -> str:
        """Return an amount of money, to five significant digits where it is large."""
        if self.money_unit not in UNITS:
            return f"{_significant(value)} {self.money_unit}".rstrip()
        value *= UNITS[self.money_unit]
        steps = ((1e8, "亿"), (1e4, "万")) if current_language() == "zh" else ((1e9, " bn"), (1e6, " m"))
        size, suffix = next(((s, w) for s, w in steps if abs(value) >= s), (1.0, ""))
        number = _significant(value / size) + suffix
        if current_language() != "zh":
            return f"{self.currency} {number}"
        return number + ("元" if self.currency == "CNY" else f" {self.currency}")

    def metric(self, metric: str, value: float) -> str:
        """Return a value of a metric."""
        if metric in MONEY:
            return self.money(value)
        if metric == "market_share":
            return share(value)
        if metric == "hours":
            return _("{number} h").format(number=_significant(value))
        return _significant(value)

    def gap(self, metric: str, value: float) -> str:
        """Return a difference between two values of a metric: of shares in percentage points."""
        if metric == "market_share":
            return _("{number} points").format(number=_significant(100 * value))
        return self.metric(metric, value)


def count(value: float) -> str:
    """Return how many there are of something: whole from 100 on, where a fraction says nothing."""
    return f"{value:,.0f}" if abs(value) >= 100 else _significant(value)


def share(value: float) -> str:
    """Return a share in percent."""
    return f"{100 * value:.1f} %"


def seconds(value: float) -> str:
    """Return a time."""
    return _("{number} s").format(number=f"{value:.1f}" if value < 100 else f"{value:.0f}")


def _significant(value: float) -> str:
    """Five significant digits, all digits before the point, no idle zeros after it."""
    if not math.isfinite(value):
        return "–"
    size = math.floor(math.log10(abs(value))) if value else 0
    text = f"{value:,.{max(0, min(4, 4 - size))}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
