"""The maps of facts in the shipped READMEs hold, row by row and figure by figure; and their checker does not sleep."""

from __future__ import annotations

from pathlib import Path

import pytest
import shipped
from model_facts import HEADING, Checker, FactError, has_map, read_facts

from allocator.places import shipped_models

MAPPED = [name for name, folder in shipped_models().items() if has_map(folder / "README.md")]


def test_every_business_has_a_map() -> None:
    """Proves that no business slips through: each of the five models has its map, so the tests below read it."""
    assert {"telecom", "software", "field_sales", "action_plan", "market"} <= set(MAPPED)


@pytest.mark.parametrize("name", MAPPED)
def test_rows_stand_where_the_map_says(name: str) -> None:
    """Proves that every fact of the business has its row in the model's tables, with the stated numbers."""
    folder = shipped_models()[name]
    wrong = Checker(folder).wrong_rows(read_facts(folder / "README.md"))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", MAPPED)
def test_figures_are_those_of_the_shipped_run(name: str) -> None:
    """Proves that every figure of the map but those under scenarios is read in the files that a solve of the model writes."""
    folder = shipped_models()[name]
    checker = Checker(folder, lambda scenario: shipped.run_under(name, scenario) if scenario else shipped.run(name))
    wrong = checker.wrong_figures(read_facts(folder / "README.md"))
    assert not wrong, "\n".join(wrong)


REPS = "rep,unit,start,families\nann,east,2026-01-01,a\nbob,west,,a; b\ncho,west,,\n"
SALES = "rep,month,sell,word\nann,2026-01,100.2,x\nann,2026-02,50,x\nbob,2026-01,30,y\nbob,2026-03,0,\n"


def checker(folder: Path, rows: list[str]) -> tuple[Checker, Path]:
    """Write a model, a run and a README with a map of the given lines."""
    folder.mkdir(exist_ok=True)
    for file, text in (("reps.csv", REPS), ("model.yaml", "start: '2026-01'\nlevels:\n  stretch: 1.1\n")):
        (folder / file).write_text(text, "utf-8")
    for scenario, sales in (("", SALES), ("war", SALES.replace("50", "35")), ("war+boom", SALES.replace("50", "95"))):
        run = folder / f"run-{scenario}"
        (run / "model").mkdir(parents=True, exist_ok=True)
        (run / "forecast.csv").write_text(sales, "utf-8")
        (run / "budget.csv").write_text("line,spend\nads,20\n", "utf-8")
        (run / "model" / "reps.csv").write_text(REPS.replace("ann,east", "ann,north"), "utf-8")
    lines = ["# Model", "", HEADING, "", "| fact | row | figure |", "|---|---|---|", *rows, "", "## More", ""]
    (folder / "README.md").write_text("\n".join(lines), "utf-8")
    return Checker(folder, lambda scenario: folder / f"run-{scenario}"), folder / "README.md"


def line(row: str = "`reps: rep=ann`", figure: str = "`forecast.csv: count(sell) = 4`", fact: str = "Ann sells") -> str:
    """Return a line of a map."""
    return f"| {fact} | {row} | {figure} |"


@pytest.mark.parametrize(
    "row",
    [
        "`reps: rep=ann -> unit=east; start=2026-01-01`",
        "`reps: unit=west; start=`",
        "`reps: rep=ann,bob -> unit=east,west`",
        '`reps: families="a; b" -> rep=b*`',
        "`reps: unit=*st -> unit=east,west`",
        "`reps: rep=a* -> start=2025-12-31..2026-02-01`<br>`reps: rep=cho -> families=`",
        "`model: -> levels.stretch=1.10; start=2026-01`",
    ],
)
def test_true_rows_pass(tmp_path: Path, row: str) -> None:
    """Proves that every way to name rows finds them."""
    check, readme = checker(tmp_path, [line(row)])
    assert check.wrong_rows(read_facts(readme)) == []


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("`reps: rep=dan`", "no row has rep=dan"),
        ("`reps: rep=ann; unit=west`", "no row has rep=ann; unit=west"),
        ("`reps: unit=west -> rep=bob`", "not rep=bob but 'cho' in 2 rows"),
        ("`reps: grade=senior`", "no column 'grade'"),
        ("`reps: rep=ann -> grade=senior`", "no column 'grade'"),
        ("`clients: client=x`", "no file clients.csv"),
        ("`model: -> levels.ceiling=1.1`", "no column 'levels.ceiling'"),
        ("`model: -> levels.stretch=1.2`", "not levels.stretch=1.2 but '1.1'"),
    ],
)
def test_wrong_rows_are_named(tmp_path: Path, row: str, says: str) -> None:
    """Proves that a row that is not there, or holds something else, fails under the name of its fact."""
    check, readme = checker(tmp_path, [line(row)])
    (wrong,) = check.wrong_rows(read_facts(readme))
    assert "line 7, 'Ann sells'" in wrong
    assert says in wrong


