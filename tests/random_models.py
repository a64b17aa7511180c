"""Random small models that touch every rule of the mathematics, of a seed or drawn by Hypothesis."""

from __future__ import annotations

import random

import hypothesis.strategies as st
from random_tables import RandomModel, Row, TableMaker

__all__ = ["RandomModel", "models", "random_model"]


def random_model(seed: int) -> RandomModel:
    """Model of a seed: always the same for the same seed."""
    return Maker(random.Random(seed)).make()


def models() -> st.SearchStrategy[RandomModel]:
    """Strategy of Hypothesis for random small models, which it can shrink."""
    return st.randoms(use_true_random=False).map(lambda chance: Maker(chance).make())


class Maker(TableMaker):
    """Draws targets to the tables."""

    def draw_targets(self) -> None:
        """Draw targets of every metric, cut and kind."""
        for i in range(1, self.pick(1, 2, 3, 4) + 1):
            draw = self.pick(
                self._sales_target, self._sales_target, self._quota_target, self._quota_target, self._share_target,
                self._visit_target, self._money_target, self._other_target,
            )  # fmt: skip
            row = draw()
            if not row:
                row = self._sales_target()
            level = self.pick("base", "base", "base", "stretch", "ceiling")
            extra = {
                "target": f"t{i}",
                "level": level,
                "priority": self.pick(1, 1, 1, 2, 3),
                "weight": self.pick(1, 1, 2, 0.5),
            }
            if level != "ceiling" and self.maybe(0.05) and "at_most" not in row:
                row["at_least"] = row["at_least"] * 0.2
                extra["priority"] = "hard"
            blank = {"period": "", "scope": "", "each": "", "at_least": "", "at_most": "", "share_of": ""}
            self.put("targets", blank | extra | row)
            for above in ("stretch", "ceiling") if level == "base" else ():
                if self.maybe(0.15):
                    self.put("targets", self._level_row(blank | extra | row, above))

    def _level_row(self, row: Row, level: str) -> Row:
        """Draw a row of another level on the cut of a base row; it counts instead, whatever the order of its scope."""
        scope = "; ".join(reversed(row["scope"].split("; ")))
        raised = self.number(0.8, 1.6, 0.1)
        bounds = {k: round(row[k] * raised, 4) for k in ("at_least", "at_most") if row[k] != ""}
        more = {"target": f"{row['target']} {level}", "level": level, "priority": self.pick(1, 2), "scope": scope}
        return row | bounds | more

    def _bound(self, size: float, *, most: float = 0.2) -> Row:
        """Draw a bound around a size, rarely from above, rarely from both sides."""
        at = size * self.number(0.5, 1.5, 0.05)
        if self.maybe(most):
            return {"at_most": round(at, 2)} | ({"at_least": round(at * 0.7, 2)} if self.maybe(0.3) else {})
        return {"at_least": round(at, 2)}

    def _scope(self) -> tuple[str, float]:
        """Draw a scope of sales, and the part of everything that it may hold."""
        region = self.codes("units", "unit")
        options = [
            ("", 1.0), ("", 1.0), (f"unit={self.pick(*region)}", 0.5), (f"product={self.pick(*self.products)}", 0.5),
            (f"family={self.pick(*self.codes('products', 'family'))}", 0.6), (f"rep={self.pick(*self.reps)}", 0.4),
            (f"tier={self.pick(*self.tiers)}", 0.5), (f"industry={self.pick(*self.codes('clients', 'industry'))}", 0.5),
            (f"client={self.pick(*self.clients)}", 0.2),
            (f"unit={self.pick(*region)}; product={self.pick(*self.products)}", 0.3),
            ("status=active", 0.9), (f"area={self.rows('clients')[0]['area']}; status=active", 0.5),
        ]  # fmt: skip
        return self.pick(*options)  # type: ignore[no-any-return]

    def _each(self, *keys: str) -> tuple[str, float]:
        """Draw a repetition, and the part of everything that each may hold."""
        parts = {"month": 1 / len(self.months), "quarter": 1 / len(self.quarters), "": 1.0}
        chosen = self.pick("", "", *keys)
        return chosen, parts.get(chosen, 0.4 if " " not in chosen else 0.2)

    def _sales_target(self) -> Row:
        scope, part = self._scope()
        metric = self.pick("revenue", "revenue", "revenue", "profit", "contracts", "collections", "commission")
        if metric == "collections" and "product" in scope:
            scope, part = "", 1.0
        each, repeated = self._each(
            "month", "quarter", "unit", "team", "rep", "product", "tier", "rep month", "family", "area", "class"
        )
        if metric == "collections" and each in ("product", "family", "class"):
            each, repeated = "", 1.0
        size = self.volume * part * repeated * {"profit": 0.3, "contracts": 0.01, "commission": 0.05}.get(metric, 1.0)
        period = self.period()
        if period and period != self.year:
            size /= len(self.months)
        return {"metric": metric, "scope": scope, "each": each, "period": period} | self._bound(size)

    def _quota_target(self) -> Row:
        """Draw what quotas are asked for: revenue by units, reps, products and months, of a whole or of a share."""
        units, families = self.codes("units", "unit"), self.codes("products", "family")
        named = [
            "", f"unit={self.pick(*units)}", f"unit={', '.join(self.some(units) or units)}", f"rep={self.pick(*self.reps)}",
            *(f"grade={grade}" for grade in self.codes("reps", "grade")),
        ]  # fmt: skip
        sold = ["", f"product={self.pick(*self.products)}", f"family={self.pick(*families)}"]
        scope = "; ".join(x for x in (self.pick(*named), self.pick(*sold)) if x)
        each = self.pick(
            "", "team", "unit", "rep", "month", "quarter", "team month", "region", "product", "rep product"
        )
        each = each if each != "region" or "region" in self.codes("units", "kind") else "team"
        part = 0.5 ** (("=" in scope) + len(each.split()) + ("month" in each))
        if self.maybe(0.25):
            of = self.pick(*(f": {x}" if x else x for x in (*named, *sold)))
            return {"metric": "revenue", "scope": scope, "each": each, "share_of": "revenue" + of} | self._bound(0.4)
        return {"metric": "revenue", "scope": scope, "each": each} | self._bound(self.volume * part)

    def _share_target(self) -> Row:
        product, team = self.pick(*self.products), self.pick(*self.teams)
        options: list[Row] = [
            {"metric": "revenue", "scope": f"product={product}", "share_of": "revenue"} | self._bound(0.5),
            {"metric": "revenue", "each": "month", "at_most": round(1.2 / len(self.months), 3), "share_of": "revenue"},
            {"metric": "revenue", "each": "team", "scope": f"product={product}", "share_of": "revenue"}
            | self._bound(0.4),
            {"metric": "revenue", "scope": f"unit={team}", "share_of": f"revenue: unit=co; product={product}"}
            | self._bound(0.5),
            {"metric": "visits", "scope": f"tier={self.tiers[0]}", "share_of": "visits"} | self._bound(0.5),
            {"metric": "collections", "share_of": "revenue", "at_least": self.pick(0.6, 0.9)},
            {"metric": "profit", "each": "rep", "share_of": "revenue", "at_least": self.pick(0.1, 0.3)},
        ]
        if self.rows("budget"):
            category = self.pick(*self.codes("budget", "category"))
            options += [
                {"metric": "spend", "share_of": "revenue"} | self._bound(0.05, most=0.5),
                {"metric": "spend", "scope": f"category={category}", "share_of": "spend"} | self._bound(0.5, most=0.5),
                {
                    "metric": "spend",
                    "each": "category",
                    "share_of": f"spend: line={self.pick(*self.codes('budget', 'line'))}",
                }
                | self._bound(0.8, most=0.5),
            ]
        return self.pick(*options)  # type: ignore[no-any-return]

    def _visit_target(self) -> Row:
        metric = self.pick("visits", "hours", "coverage", "new_clients")
        each, repeated = self._each("month", "tier", "rep", "unit")
        scope = self.pick("", "", f"tier={self.pick(*self.tiers)}", f"unit={self.pick(*self.teams)}")
        size = (
            sum(r["count"] for r in self.rows("clients"))
            * repeated
            * {"visits": 2 * len(self.months), "hours": 6}.get(metric, 0.5)
        )
        bound = self._bound(size, most=0.0 if metric == "coverage" else 0.2)
        return {"metric": metric, "each": each, "scope": scope} | bound

    def _money_target(self) -> Row | None:
        if not self.rows("budget"):
            return None
        each, repeated = self._each("month", "line", "category", "quarter")
        size = sum(r["maximum"] for r in self.rows("budget")) * repeated
        return {"metric": "spend", "each": each} | self._bound(size, most=0.4)

    def _other_target(self) -> Row | None:
        options: list[Row] = [{"metric": "contribution"} | self._bound(0.3 * self.volume, most=0)]
        if any(y["metric"] == "reach" for y in self.rows("yields")):
            options.append({"metric": "reach"} | self._bound(100, most=0))
        if self.codes("yields", "metric").count("leads"):
            options.append({"metric": "leads"} | self._bound(5, most=0))
        market = self.rows("market")
        if market:
            met = "", *self.codes("clients", "industry")
            cut = market[0] if market[0]["industry"] in met else market[0] | {"industry": ""}
            scope = "; ".join(f"{k}={cut[k]}" for k in ("product", "unit", "industry") if cut[k])
            options += 2 * [{"metric": "market_share", "scope": self.pick("", scope)} | self._bound(0.3)]
            if market[0]["product"] and not market[0]["unit"]:
                options.append(
                    {"metric": "market_share", "each": self.pick("product", "product month")} | self._bound(0.3, most=0)
                )
        return self.pick(*options)  # type: ignore[no-any-return]
