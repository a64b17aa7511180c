"""Whether targets are plausible: what they ask for against what was sold last year and what the market does.

Nothing here is a proof, so a finding is a warning with the number to write instead. Only ``growth_refused`` in ``thresholds`` makes
it an error. Where the history's labels cannot tell what lay in a target's scope, nothing is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.errors import Severity
from allocator.model import Model
from allocator.past import MARKET_KEYS, TIME, Key, Market, Past, time_window
from allocator.program import Ints
from allocator.reporting.amounts import Amounts, share
from allocator.schema.findings import Report
from allocator.scopes import Scope, parse_scope, parse_share_of
from allocator.texts import _, after

RULE = "plausibility"
METRICS = ("revenue", "profit", "contracts", "collections")
"""Metrics whose growth is looked at; that of new clients is looked at as a rate."""

USUAL = {
    "growth_over_market": 0.2,
    "new_client_rate": 0.1,
    "key_client_conversion": 0.1,
    "market_share_gain": 0.05,
    "segment_growth": 0.5,
}
"""Thresholds of a model that names none: how far above its measure a figure may lie, in points."""

REFUSED = "growth_refused"
"""Threshold from which growth above the market's is an error; none unless the model names it."""


def plausibility(model: Model, report: Report) -> None:
    """Add what is doubtful about the targets: warnings and notes, and errors where the model refuses such growth."""
    _Doubts(model, report).tell()


@dataclass(frozen=True)
class _Growth:
    """What a repetition of a target asks against last year: growths are shares, None where nothing tells."""

    key: Key
    past: float
    asked: float
    own: float | None
    market: float | None

    @property
    def growth(self) -> float:
        return self.asked / self.past - 1

    @property
    def known(self) -> list[float]:
        return [g for g in (self.own, self.market) if g is not None] or [0.0]

    @property
    def excess(self) -> float:
        """Growth asked above the greater of last year's own growth and the market's."""
        return self.growth - max(self.known)


