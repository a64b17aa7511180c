"""The oracle against pencil and paper, and the engine against the oracle on random small models."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from oracles import Effort, Infeasible, effort_goals
from pencil import compare, goals, tiny
from random_models import RandomModel, models, random_model
from tight_models import Rows

from allocator.reading import load
from allocator.solving import solve

PROOF = os.environ.get("ALLOCATOR_PROOF", "")
"""How many random models the long mode compares, such as 10000; it also shrinks those that Hypothesis finds."""
SEEDS = (
    range(int(PROOF)) if PROOF else (*range(40), 209, 741, 807, 1834, 1953, 2313, 3878, 4015, 5866, 6134, 6328, 9850)
)
"""Seeds of the random models. At 209 a whole number held loosely once showed in the goal behind it, at 741 the last digits of what was
held left no room for wishes at once; at 1834 and 1953 a client from the first working day on, and shifts that come to the same, told
clients apart who are alike, which matters for whole contracts; at 2313 a ceiling made sales unwelcome, and visits seemed to sell less.
At 3878 whole numbers that cannot keep what is held made a presolve go round for ever; what mended that was too loose at 807, too tight
at 5866; at 4015, 6134 and 6328 next to nothing is sold, and the last digits of it were asked for, or told the ceiling from none. At 9850
a presolve denies an answer that is known."""


def test_promised_visits(tmp_path: Path) -> None:
    """Hours cut promises: 22 hours − 2 of training carry 20 of 30 visits a month, so a third is short.

    Training: 120 minutes a month. Nothing reacts to visits, so contribution is 0.5 · 1,000 = 500 less 40 visits at 2 =
    420.
    """
    tiers = [{"tier": "A", "visits": 30, "per": "month", "minutes": 60, "visit_cost": 2}]
    activities = [{"activity": "a", "per": "month", "minutes": 120}]
    goals(tiny(tmp_path, {"tiers": tiers, "activities": activities}), visits=1 / 3, contribution=420)


def test_backup_takes_over(tmp_path: Path) -> None:
    """The owner is away for half of March: half of the visits fall on the backup, whose hours are half as many.

    Away 16 to 31 March: 10 of 22 days are worked, π = 10/22, hours 10. The backup has 5.5 hours a month and carries
    12/22 of the visits: 10.083 of 10 promised could be made, but 12 promised need 6.54 > 5.5 hours. So 5.5 · 22/12 =
    10.0833 are made in March (the owner's part, 4.58 hours, fits), and 12 in April: 1.91667 of 24 are short.
    """
    reps = [
        {"rep": "r", "unit": "u", "hours_per_day": 5, "selling_share": 0.2, "backup": "s"},
        {"rep": "s", "unit": "u", "hours_per_day": 5, "selling_share": 0.05},
    ]
    leave = [{"rep": "r", "from": "2026-03-16", "to": "2026-03-31"}]
    tiers = [{"tier": "A", "visits": 12, "per": "month", "minutes": 60}]
    goals(tiny(tmp_path, {"reps": reps, "leave": leave, "tiers": tiers}), visits=(12 - 5.5 * 22 / 12) / 24)


def test_a_client_s_own_backup_takes_over(tmp_path: Path) -> None:
    """The owner leaves at the end of March; the client's backup, not the owner's, has 5.5 of 10 hours: 4.5 of 20 are short."""
    tables: dict[str, Rows] = {
        "reps": [
            {"rep": r, "unit": "u", "hours_per_day": 5, "selling_share": x, "end": e, "backup": b}
            for r, x, e, b in (("r", 0.2, "2026-03-31", "w"), ("s", 0.05, "", ""), ("w", 0.2, "", ""))
        ],
        "clients": [{"client": "c", "tier": "A", "owner": "r", "backup": "s"}],
    }
    goals(tiny(tmp_path, tables), visits=4.5 / 20, contribution=500)


def test_a_client_leaves(tmp_path: Path) -> None:
    """Lost on 16 April, the client stays for 11 of its 22 working days: half of April's visits and sales.

    Promised are 30 + 15, of which 22 + 15 are made; 500 + 250 are sold.
    """
    clients = [{"client": "c", "tier": "A", "owner": "r", "lost_on": "2026-04-16"}]
    tiers = [{"tier": "A", "visits": 30, "per": "month", "minutes": 60}]
    goals(tiny(tmp_path, {"clients": clients, "tiers": tiers}), visits=8 / 45, contribution=375)


def test_a_client_who_is_gone_is_not_visited(tmp_path: Path) -> None:
    """Of 36 visits a quarter 12 are promised: two months of three, and the client stays for one of these two.

    In March the rep has three days of an hour, so 3 visits are made and 9 are short; April has 22 hours, but the client is gone.
    """
    tables: dict[str, Rows] = {
        "clients": [{"client": "c", "tier": "A", "owner": "r", "lost_on": "2026-04-01"}],
        "tiers": [{"tier": "A", "visits": 36, "per": "quarter", "minutes": 60}],
        "leave": [{"rep": "r", "from": "2026-03-05", "to": "2026-03-31"}],
    }
    goals(tiny(tmp_path, tables), visits=9 / 12)


def test_who_leaves_is_a_smaller_load(tmp_path: Path) -> None:
    """Who leaves on 3 March is promised a day's part of 10 hours, so it fits into the expert's 22 hours beside the 20 of another.

    If it counted in full, for 20 hours, one of the two would go to s, who is no expert.
    """
    tables: dict[str, Rows] = {
        "reps": [
            {"rep": "r", "unit": "u", "hours_per_day": 5, "selling_share": 0.1, "specialty": "steel"},
            {"rep": "s", "unit": "u", "hours_per_day": 5, "selling_share": 0.2},
        ],
        "clients": [
            {"client": "a", "tier": "A", "industry": "steel", "lost_on": "2026-03-03"},
            {"client": "c", "tier": "A", "industry": "steel"},
        ],
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60}],
    }
    model = tiny(tmp_path, tables)
    owners = solve(model)["assignments"].set_index("client")["rep"]
    assert owners.astype(str).to_dict() == Effort(model).facts.owner == {"a": "r", "c": "r"}


def test_shifts_multiply(tmp_path: Path) -> None:
    """Half as much in April, and 80 % of p all year: 400 + 200 are sold, and money can lift that to 0.6 of the ceiling.

    The ceiling of 1,200 shrinks to 720, so of 300 of lift only 120 are sold; 40 of money bring them.
    """
    tables: dict[str, Rows] = {
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 1200}],
        "shifts": [
            {"shift": "a", "scope": "", "from": "2026-04", "factor": 0.5},
            {"shift": "b", "scope": "product=p; unit=u", "from": "", "factor": 0.8},
        ],
        "budget": [{"line": "b", "to": "2026-03", "maximum": 100}],
        "responses": [{"driver": "b", "effort": e, "sales": 3 * e} for e in (0, 100)],
    }
    goals(tiny(tmp_path, tables), contribution=360 - 40)


def test_s_shape_is_followed(tmp_path: Path) -> None:
    """Half the promised visits sell what the S-shape says, 10 %, and not the half that its hull would promise.

    44 visits promised, 22 possible: effort 0.5 each month, R(0.5) = 0.1, revenue 100, contribution 50.
    """
    tiers = [{"tier": "A", "visits": 44, "per": "month", "minutes": 60}]
    responses = [{"driver": "A", "effort": e, "sales": s} for e, s in ((0, 0), (0.5, 0.1), (1, 1))]
    goals(tiny(tmp_path, {"tiers": tiers, "responses": responses}), visits=0.5, contribution=50)


def test_a_share_lets_sales_be_lost(tmp_path: Path) -> None:
    """To be 60 % of revenue with its 1,000, p leaves room for 666.67 of q, which reacts to visits and would sell 1,000.

    All promised visits are made, and what q is offered beyond is declined: contribution 0.5 · 1,666.67.
    """
    tables: dict[str, Rows] = {
        "products": [{"product": "p", "margin": 0.5}, {"product": "q", "margin": 0.5}],
        "demand": [{"client": "c", "product": x, "expected": 1000, "ceiling": 1000} for x in "pq"],
        "responses": [
            {"driver": "A", "product": "q", "effort": e, "sales": s} for e, s in ((0, 0), (0.5, 0.8), (1, 1))
        ],
        "targets": [{"target": "t", "metric": "revenue", "scope": "product=p", "share_of": "revenue", "at_least": 0.6}],
    }
    goals(tiny(tmp_path, tables), visits=0, base_1_largest=0, contribution=2500 / 3)


def test_ceiling_cuts_each_client(tmp_path: Path) -> None:
    """Two clients in a group bend at their own ceilings: at effort 2 one stops at 1,100, the other reaches 1,400.

    R(2) = 1.4. 2 clients, 20 promised visits of half an hour, 44 a month possible, emax 2 needs 40. Revenue 1,100 +
    1,400, margin 0.5, less 40 · 2 visits at 1: 1,250 − 80 = 1,170. The last visits still pay: the second client gains
    0.5 · 400 a year for 20 + 20 visits.
    """
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 30, "visit_cost": 1}],
        "clients": [{"client": c, "tier": "A", "owner": "r"} for c in "cd"],
        "demand": [
            {"client": "c", "product": "p", "expected": 1000, "ceiling": 1100},
            {"client": "d", "product": "p", "expected": 1000, "ceiling": 2000},
        ],
        "responses": [{"driver": "A", "effort": e, "sales": s} for e, s in ((0, 0.6), (1, 1), (2, 1.4))],
    }
    goals(tiny(tmp_path, tables), visits=0, contribution=1170)


def test_lift_fills_the_ceiling(tmp_path: Path) -> None:
    """Money of March works half in March and half in April, and no lift sells beyond the market's ceiling.

    Window March: points stand as they are. 100 of money bring 300, half of it each month. The ceiling leaves 200:
    66.667 of money bring 200. Contribution 0.5 · 1,200 − 66.667.
    """
    tables: dict[str, Rows] = {
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 1200}],
        "budget": [{"line": "b", "to": "2026-03", "maximum": 100}],
        "responses": [{"driver": "b", "effort": e, "sales": 3 * e, "carry_months": 1} for e in (0, 100)],
    }
    goals(tiny(tmp_path, tables), contribution=600 - 200 / 3)


@pytest.mark.parametrize("gone", [True, False])
def test_nobody_is_lifted_who_buys_nothing(tmp_path: Path, gone: bool) -> None:
    """Money of April finds nobody: c has gone, or a policy has closed its industry, and d buys all it can.

    c sells 500 in March, d 1,000: 0.5 · 1,500. If c could be lifted still, up to its ceiling of 600, 33.33 of money would bring 100.
    """
    tables: dict[str, Rows] = {
        "clients": [
            {"client": "c", "tier": "A", "owner": "r", "industry": "steel", "lost_on": "2026-04-01" if gone else ""},
            {"client": "d", "tier": "A", "owner": "r"},
        ],
        "demand": [
            {"client": c, "product": "p", "expected": 1000, "ceiling": m} for c, m in (("c", 1200), ("d", 1000))
        ],
        "shifts": [{"shift": "policy", "scope": "industry=steel", "from": "2026-04", "factor": 1 if gone else 0}],
        "budget": [{"line": "b", "from": "2026-04", "maximum": 100}],
        "responses": [{"driver": "b", "effort": e, "sales": 3 * e} for e in (0, 100)],
    }
    goals(tiny(tmp_path, tables), contribution=750)


def test_carry_ends_with_the_plan(tmp_path: Path) -> None:
    """Half of what April's money does falls after the plan.

    Window April: 100 of money bring 300, of which 150 in the plan: worth 75 at margin 0.5, less than 100. So nothing is
    spent; with a minimum of 40: 60 of sales, 30 − 40 = −10.
    """
    tables: dict[str, Rows] = {
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 5000}],
        "budget": [{"line": "b", "from": "2026-04", "maximum": 100, "minimum": 40}],
        "responses": [{"driver": "b", "effort": e, "sales": 3 * e, "carry_months": 1} for e in (0, 100)],
    }
    goals(tiny(tmp_path, tables), contribution=490)


def test_overrun_is_a_miss(tmp_path: Path) -> None:
    """A line that may overrun does so for a target of priority 1 as far as the largest miss falls.

    200 more are wanted; each 1 of money brings 1, 100 are allowed. Spending 100 + x: misses (100 − x)/1,200 and x/100.
    The largest is least where they are equal: x = 100/13, largest 1/13. Then the sum: x is fixed by the largest, sum
    2/13.
    """
    tables: dict[str, Rows] = {
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 5000}],
        "budget": [{"line": "b", "maximum": 100, "may_overrun": "yes"}],
        "responses": [{"driver": "b", "effort": x, "sales": x} for x in (0, 1000)],
        "targets": [{"target": "t", "metric": "revenue", "at_least": 1200}],
    }
    goals(tiny(tmp_path, tables), base_1_largest=1 / 13, base_1_sum=2 / 13)


def test_large_contracts_are_whole(tmp_path: Path) -> None:
    """Contracts of 400 from 1,000: two, 800; the first may come in March, the third never.

    Month by month: 500 in March allow 400·k ≤ 500 + 400, two contracts. March's target of 800 is met.
    """
    tables: dict[str, Rows] = {
        "products": [{"product": "p", "margin": 0.5, "large": "yes", "contract_value": 400}],
        "targets": [{"target": "t", "metric": "revenue", "period": "2026-03", "at_least": 800}],
    }
    goals(tiny(tmp_path, tables), base_1_largest=0, contribution=400)


def test_at_most_lets_sales_be_lost(tmp_path: Path) -> None:
    """Under an at_most target on March's revenue, sales above it are not made: 450 of 500 in March, all of April."""
    targets = [{"target": "t", "metric": "revenue", "period": "2026-03", "at_most": 450, "priority": "hard"}]
    goals(tiny(tmp_path, {"targets": targets}), contribution=475)


def test_supply_has_two_sources(tmp_path: Path) -> None:
    """Own supply of 300 a month is used before bought supply of 150 at 0.1: 450 a month, 900 in all.

    Contribution 0.5 · 900 − 0.1 · 300.
    """
    supply = [
        {"product": "p", "month": "", "source": "own", "maximum": 300, "unit_cost": 0},
        {"product": "p", "month": "", "source": "bought", "maximum": 150, "unit_cost": 0.1},
    ]
    goals(tiny(tmp_path, {"supply": supply}), contribution=420)


def test_executive_hours_limit_visits(tmp_path: Path) -> None:
    """An executive joins one of ten promised visits, 4 hours each; 2 hours a month are enough for five visits.

    With half an executive visit a month only 5 of 10 promised visits can be made.
    """
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": 60, "executive_visits": 1}],
        "needs": [{"resource": "x", "tier": "A", "hours": 4}],
        "resources": [{"resource": "x", "hours": 2}],
    }
    goals(tiny(tmp_path, tables), visits=0.5)


