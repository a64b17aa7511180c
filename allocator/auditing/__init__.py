"""The audit: every rule recomputed from the input tables and the output files alone.

Nothing here comes from the formulation, the program or an engine; ``docs/mathematics.md`` and ``docs/outputs.md`` are
all it knows. :func:`audit` checks, :func:`kpis` and :func:`goals` recompute the numbers that reports print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from allocator.auditing.actions import check_actions
from allocator.auditing.book import TOLERANCE, Audit, Book
from allocator.auditing.breakdown import check_breakdown, quotas_by_period
from allocator.auditing.case import Case, open_case
from allocator.auditing.commitments import check_commitments
from allocator.auditing.days import money_of
from allocator.auditing.effort import check_effort
from allocator.auditing.exact import check_exact
from allocator.auditing.files import COLUMNS, read_run
from allocator.auditing.happened import check_happened
from allocator.auditing.layout import lay_out_quotas
from allocator.auditing.money import check_budget, check_effects
from allocator.auditing.quotas import check_quotas
from allocator.auditing.sales import check_sales
from allocator.auditing.targets import check_targets
from allocator.auditing.values import goal_values, key_figures
from allocator.model import Model

__all__ = ["COLUMNS", "TOLERANCE", "Audit", "audit", "examine", "goals", "kpis", "read_run"]


def audit(model: Model, tables: Mapping[str, pd.DataFrame]) -> Audit:
    """Check a run against its model.

    Parameters
    ----------
    model : Model
    tables : mapping of str to DataFrame
        Output files under their names without ending, from :func:`read_run` or a plan. What is missing, doubled or no
        number is a violation and never an error.
    """
    book = Book()
    _check(book, tables, open_case(book, model, tables), _unwatched)
    return book.close()


def examine(
    model: Model, tables: Mapping[str, pd.DataFrame], lap: Callable[[str], None] | None = None
) -> tuple[Audit, dict[str, float]]:
    """Audit a run and recompute its key figures, reading the tables once; see :func:`audit` and :func:`kpis`.

    ``lap`` is told the name of each part when it is done.
    """
    book, lap = Book(), lap or _unwatched
    case = open_case(book, model, tables)
    lap("read")
    _check(book, tables, case, lap)
    figures = key_figures(case)
    lap("key figures")
    return book.close(), figures


def _unwatched(_part: str) -> None:
    """Let a part end without a word."""


def _check(book: Book, tables: Mapping[str, pd.DataFrame], case: Case, lap: Callable[[str], None]) -> None:
    check_effort(book, case)
    lap("effort")
    check_sales(book, case)
    lap("sales")
    check_happened(book, case)
    check_budget(book, case)
    check_effects(book, case)
    lap("money")
    check_targets(book, case)
    lap("targets")
    levels, money = lay_out_quotas(case), money_of(case.model)
    check_quotas(book, case, levels)
    lap("quotas")
    check_exact(book, case, money, levels)
    lap("sums")
    by_period = quotas_by_period(case, money, levels)
    check_breakdown(book, case, money, levels, by_period)
    lap("days")
    check_actions(book, case, money, by_period[0])
    lap("actions")
    check_commitments(book, case, tables, levels)
    lap("commitments")


def kpis(model: Model, tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Recompute the key figures of ``summary.json``.

    Returns
    -------
    dict of str to float
        revenue, profit, contribution, spend, commission (at 100 %), collections (in the plan, history included),
        new_clients, visits_promised, visits_planned (first visits apart).
    """
    return key_figures(open_case(Book(), model, tables))


def goals(model: Model, tables: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Recompute the goals of both programs.

    Returns
    -------
    dict of str to float
        visits; ``base 1 largest``, ``base 1 sum`` and so on for every level and priority (largest relative miss,
        weighted sum); contribution; of the quotas ``base beyond``, ``base gap 1 largest`` and so on (hard is 0), ``base total``,
        ``base unfair``, ``base peak``, and the same of stretch and ceiling.
    """
    return goal_values(open_case(Book(), model, tables))
