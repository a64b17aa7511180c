"""Rules: families of rows, each one function whose identity is a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Rule(Generic[P, R]):
    """A function that adds a family of rows, and what the rows say.

    Attributes
    ----------
    sentence : str
        Its identity; also the name of the row family in a program.
    unit : str
        Unit of a row's activity.
    index : str
        What there is a row for ("rep, month").
    function : callable
    """

    sentence: str
    unit: str
    index: str
    function: Callable[P, R]

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Add the rows."""
        return self.function(*args, **kwargs)


AnyRule = Rule[Any, Any]
RULES: dict[str, AnyRule] = {}


def rule(sentence: str, *, unit: str, index: str) -> Callable[[Callable[P, R]], Rule[P, R]]:
    """Declare the rule that a function adds to a program."""

    def declare(function: Callable[P, R]) -> Rule[P, R]:
        declared = Rule(sentence, unit, index, function)
        declared.__dict__["__doc__"] = function.__doc__
        RULES[sentence] = declared
        return declared

    return declare
