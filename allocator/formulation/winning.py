"""Winning prospects and lost clients: channels, first visits, customers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.budget import line_matrix
from allocator.formulation.draft import Draft
from allocator.formulation.rules import rule
from allocator.program import Floats

VISITS = "visits"
"""The channel of the reps' own first visits."""


def channels(funnel: pd.DataFrame) -> pd.DataFrame:
    """Conversion, lag in months and hours for one entrant of each channel, by channel."""
    rows = funnel.sort_values(["channel", "step"])
    before = rows.groupby("channel")["conversion"].transform(lambda c: c.cumprod().shift(fill_value=1.0))
    hours = (rows["minutes"] * before).groupby(rows["channel"]).sum() / 60
    days = rows.groupby("channel")["days"].sum()
    return pd.DataFrame(
        {
            "conversion": rows.groupby("channel")["conversion"].prod(),
            "lag": np.floor(days / 30 + 0.5).astype(int),
            "hours": hours,
        }
    )


def add_winning(draft: Draft) -> None:
    """Columns ``first`` (groups, months), table ``won`` (group, channel, unit, month, column), columns ``customers`` (groups, months)."""
    grain, (groups, months) = draft.grain, draft.shape
    table = channels(grain.model["funnel"])
    draft.tables["channels"] = table
    owned = (grain.groups["rep"] >= 0).to_numpy()
    prospects = np.flatnonzero((grain.groups["status"] != "active").to_numpy() & owned)
    draft.columns["customers"] = np.full((groups, months), -1)
    won = []
    if VISITS in table.index and len(prospects):
        g, t = (a.ravel() for a in np.meshgrid(prospects, np.arange(months), indexing="ij"))
        labels = {"group": draft.group_label(g), "month": draft.month_label(t)}
        draft.columns["first"] = np.full((groups, months), -1)
        draft.columns["first"][g, t] = draft.builder.add_columns("first", "visits", labels, len(g))
        won.append(pd.DataFrame({"group": g, "channel": VISITS, "unit": "", "month": t}))
    unit = np.where(grain.groups["rep"] >= 0, grain.people.unit[grain.groups["rep"]], "")
    for channel, below in lead_pools(draft).itertuples(index=False):
        reached = [g for g in prospects if not below or below in grain.model.ancestors.get(unit[g], ())]
        g, t = (a.ravel() for a in np.meshgrid(np.array(reached, int), np.arange(months), indexing="ij"))
        won.append(pd.DataFrame({"group": g, "channel": channel, "unit": below, "month": t}))
    frame = (
        pd.concat(won, ignore_index=True)
        if won
        else pd.DataFrame({"group": [], "channel": [], "unit": [], "month": []})
    )
    frame = frame.astype({"group": int, "month": int, "channel": object, "unit": object})
    names = {
        "group": draft.group_label(frame["group"].to_numpy()),
        "channel": pd.Categorical(frame["channel"]),
        "unit": pd.Categorical(frame["unit"]),
        "month": draft.month_label(frame["month"].to_numpy()),
    }
    frame["column"] = draft.builder.add_columns("won", "clients", names, len(frame))
    draft.tables["won"] = frame
    if len(frame):
        customers(draft)
        prospects_are_few(draft)
        conversion(draft)


def lead_pools(draft: Draft) -> pd.DataFrame:
    """Channels fed by lines, and the units the lines work in: channel, unit."""
    known = draft.tables["channels"].index.difference([VISITS])
    lines = draft.grain.model["budget"]
    rows = lines.loc[lines["channel"].isin(known), ["channel", "unit"]]
    return rows.drop_duplicates().sort_values(["channel", "unit"])


@rule("A client once won stays a customer", unit="clients", index="group, month")
def customers(draft: Draft) -> None:
    """customers[g,t] = customers[g,t−1] + Σ_channel won[g,channel,t]."""
    won, (groups, months) = draft.tables["won"], draft.shape
    here = np.unique(won["group"])
    g, t = (a.ravel() for a in np.meshgrid(here, np.arange(months), indexing="ij"))
    labels = {"group": draft.group_label(g), "month": draft.month_label(t)}
    column = draft.columns["customers"]
    column[g, t] = draft.builder.add_columns("customers", "clients", labels, len(g))
    number = np.full((groups, months), -1)
    number[g, t] = np.arange(len(g))
    later = t > 0
    row = np.concatenate([number[g, t], number[g, t][later], number[won["group"], won["month"]]])
    col = np.concatenate([column[g, t], column[g[later], t[later] - 1], won["column"].to_numpy()])
    data = np.concatenate([np.ones(len(g)), -np.ones(later.sum()), -np.ones(len(won))])
    draft.add_rows(customers, labels, draft.matrix(row, col, data, len(g)), 0.0, 0.0)


