"""One export under the headings of several systems, as files or a workbook, is one model; a second import brings it up to date."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from allocator.cli import main
from allocator.errors import InputError
from allocator.importing.crm import import_crm
from allocator.importing.mapping import USUAL, WON, CrmMapping
from allocator.importing.mapping_files import find_mapping, parse_mapping, shipped_mapping, shipped_mappings
from allocator.importing.updating import last_changes
from allocator.model import Model
from allocator.reading import load
from importing.exports import FILES, Export

PUBLIC = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "crm"
SYSTEMS = ("fxiaoke", "hubspot", "salesforce", "xiaoshouyi")
NAMES = {"accounts": "account", "products": "product", "teams": "rep", "deals": "deal"}
Tables = Mapping[str, list[list[str]]]


def small_tables() -> Tables:
    """Rows of the small made export."""
    export = Export()
    return {name: getattr(export, name) for name in FILES}


def public_tables() -> Tables:
    """Rows of the public export."""
    if not PUBLIC.is_dir():
        pytest.skip("the public CRM export is not in ../shared/data/crm; the small made export is tested instead")
    tables = {}
    for name, file in FILES.items():
        with (PUBLIC / file).open(encoding="utf-8", newline="") as text:
            tables[name] = list(csv.reader(text))
    return tables


def translated(tables: Tables, system: str) -> dict[str, list[list[str]]]:
    """The tables under the first headings and stage words that a mapping names."""
    mapping, found = shipped_mapping(system), {}
    for name, (head, *rows) in tables.items():
        fields = {h: f for f, options in USUAL.sheets[name].headings.items() for h in options}
        other = mapping.sheets[name].headings
        heads = [other[fields[h]][0] if h in fields and other[fields[h]] else h for h in head]
        found[name] = [heads, *rows]
    stage = tables["deals"][0].index("deal_stage")
    words = {s: mapping.stages[s][-1] for s in mapping.stages}
    found["deals"] = [found["deals"][0], *([*r[:stage], words[r[stage]], *r[stage + 1 :]] for r in found["deals"][1:])]
    return found


def write_files(tables: Tables, system: str, folder: Path) -> Path:
    """Write each table under the first name that the mapping gives it."""
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        pattern = shipped_mapping(system).sheets[name].files[-1]
        with (folder / pattern.replace("*", "-2026-03")).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder


def write_book(tables: Tables, path: Path) -> Path:
    """Write the tables as sheets with names that say nothing, below a title."""
    book = openpyxl.Workbook()
    del book[book.sheetnames[0]]
    for k, rows in enumerate(tables.values(), 1):
        sheet = book.create_sheet(f"Sheet{k}")
        sheet.append(["Export of 2026-03-31"])
        sheet.append([])
        for row in rows:
            sheet.append([None, *row])
    book.save(path)
    return path


def usual(tables: Tables, folder: Path) -> Model:
    """Model of the tables under the usual headings, from a folder called crm."""
    (folder / "crm").mkdir(parents=True)
    for name, rows in tables.items():
        with (folder / "crm" / FILES[name]).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    import_crm(folder / "crm", folder / "model")
    return load(folder / "model")


@pytest.mark.parametrize("source", ["small", "public"])
def test_four_systems_one_model(source: str, tmp_path: Path) -> None:
    """Under the headings and stages of each system, named or recognised, as files or a workbook, it is the same model."""
    tables = small_tables() if source == "small" else public_tables()
    expected = usual(tables, tmp_path / "usual").sha256
    assert set(SYSTEMS) == set(shipped_mappings())
    for system in SYSTEMS:
        other = translated(tables, system)
        folder = write_files(other, system, tmp_path / system / "crm")
        import_crm(folder, tmp_path / system / "named", mapping=find_mapping(system))
        findings = import_crm(sorted(folder.iterdir()), tmp_path / system / "recognised")
        assert not [f for f in findings if f.severity == "error"]
        book = write_book(other, tmp_path / system / "crm.xlsx")
        import_crm(book, tmp_path / system / "book")
        for made in ("named", "recognised", "book"):
            assert load(tmp_path / system / made).sha256 == expected, (system, made)


def test_then_solve_unattended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command imports another system's files and the plan is solved and audited without a question."""
    monkeypatch.chdir(tmp_path)
    write_files(translated(small_tables(), "fxiaoke"), "fxiaoke", Path("export"))
    assert main(["import", "crm", "export", "-o", "mine", "-q"]) == 0
    assert main(["solve", "mine", "-q"]) == 0
    assert (tmp_path / "runs" / "mine" / "plan.xlsx").exists()


