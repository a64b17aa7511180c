"""Exported files read back to the same optimum, under names that people can read."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import highspy
import numpy as np
import pandas as pd
import pulp
import pytest
from lp_cases import INF, program, random_program

from allocator.engines import engine
from allocator.engines.export import export, readable
from allocator.engines.status import Status
from allocator.errors import EngineError
from allocator.program import Family, Floats, Program

ENDINGS = (".mps", ".lp")


def named() -> tuple[Program, Floats]:
    """Return money, ranges, whole, free and negative columns; Chinese labels, blanks, quotes, words of the format."""
    chosen = program(
        [
            [1, 1, 1 / 3, 0, 0, 0, 0, 0],
            [0, 1, 0, 1, 0, 1, 1, 0],
            [1, 0, 0, 0, 1, 0, 0, 1e-3],
            [0, 0, 0, 0, 0, 0, 0, 0],
            [1, 1, 1, 0, 0, 0, 1, 0],
        ],
        [1, -INF, -3, 0, -50],
        [1, 71 / 7, 2e6 / 7, 0, 1e3 / 7],
        [0, -INF, -INF, -5, 2, 0, -INF, 1],
        [40, INF, 4.5, -1, 2, 9, -3, 1e9 / 3],
        [False, False, False, True, False, True, False, False],
    )
    people = pd.Categorical(["张三", "O'Hara, Pat"])
    columns = (
        Family("拜访 量", "visits", 0, 2, {"rep": people, "month": pd.Categorical(["2026-01", "2026-01"])}),
        Family("free", "money", 2, 3, {}),
        Family("3rd e-mail", "visits", 3, 8, {"t": np.arange(5)}),
    )
    months = pd.Categorical(["2026-01", "2026-02", "2026-03"])
    rows = (
        Family("A rep's hours: no more than 5%", "hours", 0, 3, {"month": months}),
        Family("End", "hours", 3, 5, {}),
    )
    costs = np.array([1 / 3, 2, 0, -2, 3, -0.125, -1.5, 12.345678901234567])
    return replace(chosen, column_families=columns, row_families=rows), costs


def labelled(chosen: Program) -> Program:
    """Return the program with plain names."""
    rows, columns = chosen.shape
    return replace(
        chosen,
        column_families=(Family("column", "", 0, columns, {"n": np.arange(columns)}),),
        row_families=(Family("row", "", 0, rows, {"n": np.arange(rows)}),),
    )


def read_by_highs(path: Path) -> tuple[str, float, list[str]]:
    """Return HiGHS's own word and value for a file, and its columns' names."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("mip_rel_gap", 0.0)
    assert highs.readModel(str(path)) != highspy.HighsStatus.kError
    highs.run()
    word = highs.modelStatusToString(highs.getModelStatus())
    return word, highs.getInfo().objective_function_value, list(highs.getLp().col_names_)


def read_by_cbc(path: Path) -> str:
    """Return the first line of CBC's solution of a file."""
    solution = path.with_suffix(".sol")
    command = [str(pulp.PULP_CBC_CMD.pulp_cbc_path), str(path), "-solve", "-solution", str(solution)]
    done = subprocess.run(command, capture_output=True, check=True)
    assert b"rror" not in done.stdout.replace(b"read with 0 errors", b"")
    return solution.read_text(errors="replace").splitlines()[0]


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_and_optimum_survive(ending: str, tmp_path: Path) -> None:
    """HiGHS and CBC read the file and find our optimum; HiGHS knows the columns by our names."""
    chosen, costs = named()
    ours = engine("ortools").solve(chosen, costs)
    assert ours.status is Status.OPTIMAL
    path = tmp_path / f"out{ending}"
    export(chosen, costs, path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    word, value, names = read_by_highs(path)
    assert word == "Optimal"
    assert value == pytest.approx(ours.bound, rel=1e-9)
    assert {"拜访_量(张三,2026.01)", "_free", "_3rd_e.mail(4)"} <= set(names)
    words = read_by_cbc(path).split()
    assert words[0] == "Optimal"
    assert float(words[-1]) == pytest.approx(ours.bound, rel=1e-7)


@pytest.mark.parametrize("ending", ENDINGS)
def test_random_programs_survive(ending: str, tmp_path: Path) -> None:
    """What HiGHS finds in the file is what it finds in the arrays: optimum, infeasible or unbounded."""
    words = {Status.OPTIMAL: {"Optimal"}, Status.INFEASIBLE: {"Infeasible"}, Status.UNBOUNDED: {"Unbounded"}}
    either = "Primal infeasible or unbounded"
    for seed in range(60):
        chosen, costs = random_program(seed)
        ours = engine("ortools").solve(chosen, costs)
        path = tmp_path / f"out{ending}"
        export(labelled(chosen), costs, path)
        word, value, _names = read_by_highs(path)
        assert word in words[ours.status] | ({either} if ours.status is not Status.OPTIMAL else set()), seed
        if ours.status is Status.OPTIMAL:
            assert value == pytest.approx(ours.bound, rel=1e-6, abs=1e-6 * np.abs(costs).max()), seed


def test_names_are_unique_and_fit() -> None:
    """Names that become alike get numbers, also when a number is taken; none has blanks or a digit in front."""
    names = readable(
        ["a b", "a_b", "a_b_2", "a-b", "a.b", "a\tb", "12", "e5", "st", "", "x" * 300, "x" * 300, "客户 一"]
    )
    assert len(set(names)) == len(names)
    assert names[:2] == ["a_b", "a_b_3"]
    assert names[-1] == "客户_一"
    assert all(n and not n[0].isdigit() and not any(c.isspace() or c in "+-*[]<>=:" for c in n) for n in names)
    assert all(len(n) <= 210 for n in names)
    assert not {"e5", "st"} & set(names)


@pytest.mark.parametrize("name", ["out.txt", "out", "folder/out.mps"])
def test_unwritable(name: str, tmp_path: Path) -> None:
    """Another ending, or a folder that is not there, is an error in words, and nothing is left behind."""
    with pytest.raises(EngineError, match="out"):
        export(*named(), tmp_path / name)
    assert not list(tmp_path.iterdir())
