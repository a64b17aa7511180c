"""The quota program (section 5 of the mathematics), cell by cell, one level on top of the other."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from allocator.model import Model
from allocator.scopes import Scope, parse_scope, parse_share_of
from oracles.effort import Effort, own_month
from oracles.facts import Row, rows
from oracles.linear import Expr, Infeasible, LinearProgram, total
from oracles.targets import Cell, Labels, Metrics, Wish, hold_misses

LEVELS = ("base", "stretch", "ceiling")
SOLD = "sold"
"""Label of what was sold in months that are over: it counts whole, whoever owes."""
QUOTA_KEYS = {"rep", "grade", "unit", "product", "family", "class", "month", "quarter"}
GIVES = (1e-9, 1e-8, 1e-7, 2e-7, 5e-7)
"""How far under the level below, relative to one and the quota, the next one may lie: as little as an engine's tolerance allows, less
than what is compared."""
Key = tuple[str, str, int]
Amounts = Mapping[Key, float]


class Quotas(Metrics):
    """Columns and rows of one level's program; targets on revenue read what is owed instead of sales."""

    nothing = 0.01  # of the currency: the forecast is an answer of a solver

    def __init__(self, effort: Effort, level: str, forecast: Amounts, below: Amounts, give: float = 0.0) -> None:
        super().__init__(effort)
        self.program, self.T = LinearProgram(), self.facts.T
        self.level, self.forecast = level, forecast
        self.pins = rows(self.facts.model, "pins")
        self.offers = rows(self.facts.model, "commitments")
        if (
            self.facts.settings.commitments == "pin"
        ):  # a pin of one's own comes before what was offered for the same cut
            cuts = [_of_pin(pin) for pin in self.pins]
            self.pins += [offer for offer in self.offers if _of_pin(offer) not in cuts]
        self.past = effort.past
        self.asked_then = {ell: self.past.asked(ell) for ell in LEVELS}
        above = LEVELS[LEVELS.index(level) + 1 :]
        self.columns: dict[str, dict[Key, Expr]] = {}
        self.beyond: dict[str, dict[Key, Expr]] = {}
        keys = self.keys()
        before: Mapping[Key, Expr | float] = {k: v - give * max(1.0, v) for k, v in below.items()}
        for ell in (level, *(x for x in above if any(pin["level"] == x for pin in self.pins))):
            self.columns[ell] = {
                key: Expr({}, self.asked_then[ell].get(key, 0.0)) if self.past.over(key[2]) else self.program.variable()
                for key in keys
            }
            self.beyond[ell] = {key: self.program.variable() if self.beyond_allowed(key) else Expr() for key in keys}
            for key, quota in self.ahead(ell):
                self.program.at_most(before.get(key, 0.0), quota)
            if ell == "ceiling":
                self.market_and_delivery()
            else:
                self.reach(ell)
            self.keep_pins(ell)
            before = self.columns[ell]
        if level == "base":
            self.keep_limits()
        self.quota = self.columns[level]

    # Cells

    def keys(self) -> list[Key]:
        """Who is in post and carries clients with a demand then, or is reached by a pin or a floor."""
        f = self.facts
        wanted = {(f.groups[g].carrier[t], p, t) for g, p, t in self.effort.cells}
        every = [(r, p, t) for r in f.reps for p in f.products for t in range(self.T) if f.reps[r].in_post[t]]
        then = [key for key in every if any(self.asked_then[ell].get(key, 0.0) > 0 for ell in LEVELS)]
        return [key for key in every if key in wanted or key in then or self._reaches(key)]

    def ahead(self, level: str) -> list[tuple[Key, Expr]]:
        """Quotas of the months that remain."""
        return [(key, quota) for key, quota in self.columns[level].items() if not self.past.over(key[2])]

    def beyond_allowed(self, key: Key) -> bool:
        """Whether more may be asked of a cell than can be reached; what was asked is not asked again."""
        return not self.past.over(key[2]) and self._reaches(key)

    def _reaches(self, key: Key) -> bool:
        """Whether a cell lies in a pin of any level, or is of a rep with a floor."""
        return self.facts.reps[key[0]].quota_min is not None or any(self.pinned(pin, key) for pin in self.pins)

    def pinned(self, pin: Row, key: Key) -> bool:
        """Whether a pin's cut holds a cell."""
        rep, product, t = key
        return (
            (not pin["unit"] or pin["unit"] in self.facts.chain(self.facts.reps[rep].unit))
            and pin["rep"] in ("", rep)
            and pin["product"] in ("", product)
            and t in self.facts.window(pin["period"])
        )

    def sold(self, key: Key) -> float:
        """Forecast of a cell."""
        return max(0.0, self.forecast.get(key, 0.0))

    def sum(self, reps: list[str]) -> Expr:
        """Quotas of some reps over everything."""
        return total(q for (r, _, _), q in self.quota.items() if r in reps)

    # Rules

    def reach(self, level: str) -> None:
        """Base and stretch can be reached."""
        for key, quota in self.ahead(level):
            self.program.at_most(quota, self.sold(key) + self.beyond[level][key])

    def market_and_delivery(self) -> None:
        """The ceiling is the market's, and only what can be delivered is asked."""
        f, quota, beyond = self.facts, self.columns["ceiling"], self.beyond["ceiling"]

        def hold(cells: list[Key], most: float) -> None:
            most = max(most, sum(self.sold(key) for key in cells if not self.past.over(key[2])))
            self.program.at_most(total(quota[k] for k in cells), most + total(beyond[k] for k in cells))

        for r, p in {(r, p) for r, p, _ in quota}:
            market = [
                sum(f.ceiling(x, p) * f.flow(x, p, t) for x in f.groups if x.carrier[t] == r) for t in range(self.T)
            ]
            mine = [key for key in quota if key[:2] == (r, p)]
            asked = sum(quota[key].constant for key in mine if self.past.over(key[2]))
            rest = sum(self.sold(key) for key in mine if not self.past.over(key[2]))
            # The months that remain may make up for what was not asked before, and have their own part in any case.
            hold(mine, max(sum(market), asked + max(sum(market[self.past.months :]), rest)))
        supply = rows(f.model, "supply")
        for p in {s["product"] for s in supply}:
            for t in range(self.past.months, self.T):
                own = [s for s in supply if s["product"] == p]
                listed = [
                    own_month([s for s in own if s["source"] == source], f.months[t])
                    for source in {s["source"] for s in own}
                ]
                hold([key for key in quota if key[1:] == (p, t)], sum(s["maximum"] for s in listed if s))

    def keep_pins(self, level: str) -> None:
        """Pins of a level hold."""
        for pin in (pin for pin in self.pins if pin["level"] == level):
            cut = total(q for key, q in self.columns[level].items() if self.pinned(pin, key))
            if not all(self.past.over(t) for t in self.facts.window(pin["period"])):
                self.program.equal(cut, pin["amount"])

    def keep_limits(self) -> None:
        """Floors and caps hold; commission fits the incentive line: all at base."""
        f, p_, base = self.facts, self.program, self.columns["base"]
        for code, rep in f.reps.items():
            mine = total(q for (r, _, _), q in base.items() if r == code)
            if rep.quota_min is not None:
                p_.at_most(rep.quota_min, mine)
            if rep.quota_max is not None:
                p_.at_most(mine, rep.quota_max)
        incentive = [b["maximum"] for b in self.effort.lines.values() if b["category"] == "incentive"]
        if incentive:
            attainment = f.settings.commission_attainment
            paid = [f.commission(f.reps[r].grade, attainment) * q for (r, _, _), q in base.items()]
            p_.at_most(total(paid), sum(incentive))

    # What is asked

    def cells(self, metric: str) -> list[Cell]:
        """Revenue as quotas, expected as forecast: what nobody carries is asked of nobody."""
        found = []
        for (r, p, t), quota in self.quota.items():
            labels, sold = self._time(t) | self._product(p) | self._rep(r), self.sold((r, p, t))
            if not self.past.over(t):
                found.append(Cell(labels, quota, sold))
                continue
            found.append(Cell(labels | {SOLD: True}, Expr({}, sold), sold))
            if self.level == "ceiling":  # what it asked beyond the stretch counts besides
                room = quota.constant - self.asked_then["stretch"].get((r, p, t), 0.0)
                found.append(Cell(labels, Expr({}, room), 0.0))
        return found

    def part(self, labels: Labels, scope: Scope) -> float:
        """What of a quota is owed by the unit that the scope or each names, or by the top; of a rep that is named, all."""
        if {"rep", "=rep"} & set(scope) or SOLD in labels:
            return 1.0
        chain = list(self.facts.chain(self.facts.reps[str(labels["rep"])].unit))
        for key, values in scope.items():
            # Of the alternatives of one key the highest owes, of several keys the narrowest: a team of a region as a team.
            while key.lstrip("=") in self.unit_keys and chain[-1] not in values and set(chain) & set(values):
                chain.pop()
        part = 1.0
        for unit in chain:
            part /= 1 + self.facts.settings.hedge.get(self.facts.units[unit]["kind"], 0.0)
        return part

    @property
    def unit_keys(self) -> set[str]:
        """Keys by which units are named: themselves and their kinds."""
        return {"unit"} | {u["kind"] for u in self.facts.units.values()}

    def read_by_quotas(self, target: Row) -> bool:
        """Whether a target is on revenue, cut by nothing but what quotas know."""
        metric, own = parse_share_of(target["share_of"]) if target["share_of"] else ("revenue", {})
        each = {"unit" if key in self.unit_keys else key for key in target["each"]}
        keys = set(parse_scope(target["scope"])) | each | set(own)
        return (target["metric"], metric) == ("revenue", "revenue") and keys <= QUOTA_KEYS

    def level_targets(self) -> list[Row]:
        """The level's own rows, and those of base for which it has none, raised."""
        own = [t for t in self.facts.targets if t["level"] == self.level]
        replaced = [_cut(t) for t in own]
        found = list(own)
        for target in self.facts.targets if self.level != "base" else []:
            if target["level"] == "base" and _cut(target) not in replaced:
                raised = 1.0 if target["share_of"] else self.height()
                bounds = {k: None if target[k] is None else target[k] * raised for k in ("at_least", "at_most")}
                found.append(target | bounds)
        return [t for t in found if self.read_by_quotas(t)]

    def height(self) -> float:
        """Multiple of base that the level asks for where nothing else is said."""
        return 1.0 if self.level == "base" else float(getattr(self.facts.settings.levels, self.level))

    def asked(self) -> list[Wish]:
        """Targets that quotas can answer; the whole forecast, at the ceiling raised, where the level asks for nothing."""
        found: list[Wish] = []
        targets = self.level_targets()
        for target in targets:
            for scope, cells in self._repeated(target):
                found += self._bounds(target, scope, cells)
        if not any(target["at_least"] is not None for target in targets):
            cells = self.cells("revenue")
            whole = sum(self.part(c.labels, {}) * c.expected for c in cells)
            whole *= self.height() if self.level == "ceiling" else 1.0
            wanted = whole - total(self.part(c.labels, {}) * c.value for c in cells)
            found.append(Wish(self.level, "1", 1.0, wanted, whole if whole > self.nothing else 1.0))
        return found

    # Fairness and peak

    def weights(self) -> dict[str, float]:
        """Weight of each rep."""
        f, fairness = self.facts, self.facts.settings.fairness
        potential = dict.fromkeys(f.reps, 0.0)
        for group in f.groups:
            for carrier in group.carrier:
                if carrier:
                    potential[carrier] += sum(f.ceiling(group, p) for p in f.products) / self.T
        history = dict.fromkeys(f.reps, 0.0)
        for row in rows(f.model, "history"):
            rep = row["rep"] or f.owner.get(row["client"], "")
            if row["metric"] == "revenue" and rep:
                history[rep] += row["amount"] * sum(f.reps[rep].in_post) / self.T
        parts = {"potential": potential, "history": history}
        mixed = parts.get(fairness.by) or {
            r: fairness.blend * _share(potential, r) + (1 - fairness.blend) * _share(history, r) for r in f.reps
        }
        return {r: w * fairness.grades.get(f.reps[r].grade, 1.0) for r, w in mixed.items()}

    def families(self) -> list[list[list[str]]]:
        """Who is compared with whom: reps of a unit, and units of a parent, each as the reps below it."""
        f = self.facts
        found = [[[r] for r, rep in f.reps.items() if rep.unit == u] for u in f.units]
        for parent in f.units:
            below = [
                [r for r, rep in f.reps.items() if u in f.chain(rep.unit)]
                for u in f.units
                if f.units[u]["parent"] == parent
            ]
            found.append(below)
        return [x for x in found if x]

    def unfairness(self) -> Expr:
        """Sum of what lies outside the bands; where nobody has a weight there is no fair share to keep."""
        weight, band = self.weights(), self.facts.settings.fairness.band
        beyond = []
        for family in self.families():
            whole = self.sum([r for part in family for r in part])
            sum_ = sum(weight[r] for part in family for r in part)
            for part in family if sum_ > 0 else []:
                fair = sum(weight[r] for r in part) / sum_ * whole
                unfair = self.program.variable()
                self.program.at_most(self.sum(part) - fair, band * fair + unfair)
                self.program.at_most(fair - self.sum(part), band * fair + unfair)
                beyond.append(unfair)
        return total(beyond)

    def peaks(self) -> Expr:
        """Sum of what months are asked over the peak."""
        f, over = self.facts, []
        for code, rep in f.reps.items():
            posted = [t for t in range(self.T) if rep.in_post[t]]
            allowed: dict[int, list[Expr]] = {t: [] for t in posted}
            for p in (p for p in f.products if not f.products[p]["large"]):
                year = total(q for (r, q_, _), q in self.quota.items() if (r, q_) == (code, p))
                season = sum(f.season[p, t] for t in posted)
                for t in posted if season > 0 else []:
                    allowed[t].append(f.season[p, t] / season * year)
            for t in posted:
                asked = total(
                    q for (r, p, k), q in self.quota.items() if (r, k) == (code, t) and not f.products[p]["large"]
                )
                over.append(self.program.variable())
                self.program.at_most(asked, f.settings.peak * total(allowed[t]) + over[-1])
        return total(over)

    # Commitments

    def away_from_offers(self) -> Expr | None:
        """Weighted distance of the quotas from what was offered at the level, where that is preferred."""
        mine = [offer for offer in self.offers if offer["level"] == self.level]
        if self.facts.settings.commitments != "prefer" or not mine:
            return None
        distances = []
        for offer in mine:
            asked = total(q for key, q in self.quota.items() if self.pinned(offer, key))
            far = self.program.variable()
            self.program.at_most(asked - offer["amount"], far)
            self.program.at_most(offer["amount"] - asked, far)
            distances.append(offer["weight"] * far)
        return total(distances)

    # Goals

    def goals(self) -> dict[str, float]:
        """Values of the level's goals, in order."""
        program, level = self.program, self.level
        gaps: dict[int, list[tuple[float, Expr]]] = {}
        for wish in self.asked():
            gap = program.variable()
            program.at_most(wish.wanted / wish.scale, gap)
            gaps.setdefault(0 if wish.priority == "hard" else int(wish.priority), []).append((wish.weight, gap))
        away = self.away_from_offers()
        unfair = self.unfairness()
        over = self.peaks()
        values = {f"{level} beyond": program.minimise(total(self.beyond[level].values()))}
        for priority in sorted(gaps):
            values |= hold_misses(program, f"{level} gap {priority}", gaps[priority])
        if away is not None:
            values[f"{level} commitments"] = program.minimise(away)
        values[f"{level} total"] = program.minimise(total(self.quota.values()))
        values[f"{level} unfair"] = program.minimise(unfair)
        values[f"{level} peak"] = program.minimise(over)
        return values


