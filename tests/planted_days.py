"""Mistakes in published numbers, days and actions, each with the rule of sections 6 to 8 that must find it."""

from __future__ import annotations

import pandas as pd
from planting import APRIL, LEVELS, MAY, Change, Planted, set_to, without

MULTIPLE = "A published quota is a multiple of the rounding, but where pins hold it"
PINS = "Pins hold to the minor unit"
NEAR = "A published total stays near the exact one"
UNIT_ROWS = "Every unit has what lies below it"
ASSIGNED = "A unit is assigned what its parts owe"
OWES = "A unit owes what it is assigned, less its hedge"
PERIODS = "A rep with quotas has every period, and the days of his months"
SPREAD = "A month's quota goes to its days in equal parts"
SUMMED = "Longer periods are sums of days"
ROWS = "Every rep has a row for every period"
ADDS = "Periods of every kind add up to the same year"
QUOTA = "The quota of a period is that of its days"
STEPS = "What is done comes in whole steps"
DONE = "What is done is the plan's, a step more or less"
TIMES = "Past, present and future add up"
TIMES_NEAR = "Past, present and future are those of the plan"
DIFFERENT = "Different clients are no more than visits and clients won"
BY_PRODUCT = "Contracts by product add up to those of the rep"
OF_PRODUCT = "Contracts of a product are those of the plan"

COUNTED = (
    "contracts",
    "contract_amount",
    "new_clients",
    "first_visits",
    "return_visits",
    "collections",
    "support_hours",
)
COMMISSIONS = ("commission", "commission_80", "commission_100", "commission_120")
PERIODS_OF_MAY = ("2026", "2026-Q1", MAY, "2026-05-T2", "2026-W20")
SPLIT = ("visits", "contracts", "contract_amount", "collections")


