"""What people do to workbooks makes no difference, or a finding in its cell."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import openpyxl
import pytest
from small_model import SETTINGS, TABLES, write_small_model

from allocator.cli import main
from allocator.errors import InputError
from allocator.model import Model
from allocator.reading import load, write_workbook
from allocator.reporting.marking import COLOURS, all_findings, mark


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """Return the small model."""
    return load(write_small_model(tmp_path_factory.mktemp("small") / "small"))


def _rows(table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(TABLES[table])))


def _untidy(path: Path) -> None:
    """Write the small model as people leave workbooks: titles, blank rows and columns, filters, amounts in words, hidden sheets."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "模型"
    sheet.append(["设置说明"])
    sheet.append([])
    sheet.append(["说明", "键", "值"])
    for line in ("title: Small", "start: 2026-01", "months: 12", "fairness.band: 0.2", "fairness.grades.senior: 1.2"):
        sheet.append(["", *line.split(": ")])
    sheet.append(["", "hedge.region", "0.05"])
    for table in TABLES:
        head, *rows = _rows(table)
        order = list(reversed(range(len(head))))
        sheet = book.create_sheet(table)
        sheet.append([f"{table} 2026 v3 final"])
        sheet.merge_cells("A1:D1")
        sheet.append([])
        sheet.append(["", *(head[k] for k in order), "", "备注"])
        for row in rows:
            sheet.append(["", *(row[k] for k in order), "", "checked"])
            sheet.append([])
        sheet.auto_filter.ref = f"B3:{openpyxl.utils.get_column_letter(len(head) + 1)}{sheet.max_row}"
        sheet.row_dimensions[4].hidden = True
    book["leave"].sheet_state = "hidden"
    amounts = {
        "120,000": "12万",
        "200000": "20万元",
        "500000": 500_000,
        "1000000": "0.01亿",
        "20000": "20,000.00",
        "30000": "3 万",
    }
    for row in book["demand"].iter_rows(min_row=3):
        for cell in row:
            cell.value = amounts.get(str(cell.value), cell.value)
    dates = {
        "2026-07-06": "2026年7月6日",
        "2026-07-10": dt.datetime(2026, 7, 10),
        "2026-05-04": "2026/5/4",
        "2026-05-09": "20260509",
    }
    for name in ("leave", "calendar"):
        for row in book[name].iter_rows(min_row=3):
            for cell in row:
                cell.value = dates.get(str(cell.value), cell.value)
    for row in book["products"].iter_rows(min_row=3):
        for cell in row:
            if cell.value == "30%":
                cell.value, cell.number_format = 0.3, "0%"
    book.save(path)


def test_untidy_workbook_is_the_same_model(small: Model, tmp_path: Path) -> None:
    """Titles, blank rows and columns, moved columns, filters, words for amounts and dates, hidden sheets: all the same model."""
    _untidy(tmp_path / "Small.xlsx")
    model = load(tmp_path / "Small.xlsx")
    assert model.sha256 == small.sha256
    told = {(f.severity, f.rule, f.table) for f in model.findings}
    assert ("warning", "hidden", "Small.xlsx[leave]") in told
    assert not [f for f in model.findings if f.severity == "warning" and f.rule != "hidden"]
    assert SETTINGS.startswith("title: Small")


def test_findings_name_the_cell_below_a_title(tmp_path: Path) -> None:
    """Behind titles and moved columns a wrong amount is still named by its own cell."""
    _untidy(tmp_path / "mine.xlsx")
    book = openpyxl.load_workbook(tmp_path / "mine.xlsx")
    book["demand"]["C6"] = "viele"
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(InputError) as raised:
        load(tmp_path / "mine.xlsx")
    (finding,) = [f for f in raised.value.findings if f.severity == "error"]
    assert (finding.table, finding.row, finding.rule) == ("mine.xlsx[demand]", "C6", "money")


@pytest.mark.parametrize("prefix", [0, 3])
def test_formulas(small: Model, prefix: int, tmp_path: Path) -> None:
    """Formulas count as what they show; one that shows nothing is found in its cell, also where cells do not say their place."""
    write_workbook(small, tmp_path / "mine.xlsx")
    book = openpyxl.load_workbook(tmp_path / "mine.xlsx")
    if prefix:
        book["demand"].insert_rows(1, prefix)
    book["demand"].cell(4 + prefix, 3).value = "=1+1"
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(InputError) as raised:
        load(tmp_path / "mine.xlsx")
    (finding,) = [f for f in raised.value.findings if f.severity == "error"]
    assert (finding.rule, finding.row, finding.value) == ("formula", f"C{4 + prefix}", "=1+1")


def test_marked_copy(small: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wrong cell of the copy is red and says what is wrong; others are not; the copy lists all of it first, and reads as before."""
    monkeypatch.chdir(tmp_path)
    write_workbook(small, tmp_path / "mine.xlsx")
    book = openpyxl.load_workbook("mine.xlsx")
    wrong = {("demand", "C2"): "viele", ("clients", "C3"): "Z9", ("reps", "G3"): 99}
    for (sheet, cell), value in wrong.items():
        book[sheet][cell] = value
    for row in range(60):
        book["demand"].append([f"nobody{row}", "lite", "x", 5])
    book.save("mine.xlsx")
    assert main(["check", "mine.xlsx", "--mark", "--lang", "en"]) == 2
    copy = openpyxl.load_workbook("mine-marked.xlsx")
    assert copy.sheetnames[0] == "#findings"
    red = {
        (sheet.title, c.coordinate): c.comment.text
        for sheet in copy.worksheets[1:]
        for row in sheet.iter_rows()
        for c in row
        if c.fill.fgColor.rgb == f"00{COLOURS['error']}"
    }
    assert wrong.keys() <= red.keys()
    assert "Expected an amount" in red["demand", "C2"]
    assert len(red) == len(wrong) + 2 * 60  # 60 unknown clients and 60 amounts: more than the screen tells
    errors = [f for f in all_findings(tmp_path / "mine.xlsx") if f.severity == "error"]
    assert [(f.row, f.rule) for f in errors] == [
        (f.row, f.rule) for f in all_findings(tmp_path / "mine-marked.xlsx") if f.severity == "error"
    ]
    assert main(["check", "mine.xlsx", "--mark"]) == 2
    assert Path("mine-marked-2.xlsx").exists()


def test_marked_copy_of_a_folder(tmp_path: Path) -> None:
    """CSV files become sheets with each row where the file has it, formulas as texts, and the wrong cell marked."""
    changes = {
        "demand.csv": TABLES["demand"].replace("90000", "many"),
        "reps.csv": TABLES["reps"].replace("Bob", "=1+1"),
    }
    folder = write_small_model(tmp_path / "small", dict(changes))
    assert mark(folder, all_findings(folder), tmp_path / "marked.xlsx") == 1
    book = openpyxl.load_workbook(tmp_path / "marked.xlsx")
    cell = book["demand"]["C6"]
    assert (cell.value, cell.fill.fgColor.rgb) == ("many", f"00{COLOURS['error']}")
    assert (book["reps"]["B3"].value, book["reps"]["B3"].data_type) == ("=1+1", "s")
