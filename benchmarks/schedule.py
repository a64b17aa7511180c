"""Time the schedule: ``python benchmarks/schedule.py 100 1000 [--equal] [--workers N] [--format parquet] [--naive SECONDS]``.

Rep-years are generated with a plan that plans just what is promised: four tiers (weekly, twice a month, monthly, quarterly),
spacing, five areas, leave and backups, 85 % of the selling time. Timed is the way from the plan's frames to a written
``visits.csv``, and how much of it the writing takes.
``--naive N`` dates one rep's year as a user would write it for CP-SAT: a Boolean for every visit and day, N seconds at most.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from allocator.model import Model
from allocator.reading import load
from allocator.visits import stream
from allocator.visits.writing import CsvWriter, ParquetWriter

ROOT = Path(__file__).resolve().parents[1]
TIERS = (
    ("A", 1, "week", 70, 4, 5),
    ("B", 2, "month", 60, 7, 16),
    ("C", 1, "month", 55, 14, 26),
    ("D", 1, "quarter", 35, 30, 125),
)
"""Tier, visits, per, minutes, spacing in days, clients a rep: about 1,460 visits a rep in a year."""
FIGURES = ("promised", "scheduled", "unplaced", "visits", "reps", "reps_by_rows", "repaired", "cost", "bound")


def rep_years(reps: int, *, equal: bool = False, seed: int = 0) -> tuple[Model, dict[str, pd.DataFrame]]:
    """Return a model of ``reps`` rep-years, and the frames of a plan that plans its promises.

    With ``equal`` all visits take 51 minutes.
    """
    rng = np.random.default_rng(seed)
    base = load(ROOT / "models" / "pocket")
    settings = base.settings.model_copy(update={"start": "2026-01", "months": 12})
    rep = np.array([f"R{i:05d}" for i in range(reps)], object)
    partner = rep[np.minimum(np.arange(reps) ^ 1, reps - 1)]
    people = base["reps"].iloc[[0] * reps].reset_index(drop=True)
    people = people.assign(rep=rep, backup=np.where(partner == rep, "", partner), hours_per_day=8.0, selling_share=0.75)
    first = pd.Timestamp("2026-01-05") + pd.to_timedelta(rng.integers(0, 340, reps), unit="D")
    leave = pd.DataFrame({"rep": rep, "from": first, "to": first + pd.to_timedelta(rng.integers(0, 3, reps), unit="D")})
    tiers = base["tiers"].iloc[[0] * len(TIERS)].reset_index(drop=True)
    for k, column in enumerate(("tier", "visits", "per", "minutes", "spacing_days")):
        tiers[column] = [t[k] for t in TIERS]
    if equal:
        tiers["minutes"] = 51
    each = np.array([t[5] for t in TIERS])
    tier = np.tile(np.repeat([t[0] for t in TIERS], each), reps)
    owner = np.repeat(rep, each.sum())
    clients = base["clients"].iloc[[0] * len(owner)].reset_index(drop=True)
    code = np.char.add("K", np.char.zfill(np.arange(len(owner)).astype(str), 8)).astype(object)
    area = np.array([f"area-{k}" for k in range(5)], object)[rng.integers(0, 5, len(owner))]
    clients = clients.assign(client=code, tier=tier.astype(object), owner=owner, area=area, count=1)
    tables = {name: base[name].iloc[:0] for name in base.tables if name not in ("model", "units")}
    tables |= {"reps": people, "leave": leave, "tiers": tiers, "clients": clients, "units": base["units"]}
    model = replace(base, name=f"{reps} reps", settings=settings, tables={**base.tables, **tables})
    group = owner + "/" + tier.astype(object)
    assignments = pd.DataFrame({"client": code, "rep": owner, "backup": "", "from": "", "to": "", "group": group})
    return model, {"effort": plan(model, rep, each), "assignments": assignments}


def plan(model: Model, rep: np.ndarray, each: np.ndarray) -> pd.DataFrame:
    """Return the ``effort`` of a plan that plans what is promised."""
    weeks, months = model.calendar.weeks, model.calendar.months
    often = {"week": weeks.astype(float), "month": np.ones(12), "quarter": np.full(12, 1 / 3)}
    by_tier = np.stack([t[1] * often[t[2]] * n for t, n in zip(TIERS, each, strict=True)])
    r, k, t = (x.ravel() for x in np.meshgrid(np.arange(len(rep)), np.arange(len(TIERS)), np.arange(12), indexing="ij"))
    tier = np.array([x[0] for x in TIERS], object)[k]
    planned = by_tier[k, t]
    return pd.DataFrame({
        "rep": rep[r],
        "tier": tier,
        "group": rep[r] + "/" + tier,
        "month": np.array(months, object)[t],
        "promised": planned,
        "planned": planned,
        "minutes": planned * model["tiers"]["minutes"].to_numpy(float)[k],
        "first_visits": 0.0,
        "executive": 0.0,
    })  # fmt: skip


def measure(reps: int, workers: int | None, *, equal: bool, form: str = "csv") -> dict[str, float]:
    """Seconds and figures from a plan's frames to written visits."""
    model, tables = rep_years(reps, equal=equal)
    memory = Memory()
    memory.start()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    others = before.ru_utime + before.ru_stime
    started, processor = time.perf_counter(), time.process_time()
    total: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        writer = {"csv": CsvWriter, "parquet": ParquetWriter}[form]
        paths = [Path(folder) / f"{name}.{form}" for name in ("visits", "unplaced")]
        with writer(paths[0]) as visits, writer(paths[1]) as unplaced:
            for part in stream(model, tables, workers=workers):
                begun, busy = time.perf_counter(), time.process_time()
                visits.write(part.visits)
                unplaced.write(part.unplaced)
                total["writing"] = total.get("writing", 0.0) + time.perf_counter() - begun
                total["writing_processor"] = total.get("writing_processor", 0.0) + time.process_time() - busy
                for key in FIGURES:
                    total[key] = total.get(key, 0) + part.figures[key]
        total["megabytes"] = paths[0].stat().st_size / 1e6
    total["seconds"] = time.perf_counter() - started
    memory.stop.set()
    memory.join()
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    total["processor_seconds"] = time.process_time() - processor + children.ru_utime + children.ru_stime - others
    return {**total, "peak_mb": own.ru_maxrss / 1024, "together_mb": memory.peak / 1e6}


