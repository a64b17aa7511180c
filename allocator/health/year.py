"""What the checks look at: the model, what happened, the plan in force, by client, rep and month."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from allocator.formulation.arrays import positions
from allocator.formulation.grain import Grain, make_grain
from allocator.health.limits import Limits
from allocator.model import Model
from allocator.program import Floats, Ints
from allocator.reporting.amounts import Amounts
from allocator.reviewing.actuals import Actuals
from allocator.reviewing.published import Published

TOLD = 0.95
"""So much of an amount must name a client (a tier, a rep) for a check by client (tier, rep)."""


@dataclass(frozen=True)
class Year:
    """A year so far.

    Attributes
    ----------
    model : Model
        The business as it is now.
    actuals : Actuals
    plan : Published or None
        The plan in force.
    """

    model: Model
    actuals: Actuals
    plan: Published | None = None

    @functools.cached_property
    def limits(self) -> Limits:
        """Thresholds."""
        return Limits(self.model)

    @functools.cached_property
    def amounts(self) -> Amounts:
        """How money is written."""
        return Amounts(self.model.settings.money_unit, self.model.settings.currency)

    @functools.cached_property
    def grain(self) -> Grain:
        """Grain of the year as if nothing had happened yet: who carries whom, what was promised and expected."""
        settings = self.model.settings.model_copy(update={"as_of": ""})
        return make_grain(replace(self.model, settings=settings))

    @property
    def past(self) -> int:
        """How many months are over."""
        return len(self.actuals.past)

    def month(self, labels: pd.Series) -> Ints:
        """Positions of months."""
        return positions(self.model.calendar.months, labels)

    def by_month(self, rows: pd.DataFrame) -> Floats:
        """Amounts of rows by month that is over."""
        return np.bincount(self.month(rows["month"]), weights=rows["amount"].to_numpy(float), minlength=self.past)

    @functools.cached_property
    def owner(self) -> pd.Series:
        """Rep of every client; blank is nobody."""
        clients = self.grain.clients
        code = np.append(self.grain.people.code, "")[clients["rep"].to_numpy(int)]
        return pd.Series(code, index=clients["client"].to_numpy(object))

    def with_rep(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with the rep that they name, else the owner of their client; blank where neither is told."""
        owner = self.owner.reindex(rows["client"]).fillna("").to_numpy(object)
        return rows.assign(rep=rows["rep"].astype(object).where(rows["rep"] != "", owner))

    def with_tier(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with the tier that they name, else that of their client; blank where neither is told."""
        tier = self.model["clients"].set_index("client")["tier"].reindex(rows["client"]).fillna("").to_numpy(object)
        return rows.assign(tier=rows["tier"].astype(object).where(rows["tier"] != "", tier))


def told_by(rows: pd.DataFrame, label: str) -> bool:
    """Whether nearly all of an amount names a label, and there is any."""
    amount = rows["amount"].abs()
    named = amount[rows[label] != ""]
    return bool(len(named)) and float(named.sum()) >= TOLD * float(amount.sum())
