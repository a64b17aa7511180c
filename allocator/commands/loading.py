"""A model as a command is given it: found, read in its language, under scenarios."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from allocator.commands.common import Session
from allocator.texts import _

if TYPE_CHECKING:
    from allocator.model import Model
    from allocator.scenarios.applying import Changed


@dataclass(frozen=True)
class Loaded:
    """A model that was read.

    Attributes
    ----------
    model : Model
    scenarios : tuple of str
        Names of the scenarios that hold.
    before : Model
        The model without them.
    changed : Changed or None
        What they changed.
    seconds : float
        Time of reading.
    """

    model: Model
    scenarios: tuple[str, ...]
    before: Model
    changed: Changed | None
    seconds: float


def scenario_option() -> click.Option:
    """Build ``-s``."""
    return click.Option(
        ["-s", "--scenario"], metavar="A+B", help=_("Scenarios that hold together; see allocator scenarios MODEL.")
    )


def run_name(path: Path, scenario: str | None) -> str:
    """Name of the folder of a run: the model's, and the scenarios'."""
    return path.resolve().stem + (f"-{scenario.replace(' ', '')}" if scenario else "")


def load_model(session: Session, path: Path, scenario: str | None = None, *, findings: bool = True) -> Loaded:
    """Read a model and apply scenarios; the session speaks its language and shows its findings.

    Raises
    ------
    InputError
        With all findings of the model, or of the scenarios.
    """
    from allocator.commands.language import chosen_language, language_of_model
    from allocator.reading import load

    session.speak(language_of_model(path))
    started = time.perf_counter()
    before, changed = load(path), None
    model = before
    names: tuple[str, ...] = ()
    session.speak(chosen_language(before))
    if scenario:
        from allocator.scenarios.applying import with_scenarios

        changed = with_scenarios(before, scenario)
        model, names = changed.model, tuple(s.name for s in changed.scenarios)
    if findings:
        session.findings(model.findings)
    return Loaded(model, names, before, changed, time.perf_counter() - started)
