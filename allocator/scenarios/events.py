"""Events and levers in sales words, and the changes that each expands to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.scenarios.changes import Changing
from allocator.scenarios.scenario import Change, Event, Texts
from allocator.schema.findings import did_you_mean
from allocator.schema.parsing import read_date
from allocator.texts import N_, _

SCOPE = ("client", "tier", "status", "industry", "area", "owner", "unit", "product", "family", "class")
"""Arguments that say whose demand of what is meant."""
CLIENT_SCOPE = ("client", "tier", "status", "industry", "area", "owner", "unit")


@dataclass(frozen=True)
class Kind:
    """A kind of event or lever.

    Attributes
    ----------
    says : str
        What happens, in a sentence.
    arguments : mapping of str to str
        Default of each argument; ``*`` must be given, blank may be left out.
    scope : tuple of str
        Further arguments that say who or what is meant; all may be left out.
    expand : callable
        Makes the changes.
    """

    says: str
    arguments: Mapping[str, str]
    scope: Texts
    expand: Callable[[Context], Iterator[Change]]


KINDS: dict[str, Kind] = {}


def kind(
    name: str, says: str, arguments: Mapping[str, str], scope: Texts = ()
) -> Callable[[Callable[[Context], Iterator[Change]]], Callable[[Context], Iterator[Change]]]:
    """Declare a kind of event."""

    def declare(expand: Callable[[Context], Iterator[Change]]) -> Callable[[Context], Iterator[Change]]:
        KINDS[name] = Kind(says, arguments, scope, expand)
        return expand

    return declare


class Refused(Exception):
    """An event that cannot be expanded, and why."""


@dataclass(frozen=True)
class Context:
    """An event with its arguments, and the tables as they stand when it happens."""

    event: Event
    tables: Changing
    arguments: Mapping[str, Texts]

    def text(self, name: str) -> str:
        """An argument as text."""
        return ", ".join(self.arguments.get(name, ()))

    def number(self, name: str, least: float = -np.inf, most: float = np.inf) -> float:
        """An argument as a number within bounds; a percent sign divides by 100."""
        text = self.text(name)
        try:
            value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
        except ValueError:
            raise Refused(_("{name}: expected a number, such as 0.2.").format(name=name)) from None
        if not least <= value <= most:
            says = _("{name}: expected a number from {least} to {most}.")
            raise Refused(says.format(name=name, least=f"{least:g}", most=f"{most:g}"))
        return value

    def day(self, name: str) -> str:
        """An argument as a date; a month is its first day."""
        text = self.text(name)
        try:
            return read_date(text if len(text) > 7 else f"{text}-01").isoformat()
        except ValueError:
            raise Refused(_("{name}: expected a date or a month, such as 2026-04.").format(name=name)) from None

    @property
    def months(self) -> list[str]:
        """Months of the plan from ``from`` to ``to``."""
        every = self.tables.calendar.months
        start, end = self.text("from") or every[0], self.text("to") or every[-1]
        inside = [m for m in every if start[:7] <= m <= end[:7]]
        if not inside:
            raise Refused(_("from and to hold no month of the plan."))
        return inside

    @property
    def where(self) -> dict[str, Texts]:
        """The scope among the arguments."""
        return {k: self.arguments[k] for k in SCOPE if self.arguments.get(k)}

    def change(
        self, table: str, operation: str, where: Mapping[str, Texts], cells: Mapping[str, object] | None = None
    ) -> Change:
        """A change in the event's name."""
        texts = {k: f"{v:.12g}" if isinstance(v, float) else str(v) for k, v in (cells or {}).items()}
        return Change(table, where, operation, texts, self.event.written)

    def append(self, table: str, cells: Mapping[str, object]) -> Change:
        """A new row in the event's name."""
        return self.change(table, "append", {}, cells)

    def shift(self, where: Mapping[str, Texts], factor: float, months: list[str]) -> Change:
        """Demand of a scope times a factor in some months."""
        cells = {"expected": f"{factor:.12g}", "ceiling": f"{factor:.12g}"}
        return Change("demand", dict(where), "multiply", cells, self.event.written, months[0], months[-1])

    def rows(self, table: str, where: Mapping[str, Texts]) -> pd.DataFrame:
        """Rows of a table that a selector holds."""
        rows = self.tables.select(Change(table, dict(where), "set", {}, self.event.written))
        return self.tables.frames[table].loc[[] if rows is None else rows.tolist()]

    def monthly_demand(self, where: Mapping[str, Texts]) -> float:
        """Expected demand of a scope in a mean month of the plan, in money."""
        rows = self.rows("demand", where)
        count = rows["client"].map(self.tables.frames["clients"].set_index("client")["count"])
        return float((rows["expected"] * count).sum()) / len(self.tables.calendar.months)


