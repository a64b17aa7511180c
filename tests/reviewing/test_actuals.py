"""Reading what happened: files, sheets, the model's own table, and what is refused."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import openpyxl
import pytest

import allocator
from allocator.errors import Finding, InputError
from allocator.model import Model
from allocator.places import shipped
from allocator.reviewing.actuals import read_actuals

MAY = dt.date(2026, 5, 31)
GOOD = """\
month,metric,rep,product,amount
2026-04,revenue,li,broadband,160000
2026-04,revenue,wang,iot,30000
2026-05,revenue,li,broadband,150000
"""


@pytest.fixture(scope="module")
def pocket() -> Model:
    """Return the pocket model."""
    return allocator.load(shipped("models") / "pocket")


def told(model: Model, text: str, tmp_path: Path, day: dt.date = MAY) -> tuple[Finding, ...]:
    """Findings that a file brings; errors raise none here."""
    file = tmp_path / "a.csv"
    file.write_text(text, encoding="utf-8")
    try:
        return read_actuals(model, file, day).findings
    except InputError as error:
        return error.findings


def test_a_file_is_read_by_month(pocket: Model, tmp_path: Path) -> None:
    """Proves: months that end by the day are past, the others remain, and rows carry what the file says."""
    file = tmp_path / "a.csv"
    file.write_text(GOOD, encoding="utf-8")
    actuals = read_actuals(pocket, file, MAY)
    assert (actuals.past, actuals.remaining) == (("2026-04", "2026-05"), ("2026-06",))
    assert actuals.of("revenue")["amount"].sum() == 340000
    assert not actuals.told("visits")


def test_a_month_is_over_with_its_last_day(pocket: Model, tmp_path: Path) -> None:
    """Proves: 30 April ends April, 29 April does not."""
    assert not [f for f in told(pocket, GOOD, tmp_path, dt.date(2026, 4, 30)) if f.severity == "error"]
    assert any(f.rule == "period" and f.severity == "error" for f in told(pocket, GOOD, tmp_path, dt.date(2026, 4, 29)))


def test_a_workbook_names_its_cells(pocket: Model, tmp_path: Path) -> None:
    """Proves: the sheet 实际 with Chinese headings is read, and a finding names file, sheet and cell."""
    book = openpyxl.Workbook()
    book.active.title = "说明"
    sheet = book.create_sheet("实际")
    for row in (
        ["月份", "指标", "销售员", "金额"],
        ["2026-04", "revenue", "li", 1000],
        ["2026-05", "revenue", "nobody", 5],
    ):
        sheet.append(row)
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(InputError) as caught:
        read_actuals(pocket, tmp_path / "a.xlsx", MAY)
    finding = next(f for f in caught.value.findings if f.rule == "reference")
    assert (finding.table, finding.row, finding.value) == ("a.xlsx[实际]", "C3", "nobody")


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("2026-05,revenu,li,broadband,1", "metric"),
        ("2026-05,spend,,,100", "required"),
        ("2026-05,visits,li,,-1", "range"),
        ("2026-04,pipeline,li,,3", "required"),
        ("2026-04,visits,li,,3", "missing"),
        ("2026-04,revenue,,,190000", "duplicate"),
        ("2026-04,revenue,li,broadband,5", "duplicate"),
        ("2027-04,revenue,li,broadband,5", "period"),
        (",revenue,li,broadband,5", "required"),
    ],
)
def test_what_is_wrong_is_refused(pocket: Model, tmp_path: Path, row: str, rule: str) -> None:
    """Proves: each kind of mistake is an error of its own rule: misspelt metric, money without a line, a total beside its parts …"""
    found = told(pocket, GOOD + row + "\n", tmp_path)
    assert rule in {f.rule for f in found if f.severity == "error"}, [f.says for f in found]


def test_a_month_without_revenue_is_refused(pocket: Model, tmp_path: Path) -> None:
    """Proves: a past month that nobody told is an error, unless an earlier review told it."""
    text = GOOD.splitlines()[0] + "\n" + GOOD.splitlines()[3] + "\n"
    assert any(f.rule == "missing" for f in told(pocket, text, tmp_path))
    assert read_actuals(pocket, tmp_path / "a.csv", MAY, known=("2026-04",)).past == ("2026-04", "2026-05")
