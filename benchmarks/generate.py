"""Write a model of any size, for measuring: ``python benchmarks/generate.py REPS FOLDER [--seed N]``.

The mixture is that of ``models/telecom`` without whole contracts: three tiers a rep, response curves of four
segments, regions with teams, lines by region, shares, a monthly peak, a supply limit. All is drawn as whole columns.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

START = "2026-01"
TIERS = ("A", "B", "C")
MIX = (0.1, 0.3, 0.6)
"""Share of a rep's clients in each tier."""
LEVEL = np.array([300_000.0, 80_000.0, 20_000.0])
"""Money that a client of each tier spends in a year."""
CEILING = np.array([1.5, 1.4, 1.3])
CURVES = {
    "A": ((0, 0.55), (0.5, 0.82), (1, 1), (1.5, 1.1), (2, 1.15)),
    "B": ((0, 0.65), (0.5, 0.86), (1, 1), (1.5, 1.08), (2, 1.12)),
    "C": ((0, 0.75), (0.5, 0.9), (1, 1), (1.5, 1.05), (2, 1.08)),
}
LINE = ((0.0, 0.0), (0.25, 1.2), (0.5, 1.9), (0.75, 2.2), (1.0, 2.35))
"""A line's curve: share of its maximum, and sales as multiples of the maximum."""
SEASON = (6.5, 5.5, 7.5, 8.0, 8.2, 8.8, 9.2, 9.0, 10.0, 8.8, 9.2, 9.3)
SETTINGS = """\
title: {reps} reps
start: "{start}"
months: {months}
country: CN
currency: CNY
money_unit: 元
language: en
fairness:
  by: potential
  band: 0.15
  grades: {{{grades}}}
peak: 1.3
"""


def codes(letter: str, count: int) -> np.ndarray:
    """Codes such as ``R0001``, as wide as the largest needs."""
    width = len(str(count))
    return np.array([f"{letter}{i:0{width}}" for i in range(1, count + 1)])


