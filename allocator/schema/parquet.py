"""Parquet files to raw tables: the same cells as a CSV file of the table would have, without their texts being made."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from allocator.schema.cells import BLANK, Cells
from allocator.schema.findings import Report
from allocator.schema.tables import RawTable
from allocator.texts import _

if TYPE_CHECKING:
    import pyarrow as pa

FIRST = 2
"""Number of the first row: rows are counted as in a CSV file of the table, whose heading is row 1."""

_FLAGS = {"true": "yes", "false": "no"}
_MIDNIGHT = re.compile(r"( 00:00:00)?(\.0+)?$")


def read_parquet(path: Path, table: str, label: str, report: Report) -> RawTable | None:
    """Read a Parquet file; None where there is no library for it, or the file is damaged."""
    if importlib.util.find_spec("pyarrow") is None:
        says = _("Parquet needs a library: pip install 'sales-allocator[parquet]'. Or save the table as CSV.")
        if all(f.rule != "library" for f in report.findings()):  # once is enough
            report.add_at("error", label, "library", says)
        return None
    import pyarrow as pa

    try:
        found = _read(path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0].rstrip(".")
        says = _("The file cannot be read as Parquet: {reason}.").format(reason=reason)
        report.add_at("error", label, "unreadable", says)
        return None
    headings = tuple(name.strip() for name in found.column_names)
    columns = [_column(found, i, label, report) for i in range(found.num_columns)]
    if not headings:
        report.add_at("error", label, "empty", _("The file is empty. It needs columns with headings."))
        return None
    cells = [c for c in columns if c is not None]
    if len(cells) < len(columns):
        return None
    return RawTable(table, label, headings, tuple(cells), np.arange(FIRST, FIRST + found.num_rows, dtype=np.int64))


def _read(path: Path) -> pa.Table:
    """Read a whole file, texts as words and codes; by one thread, as workers may be forked later."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        texts = [f.name for f in file.schema_arrow if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        return file.read(use_threads=False)


def _column(found: pa.Table, i: int, label: str, report: Report) -> Cells | None:
    """Cells of a column; None and a finding where they are not values that a table has."""
    import pyarrow as pa

    heading = found.column_names[i]
    try:
        return _cells(found.column(i))
    except UnicodeDecodeError:
        says = _("The texts of this column are not in UTF-8.")
        report.add_at("error", label, "encoding", says, column=heading)
    except pa.ArrowException:
        says = _("The column holds {kind}. Expected numbers, texts, dates or truth values.")
        report.add_at("error", label, "type", says.format(kind=found.schema.field(i).type), column=heading)
    return None


def _cells(values: pa.ChunkedArray) -> Cells:
    """Different words of a column and their codes.

    Raises
    ------
    pyarrow.ArrowException
        If the values are nested, or of a kind that has no text.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_null(values.type):
        return Cells(np.zeros(0, dtype=object), np.full(len(values), BLANK))
    if pa.types.is_list(values.type) or pa.types.is_large_list(values.type):
        values = pc.binary_join(values.cast(pa.list_(pa.string())), " ")
    if not pa.types.is_dictionary(values.type):
        values = pc.dictionary_encode(values, null_encoding="mask")
    whole = values.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):  # no rows
        return Cells(np.zeros(0, dtype=object), np.zeros(0, dtype=np.int64))
    codes = whole.indices.fill_null(BLANK).to_numpy(zero_copy_only=False)
    words = _words(whole.dictionary)
    return Cells(words, codes) if words.dtype != object else Cells.coded(words, codes)


def _words(values: pa.Array) -> NDArray[Any]:
    """Numbers as they are; all else as texts, as a CSV file would hold them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if (pa.types.is_floating(kind) or pa.types.is_integer(kind)) and not values.null_count:
        wide = values.cast(pa.float64()) if pa.types.is_floating(kind) else values
        return np.asarray(wide.to_numpy(zero_copy_only=False))
    if pa.types.is_date(kind):
        values = values.cast(pa.date32())
    elif pa.types.is_timestamp(kind) and kind.tz is not None:
        values = pc.local_timestamp(values)
    texts = ["" if text is None else text for text in values.cast(pa.string()).to_pylist()]
    if pa.types.is_boolean(kind):
        texts = [_FLAGS.get(text, text) for text in texts]
    elif pa.types.is_decimal(kind):
        texts = [text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text for text in texts]
    elif pa.types.is_timestamp(kind):
        texts = [_MIDNIGHT.sub("", text) for text in texts]
    return np.array(texts, dtype=object)
