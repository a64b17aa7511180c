"""Items, amounts and changes in a planner's words."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from allocator.explaining.rulebook import Item
from allocator.model import Model
from allocator.reporting.amounts import MONEY, Amounts, share
from allocator.reporting.words import LEVELS, METRICS
from allocator.texts import N_, _

AND_MORE = 4
"""Values of a list that are written out."""


class Wording:
    """Says what items of a model are."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.amounts = Amounts(model.settings.money_unit, model.settings.currency)
        self.targets: Mapping[str, Any] = {str(row["target"]): row for row in model["targets"].to_dict("records")}

    def item(self, item: Item) -> str:
        """What an item is, with its period and what is set."""
        words = SAYS[item.kind](self, item)
        when = self.months(item.months)
        return words + (_(", ") + when if when else "")

    def held(self, item: Item) -> str:
        """How much is set or wished for; blank where that is no number."""
        if math.isnan(item.held):
            return ""
        row = self._target(item)
        if row is not None and row["share_of"]:
            return _("{share} of {metric}").format(share=share(item.held), metric=self.metric(row["share_of"]))
        return self.amount(item, item.held)

    def amount(self, item: Item, value: float) -> str:
        """An amount in the item's measure."""
        return self.measured(item.measure, value)

    def measured(self, measure: str, value: float) -> str:
        """An amount of money, hours, visits, clients, contracts or of a metric."""
        if measure == "money":
            return self.amounts.money(value)
        if measure == "hours":
            return _("{number} h").format(number=rough(value))
        if measure in MONEY or measure == "market_share":
            return self.amounts.metric(measure, value)
        number = rough(value)
        if number == "1" and measure in ONE:
            return _(ONE[measure])
        return _(UNITS[measure]).format(number=number) if measure in UNITS else number

    def gap(self, item: Item, value: float) -> str:
        """A difference in the item's measure."""
        return self.amounts.gap(item.measure, value) if item.measure == "market_share" else self.amount(item, value)

    def metric(self, name: str) -> str:
        """A metric in words, with what stands behind its colon."""
        metric, colon, scope = name.partition(":")
        return _(METRICS.get(metric.strip(), metric.strip())) + (f" ({scope.strip()})" if colon else "")

    def months(self, months: Sequence[int]) -> str:
        """Months as periods: blank for the whole plan."""
        every = self.model.calendar.months
        if not months or len(months) == len(every):
            return ""
        runs: list[list[int]] = []
        for month in months:
            if runs and month == runs[-1][-1] + 1:
                runs[-1].append(month)
            else:
                runs.append([month])
        texts = [every[r[0]] if len(r) == 1 else f"{every[r[0]]}…{every[r[-1]]}" for r in runs]
        return self.listed(texts)

    def listed(self, texts: Sequence[str], most: int = AND_MORE) -> str:
        """A list, its end counted where it is long."""
        shown = list(texts) if len(texts) <= most + 1 else list(texts[:most])
        if len(shown) < len(texts):
            shown.append(_("{count} more").format(count=len(texts) - len(shown)))
        return _(", ").join(shown)

    def who(self, labels: Mapping[str, str]) -> str:
        """The rep or unit of an item."""
        return labels.get("rep") or labels.get("unit") or _("nobody's clients")

    def place(self, item: Item) -> str:
        """Who and when, of a part of an item."""
        who, tier = item.labels.get("rep") or item.labels.get("each", ""), item.labels.get("tier", "")
        if tier:
            who = _("{tier} clients of {who}").format(tier=tier, who=self.who(item.labels))
        return _(", ").join(w for w in (who, self.months(item.months)) if w)

    def _target(self, item: Item) -> Mapping[str, Any] | None:
        return self.targets[item.labels["target"]] if item.kind == "target" else None

    def target(self, item: Item) -> str:
        """A target: its level, code, metric and cut."""
        row = self.targets[item.labels["target"]]
        cut = [row["scope"], item.labels.get("each") or _each(row["each"]), row["period"]]
        cut = [self.metric(str(row["metric"])), *(str(c) for c in cut if c)]
        says = _("Target {target}, {level} ({cut}): at least {bound}")
        if item.labels["bound"] == "at_most":
            says = _("Target {target}, {level} ({cut}): at most {bound}")
        one = row[item.labels["bound"]]
        bound = share(one) if row["share_of"] else self.measured(item.measure, one)
        if row["share_of"]:
            bound = _("{share} of {metric}").format(share=bound, metric=self.metric(row["share_of"]))
        return says.format(target=row["target"], level=_(LEVELS[str(row["level"])]), cut=_("; ").join(cut), bound=bound)

    def pin(self, item: Item) -> str:
        """A pin: whose quota, of what, when."""
        row = self.model.pins.iloc[int(item.labels["number"])]
        cut = [row["rep"] or row["unit"] or _("the company"), row["product"], row["period"], _(LEVELS[row["level"]])]
        return _("Fixed quota of {cut}: {amount}").format(
            cut=_(", ").join(str(c) for c in cut if c), amount=self.amounts.money(float(row["amount"]))
        )


