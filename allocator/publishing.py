"""From exact quotas to what people are given: rounded numbers, units, days, weekly actions, the funnel backwards."""

from __future__ import annotations

import numpy as np
import pandas as pd

from allocator.actions.tables import actions, contracts
from allocator.beyond import beyond_findings
from allocator.breaking_down import breakdown
from allocator.committing.tables import commitments_table
from allocator.errors import Finding
from allocator.formulation.answers import with_quota_commission
from allocator.formulation.arrays import positions
from allocator.formulation.grain import Grain
from allocator.formulation.happened import happened
from allocator.funnel import funnel_table
from allocator.rounding import round_quotas, rounding_findings
from allocator.units import units_table


def publish(grain: Grain, tables: dict[str, pd.DataFrame], given: pd.Series | None = None) -> list[Finding]:
    """Round the quotas of a plan, and add the tables that are made of them.

    Parameters
    ----------
    grain : Grain
    tables : dict of str to DataFrame
        Frames of a plan; ``quotas`` gets its column ``quota``, ``effects`` what quotas bring.
    given : Series, optional
        Published numbers that stand, NaN where a quota is free; those of months that are over always do.

    Returns
    -------
    list of Finding
        What is asked beyond what can be reached, and totals that rounding moved far.
    """
    model, quotas = grain.model, tables["quotas"]
    quotas.insert(list(quotas.columns).index("level") + 1, "quota", published_quotas(grain, quotas, given))
    tables["units"] = units_table(model, quotas)
    tables["effects"] = with_quota_commission(model, tables["effects"], quotas)
    tables["breakdown"] = breakdown(model, quotas)
    if len(model["commitments"]):
        tables["commitments"] = commitments_table(model, quotas)
    tables["funnel"] = funnel_table(model, tables, grain)
    tables["actions"] = actions(model, tables, grain)
    tables["contracts"] = contracts(model, tables, grain)
    return [*beyond_findings(model, quotas), *rounding_findings(model, quotas)]


def published_quotas(grain: Grain, quotas: pd.DataFrame, given: pd.Series | None = None) -> np.ndarray:
    """Published numbers of exact quotas; ``given`` as for :func:`publish`."""
    stands = _as_published(grain, quotas).fillna(np.nan if given is None else given)
    ready = quotas.assign(exact=stands.fillna(quotas["exact"]), fixed=stands.notna())
    return round_quotas(grain.model, ready)


def _as_published(grain: Grain, quotas: pd.DataFrame) -> pd.Series:
    """Quotas of months that are over as they were published; NaN in the months that remain."""
    past = happened(grain)
    out = np.full(len(quotas), np.nan)
    if past is None:
        return pd.Series(out, index=quotas.index)
    rep, product = positions(grain.people.code, quotas["rep"]), positions(grain.product, quotas["product"])
    month = positions(grain.model.calendar.months, quotas["month"])
    for level, numbers in past.published.items():
        mine = (month < past.months) & (quotas["level"] == level).to_numpy()
        out[mine] = numbers[rep[mine], product[mine], month[mine]]
    return pd.Series(out, index=quotas.index)
