"""Write the generated tables of ``models/software``: people, clients, demand, history, leave and pipeline, from a fixed seed.

    python benchmarks/generate_software.py [FOLDER]

Every other table of the model is written by hand. Only ``random.Random.random`` and plain arithmetic are used, so that
every machine writes the same bytes. Nothing here runs when the model is loaded.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Row = Sequence[object]
Cells = dict[tuple[str, str], list[int]]
PRODUCTS = ("erp", "finance", "finance_plus", "analytics", "oa", "bundle")
UNITS = ("east", "south", "northwest", "southwest", "northeast")

# money sold, in thousands, by class of client and product, and by unit: key accounts flat, small ones +30 %,
# erp +40 %, oa -20 %, east +25 %, northwest +5 %
SOLD: Mapping[int, Mapping[str, tuple[int, ...]]] = {
    2024: {"key": (41_000, 43_000, 11_000, 12_000, 10_000, 0), "small": (14_000, 22_000, 7_000, 0, 5_000, 12_000)},
    2025: {"key": (56_000, 25_000, 12_000, 16_000, 8_000, 0), "small": (21_000, 28_000, 10_000, 0, 4_000, 15_000)},
}
BY_UNIT = {2024: (60_000, 78_000, 30_000, 5_000, 4_000), 2025: (75_000, 74_500, 31_500, 8_000, 6_000)}
# how much more of a product a unit takes than others do, in the order of PRODUCTS
TASTE = {
    "east": (1.2, 0.8, 1.0, 1.3, 0.7, 1.1),
    "south": (1.0, 1.0, 1.0, 1.1, 0.9, 1.0),
    "northwest": (0.8, 1.3, 1.0, 0.7, 1.5, 0.9),
    "southwest": (1.0, 1.0, 0.9, 0.9, 1.0, 1.1),
    "northeast": (0.9, 1.1, 0.9, 0.8, 1.2, 1.0),
}
# thousands that active clients would buy in 2026 at promised visits and without extra money
EXPECTED = {"key": (62_500, 19_000, 14_500, 18_000, 6_000, 0), "small": (26_000, 24_000, 12_000, 0, 3_000, 18_500)}
TREND = {"east": 1.06, "south": 0.98, "northwest": 0.99, "southwest": 1.12, "northeast": 1.12}
# chance that a client takes the product at all (a segment of small ones always does)
TAKES = {"key": (1.0, 0.7, 0.6, 0.6, 0.5, 0.0), "small": (1.0, 1.0, 1.0, 0.0, 1.0, 1.0)}
# the most that can be won beside what is expected
CEILING = {"key": (1.18, 1.05, 1.2, 1.3, 1.1, 1.0), "small": (1.2, 1.05, 1.2, 1.0, 1.1, 1.25)}
# what a prospect or a lost client buys in a year, in the order of PRODUCTS
FIRST_YEAR = {
    "KA": (580_000, 0, 0, 220_000, 0, 0),
    "SMB": (0, 9_000, 0, 0, 0, 12_000),
    "IN": (0, 9_000, 0, 0, 0, 12_000),
    "LA": (0, 30_000, 0, 0, 0, 12_000),
    "LO": (0, 18_000, 0, 0, 0, 8_000),
}

TEAM = {
    "east": ("reserve", "core", "core", "core", "core", "new", "new"),
    "south": ("reserve", "core", "core", "core", "core", "new", "new"),
    "northwest": ("reserve", "core", "core", "new", "new"),
    "southwest": ("reserve", "core", "new"),
    "northeast": ("core", "new"),
}
RESERVE_STARTS = ("2018-03-12", "2019-07-01", "2017-09-04", "2020-02-10")
CORE_STARTS = (
    "2023-02-06", "2023-04-10", "2023-07-03", "2024-03-04", "2023-03-06", "2023-09-04", "2024-05-06", "2024-10-08",
    "2023-05-08", "2024-07-01", "2023-08-07", "2024-09-02",
)  # fmt: skip
NEW_STARTS = (
    "2025-10-09", "2025-10-09", "2026-01-05", "2026-01-05", "2026-03-02", "2026-03-02", "2026-07-01", "2026-07-01",
)  # fmt: skip
# the first three months of those who come in the plan's year
TRAINING = {"2026-01-05": "2026-03-31", "2026-03-02": "2026-05-31", "2026-07-01": "2026-09-30"}
SHARE = {"reserve": 0.6, "core": 0.55, "new": 0.25}
KEY_ACCOUNTS = 7
SMALL = (33, 32)
"""Small and mid clients of an experienced rep, in two segments."""
SMALL_OF_NEW = 15
"""Those of a new rep whose training is over when the year begins."""
KEY_PROSPECTS = 6
"""On the list of a core rep."""
PROSPECTS = 60
"""On the list of a new rep, some of them in an industry in which nobody is a client yet."""
OPENING_PROSPECTS = 12
INBOUND = {"S04": 30, "S05": 30, "S11": 30, "S12": 30, "S16": 30, "S17": 30, "S20": 30, "S21": 30, "S23": 30}
"""Prospects who come through fairs and online; nobody visits them before."""
LOST = {"LA": 30, "LO": 36}
INDUSTRIES = (
    ("manufacturing", "制造"), ("retail", "零售"), ("energy", "能源"), ("construction", "建筑"), ("logistics", "物流"),
    ("pharma", "医药"), ("education", "教培"),
)  # fmt: skip
SPECIALTIES = {
    "S01": "manufacturing", "S04": "manufacturing", "S08": "manufacturing", "S02": "retail", "S10": "retail",
    "S15": "retail", "S09": "energy", "S12": "energy", "S16": "energy",
}  # fmt: skip
"""Reps whose key accounts are of one industry."""
NO_INDUSTRY = ("", "")
OPENING = ("elderly_care", "养老")
"""An industry in which nobody is a client yet."""
# what who takes over must know: needs and competitors by industry, and who decides
NEEDS = {
    "manufacturing": "Plan production and stock together 排产与库存一体",
    "retail": "Stock of all shops in one view 门店库存一本账",
    "energy": "Maintenance and spare parts by site 按站点管检修备件",
    "construction": "Costs by building site 按工地核算成本",
    "logistics": "Freight and receivables by trip 按车次结算运费",
    "pharma": "Batches that can be traced 批号可追溯",
    "education": "Fees and refunds by term 按学期收退费",
}
DECIDERS = {
    "KA": (
        "Plant manager > head of IT > managing director 厂长 > 信息总监 > 总经理",
        "Head of finance > managing director 财务总监 > 总经理",
        "Head of IT > purchasing committee 信息总监 > 采购委员会",
        "Head of operations > head of finance > board 运营总监 > 财务总监 > 董事会",
    ),
    "SMB": ("Bookkeeper > owner 会计 > 老板", "Owner 老板"),
}
COMPETITORS = (
    "Supplier A 友商A",
    "Supplier B 友商B",
    "Supplier A, own team 友商A、自研",
    "Supplier C 友商C",
    "None known 暂无",
)
STAGES = (("prospects", 50, 0.24), ("intent", 30, 0.32), ("negotiating", 20, 0.8), ("signed", 10, 1.0))


def write(path: Path, heading: str, rows: Iterable[Row]) -> None:
    """Write one table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heading.split(","))
        writer.writerows(rows)