def test_new_clients_come_after_the_lag(tmp_path: Path) -> None:
    """First visits of March win clients in April only, half of them, and they cost the hours of all stages.

    4 prospects of 1,000 a year each. Stages: 60 minutes, conversion 0.5; 60 minutes, conversion 1; 30 days: lag 1. A
    first visit takes 1 + 0.5 · 1 = 1.5 hours. With 22 − 19 = 3 hours beside promised visits, 2 first visits in March
    win 1 client in April, when half of the year is sold: 500 · 0.5 = 250, beside 500 of the client. The target of 2
    clients is missed by half.
    """
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 19, "per": "month", "minutes": 60}],
        "clients": [
            {"client": "c", "tier": "A", "owner": "r", "status": "active", "count": 1},
            {"client": "d", "tier": "A", "owner": "r", "status": "prospect", "count": 4},
        ],
        "demand": [{"client": c, "product": "p", "expected": 1000, "ceiling": 1000} for c in "cd"],
        "funnel": [
            {"channel": "visits", "step": 1, "stage": "talk", "conversion": 0.5, "days": 30, "minutes": 60},
            {"channel": "visits", "step": 2, "stage": "sign", "conversion": 1, "days": 0, "minutes": 60},
        ],
        "targets": [{"target": "t", "metric": "new_clients", "at_least": 2}],
    }
    goals(tiny(tmp_path, tables), visits=0, base_1_largest=0.5, contribution=750)


