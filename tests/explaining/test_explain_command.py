"""The command ``explain``: what it prints, in which language, and its exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest
from clash_models import SETTINGS, dear_fair
from random_models import RandomModel
from tight_models import BASE

from allocator.cli import main


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that a scenario of its own breaks."""
    return dear_fair(tmp_path_factory.mktemp("broken") / "lines")


def test_broken_by_a_scenario(broken: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The clash, what is missing, the ways out and the step to blame, with its line; exit code 3."""
    assert main(["explain", broken, "-s", "dear", "--lang", "en"]) == 3
    text = capsys.readouterr().out
    for part in ("Line fair: at least CNY 150", "CNY 50 missing", "thrift: CNY 150 instead of CNY 100", "dear, line 5"):
        assert part in text
    assert "margin" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_nothing_is_wrong(broken: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A model in which all holds says so and ends with 0; a time of nothing is refused."""
    folder = RandomModel(SETTINGS, {**BASE, "tiers": [{"tier": "A", "visits": 5, "per": "month", "minutes": 60}]})
    assert main(["explain", str(folder.write(tmp_path / "sound")), "--lang", "en"]) == 0
    assert "every wish is met" in capsys.readouterr().out
    assert main(["explain", broken, "--seconds", "0"]) == 2


def test_a_solve_without_a_plan_names_the_command(
    broken: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``solve`` says where more is said, with the scenario."""
    monkeypatch.chdir(tmp_path)
    assert main(["solve", broken, "-s", "dear", "--lang", "en"]) == 3
    text = capsys.readouterr().out
    assert f"allocator explain {broken} -s dear".replace(" ", "") in "".join(text.split())
