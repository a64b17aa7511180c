"""A week's task in words: visits, the stages that they lead to, contracts, fixed activities."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from allocator.actions.measures import Work
from allocator.actions.spreading import Spread, nearest
from allocator.breaking_down import Floats, Ints
from allocator.formulation.grain import Grain, rep_scope
from allocator.formulation.winning import VISITS
from allocator.texts import _

Counts = list[tuple[str, Ints]]


def week_tasks(grain: Grain, spread: Spread, work: Work, columns: Mapping[str, Ints]) -> list[str]:
    """Text for each rep and period, such as ``3 × first visit, 2 × bids``; blank for periods that are no weeks."""
    weeks = np.flatnonzero(spread.periods["kind"] == "week")
    counts: Counts = [(_("first visit"), columns["first_visits"][:, weeks])]
    counts += _stages(grain, spread, work, weeks)
    counts += [(_("return visit"), columns["return_visits"][:, weeks])]
    counts += [(_("contract"), columns["contracts"][:, weeks])]
    counts += _activities(grain, spread, weeks)
    texts = np.full((len(spread.rhythm.rep), len(spread.periods)), "", object)
    for name, count in counts:
        r, w = np.nonzero(count > 0)
        texts[r, weeks[w]] += np.array([f"{n:.0f} × {name}, " for n in count[r, w]], object)
    return [text.removesuffix(", ") for text in texts.ravel()]


def _stages(grain: Grain, spread: Spread, work: Work, weeks: Ints) -> Counts:
    """Count the clients that come to each later stage: first visits of so many days before, as far as they go on.

    What falls on a day on which the rep does not work waits for his next one.
    """
    funnel = grain.model["funnel"]
    rows = funnel[funnel["channel"] == VISITS].sort_values("step")
    first = np.zeros((len(spread.rhythm.rep), grain.months))
    np.add.at(first, work.rep, work.first)
    worked = np.where(spread.rhythm.worked, np.arange(spread.rhythm.worked.shape[1]), -1)
    latest = np.concatenate([np.full((len(worked), 1), -1), np.maximum.accumulate(worked, axis=1)], axis=1)
    before, after = (latest[:, spread.periods[c].to_numpy()[weeks] + k] for c, k in (("first", 0), ("last", 1)))
    counts: Counts = []
    gone_on, days = 1.0, 0
    for k, (stage, conversion, lasts) in enumerate(rows[["stage", "conversion", "days"]].itertuples(index=False)):
        if k > 0:
            begin, end = (gone_on * _so_far(spread, first, day - days) for day in (before, after))
            counts.append((str(stage), nearest(end) - nearest(begin)))
        gone_on, days = gone_on * conversion, days + int(lasts)
    return counts


def _so_far(spread: Spread, amount: Floats, day: Ints) -> Floats:
    """Sum of monthly amounts of each rep at the end of some days, both of shape (reps, days asked); 0 before the plan."""
    rhythm, rep, at = spread.rhythm, np.arange(len(amount))[:, None], np.maximum(day, 0)
    month = rhythm.month[at]
    before = np.cumsum(amount, axis=1) - amount
    done = before[rep, month] + amount[rep, month] * rhythm.done[rep, at] / rhythm.of[rep, at]
    return np.asarray(np.where(day < 0, 0.0, done))


def _activities(grain: Grain, spread: Spread, weeks: Ints) -> Counts:
    """Count fixed activities: those of a week by the days of it that he is there, the others through the days of the month."""
    model, rhythm = grain.model, spread.rhythm
    calendar = model.calendar
    begin, end = (spread.periods[c].to_numpy()[weeks] for c in ("first", "last"))
    at_work = rhythm.worked & (grain.people.present > 0)[:, rhythm.month]
    total = np.concatenate([np.zeros((len(at_work), 1), np.int64), np.cumsum(at_work, axis=1)], axis=1)
    working = np.concatenate([[0], np.cumsum(calendar.working)])
    there = total[:, end + 1] - total[:, begin]
    share = there / np.maximum(working[end + 1] - working[begin], 1)
    often = {"month": 1.0, "quarter": 1 / 3, "year": 1 / calendar.count}
    counts: Counts = []
    for name, scope, count, per in model["activities"][["activity", "scope", "count", "per"]].itertuples(index=False):
        mine = rep_scope(model, scope)[:, None] * float(count)
        if per == "week":
            so_far = nearest(np.cumsum(mine * np.minimum(share, 1.0), axis=1))
            each: Ints = np.diff(so_far, axis=1, prepend=0)
        else:
            each = spread.over_periods(spread.whole(mine * often[per] * grain.people.share))[:, weeks]
        counts.append((str(name), each))
    return counts
