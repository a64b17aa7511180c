"""Plan against actual: by unit, rep, product and line, by month, quarter and to date; ranking; the year if nothing changes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.reviewing.actuals import Actuals
from allocator.reviewing.dealing import NEEDED, dealt_cells, told_months
from allocator.reviewing.published import Published

CASH = "collections"
METRICS = ("revenue", "new_clients", "visits", "first_visits", "spend", CASH)
KEYS = ["month", "metric", "rep", "product", "line"]
TO_DATE = "to_date"


def planned_rows(tables: Mapping[str, pd.DataFrame], months: tuple[str, ...]) -> pd.DataFrame:
    """What a plan has for some months: month, metric, rep, product, line, planned, and of revenue ``asked`` (base)."""
    forecast, effort, won, budget, effects = (tables[n] for n in ("forecast", "effort", "won", "budget", "effects"))
    quotas = tables["quotas"]
    parts = [
        _sums(forecast, months, "revenue", "sell", "rep", "product"),
        _sums(won, months, "new_clients", "won", "rep"),
        _sums(effort, months, "visits", "planned", "rep"),
        _sums(effort, months, "first_visits", "first_visits", "rep"),
        _sums(budget, months, "spend", "spend", "line"),
        _sums(effects, months, CASH, "collections", "rep"),
    ]
    asked = _sums(quotas[quotas["level"] == "base"], months, "revenue", "quota", "rep", "product")
    asked = asked.rename(columns={"planned": "asked"})
    rows = pd.concat(parts, ignore_index=True)
    return _blank(rows.merge(asked, "outer", KEYS)).fillna({"planned": 0.0, "asked": 0.0})


def in_force(published: Published, since: int, model: Model) -> pd.DataFrame:
    """What was planned for each month when it began: months before ``since`` from earlier plans, later ones from this one."""
    months = model.calendar.months
    rows = planned_rows(published.tables, months[since:])
    if published.in_force is None or not since:
        return rows
    earlier = published.in_force[published.in_force["month"].isin(months[:since])]
    return pd.concat([earlier[rows.columns], rows], ignore_index=True)


def actual_rows(actuals: Actuals, published: Published, model: Model) -> pd.DataFrame:
    """What happened, at the grain of :func:`planned_rows`; only what was told."""
    parts = []
    before = planned_rows(published.tables, published.past)
    for metric in NEEDED:
        told = told_months(actuals, metric)
        parts.append(before[(before["metric"] == metric) & ~before["month"].isin(told)].drop(columns="asked"))
        if not told:
            continue
        if metric == "spend":
            parts.append(
                _sums(actuals.of(metric).rename(columns={"amount": "spend"}), actuals.past, metric, "spend", "line")
            )
            continue
        cells, left = dealt_cells(actuals, published, model, metric)
        both = pd.concat([cells, left.assign(rep=_carriers(left, published))], ignore_index=True)
        keys = ("rep", "product") if metric == "revenue" else ("rep",)
        parts.append(_sums(both, actuals.past, metric, "amount", *keys))
    if actuals.told(CASH):
        rows = actuals.of(CASH)
        parts.append(_sums(rows.assign(rep=_carriers(rows, published)), actuals.past, CASH, "amount", "rep"))
    rows = pd.concat(parts, ignore_index=True)
    return _blank(rows[rows["month"].isin(actuals.past)]).rename(columns={"planned": "actual"}).reset_index(drop=True)


def _carriers(rows: pd.DataFrame, published: Published) -> pd.Series:
    """Rep of a row: the one it names, else the owner of its client; blank where it tells neither."""
    owner = published.tables["assignments"].drop_duplicates("client").set_index("client")["rep"]
    known = rows["client"].map(owner).fillna("")
    return rows["rep"].where(rows["rep"] != "", known).astype("str")


def _sums(frame: pd.DataFrame, months: tuple[str, ...], metric: str, column: str, *keys: str) -> pd.DataFrame:
    frame = frame[frame["month"].isin(months)]
    frame = frame.astype(dict.fromkeys(("month", *keys), "str"))
    sums = frame.groupby(["month", *keys], sort=True)[column].sum().reset_index()
    return _blank(sums.rename(columns={column: "planned"}).assign(metric=metric))


def _blank(frame: pd.DataFrame) -> pd.DataFrame:
    """Blank texts for labels that rows do not have."""
    for key in KEYS:
        if key not in frame:
            frame[key] = ""
        frame[key] = frame[key].fillna("").astype("str")
    return frame


def compared(planned: pd.DataFrame, actual: pd.DataFrame, model: Model, past: tuple[str, ...]) -> pd.DataFrame:
    """Plan against actual in the months that are over.

    Returns
    -------
    DataFrame
        metric, kind (company, unit, rep, product, line), name, product, period_kind, period, asked, planned, actual, difference
        (actual less planned), attainment (revenue: of what was asked; else of the plan), of_plan.
    """
    told = set(actual.loc[actual["actual"] != 0, "metric"]) | set(planned.loc[planned["planned"] != 0, "metric"])
    told &= set(actual["metric"])
    actual = actual[actual["metric"].isin(told)]
    rows = planned[planned["month"].isin(past) & planned["metric"].isin(told)].reset_index(drop=True)
    both = rows.merge(actual, "outer", KEYS).fillna({"planned": 0.0, "asked": 0.0, "actual": 0.0})
    cut = _cuts(both, model)
    quarter = dict(zip(model.calendar.months, model.calendar.quarters, strict=True))
    periods = [
        cut.assign(period_kind="month", period=cut["month"]),
        cut.assign(period_kind="quarter", period=cut["month"].map(quarter)),
        cut.assign(period_kind=TO_DATE, period=f"{past[0]}…{past[-1]}"),
    ]
    keys = ["metric", "kind", "name", "product", "period_kind", "period"]
    table = (
        pd.concat(periods, ignore_index=True)
        .groupby(keys, sort=False)[["asked", "planned", "actual"]]
        .sum()
        .reset_index()
    )
    table["difference"] = table["actual"] - table["planned"]
    table["of_plan"] = _ratio(table["actual"], table["planned"])
    table["attainment"] = _ratio(table["actual"], table["asked"]).where(table["metric"] == "revenue", table["of_plan"])
    return table[[*keys, "asked", "planned", "actual", "difference", "attainment", "of_plan"]]


def _cuts(rows: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Rows once for each cut they belong to: units and all above them, reps, products, lines; money of a line for its unit."""
    homes = model["reps"].set_index("rep")["unit"]
    lines = model["budget"].set_index("line")["unit"]
    tops = [u for u, chain in model.ancestors.items() if len(chain) == 1]
    top = tops[0] if len(tops) == 1 else ""
    unit = rows["rep"].map(homes).fillna(rows["line"].map(lines)).fillna("")
    unit = unit.where(unit != "", top)
    above = rows.assign(unit=unit.map(lambda u: model.ancestors.get(u, ()))).explode("unit").dropna(subset=["unit"])
    units = above.assign(kind=np.where(above["unit"] == top, "company", "unit"), name=above["unit"])
    reps = rows[rows["rep"] != ""].assign(kind="rep", name=lambda d: d["rep"])
    spent = rows[rows["line"] != ""].assign(kind="line", name=lambda d: d["line"])
    parts = [
        units.assign(product=""),
        units[units["product"] != ""],
        reps.assign(product=""),
        reps[reps["product"] != ""],
    ]
    parts.append(spent.assign(product=""))
    return pd.concat(parts, ignore_index=True)


