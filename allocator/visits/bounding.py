"""What a rep's dates cost, and how much less no other dates could: a lower bound by prices of the days' minutes.

The bound is a Lagrangian one (Geoffrion 1974). Each minute of a day has a price; every visit takes its cheapest day, whatever others do
and however near to the client's next visit; the days sell the minutes that pay for their load. For any prices, what the visits pay less
what the days earn is no more than the cost of any schedule. Good prices are those of the schedule's days, evened out, and a few steps
towards where visits and days agree; so the bound is close to that of the linear program with visits that may be divided.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocator.visits.horizon import Floats, Ints
from allocator.visits.tasks import LOAD, Offers, Task, day_costs, offer

REACH = 20
"""Working days on either side over which the first prices are evened out."""
STEPS, WORK = (3, 60), 150_000
"""Fewest and most steps of the prices; as many as look at so many days of visits in all."""
LENGTH, WARMTH = 0.1, 10.0
"""How long the steps are, and the difference of costs at which a visit still looks at another day."""
PARTS = 0.0, 1.0
"""Parts of the load that may be taken as the visits' own: the first is better for full days, the last for a few visits."""
SMALL = 10_000
"""Days of visits below which more than the first part is tried."""
HALVINGS = 12
"""Steps of the search for the price of a full month."""
NOISE = 1e-9
"""Part of the sums that may be lost in rounding; the bound is lowered by it."""


@dataclass(frozen=True)
class Load:
    """Costs of full days.

    With one length a day's visits cost what the flow says of them, visit by visit in whole numbers. With several, ``m`` minutes beside
    ``b`` that are taken already cost 60 · ((b + m)² − b²) ÷ (minutes of a whole day · mean minutes of a visit): the same, not rounded.
    Then a part of it, ``own``, is each visit's whatever the day: 60 · length² ÷ the same. What is left of a day's costs depends on
    its visits; ``least`` is the least for each sum of minutes.

    Attributes
    ----------
    rate : float
        Costs are ``rate`` · minutes².
    mean : float
        Minutes of a visit that are its own.
    base, room : float array, shape (days,)
        Minutes that are taken already; minutes that a day has.
    own : float array, shape (items,)
    sums : float array, shape (sums,)
        What whole visits may add up to on a day.
    least : float array, shape (days, sums)
        Infinite beyond the room of a day.
    """

    rate: float
    mean: float
    base: Floats
    room: Floats
    own: Floats
    sums: Floats
    least: Floats

    def slope(self, minutes: Floats) -> Floats:
        """What one minute more costs beside the other visits of a day, about."""
        return 2 * self.rate * (self.base + np.clip(minutes - self.mean / 2, 0.0, self.room))

    def best(self, price: Floats) -> tuple[Floats, Floats]:
        """Minutes that the days sell at prices, and what they lose by it (negative: what they earn)."""
        lost = self.least - price[:, None] * self.sums
        at = lost.argmin(axis=1)
        return self.sums[at], lost[np.arange(len(at)), at]

    def only(self, days: Ints) -> Load:
        """Return the costs of some days."""
        return replace(self, base=self.base[days], room=self.room[days], least=self.least[days])


