"""Where clients are: areas of a rep's days, and kilometres between the visits of a day."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.visits.horizon import Bools, Floats, Ints

EARTH = 6371.0
"""Mean radius of the earth, kilometres."""
AREAS = 5
"""Areas into which a rep's clients are cut where only their coordinates are known."""


def curve_positions(clients: pd.DataFrame) -> Floats:
    """Place of each client on a space-filling curve (Morton's) over all coordinates; 0 where there are none."""
    place = np.zeros(len(clients))
    where = clients[["latitude", "longitude"]].to_numpy(float)
    known = ~np.isnan(where).any(axis=1)
    if known.any():
        low, high = where[known].min(axis=0), where[known].max(axis=0)
        grid = ((where[known] - low) / np.maximum(high - low, 1e-9) * 65535).astype(np.int64)
        place[known] = _spread_bits(grid[:, 0]) * 2 + _spread_bits(grid[:, 1])
    return place


def _spread_bits(values: Ints) -> Ints:
    """Put a zero between any two bits of 16-bit numbers."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        values = (values | (values << shift)) & mask
    return values


def area_of(clients: pd.DataFrame, owner: Ints) -> Ints:
    """Area of each client; −1 where nothing is known. Owners without area codes have theirs cut by coordinates.

    Parameters
    ----------
    clients : DataFrame
    owner : int array, shape (clients,)
    """
    codes = clients["area"].to_numpy(object)
    area, names = pd.factorize(codes, sort=True)
    found = np.where(codes == "", -1, area).astype(np.int64)
    located = ~np.isnan(clients[["latitude", "longitude"]].to_numpy(float)).any(axis=1)
    loose = np.flatnonzero((codes == "") & located)
    if not len(loose):
        return found
    weight = clients["count"].to_numpy(float)[loose]
    order = np.lexsort((curve_positions(clients)[loose], owner[loose]))
    who = owner[loose][order]
    running = np.cumsum(weight[order])
    total = np.bincount(who + 1, weights=weight[order])[who + 1]
    before = running - weight[order]
    begin = np.zeros(len(total))
    begin[np.flatnonzero(np.diff(who, prepend=-2))] = before[np.flatnonzero(np.diff(who, prepend=-2))]
    begin = np.maximum.accumulate(begin)
    piece = np.minimum(((before - begin) / total * AREAS).astype(np.int64), AREAS - 1)
    found[loose[order]] = len(names) + (who + 1) * AREAS + piece
    return found


def kilometres(a: Floats, b: Floats) -> Floats:
    """Great-circle distance between points (latitude, longitude in degrees, last axis)."""
    a, b = np.radians(a), np.radians(b)
    half = np.sin((b - a) / 2) ** 2
    inner = half[..., 0] + np.cos(a[..., 0]) * np.cos(b[..., 0]) * half[..., 1]
    return np.asarray(2 * EARTH * np.arcsin(np.sqrt(np.clip(inner, 0.0, 1.0))))


def day_tours(day: Ints, where: Floats) -> tuple[Floats, Ints]:
    """Length of the way through the visits of each day, nearest next, from the westernmost; and the days.

    Parameters
    ----------
    day : int array, shape (visits,)
        Any number that names a rep's day.
    where : float array, shape (visits, 2)
        Latitude and longitude; a day with an unknown place has no length (NaN).
    """
    order = np.lexsort((where[:, 1], day))
    days, first, size = np.unique(day[order], return_index=True, return_counts=True)
    length = np.zeros(len(days))
    for count in np.unique(size):
        mine = np.flatnonzero(size == count)
        for block in np.array_split(mine, max(1, len(mine) * int(count) // 200_000)):
            points = where[order[first[block][:, None] + np.arange(count)]]
            length[block] = _ways(points)
    return length, days


def _ways(points: Floats) -> Floats:
    """Nearest-neighbour ways from the first point, shape (days, points, 2)."""
    rows, count = np.arange(len(points)), points.shape[1]
    seen: Bools = np.zeros(points.shape[:2], bool)
    at, length = np.zeros(len(points), np.int64), np.zeros(len(points))
    seen[:, 0] = True
    for _step in range(count - 1):
        distance = np.where(seen, np.inf, kilometres(points[rows, at][:, None, :], points))
        distance = np.where(np.isnan(distance), np.inf, distance)
        at = distance.argmin(axis=1)
        length += distance[rows, at]
        seen[rows, at] = True
    unknown = np.isnan(points).any(axis=(1, 2)) | ~np.isfinite(length)
    return np.where(unknown, np.nan, length)
