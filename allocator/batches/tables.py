"""Files of a whole batch: the index, the key figures beside those of the base, and single tables of all cases."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pandas as pd

from allocator.batches.batch import TABLES, Batch
from allocator.batches.index import Entry, index_frame
from allocator.batches.rules import MEASURES
from allocator.batches.store import Store
from allocator.reporting.table_text import csv_parts

INDEX = "index"
KEY_FIGURES = "kpis"


def write_tables_of(batch: Batch, found: Sequence[Entry], store: Store) -> None:
    """Write the files of the batch, each in the place of an older one at once."""
    ending, other = ("parquet", "csv") if batch.parquet else ("csv", "parquet")
    planned = [entry for entry in found if entry.figures]
    for name in TABLES:
        places = [(e, store.place(e.hash) / f"{name}.{ending}") for e in planned if name in batch.tables]
        there = [(e, path) for e, path in places if path.is_file()]
        if there:
            store.replace(f"{name}.{ending}", _joined_parquet(there) if batch.parquet else _joined_csv(there))
        for stale in (other,) if there else (other, ending):
            (store.folder / f"{name}.{stale}").unlink(missing_ok=True)
    for name, frame in ((KEY_FIGURES, kpi_frame(found)), (INDEX, index_frame(found))):
        store.replace(f"{name}.{ending}", [frame.to_parquet(index=False)] if batch.parquet else csv_parts(frame))
        (store.folder / f"{name}.{other}").unlink(missing_ok=True)


def kpi_frame(found: Iterable[Entry]) -> pd.DataFrame:
    """Return what rules may speak of, a row for each case and measure, beside the base's."""
    rows = [
        (
            *(entry.case.name, entry.model, entry.case.scenario, entry.case.variation, measure),
            *(entry.figures[measure], (entry.base or {}).get(measure)),
        )
        for entry in found
        if entry.figures
        for measure in MEASURES
    ]
    frame = pd.DataFrame(rows, columns=["case", "model", "scenario", "varied", "measure", "value", "base"])
    return frame.astype({"value": "float64", "base": "float64"})


def _joined_csv(there: Sequence[tuple[Entry, Path]]) -> Iterator[bytes]:
    """One table of all cases, with the case in front; results of one batch have the same columns."""
    for k, (entry, path) in enumerate(there):
        text = io.StringIO(newline="")
        writer = csv.writer(text, lineterminator="\n")
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            heading = next(rows)
            if not k:
                writer.writerow(["case", *heading])
            writer.writerows([entry.case.name, *row] for row in rows)
        yield text.getvalue().encode()


def _joined_parquet(there: Sequence[tuple[Entry, Path]]) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = []
    for entry, path in there:
        table = pq.read_table(path)
        tables.append(table.add_column(0, "case", pa.array([entry.case.name] * len(table), pa.string())))
    buffer = io.BytesIO()
    pq.write_table(pa.concat_tables(tables, promote_options="permissive"), buffer)
    yield buffer.getvalue()
