"""What happened, told for the clients of the plan in force: the rows that the model of a re-plan holds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from allocator.formulation.arrays import positions
from allocator.formulation.grain import Grain
from allocator.formulation.happened import deal
from allocator.model import Model
from allocator.reviewing.actuals import QUOTAS, Actuals
from allocator.reviewing.published import Published
from allocator.schema.dictionary import dictionary
from allocator.schema.tables import empty, fingerprint, in_order

NEEDED = ("revenue", "visits", "first_visits", "new_clients", "spend")
"""What the past of a plan is made of. What the actuals do not tell of it, the plan in force does."""

TEXTS = ("month", "metric", "unit", "rep", "client", "product", "stage", "channel", "tier", "line")


@dataclass(frozen=True)
class Past:
    """The past of a re-plan.

    Attributes
    ----------
    model : Model
        With ``as_of``, and ``actuals`` that tell all of the past.
    assumed : tuple of str
        Metrics that were not told and are taken as planned.
    rows : DataFrame
        The rows of ``actuals``.
    """

    model: Model
    assumed: tuple[str, ...]
    rows: pd.DataFrame


def with_past(actuals: Actuals, published: Published, grain: Grain) -> Past:
    """The model of a re-plan: what happened is dealt as the plan in force had it, and what was asked is noted.

    Parameters
    ----------
    actuals : Actuals
    published : Published
    grain : Grain
        Of the model as it is now.
    """
    rows, assumed = [], []
    for metric in NEEDED:
        told = told_months(actuals, metric)
        if told:
            rows.append(_told(actuals, published, grain, metric))
        left = tuple(m for m in actuals.past if m not in told)
        rows.append(_planned(published, grain, left, metric))
        assumed += [metric] if len(rows[-1]) and not set(left) <= set(published.past) else []
    rows.append(_asked(published, actuals.past, grain.model))
    others = actuals.model["actuals"]
    others = others[~others["metric"].isin([*NEEDED, *QUOTAS]) | (others["stage"] != "")]
    table = _table([*rows, others])
    settings = grain.model.settings.model_copy(update={"as_of": actuals.as_of.isoformat()})
    frames = {**grain.model.tables, "actuals": table}
    model = replace(grain.model, settings=settings, tables=frames, sha256=fingerprint(settings, frames))
    return Past(model, tuple(assumed), table)


def told_months(actuals: Actuals, metric: str) -> tuple[str, ...]:
    """Months for which a metric was told."""
    there = set(actuals.of(metric)["month"])
    return tuple(m for m in actuals.past if m in there)


def _table(parts: list[pd.DataFrame]) -> pd.DataFrame:
    """Rows of ``actuals`` from parts of it, those of one key summed."""
    kinds = empty("actuals").dtypes
    every = pd.concat([p.reindex(columns=list(kinds.index)) for p in parts if len(p)], ignore_index=True)
    for name in TEXTS:
        every[name] = every[name].astype(object).where(every[name].notna(), "").astype("str")
    sums = every.groupby(list(TEXTS), sort=False)["amount"].sum().reset_index()
    return in_order(sums[list(kinds.index)].astype(kinds.to_dict()), dictionary()["actuals"])[0]


def cells_of(published: Published, metric: str, months: tuple[str, ...]) -> pd.DataFrame:
    """Planned amounts of a metric in some months: month, rep, group, product, channel, line, tier, planned."""
    tables = published.tables
    tier = tables["effort"].drop_duplicates("group").set_index("group")["tier"]
    if metric == "spend":
        frame = tables["budget"].rename(columns={"spend": "planned"})[["month", "line", "planned"]]
    elif metric == "revenue":
        frame = tables["forecast"].rename(columns={"sell": "planned"})[["month", "rep", "group", "product", "planned"]]
    elif metric == "new_clients":
        frame = tables["won"].rename(columns={"won": "planned"})[["month", "rep", "group", "channel", "planned"]]
    else:
        column = "planned" if metric == "visits" else "first_visits"
        frame = tables["effort"][["month", "rep", "group", column]].rename(columns={column: "planned"})
    frame = frame[frame["month"].isin(months)].reset_index(drop=True)
    if "group" in frame:
        frame = frame.assign(tier=frame["group"].map(tier))
    return frame.astype({c: "str" for c in frame.columns if c != "planned"}).astype({"planned": float})


def _stand_ins(published: Published, grain: Grain) -> pd.DataFrame:
    """For each group of the plan in force, a client of each group in which its clients are now, and their share: group, client, share."""
    of = published.tables["assignments"].drop_duplicates("client")[["client", "group"]].astype("str")
    now = grain.clients[["client", "group", "count"]].rename(columns={"group": "now"}).astype({"client": "str"})
    both = of.merge(now, on="client")
    parts = both.groupby(["group", "now"], sort=True).agg(client=("client", "first"), count=("count", "sum"))
    parts = parts.reset_index()
    total = parts.groupby("group")["count"].transform("sum")
    return parts.assign(share=parts["count"] / total)[["group", "client", "share"]]


def _by_client(cells: pd.DataFrame, published: Published, grain: Grain, metric: str) -> pd.DataFrame:
    """Amounts of groups as rows for clients that stand for them now."""
    if "group" not in cells:
        return cells.assign(metric=metric)
    rows = cells.merge(_stand_ins(published, grain), on="group")
    return rows.assign(amount=rows["amount"] * rows["share"], metric=metric).drop(columns=["rep", "tier"])


def _planned(published: Published, grain: Grain, months: tuple[str, ...], metric: str) -> pd.DataFrame:
    cells = cells_of(published, metric, months)
    cells = cells[cells["planned"] != 0].rename(columns={"planned": "amount"})
    return _by_client(cells, published, grain, metric)


def _told(actuals: Actuals, published: Published, grain: Grain, metric: str) -> pd.DataFrame:
    """Rows of a metric dealt to what was planned; rows that fit nothing planned stay as they are."""
    rows = actuals.of(metric)
    if metric == "spend":
        return rows
    cells, left = dealt_cells(actuals, published, grain.model, metric)
    return pd.concat([_by_client(cells[cells["amount"] != 0], published, grain, metric), left], ignore_index=True)


def dealt_cells(actuals: Actuals, published: Published, model: Model, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells of the plan in force with ``amount``, what happened; and the rows that fit none of them."""
    rows, cells = actuals.of(metric), cells_of(published, metric, told_months(actuals, metric))
    group = published.tables["assignments"].drop_duplicates("client").set_index("client")["group"]
    codes = pd.Index(cells["group"].unique())
    homes = model["reps"].set_index("rep")["unit"]
    months = model.calendar.months
    labelled = cells.assign(
        at=positions(months, cells["month"]),
        unit=cells["rep"].map(homes).fillna("").to_numpy(object),
        client=codes.get_indexer(cells["group"]),
    )
    of = group.reindex(rows["client"]).fillna("").to_numpy(object)
    named = rows["client"] != ""
    told = rows.assign(at=positions(months, rows["month"]), client=np.where(named, codes.get_indexer(of), -1))
    known = ~(named & (told["client"] < 0))
    weight = labelled["planned"].to_numpy(float)
    dealt, unmatched = deal(told[known].assign(origin=np.flatnonzero(known)), labelled, weight, model)
    left = rows[(~known).to_numpy() | np.isin(np.arange(len(rows)), unmatched["origin"].to_numpy(int))]
    return cells.assign(amount=dealt), left


def _asked(published: Published, months: tuple[str, ...], model: Model) -> pd.DataFrame:
    """Quotas of the past as they were published, of the reps and products that the model still has."""
    quotas = published.tables["quotas"]
    mine = quotas[quotas["month"].isin(months) & (quotas[["quota", "exact"]].astype(float) != 0).any(axis=1)]
    mine = mine[mine["rep"].isin(model["reps"]["rep"]) & mine["product"].isin(model["products"]["product"])]
    parts = [
        mine[["month", "rep", "product"]].assign(metric=kind + "_" + mine["level"].astype("str"), amount=mine[column])
        for kind, column in (("quota", "quota"), ("exact", "exact"))
    ]
    return pd.concat(parts).astype({"amount": float})
