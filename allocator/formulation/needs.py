"""What the company needs: revenue targets of a level, met by what the units owe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy.sparse as sp

from allocator.formulation.asking import Asking
from allocator.formulation.draft import widen
from allocator.formulation.metrics import with_units_above
from allocator.formulation.rules import rule
from allocator.model import LEVELS, Model
from allocator.program import Floats, Goal, Ints
from allocator.scopes import Scope, parse_scope, parse_share_of

QUOTA_KEYS = frozenset({"rep", "grade", "unit", "product", "family", "class", "month", "quarter"})

LEAST = 0.01
"""Money below which a gap is absolute: of a cut that is to sell nothing the forecast keeps the engine's last digits."""


@dataclass(frozen=True)
class Needs:
    """Every repetition of every revenue target of a level: owed · x ≥ required, or ≤.

    Attributes
    ----------
    table : DataFrame
        target, level, period, scope, each (text), bound ("at_least", "at_most"), priority (hard: 0), weight, scale (gap of 1).
    owed : scipy.sparse.csr_array, shape (rows, columns)
        What is owed of the quotas of the cut.
    required : tuple of (constant, matrix)
        The bound, where it is a share of another cut a multiple of what is owed of that.
    sold : float array, shape (rows,)
        What counts besides: sales of the months that are over, in place of what was asked then.
    """

    table: pd.DataFrame
    owed: sp.csr_array
    required: tuple[Floats, sp.csr_array]
    sold: Floats

    def values(self, x: Floats) -> tuple[Floats, Floats]:
        """Return what an answer owes, and what is required of it."""
        constant, matrix = self.required
        return self.sold + widen(self.owed, len(x)) @ x, constant + widen(matrix, len(x)) @ x


def asked_targets(model: Model, level: str) -> pd.DataFrame:
    """Revenue targets cut by what a quota knows; what base asks stands in, times ``levels``, where a level has no own row."""
    rows = model["targets"]
    known = QUOTA_KEYS | set(model["units"]["kind"])

    def carried(row: pd.Series) -> bool:
        keys = {*parse_scope(row["scope"]), *row["each"]}
        if row["share_of"]:
            metric, scope = parse_share_of(row["share_of"])
            keys |= set(scope)
            if metric != "revenue":
                return False
        return keys <= known

    rows = rows[(rows["metric"] == "revenue") & rows["level"].isin(["base", level])]
    rows = rows[[carried(row) for _, row in rows.iterrows()]] if len(rows) else rows
    if level == "base":
        return rows
    own, base = rows[rows["level"] == level], rows[rows["level"] == "base"]
    has = {_meaning(model, row) for _, row in own.iterrows()}
    raised = base[np.array([_meaning(model, row) not in has for _, row in base.iterrows()], bool)].assign(level=level)
    factor = np.where(raised["share_of"] == "", getattr(model.settings.levels, level), 1.0)
    for bound in ("at_least", "at_most"):
        raised[bound] = raised[bound] * factor
    return pd.concat([own, raised]).sort_index()


def _meaning(model: Model, row: pd.Series) -> tuple[object, ...]:
    """What a target and its own row at another level agree in."""
    metric, scope = parse_share_of(row["share_of"]) if row["share_of"] else ("", {})
    return (
        row["metric"],
        frozenset(parse_scope(row["scope"]).items()),
        frozenset(row["each"]),
        tuple(model.calendar.window(row["period"])),
        metric,
        frozenset(scope.items()),
    )


def company_needs(asking: Asking) -> Needs:
    """Write out the targets of the program's level."""
    table = asked_targets(asking.grain.model, asking.level)
    parts = [part for _, row in table.iterrows() for part in _target_needs(asking, row)]
    if not table["at_least"].notna().any():
        parts.append(_all_of_the_forecast(asking))
    return Needs(
        pd.concat([p.table for p in parts], ignore_index=True),
        sp.vstack([p.owed for p in parts], format="csr"),
        (
            np.concatenate([p.required[0] for p in parts]),
            sp.vstack([p.required[1] for p in parts], format="csr"),
        ),
        np.concatenate([p.sold for p in parts]),
    )


