"""What is known before anything is decided: months, people, groups, curves (sections 1 and 2 of the mathematics)."""

from __future__ import annotations

import datetime as dt
import itertools
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import holidays

from allocator.model import Model
from allocator.scopes import parse_scope, parse_share_of

Row = dict[str, Any]
ATTRIBUTES = ("client", "industry", "area")


def rows(model: Model, table: str) -> list[Row]:
    """Rows of a table as dictionaries; blank numbers and dates are None."""
    return [{str(k): _plain(v) for k, v in r.items()} for r in model[table].to_dict("records")]


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(value)
    if value is None or value != value:  # NaN and NaT differ from themselves
        return None
    return value.date() if isinstance(value, dt.datetime) else value


@dataclass
class Rep:
    """A salesperson, month by month."""

    code: str
    unit: str
    grade: str
    backup: str
    per_day: float | None
    quota_min: float | None
    quota_max: float | None
    in_post: list[bool]
    present: list[int]
    share: list[float]
    hours: list[float]
    ramp: list[float]


@dataclass
class Group:
    """Clients that are planned as one."""

    owner: str
    backup: str
    tier: str
    status: str
    attributes: dict[str, str]
    members: list[Row]
    carrier: list[str]
    ramp: list[float]
    stay: list[float]

    @property
    def n(self) -> float:
        """Number of clients."""
        return float(sum(c["count"] for c in self.members))

    @property
    def active(self) -> bool:
        """Whether its clients buy already."""
        return self.status == "active"


