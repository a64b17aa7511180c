"""The README of a new model: every assumption with its number, every repair of the export."""

from __future__ import annotations

from allocator.errors import Finding
from allocator.importing.assumptions import Assumptions
from allocator.importing.building import Draft
from allocator.importing.deals import ABSURD_MULTIPLE
from allocator.importing.export import listed
from allocator.importing.facts import Facts
from allocator.texts import N_, _

PERIODS = (N_("month"), N_("quarter"), N_("year"))
"""Periods of promises, named here so that they are translated."""

Row = tuple[str, str, str, str]
"""An assumption: what, the number, why and how it is reckoned, where it is changed."""


def readme_text(draft: Draft, facts: Facts, assumptions: Assumptions, findings: list[Finding]) -> str:
    """Text of the new model's README."""
    rows = _assumption_rows(draft, facts, assumptions)
    head = "| " + " | ".join((_("assumption"), _("number"), _("why, and how it is reckoned"), _("change it in"))) + " |"
    found = "| " + " | ".join((_("severity"), _("place"), _("says"))) + " |"
    sections = [
        "# " + str(draft.settings["title"]),
        _(
            "Built by `allocator import crm` from {files}. It is a first model: it loads and solves as it is, "
            "and it holds what the "
            "export says together with what had to be assumed. Both stand below. Change the tables, not this page."
        ).format(files=", ".join(f"`{f}`" for f in draft.files)),
        "## " + _("What was assumed"),
        "\n".join([head, "|---|---|---|---|", *("| " + " | ".join(_cell(c) for c in row) + " |" for row in rows)]),
        "## " + _("What was found and repaired"),
        "\n".join([found, "|---|---|---|", *(_finding_row(f) for f in findings)]),
        "## " + _("What is not in it"),
        _(
            "A CRM export says nothing of money spent on selling, so there are no budget lines (`budget.csv`, "
            "with the sales they add in "
            "`responses.csv`); nothing of pay (`commission.csv`), of when clients pay (`collection.csv`), of "
            "absences (`leave.csv`) or "
            "of other duties (`activities.csv`). Add those files as they become known; `allocator schema` lists "
            "their columns."
        ),
    ]
    return "\n\n".join(sections) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _finding_row(finding: Finding) -> str:
    place = " ".join(x for x in (finding.table, finding.row, finding.column) if x)
    return f"| {finding.severity} | {_cell(place)} | {_cell(finding.says)} |"


def _assumption_rows(draft: Draft, facts: Facts, assumptions: Assumptions) -> list[Row]:
    """Every assumption: what, the number, why and by which formula, where it is changed."""
    return [
        *_year_rows(draft, facts, assumptions),
        *_client_rows(draft, assumptions),
        *_sale_rows(draft, facts, assumptions),
    ]


def _year_rows(draft: Draft, facts: Facts, assumptions: Assumptions) -> list[Row]:
    unseen = facts.season.loc[~facts.season["observed"], "month"]
    return [
        (
            _("Plan year"),
            _("12 months from {start}").format(start=facts.start),
            _("the month after the last in which a deal was closed ({last}), unless a start was given").format(
                last=facts.observed[-1]
            ),
            "`model.yaml` start; `seasonality.csv`",
        ),
        (
            _("Country and money"),
            f"{assumptions.country}, {assumptions.currency}",
            _("the export names no currency; holidays are those of the country"),
            "`model.yaml` country, currency, money_unit",
        ),
        (
            _("Rounding of quotas"),
            f"{assumptions.rounding:g}",
            _("small products make small quotas"),
            "`model.yaml` rounding",
        ),
        (
            _("Values believed"),
            f"≤ × {ABSURD_MULTIPLE:g}",
            _(
                "a won deal above so many times its product's usual value (list price or median, whichever is "
                "more) is left out"
            ),
            "`history.csv`, `demand.csv`",
        ),
        (
            _("Growth"),
            f"{assumptions.growth:.0%}",
            _("assumed: one year of deals shows no growth, and a longer history is not looked at for it"),
            "`demand.csv` expected, ceiling; `targets.csv` at_least",
        ),
        (
            _("Year's sales"),
            f"× 12/{len(facts.year)}",
            _("won value of {first} to {last}, taken to twelve months").format(
                first=facts.year[0], last=facts.year[-1]
            ),
            "`demand.csv` expected",
        ),
        (
            _("Months never observed"),
            listed(unseen, 12) or _("none"),
            _(
                "weight of a month = its average won value ÷ the average of the months; a month never observed "
                "gets the average, 1"
            ),
            "`seasonality.csv` weight",
        ),
    ]