def _of_pin(pin: Row) -> tuple[object, ...]:
    """Return what a pin, or what was offered, is about."""
    return tuple(pin[k] for k in ("unit", "rep", "product", "period", "level"))


def _cut(target: Row) -> tuple[object, ...]:
    """Return what makes a row of a level stand for a row of base."""
    scope = sorted((k, sorted(v)) for k, v in parse_scope(target["scope"]).items())
    return target["metric"], scope, tuple(target["each"]), target["period"], target["share_of"]


def _share(weights: dict[str, float], key: str) -> float:
    whole = sum(weights.values())
    return weights[key] / whole if whole else 0.0


def amounts(model: Model, frame: pd.DataFrame, column: str) -> dict[Key, float]:
    """Sum a column of rows of rep, product and month; rows without a rep are left out."""
    start, found = model.settings.start, dict[Key, float]()
    for row in frame[frame["rep"].astype(str) != ""].to_dict("records"):
        month = str(row["month"])
        t = int(month[:4]) * 12 + int(month[5:]) - int(start[:4]) * 12 - int(start[5:])
        key = (str(row["rep"]), str(row["product"]), t)
        found[key] = found.get(key, 0.0) + float(row[column])
    return found


def quota_goals(model: Model, forecast: pd.DataFrame, quotas: pd.DataFrame | None = None) -> dict[str, float]:
    """Values of the goals of the quota programs, in order, for a forecast of rep, product and month.

    Parameters
    ----------
    model : Model
    forecast : DataFrame
        rep, product, month, forecast.
    quotas : DataFrame, optional
        rep, product, month, level, exact: what was asked at each level, on which the next one stands, for the answer of a level
        need not be the only one. Without it, the oracle's own answers.

    Raises
    ------
    Infeasible
        If pins, floors, caps and the incentive line contradict each other.
    """
    effort, sold = Effort(model), amounts(model, forecast, "forecast")
    values: dict[str, float] = {}
    below: dict[Key, float] = {}
    for level in LEVELS:
        asking, reached = _level_goals(effort, level, sold, below)
        values |= reached
        if quotas is None:
            below = {key: max(0.0, q.at(asking.program.x)) for key, q in asking.quota.items()}
        else:
            below = amounts(model, quotas[quotas["level"] == level], "exact")
            assert set(below) == set(asking.quota), "the plan has other cells than the mathematics"
    return values


def _level_goals(effort: Effort, level: str, sold: Amounts, below: Amounts) -> tuple[Quotas, dict[str, float]]:
    for give in GIVES if below else (0.0,):
        try:
            asking = Quotas(effort, level, sold, below, give)
            return asking, asking.goals()
        except Infeasible as contradiction:
            last = contradiction
    raise last
