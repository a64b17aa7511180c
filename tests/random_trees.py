"""Random organisations with exact quotas of three levels and pins that they satisfy, of a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import Model, Settings

LEVELS = ("base", "stretch", "ceiling")
ROUNDINGS = (1000, 100, 1, 0.01)
Minor = NDArray[np.int64]


@dataclass(frozen=True)
class RandomTree:
    """A model that holds what rounding reads, and quotas with their exact numbers."""

    model: Model
    quotas: pd.DataFrame


def random_tree(seed: int, *, reps: int | None = None, products: int = 8, months: int = 12) -> RandomTree:
    """Tree of a seed: small or middling; with ``reps`` given of this size, with all products and months."""
    return TreeMaker(seed, reps, products, months).make()


class TreeMaker:
    """Draws a tree; amounts are whole minor units, so that pins can be summed without error."""

    def __init__(self, seed: int, reps: int | None, products: int, months: int) -> None:
        self.chance = chance = np.random.default_rng(seed)
        sizes = (1, 2, 3, 4, 5, 8, 12, 20, 30, 70)
        self.reps = reps or int(chance.choice(sizes))
        self.products = products if reps else int(chance.integers(1, 9))
        self.months = months if reps else int(chance.choice([1, 2, 5, 10, 12, 12, 12, 12]))
        self.multiple = round(float(chance.choice(ROUNDINGS)) * 100)
        self.levels = LEVELS[: int(chance.choice([1, 2, 3, 3, 3]))]

    def maybe(self, share: float) -> bool:
        """Throw a coin."""
        return bool(self.chance.random() < share)

    def make(self) -> RandomTree:
        """Draw units, reps, amounts and pins."""
        units, leaves = self._units()
        inner = [u for u, _, _ in units]
        home = [str(self.chance.choice(inner if self.maybe(0.1) else leaves)) for _ in range(self.reps)]
        names = [f"r{i:04}" for i in range(self.reps)]
        self.chance.shuffle(names)
        products = [f"p{i}" for i in range(self.products)]
        settings = Settings(
            start=str(self.chance.choice(["2026-01", "2026-04"])),
            months=self.months,
            rounding=self.multiple / 100,
            hedge={} if self.maybe(0.5) else {"region": 0.05, "team": 0.1},
        )
        tables = {
            "reps": pd.DataFrame({"rep": names, "unit": home}),
            "products": pd.DataFrame({"product": products}),
            "units": pd.DataFrame(units, columns=["unit", "parent", "kind"]),
            "calendar": pd.DataFrame({"date": pd.to_datetime([]), "working": np.zeros(0, bool)}),
        }
        model = Model("random", settings, tables | {"pins": pd.DataFrame()})
        amounts = self._amounts()
        above = [model.ancestors[u] for u in home]
        cuts = self._cuts(names, above, products, model)
        mark, rows = np.zeros(amounts.shape, np.uint64), []
        for row, mask in cuts:
            level = self.levels.index(row["level"])
            self._meet(amounts, level, mask)
            mark[:, mask] += self.chance.integers(1, 2**62, dtype=np.uint64)
        for row, mask in cuts:
            rows.append(row | {"amount": int(amounts[self.levels.index(row["level"])][mask].sum()) / 100})
        columns = ["unit", "rep", "product", "period", "level", "amount"]
        tables["pins"] = pd.DataFrame(rows, columns=columns).astype({"amount": float})
        exact = amounts / 100 + self._noise(amounts, mark[0])
        return RandomTree(Model("random", settings, tables), self._frame(exact, names, home, products, model))

    def _units(self) -> tuple[list[tuple[str, str, str]], list[str]]:
        """Draw a tree of units, deep or flat, now and then with several tops; return it and its leaves."""
        depth = int(self.chance.integers(0, 6))
        most = (1, 40, 10, 4, 3, 3)[depth]
        kinds = ("company", "region", "team", "group", "cell", "desk")
        units = [(f"u{i}", "", "company") for i in range(2 if self.maybe(0.05) else 1)]
        last = [u for u, _, _ in units]
        for level in range(depth):
            made = []
            for parent in last:
                for _ in range(int(self.chance.integers(1, most + 1))):
                    made.append(f"u{len(units)}")
                    units.append((made[-1], parent, kinds[level + 1]))
            last = made
        return units, last

    def _amounts(self) -> Minor:
        """Draw amounts in minor units, shape (levels, reps, products, months), each level at least the one below."""
        chance, shape = self.chance, (self.reps, self.products, self.months)
        size = chance.lognormal(0, 1, shape[0])[:, None, None] * chance.lognormal(0, 1.5, shape[1])[:, None]
        size = size * chance.lognormal(0, 0.4, shape[2]) * chance.lognormal(0, 0.3, shape)
        huge = min(1e7, 1e10 / self.multiple)  # so that the company's sum is exact as a double
        cells = float(chance.choice([0.02, 0.2, 1, 3, 30, 1e4, huge])) * size / size.mean()
        base = np.rint(cells * self.multiple).astype(np.int64)
        base[chance.random(shape) < chance.choice([0, 0.1, 0.6])] = 0
        base[chance.random(shape[:2]) < chance.choice([0, 0.2])] = 0
        base[:, chance.random(shape[1:]) < chance.choice([0, 0.3])] = 0
        whole = chance.random(shape) < chance.choice([0, 0.05, 0.9])
        base[whole] = (base // self.multiple * self.multiple)[whole]
        out = [base]
        for _ in self.levels[1:]:
            factor = chance.choice([1.0, 1.03, 1.1, 1.5]) * np.where(
                chance.random(shape) < 0.2, 1.0, chance.uniform(1, 1.1)
            )
            out.append(np.maximum(out[-1], np.rint(out[-1] * factor).astype(np.int64)))
        return np.stack(out)

    def _cuts(
        self, reps: list[str], above: list[tuple[str, ...]], products: list[str], model: Model
    ) -> list[tuple[dict[str, str], NDArray[np.bool_]]]:
        """Draw cuts to pin: a few of any kind, or every rep, product or month."""
        chance, calendar = self.chance, model.calendar
        periods = ["", "", calendar.years[0], *calendar.quarters, *calendar.months]
        units = ["", *{u for chain in above for u in chain}]
        units.sort()
        rows: dict[tuple[str, ...], dict[str, str]] = {}

        def put(unit: str, rep: str, product: str, period: str, level: str) -> None:
            key = (unit, rep, product, period, level)
            rows[key] = dict(zip(("unit", "rep", "product", "period", "level"), key, strict=True))

        for _ in range(int(chance.choice([0, 0, 1, 2, 4, 8, 20]))):
            rep = str(chance.choice(reps)) if self.maybe(0.5) else ""
            put(
                "" if rep else str(chance.choice(units)),
                rep,
                str(chance.choice(products)) if self.maybe(0.4) else "",
                str(chance.choice(periods)),
                str(chance.choice(self.levels)),
            )
        level = str(chance.choice(self.levels))
        if self.maybe(0.06):
            for rep in reps:
                put("", rep, "", "", level)
        if self.maybe(0.06):
            for product in products:
                put("", "", product, "", level)
        if self.maybe(0.04):
            for month in calendar.months:
                put("", "", "", month, level)
        unit_mask = {u: np.array([not u or u in chain for chain in above]) for u in units}
        out = []
        for row in rows.values():
            who = unit_mask[row["unit"]] & ((np.array(reps) == row["rep"]) if row["rep"] else True)
            what = np.array([row["product"] in ("", p) for p in products])
            when = np.isin(np.arange(self.months), calendar.window(row["period"]))
            out.append((row, who[:, None, None] & what[:, None] & when))
        return out

    def _meet(self, amounts: Minor, level: int, mask: NDArray[np.bool_]) -> None:
        """Make the sum of a cut a multiple now and then."""
        inside = np.where(mask, amounts[level], -1)
        cell = np.unravel_index(int(inside.argmax()), inside.shape)
        if self.maybe(0.4) and inside[cell] > 0:
            amounts[(slice(level, None), *cell)] += -int(amounts[level][mask].sum()) % self.multiple

    def _noise(self, amounts: Minor, mark: NDArray[np.uint64]) -> NDArray[np.float64]:
        """Draw parts of a minor unit that leave every pin's sum as it is: they add to 0 in cells of the same pins."""
        where = np.flatnonzero((amounts[0] > 2).ravel() & (amounts[0] % self.multiple > 0).ravel())
        part = self.chance.uniform(-0.003, 0.003, len(where))
        group = np.unique(mark.ravel()[where], return_inverse=True)[1]
        mean = np.bincount(group, part) / np.maximum(np.bincount(group), 1) if len(where) else part
        noise = np.zeros(mark.size)
        noise[where] = part - (mean[group] if len(where) else 0)
        return noise.reshape(mark.shape)

    def _frame(
        self, exact: NDArray[np.float64], reps: list[str], home: list[str], products: list[str], model: Model
    ) -> pd.DataFrame:
        """Rows of the cells with a quota at any level, and of some without, in a random order."""
        there = (exact > 0).any(axis=0) | (self.chance.random(exact.shape[1:]) < 0.05)
        r, p, t = np.nonzero(there)
        frames: list[Any] = []
        for level, table in zip(self.levels, exact, strict=True):
            frame = {
                "rep": np.array(reps, object)[r],
                "unit": np.array(home, object)[r],
                "product": np.array(products, object)[p],
                "month": np.array(model.calendar.months, object)[t],
                "level": level,
                "exact": table[r, p, t],
            }
            frames.append(pd.DataFrame(frame))
        quotas = pd.concat(frames, ignore_index=True)
        return quotas.iloc[self.chance.permutation(len(quotas))].reset_index(drop=True)
