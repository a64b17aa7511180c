"""The command ``batch``."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from allocator.commands.common import Command, Session, console, show
from allocator.errors import EngineError
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.batches.batch import Batch
    from allocator.batches.index import Entry
    from allocator.batches.processes import Executor
    from allocator.batches.running import Step

NOT_PASSED = 6
"""Exit code where a case failed or a rule is broken."""

INTERRUPTED = 130


def batch_command() -> click.Command:
    """Build ``allocator batch``."""
    short = _("Plan many cases unattended and judge them by rules.")
    text = _("FILE names models, scenarios, options and rules. The same command goes on where a run was stopped.")
    return Command(
        "batch",
        _batch,
        short,
        text,
        [
            click.Argument(["file"], type=click.Path(exists=True, dir_okay=False, path_type=Path)),
            click.Option(
                ["-o", "--output"], metavar="DIR", help=_("Folder of the results; else runs/ and the name of the file.")
            ),
            click.Option(
                ["--workers"],
                type=click.IntRange(min=1),
                metavar="N",
                help=_("Cases planned at a time; by default as many as there are cores."),
            ),
            click.Option(
                ["--executor"],
                type=click.Choice(["process", "ray"]),
                default="process",
                help=_("Where cases are planned: processes of this machine, or a Ray cluster."),
            ),
            click.Option(
                ["--address"], metavar="A", help=_("Address of a Ray cluster; without it one is started here.")
            ),
            click.Option(["--retry"], is_flag=True, help=_("Plan again what failed before.")),
        ],
    )


def _batch(
    session: Session,
    file: Path,
    output: str | None,
    workers: int | None,
    executor: str,
    address: str | None,
    retry: bool,
) -> int:
    from allocator.batches import running
    from allocator.batches.store import open_store

    if address is not None and executor != "ray":
        raise click.BadParameter(_("it is for --executor ray"), param_hint="--address")
    batch, crossing = running.read(file)
    session.speak(batch.language)
    if batch.parquet and importlib.util.find_spec("pyarrow") is None:
        raise EngineError(
            _("Parquet needs a library: pip install 'sales-allocator[parquet]'. Or write format: csv in the batch.")
        )
    folder = Path(output) if output else Path("runs") / batch.name
    make = _executor(executor, workers, address)
    with open_store(folder) as store, _watching(session) as shown, _heeding(shown) as told:
        prepared = running.prepare(batch, crossing.planned)
        try:
            found = running.run(batch, prepared, store, make, retry=retry, progress=told)
        except KeyboardInterrupt:
            done = sum(store.summary(one.task.hash) is not None for one in prepared)
            says = _("Stopped. {done} of {all} cases are done and kept; the same command goes on.")
            session.warn(says.format(done=done, all=len(prepared)))
            return INTERRUPTED
    _answer(session, batch, found, folder)
    if not session.json and not session.quiet:
        from allocator.batches.showing import batch_report

        show(batch_report(batch, found, folder, crossing.left_out))
    elif session.quiet:
        for entry in found:
            if entry.passed is False:
                session.warn(f"{entry.case.name}: {_('; ').join(entry.reasons)}")
    return 0 if all(entry.passed is not False for entry in found) else NOT_PASSED


@contextlib.contextmanager
def _heeding(shown: Callable[[Step], None]) -> Iterator[Callable[[Step], None]]:
    """Raise Ctrl-C once more at the next step: Python drops it where it comes while an object is finalised."""
    if threading.current_thread() is not threading.main_thread():
        yield shown
        return
    pressed = threading.Event()

    def told(step: Step) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        shown(step)

    def press(number: int, frame: FrameType | None) -> None:
        pressed.set()
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, press)
    try:
        yield told
    finally:
        signal.signal(signal.SIGINT, before)


def _executor(kind: str, workers: int | None, address: str | None) -> Callable[[int], Executor]:
    """How to make workers for so many tasks."""

    def make(tasks: int) -> Executor:
        if kind == "ray":
            from allocator.batches.rays import Cluster

            return Cluster(workers, address)
        from allocator.batches.processes import Processes

        return Processes(min(workers or os.cpu_count() or 1, tasks))

    return make


def _answer(session: Session, batch: Batch, found: list[Entry], folder: Path) -> None:
    from allocator.batches.index import index_row

    bad = sum(entry.passed is False for entry in found)
    answer: dict[str, Any] = {
        "status": "failed" if bad else "done",
        "batch": batch.name,
        "folder": str(folder),
        "counts": {"cases": len(found), "not_passed": bad},
        "cases": [{**index_row(entry), "reasons": list(entry.reasons)} for entry in found],
    }
    session.answer(answer)


@contextlib.contextmanager
def _watching(session: Session) -> Iterator[Callable[[Step], None]]:
    """Show how far a batch is: a bar on a terminal, lines for those who want to know more."""

    def lines(step: Step) -> None:
        if step.ended:
            words = {"done": _("done"), "failed": _("failed"), "died": _("worker lost, tried again")}
            reason = f": {step.reason}" if step.reason else ""
            session.detail(f"{step.ready}/{step.all}  {step.name}  {words[step.ended]}{reason}")

    if not sys.stderr.isatty() or session.quiet or session.verbose:
        yield lines
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(24), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console(sys.stderr), transient=True) as bars:
        bar = bars.add_task(_("reading"), total=None)

        def moved(step: Step) -> None:
            failed = _("{count} failed").format(count=step.failed) if step.failed else ""
            name = step.name if step.name and not step.ended else ""
            text = " · ".join(filter(None, (failed, name)))
            bars.update(bar, total=step.all, completed=step.ready, description=text if step.name else None)

        yield moved
