"""Reading: spellings, languages, encodings and containers that mean the same give the same model."""

from __future__ import annotations

import csv
import datetime as dt
import io
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from small_model import SETTINGS, TABLES, write_small_model

from allocator.errors import InputError
from allocator.model import Model, Settings
from allocator.reading import Tables, check, load, read_tables, write_tables, write_workbook
from allocator.schema.dictionary import Column, dictionary, table_named
from allocator.schema.files import decode, read_csv
from allocator.schema.findings import Report
from allocator.schema.parsing import parse
from allocator.schema.settings import make_settings, read_yaml
from allocator.schema.tables import type_table
from allocator.schema.workbooks import open_workbook


def _same(one: Model, other: Model) -> None:
    """Assert that settings, tables and hash are equal."""
    assert one.settings == other.settings
    for name in dictionary():
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)
    assert one.sha256 == other.sha256


def _rows(table: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(TABLES[table])))


def _chinese(table: str) -> tuple[str, list[list[str]]]:
    """Name of the table and its rows with Chinese name and headings."""
    entry = dictionary()[table]
    head, *rows = _rows(table)
    return entry.aliases[-1], [[entry.columns[h].aliases[-1] for h in head], *rows]


def test_every_table_and_column_is_there_and_typed(small_model: Model) -> None:
    """A model has each column of the dictionary with the type that the dictionary declares."""
    kinds = {"integer": "if", "number": "f", "share": "f", "money": "f", "date": "M", "flag": "b"}
    for name, table in dictionary().items():
        frame = small_model[name]
        assert list(frame.columns) == list(table.columns)
        assert frame.index.equals(pd.RangeIndex(len(frame)))
        for column in table.columns.values():
            dtype = frame[column.name].dtype
            if column.type in kinds:
                assert dtype.kind in kinds[column.type]
                assert (dtype.kind == "i") == column.whole
            elif column.type == "codes":
                assert all(isinstance(v, tuple) for v in frame[column.name])
            else:
                assert pd.api.types.is_string_dtype(dtype)
                assert frame[column.name].notna().all()


def test_values_are_read_as_written(small_model: Model) -> None:
    """Thousands separators, percent signs, lists, flags, dates and defaults are understood."""
    demand = small_model["demand"].set_index(["client", "product"])
    assert demand.loc[("k1", "lite"), "expected"] == 120000
    products = small_model["products"].set_index("product")
    assert products.loc["lite", "margin"] == 0.3
    assert products["large"].to_dict() == {"lite": False, "suite": True, "box": False}
    reps = small_model["reps"].set_index("rep")
    assert reps.loc["bob", "families"] == ("soft", "hard")
    assert reps.loc["cy", "end"] == pd.Timestamp("2026-09-30")
    assert (reps["ramp_months"] == 0).all()
    assert (reps["selling_share"] == 1).all()
    assert reps["quota_min"].isna().sum() == 2
    assert small_model["targets"].set_index("target")["priority"].to_dict()["fairs"] == "hard"
    assert small_model.settings == Settings(
        title="Small",
        start="2026-01",
        fairness={"band": 0.2, "grades": {"senior": 1.2}},  # type: ignore[arg-type]
        hedge={"region": 0.05},
    )


def test_chinese_names_and_headings_in_gb18030(small_model: Model, tmp_path: Path) -> None:
    """The same tables under Chinese names and headings, in GB18030, are the same model."""
    folder = tmp_path / "模型"
    folder.mkdir()
    (folder / "模型.yaml").write_bytes(SETTINGS.encode("gb18030"))
    for table in TABLES:
        name, rows = _chinese(table)
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        (folder / f"{name}.csv").write_bytes(text.getvalue().encode("gb18030"))
    _same(load(folder), small_model)


