"""Workbooks that could harm the machine, or bring in what nobody sees, are refused with a finding and exit code 2."""

from __future__ import annotations

import struct
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from small_model import write_small_model

from allocator.cli import main
from allocator.errors import InputError
from allocator.reading import load, write_workbook
from allocator.reporting.marking import mark
from allocator.schema import packages
from allocator.schema.packages import look_through

LAUGHS = b"""<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol2 "&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;&lol1;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]>"""

Parts = dict[str, bytes]
SHEET = "xl/worksheets/sheet3.xml"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the small model as a workbook."""
    folder = tmp_path_factory.mktemp("good")
    write_workbook(load(write_small_model(folder / "small")), folder / "mine.xlsx")
    return folder / "mine.xlsx"


def _laughs_in(part: str) -> Callable[[Parts], None]:
    def spoil(parts: Parts) -> None:
        parts[part] = parts[part].replace(b"?>", b"?>" + LAUGHS, 1).replace(b"<v>", b"<v>&lol3;", 1)

    return spoil


def _wide_entities(parts: Parts) -> None:
    text = parts[SHEET].decode().replace('encoding="UTF-8"', 'encoding="UTF-16"')
    parts[SHEET] = text.replace("?>", "?>" + LAUGHS.decode(), 1).encode("utf-16")


def _external(parts: Parts) -> None:
    parts["xl/externalLinks/externalLink1.xml"] = b'<?xml version="1.0"?><externalLink/>'


def _connection(parts: Parts) -> None:
    parts["xl/connections.xml"] = b'<?xml version="1.0"?><connections/>'


def _object(parts: Parts) -> None:
    parts["xl/embeddings/oleObject1.bin"] = b"x"


def _macro(parts: Parts) -> None:
    parts["xl/vbaProject.bin"] = b"x"


def _old_macro(parts: Parts) -> None:
    parts["xl/macrosheets/sheet1.xml"] = b"<x/>"


def _macro_type(parts: Parts) -> None:
    main_type = b"vnd.openxmlformats-officedocument.spreadsheetml.sheet.main"
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace(
        main_type, b"vnd.ms-excel.sheet.macroEnabled.main"
    )


def _bomb(parts: Parts) -> None:
    parts[SHEET] = parts[SHEET].replace(b"<sheetData>", b"<sheetData>" + b" " * 50_000_000, 1)


def _far_cell(parts: Parts) -> None:
    row = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    parts[SHEET] = parts[SHEET].replace(b"</sheetData>", row)


def _cells_without_places(parts: Parts) -> None:
    wide = b"<row>" + b"<c><v>1</v></c>" * 2000 + b"</row>"
    parts[SHEET] = parts[SHEET].replace(
        b"</sheetData>", wide + b"<row><c><v>1</v></c></row>" * 20_000 + b"</sheetData>"
    )


CASES: tuple[tuple[Callable[[Parts], None], str], ...] = (
    (_laughs_in(SHEET), "entities"),
    (_laughs_in("xl/workbook.xml"), "entities"),
    (_laughs_in("xl/sharedStrings.xml"), "entities"),
    (_laughs_in("xl/styles.xml"), "entities"),
    (_wide_entities, "entities"),
    (_external, "links"),
    (_connection, "links"),
    (_object, "links"),
    (_macro, "macros"),
    (_old_macro, "macros"),
    (_macro_type, "macros"),
    (_bomb, "size"),
    (_far_cell, "size"),
    (_cells_without_places, "size"),
)
NAMES = [
    "sheet",
    "book",
    "strings",
    "styles",
    "utf16",
    "link",
    "connection",
    "object",
    "macro",
    "xlm",
    "type",
    "bomb",
    "far",
    "bare",
]


def _write(source: Path, target: Path, spoil: Callable[[Parts], None]) -> None:
    with zipfile.ZipFile(source) as archive:
        parts = {part.filename: archive.read(part) for part in archive.infolist()}
    spoil(parts)
    _pack(parts, target)


def _pack(parts: Mapping[str, bytes], target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


@pytest.mark.parametrize(("spoil", "rule"), CASES, ids=NAMES)
def test_refused(
    spoil: Callable[[Parts], None], rule: str, good: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading, checking and marking all refuse it, quickly, with one finding under the rule's name and exit code 2."""
    path = tmp_path / "mine.xlsx"
    _write(good, path, spoil)
    started = time.perf_counter()
    with pytest.raises(InputError) as raised:
        load(path)
    (finding,) = raised.value.findings
    assert (finding.table, finding.rule, finding.severity) == ("mine.xlsx", rule, "error")
    with pytest.raises(InputError):
        mark(path, (), tmp_path / "marked.xlsx")
    assert main(["check", str(path)]) == 2
    assert "mine.xlsx" in capsys.readouterr().err
    assert time.perf_counter() - started < 20


