"""When one lead channel converts better than another: how much money moves, and what a plan makes of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from allocator.health.funnels import ALL, lead_channels
from allocator.health.limits import GOOD, WARNING, Check, not_made, nothing, warns
from allocator.health.year import Year
from allocator.model import Model
from allocator.plan import Plan
from allocator.replanning import Replanner
from allocator.reporting.amounts import count, share
from allocator.reporting.words import KPIS
from allocator.reviewing.dealing import with_past
from allocator.reviewing.published import Published
from allocator.schema.tables import fingerprint
from allocator.solving import solve
from allocator.texts import N_, _, after

NAME = "channel_better"
MOVES = ("line", "channel", "converts", "maximum", "left", "moved", "becomes")
EFFECT = ("figure", "before", "after", "difference")
LABELS = {**dict(KPIS), "targets_missed": N_("targets missed")}
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Shift:
    """Money that moves from lead channels that convert worse to the best one.

    Attributes
    ----------
    checks : list of Check
    moves : DataFrame
        line, channel, converts (of its leads), maximum, left (of it, for the months that remain), moved (below 0: taken away),
        becomes (the new maximum); a row for each line of the channels concerned.
    effect : DataFrame
        figure, before, after, difference: key figures of the year planned with the conversions seen so far, without and with the
        move; empty where nothing moves or it was not worked out.
    """

    checks: list[Check]
    moves: pd.DataFrame
    effect: pd.DataFrame


def propose(year: Year, conversion: pd.DataFrame) -> Shift:
    """Compare the lead channels and say what would move."""
    channels = lead_channels(year)
    if len(channels) < 2:
        return _nothing([nothing(NAME, _("There are not two lead channels to compare."))])
    whole = conversion[(conversion["stage"] == ALL) & conversion["channel"].isin(channels)].set_index("channel")
    least = year.limits["conversion_least"]
    entered, rate = whole["entered"].astype(float), whole["conversion"].astype(float)
    unknown = [c for c in channels if not entered[c] >= least or math.isnan(rate[c])]
    if unknown:
        needs = _(
            "Of {channels} fewer than {least} leads are told, or not their clients. Give entered and new_clients with channel."
        )
        return _nothing([not_made(NAME, needs.format(channels=_(", ").join(unknown), least=count(least)))])
    best = str(rate.idxmax())
    checks = [_compared(year, best, c, rate) for c in channels if c != best]
    worse = [c.scope for c in checks if c.verdict == WARNING]
    return Shift(checks, _moves(year, best, worse, rate), _no_effect())


def _nothing(checks: list[Check]) -> Shift:
    return Shift(checks, pd.DataFrame({name: [] for name in MOVES}), _no_effect())


def _no_effect() -> pd.DataFrame:
    return pd.DataFrame({name: [] for name in EFFECT})


def _compared(year: Year, best: str, other: str, rate: pd.Series) -> Check:
    """How much better the best channel converts than another."""
    limit, high, low = year.limits[NAME], float(rate[best]), float(rate[other])
    better = high / low - 1 if low > 0 else (math.inf if high > 0 else 0.0)
    bad = warns(better, limit, "from")
    says = _("{best} makes clients of {high} of its leads, {other} of {low}: {better} better.").format(
        best=best,
        high=share(high),
        other=other,
        low=share(low),
        better=share(better) if better < math.inf else _("far"),
    )
    if bad:
        part = share(year.limits["channel_money_moved"])
        says += after(
            _("{part} of the money of {other} should move to {best}.").format(part=part, other=other, best=best)
        )
    return Check(NAME, other, WARNING if bad else GOOD, better, limit, says)


def _moves(year: Year, best: str, worse: list[str], rate: pd.Series) -> pd.DataFrame:
    """Money taken from the lines of weaker channels, and given to those of the best one pro rata of their maxima."""
    budget = year.model["budget"]
    lines = budget[budget["channel"].isin([best, *worse])].reset_index(drop=True)
    ends = zip(*(lines[c] for c in ("line", "from", "to", "maximum")), strict=True)
    left = np.array([_left(year, str(n), str(a), str(b), float(x)) for n, a, b, x in ends])
    weak = lines["channel"].isin(worse).to_numpy()
    moved = np.where(weak, -year.limits["channel_money_moved"] * left, 0.0)
    open_ = ~weak & np.array([_open(year, str(to)) for to in lines["to"]], bool)
    if not worse or not open_.any() or not moved.any():
        return pd.DataFrame({name: [] for name in MOVES})
    weight = np.where(open_, lines["maximum"].to_numpy(float), 0.0)
    weight = weight if weight.sum() > 0 else open_.astype(float)
    moved = moved - moved.sum() * weight / weight.sum()
    table = lines[["line", "channel", "maximum"]].assign(
        converts=lines["channel"].map(rate), left=left, moved=moved, becomes=lines["maximum"] + moved
    )
    return table[table["moved"] != 0][list(MOVES)].reset_index(drop=True)


def _open(year: Year, to: str) -> bool:
    """Whether a line's window reaches into the months that remain."""
    last = year.model.calendar.window(to)[-1] if to else year.model.settings.months - 1
    return bool(last >= year.past)


