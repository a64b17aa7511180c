"""Checks of the targets and their misses (section 4 of the mathematics)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.auditing.book import TOLERANCE, Book, Floats
from allocator.auditing.case import Case, Figures
from allocator.auditing.groups import keys_of
from allocator.auditing.metrics import SALES, Metrics
from allocator.auditing.people import below, company_units, numbers, words
from allocator.auditing.sales import bought
from allocator.scopes import Scope, parse_scope, parse_share_of
from allocator.texts import N_

LISTED = N_("Every target and repetition is listed")
SAID = N_("A target's row says what its target says")
REQUIRED = N_("A target asks for its bound")
PLANNED = N_("A target's metric is recomputed")
GAP = N_("A target is reached, or its miss is counted")
STATUS = N_("A target's status is that of its gap")
HARD = N_("Hard targets hold")

NOTHING = 1e-9
"""Amounts up to this are the arithmetic's last digits."""

MISSES = ("target", "level", "priority", "weight", "each", "bound", "limit", "required", "planned", "size", "expected")


@dataclass(frozen=True)
class Target:
    """A row of targets, parsed."""

    code: str
    metric: str
    level: str
    window: Any
    scope: Scope
    each: tuple[str, ...]
    bounds: tuple[tuple[str, float], ...]
    share_metric: str
    share_scope: Scope
    priority: str
    weight: float


def parse_targets(case: Case) -> list[Target]:
    """All targets of the model."""
    out = []
    for row in case.model["targets"].to_dict("records"):
        share = (
            parse_share_of(str(row["share_of"])) if isinstance(row["share_of"], str) and row["share_of"] else ("", {})
        )
        bounds = [(b, float(row[b])) for b in ("at_least", "at_most") if not pd.isna(row[b])]
        out.append(
            Target(
                str(row["target"]),
                str(row["metric"]),
                str(row["level"]),
                case.model.calendar.window(str(row["period"])),
                parse_scope(str(row["scope"])),
                keys_of(row["each"]),
                tuple(bounds),
                *share,
                priority_text(row["priority"]),
                1.0 if pd.isna(row["weight"]) else float(row["weight"]),
            )
        )
    return out


def priority_text(value: Any) -> str:
    """Write a priority as files show it: hard, or a whole number."""
    text = str(value).strip()
    return text[:-2] if text.endswith(".0") else text


def repetition(text: str) -> str:
    """Write a repetition's name with its parts in order."""
    return "; ".join(sorted("=".join(x.strip() for x in p.partition("=")[::2]) for p in text.split(";") if p.strip()))


def expected_metrics(case: Case) -> Metrics:
    """Metrics at expected demand: promised visits, nothing won, lines at their maxima, spread over their windows."""
    groups, shape = case.groups, case.figures.first.shape
    served = (groups.owner >= 0)[:, None]  # nobody keeps a promise to clients without a rep
    sell = bought(case, np.where(served | (groups.promise <= 0), 1.0, 0.0), winning=False)
    length = groups.by_window(np.ones(shape))
    promised = served * np.take_along_axis(groups.promise / np.maximum(length, 1.0), groups.window, axis=1)
    most = numbers(case.model["budget"]["maximum"], 0.0)[:, None]
    spend = case.window * most / np.maximum(case.window.sum(axis=1, keepdims=True), 1)
    sell = np.where(case.over & ~case.large[case.demand.product][:, None], case.figures.sell, sell)
    contracts = np.nan_to_num(sell / case.contract[case.demand.product][:, None])
    nothing = np.zeros(shape)
    figures = Figures(sell, contracts, promised, nothing, 0 * case.figures.won, spend, 0 * case.figures.delivered)
    return Metrics(case, figures)


def repetitions(case: Case) -> tuple[pd.DataFrame, pd.Index[Any]]:
    """Every target, repetition and bound with its metric recomputed.

    Returns
    -------
    rows : DataFrame
        Columns of ``MISSES``: ``limit`` is the bound as given, ``required`` the same in the metric's unit,
        ``expected`` what the limit is a share of at expected demand (1 without share_of).
    needed : Index
        Names of the rows that targets.csv must hold; others may.
    """
    plan, hope = Metrics(case, case.figures), expected_metrics(case)
    sheet = case.sheets["targets"]
    shown: dict[tuple[str, str], set[str]] = {}
    for code, level, each in zip(*(sheet.text(c) for c in ("target", "level", "each")), strict=True):
        shown.setdefault((code, level), set()).add(repetition(each))
    rows: list[tuple[Any, ...]] = []
    needed: list[str] = []
    for target in parse_targets(case):
        totals = plan.totals(target.metric, target.scope, target.window, target.each)
        known = _known(case, target)
        listed = {x for x in shown.get((target.code, target.level), set()) if _possible(known, x)}
        names = sorted({*totals.amounts, *listed})
        market = _market(case, target, names)
        share, expected = _shares(plan, hope, target, names)
        for bound, limit in target.bounds:
            needed += [row_name(target.code, target.level, x, bound) for x in totals.amounts]
            for i, x in enumerate(names):
                value, size = totals.amounts.get(x, 0.0) / market[i], totals.sizes.get(x, 0.0) / market[i]
                rows.append((target.code, target.level, target.priority, target.weight, x, bound, limit,
                             limit * share[i], value, size, expected[i]))  # fmt: skip
    frame = pd.DataFrame(rows, columns=list(MISSES))
    amounts = ["weight", "limit", "required", "planned", "size", "expected"]
    return frame.astype(dict.fromkeys(amounts, float)), pd.Index(needed, dtype=object)


