"""``allocator compare``: the screen, the files, the workbook, and every way to go wrong."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pytest
from rich.console import Console
from what_if import comparison, folder, model

from allocator.cli import main
from allocator.comparing.comparison import TABLES, Comparison
from allocator.comparing.screen import report
from allocator.comparing.sheets import curves, waterfall
from allocator.comparing.sweeping import Sweep
from allocator.comparing.writing import folder_of, write_comparison
from allocator.errors import EngineError, InputError
from allocator.reporting.workbook import display_width
from allocator.texts import in_language


def screen(language: str = "en", of: Comparison | None = None) -> str:
    """Return the screen of a comparison, without colours."""
    buffer = io.StringIO()
    with in_language(language):
        console = Console(file=buffer, width=80, highlight=False, markup=False, emoji=False)
        console.print(report(of or comparison(), Path("runs/pocket-compare")))
    return buffer.getvalue()


class TestScreen:
    """What a planning lead reads."""

    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_it_fits_eighty_columns(self, language: str) -> None:
        """No line is wider than 80 columns in either language, whatever is compared, and no placeholder is left."""
        text = screen(language)
        assert max(display_width(line.rstrip()) for line in text.splitlines()) <= 80
        assert "{" not in text
        assert "nan" not in text.casefold()

    def test_it_goes_from_what_changes_to_what_it_costs(self) -> None:
        """Inputs first, then key figures, targets, what moves, and the bridges at the end, before the sweeps."""
        text = screen()
        order = (
            *(
                "No plan",
                "What the scenarios change",
                "Key figures",
                "Targets met and missed",
                "Quotas (base",
                "Budget moved",
            ),
            *(
                "Visits moved",
                "Clients that change hands",
                "which event costs what",
                "Sweep of cut",
                "Sweep of crossed",
                "Written to",
            ),
        )
        places = [text.index(title) for title in order]
        assert places == sorted(places)

    def test_it_says_what_the_files_say(self) -> None:
        """Flips with numbers and cause, moved quotas, the new line, parts of the bridge: spot checks by hand."""
        text = " ".join(screen().split())
        assert "0 of 3 met (base plan: 2) now missed: iot_share" in text
        assert "because: A rep cannot work more hours than the month has" in text
        assert "li → wang" in text
        assert "response by money: care" in text
        assert "Each part is the mean over all 6 orders of the steps." in text
        assert "now missed: revenue, at 40%" in text

    def test_a_curve_falls_with_its_values(self) -> None:
        """The sweep's curve of contribution goes from the upper left to the lower right."""
        lines = screen().split("contribution (CNY")[1].splitlines()[1:]
        rows = [line.split("|")[1][1:25] for line in lines[:8] if "|" in line]
        marks = [min((k for k, c in enumerate(row) if c not in " ⠀"), default=None) for row in rows]
        places = [m for m in marks if m is not None]
        assert len(places) >= 5
        assert places == sorted(places)
        assert places[0] < 3

    def test_without_bridges_the_steps_are_told(self) -> None:
        """Where no bridge names the steps, the list of what changes does."""
        from dataclasses import replace

        bare = replace(comparison(), cases=tuple(replace(case, bridge=None) for case in comparison().cases))
        text = " ".join(screen(of=bare).split())
        assert "which event costs what" not in text
        assert "· a competitor's price cut: 20%, broadband, from 2026-05" in text


