"""The command line: every outcome is a sentence and an exit code, and nothing half-done is left."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from sample_plan import sample_plan

import allocator
from allocator.cli import COMMANDS, main
from allocator.errors import EngineError, InfeasibleError
from allocator.places import find_model, shipped_models
from allocator.plan import Plan
from allocator.reading import load
from allocator.schema.dictionary import dictionary

PROGRAM = (sys.executable, "-m", "allocator")


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every test work in an empty folder and speak English."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LANGUAGE", "en")


@pytest.fixture
def solver(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Plan]], None]:
    """Put a function in the place of the solver."""

    def put(solve: Callable[..., Plan]) -> None:
        def export(model: object, path: Path, *, strict: bool) -> None:
            path.write_text("program")

        fake = SimpleNamespace(solve=solve, export=export)
        monkeypatch.setitem(sys.modules, "allocator.solving", fake)
        monkeypatch.setattr(allocator, "solving", fake, raising=False)

    return put


def answers(plan: Plan) -> Callable[..., Plan]:
    """Return a solver that always gives this plan."""
    return lambda model, **options: plan


class TestHelp:
    """Help and mistyped commands."""

    @pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS), ["import", "crm"]])
    @pytest.mark.parametrize("language", ["en", "zh"])
    def test_help(self, command: list[str], language: str, capsys: pytest.CaptureFixture[str]) -> None:
        """Every command has a help in both languages."""
        assert main([*command, "--lang", language, "--help"]) == 0
        assert " ".join(["allocator", *command]) in capsys.readouterr().out

    def test_help_is_quick(self) -> None:
        """Help needs none of the heavy packages: neither pandas nor an engine is imported."""
        code = "import sys; from allocator.cli import main; main(['--help']); print(*sys.modules, file=sys.stderr)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        loaded = set(done.stderr.split())
        assert "click" in loaded
        assert not loaded & {"pandas", "numpy", "scipy", "rich", "ortools", "highspy", "pulp", "pydantic", "yaml"}

    @pytest.mark.parametrize(
        ("arguments", "says"),
        [
            ([], "Usage: allocator"),
            (["slove"], "There is no command slove. Commands: new, import"),
            (["solve"], "'MODEL' is missing."),
            (["solve", "x", "--stirct"], "There is no option --stirct. Did you mean --strict?"),
            (["solve", "x", "--seconds", "0"], "a number of seconds above 0"),
            (["solve", "pocket", "--export", "a.txt"], ".mps or .lp"),
            (["--lang", "fr", "schema"], "'fr'"),
            (["import"], "crm"),
            (["--lang", "en"], "Usage: allocator"),
            (["solve", "pocket", "telecom"], "Nothing was expected after this: telecom."),
        ],
    )
    def test_a_wrong_command_line(self, arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A wrong command line ends with exit code 2, a sentence on standard error and nothing on standard output."""
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert says in err
        assert out == ""

    def test_version(self, capsys: pytest.CaptureFixture[str]) -> None:
        """``--version`` prints the version alone."""
        assert main(["--version"]) == 0
        assert capsys.readouterr().out[0].isdigit()


