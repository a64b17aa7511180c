"""Write the generated tables of the shipped models: people, clients, demand and history, from a fixed seed.

    python benchmarks/generate_models.py [FOLDER]

Every other table of a model is written by hand. Only ``random.Random.random`` and plain arithmetic are used, so that
every machine writes the same bytes. Nothing here runs when a model is loaded.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

Row = Sequence[object]
MONTHS = range(1, 13)

# telecom: millions that active clients would buy in 2026, by product, but for the large one
EXPECTED = {
    "broadband": 79.0,
    "mobile_5g": 137.0,
    "mobile_group": 73.0,
    "leased_line": 28.5,
    "cloud": 32.0,
    "security": 10.2,
    "iot": 21.0,
}
# millions sold in 2025; they sum to 380
SOLD = {
    "broadband": 82.0,
    "mobile_5g": 130.0,
    "mobile_group": 68.0,
    "leased_line": 26.0,
    "cloud": 31.0,
    "security": 8.0,
    "smart_city": 15.0,
    "iot": 20.0,
}
# last year's margins; this year's stand in products.csv
MARGIN = {"leased_line": 0.4, "cloud": 0.18, "security": 0.44, "smart_city": 0.3}
REGIONS = ("core", "mid", "wide")
BY_REGION = {
    "broadband": (0.22, 0.31, 0.47),
    "mobile_5g": (0.36, 0.33, 0.31),
    "mobile_group": (0.42, 0.33, 0.25),
    "leased_line": (0.52, 0.30, 0.18),
    "cloud": (0.58, 0.27, 0.15),
    "security": (0.60, 0.28, 0.12),
    "iot": (0.35, 0.35, 0.30),
}
TIERS = ("KA", "A", "B", "C")
BY_TIER = {
    "broadband": (0.05, 0.12, 0.28, 0.55),
    "mobile_5g": (0.04, 0.08, 0.18, 0.70),
    "mobile_group": (0.30, 0.30, 0.30, 0.10),
    "leased_line": (0.50, 0.35, 0.15, 0.0),
    "cloud": (0.60, 0.30, 0.10, 0.0),
    "security": (0.60, 0.40, 0.0, 0.0),
    "iot": (0.45, 0.35, 0.20, 0.0),
}
# chance that a client of the tier buys the product at all
TAKES = {
    "KA": {
        "broadband": 1.0,
        "mobile_5g": 1.0,
        "mobile_group": 1.0,
        "leased_line": 1.0,
        "cloud": 1.0,
        "security": 0.8,
        "iot": 0.8,
    },
    "A": {
        "broadband": 1.0,
        "mobile_5g": 0.7,
        "mobile_group": 1.0,
        "leased_line": 0.7,
        "cloud": 0.5,
        "security": 0.3,
        "iot": 0.5,
    },
    "B": {"broadband": 1.0, "mobile_5g": 0.7, "mobile_group": 0.9, "leased_line": 0.2, "cloud": 0.1, "iot": 0.2},
    "C": {"broadband": 1.0, "mobile_5g": 1.0, "mobile_group": 1.0},
}
CEILING = {"KA": 1.5, "A": 1.4, "B": 1.3, "C": 1.25}
OWNED = {"senior": (3, 6, 9), "engineer": (2, 5, 12), "new": (0, 3, 20)}
GRADE_WEIGHT = {"senior": 1.25, "engineer": 1.0, "new": 0.75}
SHARE = {"senior": 0.65, "engineer": 0.6, "new": 0.5}
PROSPECT = 0.4
"""What a prospect would buy beside an active client."""
PROSPECTS = {"senior": 16, "engineer": 26, "new": 44}
NEW_STARTS = (
    "2025-07-01",
    "2025-07-01",
    "2025-09-01",
    "2025-09-01",
    "2025-11-03",
    "2025-11-03",
    "2026-02-02",
    "2026-03-02",
)
TWO_PRODUCTS = "E42"
"""The engineer with 5,000,000 of broadband and 2,000,000 of IoT."""
LEAVER = "E25"
INDUSTRIES = ("government", "manufacturing", "finance", "health", "education", "logistics", "retail", "property")
INDUSTRY_NAMES = ("政府", "制造", "金融", "医疗", "教育", "物流", "零售", "地产")
# expected money of the large product, one key account each, by owner
LARGE = {
    "E01": 6_400_000, "E02": 5_600_000, "E08": 5_300_000, "E15": 7_200_000, "E21": 5_900_000, "E41": 5_200_000,
}  # fmt: skip
SEASON = (6.5, 5.5, 7.5, 8.0, 8.2, 8.8, 9.2, 9.0, 10.0, 8.8, 9.2, 9.3)


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


def telecom_reps() -> list[dict[str, str]]:
    """Sixty engineers in nine teams: in each two seniors and one newcomer, the others engineers."""
    reps: list[dict[str, str]] = []
    newcomers = iter(NEW_STARTS)
    for region in REGIONS:
        for team, size in ((1, 7), (2, 7), (3, 6)):
            for place in range(size):
                grade = "senior" if place < 2 else "new" if place == size - 1 else "engineer"
                reps.append(
                    {"rep": f"E{len(reps) + 1:02}", "unit": f"{region}-{team}", "region": region, "grade": grade}
                )
    for rep in reps:
        peers = [x["rep"] for x in reps if x["unit"] == rep["unit"] and x["grade"] != "new"]
        rep["backup"] = peers[(peers.index(rep["rep"]) + 1) % len(peers)] if rep["rep"] in peers else peers[-1]
        rep["start"] = next(newcomers, "2025-05-06") if rep["grade"] == "new" else ""
        rep["end"] = "2026-09-30" if rep["rep"] == LEAVER else ""
    return reps


def telecom_clients(reps: list[dict[str, str]], draw: random.Random) -> list[dict[str, object]]:
    """Twelve hundred named clients, segments of small ones, prospects and lost clients."""
    clients: list[dict[str, object]] = []

    def add(tier: str, region: str, owner: str, unit: str, *, count: int = 1, status: str = "active") -> None:
        n = int(draw.random() * len(INDUSTRIES))
        code = {"active": tier, "prospect": "P", "lost": "L"}[status] + f"{len(clients) + 1:04}"
        kind = {
            "active": ("Client", "客户"),
            "prospect": ("Prospects", "潜在客户"),
            "lost": ("Lost client", "流失客户"),
        }[status]
        kind = ("Small shops", "沿街商户") if tier == "C" else kind
        day = 1 + int(draw.random() * 28)
        month = 1 + int(draw.random() * 12)
        year = 2015 + int(draw.random() * 10)
        named = status == "active" and tier in ("KA", "A")
        clients.append({
            "client": code,
            "name": f"{kind[0]} {code} {INDUSTRY_NAMES[n]}{kind[1]}{code}",
            "tier": tier,
            "unit": unit,
            "owner": owner,
            "industry": INDUSTRIES[n],
            "area": f"{unit or region}-{'abcd'[int(draw.random() * 4)]}",
            "status": status,
            "count": count,
            "since": "" if status == "prospect" else f"{year}-{month:02}-{day:02}",
            "lost_on": f"2025-{month:02}-{day:02}" if status == "lost" else "",
            "renewal": f"2026-{month:02}-{day:02}" if named else "",
            "churn": f"{0.02 + 0.1 * draw.random():.2f}" if named else "",
            "region": region,
        })  # fmt: skip

    for rep in reps:
        for tier, number in zip(TIERS, OWNED[rep["grade"]], strict=False):
            for _ in range(number):
                add(tier, rep["region"], rep["rep"], rep["unit"])
        add("C", rep["region"], rep["rep"], rep["unit"], count=120 + 10 * int(draw.random() * 10))
        add("B", rep["region"], rep["rep"], rep["unit"], count=PROSPECTS[rep["grade"]], status="prospect")
    named = sum(c["status"] == "active" and c["tier"] != "C" for c in clients)
    for i in range(1200 - named):
        region = REGIONS[i % 3]
        add("A" if i % 5 == 0 else "B", region, "", region)
    for region in REGIONS:
        add("C", region, "", region, count=90)
    for i in range(12):
        rep = reps[i % 4 * 15]
        add("B", rep["region"], rep["rep"], rep["unit"], status="lost")
    return clients


def favour(rep: str, product: str) -> float:
    """How much more of a product the clients of one engineer buy than those of others."""
    if rep == TWO_PRODUCTS:
        return {"broadband": 2.1, "iot": 19.0, "mobile_5g": 0.4}.get(product, 0.6)
    return 1.0


def telecom_demand(
    reps: list[dict[str, str]], clients: list[dict[str, object]], draw: random.Random
) -> list[tuple[str, str, int, int]]:
    """Say what each client would buy: shares of the plan's product totals by region and tier."""
    grade = {r["rep"]: r["grade"] for r in reps}
    weight: dict[tuple[str, str, str], list[tuple[dict[str, object], float]]] = {}
    for client in clients:
        for product, chance in TAKES[str(client["tier"])].items():
            level = 0.5 + draw.random() * 0.6 + draw.random() * 0.4
            if draw.random() < chance:
                level *= GRADE_WEIGHT.get(grade.get(str(client["owner"]), ""), 1.0) * favour(
                    str(client["owner"]), product
                )
                weight.setdefault((product, str(client["region"]), str(client["tier"])), []).append((client, level))
    rows: list[tuple[str, str, int, int]] = []
    for (product, region, tier), entries in weight.items():
        total = (
            EXPECTED[product] * 1e6 * BY_REGION[product][REGIONS.index(region)] * BY_TIER[product][TIERS.index(tier)]
        )
        active = sum(w * int(str(c["count"])) for c, w in entries if c["status"] == "active")
        step = 10 if tier == "C" else 100
        for client, level in entries:
            level *= PROSPECT if client["status"] == "prospect" else 1.0
            expected = max(step, round(total * level / active / step) * step)
            rows.append((str(client["client"]), product, expected, round(expected * CEILING[tier])))
    first: dict[str, str] = {}
    for client in clients:
        if client["tier"] == "KA":
            first.setdefault(str(client["owner"]), str(client["client"]))
    rows += [(first[owner], "smart_city", money, round(money * 1.5)) for owner, money in LARGE.items()]
    place = {str(c["client"]): i for i, c in enumerate(clients)}
    products = [*EXPECTED, "smart_city"]
    return sorted(rows, key=lambda row: (place[row[0]], products.index(row[1])))


