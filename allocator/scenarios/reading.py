"""Where scenarios are found: beside the model, in the working folder, among the shipped ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from allocator.model import Model
from allocator.places import shipped
from allocator.scenarios.parsing import parse_scenario
from allocator.scenarios.rows import Rows, scenarios_of
from allocator.scenarios.scenario import Scenario, extended, filled
from allocator.schema.dictionary import plain
from allocator.schema.files import READERS, decode, read_bytes, read_file
from allocator.schema.findings import Report, did_you_mean
from allocator.schema.workbooks import open_workbook
from allocator.schema.yaml_tree import read_tree
from allocator.texts import _

SHEET = "scenarios"
"""Sheet of a workbook, or file or folder beside the tables, that holds scenarios."""

Shelf = Mapping[str, Path | Rows]
"""Scenarios of one place by name: files, or rows that say them."""


def shelves(model: Model, report: Report) -> list[Shelf]:
    """Places in which a model's scenarios are looked for, the nearest first."""
    source, found = Path(model.source), list[Shelf]()
    if source.is_dir():
        found += [_files(source / SHEET), _table(source, report)]
    elif source.is_file():
        found.append(_sheet(source, report))
    for folder in (Path(SHEET), shipped("scenarios")):
        found += [_files(folder / model.name), _files(folder)]
    return found


def _files(folder: Path) -> dict[str, Path | Rows]:
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    return {file.stem: file for file in files}


def _table(folder: Path, report: Report) -> Shelf:
    file = next((f for ending in READERS if (f := folder / f"{SHEET}{ending}").is_file()), None)
    raw = None if file is None else read_file(file, SHEET, file.name, report)
    return {} if raw is None else scenarios_of(raw, report)


def _sheet(path: Path, report: Report) -> Shelf:
    own = Report()  # the workbook's other sheets have been read and reported already
    book = open_workbook(path, own)
    name = next((s for s in book.sheets if plain(s) in (SHEET, "情景")), None) if book else None
    if book is None or name is None:
        return {}
    raw = book.table(name, SHEET, report)
    return {} if raw is None else scenarios_of(raw, report)


def find_scenario(model: Model, name: str, report: Report) -> Scenario | None:
    """The scenario of a name, with what it extends and its parameters filled in; findings where there is none.

    A scenario that extends one of its own name extends the one that lies further away.
    """
    return _found(shelves(model, report), name, report)


def _found(places: list[Shelf], name: str, report: Report) -> Scenario | None:
    found = _nearest(places, name, 0, report)
    if found is None:
        if not report:
            known = sorted({n for place in places for n in place})
            says = _("There is no such scenario.") + did_you_mean(name, known)
            report.add_at("error", SHEET, "scenario", says, value=name)
        return None
    scenario, at = found
    seen = {(name, at)}
    while scenario.extends:
        parent, written = scenario.extends, scenario.written
        first = at + 1 if any(parent == n for n, _k in seen) else 0
        found = _nearest(places, parent, first, report)
        if found is None:
            says = _("There is no such scenario to extend.")
            report.add_at("error", written.label, "scenario", says, row=written.row, column="extends", value=parent)
            return None
        base, at = found
        seen.add((parent, at))
        scenario = extended(scenario, base)
    return filled(scenario, report)


def _nearest(places: list[Shelf], name: str, first: int, report: Report) -> tuple[Scenario, int] | None:
    """The first place from a position on that has a scenario of the name."""
    for k, place in enumerate(places[first:], first):
        held = place.get(name)
        if held is not None:
            scenario = held.scenario(report) if isinstance(held, Rows) else read_scenario(held, report)
            return None if scenario is None else (scenario, k)
    return None


def read_scenario(file: Path, report: Report) -> Scenario | None:
    """Read one file; None where it cannot be understood at all."""
    label = file.name if file.parent.name == SHEET else f"{file.parent.name}/{file.name}"
    data = read_bytes(file, report)
    text = None if data is None else decode(data, label, report)
    tree = None if text is None else read_tree(text, label, report, _("The file is empty. It needs a title at least."))
    return None if tree is None else parse_scenario(tree, file.stem, label, report)


def list_scenarios(model: Model) -> list[Scenario]:
    """Scenarios that apply to a model, by name: written for it or for any, and with all parameters given.

    One that cannot be understood is listed with what is wrong with it as its title.
    """
    places = shelves(model, Report())
    found = []
    for name in sorted({n for place in places for n in place}):
        report = Report()
        scenario = _found(places, name, report)
        wrong = [f for f in report.findings() if f.severity == "error" and f.rule != "parameter"]
        if scenario is not None and wrong:
            scenario = replace(scenario, title=wrong[0].says)
        elif report:
            continue
        if scenario is not None and applies(scenario, model):
            found.append(scenario)
    return found


def applies(scenario: Scenario, model: Model) -> bool:
    """Whether a scenario was written for a model, or for any."""
    return not scenario.models or model.name in scenario.models
