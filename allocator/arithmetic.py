"""What arithmetic alone shows to be out of reach, before anything is solved.

Every bound here is a proof: no plan reaches more. So a finding is an error where a hard rule is at stake, and a warning
where a goal is.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from allocator.engines.status import Engine
from allocator.errors import Finding, Severity
from allocator.formulation.grain import Grain, make_grain, rep_scope
from allocator.model import Model
from allocator.pinning import pin_conflicts
from allocator.plausibility import REFUSED, plausibility
from allocator.schema.findings import Place, Report
from allocator.scopes import Scope, parse_scope
from allocator.texts import _, after

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

RULE = "arithmetic"
SLACK = 1e-9
"""Relative slack of a comparison, so that sums of doubles do not cry wolf."""

_TIME = {"month", "quarter"}
_REPS = {"rep", "grade", "unit"}
_PRODUCTS = {"product", "family", "class"}


def arithmetic(
    model: Model,
    grain: Grain | None = None,
    *,
    strict: bool = False,
    engine: Engine | None = None,
    warnings: bool = True,
) -> list[Finding]:
    """Find what cannot be reached whatever the plan.

    Parameters
    ----------
    model : Model
    grain : Grain, optional
        The model's grain, if it is made already.
    strict : bool
        Whether promised visits and targets of level base are hard.
    engine : Engine, optional
        For contradictions among pins; the model's setting by default.
    warnings : bool
        Whether what is only doubtful is looked for.

    Returns
    -------
    list of Finding
        Errors where a hard rule is out of reach, warnings where a goal is; their rule is ``arithmetic``, or ``pins``.
    """
    grain = make_grain(model) if grain is None else grain
    report = Report(_places(model))
    _activities(grain, report)
    _promises(grain, report, "error" if strict else "warning")
    pin_conflicts(grain, report, engine)
    if warnings or (model["thresholds"]["check"] == REFUSED).any():
        plausibility(model, report)
    bounds = _Bounds(grain)
    for position, target in model["targets"].iterrows():
        if target["share_of"] or target["level"] == "ceiling":
            continue
        hard = target["priority"] == "hard" or (strict and target["level"] == "base")
        if not hard and not warnings:
            continue
        says = bounds.out_of_reach(target)
        if says:
            severity: Severity = "error" if hard else "warning"
            report.add(
                severity, "targets", RULE, says, position=int(str(position)), column="target", value=target["target"]
            )
    return list(report.findings())


def _places(model: Model) -> dict[str, Place]:
    nowhere = np.zeros(0, dtype=np.int64)
    source = Path(model.source)
    book = source.suffix.casefold() == ".xlsx"

    def file(table: str) -> str:
        return f"{table}.parquet" if (source / f"{table}.parquet").is_file() else f"{table}.csv"

    return {
        t: Place(f"{source.name}[{t}]" if book else file(t), nowhere)
        for t in ("reps", "targets", "pins", "commitments")
    }


def _activities(grain: Grain, report: Report) -> None:
    """Find reps whose fixed activities take more than their selling hours, which no plan can mend."""
    reps = grain.model["reps"]
    there = (reps["hours_per_day"] * reps["selling_share"]).to_numpy(dtype=float)[:, None] * grain.people.present
    taken = there - grain.people.hours
    for position in np.flatnonzero((taken > there + SLACK * np.maximum(1.0, there)).any(axis=1)):
        worst = int(np.argmax(taken[position] - there[position]))
        says = _(
            "In {month} fixed activities take {needed:,.1f} hours, but there are {there:,.1f} for selling."
        ).format(month=grain.model.calendar.months[worst], needed=taken[position, worst], there=there[position, worst])
        says += after(_("Shorten an activity, or give the rep more hours."))
        report.add("error", "reps", RULE, says, position=int(position), column="rep", value=reps["rep"].iloc[position])


def _promises(grain: Grain, report: Report, severity: Severity) -> None:
    """Compare the visits that a rep must make at least with the hours, and with the visits that the days hold."""
    reps = grain.model["reps"]
    minutes = grain.model["tiers"].set_index("tier")["minutes"].reindex(grain.groups["tier"]).to_numpy(dtype=float)
    for weight, limit, says_year, says_month in (
        (
            minutes / 60,
            grain.people.hours,
            _("The promised visits of the rep take {needed:,.0f} hours, but there are {there:,.0f}."),
            _("In {month} the promised visits of the rep take {needed:,.1f} hours, but there are {there:,.1f}."),
        ),
        (
            np.ones(len(minutes)),
            reps["visits_per_day"].to_numpy(dtype=float)[:, None] * grain.people.present,
            _("The rep has promised {needed:,.0f} visits, but the days hold {there:,.0f}."),
            _("In {month} the rep has promised {needed:,.1f} visits, but the days hold {there:,.1f}."),
        ),
    ):
        year, month = _least_load(grain, weight)
        for position, rep in enumerate(reps["rep"]):
            over = month[position] - limit[position]
            worst = int(np.nanargmax(over)) if not np.isnan(over).all() else 0
            if _exceeds(year[position], limit[position].sum()):
                says = says_year.format(needed=year[position], there=limit[position].sum())
            elif _exceeds(month[position, worst], limit[position, worst]):
                says = says_month.format(
                    month=grain.model.calendar.months[worst],
                    needed=month[position, worst],
                    there=max(0.0, limit[position, worst]),
                )
            else:
                continue
            says += after(_("Promise fewer visits, or give clients to another rep."))
            report.add(severity, "reps", RULE, says, position=position, column="rep", value=rep)


def _exceeds(needed: float, there: float) -> bool:
    return needed > there + SLACK * max(1.0, abs(there))


def _least_load(grain: Grain, weight: Floats) -> tuple[Floats, Floats]:
    """Least load of each rep from promises, whatever month of its window a visit is in.

    Returns
    -------
    year : array, shape (reps,)
        Σ over the windows of the promise times the rep's least share of it.
    month : array, shape (reps, months)
        The same for promises whose window is the month.
    """
    owner = grain.groups["rep"].to_numpy(dtype=np.int64)
    own, backup = grain.shares
    groups, months = grain.windows.shape
    reps = len(grain.people.code)
    year, month = np.zeros(reps), np.zeros((reps, months))
    at = pd.DataFrame({"group": np.repeat(np.arange(groups), months), "window": grain.windows.ravel()})
    window = at.groupby(["group", "window"], sort=False).ngroup().to_numpy()
    first = ~at.duplicated().to_numpy()
    alone = np.bincount(window)[window] == 1
    for who, share in ((np.repeat(owner, months), own.ravel()), (backup.ravel(), 1.0 - own.ravel())):
        # A backup may change within a window only by being there or not, so a rep's least share is over its months.
        share = np.where(who >= 0, share, 0.0)
        least = pd.Series(share).groupby(window).transform("min").to_numpy()
        load = grain.promise.ravel() * np.repeat(weight, months) * least
        counts = (who >= 0) & (load > 0)
        np.add.at(year, who[counts & first], load[counts & first])
        single = np.flatnonzero(counts & alone)
        np.add.at(month, (who[single], single % months), load[single])
    return year, month


class _Bounds:
    """Most that each metric can reach, from ceilings, supply, prospects and lines."""

    def __init__(self, grain: Grain) -> None:
        self.grain, self.model = grain, grain.model
        self.products = self.model["products"]
        self.pairs = grain.pairs
        won = not self.model["funnel"].empty
        alive = (grain.groups["status"] == "active").to_numpy() | won
        on_sale = grain.season.sum(axis=1) > 0
        group, product = self.pairs["group"].to_numpy(), self.pairs["product"].to_numpy()
        self.ceiling = self.pairs["ceiling"].to_numpy(dtype=float) * (alive[group] & on_sale[product])

    def out_of_reach(self, target: pd.Series) -> str:
        """Sentence that says why a target cannot be reached; blank where nothing shows it."""
        metric, scope = str(target["metric"]), parse_scope(str(target["scope"]))
        months = self.model.calendar.window(str(target["period"]))
        if metric == "spend" and not target["each"]:
            return self._spend(scope, months, float(target["at_least"]), float(target["at_most"]))
        least = float(target["at_least"])
        if not least > 0 or metric not in {"revenue", "profit", "contracts", "new_clients"}:
            return ""
        for name, one in self._repeated(scope, tuple(target["each"])):
            most = self._clients(one, months) if metric == "new_clients" else self._sales(metric, one, months)
            if _exceeds(least, most):
                says = _("At least {least:,.10g} is out of reach: all ceilings together allow {most:,.10g}.")
                if metric == "new_clients":
                    says = _("At least {least:,.10g} is out of reach: there are {most:,.10g} to be won.")
                return (f"{name}: " if name else "") + says.format(least=least, most=most)
        return ""

    def _repeated(self, scope: Scope, each: tuple[str, ...]) -> Iterator[tuple[str, Scope]]:
        """Scopes of the repetitions; those in time have one bound, the year's."""
        dimensions = [name for name in each if name not in _TIME]
        for values in itertools.product(*(self._values(name) for name in dimensions)):
            one = dict(scope)
            for name, value in zip(dimensions, values, strict=True):
                key = name if name in {"client", "tier", "status", "industry", "area"} | _REPS | _PRODUCTS else "unit"
                if key in one and key != "unit":
                    one[key] = tuple(v for v in one[key] if v == value)
                elif key not in one or value in self._below(one[key]):
                    one[key] = (value,)
                else:
                    one[key] = ()
            if all(one.values()) and self._occurs(one):
                yield ", ".join(f"{n}={v}" for n, v in zip(dimensions, values, strict=True)), one

    def _values(self, name: str) -> list[str]:
        if name in _PRODUCTS:
            found = self.products[name]
        elif name in {"rep", "grade"}:
            found = self.model["reps"][name]
        elif name in self.grain.groups:
            found = self.grain.groups[name]
        else:
            units = self.model["units"]
            found = self.model["reps"]["unit"] if name == "unit" else units.loc[units["kind"] == name, "unit"]
        return sorted(set(found) - {""})

    def _below(self, units: tuple[str, ...]) -> set[str]:
        return {u for u, chain in self.model.ancestors.items() if not set(units).isdisjoint(chain)}

    def _occurs(self, scope: Scope) -> bool:
        """Whether the repetition has cells at all: without any there is no target."""
        whole = np.arange(self.model.settings.months)
        groups = self._groups(scope, whole)
        return bool((groups[self.pairs["group"]] & self._sold(scope)[self.pairs["product"]]).any())

    def _groups(self, scope: Scope, months: NDArray[np.int64]) -> Bools:
        """Mark the groups that the scope holds in one month at least."""
        groups = self.grain.groups
        held = np.ones(len(groups), bool)
        for key in {"client", "tier", "status", "industry", "area"} & scope.keys():
            held &= groups[key].isin(scope[key]).to_numpy()
        by_rep = {key: values for key, values in scope.items() if key in _REPS}
        if by_rep:
            text = "; ".join(f"{key}={', '.join(values)}" for key, values in by_rep.items())
            carrier = self.grain.carrier[:, months]
            held &= ((carrier >= 0) & np.append(rep_scope(self.model, text), False)[carrier]).any(axis=1)
        return held

    def _sold(self, scope: Scope) -> Bools:
        """Mark the products that the scope holds."""
        held = np.ones(len(self.products), bool)
        for key in _PRODUCTS & scope.keys():
            held &= self.products[key].isin(scope[key]).to_numpy()
        return held

    def _in_time(self, scope: Scope, months: NDArray[np.int64]) -> NDArray[np.int64]:
        for key in _TIME & scope.keys():
            months = np.intersect1d(months, np.concatenate([self.model.calendar.window(v) for v in scope[key]]))
        return months

    def _sales(self, metric: str, scope: Scope, months: NDArray[np.int64]) -> float:
        months = self._in_time(scope, months)
        mask = self._groups(scope, months)[self.pairs["group"]] & self._sold(scope)[self.pairs["product"]]
        most = np.bincount(
            self.pairs["product"].to_numpy()[mask], weights=self.ceiling[mask], minlength=len(self.products)
        )
        most = np.minimum(most, self._supply(months))
        value = self.products["contract_value"].fillna(self.products["price"]).to_numpy(dtype=float)
        per = {
            "revenue": np.ones(len(most)),
            "profit": np.maximum(self.products["margin"].to_numpy(dtype=float), 0.0),
            "contracts": np.divide(1.0, value, out=np.zeros(len(most)), where=value > 0),
        }
        return float(most @ per[metric])

    def _supply(self, months: NDArray[np.int64]) -> Floats:
        """Most that can be delivered of each product in some months; infinite without supply rows."""
        most = self._supply_by_month
        return np.where(np.isinf(most).all(axis=1), np.inf, most[:, months].sum(axis=1))

    @functools.cached_property
    def _supply_by_month(self) -> Floats:
        """The same of each product and month, shape (products, months)."""
        supply, labels = self.model["supply"], np.array(self.model.calendar.months, dtype=object)
        most = np.full((len(self.products), len(labels)), np.inf)
        for position, product in enumerate(self.products["product"]):
            rows = supply[supply["product"] == product]
            if rows.empty:
                continue
            most[position] = 0.0
            for _source, of_source in rows.groupby("source"):
                by_month = of_source.set_index("month")["maximum"]
                most[position] += by_month.reindex(labels).fillna(by_month.get("", 0.0)).to_numpy(float)
        return most

    def _clients(self, scope: Scope, months: NDArray[np.int64]) -> float:
        groups = self.grain.groups
        mask = self._groups(scope, self._in_time(scope, months)) & (groups["status"] != "active").to_numpy()
        return float(groups["members"].to_numpy(dtype=float)[mask].sum()) if len(self.model["funnel"]) else 0.0

    def _spend(self, scope: Scope, months: NDArray[np.int64], least: float, most: float) -> str:
        lines = self.model["budget"].merge(self.products[["product", "family", "class"]], on="product", how="left")
        held = np.ones(len(lines), bool)
        for key in scope.keys() - _TIME:
            values = list(self._below(scope[key])) if key == "unit" else list(scope[key])
            if key == "unit" and any(len(self.model.ancestors[u]) == 1 for u in scope[key]):
                values.append("")
            held &= lines[key].isin(values).to_numpy()
        months = self._in_time(scope, months)
        first = np.array([self.model.calendar.window(p)[0] for p in lines["from"]], dtype=np.int64)
        last = np.array([self.model.calendar.window(p)[-1] for p in lines["to"]], dtype=np.int64)
        touched = np.array([((months >= a) & (months <= b)).any() for a, b in zip(first, last, strict=True)], bool)
        inside = np.array([np.isin(np.arange(a, b + 1), months).all() for a, b in zip(first, last, strict=True)], bool)
        limit = np.where(lines["may_overrun"], np.inf, lines["maximum"])[held & touched].sum()
        floor = float(lines["minimum"].to_numpy(dtype=float)[held & inside].sum())
        if _exceeds(least, limit):
            says = _("At least {least:,.10g} is out of reach: the lines allow {most:,.10g}.")
            return says.format(least=least, most=limit)
        if _exceeds(floor, most):
            says = _("At most {most:,.10g} cannot be kept: the least money of the lines is {least:,.10g}.")
            return says.format(least=floor, most=most)
        return ""
