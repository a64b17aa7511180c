"""Random small models of which some months are over: what happened then, told in all the ways a company may tell it."""

from __future__ import annotations

import random
from typing import Any

from random_models import RandomModel, random_model

Row = dict[str, Any]
LEVELS = ("base", "stretch", "ceiling")


def random_past(seed: int) -> RandomModel:
    """Model of a seed with its first months over."""
    model = random_model(seed)
    return PastMaker(random.Random(seed + 1_000_000), model).make()


class PastMaker:
    """Draws the day and the table ``actuals``."""

    def __init__(self, chance: random.Random, model: RandomModel) -> None:
        self.chance, self.model = chance, model
        start, count = model.settings["start"], model.settings["months"]
        year, month = (int(x) for x in start.split("-"))
        self.months = [f"{year + (month - 1 + t) // 12}-{(month - 1 + t) % 12 + 1:02d}" for t in range(count)]
        self.over = self.months[: chance.randint(1, count - 1)]
        self.rows: list[Row] = []

    def make(self) -> RandomModel:
        """Draw everything."""
        self.model.settings["as_of"] = f"{self.months[len(self.over)]}-{self.chance.choice(('01', '05', '27'))}"
        for month in self.over:
            self._revenue(month)
            self._visits(month)
            self._new(month)
            self._spend(month)
            self._asked(month)
        self.model.tables["actuals"] = self.rows
        return self.model

    def _put(self, month: str, metric: str, amount: float, **labels: str) -> None:
        row = {"month": month, "metric": metric, "unit": "", "rep": "", "client": "", "product": "", "tier": "",
               "channel": "", "line": ""} | labels  # fmt: skip
        key = {k: v for k, v in row.items() if k != "amount"}
        if not any(all(r[k] == v for k, v in key.items()) for r in self.rows):
            self.rows.append(row | {"amount": round(amount, 2)})

    def _codes(self, table: str, column: str) -> list[str]:
        return list(dict.fromkeys(r[column] for r in self.model.tables.get(table, []) if r.get(column)))

    def _some(self, chance: float, **options: list[str]) -> Row:
        """Labels of a row: each told with some chance."""
        return {k: self.chance.choice(v) for k, v in options.items() if v and self.chance.random() < chance}

    def _size(self) -> float:
        """What the clients would buy in a month."""
        count = {c["client"]: c["count"] for c in self.model.tables["clients"]}
        return sum(d["expected"] * count[d["client"]] for d in self.model.tables["demand"]) / len(self.months)

    def _revenue(self, month: str) -> None:
        """Draw sales: by rep and product, by client, by unit, or in all."""
        reps, products, clients = (self._codes(t, t[:-1]) for t in ("reps", "products", "clients"))
        share = self._size() * self.chance.uniform(0.3, 1.3)
        for _ in range(self.chance.choice((1, 2, 4))):
            labels = self.chance.choice(
                [
                    self._some(0.8, rep=reps, product=products),
                    self._some(0.7, client=clients, product=products),
                    self._some(0.7, unit=self._codes("units", "unit"), tier=self._codes("tiers", "tier")),
                    {},
                ]
            )
            self._put(month, "revenue", share * self.chance.uniform(0, 0.8), **labels)

    def _visits(self, month: str) -> None:
        for _ in range(self.chance.choice((0, 1, 2))):
            labels = self._some(0.5, rep=self._codes("reps", "rep"), tier=self._codes("tiers", "tier"))
            self._put(month, "visits", self.chance.choice((0, 1.5, 4, 12, 40)), **labels)

    def _new(self, month: str) -> None:
        channels = self._codes("funnel", "channel")
        if "visits" in channels and self.chance.random() < 0.6:
            self._put(
                month,
                "first_visits",
                self.chance.choice((0.5, 1, 3)),
                **self._some(0.4, tier=self._codes("tiers", "tier")),
            )
        if channels and self.chance.random() < 0.6:
            labels = self._some(0.4, channel=channels, rep=self._codes("reps", "rep"))
            self._put(month, "new_clients", self.chance.choice((0.3, 1, 2)), **labels)

    def _spend(self, month: str) -> None:
        for line in self.model.tables.get("budget", []):
            if self.chance.random() < 0.5:
                self._put(
                    month, "spend", line["maximum"] * self.chance.choice((0, 0.1, 0.3, 0.6, 1.2)), line=line["line"]
                )

    def _asked(self, month: str) -> None:
        """Draw quotas of reps who are in post, one level above the other."""
        for rep in self.model.tables["reps"]:
            posted = rep.get("start", month)[:7] <= month <= rep.get("end", month)[:7]
            for product in self._codes("products", "product") if posted else []:
                amount = 0.0
                if self.chance.random() < 0.2:
                    continue
                for level in LEVELS:
                    amount = round(amount + self.chance.choice((0, 20, 80.5, 200)), 2)
                    for kind in ("quota", "exact"):
                        self._put(month, f"{kind}_{level}", amount, rep=rep["rep"], product=product)