class Facts:
    """Sections 1 and 2 for one model."""

    def __init__(self, model: Model) -> None:
        self.model, self.settings = model, model.settings
        self.T = model.settings.months
        self._time()
        self.units = {u["unit"]: u for u in rows(model, "units")}
        self.products = {p["product"]: p for p in rows(model, "products")}
        self.tiers = {k["tier"]: k for k in rows(model, "tiers")}
        self.clients = {c["client"]: c for c in rows(model, "clients")}
        self.demand = {(d["client"], d["product"]): d for d in rows(model, "demand")}
        self.targets = rows(model, "targets")
        self.shifts = rows(model, "shifts")
        self.responses = rows(model, "responses")
        self.steps = rows(model, "commission")
        self.reps = {r["rep"]: self._rep(r) for r in rows(model, "reps")}
        self.owner = {c: row["owner"] for c, row in self.clients.items()}
        self._assign()
        self.groups = self._groups()
        self.season = {(p, t): s for p in self.products for t, s in enumerate(self._season(p))}

    # Time

    def _time(self) -> None:
        year, month = (int(x) for x in self.settings.start.split("-"))
        self.months = [f"{year + (month - 1 + t) // 12}-{(month - 1 + t) % 12 + 1:02d}" for t in range(self.T)]
        self.quarters = [f"{year}-Q{t // 3 + 1}" for t in range(self.T)]
        at, days = dt.date(year, month, 1), []
        while f"{at:%Y-%m}" <= self.months[-1]:
            days.append(at)
            at += dt.timedelta(days=1)
        self.days = {t: [d for d in days if f"{d:%Y-%m}" == m] for t, m in enumerate(self.months)}
        public = holidays.country_holidays(self.settings.country, years=sorted({d.year for d in days}))
        made_up = getattr(public, "weekend_workdays", ())
        declared = {r["date"]: r["working"] for r in rows(self.model, "calendar")}
        worked = {d for d in days if declared.get(d, d in made_up or (d.weekday() < 5 and d not in public))}
        self.worked = {t: [d for d in ds if d in worked] for t, ds in self.days.items()}
        weeks: dict[tuple[int, int], Counter[int]] = {}
        for t, ds in self.worked.items():
            for d in ds:
                weeks.setdefault(tuple(d.isocalendar()[:2]), Counter())[t] += 1  # type: ignore[arg-type]
        home = Counter(min(count, key=lambda t: (-count[t], t)) for count in weeks.values())
        self.weeks = [home[t] for t in range(self.T)]

    def window(self, period: str) -> list[int]:
        """Months of a period."""
        return [
            t
            for t in range(self.T)
            if not period or period in (self.months[t], self.quarters[t], self.settings.start[:4])
        ]

    def on_sale(self, product: Row, t: int) -> bool:
        """Whether any day of the month lies between launch and end."""
        return any(_between(d, product["launch"], product["end"]) for d in self.days[t])

    # People

    def _rep(self, row: Row) -> Rep:
        leave = [x for x in rows(self.model, "leave") if x["rep"] == row["rep"]]
        in_post = [any(_between(d, row["start"], row["end"]) for d in self.days[t]) for t in range(self.T)]
        present = [
            sum(
                _between(d, row["start"], row["end"]) and not any(_between(d, x["from"], x["to"]) for x in leave)
                for d in self.worked[t]
            )
            for t in range(self.T)
        ]
        share = [present[t] / len(self.worked[t]) if self.worked[t] else 0.0 for t in range(self.T)]
        hours = [row["hours_per_day"] * row["selling_share"] * n for n in present]
        for activity in rows(self.model, "activities"):
            scope = parse_scope(activity["scope"])
            labels = {"rep": row["rep"], "unit": self.chain(row["unit"]), "grade": row["grade"]}
            if matches(labels, scope):
                for t in range(self.T):
                    often = {"week": self.weeks[t], "month": 1, "quarter": 1 / 3, "year": 1 / self.T}[activity["per"]]
                    hours[t] -= share[t] * activity["count"] * activity["minutes"] / 60 * often
        ramp = [1.0] * self.T
        if row["start"] and row["ramp_months"]:
            for t, month in enumerate(self.months):
                since = (int(month[:4]) - row["start"].year) * 12 + int(month[5:]) - row["start"].month
                ramp[t] = min(1.0, (since + 1) / (row["ramp_months"] + 1))
        limits = (row["visits_per_day"], row["quota_min"], row["quota_max"])
        return Rep(row["rep"], row["unit"], row["grade"], row["backup"], *limits, in_post, present, share, hours, ramp)

    def chain(self, unit: str) -> tuple[str, ...]:
        """Return a unit and all above it."""
        found: list[str] = []
        while unit:
            found.append(unit)
            unit = self.units[unit]["parent"] if unit in self.units else ""
        return tuple(found)

    def backup(self, client: Row) -> str:
        """Who serves a client while its owner does not: its own backup, else its owner's."""
        owner = self.owner[client["client"]]
        return str(client["backup"] or (self.reps[owner].backup if owner else ""))

    def carriers(self, owner: str, backup: str) -> list[str]:
        """Who carries clients of an owner and a backup, month by month."""
        if not owner:
            return [""] * self.T
        return [
            owner if self.reps[owner].in_post[t] else backup if backup and self.reps[backup].in_post[t] else ""
            for t in range(self.T)
        ]

    def shares(self, group: Group, t: int) -> dict[str, float]:
        """Parts of a group's visits that fall on the owner and the backup."""
        if not group.owner:
            return {}
        if group.backup and self.reps[group.backup].in_post[t]:
            share = self.reps[group.owner].share[t]
            return {group.owner: share, group.backup: 1 - share}
        return {group.owner: 1.0}

    # Assignment

    def promised_hours(self, client: Row) -> float:
        """Hours of the visits that a client's row is promised in the plan."""
        if client["status"] != "active" or not self.tiers:
            return 0.0
        stay = self.stay(client)
        promise = sum(
            self.promise(client["tier"], w) * sum(stay[t] for t in w) / len(w) for w in self.windows(client["tier"])
        )
        return float(client["count"] * promise * self.tiers[client["tier"]]["minutes"] / 60)

    def _assign(self) -> None:
        raw = {r["rep"]: r for r in rows(self.model, "reps")}
        capacity = {r: sum(self.reps[r].hours) for r in raw}
        load = dict.fromkeys(self.reps, 0.0)
        held = dict.fromkeys(self.reps, 0.0)

        def take(rep: str, client: Row) -> None:
            self.owner[client["client"]] = rep
            load[rep] += self.promised_hours(client)
            held[rep] += client["count"]

        for client in self.clients.values():
            if client["owner"]:
                take(client["owner"], client)
        waiting = [c for c in self.clients.values() if not c["owner"]]
        for client in sorted(waiting, key=lambda c: (-self.promised_hours(c), c["client"])):
            families = {self.products[p]["family"] for c, p in self.demand if c == client["client"]}
            may = [
                r
                for r, row in raw.items()
                if (not client["unit"] or client["unit"] in self.chain(row["unit"]))
                and (not row["families"] or families <= set(row["families"]))
                and (row["max_clients"] is None or held[r] + client["count"] <= row["max_clients"])
                and capacity[r] > 0
            ]
            need = self.promised_hours(client)
            free = [r for r in may if load[r] + need <= capacity[r] + 1e-9]
            may = free or may
            known = [r for r in may if {client["industry"], client["area"]} & set(raw[r]["specialty"])]
            if may:
                take(min(known or may, key=lambda r: (load[r] / capacity[r], r)), client)

    # Groups and curves

    def _groups(self) -> list[Group]:
        every: set[str] = set()
        named: dict[str, set[str]] = {a: set() for a in ATTRIBUTES}
        for target in self.targets:
            every |= set(target["each"])
            scopes = [parse_scope(target["scope"])]
            if target["share_of"]:
                scopes.append(parse_share_of(target["share_of"])[1])
            for attribute, values in (item for scope in scopes for item in scope.items()):
                named.setdefault(attribute, set()).update(values)
        asked = {t["metric"] for t in self.targets} | {t["share_of"].partition(":")[0].strip() for t in self.targets}
        if "market_share" in asked and any(m["industry"] for m in rows(self.model, "market")):
            every.add("industry")
        groups: dict[tuple[object, ...], Group] = {}
        for client in self.clients.values():
            attributes = {a: client[a] if a in every or client[a] in named[a] else "" for a in ATTRIBUTES}
            who = self.owner[client["client"]], self.backup(client), client["tier"], client["status"]
            stay = self.stay(client)
            shifts = tuple(self.shift(client, p, t) for p in self.products for t in range(self.T))
            key = (*who, *attributes.values(), *stay, *shifts)
            if key not in groups:
                carrier = self.carriers(*who[:2])
                ramp = [self.reps[r].ramp[t] if r else 1.0 for t, r in enumerate(carrier)]
                groups[key] = Group(*who, attributes, [], carrier, ramp, stay)
            groups[key].members.append(client)
        return list(groups.values())

    def stay(self, client: Row) -> list[float]:
        """Share of each month's working days on which an active client is one."""
        if client["status"] != "active":
            return [1.0] * self.T
        last = client["lost_on"] - dt.timedelta(days=1) if client["lost_on"] else None
        there = [[_between(d, client["since"], last) for d in self.worked[t]] for t in range(self.T)]
        return [sum(days) / len(days) if days else 1.0 for days in there]

    def shift(self, client: Row, product: str, t: int) -> float:
        """Product of the factors of the shifts that hold a client's demand of a product in a month."""
        owner, row = self.owner[client["client"]], self.products[product]
        labels = {k: client[k] for k in ("client", "tier", "status", "industry", "area")}
        labels |= {"product": product, "family": row["family"], "class": row["class"]}
        labels |= {"unit": self.chain(self.reps[owner].unit if owner else client["unit"])}
        labels |= {"rep": owner, "grade": self.reps[owner].grade} if owner else {}
        held = [
            s["factor"]
            for s in self.shifts
            if (s["from"] or self.months[0]) <= self.months[t] <= (s["to"] or self.months[-1])
            and matches(labels, parse_scope(s["scope"]))
        ]
        return math.prod(held)

    def flow(self, group: Group, product: str, t: int) -> float:
        """Part of the year's demand that falls into a month: season, stay and shifts."""
        return self.season[product, t] * group.stay[t] * self.shift(group.members[0], product, t)

    def windows(self, tier: str) -> list[list[int]]:
        """Windows of a tier's promise."""
        per = self.tiers[tier]["per"] if tier in self.tiers else "month"
        if per == "quarter":
            return [[t for t in range(self.T) if self.quarters[t] == q] for q in sorted(set(self.quarters))]
        return [list(range(self.T))] if per == "year" else [[t] for t in range(self.T)]

    def promise(self, tier: str, window: list[int]) -> float:
        """Visits that one client is promised in a window."""
        if tier not in self.tiers:
            return 0.0
        visits, per = self.tiers[tier]["visits"], self.tiers[tier]["per"]
        weight = {"week": self.weeks[window[0]], "month": 1, "quarter": len(window) / 3, "year": len(window) / 12}
        return float(visits * weight[per])

    def promised(self, group: Group, window: list[int]) -> float:
        """P of the mathematics."""
        stay = sum(group.stay[t] for t in window) / len(window)
        return group.n * self.promise(group.tier, window) * stay if group.active else 0.0

    def points(self, driver: str, product: str) -> list[tuple[float, float]]:
        """Response points of a driver for a product, and for a blank one where that has none of its own."""
        own = [r for r in self.responses if r["driver"] == driver and r["product"] == product]
        found = own or [r for r in self.responses if r["driver"] == driver and not r["product"]]
        return polyline([(r["effort"], r["sales"]) for r in found])

    def sold(self, group: Group, product: str, effort: float) -> float:
        """F of the mathematics: what a group buys in the year at an effort."""
        points, sum_ = self.points(group.tier, product), 0.0
        for client in group.members:
            demand = self.demand.get((client["client"], product))
            if demand:
                factor = follow(points, effort) if points else 1.0
                sum_ += client["count"] * min(demand["ceiling"], demand["expected"] * factor)
        return float(sum_)

    def expected(self, group: Group, product: str) -> float:
        """E of the mathematics, under the ceilings."""
        found = [(c["count"], self.demand.get((c["client"], product))) for c in group.members]
        return float(sum(n * min(d["ceiling"], d["expected"]) for n, d in found if d))

    def ceiling(self, group: Group, product: str) -> float:
        """C of the mathematics."""
        found = [(c["count"], self.demand.get((c["client"], product))) for c in group.members]
        return float(sum(n * d["ceiling"] for n, d in found if d))

    def most_effort(self, tier: str) -> float:
        """Where effort ends."""
        return float(max([1.0] + [r["effort"] for r in self.responses if r["driver"] == tier]))

    def corners(self, group: Group) -> list[float]:
        """Efforts at which the curve of some product of the group may bend."""
        found = {0.0, self.most_effort(group.tier)}
        for product in self.products:
            points = self.points(group.tier, product)
            found |= {e for e, _ in points}
            for client in group.members:
                demand = self.demand.get((client["client"], product))
                for (e0, s0), (e1, s1) in itertools.pairwise(points):
                    if demand and demand["expected"] > 0 and s0 != s1:
                        crossing = e0 + (demand["ceiling"] / demand["expected"] - s0) / (s1 - s0) * (e1 - e0)
                        if e0 < crossing < e1:
                            found.add(crossing)
        return sorted(found)

    def _season(self, product: str) -> list[float]:
        listed = [s for s in rows(self.model, "seasonality") if s["metric"] == "revenue"]
        own = [s for s in listed if s["product"] == product] or [s for s in listed if not s["product"]]
        weight = {s["month"]: s["weight"] for s in own} if own else dict.fromkeys(self.months, 1.0)
        found = [
            weight.get(m, 0.0) if self.on_sale(self.products[product], t) else 0.0 for t, m in enumerate(self.months)
        ]
        return [w / sum(found) for w in found] if sum(found) > 0 else found

    # Money

    def commission(self, grade: str, attainment: float) -> float:
        """K of the mathematics."""
        own = [s for s in self.steps if s["grade"] == grade] or [s for s in self.steps if not s["grade"]]
        own.sort(key=lambda s: s["attainment_from"])
        ends = [*[s["attainment_from"] for s in own], math.inf][1:]
        parts = zip(own, ends, strict=True)
        return float(sum(s["rate"] * max(0.0, min(attainment, end) - s["attainment_from"]) for s, end in parts))


def _between(day: dt.date, first: dt.date | None, last: dt.date | None) -> bool:
    return (first is None or first <= day) and (last is None or day <= last)


def polyline(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points in order, from effort 0 on."""
    points = sorted(points)
    return [(0.0, 0.0), *points] if points and points[0][0] > 0 else points


def follow(points: list[tuple[float, float]], effort: float) -> float:
    """Height of a polyline, flat after its last point."""
    for (e0, s0), (e1, s1) in itertools.pairwise(points):
        if effort <= e1:
            return s0 + (s1 - s0) * (effort - e0) / (e1 - e0)
    return points[-1][1]


def matches(labels: dict[str, Any], scope: dict[str, tuple[str, ...]]) -> bool:
    """Whether labels satisfy every part of a scope; a label that holds several values needs one of them."""
    for key, wanted in scope.items():
        has = labels.get(key, ())
        if not set((has,) if isinstance(has, str) else has) & set(wanted):
            return False
    return True