def _left(year: Year, line: str, begin: str, end: str, most: float) -> float:
    """What of a line's maximum is left: less what was spent, or pro rata of its months where that is not told."""
    if not _open(year, end):
        return 0.0
    spend = year.actuals.of("spend")
    if len(spend):
        return max(most - float(spend.loc[spend["line"] == line, "amount"].sum()), 0.0)
    window = year.model.calendar.window
    first = int(window(begin)[0]) if begin else 0
    last = int(window(end)[-1]) if end else year.model.settings.months - 1
    return most * (last - max(first, year.past) + 1) / (last - first + 1)


def solved(year: Year, shift: Shift, conversion: pd.DataFrame, progress: Progress | None = None) -> Shift:
    """Plan the rest of the year with the conversions seen so far, without and with the move, and add the difference."""
    if shift.moves.empty:
        return shift
    plan = year.plan
    if plan is None:
        first = solve(replace(year.model, settings=year.model.settings.model_copy(update={"as_of": ""})),
                      visits=False, progress=progress)  # fmt: skip
        if not first.tables:
            return replace(shift, checks=_told(shift, _("Its effect is not known: the model has no plan.")))
        plan = Published(first.model, first.tables, "")
    frozen = with_past(year.actuals, plan, year.grain).model
    before = _with(frozen, "funnel", _as_seen(year, frozen["funnel"], conversion))
    after = _with(before, "budget", _after(before["budget"], shift.moves))
    replanner = Replanner(before, quick=True, progress=progress)
    plans = (replanner.base, replanner.plan(after, quick=True, progress=progress))
    if not all(p.tables for p in plans):
        return replace(
            shift, checks=_told(shift, _("Its effect is not known: there is no plan for the rest of the year."))
        )
    effect = _difference(*plans)
    return replace(shift, checks=_told(shift, _said(year, effect)), effect=effect)


def _told(shift: Shift, says: str) -> list[Check]:
    """The checks, those that warn saying what the move brings."""
    return [replace(c, says=c.says + after(says)) if c.verdict == WARNING else c for c in shift.checks]


def _said(year: Year, effect: pd.DataFrame) -> str:
    parts = []
    for name, label, said in (
        ("new_clients", _("new clients"), count),
        ("revenue", _("revenue"), year.amounts.money),
        ("contribution", _("contribution"), year.amounts.money),
    ):
        before, difference = (
            float(x) for x in effect.loc[effect["figure"] == name, ["before", "difference"]].to_numpy()[0]
        )
        if changed(before, difference):
            parts.append(f"{label} {'+' if difference > 0 else ''}{said(difference)}")
    if not parts:
        return _("Planned with the conversions seen so far, the move changes nothing.")
    says = _("Planned with the conversions seen so far, the move changes the year by: {changes}.")
    return says.format(changes=_(", ").join(parts))


def changed(before: float, difference: float) -> bool:
    """Whether a difference is more than the last digits of a figure."""
    return abs(difference) > 1e-6 * max(1.0, abs(before))


def _as_seen(year: Year, funnel: pd.DataFrame, conversion: pd.DataFrame) -> pd.DataFrame:
    """The funnel with the lead channels' conversions as they were: stage by stage where all are known, else in the last one."""
    rate = funnel["conversion"].to_numpy(float).copy()
    for channel in lead_channels(year):
        mine = conversion[conversion["channel"] == channel]
        whole = float(mine.loc[mine["stage"] == ALL, "conversion"].iloc[0])
        at = np.flatnonzero(funnel["channel"] == channel)
        at = at[np.argsort(funnel["step"].to_numpy()[at])]
        seen = mine[mine["stage"] != ALL].set_index("stage")["conversion"].reindex(funnel["stage"].iloc[at])
        part = seen.to_numpy(float)
        known = np.isfinite(part).all() and (part > 0).all() and (part <= 1).all()
        product = float(part.prod()) if known else float(rate[at].prod())
        rate[at] = part if known else rate[at]
        if product > 0:  # the whole channel's conversion stands, in the last stage
            rate[at[-1]] = min(1.0, rate[at[-1]] * whole / product)
    return funnel.assign(conversion=np.maximum(rate, 1e-9))


def _after(budget: pd.DataFrame, moves: pd.DataFrame) -> pd.DataFrame:
    becomes = budget["line"].map(moves.set_index("line")["becomes"])
    most = becomes.fillna(budget["maximum"]).astype(float)
    return budget.assign(maximum=most, minimum=np.minimum(budget["minimum"], most))


def _with(model: Model, name: str, table: pd.DataFrame) -> Model:
    tables = {**model.tables, name: table.astype(model[name].dtypes.to_dict())}
    return replace(model, tables=tables, sha256=fingerprint(model.settings, tables))


def _difference(before: Plan, after: Plan) -> pd.DataFrame:
    """Key figures of two plans, and the targets that they miss."""
    figures = [{**p.summary["kpis"], "targets_missed": float(p.summary["targets"]["missed"])} for p in (before, after)]
    names = [key for key, _label in KPIS if figures[0].get(key) is not None] + ["targets_missed"]
    rows = [(n, float(figures[0][n]), float(figures[1][n]), float(figures[1][n]) - float(figures[0][n])) for n in names]
    return pd.DataFrame(rows, columns=list(EFFECT))
