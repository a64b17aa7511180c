"""Clean a CRM export: one spelling for each name, dates and money as such, and every repair in the log."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from allocator.importing.deals import DateOrder, check_deals, read_dates, read_money, read_stages
from allocator.importing.export import ROW, Log, Sheet
from allocator.importing.mapping import CrmMapping
from allocator.importing.spelling import COUNTRIES, SECTORS, match_spelling, squash
from allocator.texts import _


@dataclass(frozen=True)
class Crm:
    """The export, cleaned.

    Attributes
    ----------
    accounts : DataFrame
        account, sector, location, parent.
    products : DataFrame
        product, family, price (NaN where unknown).
    teams : DataFrame
        rep, manager, office.
    deals : DataFrame
        deal, rep, product, account (blank where none), stage (one of the four of the mapping), opened, closed (NaT
        where unknown), value (NaN where unknown), counted (won, with a month and a value that can be believed).
    sheets : dict of str to Sheet
        The files as they were, for later findings.
    """

    accounts: pd.DataFrame
    products: pd.DataFrame
    teams: pd.DataFrame
    deals: pd.DataFrame
    sheets: dict[str, Sheet]


def clean(sheets: dict[str, Sheet], mapping: CrmMapping, date_order: DateOrder | None, log: Log) -> Crm:
    """Clean every table of an export.

    Raises
    ------
    InputError
        If something cannot be repaired without guessing: two products that a name may mean, dates that may be read both
        ways, two different rows of one key, a stage of unknown meaning.
    """
    accounts = _unique(sheets["accounts"], "account", log)
    products = _unique(sheets["products"], "product", log)
    teams = _unique(sheets["teams"], "rep", log)
    for name, standard in (("sector", SECTORS), ("location", COUNTRIES)):
        accounts[name] = _one_spelling(sheets["accounts"], accounts, name, standard, log)
    _check_parents(sheets["accounts"], accounts, log)
    products["price"] = _prices(sheets["products"], products, log)
    deals = _unique(_named(sheets["deals"], log), "deal", log)
    deals["stage"] = read_stages(sheets["deals"], deals, mapping, log)
    known = {"rep": teams["rep"], "product": products["product"], "account": accounts["account"]}
    for name, names in known.items():
        deals[name] = _known(sheets["deals"], deals, name, tuple(names), log)
    for name in ("opened", "closed"):
        deals[name] = deals[name].where(deals[name] != "")
    deals = deals.assign(**read_dates(sheets["deals"], deals, date_order, log))
    deals["value"] = read_money(sheets["deals"], deals, "value", log)
    log.stop_on_errors()
    deals = check_deals(sheets["deals"], deals, products, log)
    return Crm(accounts, products, teams, deals, sheets)


def _prices(sheet: Sheet, products: pd.DataFrame, log: Log) -> pd.Series:
    """List prices; one below 0 counts as unknown."""
    prices = read_money(sheet, products, "price", log)
    for row, name, price in zip(products[ROW], products["product"], prices, strict=True):
        if price < 0:
            says = _(
                "{file} row {row}: the price of {product} is {price:g}; a price cannot be negative and counts as blank."
            )
            says = says.format(file=sheet.file, row=row, product=name, price=price)
            log.add("warning", "value", says, sheet=sheet, field_="price", rows=[row], value=f"{price:g}")
    return prices.where(prices >= 0)


def _named(sheet: Sheet, log: Log) -> Sheet:
    """Give deals without a code the number of their row as one."""
    blank = sheet.frame["deal"] == ""
    if not blank.any():
        return sheet
    rows = sheet.frame.loc[blank, ROW]
    says = _("{file}: deals without {column}: {n}, the first in row {row}. The number of the row stands for it.")
    says = says.format(file=sheet.file, n=len(rows), column=sheet.headings["deal"], row=rows.iloc[0])
    log.add("warning", "blank", says, sheet=sheet, field_="deal", rows=rows)
    named = sheet.frame["deal"].mask(blank, "row " + sheet.frame[ROW].astype(str))
    return replace(sheet, frame=sheet.frame.assign(deal=named))


def _unique(sheet: Sheet, key: str, log: Log) -> pd.DataFrame:
    """Rows with one key each: repeated rows once, rows without a key left out, contradictions refused."""
    frame = sheet.frame.copy()
    blank = frame[key] == ""
    if blank.any():
        says = _("{file}: rows without {column}: {n}, the first is {row}. They are left out.")
        rows = frame.loc[blank, ROW]
        says = says.format(file=sheet.file, n=len(rows), column=sheet.headings[key], row=rows.iloc[0])
        log.add("warning", "blank", says, sheet=sheet, field_=key, rows=rows)
    frame = frame[~blank]
    fields = [c for c in frame.columns if c != ROW]
    again = frame.duplicated(fields)
    for name, rows in frame[again].groupby(key, sort=False)[ROW]:
        says = _("{file} row {row}: {column} {value} stands there already with the same content; it is read once.")
        says = says.format(file=sheet.file, row=rows.iloc[0], column=sheet.headings[key], value=name)
        log.add("warning", "duplicate", says, sheet=sheet, field_=key, rows=rows, value=str(name))
    frame = frame[~again]
    for name, rows in frame[frame.duplicated(key)].groupby(key, sort=False)[ROW]:
        says = _("{file} row {row}: {column} {value} stands there already with other content. Keep one of the rows.")
        says = says.format(file=sheet.file, row=rows.iloc[0], column=sheet.headings[key], value=name)
        log.add("error", "duplicate", says, sheet=sheet, field_=key, rows=rows, value=str(name))
    return frame.reset_index(drop=True)


def _one_spelling(sheet: Sheet, frame: pd.DataFrame, name: str, standard: tuple[str, ...], log: Log) -> pd.Series:
    """Texts with one spelling each: the commonest of the data, and the usual name where a letter is off."""
    counts = frame.loc[frame[name] != "", name].value_counts()
    usual = {squash(s): s for s in standard}
    commonest: dict[str, str] = {}
    for value in counts.index:
        commonest.setdefault(squash(value), value)
    repaired: dict[str, str] = {}
    for value, count in counts.items():
        value, key = str(value), squash(str(value))
        rows = frame.loc[frame[name] == value, ROW]
        place = {"file": sheet.file, "n": count, "value": value, "column": sheet.headings[name]}
        if key in usual or not standard:
            meant = commonest[key]
        else:
            match = match_spelling(value, standard)
            meant = commonest[key]
            if match.how == "typo":
                meant = commonest.get(squash(match.name), match.name)
            else:
                says = _("{file}: {column} {value} (rows: {n}) is no usual name and is kept as it is.").format(**place)
                log.add("note", "spelling", says, sheet=sheet, field_=name, rows=rows, value=value)
        if meant != value:
            repaired[value] = meant
            says = _("{file}: {column} {value} (rows: {n}) is read as {meant}.").format(meant=meant, **place)
            log.add("warning", "spelling", says, sheet=sheet, field_=name, rows=rows, value=value)
    return frame[name].replace(repaired)


def _check_parents(sheet: Sheet, accounts: pd.DataFrame, log: Log) -> None:
    unknown = (accounts["parent"] != "") & ~accounts["parent"].isin(accounts["account"])
    for parent, rows in accounts[unknown].groupby("parent", sort=False)[ROW]:
        says = _("{file} row {row}: {column} {value} is no account of the export; the plan does not use it.")
        says = says.format(file=sheet.file, row=rows.iloc[0], column=sheet.headings["parent"], value=parent)
        log.add("note", "reference", says, sheet=sheet, field_="parent", rows=rows, value=str(parent))


def _known(sheet: Sheet, deals: pd.DataFrame, name: str, names: tuple[str, ...], log: Log) -> pd.Series:
    """Names as their own table spells them; an unknown product is refused, an unknown account or rep is kept."""
    filled = deals.loc[deals[name] != ""]
    repaired: dict[str, str] = {}
    for value, rows in filled.loc[~filled[name].isin(names)].groupby(name, sort=False)[ROW]:
        match = match_spelling(str(value), names)
        place = {
            "file": sheet.file,
            "n": len(rows),
            "row": rows.iloc[0],
            "value": value,
            "column": sheet.headings[name],
        }
        if match.name:
            repaired[str(value)] = match.name
            says = _("{file}: {column} {value} (rows: {n}, the first is {row}) is read as {meant}.")
            log.add(
                "warning",
                "spelling",
                says.format(meant=match.name, **place),
                sheet=sheet,
                field_=name,
                rows=rows,
                value=str(value),
            )
            continue
        near = _(" Did you mean {names}?").format(names=_(" or ").join(match.near)) if match.near else ""
        if name == "product":
            says = _("{file}: {column} {value} (rows: {n}, the first is {row}) is not among the products.")
            log.add(
                "error", "reference", says.format(**place) + near, sheet=sheet, field_=name, rows=rows, value=str(value)
            )
        else:
            says = _(
                "{file}: {column} {value} (rows: {n}, the first is {row}) stands in no other file; "
                "nothing more is known of it."
            )
            log.add(
                "warning",
                "reference",
                says.format(**place) + near,
                sheet=sheet,
                field_=name,
                rows=rows,
                value=str(value),
            )
    return deals[name].replace(repaired)
