"""For how much of each month clients are clients (section 2 of the mathematics)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.formulation.arrays import alike
from allocator.model import Model


def stays(model: Model) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Shares of the months in which active clients are clients: each kind once, shape (kinds, months), and the kind of each client.

    A month counts by its working days from ``since`` to the day before ``lost_on``: who begins on its first one is there for all of it.
    """
    calendar, clients = model.calendar, model["clients"]
    first, last = calendar.days[0], calendar.days[-1]
    active = (clients["status"] == "active").to_numpy()
    since = clients["since"].where(active & (clients["since"] > first).to_numpy())
    until = clients["lost_on"].where(active & (clients["lost_on"] <= last).to_numpy()) - pd.Timedelta(days=1)
    (begun, begins), (ended, ends) = (pd.factorize(c, use_na_sentinel=False) for c in (since, until))
    kind, found = pd.factorize(np.asarray(begun * len(ends) + ended, np.int64))
    of_month = np.zeros((len(calendar.days), calendar.count))
    of_month[np.arange(len(calendar.days)), calendar.day_month] = 1.0
    of_kind = [(begins[k // len(ends)], ends[k % len(ends)]) for k in found.tolist()]
    there = np.stack([calendar.between(a, b) & calendar.working for a, b in of_kind]) @ of_month
    days = calendar.working_days
    share = np.divide(there, days, out=np.ones_like(there), where=days > 0)
    different, same = alike(share)
    return different, same[kind]