def telecom_history(
    reps: list[dict[str, str]],
    clients: list[dict[str, object]],
    demand: list[tuple[str, str, int, int]],
    draw: random.Random,
) -> list[Row]:
    """Last year: revenue by month, engineer and product, exact in its product totals; rates and scores by month."""
    by_client = {str(c["client"]): c for c in clients}
    there = {r["rep"] for r in reps if r["start"] < "2025-02"}
    base: dict[tuple[str, str], float] = {}
    for code, product, expected, _ in demand:
        client = by_client[code]
        if client["owner"] in there and client["status"] == "active" and product != "smart_city":
            key = (str(client["owner"]), product)
            base[key] = base.get(key, 0.0) + expected * int(str(client["count"]))
    rows: list[Row] = []
    sold = {p: m for p, m in SOLD.items() if p != "smart_city"}
    for product, millions in sold.items():
        cells = []
        for month in MONTHS:
            for (rep, of), money in base.items():
                if of == product:
                    cells.append((month, rep, money * SEASON[month - 1] * (0.85 + 0.3 * draw.random())))
        total, scale = round(millions * 1e6), millions * 1e6 / sum(c[2] for c in cells)
        done, given = 0.0, 0
        for month, rep, money in cells:  # rounding the running sum keeps the total exact
            done += money * scale
            upto = total if (month, rep) == cells[-1][:2] else round(done / 100) * 100
            rows.append((f"2025-{month:02}", "revenue", "", rep, product, upto - given))
            given = upto
    for month, rep in ((3, "E01"), (6, "E21"), (8, "E08")):
        rows.append((f"2025-{month:02}", "revenue", "", rep, "smart_city", 5_000_000))
    revenue: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (str(row[0]), str(row[4]))
        revenue[key] = revenue.get(key, 0) + float(str(row[5]))
    for (month_label, product), money in sorted(revenue.items()):
        if product in MARGIN:
            rows.append((month_label, "profit", "", "", product, round(money * MARGIN[product], 2)))
    for month in MONTHS:
        for region, won in zip(REGIONS, (5, 6, 6), strict=True):
            rows.append(
                (
                    f"2025-{month:02}",
                    "new_clients",
                    region,
                    "",
                    "",
                    won + (1 if month in (3, 6, 9, 11) else 0) - (region == "core"),
                )
            )
    for month in MONTHS:
        rows.append((f"2025-{month:02}", "new_client_rate", "", "", "", round(0.012 + 0.004 * draw.random(), 4)))
        rows.append((f"2025-{month:02}", "key_client_conversion", "", "", "", round(0.28 + 0.06 * draw.random(), 3)))
        rows.append((f"2025-{month:02}", "satisfaction", "", "", "", round(4.3 + 0.2 * draw.random(), 2)))
    return rows


