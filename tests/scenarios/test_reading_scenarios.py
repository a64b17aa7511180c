"""Scenario files and rows: what they may say, what is wrong with them and where, parameters, extending, sweeps."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest
from told import refused, tell, value

from allocator.errors import InputError
from allocator.reading import load, write_workbook
from allocator.scenarios.applying import with_scenarios
from allocator.scenarios.reading import find_scenario, list_scenarios
from allocator.scenarios.varying import variations
from allocator.schema.findings import Report

MISTAKES = """\
title: Ten kinds of mistakes
colour: red
parameters:
  unused: 5
events:
  - price_cutt: {competitor: 0.2}
  - price_cut: {competitor: 0.2, elastic: 0.6}
  - price_cut: {product: lite}
  - demand_shift: {factor: many}
  - line: {line: care, maximum: 5}
changes:
  - {table: demands, set: {expected: 1}}
  - {table: demand, where: {client: k1}, set: {expectd: 1}}
  - {table: demand, where: {client: k11}, set: {expected: 1}}
  - {table: demand, where: {client: k1}, multiply: {product: 2}}
  - {table: products, where: {product: lite}, set: {class: sun}}
  - {table: products, where: {product: lite}, set: {margin: 3}}
  - {table: clients, where: {client: k1}, set: {owner: bobb}}
  - {table: clients, where: {client: k1}, from: 2026-04, set: {owner: bob}}
  - {table: budget, append: {line: care}}
  - {table: budget, where: {line: fair}, set: {maximum: much}}
  - {table: demand, where: {client: k1}, multiply: {expected: $share}}
"""


def test_every_mistake_is_found_at_its_line(small_folder: Path) -> None:
    """All kinds of mistakes in one file give a finding each, with file and line, at once, and the exit code of bad input."""
    found = refused(small_folder, s=MISTAKES)
    assert {f.table for f in found} == {"s.yaml"}
    assert {(int(f.row), f.rule) for f in found} == {
        (2, "key"),
        (4, "parameter"),
        (6, "event"),
        (7, "argument"),
        (8, "argument"),
        (9, "argument"),
        (10, "event"),
        (12, "table"),
        (13, "column"),
        (14, "selector"),
        (15, "number"),
        (16, "choice"),
        (17, "range"),
        (18, "reference"),
        (19, "date"),
        (20, "required"),
        (21, "money"),
        (22, "parameter"),
    }
    says = {f.row: f.says for f in found}
    for row, word in {"6": "price_cut", "7": "elasticity", "13": "expected", "14": "k1", "18": "bob"}.items():
        assert f'"{word}"' in says[row]


@pytest.mark.parametrize(
    ("text", "row", "rule"),
    [
        ("title: [a\n", "2", "yaml"),
        ("events: price_cut\n", "1", "list"),
        ("events:\n  - price_cut\n", "2", "event"),
        ("scenario: other\n", "1", "scenario"),
        ("changes:\n  - {table: demand, where: k1, set: {expected: 1}}\n", "2", "mapping"),
        ("changes:\n  - {table: demand}\n", "2", "change"),
        ("changes:\n  - {table: needs, remove: perhaps}\n", "2", "change"),
        ("extends: nowhere\n", "1", "scenario"),
        ("vary:\n  - {table: budget, column: maximum}\n", "2", "vary"),
        ("respond:\n  - price_cut: {competitor: 0.2}\n", "2", "event"),
    ],
)
def test_a_file_that_is_no_scenario_says_where(small_folder: Path, text: str, row: str, rule: str) -> None:
    """What cannot be understood is told by its line."""
    (first, *_more) = refused(small_folder, s=text)
    assert (first.table, first.row, first.rule) == ("s.yaml", row, rule)


def test_what_only_the_whole_model_shows_is_said_of_the_scenario(small_folder: Path) -> None:
    """A change that leaves two cells at odds is refused in the scenario's name, not in that of a file that is sound."""
    (one,) = refused(small_folder, s="changes:\n  - {table: budget, where: {line: fair}, set: {maximum: 5}}\n")
    assert (one.table, one.rule) == ("s[budget]", "order")


