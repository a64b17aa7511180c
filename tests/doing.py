"""What a rep does on each day of a plan by hand: section 8 of the mathematics in whole numbers and fractions."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import pandas as pd
from daily import STATUSES, Amounts, Daily, Frames, Spending, fraction, half_up

from allocator.model import Model


class Doing:
    """Running totals of a rep, a number before each day and one at last."""

    def __init__(self, plan: Daily, rep: str) -> None:
        self.plan, self.rep = plan, rep
        self.quota = [float(x) for x in plan.quota_days(rep)["base"]]
        sales, large = self.sales("sell", False), self.sales("contracts", True)
        self.amount = self.dealt(sales, plan.rounding)
        self.count = self.dealt(self.sales("contracts", False), Fraction(1))
        value = plan.model["products"].set_index("product")["contract_value"]
        for status, product in {(s, p) for s, p, _t in large}:
            monthly = {t: a for (s, p, t), a in large.items() if (s, p) == (status, product)}
            whole = [half_up(x) for x in plan.running(rep, monthly)]
            for of, each in ((self.count, 1), (self.amount, int(value[product]))):
                old = of.get((status, product), [0] * (len(whole) + 1))
                of[status, product] = [a + each * b for a, b in zip(old, [0, *whole], strict=True)]
        self.cash, self.again, self.first = (
            self.dealt(x, step)
            for x, step in (
                (self.collected(), plan.rounding),
                (self.visits("planned"), 1),
                (self.visits("first_visits"), 1),
            )
        )
        self.new = self.dealt(self.won(), Fraction(1))
        self.spend = self.whole(self.spent(), min(plan.rounding, Fraction(1)))
        self.hours = self.whole(self.supported(), Fraction(1, 10))
        money: dict[int, Fraction] = {}
        for (_s, _p, t), a in [*sales.items(), *((k, a * fraction(value[k[1]])) for k, a in large.items())]:
            money[t] = money.get(t, Fraction(0)) + a
        self.commission = self.whole({t: a * self.rate(Fraction(1)) for t, a in money.items()}, Fraction(1, 100))

    def dealt(self, amounts: Amounts, step: Any) -> dict[tuple[str, str], list[Any]]:
        """Whole running totals: of everything, dealt to the statuses, and of each of these to its names."""
        by_status = {s: {} for s in STATUSES}
        for (s, _name, t), a in amounts.items():
            by_status[s][t] = by_status[s].get(t, Fraction(0)) + a
        exact = {s: [x / step for x in self.plan.running(self.rep, m)] for s, m in by_status.items()}
        total = [half_up(sum(x, Fraction(0))) for x in zip(*exact.values(), strict=True)]
        out = {}
        for s, whole in deal(total, exact).items():
            names = sorted({n for status, n, _t in amounts if status == s}) or [""]
            of = {n: {t: a for (x, y, t), a in amounts.items() if (x, y) == (s, n)} for n in names}
            running = {n: [x / step for x in self.plan.running(self.rep, m)] for n, m in of.items()}
            out |= {(s, n): [0, *(x * step for x in xs)] for n, xs in deal(whole, running).items()}
        return out

    def whole(self, monthly: Mapping[int, Fraction], step: Fraction) -> list[Fraction]:
        """Running total in whole steps."""
        return [Fraction(0), *(half_up(x / step) * step for x in self.plan.running(self.rep, monthly))]

    def sales(self, column: str, large: bool) -> Amounts:
        """Sales or contracts of the clients he carries, of large products or of the others."""
        forecast, products = self.plan.frames["forecast"], self.plan.model["products"].set_index("product")
        out: Amounts = {}
        for row in forecast[forecast["rep"] == self.rep].itertuples(index=False):
            amount = getattr(row, column)
            if bool(products["large"][row.product]) == large and not pd.isna(amount):
                key = (self.plan.status[row.group], row.product, self.plan.index[row.month])
                out[key] = out.get(key, Fraction(0)) + fraction(amount)
        return out

    def part(self, group: str, owner: str, month: int) -> Fraction:
        """Part of a group's visits that he makes."""
        plan = self.plan
        of = plan.frames["assignments"].query("group == @group and rep == @owner")["backup"].iloc[0] if owner else ""
        inside = bool(of) and any(plan.there(of, d, False) for d, t in enumerate(plan.month) if t == month)
        mine = plan.share(owner, month) if inside else Fraction(1)
        return (mine if owner == self.rep else Fraction(0)) + (1 - mine if inside and of == self.rep else Fraction(0))

    def visits(self, column: str) -> Amounts:
        """Visits that he makes himself."""
        out: Amounts = {}
        for row in self.plan.frames["effort"].itertuples(index=False):
            month, key = self.plan.index[row.month], (self.plan.status[row.group], row.group)
            if getattr(row, column):
                part = self.part(row.group, row.rep, month) * fraction(getattr(row, column))
                out |= {(*key, month): part} if part else {}
        return out

    def won(self) -> Amounts:
        """Clients won where he carries them."""
        out: Amounts = {}
        for row in self.plan.frames["won"].itertuples(index=False):
            if row.rep == self.rep:
                key = (self.plan.status[row.group], row.group, self.plan.index[row.month])
                out[key] = out.get(key, Fraction(0)) + fraction(row.won)
        return out

    def collected(self) -> Amounts:
        """Cash that comes in from the clients he carries then; from before the plan for the rep of the row."""
        plan, table, out = self.plan, self.plan.model["collection"], {}
        start = pd.Period(plan.model.settings.start, "M")
        sold = [
            (plan.status[r.group], plan.tier[r.group], r.group, r.month, r.sell)
            for r in plan.frames["forecast"].itertuples(index=False)
        ]
        for r in plan.model["history"].query("metric == 'revenue'").itertuples(index=False):
            group = plan.group.get(r.client, "")
            who = r.rep or group
            sold.append((plan.status.get(group, "active"), plan.tier.get(group, ""), who, r.month, r.amount))
        for status, tier, who, month, amount in sold:
            rows = table[table["tier"] == (tier if (table["tier"] == tier).any() else "")]
            for lag, share in zip(rows["lag_months"], rows["share"], strict=True) if len(rows) else [(0, 1)]:
                t = (pd.Period(month, "M") - start).n + int(lag)
                label = {v: k for k, v in plan.index.items()}.get(t)
                if label and plan.carrier.get((who, label), who) == self.rep:
                    out[status, "", t] = out.get((status, "", t), Fraction(0)) + fraction(amount) * fraction(share)
        return out

    def supported(self) -> dict[int, Fraction]:
        """Hours of shared pools that his contracts and executive visits take."""
        needs, out = self.plan.model["needs"], dict.fromkeys(self.plan.index.values(), Fraction(0))
        by_product, by_tier = (needs[needs[k] != ""].groupby(k)["hours"].sum() for k in ("product", "tier"))
        for large in (False, True):
            for (_s, product, t), count in self.sales("contracts", large).items():
                out[t] += fraction(by_product.get(product, 0)) * count
        for row in self.plan.frames["effort"].itertuples(index=False):
            month = self.plan.index[row.month]
            out[month] += (
                fraction(by_tier.get(row.tier, 0)) * fraction(row.executive) * self.part(row.group, row.rep, month)
            )
        return out

    def spent(self) -> dict[int, Fraction]:
        """Money that counts for him."""
        out: dict[int, Fraction] = {}
        for row in self.plan.frames["budget"].itertuples(index=False):
            t, part = self.plan.index[row.month], self.plan.spending[row.line, row.month].get(self.rep, Fraction(0))
            out[t] = out.get(t, Fraction(0)) + part * fraction(row.spend)
        return out

    def rate(self, attainment: Fraction) -> Fraction:
        """Commission of his grade for each unit of quota."""
        table, reps = self.plan.model["commission"], self.plan.model["reps"].set_index("rep")
        grade = reps["grade"][self.rep]
        steps = table[table["grade"] == (grade if (table["grade"] == grade).any() else "")].sort_values(
            "attainment_from"
        )
        begin = [fraction(x) for x in steps["attainment_from"]]
        each = zip(begin, [*begin, attainment][1:], map(fraction, steps["rate"]), strict=True)
        return sum((r * max(min(attainment, b) - a, Fraction(0)) for a, b, r in each), Fraction(0))

    def period(self, of: list[int]) -> dict[str, float]:
        """Columns of actions.csv for some days."""

        def over(running: Iterable[Any]) -> Any:
            values = list(running)
            return values[of[-1] + 1] - values[of[0]]

        def by_status(running: Mapping[tuple[str, str], list[Any]]) -> dict[str, Any]:
            return {s: sum(over(x) for (status, _n), x in running.items() if status == s) for s in STATUSES}

        split = {
            "visits": {
                s: a + b
                for (s, a), b in zip(by_status(self.again).items(), by_status(self.first).values(), strict=True)
            },
            "contracts": by_status(self.count),
            "contract_amount": by_status(self.amount),
            "collections": by_status(self.cash),
        }
        first, again, new = (sum(by_status(x).values()) for x in (self.first, self.again, self.new))
        people = {
            s: self.different(of, s, by_status(self.first)[s], by_status(self.again)[s], by_status(self.new)[s])
            for s in STATUSES
        }
        out = {"quota": over(self.quota), "contracts": sum(split["contracts"].values())}
        out |= {"contract_amount": sum(split["contract_amount"].values()), "clients": sum(people.values())}
        out |= {"new_clients": new, "first_visits": first, "old_clients": people["active"], "return_visits": again}
        out |= {
            "collections": sum(split["collections"].values()),
            "support_hours": over(self.hours),
            "spend": over(self.spend),
        }
        out |= {
            f"{name}_{STATUSES[s]}": x for name, parts in {"clients": people, **split}.items() for s, x in parts.items()
        }
        out["commission"] = over(self.commission)
        out |= {name: over(running) for name, running in self.commissions.items()}
        return {name: float(x) for name, x in out.items()}

    def different(self, of: list[int], status: str, first: int, again: int, new: int) -> int:
        """Different people of a status, as well as groups can tell."""
        met = {g: run[of[-1] + 1] - run[of[0]] for (s, g), run in self.met.items() if s == status}
        people = half_up(sum((min(Fraction(self.plan.members[g]), x) for g, x in met.items()), Fraction(0)))
        return min(max(people, first, new, min(again, 1)), again + first + new)

    @functools.cached_property
    def commissions(self) -> dict[str, list[Fraction]]:
        """Running totals of the commission of his quota at each attainment."""
        out = {}
        for attainment in (80, 100, 120):
            rate = self.rate(Fraction(attainment, 100))
            out[f"commission_{attainment}"] = [Fraction(half_up(fraction(q) * rate * 100), 100) for q in self.quota]
        return out

    @functools.cached_property
    def met(self) -> dict[tuple[str, str], list[Fraction]]:
        """Running totals of all visits and clients won, by status and group."""
        monthly: dict[tuple[str, str], dict[int, Fraction]] = {}
        for amounts in (self.visits("planned"), self.visits("first_visits"), self.won()):
            for (status, group, t), amount in amounts.items():
                of = monthly.setdefault((status, group), {})
                of[t] = of.get(t, Fraction(0)) + amount
        return {key: [Fraction(0), *self.plan.running(self.rep, of)] for key, of in monthly.items()}

    def products(self, of: list[int]) -> list[dict[str, Any]]:
        """Rows of contracts.csv for some days."""
        rows = []
        for product in self.plan.model["products"]["product"]:
            row: dict[str, Any] = {"product": product}
            for name, running in (("contracts", self.count), ("amount", self.amount)):
                parts = {s: running.get((s, product), [0] * (len(self.plan.days) + 1)) for s in STATUSES}
                found = {f"{name}_{STATUSES[s]}": float(x[of[-1] + 1] - x[of[0]]) for s, x in parts.items()}
                row |= {name: sum(found.values()), **found}
            if any(x[-1] for (_s, p), x in (*self.count.items(), *self.amount.items()) if p == product):
                rows.append(row)
        return rows


