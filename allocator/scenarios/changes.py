"""Changes of tables: which cells they touch, what they make of them, and whether scenarios go together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.model import Model, Settings
from allocator.scenarios.admitting import Admitting, Refused
from allocator.scenarios.recording import Records, keys
from allocator.scenarios.scenario import Change, Texts
from allocator.scenarios.selecting import Unselected, attribute, select, spelled
from allocator.scenarios.working import Labels, Working
from allocator.schema.dictionary import SETTINGS, Column, Table, dictionary, table_named
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.parsing import blank
from allocator.schema.settings import Entry, make_settings, setting_rows
from allocator.schema.targets import CLIENT, PRODUCT, REP
from allocator.texts import _

COMPOSE = ("multiply", "add")
"""Operations of which several scenarios may do the same to one cell, in any order."""


@dataclass(frozen=True)
class _Touch:
    """What a scenario did to the cells of a column."""

    scenario: str
    operation: str
    rows: Labels
    text: str = ""


class Changing:
    """The tables of a model while scenarios change them.

    A scenario reads the model with its own changes and without those of the others, so that their order does not matter;
    what it changes is changed in the tables of all.

    Parameters
    ----------
    model : Model
    report : Report
        Takes what cannot be done, with the place where it is written.
    """

    def __init__(self, model: Model, report: Report) -> None:
        self.settings: Settings = model.settings
        self.calendar = model.calendar
        self.report = report
        self.scenario = ""
        self.records = Records()
        self._given = model.tables
        self._base = dict(model.tables)
        self._all = Working(model.tables)
        self._views: dict[str, Working] = {}
        self._admitting = Admitting(report)
        self._touched: dict[tuple[str, str], list[_Touch]] = {}
        self._next = {name: len(frame) for name, frame in model.tables.items()}
        self._spelled: dict[tuple[str, int], dict[str, int]] = {}

    @property
    def frames(self) -> Mapping[str, pd.DataFrame]:
        """Tables as the scenario at work reads them."""
        return self._view.frames

    @property
    def changed(self) -> Mapping[str, pd.DataFrame]:
        """Tables with the changes of all scenarios."""
        return self._all.frames

    @property
    def touched(self) -> set[str]:
        """Names of the tables that were changed."""
        return {name for name, frame in self._all.frames.items() if frame is not self._given[name]}

    @property
    def _view(self) -> Working:
        return self._views[self.scenario]

    def begin(self, scenario: str) -> None:
        """Go on with a scenario."""
        self.scenario = scenario
        if scenario not in self._views:
            self._views[scenario] = Working(self._base)

    def finish(self) -> None:
        """Say of new values whether what they refer to is there, now that all rows have come and gone."""
        self._admitting.references(self.changed)

    def apply(self, change: Change) -> None:
        """Apply one change; where it cannot be, say why."""
        name = table_named(change.table)
        try:
            if name is None:
                known = [*dictionary(), SETTINGS]
                raise Refused("table", _("Unknown table.") + did_you_mean(change.table, known), "table", change.table)
            change = replace(change, table=name)
            if name == SETTINGS:
                self._set_settings(change)
            elif change.operation == "append":
                self._append(self._named(change))
            else:
                self._change_rows(self._named(change))
        except (Refused, Unselected) as refused:
            self._error(change, refused.rule, refused.says, refused.column, refused.value)

    def _named(self, change: Change) -> Change:
        """The change with the dictionary's names of its columns; findings for cells that have none."""
        table = dictionary()[change.table]
        where = {table.column_named(k) or k: v for k, v in change.where.items()}
        cells = {table.column_named(k) or k: v for k, v in change.cells.items()}
        more = tuple({table.column_named(k) or k: v for k, v in row.items()} for row in change.more)
        for name in [n for n in cells if n not in table.columns]:
            self._error(
                change, "column", _("Unknown column.") + did_you_mean(name, table.columns), name, cells.pop(name)
            )
        return replace(change, where=where, cells=cells, more=more)

    # Rows that are there

    def _change_rows(self, change: Change) -> None:
        if not change.cells and change.operation != "remove":
            return
        share: NDArray[np.float64] | float = 1.0
        if change.start or change.end:
            if change.table == "demand" and change.operation == "multiply":
                self._shift(change)
                return
            if change.table == "budget" and change.operation == "multiply":
                rows, share = self._windows(change)
            else:
                rows = select(self.frames, change.table, self._in_months(change))
        else:
            rows = select(self.frames, change.table, change.where)
        if change.operation == "remove":
            self._remove(change, rows)
            return
        for name, text in change.cells.items():
            try:
                self._cells(change, rows, dictionary()[change.table].columns[name], text, share)
            except Refused as refused:
                self._error(change, refused.rule, refused.says, refused.column, refused.value)

    def _in_months(self, change: Change) -> dict[str, Texts]:
        """Selector of a change that works in some months, for a table whose rows have a month."""
        months = self.months(change.start, change.end)
        column = dictionary()[change.table].columns.get("month")
        if column is None:
            says = _("Rows of {table} have no month, so from and to mean nothing here.").format(table=change.table)
            raise Refused("date", says, "from", change.start or change.end)
        if not column.required:
            self._spell_out(change.table)
        rows = self.frames[change.table].loc[select(self.frames, change.table, change.where)]
        there = [m for m in months if (rows["month"] == m).any()]
        if not there:
            says = _("No row of {table} lies in these months.").format(table=change.table)
            raise Refused("date", says, "from", change.start or change.end)
        return {**change.where, "month": tuple(there)}

    def months(self, start: str, end: str) -> tuple[str, ...]:
        """Months of the plan from one period to another, both inclusive; blank is open.

        Raises
        ------
        Refused
            If they are no periods, or hold no month of the plan.
        """
        months = self.calendar.months
        known = {p: self.calendar.window(p) for p in ("", *months, *self.calendar.quarters, *self.calendar.years)}
        first, last = self._admitting.period(start), self._admitting.period(end)
        if first not in known or last not in known or known[first][0] > known[last][-1]:
            says = _("Expected periods of the plan, from {start} to {end}.").format(start=months[0], end=months[-1])
            raise Refused(
                "date", says, "from" if first not in known or last in known else "to", f"{start} {end}".strip()
            )
        return tuple(months[int(known[first][0]) : int(known[last][-1]) + 1])

    def _windows(self, change: Change) -> tuple[Labels, NDArray[np.float64]]:
        """Budget lines whose windows hold some of the months, and the share of the window that does."""
        inside = set(self.months(change.start, change.end))
        rows = select(self.frames, "budget", change.where)
        shares = []
        for start, end in self.frames["budget"].loc[rows, ["from", "to"]].itertuples(index=False):
            first, last = self.calendar.window(start)[0], self.calendar.window(end)[-1]
            window = self.calendar.months[int(first) : int(last) + 1]
            shares.append(sum(m in inside for m in window) / len(window))
        share = np.array(shares)
        if not share.any():
            says = _("None of these lines may spend in these months.")
            raise Refused("date", says, "from", change.start or change.end)
        return rows[share > 0], share[share > 0]

    def _shift(self, change: Change) -> None:
        """A factor on the demand of some months is a row of ``shifts``."""
        months = self.months(change.start, change.end)
        rows = select(self.frames, "demand", change.where)
        factors = set(change.cells.values())
        if len(factors) != 1 or "expected" not in change.cells:
            says = _("With from and to, expected and its ceiling move by one factor. Multiply expected.")
            raise Refused("date", says, "multiply", ", ".join(change.cells))
        names = {"owner": "rep"}
        where = {names.get(k, k): v for k, v in change.where.items()}
        for key in where:
            if key not in REP | CLIENT | PRODUCT:
                says = _("With from and to, where may name: {names}.")
                raise Refused("scope", says.format(names=", ".join(sorted(REP | CLIENT | PRODUCT))), key, "")
        for name in ("expected", "ceiling"):
            self._claim(change, name, rows)
        factor = self._admitting.number(dictionary()["shifts"].columns["factor"], factors.pop())
        taken = set(self.frames["shifts"]["shift"])
        number = next(n for n in range(1, len(taken) + 2) if f"{self.scenario} {n}" not in taken)
        row = {"shift": f"{self.scenario} {number}", "scope": spelled(where), "factor": repr(factor)}
        self._append(replace(change, table="shifts", cells={**row, "from": months[0], "to": months[-1]}))

    # Cells

    def _cells(
        self, change: Change, rows: Labels, column: Column, text: str, share: NDArray[np.float64] | float
    ) -> None:
        table, composed = change.table, change.operation in COMPOSE
        if composed:
            number = self._admitting.number(column, text)
            if self.frames[table].loc[rows, column.name].isna().all():
                says = _("The cells are blank: there is nothing to change. Set them instead.")
                raise Refused("blank", says, column.name, "")
            numbers = np.broadcast_to(
                1.0 + (number - 1.0) * share if change.operation == "multiply" else number, rows.shape
            )
        else:
            value = self._admitting.values(change, column, [text])
        self._claim(change, column.name, rows)
        for tables in (self._view, self._all):
            there = np.isin(rows, tables.frames[table].index)
            own = rows[there]  # where a scenario overrides, others may have taken rows out
            before = tables.frames[table].loc[own]
            if composed:
                after = tables.computed(table, column.name, own, change.operation, numbers[there].tolist())
            else:
                after = _repeated(value, before[column.name])
            self._admitting.range(column, after)
            self._write(change, tables, before, column, after, composed=composed)

    def _write(
        self, change: Change, tables: Working, before: pd.DataFrame, column: Column, after: pd.Series, *, composed: bool
    ) -> None:
        """Write cells; a cell of the key makes another row of it."""
        table = change.table
        tables.write(table, column.name, after, composed=composed)
        if tables is not self._all:
            return
        if column.key:
            self.records.gone(self.scenario, table, before)
            self.records.come(self.scenario, table, tables.frames[table].loc[before.index])
        else:
            self.records.cells(self.scenario, table, before, column.name, after)

    def _claim(self, change: Change, column: str, rows: Labels) -> None:
        """Take cells for a change; refused where another scenario did something that does not go together with it.

        Multiplies go together, adds do, and so do two that set a cell to the same value.
        """
        text = change.cells.get(column, "") if change.operation == "set" else ""
        touched = self._touched.setdefault((change.table, column), [])
        for other in touched:
            alike = (change.operation, text) == (other.operation, other.text) and change.operation in (*COMPOSE, "set")
            if other.scenario == self.scenario or change.over or alike:
                continue
            both = rows[np.isin(rows, other.rows)]
            if len(both):
                says = _("{other} has changed {count} of these cells too ({operation}). Say over: true to override it.")
                says = says.format(other=other.scenario, count=len(both), operation=other.operation)
                raise Refused("clash", says, column, change.operation)
        there = self._all.frames[change.table].index if change.table != SETTINGS else rows
        if not (change.over or np.isin(rows, there).all()):
            says = _(
                "Another scenario has put a row of its own in the place of one of these. Say over: true to override it."
            )
            raise Refused("clash", says, column, change.operation)
        touched.append(_Touch(self.scenario, change.operation, rows, text))

    # Rows that come and go

    def _remove(self, change: Change, rows: Labels) -> None:
        for name in dictionary()[change.table].columns:
            self._claim(change, name, rows)
        frame = self._all.frames[change.table]
        self.records.gone(self.scenario, change.table, frame.loc[frame.index.intersection(pd.Index(rows))])
        for tables in (self._view, self._all):
            tables.drop(change.table, rows)

    def _append(self, change: Change) -> None:
        table, rows = dictionary()[change.table], (change.cells, *change.more)
        given = {name for row in rows for name in row}
        missing = [n for n, c in table.columns.items() if c.required and n not in given]
        if missing:
            says = _("A new row of {table} also needs {columns}.").format(table=table.name, columns=", ".join(missing))
            raise Refused("required", says, "append", "")
        told = {n: self._admitting.values(change, table.columns[n], [r.get(n, "") for r in rows]) for n in given}
        types = self._all.frames[table.name].dtypes.to_dict()
        added = pd.DataFrame({n: told.get(n, blank(c, len(rows))) for n, c in table.columns.items()}).astype(types)
        for name in given:
            self._admitting.range(table.columns[name], added[name])
        self._make_room(change, table, added)
        first = self._next[table.name]
        self._next[table.name] += len(rows)
        added = added.set_axis(pd.RangeIndex(first, first + len(rows)))
        self.records.come(self.scenario, table.name, added)
        for tables in (self._view, self._all):
            tables.add(table.name, added)

    def _make_room(self, change: Change, table: Table, added: pd.DataFrame) -> None:
        """Refuse rows whose key is there already, or take the old ones out where the change overrides."""
        key = list(table.key)
        new = pd.MultiIndex.from_frame(added[key])
        frame = self._all.frames[table.name]
        same = frame[pd.MultiIndex.from_frame(frame[key]).isin(new)]
        if new.has_duplicates or (len(same) and not change.over):
            twice = added[new.duplicated()] if new.has_duplicates else same
            says = _("There is such a row already. Set its cells, or say over: true to replace it.")
            raise Refused("duplicate", says, table.name, keys(table.name, twice)[0])
        if len(same):
            self.records.gone(self.scenario, table.name, same)
            for tables in (self._view, self._all):
                tables.drop(table.name, same.index.to_numpy(np.int64))

    def _spell_out(self, table: str) -> None:
        """Replace rows that stand for every month by a row for each month without one of its own, for all scenarios alike."""
        base = Working(self._base)
        for tables in (base, *self._views.values(), self._all):
            frame = tables.frames[table]
            every = frame[frame["month"] == ""]
            if every.empty:
                continue
            rows = self._each_month(table, frame, every)
            if tables is self._all:
                self.records.gone(self.scenario, table, every)
                self.records.come(self.scenario, table, rows)
            tables.drop(table, every.index.to_numpy(np.int64))
            tables.add(table, rows)
        self._base = base.frames
        for (name, _column), touches in self._touched.items():
            if name == table:
                touches[:] = [replace(t, rows=self._with_months(table, t.rows)) for t in touches]

    def _each_month(self, table: str, frame: pd.DataFrame, every: pd.DataFrame) -> pd.DataFrame:
        """Rows for the months, with labels that are the same whenever this is asked."""
        key = [c for c in dictionary()[table].key if c != "month"]
        there = set(frame[[*key, "month"]].itertuples(index=False, name=None))
        parts, labels = [], []
        for label, row in zip(every.index, every[key].itertuples(index=False, name=None), strict=True):
            places = self._spelled.setdefault((table, int(label)), {})
            if not places:
                first = self._next[table]
                places.update({m: first + k for k, m in enumerate(self.calendar.months)})
                self._next[table] += len(places)
            months = [m for m in places if (*row, m) not in there]
            parts.append(frame.loc[[label] * len(months)].assign(month=months))
            labels += [places[m] for m in months]
        return pd.concat(parts).set_axis(pd.Index(labels)).astype(frame.dtypes.to_dict())

    def _with_months(self, table: str, rows: Labels) -> Labels:
        """Labels with those of the months of rows that stood for every month."""
        more = [label for row in rows.tolist() for label in self._spelled.get((table, row), {}).values()]
        return np.unique(np.append(rows, np.array(more, np.int64)))

    def _set_settings(self, change: Change) -> None:
        if change.operation != "set" or change.where or change.start or change.end:
            raise Refused("change", _("Settings can only be set."), "model", change.operation)
        entries = {k: Entry(v, change.written.row) for k, v in setting_rows(self.settings)}
        before = {k: str(e.value) for k, e in entries.items()}
        entries |= {k: Entry(v, change.written.row) for k, v in change.cells.items()}
        settings = make_settings(entries, change.written.label, self.report)
        if settings is None:
            return
        for key in change.cells:
            self._claim(change, key, np.zeros(1, np.int64))
        self.settings = settings
        after = dict(setting_rows(settings))
        for key in change.cells:
            if before.get(key, "") != after.get(key, ""):
                self.records.setting(self.scenario, key, before.get(key, ""), after.get(key, ""))

    def attribute(self, table: str, key: str) -> pd.Series:
        """A column of a table's rows, or of what they refer to, as the scenario reads it."""
        found = attribute(self.frames, table, key)
        assert found is not None
        return found[0]

    def _error(self, change: Change, rule: str, says: str, column: str, value: str) -> None:
        at = change.written
        self.report.add_at("error", at.label, rule, says, row=at.row, column=column, value=value)


def _repeated(value: Any, before: pd.Series) -> pd.Series:
    """One value for all cells, of the type of the column."""
    return pd.Series([value[0]] * len(before), index=before.index, dtype=before.dtype)
