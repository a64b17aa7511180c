"""The quota program (section 5 of the mathematics), cell by cell."""

from __future__ import annotations

import pandas as pd

from allocator.model import Model
from allocator.scopes import parse_scope, parse_share_of
from oracles.effort import Effort
from oracles.facts import Row, rows
from oracles.linear import Expr, LinearProgram, total
from oracles.targets import Cell, Metrics, Wish, hold_misses

QUOTA_KEYS = {"rep", "grade", "unit", "product", "family", "class", "month", "quarter"}
TINY = 1e-9
Key = tuple[str, str, int]


class Quotas(Metrics):
    """Columns and rows of the quota program; targets on revenue read quotas instead of sales."""

    def __init__(self, model: Model, forecast: pd.DataFrame) -> None:
        super().__init__(Effort(model))
        self.program = LinearProgram()
        self.T = self.facts.T
        self.pins = [p for p in rows(model, "pins") if p["level"] == "base"]
        at = {m: t for t, m in enumerate(self.facts.months)}
        self.forecast: dict[Key, float] = {}
        for row in forecast.to_dict("records"):
            if row["rep"]:
                key = (row["rep"], row["product"], at[row["month"]])
                self.forecast[key] = self.forecast.get(key, 0.0) + row["forecast"]
        self.quota: dict[Key, Expr] = {}
        self.beyond: dict[Key, Expr] = {}
        for code, rep in self.facts.reps.items():
            for p in self.facts.products:
                for t in range(self.T):
                    reached = rep.quota_min is not None or any(self.pinned(pin, (code, p, t)) for pin in self.pins)
                    sold = self.forecast.get((code, p, t), 0.0)
                    if rep.in_post[t] and (sold > TINY or reached):
                        self.quota[code, p, t] = self.program.variable()
                        self.beyond[code, p, t] = self.program.variable() if reached else Expr()
                        self.program.at_most(self.quota[code, p, t], max(sold, 0.0) + self.beyond[code, p, t])

    def pinned(self, pin: Row, key: Key) -> bool:
        """Whether a pin's cut holds a cell."""
        rep, product, t = key
        return (
            (not pin["unit"] or pin["unit"] in self.facts.chain(self.facts.reps[rep].unit))
            and pin["rep"] in ("", rep)
            and pin["product"] in ("", product)
            and t in self.facts.window(pin["period"])
        )

    def cells(self, metric: str) -> list[Cell]:
        """Revenue as quotas, expected as forecast; the values of each are those of the sales."""
        found = [Cell(c.labels, Expr()) for c in self._sales("revenue")]
        for (r, p, t), quota in self.quota.items():
            labels = self._time(t) | self._product(p) | self._rep(r)
            found.append(Cell(labels, quota, self.forecast.get((r, p, t), 0.0)))
        return found

    def sum(self, reps: list[str]) -> Expr:
        """Quotas of some reps over everything."""
        return total(q for (r, _, _), q in self.quota.items() if r in reps)

    # What is asked

    def asked(self) -> list[Wish]:
        """Targets that quotas can answer: revenue at level base, cut by nothing but what quotas know."""
        kinds = {u["kind"] for u in self.facts.units.values()}
        found: list[Wish] = []
        needed = False
        for target in self.facts.targets:
            keys = set(parse_scope(target["scope"])) | {"unit" if k in kinds else k for k in target["each"]}
            metric, own = parse_share_of(target["share_of"]) if target["share_of"] else ("revenue", {})
            if (target["metric"], target["level"], metric) == ("revenue", "base", "revenue") and keys | set(
                own
            ) <= QUOTA_KEYS:
                needed = needed or target["at_least"] is not None
                for scope, cells in self._repeated(target):
                    found += self._bounds(target, scope, cells)
        if not needed:
            whole = sum(sold for sold in self.forecast.values() if sold > TINY)
            found.append(Wish("base", "1", 1.0, whole - total(self.quota.values()), whole or 1.0))
        return found

    def keep_limits(self) -> None:
        """Pins, floors and caps hold; commission fits the incentive line."""
        f, p_ = self.facts, self.program
        for pin in self.pins:
            p_.equal(total(q for key, q in self.quota.items() if self.pinned(pin, key)), pin["amount"])
        for code, rep in f.reps.items():
            if rep.quota_min is not None:
                p_.at_most(rep.quota_min, self.sum([code]))
            if rep.quota_max is not None:
                p_.at_most(self.sum([code]), rep.quota_max)
        incentive = [b["maximum"] for b in self.effort.lines.values() if b["category"] == "incentive"]
        if incentive:
            attainment = f.settings.commission_attainment
            paid = [f.commission(f.reps[r].grade, attainment) * q for (r, _, _), q in self.quota.items()]
            p_.at_most(total(paid), sum(incentive))

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


def _share(weights: dict[str, float], key: str) -> float:
    whole = sum(weights.values())
    return weights[key] / whole if whole else 0.0


def quota_goals(model: Model, forecast: pd.DataFrame) -> dict[str, float]:
    """Values of the quota program's goals, in order, for a forecast of rep, product and month.

    Raises
    ------
    Infeasible
        If pins, floors, caps and the incentive line contradict each other.
    """
    quotas = Quotas(model, forecast)
    program = quotas.program
    quotas.keep_limits()
    gaps: dict[int, list[tuple[float, Expr]]] = {}
    for wish in quotas.asked():
        gap = program.variable()
        program.at_most(wish.wanted / wish.scale, gap)
        gaps.setdefault(0 if wish.priority == "hard" else int(wish.priority), []).append((wish.weight, gap))
    unfair = quotas.unfairness()
    over = quotas.peaks()
    values = {"beyond": program.minimise(total(quotas.beyond.values()))}
    for priority in sorted(gaps):
        values |= hold_misses(program, f"gap {priority}", gaps[priority])
    values["total"] = program.minimise(total(quotas.quota.values()))
    values["unfair"] = program.minimise(unfair)
    values["peak"] = program.minimise(over)
    return values
