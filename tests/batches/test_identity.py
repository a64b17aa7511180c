"""The hash of a case: an unrelated change keeps it, whatever the result depends on makes another."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
from night import told

from allocator.batches import running
from allocator.batches.work import Task, carry_out, versions
from allocator.commands.starting import copy_model
from allocator.places import find_model

BASE = "models: pocket\nscenarios: [base, boom]\nformat: csv\noptions: {visits: no}\n"


def hashes(text: str) -> dict[str, str]:
    """Return the hash of each case, by its name."""
    return {one.name: one.task.hash for one in told(text)[1]}


def test_an_unrelated_change_keeps_results() -> None:
    """Titles, rules, tables, other cases and their order do not matter, nor by which name the same options are asked for."""
    before = hashes(BASE)
    assert len(set(before.values())) == 2
    other = BASE.replace("[base, boom]", "[slump, boom, base]")
    other += (
        "title: Other\nrules: [profit at least 1]\ntables: [quotas]\ncases: [{name: x, model: pocket, strict: yes}]\n"
    )
    assert before.items() <= hashes(other).items()
    same = hashes(BASE.replace("{visits: no}", "{visits: no, engine: ortools}"))
    assert set(same.values()) == set(before.values())


def test_the_same_model_elsewhere_keeps_results() -> None:
    """It is the content of a model that counts, and its name, not where it lies."""
    copy_model(find_model("pocket"), Path("there/pocket"))
    assert hashes(BASE.replace("pocket", "there/pocket")) == hashes(BASE)
    copy_model(find_model("pocket"), Path("pocket2"))
    assert not set(hashes(BASE.replace("pocket", "pocket2")).values()) & set(hashes(BASE).values())


@pytest.mark.parametrize(
    "change",
    [
        ("{visits: no}", "{visits: yes}"),
        ("{visits: no}", "{visits: no, strict: yes}"),
        ("{visits: no}", "{visits: no, engine: highs}"),
        ("{visits: no}", "{visits: no, seconds: 60}"),
        ("format: csv", "format: parquet"),
        ("format: csv", "format: csv\nlanguage: en"),
    ],
)
def test_other_options_are_other_results(change: tuple[str, str]) -> None:
    """Every option that a result depends on is in its hash."""
    assert not set(hashes(BASE).values()) & set(hashes(BASE.replace(*change)).values())


def test_another_scenario_is_another_result() -> None:
    """A scenario that changes other cells makes another hash, also where its name is the same; the base keeps its own."""
    before = hashes(BASE)
    Path("scenarios/boom.yaml").write_text("events:\n  - demand_shift: {factor: 1.2}\n", "utf-8")
    after = hashes(BASE)
    assert before["pocket"] == after["pocket"]
    assert before["pocket boom"] != after["pocket boom"]


def test_another_cell_of_the_model_is_another_result() -> None:
    """One changed cell of one table makes every case of the model new."""
    copy_model(find_model("pocket"), Path("pocket"))
    before = hashes(BASE)
    table = Path("pocket/products.csv")
    table.write_text(table.read_text("utf-8").replace("0.6", "0.61"), "utf-8")
    assert not set(before.values()) & set(hashes(BASE).values())


def test_other_versions_are_other_results(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an upgrade of the engine the same case is another one."""
    before = hashes(BASE)
    monkeypatch.setattr(running, "versions", lambda name: {**versions(name), "ortools": "99.0"})
    assert not set(before.values()) & set(hashes(BASE).values())


def test_a_result_is_refused_that_is_not_what_was_described() -> None:
    """A worker with other versions, or where the scenario does another thing, does not answer under the case's hash."""
    one = told(BASE)[1][1]
    model = one.planned.source.model
    assert model is not None
    english = replace(one.task, language="en")
    elsewhere = replace(english, versions={**english.versions, "pandas": "0.1"})
    assert "other versions" in carry_out(elsewhere, model).reason
    assert "in another way" in carry_out(replace(english, sha256="0"), model).reason


def test_a_description_travels() -> None:
    """A task and its model come out of a pipe as they went in, with the same hash."""
    one = told("models: pocket\nscenarios: sweep\nformat: csv\n")[1][1]
    task, model = pickle.loads(pickle.dumps((one.task, one.planned.source.model)))
    assert isinstance(task, Task)
    assert task == one.task
    assert task.hash == one.task.hash
    assert model.sha256 == one.planned.source.model.sha256  # type: ignore[union-attr]