def split(rows: Sequence[int], columns: Sequence[int], weights: Sequence[Sequence[float]]) -> list[list[int]]:
    """Whole numbers close to proportional weights whose row and column sums are exactly those given."""
    table = [list(map(float, w)) for w in weights]
    for _ in range(400):
        for i, total in enumerate(rows):
            scale = total / sum(table[i]) if total else 0.0
            table[i] = [x * scale for x in table[i]]
        for j, total in enumerate(columns):
            scale = total / sum(row[j] for row in table)
            for row in table:
                row[j] *= scale
    whole = [[int(x + 1e-6) for x in row] for row in table]
    left = [total - sum(row) for total, row in zip(rows, whole, strict=True)]
    wanted = [total - sum(row[j] for row in whole) for j, total in enumerate(columns)]
    for i in range(len(rows)):
        for j in range(len(columns)):
            more = min(left[i], wanted[j])
            whole[i][j] += more
            left[i] -= more
            wanted[j] -= more
    return whole


def sold_cells(year: int) -> Cells:
    """Thousands sold in a year by (class, product), a number for each unit."""
    keys = [(kind, p) for kind in ("key", "small") for p in PRODUCTS]
    rows = [SOLD[year][kind][PRODUCTS.index(p)] for kind, p in keys]
    taste = [[TASTE[u][PRODUCTS.index(p)] for u in UNITS] for _, p in keys]
    return dict(zip(keys, split(rows, BY_UNIT[year], taste), strict=True))


