"""The rulebook of the effort program: what can be sold with what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.binding import ASKED
from allocator.explaining.rulebook import Bools, Rulebook, collected
from allocator.formulation.effort import Effort, effort_program
from allocator.formulation.freezing import ended
from allocator.formulation.grain import Grain, grain_like
from allocator.model import Model
from allocator.program import Family, Floats, Ints, Program

MOST = "A budget line keeps its window and its limits"


def effort_rules(model: Model, *, strict: bool = False, grain: Grain | None = None) -> tuple[Rulebook, Effort]:
    """Group the effort program of a model into items.

    Parameters
    ----------
    model : Model
    strict : bool
        Promised visits and base targets are hard.
    grain : Grain, optional
        Of the model, or of one with the same clients.

    Returns
    -------
    rulebook : Rulebook
        In its program every wish holds: no target is missed, no promise short, no line overrun.
    effort : Effort
        The effort program as it is solved.
    """
    lines = model["budget"]
    shut = ((lines["maximum"] <= 0) & ~lines["may_overrun"].astype(bool)).to_numpy(bool)
    opened = _opened(model, shut)
    effort = _shut(effort_program(opened, strict=strict, grain=grain_like(grain, opened)), shut)
    program, bounds = _with_wishes(effort)
    return collected(model, program, (*_of_rows(effort, model), *_targets(effort), *bounds)), effort


def _opened(model: Model, shut: Bools) -> Model:
    """The model in which lines that may spend nothing have columns too, so that their limits can be asked about."""
    if not shut.any():
        return model
    lines = model["budget"]
    opened = lines.assign(maximum=lines["maximum"].where(~shut, 1.0))
    return replace(model, tables={**model.tables, "budget": opened})


def _shut(effort: Effort, shut: Bools) -> Effort:
    """The effort program in which lines that stood open while it was written may spend nothing again."""
    if not shut.any():
        return effort
    program = effort.program
    row_upper = program.row_upper.copy()
    row_upper[program.family(MOST).slice][shut] = 0.0
    return replace(effort, program=program.with_bounds(program.lower, program.upper, program.row_lower, row_upper))


def _with_wishes(effort: Effort) -> tuple[Program, list[pd.DataFrame]]:
    """The program in which every wish holds, those on columns as rows at its end, and the atoms of these rows."""
    draft, program = effort.draft, effort.program
    grain, strict = draft.grain, draft.strict
    lower, upper = program.lower.copy(), program.upper.copy()
    misses = draft.tables["misses"]
    misses = misses[misses["row"] >= 0]
    misses = misses[~ended(grain.model, effort.rows.table.iloc[misses["row"]])]
    upper[misses["column"].to_numpy(int)] = 0.0
    within, family = draft.columns["within"], program.family("effort")
    group, month = (_codes(family, label)[within - family.start] for label in ("group", "month"))
    open_ = month + _spans(grain, group, month) > grain.model.past  # of windows that are over nothing is asked
    within, group, month = within[open_], group[open_], month[open_]
    lower[within] = 0.0
    _open_tails(effort, upper)
    key, row = np.unique(group * grain.months + month, return_inverse=True)
    g, t = np.divmod(key, grain.months)
    promise = grain.promise[g, t]
    over = draft.columns["overrun"][draft.columns["overrun"] >= 0]
    lines = draft.tables["lines"].loc[draft.columns["overrun"] >= 0]
    size = len(key), len(over)
    extra = sp.csr_array(
        sp.coo_array(
            (
                np.ones(len(within) + len(over)),
                (np.concatenate([row, size[0] + np.arange(len(over))]), np.concatenate([within, over])),
            ),
            shape=(sum(size), program.shape[1]),
        )
    )
    begin = program.shape[0]
    atoms = [
        _people(grain, g).assign(
            row=begin + np.arange(size[0]),
            side=1,
            kind="promise",
            goal=not strict,
            measure="visits",
            held=promise,
            size=max(float(promise.mean()), 1e-9) if len(promise) else 1.0,
            month=t,
            span=_spans(grain, g, t),
        ),
        pd.DataFrame(
            {
                "row": begin + size[0] + np.arange(len(over)),
                "side": -1,
                "kind": "within",
                "goal": True,
                "measure": "money",
                "line": lines["line"].to_numpy(object),
                "held": lines["maximum"].to_numpy(float),
                "factor": np.where(lines["maximum"] > 0, lines["maximum"], 1.0),
            }
        ),
    ]
    wishes = Family("Wishes", "", begin, begin + sum(size), {})
    row_upper = program.row_upper
    held = replace(
        program,
        lower=lower,
        upper=upper,
        matrix=sp.csr_array(sp.vstack([program.matrix, extra], format="csr")),
        row_lower=np.concatenate([program.row_lower, promise, np.full(len(over), -np.inf)]),
        row_upper=np.concatenate([row_upper, np.full(size[0], np.inf), np.zeros(len(over))]),
        row_families=(*program.row_families, wishes),
        goals=(),
    )
    return held, atoms


def _open_tails(effort: Effort, upper: Floats) -> None:
    """Let a line's row alone limit what is spent behind its curve."""
    draft = effort.draft
    owner, column = draft.tables["line_segments"]["line"].to_numpy(int), draft.columns["spend"]
    for line in range(len(draft.tables["lines"])):
        of = np.flatnonzero(owner == line)
        if len(of):
            last = column[of[-1]][draft.grain.model.past :]
            upper[last[last >= 0]] = np.inf


