"""Ways out that no single row tells: more people who take over clients, and clients who buy more."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.explaining.clashing import Clash
from allocator.explaining.relief import HERE, Relief, rest
from allocator.explaining.rulebook import Item
from allocator.formulation.grain import Grain, make_grain
from allocator.model import Model
from allocator.reporting.table_text import cell_text, number_text
from allocator.scenarios.scenario import Change, Texts
from allocator.scopes import parse_scope

MOST_UNITS = 3
"""Units that get more people; where more lack hours, it is not people of some units that are missing."""

MOST_HEADS = 2
"""People beyond those that the hours come to, who are tried."""

ON_SALES = frozenset({"revenue", "profit", "contribution", "contracts", "collections", "market_share"})
GROWTH = (0.01, 4.0)
"""Growth of the market that is tried first where the targets tell none, and the largest one."""


@dataclass(frozen=True)
class Heads:
    """People for the units that lack hours, and the clients that they take over.

    Attributes
    ----------
    model : Model
    grain : Grain
    lacking : DataFrame
        rep (position), month, hours.
    """

    model: Model
    grain: Grain
    lacking: pd.DataFrame

    @property
    def month(self) -> int:
        """First month in which hours are missing."""
        return int(self.lacking["month"].min())

    @property
    def units(self) -> list[str]:
        """Units that lack hours."""
        return sorted({str(self.grain.people.unit[r]) for r in self.lacking["rep"]})

    def least(self, unit: str) -> int:
        """People that the missing hours of a unit's worst month come to."""
        people = self.grain.people
        mine = self.lacking[[people.unit[r] == unit for r in self.lacking["rep"]]]
        by_month = mine.groupby("month")["hours"].sum()
        there = people.hours[people.unit == unit]
        has = np.where(there > 0, there, np.nan)
        each = {t: float(np.nanmean(has[:, t])) if np.isfinite(has[:, t]).any() else 0.0 for t in by_month.index}
        return max(
            (math.ceil(hours / each[t] - 1e-9) for t, hours in by_month.items() if each[t] > 0),
            default=1,
        )

    def moved(self, unit: str) -> pd.DataFrame:
        """Clients that are handed over: of each rep who lacks hours, the largest promises up to these hours (client, rep, load)."""
        people, found = self.grain.people, []
        load = self._load()
        for rep, part in self.lacking.groupby("rep"):
            if people.unit[int(str(rep))] != unit:
                continue
            wanted = float(part.groupby("month")["hours"].sum().max())
            mine = load[load["rep"] == rep].sort_values(["load", "client"], ascending=[False, True])
            before = mine["load"].cumsum() - mine["load"]
            found.append(mine[(before < wanted) & (mine["load"] > 0)])
        return pd.concat(found, ignore_index=True)

    def _load(self) -> pd.DataFrame:
        """Hours a month that are promised to each client."""
        grain = self.grain
        tiers = self.model["tiers"].set_index("tier")["minutes"]
        group = grain.clients["group"].to_numpy(int)
        members = grain.groups["members"].to_numpy(float)[group]
        hours = (grain.even_promise.mean(axis=1) * tiers.reindex(grain.groups["tier"]).to_numpy(float) / 60)[group]
        part = grain.clients["count"].to_numpy(float) / np.maximum(members, 1.0)
        clients = grain.clients[["client", "rep"]].reset_index(drop=True)
        return clients.assign(load=np.nan_to_num(hours * part))

    def changes(self, heads: dict[str, int]) -> list[Change]:
        """Changes of the tables for so many people in each unit."""
        return [c for unit, count in heads.items() if count for c in self._hired(unit, count)]

    def _hired(self, unit: str, count: int) -> Iterator[Change]:
        reps, code = self.model["reps"], self.grain.people.code
        peers = reps[reps["unit"] == unit]
        time = peers["hours_per_day"].astype(float) * peers["selling_share"].astype(float)
        like = peers.iloc[int(np.argsort(time.to_numpy(), kind="stable")[len(peers) // 2])]
        start = f"{self.model.calendar.months[self.month]}-01" if self.month else ""
        names = [f"{unit} new {k + 1}" for k in range(count)]
        copied = ("grade", "hours_per_day", "selling_share", "visits_per_day")
        told = {c: cell_text(like[c]) for c in copied if not pd.isna(like[c])}
        rows = [{"rep": n, "unit": unit, **told, **({"start": start} if start else {})} for n in names]
        yield Change("reps", {}, "append", rows[0], HERE, more=tuple(rows[1:]))
        moved = self.moved(unit)
        full = np.zeros(count)
        to = []
        for load in moved["load"]:
            least = int(np.argmin(full))
            full[least] += load
            to.append(names[least])
        for (new, old), part in moved.assign(to=to).groupby(["to", "rep"], sort=False):
            where: dict[str, Texts] = {"client": tuple(part["client"])}
            yield Change("clients", where, "set", {"owner": str(new), "backup": str(code[int(str(old))])}, HERE)


def heads_of(model: Model, reliefs: Sequence[Relief], amounts: dict[int, float]) -> Heads | None:
    """Read from hours that a program misses by rep and month who is needed where; None where that is no question of people."""
    grain = make_grain(model)
    place = {str(r): i for i, r in enumerate(grain.people.code)}
    months = {m: t for t, m in enumerate(model.calendar.months)}
    rows = [(place[reliefs[k].what["rep"]], months[reliefs[k].what["month"]], a) for k, a in amounts.items()]
    heads = Heads(model, grain, pd.DataFrame(rows, columns=["rep", "month", "hours"]))
    return heads if rows and len(heads.units) <= MOST_UNITS else None


def market_scope(model: Model, clashes: Sequence[Clash]) -> dict[str, Texts] | None:
    """Selector of the demand that the target of some clashes counts; None if one has no target of sales."""
    found: list[Item] = []
    for clash in clashes:
        items = [i for i in clash.items if i.kind == "target" and i.measure in ON_SALES and i.at_least]
        if not items:
            return None
        found += items
    scopes = []
    for item in found:
        row = model["targets"].set_index("target").loc[item.labels["target"]]
        scope = {k: v for k, v in parse_scope(str(row["scope"])).items() if k not in ("month", "quarter")}
        if scope not in scopes:
            scopes.append(scope)
    known = ("client", "tier", "status", "industry", "area", "rep", "grade", "unit", "product", "family", "class")
    one = scopes[0] if len(scopes) == 1 else {}
    return {"owner" if k == "rep" else k: v for k, v in one.items() if k in known}


def grown(model: Model, where: dict[str, Texts], growth: float) -> list[Change]:
    """The change of the tables by which clients buy more, in the months that are not over."""
    factor, (start, end) = number_text(1 + growth), rest(model)
    cells = {"expected": factor} | ({} if start else {"ceiling": factor})  # the ceiling of months moves along
    return [Change("demand", where, "multiply", cells, HERE, start=start, end=end)]


def two_digits(growth: float, *, down: bool = False) -> float:
    """A growth to two digits, rounded up or down."""
    step = 10.0 ** (math.floor(math.log10(growth) + 1e-9) - 1)
    whole = math.floor(growth / step + 1e-6) if down else math.ceil(growth / step - 1e-6)
    return round(whole * step, 9)
