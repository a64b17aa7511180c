"""Workbooks to work in: what is written reads back the same, and offers what the dictionary knows."""

from __future__ import annotations

import filecmp
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_model import TABLES, write_small_model

from allocator.cli import main
from allocator.places import shipped_models
from allocator.reading import load, write_tables, write_workbook
from allocator.reporting.model_workbook import NOTES
from allocator.schema.dictionary import dictionary
from allocator.schema.settings import all_setting_rows
from allocator.texts import in_language


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_folder_workbook_folder(name: str, language: str, tmp_path: Path) -> None:
    """A shipped model written as a folder, as a workbook and as a folder again is the same, file by file."""
    source = load(shipped_models()[name])
    write_tables(source, tmp_path / "one")
    assert main(["new", str(tmp_path / "book.xlsx"), "--from", str(tmp_path / "one"), "--lang", language, "-q"]) == 0
    assert main(["new", str(tmp_path / "two"), "--from", str(tmp_path / "book.xlsx"), "-q"]) == 0
    files = sorted(p.name for p in (tmp_path / "one").iterdir())
    assert files == sorted(p.name for p in (tmp_path / "two").iterdir())
    _same, other, strange = filecmp.cmpfiles(tmp_path / "one", tmp_path / "two", files, shallow=False)
    assert (other, strange) == ([], [])
    assert load(tmp_path / "two").sha256 == source.sha256


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(
    lambda t: t.strip() == t
)


@settings(max_examples=25, deadline=None)
@given(first=st.sampled_from("=+-@'\"_"), rest=NAMES, number=st.floats(0, 1e15))
def test_any_name_and_number_reads_back(
    first: str, rest: str, number: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Names that look like formulas, escapes or quotes, and any double, come back as they were."""
    folder = tmp_path_factory.mktemp("any")
    cell = '"' + (first + rest).replace('"', '""') + '"'
    reps = TABLES["reps"].replace("Bob", cell)
    demand = TABLES["demand"].replace("90000,100000", f"{number!r},{number!r}")
    model = load(write_small_model(folder / "m", {"reps.csv": reps, "demand.csv": demand}))
    write_workbook(model, folder / "m.xlsx")
    assert load(folder / "m.xlsx").sha256 == model.sha256


def test_dangerous_names_stay_texts(tmp_path: Path) -> None:
    """A name that begins like a formula is a text with the mark that keeps it one, and no cell is a formula but counts."""
    names = ["=1+1", "+49", "-x", "@SUM(A1)"]
    reps = TABLES["reps"].replace("Ann 安", names[0]).replace("Bob", names[1]).replace("Cy,", f"{names[2]},")
    clients = TABLES["clients"].replace("客户一", names[3])
    model = load(write_small_model(tmp_path / "m", {"reps.csv": reps, "clients.csv": clients}))
    with in_language("en"):
        write_workbook(model, tmp_path / "m.xlsx")
    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    cells = [*book["reps"]["B"][1:4], book["clients"]["B2"]]
    assert [c.value for c in cells] == names
    assert all(c.data_type == "s" and c.quotePrefix for c in cells)
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_headings_have_notes_lists_and_formats(language: str, tmp_path: Path) -> None:
    """Every table has a sheet, every heading a note, every reference and choice a list; panes are frozen, pages set up."""
    with in_language(language):
        write_workbook(load(shipped_models()["pocket"]), tmp_path / "m.xlsx")
    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    sheets = {("clients", "en"): "clients", ("clients", "zh"): "客户"}
    assert len(book.sheetnames) == 2 + len(dictionary())
    for sheet in book.worksheets[2:]:
        assert all(c.comment is not None and c.comment.text for c in sheet[1])
        assert sheet.freeze_panes is not None
        assert sheet.page_setup.orientation == "landscape"
        assert sheet.print_title_rows == "$1:$1"
    sheet = book[sheets["clients", language]]
    columns = list(dictionary()["clients"].columns)
    lists = {str(v.sqref).split(":")[0]: v.formula1 for v in sheet.data_validations.dataValidation if v.type == "list"}
    letter = {name: openpyxl.utils.get_column_letter(columns.index(name) + 1) for name in columns}
    assert lists[f"{letter['status']}2"] == '"active,lost,prospect"'
    assert "COUNTA" in lists[f"{letter['owner']}2"]
    assert sheet.column_dimensions["A"].width > 5
    assert sheet["A2"].number_format == "@"


def test_every_setting_has_a_note() -> None:
    """Each setting that a workbook lists says what it means."""
    model = load(shipped_models()["pocket"])
    assert {key.split(".")[0] for key, _value in all_setting_rows(model.settings)} <= NOTES.keys()