def deal(total: list[int], exact: dict[str, list[Fraction]]) -> dict[str, list[int]]:
    """Deal whole running totals to parts: the whole steps that each lacks, what is left to the one that lacks most."""
    given, out = dict.fromkeys(exact, 0), {name: [] for name in exact}
    for k, whole in enumerate(total):
        rest = {n: x[k] - given[n] for n, x in exact.items()}
        take = {n: max(math.floor(x), 0) for n, x in rest.items()}
        while sum(given.values()) + sum(take.values()) < whole:
            take[max(rest, key=lambda n: rest[n] - take[n])] += 1
        while sum(given.values()) + sum(take.values()) > whole:
            take[min((n for n in rest if take[n]), key=lambda n: rest[n] - take[n])] -= 1
        for n, x in take.items():
            given[n] += x
            out[n].append(given[n])
    return out


def actions(plan: Daily) -> tuple[pd.DataFrame, pd.DataFrame]:
    """actions.csv without its sentences, and contracts.csv."""
    rows, products = [], []
    for rep in plan.reps:
        work = Doing(plan, rep)
        for kind, label, of in plan.periods():
            if kind != "day":
                rows.append({"rep": rep, "kind": kind, "period": label, **work.period(of)})
            if kind in ("year", "quarter", "month"):
                products += [{"rep": rep, "kind": kind, "period": label, **x} for x in work.products(of)]
    columns = ["rep", "kind", "period", "product", "contracts", "amount"]
    columns += [f"{of}_{time}" for of in ("contracts", "amount") for time in STATUSES.values()]
    return pd.DataFrame(rows), pd.DataFrame(products, columns=columns)


def daily(model: Model, frames: Frames, spending: Spending) -> Frames:
    """Files of a plan that its quotas, sales and visits make."""
    plan = Daily(model, frames, spending)
    done, contracts = actions(plan)
    return {"units": plan.units(), "breakdown": plan.breakdown(), "actions": done, "contracts": contracts}
