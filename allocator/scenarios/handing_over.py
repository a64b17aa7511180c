"""Clients that change hands under scenarios, with what who takes over must know."""

from __future__ import annotations

import pandas as pd

from allocator.formulation.grain import Grain, make_grain
from allocator.model import Model
from allocator.scenarios.applying import Changed

COLUMNS = ("client", "from", "to", "date", "needs", "decision_chain", "competitors", "renewal", "churn", "at_risk")
"""Columns of ``handover.csv``."""


def handover(before: Model, changed: Changed) -> pd.DataFrame:
    """Clients whose carrier changes, by the day on which they change hands.

    A client is compared month by month; the first month in which another rep than before carries it counts. The day is the one after
    its owner's last, where that lies in the month before or in it, else the month's first.

    Parameters
    ----------
    before : Model
        Without the scenarios.
    changed : Changed

    Returns
    -------
    DataFrame
        client, from, to (blank: nobody), date, needs, decision_chain, competitors, renewal, churn, at_risk: whether the contract
        ends after the hand-over and within the plan.
    """
    model = changed.model
    old, new = _carriers(make_grain(before)), _carriers(make_grain(model))
    both = old.merge(new, on=["client", "month"], suffixes=("_from", "_to"))
    moved = both[(both["rep_from"] != both["rep_to"]) & (both["rep_from"] != "")].drop_duplicates("client")
    clients = model["clients"].set_index("client")
    table = moved.join(
        clients[["owner", "lost_on", "status", "renewal", "churn", "needs", "decision_chain", "competitors"]], "client"
    )
    last = table["owner"].map(model["reps"].set_index("rep")["end"])
    first = pd.to_datetime(table["month"] + "-01")
    day = (last + pd.Timedelta(days=1)).where(
        (last >= first - pd.offsets.MonthBegin(1)) & (last < first + pd.offsets.MonthEnd(1)), first
    )
    table = table.assign(date=day.dt.normalize())
    table = table[~(table["lost_on"] <= table["date"])]
    ends = model.calendar.days[-1]
    risk = (table["status"] == "active") & (table["renewal"] >= table["date"]) & (table["renewal"] <= ends)
    table = table.rename(columns={"rep_from": "from", "rep_to": "to"}).assign(at_risk=risk)
    return table.sort_values(["date", "from", "client"])[list(COLUMNS)].reset_index(drop=True)


def renewals_kept(table: pd.DataFrame) -> float | None:
    """Share of the renewals at risk that are kept if each client leaves with its ``churn``; None where there is none at risk."""
    risk = table[table["at_risk"]]
    return None if risk.empty else float(1.0 - risk["churn"].fillna(0.0).mean())


def _carriers(grain: Grain) -> pd.DataFrame:
    """Who carries each client in each month: client, month, rep."""
    code = [*grain.people.code, ""]  # −1, nobody, is the last
    carrier = grain.carrier[grain.clients["group"].to_numpy()]
    months = list(grain.model.calendar.months)
    wide = pd.DataFrame([[code[r] for r in row] for row in carrier], columns=months)
    return (
        wide.assign(client=grain.clients["client"].to_numpy())
        .melt("client", var_name="month", value_name="rep")
        .sort_values(["client", "month"])
    )