class TestFiles:
    """The folder and the workbook."""

    def test_every_table_is_there(self) -> None:
        """Each table has its file with the columns that the documentation names."""
        docs = (Path(__file__).resolve().parents[2] / "docs" / "comparing.md").read_text("utf-8")
        for name, columns in TABLES.items():
            table = pd.read_csv(folder() / f"{name}.csv")
            assert tuple(table.columns) == ("scenario", *columns)
            row = next(line for line in docs.splitlines() if line.startswith(f"| `{name}.csv`"))
            wanted = [c for c in columns if not c.endswith("_error")]
            assert [c for c in wanted if c not in row] == []
        assert {"base", "war", "lost+war"} <= {p.name for p in folder().iterdir() if p.is_dir()}

    def test_the_workbook_has_a_sheet_for_each_table(self) -> None:
        """Headings are words, numbers are numbers with a format, and key figures stand side by side with their changes."""
        with in_language("en"):
            book = openpyxl.load_workbook(io.BytesIO(workbook()))
        assert book.sheetnames[:2] == ["summary", "what changes"]
        assert len(book.sheetnames) == len(TABLES) + 1
        rows = {row[0].value: row for row in book["summary"].iter_rows(min_row=2)}
        heads = [c.value for c in book["summary"][1]]
        assert heads[:4] == ["key figure", "base plan", "nothing", "change by nothing"]
        lost = heads.index("lost")
        assert rows["revenue"][lost].value < rows["revenue"][1].value
        assert rows["revenue"][lost + 1].value == pytest.approx(rows["revenue"][lost].value - rows["revenue"][1].value)
        assert rows["revenue"][1].number_format == "#,##0"
        assert rows["revenue"][heads.index("hard")].value is None
        assert [c.value for c in rows["hard"]][1] == "impossible"
        assert "wild" in rows["hard"][3].value
        names = {c.value for sheet in book for c in sheet[1] if c.value}
        assert not {n for n in names if "_" in str(n)}

    def test_bridges_have_waterfalls(self) -> None:
        """Two native charts stand for each scenario with a plan, whose columns end at the scenario's figure."""
        book = openpyxl.load_workbook(io.BytesIO(workbook()))
        spanned = [case for case in comparison().cases if case.bridge is not None]
        assert len(book["bridge"]._charts) == 2 * len(spanned)
        assert len(book["sweep"]._charts) == 3 * len(comparison().sweeps)

    @pytest.mark.parametrize(
        "values", [[100.0, -30.0, 5.0, 75.0], [10.0, -30.0, 5.0, -15.0], [-5.0, 20.0, -40.0, -25.0], [1.0, 1.0]]
    )
    def test_a_waterfall_stands_where_it_should(self, values: list[float]) -> None:
        """Above and below zero every column reaches from where the last one ended to its own end."""
        bars = waterfall(np.array(values))
        at = 0.0
        for k, value in enumerate(values):
            total = k in (0, len(values) - 1)
            start, end = (0.0, value) if total else (at, at + value)
            at = end
            stacked = [(bars["under"][k], False)] + [(bars[n][k], True) for n in bars if n != "under"]
            above, below, seen = 0.0, 0.0, []
            for height, visible in stacked:
                low, high = (above, above + height) if height > 0 else (below + height, below)
                above, below = (high, below) if height > 0 else (above, low)
                seen += [(low, high)] if visible and height else []
            assert (min(s[0] for s in seen), max(s[1] for s in seen)) == pytest.approx(
                (min(start, end), max(start, end))
            )

    def test_curves_of_two_values_cross(self) -> None:
        """The first varied value runs along, the second makes the lines; numbers are in ascending order."""
        table = pd.DataFrame(
            {"a": ["30%", "5%", "30%", "5%"], "b": ["x", "x", "y", "y"], "contribution": [1.0, 2.0, 3.0, np.nan]}
        )
        lines = curves(Sweep("s", "", ("a", "b"), table), "contribution")
        assert list(lines.index) == [0.05, 0.3]
        assert list(lines["x"]) == [2.0, 1.0]
        assert np.isnan(lines.loc[0.05, "y"])

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path: Path) -> None:
        """A run, or letters, are no comparison and are not replaced; an older comparison moves to .old."""
        place = tmp_path / "c"
        shutil.copytree(folder() / "base", place)
        with pytest.raises(InputError, match=r"comparison\.json"):
            write_comparison(comparison(), place)
        assert (place / "quotas.csv").is_file()
        small = SimpleNamespace(**{**vars(comparison()), "cases": (), "sweeps": ()})
        write_comparison(small, tmp_path / "again")  # type: ignore[arg-type]
        write_comparison(small, tmp_path / "again")  # type: ignore[arg-type]
        assert len(list((tmp_path / ".old").iterdir())) == 1

    def test_nothing_is_left_half_written(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """When the disk is full at the last file, no folder and no temporary one is there."""
        from allocator.comparing import writing

        def full(path: Path, parts: Iterator[bytes]) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(writing, "write_file", full)
        with pytest.raises(EngineError, match="No space"):
            write_comparison(comparison(), tmp_path / "c")
        assert not list(tmp_path.iterdir())

    def test_names_that_no_folder_may_have(self) -> None:
        """Scenarios of a workbook may be called anything; their folders are not."""
        assert folder_of("a/b: c+d") == "a_b_ c+d"


def workbook() -> bytes:
    """Return the written workbook."""
    return (folder() / "compare.xlsx").read_bytes()


class TestCommand:
    """The command line."""

    @pytest.fixture(autouse=True)
    def _place(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every test work in an empty folder with the model in it, and speak English."""
        shutil.copytree(model().source, tmp_path / "pocket")
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("LANGUAGE", "en")

    def test_it_compares_and_says_so(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Two scenarios: code 0, the folder beside the runs, the screen; dated visits of its runs can be shown."""
        assert main(["compare", "pocket", "-s", "lost", "-s", "nothing", "--no-bridge", "--lang", "en"]) == 0
        assert "which event costs what" not in capsys.readouterr().out
        assert (Path("runs") / "pocket-compare" / "comparison.json").is_file()
        assert main(["visits", "runs/pocket-compare/lost", "--rep", "li", "--lang", "en"]) == 0

    def test_json_is_the_written_summary(self, capsys: pytest.CaptureFixture[str]) -> None:
        """With --json the summary stands on standard output and nothing else; a scenario without a plan makes code 3."""
        code = main(
            ["compare", "pocket", "-s", "hard", "-s", "nothing", "--no-visits", "-o", "c", "--json", "--lang", "en"]
        )
        said = capsys.readouterr()
        told = json.loads(said.out)
        assert code == 3
        assert "hard: " in said.err
        assert told == json.loads((Path("c") / "comparison.json").read_text("utf-8"))
        assert [s["status"] for s in told["scenarios"]] == ["infeasible", "optimal"]
        assert told["scenarios"][1]["kpis"] == told["base"]["kpis"]
        assert not (Path("c") / "base" / "visits.csv").exists()

    def test_a_sweep_alone(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A scenario that varies values needs no other: a table, curves, sweep.csv and the base run."""
        assert main(["compare", "pocket", "-s", "cut", "-o", "c", "--lang", "en"]) == 0
        out = capsys.readouterr().out
        assert "Sweep of cut" in out
        assert "Key figures" not in out
        assert sorted(p.name for p in Path("c").iterdir()) == [
            *("base", "compare.xlsx", "comparison.json", "report.html", "sweep.csv")
        ]

    def test_a_limit_is_code_four(self) -> None:
        """Time that is up before anything is proved is no plan: code 4, and quietly so."""
        assert main(["compare", "pocket", "-s", "lost", "--seconds", "1e-9", "--engine", "highs", "-q"]) == 4

    def test_malformed_is_code_two(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Unknown scenarios, none at all, and a folder that is something else are refused before anything is planned."""
        assert main(["compare", "pocket", "-s", "lots", "-s", "wor", "--lang", "en"]) == 2
        assert capsys.readouterr().err.count("There is no such scenario.") == 2
        assert main(["compare", "pocket", "--lang", "en"]) == 2
        assert main(["compare", "pocket", "-s", "lost", "-o", "pocket", "--lang", "en"]) == 2
        assert "not a run" in capsys.readouterr().err

    def test_a_solve_tells_of_clients_that_change_hands(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The run of a departure has handover.csv and a sheet of it, and the screen says how many clients and renewals."""
        assert main(["solve", "pocket", "-s", "leaves", "--lang", "en", "-o", "r"]) == 0
        assert "clients that get another rep" in " ".join(capsys.readouterr().out.split())
        assert len(pd.read_csv(Path("r") / "handover.csv"))
        assert "hand-over" in openpyxl.load_workbook(Path("r") / "plan.xlsx").sheetnames
        assert main(["solve", "pocket", "-s", "lost", "--lang", "en", "-q", "-o", "r2"]) == 0
        assert not (Path("r2") / "handover.csv").exists()
