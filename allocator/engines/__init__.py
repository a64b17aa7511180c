"""Engines: small adapters around solvers, chosen by name."""

from __future__ import annotations

from allocator.engines.status import Engine
from allocator.errors import EngineError
from allocator.texts import _


def engine(name: str) -> Engine:
    """Return the engine called ``name``: ``ortools``, ``highs``, ``pulp`` (CBC) or ``pulp:NAME``.

    ``pulp:NAME`` is any solver that PuLP knows. A solver is imported when it is asked for and not before.

    Raises
    ------
    EngineError
        If there is no such engine, or its solver is not installed or has no licence.
    """
    word, _colon, solver = name.strip().partition(":")
    match word.lower(), solver:
        case "ortools", "":
            from allocator.engines.ortools import OrTools

            return OrTools()
        case "highs", "":
            from allocator.engines.highs import Highs

            return Highs()
        case "pulp", _solver:
            from allocator.engines.pulp import pulp_engine

            return pulp_engine(solver)
    raise EngineError(
        _("There is no engine {name}. Take one of: ortools, highs, pulp, pulp:NAME (a solver that PuLP knows).").format(
            name=repr(name)
        )
    )
