"""Tiny models whose rules clash, random and made by hand, and the same questions asked of SciPy."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from random_models import RandomModel
from scipy.optimize import linprog
from tight_models import BASE, Rows, demand, points

from allocator.explaining.rulebook import Item, Rulebook
from allocator.model import Model
from allocator.reading import load

SETTINGS = {"start": "2026-03", "months": 2, "country": "US"}


def written(folder: Path, tables: Mapping[str, Rows], **settings: Any) -> Model:
    """Write a model over the one-rep base of the tight models and read it."""
    return load(RandomModel(SETTINGS | settings, {**BASE, **tables}).write(folder))


def random_clash(seed: int, folder: Path) -> Model:
    """A model of one to three reps whose hard targets ask for more than there is, mostly."""
    chance = random.Random(seed)
    reps = [
        {
            "rep": f"r{k}", "unit": chance.choice(["u", "v"]), "hours_per_day": chance.choice([3, 5, 8]),
            "selling_share": 0.2, "visits_per_day": chance.choice(["", "", 1]),
        }
        for k in range(chance.choice([1, 2, 2, 3]))
    ]  # fmt: skip
    owners = [r["rep"] for r in reps]
    tables: dict[str, Rows] = {
        "reps": reps,
        "units": [{"unit": "co", "parent": ""}, {"unit": "u", "parent": "co"}, {"unit": "v", "parent": "co"}],
        "products": [
            {"product": "p", "family": "f", "margin": 0.5, "contract_value": 100},
            {"product": "q", "family": "g", "margin": 0.3, "contract_value": 50},
        ],
        "tiers": [{"tier": "A", "visits": chance.choice([10, 20]), "per": "month", "minutes": 60}],
        "clients": [{"client": f"c{k}", "tier": "A", "owner": r} for k, r in enumerate(owners)],
        "demand": [
            row
            for k in range(len(owners))
            for row in demand(chance.choice([600, 1000]), 1600, (f"c{k}", "p"), (f"c{k}", "q"))
        ],
        "responses": points("A", (0, 0.3), (1, 1), (1.5, chance.choice([1.1, 1.3]))),
    }
    if chance.random() < 0.7:
        maximum = chance.choice([100, 300])
        least = chance.choice([0, 0, 50])
        tables["budget"] = [
            {"line": "fair", "category": "marketing", "product": "p", "minimum": least, "maximum": maximum}
        ]
        tables["responses"] = [*tables["responses"], *points("fair", (0, 0), (200, 300), (600, 500))]
    if chance.random() < 0.4:
        tables["supply"] = [{"product": "q", "maximum": chance.choice([200, 400])}]
    if chance.random() < 0.4:
        tables["needs"] = [{"resource": "tech", "product": "q", "hours": 2}]
        tables["resources"] = [{"resource": "tech", "hours": chance.choice([5, 15])}]
    tables["targets"] = list(_targets(chance, len(owners), "budget" in tables))
    return written(folder, tables)


def random_people(seed: int, folder: Path) -> Model:
    """A model of one to three reps whose clients are to be visited more often than they have hours for, mostly."""
    chance = random.Random(seed)
    reps = [
        {"rep": f"r{k}", "unit": "u", "hours_per_day": chance.choice([5, 8]), "selling_share": 0.2}
        for k in range(chance.choice([1, 2, 3]))
    ]
    clients = [
        {"client": f"c{k}", "tier": "A", "owner": chance.choice(reps)["rep"]} for k in range(chance.randint(3, 8))
    ]
    part = chance.uniform(0.7, 1.0)
    tables: dict[str, Rows] = {
        "reps": reps,
        "tiers": [{"tier": "A", "visits": 10, "per": "month", "minutes": chance.choice([45, 60])}],
        "clients": clients,
        "demand": demand(1000, 1000, *((str(c["client"]), "p") for c in clients)),
        "targets": [
            {"target": "seen", "metric": "visits", "at_least": round(part * 20 * len(clients)), "priority": "hard"}
        ],
    }
    return written(folder, tables)


def _targets(chance: random.Random, size: int, money: bool) -> Any:
    whole = 1600.0 * size
    for k in range(chance.choice([1, 2, 3])):
        metric, scope, most = chance.choice(
            [
                ("revenue", "", whole), ("revenue", "product=p", whole / 2), ("revenue", "product=q", whole / 2),
                ("profit", "", 0.4 * whole), ("contracts", "", 24.0 * size), ("visits", "", 30.0 * size),
            ]
        )  # fmt: skip
        at_least = round(most * chance.uniform(0.3, 1.0), 1)
        yield {"target": f"t{k}", "metric": metric, "scope": scope, "at_least": at_least, "priority": "hard"}
    if chance.random() < 0.4:
        yield {"target": "few", "metric": "visits", "at_most": 8.0 * size, "priority": "hard"}
    if money and chance.random() < 0.4:
        yield {"target": "thrift", "metric": "spend", "at_most": chance.choice([20, 80]), "priority": "hard"}


def can_hold(book: Rulebook, items: Sequence[Item]) -> bool:
    """Whether SciPy finds a point that keeps some items and all that is in no item."""
    return least_excess(book, items, None) is not None


def least_excess(book: Rulebook, items: Sequence[Item], given_way: Item | None) -> float | None:
    """Least sum, in its measure, by which an item gives way while others hold; None if they cannot hold even so."""
    program, atoms = book.program, book.atoms
    low, high = program.row_lower.copy(), program.row_upper.copy()
    held = {int(a) for i in items for a in i.atoms}
    slack: list[tuple[int, float]] = []
    costs: list[float] = []
    for position, atom in enumerate(atoms.itertuples(index=False)):
        if position in held:
            continue
        if given_way is not None and position in set(given_way.atoms.tolist()):
            slack.append((int(atom.row), float(atom.side)))
            costs.append(float(atom.factor))
        elif atom.side > 0:
            low[int(atom.row)] = -np.inf
        else:
            high[int(atom.row)] = np.inf
    rows, columns = program.shape
    extra = np.zeros((rows, len(slack)))
    for k, (row, side) in enumerate(slack):
        extra[row, k] = side
    matrix = np.hstack([sp.csr_array(program.matrix).toarray(), extra])
    upper, lower = np.isfinite(high), np.isfinite(low)
    found = linprog(
        np.concatenate([np.zeros(columns), costs]),
        A_ub=np.vstack([matrix[upper], -matrix[lower]]),
        b_ub=np.concatenate([high[upper], -low[lower]]),
        bounds=[*zip(program.lower, program.upper, strict=True), *[(0, None)] * len(slack)],
        method="highs",
    )
    assert found.status in (0, 2), found.message
    return float(found.fun) if found.status == 0 else None


def all_clashes(book: Rulebook, items: Sequence[Item]) -> set[frozenset[str]]:
    """Every smallest set of items that cannot hold together, by trying all sets, the small ones first."""
    found: list[frozenset[int]] = []
    possible: list[frozenset[int]] = []
    for size in range(len(items) + 1):
        for chosen in itertools.combinations(range(len(items)), size):
            some = frozenset(chosen)
            if any(c <= some for c in found) or any(some <= p for p in possible):
                continue
            if can_hold(book, [items[k] for k in chosen]):
                possible.append(_widened(book, items, some))
            else:
                found.append(some)
    return {frozenset(name(items[k]) for k in clash) for clash in found}


def _widened(book: Rulebook, items: Sequence[Item], some: frozenset[int]) -> frozenset[int]:
    """A largest set around one that can hold: all sets within it need not be tried."""
    for k in range(len(items)):
        if k not in some and can_hold(book, [items[j] for j in sorted(some | {k})]):
            some |= {k}
    return some


def name(item: Item) -> str:
    """Key of an item as a text."""
    return " ".join(item.key)


def dear_fair(folder: Path) -> str:
    """Write a model with a line that must spend more than all may in one of its two scenarios."""
    tables = {
        "budget": [{"line": "fair", "category": "marketing", "minimum": 0, "maximum": 200}],
        "targets": [{"target": "thrift", "metric": "spend", "at_most": 100, "priority": "hard"}],
    }
    RandomModel(SETTINGS, {**BASE, **tables}).write(folder)
    (folder / "scenarios").mkdir()
    steps = "changes:\n  - {table: products, set: {margin: 0.4}}\n  - {table: budget, where: {line: fair}, set: {minimum: 150}}\n"
    (folder / "scenarios" / "dear.yaml").write_text(f"scenario: dear\ntitle: A dear fair\n{steps}", encoding="utf-8")
    return str(folder)
