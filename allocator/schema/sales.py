"""Checks of products, demand, seasons, response curves and budget lines."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from allocator.periods import Calendar
from allocator.schema.findings import Report, did_you_mean
from allocator.texts import _

Frames = Mapping[str, pd.DataFrame]
TOLERANCE = 1e-9


def check_sales(calendar: Calendar, frames: Frames, report: Report) -> None:
    """Check what is sold and what moves it."""
    demand, budget = frames["demand"], frames["budget"]
    says = _("The most that can be won is less than what is expected. Raise it, or lower what is expected.")
    report.cells("error", "demand", "order", says, demand, demand["ceiling"] < demand["expected"], "ceiling")
    says = _("It is less than the least money of the line.")
    report.cells("error", "budget", "order", says, budget, budget["maximum"] < budget["minimum"], "maximum")
    _check_products(calendar, frames["products"], report)
    _check_seasons(calendar, frames, report)
    _check_responses(frames, report)


def _check_products(calendar: Calendar, products: pd.DataFrame, report: Report) -> None:
    value = products["contract_value"].fillna(products["price"])
    says = _("A large contract needs the money of one contract.")
    report.cells("error", "products", "required", says, products, products["large"] & ~(value > 0), "contract_value")
    away = (products["end"] < calendar.days[0]) | (products["launch"] > calendar.days[-1])
    says = _("The product is not on sale in any month of the plan.")
    report.cells("warning", "products", "sale", says, products, away, "product")


def _check_seasons(calendar: Calendar, frames: Frames, report: Report) -> None:
    """Find seasons that weigh nothing: over all their months, or over the months in which a product is on sale."""
    seasons, products = frames["seasonality"], frames["products"]
    total = seasons.groupby(["product", "metric"])["weight"].transform("sum")
    first = ~seasons.duplicated(["product", "metric"])
    says = _("All weights of this season are 0. One month at least must weigh something.")
    report.cells("error", "seasonality", "season", says, seasons, (total == 0) & first, "weight")
    revenue = seasons[seasons["metric"] == "revenue"]
    weighty = {key: set(rows["month"]) for key, rows in revenue[revenue["weight"] > 0].groupby("product")}
    season = products["product"].where(products["product"].isin(list(revenue["product"])), "")
    months = pd.PeriodIndex(calendar.months, freq="M")
    first_day, last_day = months.start_time.to_numpy(), months.end_time.to_numpy()
    launch, end = products["launch"].to_numpy()[:, None], products["end"].to_numpy()[:, None]
    on_sale = ~(launch > last_day) & ~(end < first_day)
    labels = np.array(calendar.months, dtype=object)
    says = _("Its season has no weight in the months in which it is on sale.")
    for position, key in enumerate(season):
        sold = set(labels[on_sale[position]])
        if sold and key in weighty and sold.isdisjoint(weighty[key]):
            report.cells("error", "products", "season", says, products, products.index == position, "product")


def _check_responses(frames: Frames, report: Report) -> None:
    points = frames["responses"]
    if points.empty:
        return
    tiers, lines = set(frames["tiers"]["tier"]) - {""}, set(frames["budget"]["line"]) - {""}
    check_sources(points, "responses", "driver", {"tiers": tiers, "budget": lines}, report)
    spread = points.groupby("driver")["carry_months"].transform("nunique") > 1
    first = spread & ~points.duplicated("driver")
    says = _("All points of a driver go on for the same number of months.")
    report.cells("error", "responses", "carry", says, points, first, "carry_months")
    for (driver, _product), curve in points.groupby(["driver", "product"], sort=False):
        if driver in tiers | lines and curve[["effort", "sales"]].notna().to_numpy().all():
            _check_curve(curve.sort_values("effort"), driver in tiers, report)


def _check_curve(curve: pd.DataFrame, of_tier: bool, report: Report) -> None:
    effort, sales = curve["effort"].to_numpy(), curve["sales"].to_numpy()
    positions = curve.index.to_numpy(dtype=np.int64)
    if effort[0] != 0:
        says = _("The first point of a curve must be at effort 0. Add it.")
        report.add("error", "responses", "curve", says, position=positions[0], column="effort", value=effort[0])
        return
    falls = np.flatnonzero(np.diff(sales) < -TOLERANCE) + 1
    says = _("Sales must not fall as effort grows.")
    report.values("error", "responses", "curve", says, positions[falls], "sales", sales[falls])
    if of_tier:
        at_promise = float(np.interp(1.0, effort, sales))
        if not np.isclose(at_promise, 1.0, rtol=0, atol=1e-6):
            says = _("At the promised visits the curve gives {share:g} times what is expected, not 1.")
            says = says.format(share=at_promise)
            report.add("warning", "responses", "curve", says, position=positions[0], column="sales", value=sales[0])
    elif sales[0] != 0:
        says = _("A line without money adds no sales: the point at effort 0 must be 0.")
        report.add("error", "responses", "curve", says, position=positions[0], column="sales", value=sales[0])


def check_sources(frame: pd.DataFrame, table: str, column: str, known: Mapping[str, set[str]], report: Report) -> None:
    """Find codes that are in none of several tables, or in more than one."""
    every: set[str] = set().union(*known.values())
    labels = {name: report.place(name).label for name in known}
    for value, rows in frame.groupby(column, sort=False):
        if value == "":
            continue
        homes = [labels[name] for name, codes in known.items() if value in codes]
        positions = rows.index.to_numpy(dtype=np.int64)
        values = np.full(len(rows), value, dtype=object)
        if not homes:
            says = _("Not in {tables}.").format(tables=_(" nor in ").join(labels.values()))
            report.values(
                "error", table, "reference", says + did_you_mean(str(value), every), positions, column, values
            )
        elif len(homes) > 1:
            says = _("The code stands in {tables}. Give one of them another code.").format(tables=", ".join(homes))
            report.values("error", table, "ambiguous", says, positions, column, values)
