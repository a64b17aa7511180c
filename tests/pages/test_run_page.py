"""The report of a run: whole in one file, its numbers those of the run's files, and no name in it is taken for code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import shipped
from edited import edit, put, write
from opened import Opened, checked

from allocator.cli import main
from allocator.errors import EngineError, InputError
from allocator.pages import PAGE, write_page
from allocator.pages.writing import page_bytes
from allocator.reading import load
from allocator.reporting.run import write_run
from allocator.solving import solve
from allocator.texts import in_language

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture(scope="module")
def run() -> Path:
    """Return the pocket model's run."""
    return shipped.run("pocket")


@pytest.fixture(scope="module")
def page(run: Path) -> Opened:
    """Return its report in English."""
    with in_language("en"):
        return Opened(page_bytes(run).decode())


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run whose names try to be code."""
    folder = write("pocket", tmp_path_factory.mktemp("hostile") / "m")
    edit(
        folder,
        put("reps", "name", HOSTILE, rep="li"),
        put("reps", "name", "=cmd|' /C calc'!A0", rep="wang"),
        put("clients", "area", "<b>north</b>", client="harbour"),
        put("clients", "latitude", "31.2", client="harbour"),
        put("clients", "longitude", "121.5", client="harbour"),
    )
    text = (folder / "model.yaml").read_text("utf-8")
    (folder / "model.yaml").write_text(
        f"{text}\ntitle: '<script>alert(3)</script>'\n".replace("title: Pocket", "#"), "utf-8"
    )
    write_run(solve(load(folder)), folder.parent / "r")
    return folder.parent / "r"


def test_nothing_is_fetched(page: Opened) -> None:
    """Proves that no element of the page names a place outside it, and that browsers are told to fetch nothing."""
    for tag, attributes in page.elements:
        for name in ("src", "href", "action", "data", "srcset", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:,")), (tag, name, value)
    policy = next(a["content"] for t, a in page.elements if t == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_every_chart_is_one_that_plotly_knows(page: Opened) -> None:
    """Proves by Plotly's own schema that each figure is sound, and that each has a place, a title and a table beside it."""
    places = [a for _t, a in page.elements if a.get("data-chart")]
    assert {a["data-chart"] for a in places} == set(page.figures)
    assert len(places) >= 6
    for figure in page.figures.values():
        assert checked(figure).data
    ids = {a.get("id") for _t, a in page.elements}
    for place in places:
        assert set(str(place["aria-labelledby"]).split()) <= ids
    assert sum(t == "details" for t, _a in page.elements) >= len(places)


def test_quotas_are_those_of_the_files(page: Opened, run: Path) -> None:
    """Proves that units × months × levels on the page are the sums of ``quotas.csv``, and that stacked bars end at them."""
    quotas = pd.read_csv(run / "quotas.csv")
    table = next(rows for caption, rows in page.tables.items() if caption.startswith("Quotas by unit and month"))
    months = table[0][3:]
    assert months == sorted(quotas["month"].unique())
    seen = {(row[0], row[1]): [float(c.replace(",", "")) for c in row[2:]] for row in table[1:]}
    for unit in ("company", "north", "south"):
        mine = quotas if unit == "company" else quotas[quotas["unit"] == unit]
        for level in ("base", "stretch", "ceiling"):
            by_month = mine[mine["level"] == level].groupby("month")["quota"].sum()
            assert seen[unit, level] == [by_month.sum(), *by_month.reindex(months)]
    bars = page.figures["quotas-units"]["data"]
    at = [y.strip() for y in bars[0]["y"]].index("company")
    height = sum(bar["x"][at] for bar in bars)
    top = quotas.loc[quotas["level"] == "ceiling", "quota"].sum()
    assert height == pytest.approx(top / 1e6)


def test_load_is_minutes_by_hours(page: Opened, run: Path) -> None:
    """Proves the heat map of a rep without leave by hand: minutes of his visits against 4 hours a day less his mentoring."""
    visits = pd.read_csv(run / "visits.csv", parse_dates=["date"])
    hours = pd.read_csv(run / "effort.csv").query("rep == 'li' and month == '2026-04'")["hours_available"].iloc[0]
    figure = page.figures["load"]["data"][0]
    row = next(i for i, name in enumerate(figure["y"]) if name.startswith("li "))
    week = figure["x"].index("2026-W17")  # 20 to 24 April, five working days of the 21 of the month
    mine = visits[(visits["rep"] == "li") & visits["date"].between("2026-04-20", "2026-04-26")]
    assert figure["z"][row][week] == pytest.approx(100 * mine["minutes"].sum() / 60 / (hours * 5 / 21))
    assert mine["minutes"].sum() > 0


def test_what_is_missed_is_said(page: Opened, run: Path) -> None:
    """Proves that each target that the files call missed stands among the misses, with what it lacks."""
    targets = pd.read_csv(run / "targets.csv")
    missed = targets.loc[targets["status"] == "missed", "target"]
    assert len(missed)
    for target in missed:
        assert any(word.startswith(f"{target} ") for word in page.words)


