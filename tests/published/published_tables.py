"""Published cases said in tables, as a planner would write them: each function writes the folder of one model.

Figures are facts of the named sources; everything else (months, names of people) is ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

COST_PER_REP = 0.057
"""Million dollars that a Syntex representative costs in a year."""


@dataclass(frozen=True)
class Drug:
    """A Syntex product: margin, sales and representatives of the base year, and the fitted ADBUDG curve.

    With x representatives for each one of the base year, sales are least + (most − least) · xᶜ ÷ (d + xᶜ) times those of the
    base year.
    """

    name: str
    margin: float
    sales: float
    reps: float
    least: float
    most: float
    c: float
    d: float

    def revenue(self, reps: float) -> float:
        """Sales of a year with so many representatives, in million dollars."""
        power: float = (reps / self.reps) ** self.c
        return self.sales * (self.least + (self.most - self.least) * power / (self.d + power))

    def contribution(self, reps: float) -> float:
        """Margin of a year's sales less the representatives' cost, in million dollars."""
        return self.margin * self.revenue(reps) - COST_PER_REP * reps


# Syntex Laboratories (A): Lodish, Curtis, Ness and Simpson, Interfaces 18(1), 1988, as a course states it. Data and the
# author's fit: GitHub rkaahean/pycuan @ db7038e, pycuan/workforce/data (Nipro and Pironil are the course's names).
DRUGS = (
    Drug("Naprosyn", 0.7, 214.4, 96.8, 0.3093240571999417, 1.6069658910428721, 3.4626803901740812, 0.8417607065124356),
    Drug("Nipro", 0.8, 210.1, 97.2, 0.46938943073919825, 1.524101336431937, 2.264448512912929, 0.8259554668144888),
    Drug("Anaprox", 0.55, 36.5, 142.4, 0.14819873476918824, 1.3425788347959025, 2.817290621195802, 0.3611700058903072),
    Drug("Norinyl", 0.72, 21.2, 52.7, 0.309580276919248, 1.248045077102139, 2.6184020694295973, 0.31190276865844535),
    Drug("Pironil", 0.72, 37.2, 24.1, 0.4495863802734961, 1.0918162562718636, 3.254369695925386, 0.16240365799714465),
    Drug("Lidex", 0.62, 38.0, 27.3, 0.5600386647753636, 1.2022363655862156, 2.089322123625, 0.39439364710776365),
    Drug("Synalar", 0.53, 14.6, 29.7, 0.5896361134826092, 1.1057967624086258, 3.245909576423809, 0.21196288888445514),
    Drug("Nasalide", 0.52, 11.2, 56.8, 0.15696692482829216, 1.7811627526969074, 2.0454216794586406, 0.6766930365597064),
)

SAMPLED = (*(k / 10 for k in range(25)), *(2.5 + k / 4 for k in range(11)))
"""Efforts at which the curves are written down, in multiples of the base year's: every tenth where they bend, then every quarter."""


def syntex(folder: Path, reps: float, *, months: int = 12, as_it_is: bool = False) -> Path:
    """Write the Syntex case: a line of detailing for each product, and so many representatives for all of them.

    The force is sized once and works all year. So the money of a line falls into the first month and works on in the eleven
    after it; a plan of a single month says the same without that.

    Parameters
    ----------
    folder : Path
    reps : float
        The most representatives.
    months : int
    as_it_is : bool
        Every product keeps the representatives of the base year.
    """
    first = "2026-01"
    most = {d: d.reps * (1.0 if as_it_is else SAMPLED[-1]) for d in DRUGS}
    points = [(d, d.reps * x) for d in DRUGS for x in SAMPLED]
    return write(
        folder,
        f"{{title: Syntex, start: '{first}', months: {months}, country: US, currency: USD, money_unit: M$, language: en}}",
        {
            "reps": "rep, unit\nforce, us",
            "products": lines("product, margin", (f"{d.name}, {d.margin}" for d in DRUGS)),
            "clients": "client, tier, owner\nphysicians, physicians, force",
            # What is sold without any representative, and the most that can be sold.
            "demand": lines(
                "client, product, expected, ceiling",
                (f"physicians, {d.name}, {d.sales * d.least}, {d.sales * d.most}" for d in DRUGS),
            ),
            "budget": lines(
                "line, category, product, from, to, minimum, maximum",
                (
                    f"{d.name} detailing, detailing, {d.name}, {first}, {first}, {as_it_is * money(d.reps)}, {money(most[d])}"
                    for d in DRUGS
                ),
            ),
            "responses": lines(
                "driver, effort, sales, carry_months",
                (f"{d.name} detailing, {money(x)}, {d.revenue(x) - d.revenue(0)}, {months - 1}" for d, x in points),
            ),
            "yields": lines(
                "source, metric, amount", (f"{d.name} detailing, representatives, {1 / COST_PER_REP}" for d in DRUGS)
            ),
            "targets": f"target, metric, at_most, priority\nsize of the force, representatives, {reps}, hard",
        },
    )


def money(reps: float) -> float:
    """Cost of representatives in million dollars."""
    return COST_PER_REP * reps