def test_leads_win_clients(tmp_path: Path) -> None:
    """20 of money a month bring 2 leads, half of which are won; each takes 1 ÷ 0.5 = 2 hours in the month it is won.

    Prospects in number are many; 22 − 20 hours leave 1 client a month. Two clients want 40 of money. Revenue of won
    clients: 1 in both months and 1 in April: 500 · (1 + 2) = 1,500, with the client's 1,000: 0.5 · 2,500 − 40 = 1,210.
    """
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 20, "per": "month", "minutes": 60}],
        "clients": [
            {"client": "c", "tier": "A", "owner": "r", "status": "active", "count": 1},
            {"client": "d", "tier": "A", "owner": "r", "status": "prospect", "count": 9},
        ],
        "demand": [{"client": c, "product": "p", "expected": 1000, "ceiling": 1000} for c in "cd"],
        "funnel": [{"channel": "web", "step": 1, "stage": "call", "conversion": 0.5, "days": 0, "minutes": 60}],
        "budget": [{"line": "b", "channel": "web", "maximum": 500}],
        "yields": [{"source": "b", "metric": "leads", "amount": 0.1}],
    }
    goals(tiny(tmp_path, tables), contribution=1210)


def test_cash_follows_revenue(tmp_path: Path) -> None:
    """April's cash is half of March, half of April and, two months on, the rest of February: 250 + 250 + 0.

    Collection: 50 % at once, 30 % a month later, 20 % after two. March: 0.5 · 500 + 0.3 · 400 (February) = 370; April:
    250 + 150 + 0.2 · 400 = 480. The target of 1,000 in both is missed by 150 of 1,000.
    """
    tables: dict[str, Rows] = {
        "collection": [{"tier": "", "lag_months": k, "share": s} for k, s in ((0, 0.5), (1, 0.3), (2, 0.2))],
        "history": [{"month": "2026-02", "client": "c", "amount": 400}],
        "targets": [{"target": "t", "metric": "collections", "at_least": 1000}],
    }
    goals(tiny(tmp_path, tables), base_1_largest=0.15)


