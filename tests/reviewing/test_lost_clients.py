"""The only client whom a target looks at is lost: the target is missed from then on, it does not vanish."""

from __future__ import annotations

from pathlib import Path

import pytest
from pencil import compare, goals, tiny
from small_model import TABLES, write_small_model
from tight_models import Rows

from allocator.auditing import audit, read_run
from allocator.reading import load
from allocator.reporting.run import open_run, write_run
from allocator.solving import solve

SEEN = {"target": "seen", "metric": "coverage", "scope": "tier=A", "each": "month", "at_least": 1}


@pytest.mark.parametrize(("per", "lost", "missed"), [("month", "2026-04-01", 1), ("month", "2026-04-16", 0)])
def test_a_month_without_the_client_is_missed(per: str, lost: str, missed: int, tmp_path: Path) -> None:
    """Gone on 1 April, nobody is seen in April: one of two months is missed in full. Wrong: April is no month of the target."""
    tables: dict[str, Rows] = {
        "clients": [{"client": "c", "tier": "A", "owner": "r", "lost_on": lost}],
        "tiers": [{"tier": "A", "visits": 10, "per": per, "minutes": 60}],
        "targets": [SEEN],
    }
    model = tiny(tmp_path, tables)
    goals(model, base_1_largest=missed, base_1_sum=missed)
    rows = solve(model)["targets"].set_index("each")
    assert list(rows["status"]) == ["met", "missed" if missed else "met"]


def test_a_client_nobody_may_visit_counts_as_nobody_seen(tmp_path: Path) -> None:
    """Without an owner nobody is seen: both months are missed, and audit and oracle say the same."""
    tables: dict[str, Rows] = {
        "reps": [{"rep": "r", "unit": "u", "hours_per_day": 5, "selling_share": 0.2, "families": "other"}],
        "products": [
            {"product": "p", "margin": 0.5, "family": "f"},
            {"product": "q", "margin": 0.5, "family": "other"},
        ],
        "clients": [{"client": "c", "tier": "A"}],
        "targets": [SEEN],
    }
    model = tiny(tmp_path, tables)
    compare(model)
    assert (solve(model)["targets"]["status"] == "missed").all()


def test_the_last_key_client_is_lost(tmp_path: Path) -> None:
    """A plan whose only client of tier A leaves in August stands up to its audit, read back from its files, and misses four months."""
    model = load(write_small_model(tmp_path / "small", {"actuals.csv": None, "clients.csv": _lost(TABLES["clients"])}))
    plan = solve(model, visits=False)
    write_run(plan, tmp_path / "run")
    found = audit(open_run(tmp_path / "run")[0], read_run(tmp_path / "run"))
    assert found.clean, found.violations["sentence"].head().tolist()
    seen = plan["targets"].query("target == 'seen'").set_index("each")["gap"]
    assert len(seen) == 12
    assert [str(each) for each in seen.index[seen > 0.99]] == [f"month=2026-{m:02d}" for m in range(9, 13)]


def _lost(table: str) -> str:
    """Rows of clients with the key client lost in August."""
    heading, *rows = table.splitlines()
    lost = (row + (",2026-08-15" if row.startswith("k1,") else ",") for row in rows)
    return "\n".join([heading + ",lost_on", *lost]) + "\n"
