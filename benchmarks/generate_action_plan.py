"""Write the generated tables of ``models/action_plan``: clients, demand and history, from a fixed seed.

    python benchmarks/generate_action_plan.py [FOLDER]

Every other table of the model is written by hand. Only ``random.Random.random`` and plain arithmetic are used, so that
every machine writes the same bytes. Nothing here runs when the model is loaded.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = Sequence[object]
REPEAT = {"A": 0.8, "B": 0.7, "C": 0.6}
"""Repeat-purchase rate: share of last year's purchases that present clients make again."""
VALUE = {"basic": 3_000, "plus": 12_000, "project": 50_000}
# present clients: tier, how many rows, clients a row stands for
PRESENT = (("A", 8, 1), ("B", 24, 1), ("C", 1, 40))
# contracts that a client of the tier signed last year, of each product
BOUGHT = {"A": (2.0, 1.6), "B": (1.5, 0.7), "C": (0.7, 0.05)}
PROJECTS = {"A01": 3, "A03": 2, "A05": 2, "A08": 1}
"""Projects that a client signed last year."""
# past clients and named prospects, and segments of prospects: tier, contracts of basic and plus in a year
PAST = ("B", 16, 1.0, 0.4)
NAMED = ("B", 24, 1.0, 0.5)
SEGMENTS = (("retail", 70), ("services", 70))
SEGMENT = (0.8, 0.15)
INDUSTRIES = ("manufacturing", "retail", "services", "logistics")
INDUSTRY_NAMES = {"manufacturing": "制造", "retail": "零售", "services": "服务", "logistics": "物流"}
KINDS = {"active": ("Client", "客户"), "lost": ("Past client", "流失客户"), "prospect": ("Prospect", "潜在客户")}
SEASON = (7.0, 4.5, 8.5, 8.2, 7.8, 8.8, 8.8, 8.6, 9.8, 7.6, 9.8, 10.6)


def write(path: Path, heading: str, rows: Iterable[Row]) -> None:
    """Write one table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading.split(","))
        writer.writerows(rows)


def month_of(draw: random.Random) -> int:
    """Draw a month by its season."""
    at, month = draw.random() * sum(SEASON), 1
    for weight in SEASON[:-1]:
        at -= weight
        if at < 0:
            break
        month += 1
    return month


def client(
    code: str, tier: str, status: str, draw: random.Random, *, industry: str = "", count: int = 1
) -> dict[str, object]:
    """Return one row of ``clients.csv``; industries and dates are drawn."""
    industry = industry or INDUSTRIES[int(draw.random() * len(INDUSTRIES))]
    month, day, year = 1 + int(draw.random() * 12), 1 + int(draw.random() * 28), 2018 + int(draw.random() * 6)
    english, chinese = KINDS[status]
    return {
        "client": code,
        "name": f"{english}{'s' if count > 1 else ''} {code} {INDUSTRY_NAMES[industry]}{chinese}{code}",
        "tier": tier,
        "owner": "R01",
        "industry": industry,
        "status": status,
        "count": count,
        "since": f"{year}-{month:02}-{day:02}" if status != "prospect" and count == 1 else "",
        "lost_on": f"2025-{month:02}-{day:02}" if status == "lost" else "",
        "renewal": f"2026-{1 + int(draw.random() * 12):02}-28" if code.startswith("A") else "",
        "churn": f"{1 - REPEAT[tier]:.1f}" if status == "active" else "",
    }


def present(draw: random.Random) -> tuple[list[dict[str, object]], list[Row], list[Row]]:
    """Clients, what they bought last year by month, and the part of it that they buy again."""
    clients: list[dict[str, object]] = []
    demand: list[Row] = []
    history: list[Row] = []
    for tier, rows, count in PRESENT:
        for number in range(1, rows + 1):
            code = f"{tier}{number:02}"
            clients.append(client(code, tier, "active", draw, count=count))
            bought = {
                product: int(mean * (0.6 + 0.8 * draw.random()) * count + draw.random())
                for product, mean in zip(("basic", "plus"), BOUGHT[tier], strict=True)
            }
            bought["project"] = PROJECTS.get(code, 0)
            for product, contracts in bought.items():
                months = sorted(month_of(draw) for _ in range(contracts))
                for month in sorted(set(months)):
                    money = months.count(month) * VALUE[product]
                    history.append((f"2025-{month:02}", "revenue", "R01", code, product, money))
                if contracts:
                    expected = REPEAT[tier] * contracts * VALUE[product] / count
                    demand.append((code, product, round(expected, 2), round(expected * 1.5, 2)))
    return clients, demand, history


def others(draw: random.Random) -> tuple[list[dict[str, object]], list[Row]]:
    """Past clients and prospects, and what one of them buys in a year once he is won."""
    clients: list[dict[str, object]] = []
    demand: list[Row] = []
    for letter, status, (tier, rows, basic, plus) in (("L", "lost", PAST), ("P", "prospect", NAMED)):
        for number in range(1, rows + 1):
            code = f"{letter}{number:02}"
            clients.append(client(code, tier, status, draw))
            demand += first_year(code, basic, plus)
    for number, (industry, count) in enumerate(SEGMENTS, start=1):
        clients.append(client(f"S{number:02}", "C", "prospect", draw, industry=industry, count=count))
        demand += first_year(f"S{number:02}", *SEGMENT)
    return clients, demand


def first_year(code: str, basic: float, plus: float) -> list[Row]:
    """What a client buys in a year: contracts × contract size."""
    money = {"basic": basic * VALUE["basic"], "plus": plus * VALUE["plus"]}
    return [(code, product, round(m), round(m * 1.5)) for product, m in money.items()]


def rates(draw: random.Random) -> list[Row]:
    """New clients and won-back clients of last year by month."""
    rows: list[Row] = []
    for month in range(1, 13):
        rows.append((f"2025-{month:02}", "new_clients", "R01", "", "", 2 + int(2 * draw.random()) - (month == 2)))
    return rows


def main(folder: Path, seed: int = 20260103) -> None:
    """Write the generated tables below a folder."""
    draw, place = random.Random(seed), folder / "action_plan"
    clients, demand, history = present(draw)
    more_clients, more_demand = others(draw)
    clients += more_clients
    heading = "client,name,tier,owner,industry,status,count,since,lost_on,renewal,churn"
    write(place / "clients.csv", heading, ([c[k] for k in heading.split(",")] for c in clients))
    write(place / "demand.csv", "client,product,expected,ceiling", demand + more_demand)
    write(place / "history.csv", "month,metric,rep,client,product,amount", history + rates(draw))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "models")
