"""What must hold between the plans of a model and of a changed one, whatever the right answer is."""

from __future__ import annotations

import csv
import functools
import io
import json
import random
import tempfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import shipped
from edited import Change, Rows, edit, goals, rows_of, setting, write

from allocator.model import LEVELS
from allocator.places import shipped_models
from allocator.plan import Plan
from allocator.reading import load
from allocator.reporting.run import write_run
from allocator.solving import solve

ROOT = Path(__file__).resolve().parents[1]
DICTIONARY = list(csv.DictReader(io.StringIO((ROOT / "allocator/schema/dictionary.csv").read_text("utf-8"))))
MONEY = frozenset({"revenue", "profit", "contribution", "collections", "spend", "commission"})
SLOW = ("field_sales", "software", "telecom")
"""Shipped models that take seconds to plan."""
QUICK = ["small", "levels", "quotas", *sorted(set(shipped_models()) - {*SLOW})]
"""The other shipped models, and models with hedges, floors and pins at every level."""


@functools.cache
def plain(name: str) -> Plan:
    """Plan of a model as it is."""
    if name in shipped_models():
        return shipped.plan(name)
    with tempfile.TemporaryDirectory() as folder:
        return solve(load(write(name, Path(folder) / name)))


def worse(before: Plan, after: Plan) -> str:
    """Name the first goal that differs, if it is worse; blank if none is: goals are kept in their order."""
    old, new = goals(before), goals(after)
    assert list(old) == list(new)
    for name in old:
        loss = (old[name] - new[name]) if name == "contribution" else (new[name] - old[name])
        if abs(loss) > 1e-7 * max(1.0, abs(old[name])):
            return name if loss > 0 else ""
    return ""


def same_tables(one: Plan, other: Plan) -> None:
    """Assert that two plans are the same to the last digit, at every level."""
    assert set(one.quotas["level"]) == set(LEVELS)
    assert goals(one) == goals(other)
    assert list(one.tables) == list(other.tables)
    for name, frame in one.tables.items():
        pd.testing.assert_frame_equal(frame, other[name], check_exact=True, obj=name)


def same_input(name: str, folder: Path) -> None:
    """Assert that a folder is read as the model of a name: table by table, row by row, and with the same hash."""
    one, other = shipped.model(name), load(folder)
    assert one.settings == other.settings
    assert one.sha256 == other.sha256
    for table, frame in one.tables.items():
        pd.testing.assert_frame_equal(frame, other[table], check_exact=True, obj=table)


# The same model said differently


def shuffled(folder: Path, seed: int) -> Path:
    """Put the rows of every table in another order."""
    rng = random.Random(seed)
    return edit(folder, lambda _, rows: rng.sample(rows, len(rows)))


@pytest.mark.parametrize("name", QUICK)
def test_order_of_rows(name: str, tmp_path: Path) -> None:
    """The order of the rows of the input changes no digit of the plan."""
    same_tables(plain(name), solve(load(shuffled(write(name, tmp_path / name), 1))))


@pytest.mark.parametrize("name", SLOW)
def test_order_of_rows_is_not_read(name: str, tmp_path: Path) -> None:
    """Nor is it seen in what is read, from which a plan follows."""
    same_input(name, shuffled(write(name, tmp_path / name), 2))


def in_chinese(folder: Path) -> Path:
    """Give every table and column its first Chinese name."""

    def renamed(table: str, rows: Rows) -> Rows:
        name = {row["column"]: row["aliases"].split("|")[0] for row in DICTIONARY if row["table"] == table}
        return [{name[column]: value for column, value in row.items()} for row in rows]

    edit(folder, renamed)
    for path in sorted(folder.glob("*.csv")):
        alias = next(row["aliases"] for row in DICTIONARY if row["table"] == path.stem and not row["column"])
        path.rename(folder / f"{alias.split('|')[0]}.csv")
    assert not (folder / "reps.csv").exists()
    return folder


@pytest.mark.parametrize("name", QUICK)
def test_chinese_headings(name: str, tmp_path: Path) -> None:
    """Chinese names of tables and columns give the same run: every file to the byte, and the summary but for times."""
    plan = solve(load(in_chinese(write(name, tmp_path / name))))
    same_tables(plain(name), plan)
    texts = []
    for n, one in enumerate((plain(name), plan)):
        write_run(one, tmp_path / f"run{n}")
        tables = {p.name: p.read_text("utf-8") for p in (tmp_path / f"run{n}").glob("*.csv") if p.stem != "findings"}
        summary = json.loads((tmp_path / f"run{n}" / "summary.json").read_text("utf-8"))
        kept = ("status", "model", "kpis", "goals", "targets", "audit", "program", "inputs_sha256")
        texts.append((tables, {key: summary[key] for key in kept}))
    assert texts[0] == texts[1]


@pytest.mark.parametrize("name", SLOW)
def test_chinese_headings_are_read_alike(name: str, tmp_path: Path) -> None:
    """Chinese names of tables and columns are read as the same model."""
    same_input(name, in_chinese(write(name, tmp_path / name)))


