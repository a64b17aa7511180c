"""What may stand in a cell, said where the change is written and not only when the whole model is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from allocator.scenarios.scenario import Change, Written
from allocator.schema.dictionary import Column, dictionary
from allocator.schema.findings import Report, did_you_mean, words
from allocator.schema.parsing import EXPECTED, NUMERIC, parse
from allocator.schema.tables import REQUIRED
from allocator.texts import _


class Refused(Exception):
    """A change that cannot be made, and why."""

    def __init__(self, rule: str, says: str, column: str, value: str) -> None:
        super().__init__(says)
        self.rule, self.says, self.column, self.value = rule, says, column, value


class Admitting:
    """Checks new values by the dictionary; what they refer to is looked up at the end.

    Parameters
    ----------
    report : Report
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._pending: list[tuple[Written, Column, tuple[str, ...]]] = []

    def values(self, change: Change, column: Column, texts: Sequence[str]) -> Any:
        """Texts as values of a column.

        Raises
        ------
        Refused
            If one is not of the column's type, not among its choices, or blank where a value is needed.
        """
        parsed = parse(np.array([*texts], dtype=object), column)
        if parsed.bad.any():
            k = int(np.argmax(parsed.bad))
            rule = "nan" if parsed.nan[k] and column.type in NUMERIC else column.type
            raise Refused(rule, _(EXPECTED[rule]), column.name, texts[k])
        if column.required and "" in texts:
            raise Refused("required", _(REQUIRED), column.name, "")
        if column.choices:
            for text, value in zip(texts, parsed.data, strict=True):
                if value not in (*column.choices, ""):
                    says = _("Expected one of: {choices}.").format(choices=", ".join(column.choices))
                    raise Refused("choice", says, column.name, text)
        if column.references:
            codes = [v if isinstance(v, tuple) else (str(v),) for v in parsed.data]
            self._pending.append((change.written, column, tuple(dict.fromkeys(c for v in codes for c in v))))
        return parsed.data

    def number(self, column: Column, text: str) -> float:
        """A text as the number that a cell is multiplied by, or that is added to it; 90% is 0.9.

        Raises
        ------
        Refused
            If the column holds no numbers, or the text is none.
        """
        if column.type not in NUMERIC:
            raise Refused("number", _("Only numbers can be multiplied or added to."), column.name, text)
        parsed = parse(np.array([text], dtype=object), replace(column, type="share", default="", required=False))
        if parsed.bad[0] or np.isnan(parsed.data[0]):
            raise Refused("number", _(EXPECTED["number"]), column.name, text)
        return float(parsed.data[0])

    def range(self, column: Column, after: pd.Series) -> None:
        """See that numbers lie within the bounds of their column.

        Raises
        ------
        Refused
            If one does not.
        """
        if column.type not in NUMERIC:
            return
        if column.least is not None and (after < column.least).any():
            says = _("Expected {least} or more.").format(least=f"{column.least:g}")
            raise Refused("range", says, column.name, f"{after.min():g}")
        if column.most is not None and (after > column.most).any():
            says = _("Expected {most} or less.").format(most=f"{column.most:g}")
            raise Refused("range", says, column.name, f"{after.max():g}")

    def period(self, text: str) -> str:
        """A period in the spelling of the dictionary; as it is where it is none."""
        parsed = parse(np.array([text], dtype=object), dictionary()["budget"].columns["from"])
        return text if parsed.bad[0] else str(parsed.data[0])

    def references(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Find values that refer to what is not there."""
        for at, column, codes in self._pending:
            other, _dot, key = column.references.partition(".")
            known = words(frames[other][key])
            for code in codes:
                if code not in known | {""}:
                    says = _("Not in {table}, column {column}.").format(table=other, column=key)
                    says += did_you_mean(code, known)
                    self._report.add_at(
                        "error", at.label, "reference", says, row=at.row, column=column.name, value=code
                    )
        self._pending.clear()
