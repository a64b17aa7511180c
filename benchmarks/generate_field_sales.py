"""Write the generated tables of ``models/field_sales``: people, clients, demand and history, from a fixed seed.

    python benchmarks/generate_field_sales.py [FOLDER]

Every other table of the model is written by hand. Only ``random.Random.random`` and plain arithmetic are used, so that
every machine writes the same bytes. Nothing here runs when the model is loaded.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = Sequence[object]
Client = dict[str, Any]

MONTHS = range(1, 13)
TEAMS = {"east": (31.23, 121.56), "south": (31.02, 121.40), "west": (31.22, 121.25), "north": (31.42, 121.43)}
"""Teams and the middle of their areas, in degrees."""
NEW_INDUSTRIES = ("new_energy", "biotech")
INDUSTRIES = ("catering", "hotel", "retail", "education", "clinic", "workshop")
INDUSTRY_NAMES = {
    "catering": "餐饮", "hotel": "酒店", "retail": "零售", "education": "教育", "clinic": "诊所", "workshop": "工厂",
    "new_energy": "新能源", "biotech": "生物医药",
}  # fmt: skip
OWNED = {"senior": {"A": 6, "B": 12, "C": 6}, "rep": {"A": 5, "B": 12, "C": 7}, "new": {"A": 3, "B": 10, "C": 11}}
SHOPS = {"senior": 46, "rep": 51, "new": 54}
PROSPECTS = {"senior": 280, "rep": 300, "new": 300}
SHARE = {"senior": 0.7, "rep": 0.7, "new": 0.65}
STARTS = {"R04": "2025-10-09", "R12": "2025-11-03", "R16": "2025-12-01"}
LEAVER = "R10"
LONG_LEAVE = ("R07", "2026-05-11", "2026-06-19")
# money of one client in the year, by tier and product
EXPECTED = {
    "A": {"standard_unit": 70_000, "smart_unit": 40_000, "project": 34_000, "agreement": 3_600, "special_supplies": 18_000},
    "light": {"smart_unit": 52_000, "project": 38_000, "special_supplies": 24_000},
    "B": {"standard_unit": 21_000, "smart_unit": 8_500, "agreement": 2_400, "special_supplies": 5_200, "care_plan": 4_400},
    "C": {"standard_unit": 3_500, "agreement": 880, "special_supplies": 1_100, "care_plan": 750},
}  # fmt: skip
NEW = {"standard_unit": 2_000, "smart_unit": 1_000, "special_supplies": 600}
"""What a prospect or a lost client would buy in a whole year."""
TENDER = {"smart_unit": 24_000, "project": 40_000, "special_supplies": 6_000}
"""What a prospect of tier A would buy in a whole year."""
CEILING = {"A": 1.4, "B": 1.35, "C": 1.3}
AGREEMENT = 4_000
"""One agreement: more than one a client cannot be won for, so that agreements count clients who buy again."""
TENDERING = ("R01", "R05", "R09", "R13")
"""Reps who also have a list of prospects of tier A, who buy by tender."""
SOLD = {
    "standard_unit": 11.8e6, "smart_unit": 6.8e6, "project": 3.4e6, "agreement": 1.55e6, "special_supplies": 3.75e6, "care_plan": 1.8e6,
}  # fmt: skip
"""Money sold in 2025."""
SEASON = (8.5, 6.7, 9.6, 9.0, 9.0, 9.2, 9.1, 9.0, 8.9, 7.1, 7.0, 6.9)


def write(path: Path, heading: str, rows: Iterable[Row]) -> None:
    """Write one table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading.split(","))
        writer.writerows(rows)


def pick(draw: random.Random, choices: Sequence[str]) -> str:
    """One of the choices."""
    return choices[int(draw.random() * len(choices))]


def day(draw: random.Random, year: int) -> str:
    """A day of a year, not after the 28th of its month."""
    month, number = 1 + int(draw.random() * 12), 1 + int(draw.random() * 28)
    return f"{year}-{month:02}-{number:02}"


def make_reps(draw: random.Random) -> list[dict[str, Any]]:
    """Sixteen reps in four teams: seniors first, the newcomers last; the next in the team stands in."""
    reps: list[dict[str, Any]] = []
    for team in TEAMS:
        for place in range(4):
            code = f"R{len(reps) + 1:02}"
            grade = "new" if code in STARTS else "senior" if place == 0 or code == "R06" else "rep"
            reps.append({"rep": code, "name": f"Rep {code[1:]} 业务员{code[1:]}", "unit": team, "grade": grade})
    for place, rep in enumerate(reps):
        first = place - place % 4
        rep |= {
            "start": STARTS.get(rep["rep"], ""),
            "end": "2026-11-30" if rep["rep"] == LEAVER else "",
            "hours_per_day": 8,
            "selling_share": SHARE[rep["grade"]],
            "ramp_months": 4 if rep["grade"] == "new" else "",
            "max_clients": 130 if rep["grade"] == "new" else "",
            "visits_per_day": 8,
            "backup": reps[first + (place + 1 - first) % 4]["rep"],
            "specialty": f"{INDUSTRIES[place % 6]}, {pick(draw, NEW_INDUSTRIES)}" if place % 4 < 3 else "",
        }
    return reps


