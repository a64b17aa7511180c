"""Text of cells to typed arrays, by the type that the dictionary declares; whole columns at a time."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.schema.cells import Cells, Texts
from allocator.schema.dictionary import Column
from allocator.scopes import parse_scope, split_codes
from allocator.texts import N_

NUMERIC = {"number", "integer", "share", "money"}
FLAGS = {"yes": True, "true": True, "1": True, "是": True, "no": False, "false": False, "0": False, "否": False}
EARLIEST, LATEST = 1900, 2200
_PLAIN = frozenset("0123456789.+-")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_UNIT = re.compile(r"(?<=[\d.千万亿])\s*元$")
_TENS = {"千": 3, "万": 4, "百万": 6, "千万": 7, "亿": 8, "十亿": 9, "百亿": 10, "千亿": 11, "万亿": 12}
"""Chinese words behind a number, and how many places they move its point."""
_TENS_WORD = re.compile(r"\s*(千|万|百万|千万|亿|十亿|百亿|千亿|万亿)$")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})-|/(\d{1,2})/|\.(\d{1,2})\.|年(\d{1,2})月)(\d{1,2})日?(?:[ T]00:00(?::00)?)?")
_MONTH = re.compile(r"(\d{4})(?:-|/|年)(\d{1,2})(?:月|[-/]0?1(?:[ T]00:00(?::00)?)?)?")
_QUARTER = re.compile(r"(\d{4})(?:[- 年])?(?:[Qq]([1-4])|第?([1-4一二三四])季度?)")
_SOLID_DATE = re.compile(r"(19|20|21)\d{2}(0[1-9]|1[0-2])[0-3]\d")
_SOLID_MONTH = re.compile(r"(19|20|21)\d{2}(0[1-9]|1[0-2])")
_NOT_FINITE = {"nan", "inf", "infinity", "+inf", "-inf", "-infinity", "n/a", "#n/a", "null", "none", "#value!", "#ref!"}

EXPECTED = {
    "number": N_("Expected a number, such as 12.5."),
    "integer": N_("Expected a whole number."),
    "share": N_("Expected a share, such as 0.25 or 25%."),
    "money": N_("Expected an amount, such as 1200000, 1,200,000 or 120万."),
    "date": N_("Expected a date, such as 2026-03-01."),
    "month": N_("Expected a month, such as 2026-03."),
    "period": N_("Expected a year, a quarter or a month: 2026, 2026-Q1 or 2026-03."),
    "scope": N_("Expected key=value parts separated by semicolons, such as unit=East; class=star."),
    "flag": N_("Expected yes or no."),
    "priority": N_("Expected hard, or a whole number from 1."),
    "nan": N_("This is not a number. Leave the cell blank if the value is not known."),
}


@dataclass(frozen=True)
class Parsed:
    """A typed column; ``bad`` marks the cells that are not of the type, ``missing`` those that say NaN or infinity."""

    data: Any
    bad: NDArray[np.bool_]
    nan: NDArray[np.bool_]


def parse(texts: Texts, column: Column) -> Parsed:
    """Type the texts of a column, stripped of blanks around them; blank cells get the default."""
    if column.default:
        texts = np.where(texts == "", column.default, texts)
    if column.type in NUMERIC:
        return _numbers(texts, column)
    if column.type == "date":
        return _dates(texts)
    if column.type == "flag":
        values, bad = _each(texts, lambda t: FLAGS[t.casefold()], False, blank=False)
        return Parsed(values.astype(bool), bad, np.zeros(len(texts), bool))
    if column.type == "codes":
        values, bad = _each(texts, split_codes, ())
        return Parsed(values, bad, bad)
    read = {"month": _month, "period": _period, "scope": _scope, "priority": _priority, "choice": str.casefold}
    if column.type in read:
        values, bad = _each(texts, read[column.type], "")
    else:
        values, bad = texts, np.zeros(len(texts), bool)
    return Parsed(pd.array(values, dtype="str"), bad, np.zeros(len(texts), bool))


def parse_cells(cells: Cells, column: Column) -> Parsed:
    """Type a column, each of its words once; blank cells get the default."""
    if cells.words.dtype != object and column.type in NUMERIC:
        empty = _numbers(np.array([column.default], dtype=object), column)
        values = cells.words.astype(np.float64)
        nan = ~np.isfinite(values)
        parsed = _of_type(np.where(nan, np.nan, values), nan.copy(), nan, column)
        data = np.append(parsed.data, empty.data)
        bad, nan = np.append(parsed.bad, False), np.append(parsed.nan, False)  # the last is what −1 points at
    else:
        parsed = parse(np.append(cells.told(), ""), column)
        data, bad, nan = parsed.data, parsed.bad, parsed.nan
    return Parsed(data.take(cells.codes), bad[cells.codes], nan[cells.codes])


def blank(column: Column, rows: int) -> Any:
    """Return the values of a column that the user has not got."""
    return parse(np.array([""], dtype=object), column).data.take(np.zeros(rows, dtype=np.int64))


def _each(
    texts: Texts, read: Callable[[str], Any], empty: Any, *, blank: bool = True
) -> tuple[Texts, NDArray[np.bool_]]:
    """Read each different text once; ``read`` raises ValueError or KeyError on a text it refuses."""
    codes, words = pd.factorize(texts)
    values = np.empty(len(words), dtype=object)
    bad = np.zeros(len(words), bool)
    for i, word in enumerate(words):
        try:
            values[i] = empty if blank and word == "" else read(word)
        except (ValueError, KeyError):
            values[i], bad[i] = empty, True
    return values[codes], bad[codes]


def _numbers(texts: Texts, column: Column) -> Parsed:
    values = _quick_numbers(texts)
    nan = np.zeros(len(texts), bool)
    bad = np.zeros(len(texts), bool)
    if values is None:
        objects, bad = _each(texts, lambda t: _number(t, column.type), np.nan)
        values = objects.astype(np.float64)
        nan = bad & np.isin([t.casefold() for t in texts], list(_NOT_FINITE))
    return _of_type(values, bad, nan, column)


def _of_type(values: NDArray[np.float64], bad: NDArray[np.bool_], nan: NDArray[np.bool_], column: Column) -> Parsed:
    """Numbers of the column's type: whole ones where it has no others."""
    if column.type == "integer":
        broken = np.isfinite(values) & (np.abs(values) > 2**53)
        broken |= np.isfinite(values) & (values != np.round(values))
        bad |= broken
        values = np.where(broken, np.nan, values)
    if column.whole:
        return Parsed(np.nan_to_num(values).astype(np.int64), bad, nan)
    return Parsed(values + 0.0, bad, nan)  # + 0.0 makes -0 a plain 0


