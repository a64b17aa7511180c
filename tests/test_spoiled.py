"""Spoiled input: each defect is found where it stands, alone, and nothing else is raised."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_model import SETTINGS, TABLES, write_small_model

from allocator.errors import Finding, InputError
from allocator.reading import load


@dataclass(frozen=True)
class Spoiled:
    """One replacement in one file, and the only finding it must give.

    ``before`` must occur once in the file; a blank ``before`` replaces the whole file.
    """

    name: str
    file: str
    before: str
    after: str
    row: str
    column: str
    rule: str
    severity: str = "error"
    table: str = ""
    says: str = ""


ALIAS_BOMB = "start: '2026-01'\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"

CASES = (
    # Settings
    Spoiled("yaml_alias_bomb", "model.yaml", "", ALIAS_BOMB, "2", "", "alias"),
    Spoiled("yaml_alias", "model.yaml", "months: 12", "months: *x", "3", "", "alias"),
    Spoiled("yaml_python_tag", "model.yaml", "Small", "!!python/object/apply:os.system [id]", "1", "", "tag"),
    Spoiled("yaml_plain_tag", "model.yaml", "months: 12", "months: !!int 12", "3", "", "tag"),
    Spoiled("yaml_merge_key", "model.yaml", "months: 12", "<<: {months: 12}", "3", "<<.months", "setting"),
    Spoiled("yaml_duplicate_key", "model.yaml", "months: 12", "title: Again", "3", "", "duplicate"),
    Spoiled("yaml_syntax", "model.yaml", "months: 12", "months: [12", "4", "", "yaml"),
    Spoiled("yaml_tab", "model.yaml", "  band: 0.2", "\tband: 0.2", "5", "", "yaml"),
    Spoiled("yaml_list", "model.yaml", "", "- start\n- 2026-01\n", "1", "", "yaml"),
    Spoiled("yaml_two_documents", "model.yaml", "months: 12", "---\nmonths: 12", "3", "", "yaml"),
    Spoiled("yaml_deep", "model.yaml", "months: 12", f"months: {'{a: ' * 50}1{'}' * 50}", "3", "", "yaml"),
    Spoiled("yaml_nested_list", "model.yaml", "months: 12", "goals: [[visits]]", "3", "", "yaml"),
    Spoiled("yaml_control_character", "model.yaml", "Small", "Sm\x07all", "1", "", "yaml"),
    Spoiled("yaml_empty", "model.yaml", "", "# nothing\n", "1", "", "empty"),
    Spoiled("setting_missing", "model.yaml", 'start: "2026-01"\n', "", "", "start", "required"),
    Spoiled("setting_unknown", "model.yaml", "months: 12", "month: 12", "3", "month", "setting", says='"months"'),
    Spoiled(
        "setting_unknown_below", "model.yaml", "  band:", "  bandd:", "5", "fairness.bandd", "setting", says='"band"'
    ),
    Spoiled("setting_months", "model.yaml", "months: 12", "months: 13", "3", "months", "setting"),
    Spoiled("setting_text", "model.yaml", "months: 12", "months: many", "3", "months", "setting"),
    Spoiled("setting_start", "model.yaml", '"2026-01"', "2026", "2", "start", "setting", says="2026-01"),
    Spoiled("setting_nan", "model.yaml", "band: 0.2", "band: .nan", "5", "fairness.band", "nan"),
    Spoiled("setting_infinite", "model.yaml", "months: 12", "peak: inf", "3", "peak", "nan"),
    Spoiled("setting_goals", "model.yaml", "months: 12", "goals: [visits, base]", "3", "goals", "setting"),
    Spoiled("setting_country", "model.yaml", "months: 12", "country: XX", "3", "country", "setting"),
    Spoiled(
        "setting_hedge_kind",
        "model.yaml",
        "region: 0.05",
        "regio: 0.05",
        "9",
        "hedge.regio",
        "reference",
        says='"region"',
    ),
    Spoiled(
        "setting_grade", "model.yaml", "senior: 1.2", "boss: 1.2", "7", "fairness.grades.boss", "reference", "warning"
    ),
    # Files
    Spoiled("semicolons", "tiers.csv", "", TABLES["tiers"].replace(",", ";"), "1", "", "delimiter", says=";"),
    Spoiled("tabs", "tiers.csv", "", TABLES["tiers"].replace(",", "\t"), "1", "", "delimiter", says="tab"),
    Spoiled("chinese_commas", "tiers.csv", "", TABLES["tiers"].replace(",", "，"), "1", "", "delimiter"),
    Spoiled("empty_file", "pins.csv", "", "\n\n", "", "", "empty"),
    Spoiled("no_rows", "demand.csv", "", "client,product,expected,ceiling\n", "", "", "empty"),
    Spoiled("short_row", "demand.csv", "k3,lite,90000,100000", "k3,lite,90000", "6", "", "length"),
    Spoiled("long_row", "demand.csv", '"120,000"', "120,000", "2", "", "length"),
    Spoiled("open_quote", "demand.csv", "k3,lite", '"k3,lite', "6", "", "csv"),
    Spoiled("stray_quote", "demand.csv", "k3,lite", '"k3"x,lite', "6", "", "csv"),
    Spoiled("huge_cell", "clients.csv", "客户三", "x" * 200_000, "4", "", "csv"),
    Spoiled("nul_bytes", "clients.csv", "客户三", "客户\0", "", "", "encoding"),
    Spoiled("unknown_file", "demnd.csv", "", TABLES["demand"], "", "", "table", says='"demand"'),
    Spoiled("strange_file", "holiday_party.csv", "", "a,b\n1,2\n", "", "", "table", "warning"),
    Spoiled("same_table_twice", "商机.csv", "", TABLES["pipeline"], "", "", "duplicate", says="pipeline.csv"),
    # Headings
    Spoiled("double_heading", "reps.csv", "rep,name,unit", "rep,rep,unit", "", "rep", "heading"),
    Spoiled("double_by_alias", "reps.csv", "rep,name,", "rep,工号,", "", "工号", "heading", says="rep"),
    Spoiled("near_heading", "reps.csv", "grade,start", "grde,start", "", "grde", "heading", says='"grade"'),
    Spoiled("near_required", "reps.csv", "rep,name,unit", "rep,name,units", "", "units", "heading", says='"unit"'),
    Spoiled("unknown_heading", "reps.csv", "rep,name,", "rep,shoe,", "", "shoe", "heading", "warning"),
    Spoiled("blank_heading", "reps.csv", "rep,name,", "rep,,", "", "", "heading"),
    Spoiled("missing_column", "products.csv", ",margin,", ",#margin,", "", "", "column", says="margin"),
    # Cells
    Spoiled("required", "clients.csv", "k3,客户三,B", "k3,客户三,", "4", "tier", "required"),
    Spoiled("required_number", "demand.csv", "k3,lite,90000", "k3,lite,", "6", "expected", "required"),
    Spoiled("required_whole_number", "collection.csv", ",2,0.4", ",,0.4", "3", "lag_months", "required"),
    Spoiled("nan", "demand.csv", "k3,lite,90000", "k3,lite,NaN", "6", "expected", "nan"),
    Spoiled("infinite", "demand.csv", "k3,lite,90000,100000", "k3,lite,90000,inf", "6", "ceiling", "nan"),
    Spoiled("excel_error", "demand.csv", "k3,lite,90000", "k3,lite,#N/A", "6", "expected", "nan"),
    Spoiled("overflow", "demand.csv", "k3,lite,90000", "k3,lite,1e999", "6", "expected", "money"),
    Spoiled("text_in_number", "demand.csv", "k3,lite,90000", "k3,lite,many", "6", "expected", "money"),
    Spoiled("odd_thousands", "demand.csv", '"120,000"', '"12,0000"', "2", "expected", "money"),
    Spoiled("underscore", "demand.csv", "90000", "90_000", "6", "expected", "money"),
    Spoiled("fraction", "clients.csv", "active,10,", "active,10.5,", "3", "count", "integer"),
    Spoiled(
        "negative_hours", "reps.csv", "junior,2025-07-01,,7.5", "junior,2025-07-01,,-7.5", "3", "hours_per_day", "range"
    ),
    Spoiled("too_many_hours", "reps.csv", "7.5", "25", "3", "hours_per_day", "range"),
    Spoiled("zero_clients", "clients.csv", "active,10,", "active,0,", "3", "count", "range"),
    Spoiled("share_over_one", "products.csv", "30%", "130%", "2", "margin", "range"),
    Spoiled("choice", "clients.csv", "S1,active", "S1,happy", "4", "status", "choice", says="prospect"),
    Spoiled("flag", "products.csv", "250000,yes", "250000,maybe", "3", "large", "flag"),
    Spoiled("priority", "targets.csv", "90000,,hard", "90000,,soft", "6", "priority", "priority"),
    Spoiled("date", "leave.csv", "2026-07-06", "06.07.2026", "2", "from", "date"),
    Spoiled("no_such_day", "leave.csv", "2026-07-06", "2026-02-30", "2", "from", "date"),
    Spoiled("absurd_date", "reps.csv", "2020-01-01", "1020-01-01", "2", "start", "date"),
    Spoiled("old_date", "reps.csv", "2020-01-01", "1920-01-01", "2", "start", "date"),
    Spoiled("month", "seasonality.csv", ",revenue,2026-06", ",revenue,June", "3", "month", "month"),
    Spoiled("period", "targets.csv", "2026-Q1", "2026-Q5", "3", "period", "period"),
    Spoiled("weekday", "clients.csv", ",1 2,", ",1 8,", "2", "weekdays", "date"),
    Spoiled("blocked", "clients.csv", "2026-03-02", "never", "2", "blocked", "date"),
    # Keys and references
    Spoiled(
        "duplicate",
        "clients.csv",
        "k3,客户三",
        "k1,客户一,A,,,,,,,,\nk3,客户三",
        "4",
        "client",
        "duplicate",
        says="row 2",
    ),
    Spoiled(
        "duplicate_pair", "demand.csv", "k1,suite", "k1,lite,1,1\nk1,suite", "3", "client", "duplicate", says="row 2"
    ),
    Spoiled("reference", "clients.csv", "B,south,,bank", "B,soth,,bank", "4", "unit", "reference", says='"south"'),
    Spoiled("reference_in_list", "reps.csv", "soft hard", "soft herd", "3", "families", "reference", says='"hard"'),
    Spoiled("driver", "responses.csv", "A,,2,1.2,", "AA,,0,1,", "4", "driver", "reference"),
    Spoiled("yield_source", "yields.csv", "fair,leads", "fare,leads", "2", "source", "reference", says='"fair"'),
    Spoiled(
        "yield_of_two",
        "tiers.csv",
        "B,1,quarter,60,,20\n",
        "B,1,quarter,60,,20\nfair,1,year,1,,\n",
        "",
        "",
        "ambiguous",
    ),
    Spoiled("reserved_metric", "yields.csv", "A,reach", "A,visits", "3", "metric", "reserved"),
    Spoiled("cycle", "units.csv", "all,,company", "all,south,company", "", "parent", "cycle", says="→"),
    # Rows against each other
    Spoiled("own_backup", "reps.csv", "soft hard,ann", "soft hard,bob", "3", "backup", "backup"),
    Spoiled("ends_before_start", "reps.csv", "2025-07-01,,", "2025-07-01,2025-06-30,", "3", "end", "order"),
    Spoiled("never_there", "reps.csv", "2025-07-01,,", "2027-07-01,,", "3", "rep", "post", "warning"),
    Spoiled("quota_bounds", "reps.csv", "100000,900000", "100000,90000", "3", "quota_max", "order"),
    Spoiled("leave_backwards", "leave.csv", "2026-07-10", "2026-07-01", "2", "to", "order"),
    Spoiled(
        "leave_outside", "leave.csv", "2026-07-06,2026-07-10", "2025-07-06,2025-07-10", "2", "from", "period", "warning"
    ),
    Spoiled("day_outside", "calendar.csv", "2026-05-04", "2027-05-04", "2", "date", "period", "warning"),
    Spoiled("day_twice", "calendar.csv", "2026-05-09", "2026/5/4", "3", "date", "duplicate"),
    Spoiled("target_outside", "targets.csv", "2026-Q1", "2027-Q1", "3", "period", "period"),
    Spoiled("season_outside", "seasonality.csv", ",revenue,2026-06", ",revenue,2027-06", "3", "month", "period"),
    Spoiled("history_inside", "history.csv", "2025-12,revenue", "2026-01,revenue", "3", "month", "period"),
    Spoiled("line_backwards", "budget.csv", "2026-Q2,2026-09", "2026-Q4,2026-09", "2", "to", "order"),
    Spoiled("line_bounds", "budget.csv", "1000,80000", "90000,80000", "2", "maximum", "order"),
    Spoiled("ceiling", "demand.csv", "90000,100000", "90000,80000", "6", "ceiling", "order"),
    Spoiled("executive", "tiers.csv", "0.25", "1.25", "2", "executive_visits", "order"),
    Spoiled("large_without_money", "products.csv", ",250000,", ",,", "3", "contract_value", "required"),
    Spoiled("curve_start", "responses.csv", "A,,0,0.5", "A,,0.1,0.5", "2", "effort", "curve"),
    Spoiled("curve_falls", "responses.csv", "A,,2,1.2", "A,,2,0.9", "4", "sales", "curve"),
    Spoiled("curve_of_line", "responses.csv", "fair,lite,0,0,1", "fair,lite,0,9,1", "5", "sales", "curve"),
    Spoiled("curve_not_one", "responses.csv", "A,,1,1,", "A,,1,0.9,", "2", "sales", "curve", "warning"),
    Spoiled("carry", "responses.csv", "80000,1", "80000,2", "5", "carry_months", "carry"),
    Spoiled(
        "season_of_nothing",
        "seasonality.csv",
        "suite,revenue,2026-03,1\nsuite,revenue,2026-09,1",
        "suite,revenue,2026-03,0",
        "5",
        "weight",
        "season",
    ),
    Spoiled(
        "season_before_launch",
        "seasonality.csv",
        "suite,revenue,2026-03,1\nsuite,revenue,2026-09,1",
        "suite,revenue,2026-01,1",
        "3",
        "product",
        "season",
        table="products.csv",
    ),
    Spoiled("collection", "collection.csv", ",2,0.4", ",2,0.5", "2", "share", "sum"),
    Spoiled("conversion", "funnel.csv", "offer,0.4", "offer,0", "3", "conversion", "range"),
    Spoiled("stage_twice", "funnel.csv", "2,offer", "2,contact", "3", "stage", "duplicate"),
    Spoiled(
        "unfed_channel", "yields.csv", "fair,leads", "bonus,leads", "4", "channel", "idle", "warning", "funnel.csv"
    ),
    Spoiled("need_of_nothing", "needs.csv", "tech,suite,", "tech,,", "2", "product", "required"),
    Spoiled("need_of_both", "needs.csv", "tech,suite,", "tech,suite,B", "2", "product", "required"),
    Spoiled("pin_of_nothing", "pins.csv", "north,ann", "south,ann", "2", "rep", "nothing"),
    Spoiled(
        "served_by_nobody",
        "products.csv",
        "lite,Lite,soft",
        "lite,Lite,hard",
        "4",
        "client",
        "served",
        "warning",
        "clients.csv",
    ),
    # Targets
    Spoiled(
        "hard_ceiling", "targets.csv", "base,,,,700000,,,1", "ceiling,,,,700000,,,hard", "2", "priority", "priority"
    ),
    Spoiled("coverage_limited", "targets.csv", "month,1,,,2", "month,1,9,,2", "5", "at_most", "coverage"),
    Spoiled("no_bound", "targets.csv", ",,700000,,", ",,,,", "2", "at_least", "bound"),
    Spoiled("bounds", "targets.csv", "700000,,", "700000,600000,", "2", "at_most", "order"),
    Spoiled("metric", "targets.csv", "revenue,revenue", "revenue,revenu", "2", "metric", "metric", says='"revenue"'),
    Spoiled("scope_form", "targets.csv", "tier=A", "tier A", "5", "scope", "scope"),
    Spoiled("scope_key", "targets.csv", "category=marketing", "tier=A", "6", "scope", "scope"),
    Spoiled(
        "scope_key_spelt",
        "targets.csv",
        "category=marketing",
        "categry=marketing",
        "6",
        "scope",
        "scope",
        says='"category"',
    ),
    Spoiled("scope_nothing", "targets.csv", "class=star", "class=question", "3", "scope", "nothing"),
    Spoiled(
        "scope_nothing_together", "targets.csv", "family=soft", "family=soft; product=box", "4", "scope", "nothing"
    ),
    Spoiled("scope_of_activity", "activities.csv", "unit=all", "tier=A", "3", "scope", "scope"),
    Spoiled("each", "targets.csv", "tier=A,month", "tier=A,moth", "5", "each", "each", says='"month"'),
    Spoiled("each_not_there", "targets.csv", "marketing,quarter", "marketing,rep", "6", "each", "each"),
    Spoiled("share_of", "targets.csv", "revenue: unit=north", "revenu: unit=north", "4", "share_of", "metric"),
    Spoiled(
        "share_of_scope",
        "targets.csv",
        "revenue: unit=north",
        "revenue: unit=nort",
        "4",
        "share_of",
        "nothing",
        says='"north"',
    ),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_defect_is_found_where_it_stands(case: Spoiled, tmp_path: Path) -> None:
    """Each defect gives findings of one rule, at the row and column of the defect, and no others."""
    original = SETTINGS if case.file == "model.yaml" else TABLES.get(case.file.removesuffix(".csv"), "")
    if case.before:
        assert original.count(case.before) == 1
    text = original.replace(case.before, case.after) if case.before else case.after
    findings = _findings(write_small_model(tmp_path / "small", {case.file: text}))
    serious = [f for f in findings if f.severity == case.severity]
    assert {f.rule for f in serious} == {case.rule}, serious
    if case.severity == "warning":
        assert not [f for f in findings if f.severity == "error"]
    if case.rule == "ambiguous" or case.rule == "cycle":
        return _several(serious)
    (finding,) = serious
    assert (finding.table, finding.row, finding.column) == (case.table or case.file, case.row, case.column)
    assert case.says in finding.says
    assert finding.says.startswith(finding.table)
    assert len(finding.says) > len(finding.table) + 10


def _several(findings: list[Finding]) -> None:
    assert {(f.table, f.row) for f in findings} in (
        {("units.csv", "2"), ("units.csv", "4")},
        {("responses.csv", "5"), ("responses.csv", "6"), ("yields.csv", "2")},
    )


def _findings(path: Path) -> tuple[Finding, ...]:
    try:
        return load(path).findings
    except InputError as error:
        return error.findings


def test_refusal_is_exit_code_2(tmp_path: Path) -> None:
    """A refused model raises InputError, whose exit code is 2 and whose text holds each error's sentence."""
    folder = write_small_model(tmp_path / "small", {"tiers.csv": "tier;visits\n", "model.yaml": "start: soon\n"})
    with pytest.raises(InputError) as raised:
        load(folder)
    assert raised.value.exit_code == 2
    assert all(f.says in str(raised.value) for f in raised.value.findings if f.severity == "error")


