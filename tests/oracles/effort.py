"""The effort program (sections 3 and 9 of the mathematics), cell by cell."""

from __future__ import annotations

import math
from collections import defaultdict

from allocator.model import Model
from allocator.scopes import parse_scope, parse_share_of
from oracles.facts import Facts, Group, Row, polyline, rows
from oracles.linear import Expr, LinearProgram, total
from oracles.past import Past

SALES = ("revenue", "profit", "contracts", "commission", "collections", "market_share", "contribution")
ZERO = Expr()


class Effort:
    """Columns and rows of the effort program; cells are dictionaries keyed by group number, code and month."""

    def __init__(self, model: Model) -> None:
        self.facts = Facts(model)
        self.past = Past(self.facts)
        self.program = LinearProgram()
        self.T = self.facts.T
        self.groups = list(enumerate(self.facts.groups))
        self.lines = {b["line"]: b for b in rows(model, "budget")}
        self.yields = rows(model, "yields")
        self.cells = [
            (g, p, t)
            for g, group in self.groups
            for p in self.facts.products
            if any((c["client"], p) in self.facts.demand for c in group.members)
            for t in range(self.T)
        ]
        self._visits()
        self._funnel(rows(model, "funnel"))
        self._spend()
        self._lift()
        self._sell()
        self._hours()
        self._supply(rows(model, "supply"))
        self._executives(rows(model, "needs"), rows(model, "resources"))

    # Clients

    def _visits(self) -> None:
        """Visits of a window are at most the last effort; each product's sales lie on its curve."""
        p_, f = self.program, self.facts
        self.visits: dict[tuple[int, int], Expr] = {}
        self.followed: dict[tuple[int, str, int], Expr] = {}
        self.made: dict[tuple[int, int], Expr] = {}
        for g, group in self.groups:
            most = f.most_effort(group.tier)
            for w, window in enumerate(f.windows(group.tier)):
                promised = f.promised(group, window)
                possible = promised > 0 and bool(group.owner)
                for t in window:
                    self.visits[g, t] = p_.variable() if possible and group.stay[t] > 0 else ZERO
                    if self.past.over(t):
                        self.visits[g, t] = Expr({}, self.past.visits.get((g, t), 0.0))
                seen = total(self.visits[g, t] for t in window)
                self.made[g, w] = p_.variable(promised) if possible else ZERO
                if possible:
                    p_.at_most(seen, most * promised)
                    p_.at_most(self.made[g, w], seen)
                if not group.active:
                    continue
                effort = 0.0 if not group.owner and promised > 0 else 1.0
                bends = [p for p in f.products if f.points(group.tier, p)]
                if possible and bends:
                    corners = f.corners(group)
                    at = p_.graph([(e, *(f.sold(group, p, e) for p in bends)) for e in corners])
                    p_.equal(seen, promised * at[0])
                    height = dict(zip(bends, at[1:], strict=True))
                else:
                    height = {p: Expr({}, f.sold(group, p, effort)) for p in bends}
                for p in f.products:
                    for t in window:
                        self.followed[g, p, t] = height.get(p, Expr({}, f.expected(group, p)))

    def _funnel(self, stages: list[Row]) -> None:
        """Bring new clients through the funnel; winning takes hours."""
        p_ = self.program
        self.first: dict[tuple[int, int], Expr] = defaultdict(Expr)
        self.won: dict[tuple[int, str, int], Expr] = defaultdict(Expr)
        self.win_hours: dict[tuple[int, int], Expr] = defaultdict(Expr)
        self.leads = {(b, t): ZERO for b in self.lines for t in range(self.T)}
        self.channels: dict[str, tuple[float, int, float]] = {}
        for channel in {s["channel"] for s in stages}:
            conversion, days, hours = 1.0, 0.0, 0.0
            for stage in sorted((s for s in stages if s["channel"] == channel), key=lambda s: s["step"]):
                hours += stage["minutes"] / 60 * conversion
                conversion *= stage["conversion"]
                days += stage["days"]
            self.channels[channel] = (conversion, math.floor(days / 30 + 0.5), hours)
        done = self.past.won(self._ways())
        for g, group in self.groups:
            if group.active or not group.owner:
                continue
            if "visits" in self.channels:
                conversion, lag, hours = self.channels["visits"]
                for t in range(self.T):
                    over = self.past.over(t)
                    self.first[g, t] = Expr({}, self.past.first.get((g, t), 0.0)) if over else p_.variable()
                    self.win_hours[g, t] += hours * self.first[g, t]
                    self.won[g, "visits", t] = Expr({}, done.get((g, "visits", "", t), 0.0)) if over else p_.variable()
                    before = self.first[g, t - lag] if t >= lag else ZERO
                    if not over:
                        p_.at_most(self.won[g, "visits", t], conversion * before)
                p_.at_most(total(self.first[g, t] for t in range(self.T)), group.n)

    def _pools(self) -> list[tuple[str, str]]:
        """Channels that lines feed, and the units of these lines."""
        found = {(b["channel"], b["unit"]) for b in self.lines.values() if b["channel"] in self.channels}
        return sorted(x for x in found if x[0] != "visits")

    def _reached(self, unit: str) -> list[int]:
        """Groups of prospects and lost clients with an owner below a unit."""
        return [g for g, group in self.groups if not group.active and group.owner and self.below(group, unit)]

    def _ways(self) -> list[tuple[int, str, str, int]]:
        """Group, channel, unit and month in which a client may be won."""
        ways = [("visits", "")] if "visits" in self.channels else []
        ways += self._pools()
        return [(g, channel, unit, t) for channel, unit in ways for g in self._reached(unit) for t in range(self.T)]

    def _leads(self) -> None:
        """Leads of a channel's lines in a unit are shared by the prospects below it."""
        p_ = self.program
        amount = {y["source"]: y["amount"] for y in self.yields if y["metric"] == "leads"}
        done = self.past.won(self._ways())
        for channel, unit in self._pools():
            conversion, lag, hours = self.channels[channel]
            reached = self._reached(unit)
            fed = [b for b, line in self.lines.items() if (line["channel"], line["unit"]) == (channel, unit)]
            for t in range(self.T):
                got = {g: p_.variable() for g in reached}
                if self.past.over(t):
                    got = {g: Expr({}, done.get((g, channel, unit, t), 0.0)) for g in reached}
                else:
                    entered = [amount.get(b, 0.0) * self.spend[b, t - lag] for b in fed if t >= lag]
                    p_.at_most(total(got.values()), conversion * total(entered))
                for g, won in got.items():
                    self.won[g, channel, t] += won
                    if conversion > 0:
                        self.win_hours[g, t] += hours / conversion * won
        for g, group in self.groups:
            if not group.active:
                p_.at_most(total(w for (h, _, _), w in self.won.items() if h == g), group.n)

    def below(self, group: Group, unit: str) -> bool:
        """Whether a group's owner is below a unit; a blank unit is the company."""
        return not unit or (bool(group.owner) and unit in self.facts.chain(self.facts.reps[group.owner].unit))

    # Money

    def line_window(self, line: Row) -> list[int]:
        """Months in which a line may spend."""
        first = min(self.facts.window(line["from"]))
        last = max(self.facts.window(line["to"]))
        return list(range(first, last + 1))

    def _spend(self) -> None:
        """Keep each budget line in its window and its limits."""
        self.spend: dict[tuple[str, int], Expr] = {}
        self.overrun: dict[str, Expr] = {}
        for b, line in self.lines.items():
            window = self.line_window(line)
            for t in range(self.T):
                self.spend[b, t] = self.program.variable() if t in window else ZERO
                if t in window and self.past.over(t):
                    self.spend[b, t] = Expr({}, self.past.spent(b, t))
            year = total(self.spend[b, t] for t in window)
            if not all(self.past.over(t) for t in window):
                self.program.at_most(line["minimum"], year)
            if line["may_overrun"]:
                self.overrun[b] = self.program.variable()
                self.program.at_most(year, line["maximum"] + self.overrun[b])
            else:  # what is spent is spent
                self.program.at_most(year, max(line["maximum"], year.constant))
        self._leads()

    def _lift(self) -> None:
        """Sell a line's lift once; money works when it is spent, and after."""
        p_, f = self.program, self.facts
        effect: dict[tuple[str, str, int], Expr] = defaultdict(Expr)
        for b, line in self.lines.items():
            months = len(self.line_window(line))
            for product in sorted({r["product"] for r in f.responses if r["driver"] == b}):
                listed = [r for r in f.responses if r["driver"] == b and r["product"] == product]
                points = polyline([(r["effort"] / months, r["sales"] / months) for r in listed])
                carry = max(r["carry_months"] for r in listed)
                pool = (line["unit"], product or line["product"])
                for t in self.line_window(line):
                    if self.past.over(t + carry):
                        continue
                    # Money beyond the last point is spent all the same and adds nothing.
                    at, sales = p_.graph(points, below=True) if len(points) > 1 else (ZERO, Expr({}, points[0][1]))
                    p_.equal(self.spend[b, t], at + p_.variable())
                    for later in range(t, min(self.T, t + carry + 1)):
                        effect[*pool, later] += sales / (carry + 1)
        self.lift: dict[tuple[int, str, int], Expr] = defaultdict(Expr)
        for (unit, product, t), most in effect.items():
            if self.past.over(t):
                continue
            parts = []
            for g, p, month in self.cells:
                group = self.facts.groups[g]
                small = not f.products[p]["large"]
                if (
                    month == t
                    and group.active
                    and f.flow(group, p, t) > 0
                    and product in ("", p)
                    and small
                    and self.below(group, unit)
                ):
                    parts.append(p_.variable())
                    self.lift[g, p, t] += parts[-1]
            p_.at_most(total(parts), most)

    # Sales

    def _sell(self) -> None:
        """Sell = curve + lift − lost; large contracts are whole; the market has a ceiling."""
        p_, f = self.program, self.facts
        self.sell: dict[tuple[int, str, int], Expr] = {}
        self.contracts: dict[tuple[int, str, int], Expr] = {}
        losing = self.losing()
        curve: dict[tuple[int, str, int], Expr] = {}
        for g, p, t in self.cells:
            group, product = f.groups[g], f.products[p]
            if group.active:
                curve[g, p, t] = group.ramp[t] * f.flow(group, p, t) * self.followed[g, p, t]
            else:
                customers = total(w for (h, _, month), w in self.won.items() if h == g and month <= t)
                curve[g, p, t] = f.flow(group, p, t) * f.expected(group, p) / group.n * customers
            value = product["contract_value"] or product["price"]
            told = Expr({}, self.past.sell.get((g, p, t), 0.0))
            if product["large"]:
                self.contracts[g, p, t] = p_.variable(whole=True) if f.season[p, t] > 0 else ZERO
                if self.past.over(t):
                    self.contracts[g, p, t] = told / product["contract_value"]
                self.sell[g, p, t] = product["contract_value"] * self.contracts[g, p, t]
                continue
            if self.past.over(t):
                curve[g, p, t] = told
            offered = curve[g, p, t] + self.lift[g, p, t]
            lost = p_.variable() if p in losing and not self.past.over(t) else ZERO
            p_.at_most(lost, offered)
            self.sell[g, p, t] = offered - lost
            if value:
                self.contracts[g, p, t] = self.sell[g, p, t] / value
        for g, p in {(g, p) for g, p, _ in self.cells}:
            offered = total(curve[g, p, t] + self.lift[g, p, t] for t in range(self.T))
            market = [f.ceiling(f.groups[g], p) * f.flow(f.groups[g], p, t) for t in range(self.T)]
            before = sum(self.past.sell.get((g, p, t), 0.0) for t in range(self.past.months))
            ahead = max(0.0, before - sum(market[: self.past.months]))
            p_.at_most(offered, sum(market) + (0.0 if f.products[p]["large"] else ahead))
            if f.products[p]["large"]:
                self._contracts_wait(g, p, {t: curve[g, p, t] for t in range(self.T)}, before)

    def _contracts_wait(self, g: int, p: str, curve: dict[int, Expr], before: float) -> None:
        """Contracts follow their demand with one contract's head start, but for those that the past is ahead of it."""
        f, worth = self.facts, self.facts.products[p]["contract_value"]
        group, least = f.groups[g], 0.0
        for t in range(self.T):
            window = next(w for w in f.windows(group.tier) if t in w)
            idle = f.sold(group, p, 0.0 if f.promised(group, window) > 0 else 1.0) if group.active else 0.0
            least += group.ramp[t] * f.flow(group, p, t) * idle
            if self.past.over(t):
                continue
            head = worth if t < self.T - 1 else 0.0
            ahead = max(0.0, before - least - head)
            so_far, sold = (total(x[k] for k in range(t + 1)) for x in (curve, {k: self.sell[g, p, k] for k in curve}))
            self.program.at_most(sold, so_far + head + ahead)

    def losing(self) -> set[str]:
        """Products of which something may be lost: with supply rows, or under an upper bound or a share on sales."""
        f = self.facts
        found = {s["product"] for table in ("supply", "needs") for s in rows(f.model, table)}
        dearest = max((f.commission(s["grade"], 1.0) for s in [*f.steps, {"grade": ""}]), default=0.0)
        found |= {p for p, product in f.products.items() if product["margin"] < dearest}
        for target in f.targets:
            if target["level"] == "ceiling":
                continue
            read = []
            if target["share_of"] or target["at_most"] is not None:
                read.append((target["metric"], parse_scope(target["scope"])))
            if target["share_of"]:
                read.append(parse_share_of(target["share_of"]))
            for metric, scope in read:
                for p, product in f.products.items():
                    labels = {"product": p, "family": product["family"], "class": product["class"]}
                    if metric in SALES and all(labels[k] in v for k, v in scope.items() if k in labels):
                        found.add(p)
        return found

    # Hours and deliveries

    def group_hours(self, g: int, t: int) -> Expr:
        """Hours of a group's visits and of winning it."""
        tier = self.facts.tiers.get(self.facts.groups[g].tier)
        return (tier["minutes"] / 60 if tier else 0.0) * self.visits[g, t] + self.win_hours[g, t]

    def _hours(self) -> None:
        """Hold the hours of months and the visits of days."""
        for code, rep in self.facts.reps.items():
            for t in range(self.past.months, self.T):
                shared = [(g, self.facts.shares(group, t).get(code, 0.0)) for g, group in self.groups]
                self.program.at_most(total(a * self.group_hours(g, t) for g, a in shared), rep.hours[t])
                if rep.per_day is not None:
                    seen = total(a * (self.visits[g, t] + self.first[g, t]) for g, a in shared)
                    self.program.at_most(seen, rep.per_day * rep.present[t])

    def _supply(self, supply: list[Row]) -> None:
        """Only what can be delivered is sold."""
        self.delivered: dict[tuple[str, str, int], Expr] = {}
        self.unit_cost: dict[tuple[str, str, int], float] = {}
        for p in sorted({s["product"] for s in supply}):
            for t in range(self.T):
                for source in sorted({s["source"] for s in supply if s["product"] == p}):
                    row = own_month(
                        [s for s in supply if (s["product"], s["source"]) == (p, source)], self.facts.months[t]
                    )
                    if row:
                        self.delivered[p, source, t] = self.program.variable(row["maximum"])
                        self.unit_cost[p, source, t] = row["unit_cost"]
                sold = total(s for (_, q, month), s in self.sell.items() if (q, month) == (p, t))
                if self.past.over(t):
                    self._delivered_then(p, t, sold, [s for s in supply if s["product"] == p])
                else:
                    self.program.equal(sold, total(d for (q, _, k), d in self.delivered.items() if (q, k) == (p, t)))

    def _delivered_then(self, p: str, t: int, sold: Expr, supply: list[Row]) -> None:
        """Sources have delivered what was sold in a month that is over by what they could deliver."""
        most = {}
        for source in {s["source"] for s in supply}:
            row = own_month([s for s in supply if s["source"] == source], self.facts.months[t])
            if row:
                most[source] = row["maximum"]
        for source, maximum in most.items():
            whole = sum(most.values())
            self.delivered[p, source, t] = sold * (maximum / whole if whole > 0 else 1 / len(most))

    def _executives(self, needs: list[Row], resources: list[Row]) -> None:
        """Promised executive visits are made; shared pools are shared."""
        p_, f = self.program, self.facts
        executive: dict[tuple[int, int], Expr] = {}
        for g, group in self.groups:
            tier = f.tiers.get(group.tier)
            if not tier or not tier["executive_visits"] or not any(n["tier"] == group.tier for n in needs):
                continue
            for window in f.windows(group.tier):
                promised = f.promised(group, window)
                if promised <= 0 or not group.owner:
                    continue
                for t in window:
                    if self.past.over(t):
                        executive[g, t] = tier["executive_visits"] / tier["visits"] * self.visits[g, t]
                        continue
                    executive[g, t] = p_.variable()
                    p_.at_most(executive[g, t], self.visits[g, t])
                seen = total(self.visits[g, t] for t in window)
                done = total(executive[g, t] for t in window)
                if not all(self.past.over(t) for t in window):
                    p_.at_most(tier["executive_visits"] / tier["visits"] * seen, done)
        for resource in sorted({r["resource"] for r in resources}):
            for t in range(self.past.months, self.T):
                row = own_month([r for r in resources if r["resource"] == resource], f.months[t])
                if not row:
                    continue
                used = [ZERO]
                for need in (n for n in needs if n["resource"] == resource):
                    if need["product"]:
                        of = [c for (_, p, k), c in self.contracts.items() if (p, k) == (need["product"], t)]
                    else:
                        of = [x for (g, k), x in executive.items() if k == t and f.groups[g].tier == need["tier"]]
                    used.append(need["hours"] * total(of))
                p_.at_most(total(used), row["hours"])


def own_month(listed: list[Row], month: str) -> Row | None:
    """Row of a month, else the one with a blank month."""
    own = [r for r in listed if r["month"] == month] or [r for r in listed if not r["month"]]
    return own[0] if own else None