def make_clients(reps: list[dict[str, Any]], draw: random.Random) -> list[Client]:
    """Four hundred named clients, of them sixteen without an owner, segments of small shops, prospects, lost clients."""
    clients: list[Client] = []
    for rep in reps:
        for tier, number in OWNED[rep["grade"]].items():
            for place in range(number):
                light = tier == "A" and place < len(NEW_INDUSTRIES)
                industry = NEW_INDUSTRIES[place] if light else pick(draw, INDUSTRIES)
                clients.append(client(clients, rep["unit"], rep["rep"], tier, industry, draw))
        shops = SHOPS[rep["grade"]]
        clients.append(client(clients, rep["unit"], rep["rep"], "C", "retail", draw, count=shops))
        many = PROSPECTS[rep["grade"]]
        clients.append(client(clients, rep["unit"], rep["rep"], "C", "retail", draw, status="prospect", count=many))
        if rep["rep"] in TENDERING:
            clients.append(client(clients, rep["unit"], rep["rep"], "A", "hotel", draw, status="prospect", count=12))
    for place in range(16):
        tier = "A" if place % 8 == 0 else "B" if place % 2 else "C"
        team = list(TEAMS)[place % 4]
        clients.append(
            client(clients, team if place % 3 else "company", "", tier, INDUSTRIES[place % 6], draw, area=team)
        )
    for place in range(12):
        rep = reps[place % 4 * 4 + 1]
        clients.append(client(clients, rep["unit"], rep["rep"], "C", pick(draw, INDUSTRIES), draw, status="lost"))
    return clients