def make_reps(rng: np.random.Generator, count: int, months: int) -> tuple[dict[str, pd.DataFrame], np.ndarray]:
    """Units, reps and leave; and the region of every rep."""
    teams = -(-count // 15)
    regions = min(teams, int(np.clip(teams // 4, 2, 12)))
    team = np.arange(count) * teams // count
    region = team * regions // teams
    team_codes, region_codes, rep = codes("T", teams), codes("Z", regions), codes("R", count)
    parents = region_codes[np.arange(teams) * regions // teams]
    units = pd.DataFrame({
        "unit": ["company", *region_codes, *team_codes],
        "parent": ["", *["company"] * regions, *parents],
        "kind": ["company", *["region"] * regions, *["team"] * teams],
    })  # fmt: skip
    grade = np.array(["senior", "engineer", "new"])[np.digitize(rng.random(count), [0.3, 0.85])]
    grade[0] = "senior"
    partner = np.arange(count) ^ 1
    partner[partner == count] = count - 1
    backup = np.where((team[partner] == team) & (partner != np.arange(count)), rep[partner], "")
    reps = pd.DataFrame({
        "rep": rep,
        "unit": team_codes[team],
        "grade": grade,
        "start": np.where(grade == "new", "2025-09-01", ""),
        "hours_per_day": 8,
        "selling_share": np.round(rng.uniform(0.45, 0.6, count), 2),
        "ramp_months": np.where(grade == "new", 8, 0),
        "backup": backup,
    })  # fmt: skip
    away = np.flatnonzero(rng.random(count) < 0.3)
    first = pd.Timestamp(START + "-01") + pd.to_timedelta(rng.integers(0, 27 * months, len(away)), unit="D")
    last = first + pd.to_timedelta(rng.integers(4, 12, len(away)), unit="D")
    leave = pd.DataFrame({"rep": rep[away], "from": first.strftime("%Y-%m-%d"), "to": last.strftime("%Y-%m-%d")})
    return {"units": units, "reps": reps, "leave": leave}, region


def make_clients(
    rng: np.random.Generator, reps: np.ndarray, per_rep: int, products: np.ndarray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Clients and their demand: about half of the products each, at least one."""
    each = np.maximum(1, np.round(np.array(MIX) * per_rep).astype(int))
    tier = np.tile(np.repeat(np.arange(3), each), len(reps))
    owner = np.repeat(reps, each.sum())
    client = codes("C", len(owner))
    clients = pd.DataFrame({"client": client, "tier": np.array(TIERS)[tier], "owner": owner})
    total, count = len(client), len(products)
    appeal = np.array([0.3 + 0.1 * (p % 4) for p in range(count)])
    chosen = rng.random((total, count)) < appeal
    chosen[np.arange(total), rng.integers(0, count, total)] = True
    row, product = np.nonzero(chosen)
    level = LEVEL[tier] * rng.uniform(0.5, 1.5, total) / chosen.sum(axis=1)
    expected = np.round(level[row] * rng.uniform(0.6, 1.4, len(row)) / 10) * 10
    ceiling = np.round(expected * CEILING[tier[row]])
    demand = pd.DataFrame({
        "client": client[row],
        "product": products[product],
        "expected": expected.astype(np.int64),
        "ceiling": ceiling.astype(np.int64),
    })  # fmt: skip
    return clients, demand


def make_lines(regions: np.ndarray, products: np.ndarray, money: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return lines, one a region for one product, a training and an incentive line; and points of tiers and lines."""
    line = np.char.add("line_", regions)
    maximum = np.round(0.01 * money, -3)
    budget = pd.DataFrame({
        "line": [*line, "training", "incentive"],
        "category": [*["marketing"] * len(line), "training", "incentive"],
        "product": [*products[np.arange(len(line)) % len(products)], "", ""],
        "unit": [*regions, "", ""],
        "minimum": [*np.round(0.1 * maximum, -2), round(0.001 * money.sum(), -3), 0],
        "maximum": [*maximum, round(0.002 * money.sum(), -3), round(0.05 * money.sum(), -3)],
    })  # fmt: skip
    points = [(tier, effort, sales) for tier, curve in CURVES.items() for effort, sales in curve]
    points += [(b, m * x, m * y) for b, m in zip(line, maximum, strict=True) for x, y in LINE]
    return budget, pd.DataFrame(points, columns=["driver", "effort", "sales"])


def make_targets(
    regions: np.ndarray, products: np.ndarray, by_region: np.ndarray, by_product: np.ndarray
) -> pd.DataFrame:
    """Return a few dozen targets: revenue by company, region and product, shares, a monthly peak, cash, spend."""
    total, peaked = float(by_region.sum()), f"product={products[-2]}"
    rows: list[tuple[object, ...]] = [
        ("revenue", "revenue", "base", "", "", round(1.08 * total, -3), "", "", 1),
        ("revenue_stretch", "revenue", "stretch", "", "", round(1.1 * total, -3), "", "", 1),
        ("cash", "collections", "base", "", "", 0.85, "", "revenue", 2),
        ("seniors", "revenue", "base", "grade=senior", "", 0.25, "", "revenue", 3),
        ("peak", "revenue", "base", peaked, "month", "", 0.098, f"revenue: {peaked}", 2),
        ("profit", "profit", "base", "", "", 0.31, "", "revenue", 3),
        ("marketing", "spend", "base", "category=marketing", "", "", round(0.008 * total, -3), "", "hard"),
        ("first_region", "spend", "base", f"category=marketing; unit={regions[0]}", "",
         0.9 / len(regions), "", "spend: category=marketing", 3),
    ]  # fmt: skip
    for region, money in zip(regions, by_region, strict=True):
        rows.append((f"revenue_{region}", "revenue", "base", f"unit={region}", "", round(1.07 * money, -3), "", "", 2))
    for product, money in zip(products, by_product, strict=True):
        last = product == products[-1]  # out of reach: its supply is limited
        least = round((1.15 if last else 1.06) * money, -3)
        rows.append(
            (f"revenue_{product}", "revenue", "base", f"product={product}", "", least, "", "", 3 if last else 2)
        )
        share = round(0.95 * money / total, 3)
        rows.append((f"share_{product}", "revenue", "base", f"product={product}", "", share, "", "revenue", 3))
    heading = ["target", "metric", "level", "scope", "each", "at_least", "at_most", "share_of", "priority"]
    return pd.DataFrame(rows, columns=heading)


def generate(
    folder: Path, reps: int, products: int = 8, months: int = 12, clients_per_rep: int = 50, seed: int = 0
) -> None:
    """Write a model.

    Parameters
    ----------
    folder : Path
        Where to; made if missing.
    reps, products, months, clients_per_rep : int
        Size; the groups are three a rep whatever the clients.
    seed : int
        The same seed and size give the same model with the same numpy.
    """
    if reps < 2 or products < 3 or not 1 <= months <= 12 or clients_per_rep < 3:
        raise ValueError("Expected at least 2 reps, 3 products, 3 clients a rep, and 1 to 12 months.")
    rng = np.random.default_rng(seed)
    tables, region = make_reps(rng, reps, months)
    units = tables["units"]
    regions = units.loc[units["kind"] == "region", "unit"].to_numpy(str)
    rep, product = tables["reps"]["rep"].to_numpy(str), codes("P", products)
    tables["clients"], tables["demand"] = make_clients(rng, rep, clients_per_rep, product)
    demand = tables["demand"]
    row_rep = pd.Series(np.arange(reps), index=rep)
    owner = tables["clients"].set_index("client")["owner"].map(row_rep)
    place = region[demand["client"].map(owner).to_numpy(np.int64)]
    by_region = np.bincount(place, demand["expected"], len(regions))
    by_product = demand.groupby("product")["expected"].sum().reindex(product).to_numpy(float)
    season = np.array(SEASON[:months])
    tables["products"] = pd.DataFrame({
        "product": product,
        "family": [f"family_{p // 2 + 1}" for p in range(products)],
        "contract_value": [1_000 * (1 + p) for p in range(products)],
        "margin": [round(0.25 + 0.04 * (p % 6), 2) for p in range(products)],
    })  # fmt: skip
    minutes = 50 / clients_per_rep
    tables["tiers"] = pd.DataFrame({
        "tier": TIERS,
        "visits": [2, 1, 1],
        "per": ["month", "month", "quarter"],
        "minutes": [max(1, round(m * minutes)) for m in (90, 60, 60)],
        "visit_cost": [100, 60, 40],
    })  # fmt: skip
    tables["budget"], tables["responses"] = make_lines(regions, product, by_region)
    tables["targets"] = make_targets(regions, product, by_region, by_product)
    months_labels = pd.period_range(START, periods=months, freq="M").astype(str)
    tables["seasonality"] = pd.DataFrame({"month": months_labels, "weight": season})
    peak = by_product[-1] * season.max() / season.sum()
    tables["supply"] = pd.DataFrame({"product": [product[-1]], "maximum": [round(1.05 * peak, -3)]})
    tables["activities"] = pd.DataFrame({"activity": ["meeting"], "count": [1], "per": ["week"], "minutes": [90]})
    tables["commission"] = pd.DataFrame({
        "attainment_from": [0, 0.8, 1.0, 1.2],
        "rate": [0.01, 0.04, 0.06, 0.07],
    })  # fmt: skip
    tables["collection"] = pd.DataFrame({"lag_months": [0, 1], "share": [0.6, 0.4]})
    folder.mkdir(parents=True, exist_ok=True)
    weights = {"senior": 1.2, "engineer": 1.0, "new": 0.8}
    grades = ", ".join(f"{g}: {w}" for g, w in weights.items() if g in set(tables["reps"]["grade"]))
    settings = SETTINGS.format(reps=reps, start=START, months=months, grades=grades)
    (folder / "model.yaml").write_text(settings, encoding="utf-8")
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def main(arguments: list[str]) -> None:
    """Read the command line and write the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("reps", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--products", type=int, default=8)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--clients-per-rep", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    generate(chosen.folder, chosen.reps, chosen.products, chosen.months, chosen.clients_per_rep, chosen.seed)


if __name__ == "__main__":
    main(sys.argv[1:])