def expand(event: Event, tables: Changing) -> Iterator[Change]:
    """The changes that an event comes to; findings where it cannot be understood."""
    at = event.written

    def refuse(rule: str, says: str, column: str, value: str = "") -> None:
        tables.report.add_at("error", at.label, rule, says, row=at.row, column=column, value=value)

    known = KINDS.get(event.kind)
    if known is None:
        refuse("event", _("Unknown event.") + did_you_mean(event.kind, KINDS), event.kind)
        return
    allowed = [*known.arguments, *known.scope]
    for name in event.arguments:
        if name not in allowed:
            refuse("argument", _("Unknown argument.") + did_you_mean(name, allowed), name)
            return
    missing = [n for n, default in known.arguments.items() if default == "*" and not event.arguments.get(n)]
    if missing:
        refuse("argument", _("This event needs {names}.").format(names=", ".join(missing)), event.kind)
        return
    given = {n: (default,) for n, default in known.arguments.items() if default not in ("", "*")}
    context = Context(event, tables, {**given, **event.arguments})
    try:
        yield from known.expand(context)
    except Refused as refused:
        refuse("argument", str(refused), event.kind)


@kind(
    "price_cut",
    N_("A competitor cuts prices: demand in the scope falls by cut × elasticity."),
    {"competitor": "*", "elasticity": "0.6", "from": "", "to": ""},
    SCOPE,
)
def _price_cut(context: Context) -> Iterator[Change]:
    lost = context.number("competitor", 0, 1) * context.number("elasticity", 0, 10)
    yield context.shift(context.where, max(1.0 - lost, 0.0), context.months)


@kind(
    "demand_shift", N_("Demand in the scope is multiplied by a factor."), {"factor": "*", "from": "", "to": ""}, SCOPE
)
def _demand_shift(context: Context) -> Iterator[Change]:
    yield context.shift(context.where, context.number("factor", 0), context.months)


@kind(
    "client_loss",
    N_("Clients are lost from a date on: they buy nothing more and are not visited."),
    {"client": "*", "from": "*"},
)
def _client_loss(context: Context) -> Iterator[Change]:
    yield context.change("clients", "set", {"client": context.arguments["client"]}, {"lost_on": context.day("from")})


@kind(
    "rep_departure",
    N_("A rep leaves; his clients go to his backup, or each to the best of his unit by hours, specialty and area."),
    {"rep": "*", "from": "*", "hand_over": "backup"},
)
def _rep_departure(context: Context) -> Iterator[Change]:
    last = pd.Timestamp(context.day("from")) - pd.Timedelta(days=1)
    for rep in context.arguments["rep"]:
        row = context.rows("reps", {"rep": (rep,)})
        yield context.change("reps", "set", {"rep": (rep,)}, {"end": last.date().isoformat()})
        if context.text("hand_over") == "best":
            for client, successor in _successors(context, rep).items():
                yield context.change("clients", "set", {"client": (client,)}, {"backup": successor})
        elif context.text("hand_over") != "backup":
            raise Refused(_("hand_over: expected backup or best."))
        elif not row.empty and not row["backup"].iloc[0]:
            says = _("{rep} has no backup. Say hand_over: best, or name a backup in reps.")
            raise Refused(says.format(rep=rep))


def _successors(context: Context, rep: str) -> dict[str, str]:
    """Who takes each client of a rep who leaves: the largest first, each to the rep of the unit with the most hours left.

    Among those whose specialty names the client's industry or area, if there are any. Hours are promised hours of a rep's clients
    against his hours a day.
    """
    frames = context.tables.frames
    clients, reps, tiers = frames["clients"], frames["reps"], frames["tiers"].set_index("tier")
    often = tiers["per"].map({"week": 52.0, "month": 12.0, "quarter": 4.0, "year": 1.0})
    hours = clients["tier"].map(tiers["visits"] * often * tiers["minutes"] / 60).fillna(0.0) * clients["count"]
    unit = reps.set_index("rep")["unit"].get(rep, "")
    stays = reps["end"].isna() | (reps["end"] > pd.Timestamp(context.day("from")))
    there = reps[(reps["unit"] == unit) & (reps["rep"] != rep) & stays]
    if there.empty:
        there = reps[(reps["rep"] != rep) & stays]
    if there.empty:
        raise Refused(_("Nobody is left to take over the clients of {rep}.").format(rep=rep))
    capacity = (there["hours_per_day"] * there["selling_share"]).to_numpy(float)
    load = np.array([hours[clients["owner"] == r].sum() for r in there["rep"]]) / np.maximum(capacity, 1e-9)
    found: dict[str, str] = {}
    mine = (
        clients[clients["owner"] == rep].assign(hours=hours).sort_values(["hours", "client"], ascending=[False, True])
    )
    for client, industry, area, need in mine[["client", "industry", "area", "hours"]].itertuples(index=False):
        knows = np.array([bool({industry, area} & set(s) - {""}) for s in there["specialty"]], bool)
        some = np.flatnonzero(knows) if knows.any() else np.arange(len(there))
        best = some[np.argmin(load[some])]
        load[best] += need / max(capacity[best], 1e-9)
        found[str(client)] = str(there["rep"].iloc[best])
    return found