def make_reps() -> list[dict[str, str]]:
    """Twenty-four reps: four of the manager reserve, twelve core, eight new ones in four intakes."""
    reps: list[dict[str, str]] = []
    starts = {"reserve": iter(RESERVE_STARTS), "core": iter(CORE_STARTS), "new": iter(NEW_STARTS)}
    for unit, grades in TEAM.items():
        for grade in grades:
            code = f"S{len(reps) + 1:02}"
            reps.append({"rep": code, "unit": unit, "grade": grade, "start": next(starts[grade])})
    experienced = [r for r in reps if r["grade"] != "new"]
    for rep in reps:
        peers = [r["rep"] for r in experienced if r["unit"] == rep["unit"]]
        if len(peers) == 1:  # the north-east has one: the south-west stands in, and the other way round
            peers += [r["rep"] for r in experienced if r["unit"] == "southwest" and r["grade"] == "core"]
        rep["backup"] = peers[(peers.index(rep["rep"]) + 1) % len(peers)] if rep["rep"] in peers else ""
        if rep["grade"] == "new" and rep["start"] < "2026":
            rep["backup"] = peers[1]
        rep["specialty"] = SPECIALTIES.get(rep["rep"], "")
    return reps


def make_clients(reps: list[dict[str, str]], draw: random.Random) -> list[dict[str, object]]:
    """Key accounts, segments of small and mid clients, lists of prospects, lost clients."""
    clients: list[dict[str, object]] = []

    def add(rep: dict[str, str], code: str, tier: str, names: str, industry: tuple[str, str], **more: object) -> None:
        number = sum(str(c["client"]).startswith(code) for c in clients) + 1
        english, chinese = names.split("|")
        code = f"{code}{number:03}"
        clients.append({
            "client": code, "name": f"{english} {code} {industry[1]}{chinese}{code}", "tier": tier, "unit": rep["unit"],
            "owner": rep["rep"], "industry": industry[0],
            "area": f"{rep['unit']}-{'abc'[int(draw.random() * 3)]}", "status": "active", "count": 1, "since": "",
            "lost_on": "", "renewal": "", "churn": "", **more,
        })  # fmt: skip

    def day() -> str:
        return f"{1 + int(draw.random() * 12):02}-{1 + int(draw.random() * 28):02}"

    experienced = [r for r in reps if r["grade"] != "new"]
    by_code = {i[0]: i for i in INDUSTRIES}
    for rep in experienced:
        for i in range(KEY_ACCOUNTS):
            since = f"{2014 + int(draw.random() * 10)}-{day()}"
            renewal = f"{2026 if draw.random() < 0.7 else 2027}-{day()}"
            churn = f"{0.02 + 0.08 * draw.random():.2f}"
            more = {"since": since, "renewal": renewal, "churn": churn}
            industry = by_code[rep["specialty"]] if rep["specialty"] else INDUSTRIES[3 + i % 3]
            add(rep, "KA", "KA", "Key account|重点客户", industry, **more)
    for rep in experienced:
        for place, count in enumerate(SMALL):
            industry = INDUSTRIES[3 + (experienced.index(rep) + 2 * place) % 4]
            add(rep, "SM", "SMB", "Small and mid|中小客户", industry, count=count)
    for rep in reps:
        if rep["grade"] == "new" and rep["start"] < "2026":
            add(rep, "SM", "SMB", "Small and mid|中小客户", INDUSTRIES[3], count=SMALL_OF_NEW)
    for rep in experienced:
        if rep["grade"] == "core":
            add(rep, "PK", "KA", "Key prospects|潜在重点客户", NO_INDUSTRY, status="prospect", count=KEY_PROSPECTS)
        if rep["rep"] in INBOUND:
            add(rep, "IN", "IN", "Inbound|线索客户", NO_INDUSTRY, status="prospect", count=INBOUND[rep["rep"]])
    for rep in reps:
        if rep["grade"] == "new":
            count = PROSPECTS - OPENING_PROSPECTS
            add(rep, "PS", "SMB", "Prospects|潜在客户", NO_INDUSTRY, status="prospect", count=count)
            add(rep, "PS", "SMB", "Prospects|潜在客户", OPENING, status="prospect", count=OPENING_PROSPECTS)
    first = [next(r for r in experienced if r["unit"] == u) for u in UNITS]
    for i in range(LOST["LA"]):  # more than two years a client, lost in the year before the plan
        more = {"status": "lost", "since": f"{2018 + i % 5}-{day()}", "lost_on": f"2025-{day()}"}
        add(first[i % 5], "LA", "LA", "Lost client|流失客户", INDUSTRIES[3 + i % 3], **more)
    for i in range(LOST["LO"]):  # lost longer ago, or after less than two years
        since, lost_on = (f"{2018 + i % 4}", "2024") if i % 2 else ("2024", "2025")
        more = {"status": "lost", "since": f"{since}-{day()}", "lost_on": f"{lost_on}-{day()}"}
        add(first[i % 5], "LO", "LO", "Lost client|流失客户", INDUSTRIES[3 + i % 3], **more)
    for place, client in enumerate(clients):
        known = client["status"] == "active"
        deciders = DECIDERS[str(client["tier"])] if known else ("",)
        client["needs"] = NEEDS[str(client["industry"])] if known else ""
        client["decision_chain"] = deciders[place % len(deciders)]
        client["competitors"] = COMPETITORS[place * 3 % len(COMPETITORS)] if known else ""
    return clients