def _instead(asking: Asking, number: Ints, cell: Ints, owed: Floats, size: int) -> Floats:
    """What counts in the months that are over less what is owed of what was asked then, by row.

    Base and stretch count what was sold. The ceiling counts besides what it asked beyond the stretch: that was room of the market,
    which nobody had planned to fill and nobody has to make up for.
    """
    if not asking.asked:
        return np.zeros(size)
    over, asked = asking.over[cell], asking.asked
    less = asked["stretch" if asking.level == "ceiling" else asking.level]
    more = asking.counted[cell] - owed * less[cell]
    return np.bincount(number[over], weights=more[over], minlength=size)


def _owed_or_sold(asking: Asking, cell: Ints, owed: Floats) -> Floats:
    """Part of cells that is owed; what was sold counts as it is."""
    return np.where(asking.over[cell], 1.0, owed)


def _all_of_the_forecast(asking: Asking) -> Needs:
    """Without a target the company needs what the forecast gives, and at the ceiling more of it."""
    cell = np.arange(len(asking.cells))
    owed = owed_part(asking, cell, {}, pd.DataFrame(index=cell))
    matrix = asking.rows(np.zeros(len(cell), int), cell, owed, 1)
    factor = asking.grain.model.settings.levels.ceiling if asking.level == LEVELS[-1] else 1.0
    total = np.array([factor * float(asking.cells["forecast"].to_numpy(float) @ _owed_or_sold(asking, cell, owed))])
    table = pd.DataFrame(
        {"target": ["forecast"], "level": asking.level, "period": "", "scope": "", "each": "", "bound": "at_least"}
    ).assign(priority=1, weight=1.0, scale=_size(asking, total))
    nothing = asking.sparse(np.zeros(0, int), np.zeros(0, int), 1.0, 1)
    return Needs(table, matrix, (total, nothing), _instead(asking, np.zeros(len(cell), int), cell, owed, 1))


@dataclass(frozen=True)
class Cut:
    """Cells that a target counts, the same at every level.

    Attributes
    ----------
    cell, number : int array, shape (entries,)
        A cell counts in as many repetitions as there are units above it that repeat.
    owed : float array, shape (entries,)
        Part of it that is owed.
    names : DataFrame, shape (repetitions, each)
        Values of the target's ``each``.
    """

    cell: Ints
    number: Ints
    owed: Floats
    names: pd.DataFrame

    @property
    def texts(self) -> list[str]:
        """A text for each repetition."""
        keys = list(self.names.columns)
        if not keys:
            return [""]
        rows = self.names.itertuples(index=False)
        return ["; ".join(f"{k}={v}" for k, v in zip(keys, values, strict=True)) for values in rows]


def _cut(asking: Asking, row: pd.Series) -> Cut:
    """Cells of a target by repetition."""
    key = "", row["scope"], row["period"], row["each"]
    if key not in asking.cuts:
        scope, each = parse_scope(row["scope"]), list(row["each"])
        keys = _labels(asking, scope, asking.grain.model.calendar.window(row["period"]), each)
        keys = keys[(keys != "").all(axis=1)] if each else keys
        number = keys.groupby(each, sort=True).ngroup().to_numpy() if each else np.zeros(len(keys), int)
        names = keys.assign(n=number).drop_duplicates("n").sort_values("n", ignore_index=True)[each]
        names = names if each else pd.DataFrame(index=[0])
        cell = keys.index.to_numpy()
        asking.cuts[key] = Cut(cell, number, owed_part(asking, cell, scope, keys), names)
    found: Cut = asking.cuts[key]
    return found