def ranking(table: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Reps by attainment to date: rank, rep, name, unit, asked, planned, actual, attainment, rank_in_unit."""
    mine = table[
        (table["kind"] == "rep")
        & (table["metric"] == "revenue")
        & (table["product"] == "")
        & (table["period_kind"] == TO_DATE)
    ]
    reps = model["reps"].set_index("rep")
    rows = pd.DataFrame({"rep": mine["name"], **{c: mine[c] for c in ("asked", "planned", "actual", "attainment")}})
    rows = rows[rows["attainment"].notna()]
    rows["name"], rows["unit"] = (rows["rep"].map(reps[c]).fillna("") for c in ("name", "unit"))
    rows["rank"] = rows["attainment"].rank(method="min", ascending=False).astype(int)
    rows["rank_in_unit"] = rows.groupby("unit")["attainment"].rank(method="min", ascending=False).astype(int)
    names = ["rank", "rep", "name", "unit", "asked", "planned", "actual", "attainment", "rank_in_unit"]
    return rows.sort_values(["rank", "rep"])[names].reset_index(drop=True)


def outlook(planned: pd.DataFrame, table: pd.DataFrame, model: Model, past: tuple[str, ...]) -> pd.DataFrame:
    """The year if nothing changes: what happened and the rest as planned; and the rest at the rate of what happened.

    Returns
    -------
    DataFrame
        metric, kind, name, product, actual, per_month (run-rate), rest_planned, year_planned, as_planned (actual + rest),
        at_this_rate (actual + rest × actual ÷ planned so far), asked_year.
    """
    keys = ["metric", "kind", "name", "product"]
    todate = table[table["period_kind"] == TO_DATE].set_index(keys)[["planned", "actual", "of_plan"]]
    told = set(table["metric"])
    rows = _cuts(planned[planned["metric"].isin(told)].assign(actual=0.0), model)
    ahead = ~rows["month"].isin(past)
    rest = rows[ahead].groupby(keys)["planned"].sum()
    year = rows.groupby(keys, sort=False)[["planned", "asked"]].sum()
    out = pd.DataFrame(index=year.index.union(todate.index, sort=False))
    out["actual"] = todate["actual"].reindex(out.index).fillna(0.0)
    out["per_month"] = out["actual"] / max(len(past), 1)
    out["rest_planned"] = rest.reindex(out.index).fillna(0.0)
    out["year_planned"] = year["planned"].reindex(out.index).fillna(0.0)
    out["as_planned"] = out["actual"] + out["rest_planned"]
    rate = todate["of_plan"].reindex(out.index).fillna(1.0)
    out["at_this_rate"] = out["actual"] + out["rest_planned"] * rate
    out["asked_year"] = year["asked"].reindex(out.index).fillna(0.0)
    return out.reset_index()


def reconciled(tables: Mapping[str, pd.DataFrame], actual: pd.DataFrame, model: Model) -> pd.DataFrame:
    """Revenue and quotas of the year as actual and remaining, by company, unit, rep and product.

    Returns
    -------
    DataFrame
        kind, name, product, actual, remaining, year (as ``forecast`` of the plan has it), asked_past, asked_remaining, asked_year.
    """
    months, past = model.calendar.months, model.past
    rows = planned_rows(tables, months)
    rows = rows[rows["metric"] == "revenue"]
    over = rows["month"].isin(months[:past])
    cut = _cuts(
        rows.assign(
            remaining=rows["planned"].where(~over, 0.0),
            asked_past=rows["asked"].where(over, 0.0),
            asked_remaining=rows["asked"].where(~over, 0.0),
            year=rows["planned"],
        ),
        model,
    )
    keys = ["kind", "name", "product"]
    sums = cut.groupby(keys, sort=False)[["remaining", "year", "asked_past", "asked_remaining"]].sum()
    told = _cuts(actual[actual["metric"] == "revenue"], model).groupby(keys, sort=False)["actual"].sum()
    sums["actual"] = told.reindex(sums.index).fillna(0.0)
    sums["asked_year"] = sums["asked_past"] + sums["asked_remaining"]
    names = ["actual", "remaining", "year", "asked_past", "asked_remaining", "asked_year"]
    return sums[names].reset_index()


def _ratio(top: pd.Series, bottom: pd.Series) -> pd.Series:
    return (top / bottom.where(bottom > 0)).astype(float)