@pytest.mark.parametrize(
    "figure",
    [
        "`forecast.csv: sum(sell) = 180`",
        "about `forecast.csv: sum(sell \\| rep=ann) >= 150.2` of money",
        "`forecast.csv: max(sell by rep) = 150.2`<br>`forecast.csv: min(sell by rep) <= 30`",
        "`forecast.csv: sum(sell by rep month \\| month=2026-01..2026-02) = 180.2`",
        "`forecast.csv: mean(sell by rep) = 90.1`",
        "`forecast.csv: count(rep) = 4` and `forecast.csv: distinct(rep \\| rep=a*,bob) = 2`",
        "`forecast.csv: count(sell by rep) = 2`",
        "`forecast.csv: count(word) = 3`",
        "`forecast.csv: value(word \\| rep=bob; month=2026-01) = y`",
        "`forecast.csv: value(sell \\| rep=bob; month=2026-03) = 0`",
        "`forecast.csv: sum(sell \\| rep=ann) / sum(sell) = 0.8335`",
        "`forecast.csv: sum(sell \\| rep=bob) / budget.csv: sum(spend) = 1.5`",
        "`forecast.csv: count(rep) / model/reps.csv: count(rep) = 1.333`",
    ],
)
def test_true_figures_pass(tmp_path: Path, figure: str) -> None:
    """Proves each function, filter and ratio on numbers summed by hand."""
    check, readme = checker(tmp_path, [line(figure=figure)])
    assert check.wrong_figures(read_facts(readme)) == []


@pytest.mark.parametrize(
    "figure",
    [
        "`war/forecast.csv: sum(sell) = 165.2`",
        "`war/forecast.csv: sum(sell) / sum(sell \\| rep=ann) = 1.222`",
        "`war/forecast.csv: sum(sell) / forecast.csv: sum(sell) = 0.9168`",
        "`forecast.csv: sum(sell) / war/forecast.csv: sum(sell) = 1.0908`",
        "`war+boom/forecast.csv: sum(sell) / war/forecast.csv: sum(sell) = 1.3632`",
        "`war/model/reps.csv: value(unit \\| rep=ann) = north` and `war/budget.csv: sum(spend) = 20`",
        "`war/model/reps.csv: count(unit \\| unit=east,west) / model/reps.csv: count(unit \\| unit=east,west) = 0.6667`",
    ],
)
def test_true_figures_under_scenarios_pass(tmp_path: Path, figure: str) -> None:
    """Proves that a prefix chooses the run, for each term by itself, and that only whoever asks for a scenario checks its figures."""
    check, readme = checker(tmp_path, [line(figure=figure)])
    facts = read_facts(readme)
    assert check.wrong_figures(facts, "war") == []
    wrong = line(figure=figure.replace(" = ", " = 9") + "<br>`forecast.csv: sum(sell) = 180.2`", fact="Not so")
    check, readme = checker(tmp_path, [wrong])
    facts = read_facts(readme)
    assert len(check.wrong_figures(facts, "war")) == figure.count("war/")
    assert check.wrong_figures(facts) == []
    assert check.wrong_figures(facts, "calm") == []


