"""What may happen: each kind of event and the changes that it comes to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from allocator.formulation.assigning import assign
from allocator.formulation.grain import make_people
from allocator.model import Model
from allocator.scenarios.events import CLIENT_SCOPE, PRODUCT_SCOPE, SCOPE, Context, kind
from allocator.scenarios.scenario import Change, Texts
from allocator.scenarios.selecting import spelled
from allocator.scenarios.succession import successors
from allocator.schema.dictionary import dictionary
from allocator.scopes import parse_scope
from allocator.texts import N_, _


@kind(
    "price_cut",
    N_("A competitor cuts prices: demand in the scope falls by cut × elasticity."),
    {"competitor": "*", "elasticity": "0.6", "from": "", "to": ""},
    SCOPE,
)
def price_cut(context: Context) -> Iterator[Change]:
    """Demand × max(0, 1 − competitor · elasticity) in the months."""
    lost = context.number("competitor", 0, 1) * context.number("elasticity", 0, 10)
    yield context.shift(context.where, max(1.0 - lost, 0.0), context.months)


@kind(
    "demand_shift", N_("Demand in the scope is multiplied by a factor."), {"factor": "*", "from": "", "to": ""}, SCOPE
)
def demand_shift(context: Context) -> Iterator[Change]:
    """Demand × factor in the months."""
    yield context.shift(context.where, context.number("factor", 0), context.months)


@kind(
    "mix_shift",
    N_("A share of the demand of a dear product goes to a cheaper one, which brings less for it."),
    {"product": "*", "cheaper": "*", "share": "*", "price": "1", "from": "", "to": ""},
    CLIENT_SCOPE,
)
def mix_shift(context: Context) -> Iterator[Change]:
    """The dear product × (1 − share); the cheaper one × (1 + share · price · dear ÷ cheaper), each demand in the scope and months."""
    months, scope, share = context.months, context.named(*CLIENT_SCOPE), context.number("share", 0, 1)
    dear, cheaper = {**scope, **context.named("product")}, {**scope, "product": context.arguments["cheaper"]}
    there = context.inside(context.demand(cheaper), months).sum()
    if there <= 0:
        raise context.refused("cheaper", _("Nobody in the scope buys it in these months, so nothing can be added to."))
    gone = context.inside(context.demand(dear), months).sum()
    yield context.shift(dear, 1.0 - share, months)
    yield context.shift(cheaper, float(1.0 + share * context.number("price", 0, 10) * gone / there), months)


@kind(
    "client_loss",
    N_("Clients are lost from a date on: they buy nothing more and are not visited."),
    {"client": "*", "from": "*"},
)
def client_loss(context: Context) -> Iterator[Change]:
    """``lost_on`` of the clients is the date."""
    day = context.day("from").date()
    yield context.change("clients", "set", context.named("client"), {"lost_on": day})


@kind(
    "rep_departure",
    N_("A rep leaves from a date on; his clients go to his backup, to the best of his unit, or to those named."),
    {"rep": "*", "from": "*", "hand_over": "backup"},
)
def rep_departure(context: Context) -> Iterator[Change]:
    """The rep's ``end`` is the day before; ``backup`` of his clients are those who take over, where it is not his own backup.

    Clients without an owner get the one whom the engine gives them without the event, so that nobody else's clients move.
    """
    day, to = context.day("from"), context.arguments["hand_over"]
    yield from _settled(context, ())
    for rep in context.arguments["rep"]:
        row = context.rows("reps", {"rep": (rep,)})
        last = (day - np.timedelta64(1, "D")).date()
        yield context.change("reps", "set", {"rep": (rep,)}, {"end": last})
        if to != ("backup",):
            for client, successor in successors(context.frames, rep, day, () if to == ("best",) else to).items():
                yield context.change("clients", "set", {"client": (client,)}, {"backup": successor})
        elif not row["backup"].iloc[0]:
            says = _("{rep} has no backup. Say hand_over: best, or name those who take over.").format(rep=rep)
            raise context.refused("hand_over", says)


def _settled(context: Context, apart: tuple[str, ...]) -> Iterator[Change]:
    """Owners of clients who have none, as the engine assigns them now; those of some reps are left free."""
    clients = context.frames["clients"]
    if not (clients["owner"] == "").any():
        return
    model = Model("", context.tables.settings, context.frames)
    people = make_people(model)
    owner = pd.Series(assign(model, people.code, people.unit, people.hours), index=clients.index)
    free = (clients["owner"] == "") & ~owner.isin(["", *apart])
    for rep, mine in clients.loc[free, "client"].groupby(owner[free]):
        yield context.change("clients", "set", {"client": tuple(mine)}, {"owner": rep})


@kind(
    "budget_cut",
    N_("Budget lines lose a share of what they may spend from a month on; some are protected, some stopped."),
    {"cut": "*", "from": "", "protect": "", "stop": ""},
    ("line", "category", "channel", "unit", *PRODUCT_SCOPE),
)
def budget_cut(context: Context) -> Iterator[Change]:
    """Minimum and maximum × (1 − cut · share of the line's window after the date); stopped lines with cut 1, protected ones with 0.

    ``protect`` and ``stop`` take the codes of lines, their categories, and the products, families and classes that they work for.
    """
    months = (*context.months[:1], context.tables.calendar.months[-1])
    lines = context.rows("budget", context.named("line", "category", "channel", "unit", *PRODUCT_SCOPE))
    kinds = ("line", "category", "product", "family", "class")
    labels = pd.DataFrame({k: context.tables.attribute("budget", k).loc[lines.index] for k in kinds})
    names = {row[0]: set(row) - {""} for row in labels.itertuples(index=False, name=None)}
    for argument in ("protect", "stop"):
        for word in context.arguments.get(argument, ()):
            if not any(word in of for of in names.values()):
                says = _("{word} is no line, nor a category, product, family or class of one.").format(word=word)
                raise context.refused(argument, says)
    kept, stopped = set(context.arguments.get("protect", ())), set(context.arguments.get("stop", ()))
    cut = context.number("cut", 0, 1)
    for line, of in names.items():
        share = 1.0 if of & stopped else 0.0 if of & kept else cut
        if share and _spends(context, line, months[0]):
            cells = {"minimum": 1.0 - share, "maximum": 1.0 - share}
            yield context.change("budget", "multiply", {"line": (line,)}, cells, months)


def _spends(context: Context, line: str, start: str) -> bool:
    """Whether a line's window goes on after a month."""
    calendar = context.tables.calendar
    to = context.rows("budget", {"line": (line,)})["to"].iloc[0]
    return calendar.months[int(calendar.window(to)[-1])] >= start


@kind(
    "segment_closure",
    N_("A policy closes a segment; another one is to take up a share of what it bought, growing over some months."),
    {"from": "*", "switch": "", "share": "0.4", "months": "3", "priority": "2"},
    SCOPE,
)
def segment_closure(context: Context) -> Iterator[Change]:
    """Active clients of the segment are lost on the first day, and nobody in it buys; ``switch`` (an industry) gets a target.

    Where the scope names products the clients stay and only these products end. The target asks for what the other segment
    buys already and the share of what the closed one would have bought, in the k-th month k ÷ months of it.
    """
    months, where = context.months, context.where
    gone = context.inside(context.demand(where), months)
    yield context.shift(where, 0.0, months)
    if not context.named(*PRODUCT_SCOPE):
        clients = context.rows("clients", where)
        leaving = tuple(clients.loc[clients["status"] == "active", "client"])
        if leaving:
            yield context.change("clients", "set", {"client": leaving}, {"lost_on": f"{months[0]}-01"})
    if context.has("switch"):
        steps = np.minimum((np.arange(len(months)) + 1) / context.whole("months", 1, 12), 1.0)
        scope = {**context.named("unit", *PRODUCT_SCOPE), "industry": context.arguments["switch"]}
        asked = float(context.demand(scope).sum() + context.number("share", 0, 10) * (steps * gone).sum())
        row = {"target": f"switch_{context.arguments['switch'][0]}", "metric": "revenue", "at_least": round(asked, 2)}
        text = "; ".join(f"{k}={', '.join(v)}" for k, v in scope.items())
        yield context.append("targets", {**row, "scope": text, "priority": context.text("priority")})


@kind(
    "supply_delay",
    N_("A source delivers late: in some months it can deliver a share of what it usually does."),
    {"product": "*", "from": "*", "to": "", "capacity": "0.5", "source": "own"},
)
def supply_delay(context: Context) -> Iterator[Change]:
    """``supply`` of the source × capacity in the months; a product without a limit gets one of capacity × its demand of the month."""
    months, capacity, source = context.months, context.number("capacity", 0, 1), context.text("source")
    for product in context.arguments["product"]:
        where = {"product": (product,)}
        if (context.frames["supply"]["product"] == product).any():
            yield context.change("supply", "multiply", {**where, "source": (source,)}, {"maximum": capacity}, months)
            continue
        demand = dict(zip(context.tables.calendar.months, context.demand(where), strict=True))
        most = float(context.demand(where, "ceiling", everybody=True).sum())  # more than any month can sell
        yield context.append("supply", {"product": product, "source": source, "maximum": round(10 * most, 2)})
        for month in months:
            limit = round(capacity * demand[month], 2)
            yield context.append("supply", {"product": product, "month": month, "source": source, "maximum": limit})


@kind(
    "product_launch",
    N_("A new product is sold from a date on to the clients in the scope; a target may ask for its revenue."),
    {
        **{"product": "*", "name": "", "family": "", "class": "question", "margin": "*", "contract_value": ""},
        **{"launch": "*", "expected": "", "like": "", "share": "0.2", "ceiling": "1.5", "target": "", "priority": "1"},
    },
    CLIENT_SCOPE,
)
def product_launch(context: Context) -> Iterator[Change]:
    """Rows of ``products`` and ``demand``: ``expected`` money of each client, or a share of what he buys of the product ``like``.

    Of a product sold in a part of the year he buys as much as this in that part. ``ceiling`` is a multiple of expected.
    """
    product, like = context.text("product"), context.text("like")
    cells = {n: context.text(n) for n in ("product", "name", "family", "class", "margin", "contract_value")}
    yield context.append("products", {**cells, "launch": context.day("launch").date()})
    where: dict[str, Texts] = context.named(*CLIENT_SCOPE) or {"status": ("active",)}
    if like and context.has("expected"):
        raise context.refused("like", _("Give expected or like, not both."))
    if like:
        bought, by_month = context.rows("demand", {**where, "product": (like,)}), context.demand({"product": (like,)})
        after = context.tables.months(f"{context.day('launch'):%Y-%m}", "")
        share = context.number("share", 0, 10) * context.inside(by_month, after).sum() / by_month.sum()
        each = dict(zip(bought["client"], share * bought["expected"], strict=True))
    else:
        each = dict.fromkeys(context.rows("clients", where)["client"], context.number("expected", 0))
    most = context.number("ceiling", 1)
    rows = [
        {"client": c, "product": product, "expected": round(e, 2), "ceiling": round(most * round(e, 2), 2)}
        for c, e in each.items()
    ]
    yield context.append("demand", *rows)
    if context.has("target"):
        asked = {
            "at_least": context.number("target", 0),
            "scope": f"product={product}",
            "priority": context.text("priority"),
        }
        yield context.append("targets", {"target": f"launch_{product}", "metric": "revenue", **asked})


@kind(
    "hiring_freeze",
    N_("Nobody who would start from a date on is hired; their clients get other owners."),
    {"from": "*"},
)
def hiring_freeze(context: Context) -> Iterator[Change]:
    """The reps are removed, and every mention of them; their clients are free to be assigned, and nobody else's move."""
    reps = context.frames["reps"]
    new = tuple(reps.loc[reps["start"] >= context.day("from"), "rep"])
    if not new:
        raise context.refused("from", _("Nobody starts from that date on."))
    yield from _settled(context, new)
    for table, column in (("clients", "owner"), ("clients", "backup"), ("reps", "backup"), ("pipeline", "rep")):
        named = tuple(r for r in new if (context.frames[table][column] == r).any())
        if named:
            yield context.change(table, "set", {column: named}, {column: ""})
    for table in ("targets", "activities", "shifts"):
        yield from _without(context, table, set(new))
    for table in ("leave", "pins", "commitments", "history", "actuals", "reps"):
        named = tuple(r for r in new if (context.frames[table]["rep"] == r).any())
        if named:
            yield context.change(table, "remove", {"rep": named})


def _without(context: Context, table: str, reps: set[str]) -> Iterator[Change]:
    """Scopes that name reps without them; rows whose scopes name nobody else are removed."""
    names = dictionary()[table].key
    columns = ("scope", "share_of") if table == "targets" else ("scope",)
    for row in context.frames[table].to_dict("records"):
        where: dict[str, Texts] = {n: (str(row[n]),) if row[n] else () for n in names}
        for column in columns:
            head, colon, text = str(row[column]).rpartition(":") if column == "share_of" else ("", "", str(row[column]))
            scope = parse_scope(text) if "=" in text else {}
            if reps.isdisjoint(scope.get("rep", ())):
                continue
            left = tuple(r for r in scope["rep"] if r not in reps)
            if not left:
                yield context.change(table, "remove", where)
                break
            yield context.change(table, "set", where, {column: f"{head}{colon}{spelled({**scope, 'rep': left})}"})


@kind(
    "market_boom",
    N_("Demand grows by a factor, and the market with it."),
    {"factor": "*", "from": "", "to": ""},
    SCOPE,
)
def market_boom(context: Context) -> Iterator[Change]:
    """Demand × factor in the months; sizes of the market × (1 + (factor − 1) · share of their period in the months)."""
    factor, months, calendar = context.number("factor", 0), context.months, context.tables.calendar
    yield context.shift(context.where, factor, months)
    market = context.frames["market"]
    of = context.named("product", "unit", "industry")
    if market.empty or (context.where.keys() - of.keys()):
        return
    for key, values in of.items():
        if not set(values) <= set(market[key]):
            return
    rows = context.rows("market", of) if of else market
    for period in rows["period"].unique():
        window = [calendar.months[int(t)] for t in calendar.window(str(period))]
        grown = 1.0 + (factor - 1.0) * sum(m in months for m in window) / len(window)
        if grown != 1.0:
            where: dict[str, Texts] = {**of, "period": (str(period),)}
            yield context.change("market", "multiply", where, {"size": grown})