def row_name(target: str, level: str, each: str, bound: str) -> str:
    """Name of a row of targets.csv."""
    return f"{target}|{level}|{each}|{bound}"


def _known(case: Case, target: Target) -> dict[str, set[str]]:
    """Values that each key of a target's repetitions may have."""
    cal, model = case.model.calendar, case.model
    kinds, units = words(model["units"]["kind"]), words(model["units"]["unit"])
    columns = {
        "rep": "reps", "grade": "reps", "product": "products", "family": "products", "class": "products",
        "line": "budget", "category": "budget", "channel": "budget",
    }  # fmt: skip
    known: dict[str, set[str]] = {}
    for key in target.each:
        if key in ("month", "quarter"):
            labels = cal.months if key == "month" else cal.quarters
            known[key] = {labels[t] for t in target.window}
        elif key == "unit":
            known[key] = {*units, *case.people.units}
        elif key in kinds:
            known[key] = set(units[kinds == key])
        else:
            known[key] = set(words(model[columns.get(key, "clients")][key]))
            known[key] |= set(case.channels.names) if key == "channel" else set()
        known[key].discard("")
    return known


def _possible(known: dict[str, set[str]], name: str) -> bool:
    """Whether a repetition that the file lists is one of the target's."""
    parts = dict(p.split("=", 1) for p in name.split("; ") if "=" in p)
    return parts.keys() == known.keys() and all(value in known[key] for key, value in parts.items())


def _shares(plan: Metrics, hope: Metrics, target: Target, names: list[str]) -> tuple[list[float], list[float]]:
    """Find what every repetition's bound is a share of: in the plan, and at expected demand."""
    if not target.share_metric:
        return [1.0] * len(names), [1.0] * len(names)
    metric = target.share_metric
    kinds = set(words(plan.case.model["units"]["kind"])) - {""}
    has = {k for part in plan.cells(metric) for k in part.labels}
    carried = tuple(k for k in target.each if k in {"rep", "unit", *kinds} and k in has)
    planned = plan.totals(metric, target.share_scope, target.window, carried).amounts
    source = set(words(plan.case.model["yields"]["source"])[words(plan.case.model["yields"]["metric"]) == metric])
    if metric in (*SALES, "spend", "visits") or source:
        hoped = hope.totals(metric, target.share_scope, target.window, carried).amounts
    else:
        hoped = {}
    cut = ["; ".join(p for p in x.split("; ") if p.partition("=")[0] in carried) for x in names]
    known = metric in (*SALES, "spend", "visits") or bool(source)
    return [planned.get(x, 0.0) for x in cut], [hoped.get(x, 0.0) if known else 1.0 for x in cut]


def _market(case: Case, target: Target, names: list[str]) -> Floats:
    """Size of the market of every repetition; 1 for other metrics."""
    out = np.ones(len(names))
    if target.metric != "market_share":
        return out
    table, cal = case.model["market"], case.model.calendar
    products = case.model["products"]
    at = pd.Index(words(products["product"])).get_indexer(pd.Index(words(table["product"])))
    labels = {c: np.append(words(products[c]), "")[at] for c in ("family", "class")}
    labels |= {c: words(table[c]) for c in ("product", "industry")}
    labels["unit"] = company_units(case.model, words(table["unit"]))
    months = [cal.window(p) for p in words(table["period"])]
    size = numbers(table["size"], 0.0)
    kinds = set(words(case.model["units"]["kind"])) - {""}
    for i, name in enumerate(names):
        parts = [(k, (v,)) for k, v in (p.split("=", 1) for p in name.split("; ") if p)]
        window = set(target.window.tolist())
        total = 0.0
        held = np.ones(len(table), bool)
        for key, values in [*target.scope.items(), *parts]:
            if key in ("month", "quarter"):
                window &= {t for value in values for t in cal.window(value).tolist()}
            elif key == "unit" or key in kinds:
                held &= below(case.model, labels["unit"], values)
            elif key in labels:
                held &= np.isin(labels[key].astype(str), values)
        for j in np.nonzero(held)[0]:
            total += size[j] * len(window.intersection(months[j].tolist())) / len(months[j])
        out[i] = total if total > 0 else np.inf
    return out