@pytest.mark.parametrize(
    ("figure", "says"),
    [
        ("`forecast.csv: sum(sell) = 182`", "the run has 180.2"),
        ("`forecast.csv: sum(sell) >= 181`", "the run has 180.2"),
        ("`forecast.csv: sum(sell) <= 180`", "the run has 180.2"),
        ("`forecast.csv: sum(sell \\| rep=dan) = 0`", "no row has rep=dan"),
        ("`forecast.csv: count(rep) = 4.01`", "the run has 4"),
        ("`forecast.csv: sum(sales) = 180.2`", "no column 'sales'"),
        ("`forecast.csv: sum(sell by unit) = 180.2`", "no column 'unit'"),
        ("`forecast.csv: sum(sell \\| unit=east) = 180.2`", "no column 'unit'"),
        ("`quotas.csv: sum(quota) = 180.2`", "no file quotas.csv"),
        ("`forecast.csv: value(sell \\| rep=ann) = 100.2`", "value needs one row, there are 2"),
        ("`forecast.csv: value(word \\| rep=bob; month=2026-01) = x`", "the run has y"),
        ("`forecast.csv: sum(word) = 1`", "'x' in word is not a number"),
        ("`forecast.csv: sum(word \\| month=2026-03) = 0`", "word is blank in all rows"),
        ("`forecast.csv: sum(sell) / sum(sell \\| month=2026-03) = 1`", "division by 0"),
    ],
)
def test_wrong_figures_are_named(tmp_path: Path, figure: str, says: str) -> None:
    """Proves that a figure that the run does not show fails under the name of its fact."""
    check, readme = checker(tmp_path, [line(), line(figure=figure, fact="Bob too")])
    (wrong,) = check.wrong_figures(read_facts(readme))
    assert "line 8, 'Bob too'" in wrong
    assert says in wrong


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (line(row=""), "expected `TABLE: column=value"),
        (line(row="reps: rep=ann"), "expected `TABLE: column=value"),
        (line(row="`reps`"), "expected TABLE: column=value"),
        (line(row="`reps: `"), "is empty"),
        (line(row="`reps: -> unit=east`"), "is empty"),
        (line(row="`reps: rep=ann ->`"), "is empty"),
        (line(row="`reps: ann`"), "expected column=value"),
        (line(row="`reps: rep=ann;`"), "expected column=value"),
        (line(row="`model: start=2026-01`"), "expected model: ->"),
        (line(figure=""), "expected a figure"),
        (line(figure="kept"), "expected a figure"),
        (line(figure="`price war/forecast.csv: sum(sell) = 1`"), "expected FILE.csv"),
        (line(figure="`a/b/forecast.csv: sum(sell) = 1`"), "expected FILE.csv"),
        (line(figure="`war+/forecast.csv: sum(sell) = 1`"), "expected FILE.csv"),
        (line(figure="`/forecast.csv: sum(sell) = 1`"), "expected FILE.csv"),
        (line(figure="`forecast.csv: sum(sell) = 1"), "expected a figure"),
        (line(figure="`forecast.csv: sum(sell) = 180.2`<br>kept"), "expected a figure"),
        (line(figure="`forecast.csv: sum(sell)`"), "expected FILE.csv"),
        (line(figure="`forecast.csv: sum(sell) > 1`"), "expected FILE.csv"),
        (line(figure="`forecast.csv: total(sell) = 1`"), "FUNC one of"),
        (line(figure="`forecast.csv: sum(sell by) = 1`"), "FUNC one of"),
        (line(figure="`forecast.csv: sum(sell \\| ) = 1`"), "FUNC one of"),
        (line(figure="`forecast.csv: sum(sell \\| rep) = 1`"), "expected column=value"),
        (line(figure="`forecast.csv: sum(sell) = much`"), "expected a number"),
        (line(figure="`forecast.csv: sum(sell \\| rep=ann) / sum(sell) = x`"), "expected a number"),
        (line(figure="`forecast.csv: sum(sell | rep=ann) = 150`"), "a bar within a cell"),
        (line(fact=""), "the fact is blank"),
    ],
)
def test_cells_that_cannot_be_read_are_refused(tmp_path: Path, text: str, says: str) -> None:
    """Proves that nothing in a map is passed over: each malformed cell is an error that names its line."""
    _, readme = checker(tmp_path, [line(fact="Cho sells"), text])
    with pytest.raises(FactError, match="line 8") as caught:
        read_facts(readme)
    assert says in str(caught.value)


def test_a_map_without_facts_or_with_one_twice_is_refused(tmp_path: Path) -> None:
    """Proves that an empty map, a second table, another heading and a double fact are errors, not nothing to check."""
    for rows, says in (
        ([], "expected one table"),
        ([line(), "", line(fact="More")], "expected one table"),
        ([line(), line()], "is there twice"),
    ):
        _, readme = checker(tmp_path, rows)
        with pytest.raises(FactError, match=says):
            read_facts(readme)
    readme.write_text(readme.read_text("utf-8").replace("| fact | row |", "| fact | table |"), "utf-8")
    with pytest.raises(FactError, match="expected the heading"):
        read_facts(readme)
    readme.write_text("# Model\n", "utf-8")
    assert not has_map(readme)
    with pytest.raises(FactError, match="not there once"):
        read_facts(readme)


def test_a_shipped_model_is_solved_once() -> None:
    """Proves that all tests of a process share one solve and one written run, which reads back as the plan."""
    assert shipped.plan("pocket") is shipped.plan("pocket")
    assert shipped.run("pocket") == shipped.run("pocket")
    assert (shipped.run("pocket") / "summary.json").is_file()
