"""The command ``solve``."""

from __future__ import annotations

import contextvars
import functools
import importlib.util
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from allocator.commands.common import Command, Session, console, show
from allocator.commands.helping import Ahead, helpers
from allocator.commands.loading import Loaded, load_model, run_name, scenario_option
from allocator.commands.pinning import changes_of, pins_option, show_cost, solve_pinned
from allocator.commands.profiling import profile_option, show_profile
from allocator.commands.steps import step_name
from allocator.errors import EngineError
from allocator.places import find_model
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.plan import Plan
    from allocator.profiling import Profile

T = TypeVar("T")
Progress = Callable[[str], None]

EXIT_CODES = {"optimal": 0, "infeasible": 3, "feasible": 4, "limit": 4, "unbounded": 5, "error": 5}

PATIENCE = 1.0
"""Seconds after which progress is shown."""


def _seconds(text: str) -> float:
    """Read a time above 0."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise click.BadParameter(_("a number of seconds above 0 is expected"))
    return seconds


def seconds_option(text: str) -> click.Option:
    """Build ``--seconds``."""
    return click.Option(["--seconds"], type=_seconds, metavar="S", help=text)


def solve_command() -> click.Command:
    """Build ``allocator solve``."""
    short = _("Plan a model, write the run and say what came out.")
    text = _("MODEL is a folder, a workbook or the name of a shipped model.")
    return Command(
        "solve",
        _solve,
        short,
        text,
        [
            click.Argument(["model"]),
            scenario_option(),
            click.Option(
                ["-o", "--output"], metavar="DIR", help=_("Folder of the run; else runs/ and the model's name.")
            ),
            click.Option(["--strict"], is_flag=True, help=_("Promised visits and base targets must be reached.")),
            click.Option(
                ["--engine"], metavar="E", help=_("ortools, highs, pulp, or pulp:NAME, a solver that PuLP knows.")
            ),
            click.Option(
                ["--export"],
                type=click.Path(dir_okay=False, path_type=Path),
                help=_("Also write the program to a FILE ending in .mps or .lp."),
            ),
            click.Option(
                ["--keep"],
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                metavar="RUN",
                help=_("Keep the dates of an earlier run's visits where they still can be had."),
            ),
            click.Option(
                ["--format", "form"],
                type=click.Choice(["csv", "parquet"]),
                default="csv",
                help=_("What the tables of the run are: csv, or parquet."),
            ),
            pins_option(),
            seconds_option(_("Stop the search after so many seconds; what is not proved by then is no plan.")),
            profile_option(),
        ],
    )


def _solve(
    session: Session,
    model: str,
    scenario: str | None,
    output: str | None,
    strict: bool,
    engine: str | None,
    export: Path | None,
    keep: Path | None,
    form: str,
    pins: Path | None,
    seconds: float | None,
    profile: bool,
) -> int:
    from allocator.pages import PAGE, page_beside
    from allocator.profiling import Profile
    from allocator.reporting.run import check_place, summary_text, write_run

    if profile and pins is not None:
        raise click.UsageError(_("--profile and --pins do not go together."))
    if export is not None and export.suffix.lower() not in (".mps", ".lp"):
        raise click.BadParameter(_("a file ending in .mps or .lp is expected"), param_hint="--export")
    if form == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise EngineError(_("Parquet needs a library: pip install 'sales-allocator[parquet]'."))
    path = find_model(model)
    folder = Path(output) if output else Path("runs") / run_name(path, scenario)
    check_place(folder)
    kept = None
    if keep is not None:
        from allocator.commands.visiting import read_visits

        kept = read_visits(keep)
    loaded = load_model(session, path, scenario)
    if export is not None:
        from allocator import solving

        solving.export(loaded.model, export, strict=strict)
        session.say(_("{path}: the program").format(path=export))
    options: dict[str, Any] = {"engine": engine, "strict": strict, "seconds": seconds, "keep": kept}
    watch = Profile() if profile else None
    changes = None if pins is None else changes_of(session, pins, loaded.model)
    with helpers(loaded.model) as crew:
        if changes is None:
            plan = _planned(session, loaded, watch, **options, workers=crew)
        else:
            plan, figures = in_background(
                session, lambda progress: solve_pinned(loaded.model, changes, progress, **options)
            )
        plan = _completed(plan, loaded)
        if watch is not None:
            plan = replace(plan, summary={**plan.summary, "profile": watch.content()})
        page = functools.partial(page_beside, folder, plan) if plan.tables else None
        summary = write_run(plan, folder, parquet=form == "parquet", crew=crew, meanwhile=page)
    if page is not None:
        session.detail(_("{path}: open it in a browser").format(path=folder / PAGE))
    session.answer(json.loads(summary_text(summary)))
    if not session.json and not session.quiet:
        from allocator.reporting.summary import report

        show(report(plan, summary, folder))
        if changes is not None and figures:
            show_cost(plan, changes, figures)
        if watch is not None:
            show_profile(summary)
    elif plan.status != "optimal":
        for reason in plan.reasons:
            session.warn(reason)
    if plan.tables and summary["audit"]["violations"]:
        session.warn(_("The audit refuses this plan; please report it. It is written so that it can be looked into."))
        return EngineError.exit_code
    return EXIT_CODES.get(plan.status, EngineError.exit_code)


def _planned(session: Session, loaded: Loaded, watch: Profile | None, **options: Any) -> Plan:
    """Plan a model; what its plan will need is read while an engine is at work."""
    ahead = Ahead()

    def work(progress: Progress) -> Plan:
        from allocator import solving

        def told(step: str) -> None:
            ahead.start()
            progress(step)

        return solving.solve(loaded.model, **options, progress=told, profile=watch)

    return in_background(session, work)


def _completed(plan: Plan, loaded: Loaded) -> Plan:
    """The plan with the time of reading, the names of the scenarios, what they changed and which clients change hands."""
    times = dict(plan.summary["seconds"])
    times["read"] = loaded.seconds
    times["total"] = loaded.seconds + (times["total"] or 0.0)
    tables = dict(plan.tables)
    if loaded.changed is not None and tables:
        from allocator.scenarios.handing_over import handover

        tables["changes"] = loaded.changed.changes
        hands = handover(loaded.before, loaded.changed)
        tables |= {"handover": hands} if len(hands) else {}
    return replace(plan, tables=tables, summary={**plan.summary, "seconds": times, "scenarios": list(loaded.scenarios)})


def in_background(session: Session, work: Callable[[Progress], T]) -> T:
    """Do something long beside the main thread, which shows its progress and listens for Ctrl-C.

    An engine works outside Python; in the main thread it would keep Ctrl-C waiting until it is done.
    """
    done: list[T] = []
    failed: list[BaseException] = []
    steps: list[str] = []
    started = time.perf_counter()

    def progress(step: str) -> None:
        steps.append(step_name(step))
        session.detail(f"{time.perf_counter() - started:7.1f} s  {steps[-1]}")

    def run() -> None:
        try:
            done.append(work(progress))
        except BaseException as error:  # raised again in the main thread
            failed.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    try:
        _watch(thread, session, steps)
    except KeyboardInterrupt:
        session.abandoned = True
        raise
    if failed:
        raise failed[0]
    return done[0]


def _watch(thread: threading.Thread, session: Session, steps: list[str]) -> None:
    """Wait for a thread; show how it goes if it takes long and somebody looks on."""
    thread.join(PATIENCE)
    if not thread.is_alive() or not sys.stderr.isatty() or session.quiet or session.verbose:
        while thread.is_alive():
            thread.join(0.2)
        return
    from rich.progress import Progress as Bars
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn("line"), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Bars(*columns, console=console(sys.stderr), transient=True) as bars:
        task = bars.add_task(_("planning"), total=None)
        while thread.is_alive():
            thread.join(0.2)
            if steps:
                bars.update(task, description=steps[-1])