@kind(
    "budget_cut",
    N_("Budget lines lose a share of what they may still spend from a month on."),
    {"cut": "*", "from": ""},
    ("line", "category", "channel", "unit", "product"),
)
def _budget_cut(context: Context) -> Iterator[Change]:
    cut, calendar = context.number("cut", 0, 1), context.tables.calendar
    names = ("line", "category", "channel", "unit", "product")
    where = {k: context.arguments[k] for k in names if context.arguments.get(k)}
    after = set(context.months)
    for row in context.rows("budget", where).itertuples(index=False):
        first = calendar.window(row[list(context.tables.frames["budget"].columns).index("from")])[0]
        last = calendar.window(row[list(context.tables.frames["budget"].columns).index("to")])[-1]
        window = [calendar.months[t] for t in range(int(first), int(last) + 1)]
        factor = 1.0 - cut * sum(m in after for m in window) / len(window)
        if factor < 1.0:
            yield context.change(
                "budget", "multiply", {"line": (str(row.line),)}, {"minimum": factor, "maximum": factor}
            )


@kind(
    "segment_closure",
    N_("A policy closes a segment; a share of its demand goes to another segment, growing over some months."),
    {"from": "*", "switch_industry": "", "switch_area": "", "share": "0.4", "months": "3"},
    SCOPE,
)
def _segment_closure(context: Context) -> Iterator[Change]:
    months = context.months
    yield context.shift(context.where, 0.0, months)
    switch = {k: context.arguments[f"switch_{k}"] for k in ("industry", "area") if context.arguments.get(f"switch_{k}")}
    if not switch:
        return
    rest = {k: v for k, v in context.where.items() if k not in ("industry", "area", "client")}
    gone, there = context.monthly_demand(context.where), context.monthly_demand({**rest, **switch})
    steps = int(context.number("months", 1, 12))
    for k, month in enumerate(months):
        factor = 1.0 + context.number("share", 0, 10) * min(1.0, (k + 1) / steps) * gone / max(there, 1e-9)
        if k < steps - 1:
            yield context.shift({**rest, **switch}, factor, [month])
        else:
            yield context.shift({**rest, **switch}, factor, months[k:])
            return


@kind(
    "supply_delay",
    N_("A product's own source delivers a share of what it sells; a second source stands in, at a cost."),
    {
        "product": "*",
        "from": "*",
        "to": "",
        "capacity": "0.5",
        "second_source": "second",
        "second_share": "0.5",
        "unit_cost": "0.05",
        "lead_days": "7",
    },
)
def _supply_delay(context: Context) -> Iterator[Change]:
    after, frames = set(context.months), context.tables.frames
    for product in context.arguments["product"]:
        month_demand = context.monthly_demand({"product": (product,)})
        if (frames["supply"]["product"] == product).any():
            own = context.change(
                "supply", "multiply", {"product": (product,)}, {"maximum": context.number("capacity", 0, 1)}
            )
            yield Change(own.table, own.where, own.operation, own.cells, own.written, min(after), max(after))
        else:
            unlimited = 24 * len(context.tables.calendar.months) * month_demand
            for month in context.tables.calendar.months:
                most = context.number("capacity", 0, 1) * month_demand if month in after else unlimited
                yield context.append("supply", {"product": product, "month": month, "source": "own", "maximum": most})
        for month in sorted(after):
            cells = {"unit_cost": context.number("unit_cost", 0), "lead_days": context.text("lead_days")}
            most = context.number("second_share", 0) * month_demand
            source = context.text("second_source")
            yield context.append(
                "supply", {"product": product, "month": month, "source": source, "maximum": most, **cells}
            )


@kind(
    "product_launch",
    N_("A new product is sold from a date on to the clients in the scope; a target may ask for its revenue."),
    {
        "product": "*",
        "name": "",
        "family": "",
        "class": "question",
        "margin": "*",
        "contract_value": "",
        "launch": "*",
        "expected": "*",
        "ceiling": "",
        "target": "",
    },
    CLIENT_SCOPE,
)
def _product_launch(context: Context) -> Iterator[Change]:
    product = context.text("product")
    names = ("product", "name", "family", "class", "margin", "contract_value")
    cells = {n: context.text(n) for n in names if context.text(n)}
    yield context.append("products", {**cells, "launch": context.day("launch")})
    expected = context.number("expected", 0)
    most = context.number("ceiling", 0) if context.text("ceiling") else 1.5 * expected
    where = {k: context.arguments[k] for k in CLIENT_SCOPE if context.arguments.get(k)}
    for client in context.rows("clients", where or {"status": ("active",)})["client"]:
        yield context.append("demand", {"client": client, "product": product, "expected": expected, "ceiling": most})
    if context.text("target"):
        asked = {"at_least": context.number("target", 0), "scope": f"product={product}"}
        yield context.append("targets", {"target": f"launch_{product}", "metric": "revenue", **asked})


