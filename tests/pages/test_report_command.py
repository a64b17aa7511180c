"""``allocator report``, and the reports that solve and compare write."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from edited import write
from opened import Opened, checked

from allocator.cli import main
from allocator.pages.figures import wrapped
from allocator.pages.writing import page_bytes

SCENARIO = "title: Harbour <leaves>\nevents:\n  - client_loss: {client: harbour, from: 2026-05-18}\n"
SWEEP = """\
parameters: {cut: 20%}
events:
  - price_cut: {competitor: $cut, from: 2026-05}
vary:
  - {parameter: cut, values: [0%, 10%, 40%]}
"""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a comparison with a scenario and a sweep."""
    folder = write("pocket", tmp_path_factory.mktemp("compared") / "pocket")
    (folder / "scenarios").mkdir()
    (folder / "scenarios" / "lost.yaml").write_text(SCENARIO, "utf-8")
    (folder / "scenarios" / "cut.yaml").write_text(SWEEP, "utf-8")
    place = folder.parent / "c"
    command = ["compare", str(folder), "-s", "lost", "-s", "cut", "-o", str(place), "--no-visits", "-q", "--lang", "en"]
    assert main(command) == 0
    return place


def test_solve_writes_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Proves that a solve leaves the page in its run, and that ``report`` writes the same one again."""
    run = tmp_path / "r"
    assert main(["solve", "pocket", "-o", str(run), "--lang", "en"]) == 0
    assert "report.html" in capsys.readouterr().out
    before = (run / "report.html").read_bytes()
    (run / "report.html").unlink()
    assert main(["report", str(run), "--json", "--lang", "en"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"status": "done", "file": str(run / "report.html"), "bytes": len(before)}
    assert (run / "report.html").read_bytes() == before


def test_without_a_plan_there_is_no_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Proves that ``report`` refuses what is no run with exit code 2 and a sentence."""
    assert main(["report", str(tmp_path), "--lang", "en"]) == 2
    assert "neither summary.json nor comparison.json" in capsys.readouterr().err


def test_a_comparison_is_reported(compared: Path) -> None:
    """Proves that charts are sound, that the bridge's bars are those of ``bridge.csv``, and that a title is no markup."""
    page = Opened((compared / "report.html").read_text("utf-8"))
    for figure in page.figures.values():
        checked(figure)
    assert {"changes", "bridge-0-contribution", "sweep-0-contribution"} <= set(page.figures)
    bridge = pd.read_csv(compared / "bridge.csv")
    bars = page.figures["bridge-0-contribution"]["data"][0]
    contribution = bridge["contribution"].to_numpy(float)
    assert bars["y"] == pytest.approx([v / 1e6 if abs(contribution[0]) >= 1e6 else v for v in contribution])
    assert bars["measure"] == ["absolute", *["relative"] * (len(contribution) - 2), "total"]
    assert "Harbour <leaves>" in page.words


def test_key_figures_stand_side_by_side(compared: Path) -> None:
    """Proves that each key figure's base and changed value on the page are those of ``kpis.csv``."""
    page = Opened((compared / "report.html").read_text("utf-8"))
    rows = {row[0]: row[1:] for row in page.tables["Key figures side by side"]}
    known = pd.read_csv(compared / "kpis.csv").set_index("kpi")
    assert rows["revenue"][0] == f"CNY {known.loc['revenue', 'base'] / 1e6:.4f}".rstrip("0") + " m"
    assert len(rows) >= 8


def test_the_report_of_a_comparison_comes_from_its_files(compared: Path) -> None:
    """Proves that ``report`` on the folder writes what ``compare`` has written."""
    before = (compared / "report.html").read_bytes()
    assert main(["report", str(compared), "-q", "--lang", "en"]) == 0
    assert (compared / "report.html").read_bytes() == before


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("short", ["short"]),
        ("a word and another word that go on", ["a word and another word", "that go on"]),
        ("价" * 30, ["价" * 24, "价" * 6]),
        ("x " * 100, ["x x x x x x x x x x x x"] * 3 + ["x x x x x x x x x x x x…"]),
    ],
)
def test_long_names_are_broken(text: str, lines: list[str]) -> None:
    """Proves that names below bars take a few short lines, whether they have blanks or not."""
    assert wrapped(text) == lines


def test_no_two_elements_share_an_id(compared: Path) -> None:
    """Proves that the page's own parts, its sections and its charts are told apart: its script finds them by their id."""
    for path in (compared / "report.html", compared / "base"):
        text = path.read_text("utf-8") if path.is_file() else page_bytes(path).decode()
        ids = [a["id"] for _tag, a in Opened(text).elements if "id" in a]
        assert len(ids) == len(set(ids))
