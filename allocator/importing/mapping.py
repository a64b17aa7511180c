"""Which file and heading of a CRM export holds what: data only, so that another system needs no other code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True)
class SheetMapping:
    """One table of the export.

    Attributes
    ----------
    files : tuple of str
        File names that may hold it, with * for any letters; the first that exists is read, of a name with * all that fit. A sheet of
        a workbook is looked for by the same names without their ending.
    headings : mapping of str to tuple of str
        For each field the headings that it may stand under. Case, blanks and punctuation do not count.
    required : tuple of str
        Fields that must be there; others are blank when the export lacks them.
    """

    files: tuple[str, ...]
    headings: Mapping[str, tuple[str, ...]]
    required: tuple[str, ...]


@dataclass(frozen=True)
class CrmMapping:
    """All tables of an export, and what its stages mean.

    Attributes
    ----------
    sheets : mapping of str to SheetMapping
        ``accounts``, ``products``, ``teams`` and ``deals``.
    stages : mapping of str to tuple of str
        For each of ``Prospecting``, ``Engaging``, ``Won`` and ``Lost`` the words that the export uses.
    title : str
        What the system is called.
    dates : str
        Order of day and month where they stand first: mdy or dmy; blank is what the dates themselves show.
    settings : mapping of str to str or float
        Assumptions that go with the system: country, currency, money_unit, rounding, margin, growth.
    """

    sheets: Mapping[str, SheetMapping]
    stages: Mapping[str, tuple[str, ...]]
    title: str = ""
    dates: str = ""
    settings: Mapping[str, str | float] = field(default_factory=dict)


PROSPECTING, ENGAGING, WON, LOST = "Prospecting", "Engaging", "Won", "Lost"

USUAL = CrmMapping(
    sheets=MappingProxyType(
        {
            "accounts": SheetMapping(
                files=("accounts.csv", "account.csv"),
                headings={
                    "account": ("account", "account_name", "name"),
                    "sector": ("sector", "industry"),
                    "location": ("office_location", "location", "country", "billing_country"),
                    "parent": ("subsidiary_of", "parent_account"),
                },
                required=("account",),
            ),
            "products": SheetMapping(
                files=("products.csv", "product.csv"),
                headings={
                    "product": ("product", "product_name", "name"),
                    "family": ("series", "product_family", "family"),
                    "price": ("sales_price", "list_price", "price"),
                },
                required=("product",),
            ),
            "teams": SheetMapping(
                files=("sales_teams.csv", "sales_team.csv", "team.csv", "users.csv"),
                headings={
                    "rep": ("sales_agent", "sales_rep", "agent", "owner", "user"),
                    "manager": ("manager", "team"),
                    "office": ("regional_office", "region", "office"),
                },
                required=("rep",),
            ),
            "deals": SheetMapping(
                files=("sales_pipeline.csv", "opportunities.csv", "deals.csv"),
                headings={
                    "deal": ("opportunity_id", "deal_id", "id"),
                    "rep": ("sales_agent", "opportunity_owner", "owner", "agent"),
                    "product": ("product", "product_name"),
                    "account": ("account", "account_name"),
                    "stage": ("deal_stage", "stage"),
                    "opened": ("engage_date", "created_date", "open_date"),
                    "closed": ("close_date", "closed_date"),
                    "value": ("close_value", "amount", "value"),
                },
                required=("deal", "rep", "product", "account", "stage", "closed", "value"),
            ),
        }
    ),
    stages=MappingProxyType(
        {
            PROSPECTING: ("Prospecting", "Prospect", "New", "Qualification"),
            ENGAGING: ("Engaging", "Engaged", "Proposal", "Negotiation", "Open"),
            WON: ("Won", "Closed Won"),
            LOST: ("Lost", "Closed Lost"),
        }
    ),
)
"""Headings of the usual export: accounts, products, sales_teams and sales_pipeline."""