def _client_rows(draft: Draft, assumptions: Assumptions) -> list[Row]:
    shares = ", ".join(f"{rule.tier} {rule.share:.0%}" for rule in assumptions.tiers)
    promises = ", ".join(
        _("{tier} {visits} a {per} of {minutes:g} minutes").format(
            tier=rule.tier, visits=visits, per=_(per), minutes=rule.minutes
        )
        for rule, (visits, per) in zip(assumptions.tiers, draft.promises, strict=True)
    )
    ceilings = ", ".join(f"{tier} {multiple:g}" for tier, multiple in draft.ceilings.items())
    points = ", ".join(f"{effort:g} → {sales:g}" for effort, sales in assumptions.response)
    return [
        (
            _("Owner of a client"),
            _("largest won value"),
            _("of all agents, ties by name; of prospects, most deals"),
            "`clients.csv` owner",
        ),
        (
            _("Status of a client"),
            _("by its deals"),
            _(
                "active: won within the last twelve months observed; lost: won before only; prospect: deals, "
                "none won, in the last tier; "
                "an account without any deal is left out"
            ),
            "`clients.csv` status",
        ),
        (
            _("Tiers"),
            shares,
            _("of the active accounts by the year's won value, the largest first, ties by name"),
            "`clients.csv` tier",
        ),
        (
            _("Promised visits"),
            promises,
            _(
                "the most generous of {n} patterns that fits every owner's tightest month; the busiest owner "
                "then needs {share:.0%} of his hours, all agents together {all:.0%} of theirs"
            ).format(n=len(assumptions.promises), share=draft.busiest, all=draft.all_hours),
            "`tiers.csv` visits, per, minutes",
        ),
        (
            _("Cost of a visit"),
            f"{assumptions.visit_cost:g}",
            _("travel; the export holds no costs"),
            "`tiers.csv` visit_cost",
        ),
        (
            _("Expected sales"),
            _("per client and product"),
            _("expected = year's sales × (1 + growth); of a prospect: deals × average won value × win rate, in a year"),
            "`demand.csv` expected",
        ),
        (
            _("Ceiling"),
            ceilings,
            _(
                "ceiling = expected ÷ win rate of the tier (to the nearest 0.05, at least 1, at most {most:g}): "
                "what the accounts had bought with no deal lost"
            ).format(most=assumptions.longest_ceiling),
            "`demand.csv` ceiling",
        ),
        (
            _("Response to visits"),
            points,
            _(
                "multiple of the promise → multiple of expected. Concave: regular clients go on buying most of "
                "it unvisited, and each further "
                "visit brings less. No export tells what visits bring: compare clients whose visits changed, "
                "and correct it"
            ),
            "`responses.csv`",
        ),
        (
            _("Hours"),
            _("{hours:g} a day, {share:.0%} for clients").format(
                hours=assumptions.hours_per_day, share=assumptions.selling_share
            ),
            _("the same for every agent, those without deals included"),
            "`reps.csv` hours_per_day, selling_share",
        ),
    ]


def _sale_rows(draft: Draft, facts: Facts, assumptions: Assumptions) -> list[Row]:
    base = draft.tables["targets"]["at_least"].iloc[0]
    return [
        (
            _("Margin"),
            f"{assumptions.margin:.0%}",
            _("the export holds prices and no costs; the same for every product"),
            "`products.csv` margin",
        ),
        (
            _("Win rate"),
            f"{facts.win_rate:.2%}",
            _("won ÷ (won + lost) of all closed deals; {reach:.2%} of the deals past prospecting were engaged").format(
                reach=draft.tables["funnel"]["conversion"].iloc[0]
            ),
            "`funnel.csv` conversion; `pipeline.csv` probability",
        ),
        (
            _("Time to win"),
            _("{days:.0f} days").format(days=facts.days),
            _("average from opening to closing of won deals; time in prospecting is not recorded and taken as 0"),
            "`funnel.csv` days; `pipeline.csv` due",
        ),
        (
            _("Minutes to win a client"),
            f"{assumptions.first_minutes:g} + {assumptions.deal_minutes:g}",
            _("a first talk, then the work on a deal; used for prospects"),
            "`funnel.csv` minutes",
        ),
        (
            _("Open deals"),
            _("{n} too old").format(n=draft.stale),
            _(
                "value: the average won value of the product (list price where none was won). Those open longer "
                "than any closed deal took ({days:g} days) get chance 0"
            ).format(days=facts.longest),
            "`pipeline.csv`",
        ),
        (
            _("Targets"),
            f"{base:,.0f}; × {assumptions.stretch:g}; × {assumptions.part_share:g}",
            _(
                "base = expected sales of all active clients, rounded down to three digits; stretch a multiple "
                "of it; regions and the best "
                "selling product a share of their own expected sales, at priority 2, so that the company's "
                "target leaves room"
            ),
            "`targets.csv`",
        ),
    ]
