"""Response curves as segments: of groups over their visits, of lines over their money."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.grain import Grain

Floats = NDArray[Any]
Ints = NDArray[Any]

SAME = 1e-9
"""Breakpoints closer than this are one."""


@dataclass(frozen=True)
class Segments:
    """Segments of the curves of several owners (groups or lines), owner by owner, from effort 0.

    Attributes
    ----------
    owner : int array, shape (segments,)
    start, stop : float array, shape (segments,)
        Effort at both ends.
    steeper : bool array, shape (segments,)
        True where some product's curve is steeper than in the segment before: the order must be forced there.
    slope : DataFrame
        segment, pair, slope: sales of a year for a unit of effort; only where not 0. ``pair`` is the group's product, or the line's pool.
    base : float array, shape (pairs,)
        Sales of a year at effort 0.
    full : float array, shape (pairs,)
        Sales of a year at effort 1 (groups).
    """

    owner: Ints
    start: Floats
    stop: Floats
    steeper: NDArray[np.bool_]
    slope: pd.DataFrame
    base: Floats
    full: Floats


def _points(responses: pd.DataFrame) -> dict[tuple[str, str], tuple[Floats, Floats]]:
    """Effort and sales at the points of every curve, by driver and product (blank for every product)."""
    rows = responses.sort_values(["driver", "product", "effort"])
    names = rows[["driver", "product"]].to_numpy(object)
    effort, sales = rows["effort"].to_numpy(float), rows["sales"].to_numpy(float)
    ends = np.flatnonzero((names[1:] != names[:-1]).any(axis=1)) + 1
    bounds = np.concatenate([[0], ends, [len(rows)]]) if len(rows) else np.zeros(1, int)
    return {tuple(names[a]): (effort[a:b], sales[a:b]) for a, b in pairwise(bounds.tolist())}


def group_segments(grain: Grain) -> Segments:
    """Segments of the groups' curves F(e) = Σ count · min(ceiling, expected · R(e)), exact at every kink."""
    groups, demand, responses = grain.groups, grain.demand, grain.model["responses"]
    active = (groups["status"] == "active").to_numpy()
    tier_of = groups["tier"].to_numpy(object)
    curve = _Curves(grain)
    rows = demand[active[demand["group"]]]
    which = curve.of(tier_of[rows["group"]], rows["position"].to_numpy())
    # Efforts at which a curve bends: the tier's points, effort 1, and where a client reaches its ceiling.
    owners, efforts = [], []
    for tier in sorted(set(tier_of[active])):
        of_tier = responses.loc[responses["driver"] == tier, "effort"].to_numpy(float)
        ends = np.unique(np.append(of_tier, [0.0, 1.0]))
        members = np.flatnonzero(active & (tier_of == tier))
        owners.append(np.repeat(members, len(ends)))
        efforts.append(np.tile(ends, len(members)))
    ratio = rows["ceiling"].to_numpy(float) / np.maximum(rows["expected"].to_numpy(float), 1e-300)
    kink = curve.inverse(which, ratio)
    owners.append(rows["group"].to_numpy()[~np.isnan(kink)])
    efforts.append(kink[~np.isnan(kink)])
    owner, effort = _unique(np.concatenate(owners), np.concatenate(efforts))
    first = np.searchsorted(owner, np.arange(len(groups)))
    count = np.bincount(owner, minlength=len(groups))
    # Sales of every demand row at every breakpoint of its group, summed to the group's products.
    of_group = rows["group"].to_numpy()
    times = count[of_group]
    row = np.repeat(np.arange(len(rows)), times)
    point = np.repeat(first[of_group], times) + _ranges(times)
    expected, ceiling, members = (rows[c].to_numpy(float) for c in ("expected", "ceiling", "count"))
    sales = members[row] * np.minimum(ceiling[row], expected[row] * curve.value(which[row], effort[point]))
    pairs = len(grain.pairs)
    start_of_pair = np.zeros(pairs + 1, np.int64)
    per_pair = np.where(active[grain.pairs["group"]], count[grain.pairs["group"]], 0)
    np.cumsum(per_pair, out=start_of_pair[1:])
    at = start_of_pair[rows["pair"].to_numpy()[row]] + (point - first[of_group[row]])
    value = np.bincount(at, weights=sales, minlength=start_of_pair[-1])
    # Differences along each pair's breakpoints.
    pair = np.repeat(np.arange(pairs), per_pair)
    step = _ranges(per_pair)
    inner = step[1:] > 0 if len(step) else np.zeros(0, bool)
    group_of = grain.pairs["group"].to_numpy()[pair]
    where = first[group_of] + step
    width = np.diff(effort[where])[inner] if len(where) else np.zeros(0)
    slope = np.diff(value)[inner] / width if len(value) else np.zeros(0)
    last = np.flatnonzero(inner) + 1
    segment_of_point = np.cumsum(np.diff(owner, prepend=-1) == 0) - 1
    segment = segment_of_point[where[last]]
    keep = np.diff(owner, prepend=-1) == 0
    ends = np.flatnonzero(keep)
    base, full = np.zeros(pairs), np.zeros(pairs)
    np.add.at(base, pair[step == 0], value[step == 0])
    ones = np.isclose(effort[where], 1.0, rtol=0, atol=SAME) if len(where) else np.zeros(0, bool)
    full[pair[ones]] = value[ones]
    return _segments(owner[ends], effort[ends - 1], effort[ends], pair[last], segment, slope, base, full)