@dataclass(frozen=True)
class Territory:
    """A territory of the CALLPLAN example: sales at so many calls, and the shares of them at none, half, 1.5 and many calls."""

    name: str
    calls: int
    sales: float
    margin: float
    none: float
    most: float
    c: float
    d: float

    def revenue(self, calls: float) -> float:
        """Sales at a number of calls (ADBUDG)."""
        power: float = (calls / self.calls) ** self.c
        return self.sales * (self.none + (self.most - self.none) * power / (self.d + power))


# CALLPLAN (Lodish 1971) in the small form of R's package tme by Buchta and Theussl: GitHub r-forge/mar @ be7572d,
# pkg/data/callplan.rda; the curves are its fit.
TERRITORIES = (
    Territory("north", 4, 60, 0.4, 0.2, 1.5, 2.611898396476391, 0.625),
    Territory("south", 4, 50, 0.3, 0.3, 1.4, 1.6302494339018612, 0.5714285714285713),
)
HOURS_PER_CALL = 2


def callplan(
    folder: Path,
    *,
    goals: str = "contribution, visits, base, stretch",
    hours_per_day: float = 8,
    steps: bool = False,
    targets: str = "",
) -> Path:
    """Write the CALLPLAN case: two territories, two days of eight hours, calls of two hours.

    Today's four calls are the promise; what 0 to 8 calls sell is the curve, in multiples of today's.

    Parameters
    ----------
    folder : Path
    goals : str
        Order of the goals; profit comes before today's calls, or after.
    hours_per_day : float
    steps : bool
        A call that is not whole sells nothing: the curve is a staircase instead of straight between whole calls.
    targets : str
        Further rows of targets.
    """
    points = [(t, *p) for t in TERRITORIES for p in _calls(t, steps=steps)]
    return write(
        folder,
        f"{{title: CALLPLAN, start: '2026-01', months: 1, country: US, currency: USD, language: en, goals: [{goals}]}}",
        {
            "reps": f"rep, unit, hours_per_day, start, end\nlee, field, {hours_per_day}, 2026-01-05, 2026-01-06",
            "products": lines("product, margin", (f"{t.name} range, {t.margin}" for t in TERRITORIES)),
            "tiers": lines(
                "tier, visits, per, minutes",
                (f"{t.name}, {t.calls}, month, {60 * HOURS_PER_CALL}" for t in TERRITORIES),
            ),
            "clients": lines("client, tier, owner", (f"{t.name} accounts, {t.name}, lee" for t in TERRITORIES)),
            "demand": lines(
                "client, product, expected, ceiling",
                (f"{t.name} accounts, {t.name} range, {t.sales}, {t.sales * t.most}" for t in TERRITORIES),
            ),
            "responses": lines("driver, effort, sales", (f"{t.name}, {x}, {y}" for t, x, y in points)),
            "targets": "target, metric, scope, at_least, at_most, priority\nsales of today, revenue,, 110,, 1"
            + targets,
        },
    )


def _calls(t: Territory, *, steps: bool) -> Iterator[tuple[float, float]]:
    """Points of a territory's curve in multiples of today's calls and sales."""
    for k in range(9):
        if steps and k:
            yield (k - 0.01) / t.calls, t.revenue(k - 1) / t.sales
        yield k / t.calls, t.revenue(k) / t.sales


@dataclass(frozen=True)
class Medium:
    """An advertising medium: cost of an advertisement, how many there are, and what one brings."""

    line: str
    category: str
    cost: float
    most: float
    audience: float
    exposure: float


# Media selection for the Relax-and-Enjoy Lake Development Corporation: Anderson, Sweeney and Williams, "An Introduction to
# Management Science", chapter on linear programming applications in marketing.
MEDIA = (
    Medium("daytime TV", "television", 1500, 15, 1000, 65),
    Medium("evening TV", "television", 3000, 10, 2000, 90),
    Medium("daily newspaper", "newspaper", 400, 25, 1500, 40),
    Medium("Sunday newspaper", "newspaper", 1000, 4, 2500, 60),
    Medium("radio", "radio", 100, 30, 300, 20),
)