def test_unknown_names(small_folder: Path) -> None:
    """A scenario that is nowhere is told with the nearest name; one that is named twice is refused."""
    (one,) = refused(small_folder, "price_wars", price_war2="title: x\n")
    assert '"price_war' in one.says
    (one,) = refused(small_folder, "a+a", a="title: x\n")
    assert one.rule == "scenario"
    (one,) = refused(small_folder, "a", a="models: telecom\n")
    assert "telecom" in one.says


PARENT = """\
title: Cut of $cut
parameters: {cut: , lines: [fair, bonus], from: any}
events:
  - budget_cut: {cut: $cut, line: $lines, from: $from}
"""


def test_parameters_are_filled_in(small_folder: Path) -> None:
    """Who extends gives the values: one may have several, any leaves the argument out, the title shows them."""
    tell(small_folder, parent=PARENT, s="extends: parent\nparameters: {cut: 50%}\n")
    scenario = find_scenario(load(small_folder), "s", Report())
    assert scenario is not None
    assert scenario.title == "Cut of 50%"
    budget = with_scenarios(load(small_folder), "s").model["budget"].set_index("line")["maximum"]
    assert budget.to_dict() == {"fair": 40000, "bonus": 25000}
    tell(small_folder, s="extends: parent\nparameters: {cut: 50%, lines: bonus, from: 2026-07}\n")
    budget = with_scenarios(load(small_folder), "s").model["budget"].set_index("line")["maximum"]
    assert budget.to_dict() == {"fair": 80000, "bonus": 37500}


def test_a_parameter_needs_a_value_and_a_use(small_folder: Path) -> None:
    """A blank parameter must be given, and one that nothing takes is a misspelling."""
    found = refused(small_folder, parent=PARENT, s="extends: parent\nparameters:\n  cutt: 50%\n")
    assert {(f.table, f.row, f.column) for f in found if f.rule == "parameter"} >= {
        ("s.yaml", "3", "cutt"),
        ("parent.yaml", "4", "cut"),
    }


