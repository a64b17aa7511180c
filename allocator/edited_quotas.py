"""Quotas that somebody changed in ``plan.xlsx``: read as pins, and what holding them costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from allocator.errors import InputError
from allocator.model import LEVELS, Model
from allocator.plan import Plan
from allocator.reading import Tables, check
from allocator.reporting.quota_grid import CODES, PUBLISHED, TOTAL
from allocator.reporting.words import KPIS
from allocator.schema.dictionary import dictionary
from allocator.schema.findings import Place, Report
from allocator.schema.packages import column_letters
from allocator.schema.parsing import read_number
from allocator.schema.workbooks import Workbook, open_workbook
from allocator.texts import N_, _

SLACK = 0.005
"""Money by which a number must differ from the published one to be a change: half of its minor unit."""

KEYS_WITHIN = 20
"""Rows from the top among which the keys are looked for."""

_KEY = re.compile(rf"({'|'.join(LEVELS)})\|(\d{{4}}-\d{{2}}|{TOTAL})")
_OURS = ("SUBTOTAL(9,", "SUM(")

Cut = tuple[str, str, str, str, str]
"""Unit, rep, product, period (blank: the plan) and level."""


@dataclass(frozen=True)
class Changes:
    """What was changed in a workbook.

    Attributes
    ----------
    pins : DataFrame
        unit, rep, product, period, level, published, amount: a row for each changed cell.
    cells : list of str
        Where each stands, such as ``H12``.
    label : str
        The sheet as findings call it.
    written_for : str
        Fingerprint of the model that the workbook was written for.
    """

    pins: pd.DataFrame
    cells: list[str]
    label: str
    written_for: str


def read_changes(path: Path) -> Changes:
    """Read what was changed in the sheet of quotas of a workbook that a solve wrote.

    Rows and columns may have moved, other sheets do not matter. A total counts as changed where its formula was replaced by a number.

    Raises
    ------
    InputError
        If it is no such workbook, is one that is refused, or a changed cell holds no amount.
    """
    report = Report()
    book = open_workbook(path, report)
    if book is None:
        raise InputError(report.findings())
    sheet = next((s for s in book.sheets if s != PUBLISHED and _keys(book.cells(s)) is not None), None)
    if sheet is None or PUBLISHED not in book.sheets:
        says = _("It has no quotas to compare with. Change the plan.xlsx of a run, and keep its sheets.")
        report.add_at("error", path.name, "pins", says)
        raise InputError(report.findings())
    hidden = book.cells(PUBLISHED)
    published = {cut: value for cut, value, _cell in _numbers(hidden)}
    changes = _changed(book, sheet, published, report)
    if report:
        raise InputError(report.findings())
    frame = pd.DataFrame([row for row, _cell in changes], columns=[*CODES, "period", "level", "published", "amount"])
    marks = dict(str(row[0]).split("=", 1) for row in hidden if row and "=" in str(row[0]))
    return Changes(frame, [cell for _row, cell in changes], book.label(sheet), marks.get("inputs_sha256", ""))


def _keys(rows: Sequence[Sequence[object]]) -> int | None:
    """Position of the row of keys."""
    for i, row in enumerate(rows[:KEYS_WITHIN]):
        if any(isinstance(v, str) and _KEY.fullmatch(v) for v in row):
            return i
    return None


def _numbers(rows: Sequence[Sequence[object]]) -> Iterator[tuple[Cut, object, str]]:
    """Every cell of a sheet of quotas with its cut and place."""
    top = _keys(rows)
    if top is None:
        return
    keys = [str(v) for v in rows[top]]
    codes = [keys.index(code) for code in CODES if code in keys]
    columns = [(k, found[1], found[2]) for k, key in enumerate(keys) if (found := _KEY.fullmatch(key))]
    if len(codes) < len(CODES):
        return
    for i, row in enumerate(rows[top + 1 :], top + 2):
        unit, rep, product = (_code(row[k]) for k in codes)
        if unit or rep:
            for k, level, month in columns:
                period = "" if month == TOTAL else month
                yield (unit, rep, product, period, level), row[k], f"{column_letters(k)}{i}"


def _code(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _changed(
    book: Workbook, sheet: str, published: Mapping[Cut, object], report: Report
) -> list[tuple[tuple[object, ...], str]]:
    label, formulas = book.label(sheet), book.formulas(sheet)
    found: list[tuple[tuple[object, ...], str]] = []
    seen: set[Cut] = set()
    for cut, value, cell in _numbers(book.cells(sheet)):
        if cut in seen:
            says = _("The same cut stands in the sheet already. Keep one of the rows.")
            report.add_at("error", label, "duplicate", says, row=cell)
            continue
        seen.add(cut)
        formula = formulas.get(cell)
        total = not cut[2] or not cut[3]
        if total and formula is not None and (not formula or formula.startswith(_OURS)):
            continue  # it follows from its parts
        before = published.get(cut, "")
        if value == "" and (before == "" or (formula is None and total)):
            continue
        amount = _amount(value, formula, label, cell, report)
        if amount is None or abs(amount - (float(before) if isinstance(before, int | float) else np.inf)) <= SLACK:
            continue
        if before == "" and amount == 0:
            continue  # nobody was asked there, and nobody is
        found.append(((*cut, before if before != "" else 0.0, amount), cell))
    return found


def _amount(value: object, formula: str | None, label: str, cell: str, report: Report) -> float | None:
    """Amount of a changed cell, to the minor unit of money."""
    try:
        if isinstance(value, str) and value:
            amount = read_number(value.strip())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            amount = float(value)
        else:
            raise ValueError(value)
    except ValueError:
        if formula is not None and value == "":
            says = _("The formula has no stored value. Open the workbook in a spreadsheet program and save it.")
            report.add_at("error", label, "formula", says, row=cell, value=f"={formula}")
        else:
            says = _("Expected an amount. Write 0 where nothing is to be asked.")
            report.add_at("error", label, "money", says, row=cell, value=value)
        return None
    if amount < 0:
        report.add_at("error", label, "range", _("Expected {least} or more.").format(least=0), row=cell, value=amount)
        return None
    return round(amount, 2)


def pinned(model: Model, changes: Changes) -> Model:
    """The model with the changes as pins; those that it has of the same cuts give way.

    Raises
    ------
    InputError
        If the changes name what the model has not got.
    """
    new = changes.pins[[*CODES, "period", "level", "amount"]]
    key = [*CODES, "period", "level"]
    old = model["pins"][list(new.columns)]
    kept = old[~pd.MultiIndex.from_frame(old[key]).isin(pd.MultiIndex.from_frame(new[key]))]
    frame = pd.concat([kept, new], ignore_index=True)[list(dictionary()["pins"].columns)]
    frame = frame.astype(model["pins"].dtypes.to_dict())
    rows: Any = np.array([""] * len(kept) + changes.cells, dtype=object)
    place = Place(changes.label, rows)
    tables = Tables(model.name, model.source, model.settings, {**model.tables, "pins": frame}, {"pins": place})
    report = Report()
    for name in dictionary():
        report.places[name] = place if name == "pins" else Place(f"{name}.csv", np.arange(0, dtype=np.int64))
    known = [name for name in dictionary() if name != "pins"]
    found = check(tables, report, known=known)
    return replace(found, findings=model.findings)


@dataclass(frozen=True)
class Figure:
    """A figure of two plans.

    Attributes
    ----------
    key, label : str
        The label is English; it is translated where it is shown.
    level : str
        Level of quotas that it is about, or blank.
    before, after : float
    """

    key: str
    label: str
    level: str
    before: float
    after: float


GOALS = {
    "beyond": N_("quotas beyond what can be reached"),
    "commitments": N_("quotas away from what was offered"),
    "unfair": N_("quotas away from the fair share"),
    "peak": N_("quotas above the most of a month"),
}
"""Goals of quotas that pins may cost."""


def cost(without: Plan, held: Plan, changes: Changes) -> list[Figure]:
    """Every figure of a plan with and without the pins.

    Parameters
    ----------
    without, held : Plan
        Plans of the same model without and with them.
    """
    figures = [Figure(f"quota {level}", N_("quotas in all"), level, *_quotas(without, held, level)) for level in LEVELS]
    for level in LEVELS:
        before, after = (float(p["asked"].loc[p["asked"]["level"] == level, "gap"].sum()) for p in (without, held))
        figures.append(Figure(f"gap {level}", N_("asked below the company's need"), level, before, after))
    goals = [{g.name: g.value for g in plan.goals} for plan in (without, held)]
    for level in LEVELS:
        for name, label in GOALS.items():
            key = f"{level} {name}"
            before, after = (float(g.get(key, 0.0)) for g in goals)
            figures.append(Figure(key, label, level, before, after))
    moved = _moved(without, held, changes)
    figures += [Figure(f"moved {level}", N_("moved in other cells"), level, 0.0, moved[level]) for level in LEVELS]
    for share in (80, 100, 120):
        label = {80: N_("commission at 80 %"), 100: N_("commission at 100 %"), 120: N_("commission at 120 %")}[share]
        before, after = (float(p["effects"][f"commission_{share}"].sum()) for p in (without, held))
        figures.append(Figure(f"commission_{share}", label, "", before, after))
    for key, label in KPIS:
        values = (plan.summary["kpis"].get(key) for plan in (without, held))
        before, after = (np.nan if v is None else float(v) for v in values)
        figures.append(Figure(key, label, "", before, after))
    return figures


def _quotas(without: Plan, held: Plan, level: str) -> Iterator[float]:
    for plan in (without, held):
        quotas = plan["quotas"]
        yield float(quotas.loc[quotas["level"] == level, "quota"].sum())


def _moved(without: Plan, held: Plan, changes: Changes) -> dict[str, float]:
    """Money by which cells that nobody changed differ, by level."""
    key = ["rep", "product", "month", "level"]
    both = without["quotas"].merge(held["quotas"], on=key, how="outer", suffixes=("", "_held"))
    difference = (both["quota_held"].fillna(0.0) - both["quota"].fillna(0.0)).abs()
    pins = changes.pins.rename(columns={"period": "month"})
    mine = pd.MultiIndex.from_frame(both[key]).isin(pd.MultiIndex.from_frame(pins[key]))
    sums = difference[~mine].groupby(both.loc[~mine, "level"]).sum()
    return {level: float(sums.get(level, 0.0)) for level in LEVELS}