def media_selection(
    folder: Path,
    *,
    money: float = 30_000,
    television: float = 10,
    most: Mapping[str, float] | None = None,
    least: Mapping[str, float] | None = None,
) -> Path:
    """Write the media case: a line for each medium, and limits on money, television and audience.

    Exposure is what is wanted, as much as can be: its target is more than any plan reaches.

    Parameters
    ----------
    folder : Path
    money : float
        Budget in dollars.
    television : float
        The least television advertisements.
    most, least : mapping of str to float, optional
        Advertisements of a medium, where they are other than in the case.
    """
    high, low = {m.line: m.most for m in MEDIA} | dict(most or {}), dict(least or {})
    return write(
        folder,
        "{title: Media selection, start: '2026-01', months: 1, country: US, currency: USD, money_unit: $, language: en}",
        {
            "reps": "rep, unit\nagent, sales",
            "products": "product, margin\nlakefront homes, 0",
            "clients": "client, tier, owner\nfamilies, families, agent",
            "demand": "client, product, expected, ceiling\nfamilies, lakefront homes, 0, 0",
            "budget": lines(
                "line, category, minimum, maximum",
                (f"{m.line}, {m.category}, {m.cost * low.get(m.line, 0)}, {m.cost * high[m.line]}" for m in MEDIA),
            ),
            "yields": lines(
                "source, metric, amount",
                (
                    f"{m.line}, {metric}, {amount / m.cost}"
                    for m in MEDIA
                    for metric, amount in (("ads", 1), ("audience", m.audience), ("exposure", m.exposure))
                ),
            ),
            "targets": f"""\
target,               metric,   scope,               at_least,     at_most, priority
money,                spend,    ,                    ,             {money}, hard
television,           ads,      category=television, {television}, ,        hard
money for television, spend,    category=television, ,             18000,   hard
audience,             audience, ,                    50000,        ,        hard
exposure,             exposure, ,                    3000,         ,        1
""",
        },
    )


def relaxation(folder: Path) -> Path:
    """Write the infeasible program of AMPL's documentation, as HiGHS's check/TestIis.cpp has it, as rules that clash.

    −X + 21Y ≥ 2, −3X + 2Y ≤ 1, 20X + Y ≤ 20, X ≥ 5, all whole: X and Y are contracts of two products, and each row is a target for
    what these contracts bring.
    """
    brings = {"X": {"R0": -1, "R1": -3, "R2": 20}, "Y": {"R0": 21, "R1": 2, "R2": 1}}
    return write(
        folder,
        "{title: Relaxation, start: '2026-01', months: 1, country: US, currency: USD, money_unit: $, language: en}",
        {
            "reps": "rep, unit\nagent, sales",
            "products": "product, margin, contract_value, large\nX, 0.5, 1, yes\nY, 0.5, 1, yes",
            "clients": "client, tier, owner\nbuyers, buyers, agent",
            "demand": "client, product, expected, ceiling\nbuyers, X, 100, 100\nbuyers, Y, 100, 100",
            "yields": lines(
                "source, metric, amount",
                (f"{product}, {row}, {amount}" for product, each in brings.items() for row, amount in each.items()),
            ),
            "targets": """\
target, metric,    scope,     at_least, at_most, priority
R0,     R0,        ,          2,        ,        hard
R1,     R1,        ,          ,         1,       hard
R2,     R2,        ,          ,         20,      hard
X,      contracts, product=X, 5,        ,        hard
""",
        },
    )


def suncoast(folder: Path) -> Path:
    """Write Suncoast Office Supplies: four salespeople, five targets in order of priority.

    Anderson, Sweeney and Williams, "An Introduction to Management Science", chapter on goal programming. A visit to a previous
    customer takes 2 hours and sells for $250, one to a new customer 3 hours and $125. July 2026 has 176 hours for each of the
    four, so that 680 is overtime that the first target forbids, and no rule.
    """
    team = ("ann", "bob", "cal", "dee")
    return write(
        folder,
        "{title: Suncoast Office Supplies, start: '2026-07', months: 1, country: US, currency: USD, money_unit: $, "
        "language: en, goals: [base, visits, stretch, contribution]}",
        {
            "reps": lines("rep, unit", (f"{r}, sales" for r in team)),
            "products": "product, margin\noffice supplies, 0.3",
            "tiers": "tier, visits, per, minutes\nprevious, 1, month, 120\nnew, 0, month, 0",
            "funnel": "channel, step, stage, conversion, minutes\nvisits, 1, first visit, 1, 180",
            "clients": lines(
                "client, tier, owner, status, count",
                (
                    row
                    for r in team
                    for row in (f"previous of {r}, previous, {r}, active, 50", f"new for {r}, new, {r}, prospect, 50")
                ),
            ),
            "demand": lines(
                "client, product, expected, ceiling",
                (
                    row
                    for r in team
                    for row in (
                        f"previous of {r}, office supplies, 250, 500",
                        f"new for {r}, office supplies, 125, 125",
                    )
                ),
            ),
            "responses": "driver, effort, sales\nprevious, 0, 0\nprevious, 1, 1\nprevious, 2, 2",
            "targets": """\
target,             metric,  scope,           at_least, at_most, priority
no overtime,        hours,   ,                ,         680,     1
full hours,         hours,   ,                610,      ,        2
sales,              revenue, ,                70000,    ,        3
previous customers, visits,  status=active,   200,      ,        4
new customers,      visits,  status=prospect, 120,      ,        5
""",
        },
    )


def lines(heading: str, rows: Iterator[str]) -> str:
    """Text of a table."""
    return "\n".join((heading, *rows))


def write(folder: Path, settings: str, tables: Mapping[str, str]) -> Path:
    """Write a model as a folder; blanks behind commas are for the reader only."""
    folder.mkdir(parents=True)
    (folder / "model.yaml").write_text(settings, encoding="utf-8")
    for name, text in tables.items():
        rows = (",".join(cell.strip() for cell in row.split(",")) for row in text.strip().splitlines())
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder
