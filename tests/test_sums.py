"""Totals of the shipped models' runs, and of a first model from a CRM export, by an oracle that only adds."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from importing.exports import Export
from oracles.sums import Organisation, add_up, disorder, missed_pins, widest, wrong_periods, wrong_units
from shipped import model, run

from allocator.importing.crm import import_crm
from allocator.model import Model
from allocator.places import shipped_models
from allocator.reading import load
from allocator.reporting.run import write_run
from allocator.solving import solve

ALLOWED = {"month": 2.0, "quarter": 2.0, "year": 2.0, "product month": 2.0, "product quarter": 5.0, "product year": 5.0}
"""Multiples of ``rounding`` by which a total may differ from the exact one."""


def read(folder: Path, name: str) -> pd.DataFrame:
    """Read a file of a run as a user would."""
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False, dtype={"rep": str, "unit": str, "period": str})


def check(found: Model, folder: Path) -> None:
    """Add up quotas, units and days of a run."""
    months = found.calendar.months
    organisation = Organisation(
        dict(zip(found["units"]["unit"], found["units"]["parent"], strict=True)),
        dict(zip(found["reps"]["rep"], found["reps"]["unit"], strict=True)),
        dict(zip(months, found.calendar.quarters, strict=True)),
    )
    quotas = read(folder, "quotas")
    sums = add_up(quotas, organisation)
    assert disorder(quotas) == []
    assert missed_pins(sums, found["pins"], organisation) == []
    for kind, error in widest(sums, found.settings.rounding).items():
        assert error < ALLOWED[kind], kind
    assert wrong_units(read(folder, "units"), quotas, organisation, found.settings.hedge) == []
    assert wrong_periods(read(folder, "breakdown"), quotas) == []


@pytest.mark.parametrize("name", sorted(shipped_models()))
def test_shipped_models_add_up(name: str) -> None:
    """Proves cell by cell that organisation, product and time add up in the files of every shipped model."""
    check(model(name), run(name))


def test_a_first_model_adds_up(tmp_path: Path) -> None:
    """Proves the same of a model that was made from a CRM export."""
    Export().write(tmp_path / "export")
    import_crm(tmp_path / "export", tmp_path / "first")
    found = load(tmp_path / "first")
    write_run(solve(found), tmp_path / "run")
    check(found, tmp_path / "run")
