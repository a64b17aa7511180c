"""Target letters: their numbers are those of the run's files, and what is paid is what the scheme says."""

from __future__ import annotations

import functools
from pathlib import Path

import pandas as pd
import pytest
import shipped
from documents import paragraphs, table, tables
from edited import edit, put, write

from allocator.cli import main
from allocator.letters import Letter, Template, default_template, rep_letter, unit_letter
from allocator.letters.content import Paper, number
from allocator.letters.money import deduction, scheme, steps
from allocator.letters.writing import file_name
from allocator.pages.reading import read_plan
from allocator.reading import load
from allocator.reporting.run import write_run
from allocator.solving import solve
from allocator.texts import in_language

LEVELS = ("base", "stretch", "ceiling")


@functools.cache
def paper() -> Paper:
    """Return what the letters of the pocket model's run share."""
    return Paper(read_plan(shipped.run("pocket")))


@functools.cache
def quotas() -> pd.DataFrame:
    """Return the published quotas as their file holds them."""
    return pd.read_csv(shipped.run("pocket") / "quotas.csv")


@functools.cache
def document(kind: str, code: str) -> bytes:
    """Return a letter in English."""
    with in_language("en"):
        letter = rep_letter(paper(), code) if kind == "rep" else unit_letter(paper(), code)
        return Template("", default_template()).fill(letter)


def amounts(rows: list[list[str]], at: int) -> dict[str, list[float]]:
    """Numbers from a column on, by the first cell of their row."""
    return {row[0]: [float(cell.replace(",", "")) for cell in row[at:]] for row in rows}


def expected(reps: list[str], by: pd.Series) -> dict[str, list[float]]:
    """Sums of the quotas of reps at the three levels."""
    mine = quotas()[quotas()["rep"].isin(reps)]
    wide = mine.assign(by=by).pivot_table("quota", "by", "level", aggfunc="sum")
    return {str(k): [float(row[level]) for level in LEVELS] for k, row in wide.iterrows()}


@pytest.mark.parametrize(
    ("kind", "code", "reps"),
    [
        ("rep", "li", ["li"]),
        ("rep", "wang", ["wang"]),
        ("unit", "company", ["li", "wang"]),
        ("unit", "south", ["wang"]),
    ],
)
def test_quotas_are_those_of_the_files(kind: str, code: str, reps: list[str]) -> None:
    """Proves months, quarters and products of a letter, at three levels, from ``quotas.csv``."""
    content = document(kind, code)
    assert amounts(table(content, "month"), 1) == expected(reps, quotas()["month"])
    assert amounts(table(content, "quarter"), 1) == expected(reps, quotas()["month"].map(lambda _m: "2026-Q1"))
    assert amounts(table(content, "product"), 2) == expected(reps, quotas()["product"])


def test_a_unit_is_told_what_it_owes() -> None:
    """Proves what is assigned and owed from ``units.csv``, and the people below it from ``quotas.csv``."""
    units = pd.read_csv(shipped.run("pocket") / "units.csv").query("unit == 'company'")
    owed = amounts(table(document("unit", "company"), "level"), 1)
    sums = units.groupby("level")[["assigned", "owed"]].sum()
    assert owed == {level: sums.loc[level].round(2).to_list() for level in LEVELS}
    people = amounts(table(document("unit", "company"), "rep"), 2)
    assert people == expected(["li", "wang"], quotas()["rep"])


def test_visits_and_support_are_those_of_the_files() -> None:
    """Proves promised and planned visits by tier from ``effort.csv``, hours and money from ``actions.csv``."""
    effort = pd.read_csv(shipped.run("pocket") / "effort.csv").query("rep == 'wang'").groupby("tier").sum()
    rows = {row[0]: row for row in table(document("rep", "wang"), "tier")}
    assert rows["A"][1] == "4 in each month, 120 minutes each"
    assert rows["B"][2] == "50"
    for tier in ("A", "B"):
        assert rows[tier][3:5] == [f"{effort.loc[tier, c]:,.0f}" for c in ("promised", "planned")]
    actions = pd.read_csv(shipped.run("pocket") / "actions.csv").query("rep == 'wang' and kind == 'quarter'")
    support = amounts(table(document("rep", "wang"), "quarter", at=1), 1)
    assert support == {"2026-Q1": [actions["support_hours"].iloc[0], actions["spend"].iloc[0]]}


def test_what_is_paid_is_what_the_scheme_says() -> None:
    """Proves commission at 80, 100 and 120 percent by hand: 5 percent up to the quota, 8 percent above it.

    Taking the rate of the step for all sales would give 0.096 of the quota at 120 percent, and not 0.066.
    """
    base = float(quotas().query("rep == 'li' and level == 'base'")["quota"].sum())
    paid = amounts(table(document("rep", "li"), "base quota reached"), 1)
    assert paid["80 %"] == pytest.approx([0.8 * base, 0.04 * base], abs=0.5)
    assert paid["100 %"] == pytest.approx([base, 0.05 * base], abs=0.5)
    assert paid["120 %"] == pytest.approx([1.2 * base, 0.066 * base], abs=0.5)
    assert ["above 100 % of the quota", "8 %"] in table(document("rep", "li"), "sales")


def test_deductions_are_said_with_their_money() -> None:
    """Proves the telecom scheme by hand: half a percent of the sales up to 60 percent, 3 of a quota of 1,000."""
    model = shipped.model("telecom")
    with in_language("en"):
        own = scheme(model, "senior")
        assert [row["rate"] for row in steps(own)] == ["-0.5 %", "3.5 %", "5 %", "6 %"]
        assert deduction(own, 1000.0, number).endswith(
            "from 0 % to 60 % of the quota 0.5 % is deducted, 3 over the whole plan."
        )
        assert [row["rate"] for row in steps(scheme(model, "new"))] == ["0.8 %", "2 %", "4 %"]
        assert deduction(scheme(model, "new"), 1000.0, number) == "The scheme deducts nothing."


