"""Carrying a batch out: what is done is not done again, what fails is told and stops nothing, the index tells all."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd
import pytest
from night import Doubles, carried_out, events, plan_of, told

from allocator.batches import store
from allocator.batches.processes import Death
from allocator.batches.running import Step, run
from allocator.batches.store import RESULTS, open_store
from allocator.batches.work import Answer, Task
from allocator.errors import EngineError, InputError
from allocator.reporting.run import write_file

TEXT = "models: pocket\nscenarios: [base, boom, slump]\nformat: csv\n"
RULED = TEXT + "rules: [revenue at least 0.97 of base, targets missed at most 2]\n"


def by_scenario(**answers: Answer | Death | dict[str, float]) -> Callable[[Task], Answer | Death]:
    """Return a worker that answers for single scenarios as told, and with a plan for all others."""

    def does(task: Task) -> Answer | Death:
        told = answers.get(task.scenario or "base", {})
        return plan_of(task, **told) if isinstance(told, dict) else told

    return does


def results() -> dict[str, bytes]:
    """Return every file below the results, by its path."""
    root = Path("out") / RESULTS
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def index() -> dict[str, dict[str, str]]:
    """Return the index as it stands on the disk."""
    with Path("out/index.csv").open(encoding="utf-8", newline="") as file:
        return {row["case"]: row for row in csv.DictReader(file)}


def test_what_is_done_is_not_done_again() -> None:
    """A second run asks for nothing and leaves every result as it was; a new case is all that it asks for."""
    found, asked = carried_out(TEXT)
    assert Counter(asked) == {"": 1, "boom": 1, "slump": 1}
    assert all(entry.passed for entry in found.values())
    before = results()
    again, asked = carried_out(TEXT)
    assert not asked
    assert again == found
    assert results() == before
    _found, asked = carried_out(TEXT.replace("slump]", "slump, sweep]"))
    assert asked == ["sweep 0.8", "sweep 0.7"]


def test_other_rules_judge_the_same_results() -> None:
    """Rules are no part of a result: changing them plans nothing again, and judges anew."""
    carried_out(TEXT)
    found, asked = carried_out(TEXT + "rules: [profit at least 11]\n")
    assert not asked
    assert [entry.passed for entry in found.values()] == [False] * 3
    assert found["pocket"].reasons == ("profit CNY 10, asked at least CNY 11",)


def test_rules_are_judged_against_the_base() -> None:
    """A case passes or fails by its own figures and its base's, and the index says so in words."""
    does = by_scenario(boom={"revenue": 97.0, "missed": 2}, slump={"revenue": 96.0, "missed": 3})
    found, _asked = carried_out(RULED, does)
    assert [entry.passed for entry in found.values()] == [True, True, False]
    row = index()["pocket slump"]
    assert row["passed"] == "no"
    assert row["reasons"] == (
        "revenue CNY 96: 96.0 % of base plan CNY 100, asked at least 97.0 %; targets missed 3, asked at most 2"
    )
    assert (row["revenue"], row["targets_missed"], row["status"]) == ("96", "3", "optimal")


def test_without_a_base_nothing_is_compared() -> None:
    """Where the base has no plan, a rule that needs it is not kept, and says why."""
    found, _asked = carried_out(RULED, by_scenario(base=Answer(reason="no engine")))
    assert found["pocket"].status == "failed"
    assert "nothing to compare with, base plan is not known" in found["pocket boom"].reasons[0]


def test_a_failure_stops_nothing() -> None:
    """Errors, plans without proof and plans that the audit refuses are told each with its reason; the others are planned."""
    infeasible = json.dumps({"status": "infeasible", "reasons": ["a contradicts b"]}).encode()

    def does(task: Task) -> Answer:
        if task.scenario == "boom":
            plan = plan_of(task)
            return Answer({**plan.files, "summary.json": infeasible})
        if task.scenario == "slump":
            return Answer(reason="The engine failed: numerics", detail="Traceback …")
        return plan_of(task, violations=1)

    found, _asked = carried_out(TEXT.replace("slump]", "slump, bad, worse]"), does)
    told = {name: (entry.status, entry.passed) for name, entry in found.items()}
    assert told == {
        "pocket": ("refused", False),
        "pocket boom": ("infeasible", False),
        "pocket slump": ("failed", False),
        "pocket bad": ("failed", False),
        "pocket worse": ("failed", False),
    }
    assert found["pocket boom"].reasons == ("a contradicts b",)
    assert found["pocket slump"].reasons == ("The engine failed: numerics",)
    assert 'bad.yaml row 2, product = "nothing"' in found["pocket bad"].reasons[0]
    assert [e.get("detail") for e in events() if e["event"] == "failed" and e["case"] == "pocket slump"] == [
        "Traceback …"
    ]


def test_what_failed_is_planned_again_when_asked() -> None:
    """A failure is known to the next run and not repeated; with retry it is, and nothing else."""
    broken = by_scenario(boom=Answer(reason="out of memory"))
    carried_out(TEXT, broken)
    found, asked = carried_out(TEXT)
    assert not asked
    assert found["pocket boom"].reasons == ("out of memory",)
    found, asked = carried_out(TEXT, retry=True)
    assert asked == ["boom"]
    assert found["pocket boom"].passed
    assert found["pocket boom"].attempts == 2
    assert not carried_out(TEXT, retry=True)[1]


def test_a_result_without_a_plan_is_replaced_by_retry() -> None:
    """A case that stopped at a limit has a result; planned again, the new one takes its place."""
    limit = json.dumps({"status": "limit", "reasons": ["time"]}).encode()
    carried_out(TEXT, lambda task: Answer({**plan_of(task).files, "summary.json": limit, "old.csv": b""}))
    assert index()["pocket"]["status"] == "limit"
    found, asked = carried_out(TEXT, retry=True)
    assert len(asked) == 3
    assert all(entry.passed for entry in found.values())
    assert not any(name.endswith("old.csv") for name in results())


