r"""The map of facts in a model's README, read and checked: rows of the model's tables, figures of the shipped runs.

The section ``## Where each fact stands 事实对照`` holds one table ``| fact | row | figure |``. In a cell ``<br>`` separates
several entries, ``\|`` writes a bar, and a value in double quotes is taken as it is. Whatever cannot be read is an error.

row
    ``TABLE: column=value; column=value -> column=value``: at least one row of ``TABLE.csv`` matches the left side, and all
    that match hold the right side. ``model: -> levels.stretch=1.1`` reads ``model.yaml``. A value may have alternatives
    (``a,b``), an end or a beginning left open (``A*``, ``*A``) or be a range of texts (``2026-01..2026-03``); a blank value is a
    blank cell.
figure
    ``FILE.csv: TERM OP VALUE`` or ``FILE.csv: TERM / TERM OP VALUE``, a TERM being ``FUNC(column by keys | filters)`` and OP one of
    ``=``, ``>=``, ``<=``. The second TERM may have a file of its own. ``model/history.csv`` is a table of the model.
    ``price_war/FILE.csv`` is read in the run under that scenario (``price_war/model/clients.csv``: in the model under it),
    ``FILE.csv`` in the run without any, so a ratio sets both in proportion. ``health/FILE.csv`` is read in what the health checks
    write of a first quarter that goes as far as the business wants a warning. Words may stand around the code.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

HEADING = "## Where each fact stands 事实对照"
COLUMNS = ["fact", "row", "figure"]
HEALTH = "health"
"""Stands before a file as a scenario does: the file is one of the health checks."""
ROUNDED = 0.005
"""How far a figure that is written rounded may lie from the run's, relative."""
DUST = 1e-6
"""What a solver may leave of a bound, relative; of a zero, absolute."""
QUOTED = r'(?:[^"{ends}]|"[^"]*")*'
CONDITION = re.compile(r'\s*([\w.]+)=\s*("[^"]*"|[^"]*?)\s*')
ROW = re.compile(r"([a-z]+):(.*)", re.DOTALL)
TERM = r"[a-z]+\(" + QUOTED.format(ends="()") + r"\)"
FILE = r"(?:(?!model/)[a-z_]+(?:\+[a-z_]+)*/)?(?:model/)?[a-z_]+\.csv"
FIGURE = re.compile(rf"({FILE}): ({TERM})(?: / (?:({FILE}): )?({TERM}))? (>=|<=|=) (.+)")
FUNCTIONS = ("sum", "min", "max", "mean", "count", "distinct", "value")


class FactError(ValueError):
    """A cell that cannot be read, or a fact that does not hold."""


@dataclass(frozen=True)
class Condition:
    """A column and what its cells may be."""

    column: str
    value: str

    def holds(self, table: pd.DataFrame, *, numbers: bool) -> pd.Series[bool]:
        """Say for each row whether it matches; with ``numbers`` 0.40 is 0.4."""
        if self.column not in table:
            raise FactError(f"no column {self.column!r}; there are {', '.join(table.columns)}")
        cells = table[self.column]
        if self.value.startswith('"'):
            return cells == self.value[1:-1]
        found = pd.Series(False, index=table.index)
        for value in self.value.split(","):
            found |= _matching(cells, value.strip(), numbers=numbers)
        return found


@dataclass(frozen=True)
class Row:
    """Rows of a table of the model, and what they hold."""

    table: str
    selector: tuple[Condition, ...]
    holds: tuple[Condition, ...]


@dataclass(frozen=True)
class Term:
    """A function of a column of a file, in the run under scenarios or, where they are blank, in the one without."""

    scenario: str
    file: str
    function: str
    column: str
    keys: tuple[str, ...]
    filters: tuple[Condition, ...]


@dataclass(frozen=True)
class Figure:
    """A comparison of one term, or of a ratio of two, with a value."""

    text: str
    terms: tuple[Term, ...]
    operator: str
    value: str

    @property
    def scenarios(self) -> list[str]:
        """Scenarios in whose runs it is read."""
        return [t.scenario for t in self.terms if t.scenario]