def test_chinese_workbook(small_model: Model, tmp_path: Path) -> None:
    """The same tables as texts in a workbook with Chinese sheets and headings are the same model."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "模型"
    settings = [("键", "值"), ("title", "Small"), ("start", "2026-01"), ("months", "12"), ("fairness.band", "0.2")]
    for row in [*settings, ("fairness.grades.senior", "1.2"), ("hedge.region", "0.05")]:
        sheet.append(row)
    for table in TABLES:
        name, rows = _chinese(table)
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(tmp_path / "模型.xlsx")
    model = load(tmp_path / "模型.xlsx")
    _same(model, small_model)
    assert model.name == "模型"


def test_written_folder_and_workbook_read_back(small_model: Model, tmp_path: Path) -> None:
    """A model written as folder or workbook is the same model when read."""
    write_tables(small_model, tmp_path / "again")
    write_workbook(small_model, tmp_path / "again.xlsx")
    _same(load(tmp_path / "again"), small_model)
    _same(load(tmp_path / "again.xlsx"), small_model)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_encodings_and_line_ends(encoding: str, newline: str, small_model: Model, tmp_path: Path) -> None:
    """Encoding and line ends make no difference."""
    text = TABLES["clients"].replace("\n", newline)
    _same(load(write_small_model(tmp_path / "small", {"clients.csv": text.encode(encoding)})), small_model)


def test_order_of_rows_columns_and_blank_lines(small_model: Model, tmp_path: Path) -> None:
    """Permuted rows and columns, blank rows, ignored columns and blanks around values make no difference."""
    changes: dict[str, str | bytes | None] = {}
    for table in TABLES:
        head, *rows = _rows(table)
        order = np.random.default_rng(7).permutation(len(head))
        text = io.StringIO()
        writer = csv.writer(text)
        for row in [head, *reversed(rows)]:
            extra = ["备注", "#mine", ""] if row is head else ["x", "y", ""]
            writer.writerow([f" {row[i]}\u3000" for i in order] + extra)
            writer.writerow([])
            if row is not head:
                writer.writerow([""] * (len(row) + 3))
        changes[f"{table}.csv"] = text.getvalue()
    model = load(write_small_model(tmp_path / "small", changes))
    _same(model, small_model)
    assert model.findings == ()


def test_each_content_has_its_hash(small_model: Model, tmp_path: Path) -> None:
    """A change of one cell or setting changes the hash; name and place do not."""
    hashes = {small_model.sha256, load(write_small_model(tmp_path / "other")).sha256}
    assert len(hashes) == 1
    for name, before, after in (
        ("demand.csv", "90000", "90000.01"),
        ("clients.csv", "客户三", "客户四"),
        ("leave.csv", "2026-07-10", "2026-07-11"),
        ("model.yaml", "band: 0.2", "band: 0.3"),
        ("products.csv", "250000,yes", "250000,no"),
    ):
        text = (SETTINGS if name == "model.yaml" else TABLES[name.removesuffix(".csv")]).replace(before, after)
        hashes.add(load(write_small_model(tmp_path / after, {name: text})).sha256)
    assert len(hashes) == 6


def test_units_and_tiers_follow_from_reps_and_clients(tmp_path: Path) -> None:
    """Without units there is one company above the reps' units, without tiers no promise."""
    changes = dict.fromkeys(("units.csv", "tiers.csv", "responses.csv", "needs.csv", "yields.csv", "pins.csv"))
    changes |= {"targets.csv": "target,metric,scope,at_least\nall,revenue,unit=company,1\n"}
    changes |= {"activities.csv": None, "model.yaml": "start: 2026-01\n", "budget.csv": None, "funnel.csv": None}
    clients = TABLES["clients"].replace(",A,", ",KA,")
    changes |= {"clients.csv": clients, "collection.csv": None}
    model = load(write_small_model(tmp_path / "small", changes))
    units = {"company": ("", "company"), "north": ("company", "team"), "south": ("company", "team")}
    assert {u: (p, k) for u, p, k in model["units"].itertuples(index=False)} == units
    assert model["tiers"]["tier"].to_list() == ["B", "KA"]
    assert (model["tiers"]["visits"] == 0).all()
    assert model.ancestors["north"] == ("north", "company")


def test_settings_as_csv(small_model: Model, tmp_path: Path) -> None:
    """Settings may stand in model.csv with dotted keys."""
    text = "key,value\ntitle,Small\nstart,2026-01\nfairness.band,0.2\nfairness.grades.senior,1.2\nhedge.region,0.05\n"
    _same(load(write_small_model(tmp_path / "small", {"model.yaml": None, "model.csv": text})), small_model)


