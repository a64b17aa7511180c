"""What stands in the way: rules that bind, causes of misses, contradictions. In sentences, from duals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from allocator.engines.status import Engine, Status
from allocator.formulation.effort import Effort
from allocator.formulation.metrics import MONEY
from allocator.formulation.rules import RULES
from allocator.model import Model
from allocator.ordering import Outcome
from allocator.program import Family, Floats, Program, ProgramBuilder
from allocator.scopes import parse_scope
from allocator.texts import _

PRICED = 1e-7
"""Price times limit above which a row stands in the way."""

OWN = frozenset(
    {
        "A target is reached, or its miss is counted",
        "The largest miss of a priority",
        "What is asked is what the company needs",
        "The largest gap of a priority",
        "The sales of a cut are the sum of its groups'",
        "Only what sells can be lost",
        "Lift by month and lift by client agree",
        "Visits of a quarter or a year are made in its months",
        "A client once won stays a customer",
        "A unit's quota is the sum of its reps'",
        "A product's year is the sum of its months",
        "A rep's year is the sum of its products",
        "The quotas of a cut are the sum of its reps'",
    }
)
"""Rows that state a wish or define a sum: they do not stand in the way."""

ASKED = "A target is reached, or its miss is counted"
DEFINED = OWN - {ASKED, "What is asked is what the company needs"}
"""Rows that cannot be broken, as they only say what a column means."""


def binding_rules(outcome: Outcome | None, goal: str) -> pd.DataFrame:
    """Rules with a price in the solve of a goal: rule, unit, labels (the dearest ones as text), count; dearest first."""
    names = ["rule", "unit", "labels", "count"]
    if outcome is None or goal not in outcome.duals:
        return pd.DataFrame({n: [] for n in names})
    found: dict[str, list[tuple[float, Family, Floats]]] = {}
    for family, weight in _weights(outcome.program, outcome.duals[goal]):
        if weight.max(initial=0.0) > PRICED:
            found.setdefault(family.name, []).append((float(weight.sum()), family, weight))
    rows = []
    for rule, parts in sorted(found.items(), key=lambda item: (-sum(p[0] for p in item[1]), item[0])):
        _total, family, weight = max(parts, key=lambda p: p[0])
        count = sum(int((w > PRICED).sum()) for _, _, w in parts)
        rows.append((rule, family.unit, _labels(family, _dearest(weight, 3)), count))
    return pd.DataFrame(rows, columns=names)


def _dearest(weight: Floats, most: int) -> NDArray[Any]:
    """Rows of most weight, those without a price left out."""
    hit = np.flatnonzero(weight > PRICED)
    return hit[np.argsort(-weight[hit], kind="stable")][:most]


def causes(effort: Effort, outcome: Outcome, targets: pd.DataFrame) -> list[str]:
    """For each target of the plan: blank if it is met, else what stopped it, from the duals of its goal."""
    out = []
    for row in targets.to_dict("records"):
        level, priority = row["level"], row["priority"]
        if row["status"] != "missed":
            out.append("")
            continue
        if level == "ceiling":
            out.append(_("compared only: ceilings are not planned for"))
            continue
        solved = [
            outcome.duals[n] for n in (f"{level} {priority} sum", f"{level} {priority} largest") if n in outcome.duals
        ]
        found = (_cause(effort, duals, row) for duals in solved)
        everything = _(
            "nothing more can be had in its scope: nobody is there to do it, or the clients would buy no more"
        )
        out.append(next((text for text in found if text), everything if solved else _("an earlier goal came first")))
    return out


def _cause(effort: Effort, duals: Floats, target: Mapping[Any, Any]) -> str:
    """Name the two dearest of the rules and targets with a price in the goal of a target; rows in its scope before others."""
    before = _targets_before(effort, duals, target["level"], target["priority"])
    weights = list(_weights(effort.program, duals))
    model = effort.draft.grain.model
    inside = [(family, weight * _concerns(model, family, target)) for family, weight in weights]
    found = before + _dearest_rules(inside)
    found.sort(key=lambda f: (-f[0], f[1]))
    return "; ".join(text for _weight, text in found[:2])


def _dearest_rules(weights: list[tuple[Family, Floats]]) -> list[tuple[float, str]]:
    """Price times limit of each rule that stands in the way, and the rule with how many rows of it do."""
    found = []
    for family, weight in weights:
        count = int((weight > PRICED).sum())
        if count:
            first = _labels(family, _dearest(weight, 1))
            such = _("× {count}, such as {first}").format(count=f"{count:,}", first=first) if count > 1 else first
            found.append((float(weight.sum()), f"{_(family.name)} ({such})"))
    return found


def _concerns(model: Model, family: Family, target: Mapping[Any, Any]) -> NDArray[np.bool_]:
    """Rows of a family whose rep and month lie in a target's scope, as far as they have such labels."""
    each = dict(p.split("=", 1) for p in str(target["each"]).split("; ") if "=" in p)
    scope = {**parse_scope(str(target["scope"])), **{k: (v,) for k, v in each.items()}}
    kinds = {"unit", *model["units"]["kind"]}
    reps = model["reps"]
    mine = np.ones(len(reps), bool)
    months = set(model.calendar.window(str(target["period"])))
    for key, values in scope.items():
        if key in kinds:
            mine &= np.array([not set(values).isdisjoint(model.ancestors[u]) for u in reps["unit"]], bool)
        elif key in ("rep", "grade"):
            mine &= reps[key].isin(values).to_numpy()
        elif key in ("month", "quarter"):
            months &= {t for v in values for t in model.calendar.window(v)}
    held = np.ones(len(family), bool)
    if "month" in family.labels:
        held &= np.isin(np.asarray(family.labels["month"], object), [model.calendar.months[t] for t in months])
    if not mine.all():
        codes = set(reps["rep"].to_numpy(object)[mine])
        for label in ("rep", "group"):  # a group's name begins with its rep's
            if label in family.labels:
                held &= np.array([str(v).split("/")[0] in codes for v in family.labels[label]], bool)
    return held