def test_executives_keep_their_share_of_the_visits(tmp_path: Path) -> None:
    """A group cannot call its visits unpromised to save the executive: every tenth visit goes with one.

    c and d are promised 10 visits a month each; 3 hours a month are 0.75 executive visits of 4 hours, so 7.5 of 20
    promised visits are made. d buys nothing, c in proportion to its visits: 7.5 of them, 750, contribution 375.
    """
    tables: dict[str, Rows] = {
        "reps": [{"rep": "r", "unit": "u", "hours_per_day": 5, "selling_share": 0.9}],
        "tiers": [{"tier": t, "visits": 10, "per": "month", "minutes": 60, "executive_visits": 1} for t in "AB"],
        "clients": [{"client": c, "tier": t, "owner": "r"} for c, t in ("cA", "dB")],
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 3000}],
        "responses": [{"driver": "A", "effort": e, "sales": e} for e in (0, 2)],
        "needs": [{"resource": "x", "tier": t, "hours": 4} for t in "AB"],
        "resources": [{"resource": "x", "hours": 3}],
    }
    goals(tiny(tmp_path, tables), visits=1 - 7.5 / 20, contribution=375)


def test_nobody_earns_commission_without_a_carrier(tmp_path: Path) -> None:
    """The rep leaves at the end of March and has no backup: April's 500 are sold, and nobody is paid for them.

    10 % of 500 in March; 0.5 · 1,000 − 50.
    """
    tables: dict[str, Rows] = {
        "reps": [{"rep": "r", "unit": "u", "hours_per_day": 5, "selling_share": 0.2, "end": "2026-03-31"}],
        "commission": [{"grade": "", "attainment_from": 0, "rate": 0.1}],
    }
    goals(tiny(tmp_path, tables), visits=0.5, contribution=450)


