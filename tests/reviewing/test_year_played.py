"""A year played: a plan, then four quarters that went as planned, worse, better, and with a key client lost."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from played import actual_rows, write_actuals
from small_model import TABLES, write_small_model

from allocator.auditing import audit, read_run
from allocator.model import Model
from allocator.reading import load
from allocator.registry import Registry
from allocator.reporting.run import open_run, write_run
from allocator.reviewing.actuals import read_actuals
from allocator.reviewing.review import Review, open_published, review
from allocator.schema.tables import fingerprint
from allocator.solving import solve

DATES = ("2026-03-31", "2026-06-30", "2026-09-30", "2026-12-31")
WENT = (1.0, 0.5, 1.1, 0.95)
KEY_CLIENT, LOST_ON = "k1", "2026-08-15"


@dataclass(frozen=True)
class Quarter:
    """What a review left: its folder, its content, and what was in force before."""

    folder: Path
    before: Path
    review: Review
    model: Model


def lose(model: Model) -> Model:
    """The model whose key client has gone."""
    clients = model["clients"].copy()
    clients.loc[clients["client"] == KEY_CLIENT, "lost_on"] = pd.Timestamp(LOST_ON)
    frames = {**model.tables, "clients": clients}
    return replace(model, tables=frames, sha256=fingerprint(model.settings, frames))


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> list[Quarter]:
    """Play the year on the small model: plan, then review each quarter against what the last one left."""
    place = tmp_path_factory.mktemp("year")
    asked = TABLES["targets"].replace(",700000,", ",850000,")  # more than can be sold without an effort
    model = load(write_small_model(place / "small", {"actuals.csv": None, "targets.csv": asked}))
    run, seen, told, quarters = place / "plan", 0, [], []
    write_run(solve(model, workers=1), run)
    for k, (date, went) in enumerate(zip(DATES, WENT, strict=True)):
        if date == DATES[2]:
            model = lose(model)
        published = open_published(run)
        day = dt.date.fromisoformat(date)
        over = model.calendar.over(day)
        told.append(actual_rows(published.tables, model.calendar.months[seen:over], went))
        seen = over
        actuals = read_actuals(model, write_actuals(place / f"{k}.csv", *told), day)
        found = review(model, actuals, published, curve=False, workers=1)
        folder = place / f"review{k}"
        write_run(replace(found.plan, summary=found.summary), folder, more=found.files())
        quarters.append(Quarter(folder, run, found, model))
        run = folder
    return quarters


def test_all_kinds_of_quarters_are_played(played: list[Quarter]) -> None:
    """Proves: as their files say, one quarter went as planned, one worse, one better, and the key client was lost on the way."""
    went = []
    for k, quarter in enumerate(played):
        table = pd.read_csv(quarter.folder / "review" / "plan_vs_actual.csv", keep_default_na=False)
        rows = table.query("metric == 'revenue' and kind == 'rep' and product == '' and period_kind == 'quarter'")
        rows = rows[rows["period"] == f"2026-Q{k + 1}"]  # nobody tells what clients without a rep buy
        went.append(float(rows["actual"].sum() / rows["planned"].sum()))
    assert went == pytest.approx(list(WENT))
    lost = pd.read_csv(played[2].folder / "review" / "moved.csv", keep_default_na=False)
    assert "client_lost" in set(lost["reason"])
    seen = pd.read_csv(played[2].folder / "targets.csv", keep_default_na=False).query("target == 'seen'")
    assert list(seen["status"]).count("missed") >= 4  # nobody of that tier is left to be seen from September on


@pytest.mark.parametrize("k", range(4))
def test_every_review_is_audited_from_its_files(played: list[Quarter], k: int) -> None:
    """Proves: each re-plan, read back from its folder, keeps every rule that the audit knows, the actuals of its past included."""
    found = audit(open_run(played[k].folder)[0], read_run(played[k].folder))
    assert found.clean, found.violations["sentence"].head().tolist()


@pytest.mark.parametrize("k", range(4))
def test_totals_are_actual_and_remaining(played: list[Quarter], k: int) -> None:
    """Proves: the year of the forecast is what happened and what remains, to the cent, for company, units, reps and products."""
    quarter = played[k]
    told = pd.concat([actual_rows_of(q) for q in played[: k + 1]])
    forecast = read_run(quarter.folder)["forecast"]
    ahead = forecast["month"].isin(quarter.review.actuals.remaining)
    actual = told.groupby("rep")["amount"].sum()
    for rep, mine in forecast.groupby("rep"):
        assert mine.loc[~ahead[mine.index], "sell"].sum() == pytest.approx(actual.get(rep, 0.0), abs=0.01)
    table = pd.read_csv(quarter.folder / "review" / "reconciled.csv", keep_default_na=False)
    assert (table["actual"] + table["remaining"]).to_numpy() == pytest.approx(table["year"].to_numpy(), abs=0.01)
    whole = table[(table["kind"] == "company") & (table["product"] == "")].iloc[0]
    assert whole["actual"] == pytest.approx(told["amount"].sum(), abs=0.01)
    assert whole["year"] == pytest.approx(forecast["sell"].sum(), abs=0.01)
    assert whole["asked_year"] == pytest.approx(whole["asked_past"] + whole["asked_remaining"])


def actual_rows_of(quarter: Quarter) -> pd.DataFrame:
    """Revenue told for the months that this review adds, read from the table of plan against actual."""
    rows = quarter.review.actuals.of("revenue")
    before = open_run(quarter.before)[0]
    return rows[~rows["month"].isin(before.calendar.months[: before.past])]


@pytest.mark.parametrize("k", range(4))
def test_the_past_never_changes(played: list[Quarter], k: int) -> None:
    """Proves: quotas, dated visits and what was planned for months that were over stay as the run before had them, to the last digit."""
    quarter = played[k]
    over = quarter.review.actuals.past
    earlier, now = (
        read_run(f)["quotas"].set_index(["rep", "product", "month", "level"]) for f in (quarter.before, quarter.folder)
    )
    for column in ("quota", "exact"):
        a, b = (t.loc[t.index.get_level_values("month").isin(over), column] for t in (earlier, now))
        both = pd.concat([a, b], axis=1).fillna(0.0)
        assert np.abs(both.iloc[:, 0] - both.iloc[:, 1]).max() <= (0.0 if column == "quota" else 1e-6)
    last = dt.date.fromisoformat(DATES[k])
    dates = [pd.read_csv(f / "visits.csv", keep_default_na=False) for f in (quarter.before, quarter.folder)]
    dates = [d[pd.to_datetime(d["date"]).dt.date <= last].reset_index(drop=True) for d in dates]
    pd.testing.assert_frame_equal(dates[0], dates[1])
    if k:
        names = ["month", "metric", "rep", "product", "line"]
        force = [
            pd.read_csv(f / "review" / "in_force.csv", keep_default_na=False) for f in (quarter.before, quarter.folder)
        ]
        force = [f[f["month"].isin(over)].sort_values(names, ignore_index=True) for f in force]
        pd.testing.assert_frame_equal(force[0], force[1])


def test_a_quarter_as_planned_changes_nothing(played: list[Quarter]) -> None:
    """Proves: with actuals equal to the plan no number of a remaining month changes, no date either. Wrong: 1 quota, 1 visit."""
    quarter = played[0]
    assert quarter.review.kept
    assert quarter.review.tables["moved"].empty
    assert quarter.review.tables["moved_effort"].empty
    for name, keys, column in (
        ("quotas", ["rep", "product", "month", "level"], "quota"),
        ("budget", ["line", "month"], "spend"),
        ("forecast", ["group", "product", "month"], "sell"),
    ):
        before, now = (read_run(f)[name].set_index(keys)[column] for f in (quarter.before, quarter.folder))
        assert now.reindex(before.index).to_numpy() == pytest.approx(before.to_numpy(), rel=1e-9, abs=1e-6)
    assert (quarter.before / "visits.csv").read_bytes() == (quarter.folder / "visits.csv").read_bytes()


def test_every_changed_number_has_a_reason(played: list[Quarter]) -> None:
    """Proves: what differs between two runs is listed, once, with a reason; the lost client's rep has his own."""
    for quarter in played:
        moved = quarter.review.tables["moved"].set_index(["rep", "product", "month", "level"])
        before, now = (
            read_run(f)["quotas"].set_index(["rep", "product", "month", "level"])["quota"]
            for f in (quarter.before, quarter.folder)
        )
        both = pd.concat([before, now], axis=1).fillna(0.0)
        differ = both.index[(both.iloc[:, 0] != both.iloc[:, 1]).to_numpy()]
        assert set(differ) == set(moved.index)
        assert (moved["reason"] != "").all()
        assert (moved["says"] != "").all()
    assert not played[1].review.kept
    lost = played[2].review.tables["moved"]
    owner = played[2].model["clients"].set_index("client").loc[KEY_CLIENT, "owner"]
    assert set(lost.loc[lost["reason"] == "client_lost", "rep"]) <= {owner}


def test_reviews_are_published(played: list[Quarter], tmp_path: Path) -> None:
    """Proves: the plan and its four reviews go into the registry one after the other, each under its own number."""
    with Registry(tmp_path / "registry.db") as registry:
        for folder in (played[0].before, *(q.folder for q in played)):
            registry.publish(folder, by="dan")
        versions = registry.versions()
        assert len({v.number for v in versions}) == 5
        with registry.opened(versions[-1]) as folder:
            assert open_published(folder).past == played[-1].review.actuals.past