def telecom_leave(reps: list[dict[str, str]], draw: random.Random) -> list[Row]:
    """Send two engineers of three away for a week or two."""
    rows: list[Row] = []
    for rep in reps:
        if draw.random() < 0.67:
            month, day = 2 + int(draw.random() * 10), 1 + int(draw.random() * 14)
            rows.append(
                (
                    rep["rep"],
                    f"2026-{month:02}-{day:02}",
                    f"2026-{month:02}-{day + (4 if draw.random() < 0.7 else 11):02}",
                )
            )
    rows.append(("E33", "2026-04-01", "2026-07-15"))
    return sorted(rows, key=lambda row: (str(row[0]), str(row[1])))


def telecom_pipeline(clients: list[dict[str, object]], draw: random.Random) -> list[Row]:
    """Open opportunities with key accounts and with clients of tier A."""
    stages = (("contact", 0.2), ("proposal", 0.35), ("negotiation", 0.6), ("signing", 0.85))
    rows: list[Row] = []
    for client in clients:
        if client["tier"] in ("KA", "A") and client["owner"] and draw.random() < 0.15:
            stage, chance = stages[int(draw.random() * 4)]
            product = pick(draw, ("leased_line", "cloud", "security", "iot", "mobile_group"))
            opened = f"2025-{10 + int(draw.random() * 3)}-{1 + int(draw.random() * 28):02}"
            due, amount = 1 + int(draw.random() * 4), 10_000 * (4 + int(draw.random() * 56))
            rows.append(
                (
                    f"O{len(rows) + 1:03}",
                    client["owner"],
                    client["client"],
                    product,
                    "visits",
                    stage,
                    opened,
                    f"2026-{due:02}",
                    chance,
                    amount,
                )
            )
    return rows


