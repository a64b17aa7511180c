"""The deals of a CRM export: stages, dates, money, and what cannot be believed."""

from __future__ import annotations

import math
from typing import Literal

import pandas as pd

from allocator.importing.export import ROW, Log, Sheet, listed
from allocator.importing.mapping import ENGAGING, LOST, PROSPECTING, WON, CrmMapping
from allocator.importing.spelling import squash
from allocator.schema.parsing import read_number
from allocator.texts import N_, _, after

DateOrder = Literal["mdy", "dmy"]

ABSURD_MULTIPLE = 50.0
"""A won deal of more than so many times the usual value of its product is taken for a slip of the keyboard."""

ALONE_MONTHS, ALONE_SHARE = 12, 0.05
"""Dates of less than this share of all that stand so many months apart from the others are taken for slips."""


_BACKWARDS = N_(
    "{file}: deals closed before they were opened: {n}, the first in row {row}. Their opening date is disregarded."
)
_ABSURD = N_(
    "{file}: won deals of more than 50 times what their product usually sells for: {n}, the first in row {row}, "
    "{total} in all. They are left out of the history; "
    "if they are right, split them into several deals."
)
_NEGATIVE = N_(
    "{file}: won deals of a negative value: {n}, the first in row {row}, {total} in all. They are "
    "left out of the history."
)
_ZERO = N_("{file}: won deals worth nothing: {n}, the first in row {row}. They count for the win rate only.")
_WON_WITHOUT_VALUE = N_(
    "{file}: won deals without a value: {n}, the first in row {row}. They count for the win rate only."
)
_WON_WITHOUT_DATE = N_(
    "{file}: won deals without a closing date: {n}, the first in row {row}, {total} in all. They are left out "
    "of the history, for their month is not known."
)
_WITHOUT_REP = N_("{file}: deals that name no sales agent: {n}, the first in row {row}. Nobody becomes owner by them.")
_WITHOUT_PRODUCT = N_(
    "{file}: deals that name no product: {n}, the first in row {row}. No expected sales come from them."
)
_OPEN_NEGATIVE = N_("{file}: open deals of a negative value: {n}, the first in row {row}. It counts as blank.")
_OPEN_WITHOUT_VALUE = N_(
    "{file}: open deals without a value: {n}, the first in row {row}. Each is taken at the average won value of "
    "its product."
)
_OPEN_WITHOUT_CLOSE = N_(
    "{file}: open deals without a closing date: {n}, the first in row {row}. They are due after the average "
    "time that won deals took."
)
_OPEN_WITHOUT_START = N_(
    "{file}: open deals without an opening date: {n}, the first in row {row}. No month is set in which they are due."
)


def read_stages(sheet: Sheet, deals: pd.DataFrame, mapping: CrmMapping, log: Log) -> pd.Series:
    """Stage of each deal in the words of the mapping; a word of unknown meaning is an error."""
    meaning = {squash(word): stage for stage, words in mapping.stages.items() for word in words}
    for value, rows in deals.loc[~deals["stage"].map(squash).isin(meaning)].groupby("stage", sort=False)[ROW]:
        says = _("{file}: {column} {value!r} (rows: {n}, the first is {row}) is unknown. Expected {known}.").format(
            file=sheet.file,
            column=sheet.headings["stage"],
            value=value,
            n=len(rows),
            row=rows.iloc[0],
            known=listed(word for words in mapping.stages.values() for word in words[:1]),
        )
        log.add("error", "choice", says, sheet=sheet, field_="stage", rows=rows, value=str(value))
    return deals["stage"].map(squash).map(meaning)


def read_dates(sheet: Sheet, deals: pd.DataFrame, order: DateOrder | None, log: Log) -> dict[str, pd.Series]:
    """Read dates: year-month-day, or day and month in the order that the file shows without doubt."""
    texts = {name: deals[name].fillna("") for name in ("opened", "closed")}
    every = pd.concat(texts.values())
    parts = every.str.extract(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?:\D|$)").astype(float)
    first, second = bool((parts[0] > 12).any()), bool((parts[1] > 12).any())
    if order is None and first != second:
        order = "dmy" if first else "mdy"
        says = _("{file}: dates are read as {order}: some {part} is above 12.").format(
            file=sheet.file,
            order=_("day/month/year") if first else _("month/day/year"),
            part=_("first number") if first else _("second number"),
        )
        log.add("note", "date", says, sheet=sheet, field_="closed")
    elif order is None and parts[0].notna().any():
        says = _(
            "{file}: it cannot be told whether dates are month/day/year or day/month/year. Write them as 2026-03-31."
        )
        log.add("error", "date", says.format(file=sheet.file), sheet=sheet, field_="closed")
        return {name: pd.Series(pd.NaT, index=deals.index) for name in texts}
    dates = {name: _timestamps(text, order or "mdy") for name, text in texts.items()}
    alone = _alone(pd.concat(dates.values()).dropna())
    for name, text in texts.items():
        far = dates[name].isin(alone)
        bad = ((text != "") & dates[name].isna()) | far
        if bad.any():
            says = _(
                "{file}: cells of {column} without a date that can be believed: {n}, the first in row {row}. "
                "They count as blank."
            )
            rows, value = deals.loc[bad, ROW], text[bad].iloc[0]
            says = says.format(file=sheet.file, n=len(rows), column=sheet.headings[name], row=rows.iloc[0])
            log.add("warning", "date", says, sheet=sheet, field_=name, rows=rows, value=value)
            dates[name] = dates[name].where(~bad)
    return dates


