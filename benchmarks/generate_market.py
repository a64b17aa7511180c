"""Write the generated tables of ``models/market``: clients, demand, market and history, from a fixed seed.

    python benchmarks/generate_market.py [FOLDER]

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
MONTHS = range(1, 13)
TIERS = ("KA", "A", "B")
# money that active clients would buy in 2026, by product and tier (KA, A, B)
EXPECTED = {
    "starter": (170_000, 440_000, 1_070_000),
    "standard": (820_000, 1_230_000, 900_000),
    "pro": (600_000, 420_000, 0),
    "service": (310_000, 395_000, 345_000),
}
# chance that a client of the tier buys the product at all
TAKES = {"starter": (0.6, 0.8, 1.0), "standard": (1.0, 1.0, 1.0), "pro": (1.0, 0.4, 0.0), "service": (0.9, 0.8, 1.0)}
CEILING = {"KA": 1.5, "A": 1.4, "B": 1.3}
# named clients of tiers KA and A, small ones and prospects of each rep
OWNED = {
    "S01": (3, 10, 50, 130), "S02": (2, 8, 50, 140), "S03": (2, 8, 55, 140), "S04": (2, 8, 45, 140),
    "S05": (3, 10, 50, 130), "S06": (2, 8, 55, 140), "S07": (2, 8, 50, 140), "S08": (0, 4, 45, 160),
}  # fmt: skip
WITHOUT_OWNER = ("north", "south")
INDUSTRIES = ("manufacturing", "trade", "logistics", "education")
INDUSTRY_NAMES = ("制造", "贸易", "物流", "教育")
# what a prospect would buy of each product in a year
FIRST_YEAR = {"starter": 620, "standard": 180, "service": 100}
# money sold in 2025, by product; the new product did not exist
SOLD = {"starter": 2_000_000, "standard": 3_850_000, "service": 1_350_000}
SEASON = (5.5, 4.5, 8.6, 8.8, 8.7, 9.0, 9.3, 9.4, 9.8, 8.6, 9.0, 8.8)
# what the market buys in a quarter of 2026 of each product, and its growth on the year before
MARKET = {
    "starter": ((2_700_000, 3_150_000, 3_100_000, 3_200_000), 0.02),
    "standard": ((4_300_000, 5_000_000, 4_900_000, 5_100_000), 0.07),
    "pro": ((1_500_000, 1_800_000, 1_800_000, 1_900_000), 0.25),
    "service": ((1_450_000, 1_700_000, 1_680_000, 1_750_000), 0.06),
}


def write(path: Path, heading: str, rows: Iterable[Row]) -> None:
    """Write one table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading.split(","))
        writer.writerows(rows)


def clients(draw: random.Random) -> list[dict[str, object]]:
    """Named clients, a segment of small ones and a list of prospects for each rep; two without an owner."""
    found: list[dict[str, object]] = []

    def add(letter: str, tier: str, owner: str, unit: str, *, count: int = 1, status: str = "active") -> None:
        n = int(draw.random() * len(INDUSTRIES))
        code = f"{letter}{sum(str(c['client']).startswith(letter) for c in found) + 1:03}"
        kind = {"B": ("Small clients", "小客户"), "P": ("Prospects", "潜在客户")}.get(letter, ("Client", "客户"))
        year, month, day = 2018 + int(draw.random() * 7), 1 + int(draw.random() * 12), 1 + int(draw.random() * 28)
        found.append({
            "client": code,
            "name": f"{kind[0]} {code} {INDUSTRY_NAMES[n]}{kind[1]}{code}",
            "tier": tier,
            "unit": unit,
            "owner": owner,
            "industry": INDUSTRIES[n],
            "status": status,
            "count": count,
            "since": f"{year}-{month:02}-{day:02}" if letter in ("K", "A") else "",
            "renewal": f"2026-{1 + int(draw.random() * 12):02}-28" if letter == "K" else "",
            "churn": f"{0.04 + 0.1 * draw.random():.2f}" if letter == "K" else "",
        })  # fmt: skip

    for rep, (keys, named, small, prospects) in OWNED.items():
        unit = "north" if rep <= "S04" else "south"
        for letter, tier, number in (("K", "KA", keys), ("A", "A", named)):
            for _ in range(number):
                add(letter, tier, rep, unit)
        add("B", "B", rep, unit, count=small)
        add("P", "B", rep, unit, count=prospects, status="prospect")
    for unit in WITHOUT_OWNER:
        add("A", "A", "", unit)
    return found