def test_extending_the_same_name_goes_one_shelf_further(small_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model's own file extends the one of the working folder that bears its name; its steps come after."""
    work = small_folder.parent / "work"
    (work / "scenarios").mkdir(parents=True)
    line = "table: budget, where: {line: fair}"
    (work / "scenarios" / "s.yaml").write_text(f"changes:\n  - {{{line}, set: {{maximum: 50000}}}}\n", "utf-8")
    monkeypatch.chdir(work)
    model = tell(small_folder, s=f"extends: s\nchanges:\n  - {{{line}, multiply: {{maximum: 2}}}}\n")
    assert value(with_scenarios(model, "s").model, "budget", {"line": "fair"}, "maximum") == 100000


def test_what_applies_is_listed(small_folder: Path) -> None:
    """Scenarios with all their parameters are listed; templates and those of other models are not; a broken one says so."""
    model = tell(
        small_folder,
        parent=PARENT,
        child="extends: parent\nparameters: {cut: 1}\n",
        other="models: telecom\n",
        bad="colour: x\n",
    )
    titles = {s.name: s.title for s in list_scenarios(model)}
    assert titles["child"] == "Cut of 1"
    assert "colour" in titles["bad"]
    assert not {"parent", "other", "price_war"} & set(titles)


ROWS = [
    ("情景", "标题", "表", "条件", "开始", "列", "操作", "值", "备注"),
    ("war", "Price war", "", "competitor=0.2; elasticity=0.5; product=lite", "2026-04", "price_cut", "事件", "", "x"),
    ("war", "", "budget", "line=fair", "", "maximum", "乘以", "0.5", ""),
    ("war", "", "budget", "line=care; maximum=1000", "", "", "append", "", ""),
    ("calm", "", "needs", "tier=A", "", "", "remove", "", ""),
]


def test_a_sheet_says_scenarios_in_rows(small_folder: Path) -> None:
    """A workbook's sheet, in Chinese or English, says the same as files do; its dates and numbers may be real ones."""
    path = workbook(small_folder, ROWS)
    model = load(path)
    assert [s.name for s in list_scenarios(model)] == ["calm", "war"]
    changed = with_scenarios(model, "war+calm")
    assert [s.title for s in changed.scenarios] == ["Price war", "calm"]
    assert value(changed.model, "shifts", {"shift": "war 1"}, "factor") == 0.9
    assert changed.model["budget"].set_index("line")["maximum"].to_dict() == {
        "bonus": 50000,
        "care": 1000,
        "fair": 40000,
    }
    assert set(changed.model["needs"]["tier"]) == {""}


def test_a_sheet_tells_the_cell_of_a_mistake(small_folder: Path) -> None:
    """What is wrong in a row is told by sheet and cell, all rows at once, and not those of another scenario."""
    rows = [
        *ROWS,
        ("bad", "", "budget", "line=fair", "", "maximum", "double", "2", ""),
        ("bad", "", "budget", "fair", "", "maximum", "set", "2", ""),
    ]
    path = workbook(small_folder, rows)
    with pytest.raises(InputError) as caught:
        with_scenarios(load(path), "bad")
    errors = [f for f in caught.value.findings if f.severity == "error"]
    assert [(f.table, f.row, f.column) for f in errors] == [
        ("book.xlsx[scenarios]", "G6", "operation"),
        ("book.xlsx[scenarios]", "G7", "where"),
    ]
    assert not with_scenarios(load(path), "war").changes.empty


def workbook(folder: Path, rows: list[tuple[str, ...]]) -> Path:
    """Write the small model as a workbook with a sheet of scenarios."""
    path = folder.parent / "book.xlsx"
    write_workbook(load(folder), path)
    book = openpyxl.load_workbook(path)
    sheet = book.create_sheet("scenarios")
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def test_a_sweep_crosses_its_values(small_folder: Path) -> None:
    """Two varied things give every combination, the last varying first, each with its labels and its model."""
    text = """\
parameters: {cut: 0.1}
events:
  - price_cut: {competitor: $cut, elasticity: 1, product: lite}
vary:
  - {parameter: cut, values: [0.1, 0.3]}
  - {table: budget, where: {line: fair}, column: maximum, operation: multiply, from: 0.5, to: 1.5, steps: 3}
"""
    model = tell(small_folder, s=text)
    scenario = find_scenario(model, "s", Report())
    assert scenario is not None
    found = [
        (
            dict(labels),
            value(c.model, "shifts", {"shift": "s 1"}, "factor"),
            value(c.model, "budget", {"line": "fair"}, "maximum"),
        )
        for labels, c in variations(model, scenario)
    ]
    assert found == [
        ({"cut": cut, "budget.maximum": factor}, pytest.approx(1 - float(cut)), 80000 * float(factor))
        for cut in ("0.1", "0.3")
        for factor in ("0.5", "1", "1.5")
    ]


def test_a_selector_reads_what_a_row_refers_to(small_folder: Path) -> None:
    """Demand is chosen by its client's tier and industry, by the unit of its owner with all below, and by its product's class."""
    change = "changes:\n  - {{table: demand, where: {{{}}}, set: {{ceiling: 9999999}}}}\n"

    def held(where: str) -> set[tuple[str, str]]:
        demand = (
            with_scenarios(tell(small_folder, s=change.format(where)), "s").model["demand"].query("ceiling == 9999999")
        )
        return set(zip(demand["client"], demand["product"], strict=True))

    assert held("unit: north, class: star") == {("k1", "lite"), ("k2", "lite")}
    assert held("unit: all, tier: A") == {("k1", "lite"), ("k1", "suite")}
    assert held("industry: retail, status: active") == {("k2", "lite"), ("k2", "box")}
    assert held("grade: senior") == {("k1", "lite"), ("k1", "suite")}
    assert held("owner: ''") == {("k3", "lite")}