def test_typed_cells_of_a_workbook(tmp_path: Path, small_model: Model) -> None:
    """Numbers, dates, percentages, truth values and stored results of formulas are read as what they are."""
    typed: dict[tuple[str, str], object] = {
        ("demand", "120,000"): 120000,
        ("products", "30%"): 0.3,
        ("products", "yes"): True,
        ("products", "2026-02-01"): dt.date(2026, 2, 1),
        ("seasonality", "2026-06"): dt.date(2026, 6, 1),
        ("market", "3000000"): "=1500000*2",
        ("pins", "30000"): 30000.0,
    }
    used = set()
    with xlsxwriter.Workbook(str(tmp_path / "mine.xlsx")) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("model")
        settings = [("key", "value"), ("title", "Small"), ("start", "2026-01"), ("fairness.band", 0.2)]
        for row, pair in enumerate([*settings, ("fairness.grades.senior", 1.2), ("hedge.region", 0.05)]):
            sheet.write_row(row, 0, pair)
        for table in TABLES:
            sheet = book.add_worksheet(table)
            for row, texts in enumerate(_rows(table)):
                for column, text in enumerate(texts):
                    value = typed.get((table, text), text)
                    used |= {(table, text)} & typed.keys()
                    if isinstance(value, dt.date):
                        sheet.write_datetime(row, column, value, day)
                    elif isinstance(value, str) and value.startswith("=1"):
                        sheet.write_formula(row, column, value, value=3000000)
                    else:
                        sheet.write(row, column, value)
    assert used == set(typed)
    _same(load(tmp_path / "mine.xlsx"), small_model)


def test_check_can_be_repeated_on_changed_frames(small_folder: Path) -> None:
    """Typed frames may be changed and checked again; a change that breaks a rule is found."""
    report = Report()
    tables = read_tables(small_folder, report)
    first = check(tables, report)
    demand = tables.frames["demand"].copy()
    demand["ceiling"] = demand["ceiling"] * 2
    changed = check(Tables(tables.name, "", tables.settings, {**tables.frames, "demand": demand}, tables.places))
    assert changed["demand"]["ceiling"].to_list() == (first["demand"]["ceiling"] * 2).to_list()
    assert changed.sha256 != first.sha256
    demand["ceiling"] = -1.0
    with pytest.raises(InputError) as raised:
        check(Tables(tables.name, "", tables.settings, {**tables.frames, "demand": demand}, tables.places))
    assert {(f.rule, f.column) for f in raised.value.findings} == {("range", "ceiling")}


def test_years_without_announced_make_up_days(tmp_path: Path) -> None:
    """A Chinese year whose make-up days nobody has announced is a warning, until the calendar names one."""
    away = ["seasonality", "resources", "needs", "supply", "actuals", "leave", "calendar", "pins", "market", "budget"]
    away += ["commitments", "responses", "yields", "pipeline", "funnel"]
    changes: dict[str, str | bytes | None] = {f"{name}.csv": None for name in away}
    changes |= {"model.yaml": SETTINGS.replace("2026-01", "2031-01")}
    changes |= {
        "targets.csv": "target,metric,at_least\nall,revenue,1\n",
        "reps.csv": "rep,unit,grade\nann,north,senior\nbob,north,junior\ncy,south,junior\n",
    }
    changes |= {"products.csv": TABLES["products"].replace(",2026-10-31", ",")}
    (finding,) = load(write_small_model(tmp_path / "a", changes)).findings
    assert (finding.severity, finding.rule, "2031" in finding.says) == ("warning", "calendar", True)
    changes |= {"calendar.csv": "date,working\n2031-01-04,yes\n"}
    assert load(write_small_model(tmp_path / "b", changes)).findings == ()
    changes |= {"calendar.csv": None, "model.yaml": changes["model.yaml"] + "country: DE\n"}  # type: ignore[operator]
    assert load(write_small_model(tmp_path / "c", changes)).findings == ()


def test_names_are_unambiguous() -> None:
    """No alias stands for two tables, or for two columns of one table."""
    tables = [n for t in dictionary().values() for n in (t.name, *t.aliases)]
    assert len(set(tables)) == len(tables)
    for table in dictionary().values():
        names = [n for c in table.columns.values() for n in (c.name, *c.aliases)]
        assert len(set(names)) == len(names), table.name
    assert table_named(" Clients ") == "clients"
    assert dictionary()["reps"].column_named("Hours per-day") == "hours_per_day"


