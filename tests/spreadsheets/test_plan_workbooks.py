"""``plan.xlsx``: live totals that agree with the plan, and quotas that somebody changes there held by the next solve."""

from __future__ import annotations

import functools
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter

from allocator.cli import main
from allocator.edited_quotas import pinned, read_changes
from allocator.errors import InputError
from allocator.model import LEVELS
from allocator.places import shipped_models
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.plan_workbook import workbook_bytes
from allocator.reporting.quota_grid import PUBLISHED, TOP, quota_grid
from allocator.reporting.run import findings_frame, hashes
from allocator.solving import solve
from allocator.texts import in_language

MODELS = ("pocket", "software")


@functools.cache
def plan_of(name: str) -> Plan:
    """Plan of a shipped model, without dates of visits."""
    return solve(load(shipped_models()[name]), visits=False)


@functools.cache
def content_of(name: str, language: str = "en") -> bytes:
    """Its workbook."""
    plan = plan_of(name)
    with in_language(language):
        return workbook_bytes(plan, {**plan.tables, "findings": findings_frame(plan.findings)})


def book_of(name: str, *, values: bool = False, language: str = "en") -> openpyxl.Workbook:
    """The workbook as a spreadsheet program has it: its formulas, or what they show."""
    return openpyxl.load_workbook(io.BytesIO(content_of(name, language)), data_only=values)


@pytest.mark.parametrize("name", MODELS)
def test_stored_totals_are_those_of_the_plan(name: str) -> None:
    """What the formulas of the quotas show is, cell by cell, what units and reps have in the plan's own tables."""
    quotas, model = plan_of(name)["quotas"], plan_of(name).model
    sheet = book_of(name, values=True)["quotas"]
    keys = [c.value for c in sheet[3]]
    home = model["reps"].set_index("rep")["unit"]
    above = quotas["rep"].map(home).map(lambda u: set(model.ancestors[u]))
    seen = 0
    for row in sheet.iter_rows(min_row=TOP + 1, values_only=True):
        unit, rep, product = (row[keys.index(c)] or "" for c in ("unit", "rep", "product"))
        mine = above.map(lambda units, unit=unit: unit in units) if unit else quotas["rep"] == rep
        part = quotas[mine & (quotas["product"] == product)] if product else quotas[mine]
        for k, key in enumerate(keys):
            if key and "|" in key:
                level, month = key.split("|")
                cut = part[part["level"] == level]
                cut = cut if month == "total" else cut[cut["month"] == month]
                assert (row[k] or 0) == pytest.approx(cut["quota"].sum(), abs=1e-6)
                seen += 1
    assert seen == len(quota_grid(plan_of(name)).lines) * len(LEVELS) * (len(model.calendar.months) + 1)


@pytest.mark.parametrize("name", MODELS)
def test_totals_are_live(name: str) -> None:
    """Every total of a rep or unit, and of a year, is a formula over the cells that it sums, and none is a number."""
    sheet = book_of(name)["quotas"]
    keys = [c.value for c in sheet[3]]
    for row in sheet.iter_rows(min_row=TOP + 1):
        leaf = row[keys.index("product")].value is not None
        for cell, key in zip(row, keys, strict=False):
            if key and "|" in key and cell.value is not None:
                formula = isinstance(cell.value, str) and cell.value.startswith(("=SUM(", "=SUBTOTAL(9,"))
                assert formula == (not leaf or key.endswith("total"))


def test_sheets_are_made_for_people() -> None:
    """Charts, colours by condition, outlines, repeated headings and landscape pages are there; the weeks alone are actions."""
    book = book_of("software")
    assert book.sheetnames[:7] == ["summary", "overview", "targets", "needs", "quotas", "budget", "actions"]
    assert len(book["summary"]._charts) == 2
    assert len(book["budget"]._charts) == 1
    for sheet in book.worksheets:
        if sheet.title != PUBLISHED:
            assert sheet.page_setup.orientation == "landscape"
            assert sheet.sheet_properties.pageSetUpPr.fitToPage
            assert sheet.print_title_rows
    quotas = book["quotas"]
    assert quotas.freeze_panes == "F4"
    assert max(d.outlineLevel for d in quotas.row_dimensions.values()) >= 2
    assert {
        str(r.sqref) for name in ("quotas", "targets", "budget", "actions") for r in book[name].conditional_formatting
    }
    weeks = [row[1] for row in book["actions"].iter_rows(min_row=2, values_only=True)]
    assert all(re.fullmatch(r"\d{4}-W\d\d", week) for week in weeks)