def with_customers(draft: Draft, x: Floats) -> Floats:
    """A point at which customers are those who were won, to the last digit and not to an engine's."""
    won, column = draft.tables.get("won"), draft.columns["customers"]
    if won is None or not len(won):
        return x
    by_month = np.zeros(draft.shape)
    np.add.at(by_month, (won["group"].to_numpy(int), won["month"].to_numpy(int)), x[won["column"].to_numpy(int)])
    x, there = x.copy(), column >= 0
    x[column[there]] = by_month.cumsum(axis=1)[there]
    return x


@rule("A client is won once and first visited once", unit="clients", index="group")
def prospects_are_few(draft: Draft) -> None:
    """Σ_t Σ_channel won[g,channel,t] ≤ n[g];  Σ_t first[g,t] ≤ n[g]."""
    won, (groups, months) = draft.tables["won"], draft.shape
    members = draft.grain.groups["members"].to_numpy(float)
    here = np.unique(won["group"])
    matrix = draft.matrix(np.arange(len(here)), draft.columns["customers"][here, months - 1], 1.0, len(here))
    draft.add_rows(prospects_are_few, {"group": draft.group_label(here)}, matrix, -np.inf, members[here])
    first = draft.columns.get("first")
    if first is not None:
        g, t = np.nonzero(first >= 0)
        matrix = draft.matrix(g, first[g, t], 1.0, groups)
        here = np.unique(g)
        labels = {"group": draft.group_label(here)}
        draft.add_rows(prospects_are_few, labels, sp.csr_array(matrix[here]), -np.inf, members[here])


@rule("New clients come through the funnel", unit="clients", index="group or unit, channel, month")
def conversion(draft: Draft) -> None:
    """won[g,visits,t] ≤ conversion · first[g,t−lag];  Σ_g won[g,channel,t] ≤ conversion · leads[channel,t−lag]."""
    won, months, table = draft.tables["won"], draft.shape[1], draft.tables["channels"]
    visits = won[won["channel"] == VISITS]
    if len(visits):
        g, t = visits["group"].to_numpy(), visits["month"].to_numpy()
        lag, rate = int(table["lag"][VISITS]), float(table["conversion"][VISITS])
        source = np.where(t >= lag, draft.columns["first"][g, np.maximum(t - lag, 0)], -1)
        row = np.arange(len(visits))
        matrix = draft.matrix(
            np.concatenate([row, row]),
            np.concatenate([visits["column"].to_numpy(), source]),
            np.concatenate([np.ones(len(row)), np.full(len(row), -rate)]),
            len(row),
        )
        labels = {"group": draft.group_label(g), "month": draft.month_label(t)}
        draft.add_rows(conversion, labels, matrix, -np.inf, 0.0)
    leads = draft.grain.model["yields"].query("metric == 'leads'").set_index("source")["amount"]
    lines = draft.grain.model["budget"]
    spend = line_matrix(draft)
    for channel, unit in lead_pools(draft).itertuples(index=False, name=None):
        rows = won[(won["channel"] == channel) & (won["unit"] == unit)]
        lag, rate = int(table["lag"][channel]), float(table["conversion"][channel])
        feeding = np.flatnonzero((lines["channel"] == channel) & (lines["unit"] == unit))
        amount = leads.reindex(lines["line"].to_numpy()[feeding]).fillna(0.0).to_numpy(float)
        matrix = draft.matrix(rows["month"].to_numpy(), rows["column"].to_numpy(), 1.0, months)
        for line, each in zip(feeding.tolist(), amount, strict=True):
            entered = spend[line * months : (line + 1) * months]
            if lag >= months:
                continue
            shift = sp.eye_array(months, k=-lag, format="csr")
            matrix = matrix - rate * each * draft.money * (shift @ entered)
        labels = {
            "channel": pd.Categorical([channel] * months),
            "unit": pd.Categorical([unit] * months),
            "month": draft.month_label(np.arange(months)),
        }
        draft.add_rows(conversion, labels, sp.csr_array(matrix), -np.inf, 0.0)
