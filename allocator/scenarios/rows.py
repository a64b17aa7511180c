"""Scenarios as rows of a sheet or CSV file: scenario, table, where, column, operation, value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from allocator.scenarios.events import KINDS
from allocator.scenarios.parsing import FLAGS
from allocator.scenarios.scenario import OPERATIONS, Change, Event, Scenario, Written
from allocator.schema.dictionary import plain
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.tables import IGNORED, RawTable
from allocator.scopes import Scope, parse_scope
from allocator.texts import _

HEADINGS: Mapping[str, tuple[str, ...]] = {
    "scenario": ("情景", "方案"),
    "title": ("标题",),
    "table": ("表",),
    "where": ("条件", "筛选"),
    "from": ("开始", "开始月份"),
    "to": ("结束", "结束月份"),
    "column": ("列", "字段"),
    "operation": ("操作",),
    "value": ("值", "取值"),
    "over": ("覆盖",),
}
NEEDED = ("scenario", "table", "column", "operation", "value")
WORDS = {
    "设为": "set",
    "乘以": "multiply",
    "加上": "add",
    "删除": "remove",
    "新增": "append",
    "事件": "event",
    "应对": "respond",
}
"""Operations in Chinese."""


@dataclass(frozen=True)
class Rows:
    """The rows of one scenario, understood when it is asked for.

    Attributes
    ----------
    name, title : str
    cells : tuple of (Written, mapping of str to str)
        Place and cells of each row.
    """

    name: str
    title: str
    cells: tuple[tuple[Written, Mapping[str, str]], ...]

    def scenario(self, report: Report) -> Scenario:
        """The scenario that the rows say."""
        steps = [step for at, cells in self.cells if (step := _step(cells, at, report)) is not None]
        return Scenario(self.name, self.title or self.name, self.cells[0][0], steps=tuple(steps))


def scenarios_of(raw: RawTable, report: Report) -> dict[str, Rows]:
    """Scenarios that the rows of a table say, by name."""
    at = _columns(raw, report)
    texts = {name: raw.columns[i].texts() for name, i in at.items()}
    found: dict[str, list[tuple[Written, Mapping[str, str]]]] = {}
    titles: dict[str, str] = {}
    for k, row in enumerate(raw.rows if at else ()):
        cells = {name: str(column[k]) for name, column in texts.items()}
        if not any(cells.values()):
            continue
        name = cells["scenario"]
        letter = raw.letters[at["operation" if name else "scenario"]] if raw.letters else ""
        written = Written(raw.label, f"{letter}{row}")
        if not name:
            says = _("The row does not say to which scenario it belongs.")
            report.add_at("error", written.label, "required", says, row=written.row, column="scenario")
            continue
        titles[name] = titles.get(name) or cells.get("title", "")
        found.setdefault(name, []).append((written, cells))
    return {name: Rows(name, titles[name], tuple(rows)) for name, rows in found.items()}


def _columns(raw: RawTable, report: Report) -> dict[str, int]:
    """Position of each known column; findings for what is unknown or missing."""
    known = {plain(s): name for name, aliases in HEADINGS.items() for s in (name, *aliases)}
    at = {known[plain(h)]: i for i, h in enumerate(raw.headings) if plain(h) in known}
    for heading in raw.headings:
        if heading and not heading.startswith("#") and plain(heading) not in {*known, *IGNORED}:
            says = _("Unknown column.") + did_you_mean(heading, [s for n, a in HEADINGS.items() for s in (n, *a)])
            report.add_at("error", raw.label, "heading", says, column=heading)
    missing = [n for n in NEEDED if n not in at]
    if missing:
        says = _("These columns are missing: {names}.").format(names=", ".join(missing))
        report.add_at("error", raw.label, "column", says)
    return {} if missing else at


def _step(cells: Mapping[str, str], written: Written, report: Report) -> Event | Change | None:
    """The step that a row says.

    Operation event or respond takes the name of the event or lever from ``column`` and its arguments from ``where``; append its row.
    """

    def refuse(rule: str, says: str, column: str) -> None:
        report.add_at("error", written.label, rule, says, row=written.row, column=column, value=cells.get(column, ""))

    operation = plain(cells["operation"])
    operation = WORDS.get(operation, operation)
    choices = (*OPERATIONS, "event", "respond")
    where = _where(cells)
    if where is None:
        says = _("Expected key=value parts separated by semicolons, such as unit=East; class=star.")
        refuse("scope", says, "where")
    elif operation not in choices:
        says = _("Expected one of: {choices}.").format(choices=", ".join(choices)) + did_you_mean(operation, choices)
        refuse("operation", says, "operation")
    elif cells.get("over", "").casefold() not in FLAGS:
        refuse("flag", _("Expected yes or no."), "over")
    elif operation in ("event", "respond"):
        dates = {k: (cells[k],) for k in ("from", "to") if cells.get(k)}
        if cells["column"] in KINDS:
            dates = {k: v for k, v in dates.items() if k in KINDS[cells["column"]].arguments}
        return Event(cells["column"], {**where, **dates}, written, operation == "respond")
    else:
        over = FLAGS[cells.get("over", "").casefold()]
        pair = {"append": {k: ", ".join(v) for k, v in where.items()}, "remove": {}}
        new = pair.get(operation, {cells["column"]: cells["value"]})
        rows = {} if operation == "append" else where
        return Change(cells["table"], rows, operation, new, written, cells.get("from", ""), cells.get("to", ""), over)
    return None


def _where(cells: Mapping[str, str]) -> Scope | None:
    try:
        return parse_scope(cells.get("where", ""))
    except ValueError:
        return None