def in_thousandths(folder: Path) -> Path:
    """Multiply all money by a thousand; what a unit of money yields is a thousandth."""
    money = {(row["table"], row["column"]) for row in DICTIONARY if row["type"] == "money"}
    lines = {row["line"] for row in rows_of(folder, "budget")}

    def factor(table: str, row: dict[str, str], column: str) -> Decimal:
        if table == "yields" and row["source"] in lines and column == "amount":
            return Decimal("0.001")
        if table == "targets" and column.startswith("at_"):
            of = row.get("share_of", "").partition(":")[0].strip()
            return Decimal(1000) ** ((row["metric"] in MONEY) - (of in MONEY))
        is_money = {
            "responses": row.get("driver") in lines and column in ("effort", "sales"),
            "history": (row.get("metric") or "revenue") in MONEY and column == "amount",
            "actuals": (row.get("metric") or "revenue") in MONEY and column == "amount",
        }
        return Decimal(1000) if (table, column) in money or is_money.get(table) else Decimal(1)

    def scaled(table: str, row: dict[str, str], column: str) -> str:
        by = factor(table, row, column)
        return row[column] if by == 1 or not row[column] else str(Decimal(row[column].replace(",", "")) * by)

    return edit(folder, lambda table, rows: [{c: scaled(table, row, c) for c in row} for row in rows])


OUTPUT: dict[str, set[str]] = {
    "quotas": {"exact", "forecast", "beyond"},
    "asked": {"required", "asked", "gap"},
    "forecast": {"sell", "curve", "lift", "lost"},
    "targets": {"required", "planned", "gap"},
    "effort": set(),
    "effects": {"collections", "commission", "lift"},
    "budget": {"spend", "line_total", "minimum", "maximum", "headroom"},
    "lift": {"lift"},
    "supply": {"delivered"},
    "won": set(),
}
"""Columns of money of the tables that are not rounded for people."""
ROUNDED = {"quota", "commission_80", "commission_100", "commission_120"}
"""Columns of theirs that are rounded all the same, or follow from what is."""


@pytest.mark.parametrize("name", [*QUICK, "software"])
def test_smaller_money(name: str, tmp_path: Path) -> None:
    """In a currency of a thousandth the plan is the same at every level, with money a thousand times as much."""
    plan = solve(load(in_thousandths(write(name, tmp_path / name))))
    words = {"contribution", "beyond", "total", "unfair", "peak"}
    wanted = {n: v * (1000 if n.split()[-1] in words else 1) for n, v in goals(plain(name)).items()}
    assert goals(plan) == pytest.approx(wanted, rel=1e-9, abs=1e-6)
    for table, money in OUTPUT.items():
        before, after = plain(name)[table], plan[table]
        assert list(after) == list(before)
        numbers = [c for c in before if pd.api.types.is_float_dtype(before[c]) and c not in ROUNDED]
        largest = max((float(before[c].abs().max()) for c in numbers if c in money and len(before)), default=0.0)
        for column in numbers:
            factor = 1000.0 if column in money else 1.0
            if table == "targets":  # in the unit of their metric
                factor = np.where(before["metric"].isin(MONEY), 1000.0, 1.0)
            amounts = before[column].to_numpy() * factor
            size = 1000.0 * largest if column in money else float(np.abs(amounts).max(initial=0.0))
            assert after[column].to_numpy() == pytest.approx(amounts, rel=1e-9, abs=1e-9 * size, nan_ok=True), (
                table,
                column,
            )


# One that has more


@pytest.mark.parametrize("name", [*QUICK, "software"])
def test_an_idle_rep(name: str, tmp_path: Path) -> None:
    """One more rep without clients, whom nobody is given, makes no goal worse."""
    folder = write(name, tmp_path / name)
    idle = {"rep": "zoe", "unit": rows_of(folder, "reps")[0]["unit"], "hours_per_day": "8", "max_clients": "0"}
    plan = solve(load(edit(folder, lambda table, rows: [*rows, idle] if table == "reps" else rows)))
    assert not worse(plain(name), plan)


def times(table: str, column: str, factor: float, **key: str) -> Change:
    """Multiply the numbers of a column, in the rows that have the key."""

    def change(name: str, rows: Rows) -> Rows:
        for row in rows if name == table else []:
            if row.get(column) and all(row[k] == v for k, v in key.items()):
                row[column] = str(float(row[column].replace(",", "")) * factor)
        return rows

    return change


def without(table: str) -> Change:
    """Drop the rows of a table."""
    return lambda name, rows: [] if name == table else rows


RELAXED: dict[str, Change] = {
    "twice the money": times("budget", "maximum", 2),
    "ten times the incentives": times("budget", "maximum", 10, category="incentive"),
    "no money that must be spent": times("budget", "minimum", 0),
    "twice the hours of experts": times("resources", "hours", 2),
    "twice the deliveries": times("supply", "maximum", 2),
    "higher caps": times("reps", "quota_max", 1.5),
    "lower floors": times("reps", "quota_min", 0.5),
    "more visits a day": times("reps", "visits_per_day", 2),
    "no pins": without("pins"),
}
"""Limits that give way."""


@pytest.mark.parametrize("name", QUICK)
def test_limits_that_give_way(name: str, tmp_path: Path) -> None:
    """Where a limit gives way no goal of any level is worse, unless one before it gains."""
    lost, plans = {}, 0
    for n, (limit, change) in enumerate(RELAXED.items()):
        folder = edit(write(name, tmp_path / str(n)))
        before = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
        edit(folder, change)
        if before != {path.name: path.read_bytes() for path in folder.glob("*.csv")}:
            lost[limit] = worse(plain(name), solve(load(folder)))
            plans += 1
    assert plans > 1
    assert not {limit: goal for limit, goal in lost.items() if goal}


@pytest.mark.parametrize(("key", "value"), [("peak", 3.0), ("fairness", {"by": "potential", "band": 0.5})])
@pytest.mark.parametrize("name", ["levels", "market", "quotas"])
def test_a_wider_setting(name: str, key: str, value: object, tmp_path: Path) -> None:
    """A higher peak and a wider band make no goal of any level worse, unless one before it gains."""
    folder = setting(write(name, tmp_path / name), key, value)
    assert not worse(plain(name), solve(load(folder)))
