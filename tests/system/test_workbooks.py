"""Workbooks in a real spreadsheet program: LibreOffice without a screen (package ``libreoffice-calc``)."""

from __future__ import annotations

import csv
import subprocess
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from allocator.cli import main
from allocator.model import LEVELS
from allocator.places import shipped_models
from allocator.reading import load, write_workbook
from allocator.texts import in_language

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
"""The tests' reader says so of the colours that LibreOffice writes."""


def converted(path: Path, kind: str) -> Path:
    """Let LibreOffice open a file and save it as another kind, under a profile of its own."""
    folder = path.parent / f"as-{kind}"
    profile = (path.parent / "profile").as_uri()
    command = [
        "soffice",
        "--headless",
        f"-env:UserInstallation={profile}",
        "--convert-to",
        kind,
        "--outdir",
        str(folder),
    ]
    subprocess.run([*command, str(path)], check=True, capture_output=True, timeout=180)
    return folder / f"{path.stem}.{kind}"


@pytest.fixture(scope="module", params=["pocket", "software"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run of a shipped model."""
    folder = tmp_path_factory.mktemp("runs") / request.param
    assert main(["solve", request.param, "-o", str(folder), "-q", "--lang", "en"]) == 0
    return folder


def without_stored_values(source: Path, target: Path) -> Path:
    """Copy a workbook without what its formulas show, so that whoever opens it must reckon."""
    openpyxl.load_workbook(source).save(target)
    shown = openpyxl.load_workbook(target, data_only=True)
    written = openpyxl.load_workbook(target)
    formulas = [c for sheet in written for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    assert len(formulas) > 50
    assert all(shown[c.parent.title][c.coordinate].value is None for c in formulas)
    return target


def test_recalculated_plan_agrees(run: Path, tmp_path: Path) -> None:
    """Recalculated from nothing no cell shows an error, and the totals are those of the audited tables, unit by unit."""
    fresh = without_stored_values(run / "plan.xlsx", tmp_path / "plan.xlsx")
    book = openpyxl.load_workbook(converted(fresh, "xlsx"), data_only=True)
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert not [(c.parent.title, c.coordinate, c.value) for c in cells if c.data_type == "e"]
    quotas, breakdown = pd.read_csv(run / "quotas.csv"), pd.read_csv(run / "breakdown.csv", dtype={"period": str})
    model = load(run / "model")
    home = model["reps"].set_index("rep")["unit"]
    months = breakdown[breakdown["kind"] == "month"]
    sheet = book["quotas"]
    keys = [c.value for c in sheet[3]]
    compared = 0
    for row in sheet.iter_rows(min_row=4, values_only=True):
        unit, rep, product = (row[keys.index(c)] for c in ("unit", "rep", "product"))
        if product:
            continue
        reps = [rep] if rep else [r for r, u in home.items() if unit in model.ancestors[u]]
        for k, key in enumerate(keys):
            if key and "|" in key:
                level, month = key.split("|")
                part = months[months["rep"].isin(reps) & (months["level"] == level)]
                part = part if month == "total" else part[part["period"] == month]
                assert (row[k] or 0) == pytest.approx(part["quota"].sum(), abs=0.01)
                compared += 1
    assert compared > 50
    total = {level: quotas.loc[quotas["level"] == level, "quota"].sum() for level in LEVELS}
    assert sheet.cell(4, keys.index("base|total") + 1).value == pytest.approx(total["base"])
    spend = pd.read_csv(run / "budget.csv")["spend"].sum()
    sums = [r for r in book["budget"].iter_rows(min_row=2, values_only=True) if r[0] == "all"]
    assert sums[0][2 + len(model.calendar.months)] == pytest.approx(spend)


def test_plan_saved_by_another_program_is_no_change(run: Path, tmp_path: Path) -> None:
    """Opened and saved by LibreOffice the workbook still holds no changed quota, though all its formulas were written anew."""
    from allocator.edited_quotas import read_changes

    (tmp_path / "plan.xlsx").write_bytes((run / "plan.xlsx").read_bytes())
    assert read_changes(converted(tmp_path / "plan.xlsx", "xlsx")).pins.empty


def test_plan_prints(run: Path, tmp_path: Path) -> None:
    """Printed, every level of the quotas stands on pages of its own, with the organisation beside it."""
    (tmp_path / "plan.xlsx").write_bytes((run / "plan.xlsx").read_bytes())
    printed = converted(tmp_path / "plan.xlsx", "pdf")
    text = subprocess.run(["pdftotext", "-layout", str(printed), "-"], capture_output=True, check=True).stdout.decode()
    pages = [p for p in text.split("\f") if "quotas in 元" in p]
    assert len(pages) >= len(LEVELS)
    assert all("unit, rep or product" in page and "company" in pages[0] for page in pages)
    heads = [page.split("unit, rep or product")[1].splitlines()[0].split() for page in pages]
    assert {head.count("total") for head in heads} == {1}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_model_workbook_saved_by_another_program(language: str, tmp_path: Path) -> None:
    """A model's workbook that LibreOffice has saved is the same model."""
    model = load(shipped_models()["software"])
    with in_language(language):
        write_workbook(model, tmp_path / "mine.xlsx")
    assert load(converted(tmp_path / "mine.xlsx", "xlsx")).sha256 == model.sha256


def test_names_do_nothing_in_a_spreadsheet(tmp_path: Path) -> None:
    """Names that look like formulas are shown as they are written, not reckoned."""
    folder = tmp_path / "mine"
    assert main(["new", str(folder), "--from", "pocket", "-q"]) == 0
    with (folder / "reps.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    for row, name in zip(rows[1:], ("=1+1", "@SUM(1,2)"), strict=False):
        row[rows[0].index("name")] = name
    with (folder / "reps.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    with in_language("en"):
        write_workbook(load(folder), tmp_path / "mine.xlsx")
    sheet = openpyxl.load_workbook(converted(tmp_path / "mine.xlsx", "xlsx"), data_only=True)["reps"]
    assert [c.value for c in sheet["B"]][1:3] == ["=1+1", "@SUM(1,2)"]