def _alone(dates: pd.Series) -> pd.Series:
    """Dates in small clusters that long empty times part from the rest."""
    ordered = dates.sort_values()
    cluster = (ordered.diff().dt.days > 30.5 * ALONE_MONTHS).cumsum()
    share = cluster.map(cluster.value_counts(normalize=True))
    alone: pd.Series = ordered[share < ALONE_SHARE]
    return alone


def _timestamps(text: pd.Series, order: DateOrder) -> pd.Series:
    iso = text.str.extract(r"^(\d{4})[/.\-年](\d{1,2})[/.\-月](\d{1,2})(?:\D|$)")
    named = text.str.extract(r"^(\d{1,2})[/.\-](\d{1,2})[/.\-](\d{4})(?:\D|$)")
    day, month = (named[1], named[0]) if order == "mdy" else (named[0], named[1])
    parts = {"year": iso[0].fillna(named[2]), "month": iso[1].fillna(month), "day": iso[2].fillna(day)}
    return pd.to_datetime(pd.DataFrame(parts).astype(float), errors="coerce").astype("datetime64[ns]")


def read_money(sheet: Sheet, frame: pd.DataFrame, name: str, log: Log) -> pd.Series:
    """Numbers, with a currency sign and thousands separators or without."""
    text = frame[name].str.replace(r"^(?:[$€£¥￥\s]|CNY|RMB|USD|EUR|人民币)+", "", regex=True)
    number = text.map({t: _amount(t) for t in text.unique()}).astype(float)
    bad = (frame[name] != "") & number.isna()
    if bad.any():
        rows, value = frame.loc[bad, ROW], frame.loc[bad, name].iloc[0]
        says = _(
            "{file}: cells of {column} without a number: {n}, the first in row {row} ({value}). They count as blank."
        )
        says = says.format(file=sheet.file, n=len(rows), column=sheet.headings[name], row=rows.iloc[0], value=value)
        log.add("warning", "number", says, sheet=sheet, field_=name, rows=rows, value=value)
    return number


def _amount(text: str) -> float:
    try:
        return read_number(text)
    except ValueError:
        return math.nan


def check_deals(sheet: Sheet, deals: pd.DataFrame, products: pd.DataFrame, log: Log) -> pd.DataFrame:
    """Say what is doubtful in deals, and mark those won deals whose month and value can be believed."""
    won, lost = deals["stage"] == WON, deals["stage"] == LOST
    still_open = ~won & ~lost

    def tell(severity: Literal["warning", "note"], rule: str, name: str, bad: pd.Series, says: str) -> None:
        if bad.any():
            rows, value = deals.loc[bad, ROW], deals.loc[bad, name].iloc[0]
            value = "" if pd.isna(value) else str(value.date()) if isinstance(value, pd.Timestamp) else str(value)
            text = _(says).format(
                file=sheet.file, n=len(rows), row=rows.iloc[0], total=f"{deals.loc[bad, 'value'].sum():,.0f}"
            )
            log.add(severity, rule, text, sheet=sheet, field_=name, rows=rows, value=value)

    backwards = deals["closed"] < deals["opened"]
    tell("warning", "order", "closed", backwards, _BACKWARDS)
    deals["opened"] = deals["opened"].mask(backwards)
    usual = deals["product"].map(products.set_index("product")["price"])
    typical = deals["value"].where(won & (deals["value"] > 0)).groupby(deals["product"]).transform("median")
    usual = pd.concat([usual, typical], axis=1).max(axis=1)
    absurd = won & (deals["value"] > ABSURD_MULTIPLE * usual)
    tell("warning", "value", "value", absurd, _ABSURD)
    tell("warning", "value", "value", won & (deals["value"] < 0), _NEGATIVE)
    tell("warning", "value", "value", won & (deals["value"] == 0), _ZERO)
    tell("warning", "blank", "value", won & deals["value"].isna(), _WON_WITHOUT_VALUE)
    tell("warning", "blank", "closed", won & deals["closed"].isna(), _WON_WITHOUT_DATE)
    deals["counted"] = won & (deals["value"] > 0) & ~absurd & deals["closed"].notna()
    nobody = deals["account"] == ""
    if nobody.any():
        _tell_without_account(sheet, deals[nobody], log)
    tell("warning", "blank", "rep", deals["rep"] == "", _WITHOUT_REP)
    tell("warning", "blank", "product", deals["product"] == "", _WITHOUT_PRODUCT)
    tell("warning", "value", "value", still_open & (deals["value"] < 0), _OPEN_NEGATIVE)
    deals["value"] = deals["value"].mask(still_open & (deals["value"] < 0))
    tell("note", "blank", "value", still_open & deals["value"].isna(), _OPEN_WITHOUT_VALUE)
    tell("note", "blank", "closed", still_open & deals["closed"].isna(), _OPEN_WITHOUT_CLOSE)
    tell("note", "blank", "opened", still_open & deals["opened"].isna(), _OPEN_WITHOUT_START)
    return deals


def _tell_without_account(sheet: Sheet, deals: pd.DataFrame, log: Log) -> None:
    stages = ", ".join(
        f"{n:,} {stage}" for stage in (PROSPECTING, ENGAGING, WON, LOST) if (n := int((deals["stage"] == stage).sum()))
    )
    won = deals.loc[deals["counted"], "value"].sum()
    kept = _("Open ones stay in the pipeline without a client.")
    lone = _("Won ones, worth {won:,.2f}, stand in the history without a client; no client's expected sales hold them.")
    says = _("{file}: deals without an account: {n:,} ({stages}).").format(file=sheet.file, n=len(deals), stages=stages)
    says += after(kept) + (after(lone.format(won=won)) if won else "")
    log.add("warning", "blank", says, sheet=sheet, field_="account", rows=deals[ROW])
