"""``commitments.csv``: what was offered, what is asked of the same cut, and both added up by unit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.formulation.arrays import positions
from allocator.model import LEVELS, Model
from allocator.program import Ints

COLUMNS = (
    *(
        "kind",
        "unit",
        "rep",
        "product",
        "period",
        "level",
        "asked",
        "committed",
        "difference",
        "uncommitted",
        "forecast",
    ),
    *("person", "date"),
)
COMMITMENT, UNIT = "commitment", "unit"
"""Kinds of rows: one that was offered, and a unit with all that was offered in it."""

REP = 1_000_000
"""Depth of a rep: below every unit."""


@dataclass(frozen=True)
class Offer:
    """A commitment over the rows of the quotas of its level.

    Attributes
    ----------
    row : int
        Its position in ``commitments``.
    home : str
        Unit that offers, or the rep's.
    depth : int
        How far below the top its author stands.
    cells : int array
        Rows of its cut.
    amount : float
    """

    row: int
    home: str
    depth: int
    cells: Ints
    amount: float


def commitments_table(model: Model, quotas: pd.DataFrame) -> pd.DataFrame:
    """What was offered beside what is asked: a row for each commitment, then one for each unit and level.

    Parameters
    ----------
    model : Model
    quotas : DataFrame
        rep, product, month, level, quota, forecast.

    Returns
    -------
    DataFrame
        Columns as in :data:`COLUMNS`. ``asked`` is the sum of the reps' quotas in the cut, ``difference`` what is asked of those who
        committed less what they committed, ``uncommitted`` what is asked where nobody did. In a unit no quota counts for two
        commitments: either those of higher units count before those of lower ones and of reps, or the other way round, whichever
        cover more quotas (a tie: the higher).
    """
    parts = []
    for level in LEVELS:
        table = quotas[quotas["level"] == level].reset_index(drop=True)
        offers = _offers(model, table, level)
        if offers:
            parts += [_each(model, table, offers), _by_unit(model, table, offers, level)]
    found = pd.concat(parts, ignore_index=True)[list(COLUMNS)]
    commitments = found["kind"] == COMMITMENT
    return pd.concat([found[commitments], found[~commitments]], ignore_index=True)


def _offers(model: Model, table: pd.DataFrame, level: str) -> list[Offer]:
    rows, reps = model["commitments"], model["reps"]
    known = {k: pd.Index(model[f"{k}s"][k].astype(object)) for k in ("rep", "product")}
    at = {k: index.get_indexer(table[k].astype(object)) for k, index in known.items()}
    month = positions(model.calendar.months, table["month"])
    home = reps["unit"].to_numpy(object)
    below = {u: np.array([u in model.ancestors[h] for h in home], bool) for u in {*rows["unit"]} - {""}}
    out = []
    for n in np.flatnonzero((rows["level"] == level).to_numpy()):
        unit, rep, product, period = (str(rows[k].iloc[n]) for k in ("unit", "rep", "product", "period"))
        held = np.isin(month, model.calendar.window(period))
        held &= below[unit][at["rep"]] if unit else True
        held &= at["rep"] == known["rep"].get_loc(rep) if rep else True
        held &= at["product"] == known["product"].get_loc(product) if product else True
        where = str(home[known["rep"].get_loc(rep)]) if rep else unit
        depth = REP if rep else len(model.ancestors[unit])
        out.append(Offer(int(n), where, depth, np.flatnonzero(held), float(rows["amount"].iloc[n])))
    return out


def _each(model: Model, table: pd.DataFrame, offers: Sequence[Offer]) -> pd.DataFrame:
    rows = model["commitments"].iloc[[o.row for o in offers]].reset_index(drop=True)
    quota, forecast = (table[c].to_numpy(float) for c in ("quota", "forecast"))
    asked = np.array([quota[o.cells].sum() for o in offers])
    frame = rows[["unit", "rep", "product", "period", "level", "person"]].assign(
        kind=COMMITMENT,
        asked=asked,
        committed=rows["amount"].astype(float),
        uncommitted=0.0,
        forecast=[forecast[o.cells].sum() for o in offers],
        date=rows["date"].dt.strftime("%Y-%m-%d").fillna(""),
    )
    return frame.assign(difference=frame["asked"] - frame["committed"])


def _by_unit(model: Model, table: pd.DataFrame, offers: Sequence[Offer], level: str) -> pd.DataFrame:
    quota, forecast = (table[c].to_numpy(float) for c in ("quota", "forecast"))
    home = model["reps"].set_index("rep")["unit"].reindex(table["rep"]).to_numpy(object)
    found = []
    for unit in model.ancestors:
        inside = np.array([unit in model.ancestors[u] for u in home], bool)
        counted = _counted([o for o in offers if unit in model.ancestors[o.home]], len(table))
        covered = float(sum(quota[o.cells].sum() for o in counted))
        asked, committed = float(quota[inside].sum()), float(sum(o.amount for o in counted))
        found.append((unit, asked, committed, covered - committed, asked - covered, float(forecast[inside].sum())))
    names = ["unit", "asked", "committed", "difference", "uncommitted", "forecast"]
    blank = dict.fromkeys(("rep", "product", "period", "person", "date"), "")
    return pd.DataFrame(found, columns=names).assign(kind=UNIT, level=level, **blank)


def _counted(offers: Sequence[Offer], size: int) -> list[Offer]:
    """Commitments of which no two count the same quota."""
    ways = [_taken(offers, size, down) for down in (1, -1)]
    cover = [sum(len(o.cells) for o in way) for way in ways]
    return ways[1] if cover[1] > cover[0] else ways[0]


def _taken(offers: Sequence[Offer], size: int, down: int) -> list[Offer]:
    """Take commitments from the top down or from the bottom up, the wider first, where nothing of them is taken yet."""
    taken, out = np.zeros(size, bool), []
    for offer in sorted(offers, key=lambda o: (down * o.depth, -len(o.cells), o.row)):
        if not taken[offer.cells].any():
            taken[offer.cells] = True
            out.append(offer)
    return out


def shares_of_units(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the units alone, those in which nobody committed left out."""
    units = table[table["kind"] == UNIT]
    return units[units["asked"] > units["uncommitted"]].reset_index(drop=True)
