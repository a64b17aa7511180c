"""What may be done about it: levers that the engine may use or leave, and the changes that each comes to."""

from __future__ import annotations

from collections.abc import Iterator

from allocator.scenarios.events import Context, kind
from allocator.scenarios.scenario import Change
from allocator.texts import N_, _


@kind(
    "line",
    N_("Money that may be spent, and what it brings back; a line that the model has is opened up to a maximum."),
    {"line": "*", "maximum": "*", "category": "", "points": "", "carry_months": "0", "from": "", "to": ""},
    ("unit", "product", "channel"),
    lever=True,
)
def line(context: Context) -> Iterator[Change]:
    """A row of ``budget``, and points of ``responses``: pairs money:sales over the line's window, on top of those that it has."""
    code, most = context.text("line"), context.number("maximum", 0)
    if (context.frames["budget"]["line"] == code).any():
        told = [n for n in ("category", "from", "to", "unit", "product", "channel") if context.has(n)]
        if told:
            raise context.refused(told[0], _("The model has this line: only its maximum is opened."))
        yield context.change("budget", "set", {"line": (code,)}, {"maximum": most})
    else:
        months = context.months
        cells = {n: context.text(n) for n in ("unit", "product", "channel")}
        cells |= {"category": context.text("category") or "response", "from": months[0], "to": months[-1]}
        yield context.append("budget", {"line": code, "maximum": most, **cells})
    curve = context.frames["responses"].query("driver == @code")
    if curve.empty and not context.has("points") and not context.has("channel"):
        says = _("Nothing says what this money brings. Give points: pairs money:sales, such as 50000:200000.")
        raise context.refused("points", says)
    if curve["product"].nunique() > 1 and context.has("points"):
        raise context.refused(
            "points", _("The line has a curve for each of several products: append points to responses.")
        )
    of = {"driver": code, "carry_months": context.text("carry_months"), "product": ""}
    of |= {name: curve[name].iloc[0] for name in ("carry_months", "product") if len(curve)}
    points = [{**of, "effort": money, "sales": sales} for money, sales in _points(context, known=len(curve) > 0)]
    if points:
        yield context.append("responses", *points)


def _points(context: Context, *, known: bool) -> Iterator[tuple[float, float]]:
    """Points of a curve, the one without money first where the curve is new."""
    pairs = context.text("points").replace(",", " ").split()
    if pairs and not known:
        yield 0.0, 0.0
    for pair in pairs:
        try:
            money, sales = (float(part) for part in pair.split(":"))
        except ValueError:
            says = _("Expected pairs money:sales, such as 50000:200000.")
            raise context.refused("points", says) from None
        if money > 0:
            yield money, sales


@kind(
    "match_price",
    N_("Our own price may follow the competitor's: demand comes back, and everything in the scope is sold for less."),
    {"cut": "*", "elasticity": "0.6", "regained": "1", "line": "match_price", "from": "", "to": ""},
    ("unit", "product"),
    lever=True,
)
def match_price(context: Context) -> Iterator[Change]:
    """A line whose money is the margin given away and whose sales are the revenue that is won in the end.

    With demand D (in the scope and months), lost = cut · elasticity, Q = D · (1 − lost · (1 − regained)) sold at list prices: revenue
    changes by Q · (1 − cut) − D · (1 − lost), and profit by that times the margin m less Q · cut · (1 − m), the money of the line.
    Below an elasticity of about 1 the revenue falls: such a lever brings nothing, and is left alone.
    """
    months, cut = context.months, context.number("cut", 0, 1)
    lost = min(cut * context.number("elasticity", 0, 10), 1.0)
    where = context.named("unit", "product")
    products = context.arguments.get("product") or tuple(context.rows("demand", where)["product"].unique())
    margin = context.frames["products"].set_index("product")["margin"]
    demand = {p: context.inside(context.demand({**where, "product": (p,)}), months).sum() for p in products}
    sold = {p: d * (1.0 - lost * (1.0 - context.number("regained", 0, 1))) for p, d in demand.items()}
    money = float(sum(q * cut * (1.0 - margin[p]) for p, q in sold.items()))
    gained = float(sum(q * (1.0 - cut) - demand[p] * (1.0 - lost) for p, q in sold.items()))
    code = context.text("line")
    window = {"from": months[0], "to": months[-1]}
    home = {k: v[0] for k, v in where.items() if len(v) == 1}
    if len(context.arguments.get("unit", ())) > 1 or len(context.arguments.get("product", ())) > 1:
        raise context.refused(
            "product", _("A line works for one unit and one product, or for all. Use a lever for each.")
        )
    most = {"category": "discount", "maximum": round(money, 2)}
    yield context.append("budget", {"line": code, **most, **window, **home})
    for effort, sales in ((0.0, 0.0), (round(money, 2), round(max(gained, 0.0), 2))):
        if effort or not sales:
            yield context.append("responses", {"driver": code, "effort": effort, "sales": sales})


@kind(
    "second_source",
    N_("Another source may deliver, at a cost; a source that the model has may deliver more."),
    {
        "product": "*",
        "maximum": "",
        "share": "",
        "source": "second",
        "unit_cost": "0.05",
        "lead_days": "7",
        "from": "",
        "to": "",
    },
    lever=True,
)
def second_source(context: Context) -> Iterator[Change]:
    """``supply`` of the source in the months: ``maximum`` money a month, or a share of the month's demand."""
    months, source, product = context.months, context.text("source"), context.text("product")
    if context.has("maximum") == context.has("share"):
        raise context.refused("maximum", _("Give maximum or share, one of them."))
    usual = dict(zip(context.tables.calendar.months, context.demand({"product": (product,)}), strict=True))
    supply = context.frames["supply"]
    known = ((supply["product"] == product) & (supply["source"] == source)).any()
    cost, days = context.number("unit_cost", 0), context.whole("lead_days", 0, 366)
    for month in months:
        most = context.number("maximum", 0) if context.has("maximum") else context.number("share", 0) * usual[month]
        cells = {"maximum": round(most, 2), "unit_cost": cost, "lead_days": days}
        if known:
            where = {"product": (product,), "source": (source,)}
            yield context.change("supply", "set", where, cells, (month,))
        else:
            yield context.append("supply", {"product": product, "month": month, "source": source, **cells})


@kind(
    "hours",
    N_("A shared pool gets more hours in some months."),
    {"resource": "*", "factor": "*", "from": "", "to": ""},
    lever=True,
)
def hours(context: Context) -> Iterator[Change]:
    """``hours`` of the pool × factor in the months."""
    cells = {"hours": context.number("factor", 1)}
    yield context.change("resources", "multiply", context.named("resource"), cells, context.months)
