"""Measure workbooks: ``python benchmarks/workbooks.py [ROWS] [REPS]``.

Reads a model whose history has so many rows (200,000 by default), with formulas and without, and writes ``plan.xlsx`` of a
generated model with so many reps (1,000 by default). Each part runs in a process of its own, whose largest memory is told.
The plan is solved first and kept in a file, so that only the writing is measured.
"""

from __future__ import annotations

import io
import multiprocessing
import pickle
import re
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from generate import generate

from allocator.reading import load, write_workbook
from allocator.reporting.plan_workbook import workbook_bytes
from allocator.reporting.run import findings_frame
from allocator.solving import solve


def with_history(folder: Path, rows: int) -> None:
    """Write a model of ten reps whose history has so many rows."""
    generate(folder, 10)
    model = load(folder)
    rng = np.random.default_rng(1)
    clients, products = model["clients"]["client"].to_numpy(object), model["products"]["product"].to_numpy(object)
    months = np.array([f"{y}-{m:02}" for y in range(1996, 2026) for m in range(1, 13)])
    most = len(clients) * len(products) * len(months)
    at = np.sort(rng.choice(most, rows, replace=False))
    pair, month = np.divmod(at, len(months))
    client, product = np.divmod(pair, len(products))
    frame = pd.DataFrame({"month": months[month], "client": clients[client], "product": products[product]})
    frame["amount"] = np.round(rng.uniform(100, 100_000, rows), 2)
    frame.to_csv(folder / "history.csv", index=False)


def with_formulas(source: Path, target: Path) -> None:
    """Copy a workbook in which every amount of the history (column H) is a formula with a stored value."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        largest = max((p for p in old.infolist() if "worksheets" in p.filename), key=lambda p: p.file_size)
        for part in old.infolist():
            content = old.read(part)
            if part is largest:
                content = re.sub(rb'(<c r="H\d+"[^>]*>)<v>', rb"\1<f>1*1</f><v>", content)
            new.writestr(part.filename, content)


def plan_of(reps: int, place: Path) -> None:
    """Solve a generated model, dated visits left out, and keep its plan."""
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder) / "model", reps)
        plan = solve(load(Path(folder) / "model"), visits=False)
    place.write_bytes(pickle.dumps(plan))


def write_plan(place: Path, target: Path) -> None:
    """Write the workbook of a plan that was kept."""
    plan = pickle.loads(place.read_bytes())
    target.write_bytes(workbook_bytes(plan, {**plan.tables, "findings": findings_frame(plan.findings)}))


def measured(work: Callable[..., object], *arguments: object) -> tuple[float, float, float]:
    """Seconds, processor seconds and largest memory in MB of a function in a process of its own."""
    receive, send = multiprocessing.get_context("spawn").Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(send, work, arguments))
    process.start()
    result: tuple[float, float, float] = receive.recv()
    process.join()
    return result


def _run(send: object, work: Callable[..., object], arguments: tuple[object, ...]) -> None:
    began, cpu = time.perf_counter(), time.process_time()
    work(*arguments)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    send.send((time.perf_counter() - began, time.process_time() - cpu, peak))  # type: ignore[attr-defined]


def main(arguments: list[str]) -> None:
    """Print a row for each measurement."""
    rows, reps = (int(arguments[k]) if len(arguments) > k else usual for k, usual in enumerate((200_000, 1_000)))
    out = io.StringIO()
    out.write("| what | file, MB | seconds | processor seconds | memory, MB |\n|---|---|---|---|---|\n")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with_history(folder / "model", rows)
        book, formulas = folder / "book.xlsx", folder / "formulas.xlsx"
        steps: list[tuple[str, Path, Callable[..., object], tuple[object, ...]]] = [
            (f"write a model with {rows:,} rows of history", book, _write_model, (folder / "model", book)),
            ("read it", book, load, (book,)),
        ]
        for name, file, work, given in steps:
            _tell(out, name, measured(work, *given), file)
        with_formulas(book, formulas)
        _tell(out, "read it, every amount a formula", measured(load, formulas), formulas)
        measured(plan_of, reps, folder / "plan.pickle")  # its memory is not to count for what follows
        plan = folder / "plan.xlsx"
        _tell(out, f"write plan.xlsx of {reps:,} reps", measured(write_plan, folder / "plan.pickle", plan), plan)
    sys.stdout.write(out.getvalue())


def _write_model(folder: Path, target: Path) -> None:
    write_workbook(load(folder), target)


def _tell(out: io.StringIO, name: str, figures: tuple[float, float, float], file: Path) -> None:
    seconds, cpu, peak = figures
    out.write(f"| {name} | {file.stat().st_size / 2**20:.1f} | {seconds:.1f} | {cpu:.1f} | {peak:,.0f} |\n")


if __name__ == "__main__":
    main(sys.argv[1:])
