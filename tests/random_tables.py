"""Tables of random small models: who sells what to whom, with which time and money."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

Row = dict[str, Any]
SHAPES = (
    [(0, 0.4), (1, 1), (1.5, 1.2)],
    [(0, 0.7), (0.5, 0.9), (1, 1), (2, 1.1)],
    [(0, 0.2), (1, 1), (1.3, 1.15)],
    [(0, 0.3), (0.5, 0.4), (1, 1), (1.6, 1.25)],
    [(0, 0.1), (0.6, 0.2), (1, 1), (1.2, 1.5), (1.8, 1.6)],
    [(0, 0.9), (1, 1)],
)
"""Curves of tiers, concave and S-shaped."""
YIELDS = (
    [(0, 0), (100, 300), (250, 450), (400, 500)],
    [(0, 0), (150, 500)],
    [(0, 0), (100, 60), (200, 420), (300, 480)],
)
"""Curves of lines, concave and S-shaped."""
LEVELS = ("base", "stretch", "ceiling")


@dataclass
class RandomModel:
    """Settings and tables; tables are lists of rows, absent columns are blank."""

    settings: Row = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write ``model.yaml`` and a CSV file for each table; return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.yaml").write_text(yaml.safe_dump(self.settings, sort_keys=False), encoding="utf-8")
        for name, listed in self.tables.items():
            if listed:
                pd.DataFrame(listed).to_csv(folder / f"{name}.csv", index=False)
        return folder


class TableMaker:
    """Draws one model table by table; later tables look at earlier ones."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.model = RandomModel()

    def make(self) -> RandomModel:
        """Draw all tables."""
        for draw in (
            self._settings, self._products, self._people, self._tiers, self._clients, self._shifts, self._responses, self._seasons,
            self._budget, self._funnel, self._limits, self._money, self._past, self._pins, self.draw_targets,
        ):  # fmt: skip
            draw()
        return self.model

    def draw_targets(self) -> None:
        """Draw what is to be reached."""
        raise NotImplementedError

    # Drawing

    def maybe(self, chance: float) -> bool:
        """Whether something happens."""
        return self.chance.random() < chance

    def pick(self, *options: Any) -> Any:
        """One of some options."""
        return self.chance.choice(options)

    def some(self, options: list[Any], least: int = 0) -> list[Any]:
        """Draw some of a list, in its order."""
        most = self.chance.randint(least, len(options)) if options else 0
        return [x for x in options if x in self.chance.sample(options, most)]

    def number(self, low: float, high: float, step: float = 1.0) -> float:
        """Draw a multiple of a step between two bounds."""
        return round(self.chance.randint(round(low / step), round(high / step)) * step, 6)

    def put(self, table: str, *listed: Row) -> None:
        """Append rows to a table."""
        self.model.tables.setdefault(table, []).extend(listed)

    def rows(self, table: str) -> list[Row]:
        """Rows of a table drawn so far."""
        return self.model.tables.get(table, [])

    def codes(self, table: str, column: str) -> list[str]:
        """Values of a column that are not blank, each once."""
        return list(dict.fromkeys(r[column] for r in self.rows(table) if r.get(column)))

    # Frame

    def _settings(self) -> None:
        start = self.pick("2026-01", "2026-04", "2025-11", "2026-02", "2026-09")
        count = self.pick(2, 3, 3, 4, 4, 5)
        goals = ["visits", "base", "stretch", "contribution"]
        if self.maybe(0.2):
            self.chance.shuffle(goals)
        fairness: Row = {"by": self.pick("potential", "history", "blend"), "band": self.pick(0.0, 0.1, 0.25)}
        if self.maybe(0.4):
            fairness["grades"] = {"senior": 1.5, "junior": 0.8}
        self.model.settings = {
            "title": "Random", "start": start, "months": count, "country": self.pick("CN", "DE", "US"), "goals": goals,
            "fairness": fairness, "peak": self.pick(1.0, 1.2, 1.5), "commission_attainment": self.pick(0.8, 1.0, 1.2),
            "rounding": 0.01, "levels": {"stretch": self.pick(1, 1.1, 1.3), "ceiling": self.pick(1.05, 1.2, 1.6)},
        }  # fmt: skip
        year, month = (int(x) for x in start.split("-"))
        self.months = [f"{year + (month - 1 + t) // 12}-{(month - 1 + t) % 12 + 1:02d}" for t in range(count)]
        self.quarters = list(dict.fromkeys(f"{year}-Q{t // 3 + 1}" for t in range(count)))
        self.year = str(year)

    def date(self) -> str:
        """Draw a day of the plan."""
        return f"{self.pick(*self.months)}-{self.chance.randint(1, 28):02d}"

    def period(self) -> str:
        """Draw a period of the plan; often blank."""
        return str(self.pick("", "", "", self.year, self.pick(*self.quarters), self.pick(*self.months)))

    def _people(self) -> None:
        regions = self.maybe(0.2)
        self.put("units", {"unit": "co", "parent": "", "kind": "company"})
        if regions:
            self.put("units", {"unit": "north", "parent": "co", "kind": "region"})
        self.teams = [f"team{i}" for i in range(1, self.pick(1, 2, 2, 3) + 1)]
        for i, team in enumerate(self.teams):
            above = "north" if regions and i < 2 else "co"
            self.put("units", {"unit": team, "parent": above, "kind": "team"})
        kinds = [kind for kind in self.codes("units", "kind") if self.maybe(0.3)]
        self.model.settings["hedge"] = {kind: self.pick(0.05, 0.1, 0.25) for kind in kinds}
        self.reps = [f"r{i}" for i in range(1, self.pick(2, 2, 3, 3, 4) + 1)]
        for rep in self.reps:
            row: Row = {"rep": rep, "unit": self.pick(*self.teams), "grade": self.pick("senior", "junior", "")}
            if self.maybe(0.1):
                row["unit"] = self.pick(*self.codes("units", "unit"))
            row |= {"hours_per_day": self.pick(8, 7.5, 6), "selling_share": self.pick(0.2, 0.35, 0.5, 0.7)}
            if self.maybe(0.3):
                row |= {"start": self.date(), "ramp_months": self.pick(0, 2, 3)}
            elif self.maybe(0.15):
                row |= {"start": "2025-10-15", "ramp_months": self.pick(4, 6)}
            if self.maybe(0.2) and "start" not in row:
                row["end"] = self.date()
            if self.maybe(0.2):
                row["visits_per_day"] = self.pick(0.4, 0.8, 1.5)
            if self.maybe(0.4):
                row["backup"] = self.pick(*[r for r in self.reps if r != rep])
            if self.maybe(0.2):
                row["families"] = ",".join(self.some(self.codes("products", "family"), 1))
            if self.maybe(0.2):
                row["specialty"] = self.pick("bank", "mill", "east", "bank,west")
            if self.maybe(0.15):
                row["max_clients"] = self.pick(3, 8, 20)
            self.put("reps", row)
            if self.maybe(0.25):
                first, last = sorted([self.date(), self.date()])
                self.put("leave", {"rep": rep, "from": first, "to": last})
        for i in range(self.pick(0, 0, 1, 2)):
            scope = self.pick(
                "",
                *[f"grade={g}" for g in self.codes("reps", "grade")],
                f"unit={self.pick(*self.teams)}",
                f"rep={self.pick(*self.reps)}",
            )
            often = {"count": self.pick(1, 2), "per": self.pick("week", "month", "quarter", "year")}
            self.put("activities", {"activity": f"a{i}", "scope": scope, **often, "minutes": self.pick(30, 90)})
        for day in sorted({self.date() for _ in range(self.pick(0, 0, 2))}):
            self.put("calendar", {"date": day, "working": self.pick("yes", "no")})

    def _products(self) -> None:
        self.products = [f"p{i}" for i in range(1, self.pick(1, 2, 2, 3) + 1)]
        for i, product in enumerate(self.products):
            row: Row = {"product": product, "family": self.pick("f1", "f2"), "class": self.pick("star", "cow", "dog")}
            row["margin"] = self.number(0.05, 0.6, 0.05) if self.maybe(0.95) else -0.1
            if self.maybe(0.25):
                row |= {"large": "yes", "contract_value": self.pick(300, 550, 900)}
            else:
                row |= self.pick({}, {"price": 40}, {"contract_value": 125}, {"contract_value": 70, "price": 30})
            if i and self.maybe(0.25):
                row[self.pick("launch", "end")] = self.date()
            self.put("products", row)

    def _tiers(self) -> None:
        self.tiers = ["A", "B", "C"][: self.pick(1, 2, 2, 3)]
        for tier in self.tiers:
            per = self.pick("week", "month", "month", "quarter", "year")
            visits = {"week": self.pick(1, 1.5), "month": self.pick(1, 2, 4), "quarter": self.pick(3, 5)}.get(
                per, self.pick(12, 20)
            )
            row = {"tier": tier, "visits": visits, "per": per, "minutes": self.pick(45, 60, 120)}
            if self.maybe(0.4):
                row |= {"executive_visits": self.pick(0.5, 1), "visit_cost": self.pick(2, 5)}
            self.put("tiers", row)

    def _clients(self) -> None:
        self.clients = [f"c{i}" for i in range(1, self.pick(3, 4, 5, 6, 8) + 1)]
        for i, client in enumerate(self.clients):
            row: Row = {"client": client, "tier": self.pick(*self.tiers), "count": self.pick(1, 1, 2, 3, 5)}
            row |= {"industry": self.pick("bank", "mill"), "area": self.pick("east", "west")}
            row["status"] = self.pick("active", "active", "active", "prospect", "lost") if i else "active"
            if self.maybe(0.8):
                row["owner"] = self.pick(*self.reps)
            elif self.maybe(0.5):
                row["unit"] = self.pick("co", *self.teams)
            if "owner" in row and self.maybe(0.15):
                row["backup"] = self.pick(*[r for r in self.reps if r != row["owner"]])
            self.put("clients", row)
            for product in self.products:
                if self.maybe(0.75) or (product == self.products[0] and not i):
                    expected = self.number(150, 1200, 10)
                    ceiling = self.number(1, 2.4, 0.1) * expected
                    self.put(
                        "demand",
                        {"client": client, "product": product, "expected": expected, "ceiling": round(ceiling, 2)},
                    )
        for row in self.rows("clients"):
            if row["status"] == "active" and self.maybe(0.3):
                row[self.pick("since", "lost_on")] = self.date()
        self.volume = sum(
            d["expected"] * c["count"]
            for d in self.rows("demand")
            for c in self.rows("clients")
            if c["client"] == d["client"] and c["status"] == "active"
        )

    def _shifts(self) -> None:
        for i in range(self.pick(0, 0, 0, 1, 2)):
            sold, where = f"product={self.pick(*self.products)}", self.pick(*self.codes("clients", "industry"))
            scope = self.pick(
                "", sold, f"unit={self.pick(*self.teams)}", f"rep={self.pick(*self.reps)}", f"industry={where}; {sold}",
                f"client={self.pick(*self.clients)}",
            )  # fmt: skip
            first, last = sorted([self.pick(*self.months), self.pick(*self.months)])
            window = self.pick({"from": first, "to": last}, {"from": first, "to": ""}, {"from": "", "to": last})
            self.put("shifts", {"shift": f"s{i}", "scope": scope, **window, "factor": self.pick(0, 0.5, 0.8, 1.3)})

    # What can be done

    def _responses(self) -> None:
        for tier in self.tiers:
            for product in ("", *self.some(self.products)) if self.maybe(0.75) else ():
                if product and self.maybe(0.5):
                    continue
                shape = self.pick(*SHAPES)
                self.put(
                    "responses", *[{"driver": tier, "product": product, "effort": e, "sales": s} for e, s in shape]
                )

    def _seasons(self) -> None:
        for product in self.some(["", *self.products]) if self.maybe(0.6) else []:
            weights = {m: self.pick(1, 1, 2, 3, 0) for m in self.months}
            for row in self.rows("products"):
                sold = [m for m in self.months if row.get("launch", m)[:7] <= m <= row.get("end", m)[:7]]
                if product in ("", row["product"]) and not any(weights[m] for m in sold):
                    weights[sold[0]] = 1
            kept = [(m, w) for m, w in weights.items() if w or self.maybe(0.5)]
            listed = [{"product": product, "metric": "", "month": m, "weight": w} for m, w in kept]
            self.put("seasonality", *listed)
        if self.maybe(0.3):
            phases = [
                {"product": "", "metric": "visits", "month": m, "weight": self.pick(1, 2, 4)} for m in self.months
            ]
            self.put("seasonality", *self.some(phases, 1))

    def _budget(self) -> None:
        for i in range(1, self.pick(0, 1, 1, 2, 3) + 1):
            line, most = f"b{i}", self.pick(120, 300, 600)
            row: Row = {"line": line, "category": self.pick("marketing", "training", "incentive"), "maximum": most}
            if self.maybe(0.4):
                row["product"] = self.pick(*self.products)
            if self.maybe(0.4):
                row["unit"] = self.pick("co", *self.teams)
            if self.maybe(0.3):
                row["from"] = self.pick(*self.months[:2], self.quarters[0])
            if self.maybe(0.3):
                row["to"] = self.pick(*self.months[1:], self.quarters[-1])
            if self.maybe(0.3):
                row["minimum"] = self.pick(20, 100)
            if self.maybe(0.2):
                row["may_overrun"] = "yes"
            if self.maybe(0.3):
                row["channel"] = "web"
                self.put("yields", {"source": line, "metric": "leads", "amount": self.pick(0.02, 0.05)})
            self.put("budget", row)
            if row["category"] == "incentive":
                row["maximum"] = row.get("minimum", 0) + round(self.number(0.02, 0.2, 0.01) * self.volume, 2)
            carry = self.pick(0, 0, 1, 2)
            for product in self.some(["", self.pick(*self.products)]) if self.maybe(0.8) else []:
                shape = self.pick(*YIELDS)
                points = [
                    {"driver": line, "product": product, "effort": e, "sales": s, "carry_months": carry}
                    for e, s in shape
                ]
                self.put("responses", *points)

    def _funnel(self) -> None:
        for channel in ("visits", "web"):
            if self.maybe(0.5):
                for step in range(1, self.pick(1, 2, 3) + 1):
                    stage = {
                        "channel": channel,
                        "step": step,
                        "stage": f"s{step}",
                        "conversion": self.pick(0.4, 0.6, 0.9),
                    }
                    self.put("funnel", stage | {"days": self.pick(0, 10, 15, 30), "minutes": self.pick(30, 60, 240)})

    def _limits(self) -> None:
        if self.maybe(0.3):
            product = self.pick(*self.products)
            for source in self.some(["own", "bought"], 1):
                most = self.volume / len(self.months) / len(self.products) * self.number(0.3, 1.2, 0.1)
                row = {"product": product, "source": source, "unit_cost": 0 if source == "own" else 0.08}
                if self.maybe(0.8):
                    self.put("supply", row | {"month": "", "maximum": round(most, 2)})
                if self.maybe(0.4):
                    self.put("supply", row | {"month": self.pick(*self.months), "maximum": round(most / 2, 2)})
        if self.maybe(0.4):
            contract = [r["product"] for r in self.rows("products") if "contract_value" in r or "price" in r]
            executive = [r["tier"] for r in self.rows("tiers") if r.get("executive_visits")]
            needs = [{"product": p, "hours": self.pick(1, 2)} for p in self.some(contract)]
            needs += [{"tier": t, "hours": self.pick(2, 3)} for t in executive]
            self.put("needs", *[{"resource": "expert", "product": "", "tier": ""} | n for n in needs])
            generous = 4 * self.volume / 40 if any("product" in n for n in needs) else self.pick(2, 6, 20)
            if needs:
                self.put("resources", {"resource": "expert", "month": "", "hours": round(generous, 1)})
            if needs and self.maybe(0.4):
                self.put(
                    "resources",
                    {"resource": "expert", "month": self.pick(*self.months), "hours": round(1.2 * generous, 1)},
                )

    def _money(self) -> None:
        for grade in self.some(["", "senior", "junior"]) if self.maybe(0.6) else []:
            steps = self.pick([(0, 0.03)], [(0, -0.01), (0.8, 0.15), (1.1, 0.2)], [(0, 0.02), (1, 0.1)], [(0.5, 0.08)])
            self.put("commission", *[{"grade": grade, "attainment_from": a, "rate": r} for a, r in steps])
        for tier in self.some(["", *self.tiers]) if self.maybe(0.5) else []:
            shares = self.pick([(0, 1)], [(0, 0.5), (1, 0.4)], [(1, 0.7), (2, 0.3)], [(3, 1)])
            self.put("collection", *[{"tier": tier, "lag_months": k, "share": s} for k, s in shares])
        for source in (
            self.some([*self.codes("budget", "line"), *self.tiers, *self.products]) if self.maybe(0.4) else []
        ):
            sold = next((p for p in self.rows("products") if p["product"] == source), {"price": 1})
            if "contract_value" in sold or "price" in sold:
                self.put("yields", {"source": source, "metric": "reach", "amount": self.pick(0.5, 2, 3)})
        if self.maybe(0.3):
            by = self.pick(("product",), ("unit",), ("industry",), ("product", "unit"))
            for product in self.products if "product" in by else [""]:
                for unit in self.teams if "unit" in by else [""]:
                    for industry in ("bank", "mill") if "industry" in by else [""]:
                        cut = {"product": product, "unit": unit, "industry": industry}
                        size = {"period": self.pick("", self.year), "size": self.number(1000, 4000, 100)}
                        self.put("market", cut | size)

    def _past(self) -> None:
        first = dt.date.fromisoformat(self.months[0] + "-01")
        before = [f"{first - dt.timedelta(days=d):%Y-%m}" for d in (75, 45, 15)]
        for month in before if self.maybe(0.6) else []:
            for client in self.some(self.clients):
                row = {"month": month, "rep": "", "client": client, "product": "", "amount": self.number(50, 400, 10)}
                if self.maybe(0.3):
                    row["product"] = self.pick(*self.products)
                if self.maybe(0.3):
                    row["rep"] = self.pick(*self.reps)
                if self.maybe(0.1):
                    row["client"] = ""
                    row["rep"] = self.pick(*self.reps)
                if not any(
                    all(h[k] == row[k] for k in ("month", "rep", "client", "product")) for h in self.rows("history")
                ):
                    self.put("history", row)

    def _pins(self) -> None:
        each = self.volume / len(self.reps)
        for rep in self.rows("reps"):
            if self.maybe(0.12) and "end" not in rep:
                rep["quota_min"] = self.number(0.1, 0.5, 0.1) * each
            if self.maybe(0.12):
                rep["quota_max"] = self.number(0.6, 1.4, 0.1) * each
        for level in [x for x in LEVELS if self.maybe(0.2)]:
            for _ in range(self.pick(1, 1, 2)):
                rep, product = self.pick("", *self.reps), self.pick("", *self.products)
                unit = "" if rep else self.pick("", *self.codes("units", "unit"))
                cut = {"unit": unit, "rep": rep, "product": product, "period": self.period(), "level": level}
                amount = self.volume * self.number(0.05, 0.5, 0.05) / (len(self.reps) if rep else 1)
                if not any(all(pin[k] == cut[k] for k in cut) for pin in self.rows("pins")):
                    self.put("pins", cut | {"amount": round(amount, 2)})
