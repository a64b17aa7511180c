"""What a workbook is made of, looked through before anything is read from it: an ``.xlsx`` is a zip file of XML parts.

Every part is unpacked once, in pieces, and thrown away again. What could harm the machine, or bring in values that nobody sees, is
refused: parts that unpack to far too much, XML entities, macros, links to other files.
"""

from __future__ import annotations

import posixpath
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from allocator.texts import _

LARGEST = 2**30
"""Bytes that a workbook may have once unpacked."""

FLAT, DENSEST = 2**22, 250
"""A part of more than ``FLAT`` bytes may unpack to so many times its packed size."""

MOST_CELLS = 30_000_000
"""Cells of the smallest rectangle around what a sheet holds."""

_CHUNK, _OVERLAP = 2**20, 4096
_ENTITY = re.compile(rb"<!(DOCTYPE|ENTITY)")
_FORMULA = re.compile(rb"""<(\w+:)?f[ />]|t=["']e["']""")
_OPENED = re.compile(rb"""<(?:\w+:)?c(?=[\s>])[^>]*(?<!/)>""")
_PLACED = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["'][^>]*(?<!/)>""")
_ROW_OR_CELL = re.compile(rb"""<(?:\w+:)?(row|c)(?=[\s/>])""")
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00<", b"<\x00")
_MAIN = "xl/workbook.xml"
_LINKS = ("xl/externallinks/", "xl/connections.xml", "xl/embeddings/", "xl/querytables/", "xl/webextensions/")
_MACROS = ("xl/vbaproject", "xl/macrosheets/", "xl/dialogsheets/", "xl/activex/", "xl/ctrlprops/")


class Refused(Exception):
    """A workbook that is not read, and why."""

    def __init__(self, rule: str, says: str) -> None:
        super().__init__(says)
        self.rule, self.says = rule, says


@dataclass
class Package:
    """What was found in a workbook.

    Attributes
    ----------
    path : Path
    sheets : dict of str to str
        Part of each worksheet, by the sheet's name.
    special : set of str
        Parts of sheets in which formulas or errors stand.
    """

    path: Path
    sheets: dict[str, str] = field(default_factory=dict)
    special: set[str] = field(default_factory=set)


def look_through(path: Path) -> Package:
    """Unpack every part once and return what the workbook is made of.

    Raises
    ------
    Refused
        If it holds what is not allowed.
    zipfile.BadZipFile, zlib.error, EOFError
        If it is damaged.
    """
    package = Package(path)
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        _check_sizes(parts)
        _check_names([part.filename for part in parts])
        left = LARGEST
        for part in parts:
            left -= _look_into(archive, part, left, package)
        package.sheets = _sheet_parts(archive)
    return package


def _check_sizes(parts: list[zipfile.ZipInfo]) -> None:
    if sum(part.file_size for part in parts) > LARGEST or any(_too_dense(p.file_size, p.compress_size) for p in parts):
        raise _too_large()


def _too_dense(size: int, packed: int) -> bool:
    return size > FLAT and size > DENSEST * max(packed, 1)


def _too_large() -> Refused:
    says = _(
        "The workbook unpacks to far more than it should. Save it anew, or keep the tables as CSV files in a folder."
    )
    return Refused("size", says)


def _check_names(names: list[str]) -> None:
    for name in (n.casefold().replace("\\", "/") for n in names):
        if name.startswith(_MACROS):
            says = _("The workbook holds macros or controls. Save it as a workbook without macros (.xlsx).")
            raise Refused("macros", says)
        if name.startswith(_LINKS):
            says = _(
                "The workbook takes values from other files or sources, or holds embedded files. Break the links "
                "(Data, Edit Links) or paste the values, then save it."
            )
            raise Refused("links", says)


def _look_into(archive: zipfile.ZipFile, part: zipfile.ZipInfo, most: int, package: Package) -> int:
    """Look through one part; return how many bytes it unpacks to, whatever the directory says."""
    declared, part.file_size = part.file_size, sys.maxsize
    sheet = part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml")
    extent = _Extent()
    size, tail = 0, b""
    with archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            if size > most or _too_dense(size, part.compress_size):
                raise _too_large()
            text = tail + chunk
            _check_xml(part.filename, text, first=not tail)
            if sheet:
                if part.filename not in package.special and _FORMULA.search(text):
                    package.special.add(part.filename)
                tail = extent.take(text)
            else:
                tail = text[-_OVERLAP:]
    if size != declared:
        raise zipfile.BadZipFile("a part is not as large as it says")
    part.file_size = declared
    if extent.cells > MOST_CELLS:
        raise _too_large()
    return size


def _check_xml(name: str, text: bytes, *, first: bool) -> None:
    if first and name == "[Content_Types].xml" and b"macroEnabled" in text:
        raise Refused(
            "macros", _("The workbook holds macros or controls. Save it as a workbook without macros (.xlsx).")
        )
    media = name.startswith("xl/media/") and not name.endswith((".xml", ".rels"))
    if not media and (_ENTITY.search(text) or (first and text.startswith(_WIDE))):
        raise Refused(
            "entities", _("XML entities are not allowed in a workbook. Save it anew in a spreadsheet program.")
        )