def test_sheets_written_quickly_hold_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out of the sheets for speed is what no reader needs: the package's own sheets are the same byte for byte otherwise."""
    plan, quick_parts = plan_of("software"), parts_of(content_of("software"))
    monkeypatch.setattr("allocator.reporting.workbook._Book", xlsxwriter.Workbook)
    with in_language("en"):
        plain = workbook_bytes(plan, {**plan.tables, "findings": findings_frame(plan.findings)})
    plain_parts = parts_of(plain)
    assert quick_parts.keys() == plain_parts.keys()
    assert any(b" spans=" in part for part in plain_parts.values())
    for name, part in plain_parts.items():
        assert re.sub(rb' spans="[0-9:]+"', b"", part) == quick_parts[name], name


def parts_of(book: bytes) -> dict[str, bytes]:
    """Files inside a workbook, but for the one that says when it was made."""
    with zipfile.ZipFile(io.BytesIO(book)) as packed:
        return {name: packed.read(name) for name in packed.namelist() if name != "docProps/core.xml"}


def test_budget_agrees() -> None:
    """Totals of lines, months and categories show what the plan spends."""
    budget = plan_of("software")["budget"]
    rows = list(book_of("software", values=True)["budget"].iter_rows(min_row=2, values_only=True))
    lines = budget.groupby("line")["spend"].sum()
    months = budget["month"].nunique()
    assert {r[0]: r[2 + months] for r in rows[: len(lines)]} == pytest.approx(lines.to_dict())
    assert rows[len(lines)][2 + months] == pytest.approx(lines.sum())
    by_category = budget.groupby("category")["spend"].sum()
    below = {r[1]: sum(r[2 : 2 + months]) for r in rows[len(lines) + 1 :] if r[1]}
    assert {k: v for k, v in below.items() if k != "–"} == pytest.approx({k: v for k, v in by_category.items() if k})


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_changed_is_no_pin(language: str, tmp_path: Path) -> None:
    """A workbook as it was written changes nothing, also once another program has dropped what formulas show."""
    (tmp_path / "plan.xlsx").write_bytes(content_of("pocket", language))
    changes = read_changes(tmp_path / "plan.xlsx")
    assert changes.pins.empty
    assert changes.written_for == plan_of("pocket").model.sha256
    book_of("pocket", language=language).save(tmp_path / "again.xlsx")
    assert read_changes(tmp_path / "again.xlsx").pins.empty


def edited(name: str, count: int, seed: int, path: Path) -> pd.DataFrame:
    """Change so many quotas of products at random, within the order of levels and below the market's ceiling; return them."""
    rng = np.random.default_rng(seed)
    book = book_of(name)
    sheet = book["quotas"]
    keys = [c.value for c in sheet[3]]
    column = {key: k for k, key in enumerate(keys, 1) if key}
    months = plan_of(name).model.calendar.months
    rows = [r for r in range(TOP + 1, sheet.max_row + 1) if sheet.cell(r, column["product"]).value]
    places = [(r, level, m) for r in rows for level in LEVELS for m in months]
    made = []
    for k in rng.permutation(len(places)):
        row, level, month = places[k]
        at = LEVELS.index(level)
        values = [sheet.cell(row, column[f"{name_}|{month}"]).value for name_ in LEVELS]
        if None in values or len(made) == count:
            continue
        low = values[at - 1] if at else 0.5 * values[0]
        high = values[at + 1] if at < 2 else values[at]
        new = round(float(rng.uniform(low, high)), int(rng.integers(0, 3)))
        if not low <= new <= high or abs(new - values[at]) < 1:
            continue
        sheet.cell(row, column[f"{level}|{month}"]).value = new
        rep, product = (sheet.cell(row, column[c]).value for c in ("rep", "product"))
        made.append((rep, product, month, level, new))
    book.save(path)
    return pd.DataFrame(made, columns=["rep", "product", "period", "level", "amount"])


@pytest.mark.parametrize(("name", "count"), [("pocket", 8), ("software", 50)])
def test_random_changes_are_held(name: str, count: int, tmp_path: Path) -> None:
    """Every one of the changes is read as a pin, and the next plan has exactly these quotas, with no violation in the audit."""
    made = edited(name, count, 7, tmp_path / "edited.xlsx")
    assert len(made) == count
    changes = read_changes(tmp_path / "edited.xlsx")
    key = ["rep", "product", "period", "level"]
    read = changes.pins.set_index(key)["amount"].sort_index()
    pd.testing.assert_series_equal(read, made.set_index(key)["amount"].sort_index(), check_dtype=False)
    plan = solve(pinned(plan_of(name).model, changes), visits=False)
    quotas = plan["quotas"].rename(columns={"month": "period"}).set_index(key)["quota"]
    assert (quotas.reindex(read.index) - read).abs().max() < 1e-9
    assert plan.summary["audit"]["violations"] == 0


