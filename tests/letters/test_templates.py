"""A company's own templates: what does not fit is told with the field and the remedy, and nothing is written."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import shipped
from documents import paragraphs, template

from allocator.errors import Finding, InputError
from allocator.letters import Letter, open_template, rep_letter
from allocator.letters.content import Paper
from allocator.letters.filling import NEEDED
from allocator.pages.reading import read_plan
from allocator.texts import in_language


@pytest.fixture(scope="module")
def letter() -> Letter:
    """Return a letter to fill templates with."""
    return rep_letter(Paper(read_plan(shipped.run("pocket"))), "li")


def refused(path: Path, letter: Letter) -> list[Finding]:
    """Return why a template is refused."""
    with in_language("en"), pytest.raises(InputError) as error:
        open_template(path, letter)
    return list(error.value.findings)


def test_a_field_is_filled(letter: Letter, tmp_path: Path) -> None:
    """Proves that fields, rows and conditions of an own template are filled."""
    path = template(
        tmp_path / "t.docx",
        "{{ name }} owes {{ base }}",
        "{%p for q in quarters %}",
        "{{ q.period }}: {{ q.base }}",
        "{%p endfor %}",
    )
    texts = paragraphs(open_template(path, letter).fill(letter))
    assert f"Li Na 李娜 owes {letter.fields['base']}" in texts
    assert f"2026-Q1: {letter.fields['quarters'][0]['base']}" in texts


def test_unknown_fields_are_told_together(letter: Letter, tmp_path: Path) -> None:
    """Proves that each unknown field is a finding with the nearest known one."""
    findings = refused(template(tmp_path / "t.docx", "{{ nmae }}", "{{ quartrs }} {{ name }}"), letter)
    assert [f.value for f in findings] == ["nmae", "quartrs"]
    assert 'Did you mean "name"?' in findings[0].says
    assert 'Did you mean "quarters"?' in findings[1].says


def test_an_unknown_field_of_a_row_is_told(letter: Letter, tmp_path: Path) -> None:
    """Proves that fields of rows are checked before any letter is written, and those that rows have are listed."""
    path = template(tmp_path / "t.docx", "{%p for q in quarters %}", "{{ q.bse }}", "{%p endfor %}")
    (finding,) = refused(path, letter)
    assert finding.value == "bse"
    assert "period, base, stretch, ceiling" in finding.says


def test_an_unknown_field_in_the_header_is_told(letter: Letter, tmp_path: Path) -> None:
    """Proves that header and footer are looked at too."""
    from docx import Document

    book = Document()
    book.sections[0].header.paragraphs[0].text = "{{ compnay }}"
    book.save(tmp_path / "t.docx")
    assert [f.value for f in refused(tmp_path / "t.docx", letter)] == ["compnay"]


def test_what_is_left_out_is_told(letter: Letter, tmp_path: Path) -> None:
    """Proves that a template which shows only the name is used, with a warning that names all that is missing."""
    with in_language("en"):
        opened = open_template(template(tmp_path / "t.docx", "{{ name }}"), letter)
        (finding,) = opened.findings
        assert finding.severity == "warning"
        for name, label in NEEDED.items():
            assert (label in finding.says) == (name != "name")


@pytest.mark.parametrize(
    "texts", [("{% if name %}",), ("{{ name",), ("{{ name }} {% endfor %}",), ("{{ name | nosuchfilter }}",)]
)
def test_marks_that_do_not_fit_are_told(texts: tuple[str, ...], letter: Letter, tmp_path: Path) -> None:
    """Proves that broken marks give a finding with what to do."""
    (finding,) = refused(template(tmp_path / "t.docx", *texts), letter)
    assert "Write each mark" in finding.says


@pytest.mark.parametrize(
    "text", ["{{ ''.__class__.__mro__ }}", "{{ name.__init__.__globals__ }}", "{{ cycler.__init__ }}"]
)
def test_templates_run_in_a_sandbox(text: str, letter: Letter, tmp_path: Path) -> None:
    """Proves that a template reaches nothing but its fields."""
    assert refused(template(tmp_path / "t.docx", text), letter)


def test_what_is_no_document_is_refused(letter: Letter, tmp_path: Path) -> None:
    """Proves that texts, other zip files and missing files give findings."""
    (tmp_path / "text.docx").write_text("hello", "utf-8")
    with zipfile.ZipFile(tmp_path / "zip.docx", "w") as archive:
        archive.writestr("a.txt", "x")
    for name in ("text", "zip"):
        (finding,) = refused(tmp_path / f"{name}.docx", letter)
        assert "no Word document" in finding.says
    (finding,) = refused(tmp_path / "none.docx", letter)
    assert "cannot be read" in finding.says


@pytest.mark.parametrize(
    ("part", "content", "says"),
    [
        ("word/vbaProject.bin", b"x", "macros"),
        ("word/evil.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "entities"),
        ("word/bomb.xml", b"0" * (65 * 2**20), "far more"),
    ],
)
def test_harmful_parts_are_refused(part: str, content: bytes, says: str, letter: Letter, tmp_path: Path) -> None:
    """Proves that macros, XML entities and zip bombs are refused before anything is read of them."""
    path = template(tmp_path / "t.docx", "{{ name }}")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(part, content)
    (finding,) = refused(path, letter)
    assert says in finding.says
