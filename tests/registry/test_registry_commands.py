"""``publish``, ``versions``, ``diff`` and ``approve``, and what may not be published."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kept_plans import TABLES, rows_of_file
from plan_runs import changed, unaudited

from allocator.cli import main
from allocator.errors import EngineError, InputError
from allocator.registry import Registry, registry
from allocator.reporting.run import hashes

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Return a function that calls the program in an empty folder: its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ALLOCATOR_REGISTRY", raising=False)

    def call(*arguments: object, lang: str = "en") -> tuple[int, str, str]:
        code = main([*map(str, arguments), "--lang", lang])
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def summary_of(run: Path) -> dict[str, Any]:
    """Content of a run's summary."""
    found: dict[str, Any] = json.loads((run / "summary.json").read_text("utf-8"))
    return found


def year() -> int:
    """Year of the numbers of this test."""
    with Registry("registry.db") as known:
        return int(known.versions()[0].number.split("-")[2])


def test_a_life_in_commands(runs: list[Path], say: Say) -> None:
    """A plan is published, approved by votes, replaced by a re-plan, compared, and written back as it was."""
    code, out, _err = say("publish", runs[0], "--as", "ann", "--because", "plan of the year")
    first = f"SN-GG-{year()}-01"
    assert code == 0
    assert f"Next: allocator approve {first} --as NAME --role director" in out
    assert "management 管理层: votes 0 of 2 (li, wang, zhou)" in out
    for person, role in (("chen", "director"), ("li", "management")):
        assert say("approve", first, "--as", person, "--role", role)[0] == 0
    code, out, _err = say("approve", first, "--as", "zhou", "--role", "管理层", "--json")
    assert json.loads(out)["version"]["state"] == "approved"
    again = say("publish", runs[0])
    assert (again[0], again[1]) == (0, f"{runs[0]} is published already: {first}, approved.\n")
    assert "moves 3.0 % of the quotas" in say("publish", runs[1], "--as", "ann", "--because", "less")[1]
    second = first[:-1] + "2"
    _code, out, _err = say("versions")
    assert [line.split()[:2] for line in out.splitlines() if line.startswith("SN")] == [
        [first, "approved"],
        [second, "proposed"],
    ]
    _code, out, _err = say("versions", first)
    assert "plan of the year" in out
    assert "chen (director) agrees" in out
    assert say("versions", second, "-o", "back")[0] == 0
    assert hashes(Path("back")) == hashes(runs[1])
    code, out, _err = say("diff", first, second, "-o", "differ")
    assert "targets target=revenue, at_least: 1683000 → 1633000" in out
    assert "Quotas moved: 3.0 %" in out
    moved = pd.read_csv("differ/quotas.csv")
    quotas = [pd.read_csv(run / "quotas.csv") for run in runs]
    quotas = [q[q["level"] == "base"].groupby(["rep", "month"])["quota"].sum() for q in quotas]
    change = (quotas[1] - quotas[0])[lambda c: c != 0]
    told = moved[(moved["level"] == "base") & (moved["kind"] == "rep") & (moved["period_kind"] == "month")]
    assert dict(zip(zip(told["name"], told["period"], strict=True), told["change"], strict=True)) == change.to_dict()
    assert say("versions", "--check")[1].endswith("All contents are what was published.\n")
    assert max(len(line) for line in say("versions")[1].splitlines()) <= 80


