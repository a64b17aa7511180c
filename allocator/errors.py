"""Findings and the errors that end a command, each with its exit code."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, order=True)
class Finding:
    """One thing wrong or doubtful in the input.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        An error refuses the input; a warning and a note do not.
    table : str
        Table or file it stands in, as the user named it (``clients.csv``, ``mine.xlsx[clients]``).
    row : str
        Row number as the user's editor counts it, or the sheet's cell; blank for the whole table.
    column, value : str
        Heading and content of the cell; blank where none.
    rule : str
        Short code of what was expected (``reference``, ``duplicate``, ``number`` …).
    says : str
        A sentence in the user's language: what is wrong and what to do.
    """

    severity: Severity
    table: str
    row: str
    column: str
    value: str
    rule: str
    says: str


class AllocatorError(Exception):
    """Base of all errors with a message for the user; ``exit_code`` is the command's."""

    exit_code = 5


class InputError(AllocatorError):
    """The input is malformed; all its findings are in ``findings``."""

    exit_code = 2

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings: tuple[Finding, ...] = tuple(findings)
        super().__init__("\n".join(f.says for f in self.findings if f.severity == "error"))


class InfeasibleError(AllocatorError):
    """Hard rules contradict each other; no plan exists."""

    exit_code = 3


class EngineError(AllocatorError):
    """An engine or the machine failed (numerics, memory, disk)."""

    exit_code = 5


class MissingValueError(AllocatorError):
    """A value was asked for that this plan has not got."""
