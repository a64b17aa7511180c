"""How many people and visits: whole visits, and the distinct clients behind them."""

from __future__ import annotations

import numpy as np

from allocator.actions.measures import STATUSES, TIMES, Work
from allocator.actions.spreading import Spread, dealt, nearest
from allocator.breaking_down import Floats, Ints

SHORT = ("third", "week")
"""Kinds of period that are not made of months."""


def count_people(spread: Spread, work: Work, lag: int) -> dict[str, Ints]:
    """Visits and clients of each rep and period, arrays of shape (reps, periods).

    Clients of a period are told apart as well as groups can tell them: the visits to a group go to its members in turn, so no more than
    its members and no more than its visits are different people. A client won counts beside the first visits of the period, unless
    his own first visit lies in it, ``lag`` months before.
    """
    reps = len(spread.rhythm.rep)
    again = spread.over_periods(dealt(spread, _by_rep(work, work.again, reps), 1.0))
    first = spread.over_periods(dealt(spread, _by_rep(work, work.first, reps), 1.0))
    new = spread.over_periods(dealt(spread, _by_rep(work, work.won + work.led, reps), 1.0))
    met = spread.over_periods(spread.running(work.again + work.first + work.won + work.led, work.rep))
    different = np.minimum(work.members[:, None], met - _met_before(spread, work.won, work.rep, lag))
    exact = _by_rep(work, different, reps)
    least = np.maximum(np.maximum(first, new), np.minimum(again, 1))
    clients = np.clip(nearest(exact), least, again + first + new)
    active = STATUSES.index("active")
    counted: dict[str, Ints] = {
        "clients": clients.sum(axis=1),
        "new_clients": new.sum(axis=1),
        "first_visits": first.sum(axis=1),
        "old_clients": clients[:, active],
        "return_visits": again.sum(axis=1),
    }
    counted |= {f"clients_{time}": clients[:, k] for k, time in enumerate(TIMES)}
    return counted | {f"visits_{time}": again[:, k] + first[:, k] for k, time in enumerate(TIMES)}


def _by_rep(work: Work, values: Floats, reps: int) -> Floats:
    """Sum rows of work by rep and status, shape (reps, statuses, …)."""
    out = np.zeros((reps, len(STATUSES), values.shape[1]))
    np.add.at(out, (work.rep, work.status), values)
    return out


def _met_before(spread: Spread, won: Floats, rep: Ints, lag: int) -> Floats:
    """Clients won in a period whose first visit lies in the same period, shape (rows, periods)."""
    periods = spread.periods
    if lag == 0:
        return np.asarray(spread.over_periods(spread.running(won, rep)))
    month = spread.rhythm.month
    begin, end = (month[periods[c].to_numpy()] for c in ("first", "last"))
    total = np.concatenate([np.zeros((len(won), 1)), np.cumsum(won, axis=1)], axis=1)
    same = total[:, end + 1] - total[:, np.minimum(begin + lag, end + 1)]
    return np.asarray(np.where(periods["kind"].isin(SHORT), 0.0, same))
