"""How a rep's quota came about: the figures behind it, what stopped it, and what would move it, each planned anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from allocator.errors import Finding, InfeasibleError, InputError
from allocator.explaining.enlarging import grown
from allocator.explaining.limits import make_limit
from allocator.explaining.relief import HERE
from allocator.formulation.arrays import positions
from allocator.formulation.fairness import fair_weights
from allocator.formulation.grain import Grain, make_grain
from allocator.model import LEVELS, Model
from allocator.plan import Plan
from allocator.replanning import Replanner
from allocator.reporting.table_text import number_text
from allocator.scenarios.applying import apply_steps
from allocator.scenarios.scenario import Change, Scenario
from allocator.schema.findings import did_you_mean
from allocator.scopes import parse_scope
from allocator.texts import _

MOVE = 0.1
"""By how much hours, demand and the target are moved to see what the quota does."""

NEAR = 1e-6
"""What is this near, relative to one and its size, is at it."""

FIGURES = ("history", "potential", "forecast", "fair", *LEVELS, "hours", "clients")

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Moved:
    """What a change does to the rep's base quota and forecast of the plan.

    Attributes
    ----------
    kind : str
        hours, demand or target.
    name : str
        Of the target; else blank.
    part : float
        Of what there is, added.
    quota, forecast : float
        Changes in money; NaN where there is no plan then.
    """

    kind: str
    name: str
    part: float
    quota: float
    forecast: float


@dataclass(frozen=True)
class Why:
    """How a rep's quota came about.

    Attributes
    ----------
    model : Model
    rep, unit : str
        The unit is his own, or the narrowest above it in which he is not alone.
    figures : DataFrame
        A rep of the unit, or of those below it, a row, of the plan: history, potential (the most his clients buy), forecast, fair
        (share of what the reps of his own unit are asked together), base, stretch, ceiling, hours, clients.
    stopped : str
        pin, floor, cap, forecast, above fair, below fair, or need (no more is needed of him).
    pins : DataFrame
        Rows of ``pins`` that name him.
    asked : DataFrame
        Rows of the plan's ``asked`` of base that count him.
    moved : tuple of Moved
    """

    model: Model
    rep: str
    unit: str
    figures: pd.DataFrame
    stopped: str
    pins: pd.DataFrame
    asked: pd.DataFrame
    moved: tuple[Moved, ...]


def why(model: Model, rep: str, *, strict: bool = False, progress: Progress | None = None) -> Why:
    """Trace a rep's quota.

    Raises
    ------
    InputError
        If there is no such rep.
    InfeasibleError
        If there is no plan.
    """
    reps = model["reps"]
    if rep not in set(reps["rep"]):
        says = _("There is no such rep.") + did_you_mean(rep, list(reps["rep"]))
        raise InputError([Finding("error", "--rep", "", "", rep, "reference", f"--rep {rep}{_(': ')}{says}")])
    replanner = Replanner(model, strict=strict, quick=True, progress=progress)
    plan = replanner.base
    if not plan.tables:
        raise InfeasibleError(_("This model has no plan; allocator explain says why."))
    unit = _team(model, str(reps.set_index("rep")["unit"][rep]))
    grain = make_grain(model)
    figures = _figures(model, grain, plan, unit)
    asked = _asked(model, plan, rep)
    moved = []
    for kind, name, part, changed in _moves(model, grain, rep, asked):
        if progress is not None:
            progress(_("what moves the quota"))
        moved.append(_difference(plan, replanner.plan(changed, quick=True), rep, kind, name, part))
    pins = model.pins[model.pins["rep"] == rep]
    return Why(model, rep, unit, figures, _stopped(model, figures, pins, rep), pins, asked, tuple(moved))


def _figures(model: Model, grain: Grain, plan: Plan, unit: str) -> pd.DataFrame:
    reps, people, months = model["reps"], grain.people, grain.months
    count = len(people.code)
    ceiling = np.bincount(
        grain.pairs["group"], weights=grain.pairs["ceiling"].to_numpy(float), minlength=len(grain.groups)
    )
    potential, carried = np.zeros(count), grain.carrier >= 0
    np.add.at(potential, grain.carrier[carried], np.repeat(ceiling[:, None], months, axis=1)[carried] / months)
    rows = model["history"].query("metric == 'revenue'")
    owner = grain.clients.set_index("client")["rep"].reindex(rows["client"]).fillna(-1).to_numpy(int)
    own = positions(people.code, rows["rep"])
    at = np.where(own >= 0, own, owner)
    history = np.zeros(count)
    np.add.at(history, at[at >= 0], rows["amount"].to_numpy(float)[at >= 0])
    clients = grain.clients.groupby("rep")["count"].sum().reindex(range(count)).fillna(0.0)
    quotas = plan.tables["quotas"]
    by_level = quotas.pivot_table("exact", "rep", "level", aggfunc="sum").reindex(reps["rep"]).fillna(0.0)
    base = quotas[quotas["level"] == LEVELS[0]].groupby("rep")["forecast"].sum().reindex(reps["rep"]).fillna(0.0)
    frame = pd.DataFrame(
        {
            "history": history,
            "potential": potential,
            "forecast": base.to_numpy(),
            "weight": fair_weights(grain),
            **{level: by_level[level].to_numpy() if level in by_level else 0.0 for level in LEVELS},
            "hours": people.hours.sum(axis=1),
            "clients": clients.to_numpy(float),
        },
        index=pd.Index(reps["rep"], name="rep"),
    )
    peers = frame.groupby(reps["unit"].to_numpy())[["weight", "base"]].transform("sum")
    frame["fair"] = (frame["weight"] / peers["weight"].where(peers["weight"] > 0)) * peers["base"]
    below = np.array([unit in model.ancestors[u] for u in reps["unit"]], bool)
    return frame.loc[below, list(FIGURES)]


def _team(model: Model, unit: str) -> str:
    """The unit, or where it has one rep only the narrowest above it that has more."""
    for above in model.ancestors[unit]:
        if sum(above in model.ancestors[u] for u in model["reps"]["unit"]) > 1:
            return above
    return unit


def _stopped(model: Model, figures: pd.DataFrame, pins: pd.DataFrame, rep: str) -> str:
    """What the quota stands at."""
    mine: dict[str, float] = figures.loc[rep].astype(float).to_dict()  # type: ignore[assignment]
    row: dict[str, Any] = model["reps"].set_index("rep").loc[rep].to_dict()  # type: ignore[assignment]
    quota, fair, band = mine["base"], mine["fair"], model.settings.fairness.band

    def at(value: float) -> bool:
        return bool(abs(quota - value) <= NEAR * max(1.0, abs(value)))

    whole = pins[(pins["product"] == "") & (pins["level"] == LEVELS[0])]
    if any(at(float(a)) for a in whole["amount"]):
        return "pin"
    if at(float(row["quota_min"])):
        return "floor"
    if at(float(row["quota_max"])):
        return "cap"
    if at(mine["forecast"]):
        return "forecast"
    if at((1 + band) * fair):
        return "above fair"
    return "below fair" if at((1 - band) * fair) else "need"


def _asked(model: Model, plan: Plan, rep: str) -> pd.DataFrame:
    """What the company needs at base that counts a rep."""
    row = model["reps"].set_index("rep").loc[rep]
    kinds = set(model["units"]["kind"])

    def counts(scope: str, each: str) -> bool:
        named = {**parse_scope(scope), **{k: (v,) for k, v in (p.split("=", 1) for p in each.split("; ") if "=" in p)}}
        for key, values in named.items():
            if key == "rep" and rep not in values:
                return False
            if key == "grade" and row["grade"] not in values:
                return False
            if (key == "unit" or key in kinds) and set(values).isdisjoint(model.ancestors[str(row["unit"])]):
                return False
        return True

    asked = plan.tables["asked"]
    asked = asked[asked["level"] == LEVELS[0]]
    return asked[[counts(s, e) for s, e in zip(asked["scope"], asked["each"], strict=True)]].reset_index(drop=True)


def _moves(model: Model, grain: Grain, rep: str, asked: pd.DataFrame) -> Iterator[tuple[str, str, float, Model]]:
    """Changed models: his hours, his clients' demand, and the target that asks for most of him."""
    hours = make_limit(model, grain, "hours", {"rep": rep})
    place = int(np.flatnonzero(np.asarray(grain.people.code) == rep)[0])
    clients = tuple(grain.clients.loc[grain.clients["rep"] == place, "client"])
    targets = asked[(asked["bound"] == "at_least") & asked["target"].isin(model["targets"]["target"])]
    for part in (MOVE, -MOVE):
        value = hours.now * (1 + part)
        if hours.now > 0 and value <= hours.highest:
            yield "hours", "", part, hours.at(model, value)
    demanded = model["demand"]["client"].isin(clients)
    for part in (MOVE, -MOVE) if demanded.any() else ():
        bought = tuple(dict.fromkeys(model["demand"]["client"][demanded]))
        yield "demand", "", part, _changed(model, *grown(model, {"client": bought}, part))
    if len(targets):
        name = str(targets["target"].iloc[int(targets["required"].to_numpy(float).argmax())])
        for part in (MOVE, -MOVE):
            change = Change("targets", {"target": (name,)}, "multiply", {"at_least": number_text(1 + part)}, HERE)
            try:
                changed = _changed(model, change)
            except InputError:  # a share above 1, or a bound above its other one
                continue
            yield "target", name, part, changed


def _changed(model: Model, *changes: Change) -> Model:
    return apply_steps(model, [(Scenario("why", "", HERE), changes)]).model


def _difference(base: Plan, plan: Plan, rep: str, kind: str, name: str, part: float) -> Moved:
    if not plan.tables:
        return Moved(kind, name, part, np.nan, np.nan)
    quota, forecast = (_of(plan, rep, c) - _of(base, rep, c) for c in ("exact", "forecast"))
    return Moved(kind, name, part, quota, forecast)


def _of(plan: Plan, rep: str, column: str) -> float:
    quotas = plan.tables["quotas"]
    return float(quotas.loc[(quotas["rep"] == rep) & (quotas["level"] == LEVELS[0]), column].sum())
