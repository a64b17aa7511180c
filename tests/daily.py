"""Days, units and quotas by day of a plan by hand: sections 6 and 7 of the mathematics in whole numbers and fractions."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pandas as pd

from allocator.model import Model

Frames = dict[str, pd.DataFrame]
Amounts = dict[tuple[str, str, int], Fraction]
"""Amounts by status, name (of a product, or blank) and month."""
Spending = Mapping[tuple[str, str], Mapping[str, Fraction]]
"""Parts of a line's money of a month that count for each rep."""

STATUSES = {"lost": "past", "active": "present", "prospect": "future"}
LEVELS = ("base", "stretch", "ceiling")


def fraction(value: Any) -> Fraction:
    """Read a number as it is written."""
    return Fraction(str(value)).limit_denominator(10**9)


def half_up(value: Fraction) -> int:
    """Nearest whole number, half up."""
    return math.floor(value + Fraction(1, 2))


class Daily:
    """A plan and the days of its reps."""

    def __init__(self, model: Model, frames: Frames, spending: Spending) -> None:
        self.model, self.frames, self.spending = model, frames, spending
        cal = model.calendar
        self.days, self.month = list(cal.days), [int(t) for t in cal.day_month]
        self.working = [bool(w) for w in cal.working]
        self.reps = list(model["reps"]["rep"])
        self.rounding = fraction(model.settings.rounding)
        self.index = {m: t for t, m in enumerate(cal.months)}
        clients = model["clients"].set_index("client")
        first = frames["assignments"].groupby("group")["client"].first()
        self.group = dict(zip(frames["assignments"]["client"], frames["assignments"]["group"], strict=True))
        self.status = {g: clients["status"][c] for g, c in first.items()}
        self.tier = {g: clients["tier"][c] for g, c in first.items()}
        self.members = dict.fromkeys(first.index, 0)
        for client, group in frames["assignments"].groupby("client")["group"].first().items():
            self.members[group] += int(clients["count"][client])
        self.carrier = {(g, m): r for g, m, r in frames["forecast"][["group", "month", "rep"]].itertuples(index=False)}

    @functools.cached_property
    def presence(self) -> dict[tuple[str, bool], list[bool]]:
        """Days on which a rep is in post, and (True) those of them on which he is not on leave."""
        out = {}
        for row in self.model["reps"].itertuples(index=False):
            away = self.model["leave"][self.model["leave"]["rep"] == row.rep]
            gone = [any(a <= d <= b for a, b in zip(away["from"], away["to"], strict=True)) for d in self.days]
            out[row.rep, False] = [not (d < row.start or d > row.end) for d in self.days]
            out[row.rep, True] = [x and not g for x, g in zip(out[row.rep, False], gone, strict=True)]
        return out

    def there(self, rep: str, day: int, leave: bool) -> bool:
        """Whether a rep is in post on a day, and if asked for not on leave."""
        return self.presence[rep, leave][day]

    @functools.cache  # noqa: B019
    def own_days(self, rep: str, month: int) -> list[int]:
        """Days to which a month of a rep goes."""
        days = [d for d, t in enumerate(self.month) if t == month]
        choices: tuple[Callable[[int], bool], ...] = (
            lambda d: self.there(rep, d, True) and self.working[d],
            lambda d: self.there(rep, d, False) and self.working[d],
            lambda d: self.there(rep, d, False),
            lambda d: self.working[d],
            lambda d: True,
        )
        return next(found for found in ([d for d in days if choice(d)] for choice in choices) if found)

    @functools.cache  # noqa: B019
    def share(self, rep: str, month: int) -> Fraction:
        """Working days on which a rep is there, of those of the month."""
        days = [d for d, t in enumerate(self.month) if t == month and self.working[d]]
        return Fraction(sum(self.there(rep, d, True) for d in days), len(days))

    def running(self, rep: str, monthly: Mapping[int, Fraction]) -> list[Fraction]:
        """Sum of what is done after each day, days sharing alike."""
        out, before = [], Fraction(0)
        for month in self.index.values():
            own, amount = self.own_days(rep, month), monthly.get(month, Fraction(0))
            days = [d for d, t in enumerate(self.month) if t == month]
            out += [before + amount * Fraction(sum(x <= d for x in own), len(own)) if amount else before for d in days]
            before += amount
        return out

    def periods(self) -> list[tuple[str, str, list[int]]]:
        """Kind, label and days of every period."""
        cal, found = self.model.calendar, {}
        for d, date in enumerate(self.days):
            year, week, _weekday = date.isocalendar()
            labels = {
                "year": cal.years[self.month[d]],
                "quarter": cal.quarters[self.month[d]],
                "month": cal.months[self.month[d]],
                "third": f"{date:%Y-%m}-T{1 if date.day <= 10 else 2 if date.day <= 20 else 3}",
                "week": f"{year}-W{week:02d}",
                "day": f"{date:%Y-%m-%d}",
            }
            for kind, label in labels.items():
                found.setdefault((kind, label), []).append(d)
        return [(kind, label, days) for (kind, label), days in found.items()]

    @functools.cache  # noqa: B019
    def quota_days(self, rep: str) -> dict[str, list[Fraction]]:
        """What a rep is asked for before each day and at last, by level."""
        quotas, out, below = self.frames["quotas"], {}, {t: Fraction(0) for t in self.index.values()}
        total = [Fraction(0)] * (len(self.days) + 1)
        for level in LEVELS:
            mine = quotas[(quotas["rep"] == rep) & (quotas["level"] == level)]
            months = {
                t: sum((fraction(q) for q in mine.loc[mine["month"] == m, "quota"]), Fraction(0))
                for m, t in self.index.items()
            }
            day = [Fraction(0)]
            for t in self.index.values():
                added, own, asked = months[t] - below[t], self.own_days(rep, t), Fraction(0)
                for d in (d for d, month in enumerate(self.month) if month == t):
                    if d in own:
                        rank = own.index(d) + 1
                        asked = (
                            min(half_up(added * rank / len(own) / self.rounding), added // self.rounding)
                            * self.rounding
                        )
                        asked = added if rank == len(own) else asked
                    day.append(sum((months[x] - below[x] for x in range(t)), Fraction(0)) + asked)
            total = [a + b for a, b in zip(total, day, strict=True)]
            out[level], below = total, months
        return out

    def breakdown(self) -> pd.DataFrame:
        """breakdown.csv."""
        quotas, rows = self.frames["quotas"], []
        for rep in self.reps:
            asked = set(quotas.loc[quotas["rep"] == rep, "month"].map(self.index))
            if not asked:
                continue
            days = self.quota_days(rep)
            for kind, label, of in self.periods():
                month = self.month[of[0]]
                if kind != "day" or (month in asked and of[0] in self.own_days(rep, month)):
                    rows += [(rep, kind, label, x, float(days[x][of[-1] + 1] - days[x][of[0]])) for x in LEVELS]
        return pd.DataFrame(rows, columns=["rep", "kind", "period", "level", "quota"])

    def units(self) -> pd.DataFrame:
        """units.csv."""
        table, quotas, rows = self.model["units"], self.frames["quotas"], []
        for (product, month, level), cut in quotas.groupby(["product", "month", "level"]):

            def add(
                unit: str, kind: str, cut: pd.DataFrame = cut, key: tuple[Any, ...] = (product, month, level)
            ) -> Fraction:
                parts = [fraction(q) for q in cut.loc[cut["unit"] == unit, "quota"]]
                parts += [
                    add(u, k) for u, k, p in table[["unit", "kind", "parent"]].itertuples(index=False) if p == unit
                ]
                assigned, hedge = sum(parts, Fraction(0)), fraction(self.model.settings.hedge.get(kind, 0))
                owed = Fraction(half_up(assigned / (1 + hedge) * 100), 100) if hedge else assigned
                if any(unit in self.model.ancestors[u] for u in cut["unit"]):
                    rows.append((unit, kind, *key, float(assigned), float(owed)))
                return owed

            for unit, kind in table.loc[table["parent"] == "", ["unit", "kind"]].itertuples(index=False):
                add(unit, kind)
        return pd.DataFrame(rows, columns=["unit", "kind", "product", "month", "level", "assigned", "owed"])
