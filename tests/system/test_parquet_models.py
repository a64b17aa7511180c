"""Models whose tables are Parquet files read as those of CSV files: the same tables, hash and findings, whatever the types."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from allocator.cli import main
from allocator.errors import InputError
from allocator.model import Model
from allocator.places import find_model, shipped_models
from allocator.reading import load, write_tables
from allocator.reviewing.actuals import read_actuals
from allocator.scenarios.applying import with_scenarios
from allocator.scenarios.recording import undo
from allocator.schema.dictionary import dictionary

TABLES: Mapping[str, str] = {
    "reps": "rep,unit,grade,start,hours_per_day,families,selling_share\n7,north,senior,2020-01-01,8,soft hard,0.5\n8,north,,,7.5,,0.6\n",
    "products": "product,family,margin,large,launch,contract_value\nlite,soft,0.3,no,,\nsuite,hard,0.45,yes,2026-02-01,250000\n",
    "clients": "client,tier,owner,count,since\n1001,A,7,1,2024-05-01\n1002,A,8,10,\n1003,A,,2,2026-03-31\n",
    "demand": "client,product,expected,ceiling\n1001,lite,1200.5,2000\n1002,lite,300,400\n1003,suite,100000,200000\n",
    "targets": "target,metric,at_least\nrevenue,revenue,1000\n",
}
SETTINGS = 'start: "2026-01"\n'


def _folder(folder: Path, tables: Mapping[str, str | pa.Table]) -> Path:
    """Write a model: texts as CSV, tables as Parquet."""
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(SETTINGS, encoding="utf-8")
    for name, content in tables.items():
        if isinstance(content, str):
            (folder / f"{name}.csv").write_text(content, encoding="utf-8")
        else:
            pq.write_table(content, folder / f"{name}.parquet")
    return folder


def _texts(table: str) -> pa.Table:
    """A table of ``TABLES`` with every column a text."""
    frame = pd.read_csv(io.StringIO(TABLES[table]), dtype=str, keep_default_na=False)
    return pa.table({c: pa.array(frame[c].tolist(), pa.string()) for c in frame.columns})


def _with(table: str, column: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The same with one column replaced."""
    content = _texts(table)
    return content.set_column(content.column_names.index(column), column, values)


def _same(one: Model, other: Model) -> None:
    assert one.settings == other.settings
    for name in dictionary():
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)
    assert one.sha256 == other.sha256


def _refused(folder: Path) -> list[tuple[str, str, str, str, str]]:
    """Severity, row, column, value and rule of all findings of a model that is refused."""
    with pytest.raises(InputError) as refused:
        load(folder)
    return [(f.severity, f.row, f.column, f.value, f.rule) for f in refused.value.findings]


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_shipped_models_are_the_same_from_either(name: str, tmp_path: Path) -> None:
    """Proves for every table of every shipped model that writing it as Parquet and reading it changes no value, type or order."""
    model = load(find_model(name))
    write_tables(model, tmp_path / name, parquet=True)
    assert not list((tmp_path / name).glob("*.csv"))
    _same(load(tmp_path / name), model)


STAMP = pa.timestamp("us")
DIRTY: Mapping[str, Callable[[], tuple[str, str, Any]]] = {
    "numbers as text": lambda: ("demand", "expected", pa.array(["1,200.5", " 300 ", "10万"])),
    "int64 codes": lambda: ("clients", "client", pa.array([1001, 1002, 1003], pa.int64())),
    "int64 codes referred to": lambda: ("demand", "client", pa.array([1001, 1002, 1003], pa.uint16())),
    "float codes with blanks": lambda: ("clients", "owner", pa.array([7.0, 8.0, None])),
    "decimal codes": lambda: ("clients", "client", pa.array([Decimal(1001), Decimal(1002), Decimal(1003)], pa.decimal128(12, 2))),
    "decimals": lambda: ("demand", "expected", pa.array([Decimal("1200.50"), Decimal(300), Decimal(100000)], pa.decimal128(12, 2))),
    "floats with nulls": lambda: ("products", "contract_value", pa.array([None, 250000.0])),
    "texts with nulls": lambda: ("clients", "owner", pa.array(["7", "8", None])),
    "categories": lambda: ("clients", "tier", pa.array(["A", "A", "A"]).dictionary_encode()),
    "categories with nulls": lambda: ("clients", "owner", pa.array(["7", "8 ", None]).dictionary_encode()),
    "categories of numbers": lambda: ("clients", "count", pa.array([1, 10, 2], pa.int8()).dictionary_encode()),
    "dates": lambda: ("clients", "since", pa.array([dt.date(2024, 5, 1), None, dt.date(2026, 3, 31)], pa.date32())),
    "dates of 64 bits": lambda: ("clients", "since", pa.array([dt.date(2024, 5, 1), None, dt.date(2026, 3, 31)], pa.date64())),
    "timestamps": lambda: ("clients", "since", pa.array([dt.datetime(2024, 5, 1), None, dt.datetime(2026, 3, 31)], STAMP)),
    "timestamps of nanoseconds": lambda: (
        "clients", "since", pa.array([dt.datetime(2024, 5, 1), None, dt.datetime(2026, 3, 31)], pa.timestamp("ns"))
    ),
    "midnights elsewhere": lambda: (
        "clients", "since",
        pa.array([dt.datetime(2024, 4, 30, 16), None, dt.datetime(2026, 3, 30, 16)], pa.timestamp("s", "Asia/Shanghai")),
    ),
    "dates as numbers": lambda: ("clients", "since", pa.array([20240501, None, 20260331], pa.int32())),
    "truth values": lambda: ("products", "large", pa.array([False, True])),
    "truth values as numbers": lambda: ("products", "large", pa.array([0, 1])),
    "lists": lambda: ("reps", "families", pa.array([["soft", "hard"], None])),
    "no values": lambda: ("reps", "grade", pa.array(["senior", None], pa.large_string())),
    "views": lambda: ("reps", "unit", pa.array(["north", "north"], pa.string_view())),
    "bytes": lambda: ("reps", "unit", pa.array([b"north", b"north"])),
    "half floats": lambda: ("reps", "hours_per_day", pa.array([8, 7.5], pa.float16())),
    "parts": lambda: ("clients", "client", pa.chunked_array([pa.array(["1001"]), pa.array(["1002 ", "1003"])])),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(DIRTY))
