"""Each kind of dirt in a CRM export gets its finding, and is repaired only where nothing has to be guessed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from allocator.errors import Finding, InputError
from allocator.importing.assumptions import Assumptions
from allocator.importing.building import Draft
from allocator.importing.crm import draft_crm, import_crm
from allocator.importing.export import Log
from allocator.importing.mapping import USUAL
from allocator.importing.spelling import match_spelling
from allocator.model import Model
from allocator.reading import load
from importing.exports import FILES, Export

Dirt = Callable[[Export], Export]


def imported(dirt: Dirt, folder: Path) -> tuple[Model, tuple[Finding, ...]]:
    """Import a soiled export and load the model."""
    findings = import_crm(dirt(Export()).write(folder / "crm"), folder / "model")
    return load(folder / "model"), findings


def drafted(dirt: Dirt, folder: Path) -> tuple[Draft, list[Finding]]:
    """Build the model of a soiled export without writing it, which is quicker."""
    log = Log()
    export = dirt(Export()).write(folder / "crm")
    _, draft = draft_crm(export, log, start=None, assumptions=Assumptions(), mapping=USUAL, date_order=None)
    return draft, log.findings


@pytest.mark.parametrize(
    ("value", "how", "name"),
    [
        ("GTX Pro", "same", "GTX Pro"),
        ("GTXPro", "spacing", "GTX Pro"),
        ("gtx-pro", "spacing", "GTX Pro"),
        ("GTX PlusPro", "spacing", "GTX Plus Pro"),
        ("MG Advnced", "typo", "MG Advanced"),
        ("MG Avdanced", "typo", "MG Advanced"),
        ("GTK 600", "unknown", ""),
        ("GTX", "unknown", ""),
        ("MG Advnceed", "unknown", ""),
        ("---", "unknown", ""),
    ],
)
def test_a_spelling_means_one_name_or_none(value: str, how: str, name: str) -> None:
    """Spacing, case and one slip are seen through; another number or two slips are not."""
    match = match_spelling(value, ["GTX Pro", "GTX Plus Pro", "MG Advanced", "GTK 500"])
    assert (match.how, match.name) == (how, name)


def test_a_slip_between_two_names_is_not_decided() -> None:
    """A spelling one letter from two names, or equal to two but for spacing, means neither."""
    assert match_spelling("Donwarx", ["Donware", "Donwart"]).how == "unknown"
    assert match_spelling("gtxpro", ["GTX Pro", "GTXPro"]).near == ("GTX Pro", "GTXPro")


REPAIRED: list[tuple[str, Dirt, Finding]] = [
    (
        "product spelled without its blank",
        lambda e: e.put("deals", "D1", "product", "GTXPro").put("deals", "D4", "product", "GTXPro"),
        Finding("warning", "sales_pipeline.csv", "2", "product", "GTXPro", "spelling", "rows: 2"),
    ),
    (
        "agent with a slip",
        lambda e: e.add("teams", "Violet Mclelland,Ned,South").put("deals", "D9", "sales_agent", "Violet McLeland"),
        Finding(
            "warning", "sales_pipeline.csv", "10", "sales_agent", "Violet McLeland", "spelling", "Violet Mclelland"
        ),
    ),
    (
        "account in other case",
        lambda e: e.put("deals", "D5", "account", "GAMMA"),
        Finding("warning", "sales_pipeline.csv", "6", "account", "GAMMA", "spelling", "Gamma"),
    ),
    (
        "sector with a slip",
        lambda e: e.put("accounts", "Alpha", "sector", "technolgy"),
        Finding("warning", "accounts.csv", "2", "sector", "technolgy", "spelling", "technology"),
    ),
    (
        "sector in two spellings",
        lambda e: e.put("accounts", "Alpha", "sector", "Medical"),
        Finding("warning", "accounts.csv", "2", "sector", "Medical", "spelling", "is read as medical"),
    ),
    (
        "sector that nobody knows",
        lambda e: e.put("accounts", "Alpha", "sector", "basketweaving"),
        Finding("note", "accounts.csv", "2", "sector", "basketweaving", "spelling", "kept as it is"),
    ),
    (
        "country with a slip",
        lambda e: e.put("accounts", "Beta", "office_location", "Philipines"),
        Finding("warning", "accounts.csv", "3", "office_location", "Philipines", "spelling", "Philippines"),
    ),
    (
        "parent that is no account",
        lambda e: e.put("accounts", "Beta", "subsidiary_of", "Nowhere"),
        Finding("note", "accounts.csv", "3", "subsidiary_of", "Nowhere", "reference", "no account"),
    ),
    (
        "deal twice",
        lambda e: e.add("deals", e.deals[1]),
        Finding("warning", "sales_pipeline.csv", "16", "opportunity_id", "D1", "duplicate", "read once"),
    ),
    (
        "deal without a code",
        lambda e: e.put("deals", "O3", "opportunity_id", ""),
        Finding("warning", "sales_pipeline.csv", "15", "opportunity_id", "", "blank", "number of the row"),
    ),
    (
        "negative value",
        lambda e: e.add("deals", "X3,Ann,MG Basic,Alpha,Won,4/1/2017,4/20/2017,-50"),
        Finding("warning", "sales_pipeline.csv", "16", "close_value", "-50.0", "value", "negative"),
    ),
    (
        "absurd value",
        lambda e: e.add("deals", "X4,Ann,MG Basic,Alpha,Won,4/1/2017,4/20/2017,5000000"),
        Finding("warning", "sales_pipeline.csv", "16", "close_value", "5000000.0", "value", "50 times"),
    ),
    (
        "won for nothing",
        lambda e: e.add("deals", "X5,Ann,MG Basic,Alpha,Won,4/1/2017,4/20/2017,0"),
        Finding("warning", "sales_pipeline.csv", "16", "close_value", "0.0", "value", "win rate only"),
    ),
    (
        "won without a value",
        lambda e: e.add("deals", "X6,Ann,MG Basic,Alpha,Won,4/1/2017,4/20/2017,"),
        Finding("warning", "sales_pipeline.csv", "16", "close_value", "", "blank", "without a value"),
    ),
    (
        "won without a date",
        lambda e: e.add("deals", "X7,Ann,MG Basic,Alpha,Won,4/1/2017,,70"),
        Finding("warning", "sales_pipeline.csv", "16", "close_date", "", "blank", "without a closing date"),
    ),
    (
        "value in words",
        lambda e: e.add("deals", "X8,Ann,MG Basic,Alpha,Won,4/1/2017,4/20/2017,much"),
        Finding("warning", "sales_pipeline.csv", "16", "close_value", "much", "number", "without a number"),
    ),
    (
        "a day that does not exist",
        lambda e: e.add("deals", "X9,Ann,MG Basic,Alpha,Won,4/1/2017,2/30/2017,70"),
        Finding("warning", "sales_pipeline.csv", "16", "close_date", "2/30/2017", "date", "without a date"),
    ),
    (
        "a year that cannot be",
        lambda e: e.add("deals", "X10,Ann,MG Basic,Alpha,Won,4/1/2017,4/20/2071,70"),
        Finding("warning", "sales_pipeline.csv", "16", "close_date", "4/20/2071", "date", "without a date"),
    ),
    (
        "closed before it was opened",
        lambda e: e.add("deals", "L11,Ann,MG Basic,Alpha,Lost,5/20/2017,4/20/2017,0"),
        Finding("warning", "sales_pipeline.csv", "16", "close_date", "2017-04-20", "order", "before they were opened"),
    ),
    (
        "account that no list holds",
        lambda e: e.add("deals", "L12,Ann,MG Basic,Omega,Lost,4/1/2017,4/20/2017,0"),
        Finding("warning", "sales_pipeline.csv", "16", "account", "Omega", "reference", "no other file"),
    ),
    (
        "agent that no list holds",
        lambda e: e.add("deals", "L13,Zed,MG Basic,Alpha,Lost,4/1/2017,4/20/2017,0"),
        Finding("warning", "sales_pipeline.csv", "16", "sales_agent", "Zed", "reference", "no other file"),
    ),
    (
        "deal without an agent",
        lambda e: e.add("deals", "L14,,MG Basic,Alpha,Lost,4/1/2017,4/20/2017,0"),
        Finding("warning", "sales_pipeline.csv", "16", "sales_agent", "", "blank", "no sales agent"),
    ),
    (
        "deal without a product",
        lambda e: e.add("deals", "L15,Ann,,Alpha,Lost,4/1/2017,4/20/2017,0"),
        Finding("warning", "sales_pipeline.csv", "16", "product", "", "blank", "no product"),
    ),
    (
        "open deal with a negative value",
        lambda e: e.put("deals", "O1", "close_value", "-5"),
        Finding("warning", "sales_pipeline.csv", "13", "close_value", "-5.0", "value", "counts as blank"),
    ),
    (
        "agent without a deal",
        lambda e: e.add("teams", "Dot,Ned,South").add("teams", "Fay,Ned,South"),
        Finding("warning", "sales_teams.csv", "6", "sales_agent", "Dot, Fay", "unused", "without a deal"),
    ),
    (
        "product never sold",
        lambda e: e.add("products", "Relic 9,Old,500"),
        Finding("warning", "products.csv", "4", "product", "Relic 9", "unused", "never sold"),
    ),
    (
        "negative price",
        lambda e: e.add("products", "Freebie,MG,-5"),
        Finding("warning", "products.csv", "4", "sales_price", "-5", "value", "cannot be negative"),
    ),
    (
        "account without a deal",
        lambda e: e.add("accounts", "Echo,retail,1999,United States,"),
        Finding("warning", "accounts.csv", "8", "account", "Echo", "unused", "without a deal"),
    ),
    (
        "row that ends early",
        lambda e: e.add("accounts", "Alfa,retail"),
        Finding("warning", "accounts.csv", "8", "", "", "cells", "fewer cells"),
    ),
    (
        "deals that end in mid-month",
        lambda e: e.put("deals", "D5", "close_date", "6/15/2017"),
        Finding("warning", "sales_pipeline.csv", "", "close_date", "", "season", "incomplete"),
    ),
]

ALWAYS: list[Finding] = [
    Finding("note", "accounts.csv", "1", "year_established", "", "column", "not used"),
    Finding("note", "sales_pipeline.csv", "", "close_date", "", "date", "month/day/year"),
    Finding(
        "warning",
        "sales_pipeline.csv",
        "13",
        "account",
        "",
        "blank",
        "without an account: 2 (1 Prospecting, 1 Engaging)",
    ),
    Finding("note", "sales_pipeline.csv", "13", "close_value", "", "blank", ": 3, the first"),
    Finding("note", "sales_pipeline.csv", "13", "close_date", "", "blank", ": 3, the first"),
    Finding("note", "sales_pipeline.csv", "15", "engage_date", "", "blank", ": 1, the first"),
    Finding("note", "accounts.csv", "", "account", "Delta", "status", "prospects"),
    Finding("warning", "sales_pipeline.csv", "", "sales_agent", "Eve", "owner", "(90 in all)"),
    Finding("warning", "sales_pipeline.csv", "14", "engage_date", "", "stale", "more than 93 days"),
]


def is_told(expected: Finding, findings: Sequence[Finding]) -> bool:
    """Whether a finding is the expected one but for its sentence, which need only hold the expected words."""
    return any(expected.says in f.says and replace(f, says=expected.says) == expected for f in findings)


def test_what_even_a_clean_export_leaves_open_is_told(tmp_path: Path) -> None:
    """Open deals without account, date or value, and agents who own nothing, are named with their place; no more is."""
    _, findings = drafted(lambda e: e, tmp_path)
    assert [f for f in ALWAYS if not is_told(f, findings)] == []
    assert sorted(f.rule for f in findings) == sorted([*(f.rule for f in ALWAYS), "season"])


@pytest.mark.parametrize(("dirt", "expected"), [r[1:] for r in REPAIRED], ids=[r[0] for r in REPAIRED])
def test_dirt_is_repaired_and_told(dirt: Dirt, expected: Finding, tmp_path: Path) -> None:
    """The finding names file, row, column and content, and what is left is a whole draft with the money that counts."""
    draft, findings = drafted(dirt, tmp_path)
    assert is_told(expected, findings), "\n".join(map(repr, findings))
    assert draft.tables["history"]["amount"].sum() == pytest.approx(3590.75, abs=1e-9)
    assert draft.settings["start"] == "2017-07"


def test_all_dirt_at_once_still_makes_a_model(tmp_path: Path) -> None:
    """An export with every kind of dirt gives a model that loads, with the same history to the cent."""

    def soil(export: Export) -> Export:
        for _, dirt, _ in REPAIRED:
            export = dirt(export)
        return export

    model, findings = imported(soil, tmp_path)
    assert {f.rule for f in findings} >= {r[2].rule for r in REPAIRED}
    assert model["history"]["amount"].sum() == pytest.approx(3590.75, abs=1e-9)
    assert not [f for f in model.findings if f.severity == "error"]


def test_a_won_deal_that_is_left_out_counts_as_won(tmp_path: Path) -> None:
    """The win rate counts a won deal whose value cannot be believed: ten of twelve."""
    draft, _ = drafted(lambda e: e.add("deals", "X1,Ann,MG Basic,Alpha,Won,4/1/2017,4/20/2017,5000000"), tmp_path)
    assert draft.tables["funnel"]["conversion"].iloc[-1] == pytest.approx(10 / 12, abs=1e-4)


def test_a_deal_closed_before_it_was_opened_takes_no_time(tmp_path: Path) -> None:
    """Its opening date is disregarded: won deals still take 72 days (with minus 30 days it would be 62)."""
    draft, _ = drafted(lambda e: e.add("deals", "X1,Ann,MG Basic,Alpha,Won,5/20/2017,4/20/2017,70"), tmp_path)
    assert draft.tables["funnel"]["days"].iloc[-1] == 72


def test_money_and_dates_in_other_dress(tmp_path: Path) -> None:
    """A dollar sign, thousands separators and dates as year-month-day are read as what they are."""
    model, _ = imported(
        lambda e: e.put("deals", "D1", "close_value", "$1,000.00").put("deals", "D1", "close_date", "2017-03-01"),
        tmp_path,
    )
    assert model["history"].iloc[0][["month", "amount"]].tolist() == ["2017-03", 1000]


def test_days_before_months_are_seen(tmp_path: Path) -> None:
    """Where a first number is above 12 dates are day/month/year, and give the same model."""

    def turned(export: Export) -> Export:
        for row in export.deals[1:]:
            for i in (5, 6):
                row[i] = "/".join([*row[i].split("/")[1::-1], *row[i].split("/")[2:]])
        return export

    model, findings = imported(turned, tmp_path / "turned")
    assert model.sha256 == imported(lambda e: e, tmp_path / "plain")[0].sha256
    assert any("day/month/year" in f.says and f.rule == "date" for f in findings)


def test_won_deals_without_account_stand_in_the_history_alone(tmp_path: Path) -> None:
    """A won deal without account is in the history with its agent and no client, and its finding says its worth."""
    model, findings = imported(lambda e: e.add("deals", "X1,Ann,MG Basic,,Won,4/1/2017,4/20/2017,70.10"), tmp_path)
    alone = model["history"][model["history"]["client"] == ""]
    assert alone[["month", "rep", "product", "amount"]].values.tolist() == [["2017-04", "Ann", "MG Basic", 70.1]]
    assert any("worth 70.10" in f.says for f in findings if f.column == "account")


def test_names_with_separators_become_codes(tmp_path: Path) -> None:
    """A comma or equals sign in a name cannot be a scope's value: the code goes without, the name stays."""
    row = ["X1", "Ann", "MG Basic", "Acme, Inc. = A", "Won", "4/1/2017", "4/20/2017", "70"]
    model, _ = imported(
        lambda e: e.add("deals", row).add("accounts", ["Acme, Inc. = A", "retail", "", "", ""]), tmp_path
    )
    names = model["clients"].set_index("client")["name"]
    assert names["Acme Inc. A"] == "Acme, Inc. = A"