def test_coverage_counts_who_is_seen(tmp_path: Path) -> None:
    """A client is covered once in a window however often it is visited, and a visit covers one client.

    30 clients are promised 4/3 visits a month (40), 8 clients one: 48 visits of half an hour, 44 possible. All goals want
    the 4 missing ones from the first tier: min(30, 36) + min(8, 8) = 38 are covered, all that are wanted.
    """
    tables: dict[str, Rows] = {
        "tiers": [{"tier": t, "visits": v, "per": "month", "minutes": 30} for t, v in (("A", 4 / 3), ("B", 1))],
        "clients": [{"client": c, "tier": t, "owner": "r", "count": n} for c, t, n in (("c", "A", 30), ("d", "B", 8))],
        "targets": [{"target": "t", "metric": "coverage", "each": "month", "at_least": 38}],
    }
    goals(tiny(tmp_path, tables), visits=4 / 48, base_1_largest=0)


def test_nobody_new_without_a_funnel(tmp_path: Path) -> None:
    """Without a funnel nobody is won: 2 new clients are missed in full."""
    targets = [{"target": "t", "metric": "new_clients", "at_least": 2}]
    goals(tiny(tmp_path, {"targets": targets}), base_1_largest=1)


def test_each_unit_holds_the_units_above(tmp_path: Path) -> None:
    """A target for each unit stands for the team, its region and the company: three misses of a half."""
    tables: dict[str, Rows] = {
        "units": [
            {"unit": u, "parent": p, "kind": k}
            for u, p, k in (("co", "", "c"), ("n", "co", "region"), ("u", "n", "team"))
        ],
        "targets": [{"target": "t", "metric": "revenue", "each": "unit", "at_least": 2000}],
    }
    goals(tiny(tmp_path, tables), base_1_largest=0.5, base_1_sum=1.5)