def rough(value: float) -> str:
    """A number to three digits, and all digits before the point."""
    if abs(value) >= 100 or not value:
        return f"{value:,.0f}"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _each(keys: Sequence[str]) -> str:
    return _("each {keys}").format(keys=" ".join(keys)) if keys else ""


UNITS = {
    "visits": N_("{number} visits"),
    "clients": N_("{number} clients"),
    "new_clients": N_("{number} clients"),
    "coverage": N_("{number} clients"),
    "contracts": N_("{number} contracts"),
}
"""Measures that are counted."""

ONE = {
    "visits": N_("1 visit"),
    "clients": N_("1 client"),
    "new_clients": N_("1 client"),
    "coverage": N_("1 client"),
    "contracts": N_("1 contract"),
}
"""One of each."""


def _promise(words: Wording, item: Item) -> str:
    tier = item.labels.get("tier")
    if tier:
        return _("Promised visits to {tier} clients of {who}").format(tier=tier, who=words.who(item.labels))
    return _("Promised visits of {who}").format(who=words.who(item.labels))


def _hours(words: Wording, item: Item) -> str:
    return _("Selling hours of {who}").format(who=words.who(item.labels))


def _days(words: Wording, item: Item) -> str:
    return _("Visits that the days of {who} hold").format(who=words.who(item.labels))


def _line(text: str) -> Callable[[Wording, Item], str]:
    def says(words: Wording, item: Item) -> str:
        return _(text).format(line=item.labels["line"], money=words.amounts.money(item.held))

    return says


def _executive(words: Wording, item: Item) -> str:
    says = _("An executive goes along on promised visits to {tier} clients of {who}")
    return says.format(tier=item.labels["tier"], who=words.who(item.labels))


def _pool(words: Wording, item: Item) -> str:
    return _("Hours of {resource}").format(resource=item.labels["resource"])


def _supply(words: Wording, item: Item) -> str:
    return _("Delivery of {product}").format(product=item.labels["product"])


def _ceiling(words: Wording, item: Item) -> str:
    says = _("The most that the clients of {who} buy of {product}")
    return says.format(product=item.labels["product"], who=words.who(item.labels))


def _prospects(words: Wording, item: Item) -> str:
    return _("The number of prospects of {who}").format(who=words.who(item.labels))


def _floor(words: Wording, item: Item) -> str:
    return _("Least quota of {rep}: {money}").format(rep=item.labels["rep"], money=words.amounts.money(item.held))


def _cap(words: Wording, item: Item) -> str:
    return _("Largest quota of {rep}: {money}").format(rep=item.labels["rep"], money=words.amounts.money(item.held))


def _incentive(words: Wording, item: Item) -> str:
    return _("Commission fits the incentive lines: {money}").format(money=words.amounts.money(item.held))


def _kept(words: Wording, item: Item) -> str:
    if item.labels["line"]:
        return _("Line {line} is overrun by as much as now at most").format(line=item.labels["line"])
    if item.labels["target"]:
        each = item.labels.get("each", "")
        name = item.labels["target"] + (f" ({each})" if each else "")
        return _("Target {target} stays as good as in the plan now").format(target=name)
    return _("As many promised visits as the plan keeps now")


SAYS: Mapping[str, Callable[[Wording, Item], str]] = {
    "target": Wording.target,
    "promise": _promise,
    "hours": _hours,
    "days": _days,
    "most": _line(N_("Line {line}: at most {money}")),
    "least": _line(N_("Line {line}: at least {money}")),
    "kept": _kept,
    "within": _line(N_("Line {line} is not overrun: at most {money}")),
    "executive": _executive,
    "pool": _pool,
    "supply": _supply,
    "ceiling": _ceiling,
    "prospects": _prospects,
    "pin": Wording.pin,
    "floor": _floor,
    "cap": _cap,
    "incentive": _incentive,
}
