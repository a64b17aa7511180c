"""The command ``visits``: a rep's week, and calendar files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from allocator.commands.common import Command, Session
from allocator.errors import Finding, InputError
from allocator.texts import _

if TYPE_CHECKING:
    import pandas as pd


def visits_command() -> click.Command:
    """Build ``allocator visits``."""
    short = _("Show a rep's week of visits, or write calendar files.")
    text = _("RUN is a folder that a solve has written. Without --week the first week with visits is shown.")
    return Command(
        "visits",
        _visits,
        short,
        text,
        [
            click.Argument(["run"], type=click.Path(path_type=Path)),
            click.Option(["--rep"], metavar="R", help=_("The rep; with --ics all reps by default.")),
            click.Option(["--week"], metavar="W", help=_("ISO week, such as 2026-W15.")),
            click.Option(
                ["--ics"],
                metavar="DIR",
                type=click.Path(file_okay=False, path_type=Path),
                help=_("Write an iCalendar file for each rep into this folder."),
            ),
        ],
    )


def _visits(session: Session, run: Path, rep: str | None, week: str | None, ics: Path | None) -> None:
    from allocator.commands.language import chosen_language
    from allocator.reporting.run import open_run

    model, summary = open_run(run)
    session.speak(chosen_language(model))
    visits = read_visits(run)
    known = list(model["reps"]["rep"])
    if rep is not None and rep not in known:
        from allocator.schema.findings import did_you_mean

        raise _refused(run, _("There is no such rep.") + did_you_mean(rep, known), rep)
    if ics is not None:
        _write_calendars(session, model, visits, [rep] if rep else known, ics, summary)
        return
    if rep is None:
        raise click.UsageError(_("Say whose visits with --rep, or write all calendars with --ics."))
    _show_week(session, model, visits, rep, week)


def read_visits(run: Path) -> pd.DataFrame:
    """Read the dated visits of a run.

    Raises
    ------
    InputError
        If the run has none.
    """
    import pandas as pd

    if (run / "visits.parquet").is_file():
        return pd.read_parquet(run / "visits.parquet")
    if not (run / "visits.csv").is_file():
        raise _refused(run, _("The run has no visits.csv."), "visits.csv")
    return pd.read_csv(
        run / "visits.csv", keep_default_na=False, dtype=dict.fromkeys(("client", "rep", "owner", "with"), "str")
    )


def _show_week(session: Session, model: Any, visits: pd.DataFrame, rep: str, week: str | None) -> None:
    import pandas as pd

    from allocator.visits.week import week_text

    mine = visits[(visits["rep"].astype(str) == rep) | (visits["with"].astype(str) == rep)]
    if week is None:
        first = pd.Timestamp(mine["date"].min() if len(mine) else model.calendar.days[0])
        year, number, _day = first.isocalendar()
        week = f"{year}-W{number:02d}"
    try:
        text = week_text(model, visits, rep, week)
    except ValueError as error:
        raise click.BadParameter(_("a week such as 2026-W15 is expected"), param_hint="--week") from error
    if not session.json and not session.quiet:
        click.echo(text)
    days = pd.to_datetime(mine["date"]).dt.strftime("%G-W%V")
    session.answer({"status": "done", "rep": rep, "week": week, "visits": mine[days == week].to_dict("records")})


def _write_calendars(
    session: Session, model: Any, visits: pd.DataFrame, reps: list[str], folder: Path, summary: dict[str, Any]
) -> None:
    from allocator.visits.calendars import write_calendars

    stamp = dt.datetime.fromisoformat(summary["started_at"])
    written = [str(path) for path in write_calendars(model, visits, folder, reps, stamp=stamp)]
    session.say(_("{folder}: {count} calendar files").format(folder=folder, count=len(written)))
    session.answer({"status": "done", "files": written})


def _refused(run: Path, says: str, value: str) -> InputError:
    return InputError([Finding("error", str(run), "", "", value, "place", says)])