REFUSED: list[tuple[str, Dirt, str, str]] = [
    ("product that no list holds", lambda e: e.put("deals", "D1", "product", "GTX Pru 2"), "reference", "product"),
    ("dates both ways", lambda e: e.put("deals", "D1", "close_date", "13/1/2017"), "date", "close_date"),
    ("deal twice with other content", lambda e: e.add("deals", [*e.deals[1][:7], "7"]), "duplicate", "opportunity_id"),
    ("agent in two teams", lambda e: e.add("teams", "Ann,Ned,South"), "duplicate", "sales_agent"),
    ("stage of unknown meaning", lambda e: e.put("deals", "D1", "deal_stage", "Maybe"), "choice", "deal_stage"),
    ("comma that is not quoted", lambda e: e.add("accounts", "A,retail,1,US,,x"), "cells", ""),
]


@pytest.mark.parametrize(("dirt", "rule", "column"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_would_be_guessing_is_refused(dirt: Dirt, rule: str, column: str, tmp_path: Path) -> None:
    """The error names rule and column, and no model is written."""
    with pytest.raises(InputError) as refused:
        imported(dirt, tmp_path)
    errors = [f for f in refused.value.findings if f.severity == "error"]
    assert [(f.rule, f.column) for f in errors] == [(rule, column)]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["crm"]


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    """An unknown product and an unknown stage are refused together, with the product's likely name."""
    with pytest.raises(InputError) as refused:
        imported(
            lambda e: e.put("deals", "D1", "product", "GTX Prro Max").put("deals", "D2", "deal_stage", "Maybe"),
            tmp_path,
        )
    assert {f.rule for f in refused.value.findings if f.severity == "error"} == {"reference", "choice"}


def test_dates_that_read_both_ways_need_the_order(tmp_path: Path) -> None:
    """With no number above 12 the export is refused, until the order is given."""
    export = Export()
    for row in export.deals[1:]:
        for i in (5, 6):
            month, _, year = row[i].partition("/")[0], 0, "2017"
            row[i] = f"{month}/5/{year}" if row[i] else ""
    folder = export.write(tmp_path / "crm")
    with pytest.raises(InputError) as refused:
        import_crm(folder, tmp_path / "model")
    assert [f.rule for f in refused.value.findings if f.severity == "error"] == ["date"]
    import_crm(folder, tmp_path / "model", date_order="mdy")
    assert load(tmp_path / "model").settings.start == "2017-07"


@pytest.mark.parametrize(
    ("file", "content", "rule"),
    [
        (FILES["teams"], None, "file"),
        (FILES["teams"], b"", "file"),
        (FILES["teams"], b"name of nothing\nx\n", "column"),
        (FILES["teams"], b'sales_agent,manager,regional_office\n"Ann,Mary,North\n', "file"),
        (FILES["teams"], b"sales_agent,sales_agent\nAnn,Bob\n", "column"),
        (FILES["teams"], b"sales_agent,manager\n\xff\xfe\xff,b\n", "file"),
    ],
    ids=["missing", "empty", "no heading", "open quote", "heading twice", "no text"],
)
def test_files_that_are_no_tables_are_refused(file: str, content: bytes | None, rule: str, tmp_path: Path) -> None:
    """A missing, empty, broken or foreign file is an error with its name."""
    folder = Export().write(tmp_path / "crm")
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    with pytest.raises(InputError) as refused:
        import_crm(folder, tmp_path / "model")
    errors = [f for f in refused.value.findings if f.severity == "error"]
    assert [(f.table, f.rule) for f in errors] == [(file, rule)]


def test_export_without_a_won_deal_is_refused(tmp_path: Path) -> None:
    """Without any won deal there is nothing to plan from."""

    def only_open(export: Export) -> Export:
        export.deals = [row for row in export.deals if not row[0].startswith("D")]
        return export

    with pytest.raises(InputError, match="no won deal with"):
        imported(only_open, tmp_path)


@pytest.mark.parametrize("start", ["2018", "2018-13", "January"])
def test_start_that_is_no_month_is_refused(start: str, tmp_path: Path) -> None:
    """A start is a month such as 2018-01."""
    with pytest.raises(InputError, match="Expected a month"):
        import_crm(Export().write(tmp_path / "crm"), tmp_path / "model", start=start)


def test_start_before_the_last_close_is_refused(tmp_path: Path) -> None:
    """Deals are closed until June 2017: a plan cannot start in June."""
    with pytest.raises(InputError, match="2017-06"):
        import_crm(Export().write(tmp_path / "crm"), tmp_path / "model", start="2017-06")


def test_deals_without_agents_leave_clients_to_the_engine(tmp_path: Path) -> None:
    """When no deal names an agent no client has an owner, and the model still loads."""

    def nameless(export: Export) -> Export:
        for row in export.deals[1:]:
            row[1] = ""
        return export

    model, _ = imported(nameless, tmp_path)
    assert set(model["clients"]["owner"]) == {""}


def test_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A folder that does not exist is an input error."""
    with pytest.raises(InputError, match="is not there"):
        import_crm(tmp_path / "nothing", tmp_path / "model")