def client(
    clients: list[Client],
    unit: str,
    owner: str,
    tier: str,
    industry: str,
    draw: random.Random,
    *,
    status: str = "active",
    count: int = 1,
    area: str = "",
) -> Client:
    """Return one more client, with its place on the map and its days."""
    number = len(clients) + 1
    code = {"active": tier if count == 1 else "S", "prospect": "P", "lost": "L"}[status] + f"{number:03}"
    kinds = {"A": "Client 客户", "S": "Small shops 小客户群", "P": "Prospects 潜在客户", "L": "Lost client 流失客户"}
    kind = kinds.get(code[0], kinds["A"])
    team = area or unit
    quarter = int(draw.random() * 4)
    middle = TEAMS[team]
    north, east = (quarter // 2 - 0.5) * 0.08, (quarter % 2 - 0.5) * 0.10
    latitude = middle[0] + north + (draw.random() - 0.5) * 0.07
    longitude = middle[1] + east + (draw.random() - 0.5) * 0.09
    named, days, dates = status == "active" and tier != "C", draw.random(), draw.random()
    since = day(draw, 2016 + int(draw.random() * 9))
    renewal, churn = day(draw, 2026), 0.03 + 0.12 * draw.random()
    return {
        "client": code,
        "name": f"{kind} {code} {INDUSTRY_NAMES[industry]}",
        "tier": tier,
        "unit": unit,
        "owner": owner,
        "industry": industry,
        "area": f"{team}-{quarter + 1}",
        "latitude": f"{latitude:.4f}" if count == 1 else "",
        "longitude": f"{longitude:.4f}" if count == 1 else "",
        "status": status,
        "count": count,
        "since": since if status != "prospect" else "",
        "lost_on": day(draw, 2025) if status == "lost" else "",
        "renewal": renewal if named else "",
        "churn": f"{churn:.2f}" if named else "",
        "weekdays": ("1, 3", "2, 4", "3, 5", "2, 3, 4")[int(dates * 4)] if named and days < 0.3 else "",
        "blocked": f"2026-{1 + int(dates * 12):02}-{5 + int(days * 50):02}" if named and 0.3 <= days < 0.4 else "",
    }


def wishes(row: Client) -> dict[str, int]:
    """Return what a client of this kind buys in a year."""
    if row["status"] != "active":
        return TENDER if row["tier"] == "A" else NEW
    light = row["tier"] == "A" and row["industry"] in NEW_INDUSTRIES
    return EXPECTED["light" if light else row["tier"]]


def make_demand(clients: list[Client], draw: random.Random) -> list[tuple[str, str, int, int]]:
    """Say what each client would buy, around the amounts of its tier."""
    rows: list[tuple[str, str, int, int]] = []
    for row in clients:
        for product, money in wishes(row).items():
            level = 0.6 + 0.5 * draw.random() + 0.3 * draw.random()
            step = 10 if row["tier"] == "C" else 100
            expected = round(money * level / step) * step
            if product == "agreement":
                rows.append((row["client"], product, min(expected, AGREEMENT), AGREEMENT))
            else:
                rows.append((row["client"], product, expected, round(expected * CEILING[row["tier"]] / 10) * 10))
    return rows


def make_history(
    reps: list[dict[str, Any]], clients: list[Client], demand: list[tuple[str, str, int, int]], draw: random.Random
) -> list[Row]:
    """Last year: revenue by month, rep and product, exact in its product totals; rates by month."""
    there = {r["rep"] for r in reps if not r["start"]}
    by_code = {c["client"]: c for c in clients}
    base: dict[tuple[str, str], float] = {}
    for code, product, expected, _ in demand:
        row = by_code[code]
        if row["owner"] in there and row["status"] == "active" and product in SOLD:
            key = (product, row["owner"])
            base[key] = base.get(key, 0.0) + expected * row["count"]
    rows: list[Row] = []
    for product, total in SOLD.items():
        cells = [
            (month, rep, money * SEASON[month - 1] * (0.85 + 0.3 * draw.random()))
            for month in MONTHS
            for (of, rep), money in base.items()
            if of == product
        ]
        scale, done, given = total / sum(c[2] for c in cells), 0.0, 0
        for place, (month, rep, money) in enumerate(cells, 1):  # rounding the running sum keeps the total exact
            done += money * scale
            upto = round(total) if place == len(cells) else round(done / 100) * 100
            rows.append((f"2025-{month:02}", "revenue", rep, product, upto - given))
            given = upto
    for month in MONTHS:
        label = f"2025-{month:02}"
        rows.append((label, "new_clients", "", "", 70 + int(draw.random() * 7)))
        rows.append((label, "repeat_rate", "", "", f"{0.26 + 0.04 * draw.random():.3f}"))
        rows.append((label, "lead_conversion", "", "", f"{0.12 + 0.04 * draw.random():.3f}"))
        rows.append((label, "large_deal_days", "", "", 90 + (1, -2, 3, 0, -1, 2, -3, 1, 0, -1, 2, -2)[month - 1]))
        rows.append((label, "renewal_rate", "", "", f"{0.84 + 0.06 * draw.random():.3f}"))
        rows.append((label, "activity_rate", "", "", f"{0.78 + 0.1 * draw.random():.3f}"))
    return rows


def make_leave(reps: list[dict[str, Any]], draw: random.Random) -> list[tuple[str, str, str]]:
    """Send most reps away for a week, one for six; never a rep and his backup at once."""
    rows: list[tuple[str, str, str]] = [LONG_LEAVE]
    for rep in reps:
        if rep["rep"] != LONG_LEAVE[0] and draw.random() < 0.7:
            partners = {rep["backup"], *(r["rep"] for r in reps if r["backup"] == rep["rep"])}
            busy = [row for row in rows if row[0] in partners]
            while True:
                month, first = 3 + int(draw.random() * 9), 1 + int(draw.random() * 20)
                start, end = f"2026-{month:02}-{first:02}", f"2026-{month:02}-{first + 6:02}"
                if all(end < row[1] or row[2] < start for row in busy):
                    break
            rows.append((rep["rep"], start, end))
    return sorted(rows)


def make_pipeline(clients: list[Client], draw: random.Random) -> list[Row]:
    """Open opportunities with clients of tier A; those for turnkey projects close 72 days after they were opened."""
    rows: list[Row] = []
    stages = (("contact", 0.2), ("quote", 0.45), ("order", 0.8))
    for row in clients:
        if row["tier"] == "A" and row["status"] == "active" and row["owner"] and draw.random() < 0.4:
            stage, chance = stages[int(draw.random() * 3)]
            product, money = pick(draw, ("smart_unit", "standard_unit")), 12_000 * (2 + int(draw.random() * 6))
            opened = f"2025-1{1 + int(draw.random() * 2)}-{1 + int(draw.random() * 28):02}"
            due = f"2026-0{1 + int(draw.random() * 3)}"
            code = f"O{len(rows) + 1:03}"
            rows.append((code, row["owner"], row["client"], product, "visits", stage, opened, due, chance, money))
    first = next(c["client"] for c in clients if c["owner"] == "R01")
    rows.append(("O901", "R01", first, "project", "tenders", "bid", "2026-01-19", "2026-04", 0.5, 240_000))
    return rows


def main(folder: Path, seed: int = 20260102) -> None:
    """Write reps, clients, demand, history, leave and pipeline of ``field_sales`` below a folder."""
    place, draw = folder / "field_sales", random.Random(seed)
    reps = make_reps(draw)
    clients = make_clients(reps, draw)
    demand = make_demand(clients, draw)
    write(place / "reps.csv", ",".join(reps[0]), (list(rep.values()) for rep in reps))
    write(place / "clients.csv", ",".join(clients[0]), (list(row.values()) for row in clients))
    write(place / "demand.csv", "client,product,expected,ceiling", demand)
    write(place / "history.csv", "month,metric,rep,product,amount", make_history(reps, clients, demand, draw))
    write(place / "leave.csv", "rep,from,to", make_leave(reps, draw))
    heading = "opportunity,rep,client,product,channel,stage,opened,due,probability,amount"
    write(place / "pipeline.csv", heading, make_pipeline(clients, draw))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "models")