def _of_rows(effort: Effort, model: Model) -> Iterator[pd.DataFrame]:
    """Atoms of rows that limit something, or ask for something, by themselves."""
    for family in effort.program.row_families:
        if family.name in READERS:
            low, high = effort.program.row_lower[family.slice], effort.program.row_upper[family.slice]
            asked = np.isfinite(low) | np.isfinite(high)  # rules of months that are over are not
            rows = np.arange(family.start, family.stop)[asked]
            if len(rows):
                part = replace(family, labels={k: v[asked] for k, v in family.labels.items()})
                yield READERS[family.name](_Rows(effort, model, part, low[asked], high[asked])).assign(row=rows)


@dataclass(frozen=True)
class _Rows:
    """A family of rows of the effort program with its bounds."""

    effort: Effort
    model: Model
    family: Family
    low: Floats
    high: Floats

    @property
    def grain(self) -> Grain:
        return self.effort.draft.grain

    @property
    def money(self) -> float:
        return self.effort.program.money

    def codes(self, label: str) -> Ints:
        return _codes(self.family, label)

    def names(self, label: str) -> np.ndarray:
        return np.asarray(self.family.labels[label]).astype(object)

    def lines(self, column: str) -> Floats:
        return self.model["budget"].set_index("line")[column].reindex(self.names("line")).to_numpy(float)


def _reps(rows: _Rows, kind: str, measure: str) -> pd.DataFrame:
    rep, people = rows.codes("rep"), rows.grain.people
    frame = pd.DataFrame({"unit": people.unit[rep], "rep": people.code[rep], "month": rows.codes("month")})
    return frame.assign(side=-1, kind=kind, measure=measure, held=rows.high, size=_typical(rows.high))


def _hours(rows: _Rows) -> pd.DataFrame:
    return _reps(rows, "hours", "hours")


def _days(rows: _Rows) -> pd.DataFrame:
    return _reps(rows, "days", "visits")


def _most(rows: _Rows) -> pd.DataFrame:
    """Lines that may be overrun are wishes, and not here."""
    held = rows.lines("maximum")
    frame = pd.DataFrame({"line": rows.names("line"), "held": held, "side": -1, "kind": "most", "measure": "money"})
    frame = frame.assign(factor=rows.money, size=_typical(held / rows.money))
    return frame.assign(kind=np.where(rows.lines("may_overrun") > 0, "", "most"))


def _least(rows: _Rows) -> pd.DataFrame:
    frame = pd.DataFrame({"line": rows.names("line"), "side": 1, "kind": "least", "measure": "money"})
    return frame.assign(held=rows.low * rows.money, factor=rows.money, size=_typical(rows.low))


def _ceilings(rows: _Rows) -> pd.DataFrame:
    frame = _people(rows.grain, rows.codes("group")).drop(columns="tier").assign(product=rows.names("product"))
    return frame.assign(side=-1, kind="ceiling", measure="money", factor=rows.money, size=_typical(rows.high))


def _prospects(rows: _Rows) -> pd.DataFrame:
    frame = _people(rows.grain, rows.codes("group")).drop(columns="tier")
    return frame.assign(side=-1, kind="prospects", measure="clients", size=_typical(rows.high))


def _pools(rows: _Rows) -> pd.DataFrame:
    frame = pd.DataFrame({"resource": rows.names("resource"), "month": rows.codes("month")})
    held = _pool_hours(rows.model, frame)
    return frame.assign(side=-1, kind="pool", measure="hours", held=held, size=_typical(held))


def _executive(rows: _Rows) -> pd.DataFrame:
    group, month = rows.codes("group"), rows.codes("month")
    size = _typical(rows.grain.promise[group, month] * executive_ratio(rows.grain)[group])
    frame = _people(rows.grain, group).assign(month=month, span=_spans(rows.grain, group, month))
    return frame.assign(side=1, kind="executive", measure="visits", size=size)


