"""What the company needs at each level, and what is owed of it (section 5 of the mathematics)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd

from allocator.auditing.book import TOLERANCE, Book, Floats, Ints
from allocator.auditing.case import Case
from allocator.auditing.cells import quota_cells, sum_cells
from allocator.auditing.people import chain, words
from allocator.auditing.targets import Target, parse_targets, repetition, row_name
from allocator.scopes import Scope
from allocator.texts import N_

LEVELS = ("base", "stretch", "ceiling")
QUOTA_KEYS = {"rep", "grade", "unit", "product", "family", "class", "month", "quarter"}
ALL_LISTED = N_("Every need of a level is listed")
OWED = N_("What is owed of a need is recomputed")
NEEDED = N_("A need asks for its bound")
UNMET = N_("What is asked is what the company needs")

COLUMNS = ("target", "level", "each", "bound", "priority", "weight", "limit", "required", "asked", "expected")


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
    for t in carried:
        if t.level == "base" and not any(_alike(t, other) for other in own):
            bounds = tuple((b, x if t.share_metric else factor * x) for b, x in t.bounds)
            own.append(dataclasses.replace(t, level=level, bounds=bounds))
    return own


def _alike(a: Target, b: Target) -> bool:
    return (
        (a.scope, set(a.each), a.share_metric, a.share_scope) == (b.scope, set(b.each), b.share_metric, b.share_scope)
        and len(a.window) == len(b.window)
        and bool(np.all(a.window == b.window))
    )


def owed(case: Case, amount: Floats, scope: Scope, window: Ints, each: Sequence[str]) -> dict[str, float]:
    """Sum what is owed of quotas of shape (reps, products, months), by repetition."""
    hedge, kinds = case.model.settings.hedge, set(words(case.model["units"]["kind"])) - {""}
    plain = dict(sum_cells(case, [quota_cells(case, amount)], scope, window, each).amounts)
    if not any(hedge.values()) or "rep" in scope or "rep" in each:
        return plain
    unit_keys = [k for k in each if k == "unit" or k in kinds]
    cuts: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for name in plain:
        parts = dict(p.split("=", 1) for p in name.split("; ") if p)
        cuts.setdefault(tuple((k, parts[k]) for k in unit_keys), []).append(name)
    for cut, names in cuts.items():
        part = np.array([_part(case, unit, scope, cut) for unit in case.people.units], np.float64)
        sums = sum_cells(case, [quota_cells(case, amount * part[:, None, None])], scope, window, each).amounts
        plain |= {name: sums[name] for name in names}
    return plain


def _part(case: Case, home: str, scope: Scope, cut: Sequence[tuple[str, str]]) -> float:
    """What a rep's unit owes of his quota to the unit that a target is asked of."""
    table = case.model["units"]
    kind = dict(zip(words(table["unit"]), words(table["kind"]), strict=True))
    above = chain(case.model, home)
    stop = len(above)
    for key, values in [*scope.items(), *((k, (v,)) for k, v in cut)]:
        named = [i for i, u in enumerate(above) if u in values and key in ("unit", kind.get(u, ""))]
        if named:
            stop = min(stop, max(named) + 1)
    out = 1.0
    for u in above[:stop]:
        out /= 1.0 + case.model.settings.hedge.get(kind.get(u, ""), 0.0)
    return out


def needs(case: Case, level: str, exact: Floats, sold: Floats) -> pd.DataFrame:
    """Every repetition of what a level asks for; columns of ``COLUMNS``.

    ``limit`` is the bound as given, ``required`` in money, ``expected`` what the limit is a share of in the forecast (1 without).
    """
    targets, rows = asking(case, level), []
    kinds = set(words(case.model["units"]["kind"])) - {""}
    for t in targets:
        sums = owed(case, exact, t.scope, t.window, t.each)
        carried = [k for k in t.each if k in {"rep", "unit", *kinds}]
        share = (
            [{}, {}] if not t.share_metric else [owed(case, a, t.share_scope, t.window, carried) for a in (exact, sold)]
        )
        for name, value in sums.items():
            cut = "; ".join(p for p in name.split("; ") if p.partition("=")[0] in carried)
            whole, hoped = (s.get(cut, 0.0) if t.share_metric else 1.0 for s in share)
            for bound, limit in t.bounds:
                rows.append((t.code, level, name, bound, t.priority, t.weight, limit, limit * whole, value, hoped))
    if not any(bound == "at_least" for t in targets for bound, _limit in t.bounds):
        year = np.arange(len(case.months))
        whole, asked = (owed(case, a, {}, year, ())[""] for a in (sold, exact))
        limit = whole * (case.model.settings.levels.ceiling if level == "ceiling" else 1.0)
        rows.append(("forecast", level, "", "at_least", "1", 1.0, limit, limit, asked, 1.0))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def unmet(rows: pd.DataFrame) -> Floats:
    """By how much every need is not met, in money."""
    side = np.where(rows["bound"] == "at_least", 1.0, -1.0)
    return np.asarray(np.maximum(side * (rows["required"] - rows["asked"]).to_numpy(np.float64), 0.0))


def relative_gaps(rows: pd.DataFrame) -> Floats:
    """Gaps relative to what was asked for; absolute where that is 0."""
    size = np.abs((rows["limit"] * rows["expected"]).to_numpy(np.float64))
    return np.asarray(unmet(rows) / np.where(size > 0, size, 1.0))


def check_asked(book: Book, case: Case, rows: pd.DataFrame) -> None:
    """Check what stands in asked.csv against the needs of all levels."""
    sheet = case.sheets["asked"]
    columns = ("target", "level", "each", "bound")
    shown = pd.Index([row_name(t, v, repetition(x), b) for t, v, x, b in zip(*map(sheet.text, columns), strict=True)])
    due = pd.Index([row_name(t, v, repetition(x), b) for t, v, x, b in zip(*(rows[c] for c in columns), strict=True)])
    asked = rows["asked"].to_numpy(np.float64)
    needed = (np.abs(asked) > TOLERANCE) | (
        rows["each"] == ""
    ).to_numpy()  # cells without a forecast make no repetition
    book.holds(ALL_LISTED, [{"need": due[needed]}], due[needed].isin(shown))
    at = due.get_indexer(shown.astype(object)) if len(due) else np.full(len(shown), -1)
    book.holds(ALL_LISTED, [{"need": shown}], at >= 0)
    mine = at >= 0
    of, axes = rows.iloc[at[mine]], [{"need": shown[mine]}]
    size = np.maximum(np.abs(of["required"].to_numpy(np.float64)), np.abs(of["asked"].to_numpy(np.float64)))
    book.equal(NEEDED, axes, sheet.number("required")[mine], of["required"], size)
    book.equal(OWED, axes, sheet.number("asked")[mine], of["asked"], size)
    book.equal(UNMET, axes, sheet.number("gap")[mine], unmet(of), size)
