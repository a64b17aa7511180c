"""Parquet tables without the library that reads them, and the columns that every kind of file is read into."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from allocator.cli import main
from allocator.errors import InputError
from allocator.reading import load
from allocator.schema.cells import Cells
from allocator.schema.dictionary import dictionary
from allocator.schema.parsing import parse_cells


@pytest.fixture
def without_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the library where it is installed."""
    find = importlib.util.find_spec

    def hidden(name: str, package: str | None = None) -> object:
        return None if name == "pyarrow" else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", hidden)


def test_missing_library_is_named_once(small_folder: Path, without_library: None) -> None:
    """Proves that a model with Parquet tables is refused with what to install, and with no other finding that follows from it."""
    for name in ("clients", "demand"):
        (small_folder / f"{name}.csv").rename(small_folder / f"{name}.parquet")
    with pytest.raises(InputError) as refused:
        load(small_folder)
    (finding,) = refused.value.findings
    assert (finding.table, finding.rule) == ("clients.parquet", "library")
    assert "pip install 'sales-allocator[parquet]'" in finding.says


def test_a_table_in_two_files_is_refused(small_folder: Path, without_library: None) -> None:
    """Proves that nobody has to guess which of two files of a table was read."""
    (small_folder / "clients.parquet").write_bytes(b"")
    with pytest.raises(InputError) as refused:
        load(small_folder)
    (finding,) = refused.value.findings
    assert (finding.table, finding.rule) == ("clients.parquet", "duplicate")
    assert "clients.csv" in finding.says


def test_copy_as_parquet_needs_the_library(
    tmp_path: Path, without_library: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Proves that nothing is written where the library is missing, and that a format without a model to copy is no command."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "mine", "--from", "pocket", "--format", "parquet"]) != 0
    assert "sales-allocator[parquet]" in capsys.readouterr().err
    assert main(["new", "mine", "--format", "csv"]) == 2
    assert main(["new", "mine.xlsx", "--from", "pocket", "--format", "csv"]) == 2
    assert not list(tmp_path.iterdir())


def test_copy_as_csv_is_the_same_model(tmp_path: Path) -> None:
    """Proves that a copy whose tables are written anew reads as the same model and keeps its settings as they were written."""
    from allocator.commands.starting import copy_model
    from allocator.places import find_model

    source = find_model("pocket")
    copy_model(source, tmp_path / "copy", "csv")
    assert load(tmp_path / "copy").sha256 == load(source).sha256
    assert (tmp_path / "copy" / "model.yaml").read_bytes() == (source / "model.yaml").read_bytes()


def test_words_stand_once_and_blanks_are_no_words() -> None:
    """Proves that cells come back as they were, stripped, whatever their words; a blank between blanks is a blank."""
    texts = np.array(["b ", "", "a", "b", " ", "a"], dtype=object)
    cells = Cells.of(texts)
    assert cells.texts().tolist() == ["b", "", "a", "b", "", "a"]
    assert cells.filled.tolist() == [True, False, True, True, False, True]
    assert cells.at(cells.filled).texts().tolist() == ["b", "a", "b", "a"]


@pytest.mark.parametrize(("table", "column"), [("demand", "expected"), ("clients", "count"), ("tiers", "minutes")])
def test_numbers_are_typed_as_their_texts(table: str, column: str) -> None:
    """Proves that numbers of a file that has types become what their texts in a CSV file become, refused ones too."""
    entry = dictionary()[table].columns[column]
    words = np.array([3.0, 0.1, -0.0, 1e17, np.nan, np.inf, 2.0**53 + 2, 1 / 3])
    codes = np.array([0, 1, 2, -1, 3, 4, 5, 6, 7, 0])
    cells = Cells(words, codes)
    typed, told = parse_cells(cells, entry), parse_cells(Cells.of(cells.texts()), entry)
    np.testing.assert_array_equal(typed.data, told.data)
    np.testing.assert_array_equal(np.signbit(typed.data), np.signbit(told.data))
    np.testing.assert_array_equal(typed.bad, told.bad)
    np.testing.assert_array_equal(typed.nan, told.nan)
    assert typed.bad.any()
