"""Spoiled workbooks: each defect is found in its cell, and nothing else is raised."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from small_model import write_small_model

from allocator.errors import InputError
from allocator.reading import load, write_workbook


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small model as a workbook."""
    folder = tmp_path_factory.mktemp("good")
    write_workbook(load(write_small_model(folder / "small")), folder / "mine.xlsx")
    return folder / "mine.xlsx"


Spoil = Callable[[openpyxl.Workbook], None]


def _merge(book: openpyxl.Workbook) -> None:
    book["clients"].merge_cells("C3:D3")


def _formula(book: openpyxl.Workbook) -> None:
    book["demand"]["C4"] = "=1+1"


def _error(book: openpyxl.Workbook) -> None:
    book["demand"]["C4"] = "#DIV/0!"


def _text(book: openpyxl.Workbook) -> None:
    book["demand"]["C4"] = "many"


def _time(book: openpyxl.Workbook) -> None:
    book["leave"]["B2"] = dt.datetime(2026, 7, 6, 12, 30)


def _serial(book: openpyxl.Workbook) -> None:
    book["leave"]["B2"] = 46209
    book["leave"]["B2"].number_format = "General"


def _empty_sheet(book: openpyxl.Workbook) -> None:
    book["pins"].delete_rows(1, 10)


def _no_rows(book: openpyxl.Workbook) -> None:
    book["demand"].delete_rows(2, 100)


def _heading(book: openpyxl.Workbook) -> None:
    book["reps"]["D1"] = "grde"


def _double(book: openpyxl.Workbook) -> None:
    book["reps"]["B1"] = "rep"


def _no_settings(book: openpyxl.Workbook) -> None:
    del book["model"]


def _no_table(book: openpyxl.Workbook) -> None:
    del book["targets"]


def _same_twice(book: openpyxl.Workbook) -> None:
    book.create_sheet("客户")


def _near_name(book: openpyxl.Workbook) -> None:
    book.create_sheet("client list").title = "clientss"


def _setting(book: openpyxl.Workbook) -> None:
    book["model"]["B3"] = "soon"


def _setting_twice(book: openpyxl.Workbook) -> None:
    book["model"]["A7"], book["model"]["B7"] = "start", "2026-01"


CASES: tuple[tuple[Spoil, str, str, str], ...] = (
    (_merge, "mine.xlsx[clients]", "C3", "merged"),
    (_formula, "mine.xlsx[demand]", "C4", "formula"),
    (_error, "mine.xlsx[demand]", "C4", "error_cell"),
    (_text, "mine.xlsx[demand]", "C4", "money"),
    (_time, "mine.xlsx[leave]", "B2", "date"),
    (_serial, "mine.xlsx[leave]", "B2", "date"),
    (_empty_sheet, "mine.xlsx[pins]", "", "empty"),
    (_no_rows, "mine.xlsx[demand]", "", "empty"),
    (_heading, "mine.xlsx[reps]", "", "heading"),
    (_double, "mine.xlsx[reps]", "", "heading"),
    (_no_settings, "mine.xlsx[model]", "", "missing"),
    (_no_table, "mine.xlsx[targets]", "", "missing"),
    (_same_twice, "mine.xlsx[客户]", "", "duplicate"),
    (_near_name, "mine.xlsx[clientss]", "", "table"),
    (_setting, "mine.xlsx[model]", "B3", "setting"),
    (_setting_twice, "mine.xlsx[model]", "B7", "duplicate"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0].__name__.strip("_"))
def test_defect_is_found_in_its_cell(case: tuple[Spoil, str, str, str], good: Path, tmp_path: Path) -> None:
    """Each defect gives a finding that names sheet, cell and rule."""
    spoil, table, row, rule = case
    book = openpyxl.load_workbook(good)
    spoil(book)
    book.save(tmp_path / "mine.xlsx")
    with pytest.raises(InputError) as raised:
        load(tmp_path / "mine.xlsx")
    found = [f for f in raised.value.findings if f.severity == "error"]
    assert (found[0].table, found[0].row, found[0].rule) == (table, row, rule)
    assert {f.table for f in found} == {table}
    assert found[0].says.startswith(f"{table} cell {row}" if row and row[0].isalpha() else table)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a workbook"),
        (b"client,tier\n", "not a workbook"),
        (b"PK\x03\x04" + b"junk" * 50, "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "password"),
    ],
)
def test_file_is_no_workbook(content: bytes, says: str, tmp_path: Path) -> None:
    """Other content under the name of a workbook is refused with a remedy."""
    path = tmp_path / "mine.xlsx"
    path.write_bytes(content)
    _refused(path, says)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_truncated_workbook(share: float, good: Path, tmp_path: Path) -> None:
    """A workbook that was cut off is called damaged, wherever it ends."""
    data = good.read_bytes()
    path = tmp_path / "mine.xlsx"
    path.write_bytes(data[: int(len(data) * share)])
    _refused(path, "damaged")


def test_flipped_bytes(good: Path, tmp_path: Path) -> None:
    """A workbook whose packed content does not match its checksum is called damaged."""
    data = bytearray(good.read_bytes())
    data[len(data) // 3] ^= 0xFF
    path = tmp_path / "mine.xlsx"
    path.write_bytes(bytes(data))
    _refused(path, "damaged")


def test_entities_are_refused(good: Path, tmp_path: Path) -> None:
    """A workbook with XML entities (an expansion bomb) is refused before any is expanded."""
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    path = tmp_path / "mine.xlsx"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(path, "w") as target:
        for part in source.infolist():
            content = source.read(part)
            if part.filename.startswith("xl/worksheets/sheet1"):
                content = content.replace(b"?>", b"?>" + bomb, 1)
            target.writestr(part, content)
    _refused(path, "entities", "entities")


def test_zip_without_workbook(tmp_path: Path) -> None:
    """A zip file with something else in it is refused."""
    path = tmp_path / "mine.xlsx"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("hello.txt", "hello")
    _refused(path, "damaged")


def _refused(path: Path, says: str, rule: str = "workbook") -> None:
    with pytest.raises(InputError) as raised:
        load(path)
    (finding,) = raised.value.findings
    assert (finding.table, finding.rule) == ("mine.xlsx", rule)
    assert says in finding.says
