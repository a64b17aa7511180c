"""Limits that a planner can move: what they are called, where they stand, and which change of the tables moves them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from allocator.errors import Finding, InputError
from allocator.explaining.heads import heads_changes
from allocator.explaining.relief import HERE
from allocator.explaining.rulebook import Bools
from allocator.formulation.grain import Grain
from allocator.model import Model
from allocator.reporting.table_text import number_text
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario, Texts
from allocator.schema.findings import did_you_mean
from allocator.texts import _

MOVED = Scenario("limit", "", HERE)
HOURS_A_DAY = 24.0

KINDS: Mapping[str, tuple[str, ...]] = {
    "line": ("line",),
    "least": ("line",),
    "budget": ("category",),
    "hours": ("unit", "rep"),
    "heads": ("unit",),
    "resource": ("resource",),
    "supply": ("product",),
    "target": ("target", "bound"),
    "promise": ("tier",),
}
"""Kinds of limits, and what may be said of each: the first one also after the kind, as in ``line=fairs``."""

FREE = frozenset({"budget", "hours"})
"""Kinds that hold for everything where nothing is said."""

TABLES = {
    "line": ("budget", "line"),
    "category": ("budget", "category"),
    "unit": ("units", "unit"),
    "rep": ("reps", "rep"),
    "resource": ("resources", "resource"),
    "product": ("supply", "product"),
    "target": ("targets", "target"),
    "tier": ("tiers", "tier"),
}
"""Where the names of what is said stand."""


@dataclass(frozen=True)
class Limit:
    """Something that a planner can move.

    Attributes
    ----------
    kind : str
        One of :data:`KINDS`.
    what : mapping of str to str
    now : float
        What stands in the tables: money or people over the whole plan, hours and deliveries of the months that are not over, visits in
        the tier's period, a target's bound.
    measure : str
        money, hours, heads, visits, share, or the target's metric.
    highest : float
        Largest value that the tables can say.
    whole : bool
        Whether it moves by ones only.
    slope : float
        Of hours: what a working day of one hour more, of everybody it concerns, gives in the months that are not over.
    """

    kind: str
    what: Mapping[str, str]
    now: float
    measure: str
    highest: float = math.inf
    whole: bool = False
    slope: float = field(default=0.0, repr=False)

    @property
    def key(self) -> str:
        """How it is written on the command line."""
        first = KINDS[self.kind][0]
        said = [f"{k}={v}" for k, v in self.what.items() if v and not (k == "bound" and v == "at_least")]
        if said and said[0].startswith(f"{first}=") and first == self.kind:
            return "; ".join(said)
        return " ".join([self.kind, "; ".join(said)]).strip()

    def changes(self, model: Model, value: float) -> list[Change]:
        """The change of the tables that sets it to a value."""
        return _CHANGES[self.kind](self, model, value)

    def at(self, model: Model, value: float) -> Model:
        """The model with the limit at a value.

        Raises
        ------
        InputError
            If the tables cannot say it.
        """
        if value == self.now:
            return model
        return apply_steps(model, [(MOVED, self.changes(model, value))]).model


def parse_limit(model: Model, grain: Grain, text: str) -> Limit:
    """Read a limit as it is written on the command line, such as ``line=fairs``, ``budget`` or ``hours unit=East``.

    Raises
    ------
    InputError
        If there is no such limit.
    """
    parts = re.split(r"(?:^|[;\s]\s*)([a-z_]+)\s*=\s*", text.strip())
    head = parts[0].strip(" ;")
    said = {k: v.strip(" ;") for k, v in zip(parts[1::2], parts[2::2], strict=True)}
    kind = head or next(iter(said), "")
    if kind not in KINDS:
        raise _refused(_("There is no such limit.") + did_you_mean(kind, KINDS), text)
    if kind in said:
        said = {KINDS[kind][0]: said.pop(kind), **said}
    for name, value in said.items():
        if name not in KINDS[kind]:
            names = ", ".join(KINDS[kind])
            raise _refused(_("Of the limit {kind} may be said: {names}.").format(kind=kind, names=names), text)
        if name in TABLES:
            table, column = TABLES[name]
            known = list(dict.fromkeys(model[table][column].astype(str)))
            if value not in known:
                raise _refused(
                    _("There is no {name} {value}.").format(name=name, value=value) + did_you_mean(value, known), text
                )
    if not said and kind not in FREE:
        raise _refused(_("Say which one: {kind}={name}").format(kind=kind, name=KINDS[kind][0].upper()), text)
    return make_limit(model, grain, kind, said)


def make_limit(model: Model, grain: Grain, kind: str, what: Mapping[str, str]) -> Limit:
    """A limit by its kind and what it is about.

    Raises
    ------
    InputError
        If nothing stands in the tables to be moved.
    """
    limit = _MAKE[kind](model, grain, dict(what))
    if math.isnan(limit.now):
        says = _("Its months are over, or nothing is set there.") if model.past else _("Nothing is set there.")
        raise _refused(says, limit.key)
    return limit


def past_limits(model: Model) -> list[Limit]:
    """Limits of lines and targets whose months are all over: nothing can be done with them any more."""
    lines, targets = model["budget"], model["targets"]
    found = [("line", {"line": str(r["line"])}) for r in lines.to_dict("records") if over(model, r["to"])]
    for row in targets[targets["level"] != "ceiling"].to_dict("records"):
        if over(model, row["period"]):
            bound = "at_most" if math.isnan(row["at_least"]) else "at_least"
            found.append(("target", {"target": str(row["target"]), "bound": bound}))
    return [Limit(kind, what, math.nan, "") for kind, what in found]


def every_limit(model: Model, grain: Grain) -> list[Limit]:
    """All limits of a model but people, whose number is asked for by itself, and the hours of single reps."""
    found: list[tuple[str, dict[str, str]]] = []
    lines = model["budget"]
    found += [("budget", {})] if len(lines) > 1 else []
    found += [("line", {"line": c}) for c in lines["line"]]
    found += [("least", {"line": c}) for c in lines.loc[lines["minimum"] > 0, "line"]]
    found += [("hours", {"unit": u}) for u in model["units"]["unit"]]
    found += [("resource", {"resource": c}) for c in dict.fromkeys(model["resources"]["resource"])]
    found += [("supply", {"product": c}) for c in dict.fromkeys(model["supply"]["product"])]
    found += [("promise", {"tier": c}) for c in model["tiers"].loc[model["tiers"]["visits"] > 0, "tier"]]
    targets = model["targets"][model["targets"]["level"] != "ceiling"]
    for bound in ("at_least", "at_most"):
        found += [("target", {"target": c, "bound": bound}) for c in targets.loc[targets[bound].notna(), "target"]]
    limits = [_MAKE[kind](model, grain, what) for kind, what in found]
    return [limit for limit in limits if limit.now and not math.isnan(limit.now)]


def _refused(says: str, value: str) -> InputError:
    return InputError([Finding("error", "--limit", "", "", value, "limit", f"--limit {value}{_(': ')}{says}")])


# What stands in the tables


def _row(model: Model, table: str, key: str, code: str) -> dict[str, Any]:
    """The row of a code."""
    rows = model[table]
    found: list[dict[str, Any]] = rows[rows[key] == code].to_dict("records")  # type: ignore[assignment]
    return found[0]


def _line(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
    row = _row(model, "budget", "line", what["line"])
    return Limit("line", what, math.nan if over(model, row["to"]) else float(row["maximum"]), "money")


def _least(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
    row = _row(model, "budget", "line", what["line"])
    now = math.nan if over(model, row["to"]) else float(row["minimum"])
    return Limit("least", what, now, "money", highest=float(row["maximum"]))


def _budget(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
    lines = _open_lines(model, what)
    return Limit("budget", what, float(lines["maximum"].sum()) if len(lines) else math.nan, "money")


def _open_lines(model: Model, what: Mapping[str, str]) -> pd.DataFrame:
    """Lines, of a category if one is named, that may still spend."""
    lines = model["budget"]
    lines = lines[[not over(model, line) for line in lines["to"]]]
    return lines[lines["category"] == what["category"]] if "category" in what else lines


def over(model: Model, period: str) -> bool:
    """Whether all months up to the end of a period are over."""
    return bool(model.past) and bool(model.calendar.window(period)[-1] < model.past)


def mine(model: Model, what: Mapping[str, str]) -> Bools:
    """Which reps hours are about; false behind them, for nobody."""
    reps = model["reps"]
    hit = reps["rep"].isin([what["rep"]]) if "rep" in what else reps["rep"].notna()
    if "unit" in what:
        hit &= reps["unit"].map(lambda u: what["unit"] in model.ancestors[u])
    return np.append(hit.to_numpy(bool), False)


def _hours(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
    reps, people = model["reps"], grain.people
    hit = mine(model, what)[:-1]
    if not hit.any():
        return Limit("hours", what, math.nan, "hours")
    longest = float(reps["hours_per_day"][hit].max())
    days = people.present[hit, model.past :] * reps["selling_share"].to_numpy(float)[hit, None]
    gross = float((days * reps["hours_per_day"].to_numpy(float)[hit, None]).sum())
    now = float(people.hours[hit, model.past :].sum()) if gross else math.nan
    highest = now + gross * (HOURS_A_DAY / longest - 1) if longest > 0 else now
    return Limit("hours", what, now, "hours", highest=highest, slope=gross)


def _heads(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
    count = int((model["reps"]["unit"] == what["unit"]).sum())
    return Limit("heads", what, float(count) if count else math.nan, "heads", whole=True)


def _by_month(table: str, column: str, amount: str) -> Callable[[Model, Grain, dict[str, str]], Limit]:
    def make(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
        rows = model[table][model[table][column] == what[column]]
        months, keys = model.calendar.months[model.past :], [c for c in ("source",) if c in rows]
        own = rows[rows["month"].isin(months)]
        now = float(own[amount].sum())
        for values in rows.loc[rows["month"] == "", [*keys, amount]].itertuples(index=False, name=None):
            same = own[own[keys[0]] == values[0]] if keys else own
            now += values[-1] * (len(months) - same["month"].nunique())
        kind = "resource" if table == "resources" else "supply"
        return Limit(kind, what, now if len(rows) else math.nan, "hours" if table == "resources" else "money")

    return make


def _target(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
    row = _row(model, "targets", "target", what["target"])
    default = "at_least" if not math.isnan(row["at_least"]) else "at_most"
    what = {"target": what["target"], "bound": what.get("bound", default)}
    if what["bound"] not in ("at_least", "at_most"):
        raise _refused(_("A bound is at_least or at_most."), f"target={what['target']}; bound={what['bound']}")
    measure = "share" if row["share_of"] else str(row["metric"])
    now = math.nan if over(model, row["period"]) else float(row[what["bound"]])
    return Limit("target", what, now, measure)


def _promise(model: Model, grain: Grain, what: dict[str, str]) -> Limit:
    return Limit("promise", what, float(model["tiers"].set_index("tier")["visits"][what["tier"]]), "visits")


_MAKE: Mapping[str, Callable[[Model, Grain, dict[str, str]], Limit]] = {
    "line": _line,
    "least": _least,
    "budget": _budget,
    "hours": _hours,
    "heads": _heads,
    "resource": _by_month("resources", "resource", "hours"),
    "supply": _by_month("supply", "product", "maximum"),
    "target": _target,
    "promise": _promise,
}


# How the tables change


def _set(table: str, where: Mapping[str, Texts], operation: str, cells: Mapping[str, float]) -> Change:
    return Change(table, where, operation, {k: number_text(v) for k, v in cells.items()}, HERE)


def _set_line(limit: Limit, model: Model, value: float) -> list[Change]:
    """A maximum below the minimum takes it along."""
    row = _row(model, "budget", "line", limit.what["line"])
    cells = {"maximum": value} | ({"minimum": value} if row["minimum"] > value else {})
    return [_set("budget", {"line": (limit.what["line"],)}, "set", cells)]


def _set_least(limit: Limit, model: Model, value: float) -> list[Change]:
    return [_set("budget", {"line": (limit.what["line"],)}, "set", {"minimum": value})]


def _set_budget(limit: Limit, model: Model, value: float) -> list[Change]:
    """All lines in proportion."""
    found = []
    for row in _open_lines(model, limit.what).to_dict("records"):
        most = float(row["maximum"]) * (value / limit.now)
        cells = {"maximum": most} | ({"minimum": most} if row["minimum"] > most else {})
        found.append(_set("budget", {"line": (str(row["line"]),)}, "set", cells))
    return found


def _set_hours(limit: Limit, model: Model, value: float) -> list[Change]:
    """Everybody's working day in proportion; fixed activities take what they took."""
    where: dict[str, Texts] = {k: (v,) for k, v in limit.what.items()}
    factor = 1.0 + (value - limit.now) / limit.slope
    return [_set("reps", where, "multiply", {"hours_per_day": factor})]


