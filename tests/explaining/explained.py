"""An explanation as tests look at it, and what several of their models have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from tight_models import Rows, demand

from allocator.explaining.explanation import Explanation
from allocator.explaining.report import report
from allocator.model import Model
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Scenario, Written
from allocator.texts import in_language

HERE = Written("broken", "1")
HARD = {"priority": "hard"}
PEOPLE: Rows = [{"rep": r, "unit": "u", "hours_per_day": 5, "selling_share": 0.2} for r in ("ann", "bob")]
TWO: Mapping[str, Rows] = {
    "reps": PEOPLE,
    "clients": [{"client": c, "tier": "A", "owner": r} for c, r in (("c", "ann"), ("d", "bob"))],
    "demand": demand(1000, 1000, ("c", "p"), ("d", "p")),
}

JARGON = re.compile(
    r"\b(rows?|columns?|duals?|prices?|slack|solver|feasib\w*|infeasib\w*|constraints?|program|variables?|LP|MIP|IIS|Farkas)\b|对偶|约束条件|松弛|不可行|线性规划|变量|求解器",
    re.IGNORECASE,
)
"""Words that someone who has never heard of linear programming does not know."""


def written_text(found: Explanation, language: str = "en") -> str:
    """What stands on a screen of 80 columns."""
    with in_language(language):
        console = Console(width=80, highlight=False, markup=False, emoji=False)
        with console.capture() as capture:
            console.print(report(found))
    return capture.get()


def gaps(found: Explanation) -> dict[str, float]:
    """Kinds and names of the items of the only clash, and what is missing of each."""
    (problem,) = found.problems
    (told,) = problem.told
    return {" ".join([m.item.kind, *(v for v in m.item.labels.values() if v)]): round(m.gap, 6) for m in told.missing}


def ways(found: Explanation) -> dict[str, dict[str, float]]:
    """Ways out by kind: what changes by how much."""
    (problem,) = found.problems
    return {
        r.kind: {" ".join(v for k, v in p.what.items() if k not in ("reps", "bound")): p.amount for p in r.parts}
        for r in problem.repairs
    }


def changed(model: Model, changes: Any) -> Model:
    """The model with changes of its tables."""
    return apply_steps(model, [(Scenario("s", "", HERE), changes)]).model


def readable(found: Explanation) -> bool:
    """Whether what is printed, in either language, fits 80 columns and has no word that takes a solver to know."""
    texts = [written_text(found, language) for language in ("en", "zh")]
    return not any(JARGON.search(text) for text in texts) and max(map(cell_len, "\n".join(texts).split("\n"))) <= 80