def make_weights(clients: list[dict[str, object]], draw: random.Random) -> dict[tuple[str, str, str], list[float]]:
    """How much of a cell (class, product, unit) each client takes, in the order of the clients."""
    weights: dict[tuple[str, str, str], list[float]] = {}
    for place, client in enumerate(clients):
        kind = "key" if client["tier"] == "KA" else "small"
        for product, chance in zip(PRODUCTS, TAKES[kind], strict=True):
            level = (0.5 + draw.random()) * int(str(client["count"]))
            taken = draw.random() < chance or kind == "small" or place % KEY_ACCOUNTS == 0
            if client["status"] == "lost":
                taken = product == "finance"
            if client["status"] != "prospect" and taken and chance > 0:
                row = weights.setdefault((kind, product, str(client["unit"])), [0.0] * len(clients))
                row[place] = level
    return weights


def make_demand(
    clients: list[dict[str, object]], weights: Mapping[tuple[str, str, str], list[float]]
) -> list[tuple[str, str, int, int]]:
    """Say what each client would buy in the plan's year."""
    sold = sold_cells(2025)
    rows: list[tuple[int, int, int, int]] = []
    for (kind, product, unit), weight in weights.items():
        p = PRODUCTS.index(product)
        share = [cell * TREND[u] for u, cell in zip(UNITS, sold[kind, product], strict=True)]
        money = EXPECTED[kind][p] * 1000 * share[UNITS.index(unit)] / sum(share)
        active = [w if c["status"] == "active" else 0.0 for c, w in zip(clients, weight, strict=True)]
        for place, client in enumerate(clients):
            if active[place]:
                expected = round(money * active[place] / sum(active) / int(str(client["count"])) / 10) * 10
                rows.append((place, p, expected, round(expected * CEILING[kind][p])))
    for place, client in enumerate(clients):
        if client["status"] != "active":
            kind = "key" if client["tier"] == "KA" else "small"
            for p, money in enumerate(FIRST_YEAR[str(client["tier"])]):
                if money:
                    rows.append((place, p, money, round(money * CEILING[kind][p])))
    return [(str(clients[c]["client"]), PRODUCTS[p], e, most) for c, p, e, most in sorted(rows)]


def make_history(
    clients: list[dict[str, object]],
    weights: Mapping[tuple[str, str, str], list[float]],
    draw: random.Random,
) -> list[Row]:
    """Two years of revenue by client and product, billed each quarter, exact in every cell of its totals; then rates."""
    rows: list[Row] = []
    for year in (2024, 2025):
        for (kind, product), by_unit in sold_cells(year).items():
            for unit, thousands in zip(UNITS, by_unit, strict=True):
                if thousands:
                    weight = weights[kind, product, unit]
                    rows += billed(year, product, unit, thousands * 1000, clients, weight, draw)
    for month in range(1, 13):
        label = f"2025-{month:02}"
        rows.append((label, "key_account_first_visits", "", "", "", "", 5))
        rows.append((label, "new_key_accounts", "", "", "", "", 1))
        conversion = 0.4 + (0.01, -0.02, 0.02, -0.01)[month % 4]
        rows.append((label, "stage_conversion", "", "", "", "intent", round(conversion, 2)))
    for metric, amount in (
        ("fairs_money", 250_000), ("fairs_leads", 200), ("fairs_won", 67),
        ("online_money", 312_500), ("online_leads", 250), ("online_won", 67),
    ):  # fmt: skip
        rows.append(("2025-12", metric, "", "", "", "", amount))
    return rows


