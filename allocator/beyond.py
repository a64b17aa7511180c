"""Pins and floors that ask for more than can be reached, as findings after a solve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from allocator.errors import Finding
from allocator.model import Model
from allocator.reporting.amounts import Amounts
from allocator.reporting.words import LEVELS
from allocator.texts import _


def beyond_findings(model: Model, quotas: pd.DataFrame) -> list[Finding]:
    """Warn of every pin and floor in whose cells more is asked than the forecast (at the ceiling: the market) carries.

    Parameters
    ----------
    model : Model
    quotas : DataFrame
        rep, unit, product, month, level, exact, forecast, beyond.
    """
    total = float(quotas["exact"].sum())
    over = quotas[quotas["beyond"] > 1e-9 * max(total, 1.0)]
    if over.empty:
        return []
    amounts = Amounts(model.settings.money_unit, model.settings.currency)
    found = []
    for table, column, value, cut, says in _asking(model):
        part = over[_held(model, over, cut)]
        every = quotas[_held(model, quotas, cut)]
        if part.empty:
            continue
        says = says.format(
            level=_(LEVELS[cut["level"]]),
            asked=amounts.money(value),
            forecast=amounts.money(float(every["forecast"].sum())),
            beyond=amounts.money(float(part["beyond"].sum())),
        )
        where = ", ".join(v for k, v in cut.items() if v and k != "level")
        found.append(Finding("warning", table, "", column, where, "beyond", says))
    return found


def _asking(model: Model) -> Iterator[tuple[str, str, float, dict[str, str], str]]:
    """Every pin and floor: table, column, amount, cut, sentence."""
    pin = _("A pin ({level}) fixes {asked}, the forecast is {forecast}: {beyond} is asked beyond what can be reached.")
    for row in model.pins.to_dict("records"):
        cut = {k: str(row[k]) for k in ("unit", "rep", "product", "period", "level")}
        yield str(row["table"]), "amount", float(row["amount"]), cut, pin
    floor = _(
        "A floor of {asked} stands above the forecast of {forecast}: {beyond} is asked beyond what can be reached."
    )
    reps = model["reps"]
    for rep, least in reps.loc[reps["quota_min"] > 0, ["rep", "quota_min"]].itertuples(index=False):
        yield "reps", "quota_min", float(least), {"rep": str(rep), "level": "base"}, floor


def _held(model: Model, quotas: pd.DataFrame, cut: Mapping[str, str]) -> pd.Series:
    held = quotas["level"] == cut["level"]
    if cut.get("unit"):
        held &= quotas["unit"].isin([u for u, chain in model.ancestors.items() if cut["unit"] in chain])
    for key in ("rep", "product"):
        if cut.get(key):
            held &= quotas[key] == cut[key]
    if cut.get("period"):
        calendar = model.calendar
        held &= quotas["month"].isin([calendar.months[t] for t in calendar.window(cut["period"])])
    return held