@kind(
    "hiring_freeze",
    N_("Nobody who would start from a date on is hired; their clients get other owners."),
    {"from": "*"},
)
def _hiring_freeze(context: Context) -> Iterator[Change]:
    frames, day = context.tables.frames, pd.Timestamp(context.day("from"))
    new = tuple(frames["reps"].loc[frames["reps"]["start"] >= day, "rep"])
    if not new:
        raise Refused(_("Nobody starts from that date on."))
    for table, column in (("clients", "owner"), ("clients", "backup"), ("reps", "backup"), ("pipeline", "rep")):
        if frames[table][column].isin(new).any():
            yield context.change(table, "set", {column: new}, {column: ""})
    for table in ("leave", "pins", "commitments", "reps"):
        if frames[table]["rep"].isin(new).any():
            yield context.change(table, "remove", {"rep": new})


@kind(
    "market_boom",
    N_("Demand and the market grow by a factor; a pool may get more hours."),
    {"factor": "*", "from": "", "to": "", "resource": "", "hours": "1"},
    SCOPE,
)
def _market_boom(context: Context) -> Iterator[Change]:
    factor, months = context.number("factor", 0), context.months
    yield context.shift(context.where, factor, months)
    of = {k: v for k, v in context.where.items() if k in ("product", "unit", "industry")}
    market = context.tables.frames["market"]
    if len(market) and all(market[k].isin(v).any() for k, v in of.items()):
        part = len(months) / len(context.tables.calendar.months)
        yield context.change("market", "multiply", of, {"size": 1.0 + (factor - 1.0) * part})
    if context.text("resource"):
        more = context.change(
            "resources", "multiply", {"resource": context.arguments["resource"]}, {"hours": context.number("hours", 0)}
        )
        yield Change(more.table, more.where, more.operation, more.cells, more.written, months[0], months[-1])


@kind(
    "line",
    N_("A lever: money that may be spent, and what it brings back."),
    {"line": "*", "category": "response", "maximum": "*", "points": "*", "carry_months": "0", "from": "", "to": ""},
    ("unit", "product", "channel"),
)
def _line(context: Context) -> Iterator[Change]:
    """Points are pairs money:sales over the line's window, such as 0:0 50000:200000."""
    months, line = context.months, context.text("line")
    names = ("line", "category", "unit", "product", "channel", "maximum")
    cells = {n: context.text(n) for n in names if context.text(n)}
    frame = context.tables.frames["budget"]
    if (frame["line"] == line).any():
        yield context.change("budget", "set", {"line": (line,)}, {"maximum": context.number("maximum", 0)})
    else:
        yield context.append("budget", {**cells, "from": months[0], "to": months[-1]})
    for pair in context.text("points").replace(",", " ").split():
        effort, colon, sales = pair.partition(":")
        if not colon:
            raise Refused(_("points: expected pairs money:sales, such as 0:0 50000:200000."))
        more = {"effort": effort, "sales": sales, "carry_months": context.text("carry_months")}
        yield context.append("responses", {"driver": line, **more})


@kind(
    "match_price",
    N_("A lever: our own price may follow; the discount on all sales in the scope buys back a share of what is lost."),
    {"cut": "*", "lost": "*", "regained": "1", "line": "match_price", "from": "", "to": ""},
    ("unit", "product"),
)
def _match_price(context: Context) -> Iterator[Change]:
    """``lost`` is the share of demand that the competitor takes; the discount is given on all that is then sold."""
    months = context.months
    where = {k: context.arguments[k] for k in ("unit", "product") if context.arguments.get(k)}
    demand = context.monthly_demand(where) * len(months)
    back = demand * context.number("lost", 0, 1) * context.number("regained", 0, 1)
    cost = context.number("cut", 0, 1) * (demand * (1.0 - context.number("lost", 0, 1)) + back)
    cells = {k: context.text(k) for k in ("unit", "product") if context.text(k)}
    line = context.text("line")
    window = {"from": months[0], "to": months[-1]}
    yield context.append("budget", {"line": line, "category": "discount", "maximum": cost, **window, **cells})
    for effort, sales in ((0.0, 0.0), (cost, back)):
        yield context.append("responses", {"driver": line, "effort": effort, "sales": sales})
