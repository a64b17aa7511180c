"""Files of tables to raw tables: CSV here, Parquet beside."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.schema.cells import Cells
from allocator.schema.findings import Report
from allocator.schema.parquet import read_parquet
from allocator.schema.tables import RawTable
from allocator.texts import _

LONGEST = 100_000
"""Characters that a cell may have."""

_OTHER_DELIMITERS = {";": ";", "\t": "tab", "|": "|", "，": "，"}


def read_bytes(path: Path, report: Report) -> bytes | None:
    """Content of a file; a file that cannot be read becomes a finding."""
    try:
        return path.read_bytes()
    except OSError as error:
        says = _("The file cannot be read: {reason}.").format(reason=error.strerror or error)
        report.add_at("error", path.name, "unreadable", says)
        return None


def decode(data: bytes, label: str, report: Report) -> str | None:
    """Decode UTF-8 (with or without BOM) or GB18030; anything else becomes a finding."""
    if b"\0" in data:
        says = _("This is not a text file: it holds zero bytes. Save it as CSV in UTF-8.")
        report.add_at("error", label, "encoding", says)
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
    lines = data.split(b"\n")
    utf8 = [i for i, line in enumerate(lines, 1) if _is_utf8_chinese(line)]
    if data.startswith(b"\xef\xbb\xbf") or len(utf8) > len(lines) / 100:
        says = _("Some lines are in UTF-8 and others are not. Save the whole file in UTF-8.")
        report.add_at("error", label, "encoding", says, row=str(row))
        return None
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        says = _("The text is neither UTF-8 nor GB18030. Save the file in UTF-8.")
        report.add_at("error", label, "encoding", says, row=str(row))
        return None
    if utf8:
        says = _("Some lines look like UTF-8, the rest is read as GB18030. Save the whole file in UTF-8.")
        report.add_at("warning", label, "encoding", says, row=str(utf8[0]))
    return text


def _is_utf8_chinese(line: bytes) -> bool:
    if line.isascii():
        return False
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(c < "\x80" or "\u3000" <= c <= "\u9fff" or "\uff00" <= c <= "\uffef" for c in text)


def read_csv(path: Path, table: str, label: str, report: Report) -> RawTable | None:
    """Read a CSV file; None where it is so broken that its rows mean nothing."""
    data = read_bytes(path, report)
    text = None if data is None else decode(data, label, report)
    if text is None:
        return None
    try:
        lengths = np.fromiter(map(len, _records(text)), dtype=np.int64)
    except csv.Error as error:
        report.add_at("error", label, "csv", _csv_says(error), row=str(_broken_row(text)))
        return None
    if not lengths.any():
        report.add_at("error", label, "empty", _("The file is empty. It needs a heading row."))
        return None
    top = int(np.flatnonzero(lengths)[0])
    headings = next(record for record in _records(text) if record)
    if not _delimited(headings, label, str(top + 1), report):
        return None
    regular = bool(np.isin(lengths, (0, len(headings))).all())
    columns, rows = (_quick if regular else _careful)(text, lengths, len(headings))
    if not regular:
        ragged = (lengths[rows - 1] != len(headings)) & np.any([c.filled for c in columns], axis=0)
        says = _("The row has {found} cells, the heading has {expected}. Look for a missing or an unquoted comma.")
        for row in rows[ragged]:
            text_ = says.format(found=lengths[row - 1], expected=len(headings))
            report.add_at("error", label, "length", text_, row=str(row))
    return RawTable(table, label, tuple(h.strip() for h in headings), columns, rows)


def _records(text: str) -> csv._reader:  # type: ignore[name-defined]
    csv.field_size_limit(LONGEST)
    return csv.reader(io.StringIO(text, newline=""), strict=True)


def _csv_says(error: csv.Error) -> str:
    if "field larger" in str(error):
        return _("A cell has more than {count} characters. Look for a quotation mark that is not closed.").format(
            count=LONGEST
        )
    return _("The quotation marks do not match: {reason}.").format(reason=error)


def _broken_row(text: str) -> int:
    row = 1
    try:
        for row, _record in enumerate(_records(text), 2):  # noqa: B007
            pass
    except csv.Error:
        pass
    return row


def _delimited(headings: list[str], label: str, row: str, report: Report) -> bool:
    """Whether the headings are separated by commas; a finding if evidently by something else."""
    heading = headings[0]
    other = [name for character, name in _OTHER_DELIMITERS.items() if character in heading]
    if len(headings) > 1 or not other:
        return True
    says = _('The columns are separated by "{found}". Save the file with commas.').format(found=other[0])
    report.add_at("error", label, "delimiter", says, row=row)
    return False


def _quick(text: str, lengths: NDArray[np.int64], width: int) -> tuple[tuple[Cells, ...], NDArray[np.int64]]:
    """Columns of a file whose rows all have one length."""
    rows = np.flatnonzero(lengths)[1:] + 1
    data = io.BytesIO(text.encode())  # twice as quick as the text itself
    frame = pd.read_csv(data, header=0, names=range(width), dtype=object, na_filter=False, encoding="utf-8")
    if len(frame) != len(rows):
        return _careful(text, lengths, width)
    return tuple(Cells.of(frame[c].to_numpy(dtype=object)) for c in frame.columns), rows


def _careful(text: str, lengths: NDArray[np.int64], width: int) -> tuple[tuple[Cells, ...], NDArray[np.int64]]:
    """Columns of a ragged file: short rows are filled with blanks, long ones cut."""
    rows = np.flatnonzero(lengths)[1:] + 1
    records = [(record + [""] * width)[:width] for record in _records(text) if record][1:]
    columns = zip(*records, strict=True) if records else [()] * width
    return tuple(Cells.of(np.array(column, dtype=object)) for column in columns), rows


READERS = {".csv": read_csv, ".parquet": read_parquet}
"""How a table is read, by the end of its file's name."""


def read_file(path: Path, table: str, label: str, report: Report) -> RawTable | None:
    """Read a CSV or Parquet file; None where its rows mean nothing."""
    return READERS[path.suffix.casefold()](path, table, label, report)