def _targets_before(effort: Effort, duals: Floats, level: str, priority: object) -> list[tuple[float, str]]:
    """Price times limit of targets that are hard, or whose goal came before that of a level and priority."""
    table = effort.rows.table
    table = table[table["level"] != "ceiling"]
    weight = _row_weights(effort.program, duals)[effort.program.family(ASKED).slice]
    own = (table["level"] == level) & (table["priority"].astype(str) == str(priority))
    hit = _dearest(np.where(own, 0.0, weight), 2)
    names = [", ".join(n for n in row if n) for row in table[["target", "each"]].iloc[hit].itertuples(index=False)]
    return [
        (float(weight[k]), _("target {name} comes first").format(name=name)) for k, name in zip(hit, names, strict=True)
    ]


def _weights(program: Program, duals: Floats) -> list[tuple[Family, Floats]]:
    """Price times limit of every row, by family, wishes left out."""
    weight = _row_weights(program, duals)
    return [
        (f, weight[f.slice])
        for f in program.row_families
        if f.name in RULES and f.name not in OWN and f.stop <= len(duals)
    ]


def _row_weights(program: Program, duals: Floats) -> Floats:
    """Price times limit of every row."""
    rows = slice(0, len(duals))  # rows that hold a goal's value may have come behind
    limit = np.where(duals > 0, program.row_lower[rows], program.row_upper[rows])
    return np.asarray(np.abs(duals) * np.maximum(np.abs(np.where(np.isfinite(limit), limit, 0.0)), 1e-3))


def _labels(family: Family, rows: NDArray[Any]) -> str:
    if not family.labels:
        return _("the whole plan")
    frame = family.frame().iloc[rows]
    return "; ".join(", ".join(str(v) for v in row if str(v)) for row in frame.itertuples(index=False))


def contradictions(program: Program, solver: Engine, model: Model) -> tuple[str, ...]:
    """Smallest sum of violations that would let the hard rules hold, in sentences (the elastic program)."""
    builder = ProgramBuilder()
    rows, columns = program.shape
    builder.add_columns("x", "", {}, columns, program.lower, np.maximum(program.upper, program.lower))
    size = abs(program.matrix).max(axis=1).toarray().ravel() if rows and columns else np.zeros(rows)
    size = np.where(size > 0, size, 1.0)
    room = np.full(rows, np.inf)
    for family in program.row_families:
        if family.name in DEFINED:
            room[family.slice] = 0.0
    builder.add_columns("more", "", {}, rows, 0.0, room)
    builder.add_columns("less", "", {}, rows, 0.0, room)
    scaled = sp.diags_array(size)
    matrix = sp.csr_array(sp.hstack([program.matrix, scaled, -scaled], format="csr"))
    builder.add_rows("rows", "", {}, matrix, program.row_lower, program.row_upper)
    costs = np.concatenate([np.zeros(columns), np.ones(2 * rows)])
    solution = solver.solve(builder.build(), costs)
    if solution.status is not Status.OPTIMAL or solution.x is None:
        return (_("The hard rules of this model contradict each other."),)
    amount = (solution.x[columns : columns + rows] + solution.x[columns + rows :]) * size
    out = []
    for family in program.row_families:
        hit = np.flatnonzero(amount[family.slice] > 1e-6)
        out += [_shortage(family, i, float(amount[family.start + i]), program.money, model) for i in hit[:3]]
        if len(hit) > 3:
            out.append(_("{rule}: {count} more").format(rule=_(family.name), count=len(hit) - 3))
    return tuple(out) or (_("The hard rules of this model contradict each other."),)


def _shortage(family: Family, row: int, amount: float, money: float, model: Model) -> str:
    """Sentence that says by how much a row cannot hold."""
    labels = family.frame().iloc[row]
    is_money = family.unit == "money"
    if family.name == ASKED:
        metric = model["targets"].set_index("target")["metric"][labels["target"]]
        is_money = metric in MONEY
    unit = model.settings.money_unit if is_money else _(family.unit)
    gap = f"{amount * (money if is_money else 1.0):,.6g}"
    if family.name != ASKED:
        text = _("{rule} ({labels}): short by {gap} {unit}")
        return text.format(rule=_(family.name), labels=_labels(family, np.array([row])), gap=gap, unit=unit)
    name = ", ".join(str(v) for v in (labels["target"], labels["each"]) if v)
    text = _("Target {name} cannot be reached: {gap} too little")
    if labels["bound"] == "at_most":
        text = _("Target {name} cannot be kept: {gap} too much")
    return text.format(name=name, gap=f"{gap} {unit}" if is_money else gap)
