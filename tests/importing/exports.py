"""A small CRM export, made on the spot, with sums that can be checked by hand; each test adds its own dirt."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

Rows = list[list[str]]

ACCOUNTS = """\
account,sector,year_established,office_location,subsidiary_of
Alpha,technology,1996,United States,
Beta,medical,1997,Philippines,Alpha
Delta,retail,1998,United States,
Gamma,medical,1999,Japan,
Kappa,services,2000,United States,
Zeta,finance,2001,United States,
"""
PRODUCTS = """\
product,series,sales_price
GTX Pro,GTX,1000
MG Basic,MG,100
"""
TEAMS = """\
sales_agent,manager,regional_office
Ann,Mary,North
Bob,Mary,North
Eve,Mary,North
Cid,Ned,South
"""
DEALS = """\
opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value
D1,Ann,GTX Pro,Alpha,Won,1/10/2017,3/1/2017,1000
D2,Ann,GTX Pro,Alpha,Won,2/1/2017,4/15/2017,1100.50
D3,Bob,MG Basic,Alpha,Won,2/15/2017,4/20/2017,100
D4,Bob,GTX Pro,Beta,Won,3/1/2017,5/10/2017,900
D5,Cid,MG Basic,Gamma,Won,4/1/2017,6/30/2017,120.25
D6,Ann,MG Basic,Zeta,Won,3/5/2017,5/5/2017,100
D7,Bob,MG Basic,Zeta,Won,3/6/2017,5/6/2017,100
D8,Eve,MG Basic,Beta,Won,3/7/2017,6/1/2017,90
D9,Cid,MG Basic,Kappa,Won,3/1/2017,6/2/2017,80
L1,Cid,GTX Pro,Alpha,Lost,3/1/2017,4/2/2017,0
L2,Cid,MG Basic,Delta,Lost,2/1/2017,3/20/2017,0
O1,Ann,GTX Pro,,Engaging,6/1/2017,,
O2,Bob,MG Basic,Delta,Engaging,1/2/2017,,
O3,Cid,GTX Pro,,Prospecting,,,
"""
FILES = {
    "accounts": "accounts.csv",
    "products": "products.csv",
    "teams": "sales_teams.csv",
    "deals": "sales_pipeline.csv",
}


def _rows(text: str) -> Rows:
    return [line.split(",") for line in text.splitlines()]


@dataclass
class Export:
    """The four tables as rows of texts, headings first; change them, then write them."""

    accounts: Rows = field(default_factory=lambda: _rows(ACCOUNTS))
    products: Rows = field(default_factory=lambda: _rows(PRODUCTS))
    teams: Rows = field(default_factory=lambda: _rows(TEAMS))
    deals: Rows = field(default_factory=lambda: _rows(DEALS))

    def add(self, table: str, row: str | Sequence[str]) -> Export:
        """Append a row, given as its cells or as a line without quotes."""
        getattr(self, table).append(row.split(",") if isinstance(row, str) else list(row))
        return self

    def put(self, table: str, key: str, column: str, value: str) -> Export:
        """Set a cell of the row whose first cell is the key."""
        rows = getattr(self, table)
        next(r for r in rows if r[0] == key)[rows[0].index(column)] = value
        return self

    def write(self, folder: Path) -> Path:
        """Write the four files and return the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for table, file in FILES.items():
            with (folder / file).open("w", encoding="utf-8", newline="") as out:
                csv.writer(out).writerows(getattr(self, table))
        return folder