def test_a_lost_worker_is_tried_once_more() -> None:
    """The first death of a case is tried again, the second is its failure; both are in the journal."""
    lives: Counter[str] = Counter()

    def does(task: Task) -> Answer | Death:
        lives[task.scenario] += 1
        dies = task.scenario == "boom" or (task.scenario == "slump" and lives["slump"] == 1)
        return Death("killed") if dies else plan_of(task)

    steps: list[Step] = []
    found, asked = carried_out(TEXT, does, steps=steps)
    assert Counter(asked) == {"": 1, "boom": 2, "slump": 2}
    assert found["pocket slump"].passed
    assert found["pocket slump"].attempts == 2
    assert (
        found["pocket boom"].reasons == ("它的工作进程丢失 2 次：killed。",)
        or "killed" in found["pocket boom"].reasons[0]
    )
    assert [e["case"] for e in events() if e["event"] == "died"] == ["pocket boom", "pocket slump"]
    assert [s.ended for s in steps if s.ended].count("died") == 2
    assert (steps[-1].ready, steps[-1].failed, steps[-1].all) == (3, 1, 3)


def test_a_result_without_its_line_is_taken_over() -> None:
    """Killed between result and journal, the result counts: nothing is planned again, and the line is written."""
    carried_out(TEXT)
    journal = Path("out/journal.jsonl")
    lines = journal.read_text("utf-8").splitlines(keepends=True)
    journal.write_text("".join(lines[:-1]), "utf-8")
    _found, asked = carried_out(TEXT)
    assert not asked
    assert [e["event"] for e in events()].count("done") == 3


def test_a_lost_or_spoiled_result_is_planned_again() -> None:
    """What the journal says was done is not believed without the result itself."""
    found, _asked = carried_out(TEXT)
    shutil.rmtree(Path("out") / RESULTS / found["pocket boom"].hash)
    (Path("out") / RESULTS / found["pocket"].hash / "summary.json").write_bytes(b"{")
    again, asked = carried_out(TEXT)
    assert sorted(asked) == ["", "boom"]
    assert all(entry.passed for entry in again.values())


def test_leftovers_of_a_killed_run_are_removed() -> None:
    """Half-written results and files of a killed run are gone after the next one, and nothing else is."""
    carried_out(TEXT)
    before = results()
    (Path("out") / RESULTS / ".new-abc/model").mkdir(parents=True)
    (Path("out") / RESULTS / ".new-abc/summary.json").write_bytes(b"{")
    Path("out/.new-index.csv").write_bytes(b"case")
    carried_out(TEXT)
    assert results() == before
    assert not list(Path("out").rglob(".new-*"))


def test_one_batch_at_a_time() -> None:
    """A second batch in the same folder is refused while the first is at work, and may go on after it."""
    batch, prepared = told(TEXT)
    with open_store(Path("out")) as place:
        with pytest.raises(EngineError, match="Another batch is at work in out"), open_store(Path("out")):
            pass
        run(batch, prepared, place, lambda _n: Doubles(plan_of))
    assert not carried_out(TEXT)[1]


def test_a_folder_of_something_else_is_refused() -> None:
    """A run, or any folder with other things in it, is not written into."""
    Path("out").mkdir()
    Path("out/letter.txt").write_text("dear", "utf-8")
    with pytest.raises(InputError, match=r"it has no journal\.jsonl"):
        carried_out(TEXT)
    assert [p.name for p in Path("out").iterdir()] == ["letter.txt"]


def test_a_full_disk_ends_the_batch_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a result cannot be written the batch ends with a sentence, and the next run has only what is missing to do."""
    calls: list[Path] = []

    def full(path: Path, parts: Iterable[bytes]) -> None:
        calls.append(path)
        if len(calls) > 6:
            raise OSError(28, "No space left on device")
        write_file(path, parts)

    with monkeypatch.context() as patch:
        patch.setattr(store, "write_file", full)
        with pytest.raises(EngineError, match="No space left on device"):
            carried_out(TEXT)
    found, asked = carried_out(TEXT)
    assert len(asked) == 2
    assert all(entry.passed for entry in found.values())


def test_tables_of_all_cases_are_one_file() -> None:
    """An asked table holds the rows of every plan with the case in front; one that is not asked for any more is removed."""
    carried_out(TEXT + "tables: [targets]\n")
    table = pd.read_csv("out/targets.csv")
    assert list(table.columns) == ["case", "target", "planned"]
    assert table["case"].tolist() == ["pocket", "pocket boom", "pocket slump"]
    figures = pd.read_csv("out/kpis.csv")
    revenue = figures[(figures["measure"] == "revenue") & (figures["case"] == "pocket slump")]
    assert revenue[["value", "base"]].to_numpy().tolist() == [[100.0, 100.0]]
    carried_out(TEXT)
    assert not Path("out/targets.csv").exists()


def test_stopping_keeps_what_is_done() -> None:
    """Ctrl-C between two cases closes the workers and leaves results, journal and index as they are; the rest is done later."""
    batch, prepared = told(TEXT)
    doubles = Doubles(plan_of, workers=1)

    def stop(step: Step) -> None:
        if step.ready == 1 and step.ended:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), open_store(Path("out")) as place:
        run(batch, prepared, place, lambda _n: doubles, progress=stop)
    assert doubles.closed
    assert [row["status"] for row in index().values()] == ["optimal", "waiting", "waiting"]
    found, asked = carried_out(TEXT)
    assert sorted(asked) == ["boom", "slump"]
    assert all(entry.passed for entry in found.values())
