"""Where scenarios are found: beside the model, in the working folder, among the shipped ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from allocator.model import Model
from allocator.places import shipped
from allocator.scenarios.scenario import OPERATIONS, Change, Event, Scenario, Written, extended, filled, parse_scenario
from allocator.schema.dictionary import plain
from allocator.schema.files import decode, read_bytes, read_csv
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.tables import RawTable
from allocator.schema.workbooks import open_workbook
from allocator.schema.yaml_tree import read_tree
from allocator.scopes import parse_scope
from allocator.texts import _

SHEET = "scenarios"
"""Sheet of a workbook, or file of a folder, that holds scenarios as rows."""

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


@dataclass(frozen=True)
class Shelf:
    """A place with scenarios, read on demand.

    Attributes
    ----------
    scenarios : mapping of str to Path or Scenario
        Files by the scenario's name, or scenarios that rows say.
    """

    scenarios: Mapping[str, Path | Scenario]


def shelves(model: Model, report: Report) -> list[Shelf]:
    """Places in which a model's scenarios are looked for, the nearest first."""
    source, found = Path(model.source), []
    if source.is_dir():
        found += [Shelf(_files(source / SHEET)), Shelf(_rows(source, report))]
    elif source.is_file():
        found.append(Shelf(_sheet(source, report)))
    for folder in (Path(SHEET), shipped("scenarios")):
        found += [Shelf(_files(folder / model.name)), Shelf(_files(folder))]
    return found


def _files(folder: Path) -> dict[str, Path | Scenario]:
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    return {file.stem: file for file in files}


def find_scenario(model: Model, name: str, report: Report) -> Scenario | None:
    """The scenario of a name, with what it extends and its parameters filled in; findings where there is none.

    A scenario that extends one of its own name extends the one that lies further away.
    """
    places = shelves(model, report)
    found = _nearest(places, name, 0, report)
    if found is None:
        known = sorted({n for place in places for n in place.scenarios})
        says = _("There is no such scenario.") + did_you_mean(name, known)
        report.add_at("error", SHEET, "scenario", says, value=name)
        return None
    scenario, at = found
    seen = [scenario.name]
    while scenario.extends:
        parent = scenario.extends
        first = at + 1 if parent == scenario.name or parent in seen else 0
        found = _nearest(places, parent, first, report)
        if found is None:
            says = _("There is no such scenario to extend.")
            report.add_at("error", scenario.written.label, "scenario", says, row=scenario.written.row, value=parent)
            return None
        base, at = found
        seen.append(base.name)
        scenario = replace(extended(scenario, base), extends=base.extends)
    return filled(replace(scenario, name=name), report)


def _nearest(places: list[Shelf], name: str, first: int, report: Report) -> tuple[Scenario, int] | None:
    for k, place in enumerate(places[first:], first):
        held = place.scenarios.get(name)
        if isinstance(held, Scenario):
            return held, k
        if held is not None:
            scenario = read_scenario(held, report)
            return None if scenario is None else (scenario, k)
    return None


def read_scenario(file: Path, report: Report) -> Scenario | None:
    """Read one file; None where it cannot be understood at all."""
    data = read_bytes(file, report)
    text = None if data is None else decode(data, file.name, report)
    empty = _("The file is empty. It needs at least scenario: and what changes.")
    tree = None if text is None else read_tree(text, file.name, report, empty)
    return None if tree is None else parse_scenario(tree, file.stem, file.name, report)


def list_scenarios(model: Model) -> list[Scenario]:
    """Scenarios that apply to a model, by name: written for it or for any, and with all parameters given."""
    report = Report()
    names = {n for place in shelves(model, report) for n in place.scenarios}
    found = []
    for name in sorted(names):
        own = Report()
        scenario = find_scenario(model, name, own)
        if scenario is not None and not own and (not scenario.models or model.name in scenario.models):
            found.append(scenario)
    return found


def _rows(folder: Path, report: Report) -> dict[str, Path | Scenario]:
    file = folder / f"{SHEET}.csv"
    raw = read_csv(file, SHEET, file.name, report) if file.is_file() else None
    return {} if raw is None else _of_rows(raw, report)


def _sheet(path: Path, report: Report) -> dict[str, Path | Scenario]:
    own = Report()  # the workbook's other sheets have been read and reported already
    book = open_workbook(path, own)
    name = next((s for s in book.sheets if plain(s) in (SHEET, "情景")), None) if book else None
    if book is None or name is None:
        return {}
    raw = book.table(name, SHEET, report)
    return {} if raw is None else _of_rows(raw, report)


def _of_rows(raw: RawTable, report: Report) -> dict[str, Path | Scenario]:
    """Scenarios that rows say: scenario, table, where, column, operation, value."""
    known = {plain(s): name for name, aliases in HEADINGS.items() for s in (name, *aliases)}
    at = {known[plain(h)]: i for i, h in enumerate(raw.headings) if plain(h) in known}
    missing = [n for n in ("scenario", "table", "column", "operation", "value") if n not in at]
    if missing:
        report.add_at(
            "error", raw.label, "column", _("These columns are missing: {names}.").format(names=", ".join(missing))
        )
        return {}
    found: dict[str, list[Event | Change]] = {}
    titles: dict[str, str] = {}
    for k, row in enumerate(raw.rows):
        cells = {name: str(raw.columns[i][k]) for name, i in at.items()}
        if not any(cells.values()) or not cells["scenario"]:
            continue
        letter = raw.letters[at["operation"]] if raw.letters else ""
        written = Written(raw.label, f"{letter}{row}")
        titles[cells["scenario"]] = titles.get(cells["scenario"]) or cells.get("title", "")
        found.setdefault(cells["scenario"], []).extend(_step(cells, written, report))
    return {
        name: Scenario(
            name, titles[name] or name, steps[0].written if steps else Written(raw.label, ""), steps=tuple(steps)
        )
        for name, steps in found.items()
    }


def _step(cells: Mapping[str, str], written: Written, report: Report) -> Iterator[Event | Change]:
    """The step that a row says; ``operation`` event takes the event's name from ``column`` and its arguments from ``where``."""
    try:
        where = dict(parse_scope(cells.get("where", "")))
    except ValueError:
        says = _("Expected key=value parts separated by semicolons, such as unit=East; class=star.")
        report.add_at(
            "error", written.label, "scope", says, row=written.row, column="where", value=cells.get("where", "")
        )
        return
    operation = cells["operation"].casefold()
    if operation == "event":
        yield Event(cells["column"], where, written)
    elif operation not in OPERATIONS:
        says = _("Expected one of: {choices}.").format(choices=", ".join((*OPERATIONS, "event")))
        says += did_you_mean(operation, (*OPERATIONS, "event"))
        report.add_at("error", written.label, "operation", says, row=written.row, column="operation", value=operation)
    else:
        new = {k: ", ".join(v) for k, v in where.items()} if operation == "append" else {}
        yield Change(
            table=cells["table"],
            where={} if operation == "append" else where,
            operation=operation,
            cells=new
            if operation == "append"
            else ({} if operation == "remove" else {cells["column"]: cells["value"]}),
            written=written,
            start=cells.get("from", ""),
            end=cells.get("to", ""),
            over=cells.get("over", "").casefold() in ("yes", "true", "是"),
        )