def _whole(asking: Asking, row: pd.Series, names: pd.DataFrame) -> Cut:
    """Cells of what a target is a share of, by repetition of the target: only rep, unit and kinds of unit carry over."""
    key = row["share_of"], row["scope"], row["period"], row["each"]
    if key not in asking.cuts:
        model, scope = asking.grain.model, parse_share_of(row["share_of"])[1]
        carried = [e for e in row["each"] if e in {"rep", "unit", *model["units"]["kind"]}]
        labels = _labels(asking, scope, model.calendar.window(row["period"]), carried)
        labels, number = labels.assign(cell=labels.index), names.assign(n=np.arange(len(names)))[[*carried, "n"]]
        both = labels.merge(number, **({"on": carried} if carried else {"how": "cross"}))
        cell = both["cell"].to_numpy(int)
        owed = owed_part(asking, cell, scope, both[carried])
        asking.cuts[key] = Cut(cell, both["n"].to_numpy(int), owed, names)
    found: Cut = asking.cuts[key]
    return found


def _labels(asking: Asking, scope: Scope, months: Ints, keys: list[str]) -> pd.DataFrame:
    """Labels of the cells of a scope and some months, by cell."""
    cell = np.flatnonzero(asking.mask(scope, months))
    return with_units_above(pd.DataFrame({k: asking.label(k)[cell] for k in keys}, index=cell), asking.grain.model)


def _target_needs(asking: Asking, row: pd.Series) -> list[Needs]:
    """Write out one target, a block for each of its bounds."""
    money, cut = asking.builder.money, _cut(asking, row)
    size, text = len(cut.names), cut.texts
    owed = asking.rows(cut.number, cut.cell, cut.owed, size)
    sold = _instead(asking, cut.number, cut.cell, cut.owed, size)
    out = []
    for bound in ("at_least", "at_most"):
        if np.isnan(row[bound]):
            continue
        constant, matrix = np.full(size, row[bound] / money), sp.csr_array((size, asking.builder.columns))
        scale = np.abs(constant)
        if row["share_of"]:
            whole, before, expected = _share_base(asking, _whole(asking, row, cut.names), size)
            constant, matrix, scale = row[bound] * before, sp.csr_array(row[bound] * whole), row[bound] * expected
        table = pd.DataFrame(
            {
                **{k: row[k] for k in ("target", "level", "period", "scope")},
                "each": text,
                "bound": bound,
                "priority": 0 if row["priority"] == "hard" else int(row["priority"]),
                "weight": row["weight"],
                "scale": _size(asking, scale),
            },
            index=range(size),
        )
        out.append(Needs(table, owed, (constant, matrix), sold))
    return out


def _size(asking: Asking, asked: Floats) -> Floats:
    """What a gap is relative to: what is asked, or one of the currency where that is nothing."""
    money = asking.builder.money
    return np.where(asked > LEAST / money, asked, 1.0 / money)


def _share_base(asking: Asking, cut: Cut, size: int) -> tuple[sp.csr_array, Floats, Floats]:
    """What is owed of the cut that a bound is a share of, for each repetition; what was sold instead; the same of its forecast."""
    forecast = asking.cells["forecast"].to_numpy(float)[cut.cell] * _owed_or_sold(asking, cut.cell, cut.owed)
    before = _instead(asking, cut.number, cut.cell, cut.owed, size)
    whole = asking.rows(cut.number, cut.cell, cut.owed, size)
    return whole, before, np.bincount(cut.number, weights=forecast, minlength=size)


def owed_part(asking: Asking, cell: Ints, scope: Scope, names: pd.DataFrame) -> Floats:
    """Part of each cell's quota that is owed by the unit of the cut: what hedges below it do not take.

    Parameters
    ----------
    cell : int array, shape (n,)
    scope : mapping
        Filter of the target.
    names : DataFrame, n rows
        Values of the target's ``each``, a column for each key.

    Notes
    -----
    The narrowest unit that scope or each names is the one that owes, among alternatives of one key the highest; the top where none
    is named. Where they name reps, a rep owes his quota.
    """
    model = asking.grain.model
    if not any(model.settings.hedge.values()) or "rep" in scope or "rep" in names:
        return np.ones(len(cell))
    kinds = dict(zip(model["units"]["unit"], model["units"]["kind"], strict=True))
    keys = [k for k in names.columns if k == "unit" or k in set(kinds.values())]
    found = names[keys].reset_index(drop=True).assign(home=asking.label("unit")[cell])
    number = found.groupby([*keys, "home"], sort=False).ngroup().to_numpy()
    part = [
        _owed_of(model, kinds, home, [*scope.items(), *((k, (v,)) for k, v in zip(keys, values, strict=True))])
        for *values, home in found.loc[~pd.Series(number).duplicated()].itertuples(index=False)
    ]
    return np.asarray(part, float)[number]