@dataclass(frozen=True)
class Fact:
    """A line of the map."""

    line: int
    says: str
    rows: tuple[Row, ...]
    figures: tuple[Figure, ...]

    def __str__(self) -> str:
        return f"line {self.line}, {self.says!r}"


def has_map(readme: Path) -> bool:
    """Say whether a README has a map of facts."""
    return readme.is_file() and HEADING in readme.read_text("utf-8").splitlines()


def read_facts(readme: Path) -> list[Fact]:
    """Read the map of facts.

    Raises
    ------
    FactError
        If any cell cannot be read; all such cells are named.
    """
    facts, wrong = [], []
    for line, cells in _table(readme):
        try:
            facts.append(_fact(line, cells))
        except FactError as error:
            wrong.append(f"line {line}, {cells[0]!r}: {error}")
    says = [fact.says for fact in facts]
    wrong += [f"{says[i]!r} is there twice" for i in range(len(says)) if says[i] in says[:i]]
    if wrong:
        raise FactError("\n".join(wrong))
    return facts


def _table(readme: Path) -> Iterator[tuple[int, list[str]]]:
    """Give the number and the cells of each line of the map."""
    lines = readme.read_text("utf-8").splitlines()
    if lines.count(HEADING) != 1:
        raise FactError(f"{HEADING!r} is not there once")
    start = lines.index(HEADING) + 1
    end = next((i for i in range(start, len(lines)) if lines[i].startswith("#")), len(lines))
    table = [i for i in range(start, end) if lines[i].lstrip().startswith("|")]
    if len(table) < 3 or table != list(range(table[0], table[0] + len(table))):
        raise FactError("expected one table with a heading, a rule and a line for each fact")
    rows = [_cells(lines[i], i + 1) for i in table]
    if rows[0] != COLUMNS or not all(re.fullmatch(":?-+:?", cell) for cell in rows[1]):
        raise FactError(f"expected the heading | {' | '.join(COLUMNS)} | and a rule below it")
    yield from zip((i + 1 for i in table[2:]), rows[2:], strict=True)


def _cells(line: str, number: int) -> list[str]:
    parts = re.split(r"(?<!\\)\|", line.strip())
    if len(parts) != len(COLUMNS) + 2 or parts[0] or parts[-1]:
        raise FactError(rf"line {number}: expected {len(COLUMNS)} cells; a bar within a cell is written \|")
    return [part.strip().replace(r"\|", "|") for part in parts[1:-1]]


def _fact(line: int, cells: list[str]) -> Fact:
    says, row_cell, figure_cell = cells
    if not says:
        raise FactError("the fact is blank")
    rows, figures = [], []
    for entry in row_cell.split("<br>"):
        code = re.fullmatch(r"\s*`([^`]+)`\s*", entry)
        if code is None:
            raise FactError(f"expected `TABLE: column=value -> column=value` in {row_cell!r}")
        rows.append(_row(code[1]))
    for entry in figure_cell.split("<br>"):
        codes = re.findall(r"`([^`]*)`", entry)
        if not codes or entry.count("`") != 2 * len(codes):
            raise FactError(f"expected a figure in backticks in {entry!r}")
        figures += [_figure(code) for code in codes]
    return Fact(line, says, tuple(rows), tuple(figures))


def _row(text: str) -> Row:
    match = ROW.fullmatch(text)
    if match is None:
        raise FactError(f"expected TABLE: column=value in {text!r}")
    selector, arrow, holds = match[2].partition("->")
    row = Row(match[1], _conditions(selector), _conditions(holds))
    if (row.table == "model") == bool(row.selector) or bool(arrow) != bool(row.holds):
        raise FactError(f"a side of {text!r} is empty" if row.table != "model" else f"expected model: -> in {text!r}")
    return row


