"""What reaching or missing a quota brings: the steps of the scheme, at 80, 100 and 120 percent, and what is deducted."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from allocator.model import Model
from allocator.texts import _

ATTAINMENTS = (80, 100, 120)

Row = dict[str, str]


def scheme(model: Model, grade: str) -> list[tuple[float, float, float]]:
    """Steps of a grade, or of all grades where it has none of its own: from, to and rate; the last has no end."""
    table = model["commission"]
    own = table[table["grade"] == grade]
    if own.empty:
        own = table[table["grade"] == ""]
    own = own.sort_values("attainment_from", kind="stable")
    begins, rates = own["attainment_from"].astype(float).to_list(), own["rate"].astype(float).to_list()
    return list(zip(begins, [*begins[1:], float("inf")], rates, strict=True)) if begins else []


def steps(scheme: list[tuple[float, float, float]]) -> list[Row]:
    """Steps in words."""
    rows = []
    for begin, end, rate in scheme:
        says = _("from {begin} to {end} of the quota") if end < float("inf") else _("above {begin} of the quota")
        rows.append({"sales": says.format(begin=_percent(begin), end=_percent(end)), "rate": _percent(rate)})
    return rows


def earned(year: pd.Series, base: float, number: Callable[[float], str]) -> list[Row]:
    """What is earned at 80, 100 and 120 percent of the base quota; below zero it is paid back."""
    return [
        {"attainment": f"{a} %", "sales": number(base * a / 100), "commission": number(float(year[f"commission_{a}"]))}
        for a in ATTAINMENTS
    ]


def deduction(scheme: list[tuple[float, float, float]], base: float, number: Callable[[float], str]) -> str:
    """What is deducted, in sentences."""
    below = [(begin, end, rate) for begin, end, rate in scheme if rate < 0]
    if not below:
        return _("The scheme deducts nothing.")
    sentences = []
    for begin, end, rate in below:
        says = _("Of sales from {begin} to {end} of the quota {rate} is deducted, {money} over the whole plan.")
        if end == float("inf"):
            says = _("Of sales above {begin} of the quota {rate} is deducted.")
        money = number(-rate * (end - begin) * base) if end < float("inf") else ""
        sentences.append(says.format(begin=_percent(begin), end=_percent(end), rate=_percent(-rate), money=money))
    return " ".join(sentences)


def _percent(value: float) -> str:
    return f"{100 * value:g} %"
