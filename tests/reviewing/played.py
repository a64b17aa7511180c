"""A year as it might have gone: actuals made from a plan in force, as a company's systems would export them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

Factor = Callable[[pd.DataFrame], pd.Series]


def actual_rows(
    tables: Mapping[str, pd.DataFrame], months: tuple[str, ...], factor: Factor | float = 1.0
) -> pd.DataFrame:
    """Rows of ``actuals`` for some months: revenue by rep and product, visits by rep and tier, new clients, money by line.

    ``factor`` multiplies revenue; it may look at rep, product and month.
    """
    forecast, effort, won, budget = (tables[n] for n in ("forecast", "effort", "won", "budget"))
    sold = _sums(forecast[forecast["rep"] != ""], months, ["month", "rep", "product"], "sell")
    sold["amount"] *= factor if isinstance(factor, float) else factor(sold)
    parts = [sold.assign(metric="revenue")]
    parts.append(
        _sums(effort[effort["rep"] != ""], months, ["month", "rep", "tier"], "planned").assign(metric="visits")
    )
    first = _sums(effort[effort["rep"] != ""], months, ["month", "rep", "tier"], "first_visits")
    parts.append(first.assign(metric="first_visits"))
    new = _sums(won[won["rep"] != ""], months, ["month", "rep", "channel"], "won")
    parts.append(new.assign(metric="new_clients"))
    parts.append(_sums(budget, months, ["month", "line"], "spend").assign(metric="spend"))
    there = {(m, x) for p in parts if len(p) for m, x in zip(p["month"], p["metric"], strict=True)}
    absent = [
        (m, x) for x in ("revenue", "visits", "first_visits", "new_clients") for m in months if (m, x) not in there
    ]
    nothing = pd.DataFrame(absent, columns=["month", "metric"]).assign(amount=0.0)
    return pd.concat([*(p for p in parts if len(p)), nothing], ignore_index=True)


def write_actuals(path: Path, *rows: pd.DataFrame) -> Path:
    """Write rows as a CSV file."""
    pd.concat(rows, ignore_index=True).to_csv(path, index=False)
    return path


def _sums(frame: pd.DataFrame, months: tuple[str, ...], keys: list[str], column: str) -> pd.DataFrame:
    frame = frame[frame["month"].isin(months)].astype(dict.fromkeys(keys, "str"))
    return frame.groupby(keys)[column].sum().reset_index().rename(columns={column: "amount"})
