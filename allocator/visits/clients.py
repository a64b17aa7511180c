"""What the model says of each client, read once for all batches of reps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.visits.areas import area_of, curve_positions
from allocator.visits.horizon import Floats, Horizon, Ints
from allocator.visits.rings import Rings


@dataclass(frozen=True)
class ClientRows:
    """Rows of the model's clients as arrays.

    Attributes
    ----------
    area : int array, shape (clients,)
        −1 where unknown.
    where : float array, shape (clients, 2)
        Latitude and longitude.
    weekdays : int array, shape (clients,)
        A bit for each preferred weekday; 0 for any.
    tour : int array, shape (clients,)
        Order of the clients within a day.
    blocked_row, blocked_day : int array
        Clients and days on which they cannot be visited; by client.
    """

    area: Ints
    where: Floats
    weekdays: Ints
    tour: Ints
    blocked_row: Ints
    blocked_day: Ints

    def blocked(self, row: Ints, days: int) -> Ints:
        """``member · days + day`` of the days on which members cannot be visited, ``row`` being their clients; sorted."""
        begin = np.searchsorted(self.blocked_row, row)
        size = np.searchsorted(self.blocked_row, row, side="right") - begin
        member = np.repeat(np.arange(len(row)), size)
        at = begin[member] + np.arange(len(member)) - np.repeat(np.cumsum(size) - size, size)
        return np.unique(member * days + self.blocked_day[at])


def read_clients(model: Model, horizon: Horizon, rings: Rings) -> ClientRows:
    """Read all clients; ``rings`` are those of the whole plan and name their owners."""
    rows = model["clients"]
    owner = np.full(len(rows), -1, np.int64)
    owner[rings.client] = np.repeat(rings.owner, rings.size)
    keys = [_ranks(rows["client"]), curve_positions(rows), _ranks(rows["area"])]
    tour = np.empty(len(rows), np.int64)
    tour[np.lexsort(keys)] = np.arange(len(rows))
    row, day = _blocked(rows["blocked"], horizon)
    return ClientRows(
        area=area_of(rows, owner),
        where=rows[["latitude", "longitude"]].to_numpy(float),
        weekdays=_weekday_bits(rows["weekdays"]),
        tour=tour,
        blocked_row=row,
        blocked_day=day,
    )


def _ranks(texts: pd.Series) -> Ints:
    """Places of texts in their order."""
    return np.asarray(pd.factorize(texts.to_numpy(object).astype(str).astype(object), sort=True)[0], np.int64)


def _weekday_bits(column: pd.Series) -> Ints:
    """Preferred weekdays, 1 (Monday) to 7, as bits."""
    known = {days: sum(1 << (int(d) - 1) for d in set(days) if d.isdigit()) for days in set(column)}
    return np.array([known[days] for days in column], np.int64)


def _blocked(column: pd.Series, horizon: Horizon) -> tuple[Ints, Ints]:
    """Clients and days of the plan on which they cannot be visited, by client."""
    count = np.array([len(dates) for dates in column], np.int64)
    row = np.repeat(np.arange(len(count)), count)
    dates = pd.to_datetime([date for dates in column for date in dates]).to_numpy().astype("datetime64[D]")
    day = (dates - horizon.days[0]).astype(np.int64)
    here = (day >= 0) & (day < len(horizon.days))
    return row[here], day[here]
