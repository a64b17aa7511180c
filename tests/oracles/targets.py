"""Metrics, targets and the goals of the effort program (section 4 of the mathematics)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from allocator.model import Model
from allocator.scopes import Scope, parse_scope, parse_share_of
from oracles.effort import ZERO, Effort
from oracles.facts import Facts, Group, Row, matches, rows
from oracles.linear import Expr, total

Labels = dict[str, Any]
NOTHING = 1e-9
"""Sums of forecasts below this are the noise of the solver that found them."""


@dataclass(frozen=True)
class Cell:
    """A part of a metric: its labels, its value and its value at expected demand."""

    labels: Labels
    value: Expr
    expected: float = 0.0


@dataclass(frozen=True)
class Wish:
    """One bound of one repetition of a target, as ``wanted ≥ 0`` with what it is relative to."""

    level: str
    priority: str
    weight: float
    wanted: Expr
    scale: float
    broken: float = 0.0
    """By how much the months that are over alone break it, where what remains need not make that good."""


class Metrics:
    """Cells of every metric of a model."""

    nothing = NOTHING

    def __init__(self, effort: Effort) -> None:
        self.effort, self.facts = effort, effort.facts

    def cells(self, metric: str) -> list[Cell]:
        """Cells of a metric.

        ``market_share`` has the cells of revenue: its divisor depends on the target.
        """
        e = self.effort
        if metric in ("revenue", "profit", "contracts", "commission", "market_share"):
            return self._sales("revenue" if metric == "market_share" else metric)
        if metric == "collections":
            return self._collections()
        if metric == "visits":
            return [self._by_group(g, t, e.visits[g, t] + e.first[g, t]) for g, _ in e.groups for t in range(e.T)]
        if metric == "hours":
            return [self._by_group(g, t, e.group_hours(g, t)) for g, _ in e.groups for t in range(e.T)]
        if metric == "new_clients":
            won = {(g, t): [w for (h, _, month), w in e.won.items() if (h, month) == (g, t)] for g, t in e.visits}
            return [self._by_group(g, t, total(w)) for (g, t), w in won.items() if not self.facts.groups[g].active]
        if metric == "coverage":
            return self._coverage()
        if metric == "spend":
            return [self._by_line(b, t, 1.0) for b in e.lines for t in range(e.T)]
        if metric == "contribution":
            return self._contribution()
        return self._yields(metric)

    # Labels

    def _time(self, t: int) -> Labels:
        return {"month": self.facts.months[t], "quarter": self.facts.quarters[t]}

    def _product(self, p: str) -> Labels:
        row = self.facts.products.get(p)
        return {"product": p, "family": row["family"], "class": row["class"]} if row else {}

    def _group(self, g: int, t: int) -> Labels:
        group: Group = self.facts.groups[g]
        labels = self._time(t) | {"tier": group.tier, "status": group.status} | group.attributes
        return labels | self._rep(group.carrier[t])

    def _rep(self, code: str) -> Labels:
        rep = self.facts.reps.get(code)
        return {"rep": code, "grade": rep.grade, "unit": self.facts.chain(rep.unit)} if rep else {}

    def _by_group(self, g: int, t: int, value: Expr) -> Cell:
        group: Group = self.facts.groups[g]
        window = next(w for w in self.facts.windows(group.tier) if t in w)
        promised = self.facts.promised(group, window) if group.owner else 0.0
        return Cell(self._group(g, t), value, promised / len(window))

    def _chain(self, unit: str) -> tuple[str, ...]:
        """Return a unit and all above it; of none, the company."""
        tops = [u for u, row in self.facts.units.items() if not row["parent"]]
        return self.facts.chain(unit or (tops[0] if len(tops) == 1 else ""))

    def _by_line(self, b: str, t: int, amount: float) -> Cell:
        e = self.effort
        line, window = e.lines[b], e.line_window(e.lines[b])
        labels = {
            "line": b,
            "category": line["category"],
            "channel": line["channel"],
            "unit": self._chain(line["unit"]),
        }
        most = line["maximum"] / len(window) if t in window else 0.0
        return Cell(self._time(t) | labels | self._product(line["product"]), amount * e.spend[b, t], amount * most)

    # Kinds of metrics

    def _sales(self, metric: str) -> list[Cell]:
        e, f, found = self.effort, self.facts, []
        for g, p, t in e.cells:
            product, group = f.products[p], f.groups[g]
            window = next(w for w in f.windows(group.tier) if t in w)
            effort = 1.0 if group.owner or not f.promised(group, window) else 0.0
            calm = group.ramp[t] * f.flow(group, p, t) * f.sold(group, p, effort) if group.active else 0.0
            if e.past.over(t) and not product["large"]:
                calm = e.past.sell.get((g, p, t), 0.0)
            value, expected = e.sell[g, p, t], calm
            if metric == "contracts":
                worth = product["contract_value"] or product["price"]
                if not worth:
                    continue
                value, expected = e.contracts[g, p, t], calm / worth
            elif metric != "revenue":
                carrier = group.carrier[t]
                paid = f.commission(f.reps[carrier].grade, 1.0) if carrier else 0.0
                factor = product["margin"] if metric == "profit" else paid
                value, expected = factor * value, factor * calm
            found.append(Cell(self._group(g, t) | self._product(p), value, expected))
        return found

    def _contribution(self) -> list[Cell]:
        e, f, found = self.effort, self.facts, self.cells("profit")
        found += [Cell(c.labels, -c.value) for c in (*self.cells("commission"), *self.cells("spend"))]
        for cell, (g, _) in zip(self.cells("visits"), itertools.product(range(len(e.groups)), range(e.T)), strict=True):
            found.append(Cell(cell.labels, -f.tiers[f.groups[g].tier]["visit_cost"] * cell.value))
        for (p, source, t), delivered in e.delivered.items():
            found.append(Cell(self._time(t) | self._product(p), -e.unit_cost[p, source, t] * delivered))
        return found

    def _collections(self) -> list[Cell]:
        e, f, found = self.effort, self.facts, []
        listed = rows(f.model, "collection")

        def lags(tier: str) -> list[tuple[int, float]]:
            own = [c for c in listed if c["tier"] == tier] or [c for c in listed if not c["tier"]]
            return [(c["lag_months"], c["share"]) for c in own] or [(0, 1.0)]

        for (g, _, t), cell in zip(e.cells, self._sales("revenue"), strict=True):
            for lag, share in lags(f.groups[g].tier):
                if t + lag < e.T:
                    found.append(Cell(cell.labels | self._time(t + lag), share * cell.value, share * cell.expected))
        first = int(f.months[0][:4]) * 12 + int(f.months[0][5:])
        for row in rows(f.model, "history"):
            t = int(row["month"][:4]) * 12 + int(row["month"][5:]) - first
            if row["metric"] != "revenue" or t >= 0:
                continue
            client = f.clients.get(row["client"])
            labels: Labels = self._product(row["product"]) | (self._rep(row["rep"]) if row["rep"] else {})
            if row["unit"]:
                labels["unit"] = f.chain(row["unit"])
            if client:
                labels |= {k: client[k] for k in ("client", "tier", "status", "industry", "area")}
            for lag, share in lags(client["tier"] if client else ""):
                if 0 <= t + lag < e.T:
                    cash = share * row["amount"]
                    found.append(Cell(labels | self._time(t + lag), Expr({}, cash), cash))
        return found

    def _coverage(self) -> list[Cell]:
        e, f, found = self.effort, self.facts, []
        for g, group in e.groups:
            for window in f.windows(group.tier) if group.active else []:
                seen = total(e.visits[g, t] for t in window)
                most = f.most_effort(group.tier) * f.promised(group, window)
                met = Expr({}, min(seen.constant, group.n))
                if seen.terms:
                    met = e.program.smaller(seen, Expr({}, group.n), max(most, group.n))
                found.append(self._by_group(g, window[0], met))
        return found

    def _yields(self, metric: str) -> list[Cell]:
        e, f, found = self.effort, self.facts, []
        for row in (y for y in e.yields if y["metric"] == metric):
            source, amount = row["source"], row["amount"]
            if source in e.lines:
                found += [self._by_line(source, t, amount) for t in range(e.T)]
            elif source in f.tiers:
                of = [(g, t) for g, group in e.groups if group.tier == source for t in range(e.T)]
                cells = [self._by_group(g, t, amount * e.visits[g, t]) for g, t in of]
                found += [Cell(c.labels, c.value, amount * c.expected) for c in cells]
            else:
                cells = [c for c in self._sales("contracts") if c.labels["product"] == source]
                found += [Cell(c.labels, amount * c.value, amount * c.expected) for c in cells]
        return found

    # Targets

    def wishes(self) -> list[Wish]:
        """Every bound of every repetition of every target that is planned for."""
        found = []
        for target in self.facts.targets:
            if target["level"] != "ceiling":
                for scope, cells in self._repeated(target):
                    found += self._bounds(target, scope, cells)
        return found

    def _repeated(self, target: Row) -> list[tuple[Scope, list[Cell]]]:
        """Scope and cells of each repetition: the values that occur in the target's cells."""
        scope = parse_scope(target["scope"])
        months = {self.facts.months[t] for t in self.facts.window(target["period"])}
        kept = [c for c in self.cells(target["metric"]) if c.labels["month"] in months and matches(c.labels, scope)]
        if not target["each"]:
            return [(scope, kept)]
        repeated: dict[tuple[str, ...], list[Cell]] = {}
        for cell in kept:
            for values in itertools.product(*(self._values(cell.labels, key) for key in target["each"])):
                repeated.setdefault(values, []).append(cell)
        return [
            (scope | {"=" + k: (v,) for k, v in zip(target["each"], values, strict=True)}, cells)
            for values, cells in repeated.items()
        ]

    def _values(self, labels: Labels, key: str) -> tuple[str, ...]:
        chain = labels.get("unit", ())
        if key == "unit":
            return tuple(chain)
        if key not in labels and self._carries(key):
            return tuple(u for u in chain if self.facts.units[u]["kind"] == key)
        return (labels[key],) if labels.get(key) else ()

    def part(self, labels: Labels, scope: Scope) -> float:
        """Part of a cell that counts in a target of a scope."""
        return 1.0

    def _bounds(self, target: Row, scope: Scope, cells: list[Cell]) -> list[Wish]:
        size = self._market(target, scope) if target["metric"] == "market_share" else 1.0
        metric, done = (
            total(self.part(c.labels, scope) * c.value for c in of) / size for of in (cells, self._then(cells))
        )
        base, calm, part = Expr({}, 1.0), 1.0, Expr({}, 1.0)
        if target["share_of"]:
            base, calm, part = self._base(target, scope)
        ended = bool(target["share_of"]) or self._ended(target, scope)
        found = []
        for bound, sign in ((target["at_least"], 1.0), (target["at_most"], -1.0)):
            if bound is not None:
                scale = abs(bound * calm)
                scale = scale if scale > self.nothing else 1.0
                wanted = sign * (bound * base - metric)
                broken = sign * (bound * part.constant - done.constant) if ended or sign < 0 else 0.0
                broken = max(0.0, broken) if self.effort.past.months else 0.0
                found.append(Wish(target["level"], str(target["priority"]), target["weight"], wanted, scale, broken))
        return found

    def _then(self, cells: list[Cell]) -> list[Cell]:
        """Cells of the months that are over."""
        over = self.facts.months[: self.effort.past.months]
        return [c for c in cells if c.labels["month"] in over]

    def _ended(self, target: Row, scope: Scope) -> bool:
        """Whether all months of a repetition are over: of its period, or of the month or quarter that it is about."""
        months = [self.facts.window(target["period"])]
        months += [[t for t in range(self.facts.T) if v in (self.facts.months[t], self.facts.quarters[t])]
                   for k, values in scope.items() if k in ("=month", "=quarter") for v in values]  # fmt: skip
        return any(all(self.effort.past.over(t) for t in some) for some in months)

    def _base(self, target: Row, scope: Scope) -> tuple[Expr, float, Expr]:
        """Return the metric that a share refers to, its value at expected demand, and the months that are over of it."""
        metric, own = parse_share_of(target["share_of"])
        carried = {k: v for k, v in scope.items() if k.startswith("=") and self._carries(k[1:])}
        months = {self.facts.months[t] for t in self.facts.window(target["period"])}
        kept = [
            c
            for c in self.cells(metric)
            if c.labels["month"] in months
            and matches(c.labels, own)
            and all(matches(c.labels, {"rep" if k == "=rep" else "unit": v}) for k, v in carried.items())
        ]
        known = metric not in ("hours", "new_clients", "coverage", "contribution", "market_share")
        named = own | carried
        expected = sum(self.part(c.labels, named) * c.expected for c in kept) if known else 1.0
        then = total(self.part(c.labels, named) * c.value for c in self._then(kept))
        return total(self.part(c.labels, named) * c.value for c in kept), expected, then

    def _carries(self, key: str) -> bool:
        return key in {"rep", "unit"} | {u["kind"] for u in self.facts.units.values()}

    def _market(self, target: Row, scope: Scope) -> float:
        """Size of the market that a scope and a period hold."""
        f = self.facts
        months = set(f.window(target["period"]))
        asked = {}
        for key, values in scope.items():
            name = key.lstrip("=")
            if name in ("month", "quarter"):
                months &= {t for t in range(f.T) if {f.months[t], f.quarters[t]} & set(values)}
            else:
                asked["unit" if self._carries(name) else name] = values
        size = 0.0
        for row in rows(f.model, "market"):
            labels = self._product(row["product"]) | {"unit": self._chain(row["unit"]), "industry": row["industry"]}
            own = set(f.window(row["period"]))
            if matches(labels, asked):
                size += row["size"] * len(own & months) / len(own)
        return size