def both(*changes: Change) -> Change:
    """Make several changes."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        for one in changes:
            frame = one(frame)
        return frame

    return change


def later(column: str, amount: float, rep: str, *periods: tuple[str, str]) -> Change:
    """Take an amount from the first of each two periods and add it to the second."""
    moves = [(period, sign) for pair in periods for period, sign in zip(pair, ("-", "+"), strict=True)]
    return both(*(set_to(column, f"{sign}{amount}", rep=rep, period=period) for period, sign in moves))


def swapped(one: str, other: str) -> Change:
    """Exchange the numbers of two columns."""
    return lambda frame: frame.assign(**{one: frame[other], other: frame[one]})


def of_other_product(frame: pd.DataFrame) -> pd.DataFrame:
    """Exchange what is sold of two products."""
    return frame.assign(product=frame["product"].map({"broadband": "iot", "iot": "broadband"}))


DAYS: list[Planted] = [
    *(("pocket", "quotas", set_to("quota", "+1", rep="wang", month=MAY, level=x), MULTIPLE) for x in LEVELS),
    ("moved", "quotas", set_to("quota", "+5", rep="kim", level="base"), MULTIPLE),
    ("moved", "quotas", set_to("quota", "+0.001", rep="lee", month=MAY, level="stretch"), MULTIPLE),
    ("busy", "quotas", set_to("quota", "+1", rep="bob", product="basic", month=APRIL, level="base"), PINS),
    ("moved", "quotas", set_to("quota", "-0.01", rep="lee", month=MAY, level="stretch"), PINS),
    ("moved", "quotas", set_to("quota", "+10", rep="mia", month=MAY, level="ceiling"), PINS),
    # within all that is said of money a cent is less than the tolerance of a double's last digits
    ("moved", "quotas", set_to("quota", 605.59, rep="lee", month=MAY, level="ceiling"), "Base ≤ stretch ≤ ceiling"),
    *(
        ("pocket", "quotas", set_to("quota", "+3000", rep="li", product="iot", month=MAY, level=x), NEAR)
        for x in LEVELS
    ),
    # each cell is near, but not the year of the rep
    ("pocket", "quotas", set_to("quota", "+1000", rep="li", product="broadband", level="base"), NEAR),
    ("moved", "units", without(unit="hq", month=MAY, level="base"), UNIT_ROWS),
    ("moved", "units", set_to("level", "top", level="base"), UNIT_ROWS),
    ("moved", "units", set_to("kind", "team", unit="hq"), UNIT_ROWS),
    *(("moved", "units", set_to("assigned", "+0.01", unit=u), ASSIGNED) for u in ("hq", "south")),
    ("pocket", "units", set_to("assigned", "-1000", unit="company", month=MAY), ASSIGNED),
    ("moved", "units", set_to("owed", "+0.01", unit="south", level="stretch"), ASSIGNED),
    *(("moved", "units", set_to("owed", "+0.01", unit=u), OWES) for u in ("hq", "south")),
    ("moved", "units", set_to("owed", 413.333, unit="hq", month=APRIL, level="base"), OWES),
    ("pocket", "units", set_to("owed", "-0.01", unit="north"), OWES),
    ("pocket", "breakdown", without(rep="li", period="2026-05-T2"), PERIODS),
    ("pocket", "breakdown", without(period="2026-05-20", level="ceiling"), PERIODS),
    ("pocket", "breakdown", set_to("kind", "week", kind="third"), PERIODS),
    ("pocket", "breakdown", set_to("level", "top", level="base"), PERIODS),
    # wang is on leave then
    ("pocket", "breakdown", set_to("period", "2026-05-26", rep="wang", period="2026-05-20"), PERIODS),
    *(("pocket", "breakdown", later("quota", 1000, "li", ("2026-05-20", "2026-05-21")), rule) for rule in (SPREAD,)),
    ("busy", "breakdown", set_to("quota", "+1", rep="bob", period="2026-04-30", level="stretch"), SPREAD),
    *(
        ("pocket", "breakdown", set_to("quota", "+1000", rep="li", period=period), SUMMED)
        for period in ("2026", "2026-Q1", MAY, "2026-05-T2", "2026-W20")
    ),
    ("busy", "breakdown", set_to("quota", "-1", period="2026", level="ceiling"), SUMMED),
    ("pocket", "actions", without(rep="li", period=APRIL), ROWS),
    ("pocket", "actions", without(kind="week"), ROWS),
    ("pocket", "actions", set_to("kind", "third", kind="week"), ROWS),
    *(
        ("busy", "actions", set_to(c, "+1", rep="bob", period=MAY), ADDS)
        for c in ("quota", *COUNTED, *COMMISSIONS, "spend")
    ),
    *(("busy", "actions", set_to("contracts", "+1", rep="bob", period=x), ADDS) for x in PERIODS_OF_MAY),
    # thirds of other months: the year is right, the months are not
    ("busy", "actions", later("contracts", 1, "bob", ("2026-04-T3", "2026-05-T3")), ADDS),
    *(
        ("pocket", "actions", set_to("quota", "+1000", rep="li", period=x), QUOTA)
        for x in (APRIL, "2026-W20", "2026-06-T1")
    ),
    ("pocket", "actions", set_to("quota", "+1000", rep="li"), QUOTA),
    *(("pocket", "actions", set_to("contracts", "+0.5", rep="li", period=x), STEPS) for x in ("2026", "2026-W20")),
    ("pocket", "actions", set_to("contract_amount", "+1", rep="li", period=APRIL), STEPS),
    ("pocket", "actions", set_to("commission", "+0.001", rep="li", period=APRIL), STEPS),
    ("pocket", "actions", set_to("return_visits", -1.0, rep="li", period=APRIL), STEPS),
    ("busy", "actions", set_to("support_hours", "+0.05", rep="bob", period=MAY), STEPS),
    *(("busy", "actions", set_to(c, "+2", rep="bob", period=MAY), DONE) for c in COUNTED),
    *(("busy", "actions", set_to("contracts", "+2", rep="bob", period=x), DONE) for x in PERIODS_OF_MAY),
    *(("busy", "actions", set_to(c, "+1", rep="bob", period="2026"), DONE) for c in COUNTED),
    *(("busy", "actions", set_to(c, "+0.02", rep="bob", period="2026"), DONE) for c in COMMISSIONS),
    ("busy", "actions", set_to("commission_80", "+0.02", rep="bob", period="2026-W20"), DONE),
    ("pocket", "actions", set_to("spend", "+1000", rep="li", kind="year"), DONE),
    # a large contract falls on the day on which half of its month is over
    ("busy", "actions", later("contract_amount", 1000, "bob", ("2026-05-T2", "2026-05-T3")), DONE),
    *(("busy", "actions", set_to(f"{c}_future", "+1", rep="bob", period=MAY), TIMES) for c in (*SPLIT, "clients")),
    ("busy", "actions", set_to("old_clients", "+1", rep="bob", period=MAY), TIMES),
    *(("pocket", "actions", swapped(f"{c}_past", f"{c}_present"), TIMES_NEAR) for c in SPLIT),
    ("busy", "actions", swapped("visits_present", "visits_future"), TIMES_NEAR),
    *(
        (
            "busy",
            "actions",
            both(*(set_to(c, x, rep="bob", period=MAY) for c in ("clients", "clients_future"))),
            DIFFERENT,
        )
        for x in ("+99", 0.0)
    ),
    ("pocket", "contracts", set_to("kind", "month", kind="quarter"), BY_PRODUCT),
    ("pocket", "contracts", without(rep="li", product="iot", period=MAY), BY_PRODUCT),
    *(
        ("pocket", "contracts", set_to(f"{c}{time}", "+1000", rep="li", product="iot", period=x), BY_PRODUCT)
        for c in ("contracts", "amount")
        for time in ("", "_present", "_past")
        for x in ("2026", MAY)
    ),
    ("pocket", "contracts", of_other_product, OF_PRODUCT),
]