class TestNew:
    """``allocator new``."""

    @pytest.mark.parametrize("language", ["en", "zh"])
    @pytest.mark.parametrize("path", ["mine", "mine.xlsx", "deep/down/mine"])
    def test_five_tables(self, path: str, language: str) -> None:
        """A new model has the five required tables, headed in the user's language, and is accepted as it is."""
        assert main(["new", path, "--lang", language]) == 0
        model = load(path)
        assert not [f for f in model.findings if f.severity != "note"]
        filled = {name for name, table in model.tables.items() if len(table)}
        assert filled - {"units", "tiers"} == {"reps", "products", "clients", "demand", "targets"}
        if path == "mine":
            heading = (Path(path) / "clients.csv").read_text("utf-8-sig").split(",")[0]
            assert heading == {"en": "client", "zh": "客户"}[language]

    def test_a_copy(self) -> None:
        """A copy of a shipped model is the same model, and its files can be changed."""
        assert main(["new", "mine", "--from", "pocket"]) == 0
        assert load("mine").sha256 == load(shipped_models()["pocket"]).sha256
        assert all(os.access(p, os.W_OK) for p in Path("mine").iterdir())

    def test_a_copy_leaves_runs_behind(self) -> None:
        """Runs and hidden files that lie in a model's folder are not part of it."""
        main(["new", "mine"])
        Path("mine/runs/mine").mkdir(parents=True)
        Path("mine/.git").mkdir()
        assert main(["new", "yours", "--from", "mine"]) == 0
        assert sorted(p.name for p in Path("yours").iterdir()) == [
            *("clients.csv", "demand.csv", "model.yaml", "products.csv", "reps.csv", "targets.csv")
        ]

    def test_there_and_back(self) -> None:
        """Folder to workbook to workbook to folder: the model stays the same."""
        for arguments in (["a.xlsx", "pocket"], ["b.xlsx", "a.xlsx"], ["c", "b.xlsx"]):
            assert main(["new", arguments[0], "--from", arguments[1]]) == 0
        assert load("c").sha256 == load(shipped_models()["pocket"]).sha256

    @pytest.mark.parametrize("path", ["folder", "file.xlsx"])
    def test_what_is_there_stays(self, path: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A target that holds something is refused and untouched."""
        Path("folder").mkdir()
        Path("folder/x").write_text("x")
        Path("file.xlsx").write_text("x")
        assert main(["new", path]) == 2
        assert "is there already" in capsys.readouterr().err
        assert Path("file.xlsx").read_text() == "x"
        assert [p.name for p in Path("folder").iterdir()] == ["x"]

    def test_an_empty_folder_will_do(self) -> None:
        """An empty folder is no obstacle."""
        Path("mine").mkdir()
        assert main(["new", "mine"]) == 0

    def test_a_full_disk(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A disk that fills up while a model is copied ends with exit code 5 and leaves nothing."""

        def full(source: object, target: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(shutil, "copyfile", full)
        assert main(["new", "mine", "--from", "pocket"]) == 5
        assert not any(Path().iterdir())
        assert "Cannot write mine" in capsys.readouterr().err

    def test_an_unknown_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A mistyped name of a shipped model is answered with the right one."""
        assert main(["new", "mine", "--from", "poket"]) == 2
        assert "Did you mean pocket?" in capsys.readouterr().err

    def test_a_folder_comes_before_a_shipped_model(self) -> None:
        """A folder of the user's hides a shipped model of the same name."""
        main(["new", "pocket"])
        assert find_model("pocket") == Path("pocket")


class TestCheck:
    """``allocator check``."""

    def test_a_sound_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A sound model ends with exit code 0 and says so."""
        assert main(["check", "pocket", "--lang", "en"]) == 0
        assert "pocket: its tables are sound" in capsys.readouterr().out

    def test_a_run_is_no_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Whoever gives the folder of a run is told what it is, not what it lacks."""
        main(["solve", "pocket", "-q"])
        assert main(["check", "runs/pocket", "--lang", "en"]) == 2
        assert "is a run" in capsys.readouterr().err

    def test_a_spoiled_model(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Errors of the input are shown on standard error, all of them, with exit code 2; as JSON too."""
        main(["new", "mine"])
        Path("mine/demand.csv").write_text("client,product,expected,ceiling\nC9,P1,x,2\n")
        capsys.readouterr()
        assert main(["check", "mine", "--json"]) == 2
        out, err = capsys.readouterr()
        found = json.loads(out)
        assert found["status"] == "error"
        assert {f["column"] for f in found["findings"]} >= {"client", "expected"}
        assert err.count("error: ") >= 2

    @pytest.mark.parametrize("path", ["mine", "mine.xlsx"])
    def test_it_speaks_the_models_language(self, path: str, capsys: pytest.CaptureFixture[str]) -> None:
        """A model's language holds unless ``--lang`` is given."""
        main(["new", path, "--lang", "zh"])
        capsys.readouterr()
        main(["check", path])
        chinese = capsys.readouterr().out
        main(["check", path, "--lang", "en"])
        english = capsys.readouterr().out
        assert "tables are sound" in english
        assert "tables are sound" not in chinese


class TestSchema:
    """``allocator schema``."""

    def test_chinese_is_not_cut(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Chinese, which has no blanks to wrap at, goes on in the next line like English."""
        main(["schema", "units", "--lang", "zh"])
        main(["schema", "--lang", "zh"])
        assert "…" not in capsys.readouterr().out

    def test_tables_and_columns(self, capsys: pytest.CaptureFixture[str]) -> None:
        """All tables are listed; a table's columns come with type, bounds and reference, by Chinese name too."""
        assert main(["schema"]) == 0
        assert "required" in capsys.readouterr().out
        assert main(["schema", "客户", "--lang", "en"]) == 0
        out = capsys.readouterr().out
        assert "→ tiers.tier" in out
        assert all(line == line.rstrip() for line in out.splitlines())

    def test_json(self, capsys: pytest.CaptureFixture[str]) -> None:
        """As JSON the dictionary is complete."""
        assert main(["schema", "demand", "--json"]) == 0
        table = json.loads(capsys.readouterr().out)
        assert [c["name"] for c in table["columns"]] == ["client", "product", "expected", "ceiling"]

    def test_an_unknown_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A table that does not exist ends with exit code 2 and the names of those that do."""
        assert main(["schema", "clinets"]) == 2
        assert "Tables: reps, products" in capsys.readouterr().err


class TestSolve:
    """``allocator solve`` around the solver."""

    @pytest.mark.parametrize(("status", "code"), [("optimal", 0), ("infeasible", 3), ("feasible", 4), ("limit", 4)])
    def test_exit_codes(
        self, solver: Callable[..., None], status: str, code: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The exit code tells a proved plan from an impossible model and from an answer without proof."""
        solver(answers(sample_plan(status)))
        assert main(["solve", "pocket", "--lang", "en"]) == code
        out = capsys.readouterr().out
        assert "runs/pocket" in out
        assert json.loads(Path("runs/pocket/summary.json").read_text("utf-8"))["status"] == status
        if status == "infeasible":
            assert "Hours of li are too few by 12." in out

    def test_a_plan_that_fails_its_audit(self, solver: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """A plan that breaks a rule is not passed off as done: exit code 5 and a sentence."""
        plan = sample_plan()
        audit = {"rules": 20, "violations": 1, "largest_residual": 0.5}
        solver(answers(dataclasses.replace(plan, summary={**plan.summary, "audit": audit})))
        assert main(["solve", "pocket", "--lang", "en"]) == 5
        assert "The audit refuses this plan" in capsys.readouterr().err

    def test_options_reach_the_solver(self, solver: Callable[..., None]) -> None:
        """Engine, strictness and time limit are handed on; the program is exported; the run goes where it should."""
        seen: dict[str, Any] = {}

        def solve(model: object, **options: object) -> Plan:
            seen.update(options)
            return sample_plan()

        solver(solve)
        arguments = ["--engine", "highs", "--strict", "--seconds", "7", "--export", "p.mps", "-o", "here"]
        assert main(["-q", "solve", "pocket", *arguments]) == 0
        assert (seen["engine"], seen["strict"], seen["seconds"]) == ("highs", True, 7.0)
        assert Path("p.mps").exists()
        assert Path("here/plan.xlsx").exists()

    def test_json_is_the_summary(self, solver: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """With ``--json``, before or after the command, standard output is the summary and nothing else."""
        solver(answers(sample_plan()))
        for arguments in (["--json", "solve", "pocket"], ["solve", "pocket", "--json", "-v"]):
            assert main(arguments) == 0
            out = capsys.readouterr().out
            assert json.loads(out) == json.loads(Path("runs/pocket/summary.json").read_text("utf-8"))

    def test_quiet(self, solver: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """With ``-q`` a plan is written without a word; reasons of an impossible model are still said."""
        solver(answers(sample_plan()))
        assert main(["solve", "pocket", "-q"]) == 0
        assert capsys.readouterr() == ("", "")
        solver(answers(sample_plan("infeasible")))
        assert main(["solve", "pocket", "-q"]) == 3
        assert capsys.readouterr().err == "Hours of li are too few by 12.\n"

    def test_a_place_that_is_no_run_is_refused_first(self, solver: Callable[..., None]) -> None:
        """Nothing is solved if the run cannot go where it should."""

        def never(model: object, **options: object) -> Plan:
            raise AssertionError

        solver(never)
        Path("here").mkdir()
        Path("here/letter").write_text("x")
        assert main(["solve", "pocket", "-o", "here"]) == 2

    @pytest.mark.parametrize(
        ("error", "code", "says"),
        [
            (InfeasibleError("Pins of li exceed his cap."), 3, "Pins of li"),
            (EngineError("The engine failed."), 5, "The engine failed."),
            (MemoryError(), 5, "not enough memory"),
            (OSError(errno.EIO, "input/output error"), 5, "input/output error"),
            (ZeroDivisionError("by zero"), 5, "ZeroDivisionError: by zero"),
            (KeyboardInterrupt(), 130, "Stopped"),
        ],
    )
    def test_errors_become_sentences(
        self,
        solver: Callable[..., None],
        error: BaseException,
        code: int,
        says: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """Whatever the solver raises, the user reads a sentence, no traceback, and nothing is written."""

        def fail(model: object, **options: object) -> Plan:
            raise error

        solver(fail)
        assert main(["solve", "pocket", "--lang", "en"]) == code
        out, err = capsys.readouterr()
        assert says in err
        assert "Traceback" not in out + err
        assert not any(Path().iterdir())

    def test_debug_shows_the_traceback(self, solver: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """With ``--debug`` the traceback comes before the sentence."""

        def fail(model: object, **options: object) -> Plan:
            raise ZeroDivisionError("by zero")

        solver(fail)
        assert main(["solve", "pocket", "--debug", "--lang", "en"]) == 5
        assert "Traceback" in capsys.readouterr().err

    def test_steps_with_verbose(self, solver: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """With ``-v`` each step of the solver is said on standard error."""

        def solve(model: object, *, progress: Callable[..., None], **options: object) -> Plan:
            progress("building")
            progress("solving")
            return sample_plan()

        solver(solve)
        assert main(["solve", "pocket", "-v"]) == 0
        err = capsys.readouterr().err
        assert err.index("building") < err.index("solving")


class TestProcess:
    """The program as a process of its own."""

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
        """Run the program with nothing to read and no terminal."""
        env = {**os.environ, **environment}
        return subprocess.run(
            [*PROGRAM, *arguments], capture_output=True, stdin=subprocess.DEVNULL, env=env, check=False
        )

    def test_a_reader_that_leaves(self) -> None:
        """A closed pipe ends the program without a word."""
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([*PROGRAM, "schema"], stdout=write, stderr=subprocess.PIPE, check=False)
        os.close(write)
        assert done.returncode == 141
        assert done.stderr == b""

    def test_a_narrow_encoding(self) -> None:
        """Where the encoding lacks Chinese a question mark is printed, not an error."""
        done = self.run("schema", "clients", "--lang", "zh", PYTHONIOENCODING="latin-1")
        assert done.returncode == 0
        assert b"?" in done.stdout

    def test_no_colour_without_a_terminal(self) -> None:
        """Output that goes to a file has no control characters."""
        done = self.run("schema")
        assert b"\x1b" not in done.stdout

    @pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a signal")
    def test_ctrl_c_does_not_wait_for_an_engine(self) -> None:
        """Ctrl-C ends a solve at once though the engine does not listen, with exit code 130 and nothing written."""
        code = """
import signal, sys, threading, types, allocator
from allocator.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background a shell has it ignored
def solve(model, **options):
    print("solving", flush=True)
    threading.Event().wait()
sys.modules["allocator.solving"] = allocator.solving = types.SimpleNamespace(solve=solve)
sys.exit(main(["solve", "pocket", "--lang", "en"]))
"""
        process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        started = time.perf_counter()
        process.send_signal(signal.SIGINT)
        _out, err = process.communicate(timeout=20)
        assert time.perf_counter() - started < 5
        assert process.returncode == 130
        assert err.decode().splitlines() == ["Stopped. Nothing was written."]
        assert not any(Path().iterdir())

    def test_both_doors(self) -> None:
        """The installed command and ``python -m allocator`` are the same program."""
        command = Path(sys.executable).with_name("allocator")
        done = subprocess.run([command, "--version"], capture_output=True, check=True)
        assert done.stdout == self.run("--version").stdout


def test_sheets_of_a_new_workbook() -> None:
    """A new workbook has an index, the settings, the five tables that are needed, then the others; numbers are numbers."""
    main(["new", "mine.xlsx"])
    book = openpyxl.load_workbook("mine.xlsx")
    assert book.sheetnames[:7] == ["index", "model", "reps", "products", "clients", "demand", "targets"]
    assert len(book.sheetnames) == 2 + len(dictionary())
    cells: Mapping[str, object] = {str(c.value): d.value for c, d in zip(*book["demand"].iter_rows(), strict=True)}
    assert cells["expected"] == 100000