def test_totals_formulas_and_texts(tmp_path: Path) -> None:
    """A total that was written over pins its own cut; a formula counts by what it shows; an amount in words is read."""
    book = book_of("pocket")
    sheet = book["quotas"]
    keys = {c.value: c.column_letter for c in sheet[3] if c.value}
    where = {(r[2].value, r[3].value, r[4].value): r[0].row for r in sheet.iter_rows(min_row=TOP + 1)}
    month, total = keys["base|2026-04"], keys["base|total"]
    sheet[f"{total}{where['north', None, None]}"] = 700_000
    sheet[f"{month}{where[None, 'li', None]}"] = "25万"
    sheet[f"{month}{where[None, 'wang', 'iot']}"] = 35_000.125
    sheet.insert_cols(6)
    sheet.insert_rows(1)
    book.save(tmp_path / "edited.xlsx")
    pins = read_changes(tmp_path / "edited.xlsx").pins
    found = {tuple(r) for r in pins[["unit", "rep", "product", "period", "amount"]].itertuples(index=False)}
    assert found == {
        ("north", "", "", "", 700_000.0),
        ("", "li", "", "2026-04", 250_000.0),
        ("", "wang", "iot", "2026-04", 35_000.12),
    }


@pytest.mark.parametrize(
    ("value", "rule"), [("viele", "money"), (-5, "range"), (None, "money"), ("=1+1", "formula"), (True, "money")]
)
def test_what_is_no_amount_is_found(value: object, rule: str, tmp_path: Path) -> None:
    """A changed cell without an amount is told with sheet and cell, and nothing is planned."""
    book = book_of("pocket")
    sheet = book["quotas"]
    row = next(r[0].row for r in sheet.iter_rows(min_row=TOP + 1) if r[4].value)
    sheet.cell(row, 6).value = value
    book.save(tmp_path / "edited.xlsx")
    with pytest.raises(InputError) as raised:
        read_changes(tmp_path / "edited.xlsx")
    (finding,) = raised.value.findings
    assert (finding.table, finding.row, finding.rule) == ("edited.xlsx[quotas]", f"F{row}", rule)


def test_another_workbook_is_refused(tmp_path: Path) -> None:
    """A workbook that no solve wrote is refused with a remedy; so is one whose reps the model has not got."""
    openpyxl.Workbook().save(tmp_path / "other.xlsx")
    with pytest.raises(InputError, match=r"plan\.xlsx"):
        read_changes(tmp_path / "other.xlsx")
    edited("software", 3, 1, tmp_path / "edited.xlsx")
    with pytest.raises(InputError) as raised:
        pinned(plan_of("pocket").model, read_changes(tmp_path / "edited.xlsx"))
    assert {f.rule for f in raised.value.findings} >= {"reference"}
    assert all(f.table == "edited.xlsx[quotas]" for f in raised.value.findings)


def test_solve_says_what_pins_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``solve --pins`` holds the changes, lists them in the run, and the figures it prints differ by what the summary says."""
    monkeypatch.chdir(tmp_path)
    edited("pocket", 5, 3, Path("edited.xlsx"))
    assert main(["solve", "pocket", "--pins", "edited.xlsx", "--lang", "en"]) == 0
    assert "Changed quotas that are held: 5" in capsys.readouterr().out
    table = pd.read_csv("runs/pocket/pinned.csv")
    assert len(table) == 5
    model = load(Path("runs/pocket/model"))
    assert len(model["pins"]) == 5 + len(load(shipped_models()["pocket"])["pins"])
    summary = pd.read_json(Path("runs/pocket/summary.json"), typ="series")
    cost = summary["pins"]["cost"]
    before = plan_of("pocket")["quotas"].groupby("level")["quota"].sum()
    after = pd.read_csv("runs/pocket/quotas.csv").groupby("level")["quota"].sum()
    for level in LEVELS:
        assert cost[f"quota {level}"] == pytest.approx({"without": before[level], "with": after[level]})
    assert cost["revenue"]["with"] == pytest.approx(cost["revenue"]["without"])


def test_prices_come_into_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices that are asked for later get a sheet and leave the quotas as published; a workbook that was edited is left alone."""
    monkeypatch.chdir(tmp_path)
    book = Path("runs/pocket/plan.xlsx")
    assert main(["solve", "pocket", "-q", "--lang", "en"]) == 0
    for _time in range(2):
        assert main(["explain", "runs/pocket", "--prices", "-q", "--lang", "en"]) == 0
    sheets = openpyxl.load_workbook(book).sheetnames
    assert "prices" in sheets
    assert read_changes(book).pins.empty
    summary = json.loads(Path("runs/pocket/summary.json").read_text("utf-8"))
    later = ("prices.csv", "report.html")
    assert summary["files"] == {n: sha for n, sha in hashes(Path("runs/pocket")).items() if n not in later}
    assert main(["publish", "runs/pocket", "--registry", "registry.db", "-q", "--lang", "en"]) == 0
    edited = openpyxl.load_workbook(book)
    edited["overview"]["A1"] = "mine"
    edited.save(book)
    before = book.read_bytes()
    assert main(["explain", "runs/pocket", "--prices", "-q", "--lang", "en"]) == 0
    assert book.read_bytes() == before