def _owed_of(model: Model, kinds: Mapping[str, str], home: str, named: list[tuple[str, tuple[str, ...]]]) -> float:
    chain = model.ancestors[home]
    last = len(chain) - 1
    for key, values in named:
        places = [i for i, u in enumerate(chain) if u in values and (key == "unit" or kinds[u] == key)]
        last = min(last, max(places, default=last))
    hedge = model.settings.hedge
    return float(np.prod([1 / (1 + hedge.get(kinds[u], 0.0)) for u in chain[: last + 1]]))


@rule("What is asked is what the company needs", unit="money", index="target, repetition")
def needs_met(asking: Asking, needs: Needs) -> list[Goal]:
    """Σ owed + scale · gap ≥ required;  Σ owed − scale · gap ≤ required.

    Returns
    -------
    list of Goal
        For each priority the largest gap, then their weighted sum; costs over the columns so far.
    """
    about = needs.table
    labels = {n: pd.Categorical(about[n]) for n in ("target", "each", "bound")}
    gap = asking.builder.add_columns("gap", "share", labels, len(about))
    priorities, at, size = np.unique(about["priority"].to_numpy(int), return_inverse=True, return_counts=True)
    several = size > 1  # one gap is its own largest
    largest = np.full(len(priorities), -1)
    names = {"priority": priorities[several]}
    largest[several] = asking.builder.add_columns("largest gap", "share", names, int(several.sum()))
    least = (about["bound"] == "at_least").to_numpy()
    sign = np.where(least, 1.0, -1.0) * about["scale"].to_numpy(float)
    columns, (constant, share) = asking.builder.columns, needs.required
    matrix = widen(needs.owed, columns) - widen(share, columns)
    matrix = matrix + asking.sparse(np.arange(len(about)), gap, sign, len(about))
    constant = constant - needs.sold
    low, high = np.where(least, constant, -np.inf), np.where(least, np.inf, constant)
    asking.add_rows(needs_met, labels, matrix, low, high)
    some = np.flatnonzero(several[at])
    if len(some):
        largest_gap(asking, about.iloc[some], gap[some], largest[at[some]])
    goals = []
    for k, priority in enumerate(priorities):
        of, kind = np.flatnonzero(at == k), f"{asking.level} gap {priority}"
        most, total = np.zeros((2, columns))
        most[largest[k] if several[k] else gap[of]] = 1.0
        total[gap[of]] = about["weight"].to_numpy(float)[of]
        goals += [Goal(f"{kind} largest", kind, most, wish=True), Goal(f"{kind} sum", kind, total, wish=True)]
    return goals


@rule("The largest gap of a priority", unit="share", index="target, repetition")
def largest_gap(asking: Asking, about: pd.DataFrame, gap: Ints, largest: Ints) -> None:
    """largest[priority] ≥ gap of each target of it."""
    each = np.arange(len(gap))
    matrix = asking.sparse(each, gap, 1.0, len(gap)) - asking.sparse(each, largest, 1.0, len(gap))
    labels = {n: pd.Categorical(about[n]) for n in ("target", "each", "bound")}
    asking.add_rows(largest_gap, labels, matrix, -np.inf, 0.0)


def widened(goals: list[Goal], columns: int) -> list[Goal]:
    """The same goals over more columns."""
    return [replace(g, costs=np.pad(g.costs, (0, columns - len(g.costs)))) for g in goals]
