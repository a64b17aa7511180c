"""The run folder, its workbook and the screen: whole or absent, exact, and safe to open."""

from __future__ import annotations

import dataclasses
import errno
import io
import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest
from rich.console import Console
from sample_plan import sample_plan

from allocator.crew import Crew
from allocator.errors import EngineError, InputError
from allocator.plan import Plan
from allocator.reporting import run, workbook
from allocator.reporting.amounts import Amounts
from allocator.reporting.run import write_run
from allocator.reporting.summary import report
from allocator.reporting.table_text import csv_text
from allocator.texts import in_language


def screen(plan: Plan) -> str:
    """Return what is printed of a plan, on 80 columns."""
    console = Console(file=io.StringIO(), width=80, markup=False, emoji=False, highlight=False)
    console.print(report(plan, plan.summary, Path("runs/pocket")))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def with_table(plan: Plan, name: str, frame: pd.DataFrame) -> Plan:
    """Return the plan with one table replaced."""
    return dataclasses.replace(plan, tables={**plan.tables, name: frame})


class TestRun:
    """``write_run``."""

    def test_all_tables_are_written(self, tmp_path: Path) -> None:
        """A run holds each table, the findings, the workbook, the summary and its model, and nothing else."""
        summary = write_run(sample_plan(), tmp_path / "runs" / "pocket")
        names = sorted(p.name for p in (tmp_path / "runs" / "pocket").iterdir())
        tables = [f"{name}.csv" for name in (*sample_plan().tables, "findings")]
        assert names == sorted([*tables, "model", "plan.xlsx", "summary.json"])
        assert [p.name for p in (tmp_path / "runs").iterdir()] == ["pocket"]
        written = json.loads((tmp_path / "runs" / "pocket" / "summary.json").read_text("utf-8"))
        assert written["kpis"] == summary["kpis"]
        assert written["seconds"]["write"] > 0
        assert written["seconds"]["total"] == pytest.approx(1.8 + written["seconds"]["write"])

    def test_unknown_numbers_are_null(self, tmp_path: Path) -> None:
        """NaN has no place in JSON: it is written as null."""
        write_run(sample_plan(), tmp_path / "r")
        assert json.loads((tmp_path / "r" / "summary.json").read_text("utf-8"))["program"]["nonzeros"] is None

    def test_an_older_run_moves_away(self, tmp_path: Path) -> None:
        """Writing to the place of a run keeps the older one whole under .old, twice in a second too."""
        for _time in range(3):
            write_run(sample_plan(), tmp_path / "r")
        old = list((tmp_path / ".old").iterdir())
        assert len(old) == 2
        assert all((p / "summary.json").exists() and p.name.rstrip("+").endswith("-r") for p in old)

    def test_what_is_no_run_is_refused(self, tmp_path: Path) -> None:
        """A folder with something in it that is not a run is left as it is; so is a file."""
        (tmp_path / "r").mkdir()
        (tmp_path / "r" / "letter.txt").write_text("dear")
        (tmp_path / "f").write_text("file")
        for name in ("r", "f"):
            with pytest.raises(InputError, match="not a run"):
                write_run(sample_plan(), tmp_path / name)
        assert [p.name for p in (tmp_path / "r").iterdir()] == ["letter.txt"]
        assert (tmp_path / "f").read_text() == "file"

    def test_an_empty_folder_is_a_place(self, tmp_path: Path) -> None:
        """A run may be written to an empty folder, and nothing goes to .old."""
        (tmp_path / "r").mkdir()
        write_run(sample_plan(), tmp_path / "r")
        assert [p.name for p in tmp_path.iterdir()] == ["r"]

    @pytest.mark.parametrize("status", ["infeasible", "limit"])
    def test_without_an_answer_there_are_no_numbers(self, tmp_path: Path, status: str) -> None:
        """A model without a proved plan leaves its summary and findings, and nothing that looks like a plan."""
        write_run(sample_plan(status), tmp_path / "r")
        assert sorted(p.name for p in (tmp_path / "r").iterdir()) == ["findings.csv", "summary.json"]

    @pytest.mark.skipif(os.name != "posix", reason="a process is killed by a signal")
    def test_a_helper_that_dies_costs_no_run(self, tmp_path: Path) -> None:
        """Proves that a workbook whose process is killed is made here, with the same sheets, and that the run is written whole."""
        alone = write_run(sample_plan(), tmp_path / "alone")
        with Crew(1) as crew:
            crew.submit(abs, -1).result()
            os.kill(crew.processes[0], signal.SIGKILL)
            beside = write_run(sample_plan(), tmp_path / "beside", crew=crew)
        assert beside["files"].keys() == alone["files"].keys()
        sheets = [openpyxl.load_workbook(tmp_path / run / "plan.xlsx").sheetnames for run in ("alone", "beside")]
        assert sheets[0] == sheets[1]

    @pytest.mark.parametrize("full_after", [0, 2, 5])
    def test_a_full_disk_leaves_the_older_run(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_after: int
    ) -> None:
        """When the disk fills up at any file the older run stands as it was and nothing half-written is left."""
        write_run(sample_plan(), tmp_path / "r")
        before = (tmp_path / "r" / "summary.json").read_bytes()
        real, calls = os.fsync, []

        def full(handle: int) -> None:
            calls.append(handle)
            if len(calls) > full_after:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            real(handle)

        monkeypatch.setattr(run.os, "fsync", full)
        with pytest.raises(EngineError, match="No space left") as caught:
            write_run(sample_plan(), tmp_path / "r")
        assert caught.value.exit_code == 5
        assert [p.name for p in tmp_path.iterdir()] == ["r"]
        assert (tmp_path / "r" / "summary.json").read_bytes() == before

    def test_a_failed_rename_brings_the_older_run_back(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the new run cannot take its place the older one returns to it."""
        write_run(sample_plan(), tmp_path / "r")
        before = (tmp_path / "r" / "summary.json").read_bytes()
        real = Path.rename

        def rename(self: Path, target: Path) -> Path:
            if self.name.startswith(".r."):
                raise PermissionError(errno.EACCES, "denied")
            return real(self, target)

        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(EngineError, match="denied"):
            write_run(sample_plan(), tmp_path / "r")
        assert (tmp_path / "r" / "summary.json").read_bytes() == before
        assert not any((tmp_path / ".old").iterdir())

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        """A parent that takes no folders ends with a sentence and exit code 5."""
        parent = tmp_path / "locked"
        parent.mkdir(mode=0o555)
        if os.access(parent, os.W_OK):  # the superuser may write anywhere but here
            parent = Path("/proc")
        with pytest.raises(EngineError, match="Cannot write") as caught:
            write_run(sample_plan(), parent / "r")
        assert caught.value.exit_code == 5

    def test_an_interrupt_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Ctrl-C while a run is written leaves no temporary folder."""

        def interrupt(plan: Plan, tables: object) -> bytes:
            raise KeyboardInterrupt

        monkeypatch.setattr(run, "workbook_bytes", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_run(sample_plan(), tmp_path / "r")
        assert not any(tmp_path.iterdir())


class TestCsv:
    """``csv_text``."""

    def test_numbers_read_back_as_the_same_doubles(self) -> None:
        """Every double survives the file bit by bit, as the shortest text there is."""
        rng = np.random.default_rng(7)
        values = np.concatenate([rng.random(5000) * 10.0 ** rng.integers(-300, 300, 5000), [0.1, 1e22, 5e-324, 2**53]])
        text = csv_text(pd.DataFrame({"x": values}))
        back = np.array([float(line) for line in text.splitlines()[1:]])
        assert (back == values).all()
        assert csv_text(pd.DataFrame({"x": [1000.0, -0.0, np.nan, 0.5]})) == "x\n1000\n0\n\n0.5\n"

    def test_texts_dates_and_flags(self) -> None:
        """Texts are quoted where they must be, missing cells are empty, dates are ISO dates."""
        frame = pd.DataFrame(
            {
                "text": ['a,"b"\nc', None, "客户"],
                "date": pd.to_datetime(["2026-01-02", None, "2026-12-31"]),
                "label": pd.Categorical(["x", None, "x"]),
                "flag": [True, False, True],
                "count": [1, 2, 3],
            }
        )
        assert csv_text(frame) == (
            'text,date,label,flag,count\n"a,""b""\nc",2026-01-02,x,yes,1\n,,,no,2\n客户,2026-12-31,x,yes,3\n'
        )

    def test_a_large_table_is_quick(self) -> None:
        """300,000 rows of nine columns take seconds, not minutes."""
        n = 300_000
        frame = pd.DataFrame({f"label{k}": pd.Categorical.from_codes(np.arange(n) % 99, range(99)) for k in range(4)})
        for k in range(5):
            frame[f"number{k}"] = np.random.default_rng(k).random(n)
        started = time.perf_counter()
        assert csv_text(frame).count("\n") == n + 1
        assert time.perf_counter() - started < 10


class TestWorkbook:
    """``plan.xlsx``."""

    def test_sheets(self, tmp_path: Path) -> None:
        """Summary and overview come first, then what readers look for; headings are frozen and can be filtered."""
        with in_language("en"):
            write_run(sample_plan(), tmp_path / "r")
        book = openpyxl.load_workbook(tmp_path / "r" / "plan.xlsx")
        assert book.sheetnames == [
            *("summary", "overview", "targets", "needs", "quotas", "findings", "effects", "#published"),
        ]
        assert book["#published"].sheet_state == "hidden"
        assert book["targets"].freeze_panes == "B2"
        assert book["targets"].auto_filter.ref == "A1:M6"
        assert [c.value for c in book["targets"][2]][:3] == ["revenue", "revenue", "base"]

    def test_the_overview_adds_reps_up_to_units(self, tmp_path: Path) -> None:
        """A unit has its reps below it, with people, quotas of every level, forecast, its share, and base by month."""
        with in_language("en"):
            write_run(sample_plan(), tmp_path / "r")
        sheet = openpyxl.load_workbook(tmp_path / "r" / "plan.xlsx")["overview"]
        heading, *rows = [[c.value for c in row] for row in sheet.iter_rows()]
        assert heading[:3] + heading[8:] == [
            "unit or rep",
            "kind",
            "reps",
            "2026-04 base",
            "2026-05 base",
            "2026-06 base",
        ]
        assert [(str(row[0]).strip(), row[1], row[2]) for row in rows] == [
            ("company", "company", 2),
            ("north", "team", 1),
            ("li Li Na 李娜", "rep", 1),
            ("south", "team", 1),
            ("wang Wang Qiang 王强", "rep", 1),
        ]
        of_li, of_wang = [630000.5, 630000.5, 750000.5, 630000.5], [690000, 700000, 900000, 700000]
        assert [row[3:7] for row in rows] == [
            [a + b for a, b in zip(of_li, of_wang, strict=True)],
            *[of_li] * 2,
            *[of_wang] * 2,
        ]
        assert [row[7:] for row in rows[1:4:2]] == [[100, 630000.5, 0, 0], [98.6, 690000, 0, 0]]

    @pytest.mark.parametrize("large", [False, True])
    def test_no_cell_is_a_formula(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
        """Codes that look like formulas, links or numbers stay texts, in small and in large workbooks."""
        if large:
            monkeypatch.setattr(workbook, "LARGE", 0)
        codes = ["=1+1", "+1", "-1", "@SUM(A1)", "007", "http://x.example", "\x01 odd", "x" * 40_000]
        plan = with_table(sample_plan(), "assignments", pd.DataFrame({"client": codes}))
        write_run(plan, tmp_path / "r")
        sheet = openpyxl.load_workbook(tmp_path / "r" / "plan.xlsx")["assignments"]
        cells = [row[0] for row in sheet.iter_rows(min_row=2)]
        assert all(c.data_type in "sn" and isinstance(c.value, str) and c.hyperlink is None for c in cells)
        assert [c.value for c in cells][:6] == codes[:6]

    def test_missing_numbers_are_empty_cells(self) -> None:
        """NaN and infinity leave a cell empty: a workbook has no such numbers."""
        data = workbook.sheets_bytes({"t": pd.DataFrame({"x": [1.5, np.nan, np.inf], "y": ["a", "b", "c"]})})
        sheet = openpyxl.load_workbook(io.BytesIO(data))["t"]
        assert [c.value for c in sheet["A"]] == ["x", 1.5, None, None]

    def test_chinese_is_twice_as_wide(self) -> None:
        """A Chinese character takes two columns, so that a sheet shows it whole."""
        assert workbook.display_width("客户A") == 5


class TestScreen:
    """What is printed after a solve."""

    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("status", ["optimal", "infeasible", "limit"])
    def test_it_fits_eighty_columns(self, language: str, status: str) -> None:
        """No line is wider than 80 columns in either language, and no placeholder is left."""
        with in_language(language):
            text = screen(sample_plan(status))
        assert max(workbook.display_width(line.rstrip()) for line in text.splitlines()) <= 80
        assert "{" not in text

    def test_misses_come_with_amount_and_cause(self) -> None:
        """A missed target shows what was asked, what is planned, how much is missing and why; repeats are counted."""
        with in_language("en"):
            text = screen(sample_plan())
        assert "Targets: 3 of 5 met" in text
        assert "asked CNY 1.683 m, planned CNY 1.6 m: CNY 83,000 (4.9 %) missing" in text
        assert "because: A month's hours hold: li, 2026-04" in text
        assert "1 of 2 missed, worst month=2026-04" in text
        assert text.index("revenue  (revenue") < text.index("monthly  (revenue")

    def test_visits_limits_and_quotas(self) -> None:
        """Kept visits, what binds and each rep's three quotas, with base as a share of the forecast, stand on the screen."""
        with in_language("en"):
            text = " ".join(screen(sample_plan()).split())
        assert "100 promised, 98.0 % of them kept · 2 short" in text
        assert "A month's hours hold × 5 rep=li, month=2026-04" in text
        assert "wang CNY 690,000 CNY 700,000 CNY 900,000 98.6 %" in text
        assert "all CNY 1.32 m CNY 1.33 m CNY 1.65 m 99.2 %" in text

    def test_what_is_needed_and_not_asked(self) -> None:
        """Needs that nobody can be asked for stand with level, amount and cause; those that are met do not."""
        with in_language("en"):
            text = " ".join(screen(sample_plan()).split())
        assert "revenue (base) needs CNY 1.683 m, CNY 1.32 m can be asked: CNY 363,000 missing" in text
        assert "because: the forecast carries no more" in text
        assert "spread (stretch; rep=li) at most CNY 600,000, CNY 630,000 is asked: CNY 30,000 over" in text
        assert "iot_share (base)" not in text

    def test_hedge_and_commission(self) -> None:
        """What the reps are asked for beyond what the company owes, and commission at 80, 100 and 120 %, stand on the screen."""
        with in_language("en"):
            text = " ".join(screen(sample_plan()).split())
        assert "the company owes CNY 1.15 m, the reps are asked for CNY 1.32 m (+14.8 %)" in text
        assert "80 / 100 / 120 %: CNY 52,600 / CNY 66,000 / CNY 87,140" in text

    def test_many_reps_are_shown_by_unit(self) -> None:
        """With more reps than lines the screen shows the units below the company, with the number of their reps."""
        plan = sample_plan()
        reps = plan.model["reps"]
        more = reps.iloc[[0] * 9].assign(rep=[f"new{k}" for k in range(9)])
        model = dataclasses.replace(plan.model, tables={**plan.model.tables, "reps": pd.concat([reps, more])})
        with in_language("en"):
            text = " ".join(screen(dataclasses.replace(plan, model=model)).split())
        assert "unit reps base stretch ceiling" in text
        assert "south 1 CNY 690,000 CNY 700,000 CNY 900,000 98.6 %" in text

    def test_an_impossible_model_says_why(self) -> None:
        """Without a plan the reasons are shown and no key figures."""
        with in_language("en"):
            text = screen(sample_plan("infeasible"))
        assert "Hours of li are too few by 12." in text
        assert "Key figures" not in text

    @pytest.mark.parametrize(
        ("unit", "value", "zh", "en"),
        [
            ("元", 118_412_345.0, "1.1841亿元", "CNY 118.41 m"),
            ("元", 99_999_999.0, "10,000万元", "CNY 100 m"),
            ("元", -12_345.6, "-1.2346万元", "CNY -12,346"),
            ("万元", 5_000.0, "5,000万元", "CNY 50 m"),
            ("元", 0.0, "0元", "CNY 0"),
            ("points", 12_345.678, "12,346 points", "12,346 points"),
        ],
    )
    def test_amounts(self, unit: str, value: float, zh: str, en: str) -> None:
        """Money is said in 万 and 亿 in Chinese and in millions in English, with its own unit where that is unknown."""
        amounts = Amounts(unit, "CNY")
        with in_language("zh"):
            assert amounts.money(value) == zh
        with in_language("en"):
            assert amounts.money(value) == en