def demand(who: list[dict[str, object]], draw: random.Random) -> list[Row]:
    """Say what each client would buy: shares of the plan's totals by product and tier."""
    rows: dict[tuple[str, str], tuple[int, int]] = {}
    for product, totals in EXPECTED.items():
        for tier, total, chance in zip(TIERS, totals, TAKES[product], strict=True):
            buyers = [c for c in who if c["tier"] == tier and c["status"] == "active"]
            levels = [(0.6 + 0.8 * draw.random()) * (draw.random() < chance) for _ in buyers]
            whole = sum(level * int(str(c["count"])) for c, level in zip(buyers, levels, strict=True))
            for client, level in zip(buyers, levels, strict=True):
                if level and total:
                    step = 10 if tier == "B" else 100
                    expected = max(step, round(total * level / whole / step) * step)
                    rows[str(client["client"]), product] = (expected, round(expected * CEILING[tier]))
    for client in who:
        if client["status"] == "prospect":
            for product, money in FIRST_YEAR.items():
                rows[str(client["client"]), product] = (money, round(money * 1.5))
    place = {str(c["client"]): i for i, c in enumerate(who)}
    order = sorted(rows, key=lambda key: (place[key[0]], list(EXPECTED).index(key[1])))
    return [(*key, *rows[key]) for key in order]


def history(draw: random.Random) -> list[Row]:
    """Last year: revenue by month, rep and product, exact in its totals; new clients and conversion by month."""
    rows: list[Row] = []
    weight = {rep: 2.5 * keys + named + small / 20 for rep, (keys, named, small, _) in OWNED.items() if keys}
    for product, total in SOLD.items():
        cells = [(m, rep, w * SEASON[m - 1] * (0.9 + 0.2 * draw.random())) for m in MONTHS for rep, w in weight.items()]
        scale, done, given = total / sum(c[2] for c in cells), 0.0, 0
        for month, rep, money in cells:  # rounding the running sum keeps the total exact
            done += money * scale
            upto = total if (month, rep) == cells[-1][:2] else round(done / 100) * 100
            rows.append((f"2025-{month:02}", "revenue", rep, product, upto - given))
            given = upto
    for month in MONTHS:
        rows.append((f"2025-{month:02}", "new_clients", "", "", 48 + int(12 * draw.random())))
        rows.append((f"2025-{month:02}", "conversion", "", "", round(0.19 + 0.03 * draw.random(), 3)))
    return rows


def market() -> list[Row]:
    """What the market buys, by product and quarter."""
    return [
        (product, f"2026-Q{quarter}", size, growth)
        for product, (sizes, growth) in MARKET.items()
        for quarter, size in enumerate(sizes, start=1)
    ]


def main(folder: Path, seed: int = 20260102) -> None:
    """Write the generated tables below a folder."""
    draw, place = random.Random(seed), folder / "market"
    who = clients(draw)
    heading = "client,name,tier,unit,owner,industry,status,count,since,renewal,churn"
    write(place / "clients.csv", heading, ([c[k] for k in heading.split(",")] for c in who))
    write(place / "demand.csv", "client,product,expected,ceiling", demand(who, draw))
    write(place / "market.csv", "product,period,size,growth", market())
    write(place / "history.csv", "month,metric,rep,product,amount", history(draw))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "models")