def make_load(task: Task, part: float) -> Load:
    """Costs of a rep's full days; ``part`` of the squares of lengths is the visits' own, where there are several lengths."""
    lengths = np.unique(task.minutes)
    full, base = max(task.full_day, 1), np.clip(task.full_day - task.day_minutes, 0, None)
    longest = max(int(lengths[-1]), 1)
    room = np.minimum(task.day_minutes, task.day_visits * longest)
    mean = max(float(task.minutes @ task.visits) / max(int(task.visits.sum()), 1), 1.0)
    rate = LOAD / (mean * full)
    if len(lengths) == 1:
        number = np.arange(int(room.max(initial=0)) // longest + 1)
        sums, own, part = longest * number, np.zeros(len(task.row)), 0.0
        least = np.cumsum(_steps(task, base, len(number)), axis=1).astype(float)
    else:
        sums, squares = _sums(lengths, int(room.max(initial=0)))
        own = part * rate * task.minutes.astype(float) ** 2
        least = rate * (sums**2 - part * squares + 2 * base[:, None] * sums)
    least = np.where(sums <= room[:, None], least, np.inf)
    least[:, 0] = 0.0
    return Load(rate, part * longest, base.astype(float), room.astype(float), own, sums.astype(float), least)


def _steps(task: Task, base: Ints, count: int) -> Ints:
    """What each further visit of a day costs, the first of them nothing: the u-th of n 60 · (2u − 1) ÷ n, rounded down."""
    length = max(int(task.minutes[0]), 1)
    step = LOAD * (2 * ((base // length)[:, None] + np.arange(count)) - 1) // max(task.full_day // length, 1)
    step[:, 0] = 0
    return np.asarray(step)


def _sums(lengths: Ints, room: int) -> tuple[Ints, Ints]:
    """What whole visits of these lengths may add up to, and the greatest sum of their squares for it."""
    none = -(10**12)
    squares = np.full(room + 1, none, np.int64)
    squares[0] = 0
    for _visit in range(room // max(int(lengths[0]), 1)):
        for length in lengths[lengths <= room].tolist():
            np.maximum(squares[length:], squares[:-length] + length**2, out=squares[length:])
    sums = np.flatnonzero(squares >= 0)
    return sums, squares[sums]


def _day_costs(task: Task, load: Load, item: Ints, day: Ints) -> float:
    """Costs of the days' loads."""
    minutes = np.bincount(day, weights=task.minutes[item], minlength=task.days)
    if len(np.unique(task.minutes)) > 1:
        return float((load.rate * ((load.base + minutes) ** 2 - load.base**2)).sum())
    visits = np.bincount(day, minlength=task.days)
    return float(load.least[np.arange(task.days), visits].sum())


def cost_and_bound(task: Task, home: Ints, item: Ints, day: Ints, *, proved: bool) -> tuple[float, float]:
    """Return what a rep's dates cost, and a lower bound for every schedule that dates as many visits.

    What dates other than those of a kept run pay is in neither. There a visit stands anywhere in its promise's window; without spacing in
    its month (or week), unless its date is outside.

    Parameters
    ----------
    task : Task
    home : int array, shape (days,)
        Area of each day.
    item, day : int array, shape (visits,)
        The rep's answer; day −1 where a visit has none.
    proved : bool
        Whether a flow has proved these dates to be the best already.
    """
    dated = day >= 0
    item, day = item[dated], day[dated]
    if not len(item):
        return 0.0, 0.0
    if len(task.keeps):
        task, proved = replace(task, keeps=task.keeps[:0]), False
    load = make_load(task, PARTS[0])
    cost = float(day_costs(task, home, item, day, task.client[item] * task.days + day).sum())
    cost += _day_costs(task, load, item, day)
    if proved:
        return cost, cost
    minutes: Floats = np.bincount(day, weights=task.minutes[item], minlength=task.days).astype(float)
    offers = _choices(task, home, item, day)
    loads = [load, *(make_load(task, part) for part in PARTS[1:] if len(offers.item) < SMALL)]
    tried = [(Auction(task, load, offers, len(item)), _first_prices(load, minutes)) for load in loads]
    _value, best = max((auction.value(price), k) for k, (auction, price) in enumerate(tried))
    auction, price = tried[best]
    return cost, max(auction.bound(price), 0.0)


def _choices(task: Task, home: Ints, item: Ints, day: Ints) -> Offers:
    """All days on which visits may be."""
    wide = task.spacing > 1
    wide[item[(day < task.low[item]) | (day > task.high[item])]] = True
    low, high = np.where(wide, task.first_day, task.low), np.where(wide, task.last_day, task.high)
    return offer(task, home, np.arange(len(task.row)), low, high)


def _first_prices(load: Load, minutes: Floats) -> Floats:
    """What a minute more costs on the days as they are, evened out over the working days around."""
    price = load.slope(minutes)
    open_ = np.flatnonzero(load.room > 0)
    running = np.concatenate([[0.0], np.cumsum(price[open_])])
    at = np.arange(len(open_))
    begin, end = np.maximum(at - REACH, 0), np.minimum(at + REACH + 1, len(open_))
    price[open_] = (running[end] - running[begin]) / (end - begin)
    return price


class Auction:
    """Visits that choose their days by prices, and days that sell their minutes.

    Parameters
    ----------
    task : Task
    load : Load
    offers : Offers
        Days on which items may be; by item.
    count : int
        Visits that are to have a day.
    """

    def __init__(self, task: Task, load: Load, offers: Offers, count: int) -> None:
        self.task, self.load, self.count = task, load, count
        self.day, self.cost = offers.day, offers.cost + load.own[offers.item]
        self.length = task.minutes[offers.item].astype(float)
        self.start = np.flatnonzero(np.diff(offers.item, prepend=-1))
        self.size = np.diff(self.start, append=len(offers.item))
        self.wanted = np.minimum(task.visits[offers.item[self.start]], self.size)

    def bound(self, price: Floats) -> float:
        """Return the best of the bounds at some prices and after each of some steps from them."""
        best, costs, cheapest, sold = self._at(price)
        for _step in range(min(max(STEPS[0], WORK // len(self.day)), STEPS[1])):
            wished = self._wishes(costs, cheapest)
            price = np.maximum(price + LENGTH * 2 * self.load.rate * (wished - sold), 0.0)
            value, costs, cheapest, sold = self._at(price)
            best = max(best, value)
        return best - NOISE * (abs(best) + float(np.abs(price).sum()) * self.task.full_day)

    def value(self, price: Floats) -> float:
        """Lower bound at some prices: what the visits pay at least, less what the days earn at most."""
        return self._at(price)[0]

    def _at(self, price: Floats) -> tuple[float, Floats, Floats, Floats]:
        """Lower bound at some prices, costs of all days of visits, the least of each item, and the minutes that the days sell."""
        costs = self.cost + self.length * price[self.day]
        cheapest = np.minimum.reduceat(costs, self.start)
        paid = self._paid(costs, cheapest)
        if len(paid) > self.count:  # the dearest need no day
            paid = np.partition(paid, self.count)[: self.count]
        minutes, lost = self._sold(price)
        return float(paid.sum()) + lost, costs, cheapest, minutes

    def _paid(self, costs: Floats, cheapest: Floats) -> Floats:
        """Costs of the cheapest days of every item, as many as it has visits."""
        several = np.flatnonzero(self.wanted > 1)
        if not len(several):
            return cheapest
        size, wanted = self.size[several], self.wanted[several]
        of = np.repeat(np.arange(len(several)), size)
        place = np.arange(len(of)) - np.repeat(np.cumsum(size) - size, size)
        mine = costs[np.repeat(self.start[several], size) + place]
        mine = mine[np.lexsort((mine, of))]
        return np.concatenate([cheapest[self.wanted == 1], mine[place < np.repeat(wanted, size)]])

    def _wishes(self, costs: Floats, cheapest: Floats) -> Floats:
        """Minutes that visits want of each day, if days of nearly the same cost are wanted nearly alike."""
        weight = np.exp((np.repeat(cheapest, self.size) - costs) / WARMTH)
        weight *= np.repeat(self.wanted / np.add.reduceat(weight, self.start), self.size)
        return np.bincount(self.day, weights=weight * self.length, minlength=self.task.days).astype(float)

    def _sold(self, price: Floats) -> tuple[Floats, float]:
        """Minutes that the days sell within their months' hours, and their least loss in sum (prices of full months included)."""
        months, limit = len(self.task.month_minutes), self.task.month_minutes.astype(float)
        minutes, lost = self.load.best(price)
        full = np.bincount(self.task.month, weights=minutes, minlength=months) > limit
        if not full.any():
            return minutes, float(lost.sum())
        days = np.flatnonzero(full[self.task.month])
        month, load = self.task.month[days], self.load.only(days)
        low, high = np.zeros(months), np.where(full, float(price.max(initial=0.0)), 0.0)
        for _halving in range(HALVINGS):
            middle = (low + high) / 2
            used = np.bincount(month, weights=load.best(price[days] - middle[month])[0], minlength=months)
            low, high = np.where(used > limit, middle, low), np.where(used > limit, high, middle)
        minutes[days], lost[days] = load.best(price[days] - high[month])
        return minutes, float(lost.sum() - high @ limit)