def test_the_environment_names_the_registry(
    runs: list[Path], say: Say, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The variable names another place than registry.db here, and the option wins over both."""
    monkeypatch.setenv("ALLOCATOR_REGISTRY", str(tmp_path / "there.db"))
    assert say("publish", runs[0])[0] == 0
    assert say("publish", runs[0], "--registry", "third.db")[0] == 0
    assert sorted(p.name for p in tmp_path.glob("*.db")) == ["there.db", "third.db"]


def edit(name: str, change: Callable[[str], str]) -> Callable[[Path], None]:
    """A change of a file of a run."""

    def do(run: Path) -> None:
        path = run / name
        text = path.read_text("utf-8")
        assert change(text) != text
        path.write_text(change(text), "utf-8")

    return do


def summary_set(**values: Any) -> Callable[[Path], None]:
    """A change of keys of summary.json."""

    def do(run: Path) -> None:
        (run / "summary.json").write_text(json.dumps({**summary_of(run), **values}), "utf-8")

    return do


def more_for_all(run: Path) -> None:
    """Ask more of everybody, and record the new hash as if it had always been so."""
    quotas = pd.read_csv(run / "quotas.csv", keep_default_na=False)
    quotas["quota"] += 1000
    quotas.to_csv(run / "quotas.csv", index=False)
    summary_set(files=hashes(run))(run)


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (edit("quotas.csv", lambda t: t.replace("000,", "001,", 1)), "files were changed or taken away"),
        (
            lambda run: (run / "plan.xlsx").write_bytes(b"other"),
            "files were changed or taken away after the run: plan.xlsx",
        ),
        (lambda run: (run / "visits.csv").unlink(), "visits.csv"),
        (edit("model/targets.csv", lambda t: t.replace("1683000", "1")), "was changed after the run"),
        (more_for_all, "the audit refuses the plan"),
        (summary_set(audit={"violations": 3}), "the audit refuses the plan"),
        (summary_set(kpis={}), "revenue in summary.json is None"),
        (summary_set(status="feasible"), "its plan is not proved (stopped at a limit, not proved)"),
        (lambda run: (run / "summary.json").unlink(), "is not a run"),
        (lambda run: shutil.rmtree(run / "model"), "holds no plan"),
    ],
)
def test_what_is_not_published(
    runs: list[Path], say: Say, tmp_path: Path, spoil: Callable[[Path], Any], says: str
) -> None:
    """A run that is not proved, not clean, or not as it was written is refused with code 2, and there is no registry."""
    shutil.copytree(runs[0], tmp_path / "run")
    spoil(tmp_path / "run")
    code, _out, err = say("publish", "run")
    assert code == 2
    assert says in err
    assert not Path("registry.db").exists()


def test_an_older_run_is_audited_alone(runs: list[Path], say: Say, tmp_path: Path) -> None:
    """A run without recorded hashes is published after its audit, which is said; what lies beside the run is left out."""
    shutil.copytree(runs[0], tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine", "utf-8")
    (tmp_path / "run" / "report.html").write_text("a page of the run", "utf-8")
    assert "left out: notes.txt.\n" in say("publish", "run")[2]
    summary = {k: v for k, v in summary_of(runs[0]).items() if k != "files"}
    (tmp_path / "run" / "summary.json").write_text(json.dumps(summary), "utf-8")
    assert "only the audit could tell" in say("publish", "run", "--registry", "other.db")[2]


@pytest.mark.parametrize(
    "order", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}", "INSERT OR REPLACE INTO {0} SELECT * FROM {0}"]
)
def test_nothing_can_be_rewritten(runs: list[Path], tmp_path: Path, order: str) -> None:
    """The database itself refuses to change, remove or replace any row, whoever asks."""
    with Registry(tmp_path / "registry.db") as known:
        number = known.publish(runs[0], by="me").version.number
        known.approve(number, person="li", role="management")
    before = rows_of_file(tmp_path / "registry.db")
    for table, key in TABLES.items():
        connection = sqlite3.connect(tmp_path / "registry.db")
        with pytest.raises(sqlite3.IntegrityError, match="A registry of plans is only ever added to"):
            connection.execute(order.format(table, key.split(", ")[0]))
        for late in ("plan_files VALUES (1, 'x', 'y', 0)", "plan_needs VALUES (1, 9, 'x', 0, '[]')"):
            with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
                connection.execute(f"INSERT INTO {late}")
        connection.close()
    assert rows_of_file(tmp_path / "registry.db") == before


def test_companies_have_numbers_of_their_own(
    runs: list[Path], say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two companies and two models share a registry: a series of numbers a company, one version in force a model."""
    monkeypatch.setattr(registry, "candidate", unaudited)
    settings = (runs[0] / "model" / "model.yaml").read_text("utf-8")
    places = []
    for name, more, model in (
        ("a", "company: 甲\n", "pocket"),
        ("b", "company: 乙\ndocuments: B\n", "pocket"),
        ("c", "company: 甲\n", "other"),
    ):
        places.append(changed(runs[0], tmp_path / name, lambda q: q))
        (places[-1] / "model" / "model.yaml").write_text(settings + more, "utf-8")
        summary_set(model=model)(places[-1])
    with Registry("registry.db") as known:
        numbers = [
            known.publish(place, by="me").version.full_number.replace(
                str(known.versions()[0].number.split("-")[2]), "Y"
            )
            for place in (runs[0], *places)
        ]
        assert numbers == ["SN-GG-Y-01", "甲/SN-GG-Y-01", "乙/B-Y-01", "甲/SN-GG-Y-02"]
        first = known.versions()[0].number
        with pytest.raises(
            InputError, match=f"Several companies have a version {first}. Name one of: {first}, 甲/{first}"
        ):
            known.get(first)
        assert known.get(f"甲/{first}").company == "甲"
        assert known.latest("pocket", company="甲") is None
        proposed = known.latest("pocket", company="甲", approved_only=False)
        assert proposed is not None
        assert proposed.full_number == f"甲/{first}"
        assert [v.model for v in known.versions(company="甲")] == ["pocket", "other"]
        frames = known.plan(proposed).tables
        assert frames["quotas"]["quota"].dtype == float
        assert len(frames["visits"]) == len(pd.read_csv(runs[0] / "visits.csv"))


def test_what_is_no_registry(runs: list[Path], say: Say, tmp_path: Path) -> None:
    """Files and databases of something else are refused with code 2 and stay as they are; nothing is made by reading."""
    code, _out, err = say("versions")
    assert (code, Path("registry.db").exists()) == (2, False)
    assert "There is no registry registry.db. The first allocator publish makes it" in err
    Path("text.db").write_text("no database " * 100, "utf-8")
    with sqlite3.connect("other.db") as connection:
        connection.execute("CREATE TABLE mine (x)")
    connection.close()
    for name, says in (
        ("text.db", "text.db is no registry."),
        ("other.db", "other.db is a database of something else."),
    ):
        before = Path(name).read_bytes()
        for command in (["versions"], ["publish", runs[0]]):
            code, _out, err = say(*command, "--registry", name)
            assert (code, says in err) == (2, True), err
        assert Path(name).read_bytes() == before
    assert say("publish", runs[0], "--registry", "mysql://x/y")[0] == 2
    assert say("publish", runs[0], "--registry", "nowhere/registry.db")[0] == 5


def test_a_newer_registry_is_left_alone(runs: list[Path], tmp_path: Path) -> None:
    """A registry that a newer release has migrated is refused by an older one, for reading and for writing."""
    with Registry(tmp_path / "registry.db") as known:
        known.publish(runs[0], by="me")
        with sqlite3.connect(tmp_path / "registry.db") as connection:
            connection.execute("UPDATE plan_schema SET version_num = '9999'")
        connection.close()
        for use in (known.versions, lambda: known.publish(runs[1], by="me")):
            with pytest.raises(InputError, match="was written by a newer allocator"):
                use()


def test_a_file_that_changes_meanwhile(runs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that is written while it is published is refused, and nothing of it is kept."""
    shutil.copytree(runs[0], tmp_path / "run")
    known = unaudited(tmp_path / "run")
    monkeypatch.setattr(registry, "candidate", lambda _folder: known)
    (tmp_path / "run" / "visits.csv").write_text("other", "utf-8")
    with Registry(tmp_path / "registry.db") as one:
        with pytest.raises(InputError, match="changed while it was being published"):
            one.publish(tmp_path / "run", by="me")
        assert one.versions() == []


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library for PostgreSQL the message says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(EngineError, match=r"pip install 'sales-allocator\[postgres\]'"):
        Registry("postgresql://x/y")