def billed(
    year: int,
    product: str,
    unit: str,
    total: int,
    clients: list[dict[str, object]],
    weight: Sequence[float],
    draw: random.Random,
) -> list[Row]:
    """Bills of one cell: four a year for each client until it is lost; rounding the running sum keeps the total exact."""
    parts: list[tuple[str, str, float]] = []
    for place, client in enumerate(clients):
        level = weight[place] * (0.9 + 0.2 * draw.random())
        for month in range(1 + place % 3, 13, 3):
            label = f"{year}-{month:02}"
            if level and (not client["lost_on"] or label < str(client["lost_on"])[:7]):
                parts.append((label, str(client["client"]), level * (0.95 + 0.1 * draw.random())))
    scale = total / sum(p[2] for p in parts)
    rows: list[Row] = []
    done, given = 0.0, 0
    for i, (label, code, level) in enumerate(parts):
        done += level * scale
        upto = total if i == len(parts) - 1 else round(done / 100) * 100
        if upto > given:
            rows.append((label, "revenue", unit, code, product, "", upto - given))
            given = upto
    return rows


def make_leave(reps: list[dict[str, str]], draw: random.Random) -> list[Row]:
    """Training in the first three months of a new rep; a week or two of absence of half of the others."""
    rows: list[Row] = []
    for rep in reps:
        if rep["start"] in TRAINING:
            rows.append((rep["rep"], rep["start"], TRAINING[rep["start"]]))
        elif draw.random() < 0.5:
            month, first = 2 + int(draw.random() * 10), 1 + int(draw.random() * 14)
            last = first + (4 if draw.random() < 0.7 else 9)
            rows.append((rep["rep"], f"2026-{month:02}-{first:02}", f"2026-{month:02}-{last:02}"))
    return rows


def make_pipeline(clients: list[dict[str, object]], draw: random.Random) -> list[Row]:
    """Open opportunities: prospects, intent, negotiating and signed as 5 : 3 : 2 : 1."""
    keys = [c for c in clients if c["tier"] == "KA"]
    rows: list[Row] = []
    for place, (stage, number, chance) in enumerate(STAGES):
        for _ in range(number):
            client = keys[int(draw.random() * len(keys))]
            product = ("erp", "erp", "analytics", "finance_plus")[int(draw.random() * 4)]
            opened = f"2025-{8 + place % 2 + int(draw.random() * 3)}"
            opened = f"{opened[:5]}{int(opened[5:]):02}-{1 + int(draw.random() * 28):02}"
            due = 1 if stage == "signed" else 4 - place + int(draw.random() * 3)
            amount = 10_000 * (6 + int(draw.random() * 60))
            code = f"O{len(rows) + 1:03}"
            rows.append(
                (
                    code,
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


def rep_row(rep: dict[str, str]) -> Row:
    """Return a rep's row of ``reps.csv``."""
    number = rep["rep"][1:]
    ramp = 6 if rep["grade"] == "new" else ""
    name = f"Sales rep {number} 销售{number}"
    return (
        rep["rep"],
        name,
        rep["unit"],
        rep["grade"],
        rep["start"],
        8,
        SHARE[rep["grade"]],
        ramp,
        rep["backup"],
        rep["specialty"],
    )


def software(folder: Path, seed: int = 20260105) -> None:
    """Write reps, clients, demand, history, leave and pipeline of ``models/software``."""
    draw = random.Random(seed)
    reps = make_reps()
    clients = make_clients(reps, draw)
    weights = make_weights(clients, draw)
    heading = "rep,name,unit,grade,start,hours_per_day,selling_share,ramp_months,backup,specialty"
    write(folder / "reps.csv", heading, map(rep_row, reps))
    heading = "client,name,tier,unit,owner,industry,area,status,count,since,lost_on,renewal,churn,"
    heading += "needs,decision_chain,competitors"
    write(folder / "clients.csv", heading, ([c[k] for k in heading.split(",")] for c in clients))
    write(folder / "demand.csv", "client,product,expected,ceiling", make_demand(clients, weights))
    heading = "month,metric,unit,client,product,stage,amount"
    write(folder / "history.csv", heading, make_history(clients, weights, draw))
    write(folder / "leave.csv", "rep,from,to", make_leave(reps, draw))
    heading = "opportunity,rep,client,product,channel,stage,opened,due,probability,amount"
    write(folder / "pipeline.csv", heading, make_pipeline(clients, draw))


def main(folder: Path) -> None:
    """Write the generated tables below a folder."""
    software(folder / "software")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "models")
