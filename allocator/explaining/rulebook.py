"""Rules as a planner knows them: the rows of a program grouped into items that hold, or give way, as one."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import Model
from allocator.program import Floats, Ints, Program

Bools = NDArray[np.bool_]
Key = tuple[str, ...]

GRAINS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "target": (("target", "bound"), ("target", "bound", "each"), ("target", "bound", "each")),
    "promise": (("unit",), ("unit", "month"), ("tier", "unit", "rep", "month")),
    "kept": (("target", "bound", "line"), ("target", "bound", "line", "each"), ("target", "bound", "line", "each")),
    "within": (("line",), ("line",), ("line",)),
    "hours": (("unit",), ("unit", "month"), ("unit", "rep", "month")),
    "days": (("unit",), ("unit", "month"), ("unit", "rep", "month")),
    "most": (("line",), ("line",), ("line",)),
    "least": (("line",), ("line",), ("line",)),
    "executive": (("tier", "unit"), ("tier", "unit", "month"), ("tier", "unit", "rep", "month")),
    "pool": (("resource",), ("resource", "month"), ("resource", "month")),
    "supply": (("product",), ("product", "month"), ("product", "month")),
    "ceiling": (("product", "unit"), ("product", "unit"), ("product", "unit", "rep")),
    "prospects": (("unit",), ("unit",), ("unit", "rep")),
    "pin": (("number",), ("number",), ("number",)),
    "floor": (("rep",), ("rep",), ("rep",)),
    "cap": (("rep",), ("rep",), ("rep",)),
    "incentive": ((), (), ()),
}
"""Kinds of items, and the labels that tell items of a kind apart: as they are first looked at, by month, and by rep."""

LABELS = ("target", "bound", "each", "tier", "unit", "rep", "line", "resource", "product", "number", "month")


@dataclass(frozen=True)
class Item:
    """Something that was set or wished for, and that holds or gives way as one.

    Attributes
    ----------
    kind : str
        One of :data:`GRAINS`.
    labels : mapping of str to str
        What tells it apart from others of its kind.
    months : tuple of int
        Months of the plan that it speaks of; empty where it has none of its own.
    goal : bool
        Whether it is a wish; else a hard rule.
    atoms : int array
        Positions among the atoms of the rulebook.
    held : float
        How much is set or wished for, in ``measure``; NaN where it has no number of its own.
    measure : str
        money, hours, visits, clients, contracts, or the name of a metric.
    at_least : bool
        Whether it asks for something; else it limits something.
    """

    kind: str
    labels: Mapping[str, str]
    months: tuple[int, ...]
    goal: bool
    atoms: Ints = field(repr=False, compare=False)
    held: float
    measure: str
    at_least: bool

    @property
    def key(self) -> Key:
        """The same for the same item of a changed model."""
        return (self.kind, *(f"{k}={v}" for k, v in self.labels.items()))


@dataclass(frozen=True)
class Rulebook:
    """A program with its rows grouped into items; rows that only define something are in no item.

    Attributes
    ----------
    model : Model
    program : Program
        Without goals; every item holds in it.
    atoms : DataFrame
        A side of a row each: row, side (1 at least, −1 at most), size (a violation of 1), factor (what one in the program is in
        ``measure``), held, kind, goal, measure, span (months from ``month`` on), and the labels of :data:`LABELS`.
    """

    model: Model
    program: Program
    atoms: pd.DataFrame

    @functools.cached_property
    def items(self) -> tuple[Item, ...]:
        """Items as they are first looked at."""
        return tuple(self._grouped(self.atoms, 0))

    def parts(self, items: Iterable[Item], grain: int) -> list[Item]:
        """Items taken apart by month (1), or by rep too (2); in the order of their kinds among the items."""
        return list(self._grouped(self.atoms[self.mask(items)], grain))

    def lines(self, items: Iterable[Item]) -> list[Item]:
        """Items that differ by month only, as one."""
        found: dict[tuple[str, tuple[tuple[str, str], ...]], list[Item]] = {}
        for item in items:
            found.setdefault((item.kind, tuple(item.labels.items())), []).append(item)
        return [
            replace(
                same[0],
                months=tuple(sorted({m for i in same for m in i.months})),
                atoms=np.concatenate([i.atoms for i in same]),
                held=sum(i.held for i in same),
            )
            for same in found.values()
        ]

    def mask(self, items: Iterable[Item]) -> Bools:
        """Atoms of some items."""
        held = np.zeros(len(self.atoms), bool)
        for item in items:
            held[item.atoms] = True
        return held

    def only(self, held: Bools) -> Program:
        """The program in which some atoms hold and the others do not."""
        row, side = self.atoms["row"].to_numpy(int), self.atoms["side"].to_numpy(int)
        low, high = self.program.row_lower.copy(), self.program.row_upper.copy()
        low[row[~held & (side > 0)]] = -np.inf
        high[row[~held & (side < 0)]] = np.inf
        return replace(self.program, row_lower=low, row_upper=high)

    def limits(self) -> Floats:
        """Bound of each atom."""
        row, side = self.atoms["row"].to_numpy(int), self.atoms["side"].to_numpy(int)
        return np.asarray(np.where(side > 0, self.program.row_lower[row], self.program.row_upper[row]))

    def missed(self, x: Floats) -> Floats:
        """Violation of each atom at a point, in its size; 0 where it holds."""
        row, side = self.atoms["row"].to_numpy(int), self.atoms["side"].to_numpy(int)
        lacking = side * (self.limits() - (self.program.matrix @ x)[row])
        return np.asarray(np.maximum(lacking, 0.0) / self.atoms["size"].to_numpy(float))

    def _grouped(self, atoms: pd.DataFrame, grain: int) -> Iterable[Item]:
        for kind, rows in atoms.groupby("kind", sort=False):
            names = list(GRAINS[str(kind)][grain])
            parts = rows.groupby(names, sort=False) if names else [((), rows)]
            for values, part in parts:
                labels = dict(zip(names, map(str, values), strict=True))
                first = part.iloc[0]
                starts, spans = part["month"].to_numpy(int), part["span"].to_numpy(int)
                seen = sorted({m for t, n in set(zip(starts, spans, strict=True)) if t >= 0 for m in range(t, t + n)})
                yield Item(
                    str(kind),
                    {k: v for k, v in labels.items() if k != "month"},
                    tuple(seen),
                    bool(first["goal"]),
                    part.index.to_numpy(np.int64),
                    float(part["held"].sum(skipna=False)),
                    str(first["measure"]),
                    bool(first["side"] > 0),
                )


def collected(model: Model, program: Program, parts: Iterable[pd.DataFrame]) -> Rulebook:
    """Make a rulebook of atoms; labels that a part does not have are blank, months −1."""
    frames = []
    for part in parts:
        part = part[part["kind"] != ""]
        if len(part):
            blank = {n: "" for n in LABELS if n not in part}
            usual = {"span": 1, "factor": 1.0, "size": 1.0, "goal": False, "held": np.nan}
            if "month" in blank:
                blank["month"] = -1  # type: ignore[assignment]
            frames.append(part.assign(**blank, **{k: v for k, v in usual.items() if k not in part}))
    if not frames:
        columns = ["row", "side", "size", "factor", "held", "kind", "goal", "measure", "span", *LABELS]
        return Rulebook(model, program, pd.DataFrame({c: [] for c in columns}))
    return Rulebook(model, program, pd.concat(frames, ignore_index=True))
