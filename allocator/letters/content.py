"""What a letter says: fields by name, filled from a plan; numbers are written out in full."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from allocator.letters.money import deduction, earned, scheme, steps
from allocator.model import LEVELS
from allocator.plan import Plan
from allocator.reporting.amounts import MONEY, share
from allocator.reporting.words import LEVELS as LEVEL_NAMES
from allocator.reporting.words import METRICS
from allocator.scopes import parse_scope
from allocator.texts import N_, _

Row = dict[str, str]
Kind = Literal["rep", "unit"]

PROMISES = {
    "week": N_("{visits} in each week, {minutes} minutes each"),
    "month": N_("{visits} in each month, {minutes} minutes each"),
    "quarter": N_("{visits} in each quarter, {minutes} minutes each"),
    "year": N_("{visits} in each year, {minutes} minutes each"),
}


@dataclass(frozen=True)
class Letter:
    """A letter before it has a shape.

    Attributes
    ----------
    kind : {"rep", "unit"}
    code : str
    fields : mapping
        What a template can use, see ``docs/letters.md``.
    """

    kind: Kind
    code: str
    fields: Mapping[str, Any]


@dataclass(frozen=True)
class Paper:
    """What all letters of a run share.

    Attributes
    ----------
    plan : Plan
    number : str
        Of the published plan; blank is a draft.
    date : str
        Day of signing; blank leaves room for it.
    """

    plan: Plan
    number: str = ""
    date: str = ""
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    @functools.cached_property
    def sums(self) -> dict[str, pd.DataFrame]:
        """Quotas of the reps by month and by product, levels in columns."""
        quotas = self.plan["quotas"]

        def by(column: str) -> pd.DataFrame:
            wide = quotas.pivot_table("quota", ["rep", column], "level", aggfunc="sum", observed=True)
            return wide.reindex(columns=list(LEVELS)).fillna(0.0)

        return {column: by(column) for column in ("month", "product")}

    @functools.cached_property
    def periods(self) -> pd.DataFrame:
        """Rows of ``actions.csv`` of years and quarters."""
        actions = self.plan["actions"]
        return actions[actions["kind"].isin(["year", "quarter"])]

    def of(self, kind: Kind, code: str) -> list[str]:
        """The reps that a letter counts."""
        reps = self.plan.model["reps"]
        if kind == "rep":
            return [code]
        return [
            str(r)
            for r, u in zip(reps["rep"], reps["unit"], strict=True)
            if code in self.plan.model.ancestors.get(u, ())
        ]


def rep_letter(paper: Paper, rep: str) -> Letter:
    """Return the letter of a salesperson."""
    model = paper.plan.model
    row = model["reps"].set_index("rep").loc[rep]
    chain = model.ancestors.get(str(row["unit"]), ())
    year = _levels(paper, [rep])
    steps_ = scheme(model, str(row["grade"]))
    name = str(row["name"]) or rep
    fields = {
        **_common(paper, "rep", rep),
        "name": name,
        "unit": " / ".join(reversed(chain)) or str(row["unit"]),
        "grade": str(row["grade"]),
        "incentive": earned(_year(paper, [rep]), year["base"], number),
        "steps": steps(steps_),
        "deduction": deduction(steps_, year["base"], number),
        "people": [],
        "owed": [],
        "tasks": [
            {"task": str(t), "from": f"{a:%Y-%m-%d}", "to": f"{b:%Y-%m-%d}"}
            for t, o, a, b in model["tasks"][["task", "owner", "from", "to"]].itertuples(index=False)
            if o == rep
        ],
        "signatures": _signatures(paper, name, _("Salesperson")),
    }
    return Letter("rep", rep, fields)


def unit_letter(paper: Paper, unit: str) -> Letter:
    """Return the letter of a unit: its head answers for what its people are asked."""
    model, plan = paper.plan.model, paper.plan
    kind = str(model["units"].set_index("unit").loc[unit, "kind"] or "")
    reps = paper.of("unit", unit)
    year = _levels(paper, reps)
    names = model["reps"].set_index("rep")["name"]
    sums = paper.sums["month"].groupby(level="rep", observed=True).sum()
    people = [
        {"rep": r, "name": str(names[r]) or r, **_in_words(sums.loc[[r]].iloc[0])} for r in reps if r in sums.index
    ]
    units = plan["units"]
    mine = units[units["unit"] == unit]
    owed = [
        {
            "level": _(LEVEL_NAMES[level]),
            "assigned": number(float(mine.loc[mine["level"] == level, "assigned"].sum())),
            "owed": number(float(mine.loc[mine["level"] == level, "owed"].sum())),
        }
        for level in LEVELS
    ]
    fields = {
        **_common(paper, "unit", unit),
        "name": unit,
        "unit": " / ".join(reversed(model.ancestors[unit])),
        "grade": kind,
        "incentive": earned(_year(paper, reps), year["base"], number),
        "steps": [],
        "deduction": _("What is deducted is said in the letter of each salesperson."),
        "people": people,
        "owed": owed,
        "tasks": [],
        "signatures": _signatures(paper, "", _("Head of the unit")),
    }
    return Letter("unit", unit, fields)


def _common(paper: Paper, kind: Kind, code: str) -> dict[str, Any]:
    """Fields that letters of both kinds fill in the same way."""
    plan, model, reps = paper.plan, paper.plan.model, paper.of(kind, code)
    calendar = model.calendar
    months = paper.sums["month"]
    months = months[months.index.get_level_values("rep").isin(reps)].groupby(level="month", observed=True).sum()
    months = months.reindex(list(calendar.months)).fillna(0.0)
    quarter = pd.Series({m: q for q in calendar.quarters for m in _months_of(calendar, q)})
    year = months.sum()
    return {
        "kind": kind,
        "code": code,
        "company": model.settings.title or model.name,
        "number": f"{paper.number}-{code}" if paper.number else _("Draft, not published"),
        "draft": not paper.number,
        "start": calendar.months[0],
        "end": calendar.months[-1],
        "money_unit": model.settings.money_unit,
        "date": paper.date,
        **{level: number(float(year[level])) for level in LEVELS},
        "quarters": [
            {"period": str(q), **_in_words(r)} for q, r in months.groupby(quarter, sort=False).sum().iterrows()
        ],
        "months": [{"period": str(m), **_in_words(r)} for m, r in months.iterrows()],
        "products": _products(paper, reps),
        "targets": _targets(plan, kind, code),
        "visits": _visits(plan, reps),
        "support": _support(paper, reps),
        "fingerprint": str(plan.summary.get("inputs_sha256") or "")[:12],
        "planned_on": str(plan.summary.get("started_at") or "")[:10],
    }


def _months_of(calendar: Any, quarter: str) -> list[str]:
    return [calendar.months[t] for t in calendar.window(quarter)]


def _in_words(row: pd.Series) -> Row:
    return {level: number(float(row[level])) for level in LEVELS}


def _levels(paper: Paper, reps: Sequence[str]) -> dict[str, float]:
    months = paper.sums["month"]
    year = months[months.index.get_level_values("rep").isin(reps)].sum()
    return {level: float(year[level]) for level in LEVELS}


def _year(paper: Paper, reps: Sequence[str]) -> pd.Series:
    rows = paper.periods
    columns = ["commission_80", "commission_100", "commission_120"]
    return rows.loc[(rows["kind"] == "year") & rows["rep"].isin(reps), columns].sum()


def _products(paper: Paper, reps: Sequence[str]) -> list[Row]:
    table = paper.plan.model["products"]
    names = dict(zip(table["product"].astype(str), table["name"].astype(str), strict=True))
    sums = paper.sums["product"]
    sums = sums[sums.index.get_level_values("rep").isin(reps)].groupby(level="product", observed=True).sum()
    sums = sums.reindex([p for p in names if p in sums.index])
    return [{"product": str(p), "name": names[str(p)] or str(p), **_in_words(r)} for p, r in sums.iterrows()]


def _targets(plan: Plan, kind: Kind, code: str) -> list[Row]:
    """Targets that name the rep or the unit, a row for each and what is asked each time."""
    table = plan["targets"]
    mine = [
        code in (*parse_scope(s).get(kind, ()), *parse_scope(e).get(kind, ()))
        for s, e in zip(table["scope"], table["each"], strict=True)
    ]
    rows = []
    for (target, level, bound), part in table[mine].groupby(["target", "level", "bound"], sort=False):
        first = part.iloc[0]
        low, high = float(part["required"].min()), float(part["required"].max())
        says = _("at least {value}") if bound == "at_least" else _("at most {value}")
        metric = str(first["metric"])
        value = _measured(metric, low)
        if high > low * (1 + 1e-9):
            value = _("{low} to {high}").format(low=value, high=_measured(metric, high))
        times = len(part)
        rows.append(
            {
                "target": str(target),
                "metric": _(METRICS.get(metric, metric)),
                "level": _(LEVEL_NAMES.get(str(level), str(level))),
                "asked": says.format(value=value),
                "times": _("{times} times").format(times=times) if times > 1 else str(first["each"] or first["period"]),
            }
        )
    return rows


def _measured(metric: str, value: float) -> str:
    return share(value) if metric == "market_share" else number(value) if metric in MONEY else number(round(value, 1))


def _visits(plan: Plan, reps: Sequence[str]) -> list[Row]:
    """Visits by tier: how often each client is seen, and how many visits that makes."""
    effort = plan["effort"]
    mine = effort[effort["rep"].isin(reps)]
    sums = mine.groupby("tier", sort=False, observed=True)[["promised", "planned", "executive", "first_visits"]].sum()
    owned = plan["assignments"]
    clients = plan.model["clients"].set_index("client")
    held = owned.loc[owned["rep"].isin(reps), "client"].unique()
    counts = clients.loc[clients.index.isin(held)].groupby("tier")["count"].sum()
    rows = []
    for tier, visits, per, minutes in plan.model["tiers"][["tier", "visits", "per", "minutes"]].itertuples(index=False):
        if tier not in sums.index:
            continue
        promise = _(PROMISES[per]).format(visits=f"{visits:g}", minutes=f"{minutes:g}")
        numbers = {str(c): f"{float(v):,.0f}" for c, v in sums.loc[tier].items()}
        rows.append({"tier": str(tier), "clients": f"{int(counts.get(tier, 0)):,}", "promise": promise, **numbers})
    return rows


def _support(paper: Paper, reps: Sequence[str]) -> list[Row]:
    """Hours and money that others give, by quarter."""
    rows = paper.periods
    mine = rows[(rows["kind"] == "quarter") & rows["rep"].isin(reps)]
    sums = mine.groupby("period", sort=False, observed=True)[["support_hours", "spend"]].sum()
    return [
        {"period": str(p), "hours": number(float(r["support_hours"])), "money": number(float(r["spend"]))}
        for p, r in sums.iterrows()
    ]


def _signatures(paper: Paper, name: str, role: str) -> list[Row]:
    """Who signs: the one who is asked, who asks, and for the company those who must agree to plans."""
    above = _("Superior") if role else ""
    roles = paper.plan.model["approvals"]["role"].astype(str).drop_duplicates().to_list()
    rest = roles or [_("For the company")]
    return [{"role": role, "name": name}, {"role": above, "name": ""}, *({"role": r, "name": ""} for r in rest)]


def number(value: float) -> str:
    """Return a number in full, with no idle zeros behind the point."""
    text = f"{value + 0.0:,.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