class Memory(threading.Thread):
    """Watch the memory of this process and its children together, twice a second (from /proc; elsewhere the peak is 0)."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stop, self.peak = threading.Event(), 0

    def run(self) -> None:
        """Watch until told to stop."""
        while not self.stop.wait(0.5):
            self.peak = max(self.peak, self.now())

    @staticmethod
    def now() -> int:
        """Bytes that are resident now."""
        parents: dict[int, int] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        mine = {os.getpid()}
        while more := {p for p, parent in parents.items() if parent in mine} - mine:
            mine |= more
        total = 0
        for process in mine:
            with contextlib.suppress(OSError):
                total += int((Path("/proc") / str(process) / "statm").read_text().split()[1])
        return total * resource.getpagesize()


def naive(seconds: float) -> str:
    """One rep's year in CP-SAT as a user would write it; returns what came of it."""
    from ortools.sat.python import cp_model

    model, tables = rep_years(1)
    calendar = model.calendar
    days = np.flatnonzero(calendar.working).tolist()
    iso = calendar.days.isocalendar()
    week = (iso["year"] * 100 + iso["week"]).to_numpy()
    keys = {"week": week, "month": calendar.day_month, "quarter": calendar.day_month // 3}
    started = time.perf_counter()
    program = cp_model.CpModel()
    load_of: dict[int, list[object]] = {d: [] for d in days}
    for client, tier in model["clients"][["client", "tier"]].itertuples(index=False):
        _t, visits, per, minutes, gap, _n = next(t for t in TIERS if t[0] == tier)
        seen = {d: program.new_bool_var(f"{client} {d}") for d in days}
        for w in np.unique(keys[per][days]):
            program.add(sum(seen[d] for d in days if keys[per][d] == w) == visits)
        for d in days:
            program.add(sum(seen[e] for e in days if d <= e < d + gap) <= 1)
            load_of[d].append(minutes * seen[d])
    most = program.new_int_var(0, 360, "fullest day")
    for d in days:
        program.add(sum(load_of[d]) <= most)
    program.minimize(most)
    built = time.perf_counter() - started
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = seconds
    status = solver.status_name(solver.solve(program))
    taken = time.perf_counter() - started
    return f"naive CP-SAT, one rep's year: {status} after {taken:.1f} s ({built:.1f} s of it building), {len(tables)} frames"


def main(arguments: list[str]) -> None:
    """Read the command line and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("reps", type=int, nargs="*")
    parser.add_argument("--equal", action="store_true", help="all visits of one length")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--format", dest="form", choices=("csv", "parquet"), default="csv")
    parser.add_argument("--naive", type=float, metavar="SECONDS")
    chosen = parser.parse_args(arguments)
    for reps in chosen.reps:
        figures = measure(reps, chosen.workers, equal=chosen.equal, form=chosen.form)
        print(f"{reps} reps: " + ", ".join(f"{k} {v:,.1f}" for k, v in figures.items()))  # noqa: T201
    if chosen.naive:
        print(naive(chosen.naive))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