def _supply(rows: _Rows) -> pd.DataFrame:
    product, month = rows.codes("product"), rows.codes("month")
    held = supply_by_month(rows.model)[product, month]
    frame = pd.DataFrame({"product": rows.grain.product[product], "month": month, "held": held, "side": -1})
    return frame.assign(kind="supply", measure="money", factor=rows.money, size=_typical(held / rows.money))


READERS: Mapping[str, Callable[[_Rows], pd.DataFrame]] = {
    "A rep cannot work more hours than the month has": _hours,
    "A day holds so many visits": _days,
    MOST: _most,
    "A budget line spends its minimum": _least,
    "The market has a ceiling": _ceilings,
    "A client is won once and first visited once": _prospects,
    "Shared pools are shared": _pools,
    "Promised executive visits are made": _executive,
    "Only what can be delivered is sold": _supply,
}
"""Rules whose rows are items; all other rules say what something means, or how the market answers."""


def _targets(effort: Effort) -> Iterator[pd.DataFrame]:
    """Atoms of targets, hard ones and wishes."""
    table = effort.rows.table
    table = table[table["level"] != "ceiling"]
    if not len(table):
        return
    family = effort.program.family(ASKED)
    hard = table["hard"].to_numpy(bool)
    if effort.draft.strict:
        hard = hard | (table["level"] == "base").to_numpy(bool)
    side = np.where(table["bound"] == "at_least", 1, -1)
    broken = effort.draft.tables.get("broken", pd.DataFrame({"more": np.zeros(len(table))}))["more"].to_numpy(float)
    atoms = pd.DataFrame(
        {
            "target": table["target"].to_numpy(object),
            "each": table["each"].to_numpy(object),
            "bound": table["bound"].to_numpy(object),
            "row": np.arange(family.start, family.stop),
            "side": side,
            "kind": "target",
            "goal": ~hard,
            "measure": table["metric"].to_numpy(object),
            "held": table["value"].to_numpy(float) - side * broken * table["unit"].to_numpy(float),
            "factor": table["unit"].to_numpy(float),
            "size": table["scale"].to_numpy(float),
        }
    )
    yield atoms[~ended(effort.draft.grain.model, table)]


def _codes(family: Family, label: str) -> Ints:
    return np.asarray(family.labels[label].codes, np.int64)


def _typical(values: Floats) -> float:
    """Mean size of some limits: what a violation of one is."""
    size = float(np.abs(values).mean()) if len(values) else 0.0
    return size if size > 0 else 1.0


def _people(grain: Grain, group: Ints) -> pd.DataFrame:
    """Tier, rep and unit of groups; without an owner the unit of their clients."""
    rep = grain.groups["rep"].to_numpy(int)[group]
    tier = grain.groups["tier"].to_numpy(object)[group]
    owned = rep >= 0
    return pd.DataFrame(
        {
            "tier": tier,
            "rep": np.where(owned, grain.people.code[rep], ""),
            "unit": np.where(owned, grain.people.unit[rep], ""),
        }
    )


def _spans(grain: Grain, group: Ints, month: Ints) -> Ints:
    """Number of months of the windows of a promise that begin in some months."""
    length = grain.over_window(np.ones(grain.windows.shape))
    return length[group, month].astype(np.int64)


def executive_ratio(grain: Grain) -> Floats:
    """Executive visits for each promised visit of each group."""
    tiers = grain.model["tiers"].set_index("tier")
    each = (tiers["executive_visits"] / tiers["visits"]).where(tiers["visits"] > 0, 0.0)
    return each.reindex(grain.groups["tier"]).to_numpy(float)


def _pool_hours(model: Model, frame: pd.DataFrame) -> Floats:
    """Hours of resources in months."""
    rows = model["resources"].set_index(["resource", "month"])["hours"]
    labels = np.array(model.calendar.months, object)[frame["month"].to_numpy(int)]
    own = rows.reindex(pd.MultiIndex.from_arrays([frame["resource"], labels])).to_numpy(float)
    every = rows.reindex(pd.MultiIndex.from_arrays([frame["resource"], [""] * len(frame)])).to_numpy(float)
    return np.where(np.isnan(own), every, own)


def supply_by_month(model: Model) -> Floats:
    """Money that all sources can deliver of each product in each month, shape (products, months)."""
    months, products = model.calendar.months, model["products"]["product"]
    out = np.zeros((len(products), len(months)))
    place = {p: i for i, p in enumerate(products)}
    for (product, _source), part in model["supply"].groupby(["product", "source"], sort=False):
        dated = part[part["month"] != ""].set_index("month")["maximum"]
        every = part.loc[part["month"] == "", "maximum"]
        out[place[product]] += dated.reindex(months).fillna(every.max() if len(every) else 0.0).to_numpy(float)
    return out