def line_segments(points: list[tuple[int, int, Floats, Floats]], lines: int, tail: Floats) -> Segments:
    """Segments of the lines' curves.

    Parameters
    ----------
    points : list of (line, pool, effort, sales)
        Curve of a line's effect on a pool.
    lines : int
    tail : float array, shape (lines,)
        Width of a last, flat segment: money that may be spent beyond the curve; 0 for none.
    """
    owner, start, stop, pair, segment, slope = [], [], [], [], [], []
    for line in range(lines):
        curves = [p for p in points if p[0] == line]
        ends = np.unique(np.concatenate([np.zeros(1), *(c[2] for c in curves)]))
        for k in range(1, len(ends)):
            owner.append(line)
            start.append(ends[k - 1])
            stop.append(ends[k])
            for _, pool, effort, sales in curves:
                low, high = np.interp(ends[k - 1 : k + 1], effort, sales)
                pair.append(pool)
                segment.append(len(owner) - 1)
                slope.append((high - low) / (ends[k] - ends[k - 1]))
        if tail[line] > 0:
            owner.append(line)
            start.append(ends[-1])
            stop.append(ends[-1] + tail[line])
    pools = max((p[1] for p in points), default=-1) + 1
    none = np.zeros(pools)
    return _segments(
        np.array(owner, np.int64), np.array(start), np.array(stop), np.array(pair, np.int64),
        np.array(segment, np.int64), np.array(slope, float), none, none,
    )  # fmt: skip


def _segments(
    owner: Ints, start: Floats, stop: Floats, pair: Ints, segment: Ints, slope: Floats, base: Floats, full: Floats
) -> Segments:
    frame = pd.DataFrame({"segment": segment, "pair": pair, "slope": slope})
    before = frame.assign(segment=frame["segment"] + 1).rename(columns={"slope": "before"})
    both = frame.merge(before, on=["segment", "pair"], how="left")
    same_owner = np.zeros(len(owner), bool)
    same_owner[1:] = owner[1:] == owner[:-1]
    # Where two bends almost meet, the slope between them is known only to the digits of the sales at both.
    width = stop - start
    sold = np.bincount(frame["pair"], weights=frame["slope"].abs() * width[segment], minlength=len(base))
    near = np.minimum(width, np.append(np.inf, width[:-1]))
    noise = 1e-9 * both["slope"].abs() + 1e-12 * sold[both["pair"]] / near[both["segment"]]
    rises = both["slope"] > both["before"].fillna(0.0) + noise
    rises &= same_owner[both["segment"]]
    steeper = np.zeros(len(owner), bool)
    steeper[both.loc[rises, "segment"]] = True
    return Segments(owner, start, stop, steeper, frame[frame["slope"].abs() > 0].reset_index(drop=True), base, full)


class _Curves:
    """The distinct curves R(e) of (tier, product), looked up by number."""

    def __init__(self, grain: Grain) -> None:
        points = _points(grain.model["responses"])
        self.number: dict[tuple[str, int], int] = {}
        self.points: list[tuple[Floats, Floats]] = []
        flat = (np.zeros(1), np.ones(1))
        for tier in sorted(set(grain.groups["tier"])):
            for i, product in enumerate(grain.product):
                self.number[tier, i] = len(self.points)
                self.points.append(points.get((tier, product)) or points.get((tier, "")) or flat)

    def of(self, tier: NDArray[np.object_], product: Ints) -> Ints:
        """Number of each row's curve."""
        frame = pd.MultiIndex.from_arrays([tier, product])
        keys = pd.MultiIndex.from_tuples(list(self.number)) if self.number else frame
        return np.asarray(keys.get_indexer(frame), dtype=np.int64)

    def value(self, which: Ints, effort: Floats) -> Floats:
        """Return R(effort) of each row's curve."""
        out = np.zeros(len(which))
        for number in np.unique(which):
            rows = which == number
            out[rows] = np.interp(effort[rows], *self.points[number])
        return out

    def inverse(self, which: Ints, level: Floats) -> Floats:
        """First effort at which each row's curve reaches a level inside it; NaN if it never rises to it."""
        out = np.full(len(which), np.nan)
        for number in np.unique(which):
            rows = np.flatnonzero(which == number)
            effort, sales = self.points[number]
            target = level[rows]
            after = np.searchsorted(np.maximum.accumulate(sales), target, side="left")
            inside = (after > 0) & (after < len(sales)) & (target < sales[-1])
            k = after[inside]
            low, high = sales[k - 1], sales[k]
            out[rows[inside]] = effort[k - 1] + (target[inside] - low) / (high - low) * (effort[k] - effort[k - 1])
        return out


def _unique(owner: Ints, effort: Floats) -> tuple[Ints, Floats]:
    order = np.lexsort((effort, owner))
    owner, effort = owner[order], effort[order]
    new = np.ones(len(owner), bool)
    new[1:] = (np.diff(owner) > 0) | (np.diff(effort) > SAME)
    return owner[new].astype(np.int64), effort[new]


def _ranges(counts: Ints) -> Ints:
    """0 … n−1 for each count, one after the other."""
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total) - np.repeat(ends - counts, counts))