class _Doubts:
    """Goes through the targets of a model."""

    def __init__(self, model: Model, report: Report) -> None:
        self.model, self.report = model, report
        self.past, self.market = Past(model), Market(model)
        self.kinds = set(model["units"]["kind"])
        self.amounts = Amounts(model.settings.money_unit, model.settings.currency)
        named = dict(zip(model["thresholds"]["check"], model["thresholds"]["value"].astype(float), strict=True))
        self.limit = {**USUAL, **named}

    def tell(self) -> None:
        """Go through all targets that are planned for."""
        row: Any
        for position, row in enumerate(self.model["targets"].itertuples(index=False)):
            if row.level == "ceiling":
                continue
            if row.metric in METRICS:
                self._growth(position, row)
            if row.metric == "new_clients" and not row.share_of and row.at_least > 0:
                self._new_client_rate(position, row)
            if row.metric == "market_share" and not row.share_of and row.at_least > 0:
                self._market_share(position, row)
        self._conversion()
        self._segments()

    def _add(self, severity: Severity, position: int, column: str, row: Any, says: str) -> None:
        value = getattr(row, column)
        self.report.add(severity, "targets", RULE, says, position=position, column=column, value=value)

    def _growth(self, position: int, row: Any) -> None:
        """Compare what is asked with last year, its own growth and the market's."""
        months, scope = self.model.calendar.window(row.period), parse_scope(row.scope)
        now, before = (self._measured(row, scope, months, back) for back in (1, 2))
        if not now:
            return
        band = self.limit["growth_over_market"]
        market = self._market_growths(row, scope, months, list(now))
        for column in ("at_least", "at_most"):
            asked = float(getattr(row, column))
            if not asked > 0:
                continue
            found = [
                _Growth(
                    key=key,
                    past=past,
                    asked=asked,
                    own=past / before[key] - 1 if key in before else None,
                    market=market[key],
                )
                for key, past in now.items()
            ]
            if column == "at_least":
                found.sort(key=lambda g: -g.excess)
                worst = next((g for g in found if g.excess > band and not self._young(row, scope, g.key)), None)
                if worst is not None:
                    self._too_much(position, row, worst)
                    continue
                if scope or row.each or row.share_of:
                    continue  # a floor within the whole may be low
            least = min(found, key=lambda g: g.growth - min(g.known))
            if least.growth < min(least.known) - band:
                says = self._figures(row, least, column)
                says += after(_("If that is meant, nothing is wrong."))
                self._add("note", position, column, row, says)

    def _too_much(self, position: int, row: Any, growth: _Growth) -> None:
        says = self._figures(row, growth, "at_least")
        most = self._written(row, growth.past * (1 + max(growth.known) + self.limit["growth_over_market"]))
        refused = growth.excess > self.limit.get(REFUSED, np.inf)
        if refused:
            says += after(
                _("This is refused: growth_refused in thresholds is {limit} above the market.").format(
                    limit=share(self.limit[REFUSED])
                )
            )
            says += after(_("Up to {most} is plausible; write that.").format(most=most))
        else:
            says += after(
                _("Up to {most} is plausible; write that, or raise growth_over_market in thresholds.").format(most=most)
            )
        self._add("error" if refused else "warning", position, "at_least", row, says)

    def _figures(self, row: Any, growth: _Growth, column: str) -> str:
        """``revenue asks for 200 after 100 last year: asked +100 %, history +12 %, market +6 %.``"""
        figures = [_("asked {growth}").format(growth=_percent(growth.growth))]
        if growth.own is not None:
            figures.append(_("history {growth}").format(growth=_percent(growth.own)))
        if growth.market is not None:
            figures.append(_("market {growth}").format(growth=_percent(growth.market)))
        name = ", ".join([row.target, *(f"{e}={v}" for e, v in zip(row.each, growth.key, strict=True))])
        says = _("{name} asks for {asked} after {past} last year: {figures}.")
        if column == "at_most":
            says = _("{name} allows {asked} after {past} last year: {figures}.")
        asked, past = (self._written(row, value) for value in (growth.asked, growth.past))
        return says.format(name=name, asked=asked, past=past, figures=_(", ").join(figures))

    def _written(self, row: Any, value: float) -> str:
        return share(value) if row.share_of else self.amounts.metric(row.metric, value)

    def _measured(self, row: Any, scope: Scope, months: Ints, back: int) -> dict[Key, float]:
        """What the target's metric was, or its share, in the same months some years back, by repetition."""
        found = self.past.amounts(row.metric, scope, months, row.each, back)
        if not row.share_of:
            return found
        metric, of = parse_share_of(row.share_of)
        if metric not in METRICS:
            return {}
        carried = self._carried(row)
        base = self.past.amounts(metric, of, months, tuple(row.each[i] for i in carried), back)
        bases = {key: base.get(tuple(key[i] for i in carried), 0.0) for key in found}
        return {key: value / bases[key] for key, value in found.items() if bases[key] > 0}

    def _carried(self, row: Any) -> list[int]:
        """Positions of what of ``each`` carries over to the base of a share."""
        return [i for i, name in enumerate(row.each) if name in {"rep", "unit", *self.kinds}]

    def _market_growths(self, row: Any, scope: Scope, months: Ints, keys: list[Key]) -> dict[Key, float | None]:
        """Growth of the market of each repetition; those are one that differ only in what a market does not know."""
        read = [name in MARKET_KEYS | self.kinds for name in row.each]
        short = {key: tuple(v for v, r in zip(key, read, strict=True) if r) for key in keys}
        one = {s: self._market_growth(row, scope, months, key) for s, key in {s: k for k, s in short.items()}.items()}
        return {key: one[s] for key, s in short.items()}

    def _market_growth(self, row: Any, scope: Scope, months: Ints, key: Key) -> float | None:
        growth = self.market.growth(*self._narrowed(scope, months, row.each, key))
        if growth is None or not row.share_of:
            return growth
        carried = self._carried(row)
        of = parse_share_of(row.share_of)[1]
        base = self.market.growth(
            *self._narrowed(of, months, tuple(row.each[i] for i in carried), tuple(key[i] for i in carried))
        )
        return None if base is None else (1 + growth) / (1 + base) - 1

    def _narrowed(self, scope: Scope, months: Ints, each: Key, key: Key) -> tuple[Scope, Ints]:
        """Scope and months of one repetition."""
        filters = dict(scope)
        for name, value in zip(each, key, strict=True):
            filters["unit" if name in self.kinds else name] = (value,)
        return filters, time_window(self.model.calendar, filters, months)

    def _young(self, row: Any, scope: Scope, key: Key) -> bool:
        """Whether the reps or products of a repetition were not there a year before, so that last year was not a whole one."""
        filters, months = self._narrowed(scope, self.model.calendar.window(row.period), row.each, key)
        first = (pd.Period(self.model.calendar.start, freq="M") + int(months[0]) - 12).start_time
        for table, column, keys in (
            ("reps", "start", ("rep", "grade")),
            ("products", "launch", ("product", "family", "class")),
        ):
            frame, used = self.model[table], [k for k in keys if k in filters]
            held = np.logical_and.reduce([frame[k].isin(filters[k]).to_numpy() for k in used]) if used else None
            if held is not None and held.any() and (frame[column].to_numpy()[held] > first.to_datetime64()).all():
                return True
        return False

    def _new_client_rate(self, position: int, row: Any) -> None:
        """Compare new clients per client at the start with last year's."""
        if not set(row.each) <= TIME:
            return
        scope = parse_scope(row.scope)
        months = time_window(self.model.calendar, scope, self.model.calendar.window(row.period))
        count = float(self.past.active_clients(scope))
        gained = self.past.amounts("new_clients", scope, months)
        if not gained or not count:
            return
        labels = {"month": self.model.calendar.months, "quarter": self.model.calendar.quarters}
        times = max((len({labels[e][t] for t in months}) for e in row.each), default=1)
        rates = self.past.amounts("new_client_rate", scope, months)
        last = rates.get((), gained[()] / max(count - gained[()], 1.0))
        asked = row.at_least * times / count
        if asked <= last + self.limit["new_client_rate"]:
            return
        says = _(
            "{name} asks for {asked} new clients for every 100 at the start; last year there were {last}. "
            "Up to {most} new clients are plausible; write that, or raise new_client_rate in thresholds."
        )
        most = self.amounts.metric("new_clients", (last + self.limit["new_client_rate"]) * count / times)
        says = says.format(name=row.target, asked=_plain(100 * asked), last=_plain(100 * last), most=most)
        self._add("warning", position, "at_least", row, says)

    def _market_share(self, position: int, row: Any) -> None:
        """Compare the share asked of the market with the whole of it, and with last year's."""
        scope, months = parse_scope(row.scope), self.model.calendar.window(row.period)
        if row.at_least > 1:
            says = _("{name} asks for {asked} of the market: more than all of it. Write a share below 100 %.")
            says = says.format(name=row.target, asked=share(row.at_least))
            self._add("warning", position, "at_least", row, says)
            return
        shares = {}
        for key, sold in self.past.amounts("revenue", scope, months, row.each).items():
            size = self.market.last_size(*self._narrowed(scope, months, row.each, key))
            if size is not None and not self._young(row, scope, key):
                shares[key] = sold / size
        band = self.limit["market_share_gain"]
        if not shares or row.at_least <= min(shares.values()) + band:
            return
        key = min(shares, key=lambda k: shares[k])
        says = _(
            "{name} asks for {asked} of the market after {last} last year: {gain} points more. "
            "Up to {most} is plausible; write that, or raise market_share_gain in thresholds."
        )
        name = ", ".join([row.target, *(f"{e}={v}" for e, v in zip(row.each, key, strict=True))])
        gain = _plain(100 * (row.at_least - shares[key]))
        most = share(shares[key] + band)
        says = says.format(name=name, asked=share(row.at_least), last=share(shares[key]), gain=gain, most=most)
        self._add("warning", position, "at_least", row, says)

    def _conversion(self) -> None:
        """Compare the conversion of the reps' own funnel, on which new clients rest, with that of last year's key clients."""
        targets, stages = self.model["targets"], self.model["funnel"].query("channel == 'visits'")
        asking = np.flatnonzero((targets["metric"] == "new_clients") & (targets["at_least"] > 0))
        last = self.past.mean("key_client_conversion")
        if not len(asking) or stages.empty or last is None:
            return
        planned = float(np.prod(stages["conversion"].to_numpy(float)))
        if planned <= last + self.limit["key_client_conversion"]:
            return
        says = _(
            "{name} rests on a funnel that wins {planned} of those who are visited; last year {last} of the key clients were won. "
            "Lower the conversions in funnel, or raise key_client_conversion in thresholds."
        )
        row: Any = next(targets.iloc[asking[:1]].itertuples(index=False))
        says = says.format(name=row.target, planned=share(planned), last=share(last))
        self._add("warning", int(asking[0]), "at_least", row, says)

    def _segments(self) -> None:
        """Note segments that grow fast and that no target puts above others."""
        limit = self.limit["segment_growth"]
        rows: list[tuple[int, Any, float | None]] = []
        row: Any
        for position, row in enumerate(self.model["targets"].itertuples(index=False)):
            if row.metric in (*METRICS, "market_share") and row.level != "ceiling" and row.at_least > 0:
                scope = parse_scope(row.scope)
                growth = self.market.growth(scope, self.model.calendar.window(row.period)) if scope else None
                rows.append((position, row, growth if growth is not None and growth > limit else None))
        for position, row, growth in rows:
            others = [_rank(r) for _position, r, fast in rows if fast is None and r.level == row.level]
            if growth is not None and others and _rank(row) >= max(others):
                says = _("{name} asks for what grows {growth} in the market, but weighs no more than other targets.")
                says = says.format(name=row.target, growth=_percent(growth))
                self._add("note", position, "weight", row, says + after(_("Give it a higher weight.")))
        for segment, growth in self.market.segments(limit).items():
            asked = [
                (fast is not None and self.market.overlaps(parse_scope(r.scope), segment)) or bool(set(r.each) - TIME)
                for _position, r, fast in rows
            ]
            if rows and not any(asked):
                says = _("The market of {segment} grows {growth}, but no target asks for it by name.")
                says = says.format(segment=_(", ").join(filter(None, segment)), growth=_percent(growth))
                says += after(_("Add one, with a higher weight."))
                self.report.add("note", "targets", RULE, says)


def _rank(row: Any) -> tuple[float, float]:
    """Smaller is earlier: by priority, then by weight."""
    return (0.0 if row.priority == "hard" else float(row.priority), -float(row.weight))


def _percent(value: float) -> str:
    return (f"{100 * value:+,.0f}" if abs(value) >= 1 else f"{100 * value:+.1f}".removesuffix(".0")) + " %"


def _plain(value: float) -> str:
    return f"{value:,.1f}".removesuffix(".0")