def _column(kind: str) -> Column:
    return Column("x", kind, "", "", False, False, None, None, "", (), (), "")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("money", "1,200,000.50", 1200000.5),
        ("money", "１２００", 1200),
        ("number", "-1.5e3", -1500),
        ("number", "+.5", 0.5),
        ("integer", "3.0", 3),
        ("share", "12.5%", 0.125),
        ("share", "12.5 ％", 0.125),
        ("share", "0.07", 0.07),
        ("share", "7%", 0.07),
        ("date", "2026/3/1", pd.Timestamp("2026-03-01")),
        ("date", "2026年3月1日", pd.Timestamp("2026-03-01")),
        ("date", "2026-03-01 00:00:00", pd.Timestamp("2026-03-01")),
        ("month", "2026/3", "2026-03"),
        ("month", "2026年3月", "2026-03"),
        ("month", "2026-03-01", "2026-03"),
        ("period", "2026q2", "2026-Q2"),
        ("period", "2026", "2026"),
        ("scope", " class = star，cow ； unit=East", "class=star, cow; unit=East"),
        ("codes", "a、b; c", ("a", "b", "c")),
        ("money", "120万", 1_200_000),
        ("money", "1.2 亿元", 120_000_000),
        ("number", "50%", 0.5),
        ("integer", "3千", 3000),
        ("date", "20260301", pd.Timestamp("2026-03-01")),
        ("month", "202603", "2026-03"),
        ("period", "2026年第一季度", "2026-Q1"),
        ("flag", "是", True),
        ("flag", "FALSE", False),
        ("priority", "Hard", "hard"),
        ("priority", "02", "2"),
    ],
)
def test_spellings(kind: str, text: str, value: object) -> None:
    """Each type accepts the spellings that people use, and means one value by them."""
    parsed = parse(np.array([text], dtype=object), _column(kind))
    assert not parsed.bad.any()
    assert parsed.data[0] == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("money", "1,20"),
        ("money", "¥5"),
        ("money", "1亿2000万"),
        ("money", "120万e2"),
        ("money", "50%"),
        ("number", "0x10"),
        ("number", "1 2"),
        ("number", "--1"),
        ("number", "."),
        ("integer", "1e300"),
        ("share", "%"),
        ("date", "3/1/2026"),
        ("date", "2026-13-01"),
        ("date", "2026-3/1"),
        ("month", "2026-00"),
        ("month", "2026-03-02"),
        ("period", "26"),
        ("period", "2026-H1"),
        ("scope", "unit=East; unit=West"),
        ("flag", "y"),
        ("priority", "0"),
        ("priority", "1.5"),
    ],
)
def test_refused_spellings(kind: str, text: str) -> None:
    """What could mean something else is refused, alone and beside good values."""
    assert parse(np.array([text], dtype=object), _column(kind)).bad.all()


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_numbers_read_back_exactly(values: list[float]) -> None:
    """The shortest text of a double reads as that double, on the quick way and on the careful one."""
    for extra in ("", "x"):
        texts = np.array([*map(repr, values), extra], dtype=object)
        parsed = parse(texts, _column("number"))
        assert list(parsed.data[:-1]) == values
        assert parsed.bad.tolist() == [False] * len(values) + [extra != ""]


@given(
    st.text(max_size=30),
    st.sampled_from(
        ["number", "integer", "share", "money", "date", "month", "period", "scope", "flag", "priority", "codes", "code"]
    ),
)
def test_no_text_raises(text: str, kind: str) -> None:
    """Any text is read or refused, never raised on."""
    assert len(parse(np.array([text.strip()], dtype=object), _column(kind)).data) == 1


@limits(deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"rep,unit\n", b"start: 2026-01\n", b"PK\x03\x04", b"\xef\xbb\xbf"])
)
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bytes) -> None:
    """Any bytes in the place of a table, of the settings or of a workbook give a value or a finding, never an error."""
    path = tmp_path_factory.getbasetemp() / "any.bytes"
    path.write_bytes(head + content)
    for read in (_table_of, _settings_of, open_workbook):
        report = Report()
        assert read(path, report) is not None or len(report)


def _table_of(path: Path, report: Report) -> object:
    raw = read_csv(path, "reps", path.name, report)
    return None if raw is None else type_table(raw, report)


def _settings_of(path: Path, report: Report) -> object:
    text = decode(path.read_bytes(), path.name, report)
    entries = None if text is None else read_yaml(text, path.name, report)
    return None if entries is None else make_settings(entries, path.name, report)


def test_every_setting_is_in_the_manual() -> None:
    """Proves that the page on a model's files names each setting, and says the usual value of those that have a plain one."""
    page = (Path(__file__).resolve().parents[1] / "docs" / "tables.md").read_text("utf-8")
    rows = [r for r in page.splitlines() if r.startswith("| `")]
    nested = {
        "levels": ("levels.stretch", "levels.ceiling"),
        "hedge": ("hedge.KIND",),
        "fairness": ("fairness.by", "fairness.band"),
    }
    for name, field in Settings.model_fields.items():
        for word in nested.get(name, (name,)):
            row = next((r for r in rows if f"`{word}`" in r.split("|")[1]), "")
            assert row, word
            if name == word and isinstance(field.default, str | int | float) and field.default and name != "language":
                said = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
                assert said in row.split("|")[2], word