def test_all_files_are_checked_before_refusing(tmp_path: Path) -> None:
    """Defects in several files come together, also where another file cannot be read at all."""
    changes = {
        "model.yaml": SETTINGS.replace("months: 12", "months: 99"),
        "products.csv": None,
        "clients.csv": TABLES["clients"].replace("k3,客户三,B", "k3,客户三,"),
        "reps.csv": TABLES["reps"].replace("north,junior", "nrth,junior"),
        "tiers.csv": TABLES["tiers"].replace(",", ";"),
    }
    found = {(f.table, f.row, f.rule) for f in _findings(write_small_model(tmp_path / "small", changes))}
    assert found == {
        ("model.yaml", "3", "setting"),
        ("products.csv", "", "missing"),
        ("clients.csv", "4", "required"),
        ("reps.csv", "3", "reference"),
        ("tiers.csv", "1", "delimiter"),
    }


@pytest.mark.parametrize("name", ["model.yaml", "reps.csv", "products.csv", "clients.csv", "demand.csv", "targets.csv"])
def test_missing_file(name: str, tmp_path: Path) -> None:
    """Each required file is missed by name."""
    findings = _findings(write_small_model(tmp_path / "small", {name: None}))
    assert [(f.table, f.row, f.rule) for f in findings if f.severity == "error"] == [(name, "", "missing")]


