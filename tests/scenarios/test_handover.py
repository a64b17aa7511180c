"""The list of clients that change hands."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import shipped
from told import tell

from allocator.scenarios.applying import with_scenarios
from allocator.scenarios.handing_over import COLUMNS, handover, renewals_kept


def test_who_takes_over_is_told_what_he_must_know(small_folder: Path) -> None:
    """Only the clients of who leaves change hands, on the day after his last, with needs and renewals at risk."""
    clients = (small_folder / "clients.csv").read_text("utf-8").splitlines()
    extra = {"k1": "2026-09-30,0.1,two lines,boss then buyer,rival"}
    lines = [f"{clients[0]},renewal,churn,needs,decision_chain,competitors"]
    lines += [f"{c},{extra.get(c[:2], ',,,,')}" for c in clients[1:]]
    (small_folder / "clients.csv").write_text("\n".join(lines) + "\n", "utf-8")
    model = tell(small_folder, s="events:\n  - rep_departure: {rep: ann, from: 2026-07-15}\n")
    table = handover(model, with_scenarios(model, "s"))
    assert tuple(table.columns) == COLUMNS
    (row,) = table.itertuples(index=False, name=None)
    day, renewal = pd.Timestamp("2026-07-15"), pd.Timestamp("2026-09-30")
    assert row == ("k1", "ann", "bob", day, "two lines", "boss then buyer", "rival", renewal, 0.1, True)
    assert renewals_kept(table) == 0.9


def test_a_contract_that_ended_before_is_not_at_risk(small_folder: Path) -> None:
    """A renewal before the hand-over, or after the plan, is nobody's risk; without any there is no share to tell."""
    model = tell(small_folder, s="events:\n  - rep_departure: {rep: ann, from: 2026-07-15}\n")
    table = handover(model, with_scenarios(model, "s"))
    assert not table["at_risk"].any()
    assert renewals_kept(table) is None


def test_nothing_changes_hands_without_a_reason(small_folder: Path) -> None:
    """A scenario that leaves reps and clients alone hands nothing over."""
    model = tell(small_folder, s="events:\n  - demand_shift: {factor: 0.9}\n")
    assert handover(model, with_scenarios(model, "s")).empty


def test_the_software_team_hands_over_to_a_reserve_and_a_new_rep() -> None:
    """When a core rep leaves, all his clients go to one reserve and one new rep, and 85 % of renewals at risk should be kept."""
    model = shipped.model("software")
    table = handover(model, with_scenarios(model, "rep_departure"))
    mine = model["clients"].query("owner == 'S03'")["client"]
    assert set(table["client"]) == set(mine)
    assert set(table["to"]) == {"S01", "S06"}
    kept = renewals_kept(table)
    assert kept is not None
    assert kept >= 0.85
