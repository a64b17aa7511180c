"""``compare.xlsx``: key figures side by side, a sheet for each table, waterfalls of the bridges and curves of the sweeps."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xlsxwriter.exceptions

from allocator.comparing.comparison import Case, Comparison
from allocator.comparing.differences import KPIS as FIGURES
from allocator.comparing.differences import figures
from allocator.comparing.sweeping import Sweep, number
from allocator.comparing.words import KPIS, in_words
from allocator.reporting.headings import HEADINGS
from allocator.reporting.words import STATUSES
from allocator.reporting.workbook import Formats, add_table, open_book, sheet_name
from allocator.texts import N_, _

CHARTS = ("contribution", "revenue")
"""Measures of which a bridge or sweep has a chart."""

HELP = 40
"""Column from which on the numbers of charts stand, away from what people read."""

HIGH = 20
"""Rows that a chart takes."""

COLOURS = {"total": "#4472C4", "rise": "#70AD47", "fall": "#C00000"}
SERIES = {"total": N_("plan"), "rise": N_("adds"), "fall": N_("costs")}


def compare_bytes(comparison: Comparison, tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Return the workbook of a comparison.

    Raises
    ------
    OSError
        If the machine has no room for it.
    """
    buffer = io.BytesIO()
    try:
        # Charts take their numbers from cells that are written later, so all rows are kept until the end.
        with open_book(buffer, 0) as (book, formats):
            sheet = book.add_worksheet(sheet_name("summary"))
            add_table(sheet, side_by_side(comparison), formats)
            _add_statuses(sheet, len(FIGURES) + 2, comparison, formats)
            for name, table in tables.items():
                if name != "kpis":
                    _add_sheet(book, comparison, name, table, formats)
    except xlsxwriter.exceptions.FileCreateError as error:
        raise OSError(str(error)) from error
    return buffer.getvalue()


def side_by_side(comparison: Comparison) -> pd.DataFrame:
    """Key figures of all plans in columns, with the changes beside them; blank where there is no plan."""
    base = figures(comparison.base)
    columns: dict[str, list[Any]] = {
        _("key figure"): [_(KPIS[k]) for k in FIGURES],
        _("base plan"): list(base.values()),
    }
    for case in comparison.cases:
        known = figures(case.plan)
        columns[case.name] = list(known.values())
        columns[_("change by {name}").format(name=case.name)] = [known[k] - base[k] for k in FIGURES]
    return pd.DataFrame(columns)


def _add_statuses(sheet: Any, row: int, comparison: Comparison, formats: Formats) -> None:
    """Below the key figures: what each plan is, and why there is none."""
    plans = [(_("base plan"), "", comparison.base), *((case.name, case.title, case.plan) for case in comparison.cases)]
    for k, heading in enumerate((_("scenario"), _("status"), _("title"), _("because of"))):
        sheet.write_string(row, k, heading, formats["heading"])
    for i, (name, title, plan) in enumerate(plans, row + 1):
        for k, text in enumerate((name, _(STATUSES.get(plan.status, plan.status)), title, "; ".join(plan.reasons))):
            sheet.write_string(i, k, text)


def _add_sheet(book: Any, comparison: Comparison, name: str, table: pd.DataFrame, formats: Formats) -> None:
    sheet = book.add_worksheet(sheet_name(name))
    said = in_words(name, table)
    add_table(sheet, said.rename(columns={c: _(label) for c, label in HEADINGS.items()}), formats)
    row = len(table) + 3
    if name == "bridge":
        _waterfalls(book, sheet, comparison.cases, row, formats)
    elif name == "sweep":
        _curves(book, sheet, comparison.sweeps, row, formats)


def _waterfalls(book: Any, sheet: Any, cases: Sequence[Case], row: int, formats: Formats) -> None:
    at = 0
    for case in cases:
        if case.bridge is None:
            continue
        labels = _bar_names(case)
        for k, measure in enumerate(CHARTS):
            bars = waterfall(case.bridge.table[measure].to_numpy(float))
            first = _put(sheet, at, {"": labels, **{n: v.tolist() for n, v in bars.items()}}, formats)
            chart = book.add_chart({"type": "column", "subtype": "stacked"})
            for i, series in enumerate(bars):
                colour = {"none": True} if series == "under" else {"color": COLOURS[series.split()[0]]}
                cells = [sheet.get_name(), first, HELP + 1 + i, first + len(labels) - 1, HELP + 1 + i]
                names = [sheet.get_name(), first, HELP, first + len(labels) - 1, HELP]
                chart.add_series({"name": series, "categories": names, "values": cells, "fill": colour, "gap": 40})
            chart.set_title({"name": f"{case.name}{_(': ')}{_(KPIS[measure])}", "name_font": {"size": 12}})
            chart.set_legend({"none": True})
            chart.set_y_axis({"num_format": "#,##0", **_room(case.bridge.table[measure].to_numpy(float))})
            chart.set_size({"width": 620, "height": 20 * (HIGH - 1)})
            sheet.insert_chart(row, k * 6, chart)
            at = first + len(labels) + 1
        row += HIGH


