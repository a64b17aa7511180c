"""What the company needs at each level, and what is owed of it (section 5 of the mathematics)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import Book, Floats, Ints
from allocator.auditing.case import Case
from allocator.auditing.cells import Repeats, quota_cells, repeat_cells
from allocator.auditing.layout import LEVELS, Quotas, counted
from allocator.auditing.people import chain, words
from allocator.auditing.targets import Target, parse_targets, priority_text, repetition, row_name
from allocator.scopes import Scope
from allocator.texts import N_

QUOTA_KEYS = {"rep", "grade", "unit", "product", "family", "class", "month", "quarter"}
ALL_LISTED = N_("Every need of a level is listed")
SAID = N_("A need's row says what its target says")
NEEDED = N_("A need asks for its bound")
OWED = N_("What is owed of a need is recomputed")
UNMET = N_("What is asked is what the company needs")

LEAST = 0.01
"""Money below which what was asked for counts as nothing."""

COLUMNS = ("target", "level", "each", "bound", "priority", "weight", "limit", "required", "asked", "expected")
FORECAST = "forecast"
"""Name of the need that stands where no target asks for revenue."""


class Cuts:
    """The needs of every level, and what of the quotas counts for which; cuts are found once and serve every level."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.kinds = dict(zip(*(words(case.model["units"][c]) for c in ("unit", "kind")), strict=True))
        self._cells = quota_cells(case, counted(case))
        self._units, self._home = pd.factorize(case.people.units)[::-1]
        self._known: dict[Any, tuple[Repeats, Floats]] = {}
        self.targets = {level: asking(case, level) for level in LEVELS}

    def owed(
        self, amount: Floats, scope: Scope, window: Ints, each: Sequence[str], room: Floats | None = None
    ) -> dict[str, float]:
        """Sum what is owed of amounts of shape (reps, products, months), by repetition; sales of the past count whole.

        ``room`` of the past counts besides, as far as it is owed.
        """
        key = (tuple(scope.items()), tuple(window.tolist()), tuple(each))
        if key not in self._known:
            repeats = repeat_cells(self.case, self._cells, scope, window, each)
            self._known[key] = repeats, self._parts(repeats, scope, each)
        repeats, part = self._known[key]
        over = self.case.over[repeats.rows % len(self.case.months)]
        value = np.where(over, 1.0, part) * amount.ravel()[repeats.rows]
        if room is not None:
            value = value + part * over * room.ravel()[repeats.rows]
        each_value = Repeats(np.arange(len(part)), repeats.number, repeats.names, repeats.labels)
        return dict(zip(repeats.names, each_value.sums(value).tolist(), strict=True))

    def _parts(self, repeats: Repeats, scope: Scope, each: Sequence[str]) -> Floats:
        """Part of every cell's quota that is owed by the unit that a need is asked of."""
        if not any(self.case.model.settings.hedge.values()) or "rep" in scope or "rep" in each:
            return np.ones(len(repeats.rows))
        home = self._home[repeats.rows // (len(self.case.products) * len(self.case.months))]
        pairs, at = np.unique(repeats.number * len(self._units) + home, return_inverse=True)
        parts = [
            _part(
                self.case, self.kinds, self._units[k % len(self._units)], scope, repeats.labels[k // len(self._units)]
            )
            for k in pairs
        ]
        return np.array(parts, np.float64)[at]


def _part(case: Case, kinds: Mapping[str, str], home: str, scope: Scope, labels: Mapping[str, str]) -> float:
    """What of a quota in a unit is owed to the narrowest unit that is named above it; to the top where none is."""
    above = chain(case.model, home)
    owing = len(above)
    for key, values in [*scope.items(), *((k, (v,)) for k, v in labels.items())]:
        named = [i for i, u in enumerate(above) if u in values and key in ("unit", kinds.get(u, ""))]
        if named:
            owing = min(owing, max(named) + 1)
    out = 1.0
    for u in above[:owing]:
        out /= 1.0 + case.model.settings.hedge.get(kinds.get(u, ""), 0.0)
    return out


def asking(case: Case, level: str) -> list[Target]:
    """Revenue targets that ask for quotas at a level; those of base times ``levels`` where the level has no own row."""
    keys = QUOTA_KEYS | set(words(case.model["units"]["kind"]))
    carried = [
        t
        for t in parse_targets(case)
        if t.metric == "revenue" and {*t.scope, *t.each, *t.share_scope} <= keys and t.share_metric in ("", "revenue")
    ]
    own = [t for t in carried if t.level == level]
    if level == "base":
        return own
    factor = getattr(case.model.settings.levels, level)
    stated = list(own)
    for t in carried:
        if t.level == "base" and not any(_alike(t, other) for other in stated):
            bounds = tuple((b, x if t.share_metric else factor * x) for b, x in t.bounds)
            own.append(dataclasses.replace(t, level=level, bounds=bounds))
    return own


def _alike(a: Target, b: Target) -> bool:
    """Whether two targets mean the same, whatever their bounds."""
    of = [
        (
            {k: set(v) for k, v in t.scope.items()},
            set(t.each),
            t.share_metric,
            {k: set(v) for k, v in t.share_scope.items()},
            t.window.tolist(),
        )
        for t in (a, b)
    ]
    return of[0] == of[1]


def needs(cuts: Cuts, level: str, exact: Floats, sold: Floats, room: Floats | None = None) -> pd.DataFrame:
    """Every repetition of what a level asks for; columns of ``COLUMNS``.

    ``limit`` is the bound as given, ``required`` in money, ``expected`` what the limit is a share of in the forecast (1 without).
    In the months that are over sales count for what was asked; at the ceiling also ``room``, what it asked beyond the stretch.
    """
    targets, rows = cuts.targets[level], []
    exact = np.where(cuts.case.over, sold, exact)
    for t in targets:
        sums = cuts.owed(exact, t.scope, t.window, t.each, room)
        carried = [k for k in t.each if k in {"rep", "unit", *cuts.kinds.values()}]
        share: list[dict[str, float]] = [{}, {}]
        if t.share_metric:
            share = [cuts.owed(a, t.share_scope, t.window, carried, b) for a, b in ((exact, room), (sold, None))]
        for name, value in sums.items():
            cut = "; ".join(p for p in name.split("; ") if p.partition("=")[0] in carried)
            whole, hoped = (s.get(cut, 0.0) if t.share_metric else 1.0 for s in share)
            for bound, limit in t.bounds:
                rows.append((t.code, level, name, bound, t.priority, t.weight, limit, limit * whole, value, hoped))
    if not any(bound == "at_least" for t in targets for bound, _limit in t.bounds):
        year = np.arange(len(cuts.case.months))
        whole, asked = (cuts.owed(a, {}, year, (), b)[""] for a, b in ((sold, None), (exact, room)))
        limit = whole * (cuts.case.model.settings.levels.ceiling if level == "ceiling" else 1.0)
        rows.append((FORECAST, level, "", "at_least", "1", 1.0, limit, limit, asked, 1.0))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def level_needs(cuts: Cuts, level: str, levels: Mapping[str, Quotas]) -> pd.DataFrame:
    """The needs of a level of the quotas."""
    of = levels[level]
    room = of.exact - levels["stretch"].exact if level == "ceiling" else None
    return needs(cuts, level, of.exact, of.sold, room)


def unmet(rows: pd.DataFrame) -> Floats:
    """By how much every need is not met, in money."""
    side = np.where(rows["bound"] == "at_least", 1.0, -1.0)
    return np.asarray(np.maximum(side * (rows["required"] - rows["asked"]).to_numpy(np.float64), 0.0))


def relative_gaps(rows: pd.DataFrame) -> Floats:
    """Gaps relative to what was asked for; absolute where that is nothing."""
    size = np.abs((rows["limit"] * rows["expected"]).to_numpy(np.float64))
    return np.asarray(unmet(rows) / np.where(size > LEAST, size, 1.0))


def check_asked(book: Book, case: Case, rows: pd.DataFrame) -> None:
    """Check what stands in asked.csv against the needs of all levels."""
    sheet = case.sheets["asked"]
    columns = ("target", "level", "each", "bound")
    shown = pd.Index([row_name(t, v, repetition(x), b) for t, v, x, b in zip(*map(sheet.text, columns), strict=True)])
    due = pd.Index([row_name(t, v, x, b) for t, v, x, b in zip(*(rows[c] for c in columns), strict=True)])
    book.holds(ALL_LISTED, [{"need": due}], due.isin(shown))
    at = due.get_indexer(shown.astype(object))
    book.holds(ALL_LISTED, [{"need": shown}], at >= 0)
    mine = at >= 0
    of, axes = rows.iloc[at[mine]].reset_index(drop=True), [{"need": shown[mine]}]
    _check_said(book, case, of, axes, {c: sheet.text(c)[mine] for c in ("priority", "period", "scope")})
    size = np.maximum(np.abs(of["required"].to_numpy(np.float64)), np.abs(of["asked"].to_numpy(np.float64)))
    book.equal(NEEDED, axes, sheet.number("required")[mine], of["required"], size)
    book.equal(OWED, axes, sheet.number("asked")[mine], of["asked"], size)
    book.equal(UNMET, axes, sheet.number("gap")[mine], unmet(of), size)


def _check_said(book: Book, case: Case, rows: pd.DataFrame, axes: Any, shown: Mapping[str, Any]) -> None:
    """Check what a row repeats of its target."""
    table = case.model["targets"]
    at = pd.Index(words(table["target"])).get_indexer(pd.Index(rows["target"]))
    for column, texts in shown.items():
        if column == "priority":
            found, due = np.array([priority_text(x) for x in texts], dtype=object), words(rows["priority"])
        else:
            found, due = texts, np.append(words(table[column]), "")[at]
        book.holds(SAID, [{**axes[0], "column": column}], found == due, found, due)