def test_a_letter_without_a_number_is_a_draft() -> None:
    """Proves that an unpublished plan's letters say so, and that those of a published one carry its number and day."""
    with in_language("en"):
        blank = Template("", default_template())
        draft = paragraphs(blank.fill(rep_letter(paper(), "li")))
        assert any(text.startswith("DRAFT") for text in draft)
        assert any("Date of signing: ____" in text for text in draft)
        published = Paper(paper().plan, number="SN-GG-2026-01", date="2026-03-20")
        texts = paragraphs(blank.fill(rep_letter(published, "li")))
        assert not any("DRAFT" in text for text in texts)
        assert "Document number: SN-GG-2026-01-li" in texts
        assert "Date of signing: 2026-03-20" in texts
        assert any("SN-GG-2026-01-li" in text for text in texts[:1])


def test_both_languages_hold_the_same_numbers() -> None:
    """Proves that the letter's language changes words and no number."""
    found = {}
    for language in ("en", "zh"):
        with in_language(language):
            content = Template("", default_template()).fill(rep_letter(paper(), "li"))
        cells = [cell for grid in tables(content) for row in grid for cell in row]
        found[language] = [c for c in cells if c.replace(",", "").replace(".", "").isdigit()]
    assert found["en"] == found["zh"]
    assert len(found["en"]) > 20


def test_names_stay_names(tmp_path: Path) -> None:
    """Proves that a name which is markup, or a field, is printed letter by letter."""
    name = "A & B <w:p>{{ code }}</w:p>"
    folder = edit(write("pocket", tmp_path / "m"), put("reps", "name", name, rep="li"))
    write_run(solve(load(folder), visits=False), tmp_path / "r")
    content = Template("", default_template()).fill(rep_letter(Paper(read_plan(tmp_path / "r")), "li"))
    assert tables(content)[0][0][1] == name


def test_targets_that_name_a_rep_are_his(tmp_path: Path) -> None:
    """Proves that a target of one rep stands in his letter, once for its repetitions, and in nobody else's."""
    folder = write("pocket", tmp_path / "m")
    targets = folder / "targets.csv"
    text = targets.read_text("utf-8").splitlines()
    heading = text[0] + ",each"
    rows = [*(f"{line}," for line in text[1:]), "seen,visits,rep=li,10,,2,month"]
    targets.write_text("\n".join([heading, *rows]) + "\n", "utf-8")
    write_run(solve(load(folder), visits=False), tmp_path / "r")
    mine = Paper(read_plan(tmp_path / "r"))
    with in_language("en"):
        assert rep_letter(mine, "li").fields["targets"] == [
            {"target": "seen", "metric": "visits", "level": "base", "asked": "at least 10", "times": "3 times"}
        ]
        assert rep_letter(mine, "wang").fields["targets"] == []


def test_every_letter_has_a_file_of_its_own() -> None:
    """Proves that codes which differ only in what files may not be called, or in case, do not share a file."""
    taken: set[str] = set()
    names = [file_name(Letter("rep", code, {}), taken) for code in ("a/b", "a:b", "A:B", "..", "x" * 300)]
    assert len({n.casefold() for n in names}) == 5
    assert all("/" not in n and ":" not in n and len(n) < 120 for n in names)


class TestCommand:
    """``allocator letters``."""

    def test_everybody_gets_a_letter(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Proves that each rep and each unit with quotas gets a document that opens."""
        assert main(["letters", str(shipped.run("pocket")), "-o", str(tmp_path / "l"), "--lang", "en"]) == 0
        assert "5 letters, drafts" in capsys.readouterr().out
        names = sorted(p.name for p in (tmp_path / "l").iterdir())
        assert names == ["rep_li.docx", "rep_wang.docx", "unit_company.docx", "unit_north.docx", "unit_south.docx"]
        for path in (tmp_path / "l").iterdir():
            assert len(tables(path.read_bytes())) > 5

    def test_one_by_name(self, tmp_path: Path) -> None:
        """Proves that --rep and --unit choose."""
        command = ["letters", str(shipped.run("pocket")), "-o", str(tmp_path), "-q", "--rep", "li", "--unit", "south"]
        assert main(command) == 0
        assert sorted(p.name for p in tmp_path.iterdir()) == ["rep_li.docx", "unit_south.docx"]

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            (["--rep", "wagn"], 'Did you mean "wang"?'),
            (["--unit", "suoth"], 'Did you mean "south"?'),
            (["--date", "tomorrow"], "a day such as 2026-01-15"),
        ],
    )
    def test_mistakes_are_told(
        self, options: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Proves that an unknown name and a day that is none are refused, and nothing is written."""
        assert main(["letters", str(shipped.run("pocket")), "-o", str(tmp_path), "--lang", "en", *options]) == 2
        assert says in capsys.readouterr().err
        assert not any(tmp_path.iterdir())

    def test_the_template_can_be_had_and_used(self, tmp_path: Path) -> None:
        """Proves that the written template makes the same letter as the built-in one, and is not written over."""
        path = tmp_path / "own.docx"
        assert main(["letters", "--write-template", str(path), "-q", "--lang", "en"]) == 0
        assert main(["letters", "--write-template", str(path), "-q"]) == 2
        command = ["letters", str(shipped.run("pocket")), "--rep", "li", "-q", "--lang", "en", "-o", str(tmp_path)]
        assert main([*command, "--template", str(path)]) == 0
        content = (tmp_path / "rep_li.docx").read_bytes()
        assert tables(content) == tables(document("rep", "li"))
        assert paragraphs(content) == paragraphs(document("rep", "li"))
