"""The letter as it comes: a Word document with fields, in the language in force; a company edits it or takes its own."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from docx import Document
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from allocator.reporting.words import LEVELS
from allocator.texts import _, current_language

LATIN, CHINESE = "Calibri", "Microsoft YaHei"
DARK, RED, SHADE = RGBColor(0x1F, 0x3A, 0x5F), RGBColor(0xB4, 0x23, 0x18), "E8EEF6"

Columns = Sequence[tuple[str, str]]
"""Heading and field of each column."""

WHOLE = 16.6
"""Width of a table, in centimetres."""

WIDE = {"name": 5.0, "promise": 4.6, "task": 9.0, "target": 4.0, "sales": 6.0}
"""Columns that hold longer texts, in centimetres; the others share what is left."""


def default_template() -> bytes:
    """Return the template of the letters in the language in force, to be filled or to be edited in Word."""
    book = Document()
    _shape(book)
    section = book.sections[0]
    _line(section.header.paragraphs[0], "{{ company }}\t\t" + _("No.") + " {{ number }}", size=9)
    _line(section.footer.paragraphs[0], _("Plan of {{ planned_on }}, fingerprint {{ fingerprint }}"), size=8)
    title = book.add_heading(_("Target letter"), 0)
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _when(book, "draft")
    draft = book.add_paragraph()
    draft.alignment = WD_ALIGN_PARAGRAPH.CENTER
    run = draft.add_run(_("DRAFT: this plan has not been published; nothing here binds anybody."))
    run.bold, run.font.color.rgb = True, RED
    _end(book)
    _facts(book)
    _asked(book)
    _done(book)
    _paid(book)
    _signed(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _shape(book: Any) -> None:
    """Page, fonts and colours."""
    section = book.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.2)
    section.top_margin = section.bottom_margin = Cm(2)
    for name in ("Normal", "Title", "Heading 1", "Header", "Footer"):
        style = book.styles[name]
        style.font.name = LATIN
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for script in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{script}"), None)
        fonts.set(qn("w:ascii"), LATIN)
        fonts.set(qn("w:hAnsi"), LATIN)
        fonts.set(qn("w:eastAsia"), CHINESE)
        style.font.color.rgb = DARK if name in ("Title", "Heading 1") else None
    book.styles["Normal"].font.size = Pt(10)
    book.styles["Normal"].paragraph_format.space_after = Pt(4)
    book.styles["Title"].font.size = Pt(20)
    heading = book.styles["Heading 1"]
    heading.font.size = Pt(12)
    heading.paragraph_format.space_before, heading.paragraph_format.space_after = Pt(12), Pt(4)
    language = OxmlElement("w:lang")
    language.set(qn("w:val"), "en-GB")
    language.set(qn("w:eastAsia"), "zh-CN")
    book.styles["Normal"].element.get_or_add_rPr().append(language)
    book.core_properties.title = _("Target letter")
    book.core_properties.author = ""
    book.core_properties.language = "zh-CN" if current_language() == "zh" else "en-GB"


def _facts(book: Any) -> None:
    """Who the letter is for, and for when."""
    pairs = [
        (_("Name"), "{{ name }}", _("Code"), "{{ code }}"),
        (_("Unit"), "{{ unit }}", "{% if kind == 'rep' %}" + _("Grade") + "{% else %}" + _("Kind") + "{% endif %}", "{{ grade }}"),
        (_("Plan"), "{{ start }} – {{ end }}", _("Money in"), "{{ money_unit }}"),
    ]  # fmt: skip
    table = book.add_table(rows=0, cols=4)
    table.style, table.alignment = "Table Grid", WD_TABLE_ALIGNMENT.CENTER
    for pair in pairs:
        cells = table.add_row().cells
        for k, text in enumerate(pair):
            _write(cells[k], text, bold=k % 2 == 0, shade=k % 2 == 0)


def _asked(book: Any) -> None:
    levels = [(_(name), key) for key, name in LEVELS.items()]
    book.add_heading(_("1  Targets"), 1)
    book.add_paragraph(
        _("Over the whole plan: {base} base, {stretch} stretch, {ceiling} ceiling.").format(
            base="{{ base }}", stretch="{{ stretch }}", ceiling="{{ ceiling }}"
        )
    )
    _rows(book, "quarters", [(_("quarter"), "period"), *levels])
    _rows(book, "months", [(_("month"), "period"), *levels])
    _when(book, "owed")
    _lead(book, _("What its people are asked together, and what the unit owes of it:"))
    _rows(book, "owed", [(_("level"), "level"), (_("asked of its people"), "assigned"), (_("owed"), "owed")])
    _end(book)
    _when(book, "people")
    _lead(book, _("Base quotas of its people and what lies above them:"))
    _rows(book, "people", [(_("rep"), "rep"), (_("name"), "name"), *levels], left=2)
    _end(book)
    book.add_heading(_("2  Products"), 1)
    _rows(book, "products", [(_("product"), "product"), (_("name"), "name"), *levels], left=2)
    _when(book, "targets")
    _lead(book, _("Further targets:"))
    _rows(
        book,
        "targets",
        [
            (_("target"), "target"),
            (_("metric"), "metric"),
            (_("level"), "level"),
            (_("asked"), "asked"),
            (_("when"), "times"),
        ],
        left=5,
    )
    _end(book)


def _done(book: Any) -> None:
    book.add_heading(_("3  Visits"), 1)
    _when(book, "visits")
    _rows(
        book,
        "visits",
        [
            (_("tier"), "tier"), (_("promise to each client"), "promise"), (_("clients"), "clients"),
            (_("promised visits"), "promised"), (_("planned"), "planned"),
            (_("with an executive"), "executive"), (_("first visits"), "first_visits"),
        ],
        left=2,
    )  # fmt: skip
    _end(book)
    _when(book, "not visits")
    book.add_paragraph(_("No visits are promised."))
    _end(book)
    book.add_heading(_("4  Support promised"), 1)
    _lead(book, _("Hours of shared resources and money of the budget that the plan sets aside for this work:"))
    _rows(book, "support", [(_("quarter"), "period"), (_("support hours"), "hours"), (_("money"), "money")])
    _when(book, "tasks")
    _lead(book, _("Preparation to be done:"))
    _rows(book, "tasks", [(_("task"), "task"), (_("from"), "from"), (_("to"), "to")], left=3)
    _end(book)


def _paid(book: Any) -> None:
    book.add_heading(_("5  Incentive"), 1)
    _when(book, "kind == 'unit'")
    _lead(book, _("What its people earn together, each at the same part of his base quota:"))
    _end(book)
    _rows(
        book,
        "incentive",
        [(_("base quota reached"), "attainment"), (_("sales"), "sales"), (_("commission"), "commission")],
    )
    _when(book, "steps")
    _lead(book, _("Steps of the scheme, each on the sales that lie in it:"))
    _rows(book, "steps", [(_("sales"), "sales"), (_("rate"), "rate")])
    _end(book)
    paragraph = book.add_paragraph()
    paragraph.add_run(_("Deductions: ")).bold = True
    paragraph.add_run("{{ deduction }}")


def _signed(book: Any) -> None:
    book.add_heading(_("6  Signatures"), 1)
    for text in (
        _("Document number: {{ number }}"),
        _("Date of signing: ") + "{% if date %}{{ date }}{% else %}________________{% endif %}",
    ):
        book.add_paragraph(text).paragraph_format.keep_with_next = True
    _rows(
        book,
        "signatures",
        [(_("role"), "role"), (_("name"), "name"), (_("signature"), ""), (_("date"), "")],
        left=4,
        tall=True,
    )


def _rows(book: Any, name: str, columns: Columns, *, left: int = 1, tall: bool = False) -> None:
    """Add a table with a row for each of a list: a heading, and the fields of a row between two marks."""
    table = book.add_table(rows=4, cols=len(columns))
    table.style, table.alignment = "Table Grid", WD_TABLE_ALIGNMENT.CENTER
    heading, begin, row, end = table.rows
    table.autofit = False
    wide = sum(WIDE.get(field, 0.0) for _label, field in columns)
    other = (WHOLE - wide) / max(1, sum(field not in WIDE for _label, field in columns))
    for k, (label, field) in enumerate(columns):
        table.columns[k].width = Cm(WIDE.get(field, other))
        for line in table.rows:
            line.cells[k].width = Cm(WIDE.get(field, other))
        _write(heading.cells[k], label, bold=True, shade=True, right=k >= left)
        _write(row.cells[k], f"{{{{ row['{field}'] }}}}" if field else "", right=k >= left)
    repeat = OxmlElement("w:tblHeader")
    heading._tr.get_or_add_trPr().append(repeat)
    whole = OxmlElement("w:cantSplit")
    row._tr.get_or_add_trPr().append(whole)
    if tall:
        row.height = Cm(1.1)
        for paragraph in (p for line in table.rows for cell in line.cells for p in cell.paragraphs):
            paragraph.paragraph_format.keep_with_next = True
    begin.cells[0].text, end.cells[0].text = "{%tr for row in " + name + " %}", "{%tr endfor %}"
    book.add_paragraph().paragraph_format.space_after = Pt(2)


def _write(cell: Any, text: str, *, bold: bool = False, shade: bool = False, right: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_after = Pt(1)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT if right else WD_ALIGN_PARAGRAPH.LEFT
    run = paragraph.add_run(text)
    run.bold, run.font.size = bold, Pt(9)
    if shade:
        fill = OxmlElement("w:shd")
        fill.set(qn("w:val"), "clear")
        fill.set(qn("w:fill"), SHADE)
        cell._tc.get_or_add_tcPr().append(fill)


def _line(paragraph: Any, text: str, *, size: int) -> None:
    paragraph.text = ""
    paragraph.add_run(text).font.size = Pt(size)


def _lead(book: Any, text: str) -> None:
    """Add a sentence that stays with the table below it."""
    book.add_paragraph(text).paragraph_format.keep_with_next = True


def _when(book: Any, condition: str) -> None:
    book.add_paragraph("{%p if " + condition + " %}")


def _end(book: Any) -> None:
    book.add_paragraph("{%p endif %}")