class _Extent:
    """The last row and column with something in it, as the text of a sheet comes in."""

    def __init__(self) -> None:
        self._row = self._rows = self._in_row = self._longest = 0
        self._unplaced = False
        self._columns: set[bytes] = set()

    def take(self, text: bytes) -> bytes:
        """Look at a piece; return the end of it, which the next piece must begin with."""
        cut = text.rfind(b"<") if text.rfind(b"<") > text.rfind(b">") else len(text)
        placed = _PLACED.findall(text, 0, cut)
        if placed:
            self._columns.update(column for column, _row in placed)
            self._row = max(self._row, *(int(row) for _column, row in placed))
        self._unplaced |= len(_OPENED.findall(text, 0, cut)) != len(placed)
        for tag in _ROW_OR_CELL.findall(text, 0, cut):
            if tag == b"c":
                self._in_row += 1
            else:
                self._rows += 1
                self._longest, self._in_row = max(self._longest, self._in_row), 0
        return text[cut:] if len(text) - cut < _CHUNK else b""

    @property
    def cells(self) -> int:
        """Cells of the smallest rectangle around what is there."""
        width = max((_number(c) for c in self._columns), default=0)
        if not self._unplaced:
            return self._row * width
        return max(self._row, self._rows) * max(width, self._longest, self._in_row)


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + letter - 64
    return number


def _sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Part of each worksheet by the sheet's name, as the workbook and its relations say."""
    names = set(archive.namelist())
    if _MAIN not in names:
        return {}
    targets: dict[str, str] = {}
    sheets: dict[str, str] = {}

    def relation(tag: str, found: dict[str, str]) -> None:
        if tag == "Relationship":
            target = found.get("Target", "")
            targets[found.get("Id", "")] = posixpath.normpath(posixpath.join("xl", target)).lstrip("/")

    def sheet(tag: str, found: dict[str, str]) -> None:
        if tag == "sheet":
            identity = next((v for k, v in found.items() if k.rpartition(":")[2] == "id"), "")
            sheets[found.get("name", "")] = targets.get(identity, "")

    for name, take in (("xl/_rels/workbook.xml.rels", relation), (_MAIN, sheet)):
        if name in names:
            parser = _parser()
            parser.StartElementHandler = lambda tag, found, take=take: take(tag.rpartition(":")[2], found)
            parser.Parse(archive.read(name), True)
    return sheets


def _parser() -> expat.XMLParserType:
    """A parser that builds no tree and takes no document types, so that nothing is ever expanded."""
    parser = expat.ParserCreate()

    def refuse(*_declaration: object) -> None:
        raise Refused(
            "entities", _("XML entities are not allowed in a workbook. Save it anew in a spreadsheet program.")
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


@dataclass(frozen=True)
class Odd:
    """A cell with a formula, or one that shows an error.

    Attributes
    ----------
    cell : str
        Such as ``B7``.
    formula : str
        Blank where there is none, or where it is shared with another cell's.
    shown : str or None
        What the cell shows, None if nothing is stored.
    error : bool
    """

    cell: str
    formula: str
    shown: str | None
    error: bool


def odd_cells(package: Package, sheet: str) -> Iterator[Odd]:
    """Cells of a sheet that hold a formula or show an error, in the order in which they are stored.

    Raises
    ------
    zipfile.BadZipFile, expat.ExpatError
        If the sheet is damaged.
    """
    part = package.sheets.get(sheet, "")
    if part not in package.special:
        return
    reader = _Cells()
    with zipfile.ZipFile(package.path) as archive, archive.open(part) as file:
        while chunk := file.read(_CHUNK):
            reader.parser.Parse(chunk, False)
            yield from reader.found
            reader.found.clear()
        reader.parser.Parse(b"", True)
    yield from reader.found


class _Cells:
    """Takes the cells of a sheet as they come."""

    def __init__(self) -> None:
        self.found: list[Odd] = []
        self.parser = _parser()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._row = self._column = 0
        self._place, self._kind = "", ""
        self._formula: str | None = None
        self._value: str | None = None

    def _start(self, tag: str, found: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "c":
            self._column += 1
            self._place = found.get("r", "") or f"{column_letters(self._column - 1)}{self._row}"
            self._column = _number(self._place.rstrip("0123456789").encode())
            self._kind = found.get("t", "n")
            self._formula = self._value = None
        elif tag == "row":
            self._row = int(found.get("r", self._row + 1))
            self._column = 0
        elif tag == "f":
            self._formula = ""
            self.parser.CharacterDataHandler = self._formula_text
        elif tag == "v":
            self._value = ""
            self.parser.CharacterDataHandler = self._value_text

    def _formula_text(self, text: str) -> None:
        self._formula = (self._formula or "") + text

    def _value_text(self, text: str) -> None:
        self._value = (self._value or "") + text

    def _end(self, tag: str) -> None:
        tag = tag.rpartition(":")[2]
        if tag in ("f", "v"):
            self.parser.CharacterDataHandler = None
        elif tag == "c" and (self._formula is not None or self._kind == "e"):
            empty = not self._value and self._kind != "str"  # a formula may well show an empty text
            shown = None if empty else self._value or ""
            self.found.append(Odd(self._place, self._formula or "", shown, self._kind == "e"))


def column_letters(column: int) -> str:
    """Letters of a sheet's column, counted from 0."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text
