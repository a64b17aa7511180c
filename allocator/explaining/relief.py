"""What may change to end a clash: limits that rise and wishes that fall, as columns of a program and as changes of tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from allocator.explaining.effort_rules import executive_ratio, supply_by_month
from allocator.explaining.rulebook import Rulebook
from allocator.formulation.effort import Effort
from allocator.model import Model
from allocator.program import Floats, Ints
from allocator.reporting.table_text import number_text
from allocator.scenarios.scenario import Change, Texts, Written

HERE = Written("explain", "")

WHOLE = frozenset({"contracts", "new_clients", "visits", "coverage"})
"""Metrics that are counted in ones."""

MORE = 0.5
"""Part of a working day that may come on top of it."""

KEEPS = 0.5
"""Part of a promise that a relief leaves at least: with less a tier would be another one."""


@dataclass(frozen=True)
class Relief:
    """Something that may change, by an amount of 0 or more.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`' values.
    what : mapping of str to str
        What it is about.
    rows, effect : array
        Rows of the rulebook's program, and what one of the amount adds to each.
    cost : float
        Of one of the amount among others of its kind.
    whole : float
        What the cheapest mix measures a cost by: the total of its kind in the plan.
    now : float
        What stands in the tables.
    most : float
        Largest amount.
    step : float
        Amounts are multiples of it; 0 is two digits.
    fine : bool
        Whether it is one of several that a coarser relief takes together.
    """

    kind: str
    what: Mapping[str, str]
    rows: Ints = field(repr=False)
    effect: Floats = field(repr=False)
    cost: float
    whole: float
    now: float
    most: float = math.inf
    step: float = 0.0
    fine: bool = False

    def outward(self, amount: float) -> float:
        """The amount rounded up to a sensible step, but not beyond the largest one."""
        step = self.stepped(amount)
        return min(round(math.ceil(amount / step - 1e-6) * step, 10), self.most)

    def half(self, amount: float) -> float:
        """Half of an amount, rounded down to the step of the amount."""
        step = self.stepped(amount)
        return round(math.floor(amount / 2 / step + 1e-9) * step, 10)

    def stepped(self, amount: float) -> float:
        """Step of an amount."""
        if self.step:
            return self.step
        return float(10.0 ** (math.floor(math.log10(amount) + 1e-9) - 1)) if amount > 0 else 1.0

    def changes(self, model: Model, amount: float) -> list[Change]:
        """The change of the model's tables."""
        return list(_CHANGES[self.kind](self, model, amount))


OVERTIME = "overtime"
"""Hours of a rep in a month, which no kind of rule gives by itself."""

KINDS: Mapping[str, tuple[str, ...]] = {
    "money": ("money",),
    "least": ("least",),
    "time": ("hours", "days"),
    "promise": ("promise",),
    "executive": ("executive",),
    "pool": ("pool",),
    "supply": ("supply",),
    "target": ("target",),
    "pin": ("pin up", "pin down"),
    "bound": ("floor", "cap"),
    "incentive": ("incentive",),
}
"""Kinds of rules that may change by themselves."""


def effort_reliefs(book: Rulebook, effort: Effort) -> list[Relief]:
    """All that may change in the effort program."""
    return [
        *_lines(book),
        *_time(book, effort),
        *_promises(book, effort),
        *_by_month(book, "pool", "resource", float(book.atoms.query("kind == 'pool'")["held"].sum())),
        *_by_month(book, "supply", "product", float(supply_by_month(book.model).sum())),
        *_targets(book),
    ]


def quota_reliefs(book: Rulebook) -> list[Relief]:
    """All that may change in the quota program."""
    found, money = [], book.program.money
    atoms = book.atoms
    total = max(float(atoms["held"].abs().sum()), 1e-9)
    for row in atoms.to_dict("records"):
        rows, one = np.array([row["row"]]), np.array([1.0 / money])
        now = float(row["held"])
        if row["kind"] == "pin" and row["side"] > 0:
            what = {"number": str(row["number"])}
            found.append(Relief("pin down", what, rows, one, 1.0, total, now, most=now))
            found.append(Relief("pin up", what, rows, -one, 1.0, total, now))
        elif row["kind"] == "floor":
            found.append(Relief("floor", {"rep": str(row["rep"])}, rows, one, 1.0, total, now, most=now))
        elif row["kind"] == "cap":
            found.append(Relief("cap", {"rep": str(row["rep"])}, rows, -one, 1.0, total, now))
        elif row["kind"] == "incentive":
            lines = book.model["budget"].query("category == 'incentive'").sort_values("maximum")
            line = lines.iloc[-1]
            what = {"line": str(line["line"])}
            found.append(Relief("incentive", what, rows, -one, 1.0, total, float(line["maximum"])))
    return found


def _lines(book: Rulebook) -> Iterator[Relief]:
    lines, money = book.model["budget"], book.program.money
    whole = max(float(lines["maximum"].sum()), float(lines["minimum"].sum()), 1.0)
    for rule, kind, column, sign in (
        ("A budget line keeps its window and its limits", "money", "maximum", -1.0),
        ("A budget line spends its minimum", "least", "minimum", 1.0),
    ):
        if not book.program.has(rule):
            continue
        family = book.program.family(rule)
        values = lines.set_index("line")[column]
        for row, line in enumerate(np.asarray(family.labels["line"]).astype(object), family.start):
            now = float(values[line])
            most = now if kind == "least" else math.inf
            yield Relief(kind, {"line": line}, np.array([row]), np.array([sign / money]), 1.0, whole, now, most)


def _time(book: Rulebook, effort: Effort) -> Iterator[Relief]:
    """An hour more a day, or a visit more a day, of a rep or of all reps of a unit."""
    atoms, people, reps = book.atoms, effort.draft.grain.people, book.model["reps"]
    share = dict(zip(reps["rep"], reps["selling_share"].astype(float), strict=True))
    now = {k: dict(zip(reps["rep"], reps[k].astype(float), strict=True)) for k in ("hours_per_day", "visits_per_day")}
    place = {r: i for i, r in enumerate(people.code)}
    for kind, column, step in (("hours", "hours_per_day", 0.1), ("days", "visits_per_day", 1.0)):
        mine = atoms[atoms["kind"] == kind]
        if mine.empty:
            continue
        rep = mine["rep"].to_numpy(object)
        present = people.present[[place[r] for r in rep], mine["month"].to_numpy(int)]
        each = present * np.array([share[r] for r in rep]) if kind == "hours" else present
        whole = max(float(mine["held"].sum()), 1e-9)
        if kind == "hours":
            yield from _overtime(book, mine, whole)
        for label, fine in (("rep", True), ("unit", False)):
            for name, part in mine.groupby(label, sort=False):
                effect = each[mine.index.get_indexer(part.index)]
                codes = part["rep"].unique()
                if not effect.any() or (label == "unit" and len(codes) < 2):
                    continue
                had = max(now[column][r] for r in codes)
                yield Relief(
                    kind, {label: str(name), "reps": ";".join(codes)}, part["row"].to_numpy(int), -effect,
                    float(effect.sum()), whole, had, max(min(had * MORE, 24.0 - had), 0.0) if kind == "hours" else math.inf, step, fine,
                )  # fmt: skip


def _overtime(book: Rulebook, mine: pd.DataFrame, whole: float) -> Iterator[Relief]:
    """An hour more of a rep in a month: no table says it, but it tells where people are missing."""
    months = book.model.calendar.months
    for row, rep, month, held in zip(mine["row"], mine["rep"], mine["month"], mine["held"], strict=True):
        what = {"rep": str(rep), "month": months[int(month)]}
        yield Relief(OVERTIME, what, np.array([int(row)]), np.array([-1.0]), 1.0, whole, float(held))


def _promises(book: Rulebook, effort: Effort) -> Iterator[Relief]:
    """A visit less in the period of a tier, and an executive visit less."""
    atoms, grain, tiers = book.atoms, effort.draft.grain, book.model["tiers"].set_index("tier")
    for kind, column in (("promise", "visits"), ("executive", "executive_visits")):
        mine = atoms[atoms["kind"] == kind]
        for tier, part in mine.groupby("tier", sort=False):
            now = float(tiers[column][tier])
            if now <= 0:
                continue
            if kind == "promise":
                promised = part["held"].to_numpy(float)
            else:
                family = book.program.family("Promised executive visits are made")
                at = part["row"].to_numpy(int) - family.start
                group, month = (np.asarray(family.labels[k].codes)[at] for k in ("group", "month"))
                promised = grain.promise[group, month] * executive_ratio(grain)[group]
            whole = max(float(promised.sum()), 1e-9)
            most = now * (1 - KEEPS) if kind == "promise" else now
            yield Relief(
                kind, {"tier": str(tier)}, part["row"].to_numpy(int), promised / now, whole / now, whole, now, most
            )


def _by_month(book: Rulebook, kind: str, label: str, whole: float) -> Iterator[Relief]:
    """More of a pool or of a delivery, in a month or in every month."""
    mine = book.atoms[book.atoms["kind"] == kind]
    months = book.model.calendar.months
    for name, part in mine.groupby(label, sort=False):
        rows, each = part["row"].to_numpy(int), 1.0 / part["factor"].to_numpy(float)
        held = part["held"].to_numpy(float)
        for row, effect, month, now in zip(rows, each, part["month"], held, strict=True):
            what = {label: str(name), "month": months[int(month)]}
            yield Relief(kind, what, np.array([row]), np.array([-effect]), 1.0, max(whole, 1e-9), float(now), fine=True)
        if len(part) > 1:
            what = {label: str(name)}
            yield Relief(kind, what, rows, -each, float(len(rows)), max(whole, 1e-9), float(held.mean()))


def _targets(book: Rulebook) -> Iterator[Relief]:
    """A lower bound that falls, an upper one that rises; what matters less costs less."""
    targets = {str(row["target"]): row for row in book.model["targets"].to_dict("records")}
    mine = book.atoms[book.atoms["kind"] == "target"]
    for (code, bound), part in mine.groupby(["target", "bound"], sort=False):
        row = targets[str(code)]
        now = float(row[str(bound)])
        sign = 1.0 if bound == "at_least" else -1.0
        share = bool(row["share_of"]) and now != 0
        effect = part["size"].to_numpy(float) / abs(now) if share else 1.0 / part["factor"].to_numpy(float)
        rank = 1.0 if row["priority"] == "hard" else 1.0 + int(row["priority"])
        size = abs(now) if now else float((part["size"] * part["factor"]).mean())
        most = now if bound == "at_least" and now > 0 else math.inf
        step = 1.0 if row["metric"] in WHOLE and not row["share_of"] and abs(now) >= 1 else 0.0
        what = {"target": str(code), "bound": str(bound)}
        yield Relief("target", what, part["row"].to_numpy(int), sign * effect, 1 / size / rank, 1.0, now, most, step)


# Changes of tables


def _change(
    table: str,
    where: Mapping[str, Texts],
    operation: str,
    cells: Mapping[str, float],
    months: tuple[str, str] = ("", ""),
) -> Change:
    texts = {k: number_text(float(f"{v:.12g}")) for k, v in cells.items()}
    return Change(table, where, operation, texts, HERE, start=months[0], end=months[1])


def rest(model: Model) -> tuple[str, str]:
    """First and last of the months that are not over; blanks where none is."""
    months = model.calendar.months
    return (months[model.past], months[-1]) if model.past else ("", "")


def _money(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    yield _change("budget", {"line": (relief.what["line"],)}, "set", {"maximum": relief.now + amount})


def _least(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    yield _change("budget", {"line": (relief.what["line"],)}, "set", {"minimum": max(relief.now - amount, 0.0)})


def _hours(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    yield _change("reps", {"rep": tuple(relief.what["reps"].split(";"))}, "add", {"hours_per_day": amount})


def _days(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    yield _change("reps", {"rep": tuple(relief.what["reps"].split(";"))}, "add", {"visits_per_day": amount})


def _promise(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    """Fewer visits, as many of them with an executive as before, and clients who buy by the visits as they did."""
    tier = relief.what["tier"]
    part = (relief.now - amount) / relief.now
    cells = {"visits": part, "executive_visits": part}
    yield _change("tiers", {"tier": (tier,)}, "multiply", cells)
    if (model["responses"]["driver"] == tier).any():
        yield _change("responses", {"driver": (tier,)}, "multiply", {"effort": 1 / part})


def _executive(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    left = {"executive_visits": max(relief.now - amount, 0.0)}
    yield _change("tiers", {"tier": (relief.what["tier"],)}, "set", left)


def _pool(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    month = relief.what.get("month", "")
    where = {"resource": (relief.what["resource"],)}
    yield _change("resources", where, "add", {"hours": amount}, (month, month) if month else rest(model))


def _supply(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    """More of the largest source; a source of its own in a month in which none delivers."""
    product, month = relief.what["product"], relief.what.get("month", "")
    rows = model["supply"][model["supply"]["product"] == product]
    rows = rows[rows["month"].isin([month, ""])] if month else rows
    if rows.empty:
        cells = {"product": product, "month": month, "source": "extra", "maximum": number_text(amount)}
        yield Change("supply", {}, "append", cells, HERE)
        return
    source = str(rows.groupby("source")["maximum"].sum().idxmax())
    where = {"product": (product,), "source": (source,)}
    yield _change("supply", where, "add", {"maximum": amount}, (month, month) if month else rest(model))


def _target(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    bound = relief.what["bound"]
    new = relief.now - amount if bound == "at_least" else relief.now + amount
    yield _change("targets", {"target": (relief.what["target"],)}, "set", {bound: new})


def _pin(sign: float, relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    row = model.pins.iloc[int(relief.what["number"])]
    where = {k: (str(row[k]),) for k in ("unit", "rep", "product", "period", "level")}
    where["amount"] = (number_text(relief.now),)  # a unit holds those below it too
    yield _change(str(row["table"]), where, "set", {"amount": relief.now + sign * amount})


def _pin_up(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    return _pin(1.0, relief, model, amount)


def _pin_down(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    return _pin(-1.0, relief, model, amount)


def _floor(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    yield _change("reps", {"rep": (relief.what["rep"],)}, "set", {"quota_min": relief.now - amount})


def _cap(relief: Relief, model: Model, amount: float) -> Iterator[Change]:
    yield _change("reps", {"rep": (relief.what["rep"],)}, "set", {"quota_max": relief.now + amount})


_CHANGES = {
    "money": _money,
    "least": _least,
    "hours": _hours,
    "days": _days,
    "promise": _promise,
    "executive": _executive,
    "pool": _pool,
    "supply": _supply,
    "target": _target,
    "pin up": _pin_up,
    "pin down": _pin_down,
    "floor": _floor,
    "cap": _cap,
    "incentive": _money,
}