def _conditions(text: str) -> tuple[Condition, ...]:
    if not text.strip():
        return ()
    found = []
    for part in _split(text, ";"):
        match = CONDITION.fullmatch(part)
        if match is None:
            raise FactError(f"expected column=value in {part.strip()!r}")
        found.append(Condition(match[1], match[2]))
    return tuple(found)


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark that stands outside double quotes."""
    return re.split(rf'{re.escape(mark)}(?=(?:[^"]*"[^"]*")*[^"]*$)', text)


def _figure(text: str) -> Figure:
    match = FIGURE.fullmatch(text.strip())
    if match is None:
        raise FactError(f"expected FILE.csv: FUNC(column | column=value) = VALUE in {text!r}")
    terms = [_term(match[1], match[2])]
    if match[4]:
        terms.append(_term(match[3] or match[1], match[4]))
    if _number(match[6]) is None and (match[5] != "=" or len(terms) > 1 or terms[0].function != "value"):
        raise FactError(f"expected a number instead of {match[6]!r}")
    return Figure(text.strip(), tuple(terms), match[5], match[6].strip())


def _term(file: str, text: str) -> Term:
    function, _, inside = text[:-1].partition("(")
    head, *filters = _split(inside, " | ")
    match = re.fullmatch(r"(\w+)(?: by (\w+(?: \w+)*))?", head.strip())
    if function not in FUNCTIONS or match is None or len(filters) > 1 or not all(f.strip() for f in filters):
        raise FactError(f"expected FUNC(column by keys | filters), FUNC one of {', '.join(FUNCTIONS)}, in {text!r}")
    scenario, _, table = file.rpartition("/")
    if scenario == "model" or scenario.endswith("/model"):
        scenario, table = scenario.removesuffix("model").removesuffix("/"), f"model/{table}"
    return Term(scenario, table, function, match[1], tuple((match[2] or "").split()), _conditions("".join(filters)))


class Checker:
    """Checks facts against the tables of a model and the files of its runs.

    Parameters
    ----------
    model : Path
    run : callable, optional
        Gives the folder of the run under scenarios, and of the one without where they are blank.
    """

    def __init__(self, model: Path, run: Callable[[str], Path] | None = None) -> None:
        self.model = model
        self.run = run
        self._read: dict[Path, pd.DataFrame] = {}

    def wrong_rows(self, facts: Sequence[Fact]) -> list[str]:
        """Say which facts do not stand where the map says."""
        wrong = []
        for fact in facts:
            for row in fact.rows:
                try:
                    self._check_row(row)
                except FactError as error:
                    wrong.append(f"{fact}: {row.table}: {error}")
        return wrong

    def wrong_figures(self, facts: Sequence[Fact], scenario: str = "") -> list[str]:
        """Say which figures of the map are not those of the run: of those read without scenario alone, or with one that is named."""
        wrong = []
        for fact in facts:
            for figure in fact.figures:
                if scenario not in (figure.scenarios or [""]):
                    continue
                try:
                    self._check_figure(figure)
                except FactError as error:
                    wrong.append(f"{fact}: {figure.text}: {error}")
        return wrong

    def _check_row(self, row: Row) -> None:
        if row.table == "model":
            settings = _flat(yaml.safe_load((self.model / "model.yaml").read_text("utf-8")))
            table, rows = pd.DataFrame([settings]), "model.yaml"
        else:
            table = self._table(self.model / f"{row.table}.csv")
            table = table[_all(table, row.selector, numbers=True)]
            rows = f"{len(table)} rows"
            if table.empty:
                raise FactError(f"no row has {_said(row.selector)}")
        for condition in row.holds:
            holds = condition.holds(table, numbers=True)
            if not holds.all():
                found = ", ".join(map(repr, table.loc[~holds, condition.column].unique()[:5]))
                raise FactError(f"not {_said([condition])} but {found} in {rows}")

    def _check_figure(self, figure: Figure) -> None:
        found = [self._value(term) for term in figure.terms]
        value = _number(figure.value)
        first = found[0]
        if value is None or isinstance(first, str):
            if str(first) != figure.value:
                raise FactError(f"the run has {first}")
            return
        if len(found) > 1:
            if found[1] == 0:
                raise FactError("division by 0")
            first = first / found[1]
        exact = len(found) == 1 and figure.terms[0].function in ("count", "distinct")
        if not _compares(first, figure.operator, value, exact=exact):
            raise FactError(f"the run has {first:.10g}")

    def _value(self, term: Term) -> Any:
        """Return the value of a term: a number, or a text where ``value`` finds one."""
        table = self._table(self._path(term))
        for column in (term.column, *term.keys):
            if column not in table:
                raise FactError(f"no column {column!r}; there are {', '.join(table.columns)}")
        table = table[_all(table, term.filters, numbers=False)]
        if table.empty:
            raise FactError(f"no row has {_said(term.filters)}")
        cells = table.loc[table[term.column] != "", term.column]
        if not term.keys and term.function in ("count", "distinct"):
            return len(cells) if term.function == "count" else cells.nunique()
        if not term.keys and term.function == "value" and len(table) == 1:
            number = _number(table[term.column].iloc[0])
            return table[term.column].iloc[0] if number is None else number
        return _aggregate(term, table, cells)

    def _path(self, term: Term) -> Path:
        """Return the path of the file of a term; a run holds the model under its scenarios."""
        if not term.scenario and term.file.startswith("model/"):
            return self.model / term.file.removeprefix("model/")
        if self.run is None:
            raise FactError("there is no run")
        return self.run(term.scenario) / term.file

    def _table(self, path: Path) -> pd.DataFrame:
        if path not in self._read:
            if not path.is_file():
                raise FactError(f"no file {path.name}")
            self._read[path] = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
        return self._read[path]


def _aggregate(term: Term, table: pd.DataFrame, cells: pd.Series[str]) -> float:
    """Take a function of numbers, or of their sums by key; blank cells have no number."""
    if cells.empty:
        raise FactError(f"{term.column} is blank in all rows")
    numbers = pd.to_numeric(cells, errors="coerce")
    if numbers.isna().any():
        raise FactError(f"{cells[numbers.isna()].iloc[0]!r} in {term.column} is not a number")
    if term.keys:
        numbers = numbers.groupby([table.loc[cells.index, key] for key in term.keys]).sum()
    if term.function == "value":
        if len(numbers) != 1:
            raise FactError(f"value needs one row, there are {len(numbers)}")
        return float(numbers.iloc[0])
    if term.function == "distinct":
        return float(numbers.nunique())
    return float(getattr(numbers, term.function)())


def _all(table: pd.DataFrame, conditions: Sequence[Condition], *, numbers: bool) -> pd.Series[bool]:
    found = pd.Series(True, index=table.index)
    for condition in conditions:
        found &= condition.holds(table, numbers=numbers)
    return found


def _matching(cells: pd.Series[str], value: str, *, numbers: bool) -> pd.Series[bool]:
    first, dots, last = value.partition("..")
    if dots:
        return (cells >= first) & (cells <= last) & (cells != "")
    if value.endswith("*"):
        return cells.str.startswith(value[:-1])
    if value.startswith("*"):
        return cells.str.endswith(value[1:])
    number = _number(value)
    if not numbers or number is None:
        return cells == value
    return (cells == value) | (pd.to_numeric(cells, errors="coerce") == number)


def _compares(found: float, operator: str, value: float, *, exact: bool) -> bool:
    near = DUST * abs(value) if value else DUST
    if operator == "=":
        return found == value if exact else abs(found - value) <= max(near, ROUNDED * abs(value))
    return found >= value - near if operator == ">=" else found <= value + near


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _said(conditions: Sequence[Condition]) -> str:
    return "; ".join(f"{c.column}={c.value}" for c in conditions) or "anything"


def _flat(settings: dict[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in settings.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return flat