def test_types_do_not_matter(kind: str, tmp_path: Path) -> None:
    """Proves for each way in which a column may be kept that it is read as the text that a CSV file would hold."""
    table, column, values = DIRTY[kind]()
    mixed = {**TABLES, table: _with(table, column, values)}
    _same(load(_folder(tmp_path / "parquet", mixed)), load(_folder(tmp_path / "csv", TABLES)))


def test_row_groups_and_an_index_do_not_matter(tmp_path: Path) -> None:
    """Proves that a file in many row groups, written by pandas with the code as its index, is the same table."""
    folder = _folder(tmp_path / "parquet", {n: t for n, t in TABLES.items() if n != "demand"})
    frame = pd.read_csv(io.StringIO(TABLES["demand"])).astype({"client": "category"}).set_index("product")
    frame.to_parquet(folder / "demand.parquet", row_group_size=1, compression="gzip")
    _same(load(folder), load(_folder(tmp_path / "csv", TABLES)))


SPOILED: Mapping[str, tuple[str, pa.Array, str]] = {
    "a wrong number": ("demand.expected", pa.array(["1200.5", "many", "1"]), "1200.5,many,1"),
    "not a number": ("demand.expected", pa.array([float("nan"), 300.0, float("inf")]), "nan,300,inf"),
    "a broken count": ("clients.count", pa.array([1.0, 2.5, 3.0]), "1,2.5,3"),
    "too little": ("demand.expected", pa.array([1200.5, -300, 1.0]), "1200.5,-300,1"),
    "an unknown code": ("clients.owner", pa.array([7, 9, None], pa.int64()), "7,9,"),
    "a double code": ("clients.client", pa.array([1001, 1001, 1003], pa.int64()), "1001,1001,1003"),
    "a time of day": ("clients.since", pa.array([dt.datetime(2024, 5, 1, 9, 30), None, None], STAMP), "2024-05-01 09:30:00,,"),
    "a required cell": ("demand.expected", pa.array([1200.5, None, 3.0]), "1200.5,,3"),
    "a choice": ("clients.status", pa.array(["active", "actve", None]), "active,actve,"),
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(SPOILED))
def test_findings_are_those_of_csv(kind: str, tmp_path: Path) -> None:
    """Proves that what is wrong is found at the same rows, columns and values as in a CSV file of the same table."""
    place, values, texts = SPOILED[kind]
    table, column = place.split(".")
    content = _texts(table)
    if column in content.column_names:
        content = content.drop_columns(column)
    frame = content.to_pandas().assign(**{column: texts.split(",")})
    csv = {**TABLES, table: frame.to_csv(index=False)}
    parquet = {**TABLES, table: content.append_column(column, values)}
    found = _refused(_folder(tmp_path / "parquet", parquet))
    assert found == _refused(_folder(tmp_path / "csv", csv))
    assert found


def test_unknown_and_double_headings_are_found(tmp_path: Path) -> None:
    """Proves that headings are understood in any language and that a misspelt one is told as in a CSV file."""
    content = _texts("clients").rename_columns(["客户", "等级", "ownr", "count", "since"])
    text = TABLES["clients"].replace("client,tier,owner", "客户,等级,ownr", 1)
    found = _refused(_folder(tmp_path / "parquet", {**TABLES, "clients": content}))
    assert found == _refused(_folder(tmp_path / "csv", {**TABLES, "clients": text}))
    assert found[0][4] == "heading"