def telecom_rep_row(place: int, rep: dict[str, str]) -> Row:
    """Return an engineer's row of ``reps.csv``."""
    number, grade = rep["rep"][1:], rep["grade"]
    name = f"Engineer {number} 工程师{number}"
    ramp, most = 6 if rep["start"] else "", 30 if grade == "new" else ""
    specialty = INDUSTRIES[place % 8] if place % 2 else ""
    row = (rep["rep"], name, rep["unit"], grade, rep["start"], rep["end"], 8, SHARE[grade], ramp, most)
    return (*row, rep["backup"], specialty)


def telecom(folder: Path, seed: int = 20260101) -> None:
    """Write reps, clients, demand, history, leave and pipeline of ``models/telecom``."""
    draw = random.Random(seed)
    reps = telecom_reps()
    clients = telecom_clients(reps, draw)
    demand = telecom_demand(reps, clients, draw)
    write(
        folder / "reps.csv",
        "rep,name,unit,grade,start,end,hours_per_day,selling_share,ramp_months,max_clients,backup,specialty",
        (telecom_rep_row(i, rep) for i, rep in enumerate(reps)),
    )
    heading = "client,name,tier,unit,owner,industry,area,status,count,since,lost_on,renewal,churn"
    write(folder / "clients.csv", heading, ([c[k] for k in heading.split(",")] for c in clients))
    write(folder / "demand.csv", "client,product,expected,ceiling", demand)
    write(folder / "history.csv", "month,metric,unit,rep,product,amount", telecom_history(reps, clients, demand, draw))
    write(folder / "leave.csv", "rep,from,to", telecom_leave(reps, draw))
    write(
        folder / "pipeline.csv",
        "opportunity,rep,client,product,channel,stage,opened,due,probability,amount",
        telecom_pipeline(clients, draw),
    )


MODELS = {"telecom": telecom}


def main(folder: Path) -> None:
    """Write every model's generated tables below a folder."""
    for name, writer in MODELS.items():
        writer(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "models")