def test_two_gigabytes_are_not_unpacked(good: Path, tmp_path: Path) -> None:
    """A sheet that claims two gigabytes is refused by its claim, before a byte of it is unpacked."""
    path = tmp_path / "mine.xlsx"
    _write(good, path, lambda parts: None)
    data = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        at = next(k for k, part in enumerate(archive.infolist()) if part.filename == SHEET)
    entry = -1
    for _k in range(at + 1):
        entry = data.index(b"PK\x01\x02", entry + 1)
    data[entry + 24 : entry + 28] = struct.pack("<I", 2 * 2**30 - 1)
    path.write_bytes(bytes(data))
    started = time.perf_counter()
    with pytest.raises(InputError) as raised:
        load(path)
    assert [f.rule for f in raised.value.findings] == ["size"]
    assert time.perf_counter() - started < 5


def test_a_lie_about_the_size_is_found(good: Path, tmp_path: Path) -> None:
    """A part that unpacks to more than its entry says is unpacked no further than allowed, and refused."""
    path = tmp_path / "mine.xlsx"
    _write(good, path, _bomb)
    data = bytearray(path.read_bytes())
    name = SHEET.encode()
    local, entry = data.index(name) - 30, data.rindex(name) - 46
    assert data[local : local + 4] == b"PK\x03\x04"
    assert data[entry : entry + 4] == b"PK\x01\x02"
    data[entry + 24 : entry + 28] = data[local + 22 : local + 26] = struct.pack("<I", 1000)
    path.write_bytes(bytes(data))
    with pytest.raises(InputError) as raised:
        load(path)
    assert raised.value.findings[0].rule in ("size", "workbook")


def test_hyperlinks_and_pictures_are_no_harm(good: Path, tmp_path: Path) -> None:
    """Links that a reader may click, and pictures that hold a document type, are read."""

    def add(parts: Parts) -> None:
        parts["xl/media/image1.svg"] = b"<!DOCTYPE svg><svg/>"
        link = b'<hyperlinks><hyperlink ref="A1" location="reps!A1"/></hyperlinks>'
        parts["xl/worksheets/sheet2.xml"] = parts["xl/worksheets/sheet2.xml"].replace(
            b"<pageMargins", link + b"<pageMargins", 1
        )

    _write(good, tmp_path / "mine.xlsx", add)
    assert load(tmp_path / "mine.xlsx").sha256 == load(good).sha256


@pytest.mark.parametrize("name", ["mine.xlsm", "mine.xlsb", "mine.xls"])
def test_other_kinds_of_workbooks(name: str, good: Path, tmp_path: Path) -> None:
    """Other endings are refused with a sentence that says what to save it as, unless nothing but the name is odd."""
    (tmp_path / name).write_bytes(good.read_bytes())
    if name.endswith("m"):
        assert load(tmp_path / name).sha256 == load(good).sha256
        return
    with pytest.raises(InputError) as raised:
        load(tmp_path / name)
    assert ".xlsx" in raised.value.findings[0].says


def test_extent_over_pieces(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a sheet is cut into pieces as it is looked through makes no difference."""
    for size in (37, 1000, 2**20):
        monkeypatch.setattr(packages, "_CHUNK", size)
        assert look_through(good).special == set()
    _write(good, tmp_path / "far.xlsx", _far_cell)
    monkeypatch.setattr(packages, "_CHUNK", 50)
    with pytest.raises(packages.Refused):
        look_through(tmp_path / "far.xlsx")