def effort_goals(model: Model) -> dict[str, float]:
    """Values of the effort program's goals, in order.

    Raises
    ------
    Infeasible
        If the hard rules contradict each other.
    """
    effort = Effort(model)
    metrics, program, facts = Metrics(effort), effort.program, effort.facts
    misses: dict[tuple[str, int], list[tuple[float, Expr]]] = {}
    for wish in metrics.wishes():
        if wish.priority == "hard":
            program.at_most(wish.wanted, wish.broken)
            continue
        miss = program.variable()
        program.at_most(wish.wanted / wish.scale, miss)
        misses.setdefault((wish.level, int(wish.priority)), []).append((wish.weight, miss))
    for line, over in effort.overrun.items():
        misses.setdefault(("base", 1), []).append((1.0, over / (effort.lines[line]["maximum"] or 1.0)))
    contribution = total(c.value for c in metrics.cells("contribution"))
    values: dict[str, float] = {}
    for goal in model.settings.goals:
        if goal == "visits":
            values["visits"] = program.minimise(_short(effort, facts))
        elif goal == "contribution":
            values["contribution"] = -program.minimise(-contribution)
        else:
            for level, priority in sorted(k for k in misses if k[0] == goal):
                values |= hold_misses(effort.program, f"{goal} {priority}", misses[level, priority])
    return values


def hold_misses(program: Any, name: str, misses: list[tuple[float, Expr]]) -> dict[str, float]:
    """Least value of the largest miss, then of their weighted sum."""
    largest = program.variable()
    for _, miss in misses:
        program.at_most(miss, largest)
    return {
        f"{name} largest": program.minimise(largest),
        f"{name} sum": program.minimise(total(weight * miss for weight, miss in misses)),
    }


def _short(effort: Effort, facts: Facts) -> Expr:
    promised = sum(facts.promised(group, w) for group in facts.groups for w in facts.windows(group.tier))
    short = total(
        facts.promised(group, window) - effort.made[g, w]
        for g, group in effort.groups
        for w, window in enumerate(facts.windows(group.tier))
    )
    return short / promised if promised else ZERO