def _bar_names(case: Case) -> list[str]:
    assert case.bridge is not None
    names = {"base": _("base plan"), "scenario": case.name, "together": _("all steps together")}
    rows = case.bridge.table[["kind", "event"]].itertuples(index=False, name=None)
    return [names.get(kind, event) for kind, event in rows]


def waterfall(values: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Stacks of a waterfall's columns.

    Parameters
    ----------
    values : float array, shape (bars,)
        The first and the last are totals, those between are added one after the other.

    Returns
    -------
    dict of str to float array, each of shape (bars,)
        What lies unseen under a bar; the bar's part above zero and its part below, of totals, rises and falls.
    """
    ends = np.append(np.cumsum(values[:-1]), values[-1])
    starts = np.append([0.0], np.append(ends[:-2], 0.0))
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    total = np.zeros(len(values), bool)
    total[[0, -1]] = True
    above, below = np.maximum(high, 0) - np.maximum(low, 0), np.minimum(low, 0) - np.minimum(high, 0)
    stacks = {"under": np.where(low > 0, low, np.where(high < 0, high, 0.0))}
    for name, mine in (("total", total), ("rise", ~total & (ends >= starts)), ("fall", ~total & (ends < starts))):
        stacks[name] = np.where(mine, above, 0.0)
        stacks[f"{name} below"] = np.where(mine, below, 0.0)
    return stacks


def _room(values: np.ndarray[Any, Any]) -> dict[str, float]:
    """Where the axis of a waterfall begins: near the bars where they all lie above zero, as else no step would be seen."""
    ends = np.append(np.cumsum(values[:-1]), values[-1])
    low, high = float(ends.min()), float(ends.max())
    begin = low - 0.5 * (high - low)
    if not np.isfinite(begin) or begin <= 0 or high <= low:
        return {}
    step = 10.0 ** np.floor(np.log10(high - low))
    return {"min": float(np.floor(begin / step) * step)}


def _curves(book: Any, sheet: Any, sweeps: Sequence[Sweep], row: int, formats: Formats) -> None:
    at = 0
    for sweep in sweeps:
        for k, measure in enumerate((*CHARTS, "attainment")):
            lines = curves(sweep, measure)
            first = _put(sheet, at, {"": list(lines.index), **{str(c): lines[c].tolist() for c in lines}}, formats)
            numeric = all(isinstance(x, float) for x in lines.index)
            chart = book.add_chart(
                {"type": "scatter", "subtype": "straight_with_markers"} if numeric else {"type": "column"}
            )
            for i, name in enumerate(lines):
                cells = [sheet.get_name(), first, HELP + 1 + i, first + len(lines) - 1, HELP + 1 + i]
                values = [sheet.get_name(), first, HELP, first + len(lines) - 1, HELP]
                chart.add_series({"name": str(name), "categories": values, "values": cells})
            chart.set_title({"name": f"{sweep.name}{_(': ')}{_(MEASURES[measure])}", "name_font": {"size": 12}})
            chart.set_legend({"position": "bottom"} if len(lines.columns) > 1 else {"none": True})
            chart.set_x_axis({"name": sweep.varied[0] if sweep.varied else "", "num_format": "General"})
            chart.set_y_axis({"num_format": "0 %" if measure == "attainment" else "#,##0"})
            chart.set_size({"width": 460, "height": 20 * (HIGH - 1)})
            sheet.insert_chart(row, k * 5, chart)
            at = first + len(lines) + 1
        row += HIGH


MEASURES = {**{name: KPIS[name] for name in CHARTS}, "attainment": N_("share of targets met")}


def curves(sweep: Sweep, measure: str) -> pd.DataFrame:
    """A measure over the first varied value: a column for each combination of the others, in the order of the sweep.

    The index holds numbers where the values are such, in ascending order, else texts.
    """
    first, *others = sweep.varied
    lines = sweep.table[others].agg(", ".join, axis=1) if others else pd.Series(_(MEASURES[measure]), sweep.table.index)
    frame = pd.DataFrame({"at": sweep.table[first], "line": lines, "value": sweep.table[measure].astype(float)})
    frame = frame.drop_duplicates(["at", "line"])
    table = frame.pivot_table("value", "at", "line", dropna=False)
    table = table.reindex(index=list(dict.fromkeys(frame["at"])), columns=list(dict.fromkeys(lines)))
    numbers = [number(str(x)) for x in table.index]
    return table if np.isnan(numbers).any() else table.set_axis([float(x) for x in numbers]).sort_index()


def _put(sheet: Any, row: int, columns: Mapping[str, Sequence[object]], formats: Formats) -> int:
    """Write the numbers of a chart where nobody reads them; returns the row of the first."""
    for k, (name, values) in enumerate(columns.items()):
        sheet.write_string(row, HELP + k, name)
        for i, value in enumerate(values):
            if isinstance(value, float):
                if np.isfinite(value):
                    sheet.write_number(row + 1 + i, HELP + k, value, formats["fine"])
            else:
                sheet.write_string(row + 1 + i, HELP + k, str(value))
    return row + 1