def test_net_loss_is_declined(tmp_path: Path) -> None:
    """What loses money on each sale is offered and not sold, where no target wants it: contribution 0, not −155."""
    tables: dict[str, Rows] = {
        "products": [{"product": "p", "margin": -0.1}],
        "responses": [{"driver": "A", "effort": e, "sales": s} for e, s in ((0, 0), (1.2, 1.5), (1.8, 1.6))],
        "demand": [{"client": "c", "product": "p", "expected": 1000, "ceiling": 2000}],
        "targets": [{"target": "t", "metric": "hours", "at_least": 30}],
    }
    goals(tiny(tmp_path, tables), visits=0, base_1_largest=0, contribution=0)


def test_contradiction_is_infeasible(tmp_path: Path) -> None:
    """A hard target of 1,100 cannot be reached where 1,000 is all there is."""
    targets = [{"target": "t", "metric": "revenue", "at_least": 1100, "priority": "hard"}]
    with pytest.raises(Infeasible):
        effort_goals(tiny(tmp_path, {"targets": targets}))


def test_assignment_balances(tmp_path: Path) -> None:
    """Clients without an owner go to specialists first, then to the least loaded whose hours hold, largest first.

    22 hours each in the plan. b (16 hours in mills) goes to the specialist s, d (12) to the idle r, e (10) to r as
    well, for s has 6 left; f (8) fits nowhere, so hours do not count: to s, 16/22 against 22/22. s has 12 of 11 hours a
    month: 1 of 23 visits is short.
    """
    tables: dict[str, Rows] = {
        "reps": [
            {"rep": x, "unit": "u", "hours_per_day": 5, "selling_share": 0.1, "specialty": s}
            for x, s in (("r", ""), ("s", "mill"))
        ],
        "tiers": [{"tier": f"T{v}", "visits": v, "per": "month", "minutes": 60} for v in (8, 6, 5, 4)],
        "clients": [
            {"client": c, "tier": t, "industry": i}
            for c, t, i in (("b", "T8", "mill"), ("d", "T6", ""), ("e", "T5", ""), ("f", "T4", ""))
        ],
        "demand": [{"client": "b", "product": "p", "expected": 1000, "ceiling": 1000}],
    }
    model = tiny(tmp_path, tables)
    assert Effort(model).facts.owner == {"b": "s", "d": "r", "e": "r", "f": "s"}
    goals(model, visits=1 / 23)


