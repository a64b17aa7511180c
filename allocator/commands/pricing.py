"""What ``explain`` says of prices and of a rep's quota."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.commands.common import Session, show
from allocator.commands.loading import load_model
from allocator.commands.running import in_background
from allocator.places import find_model
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.model import Model

PRICES = "prices.csv"


def limit_option(text: str, name: str = "--limit", target: str = "limits") -> click.Option:
    """Build ``--limit``."""
    return click.Option([name, target], multiple=True, metavar="LIMIT", help=text)


def pricing_params() -> list[click.Parameter]:
    """Options of ``explain`` that ask for prices, or for a rep's quota."""
    return [
        click.Option(["--prices"], is_flag=True, help=_("Say what a little more of each limit that binds is worth.")),
        limit_option(_("Price this limit, such as line=fairs, budget, 'hours unit=East'; may be given several times.")),
        click.Option(["--rep"], metavar="R", help=_("Say how this rep's quota came about.")),
    ]


def is_run(place: str) -> bool:
    """Whether a place is the folder of a run."""
    return (Path(place) / "summary.json").is_file()


def opened(session: Session, place: str, scenario: str | None) -> Model:
    """The model of a run, or a model under scenarios."""
    if is_run(place):
        from allocator.commands.language import chosen_language
        from allocator.reporting.run import open_run

        if scenario:
            raise click.UsageError(_("A run holds its scenarios already; leave out -s."))
        model, _summary = open_run(Path(place))
        session.speak(chosen_language(model))
        return model
    return load_model(session, find_model(place), scenario, findings=False).model


def explain_prices(session: Session, place: str, scenario: str | None, limits: tuple[str, ...], *, strict: bool) -> int:
    """Price limits, and write ``prices.csv`` into a run."""
    from allocator.explaining.limits import parse_limit
    from allocator.explaining.prices import prices
    from allocator.explaining.pricing import as_mapping, report
    from allocator.formulation.grain import make_grain
    from allocator.reporting.priced import WORKBOOK, add_prices
    from allocator.reporting.run import replace_file
    from allocator.reporting.table_text import csv_parts

    model = opened(session, place, scenario)
    chosen = [parse_limit(model, make_grain(model), text) for text in limits] or None
    found = in_background(session, lambda progress: prices(model, chosen, strict=strict, progress=progress))
    if not session.json and not session.quiet:
        show(report(found))
    if is_run(place):
        path = Path(place) / PRICES
        replace_file(path, csv_parts(found.table()))
        session.say(_("{path}: all of it").format(path=path))
        if not add_prices(Path(place), found.table()):
            says = _("{path} was changed since the run and stays as it is: it gets no sheet of prices.")
            session.say(says.format(path=Path(place) / WORKBOOK))
    session.answer({"status": "done", "model": model.name} | as_mapping(found))
    return 0


def explain_rep(session: Session, place: str, scenario: str | None, rep: str, *, strict: bool) -> int:
    """Say how a rep's quota came about."""
    from allocator.explaining.why import why
    from allocator.explaining.why_screen import as_mapping, report

    model = opened(session, place, scenario)
    found = in_background(session, lambda progress: why(model, rep, strict=strict, progress=progress))
    if not session.json and not session.quiet:
        show(report(found))
    session.answer({"status": "done", "model": model.name} | as_mapping(found))
    return 0
