"""All health checks of a year so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from allocator.errors import Finding
from allocator.health.figures import figure_checks
from allocator.health.funnels import conversion_checks, conversions, pipeline_checks
from allocator.health.limits import NOT_MADE, WARNING, checks_frame
from allocator.health.people import client_checks, client_table, rep_checks, win_back
from allocator.health.serving import cash_checks, segment_checks, visit_checks
from allocator.health.shifting import propose, solved
from allocator.health.year import Year
from allocator.model import Model
from allocator.reviewing.actuals import Actuals
from allocator.reviewing.published import Published

Progress = Callable[[str], None]
FOLDER = "health"


@dataclass(frozen=True)
class Health:
    """What the health checks found.

    Attributes
    ----------
    checks : DataFrame
        check, scope, verdict (good, warning, not made, nothing), value, threshold, says.
    conversion : DataFrame
        See :func:`allocator.health.funnels.conversions`.
    win_back : DataFrame
        See :func:`allocator.health.people.win_back`.
    shift, effect : DataFrame
        Money that should move between lead channels, and what a plan makes of it: see :class:`allocator.health.shifting.Shift`.
    """

    checks: pd.DataFrame
    conversion: pd.DataFrame
    win_back: pd.DataFrame
    shift: pd.DataFrame
    effect: pd.DataFrame

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Warnings, and notes for checks that could not be made."""
        severity = {WARNING: "warning", NOT_MADE: "note"}
        return tuple(
            Finding(severity[row["verdict"]], "actuals", "", row["check"], row["scope"], "health", row["says"])  # type: ignore[arg-type]
            for row in self.checks.to_dict("records")
            if row["verdict"] in severity
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Frames by the names of their files."""
        return {
            "checks": self.checks,
            "conversion": self.conversion,
            "win_back": self.win_back,
            "shift": self.shift,
            "effect": self.effect,
        }

    def files(self) -> dict[str, pd.DataFrame]:
        """Frames by their path in a run folder."""
        return {f"{FOLDER}/{name}": frame for name, frame in self.tables().items()}


def health_checks(
    model: Model,
    actuals: Actuals,
    plan: Published | None = None,
    *,
    what_if: bool = True,
    progress: Progress | None = None,
) -> Health:
    """Hold what happened against what a healthy business shows.

    Parameters
    ----------
    model : Model
        The business as it is now; its table ``thresholds`` says when a check warns.
    actuals : Actuals
        What happened, and the day up to which.
    plan : Published, optional
        The plan in force: without it the sales of new reps cannot be judged, and a what-if plans the year first.
    what_if : bool
        Whether the effect of moving money between lead channels is worked out, where that is proposed.
    progress : callable, optional
        Told what is solved next.
    """
    year = Year(model, actuals, plan)
    conversion = conversions(year)
    clients = client_table(year)
    shift = propose(year, conversion)
    if what_if:
        shift = solved(year, shift, conversion, progress)
    checks = [
        *pipeline_checks(year),
        *conversion_checks(year, conversion),
        *shift.checks,
        *visit_checks(year),
        *segment_checks(year),
        *cash_checks(year),
        *client_checks(year, clients),
        *rep_checks(year),
        *figure_checks(year),
    ]
    return Health(checks_frame(checks), conversion, win_back(year, clients), shift.moves, shift.effect)