def _set_heads(limit: Limit, model: Model, value: float) -> list[Change]:
    return heads_changes(model, limit.what["unit"], round(value - limit.now))


def _set_part(table: str, column: str, amount: str) -> Callable[[Limit, Model, float], list[Change]]:
    def change(limit: Limit, model: Model, value: float) -> list[Change]:
        return [_set(table, {column: (limit.what[column],)}, "multiply", {amount: value / limit.now})]

    return change


def _set_target(limit: Limit, model: Model, value: float) -> list[Change]:
    return [_set("targets", {"target": (limit.what["target"],)}, "set", {limit.what["bound"]: value})]


def _set_promise(limit: Limit, model: Model, value: float) -> list[Change]:
    """As many of the visits with an executive as before, and clients who buy by the number of visits as they did."""
    tier, part = limit.what["tier"], value / limit.now
    found = [_set("tiers", {"tier": (tier,)}, "multiply", {"visits": part, "executive_visits": part})]
    if part > 0 and (model["responses"]["driver"] == tier).any():
        found.append(_set("responses", {"driver": (tier,)}, "multiply", {"effort": 1 / part}))
    return found


_CHANGES: Mapping[str, Callable[[Limit, Model, float], list[Change]]] = {
    "line": _set_line,
    "least": _set_least,
    "budget": _set_budget,
    "hours": _set_hours,
    "heads": _set_heads,
    "resource": _set_part("resources", "resource", "hours"),
    "supply": _set_part("supply", "product", "maximum"),
    "target": _set_target,
    "promise": _set_promise,
}
