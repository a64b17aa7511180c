"""Changes of tables: which cells they touch, what they make of them, and the record of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import Model, Settings
from allocator.periods import Calendar
from allocator.scenarios.scenario import Change
from allocator.schema.dictionary import SETTINGS, Column, dictionary, table_named
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.parsing import EXPECTED, NUMERIC, blank, parse
from allocator.schema.settings import Entry, make_settings, setting_rows
from allocator.schema.writing import cell_texts
from allocator.texts import _

COLUMNS = ("scenario", "table", "key", "column", "before", "after")
"""Columns of ``changes.csv``."""
COMPOSE = ("multiply", "add")
"""Operations of which two scenarios may do the same to one cell, in any order."""


@dataclass(frozen=True)
class _Touch:
    """What a scenario did to the cells of a column."""

    scenario: str
    operation: str
    rows: NDArray[np.int64]


class Changing:
    """The tables of a model while scenarios change them.

    Parameters
    ----------
    model : Model
    report : Report
        Takes what cannot be done, with the place where it is written.

    Attributes
    ----------
    settings : Settings
    frames : dict of str to DataFrame
        Row labels stay with their rows: those that are added get new ones.
    """

    def __init__(self, model: Model, report: Report) -> None:
        self.settings: Settings = model.settings
        self.frames = dict(model.tables)
        self.report = report
        self._calendar = model.calendar
        self._ancestors = model.ancestors
        self._touched: dict[tuple[str, str], list[_Touch]] = {}
        self._records: list[pd.DataFrame] = []
        self._next = {name: len(frame) for name, frame in self.frames.items()}
        self.scenario = ""

    @property
    def records(self) -> pd.DataFrame:
        """Every touched cell before and after; a row that came or went has all its cells."""
        if not self._records:
            return pd.DataFrame({c: pd.Series(dtype="str") for c in COLUMNS})
        return pd.concat(self._records, ignore_index=True)

    @property
    def calendar(self) -> Calendar:
        """Months of the plan."""
        return self._calendar

    def apply(self, change: Change) -> None:
        """Apply one change; where it cannot be, say why."""
        name = table_named(change.table)
        if name is None:
            known = [*dictionary(), SETTINGS]
            self._error(change, "table", _("Unknown table.") + did_you_mean(change.table, known), change.table)
        elif name == SETTINGS:
            self._set_settings(change)
        else:
            change = self._named(replace(change, table=name))
            if change.operation == "append":
                self._append(change)
            else:
                self._change_rows(change)

    def _named(self, change: Change) -> Change:
        """The change with the dictionary's names of its columns."""
        table = dictionary()[change.table]

        def names(pairs: Mapping[str, Any]) -> dict[str, Any]:
            return {table.column_named(key) or key: value for key, value in pairs.items()}

        return replace(change, where=names(change.where), cells=names(change.cells))

    # Which rows

    def select(self, change: Change) -> NDArray[np.int64] | None:
        """Labels of the rows that a change is about; None where that cannot be told or there are none."""
        frame = self.frames[change.table]
        held = np.ones(len(frame), bool)
        for key, wanted in change.where.items():
            part = self._held(change.table, frame, key, wanted)
            if part is None:
                keys = [*dictionary()[change.table].columns, *self._attributes(change.table)]
                self._error(change, "column", _("Unknown column.") + did_you_mean(key, keys), key)
                return None
            held &= part
        rows = frame.index.to_numpy()[held]
        if not len(rows):
            where = "; ".join(f"{k}={', '.join(v)}" for k, v in change.where.items())
            self._error(change, "selector", _("No row of {table} is like this.").format(table=change.table), where)
            return None
        return np.asarray(rows, np.int64)

    def _held(self, table: str, frame: pd.DataFrame, key: str, wanted: Sequence[str]) -> NDArray[np.bool_] | None:
        values = self.attribute(table, frame, key)
        if values is None:
            return None
        if key == "unit":
            wanted = [u for u, chain in self._ancestors.items() if not set(wanted).isdisjoint(chain)]
        if values.dtype == object:  # codes
            return np.array([not set(wanted).isdisjoint(v) for v in values], bool)
        column = self._column(table, key)
        if column is not None and values.dtype.kind in "fibM":
            parsed = parse(np.array(list(wanted), dtype=object), column)
            return np.asarray(values.isin(pd.Series(parsed.data)[~parsed.bad]))
        return np.asarray(values.isin(list(wanted)))

    def attribute(self, table: str, frame: pd.DataFrame, key: str) -> pd.Series | None:
        """A column of a table's rows, or of what they refer to; None where there is none of that name.

        ``unit`` of a client is that of its owner, else its own.
        """
        if key in frame and not (table == "clients" and key == "unit"):
            return frame[key]
        if table == "clients" and key == "unit":
            home = self.frames["reps"].set_index("rep")["unit"]
            return frame["owner"].map(home).fillna(frame["unit"]).astype("str")
        for column in dictionary()[table].columns.values():
            other, _dot, code = column.references.partition(".")
            if column.type != "code" or other in ("", table, "units"):
                continue
            there = self.frames[other]
            found = self.attribute(other, there, key) if key in self._attributes(table) else None
            if found is not None:
                return frame[column.name].map(pd.Series(found.to_numpy(), index=there[code])).fillna("").astype("str")
        return None

    def _attributes(self, table: str) -> list[str]:
        """Attributes that rows of a table have through what they refer to."""
        out = []
        for column in dictionary()[table].columns.values():
            other = column.references.partition(".")[0]
            if column.type == "code" and other not in ("", table, "units"):
                out += [*dictionary()[other].columns, *(() if other == "reps" else self._attributes(other))]
        return out

    def _column(self, table: str, key: str) -> Column | None:
        if key in dictionary()[table].columns:
            return dictionary()[table].columns[key]
        return next((t.columns[key] for t in dictionary().values() if key in t.columns), None)

    # What becomes of them

    def _change_rows(self, change: Change) -> None:
        columns = dictionary()[change.table].columns
        for name in change.cells:
            if name not in columns:
                self._error(change, "column", _("Unknown column.") + did_you_mean(name, columns), name)
                return
        if change.start or change.end:
            dated = self._dated(change)
            if dated is None:
                return
            change = dated
        rows = self.select(change)
        if rows is None:
            return
        if change.operation == "remove":
            self._remove(change, rows)
        for name, text in change.cells.items():
            self._cells(change, rows, columns[name], text)

    def _dated(self, change: Change) -> Change | None:
        """A change that works in some months only, as a change of rows that have a month."""
        months = self._months(change)
        if months is None:
            return None
        if change.table == "demand" and change.operation == "multiply":
            self._shift(change, months)
            return None
        if "month" not in dictionary()[change.table].columns:
            says = _("The rows of {table} have no month: from and to mean nothing here.").format(table=change.table)
            self._error(change, "date", says, change.start or change.end)
            return None
        self._spell_out(change.table)
        return replace(change, where={**change.where, "month": months}, start="", end="")

    def _months(self, change: Change) -> tuple[str, ...] | None:
        """Months of the plan from and to which a change works."""
        months = self._calendar.months
        start, end = change.start or months[0], change.end or months[-1]
        inside = tuple(m for m in months if start <= m <= end)
        if len(start) != 7 or len(end) != 7 or not inside:
            says = _("Expected months of the plan, from {start} to {end}.").format(start=months[0], end=months[-1])
            self._error(change, "date", says, f"{change.start} {change.end}".strip())
            return None
        return inside

    def _spell_out(self, table: str) -> None:
        """Replace rows that stand for every month by a row for each."""
        frame = self.frames[table]
        if not (frame["month"] == "").any():
            return
        key = [c for c in dictionary()[table].key if c != "month"]
        every = frame[frame["month"] == ""]
        rows = every.drop(columns="month").merge(pd.DataFrame({"month": self._calendar.months}), how="cross")
        there = pd.MultiIndex.from_frame(frame[[*key, "month"]])
        rows = rows[~pd.MultiIndex.from_frame(rows[[*key, "month"]]).isin(there)][list(frame.columns)]
        rows = rows.astype(frame.dtypes.to_dict())
        self._record(table, every, None)
        self._record(table, None, rows)
        self._drop(table, every.index.to_numpy())
        self._add(table, rows)

    def _shift(self, change: Change, months: tuple[str, ...]) -> None:
        """A factor on the demand of some months is a row of ``shifts``."""
        if self.select(change) is None:
            return
        factors = set(change.cells.values())
        if len(factors) != 1:
            says = _("From and to need one factor for expected and ceiling alike.")
            self._error(change, "date", says, ", ".join(sorted(factors)))
            return
        number = sum(str(s).startswith(f"{self.scenario} ") for s in self.frames["shifts"]["shift"]) + 1
        scope = "; ".join(f"{k}={', '.join(v)}" for k, v in change.where.items())
        row = {"shift": f"{self.scenario} {number}", "scope": scope, "from": months[0], "to": months[-1]}
        self._append(replace(change, table="shifts", where={}, cells={**row, "factor": factors.pop()}))

    def _cells(self, change: Change, rows: NDArray[np.int64], column: Column, text: str) -> None:
        frame = self.frames[change.table]
        before = frame.loc[rows, column.name]
        if change.operation == "set":
            parsed = parse(np.array([text], dtype=object), column)
            if parsed.bad[0]:
                self._error(change, column.type, _(EXPECTED.get(column.type, "Not accepted.")), text, column.name)
                return
            after = pd.Series([parsed.data[0]] * len(rows), index=before.index)
            after = after.astype(before.dtype) if before.dtype != object else after
        else:
            found = self._computed(change, before, column, text)
            if found is None:
                return
            after = found
        if not self._may(change, column.name, rows):
            return
        self._write(change.table, column.name, rows, before, after)

    def _computed(self, change: Change, before: pd.Series, column: Column, text: str) -> pd.Series | None:
        """Multiplied or added to; blanks stay blank."""
        number = parse(np.array([text], dtype=object), replace(column, type="number", default=""))
        if column.type not in NUMERIC or number.bad[0] or np.isnan(number.data[0]):
            says = (
                _("Only numbers can be multiplied or added to.")
                if column.type not in NUMERIC
                else _(EXPECTED["number"])
            )
            self._error(change, "number", says, text, column.name)
            return None
        if before.isna().all():
            says = _("The cells are blank: there is nothing to change. Set them instead.")
            self._error(change, "blank", says, "", column.name)
            return None
        factor = float(number.data[0])
        after = before * factor if change.operation == "multiply" else before + factor
        if column.type == "integer":
            after = after.round()
        return after.astype(before.dtype)

    def _remove(self, change: Change, rows: NDArray[np.int64]) -> None:
        columns = dictionary()[change.table].columns
        if all(self._may(change, name, rows) for name in columns):
            self._record(change.table, self.frames[change.table].loc[rows], None)
            self._drop(change.table, rows)

    def _append(self, change: Change) -> None:
        columns = dictionary()[change.table].columns
        row: dict[str, Any] = {}
        for name, text in change.cells.items():
            if name not in columns:
                self._error(change, "column", _("Unknown column.") + did_you_mean(name, columns), name)
                return
            parsed = parse(np.array([text], dtype=object), columns[name])
            if parsed.bad[0]:
                self._error(
                    change, columns[name].type, _(EXPECTED.get(columns[name].type, "Not accepted.")), text, name
                )
                return
            row[name] = parsed.data
        missing = [n for n, c in columns.items() if c.required and n not in row]
        if missing:
            says = _("A new row of {table} also needs {columns}.").format(
                table=change.table, columns=", ".join(missing)
            )
            self._error(change, "required", says, "")
            return
        frame = self.frames[change.table]
        added = pd.DataFrame({n: row.get(n, blank(c, 1)) for n, c in columns.items()}).astype(frame.dtypes.to_dict())
        self._record(change.table, None, added)
        self._add(change.table, added)

    def _set_settings(self, change: Change) -> None:
        if change.operation != "set" or change.where or change.start or change.end:
            self._error(change, "change", _("Settings can only be set."), change.operation)
            return
        entries = {k: Entry(v, change.written.row) for k, v in setting_rows(self.settings)}
        before = {k: str(e.value) for k, e in entries.items()}
        entries |= {k: Entry(v, change.written.row) for k, v in change.cells.items()}
        settings = make_settings(entries, change.written.label, self.report)
        if settings is None or not all(self._may(change, k, np.zeros(1, np.int64)) for k in change.cells):
            return
        self.settings = settings
        rows = [(self.scenario, SETTINGS, "", k, before.get(k, ""), v) for k, v in change.cells.items()]
        self._records.append(pd.DataFrame(rows, columns=list(COLUMNS)))

    # Book-keeping

    def _may(self, change: Change, column: str, rows: NDArray[np.int64]) -> bool:
        """Whether no other scenario did something to these cells that does not go together with this."""
        touched = self._touched.setdefault((change.table, column), [])
        for other in touched:
            alike = change.operation == other.operation and change.operation in COMPOSE
            if other.scenario == self.scenario or change.over or alike:
                continue
            both = rows[np.isin(rows, other.rows)]
            if len(both):
                says = _("The scenario {other} has changed this too ({operation}). Say over: true to override it.")
                says = says.format(other=other.scenario, operation=other.operation)
                self._error(change, "clash", says, change.operation, column)
                return False
        touched.append(_Touch(self.scenario, change.operation, rows))
        return True

    def _write(self, table: str, column: str, rows: NDArray[np.int64], before: pd.Series, after: pd.Series) -> None:
        texts = np.array(cell_texts(before), object), np.array(cell_texts(after), object)
        changed = texts[0] != texts[1]
        frame = self.frames[table].copy()
        if after.dtype == object:
            values = {**dict(zip(frame.index, frame[column], strict=True)), **dict(zip(rows, after, strict=True))}
            frame[column] = pd.Series(values, dtype=object)
        else:
            frame.loc[rows, column] = after
        keys = self._keys(table, self.frames[table].loc[rows])
        self.frames[table] = frame
        self._records.append(
            pd.DataFrame(
                {
                    **{"scenario": self.scenario, "table": table, "key": keys[changed], "column": column},
                    **{"before": texts[0][changed], "after": texts[1][changed]},
                }
            )
        )

    def _record(self, table: str, gone: pd.DataFrame | None, come: pd.DataFrame | None) -> None:
        """Every cell of rows that go or come."""
        rows = gone if come is None else come
        assert rows is not None
        keys = self._keys(table, rows)
        for column in rows.columns:
            texts = np.array(cell_texts(rows[column]), object)
            nothing = np.full(len(texts), "", object)
            before, after = (texts, nothing) if come is None else (nothing, texts)
            of = {"scenario": self.scenario, "table": table, "key": keys, "column": column}
            self._records.append(pd.DataFrame({**of, "before": before, "after": after}))

    def _keys(self, table: str, rows: pd.DataFrame) -> NDArray[np.object_]:
        names = dictionary()[table].key
        texts = [cell_texts(rows[n]) for n in names]
        return np.array(
            ["; ".join(f"{n}={v}" for n, v in zip(names, k, strict=True)) for k in zip(*texts, strict=True)], object
        )

    def _drop(self, table: str, rows: NDArray[np.int64]) -> None:
        self.frames[table] = self.frames[table].drop(index=rows.tolist())

    def _add(self, table: str, rows: pd.DataFrame) -> None:
        first = self._next[table]
        self._next[table] += len(rows)
        rows = rows.set_axis(pd.RangeIndex(first, first + len(rows)))
        self.frames[table] = pd.concat([self.frames[table], rows])

    def _error(self, change: Change, rule: str, says: str, value: str, column: str = "") -> None:
        at = change.written
        self.report.add_at("error", at.label, rule, says, row=at.row, column=column or change.table, value=value)