def test_no_folder(tmp_path: Path) -> None:
    """A path where nothing is gives one finding."""
    (finding,) = _findings(tmp_path / "nowhere")
    assert (finding.table, finding.rule) == ("nowhere", "unreadable")


def test_file_is_a_folder(tmp_path: Path) -> None:
    """A folder in the place of a file is a finding on that name."""
    folder = write_small_model(tmp_path / "small", {"demand.csv": None, "model.yaml": None})
    (folder / "demand.csv").mkdir()
    (folder / "model.yaml").mkdir()
    assert {(f.table, f.rule) for f in _findings(folder)} == {
        ("demand.csv", "unreadable"),
        ("model.yaml", "unreadable"),
    }


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that the system refuses to open is a finding with the system's reason."""
    folder = write_small_model(tmp_path / "small")
    original = Path.read_bytes

    def refuse(path: Path) -> bytes:
        if path.name == "leave.csv":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (finding,) = _findings(folder)
    assert (finding.table, finding.rule) == ("leave.csv", "unreadable")
    assert "Permission denied" in finding.says


def test_binary_rubbish(tmp_path: Path) -> None:
    """Bytes that are no text in any encoding are a finding, in tables and settings."""
    rubbish = bytes(range(1, 256)) * 3
    folder = write_small_model(tmp_path / "small", {"leave.csv": rubbish, "model.yaml": rubbish})
    assert {(f.table, f.rule) for f in _findings(folder)} == {("leave.csv", "encoding"), ("model.yaml", "encoding")}


