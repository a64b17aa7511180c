"""Word documents read back, and templates made for a test."""

from __future__ import annotations

import io
from pathlib import Path

from docx import Document

Grid = list[list[str]]


def tables(content: bytes) -> list[Grid]:
    """Texts of the tables of a document."""
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in Document(io.BytesIO(content)).tables]


def table(content: bytes, heading: str, at: int = 0) -> Grid:
    """Rows below the heading of the table whose first heading is this one."""
    found = [grid for grid in tables(content) if grid[0][0] == heading]
    return found[at][1:]


def paragraphs(content: bytes) -> list[str]:
    """Texts of the paragraphs outside tables, those of header and footer before them."""
    book = Document(io.BytesIO(content))
    section = book.sections[0]
    return [p.text for p in (*section.header.paragraphs, *section.footer.paragraphs, *book.paragraphs)]


def template(path: Path, *texts: str) -> Path:
    """Write a template of some paragraphs."""
    book = Document()
    for text in texts:
        book.add_paragraph(text)
    book.save(path)
    return path
