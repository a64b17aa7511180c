"""Runs whose tables are Parquet files hold the same as those of CSV files; with the library installed all else is as without."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from allocator.auditing import audit, read_run
from allocator.cli import main
from allocator.reading import load
from allocator.visits.writing import ParquetWriter

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two runs of one model, by the kind of their files."""
    folder = tmp_path_factory.mktemp("runs")
    for kind in ("csv", "parquet"):
        command = ["solve", str(ROOT / "models" / "action_plan"), "-o", str(folder / kind), "--format", kind, "-q"]
        assert main(command) == 0
    return {kind: folder / kind for kind in ("csv", "parquet")}


def test_parquet_holds_what_csv_holds(runs: dict[str, Path]) -> None:
    """Proves table by table that numbers are equal to the last digit and texts to the letter."""
    tables = {path.stem for path in runs["csv"].glob("*.csv")}
    assert tables == {path.stem for path in runs["parquet"].glob("*.parquet")}
    for name in tables:
        texts = pd.read_csv(runs["csv"] / f"{name}.csv", dtype=str, keep_default_na=False)
        there = pd.read_parquet(runs["parquet"] / f"{name}.parquet")
        assert list(texts.columns) == list(there.columns), name
        assert len(texts) == len(there), name
        for column in there:
            if pd.api.types.is_numeric_dtype(there[column].dtype):
                shown = [float(text or "nan") for text in texts[column]]
                pd.testing.assert_series_equal(
                    pd.Series(shown, dtype=float), pd.Series(there[column].to_numpy(float)), check_exact=True
                )


def test_run_is_sound_with_the_library_installed(runs: dict[str, Path]) -> None:
    """Proves that reading, planning and auditing do not depend on the library that texts are kept in."""
    found = audit(load(ROOT / "models" / "action_plan"), read_run(runs["csv"]))
    assert found.clean, found.violations["sentence"].tolist()


def test_week_is_shown_from_either(runs: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Proves that a week reads the same from both kinds of files."""
    shown = []
    for folder in runs.values():
        assert main(["visits", str(folder), "--rep", "R01", "--week", "2026-W15"]) == 0
        shown.append(capsys.readouterr().out)
    assert shown[0] == shown[1]
    assert "2026-W15" in shown[0]


def test_parts_make_one_file(tmp_path: Path) -> None:
    """Proves that visits written in parts, with more clients in the later ones, read back as the whole."""
    rows = pd.DataFrame({"client": [f"k{n:04d}" for n in range(1000)], "minutes": range(1000), "with": ""})
    rows["date"] = pd.Timestamp("2026-04-01") + pd.to_timedelta(rows["minutes"] % 90, unit="D")
    labels = rows.astype({"client": "category", "with": "category"})
    with ParquetWriter(tmp_path / "visits.parquet") as file:
        for begin, end in ((0, 3), (3, 3), (3, 900), (900, 1000)):
            file.write(labels.iloc[begin:end])
    there = pd.read_parquet(tmp_path / "visits.parquet")
    pd.testing.assert_frame_equal(there.astype({"client": "str", "with": "str"}), rows, check_dtype=False)