def check_targets(book: Book, case: Case) -> pd.DataFrame:
    """Check everything that stands in targets.csv and return the repetitions with their misses."""
    rows, needed = repetitions(case)
    sheet = case.sheets["targets"]
    columns = ("target", "level", "each", "bound")
    shown = pd.Index(
        [row_name(t, v, repetition(x), b) for t, v, x, b in zip(*(sheet.text(c) for c in columns), strict=True)]
    )
    known = pd.Index([row_name(*x) for x in zip(*(rows[c] for c in columns), strict=True)])
    book.holds(LISTED, [{"target": needed}], needed.isin(shown))
    at = known.get_indexer(shown.astype(object)) if len(known) else np.full(len(shown), -1)
    book.holds(LISTED, [{"target": shown}], at >= 0)
    mine = at >= 0
    due, axes = rows.iloc[at[mine]].reset_index(drop=True), [{"target": shown[mine]}]
    number = {c: sheet.number(c)[mine] for c in ("required", "planned", "gap")}
    own = {t.code: t.metric for t in parse_targets(case)}
    metric = np.array([own[t] for t in due["target"]], dtype=object)
    book.holds(SAID, axes, sheet.text("metric")[mine] == metric, sheet.text("metric")[mine], metric)
    priority = np.array([priority_text(x) for x in sheet.text("priority")[mine]], dtype=object)
    book.holds(SAID, axes, priority == words(due["priority"]), priority, words(due["priority"]))
    book.equal(REQUIRED, axes, number["required"], due["required"], np.abs(due["limit"]))
    book.equal(PLANNED, axes, number["planned"], due["planned"], due["size"])
    miss, size = missed(due), np.maximum(np.abs(due["required"]), due["size"])
    book.equal(GAP, axes, number["gap"], miss, size)
    hard = (due["priority"] == "hard").to_numpy()
    spent = _spent(case, due)
    book.at_most(HARD, [{"target": shown[mine][hard]}], miss[hard], spent[hard], size[hard])
    status = sheet.text("status")[mine]
    scale = np.maximum(1.0, size)
    fits = np.where(
        hard,
        (status == "hard") | ((status == "missed") & (spent > 0)),
        ((status == "met") & (miss <= TOLERANCE * scale)) | ((status == "missed") & (miss > 0)),
    )
    book.holds(STATUS, axes, fits, status)
    return rows


def _spent(case: Case, rows: pd.DataFrame) -> Floats:
    """By how much the months that are over break hard targets: what remains need not make that good."""
    out = np.zeros(len(rows))
    if not case.over.any():
        return out
    metrics, known = Metrics(case, case.figures), {t.code: t for t in parse_targets(case)}
    before, window_of = np.flatnonzero(case.over), case.model.calendar.window
    columns = ["target", "each", "bound", "limit"]
    for i, (code, each, bound, limit) in enumerate(rows[columns].itertuples(index=False, name=None)):
        target = known[code]
        window = np.intersect1d(target.window, before)
        if target.priority != "hard" or not len(window):
            continue
        done = metrics.totals(target.metric, target.scope, window, target.each).amounts.get(each, 0.0)
        done /= _market(case, target, [each])[0]
        part = 1.0
        if target.share_metric:
            part = _shares(metrics, metrics, dataclasses.replace(target, window=window), [each])[0][0]
        ended = len(window) == len(target.window) or any(
            bool(case.over[window_of(v)].all())
            for k, v in (x.split("=", 1) for x in each.split("; ") if x)
            if k in ("month", "quarter")
        )
        if bound == "at_most":
            out[i] = max(done - limit * part, 0.0)
        elif target.share_metric or ended:
            out[i] = max(limit * part - done, 0.0)
    return out


def missed(rows: pd.DataFrame) -> Floats:
    """How much every row misses its bound by."""
    side = np.where(rows["bound"] == "at_least", 1.0, -1.0)
    return np.asarray(np.maximum(side * (rows["required"] - rows["planned"]).to_numpy(dtype=np.float64), 0.0))


def relative_misses(rows: pd.DataFrame) -> Floats:
    """Misses relative to what was asked; absolute where that is 0."""
    size = np.abs((rows["limit"] * rows["expected"]).to_numpy(dtype=np.float64))
    return np.asarray(missed(rows) / np.where(size > NOTHING, size, 1.0))