def test_mixed_encodings(tmp_path: Path) -> None:
    """A file of which some lines are UTF-8 and others GB18030 is refused at the first line that does not fit."""
    head, *lines = TABLES["clients"].splitlines(keepends=True)
    data = head.encode() + lines[0].encode() + lines[1].encode("gb18030") + lines[2].encode() + lines[3].encode()
    (finding,) = _findings(write_small_model(tmp_path / "small", {"clients.csv": data}))
    assert (finding.table, finding.row, finding.rule) == ("clients.csv", "3", "encoding")


def test_utf16_is_refused(tmp_path: Path) -> None:
    """What a spreadsheet program calls Unicode text is refused with a remedy."""
    folder = write_small_model(tmp_path / "small", {"leave.csv": TABLES["leave"].encode("utf-16")})
    (finding,) = _findings(folder)
    assert (finding.rule, "UTF-8" in finding.says) == ("encoding", True)


def test_many_defects_are_counted(tmp_path: Path) -> None:
    """A defect in thousands of rows is listed a few times, and the rest is counted."""
    rows = "".join(f"c{i},,N,\n" for i in range(5000))
    clients = "client,tier,area,count\n" + rows
    folder = write_small_model(tmp_path / "small", {"clients.csv": clients, "demand.csv": None})
    found = [f for f in _findings(folder) if f.rule == "required" and f.table == "clients.csv"]
    assert len(found) == 21
    assert "4980" in found[-1].says


ODD = ("", "NaN", "-1", "0", "1e308", "a=b", ";;", "，", "k1", "ann", "all", "A", "fair", "2026-13", "1970-01-01", '"')


@pytest.mark.long
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_odd_cell_is_read_or_refused(data: st.DataObject, tmp_path: Path) -> None:
    """Odd values in any cells, headings included, give a model or findings, never another error."""
    changes = {}
    for table in data.draw(st.lists(st.sampled_from(sorted(TABLES)), min_size=1, max_size=3, unique=True)):
        rows = list(csv.reader(io.StringIO(TABLES[table])))
        row = data.draw(st.integers(0, len(rows) - 1))
        rows[row][data.draw(st.integers(0, len(rows[row]) - 1))] = data.draw(st.sampled_from(ODD))
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        changes[f"{table}.csv"] = text.getvalue()
    assert all(f.says for f in _findings(write_small_model(tmp_path / "small", changes)))