def _quick_numbers(texts: Texts) -> NDArray[np.float64] | None:
    """Convert digits, signs and points alone; None if any text needs a closer look."""
    if not _PLAIN.issuperset("".join(texts)):
        return None
    try:
        return np.array([float(t) if t else np.nan for t in texts], dtype=np.float64)
    except ValueError:
        return None


def _number(text: str, kind: str) -> float:
    text = unicodedata.normalize("NFKC", text)
    power = 0
    if kind != "share":
        text = _UNIT.sub("", text)
        if tens := _TENS_WORD.search(text):
            text, power = text[: tens.start()], _TENS[tens[1]]
    if kind in ("share", "number") and text.endswith("%"):
        text, power = text[:-1].rstrip(), power - 2
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if not _NUMBER.fullmatch(text) or (power and "e" in text.casefold() and kind != "share"):
        raise ValueError(text)
    # 12.5% is exactly what 0.125 would be: shift the decimal point, do not divide.
    value = float(f"{text}e{power}" if power and "e" not in text.casefold() else text)
    if not np.isfinite(value):
        raise ValueError(text)
    return value


def read_number(text: str) -> float:
    """Read an amount, such as 1200000, 1,200,000, 120万 or 1.2亿元.

    Raises
    ------
    ValueError
        If the text is no finite number.
    """
    return _number(text, "money")


def _dates(texts: Texts) -> Parsed:
    values, bad = _each(texts, _date, pd.NaT)
    return Parsed(
        pd.DatetimeIndex(pd.to_datetime(pd.Series(values, dtype=object))).as_unit("us"), bad, np.zeros(len(texts), bool)
    )


def _date(text: str) -> pd.Timestamp:
    return pd.Timestamp(read_date(text))


def read_date(text: str) -> dt.date:
    """Read a date, such as 2026-03-01, 2026/3/1 or 2026年3月1日.

    Raises
    ------
    ValueError
        If the text is no date, or one that no business has.
    """
    text = unicodedata.normalize("NFKC", text)
    if _SOLID_DATE.fullmatch(text):
        text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
    found = _DATE.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, *months, day = found.groups()
    if not EARLIEST <= int(year) <= LATEST:
        raise ValueError(text)
    return dt.date(int(year), int(next(m for m in months if m)), int(day))


def _month(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    if _SOLID_MONTH.fullmatch(text):
        text = f"{text[:4]}-{text[4:]}"
    found = _MONTH.fullmatch(text)
    if not found or not 1 <= int(found[2]) <= 12:
        raise ValueError(text)
    return f"{found[1]}-{int(found[2]):02d}"


def _period(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    if re.fullmatch(r"\d{4}年?", text):
        return text[:4]
    if found := _QUARTER.fullmatch(text):
        return f"{found[1]}-Q{found[2] or '一二三四'.find(found[3]) + 1 or found[3]}"
    return _month(text)


def _scope(text: str) -> str:
    return "; ".join(f"{key}={', '.join(values)}" for key, values in parse_scope(text).items())


def _priority(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).casefold()
    if text in {"hard", "硬性"}:
        return "hard"
    if not re.fullmatch(r"0*[1-9]\d{0,5}(\.0)?", text):
        raise ValueError(text)
    return str(int(float(text)))