def test_rows_of_nothing_are_no_rows(tmp_path: Path) -> None:
    """Proves that rows of nulls are left out and that the rows behind them keep their numbers."""
    content = pa.concat_tables([_texts("clients").slice(0, 1), pa.table({"client": [None]}, pa.schema([("client", "string")])),
                                _texts("clients").slice(1)], promote_options="default")  # fmt: skip
    _same(load(_folder(tmp_path / "a", {**TABLES, "clients": content})), load(_folder(tmp_path / "b", TABLES)))
    lost = content.set_column(1, "tier", pa.array(["A", None, None, "A"]))
    assert ("error", "4", "tier", "", "required") in _refused(_folder(tmp_path / "c", {**TABLES, "clients": lost}))


def test_what_is_no_table_is_refused_with_a_sentence(tmp_path: Path) -> None:
    """Proves that damaged files, nested columns and texts in another encoding are findings and not tracebacks."""
    folder = _folder(tmp_path / "damaged", {n: t for n, t in TABLES.items() if n != "demand"})
    whole = io.BytesIO()
    pq.write_table(_texts("demand"), whole)
    for content in (b"", b"PAR1", TABLES["demand"].encode(), whole.getvalue()[:-40], whole.getvalue()[40:]):
        (folder / "demand.parquet").write_bytes(content)
        assert [f[4] for f in _refused(folder)] == ["unreadable"]
    nested = _with("demand", "expected", pa.array([{"a": 1}, {"a": 2}, {"a": 3}]))
    assert _refused(_folder(tmp_path / "nested", {**TABLES, "demand": nested})) == [
        ("error", "", "expected", "", "type")
    ]
    raw = pa.array(["客户".encode("gb18030")] * 3, pa.binary())
    told = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    named = _texts("clients").append_column("name", told)
    assert _refused(_folder(tmp_path / "gb", {**TABLES, "clients": named})) == [("error", "", "name", "", "encoding")]


def test_an_empty_table_is_told(tmp_path: Path) -> None:
    """Proves that a file without rows is an empty table, one without columns no table."""
    none = _texts("demand").slice(0, 0)
    assert [f[4] for f in _refused(_folder(tmp_path / "rows", {**TABLES, "demand": none}))] == ["empty"]
    bare = pa.table({})
    assert [f[4] for f in _refused(_folder(tmp_path / "columns", {**TABLES, "demand": bare}))] == ["empty"]


def test_scenarios_change_and_restore_the_same_model(tmp_path: Path) -> None:
    """Proves that a scenario makes the same model of either kind of files, and that undoing it gives the tables back."""
    main(["new", str(tmp_path / "telecom"), "--from", "telecom", "--format", "parquet", "-q"])
    model, there = load(find_model("telecom")), load(tmp_path / "telecom")
    one, other = (with_scenarios(m, "rep_departure") for m in (model, there))
    _same(one.model, other.model)
    pd.testing.assert_frame_equal(one.changes, other.changes)
    _same(undo(other.model, other.changes), model)


def test_formats_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a model goes from CSV to Parquet to a workbook to Parquet to CSV and is the same all along."""
    monkeypatch.chdir(tmp_path)
    steps = [("a", "pocket", "parquet"), ("b.xlsx", "a", ""), ("c", "b.xlsx", "parquet"), ("d", "c", "csv")]
    for target, source, form in steps:
        assert main(["new", target, "--from", source, *(["--format", form] if form else []), "-q"]) == 0
        assert load(Path(target)).sha256 == load(find_model("pocket")).sha256
    assert not list(Path("a").glob("*.csv"))
    assert not list(Path("d").glob("*.parquet"))


def test_marked_copy_has_the_rows_of_the_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a wrong cell of a Parquet file is marked at its row in the copy that `check --mark` writes."""
    import openpyxl

    monkeypatch.chdir(tmp_path)
    _folder(tmp_path / "mine", {**TABLES, "demand": _with("demand", "expected", pa.array(["1", "many", "2"]))})
    assert main(["check", "mine", "--mark"]) != 0
    sheet = openpyxl.load_workbook("mine-marked.xlsx")["demand"]
    assert sheet["C3"].value == "many"
    assert sheet["C3"].comment is not None
    assert sheet["C2"].comment is None


def test_actuals_and_scenario_rows_may_be_parquet(tmp_path: Path) -> None:
    """Proves that what happened, and rows of scenarios, are read from Parquet as from CSV."""
    folder = _folder(tmp_path / "mine", TABLES)
    rows = [
        {
            "scenario": "more",
            "table": "demand",
            "where": "client=1001",
            "column": "expected",
            "operation": "multiply",
            "value": 1.5,
        }
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "scenarios.parquet")
    model = load(folder)
    changed = with_scenarios(model, "more").model["demand"].set_index("client")["expected"]
    assert changed["1001"] == 1800.75
    told = pa.table({"month": ["2026-01"], "metric": ["revenue"], "amount": [1000.5]})
    pq.write_table(told, tmp_path / "actuals.parquet")
    (tmp_path / "actuals.csv").write_text("month,metric,amount\n2026-01,revenue,1000.5\n", encoding="utf-8")
    day = dt.date(2026, 1, 31)
    one, other = (read_actuals(model, tmp_path / f"actuals.{kind}", day) for kind in ("csv", "parquet"))
    pd.testing.assert_frame_equal(one.flows, other.flows)
    assert one.model.sha256 == other.model.sha256
