"""Spacing as intervals: days of a client's visits that keep their distance whatever is chosen within them."""

from __future__ import annotations

import numpy as np

from allocator.visits.horizon import Ints


def intervals(client: Ints, day: Ints, spacing: Ints, first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """First and last days of visits that stand by client and day.

    Between neighbours the middle is cut: where one may be as late as ``e``, the next is not before ``e`` + spacing.

    Parameters
    ----------
    client, day, spacing : int array, shape (visits,)
    first, last : int array, shape (visits,)
        Windows that no interval leaves.
    """
    low, high = first.copy(), last.copy()
    left = np.flatnonzero(np.diff(client) == 0)
    right, gap = left + 1, spacing[left]
    end = np.minimum((day[left] + day[right] - gap + 1) // 2, last[left])
    start = np.maximum(end + gap, first[right])
    high[left] = np.minimum(last[left], start - gap)
    low[right] = start
    high = np.maximum(high, first - 1)
    return np.minimum(low, high + 1), high  # an interval without a day ends before it begins


def push_apart(client: Ints, day: Ints, spacing: Ints, first: Ints, last: Ints) -> Ints:
    """Move days of a client apart: forwards, back from the ends of the windows, forwards again; see :func:`intervals`."""
    day = day.copy()
    follows = np.diff(client, prepend=-1) == 0
    follows[:1] = False
    head = np.maximum.accumulate(np.where(follows, 0, np.arange(len(day))))
    place = np.arange(len(day)) - head
    turns = [np.flatnonzero(place == k) for k in range(1, int(place.max(initial=0)) + 1)]
    for rows in turns:
        day[rows] = np.maximum(day[rows], day[rows - 1] + spacing[rows - 1])
    if (day > last).any():
        day = np.minimum(day, last)
        for rows in reversed(turns):
            day[rows - 1] = np.minimum(day[rows - 1], day[rows] - spacing[rows - 1])
        day = np.maximum(day, first)
        for rows in turns:
            day[rows] = np.maximum(day[rows], day[rows - 1] + spacing[rows - 1])
    return np.clip(day, first, last)