def test_several_files_of_one_table(tmp_path: Path) -> None:
    """Deals that come in two files are one table; a finding names row and file."""
    tables = translated(small_tables(), "salesforce")
    head, *rows = tables["deals"]
    whole = write_files(tables, "salesforce", tmp_path / "whole" / "crm")
    parts = write_files({**tables, "deals": [head, *rows[:5]]}, "salesforce", tmp_path / "parts" / "crm")
    rows[7][rows[0].index("GTX Pro")] = "GTXPro"
    with (parts / "opportunities-b.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows[5:]])
    import_crm(whole, tmp_path / "whole" / "model")
    findings = import_crm(parts, tmp_path / "parts" / "model")
    spelled = [f for f in findings if f.value == "GTXPro"]
    assert [f.row for f in spelled] == ["4 (opportunities-b.csv)"]
    history = [load(tmp_path / part / "model")["history"]["amount"].sum() for part in ("whole", "parts")]
    assert history[0] == history[1]


def later(export: Export) -> Export:
    """Return the export a month later: a deal more is won, an open one is gone, a client is new."""
    export.add("accounts", "Omega,retail,2001,Japan,")
    export.add("deals", "D10,Eve,MG Basic,Omega,Won,6/1/2017,7/15/2017,500")
    export.deals = [row for row in export.deals if row[0] != "O1"]
    return export


def test_second_import_updates_and_lists(tmp_path: Path) -> None:
    """What the export changed is taken over and listed, what was changed by hand stays, and the model before is kept."""
    target = tmp_path / "model"
    import_crm(Export().write(tmp_path / "one" / "crm"), target)
    assert last_changes(target) is not None
    products = pd.read_csv(target / "products.csv")
    products.loc[products["product"] == "GTX Pro", "margin"] = 0.42
    products.to_csv(target / "products.csv", index=False)
    (target / "budget.csv").write_text("line,maximum\nfair,1000\n")
    (target / "notes.txt").write_text("mine")
    import_crm(later(Export()).write(tmp_path / "two" / "crm"), target, mapping=None)
    model, fresh = load(target), tmp_path / "fresh"
    import_crm(later(Export()).write(tmp_path / "three" / "crm"), fresh)
    new = load(fresh)
    assert model["products"].set_index("product").loc["GTX Pro", "margin"] == 0.42
    assert len(model["budget"]) == 1
    assert (target / "notes.txt").read_text() == "mine"
    for name in ("history", "demand", "pipeline", "seasonality", "targets", "funnel"):
        pd.testing.assert_frame_equal(model[name], new[name])
    assert model.settings.start == "2017-08"
    changes = last_changes(target)
    assert changes is not None
    listed = set(changes[["table", "what", "key"]].itertuples(index=False, name=None))
    assert {("clients", "added", "Omega"), ("pipeline", "removed", "O1"), ("model", "changed", "start")} <= listed
    assert [p.name.split("-")[-1] for p in (tmp_path / ".old").iterdir()] == ["model"]


def test_an_update_with_nothing_new_changes_nothing(tmp_path: Path) -> None:
    """The same export once more leaves the model as it was, edits included, and lists nothing."""
    export = Export().write(tmp_path / "crm")
    import_crm(export, tmp_path / "model")
    tiers = (tmp_path / "model" / "tiers.csv").read_text(encoding="utf-8")
    (tmp_path / "model" / "tiers.csv").write_text(tiers.replace(",120,", ",75,"), encoding="utf-8")
    before = load(tmp_path / "model").sha256
    import_crm(export, tmp_path / "model")
    assert load(tmp_path / "model").sha256 == before
    changes = last_changes(tmp_path / "model")
    assert changes is not None
    assert changes.empty


def test_both_changed_is_told_and_kept(tmp_path: Path) -> None:
    """Where hand and export both changed a cell the hand's value stays, with a warning."""
    import_crm(Export().write(tmp_path / "one" / "crm"), tmp_path / "model")
    demand = pd.read_csv(tmp_path / "model" / "demand.csv")
    demand.loc[demand["client"] == "Gamma", ["expected", "ceiling"]] = [7, 9]
    demand.to_csv(tmp_path / "model" / "demand.csv", index=False)
    findings = import_crm(later(Export()).write(tmp_path / "two" / "crm"), tmp_path / "model")
    gamma = load(tmp_path / "model")["demand"].query("client == 'Gamma'")
    assert gamma[["expected", "ceiling"]].to_numpy().tolist() == [[7.0, 9.0]]
    assert [f.table for f in findings if f.rule == "kept"] == ["demand"]


@pytest.mark.parametrize(
    ("text", "row", "column"),
    [
        ("sheets: {}\n", "1", "stages"),
        ("title: x\nsheets:\n  acounts: {}\nstages: {Won: [a], Lost: [b]}\n", "3", "acounts"),
        ("dates: ddmm\nsheets: {}\nstages: {Won: [a], Lost: [b]}\n", "1", "dates"),
        ("sheets: {}\nstages: {Won: [a]}\n", "2", "Lost"),
    ],
)
def test_mistakes_of_a_mapping(text: str, row: str, column: str) -> None:
    """Each mistake of a mapping file is told with its line."""
    with pytest.raises(InputError) as raised:
        parse_mapping(text, "mine.yaml")
    assert (row, column) in {(f.row, f.column) for f in raised.value.findings}
    assert {f.table for f in raised.value.findings} == {"mine.yaml"}


def test_a_mapping_of_ones_own(tmp_path: Path) -> None:
    """A copy of a shipped mapping with other words, dates of a fixed order and a currency is read and used."""
    text = (Path(parse_mapping.__code__.co_filename).parent / "mappings" / "salesforce.yaml").read_text(
        encoding="utf-8"
    )
    text = text.replace("[Closed Won]", "[Yes]").replace(
        "title: Salesforce", "title: Ours\ndates: mdy\nsettings: {currency: EUR}"
    )
    (tmp_path / "ours.yaml").write_text(text, encoding="utf-8")
    mapping: CrmMapping = find_mapping(str(tmp_path / "ours.yaml"))
    assert (mapping.title, mapping.dates, mapping.stages[WON]) == ("Ours", "mdy", ("Yes",))
    tables = translated(small_tables(), "salesforce")
    tables["deals"] = [["Yes" if c == "Closed Won" else c for c in row] for row in tables["deals"]]
    import_crm(write_files(tables, "salesforce", tmp_path / "crm"), tmp_path / "model", mapping=mapping)
    assert load(tmp_path / "model").settings.currency == "EUR"
    with pytest.raises(InputError, match="salesforce"):
        find_mapping("salesfroce")