def test_ranking_is_by_forecast_over_base(page: Opened, run: Path) -> None:
    """Proves the order and the shares of the ranking from ``quotas.csv``."""
    base = pd.read_csv(run / "quotas.csv").query("level == 'base'").groupby("rep")[["quota", "forecast"]].sum()
    share = (base["forecast"] / base["quota"]).sort_values(ascending=False)
    rows = page.tables["Ranking of the reps"]
    at = rows[0].index("forecast as share of base")
    assert [row[1].split()[0] for row in rows[1:]] == list(share.index)
    assert [row[at] for row in rows[1:]] == [f"{100 * v:.1f} %" for v in share]


def test_the_proof_is_told(page: Opened, run: Path) -> None:
    """Proves that the audit's figures, the input's hash and the versions stand on the page."""
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    words = set(page.words)
    assert f"{summary['audit']['rules']:,}" in words
    assert summary["inputs_sha256"] in words
    assert any(f"highspy {summary['versions']['highspy']}" in word for word in words)


def test_names_stay_names(hostile: Path) -> None:
    """Proves that names which are markup add no element to the page, and are shown letter by letter, in charts too."""
    text = page_bytes(hostile).decode()
    opened = Opened(text)
    assert sum(tag == "script" for tag, _a in opened.elements) == 3
    assert not [tag for tag, _a in opened.elements if tag == "img"]
    assert "<script>alert(3)</script>" in opened.words
    assert any(HOSTILE in cell for rows in opened.tables.values() for row in rows for cell in row)
    shown = json.dumps(opened.figures)
    assert "&lt;script&gt;alert(1)" in shown
    assert "<" not in json.dumps([f["data"] for f in opened.figures.values()]).replace("<br>", "").replace(
        "<extra>", ""
    ).replace("</extra>", "")


def test_both_languages(run: Path) -> None:
    """Proves that the page says which language it is in, and that no figure or number depends on it but their units."""
    opened = {}
    for language, code in (("en", "en"), ("zh", "zh-CN")):
        with in_language(language):
            opened[language] = Opened(page_bytes(run).decode())
        assert opened[language].elements[0] == ("html", {"lang": code})
    assert set(opened["en"].figures) == set(opened["zh"].figures)
    one, other = (opened[x].figures["load"]["data"][0]["z"] for x in ("en", "zh"))
    assert one == other


def test_the_model_at_hand_makes_no_difference(run: Path) -> None:
    """Proves that the page comes from the run's files: with the model that was solved it is the same to the byte."""
    assert page_bytes(run, shipped.model("pocket")) == page_bytes(run)


def test_an_older_run_is_reported_too(run: Path, tmp_path: Path) -> None:
    """Proves that a model of another fingerprint, as an older version has written it, is no obstacle and is said."""
    shutil.copytree(run, tmp_path / "r")
    products = tmp_path / "r" / "model" / "products.csv"
    products.write_text(products.read_text("utf-8").replace("Broadband", "Broad band"), "utf-8")
    with in_language("en"):
        words = " ".join(Opened(page_bytes(tmp_path / "r").decode()).words)
        assert "is not the one that was solved" in words
        assert "is not the one that was solved" not in " ".join(Opened(page_bytes(run).decode()).words)


def test_a_frontier_beside_the_run_is_shown(run: Path, tmp_path: Path) -> None:
    """Proves that the frontier of the same model is drawn, and that of another model is not."""
    shutil.copytree(run, tmp_path / "r")
    command = ["frontier", str(run / "model"), "--limit", "budget", "-o", str(tmp_path / "r-frontier"), "-q"]
    assert main(command) == 0
    assert "frontier-contribution" in Opened(page_bytes(tmp_path / "r").decode()).figures
    path = tmp_path / "r-frontier" / "frontier.json"
    found = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**found, "inputs_sha256": "0"}), "utf-8")
    assert "frontier-contribution" not in Opened(page_bytes(tmp_path / "r").decode()).figures


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    """Proves that a folder without a summary, and a run without a plan, give a finding and no page."""
    with pytest.raises(InputError):
        write_page(tmp_path)
    (tmp_path / "summary.json").write_text('{"status": "infeasible"}', "utf-8")
    with pytest.raises(InputError):
        write_page(tmp_path)
    assert not (tmp_path / PAGE).exists()


def test_a_page_is_written_whole_or_not(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves that a full disk leaves the older page as it was."""
    shutil.copytree(run, tmp_path / "r")
    path = write_page(tmp_path / "r")
    before = path.read_bytes()

    def full(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("allocator.reporting.run.write_file", full)
    with pytest.raises(EngineError, match="No space"):
        write_page(tmp_path / "r")
    assert path.read_bytes() == before
    assert not list((tmp_path / "r").glob(".report*"))


def test_files_of_an_earlier_version_make_a_page_with_gaps(run: Path, tmp_path: Path) -> None:
    """Proves that a run without a table or a column is reported without the section, which says what is missing."""
    shutil.copytree(run, tmp_path / "r")
    (tmp_path / "r" / "budget.csv").unlink()
    (tmp_path / "r" / "findings.csv").unlink()
    effects = pd.read_csv(tmp_path / "r" / "effects.csv").drop(columns="commission")
    effects.to_csv(tmp_path / "r" / "effects.csv", index=False)
    with in_language("en"):
        page = Opened(page_bytes(tmp_path / "r").decode())
    says = [word for word in page.words if word.startswith("This run's files do not hold")]
    assert [word.partition(": ")[2] for word in says] == ["effects.csv: commission.", "budget.csv."]
    assert "quotas-units" in page.figures
    assert "budget-lines" not in page.figures
