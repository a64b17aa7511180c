"""Figures of the maps of facts that the health checks show: a first quarter told at the values at which each business wants a warning."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path

import pandas as pd
import pytest
import shipped
from model_facts import HEALTH, Checker, has_map, read_facts

from allocator.health import health_checks
from allocator.health.writing import write_health
from allocator.places import shipped_models
from allocator.registry.approving import needs
from allocator.reviewing.actuals import read_actuals

FACTS = {
    name: read_facts(folder / "README.md") for name, folder in shipped_models().items() if has_map(folder / "README.md")
}
CHECKED = sorted({m for m, facts in FACTS.items() for f in facts for g in f.figures if HEALTH in g.scenarios})
MONTHS = ("2026-01", "2026-02", "2026-03")

TOLD = {
    "software": """\
metric,rep,channel,stage,amount
revenue,S13,,,1000
entered,,visits,prospects,133
entered,,visits,intent,100
entered,,visits,negotiating,30
entered,,visits,signed,24
new_clients,,visits,,24
entered,,fairs,lead,1000
entered,,fairs,signed,670
new_clients,,fairs,,335
entered,,online,lead,1000
entered,,online,signed,536
new_clients,,online,,268
pipeline,,visits,prospects,45
pipeline,,visits,intent,5
pipeline,,visits,negotiating,40
pipeline,,visits,signed,10
""",
    "field_sales": """\
metric,client,amount
revenue,A001,1000
activity_rate,,0.79
renewal_rate,,0.84
large_deal_days,,73
""",
    "telecom": """\
metric,amount
revenue,1000
satisfaction,4.4
""",
    "market": """\
metric,amount
revenue,1000
opportunities_per_month,299
conversion,0.21
revenue_attainment,0.94
margin,0.41
""",
}
"""What happened in each month of the first quarter: a little beyond the thresholds, or at those that warn at their value."""


@pytest.mark.parametrize("name", CHECKED)
def test_figures_are_those_of_the_health_checks(name: str, tmp_path: Path) -> None:
    """Proves that every figure of the map that the health checks show is read in the files that they write."""
    model = shipped.model(name)
    rows = pd.read_csv(io.StringIO(TOLD[name]), dtype={"amount": float}, keep_default_na=False)
    pd.concat([rows.assign(month=m) for m in MONTHS]).to_csv(tmp_path / "q1.csv", index=False)
    actuals = read_actuals(model, tmp_path / "q1.csv", dt.date(2026, 3, 31))
    write_health(health_checks(model, actuals, what_if=False), tmp_path / HEALTH, {})
    checker = Checker(shipped_models()[name], lambda _scenario: tmp_path / HEALTH)
    wrong = checker.wrong_figures(FACTS[name], HEALTH)
    assert not wrong, "\n".join(wrong)


def test_every_business_with_thresholds_is_told() -> None:
    """Proves that no map is left out: each told quarter is of a business whose map has figures of the health checks."""
    assert sorted(TOLD) == CHECKED


def test_a_big_change_needs_two_thirds_of_the_management() -> None:
    """Proves the market's rule: two of its three managers must agree where more than a tenth moves, nobody where it does not."""
    model = shipped.model("market")
    (need,) = needs(model["approvals"], model["voters"], 0.11)
    assert (need.needed, len(need.voters)) == (2, 3)
    assert need.role.startswith("management")
    assert needs(model["approvals"], model["voters"], 0.1) == []
