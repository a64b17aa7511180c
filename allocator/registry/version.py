"""A published version, as it is read."""

from __future__ import annotations

from dataclasses import dataclass

from allocator.registry.approving import Need, State, Vote
from allocator.texts import N_, _

STATES = {
    "proposed": N_("proposed"),
    "approved": N_("approved"),
    "rejected": N_("rejected"),
    "superseded": N_("superseded"),
}


@dataclass(frozen=True)
class Step:
    """A state that a version came into, when, and the number of the version that superseded it."""

    state: State
    at: str
    by: str = ""


@dataclass(frozen=True)
class Version:
    """A published plan.

    Attributes
    ----------
    id : int
    number : str
        Document number, such as SN-GG-2026-01.
    company, model, start, title : str
        ``start`` is the first month of the plan.
    scenarios : tuple of str
    published_at : str
        ISO time, UTC.
    published_by, because : str
    replaces : str
        Number of the version that was in force; blank for a first one.
    moved : float or None
        Share of the base quotas that it moves; None for a first version.
    inputs_sha256, content_sha256 : str
        Hash of the model, and of all files.
    needs : tuple of Need
        Votes needed, with those so far.
    votes : tuple of Vote
    steps : tuple of Step
        Its states, the last one is in force.
    """

    id: int
    number: str
    company: str
    model: str
    start: str
    title: str
    scenarios: tuple[str, ...]
    published_at: str
    published_by: str
    because: str
    replaces: str
    moved: float | None
    inputs_sha256: str
    content_sha256: str
    needs: tuple[Need, ...]
    votes: tuple[Vote, ...]
    steps: tuple[Step, ...]

    @property
    def state(self) -> State:
        """Proposed, approved, rejected or superseded."""
        return self.steps[-1].state

    @property
    def state_in_words(self) -> str:
        """State in the language in force."""
        return _(STATES[self.state])

    @property
    def full_number(self) -> str:
        """Number, after the company's name where it has one."""
        return f"{self.company}/{self.number}" if self.company else self.number

    @property
    def signed_at(self) -> str:
        """Time (ISO, UTC) at which it was approved; blank if it never was."""
        return next((step.at for step in self.steps if step.state == "approved"), "")


def number_of(prefix: str, year: int, serial: int) -> str:
    """Document number."""
    return f"{prefix}-{year}-{serial:02d}"
