"""The shipped models: their data agree with what their README says, and generated tables with their generator."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from allocator.model import Model
from allocator.reading import load

ROOT = Path(__file__).parents[1]


def script(name: str) -> ModuleType:
    """Import a script of ``benchmarks/``."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def telecom() -> Model:
    """Return the carrier's model."""
    return load(ROOT / "models" / "telecom")


def target(model: Model, code: str) -> pd.Series:
    """Return the row of a target."""
    rows = model["targets"].set_index("target")
    return rows.loc[code]


def test_generated_tables_are_what_their_script_writes(tmp_path: Path) -> None:
    """Proves that every generated table comes from its seed, byte for byte."""
    script("generate_models").main(tmp_path)
    written = sorted(p for p in tmp_path.rglob("*") if p.is_file())
    assert written
    for path in written:
        shipped = ROOT / "models" / path.relative_to(tmp_path)
        assert shipped.read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", ["pocket", "telecom"])
def test_shipped_models_read_without_findings(name: str) -> None:
    """Proves that nothing in a shipped model is wrong or doubtful."""
    assert load(ROOT / "models" / name).findings == ()


def test_telecom_asks_for_fifteen_percent_more_than_last_year(telecom: Model) -> None:
    """Proves that the revenue target is 1.15 × the revenue in history, exactly."""
    history = telecom["history"]
    sold = history.loc[history["metric"] == "revenue", "amount"].sum()
    assert sold == 380_000_000
    assert target(telecom, "revenue")["at_least"] == pytest.approx(1.15 * sold, rel=1e-12)


def test_telecom_asks_for_two_points_of_enterprise_margin(telecom: Model) -> None:
    """Proves that the margin target is last year's margin of government and enterprise and 2 points."""
    history = telecom["history"]
    family = telecom["products"].set_index("product")["family"]
    enterprise = history[history["product"].map(family) == "enterprise"]
    money = enterprise.groupby("metric")["amount"].sum()
    last = money["profit"] / money["revenue"]
    assert target(telecom, "enterprise_margin")["at_least"] == pytest.approx(last + 0.02, abs=1e-9)


def test_telecom_has_the_size_it_states(telecom: Model) -> None:
    """Proves the counts of engineers, regions, lines and named clients, and the engineer with two product quotas."""
    clients, units = telecom["clients"], telecom["units"]
    named = clients[(clients["status"] == "active") & (clients["count"] == 1)]
    assert len(telecom["reps"]) == 60
    assert (units["kind"] == "region").sum() == 3
    assert set(telecom["products"]["family"]) == {"broadband", "mobile", "enterprise", "iot"}
    assert len(named) == 1200
    assert (clients["owner"] == "").sum() == 45
    pins = telecom["pins"].set_index("product")["amount"]
    assert dict(pins) == {"broadband": 5_000_000, "iot": 2_000_000}
    assert set(telecom["pins"]["rep"]) == {"E42"}


def test_generator_scales_and_repeats(tmp_path: Path) -> None:
    """Proves that a generated model of any size reads without findings and is the same for the same seed."""
    generate = script("generate").generate
    for reps, where in ((2, "a"), (45, "b"), (45, "c")):
        generate(tmp_path / where, reps, products=4, clients_per_rep=10, seed=3)
        model = load(tmp_path / where)
        assert model.findings == ()
        assert len(model["reps"]) == reps
    for path in sorted((tmp_path / "b").iterdir()):
        assert path.read_bytes() == (tmp_path / "c" / path.name).read_bytes()
    assert {p.name for p in (tmp_path / "b").iterdir()} == {p.name for p in (tmp_path / "c").iterdir()}


def test_generator_refuses_what_it_cannot_make(tmp_path: Path) -> None:
    """Proves that a size without sense is refused before anything is written."""
    with pytest.raises(ValueError, match="at least 2 reps"):
        script("generate").generate(tmp_path / "x", 1)
    assert not (tmp_path / "x").exists()