@pytest.mark.parametrize(("weights", "visits"), [((), [10, 10]), ((1, 3), [5, 15]), ((1, 9), [2, 18])])
def test_visits_follow_the_phases_of_the_year(weights: tuple[int, ...], visits: list[float], tmp_path: Path) -> None:
    """Of what is equal in every goal the plan takes the visits of a quarter by its phases, evenly where none are given.

    30 visits a quarter are 20 in its two months, of 22 hours each.
    """
    tables: dict[str, Rows] = {
        "tiers": [{"tier": "A", "visits": 30, "per": "quarter", "minutes": 60}],
        "seasonality": [
            {"metric": "visits", "month": m, "weight": w}
            for m, w in zip(("2026-03", "2026-04"), weights or (1, 1), strict=True)
        ][: len(weights)],
    }
    plan = solve(tiny(tmp_path, tables))
    assert plan["effort"].sort_values("month")["planned"].to_list() == pytest.approx(visits, abs=1e-6)


def test_pocket_as_derived() -> None:
    """The shipped model solved by pencil in its README has the values that the README derives."""
    model = load(Path(__file__).parents[1] / "models" / "pocket")
    goals(model, visits=0, base_1_largest=0, base_2_largest=1 / 120, base_2_sum=1 / 120, contribution=628_700)


@pytest.mark.parametrize("seed", [pytest.param(s, marks=pytest.mark.long if 8 <= s < 200 else ()) for s in SEEDS])
def test_engine_agrees_with_the_oracle(seed: int, tmp_path: Path) -> None:
    """Every goal of a random small model has the oracle's value, and the audit finds nothing."""
    compare(load(random_model(seed).write(tmp_path / "model")))


@pytest.mark.long
@settings(
    max_examples=max(5, len(SEEDS) // 20),
    deadline=None,
    derandomize=True,
    report_multiple_bugs=False,
    # Shrinking takes minutes: it is for those who look for a fault.
    phases=[Phase.generate, *([Phase.shrink] if PROOF else [])],
    suppress_health_check=list(HealthCheck),
)
@given(drawn=models())
def test_engine_agrees_on_models_that_shrink(drawn: RandomModel, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The same on models that Hypothesis draws, which shrinks one that disagrees to a small one."""
    compare(load(drawn.write(tmp_path_factory.mktemp("drawn") / "model")))
