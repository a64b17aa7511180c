"""What happened in the months that are over, dealt to groups, lines and reps one row at a time (section 9 of the mathematics)."""

from __future__ import annotations

import calendar
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from oracles.facts import Facts, Group, Row, rows

Labels = dict[str, Any]
Place = tuple[int, str, str, int]
"""Group, channel, unit of its lines, month."""


class Past:
    """The past; months from 0 to ``months`` − 1 are over."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        day = facts.settings.as_of
        self.months = sum(_last_day(m) <= dt.date.fromisoformat(day) for m in facts.months) if day else 0
        over = facts.months[: self.months]
        self.rows = [r for r in rows(facts.model, "actuals") if not r["stage"] and r["month"] in over]
        self.groups = list(enumerate(facts.groups))
        self.sell = self._sell()
        self.visits = self._visits()
        self.first = self._first()

    def over(self, t: int) -> bool:
        """Whether a month is over."""
        return t < self.months

    # Dealing

    def _told(self, metric: str) -> list[Row]:
        return [r for r in self.rows if r["metric"] == metric]

    def _labels(self, g: int, t: int, **more: str) -> Labels:
        group: Group = self.facts.groups[g]
        carrier = group.carrier[t]
        unit = self.facts.chain(self.facts.reps[carrier].unit) if carrier else ()
        members = tuple(c["client"] for c in group.members)
        month = self.facts.months[t]
        return {"month": month, "rep": carrier, "unit": unit, "tier": group.tier, "client": members} | more

    def _deal(self, metric: str, cells: dict[Any, tuple[Labels, float]]) -> dict[Any, float]:
        """Deal each row to the cells that its labels hold, by their weights, evenly where these are 0."""
        out: dict[Any, float] = defaultdict(float)
        for row in self._told(metric):
            held = {cell: weight for cell, (labels, weight) in cells.items() if _holds(row, labels)}
            whole = sum(held.values())
            for cell, weight in held.items():
                out[cell] += row["amount"] * (weight / whole if whole > 0 else 1 / len(held))
        return out

    def _sell(self) -> dict[tuple[int, str, int], float]:
        f, cells = self.facts, {}
        for g, group in self.groups:
            for p in f.products:
                if any((c["client"], p) in f.demand for c in group.members):
                    for t in range(self.months):
                        weight = f.flow(group, p, t) * f.expected(group, p) if group.active else 0.0
                        cells[g, p, t] = (self._labels(g, t, product=p), weight)
        return self._deal("revenue", cells)

    def _visits(self) -> dict[tuple[int, int], float]:
        f, cells, windows = self.facts, {}, {}
        for g, group in self.groups:
            for window in f.windows(group.tier):
                promised = f.promised(group, window)
                if promised <= 0 or not group.owner:
                    continue
                windows[g, window[0]] = (window, f.most_effort(group.tier) * promised)
                for t in window:
                    if t < self.months and group.stay[t] > 0:
                        cells[g, t] = (self._labels(g, t), promised / len(window))
        made = self._deal("visits", cells)
        for (g, _), (window, most) in windows.items():
            _scale(made, [(g, t) for t in window], most)
        return made

    def _first(self) -> dict[tuple[int, int], float]:
        cells = {
            (g, t): (self._labels(g, t), group.n)
            for g, group in self.groups
            if not group.active and group.owner
            for t in range(self.months)
        }
        made = self._deal("first_visits", cells)
        for g, group in self.groups:
            _scale(made, [(g, t) for t in range(self.months)], group.n)
        return made

    def won(self, places: Iterable[Place]) -> dict[Place, float]:
        """Clients won, for the groups, channels and units of lines through which they may be."""
        cells = {
            (g, channel, unit, t): (self._labels(g, t, channel=channel), self.facts.groups[g].n)
            for g, channel, unit, t in places
            if t < self.months
        }
        won = self._deal("new_clients", cells)
        for g, group in self.groups:
            _scale(won, [c for c in won if c[0] == g], group.n)
        return won

    def spent(self, line: str, t: int) -> float:
        """Money that a line spent in a month."""
        told = self._told("spend")
        return float(sum(r["amount"] for r in told if (r["line"], r["month"]) == (line, self.facts.months[t])))

    def asked(self, level: str) -> dict[tuple[str, str, int], float]:
        """Quotas of a level in the months that are over, as exact as they are told."""
        found: dict[tuple[str, str, int], float] = defaultdict(float)
        for row in self._told(f"exact_{level}") or self._told(f"quota_{level}"):
            found[row["rep"], row["product"], self.facts.months.index(row["month"])] += row["amount"]
        return found


def _last_day(month: str) -> dt.date:
    year, number = int(month[:4]), int(month[5:])
    return dt.date(year, number, calendar.monthrange(year, number)[1])


def _holds(row: Row, labels: Labels) -> bool:
    """Whether a row may mean a cell: it says nothing else of what the cell is."""
    if row["month"] != labels["month"]:
        return False
    for key in labels.keys() - {"month"}:
        has = labels[key]
        if row[key] and row[key] not in ((has,) if isinstance(has, str) else has):
            return False
    return True


def _scale(amounts: dict[Any, float], cells: list[Any], most: float) -> None:
    """Bring the sum of some cells down to a limit."""
    whole = sum(amounts.get(c, 0.0) for c in cells)
    for cell in cells:
        if whole > most and cell in amounts:
            amounts[cell] *= most / whole
