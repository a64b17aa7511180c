"""Solving again with the dates of an earlier run: a small change moves few visits, and the summary and the screen say how many."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shipped
from dated import Dated
from edited import edit, put, write
from oracles.schedule import Checker
from random_plans import random_plan

from allocator.cli import main
from allocator.model import Model
from allocator.plan import Plan
from allocator.reading import load
from allocator.solving import solve
from allocator.visits import schedule

LEAVE = {"rep": "li", "from": "2026-05-18", "to": "2026-05-22"}


def dates(visits: pd.DataFrame) -> set[tuple[str, str]]:
    """Clients and days of visits."""
    days = pd.to_datetime(visits["date"]).dt.strftime("%Y-%m-%d")
    return set(zip(visits["client"].astype(str), days, strict=True))


def changed(before: pd.DataFrame, after: pd.DataFrame) -> int:
    """Visits that only one of two runs has, of the run that has more of them."""
    return max(len(dates(before) - dates(after)), len(dates(after) - dates(before)))


def test_a_lost_client_moves_few_visits(tmp_path: Path) -> None:
    """Of the others hardly any visit moves when one client is lost, and the new plan keeps every rule."""
    folder = edit(write("pocket", tmp_path / "pocket"), put("clients", "lost_on", "2026-05-18", client="harbour"))
    before = shipped.plan("pocket")["visits"]
    plan: Plan = solve(model := load(folder), keep=before)
    gone = before[(before["client"] == "harbour") & (before["date"] >= "2026-05-18")]
    assert len(gone) > 2
    assert plan.summary["schedule"]["moved"] <= len(gone)
    assert changed(before, plan["visits"]) <= 2 * len(gone)
    assert Checker(model, plan.tables, plan["visits"], plan["unplaced"]).violations() == []


def test_a_leave_moves_what_falls_into_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``--keep`` moves the visits of a week's leave and hardly any other; the summary and the screen count them."""
    folder, run, old = write("pocket", tmp_path / "pocket"), tmp_path / "run", shipped.run("pocket")
    edit(folder, lambda name, rows: [*rows, LEAVE] if name == "leave" else rows)
    before = pd.read_csv(old / "visits.csv")
    gone = before[(before["rep"] == "li") & before["date"].between(LEAVE["from"], LEAVE["to"])]
    assert len(gone) > 2
    assert main(["solve", str(folder), "--keep", str(old), "-o", str(run), "--lang", "en"]) == 0
    figures = json.loads((run / "summary.json").read_text("utf-8"))["schedule"]
    assert f"{figures['moved']} visits have another date than before" in " ".join(capsys.readouterr().out.split())
    assert len(gone) <= figures["moved"] + figures["unplaced"] + figures["unplaced_other"]
    assert figures["moved"] <= 2 * len(gone)
    assert changed(before, pd.read_csv(run / "visits.csv")) <= 2 * len(gone)


def rows(visits: pd.DataFrame) -> set[tuple[str, ...]]:
    """Who sees whom when, for what and with whom."""
    return set(visits[["client", "date", "rep", "purpose", "with"]].astype(str).itertuples(index=False, name=None))


def test_an_unchanged_plan_keeps_every_date(telecom: Dated) -> None:
    """Kept dates cost nothing: no visit moves, though some had no day; joint visits keep theirs (43 of 114 moved without that cost).

    Who had no day does not take that of another.
    """
    before = telecom.schedule
    again = schedule(telecom.model, telecom.tables, keep=before.visits)
    assert before.figures["unplaced"] > 0
    assert before.figures["executive"] > 50
    assert rows(again.visits) == rows(before.visits)
    assert again.figures["moved"] == 0


def test_room_is_not_made_on_days_of_extra_visits(telecom_model: Model, six: dict[str, pd.DataFrame]) -> None:
    """Of six engineers nothing changes: the promised visit of KA0083 does not go to its extra one's day to make room for a prospect."""
    before = schedule(telecom_model, six)
    again = schedule(telecom_model, six, keep=before.visits)
    assert before.figures["unplaced_other"] > 0
    assert rows(again.visits) == rows(before.visits)


@pytest.mark.parametrize("seed", range(4))
def test_joint_visits_keep_their_dates(telecom_model: Model, seed: int) -> None:
    """Few executives, mentors: the same visits are joint again on the same days, and when one client goes hardly any other moves."""
    model, tables = random_plan(telecom_model, seed)
    before = schedule(model, tables).visits
    joint = before["with"].astype(str) != ""
    again = schedule(model, tables, keep=before).visits
    assert rows(before[joint]) == rows(again[again["with"].astype(str) != ""])
    gone = before.loc[joint, "client"].astype(str).iloc[0].partition("#")[0]
    fewer = {**tables, "assignments": tables["assignments"][tables["assignments"]["client"] != gone]}
    after = schedule(model, fewer, keep=before).visits
    others = before[joint & (before["client"].astype(str).str.partition("#")[0] != gone)]
    moved = rows(others) - rows(after)
    assert len(moved) <= max(0.1 * np.sum(joint), 1)
